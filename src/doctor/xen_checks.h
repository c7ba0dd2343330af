/* Checks of Xen's dom0 have their rows in xen.c's table; those that are not there themselves, and what they share. All are silent on
 * hosts that are none. Inside doctor/. */
#pragma once

#include "doctor/report.h"

static inline bool on_dom0(const Doctor *doctor) {
        return doctor->host->xen_dom0 || doctor->setup->xen_dom0;
}

/* xen_log.c: what Xen and the kernel said. */
void check_xen_features(Doctor *doctor);
void check_xen_intremap(Doctor *doctor);
void check_xen_fault(Doctor *doctor);
void check_xen_swiotlb(Doctor *doctor);

/* xen_pciback.c: the driver that keeps functions for guests. */
void check_pciback_missing(Doctor *doctor);
void check_hide_typo(Doctor *doctor);
void check_hide_misplaced(Doctor *doctor);
void check_hide_not_in_force(Doctor *doctor);
void check_hide_absent(Doctor *doctor);
void check_hide_not_taken(Doctor *doctor);

/* xen_domains.c: what domains are given. */
void check_xen_permissive(Doctor *doctor);
void check_xen_unbound(Doctor *doctor);
void check_xen_twice(Doctor *doctor);
void check_xen_seize(Doctor *doctor);
void check_xen_pvh(Doctor *doctor);
void check_xen_companions(Doctor *doctor);
void check_xen_no_flr(Doctor *doctor);

extern const char explain_xen_features[], explain_xen_intremap[], explain_xen_fault[], explain_xen_swiotlb[], explain_pciback_missing[],
        explain_hide_typo[], explain_hide_misplaced[], explain_hide_not_in_force[], explain_hide_absent[], explain_hide_not_taken[],
        explain_xen_permissive[], explain_xen_unbound[], explain_xen_twice[], explain_xen_seize[], explain_xen_pvh[],
        explain_xen_companions[], explain_xen_no_flr[];

/* A line of Xen's log with all of these; its beginning, or NULL. */
bool log_has(const Doctor *doctor, const char *text);
/* Kept for, or with, a guest of Xen's: bound to pciback, or in use by one. */
bool is_xens(const Dev *dev);
