/* A PCI function as libvirt's node device: the elements and their order are those of virNodeDeviceDefFormat
 * (src/conf/node_device_conf.c); the lab's tests hold it against virsh. */
#include "xml/writer.h"
#include "xml/xml.h"

static void write_name(Xml *xml, const char *element, unsigned id, const char *name) {
        xml_open(xml, element);
        xml_attribute(xml, "id", "0x%04x", id);
        if (name)
                xml_text(xml, name);
        xml_close(xml);
}

static void write_place(Xml *xml, const Dev *dev) {
        char name[PCI_ADDR_TEXT_SIZE], parent[PCI_ADDR_TEXT_SIZE];

        pci_addr_format_libvirt(dev->addr, name);
        xml_element(xml, "name", "%s", name);
        xml_element(xml, "path", "/sys/devices/%s", dev->path);
        if (dev->has_parent)
                pci_addr_format_libvirt(dev->parent, parent);
        xml_element(xml, "parent", "%s", dev->has_parent ? parent : "computer");
        if (!dev->driver)
                return;
        xml_open(xml, "driver");
        xml_element(xml, "name", "%s", dev->driver);
        xml_close(xml);
}

static void write_sriov(Xml *xml, const Snapshot *host, const Dev *dev) {
        if (dev->is_vf) {
                xml_open(xml, "capability");
                xml_attribute(xml, "type", "phys_function");
                xml_pci_address(xml, dev->pf, false);
                xml_close(xml);
        }
        if (!dev->is_pf || !dev->total_vfs)
                return;
        xml_open(xml, "capability");
        xml_attribute(xml, "type", "virt_functions");
        xml_attribute(xml, "maxCount", "%u", dev->total_vfs);
        for (unsigned n = 0; n < dev->vfs->len; n++) {
                const Dev *vf = snapshot_vf(host, dev, n);
                if (vf)
                        xml_pci_address(xml, vf->addr, false);
        }
        xml_close(xml);
}

static void write_bridge(Xml *xml, const PciCaps *caps) {
        static const char *const types[] = {NULL, "pci-bridge", "cardbus-bridge"};
        if (caps->header_type == 0 || caps->header_type >= G_N_ELEMENTS(types))
                return;
        xml_open(xml, "capability");
        xml_attribute(xml, "type", "%s", types[caps->header_type]);
        xml_close(xml);
}

static void write_group(Xml *xml, const Snapshot *host, const Dev *dev) {
        if (dev->iommu_group < 0)
                return;
        g_autoptr(GPtrArray) members = snapshot_group(host, dev->iommu_group);
        xml_open(xml, "iommuGroup");
        xml_attribute(xml, "number", "%d", dev->iommu_group);
        for (unsigned i = 0; i < members->len; i++)
                xml_pci_address(xml, ((const Dev *) members->pdata[i])->addr, false);
        xml_close(xml);
}

static void write_link(Xml *xml, const char *validity, int port, unsigned speed, unsigned width) {
        /* GT/s; virPCIELinkSpeed in src/util/virpci.c, by the spec's Link Speeds Vector. */
        static const char *const speeds[] = {NULL, "2.5", "5", "8", "16", "32", "64"};

        xml_open(xml, "link");
        xml_attribute(xml, "validity", "%s", validity);
        if (port >= 0)
                xml_attribute(xml, "port", "%d", port);
        if (speed < G_N_ELEMENTS(speeds) && speeds[speed])
                xml_attribute(xml, "speed", "%s", speeds[speed]);
        xml_attribute(xml, "width", "%u", width);
        xml_close(xml);
}

/* What is inside the root complex has no link (virPCIDeviceHasPCIExpressLink). */
static void write_express(Xml *xml, const PciCaps *caps) {
        if (caps->pcie_type == PCIE_NONE)
                return;
        xml_open(xml, "pci-express");
        if (caps->pcie_type != PCIE_RC_ENDPOINT && caps->pcie_type != PCIE_RC_EVENT_COLLECTOR) {
                write_link(xml, "cap", caps->link_port, caps->link_speed_max, caps->link_width_max);
                write_link(xml, "sta", -1, caps->link_speed, caps->link_width);
        }
        xml_close(xml);
}

char *xml_node_device(const Snapshot *host, const Dev *dev) {
        Xml xml;

        xml_begin(&xml);
        xml_open(&xml, "device");
        write_place(&xml, dev);
        xml_open(&xml, "capability");
        xml_attribute(&xml, "type", "pci");
        xml_element(&xml, "class", "0x%06x", dev->class_code);
        xml_element(&xml, "domain", "%u", dev->addr.domain);
        xml_element(&xml, "bus", "%u", dev->addr.bus);
        xml_element(&xml, "slot", "%u", dev->addr.slot);
        xml_element(&xml, "function", "%u", dev->addr.function);
        write_name(&xml, "product", dev->device, dev->device_name);
        write_name(&xml, "vendor", dev->vendor, dev->vendor_name);
        write_sriov(&xml, host, dev);
        if (dev->has_caps)
                write_bridge(&xml, &dev->caps);
        write_group(&xml, host, dev);
        if (dev->numa_node >= 0) {
                xml_open(&xml, "numa");
                xml_attribute(&xml, "node", "%d", dev->numa_node);
                xml_close(&xml);
        }
        if (dev->has_caps)
                write_express(&xml, &dev->caps);
        return xml_end(&xml);
}
