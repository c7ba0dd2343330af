/* Recovery: what becomes of plans whose process died, and of leases without a holder. */
#include "act_stage.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>

static const VfState plain = {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q};

static void test_nothing(void) {
        g_autoptr(Stage) stage = stage_new(2);

        assert_recovers(stage, "");
        assert_log(stage, "");
}

/* ---- plans ---- */

static void test_back(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = enable_plan();

        die_during(stage, plan, "dDp", DEAD_PID, BOOT);
        machine_put(stage->machine, "sys/bus/pci/devices/" PF_NAME "/sriov_drivers_autoprobe", "0");
        /* The count was still on its way or never written: the write of the old one waits for it. */
        assert_recovers(stage, "enable (enp1s0: 2 VFs on): undone");
        assert_log(stage, PF_NAME "/sriov_numvfs = 0\n" PF_NAME "/sriov_drivers_autoprobe = 1");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        assert_recovers(stage, "");
}

static void test_back_from_made(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();

        die_during(stage, plan, "dDp", DEAD_PID, BOOT);
        machine_put(stage->machine, "sys/bus/pci/devices/" PF_NAME "/sriov_drivers_autoprobe", "0");
        assert_recovers(stage, "undone");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
}

static void test_all_done(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();

        die_during(stage, plan, "ddd", DEAD_PID, BOOT);
        assert_recovers(stage, "everything had been done");
        assert_log(stage, "");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

static void test_living(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();

        die_during(stage, plan, "dDp", GUEST_PID, BOOT);
        assert_recovers(stage, "");
        assert_log(stage, "");
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
}

static void test_other_boot(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();

        die_during(stage, plan, "dDp", DEAD_PID, "00000000-0000-0000-0000-000000000000");
        assert_recovers(stage, "rebooted since, so there is nothing to undo");
        assert_log(stage, "");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

static void test_changed_by_others(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("set");
        VfState to = plain;

        to.vlan = 42;
        add_state(plan, 0, &plain, &to, VF_VLAN);
        add_number(plan, STEP_AUTOPROBE, 1, 0);
        die_during(stage, plan, "dp", DEAD_PID, BOOT);
        stage->machine->vfs[0].vlan = 43;
        assert_recovers(stage, "somebody has changed it since (it is 'vlan=43' now)");
        assert_log(stage, "");
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 43);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);

        /* A step that was under way may have stopped anywhere: that is not somebody else. */
        die_during(stage, plan, "Dp", DEAD_PID, BOOT);
        assert_recovers(stage, "undone");
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 0);
}

