/* What a host does at boot, matched with the devices it has now; and the checks of persistence.c's table that live elsewhere.
 * Inside doctor/. */
#pragma once

#include "doctor/report.h"

/* One of the patterns that '|' parts fits: '*', '?' and "[a-z]" as in file names. */
bool pattern_fits(const char *pattern, const char *text);
/* It says which devices it means, and this is one of them. */
bool mechanism_means(const Mechanism *mechanism, const Dev *dev);
/* The same, or it does not say: a script with variables may be about any. */
bool mechanism_may_mean(const Mechanism *mechanism, const Dev *dev);
/* "/etc/udev/rules.d/70-vfs.rules:3" (caller frees). */
char *mechanism_place(const Mechanism *mechanism);
/* Sets where the finding was seen, and what stands there. */
void seen_mechanism(Finding *finding, const Mechanism *mechanism);
/* A device that this examination is about. */
bool dev_in_scope(const Doctor *doctor, const Dev *dev);
/* It is active and makes VFs: not one that only takes them away. */
bool makes_vfs(const Mechanism *mechanism);

/* persistence_files.c */
void check_nm_owns_vfs(Doctor *doctor);
void check_driver_override(Doctor *doctor);
void check_max_vfs(Doctor *doctor);
void check_vfio_ids(Doctor *doctor);
void check_no_move(Doctor *doctor);
void check_empty_section(Doctor *doctor);
void check_link_shadowed(Doctor *doctor);
void check_vf_dhcp(Doctor *doctor);
void check_blacklisted(Doctor *doctor);
