/* The plan that sets anew, after a reboot, what a lease says of a device that stands in a guest's definition. */
#include "plan/rules.h"

/* Started by xl before anybody had set what its device shall have: it would notice now. */
static void note_left_out(Plan *plan, const PlanInput *input, const Lease *lease, const Dev *dev) {
        const VfState *now = snapshot_vf_state(input->host, dev);
        const unsigned mask = now ? vf_state_diff(now, &lease->given, lease->given.known & now->known) : 0;
        g_autofree char *words = vf_state_format(&lease->given, mask);

        if (mask)
                plan_note(plan, "%s was started before its device could be set again, and has %s without %s; run 'vfadm detach %s %s --live', then 'vfadm attach %s --from %s --live'",
                          lease->guest, dev->name, words, lease->guest, dev->name, lease->guest, dev->name);
}

static Step *find_assignable(const Plan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_ASSIGNABLE)
                        return step;
        }
        return NULL;
}

/* A recovery before this may have stopped anywhere: where xl is to give it back to stands in the lease, and Xen is asked even where the device
 * is with pciback already, since nobody tells whether it was. */
static void keep_for_guest(Plan *plan, const Lease *lease, const Dev *dev) {
        Step *step = find_assignable(plan);
        bool own = lease->saved_driver && !g_str_equal(lease->saved_driver, DRIVER_OWN) && !driver_lets_vfio_be(lease->saved_driver);

        if (driver_is_xen(lease->saved_driver)) /* it was hidden from this host by somebody else, and is again */
                return;
        if (driver_is_xen(dev->driver) && dev->driver_override)
                plan_driver(plan, dev, dev->driver, dev->driver_override, dev->driver, NULL, "with an override xl could give it back to no other driver");
        if (!step)
                step = plan_number(plan, STEP_ASSIGNABLE, dev, 0, 1, "its DMA is kept from this host until the guest has it");
        if (dev->is_vf)
                step->pf = dev->pf;
        g_free(step->to.text);
        step->to.text = own ? g_strdup(lease->saved_driver) : NULL;
}

Plan *plan_set_again(const Lease *lease, const PlanInput *input) {
        const Dev *dev = snapshot_get(input->host, lease->dev);
        Plan *plan = plan_new("recover");
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(lease->dev, name);
        plan->summary = g_strdup_printf("%s set again for %s", name, lease->guest);
        plan->result = g_strdup(name);
        if (!dev || !lease_fits(lease, input->host, dev)) {
                plan_note(plan, "%s is not there, or another device has its address now: %s cannot start with it", name, lease->guest);
                return plan;
        }
        bool live = input->guest && guest_info_find(input->guest, dev->addr);
        bool interface = lease->managed && plan_is_interface(input->host, dev);
        bool xen = lease_is_xen(lease);
        if (!rule_unused(plan, input, dev, false, lease) || (xen && (!rule_directio(plan, input, dev) || !rule_companions(plan, input, dev, lease->guest, NULL))))
                return plan;
        if (xen && live) {
                note_left_out(plan, input, lease, dev);
                return plan;
        }
        plan_hold(plan, input, dev, true);
        if (!lease->managed && !live) {
                plan_hand_over(plan, input, dev, &lease->given, xen);
                if (xen)
                        keep_for_guest(plan, lease, dev);
                return plan;
        }
        /* A running guest's MAC and VLAN are what libvirt set, but for the VLAN that it cannot. */
        unsigned left = interface ? VF_OF_SERVICE & ~(unsigned) (live && plan_vlan_is_special(&lease->given) ? VF_VLAN : 0) : 0;
        plan_vf_state(plan, input, dev, &lease->given, lease->given.known & ~left, "what the guest shall have");
        return plan;
}
