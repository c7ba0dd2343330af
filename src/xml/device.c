/* The XML of a device that is plugged into a libvirt domain. */
#include "base/parse.h"
#include "base/text.h"
#include "xml/domain.h"
#include "xml/writer.h"

#include <string.h>

char *xml_device_alias(const char *id) {
        char *alias = g_strconcat("ua-", id, NULL);
        return g_strcanon(alias, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_", '_');
}

static void write_host(Xml *xml, PciAddr host, bool typed) {
        xml_open(xml, "source");
        xml_open(xml, "address");
        if (typed)
                xml_attribute(xml, "type", "pci");
        xml_attribute(xml, "domain", "0x%04x", host.domain);
        xml_attribute(xml, "bus", "0x%02x", host.bus);
        xml_attribute(xml, "slot", "0x%02x", host.slot);
        xml_attribute(xml, "function", "0x%x", host.function);
        xml_close(xml);
        xml_close(xml);
}

/* "pci.5" is the bus with the number 5. */
static void write_slot(Xml *xml, const char *bus) {
        uint32_t number;
        if (!bus || !g_str_has_prefix(bus, "pci.") || !parse_u32(bus + strlen("pci."), 1, 255, &number))
                return;
        xml_open(xml, "address");
        xml_attribute(xml, "type", "pci");
        xml_attribute(xml, "domain", "0x0000");
        xml_attribute(xml, "bus", "0x%02x", number);
        xml_attribute(xml, "slot", "0x00");
        xml_attribute(xml, "function", "0x0");
        xml_close(xml);
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

char *xml_device(const XmlDevice *device) {
        g_autofree char *alias = xml_device_alias(device->id);
        Xml xml;

        xml_begin(&xml);
        if (device->interface) {
                xml_open(&xml, "interface");
                xml_attribute(&xml, "type", "hostdev");
        } else {
                xml_open(&xml, "hostdev");
                xml_attribute(&xml, "mode", "subsystem");
                xml_attribute(&xml, "type", "pci");
        }
        xml_attribute(&xml, "managed", "no");
        if (device->interface && device->vf)
                write_vf(&xml, device->vf);
        xml_open(&xml, "driver");
        xml_attribute(&xml, "name", "vfio");
        xml_close(&xml);
        write_host(&xml, device->host, device->interface);
        xml_open(&xml, "alias");
        xml_attribute(&xml, "name", "%s", alias);
        xml_close(&xml);
        write_slot(&xml, device->bus);
        return xml_end(&xml);
}
