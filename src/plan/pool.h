/* What the files of pools' plans share; no other uses it. */
#pragma once

#include "plan/rules.h"

/* As pool_network() makes it, or NULL: there shall be none. Adds the step that brings the service's network of that name to it, and
 * the holds of VFs in it that somebody has; nothing where it is so already. */
void pool_plan_network(Plan *plan, const PlanInput *input, const char *name, const HostdevNetwork *to);
/* Guests that have a VF of the network now (`live`), or are defined with it: "libvirt:db, libvirt:web". NULL: none. */
char *pool_network_guests(const Books *books, const char *name, bool live);
/* "7 VFs, 5 free": for summaries and notes. The caller frees. */
char *pool_count_text(const Pool *pool, const PlanInput *input);
/* WANT_POOL_SYNC. */
void pool_plan_sync(Plan *plan, const PlanInput *input, const Want *want);
