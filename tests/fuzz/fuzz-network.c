/* Any bytes as libvirt's networks, network ports and devices: what is read can be written, and read again as the same.
 */
#include "xml/domain.h"
#include "xml/network.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the writer makes of control characters is a blank, which the reader cuts off at both ends. */
static bool plain(const char *text) {
        for (const char *at = text; *at; at++)
                if (g_ascii_iscntrl(*at))
                        return false;
        return true;
}

static void same_network(const HostdevNetwork *a, const HostdevNetwork *b) {
        g_assert_true(a && b);
        g_assert_cmpint(a->managed, ==, b->managed);
        g_assert_true(!a->pf == !b->pf);
        g_assert_true(a->pf || a->addresses->len == b->addresses->len);
        for (unsigned i = 0; !a->pf && i < a->addresses->len; i++)
                g_assert_true(pci_addr_equal(g_array_index(a->addresses, PciAddr, i),
                                             g_array_index(b->addresses, PciAddr, i)));
}

static void check_network(const char *text, size_t size) {
        g_autoptr(HostdevNetwork) network = xml_network_parse(text, size, NULL);
        if (!network)
                return;
        g_autofree char *written = xml_network(network);
        g_autoptr(HostdevNetwork) again = xml_network_parse(written, strlen(written), NULL);
        if (!plain(network->name))
                return;
        same_network(network, again);
        g_assert_cmpstr(network->name, ==, again->name);
        g_autofree char *changed = xml_network_change(text, size, network, NULL);
        g_assert_nonnull(changed);
        g_autoptr(HostdevNetwork) same = xml_network_parse(changed, strlen(changed), NULL);
        same_network(network, same);
        g_autofree char *port = xml_network_port(network->name, (PciAddr){0, 1, 2, 3});
        HostdevPort held = {0};
        g_assert_true(xml_network_port_parse(port, strlen(port), &held));
        g_assert_cmpstr(held.owner, ==, HOSTDEV_HOLDER);
        g_free(held.owner);
        g_free(held.uuid);
}

static void check_port(const char *text, size_t size) {
        HostdevPort port = {0};
        if (!xml_network_port_parse(text, size, &port)) {
                g_assert_true(!port.owner && !port.uuid);
                return;
        }
        g_assert_true(g_uuid_string_is_valid(port.uuid) && g_utf8_validate(port.owner, -1, NULL));
        g_free(port.owner);
        g_free(port.uuid);
}

static void check_device(const char *text, size_t size) {
        g_autoptr(GuestDevice) device = xml_device_parse(text, size);
        if (!device)
                return;
        const XmlDevice described = {.host = device->host,
                                     .network = device->network,
                                     .interface = device->interface,
                                     .managed = device->managed,
                                     .vf = &device->vf,
                                     .profile = device->network,
                                     .teaming = device->id};
        g_autofree char *written = xml_device(&described);
        g_autoptr(GuestDevice) again = xml_device_parse(written, strlen(written));
        g_assert_nonnull(again);
        g_assert_true(device->has_host == again->has_host && pci_addr_equal(device->host, again->host));
        g_assert_true(!device->network || !plain(device->network) || g_str_equal(device->network, again->network));
        /* VLAN 0 is none, and is not written. */
        unsigned told = device->vf.known & (device->vf.vlan ? VF_MAC | VF_VLAN : VF_MAC);
        g_assert_cmpuint(again->vf.known, ==, told);
        g_assert_true(!told || vf_state_diff(&again->vf, &device->vf, told) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = (const char *)data;

        check_network(text, size);
        check_port(text, size);
        check_device(text, size);
        return 0;
}
