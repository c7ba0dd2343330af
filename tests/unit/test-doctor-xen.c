/* Checks of Xen's dom0: each on one that has the trouble and on one that has not. */
#include "doctor_world.h"

#include <string.h>

static XenSetup *xen_of(DoctorWorld *w) {
        return &doctor_world_setup(w)->xen;
}

static void set_text(char **field, const char *text) {
        g_free(*field);
        *field = g_strdup(text);
}

/* A healthy dom0: no check of any topic warns, whatever is asked about; what is normal there is no alarm. */
static void test_healthy(void) {
        for (unsigned vfs = 0; vfs <= 7; vfs += 7) {
                g_auto(DoctorWorld) w = doctor_world(vfs);
                doctor_world_xen(&w);
                if (vfs) {
                        GuestInfo *domain = doctor_world_domain(&w, "web1", 3);
                        doctor_world_define(&w, domain, host_vf(w.host, 0), NULL);
                        doctor_world_define(&w, doctor_world_domain(&w, "off", 0), host_vf(w.host, 1), NULL);
                }
                const GPtrArray *lists[] = {doctor_world_host(&w), NULL, NULL, NULL};
                for (unsigned round = 0; round < 4; round++) {
                        lists[0] = round == 0 ? doctor_world_host(&w)
                                   : round == 1 ? doctor_world_device(&w, host_pf(w.host))
                                   : vfs == 0   ? w.findings
                                   : round == 2 ? doctor_world_device(&w, host_vf(w.host, 0))
                                                : doctor_world_guest_check(&w, w.books->guests->pdata[0]);
                        for (unsigned i = 0; i < lists[0]->len; i++) {
                                const Finding *finding = lists[0]->pdata[i];
                                if (finding->severity > SEVERITY_NOTE)
                                        g_error("round %u, %u VFs: %s: %s", round, vfs, finding->id, finding->what);
                        }
                }
        }
}

/* None of them says anything, not even that it is fine, on a host that is no dom0. */
static void test_no_dom0(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        w.xen_log = "(XEN) I/O virtualisation disabled\nDMAR:[DMA Read] Request device [0000:01:10.0] fault addr 1000\n";
        set_text(&xen_of(&w)->hide, "(01:10.0");
        xen_of(&w)->permissive = true;
        doctor_world_cmdline(&w, "intel_iommu=on iommu=pt xen-pciback.hide=(01:10.0");
        doctor_world_host(&w);
        for (unsigned i = 0; i < w.findings->len; i++)
                g_assert_cmpint(((const Finding *) w.findings->pdata[i])->topic, !=, TOPIC_XEN);
}

static void test_module(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        doctor_world_xen(&w);
        g_clear_pointer(&w.books, books_free);
        w.xen_log = NULL;
        assert_host_silent(&w, "xen-module-missing"); /* it is there, and said nothing */
        assert_host_silent(&w, "xen-no-iommu");
        w.xen_module = KNOWN_NO;
        const Finding *f = assert_host_fires(&w, "xen-module-missing", SEVERITY_WARNING, "not installed");
        g_assert_true(strstr(f->remedy, "vfadm-xen") != NULL);
}

static void test_no_iommu(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        assert_host_silent(&w, "xen-no-iommu");
        w.books->xen->directio = false;
        w.xen_log = "(XEN) ACPI: RSDP 000F59D0\n(XEN) I/O virtualisation disabled\n";
        const Finding *f = assert_host_fires(&w, "xen-no-iommu", SEVERITY_BLOCKS, "no IOMMU");
        g_assert_true(strstr(f->seen, "neither DMAR nor IVRS") != NULL);
        g_assert_true(strstr(f->remedy, "VT-d") != NULL);
        assert_device_fires(&w, host_vf(w.host, 0), "xen-no-iommu", SEVERITY_BLOCKS, NULL);

        set_text(&w.books->xen->cmdline, "dom0_mem=2G,max:2G iommu=verbose,no");
        f = assert_host_fires(&w, "xen-no-iommu", SEVERITY_BLOCKS, NULL);
        g_assert_cmpstr(f->seen, ==, "iommu=verbose,no");
        w.xen_log = NULL;
        set_text(&w.books->xen->cmdline, "dom0_mem=2G,max:2G");
        f = assert_host_fires(&w, "xen-no-iommu", SEVERITY_BLOCKS, NULL);
        g_assert_cmpstr(f->where, ==, "xl info");
}

