/* Stories of what others do with xl while vfadm is not looking, of hosts that boot again, and of pools on dom0. */
#include "stage.h"

#include "base/error.h"
#include "sim_xen.h"

#include <string.h>

#define VF0 "0000:01:10.0"
#define WEB "xen:web1"
#define UUID "11111111-2222-3333-4444-555555555555"
#define GUEST_STATE "mac=02:00:00:00:aa:01 vlan=42 trust=on"
#define NUMVFS "sys/bus/pci/devices/0000:01:00.0/sriov_numvfs"

/* --- before ---------------------------------------------------------------------------------------------------- */

static void given_to(Stage *stage, const char *uuid, unsigned scope) {
        g_autoptr(GError) error = NULL;
        stage_echo(stage, NUMVFS, "7");
        sim_xen_define(stage->sim, "web1", "pv", uuid, NULL);
        stage_xl(stage, "create", "web1", NULL);
        stage_must(stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0/0", scope, GUEST_STATE, &error), error);
}

static void given(Stage *stage) {
        given_to(stage, NULL, SCOPE_LIVE);
}

static void given_both(Stage *stage) {
        given_to(stage, NULL, SCOPE_LIVE | SCOPE_CONFIG);
}

static void given_both_uuid(Stage *stage) {
        given_to(stage, UUID, SCOPE_LIVE | SCOPE_CONFIG);
}

static void destroyed(Stage *stage) {
        given(stage);
        stage_xl(stage, "destroy", "web1", NULL);
}

/* Another run of the same name: it has not got the device, and its uuid is another. */
static void created_again(Stage *stage) {
        destroyed(stage);
        stage_xl(stage, "create", "web1", NULL);
}

static void created_again_uuid(Stage *stage) {
        given_to(stage, UUID, SCOPE_LIVE);
        stage_xl(stage, "destroy", "web1", NULL);
        stage_xl(stage, "create", "web1", NULL);
}

static void rebooted(Stage *stage) {
        given(stage);
        stage_xl(stage, "reboot", "web1", NULL);
}

static void crashed(Stage *stage) {
        given(stage);
        stage_xl(stage, "crash", "web1", NULL);
}

static void destroyed_both(Stage *stage) {
        given_both(stage);
        stage_xl(stage, "destroy", "web1", NULL);
}

static void created_both(Stage *stage) {
        destroyed_both(stage);
        stage_xl(stage, "create", "web1", NULL);
}

static void created_both_uuid(Stage *stage) {
        given_both_uuid(stage);
        stage_xl(stage, "destroy", "web1", NULL);
        stage_xl(stage, "create", "web1", NULL);
}

static void detached(Stage *stage) {
        given(stage);
        stage_xl(stage, "detach", "web1", VF0);
}

static void detached_both(Stage *stage) {
        given_both(stage);
        stage_xl(stage, "detach", "web1", VF0);
}

/* All the way back, by xl. */
static void removed(Stage *stage) {
        detached(stage);
        stage_xl(stage, "remove-r", VF0, NULL);
        stage_expect(stage, "vf0", "driver=igbvf override=-");
}

static void removed_driverless(Stage *stage) {
        detached(stage);
        stage_xl(stage, "remove", VF0, NULL);
}

static void removed_both(Stage *stage) {
        destroyed_both(stage);
        stage_xl(stage, "remove-r", VF0, NULL);
        stage_expect(stage, "vf0", "driver=igbvf override=-");
}

/* Another domain got it from xl. */
static void moved(Stage *stage) {
        detached(stage);
        sim_xen_define(stage->sim, "db", "hvm", NULL, "'01:10.0'");
        stage_xl(stage, "create", "db", NULL);
}

static void moved_both(Stage *stage) {
        destroyed_both(stage);
        sim_xen_define(stage->sim, "db", "hvm", NULL, "'01:10.0'");
        stage_xl(stage, "create", "db", NULL);
}

/* Its owner wrote the file anew, without the device. */
static void edited_off(Stage *stage) {
        destroyed_both(stage);
        sim_xen_define(stage->sim, "web1", "pv", NULL, NULL);
}

static void edited_running(Stage *stage) {
        given_both(stage);
        sim_xen_define(stage->sim, "web1", "pv", NULL, NULL);
}

static void boot_again(Stage *stage) {
        sim_reboot(stage->sim);
        stage_echo(stage, NUMVFS, "7");
}

static void booted(Stage *stage) {
        given(stage);
        boot_again(stage);
}

static void booted_both(Stage *stage) {
        given_both(stage);
        boot_again(stage);
}

static void booted_both_uuid(Stage *stage) {
        given_both_uuid(stage);
        boot_again(stage);
}

/* etc/xen/auto and a unit that had hidden it were quicker than vfadm. */
static void booted_running(Stage *stage) {
        booted_both(stage);
        stage_xl(stage, "add", VF0, NULL);
        stage_xl(stage, "create", "web1", NULL);
}

/* --- recovery -------------------------------------------------------------------------------------------------- */

static bool recover(Stage *stage, GError **error) {
        return stage_recover(stage, error);
}

static void check_given_back(Stage *stage) {
        stage_expect_leases(stage, 0);
        stage_expect(stage, "vf0", "driver=igbvf override=- net=enp1s0v0");
        stage_expect(stage, "vf0", "vlan=0 trust=off");
        stage_expect(stage, "vf0", "xen=dom0");
}

static void check_kept(Stage *stage) {
        stage_expect(stage, "lease " VF0, "of " WEB " active");
        stage_expect(stage, "vf0", "driver=pciback");
        stage_expect(stage, "vf0", GUEST_STATE);
        stage_expect(stage, "vf0", "xl=igbvf");
        stage_expect_leases(stage, 1);
}

static void check_kept_running(Stage *stage) {
        check_kept(stage);
        stage_expect(stage, "has " VF0, "by");
        stage_expect(stage, "vf0", "xen=web1");
}

static void check_kept_off(Stage *stage) {
        check_kept(stage);
        stage_expect(stage, "lease " VF0, "config");
        stage_expect(stage, "defined " VF0, "by");
        stage_expect(stage, "vf0", "xen=quarantine");
}

static void check_startable(Stage *stage) {
        check_kept_off(stage);
        stage_xl(stage, "create", "web1", NULL);
        check_kept_running(stage);
        stage_xl(stage, "destroy", "web1", NULL);
}

static void check_live_only(Stage *stage) {
        check_kept_running(stage);
        g_autofree char *lease = stage_row(stage, "lease " VF0);
        g_assert_null(strstr(lease, " config"));
}

/* It is db's now: nobody touches it. */
static void check_of_db(Stage *stage) {
        stage_expect(stage, "vf0", "driver=pciback");
        stage_expect(stage, "vf0", "xen=db");
        stage_expect(stage, "vf0", GUEST_STATE);
}

/* --- verbs after xl -------------------------------------------------------------------------------------------- */

static bool detach(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_DETACH, WEB, "enp1s0/0", 0, NULL, error);
}

