/* Plans that take devices back from libvirt's guests: out of the running guest, out of its definition, or out of both. */
#include "base/error.h"
#include "hosts.h"
#include "plan_world.h"

#include <string.h>

#define REF "libvirt:web1"
#define BOTH (SCOPE_LIVE | SCOPE_CONFIG)

static Want *detach(const char *device, unsigned scope) {
        return want_libvirt(WANT_DETACH, device, NULL, scope);
}

/* VF `vf` as libvirt's guest web1 has it: mac …:09, vlan 42, VFIO bound by libvirt. */
static Lease *lease_managed(World *w, unsigned vf, bool config, bool live) {
        lease_out(w, vf, REF);
        Lease *lease = w->leases->pdata[w->leases->len - 1];
        lease->managed = true;
        lease->config = config;
        lease->guest_uuid = g_strdup(w->guest->uuid);
        if (live)
                guest_has_vf(w, vf);
        else {
                lease->pid = 0;
                lease->pid_start = 0;
        }
        if (config)
                guest_is_defined_with(w, vf);
        return lease;
}

/* libvirt has given it back: its own driver, and what was before. */
static void given_back(World *w, unsigned vf, const char *driver) {
        Dev *dev = host_vf(w->host, vf);
        g_free(dev->driver);
        dev->driver = g_strdup(driver);
        g_clear_pointer(&dev->driver_override, g_free);
        *host_vf_state(w->host, vf) = ((const Lease *) w->leases->pdata[0])->saved;
}

static void test_live(void) {
        World w = world_libvirt(2);
        Lease *lease = lease_managed(&w, 0, false, true);
        HostdevNetwork *network = world_add_network(&w, "passthrough", "0 1");
        HostdevPort *port = g_new0(HostdevPort, 1);
        *port = (HostdevPort) {host_vf(w.host, 0)->addr, g_strdup(HOSTDEV_HOLDER), g_strdup("u")};
        g_ptr_array_add(network->ports, port);
        host_vf_state(w.host, 0)->trust = true;
        const char *steps = "0000:01:10.0: take out of libvirt:web1\n"
                            "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 trust=off (was mac=02:00:00:00:00:09 vlan=42 trust=on)\n"
                            "0000:01:10.0: driver vfio-pci → igbvf\n"
                            "0000:01:10.0: no longer kept out of libvirt's network passthrough\n"
                            "0000:01:10.0: leased to libvirt:web1 → free\n";
        assert_steps(&w, detach("enp1s0/0", 0), steps);
        assert_steps(&w, detach("40", SCOPE_LIVE), steps);
        assert_steps(&w, detach("enp1s0/0", BOTH), steps); /* nothing of it stands in the definition */
        assert_refused_so(&w, detach("enp1s0/0", SCOPE_CONFIG), VFADM_ERROR_REFUSED, "0000:01:10.0 is in the running libvirt:web1 only, not in its definition; leave --config out");

        /* Held in a network is not given by it. */
        assert_refused_so(&w, detach("passthrough", 0), VFADM_ERROR_NOT_FOUND, "passthrough is not leased; 'vfadm leases' shows what is");

        g_autoptr(Plan) plan = good_plan(&w, detach("enp1s0/0", 0));
        const Step *guest = step_of(plan, STEP_GUEST, 0);
        g_assert_cmpstr(guest->from.text, ==, "vfadm-x");
        g_assert_cmpstr(guest->disturbs, ==, REF);
        /* So that undoing can plug it again. */
        g_assert_nonnull(strstr(guest->xml, "<interface type='hostdev' managed='yes'>"));
        g_assert_nonnull(strstr(guest->xml, "<mac address='02:00:00:00:00:09'/>"));
        g_assert_nonnull(strstr(guest->xml, "<tag id='42'/>"));
        g_assert_null(strstr(guest->xml, "bus='0x02'"));
        /* libvirt gives it to the host's driver, and the host may take it into use at once. */
        bool network_is_known = false;
        for (unsigned i = 0; i < plan->known->len; i++)
                network_is_known = network_is_known || g_array_index(plan->known, KnownUse, i).kind == USE_NETWORK;
        g_assert_true(network_is_known);

        /* A driver that libvirt gives to a VF without one may set a MAC for itself. */
        g_autofree char *driver = g_steal_pointer(&lease->saved_driver);
        assert_steps(&w, detach("enp1s0/0", 0),
                     "0000:01:10.0: take out of libvirt:web1\n"
                     "0000:01:10.0: driver vfio-pci → no driver\n"
                     "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 trust=off (was mac=02:00:00:00:00:09 vlan=42 trust=on)\n"
                     "0000:01:10.0: no longer kept out of libvirt's network passthrough\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        lease->saved_driver = g_steal_pointer(&driver);

        /* What libvirt leaves as the MAC is not what was there before, even where the guest had the same. */
        memcpy(lease->saved.mac, lease->given.mac, 6);
        lease->saved.vlan = 42;
        lease->saved.proto = VLAN_PROTO_8021Q;
        host_vf_state(w.host, 0)->trust = false;
        assert_steps(&w, detach("enp1s0/0", 0),
                     "0000:01:10.0: take out of libvirt:web1\n"
                     "0000:01:10.0: mac=02:00:00:00:00:09 vlan=42 (was mac=02:00:00:00:00:09 vlan=42)\n"
                     "0000:01:10.0: driver vfio-pci → igbvf\n"
                     "0000:01:10.0: no longer kept out of libvirt's network passthrough\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        world_clear(&w);
}

/* Bound by vfadm, it is reset and bound by vfadm. */
static void test_live_unmanaged(void) {
        World w = world_libvirt(1);
        lease_managed(&w, 0, true, true)->managed = false;
        assert_steps(&w, detach("enp1s0/0", BOTH),
                     "0000:01:10.0: out of the definition of libvirt:web1\n"
                     "0000:01:10.0: leased to libvirt:web1, running and by its definition → leased to libvirt:web1, until it ends\n"
                     "0000:01:10.0: take out of libvirt:web1\n"
                     "0000:01:10.0: reset\n"
                     "0000:01:10.0: driver vfio-pci → no driver\n"
                     "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                     "0000:01:10.0: driver no driver → igbvf\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        g_autoptr(Plan) plan = good_plan(&w, detach("enp1s0/0", BOTH));
        g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, 0)->xml, "managed='no'"));
        world_clear(&w);
}