static void test_log(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        assert_host_silent(&w, "xen-intremap-off");
        assert_host_silent(&w, "xen-iommu-features");
        w.xen_log = "(XEN) Intel VT-d Snoop Control not enabled.\n(XEN) Intel VT-d Dom0 DMA Passthrough enabled.\n"
                    "(XEN) Intel VT-d Queued Invalidation enabled.\n(XEN) Intel VT-d Interrupt Remapping not enabled.\n"
                    "(XEN) Intel VT-d Shared EPT tables not enabled.\n";
        assert_host_fires(&w, "xen-intremap-off", SEVERITY_WARNING, "without interrupt remapping");
        assert_host_fires(&w, "xen-iommu-features", SEVERITY_NOTE, "Snoop Control is off; Shared EPT tables are off; dom0's own DMA bypasses it");
        xen_of(&w)->emulated = true;
        assert_host_fires(&w, "xen-intremap-off", SEVERITY_NOTE, NULL);
        w.xen_log = "(XEN) AMD-Vi: IOMMU 0 Enabled.\n(XEN) Interrupt remapping disabled\n";
        xen_of(&w)->emulated = false;
        assert_host_fires(&w, "xen-intremap-off", SEVERITY_WARNING, NULL);
        assert_host_silent(&w, "xen-iommu-features");
}

static void test_fault(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        doctor_world_define(&w, doctor_world_domain(&w, "web1", 3), host_vf(w.host, 0), NULL);
        assert_host_silent(&w, "xen-dma-fault");
        w.xen_log = "(XEN) [VT-D]DMAR:[DMA Read] Request device [0000:01:10.0] fault addr 7f000000\n(XEN) [VT-D]DMAR: reason 06 - PTE Read access is not set\n"
                    "(XEN) [VT-D]DMAR:[DMA Write] Request device [0000:01:10.0] fault addr 7f001000\n"
                    "(XEN) AMD-Vi: IO_PAGE_FAULT: 0000:09:00.0 d1 addr 00000000fee00000 flags 0x10\n"
                    "(XEN) DMAR:[DMA Read] Request device [what is this] fault addr";
        const Finding *f = assert_host_fires(&w, "xen-dma-fault", SEVERITY_NOTE, "2 times held back DMA of 0000:01:10.0 (xen:web1 (domain 3))");
        g_assert_cmpstr(f->subject, ==, "enp1s0/0");
        g_assert_cmpuint(doctor_world_count(&w, "xen-dma-fault"), ==, 2);
        assert_device_fires(&w, host_vf(w.host, 0), "xen-dma-fault", SEVERITY_NOTE, NULL);
        assert_device_silent(&w, host_vf(w.host, 2), "xen-dma-fault");
        /* What stays with dom0 has no new owner to get used to. */
        w.xen_log = "(XEN) [VT-D]DMAR:[DMA Read] Request device [0000:00:01.0] fault addr 1000\n";
        assert_host_fires(&w, "xen-dma-fault", SEVERITY_WARNING, "0000:00:01.0 (mounted on /)");
}

