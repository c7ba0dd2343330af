/* Steps about a service that keeps definitions and networks (libvirt): done, verified, failing, undone. */
#include "act_stage.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>

static Stage *new_stage(void) {
        Stage *stage = stage_new(2);
        machine_start_service(stage->machine);
        machine_start_guest(stage->machine);
        return stage;
}

static void test_attach_and_detach(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(PLUGGED | DEFINED);

        assert_ran(stage, attach);
        assert_log(stage, "hold 0000:01:10.0 in pt\ndefine web1\nplug vfadm-0000-01-10.0 by its element");
        g_assert_cmpstr(machine_port(stage->machine, 0), ==, HOSTDEV_HOLDER);
        g_assert_cmpstr(stage->machine->service.element, ==, ELEMENT);
        g_assert_cmpstr(stage->machine->service.has, ==, "vfadm-0000-01-10.0");
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_true(lease->config && lease->managed);
        g_assert_cmpstr(lease->guest_uuid, ==, UUID);

        g_autoptr(Plan) detach = service_detach_plan(lease, PLUGGED | DEFINED);
        assert_ran(stage, detach);
        /* libvirt gave the driver back by itself, so that step found nothing to do. */
        assert_log(stage, "unplug vfadm-0000-01-10.0\nundefine web1\nlet go 0000:01:10.0 in pt");
        assert_service_free(stage);
}

static void test_already_so(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) plan = plan_new("attach");

        machine_set_port(stage->machine, 0, HOSTDEV_HOLDER);
        stage->machine->service.element = g_strdup("<hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source></hostdev>");
        add_hold(plan, 0, HOSTDEV_HOLDER, HOSTDEV_HOLDER);
        add_defined(plan, NULL, ELEMENT);
        assert_ran(stage, plan);
        assert_log(stage, "");
}

/* Wherever it fails, all before is taken back. */
static void test_fails_anywhere(void) {
        static const char *const prefixes[] = {"hold", "define", "plug"};
        for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
                g_autoptr(Stage) stage = new_stage();
                g_autoptr(Plan) attach = service_attach_plan(PLUGGED | DEFINED);
                fail(stage, prefixes[i], -EIO, -1);
                g_free(assert_fails(stage, attach, VFADM_ERROR_FAILED, "libvirt says no; everything was undone"));
                assert_service_free(stage);
        }
}

/* What is said to be done is looked at. */
static void test_not_done(void) {
        static const struct {
                StepKind kind;
                const char *from, *to, *says;
        } cases[] = {
                {STEP_HOLD, NULL, HOSTDEV_HOLDER, "not held; see 'virsh net-port-list pt'"},
                {STEP_HOLD, HOSTDEV_HOLDER, NULL, "still held"},
                {STEP_DEFINED, NULL, ELEMENT, "it is not there; see 'virsh dumpxml --inactive web1'"},
                {STEP_DEFINED, ELEMENT, NULL, "it is still there"},
                {STEP_NETWORK, "active autostart managed 0000:01:10.0 0000:01:10.2", "inactive managed 0000:01:10.0", "'inactive managed 0000:01:10.0', but it is 'active"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Stage) stage = new_stage();
                g_autoptr(Plan) plan = plan_new("attach");
                if (cases[i].kind == STEP_HOLD)
                        add_hold(plan, 0, cases[i].from, cases[i].to);
                else if (cases[i].kind == STEP_DEFINED)
                        add_defined(plan, cases[i].from, cases[i].to);
                else
                        add_network(plan, cases[i].from, cases[i].to);
                machine_set_port(stage->machine, 0, cases[i].kind == STEP_HOLD ? cases[i].from : NULL);
                if (cases[i].kind == STEP_DEFINED)
                        stage->machine->service.element = g_strdup(cases[i].from);
                stage->machine->service.ignores = true;
                g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, cases[i].says));
        }
}

static void test_given_out(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(PLUGGED);

        machine_set_port(stage->machine, 0, "db");
        g_free(assert_fails(stage, attach, VFADM_ERROR_IN_USE, "network pt gave 0000:01:10.0 to a guest; everything was undone"));
        g_assert_cmpstr(machine_port(stage->machine, 0), ==, "db");
        assert_no_lease(stage);
        g_assert_null(stage->machine->service.has);
}

/* A network that gives nothing away needs no hold, and keeps none. */
static void test_idle_network(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) plan = plan_new("attach"), back = plan_new("detach");

        add_hold(plan, 0, NULL, HOSTDEV_HOLDER);
        add_hold(back, 0, HOSTDEV_HOLDER, NULL);
        stage->machine->service.network->active = false;
        assert_ran(stage, plan);
        assert_ran(stage, back);
        g_clear_pointer(&stage->machine->service.network, hostdev_network_free);
        assert_ran(stage, plan);
        assert_ran(stage, back);
        assert_log(stage, "");
}

