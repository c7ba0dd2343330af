/* Plans that give devices to libvirt's guests: running, by their definition, or both; bound by libvirt or by vfadm. */
#include "base/error.h"
#include "base/text.h"
#include "hosts.h"
#include "plan_world.h"

#include <string.h>

#define MAC "mac=02:00:00:00:00:05"
#define REF "libvirt:web1"
/* The way back for a VF without a driver: what it is now. */
#define BARE(vf) vf ": mac=00:00:00:00:00:00 (was mac=00:00:00:00:00:00)\n" vf ": driver no driver → no driver\n"

static void set_driver(World *w, unsigned vf, const char *driver) {
        g_free(host_vf(w->host, vf)->driver);
        host_vf(w->host, vf)->driver = g_strdup(driver);
}

/* The order of everything there can be. */
static void test_live_managed(void) {
        World w = world_libvirt(3);
        set_driver(&w, 1, "igbvf");
        world_add_network(&w, "passthrough", "0 1");
        world_add_network(&w, "others", "0 2");
        world_add_network(&w, "stopped", "1")->active = false;
        const char *steps = "0000:01:10.2: free → leased to libvirt:web1\n"
                            "0000:01:10.2: kept out of libvirt's network passthrough\n"
                            "0000:01:10.2: driver igbvf → igbvf\n"
                            "0000:01:10.2: mac=00:00:00:00:00:00 (was mac=00:00:00:00:00:00)\n"
                            "0000:01:10.2: trust=on spoofchk=off (was trust=off spoofchk=on)\n"
                            "0000:01:10.2: plug into libvirt:web1\n";
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", MAC " vlan=42 trust=on spoofchk=off", 0), steps);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", MAC " vlan=42 trust=on spoofchk=off managed=yes", SCOPE_LIVE), steps);

        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", MAC " vlan=42 trust=on", 0));
        const Lease *lease = step_of(plan, STEP_LEASE, 0)->to.lease;
        g_assert_true(lease->managed);
        g_assert_false(lease->config);
        g_assert_cmpint(lease->pid, ==, 812);
        g_assert_cmpstr(lease->guest_uuid, ==, "aaaaaaaa-0000-4000-8000-000000000001");
        g_assert_cmpstr(lease->guest_device, ==, "vfadm-0000-01-10.2");
        g_assert_cmpstr(lease->saved_driver, ==, "igbvf");
        g_assert_null(lease->pool);
        g_assert_cmpstr(step_of(plan, STEP_HOLD, 0)->network, ==, "libvirt:passthrough");
        const Step *guest = step_of(plan, STEP_GUEST, 0);
        g_assert_cmpstr(guest->guest_bus, ==, "pci.2");
        g_assert_cmpuint(guest->mask, ==, 0);
        g_assert_cmpstr(guest->xml, ==,
                        "<interface type='hostdev' managed='yes'>\n"
                        "  <mac address='02:00:00:00:00:05'/>\n"
                        "  <vlan>\n"
                        "    <tag id='42'/>\n"
                        "  </vlan>\n"
                        "  <driver name='vfio'/>\n"
                        "  <source>\n"
                        "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x2'/>\n"
                        "  </source>\n"
                        "  <alias name='ua-vfadm-0000-01-10_2'/>\n"
                        "  <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>\n"
                        "</interface>\n");
        /* A step that comes after the plugging must not be refused because the guest has the device by then. */
        g_assert_cmpint(g_array_index(plan->known, KnownUse, 0).pid, ==, 812);
        world_clear(&w);
}

/* libvirt writes VLAN 0 where the element has none, and 802.1Q without priority where it has one. */
static void test_vlan_libvirt_cannot(void) {
        World w = world_libvirt(3);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC " vlan=42.3", 0),
                     "0000:01:10.0: free → leased to libvirt:web1\n" BARE("0000:01:10.0")
                     "0000:01:10.0: plug into libvirt:web1\n"
                     "0000:01:10.0: vlan=42.3 (was vlan=42)\n"); /* undoing must not put the guest into no VLAN */
        vf_state_copy(host_vf_state(w.host, 0), &(VfState) {.vlan = 7, .qos = 5, .proto = VLAN_PROTO_8021Q}, VF_VLAN);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, 0),
                     "0000:01:10.0: free → leased to libvirt:web1\n"
                     "0000:01:10.0: mac=00:00:00:00:00:00 vlan=7.5 (was mac=00:00:00:00:00:00 vlan=7.5)\n"
                     "0000:01:10.0: driver no driver → no driver\n"
                     "0000:01:10.0: plug into libvirt:web1\n"
                     "0000:01:10.0: vlan=7.5 (was vlan=7)\n");
        vf_state_copy(host_vf_state(w.host, 0), &(VfState) {.vlan = 7, .proto = VLAN_PROTO_8021Q}, VF_VLAN);
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, 0));
        g_assert_cmpuint(plan->steps->len, ==, 4); /* libvirt sets that one itself */
        g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, 0)->xml, "<tag id='7'/>"));
        g_assert_cmpuint(step_of(plan, STEP_LEASE, 0)->to.lease->given.vlan, ==, 7);

        g_autoptr(Plan) cleared = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC " vlan=0", 0));
        g_assert_null(strstr(step_of(cleared, STEP_GUEST, 0)->xml, "vlan"));
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("ice");
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", MAC " vlan=9/802.1ad", 0),
                     "0000:01:10.2: free → leased to libvirt:web1\n" BARE("0000:01:10.2")
                     "0000:01:10.2: plug into libvirt:web1\n"
                     "0000:01:10.2: vlan=9/802.1ad (was vlan=9)\n");
        world_clear(&w);
}