static void test_memory(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        doctor_world_xen(&w);
        assert_host_silent(&w, "xen-dom0-memory");
        assert_host_silent(&w, "xen-swiotlb");
        set_text(&w.books->xen->cmdline, "iommu=verbose");
        const Finding *f = assert_host_fires(&w, "xen-dom0-memory", SEVERITY_WARNING, "all memory");
        g_assert_cmpstr(f->seen, ==, "no dom0_mem=; dom0 has 2048 of 8192 MiB");
        set_text(&w.books->xen->cmdline, NULL);
        assert_host_silent(&w, "xen-dom0-memory");

        xen_of(&w)->log = g_strsplit("xen:swiotlb_xen: Failed to get contiguous memory for DMA from Xen!\nxen-pciback: Error parsing pci_devs_to_hide at \"(\"", "\n", -1);
        f = assert_host_fires(&w, "xen-swiotlb", SEVERITY_WARNING, "no memory for DMA");
        g_assert_true(strstr(f->remedy, "permissive=1 does not help") != NULL);
        g_assert_null(strstr(f->what, "more than once"));
        g_strfreev(xen_of(&w)->log);
        xen_of(&w)->log = g_strsplit("xen-pciback: Error parsing pci_devs_to_hide at \"(\"", "\n", -1);
        assert_host_silent(&w, "xen-swiotlb");
}

static void test_pciback(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        assert_host_silent(&w, "pciback-missing");
        xen_of(&w)->driver = false;
        assert_host_fires(&w, "pciback-missing", SEVERITY_NOTE, "vfadm loads it");
        GuestInfo *domain = doctor_world_domain(&w, "web1", 0);
        doctor_world_define(&w, domain, host_vf(w.host, 0), NULL);
        assert_host_fires(&w, "pciback-missing", SEVERITY_WARNING, "do not start");
        doctor_world_setup(&w)->hide.pciback = KNOWN_NO;
        assert_host_fires(&w, "pciback-missing", SEVERITY_BLOCKS, "no xen-pciback");
        doctor_world_setup(&w)->hide.pciback = KNOWN_NOT;
        assert_host_silent(&w, "pciback-missing");
}

static void test_typo(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        doctor_world_cmdline(&w, "root=/dev/sda1 xen-pciback.hide=(01:10.0)(01:10.2)");
        assert_host_silent(&w, "pciback-hide-typo");
        doctor_world_cmdline(&w, "root=/dev/sda1 xen_pciback.hide=(01:10.0),(01:10.2)");
        xen_of(&w)->driver = false;
        const Finding *f = assert_host_fires(&w, "pciback-hide-typo", SEVERITY_BLOCKS, "character 10: pciback does not start");
        g_assert_cmpstr(f->seen, ==, "hide=(01:10.0),(01:10.2): wanted '(', ',' is there");
        g_assert_cmpstr(f->where, ==, "/proc/cmdline");
        assert_host_silent(&w, "pciback-missing"); /* said already */

        doctor_world_cmdline(&w, "root=/dev/sda1");
        xen_of(&w)->driver = true;
        setup_add_pciback(doctor_world_setup(&w), PCIBACK_OPTION, "etc/modprobe.d/xen.conf", 3, "hide", "(01:10.0");
        f = assert_host_fires(&w, "pciback-hide-typo", SEVERITY_WARNING, "the next time");
        g_assert_cmpstr(f->seen, ==, "hide=(01:10.0: wanted ')', it ends there");
        g_assert_cmpstr(f->where, ==, "/etc/modprobe.d/xen.conf:3");
}

/* Where the seed puts it. */
static void test_misplaced(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        assert_host_silent(&w, "pciback-hide-misplaced");
        set_text(&w.books->xen->cmdline, "dom0_mem=2G,max:2G xen-pciback.hide=(01:00.0)");
        const Finding *f = assert_host_fires(&w, "pciback-hide-misplaced", SEVERITY_WARNING, "the hypervisor's command line");
        g_assert_cmpstr(f->where, ==, "xl info (xen_commandline)");
        setup_add_pciback(doctor_world_setup(&w), PCIBACK_GRUB_XEN, "etc/default/grub", 7, "xen-pciback.hide", "(01:00.0)");
        f = assert_host_fires(&w, "pciback-hide-misplaced", SEVERITY_WARNING, NULL);
        g_assert_cmpstr(f->where, ==, "/etc/default/grub:7");
        g_assert_cmpuint(doctor_world_count(&w, "pciback-hide-misplaced"), ==, 1);

        g_auto(DoctorWorld) old = doctor_world(7);
        doctor_world_xen(&old);
        doctor_world_cmdline(&old, "root=/dev/sda1 pciback.hide=(01:00.0)");
        assert_host_fires(&old, "pciback-hide-misplaced", SEVERITY_WARNING, "called xen-pciback");
}

