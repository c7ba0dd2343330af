/* Checks of isolation: IOMMU groups, whether they can be given, and which port or bridge makes them larger than a device.
 *
 * The kernel's rule is pci_device_group() in drivers/iommu/iommu.c and pci_acs_enabled() in drivers/pci/pci.c. Tables of
 * quirks grant ACS to devices without the capability, many Intel root ports among them, so that the group is believed and
 * the capability only explains it (field-facts 19): a port is accused when it is in the group itself. */
#include "doctor/report.h"
#include "model/companions.h"

#include <string.h>

/* What a check knows of a group in scope. */
typedef struct {
        int number;
        const GPtrArray *members; /* Dev*: every one */
        const Dev *first;         /* the first candidate in it */
        unsigned functions;       /* members that are no bridges to other buses */
        unsigned vfs;
        const Dev *pf;            /* a PF among them */
        const Dev *obstacle;      /* the first with a driver that keeps VFIO out; a PF before others */
        unsigned obstacles;
        bool given;               /* a member is bound to VFIO or leased */
} Group;

static Group examine(const Doctor *doctor, const Dev *first) {
        Group group = {.number = first->iommu_group, .members = group_of(doctor, first), .first = first};

        for (unsigned i = 0; i < group.members->len; i++) {
                const Dev *dev = group.members->pdata[i];
                group.functions += !dev_is_port(dev);
                group.vfs += dev->is_vf;
                group.given |= driver_is_vfio(dev->driver) || lease_of(doctor, dev);
                if (dev->is_pf && !group.pf)
                        group.pf = dev;
                if (driver_lets_vfio_be(dev->driver))
                        continue;
                group.obstacles++;
                if (!group.obstacle || (dev->is_pf && !group.obstacle->is_pf))
                        group.obstacle = dev;
        }
        return group;
}

/* Larger than the device: other functions are in it, or VFs will be, since they land where a port in the PF's own group
 * lets them. */
static bool is_shared(const Group *group) {
        return group->functions > 1 || (group->pf && group->pf->total_vfs && group->members->len > 1);
}

/* Each group of a candidate once, by the order of candidates. Groups of one device are passed over. */
static void each_shared_group(Doctor *doctor, void (*look)(Doctor *doctor, const Group *group)) {
        g_autoptr(GHashTable) seen_groups = g_hash_table_new(NULL, NULL);

        for (unsigned i = 0; i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                if (group_of(doctor, dev)->len < 2 || !g_hash_table_add(seen_groups, GINT_TO_POINTER(dev->iommu_group)))
                        continue;
                Group group = examine(doctor, dev);
                if (is_shared(&group))
                        look(doctor, &group);
        }
}

/* "enp1s0 (igb), enp1s0/0 (igbvf) and 6 more": functions, without the bridges. The caller frees. */
static char *members_text(const Doctor *doctor, const Group *group) {
        enum { SHOWN = 4 };
        GString *text = g_string_new(NULL);
        unsigned told = 0;

        for (unsigned i = 0; i < group->members->len && told < SHOWN; i++) {
                const Dev *dev = group->members->pdata[i];
                if (dev_is_port(dev))
                        continue;
                g_autofree char *nick = snapshot_nick(doctor->host, dev);
                g_string_append_printf(text, "%s%s (%s)", told ? ", " : "", nick,
                                       dev->driver ? dev->driver : "no driver");
                told++;
        }
        if (group->functions > told)
                g_string_append_printf(text, " and %u more", group->functions - told);
        return g_string_free(text, FALSE);
}

/* After the one that it is about, the others of the group; no about(), which looks at all before it. */
static void about_members(Finding *finding, const Group *group) {
        const char *first = finding->devices->len ? finding->devices->pdata[0] : NULL;
        for (unsigned i = 0; i < group->members->len; i++) {
                const Dev *member = group->members->pdata[i];
                if (g_strcmp0(member->name, first) != 0)
                        g_ptr_array_add(finding->devices, g_strdup(member->name));
        }
}

/* ---- Whether it can be given now ---- */

/* Somebody's driver holds the group, and not only that of the device itself, which is let go of when it is given. */
static bool held_by_others(const Group *group) {
        bool others = group->obstacles > 1 ||
                      (group->obstacle && (group->obstacle != group->first || group->vfs || group->given));
        return others && group->functions > 1;
}

/* A VF needs its PF's driver, and a group that is given in part already cannot be opened; who asks about a device wants to
 * give it, unless it is a PF: that is asked about for its VFs. Where nobody does, it is good to know. */
