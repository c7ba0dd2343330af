/* Checks of isolation: each on a host that has the trouble and on one that has not. */
#include "doctor_world.h"

#include <string.h>

static const char *const ids[] = {"group-not-viable", "no-group", "acs-missing", "acs-disabled", "acs-redirect-disabled",
                                  "conventional-bus", "multifunction-not-isolated", "group-shared"};

static void assert_only(DoctorWorld *w, const char *const *allowed) {
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                if (!g_strv_contains(allowed, ids[i]) && doctor_world_find(w, ids[i]))
                        g_error("%s: \"%s\" should be silent", ids[i], doctor_world_find(w, ids[i])->what);
}

static bool names(const GPtrArray *texts, const char *text) {
        return g_ptr_array_find_with_equal_func((GPtrArray *) texts, text, g_str_equal, NULL);
}

/* The port, the card and its VFs in one group, as the kernel makes it when the port does not isolate. */
static void share_all(DoctorWorld *w) {
        for (unsigned i = 0; i < w->host->devs->len; i++) {
                Dev *dev = w->host->devs->pdata[i];
                if (dev != doctor_world_disk(w))
                        dev->iommu_group = 2;
        }
}

static void test_healthy(void) {
        for (unsigned vfs = 0; vfs <= 7; vfs += 7) {
                g_auto(DoctorWorld) w = doctor_world(vfs);
                unsigned ok = 0;
                for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
                        assert_host_silent(&w, ids[i]);
                        assert_device_silent(&w, host_pf(w.host), ids[i]);
                        if (vfs)
                                assert_device_silent(&w, host_vf(w.host, 3), ids[i]);
                }
                doctor_world_host(&w);
                for (unsigned i = 0; i < w.findings->len; i++) {
                        const Finding *finding = w.findings->pdata[i];
                        ok += finding->topic == TOPIC_ISOLATION && finding->severity == SEVERITY_OK;
                }
                g_assert_cmpuint(ok, ==, 1);
        }
}

static void test_acs_missing(void) {
        static const char *const allowed[] = {"acs-missing", "group-not-viable", NULL};
        g_auto(DoctorWorld) w = doctor_world(7);
        doctor_world_port(&w)->caps.has_acs = false;
        /* Groups are small: the kernel knows better by a table, and the port is not accused. */
        assert_host_silent(&w, "acs-missing");

        share_all(&w);
        const Finding *f = assert_host_fires(&w, "acs-missing", SEVERITY_BLOCKS, "the root port has no ACS: PF enp1s0 and its VFs");
        g_assert_cmpuint(doctor_world_count(&w, "acs-missing"), ==, 1);
        g_assert_true(g_str_has_prefix(f->where, "0000:00:02.0 config"));
        g_assert_cmpstr(f->subject, ==, "0000:00:02.0");
        g_assert_cmpuint(f->devices->len, ==, 9);
        g_assert_null(strstr(f->remedy, "override"));
        assert_host_fires(&w, "group-not-viable", SEVERITY_BLOCKS, "IOMMU group 2 holds PF enp1s0 and 7 of its VFs: no VF");
        g_assert_cmpuint(doctor_world_count(&w, "group-not-viable"), ==, 1);
        assert_only(&w, allowed);
        f = assert_device_fires(&w, host_vf(w.host, 2), "acs-missing", SEVERITY_BLOCKS, "the root port has no ACS");
        g_assert_cmpstr(f->subject, ==, "0000:00:02.0");
}

/* Before any VF is made. */
static void test_acs_missing_before(void) {
        static const char *const allowed[] = {"acs-missing", NULL};
        g_auto(DoctorWorld) w = doctor_world(0);
        doctor_world_port(&w)->caps.has_acs = false;
        share_all(&w);
        assert_host_fires(&w, "acs-missing", SEVERITY_NOTE, "VFs of enp1s0 will be in one group");
        assert_only(&w, allowed);
        host_pf(w.host)->total_vfs = 0;
        assert_host_silent(&w, "acs-missing");
}

