/* Steps about a domain of Xen's: done, failing, undone; who came meanwhile. */
#include "act/effect.h"
#include "base/error.h"
#include "xen_stage.h"

#include <errno.h>
#include <string.h>

static void test_attach_and_detach(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) attach = domain_attach_plan(stage, PLUGGED | DEFINED);

        assert_ran(stage, attach);
        assert_log(stage, "module xen-pciback\n0000:01:10.0/driver/unbind = 0000:01:10.0\nvf 0: vlan=7\n"
                          "0000:01:10.0/driver_override = pciback\nsys/bus/pci/drivers_probe = 0000:01:10.0\nassignable, from igbvf\n"
                          "define " XEN_ENTRY "\nplug " XEN_ENTRY " into web1");
        assert_driver(stage, 0, "pciback (pciback)");
        g_assert_cmpint(stage->machine->xen.assignable, ==, 1);
        g_assert_cmpstr(stage->machine->xen.driver_path, ==, "igbvf");
        g_assert_true(stage->machine->xen.has);

        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = domain_detach_plan(lease, PLUGGED | DEFINED);
        assert_ran(stage, detach);
        assert_log(stage, "undefine " XEN_ENTRY "\nunplug from web1\n0000:01:10.0/reset = 1\nnot assignable\nsys/bus/pci/drivers/pciback/remove_slot = 0000:01:10.0\n"
                          "0000:01:10.0/driver/unbind = 0000:01:10.0\n0000:01:10.0/driver_override = none\nvf 0: vlan=0\n"
                          "0000:01:10.0/driver_override = igbvf\nsys/bus/pci/drivers_probe = 0000:01:10.0\n0000:01:10.0/driver_override = none");
        assert_domain_free(stage);
        g_assert_null(stage->machine->xen.driver_path);
}

/* With autoprobe off the kernel lets only an overridden VF be probed; and pciback's module is not called as its driver. */
static void test_without_autoprobe(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) bind = plan_new("bind"), unbind = plan_new("unbind");

        machine_start_xen(stage->machine);
        machine_put(stage->machine, "sys/bus/pci/devices/" PF_NAME "/sriov_drivers_autoprobe", "0");
        add_driver(bind, 0, "igbvf", NULL, "pciback", "pciback");
        add_assignable(bind, 0, 1);
        assert_ran(stage, bind);
        assert_log(stage, "0000:01:10.0/driver/unbind = 0000:01:10.0\nmodule xen-pciback\n0000:01:10.0/driver_override = pciback\n"
                          "sys/bus/pci/drivers_probe = 0000:01:10.0\nassignable, from igbvf");
        assert_driver(stage, 0, "pciback (pciback)");
        add_assignable(unbind, 1, 0);
        add_driver(unbind, 0, "pciback", "pciback", "igbvf", NULL);
        assert_ran(stage, unbind);
        assert_driver(stage, 0, "igbvf");
        g_assert_cmpint(stage->machine->xen.assignable, ==, 0);
}

/* pciback would take it again, as it has noted its address and was loaded first: it forgets. A pciback that no override may stay for, too. */
static void test_forgets(void) {
        static const char *const overrides[] = {"pciback", NULL};
        for (size_t i = 0; i < G_N_ELEMENTS(overrides); i++) {
                g_autoptr(Stage) stage = xen_stage_new();
                g_autoptr(Plan) bind = plan_new("bind"), unbind = plan_new("unbind");

                add_driver(bind, 0, "igbvf", NULL, "pciback", overrides[i]);
                assert_ran(stage, bind);
                assert_driver(stage, 0, i ? "pciback" : "pciback (pciback)");
                g_assert_cmpuint(stage->machine->xen.slots, ==, 1);
                add_driver(unbind, 0, "pciback", overrides[i], NULL, NULL);
                add_driver(unbind, 0, NULL, NULL, DRIVER_OWN, NULL);
                g_free(machine_take_log(stage->machine));
                assert_ran(stage, unbind);
                assert_driver(stage, 0, "igbvf");
                g_assert_cmpuint(stage->machine->xen.slots, ==, 0);
                g_autofree char *log = machine_take_log(stage->machine);
                g_assert_true(g_str_has_prefix(log, "sys/bus/pci/drivers/pciback/remove_slot = 0000:01:10.0\n0000:01:10.0/driver/unbind"));
        }
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) unbind = plan_new("unbind");
        machine_set_driver(stage->machine, 0, "pciback", "pciback");
        add_driver(unbind, 0, "pciback", "pciback", "igbvf", NULL);
        fail(stage, "sys/bus/pci/drivers/pciback/remove_slot", -EIO, 1);
        g_free(assert_fails(stage, unbind, VFADM_ERROR_FAILED, "pciback does not forget it"));
        assert_driver(stage, 0, "pciback (pciback)");
}

