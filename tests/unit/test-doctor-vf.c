/* Checks of VF state: each on a host on which it fires, and on hosts on which it must not. */
#include "doctor_world.h"

#include <errno.h>
#include <string.h>

static const char *const ids[] = {"vf-missing",      "vf-no-mac",   "vf-duplicate-mac", "vf-vlan-leftover",
                                  "vf-spoofchk-off", "vf-trust-on", "vf-link-off",      "vf-rate-limit",
                                  "vf-lease-drift",  "vf-managed",  "vf-no-flr",        "vf-pf-down"};

static VfInfo *info_of(DoctorWorld *w, unsigned index) {
        return &g_array_index(host_pf(w->host)->vf_infos, VfInfo, index);
}

static NetDev *pf_net(DoctorWorld *w) {
        return host_pf(w->host)->nets->pdata[0];
}

/* A host driver and a network device, down and without addresses. */
static NetDev *put_net(DoctorWorld *w, unsigned index) {
        Dev *vf = host_vf(w->host, index);
        g_autofree char *name = g_strdup_printf("enp1s0v%u", index);
        NetDev *net = net_dev_new(name);
        g_free(vf->driver);
        vf->driver = g_strdup("igbvf");
        memcpy(net->mac, info_of(w, index)->state.mac, 6);
        g_ptr_array_add(vf->nets, net);
        return net;
}

static void put_driver(DoctorWorld *w, unsigned index, const char *driver) {
        Dev *vf = host_vf(w->host, index);
        g_free(vf->driver);
        vf->driver = g_strdup(driver);
}

/* A guest that took the VF by hand. */
static void hold(DoctorWorld *w, unsigned index) {
        put_driver(w, index, "vfio-pci");
        dev_add_use(host_vf(w->host, index), USE_PROCESS, g_strdup("guest other (qemu, pid 900)"), 900, "other");
}

static void all_silent(DoctorWorld *w) {
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                assert_host_silent(w, ids[i]);
}

static void subject_is(const Finding *finding, const char *subject) {
        g_assert_cmpstr(finding->subject, ==, subject);
}

static void has_text(const char *text, const char *part) {
        if (!text || !strstr(text, part))
                g_error("'%s' should hold '%s'", text ? text : "(none)", part);
}

static void test_healthy(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        all_silent(&w);
        for (unsigned i = 0; i < 7; i++)
                for (size_t k = 0; k < G_N_ELEMENTS(ids); k++)
                        assert_device_silent(&w, host_vf(w.host, i), ids[k]);
        g_auto(DoctorWorld) none = doctor_world(0);
        all_silent(&none);
}

/* VFs that vfadm lent, with MAC and VLAN and all, are as they should be. */
static void test_lent(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        for (unsigned i = 0; i < 3; i++) {
                Lease *lease = doctor_world_give(&w, guest, host_vf(w.host, i));
                VfState *state = host_vf_state(w.host, i);
                state->vlan = 42;
                state->proto = VLAN_PROTO_8021Q;
                state->trust = true;
                state->spoofchk = false;
                state->max_rate = 100;
                state->link = VF_LINK_OFF;
                state->known |= VF_LINK;
                lease->given = *state;
        }
        all_silent(&w);
}

static void test_no_mac(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        /* As after 'vfadm enable': one note of all. */
        for (unsigned i = 0; i < 7; i++)
                memset(host_vf_state(w.host, i)->mac, 0, 6);
        const Finding *finding = assert_host_fires(&w, "vf-no-mac", SEVERITY_NOTE, "as new VFs do");
        subject_is(finding, "enp1s0/0-6");
        g_assert_cmpuint(finding->devices->len, ==, 7);
        g_assert_cmpuint(doctor_world_count(&w, "vf-no-mac"), ==, 1);
        finding = assert_device_fires(&w, host_vf(w.host, 3), "vf-no-mac", SEVERITY_NOTE, "it has no MAC");
        subject_is(finding, "enp1s0/3");
        put_net(&w, 2);
        assert_host_fires(&w, "vf-no-mac", SEVERITY_NOTE, NULL);
        /* One for VFIO, and one in a guest by hand. */
        put_driver(&w, 1, "vfio-pci");
        hold(&w, 4);
        finding = assert_host_fires(&w, "vf-no-mac", SEVERITY_WARNING, "they have no MAC");
        subject_is(finding, "enp1s0/1,4");
        has_text(finding->remedy, "vfadm set enp1s0/1 mac=");
        has_text(finding->seen, "00:00:00:00:00:00");
        g_assert_cmpuint(doctor_world_count(&w, "vf-no-mac"), ==, 2);
        /* libvirt's way to clear a MAC. */
        g_auto(DoctorWorld) cleared = doctor_world(2);
        memset(host_vf_state(cleared.host, 0)->mac + 1, 0, 5);
        assert_host_fires(&cleared, "vf-no-mac", SEVERITY_NOTE, NULL);
        /* A driver that does not tell. */
        g_auto(DoctorWorld) untold = doctor_world(2);
        memset(host_vf_state(untold.host, 0)->mac, 0, 6);
        host_vf_state(untold.host, 0)->known &= ~(unsigned) VF_MAC;
        assert_host_silent(&untold, "vf-no-mac");
}

