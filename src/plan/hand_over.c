/* The steps by which vfadm itself takes a device from the host and binds it to VFIO. */
#include "plan/rules.h"

static bool loads_module(const Plan *plan, const char *name) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_MODULE && g_strcmp0(step->to.text, name) == 0)
                        return true;
        }
        return false;
}

void plan_hand_over(Plan *plan, const PlanInput *input, const Dev *dev, const VfState *state) {
        const char *vfio = input->vfio_driver ? input->vfio_driver : "vfio-pci";
        const char *driver = dev->driver;

        if (!loads_module(plan, vfio)) {
                Step *module = plan_add(plan, step_new(STEP_MODULE, dev->addr, "the guest reaches the device through it"));
                module->to.text = g_strdup(vfio);
        }
        if (driver && !g_str_equal(driver, vfio)) {
                Step *step = plan_driver(plan, dev, driver, dev->driver_override, NULL, dev->driver_override, "MAC and VLAN are set before any driver binds");
                if (dev_use(dev))
                        step->disturbs = g_strdup(dev_use(dev)->what);
                driver = NULL;
        }
        plan_vf_state(plan, input, dev, state, state->known, "what the guest shall have");
        if (!driver || g_strcmp0(dev->driver_override, vfio) != 0)
                plan_driver(plan, dev, driver, dev->driver_override, vfio, vfio, "ready for the guest");
}
