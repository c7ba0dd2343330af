/* Who is not kept apart from a device, by config space alone. */
#include "hosts.h"
#include "model/companions.h"

static Dev *add(Snapshot *host, PciAddr addr, PciAddr parent, unsigned class_code, PcieType type) {
        Dev *dev = dev_new(addr);
        dev->class_code = class_code;
        dev->iommu_group = -1;
        dev->has_caps = true;
        dev->caps = (PciCaps) {.length = 4096, .header_type = class_code >> 8 == 0x0604, .pcie_type = type};
        dev->has_parent = parent.bus || parent.slot;
        dev->parent = parent;
        if (type == PCIE_ROOT_PORT || type == PCIE_DOWNSTREAM_PORT) {
                dev->caps.has_acs = true;
                dev->caps.acs_cap = 0x1f;
                dev->caps.acs_ctrl = ACS_ISOLATES;
        }
        snapshot_add(host, dev);
        return dev;
}

enum { PORT = 0x060400, NIC = 0x020000 };
static const PciAddr root = {0, 0, 0, 0};

/* A root port, a switch with two cards below it, a card of two functions below the second. */
typedef struct {
        Snapshot *host;
        Dev *root_port, *upstream, *down[2], *card, *twin[2];
} Switch;

static Switch switch_host(void) {
        Switch s = {.host = snapshot_new()};
        s.root_port = add(s.host, (PciAddr) {0, 0, 1, 0}, root, PORT, PCIE_ROOT_PORT);
        s.upstream = add(s.host, (PciAddr) {0, 1, 0, 0}, s.root_port->addr, PORT, PCIE_UPSTREAM_PORT);
        s.down[0] = add(s.host, (PciAddr) {0, 2, 0, 0}, s.upstream->addr, PORT, PCIE_DOWNSTREAM_PORT);
        s.down[1] = add(s.host, (PciAddr) {0, 2, 1, 0}, s.upstream->addr, PORT, PCIE_DOWNSTREAM_PORT);
        s.card = add(s.host, (PciAddr) {0, 3, 0, 0}, s.down[0]->addr, NIC, PCIE_ENDPOINT);
        s.twin[0] = add(s.host, (PciAddr) {0, 4, 0, 0}, s.down[1]->addr, NIC, PCIE_ENDPOINT);
        s.twin[1] = add(s.host, (PciAddr) {0, 4, 0, 1}, s.down[1]->addr, NIC, PCIE_ENDPOINT);
        snapshot_seal(s.host);
        return s;
}

static bool has(const GPtrArray *list, const Dev *dev) {
        return g_ptr_array_find((GPtrArray *) list, dev, NULL);
}

static void test_apart(void) {
        Switch s = switch_host();
        g_autoptr(Companions) alone = companions_of(s.host, s.card);
        g_assert_cmpuint(alone->same_id->len + alone->reachable->len, ==, 0);
        g_assert_null(alone->bridge);
        g_assert_null(alone->port);
        g_assert_true(alone->known);
        snapshot_free(s.host);
}

/* Two functions of one card reach each other inside it, unless both promise not to or the kernel knows the card. */
static void test_slot(void) {
        Switch s = switch_host();
        g_autoptr(Companions) slot = companions_of(s.host, s.twin[0]);
        g_assert_cmpuint(slot->reachable->len, ==, 1);
        g_assert_true(has(slot->reachable, s.twin[1]));
        g_assert_null(slot->port);

        s.twin[0]->caps.has_acs = true; /* nothing to be turned on: they send nothing to each other */
        g_autoptr(Companions) promised = companions_of(s.host, s.twin[0]);
        g_assert_cmpuint(promised->reachable->len, ==, 0);

        s.twin[0]->caps.has_acs = false;
        s.twin[0]->vendor = s.twin[1]->vendor = 0x8086;
        s.twin[0]->device = s.twin[1]->device = 0x10fb; /* 82599 */
        g_autoptr(Companions) quirk = companions_of(s.host, s.twin[0]);
        g_assert_cmpuint(quirk->reachable->len, ==, 0);
        snapshot_free(s.host);
}

