/* From a configuration to a plan: new VFs by number, what differs on those that are there, and who is left alone. */
#include "base/error.h"
#include "hosts.h"
#include "plan_world.h"

#include <string.h>

enum { AS_IT_IS = -1 };

/* A file that is about enp1s0. */
static ConfPf *add_file(Conf *conf, const char *path, int64_t num_vfs) {
        ConfPf *pf = conf_pf_new(path, 1);

        pf->match[MATCH_NAME] = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(pf->match[MATCH_NAME], g_strdup("enp1s0"));
        pf->num_vfs = num_vfs;
        g_ptr_array_add(conf->pfs, pf);
        return pf;
}

static ConfPf *file(Conf *conf, int64_t num_vfs) {
        return add_file(conf, "etc/vfadm/lan.conf", num_vfs);
}

/* [VF first-last]; `words` as 'vfadm set' takes them, a MAC grows where `mac_grows`. */
static ConfVf *section(ConfPf *pf, unsigned first, unsigned last, const char *words, const char *driver) {
        ConfVf *vf = conf_vf_new(pf->place.path, 4 + pf->vfs->len);
        g_auto(GStrv) parts = g_strsplit(words, " ", 0);

        vf->first = first;
        vf->last = last;
        vf->driver = g_strdup(driver);
        for (char **part = parts; *part; part++) {
                g_auto(GStrv) pair = g_strsplit(*part, "=", 2);
                g_autofree char *message = NULL;
                bool is_attribute;
                if (!vf_state_parse_word(pair[0], pair[1], &vf->vf, &is_attribute, &message))
                        g_error("%s: %s", *part, message);
        }
        vf->mac_grows = first != last;
        g_ptr_array_add(pf->vfs, vf);
        return vf;
}

static Want *apply(const Conf *conf) {
        Want *want = want_new(WANT_APPLY);
        want->conf = conf;
        return want;
}

static Want *apply_disrupt(const Conf *conf) {
        Want *want = apply(conf);
        want->disrupt = true;
        return want;
}

static void assert_left(World *w, Want *ask, const char *expected) {
        g_autoptr(Plan) plan = good_plan(w, ask);
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; i < plan->left->len; i++)
                g_string_append_printf(text, "%s\n", (const char *) plan->left->pdata[i]);
        g_assert_cmpstr(text->str, ==, expected);
}

static void assert_note(World *w, Want *ask, const char *expected) {
        g_autoptr(Plan) plan = good_plan(w, ask);
        g_assert_cmpuint(plan->notes->len, ==, expected ? 1 : 0);
        if (expected)
                g_assert_cmpstr(plan->notes->pdata[0], ==, expected);
}

static void test_new(void) {
        World w = world_new(0);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 4);

        /* Nothing said of them: as the kernel makes VFs, each with the host's driver. */
        assert_steps(&w, apply(conf),
                     "0000:01:00.0: drivers for new VFs on → off\n"
                     "0000:01:00.0: VFs 0 → 4\n"
                     "0000:01:00.0: drivers for new VFs off → on\n"
                     "0000:01:00.0 VF 0: driver no driver → (the host's own)\n"
                     "0000:01:00.0 VF 1: driver no driver → (the host's own)\n"
                     "0000:01:00.0 VF 2: driver no driver → (the host's own)\n"
                     "0000:01:00.0 VF 3: driver no driver → (the host's own)\n");
        section(pf, 0, 1, "mac=02:00:00:00:aa:ff vlan=42 spoofchk=on", "vfio");
        section(pf, 2, 2, "", "none");
        host_pf(w.host)->has_caps = true;
        host_pf(w.host)->caps = (PciCaps) {.has_sriov = true, .sriov_vf_device = 0x10ca};
        assert_steps(&w, apply(conf),
                     "0000:01:00.0: load the host's driver for it, if there is one\n"
                     "load the module vfio-pci\n"
                     "0000:01:00.0: drivers for new VFs on → off\n"
                     "0000:01:00.0: VFs 0 → 4\n"
                     "0000:01:00.0 VF 0: mac=02:00:00:00:aa:ff vlan=42 (was mac=00:00:00:00:00:00 vlan=0)\n"
                     "0000:01:00.0 VF 1: mac=02:00:00:00:ab:00 vlan=42 (was mac=00:00:00:00:00:00 vlan=0)\n"
                     "0000:01:00.0: drivers for new VFs off → on\n"
                     "0000:01:00.0 VF 3: driver no driver → (the host's own)\n"
                     "0000:01:00.0 VF 0: driver no driver → vfio-pci\n"
                     "0000:01:00.0 VF 1: driver no driver → vfio-pci\n");
        g_autoptr(Plan) plan = good_plan(&w, apply(conf));
        const Step *step = step_of(plan, STEP_DRIVER, 2);
        g_assert_true(step->fresh);
        g_assert_cmpuint(step->vf_index, ==, 1);
        g_assert_true(pci_addr_equal(step->dev, host_pf(w.host)->addr));
        g_assert_cmpstr(step->to.driver_override, ==, "vfio-pci");
        world_clear(&w);
}

