/* The resources of PFs and of the bridges above them, on a host in memory. */
#include "host/host.h"
#include "host_tree.h"

static const char six[] = "0x00000000fe000000 0x00000000fe01ffff 0x0000000000040200\n"
                          "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                          "0x000000000000c000 0x000000000000c01f 0x0000000000040101\n"
                          "0xffffffffffffffff 0xffffffffffffffff 0x000000002014220c\n"
                          "nonsense\n"
                          "0x00000000fe040000 0x00000000fe043fff 0x0000000000140204\n";

static void test_read(void) {
        g_autoptr(Host) host = host_tree_new(2);
        host_put(host, six, "sys/bus/pci/devices/0000:01:00.0/resource");
        host_put(host, six, "sys/bus/pci/devices/0000:01:10.0/resource");
        host_put(host, "0x1 0x2 0x3\n", "sys/bus/pci/devices/0000:00:02.0/resource");
        g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP);
        const Dev *pf = host_find(snapshot, "0000:01:00.0"), *vf = host_find(snapshot, "0000:01:10.0");

        g_assert_nonnull(pf->resources);
        g_assert_cmpuint(pf->resources->len, ==, 4); /* a line that makes no sense ends it: lines are known by their number */
        const PciResource *last = &g_array_index(pf->resources, PciResource, 3);
        g_assert_cmphex(last->start, ==, UINT64_MAX);
        g_assert_cmphex(last->flags, ==, 0x2014220c);
        g_assert_cmphex(g_array_index(pf->resources, PciResource, 0).end, ==, 0xfe01ffff);
        g_assert_null(vf->resources);
        g_assert_true(pf->has_parent);
        const Dev *port = snapshot_get(snapshot, pf->parent);
        g_assert_cmpstr(port->name, ==, "0000:00:02.0");
        g_assert_cmpuint(port->resources->len, ==, 1);
        g_assert_cmphex(g_array_index(port->resources, PciResource, 0).flags, ==, 3);

        g_autoptr(Snapshot) without = host_tree_read(host, HOST_EVERYTHING);
        g_assert_null(host_find(without, "0000:01:00.0")->resources);
}

static void test_hostile(void) {
        static const char *const texts[] = {"", "\n", "0x1 0x2\n", "0x1 0x2 0x3 0x4\n", "0x10000000000000000 0x0 0x0\n", "-1 0 0\n"};
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_autoptr(Host) host = host_tree_new(0);
                host_put(host, texts[i], "sys/bus/pci/devices/0000:01:00.0/resource");
                g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP);
                const Dev *pf = host_find(snapshot, "0000:01:00.0");
                g_assert_true(!pf->resources || pf->resources->len == 0);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/setup/resources/read", test_read);
        g_test_add_func("/setup/resources/hostile", test_hostile);
        return g_test_run();
}
