/* Recovery with a service that keeps definitions and networks (libvirt): plans that died, leases of definitions, holds. */
#include "act_stage.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>

#define OTHER_BOOT "00000000-0000-0000-0000-000000000000"

/* ---- plans that died ---- */

static Stage *new_stage(void) {
        Stage *stage = stage_new(2);
        machine_start_service(stage->machine);
        machine_start_guest(stage->machine);
        return stage;
}

/* The machine as a step leaves it. */
static void make_fact(Stage *stage, const Step *step) {
        FakeService *service = &stage->machine->service;
        bool in = step->to.text != NULL;

        if (step->kind == STEP_HOLD) {
                machine_set_port(stage->machine, 0, step->to.text);
        } else if (step->kind == STEP_DEFINED) {
                g_free(service->element);
                service->element = g_strdup(step->to.text);
        } else if (step->kind == STEP_GUEST) {
                g_free(service->has);
                service->has = g_strdup(step->to.text);
                machine_set_driver(stage->machine, 0, in ? "vfio-pci" : "igbvf", in ? "vfio-pci" : NULL);
        }
}

/* Dies in step `at`, before or after it was made. */
static void die_at(Stage *stage, const Plan *plan, unsigned at, bool made, const char *boot_id) {
        g_autofree char *marks = g_strnfill(plan->steps->len, 'p');

        for (unsigned i = 0; i < at + made; i++)
                make_fact(stage, plan->steps->pdata[i]);
        memset(marks, 'd', at);
        marks[at] = ((const Step *) plan->steps->pdata[at])->kind == STEP_LEASE ? "pd"[made] : 'D';
        die_during(stage, plan, marks, DEAD_PID, boot_id);
}

static void test_attach_dies_anywhere(void) {
        for (unsigned at = 0; at < 2 * 5; at++) {
                g_autoptr(Stage) stage = new_stage();
                g_autoptr(Plan) attach = service_attach_plan(PLUGGED | DEFINED);
                g_assert_cmpuint(attach->steps->len, ==, 5);
                die_at(stage, attach, at / 2, at % 2, BOOT);
                assert_recovers(stage, at == 9 ? "undone" : "attach");
                assert_service_free(stage);
                assert_recovers(stage, "");
        }
}

static void test_detach_dies_anywhere(void) {
        for (unsigned at = 0; at < 2 * 5; at++) {
                g_autoptr(Stage) stage = stage_new(2);
                give_to_service(stage, PLUGGED | DEFINED, BOOT);
                g_autoptr(Lease) lease = the_lease(stage);
                g_autoptr(Plan) detach = service_detach_plan(lease, PLUGGED | DEFINED);
                g_assert_cmpuint(detach->steps->len, ==, 5);
                die_at(stage, detach, at / 2, at % 2, BOOT);
                assert_recovers(stage, "detach");
                assert_service_free(stage);
                assert_recovers(stage, "");
        }
}

/* What stands in a definition is still there after a reboot; holds, drivers and running guests are not. */
static void reboot(Stage *stage) {
        stage->machine->service.pid = 0;
        g_clear_pointer(&stage->machine->service.has, g_free);
        machine_set_port(stage->machine, 0, NULL);
        machine_set_driver(stage->machine, 0, "igbvf", NULL);
        stage->machine->vfs[0].trust = false;
        g_free(machine_take_log(stage->machine));
}

static void test_attach_dies_with_the_machine(void) {
        for (unsigned at = 0; at < 2 * 5; at++) {
                g_autoptr(Stage) stage = new_stage();
                g_autoptr(Plan) attach = service_attach_plan(PLUGGED | DEFINED);
                die_at(stage, attach, at / 2, at % 2, OTHER_BOOT);
                reboot(stage);
                assert_recovers(stage, "attach");
                assert_log(stage, at >= 7 ? "undefine web1" : "");
                assert_service_free(stage);
        }
}

static void test_detach_dies_with_the_machine(void) {
        for (unsigned at = 0; at < 2 * 5; at++) {
                g_autoptr(Stage) stage = stage_new(2);
                give_to_service(stage, PLUGGED | DEFINED, OTHER_BOOT);
                g_autoptr(Lease) lease = the_lease(stage);
                g_autoptr(Plan) detach = service_detach_plan(lease, PLUGGED | DEFINED);
                die_at(stage, detach, at / 2, at % 2, OTHER_BOOT);
                reboot(stage);
                assert_recovers(stage, "detach");
                assert_log(stage, at < 3 ? "undefine web1" : "");
                assert_service_free(stage);
        }
}