static void test_autoprobe(void) {
        World w = world_new(0);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 2);

        pf->autoprobe = 0;
        assert_steps(&w, apply(conf), "0000:01:00.0: drivers for new VFs on → off\n0000:01:00.0: VFs 0 → 2\n");
        section(pf, 1, 1, "", "host");
        assert_steps(&w, apply(conf),
                     "0000:01:00.0: drivers for new VFs on → off\n"
                     "0000:01:00.0: VFs 0 → 2\n"
                     "0000:01:00.0: drivers for new VFs off → on\n"
                     "0000:01:00.0 VF 1: driver no driver → (the host's own)\n"
                     "0000:01:00.0: drivers for new VFs on → off\n");
        host_pf(w.host)->autoprobe = false;
        pf->autoprobe = AS_IT_IS;
        pf->num_vfs = 1;
        assert_steps(&w, apply(conf), "0000:01:00.0: VFs 0 → 1\n");
        pf->num_vfs = AS_IT_IS;
        assert_steps(&w, apply(conf), "");
        pf->autoprobe = 1;
        assert_steps(&w, apply(conf), "0000:01:00.0: drivers for new VFs off → on\n");
        world_clear(&w);
}

static void test_up(void) {
        World w = world_new(0);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 1);

        section(pf, 0, 0, "vlan=42", "none");
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->up = false;
        assert_refused(&w, apply(conf), VFADM_ERROR_REFUSED, "enp1s0 is down");
        pf->up = 1;
        assert_steps(&w, apply(conf),
                     "enp1s0: down → up\n"
                     "0000:01:00.0: drivers for new VFs on → off\n"
                     "0000:01:00.0: VFs 0 → 1\n"
                     "0000:01:00.0 VF 0: vlan=42 (was vlan=0)\n"
                     "0000:01:00.0: drivers for new VFs off → on\n");
        world_clear(&w);
        /* And for a VF that is there. */
        w = world_new(1);
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->up = false;
        assert_steps(&w, apply(conf), "enp1s0: down → up\n0000:01:10.0: vlan=42 (was vlan=0)\n");
        pf->up = AS_IT_IS;
        assert_refused(&w, apply(conf), VFADM_ERROR_REFUSED, "enp1s0 is down");
        world_clear(&w);
}

