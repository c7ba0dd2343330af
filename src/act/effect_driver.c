/* The driver of a function: unbind, driver_override, drivers_probe, and the link read back (field-facts 4, 20, 21).
 *
 * new_id is never used: it would claim every unbound device of that kind, now and later. */
#include "act/effect.h"

#include "base/error.h"

#include <errno.h>

enum { HOST_UNBIND_MS = 120 * 1000 };

static int read_driver(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autofree char *link = effect_path(step->dev, "driver");
        g_autofree char *override = effect_path(step->dev, "driver_override");
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(step->dev, name);
        int r = io_read_link_name(act->io, link, &ret->driver);
        if (r < 0 && r != -ENOENT)
                return effect_fail(error, r, NULL, "%s: its driver cannot be read", name);
        r = io_read_text(act->io, override, &ret->driver_override);
        if (r == -ENOENT && !effect_device_there(act->io, step->dev))
                return effect_fail(error, -ENODEV, "its VFs may have been turned off meanwhile; see 'vfadm list'", "%s is gone", name);
        if (r < 0)
                return effect_fail(error, r, NULL, "%s cannot be read", override);
        /* The kernel prints a missing override as "(null)" (pci-sysfs.c, driver_override_show). */
        if (!*ret->driver_override || g_str_equal(ret->driver_override, "(null)"))
                g_clear_pointer(&ret->driver_override, g_free);
        return 0;
}

static int set_override(Io *io, PciAddr dev, const char *driver, GError **error) {
        g_autofree char *path = effect_path(dev, "driver_override");
        /* An empty write never reaches the kernel; a bare newline clears (driver_set_override). */
        int r = io_write(io, path, driver ? driver : "\n", 0);
        return r < 0 ? effect_fail(error, r, NULL, "%s cannot be written", path) : 0;
}

/* pciback notes the address of what it took by an override, and from then on takes whatever function has that address, before the host's
 * own driver where it was loaded first (pci_stub.c pcistub_seize, pcistub_match). It is made to forget while it still has the function: so
 * nobody who stops in between leaves such a note behind. Where there is none it says so. */
static int forget_slot(Io *io, const char *name, GError **error) {
        static const char path[] = "sys/bus/pci/drivers/" DRIVER_PCIBACK "/remove_slot";
        int r = io_write(io, path, name, 0);

        if (r >= 0 || r == -ENOENT || r == -ENODEV || r == -EINVAL)
                return 0;
        return effect_fail(error, r, "look at dmesg", "%s: " DRIVER_PCIBACK " does not forget it (%s)", name, path);
}

static int unbind(Io *io, PciAddr dev, const char *driver, GError **error) {
        g_autofree char *path = effect_path(dev, "driver/unbind");
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(dev, name);
        int forgot = driver_is_xen(driver) ? forget_slot(io, name, error) : 0;
        if (forgot < 0)
                return forgot;
        /* VFIO waits for its user without limit (field-facts 5); a driver of the host takes as long as it takes, but one whose probe has
         * not come to its end would keep us for ever. */
        int r = io_write(io, path, name, driver_is_vfio(driver) ? SLOW_WRITE_MS : HOST_UNBIND_MS);
        if (r >= 0 || r == -ENODEV) /* ENODEV: it was unbound between our look and our write */
                return 0;
        const char *remedy = r != -ETIMEDOUT         ? "look at dmesg"
                             : driver_is_vfio(driver) ? "somebody still uses it; see who with 'vfadm show', end that, then run 'vfadm recover'"
                                                      : "the kernel is still at it, look at dmesg; run 'vfadm recover' when it is done";
        return effect_fail(error, r, remedy, "%s: %s does not let go of it", name, driver);
}

/* Xen's is the one whose module is called otherwise. */
static const char *module_of(const char *driver) {
        return driver_is_xen(driver) ? "xen-pciback" : driver;
}

/* driver_override does not load modules, and a driver's module carries its name nearly always. A driver that is built in or
 * registered already needs none. */
static int need_driver(Io *io, PciAddr dev, const char *driver, GError **error) {
        g_autofree char *path = g_strconcat("sys/bus/pci/drivers/", driver, NULL);
        g_auto(GStrv) names = NULL;
        char name[PCI_ADDR_TEXT_SIZE];

        if (io_list(io, path, &names) >= 0)
                return 0;
        int r = io_load_module(io, module_of(driver));
        if (r >= 0)
                return 0;
        pci_addr_format(dev, name);
        return effect_fail(error, r, "is the driver's name right, and its module part of this kernel?", "%s: the driver %s is not loaded and its module cannot be", name, driver);
}