/* The service comes up later than vfadm. */
static void test_service_not_up_yet(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(DEFINED);

        die_at(stage, attach, 3, true, OTHER_BOOT);
        reboot(stage);
        stage->machine->service.deaf = true;
        g_autofree char *told = recover(stage, VFADM_ERROR_HALF_DONE);
        g_assert_nonnull(strstr(told, "libvirt does not answer"));
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
        stage->machine->service.deaf = false;
        assert_recovers(stage, "undone");
        assert_service_free(stage);
}

static void test_network_dies(void) {
        static const char list[] = "active autostart managed 0000:01:10.0 0000:01:10.2", more[] = "active autostart managed 0000:01:10.0";
        for (int rebooted = 0; rebooted < 2; rebooted++) {
                g_autoptr(Stage) stage = new_stage();
                g_autoptr(Plan) plan = plan_new("pool");
                plan->summary = g_strdup("pt");
                add_network(plan, more, list); /* it was the short one before */
                add_hold(plan, 0, NULL, HOSTDEV_HOLDER);
                die_during(stage, plan, "dp", DEAD_PID, rebooted ? OTHER_BOOT : BOOT);
                assert_recovers(stage, "pool (pt): undone");
                g_autofree char *is = hostdev_network_format(stage->machine->service.network);
                g_assert_cmpstr(is, ==, more);
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

/* The running guest loses it, its definition keeps it: the lease stays. */
static void test_detach_of_the_running_part_dies(void) {
        for (int made = 0; made < 2; made++) {
                g_autoptr(Stage) stage = stage_new(2);
                give_to_service(stage, PLUGGED | DEFINED, BOOT);
                g_autoptr(Lease) lease = the_lease(stage);
                g_autoptr(Plan) plan = plan_new("detach");
                Step *step = add_guest(plan, lease->guest_device, NULL);
                g_free(step->guest);
                step->guest = g_strdup(lease->guest);
                step = plan_add(plan, step_new(STEP_LEASE, lease->dev, "because"));
                step->from.lease = lease_copy(lease);
                step->to.lease = lease_copy(lease);
                step->to.lease->pid = 0;
                die_at(stage, plan, 0, made, BOOT);
                assert_recovers(stage, "brought to its end");
                g_autoptr(Lease) now = the_lease(stage);
                g_assert_cmpint(now->pid, ==, 0);
                g_assert_true(now->config);
                g_assert_null(stage->machine->service.has);
                g_assert_nonnull(stage->machine->service.element);
                g_assert_cmpstr(machine_port(stage->machine, 0), ==, HOSTDEV_HOLDER);
        }
}

/* A guest that is off has its VF all the same: an old plan does not take it away. */
static void test_leased_to_a_definition_since(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();

        give_to_service(stage, DEFINED, BOOT);
        die_during(stage, plan, "ddp", DEAD_PID, BOOT);
        assert_recovers(stage, "0000:01:10.0 is leased to libvirt:web1 (lease 1), so it was left alone");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 2);
        assert_log(stage, "");
}

/* ---- leases of definitions ---- */

static void assert_config_lease(Stage *stage, int pid, const char *boot_id) {
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_nonnull(lease);
        g_assert_true(lease->config);
        g_assert_cmpint(lease->pid, ==, pid);
        g_assert_cmpuint(lease->pid_start, ==, pid ? (unsigned) pid + 7 : 0);
        g_assert_cmpstr(lease->boot_id, ==, boot_id);
        g_assert_cmpstr(machine_port(stage->machine, 0), ==, HOSTDEV_HOLDER);
}

static void test_runs_and_defined(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED | DEFINED, BOOT);
        assert_recovers(stage, "");
        /* Its process lives: nobody is asked. */
        g_assert_cmpuint(stage->machine->service.books_read, ==, 0);
        assert_config_lease(stage, GUEST_PID, BOOT);
        assert_log(stage, "");
}

static void test_off_and_defined(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, BOOT);
        assert_recovers(stage, "");
        g_assert_cmpuint(stage->machine->service.books_read, ==, 1);
        assert_config_lease(stage, 0, BOOT);
        assert_log(stage, "");
}

