/* What a virtualisation service has given out by its own books, held against the ledger and the pools: what 'vfadm import' shows
 * and adopts. Pure. */
#pragma once

#include "model/books.h"
#include "model/lease.h"
#include "model/pool.h"
#include "model/snapshot.h"

typedef enum {
        GIVEN_ADOPTED,     /* the ledger has a lease that says the same, or a pool keeps the network that gave it, or is it */
        GIVEN_NOT_ADOPTED,
        GIVEN_CONFLICT,    /* somebody else has it by the ledger, by the books, or right now */
} GivenState;

/* A device of a guest, a NIC that gets a VF of a network at each start, or a network of VFs. All but `why` is borrowed. */
typedef struct {
        const GuestInfo *guest;                /* NULL: a network */
        const HostdevNetwork *network;         /* the network itself; of a guest's NIC the one that gives its VF, NULL: none, or not in the books */
        const GuestDevice *live, *defined;     /* a guest's: as it runs, and in its definition; one of them at least */
        const Dev *dev;                        /* NULL: no certain function, or none that is here */
        const Lease *lease;                    /* of `dev` */
        GivenState state;
        char *why; /* of what is in conflict, or cannot be adopted, the reason: "leased to qemu:db (lease 3)"; else NULL */
} Given;

/* Given*: guests first, each with what it runs with and then what it is only defined with. `pools` may be NULL. */
GPtrArray *given_list(const Books *books, const Snapshot *host, const GPtrArray *leases, const GPtrArray *pools);
/* What is shown of it: the running guest's, or else the definition's. NULL for a network. */
const GuestDevice *given_device(const Given *given);
/* It is of the guest or the network of this name ("libvirt:web1" or "web1"). */
bool given_is_of(const Given *given, const char *ref);
/* The pool that keeps such a network; NULL, with the reason in *why (the caller frees), when none can. */
Pool *given_pool(const HostdevNetwork *network, const Snapshot *host, char **why);
const char *given_state_word(GivenState state); /* "adopted", "not adopted", "in conflict" */