/* The port that reaches highest decides. */
static void test_port(void) {
        Switch s = switch_host();
        s.down[0]->caps.acs_ctrl = ACS_SV;
        g_autoptr(Companions) low = companions_of(s.host, s.card);
        g_assert_true(low->port == s.down[0]);
        g_assert_cmpuint(low->reachable->len, ==, 0); /* it is alone there */

        s.root_port->caps.has_acs = false;
        g_autoptr(Companions) high = companions_of(s.host, s.card);
        g_assert_true(high->port == s.root_port);
        g_assert_cmpuint(high->reachable->len, ==, 2);
        g_assert_true(has(high->reachable, s.twin[0]) && has(high->reachable, s.twin[1]));
        g_assert_cmpuint(high->same_id->len, ==, 0);

        s.root_port->vendor = 0x8086; /* a chipset that isolates without saying so */
        s.root_port->device = 0x8c14;
        g_autoptr(Companions) quirk = companions_of(s.host, s.card);
        g_assert_true(quirk->port == s.down[0]);
        snapshot_free(s.host);
}

static void test_bridge(void) {
        g_autoptr(Snapshot) host = snapshot_new();
        Dev *port = add(host, (PciAddr) {0, 0, 1, 0}, root, PORT, PCIE_ROOT_PORT);
        Dev *bridge = add(host, (PciAddr) {0, 1, 0, 0}, port->addr, PORT, PCIE_TO_PCI_BRIDGE);
        Dev *inner = add(host, (PciAddr) {0, 2, 3, 0}, bridge->addr, PORT, PCIE_NONE);
        Dev *a = add(host, (PciAddr) {0, 2, 0, 0}, bridge->addr, NIC, PCIE_NONE);
        Dev *b = add(host, (PciAddr) {0, 3, 0, 0}, inner->addr, NIC, PCIE_NONE);
        Dev *other = add(host, (PciAddr) {0, 0, 2, 0}, root, NIC, PCIE_NONE);
        snapshot_seal(host);

        g_autoptr(Companions) behind = companions_of(host, b);
        g_assert_true(behind->bridge == bridge); /* the uppermost: its id is what the IOMMU sees */
        g_assert_cmpuint(behind->same_id->len, ==, 1);
        g_assert_true(has(behind->same_id, a));
        g_autoptr(Companions) apart = companions_of(host, other);
        g_assert_cmpuint(apart->same_id->len + apart->reachable->len, ==, 0);
        g_assert_true(dev_is_below(host, b, port));
        g_assert_false(dev_is_below(host, other, port));
}

/* VFs go their own way, however near their numbers are; a port of which nothing is known is not accused. */
static void test_vfs(void) {
        g_autoptr(Snapshot) host = host_igb(7);
        Dev *vf = host_vf(host, 0);
        vf->has_caps = true;
        vf->caps = (PciCaps) {.length = 4096, .pcie_type = PCIE_ENDPOINT};
        g_autoptr(Companions) vfs = companions_of(host, vf);
        g_assert_cmpuint(vfs->same_id->len + vfs->reachable->len, ==, 0);

        Switch s = switch_host();
        s.down[0]->caps.length = 64;
        s.down[0]->caps.has_acs = false;
        g_autoptr(Companions) hidden = companions_of(s.host, s.card);
        g_assert_false(hidden->known);
        g_assert_null(hidden->port);
        snapshot_free(s.host);
}

/* A record can say that two bridges are above each other. */
static void test_circle(void) {
        Switch s = switch_host();
        s.root_port->has_parent = true;
        s.root_port->parent = s.upstream->addr;
        s.upstream->caps.pcie_type = PCIE_NONE;
        g_autoptr(Companions) circle = companions_of(s.host, s.card);
        g_assert_cmpuint(circle->same_id->len, ==, 2);
        snapshot_free(s.host);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/companions/apart", test_apart);
        g_test_add_func("/companions/slot", test_slot);
        g_test_add_func("/companions/port", test_port);
        g_test_add_func("/companions/bridge", test_bridge);
        g_test_add_func("/companions/vfs", test_vfs);
        g_test_add_func("/companions/circle", test_circle);
        return g_test_run();
}
