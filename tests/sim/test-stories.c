/* The stories: one row each. What is played, on which machine, and what it must come to. */
#include "stage.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

/* --- small helpers -------------------------------------------------------------------------------------------- */

static void expect_row(Stage *stage, const char *start, const char *row) {
        g_autofree char *found = stage_row(stage, start);
        if (!found || !strstr(found, row))
                g_error("expected \"%s\" in the row of %s, which is \"%s\"", row, start, found ? found : "(none)");
}

static void expect_leases(Stage *stage, unsigned n) {
        g_autoptr(GPtrArray) leases = stage_leases(stage);
        g_assert_cmpuint(leases->len, ==, n);
}

/* The number of the first operation (after number `after`) whose name holds `part`. */
static unsigned operation_with(Stage *stage, const char *part, unsigned after) {
        for (unsigned n = after + 1; n <= sim_operations(stage->sim); n++)
                if (strstr(sim_operation_name(stage->sim, n), part))
                        return n;
        g_error("no operation holds \"%s\" after number %u", part, after);
}

#define VF0 "0000:01:10.0"
#define VF1 "0000:01:10.2"
#define GUEST_MAC "mac=02:00:00:00:aa:01"
#define GUEST_STATE GUEST_MAC " vlan=42"
#define CONVENTIONAL_NIC "0000:16:01.0"
#define NUMVFS "sys/bus/pci/devices/0000:01:00.0/sriov_numvfs"

static void seven(Stage *stage) {
        g_autoptr(GError) error = NULL;
        stage_must(stage_enable(stage, "enp1s0", 7, &error), error);
}

/* As a host that knows nothing of vfadm has them: with the host's driver on each. */
static void seven_of_the_host(Stage *stage) {
        stage_echo(stage, NUMVFS, "7");
}

static void good_guest(Stage *stage) {
        seven_of_the_host(stage);
        sim_add_guest(stage->sim, "web1", 2, GUEST_GOOD);
}

static void attached(Stage *stage, GuestManners manners) {
        g_autoptr(GError) error = NULL;
        good_guest(stage);
        stage_must(stage_guest(stage, WANT_ATTACH, "qemu:web1", "enp1s0/0", GUEST_STATE, &error), error);
        sim_quiesce(stage->sim);
        sim_guest_manners(stage->sim, "web1", manners);
}

static void attached_to_good(Stage *stage) {
        attached(stage, GUEST_GOOD);
}

static void attached_to_slow(Stage *stage) {
        attached(stage, GUEST_SLOW);
}

static void attached_to_keeper(Stage *stage) {
        attached(stage, GUEST_KEEPS);
}

static void attached_to_refuser(Stage *stage) {
        attached(stage, GUEST_REFUSES);
}

/* --- VFs on and off ------------------------------------------------------------------------------------------- */

static bool enable(Stage *stage, GError **error) {
        return stage_enable(stage, "enp1s0", 7, error);
}

static void check_enabled(Stage *stage) {
        expect_row(stage, "0000:01:00.0", "vfs=7 autoprobe=1 up");
        expect_row(stage, "vf0", "driver=- override=- net=-");
        expect_row(stage, "vf6", "driver=- override=- net=-");
}

static bool disable(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_DISABLE, "enp1s0", NULL, error);
}

/* VFs that hold all that turning them off destroys. */
static void seven_with_state(Stage *stage) {
        g_autoptr(GError) error = NULL;
        seven_of_the_host(stage);
        stage_must(stage_verb(stage, WANT_SET, "enp1s0/2", "mac=02:00:00:00:bb:02 vlan=100.3 trust=on spoofchk=off", &error),
                   error);
        stage_must(stage_verb(stage, WANT_SET, "enp1s0/6", "vlan=7 max-rate=50", &error), error);
        stage_must(stage_bind(stage, "enp1s0/1", "vfio-pci", false, &error), error);
}

static void check_disabled(Stage *stage) {
        expect_row(stage, "0000:01:00.0", "vfs=0 autoprobe=1");
}

