/* Checks of SR-IOV: each on a host that has the trouble and on one that has not. */
#include "doctor_world.h"

#include <string.h>

static const char *const ids[] = {"sriov-off-in-firmware", "sriov-not-offered", "sriov-limit", "pf-no-driver",
                                  "pf-driver-without-sriov", "vf-bar-no-room", "vf-bus-numbers", "ari-off", "vf-vectors",
                                  "autoprobe-off", "pf-down", "pf-switchdev", "pf-on-vfio", "link-below-max"};

static bool names(const GPtrArray *texts, const char *text) {
        return g_ptr_array_find_with_equal_func((GPtrArray *) texts, text, g_str_equal, NULL);
}

static void set_driver(Dev *dev, const char *driver) {
        g_free(dev->driver);
        dev->driver = g_strdup(driver);
}

static PciResource *resource(Dev *dev, unsigned number) {
        return &g_array_index(dev->resources, PciResource, number);
}

static NetDev *net(DoctorWorld *w) {
        return host_pf(w->host)->nets->pdata[0];
}

static void test_healthy(void) {
        for (unsigned vfs = 0; vfs <= 7; vfs += 7) {
                g_auto(DoctorWorld) w = doctor_world(vfs);
                for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
                        assert_host_silent(&w, ids[i]);
                        assert_device_silent(&w, host_pf(w.host), ids[i]);
                        if (vfs)
                                assert_device_silent(&w, host_vf(w.host, 3), ids[i]);
                }
        }
}

/* A host without config space and resources, as an ordinary user or an old record has it: nothing is guessed. */
static void test_unknown(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host), *port = doctor_world_port(&w);
        pf->caps = port->caps = (PciCaps) {.length = 64};
        pf->caps.pcie_type = port->caps.pcie_type = PCIE_NONE;
        g_clear_pointer(&pf->resources, g_array_unref);
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                assert_host_silent(&w, ids[i]);
        pf->has_caps = port->has_caps = false;
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                assert_host_silent(&w, ids[i]);
}

static void test_firmware(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host);
        pf->caps.sriov_total = 0;
        pf->is_pf = false;
        const Finding *f = assert_host_fires(&w, "sriov-off-in-firmware", SEVERITY_WARNING, "firmware gives it no VFs");
        g_assert_cmpstr(f->where, ==, "0000:01:00.0 config 16eh (SR-IOV TotalVFs)");
        g_assert_null(doctor_world_find(&w, "sriov-not-offered"));

        pf->caps.has_sriov = false; /* of an igb nobody knows better */
        assert_host_silent(&w, "sriov-off-in-firmware");
        set_driver(pf, "mlx5_core");
        f = assert_host_fires(&w, "sriov-off-in-firmware", SEVERITY_NOTE, "not offered");
        g_assert_nonnull(strstr(f->remedy, "mlxconfig"));
        doctor_world_setup(&w)->hypervisor = true;
        assert_host_silent(&w, "sriov-off-in-firmware");
}

static void test_not_offered(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        host_pf(w.host)->is_pf = false;
        assert_host_fires(&w, "sriov-not-offered", SEVERITY_WARNING, "offers 8 VFs");
        assert_device_fires(&w, host_pf(w.host), "sriov-not-offered", SEVERITY_WARNING, NULL);
}

static void test_limit(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host);
        pf->total_vfs = 3;
        assert_host_fires(&w, "sriov-limit", SEVERITY_NOTE, "igb allows 3 VFs of the 8");
        pf->total_vfs = 0;
        assert_host_fires(&w, "sriov-limit", SEVERITY_WARNING, "0 VFs");
        set_driver(pf, "mlx5_core");
        pf->total_vfs = 8;
        assert_host_silent(&w, "sriov-limit");
        pf->total_vfs = 4;
        const Finding *f = assert_host_fires(&w, "sriov-limit", SEVERITY_NOTE, "4 VFs");
        g_assert_nonnull(strstr(f->remedy, "NUM_OF_VFS"));
}

