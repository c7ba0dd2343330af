/* Plans that give devices to guests of Xen's, bind them to pciback and take them from it: the order of the steps, and what is refused. */
#include "base/error.h"
#include "hosts.h"
#include "plan_world.h"

#include <string.h>

#define MAC "02:00:00:00:00:11"
#define BOTH (SCOPE_LIVE | SCOPE_CONFIG)

static Want *attach(const char *device, const char *words, unsigned scope) {
        return want_xen(WANT_ATTACH, device, words, scope);
}

static Want *bind(const char *device, const char *driver) {
        Want *w = want_xen(WANT_BIND, device, NULL, 0);
        w->driver = g_strdup(driver);
        return w;
}

static void assert_note(World *w, Want *ask, const char *says, bool there) {
        g_autoptr(Plan) plan = good_plan(w, ask);
        bool found = false;

        for (unsigned i = 0; i < plan->notes->len; i++)
                found = found || strstr(plan->notes->pdata[i], says);
        if (found != there)
                g_error("%s note says '%s'", there ? "no" : "a", says);
}

/* ---- attach ---- */

static const char live_steps[] =
        "0000:01:10.0: free → leased to xen:web1\n"
        "load the module xen-pciback\n"
        "0000:01:10.0: driver igbvf → no driver\n"
        "0000:01:10.0: mac=" MAC " vlan=42 (was mac=00:00:00:00:00:00 vlan=0)\n"
        "0000:01:10.0: driver no driver → pciback\n"
        "0000:01:10.0: assignable to Xen's guests, its DMA kept from dom0\n"
        "0000:01:10.0: plug into xen:web1\n";

static void test_live(void) {
        World w = world_xen(2);

        assert_steps(&w, attach("enp1s0/0", "mac=" MAC " vlan=42", 0), live_steps);
        assert_steps(&w, attach("enp1s0/0", "mac=" MAC " vlan=42", SCOPE_LIVE), live_steps);

        g_autoptr(Plan) plan = good_plan(&w, attach("enp1s0/0", "mac=" MAC, 0));
        const Step *guest = step_of(plan, STEP_GUEST, 0);
        g_assert_cmpstr(guest->guest, ==, "xen:web1");
        g_assert_cmpstr(guest->xml, ==, "0000:01:10.0");
        g_assert_cmpstr(guest->to.text, ==, "vfadm-0000-01-10.0");
        g_assert_null(guest->guest_bus);
        g_assert_null(guest->from.text);
        /* The way there, and back. */
        const Step *assignable = step_of(plan, STEP_ASSIGNABLE, 0);
        g_assert_cmpint(assignable->from.number, ==, 0);
        g_assert_cmpint(assignable->to.number, ==, 1);
        g_assert_cmpstr(assignable->to.text, ==, "igbvf");
        g_assert_true(pci_addr_equal(assignable->pf, host_pf(w.host)->addr));
        const Step *off = step_of(plan, STEP_DRIVER, 0), *on = step_of(plan, STEP_DRIVER, 1);
        g_assert_cmpstr(off->from.driver, ==, "igbvf");
        g_assert_null(off->to.driver);
        g_assert_null(on->from.driver);
        g_assert_null(on->from.driver_override);
        g_assert_cmpstr(on->to.driver, ==, "pciback");
        g_assert_null(on->to.driver_override); /* or xl could not give it back */
        g_assert_null(step_of(plan, STEP_ASSIGNABLE, 1));
        /* Any guest of Xen's that has it before that is one too many. */
        g_assert_cmpuint(plan->known->len, ==, 0);
        world_clear(&w);
}

