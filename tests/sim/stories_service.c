/* Stories of pools and their libvirt networks, and of what others do with libvirt while vfadm is not looking. */
#include "stage.h"

#include "base/error.h"
#include "sim_virt.h"

#include <string.h>

#define VF0 "0000:01:10.0"
#define VF1 "0000:01:10.2"
#define OTHER_VF0 "0000:02:10.0"
#define WEB "libvirt:web1"
#define GUEST_STATE "mac=02:00:00:00:aa:01 vlan=42 trust=on"
#define NUMVFS "sys/bus/pci/devices/0000:01:00.0/sriov_numvfs"

/* --- pools ---------------------------------------------------------------------------------------------------- */

static bool define_pool(Stage *stage, const char *const *pfs, PoolOrder order, bool libvirt, GError **error) {
        Want *want = want_new(WANT_POOL_DEFINE);
        want->pool = pool_new("net1");
        for (; *pfs; pfs++)
                g_ptr_array_add(want->pool->pfs, g_strdup(*pfs));
        want->pool->order = order;
        want->pool->libvirt = libvirt;
        want->pool->vf = (VfState) {.known = VF_VLAN | VF_TRUST, .vlan = 42, .proto = VLAN_PROTO_8021Q, .trust = true};
        return stage_do(stage, want, NULL, error);
}

static const char *const one_pf[] = {"enp1s0", NULL}, *const two_pfs[] = {"enp1s0", "enp2s0", NULL};

static bool start_pool(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_POOL_START, "net1", NULL, error);
}

static void host(Stage *stage) {
        stage_echo(stage, NUMVFS, "7");
        sim_virt_add_guest(stage->sim, "web1", 8, true, GUEST_GOOD);
        sim_virt_add_guest(stage->sim, "db", 0, false, GUEST_GOOD);
}

static void two_cards(Stage *stage) {
        host(stage);
        stage_echo(stage, "sys/bus/pci/devices/0000:02:00.0/sriov_numvfs", "7");
}

static bool define(Stage *stage, GError **error) {
        return define_pool(stage, one_pf, POOL_SPREAD, true, error);
}

static void check_defined(Stage *stage) {
        stage_expect(stage, "/etc/vfadm/pool-net1.conf", "is");
}

static bool define_and_start(Stage *stage, GError **error) {
        return define(stage, error) && start_pool(stage, error);
}

static void check_started(Stage *stage) {
        stage_expect(stage, "network net1", "pf=enp1s0");
        stage_expect(stage, "now:", "active");
        stage_expect(stage, "now:", VF0);
}

static void pool(Stage *stage) {
        g_autoptr(GError) error = NULL;
        host(stage);
        stage_must(define_and_start(stage, &error), error);
}

static void plain_pool(Stage *stage, PoolOrder order) {
        g_autoptr(GError) error = NULL;
        two_cards(stage);
        stage_must(define_pool(stage, two_pfs, order, false, &error) && start_pool(stage, &error), error);
}

static void spread_pool(Stage *stage) {
        plain_pool(stage, POOL_SPREAD);
}

static void pack_pool(Stage *stage) {
        plain_pool(stage, POOL_PACK);
}

/* Several PFs: the network has the list that libvirt's own pools lack. */
static bool start_wide_pool(Stage *stage, GError **error) {
        return define_pool(stage, two_pfs, POOL_SPREAD, true, error) && start_pool(stage, error);
}

static void check_wide(Stage *stage) {
        stage_expect(stage, "now:", VF0);
        stage_expect(stage, "now:", OTHER_VF0);
}

static bool attach(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "net1", 0, NULL, error);
}

static void check_from_pool(Stage *stage) {
        stage_expect(stage, "lease " VF0, "pool=net1");
        stage_expect(stage, "vf0", "vlan=42 trust=on");
        stage_expect(stage, "port " VF0, "of vfadm");
}

static bool attach_three(Stage *stage, GError **error) {
        return attach(stage, error) && attach(stage, error) && attach(stage, error);
}

static void check_spread(Stage *stage) {
        stage_expect(stage, "lease " VF0, "pool=net1");
        stage_expect(stage, "lease " OTHER_VF0, "pool=net1");
        stage_expect(stage, "lease " VF1, "pool=net1");
}

