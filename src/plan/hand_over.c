/* The steps by which vfadm itself takes a device from the host and binds it to what a guest gets it by: VFIO, or Xen's pciback. */
#include "plan/rules.h"

static bool loads_module(const Plan *plan, const char *name) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_MODULE && g_strcmp0(step->to.text, name) == 0)
                        return true;
        }
        return false;
}

void plan_module(Plan *plan, const Dev *dev, const char *driver, const char *reason) {
        const char *name = driver_is_xen(driver) ? "xen-pciback" : driver;

        if (loads_module(plan, name))
                return;
        Step *module = plan_add(plan, step_new(STEP_MODULE, dev->addr, reason));
        module->to.text = g_strdup(name);
}

void plan_hand_over(Plan *plan, const PlanInput *input, const Dev *dev, const VfState *state, bool xen) {
        const char *to = xen ? DRIVER_PCIBACK : input->vfio_driver ? input->vfio_driver : "vfio-pci";
        const char *override = xen ? NULL : to; /* with one, xl could give it back to no other driver (pci_bus_match()) */
        const char *driver = dev->driver;
        /* Whoever hid it from this host did it for guests: it is taken as it is, and stays so. */
        bool is_there = xen && driver_is_xen(driver);

        if (!is_there)
                plan_module(plan, dev, to, "the guest reaches the device through it");
        if (driver && !is_there && !g_str_equal(driver, to)) {
                Step *step = plan_driver(plan, dev, driver, dev->driver_override, NULL, dev->driver_override, "MAC and VLAN are set before any driver binds");
                if (dev_use(dev))
                        step->disturbs = g_strdup(dev_use(dev)->what);
                driver = NULL;
        }
        plan_vf_state(plan, input, dev, state, state->known, "what the guest shall have");
        if (!is_there && (!driver || g_strcmp0(dev->driver_override, override) != 0))
                plan_driver(plan, dev, driver, dev->driver_override, to, override, "ready for the guest");
}
