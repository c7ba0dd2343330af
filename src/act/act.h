/* The one place that runs steps: intent into the ledger, do, read back, write the result; on failure walk back. */
#pragma once

#include "io/io.h"
#include "ledger/ledger.h"
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
} ActContext;

/* Runs a plan without refusals. True: every step is done and verified. False: everything was walked back (FAILED or
 * the step's own kind), or the guest has not let go (PENDING: the lease stays, marked pending), or walking back failed
 * too (HALF_DONE: stays in the journal for act_recover). */
bool act_run(ActContext *act, const Plan *plan, GError **error);

/* Brings every plan that a dead process left unfinished to its end or back, then gives back the leases whose holder is
 * gone. What was done is told in `told` (char*, may be NULL). Plans of living processes are left alone. */
bool act_recover(ActContext *act, GPtrArray *told, GError **error);
