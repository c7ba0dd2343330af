/* Checks of what Xen said when it started and since ('xl dmesg'), and of what dom0's kernel said about memory for DMA. */
#include "doctor/xen_checks.h"

#include "doctor/persistence.h"

#include <string.h>

#define XL_DMESG "xl dmesg"

/* ---- features of the IOMMU ---- */

/* Lines "Intel VT-d Snoop Control not enabled." of intel_iommu's vtd_setup() in xen/drivers/passthrough/vtd/iommu.c. */
static int vtd_feature(const Doctor *doctor, const char *name) {
        g_autofree char *on = g_strdup_printf("Intel VT-d %s enabled.", name);
        g_autofree char *off = g_strdup_printf("Intel VT-d %s not enabled.", name);
        return log_has(doctor, on) ? 1 : log_has(doctor, off) ? 0 : -1;
}

void check_xen_intremap(Doctor *doctor) {
        if (!on_dom0(doctor) || !doctor->xen_log)
                return;
        int vtd = vtd_feature(doctor, "Interrupt Remapping");
        bool off = vtd == 0 || log_has(doctor, "Interrupt remapping disabled");
        if (!off && (vtd == 1 || log_has(doctor, "Interrupt remapping enabled")))
                report(doctor, SEVERITY_OK, NULL, "interrupts remapped");
        if (!off)
                return;
        const Setup *setup = doctor->setup;
        Finding *finding = report(doctor, setup->xen.emulated ? SEVERITY_NOTE : SEVERITY_WARNING, NULL,
                                  "Xen gives devices away without interrupt remapping: give them only to domains that you trust");
        seen(finding, vtd == 0 ? "Intel VT-d Interrupt Remapping not enabled." : "Interrupt remapping disabled");
        seen_in(finding, XL_DMESG);
        if (setup->xen.emulated)
                remedy(finding, "nothing, where this emulated machine is a test: Xen's disk hangs with QEMU's intel-iommu,intremap=on");
        else
                remedy(finding, "BIOS: turn on 'Interrupt Remapping' and 'x2APIC'; take iommu=no-intremap off Xen's command line");
}

static const struct {
        const char *name;
        int bad; /* this state is worth a word */
        const char *what;
} features[] = {
        {"Snoop Control", 0, "Snoop Control is off"},
        {"Queued Invalidation", 0, "Queued Invalidation is off"},
        {"Shared EPT tables", 0, "Shared EPT tables are off"},
        {"Dom0 DMA Passthrough", 1, "dom0's own DMA bypasses it"},
};

void check_xen_features(Doctor *doctor) {
        g_autoptr(GString) what = g_string_new(NULL);

        if (!on_dom0(doctor) || !doctor->xen_log)
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(features); i++)
                if (vtd_feature(doctor, features[i].name) == features[i].bad)
                        g_string_append_printf(what, "%s%s", what->len ? "; " : "", features[i].what);
        if (!what->len && log_has(doctor, " - Dom0 mode: Passthrough"))
                g_string_append(what, "dom0's own DMA bypasses it");
        if (!what->len)
                return;
        Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "of Xen's IOMMU: %s", what->str);
        seen_in(finding, XL_DMESG " (lines 'Intel VT-d …' and 'Dom0 mode')");
}

const char explain_xen_intremap[] =
        "A device raises an interrupt by a write to memory. Interrupt remapping has the IOMMU check these writes, so "
        "that a device, and with it the domain that has it, raises only what it was allowed to. Where it is off, a "
        "hostile domain can make its device raise any interrupt of the host. VFIO refuses to give devices away then; "
        "Xen does not.\n\n"
        "'xl dmesg' says 'Intel VT-d Interrupt Remapping not enabled.' or 'Interrupt remapping disabled' when it is "
        "off. Causes: the BIOS opts out ('Interrupt Remapping', 'x2APIC', 'X2APIC Opt Out'), a broken DMAR or IVRS "
        "table (BIOS update), an old chipset with an erratum, iommu=no-intremap or iommu=intremap=off on Xen's "
        "command line, or Queued Invalidation being off, without which Xen does not use it. iommu=required together "
        "with iommu=intremap makes Xen stop at boot rather than go on without.\n\n"
        "On an emulated machine (QEMU) this is only told as a note: there is nothing to protect, and with "
        "intel-iommu,intremap=on dom0 hangs.";