static Severity not_viable_severity(const Doctor *doctor, const Group *group) {
        bool never = group->vfs && group->pf && !driver_lets_vfio_be(group->pf->driver);
        bool asked = doctor->scope != SCOPE_HOST && (!group->first->is_pf || group->vfs);
        if (never || group->given || asked)
                return SEVERITY_BLOCKS;
        return group->vfs ? SEVERITY_WARNING : SEVERITY_NOTE;
}

static void not_viable(Doctor *doctor, const Group *group) {
        if (!held_by_others(group))
                return;

        g_autofree char *members = members_text(doctor, group);
        g_autofree char *obstacle = snapshot_nick(doctor->host, group->obstacle);
        Severity severity = not_viable_severity(doctor, group);
        Finding *finding;
        if (group->vfs && group->pf && group->obstacle == group->pf) {
                finding = report_dev(doctor, severity, group->first,
                                     "IOMMU group %d holds PF %s and %u of its VFs: no VF can be "
                                     "given",
                                     group->number, obstacle, group->vfs);
                remedy(finding, "another slot for the card; the port at fault is named below");
        } else {
                finding = report_dev(doctor, severity, group->first,
                                     "IOMMU group %d goes to a guest as a whole, and holds %s", group->number, members);
                remedy(finding, "if the host can do without %s%s: vfadm bind %s vfio --with-group", obstacle,
                       group->obstacles > 1 ? " and the others" : "", group->first->name);
        }
        seen(finding, "%s has driver %s", group->obstacle->name, group->obstacle->driver);
        seen_in(finding, "/sys/kernel/iommu_groups/%d/devices", group->number);
        about_members(finding, group);
}

static void run_not_viable(Doctor *doctor) {
        unsigned before = doctor->findings->len, alone = 0;

        each_shared_group(doctor, not_viable);
        for (unsigned i = 0; i < doctor->candidates->len; i++)
                alone += group_of(doctor, doctor->candidates->pdata[i])->len == 1;
        if (doctor->findings->len > before || !alone || alone < doctor->candidates->len)
                return;
        if (alone == 1)
                report(doctor, SEVERITY_OK, NULL, "alone in its group");
        else
                report(doctor, SEVERITY_OK, NULL, "%u devices, each alone in its group", alone);
}

static void run_no_group(Doctor *doctor) {
        const Dev *first = NULL;
        unsigned n = 0;

        for (unsigned i = 0; doctor->host->has_iommu && i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                if (dev->iommu_group >= 0)
                        continue;
                first = first ? first : dev;
                n++;
        }
        if (!first)
                return;
        g_autofree char *more = n > 1 ? g_strdup_printf(" (and %u more)", n - 1) : g_strdup("");
        Finding *finding = report_dev(doctor, SEVERITY_BLOCKS, first,
                                      "no IOMMU stands before it, though this host has one%s", more);
        seen(finding, "no iommu_group");
        seen_in(finding, "/sys/bus/pci/devices/%s/", first->name);
        remedy(finding, "another slot; on Intel look for 'intel_iommu=igfx_off' and for units that the BIOS leaves "
                        "out: dmesg | grep -i dmar");
}

/* ---- Why it is larger than the device ---- */

/* As bad as what it brings about. */
static Severity cause_severity(const Doctor *doctor, const Group *group) {
        if (held_by_others(group))
                return not_viable_severity(doctor, group);
        return doctor->scope == SCOPE_HOST ? SEVERITY_NOTE : SEVERITY_WARNING;
}

static const char *port_word(const Dev *dev) {
        static const char *const words[] = {[PCIE_ROOT_PORT] = "root port",
                                            [PCIE_UPSTREAM_PORT] = "switch's upstream port",
                                            [PCIE_DOWNSTREAM_PORT] = "switch's downstream port",
                                            [PCIE_TO_PCI_BRIDGE] = "PCIe-to-PCI bridge",
                                            [PCI_TO_PCIE_BRIDGE] = "PCI-to-PCIe bridge"};
        PcieType type = dev->caps.pcie_type;
        if (!dev_is_port(dev))
                return "function";
        return type < G_N_ELEMENTS(words) && words[type] ? words[type] : "PCI bridge";
}

typedef enum { BLAMELESS, ACS_MISSING, ACS_OFF, REDIRECT_OFF, CONVENTIONAL, MULTIFUNCTION } Blame;

