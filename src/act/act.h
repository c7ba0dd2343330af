/* The one place that runs steps: intent into the ledger, do, read back, write the result; on failure walk back. */
#pragma once

#include "io/io.h"
#include "ledger/ledger.h"
#include "model/books.h"
#include "model/step.h"

typedef struct {
        Io *io;
        Ledger *ledger;
        const char *boot_id;
        int pid;
        uint64_t pid_start;
        /* Called before (done=false) and after each step; NULL: silence. `usec` is what the step took. */
        void (*progress)(void *user, const Plan *plan, unsigned step, bool done, int64_t usec);
        void *user;
        unsigned detach_timeout_ms; /* how long a guest may take to let go; 0: 30 s */
        bool thorough; /* act_recover: looks at a service's books even where nothing seems amiss */
        struct VfList *vfs; /* private to act/; NULL */
} ActContext;

/* Keeps every other vfadm off this PF (of a function that is no VF: off itself), from before the snapshot is read until the
 * plan has run. BUSY when another one has it for longer than `timeout_ms`. Freed by io_unlock(). */
bool act_lock(Io *io, PciAddr pf, unsigned timeout_ms, int *ret, GError **error);
/* The same for what belongs to the host as a whole: its boot parameters. */
#define ACT_BOOT_LOCK "boot"
bool act_lock_boot(Io *io, unsigned timeout_ms, int *ret, GError **error);

/* Whether whoever a lease is for still has, or may still open, what was given: its process runs, or, for a domain of Xen's, which is no process
 * here, `books` (NULL: not known, and so it may) say that it has the device. What stands in a definition alone is held by nobody. */
bool act_holder_lives(Io *io, const Books *books, const Lease *lease);

/* Runs a plan without refusals. True: every step is done and verified. False: everything was walked back (FAILED or
 * the step's own kind), or the guest has not let go (PENDING: the lease stays, marked pending), or walking back failed
 * too (HALF_DONE: stays in the journal for act_recover).
 *
 * A device that a guest has let go of is never plugged in again: when a later step of such a plan fails, the rest is walked
 * back, the lease stays marked pending, and recovery gives the device back (HALF_DONE). */
bool act_run(ActContext *act, const Plan *plan, GError **error);

/* Brings every plan that a dead process left unfinished to its end or back, then gives back the leases whose holder is
 * gone. A lease that stands in a guest's definition ("config") has no such holder: the service's books, read at most once, tell
 * whether it goes on, and so what vfadm holds in the service's networks is mended. Without books all of these stay.
 * What was done is told in `told` (char*, may be NULL). Plans of living processes are left alone.
 *
 * The rule: a plan whose steps are all done is ended; one that takes a device from a guest or out of its definition, ends a
 * lease, or turns VFs off ("disable"), goes forward;
 * every other goes back. Nothing is done to a device that a living process or the host itself uses, nor to a fact that
 * somebody has changed since: that is told. A plan of an earlier boot is ended as it is, for its facts went with the
 * reboot; so did the leases of that boot, but those of definitions. Files, definitions and networks outlive it: in a plan with such
 * steps these, and the leases, are brought to their end or back then, too.
 *
 * Takes act_lock() itself: call it with no lock held. False: something could not be brought to an end and is kept for the
 * next time (HALF_DONE, or the kind of what failed when it was walked back cleanly); all else was done. What merely is in use is told and is no failure. */
bool act_recover(ActContext *act, GPtrArray *told, GError **error);
