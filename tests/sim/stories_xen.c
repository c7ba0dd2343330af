/* Stories of Xen's domains: devices there and back, in the running domain and in its file, and what is refused. */
#include "stage.h"

#include "base/error.h"
#include "sim_modules.h"
#include "sim_xen.h"

#include <string.h>

#define VF0 "0000:01:10.0"
#define VF1 "0000:01:10.2"
#define WEB "xen:web1"
#define DB "xen:db"
#define DB_UUID "11111111-2222-3333-4444-555555555555"
#define GUEST_MAC "mac=02:00:00:00:aa:01"
#define GUEST_STATE GUEST_MAC " vlan=42"
#define NUMVFS "sys/bus/pci/devices/0000:01:00.0/sriov_numvfs"
#define AUTOPROBE "sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe"

/* --- before ---------------------------------------------------------------------------------------------------- */

static void seven(Stage *stage) {
        stage_echo(stage, NUMVFS, "7");
}

static void start(Stage *stage, const char *name, const char *type, const char *uuid, const char *pci) {
        sim_xen_define(stage->sim, name, type, uuid, pci);
        stage_xl(stage, "create", name, NULL);
}

static void running(Stage *stage) {
        seven(stage);
        start(stage, "web1", "pv", NULL, NULL);
}

/* With a uuid of its own, and a QEMU in dom0 that has its name. */
static void running_hvm(Stage *stage) {
        seven(stage);
        start(stage, "web1", "hvm", DB_UUID, NULL);
}

static void running_autoprobe_off(Stage *stage) {
        running(stage);
        stage_echo(stage, AUTOPROBE, "0");
}

static void running_driverless(Stage *stage) {
        g_autoptr(GError) error = NULL;
        stage_must(stage_enable(stage, "enp1s0", 7, &error), error);
        start(stage, "web1", "pv", NULL, NULL);
}

static void running_with_state(Stage *stage) {
        g_autoptr(GError) error = NULL;
        running(stage);
        stage_must(stage_verb(stage, WANT_SET, "enp1s0/0", "mac=02:00:00:00:bb:00 vlan=100.3 trust=on", &error), error);
}

/* xl has hidden it already. */
static void running_hidden(Stage *stage) {
        running(stage);
        stage_xl(stage, "add", VF0, NULL);
}

static void off(Stage *stage) {
        seven(stage);
        sim_xen_define(stage->sim, "web1", "pv", NULL, NULL);
}

static void running_no_plug(Stage *stage) {
        running(stage);
        sim_xen_manners(stage->sim, "web1", GUEST_NO_PLUG);
}

static void running_pvh(Stage *stage) {
        seven(stage);
        start(stage, "web1", "pvh", NULL, NULL);
}

static void running_no_passthrough(Stage *stage) {
        seven(stage);
        start(stage, "web1", "hvm", NULL, "");
}

static void other_has(Stage *stage) {
        running_hidden(stage);
        start(stage, "db", "hvm", DB_UUID, "'01:10.0'");
}

static void other_defined(Stage *stage) {
        running(stage);
        sim_xen_define(stage->sim, "db", "pv", NULL, "'01:10.0', '01:10.2'");
}

static void two_files(Stage *stage) {
        off(stage);
        sim_xen_define(stage->sim, "copy", "pv", NULL, "'01:10.4' ]\nname = \"web1\" # [");
}

/* --- attach ---------------------------------------------------------------------------------------------------- */

static bool attach_with(Stage *stage, unsigned scope, const char *words, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0/0", scope, words, error);
}

static bool attach(Stage *stage, GError **error) {
        return attach_with(stage, 0, GUEST_STATE, error);
}

static void check_on_pciback(Stage *stage) {
        stage_expect(stage, "vf0", "driver=pciback");
        stage_expect(stage, "vf0", "net=-");
        stage_expect(stage, "vf0", GUEST_STATE);
        stage_expect(stage, "lease " VF0, "of " WEB " active");
        stage_expect_leases(stage, 1);
}

static void check_plugged(Stage *stage) {
        check_on_pciback(stage);
        stage_expect(stage, "has " VF0, "by " VF0);
        stage_expect(stage, "vf0", "xen=web1");
}

static void check_attached(Stage *stage) {
        check_plugged(stage);
        g_autofree char *row = stage_row(stage, "has " VF0);
        g_assert_null(strstr(row, "permissive"));
        stage_expect(stage, "vf0", "override=-");
        stage_expect(stage, "vf0", "xl=igbvf");
        stage_expect_no_row(stage, "defined");
}