static void test_there(void) {
        World w = world_new(3);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 3);

        section(pf, 0, CONF_VF_LAST, "mac=02:00:00:00:aa:00 vlan=42 trust=on", "vfio");
        bind_vf(&w, 1, "igbvf", false);
        *host_vf_state(w.host, 2) = (VfState) {.known = VF_ALL, .mac = {2, 0, 0, 0, 0xaa, 2}, .vlan = 42, .proto = VLAN_PROTO_8021Q, .trust = true};
        bind_vf(&w, 2, "vfio-pci", true);
        /* VF 1 goes to VFIO without going back to the driver that it left for its MAC. */
        assert_steps(&w, apply(conf),
                     "0000:01:10.0: mac=02:00:00:00:aa:00 vlan=42 trust=on (was mac=00:00:00:00:00:00 vlan=0 trust=off)\n"
                     "load the module vfio-pci\n"
                     "0000:01:10.0: driver no driver → vfio-pci\n"
                     "0000:01:10.2: driver igbvf → no driver\n"
                     "0000:01:10.2: mac=02:00:00:00:aa:01 vlan=42 trust=on (was mac=00:00:00:00:00:00 vlan=0 trust=off)\n"
                     "0000:01:10.2: driver no driver → vfio-pci\n");
        world_clear(&w);

        /* What a driver does not tell is not written again and again. */
        w = world_new(1);
        *host_vf_state(w.host, 0) = (VfState) {.known = VF_ALL & ~(unsigned) VF_TRUST, .mac = {2, 0, 0, 0, 0xaa, 0}, .vlan = 42, .proto = VLAN_PROTO_8021Q};
        bind_vf(&w, 0, "vfio-pci", true);
        pf->num_vfs = 1;
        assert_steps(&w, apply(conf), "");
        g_array_index(host_pf(w.host)->vf_infos, VfInfo, 0).missing = true;
        assert_refused(&w, apply(conf), VFADM_ERROR_BUSY, "in reset");
        world_clear(&w);
}

static void test_drivers_there(void) {
        World w = world_new(3);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, AS_IT_IS);

        section(pf, 0, 0, "", "none");
        section(pf, 1, 1, "", "host");
        section(pf, 2, 2, "", "igbvf");
        bind_vf(&w, 0, "igbvf", false);
        bind_vf(&w, 1, "vfio-pci", true);
        bind_vf(&w, 2, "igbvf", false);
        assert_steps(&w, apply(conf),
                     "0000:01:10.0: driver igbvf → no driver\n"
                     "0000:01:10.2: load the host's driver for it, if there is one\n"
                     "0000:01:10.2: driver vfio-pci → (the host's own)\n");
        bind_vf(&w, 0, NULL, false);
        bind_vf(&w, 1, "igbvf", false);
        assert_steps(&w, apply(conf), "");
        /* A new MAC for a driver that goes away: it is not bound again for that. */
        bind_vf(&w, 0, "igbvf", false);
        vf_state_parse_word("mac", "02:00:00:00:aa:07", &((ConfVf *) pf->vfs->pdata[0])->vf, &(bool) {false}, NULL);
        assert_steps(&w, apply(conf),
                     "0000:01:10.0: driver igbvf → no driver\n"
                     "0000:01:10.0: mac=02:00:00:00:aa:07 (was mac=00:00:00:00:00:00)\n");
        world_clear(&w);
}

static void test_in_use(void) {
        World w = world_new(3);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 3);

        section(pf, 0, CONF_VF_LAST, "vlan=42 max-rate=100", NULL);
        dev_add_use(host_vf(w.host, 0), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        dev_add_use(host_vf(w.host, 1), USE_NETWORK, g_strdup("enp1s0v1 is up"), 0, NULL);
        assert_steps(&w, apply(conf), "0000:01:10.4: vlan=42 max-rate=100 (was vlan=0 max-rate=0)\n");
        assert_left(&w, apply(conf),
                    "enp1s0/0: vlan=42 max-rate=100 left: guest web1 (qemu, pid 812)\n"
                    "enp1s0/1: vlan=42 max-rate=100 left: enp1s0/1 is in use (enp1s0v1 is up) and would notice the change; say --disrupt if that is meant\n");
        assert_steps(&w, apply_disrupt(conf),
                     "0000:01:10.2: vlan=42 max-rate=100 (was vlan=0 max-rate=0)\n"
                     "0000:01:10.4: vlan=42 max-rate=100 (was vlan=0 max-rate=0)\n");
        assert_left(&w, apply_disrupt(conf), "enp1s0/0: vlan=42 max-rate=100 left: guest web1 (qemu, pid 812)\n");

        /* The number stays as it is as a whole; those that are there and free are set. */
        pf->num_vfs = 5;
        assert_steps(&w, apply_disrupt(conf),
                     "0000:01:10.2: vlan=42 max-rate=100 (was vlan=0 max-rate=0)\n"
                     "0000:01:10.4: vlan=42 max-rate=100 (was vlan=0 max-rate=0)\n");
        assert_left(&w, apply_disrupt(conf),
                    "enp1s0: VFs 3 → 5 left: enp1s0/0 is in use by guest web1 (qemu, pid 812); end that first\n"
                    "enp1s0/0: vlan=42 max-rate=100 left: guest web1 (qemu, pid 812)\n");
        world_clear(&w);

        /* Who has it open cannot be seen. */
        w = world_new(1);
        w.host->processes_hidden = true;
        bind_vf(&w, 0, "vfio-pci", true);
        pf->num_vfs = 1;
        assert_steps(&w, apply(conf), "");
        g_autoptr(Plan) plan = good_plan(&w, apply(conf));
        g_assert_cmpuint(plan->left->len, ==, 1);
        world_clear(&w);
}

