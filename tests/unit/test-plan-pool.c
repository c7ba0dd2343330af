/* Pools from want to plan: which VF a guest gets, and the exact steps of define, start, stop, autostart, delete and
 * sync. */
#include "base/error.h"
#include "hosts.h"
#include "plan/rules.h"
#include "plan_world.h"
#include "want/pool_file.h"

#include <string.h>

/* A second card "enp2s0" at 0000:02:00.0, its VFs at 02:10.0 …, on NUMA node 1. */
static Dev *add_second(Snapshot *host, unsigned vfs) {
        Dev *pf = dev_new((PciAddr){0, 2, 0, 0});
        NetDev *net = net_dev_new("enp2s0");
        const uint8_t mac[6] = {2, 0, 0, 0, 2, 1};

        pf->class_code = 0x020000;
        pf->driver = g_strdup("igb");
        pf->is_pf = true;
        pf->total_vfs = 7;
        pf->num_vfs = vfs;
        pf->numa_node = 1;
        pf->iommu_group = 40;
        pf->vfs = g_array_new(FALSE, TRUE, sizeof(PciAddr));
        pf->vf_infos = g_array_new(FALSE, TRUE, sizeof(VfInfo));
        memcpy(net->mac, mac, 6);
        memcpy(net->permanent_mac, mac, 6);
        net->up = true;
        g_ptr_array_add(pf->nets, net);
        snapshot_add(host, pf);
        for (unsigned i = 0; i < vfs; i++) {
                Dev *vf = dev_new((PciAddr){0, 2, 0x10, (uint8_t) i});
                VfInfo info = {.index = i, .state = {.known = VF_MAC | VF_VLAN}};
                vf->class_code = 0x020000;
                vf->is_vf = true;
                vf->pf = pf->addr;
                vf->vf_index = i;
                vf->iommu_group = 41 + (int) i;
                g_array_append_val(pf->vfs, vf->addr);
                g_array_append_val(pf->vf_infos, info);
                snapshot_add(host, vf);
        }
        snapshot_seal(host);
        return pf;
}

static const char *chosen(World *w, const Pool *pool, GError **error) {
        PlanInput input = {
                .host = w->host, .leases = w->leases, .guest = w->guest, .books = w->books, .pools = w->pools};
        const Dev *dev = pool_choose(pool, &input, error);
        return dev ? dev->name : NULL;
}

static void assert_none(World *w, const Pool *pool, int code, const char *message) {
        g_autoptr(GError) error = NULL;
        g_assert_null(chosen(w, pool, &error));
        g_assert_error(error, VFADM_ERROR, code);
        g_assert_cmpstr(error->message, ==, message);
}

static void test_choose(void) {
        World w = world_libvirt(2);
        Dev *second = add_second(w.host, 3);
        Pool *pool = world_add_pool(&w, "web");
        g_ptr_array_add(pool->pfs, g_strdup("02:00:00:00:02:01"));

        w.guest->numa_node = -1;
        g_assert_cmpstr(chosen(&w, pool, NULL), ==, "0000:02:10.0"); /* 3 of 3 free there, 2 of 2 here */
        pool->order = POOL_PACK;
        g_assert_cmpstr(chosen(&w, pool, NULL), ==, "0000:01:10.0");
        w.guest->numa_node = 1;
        g_assert_cmpstr(chosen(&w, pool, NULL), ==, "0000:02:10.0");
        w.guest->numa_node = 0; /* neither is there */
        g_assert_cmpstr(chosen(&w, pool, NULL), ==, "0000:01:10.0");
        pool->order = POOL_SPREAD;
        ((NetDev *) second->nets->pdata[0])->up = false;
        g_assert_cmpstr(chosen(&w, pool, NULL), ==, "0000:01:10.0");
        pool->some_vfs = true;
        pool->first_vf = pool->last_vf = 1;
        g_assert_cmpstr(chosen(&w, pool, NULL), ==, "0000:01:10.2");
        lease_out(&w, 1, "qemu:web2");
        assert_none(&w, pool, VFADM_ERROR_REFUSED,
                    "pool web: 1 of 2 VFs are free, but on a PF that is down (enp1s0/1: leased to qemu:web2 (lease "
                    "41)); run 'ip link set enp2s0 up'");
        ((NetDev *) second->nets->pdata[0])->up = true;
        g_assert_cmpstr(chosen(&w, pool, NULL), ==, "0000:02:10.1");
        pool->started = false;
        assert_none(&w, pool, VFADM_ERROR_REFUSED,
                    "pool web is stopped and hands out nothing; run 'vfadm pool start web'");
        world_clear(&w);
}