/* "disable_acs_redir=…" or "config_acs=…" of a "pci=" word: who uses them turns ACS off by hand. NULL: not there. */
static const char *acs_word(const Setup *setup) {
        for (char **word = setup->words; word && *word; word++)
                if (g_str_has_prefix(*word, "pci=") &&
                    (strstr(*word, "disable_acs_redir=") || strstr(*word, "config_acs=")))
                        return *word;
        return NULL;
}

/* What a member of a shared group is guilty of, as pci_acs_enabled() goes. */
static Blame blame(const Doctor *doctor, const Dev *dev) {
        const PciCaps *caps = &dev->caps;

        if (port_is_conventional(dev))
                return CONVENTIONAL;
        bool shares_slot = !dev_is_port(dev) && !dev->is_vf && (caps->multifunction || dev->addr.function > 0);
        if (shares_slot && dev->has_caps && caps->length >= 256 && caps->pcie_type == PCIE_NONE)
                return MULTIFUNCTION;
        if (!dev_acs_known(dev) || caps->pcie_type == PCIE_NONE)
                return BLAMELESS;
        bool faulty = !caps->has_acs || acs_lacks(caps);
        if (!port_needs_acs(caps))
                return shares_slot && faulty ? MULTIFUNCTION : BLAMELESS;
        if (!caps->has_acs)
                return ACS_MISSING;
        if (!acs_lacks(caps))
                return BLAMELESS;
        return acs_word(doctor->setup) && !(acs_lacks(caps) & ~(unsigned) (ACS_RR | ACS_CR)) ? REDIRECT_OFF : ACS_OFF;
}

/* Ports that are to blame; functions of one slot count only where no port is, and where two of them share that slot. */
static GPtrArray *culprits(const Doctor *doctor, const Group *group, Blame what) {
        GPtrArray *found = g_ptr_array_new();
        bool ports = false;

        for (unsigned i = 0; i < group->members->len; i++) {
                const Dev *dev = group->members->pdata[i];
                Blame of = blame(doctor, dev);
                ports |= of != BLAMELESS && of != MULTIFUNCTION;
                if (of == what)
                        g_ptr_array_add(found, (void *) dev);
        }
        if (what != MULTIFUNCTION)
                return found;
        bool same_slot = found->len > 1;
        for (unsigned i = 1; same_slot && i < found->len; i++) {
                PciAddr a = ((const Dev *) found->pdata[0])->addr, b = ((const Dev *) found->pdata[i])->addr;
                same_slot = a.domain == b.domain && a.bus == b.bus && a.slot == b.slot;
        }
        if (ports || !same_slot)
                g_ptr_array_set_size(found, 0);
        return found;
}

/* "0000:00:10.0" or "0000:00:1c.0, 0000:00:1c.4". The caller frees. */
static char *names_text(const GPtrArray *devs) {
        GString *text = g_string_new(NULL);
        for (unsigned i = 0; i < devs->len && i < 4; i++)
                g_string_append_printf(text, "%s%s", i ? ", " : "", ((const Dev *) devs->pdata[i])->name);
        if (devs->len > 4)
                g_string_append_printf(text, " and %u more", devs->len - 4);
        return g_string_free(text, FALSE);
}

/* "IOMMU group 5 holds PF enp1s0 with its VFs". The caller frees. */
static char *consequence(const Doctor *doctor, const Group *group) {
        if (group->pf) {
                g_autofree char *nick = snapshot_nick(doctor->host, group->pf);
                if (group->vfs)
                        return g_strdup_printf("PF %s and its VFs are in one group (%d)", nick, group->number);
                if (group->functions < 2)
                        return g_strdup_printf("VFs of %s will be in one group with it (%d), and cannot be given", nick,
                                               group->number);
        }
        g_autofree char *members = members_text(doctor, group);
        return g_strdup_printf("group %d holds %s", group->number, members);
}

static Finding *accuse(Doctor *doctor, const Group *group, const GPtrArray *guilty, const char *what) {
        const Dev *first = guilty->pdata[0];
        g_autofree char *names = names_text(guilty), *so = consequence(doctor, group);
        g_autofree char *who =
                guilty->len > 1 ? g_strdup_printf("%ss %s", port_word(first), names) : g_strdup(port_word(first));
        Finding *finding = report_dev(doctor, cause_severity(doctor, group), first, "the %s %s: %s", who, what, so);

        g_ptr_array_set_size(finding->devices, 0);
        about_members(finding, group); /* the culprit is one of them */
        return finding;
}