static void test_device_gone(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = plan_new("bind");

        add_driver(plan, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
        add_driver(plan, 1, "igbvf", NULL, "vfio-pci", "vfio-pci");
        die_during(stage, plan, "dD", DEAD_PID, BOOT);
        assert_recovers(stage, "the device is gone, so there is nothing to undo");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* Half a bind, and then somebody took the device for himself. */
static void test_in_use(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("attach");

        add_lease(plan)->to.lease->pid = DEAD_PID;
        add_driver(plan, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
        add_guest(plan, NULL, "nic0");
        die_during(stage, plan, "ddp", DEAD_PID, BOOT);
        machine_set_driver(stage->machine, 0, "vfio-pci", "vfio-pci");
        stage->machine->user_pid = 555;
        assert_recovers(stage, "0000:01:10.0 is in use (dpdk (pid 555)), so it was left alone");
        assert_log(stage, "");
        assert_lease(stage, LEASE_ACTIVE);
        g_assert_cmpuint(n_unfinished(stage), ==, 1);

        stage->machine->user_pid = 0;
        assert_recovers(stage, "undone");
        assert_driver(stage, 0, "igbvf");
        assert_no_lease(stage);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

static void test_vfs_in_use(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();

        die_during(stage, plan, "ddD", DEAD_PID, BOOT);
        stage->machine->user_pid = 555;
        assert_recovers(stage, "0000:01:10.0 is in use");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 2);
}

static void test_attach_plugged(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = attach_plan();

        die_during(stage, plan, "ddD", DEAD_PID, BOOT);
        machine_set_driver(stage->machine, 0, "vfio-pci", "vfio-pci");
        stage->machine->guest_has = g_strdup("nic0");
        assert_recovers(stage, "undone");
        assert_log(stage, "unplug nic0\n0000:01:10.0/driver/unbind = 0000:01:10.0\n0000:01:10.0/driver_override = igbvf\n"
                          "sys/bus/pci/drivers_probe = 0000:01:10.0\n0000:01:10.0/driver_override = none");
        assert_no_lease(stage);
}

static void test_attach_kept_by_guest(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = attach_plan();

        die_during(stage, plan, "ddD", DEAD_PID, BOOT);
        machine_set_driver(stage->machine, 0, "vfio-pci", "vfio-pci");
        stage->machine->guest_has = g_strdup("nic0");
        stage->machine->guest_keeps = true;
        assert_recovers(stage, "has not let go");
        assert_log(stage, "unplug nic0");
        assert_lease(stage, LEASE_PENDING);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        assert_driver(stage, 0, "vfio-pci (vfio-pci)");
}

/* Nobody knows whether the guest has it: its driver must not be pulled away. */
static void test_attach_deaf_guest(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = attach_plan();

        die_during(stage, plan, "ddD", DEAD_PID, BOOT);
        machine_set_driver(stage->machine, 0, "vfio-pci", "vfio-pci");
        stage->machine->guest_deaf = true;
        g_free(recover(stage, VFADM_ERROR_HALF_DONE));
        assert_log(stage, "");
        assert_lease(stage, LEASE_ACTIVE);
        g_assert_cmpuint(n_unfinished(stage), ==, 1);

        stage->machine->guest_runs = false;
        machine_end_process(stage->machine, GUEST_PID);
        assert_recovers(stage, "undone");
        assert_driver(stage, 0, "igbvf");
        assert_no_lease(stage);
}

static void lend(Stage *stage) {
        g_autoptr(Plan) plan = attach_plan();
        assert_ran(stage, plan);
        g_free(machine_take_log(stage->machine));
}

/* Giving back goes forward from wherever it stopped. */
static void test_forward(void) {
        static const char *const deaths[] = {"Dppp", "dppp", "dDpp", "ddDp", "dddp", "dddd"};

        for (size_t i = 0; i < G_N_ELEMENTS(deaths); i++) {
                g_autoptr(Stage) stage = stage_new(1);
                lend(stage);
                g_autoptr(Lease) lease = the_lease(stage);
                g_autoptr(Plan) plan = detach_plan(lease);
                die_during(stage, plan, deaths[i], DEAD_PID, BOOT);
                if (deaths[i][0] == 'd')
                        g_clear_pointer(&stage->machine->guest_has, g_free);
                if (deaths[i][2] == 'd')
                        machine_set_driver(stage->machine, 0, "igbvf", NULL);
                assert_recovers(stage, i == 5 ? "everything had been done" : "brought to its end");
                g_assert_null(stage->machine->guest_has);
                assert_driver(stage, 0, "igbvf");
                assert_no_lease(stage);
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

static void test_forward_disable(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = plan_new("disable");

        plan->summary = g_strdup("enp1s0: VFs off");
        add_number(plan, STEP_AUTOPROBE, 1, 0);
        add_driver(plan, 0, "igbvf", NULL, NULL, NULL);
        add_number(plan, STEP_NUMVFS, 2, 0);
        add_number(plan, STEP_AUTOPROBE, 0, 1);
        die_during(stage, plan, "dDpp", DEAD_PID, BOOT);
        machine_put(stage->machine, "sys/bus/pci/devices/" PF_NAME "/sriov_drivers_autoprobe", "0");
        /* Not while somebody uses a VF: then it is as before. */
        stage->machine->user_pid = 555;
        assert_recovers(stage, "is in use");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 2);
        g_autofree char *autoprobe = machine_autoprobe(stage->machine);
        g_assert_cmpstr(autoprobe, ==, "1");

        stage->machine->user_pid = 0;
        die_during(stage, plan, "dDpp", DEAD_PID, BOOT);
        assert_recovers(stage, "disable (enp1s0: VFs off): brought to its end");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
}

/* The journaled plan fails for good; the lease is given back by a fresh one. */
static void test_forward_fails_then_lease(void) {
        g_autoptr(Stage) stage = stage_new(1);

        lend(stage);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) plan = detach_plan(lease);
        die_during(stage, plan, "dppp", DEAD_PID, BOOT);
        g_clear_pointer(&stage->machine->guest_has, g_free);
        fail(stage, "0000:01:10.0/reset", -EIO, 1);
        assert_recovers(stage, "its guest has let go");
        assert_no_lease(stage);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

static void test_locked(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();

        die_during(stage, plan, "dDp", DEAD_PID, BOOT);
        stage->machine->lock_result = -ETIMEDOUT;
        assert_recovers(stage, "left for later: 0000:01:00.0: another vfadm is changing it");
        assert_log(stage, "");
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
}

/* ---- leases ---- */

/* A lease as attach leaves it, with what is needed to give the device back. */
static void hold_lease(Stage *stage, LeaseState state, int pid, const char *boot_id) {
        g_autoptr(Plan) plan = plan_new("attach");
        Lease *lease = add_lease(plan)->to.lease;

        lease->state = state;
        lease->pid = pid;
        lease->pid_start = (uint64_t) pid + 7;
        g_free(lease->boot_id);
        lease->boot_id = g_strdup(boot_id);
        lease->vendor = 0x8086;
        lease->device = 0x10ca;
        lease->is_vf = true;
        lease->path = g_strdup("pci0000:00/0000:00:02.0/" PF_NAME);
        lease->saved = plain;
        lease->given = (VfState) {.known = VF_VLAN, .vlan = 42};
        lease->saved_driver = g_strdup("igbvf");
        assert_ran(stage, plan);
        machine_set_driver(stage->machine, 0, "vfio-pci", "vfio-pci");
        stage->machine->vfs[0].vlan = 42;
}

static void assert_given_back(Stage *stage) {
        assert_no_lease(stage);
        assert_driver(stage, 0, "igbvf");
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 0);
}

/* A stale plan meets a VF that was leased since: its guest may not have opened it yet, so that no use is to be seen. */
static void test_leased_since(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();

        hold_lease(stage, LEASE_ACTIVE, GUEST_PID, BOOT);
        die_during(stage, plan, "ddp", DEAD_PID, BOOT);
        assert_recovers(stage, "0000:01:10.0 is leased to qemu:web1 (lease 1), so it was left alone");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 2);
        assert_log(stage, "");
        g_assert_cmpuint(n_unfinished(stage), ==, 1);

        g_autoptr(Plan) bind = plan_new("bind");
        add_driver(bind, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
        die_during(stage, bind, "d", DEAD_PID, BOOT);
        assert_recovers(stage, "0000:01:10.0 is leased to qemu:web1");
        assert_driver(stage, 0, "vfio-pci (vfio-pci)");

        machine_end_process(stage->machine, GUEST_PID); /* nor does such a lease stand in the way for ever */
        assert_recovers(stage, "undone");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

static void test_holder_lives(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_ACTIVE, GUEST_PID, BOOT);
        assert_recovers(stage, "");
        assert_lease(stage, LEASE_ACTIVE);
        assert_log(stage, "");
}

static void test_holder_gone(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_ACTIVE, DEAD_PID, BOOT);
        assert_recovers(stage, "0000:01:10.0 back from qemu:web1 (lease 1): its guest has ended");
        assert_given_back(stage);
}

static void test_holder_gone_but_used(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_ACTIVE, DEAD_PID, BOOT);
        stage->machine->user_pid = 555;
        assert_recovers(stage, "is in use (dpdk (pid 555))");
        assert_lease(stage, LEASE_ACTIVE);
        assert_log(stage, "");
        stage->machine->user_pid = 0;
        assert_recovers(stage, "its guest has ended");
        assert_given_back(stage);
}

static void test_holder_gone_other_device(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_ACTIVE, DEAD_PID, BOOT);
        g_autoptr(Lease) lease = the_lease(stage);
        lease->device = 0x1520; /* another card has its address now */
        g_assert_true(ledger_update_lease(stage->act.ledger, lease, NULL));
        assert_recovers(stage, "its guest has ended");
        assert_no_lease(stage);
        assert_log(stage, "");
}