static void test_duplicate(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        memcpy(host_vf_state(w.host, 5)->mac, host_vf_state(w.host, 2)->mac, 6);
        const Finding *finding = assert_host_fires(&w, "vf-duplicate-mac", SEVERITY_WARNING, "the same MAC");
        subject_is(finding, "enp1s0/2,5");
        has_text(finding->seen, "02:00:00:00:02:03");
        g_assert_cmpuint(doctor_world_count(&w, "vf-duplicate-mac"), ==, 1);
        assert_device_fires(&w, host_vf(w.host, 5), "vf-duplicate-mac", SEVERITY_WARNING, NULL);
        assert_device_silent(&w, host_vf(w.host, 3), "vf-duplicate-mac");
        info_of(&w, 5)->missing = true; /* what it was told before counts for nothing */
        assert_host_silent(&w, "vf-duplicate-mac");

        g_auto(DoctorWorld) own = doctor_world(2);
        memcpy(host_vf_state(own.host, 1)->mac, pf_net(&own)->mac, 6);
        finding = assert_host_fires(&own, "vf-duplicate-mac", SEVERITY_WARNING, "of the PF itself");
        subject_is(finding, "enp1s0/1");

        /* No MAC is no MAC, however often. */
        g_auto(DoctorWorld) zero = doctor_world(7);
        for (unsigned i = 0; i < 7; i++) {
                memset(host_vf_state(zero.host, i)->mac, 0, 6);
                host_vf_state(zero.host, i)->mac[0] = i & 1 ? 0x02 : 0;
        }
        assert_host_silent(&zero, "vf-duplicate-mac");
}

static void test_vlan(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        host_vf_state(w.host, 3)->vlan = 42;
        host_vf_state(w.host, 4)->vlan = 43;
        const Finding *finding = assert_host_fires(&w, "vf-vlan-leftover", SEVERITY_WARNING, "nobody has the VF");
        subject_is(finding, "enp1s0/3-4");
        has_text(finding->seen, "enp1s0/3: vlan=42");
        has_text(finding->remedy, "vfadm set enp1s0/3 vlan=0");
        put_net(&w, 3);
        put_driver(&w, 4, "vfio-pci");
        assert_host_silent(&w, "vf-vlan-leftover");
        /* A file that sets VLANs means them. */
        g_auto(DoctorWorld) meant = doctor_world(7);
        host_vf_state(meant.host, 3)->vlan = 42;
        Mechanism *file =
                setup_add_mechanism(doctor_world_setup(&meant), MECH_NETWORK, "etc/systemd/network/enp1s0.network", 3);
        file->sets = SETS_VF_STATE;
        file->netdev = g_strdup("enp9s*|enp1s?");
        file->active = true;
        assert_host_silent(&meant, "vf-vlan-leftover");
        g_free(file->netdev);
        file->netdev = g_strdup("enp9s0");
        assert_host_fires(&meant, "vf-vlan-leftover", SEVERITY_WARNING, NULL);
}

