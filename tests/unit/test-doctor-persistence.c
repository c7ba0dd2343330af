/* Checks of what VFs become at a reboot: each on a host where it fires and one where it is silent. */
#include "doctor/persistence.h"
#include "doctor_world.h"
#include "model/finding.h"

#include <string.h>

static Mechanism *add(DoctorWorld *w, MechanismKind kind, const char *path, unsigned sets) {
        Mechanism *m = setup_add_mechanism(doctor_world_setup(w), kind, path, 3);
        m->sets = sets;
        return m;
}

/* The .link file of the healthy world. */
static Mechanism *link_file(DoctorWorld *w) {
        return doctor_world_setup(w)->mechanisms->pdata[0];
}

static void set_driver(Dev *dev, const char *driver) {
        g_free(dev->driver);
        dev->driver = g_strdup(driver);
}

static void test_patterns(void) {
        static const struct {
                const char *pattern, *text;
                bool fits;
        } rows[] = {
                {"enp1s0", "enp1s0", true},     {"enp1s0", "enp1s0v0", false}, {"enp*", "enp1s0", true},   {"*", "", true},
                {"en?1s0", "enp1s0", true},     {"enp[0-3]s0", "enp1s0", true}, {"enp[!1]s0", "enp1s0", false},
                {"a|enp*v*", "enp1s0v3", true}, {"a|b", "c", false},            {"*v?", "enp1s0v12", false}, {"*v*2", "enp1s0v12", true},
                {"0000:01:*.[0246]", "0000:01:10.4", true},                     {"[", "[", true},          {"a[b", "ab", false},
                {"", "", true},                 {"", "a", false},               {"a||b", "", true},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_test_message("%s against %s", rows[i].pattern, rows[i].text);
                g_assert_cmpint(pattern_fits(rows[i].pattern, rows[i].text), ==, rows[i].fits);
        }
        /* What takes for ever where every star is tried again. */
        g_autofree char *text = g_strnfill(3000, 'a');
        g_assert_false(pattern_fits("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void test_means(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        const Dev *pf = host_pf(w.host), *vf = host_vf(w.host, 0);
        Mechanism *m = add(&w, MECH_UDEV, "etc/udev/rules.d/a.rules", SETS_NUMVFS);

        g_assert_false(mechanism_means(m, pf));
        g_assert_true(mechanism_may_mean(m, pf));
        m->driver = g_strdup("igb");
        g_assert_true(mechanism_means(m, pf));
        g_assert_false(mechanism_may_mean(m, vf));
        memcpy(m->mac, (const uint8_t[6]) {0x02, 0, 0, 0, 0x01, 0x01}, 6);
        g_assert_true(mechanism_means(m, pf));
        m->mac[5] = 9;
        g_assert_false(mechanism_means(m, pf));
        memset(m->mac, 0, 6);
        m->bdf = g_strdup("0000:01:*");
        m->vendor = 0x8086;
        g_assert_true(mechanism_means(m, pf));
        m->device = 0x1234;
        g_assert_false(mechanism_means(m, pf));
}

static void test_healthy(void) {
        static const char *const ids[] = {"vfs-not-persistent", "vf-count-differs", "vf-mechanisms-fight", "vf-state-not-persistent",
                                          "vfs-before-pf-up", "nm-owns-vfs", "driver-override-differs", "max-vfs-option", "vfio-ids-grab",
                                          "pf-driver-kept-out", "udev-rule-no-move", "sriov-section-empty", "link-file-shadowed",
                                          "vf-dhcp-configured"};
        g_auto(DoctorWorld) w = doctor_world(7), none = doctor_world(0);
        unsigned ok = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
                assert_host_silent(&w, ids[i]);
                assert_host_silent(&none, ids[i]);
                assert_device_silent(&w, host_pf(w.host), ids[i]);
        }
        const GPtrArray *findings = doctor_world_host(&w);
        for (unsigned i = 0; i < findings->len; i++) {
                const Finding *f = findings->pdata[i];
                ok += f->topic == TOPIC_PERSISTENCE;
                g_assert_true(f->topic != TOPIC_PERSISTENCE || g_str_equal(f->what, "VFs made again at boot"));
        }
        g_assert_cmpuint(ok, ==, 1);
}

static void test_not_persistent(void) {
        g_auto(DoctorWorld) w = doctor_world(3);
        Mechanism *link = link_file(&w);

        /* For another driver's cards. */
        g_free(link->driver);
        link->driver = g_strdup("ixgbe");
        const Finding *f = assert_host_fires(&w, "vfs-not-persistent", SEVERITY_WARNING, "its 3 VFs");
        g_assert_cmpstr(f->subject, ==, "enp1s0");
        g_assert_cmpstr(f->remedy, ==,
                        "echo 'ACTION==\"add|bind\", SUBSYSTEM==\"pci\", KERNEL==\"0000:01:00.0\", DRIVER==\"igb\", "
                        "ATTR{sriov_numvfs}=\"3\"' > /etc/udev/rules.d/70-vfs-0000:01:00.0.rules");
        g_assert_nonnull(strstr(f->seen, "a device that is not here"));
        g_assert_cmpstr(f->where, ==, "/etc/systemd/network/10-enp1s0.link:6");
        assert_device_fires(&w, host_pf(w.host), "vfs-not-persistent", SEVERITY_WARNING, NULL);

        /* There, and not active. */
        g_free(link->driver);
        link->driver = g_strdup("igb");
        link->active = false;
        f = assert_host_fires(&w, "vfs-not-persistent", SEVERITY_WARNING, NULL);
        g_assert_cmpstr(f->seen, ==, "a .link file for it is there, and is not active");

        /* One that only takes VFs away. */
        link->active = true;
        link->num_vfs = 0;
        assert_host_fires(&w, "vfs-not-persistent", SEVERITY_WARNING, NULL);

        /* What cannot be read may hold it. */
        doctor_world_setup(&w)->mechanisms_hidden = true;
        assert_host_fires(&w, "vfs-not-persistent", SEVERITY_NOTE, "without root");
        doctor_world_setup(&w)->mechanisms_hidden = false;

        /* A script that says not which. */
        add(&w, MECH_SCRIPT, "etc/rc.local", SETS_NUMVFS);
        assert_host_silent(&w, "vfs-not-persistent");
}

static void test_not_persistent_unknown(void) {
        g_auto(DoctorWorld) w = doctor_world(3);
        g_clear_pointer(&w.host->setup, setup_free);
        assert_host_silent(&w, "vfs-not-persistent");
}

static void test_count(void) {
        g_auto(DoctorWorld) w = doctor_world(4);

        link_file(&w)->num_vfs = 7;
        const Finding *f = assert_host_fires(&w, "vf-count-differs", SEVERITY_NOTE, "it has 4 VFs now, and 7 after a reboot");
        g_assert_cmpstr(f->where, ==, "/etc/systemd/network/10-enp1s0.link:6");
        link_file(&w)->num_vfs = 8;
        assert_host_fires(&w, "vf-count-differs", SEVERITY_WARNING, "it can have 7");
        link_file(&w)->num_vfs = -1;
        assert_host_silent(&w, "vf-count-differs");
}

static void test_fight(void) {
        g_auto(DoctorWorld) w = doctor_world(4);
        Mechanism *rule = add(&w, MECH_UDEV, "etc/udev/rules.d/70.rules", SETS_NUMVFS);

        rule->num_vfs = 2;
        assert_host_silent(&w, "vf-mechanisms-fight"); /* it does not say which card */
        rule->netdev = g_strdup("enp1s*");
        const Finding *f = assert_host_fires(&w, "vf-mechanisms-fight", SEVERITY_WARNING, "a .link file and a udev rule");
        g_assert_cmpstr(f->seen, ==, "4 and 2");
        g_assert_cmpstr(f->where, ==, "/etc/systemd/network/10-enp1s0.link:6 and /etc/udev/rules.d/70.rules:3");
        rule->num_vfs = 4;
        assert_host_fires(&w, "vf-mechanisms-fight", SEVERITY_NOTE, "both make its VFs");
        rule->active = false;
        assert_host_silent(&w, "vf-mechanisms-fight");
}

static void test_state(void) {
        g_auto(DoctorWorld) w = doctor_world(4);

        host_vf_state(w.host, 1)->vlan = 42;
        host_vf_state(w.host, 2)->trust = true;
        const Finding *f = assert_host_fires(&w, "vf-state-not-persistent", SEVERITY_NOTE, NULL);
        g_assert_cmpstr(f->subject, ==, "enp1s0/1-2");
        g_assert_cmpuint(f->devices->len, ==, 2);
        /* The guest's are its own business. */
        doctor_world_give(&w, doctor_world_guest(&w), host_vf(w.host, 1));
        f = assert_host_fires(&w, "vf-state-not-persistent", SEVERITY_NOTE, NULL);
        g_assert_cmpstr(f->subject, ==, "enp1s0/2");
        link_file(&w)->sets |= SETS_VF_STATE;
        assert_host_silent(&w, "vf-state-not-persistent");
}

static void test_needs_up(void) {
        g_auto(DoctorWorld) w = doctor_world(4);

        set_driver(host_pf(w.host), "bnxt_en");
        g_free(link_file(&w)->driver);
        link_file(&w)->driver = g_strdup("bnxt_en");
        const Finding *f = assert_host_fires(&w, "vfs-before-pf-up", SEVERITY_WARNING, "bnxt_en gives none");
        g_assert_nonnull(strstr(f->remedy, "vfadm enable 0000:01:00.0 4"));
        link_file(&w)->kind = MECH_UNIT;
        assert_host_silent(&w, "vfs-before-pf-up");
}

static void test_nm(void) {
        g_auto(DoctorWorld) w = doctor_world(4);
        Mechanism *m = add(&w, MECH_NM, "etc/NetworkManager/system-connections/pf.nmconnection", SETS_NUMVFS);

        m->netdev = g_strdup("enp1s0");
        m->num_vfs = 4;
        const Finding *f = assert_host_fires(&w, "nm-owns-vfs", SEVERITY_WARNING, NULL);
        g_assert_nonnull(strstr(f->remedy, "take the [sriov] section out"));
        setup_add_tool(doctor_world_setup(&w), "networkmanager", "1.54.0");
        f = assert_host_fires(&w, "nm-owns-vfs", SEVERITY_WARNING, NULL);
        g_assert_nonnull(strstr(f->remedy, "preserve-on-down=1"));
        host_pf(w.host)->num_vfs = 0;
        assert_host_fires(&w, "nm-owns-vfs", SEVERITY_NOTE, NULL);
        m->traits = TRAIT_KEEPS;
        assert_host_silent(&w, "nm-owns-vfs");
        m->traits = 0;
        g_free(m->netdev);
        m->netdev = g_strdup("enp9s0");
        assert_host_silent(&w, "nm-owns-vfs");
}

static void test_override(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Dev *vf = host_vf(w.host, 0);
        Mechanism *m = add(&w, MECH_DRIVERCTL, "etc/driverctl.d/pci-0000:01:10.0", SETS_DRIVER);

        m->bdf = g_strdup("0000:01:10.0");
        m->to_driver = g_strdup("vfio-pci");
        const Finding *f = assert_host_fires(&w, "driver-override-differs", SEVERITY_NOTE, "bound to no driver, the next boot binds it to vfio-pci");
        g_assert_cmpstr(f->subject, ==, "enp1s0/0");
        assert_device_silent(&w, host_vf(w.host, 1), "driver-override-differs");
        set_driver(vf, "igbvf");
        dev_add_use(vf, USE_NETWORK, g_strdup("enp1s0v0 is up"), 0, NULL);
        assert_host_fires(&w, "driver-override-differs", SEVERITY_WARNING, "enp1s0v0 is up");
        set_driver(vf, "vfio-pci");
        assert_host_silent(&w, "driver-override-differs");
        /* vfadm would give it back to nobody. */
        doctor_world_give(&w, doctor_world_guest(&w), vf);
        assert_host_fires(&w, "driver-override-differs", SEVERITY_NOTE, "vfadm gives it back to");
        g_free(m->bdf);
        m->bdf = g_strdup("0000:99:00.0");
        assert_host_silent(&w, "driver-override-differs");
}

static void test_max_vfs(void) {
        g_auto(DoctorWorld) w = doctor_world(4);
        Mechanism *m = add(&w, MECH_MODPROBE, "etc/modprobe.d/igb.conf", SETS_NUMVFS);

        m->driver = g_strdup("igb");
        m->num_vfs = 4;
        m->text = g_strdup("options igb max_vfs=4");
        const Finding *f = assert_host_fires(&w, "max-vfs-option", SEVERITY_WARNING, "every card of igb");
        g_assert_cmpstr(f->seen, ==, "options igb max_vfs=4");
        g_assert_cmpstr(f->where, ==, "/etc/modprobe.d/igb.conf:3");
        g_assert_cmpstr(f->devices->pdata[0], ==, "0000:01:00.0");
        g_free(m->driver);
        m->driver = g_strdup("ixgbe");
        assert_host_silent(&w, "max-vfs-option");
}

static void test_vfio_ids(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Mechanism *m = add(&w, MECH_CMDLINE, "proc/cmdline", SETS_DRIVER);

        m->line = 0;
        m->to_driver = g_strdup("vfio-pci");
        m->vendor = 0x8086;
        m->device = 0x10ca; /* VFs: that is what they are for */
        assert_host_silent(&w, "vfio-ids-grab");
        m->device = 0x10c9; /* one PF, which nobody uses */
        assert_host_silent(&w, "vfio-ids-grab");
        m->vendor = 0x1af4; /* the disk with the root file system */
        m->device = 0x1001;
        const Finding *f = assert_host_fires(&w, "vfio-ids-grab", SEVERITY_WARNING, "mounted on /");
        g_assert_cmpstr(f->where, ==, "/proc/cmdline");
        /* Two of a kind. */
        m->vendor = 0x8086;
        m->device = 0x3420;
        doctor_world_disk(&w)->vendor = 0x8086;
        doctor_world_disk(&w)->device = 0x3420;
        g_ptr_array_set_size(doctor_world_disk(&w)->uses, 0);
        assert_host_fires(&w, "vfio-ids-grab", SEVERITY_WARNING, "all 2 functions of id 8086:3420");
}

static void test_kept_out(void) {
        g_auto(DoctorWorld) w = doctor_world(0);
        Mechanism *m = add(&w, MECH_MODPROBE, "etc/modprobe.d/b.conf", SETS_DRIVER);

        m->driver = g_strdup("igb");
        assert_host_silent(&w, "pf-driver-kept-out");
        g_clear_pointer(&host_pf(w.host)->driver, g_free);
        assert_host_fires(&w, "pf-driver-kept-out", SEVERITY_NOTE, "igb is kept from loading");
        g_free(m->driver);
        m->driver = g_strdup("mlx5_core");
        assert_host_silent(&w, "pf-driver-kept-out");
}

static void test_files(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Mechanism *rule = add(&w, MECH_UDEV, "etc/udev/rules.d/nm.rules", SETS_UNMANAGED);
        Mechanism *network = add(&w, MECH_NETWORK, "etc/systemd/network/pf.network", 0);
        Mechanism *late = add(&w, MECH_LINK, "etc/systemd/network/sriov.link", SETS_NUMVFS);

        late->active = false;
        assert_host_silent(&w, "udev-rule-no-move");
        assert_host_silent(&w, "sriov-section-empty");
        assert_host_silent(&w, "link-file-shadowed");
        rule->traits = TRAIT_NO_MOVE;
        network->traits = TRAIT_EMPTY;
        late->traits = TRAIT_SHADOWED;
        assert_host_fires(&w, "udev-rule-no-move", SEVERITY_WARNING, NULL);
        rule->netdev = g_strdup("docker*");
        assert_host_silent(&w, "udev-rule-no-move");
        g_free(rule->netdev);
        rule->netdev = g_strdup("enp1s0v*");
        g_ptr_array_add(host_vf(w.host, 1)->nets, net_dev_new("enp1s0v1"));
        assert_host_fires(&w, "udev-rule-no-move", SEVERITY_WARNING, NULL);
        assert_host_fires(&w, "sriov-section-empty", SEVERITY_WARNING, "networkd");
        const Finding *f = assert_host_fires(&w, "link-file-shadowed", SEVERITY_WARNING, NULL);
        g_assert_cmpstr(f->remedy, ==, "mv /etc/systemd/network/sriov.link /etc/systemd/network/10-sriov.link");
        network->kind = MECH_LINK;
        assert_host_fires(&w, "sriov-section-empty", SEVERITY_NOTE, "udev");
        network->kind = MECH_NETWORK;
        network->active = false; /* networkd does not run */
        assert_host_silent(&w, "sriov-section-empty");
}

static void test_section_mended(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Mechanism *network = add(&w, MECH_NETWORK, "etc/systemd/network/pf.network", 0);
        GPtrArray *tools = doctor_world_setup(&w)->tools;

        network->traits = TRAIT_EMPTY;
        g_ptr_array_set_size(tools, 0);
        setup_add_tool(doctor_world_setup(&w), "systemd", "258");
        assert_host_silent(&w, "sriov-section-empty");
}

static void test_dhcp(void) {
        g_auto(DoctorWorld) w = doctor_world(2);
        Mechanism *m = add(&w, MECH_NETWORK, "etc/systemd/network/20-wired.network", SETS_MANAGED);

        m->netdev = g_strdup("en*");
        assert_host_silent(&w, "vf-dhcp-configured"); /* VFs without interfaces */
        g_ptr_array_add(host_vf(w.host, 1)->nets, net_dev_new("enp1s0v1"));
        const Finding *f = assert_host_fires(&w, "vf-dhcp-configured", SEVERITY_NOTE, NULL);
        g_assert_cmpstr(f->subject, ==, "enp1s0/1");
        Mechanism *off = add(&w, MECH_UDEV, "etc/udev/rules.d/x.rules", SETS_UNMANAGED);
        off->netdev = g_strdup("enp1s0v*");
        assert_host_silent(&w, "vf-dhcp-configured");
        g_free(off->netdev);
        off->netdev = g_strdup("wl*");
        assert_host_fires(&w, "vf-dhcp-configured", SEVERITY_NOTE, NULL);
        m->active = false;
        assert_host_silent(&w, "vf-dhcp-configured");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor/persistence/patterns", test_patterns);
        g_test_add_func("/doctor/persistence/means", test_means);
        g_test_add_func("/doctor/persistence/healthy", test_healthy);
        g_test_add_func("/doctor/persistence/not-persistent", test_not_persistent);
        g_test_add_func("/doctor/persistence/not-persistent-unknown", test_not_persistent_unknown);
        g_test_add_func("/doctor/persistence/count", test_count);
        g_test_add_func("/doctor/persistence/fight", test_fight);
        g_test_add_func("/doctor/persistence/state", test_state);
        g_test_add_func("/doctor/persistence/needs-up", test_needs_up);
        g_test_add_func("/doctor/persistence/networkmanager", test_nm);
        g_test_add_func("/doctor/persistence/override", test_override);
        g_test_add_func("/doctor/persistence/max-vfs", test_max_vfs);
        g_test_add_func("/doctor/persistence/vfio-ids", test_vfio_ids);
        g_test_add_func("/doctor/persistence/kept-out", test_kept_out);
        g_test_add_func("/doctor/persistence/files", test_files);
        g_test_add_func("/doctor/persistence/section-mended", test_section_mended);
        g_test_add_func("/doctor/persistence/dhcp", test_dhcp);
        return g_test_run();
}
