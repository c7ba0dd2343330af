/* Checks of processor, firmware and kernel: each fires on a host that it is for, and is silent on a healthy one. */
#include "doctor_world.h"

#include <errno.h>
#include <string.h>

static const char *const ids[] = {
        "virt-off", "kvm-missing", "kvm-denied", "arch-arm", "arch-power", "iommu-firmware-off", "firmware-unread",
        "firmware-table-broken", "reserved-memory", "iommu-off", "intremap-off", "unsafe-interrupts", "vfio-missing",
        "noiommu-mode", "acs-override", "lockdown", "xen-dom0",
};

static void assert_silent_but(DoctorWorld *w, const char *const *but) {
        doctor_world_host(w);
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                if (!but || !g_strv_contains(but, ids[i]))
                        g_assert_cmpuint(doctor_world_count(w, ids[i]), ==, 0);
}

static bool has_ok(const DoctorWorld *w, const char *id, const char *what) {
        for (unsigned i = 0; i < w->findings->len; i++) {
                const Finding *finding = w->findings->pdata[i];
                if (finding->severity == SEVERITY_OK && g_str_equal(finding->id, id) && g_str_equal(finding->what, what))
                        return true;
        }
        return false;
}

static void assert_has(const GPtrArray *words, const char *word) {
        g_assert_true(g_ptr_array_find_with_equal_func((GPtrArray *) words, word, g_str_equal, NULL));
}

static void no_iommu(DoctorWorld *w) {
        Setup *setup = doctor_world_setup(w);
        w->host->has_iommu = false;
        w->host->intremap = INTREMAP_OFF;
        setup->groups = setup->identity_groups = 0;
        g_ptr_array_set_size(setup->iommus, 0);
}

static void no_table(DoctorWorld *w) {
        Setup *setup = doctor_world_setup(w);
        GArray *reserved = setup->dmar.reserved;
        setup->dmar = (IommuTable) {.present = KNOWN_NO, .reserved = reserved};
}

static void as_amd(DoctorWorld *w) {
        Setup *setup = doctor_world_setup(w);
        no_table(w);
        setup->vendor = CPU_AMD;
        GArray *reserved = setup->ivrs.reserved;
        setup->ivrs = (IommuTable) {.present = KNOWN_YES, .readable = true, .valid = true, .intr_remap = true, .units = 4,
                                    .reserved = reserved};
}

static void set_arch(DoctorWorld *w, const char *arch) {
        Setup *setup = doctor_world_setup(w);
        g_free(setup->arch);
        setup->arch = g_strdup(arch);
}

static void keep_memory(GArray *reserved, PciAddr first, PciAddr last, bool below) {
        ReservedMemory memory = {.dev = first, .last = last, .below = below, .start = 0x9d000000, .end = 0x9d0fffff};
        g_array_append_val(reserved, memory);
}

static void test_healthy(void) {
        g_auto(DoctorWorld) w = doctor_world(3);

        assert_silent_but(&w, NULL);
        g_assert_true(has_ok(&w, "virt-off", "VT-x"));
        g_assert_true(has_ok(&w, "kvm-missing", "/dev/kvm opens"));
        g_assert_true(has_ok(&w, "iommu-firmware-off", "DMAR: 2 units"));
        g_assert_true(has_ok(&w, "iommu-off", "IOMMU on (intel_iommu=on), 6 groups"));
        g_assert_true(has_ok(&w, "intremap-off", "interrupt remapping on"));
        const Finding *finding = assert_host_fires(&w, "iommu-passthrough", SEVERITY_NOTE, "bypass");
        g_assert_cmpstr(finding->seen, ==, "iommu=pt");
        doctor_world_device(&w, host_vf(w.host, 0));
        g_assert_true(has_ok(&w, "iommu-off", "IOMMU on"));
        g_assert_true(has_ok(&w, "intremap-off", "interrupt remapping on"));

        doctor_world_cmdline(&w, "ro quiet");
        doctor_world_setup(&w)->identity_groups = 0;
        assert_host_silent(&w, "iommu-passthrough");
        g_assert_true(has_ok(&w, "iommu-off", "IOMMU on, 6 groups"));
        doctor_world_setup(&w)->identity_groups = 2;
        assert_host_fires(&w, "iommu-passthrough", SEVERITY_NOTE, "bypass");
}