/* Nobody tells whether it is so already: it is made each time. */
static void test_made_each_time(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) plan = plan_new("bind");

        machine_set_driver(stage->machine, 0, "pciback", "pciback");
        add_assignable(plan, 0, 1);
        assert_ran(stage, plan);
        assert_ran(stage, plan);
        assert_log(stage, "assignable, from igbvf\nassignable, from igbvf");
}

/* Wherever it fails, all before is taken back. */
static void test_fails_anywhere(void) {
        static const char *const prefixes[] = {"module", "0000:01:10.0/driver/unbind", "vf 0: vlan=7", "sys/bus/pci/drivers_probe", "assignable", "define", "plug"};
        for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
                g_autoptr(Stage) stage = xen_stage_new();
                g_autoptr(Plan) attach = domain_attach_plan(stage, PLUGGED | DEFINED);
                fail(stage, prefixes[i], -EIO, 1);
                g_free(assert_fails(stage, attach, VFADM_ERROR_FAILED, "everything was undone"));
                assert_domain_free(stage);
                /* It is taken from Xen again before a driver of dom0 has it. */
                g_assert_cmpint(stage->machine->xen.assignable, ==, i < 4 ? -1 : 0);
        }
}

/* A busy Xen is asked again; that a guest has the device is final, and it stays with pciback then. */
static void test_errors(void) {
        g_autoptr(Stage) stage = xen_stage_new(), other = xen_stage_new();
        g_autoptr(Plan) plan = domain_attach_plan(stage, 0), taken = domain_attach_plan(other, 0);

        fail(stage, "assignable", -EBUSY, 2);
        assert_ran(stage, plan);
        g_assert_cmpint(stage->machine->xen.assignable, ==, 1);
        g_assert_cmpint(stage->machine->clock, >, 0);

        other->machine->xen.comes_later = true;
        g_free(assert_fails(other, taken, VFADM_ERROR_IN_USE, "xen:web1 has it"));
        g_assert_cmpint(other->machine->clock, ==, 0);
        assert_driver(other, 0, "pciback (pciback)");
        g_assert_cmpuint(n_unfinished(other), ==, 1);
}

/* A driver of dom0 would be cut off from memory. */
static void test_not_on_pciback(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) plan = plan_new("bind");

        add_assignable(plan, 0, 1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "0000:01:10.0 is not bound to pciback any more"));
        assert_log(stage, "");
        g_assert_cmpint(stage->machine->xen.assignable, ==, -1);
}

static void test_gone(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) plan = plan_new("bind"), none = plan_new("disable");

        add_number(none, STEP_NUMVFS, 2, 0);
        assert_ran(stage, none);
        add_assignable(plan, 0, 1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_NOT_FOUND, "0000:01:10.0 is gone"));
}

/* What is said to be done is looked at, in Xen's own words. */
static void test_not_done(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) plugged = domain_attach_plan(stage, PLUGGED), defined = domain_attach_plan(stage, DEFINED);

        stage->machine->xen.ignores = true;
        g_free(assert_fails(stage, plugged, VFADM_ERROR_FAILED, "not in it; see 'xl pci-list web1'"));
        assert_domain_free(stage);
        g_free(assert_fails(stage, defined, VFADM_ERROR_FAILED, "it is not there; see 'pci = [' in /etc/xen/web1.cfg"));
        assert_domain_free(stage);
}

/* With the domain its device is gone from it. */
static void test_domain_gone(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED | DEFINED, BOOT);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = domain_detach_plan(lease, PLUGGED | DEFINED);
        machine_end_domain(stage->machine);
        stage->machine->xen.has_file = false;
        g_clear_pointer(&stage->machine->xen.entry, g_free);
        assert_ran(stage, detach);
        assert_domain_free(stage);
}

/* A domain that has let go does not get it again: recovery gives back what is left. */
static void test_let_go(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = domain_detach_plan(lease, PLUGGED);
        fail(stage, "vf 0: vlan=0", -EIO, 1);
        g_free(assert_fails(stage, detach, VFADM_ERROR_HALF_DONE, "the guest has let go and the lease is kept as pending"));
        assert_driver(stage, 0, "pciback (pciback)");
        g_assert_cmpint(stage->machine->xen.assignable, ==, 1);
        g_assert_false(stage->machine->xen.has);
        assert_lease(stage, LEASE_PENDING);
        assert_recovers(stage, "0000:01:10.0 back from xen:web1 (lease 1): it has been taken out of the guest");
        assert_domain_free(stage);
}

static void test_keeps_it(void) {
        g_autoptr(Stage) stage = xen_stage_new();

        give_to_domain(stage, PLUGGED, BOOT);
        stage->machine->xen.keeps = true;
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = domain_detach_plan(lease, PLUGGED);
        g_free(assert_fails(stage, detach, VFADM_ERROR_PENDING, "xen:web1 has not let go"));
        assert_lease(stage, LEASE_PENDING);
        assert_recovers(stage, "");
        assert_lease(stage, LEASE_PENDING);
        stage->machine->xen.has = false;
        assert_recovers(stage, "it has been taken out of the guest");
        assert_domain_free(stage);
}

