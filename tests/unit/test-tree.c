/* Hosts in memory: the tree, and what is read from it of processes and modules. */
#include "io_helpers.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void test_tree_links(void) {
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        g_assert_true(io_tree_of(io) == tree);
        g_assert_false(io->writable);

        io_tree_put_text(tree, "sys/devices/pci0000:00/0000:01:00.0/vendor", "0x8086\n");
        io_tree_put_text(tree, "sys/devices/pci0000:00/0000:01:00.0/net/enp1s0/mtu", "1500\n");
        io_tree_put_link(tree, "sys/devices/pci0000:00/0000:01:00.0/net/enp1s0/device", "../../../0000:01:00.0");
        io_tree_put_link(tree, "sys/class/net/enp1s0", "../../devices/pci0000:00/0000:01:00.0/net/enp1s0");
        io_tree_put_link(tree, "sys/bus/pci/devices/0000:01:00.0", "../../../devices/pci0000:00/0000:01:00.0");
        io_tree_put_link(tree, "abs", "/sys/class/net");
        io_tree_put_link(tree, "far", "../../../../abs/enp1s0/mtu");
        io_tree_put_link(tree, "loop", "loop2");
        io_tree_put_link(tree, "loop2", "loop");
        io_tree_put_link(tree, "dangling", "gone/away");

        assert_reads(io, "sys/class/net/enp1s0/device/vendor", "0x8086");
        assert_reads(io, "sys/bus/pci/devices/0000:01:00.0/net/enp1s0/mtu", "1500");
        assert_reads(io, "far", "1500");
        assert_links(io, "sys/class/net/enp1s0", "../../devices/pci0000:00/0000:01:00.0/net/enp1s0");
        assert_lists(io, "abs/enp1s0", "device mtu");
        assert_read_fails(io, "loop/x", -ELOOP);
        assert_read_fails(io, "dangling", -ENOENT);
        assert_read_fails(io, "sys/class", -EISDIR);
        assert_read_fails(io, "sys/class/net/enp1s0/mtu/x", -ENOTDIR);
        assert_read_fails(io, "sys/../sys/class/net/enp1s0/mtu", -EINVAL);
        assert_read_fails(io, "/abs", -EINVAL);
        g_assert_true(io_tree_has(tree, "dangling"));
        g_assert_false(io_tree_has(tree, "gone"));

        /* Put and removed through a link: at the place it leads to. */
        io_tree_put_text(tree, "sys/bus/pci/devices/0000:01:00.0/device", "0x10ed\n");
        assert_reads(io, "sys/devices/pci0000:00/0000:01:00.0/device", "0x10ed");
        io_tree_put_text(tree, "dangling/x", "made");
        assert_reads(io, "gone/away/x", "made");
        g_assert_true(io_tree_remove(tree, "sys/class/net/enp1s0/mtu"));
        g_assert_false(io_tree_remove(tree, "sys/class/net/enp1s0/mtu"));
        assert_read_fails(io, "sys/devices/pci0000:00/0000:01:00.0/net/enp1s0/mtu", -ENOENT);
        g_assert_true(io_tree_remove(tree, "sys/class/net/enp1s0")); /* the link, not what it leads to */
        g_assert_true(io_tree_has(tree, "sys/devices/pci0000:00/0000:01:00.0/net/enp1s0"));
        g_assert_true(io_tree_remove(tree, "sys/devices"));
        assert_read_fails(io, "sys/bus/pci/devices/0000:01:00.0/vendor", -ENOENT);
        g_assert_false(io_tree_remove(tree, "."));
}

