/* The plan that sets anew, after a reboot, what a lease says of a device that stands in a guest's definition. */
#include "plan/rules.h"

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
        if (!rule_unused(plan, input, dev, false, lease))
                return plan;
        plan_hold(plan, input, dev, true);
        if (!lease->managed && !live) {
                plan_hand_over(plan, input, dev, &lease->given);
                return plan;
        }
        /* A running guest's MAC and VLAN are what libvirt set, but for the VLAN that it cannot. */
        unsigned left = interface ? VF_OF_SERVICE & ~(unsigned) (live && plan_vlan_is_special(&lease->given) ? VF_VLAN : 0) : 0;
        plan_vf_state(plan, input, dev, &lease->given, lease->given.known & ~left, "what the guest shall have");
        return plan;
}
