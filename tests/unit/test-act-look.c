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

/* What the lease remembers, in the order in which an attach does it: leased, held, and then nobody else changes the function any more. */
static Plan *leasing_plan(void) {
        Plan *plan = plan_new("run");
        Step *was = step_new(STEP_DRIVER, machine_vf(0), "because");

        add_lease(plan);
        was->from.driver = g_strdup("igbvf");
        plan_seen(plan, was);
        return plan;
}

static void test_as_seen(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = leasing_plan();

        add_driver(plan, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
        assert_ran(stage, plan);
        assert_driver(stage, 0, "vfio-pci (vfio-pci)"); /* by the plan itself, which is not compared with what it makes */
}

/* Somebody had it when it was looked at, or has had it since; also where nothing but the lease is to be done. */
static void test_not_as_seen(void) {
        static const struct {
                const char *driver, *override;
                bool binds;
        } rows[] = {{"vfio-pci", "vfio-pci", true}, {NULL, NULL, true}, {"igbvf", "vfio-pci", true}, {"vfio-pci", "vfio-pci", false}};

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Stage) stage = stage_new(2);
                g_autoptr(Plan) plan = leasing_plan();
                if (rows[i].binds)
                        add_driver(plan, 0, "igbvf", NULL, "vfio-pci", "vfio-pci");
                machine_set_driver(stage->machine, 0, rows[i].driver, rows[i].override);
                g_free(assert_fails(stage, plan, VFADM_ERROR_BUSY, "0000:01:10.0: somebody else had it meanwhile (igbvf before, "));
                assert_log(stage, "");
                assert_no_lease(stage);
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

/* MAC and VLAN of somebody else's guest, too. */
static void test_state_not_as_seen(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = leasing_plan();
        const VfState had = {.known = VF_VLAN, .vlan = 63, .proto = VLAN_PROTO_8021Q};
        Step *was = step_new(STEP_VF_STATE, machine_vf(0), "because");

        was->pf = machine_pf();
        was->mask = VF_VLAN;
        was->from.vf = had;
        plan_seen(plan, was);
        g_free(assert_fails(stage, plan, VFADM_ERROR_BUSY, "(vlan=63 before, vlan=0 now)"));
        assert_no_lease(stage);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/act/look-once", test_look_once);
        g_test_add_func("/act/somebody-came", test_somebody_came);
        g_test_add_func("/act/known-use", test_known_use);
        g_test_add_func("/act/as-seen", test_as_seen);
        g_test_add_func("/act/not-as-seen", test_not_as_seen);
        g_test_add_func("/act/state-not-as-seen", test_state_not_as_seen);
        return g_test_run();
}
