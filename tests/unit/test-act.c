/* The step runner: order, reading back, walking back, and what the journal says after each. Recovery is in test-recover.c. */
#include "act_stage.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* ---- running ---- */

static void test_order(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = enable_plan();

        assert_ran(stage, plan);
        assert_log(stage, PF_NAME "/sriov_drivers_autoprobe = 0\n" PF_NAME "/sriov_numvfs = 2\n" PF_NAME "/sriov_drivers_autoprobe = 1");
        g_assert_cmpstr(stage->progress->str, ==, "0 0! 1 1! 2 2! ");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        assert_driver(stage, 0, "-");
}

static void test_already_so(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = plan_new("enable");

        add_number(plan, STEP_NUMVFS, 0, 2);
        add_number(plan, STEP_AUTOPROBE, 0, 1);
        add_number(plan, STEP_LINK, 0, 1);
        add_driver(plan, 0, NULL, NULL, "igbvf", NULL);
        assert_ran(stage, plan);
        assert_log(stage, "");
}

static void test_refused_plan(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = enable_plan();

        plan_refuse(plan, VFADM_ERROR_IN_USE, "no: %s", "in use");
        g_free(assert_fails(stage, plan, VFADM_ERROR_IN_USE, "no: in use"));
        assert_log(stage, "");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

static void test_walks_back_in_reverse(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = enable_plan();
        Step *module = plan_add(plan, step_new(STEP_MODULE, machine_vf(0), "because"));

        module->to.text = g_strdup("vfio-pci");
        add_driver(plan, 0, NULL, NULL, "vfio-pci", "vfio-pci");
        add_driver(plan, 1, NULL, NULL, "nosuch", NULL);
        fail(stage, "module nosuch", -ENOENT, -1);
        g_autofree char *message = assert_fails(stage, plan, VFADM_ERROR_NOT_FOUND, "0000:01:10.2: the driver nosuch is not loaded");
        g_assert_true(g_str_has_suffix(message, "; everything was undone"));
        assert_log(stage, PF_NAME "/sriov_drivers_autoprobe = 0\n" PF_NAME "/sriov_numvfs = 2\n" PF_NAME "/sriov_drivers_autoprobe = 1\n"
                          "module vfio-pci\n0000:01:10.0/driver_override = vfio-pci\nsys/bus/pci/drivers_probe = 0000:01:10.0\n"
                          "module nosuch FAILS\n"
                          "0000:01:10.0/driver/unbind = 0000:01:10.0\n0000:01:10.0/driver_override = none\n"
                          PF_NAME "/sriov_drivers_autoprobe = 0\n" PF_NAME "/sriov_numvfs = 0\n" PF_NAME "/sriov_drivers_autoprobe = 1");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
}

static void test_fewer_vfs(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = enable_plan();
        g_autofree char *autoprobe = NULL;

        stage->machine->gives = 1;
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, PF_NAME ": the kernel gave 1 of 2 VFs"));
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
        autoprobe = machine_autoprobe(stage->machine);
        g_assert_cmpstr(autoprobe, ==, "1");
}

