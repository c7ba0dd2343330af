/* XML that libvirt reads and writes: node devices, devices to be plugged, domains; hostile ones too. */
#include "hosts.h"
#include "xml/domain.h"
#include "xml/xml.h"

#include "base/error.h"

#include <string.h>

#define VF_ADDRESS "<address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>"

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
        return xml_domain_parse(text, strlen(text), true, NULL);
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
        g_assert_true(info->running && !info->has_definition);
        g_assert_cmpint(info->numa_node, ==, -1);
        g_assert_cmpuint(info->defined->len, ==, 0);
        const GuestDevice *nic = guest_info_find(info, vf), *plain = guest_info_find(info, gpu);
        g_assert_true(nic->interface && !nic->managed && !nic->network && !nic->xml);
        g_autofree char *state = vf_state_format(&nic->vf, VF_ALL);
        g_assert_cmpstr(state, ==, "mac=02:00:00:00:42:20");
        g_assert_true(!plain->interface && plain->managed);
        g_assert_cmpuint(plain->vf.known, ==, 0);
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

#define NIC_OF_POOL \
        "<interface type='network'>\n      <mac address='02:00:00:00:42:21'/>\n      <source network='a &amp; &lt;b&gt; &quot;c&quot;'/>\n" \
        "      <vlan>\n        <tag id='43'/>\n      </vlan>\n      <teaming type='transient' persistent='ua-backup0'/>\n    </interface>"
#define NIC_OF_HOST \
        "<interface type='hostdev' managed='yes'>\n      <mac address='02:00:00:00:42:20'/>\n      <source>" VF_ADDRESS "</source>\n" \
        "      <vlan trunk='yes'>\n        <tag id='42'/>\n      </vlan>\n      <alias name='ua-vfadm-0000-01-10_0'/>\n    </interface>"

static const char definition[] =
        "<domain type='kvm'><name>web1</name><uuid>6a1f2c4e-0000-4000-8000-000000000001</uuid><memory unit='KiB'>1024</memory>\n"
        "  <numatune><memory mode='strict' nodeset='1'/></numatune>\n"
        "  <devices><controller type='pci' index='1' model='pcie-root-port'/>\n"
        "    " NIC_OF_POOL "\n"
        "    " NIC_OF_HOST "\n"
        "    <interface type='bridge'><source bridge='br0'/></interface><interface type='network'><source/></interface>\n"
        "  </devices></domain>";

static void check_xml(const GuestDevice *device, const char *text) {
        g_autoptr(GString) quoted = g_string_new(text);
        g_string_replace(quoted, "'", "\"", 0); /* as libxml2 prints it */
        g_assert_cmpstr(device->xml, ==, quoted->str);
}

/* What a guest is defined with: no slots, no devices, and each element as it stands, so that it can be put back. */
static void test_definition(void) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GuestInfo) info = xml_domain_parse(definition, strlen(definition), false, &error);
        PciAddr vf = {0, 1, 0x10, 0};

        g_assert_no_error(error);
        g_assert_true(!info->running && info->has_definition);
        g_assert_cmpint(info->numa_node, ==, 1);
        g_assert_cmpuint(info->devices->len + info->slots->len, ==, 0);
        g_assert_cmpuint(info->defined->len, ==, 2);
        g_assert_null(guest_info_find(info, vf));
        const GuestDevice *pool = info->defined->pdata[0], *nic = guest_info_find_defined(info, vf);
        g_assert_true(pool->interface && !pool->has_host);
        g_assert_cmpstr(pool->network, ==, "a & <b> \"c\"");
        g_assert_cmpstr(pool->id, ==, "");
        check_xml(pool, NIC_OF_POOL);
        g_autofree char *state = vf_state_format(&pool->vf, VF_ALL);
        g_assert_cmpstr(state, ==, "mac=02:00:00:00:42:21 vlan=43");
        g_assert_true(nic == info->defined->pdata[1]);
        g_assert_true(nic->interface && nic->managed && !nic->network);
        g_assert_cmpstr(nic->id, ==, "vfadm-0000-01-10.0");
        check_xml(nic, NIC_OF_HOST);
        /* A trunk is no VLAN that a VF could be in. */
        g_assert_cmpuint(nic->vf.known, ==, VF_MAC);
        /* The text of an element is what the device's own parser reads, too. */
        g_autoptr(GuestDevice) again = xml_device_parse(pool->xml, strlen(pool->xml));
        g_assert_cmpstr(again->network, ==, pool->network);
        g_assert_cmpuint(vf_state_diff(&again->vf, &pool->vf, VF_MAC | VF_VLAN), ==, 0);
}