/* Nobody has it open, and yet it is on its way to a guest. */
static void test_on_its_way(void) {
        World w = world_new(3);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 3);
        Want *ask = apply(conf);

        section(pf, 0, CONF_VF_LAST, "vlan=42", NULL);
        host_vf(w.host, 0)->libvirt_keeps = true;
        bind_vf(&w, 1, "vfio-pci", true);
        assert_steps(&w, apply(conf), "0000:01:10.2: vlan=42 (was vlan=0)\n0000:01:10.4: vlan=42 (was vlan=0)\n");
        assert_left(&w, apply(conf), "enp1s0/0: vlan=42 left: libvirt is giving it to a guest, or has given it (/run/libvirt/hostdevmgr)\n");
        ask->spare_vfio = true;
        assert_steps(&w, ask, "0000:01:10.4: vlan=42 (was vlan=0)\n");
        pf->num_vfs = 4;
        assert_left(&w, apply(conf),
                    "enp1s0: VFs 3 → 4 left: 0000:01:10.0: libvirt is giving it to a guest, or has given it (/run/libvirt/hostdevmgr)\n"
                    "enp1s0/0: vlan=42 left: libvirt is giving it to a guest, or has given it (/run/libvirt/hostdevmgr)\n");
        assert_left(&w, apply_disrupt(conf), "");
        world_clear(&w);
}

static void set_mac(World *w, unsigned vf, uint8_t last) {
        *host_vf_state(w->host, vf) = (VfState) {.known = VF_ALL, .mac = {2, 0, 0, 0, 0xaa, last}, .spoofchk = true};
}