static void test_driver(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host);
        set_driver(pf, "r8169");
        assert_host_fires(&w, "pf-driver-without-sriov", SEVERITY_WARNING, "r8169");
        g_assert_null(doctor_world_find(&w, "pf-no-driver"));
        pf->class_code = 0x030000; /* graphics: many offer VFs that nobody asks for */
        assert_host_fires(&w, "pf-driver-without-sriov", SEVERITY_NOTE, NULL);
        assert_device_fires(&w, pf, "pf-driver-without-sriov", SEVERITY_WARNING, NULL);
        set_driver(pf, NULL);
        assert_host_silent(&w, "pf-driver-without-sriov");
        assert_host_fires(&w, "pf-no-driver", SEVERITY_NOTE, "no driver");
        assert_device_fires(&w, pf, "pf-no-driver", SEVERITY_WARNING, NULL);
}

static void test_vfio(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Dev *pf = host_pf(w.host);
        set_driver(pf, "vfio-pci");
        const Finding *f = assert_host_fires(&w, "pf-on-vfio", SEVERITY_WARNING, "VF token");
        g_assert_nonnull(strstr(f->seen, "enable_sriov=N"));
        g_assert_null(doctor_world_find(&w, "pf-driver-without-sriov"));
        pf->num_vfs = 0;
        assert_host_fires(&w, "pf-on-vfio", SEVERITY_NOTE, "makes no VFs");
}

static void test_bar_room(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host);
        *resource(pf, 7) = (PciResource) {0};
        const Finding *f = assert_host_fires(&w, "vf-bar-no-room", SEVERITY_BLOCKS, "VF BAR 0: no VF can be made");
        g_assert_nonnull(strstr(f->where, "config 184h"));
        g_assert_nonnull(strstr(f->remedy, "Above 4G Decoding"));
        g_assert_cmpuint(f->boot_add->len, ==, 0); /* not prefetchable: it must lie below 4 GiB */

        /* As kernels show what they could not place: the size is known. */
        *resource(pf, 7) = (PciResource) {0, 0x1ffff, 0x2014220c};
        pf->caps.sriov_bars[0] = 0xc;
        f = assert_host_fires(&w, "vf-bar-no-room", SEVERITY_BLOCKS, "(16 KiB × 8 VFs = 128 KiB)");
        g_assert_true(names(f->boot_add, "pci=realloc"));
        doctor_world_cmdline(&w, "pci=realloc");
        f = assert_host_fires(&w, "vf-bar-no-room", SEVERITY_BLOCKS, NULL);
        g_assert_cmpuint(f->boot_add->len, ==, 0);
        g_assert_nonnull(strstr(f->remedy, "did not help"));

        doctor_world_cmdline(&w, "quiet pci=realloc=off");
        f = assert_host_fires(&w, "vf-bar-no-room", SEVERITY_BLOCKS, NULL);
        g_assert_true(names(f->boot_remove, "pci=realloc=off"));
        g_assert_cmpuint(f->boot_add->len, ==, 0);
        doctor_world_cmdline(&w, "pci=realloc=off,nomsi");
        f = assert_host_fires(&w, "vf-bar-no-room", SEVERITY_BLOCKS, NULL);
        g_assert_cmpuint(f->boot_remove->len, ==, 0);

        /* No register, no range: there is no such BAR. */
        pf->caps.sriov_bars[0] = 0;
        *resource(pf, 7) = (PciResource) {0};
        assert_host_silent(&w, "vf-bar-no-room");
        /* The upper half of BAR 3 is no BAR of its own. */
        pf->caps.sriov_bars[4] = 0x10;
        assert_host_silent(&w, "vf-bar-no-room");
}