const char explain_xen_features[] =
        "Lines of 'xl dmesg' tell which features of the IOMMU Xen uses. What each means for domains:\n\n"
        "Snoop Control: the IOMMU makes DMA coherent with the processors' caches whatever the device asks. Not "
        "enabled: Xen lets HVM domains with a device choose memory types and flush caches themselves; that is "
        "correct and slower. Graphics units often lack it.\n\n"
        "Dom0 DMA Passthrough: not enabled is the default and the better state: dom0's own devices are held to "
        "dom0's memory. Enabled (iommu=dom0-passthrough, dom0-iommu=passthrough), they bypass the IOMMU; devices of "
        "domains do not. 'Dom0 mode: Relaxed' is the default too, and lets dom0's devices reach all memory but "
        "Xen's; 'Strict' maps only what is dom0's.\n\n"
        "Queued Invalidation: how Xen tells the IOMMU of changes. Not enabled: mapping is slower, and there is no "
        "interrupt remapping. iommu=no-qinval turns it off.\n\n"
        "Interrupt Remapping: see 'vfadm doctor --explain xen-intremap-off'.\n\n"
        "Posted Interrupt: interrupts of a device go to a running virtual processor without Xen; not enabled by "
        "default (iommu=intpost), and missing on many processors. Slower without, no more.\n\n"
        "Shared EPT tables: IOMMU and processor use the same tables for an HVM domain. Not enabled: more memory and "
        "a slower start for large domains with a device; PV domains have none of it. iommu=no-sharept turns it off, "
        "also the lack of 2 MiB pages in the IOMMU.\n\n"
        "AMD-Vi has fewer lines: 'AMD-Vi: IOMMU 0 Enabled.' for each unit, 'Interrupt remapping enabled', and the "
        "Dom0 mode.";

/* ---- faults ---- */

/* "0000:01:10.0" after `mark` on this line; in brackets or up to a blank. */
static bool device_after(const char *line, const char *end, const char *mark, PciAddr *ret) {
        const char *at = g_strstr_len(line, end - line, mark);
        if (!at)
                return false;
        at += strlen(mark);
        size_t n = strspn(at, "0123456789abcdef:.");
        g_autofree char *text = g_strndup(at, MIN(n, (size_t) 32));
        return pci_addr_parse(text, ret);
}

/* iommu_page_fault_do_one() of xen/drivers/passthrough/vtd/iommu.c; parse_event_log_entry() of …/amd/iommu_init.c. */
static bool fault_of(const char *line, const char *end, PciAddr *ret) {
        if (g_strstr_len(line, end - line, "DMAR:[DMA "))
                return device_after(line, end, "Request device [", ret);
        return device_after(line, end, "AMD-Vi: IO_PAGE_FAULT: ", ret);
}

typedef struct {
        PciAddr addr;
        unsigned count;
        char *first;
} Fault;

static void fault_clear(void *data) {
        g_free(((Fault *) data)->first);
}

enum { FAULTS_TOLD = 16 };

static GArray *read_faults(const char *log) {
        GArray *faults = g_array_new(FALSE, TRUE, sizeof(Fault));
        PciAddr addr;

        g_array_set_clear_func(faults, fault_clear);
        for (const char *line = log, *end; *line; line = *end ? end + 1 : end) {
                unsigned i = 0;
                end = line + strcspn(line, "\n");
                if (!fault_of(line, end, &addr))
                        continue;
                while (i < faults->len && !pci_addr_equal(g_array_index(faults, Fault, i).addr, addr))
                        i++;
                if (i == faults->len) {
                        if (i == FAULTS_TOLD)
                                break;
                        Fault fault = {addr, 0, g_strndup(line, (gsize) MIN(end - line, 160))};
                        g_array_append_val(faults, fault);
                }
                g_array_index(faults, Fault, i).count++;
        }
        return faults;
}

/* What goes from owner to owner faults for a moment in between, when its old orders meet the new owner's memory, quarantine above all;
 * of what stays with dom0 it is no good sign. */
static Severity fault_severity(const Dev *dev) {
        return !dev || dev->is_vf || is_xens(dev) ? SEVERITY_NOTE : SEVERITY_WARNING;
}

static void tell_fault(Doctor *doctor, const Fault *fault) {
        const Dev *dev = snapshot_get(doctor->host, fault->addr);
        Severity severity = fault_severity(dev);
        char name[PCI_ADDR_TEXT_SIZE];
        Finding *finding;

        if (doctor->scope != SCOPE_HOST && (!dev || !dev_in_scope(doctor, dev)))
                return;
        pci_addr_format(fault->addr, name);
        const Use *use = dev ? dev_use(dev) : NULL;
        g_autofree char *whose = use ? g_strdup_printf(" (%s)", use->what)
                                 : dev ? g_strdup_printf(" (%s)", dev->driver ? dev->driver : "no driver")
                                       : g_strdup("");
        g_autofree char *times = fault->count > 1 ? g_strdup_printf("%u times ", fault->count) : g_strdup("");
        if (dev)
                finding = report_dev(doctor, severity, dev, "the IOMMU %sheld back DMA of %s%s", times, name, whose);
        else
                finding = report(doctor, severity, NULL, "the IOMMU %sheld back DMA of %s, which is not there now", times, name);
        seen(finding, "%s", fault->first);
        seen_in(finding, XL_DMESG);
        remedy(finding, "see whether it goes on: 'xl dmesg -c' empties the log. Of a device that a domain had: detach it and give it back, "
                        "which resets it; of one that faults from boot on: a BIOS update");
}