static void test_lease(void) {
        World w = world_xen(2);
        const struct {
                unsigned scope;
                bool of_run, config;
                const char *uuid;
        } cases[] = {
                {SCOPE_LIVE, false, false, "aaaaaaaa-0000-4000-8000-000000000001"},
                {SCOPE_LIVE, true, false, "aaaaaaaa-0000-4000-8000-000000000001"},
                {BOTH, false, true, "aaaaaaaa-0000-4000-8000-000000000001"},
                {BOTH, true, true, NULL},
                {SCOPE_CONFIG, true, true, NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                w.guest->uuid_of_run = cases[i].of_run;
                g_autoptr(Plan) plan = good_plan(&w, attach("enp1s0/0", "", cases[i].scope));
                const Lease *lease = step_of(plan, STEP_LEASE, 0)->to.lease;
                g_assert_cmpstr(lease->guest, ==, "xen:web1");
                g_assert_cmpstr(lease->guest_uuid, ==, cases[i].uuid);
                g_assert_true(lease->config == cases[i].config);
                g_assert_cmpint(lease->pid, ==, 0);
                g_assert_false(lease->managed);
                g_assert_cmpstr(lease->guest_device, ==, "vfadm-0000-01-10.0");
                g_assert_cmpstr(lease->saved_driver, ==, "igbvf");
                g_assert_null(lease->saved_override);
        }
        world_clear(&w);
}

/* Of a uuid that the next start does not have, no MAC may be made: the guest would see another card then. */
static void test_mac(void) {
        World w = world_xen(2);
        uint8_t by_uuid[6], by_name[6];

        plan_derive_mac(w.guest->uuid, w.host->machine_id, "web1", 0, by_uuid);
        plan_derive_mac(NULL, w.host->machine_id, "web1", 0, by_name);
        g_assert_cmpint(memcmp(by_uuid, by_name, 6), !=, 0);
        g_autoptr(Plan) fixed = good_plan(&w, attach("enp1s0/0", "", 0));
        g_assert_cmpmem(step_of(fixed, STEP_VF_STATE, 0)->to.vf.mac, 6, by_uuid, 6);
        w.guest->uuid_of_run = true;
        g_autoptr(Plan) made_up = good_plan(&w, attach("enp1s0/0", "", 0));
        g_assert_cmpmem(step_of(made_up, STEP_VF_STATE, 0)->to.vf.mac, 6, by_name, 6);
        world_clear(&w);
}

static void test_config(void) {
        World w = world_xen(2);
        const char *steps = "0000:01:10.0: free → leased to xen:web1\n"
                            "load the module xen-pciback\n"
                            "0000:01:10.0: driver igbvf → no driver\n"
                            "0000:01:10.0: mac=" MAC " (was mac=00:00:00:00:00:00)\n"
                            "0000:01:10.0: driver no driver → pciback\n"
                            "0000:01:10.0: assignable to Xen's guests, its DMA kept from dom0\n"
                            "0000:01:10.0: into the definition of xen:web1\n";
        g_autofree char *both = g_strconcat(steps, "0000:01:10.0: plug into xen:web1\n", NULL);

        assert_steps(&w, attach("enp1s0/0", "mac=" MAC, BOTH), both);
        assert_steps(&w, attach("enp1s0/0", "mac=" MAC, SCOPE_CONFIG), steps);
        assert_note(&w, attach("enp1s0/0", "", SCOPE_CONFIG), "it takes effect when xen:web1 is started the next time", true);
        assert_note(&w, attach("enp1s0/0", "", SCOPE_CONFIG), "Xen binds no driver when a guest starts, so 0000:01:10.0 is kept for xen:web1 on pciback from now on", true);
        assert_note(&w, attach("enp1s0/0", "", BOTH), "on pciback from now on", false);
        g_autoptr(Plan) plan = good_plan(&w, attach("enp1s0/0", "permissive=off msitranslate=on", SCOPE_CONFIG));
        const Step *defined = step_of(plan, STEP_DEFINED, 0);
        g_assert_cmpstr(defined->to.text, ==, "0000:01:10.0,permissive=0,msitranslate=1");
        g_assert_null(defined->network);
        g_assert_null(defined->from.text);

        world_clear(&w);
}

static void test_off(void) {
        World w = world_xen(2);

        world_shut_off(&w);
        g_autoptr(Plan) plan = good_plan(&w, attach("enp1s0/0", "", 0));
        g_assert_nonnull(step_of(plan, STEP_DEFINED, 0));
        g_assert_null(step_of(plan, STEP_GUEST, 0));
        assert_refused_so(&w, attach("enp1s0/0", "", SCOPE_LIVE), VFADM_ERROR_REFUSED,
                          "xen:web1 is not running; start it first ('xl create /etc/xen/web1.cfg'), or say --config to change its definition only");
        w.guest->has_definition = false;
        assert_refused_so(&w, attach("enp1s0/0", "", SCOPE_CONFIG), VFADM_ERROR_REFUSED,
                          "xen:web1 has no definition that outlives it: no file in /etc/xen says name = \"web1\", or more than one does; leave --config out");
        world_clear(&w);
}

/* Hidden at boot, or made assignable by xl: no driver is touched, and it stays where it was. */
static void test_on_pciback(void) {
        World w = world_xen(2);

        bind_vf(&w, 0, "pciback", false);
        assert_steps(&w, attach("enp1s0/0", "mac=" MAC, 0), "0000:01:10.0: free → leased to xen:web1\n"
                                                            "0000:01:10.0: mac=" MAC " (was mac=00:00:00:00:00:00)\n"
                                                            "0000:01:10.0: plug into xen:web1\n");
        g_autoptr(Plan) plan = good_plan(&w, attach("enp1s0/0", "", 0));
        const Lease *lease = step_of(plan, STEP_LEASE, 0)->to.lease;
        g_assert_cmpstr(lease->saved_driver, ==, "pciback");
        g_assert_null(lease->saved_override);
        world_clear(&w);
}

/* By the usual steps; and then xl is told of no driver that it could not bind. */
static void test_from_vfio(void) {
        World w = world_xen(2);

        bind_vf(&w, 0, "vfio-pci", true);
        g_autoptr(Plan) plan = good_plan(&w, attach("enp1s0/0", "mac=" MAC, 0));
        g_assert_cmpstr(step_of(plan, STEP_DRIVER, 0)->from.driver, ==, "vfio-pci");
        g_assert_null(step_of(plan, STEP_DRIVER, 0)->to.driver);
        g_assert_cmpstr(step_of(plan, STEP_DRIVER, 1)->to.driver, ==, "pciback");
        g_assert_cmpstr(step_of(plan, STEP_DRIVER, 1)->from.driver_override, ==, "vfio-pci");
        g_assert_null(step_of(plan, STEP_DRIVER, 1)->to.driver_override);
        g_assert_null(step_of(plan, STEP_ASSIGNABLE, 0)->to.text);
        world_clear(&w);
}

static void test_words(void) {
        World w = world_xen(2);
        static const char unsafe[] = "permissive=on is unsafe: xen:web1 may then write all of the config space of 0000:01:10.0";

        assert_note(&w, attach("enp1s0/0", "", 0), "permissive", false);
        assert_note(&w, attach("enp1s0/0", "permissive=off", 0), "permissive", false);
        assert_note(&w, attach("enp1s0/0", "permissive=on", 0), unsafe, true);
        g_autoptr(Plan) plan = good_plan(&w, attach("enp1s0/0", "permissive=on", 0));
        g_assert_cmpstr(step_of(plan, STEP_GUEST, 0)->xml, ==, "0000:01:10.0,permissive=1");
        /* The file makes every device permissive: ours is so only where it was asked for. */
        w.guest->all_permissive = true;
        g_autoptr(Plan) tamed = good_plan(&w, attach("enp1s0/0", "", SCOPE_CONFIG));
        g_assert_cmpstr(step_of(tamed, STEP_DEFINED, 0)->to.text, ==, "0000:01:10.0,permissive=0");
        w.guest->all_permissive = false;

        assert_refused_so(&w, attach("enp1s0/0", "slot=8", 0), VFADM_ERROR_UNSUPPORTED, "slot= is for HVM guests, and xen:web1 is a PV guest; leave it out");
        assert_refused_so(&w, attach("enp1s0/0", "power-mgmt=on", 0), VFADM_ERROR_UNSUPPORTED, "power-mgmt= is for HVM guests, and xen:web1 is a PV guest; leave it out");
        assert_refused_so(&w, attach("enp1s0/0", "rdm=relaxed", 0), VFADM_ERROR_UNSUPPORTED, "rdm= is for HVM guests, and xen:web1 is a PV guest; leave it out");
        assert_refused_so(&w, attach("enp1s0/0", "managed=no", 0), VFADM_ERROR_REFUSED, "managed= is for libvirt's guests, and xen:web1 is none");
        assert_refused_so(&w, attach("enp1s0/0", "profile=web", 0), VFADM_ERROR_REFUSED, "profile= is for libvirt's guests, and xen:web1 is none");
        assert_refused_so(&w, attach("enp1s0/0", "teaming=ua-b", 0), VFADM_ERROR_REFUSED, "teaming= is for libvirt's guests, and xen:web1 is none");
        Want *group = attach("enp1s0/0", "", 0);
        group->with_group = true;
        assert_refused(&w, group, VFADM_ERROR_USAGE, "--with-group is about IOMMU groups, which are not to be seen on Xen's dom0");

        g_free(w.guest->machine);
        w.guest->machine = g_strdup("xenfv");
        g_autoptr(Plan) hvm = good_plan(&w, attach("enp1s0/0", "slot=8 power-mgmt=on rdm=relaxed", 0));
        g_assert_cmpstr(step_of(hvm, STEP_GUEST, 0)->xml, ==, "0000:01:10.0@8,power_mgmt=1,rdm_policy=relaxed");
        g_free(w.guest->machine);
        w.guest->machine = g_strdup("xenpvh");
        assert_refused(&w, attach("enp1s0/0", "", 0), VFADM_ERROR_UNSUPPORTED, "xen:web1 is a PVH guest, and Xen gives no PCI device to those");
        assert_refused(&w, attach("enp1s0/0", "", SCOPE_CONFIG), VFADM_ERROR_UNSUPPORTED, "xen:web1 is a PVH guest");
        world_clear(&w);
}

static void test_words_of_others(void) {
        World w = world_libvirt(2);

        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "permissive=on", 0), VFADM_ERROR_REFUSED, "permissive= is for Xen's guests, and libvirt:web1 is none");
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "slot=4", 0), VFADM_ERROR_REFUSED, "slot= is for Xen's guests, and libvirt:web1 is none");
        world_clear(&w);
}