static const char other_slot[] =
        "another slot, best one of the processor's own root ports; BIOS: 'ACS Enable' or 'ACS Control' = Enabled "
        "where it is offered";

static void acs_missing(Doctor *doctor, const Group *group) {
        g_autoptr(GPtrArray) guilty = culprits(doctor, group, ACS_MISSING);
        if (!guilty->len)
                return;
        Finding *finding = accuse(doctor, group, guilty, guilty->len > 1 ? "have no ACS" : "has no ACS");
        seen(finding, "no ACS capability");
        seen_in_config(finding, guilty->pdata[0], 0, "extended capabilities");
        remedy(finding, "%s", other_slot);
}

static void seen_acs(Finding *finding, const Dev *dev) {
        g_autofree char *can = acs_text(dev->caps.acs_cap & ACS_ISOLATES);
        g_autofree char *off = acs_text(acs_lacks(&dev->caps));
        seen(finding, "ACS can %s; off: %s", can, off);
        seen_in_config(finding, dev, dev->caps.acs_at + 6u, "ACS Control");
}

static void acs_disabled(Doctor *doctor, const Group *group) {
        g_autoptr(GPtrArray) guilty = culprits(doctor, group, ACS_OFF);
        if (!guilty->len)
                return;
        Finding *finding = accuse(doctor, group, guilty, "could isolate, and ACS is off there");
        seen_acs(finding, guilty->pdata[0]);
        remedy(finding, "boot with the IOMMU on (intel_iommu=on; the kernel turns ACS on then); BIOS: 'ACS Enable' or "
                        "'ACS Control' = Enabled");
}

static void redirect_disabled(Doctor *doctor, const Group *group) {
        g_autoptr(GPtrArray) guilty = culprits(doctor, group, REDIRECT_OFF);
        const char *word = acs_word(doctor->setup);
        if (!guilty->len)
                return;
        Finding *finding = accuse(doctor, group, guilty, guilty->len > 1 ? "do not redirect, by a boot parameter"
                                                                         : "does not redirect, by a boot parameter");
        seen_acs(finding, guilty->pdata[0]);
        remedy(finding, "remove '%s' from the kernel command line and reboot", word);
        if (!strchr(word, ','))
                remedy_boot_remove(finding, word);
}

static void conventional(Doctor *doctor, const Group *group) {
        g_autoptr(GPtrArray) guilty = culprits(doctor, group, CONVENTIONAL);
        if (!guilty->len)
                return;
        const Dev *bridge = guilty->pdata[0];
        Finding *finding = accuse(doctor, group, guilty,
                                  guilty->len > 1 ? "lead to conventional PCI buses, which cannot isolate"
                                                  : "leads to a conventional PCI bus, which cannot isolate");
        if (bridge->caps.express_at) {
                seen(finding, "type %u: %s", bridge->caps.pcie_type, port_word(bridge));
                seen_in_config(finding, bridge, bridge->caps.express_at + 2u, "PCI Express Capabilities");
        } else {
                seen(finding, "a bridge without an Express capability");
                seen_in_config(finding, bridge, 0, "capabilities");
        }
        remedy(finding, "a PCI Express slot and card; or give all devices behind the bridge to one guest");
}

static void multifunction(Doctor *doctor, const Group *group) {
        g_autoptr(GPtrArray) guilty = culprits(doctor, group, MULTIFUNCTION);
        if (!guilty->len)
                return;
        const Dev *first = guilty->pdata[0];
        Finding *finding = accuse(doctor, group, guilty, "of one slot are not isolated from each other");
        if (first->caps.has_acs) {
                seen_acs(finding, first);
        } else {
                seen(finding, "no ACS capability");
                seen_in_config(finding, first, 0, "extended capabilities");
        }
        remedy(finding, "give all functions of the slot to one guest, or give VFs, or one function a card");
}