/* The kernel says yes to a probe although nobody took the device: the link decides. */
static int probe(Io *io, PciAddr dev, const char *driver, GError **error) {
        g_autofree char *link = effect_path(dev, "driver");
        g_autofree char *bound = NULL;
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(dev, name);
        /* VFIO only takes note of the device; a driver of the host may wait for its firmware. */
        int r = io_write(io, "sys/bus/pci/drivers_probe", name, driver_is_vfio(driver) ? 0 : SLOW_WRITE_MS);
        if (r < 0) {
                /* drivers_probe turns every reason into EINVAL (drivers/base/bus.c drivers_probe_store); that of a group of which
                 * somebody still has a member open is EBUSY (drivers/iommu/iommu.c iommu_device_use_default_domain). */
                bool group = (r == -EBUSY || r == -EINVAL) && !driver_is_xen(driver);
                const char *remedy = group ? "its IOMMU group may be in use by a guest, see 'vfadm show'; else look at dmesg" : "look at dmesg";
                return effect_fail(error, r, remedy, "%s: %s did not take it", name, driver ? driver : "the host's own driver");
        }
        if (!driver)
                return 0;
        r = io_read_link_name(io, link, &bound);
        if (r < 0 && r != -ENOENT)
                return effect_fail(error, r, NULL, "%s: its driver cannot be read", name);
        if (g_strcmp0(bound, driver) == 0)
                return 0;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: %s did not take it: %s has it now; look at dmesg for the driver's reason",
                    name, driver, bound ? bound : "no driver");
        return -EIO;
}

/* Of a VF that the plan itself has made no rule could look at the group before: VFIO would refuse it only when a guest opens it. */
static int check_group(Io *io, PciAddr dev, GError **error) {
        g_autofree char *path = effect_path(dev, "iommu_group/devices");
        g_auto(GStrv) members = NULL;
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(dev, name);
        int r = io_list(io, path, &members);
        if (r == -ENOENT) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "%s is in no IOMMU group: the IOMMU does not guard it, so it cannot be given to a guest", name);
                return -ENXIO;
        }
        if (r < 0)
                return effect_fail(error, r, NULL, "%s cannot be read", path);
        for (char **member = members; *member; member++) {
                g_autofree char *link = g_strconcat("sys/bus/pci/devices/", *member, "/driver", NULL);
                g_autofree char *driver = NULL;
                if (g_str_equal(*member, name) || io_read_link_name(io, link, &driver) < 0 || driver_lets_vfio_be(driver))
                        continue;
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED, "%s shares an IOMMU group with %s (%s), so no guest could have it: a port above the card does not isolate (no ACS); put the card in another slot",
                            name, *member, driver);
                return -ENXIO;
        }
        return 0;
}

static int bind_named(Io *io, const Step *step, const char *driver, GError **error) {
        int r = step->fresh && driver_is_vfio(driver) ? check_group(io, step->dev, error) : 0;
        if (r < 0 || (r = need_driver(io, step->dev, driver, error)) < 0)
                return r;
        /* The override is set even where none shall stay: with autoprobe off the kernel lets only an overridden VF be
         * probed (field-facts 4), and it keeps any other driver out meanwhile. */
        r = set_override(io, step->dev, driver, error);
        return r < 0 ? r : probe(io, step->dev, driver, error);
}

static int make_driver(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        bool own = g_strcmp0(target->driver, DRIVER_OWN) == 0;
        bool leave = now->driver && (own ? effect_is_placeholder(now->driver) : g_strcmp0(now->driver, target->driver) != 0);
        const char *override = now->driver_override;
        int r;

        if (leave && (r = unbind(act->io, step->dev, now->driver, error)) < 0)
                return r;
        bool bind = target->driver && (leave || !now->driver);
        if (bind && !own) {
                if ((r = bind_named(act->io, step, target->driver, error)) < 0)
                        return r;
                override = target->driver;
        }
        if (g_strcmp0(override, target->driver_override) != 0 && (r = set_override(act->io, step->dev, target->driver_override, error)) < 0)
                return r;
        return bind && own ? probe(act->io, step->dev, NULL, error) : 0;
}

const Effect effect_driver = {.read = read_driver, .make = make_driver};