static void test_created_without(void) {
        World w = world_xen(2);

        w.guest->no_passthrough = true;
        assert_refused(&w, attach("enp1s0/0", "", 0), VFADM_ERROR_REFUSED, "xen:web1 was created without a PCI device and without passthrough=\"enabled\", so Xen gives it none while it runs; --config");
        g_autoptr(Plan) plan = good_plan(&w, attach("enp1s0/0", "", SCOPE_CONFIG));
        g_assert_nonnull(step_of(plan, STEP_DEFINED, 0));
        world_clear(&w);
}

/* ---- who has it ---- */

static void test_refused(void) {
        World w = world_xen(3);

        db_has_vf(&w, 0);
        Want *force = attach("enp1s0/0", "", 0);
        force->disrupt = true;
        assert_refused_so(&w, force, VFADM_ERROR_IN_USE,
                          "enp1s0/0 is in use by xen:db (domain 5); 'vfadm import --adopt' takes it into vfadm's care, and then 'vfadm detach' takes it out");
        Want *set = want_xen(WANT_SET, "enp1s0/0", "vlan=7", 0);
        assert_refused_so(&w, set, VFADM_ERROR_IN_USE, "enp1s0/0 is in use (xen:db (domain 5)) and would notice the change; say --disrupt if that is meant");
        assert_refused(&w, want_xen(WANT_UNBIND, "enp1s0/0", NULL, 0), VFADM_ERROR_IN_USE, "enp1s0/0 is in use by xen:db (domain 5)");
        Want *off = want_xen(WANT_DISABLE, "enp1s0", NULL, 0);
        off->disrupt = true;
        assert_refused(&w, off, VFADM_ERROR_IN_USE, "enp1s0/0 is in use by xen:db (domain 5)");
        /* Chosen, it is skipped. */
        g_autoptr(Plan) plan = good_plan(&w, attach(NULL, "", 0));
        g_assert_cmpstr(plan->result, ==, "0000:01:10.2");
        /* A guest that is only defined with one has it, too. */
        GuestInfo *db = w.books->guests->pdata[0];
        GuestDevice *device = guest_info_add_defined(db, "vfadm-x");
        device->host = host_vf(w.host, 1)->addr;
        device->has_host = true;
        assert_refused_so(&w, attach("enp1s0/1", "", 0), VFADM_ERROR_IN_USE,
                          "enp1s0/1 is not free: xen:db is defined with it (from its next start on); 'vfadm import' shows what Xen has given out, and 'vfadm import --adopt' takes it into vfadm's care");
        g_autoptr(Plan) third = good_plan(&w, attach(NULL, "", 0));
        g_assert_cmpstr(third->result, ==, "0000:01:10.4");
        world_clear(&w);
}