static void test_service_down(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(PLUGGED | DEFINED);

        stage->machine->service.deaf = true;
        g_free(assert_fails(stage, attach, VFADM_ERROR_BUSY, "libvirt does not answer; everything was undone"));
        stage->machine->service.deaf = false;
        assert_service_free(stage);
        assert_log(stage, "");
}

/* Byte for byte, though it is not what vfadm would have written. */
static void test_exactly_the_element(void) {
        static const char element[] = "<hostdev mode='subsystem' type='pci' managed='yes'>\n  <source>\n    <address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
                                      "  </source>\n  <rom bar='off'/>\n  <alias name='ua-mine'/>\n</hostdev>";
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) plan = plan_new("detach");

        stage->machine->service.element = g_strdup(element);
        add_defined(plan, element, NULL);
        plan_add(plan, step_new(STEP_RESET, machine_vf(0), "because"));
        fail(stage, "0000:01:10.0/reset", -EIO, -1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "everything was undone"));
        g_assert_cmpstr(stage->machine->service.element, ==, element);
}

/* A guest that let go does not get it again: neither does its definition, and recovery gives back what is left. */
static void test_let_go_of_both(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(PLUGGED | DEFINED);

        assert_ran(stage, attach);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = service_detach_plan(lease, PLUGGED | DEFINED);
        fail(stage, "let go", -EIO, 1);
        g_free(assert_fails(stage, detach, VFADM_ERROR_HALF_DONE, "the guest has let go and the lease is kept as pending"));
        g_assert_null(stage->machine->service.has);
        g_assert_null(stage->machine->service.element);
        assert_lease(stage, LEASE_PENDING);
        assert_recovers(stage, "it is no longer in the guest's definition");
        assert_service_free(stage);
}

/* A NIC that gets any VF of a network has no function; another NIC of that network is another NIC. */
static void test_network_nic(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) in = plan_new("attach"), out = plan_new("detach"), other = plan_new("detach");
        Step *step = add_defined(in, NULL, NETWORK_ELEMENT);

        step->dev = step->pf = (PciAddr) {0};
        step->network = g_strdup("libvirt:pt");
        assert_ran(stage, in);
        g_assert_cmpstr(stage->machine->service.element, ==, NETWORK_ELEMENT);
        assert_ran(stage, in);
        assert_log(stage, "define web1");

        step = add_defined(other, "<interface type='network'><mac address='52:54:00:00:00:03'/><source network='pt'/></interface>", NULL);
        step->dev = step->pf = (PciAddr) {0};
        assert_ran(stage, other);
        assert_log(stage, "");

        step = add_defined(out, NETWORK_ELEMENT, NULL);
        step->dev = step->pf = (PciAddr) {0};
        assert_ran(stage, out);
        g_assert_null(stage->machine->service.element);
}

static void assert_network(Stage *stage, const char *line) {
        g_autofree char *is = stage->machine->service.network ? hostdev_network_format(stage->machine->service.network) : NULL;
        g_assert_cmpstr(is, ==, line);
}

#define PT "active autostart managed 0000:01:10.0 0000:01:10.2"
#define PT_MORE "active autostart managed 0000:01:10.0 0000:01:10.2 0000:01:10.4"

static void test_network(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) drop = plan_new("pool"), make = plan_new("pool");

        add_network(drop, PT, NULL);
        assert_ran(stage, drop);
        assert_network(stage, NULL);
        add_network(make, NULL, PT_MORE);
        assert_ran(stage, make);
        assert_network(stage, PT_MORE);
        assert_ran(stage, make);
        assert_log(stage, "network pt: none\nnetwork pt: " PT_MORE);
}

/* The guest loses the device, its definition keeps it: the lease goes on under its id. */
static Plan *end_plan(const Lease *lease) {
        Plan *plan = plan_new("detach");
        Step *step = add_guest(plan, lease->guest_device, NULL);

        g_free(step->guest);
        step->guest = g_strdup(lease->guest);
        step = plan_add(plan, step_new(STEP_LEASE, lease->dev, "because"));
        step->from.lease = lease_copy(lease);
        step->to.lease = lease_copy(lease);
        step->to.lease->pid = 0;
        step->to.lease->pid_start = 0;
        return plan;
}

static void test_lease_goes_on(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(PLUGGED | DEFINED);

        assert_ran(stage, attach);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = end_plan(lease);
        assert_ran(stage, detach);
        g_autoptr(Lease) now = the_lease(stage);
        g_assert_cmpint(now->id, ==, lease->id);
        g_assert_cmpint(now->pid, ==, 0);
        g_assert_true(now->config);
        g_assert_cmpint(now->created, ==, lease->created);
        g_assert_nonnull(stage->machine->service.element);
}