/* Who gives his MAC to another has none before that one has it. */
static void test_macs_move(void) {
        World w = world_new(3);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 3);
        ConfVf *all = section(pf, 0, 2, "mac=02:00:00:00:aa:02", NULL);

        for (unsigned i = 0; i < 3; i++)
                set_mac(&w, i, (uint8_t) (i + 1));
        bind_vf(&w, 1, "igbvf", false);
        assert_steps(&w, apply(conf),
                     "0000:01:10.2: driver igbvf → no driver\n"
                     "0000:01:10.2: mac=00:00:00:00:00:00 (was mac=02:00:00:00:aa:02)\n"
                     "0000:01:10.4: mac=00:00:00:00:00:00 (was mac=02:00:00:00:aa:03)\n"
                     "0000:01:10.0: mac=02:00:00:00:aa:02 (was mac=02:00:00:00:aa:01)\n"
                     "0000:01:10.2: mac=02:00:00:00:aa:03 (was mac=00:00:00:00:00:00)\n"
                     "0000:01:10.2: driver no driver → igbvf\n"
                     "0000:01:10.4: mac=02:00:00:00:aa:04 (was mac=00:00:00:00:00:00)\n");
        /* The other way they are free in time. */
        all->vf.mac[5] = 0;
        bind_vf(&w, 1, NULL, false);
        assert_steps(&w, apply(conf),
                     "0000:01:10.0: mac=02:00:00:00:aa:00 (was mac=02:00:00:00:aa:01)\n"
                     "0000:01:10.2: mac=02:00:00:00:aa:01 (was mac=02:00:00:00:aa:02)\n"
                     "0000:01:10.4: mac=02:00:00:00:aa:02 (was mac=02:00:00:00:aa:03)\n");
        /* In a circle. */
        all->vf.mac[5] = 1;
        set_mac(&w, 0, 2);
        set_mac(&w, 1, 1);
        assert_steps(&w, apply(conf),
                     "0000:01:10.2: mac=00:00:00:00:00:00 (was mac=02:00:00:00:aa:01)\n"
                     "0000:01:10.0: mac=02:00:00:00:aa:01 (was mac=02:00:00:00:aa:02)\n"
                     "0000:01:10.2: mac=02:00:00:00:aa:02 (was mac=00:00:00:00:00:00)\n");
        /* Whoever must not be disturbed keeps his, so the one who should have it waits; and so on. */
        lease_out(&w, 1, "qemu:web1");
        set_mac(&w, 1, 1);
        assert_steps(&w, apply(conf), "");
        assert_left(&w, apply(conf), "enp1s0/0: mac=02:00:00:00:aa:01 left: VF 1 has that MAC, and must not be disturbed\n");
        set_mac(&w, 2, 5);
        ((ConfVf *) pf->vfs->pdata[0])->last = 1;
        section(pf, 2, 2, "mac=02:00:00:00:aa:02", NULL);
        assert_refused(&w, apply(conf), VFADM_ERROR_REFUSED, "mac=02:00:00:00:aa:02 for VF 2 is still that of enp1s0/0, which is left as it is");
        world_clear(&w);
}

/* A VF that no section gives another MAC keeps it. */
static void test_mac_taken(void) {
        World w = world_new(2);
        g_autoptr(Conf) conf = conf_new();

        section(file(conf, 2), 0, 0, "mac=02:00:00:00:aa:02", NULL);
        set_mac(&w, 0, 1);
        set_mac(&w, 1, 2);
        assert_refused(&w, apply(conf), VFADM_ERROR_REFUSED, "mac=02:00:00:00:aa:02 is already used by VF 1 of enp1s0");
        world_clear(&w);
}

static void test_leased(void) {
        World w = world_new(2);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 2);

        section(pf, 0, 1, "mac=02:00:00:00:aa:00 vlan=7", "host");
        *host_vf_state(w.host, 0) = (VfState) {.known = VF_ALL, .mac = {2, 0, 0, 0, 0xaa, 0}, .vlan = 7, .proto = VLAN_PROTO_8021Q};
        *host_vf_state(w.host, 1) = (VfState) {.known = VF_ALL, .mac = {2, 0, 0, 0, 0xaa, 1}, .vlan = 7, .proto = VLAN_PROTO_8021Q};
        bind_vf(&w, 1, "igbvf", false);
        lease_out(&w, 0, "qemu:web1");
        /* The guest has a MAC and a VLAN of its own, rightly; what it goes back to is as configured. */
        assert_steps(&w, apply(conf), "");
        assert_left(&w, apply(conf), "");
        assert_note(&w, apply(conf), NULL);
        ((Lease *) w.leases->pdata[0])->saved.vlan = 8;
        assert_steps(&w, apply(conf), "");
        assert_note(&w, apply(conf), "enp1s0/0 is leased to qemu:web1, and was not yet vlan=7 (/etc/vfadm/lan.conf, line 4) when it was given; that is set after it is back");
        pf->num_vfs = 0;
        assert_left(&w, apply(conf), "enp1s0: VFs 2 → 0 left: enp1s0/0 is leased to qemu:web1 (lease 40); run 'vfadm detach qemu:web1 0000:01:10.0' first\n");
        world_clear(&w);
}

