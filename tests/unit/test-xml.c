/* XML that libvirt reads and writes: node devices, devices to be plugged, domains; hostile ones too. */
#include "hosts.h"
#include "xml/domain.h"
#include "xml/xml.h"

#include "base/error.h"

#include <string.h>

static const char live[] =
        "<domain type='kvm' id='1'>\n"
        "  <name>o'dd &amp; &lt;b&gt; \"x\"</name>\n"
        "  <uuid>6A1F2C4E-0000-4000-8000-000000000001</uuid>\n"
        "  <memory unit='KiB'>262144</memory>\n"
        "  <os><type arch='x86_64' machine='pc-q35-10.0'>hvm</type></os>\n"
        "  <devices>\n"
        "    <controller type='pci' index='0' model='pcie-root'/>\n"
        "    <controller type='pci' index='1' model='pcie-root-port'><address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/></controller>\n"
        "    <controller type='pci' index='2' model='pcie-root-port'><address type='pci' bus='0x00' slot='0x01' function='0x1'/></controller>\n"
        "    <controller type='pci' index='3' model='pcie-root-port'><target chassis='3' hotplug='off'/></controller>\n"
        "    <interface type='hostdev' managed='no'><mac address='02:00:00:00:42:20'/>\n"
        "      <source><address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/></source>\n"
        "      <alias name='ua-vfadm-0000-01-10_0'/><address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></interface>\n"
        "    <hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x0000' bus='0x03' slot='0x00' function='0x1'/></source>\n"
        "      <alias name='hostdev0'/></hostdev>\n"
        "    <hostdev mode='subsystem' type='usb'><source><address bus='1' device='2'/></source></hostdev>\n"
        "    <interface type='network'><source network='default'/></interface>\n"
        "    <iommu model='intel'/>\n"
        "  </devices>\n"
        "</domain>\n";

static GuestInfo *parse(const char *text) {
        return xml_domain_parse(text, strlen(text), NULL);
}

static void test_domain(void) {
        g_autoptr(GuestInfo) info = parse(live);
        PciAddr vf = {0, 1, 0x10, 0}, gpu = {0, 3, 0, 1};

        g_assert_nonnull(info);
        g_assert_cmpstr(info->backend, ==, "libvirt");
        g_assert_cmpstr(info->name, ==, "o'dd & <b> \"x\"");
        g_assert_cmpstr(info->uuid, ==, "6a1f2c4e-0000-4000-8000-000000000001");
        g_assert_cmpuint(info->ram, ==, 256u << 20);
        g_assert_cmpstr(info->machine, ==, "pc-q35-10.0");
        g_assert_true(info->has_viommu);
        /* What is ours has our id, others their alias; USB and virtual ones are no business of ours. */
        g_assert_cmpuint(info->devices->len, ==, 2);
        g_assert_cmpstr(guest_info_find(info, vf)->id, ==, "vfadm-0000-01-10.0");
        g_assert_cmpstr(guest_info_find(info, gpu)->id, ==, "hostdev0");
        static const struct {
                const char *bus;
                bool free, hotplug;
        } slots[] = {{"pci.1", false, true}, {"pci.2", true, true}, {"pci.3", true, false}};
        g_assert_cmpuint(info->slots->len, ==, G_N_ELEMENTS(slots));
        for (unsigned i = 0; i < info->slots->len; i++) {
                const GuestSlot *slot = info->slots->pdata[i];
                g_assert_cmpstr(slot->bus, ==, slots[i].bus);
                g_assert_cmpint(slot->free, ==, slots[i].free);
                g_assert_cmpint(slot->hotplug, ==, slots[i].hotplug);
        }
}