static void test_live_unmanaged(void) {
        World w = world_libvirt(2);
        set_driver(&w, 0, "igbvf");
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC " vlan=42.3 managed=no", 0),
                     "0000:01:10.0: free → leased to libvirt:web1\n"
                     "load the module vfio-pci\n"
                     "0000:01:10.0: driver igbvf → no driver\n"
                     "0000:01:10.0: mac=02:00:00:00:00:05 vlan=42.3 (was mac=00:00:00:00:00:00 vlan=0)\n"
                     "0000:01:10.0: driver no driver → vfio-pci\n"
                     "0000:01:10.0: plug into libvirt:web1\n"
                     "0000:01:10.0: vlan=42.3 (was vlan=42)\n");
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC " managed=no", 0));
        g_assert_false(step_of(plan, STEP_LEASE, 0)->to.lease->managed);
        g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, 0)->xml, "<interface type='hostdev' managed='no'>"));
        world_clear(&w);
}

static void test_definition(void) {
        World w = world_libvirt(2);
        set_driver(&w, 0, "igbvf");
        world_add_network(&w, "passthrough", "0 1");
        const char *steps = "0000:01:10.0: free → leased to libvirt:web1\n"
                            "0000:01:10.0: kept out of libvirt's network passthrough\n"
                            "0000:01:10.0: trust=on (was trust=off)\n"
                            "0000:01:10.0: into the definition of libvirt:web1\n";
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC " trust=on", SCOPE_CONFIG), steps);
        g_autoptr(Plan) running = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, SCOPE_CONFIG));
        g_assert_cmpuint(running->notes->len, ==, 1);
        g_assert_cmpstr(running->notes->pdata[0], ==, "it takes effect when libvirt:web1 is started the next time: shut it down and start it (a reboot inside is not enough)");
        g_assert_cmpstr(running->summary, ==, "enp1s0/0 (0000:01:10.0) to libvirt:web1, in its definition: mac=02:00:00:00:00:05");

        world_shut_off(&w);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC " trust=on", 0), steps);
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC " vlan=5.1", 0));
        const Lease *lease = step_of(plan, STEP_LEASE, 0)->to.lease;
        g_assert_true(lease->config);
        g_assert_cmpint(lease->pid, ==, 0);
        g_assert_cmpuint(lease->pid_start, ==, 0);
        g_assert_cmpstr(lease->guest_device, ==, "vfadm-0000-01-10.0");
        const Step *defined = step_of(plan, STEP_DEFINED, 0);
        g_assert_cmpstr(defined->guest, ==, REF);
        g_assert_null(defined->from.text);
        g_assert_cmpstr(defined->to.text, ==,
                        "<interface type='hostdev' managed='yes'>\n"
                        "  <mac address='02:00:00:00:00:05'/>\n"
                        "  <vlan>\n"
                        "    <tag id='5'/>\n"
                        "  </vlan>\n"
                        "  <driver name='vfio'/>\n"
                        "  <source>\n"
                        "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
                        "  </source>\n"
                        "  <alias name='ua-vfadm-0000-01-10_0'/>\n"
                        "</interface>\n");
        g_assert_cmpuint(plan->notes->len, ==, 1);
        g_assert_cmpstr(plan->notes->pdata[0], ==, "libvirt sets the VLAN as 802.1Q without priority when the guest starts; 'vfadm recover' then sets the rest");
        /* Whom libvirt leaves the driver to must find it bound at its start. */
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", MAC " managed=no", SCOPE_CONFIG),
                     "0000:01:10.2: free → leased to libvirt:web1\n"
                     "0000:01:10.2: kept out of libvirt's network passthrough\n"
                     "load the module vfio-pci\n"
                     "0000:01:10.2: mac=02:00:00:00:00:05 (was mac=00:00:00:00:00:00)\n"
                     "0000:01:10.2: driver no driver → vfio-pci\n"
                     "0000:01:10.2: into the definition of libvirt:web1\n");
        world_clear(&w);
}