static void test_spoofchk(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        host_vf_state(w.host, 1)->spoofchk = false;
        const Finding *finding = assert_host_fires(&w, "vf-spoofchk-off", SEVERITY_WARNING, "the next guest");
        subject_is(finding, "enp1s0/1");
        put_net(&w, 1);
        assert_host_fires(&w, "vf-spoofchk-off", SEVERITY_NOTE, NULL);
        hold(&w, 1);
        assert_host_fires(&w, "vf-spoofchk-off", SEVERITY_WARNING, "may send with any MAC");
        /* A card that has it off by itself. */
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("mlx5_core");
        host_vf_state(w.host, 2)->spoofchk = false;
        finding = assert_host_fires(&w, "vf-spoofchk-off", SEVERITY_NOTE, NULL);
        subject_is(finding, "enp1s0/1");
        host_vf_state(w.host, 1)->known &= ~(unsigned) VF_SPOOFCHK;
        assert_host_silent(&w, "vf-spoofchk-off");
        /* A lease that did not ask for it. */
        g_auto(DoctorWorld) lent = doctor_world(2);
        doctor_world_give(&lent, doctor_world_guest(&lent), host_vf(lent.host, 0));
        host_vf_state(lent.host, 0)->spoofchk = false;
        assert_host_fires(&lent, "vf-spoofchk-off", SEVERITY_WARNING, NULL);
}

static void test_trust(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        host_vf_state(w.host, 0)->trust = true;
        assert_host_fires(&w, "vf-trust-on", SEVERITY_WARNING, "the next guest");
        put_net(&w, 0);
        assert_host_fires(&w, "vf-trust-on", SEVERITY_NOTE, NULL);
        hold(&w, 0);
        const Finding *finding = assert_host_fires(&w, "vf-trust-on", SEVERITY_WARNING, "may change its MAC");
        has_text(finding->remedy, "vfadm set enp1s0/0 trust=off");
        DoctorInput unknown = {.host = w.host}; /* a ledger that may not be read may hold the lease that asked for it */
        g_autoptr(GPtrArray) findings = doctor_host(&unknown);
        for (unsigned i = 0; i < findings->len; i++)
                g_assert_cmpstr(((const Finding *) findings->pdata[i])->id, !=, "vf-trust-on");
        Mechanism *file =
                setup_add_mechanism(doctor_world_setup(&w), MECH_NM, "etc/NetworkManager/system-connections/a", 0);
        file->sets = SETS_VF_STATE;
        file->driver = g_strdup("igb");
        file->active = true;
        assert_host_fires(&w, "vf-trust-on", SEVERITY_NOTE, NULL);
        host_vf_state(w.host, 0)->trust = false;
        assert_host_silent(&w, "vf-trust-on");
}

static void test_link_and_rate(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        VfState *state = host_vf_state(w.host, 6);
        state->known |= VF_LINK;
        state->link = VF_LINK_OFF;
        assert_host_fires(&w, "vf-link-off", SEVERITY_NOTE, NULL);
        put_net(&w, 6);
        assert_host_fires(&w, "vf-link-off", SEVERITY_WARNING, "the host uses it");
        hold(&w, 6);
        assert_host_fires(&w, "vf-link-off", SEVERITY_WARNING, "no carrier");
        state->link = VF_LINK_ON;
        assert_host_silent(&w, "vf-link-off");

        assert_host_silent(&w, "vf-rate-limit");
        state->max_rate = 500;
        const Finding *finding = assert_host_fires(&w, "vf-rate-limit", SEVERITY_NOTE, "no lease asked for");
        has_text(finding->seen, "max-rate=500");
}

static void test_lease_drift(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        Lease *lease = doctor_world_give(&w, doctor_world_guest(&w), host_vf(w.host, 2));
        VfState *state = host_vf_state(w.host, 2);
        lease->given = *state;
        assert_host_silent(&w, "vf-lease-drift");
        state->max_rate = 5; /* rates change by themselves */
        assert_host_silent(&w, "vf-lease-drift");
        state->mac[5] = 0x99;
        state->vlan = 7;
        const Finding *finding = assert_host_fires(&w, "vf-lease-drift", SEVERITY_WARNING,
                                                   "given to qemu:web1 with mac=02:00:00:00:02:03 vlan=0");
        subject_is(finding, "enp1s0/2");
        has_text(finding->seen, "mac=02:00:00:00:02:99 vlan=7");
        assert_device_silent(&w, host_vf(w.host, 1), "vf-lease-drift");
        lease->given.known = VF_TRUST; /* what was not given does not matter */
        assert_host_silent(&w, "vf-lease-drift");
        lease->given.known = VF_MAC;
        lease->state = LEASE_PENDING;
        assert_host_silent(&w, "vf-lease-drift");
}

