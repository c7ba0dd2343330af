/* 'vfadm import': what the service has given out, held against ledger and pools; the table; and the plan that adopts it. */
#include "base/error.h"
#include "hosts.h"
#include "model/given.h"
#include "plan_world.h"
#include "show/show.h"

#include <string.h>

static GuestInfo *book_guest(World *w, const char *name) {
        return (GuestInfo *) books_guest(w->books, name, NULL);
}

static void fill(World *w, GuestDevice *device, unsigned vf) {
        device->host = host_vf(w->host, vf)->addr;
        device->has_host = true;
        device->interface = true;
        device->managed = true;
        device->vf = (VfState) {.known = VF_MAC | VF_VLAN, .mac = {2, 0, 0, 0, 0, (uint8_t) (0x10 + vf)}, .vlan = 42, .proto = VLAN_PROTO_8021Q};
}

/* The books' guest runs with the VF, as libvirt binds it. */
static GuestDevice *runs_with(World *w, const char *name, unsigned vf) {
        GuestInfo *guest = book_guest(w, name);
        Dev *dev = host_vf(w->host, vf);
        GuestDevice *device = guest_info_add_device(guest, "hostdev0");

        guest->running = true;
        guest->pid = 812;
        guest->pid_start = 4711;
        fill(w, device, vf);
        dev_add_use(dev, USE_PROCESS, g_strdup_printf("guest %s (qemu, pid 812)", name), 812, name);
        g_free(dev->driver);
        dev->driver = g_strdup("vfio-pci");
        return device;
}

static GuestDevice *defined_with(World *w, const char *name, unsigned vf) {
        GuestDevice *device = guest_info_add_defined(book_guest(w, name), "");
        fill(w, device, vf);
        return device;
}

static HostdevPort *gave(World *w, HostdevNetwork *network, unsigned vf, const char *owner) {
        HostdevPort *port = g_new0(HostdevPort, 1);
        port->host = host_vf(w->host, vf)->addr;
        port->owner = g_strdup(owner);
        g_ptr_array_add(network->ports, port);
        return port;
}

static void own_lease(World *w, unsigned vf, bool config) {
        lease_out(w, vf, "libvirt:web1");
        Lease *lease = w->leases->pdata[w->leases->len - 1];
        lease->guest_uuid = g_strdup(w->guest->uuid);
        lease->config = config;
}

static void check(World *w, const char *lines) {
        g_autoptr(GPtrArray) list = given_list(w->books, w->host, w->leases, w->pools);
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; i < list->len; i++) {
                const Given *given = list->pdata[i];
                g_string_append_printf(text, "%s%s%s %s: %s%s%s\n", given->guest ? given->guest->name : given->network->name, given->live ? " live" : "",
                                       given->defined ? " config" : "", given->dev ? given->dev->name : "-", given_state_word(given->state), given->why ? ": " : "",
                                       given->why ? given->why : "");
        }
        g_assert_cmpstr(text->str, ==, lines);
}

static void test_devices(void) {
        World w = world_libvirt(7);

        runs_with(&w, "web1", 0);
        defined_with(&w, "web1", 0);
        runs_with(&w, "web1", 1);
        defined_with(&w, "web1", 2);
        defined_with(&w, "db", 1);
        defined_with(&w, "db", 2);
        defined_with(&w, "db", 3);
        guest_info_add_defined(book_guest(&w, "db"), "net1")->network = g_strdup("fast");
        check(&w, "db config 0000:01:10.2: in conflict: libvirt:web1 has it\n"
                  "db config 0000:01:10.4: in conflict: libvirt:web1 is defined with it (from its next start on)\n"
                  "db config 0000:01:10.6: not adopted\n"
                  "db config -: not adopted\n"
                  "web1 live config 0000:01:10.0: not adopted\n"
                  "web1 live 0000:01:10.2: not adopted\n"
                  "web1 config 0000:01:10.4: in conflict: libvirt:db is defined with it (shut off)\n");
        world_clear(&w);
}