static void test_both(void) {
        World w = world_libvirt(1);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, SCOPE_LIVE | SCOPE_CONFIG),
                     "0000:01:10.0: free → leased to libvirt:web1\n" BARE("0000:01:10.0")
                     "0000:01:10.0: into the definition of libvirt:web1\n"
                     "0000:01:10.0: plug into libvirt:web1\n");
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, SCOPE_LIVE | SCOPE_CONFIG));
        const Lease *lease = step_of(plan, STEP_LEASE, 0)->to.lease;
        g_assert_true(lease->config);
        g_assert_cmpint(lease->pid, ==, 812);
        g_assert_cmpuint(plan->notes->len, ==, 0);
        /* The slot is the running guest's; in the definition libvirt makes one. */
        g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, 0)->xml, "bus='0x02'"));
        g_assert_null(strstr(step_of(plan, STEP_DEFINED, 0)->to.text, "bus='0x02'"));
        g_assert_cmpstr(plan->summary, ==, "enp1s0/0 (0000:01:10.0) to libvirt:web1 and its definition: mac=02:00:00:00:00:05");
        world_clear(&w);
}

static void test_scope(void) {
        World w = world_libvirt(1);
        w.guest->has_definition = false;
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, SCOPE_CONFIG), VFADM_ERROR_REFUSED,
                          "libvirt:web1 is transient: it has no definition that outlives it; leave --config out");
        w.guest->has_definition = true;
        world_shut_off(&w);
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, SCOPE_LIVE | SCOPE_CONFIG), VFADM_ERROR_REFUSED,
                          "libvirt:web1 is not running; start it first ('virsh start web1'), or say --config to change its definition only");
        world_clear(&w);

        w = world_new(1);
        Want *config = want(WANT_ATTACH, "enp1s0/0", MAC);
        config->scope = SCOPE_CONFIG | SCOPE_LIVE;
        assert_refused_so(&w, config, VFADM_ERROR_REFUSED, "qemu:web1 has no definition that outlives it, only libvirt's and Xen's guests have; leave --config out");
        assert_refused_so(&w, want(WANT_ATTACH, "enp1s0/0", "teaming=ua-b"), VFADM_ERROR_REFUSED, "teaming= is for libvirt's guests, and qemu:web1 is none");
        world_clear(&w);
}

static void test_slots(void) {
        World w = world_libvirt(1);
        ((GuestSlot *) w.guest->slots->pdata[1])->free = false;
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, 0), VFADM_ERROR_REFUSED,
                          "guest web1 has no free hot-pluggable slot: all 2 are taken; --config (without --live) puts the device into its definition, with a root port of its own; "
                          "then shut the guest down and start it (a reboot inside is not enough)");
        g_ptr_array_set_size(w.guest->slots, 0);
        w.guest->has_definition = false;
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, 0), VFADM_ERROR_REFUSED,
                          "guest web1 has no hot-pluggable slot; start it with one more <controller type='pci' model='pcie-root-port'/>");
        w.guest->has_definition = true;
        assert_refused(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, SCOPE_LIVE | SCOPE_CONFIG), VFADM_ERROR_REFUSED, "guest web1 has no hot-pluggable slot; --config");
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, SCOPE_CONFIG));
        g_assert_nonnull(step_of(plan, STEP_DEFINED, 0));
        /* libvirt raises the limit of locked memory by itself. */
        guest_info_add_slot(w.guest, "pci.0", true, true);
        w.guest->memlock_limit = 1;
        g_autoptr(Plan) i440fx = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, 0));
        g_assert_cmpstr(step_of(i440fx, STEP_GUEST, 0)->guest_bus, ==, "pci.0");
        world_clear(&w);
}

/* libvirt refuses an <interface> of a PF that is down, whatever its driver says of it. */
static void test_pf_down(void) {
        World w = world_libvirt(1);
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("mlx5_core");
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->up = false;
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, 0), VFADM_ERROR_REFUSED,
                          "enp1s0 is down, and libvirt gives no VF of it to a guest then; run 'ip link set enp1s0 up' first");
        world_shut_off(&w);
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, 0));
        g_assert_cmpstr(plan->notes->pdata[0], ==, "enp1s0 is down, and libvirt starts no guest with a VF of it then: run 'ip link set enp1s0 up' before");
        world_clear(&w);
}