/* What its guest has lost is given back before the detach is looked at. */
static bool detach_late(Stage *stage, GError **error) {
        g_autoptr(GError) problem = NULL;
        bool ok = detach(stage, &problem);
        if (ok || g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                return true;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

static bool adopt_and_detach(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_ADOPT, WEB, NULL, error) && stage_scoped(stage, WANT_DETACH, WEB, VF0, SCOPE_LIVE | SCOPE_CONFIG, NULL, error);
}

static bool adopt_and_detach_live(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_ADOPT, WEB, NULL, error) && stage_scoped(stage, WANT_DETACH, WEB, VF0, SCOPE_LIVE, NULL, error);
}

static bool set(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_SET, "enp1s0/0", "mac=02:00:00:00:cc:01", error);
}

static bool disable(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_DISABLE, "enp1s0", NULL, error);
}

static bool attach_again(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0/0", SCOPE_LIVE, GUEST_STATE, error);
}

static void by_hand(Stage *stage) {
        stage_echo(stage, NUMVFS, "7");
        stage_xl(stage, "add", VF0, NULL);
        sim_xen_define(stage->sim, "web1", "pv", NULL, "'01:10.0,permissive=1'");
        stage_xl(stage, "create", "web1", NULL);
}

static void check_by_hand(Stage *stage) {
        stage_expect(stage, "vf0", "xen=quarantine");
        stage_expect_no_row(stage, "has");
        stage_expect_leases(stage, 0);
}