/* The rest: aliases by quirk, groups that a platform makes as it likes, or what only root may read. */
static void unexplained(Doctor *doctor, const Group *group) {
        bool known = true;

        for (unsigned i = 0; i < group->members->len; i++) {
                const Dev *dev = group->members->pdata[i];
                if (blame(doctor, dev) != BLAMELESS && blame(doctor, dev) != MULTIFUNCTION)
                        return;
                if (!dev_acs_known(dev) && (dev_is_port(dev) || dev->caps.length < 256))
                        known = false;
        }
        g_autoptr(GPtrArray) slot = culprits(doctor, group, MULTIFUNCTION);
        if (slot->len || group->functions < 2)
                return;
        g_autofree char *members = members_text(doctor, group);
        Finding *finding = report_dev(doctor, known ? cause_severity(doctor, group) : SEVERITY_NOTE, group->first,
                                      known ? "IOMMU group %d holds %s, and no port on the way says why"
                                            : "IOMMU group %d holds %s; why cannot be read without root",
                                      group->number, members);
        seen(finding, "%u functions", group->functions);
        seen_in(finding, "/sys/kernel/iommu_groups/%d/devices", group->number);
        remedy(finding, known ? "another slot; or give the whole group to one guest" : "sudo vfadm doctor");
        about_members(finding, group);
}

static void run_missing(Doctor *doctor) {
        each_shared_group(doctor, acs_missing);
}

static void run_disabled(Doctor *doctor) {
        each_shared_group(doctor, acs_disabled);
}

static void run_redirect(Doctor *doctor) {
        each_shared_group(doctor, redirect_disabled);
}

static void run_conventional(Doctor *doctor) {
        each_shared_group(doctor, conventional);
}

static void run_multifunction(Doctor *doctor) {
        each_shared_group(doctor, multifunction);
}

static void run_unexplained(Doctor *doctor) {
        each_shared_group(doctor, unexplained);
}

/* ---- What is said of each ---- */

#define NOT_THE_PATCH                                                                                                 \
        "The pcie_acs_override= parameter of some patched kernels is no remedy: it makes the kernel pretend that "    \
        "the port isolates. The groups get smaller, and a guest can still reach the memory and registers of the "     \
        "devices beside it."

static const char explain_not_viable[] =
        "The IOMMU cannot always tell the devices of one group apart, or devices of a group can reach each other "
        "without passing the IOMMU. So VFIO opens a group for a guest only when no driver of the host works with any "
        "of its members: each must be bound to vfio-pci (or one of its variants) or pci-stub, or have no driver. "
        "Ports bound to pcieport do not count; leave them alone.\n\n"
        "A PF must keep its driver for its VFs to work. When a VF is in the group of its own PF, that VF cannot be "
        "given at all. The cause is above the card: see the finding beside this one (acs-missing, acs-disabled, "
        "conventional-bus), which names the port.\n\n"
        "When the other members are devices that the host can do without, take them too: 'vfadm bind BDF vfio "
        "--with-group' takes the whole group from the host, and it goes to one guest. 'vfadm show BDF' lists the "
        "group with who uses what. Never take a member that carries the host's disk or network: vfadm refuses that.";

static const char explain_no_group[] =
        "This host has IOMMU groups, but this device is in none: no IOMMU translates its DMA, so that it cannot be "
        "given to a guest. The BIOS tells the kernel which devices stand behind which IOMMU (ACPI table DMAR on "
        "Intel, IVRS on AMD), and this one is left out, or its unit was switched off: intel_iommu=igfx_off does that "
        "for Intel graphics.\n\n"
        "What helps: another slot; a newer BIOS; dmesg | grep -i -e dmar -e iommu -e amd-vi shows what the kernel "
        "made of the table.";

static const char explain_missing[] =
        "Devices below a PCI Express port can send requests to each other through the port, past the IOMMU, unless "
        "the port has Access Control Services (ACS) and uses them: source validation, request and completion "
        "redirect, upstream forwarding (SV, RR, CR, UF). The kernel therefore puts everything below a port without "
        "ACS into one group with it; from a card's PF and its VFs no VF can then be given, since the PF needs its "
        "driver.\n\n"
        "The port named here is a member of that group, is a root port or a switch's downstream port, and has no ACS "
        "capability in its config space ('lspci -vvv -s BDF' shows none either). Some ports isolate without the "
        "capability; the kernel knows them by a table, and they are not accused, for the group is small there.\n\n"
        "What helps: another slot. On most boards the slots of the processor (the long ones nearest to it) have ports "
        "with ACS and those of the chipset or of a switch do not. 'vfadm list' shows the group of each device; move "
        "the card and look again. A newer BIOS or an option 'ACS Enable', 'ACS Control' or 'PCIe ACS Support' (AMD: "
        "under NBIO or AMD CBS; Intel: under PCIe or IIO configuration; it may need AER enabled first) brings the "
        "capability on some boards.\n\n" NOT_THE_PATCH;