static void test_none_left(void) {
        World w = world_libvirt(7);
        Pool *pool = world_add_pool(&w, "web");
        PlanInput input = {.host = w.host, .leases = w.leases, .books = w.books};
        unsigned all;

        for (unsigned i = 0; i < 4; i++)
                lease_out(&w, i, "qemu:a");
        g_assert_cmpuint(pool_left(pool, &input, &all), ==, 3);
        g_assert_cmpuint(all, ==, 7);
        dev_add_use(host_vf(w.host, 4), USE_NETWORK, g_strdup("enp1s0v4 is up"), 0, NULL);
        GuestDevice *device = guest_info_add_defined(w.books->guests->pdata[0], "x");
        device->host = host_vf(w.host, 5)->addr;
        device->has_host = true;
        g_assert_cmpstr(chosen(&w, pool, NULL), ==, "0000:01:11.4");
        lease_out(&w, 6, "qemu:b");
        assert_none(&w, pool, VFADM_ERROR_IN_USE,
                    "pool web: all 7 VFs are in use (enp1s0/0: leased to qemu:a (lease 40), enp1s0/1: leased to qemu:a "
                    "(lease 41), "
                    "enp1s0/2: leased to qemu:a (lease 42), enp1s0/3: leased to qemu:a (lease 43), and 3 more); 'vfadm "
                    "pool show web' shows by whom");
        world_clear(&w);

        w = world_libvirt(0);
        pool = world_add_pool(&w, "web");
        assert_none(&w, pool, VFADM_ERROR_NOT_FOUND,
                    "pool web has no VFs now: enp1s0 has none; run 'vfadm enable enp1s0 N' (up to 7)");
        g_free(pool->pfs->pdata[0]);
        pool->pfs->pdata[0] = g_strdup("02:00:00:00:77:77");
        assert_none(&w, pool, VFADM_ERROR_NOT_FOUND,
                    "pool web has no VFs: none of its PFs is on this host (02:00:00:00:77:77); 'vfadm pool show web' "
                    "names them");
        world_clear(&w);
}

/* ---- define ---- */

static Want *defining(const char *name, const char *pf, bool libvirt, const char *words) {
        Want *w = want(WANT_POOL_DEFINE, NULL, words);
        w->pool = pool_new(name);
        w->pool->libvirt = libvirt;
        w->pool->vf = w->vf;
        if (pf)
                g_ptr_array_add(w->pool->pfs, g_strdup(pf));
        return w;
}

static Want *with_vfs(Want *w, unsigned first, unsigned last) {
        w->pool->some_vfs = true;
        w->pool->first_vf = first;
        w->pool->last_vf = last;
        return w;
}

/* As if it had been read from its own file. */
static void keep(World *w, Pool *pool) {
        pool->path = pool_file_path(pool->name);
        pool->text = pool_file_format(pool, w->host);
}

