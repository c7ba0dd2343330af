/* One change from beginning to end: lock, recover, read, plan, act. What every changing verb calls, and later the
 * daemon; nothing else puts these five together.
 *
 *     Change *change = change_begin(&options, want, &error);     lock, ledger, recovery, snapshot, leases
 *     Plan *plan = change_plan(change, want, guest, &error);      pure
 *     change_act(change, plan, &error);
 *     change_free(change);                                        unlock
 */
#pragma once

#include "act/act.h"
#include "plan/plan.h"

typedef struct {
        Io *io;                 /* borrowed */
        const char *ledger_dir; /* NULL: the default */
        bool dry_run;           /* no lock, no recovery, nothing written */
        unsigned lock_timeout_ms;   /* 0: 60 s */
        unsigned detach_timeout_ms; /* 0: 30 s */
        void (*progress)(void *user, const Plan *plan, unsigned step, bool done, int64_t usec);
        void (*told)(void *user, const char *line); /* what recovery did, line by line; may be NULL */
        void *user;
} ChangeOptions;

typedef struct Change Change;

/* Locks what `want` is about: the PF of its device (one writer a PF), or every PF when it names none or takes a group
 * along. Then finishes what a crashed process left, and reads the host. */
Change *change_begin(const ChangeOptions *options, const Want *want, GError **error);
void change_free(Change *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Change, change_free)

const Snapshot *change_host(const Change *change);
const GPtrArray *change_leases(const Change *change);

/* The plan for `want`; `guest` as in PlanInput. The VFIO driver the kernel names is looked up here. */
Plan *change_plan(Change *change, const Want *want, const GuestInfo *guest, GError **error);
bool change_act(Change *change, const Plan *plan, GError **error);

/* All of it for a want that needs no more: *ret_plan (may be NULL) is set whenever a plan was made, refused or not. With
 * dry_run it stops after the plan. A guest named by the want is read through guest/. */
bool change_do(const ChangeOptions *options, const Want *want, Plan **ret_plan, GError **error);

/* Only the recovery, for `vfadm recover`. */
bool change_recover(const ChangeOptions *options, GError **error);
