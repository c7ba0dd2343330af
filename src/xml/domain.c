/* Reads a libvirt domain's XML (docs/formatdomain.html). */
#include "xml/domain.h"

#include "base/error.h"
#include "base/parse.h"
#include "xml/reader.h"

enum { BUS_SLOTS = 31 }; /* of a conventional bus; libvirt finds the free ones */

/* A root port takes one device, on its slot 0. */
static void read_slots(const xmlNode *devices, GuestInfo *info) {
        bool taken[256] = {false};
        PciAddr addr;
        uint64_t index;

        for (const xmlNode *at = devices->children; at; at = at->next) {
                const xmlNode *address = at->type == XML_ELEMENT_NODE ? xml_child(at, "address") : NULL;
                if (address && xml_value_is(address, "type", "pci") && xml_address(address, &addr))
                        taken[addr.bus] = true;
        }
        for (const xmlNode *at = devices->children; at; at = at->next) {
                if (!xml_is(at, "controller") || !xml_value_is(at, "type", "pci"))
                        continue;
                bool root_port = xml_value_is(at, "model", "pcie-root-port") ||
                                 xml_value_is(at, "model", "pcie-switch-downstream-port");
                bool conventional = xml_value_is(at, "model", "pci-root");
                if ((!root_port && !conventional) || !xml_number(at, "index", 255, &index))
                        continue;
                g_autofree char *bus = g_strdup_printf("pci.%u", (unsigned)index);
                bool off = xml_value_is(xml_child(at, "target"), "hotplug", "off");
                guest_info_add_slot(info, bus, conventional || !taken[index], !off)->more = conventional ? BUS_SLOTS - 1 : 0;
        }
}

/* A running guest's devices are functions of the host; that a NIC of it is of a network of VFs is not told there
 * (libvirt prints such a one as type='hostdev', virDomainActualNetDefContentsFormat). */
static void read_devices(const xmlNode *devices, GPtrArray *into, bool live) {
        for (const xmlNode *at = devices->children; at; at = at->next) {
                GuestDevice *device = at->type == XML_ELEMENT_NODE ? xml_read_device(at) : NULL;
                if (!device)
                        continue;
                if (live && !device->has_host) {
                        guest_device_free(device);
                        continue;
                }
                if (!live)
                        device->xml = xml_serialize(at);
                g_ptr_array_add(into, device);
        }
}

/* <memory unit='KiB'>2097152</memory>: libvirt always prints KiB. */
static uint64_t read_memory(const xmlNode *root) {
        g_autofree char *text = xml_content(xml_child(root, "memory"));
        uint64_t kib = 0;
        if (text && !parse_uint(text, 10, 0, UINT64_MAX / 1024, &kib))
                return 0;
        return kib * 1024;
}

/* <numatune><memory mode='strict' nodeset='1'/></numatune>; a set of several is no one place. */
static int read_numa_node(const xmlNode *root) {
        uint64_t node;
        return xml_number(xml_child(xml_child(root, "numatune"), "memory"), "nodeset", INT_MAX, &node) ? (int)node : -1;
}

static GuestInfo *read_domain(const xmlNode *root, bool live, GError **error) {
        g_autofree char *name = xml_content(xml_child(root, "name"));
        g_autofree char *uuid = xml_content(xml_child(root, "uuid"));
        const xmlNode *devices = xml_child(root, "devices");

        if (!xml_is(root, "domain") || !name || !*name || !devices) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                                    "libvirt's description of the guest is no domain with a name and devices");
                return NULL;
        }
        GuestInfo *info = guest_info_new("libvirt", name);
        if (uuid && g_uuid_string_is_valid(uuid))
                info->uuid = g_ascii_strdown(uuid, -1);
        info->ram = read_memory(root);
        info->machine = xml_value(xml_child(xml_child(root, "os"), "type"), "machine");
        info->has_viommu = xml_child(devices, "iommu") != NULL;
        info->by_libvirt = true;
        info->numa_node = read_numa_node(root);
        info->running = live;
        info->has_definition = !live;
        read_devices(devices, live ? info->devices : info->defined, live);
        if (live)
                read_slots(devices, info);
        return info;
}

GuestInfo *xml_domain_parse(const char *text, size_t length, bool live, GError **error) {
        g_autoptr(XmlDoc) doc = xml_read(text, length);

        if (!doc) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                                    "libvirt's description of the guest is no XML that can be read");
                return NULL;
        }
        return read_domain(xmlDocGetRootElement(doc), live, error);
}
