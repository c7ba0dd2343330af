/* A function that Xen keeps for its guests: its DMA kept from dom0, and the driver noted that xl gives it back to. Nobody tells
 * which it is, so it is made whenever it is asked for. */
#include "act/effect.h"

#include "base/error.h"
#include "guest/guest.h"

#include <errno.h>

static int read_assignable(ActContext *act, const Step *step, Fact *ret, GError **error) {
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(step->dev, name);
        if (!effect_device_there(act->io, step->dev))
                return effect_fail(error, -ENODEV, "its VFs may have been turned off meanwhile; see 'vfadm list'", "%s is gone", name);
        ret->number = -1;
        return 0;
}

/* That a guest has it does not change by asking again. */
static int errno_of(const GError *error) {
        if (g_error_matches(error, VFADM_ERROR, VFADM_ERROR_BUSY))
                return -EAGAIN;
        if (g_error_matches(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                return -ENODEV;
        return g_error_matches(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED) ? -EOPNOTSUPP : -EIO;
}

bool effect_on_pciback(Io *io, PciAddr dev) {
        g_autofree char *link = effect_path(dev, "driver");
        g_autofree char *driver = NULL;
        return io_read_link_name(io, link, &driver) >= 0 && driver_is_xen(driver);
}

static int make_assignable(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        const GuestBackend *backend = guest_backend("xen", error);
        bool on = target->number != 0;
        char name[PCI_ADDR_TEXT_SIZE];

        if (!backend)
                return -EOPNOTSUPP;
        pci_addr_format(step->dev, name);
        if (!backend->service || !backend->service->set_assignable) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "%s: this module for Xen makes no device assignable", name);
                return -EOPNOTSUPP;
        }
        /* The driver of dom0 that has it would be cut off from memory. */
        if (on && !effect_on_pciback(act->io, step->dev)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s is not bound to " DRIVER_PCIBACK " any more, so Xen was not told to keep it for guests; see who has it with 'vfadm show %s'", name, name);
                return -ESTALE;
        }
        g_autoptr(GError) problem = NULL;
        if (backend->service->set_assignable(act->io, step->dev, on, on ? target->text : NULL, &problem))
                return 0;
        int r = errno_of(problem);
        g_propagate_error(error, g_steal_pointer(&problem));
        return r;
}

const Effect effect_assignable = {.read = read_assignable, .make = make_assignable};