static void test_in_force(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        setup_add_pciback(doctor_world_setup(&w), PCIBACK_OPTION, "etc/modprobe.d/xen.conf", 1, "hide", "(01:10.0)");
        const Finding *f = assert_host_fires(&w, "pciback-hide-not-in-force", SEVERITY_WARNING, "without the hide=");
        g_assert_true(strstr(f->seen, "in force: none") != NULL);
        set_text(&xen_of(&w)->hide, "(01:10.2)");
        assert_host_fires(&w, "pciback-hide-not-in-force", SEVERITY_WARNING, "another hide=");
        set_text(&xen_of(&w)->hide, "(01:10.0)");
        assert_host_silent(&w, "pciback-hide-not-in-force");
}

static void test_hidden(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        doctor_world_cmdline(&w, "root=/dev/sda1 xen-pciback.hide=(01:10.0)(01:10.2)");
        set_text(&xen_of(&w)->hide, "(01:10.0)(01:10.2)");
        set_text(&host_vf(w.host, 0)->driver, "pciback");
        set_text(&host_vf(w.host, 1)->driver, "igbvf");
        const Finding *f = assert_host_fires(&w, "pciback-hide-not-taken", SEVERITY_WARNING, "dom0's igbvf has it");
        g_assert_cmpstr(f->subject, ==, "enp1s0/1");
        g_assert_true(strstr(f->remedy, "--boot") != NULL);
        g_assert_cmpuint(doctor_world_count(&w, "pciback-hide-not-taken"), ==, 1);
        assert_device_silent(&w, host_vf(w.host, 0), "pciback-hide-not-taken");
        set_text(&host_vf(w.host, 1)->driver, "pciback");
        assert_host_silent(&w, "pciback-hide-not-taken");
        assert_host_silent(&w, "pciback-hide-absent");

        /* Nothing there; and a VF that is not made yet: 82576's VF 7 would be 01:11.6. */
        set_text(&xen_of(&w)->hide, "(01:10.0)(01:11.6)(05:00.*)");
        assert_host_fires(&w, "pciback-hide-absent", SEVERITY_NOTE, "0000:01:11.6, which would be VF 7 of enp1s0");
        g_assert_cmpuint(doctor_world_count(&w, "pciback-hide-absent"), ==, 2);
        set_text(&xen_of(&w)->hide, "(05:00.*)");
        assert_host_fires(&w, "pciback-hide-absent", SEVERITY_WARNING, "names 0000:05:00.*, and nothing is there");
}

static void test_permissive(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        GuestInfo *domain = doctor_world_domain(&w, "web1", 3);
        GuestDevice *device = doctor_world_define(&w, domain, host_vf(w.host, 0), "01:10.0,permissive=1");
        host_vf(w.host, 0)->permissive = true; /* the same thing, told once */
        const Finding *f = assert_host_fires(&w, "xen-permissive", SEVERITY_WARNING, "0000:01:10.0's config space");
        g_assert_cmpstr(f->subject, ==, "xen:web1");
        g_assert_cmpstr(f->where, ==, "/etc/xen/web1.cfg");
        g_assert_cmpuint(doctor_world_count(&w, "xen-permissive"), ==, 1);

        set_text(&device->xml, "01:10.0");
        f = assert_host_fires(&w, "xen-permissive", SEVERITY_WARNING, "xen:web1 (domain 3) may write");
        g_assert_cmpstr(f->where, ==, "/sys/bus/pci/drivers/pciback/permissive");
        host_vf(w.host, 0)->permissive = false;
        assert_host_silent(&w, "xen-permissive");
        domain->all_permissive = true;
        f = assert_host_fires(&w, "xen-permissive", SEVERITY_WARNING, NULL);
        g_assert_cmpstr(f->seen, ==, "pci_permissive = 1");
        set_text(&device->xml, "01:10.0,permissive=0");
        assert_host_silent(&w, "xen-permissive");
        xen_of(&w)->permissive = true;
        assert_host_fires(&w, "xen-permissive", SEVERITY_WARNING, "every domain");
}