static void test_lease_goes_back(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(DEFINED), plan = plan_new("attach");

        assert_ran(stage, attach);
        g_autoptr(Lease) lease = the_lease(stage);
        Step *step = plan_add(plan, step_new(STEP_LEASE, lease->dev, "because"));
        step->from.lease = lease_copy(lease);
        step->to.lease = make_service_lease(PLUGGED | DEFINED); /* without an id: the ledger keeps it */
        plan_add(plan, step_new(STEP_RESET, machine_vf(0), "because"));
        fail(stage, "0000:01:10.0/reset", -EIO, -1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "everything was undone"));
        g_autoptr(Lease) now = the_lease(stage);
        g_assert_cmpint(now->id, ==, lease->id);
        g_assert_cmpint(now->pid, ==, 0);

        fail(stage, "nothing", -EIO, 0);
        assert_ran(stage, plan);
        g_autoptr(Lease) longer = the_lease(stage);
        g_assert_cmpint(longer->id, ==, lease->id);
        g_assert_cmpint(longer->pid, ==, GUEST_PID);
}

/* One that has ended meanwhile is not made anew. */
static void test_lease_ended_meanwhile(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(DEFINED);

        assert_ran(stage, attach);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = service_detach_plan(lease, DEFINED), late = plan_new("attach");
        assert_ran(stage, detach);
        Step *step = plan_add(late, step_new(STEP_LEASE, lease->dev, "because"));
        step->from.lease = lease_copy(lease);
        step->to.lease = lease_copy(lease);
        g_free(assert_fails(stage, late, VFADM_ERROR_NOT_FOUND, "has ended meanwhile"));
        assert_service_free(stage);
}

/* The guest keeps it for now, but is not to get it again at its next start. */
static void test_keeps_it_for_now(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(PLUGGED | DEFINED);

        plan_add(attach, step_new(STEP_RESET, machine_vf(0), "because"));
        fail(stage, "0000:01:10.0/reset", -EIO, -1);
        stage->machine->service.keeps = true;
        g_free(assert_fails(stage, attach, VFADM_ERROR_PENDING, "has not let go of 0000:01:10.0"));
        g_autoptr(Lease) lease = the_lease(stage);
        g_assert_cmpint(lease->state, ==, LEASE_PENDING);
        g_assert_false(lease->config);
        g_assert_null(stage->machine->service.element);
        g_assert_cmpstr(machine_port(stage->machine, 0), ==, HOSTDEV_HOLDER);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* libvirt leaves a device without a driver where none may probe by itself. */
static void test_driver_forgotten(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(PLUGGED);

        plan_add(attach, step_new(STEP_RESET, machine_vf(0), "because"));
        fail(stage, "0000:01:10.0/reset", -EIO, -1);
        stage->machine->service.forgets_driver = true;
        g_free(assert_fails(stage, attach, VFADM_ERROR_FAILED, "everything was undone"));
        assert_service_free(stage);
}

/* The service takes the driver away by itself: who came meanwhile is looked for before. */
static void test_somebody_came(void) {
        g_autoptr(Stage) stage = new_stage();
        g_autoptr(Plan) attach = service_attach_plan(PLUGGED);
        PciAddr vf = machine_vf(0);

        g_array_append_val(attach->taken, vf);
        stage->comes = 4711;
        stage->comes_at = 1;
        g_free(assert_fails(stage, attach, VFADM_ERROR_IN_USE, "came into use meanwhile"));
        stage->machine->user_pid = 0;
        assert_service_free(stage);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/act-service/attach-and-detach", test_attach_and_detach);
        g_test_add_func("/act-service/already-so", test_already_so);
        g_test_add_func("/act-service/fails-anywhere", test_fails_anywhere);
        g_test_add_func("/act-service/not-done", test_not_done);
        g_test_add_func("/act-service/given-out", test_given_out);
        g_test_add_func("/act-service/idle-network", test_idle_network);
        g_test_add_func("/act-service/service-down", test_service_down);
        g_test_add_func("/act-service/exactly-the-element", test_exactly_the_element);
        g_test_add_func("/act-service/let-go-of-both", test_let_go_of_both);
        g_test_add_func("/act-service/network-nic", test_network_nic);
        g_test_add_func("/act-service/network", test_network);
        g_test_add_func("/act-service/lease-goes-on", test_lease_goes_on);
        g_test_add_func("/act-service/lease-goes-back", test_lease_goes_back);
        g_test_add_func("/act-service/lease-ended-meanwhile", test_lease_ended_meanwhile);
        g_test_add_func("/act-service/keeps-it-for-now", test_keeps_it_for_now);
        g_test_add_func("/act-service/driver-forgotten", test_driver_forgotten);
        g_test_add_func("/act-service/somebody-came", test_somebody_came);
        return g_test_run();
}