static void check_attached_driverless(Stage *stage) {
        check_plugged(stage);
        stage_expect(stage, "vf0", "xl=-");
}

static bool attach_bare(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, "web1", "enp1s0/0", 0, GUEST_STATE " slot=1f msitranslate=1 power-mgmt=1 rdm=relaxed", error);
}

static void check_options(Stage *stage) {
        check_attached(stage);
        stage_expect(stage, "has " VF0, "@1f");
        stage_expect(stage, "has " VF0, "msitranslate=1");
        stage_expect(stage, "has " VF0, "power_mgmt=1");
        stage_expect(stage, "has " VF0, "rdm_policy=relaxed");
        stage_expect(stage, "lease " VF0, "uuid=" DB_UUID);
}

static bool attach_permissive(Stage *stage, GError **error) {
        return attach_with(stage, 0, GUEST_STATE " permissive=on", error);
}

static void check_permissive(Stage *stage) {
        check_plugged(stage);
        stage_expect(stage, "has " VF0, "permissive=1");
}

static bool attach_slot(Stage *stage, GError **error) {
        return attach_with(stage, 0, GUEST_STATE " slot=5", error);
}

static bool attach_managed(Stage *stage, GError **error) {
        return attach_with(stage, 0, GUEST_STATE " managed=no", error);
}

static void check_hidden(Stage *stage) {
        check_plugged(stage);
        stage_expect(stage, "lease " VF0, "driver=pciback");
}

static bool attach_live(Stage *stage, GError **error) {
        return attach_with(stage, SCOPE_LIVE, GUEST_STATE, error);
}

static bool attach_config(Stage *stage, GError **error) {
        return attach_with(stage, SCOPE_CONFIG, GUEST_STATE, error);
}

static bool attach_both(Stage *stage, GError **error) {
        return attach_with(stage, SCOPE_LIVE | SCOPE_CONFIG, GUEST_STATE, error);
}

static void check_defined(Stage *stage) {
        check_on_pciback(stage);
        stage_expect(stage, "vf0", "xen=quarantine xl=igbvf");
        stage_expect(stage, "defined " VF0, "by " VF0);
        stage_expect(stage, "lease " VF0, "config");
        stage_expect_no_row(stage, "has");
}

/* And it is what the next start has. */
static void check_startable(Stage *stage) {
        check_defined(stage);
        stage_xl(stage, "create", "web1", NULL);
        check_plugged(stage);
        stage_xl(stage, "destroy", "web1", NULL);
        check_defined(stage);
}

static void check_both(Stage *stage) {
        check_plugged(stage);
        stage_expect(stage, "defined " VF0, "by " VF0);
        stage_expect(stage, "lease " VF0, "config");
}

static bool attach_any(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0", 0, GUEST_STATE, error);
}

static void check_third(Stage *stage) {
        stage_expect(stage, "lease 0000:01:10.4", "of " WEB);
        stage_expect(stage, "has 0000:01:10.4", "by");
}

static void check_second(Stage *stage) {
        stage_expect(stage, "lease " VF1, "of " WEB);
        stage_expect(stage, "has " VF1, "by");
}

/* Somebody with xl is quicker than our first step. */
static void xl_was_first(Stage *stage) {
        stage_xl(stage, "add", VF0, NULL);
        stage_xl(stage, "create", "db", NULL);
        stage_xl(stage, "attach", "db", VF0);
}

static void other_off(Stage *stage) {
        running(stage);
        sim_xen_define(stage->sim, "db", "hvm", DB_UUID, NULL);
}

static bool attach_raced(Stage *stage, GError **error) {
        bool ok = attach(stage, error);
        stage_expect(stage, "vf0", "driver=pciback");
        stage_expect(stage, "vf0", "xen=db xl=igbvf");
        stage_xl(stage, "destroy", "db", NULL);
        stage_xl(stage, "remove-r", VF0, NULL);
        return ok;
}

/* The module is no part of the machine: it is not here only while this is played. */
static bool without_module(Stage *stage, bool (*play)(Stage *stage, GError **error), GError **error) {
        sim_module_missing("xen");
        bool ok = play(stage, error);
        sim_module_missing(NULL);
        return ok;
}

static bool attach_no_module(Stage *stage, GError **error) {
        return without_module(stage, attach, error);
}

static bool set_hidden(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_SET, "enp1s0/0", "mac=02:00:00:00:cc:01 vlan=7", error);
}