static void test_define(void) {
        World w = world_libvirt(2);
        g_autoptr(GError) error = NULL;

        g_autoptr(Plan) plan = plan_of(&w, defining("web", "enp1s0", false, "vlan=42"), &error);
        g_assert_no_error(error);
        g_assert_cmpuint(plan->refusals->len, ==, 0);
        g_assert_cmpuint(plan->steps->len, ==, 1);
        const Step *step = plan->steps->pdata[0];
        g_assert_cmpint(step->kind, ==, STEP_FILE);
        g_assert_cmpstr(step->path, ==, "etc/vfadm/pool-web.conf");
        g_assert_null(step->from.text);
        g_assert_nonnull(strstr(step->to.text,
                                "[Pool web]\n# enp1s0 when this was "
                                "written\nPF=02:00:00:00:01:01\nOrder=spread\nLibvirt=no\nAutostart=no\nVLAN=42\n"));
        g_assert_cmpstr(plan->summary, ==, "pool web: defined (2 VFs, 2 free)");
        g_assert_nonnull(strstr(plan->notes->pdata[0], "vfadm pool start web"));

        memset(((NetDev *) host_pf(w.host)->nets->pdata[0])->permanent_mac, 0, 6);
        g_autoptr(Plan) no_mac = plan_of(&w, defining("web", "02:00:00:00:01:01", false, NULL), &error);
        g_assert_nonnull(strstr(((const Step *) no_mac->steps->pdata[0])->to.text, "PF=0000:01:00.0\n"));
        world_clear(&w);
}

static void test_define_refused(void) {
        World w = world_libvirt(2);

        assert_refused(&w, defining("enp1s0", "enp1s0", false, NULL), VFADM_ERROR_REFUSED,
                       "enp1s0 is a device of this host");
        assert_refused(&w, defining("a/b", "enp1s0", false, NULL), VFADM_ERROR_USAGE, "is no name for a pool");
        assert_refused(&w, defining("p", NULL, false, NULL), VFADM_ERROR_USAGE, "name one with --pf");
        assert_refused(&w, defining("p", "enp9s0", false, NULL), VFADM_ERROR_NOT_FOUND, "enp9s0: no such device");
        assert_refused(&w, defining("p", "enp1s0/1", false, NULL), VFADM_ERROR_REFUSED,
                       "enp1s0/1 is itself a VF; a pool is made of PFs: name enp1s0");
        assert_refused(&w, defining("p", "00:01.0", false, NULL), VFADM_ERROR_UNSUPPORTED, "00:01.0 has no SR-IOV");
        assert_refused(&w, defining("p", "enp1s0", false, "mac=02:00:00:00:00:09"), VFADM_ERROR_USAGE,
                       "each guest has its own");
        assert_refused(&w, defining("p", "enp1s0", false, "vlan=4/802.1ad"), VFADM_ERROR_UNSUPPORTED, "802.1Q only");
        assert_refused(&w, with_vfs(defining("p", "enp1s0", false, NULL), 3, 7), VFADM_ERROR_REFUSED,
                       "enp1s0 can have VFs 0 to 6, so a pool cannot have its VF 7");
        Want *twice = defining("p", "enp1s0", false, NULL);
        g_ptr_array_add(twice->pool->pfs, g_strdup("01:00.0"));
        assert_refused(&w, twice, VFADM_ERROR_USAGE, "01:00.0 is named twice");

        Pool *other = world_add_pool(&w, "other");
        other->path = g_strdup("etc/vfadm/hand.conf");
        other->some_vfs = true;
        other->last_vf = 1;
        assert_refused(&w, defining("p", "enp1s0", false, NULL), VFADM_ERROR_REFUSED,
                       "pool other has VFs of enp1s0 already");
        assert_refused(&w, with_vfs(defining("p", "enp1s0", false, NULL), 1, 2), VFADM_ERROR_REFUSED,
                       "pool other has VFs of enp1s0 already");
        assert_steps(&w, with_vfs(defining("p", "enp1s0", false, NULL), 2, 3), "write /etc/vfadm/pool-p.conf\n");
        assert_refused(&w, defining("other", "enp1s0", false, NULL), VFADM_ERROR_REFUSED,
                       "pool other stands in /etc/vfadm/hand.conf, which vfadm did not write: change it there");
        g_free(other->path);
        other->path = g_strdup("etc/vfadm/pool-p.conf");
        assert_refused(&w, with_vfs(defining("p", "enp1s0", false, NULL), 2, 3), VFADM_ERROR_REFUSED,
                       "/etc/vfadm/pool-p.conf holds another pool, other");
        world_clear(&w);
}