static void test_no_iommu(void) {
        World w = world_xen(2);

        w.books->xen->directio = false;
        assert_refused(&w, attach("enp1s0/0", "", 0), VFADM_ERROR_UNSUPPORTED, "Xen uses no IOMMU on this host, so 0000:01:10.0 cannot be given to a guest");
        assert_refused(&w, bind("enp1s0/0", "pciback"), VFADM_ERROR_UNSUPPORTED, "Xen uses no IOMMU on this host");
        world_clear(&w);
}

/* Without the module nobody knows who has what is bound to pciback; the rest goes on. */
static void test_no_books(void) {
        World w = world_xen(3);
        static const char words[] = "enp1s0/0 is bound to pciback, and whether a Xen guest has it cannot be known without the module: install the package vfadm-xen";

        g_clear_pointer(&w.books, books_free);
        bind_vf(&w, 0, "pciback", false);
        assert_refused_so(&w, attach("enp1s0/0", "", 0), VFADM_ERROR_REFUSED, words);
        assert_refused_so(&w, want_xen(WANT_SET, "enp1s0/0", "vlan=7", 0), VFADM_ERROR_REFUSED, words);
        Want *rate = want_xen(WANT_SET, "enp1s0/0", "max-rate=7", 0);
        rate->disrupt = true;
        assert_refused_so(&w, rate, VFADM_ERROR_REFUSED, words);
        assert_refused_so(&w, want_xen(WANT_UNBIND, "enp1s0/0", NULL, 0), VFADM_ERROR_REFUSED, words);
        assert_refused_so(&w, want_xen(WANT_DISABLE, "enp1s0", NULL, 0), VFADM_ERROR_REFUSED, words);
        lease_out_xen(&w, 2, false, false);
        assert_refused(&w, want_xen(WANT_DETACH, "enp1s0/2", NULL, 0), VFADM_ERROR_REFUSED, "enp1s0/2 is bound to pciback, and whether");
        assert_refused_so(&w, bind("enp1s0/1", "pciback"), VFADM_ERROR_UNSUPPORTED, "0000:01:10.2 cannot be given to a guest of Xen without vfadm's module for it: install the package vfadm-xen");
        g_autoptr(Plan) plan = good_plan(&w, want_xen(WANT_SET, "enp1s0/1", "vlan=7", 0));
        g_assert_nonnull(step_of(plan, STEP_VF_STATE, 0));
        /* An adoption says which package, too. */
        assert_refused_so(&w, want_xen(WANT_ADOPT, NULL, NULL, 0), VFADM_ERROR_UNSUPPORTED, "what Xen has given out cannot be asked without vfadm's module for it: install the package vfadm-xen");
        world_clear(&w);
}

