/* Which drivers of the running kernel would take a function: those that must come after whoever is to have it before them. */
#pragma once

#include "io/io.h"
#include "model/snapshot.h"

typedef struct {
        char **loadable; /* modules by name, '_' throughout; never NULL */
        char **builtin;  /* the same of those that are in the kernel itself */
} DriverModules;

void driver_modules_free(DriverModules *modules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DriverModules, driver_modules_free)

/* By its modalias, and the one that has it now. `release`: the kernel's; NULL: not known. */
DriverModules *host_driver_modules(Io *io, const char *release, const Dev *dev);