static void test_tree_replace(void) {
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        g_autoptr(GBytes) data = NULL;
        char **names = NULL;
        char *none = NULL;

        io_tree_put_text(tree, "a/10", "x");
        io_tree_put_dir(tree, "a/9");
        io_tree_put_text(tree, "a/1", "y");
        io_tree_put_errno(tree, "a/B", -EACCES);
        assert_lists(io, "a", "1 10 9 B");
        assert_lists(io, "a/9", "");
        assert_lists(io, ".", "a");
        assert_read_fails(io, "a/B", -EACCES);
        g_assert_cmpint(io_readlink(io, "a/B", &none), ==, -EACCES);
        g_assert_cmpint(io_list(io, "a/B", &names), ==, -EACCES);
        assert_read_fails(io, "a/B/below", -EACCES);
        g_assert_cmpint(io_list(io, "a/1", &names), ==, -ENOTDIR);
        g_assert_cmpint(io_readlink(io, "a/1", &none), ==, -EINVAL);

        /* A folder that may not be listed, of which a file is known all the same. */
        io_tree_put_text(tree, "a/B/below", "z");
        assert_reads(io, "a/B/below", "z");
        g_assert_cmpint(io_list(io, "a/B", &names), ==, -EACCES);
        io_tree_put_dir(tree, "a/B");
        assert_lists(io, "a/B", "below");
        io_tree_put_errno(tree, "a/B", -EPERM);
        g_assert_cmpint(io_list(io, "a/B", &names), ==, -EPERM);
        assert_reads(io, "a/B/below", "z");

        io_tree_put_link(tree, "a/1", "10");
        assert_reads(io, "a/1", "x");
        io_tree_put_text(tree, "a/1", "file again");
        assert_reads(io, "a/1", "file again");
        io_tree_put_text(tree, "a", "no folder now");
        assert_reads(io, "a", "no folder now");
        g_assert_cmpuint(io_tree_entries(tree), >=, 1);
        g_assert_cmpint(io_read(io, "a", 3, &data), ==, -EFBIG);
        g_assert_cmpint(io_write(io, "a", "x", 0), ==, -EROFS);
        g_assert_cmpint(io_load_module(io, "vfio-pci"), ==, -EROFS);

        g_test_expect_message(NULL, G_LOG_LEVEL_CRITICAL, "*cannot put '../x'*");
        io_tree_put_text(tree, "../x", "");
        g_test_assert_expected_messages();
        int64_t before = io_now(io);
        io_pause(io, 500);
        g_assert_cmpint(io_now(io), >=, before + 500 * 1000);
}

static void test_tree_entries(void) {
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        io_tree_put_text(tree, "a/b/c", "");
        io_tree_put_text(tree, "a/b/d", "");
        io_tree_put_text(tree, "a/b/d", "again");
        g_assert_cmpuint(io_tree_entries(tree), ==, 4);
        g_assert_true(io_tree_remove(tree, "a/b"));
        g_assert_cmpuint(io_tree_entries(tree), ==, 1);
        /* As deep as a path can say is too deep, and nothing is half made of it beyond the bound. */
        g_autoptr(GString) deep = g_string_new("d");
        for (int i = 0; i < 1000; i++)
                g_string_append(deep, "/d");
        g_assert_cmpint(io_tree_add(tree, deep->str, IO_NODE_FILE, "", 0, 0), ==, -ENAMETOOLONG);
        g_assert_cmpuint(io_tree_entries(tree), <, 250);
}

static void test_tree_netlink(void) {
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        g_autoptr(GByteArray) reply = g_byte_array_new();
        LinkRequest one = link_request(RTM_GETLINK, NLM_F_ACK, 1, IFLA_EXT_MASK), two = one, change = one;

        two.info.ifi_index = 2;
        change.header.nlmsg_type = RTM_SETLINK;
        io_tree_put_netlink(tree, &one, sizeof one, 0, "answer", 6);
        io_tree_put_netlink(tree, &two, sizeof two, -ENODEV, NULL, 0);
        one.header.nlmsg_seq = 77;
        one.header.nlmsg_pid = 88;
        g_assert_cmpint(io_netlink(io, &one, sizeof one, reply, NULL), ==, 0);
        g_assert_cmpmem(reply->data, reply->len, "answer", 6);
        g_assert_cmpint(io_netlink(io, &one, sizeof one, NULL, NULL), ==, 0);
        g_assert_cmpint(io_netlink(io, &two, sizeof two, reply, NULL), ==, -ENODEV);
        two.info.ifi_index = 3;
        g_assert_cmpint(io_netlink(io, &two, sizeof two, reply, NULL), ==, -EOPNOTSUPP);
        g_assert_cmpint(io_netlink(io, &change, sizeof change, reply, NULL), ==, -EROFS);
        g_assert_cmpint(io_netlink(io, &one, 3, reply, NULL), ==, -EROFS);
        g_assert_cmpuint(reply->len, ==, 6);
}