/* The emulated lab: an AMD processor by its own words, a virtual machine, and an Intel IOMMU. */
static void test_mixed_vendors(void) {
        g_auto(DoctorWorld) w = doctor_world(3);
        Setup *setup = doctor_world_setup(&w);

        setup->vendor = CPU_AMD;
        setup->hypervisor = true;
        doctor_world_cmdline(&w, "quiet intel_iommu=on");
        assert_silent_but(&w, NULL);
        g_assert_true(has_ok(&w, "virt-off", "AMD-V (nested)"));
        /* Its IOMMU off is a matter of Intel's parameter. */
        no_iommu(&w);
        doctor_world_cmdline(&w, "quiet");
        const Finding *finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "Intel IOMMU");
        assert_has(finding->boot_add, "intel_iommu=on");
        assert_host_silent(&w, "iommu-firmware-off");
        assert_host_silent(&w, "intremap-off");
}

static void test_no_setup(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        setup_free(w.host->setup);
        w.host->setup = NULL;
        assert_silent_but(&w, NULL);
        w.host->has_iommu = false;
        assert_silent_but(&w, (const char *const[]) {"iommu-off", NULL});
        assert_host_fires(&w, "iommu-off", SEVERITY_NOTE, "cannot be told");
}

static void test_virt(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        setup->virt_flag = false;
        setup->kvm_error = -ENOENT;
        const Finding *finding = assert_host_fires(&w, "virt-off", SEVERITY_WARNING, "hardware virtualisation");
        g_assert_nonnull(strstr(finding->remedy, "Intel Virtualization Technology (VT-x)"));
        assert_host_silent(&w, "kvm-missing"); /* one cause, told once */
        setup->vendor = CPU_AMD;
        finding = assert_host_fires(&w, "virt-off", SEVERITY_WARNING, NULL);
        g_assert_nonnull(strstr(finding->remedy, "SVM Mode"));
        setup->hypervisor = true;
        finding = assert_host_fires(&w, "virt-off", SEVERITY_WARNING, NULL);
        g_assert_nonnull(strstr(finding->remedy, "nested=1"));
        g_assert_null(strstr(finding->remedy, "BIOS"));
        setup->kvm_error = 0;
        assert_host_fires(&w, "virt-off", SEVERITY_NOTE, "though /dev/kvm opens");
        setup->cpus = 0; /* cpuinfo was not read */
        assert_host_silent(&w, "virt-off");
        setup->cpus = 2;
        setup->xen_dom0 = true;
        assert_host_silent(&w, "virt-off");
}

static void test_kvm(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        setup->kvm_error = -ENOSYS; /* nobody could look */
        assert_host_silent(&w, "kvm-missing");
        g_assert_false(has_ok(&w, "kvm-missing", "/dev/kvm opens"));
        setup->kvm_error = -ENODATA;
        assert_host_silent(&w, "kvm-missing");
        setup->kvm_error = -EACCES;
        assert_host_fires(&w, "kvm-denied", SEVERITY_NOTE, "may not");
        assert_host_silent(&w, "kvm-missing");
        setup->kvm_error = -ENOENT;
        const Finding *finding = assert_host_fires(&w, "kvm-missing", SEVERITY_WARNING, "KVM");
        g_assert_nonnull(strstr(finding->seen, "kvm_intel is loaded"));
        g_ptr_array_set_size(setup->modules, 0);
        finding = assert_host_fires(&w, "kvm-missing", SEVERITY_WARNING, "KVM");
        g_assert_true(g_str_has_prefix(finding->remedy, "modprobe kvm_intel"));
        assert_host_silent(&w, "kvm-denied");
}