/* VFIO has no IOMMU below Xen, and pciback no Xen elsewhere. */
static void test_wrong_host(void) {
        World w = world_xen(2), bare = world_new(2);

        assert_refused(&w, bind("enp1s0/0", "vfio"), VFADM_ERROR_UNSUPPORTED, "0000:01:10.0 cannot be given by VFIO: this host is Xen's dom0");
        assert_refused_so(&bare, bind("enp1s0/0", "pciback"), VFADM_ERROR_UNSUPPORTED, "0000:01:10.0 cannot be kept for guests of Xen: this host is not Xen's dom0");
        /* What is kept for Xen goes to no guest of QEMU's. */
        bind_vf(&w, 0, "pciback", false);
        GuestInfo *xen = w.guest;
        w.guest = bare.guest;
        assert_refused(&w, want(WANT_ATTACH, "enp1s0/0", ""), VFADM_ERROR_IN_USE, "0000:01:10.0 is kept for Xen's guests (driver pciback)");
        bind_vf(&w, 1, "pciback", false);
        assert_refused(&w, want(WANT_ATTACH, "enp1s0", ""), VFADM_ERROR_IN_USE, "all 2 VFs of enp1s0 are in use (VF 0: kept for Xen's guests)");
        bind_vf(&w, 1, "igbvf", false);
        assert_refused(&w, want(WANT_ATTACH, NULL, ""), VFADM_ERROR_UNSUPPORTED, "0000:01:10.2 cannot be given by VFIO: this host is Xen's dom0");
        w.guest = xen;
        world_clear(&w);
        world_clear(&bare);
}