/* The guest is started and shut down, and the lease follows. */
static void test_follows(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, BOOT);
        machine_start_guest(stage->machine);
        stage->machine->service.has = g_strdup("hostdev0");
        assert_recovers(stage, "");
        assert_config_lease(stage, GUEST_PID, BOOT);

        stage->machine->service.pid = 0;
        machine_end_process(stage->machine, GUEST_PID);
        assert_recovers(stage, "");
        assert_config_lease(stage, 0, BOOT);

        /* Running without it: it was put into the definition only. */
        machine_start_process(stage->machine, GUEST_PID);
        machine_start_guest(stage->machine);
        g_clear_pointer(&stage->machine->service.has, g_free);
        assert_recovers(stage, "");
        assert_config_lease(stage, 0, BOOT);
        assert_log(stage, "");
}

static void test_let_go_and_defined(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED | DEFINED, BOOT);
        g_autoptr(Lease) lease = the_lease(stage);
        lease->state = LEASE_PENDING;
        g_assert_true(ledger_update_lease(stage->act.ledger, lease, NULL));
        assert_recovers(stage, "");
        assert_lease(stage, LEASE_PENDING);

        g_clear_pointer(&stage->machine->service.has, g_free);
        assert_recovers(stage, "");
        assert_lease(stage, LEASE_ACTIVE);
        assert_config_lease(stage, 0, BOOT);
}

/* The process has ended, and libvirt is still about to give the device back: it would take it from whoever has it by then. */
static void test_service_at_it(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED, BOOT);
        machine_end_process(stage->machine, stage->machine->service.pid);
        g_autofree char *told = recover(stage, 0);
        g_assert_nonnull(strstr(told, "left for later: libvirt has not given 0000:01:10.0 back yet"));
        assert_lease(stage, LEASE_ACTIVE);
        assert_driver(stage, 0, "vfio-pci (vfio-pci)");

        g_clear_pointer(&stage->machine->service.has, g_free);
        stage->machine->service.pid = 0;
        machine_set_driver(stage->machine, 0, "igbvf", NULL);
        assert_recovers(stage, "its guest has ended");
        assert_service_free(stage);
}

static void test_undefined_but_runs(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED | DEFINED, BOOT);
        g_clear_pointer(&stage->machine->service.element, g_free);
        stage->act.thorough = true;
        assert_recovers(stage, "0000:01:10.0 is no longer in the definition of libvirt:web1: lease 1 ends with the running guest");
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_false(lease->config);
        g_assert_cmpint(lease->pid, ==, GUEST_PID);
        assert_recovers(stage, "");
        assert_log(stage, "");
}

static void assert_given_back(Stage *stage) {
        assert_service_free(stage);
        g_assert_false(stage->machine->vfs[0].trust);
}

static void test_undefined_and_off(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, BOOT);
        g_clear_pointer(&stage->machine->service.element, g_free);
        assert_recovers(stage, "0000:01:10.0 back from libvirt:web1 (lease 1): it is no longer in the guest's definition");
        assert_given_back(stage);
        g_assert_cmpuint(stage->machine->service.books_read, ==, 1);
}

/* With virsh, from a guest that goes on running. */
static void test_taken_out(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED, BOOT);
        g_clear_pointer(&stage->machine->service.has, g_free);
        machine_set_driver(stage->machine, 0, "igbvf", NULL);
        assert_recovers(stage, ""); /* its process lives, and nobody asked for more */
        stage->act.thorough = true;
        assert_recovers(stage, "0000:01:10.0 back from libvirt:web1 (lease 1): it has been taken out of the guest");
        assert_given_back(stage);
}

/* … and put into its definition instead: there it stays. */
static void test_taken_out_and_defined(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED, BOOT);
        g_clear_pointer(&stage->machine->service.has, g_free);
        stage->machine->service.element = g_strdup(ELEMENT);
        stage->act.thorough = true;
        assert_recovers(stage, "");
        assert_config_lease(stage, 0, BOOT);
}

static void test_guest_gone(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, BOOT);
        stage->machine->service.has_guest = false;
        g_clear_pointer(&stage->machine->service.element, g_free);
        assert_recovers(stage, "the guest is not defined any more");
        assert_given_back(stage);
}

