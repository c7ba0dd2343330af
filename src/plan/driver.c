/* The plans of `vfadm bind` and `vfadm unbind`. */
#include "plan/rules.h"

#include "base/error.h"

#include <string.h>

/* The word for "the best VFIO driver the kernel names", as libvirt's model name='vfio'. */
static const char generic_vfio[] = "vfio";

static bool driver_name_is_sane(const char *name) {
        /* It becomes part of a sysfs path and a module name. */
        return name[0] && strlen(name) < 64 &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(name);
}

static bool may_leave_driver(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt) {
        g_autofree char *nick = snapshot_nick(input->host, dev);

        if (dev_is_bridge(dev))
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is a bridge: bridges stay with their driver, or all behind them is lost", dev->name);
        if (dev->num_vfs)
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s has %u VFs, which would vanish with its driver; run 'vfadm disable %s' first", nick, dev->num_vfs, nick);
        rule_unused(plan, input, dev, disrupt, NULL);
        return plan->refusals->len == 0;
}

static void add_module(Plan *plan, const Dev *dev, const char *name, const char *reason) {
        Step *step = plan_add(plan, step_new(STEP_MODULE, dev->addr, reason));
        step->to.text = g_strdup(name);
}

/* Only drivers that would not come by themselves keep their override; the host's own come without one. */
static bool keeps_override(const char *driver) {
        return driver_is_vfio(driver) || g_str_equal(driver, "pci-stub") || g_str_equal(driver, "pciback");
}

static void bind_one(Plan *plan, const Dev *dev, const char *driver, const char *reason) {
        if (g_strcmp0(dev->driver, driver) == 0)
                return;
        Step *step = plan_driver(plan, dev, dev->driver, dev->driver_override, driver, keeps_override(driver) ? driver : NULL, reason);
        const Use *use = dev_use(dev);
        if (use)
                step->disturbs = g_strdup(use->what);
}

void plan_bind(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autofree char *nick = snapshot_nick(input->host, dev);
        g_autoptr(GPtrArray) along = g_ptr_array_new();
        const char *variant = input->vfio_driver ? input->vfio_driver : "vfio-pci";
        const char *driver = g_str_equal(want->driver, generic_vfio) ? variant : want->driver;
        const char *remedy = "all of them must leave their drivers together; say --with-group to take them along, or put the card in another slot";

        if (!driver_name_is_sane(driver)) {
                plan_refuse(plan, VFADM_ERROR_USAGE, "'%s' is no driver name", driver);
                return;
        }
        plan->summary = g_strdup_printf("%s: driver %s", nick, driver);
        if (g_strcmp0(dev->driver, driver) == 0 || !may_leave_driver(plan, input, dev, want->disrupt))
                return;
        if (driver_is_vfio(driver) && (!rule_iommu(plan, input, dev) || !rule_group(plan, input, dev, remedy, want->with_group ? along : NULL)))
                return;
        for (unsigned i = 0; i < along->len; i++)
                if (!may_leave_driver(plan, input, along->pdata[i], want->disrupt))
                        return;
        if (g_str_equal(driver, "vfio-pci") && !g_str_equal(variant, driver))
                plan_note(plan, "the kernel names %s for this device; 'vfadm bind %s vfio' takes it", variant, nick);
        add_module(plan, dev, driver, "the driver must be there before it can bind");
        for (unsigned i = 0; i < along->len; i++)
                bind_one(plan, along->pdata[i], "vfio-pci", "it shares the IOMMU group"); /* a variant is for its own make only */
        bind_one(plan, dev, driver, "as asked");
}

void plan_unbind(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autofree char *nick = snapshot_nick(input->host, dev);
        const Dev *pf = dev->is_vf ? snapshot_pf(input->host, dev) : NULL;
        bool own = dev->driver && !driver_is_vfio(dev->driver) && !g_str_equal(dev->driver, "pci-stub") && !g_str_equal(dev->driver, "pciback");

        plan->summary = g_strdup_printf("%s: back to the host's own driver", nick);
        if (own && !dev->driver_override)
                return;
        if (!may_leave_driver(plan, input, dev, want->disrupt))
                return;
        if (dev->modalias)
                add_module(plan, dev, dev->modalias, "the host's own driver must be there before it can bind");
        /* With autoprobe off the kernel lets no driver probe a VF by itself (field-facts 4). */
        if (pf && !pf->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 0, 1, "or no driver of the host may take the VF");
        plan_driver(plan, dev, dev->driver, dev->driver_override, DRIVER_OWN, NULL, "as asked");
        if (pf && !pf->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 1, 0, "as it was");
}
