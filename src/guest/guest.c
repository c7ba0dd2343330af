/* The table of backends, and guests by name over all of them. */
#include "guest/guest.h"

#include "base/error.h"
#include "guest/module.h"
#include "guest/qemu.h"

#include <string.h>

static const GuestBackend *const builtin[] = {&qemu_backend};

const GuestBackend *guest_backend(const char *name, GError **error) {
        for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++)
                if (g_str_equal(builtin[i]->name, name))
                        return builtin[i];
        return guest_module_load(name, error);
}

bool guest_backend_known(const char *name) {
        bool known = g_strv_contains(guest_module_names, name);
        for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++)
                known = known || g_str_equal(builtin[i]->name, name);
        return known;
}

/* Xen's module has nothing to say but on its dom0, and is not opened elsewhere: one whose libxenlight is gone is no
 * obstacle to others there. */
static bool module_is_for(Io *io, const char *name) {
        g_autofree char *capabilities = NULL;
        if (!guest_module_installed(name) || !g_str_equal(name, "xen"))
                return guest_module_installed(name);
        return io_read_text(io, "proc/xen/capabilities", &capabilities) >= 0 && strstr(capabilities, "control_d");
}

/* Those that are here: the builtin ones, then each module that is installed and can be loaded. Borrowed. */
static GPtrArray *backends_here(Io *io) {
        GPtrArray *ret = g_ptr_array_new();
        for (size_t i = 0; i < G_N_ELEMENTS(builtin); i++)
                g_ptr_array_add(ret, (void *) builtin[i]);
        for (const char *const *name = guest_module_names; *name; name++) {
                const GuestBackend *backend = module_is_for(io, *name) ? guest_module_load(*name, NULL) : NULL;
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

/* The ways to look at a guest. */
typedef enum { LOOK_RUNNING, LOOK_EXAMINE, LOOK_ANY } Look;

static GuestInfo *look_by(const GuestBackend *backend, Io *io, const char *name, Look how, GError **error) {
        if (how == LOOK_EXAMINE)
                return backend->examine(io, name, error);
        if (how == LOOK_ANY && backend->service)
                return backend->service->read_any(io, name, error);
        return backend->read(io, name, error);
}

/* Looking only is for the builtin ones, who see all processes, and for Xen's, whose guests are none. */
static bool looks(const GuestBackend *backend, bool module, Look how) {
        return how != LOOK_EXAMINE || !module || g_str_equal(backend->name, "xen");
}

/* A bare name: every backend is asked, one must know it. */
static GuestInfo *look_bare(Io *io, const char *name, Look how, GError **error) {
        g_autoptr(GPtrArray) backends = backends_here(io);
        g_autoptr(GuestInfo) found = NULL;
        g_autoptr(GError) first = NULL, other = NULL;
        for (unsigned i = 0; i < backends->len; i++) {
                GError *problem = NULL;
                if (!looks(backends->pdata[i], i >= G_N_ELEMENTS(builtin), how))
                        continue;
                g_autoptr(GuestInfo) info = look_by(backends->pdata[i], io, name, how, &problem);
                if (info && found) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                                    "%s: there are both %s:%s and %s:%s; name one of them so", name, found->backend,
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

static GuestInfo *look(Io *io, const char *ref, Look how, GError **error) {
        g_autofree char *backend_name = NULL, *name = NULL;
        if (!guest_ref_parse(ref, &backend_name, &name)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                            "a guest is named as qemu:NAME, libvirt:NAME or xen:NAME, or by its bare name, without '/' and control characters");
                return NULL;
        }
        if (!backend_name)
                return look_bare(io, name, how, error);
        const GuestBackend *backend = guest_backend(backend_name, error);
        return backend ? look_by(backend, io, name, how, error) : NULL;
}

GuestInfo *guest_read(Io *io, const char *ref, GError **error) {
        return look(io, ref, LOOK_RUNNING, error);
}

GuestInfo *guest_examine(Io *io, const char *ref, GError **error) {
        return look(io, ref, LOOK_EXAMINE, error);
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

GuestInfo *guest_read_any(Io *io, const char *ref, GError **error) {
        return look(io, ref, LOOK_ANY, error);
}

Books *guest_books(Io *io, GError **error) {
        for (const char *const *name = guest_module_names; *name; name++) {
                g_autoptr(GError) problem = NULL;
                if (!module_is_for(io, *name))
                        continue;
                const GuestBackend *backend = guest_module_load(*name, error);
                if (!backend)
                        return NULL;
                Books *books = backend->service ? backend->service->books(io, &problem) : NULL;
                if (books)
                        return books;
                if (problem && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED)) {
                        g_propagate_error(error, g_steal_pointer(&problem));
                        return NULL;
                }
        }
        return NULL;
}

const GuestService *guest_service(const char *ref, const char **ret_name, GError **error) {
        g_autofree char *kind = NULL, *name = NULL;

        if (!guest_ref_parse(ref, &kind, &name) || !kind) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s' does not say whose it is; name it as libvirt:NAME or xen:NAME", ref);
                return NULL;
        }
        const GuestBackend *backend = guest_backend(kind, error);
        if (!backend)
                return NULL;
        if (!backend->service) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "%s: %s keeps neither definitions of guests nor networks; libvirt does, and Xen's tools keep definitions", ref, kind);
                return NULL;
        }
        *ret_name = strchr(ref, ':') + 1;
        return backend->service;
}

char *guest_xen_log(Io *io, GError **error) {
        g_autoptr(GError) problem = NULL;
        const GuestBackend *backend = module_is_for(io, "xen") ? guest_module_load("xen", &problem) : NULL;
        char *log = backend ? backend->service->log(io, &problem) : NULL;

        if (!log && problem && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED))
                g_propagate_error(error, g_steal_pointer(&problem));
        return log;
}
