/* A lease: one device given to one guest, with all that is needed to give it back. */
#pragma once

#include "model/pci.h"
#include "model/snapshot.h"
#include "model/vfstate.h"

#include <glib.h>
#include <jansson.h>
#include <stdint.h>

typedef enum {
        LEASE_ACTIVE,  /* the guest has it, or is just getting it */
        LEASE_PENDING, /* the guest was asked to let go and has not yet */
} LeaseState;

typedef struct {
        int64_t id; /* also its generation: grows for ever, so that a late release never meets the next owner */
        PciAddr dev;
        /* Evidence that the address still means the same function (addresses are reused). */
        uint16_t vendor, device;
        bool is_vf;
        PciAddr pf;
        unsigned vf_index;
        uint8_t pf_mac[6]; /* permanent MAC of the PF's port; zero when there is none */
        char *path;        /* sysfs path of the PF (of the device itself when it is no VF) */

        LeaseState state;
        char *guest;   /* "qemu:web1" */
        unsigned nic;  /* the guest's NIC number, from 0: part of what the MAC is derived from */
        char *guest_device; /* id inside the guest, NULL when it was on the command line */
        int pid;       /* process that holds it */
        uint64_t pid_start;
        char *boot_id;
        bool config;   /* the device is in the guest's definition: the lease outlives the guest's process, whose pid then is 0 */
        bool managed;  /* the service (libvirt) binds the driver and gives it back by itself, with the MAC and VLAN of a NIC */
        char *guest_uuid; /* names the guest for good where it has one, else NULL */
        char *pool;    /* the pool that the VF came from, or NULL */
        bool holder_lives; /* that process still runs: not kept, told by whoever reads the ledger for a plan */

        VfState given;         /* what was set for the guest */
        VfState saved;         /* what was there before */
        char *saved_driver;    /* NULL: driverless */
        char *saved_override;  /* NULL: none */
        int64_t created;       /* seconds since 1970 */
} Lease;

Lease *lease_new(void);
void lease_free(Lease *lease);
Lease *lease_copy(const Lease *lease);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lease, lease_free)

/* The identity evidence of a device, put into a lease. */
void lease_identify(Lease *lease, const Snapshot *snapshot, const Dev *dev);
/* True when the device of the snapshot is still the one that was leased. */
bool lease_fits(const Lease *lease, const Snapshot *snapshot, const Dev *dev);

/* It is of a domain of Xen's: no process of this host has it, and what becomes of it only Xen's books tell. */
bool lease_is_xen(const Lease *lease);

/* In a GPtrArray of Lease*: */
const Lease *leases_find(const GPtrArray *leases, PciAddr dev);

json_t *lease_to_json(const Lease *lease);
Lease *lease_from_json(const json_t *json, GError **error);