static void test_other_platforms(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        no_table(&w);
        setup->virt_flag = false;
        setup->vendor = CPU_OTHER;
        w.host->intremap = INTREMAP_OFF;
        doctor_world_cmdline(&w, "quiet");
        set_arch(&w, "aarch64");
        setup->iort = KNOWN_YES;
        assert_silent_but(&w, (const char *const[]) {"arch-arm", NULL});
        assert_host_fires(&w, "arch-arm", SEVERITY_NOTE, "SMMU");
        g_assert_true(has_ok(&w, "iommu-firmware-off", "IORT"));
        no_iommu(&w);
        const Finding *finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, NULL);
        g_assert_nonnull(strstr(finding->remedy, "SMMU"));
        g_assert_null(strstr(finding->remedy, "intel_iommu"));
        g_assert_cmpuint(finding->boot_add->len, ==, 0);
        assert_host_silent(&w, "iommu-firmware-off");

        set_arch(&w, "ppc64le");
        assert_host_fires(&w, "arch-power", SEVERITY_NOTE, "POWER");
        assert_host_silent(&w, "arch-arm");
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, NULL);
        g_assert_null(strstr(finding->remedy, "BIOS"));
        w.host->has_iommu = true;
        assert_silent_but(&w, (const char *const[]) {"arch-power", NULL});
        set_arch(&w, "x86_64");
        assert_host_silent(&w, "arch-power");
}

static void test_firmware_off(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        no_table(&w);
        no_iommu(&w);
        const Finding *finding = assert_host_fires(&w, "iommu-firmware-off", SEVERITY_BLOCKS, "VT-d");
        g_assert_nonnull(strstr(finding->remedy, "Intel VT for Directed I/O"));
        g_assert_cmpuint(finding->boot_add->len, ==, 0);
        assert_host_silent(&w, "iommu-off"); /* one cause, told once */
        assert_host_silent(&w, "intremap-off");
        assert_device_fires(&w, host_vf(w.host, 0), "iommu-firmware-off", SEVERITY_BLOCKS, NULL);
        setup->vendor = CPU_AMD;
        finding = assert_host_fires(&w, "iommu-firmware-off", SEVERITY_BLOCKS, "AMD-Vi");
        g_assert_nonnull(strstr(finding->remedy, "NBIO"));
        setup->hypervisor = true;
        finding = assert_host_fires(&w, "iommu-firmware-off", SEVERITY_BLOCKS, "none is given to this virtual machine");
        g_assert_nonnull(strstr(finding->remedy, "intel-iommu"));
        setup->dmar.present = setup->ivrs.present = KNOWN_NOT; /* the folder could not be listed: still no group */
        assert_host_silent(&w, "iommu-firmware-off");
        assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "no IOMMU is active");
        setup->xen_dom0 = true;
        assert_host_silent(&w, "iommu-off");
        assert_host_fires(&w, "xen-dom0", SEVERITY_NOTE, "Xen");
}

static void test_firmware_table(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        setup->dmar.readable = setup->dmar.valid = false;
        setup->dmar.units = 0;
        const Finding *finding = assert_host_fires(&w, "firmware-unread", SEVERITY_NOTE, "could not be read");
        g_assert_cmpstr(finding->where, ==, "/sys/firmware/acpi/tables/DMAR");
        g_assert_true(has_ok(&w, "iommu-firmware-off", "DMAR"));
        assert_host_silent(&w, "firmware-table-broken");
        setup->dmar.readable = true;
        assert_host_silent(&w, "firmware-unread");
        assert_host_fires(&w, "firmware-table-broken", SEVERITY_NOTE, "damaged");
        no_iommu(&w);
        assert_host_fires(&w, "firmware-table-broken", SEVERITY_WARNING, "damaged");
        as_amd(&w);
        setup->ivrs.valid = false;
        finding = assert_host_fires(&w, "firmware-table-broken", SEVERITY_WARNING, "damaged");
        g_assert_cmpstr(finding->where, ==, "/sys/firmware/acpi/tables/IVRS");
}

