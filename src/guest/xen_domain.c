/* Xen's running domains, as libxl tells of them. */
#include "guest/xen.h"

#include "base/error.h"
#include "base/parse.h"
#include "xl/xl.h"

#include <string.h>

/* libxl's LIBXL_... of xenbus: from Closing on the guest was asked to let go (xen/io/xenbus.h). */
enum { STATE_CLOSING = 5, STATE_CLOSED = 6 };

PciAddr xen_pci_addr(const libxl_device_pci *pci) {
        return (PciAddr){(uint32_t) pci->domain, pci->bus, pci->dev, pci->func};
}

char *xen_device_id(PciAddr host) {
        return g_strdup_printf("vfadm-%04x-%02x-%02x.%x", host.domain, host.bus, host.slot, host.function);
}

char *xen_backend_path(uint32_t domain, const char *node) {
        return g_strdup_printf("/local/domain/0/backend/pci/%u/0/%s", domain, node);
}

static const char *machine_word(libxl_domain_type type) {
        switch (type) {
        case LIBXL_DOMAIN_TYPE_PV:
                return "xenpv";
        case LIBXL_DOMAIN_TYPE_PVH:
                return "xenpvh";
        case LIBXL_DOMAIN_TYPE_HVM:
                return "xenfv";
        default:
                return NULL;
        }
}

static const char *state_word(const XenDominfo *domain) {
        if (domain->dying)
                return "dying";
        if (domain->shutdown)
                return domain->shutdown_reason == LIBXL_SHUTDOWN_REASON_CRASH ? "crashed" : "shutdown";
        return domain->paused ? "paused" : "running";
}

libxl_device_pci *xen_pci_list(Xen *xen, uint32_t domain, int *ret_n) {
        *ret_n = 0;
        return libxl_device_pci_list(xen->xl, domain, ret_n);
}

static bool is_leaving(Xen *xen, uint32_t domain, int index) {
        g_autofree char *node = g_strdup_printf("state-%d", index), *path = xen_backend_path(domain, node);
        g_autofree char *state = xen_store_read(xen, path);
        uint32_t number;
        return state && parse_u32(state, STATE_CLOSING, STATE_CLOSED, &number);
}

/* Only an HVM guest's slot is one: what is noted of others says nothing. */
static XenDevice device_of(const libxl_device_pci *pci, bool hvm) {
        XenDevice ret = xen_device_plain(xen_pci_addr(pci));
        if (hvm && pci->vdevfn >> 3)
                ret.slot = (int)(pci->vdevfn >> 3 & 0x1f);
        if (pci->permissive)
                ret.permissive = 1;
        if (pci->msitranslate)
                ret.msitranslate = 1;
        if (pci->power_mgmt)
                ret.power_mgmt = 1;
        if (pci->rdm_policy == LIBXL_RDM_RESERVE_POLICY_RELAXED)
                ret.rdm = XEN_RDM_RELAXED;
        return ret;
}

static void read_devices(Xen *xen, const XenDominfo *domain, GuestInfo *info) {
        int n;
        libxl_device_pci *list = xen_pci_list(xen, domain->domid, &n);

        for (int i = 0; i < n; i++) {
                XenDevice described = device_of(&list[i], domain->domain_type == LIBXL_DOMAIN_TYPE_HVM);
                g_autofree char *id = xen_device_id(described.host);
                GuestDevice *device = guest_info_add_device(info, id);
                device->host = described.host;
                device->has_host = true;
                device->leaving = is_leaving(xen, domain->domid, i);
                device->xml = xl_device_format(&described);
        }
        libxl_device_pci_list_free(list, n);
}

/* One that is going may have lost its name already and still hold what it had. */
static char *name_of(Xen *xen, uint32_t domain) {
        char *name = libxl_domid_to_name(xen->xl, domain);
        char *ret = name && *name ? g_strdup(name) : g_strdup_printf("domain-%u", domain);
        free(name);
        return ret;
}

static char *uuid_text(const libxl_uuid *uuid) {
        const uint8_t *b = libxl_uuid_bytearray_const(uuid);
        return libxl_uuid_is_nil(uuid)
                       ? NULL
                       : g_strdup_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                                         b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
                                         b[13], b[14], b[15]);
}

GuestInfo *xen_read_running(Xen *xen, const XenDominfo *domain, GError **error) {
        g_autofree char *name = name_of(xen, domain->domid);
        GuestInfo *info = guest_info_new("xen", name);

        info->domain = domain->domid;
        info->asked = true;
        info->uuid = uuid_text(&domain->uuid);
        info->uuid_of_run = true;
        info->status = g_strdup(state_word(domain));
        info->machine = g_strdup(machine_word(domain->domain_type));
        info->ram = domain->current_memkb * 1024;
        read_devices(xen, domain, info);
        return info;
}

bool xen_without_passthrough(Xen *xen, uint32_t domain) {
        libxl_domain_config config;

        libxl_domain_config_init(&config);
        bool ret = libxl_retrieve_domain_configuration(xen->xl, domain, &config, NULL) == 0 &&
                   config.c_info.passthrough == LIBXL_PASSTHROUGH_DISABLED;
        libxl_domain_config_dispose(&config);
        return ret;
}

/* All of Xen's domains; NULL with the error. */
static libxl_dominfo *list_domains(Xen *xen, int *n, GError **error) {
        libxl_dominfo *all = libxl_list_domain(xen->xl, n);
        if (!all)
                xen_error(xen, error, "the domains of this host cannot be listed");
        return all;
}

/* A device model that runs as a domain beside its guest's is no guest. */
static bool is_guest(Xen *xen, const libxl_dominfo *domain) {
        return domain->domid != 0 && !libxl_is_stubdom(xen->xl, domain->domid, NULL);
}

bool xen_find(Xen *xen, const char *name, XenDominfo *ret, GError **error) {
        int n, found = -1;
        libxl_dominfo *all = list_domains(xen, &n, error);

        if (!all)
                return false;
        for (int i = 0; i < n; i++) {
                g_autofree char *its = is_guest(xen, &all[i]) ? name_of(xen, all[i].domid) : NULL;
                /* While one goes another of its name may have begun. */
                if (its && g_str_equal(its, name) && (found < 0 || all[found].dying))
                        found = i;
        }
        libxl_dominfo_init(ret);
        if (found >= 0)
                libxl_dominfo_copy(xen->xl, ret, &all[found]);
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "xen:%s does not run", name);
        libxl_dominfo_list_free(all, n);
        return found >= 0;
}

bool xen_read_all(Xen *xen, GPtrArray *guests, GError **error) {
        int n;
        libxl_dominfo *all = list_domains(xen, &n, error);

        if (!all)
                return false;
        for (int i = 0; i < n; i++)
                if (is_guest(xen, &all[i]))
                        g_ptr_array_add(guests, xen_read_running(xen, &all[i], NULL));
        libxl_dominfo_list_free(all, n);
        return true;
}
