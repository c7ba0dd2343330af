/* Reads a libvirt domain's XML (docs/formatdomain.html). */
#include "xml/domain.h"

#include "base/error.h"
#include "base/parse.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

typedef xmlDoc XmlDoc;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlDoc, xmlFreeDoc)

static bool is(const xmlNode *node, const char *name) {
        return node->type == XML_ELEMENT_NODE && strcmp((const char *) node->name, name) == 0;
}

static xmlNode *child(const xmlNode *node, const char *name) {
        for (xmlNode *at = node ? node->children : NULL; at; at = at->next)
                if (is(at, name))
                        return at;
        return NULL;
}

/* The attribute's value, or NULL; the caller frees. */
static char *attribute(const xmlNode *node, const char *name) {
        xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *) name) : NULL;
        char *ret = value ? g_strdup((const char *) value) : NULL;
        xmlFree(value);
        return ret;
}

static bool attribute_is(const xmlNode *node, const char *name, const char *value) {
        g_autofree char *found = attribute(node, name);
        return g_strcmp0(found, value) == 0;
}

static char *text_of(const xmlNode *node) {
        xmlChar *value = node ? xmlNodeGetContent(node) : NULL;
        char *ret = value ? g_strstrip(g_strdup((const char *) value)) : NULL;
        xmlFree(value);
        return ret;
}

static bool number(const xmlNode *node, const char *name, uint64_t max, uint64_t *ret) {
        g_autofree char *text = attribute(node, name);
        if (!text)
                return false;
        return parse_uint(text, g_str_has_prefix(text, "0x") ? 16 : 10, 0, max, ret);
}

/* <address domain= bus= slot= function=/>; libvirt leaves the domain out when it is 0. */
static bool read_address(const xmlNode *node, PciAddr *ret) {
        uint64_t domain = 0, bus, slot, function;

        if (!node || !number(node, "bus", 0xff, &bus) || !number(node, "slot", 31, &slot) || !number(node, "function", 7, &function))
                return false;
        if (!number(node, "domain", UINT32_MAX, &domain))
                domain = 0;
        *ret = (PciAddr) {(uint32_t) domain, (uint8_t) bus, (uint8_t) slot, (uint8_t) function};
        return true;
}

/* A host's PCI function given to the guest. The id is ours when the alias is what we made of it. */
static void read_assigned(const xmlNode *node, GuestInfo *info) {
        PciAddr host;
        bool given = (is(node, "hostdev") && attribute_is(node, "type", "pci")) || (is(node, "interface") && attribute_is(node, "type", "hostdev"));
        if (!given || !read_address(child(child(node, "source"), "address"), &host))
                return;
        g_autofree char *alias = attribute(child(node, "alias"), "name");
        g_autofree char *ours = g_strdup_printf("vfadm-%04x-%02x-%02x.%x", host.domain, host.bus, host.slot, host.function);
        g_autofree char *our_alias = xml_device_alias(ours);
        GuestDevice *device = guest_info_add_device(info, g_strcmp0(alias, our_alias) == 0 ? ours : alias ? alias : "");
        device->host = host;
        device->has_host = true;
}

/* A root port takes one device, on its slot 0. */
static void read_slots(const xmlNode *devices, GuestInfo *info) {
        bool taken[256] = {false};
        PciAddr addr;
        uint64_t index;

        for (const xmlNode *at = devices->children; at; at = at->next) {
                const xmlNode *address = at->type == XML_ELEMENT_NODE ? child(at, "address") : NULL;
                if (address && attribute_is(address, "type", "pci") && read_address(address, &addr))
                        taken[addr.bus] = true;
        }
        for (const xmlNode *at = devices->children; at; at = at->next) {
                bool root_port = is(at, "controller") && attribute_is(at, "type", "pci") &&
                                 (attribute_is(at, "model", "pcie-root-port") || attribute_is(at, "model", "pcie-switch-downstream-port"));
                bool conventional = is(at, "controller") && attribute_is(at, "type", "pci") && attribute_is(at, "model", "pci-root");
                if ((!root_port && !conventional) || !number(at, "index", 255, &index))
                        continue;
                g_autofree char *bus = g_strdup_printf("pci.%u", (unsigned) index);
                bool off = attribute_is(child(at, "target"), "hotplug", "off");
                guest_info_add_slot(info, bus, conventional || !taken[index], !off);
        }
}

/* <memory unit='KiB'>2097152</memory>: libvirt always prints KiB. */
static uint64_t read_memory(const xmlNode *root) {
        g_autofree char *text = text_of(child(root, "memory"));
        uint64_t kib = 0;
        if (text && !parse_uint(text, 10, 0, UINT64_MAX / 1024, &kib))
                return 0;
        return kib * 1024;
}

static GuestInfo *read_domain(const xmlNode *root, GError **error) {
        g_autofree char *name = text_of(child(root, "name"));
        g_autofree char *uuid = text_of(child(root, "uuid"));
        const xmlNode *devices = child(root, "devices");

        if (!is(root, "domain") || !name || !*name || !devices) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED, "libvirt's description of the guest is no domain with a name and devices");
                return NULL;
        }
        GuestInfo *info = guest_info_new("libvirt", name);
        if (uuid && g_uuid_string_is_valid(uuid))
                info->uuid = g_ascii_strdown(uuid, -1);
        info->ram = read_memory(root);
        info->machine = attribute(child(child(root, "os"), "type"), "machine");
        info->has_viommu = child(devices, "iommu") != NULL;
        info->by_libvirt = true;
        for (const xmlNode *at = devices->children; at; at = at->next)
                if (at->type == XML_ELEMENT_NODE)
                        read_assigned(at, info);
        read_slots(devices, info);
        return info;
}

GuestInfo *xml_domain_parse(const char *text, size_t length, GError **error) {
        /* Without XML_PARSE_HUGE libxml2 refuses depth above 256 and texts above 10 MB; without NOENT it leaves entities alone. */
        const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
        g_autoptr(XmlDoc) doc = length <= INT_MAX ? xmlReadMemory(text, (int) length, NULL, NULL, options) : NULL;
        const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

        if (!root || doc->intSubset) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED, "libvirt's description of the guest is no XML that can be read");
                return NULL;
        }
        return read_domain(root, error);
}
