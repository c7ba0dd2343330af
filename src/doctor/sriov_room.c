/* Checks of the room for VFs: addresses for their BARs, bus numbers and function numbers, before anyone writes
 * sriov_numvfs. What the kernel asks for is sriov_enable() in drivers/pci/iov.c. */
#include "doctor/sriov.h"

#include <string.h>

enum { RESOURCE_MEM = 0x200, RESOURCE_FIXED = 0x10, RESOURCE_UNSET = 0x20000000 }; /* include/linux/ioport.h */
enum { BAR_64 = 0x4 };

static const Dev *port_above(const Doctor *doctor, const Dev *dev) {
        const Dev *port = dev->has_parent ? snapshot_get(doctor->host, dev->parent) : NULL;
        return port && port->has_caps && port->caps.header_type == 1 && port->caps.length >= 64 ? port : NULL;
}

/* A part of a "pci=" word on the command line. */
static bool has_pci_option(const Doctor *doctor, const char *option) {
        return boot_words_have(doctor->setup->words, "pci", option);
}

/* Only where it stands alone: of "pci=noari,nomsi" more than this would go. */
static void remove_boot_word(const Doctor *doctor, Finding *finding, const char *word) {
        if (doctor->setup->words && g_strv_contains((const char *const *) doctor->setup->words, word))
                remedy_boot_remove(finding, word);
}

static bool is_x86(const Doctor *doctor) {
        return g_strcmp0(doctor->setup->arch, "x86_64") == 0;
}

/* Number of VFs that the driver would make at most. */
static unsigned wanted_vfs(const Dev *pf) {
        return pf->total_vfs ? pf->total_vfs : pf->caps.sriov_total;
}

/* False: some cards tell offset and stride only while NumVFs is set. */
static bool routing_is_told(const Dev *pf) {
        return pf->caps.has_sriov && pf->caps.sriov_offset && (pf->caps.sriov_stride || wanted_vfs(pf) <= 1);
}

/* Routing id of a VF, the PF's bus as 0 (pci_iov_virtfn_bus(), pci_iov_virtfn_devfn()). */
static unsigned vf_routing(const Dev *pf, unsigned number) {
        return pf->addr.slot * 8u + pf->addr.function + pf->caps.sriov_offset + pf->caps.sriov_stride * number;
}

/* How many of the wanted VFs have a routing id of at most `most`. */
static unsigned vfs_up_to(const Dev *pf, unsigned most) {
        unsigned first = vf_routing(pf, 0);
        if (first > most)
                return 0;
        return pf->caps.sriov_stride ? MIN((most - first) / pf->caps.sriov_stride + 1, wanted_vfs(pf)) : wanted_vfs(pf);
}

/* ---- ARI ---- */

/* Without ARI a port passes configuration requests for device 0 only of the bus below it: a VF there of another device
 * number cannot be reached (PCIe spec, 6.13; only_one_child() in drivers/pci/probe.c). */
static bool needs_ari(const Dev *pf, unsigned number) {
        unsigned routing = vf_routing(pf, number);
        return routing >= 8 && routing <= 255;
}

/* One that answers proves that it can be reached. */
static bool any_answers(const Doctor *doctor, const Dev *pf) {
        for (unsigned n = 0; pf->vfs && n < pf->vfs->len; n++) {
                const Dev *vf = snapshot_vf(doctor->host, pf, n);
                if (vf && vf->has_caps && vf->caps.express_at && needs_ari(pf, n))
                        return true;
        }
        return false;
}

