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

static bool pf_is_up(Stage *stage) {
        g_autofree char *flags = NULL;
        g_assert_cmpint(io_read_text(&stage->machine->io, "sys/class/net/enp1s0/flags", &flags), >=, 0);
        return g_str_equal(flags, "0x1003");
}

/* A link that the plan set up goes down again, but not under somebody's address. */
static void test_link(void) {
        for (int addressed = 0; addressed < 2; addressed++) {
                g_autoptr(Stage) stage = stage_new(0);
                g_autoptr(Plan) plan = plan_new("apply");
                machine_put(stage->machine, "sys/class/net/enp1s0/flags", "0x1002");
                add_number(plan, STEP_LINK, 0, 1);
                add_number(plan, STEP_NUMVFS, 0, 2);
                fresh(add_driver(plan, 0, NULL, NULL, "nosuch", NULL), 1);
                fail(stage, "module nosuch", -ENOENT, -1);
                stage->machine->pf_address = addressed ? "10.0.0.3/24" : NULL;
                g_free(assert_fails(stage, plan, VFADM_ERROR_NOT_FOUND, "everything was undone"));
                g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 0);
                g_assert_true(pf_is_up(stage) == (addressed == 1));
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

/* A rate is refused until the PF has its link: that is waited for; where it has one, the driver means it. */
static void test_rate(void) {
        static const VfState from = {.known = VF_MAX_RATE}, to = {.known = VF_MAX_RATE, .max_rate = 100};

        for (int carrier = 0; carrier < 2; carrier++) {
                g_autoptr(Stage) stage = stage_new(0);
                g_autoptr(Plan) plan = plan_new("apply");
                stage->machine->reports |= VF_MAX_RATE;
                machine_put(stage->machine, "sys/class/net/enp1s0/carrier", carrier ? "1" : "0");
                add_number(plan, STEP_NUMVFS, 0, 1);
                fresh(add_state(plan, 0, &from, &to, VF_MAX_RATE), 0);
                fail(stage, "vf 0:", -EINVAL, 4);
                if (carrier)
                        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "does not take max-rate=100"));
                else
                        assert_ran(stage, plan);
                g_assert_cmpuint(stage->machine->vfs[0].max_rate, ==, carrier ? 0 : 100);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/act/fresh/found", test_found);
        g_test_add_func("/act/fresh/not-there", test_not_there);
        g_test_add_func("/act/fresh/undone", test_undone);
        g_test_add_func("/act/fresh/taken-meanwhile", test_taken_meanwhile);
        g_test_add_func("/act/fresh/recovered", test_recovered);
        g_test_add_func("/act/fresh/link", test_link);
        g_test_add_func("/act/fresh/rate", test_rate);
        return g_test_run();
}