static void test_unbound(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        GuestInfo *domain = doctor_world_domain(&w, "web1", 0);
        GuestDevice *device = doctor_world_define(&w, domain, host_vf(w.host, 0), NULL);
        assert_host_silent(&w, "xen-device-unbound");
        set_text(&host_vf(w.host, 0)->driver, "igbvf");
        const Finding *f = assert_host_fires(&w, "xen-device-unbound", SEVERITY_WARNING, "0000:01:10.0 is bound to igbvf, not to pciback");
        g_assert_cmpstr(f->subject, ==, "xen:web1");
        assert_device_fires(&w, host_vf(w.host, 0), "xen-device-unbound", SEVERITY_WARNING, NULL);
        assert_device_silent(&w, host_vf(w.host, 1), "xen-device-unbound");
        doctor_world_guest_check(&w, domain);
        doctor_world_fires(&w, "xen-device-unbound", SEVERITY_WARNING, NULL);

        set_text(&device->xml, "01:10.0,seize=1");
        assert_host_silent(&w, "xen-device-unbound");
        assert_host_fires(&w, "xen-seize", SEVERITY_WARNING, "takes 0000:01:10.0 from dom0");
        set_text(&device->xml, "01:10.0");
        assert_host_silent(&w, "xen-seize");
        domain->all_seize = true;
        assert_host_fires(&w, "xen-seize", SEVERITY_WARNING, NULL);
        domain->all_seize = false;
        device->host.bus = 9;
        assert_host_fires(&w, "xen-device-unbound", SEVERITY_WARNING, "0000:09:10.0, which is not there");
}

static void test_twice(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        GuestInfo *a = doctor_world_domain(&w, "a", 0), *b = doctor_world_domain(&w, "b", 0);
        doctor_world_define(&w, a, host_vf(w.host, 0), NULL);
        doctor_world_define(&w, b, host_vf(w.host, 1), NULL);
        assert_host_silent(&w, "xen-device-twice");
        doctor_world_define(&w, b, host_vf(w.host, 0), NULL);
        const Finding *f = assert_host_fires(&w, "xen-device-twice", SEVERITY_WARNING, "xen:a is to have 0000:01:10.0 too");
        g_assert_cmpstr(f->subject, ==, "xen:b");
        assert_device_silent(&w, host_vf(w.host, 2), "xen-device-twice");

        g_auto(DoctorWorld) run = doctor_world(7);
        doctor_world_xen(&run);
        GuestInfo *off = doctor_world_domain(&run, "off", 0);
        doctor_world_define(&run, off, host_vf(run.host, 0), NULL);
        doctor_world_define(&run, doctor_world_domain(&run, "web1", 3), host_vf(run.host, 0), NULL);
        f = assert_host_fires(&run, "xen-device-twice", SEVERITY_WARNING, "it cannot start: xen:web1 has 0000:01:10.0");
        g_assert_cmpstr(f->subject, ==, "xen:off");
}

static void test_pvh(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        GuestInfo *domain = doctor_world_domain(&w, "web1", 0);
        set_text(&domain->machine, "xenpvh");
        assert_host_silent(&w, "xen-pvh-device");
        doctor_world_define(&w, domain, host_vf(w.host, 0), NULL);
        assert_host_fires(&w, "xen-pvh-device", SEVERITY_WARNING, "PVH");
        set_text(&domain->machine, "xenfv");
        assert_host_silent(&w, "xen-pvh-device");
}

