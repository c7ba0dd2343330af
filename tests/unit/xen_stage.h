/* What tests of act/ with Xen share: plans that give VF 0 to the domain and take it back, as plan/ makes them. */
#pragma once

#include "act_stage.h"

#define OTHER_BOOT "00000000-0000-0000-0000-000000000000"

/* dom0, with its domain running. */
Stage *xen_stage_new(void);
Lease *make_domain_lease(const Stage *stage, unsigned parts);
Step *add_assignable(Plan *plan, int64_t from, int64_t to);
/* Parts of PLUGGED and DEFINED (act_stage.h). */
Plan *domain_attach_plan(const Stage *stage, unsigned parts);
Plan *domain_detach_plan(const Lease *lease, unsigned parts);
/* A lease of it in the ledger, with all else as it is then. */
void give_to_domain(Stage *stage, unsigned parts, const char *boot_id);
/* The machine as a step leaves it. */
void make_domain_fact(Stage *stage, const Step *step);
/* Nothing is left of it: no lease, no entry, not assignable, dom0's driver back. */
void assert_domain_free(Stage *stage);
/* "live", "config", of this boot and by this uuid (NULL: none). */
void assert_domain_lease(Stage *stage, bool config, const char *guest, const char *uuid, const char *boot_id);