static void test_acs_disabled(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        PciCaps *port = &doctor_world_port(&w)->caps;
        share_all(&w);
        port->acs_ctrl = 0;
        const Finding *f = assert_host_fires(&w, "acs-disabled", SEVERITY_BLOCKS, "could isolate");
        g_assert_cmpstr(f->where, ==, "0000:00:02.0 config 116h (ACS Control)");
        g_assert_cmpstr(f->seen, ==, "ACS can SV RR CR UF; off: SV RR CR UF");
        g_assert_null(doctor_world_find(&w, "acs-missing"));

        /* What the capability does not have is wired on (pci_acs_flags_enabled): nothing is off here, and nobody is to blame. */
        port->acs_cap = port->acs_ctrl = ACS_SV | ACS_UF;
        assert_host_silent(&w, "acs-disabled");
        assert_host_fires(&w, "group-shared", SEVERITY_BLOCKS, "no port on the way says why");
}

static void test_redirect(void) {
        g_auto(DoctorWorld) w = doctor_world(1);
        PciCaps *port = &doctor_world_port(&w)->caps;
        share_all(&w);
        port->acs_ctrl = ACS_SV | ACS_UF;
        assert_host_silent(&w, "acs-redirect-disabled");
        doctor_world_cmdline(&w, "intel_iommu=on pci=disable_acs_redir=0000:00:02.0");
        const Finding *f = assert_host_fires(&w, "acs-redirect-disabled", SEVERITY_BLOCKS, "boot parameter");
        g_assert_true(names(f->boot_remove, "pci=disable_acs_redir=0000:00:02.0"));
        g_assert_null(doctor_world_find(&w, "acs-disabled"));
        /* One word with other parts: not for us to take apart. */
        doctor_world_cmdline(&w, "pci=realloc,disable_acs_redir=0000:00:02.0");
        f = assert_host_fires(&w, "acs-redirect-disabled", SEVERITY_BLOCKS, NULL);
        g_assert_cmpuint(f->boot_remove->len, ==, 0);
        /* The parameter does not take source validation away. */
        port->acs_ctrl = 0;
        assert_host_silent(&w, "acs-redirect-disabled");
        g_assert_nonnull(doctor_world_find(&w, "acs-disabled"));
}

static Dev *add(DoctorWorld *w, const char *address, uint32_t class_code, int group, const char *driver) {
        PciAddr addr;
        g_assert_true(pci_addr_parse(address, &addr));
        Dev *dev = dev_new(addr);
        dev->class_code = class_code;
        dev->iommu_group = group;
        dev->driver = g_strdup(driver);
        dev->has_caps = true;
        dev->caps = (PciCaps) {.length = 4096, .pcie_type = PCIE_ENDPOINT, .express_at = 0x40};
        snapshot_add(w->host, dev);
        snapshot_seal(w->host);
        return dev;
}

static void test_conventional(void) {
        static const char *const allowed[] = {"conventional-bus", "group-not-viable", NULL};
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *bridge = add(&w, "0000:02:00.0", 0x060400, 30, NULL);
        bridge->caps = (PciCaps) {.length = 4096, .header_type = 1, .pcie_type = PCIE_TO_PCI_BRIDGE, .express_at = 0x90};
        Dev *one = add(&w, "0000:03:01.0", 0x020000, 30, "e1000"), *two = add(&w, "0000:03:02.0", 0x020000, 30, "e1000");
        one->caps = two->caps = (PciCaps) {.length = 256, .pcie_type = PCIE_NONE};

        /* Nobody wants to give them. */
        assert_host_silent(&w, "conventional-bus");
        const Finding *f = assert_device_fires(&w, one, "conventional-bus", SEVERITY_BLOCKS, "the PCIe-to-PCI bridge leads to");
        g_assert_cmpstr(f->subject, ==, "0000:02:00.0");
        g_assert_cmpstr(f->where, ==, "0000:02:00.0 config 92h (PCI Express Capabilities)");
        assert_device_fires(&w, one, "group-not-viable", SEVERITY_BLOCKS, "group 30");
        assert_only(&w, allowed);
        /* Let go of: the group can be given, whatever bus it is on. */
        g_clear_pointer(&two->driver, g_free);
        assert_device_silent(&w, one, "group-not-viable");
        /* Given in part while the other works for the host. */
        g_free(one->driver);
        one->driver = g_strdup("vfio-pci");
        two->driver = g_strdup("e1000");
        assert_host_fires(&w, "group-not-viable", SEVERITY_BLOCKS, "0000:03:02.0 (e1000)");

        bridge->caps.pcie_type = PCIE_NONE;
        bridge->caps.express_at = 0;
        assert_host_fires(&w, "conventional-bus", SEVERITY_BLOCKS, "the PCI bridge leads to");
        /* Only the header could be read. */
        bridge->caps.length = one->caps.length = two->caps.length = 64;
        assert_host_silent(&w, "conventional-bus");
        assert_host_fires(&w, "group-shared", SEVERITY_NOTE, "without root");
}

