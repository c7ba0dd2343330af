/* Checks of Xen's dom0: the module, the IOMMU and the memory; the table of all of them. */
#include "doctor/xen_checks.h"

#include "doctor/platform.h"

#include <string.h>

#define XL_INFO "xl info"
#define XL_DMESG "xl dmesg"
#define CMDLINE_XEN "GRUB_CMDLINE_XEN in /etc/default/grub (then update-grub), or the hypervisor's line of another loader"

bool log_has(const Doctor *doctor, const char *text) {
        return doctor->xen_log && strstr(doctor->xen_log, text);
}

bool is_xens(const Dev *dev) {
        if (driver_is_xen(dev->driver))
                return true;
        for (unsigned i = 0; i < dev->uses->len; i++)
                if (((const Use *) dev->uses->pdata[i])->kind == USE_GUEST)
                        return true;
        return false;
}

static const Hypervisor *hypervisor(const Doctor *doctor) {
        return on_dom0(doctor) && doctor->books ? doctor->books->xen : NULL;
}

/* ---- vfadm's own part ---- */

static void check_module(Doctor *doctor) {
        if (!on_dom0(doctor) || doctor->xen_module != KNOWN_NO)
                return;
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL,
                                  "this is Xen's dom0, and vfadm's module for Xen is not installed: domains, and what they hold, are not known");
        seen(finding, "control_d");
        seen_in(finding, "/proc/xen/capabilities");
        remedy(finding, "apt install vfadm-xen");
}

/* ---- the IOMMU ---- */

/* A word of Xen's command line that turns it off: parse_bool() and parse_iommu_param() of xen/drivers/passthrough/iommu.c. */
static const char *word_off(char *const *words) {
        static const char *const off[] = {"off", "no", "0", "false", "disable"};
        for (; words && *words; words++)
                for (size_t i = 0; i < G_N_ELEMENTS(off); i++)
                        if (boot_words_have((char *const[]) {*words, NULL}, "iommu", off[i]))
                                return *words;
        return NULL;
}

/* The log lists the firmware's tables, if it is still whole. */
static bool firmware_has_none(const Doctor *doctor) {
        return log_has(doctor, "ACPI: RSDP") && !log_has(doctor, "ACPI: DMAR") && !log_has(doctor, "ACPI: IVRS");
}

static void no_iommu(Doctor *doctor, const Hypervisor *xen) {
        g_auto(GStrv) words = boot_words_split(xen->cmdline ? xen->cmdline : "");
        const char *off = word_off(words);
        const Setup *setup = doctor->setup;
        Finding *finding = report(doctor, SEVERITY_BLOCKS, NULL, "Xen uses no IOMMU: it gives no device to a domain");

        if (off) {
                seen(finding, "%s", off);
                seen_in(finding, "xl info (xen_commandline)");
                remedy(finding, "take '%s' out of " CMDLINE_XEN ", and reboot", off);
                return;
        }
        seen(finding, "%s", firmware_has_none(doctor)                      ? "the firmware tells of no IOMMU (neither DMAR nor IVRS)"
                            : log_has(doctor, "I/O virtualisation disabled") ? "I/O virtualisation disabled"
                                                                             : "virt_caps without pv_directio and hvm_directio");
        seen_in(finding, doctor->xen_log ? XL_DMESG : XL_INFO);
        if (setup->xen.emulated)
                remedy(finding, "this host is a virtual machine itself: give it an IOMMU (QEMU: -machine q35 -device intel-iommu)");
        else if (setup->vendor == CPU_AMD)
                remedy(finding, "BIOS: turn on 'IOMMU' ('AMD-Vi'; choose 'Enabled', since 'Auto' may mean off); "
                                "'xl dmesg | grep -i -e amd-vi -e iommu' tells the rest");
        else
                remedy(finding, "BIOS: turn on 'Intel VT for Directed I/O (VT-d)'; 'xl dmesg | grep -i -e vt-d -e dmar' tells the rest");
}

static void check_iommu(Doctor *doctor) {
        const Hypervisor *xen = hypervisor(doctor);
        if (!xen)
                return;
        if (xen->directio)
                report(doctor, SEVERITY_OK, NULL, "Xen%s%s has an IOMMU", xen->version ? " " : "", xen->version ? xen->version : "");
        else
                no_iommu(doctor, xen);
}