static bool resize(Stage *stage, GError **error) {
        return stage_enable(stage, "enp1s0", 3, error);
}

static void check_resized(Stage *stage) {
        expect_row(stage, "0000:01:00.0", "vfs=3 autoprobe=1");
}

static bool enable_too_many(Stage *stage, GError **error) {
        return stage_enable(stage, "enp1s0", 8, error);
}

static bool enable_three(Stage *stage, GError **error) {
        return stage_enable(stage, "enp1s0", 7, error) && stage_enable(stage, "enp2s0", 7, error) &&
               stage_enable(stage, "enp3s0", 7, error);
}

/* Another vfadm is at work on the PF. */
static void locked(Stage *stage) {
        sim_hold_lock(stage->sim, sim_start(stage->sim, "vfadm"), "0000:01:00.0");
}

/* What a host does at boot: three cards, seven VFs each, all ready for guests. */
static bool bring_up(Stage *stage, GError **error) {
        bool ok = enable_three(stage, error);
        for (unsigned pf = 1; ok && pf <= 3; pf++)
                for (unsigned vf = 0; ok && vf < 7; vf++) {
                        g_autofree char *name = g_strdup_printf("enp%us0/%u", pf, vf);
                        g_autofree char *words = g_strdup_printf("mac=02:00:00:00:a%x:%02x vlan=%u trust=on", pf, vf, 100 + vf);
                        ok = stage_verb(stage, WANT_SET, name, words, error) &&
                             stage_bind(stage, name, "vfio-pci", false, error);
                }
        return ok;
}

/* The same as vfadm does it when it is told of all VFs at once: one plan, all of it or nothing. */
static bool set_all(Stage *stage, GError **error) {
        Want *wants[7];
        for (unsigned vf = 0; vf < 7; vf++) {
                g_autofree char *words = g_strdup_printf("mac=02:00:00:00:a1:%02x vlan=%u trust=on", vf, 100 + vf);
                g_auto(GStrv) list = g_strsplit(words, " ", -1);
                wants[vf] = want_new(WANT_SET);
                wants[vf]->device = g_strdup_printf("enp1s0/%u", vf);
                stage_must(want_parse_words(wants[vf], list, error), *error);
        }
        return stage_do_many(stage, wants, 7, error);
}

static void check_set_all(Stage *stage) {
        expect_row(stage, "vf0", "mac=02:00:00:00:a1:00 vlan=100 trust=on");
        expect_row(stage, "vf6", "mac=02:00:00:00:a1:06 vlan=106 trust=on");
}

static bool bind_all(Stage *stage, GError **error) {
        Want *wants[7];
        for (unsigned vf = 0; vf < 7; vf++) {
                wants[vf] = want_new(WANT_BIND);
                wants[vf]->device = g_strdup_printf("enp1s0/%u", vf);
                wants[vf]->driver = g_strdup("vfio-pci");
        }
        return stage_do_many(stage, wants, 7, error);
}

static void check_bound_all(Stage *stage) {
        expect_row(stage, "vf0", "driver=vfio-pci override=vfio-pci");
        expect_row(stage, "vf6", "driver=vfio-pci override=vfio-pci");
}

static void check_brought_up(Stage *stage) {
        g_autofree char *dump = stage_dump(stage);
        g_auto(GStrv) ready = g_strsplit(dump, "driver=vfio-pci override=vfio-pci", -1);
        g_assert_cmpuint(g_strv_length(ready), ==, 22);
        expect_row(stage, "vf6 0000:03:11.4", "mac=02:00:00:00:a3:06 vlan=106 trust=on");
}

/* --- VF state ------------------------------------------------------------------------------------------------- */

static bool set(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_SET, "enp1s0/2", "mac=02:00:00:00:bb:02 vlan=100.3 trust=on spoofchk=off max-rate=100", error);
}