static void check_packed(Stage *stage) {
        stage_expect(stage, "lease " VF0, "pool=net1");
        stage_expect(stage, "lease " VF1, "pool=net1");
        stage_expect(stage, "lease 0000:01:10.4", "pool=net1");
}

static void pool_empty(Stage *stage) {
        g_autoptr(GError) error = NULL;
        pool(stage);
        for (unsigned i = 0; i < 7; i++)
                stage_must(attach(stage, &error), error);
}

/* The definition names the pool, and libvirt chooses at each start. */
static bool attach_to_definition(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, "libvirt:db", "net1", SCOPE_CONFIG, NULL, error);
}

static void check_definition(Stage *stage) {
        stage_expect(stage, "defined net1", "<source network='net1'/>");
        stage_expect_leases(stage, 0);
}

static bool attach_both(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "net1", SCOPE_LIVE | SCOPE_CONFIG, NULL, error);
}

static void check_both(Stage *stage) {
        stage_expect(stage, "defined net1", "<source network='net1'/>");
        stage_expect(stage, "has " VF0, "on pci.");
        stage_expect_leases(stage, 1);
}

static void attached_both(Stage *stage) {
        g_autoptr(GError) error = NULL;
        pool(stage);
        stage_must(attach_both(stage, &error), error);
}

static bool detach_both(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_DETACH, WEB, "enp1s0/0", SCOPE_LIVE | SCOPE_CONFIG, NULL, error);
}

static bool detach_live(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_DETACH, WEB, "enp1s0/0", SCOPE_LIVE, NULL, error);
}

static void check_live_gone(Stage *stage) {
        stage_expect_no_row(stage, "has");
        stage_expect_leases(stage, 0);
}

static void pool_used(Stage *stage) {
        g_autoptr(GError) error = NULL;
        pool(stage);
        stage_must(attach(stage, &error), error);
}

static bool stop_pool(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_POOL_STOP, "net1", NULL, error);
}

static void check_stopped(Stage *stage) {
        g_autofree char *now = stage_row(stage, "now:");
        g_assert_true(!now || strstr(now, "not started"));
}

static bool delete_pool(Stage *stage, GError **error) {
        return (stop_pool(stage, error)) && stage_verb(stage, WANT_POOL_DELETE, "net1", NULL, error);
}

static void check_deleted(Stage *stage) {
        stage_expect_no_row(stage, "network net1");
        stage_expect_no_row(stage, "/etc/vfadm/pool-net1.conf");
}

static bool autostart_pool(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_POOL_AUTOSTART, "net1", NULL, error);
}

static void check_autostart(Stage *stage) {
        stage_expect(stage, "network net1", "autostart");
}

static bool sync_pools(Stage *stage, GError **error) {
        Want *want = want_new(WANT_POOL_SYNC);
        return stage_do(stage, want, NULL, error);
}

/* The network knows of the VFs that its PF had when it was started. */
static void fewer_then_more(Stage *stage) {
        g_autoptr(GError) error = NULL;
        stage_echo(stage, NUMVFS, "3");
        sim_virt_add_guest(stage->sim, "web1", 8, true, GUEST_GOOD);
        sim_virt_add_guest(stage->sim, "db", 0, false, GUEST_GOOD);
        stage_must(define_and_start(stage, &error), error);
        stage_echo(stage, NUMVFS, "0");
        stage_echo(stage, NUMVFS, "7");
}

static void wide_fewer_then_more(Stage *stage) {
        g_autoptr(GError) error = NULL;
        host(stage);
        stage_echo(stage, "sys/bus/pci/devices/0000:02:00.0/sriov_numvfs", "7");
        stage_echo(stage, NUMVFS, "0");
        stage_must(start_wide_pool(stage, &error), error);
        stage_must(stage_scoped(stage, WANT_ATTACH, WEB, "enp2s0/0", 0, NULL, &error), error);
        stage_echo(stage, NUMVFS, "7");
}

