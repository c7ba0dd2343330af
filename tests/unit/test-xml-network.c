/* libvirt's networks of VFs and their ports: read, written, changed; hostile ones too. */
#include "xml/network.h"

#include "base/error.h"

#include <string.h>

static const PciAddr vf0 = {0, 1, 0x10, 0}, vf2 = {0, 1, 0x10, 4};

/* As libvirt prints an active one. */
static const char active[] = "<network connections='2'>\n"
                             "  <name>o'dd &amp; &lt;b&gt;</name>\n"
                             "  <uuid>6e0eb2da-9dd0-4441-ade0-8ebe17612a19</uuid>\n"
                             "  <forward mode='hostdev' managed='yes'>\n"
                             "    <driver name='vfio'/>\n"
                             "    <pf dev='enp1s0'/>\n"
                             "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
                             "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x4'/>\n"
                             "  </forward>\n"
                             "  <portgroup name='eng'/>\n"
                             "</network>\n";

static HostdevNetwork *parse(const char *text, GError **error) {
        return xml_network_parse(text, strlen(text), error);
}

static void test_parse(void) {
        g_autoptr(GError) error = NULL;
        g_autoptr(HostdevNetwork) network = parse(active, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(network->name, ==, "o'dd & <b>");
        g_assert_cmpstr(network->pf, ==, "enp1s0");
        g_assert_true(network->managed);
        g_assert_cmpuint(network->addresses->len, ==, 2);
        g_assert_true(pci_addr_equal(g_array_index(network->addresses, PciAddr, 0), vf0));
        g_assert_true(hostdev_network_has(network, vf2));
        g_assert_cmpuint(network->ports->len, ==, 0);
        g_assert_true(!network->active && !network->autostart && !network->persistent);
        /* Networks of other kinds are no errors. */
        static const char *const others[] = {
                "<network><name>default</name><forward mode='nat'/><bridge name='virbr0'/></network>",
                "<network><name>isolated</name></network>",
                "<network><name>x</name><forward/></network>",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
                g_assert_null(parse(others[i], &error));
                g_assert_no_error(error);
        }
}

static void test_parse_hostile(void) {
        g_autoptr(GString) deep = g_string_new("<network><name>x</name><forward mode='hostdev'>");
        while (deep->len < 1 << 20)
                g_string_append(deep, "<address>");
        const char *const wrong[] = {
                "",
                "<",
                "<network/>",
                "<network><name> </name><forward mode='hostdev'/></network>",
                "<domain><name>x</name></domain>",
                "<!DOCTYPE network [<!ENTITY a 'a'>]><network><name>&a;</name><forward mode='hostdev'/></network>",
                deep->str,
        };
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autoptr(GError) error = NULL;
                g_assert_null(parse(wrong[i], &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        }
        for (size_t length = 0; length < strlen(active) - 2; length++) {
                g_autoptr(GError) error = NULL;
                g_assert_null(xml_network_parse(active, length, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        }
        /* Addresses that are none are left out, and so is what is no address of a function. */
        g_autoptr(HostdevNetwork) odd = parse(
                "<network><name>x</name><forward mode='hostdev'><address bus='256' slot='0' function='0'/>"
                "<address type='pci' bus='1' slot='0x10' function='8'/><interface dev='eth0'/></forward></network>",
                NULL);
        g_assert_nonnull(odd);
        g_assert_cmpuint(odd->addresses->len, ==, 0);
        g_assert_null(odd->pf);
        g_assert_false(odd->managed);
}

static void test_write(void) {
        g_autoptr(HostdevNetwork) network = hostdev_network_new("o'dd & <b>");
        network->managed = true;
        g_array_append_val(network->addresses, vf2);
        g_array_append_val(network->addresses, vf0);
        g_autofree char *list = xml_network(network);
        g_assert_cmpstr(list, ==,
                        "<network>\n"
                        "  <name>o'dd &amp; &lt;b&gt;</name>\n"
                        "  <forward mode='hostdev' managed='yes'>\n"
                        "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x4'/>\n"
                        "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
                        "  </forward>\n"
                        "</network>\n");
        /* With a PF the list is libvirt's to make. */
        network->pf = g_strdup("enp1s0'");
        network->managed = false;
        g_autofree char *pf = xml_network(network);
        g_assert_cmpstr(pf, ==,
                        "<network>\n"
                        "  <name>o'dd &amp; &lt;b&gt;</name>\n"
                        "  <forward mode='hostdev' managed='no'>\n"
                        "    <pf dev='enp1s0&apos;'/>\n"
                        "  </forward>\n"
                        "</network>\n");
        g_autoptr(HostdevNetwork) again = parse(pf, NULL);
        g_assert_cmpstr(again->pf, ==, "enp1s0'");
}

static char *change(const char *text, const HostdevNetwork *network, GError **error) {
        return xml_network_change(text, strlen(text), network, error);
}

/* Only the VFs are ours: the uuid, the driver and portgroups stay. */
static void test_change(void) {
        g_autoptr(HostdevNetwork) network = hostdev_network_new("o'dd & <b>");
        g_autoptr(GError) error = NULL, text_error = NULL;
        g_array_append_val(network->addresses, vf2);

        g_autofree char *text = change(active, network, &error);
        g_assert_no_error(error);
        g_assert_nonnull(strstr(text, "<uuid>6e0eb2da-9dd0-4441-ade0-8ebe17612a19</uuid>"));
        g_assert_nonnull(strstr(text, "<driver name=\"vfio\"/>"));
        g_assert_nonnull(strstr(text, "<portgroup name=\"eng\"/>"));
        g_assert_null(strstr(text, "<pf"));
        g_autoptr(HostdevNetwork) changed = parse(text, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(changed->addresses->len, ==, 1);
        g_assert_true(hostdev_network_has(changed, vf2));
        g_assert_false(changed->managed);
        g_assert_cmpstr(changed->name, ==, "o'dd & <b>");
        /* And back to a PF. */
        network->pf = g_strdup("enp2s0");
        network->managed = true;
        g_autofree char *back = change(text, network, &error);
        g_autoptr(HostdevNetwork) of_pf = parse(back, NULL);
        g_assert_cmpstr(of_pf->pf, ==, "enp2s0");
        g_assert_true(of_pf->managed);
        g_assert_cmpuint(of_pf->addresses->len, ==, 0);

        g_assert_null(change("<network><name>default</name><forward mode='nat'/></network>", network, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
        g_assert_null(change("<network", network, &text_error));
        g_assert_error(text_error, VFADM_ERROR, VFADM_ERROR_FAILED);
}

static const char guests_port[] = "<networkport>\n  <uuid>D5D9C6A9-b8dc-45e3-abb7-0cf6e1418c6c</uuid>\n"
                                  "  <owner>\n    <name>o'dd &amp; &lt;b&gt;</name>\n    "
                                  "<uuid>c6d9cbe4-1cdd-4621-b907-cef84cb37102</uuid>\n  </owner>\n"
                                  "  <mac address='02:00:00:00:42:21'/>\n  <vlan>\n    <tag id='43'/>\n  </vlan>\n"
                                  "  <plug type='hostdev-pci' managed='yes'>\n    <address domain='0x0000' bus='0x01' "
                                  "slot='0x10' function='0x4'/>\n  </plug>\n</networkport>\n";

static void port_clear(HostdevPort *port) {
        g_clear_pointer(&port->owner, g_free);
        g_clear_pointer(&port->uuid, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(HostdevPort, port_clear)

static void test_port_parse(void) {
        g_auto(HostdevPort) port = {0};

        g_assert_true(xml_network_port_parse(guests_port, strlen(guests_port), &port));
        g_assert_cmpstr(port.owner, ==, "o'dd & <b>");
        g_assert_cmpstr(port.uuid, ==, "d5d9c6a9-b8dc-45e3-abb7-0cf6e1418c6c");
        g_assert_true(pci_addr_equal(port.host, vf2));

        static const char *const none[] = {
                "",
                "<networkport/>",
                "<networkport><uuid>d5d9c6a9-b8dc-45e3-abb7-0cf6e1418c6c</uuid><owner><name>x</name></owner><plug "
                "type='network' bridge='virbr0'/></networkport>",
                "<networkport><uuid>d5d9c6a9</uuid><owner><name>x</name></owner><plug type='hostdev-pci'><address "
                "bus='1' slot='0' function='0'/></plug></networkport>",
                "<networkport><uuid>d5d9c6a9-b8dc-45e3-abb7-0cf6e1418c6c</uuid><plug type='hostdev-pci'><address "
                "bus='1' slot='0' function='0'/></plug></networkport>",
                "<network><uuid>d5d9c6a9-b8dc-45e3-abb7-0cf6e1418c6c</uuid><owner><name>x</name></owner><plug "
                "type='hostdev-pci'><address bus='1' slot='0' function='0'/></plug></network>",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
                HostdevPort untouched = {.host = vf0};
                g_assert_false(xml_network_port_parse(none[i], strlen(none[i]), &untouched));
                g_assert_true(!untouched.owner && !untouched.uuid && pci_addr_equal(untouched.host, vf0));
        }
        for (size_t length = 0; length < strlen(guests_port) - 2; length++)
                g_assert_false(xml_network_port_parse(guests_port, length, &port));
}

/* The text is what an earlier vfadm wrote, so that a port of its time is known again. */
static void test_port_write(void) {
        g_autofree char *text = xml_network_port("passthrough", vf0);
        g_auto(HostdevPort) port = {0}, same = {0}, other_vf = {0}, other_network = {0};

        g_assert_cmpstr(text, ==,
                        "<networkport>\n"
                        "  <uuid>49dcdc3d-f964-8ff4-9c2f-95f174956c6d</uuid>\n"
                        "  <owner>\n"
                        "    <name>vfadm</name>\n"
                        "    <uuid>512130a8-76b5-80b1-858d-c3c702e685a5</uuid>\n"
                        "  </owner>\n"
                        "  <mac address='02:14:b8:a0:25:7c'/>\n"
                        "  <plug type='hostdev-pci' managed='no'>\n"
                        "    <driver name='vfio'/>\n"
                        "    <address domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n"
                        "  </plug>\n"
                        "</networkport>\n");
        g_assert_true(xml_network_port_parse(text, strlen(text), &port));
        g_assert_cmpstr(port.owner, ==, HOSTDEV_HOLDER);
        g_assert_true(pci_addr_equal(port.host, vf0));
        g_autofree char *again = xml_network_port("passthrough", vf0), *next = xml_network_port("passthrough", vf2),
                        *elsewhere = xml_network_port("passthrough2", vf0);
        g_assert_true(xml_network_port_parse(again, strlen(again), &same));
        g_assert_true(xml_network_port_parse(next, strlen(next), &other_vf));
        g_assert_true(xml_network_port_parse(elsewhere, strlen(elsewhere), &other_network));
        g_assert_cmpstr(same.uuid, ==, port.uuid);
        g_assert_cmpstr(other_vf.uuid, !=, port.uuid);
        g_assert_cmpstr(other_network.uuid, !=, port.uuid);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/xml/network/parse", test_parse);
        g_test_add_func("/xml/network/parse-hostile", test_parse_hostile);
        g_test_add_func("/xml/network/write", test_write);
        g_test_add_func("/xml/network/change", test_change);
        g_test_add_func("/xml/network/port-parse", test_port_parse);
        g_test_add_func("/xml/network/port-write", test_port_write);
        return g_test_run();
}