static void test_profile_and_teaming(void) {
        World w = world_libvirt(1);
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "profile=web", 0), VFADM_ERROR_UNSUPPORTED,
                          "0000:01:00.0: its driver igb knows no port profiles (802.1Qbh; Cisco's enic does)");
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "00:01.0", "teaming=ua-b", 0), VFADM_ERROR_REFUSED, "0000:00:01.0 carries this host (mounted on /): it is never taken");
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("enic");
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC " profile=web teaming=ua-back0", SCOPE_CONFIG));
        g_assert_cmpstr(step_of(plan, STEP_DEFINED, 0)->to.text, ==,
                        "<interface type='hostdev' managed='yes'>\n"
                        "  <mac address='02:00:00:00:00:05'/>\n"
                        "  <virtualport type='802.1Qbh'>\n"
                        "    <parameters profileid='web'/>\n"
                        "  </virtualport>\n"
                        "  <driver name='vfio'/>\n"
                        "  <source>\n"
                        "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
                        "  </source>\n"
                        "  <teaming type='transient' persistent='ua-back0'/>\n"
                        "  <alias name='ua-vfadm-0000-01-10_0'/>\n"
                        "</interface>\n");
        world_add_pool(&w, "tagged")->vf = (VfState) {.known = VF_VLAN, .vlan = 9, .proto = VLAN_PROTO_8021Q};
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "tagged", "profile=web", 0), VFADM_ERROR_USAGE,
                          "profile=web cannot go together with VLAN 9 of the pool: a port profile brings its VLAN from the switch");
        world_clear(&w);
}

/* A whole disk, or a PF without VFs: <hostdev>, and nothing of a NIC. */
static void test_hostdev(void) {
        World w = world_libvirt(0);
        Dev *disk = (Dev *) snapshot_get(w.host, (PciAddr) {0, 0, 1, 0});
        g_ptr_array_set_size(disk->uses, 0);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "00:01.0", "", SCOPE_LIVE | SCOPE_CONFIG),
                     "0000:00:01.0: free → leased to libvirt:web1\n"
                     "0000:00:01.0: driver virtio-pci → virtio-pci\n"
                     "0000:00:01.0: into the definition of libvirt:web1\n"
                     "0000:00:01.0: plug into libvirt:web1\n");
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "00:01.0", "", 0));
        g_assert_cmpstr(step_of(plan, STEP_GUEST, 0)->xml, ==,
                        "<hostdev mode='subsystem' type='pci' managed='yes'>\n"
                        "  <driver name='vfio'/>\n"
                        "  <source>\n"
                        "    <address domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>\n"
                        "  </source>\n"
                        "  <alias name='ua-vfadm-0000-00-01_0'/>\n"
                        "  <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>\n"
                        "</hostdev>\n");
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "00:01.0", "teaming=ua-b", 0), VFADM_ERROR_UNSUPPORTED, "0000:00:01.0 is no VF of a network card, so it takes no teaming=");
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "00:01.0", "vlan=5", 0), VFADM_ERROR_UNSUPPORTED, "0000:00:01.0 is no VF of a network card, so it has no vlan to set");
        world_clear(&w);
}