static void test_resize(void) {
        World w = world_new(2);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 3);

        section(pf, 0, CONF_VF_LAST, "trust=on", "none");
        bind_vf(&w, 1, "igbvf", false);
        host_vf_state(w.host, 0)->trust = true;
        assert_steps(&w, apply(conf),
                     "0000:01:00.0: drivers for new VFs on → off\n"
                     "0000:01:10.2: driver igbvf → no driver\n"
                     "0000:01:10.0: trust=off (was trust=on)\n"
                     "0000:01:00.0: VFs 2 → 0\n"
                     "0000:01:00.0: VFs 0 → 3\n"
                     "0000:01:00.0 VF 0: trust=on (was trust=off)\n"
                     "0000:01:00.0 VF 1: trust=on (was trust=off)\n"
                     "0000:01:00.0 VF 2: trust=on (was trust=off)\n"
                     "0000:01:00.0: drivers for new VFs off → on\n");
        pf->num_vfs = 0;
        assert_steps(&w, apply(conf),
                     "0000:01:00.0: drivers for new VFs on → off\n"
                     "0000:01:10.2: driver igbvf → no driver\n"
                     "0000:01:10.0: trust=off (was trust=on)\n"
                     "0000:01:00.0: VFs 2 → 0\n"
                     "0000:01:00.0: drivers for new VFs off → on\n");
        pf->num_vfs = CONF_ALL_VFS;
        g_autoptr(Plan) plan = good_plan(&w, apply(conf));
        g_assert_cmpint(step_of(plan, STEP_NUMVFS, 1)->to.number, ==, 7);
        world_clear(&w);
}

static void test_refused(void) {
        World w = world_new(0);
        g_autoptr(Conf) conf = conf_new();
        ConfPf *pf = file(conf, 8);

        assert_refused(&w, apply(conf), VFADM_ERROR_REFUSED, "at most 7 VFs, not 8");
        pf->num_vfs = 2;
        ConfVf *vf = section(pf, 1, 1, "link=on", "vfio");
        assert_refused(&w, apply(conf), VFADM_ERROR_UNSUPPORTED, "igb does not take link");
        vf->vf = (VfState) {.known = VF_MAC, .mac = {2, 0, 0, 0, 1, 1}};
        assert_refused(&w, apply(conf), VFADM_ERROR_REFUSED, "MAC of enp1s0 itself");
        vf->vf = (VfState) {.known = VF_MAC, .mac = {2, 0, 0, 0, 0xaa, 1}};
        ConfVf *twin = section(pf, 0, 0, "mac=02:00:00:00:aa:01", NULL);
        assert_refused(&w, apply(conf), VFADM_ERROR_REFUSED, "would have the same MAC");
        twin->vf.mac[5] = 2;
        g_autoptr(Plan) plan = good_plan(&w, apply(conf));
        g_assert_cmpuint(plan->steps->len, >, 4);
        w.host->has_iommu = false;
        assert_refused(&w, apply(conf), VFADM_ERROR_UNSUPPORTED, "no IOMMU is active");
        w.host->has_iommu = true;
        g_free(vf->driver);
        vf->driver = g_strdup("pciback");
        assert_refused(&w, apply(conf), VFADM_ERROR_UNSUPPORTED, "Driver=none");
        g_free(vf->driver);
        vf->driver = g_strdup("../../x");
        assert_refused(&w, apply(conf), VFADM_ERROR_USAGE, "no driver name");
        world_clear(&w);
}

