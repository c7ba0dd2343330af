/* Reads a machine into one snapshot. Only reads; each source has its own file. */
#pragma once

#include "io/io.h"
#include "model/snapshot.h"

/* What to read besides identity, driver, group, SR-IOV links and network device names. */
typedef enum {
        HOST_CAPS = 1 << 0,     /* config space */
        HOST_VF_STATE = 1 << 1, /* admin state of each PF's VFs, one netlink question a PF */
        HOST_USES = 1 << 2,     /* who uses a device */
        HOST_NAMES = 1 << 3,    /* vendor and device names from the hwdb */
        HOST_EVERYTHING = 0xf,
        HOST_SETUP = 1 << 5,     /* model/setup.h, and the resources of PFs and of the bridges above them */
        HOST_DOCTOR = HOST_EVERYTHING | HOST_SETUP, /* what checks need */
        HOST_VF_BRIEF = 1 << 6,  /* with HOST_CAPS: of VFs only the first 256 bytes of config space, without extended capabilities */
        HOST_OPEN_DISKS = 1 << 4, /* with HOST_USES: who has a disk open without a mount (a guest on /dev/nvme0n1); looks into
                                     every process, so only for those who are about to take a device away */
} HostWhat;

/* NULL only when there is nothing to read at all (no sys/bus/pci); a device that vanishes meanwhile is left out,
 * what may not be read is told in snapshot->notes. */
Snapshot *host_read(Io *io, unsigned what, GError **error);
/* A second look, right before functions are taken from whoever uses them: a snapshot of these functions alone (their VFs have
 * no numbers), with their uses and who has their disks open. As cheap as can be: a list that none of them can be in is not read.
 * A function that has gone is left out. */
Snapshot *host_read_uses(Io *io, const PciAddr *addrs, unsigned n);
/* A VF and its PF alone, with their network devices: what can be asked for each VF that appears, however many there are. Without the
 * VF when its PF does not list it (any more). */
Snapshot *host_read_vf(Io *io, PciAddr vf);

/* Xen is below this host, which is its dom0. One small read. */
bool host_is_xen_dom0(Io *io);

/* The processes in /proc are the host's, not those of a container only. Where nothing can be told (a recorded host): yes. */
bool host_sees_processes(Io *io);