static void test_numvfs_answers(void) {
        static const struct {
                int r, code;
                const char *says;
        } answers[] = {
                {-ENOMEM, VFADM_ERROR_FAILED, "pci=realloc"},
                {-ENOSPC, VFADM_ERROR_FAILED, "interrupts or queues are used up"},
                {-ERANGE, VFADM_ERROR_FAILED, "more than the card's driver or firmware allows"},
                {-ENOENT, VFADM_ERROR_NOT_FOUND, "no driver that can make VFs"},
                {-EBUSY, VFADM_ERROR_BUSY, "somebody uses them"},
                {-EACCES, VFADM_ERROR_PERMISSION, "Permission denied"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
                g_autoptr(Stage) stage = stage_new(0);
                g_autoptr(Plan) plan = enable_plan();
                fail(stage, PF_NAME "/sriov_numvfs = 2", answers[i].r, -1);
                g_free(assert_fails(stage, plan, answers[i].code, answers[i].says));
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

/* The write may still be going on: the count reads as before, and only another write waits for it. */
static void test_numvfs_stuck(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = enable_plan();

        fail(stage, PF_NAME "/sriov_numvfs", -ETIMEDOUT, 1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_BUSY, "; everything was undone"));
        assert_log(stage, PF_NAME "/sriov_drivers_autoprobe = 0\n" PF_NAME "/sriov_numvfs = 2 FAILS\n" PF_NAME "/sriov_numvfs = 0\n"
                          PF_NAME "/sriov_drivers_autoprobe = 1");

        stage->machine->fail_times = -1; /* and it does not end */
        g_free(assert_fails(stage, plan, VFADM_ERROR_HALF_DONE, "run 'vfadm recover'"));
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
}

static void test_busy(void) {
        static const VfState from = {.known = VF_ALL, .spoofchk = true}, to = {.known = VF_TRUST, .trust = true};
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("set");

        add_state(plan, 0, &from, &to, VF_TRUST);
        stage->machine->busy = 3;
        assert_ran(stage, plan);
        assert_log(stage, "vf 0: trust=on");
        g_assert_cmpint(stage->machine->clock, ==, (5 + 10 + 20) * 1000);

        stage->machine->vfs[0].trust = false;
        stage->machine->busy = -1;
        g_free(assert_fails(stage, plan, VFADM_ERROR_BUSY, "enp1s0: VF 0 does not take trust=on"));
        g_assert_cmpint(stage->machine->clock, >=, 10 * 1000 * 1000);
        g_assert_cmpint(stage->machine->clock, <, 12 * 1000 * 1000);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* ---- drivers ---- */

static void test_driver(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) there = plan_new("bind"), back = plan_new("bind");

        add_driver(there, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
        assert_ran(stage, there);
        assert_log(stage, "0000:01:10.0/driver/unbind = 0000:01:10.0\nmodule vfio-pci\n0000:01:10.0/driver_override = vfio-pci\n"
                          "sys/bus/pci/drivers_probe = 0000:01:10.0");
        assert_driver(stage, 0, "vfio-pci (vfio-pci)");

        /* With autoprobe off only an override lets the VF be probed; it does not stay. */
        machine_put(stage->machine, "sys/bus/pci/devices/" PF_NAME "/sriov_drivers_autoprobe", "0");
        add_driver(back, 0, "vfio-pci", "vfio-pci", "igbvf", NULL);
        assert_ran(stage, back);
        assert_log(stage, "0000:01:10.0/driver/unbind = 0000:01:10.0\n0000:01:10.0/driver_override = igbvf\n"
                          "sys/bus/pci/drivers_probe = 0000:01:10.0\n0000:01:10.0/driver_override = none");
        assert_driver(stage, 0, "igbvf");
}

static void test_driver_does_not_take_it(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("bind");

        machine_set_driver(stage->machine, 0, NULL, NULL);
        stage->machine->nobody_binds = true;
        add_driver(plan, 0, NULL, NULL, "vfio-pci", "vfio-pci");
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "0000:01:10.0: vfio-pci did not take it: no driver has it now"));
        assert_driver(stage, 0, "-"); /* the override is gone again */
}

static void test_driver_own(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("unbind");

        add_driver(plan, 0, "vfio-pci", "vfio-pci", DRIVER_OWN, NULL);
        machine_set_driver(stage->machine, 0, "vfio-pci", "vfio-pci");
        assert_ran(stage, plan);
        assert_log(stage, "0000:01:10.0/driver/unbind = 0000:01:10.0\n0000:01:10.0/driver_override = none\n"
                          "sys/bus/pci/drivers_probe = 0000:01:10.0");
        assert_driver(stage, 0, "igbvf");
        /* A driverless one is offered too, and if nobody wants it that is fine. */
        machine_set_driver(stage->machine, 0, NULL, NULL);
        stage->machine->nobody_binds = true;
        assert_ran(stage, plan);
        assert_log(stage, "sys/bus/pci/drivers_probe = 0000:01:10.0");
}

static void test_driver_device_gone(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("bind");

        add_driver(plan, 3, NULL, NULL, "vfio-pci", "vfio-pci");
        g_free(assert_fails(stage, plan, VFADM_ERROR_NOT_FOUND, "0000:01:10.6 is gone"));
}

static void test_driver_stuck(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("bind");

        add_driver(plan, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
        fail(stage, "0000:01:10.0/driver/unbind", -ETIMEDOUT, -1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_HALF_DONE, "may finish later"));
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
}

/* ---- VF state ---- */

static const VfState plain = {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q};

static void test_state_only_what_differs(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = plan_new("set");
        VfState to = plain;

        to.mac[0] = 0x52;
        to.vlan = 42;
        add_state(plan, 1, &plain, &to, VF_MAC | VF_VLAN | VF_SPOOFCHK);
        assert_ran(stage, plan);
        assert_log(stage, "vf 1: mac=52:00:00:00:00:00 vlan=42");
        g_assert_cmpuint(stage->machine->vfs[1].vlan, ==, 42);
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 0);
}