/* Nobody gets what a guest of libvirt has, or is defined with, or what a network gave out. */
static void test_books(void) {
        World w = world_libvirt(5);
        GuestInfo *db = w.books->guests->pdata[0];
        GuestDevice *defined = guest_info_add_defined(db, "x");
        defined->host = host_vf(w.host, 0)->addr;
        defined->has_host = true;
        HostdevNetwork *network = world_add_network(&w, "passthrough", "0 1 2 3");
        HostdevPort *given = g_new0(HostdevPort, 1), *held = g_new0(HostdevPort, 1);
        *given = (HostdevPort) {host_vf(w.host, 1)->addr, g_strdup("db"), g_strdup("u1")};
        *held = (HostdevPort) {host_vf(w.host, 2)->addr, g_strdup(HOSTDEV_HOLDER), g_strdup("u2")};
        g_ptr_array_add(network->ports, given);
        g_ptr_array_add(network->ports, held);

        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", MAC, 0), VFADM_ERROR_IN_USE,
                          "enp1s0/0 is not free: libvirt:db is defined with it (shut off); 'vfadm import' shows what libvirt has given out, and 'vfadm import --adopt' takes it into vfadm's care");
        assert_refused(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", MAC, 0), VFADM_ERROR_IN_USE, "enp1s0/1 is not free: network passthrough gave it to db;");
        g_autoptr(Plan) chosen = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0", MAC, 0));
        g_assert_cmpstr(chosen->result, ==, "0000:01:10.4"); /* the first that nobody has */
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0", MAC, 0),
                     "0000:01:10.4: free → leased to libvirt:web1\n"
                     "0000:01:10.4: still kept out of libvirt's network passthrough\n" BARE("0000:01:10.4")
                     "0000:01:10.4: plug into libvirt:web1\n");

        /* The guest itself, without a lease: vfadm did not give it. */
        guest_is_defined_with(&w, 3);
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/3", MAC, 0), VFADM_ERROR_IN_USE,
                          "libvirt:web1 is defined with enp1s0/3 already, and not by vfadm; 'vfadm import --adopt libvirt:web1' takes it into vfadm's care");
        GuestDevice *live = guest_info_add_device(w.guest, "hostdev0");
        live->host = host_vf(w.host, 4)->addr;
        live->has_host = true;
        assert_refused(&w, want_libvirt(WANT_ATTACH, "enp1s0/4", MAC, 0), VFADM_ERROR_IN_USE, "libvirt:web1 has enp1s0/4 already, and not by vfadm");
        g_ptr_array_set_size(w.guest->devices, 0);
        g_ptr_array_set_size(w.guest->defined, 0);

        /* A guest that 'vfadm run' starts is no exception, not even when it is called as the network's guest. */
        guest_info_free(w.guest);
        w.guest = guest_info_new("qemu", "db");
        assert_refused(&w, want(WANT_LEND, "enp1s0/0", MAC), VFADM_ERROR_IN_USE, "libvirt:db is defined with it");
        assert_refused(&w, want(WANT_LEND, "enp1s0/1", MAC), VFADM_ERROR_IN_USE, "gave it to db");
        assert_steps(&w, want(WANT_LEND, "enp1s0/3", MAC),
                     "0000:01:10.6: free → leased to qemu:db\n"
                     "0000:01:10.6: kept out of libvirt's network passthrough\n"
                     "load the module vfio-pci\n"
                     "0000:01:10.6: mac=02:00:00:00:00:05 (was mac=00:00:00:00:00:00)\n"
                     "0000:01:10.6: driver no driver → vfio-pci\n");
        world_clear(&w);
}

/* All taken: the reason names libvirt's guest, too. */
static void test_all_taken_by_books(void) {
        World w = world_libvirt(1);
        GuestDevice *defined = guest_info_add_defined(w.books->guests->pdata[0], "x");
        defined->host = host_vf(w.host, 0)->addr;
        defined->has_host = true;
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0", MAC, 0), VFADM_ERROR_IN_USE,
                          "all 1 VFs of enp1s0 are in use (VF 0: libvirt:db is defined with it (shut off)); 'vfadm list' shows by whom");
        world_clear(&w);
}

static void test_pool(void) {
        World w = world_libvirt(3);
        Pool *pool = world_add_pool(&w, "fast");
        pool->vf = (VfState) {.known = VF_VLAN | VF_TRUST | VF_MAX_RATE, .vlan = 9, .proto = VLAN_PROTO_8021Q, .trust = true, .max_rate = 100};
        const char *steps = "0000:01:10.0: free → leased to libvirt:web1\n" BARE("0000:01:10.0")
                            "0000:01:10.0: trust=on max-rate=50 (was trust=off max-rate=0)\n"
                            "0000:01:10.0: plug into libvirt:web1\n";
        assert_steps(&w, want_libvirt(WANT_ATTACH, "fast", MAC " max-rate=50", 0), steps);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "pool:fast", MAC " max-rate=50", 0), steps);
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "fast", MAC, 0));
        g_assert_cmpstr(step_of(plan, STEP_LEASE, 0)->to.lease->pool, ==, "fast");
        g_assert_cmpuint(step_of(plan, STEP_LEASE, 0)->to.lease->given.vlan, ==, 9);
        g_assert_cmpuint(step_of(plan, STEP_LEASE, 0)->to.lease->given.max_rate, ==, 100);
        g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, 0)->xml, "<tag id='9'/>"));
        /* The definition names the device itself while libvirt has no network of the pool. */
        g_autoptr(Plan) fixed = good_plan(&w, want_libvirt(WANT_ATTACH, "fast", MAC, SCOPE_CONFIG));
        g_assert_nonnull(strstr(step_of(fixed, STEP_DEFINED, 0)->to.text, "<interface type='hostdev'"));

        pool->vf = (VfState) {.known = VF_MIN_RATE, .min_rate = 80};
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "fast", "max-rate=50", 0), VFADM_ERROR_USAGE, "min-rate=80 is above max-rate=50; one of them is the pool's, so give both");
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "pool:slow", "", 0), VFADM_ERROR_NOT_FOUND, "there is no pool 'slow'; 'vfadm pool list' shows those there are");
        /* A pool stands before a device of its name. */
        world_add_pool(&w, "enp1s0")->started = false;
        assert_refused(&w, want_libvirt(WANT_ATTACH, "enp1s0", "", 0), VFADM_ERROR_REFUSED, "vfadm pool start enp1s0");
        world_clear(&w);
}