static void ari(Doctor *doctor, const Dev *pf) {
        const Dev *port = port_above(doctor, pf);
        unsigned wanted = wanted_vfs(pf);

        if (!port || !port_needs_acs(&port->caps) || port->caps.ari_forwarding || !routing_is_told(pf))
                return;
        unsigned lost = vfs_up_to(pf, 255) - vfs_up_to(pf, 7);
        if (!lost)
                return;
        /* Cards move their VFs to the next bus when they are not told of ARI; one that does not may be passed on all the same. */
        Finding *finding = report_dev(doctor, SEVERITY_NOTE, pf,
                                      any_answers(doctor, pf) ? "the port above it forwards no ARI, which %u of %u VFs need by "
                                                                "the specification; those that are on answer"
                                                              : "the port above it forwards no ARI: %u of %u VFs may be out of reach",
                                      lost, wanted);
        about(finding, port);
        bool off = port->caps.ari_forwarding_capable;
        seen(finding, off ? "ARI forwarding is off" : "ARI forwarding is not supported");
        if (port->caps.express_at)
                seen_in_config(finding, port, port->caps.express_at + (off ? 0x28u : 0x24u),
                               off ? "Device Control 2" : "Device Capabilities 2");
        else
                seen_in_config(finding, port, 0, "Device Capabilities 2");
        if (off && has_pci_option(doctor, "noari")) {
                remedy(finding, "remove 'pci=noari' from the kernel command line and reboot");
                remove_boot_word(doctor, finding, "pci=noari");
        } else if (off) {
                remedy(finding, pf->caps.has_ari ? "BIOS: 'ARI Support' or 'ARI Forwarding' = Enabled; then a cold reboot"
                                                 : "none: the card has no ARI capability, and VFs that need it");
        } else {
                remedy(finding, "another slot, best one of the processor's own; BIOS: 'ARI Support' = Enabled where it "
                                "is offered");
        }
}

void run_ari(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++)
                ari(doctor, doctor->pfs->pdata[i]);
}

/* ---- Addresses for BARs ---- */

static char *size_text(uint64_t bytes) {
        static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
        unsigned unit = 0;
        while (bytes >= 1024 && bytes % 1024 == 0 && unit + 1 < G_N_ELEMENTS(units)) {
                bytes /= 1024;
                unit++;
        }
        return g_strdup_printf("%" G_GUINT64_FORMAT " %s", bytes, units[unit]);
}

static const PciResource *resource(const Dev *dev, unsigned number) {
        return dev->resources && number < dev->resources->len ? &g_array_index(dev->resources, PciResource, number)
                                                              : NULL;
}

static bool is_set(const PciResource *range) {
        return range->start && !(range->flags & RESOURCE_UNSET);
}

static bool is_inside(const Dev *port, const PciResource *range) {
        for (unsigned n = RESOURCE_BRIDGE; n < RESOURCE_BRIDGE + 4; n++) {
                const PciResource *window = resource(port, n);
                if (window && is_set(window) && (window->flags & RESOURCE_MEM) && window->start <= range->start &&
                    range->end <= window->end)
                        return true;
        }
        return false;
}

/* Whether the windows above are understood at all: then they hold the PF's own BARs. */
static bool holds_own_bars(const Dev *port, const Dev *pf) {
        bool any = false;
        for (unsigned n = 0; n < 6; n++) {
                const PciResource *range = resource(pf, n);
                if (!range || !is_set(range) || !(range->flags & RESOURCE_MEM))
                        continue;
                if (!is_inside(port, range))
                        return false;
                any = true;
        }
        return any;
}

typedef enum { ROOM, NO_ADDRESS, OUTSIDE } Room;

/* The register says that the BAR exists, by its address or its type bits; a 32-bit one without an address reads zero,
 * as one that does not exist does, and only the kernel's flags then tell. The upper half of a 64-bit BAR is none. */
static Room room_of(const Doctor *doctor, const Dev *pf, unsigned bar) {
        const PciResource *range = resource(pf, RESOURCE_VF_BARS + bar);
        const uint32_t *registers = pf->caps.sriov_bars;
        bool upper = bar > 0 && (registers[bar - 1] & 0x7) == BAR_64;

        if (!range || upper)
                return ROOM;
        if (range->flags & RESOURCE_UNSET)
                return NO_ADDRESS;
        if (!range->start && !range->end)
                return registers[bar] ? NO_ADDRESS : ROOM;
        const Dev *port = port_above(doctor, pf);
        if (!port || !port_needs_acs(&port->caps) || (range->flags & RESOURCE_FIXED) || !holds_own_bars(port, pf))
                return ROOM;
        return is_inside(port, range) ? ROOM : OUTSIDE;
}

/* All bridges above have a prefetchable window of 64 bits, so that moving things above 4 GiB can make room. */
static bool can_go_above_4g(const Doctor *doctor, const Dev *pf, unsigned bar) {
        if ((pf->caps.sriov_bars[bar] & 0xf) != (BAR_64 | 0x8))
                return false;
        const Dev *up = pf;
        for (unsigned steps = 0; up->has_parent && steps < 256; steps++) {
                up = snapshot_get(doctor->host, up->parent);
                if (!up || !up->has_caps || !up->caps.pref_64)
                        return false;
        }
        return true;
}

