/* Stories of devices that go to libvirt's guests and come back: live, in the definition, managed and not. */
#include "stage.h"

#include "base/error.h"
#include "sim_virt.h"

#include <string.h>

#define VF0 "0000:01:10.0"
#define VF1 "0000:01:10.2"
#define GUEST_MAC "mac=02:00:00:00:aa:01"
#define GUEST_STATE GUEST_MAC " vlan=42 trust=on"
#define WEB "libvirt:web1"
#define AUTOPROBE "sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe"

/* --- the machine before --------------------------------------------------------------------------------------- */

static void seven_of_the_host(Stage *stage) {
        stage_echo(stage, "sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "7");
}

static void running(Stage *stage) {
        seven_of_the_host(stage);
        sim_virt_add_guest(stage->sim, "web1", 2, true, GUEST_GOOD);
}

static void running_autoprobe_off(Stage *stage) {
        running(stage);
        stage_echo(stage, AUTOPROBE, "0");
}

/* VFs that vfadm made have no driver, to which libvirt gives them the host's. */
static void running_driverless(Stage *stage) {
        g_autoptr(GError) error = NULL;
        stage_must(stage_enable(stage, "enp1s0", 7, &error), error);
        sim_virt_add_guest(stage->sim, "web1", 2, true, GUEST_GOOD);
}

/* libvirt puts a VLAN back by its number alone. */
static void running_with_state(Stage *stage) {
        g_autoptr(GError) error = NULL;
        running(stage);
        stage_must(stage_verb(stage, WANT_SET, "enp1s0/0", "mac=02:00:00:00:bb:00 vlan=100.3", &error), error);
}

static void running_full(Stage *stage) {
        seven_of_the_host(stage);
        sim_virt_add_guest(stage->sim, "web1", 0, true, GUEST_GOOD);
}

static void running_no_plug(Stage *stage) {
        seven_of_the_host(stage);
        sim_virt_add_guest(stage->sim, "web1", 2, true, GUEST_NO_PLUG);
}

static void off(Stage *stage) {
        seven_of_the_host(stage);
        sim_virt_add_guest(stage->sim, "web1", 0, false, GUEST_GOOD);
}

static void daemon_down(Stage *stage) {
        running(stage);
        sim_virt_daemon(stage->sim, VIRT_DOWN);
}

static void no_daemon(Stage *stage) {
        seven_of_the_host(stage);
}

#define ELEMENT(slot, function, mac)                                                                                                     \
        "<interface type='hostdev' managed='yes'><mac address='" mac "'/><source><address type='pci' domain='0x0000' bus='0x01' "       \
        "slot='" slot "' function='" function "'/></source></interface>"

static void other_defined(Stage *stage) {
        running(stage);
        sim_virt_add_guest(stage->sim, "db", 0, false, GUEST_GOOD);
        stage_virsh(stage, "define", "db", ELEMENT("0x10", "0x0", "02:00:00:00:dd:01"));
}

static void network(Stage *stage) {
        running(stage);
        stage_virsh(stage, "net-define", "passthrough", "active managed pf=enp1s0");
        stage_virsh(stage, "net-start", "passthrough", NULL);
}

#define POOLED "<interface type='network'><mac address='02:00:00:00:dd:01'/><source network='passthrough'/></interface>"

static void network_gave(Stage *stage) {
        network(stage);
        sim_virt_add_guest(stage->sim, "db", 0, false, GUEST_GOOD);
        stage_virsh(stage, "define", "db", POOLED);
        stage_virsh(stage, "start", "db", NULL);
}

/* --- attach --------------------------------------------------------------------------------------------------- */

static bool attach_with(Stage *stage, unsigned scope, const char *words, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0/0", scope, words, error);
}

static bool attach(Stage *stage, GError **error) {
        return attach_with(stage, 0, GUEST_STATE, error);
}

static void check_plugged(Stage *stage) {
        stage_expect(stage, "vf0", "driver=vfio-pci override=vfio-pci net=-");
        stage_expect(stage, "vf0", GUEST_STATE);
        stage_expect(stage, "has " VF0, "on pci.1");
        stage_expect(stage, "lease " VF0, "of " WEB " active");
}

static void check_attached(Stage *stage) {
        check_plugged(stage);
        stage_expect(stage, "has " VF0, "managed='yes'");
        stage_expect(stage, "lease " VF0, "managed");
        stage_expect_no_row(stage, "defined");
}

static bool attach_unmanaged(Stage *stage, GError **error) {
        return attach_with(stage, 0, GUEST_STATE " managed=no", error);
}

static void check_unmanaged(Stage *stage) {
        check_plugged(stage);
        stage_expect(stage, "has " VF0, "managed='no'");
}

/* libvirt's VLAN has no priority: it is set after the plugging. */
static bool attach_qos(Stage *stage, GError **error) {
        return attach_with(stage, 0, GUEST_MAC " vlan=42.3", error);
}

static void check_qos(Stage *stage) {
        stage_expect(stage, "vf0", "vlan=42.3");
}

static bool attach_config(Stage *stage, GError **error) {
        return attach_with(stage, SCOPE_CONFIG, GUEST_STATE, error);
}

static void check_defined(Stage *stage) {
        stage_expect(stage, "defined " VF0, "<mac address='02:00:00:00:aa:01'/>");
        stage_expect(stage, "lease " VF0, "config");
        stage_expect(stage, "lease " VF0, "off");
        stage_expect_no_row(stage, "has");
}

static bool attach_live(Stage *stage, GError **error) {
        return attach_with(stage, SCOPE_LIVE, GUEST_STATE, error);
}

static bool attach_both(Stage *stage, GError **error) {
        return attach_with(stage, SCOPE_LIVE | SCOPE_CONFIG, GUEST_STATE, error);
}

static void check_both(Stage *stage) {
        check_plugged(stage);
        stage_expect(stage, "defined " VF0, "managed='yes'");
        stage_expect(stage, "lease " VF0, "config");
        stage_expect_leases(stage, 1);
}

static bool attach_any(Stage *stage, GError **error) {
        return stage_scoped(stage, WANT_ATTACH, WEB, "enp1s0", 0, GUEST_STATE, error);
}

static void check_second(Stage *stage) {
        stage_expect(stage, "lease " VF1, "of " WEB);
        stage_expect(stage, "has " VF1, "on pci.1");
}

static void check_held(Stage *stage) {
        check_attached(stage);
        stage_expect(stage, "port " VF0, "of vfadm");
}

/* The network gives the VF to a guest between our look and our deed: libvirt itself says who was first. */
static void network_gives(Stage *stage) {
        sim_virt_add_guest(stage->sim, "db", 0, false, GUEST_GOOD);
        stage_virsh(stage, "define", "db", POOLED);
        stage_virsh(stage, "start", "db", NULL);
}

static bool attach_raced(Stage *stage, GError **error) {
        bool ok = attach(stage, error);
        stage_expect(stage, "port " VF0, "of db");
        stage_expect(stage, "has " VF0, "on pci.1");
        stage_virsh(stage, "destroy", "db", NULL);
        stage_virsh(stage, "undefine", "db", NULL);
        return ok;
}

/* libvirt has it for a guest of its own, whose process has closed it, or not opened it yet: for a while that is all there is to see. */
static void libvirt_has_vf0(Stage *stage) {
        g_autoptr(Io) io = sim_process(stage->sim, "libvirtd");

        g_assert_cmpint(io_load_module(io, "vfio-pci"), ==, 0);
        stage_echo(stage, "sys/bus/pci/devices/" VF0 "/driver_override", "vfio-pci");
        stage_echo(stage, "sys/bus/pci/devices/" VF0 "/driver/unbind", VF0);
        stage_echo(stage, "sys/bus/pci/drivers_probe", VF0);
}

static void libvirt_gives_vf0_back(Stage *stage) {
        stage_echo(stage, "sys/bus/pci/devices/" VF0 "/driver_override", "\n");
        stage_echo(stage, "sys/bus/pci/devices/" VF0 "/driver/unbind", VF0);
        stage_echo(stage, "sys/bus/pci/drivers_probe", VF0);
}

static void network_at_it(Stage *stage) {
        network(stage);
        libvirt_has_vf0(stage);
}

/* To take what was seen then for the host's own would leave the VF on VFIO in the end, nobody's. */
static bool attach_given_back(Stage *stage, GError **error) {
        bool ok = attach(stage, error);
        stage_expect(stage, "vf0 " VF0, "driver=igbvf override=-");
        stage_expect_no_row(stage, "port " VF0);
        libvirt_has_vf0(stage);
        return ok;
}

static bool run_given_back(Stage *stage, GError **error) {
        bool ok = stage_run(stage, "enp1s0/0", "", "qemu-system-x86_64 -device vfio-pci,host={vf}", error);
        stage_expect(stage, "vf0 " VF0, "driver=igbvf override=-");
        stage_expect_no_row(stage, "port " VF0);
        libvirt_has_vf0(stage);
        return ok;
}

/* And after: the network gives the next one. */
static void check_next_given(Stage *stage) {
        check_held(stage);
        network_gives(stage);
        stage_expect(stage, "port " VF1, "of db");
        stage_expect(stage, "has " VF1, "on pci.1");
        stage_virsh(stage, "destroy", "db", NULL);
        stage_virsh(stage, "undefine", "db", NULL);
}

/* --- detach --------------------------------------------------------------------------------------------------- */

static void attached_with(Stage *stage, bool (*give)(Stage *stage, GError **error)) {
        g_autoptr(GError) error = NULL;
        stage_must(give(stage, &error), error);
}

static void attached(Stage *stage) {
        running(stage);
        attached_with(stage, attach);
}

static void attached_autoprobe_off(Stage *stage) {
        running_autoprobe_off(stage);
        attached_with(stage, attach);
}

static void attached_driverless(Stage *stage) {
        running_driverless(stage);
        attached_with(stage, attach);
}

static void attached_with_state(Stage *stage) {
        running_with_state(stage);
        attached_with(stage, attach);
}

static void attached_unmanaged(Stage *stage) {
        running(stage);
        attached_with(stage, attach_unmanaged);
}

static void attached_held(Stage *stage) {
        network(stage);
        attached_with(stage, attach);
}

static void attached_config(Stage *stage) {
        off(stage);
        attached_with(stage, attach_config);
}

static void attached_both(Stage *stage) {
        running(stage);
        attached_with(stage, attach_both);
}

static void attached_slow(Stage *stage) {
        attached(stage);
        sim_virt_manners(stage->sim, "web1", GUEST_SLOW);
}

static void attached_keeper(Stage *stage) {
        attached(stage);
        sim_virt_manners(stage->sim, "web1", GUEST_KEEPS);
}

static void attached_refuser(Stage *stage) {
        attached(stage);
        sim_virt_manners(stage->sim, "web1", GUEST_REFUSES);
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
        stage_expect_no_row(stage, "port");
        stage_expect(stage, "vf0", "vlan=0 trust=off");
}

static void check_back(Stage *stage) {
        check_free(stage);
        stage_expect(stage, "vf0", "driver=igbvf override=- net=enp1s0v0");
}

static void check_back_driverless(Stage *stage) {
        check_free(stage);
        stage_expect(stage, "vf0", "driver=- override=- net=-");
}

static void check_back_with_state(Stage *stage) {
        stage_expect(stage, "vf0", "driver=igbvf override=- net=enp1s0v0");
        stage_expect(stage, "vf0", "mac=02:00:00:00:bb:00 vlan=100.3 trust=off");
}

static void check_still_defined(Stage *stage) {
        stage_expect_no_row(stage, "has");
        stage_expect(stage, "defined " VF0, "on pci.");
        stage_expect(stage, "lease " VF0, "config");
        stage_expect(stage, "lease " VF0, "off");
}

static void check_still_plugged(Stage *stage) {
        check_plugged(stage);
        stage_expect_no_row(stage, "defined");
}

static void keeper_lets_go(Stage *stage) {
        sim_virt_manners(stage->sim, "web1", GUEST_GOOD);
}

static void check_pending(Stage *stage) {
        stage_expect(stage, "lease " VF0, "of " WEB " pending");
        stage_expect(stage, "vf0", "driver=vfio-pci");
}

/* Everything there and back, in one go. */
static bool there_and_back(Stage *stage, GError **error) {
        return attach_both(stage, error) && detach_both(stage, error);
}

static bool there_and_half_back(Stage *stage, GError **error) {
        return attach_both(stage, error) && detach_live(stage, error);
}

#define IGB .cards = {"igb"}

static const Story stories[] = {
        {"libvirt-attach", IGB, .stride = 2, .prepare = running, .play = attach, .check = check_attached},
        {"libvirt-attach-autoprobe-off", IGB, .stride = 5, .prepare = running_autoprobe_off, .play = attach, .check = check_attached},
        {"libvirt-attach-driverless", IGB, .stride = 5, .prepare = running_driverless, .play = attach, .check = check_attached},
        {"libvirt-attach-with-state", IGB, .stride = 5, .prepare = running_with_state, .play = attach, .check = check_attached},
        {"libvirt-attach-unmanaged", IGB, .stride = 5, .prepare = running, .play = attach_unmanaged, .check = check_unmanaged},
        {"libvirt-attach-qos", IGB, .prepare = running, .play = attach_qos, .check = check_qos},
        {"libvirt-attach-off", IGB, .stride = 5, .prepare = off, .play = attach, .check = check_defined},
        {"libvirt-attach-config", IGB, .stride = 5, .prepare = running, .play = attach_config, .check = check_defined},
        {"libvirt-attach-both", IGB, .prepare = running, .play = attach_both, .check = check_both, .down = true},
        {"libvirt-attach-live-off", IGB, .prepare = off, .play = attach_live, .refused = VFADM_ERROR_REFUSED, .says = "not running"},
        {"libvirt-attach-no-slot", IGB, .prepare = running_full, .play = attach, .refused = VFADM_ERROR_REFUSED, .says = "--config"},
        {"libvirt-attach-pf-down", SIM_PF_DOWN, IGB, .prepare = running, .play = attach, .refused = VFADM_ERROR_REFUSED, .says = "down"},
        {"libvirt-attach-no-plug", IGB, .stride = 5, .prepare = running_no_plug, .play = attach, .refused = VFADM_ERROR_FAILED},
        {"libvirt-attach-others", IGB, .prepare = other_defined, .play = attach, .refused = VFADM_ERROR_IN_USE, .says = "libvirt:db"},
        {"libvirt-attach-beside-others", IGB, .prepare = other_defined, .play = attach_any, .check = check_second, .once = true},
        {"libvirt-attach-given", IGB, .prepare = network_gave, .play = attach, .refused = VFADM_ERROR_IN_USE, .says = "db"},
        {"libvirt-attach-beside-given", IGB, .prepare = network_gave, .play = attach_any, .check = check_second, .once = true},
        {"libvirt-attach-held", IGB, .stride = 3, .prepare = network, .play = attach, .check = check_next_given},
        {"libvirt-attach-raced", IGB, .prepare = network, .play = attach_raced, .meanwhile = network_gives, .refused = VFADM_ERROR_IN_USE,
         .once = true},
        {"libvirt-attach-given-back", IGB, .prepare = network_at_it, .play = attach_given_back, .meanwhile = libvirt_gives_vf0_back,
         .refused = VFADM_ERROR_BUSY, .says = "somebody else had it meanwhile (vfio-pci before, igbvf now)", .once = true},
        {"libvirt-run-given-back", IGB, .prepare = network_at_it, .play = run_given_back, .meanwhile = libvirt_gives_vf0_back,
         .refused = VFADM_ERROR_BUSY, .says = "somebody else had it meanwhile", .once = true},
        {"libvirt-attach-down", IGB, .prepare = daemon_down, .play = attach, .refused = VFADM_ERROR_FAILED, .says = "cannot be reached"},
        {"libvirt-attach-none", IGB, .prepare = no_daemon, .play = attach, .refused = VFADM_ERROR_UNSUPPORTED, .says = "does not run"},
        {"libvirt-detach", IGB, .stride = 2, .prepare = attached, .play = detach, .check = check_back, .half_done = true},
        {"libvirt-detach-autoprobe-off", IGB, .stride = 5, .prepare = attached_autoprobe_off, .play = detach, .check = check_back,
         .half_done = true},
        {"libvirt-detach-driverless", IGB, .stride = 5, .prepare = attached_driverless, .play = detach,
         .check = check_back_driverless, .half_done = true},
        {"libvirt-detach-with-state", IGB, .stride = 5, .prepare = attached_with_state, .play = detach,
         .check = check_back_with_state, .half_done = true},
        {"libvirt-detach-unmanaged", IGB, .stride = 5, .prepare = attached_unmanaged, .play = detach, .check = check_back,
         .half_done = true},
        {"libvirt-detach-held", IGB, .stride = 5, .prepare = attached_held, .play = detach, .check = check_back, .half_done = true},
        {"libvirt-detach-config", IGB, .stride = 5, .prepare = attached_config, .play = detach, .check = check_back, .half_done = true},
        {"libvirt-detach-both", IGB, .prepare = attached_both, .play = detach_both, .partly = detach_live, .check = check_back,
         .half_done = true,
         .down = true},
        {"libvirt-detach-live-of-both", IGB, .prepare = attached_both, .play = detach_live, .check = check_still_defined,
         .half_done = true},
        {"libvirt-detach-config-of-both", IGB, .prepare = attached_both, .play = detach_config, .check = check_still_plugged},
        {"libvirt-detach-slow", IGB, .stride = 5, .prepare = attached_slow, .play = detach, .check = check_back, .half_done = true},
        {"libvirt-detach-pending", IGB, .prepare = attached_keeper, .play = detach, .refused = VFADM_ERROR_PENDING, .check = check_pending,
         .settle = keeper_lets_go, .half_done = true},
        {"libvirt-detach-refused", IGB, .prepare = attached_refuser, .play = detach, .refused = VFADM_ERROR_FAILED},
        {"libvirt-there-and-back", IGB, .stride = 5, .prepare = running, .play = there_and_back, .partly = there_and_half_back,
         .check = check_back,
         .half_done = true},
};

void stories_libvirt_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