static void check_set(Stage *stage) {
        expect_row(stage, "vf2", "mac=02:00:00:00:bb:02 vlan=100.3 trust=on spoofchk=off");
        expect_row(stage, "vf2", "max-rate=100");
        expect_row(stage, "vf1", "vlan=0");
}

static bool set_plain(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_SET, "enp1s0/2", "mac=02:00:00:00:bb:02 vlan=100", error);
}

static void check_set_plain(Stage *stage) {
        expect_row(stage, "vf2", "mac=02:00:00:00:bb:02 vlan=100");
}

static bool set_link(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_SET, "enp1s0/2", "link=on", error);
}

/* --- drivers -------------------------------------------------------------------------------------------------- */

static bool bind_vfio(Stage *stage, GError **error) {
        return stage_bind(stage, "enp1s0/1", "vfio-pci", false, error);
}

static void check_bound(Stage *stage) {
        expect_row(stage, "vf1", "driver=vfio-pci override=vfio-pci net=-");
}

static void one_bound(Stage *stage) {
        g_autoptr(GError) error = NULL;
        seven_of_the_host(stage);
        stage_must(bind_vfio(stage, &error), error);
}

static void one_bound_autoprobe_off(Stage *stage) {
        one_bound(stage);
        stage_echo(stage, "sys/bus/pci/devices/0000:01:00.0/sriov_drivers_autoprobe", "0");
}

static bool unbind(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_UNBIND, "enp1s0/1", NULL, error);
}

static void check_unbound(Stage *stage) {
        expect_row(stage, "vf1", "driver=igbvf override=- net=enp1s0v1");
}

static bool bind_variant(Stage *stage, GError **error) {
        return stage_bind(stage, "enp1s0/1", "vfio", false, error);
}

static void check_variant(Stage *stage) {
        expect_row(stage, "vf1", "driver=mlx5_vfio_pci override=mlx5_vfio_pci");
}

static bool bind_one_of_group(Stage *stage, GError **error) {
        return stage_bind(stage, "0000:16:01.0", "vfio-pci", false, error);
}

static bool bind_whole_group(Stage *stage, GError **error) {
        return stage_bind(stage, "0000:16:01.0", "vfio-pci", true, error);
}

static void check_group(Stage *stage) {
        expect_row(stage, "0000:16:01.0", "driver=vfio-pci");
        expect_row(stage, "0000:16:02.0", "driver=vfio-pci");
        expect_row(stage, "0000:15:00.0", "driver=-");
}

static bool bind_disk(Stage *stage, GError **error) {
        return stage_bind(stage, "0000:00:01.0", "vfio-pci", false, error);
}

/* --- guests --------------------------------------------------------------------------------------------------- */

static bool attach(Stage *stage, GError **error) {
        return stage_guest(stage, WANT_ATTACH, "qemu:web1", "enp1s0/0", GUEST_STATE " trust=on", error);
}

static void check_attached(Stage *stage) {
        /* MAC and VLAN before VFIO gets it, VFIO before the guest. */
        unsigned state = operation_with(stage, "netlink setlink", 0), vfio = operation_with(stage, "drivers_probe", state);
        g_assert_cmpuint(operation_with(stage, "driver/unbind", 0), <, state);
        operation_with(stage, "device_add", vfio);
        expect_row(stage, "vf0", "driver=vfio-pci override=vfio-pci net=-");
        expect_row(stage, "vf0", GUEST_STATE);
        expect_row(stage, "lease " VF0, "of qemu:web1 active nic=0");
        expect_row(stage, VF0 " on", "rp0");
        expect_leases(stage, 1);
}

static void no_plug_guest(Stage *stage) {
        good_guest(stage);
        sim_guest_manners(stage->sim, "web1", GUEST_NO_PLUG);
}

static void lying_guest(Stage *stage) {
        good_guest(stage);
        sim_guest_manners(stage->sim, "web1", GUEST_LIES);
}

static void garbage_guest(Stage *stage) {
        good_guest(stage);
        sim_guest_manners(stage->sim, "web1", GUEST_GARBAGE);
}

