/* What acts on VFs at boot (setup.h), matched with the devices that a host has now. */
#pragma once

#include "model/snapshot.h"

/* One of the patterns that '|' parts fits: '*', '?' and "[a-z]" as in file names. */
bool pattern_fits(const char *pattern, const char *text);
/* It says which devices it means, and this is one of them. */
bool mechanism_means(const Mechanism *mechanism, const Dev *dev);
/* The same, or it does not say: a script with variables may be about any. */
bool mechanism_may_mean(const Mechanism *mechanism, const Dev *dev);
/* "/etc/udev/rules.d/70-vfs.rules:3" (caller frees). */
char *mechanism_place(const Mechanism *mechanism);
