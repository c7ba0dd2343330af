/* Checks of the firmware: its IOMMU tables, and the memory that it keeps for devices. */
#include "doctor/platform.h"

#include "base/parse.h"

#include <string.h>

#define TABLES "/sys/firmware/acpi/tables"

static void ok_table(Doctor *doctor, const char *name, const IommuTable *table) {
        if (table->readable && table->units)
                report(doctor, SEVERITY_OK, NULL, "%s: %u unit%s", name, table->units, table->units == 1 ? "" : "s");
        else
                report(doctor, SEVERITY_OK, NULL, "%s", name);
}

static void remedy_vt_d(Finding *finding, const Setup *setup) {
        if (setup->hypervisor)
                remedy(finding, "this host is a virtual machine itself: give it an IOMMU (QEMU: -machine q35,kernel-irqchip=split -device "
                       "intel-iommu,intremap=on,caching-mode=on; VMware: 'Expose IOMMU to the guest OS')");
        else if (setup->vendor == CPU_AMD)
                remedy(finding, "BIOS: turn on 'IOMMU' ('AMD-Vi', 'AMD I/O Virtualization Technology'; often below AMD CBS > NBIO "
                       "Common Options; 'Auto' may mean off: choose 'Enabled')");
        else
                remedy(finding, "BIOS: turn on 'Intel VT for Directed I/O (VT-d)' ('VT-d', 'Intel Virtualization Technology for "
                       "Directed I/O')");
}

static void check_tables(Doctor *doctor) {
        const Setup *setup = doctor->setup;

        if (has_dmar(setup))
                ok_table(doctor, "DMAR", &setup->dmar);
        if (has_ivrs(setup))
                ok_table(doctor, "IVRS", &setup->ivrs);
        if (is_arm(setup) && setup->iort == KNOWN_YES)
                report(doctor, SEVERITY_OK, NULL, "IORT");
        /* Xen hides DMAR from its first domain; virtio-iommu and Hyper-V's are told elsewhere. */
        if (!is_x86(setup) || setup->xen_dom0 || setup->dmar.present != KNOWN_NO || setup->ivrs.present != KNOWN_NO ||
            iommu_active(doctor) || setup->iommus->len)
                return;
        const char *name = setup->vendor == CPU_AMD ? "AMD-Vi" : setup->vendor == CPU_INTEL ? "VT-d" : "VT-d or AMD-Vi";
        Finding *finding = report(doctor, SEVERITY_BLOCKS, NULL, "the firmware tells of no IOMMU: %s is %s",
                                  setup->hypervisor ? "none" : name,
                                  setup->hypervisor ? "given to this virtual machine" : "off or not there");
        seen(finding, "neither DMAR nor IVRS among the tables");
        seen_in(finding, TABLES);
        remedy_vt_d(finding, setup);
}

/* Only what would have been used: whether memory is kept, and what the table says of interrupts. */
static void check_unread(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        const char *name = has_dmar(setup) && !setup->dmar.readable ? "DMAR" : has_ivrs(setup) && !setup->ivrs.readable ? "IVRS" : NULL;

        if (!name)
                return;
        Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "the firmware's IOMMU table could not be read: which memory it keeps for "
                                  "devices is not known");
        seen(finding, "%s is there and cannot be read", name);
        seen_in(finding, TABLES "/%s", name);
        remedy(finding, "run this as root");
}

static void broken(Doctor *doctor, const char *name, const IommuTable *table) {
        if (!table->readable || table->valid)
                return;
        bool active = iommu_active(doctor);
        Finding *finding = report(doctor, active ? SEVERITY_NOTE : SEVERITY_WARNING, NULL, "the firmware's IOMMU table %s is damaged%s",
                                  name, active ? ", though the kernel could use it" : "");
        seen(finding, "its lengths or its checksum do not add up; %u unit%s before that", table->units, table->units == 1 ? "" : "s");
        seen_in(finding, TABLES "/%s", name);
        if (!active)
                remedy(finding, "update the BIOS; 'journalctl -k -b -g \"DMAR|AMD-Vi|IVRS\"' has the kernel's words");
}