/* The definition names the pool's network, so that the guest gets any VF of it wherever it starts. */
static void test_pool_network(void) {
        World w = world_libvirt(2);
        Pool *pool = world_add_pool(&w, "fast");
        pool->libvirt = true;
        pool->vf = (VfState) {.known = VF_VLAN | VF_TRUST, .vlan = 9, .proto = VLAN_PROTO_8021Q, .trust = true};
        world_add_network(&w, "fast", "0 1");
        assert_steps(&w, want_libvirt(WANT_ATTACH, "fast", MAC " teaming=ua-b", SCOPE_CONFIG), "a VF of fast: into the definition of libvirt:web1\n");
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "pool:fast", MAC " teaming=ua-b", SCOPE_CONFIG));
        const Step *defined = step_of(plan, STEP_DEFINED, 0);
        g_assert_cmpstr(defined->network, ==, "libvirt:fast");
        g_assert_true(pci_addr_equal(defined->pf, host_pf(w.host)->addr));
        g_assert_cmpstr(defined->to.text, ==,
                        "<interface type='network'>\n"
                        "  <mac address='02:00:00:00:00:05'/>\n"
                        "  <vlan>\n"
                        "    <tag id='9'/>\n"
                        "  </vlan>\n"
                        "  <source network='fast'/>\n"
                        "  <teaming type='transient' persistent='ua-b'/>\n"
                        "</interface>\n");
        g_assert_cmpuint(plan->notes->len, ==, 2);
        g_assert_cmpstr(plan->notes->pdata[1], ==, "libvirt chooses a VF of fast at each start and sets its MAC and VLAN only, not trust=on");
        g_assert_cmpstr(plan->summary, ==, "a VF of fast to libvirt:web1, in its definition: mac=02:00:00:00:00:05 vlan=9 trust=on");
        g_assert_cmpstr(plan->result, ==, "fast");

        /* Both: the running guest gets a VF now, by a lease that ends with it; either has the same MAC. */
        assert_steps(&w, want_libvirt(WANT_ATTACH, "fast", "", SCOPE_LIVE | SCOPE_CONFIG),
                     "0000:01:10.0: free → leased to libvirt:web1\n"
                     "0000:01:10.0: kept out of libvirt's network fast\n" BARE("0000:01:10.0")
                     "0000:01:10.0: trust=on (was trust=off)\n"
                     "a VF of fast: into the definition of libvirt:web1\n"
                     "0000:01:10.0: plug into libvirt:web1\n");
        g_autoptr(Plan) both = good_plan(&w, want_libvirt(WANT_ATTACH, "fast", "", SCOPE_LIVE | SCOPE_CONFIG));
        const Lease *lease = step_of(both, STEP_LEASE, 0)->to.lease;
        char mac[MAC_TEXT_SIZE];
        mac_format(lease->given.mac, mac);
        g_assert_false(lease->config);
        g_assert_cmpint(lease->pid, ==, 812);
        g_assert_nonnull(strstr(step_of(both, STEP_DEFINED, 0)->to.text, mac));
        g_assert_nonnull(strstr(step_of(both, STEP_GUEST, 0)->xml, mac));

        /* All VFs taken now says nothing of the next start; a pool that is stopped does. */
        lease_out(&w, 0, "qemu:a");
        lease_out(&w, 1, "qemu:b");
        g_autoptr(Plan) later = good_plan(&w, want_libvirt(WANT_ATTACH, "fast", MAC, SCOPE_CONFIG));
        g_assert_cmpuint(later->steps->len, ==, 1);
        pool->started = false;
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "fast", MAC, SCOPE_CONFIG), VFADM_ERROR_REFUSED,
                          "the pool fast is not started, so its network gives out nothing; run 'vfadm pool start fast' first");
        world_clear(&w);
}

