/* One change from beginning to end: lock, recover, read, plan, act. What every changing verb calls, and later the
 * daemon; nothing else puts these five together.
 *
 *     Change *change = change_begin(&options, wants, n, &error);     ledger, recovery, lock, snapshot, leases
 *     Plan *plan = change_plan(change, wants, n, guest, &error);      pure
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

/* Finishes what a crashed process left; locks what the wants are about: the PF of each device (one writer a PF), or every
 * PF when one names none; then reads the host. */
Change *change_begin(const ChangeOptions *options, Want *const *wants, unsigned n, GError **error);
void change_free(Change *change);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Change, change_free)

/* The device that an ATTACH or LEND would take now; NULL with the reason. */
const Dev *change_choose(Change *change, const Want *want, const GuestInfo *guest, GError **error);
/* One plan for the wants; `guest` as in PlanInput. The VFIO driver the kernel names is looked up here. */
Plan *change_plan(Change *change, Want *const *wants, unsigned n, const GuestInfo *guest, GError **error);
bool change_act(Change *change, const Plan *plan, GError **error);

/* All of it for wants that need no more: *ret_plan (may be NULL) is set whenever a plan was made, refused or not. With
 * dry_run it stops after the plan. A guest named by the (first) want is read through guest/. */
bool change_do(const ChangeOptions *options, Want *const *wants, unsigned n, Plan **ret_plan, GError **error);

/* Only the recovery, for `vfadm recover`. */
bool change_recover(const ChangeOptions *options, GError **error);