static NetDev *address(NetDev *net, const char *text) {
        net->up = true;
        g_ptr_array_add(net->addresses, g_strdup(text));
        return net;
}

static void test_managed(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        address(pf_net(&w), "10.0.0.2/24");
        /* A network of its own: the host means it. */
        address(put_net(&w, 0), "10.7.0.2/24");
        assert_host_silent(&w, "vf-managed");
        address(put_net(&w, 1), "10.0.0.77/24");
        const Finding *finding =
                assert_host_fires(&w, "vf-managed", SEVERITY_WARNING, "enp1s0v1 has an address in the same network");
        subject_is(finding, "enp1s0/1");
        has_text(finding->seen, "10.0.0.77/24");
        has_text(finding->remedy, "Driver=igbvf");
        g_assert_cmpuint(doctor_world_count(&w, "vf-managed"), ==, 1);
        setup_add_tool(doctor_world_setup(&w), "networkmanager", "1.52")->running = true;
        finding = assert_device_fires(&w, host_vf(w.host, 1), "vf-managed", SEVERITY_WARNING, NULL);
        has_text(finding->remedy, "nmcli device set enp1s0v1 managed no");
        /* A file that names the device means it. */
        Mechanism *named =
                setup_add_mechanism(doctor_world_setup(&w), MECH_NETWORK, "etc/systemd/network/v1.network", 2);
        named->sets = SETS_MANAGED;
        named->netdev = g_strdup("enp1s0v1");
        named->active = true;
        assert_host_silent(&w, "vf-managed");
        /* One with a wildcard does not; and where it does no harm, nothing is said (vf-dhcp tells of the file). */
        g_free(named->netdev);
        named->netdev = g_strdup("en*");
        finding = assert_device_fires(&w, host_vf(w.host, 1), "vf-managed", SEVERITY_WARNING, NULL);
        g_assert_cmpstr(finding->where, ==, "/etc/systemd/network/v1.network:2");
        assert_device_silent(&w, host_vf(w.host, 0), "vf-managed");
        /* The host's own way out is meant so, whatever the file. */
        dev_add_use(host_vf(w.host, 1), USE_HOST, g_strdup("default route"), 0, NULL);
        assert_device_silent(&w, host_vf(w.host, 1), "vf-managed");

        g_auto(DoctorWorld) two = doctor_world(3);
        address(put_net(&two, 0), "192.168.1.5/16");
        address(put_net(&two, 1), "192.168.200.5/16");
        address(put_net(&two, 2), "192.168.1.9/24"); /* another prefix */
        assert_host_fires(&two, "vf-managed", SEVERITY_WARNING, NULL);
        g_assert_cmpuint(doctor_world_count(&two, "vf-managed"), ==, 2);

        /* Odd addresses, and IPv6, which every device has. */
        g_auto(DoctorWorld) odd = doctor_world(2);
        static const char *const texts[] = {"fd00::5/64",  "10.0.0.1",   "10.0.0/24", "10.0.0.256/24",
                                            "10.0.0.1/33", "10.0.0.1/0", "",          "/"};
        for (unsigned i = 0; i < 2; i++)
                put_net(&odd, i);
        for (size_t i = 0; i < 2 * G_N_ELEMENTS(texts); i++)
                address(host_vf(odd.host, i & 1)->nets->pdata[0], texts[i / 2]);
        assert_host_silent(&odd, "vf-managed");
}

static void test_missing(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        info_of(&w, 2)->missing = true;
        info_of(&w, 3)->missing = true;
        const Finding *finding = assert_host_fires(&w, "vf-missing", SEVERITY_WARNING, "leaves them out");
        subject_is(finding, "enp1s0/2-3");
        has_text(finding->seen, "7 VFs exist, 5 are told of");
        assert_device_silent(&w, host_vf(w.host, 1), "vf-missing");
        g_auto(DoctorWorld) deaf = doctor_world(7);
        g_clear_pointer(&host_pf(deaf.host)->vf_infos, g_array_unref);
        assert_host_silent(&deaf, "vf-missing"); /* it was not asked */
        host_pf(deaf.host)->vf_infos_error = -EBUSY;
        finding = assert_host_fires(&deaf, "vf-missing", SEVERITY_WARNING, "does not tell");
        subject_is(finding, "enp1s0");
}