/* There every holder looks as if it were gone. */
static void test_in_container(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_ACTIVE, DEAD_PID, BOOT);
        stage->machine->in_container = true;
        g_free(recover(stage, VFADM_ERROR_REFUSED));
        assert_lease(stage, LEASE_ACTIVE);
        assert_log(stage, "");
        stage->machine->in_container = false;
        assert_recovers(stage, "its guest has ended");
}

static void test_lease_of_other_boot(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_ACTIVE, GUEST_PID, "00000000-0000-0000-0000-000000000000");
        assert_recovers(stage, "the machine has been rebooted since");
        assert_no_lease(stage);
        assert_log(stage, "");
}

static void test_pending(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_PENDING, GUEST_PID, BOOT);
        stage->machine->guest_has = g_strdup("nic0");
        assert_recovers(stage, "");
        assert_lease(stage, LEASE_PENDING);

        stage->machine->guest_deaf = true;
        assert_recovers(stage, "qemu:web1 does not answer");
        assert_lease(stage, LEASE_PENDING);
        assert_log(stage, "");

        stage->machine->guest_deaf = false;
        g_clear_pointer(&stage->machine->guest_has, g_free);
        assert_recovers(stage, "its guest has let go");
        assert_given_back(stage);
}

static void test_give_back_fails(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_ACTIVE, DEAD_PID, BOOT);
        fail(stage, "0000:01:10.0/reset", -EIO, -1);
        g_autofree char *told = recover(stage, VFADM_ERROR_FAILED);
        g_assert_nonnull(strstr(told, "0000:01:10.0 cannot be reset"));
        assert_lease(stage, LEASE_ACTIVE);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        stage->machine->fail_times = 0;
        assert_recovers(stage, "its guest has ended");
        assert_given_back(stage);
}