static void test_matching(void) {
        World w = world_new(1);
        g_autoptr(Conf) conf = conf_new();

        assert_steps(&w, apply(conf), "");
        ConfPf *pf = file(conf, 1);
        ConfPf *other = add_file(conf, "etc/vfadm/storage.conf", 3);
        assert_refused_so(&w, apply(conf), VFADM_ERROR_REFUSED,
                          "enp1s0 is meant by two files: /etc/vfadm/lan.conf, line 1, and /etc/vfadm/storage.conf, line 1; change one [Match]");
        /* MACs are one PF's. */
        Dev *second = (Dev *) snapshot_find(w.host, "0000:00:01.0", NULL);
        second->is_pf = true;
        g_ptr_array_remove_index(conf->pfs, 1);
        section(pf, 0, 0, "mac=02:00:00:00:aa:01", NULL);
        pf->match[MATCH_DRIVER] = g_steal_pointer(&pf->match[MATCH_NAME]);
        g_free(pf->match[MATCH_DRIVER]->pdata[0]);
        pf->match[MATCH_DRIVER]->pdata[0] = g_strdup("*");
        assert_refused(&w, apply(conf), VFADM_ERROR_REFUSED,
                       "/etc/vfadm/lan.conf, line 4: MACAddress= is one PF's, and its [Match] (line 1) fits 0000:00:01.0 and enp1s0; name one of them there");
        second->is_pf = false;
        assert_steps(&w, apply(conf), "0000:01:10.0: mac=02:00:00:00:aa:01 (was mac=00:00:00:00:00:00)\n");
        g_ptr_array_set_size(pf->vfs, 0);
        pf->match[MATCH_NAME] = g_steal_pointer(&pf->match[MATCH_DRIVER]);
        g_free(pf->match[MATCH_NAME]->pdata[0]);
        pf->match[MATCH_NAME]->pdata[0] = g_strdup("enp1s0");
        other = add_file(conf, "etc/vfadm/storage.conf", 3);
        g_free(other->match[MATCH_NAME]->pdata[0]);
        other->match[MATCH_NAME]->pdata[0] = g_strdup("enp9s0");
        assert_steps(&w, apply(conf), "");
        assert_note(&w, apply(conf), "/etc/vfadm/storage.conf, line 1: no PF here fits its [Match]");

        /* One PF alone: what is missing elsewhere is not its business. */
        Want *one = apply(conf);
        one->device = g_strdup("enp1s0");
        assert_note(&w, one, NULL);
        g_free(pf->match[MATCH_NAME]->pdata[0]);
        pf->match[MATCH_NAME]->pdata[0] = g_strdup("enp8s0");
        one = apply(conf);
        one->device = g_strdup("enp1s0");
        assert_note(&w, one, "no [Match] of the configuration fits enp1s0");
        one = apply(conf);
        one->device = g_strdup("enp7s0");
        assert_refused(&w, one, VFADM_ERROR_NOT_FOUND, "no such device");
        world_clear(&w);
}

static void test_json(void) {
        World w = world_new(0);
        g_autoptr(Conf) conf = conf_new();

        section(file(conf, 1), 0, 0, "vlan=42", "vfio");
        g_autoptr(Plan) plan = good_plan(&w, apply(conf));
        plan_leave(plan, "enp1s0/0: %s left: x", "vlan=42");
        json_t *json = plan_to_json(plan);
        g_assert_cmpstr(json_string_value(json_array_get(json_object_get(json, "left"), 0)), ==, "enp1s0/0: vlan=42 left: x");
        for (size_t i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                g_autoptr(Step) back = step_from_json(json_array_get(json_object_get(json, "steps"), i), NULL);
                g_assert_nonnull(back);
                g_assert_true(back->fresh == (step->kind == STEP_VF_STATE || step->kind == STEP_DRIVER));
                g_assert_true(step_same_function(step, back));
                g_autofree char *before = step_describe(step), *after = step_describe(back);
                g_assert_cmpstr(before, ==, after);
        }
        json_decref(json);
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-apply/new", test_new);
        g_test_add_func("/plan-apply/autoprobe", test_autoprobe);
        g_test_add_func("/plan-apply/up", test_up);
        g_test_add_func("/plan-apply/there", test_there);
        g_test_add_func("/plan-apply/drivers-there", test_drivers_there);
        g_test_add_func("/plan-apply/in-use", test_in_use);
        g_test_add_func("/plan-apply/on-its-way", test_on_its_way);
        g_test_add_func("/plan-apply/macs-move", test_macs_move);
        g_test_add_func("/plan-apply/mac-taken", test_mac_taken);
        g_test_add_func("/plan-apply/leased", test_leased);
        g_test_add_func("/plan-apply/resize", test_resize);
        g_test_add_func("/plan-apply/refused", test_refused);
        g_test_add_func("/plan-apply/matching", test_matching);
        g_test_add_func("/plan-apply/json", test_json);
        return g_test_run();
}