static void refused(const char *text, size_t length) {
        g_autoptr(GError) error = NULL;
        g_assert_null(xml_domain_parse(text, length, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
}

static void test_domain_hostile(void) {
        static const char *const wrong[] = {
                "", "<", "no XML", "<domain/>", "<domain><name/><devices/></domain>", "<network><name>a</name><devices/></network>",
                /* A DTD, and with it entities of whatever size, is refused as such. */
                "<!DOCTYPE domain [<!ENTITY a 'aaaaaaaaaa'>]><domain><name>&a;</name><devices/></domain>",
                "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain><name>x</name><devices/></domain>",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
                refused(wrong[i], strlen(wrong[i]));
        /* Cut off anywhere. */
        for (size_t length = 0; length < strlen(live) - 2; length++)
                refused(live, length);
        /* A megabyte of nesting. */
        g_autoptr(GString) deep = g_string_new("<domain><name>x</name><devices>");
        while (deep->len < 1 << 20)
                g_string_append(deep, "<a>");
        refused(deep->str, deep->len);
        /* Numbers that are none leave the device out. */
        g_autoptr(GuestInfo) info = parse("<domain><name>x</name><memory>99999999999999999999</memory><devices><hostdev type='pci'><source>"
                                          "<address bus='0x100' slot='0' function='0'/></source></hostdev>"
                                          "<controller type='pci' index='256' model='pcie-root-port'/></devices></domain>");
        g_assert_nonnull(info);
        g_assert_cmpuint(info->devices->len + info->slots->len, ==, 0);
        g_assert_cmpuint(info->ram, ==, 0);
}

static void test_device(void) {
        VfState vf = {.known = VF_MAC | VF_VLAN, .mac = {2, 0, 0, 0, 0x42, 0x20}, .vlan = 42};
        XmlDevice device = {{0, 1, 0x10, 0}, "vfadm-0000-01-10.0", "pci.5", true, &vf};
        g_autofree char *interface = xml_device(&device);

        g_assert_cmpstr(interface, ==,
                        "<interface type='hostdev' managed='no'>\n"
                        "  <mac address='02:00:00:00:42:20'/>\n"
                        "  <vlan>\n"
                        "    <tag id='42'/>\n"
                        "  </vlan>\n"
                        "  <driver name='vfio'/>\n"
                        "  <source>\n"
                        "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
                        "  </source>\n"
                        "  <alias name='ua-vfadm-0000-01-10_0'/>\n"
                        "  <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>\n"
                        "</interface>\n");
        /* Another function has neither MAC nor VLAN; libvirt chooses the slot of a conventional bus. */
        device = (XmlDevice) {{0x10000, 0xff, 31, 7}, "vfadm-10000-ff-1f.7", "pci.0", false, NULL};
        g_autofree char *hostdev = xml_device(&device);
        g_assert_cmpstr(hostdev, ==,
                        "<hostdev mode='subsystem' type='pci' managed='no'>\n"
                        "  <driver name='vfio'/>\n"
                        "  <source>\n"
                        "    <address domain='0x10000' bus='0xff' slot='0x1f' function='0x7'/>\n"
                        "  </source>\n"
                        "  <alias name='ua-vfadm-10000-ff-1f_7'/>\n"
                        "</hostdev>\n");
}

static void test_node_device(void) {
        g_autoptr(Snapshot) host = host_igb(2);
        Dev *pf = host_pf(host);

        g_free(pf->device_name);
        pf->device_name = g_strdup("82576 <&> \x01\xff");
        g_autofree char *text = xml_node_device(host, pf);
        g_assert_nonnull(strstr(text, "<name>pci_0000_01_00_0</name>"));
        g_assert_nonnull(strstr(text, ">82576 &lt;&amp;&gt;  \xef\xbf\xbd</product>"));
        g_assert_nonnull(strstr(text, "<capability type='virt_functions' maxCount='7'>\n"
                                      "      <address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
                                      "      <address domain='0x0000' bus='0x01' slot='0x10' function='0x2'/>\n"
                                      "    </capability>"));
        g_autofree char *vf = xml_node_device(host, host_vf(host, 1));
        g_assert_nonnull(strstr(vf, "<capability type='phys_function'>\n      <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>"));
        g_assert_null(strstr(vf, "virt_functions"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/xml/domain", test_domain);
        g_test_add_func("/xml/domain-hostile", test_domain_hostile);
        g_test_add_func("/xml/device", test_device);
        g_test_add_func("/xml/node-device", test_node_device);
        return g_test_run();
}
