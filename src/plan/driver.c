/* The plans of `vfadm bind` and `vfadm unbind`. */
#include "plan/rules.h"

#include "base/error.h"

#include <string.h>

/* The word for "the best VFIO driver the kernel names", as libvirt's model name='vfio'. */
static const char generic_vfio[] = "vfio";

bool plan_driver_name_ok(const char *name) {
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

bool plan_is_own_driver(const char *driver) {
        return driver && !driver_is_vfio(driver) && !g_str_equal(driver, "pci-stub") && !driver_is_xen(driver);
}

/* Only drivers that would not come by themselves keep their override; the host's own come without one. pciback needs one to come,
 * and none to stay: with it xl could give the device to no other driver (pci_bus_match()). */
const char *plan_override_of(const char *driver) {
        return plan_is_own_driver(driver) || driver_is_xen(driver) ? NULL : driver;
}

static void bind_one(Plan *plan, const Dev *dev, const char *driver, const char *reason) {
        if (g_strcmp0(dev->driver, driver) == 0)
                return;
        Step *step = plan_driver(plan, dev, dev->driver, dev->driver_override, driver, plan_override_of(driver), reason);
        const Use *use = dev_use(dev);
        if (use)
                step->disturbs = g_strdup(use->what);
}

/* Devices that no IOMMU can tell apart: none is kept from this host's memory while a driver of it still has another. */
static void bind_together(Plan *plan, const Dev *dev, GPtrArray *along) {
        g_ptr_array_add(along, (gpointer) dev);
        for (unsigned i = 0; i < along->len; i++) {
                const Dev *one = along->pdata[i];
                Step *step = one->driver ? plan_driver(plan, one, one->driver, one->driver_override, NULL, one->driver_override, "they leave their drivers together") : NULL;
                if (step && dev_use(one))
                        step->disturbs = g_strdup(dev_use(one)->what);
        }
        for (unsigned i = 0; i < along->len; i++) {
                const Dev *one = along->pdata[i];
                plan_driver(plan, one, NULL, one->driver_override, DRIVER_PCIBACK, plan_override_of(DRIVER_PCIBACK), one == dev ? "as asked" : "no IOMMU can tell it from the other");
        }
}

const char *plan_driver_meant(const char *word, const char *variant) {
        if (g_str_equal(word, generic_vfio))
                return variant;
        return g_str_equal(word, "xen-pciback") || g_str_equal(word, "xen_pciback") ? DRIVER_PCIBACK : word;
}

void plan_bind(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autofree char *nick = snapshot_nick(input->host, dev);
        g_autoptr(GPtrArray) along = g_ptr_array_new();
        const char *variant = input->vfio_driver ? input->vfio_driver : "vfio-pci";
        const char *driver = plan_driver_meant(want->driver, variant);
        const bool xen = driver_is_xen(driver);
        const char *remedy = "all of them must leave their drivers together; say --with-group to take them along, or put the card in another slot";

        if (!plan_driver_name_ok(driver)) {
                plan_refuse(plan, VFADM_ERROR_USAGE, "'%s' is no driver name", driver);
                return;
        }
        plan->summary = g_strdup_printf("%s: driver %s", nick, driver);
        if (g_strcmp0(dev->driver, driver) == 0 || !may_leave_driver(plan, input, dev, want->disrupt))
                return;
        if (driver_is_vfio(driver) && (!rule_iommu(plan, input, dev) || !rule_group(plan, input, dev, remedy, want->with_group ? along : NULL)))
                return;
        if (xen && (!rule_directio(plan, input, dev) || !rule_companions(plan, input, dev, NULL, want->with_group ? along : NULL)))
                return;
        for (unsigned i = 0; i < along->len; i++)
                if (!may_leave_driver(plan, input, along->pdata[i], want->disrupt))
                        return;
        if (g_str_equal(driver, "vfio-pci") && !g_str_equal(variant, driver))
                plan_note(plan, "the kernel names %s for this device; 'vfadm bind %s vfio' takes it", variant, nick);
        plan_module(plan, dev, driver, "the driver must be there before it can bind");
        if (xen && along->len) {
                bind_together(plan, dev, along);
                return;
        }
        for (unsigned i = 0; i < along->len; i++)
                bind_one(plan, along->pdata[i], "vfio-pci", "it shares the IOMMU group"); /* a variant is for its own make only */
        bind_one(plan, dev, driver, "as asked");
}

void plan_unbind(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autofree char *nick = snapshot_nick(input->host, dev);
        const Dev *pf = dev->is_vf ? snapshot_pf(input->host, dev) : NULL;

        plan->summary = g_strdup_printf("%s: back to the host's own driver", nick);
        if (plan_is_own_driver(dev->driver) && !dev->driver_override)
                return;
        if (!may_leave_driver(plan, input, dev, want->disrupt))
                return;
        if (dev->modalias)
                plan_module(plan, dev, dev->modalias, "the host's own driver must be there before it can bind");
        /* With autoprobe off the kernel lets no driver probe a VF by itself (field-facts 4). */
        if (pf && !pf->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 0, 1, "or no driver of the host may take the VF");
        plan_driver(plan, dev, dev->driver, dev->driver_override, DRIVER_OWN, NULL, "as asked");
        if (pf && !pf->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 1, 0, "as it was");
}

void plan_no_driver(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt) {
        if (!dev->driver || !may_leave_driver(plan, input, dev, disrupt))
                return;
        Step *step = plan_driver(plan, dev, dev->driver, dev->driver_override, NULL, NULL, "as asked");
        const Use *use = dev_use(dev);
        if (use)
                step->disturbs = g_strdup(use->what);
}
