/* A device on its way to a guest: what the files of its plan share; no other uses it. */
#pragma once

#include "plan/rules.h"

/* One device on its way to a guest. */
typedef struct Give {
        Plan *plan;
        const PlanInput *input;
        const Want *want;
        const Dev *dev;     /* NULL: whichever the pool's network gives at each start */
        char *guest;        /* "libvirt:web1" */
        unsigned scope;     /* SCOPE_* bits; 0: lent */
        bool service;       /* a service plugs it, or keeps it in its definition */
        bool xen;           /* that service is Xen */
        bool managed;       /* libvirt binds its driver */
        bool interface;     /* for libvirt: <interface> */
        bool by_network;    /* the definition names the pool's network, not this device */
        const Lease *own;   /* the guest has the other part already: running, or by its definition */
        const Pool *pool;
        const GuestSlot *slot;
        unsigned nic;
        VfState state;
        const struct Give *before; /* the devices that the same plan gives before this one */
        unsigned n_before;
        bool together;             /* with all of its IOMMU group */
} Give;

/* Which NIC of the guest it is, and what the VF shall have: give_state.c. */
bool give_choose_nic(Give *give);
bool give_choose_state(Give *give);
/* All of them may go, and have slots: give_may.c. */
bool give_may_all_go(Give *gives, unsigned n);
/* A lease of this guest that lacks just the parts that are asked for now. */
const Lease *give_own_lease(const Give *give);
/* Of Xen's guests: give_xen.c. */
bool give_may_go_to_xen(const Give *give);
void give_note_xen(const Give *give);
