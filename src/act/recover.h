/* A recovery under way: what recover.c (plans), recover_leases.c, recover_books.c and recover_xen.c share. Private to act/. */
#pragma once

#include "act/act.h"
#include "model/books.h"

enum { PF_LOCK_MS = 5 * 1000 };

typedef struct {
        ActContext *act;
        GPtrArray *told;     /* may be NULL */
        GHashTable *held;    /* device name: has a part in a plan that is not ended */
        GString *failed;     /* what went wrong, for the error */
        int code;            /* its kind */
        Snapshot *host;      /* who uses what; NULL: to be read (again) */
        bool asked;          /* for the books: once is enough */
        Books *books;        /* of the service that is here; NULL: none, or it could not be asked */
        GHashTable *guests;  /* of the books: const GuestInfo* by uuid and by reference */
        Books *fresh;        /* Xen's, as they were right before the host was read last; NULL: this host is no dom0 */
} Recovery;

void recovery_tell(Recovery *recovery, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Something went wrong that is not merely somebody's use of a device, or a guest that keeps it: recovery as a whole fails. */
void recovery_tell_failure(Recovery *recovery, const char *what, const GError *problem);
/* A plan that is under way, or could not be ended, has a part in this device. */
bool recovery_holds(const Recovery *recovery, PciAddr dev);
bool recovery_same_boot(const ActContext *act, const char *boot_id);
/* The host as it is now, with the uses that only Xen's books tell. What recovery looks at before it touches anything. */
Snapshot *recovery_read_host(Recovery *recovery, unsigned what, GError **error);
/* The books that belong to that host. NULL: none. */
const Books *recovery_plan_books(Recovery *recovery);
/* IN_USE: somebody uses it. NULL is unused. */
bool recovery_check_unused(const Dev *dev, GError **error);

/* ---- leases ---- */

typedef enum {
        LEASE_KEEP,
        LEASE_DROP,      /* the machine was rebooted: only the ledger still knows of it */
        LEASE_GIVE_BACK,
} LeaseVerdict;

/* The lease may have to be ended or mended. Cheap. */
bool lease_needs_look(const ActContext *act, const Lease *lease);
void recover_leases(Recovery *recovery, const GPtrArray *leases);
/* Reads the machine and runs the plan that gives back what is leased, or drops the lease; its PF is locked. `info` is the guest
 * that still runs, or NULL. */
bool lease_end(Recovery *recovery, const Lease *lease, const GPtrArray *leases, LeaseVerdict verdict, const GuestInfo *info, GError **error);

/* What is done about a lease, as the ledger has it while its PF is locked; all `leases` with it. `user` is the caller's own. */
typedef bool (*RecoveryDeed)(Recovery *recovery, const Lease *now, const GPtrArray *leases, const void *user, GError **error);
/* Locks the lease's PF and does that, unless the lease has ended meanwhile: whoever held the lock may have given the device back, and
 * somebody else may have it now. */
bool recovery_with_lease(Recovery *recovery, const Lease *lease, RecoveryDeed deed, const void *user, GError **error);

/* ---- the service's books ---- */

/* NULL: there are none, or they could not be read, which is told. */
const Books *recovery_books(Recovery *recovery);
/* By its uuid where it is known, else by name. */
const GuestInfo *recovery_guest(Recovery *recovery, const Lease *lease);
/* It is of a service that keeps definitions. */
bool lease_is_of_service(const Lease *lease);
/* A lease that stands in a definition, or whose guest may have lost the device while it runs. */
void recover_config_lease(Recovery *recovery, const Lease *lease);
/* The lease, its PF locked, as the books say (`next`, which this may change; NULL: nobody has the device any more): brought along in the
 * ledger, set again after a reboot, or ended. `guest` as it was just read, or NULL. */
bool recovery_mend(Recovery *recovery, const Lease *lease, Lease *next, const GPtrArray *leases, const GuestInfo *guest, GError **error);
bool lease_goes_on_so(const Lease *lease, const Lease *next);
/* A lease that could not be mended: told. */
void recovery_tell_lease(Recovery *recovery, const Lease *lease, const GError *problem);
/* A lease of a domain of Xen's, which is no process and so is looked up in Xen's books. */
void recover_xen_lease(Recovery *recovery, const Lease *lease);
/* What vfadm holds in networks: let go of what nobody needs held, held again what a restarted network forgot. */
void recover_holds(Recovery *recovery);