static void check_broken(Doctor *doctor) {
        broken(doctor, "DMAR", &doctor->setup->dmar);
        broken(doctor, "IVRS", &doctor->setup->ivrs);
}

/* ---- memory that is kept ---- */

/* Linux 6.6 began to refuse such devices on every platform (drivers/iommu/iommu.c require_direct); before, only Intel's
 * driver did. */
static bool kernel_refuses_direct(const Snapshot *host) {
        g_auto(GStrv) parts = g_strsplit(host->kernel_release ? host->kernel_release : "", ".", 3);
        uint64_t major, minor;
        if (g_strv_length(parts) < 2 || !parse_uint(parts[0], 10, 0, 999, &major))
                return true;
        size_t digits = strspn(parts[1], "0123456789");
        return !parse_uint_n(parts[1], digits, 10, 0, 999, &minor) || major > 6 || (major == 6 && minor >= 6);
}

/* Which function of ranges and scopes means a device. A VF is not its PF: the kernel compares functions, not requester
 * ids (drivers/iommu/intel/iommu.c, intel_iommu_get_resv_regions). */
static const ReservedMemory *kept_for(const Snapshot *host, const GArray *reserved, const Dev *dev) {
        for (unsigned i = 0; i < reserved->len; i++) {
                const ReservedMemory *memory = &g_array_index(reserved, ReservedMemory, i);
                if (!memory->below && pci_addr_compare(memory->dev, dev->addr) <= 0 && pci_addr_compare(dev->addr, memory->last) <= 0)
                        return memory;
                const Dev *at = dev;
                for (unsigned steps = 0; memory->below && at && steps < 256; steps++) {
                        if (pci_addr_equal(memory->dev, at->addr))
                                return memory;
                        at = at->has_parent ? snapshot_get(host, at->parent) : NULL;
                }
        }
        return NULL;
}

/* drivers/iommu/intel/iommu.c device_rmrr_is_relaxable(): USB controllers and graphics use theirs only while booting. */
static bool is_relaxable(const Dev *dev) {
        return dev->class_code >> 8 == 0x0c03 || dev->class_code >> 16 == 0x03;
}

typedef struct {
        const Dev *dev;
        const ReservedMemory *memory;
        bool intel;
} Kept;

static bool find_kept(const Doctor *doctor, const Dev *dev, Kept *ret) {
        const Setup *setup = doctor->setup;
        const ReservedMemory *memory = is_relaxable(dev) ? NULL : kept_for(doctor->host, setup->dmar.reserved, dev);
        bool intel = memory != NULL;

        if (!memory)
                memory = kept_for(doctor->host, setup->ivrs.reserved, dev);
        *ret = (Kept) {dev, memory, intel};
        return memory != NULL;
}

/* A PF stays with the host as a rule, and its VFs are given: what holds the PF alone blocks nobody who did not mean it. */
static Severity kept_severity(const Doctor *doctor, const Dev *dev, const Kept *kept) {
        if (!kept->intel && !kernel_refuses_direct(doctor->host))
                return SEVERITY_WARNING;
        bool asked = doctor->scope != SCOPE_HOST && !(dev->is_pf && dev->num_vfs > 0);
        bool meant = asked || dev->is_vf || driver_is_vfio(dev->driver) || lease_of(doctor, dev);
        return meant ? SEVERITY_BLOCKS : SEVERITY_NOTE;
}

static bool is_whole_range(const ReservedMemory *memory) {
        return !memory->below && memory->last.bus - memory->dev.bus >= 8;
}

