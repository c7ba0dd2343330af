/* What a host does at boot and findings say of it; and the checks of persistence.c's table that live elsewhere.
 * Inside doctor/. */
#pragma once

#include "doctor/report.h"
#include "model/mechanism.h"

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