static void test_multifunction(void) {
        static const char *const allowed[] = {"multifunction-not-isolated", "group-not-viable", NULL};
        g_auto(DoctorWorld) w = doctor_world(7);
        Dev *pf = host_pf(w.host);
        Dev *second = add(&w, "0000:01:00.1", 0x020000, pf->iommu_group, "igb");
        pf->caps.multifunction = true;

        assert_host_fires(&w, "multifunction-not-isolated", SEVERITY_NOTE, "the functions 0000:01:00.0, 0000:01:00.1 of one slot");
        g_assert_cmpint(doctor_world_find(&w, "group-not-viable")->severity, ==, SEVERITY_NOTE); /* VFs can be given */
        assert_only(&w, allowed);
        assert_device_fires(&w, second, "multifunction-not-isolated", SEVERITY_BLOCKS, NULL);
        assert_device_fires(&w, pf, "multifunction-not-isolated", SEVERITY_NOTE, NULL); /* its VFs can be given */
        assert_device_silent(&w, host_vf(w.host, 0), "multifunction-not-isolated");
        /* Both isolate: then the group has another reason. */
        pf->caps.has_acs = second->caps.has_acs = true;
        assert_host_silent(&w, "multifunction-not-isolated");
        g_assert_nonnull(doctor_world_find(&w, "group-shared"));
        second->iommu_group = 31;
        assert_host_silent(&w, "group-shared");
}

static void test_no_group(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        host_vf(w.host, 1)->iommu_group = -1;
        const Finding *f = assert_host_fires(&w, "no-group", SEVERITY_BLOCKS, "no IOMMU");
        g_assert_true(names(f->devices, "0000:01:10.2"));
        /* No IOMMU at all is told elsewhere. */
        w.host->has_iommu = false;
        assert_host_silent(&w, "no-group");
}

/* VFs of one PF in a group of their own, the PF outside. */
static void test_vfs_together(void) {
        g_auto(DoctorWorld) w = doctor_world(3);
        for (unsigned i = 0; i < 3; i++) {
                host_vf(w.host, i)->iommu_group = 40;
                host_vf(w.host, i)->driver = g_strdup("igbvf");
        }
        const Finding *f = assert_host_fires(&w, "group-not-viable", SEVERITY_WARNING, "enp1s0/0 (igbvf), enp1s0/1 (igbvf), enp1s0/2 (igbvf)");
        g_assert_nonnull(strstr(f->remedy, "vfio --with-group"));
        for (unsigned i = 0; i < 3; i++)
                g_clear_pointer(&host_vf(w.host, i)->driver, g_free);
        assert_host_silent(&w, "group-not-viable");
        host_vf(w.host, 0)->driver = g_strdup("vfio-pci");
        host_vf(w.host, 1)->driver = g_strdup("pci-stub");
        assert_host_silent(&w, "group-not-viable");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor/isolation/healthy", test_healthy);
        g_test_add_func("/doctor/isolation/acs-missing", test_acs_missing);
        g_test_add_func("/doctor/isolation/acs-missing-before", test_acs_missing_before);
        g_test_add_func("/doctor/isolation/acs-disabled", test_acs_disabled);
        g_test_add_func("/doctor/isolation/redirect", test_redirect);
        g_test_add_func("/doctor/isolation/conventional", test_conventional);
        g_test_add_func("/doctor/isolation/multifunction", test_multifunction);
        g_test_add_func("/doctor/isolation/no-group", test_no_group);
        g_test_add_func("/doctor/isolation/vfs-together", test_vfs_together);
        return g_test_run();
}