/* Undefined, and another one defined under its name, with the same device. */
static void test_another_guest_of_that_name(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, BOOT);
        g_free(stage->machine->service.uuid);
        stage->machine->service.uuid = g_strdup("5c1f3c2e-0000-4000-8000-0000000000ff");
        assert_recovers(stage, "the guest is not defined any more");
        assert_no_lease(stage);
}

/* In use by somebody else, it is not given back; and that is no failure. */
static void test_undefined_but_used(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, BOOT);
        g_clear_pointer(&stage->machine->service.element, g_free);
        stage->machine->user_pid = 555;
        assert_recovers(stage, "is in use (dpdk (pid 555))");
        assert_config_lease(stage, 0, BOOT);
        assert_log(stage, "");
}

static void test_no_books(void) {
        for (int deaf = 0; deaf < 2; deaf++) {
                g_autoptr(Stage) stage = stage_new(2);
                give_to_service(stage, DEFINED, OTHER_BOOT);
                g_clear_pointer(&stage->machine->service.element, g_free);
                stage->machine->service.here = deaf;
                stage->machine->service.deaf = true;
                assert_recovers(stage, deaf ? "is left as it is: libvirt does not answer" : "");
                assert_config_lease(stage, 0, OTHER_BOOT);
                assert_log(stage, "");
        }
}

/* An attach may be under way while the books are read: what they say is looked at again behind the lock. */
static void test_defined_meanwhile(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, BOOT);
        g_clear_pointer(&stage->machine->service.element, g_free);
        stage->machine->service.defined_later = true;
        assert_recovers(stage, "");
        assert_config_lease(stage, 0, BOOT);
        assert_log(stage, "");
}

static void test_plan_under_way(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) attach = service_attach_plan(DEFINED);

        machine_start_service(stage->machine);
        die_during(stage, attach, "dDpp", GUEST_PID, BOOT); /* it has not died */
        machine_set_port(stage->machine, 0, HOSTDEV_HOLDER);
        stage->act.thorough = true;
        assert_recovers(stage, "");
        assert_config_lease(stage, 0, BOOT);
        assert_log(stage, "");
}

static void test_left_for_later(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, BOOT);
        g_clear_pointer(&stage->machine->service.element, g_free);
        stage->machine->lock_result = -ETIMEDOUT;
        assert_recovers(stage, "left for later: 0000:01:00.0: another vfadm is changing it");
        assert_config_lease(stage, 0, BOOT);
}

/* ---- after a reboot ---- */

static void test_set_again(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, OTHER_BOOT);
        reboot(stage);
        g_autofree char *told = recover(stage, 0);
        g_assert_cmpstr(told, ==, "0000:01:10.0 set for libvirt:web1 again (lease 1): the machine has been rebooted since");
        assert_config_lease(stage, 0, BOOT);
        g_assert_true(stage->machine->vfs[0].trust);
        assert_log(stage, "hold 0000:01:10.0 in pt\nvf 0: trust=on");
        assert_recovers(stage, "");
        assert_log(stage, "");
}

/* libvirt started it at boot, before vfadm came. */
static void test_set_again_under_the_guest(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, OTHER_BOOT);
        reboot(stage);
        machine_start_guest(stage->machine);
        stage->machine->service.has = g_strdup("hostdev0");
        stage->machine->user_pid = GUEST_PID;
        assert_recovers(stage, "set for libvirt:web1 again");
        assert_config_lease(stage, GUEST_PID, BOOT);
        g_assert_true(stage->machine->vfs[0].trust);
}