/* One part after the other. */
static void test_parts(void) {
        World w = world_libvirt(1);
        Lease *lease = lease_managed(&w, 0, true, true);
        assert_steps(&w, detach("enp1s0/0", 0),
                     "0000:01:10.0: take out of libvirt:web1\n"
                     "0000:01:10.0: leased to libvirt:web1, running and by its definition → leased to libvirt:web1, by its definition\n");
        g_autoptr(Plan) live = good_plan(&w, detach("enp1s0/0", SCOPE_LIVE));
        const Step *kept = step_of(live, STEP_LEASE, 0);
        g_assert_cmpint(kept->to.lease->id, ==, 40);
        g_assert_true(kept->to.lease->config);
        g_assert_cmpint(kept->to.lease->pid, ==, 0);
        g_assert_cmpuint(kept->to.lease->pid_start, ==, 0);
        g_assert_cmpint(kept->from.lease->pid, ==, 812);
        g_assert_cmpstr(live->notes->pdata[0], ==, "0000:01:10.0 is still in the definition of libvirt:web1, which starts with it again; say --live --config to take it out of both");

        assert_steps(&w, detach("enp1s0/0", SCOPE_CONFIG),
                     "0000:01:10.0: out of the definition of libvirt:web1\n"
                     "0000:01:10.0: leased to libvirt:web1, running and by its definition → leased to libvirt:web1, until it ends\n");
        g_autoptr(Plan) config = good_plan(&w, detach("enp1s0/0", SCOPE_CONFIG));
        g_assert_cmpstr(step_of(config, STEP_DEFINED, 0)->from.text, ==, "<found vf='0'/>"); /* undoing puts exactly that back */
        g_assert_null(step_of(config, STEP_DEFINED, 0)->to.text);
        g_assert_false(step_of(config, STEP_LEASE, 0)->to.lease->config);
        g_assert_cmpint(step_of(config, STEP_LEASE, 0)->to.lease->pid, ==, 812);
        g_assert_cmpstr(config->notes->pdata[0], ==, "the running libvirt:web1 keeps 0000:01:10.0 until it ends; say --live to take it out now");

        assert_steps(&w, detach("enp1s0/0", BOTH),
                     "0000:01:10.0: out of the definition of libvirt:web1\n"
                     "0000:01:10.0: leased to libvirt:web1, running and by its definition → leased to libvirt:web1, until it ends\n"
                     "0000:01:10.0: take out of libvirt:web1\n"
                     "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                     "0000:01:10.0: driver vfio-pci → igbvf\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");

        /* The guest was started by somebody else since the ledger was written. */
        lease->pid = 0;
        lease->pid_start = 0;
        g_autoptr(Plan) late = good_plan(&w, detach("enp1s0/0", BOTH));
        g_assert_cmpuint(late->steps->len, ==, 6);
        world_clear(&w);
}

static void test_off(void) {
        World w = world_libvirt(2);
        lease_managed(&w, 0, true, false);
        world_shut_off(&w);
        given_back(&w, 0, "igbvf");
        host_vf_state(w.host, 0)->trust = true;
        const char *steps = "0000:01:10.0: out of the definition of libvirt:web1\n"
                            "0000:01:10.0: trust=off (was trust=on)\n"
                            "0000:01:10.0: leased to libvirt:web1 → free\n";
        assert_steps(&w, detach("enp1s0/0", 0), steps);
        assert_steps(&w, detach("enp1s0/0", SCOPE_CONFIG), steps);
        assert_refused_so(&w, detach("enp1s0/0", BOTH), VFADM_ERROR_REFUSED, "libvirt:web1 is not running; start it first ('virsh start web1'), or say --config to change its definition only");

        /* libvirt's way back leaves the host's driver on a VF that had none. */
        g_clear_pointer(&((Lease *) w.leases->pdata[0])->saved_driver, g_free);
        host_vf_state(w.host, 0)->trust = false;
        assert_steps(&w, detach("enp1s0/0", 0),
                     "0000:01:10.0: out of the definition of libvirt:web1\n"
                     "0000:01:10.0: driver igbvf → no driver\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        dev_add_use(host_vf(w.host, 0), USE_NETWORK, g_strdup("enp1s0v0 is up"), 0, NULL);
        g_autoptr(Plan) used = good_plan(&w, detach("enp1s0/0", 0));
        g_assert_cmpuint(used->steps->len, ==, 2);
        g_assert_cmpstr(used->notes->pdata[0], ==, "0000:01:10.0 is in use by the host (enp1s0v0 is up): it is left as it is");
        world_clear(&w);

        /* Its process was killed together with libvirt's daemon, which has not given the VF back yet. */
        w = world_libvirt(1);
        lease_managed(&w, 0, true, false);
        world_shut_off(&w);
        assert_steps(&w, detach("enp1s0/0", 0),
                     "0000:01:10.0: out of the definition of libvirt:web1\n"
                     "0000:01:10.0: reset\n"
                     "0000:01:10.0: driver vfio-pci → no driver\n"
                     "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                     "0000:01:10.0: driver no driver → igbvf\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        world_clear(&w);
}

static void test_not_there(void) {
        World w = world_libvirt(4);
        lease_managed(&w, 0, true, false);
        given_back(&w, 0, "igbvf");
        assert_refused_so(&w, detach("enp1s0/0", 0), VFADM_ERROR_REFUSED, "0000:01:10.0 is in the definition of libvirt:web1 only, not in the running guest; say --config");
        /* Somebody took it out of the definition: only the ledger still knows. */
        g_ptr_array_set_size(w.guest->defined, 0);
        assert_steps(&w, detach("enp1s0/0", 0), "0000:01:10.0: leased to libvirt:web1 → free\n");
        /* The guest is not known to libvirt any more. */
        g_clear_pointer(&w.guest, guest_info_free);
        assert_steps(&w, detach("enp1s0/0", 0), "0000:01:10.0: leased to libvirt:web1 → free\n");
        world_clear(&w);

        w = world_libvirt(3);
        guest_has_vf(&w, 1);
        guest_is_defined_with(&w, 2);
        assert_refused_so(&w, detach("enp1s0/1", 0), VFADM_ERROR_NOT_FOUND,
                          "libvirt:web1 has enp1s0/1, and not by vfadm, which does not know what it was before; run 'vfadm import --adopt libvirt:web1', then this again");
        assert_refused(&w, detach("enp1s0/2", SCOPE_CONFIG), VFADM_ERROR_NOT_FOUND, "vfadm import --adopt libvirt:web1");
        assert_refused_so(&w, detach("enp1s0/0", 0), VFADM_ERROR_NOT_FOUND, "enp1s0/0 is not leased; 'vfadm leases' shows what is");
        /* Another guest of that name, by its uuid. */
        lease_managed(&w, 0, true, false)->guest_uuid[0] = 'b';
        assert_refused_so(&w, detach("enp1s0/0", SCOPE_CONFIG), VFADM_ERROR_REFUSED, 
                          "enp1s0/0 is leased to libvirt:web1, not to libvirt:web1, which is another guest of that name (its uuid differs); 'vfadm recover' ends the leases of guests that are gone");
        world_clear(&w);

        w = world_new(1);
        lease_out(&w, 0, "qemu:web1");
        Want *config = want(WANT_DETACH, "enp1s0/0", NULL);
        config->scope = SCOPE_CONFIG;
        assert_refused(&w, config, VFADM_ERROR_REFUSED, "only libvirt's and Xen's guests have");
        world_clear(&w);
}

/* The card was changed while the guest was off: the definition still names the address. */
static void test_device_gone(void) {
        World w = world_libvirt(1);
        lease_managed(&w, 0, true, false);
        world_shut_off(&w);
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->permanent_mac[5] ^= 1;
        assert_steps(&w, detach("40", 0),
                     "0000:01:10.0: out of the definition of libvirt:web1\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        world_clear(&w);
}

/* An adopted lease knows nothing of before. */
static void test_adopted(void) {
        World w = world_libvirt(1);
        Lease *lease = lease_managed(&w, 0, false, true);
        lease->saved = (VfState) {0};
        g_free(lease->saved_driver);
        lease->saved_driver = g_strdup(DRIVER_OWN);
        assert_steps(&w, detach("enp1s0/0", 0),
                     "0000:01:10.0: take out of libvirt:web1\n"
                     "0000:01:10.0: driver vfio-pci → (the host's own)\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        g_ptr_array_set_size(w.guest->devices, 0);
        g_ptr_array_set_size(host_vf(w.host, 0)->uses, 0);
        given_back(&w, 0, "igbvf");
        assert_steps(&w, detach("enp1s0/0", 0), "0000:01:10.0: leased to libvirt:web1 → free\n");
        world_clear(&w);
}

static GuestDevice *add_nic(World *w, uint8_t last, bool defined) {
        GuestDevice *nic = defined ? guest_info_add_defined(w->guest, "net0") : guest_info_add_device(w->guest, "net0");
        nic->network = g_strdup("fast");
        nic->interface = true;
        nic->vf = (VfState) {.known = VF_MAC, .mac = {2, 0, 0, 0, 0, last}};
        nic->xml = defined ? g_strdup_printf("<nic last='%u'/>", last) : NULL;
        return nic;
}

/* A NIC of a pool's network has no lease where libvirt chose its VF. */
static void test_network_nic(void) {
        World w = world_libvirt(2);
        world_add_pool(&w, "fast")->libvirt = true;
        add_nic(&w, 9, true);
        world_shut_off(&w);
        assert_steps(&w, detach("fast", 0), "a VF of fast: out of the definition of libvirt:web1\n");
        g_autoptr(Plan) plan = good_plan(&w, detach("pool:fast", 0));
        g_assert_cmpstr(step_of(plan, STEP_DEFINED, 0)->from.text, ==, "<nic last='9'/>");
        g_assert_true(pci_addr_equal(step_of(plan, STEP_DEFINED, 0)->dev, host_pf(w.host)->addr));
        g_assert_cmpstr(plan->summary, ==, "the NIC 02:00:00:00:00:09 of fast out of libvirt:web1");

        w.guest->running = true;
        assert_refused_so(&w, detach("fast", 0), VFADM_ERROR_REFUSED, "libvirt:web1 has the NIC fast in its definition only; say --config");
        /* Of the running guest's only the network's port knows where it is from. */
        HostdevNetwork *network = world_add_network(&w, "fast", "0 1");
        HostdevPort *port = g_new0(HostdevPort, 1);
        *port = (HostdevPort) {host_vf(w.host, 1)->addr, g_strdup("web1"), g_strdup("u")};
        g_ptr_array_add(network->ports, port);
        GuestDevice *live = add_nic(&w, 9, false);
        g_clear_pointer(&live->network, g_free);
        live->host = host_vf(w.host, 1)->addr;
        live->has_host = true;
        assert_steps(&w, detach("fast", 0), "0000:01:10.2: take out of libvirt:web1\n");
        assert_steps(&w, detach("fast", BOTH), "a VF of fast: out of the definition of libvirt:web1\n0000:01:10.2: take out of libvirt:web1\n");
        g_autoptr(Plan) part = good_plan(&w, detach("fast", SCOPE_LIVE));
        g_assert_cmpstr(step_of(part, STEP_GUEST, 0)->from.text, ==, "net0");
        g_assert_cmpstr(part->notes->pdata[0], ==, "the definition of libvirt:web1 still has it, from its next start on; say --live --config to take it out of both");

        add_nic(&w, 8, true);
        assert_refused_so(&w, detach("fast", SCOPE_CONFIG), VFADM_ERROR_REFUSED,
                          "libvirt:web1 has several NICs of fast (02:00:00:00:00:09, 02:00:00:00:00:08); name the one that is meant by its MAC");
        g_autoptr(Plan) named = good_plan(&w, detach("02:00:00:00:00:08", SCOPE_CONFIG));
        g_assert_cmpstr(step_of(named, STEP_DEFINED, 0)->from.text, ==, "<nic last='8'/>");
        g_ptr_array_set_size(w.guest->defined, 0);
        assert_refused_so(&w, detach("fast", SCOPE_CONFIG), VFADM_ERROR_REFUSED, "libvirt:web1 has the NIC fast only while it runs; leave --config out");
        world_clear(&w);
}

/* A fixed VF for the running guest, the network from its next start on. */
static void test_pool_pair(void) {
        World w = world_libvirt(2);
        world_add_pool(&w, "fast")->libvirt = true;
        lease_managed(&w, 0, false, true)->pool = g_strdup("fast");
        add_nic(&w, 8, true);
        add_nic(&w, 9, true); /* the MAC of the lease */
        const char *live = "0000:01:10.0: take out of libvirt:web1\n"
                           "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                           "0000:01:10.0: driver vfio-pci → igbvf\n"
                           "0000:01:10.0: leased to libvirt:web1 → free\n";
        assert_steps(&w, detach("enp1s0/0", 0), live);
        assert_steps(&w, detach("fast", 0), live);
        assert_steps(&w, detach("02:00:00:00:00:09", 0), live);
        g_autoptr(Plan) noted = good_plan(&w, detach("enp1s0/0", 0));
        g_assert_cmpstr(noted->notes->pdata[0], ==, "the definition of libvirt:web1 still has a NIC of fast, from its next start on; say --config to take that out, too");
        assert_steps(&w, detach("enp1s0/0", BOTH),
                     "a VF of fast: out of the definition of libvirt:web1\n"
                     "0000:01:10.0: take out of libvirt:web1\n"
                     "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                     "0000:01:10.0: driver vfio-pci → igbvf\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        /* The lease is the running guest's, whatever the definition says. */
        assert_steps(&w, detach("enp1s0/0", SCOPE_CONFIG), "a VF of fast: out of the definition of libvirt:web1\n");
        g_autoptr(Plan) config = good_plan(&w, detach("enp1s0/0", SCOPE_CONFIG));
        g_assert_cmpstr(step_of(config, STEP_DEFINED, 0)->from.text, ==, "<nic last='9'/>");
        world_clear(&w);
}

static void test_release(void) {
        World w = world_libvirt(1);
        lease_managed(&w, 0, true, false);
        given_back(&w, 0, "igbvf");
        GuestInfo *booked = w.books->guests->pdata[1];
        GuestDevice *defined = guest_info_add_defined(booked, "x");
        defined->host = host_vf(w.host, 0)->addr;
        defined->has_host = true;
        g_clear_pointer(&w.guest, guest_info_free);
        assert_refused_so(&w, want_libvirt(WANT_RELEASE, "enp1s0/0", NULL, 0), VFADM_ERROR_IN_USE,
                          "0000:01:10.0 is in the definition of libvirt:web1, which starts with it; run 'vfadm detach libvirt:web1 0000:01:10.0 --config'");
        g_ptr_array_set_size(booked->defined, 0);
        g_autoptr(Plan) plan = good_plan(&w, want_libvirt(WANT_RELEASE, "enp1s0/0", NULL, 0));
        g_assert_cmpuint(plan->steps->len, ==, 1);
        g_assert_cmpuint(plan->notes->len, ==, 0);
        g_clear_pointer(&w.books, books_free); /* libvirt does not run */
        g_autoptr(Plan) blind = good_plan(&w, want_libvirt(WANT_RELEASE, "enp1s0/0", NULL, 0));
        g_assert_cmpuint(blind->steps->len, ==, 1);
        g_assert_cmpstr(blind->notes->pdata[0], ==, "0000:01:10.0 was put into the definition of libvirt:web1, which cannot be asked now: should it still be there, take it out before that guest starts");
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-libvirt-back/live", test_live);
        g_test_add_func("/plan-libvirt-back/live-unmanaged", test_live_unmanaged);
        g_test_add_func("/plan-libvirt-back/parts", test_parts);
        g_test_add_func("/plan-libvirt-back/off", test_off);
        g_test_add_func("/plan-libvirt-back/not-there", test_not_there);
        g_test_add_func("/plan-libvirt-back/device-gone", test_device_gone);
        g_test_add_func("/plan-libvirt-back/adopted", test_adopted);
        g_test_add_func("/plan-libvirt-back/network-nic", test_network_nic);
        g_test_add_func("/plan-libvirt-back/pool-pair", test_pool_pair);
        g_test_add_func("/plan-libvirt-back/release", test_release);
        return g_test_run();
}
