/* The table of backends, and guests by name over all of them. */
#include "guest/guest.h"

#include "base/error.h"
#include "guest/qemu.h"

static const GuestBackend *const backends[] = {&qemu_backend};

/* Known to people, not to this vfadm. */
static const char *const missing[] = {"libvirt", "xen"};

const GuestBackend *guest_backend(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(backends); i++)
                if (g_str_equal(backends[i]->name, name))
                        return backends[i];
        return NULL;
}

static void set_unknown_backend(const char *ref, const char *backend, GError **error) {
        for (size_t i = 0; i < G_N_ELEMENTS(missing); i++)
                if (g_str_equal(missing[i], backend)) {
                        g_set_error(
                                error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                                "%s: this vfadm has no %s backend yet; guests that it can reach are named qemu:NAME",
                                ref, backend);
                        return;
                }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s: there is no backend '%s'; name a guest as qemu:NAME",
                    ref, backend);
}

/* The two ways to look at a guest; a backend's `read` or `examine`. */
typedef GuestInfo *(*Look)(Io *io, const char *name, GError **error);

static Look look_of(const GuestBackend *backend, bool examine) {
        return examine ? backend->examine : backend->read;
}

/* A bare name: every backend is asked, one must know it. What a backend has against it counts more than that the
 * others do not know it. */
static GuestInfo *look_bare(Io *io, const char *name, bool examine, GError **error) {
        g_autoptr(GuestInfo) found = NULL;
        g_autoptr(GError) first = NULL, other = NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
                g_autoptr(GError) problem = NULL;
                g_autoptr(GuestInfo) info = look_of(backends[i], examine)(io, name, &problem);
                if (info && found) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                                    "%s: both %s:%s and %s:%s run; name one of them so", name, found->backend,
                                    found->name, info->backend, info->name);
                        return NULL;
                }
                if (info)
                        found = g_steal_pointer(&info);
                else if (!g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND) && !other)
                        other = g_steal_pointer(&problem);
                else if (!first)
                        first = g_steal_pointer(&problem);
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
                            "a guest is named as qemu:NAME, or by its bare name, without '/' and control characters");
                return NULL;
        }
        if (!backend_name)
                return look_bare(io, name, examine, error);
        const GuestBackend *backend = guest_backend(backend_name);
        if (backend)
                return look_of(backend, examine)(io, name, error);
        set_unknown_backend(ref, backend_name, error);
        return NULL;
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
        for (size_t i = 0; i < G_N_ELEMENTS(backends); i++)
                backends[i]->examine_all(io, ret, notes);
        return ret;
}

GPtrArray *guest_list(Io *io, GError **error) {
        g_autoptr(GPtrArray) ret = g_ptr_array_new_with_free_func(g_free);
        for (size_t i = 0; i < G_N_ELEMENTS(backends); i++) {
                g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
                if (!backends[i]->list(io, names, error))
                        return NULL;
                for (unsigned n = 0; n < names->len; n++)
                        g_ptr_array_add(ret, g_strdup_printf("%s:%s", backends[i]->name, (char *)names->pdata[n]));
        }
        return g_steal_pointer(&ret);
}