static void test_state_not_taken(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("set");
        VfState to = plain;

        to.vlan = 42;
        stage->machine->ignores_vlan = true;
        add_state(plan, 0, &plain, &to, VF_VLAN);
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "VF 0 was given vlan=42 and the driver said yes, but it has vlan=0 now"));

        /* What a driver does not report cannot be compared. */
        stage->machine->reports = VF_ALL & ~(unsigned) VF_VLAN;
        assert_ran(stage, plan);
}

/* The kernel tells all VFs of a PF in one answer: asked once before a run of steps and once after it. */
static void test_states_together(void) {
        g_autoptr(Stage) stage = stage_new(3);
        g_autoptr(Plan) plan = plan_new("set");
        VfState to = plain;

        to.vlan = 42;
        for (unsigned i = 0; i < 3; i++)
                add_state(plan, i, &plain, &to, VF_VLAN);
        assert_ran(stage, plan);
        g_assert_cmpuint(stage->machine->vf_reads, ==, 2);
        assert_log(stage, "vf 0: vlan=42\nvf 1: vlan=42\nvf 2: vlan=42");
        g_assert_cmpstr(stage->progress->str, ==, "0 1 2 0! 1! 2! ");

        /* The one that did not take it is named, and all of them are put back. */
        stage->machine->ignores_vlan_of = 2;
        to.vlan = 43;
        g_autoptr(Plan) second = plan_new("set");
        VfState from = plain;
        from.vlan = 42;
        for (unsigned i = 0; i < 3; i++)
                add_state(second, i, &from, &to, VF_VLAN);
        g_free(assert_fails(stage, second, VFADM_ERROR_FAILED, "VF 1 was given vlan=43 and the driver said yes, but it has vlan=42 now"));
        assert_log(stage, "vf 0: vlan=43\nvf 1: vlan=43\nvf 2: vlan=43\nvf 2: vlan=42\nvf 0: vlan=42");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* Before a step of another kind everything has been read back: no driver takes a VF that has not what it should have. */
static void test_states_before_driver(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = plan_new("set");
        VfState to = plain;

        to.vlan = 42;
        stage->machine->ignores_vlan_of = 2;
        add_state(plan, 0, &plain, &to, VF_VLAN);
        add_state(plan, 1, &plain, &to, VF_VLAN);
        add_driver(plan, 0, "igbvf", NULL, NULL, NULL);
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "VF 1 was given vlan=42"));
        assert_log(stage, "vf 0: vlan=42\nvf 1: vlan=42\nvf 0: vlan=0");
        assert_driver(stage, 0, "igbvf");
}

static void test_state_no_mac(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("release");
        VfState from = plain;
        char mac[MAC_TEXT_SIZE];

        from.mac[0] = 0x52;
        stage->machine->vfs[0].mac[0] = 0x52;
        stage->machine->refuses_zero_mac = true;
        add_state(plan, 0, &from, &plain, VF_MAC);
        assert_ran(stage, plan);
        mac_format(stage->machine->vfs[0].mac, mac);
        g_assert_cmpstr(mac, ==, "02:00:00:00:00:00");
        g_free(machine_take_log(stage->machine));
        assert_ran(stage, plan); /* it stands for "none" from now on */
        assert_log(stage, "");
}

