/* A simulated libvirt on the simulated machine: guests that run or are only defined, networks of VFs with their ports, and a
 * daemon that binds VFIO by itself and gives back (libvirt 11.3: virhostdev.c, virnetdev.c, network/bridge_driver.c). It is a
 * process of its own, which outlives the vfadm that asked it for something. */
#pragma once

#include "sim.h"

typedef enum {
        VIRT_NONE, /* no libvirt is here */
        VIRT_UP,
        VIRT_DOWN, /* it is here and cannot be reached */
} VirtDaemon;

/* Brings libvirt to the machine, or takes its daemon down and up again, which harms no guest. */
void sim_virt_daemon(Sim *sim, VirtDaemon daemon);
/* From operation n on (0: never) the daemon is down. */
void sim_virt_down_at(Sim *sim, unsigned n);

/* A guest that is defined, with `ports` root ports; `running` starts it. Of the manners, GOOD, SLOW, KEEPS, REFUSES and
 * NO_PLUG. */
void sim_virt_add_guest(Sim *sim, const char *name, unsigned ports, bool running, GuestManners manners);
void sim_virt_manners(Sim *sim, const char *name, GuestManners manners);
int sim_virt_pid(Sim *sim, const char *name);

/* What others do with virsh, and what happens to guests: "start", "destroy", "undefine", "rename" (`arg`: the new name),
 * "attach", "detach" (running), "define", "forget" (definition; `arg`: the element) of a guest; "net-define" (`arg`: a network as
 * hostdev_network_format() says it), "net-undefine", "net-start", "net-destroy" of a network. NULL, or libvirt's complaint;
 * the caller frees. */
char *sim_virsh(Sim *sim, const char *call, const char *name, const char *arg);
