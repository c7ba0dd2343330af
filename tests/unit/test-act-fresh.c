/* Steps about VFs that the plan itself makes: found by their number, never undone by themselves, and taken away only while nobody has them. */
#include "act_stage.h"
#include "base/error.h"

#include <errno.h>

static Step *fresh(Step *step, unsigned vf) {
        step->dev = machine_pf();
        step->fresh = true;
        step->vf_index = vf;
        return step;
}

static Plan *apply_plan(void) {
        static const VfState from = {.known = VF_VLAN}, to = {.known = VF_VLAN, .vlan = 42, .proto = VLAN_PROTO_8021Q};
        Plan *plan = plan_new("apply");

        plan->summary = g_strdup("enp1s0: as configured");
        add_number(plan, STEP_AUTOPROBE, 1, 0);
        add_number(plan, STEP_NUMVFS, 0, 2);
        fresh(add_state(plan, 0, &from, &to, VF_VLAN), 0);
        fresh(add_state(plan, 0, &from, &to, VF_VLAN), 1);
        fresh(add_driver(plan, 0, NULL, NULL, "igbvf", NULL), 1);
        return plan;
}

static void test_found(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = apply_plan();

        assert_ran(stage, plan);
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 42);
        g_assert_cmpuint(stage->machine->vfs[1].vlan, ==, 42);
        assert_driver(stage, 0, "-");
        assert_driver(stage, 1, "igbvf");
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
        /* Where all is so already, the same plan does nothing. */
        g_free(machine_take_log(stage->machine));
        g_ptr_array_remove_range(plan->steps, 0, 2);
        assert_ran(stage, plan);
        assert_log(stage, "");
}

static void test_not_there(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = apply_plan();

        g_ptr_array_remove_range(plan->steps, 0, 2);
        g_free(assert_fails(stage, plan, VFADM_ERROR_NOT_FOUND, PF_NAME " has no VF 0"));
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* What was set in them goes with them: nothing of it is undone first. */
static void test_undone(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = apply_plan();

        fresh(add_driver(plan, 0, NULL, NULL, "nosuch", NULL), 0);
        fail(stage, "module nosuch", -ENOENT, -1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_NOT_FOUND, "0000:01:10.0: the driver nosuch is not loaded"));
        g_autofree char *log = machine_take_log(stage->machine);
        g_assert_true(g_str_has_suffix(log, "module nosuch FAILS\n" PF_NAME "/sriov_numvfs = 0\n" PF_NAME "/sriov_drivers_autoprobe = 1"));
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* Somebody has opened one since: his device is not pulled, and the plan waits for him. */
static void test_taken_meanwhile(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = apply_plan();

        fresh(add_driver(plan, 0, NULL, NULL, "nosuch", NULL), 1);
        fail(stage, "module nosuch", -ENOENT, -1);
        stage->comes = 900;
        stage->comes_at = 4;
        g_free(assert_fails(stage, plan, VFADM_ERROR_HALF_DONE, "0000:01:10.0 came into use meanwhile (dpdk (pid 900))"));
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 2);
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
        stage->machine->user_pid = 0;
        assert_recovers(stage, "undone");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* Killed after any of its steps. */
static void test_recovered(void) {
        static const char *const marks[] = {"ddDpp", "dddDp", "ddddD", "dDppp"};

        for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
                g_autoptr(Stage) stage = stage_new(0);
                g_autoptr(Plan) plan = apply_plan();
                die_during(stage, plan, marks[i], DEAD_PID, BOOT);
                assert_recovers(stage, "undone");
                g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/act/fresh/found", test_found);
        g_test_add_func("/act/fresh/not-there", test_not_there);
        g_test_add_func("/act/fresh/undone", test_undone);
        g_test_add_func("/act/fresh/taken-meanwhile", test_taken_meanwhile);
        g_test_add_func("/act/fresh/recovered", test_recovered);
        return g_test_run();
}