/* ---- who came meanwhile ---- */

static void test_somebody_came(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        g_autoptr(Plan) attach = domain_attach_plan(stage, 0);

        stage->machine->xen.has = true;
        g_free(assert_fails(stage, attach, VFADM_ERROR_IN_USE, "0000:01:10.0 came into use meanwhile (xen:web1 (domain 3))"));
        assert_log(stage, "module xen-pciback");
        assert_no_lease(stage);
}

static void plug_before_reset(void *user, const Plan *plan, unsigned step, bool done, int64_t usec) {
        Stage *stage = user;
        if (!done && ((const Step *) plan->steps->pdata[step])->kind == STEP_RESET)
                stage->machine->xen.has = true;
}

/* It was known that the domain has it, which then let go: whoever has it next is another. */
static void test_known(void) {
        g_autoptr(Stage) stage = xen_stage_new();
        const KnownUse known = {machine_vf(0), USE_GUEST, 0};

        give_to_domain(stage, PLUGGED, BOOT);
        g_autoptr(Lease) lease = the_lease(stage);
        g_autoptr(Plan) detach = domain_detach_plan(lease, PLUGGED), set = plan_new("set");
        const VfState before = {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q, .vlan = 7};
        VfState after = before;
        after.vlan = 9;
        add_state(set, 0, &before, &after, VF_VLAN);
        g_array_append_vals(set->taken, &known.dev, 1);
        g_array_append_val(set->known, known);
        assert_ran(stage, set);
        stage->machine->vfs[0].vlan = 7;

        g_array_append_val(detach->known, known);
        stage->act.progress = plug_before_reset;
        g_free(machine_take_log(stage->machine));
        g_free(assert_fails(stage, detach, VFADM_ERROR_HALF_DONE, "came into use meanwhile (xen:web1 (domain 3))"));
        assert_log(stage, "unplug from web1");
}

/* Without the module nobody can say who has it, and without Xen's answer neither. */
static void test_nobody_tells(void) {
        g_autoptr(Stage) stage = xen_stage_new(), deaf = xen_stage_new();
        g_autoptr(Plan) plan = plan_new("unbind"), other = plan_new("unbind");
        PciAddr vf = machine_vf(0);

        machine_set_driver(stage->machine, 0, "pciback", "pciback");
        stage->machine->xen.here = false;
        add_driver(plan, 0, "pciback", "pciback", "igbvf", NULL);
        g_array_append_val(plan->taken, vf);
        g_free(assert_fails(stage, plan, VFADM_ERROR_IN_USE, "cannot be known without the package vfadm-xen"));
        assert_log(stage, "");

        deaf->machine->xen.deaf = true;
        add_driver(other, 0, "igbvf", NULL, NULL, NULL);
        g_array_append_val(other->taken, vf);
        g_free(assert_fails(deaf, other, VFADM_ERROR_FAILED, "Xen does not answer"));
        assert_log(deaf, "");
}

/* ---- what is the same ---- */

static void test_same(void) {
        g_autoptr(Plan) plan = plan_new("bind");
        const Step *step = add_assignable(plan, 0, 1);
        const Fact unknown = {.number = -1};

        g_assert_true(effect_same(step, &unknown, &step->to, false));
        g_assert_true(effect_same(step, &unknown, &step->from, false));
        g_assert_false(effect_same(step, &unknown, &step->to, true));
        g_assert_false(effect_same(step, &step->from, &step->to, false));
        g_assert_true(effect_is_placeholder("pciback"));
        g_assert_false(effect_is_placeholder("igbvf"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/act-xen/attach-and-detach", test_attach_and_detach);
        g_test_add_func("/act-xen/without-autoprobe", test_without_autoprobe);
        g_test_add_func("/act-xen/forgets", test_forgets);
        g_test_add_func("/act-xen/made-each-time", test_made_each_time);
        g_test_add_func("/act-xen/fails-anywhere", test_fails_anywhere);
        g_test_add_func("/act-xen/errors", test_errors);
        g_test_add_func("/act-xen/not-on-pciback", test_not_on_pciback);
        g_test_add_func("/act-xen/gone", test_gone);
        g_test_add_func("/act-xen/not-done", test_not_done);
        g_test_add_func("/act-xen/domain-gone", test_domain_gone);
        g_test_add_func("/act-xen/let-go", test_let_go);
        g_test_add_func("/act-xen/keeps-it", test_keeps_it);
        g_test_add_func("/act-xen/somebody-came", test_somebody_came);
        g_test_add_func("/act-xen/known", test_known);
        g_test_add_func("/act-xen/nobody-tells", test_nobody_tells);
        g_test_add_func("/act-xen/same", test_same);
        return g_test_run();
}