static void test_pool(void) {
        World w = world_xen(3);
        Pool *pool = world_add_pool(&w, "fast");

        pool->libvirt = true;
        pool->vf = (VfState) {.known = VF_VLAN, .vlan = 9, .proto = VLAN_PROTO_8021Q};
        bind_vf(&w, 0, "pciback", false);
        db_has_vf(&w, 1);
        g_autoptr(Plan) plan = good_plan(&w, attach("fast", "mac=" MAC, BOTH));
        /* No network of libvirt's, and what is on pciback already before what dom0 has. */
        g_assert_cmpstr(plan->result, ==, "0000:01:10.0");
        g_assert_null(step_of(plan, STEP_DEFINED, 0)->network);
        g_assert_cmpstr(step_of(plan, STEP_LEASE, 0)->to.lease->pool, ==, "fast");
        g_assert_cmpint(step_of(plan, STEP_VF_STATE, 0)->to.vf.vlan, ==, 9);
        g_assert_cmpstr(plan->notes->pdata[0], ==, "pool fast: 1 of 3 VFs left");
        /* Where the card takes its VFs' state all the same, it is no reason to refuse. */
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->up = false;
        assert_refused(&w, attach("enp1s0/0", "", 0), VFADM_ERROR_REFUSED, "enp1s0 is down, and igb lets its VFs work only while it is up");
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("mlx5_core");
        assert_note(&w, attach("enp1s0/0", "", 0), "enp1s0 is down, and its VFs have no link then; run 'ip link set enp1s0 up'", true);
        world_clear(&w);
}

/* ---- what belongs together ---- */

/* Two conventional functions behind the bridge 0000:02:00.0. */
static void add_conventional(World *w) {
        const PciAddr addrs[] = {{0, 2, 0, 0}, {0, 3, 1, 0}, {0, 3, 2, 0}};

        for (unsigned i = 0; i < G_N_ELEMENTS(addrs); i++) {
                Dev *dev = dev_new(addrs[i]);
                dev->class_code = i ? 0x020000 : 0x060400;
                dev->path = g_strdup_printf("pci0000:00/%s", dev->name);
                dev->driver = g_strdup(i ? "e1000" : NULL);
                dev->has_caps = true;
                dev->caps = (PciCaps) {.length = 4096, .header_type = i == 0, .pcie_type = i ? PCIE_NONE : PCIE_TO_PCI_BRIDGE};
                dev->has_parent = i > 0;
                dev->parent = addrs[0];
                snapshot_add(w->host, dev);
        }
        snapshot_seal(w->host);
}