static void test_companions(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        doctor_world_define(&w, doctor_world_domain(&w, "web1", 3), host_vf(w.host, 0), NULL);
        assert_host_silent(&w, "xen-companions");

        doctor_world_port(&w)->caps.acs_ctrl = 0;
        const Finding *f = assert_host_fires(&w, "xen-companions", SEVERITY_WARNING, "it can reach 0000:01:00.0 (dom0's igb)");
        g_assert_true(strstr(f->seen, "0000:00:02.0 does not isolate: its ACS is off") != NULL);
        doctor_world_port(&w)->caps.pcie_type = PCIE_TO_PCI_BRIDGE;
        f = assert_host_fires(&w, "xen-companions", SEVERITY_BLOCKS, "cannot be told from that of 0000:01:00.0");
        g_assert_true(strstr(f->seen, "conventional bus") != NULL);
        assert_device_silent(&w, doctor_world_disk(&w), "xen-companions");
}

static void test_no_flr(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        doctor_world_xen(&w);
        Dev *pf = host_pf(w.host);
        doctor_world_define(&w, doctor_world_domain(&w, "web1", 3), pf, NULL);
        assert_host_silent(&w, "xen-no-flr");
        g_strfreev(pf->reset_methods);
        pf->reset_methods = g_strsplit("pm bus", " ", -1);
        pf->caps.flr = false;
        assert_host_fires(&w, "xen-no-flr", SEVERITY_NOTE, "no FLR");
        g_strfreev(pf->reset_methods);
        pf->reset_methods = g_new0(char *, 1);
        assert_host_fires(&w, "xen-no-flr", SEVERITY_WARNING, "nothing resets it");
}

/* Leases of Xen's domains are judged by the books, and not at all without them. */
static void test_leases(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        GuestInfo *domain = doctor_world_domain(&w, "web1", 3);
        Lease *lease = doctor_world_give(&w, domain, host_vf(w.host, 0));
        g_ptr_array_set_size(host_vf(w.host, 0)->uses, 0);
        set_text(&lease->guest, "xen:web1");
        set_text(&host_vf(w.host, 0)->driver, "pciback");
        assert_host_silent(&w, "guest-gone");
        domain->running = false;
        assert_host_fires(&w, "guest-gone", SEVERITY_NOTE, "xen:web1, which does not run");
        g_clear_pointer(&w.books, books_free);
        assert_host_silent(&w, "guest-gone");
}

/* QEMU runs as Xen's device model: it is no guest beside the domain. */
static void test_device_model(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_xen(&w);
        GuestInfo *qemu = doctor_world_guest(&w);
        g_clear_pointer(&qemu->socket, g_free);
        qemu->asked = false;
        assert_device_silent(&w, host_vf(w.host, 0), "guest-no-qmp");
        doctor_world_guest_check(&w, qemu);
        doctor_world_fires(&w, "guest-no-qmp", SEVERITY_BLOCKS, NULL);
        set_text(&qemu->machine, "xenfv");
        doctor_world_guest_check(&w, qemu);
        g_assert_null(doctor_world_find(&w, "guest-no-qmp"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor-xen/healthy", test_healthy);
        g_test_add_func("/doctor-xen/no-dom0", test_no_dom0);
        g_test_add_func("/doctor-xen/module", test_module);
        g_test_add_func("/doctor-xen/no-iommu", test_no_iommu);
        g_test_add_func("/doctor-xen/log", test_log);
        g_test_add_func("/doctor-xen/fault", test_fault);
        g_test_add_func("/doctor-xen/memory", test_memory);
        g_test_add_func("/doctor-xen/pciback", test_pciback);
        g_test_add_func("/doctor-xen/typo", test_typo);
        g_test_add_func("/doctor-xen/misplaced", test_misplaced);
        g_test_add_func("/doctor-xen/in-force", test_in_force);
        g_test_add_func("/doctor-xen/hidden", test_hidden);
        g_test_add_func("/doctor-xen/permissive", test_permissive);
        g_test_add_func("/doctor-xen/unbound", test_unbound);
        g_test_add_func("/doctor-xen/twice", test_twice);
        g_test_add_func("/doctor-xen/pvh", test_pvh);
        g_test_add_func("/doctor-xen/companions", test_companions);
        g_test_add_func("/doctor-xen/no-flr", test_no_flr);
        g_test_add_func("/doctor-xen/leases", test_leases);
        g_test_add_func("/doctor-xen/device-model", test_device_model);
        return g_test_run();
}