/* ---- memory ---- */

static void check_memory(Doctor *doctor) {
        const Hypervisor *xen = hypervisor(doctor);
        if (!xen || !xen->cmdline)
                return;
        g_auto(GStrv) words = boot_words_split(xen->cmdline);
        if (boot_words_get(words, "dom0_mem"))
                return;
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL,
                                  "dom0 was given all memory at boot, and gives it up piece by piece to each domain that starts");
        seen(finding, "no dom0_mem=; dom0 has %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " MiB", xen->dom0_memory >> 20, xen->memory >> 20);
        seen_in(finding, "xl info (xen_commandline)");
        remedy(finding, "put dom0_mem=4G,max:4G (as much as dom0 needs) into " CMDLINE_XEN ", "
                        "autoballoon=\"off\" into /etc/xen/xl.conf, and reboot");
}

static const char explain_module[] =
        "On Xen's dom0 a function that is bound to pciback may be with a domain, and nothing in the kernel tells "
        "which: only Xen's own books do (libxenlight and xenstore). vfadm reads and changes them by a module of its "
        "own, in the package vfadm-xen, so that hosts without Xen need none of Xen's libraries.\n\n"
        "Without it vfadm lists what dom0's kernel shows, refuses to change a function that is bound to pciback, and "
        "knows no guest xen:NAME. All else works.";

static const char explain_no_iommu[] =
        "The first domain does not see the IOMMU: Xen has it. 'xl info' says among virt_caps pv_directio and "
        "hvm_directio when Xen uses one; without, 'xl pci-assignable-add' fails ('failed to quarantine'), and no "
        "device is given to any domain, PV or HVM.\n\n"
        "Xen needs no parameter to use the IOMMU; iommu=off, iommu=no or iommu=0 on Xen's own command line turn it "
        "off. That is another line than the kernel's: intel_iommu=on and amd_iommu=on on dom0's kernel do nothing "
        "under Xen. iommu=verbose on Xen's line makes 'xl dmesg' tell more, iommu=required makes Xen stop at boot "
        "rather than go on without.\n\n"
        "When 'xl dmesg' has 'I/O virtualisation disabled' and no parameter says so, the firmware tells of no IOMMU, "
        "or of a damaged one. Intel: 'Intel VT for Directed I/O (VT-d)'; AMD: 'IOMMU', 'AMD-Vi', often below AMD CBS "
        "> NBIO, where 'Auto' may mean off. '(XEN) ACPI: DMAR' or 'ACPI: IVRS' near the log's beginning show that "
        "the table is there; dom0's own /sys/firmware/acpi/tables does not, since Xen hides it.";

static const char explain_memory[] =
        "Without dom0_mem= on Xen's command line dom0 gets nearly all memory at boot. Each domain that is started "
        "takes some of it away (ballooning), in single pages from wherever they are free. Xen is left with little "
        "memory below 4 GiB and with few contiguous pieces, and those are what PV domains with a device need for "
        "DMA: see xen-swiotlb. dom0's own tables stay as large as for all memory, and a start can fail or take long "
        "when dom0 cannot give pages up.\n\n"
        "Put dom0_mem=4G,max:4G into GRUB_CMDLINE_XEN_DEFAULT of /etc/default/grub (2 GiB for a small host; more "
        "with ZFS or many domains), run update-grub, set autoballoon=\"off\" in /etc/xen/xl.conf, and reboot. 'xl "
        "list' then shows that Domain-0 has that much.";

#define ROW(ID, SCOPES, TITLE, WHY, EXPLAIN, RUN) \
        {.id = ID, .topic = TOPIC_XEN, .scopes = SCOPES, .title = TITLE, .why = WHY, .explain = EXPLAIN, .run = RUN}

