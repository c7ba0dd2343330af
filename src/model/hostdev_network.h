/* A network of VFs as a virtualisation service keeps it (libvirt's <forward mode='hostdev'>): each guest's NIC that names the
 * network gets a free VF of its list when the guest starts. */
#pragma once

#include "model/pci.h"

#include <glib.h>
#include <stdbool.h>

/* A VF that the network has given out, or that is held in it so that it is not: libvirt's network ports. */
typedef struct {
        PciAddr host;
        char *owner; /* the guest's name; of one that vfadm holds, HOSTDEV_HOLDER */
        char *uuid;  /* the port's */
} HostdevPort;

#define HOSTDEV_HOLDER "vfadm" /* the owner's name of ports that vfadm makes */

typedef struct {
        char *name;
        char *pf;          /* <pf dev='enp1s0'>: all VFs of this PF; NULL: the list is written out */
        GArray *addresses; /* PciAddr, in order: the VFs that it hands out. With `pf` those that it knew when it was started */
        bool managed, active, autostart, persistent;
        GPtrArray *ports;  /* HostdevPort* */
} HostdevNetwork;

HostdevNetwork *hostdev_network_new(const char *name);
void hostdev_network_free(HostdevNetwork *network);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HostdevNetwork, hostdev_network_free)

bool hostdev_network_has(const HostdevNetwork *network, PciAddr vf);
const HostdevPort *hostdev_network_port(const HostdevNetwork *network, PciAddr vf);

/* All but the ports in one line, the same for the same network, as a step's fact: "active autostart managed pf=enp1s0
 * 0000:01:10.0 0000:01:10.2". The name is not in it. The caller frees. */
char *hostdev_network_format(const HostdevNetwork *network);
/* Reads that line. NULL with LEDGER when it is none. */
HostdevNetwork *hostdev_network_parse(const char *name, const char *text, GError **error);