static void test_define_network(void) {
        World w = world_libvirt(2);

        assert_steps(&w, defining("web", "enp1s0", true, NULL),
                     "write /etc/vfadm/pool-web.conf\n"
                     "network web: make (inactive managed pf=enp1s0)\n");
        HostdevNetwork *network = world_add_network(&w, "web", "0");
        assert_steps(&w, defining("web", "enp1s0", true, NULL),
                     "write /etc/vfadm/pool-web.conf\n"
                     "network web: active transient 0000:01:10.0 → inactive managed pf=enp1s0\n");
        add_second(w.host, 1);
        assert_refused(&w, defining("web", "enp2s0", true, NULL), VFADM_ERROR_REFUSED,
                       "libvirt has a network web with other VFs; 'vfadm import'");
        network->pf = g_strdup("enp1s0");
        assert_refused(&w, defining("web", "enp2s0", true, NULL), VFADM_ERROR_REFUSED,
                       "libvirt has a network web with other VFs");
        assert_steps(&w, defining("web", "enp2s0", false, NULL), "write /etc/vfadm/pool-web.conf\n");
        books_free(w.books);
        w.books = NULL;
        g_autoptr(Plan) plan = plan_of(&w, defining("web", "enp1s0", true, NULL), NULL);
        g_assert_cmpuint(plan->steps->len, ==, 1);
        g_assert_nonnull(strstr(plan->notes->pdata[0], "libvirt is not here, so network web is not touched"));
        world_clear(&w);
}

static void test_redefine(void) {
        World w = world_libvirt(3);
        Pool *pool = world_add_pool(&w, "web");
        pool->autostart = pool->libvirt = true;
        keep(&w, pool);
        HostdevNetwork *network = world_add_network(&w, "web", "0 1 2");
        network->pf = g_strdup("enp1s0");
        network->managed = network->persistent = network->autostart = true;

        assert_steps(&w, defining("web", "enp1s0", true, NULL), "");
        lease_out(&w, 1, "libvirt:web1");
        /* The list changes: what is leased is held in the network that begins anew. */
        assert_steps(&w, with_vfs(defining("web", "enp1s0", true, NULL), 1, 2),
                     "edit /etc/vfadm/pool-web.conf\n"
                     "network web: active autostart managed pf=enp1s0 0000:01:10.0 0000:01:10.2 0000:01:10.4 → active "
                     "autostart managed 0000:01:10.2 0000:01:10.4\n"
                     "0000:01:10.2: kept out of libvirt's network web\n");
        g_autoptr(Plan) plan = plan_of(&w, with_vfs(defining("web", "enp1s0", true, "trust=on"), 1, 2), NULL);
        g_assert_nonnull(strstr(((const Step *) plan->steps->pdata[0])->to.text, "Autostart=yes\n")); /* stays */
        assert_steps(&w, defining("web", "enp1s0", false, NULL),
                     "edit /etc/vfadm/pool-web.conf\n"
                     "network web: take away\n");
        GuestDevice *device = guest_info_add_defined(w.books->guests->pdata[0], "x");
        device->network = g_strdup("web");
        assert_refused(&w, defining("web", "enp1s0", false, NULL), VFADM_ERROR_IN_USE,
                       "libvirt:db would not start without libvirt's network web");
        world_clear(&w);
}

/* ---- start, stop, autostart, delete ---- */

