/* What a service (libvirt) is told of a device: the element for a guest's definition or for plugging, made by xml/. */
#include "plan/rules.h"

#include "xml/domain.h"

bool guest_is_of_service(const GuestInfo *guest) {
        return guest && g_str_equal(guest->backend, "libvirt");
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

char *plan_element(const Want *want, const PlanInput *input, const Dev *dev, const VfState *state, const char *bus) {
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
