/* A device as an element of a libvirt domain's XML. */
#include "base/parse.h"
#include "base/text.h"
#include "xml/domain.h"
#include "xml/writer.h"

#include <string.h>

char *xml_device_alias(const char *id) {
        char *alias = g_strconcat("ua-", id, NULL);
        return g_strcanon(alias, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_", '_');
}

static void write_driver(Xml *xml) {
        xml_open(xml, "driver");
        xml_attribute(xml, "name", "vfio");
        xml_close(xml);
}

/* "pci.5" is the bus with the number 5. */
static void write_slot(Xml *xml, const char *bus) {
        uint32_t number;
        if (bus && g_str_has_prefix(bus, "pci.") && parse_u32(bus + strlen("pci."), 1, 255, &number))
                xml_pci_address(xml, (PciAddr){0, (uint8_t)number, 0, 0}, true);
}

static void write_vf(Xml *xml, const VfState *vf) {
        char mac[MAC_TEXT_SIZE];

        if (vf->known & VF_MAC) {
                mac_format(vf->mac, mac);
                xml_open(xml, "mac");
                xml_attribute(xml, "address", "%s", mac);
                xml_close(xml);
        }
        if (!(vf->known & VF_VLAN) || !vf->vlan)
                return;
        xml_open(xml, "vlan");
        xml_open(xml, "tag");
        xml_attribute(xml, "id", "%u", vf->vlan);
        xml_close(xml);
        xml_close(xml);
}

static void write_profile(Xml *xml, const char *profile) {
        xml_open(xml, "virtualport");
        xml_attribute(xml, "type", "802.1Qbh");
        xml_open(xml, "parameters");
        xml_attribute(xml, "profileid", "%s", profile);
        xml_close(xml);
        xml_close(xml);
}

/* What only a NIC has; the teaming element is written after the source, as libvirt does. */
static void write_interface(Xml *xml, const XmlDevice *device) {
        xml_open(xml, "interface");
        xml_attribute(xml, "type", "%s", device->network ? "network" : "hostdev");
        /* The network says by itself whether its devices are managed. */
        if (!device->network)
                xml_attribute(xml, "managed", "%s", device->managed ? "yes" : "no");
        if (device->vf)
                write_vf(xml, device->vf);
        if (device->profile)
                write_profile(xml, device->profile);
}

static void write_source(Xml *xml, const XmlDevice *device) {
        xml_open(xml, "source");
        if (device->network)
                xml_attribute(xml, "network", "%s", device->network);
        else
                xml_pci_address(xml, device->host, device->interface);
        xml_close(xml);
}

static void write_teaming(Xml *xml, const char *persistent) {
        xml_open(xml, "teaming");
        xml_attribute(xml, "type", "transient");
        xml_attribute(xml, "persistent", "%s", persistent);
        xml_close(xml);
}

static void write_alias(Xml *xml, const char *id) {
        g_autofree char *alias = xml_device_alias(id);
        xml_open(xml, "alias");
        xml_attribute(xml, "name", "%s", alias);
        xml_close(xml);
}

char *xml_device(const XmlDevice *device) {
        Xml xml;

        xml_begin(&xml);
        if (device->interface || device->network) {
                write_interface(&xml, device);
        } else {
                xml_open(&xml, "hostdev");
                xml_attribute(&xml, "mode", "subsystem");
                xml_attribute(&xml, "type", "pci");
                xml_attribute(&xml, "managed", "%s", device->managed ? "yes" : "no");
        }
        if (!device->network)
                write_driver(&xml);
        write_source(&xml, device);
        if (device->teaming)
                write_teaming(&xml, device->teaming);
        if (device->id)
                write_alias(&xml, device->id);
        write_slot(&xml, device->bus);
        return xml_end(&xml);
}