static void test_iommu_off_intel(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        no_iommu(&w);
        doctor_world_cmdline(&w, "ro quiet");
        const Finding *finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "leaves it off");
        g_assert_nonnull(strstr(finding->seen, "default is off"));
        g_assert_nonnull(strstr(finding->where, "/boot/config-6.12.0"));
        assert_has(finding->boot_add, "intel_iommu=on");
        g_assert_cmpuint(finding->boot_remove->len, ==, 0);
        setup->intel_default_on = KNOWN_NOT;
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "leaves it off");
        g_assert_nonnull(strstr(finding->seen, "not known"));
        setup->boot.next = boot_words_split("ro quiet intel_iommu=on");
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, NULL);
        g_assert_true(g_str_has_prefix(finding->remedy, "reboot"));
        g_assert_cmpuint(finding->boot_add->len, ==, 0);
        setup->intel_default_on = KNOWN_YES;
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "still none");
        g_assert_nonnull(strstr(finding->seen, "by default"));
        g_assert_cmpuint(finding->boot_add->len, ==, 0);
        doctor_world_cmdline(&w, "ro intel_iommu=on");
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "still none");
        g_assert_nonnull(strstr(finding->seen, "by boot parameter"));
}

static void test_iommu_off_by_word(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        no_iommu(&w);
        doctor_world_cmdline(&w, "ro intel_iommu=on intel_iommu=off,sm_on");
        const Finding *finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "boot parameter");
        g_assert_cmpstr(finding->seen, ==, "intel_iommu=off,sm_on");
        assert_has(finding->boot_remove, "intel_iommu=off,sm_on");
        assert_has(finding->boot_add, "intel_iommu=on"); /* the default is off */
        g_assert_nonnull(strstr(finding->remedy, "--fix"));
        setup->boot.kind = BOOT_UNKNOWN;
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "boot parameter");
        g_assert_null(strstr(finding->remedy, "--fix"));
        setup->intel_default_on = KNOWN_YES;
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "boot parameter");
        g_assert_cmpuint(finding->boot_add->len, ==, 0);
        setup->boot.next = boot_words_split("ro quiet");
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "boot parameter");
        g_assert_true(g_str_has_prefix(finding->remedy, "reboot"));
        g_assert_cmpuint(finding->boot_remove->len, ==, 0);
        g_clear_pointer(&setup->boot.next, g_strfreev);
        /* The last one holds. */
        doctor_world_cmdline(&w, "ro intel_iommu=off intel_iommu=on iommu=off");
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "boot parameter");
        g_assert_cmpstr(finding->seen, ==, "iommu=off");
        as_amd(&w);
        doctor_world_cmdline(&w, "ro amd_iommu=off");
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "boot parameter");
        assert_has(finding->boot_remove, "amd_iommu=off");
        g_assert_cmpuint(finding->boot_add->len, ==, 0);
        doctor_world_cmdline(&w, "ro");
        finding = assert_host_fires(&w, "iommu-off", SEVERITY_BLOCKS, "still none");
        g_assert_nonnull(strstr(finding->seen, "AMD's IOMMU needs no boot parameter"));
        g_assert_cmpuint(finding->boot_add->len, ==, 0);
        w.host->has_iommu = true;
        assert_host_silent(&w, "iommu-off");
}

static void test_intremap(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        w.host->intremap = INTREMAP_OFF;
        const Finding *finding = assert_host_fires(&w, "intremap-off", SEVERITY_BLOCKS, "not remapped");
        g_assert_cmpstr(finding->where, ==, "/proc/interrupts");
        setup->dmar.intr_remap = false;
        finding = assert_host_fires(&w, "intremap-off", SEVERITY_BLOCKS, NULL);
        g_assert_cmpstr(finding->where, ==, "/sys/firmware/acpi/tables/DMAR");
        g_assert_nonnull(strstr(finding->remedy, "Interrupt Remapping"));
        setup->hypervisor = true;
        finding = assert_device_fires(&w, host_vf(w.host, 0), "intremap-off", SEVERITY_BLOCKS, NULL);
        g_assert_nonnull(strstr(finding->remedy, "intremap=on"));
        doctor_world_cmdline(&w, "intel_iommu=on nointremap");
        finding = assert_host_fires(&w, "intremap-off", SEVERITY_BLOCKS, NULL);
        assert_has(finding->boot_remove, "nointremap");
        doctor_world_cmdline(&w, "intel_iommu=on intremap=off");
        finding = assert_host_fires(&w, "intremap-off", SEVERITY_BLOCKS, NULL);
        assert_has(finding->boot_remove, "intremap=off");
        as_amd(&w);
        setup->hypervisor = setup->ivrs.intr_remap = false;
        doctor_world_cmdline(&w, "ro");
        finding = assert_host_fires(&w, "intremap-off", SEVERITY_BLOCKS, NULL);
        g_assert_cmpstr(finding->where, ==, "/sys/firmware/acpi/tables/IVRS");
        w.host->intremap = INTREMAP_UNKNOWN;
        assert_host_silent(&w, "intremap-off");
}

