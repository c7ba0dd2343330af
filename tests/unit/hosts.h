/* Small hosts built by hand, for tests of pure rules. */
#pragma once

#include "model/snapshot.h"

/* An Intel 82576 (igb) "enp1s0" at 0000:01:00.0 with `vfs` VFs at 01:10.0, 10.2 … as the kernel numbers them, each in an
 * IOMMU group of its own; a virtio disk 0000:00:01.0 with the root file system; interrupt remapping on. */
Snapshot *host_igb(unsigned vfs);
/* The PF and one VF of it, to be changed by a test before the rules see the host. */
Dev *host_pf(Snapshot *host);
Dev *host_vf(Snapshot *host, unsigned index);
VfState *host_vf_state(Snapshot *host, unsigned index);