const Check checks_xen[] = {
        ROW("xen-module-missing", SCOPE_ALL, "vfadm's module for Xen is not installed",
            "Which domain has a device only Xen's books tell, and vfadm reads them by this module.", explain_module, check_module),
        ROW("xen-no-iommu", SCOPE_ALL, "Xen uses no IOMMU",
            "Xen gives devices to domains only when an IOMMU holds their DMA back.", explain_no_iommu, check_iommu),
        ROW("xen-intremap-off", SCOPE_HOST, "Xen does not remap interrupts",
            "A domain with a device could forge interrupts of the host and of other domains.", explain_xen_intremap, check_xen_intremap),
        ROW("xen-iommu-features", SCOPE_HOST, "Xen's IOMMU lacks features, or dom0 bypasses it",
            "They make devices of domains slower or dom0 less protected; devices can be given all the same.", explain_xen_features,
            check_xen_features),
        ROW("xen-dma-fault", SCOPE_HOST | SCOPE_DEVICE, "The IOMMU held back DMA of a device",
            "The device wanted memory that is not its domain's: its driver, its reset or its firmware is at fault.", explain_xen_fault,
            check_xen_fault),
        ROW("xen-dom0-memory", SCOPE_HOST, "dom0's memory is not fixed",
            "Memory that is taken from dom0 in pieces is not fit for DMA, and starts of domains fail for want of it.", explain_memory,
            check_memory),
        ROW("xen-swiotlb", SCOPE_HOST, "There was no memory for DMA below 4 GiB",
            "PV kernels copy DMA through a buffer of contiguous low memory, and without it their devices do not work.", explain_xen_swiotlb,
            check_xen_swiotlb),
        ROW("pciback-missing", SCOPE_ALL, "pciback is not there", "Xen gives to domains only what is bound to pciback.",
            explain_pciback_missing, check_pciback_missing),
        ROW("pciback-hide-typo", SCOPE_HOST, "hide= of pciback has a mistake",
            "One wrong character, and pciback does not start: no device is hidden at all.", explain_hide_typo, check_hide_typo),
        ROW("pciback-hide-misplaced", SCOPE_HOST, "hide= stands where pciback does not read it",
            "pciback is part of dom0's kernel and does not see Xen's command line.", explain_hide_misplaced, check_hide_misplaced),
        ROW("pciback-hide-not-in-force", SCOPE_HOST, "hide= is configured and not in force",
            "What is meant to be kept for domains gets dom0's own driver.", explain_hide_not_in_force, check_hide_not_in_force),
        ROW("pciback-hide-absent", SCOPE_HOST, "hide= names a function that is not there",
            "Addresses change with slots, cards and BIOS settings, and hide= then keeps another device or none.", explain_hide_absent,
            check_hide_absent),
        ROW("pciback-hide-not-taken", SCOPE_HOST | SCOPE_DEVICE, "A function is named by hide= and not bound to pciback",
            "The driver that comes first takes a device, and pciback came later.", explain_hide_not_taken, check_hide_not_taken),
        ROW("xen-permissive", SCOPE_ALL, "A domain may write all of a device's config space",
            "A guest that moves BARs or capabilities of its device can disturb the host and other domains.", explain_xen_permissive,
            check_xen_permissive),
        ROW("xen-device-unbound", SCOPE_ALL, "A domain's file names a device that is not on pciback",
            "xl takes only devices that are bound to pciback, so the next start of the domain fails.", explain_xen_unbound, check_xen_unbound),
        ROW("xen-device-twice", SCOPE_ALL, "Two domains are to have one device", "Of two domains with one device only the first starts.",
            explain_xen_twice, check_xen_twice),
        ROW("xen-seize", SCOPE_ALL, "A domain's file takes devices from dom0 without asking",
            "With seize=1 xl unbinds whatever stands there from its driver, the host's own disk or network included.", explain_xen_seize,
            check_xen_seize),
        ROW("xen-pvh-device", SCOPE_HOST | SCOPE_GUEST, "A PVH domain is to have a PCI device",
            "Xen gives PCI devices to PV and HVM domains only.", explain_xen_pvh, check_xen_pvh),
        ROW("xen-companions", SCOPE_ALL, "A device of a domain is not apart from others",
            "Xen's tools do not look for groups: what cannot be told apart, or reach each other, must go to one domain.",
            explain_xen_companions, check_xen_companions),
        ROW("xen-no-flr", SCOPE_ALL, "A function that is given cannot be reset by itself",
            "Without a reset the next domain, or dom0, finds the device as the last one left it.", explain_xen_no_flr, check_xen_no_flr),
        {.id = NULL},
};