static const char explain_disabled[] =
        "The port has Access Control Services (ACS), but some of what keeps devices apart (SV, RR, CR, UF) is off in "
        "its ACS Control register, so that everything below it shares one IOMMU group with it.\n\n"
        "The kernel turns ACS on at boot for every port, when it found an IOMMU by then. So look first whether the "
        "IOMMU is on from the boot on (intel_iommu=on on older Intel kernels; AMD: on unless amd_iommu=off). Groups "
        "are made at boot: turning bits on later with setpci does not change them. Firmware that keeps control of "
        "ACS, or a hypervisor below this host, can also be the cause: look for the BIOS option 'ACS Enable' or 'ACS "
        "Control'.\n\n" NOT_THE_PATCH;

static const char explain_redirect[] =
        "The kernel command line has pci=disable_acs_redir= or pci=config_acs=, which turns off request and "
        "completion redirect at ports. That is done so that devices reach each other directly (GPUs, NVMe, "
        "peer-to-peer DMA); the price is that all below the port is one IOMMU group, and goes to a guest "
        "together.\n\n"
        "Remove it, or name only ports below which nothing is given to guests, then reboot: groups are made at boot.";

static const char explain_conventional[] =
        "Behind a bridge to conventional PCI or PCI-X all devices share one bus: each can talk to each, and their "
        "requests reach the IOMMU under the bridge's name or none at all. The kernel puts the bridge and all behind "
        "it into one group. ACS does not exist there, and no setting changes this.\n\n"
        "What helps: a PCI Express card in a PCI Express slot; or giving everything behind the bridge to one guest. "
        "The bridge itself keeps its driver or stays without one; it is no obstacle.";

static const char explain_multifunction[] =
        "Functions of one card (0000:03:00.0, 0000:03:00.1 …) may reach each other inside the card, past every port. "
        "The card can promise that it does not, by an ACS capability in each function; these functions have none, or "
        "it is off, and the kernel does not know the card by its table either. So the functions are one group.\n\n"
        "For a card with SR-IOV this is mostly harmless: VFs are no part of it and have groups of their own. It "
        "matters to who wants to give a whole port: all functions of the card then go to one guest, and none may keep "
        "a host driver.";

static const char explain_unexplained[] =
        "The kernel put several functions into one IOMMU group, and every port on the way isolates as far as config "
        "space tells. Known causes: a device that sends requests under another function's number (the kernel knows "
        "such devices by a table of DMA alias quirks; older SATA and FireWire chips are among them), a bridge on the "
        "way that is hidden, or a platform that forms groups by its own rules (POWER's partitionable endpoints, Arm "
        "boards whose firmware gives several devices one stream).\n\n"
        "As an ordinary user only 64 bytes of each config space can be read, where no ACS stands: run 'vfadm doctor' "
        "as root to know more.\n\n" NOT_THE_PATCH;

static const char why_shared[] = "All members of an IOMMU group go to a guest together, or none does.";

const Check checks_isolation[] = {
        {"group-not-viable", TOPIC_ISOLATION, SCOPE_ALL, "An IOMMU group has members that the host works with",
         "VFIO opens a group only when no driver of the host works with any of its members.", explain_not_viable,
         run_not_viable},
        {"no-group", TOPIC_ISOLATION, SCOPE_ALL, "A device is behind no IOMMU",
         "What no IOMMU holds back could reach all of the host's memory, so that VFIO does not give it.",
         explain_no_group, run_no_group},
        {"acs-missing", TOPIC_ISOLATION, SCOPE_ALL, "A port without ACS makes a group larger than a device", why_shared,
         explain_missing, run_missing},
        {"acs-disabled", TOPIC_ISOLATION, SCOPE_ALL, "A port could isolate and does not", why_shared, explain_disabled,
         run_disabled},
        {"acs-redirect-disabled", TOPIC_ISOLATION, SCOPE_ALL, "A boot parameter turns isolation off", why_shared,
         explain_redirect, run_redirect},
        {"conventional-bus", TOPIC_ISOLATION, SCOPE_ALL, "Devices share a conventional PCI bus", why_shared,
         explain_conventional, run_conventional},
        {"multifunction-not-isolated", TOPIC_ISOLATION, SCOPE_ALL,
         "Functions of one card are not isolated from each other", why_shared, explain_multifunction,
         run_multifunction},
        {"group-shared", TOPIC_ISOLATION, SCOPE_ALL, "Devices share a group, and no port says why", why_shared,
         explain_unexplained, run_unexplained},
        {.id = NULL},
};
