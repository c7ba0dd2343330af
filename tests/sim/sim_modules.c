/* This file is linked before guest/module.c, whose functions it has, so that guest/ finds the simulated backends and no file is opened. */
#include "sim_modules.h"

#include "base/error.h"

const char *const guest_module_names[] = {"xen", "libvirt", NULL};

/* What guest/ asks for has no machine in its hand. */
static const char *missing;

void sim_module_missing(const char *name) {
        missing = name;
}

bool guest_module_installed(const char *name) {
        return g_strv_contains(guest_module_names, name) && g_strcmp0(name, missing) != 0;
}

const GuestBackend *guest_module_load(const char *name, GError **error) {
        if (!g_strv_contains(guest_module_names, name)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "there is no backend '%s'", name);
                return NULL;
        }
        if (!guest_module_installed(name)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "guests of %s need a module that is not installed; install the package vfadm-%s",
                            name, name);
                return NULL;
        }
        return g_str_equal(name, "xen") ? &sim_xen_backend : &sim_virt_backend;
}