static void fewer_then_more_leased(Stage *stage) {
        g_autoptr(GError) error = NULL;
        fewer_then_more(stage);
        stage_must(stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0/0", 0, NULL, &error), error);
        stage_must(stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0/6", 0, NULL, &error), error);
}

static void fewer_then_more_given(Stage *stage) {
        fewer_then_more_leased(stage);
        /* libvirt's own guest has one of the network. */
        stage_virsh(stage, "define", "db",
                    "<interface type='network'><mac address='02:00:00:00:dd:01'/><source network='net1'/></interface>");
        stage_virsh(stage, "start", "db", NULL);
}

static void check_synced(Stage *stage) {
        stage_expect(stage, "now:", "0000:01:11.4");
}

static void check_synced_leased(Stage *stage) {
        check_synced(stage);
        stage_expect(stage, "port " VF0, "of vfadm");
        stage_expect(stage, "port 0000:01:11.4", "of vfadm");
}

static void check_synced_given(Stage *stage) {
        check_synced_leased(stage);
        stage_expect(stage, "port " VF1, "of db");
        stage_expect(stage, "has " VF1, "on pci.");
}

/* As 'vfadm recover' goes on: a network of a PF cannot get its former list again, only the one that is right now. */
static void synced(Stage *stage) {
        g_autoptr(GError) error = NULL;
        stage_must(sync_pools(stage, &error), error);
}

/* --- what others do meanwhile --------------------------------------------------------------------------------- */

static void given(Stage *stage, unsigned scope) {
        g_autoptr(GError) error = NULL;
        stage_echo(stage, NUMVFS, "7");
        sim_virt_add_guest(stage->sim, "web1", 2, true, GUEST_GOOD);
        stage_virsh(stage, "net-define", "passthrough", "active managed pf=enp1s0");
        stage_virsh(stage, "net-start", "passthrough", NULL);
        stage_must(stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0/0", scope, GUEST_STATE, &error), error);
}

static void destroyed(Stage *stage) {
        given(stage, SCOPE_LIVE);
        stage_virsh(stage, "destroy", "web1", NULL);
}

static void destroyed_defined(Stage *stage) {
        given(stage, SCOPE_LIVE | SCOPE_CONFIG);
        stage_virsh(stage, "destroy", "web1", NULL);
}

static void undefined(Stage *stage) {
        destroyed_defined(stage);
        stage_virsh(stage, "undefine", "web1", NULL);
}

static void undefined_running(Stage *stage) {
        given(stage, SCOPE_LIVE | SCOPE_CONFIG);
        stage_virsh(stage, "undefine", "web1", NULL);
}

static void restarted(Stage *stage) {
        destroyed_defined(stage);
        stage_virsh(stage, "start", "web1", NULL);
}

static void renamed(Stage *stage) {
        destroyed_defined(stage);
        stage_virsh(stage, "rename", "web1", "web2");
        stage_virsh(stage, "start", "web2", NULL);
}

/* VFs are there again, and nothing of what they were given. */
static void rebooted(Stage *stage) {
        destroyed_defined(stage);
        stage_virsh(stage, "net-destroy", "passthrough", NULL);
        sim_reboot(stage->sim);
        stage_echo(stage, NUMVFS, "7");
        stage_virsh(stage, "net-start", "passthrough", NULL);
}

static void rebooted_running(Stage *stage) {
        rebooted(stage);
        stage_virsh(stage, "start", "web1", NULL);
}

#define VF0_ELEMENT                                                                                                                      \
        "<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>"   \
        "</source></hostdev>"

static void taken_out(Stage *stage) {
        given(stage, SCOPE_LIVE);
        stage_virsh(stage, "detach", "web1", VF0_ELEMENT);
}

static void taken_out_of_both(Stage *stage) {
        given(stage, SCOPE_LIVE | SCOPE_CONFIG);
        stage_virsh(stage, "detach", "web1", VF0_ELEMENT);
        stage_virsh(stage, "forget", "web1", VF0_ELEMENT);
}

static void taken_out_of_definition(Stage *stage) {
        given(stage, SCOPE_LIVE | SCOPE_CONFIG);
        stage_virsh(stage, "forget", "web1", VF0_ELEMENT);
}

static void taken_out_of_guest(Stage *stage) {
        given(stage, SCOPE_LIVE | SCOPE_CONFIG);
        stage_virsh(stage, "detach", "web1", VF0_ELEMENT);
}

static void network_restarted(Stage *stage) {
        given(stage, SCOPE_LIVE | SCOPE_CONFIG);
        stage_virsh(stage, "net-destroy", "passthrough", NULL);
        stage_virsh(stage, "net-start", "passthrough", NULL);
        stage_expect_no_row(stage, "port");
}

/* A vfadm of which nothing but its hold is left. */
static void stale_hold(Stage *stage) {
        given(stage, SCOPE_LIVE);
        stage_virsh(stage, "net-port", "passthrough", VF1);
}

static void daemon_down(Stage *stage) {
        destroyed_defined(stage);
        sim_virt_daemon(stage->sim, VIRT_DOWN);
}

static bool recover(Stage *stage, GError **error) {
        return stage_recover(stage, error);
}

static void check_given_back(Stage *stage) {
        stage_expect_leases(stage, 0);
        stage_expect_no_row(stage, "port");
        stage_expect(stage, "vf0", "driver=igbvf override=- net=enp1s0v0");
        stage_expect(stage, "vf0", "vlan=0 trust=off");
}

static void check_kept_off(Stage *stage) {
        stage_expect(stage, "lease " VF0, "config");
        stage_expect(stage, "lease " VF0, "off");
        stage_expect(stage, "port " VF0, "of vfadm");
}

static void check_kept_running(Stage *stage) {
        g_autofree char *lease = stage_row(stage, "lease " VF0);
        g_assert_true(lease && !strstr(lease, " off"));
        stage_expect(stage, "has " VF0, "on pci.");
        stage_expect(stage, "port " VF0, "of vfadm");
}

static void check_set_again(Stage *stage) {
        check_kept_off(stage);
        stage_expect(stage, "vf0", "driver=igbvf");
        stage_expect(stage, "vf0", "trust=on");
}

static void check_live_only(Stage *stage) {
        g_autofree char *lease = stage_row(stage, "lease " VF0);
        g_assert_true(lease && !strstr(lease, " config"));
        stage_expect(stage, "has " VF0, "on pci.");
}

static void check_no_stale(Stage *stage) {
        check_kept_running(stage);
        stage_expect_no_row(stage, "port " VF1);
}

/* --- adopting ------------------------------------------------------------------------------------------------- */

static void by_hand(Stage *stage) {
        stage_echo(stage, NUMVFS, "7");
        sim_virt_add_guest(stage->sim, "web1", 2, true, GUEST_GOOD);
        stage_virsh(stage, "net-define", "passthrough", "active managed pf=enp1s0");
        stage_virsh(stage, "net-start", "passthrough", NULL);
        stage_virsh(stage, "define", "web1", VF0_ELEMENT);
        stage_virsh(stage, "attach", "web1", VF0_ELEMENT);
}

static bool adopt(Stage *stage, const char *what, GError **error) {
        return stage_verb(stage, WANT_ADOPT, what, NULL, error);
}

static bool adopt_guest(Stage *stage, GError **error) {
        return adopt(stage, WEB, error);
}

static void check_adopted(Stage *stage) {
        stage_expect(stage, "lease " VF0, "of " WEB " active");
        stage_expect(stage, "lease " VF0, "config");
        stage_expect(stage, "has " VF0, "on pci.1");
}

static bool adopt_all(Stage *stage, GError **error) {
        return adopt(stage, NULL, error);
}

static bool adopt_and_detach(Stage *stage, GError **error) {
        return adopt_guest(stage, error) &&
               stage_scoped(stage, WANT_DETACH, WEB, "enp1s0/0", SCOPE_LIVE | SCOPE_CONFIG, NULL, error);
}

static bool adopt_and_detach_live(Stage *stage, GError **error) {
        return adopt_guest(stage, error) && detach_live(stage, error);
}

#define IGB .cards = {"igb"}
#define TWO .cards = {"igb", "igb"}

static const Story stories[] = {
        {"pool-define", IGB, .stride = 5, .prepare = host, .play = define, .check = check_defined},
        {"pool-start", IGB, .prepare = host, .play = define_and_start, .check = check_started, .down = true},
        {"pool-start-wide", TWO, .stride = 5, .prepare = two_cards, .play = start_wide_pool, .check = check_wide},
        {"pool-attach", IGB, .stride = 5, .prepare = pool, .play = attach, .check = check_from_pool},
        {"pool-attach-spread", TWO, .prepare = spread_pool, .play = attach_three, .check = check_spread, .once = true},
        {"pool-attach-packed", TWO, .prepare = pack_pool, .play = attach_three, .check = check_packed, .once = true},
        {"pool-attach-empty", IGB, .prepare = pool_empty, .play = attach, .refused = VFADM_ERROR_IN_USE, .once = true},
        {"pool-attach-definition", IGB, .stride = 5, .prepare = pool, .play = attach_to_definition, .check = check_definition},
        {"pool-attach-both", IGB, .stride = 5, .prepare = pool, .play = attach_both, .check = check_both},
        {"pool-detach-both", IGB, .stride = 2, .prepare = attached_both, .play = detach_both, .partly = detach_live,
         .check = check_live_gone, .half_done = true},
        {"pool-stop", IGB, .stride = 5, .prepare = pool, .play = stop_pool, .check = check_stopped},
        {"pool-delete", IGB, .stride = 5, .prepare = pool, .play = delete_pool, .check = check_deleted},
        {"pool-autostart", IGB, .stride = 5, .prepare = pool, .play = autostart_pool, .check = check_autostart},
        {"pool-sync", IGB, .prepare = fewer_then_more, .play = sync_pools, .check = check_synced, .settle = synced},
        {"pool-sync-leased", IGB, .stride = 2, .prepare = fewer_then_more_leased, .play = sync_pools, .check = check_synced_leased,
         .settle = synced},
        {"pool-sync-wide", TWO, .stride = 5, .prepare = wide_fewer_then_more, .play = sync_pools, .check = check_synced, .settle = synced},
        {"pool-sync-given", IGB, .prepare = fewer_then_more_given, .play = sync_pools, .check = check_synced_given, .once = true},
        {"pool-sync-nothing", IGB, .prepare = pool_used, .play = sync_pools, .check = check_from_pool},
        {"libvirt-destroyed", IGB, .prepare = destroyed, .play = recover, .check = check_given_back, .again = true, .down = true},
        {"libvirt-destroyed-defined", IGB, .stride = 3, .prepare = destroyed_defined, .play = recover, .check = check_kept_off,
         .again = true},
        {"libvirt-undefined", IGB, .stride = 3, .prepare = undefined, .play = recover, .check = check_given_back, .again = true},
        {"libvirt-undefined-running", IGB, .stride = 3, .prepare = undefined_running, .play = recover, .check = check_live_only,
         .again = true},
        {"libvirt-restarted", IGB, .prepare = restarted, .play = recover, .check = check_kept_running, .again = true},
        {"libvirt-renamed", IGB, .stride = 3, .prepare = renamed, .play = recover, .check = check_kept_running, .again = true},
        {"libvirt-rebooted", IGB, .prepare = rebooted, .play = recover, .check = check_set_again, .again = true},
        {"libvirt-rebooted-running", IGB, .prepare = rebooted_running, .play = recover, .check = check_kept_running, .again = true},
        {"libvirt-taken-out", IGB, .stride = 3, .prepare = taken_out, .play = recover, .check = check_given_back, .again = true},
        {"libvirt-taken-out-both", IGB, .stride = 3, .prepare = taken_out_of_both, .play = recover, .check = check_given_back,
         .again = true},
        {"libvirt-taken-out-definition", IGB, .prepare = taken_out_of_definition, .play = recover, .check = check_live_only, .again = true},
        {"libvirt-taken-out-guest", IGB, .stride = 3, .prepare = taken_out_of_guest, .play = recover, .check = check_kept_off,
         .again = true},
        {"libvirt-network-restarted", IGB, .prepare = network_restarted, .play = recover, .check = check_kept_running, .again = true},
        {"libvirt-stale-hold", IGB, .stride = 3, .prepare = stale_hold, .play = recover, .check = check_no_stale, .again = true},
        {"libvirt-recover-down", IGB, .prepare = daemon_down, .play = recover, .once = true},
        {"libvirt-adopt", IGB, .prepare = by_hand, .play = adopt_guest, .check = check_adopted},
        {"libvirt-adopt-all", IGB, .stride = 5, .prepare = by_hand, .play = adopt_all, .check = check_adopted},
        {"libvirt-adopt-detach", IGB, .stride = 5, .prepare = by_hand, .play = adopt_and_detach, .partly = adopt_and_detach_live,
         .check = check_given_back, .half_done = true},
};

void stories_service_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