/* --- between our look and our first step ------------------------------------------------------------------------ */

static void running(Stage *stage) {
        stage_echo(stage, NUMVFS, "7");
        sim_xen_define(stage->sim, "web1", "pv", NULL, NULL);
        stage_xl(stage, "create", "web1", NULL);
        sim_xen_define(stage->sim, "db", "hvm", UUID, NULL);
        stage_xl(stage, "create", "db", NULL);
}

static void given_beside(Stage *stage) {
        g_autoptr(GError) error = NULL;
        running(stage);
        stage_must(stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0/0", 0, GUEST_STATE, &error), error);
}

static void dies(Stage *stage) {
        stage_xl(stage, "destroy", "web1", NULL);
}

static void goes_to_db(Stage *stage) {
        if (stage->other++) /* recovery's plan has a first step, too */
                return;
        stage_xl(stage, "detach", "web1", VF0);
        stage_xl(stage, "attach", "db", VF0);
}

/* Whatever came of it: the machine is as it was, but for another run of the same guest. */
static bool then_create(Stage *stage, bool ok) {
        stage_xl(stage, "create", "web1", NULL);
        return ok;
}

static bool attach_dying(Stage *stage, GError **error) {
        return then_create(stage, attach_again(stage, error));
}

static bool detach_dying(Stage *stage, GError **error) {
        return then_create(stage, detach(stage, error));
}

/* The guest has none any more; who has it now keeps it, and the lease goes when that has ended. */
static bool detach_raced(Stage *stage, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_assert_false(detach(stage, &problem));
        g_assert_error(problem, VFADM_ERROR, VFADM_ERROR_HALF_DONE);
        stage_expect(stage, "vf0", "driver=pciback");
        stage_expect(stage, "vf0", "xen=db");
        stage_expect_leases(stage, 1);
        stage_xl(stage, "detach", "db", VF0);
        return stage_recover(stage, error);
}

/* --- other devices --------------------------------------------------------------------------------------------- */

#define NIC "0000:16:01.0"

/* dom0 sees no groups: that both send as the bridge before them stands in the caps alone. */
static void beside_bridge(Stage *stage) {
        sim_xen_define(stage->sim, "web1", "pv", NULL, NULL);
        stage_xl(stage, "create", "web1", NULL);
}

static bool attach_nic(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, NIC, 0, NULL, error);
}

static bool bind_nic(Stage *stage, GError **error) {
        return stage_bind(stage, NIC, "pciback", false, error);
}

static bool bind_vfio(Stage *stage, GError **error) {
        return stage_bind(stage, "enp1s0/0", "vfio-pci", false, error);
}

static bool bind_disk(Stage *stage, GError **error) {
        return stage_bind(stage, "0000:00:01.0", "pciback", false, error);
}

static bool bind_pf(Stage *stage, GError **error) {
        return stage_bind(stage, "enp1s0", "pciback", false, error);
}

/* --- pools ----------------------------------------------------------------------------------------------------- */

