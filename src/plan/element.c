/* What a service is told of a device, for a guest's definition or for plugging: libvirt's element, made by xml/, or Xen's entry, made
 * by xl/. */
#include "plan/rules.h"

#include "xl/xl.h"
#include "xml/domain.h"

bool guest_is_libvirt(const GuestInfo *guest) {
        return guest && g_str_equal(guest->backend, "libvirt");
}

bool guest_is_of_service(const GuestInfo *guest) {
        return guest_is_libvirt(guest) || guest_is_xen(guest);
}

const char *plan_service_name(const Books *books) {
        return books && books->xen ? "Xen" : "libvirt";
}

bool plan_is_interface(const Snapshot *host, const Dev *dev) {
        const Dev *pf = dev->is_vf ? snapshot_pf(host, dev) : NULL;
        return pf && dev_is_network(dev) && dev_net(pf);
}

/* libvirt sets the VLAN by IFLA_VF_VLAN with QoS 0 (virNetDevSetVfVlan), which the kernel takes as 802.1Q (field-facts 10). */
bool plan_vlan_is_special(const VfState *state) {
        if (!(state->known & VF_VLAN) || (!state->vlan && !state->qos))
                return false;
        return state->qos || state->proto == VLAN_PROTO_8021AD;
}

char *plan_device_id(PciAddr host) {
        return g_strdup_printf("vfadm-%04x-%02x-%02x.%x", host.domain, host.bus, host.slot, host.function);
}

static char *xen_entry(const Want *want, const GuestInfo *guest, const Dev *dev) {
        XenDevice entry = want->xen;

        entry.host = dev->addr;
        /* The file says pci_permissive=1, and nobody has asked for it here (xl_parse.c: an entry's own word comes after). */
        if (guest->all_permissive && entry.permissive < 0)
                entry.permissive = 0;
        return xl_device_format(&entry);
}

char *plan_element(const Want *want, const PlanInput *input, const Dev *dev, const VfState *state, const char *bus) {
        if (dev && guest_is_xen(input->guest))
                return xen_entry(want, input->guest, dev);
        const Pool *pool = dev ? NULL : plan_find_pool(want->device, input);
        g_autofree char *id = dev ? plan_device_id(dev->addr) : NULL;
        XmlDevice element = {
                .network = pool ? pool->name : NULL,
                .id = id,
                .bus = bus,
                .interface = !dev || plan_is_interface(input->host, dev),
                .managed = !want->unmanaged,
                .vf = state,
                .profile = want->profile,
                .teaming = want->teaming,
        };
        if (dev)
                element.host = dev->addr;
        return xml_device(&element);
}
