/* The stage of xen_stage.h. */
#include "xen_stage.h"

static const char device_id[] = "vfadm-0000-01-10.0";

Stage *xen_stage_new(void) {
        Stage *stage = stage_new(2);

        machine_start_xen(stage->machine);
        machine_start_domain(stage->machine);
        machine_put(stage->machine, "sys/bus/pci/drivers/pciback/bind", "");
        return stage;
}

Lease *make_domain_lease(const Stage *stage, unsigned parts) {
        Lease *lease = make_service_lease(DEFINED);

        g_free(lease->guest);
        lease->guest = g_strdup("xen:web1");
        g_free(lease->guest_uuid);
        lease->config = parts & DEFINED;
        lease->guest_uuid = lease->config && !stage->machine->xen.file_has_uuid ? NULL : g_strdup(machine_domain_uuid(stage->machine));
        lease->managed = false;
        lease->given = (VfState) {.known = VF_VLAN, .vlan = 7, .proto = VLAN_PROTO_8021Q};
        return lease;
}

Step *add_assignable(Plan *plan, int64_t from, int64_t to) {
        Step *step = plan_add(plan, step_new(STEP_ASSIGNABLE, machine_vf(0), "because"));

        step->from.number = from;
        step->to.number = to;
        step->from.text = from ? g_strdup("igbvf") : NULL;
        step->to.text = to ? g_strdup("igbvf") : NULL;
        return step;
}

static void add_entry(Plan *plan, bool in) {
        Step *step = add_defined(plan, in ? NULL : XEN_ENTRY, in ? XEN_ENTRY : NULL);
        g_free(step->guest);
        step->guest = g_strdup("xen:web1");
}

static void add_plug(Plan *plan, bool in) {
        Step *step = add_guest(plan, in ? NULL : device_id, in ? device_id : NULL);

        g_free(step->guest);
        step->guest = g_strdup("xen:web1");
        g_clear_pointer(&step->guest_bus, g_free);
        step->xml = g_strdup(XEN_ENTRY);
}

static void take(Plan *plan) {
        PciAddr vf = machine_vf(0);
        g_array_append_val(plan->taken, vf);
}

Plan *domain_attach_plan(const Stage *stage, unsigned parts) {
        const VfState before = {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q};
        Plan *plan = plan_new("attach");
        Step *step = plan_add(plan, step_new(STEP_LEASE, machine_vf(0), "because"));

        step->to.lease = make_domain_lease(stage, parts);
        step = plan_add(plan, step_new(STEP_MODULE, machine_vf(0), "because"));
        step->to.text = g_strdup("xen-pciback");
        add_driver(plan, 0, "igbvf", NULL, NULL, NULL);
        VfState given = before;
        given.vlan = 7;
        add_state(plan, 0, &before, &given, VF_VLAN);
        add_driver(plan, 0, NULL, NULL, "pciback", "pciback");
        add_assignable(plan, 0, 1);
        if (parts & DEFINED)
                add_entry(plan, true);
        if (parts & PLUGGED)
                add_plug(plan, true);
        take(plan);
        return plan;
}

Plan *domain_detach_plan(const Lease *lease, unsigned parts) {
        const VfState before = {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q};
        Plan *plan = plan_new("detach");

        if (parts & DEFINED)
                add_entry(plan, false);
        if (parts & PLUGGED)
                add_plug(plan, false);
        plan_add(plan, step_new(STEP_RESET, machine_vf(0), "because"));
        add_assignable(plan, 1, 0);
        add_driver(plan, 0, "pciback", "pciback", NULL, NULL);
        VfState given = before;
        given.vlan = 7;
        add_state(plan, 0, &given, &before, VF_VLAN);
        add_driver(plan, 0, NULL, NULL, "igbvf", NULL);
        Step *step = plan_add(plan, step_new(STEP_LEASE, machine_vf(0), "because"));
        step->from.lease = lease_copy(lease);
        take(plan);
        return plan;
}

void make_domain_fact(Stage *stage, const Step *step) {
        FakeXen *xen = &stage->machine->xen;

        if (step->kind == STEP_DEFINED) {
                g_free(xen->entry);
                xen->entry = g_strdup(step->to.text);
        } else if (step->kind == STEP_GUEST) {
                xen->has = step->to.text != NULL;
        } else if (step->kind == STEP_DRIVER) {
                machine_set_driver(stage->machine, 0, step->to.driver, step->to.driver_override);
        } else if (step->kind == STEP_VF_STATE) {
                vf_state_copy(&stage->machine->vfs[0], &step->to.vf, step->mask);
        } else if (step->kind == STEP_ASSIGNABLE) {
                xen->assignable = (int) step->to.number;
        }
}

void give_to_domain(Stage *stage, unsigned parts, const char *boot_id) {
        g_autoptr(Plan) plan = plan_new("attach");
        Step *step = plan_add(plan, step_new(STEP_LEASE, machine_vf(0), "because"));
        FakeXen *xen = &stage->machine->xen;

        step->to.lease = make_domain_lease(stage, parts);
        g_free(step->to.lease->boot_id);
        step->to.lease->boot_id = g_strdup(boot_id);
        assert_ran(stage, plan);
        xen->has = parts & PLUGGED;
        xen->entry = parts & DEFINED ? g_strdup(XEN_ENTRY) : NULL;
        xen->assignable = 1;
        machine_set_driver(stage->machine, 0, "pciback", "pciback");
        stage->machine->vfs[0].vlan = 7;
        g_free(machine_take_log(stage->machine));
}

void assert_domain_free(Stage *stage) {
        const FakeXen *xen = &stage->machine->xen;

        assert_no_lease(stage);
        assert_driver(stage, 0, "igbvf");
        g_assert_cmpint(xen->assignable, !=, 1);
        g_assert_null(xen->entry);
        g_assert_false(xen->has);
        g_assert_cmpuint(stage->machine->vfs[0].vlan, ==, 0);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

void assert_domain_lease(Stage *stage, bool config, const char *guest, const char *uuid, const char *boot_id) {
        g_autoptr(Lease) lease = the_lease(stage);

        g_assert_nonnull(lease);
        g_assert_cmpint(lease->config, ==, config);
        g_assert_cmpint(lease->pid, ==, 0);
        g_assert_cmpstr(lease->guest, ==, guest);
        g_assert_cmpstr(lease->guest_uuid, ==, uuid);
        g_assert_cmpstr(lease->boot_id, ==, boot_id);
        g_assert_cmpint(lease->state, ==, LEASE_ACTIVE);
}