/* Recovery died while it set the VF, under a guest that runs: nothing could be undone there, and need not be. */
static void test_set_again_dies(void) {
        for (int made = 0; made < 2; made++) {
                g_autoptr(Stage) stage = stage_new(2);
                g_autoptr(Plan) plan = plan_new("recover");
                VfState plain = {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q}, to = plain;
                give_to_service(stage, DEFINED, OTHER_BOOT);
                reboot(stage);
                machine_start_guest(stage->machine);
                stage->machine->service.has = g_strdup("hostdev0");
                stage->machine->user_pid = GUEST_PID;
                to.trust = true;
                add_hold(plan, 0, NULL, HOSTDEV_HOLDER);
                add_state(plan, 0, &plain, &to, VF_TRUST);
                die_during(stage, plan, "dD", DEAD_PID, BOOT);
                machine_set_port(stage->machine, 0, HOSTDEV_HOLDER);
                stage->machine->vfs[0].trust = made;
                assert_recovers(stage, "begun anew");
                assert_config_lease(stage, GUEST_PID, BOOT);
                g_assert_true(stage->machine->vfs[0].trust);
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

/* The VFs are made later: the next recovery sets it. */
static void test_not_there_yet(void) {
        g_autoptr(Stage) stage = stage_new(0);

        give_to_service(stage, DEFINED, OTHER_BOOT);
        machine_set_port(stage->machine, 0, HOSTDEV_HOLDER);
        assert_recovers(stage, "");
        assert_config_lease(stage, 0, OTHER_BOOT);
        assert_log(stage, "");

        g_autoptr(Plan) enable = enable_plan();
        assert_ran(stage, enable);
        assert_recovers(stage, "set for libvirt:web1 again");
        assert_config_lease(stage, 0, BOOT);
}

static void test_set_again_but_used(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, OTHER_BOOT);
        reboot(stage);
        machine_set_port(stage->machine, 0, HOSTDEV_HOLDER);
        stage->machine->user_pid = 555;
        assert_recovers(stage, "0000:01:10.0 of libvirt:web1 (lease 1): 0000:01:10.0 is in use (dpdk (pid 555))");
        assert_config_lease(stage, 0, OTHER_BOOT);
        assert_log(stage, "");
}

static void test_undefined_and_rebooted(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, DEFINED, OTHER_BOOT);
        reboot(stage);
        g_clear_pointer(&stage->machine->service.element, g_free);
        assert_recovers(stage, "it is no longer in the guest's definition");
        assert_service_free(stage);
        assert_log(stage, "");
}

/* A lease that was only the running guest's went with it. */
static void test_running_part_rebooted(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED, OTHER_BOOT);
        reboot(stage);
        assert_recovers(stage, "the machine has been rebooted since");
        assert_service_free(stage);
}

/* ---- holds ---- */

static void test_holds(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED, BOOT);
        machine_set_port(stage->machine, 0, NULL);
        machine_set_port(stage->machine, 1, HOSTDEV_HOLDER);
        assert_recovers(stage, ""); /* nothing seems amiss, and nobody asked for more */
        g_assert_cmpuint(stage->machine->service.books_read, ==, 0);

        stage->act.thorough = true;
        assert_recovers(stage, "0000:01:10.0: kept out of libvirt's network pt");
        assert_log(stage, "let go 0000:01:10.2 in pt\nhold 0000:01:10.0 in pt");
        g_assert_cmpuint(stage->machine->service.books_read, ==, 1);
        assert_recovers(stage, "");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* Somebody who uses a VF without a lease is kept safe, too; and what the network gave out is its own. */
static void test_holds_kept(void) {
        g_autoptr(Stage) stage = stage_new(2);

        machine_start_service(stage->machine);
        machine_set_port(stage->machine, 0, HOSTDEV_HOLDER);
        machine_set_port(stage->machine, 1, "db");
        stage->machine->user_pid = 555;
        stage->act.thorough = true;
        assert_recovers(stage, "");
        assert_log(stage, "");
        stage->machine->user_pid = 0;
        assert_recovers(stage, "0000:01:10.0: no longer kept out of libvirt's network pt");
        assert_log(stage, "let go 0000:01:10.0 in pt");
}

static void test_hold_refused(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED, BOOT);
        machine_set_port(stage->machine, 0, NULL);
        fail(stage, "hold", -EIO, -1);
        stage->act.thorough = true;
        assert_recovers(stage, "0000:01:10.0: left as it is: libvirt says no");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        assert_lease(stage, LEASE_ACTIVE);
}

static void test_hold_of_idle_network(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED, BOOT);
        machine_set_port(stage->machine, 0, NULL);
        stage->machine->service.network->active = false;
        stage->act.thorough = true;
        assert_recovers(stage, "");
        assert_log(stage, "");
}

/* A guest of QEMU whose VF is in libvirt's network: with the VF the hold goes. */
static void test_hold_of_qemu(void) {
        g_autoptr(Stage) stage = stage_new(2);

        give_to_service(stage, PLUGGED, BOOT);
        g_autoptr(Lease) lease = the_lease(stage);
        g_free(lease->guest);
        lease->guest = g_strdup("qemu:web1");
        lease->managed = false;
        lease->pid = DEAD_PID;
        g_assert_true(ledger_update_lease(stage->act.ledger, lease, NULL));
        g_clear_pointer(&stage->machine->service.has, g_free);
        g_autofree char *told = recover(stage, 0);
        g_assert_cmpstr(told, ==, "0000:01:10.0 back from qemu:web1 (lease 1): its guest has ended");
        assert_service_free(stage);
}