static void test_leases(void) {
        World w = world_libvirt(7);

        for (unsigned vf = 0; vf < 5; vf++)
                runs_with(&w, "web1", vf);
        defined_with(&w, "web1", 1);
        defined_with(&w, "web1", 2);
        own_lease(&w, 0, false);
        own_lease(&w, 1, true);
        own_lease(&w, 2, false);
        lease_out(&w, 3, "qemu:web1");
        own_lease(&w, 4, false);
        ((Lease *) w.leases->pdata[4])->vf_index = 5;
        check(&w, "web1 live 0000:01:10.0: adopted\n"
                  "web1 live config 0000:01:10.2: adopted\n"
                  "web1 live config 0000:01:10.4: not adopted\n"
                  "web1 live 0000:01:10.6: in conflict: leased to qemu:web1 (lease 43)\n"
                  "web1 live 0000:01:11.0: in conflict: lease 44 is of another device that had its address; run 'vfadm recover'\n");
        world_clear(&w);
}

/* A lease of a guest of the same name that was made anew is another guest's; one of a renamed guest is its own. */
static void test_names(void) {
        World w = world_libvirt(7);

        runs_with(&w, "web1", 0);
        runs_with(&w, "web1", 1);
        own_lease(&w, 0, false);
        own_lease(&w, 1, false);
        Lease *other = w.leases->pdata[0], *renamed = w.leases->pdata[1];
        other->guest_uuid[0] = 'b';
        g_free(renamed->guest);
        renamed->guest = g_strdup("libvirt:web0");
        check(&w, "web1 live 0000:01:10.0: in conflict: leased to libvirt:web1 (lease 40)\n"
                  "web1 live 0000:01:10.2: adopted\n");
        world_clear(&w);
}

static void test_elsewhere(void) {
        World w = world_libvirt(7);
        GuestDevice *gone = defined_with(&w, "db", 0);

        gone->host.bus = 0x55;
        defined_with(&w, "db", 1);
        dev_add_use(host_vf(w.host, 1), USE_PROCESS, g_strdup("dpdk-testpmd (pid 99)"), 99, NULL);
        defined_with(&w, "db", 2);
        gave(&w, world_add_network(&w, "fast", "2 3"), 2, "mail");
        check(&w, "db config -: in conflict: no such device is here\n"
                  "db config 0000:01:10.2: in conflict: dpdk-testpmd (pid 99)\n"
                  "db config 0000:01:10.4: in conflict: network fast gave it to mail\n"
                  "fast -: not adopted: it is transient: gone when it is stopped\n");
        world_clear(&w);
}

static HostdevNetwork *network(World *w, const char *name, const char *vfs) {
        HostdevNetwork *made = world_add_network(w, name, vfs);
        made->persistent = made->managed = true;
        return made;
}

static void test_networks(void) {
        World w = world_libvirt(7);

        network(&w, "range", "1 2 3");
        network(&w, "order", "2 1 3");
        network(&w, "hole", "1 3");
        network(&w, "a b", "1");
        network(&w, "unmanaged", "1")->managed = false;
        network(&w, "card", "0 1")->pf = g_strdup("enp1s0"); /* the list is what libvirt made of it at its start */
        network(&w, "gone", "")->pf = g_strdup("enp9s0");
        network(&w, "empty", "");
        network(&w, "kept", "4");
        network(&w, "clash", "4");
        world_add_pool(&w, "kept")->libvirt = true;
        world_add_pool(&w, "clash");
        check(&w, "range -: not adopted\n"
                  "order -: not adopted: its VFs are not the same range of one PF or several here\n"
                  "hole -: not adopted: its VFs are not the same range of one PF or several here\n"
                  "a b -: not adopted: a pool cannot have such a name\n"
                  "unmanaged -: not adopted: it is not managed='yes', as a pool's network is\n"
                  "card -: not adopted\n"
                  "gone -: not adopted: its VFs are not the same range of one PF or several here\n"
                  "empty -: not adopted: its VFs are not the same range of one PF or several here\n"
                  "kept -: adopted\n"
                  "clash -: in conflict: a pool of this name keeps no libvirt network\n");
        world_clear(&w);
}