static void pool(Stage *stage) {
        g_autoptr(GError) error = NULL;
        Want *want = want_new(WANT_POOL_DEFINE);

        stage_echo(stage, NUMVFS, "7");
        sim_xen_define(stage->sim, "web1", "pv", NULL, NULL);
        stage_xl(stage, "create", "web1", NULL);
        want->pool = pool_new("net1");
        g_ptr_array_add(want->pool->pfs, g_strdup("enp1s0"));
        want->pool->vf = (VfState) {.known = VF_VLAN | VF_TRUST, .vlan = 42, .proto = VLAN_PROTO_8021Q, .trust = true};
        stage_must(stage_do(stage, want, NULL, &error) && stage_verb(stage, WANT_POOL_START, "net1", NULL, &error), error);
}

static bool attach_from_pool(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "net1", 0, NULL, error);
}

static void check_from_pool(Stage *stage) {
        stage_expect(stage, "lease " VF0, "pool=net1");
        stage_expect(stage, "vf0", "vlan=42 trust=on");
        stage_expect(stage, "vf0", "xen=web1");
}

static bool pool_there_and_back(Stage *stage, GError **error) {
        return attach_from_pool(stage, error) && detach(stage, error);
}

/* xl's guest has the first. */
static void pool_and_others(Stage *stage) {
        pool(stage);
        stage_xl(stage, "add", VF0, NULL);
        sim_xen_define(stage->sim, "db", "hvm", NULL, "'01:10.0'");
        stage_xl(stage, "create", "db", NULL);
}

static void check_next_from_pool(Stage *stage) {
        stage_expect(stage, "lease 0000:01:10.2", "pool=net1");
        stage_expect(stage, "vf1", "xen=web1");
        stage_expect(stage, "vf0", "xen=db");
}

static bool attach_from_pool_config(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "net1", SCOPE_LIVE | SCOPE_CONFIG, NULL, error);
}

static void check_from_pool_config(Stage *stage) {
        check_from_pool(stage);
        stage_expect(stage, "defined " VF0, "by");
}

/* --- the table ------------------------------------------------------------------------------------------------- */

#define IGB SIM_XEN, {"igb"}
#define IGB_FIRST SIM_XEN | SIM_PCIBACK_FIRST, {"igb"}
#define RECOVER .play = recover, .again = true