static void closing_guest(Stage *stage) {
        good_guest(stage);
        sim_guest_manners(stage->sim, "web1", GUEST_CLOSES);
}

static void silent_guest(Stage *stage) {
        good_guest(stage);
        sim_guest_manners(stage->sim, "web1", GUEST_SILENT);
}

static void mute_guest(Stage *stage) {
        good_guest(stage);
        sim_guest_manners(stage->sim, "web1", GUEST_MUTE);
}

static void endless_guest(Stage *stage) {
        good_guest(stage);
        sim_guest_manners(stage->sim, "web1", GUEST_ENDLESS);
}

static void full_guest(Stage *stage) {
        seven_of_the_host(stage);
        sim_add_guest(stage->sim, "web1", 0, GUEST_GOOD);
}

static bool attach_again(Stage *stage, GError **error) {
        sim_add_guest(stage->sim, "db", 2, GUEST_GOOD);
        bool ok = stage_guest(stage, WANT_ATTACH, "qemu:db", "enp1s0/0", GUEST_MAC, error);
        sim_quiesce(stage->sim);
        sim_guest_ends(stage->sim, "db");
        return ok;
}

static bool detach(Stage *stage, GError **error) {
        return stage_guest(stage, WANT_DETACH, "qemu:web1", "enp1s0/0", NULL, error);
}

static void check_detached(Stage *stage) {
        /* Nothing of the guest stays in the device; its state is put back before a driver of the host sees it. */
        unsigned reset = operation_with(stage, "/reset", 0), state = operation_with(stage, "netlink setlink", reset);
        operation_with(stage, "drivers_probe", state);
        g_assert_cmpuint(sim_resets(stage->sim, VF0), ==, 1);
        expect_row(stage, "vf0", "driver=igbvf override=- net=enp1s0v0");
        expect_row(stage, "vf0", "vlan=0");
        expect_leases(stage, 0);
}

static void keeper_lets_go(Stage *stage) {
        sim_guest_lets_go(stage->sim, "web1");
        sim_guest_manners(stage->sim, "web1", GUEST_GOOD);
}

static void check_pending(Stage *stage) {
        expect_row(stage, "lease " VF0, "of qemu:web1 pending");
        expect_row(stage, "vf0", "driver=vfio-pci");
}

static void used_by_guest(Stage *stage) {
        attached_to_good(stage);
}

static bool bind_used(Stage *stage, GError **error) {
        return stage_bind(stage, "enp1s0/0", "igbvf", false, error);
}

static bool set_used(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_SET, "enp1s0/0", "mac=02:00:00:00:cc:01", error);
}

static bool release(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_RELEASE, "enp1s0/0", NULL, error);
}

static bool guest_ends_then_recover(Stage *stage, GError **error) {
        sim_quiesce(stage->sim);
        return stage_recover(stage, error);
}

static void guest_gone(Stage *stage) {
        attached_to_good(stage);
        sim_guest_ends(stage->sim, "web1");
}

/* What cannot be given back on one card (its reset fails) is no reason to refuse work on another. */
static bool enable_second(Stage *stage, GError **error) {
        sim_restart_count(stage->sim);
        sim_fail_at(stage->sim, 3, -EIO);
        return stage_enable(stage, "enp2s0", 2, error);
}

static void check_enabled_second(Stage *stage) {
        g_assert_nonnull(strstr(sim_operation_name(stage->sim, 3), "/reset"));
        expect_leases(stage, 1);
        expect_row(stage, "0000:02:00.0", "vfs=2");
}

/* A lease's number names no device: whatever it is about must be locked all the same. */
static void leased_and_locked(Stage *stage) {
        g_autoptr(GError) error = NULL;
        sim_add_guest(stage->sim, "web1", 2, GUEST_GOOD);
        stage_must(stage_bind(stage, CONVENTIONAL_NIC, "vfio-pci", true, &error), error);
        stage_must(stage_guest(stage, WANT_ATTACH, "qemu:web1", CONVENTIONAL_NIC, "", &error), error);
        sim_quiesce(stage->sim);
        sim_hold_lock(stage->sim, sim_start(stage->sim, "vfadm"), CONVENTIONAL_NIC);
}