static void tell_kept(Doctor *doctor, const Dev *dev, const Kept *kept) {
        const ReservedMemory *memory = kept->memory;
        const char *table = kept->intel ? "DMAR" : "IVRS", *block = kept->intel ? "RMRR" : "IVMD";
        Severity severity = kept_severity(doctor, dev, kept);
        Finding *finding;

        if (kept->dev == dev)
                finding = report_dev(doctor, severity, dev, "the firmware keeps memory mapped for %s, and %s", dev->name,
                                     severity == SEVERITY_WARNING ? "uses it behind a guest's back" : "the kernel gives no such device away");
        else
                finding = report_dev(doctor, severity, dev, "the firmware keeps memory mapped for %s, which is in the group of %s: %s",
                                     kept->dev->name, dev->name, "the kernel gives none of the group away");
        about(finding, kept->dev);
        seen(finding, "%s 0x%" G_GINT64_MODIFIER "x-0x%" G_GINT64_MODIFIER "x", block, memory->start, memory->end);
        seen_in(finding, TABLES "/%s", table);
        if (!kept->intel && is_whole_range(memory))
                remedy(finding, "BIOS: turn off 'Kernel DMA Protection Indicator' ('Pre-boot DMA Protection', 'DMA Protection')");
        else if (kept->intel)
                remedy(finding, "turn off what the firmware does with this device (shared management port, option ROM, HPE 'shared "
                       "memory features'), move the card to another slot, or update the BIOS");
        else
                remedy(finding, "update the BIOS, or move the card to another slot");
}

/* A group is given as a whole, so one locked member holds all: found in one walk over the devices. */
static GHashTable *locked_groups(const Doctor *doctor) {
        GHashTable *locked = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        for (unsigned i = 0; i < doctor->host->devs->len; i++) {
                const Dev *dev = doctor->host->devs->pdata[i];
                void *group = GINT_TO_POINTER(dev->iommu_group);
                Kept kept;
                if (dev->iommu_group >= 0 && !dev_is_bridge(dev) && !g_hash_table_contains(locked, group) && find_kept(doctor, dev, &kept))
                        g_hash_table_insert(locked, group, g_memdup2(&kept, sizeof kept));
        }
        return locked;
}

static void check_reserved(Doctor *doctor) {
        const Setup *setup = doctor->setup;

        if (!iommu_active(doctor) || (!setup->dmar.reserved->len && !setup->ivrs.reserved->len))
                return;
        g_autoptr(GHashTable) locked = locked_groups(doctor);
        for (unsigned i = 0; i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                const Kept *of_group = g_hash_table_lookup(locked, GINT_TO_POINTER(dev->iommu_group));
                Kept own;
                if (dev->iommu_group < 0 || !of_group)
                        continue;
                tell_kept(doctor, dev, find_kept(doctor, dev, &own) ? &own : of_group);
        }
}

