/* The second look of act/: whoever began to use a function after the plan was made is left alone. */
#include "act_stage.h"
#include "base/error.h"

/* Takes VF 0 of two apart, and then removes both. */
static Plan *disable_plan(void) {
        Plan *plan = plan_new("disable");
        PciAddr vf0 = machine_vf(0), vf1 = machine_vf(1);

        add_driver(plan, 0, "igbvf", NULL, NULL, NULL);
        add_driver(plan, 1, "igbvf", NULL, NULL, NULL);
        add_number(plan, STEP_NUMVFS, 2, 0);
        g_array_append_val(plan->taken, vf0);
        g_array_append_val(plan->taken, vf1);
        return plan;
}

static void test_look_once(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = disable_plan(), enable = enable_plan();
        PciAddr vf0 = machine_vf(0);

        assert_ran(stage, plan);
        g_assert_cmpuint(stage->machine->looks, ==, 2); /* before the drivers, and before the count */
        g_array_append_val(enable->taken, vf0);
        assert_ran(stage, enable);
        g_assert_cmpuint(stage->machine->looks, ==, 2); /* making VFs takes nothing from anybody */
}

static void test_somebody_came(void) {
        static const struct {
                unsigned at;
                const char *log;
        } rows[] = {
                {0, ""},
                {2, "0000:01:10.0/driver/unbind = 0000:01:10.0\n0000:01:10.2/driver/unbind = 0000:01:10.2\n"
                    "0000:01:10.2/driver_override = igbvf\nsys/bus/pci/drivers_probe = 0000:01:10.2\n0000:01:10.2/driver_override = none\n"
                    "0000:01:10.0/driver_override = igbvf\nsys/bus/pci/drivers_probe = 0000:01:10.0\n0000:01:10.0/driver_override = none"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Stage) stage = stage_new(2);
                g_autoptr(Plan) plan = disable_plan();
                stage->comes = 900;
                stage->comes_at = rows[i].at;
                g_free(assert_fails(stage, plan, VFADM_ERROR_IN_USE, "0000:01:10.0 came into use meanwhile (dpdk (pid 900))"));
                assert_log(stage, rows[i].log);
                g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 2);
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

/* Whoever was known when the plan was made does not count; another process, and another kind of use, does. */
static void test_known_use(void) {
        static const struct {
                KnownUse known;
                bool may;
        } rows[] = {
                {{.kind = USE_PROCESS, .pid = 900}, true},
                {{.kind = USE_PROCESS, .pid = 901}, false},
                {{.kind = USE_NETWORK}, false},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Stage) stage = stage_new(2);
                g_autoptr(Plan) plan = disable_plan();
                KnownUse known = rows[i].known;
                known.dev = machine_vf(0);
                g_array_append_val(plan->known, known);
                stage->machine->user_pid = 900;
                if (rows[i].may)
                        assert_ran(stage, plan);
                else
                        g_free(assert_fails(stage, plan, VFADM_ERROR_IN_USE, "came into use meanwhile"));
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/act/look-once", test_look_once);
        g_test_add_func("/act/somebody-came", test_somebody_came);
        g_test_add_func("/act/known-use", test_known_use);
        return g_test_run();
}