static void set_methods(Dev *vf, const char *methods) {
        g_strfreev(vf->reset_methods);
        vf->reset_methods = methods ? g_strsplit(methods, " ", 0) : NULL;
}

static void test_no_flr(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        set_methods(host_vf(w.host, 4), "");
        const Finding *finding = assert_host_fires(&w, "vf-no-flr", SEVERITY_WARNING, "no way to reset it");
        subject_is(finding, "enp1s0/4");
        has_text(finding->where, "/sys/bus/pci/devices/0000:01:11.0/reset_method");
        set_methods(host_vf(w.host, 4), "bus");
        assert_host_fires(&w, "vf-no-flr", SEVERITY_WARNING, NULL);
        set_methods(host_vf(w.host, 4), "pm bus");
        assert_host_silent(&w, "vf-no-flr");
        /* An older kernel names no ways. */
        set_methods(host_vf(w.host, 4), NULL);
        assert_host_silent(&w, "vf-no-flr");
        host_vf(w.host, 4)->caps.flr = false;
        finding = assert_host_fires(&w, "vf-no-flr", SEVERITY_WARNING, NULL);
        has_text(finding->where, "0000:01:11.0 config a4h (Device Capabilities)");
        host_vf(w.host, 4)->caps.af_flr = true;
        assert_host_silent(&w, "vf-no-flr");
        /* Without root the capability is not seen: nothing is known. */
        host_vf(w.host, 4)->caps = (PciCaps){.length = 64};
        assert_host_silent(&w, "vf-no-flr");
}

static void test_pf_down(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        pf_net(&w)->up = false;
        const Finding *finding = assert_host_fires(&w, "vf-pf-down", SEVERITY_NOTE, "igb");
        g_assert_cmpstr(finding->remedy, ==, "ip link set enp1s0 up");
        assert_device_fires(&w, host_vf(w.host, 1), "vf-pf-down", SEVERITY_BLOCKS, NULL);
        assert_device_fires(&w, host_pf(w.host), "vf-pf-down", SEVERITY_BLOCKS, NULL);
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("mlx5_core");
        assert_host_silent(&w, "vf-pf-down");
        g_auto(DoctorWorld) none = doctor_world(0);
        pf_net(&none)->up = false;
        assert_host_silent(&none, "vf-pf-down");
}

/* A PF that is no network card, and one whose functions cannot be read. */
static void test_odd(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        Dev *pf = host_pf(w.host);
        g_clear_pointer(&pf->vf_infos, g_array_unref);
        g_ptr_array_set_size(pf->nets, 0);
        all_silent(&w);
        g_auto(DoctorWorld) gone = doctor_world(7);
        VfInfo more = {.index = 7, .state = {.known = VF_ALL, .vlan = 5, .trust = true}};
        g_array_append_val(host_pf(gone.host)->vf_infos, more);
        const Finding *finding = assert_host_fires(&gone, "vf-vlan-leftover", SEVERITY_WARNING, NULL);
        subject_is(finding, "enp1s0/7");
        g_assert_cmpuint(finding->devices->len, ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor-vf/healthy", test_healthy);
        g_test_add_func("/doctor-vf/lent", test_lent);
        g_test_add_func("/doctor-vf/no-mac", test_no_mac);
        g_test_add_func("/doctor-vf/duplicate", test_duplicate);
        g_test_add_func("/doctor-vf/vlan", test_vlan);
        g_test_add_func("/doctor-vf/spoofchk", test_spoofchk);
        g_test_add_func("/doctor-vf/trust", test_trust);
        g_test_add_func("/doctor-vf/link-and-rate", test_link_and_rate);
        g_test_add_func("/doctor-vf/lease-drift", test_lease_drift);
        g_test_add_func("/doctor-vf/managed", test_managed);
        g_test_add_func("/doctor-vf/missing", test_missing);
        g_test_add_func("/doctor-vf/no-flr", test_no_flr);
        g_test_add_func("/doctor-vf/pf-down", test_pf_down);
        g_test_add_func("/doctor-vf/odd", test_odd);
        return g_test_run();
}