static void test_companions(void) {
        World w = world_xen(1);

        add_conventional(&w);
        Dev *second = (Dev *) snapshot_get(w.host, (PciAddr) {0, 3, 2, 0});
        assert_refused_so(&w, attach("03:01.0", "", 0), VFADM_ERROR_REFUSED,
                          "0000:03:01.0 cannot be told from 0000:03:02.0 (e1000) by an IOMMU (they are behind one conventional bus), and this host's drivers would lose their memory with it; 'vfadm bind 0000:03:01.0 pciback --with-group' takes them all from their drivers, or put the card in another slot");
        assert_refused(&w, bind("03:01.0", "pciback"), VFADM_ERROR_REFUSED, "0000:03:01.0 cannot be told from 0000:03:02.0 (e1000) by an IOMMU");
        /* None is kept from dom0's memory before all have left its drivers. */
        Want *group = bind("03:01.0", "pciback");
        group->with_group = true;
        assert_steps(&w, group, "load the module xen-pciback\n"
                                "0000:03:02.0: driver e1000 → no driver\n"
                                "0000:03:01.0: driver e1000 → no driver\n"
                                "0000:03:02.0: driver no driver → pciback\n"
                                "0000:03:02.0: assignable to Xen's guests, its DMA kept from dom0\n"
                                "0000:03:01.0: driver no driver → pciback\n"
                                "0000:03:01.0: assignable to Xen's guests, its DMA kept from dom0\n");
        g_free(second->driver);
        second->driver = g_strdup("pciback");
        g_autoptr(Plan) plan = good_plan(&w, attach("03:01.0", "", 0));
        g_assert_nonnull(step_of(plan, STEP_GUEST, 0));
        /* Another guest has it, or is to have it. */
        GuestInfo *db = w.books->guests->pdata[0];
        GuestDevice *device = guest_info_add_defined(db, "vfadm-x");
        device->host = second->addr;
        device->has_host = true;
        assert_refused(&w, attach("03:01.0", "", 0), VFADM_ERROR_IN_USE, "and that is not free: xen:db is defined with it (shut off); they go to one guest, or none does");
        world_clear(&w);
}

/* A port without ACS: told, and not refused. */
static void test_not_isolated(void) {
        World w = world_xen(6);
        Dev *port = dev_new((PciAddr) {0, 0, 2, 0});

        port->class_code = 0x060400;
        port->has_caps = true;
        port->caps = (PciCaps) {.length = 4096, .header_type = 1, .pcie_type = PCIE_ROOT_PORT};
        for (unsigned i = 0; i < w.host->devs->len; i++) {
                Dev *dev = w.host->devs->pdata[i];
                dev->has_parent = dev->addr.bus == 1;
                dev->parent = port->addr;
        }
        snapshot_add(w.host, port);
        snapshot_seal(w.host);
        assert_note(&w, attach("enp1s0/0", "", 0),
                    "0000:01:10.0 can reach 0000:01:00.0, 0000:01:10.2, 0000:01:10.4, 0000:01:10.6 and 2 more past the IOMMU, since 0000:00:02.0 does not isolate (no ACS)", true);
        host_vf(w.host, 0)->caps.length = 64;
        assert_note(&w, attach("enp1s0/0", "", 0), "is not known: the config space of what is above it could not be read", true);
        world_clear(&w);
}

/* ---- bind and unbind ---- */

