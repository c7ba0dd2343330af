/* Opens backends that are loadable modules. */
#include "guest/module.h"

#include "base/error.h"

#include <dlfcn.h>
#include <unistd.h>

/* What a build without the module was made without, by Debian's name. */
static const struct {
        const char *name, *headers;
} needs[] = {{"xen", "libxen-dev"}, {"libvirt", "libvirt-dev"}};

const char *const guest_module_names[] = {"xen", "libvirt", NULL};

static const char *headers_of(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(needs); i++)
                if (g_str_equal(needs[i].name, name))
                        return needs[i].headers;
        return "its headers";
}

static char *module_path(const char *name) {
        return g_strdup_printf("%s/guest-%s.so", VFADM_MODULE_DIR, name);
}

bool guest_module_installed(const char *name) {
        g_autofree char *path = module_path(name);
        return access(path, F_OK) == 0;
}

/* Never closed: dlopen() gives the same one again, and libraries below it (libvirt's) do not survive being unloaded. */
static const GuestModule *open_module(const char *path) {
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        /* cppcheck-suppress resourceLeak ; it is to stay loaded until the process ends */
        return handle ? dlsym(handle, "guest_module") : NULL;
}

const GuestBackend *guest_module_load(const char *name, GError **error) {
        if (!g_strv_contains(guest_module_names, name)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "there is no backend '%s'; a guest is named as qemu:NAME, libvirt:NAME or xen:NAME", name);
                return NULL;
        }
        g_autofree char *path = module_path(name);
        if (!guest_module_installed(name)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "guests of %s need %s, which is not installed; install the package vfadm-%s, or, where vfadm was built by hand, build it with %s installed",
                            name, path, name, headers_of(name));
                return NULL;
        }
        const GuestModule *module = open_module(path);
        if (!module) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "guests of %s: %s cannot be loaded: %s", name, path, dlerror());
                return NULL;
        }
        if (module->abi != GUEST_MODULE_ABI) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "guests of %s: %s belongs to another version of vfadm (%d, not %d); install both of one version", name, path, module->abi,
                            GUEST_MODULE_ABI);
                return NULL;
        }
        return module->backend;
}