static void test_pool_of_network(void) {
        World w = world_libvirt(7);
        g_autofree char *why = NULL;
        HostdevNetwork *range = network(&w, "range", "1 2 3"), *card = network(&w, "card", "");

        range->autostart = true;
        card->pf = g_strdup("enp1s0");
        card->active = false;
        g_autoptr(Pool) pool = given_pool(range, w.host, &why);
        g_assert_cmpstr(why, ==, NULL);
        g_assert_true(pool->libvirt && pool->autostart && pool->started && pool->some_vfs);
        g_assert_cmpuint(pool->first_vf, ==, 1);
        g_assert_cmpuint(pool->last_vf, ==, 3);
        g_assert_cmpuint(pool->pfs->len, ==, 1);
        g_assert_cmpstr(pool->pfs->pdata[0], ==, "02:00:00:00:01:01");
        g_autoptr(HostdevNetwork) same = pool_network(pool, w.host);
        g_autofree char *is = hostdev_network_format(same), *was = hostdev_network_format(range);
        g_assert_cmpstr(is, ==, was);
        g_autoptr(Pool) all = given_pool(card, w.host, &why);
        g_assert_false(all->some_vfs || all->started || all->autostart);
        world_clear(&w);
}

static Want *ask(const char *name) {
        Want *want = want_new(WANT_ADOPT);
        want->device = g_strdup(name);
        return want;
}

static const Lease *lease_of_step(const Plan *plan, unsigned i) {
        g_assert_cmpuint(plan->steps->len, >, i);
        const Step *step = plan->steps->pdata[i];
        g_assert_cmpuint(step->kind, ==, STEP_LEASE);
        return step->to.lease;
}

static void test_lease_made(void) {
        World w = world_libvirt(7);

        runs_with(&w, "web1", 0);
        defined_with(&w, "web1", 0);
        runs_with(&w, "web1", 1)->managed = false;
        defined_with(&w, "db", 3);
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of(&w, ask(NULL), &error);
        g_assert_no_error(error);
        g_assert_cmpuint(plan->steps->len, ==, 3);
        g_assert_cmpuint(plan->taken->len, ==, 0);

        const Lease *off = lease_of_step(plan, 0), *managed = lease_of_step(plan, 1), *bound = lease_of_step(plan, 2);
        g_assert_cmpstr(off->guest, ==, "libvirt:db");
        g_assert_true(off->config && off->managed && off->pid == 0);
        g_assert_cmpstr(off->guest_device, ==, "vfadm-0000-01-10.6");
        g_assert_cmpstr(off->saved_driver, ==, host_vf(w.host, 3)->driver);
        g_assert_cmpstr(managed->guest, ==, "libvirt:web1");
        g_assert_cmpstr(managed->guest_uuid, ==, w.guest->uuid);
        g_assert_cmpstr(managed->guest_device, ==, "hostdev0");
        g_assert_true(managed->config && managed->managed && managed->pid == 812 && managed->pid_start == 4711);
        g_assert_cmpuint(managed->saved.known, ==, 0);
        g_assert_cmpuint(managed->given.known, ==, VF_MAC | VF_VLAN);
        g_assert_cmpuint(managed->given.vlan, ==, 42);
        g_assert_cmpstr(managed->saved_driver, ==, DRIVER_OWN);
        g_assert_cmpuint(managed->nic, ==, 0);
        g_assert_true(!bound->config && !bound->managed);
        g_assert_cmpstr(bound->saved_driver, ==, "vfio-pci");
        g_assert_cmpuint(bound->nic, ==, 1);

        for (unsigned i = 0; i < 3; i++) {
                Lease *lease = lease_copy(lease_of_step(plan, i));
                lease->id = 50 + i;
                g_ptr_array_add(w.leases, lease);
        }
        assert_steps(&w, ask(NULL), "");
        world_clear(&w);
}