static void test_state_wrong_vf(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = plan_new("set");
        VfState to = plain;

        to.trust = true;
        add_state(plan, 1, &plain, &to, VF_TRUST)->vf_index = 0;
        g_free(assert_fails(stage, plan, VFADM_ERROR_NOT_FOUND, "VF 0 of 0000:01:00.0 is 0000:01:10.0 now, not 0000:01:10.2"));
        assert_log(stage, "");
}

static void test_link(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = plan_new("enable");

        add_number(plan, STEP_LINK, 1, 0);
        assert_ran(stage, plan);
        assert_log(stage, "link down");
        /* The name in the plan is a hint: only what lies below the PF counts. */
        g_autoptr(Plan) renamed = plan_new("enable");
        Step *step = add_number(renamed, STEP_LINK, 0, 1);
        g_free(step->netdev);
        step->netdev = g_strdup("eth0");
        machine_put(stage->machine, "sys/class/net/eth0/ifindex", "9");
        assert_ran(stage, renamed);
        assert_log(stage, "link up");
}

/* ---- leases and guests ---- */

static void test_attach_and_detach(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) attach = attach_plan();

        assert_ran(stage, attach);
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_nonnull(lease);
        g_assert_cmpint(lease->id, ==, 1);
        g_assert_cmpint(lease->created, >, 1600000000);
        g_assert_cmpstr(stage->machine->guest_has, ==, "nic0");
        g_free(machine_take_log(stage->machine));

        g_autoptr(Plan) detach = detach_plan(lease);
        assert_ran(stage, detach);
        assert_log(stage, "unplug nic0\n0000:01:10.0/reset = 1\n0000:01:10.0/driver/unbind = 0000:01:10.0\n"
                          "0000:01:10.0/driver_override = igbvf\nsys/bus/pci/drivers_probe = 0000:01:10.0\n0000:01:10.0/driver_override = none");
        g_autoptr(Lease) none = the_lease(stage);
        g_assert_null(none);
}

static void test_attach_refused(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) attach = attach_plan();

        fail(stage, "plug", -EIO, -1);
        g_free(assert_fails(stage, attach, VFADM_ERROR_FAILED, "qemu:web1 says no; everything was undone"));
        assert_driver(stage, 0, "igbvf");
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_null(lease);
}

static void test_lent_already(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) attach = attach_plan(), again = plan_new("attach");

        assert_ran(stage, attach);
        add_number(again, STEP_AUTOPROBE, 1, 0);
        add_lease(again);
        g_free(assert_fails(stage, again, VFADM_ERROR_IN_USE, "is already lent"));
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_cmpint(lease->id, ==, 1); /* the other one's lease is not what is undone */
        g_autofree char *autoprobe = machine_autoprobe(stage->machine);
        g_assert_cmpstr(autoprobe, ==, "1");
}

static void test_guest_keeps(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) attach = attach_plan();

        assert_ran(stage, attach);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = detach_plan(lease);
        g_free(machine_take_log(stage->machine));
        stage->machine->guest_keeps = true;
        g_free(assert_fails(stage, detach, VFADM_ERROR_PENDING, "qemu:web1 has not let go of 0000:01:10.0 within 30 s"));
        assert_log(stage, "unplug nic0");
        g_autoptr(Lease) kept = the_lease(stage);
        g_assert_cmpint(kept->state, ==, LEASE_PENDING);
        g_assert_cmpint(kept->id, ==, lease->id);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        assert_driver(stage, 0, "vfio-pci (vfio-pci)");

        stage->machine->guest_keeps = false;
        assert_ran(stage, detach);
        g_autoptr(Lease) none = the_lease(stage);
        g_assert_null(none);
}