void check_xen_fault(Doctor *doctor) {
        if (!on_dom0(doctor) || !doctor->xen_log)
                return;
        g_autoptr(GArray) faults = read_faults(doctor->xen_log);
        for (unsigned i = 0; i < faults->len; i++)
                tell_fault(doctor, &g_array_index(faults, Fault, i));
}

const char explain_xen_fault[] =
        "'DMAR:[DMA Read] Request device [0000:01:10.0] fault addr 7f000000' (Intel) or 'AMD-Vi: IO_PAGE_FAULT: "
        "0000:01:10.0 …' (AMD) in 'xl dmesg' means that this device read or wrote an address which the domain that "
        "has it does not own, and that the IOMMU held it back. Nothing was harmed. The line after it names the "
        "reason.\n\n"
        "Common causes: the device went on with DMA of its former owner, because it was not reset or its driver was "
        "taken away while it worked (bring the interface down first; vfadm resets what it gives); it sits in "
        "quarantine (bound to pciback, with no domain) and still works on old orders; memory that the firmware keeps "
        "for it (RMRR: USB, graphics, management controllers; rdm_policy=relaxed in the domain's file, or leave it "
        "to dom0); a device that sends under another function's number (xen-companions tells of those behind a "
        "conventional bridge; Xen's pci-phantom= parameter names others); a driver's mistake in the domain.\n\n"
        "Xen turns bus mastering of a device off that faults too often, and it stays dead until it is reset.";

/* ---- memory for DMA ---- */

static bool is_swiotlb_line(const char *line) {
        return !strstr(line, "pci_devs_to_hide");
}

void check_xen_swiotlb(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        const char *line = NULL;
        unsigned count = 0;

        for (char **at = setup->xen.log; on_dom0(doctor) && at && *at; at++) {
                if (!is_swiotlb_line(*at))
                        continue;
                line = line ? line : *at;
                count++;
        }
        if (!line)
                return;
        const char *size = boot_words_get(setup->words, "swiotlb");
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL, "dom0's kernel found no memory for DMA that devices can reach%s",
                                  count > 1 ? ", more than once" : "");
        seen(finding, "%.200s%s%s", line, size ? "; swiotlb=" : "", size ? size : "");
        seen_in(finding, "journalctl -k -b");
        remedy(finding, "leave Xen low memory: dom0_mem=4G,max:4G on Xen's command line; then, if need be, swiotlb=32768 (64 MiB) on the kernel's. "
                        "permissive=1 does not help");
}

const char explain_xen_swiotlb[] =
        "A PV kernel (dom0 and PV domains) sees memory that is scattered in the machine. For DMA of devices that "
        "need contiguous or low addresses it keeps a buffer (swiotlb, 64 MiB by default) and asks Xen to exchange "
        "its pages for contiguous ones below 4 GiB. 'xen:swiotlb_xen: Failed to get contiguous memory for DMA from "
        "Xen! … (rc:-12)' means that Xen had none left there (-12 is ENOMEM; -1 would be: not allowed that much at "
        "once). 'swiotlb buffer is full' means that the buffer was had and is too small.\n\n"
        "In dom0: fix its memory (dom0_mem=4G,max:4G on Xen's command line), so that Xen keeps the rest in large "
        "pieces, low memory included. A smaller buffer asks for less: swiotlb=16384 is 32 MiB (the unit is 2 KiB); a "
        "larger one helps when it is full.\n\n"
        "In a PV domain the same message stands in its own kernel's log, when a device is plugged into a domain that "
        "was started without one, as a rule one with more than 4 GiB: the buffer must be asked for late. Boot its "
        "kernel with iommu=soft (the buffer is made at boot), give it its device at its start, start it before "
        "domains without devices, and fix dom0's memory as above. An HVM domain has no such need: the IOMMU "
        "translates for it.\n\n"
        "Guides that name permissive=1 or pci_permissive=1 as the remedy are wrong: permissive opens the device's "
        "config space to the domain, which has nothing to do with memory, and is unsafe (xen-permissive). Where it "
        "seemed to help, the restart that came with it did.";