/* What a network gave is in use there already; what a pool's network gave, the pool knows. */
static void test_held(void) {
        World w = world_libvirt(7);
        HostdevNetwork *fast = network(&w, "fast", "0 1 2 3"), *other = network(&w, "other", "4 5");

        world_add_pool(&w, "fast")->libvirt = true;
        runs_with(&w, "web1", 0)->network = g_strdup("fast");
        gave(&w, fast, 0, "web1");
        runs_with(&w, "web1", 1);
        runs_with(&w, "web1", 4)->network = g_strdup("other");
        gave(&w, other, 4, "web1");
        check(&w, "web1 live 0000:01:10.0: adopted\n"
                  "web1 live 0000:01:10.2: not adopted\n"
                  "web1 live 0000:01:11.0: not adopted\n"
                  "fast -: adopted\n"
                  "other -: not adopted\n");
        assert_steps(&w, ask("libvirt:web1"),
                     "0000:01:10.2: free → leased to libvirt:web1\n"
                     "0000:01:10.2: kept out of libvirt's network fast\n"
                     "0000:01:11.0: free → leased to libvirt:web1\n");
        world_clear(&w);
}

/* What comes back then: nothing that libvirt does not restore by itself, since nothing else is known. */
static void test_given_back(void) {
        World w = world_libvirt(7);

        runs_with(&w, "web1", 0);
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of(&w, ask(NULL), &error);
        g_assert_no_error(error);
        Lease *lease = lease_copy(lease_of_step(plan, 0));
        lease->id = 50;
        g_ptr_array_add(w.leases, lease);
        fill(&w, guest_info_add_device(w.guest, "hostdev0"), 0);
        host_vf_state(w.host, 0)->trust = true;
        assert_steps(&w, want_libvirt(WANT_DETACH, "enp1s0/0", NULL, 0),
                     "0000:01:10.0: take out of libvirt:web1\n"
                     "0000:01:10.0: driver vfio-pci → (the host's own)\n"
                     "0000:01:10.0: leased to libvirt:web1 → free\n");
        world_clear(&w);
}

static void test_extended(void) {
        World w = world_libvirt(7);

        runs_with(&w, "web1", 2);
        defined_with(&w, "web1", 2);
        own_lease(&w, 2, false);
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of(&w, ask("web1"), &error);
        g_assert_no_error(error);
        g_assert_cmpuint(plan->steps->len, ==, 1);
        const Step *step = plan->steps->pdata[0];
        g_assert_false(step->from.lease->config);
        g_assert_true(step->to.lease->config);
        g_assert_cmpint(step->to.lease->id, ==, 42);
        g_assert_cmpstr(step->to.lease->saved_driver, ==, "igbvf");
        world_clear(&w);
}

static void test_network_adopted(void) {
        World w = world_libvirt(7);

        network(&w, "range", "1 2 3");
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of(&w, ask("libvirt:range"), &error);
        g_assert_no_error(error);
        g_assert_cmpuint(plan->steps->len, ==, 2);
        const Step *file = plan->steps->pdata[0], *state = plan->steps->pdata[1];
        g_assert_cmpstr(file->path, ==, "etc/vfadm/pool-range.conf");
        g_assert_null(file->from.text);
        g_assert_nonnull(strstr(file->to.text, "[Pool range]\n"));
        g_assert_nonnull(strstr(file->to.text, "VFs=1-3\n"));
        g_assert_nonnull(strstr(file->to.text, "Libvirt=yes\n"));
        g_assert_cmpstr(state->path, ==, "run/vfadm/pools/range");
        g_assert_cmpstr(state->to.text, ==, "started\n");
        world_clear(&w);
}