/* The size that the project must hold without a slow path: a few seconds even with sanitizers. */
static void test_tree_large(void) {
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        for (int f = 0; f < 16384; f++) {
                for (int i = 0; i < 40; i++) {
                        char path[80];
                        g_snprintf(path, sizeof path, "sys/devices/pci0000:00/%05x/file%02d", f, i);
                        io_tree_put_file(tree, path, path, strlen(path));
                }
        }
        g_auto(GStrv) names = NULL;
        g_assert_cmpint(io_list(io, "sys/devices/pci0000:00", &names), ==, 0);
        g_assert_cmpuint(g_strv_length(names), ==, 16384);
        g_assert_cmpstr(names[16383], ==, "03fff");
        g_assert_cmpuint(io_tree_entries(tree), ==, 16384 * 41 + 3);
        assert_reads(io, "sys/devices/pci0000:00/03fff/file39", "sys/devices/pci0000:00/03fff/file39");
}

static void test_process_stat(void) {
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        uint64_t start = 1;
        io_tree_put_text(tree, "proc/5/stat", "5 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n");
        g_assert_cmpint(io_process_start(io, 5, &start), ==, 0);
        g_assert_cmpuint(start, ==, 4711);
        io_tree_put_text(tree, "proc/6/stat", "6 (short) S 1 2\n");
        g_assert_cmpint(io_process_start(io, 6, &start), ==, -EINVAL);
        io_tree_put_errno(tree, "proc/7/stat", -ESRCH);
        g_assert_cmpint(io_process_start(io, 7, &start), ==, -ENOENT);
        g_assert_cmpint(io_process_start(io, 8, &start), ==, -ENOENT);
        g_assert_cmpuint(start, ==, 4711);
}

static void test_variant(void) {
        static const struct {
                const char *modalias, *module;
        } table[] = {
                {"pci:v000015B3d0000101Esv000015B3sd00000001bc02sc00i00", "mlx5_vfio_pci"},
                {"pci:v000015B3d00001017sv000015B3sd00000001bc02sc00i00", "other_vfio_pci"},
                {"pci:v000015B4d00001017sv000015B3sd00000001bc01sc00i00", "vfio_pci"},
                {"pci:v00008086d00004941sv00008086sd00000000bc0Bsc40i00", "qat_vfio_pci"},
                {"pci:v00008086d000010EDsv00008086sd00000000bc02sc00i00", "vfio_pci"},
                {"pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00", "virtio_vfio_pci"},
                {"pci:", NULL},
                {"usb:v000015B3d0000101E", NULL},
                {"v000015B3d0000101Esv000015B3sd00000001bc02sc00i00", NULL},
        };
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        char *none = NULL;

        g_assert_cmpint(io_vfio_variant(io, table[0].modalias, &none), ==, -ENOENT);
        io_tree_put_text(tree, "proc/sys/kernel/osrelease", "6.1.0-32-amd64\n");
        g_assert_cmpint(io_vfio_variant(io, table[0].modalias, &none), ==, -ENOENT);
        io_tree_put_text(tree, "lib/modules/6.1.0-32-amd64/modules.alias", aliases);
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autofree char *module = NULL;
                g_assert_cmpint(io_vfio_variant(io, table[i].modalias, &module), ==, table[i].module ? 0 : -ENOENT);
                g_assert_cmpstr(module, ==, table[i].module);
        }
        io_tree_put_text(tree, "proc/sys/kernel/osrelease", "../../etc\n");
        g_assert_cmpint(io_vfio_variant(io, table[0].modalias, &none), ==, -EINVAL);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/io/tree/links", test_tree_links);
        g_test_add_func("/io/tree/replace", test_tree_replace);
        g_test_add_func("/io/tree/entries", test_tree_entries);
        g_test_add_func("/io/tree/netlink", test_tree_netlink);
        g_test_add_func("/io/tree/large", test_tree_large);
        g_test_add_func("/io/process-stat", test_process_stat);
        g_test_add_func("/io/variant", test_variant);
        return g_test_run();
}
