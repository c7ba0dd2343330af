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

/* As a process leaves it that dies during the plan: `marks` has a letter a step (p, D for doing, d for done, u). */
int64_t die_during(Stage *stage, const Plan *plan, const char *marks, int pid, const char *boot_id);
/* Recovers, with this result (0: well), and gives what was told; the caller frees. */
char *recover(Stage *stage, int code);
/* Recovers well, and tells this among others; "": nothing. */
void assert_recovers(Stage *stage, const char *needle);
void assert_no_lease(Stage *stage);
void assert_lease(Stage *stage, LeaseState state);

/* ---- libvirt's guest "web1" and its network "pt" ---- */

enum { PLUGGED = 1 << 0, DEFINED = 1 << 1 };
/* Plans that give VF 0 to the guest, and take it back; parts of PLUGGED and DEFINED. */
Plan *service_attach_plan(unsigned parts);
Plan *service_detach_plan(const Lease *lease, unsigned parts);
Lease *make_service_lease(unsigned parts);
Step *add_hold(Plan *plan, unsigned vf, const char *from, const char *to);
Step *add_defined(Plan *plan, const char *from, const char *to);
Step *add_network(Plan *plan, const char *from, const char *to);
/* A lease of it in the ledger, with all else as it is then. */
void give_to_service(Stage *stage, unsigned parts, const char *boot_id);
/* Nothing of it is left: no lease, port, element, and the host's driver is back. */
void assert_service_free(Stage *stage);