static bool release_by_number(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_RELEASE, "1", NULL, error);
}

/* A program that vfadm never heard of holds a VF. */
static void used_by_dpdk(Stage *stage) {
        one_bound(stage);
        g_assert_cmpint(sim_open_vfio(stage->sim, sim_start(stage->sim, "dpdk-testpmd"), VF1), ==, 0);
}

/* --- run ------------------------------------------------------------------------------------------------------ */

static void look_while_it_runs(Sim *sim, int pid, void *user) {
        Stage *stage = user;
        g_autofree char *held = g_strdup_printf("held=%d", pid);
        expect_row(stage, "vf0", "driver=vfio-pci override=vfio-pci");
        expect_row(stage, "vf0", GUEST_STATE);
        expect_row(stage, "vf0", held);
        expect_row(stage, "lease " VF0, "of qemu:web1 active");
}

static bool run(Stage *stage, GError **error) {
        return stage_run(stage, "enp1s0", GUEST_STATE, "/usr/bin/qemu-system-x86_64 -name web1 -device vfio-pci,host={vf}", error);
}

static bool run_and_look(Stage *stage, GError **error) {
        sim_child_scene(stage->sim, look_while_it_runs, stage);
        return run(stage, error);
}

static void end_children(Stage *stage) {
        int pid;
        for (unsigned n = 0; (pid = sim_child_pid(stage->sim, n)); n++)
                sim_end_process(stage->sim, pid);
}

/* --- the alarm itself ----------------------------------------------------------------------------------------- */

/* What every story relies on: that the machine notices when somebody is disturbed. */
static void test_alarm(void) {
        static const struct {
                const char *path, *text, *heard;
        } crimes[] = {
                {NUMVFS, "0", "was taken from process"},
                {"sys/bus/pci/devices/" VF0 "/driver/unbind", VF0, "was taken from process"},
                {"sys/bus/pci/devices/" VF0 "/reset", "1", "was reset under process"},
                {"sys/bus/pci/devices/0000:01:00.0/reset", "1", "was reset under process"},
        };
        for (unsigned i = 0; i < G_N_ELEMENTS(crimes); i++) {
                g_autoptr(Sim) sim = sim_new(0);
                sim_add_card(sim, "igb");
                g_autoptr(Io) io = sim_process(sim, "sh");
                g_assert_cmpint(io_write(io, NUMVFS, "1", 0), ==, 0);
                g_assert_cmpint(io_load_module(io, "vfio-pci"), ==, 0);
                g_assert_cmpint(io_write(io, "sys/bus/pci/devices/" VF0 "/driver/unbind", VF0, 0), ==, 0);
                g_assert_cmpint(io_write(io, "sys/bus/pci/devices/" VF0 "/driver_override", "vfio-pci", 0), ==, 0);
                g_assert_cmpint(io_write(io, "sys/bus/pci/drivers_probe", VF0, 0), ==, 0);
                g_assert_cmpint(sim_open_vfio(sim, sim_start(sim, "qemu"), VF0), ==, 0);
                g_assert_cmpstr(sim_disturbances(sim), ==, "");
                io_write(io, crimes[i].path, crimes[i].text, 0);
                g_assert_nonnull(strstr(sim_disturbances(sim), crimes[i].heard));
        }
}

/* --- the table ------------------------------------------------------------------------------------------------ */

#define IGB .cards = {"igb"}