/* A NIC of a network has no lease, and its MAC must not be derived a second time. */
static void test_nic_numbers(void) {
        World w = world_libvirt(2);
        uint8_t macs[3][6];
        for (unsigned i = 0; i < 3; i++)
                plan_derive_mac(w.guest->uuid, NULL, "web1", i, macs[i]);
        GuestDevice *nic = guest_info_add_defined(w.guest, "net0");
        nic->network = g_strdup("fast");
        nic->vf = (VfState) {.known = VF_MAC};
        memcpy(nic->vf.mac, macs[0], 6);
        lease_out(&w, 1, REF);
        ((Lease *) w.leases->pdata[0])->nic = 1;
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "", 0));
        g_assert_cmpuint(step_of(plan, STEP_LEASE, 0)->to.lease->nic, ==, 2);
        g_assert_cmpmem(step_of(plan, STEP_LEASE, 0)->to.lease->given.mac, 6, macs[2], 6);
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "nic=0", 0), VFADM_ERROR_REFUSED, "nic=0 of libvirt:web1 is a NIC that it has already; leave nic= out to take the next");
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "nic=1", 0), VFADM_ERROR_REFUSED, "nic=1 of libvirt:web1 is 0000:01:10.2 already; leave nic= out to take the next");
        char text[MAC_TEXT_SIZE];
        mac_format(macs[0], text);
        g_autofree char *word = g_strdup_printf("mac=%s", text);
        g_autofree char *says = g_strdup_printf("libvirt:web1 has a NIC with mac=%s already", text);
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", word, 0), VFADM_ERROR_REFUSED, says);
        world_clear(&w);
}

static Lease *lease_to_web1(World *w, unsigned vf, bool config, bool live) {
        lease_out(w, vf, REF);
        Lease *lease = w->leases->pdata[w->leases->len - 1];
        lease->managed = true;
        lease->config = config;
        lease->guest_uuid = g_strdup(w->guest->uuid);
        if (!live)
                lease->pid = 0;
        return lease;
}

/* What it has by its definition can be plugged again, and what it runs with can be put into its definition. */
static void test_other_part(void) {
        World w = world_libvirt(2);
        Lease *own = lease_to_web1(&w, 0, true, false);
        world_add_network(&w, "passthrough", "0"); /* where it is held since it is leased */
        set_driver(&w, 0, "igbvf");
        g_clear_pointer(&host_vf(w.host, 0)->driver_override, g_free);
        guest_is_defined_with(&w, 0);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "trust=on", SCOPE_LIVE),
                     "0000:01:10.0: leased to libvirt:web1, by its definition → leased to libvirt:web1, running and by its definition\n"
                     "0000:01:10.0: driver igbvf → igbvf\n"
                     "0000:01:10.0: mac=02:00:00:00:00:09 (was mac=02:00:00:00:00:09)\n"
                     "0000:01:10.0: trust=on (was trust=off)\n"
                     "0000:01:10.0: plug into libvirt:web1\n");
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "", SCOPE_LIVE));
        const Step *lease = step_of(plan, STEP_LEASE, 0);
        g_assert_cmpint(lease->from.lease->id, ==, lease->to.lease->id);
        g_assert_cmpuint(lease->to.lease->given.vlan, ==, 42); /* as it was given */
        g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, 0)->xml, "<mac address='02:00:00:00:00:09'/>"));
        assert_refused(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "", SCOPE_CONFIG), VFADM_ERROR_IN_USE, "leased to libvirt:web1 (lease 40)");
        /* Its definition says managed='no', so that its driver stays vfadm's to bind. */
        own->managed = false;
        set_driver(&w, 0, "vfio-pci");
        host_vf(w.host, 0)->driver_override = g_strdup("vfio-pci");
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "", SCOPE_LIVE),
                     "0000:01:10.0: leased to libvirt:web1, by its definition → leased to libvirt:web1, running and by its definition\n"
                     "load the module vfio-pci\n"
                     "0000:01:10.0: plug into libvirt:web1\n");
        g_autoptr(Plan) unmanaged = good_plan(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "", SCOPE_LIVE));
        g_assert_nonnull(strstr(step_of(unmanaged, STEP_GUEST, 0)->xml, "managed='no'"));
        world_clear(&w);

        w = world_libvirt(2);
        lease_to_web1(&w, 1, false, true);
        guest_has_vf(&w, 1);
        assert_steps(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", "", SCOPE_CONFIG),
                     "0000:01:10.2: leased to libvirt:web1, until it ends → leased to libvirt:web1, running and by its definition\n"
                     "0000:01:10.2: into the definition of libvirt:web1\n");
        assert_refused(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", "", 0), VFADM_ERROR_IN_USE, "leased to libvirt:web1 (lease 41)");
        ((Lease *) w.leases->pdata[0])->guest_uuid[0] = 'b'; /* a guest of that name, made anew */
        assert_refused(&w, want_libvirt(WANT_ATTACH, "enp1s0/1", "", SCOPE_CONFIG), VFADM_ERROR_IN_USE, "leased to libvirt:web1 (lease 41)");
        world_clear(&w);
}