static void test_start_stop(void) {
        World w = world_libvirt(2);
        Pool *pool = world_add_pool(&w, "web");
        pool->libvirt = true;
        pool->started = false;
        keep(&w, pool);

        assert_refused(&w, want(WANT_POOL_START, "no", NULL), VFADM_ERROR_NOT_FOUND, "there is no pool 'no'");
        lease_out(&w, 1, "qemu:web2");
        assert_steps(&w, want(WANT_POOL_START, "web", NULL),
                     "write /run/vfadm/pools/web\n"
                     "network web: make (active managed pf=enp1s0 0000:01:10.0 0000:01:10.2)\n"
                     "0000:01:10.2: kept out of libvirt's network web\n");
        g_autoptr(Plan) plan = plan_of(&w, want(WANT_POOL_START, "web", NULL), NULL);
        g_assert_cmpstr(((const Step *) plan->steps->pdata[0])->to.text, ==, POOL_STARTED);

        pool->started = true;
        pool->state = g_strdup(POOL_STARTED);
        HostdevNetwork *network = world_add_network(&w, "web", "0 1");
        network->pf = g_strdup("enp1s0");
        network->managed = network->persistent = true;
        HostdevPort *port = g_new0(HostdevPort, 1);
        *port = (HostdevPort){.host = host_vf(w.host, 1)->addr, .owner = g_strdup(HOSTDEV_HOLDER)};
        g_ptr_array_add(network->ports, port);
        assert_steps(&w, want(WANT_POOL_START, "web", NULL), "");
        assert_steps(&w, want(WANT_POOL_STOP, "web", NULL),
                     "remove /run/vfadm/pools/web\n"
                     "network web: active managed pf=enp1s0 0000:01:10.0 0000:01:10.2 → inactive managed pf=enp1s0\n");
        pool->autostart = true;
        g_clear_pointer(&pool->state, g_free);
        g_autoptr(Plan) until_boot = plan_of(&w, want(WANT_POOL_STOP, "web", NULL), NULL);
        g_assert_cmpstr(((const Step *) until_boot->steps->pdata[0])->to.text, ==, POOL_STOPPED);

        port = g_new0(HostdevPort, 1);
        *port = (HostdevPort){.host = host_vf(w.host, 0)->addr, .owner = g_strdup("db")};
        g_ptr_array_add(network->ports, port);
        assert_refused(&w, want(WANT_POOL_STOP, "web", NULL), VFADM_ERROR_IN_USE,
                       "network web gave VFs to libvirt:db, and");
        assert_refused(&w, want(WANT_POOL_DELETE, "web", NULL), VFADM_ERROR_IN_USE,
                       "network web gave VFs to libvirt:db; take it out");
        world_clear(&w);
}

static Want *autostart(bool off) {
        Want *w = want(WANT_POOL_AUTOSTART, "web", NULL);
        w->off = off;
        return w;
}

static void test_autostart(void) {
        World w = world_libvirt(2);
        Pool *pool = world_add_pool(&w, "web");
        keep(&w, pool);
        g_free(pool->text);
        pool->text = g_strdup("# mine\n[Pool web]\nPF=02:00:00:00:01:01\n Autostart = no");
        pool->state = g_strdup(POOL_STARTED);

        /* It is started, and will be after a boot: nothing is left to say in /run. */
        assert_steps(&w, autostart(false), "edit /etc/vfadm/pool-web.conf\nremove /run/vfadm/pools/web\n");
        g_autoptr(Plan) plan = plan_of(&w, autostart(false), NULL);
        g_assert_cmpstr(((const Step *) plan->steps->pdata[0])->to.text, ==,
                        "# mine\n[Pool web]\nPF=02:00:00:00:01:01\nAutostart=yes\n");
        assert_steps(&w, autostart(true), "");
        g_autofree char *added = pool_file_set_autostart("[Pool web]\nPF=x\n", false);
        g_assert_cmpstr(added, ==, "[Pool web]\nPF=x\nAutostart=no\n");
        g_clear_pointer(&pool->text, g_free);
        assert_refused(&w, autostart(false), VFADM_ERROR_REFUSED,
                       "stands in /etc/vfadm/pool-web.conf, which vfadm did not write: write Autostart=yes there");
        world_clear(&w);
}

