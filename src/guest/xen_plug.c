/* A device on its way into a running domain of Xen's, and out of it. */
#include "guest/xen.h"

#include "base/error.h"
#include "base/parse.h"
#include "xl/xl.h"

#include <string.h>

#define PCIBACK "sys/bus/pci/drivers/pciback"

enum { LOOK_MS = 100, LIST_MAX = 1 << 20, DRIVER_MS = 10000 };

static libxl_device_pci as_libxl(const XenDevice *device) {
        libxl_device_pci ret;

        libxl_device_pci_init(&ret);
        ret.domain = (int) device->host.domain;
        ret.bus = device->host.bus;
        ret.dev = device->host.slot;
        ret.func = device->host.function;
        ret.vfunc_mask = 1; /* this function alone: xlu_pci_parse_bdf() */
        ret.vdevfn = device->slot > 0 ? (uint32_t) device->slot << 3 : 0;
        ret.permissive = device->permissive > 0;
        ret.msitranslate = device->msitranslate > 0;
        ret.power_mgmt = device->power_mgmt > 0;
        if (device->rdm != XEN_RDM_DEFAULT)
                ret.rdm_policy = device->rdm == XEN_RDM_STRICT ? LIBXL_RDM_RESERVE_POLICY_STRICT
                                                               : LIBXL_RDM_RESERVE_POLICY_RELAXED;
        return ret;
}

static bool device_of(const GuestPlugged *plugged, const char *name, XenDevice *ret, GError **error) {
        *ret = xen_device_plain(plugged->host);
        if (!plugged->xml)
                return true;
        if (!xl_device_parse(plugged->xml, strlen(plugged->xml), ret, error))
                return false;
        if (pci_addr_equal(ret->host, plugged->host))
                return true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "xen:%s: '%s' is another device than the one it is to get",
                    name, plugged->xml);
        return false;
}

static bool fits(const XenDominfo *domain, const XenDevice *device, const char *name, GError **error) {
        bool hvm = domain->domain_type == LIBXL_DOMAIN_TYPE_HVM;

        if (domain->domain_type == LIBXL_DOMAIN_TYPE_PVH)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                            "xen:%s is a PVH guest, to which Xen gives no PCI devices; make it type=\"pv\" or "
                            "type=\"hvm\"",
                            name);
        else if (!hvm && (device->slot > 0 || device->power_mgmt > 0 || device->rdm != XEN_RDM_DEFAULT))
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                            "xen:%s is a PV guest: slot, power management and reserved memory are for HVM guests only",
                            name);
        else
                return true;
        return false;
}

static bool takes_devices(Xen *xen, const XenDominfo *domain, const char *name, GError **error) {
        if (!xen_without_passthrough(xen, domain->domid))
                return true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                    "xen:%s was started without passthrough and can get no device while it runs; put passthrough = "
                    "\"enabled\" into its file, shut it down and start it ('xl create')",
                    name);
        return false;
}

/* 1: the domain lists it, and `ret` (may be NULL) is it, to be disposed; 0: not. */
static int listed(Xen *xen, uint32_t domain, PciAddr host, libxl_device_pci *ret) {
        int n, found = 0;
        libxl_device_pci *list = xen_pci_list(xen, domain, &n);

        for (int i = 0; i < n && !found; i++) {
                found = pci_addr_equal(xen_pci_addr(&list[i]), host);
                if (found && ret) {
                        libxl_device_pci_init(ret);
                        libxl_device_pci_copy(xen->xl, ret, &list[i]);
                }
        }
        libxl_device_pci_list_free(list, n);
        return found;
}

/* libxl gives away nothing that is noted as a domain's, and a domain that nobody saw go leaves its note behind. */
static bool is_free(Xen *xen, PciAddr host, GError **error) {
        g_autofree char *path = xen_store_pci(host, "domid"), *text = xen_store_read(xen, path);
        char dev[PCI_ADDR_TEXT_SIZE];
        uint32_t domain;

        pci_addr_format(host, dev);
        if (!text)
                return true;
        if (parse_u32(text, 1, UINT32_MAX, &domain) && listed(xen, domain, host, NULL)) {
                char *name = libxl_domid_to_name(xen->xl, domain);
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s: xen:%s (domain %u) has it", dev,
                            name ? name : "?", domain);
                free(name);
                return false;
        }
        xs_rm(xen->store, XBT_NULL, path);
        return true;
}

/* pciback remembers "permissive" of a function until it lets go of it (xen-pciback/pci_stub.c: nothing takes it back),
 * so that the next guest, which was not to have it, would. */
