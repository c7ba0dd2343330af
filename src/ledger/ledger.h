/* The ledger: leases, and the journal of plans under way. One SQLite database, by default
 * /var/lib/vfadm/ledger.db (schema in schema.sql).
 *
 * Guarantees, each tested:
 *  - a plan's intent (ledger_begin) and its end (ledger_end) are on the disk before the call returns
 *    (synchronous=FULL); progress marks survive a killed process but not a power cut: after a power cut the kernel's
 *    own state is gone too, and the boot id says so;
 *  - a lease is made and dropped in the same transaction as the mark of the step that does it;
 *  - a device has at most one lease (unique index); ids grow for ever;
 *  - a damaged database is never written to or replaced: every call says LEDGER and where it lies.
 */
#pragma once

#include "model/lease.h"
#include "model/step.h"
#include "model/tally.h"

typedef struct Ledger Ledger;

typedef enum {
        MARK_PLANNED, /* not begun */
        MARK_DOING,   /* begun: the fact may be `from`, `to` or on the way */
        MARK_DONE,    /* verified */
        MARK_UNDONE,  /* walked back */
} StepMark;

typedef struct {
        Step *step;
        StepMark mark;
} JournalStep;

typedef struct {
        int64_t id;
        char *verb, *summary;
        int64_t created;
        char *boot_id;
        int pid;            /* who runs it */
        uint64_t pid_start;
        GPtrArray *steps;   /* JournalStep* */
} JournalPlan;

/* `dir` NULL: the default. Made (0700) if missing unless `read_only`; a reader of a missing ledger gets an empty one. */
Ledger *ledger_open(const char *dir, bool read_only, GError **error);
void ledger_free(Ledger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ledger, ledger_free)
/* Renames a damaged ledger aside (ledger.db.damaged-1, -2 …) so that the next open makes a new one; *ret is its name. */
bool ledger_set_aside(const char *dir, char **ret, GError **error);

/* All leases, by id: Lease*, the caller's. */
GPtrArray *ledger_leases(Ledger *ledger, GError **error);
/* Changes all of a lease but its id and device, if `id` still is that lease: NOT_FOUND when it has ended. */
bool ledger_update_lease(Ledger *ledger, const Lease *lease, GError **error);

/* Writes the intent. `pid`/`pid_start`/`boot_id` name the process that runs the plan. */
bool ledger_begin(Ledger *ledger, const Plan *plan, const char *boot_id, int pid, uint64_t pid_start, int64_t *ret_id, GError **error);
bool ledger_mark(Ledger *ledger, int64_t plan, unsigned step, StepMark mark, GError **error);
/* Mark a STEP_LEASE step and bring its lease about in one transaction: `lease` is inserted (its id is set) or, when
 * `drop` is given, that id is dropped. With both, and the lease's own id as `drop`, that lease goes on as `lease` says:
 * NOT_FOUND when it has ended. */
bool ledger_mark_lease(Ledger *ledger, int64_t plan, unsigned step, StepMark mark, Lease *lease, int64_t drop, GError **error);
/* A step of this plan was done and verified, and took so long. Kept in memory until ledger_end() counts it: the times of a plan whose
 * process dies are not counted. */
void ledger_took(Ledger *ledger, int64_t plan, StepKind kind, int64_t usec);
/* "done" or "undone": the plan leaves the list of unfinished ones, and is counted. */
bool ledger_end(Ledger *ledger, int64_t plan, bool done, GError **error);

/* What was counted since this ledger was made. NULL with the error. */
Tally *ledger_tally(Ledger *ledger, GError **error);

/* Plans that were begun and not ended: JournalPlan*, newest first. */
GPtrArray *ledger_unfinished(Ledger *ledger, GError **error);
void journal_plan_free(JournalPlan *plan);
