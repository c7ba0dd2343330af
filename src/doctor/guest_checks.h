/* Checks of guests have their rows in guest.c's table; those that are not there themselves, and what they share. Inside
 * doctor/. */
#pragma once

#include "doctor/report.h"

/* guest_devices.c: the ledger's word against what the guest, its process and the guest agent say. */
void check_guest_detach_pending(Doctor *doctor);
void check_guest_drift(Doctor *doctor);
void check_guest_gone(Doctor *doctor);
void check_guest_driver(Doctor *doctor);

/* guest_reach.c */
void check_guest_libvirt(Doctor *doctor);
void check_guest_socket(Doctor *doctor);
void check_guest_monitor(Doctor *doctor);
void check_guest_agent(Doctor *doctor);
void check_guest_paused(Doctor *doctor);

/* How many devices it has, by whoever knows of more. */
unsigned guest_devices(const GuestInfo *guest);
/* The ledger says that the guest has a device. */
bool guest_has_lease(const Doctor *doctor, const GuestInfo *guest);
/* In a report of the whole host only guests that have, or were given, a device are spoken of. */
bool guest_concerned(const Doctor *doctor, const GuestInfo *guest);

Finding *report_guest(Doctor *doctor, Severity severity, const GuestInfo *guest, const char *what, ...)
        G_GNUC_PRINTF(4, 5);

/* What a check of guests is: it says of one guest whether it is worth a word, and the OK is said once of all. */
typedef enum { GUEST_SKIPPED, GUEST_FINE, GUEST_ILL } Verdict;
/* `fine`: said when there is a guest that is fine and none that is not; NULL: nothing. */
void each_guest(Doctor *doctor, Verdict (*look)(Doctor *, const GuestInfo *), const char *fine);