static bool drop_permissive(Io *io, PciAddr host, GError **error) {
        g_autoptr(GBytes) bytes = NULL;
        char dev[PCI_ADDR_TEXT_SIZE];
        size_t length;

        pci_addr_format(host, dev);
        if (io_read(io, PCIBACK "/permissive", LIST_MAX, &bytes) < 0)
                return true;
        const char *text = g_bytes_get_data(bytes, &length);
        g_autofree char *list = g_strndup(text ? text : "", length);
        g_auto(GStrv) lines = g_strsplit(list, "\n", -1);
        if (!g_strv_contains((const char *const *) lines, dev))
                return true;
        int r = io_write(io, PCIBACK "/unbind", dev, DRIVER_MS);
        r = r < 0 ? r : io_write(io, PCIBACK "/bind", dev, DRIVER_MS);
        return r >= 0 ||
               vfadm_error_set_errno(error, r, "%s: taking 'permissive' of a former guest from it (unbinding pciback)",
                                     dev);
}

static bool add(Xen *xen, uint32_t domain, const XenDevice *device, const char *name, GError **error) {
        g_auto(XenPci) pci = as_libxl(device);
        char dev[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(device->host, dev);
        xen_children_begin(xen);
        int r = libxl_device_pci_add(xen->xl, domain, &pci, NULL);
        xen_children_end(xen);
        if (r != 0)
                xen_error(xen, error, "giving %s to xen:%s (domain %u)", dev, name, domain);
        else if (!listed(xen, domain, device->host, NULL))
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                            "giving %s to xen:%s: Xen said yes but does not list it", dev, name);
        else
                return true;
        return false;
}

bool xen_plug(Io *io, const char *name, const GuestPlugged *plugged, GError **error) {
        g_auto(XenDominfo) domain = {0};
        XenDevice device;

        if (!device_of(plugged, name, &device, error))
                return false;
        Xen *xen = xen_open(io, error);
        if (!xen || !xen_find(xen, name, &domain, error))
                return false;
        /* An earlier run may have come to this point and crashed. */
        if (listed(xen, domain.domid, device.host, NULL))
                return true;
        if (!fits(&domain, &device, name, error) || !takes_devices(xen, &domain, name, error) ||
            !is_free(xen, device.host, error))
                return false;
        if (device.permissive <= 0 && !drop_permissive(io, device.host, error))
                return false;
        return add(xen, domain.domid, &device, name, error);
}

/* One device's way out. */
typedef struct {
        Io *io;
        Xen *xen;
        const char *name, *id;
        const char *waiting; /* why it is not gone yet, in a clause; NULL: nobody was asked yet */
} Leaving;

/* The function behind this id. False: the domain has none such. */
static bool host_of(Xen *xen, uint32_t domain, const char *id, PciAddr *ret) {
        int n;
        bool found = false;
        libxl_device_pci *list = xen_pci_list(xen, domain, &n);

        for (int i = 0; i < n && !found; i++) {
                g_autofree char *its = xen_device_id(xen_pci_addr(&list[i]));
                found = g_str_equal(its, id);
                *ret = found ? xen_pci_addr(&list[i]) : *ret;
        }
        libxl_device_pci_list_free(list, n);
        return found;
}

/* Asked of a PV guest that does not answer, libxl takes the device's memory and interrupts from it, leaves it in its list,
 * and says that all is well (libxl_pci.c, pci_remove_done()): so it is asked only when the guest listens. */
static const char *deaf(Xen *xen, const XenDominfo *domain) {
        g_autofree char *path = xen_backend_path(domain->domid, "state"), *state = xen_store_read(xen, path);

        if (domain->paused)
                return "it is paused ('xl unpause')";
        if (domain->shutdown || domain->dying)
                return "it is shut down and not yet gone ('xl destroy')";
        if (domain->domain_type == LIBXL_DOMAIN_TYPE_PV && g_strcmp0(state, "4") != 0)
                return "its kernel does not answer Xen's PCI frontend (xen-pcifront is not loaded, or busy)";
        return NULL;
}

/* Whether the device model of an HVM guest still has it: QEMU's own list, by the name that libxl gives the device. */
static bool model_has(Xen *xen, uint32_t domain, PciAddr host) {
        g_autofree char *id = g_strdup_printf("\"pci-pt-%02x_%02x.%01x\"", host.bus, host.slot, host.function);
        char *said = NULL;
        int r = libxl_qemu_monitor_command(xen->xl, domain, "info pci", &said, NULL);
        bool has = r != 0 || !said || strstr(said, id);
        free(said);
        return has;
}