static void test_numa_node(void) {
        static const struct {
                const char *nodeset;
                int node;
        } table[] = {{"0", 0}, {"3", 3}, {"0-1", -1}, {"0,2", -1}, {"", -1}, {"-1", -1}, {"4294967296", -1}, {"1 ", -1}};
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autofree char *text = g_strdup_printf("<domain><name>x</name><numatune><memory nodeset='%s'/></numatune><devices/></domain>", table[i].nodeset);
                g_autoptr(GuestInfo) info = parse(text);
                g_assert_cmpint(info->numa_node, ==, table[i].node);
        }
}

static void refused(const char *text, size_t length) {
        g_autoptr(GError) error = NULL;
        for (int live_too = 0; live_too < 2; live_too++) {
                g_assert_null(xml_domain_parse(text, length, live_too, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
                g_clear_error(&error);
        }
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

/* Written, and read again: the same. */
static void check_device(const XmlDevice *device, const char *text) {
        g_autofree char *xml = xml_device(device);
        g_assert_cmpstr(xml, ==, text);
        g_autoptr(GuestDevice) read = xml_device_parse(xml, strlen(xml));
        g_assert_nonnull(read);
        g_assert_cmpint(read->has_host, ==, !device->network);
        g_assert_true(device->network || pci_addr_equal(read->host, device->host));
        g_assert_cmpstr(read->network, ==, device->network);
        g_assert_cmpint(read->interface, ==, device->interface || device->network);
        g_assert_cmpint(read->managed, ==, device->managed && !device->network);
        g_assert_cmpstr(read->id, ==, device->id ? device->id : "");
        g_assert_null(read->xml);
        unsigned told = device->vf ? device->vf->known & (VF_MAC | VF_VLAN) : 0;
        g_assert_cmpuint(read->vf.known, ==, told);
        g_assert_true(!told || vf_state_diff(&read->vf, device->vf, told) == 0);
}

static void test_device(void) {
        VfState vf = {.known = VF_MAC | VF_VLAN | VF_TRUST, .mac = {2, 0, 0, 0, 0x42, 0x20}, .vlan = 42, .proto = VLAN_PROTO_8021Q, .trust = true};
        XmlDevice device = {.host = {0, 1, 0x10, 0}, .id = "vfadm-0000-01-10.0", .bus = "pci.5", .interface = true, .managed = true, .vf = &vf};

        check_device(&device, "<interface type='hostdev' managed='yes'>\n"
                              "  <mac address='02:00:00:00:42:20'/>\n"
                              "  <vlan>\n"
                              "    <tag id='42'/>\n"
                              "  </vlan>\n"
                              "  <driver name='vfio'/>\n"
                              "  <source>\n"
                              "    " VF_ADDRESS "\n"
                              "  </source>\n"
                              "  <alias name='ua-vfadm-0000-01-10_0'/>\n"
                              "  <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>\n"
                              "</interface>\n");
        /* Another function has neither MAC nor VLAN; libvirt chooses the slot of a conventional bus. */
        device = (XmlDevice) {.host = {0x10000, 0xff, 31, 7}, .id = "vfadm-10000-ff-1f.7", .bus = "pci.0"};
        check_device(&device, "<hostdev mode='subsystem' type='pci' managed='no'>\n"
                              "  <driver name='vfio'/>\n"
                              "  <source>\n"
                              "    <address domain='0x10000' bus='0xff' slot='0x1f' function='0x7'/>\n"
                              "  </source>\n"
                              "  <alias name='ua-vfadm-10000-ff-1f_7'/>\n"
                              "</hostdev>\n");
}

static void test_device_of_network(void) {
        VfState vf = {.known = VF_MAC, .mac = {2, 0, 0, 0, 0x42, 0x21}};
        XmlDevice device = {.network = "o'dd & <b> \"x\"", .interface = true, .managed = true, .vf = &vf, .teaming = "ua-back'up0"};

        check_device(&device, "<interface type='network'>\n"
                              "  <mac address='02:00:00:00:42:21'/>\n"
                              "  <source network='o&apos;dd &amp; &lt;b&gt; &quot;x&quot;'/>\n"
                              "  <teaming type='transient' persistent='ua-back&apos;up0'/>\n"
                              "</interface>\n");
        /* A port profile; no VLAN is written for VLAN 0. */
        vf = (VfState) {0};
        device = (XmlDevice) {.host = {0, 1, 0x10, 0}, .interface = true, .managed = true, .vf = &vf, .profile = "fin<an>ce"};
        check_device(&device, "<interface type='hostdev' managed='yes'>\n"
                              "  <virtualport type='802.1Qbh'>\n"
                              "    <parameters profileid='fin&lt;an&gt;ce'/>\n"
                              "  </virtualport>\n"
                              "  <driver name='vfio'/>\n"
                              "  <source>\n"
                              "    " VF_ADDRESS "\n"
                              "  </source>\n"
                              "</interface>\n");
}

static void test_device_hostile(void) {
        static const char *const none[] = {
                "", "<", "<a/>", "<interface/>", "<interface type='network'/>", "<interface type='network'><source network=''/></interface>",
                "<interface type='bridge'><source network='x'/></interface>", "<interface type='hostdev'><source/></interface>",
                "<hostdev type='usb'><source><address bus='1' slot='0' function='0'/></source></hostdev>",
                "<hostdev type='pci'><source><address bus='1' slot='32' function='0'/></source></hostdev>",
                "<hostdev type='pci'><source><address bus='1' slot='-1' function='0'/></source></hostdev>",
                "<hostdev type='pci'><source><address bus='1' slot='0'/></source></hostdev>",
                "<!DOCTYPE a [<!ENTITY b 'c'>]><interface type='network'><source network='&b;'/></interface>",
                "<interface type='network'><source network='x'/></interface><interface/>",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(none); i++)
                g_assert_null(xml_device_parse(none[i], strlen(none[i])));
        /* A MAC or VLAN that is none is not told. */
        static const char odd[] = "<interface type='network'><mac address='01:00:5e:00:00:01'/><vlan><tag id='4095'/></vlan><source network='x'/></interface>";
        g_autoptr(GuestDevice) device = xml_device_parse(odd, strlen(odd));
        g_assert_cmpuint(device->vf.known, ==, 0);
        static const char two[] = "<interface type='network'><vlan><tag id='4'/><tag id='5'/></vlan><source network='x'/></interface>";
        g_autoptr(GuestDevice) trunk = xml_device_parse(two, strlen(two));
        g_assert_cmpuint(trunk->vf.known, ==, 0);
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
        g_test_add_func("/xml/definition", test_definition);
        g_test_add_func("/xml/numa-node", test_numa_node);
        g_test_add_func("/xml/device", test_device);
        g_test_add_func("/xml/device-of-network", test_device_of_network);
        g_test_add_func("/xml/device-hostile", test_device_hostile);
        g_test_add_func("/xml/node-device", test_node_device);
        return g_test_run();
}