static void test_refusals(void) {
        World w = world_libvirt(7);

        runs_with(&w, "web1", 3);
        runs_with(&w, "web1", 4);
        lease_out(&w, 3, "qemu:x");
        assert_refused_so(&w, ask("libvirt:web1"), VFADM_ERROR_IN_USE, "0000:01:10.6 of libvirt:web1 cannot be adopted: leased to qemu:x (lease 43)");
        assert_steps(&w, ask(NULL), "0000:01:11.0: free → leased to libvirt:web1\n");
        assert_steps(&w, ask("db"), "");
        assert_refused_so(&w, ask("nobody"), VFADM_ERROR_NOT_FOUND, "libvirt has no guest and no network of VFs named 'nobody'; 'vfadm import' shows what it has");
        g_clear_pointer(&w.books, books_free);
        assert_refused(&w, ask(NULL), VFADM_ERROR_UNSUPPORTED, "nothing to adopt");
        world_clear(&w);
}

static void test_shown(void) {
        World w = world_libvirt(7);

        runs_with(&w, "web1", 0);
        defined_with(&w, "web1", 0);
        guest_info_add_defined(book_guest(&w, "db"), "")->network = g_strdup("fa\033st");
        network(&w, "fast", "1 2 3")->autostart = true;
        g_autoptr(GPtrArray) list = given_list(w.books, w.host, w.leases, w.pools);
        g_autofree char *text = show_given_text(w.host, list, 0);
        g_assert_cmpstr(text, ==,
                        "GUEST        WHERE       DEVICE       BDF          MAC               VLAN STATE\n"
                        "libvirt:db   config      any of fa?st -            -                    - not adopted\n"
                        "libvirt:web1 live+config enp1s0/0     0000:01:10.0 02:00:00:00:00:10   42 not adopted\n"
                        "network fast started     3 VFs        -            -                    - not adopted\n");
        json_t *json = show_given_json(w.host, list), *given = json_object_get(json, "given");
        json_t *nic = json_array_get(given, 0), *device = json_array_get(given, 1), *net = json_array_get(given, 2);
        g_assert_cmpstr(json_string_value(json_object_get(nic, "kind")), ==, "nic");
        g_assert_true(json_is_null(json_object_get(nic, "address")));
        g_assert_cmpstr(json_string_value(json_object_get(device, "kind")), ==, "device");
        g_assert_cmpstr(json_string_value(json_object_get(device, "state")), ==, "not-adopted");
        g_assert_cmpint(json_integer_value(json_object_get(device, "vlan")), ==, 42);
        g_assert_true(json_is_true(json_object_get(device, "live")));
        g_assert_true(json_is_true(json_object_get(device, "config")));
        g_assert_cmpstr(json_string_value(json_object_get(net, "network")), ==, "fast");
        g_assert_cmpuint(json_array_size(json_object_get(net, "addresses")), ==, 3);
        json_decref(json);
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/adopt/devices", test_devices);
        g_test_add_func("/adopt/leases", test_leases);
        g_test_add_func("/adopt/names", test_names);
        g_test_add_func("/adopt/elsewhere", test_elsewhere);
        g_test_add_func("/adopt/networks", test_networks);
        g_test_add_func("/adopt/pool-of-network", test_pool_of_network);
        g_test_add_func("/adopt/lease-made", test_lease_made);
        g_test_add_func("/adopt/held", test_held);
        g_test_add_func("/adopt/given-back", test_given_back);
        g_test_add_func("/adopt/extended", test_extended);
        g_test_add_func("/adopt/network-adopted", test_network_adopted);
        g_test_add_func("/adopt/refusals", test_refusals);
        g_test_add_func("/adopt/shown", test_shown);
        return g_test_run();
}