static bool set_no_module(Stage *stage, GError **error) {
        return without_module(stage, set_hidden, error);
}

/* --- detach ---------------------------------------------------------------------------------------------------- */

static void attached_with(Stage *stage, void (*prepare)(Stage *stage), bool (*give)(Stage *stage, GError **error)) {
        g_autoptr(GError) error = NULL;
        prepare(stage);
        stage_must(give(stage, &error), error);
}

static void attached(Stage *stage) {
        attached_with(stage, running, attach);
}

static void attached_hvm(Stage *stage) {
        attached_with(stage, running_hvm, attach);
}

static void attached_autoprobe_off(Stage *stage) {
        attached_with(stage, running_autoprobe_off, attach);
}

static void attached_driverless(Stage *stage) {
        attached_with(stage, running_driverless, attach);
}

static void attached_with_state(Stage *stage) {
        attached_with(stage, running_with_state, attach);
}

static void attached_hidden(Stage *stage) {
        attached_with(stage, running_hidden, attach);
}

static void attached_config(Stage *stage) {
        attached_with(stage, off, attach_config);
}

static void attached_both(Stage *stage) {
        attached_with(stage, running, attach_both);
}

static void attached_slow(Stage *stage) {
        attached_hvm(stage);
        sim_xen_manners(stage->sim, "web1", GUEST_SLOW);
}

static void attached_keeper(Stage *stage) {
        attached_hvm(stage);
        sim_xen_manners(stage->sim, "web1", GUEST_KEEPS);
}

static void attached_refuser(Stage *stage) {
        attached_hvm(stage);
        sim_xen_manners(stage->sim, "web1", GUEST_REFUSES);
}

static bool detach_with(Stage *stage, unsigned scope, GError **error) {
        return stage_scoped(stage, WANT_DETACH, WEB, "enp1s0/0", scope, NULL, error);
}

static bool detach(Stage *stage, GError **error) {
        return detach_with(stage, 0, error);
}

static bool detach_live(Stage *stage, GError **error) {
        return detach_with(stage, SCOPE_LIVE, error);
}

static bool detach_config(Stage *stage, GError **error) {
        return detach_with(stage, SCOPE_CONFIG, error);
}

static bool detach_both(Stage *stage, GError **error) {
        return detach_with(stage, SCOPE_LIVE | SCOPE_CONFIG, error);
}

static void check_free(Stage *stage) {
        stage_expect_leases(stage, 0);
        stage_expect_no_row(stage, "has");
        stage_expect_no_row(stage, "defined");
        stage_expect(stage, "vf0", "vlan=0 trust=off");
}

static void check_back(Stage *stage) {
        check_free(stage);
        stage_expect(stage, "vf0", "driver=igbvf override=- net=enp1s0v0");
        stage_expect(stage, "vf0", "xen=dom0 xl=-");
}

static void check_back_driverless(Stage *stage) {
        check_free(stage);
        stage_expect(stage, "vf0", "driver=- override=- net=-");
        stage_expect(stage, "vf0", "xen=dom0 xl=-");
}

static void check_back_with_state(Stage *stage) {
        stage_expect_leases(stage, 0);
        stage_expect(stage, "vf0", "driver=igbvf override=- net=enp1s0v0");
        stage_expect(stage, "vf0", "mac=02:00:00:00:bb:00 vlan=100.3 trust=on");
        stage_expect(stage, "vf0", "xen=dom0 xl=-");
}

/* Whoever hid it has it hidden still, and xl knows what it is to become again. */
static void check_back_hidden(Stage *stage) {
        check_free(stage);
        stage_expect(stage, "vf0", "driver=pciback");
        stage_expect(stage, "vf0", "xen=quarantine xl=igbvf");
}

static void check_still_defined(Stage *stage) {
        check_defined(stage);
}

static void check_still_plugged(Stage *stage) {
        check_plugged(stage);
        stage_expect_no_row(stage, "defined");
}

static void keeper_lets_go(Stage *stage) {
        sim_xen_manners(stage->sim, "web1", GUEST_GOOD);
}

/* What libxl has lost track of is known again when the domain has ended. */
static void starts_anew(Stage *stage) {
        stage_xl(stage, "destroy", "web1", NULL);
        stage_xl(stage, "create", "web1", NULL);
}

static void check_pending(Stage *stage) {
        stage_expect(stage, "lease " VF0, "of " WEB " pending");
        stage_expect(stage, "vf0", "driver=pciback");
        stage_expect(stage, "vf0", "xen=web1");
}