static const Story stories[] = {
        {"xl-destroyed", IGB, .prepare = destroyed, RECOVER, .check = check_given_back},
        {"xl-destroyed-pciback-first", IGB_FIRST, .stride = 3, .prepare = destroyed, RECOVER, .check = check_given_back},
        {"xl-created-again", IGB, .stride = 3, .prepare = created_again, RECOVER, .check = check_given_back},
        {"xl-created-again-uuid", IGB, .stride = 3, .prepare = created_again_uuid, RECOVER, .check = check_given_back},
        {"xl-rebooted", IGB, .stride = 2, .prepare = rebooted, RECOVER, .check = check_kept_running},
        {"xl-crashed", IGB, .stride = 2, .prepare = crashed, RECOVER, .check = check_kept_running},
        {"xl-destroyed-both", IGB, .stride = 2, .prepare = destroyed_both, RECOVER, .check = check_startable},
        {"xl-created-both", IGB, .stride = 2, .prepare = created_both, RECOVER, .check = check_kept_running},
        {"xl-created-both-uuid", IGB, .stride = 2, .prepare = created_both_uuid, RECOVER, .check = check_kept_running},
        {"xl-detached", IGB, .stride = 3, .prepare = detached, RECOVER, .check = check_given_back},
        {"xl-detached-both", IGB, .stride = 3, .prepare = detached_both, RECOVER, .check = check_kept_off},
        {"xl-removed", IGB, .stride = 2, .prepare = removed, RECOVER, .check = check_given_back},
        {"xl-removed-driverless", IGB, .stride = 3, .prepare = removed_driverless, RECOVER, .check = check_given_back},
        {"xl-removed-both", IGB, .stride = 2, .prepare = removed_both, RECOVER},
        {"xl-moved", IGB, .stride = 2, .prepare = moved, RECOVER, .check = check_of_db},
        {"xl-moved-both", IGB, .stride = 2, .prepare = moved_both, RECOVER, .check = check_of_db},
        {"xl-edited-off", IGB, .stride = 3, .prepare = edited_off, RECOVER, .check = check_given_back},
        {"xl-edited-running", IGB, .stride = 3, .prepare = edited_running, RECOVER, .check = check_live_only},
        {"xl-booted", IGB, .stride = 3, .prepare = booted, RECOVER, .check = check_given_back},
        {"xl-booted-both", IGB, .prepare = booted_both, RECOVER, .check = check_startable},
        {"xl-booted-both-uuid", IGB, .stride = 3, .prepare = booted_both_uuid, RECOVER, .check = check_startable},
        {"xl-booted-running", IGB, .stride = 3, .prepare = booted_running, RECOVER, .once = true},

        {"xl-destroyed-detach", IGB, .stride = 3, .prepare = destroyed, .play = detach_late, .check = check_given_back, .again = true},
        {"xl-rebooted-detach", IGB, .stride = 3, .prepare = rebooted, .play = detach, .check = check_given_back, .half_done = true},
        {"xl-detached-attach", IGB, .stride = 5, .prepare = detached, .play = attach_again, .partly = recover,
         .check = check_kept_running},
        {"xl-moved-detach", IGB, .prepare = moved, .play = detach, .refused = VFADM_ERROR_IN_USE, .once = true},
        {"xl-moved-set", IGB, .prepare = moved, .play = set, .refused = VFADM_ERROR_IN_USE, .once = true},
        {"xl-moved-disable", IGB, .prepare = moved, .play = disable, .refused = VFADM_ERROR_IN_USE, .once = true},
        {"xl-by-hand-detach", IGB, .prepare = by_hand, .play = detach, .refused = VFADM_ERROR_NOT_FOUND, .says = "import"},
        {"xl-adopt-detach", IGB, .stride = 3, .prepare = by_hand, .play = adopt_and_detach, .partly = adopt_and_detach_live,
         .check = check_by_hand, .half_done = true},

        {"xl-attach-dying", IGB, .prepare = running, .play = attach_dying, .meanwhile = dies, .refused = VFADM_ERROR_NOT_FOUND,
         .once = true},
        {"xl-detach-dying", IGB, .prepare = given_beside, .play = detach_dying, .meanwhile = dies, .check = check_given_back, .once = true},
        {"xl-detach-raced", IGB, .prepare = given_beside, .play = detach_raced, .meanwhile = goes_to_db, .check = check_given_back, .once = true},
        {"xl-attach-companion", SIM_XEN | SIM_CONVENTIONAL, .prepare = beside_bridge, .play = attach_nic, .refused = VFADM_ERROR_REFUSED,
         .says = "0000:16:02.0"},
        {"xl-bind-companion", SIM_XEN | SIM_CONVENTIONAL, .prepare = beside_bridge, .play = bind_nic, .refused = VFADM_ERROR_REFUSED,
         .says = "0000:16:02.0"},
        {"xl-bind-vfio", IGB, .prepare = running, .play = bind_vfio, .refused = VFADM_ERROR_UNSUPPORTED},
        {"xl-bind-disk", IGB, .play = bind_disk, .refused = VFADM_ERROR_REFUSED, .says = "mounted on /"},
        {"xl-bind-pf", IGB, .prepare = given_beside, .play = bind_pf, .refused = VFADM_ERROR_IN_USE},

        {"xl-pool-attach", IGB, .stride = 5, .prepare = pool, .play = attach_from_pool, .check = check_from_pool},
        {"xl-pool-attach-config", IGB, .stride = 5, .prepare = pool, .play = attach_from_pool_config, .check = check_from_pool_config},
        {"xl-pool-beside-others", IGB, .prepare = pool_and_others, .play = attach_from_pool, .check = check_next_from_pool, .once = true},
        {"xl-pool-there-and-back", IGB, .stride = 5, .prepare = pool, .play = pool_there_and_back, .half_done = true},
};

void stories_xl_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