static void bar_finding(Doctor *doctor, const Dev *pf, unsigned bar, Room room) {
        const PciResource *range = resource(pf, RESOURCE_VF_BARS + bar);
        unsigned total = MAX(pf->caps.sriov_total, 1u);
        uint64_t all = range->end > range->start ? range->end - range->start + 1 : 0;
        g_autofree char *each_text = size_text(all / total), *all_text = size_text(all);
        g_autofree char *size = all ? g_strdup_printf(" (%s × %u VFs = %s)", each_text, total, all_text) : g_strdup("");
        Severity severity = pf_is_wanted(doctor, pf) ? SEVERITY_BLOCKS : SEVERITY_WARNING;
        Finding *finding = report_dev(
                doctor, severity, pf,
                room == OUTSIDE ? "VF BAR %u%s lies outside of the windows of the port above: VFs would not answer"
                                : "no room was found for VF BAR %u%s: no VF can be made",
                bar, size);
        if (room == OUTSIDE)
                seen(finding, "its range is %" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x", range->start, range->end);
        else
                seen(finding, "VF BAR %u is there (register %08x), and has no range of addresses", bar, pf->caps.sriov_bars[bar]);
        seen_in(finding, "/sys/bus/pci/devices/%s/resource, config %xh (VF BAR %u)", pf->name,
                pf->caps.sriov_at + 0x24 + 4 * bar, bar);
        if (has_pci_option(doctor, "realloc=off")) {
                remedy(finding, "remove 'pci=realloc=off' from the kernel command line and reboot: it keeps the kernel from making room");
                remove_boot_word(doctor, finding, "pci=realloc=off");
                return;
        }
        if (has_pci_option(doctor, "realloc") || has_pci_option(doctor, "realloc=on")) {
                remedy(finding, "BIOS: 'SR-IOV Support' and 'Above 4G Decoding' (also 'Memory Mapped I/O above 4GB', "
                                "MMIOH) = Enabled; "
                                "pci=realloc is there and did not help");
                return;
        }
        remedy(finding, "BIOS: 'SR-IOV Support' and 'Above 4G Decoding' (also 'Memory Mapped I/O above 4GB', MMIOH) = "
                        "Enabled; if that is "
                        "not enough, boot with pci=realloc");
        if (can_go_above_4g(doctor, pf, bar))
                remedy_boot_add(finding, "pci=realloc");
}

void run_bar_room(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                /* VFs that are there have room. */
                if (pf->num_vfs || !pf->has_caps || !pf->caps.has_sriov)
                        continue;
                for (unsigned bar = 0; bar < G_N_ELEMENTS(pf->caps.sriov_bars); bar++) {
                        Room room = room_of(doctor, pf, bar);
                        if (room == ROOM)
                                continue;
                        bar_finding(doctor, pf, bar, room); /* one is enough to know: the others go with it */
                        break;
                }
        }
}

/* ---- Bus numbers ---- */

/* The last bus that a VF may have. 0: not known. */
static unsigned last_bus(const Doctor *doctor, const Dev *pf) {
        const Dev *port = port_above(doctor, pf);
        if (!pf->has_parent)
                return 255; /* the root bus goes as far as the firmware's _CRS says, which is not told here */
        return port && port->caps.secondary == pf->addr.bus && port->caps.subordinate >= pf->addr.bus
                       ? port->caps.subordinate
                       : 0;
}

static void bus_numbers(Doctor *doctor, const Dev *pf) {
        unsigned last = last_bus(doctor, pf), wanted = wanted_vfs(pf);

        if (!last || !wanted || !routing_is_told(pf))
                return;
        unsigned fit = vfs_up_to(pf, (last - pf->addr.bus) * 256 + 255);
        if (fit >= wanted || fit < pf->num_vfs)
                return;
        unsigned needed = pf->addr.bus + (vf_routing(pf, wanted - 1) >> 8);
        const Dev *port = port_above(doctor, pf);
        bool above = needed > 255;
        Finding *finding =
                report_dev(doctor, fit == 0 && pf_is_wanted(doctor, pf) ? SEVERITY_BLOCKS : SEVERITY_WARNING, pf,
                           "bus numbers suffice for %u of %u VFs: the last needs bus %02x, and %s ends at %02x", fit,
                           wanted, needed, port ? port->name : "the root bus", last);
        if (port) {
                about(finding, port);
                seen(finding, "subordinate bus %02x; VF offset %u, stride %u", last, pf->caps.sriov_offset,
                     pf->caps.sriov_stride);
                seen_in_config(finding, port, 0x1a, "Subordinate Bus Number");
        } else {
                seen(finding, "VF offset %u, stride %u", pf->caps.sriov_offset, pf->caps.sriov_stride);
                seen_in_config(finding, pf, pf->caps.sriov_at + 0x14u, "SR-IOV First VF Offset");
        }
        bool no_ari = port && port_needs_acs(&port->caps) && !port->caps.ari_forwarding && pf->caps.has_ari;
        if (above || !is_x86(doctor) || has_pci_option(doctor, "assign-busses")) {
                remedy(finding, "BIOS: 'SR-IOV Support'%s = Enabled; another slot, with more bus numbers",
                       no_ari ? " and 'ARI Support'" : "");
                return;
        }
        remedy(finding,
               "BIOS: 'SR-IOV Support'%s = Enabled; else boot with pci=assign-busses (the kernel then numbers all "
               "buses anew)",
               no_ari ? " and 'ARI Support'" : "");
        if (!no_ari)
                remedy_boot_add(finding, "pci=assign-busses");
}