static bool there_and_back(Stage *stage, GError **error) {
        return attach_both(stage, error) && detach_both(stage, error);
}

static bool there_and_half_back(Stage *stage, GError **error) {
        return attach_both(stage, error) && detach_live(stage, error);
}

/* --- bind and unbind ------------------------------------------------------------------------------------------- */

static bool bind(Stage *stage, GError **error) {
        return stage_bind(stage, "enp1s0/0", "pciback", false, error);
}

static bool bind_module_name(Stage *stage, GError **error) {
        return stage_bind(stage, "enp1s0/0", "xen-pciback", false, error);
}

static void check_bound(Stage *stage) {
        stage_expect(stage, "vf0", "driver=pciback override=- net=-");
        stage_expect(stage, "vf0", "xen=quarantine xl=igbvf");
        /* It is what xl takes. */
        stage_xl(stage, "attach", "web1", VF0);
        stage_xl(stage, "detach", "web1", VF0);
}

static void check_bound_driverless(Stage *stage) {
        stage_expect(stage, "vf0", "driver=pciback override=- net=-");
        stage_expect(stage, "vf0", "xen=quarantine xl=-");
}

static void autoprobe_off(Stage *stage) {
        seven(stage);
        stage_echo(stage, AUTOPROBE, "0");
}

static void bound(Stage *stage) {
        g_autoptr(GError) error = NULL;
        seven(stage);
        stage_must(bind(stage, &error), error);
}

static void bound_autoprobe_off(Stage *stage) {
        bound(stage);
        stage_echo(stage, AUTOPROBE, "0");
}

static void hidden(Stage *stage) {
        seven(stage);
        stage_xl(stage, "add", VF0, NULL);
}

static bool unbind(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_UNBIND, "enp1s0/0", NULL, error);
}

static bool bind_own(Stage *stage, GError **error) {
        return stage_bind(stage, "enp1s0/0", "igbvf", false, error);
}

static void check_unbound(Stage *stage) {
        stage_expect(stage, "vf0", "driver=igbvf override=- net=enp1s0v0");
        stage_expect(stage, "vf0", "xen=dom0 xl=-");
}

static void check_bound_own(Stage *stage) {
        stage_expect(stage, "vf0", "driver=igbvf");
        stage_expect(stage, "vf0", "xen=dom0 xl=-");
}

static bool set_used(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_SET, "enp1s0/0", "mac=02:00:00:00:cc:01", error);
}

static void check_set_hidden(Stage *stage) {
        stage_expect(stage, "vf0", "mac=02:00:00:00:cc:01 vlan=7");
        stage_expect(stage, "vf0", "xen=quarantine xl=igbvf");
}

static bool disable(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_DISABLE, "enp1s0", NULL, error);
}

static bool resize(Stage *stage, GError **error) {
        return stage_enable(stage, "enp1s0", 3, error);
}

static void check_disabled(Stage *stage) {
        stage_expect(stage, "0000:01:00.0", "vfs=0");
}

static bool release(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_RELEASE, "enp1s0/0", NULL, error);
}

/* --- the table ------------------------------------------------------------------------------------------------- */

#define IGB SIM_XEN, {"igb"}
#define IGB_FIRST SIM_XEN | SIM_PCIBACK_FIRST, {"igb"}
#define IGB_TORN SIM_XEN | SIM_XEN_TORN, {"igb"}
#define IN_USE .refused = VFADM_ERROR_IN_USE