/* A guest that refuses keeps its device, and its lease as it was. */
static void test_forward_refused(void) {
        g_autoptr(Stage) stage = stage_new(1);

        lend(stage);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) plan = detach_plan(lease);
        die_during(stage, plan, "Dppp", DEAD_PID, BOOT);
        fail(stage, "unplug", -EIO, -1);
        assert_recovers(stage, "qemu:web1 says no; everything was undone");
        assert_lease(stage, LEASE_ACTIVE);
        g_assert_cmpstr(stage->machine->guest_has, ==, "nic0");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* A lease whose plan another vfadm is running is that one's business. */
static void test_lease_of_living_plan(void) {
        g_autoptr(Stage) stage = stage_new(1);

        hold_lease(stage, LEASE_ACTIVE, DEAD_PID, BOOT);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) plan = detach_plan(lease);
        die_during(stage, plan, "dDpp", GUEST_PID, BOOT);
        assert_recovers(stage, "");
        assert_lease(stage, LEASE_ACTIVE);
        assert_log(stage, "");
}

int main(int argc, char **argv) {
        static const struct {
                const char *path;
                void (*run)(void);
        } tests[] = {
                {"/recover/nothing", test_nothing},
                {"/recover/back", test_back},
                {"/recover/back-from-made", test_back_from_made},
                {"/recover/all-done", test_all_done},
                {"/recover/living", test_living},
                {"/recover/other-boot", test_other_boot},
                {"/recover/changed-by-others", test_changed_by_others},
                {"/recover/device-gone", test_device_gone},
                {"/recover/in-use", test_in_use},
                {"/recover/vfs-in-use", test_vfs_in_use},
                {"/recover/attach-plugged", test_attach_plugged},
                {"/recover/attach-kept-by-guest", test_attach_kept_by_guest},
                {"/recover/attach-deaf-guest", test_attach_deaf_guest},
                {"/recover/forward", test_forward},
                {"/recover/forward-disable", test_forward_disable},
                {"/recover/forward-fails-then-lease", test_forward_fails_then_lease},
                {"/recover/forward-refused", test_forward_refused},
                {"/recover/locked", test_locked},
                {"/recover/leased-since", test_leased_since},
                {"/recover/holder-lives", test_holder_lives},
                {"/recover/holder-gone", test_holder_gone},
                {"/recover/holder-gone-but-used", test_holder_gone_but_used},
                {"/recover/holder-gone-other-device", test_holder_gone_other_device},
                {"/recover/in-container", test_in_container},
                {"/recover/lease-of-other-boot", test_lease_of_other_boot},
                {"/recover/pending", test_pending},
                {"/recover/give-back-fails", test_give_back_fails},
                {"/recover/lease-of-living-plan", test_lease_of_living_plan},
        };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add_func(tests[i].path, tests[i].run);
        return g_test_run();
}
