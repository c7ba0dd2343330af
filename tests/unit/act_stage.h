/* A stage for tests of act/: the small machine, a ledger of its own, and plans to run on it. */
#pragma once

#include "fake_machine.h"

#include <sys/resource.h>

typedef struct {
        char *dir;
        Machine *machine;
        ActContext act;
        GString *progress;
        rlim_t cut_at; /* when set: the disk is full from this step on */
        unsigned cut_step;
        struct rlimit before;
        int comes; /* a process that takes VF 0 as step `comes_at` begins; 0: none */
        unsigned comes_at;
} Stage;

Stage *stage_new(unsigned num_vfs);
void stage_free(Stage *stage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stage, stage_free)
Step *add_number(Plan *plan, StepKind kind, int64_t from, int64_t to);
Step *add_driver(Plan *plan, unsigned vf, const char *from, const char *from_override, const char *to, const char *to_override);
Step *add_state(Plan *plan, unsigned vf, const VfState *from, const VfState *to, unsigned mask);
Step *add_guest(Plan *plan, const char *from, const char *to);
Lease *make_lease(void);
Step *add_lease(Plan *plan);
Plan *enable_plan(void);
void assert_ran(Stage *stage, const Plan *plan);
/* Fails with this kind and a message that holds `needle`, of one line; returns the message. */
char *assert_fails(Stage *stage, const Plan *plan, int code, const char *needle);
/* What was changed since the last look. */
void assert_log(Stage *stage, const char *expected);
unsigned n_unfinished(Stage *stage);
/* The only lease in the ledger, or NULL; the caller's. */
Lease *the_lease(Stage *stage);
void assert_driver(Stage *stage, unsigned vf, const char *expected);
Plan *attach_plan(void);
Plan *detach_plan(const Lease *lease);
/* Changes whose log line begins with `prefix` fail: so many times, -1 for ever. */
void fail(Stage *stage, const char *prefix, int negative_errno, int times);