static const Story stories[] = {
        {"xen-attach", IGB, .stride = 2, .prepare = running, .play = attach, .check = check_attached},
        {"xen-attach-hvm", IGB, .stride = 5, .prepare = running_hvm, .play = attach_bare, .check = check_options},
        {"xen-attach-permissive", IGB, .stride = 5, .prepare = running, .play = attach_permissive, .check = check_permissive},
        {"xen-attach-driverless", IGB, .stride = 5, .prepare = running_driverless, .play = attach, .check = check_attached_driverless},
        {"xen-attach-autoprobe-off", IGB, .stride = 5, .prepare = running_autoprobe_off, .play = attach, .check = check_attached},
        {"xen-attach-pciback-first", IGB_FIRST, .stride = 2, .prepare = running, .play = attach, .check = check_attached},
        {"xen-attach-with-state", IGB, .stride = 5, .prepare = running_with_state, .play = attach, .check = check_attached},
        {"xen-attach-hidden", IGB, .stride = 2, .prepare = running_hidden, .play = attach, .check = check_hidden},
        {"xen-attach-off", IGB, .stride = 5, .prepare = off, .play = attach, .check = check_defined},
        {"xen-attach-startable", IGB, .prepare = off, .play = attach, .check = check_startable, .once = true},
        {"xen-attach-config", IGB, .stride = 5, .prepare = running, .play = attach_config, .check = check_defined},
        {"xen-attach-both", IGB, .stride = 2, .prepare = running, .play = attach_both, .check = check_both},
        {"xen-attach-live-off", IGB, .prepare = off, .play = attach_live, .refused = VFADM_ERROR_REFUSED, .says = "not running"},
        {"xen-attach-pvh", IGB, .prepare = running_pvh, .play = attach, .refused = VFADM_ERROR_UNSUPPORTED, .says = "PVH"},
        {"xen-attach-pv-slot", IGB, .prepare = running, .play = attach_slot, .refused = VFADM_ERROR_UNSUPPORTED, .says = "slot="},
        {"xen-attach-managed", IGB, .prepare = running, .play = attach_managed, .refused = VFADM_ERROR_REFUSED, .says = "managed="},
        {"xen-attach-no-passthrough", IGB, .prepare = running_no_passthrough, .play = attach, .refused = VFADM_ERROR_REFUSED,
         .says = "passthrough"},
        {"xen-attach-no-plug", IGB, .stride = 3, .prepare = running_no_plug, .play = attach, .refused = VFADM_ERROR_FAILED},
        {"xen-attach-no-iommu", SIM_XEN | SIM_NO_IOMMU, {"igb"}, .prepare = running, .play = attach,
         .refused = VFADM_ERROR_UNSUPPORTED, .says = "IOMMU"},
        {"xen-attach-no-module", IGB, .prepare = running, .play = attach_no_module, .refused = VFADM_ERROR_UNSUPPORTED, .says = "vfadm-xen"},
        {"xen-attach-pf-down", SIM_XEN | SIM_PF_DOWN, {"igb"}, .prepare = running, .play = attach, .refused = VFADM_ERROR_REFUSED,
         .says = "down"},
        {"xen-attach-others", IGB, .prepare = other_has, .play = attach, IN_USE, .says = "xen:db"},
        {"xen-attach-others-defined", IGB, .prepare = other_defined, .play = attach, IN_USE, .says = "xen:db"},
        {"xen-attach-beside-others", IGB, .prepare = other_has, .play = attach_any, .check = check_second, .once = true},
        {"xen-attach-beside-defined", IGB, .prepare = other_defined, .play = attach_any, .check = check_third, .once = true},
        {"xen-attach-two-files", IGB, .prepare = two_files, .play = attach_config, .refused = VFADM_ERROR_REFUSED},
        {"xen-attach-raced", IGB, .prepare = other_off, .play = attach_raced, .meanwhile = xl_was_first, IN_USE, .once = true},

        {"xen-attach-torn", IGB_TORN, .stride = 2, .prepare = running, .play = attach, .settle = starts_anew, .half_done = true},
        {"xen-detach-torn", IGB_TORN, .stride = 2, .prepare = attached, .play = detach, .check = check_back, .half_done = true},
        {"xen-detach", IGB, .stride = 2, .prepare = attached, .play = detach, .check = check_back, .half_done = true},
        {"xen-detach-hvm", IGB, .stride = 5, .prepare = attached_hvm, .play = detach, .check = check_back, .half_done = true},
        {"xen-detach-autoprobe-off", IGB, .stride = 5, .prepare = attached_autoprobe_off, .play = detach, .check = check_back,
         .half_done = true},
        {"xen-detach-driverless", IGB, .stride = 5, .prepare = attached_driverless, .play = detach, .check = check_back_driverless,
         .half_done = true},
        {"xen-detach-pciback-first", IGB_FIRST, .stride = 2, .prepare = attached, .play = detach, .check = check_back, .half_done = true},
        {"xen-detach-with-state", IGB, .stride = 5, .prepare = attached_with_state, .play = detach, .check = check_back_with_state,
         .half_done = true},
        {"xen-detach-hidden", IGB, .stride = 2, .prepare = attached_hidden, .play = detach, .check = check_back_hidden, .half_done = true},
        {"xen-detach-config", IGB, .stride = 5, .prepare = attached_config, .play = detach, .check = check_back, .half_done = true},
        {"xen-detach-both", IGB, .stride = 2, .prepare = attached_both, .play = detach_both, .partly = detach_live, .check = check_back,
         .half_done = true},
        {"xen-detach-live-of-both", IGB, .stride = 2, .prepare = attached_both, .play = detach_live, .check = check_still_defined,
         .half_done = true},
        {"xen-detach-config-of-both", IGB, .stride = 2, .prepare = attached_both, .play = detach_config, .check = check_still_plugged},
        {"xen-detach-slow", IGB, .stride = 5, .prepare = attached_slow, .play = detach, .check = check_back, .half_done = true},
        {"xen-detach-pending", IGB, .stride = 2, .prepare = attached_keeper, .play = detach, .refused = VFADM_ERROR_PENDING,
         .check = check_pending, .settle = keeper_lets_go, .half_done = true},
        {"xen-detach-refused", IGB, .prepare = attached_refuser, .play = detach, .refused = VFADM_ERROR_FAILED},
        {"xen-release-used", IGB, .prepare = attached, .play = release, IN_USE},
        {"xen-there-and-back", IGB, .stride = 5, .prepare = running, .play = there_and_back, .partly = there_and_half_back,
         .check = check_back, .half_done = true},

        {"xen-bind", IGB, .stride = 2, .prepare = running, .play = bind, .check = check_bound},
        {"xen-bind-module-name", IGB, .stride = 5, .prepare = running, .play = bind_module_name, .check = check_bound},
        {"xen-bind-driverless", IGB, .stride = 3, .prepare = running_driverless, .play = bind, .check = check_bound_driverless},
        {"xen-bind-autoprobe-off", IGB, .stride = 3, .prepare = running_autoprobe_off, .play = bind, .check = check_bound},
        {"xen-bind-no-iommu", SIM_XEN | SIM_NO_IOMMU, {"igb"}, .prepare = seven, .play = bind, .refused = VFADM_ERROR_UNSUPPORTED,
         .says = "IOMMU"},
        {"xen-bind-no-xen", .cards = {"igb"}, .prepare = seven, .play = bind, .refused = VFADM_ERROR_UNSUPPORTED, .says = "Xen"},
        {"xen-bind-used", IGB, .prepare = attached, .play = bind_own, IN_USE, .says = "web1"},
        {"xen-unbind", IGB, .prepare = bound, .play = unbind, .check = check_unbound, .forgets = true},
        {"xen-unbind-autoprobe-off", IGB, .stride = 2, .prepare = bound_autoprobe_off, .play = unbind, .check = check_unbound, .forgets = true},
        {"xen-unbind-pciback-first", IGB_FIRST, .stride = 2, .prepare = bound, .play = unbind, .check = check_unbound, .forgets = true},
        {"xen-unbind-hidden", IGB, .stride = 2, .prepare = hidden, .play = unbind, .check = check_unbound, .forgets = true},
        {"xen-bind-own", IGB, .stride = 2, .prepare = bound, .play = bind_own, .check = check_bound_own, .forgets = true},
        {"xen-bind-own-autoprobe-off", IGB, .stride = 3, .prepare = bound_autoprobe_off, .play = bind_own, .check = check_bound_own, .forgets = true},
        {"xen-unbind-used", IGB, .prepare = attached, .play = unbind, IN_USE, .says = "web1"},
        {"xen-unbind-others", IGB, .prepare = other_has, .play = unbind, IN_USE, .says = "db"},
        {"xen-set-hidden", IGB, .stride = 3, .prepare = hidden, .play = set_hidden, .check = check_set_hidden},
        {"xen-set-no-module", IGB, .prepare = hidden, .play = set_no_module, .refused = VFADM_ERROR_REFUSED, .says = "vfadm-xen"},
        {"xen-set-used", IGB, .prepare = attached, .play = set_used, IN_USE, .says = "web1"},
        {"xen-set-others", IGB, .prepare = other_has, .play = set_used, IN_USE, .says = "db"},
        {"xen-disable-used", IGB, .prepare = attached, .play = disable, IN_USE, .says = "web1"},
        {"xen-disable-others", IGB, .prepare = other_has, .play = disable, IN_USE, .says = "db"},
        {"xen-resize-others", IGB, .prepare = other_has, .play = resize, IN_USE, .says = "db"},
        {"xen-disable-hidden", IGB, .stride = 2, .prepare = hidden, .play = disable, .check = check_disabled, .forgets = true},
        {"xen-bind-autoprobe-off-plain", IGB, .prepare = autoprobe_off, .play = bind, .once = true},
};

void stories_xen_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