/* After a reboot: what libvirt does not set by itself. */
static void test_set_again(void) {
        World w = world_libvirt(2);
        Lease *lease = lease_to_web1(&w, 0, true, false);
        lease->given = (VfState) {.known = VF_MAC | VF_VLAN | VF_TRUST, .mac = {2, 0, 0, 0, 0, 9}, .vlan = 42, .qos = 3, .proto = VLAN_PROTO_8021Q, .trust = true};
        *host_vf_state(w.host, 0) = lease->saved;
        set_driver(&w, 0, NULL);
        g_clear_pointer(&host_vf(w.host, 0)->driver_override, g_free);
        world_add_network(&w, "passthrough", "0 1");
        PlanInput input = {.host = w.host, .leases = w.leases, .books = w.books};
        static const char *const expected[] = {
                "0000:01:10.0: kept out of libvirt's network passthrough\n0000:01:10.0: trust=on (was trust=off)\n",
                "0000:01:10.0: kept out of libvirt's network passthrough\n0000:01:10.0: vlan=42.3 trust=on (was vlan=0 trust=off)\n",
                "0000:01:10.0: kept out of libvirt's network passthrough\n"
                "load the module vfio-pci\n"
                "0000:01:10.0: mac=02:00:00:00:00:09 vlan=42.3 trust=on (was mac=00:00:00:00:00:00 vlan=0 trust=off)\n"
                "0000:01:10.0: driver no driver → vfio-pci\n",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
                g_autoptr(GString) text = g_string_new(NULL);
                if (i == 1) { /* the guest has started before: libvirt has set MAC and VLAN, not the priority */
                        guest_has_vf(&w, 0);
                        lease->pid = 812;
                        input.guest = w.guest;
                } else if (i == 2) {
                        g_ptr_array_set_size(host_vf(w.host, 0)->uses, 0);
                        input.guest = NULL;
                        lease->managed = false;
                }
                g_autoptr(Plan) plan = plan_set_again(lease, &input);
                g_assert_cmpuint(plan->refusals->len, ==, 0);
                for (unsigned k = 0; k < plan->steps->len; k++) {
                        g_autofree char *line = step_describe(plan->steps->pdata[k]);
                        g_string_append_printf(text, "%s\n", line);
                }
                g_assert_cmpstr(text->str, ==, expected[i]);
        }
        dev_add_use(host_vf(w.host, 0), USE_NETWORK, g_strdup("enp1s0v0 is up"), 0, NULL);
        g_autoptr(Plan) used = plan_set_again(lease, &input);
        g_assert_cmpuint(used->refusals->len, ==, 1);
        g_assert_cmpuint(used->steps->len, ==, 0);
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->permanent_mac[5] ^= 1;
        g_autoptr(Plan) gone = plan_set_again(lease, &input);
        g_assert_cmpuint(gone->steps->len, ==, 0);
        g_assert_cmpstr(gone->notes->pdata[0], ==, "0000:01:10.0 is not there, or another device has its address now: libvirt:web1 cannot start with it");
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-libvirt/live-managed", test_live_managed);
        g_test_add_func("/plan-libvirt/vlan-libvirt-cannot", test_vlan_libvirt_cannot);
        g_test_add_func("/plan-libvirt/live-unmanaged", test_live_unmanaged);
        g_test_add_func("/plan-libvirt/definition", test_definition);
        g_test_add_func("/plan-libvirt/both", test_both);
        g_test_add_func("/plan-libvirt/scope", test_scope);
        g_test_add_func("/plan-libvirt/slots", test_slots);
        g_test_add_func("/plan-libvirt/pf-down", test_pf_down);
        g_test_add_func("/plan-libvirt/profile-and-teaming", test_profile_and_teaming);
        g_test_add_func("/plan-libvirt/hostdev", test_hostdev);
        g_test_add_func("/plan-libvirt/books", test_books);
        g_test_add_func("/plan-libvirt/all-taken-by-books", test_all_taken_by_books);
        g_test_add_func("/plan-libvirt/pool", test_pool);
        g_test_add_func("/plan-libvirt/pool-network", test_pool_network);
        g_test_add_func("/plan-libvirt/nic-numbers", test_nic_numbers);
        g_test_add_func("/plan-libvirt/other-part", test_other_part);
        g_test_add_func("/plan-libvirt/set-again", test_set_again);
        return g_test_run();
}