const Check checks_firmware[] = {
        {
                .id = "iommu-firmware-off",
                .topic = TOPIC_FIRMWARE,
                .scopes = SCOPE_HOST | SCOPE_DEVICE,
                .title = "The firmware tells of no IOMMU",
                .why = "Without an IOMMU a device reads and writes all memory, so the kernel gives none to a guest.",
                .explain =
                        "The kernel learns of the IOMMU from an ACPI table: DMAR (Intel VT-d) or IVRS (AMD-Vi). "
                        "/sys/firmware/acpi/tables has neither, so the setting is off in the BIOS, or board or "
                        "processor have no IOMMU. No boot parameter helps.\n\n"
                        "Intel, 'VT-d' or 'Intel VT for Directed I/O', apart from VT-x. Dell: System BIOS > Processor "
                        "Settings > Virtualization Technology (one setting for both). HPE: BIOS/Platform "
                        "Configuration > Virtualization Options > Intel VT-d. Lenovo ThinkSystem: System Settings > "
                        "Devices and I/O Ports > Intel VT for Directed I/O. Supermicro: Advanced > Chipset "
                        "Configuration > North Bridge > IIO Configuration > Intel VT for Directed I/O. ASUS: Advanced "
                        "> System Agent Configuration > VT-d. Gigabyte and MSI: Settings or Chipset > VT-d.\n\n"
                        "AMD, 'IOMMU' or 'AMD-Vi'. HPE: Virtualization Options > AMD I/O Virtualization Technology. "
                        "Supermicro: Advanced > NB Configuration > IOMMU. Boards with AMD CBS: Advanced > AMD CBS > "
                        "NBIO Common Options > IOMMU. 'Auto' means off on some boards: choose 'Enabled'.\n\n"
                        "While there, look at 'SR-IOV Support', 'Above 4G Decoding', 'ACS Enable' and 'x2APIC'. Names "
                        "and places change between BIOS versions. A host that is a virtual machine needs an IOMMU "
                        "from its hypervisor.",
                .run = check_tables,
        },
        {
                .id = "firmware-unread",
                .topic = TOPIC_FIRMWARE,
                .scopes = SCOPE_HOST,
                .title = "The firmware's IOMMU table could not be read",
                .why = "Memory that the firmware keeps for a device makes that device impossible to give away, and only this table tells.",
                .explain =
                        "The tables in /sys/firmware/acpi/tables can be read by root only. That one exists is known "
                        "without, and that is enough to say whether the IOMMU is on in the BIOS. Number of units, "
                        "interrupt remapping's flag and reserved memory (RMRR, IVMD) stand inside.\n\n"
                        "Run the same as root, or 'iasl -d' on a copy of the table to read it yourself. Under kernel "
                        "lockdown root reads them too.",
                .run = check_unread,
        },
        {
                .id = "firmware-table-broken",
                .topic = TOPIC_FIRMWARE,
                .scopes = SCOPE_HOST,
                .title = "The firmware's IOMMU table is damaged",
                .why = "The kernel leaves the IOMMU off when it cannot make sense of the table.",
                .explain =
                        "A block in DMAR or IVRS has a length that leads out of the table, the table names no IOMMU, "
                        "or the checksum is wrong. The kernel says so at boot: 'DMAR: Parse DMAR table failure', "
                        "'AMD-Vi: … invalid checksum', 'Your BIOS is broken'.\n\n"
                        "Update the BIOS. Until then it may help to turn VT-d or IOMMU off and on again in the BIOS, "
                        "or to load the BIOS' defaults and set it anew.",
                .run = check_broken,
        },
        {
                .id = "reserved-memory",
                .topic = TOPIC_FIRMWARE,
                .scopes = SCOPE_HOST | SCOPE_DEVICE,
                .title = "The firmware keeps memory mapped for a device",
                .why = "The kernel does not give a device to a guest while the firmware goes on using it by DMA.",
                .explain =
                        "Firmware may say that a device must always reach some memory at its physical address: RMRR "
                        "blocks in DMAR (Intel), IVMD blocks in IVRS (AMD). Management controllers and legacy USB use "
                        "it. A guest's memory would lie at the same addresses, so the kernel refuses: 'Device is "
                        "ineligible for IOMMU domain attach due to platform RMRR requirement' or 'Firmware has "
                        "requested this device have a 1:1 IOMMU mapping' (Linux 6.6 and later, AMD as well; before "
                        "that, AMD devices were given and the firmware wrote into whatever the guest had there).\n\n"
                        "USB controllers and graphics are excepted on Intel, since they use it while booting only. A "
                        "block that names a bridge means all below it, VFs too; one that names a PF does not mean its "
                        "VFs. /sys/kernel/iommu_groups/N/reserved_regions shows such memory as 'direct' "
                        "('direct-relaxable' is harmless).\n\n"
                        "HPE ProLiant Gen8 and Gen9 keep memory for every slot; HPE's conrep can except a slot "
                        "(Endpoints_Exclude), later generations have a BIOS option. AMD boards that keep some pages "
                        "for all devices from 00:00.0 to the end do so for 'Kernel DMA Protection Indicator' "
                        "('Pre-boot DMA Protection'): turn it off. Otherwise: another slot, a newer BIOS, or the "
                        "device's VFs in its place.\n\n"
                        "Patches that make the kernel ignore this let firmware and guest write over each other.",
                .run = check_reserved,
        },
        {.id = NULL},
};
