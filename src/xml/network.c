/* libvirt's networks of VFs (docs/formatnetwork.html) and their ports (docs/formatnetworkport.html). */
#include "xml/network.h"

#include "base/error.h"
#include "base/text.h"
#include "xml/reader.h"
#include "xml/writer.h"

#include <string.h>

/* More than one PF can have (16-bit NumVFs) is no list of VFs. */
enum { ADDRESSES_MAX = 65536 };

static void read_forward(const xmlNode *forward, HostdevNetwork *network) {
        network->managed = xml_value_is(forward, "managed", "yes");
        network->pf = xml_value(xml_child(forward, "pf"), "dev");
        for (const xmlNode *at = forward->children; at && network->addresses->len < ADDRESSES_MAX; at = at->next) {
                PciAddr addr;
                if (xml_is(at, "address") && xml_address(at, &addr))
                        g_array_append_val(network->addresses, addr);
        }
}

/* The root of a <network>; its <forward> where it hands out VFs, else NULL there. */
static XmlDoc *read_network(const char *text, size_t length, xmlNode **ret_forward, GError **error) {
        g_autoptr(XmlDoc) doc = xml_read(text, length);
        const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
        g_autofree char *name = root ? xml_content(xml_child(root, "name")) : NULL;

        if (!root || !xml_is(root, "network") || !name || !*name) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                                    "libvirt's description of a network is no network with a name");
                return NULL;
        }
        xmlNode *forward = xml_child(root, "forward");
        *ret_forward = xml_value_is(forward, "mode", "hostdev") ? forward : NULL;
        return g_steal_pointer(&doc);
}

HostdevNetwork *xml_network_parse(const char *text, size_t length, GError **error) {
        xmlNode *forward = NULL;
        g_autoptr(XmlDoc) doc = read_network(text, length, &forward, error);

        if (!doc || !forward)
                return NULL;
        g_autofree char *name = xml_content(xml_child(xmlDocGetRootElement(doc), "name"));
        HostdevNetwork *network = hostdev_network_new(name);
        read_forward(forward, network);
        return network;
}

char *xml_network(const HostdevNetwork *network) {
        Xml xml;

        xml_begin(&xml);
        xml_open(&xml, "network");
        xml_element(&xml, "name", "%s", network->name);
        xml_open(&xml, "forward");
        xml_attribute(&xml, "mode", "hostdev");
        xml_attribute(&xml, "managed", "%s", network->managed ? "yes" : "no");
        if (network->pf) {
                xml_open(&xml, "pf");
                xml_attribute(&xml, "dev", "%s", network->pf);
                xml_close(&xml);
        }
        for (unsigned i = 0; !network->pf && i < network->addresses->len; i++)
                xml_pci_address(&xml, g_array_index(network->addresses, PciAddr, i), true);
        return xml_end(&xml);
}

/* Takes what names VFs out of a <forward>, and leaves the rest (<driver>). */
static void empty_forward(xmlNode *forward) {
        xmlNode *next;
        for (xmlNode *at = forward->children; at; at = next) {
                next = at->next;
                if (!xml_is(at, "pf") && !xml_is(at, "address") && !xml_is(at, "interface"))
                        continue;
                xmlUnlinkNode(at);
                xmlFreeNode(at);
        }
}

char *xml_network_change(const char *text, size_t length, const HostdevNetwork *network, GError **error) {
        xmlNode *forward = NULL, *new_forward = NULL;
        g_autoptr(XmlDoc) doc = read_network(text, length, &forward, error);

        if (!doc)
                return NULL;
        if (!forward) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                            "libvirt has a network '%s' that does not hand out VFs (its forward mode is not "
                            "'hostdev'); choose another name",
                            network->name);
                return NULL;
        }
        g_autofree char *fresh = xml_network(network);
        g_autoptr(XmlDoc) made = read_network(fresh, strlen(fresh), &new_forward, error);
        if (!made)
                return NULL;
        empty_forward(forward);
        xmlSetProp(forward, (const xmlChar *)"managed", (const xmlChar *)(network->managed ? "yes" : "no"));
        /* Copied, as each document keeps the names of its nodes in a dictionary of its own. */
        for (xmlNode *at = new_forward ? new_forward->children : NULL; at; at = at->next)
                xmlAddChild(forward, xmlDocCopyNode(at, doc, 1));
        return xml_serialize(xmlDocGetRootElement(doc));
}

bool xml_network_port_parse(const char *text, size_t length, HostdevPort *ret) {
        g_autoptr(XmlDoc) doc = xml_read(text, length);
        const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
        const xmlNode *plug = root && xml_is(root, "networkport") ? xml_child(root, "plug") : NULL;
        g_autofree char *owner = root ? xml_content(xml_child(xml_child(root, "owner"), "name")) : NULL;
        g_autofree char *uuid = root ? xml_content(xml_child(root, "uuid")) : NULL;
        PciAddr host;

        if (!xml_value_is(plug, "type", "hostdev-pci") || !xml_address(xml_child(plug, "address"), &host) || !owner ||
            !uuid || !g_uuid_string_is_valid(uuid))
                return false;
        *ret = (HostdevPort){.host = host, .owner = g_steal_pointer(&owner), .uuid = g_ascii_strdown(uuid, -1)};
        return true;
}

/* Sixteen bytes out of a text, always the same, in the form of a UUID of version 8 (RFC 9562). */
static char *uuid_of(const char *text, uint8_t bytes[32]) {
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        size_t length = 32;

        g_checksum_update(sum, (const guchar *)text, -1);
        g_checksum_get_digest(sum, bytes, &length);
        bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
        GString *uuid = g_string_new(NULL);
        for (unsigned i = 0; i < 16; i++)
                g_string_append_printf(uuid, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
        return g_string_free(uuid, FALSE);
}

static void write_owner(Xml *xml) {
        uint8_t bytes[32];
        g_autofree char *uuid = uuid_of(HOSTDEV_HOLDER, bytes);

        xml_open(xml, "owner");
        xml_element(xml, "name", "%s", HOSTDEV_HOLDER);
        xml_element(xml, "uuid", "%s", uuid);
        xml_close(xml);
}

/* libvirt wants a MAC of every port, and does nothing with that of a function (networkNotifyPort logs it). */
static void write_mac(Xml *xml, const uint8_t bytes[32]) {
        uint8_t mac[6] = {0x02, bytes[16], bytes[17], bytes[18], bytes[19], bytes[20]};
        char text[MAC_TEXT_SIZE];

        mac_format(mac, text);
        xml_open(xml, "mac");
        xml_attribute(xml, "address", "%s", text);
        xml_close(xml);
}

char *xml_network_port(const char *network, PciAddr vf) {
        char addr[PCI_ADDR_TEXT_SIZE];
        uint8_t bytes[32];
        Xml xml;

        pci_addr_format(vf, addr);
        g_autofree char *key = g_strdup_printf(HOSTDEV_HOLDER " %s %s", addr, network);
        g_autofree char *uuid = uuid_of(key, bytes);
        xml_begin(&xml);
        xml_open(&xml, "networkport");
        xml_element(&xml, "uuid", "%s", uuid);
        write_owner(&xml);
        write_mac(&xml, bytes);
        xml_open(&xml, "plug");
        xml_attribute(&xml, "type", "hostdev-pci");
        xml_attribute(&xml, "managed", "no");
        xml_open(&xml, "driver");
        xml_attribute(&xml, "name", "vfio");
        xml_close(&xml);
        xml_pci_address(&xml, vf, false);
        return xml_end(&xml);
}