void run_bus_numbers(Doctor *doctor) {
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                if (pf->has_caps && pf->caps.has_sriov)
                        bus_numbers(doctor, pf);
        }
}

/* ---- What is said of each ---- */

const char explain_ari[] =
        "A PCI Express device has eight function numbers; with Alternative Routing-ID Interpretation (ARI) it has "
        "256, and VFs take them. The port above the card must forward such numbers (ARI Forwarding Enable in its "
        "Device Control 2 register). The kernel turns this on when function 0 of the card has ARI and the port can. "
        "Without it, a VF on the card's own bus is reachable only with one of the first eight numbers, and cards put "
        "more VFs on further buses, or do without.\n\n"
        "vfadm counts the VFs that need it from the card's First VF Offset and VF Stride as they stand. Some ports pass "
        "such numbers on all the same: VFs that answer prove it.\n\n"
        "What helps: another slot, since not every port of a chipset can; the BIOS option 'ARI Support' or 'ARI "
        "Forwarding' (Dell: Integrated Devices; Supermicro: PCIe/PCI/PnP Configuration; HPE: PCIe Device "
        "Configuration); no pci=noari on the kernel command line.";

const char explain_bar_room[] =
        "The registers of all VFs of a PF lie in up to six address ranges (VF BARs), each as large as one VF's share "
        "times the number of VFs that the card can have, whatever number is wanted. Ranges are given out by the BIOS "
        "and, where it left them out, by the kernel at boot. When one has no address, writing sriov_numvfs fails with "
        "'Cannot allocate memory' and the kernel says 'not enough MMIO resources for SR-IOV'.\n\n"
        "Lines 7 to 12 of the PF's resource file are these ranges (counted from 0), lines 13 to 16 of a bridge's are "
        "the windows through which it passes addresses on; the VF BAR registers stand at 24h of the SR-IOV "
        "capability.\n\n"
        "What helps, in this order: in the BIOS 'SR-IOV Support' (also 'SR-IOV Global Enable') and 'Above 4G "
        "Decoding' (also 'Memory Mapped I/O above 4GB', 'MMIO High Base/Size' on servers) set to Enabled; a newer "
        "BIOS; pci=realloc on the kernel command line, which lets the kernel move bridge windows ('vfadm doctor "
        "--fix' puts it there where all bridges above can go above 4 GiB); fewer VFs in the card's firmware "
        "(mlxconfig NUM_OF_VFS, VF_LOG_BAR_SIZE), since the range counts all of them.";

const char explain_bus_numbers[] =
        "VFs beyond the 256 function numbers of the card's bus, and on hosts without ARI nearly all VFs, take numbers "
        "of the buses that follow. The port above the card must own these numbers: its Subordinate Bus Number is the "
        "last. When the last VF's bus is beyond it, sriov_numvfs fails with 'Cannot allocate memory' and the kernel "
        "says 'bus … out of range'.\n\n"
        "The last VF's bus is computed from the card's First VF Offset and VF Stride as they stand; some cards change "
        "them with the number of VFs.\n\n"
        "What helps: 'SR-IOV Support' in the BIOS, which makes it leave numbers free; 'ARI Support', which puts VFs "
        "on the card's own bus; pci=assign-busses on x86, with which the kernel numbers all buses itself and leaves "
        "room for VFs (addresses of cards change by that: what names them by address must be looked at); or fewer "
        "VFs.";