/* libxl waits 10 s for the guest and then gives up half-way; asked again, QEMU says that it is at it already, or that it
 * knows no such device: then libxl is to clear its own tables by force, for the guest has let go. */
static GuestPlug after_no(Leaving *leaving, const XenDominfo *domain, PciAddr host, GError **error) {
        char dev[PCI_ADDR_TEXT_SIZE];
        g_autoptr(GError) problem = NULL;

        pci_addr_format(host, dev);
        xen_error(leaving->xen, &problem, "taking %s back from xen:%s", dev, leaving->name);
        if (domain->domain_type != LIBXL_DOMAIN_TYPE_HVM) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return GUEST_PLUG_FAILED;
        }
        leaving->waiting = "its system has not let go";
        xen_children_begin(leaving->xen);
        bool has = model_has(leaving->xen, domain->domid, host);
        g_auto(XenPci) pci = {0};
        libxl_device_pci_init(&pci);
        if (!has && listed(leaving->xen, domain->domid, host, &pci))
                libxl_device_pci_destroy(leaving->xen->xl, domain->domid, &pci, NULL);
        xen_children_end(leaving->xen);
        return GUEST_PLUG_PENDING;
}

static GuestPlug ask(Leaving *leaving, const XenDominfo *domain, PciAddr host, GError **error) {
        g_auto(XenPci) pci = {0};

        leaving->waiting = deaf(leaving->xen, domain);
        if (leaving->waiting || !listed(leaving->xen, domain->domid, host, &pci))
                return GUEST_PLUG_PENDING;
        leaving->waiting = "its kernel has not let go";
        xen_children_begin(leaving->xen);
        int r = libxl_device_pci_remove(leaving->xen->xl, domain->domid, &pci, NULL);
        xen_children_end(leaving->xen);
        if (r == 0 || !listed(leaving->xen, domain->domid, host, NULL))
                return GUEST_PLUG_PENDING;
        return after_no(leaving, domain, host, error);
}

/* The last device out, pciback lets go of it when Linux takes the whole backend away, a moment after xenstore has: a driver
 * that was unbound before would warn of a device that a guest uses still. */
static bool backend_gone(Io *io, Xen *xen, uint32_t domain) {
        g_autofree char *name = g_strdup_printf("pci-%u-0", domain), *path = xen_backend_path(domain, "num_devs");
        g_autofree char *left = xen_store_read(xen, path);
        g_auto(GStrv) names = NULL;

        return left || io_list(io, "sys/bus/xen-backend/devices", &names) < 0 ||
               !g_strv_contains((const char *const *) names, name);
}

static GuestPlug unplug_round(Leaving *leaving, uint32_t *last, GError **error) {
        g_auto(XenDominfo) domain = {0};
        g_autoptr(GError) problem = NULL;
        PciAddr host;

        leaving->xen = xen_open(leaving->io, error);
        if (!leaving->xen)
                return GUEST_PLUG_FAILED;
        if (!xen_find(leaving->xen, leaving->name, &domain, &problem)) {
                if (!g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                        g_propagate_error(error, g_steal_pointer(&problem));
                        return GUEST_PLUG_FAILED;
                }
                if (*last == 0 || backend_gone(leaving->io, leaving->xen, *last))
                        return GUEST_PLUG_DONE;
                leaving->waiting = "it is going";
                return GUEST_PLUG_PENDING;
        }
        *last = domain.domid;
        if (host_of(leaving->xen, domain.domid, leaving->id, &host)) {
                GuestPlug now = ask(leaving, &domain, host, error);
                /* It may have taken all the time there is, and been done. */
                if (now == GUEST_PLUG_FAILED || listed(leaving->xen, domain.domid, host, NULL))
                        return now;
        }
        leaving->waiting = "dom0's pciback has not let go";
        return backend_gone(leaving->io, leaving->xen, domain.domid) ? GUEST_PLUG_DONE : GUEST_PLUG_PENDING;
}

GuestPlug xen_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        int64_t until = io_now(io) + (int64_t) timeout_ms * 1000;
        Leaving leaving = {.io = io, .name = name, .id = id};
        uint32_t last = 0;

        do {
                GuestPlug now = unplug_round(&leaving, &last, error);
                if (now != GUEST_PLUG_PENDING)
                        return now;
                io_pause(io, LOOK_MS);
        } while (io_now(io) < until);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_PENDING,
                    "xen:%s was to let go of '%s' and has not yet: %s; detach it again later, or shut the guest down", name,
                    id, leaving.waiting);
        return GUEST_PLUG_PENDING;
}
