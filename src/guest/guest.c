/* The table of backends, and guests by name over all of them. */
#include "guest/guest.h"

#include "base/error.h"
#include "guest/module.h"
#include "guest/qemu.h"

static const GuestBackend *const builtin[] = {&qemu_backend};

const GuestBackend *guest_backend(const char *name, GError **error) {
        for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++)
                if (g_str_equal(builtin[i]->name, name))
                        return builtin[i];
        if (!g_str_equal(name, "xen"))
                return guest_module_load(name, error);
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "this vfadm has no xen backend yet; guests that it can reach are named qemu:NAME and libvirt:NAME");
        return NULL;
}

bool guest_backend_known(const char *name) {
        bool known = g_strv_contains(guest_module_names, name) || g_str_equal(name, "xen");
        for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++)
                known = known || g_str_equal(builtin[i]->name, name);
        return known;
}

/* Those that are here: the builtin ones, then each module that is installed and can be loaded. Borrowed. */
static GPtrArray *backends_here(void) {
        GPtrArray *ret = g_ptr_array_new();
        for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++)
                g_ptr_array_add(ret, (void *) builtin[i]);
        for (const char *const *name = guest_module_names; *name; name++) {
                const GuestBackend *backend = guest_module_installed(*name) ? guest_module_load(*name, NULL) : NULL;
                if (backend)
                        g_ptr_array_add(ret, (void *) backend);
        }
        return ret;
}

/* Why a bare name found nothing: what a backend has against it counts more than that the others do not know it. That a module's
 * own service does not run says nothing of the name. */
static void remember(GError **first, GError **other, GError *problem, bool module) {
        bool unknown = g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND) ||
                       (module && g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED));
        GError **place = unknown ? first : other;
        if (*place)
                g_error_free(problem);
        else
                *place = problem;
}

/* The two ways to look at a guest; a backend's `read` or `examine`. */
typedef GuestInfo *(*Look)(Io *io, const char *name, GError **error);

static Look look_of(const GuestBackend *backend, bool examine) {
        return examine ? backend->examine : backend->read;
}

/* A bare name: every backend is asked, one must know it. Looking only is for the builtin ones, who see all that runs. */
static GuestInfo *look_bare(Io *io, const char *name, bool examine, GError **error) {
        g_autoptr(GPtrArray) backends = backends_here();
        g_autoptr(GuestInfo) found = NULL;
        g_autoptr(GError) first = NULL, other = NULL;
        for (unsigned i = 0; i < (examine ? G_N_ELEMENTS(builtin) : backends->len); i++) {
                GError *problem = NULL;
                g_autoptr(GuestInfo) info = look_of(backends->pdata[i], examine)(io, name, &problem);
                if (info && found) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                                    "%s: both %s:%s and %s:%s run; name one of them so", name, found->backend,
                                    found->name, info->backend, info->name);
                        return NULL;
                }
                if (info)
                        found = g_steal_pointer(&info);
                else
                        remember(&first, &other, problem, i >= G_N_ELEMENTS(builtin));
        }
        if (found)
                return g_steal_pointer(&found);
        g_propagate_error(error, other ? g_steal_pointer(&other) : g_steal_pointer(&first));
        return NULL;
}

static GuestInfo *look(Io *io, const char *ref, bool examine, GError **error) {
        g_autofree char *backend_name = NULL, *name = NULL;
        if (!guest_ref_parse(ref, &backend_name, &name)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                            "a guest is named as qemu:NAME or libvirt:NAME, or by its bare name, without '/' and control characters");
                return NULL;
        }
        if (!backend_name)
                return look_bare(io, name, examine, error);
        const GuestBackend *backend = guest_backend(backend_name, error);
        return backend ? look_of(backend, examine)(io, name, error) : NULL;
}

GuestInfo *guest_read(Io *io, const char *ref, GError **error) {
        return look(io, ref, false, error);
}

GuestInfo *guest_examine(Io *io, const char *ref, GError **error) {
        return look(io, ref, true, error);
}

static void info_free(void *data) {
        guest_info_free(data);
}

GPtrArray *guest_examine_all(Io *io, GPtrArray *notes) {
        GPtrArray *ret = g_ptr_array_new_with_free_func(info_free);
        for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++)
                builtin[i]->examine_all(io, ret, notes);
        return ret;
}

GPtrArray *guest_list(Io *io, GError **error) {
        g_autoptr(GPtrArray) backends = backends_here();
        g_autoptr(GPtrArray) ret = g_ptr_array_new_with_free_func(g_free);
        for (unsigned i = 0; i < backends->len; i++) {
                const GuestBackend *backend = backends->pdata[i];
                g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
                if (!backend->list(io, names, error))
                        return NULL;
                for (unsigned n = 0; n < names->len; n++)
                        g_ptr_array_add(ret, g_strdup_printf("%s:%s", backend->name, (char *) names->pdata[n]));
        }
        return g_steal_pointer(&ret);
}