static void test_bar_window(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host);
        *resource(pf, 10) = (PciResource) {0xa0000000, 0xa001ffff, 0x140204};
        assert_host_fires(&w, "vf-bar-no-room", SEVERITY_BLOCKS, "VF BAR 3 (16 KiB × 8 VFs = 128 KiB) lies outside");
        resource(pf, 10)->flags |= 0x10; /* fixed, by Enhanced Allocation: needs no window */
        assert_host_silent(&w, "vf-bar-no-room");
        resource(pf, 10)->flags &= ~0x10ULL;
        *resource(pf, 0) = (PciResource) {0xb0000000, 0xb001ffff, 0x40200}; /* own BARs outside too: we do not understand it */
        assert_host_silent(&w, "vf-bar-no-room");

        g_auto(DoctorWorld) on = doctor_world(7); /* VFs that are there have room */
        *resource(host_pf(on.host), 7) = (PciResource) {0};
        assert_host_silent(&on, "vf-bar-no-room");
}

static void test_bus_numbers(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host), *port = doctor_world_port(&w);
        port->caps.subordinate = 1;
        assert_host_silent(&w, "vf-bus-numbers");
        pf->caps.sriov_offset = 0x180; /* as an 82576 without ARI: the next bus */
        const Finding *f = assert_host_fires(&w, "vf-bus-numbers", SEVERITY_BLOCKS, "suffice for 0 of 7 VFs: the last needs bus 02, and "
                                             "0000:00:02.0 ends at 01");
        g_assert_cmpstr(f->where, ==, "0000:00:02.0 config 1ah (Subordinate Bus Number)");
        g_assert_true(names(f->boot_add, "pci=assign-busses"));
        port->caps.subordinate = 2;
        assert_host_silent(&w, "vf-bus-numbers");
        port->caps.subordinate = 1;
        pf->caps.sriov_offset = 0xfa;
        assert_host_fires(&w, "vf-bus-numbers", SEVERITY_WARNING, "suffice for 3 of 7 VFs");
        g_free(doctor_world_setup(&w)->arch);
        doctor_world_setup(&w)->arch = g_strdup("aarch64");
        f = assert_host_fires(&w, "vf-bus-numbers", SEVERITY_WARNING, NULL);
        g_assert_cmpuint(f->boot_add->len, ==, 0);
        pf->caps.sriov_offset = 0; /* told only while VFs are on */
        assert_host_silent(&w, "vf-bus-numbers");

        pf->caps.sriov_offset = 0x180; /* on the root bus there is room up to the last */
        pf->has_parent = false;
        assert_host_silent(&w, "vf-bus-numbers");
        pf->caps.sriov_offset = 0xff00;
        assert_host_fires(&w, "vf-bus-numbers", SEVERITY_BLOCKS, "the root bus");
}

static void test_ari(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host), *port = doctor_world_port(&w);
        port->caps.ari_forwarding = false;
        const Finding *f = assert_host_fires(&w, "ari-off", SEVERITY_NOTE, "7 of 7 VFs may be out of reach");
        g_assert_cmpstr(f->where, ==, "0000:00:02.0 config b8h (Device Control 2)");
        g_assert_cmpuint(f->boot_remove->len, ==, 0);
        doctor_world_cmdline(&w, "quiet pci=noari");
        f = assert_host_fires(&w, "ari-off", SEVERITY_NOTE, NULL);
        g_assert_true(names(f->boot_remove, "pci=noari"));
        port->caps.ari_forwarding_capable = false;
        f = assert_host_fires(&w, "ari-off", SEVERITY_NOTE, NULL);
        g_assert_cmpstr(f->where, ==, "0000:00:02.0 config b4h (Device Capabilities 2)");
        pf->caps.sriov_offset = 1; /* numbers 1, 3, 5 and 7 are in reach */
        assert_host_fires(&w, "ari-off", SEVERITY_NOTE, "3 of 7 VFs may be out of reach");
        pf->caps.sriov_stride = 1;
        assert_host_silent(&w, "ari-off");
        pf->caps.sriov_offset = 0x180; /* on the next bus ARI is not needed */
        assert_host_silent(&w, "ari-off");

        g_auto(DoctorWorld) on = doctor_world(7); /* VFs that answer are reached, however */
        doctor_world_port(&on)->caps.ari_forwarding = false;
        assert_host_fires(&on, "ari-off", SEVERITY_NOTE, "those that are on answer");
}