/* Nothing to do, and only a container's processes to be seen: asked for more, it does not say no. */
static void test_thorough_in_container(void) {
        g_autoptr(Stage) stage = stage_new(1);

        stage->act.thorough = true;
        stage->machine->in_container = true;
        assert_recovers(stage, "");
        give_to_service(stage, DEFINED, BOOT);
        g_free(recover(stage, VFADM_ERROR_REFUSED));
}

/* A guest of the same name that is another one says nothing of the device. */
static void test_pending_of_another(void) {
        g_autoptr(Stage) stage = stage_new(1);
        g_autoptr(Plan) plan = plan_new("attach");
        Lease *lease = add_lease(plan)->to.lease;

        lease->state = LEASE_PENDING;
        lease->guest_uuid = g_strdup("5c1f3c2e-0000-4000-8000-0000000000ff");
        assert_ran(stage, plan);
        assert_recovers(stage, "another guest is called qemu:web1 now");
        assert_lease(stage, LEASE_PENDING);
        assert_log(stage, "");
}

int main(int argc, char **argv) {
        static const struct {
                const char *path;
                void (*run)(void);
        } tests[] = {
                {"/recover-books/attach-dies-anywhere", test_attach_dies_anywhere},
                {"/recover-books/detach-dies-anywhere", test_detach_dies_anywhere},
                {"/recover-books/attach-dies-with-the-machine", test_attach_dies_with_the_machine},
                {"/recover-books/detach-dies-with-the-machine", test_detach_dies_with_the_machine},
                {"/recover-books/service-not-up-yet", test_service_not_up_yet},
                {"/recover-books/network-dies", test_network_dies},
                {"/recover-books/detach-of-the-running-part-dies", test_detach_of_the_running_part_dies},
                {"/recover-books/leased-to-a-definition-since", test_leased_to_a_definition_since},
                {"/recover-books/runs-and-defined", test_runs_and_defined},
                {"/recover-books/off-and-defined", test_off_and_defined},
                {"/recover-books/follows", test_follows},
                {"/recover-books/let-go-and-defined", test_let_go_and_defined},
                {"/recover-books/service-at-it", test_service_at_it},
                {"/recover-books/undefined-but-runs", test_undefined_but_runs},
                {"/recover-books/undefined-and-off", test_undefined_and_off},
                {"/recover-books/taken-out", test_taken_out},
                {"/recover-books/taken-out-and-defined", test_taken_out_and_defined},
                {"/recover-books/guest-gone", test_guest_gone},
                {"/recover-books/another-guest-of-that-name", test_another_guest_of_that_name},
                {"/recover-books/undefined-but-used", test_undefined_but_used},
                {"/recover-books/no-books", test_no_books},
                {"/recover-books/defined-meanwhile", test_defined_meanwhile},
                {"/recover-books/plan-under-way", test_plan_under_way},
                {"/recover-books/left-for-later", test_left_for_later},
                {"/recover-books/set-again", test_set_again},
                {"/recover-books/set-again-under-the-guest", test_set_again_under_the_guest},
                {"/recover-books/set-again-dies", test_set_again_dies},
                {"/recover-books/not-there-yet", test_not_there_yet},
                {"/recover-books/set-again-but-used", test_set_again_but_used},
                {"/recover-books/undefined-and-rebooted", test_undefined_and_rebooted},
                {"/recover-books/running-part-rebooted", test_running_part_rebooted},
                {"/recover-books/holds", test_holds},
                {"/recover-books/holds-kept", test_holds_kept},
                {"/recover-books/hold-refused", test_hold_refused},
                {"/recover-books/hold-of-idle-network", test_hold_of_idle_network},
                {"/recover-books/hold-of-qemu", test_hold_of_qemu},
                {"/recover-books/thorough-in-container", test_thorough_in_container},
                {"/recover-books/pending-of-another", test_pending_of_another},
        };
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add_func(tests[i].path, tests[i].run);
        return g_test_run();
}
