/* Keeping a function's DMA from dom0 while it is set apart for guests, as 'xl pci-assignable-add' does, and what xl is to
 * know of it. Of the hypervisor's words for it: to be assigned to DOMID_IO, or in quarantine. */
#include "guest/xen.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <xen/domctl.h>
#include <xen/xen.h>

/* Both from Linux: a folder of sysfs is what libxl writes into 'bind' of. */
#define DRIVERS "/sys/bus/pci/drivers/"

bool xen_sbdf(PciAddr dev, uint32_t *ret, GError **error) {
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(dev, name);
        if (dev.domain > UINT16_MAX) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                            "%s: Xen cannot name a device of a PCI domain above ffff", name);
                return false;
        }
        *ret = dev.domain << 16 | (uint32_t) dev.bus << 8 | (uint32_t) dev.slot << 3 | dev.function;
        return true;
}

static void set_refused(Xen *xen, bool here, int number, const char *name, const char *what, GError **error) {
        switch (number) {
        case EBUSY: /* neither dom0's nor set apart: device_assigned() in xen/drivers/passthrough/pci.c */
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s: %s: a guest of Xen has it", name, what);
                break;
        case EOPNOTSUPP:
        case ENOSYS:
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                            "%s: %s: Xen uses no IOMMU here; turn VT-d or AMD-Vi on in the BIOS, and see 'xl dmesg'",
                            name, what);
                break;
        case ENODEV:
                g_set_error(error, VFADM_ERROR, here ? VFADM_ERROR_FAILED : VFADM_ERROR_NOT_FOUND, "%s: %s: %s", name, what,
                            here ? "Xen does not know this function, of which dom0's kernel is to tell it; see 'xl dmesg'"
                                 : "it is not there any more");
                break;
        default:
                xen_error_errno(xen, number, error, "%s: %s", name, what);
        }
}

/* DOMID_IO has no memory, so that reserved regions are no obstacle: libxl says RELAXED here, too. */
static int set_apart(Xen *xen, uint32_t sbdf) {
        return xc_assign_device(xen->hypervisor, DOMID_IO, sbdf, XEN_DOMCTL_DEV_RDM_RELAXED) == 0 ? 0 : errno;
}

static int give_to_dom0(Xen *xen, uint32_t sbdf) {
        return xc_deassign_device(xen->hypervisor, DOMID_IO, sbdf) == 0 ? 0 : errno;
}

/* A driver of dom0's uses it. */
static bool is_in_use_here(Io *io, const char *name) {
        g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/driver", name), *driver = NULL;
        return io_read_link_name(io, path, &driver) >= 0 && !g_str_equal(driver, "pciback");
}

/* That it is not set apart (ENODEV) may also mean that a guest has it, or that it is not there at all: whose it was is
 * certain after it was set apart. But for one that dom0's own driver has taken meanwhile, of which that would end the
 * DMA. */
static int take_back(Io *io, Xen *xen, uint32_t sbdf, const char *name) {
        int r = give_to_dom0(xen, sbdf);
        if (r != ENODEV)
                return r;
        if (is_in_use_here(io, name))
                return 0;
        r = set_apart(xen, sbdf);
        return r == 0 ? give_to_dom0(xen, sbdf) : r;
}

static bool is_here(Io *io, const char *name) {
        g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/vendor", name), *text = NULL;
        return io_read_text(io, path, &text) >= 0;
}

/* Where nothing protects dom0 from a device's DMA, there is nothing to be taken back. */
static bool without_iommu(int number) {
        return number == EOPNOTSUPP || number == ENOSYS;
}

/* libxl reads it in pci-assignable-remove -r, and writes it like this. */
static bool note_driver(Xen *xen, PciAddr dev, const char *driver) {
        g_autofree char *path = xen_store_pci(dev, "driver_path");
        if (!driver)
                return xs_rm(xen->store, XBT_NULL, path) || errno == ENOENT;
        g_autofree char *text = g_strconcat(DRIVERS, driver, NULL);
        return xs_write(xen->store, XBT_NULL, path, text, (unsigned) strlen(text));
}

static bool forget(Xen *xen, PciAddr dev) {
        g_autofree char *path = xen_store_pci(dev, NULL);
        return xs_rm(xen->store, XBT_NULL, path) || errno == ENOENT;
}

bool xen_set_assignable(Io *io, PciAddr dev, bool on, const char *driver, GError **error) {
        char name[PCI_ADDR_TEXT_SIZE];
        uint32_t sbdf;

        pci_addr_format(dev, name);
        Xen *xen = xen_sbdf(dev, &sbdf, error) ? xen_open(io, error) : NULL;
        if (!xen)
                return false;
        int r = on ? set_apart(xen, sbdf) : take_back(io, xen, sbdf, name);
        if (r != 0 && (on || !without_iommu(r))) {
                set_refused(xen, is_here(io, name), r, name, on ? "keeping its DMA from dom0" : "giving it back to dom0",
                            error);
                return false;
        }
        if (on ? note_driver(xen, dev, driver) : forget(xen, dev))
                return true;
        xen_error_errno(xen, errno, error, "%s: noting its driver in xenstore", name);
        return false;
}