static void test_delete(void) {
        World w = world_libvirt(2);
        Pool *pool = world_add_pool(&w, "web");
        pool->libvirt = true;
        keep(&w, pool);
        pool->state = g_strdup(POOL_STARTED);
        world_add_network(&w, "web", "0 1");

        lease_out(&w, 1, "qemu:web2");
        Lease *lease = w.leases->pdata[0];
        lease->pool = g_strdup("web");
        assert_refused(&w, want(WANT_POOL_DELETE, "web", NULL), VFADM_ERROR_IN_USE,
                       "qemu:web2 has 0000:01:10.2 of pool web (lease 41); run 'vfadm detach qemu:web2 0000:01:10.2'");
        g_free(lease->pool);
        lease->pool = g_strdup("other");
        assert_steps(&w, want(WANT_POOL_DELETE, "web", NULL),
                     "network web: take away\n"
                     "remove /run/vfadm/pools/web\n"
                     "remove /etc/vfadm/pool-web.conf\n");
        g_clear_pointer(&pool->text, g_free);
        assert_refused(&w, want(WANT_POOL_DELETE, "web", NULL), VFADM_ERROR_REFUSED, "take its section out there");
        world_clear(&w);
}

/* ---- sync ---- */

static void add_port(HostdevNetwork *network, PciAddr host, const char *owner) {
        HostdevPort *port = g_new0(HostdevPort, 1);
        *port = (HostdevPort){.host = host, .owner = g_strdup(owner)};
        g_ptr_array_add(network->ports, port);
}

static void test_sync(void) {
        World w = world_libvirt(5);
        Pool *pool = world_add_pool(&w, "web");
        pool->libvirt = true;

        HostdevNetwork *network = world_add_network(&w, "web", "0 1 4");
        network->pf = g_strdup("enp1s0");
        network->managed = network->persistent = true;
        HostdevNetwork *foreign = world_add_network(&w, "theirs", "0 1 2");
        lease_out(&w, 0, "qemu:a");
        lease_out(&w, 1, "qemu:b");
        dev_add_use(host_vf(w.host, 2), USE_NETWORK, g_strdup("enp1s0v2 is up"), 0, NULL);
        add_port(network, host_vf(w.host, 0)->addr, HOSTDEV_HOLDER);
        add_port(network, host_vf(w.host, 3)->addr, HOSTDEV_HOLDER); /* stale */
        add_port(network, host_vf(w.host, 4)->addr, "db");           /* the network's own keep theirs */
        add_port(foreign, host_vf(w.host, 1)->addr, "db");
        assert_steps(&w, want(WANT_POOL_SYNC, NULL, NULL),
                     "network web: active managed pf=enp1s0 0000:01:10.0 0000:01:10.2 0000:01:11.0 → active managed "
                     "pf=enp1s0 (5 VFs)\n"
                     "0000:01:10.0: still kept out of libvirt's network web\n"
                     "0000:01:10.2: kept out of libvirt's network web\n"
                     "0000:01:10.4: kept out of libvirt's network web\n"
                     "0000:01:10.6: no longer kept out of libvirt's network web\n"
                     "0000:01:10.0: kept out of libvirt's network theirs\n");
        assert_refused(&w, want(WANT_POOL_SYNC, "theirs", NULL), VFADM_ERROR_NOT_FOUND, "there is no pool 'theirs'");
        pool->started = false;
        add_port(network, host_vf(w.host, 1)->addr, "db");
        g_autoptr(Plan) plan = plan_of(&w, want(WANT_POOL_SYNC, "web", NULL), NULL);
        g_assert_cmpuint(plan->steps->len, ==, 1); /* the stale one */
        g_assert_cmpstr(plan->notes->pdata[0], ==, "network web is left running: it gave VFs to libvirt:db");
        books_free(w.books);
        w.books = NULL;
        assert_steps(&w, want(WANT_POOL_SYNC, NULL, NULL), "");
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-pool/choose", test_choose);
        g_test_add_func("/plan-pool/none-left", test_none_left);
        g_test_add_func("/plan-pool/define", test_define);
        g_test_add_func("/plan-pool/define-refused", test_define_refused);
        g_test_add_func("/plan-pool/define-network", test_define_network);
        g_test_add_func("/plan-pool/redefine", test_redefine);
        g_test_add_func("/plan-pool/start-stop", test_start_stop);
        g_test_add_func("/plan-pool/autostart", test_autostart);
        g_test_add_func("/plan-pool/delete", test_delete);
        g_test_add_func("/plan-pool/sync", test_sync);
        return g_test_run();
}