static void test_unsafe_interrupts(void) {
        g_auto(DoctorWorld) w = doctor_world(1);

        w.host->unsafe_interrupts = true;
        const Finding *finding = assert_host_fires(&w, "unsafe-interrupts", SEVERITY_NOTE, "though");
        g_assert_cmpstr(finding->seen, ==, "Y");
        w.host->intremap = INTREMAP_OFF;
        assert_host_fires(&w, "unsafe-interrupts", SEVERITY_WARNING, "forge");
        assert_host_silent(&w, "intremap-off"); /* the risk was accepted: nothing is blocked */
}

static void test_vfio(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        Setup *setup = doctor_world_setup(&w);

        setup->vfio_module = KNOWN_NO;
        const Finding *finding = assert_host_fires(&w, "vfio-missing", SEVERITY_BLOCKS, "vfio-pci");
        g_assert_nonnull(strstr(finding->remedy, "linux-modules-extra-6.12.0"));
        setup->vfio_module = KNOWN_YES;
        assert_host_silent(&w, "vfio-missing");
        setup->noiommu_mode = true;
        assert_host_fires(&w, "noiommu-mode", SEVERITY_WARNING, "no-IOMMU");
        setup->noiommu_mode = false;
        assert_host_silent(&w, "noiommu-mode");
}

static void test_acs_override(void) {
        g_auto(DoctorWorld) w = doctor_world(1);

        doctor_world_cmdline(&w, "intel_iommu=on pcie_acs_override=downstream,multifunction");
        const Finding *finding = assert_host_fires(&w, "acs-override", SEVERITY_WARNING, "isolate");
        g_assert_cmpstr(finding->seen, ==, "pcie_acs_override=downstream,multifunction");
        g_assert_cmpuint(finding->boot_remove->len, ==, 0); /* guests may not start without it: people decide */
        assert_device_fires(&w, host_vf(w.host, 0), "acs-override", SEVERITY_WARNING, NULL);
}

static void test_lockdown(void) {
        g_auto(DoctorWorld) w = doctor_world(1);

        w.host->lockdown = true;
        assert_host_fires(&w, "lockdown", SEVERITY_NOTE, "VFIO works");
        doctor_world_setup(&w)->secure_boot = KNOWN_YES;
        assert_host_fires(&w, "lockdown", SEVERITY_NOTE, "Secure Boot");
        w.host->lockdown = false;
        assert_host_silent(&w, "lockdown");
}

static void test_reserved_intel(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        GArray *reserved = doctor_world_setup(&w)->dmar.reserved;
        const PciAddr pf = {0, 1, 0, 0}, port = {0, 0, 2, 0}, nobody = {0, 0, 0x14, 0};

        keep_memory(reserved, nobody, nobody, false); /* of a device that nobody gives away */
        assert_host_silent(&w, "reserved-memory");
        /* The PF by itself: its VFs can be given. */
        keep_memory(reserved, pf, pf, false);
        const Finding *finding = assert_host_fires(&w, "reserved-memory", SEVERITY_NOTE, "0000:01:00.0");
        g_assert_cmpuint(doctor_world_count(&w, "reserved-memory"), ==, 1);
        g_assert_cmpstr(finding->seen, ==, "RMRR 0x9d000000-0x9d0fffff");
        assert_device_silent(&w, host_vf(w.host, 0), "reserved-memory");
        host_pf(w.host)->num_vfs = 0;
        assert_device_fires(&w, host_pf(w.host), "reserved-memory", SEVERITY_BLOCKS, "0000:01:00.0");
        host_pf(w.host)->num_vfs = 2;
        /* All below the port: the VFs too. */
        keep_memory(reserved, port, port, true);
        assert_device_fires(&w, host_vf(w.host, 1), "reserved-memory", SEVERITY_BLOCKS, "keeps memory mapped");
        doctor_world_host(&w);
        g_assert_cmpuint(doctor_world_count(&w, "reserved-memory"), ==, 3);
        /* The kernel excepts USB controllers and graphics. */
        host_vf(w.host, 1)->class_code = 0x0c0330;
        assert_device_silent(&w, host_vf(w.host, 1), "reserved-memory");
        host_vf(w.host, 1)->class_code = 0x030000;
        assert_device_silent(&w, host_vf(w.host, 1), "reserved-memory");
}

