/* Devices in the persistent definition of libvirt's guests. */
#include "guest/libvirt.h"

#include "base/error.h"
#include "xml/domain.h"

#include <string.h>

/* One device: the same function of the host, or a NIC of the same network with the same MAC (libvirt makes one up where
 * none is given). */
static bool same_device(const GuestDevice *have, const GuestDevice *wanted) {
        if (have->has_host || wanted->has_host)
                return have->has_host && wanted->has_host && pci_addr_equal(have->host, wanted->host);
        if (g_strcmp0(have->network, wanted->network) != 0)
                return false;
        return !(wanted->vf.known & VF_MAC) || vf_state_diff(&have->vf, &wanted->vf, VF_MAC) == 0;
}

/* A definition, and the device of this element in it, or NULL where it is not. */
typedef struct {
        VirDomain *domain;
        GuestInfo *info;
        const GuestDevice *found;
} Definition;

static void definition_clear(Definition *definition) {
        g_clear_pointer(&definition->domain, virDomainFree);
        g_clear_pointer(&definition->info, guest_info_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Definition, definition_clear)

static bool open_definition(Io *io, const char *name, const char *xml, Definition *ret, GError **error) {
        g_autoptr(GuestDevice) wanted = xml_device_parse(xml, strlen(xml));

        if (!wanted) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                            "libvirt:%s: the element is neither a NIC nor a PCI device: %s", name, xml);
                return false;
        }
        VirConnect *connect = libvirt_connect(io, error);
        ret->domain = connect ? libvirt_domain(connect, name, error) : NULL;
        ret->info = ret->domain ? libvirt_read_domain(io, ret->domain, error) : NULL;
        if (!ret->info)
                return false;
        for (unsigned i = 0; i < ret->info->defined->len && !ret->found; i++)
                if (same_device(ret->info->defined->pdata[i], wanted))
                        ret->found = ret->info->defined->pdata[i];
        return true;
}

bool libvirt_define(Io *io, const char *name, const char *xml, GError **error) {
        g_auto(Definition) definition = {0};

        if (!open_definition(io, name, xml, &definition, error))
                return false;
        if (definition.found)
                return true;
        if (!definition.info->has_definition) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                            "libvirt:%s is transient: it has no definition to put a device into; make one with 'virsh "
                            "define', or give the device with --live only",
                            name);
                return false;
        }
        if (virDomainAttachDeviceFlags(definition.domain, xml, VIR_DOMAIN_AFFECT_CONFIG) == 0)
                return true;
        libvirt_error(error, "putting the device into the definition of libvirt:%s", name);
        return false;
}

bool libvirt_undefine(Io *io, const char *name, const char *xml, GError **error) {
        g_auto(Definition) definition = {0};
        g_autoptr(GError) problem = NULL;

        if (!open_definition(io, name, xml, &definition, &problem)) {
                /* A guest that is gone is defined with nothing. */
                if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                        return true;
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        /* By the element as it stands: libvirt looks for its MAC, or for its function. */
        if (!definition.found ||
            virDomainDetachDeviceFlags(definition.domain, definition.found->xml, VIR_DOMAIN_AFFECT_CONFIG) == 0)
                return true;
        libvirt_error(error, "taking the device out of the definition of libvirt:%s", name);
        return false;
}
