/* What a plan is made of, for tests: the small host of hosts.h, leases, a guest "qemu:web1" (pid 812) with one free slot, and a
 * service's books and pools where a test needs them. */
#pragma once

#include "plan/plan.h"

typedef struct {
        Snapshot *host;
        GPtrArray *leases;
        GuestInfo *guest;
        const char *vfio;
        Books *books;     /* NULL: no service */
        GPtrArray *pools; /* Pool*; NULL: none */
} World;

World world_new(unsigned vfs);
/* The same with the guest "libvirt:web1" (pid 812, a definition, slots pci.1 taken and pci.2 free) instead, and with books that
 * know it and the guest "libvirt:db", which is off. */
World world_libvirt(unsigned vfs);
/* The same host as Xen's dom0, which shows no groups, with the PV guest "xen:web1" (domain 3, its file etc/xen/web1.cfg with a uuid) and with
 * Xen's books, which know it and the guest "xen:db", which is off; VFs are bound to igbvf. */
World world_xen(unsigned vfs);
/* "xen:db" runs with the VF, given by xl. */
void db_has_vf(World *w, unsigned vf);
/* The guest is off. */
void world_shut_off(World *w);
void world_clear(World *w);
/* A want for the guest qemu:web1; `words` as "mac=… vlan=…". */
Want *want(WantKind kind, const char *device, const char *words);
/* The same for libvirt:web1, with SCOPE_* bits. */
Want *want_libvirt(WantKind kind, const char *device, const char *words, unsigned scope);
/* The same for xen:web1. */
Want *want_xen(WantKind kind, const char *device, const char *words, unsigned scope);
/* Frees `ask`, as those that follow do. */
Plan *plan_of(World *w, Want *ask, GError **error);
/* The same for a want that is neither wrong nor refused. */
Plan *good_plan(World *w, Want *ask);
/* The n-th step of this kind, from 0; NULL: there are not so many. */
const Step *step_of(const Plan *plan, StepKind kind, unsigned n);
/* The plan is not refused, and these are its steps, a line each. */
void assert_steps(World *w, Want *ask, const char *expected);
/* The plan or the want is refused, in one line that holds `says`. */
void assert_refused(World *w, Want *ask, int code, const char *says);
/* The same with all of its words. */
void assert_refused_so(World *w, Want *ask, int code, const char *words);
/* The guest runs with the VF (in Xen's world the books know, too, and the VF is bound to pciback), or is defined with it. */
GuestDevice *guest_has_vf(World *w, unsigned vf);
GuestDevice *guest_is_defined_with(World *w, unsigned vf);
/* A pool of all VFs of the PF, started. */
Pool *world_add_pool(World *w, const char *name);
/* An active network of the books that hands out these VFs ("0 1 3"). */
HostdevNetwork *world_add_network(World *w, const char *name, const char *vfs);
/* VF `vf` is leased (lease 40 + vf, pid 812) and has what the guest was given. */
void lease_out(World *w, unsigned vf, const char *guest);
/* The same of xen:web1 (no process, pciback), as part of its definition, of its run, or of both. */
Lease *lease_out_xen(World *w, unsigned vf, bool config, bool live);
/* The driver that the VF is bound to, and the same as its override where it is one that needs that. */
void bind_vf(World *w, unsigned vf, const char *driver, bool override);