static void test_vectors(void) {
        g_auto(DoctorWorld) w = doctor_world(4);
        host_vf(w.host, 1)->caps.msix_vectors = 1;
        host_vf(w.host, 2)->caps.msix_vectors = 1;
        const Finding *f = assert_host_fires(&w, "vf-vectors", SEVERITY_NOTE, "one interrupt vector");
        g_assert_cmpstr(f->subject, ==, "enp1s0/1-2");
        host_vf(w.host, 1)->caps.msix_vectors = host_vf(w.host, 2)->caps.msix_vectors = 0;
        assert_host_fires(&w, "vf-vectors", SEVERITY_WARNING, "no interrupt vectors");
        g_assert_cmpuint(doctor_world_count(&w, "vf-vectors"), ==, 1);
        assert_device_silent(&w, host_vf(w.host, 3), "vf-vectors");
        host_vf(w.host, 1)->caps.length = host_vf(w.host, 2)->caps.length = 64; /* not readable */
        assert_host_silent(&w, "vf-vectors");
}

static void test_pf_state(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Dev *pf = host_pf(w.host);
        pf->autoprobe = false;
        assert_host_fires(&w, "autoprobe-off", SEVERITY_NOTE, "no driver");

        net(&w)->up = false;
        assert_host_silent(&w, "pf-down"); /* nobody uses the VFs */
        doctor_world_give(&w, doctor_world_guest(&w), host_vf(w.host, 0));
        assert_host_silent(&w, "pf-down"); /* igb: vf-pf-down tells */
        set_driver(pf, "i40e");
        const Finding *f = assert_host_fires(&w, "pf-down", SEVERITY_WARNING, "a guest has a VF");
        g_assert_cmpstr(f->remedy, ==, "ip link set enp1s0 up");
        net(&w)->up = true;
        assert_host_silent(&w, "pf-down");

        g_auto(DoctorWorld) none = doctor_world(0);
        set_driver(host_pf(none.host), "bnxt_en");
        assert_host_silent(&none, "pf-down");
        net(&none)->up = false;
        assert_host_fires(&none, "pf-down", SEVERITY_NOTE, "bnxt_en makes no VFs");

        NetDev *representor = net_dev_new("eth0");
        representor->phys_port_name = g_strdup("pf0vf1");
        g_ptr_array_add(pf->nets, representor);
        assert_host_fires(&w, "pf-switchdev", SEVERITY_NOTE, "switchdev");
}

static void test_link(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Dev *pf = host_pf(w.host);
        pf->caps.link_width_max = 8;
        const Finding *f = assert_host_fires(&w, "link-below-max", SEVERITY_NOTE, "2.5 GT/s x4 of 2.5 GT/s x8");
        g_assert_nonnull(strstr(f->remedy, "slot"));
        g_assert_cmpstr(f->where, ==, "0000:01:00.0 config b2h (Link Status)");
        pf->caps.link_width_max = 4;
        pf->caps.link_speed_max = 3;
        assert_host_fires(&w, "link-below-max", SEVERITY_NOTE, "of 8 GT/s x4");
        pf->caps.link_width = 0;
        assert_host_silent(&w, "link-below-max");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor/sriov/healthy", test_healthy);
        g_test_add_func("/doctor/sriov/unknown", test_unknown);
        g_test_add_func("/doctor/sriov/firmware", test_firmware);
        g_test_add_func("/doctor/sriov/not-offered", test_not_offered);
        g_test_add_func("/doctor/sriov/limit", test_limit);
        g_test_add_func("/doctor/sriov/driver", test_driver);
        g_test_add_func("/doctor/sriov/vfio", test_vfio);
        g_test_add_func("/doctor/sriov/bar-room", test_bar_room);
        g_test_add_func("/doctor/sriov/bar-window", test_bar_window);
        g_test_add_func("/doctor/sriov/bus-numbers", test_bus_numbers);
        g_test_add_func("/doctor/sriov/ari", test_ari);
        g_test_add_func("/doctor/sriov/vectors", test_vectors);
        g_test_add_func("/doctor/sriov/pf-state", test_pf_state);
        g_test_add_func("/doctor/sriov/link", test_link);
        return g_test_run();
}
