/* Checks of the tools on a host: faults of versions, other managers, stubs. */
#include "doctor_world.h"
#include "model/finding.h"

#include <string.h>

static void set_version(DoctorWorld *w, const char *name, const char *version) {
        GPtrArray *tools = doctor_world_setup(w)->tools;
        for (unsigned i = 0; i < tools->len; i++) {
                Tool *tool = tools->pdata[i];
                if (!g_str_equal(tool->name, name))
                        continue;
                g_free(tool->version);
                tool->version = g_strdup(version);
                return;
        }
        setup_add_tool(doctor_world_setup(w), name, version);
}

static const Finding *ok_line(DoctorWorld *w) {
        const GPtrArray *findings = doctor_world_host(w);
        for (unsigned i = 0; i < findings->len; i++) {
                const Finding *f = findings->pdata[i];
                if (f->topic == TOPIC_TOOLS && f->severity == SEVERITY_OK)
                        return f;
        }
        return NULL;
}

static void test_found(void) {
        g_auto(DoctorWorld) w = doctor_world(2);

        set_version(&w, "libvirt", "11.3.0");
        set_version(&w, "driverctl", NULL);
        g_assert_cmpstr(ok_line(&w)->what, ==, "libvirt 11.3.0, QEMU 10.0.2, driverctl");
        assert_host_silent(&w, "hypervisor-missing");
        g_ptr_array_set_size(doctor_world_setup(&w)->tools, 0);
        g_assert_null(ok_line(&w));
        assert_host_silent(&w, "hypervisor-missing"); /* nothing could be asked */
        set_version(&w, "systemd", "257");
        assert_host_fires(&w, "hypervisor-missing", SEVERITY_NOTE, NULL);
        doctor_world_guest(&w);
        assert_host_silent(&w, "hypervisor-missing"); /* one runs */
}

static void test_faults(void) {
        static const struct {
                const char *tool, *version;
                bool link; /* the world's .link file is there */
                const char *what;
                Severity severity;
        } rows[] = {
                {"libvirt", "12.0.0", true, NULL, 0},
                {"libvirt", "12.1.0", true, "crashes libvirt 12.1", SEVERITY_WARNING},
                {"libvirt", "12.2.0", true, NULL, 0},
                {"libvirt", "12.4.0", true, NULL, 0},
                {"libvirt", NULL, true, NULL, 0},
                {"qemu", "6.0.0", true, NULL, 0},
                {"qemu", "6.1.1", true, "15 root ports", SEVERITY_WARNING},
                {"qemu", "6.2.0", true, "asked again", SEVERITY_NOTE},
                {"qemu", "7.2", true, NULL, 0},
                {"qemu", "7.2.22", true, NULL, 0},
                {"systemd", "249", true, "before systemd 251", SEVERITY_WARNING},
                {"systemd", "249", false, NULL, 0},
                {"systemd", "251", true, NULL, 0},
                {"systemd", "rc", true, NULL, 0},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_auto(DoctorWorld) w = doctor_world(2);
                g_test_message("%s %s", rows[i].tool, rows[i].version);
                set_version(&w, rows[i].tool, rows[i].version);
                if (!rows[i].link)
                        g_ptr_array_set_size(doctor_world_setup(&w)->mechanisms, 0);
                if (!rows[i].what) {
                        assert_host_silent(&w, "tool-fault");
                } else {
                        const Finding *f = assert_host_fires(&w, "tool-fault", rows[i].severity, rows[i].what);
                        g_assert_nonnull(strstr(f->seen, rows[i].version));
                        g_assert_nonnull(f->remedy);
                }
        }
        /* Two that do not go together. */
        g_auto(DoctorWorld) w = doctor_world(2);
        set_version(&w, "libvirt", "12.5.0");
        set_version(&w, "qemu", "7.0.0");
        g_assert_cmpuint((doctor_world_host(&w), doctor_world_count(&w, "tool-fault")), ==, 2);
        assert_host_fires(&w, "tool-fault", SEVERITY_WARNING, "starts no QEMU before 7.2");
}

static void test_pools(void) {
        g_auto(DoctorWorld) w = doctor_world(4);
        Mechanism *m = setup_add_mechanism(doctor_world_setup(&w), MECH_LIBVIRT, "etc/libvirt/qemu/networks/vfs.xml", 6);

        m->sets = SETS_POOL;
        m->netdev = g_strdup("enp1s0");
        const Finding *f = assert_host_fires(&w, "libvirt-pool", SEVERITY_NOTE, "libvirt gives its VFs to guests too");
        g_assert_cmpstr(f->subject, ==, "enp1s0");
        g_assert_cmpstr(f->where, ==, "/etc/libvirt/qemu/networks/vfs.xml:6");
        doctor_world_give(&w, doctor_world_guest(&w), host_vf(w.host, 2));
        assert_host_fires(&w, "libvirt-pool", SEVERITY_WARNING, "libvirt and vfadm both");
        assert_device_fires(&w, host_pf(w.host), "libvirt-pool", SEVERITY_WARNING, NULL);
        /* By the address of a VF, and once a file. */
        g_clear_pointer(&m->netdev, g_free);
        m->bdf = g_strdup("0000:01:10.2");
        Mechanism *second = setup_add_mechanism(doctor_world_setup(&w), MECH_LIBVIRT, m->path, 6);
        second->sets = SETS_POOL;
        second->bdf = g_strdup("0000:01:10.4");
        f = assert_host_fires(&w, "libvirt-pool", SEVERITY_WARNING, NULL);
        g_assert_cmpstr(f->subject, ==, "enp1s0");
        g_assert_cmpuint(doctor_world_count(&w, "libvirt-pool"), ==, 1);
        m->active = second->active = false;
        assert_host_silent(&w, "libvirt-pool");
}

static void test_managers(void) {
        g_auto(DoctorWorld) w = doctor_world(4);

        set_version(&w, "networkmanager", "1.52.0");
        assert_host_silent(&w, "other-manager");
        set_version(&w, "sriov-network-operator", NULL);
        const Finding *f = assert_host_fires(&w, "other-manager", SEVERITY_NOTE, "SR-IOV network operator");
        g_assert_cmpstr(f->devices->pdata[0], ==, "0000:01:00.0");
        doctor_world_give(&w, doctor_world_guest(&w), host_vf(w.host, 2));
        assert_host_fires(&w, "other-manager", SEVERITY_WARNING, NULL);
}

static void test_stub(void) {
        g_auto(DoctorWorld) w = doctor_world(4);
        Dev *vf = host_vf(w.host, 1);

        assert_host_silent(&w, "stub-driver");
        vf->driver = g_strdup("pci-stub");
        const Finding *f = assert_host_fires(&w, "stub-driver", SEVERITY_NOTE, "bound to pci-stub");
        g_assert_cmpstr(f->remedy, ==, "vfadm bind 0000:01:10.2 vfio-pci");
        g_free(vf->driver);
        vf->driver = g_strdup("pciback");
        assert_host_fires(&w, "stub-driver", SEVERITY_WARNING, "no Xen");
        doctor_world_setup(&w)->xen_dom0 = true;
        assert_host_silent(&w, "stub-driver");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor/tools/found", test_found);
        g_test_add_func("/doctor/tools/faults", test_faults);
        g_test_add_func("/doctor/tools/pools", test_pools);
        g_test_add_func("/doctor/tools/managers", test_managers);
        g_test_add_func("/doctor/tools/stub", test_stub);
        return g_test_run();
}