static void test_reserved_group(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        const PciAddr disk = doctor_world_disk(&w)->addr;

        keep_memory(doctor_world_setup(&w)->dmar.reserved, disk, disk, false);
        assert_host_silent(&w, "reserved-memory");
        host_vf(w.host, 0)->iommu_group = doctor_world_disk(&w)->iommu_group;
        const Finding *finding = assert_host_fires(&w, "reserved-memory", SEVERITY_BLOCKS, "in the group of");
        g_assert_cmpuint(finding->devices->len, ==, 2);
        g_assert_cmpuint(doctor_world_count(&w, "reserved-memory"), ==, 1);
}

static void test_reserved_amd(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        const PciAddr first = {0, 0, 0, 0}, last = {0, 0x0f, 0x1f, 7};

        as_amd(&w);
        keep_memory(doctor_world_setup(&w)->ivrs.reserved, first, last, false);
        const Finding *finding = assert_device_fires(&w, host_vf(w.host, 0), "reserved-memory", SEVERITY_BLOCKS, NULL);
        g_assert_nonnull(strstr(finding->remedy, "Kernel DMA Protection Indicator"));
        g_assert_cmpstr(finding->where, ==, "/sys/firmware/acpi/tables/IVRS");
        /* Linux before 6.6 gave such devices away. */
        g_free(w.host->kernel_release);
        w.host->kernel_release = g_strdup("6.1.0-28-amd64");
        assert_device_fires(&w, host_vf(w.host, 0), "reserved-memory", SEVERITY_WARNING, NULL);
        w.host->has_iommu = false;
        assert_host_silent(&w, "reserved-memory");
}

/* What every check must have for --explain, the man page and JSON. */
static void test_texts(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
                const Check *check = doctor_check_find(ids[i]);
                g_assert_nonnull(check);
                g_assert_true(g_str_has_suffix(check->why, "."));
                g_assert_true(g_str_has_suffix(check->explain, "."));
                g_assert_cmpuint(strlen(check->explain), >, 200);
                g_assert_cmpint(check->topic, <=, TOPIC_KERNEL);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor-host/healthy", test_healthy);
        g_test_add_func("/doctor-host/mixed-vendors", test_mixed_vendors);
        g_test_add_func("/doctor-host/no-setup", test_no_setup);
        g_test_add_func("/doctor-host/virt", test_virt);
        g_test_add_func("/doctor-host/kvm", test_kvm);
        g_test_add_func("/doctor-host/other-platforms", test_other_platforms);
        g_test_add_func("/doctor-host/firmware-off", test_firmware_off);
        g_test_add_func("/doctor-host/firmware-table", test_firmware_table);
        g_test_add_func("/doctor-host/iommu-off-intel", test_iommu_off_intel);
        g_test_add_func("/doctor-host/iommu-off-by-word", test_iommu_off_by_word);
        g_test_add_func("/doctor-host/intremap", test_intremap);
        g_test_add_func("/doctor-host/unsafe-interrupts", test_unsafe_interrupts);
        g_test_add_func("/doctor-host/vfio", test_vfio);
        g_test_add_func("/doctor-host/acs-override", test_acs_override);
        g_test_add_func("/doctor-host/lockdown", test_lockdown);
        g_test_add_func("/doctor-host/reserved-intel", test_reserved_intel);
        g_test_add_func("/doctor-host/reserved-group", test_reserved_group);
        g_test_add_func("/doctor-host/reserved-amd", test_reserved_amd);
        g_test_add_func("/doctor-host/texts", test_texts);
        return g_test_run();
}