static void assert_all_pending(Stage *stage, unsigned n) {
        g_autoptr(GPtrArray) leases = ledger_leases(stage->act.ledger, NULL);

        g_assert_cmpuint(leases->len, ==, n);
        for (unsigned i = 0; i < n; i++)
                g_assert_cmpint(((const Lease *) leases->pdata[i])->state, ==, LEASE_PENDING);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* One of a group stays in the guest: those that were leased with it, or have let go already, are recovery's to give back. */
static void test_guest_keeps_one(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) attach = plan_new("attach"), detach = plan_new("detach");

        add_lease(attach);
        Step *other = add_lease(attach);
        other->dev = other->to.lease->dev = machine_vf(1);
        add_guest(attach, NULL, "nic0");
        plan_add(attach, step_new(STEP_RESET, machine_vf(0), "because"));
        fail(stage, "0000:01:10.0/reset", -EIO, -1);
        stage->machine->guest_keeps = true;
        g_free(assert_fails(stage, attach, VFADM_ERROR_PENDING, "has not let go of 0000:01:10.0"));
        assert_all_pending(stage, 2);

        g_autoptr(GPtrArray) leases = ledger_leases(stage->act.ledger, NULL);
        for (unsigned i = 0; i < 2; i++) {
                Lease *lease = leases->pdata[i];
                lease->state = LEASE_ACTIVE;
                g_assert_true(ledger_update_lease(stage->act.ledger, lease, NULL));
                add_guest(detach, i ? "nic0" : "nic1", NULL)->dev = machine_vf(1 - i);
        }
        g_free(assert_fails(stage, detach, VFADM_ERROR_PENDING, "has not let go of 0000:01:10.0"));
        assert_all_pending(stage, 2);
}

/* What a guest has let go of is not plugged in again. */
static void test_detach_fails_later(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) attach = attach_plan();

        assert_ran(stage, attach);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = detach_plan(lease);
        fail(stage, "0000:01:10.0/reset", -EIO, 1);
        g_free(assert_fails(stage, detach, VFADM_ERROR_HALF_DONE, "the lease is kept as pending: run 'vfadm recover'"));
        g_assert_null(stage->machine->guest_has);
        g_autoptr(Lease) kept = the_lease(stage);
        g_assert_cmpint(kept->state, ==, LEASE_PENDING);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* After a failed undoing the lease stays, so that nobody else is given what is left over. */
static void test_undo_fails(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("run");

        add_lease(plan);
        add_driver(plan, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
        add_driver(plan, 3, NULL, NULL, "vfio-pci", NULL); /* there is no VF 3 */
        /* igbvf has gone meanwhile, and its module cannot be loaded. */
        g_hash_table_remove(stage->machine->files, "sys/bus/pci/drivers/igbvf/bind");
        fail(stage, "module igbvf", -ENOENT, -1);
        g_autofree char *message = assert_fails(stage, plan, VFADM_ERROR_HALF_DONE, "not undone: 0000:01:10.0: driver");
        g_assert_nonnull(strstr(message, "0000:01:10.6 is gone"));
        g_assert_nonnull(strstr(message, "run 'vfadm recover'"));
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_nonnull(lease);

        stage->machine->fail_times = 0;
        g_autoptr(GError) error = NULL;
        g_assert_true(act_recover(&stage->act, NULL, &error));
        g_assert_no_error(error);
        assert_driver(stage, 0, "igbvf");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        g_autoptr(Lease) none = the_lease(stage);
        g_assert_null(none);
}

/* What rests on a step that could not be undone stays too; what has nothing to do with it is undone. */
static void test_undo_fails_midway(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = plan_new("bind");
        VfState to = plain;

        to.vlan = 42;
        add_number(plan, STEP_AUTOPROBE, 1, 0);
        add_driver(plan, 1, "igbvf", NULL, NULL, NULL);
        add_driver(plan, 0, "igbvf", NULL, NULL, NULL);
        add_state(plan, 0, &plain, &to, VF_VLAN);
        add_driver(plan, 0, NULL, NULL, "vfio-pci", "vfio-pci");
        add_driver(plan, 1, NULL, NULL, "nosuch", NULL);
        g_hash_table_insert(stage->machine->files, g_strdup("sys/bus/pci/drivers/nosuch/bind"), g_strdup(""));
        fail(stage, "0000:01:10.2/driver_override = nosuch", -EIO, 1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "everything was undone"));
        assert_driver(stage, 0, "igbvf");
        assert_driver(stage, 1, "igbvf");

        /* Now vfio-pci does not let go of VF 0. */
        g_free(machine_take_log(stage->machine));
        g_hash_table_remove(stage->machine->files, "sys/bus/pci/drivers/nosuch/bind");
        stage->machine->fail_modules = true;
        fail(stage, "0000:01:10.0/driver/unbind", -EIO, 1);
        stage->machine->fail_after = 1; /* the first time igbvf lets go */
        g_free(assert_fails(stage, plan, VFADM_ERROR_HALF_DONE, "vfio-pci does not let go of it"));
        assert_driver(stage, 0, "vfio-pci (vfio-pci)");
        assert_driver(stage, 1, "igbvf");
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 42);
        g_autofree char *kept = machine_autoprobe(stage->machine);
        g_assert_cmpstr(kept, ==, "0");

        g_autoptr(GError) error = NULL;
        g_assert_true(act_recover(&stage->act, NULL, &error));
        g_assert_no_error(error);
        assert_driver(stage, 0, "igbvf");
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 0);
        g_autofree char *autoprobe = machine_autoprobe(stage->machine);
        g_assert_cmpstr(autoprobe, ==, "1");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* ---- a full disk ---- */

