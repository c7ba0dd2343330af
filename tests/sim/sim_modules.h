/* The simulated services in the place of vfadm's loadable modules. */
#pragma once

#include "guest/module.h"

extern const GuestBackend sim_virt_backend, sim_xen_backend;

/* As on a host where the package of this module was not installed; NULL: all are. It holds until it is said otherwise. */
void sim_module_missing(const char *name);
