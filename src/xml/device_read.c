/* Reads an assigned device, or a NIC of a network, from its element in a libvirt domain's XML (docs/formatdomain.html).
 */
#include "base/parse.h"
#include "base/text.h"
#include "xml/domain.h"
#include "xml/reader.h"

/* One tag; a trunk of several is nothing that a VF's own VLAN could be. */
static void read_vlan(const xmlNode *vlan, VfState *vf) {
        const xmlNode *tag = xml_child(vlan, "tag");
        uint64_t id;
        unsigned tags = 0;

        for (const xmlNode *at = vlan ? vlan->children : NULL; at; at = at->next)
                tags += xml_is(at, "tag");
        if (tags != 1 || xml_value_is(vlan, "trunk", "yes") || !xml_number(tag, "id", 4094, &id))
                return;
        vf->known |= VF_VLAN;
        vf->vlan = (uint16_t)id;
        vf->proto = VLAN_PROTO_8021Q;
}

static void read_vf(const xmlNode *node, VfState *vf) {
        g_autofree char *mac = xml_value(xml_child(node, "mac"), "address");

        if (mac && parse_mac(mac, vf->mac) && !mac_is_multicast(vf->mac))
                vf->known |= VF_MAC;
        read_vlan(xml_child(node, "vlan"), vf);
}

/* Ours when the alias is what we made of it, else the alias. */
static char *read_id(const xmlNode *node, const GuestDevice *device) {
        g_autofree char *alias = xml_value(xml_child(node, "alias"), "name");
        if (device->has_host) {
                PciAddr host = device->host;
                g_autofree char *ours =
                        g_strdup_printf("vfadm-%04x-%02x-%02x.%x", host.domain, host.bus, host.slot, host.function);
                g_autofree char *our_alias = xml_device_alias(ours);
                if (g_strcmp0(alias, our_alias) == 0)
                        return g_steal_pointer(&ours);
        }
        return alias ? g_steal_pointer(&alias) : g_strdup("");
}

GuestDevice *xml_read_device(const xmlNode *node) {
        const xmlNode *source = xml_child(node, "source");
        bool interface = xml_is(node, "interface");
        bool by_network = interface && xml_value_is(node, "type", "network");
        bool assigned = (interface && xml_value_is(node, "type", "hostdev")) ||
                        (xml_is(node, "hostdev") && xml_value_is(node, "type", "pci"));
        g_autofree char *network = by_network ? xml_value(source, "network") : NULL;
        PciAddr host = {0};

        if (!(network && *network) && !(assigned && xml_address(xml_child(source, "address"), &host)))
                return NULL;
        GuestDevice *device = g_new0(GuestDevice, 1);
        device->host = host;
        device->has_host = assigned;
        device->interface = interface;
        device->managed = xml_value_is(node, "managed", "yes");
        device->network = g_steal_pointer(&network);
        device->id = read_id(node, device);
        if (interface)
                read_vf(node, &device->vf);
        return device;
}

GuestDevice *xml_device_parse(const char *text, size_t length) {
        g_autoptr(XmlDoc) doc = xml_read(text, length);
        return doc ? xml_read_device(xmlDocGetRootElement(doc)) : NULL;
}
