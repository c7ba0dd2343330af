/* Backends that need a library which not every host has: each a loadable module, opened when its guests are asked for.
 * Internal to guest/. */
#pragma once

#include "guest/guest.h"

/* Grows with every change of GuestBackend, GuestInfo or Io: a module of another vfadm is not used. */
enum { GUEST_MODULE_ABI = 3 };

/* What a module exports, as "guest_module". */
typedef struct {
        int abi;
        const GuestBackend *backend;
} GuestModule;

/* The backend of this name ("libvirt", "xen"), which stays loaded. NULL: UNSUPPORTED says why not and what to install;
 * USAGE: there is no such backend at all. */
const GuestBackend *guest_module_load(const char *name, GError **error);
/* True when the module is installed; says nothing of whether it can be loaded. */
bool guest_module_installed(const char *name);
/* Names of the backends that may come as modules, NULL-terminated, in the order in which their books are asked for. */
extern const char *const guest_module_names[];