static void test_disk_full_midway(void) {
        for (unsigned cut = 0; cut < 3; cut++) {
                g_autoptr(Stage) stage = stage_new(0);
                g_autoptr(Plan) plan = enable_plan();
                stage->cut_at = 1;
                stage->cut_step = cut;
                g_autofree char *message = assert_fails(stage, plan, VFADM_ERROR_LEDGER, "the disk is full");
                setrlimit(RLIMIT_FSIZE, &stage->before);
                g_assert_nonnull(strstr(message, "everything was undone, but the ledger could not be told"));
                g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
                g_autofree char *autoprobe = machine_autoprobe(stage->machine);
                g_assert_cmpstr(autoprobe, ==, "1");
                /* With room again, recovery finds nothing left to undo. */
                g_assert_cmpuint(n_unfinished(stage), ==, 1);
                g_free(machine_take_log(stage->machine));
                stage->cut_at = 0;
                g_autoptr(GError) error = NULL;
                g_assert_true(act_recover(&stage->act, NULL, &error));
                g_assert_no_error(error);
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
                g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
        }
}

int main(int argc, char **argv) {
        signal(SIGXFSZ, SIG_IGN); /* beyond RLIMIT_FSIZE a write shall fail, as on a full disk */
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/act/order", test_order);
        g_test_add_func("/act/already-so", test_already_so);
        g_test_add_func("/act/refused-plan", test_refused_plan);
        g_test_add_func("/act/walks-back-in-reverse", test_walks_back_in_reverse);
        g_test_add_func("/act/fewer-vfs", test_fewer_vfs);
        g_test_add_func("/act/numvfs-answers", test_numvfs_answers);
        g_test_add_func("/act/numvfs-stuck", test_numvfs_stuck);
        g_test_add_func("/act/busy", test_busy);
        g_test_add_func("/act/driver", test_driver);
        g_test_add_func("/act/driver-does-not-take-it", test_driver_does_not_take_it);
        g_test_add_func("/act/driver-own", test_driver_own);
        g_test_add_func("/act/driver-device-gone", test_driver_device_gone);
        g_test_add_func("/act/driver-stuck", test_driver_stuck);
        g_test_add_func("/act/state-only-what-differs", test_state_only_what_differs);
        g_test_add_func("/act/state-not-taken", test_state_not_taken);
        g_test_add_func("/act/states-together", test_states_together);
        g_test_add_func("/act/states-before-driver", test_states_before_driver);
        g_test_add_func("/act/state-no-mac", test_state_no_mac);
        g_test_add_func("/act/state-wrong-vf", test_state_wrong_vf);
        g_test_add_func("/act/link", test_link);
        g_test_add_func("/act/attach-and-detach", test_attach_and_detach);
        g_test_add_func("/act/attach-refused", test_attach_refused);
        g_test_add_func("/act/lent-already", test_lent_already);
        g_test_add_func("/act/guest-keeps", test_guest_keeps);
        g_test_add_func("/act/guest-keeps-one", test_guest_keeps_one);
        g_test_add_func("/act/detach-fails-later", test_detach_fails_later);
        g_test_add_func("/act/undo-fails", test_undo_fails);
        g_test_add_func("/act/undo-fails-midway", test_undo_fails_midway);
        g_test_add_func("/act/disk-full-midway", test_disk_full_midway);
        return g_test_run();
}