static void test_bind(void) {
        World w = world_xen(2);
        const char *steps = "load the module xen-pciback\n"
                            "0000:01:10.0: driver igbvf → pciback\n"
                            "0000:01:10.0: assignable to Xen's guests, its DMA kept from dom0\n";

        assert_steps(&w, bind("enp1s0/0", "pciback"), steps);
        assert_steps(&w, bind("enp1s0/0", "xen-pciback"), steps);
        g_autoptr(Plan) plan = good_plan(&w, bind("enp1s0/0", "pciback"));
        g_assert_cmpstr(step_of(plan, STEP_ASSIGNABLE, 0)->to.text, ==, "igbvf");
        g_assert_null(step_of(plan, STEP_DRIVER, 0)->to.driver_override);
        bind_vf(&w, 0, "pciback", false);
        assert_steps(&w, bind("enp1s0/0", "pciback"), "");
        assert_steps(&w, bind("enp1s0/0", "igbvf"), "load the module igbvf\n"
                                                    "0000:01:10.0: its DMA back to dom0, no longer assignable\n"
                                                    "0000:01:10.0: driver pciback → igbvf\n");
        world_clear(&w);
}

static void test_unbind(void) {
        World w = world_xen(2);

        bind_vf(&w, 0, "pciback", false);
        host_pf(w.host)->autoprobe = false;
        g_autofree char *expected = g_strdup_printf("%s: load the host's driver for it, if there is one\n"
                                                    "0000:01:00.0: drivers for new VFs off → on\n"
                                                    "0000:01:10.0: its DMA back to dom0, no longer assignable\n"
                                                    "0000:01:10.0: driver pciback → (the host's own)\n"
                                                    "0000:01:00.0: drivers for new VFs on → off\n", "0000:01:10.0");
        assert_steps(&w, want_xen(WANT_UNBIND, "enp1s0/0", NULL, 0), expected);
        /* A lease's device is not unbound behind its back. */
        lease_out_xen(&w, 1, true, false);
        assert_refused(&w, want_xen(WANT_UNBIND, "enp1s0/1", NULL, 0), VFADM_ERROR_IN_USE, "enp1s0/1 is leased to xen:web1 (lease 41)");
        world_clear(&w);
}

/* VFs go away only when Xen's tools have forgotten them. */
static void test_disable(void) {
        World w = world_xen(1);

        bind_vf(&w, 0, "pciback", false);
        assert_steps(&w, want_xen(WANT_DISABLE, "enp1s0", NULL, 0), "0000:01:00.0: drivers for new VFs on → off\n"
                                                                    "0000:01:10.0: its DMA back to dom0, no longer assignable\n"
                                                                    "0000:01:10.0: driver pciback → no driver\n"
                                                                    "0000:01:00.0: VFs 1 → 0\n"
                                                                    "0000:01:00.0: drivers for new VFs off → on\n");
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-xen/live", test_live);
        g_test_add_func("/plan-xen/lease", test_lease);
        g_test_add_func("/plan-xen/mac", test_mac);
        g_test_add_func("/plan-xen/config", test_config);
        g_test_add_func("/plan-xen/off", test_off);
        g_test_add_func("/plan-xen/on-pciback", test_on_pciback);
        g_test_add_func("/plan-xen/from-vfio", test_from_vfio);
        g_test_add_func("/plan-xen/words", test_words);
        g_test_add_func("/plan-xen/words-of-others", test_words_of_others);
        g_test_add_func("/plan-xen/created-without", test_created_without);
        g_test_add_func("/plan-xen/refused", test_refused);
        g_test_add_func("/plan-xen/no-iommu", test_no_iommu);
        g_test_add_func("/plan-xen/no-books", test_no_books);
        g_test_add_func("/plan-xen/wrong-host", test_wrong_host);
        g_test_add_func("/plan-xen/pool", test_pool);
        g_test_add_func("/plan-xen/companions", test_companions);
        g_test_add_func("/plan-xen/not-isolated", test_not_isolated);
        g_test_add_func("/plan-xen/bind", test_bind);
        g_test_add_func("/plan-xen/unbind", test_unbind);
        g_test_add_func("/plan-xen/disable", test_disable);
        return g_test_run();
}
