/* Which functions are not kept apart from a device, told by config space alone: for a host that shows no IOMMU groups (Xen's dom0).
 * Pure. The groups of a kernel that makes them are better: it also knows hardware by its tables (field-facts 19). */
#pragma once

#include "model/snapshot.h"

typedef struct {
        GPtrArray *same_id;    /* const Dev*: their DMA carries the same requester id, and no IOMMU can tell them from the device: behind the
                                  same bridge to a conventional bus. All of them or none are given, and to one guest */
        GPtrArray *reachable;  /* const Dev*: can be reached by the device past the IOMMU: below one port, or in one slot, that does not
                                  isolate. Neither list has the device itself, bridges, or a member of the other */
        const Dev *bridge;     /* the bridge that makes an id be shared; NULL: none */
        const Dev *port;       /* the port that lets others be reached; NULL: none, or they are in the device's slot */
        bool known;            /* false: of something on the way too little of config space could be read (root only) */
} Companions;

Companions *companions_of(const Snapshot *host, const Dev *dev);
void companions_free(Companions *companions);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Companions, companions_free)

/* The parts that others use too, for devices whose `caps` were read. */
/* A bridge to another bus. */
bool dev_is_port(const Dev *dev);
/* A bridge whose other side is a conventional bus, so that those behind it have no requester id of their own. */
bool port_is_conventional(const Dev *dev);
/* ACS was within what could be read of its config space. */
bool dev_acs_known(const Dev *dev);
/* The device lies below this bridge, at any depth. */
bool dev_is_below(const Snapshot *host, const Dev *dev, const Dev *bridge);
