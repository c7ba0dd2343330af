/* What the text and the JSON about one device share. Inside show/. */
#pragma once

#include "show/columns.h"

/* The bridges above a device, from the one next to it up to the root. Borrowed Dev*. */
GPtrArray *device_bridges(const Snapshot *host, const Dev *dev);
/* The VfInfo of a VF, also when it is missing; NULL when its PF has none. */
const VfInfo *device_vf_info(const Snapshot *host, const Dev *dev);

/* The use by a guest that is no process here (a domain of Xen's), or NULL. */
const Use *device_guest(const Dev *dev);

/* "root port", "endpoint", "conventional PCI" … */
const char *pcie_type_word(PcieType type);
/* "8 GT/s" for the link speed codes of config space; NULL for an unknown one. */
const char *link_speed_word(unsigned speed);
const char *intremap_word(IntRemap intremap);