static const Story stories[] = {
        {"enable", IGB, .play = enable, .check = check_enabled, .counts = true},
        {"enable-again", IGB, .prepare = seven, .play = enable, .check = check_enabled},
        {"enable-autoprobe-off", SIM_AUTOPROBE_OFF, IGB, .play = enable, .counts = true},
        {"enable-too-many", IGB, .play = enable_too_many, .refused = VFADM_ERROR_REFUSED, .says = "at most 7"},
        {"enable-bnxt-down", SIM_PF_DOWN, {"bnxt_en"}, .play = enable, .refused = VFADM_ERROR_REFUSED, .says = "is down"},
        {"enable-three", .cards = {"igb", "igb", "igb"}, .play = enable_three, .counts = true},
        {"enable-late-udev", SIM_LATE_UDEV, IGB, .play = enable, .check = check_enabled, .counts = true},
        {"enable-locked", IGB, .prepare = locked, .play = enable, .refused = VFADM_ERROR_BUSY, .says = "another vfadm"},
        {"bring-up", .cards = {"igb", "igb", "igb"}, .play = bring_up, .check = check_brought_up, .stride = 41},
        {"set-all", IGB, .prepare = seven, .play = set_all, .check = check_set_all},
        {"bind-all", IGB, .prepare = seven_of_the_host, .play = bind_all, .check = check_bound_all},
        {"disable", IGB, .prepare = seven, .play = disable, .check = check_disabled, .counts = true},
        {"disable-of-host", IGB, .prepare = seven_of_the_host, .play = disable, .check = check_disabled, .counts = true},
        {"disable-with-state", IGB, .prepare = seven_with_state, .play = disable, .check = check_disabled, .counts = true},
        {"disable-used", IGB, .prepare = used_by_guest, .play = disable, .refused = VFADM_ERROR_IN_USE, .says = "web1"},
        {"disable-used-by-dpdk", IGB, .prepare = used_by_dpdk, .play = disable, .refused = VFADM_ERROR_IN_USE,
         .says = "dpdk-testpmd"},
        {"resize", IGB, .prepare = seven_of_the_host, .play = resize, .check = check_resized, .counts = true},
        {"resize-with-state", IGB, .prepare = seven_with_state, .play = resize, .check = check_resized, .counts = true},
        {"resize-used", IGB, .prepare = used_by_guest, .play = resize, .refused = VFADM_ERROR_IN_USE, .says = "web1"},
        {"set", IGB, .prepare = seven, .play = set, .check = check_set},
        {"set-ixgbe", .cards = {"ixgbe"}, .prepare = seven, .play = set, .check = check_set},
        {"set-mlx5", .cards = {"mlx5_core"}, .prepare = seven, .play = set, .check = check_set},
        {"set-bnxt", .cards = {"bnxt_en"}, .prepare = seven, .play = set, .check = check_set},
        {"set-i40e", .cards = {"i40e"}, .prepare = seven, .play = set_plain, .check = check_set_plain},
        {"set-ice", .cards = {"ice"}, .prepare = seven, .play = set_plain, .check = check_set_plain},
        {"set-link-igb", IGB, .prepare = seven, .play = set_link, .refused = VFADM_ERROR_UNSUPPORTED, .says = "link"},
        {"set-used", IGB, .prepare = used_by_guest, .play = set_used, .refused = VFADM_ERROR_IN_USE},
        {"bind", IGB, .prepare = seven_of_the_host, .play = bind_vfio, .check = check_bound},
        {"bind-driverless", IGB, .prepare = seven, .play = bind_vfio, .check = check_bound},
        {"bind-acs-off", SIM_ACS_OFF, IGB, .prepare = seven, .play = bind_vfio, .refused = VFADM_ERROR_REFUSED},
        {"bind-no-iommu", SIM_NO_IOMMU, IGB, .prepare = seven, .play = bind_vfio, .refused = VFADM_ERROR_UNSUPPORTED},
        {"bind-variant", .cards = {"mlx5_core"}, .prepare = seven, .play = bind_variant, .check = check_variant},
        {"bind-one-of-group", SIM_CONVENTIONAL, .play = bind_one_of_group, .refused = VFADM_ERROR_REFUSED},
        {"bind-group", SIM_CONVENTIONAL, .play = bind_whole_group, .check = check_group},
        {"bind-disk", IGB, .play = bind_disk, .refused = VFADM_ERROR_REFUSED, .says = "mounted on /"},
        {"bind-used", IGB, .prepare = used_by_guest, .play = bind_used, .refused = VFADM_ERROR_IN_USE, .says = "web1"},
        {"unbind", IGB, .prepare = one_bound, .play = unbind, .check = check_unbound},
        {"unbind-autoprobe-off", IGB, .prepare = one_bound_autoprobe_off, .play = unbind, .check = check_unbound},
        {"attach", IGB, .prepare = good_guest, .play = attach, .check = check_attached},
        {"attach-used", IGB, .prepare = used_by_guest, .play = attach_again, .refused = VFADM_ERROR_IN_USE, .says = "web1"},
        {"attach-pf-down", SIM_PF_DOWN, IGB, .prepare = good_guest, .play = attach, .refused = VFADM_ERROR_REFUSED,
         .says = "down"},
        {"attach-no-slot", IGB, .prepare = full_guest, .play = attach, .refused = VFADM_ERROR_REFUSED, .says = "slot"},
        {"attach-refused-by-qemu", IGB, .prepare = no_plug_guest, .play = attach, .refused = VFADM_ERROR_FAILED},
        {"attach-to-liar", IGB, .prepare = lying_guest, .play = attach, .refused = VFADM_ERROR_FAILED},
        {"attach-to-garbage", IGB, .prepare = garbage_guest, .play = attach, .refused = VFADM_ERROR_FAILED},
        {"attach-to-closed-door", IGB, .prepare = closing_guest, .play = attach, .refused = VFADM_ERROR_FAILED},
        {"attach-to-silence", IGB, .prepare = silent_guest, .play = attach, .refused = VFADM_ERROR_BUSY, .once = true},
        {"attach-to-mute", IGB, .prepare = mute_guest, .play = attach, .refused = VFADM_ERROR_BUSY, .once = true},
        {"attach-to-endless", IGB, .prepare = endless_guest, .play = attach, .refused = VFADM_ERROR_FAILED, .once = true},
        {"attach-no-remap", SIM_NO_REMAP, IGB, .prepare = good_guest, .play = attach, .refused = VFADM_ERROR_UNSUPPORTED},
        {"detach", IGB, .prepare = attached_to_good, .play = detach, .check = check_detached, .half_done = true},
        {"detach-slow", IGB, .prepare = attached_to_slow, .play = detach, .check = check_detached, .half_done = true},
        {"detach-pending", IGB, .prepare = attached_to_keeper, .play = detach, .refused = VFADM_ERROR_PENDING,
         .check = check_pending, .settle = keeper_lets_go, .half_done = true},
        {"detach-refused-by-guest", IGB, .prepare = attached_to_refuser, .play = detach, .refused = VFADM_ERROR_FAILED},
        {"release-while-used", IGB, .prepare = used_by_guest, .play = release, .refused = VFADM_ERROR_IN_USE},
        {"release-by-number-locked", SIM_CONVENTIONAL, .prepare = leased_and_locked, .play = release_by_number, .refused = VFADM_ERROR_BUSY,
         .says = CONVENTIONAL_NIC, .once = true},
        {"enable-beside-failed-recovery", .cards = {"igb", "igb"}, .prepare = guest_gone, .play = enable_second,
         .check = check_enabled_second, .once = true},
        {"recover-guest-gone", IGB, .prepare = guest_gone, .play = guest_ends_then_recover, .check = check_detached,
         .half_done = true},
        {"run", IGB, .prepare = seven_of_the_host, .play = run_and_look, .check = check_detached, .settle = end_children},
        {"run-driverless", IGB, .prepare = seven, .play = run_and_look, .settle = end_children},
};

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
        stories_apply_add();
        stories_boot_add();
        stories_group_add();
        stories_libvirt_add();
        stories_service_add();
        stories_meanwhile_add();
        stories_xen_add();
        stories_xl_add();
        g_test_add_func("/well/the-alarm", test_alarm);
        return g_test_run();
}
