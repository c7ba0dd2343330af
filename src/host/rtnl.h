/* rtnetlink messages about VFs: building and parsing. Pure but for rtnl_read_vfs(); the parsers survive any bytes. */
#pragma once

#include "io/io.h"
#include "model/snapshot.h"

/* RTM_GETLINK for one interface with its VFs and without statistics (field-facts 7). */
GByteArray *rtnl_build_get_vfs(int ifindex);
/* Parses the answer: VfInfo ordered by index. -EPROTO when it is no such answer. A VF below num_vfs that the kernel
 * left out comes back with `missing` set. */
int rtnl_parse_vfs(const void *bytes, size_t length, unsigned num_vfs, GArray **ret);
/* RTM_SETLINK for one VF with the attributes of `mask`; MIN_RATE and MAX_RATE go together as IFLA_VF_RATE, a VLAN goes
 * as IFLA_VF_VLAN (802.1Q) or IFLA_VF_VLAN_LIST (802.1ad). */
GByteArray *rtnl_build_set_vf(int ifindex, unsigned vf, const VfState *state, unsigned mask);
/* RTM_NEWLINK that sets IFF_UP or clears it. */
GByteArray *rtnl_build_link_up(int ifindex, bool up);

/* The state of a PF's VFs, retried for a short while when one is missing (in reset). */
int rtnl_read_vfs(Io *io, int ifindex, unsigned num_vfs, GArray **ret);
