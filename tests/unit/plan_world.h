/* What a plan is made of, for tests: the small host of hosts.h, leases, and a guest "qemu:web1" (pid 812) with one free slot. */
#pragma once

#include "plan/plan.h"

typedef struct {
        Snapshot *host;
        GPtrArray *leases;
        GuestInfo *guest;
        const char *vfio;
} World;

World world_new(unsigned vfs);
void world_clear(World *w);
/* A want for the guest qemu:web1; `words` as "mac=… vlan=…". */
Want *want(WantKind kind, const char *device, const char *words);
/* Frees `ask`, as the next two do. */
Plan *plan_of(World *w, Want *ask, GError **error);
/* The plan is not refused, and these are its steps, a line each. */
void assert_steps(World *w, Want *ask, const char *expected);
/* The plan or the want is refused, in one line that holds `says`. */
void assert_refused(World *w, Want *ask, int code, const char *says);
/* VF `vf` is leased (lease 40 + vf, pid 812) and has what the guest was given. */
void lease_out(World *w, unsigned vf, const char *guest);
