/* What pci_device_group() of drivers/iommu/iommu.c makes groups of, taken apart by cause: shared requester ids (quirks of single
 * devices left out), ports without ACS, slots whose functions reach each other. */
#include "model/companions.h"

bool dev_is_port(const Dev *dev) {
        return dev->class_code >> 8 == 0x0604 || (dev->has_caps && dev->caps.header_type == 1);
}

bool port_is_conventional(const Dev *dev) {
        const PciCaps *caps = &dev->caps;
        return dev_is_port(dev) && dev->has_caps && caps->length >= 256 &&
               (caps->pcie_type == PCIE_NONE || caps->pcie_type == PCIE_TO_PCI_BRIDGE || caps->pcie_type == PCI_TO_PCIE_BRIDGE);
}

bool dev_acs_known(const Dev *dev) {
        return dev->has_caps && dev->caps.length > 256;
}

static const Dev *above(const Snapshot *host, const Dev *dev) {
        return dev->has_parent ? snapshot_get(host, dev->parent) : NULL;
}

/* Buses are nested at most 256 deep; a record could lie about it. */
enum { DEPTH_MAX = 256 };

bool dev_is_below(const Snapshot *host, const Dev *dev, const Dev *bridge) {
        const Dev *at = above(host, dev);
        for (unsigned depth = 0; at && at != bridge && depth < DEPTH_MAX; depth++)
                at = above(host, at);
        return at == bridge && at;
}

/* Root ports of Intel's chipsets that isolate without the capability, from which the kernel asks no ACS:
 * pci_quirk_intel_pch_acs_ids of drivers/pci/quirks.c. */
static bool isolates_by_quirk(const Dev *port) {
        static const struct {
                uint16_t first, last;
        } ids[] = {
                {0x3b42, 0x3b51}, {0x1c10, 0x1c1f}, {0x1e10, 0x1e1f}, {0x8c10, 0x8c1f}, {0x9c10, 0x9c1b}, {0x9c90, 0x9c9b},
                {0x1d10, 0x1d1e}, {0x8d10, 0x8d1e}, {0x8c90, 0x8c9f},
        };
        for (size_t i = 0; port->vendor == 0x8086 && i < G_N_ELEMENTS(ids); i++)
                if (port->device >= ids[i].first && port->device <= ids[i].last)
                        return true;
        return false;
}

/* Functions of Intel's network cards that promise isolation without the capability: pci_dev_acs_enabled[] there, those of one
 * card with several ports that SR-IOV is used with. */
static bool function_isolates_by_quirk(const Dev *dev) {
        static const uint16_t ids[] = {
                0x10c9, 0x10e6, 0x10e7, 0x10e8, 0x150a, 0x150d, 0x1518, 0x1526,                         /* 82576 */
                0x1509, 0x150e, 0x150f, 0x1510, 0x1511, 0x1516, 0x1527,                                 /* 82580 */
                0x1521, 0x1522, 0x1523, 0x1524,                                                         /* I350 */
                0x10f7, 0x10f8, 0x10f9, 0x10fa, 0x10fb, 0x10fc, 0x1507, 0x1514, 0x151c, 0x1529, 0x152a, /* 82599 */
                0x154d, 0x154f, 0x1551, 0x1558,
        };
        for (size_t i = 0; dev->vendor == 0x8086 && i < G_N_ELEMENTS(ids); i++)
                if (dev->device == ids[i])
                        return true;
        return false;
}

/* A port on the way keeps what is below it apart: pci_acs_enabled() in drivers/pci/pci.c. */
static bool port_isolates(const Dev *port, bool *known) {
        if (port_is_conventional(port))
                return false;
        if (!dev_acs_known(port)) {
                *known = false;
                return true;
        }
        if (!port_needs_acs(&port->caps)) /* an upstream port sends on to the one above it */
                return true;
        return port->caps.has_acs ? !acs_lacks(&port->caps) : isolates_by_quirk(port);
}

/* It may reach the other functions of its slot. VFs are in no slot of their own: their bus number and ids go on from the PF's. */
static bool shares_slot(const Dev *dev) {
        if (dev->is_vf || dev_is_port(dev) || !dev->has_caps || dev->caps.length < 256)
                return false;
        if (dev->caps.pcie_type == PCIE_NONE)
                return true;
        return dev_acs_known(dev) && (!dev->caps.has_acs || acs_lacks(&dev->caps)) && !function_isolates_by_quirk(dev);
}

static bool same_slot(PciAddr a, PciAddr b) {
        return a.domain == b.domain && a.bus == b.bus && a.slot == b.slot;
}

static void find_culprits(const Snapshot *host, const Dev *dev, Companions *companions) {
        const Dev *port = above(host, dev);
        companions->known = dev->has_caps && dev->caps.length >= 256;
        for (unsigned depth = 0; port && depth < DEPTH_MAX; depth++, port = above(host, port)) {
                if (port_is_conventional(port))
                        companions->bridge = port;
                else if (!port_isolates(port, &companions->known))
                        companions->port = port;
        }
}

Companions *companions_of(const Snapshot *host, const Dev *dev) {
        Companions *ret = g_new0(Companions, 1);

        ret->same_id = g_ptr_array_new();
        ret->reachable = g_ptr_array_new();
        find_culprits(host, dev, ret);
        bool slot = shares_slot(dev);
        if (!ret->bridge && !ret->port && !slot)
                return ret;
        for (unsigned i = 0; i < host->devs->len; i++) {
                Dev *other = host->devs->pdata[i];
                if (other == dev || dev_is_port(other) || other->removed)
                        continue;
                if (ret->bridge && dev_is_below(host, other, ret->bridge))
                        g_ptr_array_add(ret->same_id, other);
                else if ((ret->port && dev_is_below(host, other, ret->port)) ||
                         (slot && same_slot(dev->addr, other->addr) && shares_slot(other)))
                        g_ptr_array_add(ret->reachable, other);
        }
        return ret;
}

void companions_free(Companions *companions) {
        if (!companions)
                return;
        g_ptr_array_unref(companions->same_id);
        g_ptr_array_unref(companions->reachable);
        g_free(companions);
}
