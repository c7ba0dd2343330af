/* Files of pools: what they say, what is wrong with them and in which line, and that written ones are read back. */
#include "base/error.h"
#include "change/pools.h"
#include "hosts.h"
#include "io/tree.h"
#include "want/conf_file.h"
#include "want/pool_file.h"

#include <string.h>

static GPtrArray *new_pools(void) {
        return g_ptr_array_new_with_free_func((GDestroyNotify) pool_free);
}

static bool parse_n(const char *text, size_t length, GPtrArray *pools, GError **error) {
        const IniText one = {"etc/vfadm/p.conf", text, length};
        g_autoptr(Conf) conf = conf_new();

        g_ptr_array_unref(conf->pools);
        conf->pools = g_ptr_array_ref(pools);
        return conf_file_parse(&one, 1, conf, error);
}

static bool parse(const char *text, GPtrArray *pools, GError **error) {
        return parse_n(text, strlen(text), pools, error);
}

static void test_parse(void) {
        g_autoptr(GPtrArray) pools = new_pools();
        g_autoptr(GError) error = NULL;

        parse("# a comment\n\n"
              "[Pool one]\nPF=02:00:00:00:01:01 0000:02:00.0\n  PF = "
              "enp3s0\nVFs=1-3\nOrder=Pack\nLibvirt=Yes\nAutostart=1\n"
              "VLAN=42\nQoS=3\nProtocol=802.1AD\nTrust=on\nSpoofCheck=no\nLinkState=off\nMinRate=10\nMaxRate=100\r\n"
              "[Pool two]\nPF=01:00.0\nVFs=5",
              pools, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(pools->len, ==, 2);
        const Pool *one = pools_find(pools, "one"), *two = pools_find(pools, "two");
        g_assert_cmpuint(one->pfs->len, ==, 3);
        g_assert_cmpstr(one->pfs->pdata[2], ==, "enp3s0");
        g_assert_true(one->some_vfs && one->first_vf == 1 && one->last_vf == 3);
        g_assert_cmpint(one->order, ==, POOL_PACK);
        g_assert_true(one->libvirt && one->autostart);
        g_autofree char *vf = vf_state_format(&one->vf, VF_ALL);
        g_assert_cmpstr(vf, ==, "vlan=42.3/802.1ad trust=on spoofchk=off link=off min-rate=10 max-rate=100");
        g_assert_cmpstr(one->path, ==, "etc/vfadm/p.conf");
        g_assert_true(two->some_vfs && two->first_vf == 5 && two->last_vf == 5);
        g_assert_false(two->libvirt || two->autostart);
        g_assert_cmpint(two->order, ==, POOL_SPREAD);
        g_assert_cmpuint(two->vf.known, ==, 0);
}

static void test_errors(void) {
        static const char *const wrong[][2] = {
                {"[Pool a]\nPF=x\nColour=red\n", "line 3: [Pool] has no 'Colour'; it has PF, VFs, "},
                {"[Pool a]\nPF=x\npf=y\n", "line 3: [Pool] has no 'pf'; did you mean PF?"},
                {"[Pool a]\nPF=x\nPF=\n", "line 1: pool a names no PF; write PF= with permanent MACs"},
                {"[Pool a]\nPF=03:00:00:00:00:01\n", "line 2: PF="},
                {"[Pool a]\nPF=../../x\n", "line 2: PF="},
                {"[Pool a]\nPF=ab\rcd\n", "line 2: PF=ab\\rcd: expected"},
                {"[Pool a]\nPF=toolongforaninterface\n", "line 2: PF="},
                {"[Pool a]\nVFs=0-3\n", "line 1: pool a names no PF"},
                {"[Pool a]\nPF=x\nVFs=3-1\n", "line 3: VFs=3-1: expected a VF's number, or a range"},
                {"[Pool a]\nPF=x\nVFs=0-65536\n", "line 3: VFs="},
                {"[Pool a]\nPF=x\nVFs=-\n", "line 3: VFs=-: expected"},
                {"[Something]\n", "line 1: there is no section [Something]; there are [Match], [PF], [VF], [Pool]"},
                {"[Pool a]\nPF=x\nOrder=random\n", "line 3: Order=random: expected spread or pack"},
                {"[Pool a]\nPF=x\nVLAN=4095\n", "line 3: VLAN=4095: expected a number from 0 (none) to 4094"},
                {"[Pool a]\nPF=x\nVLAN=4\nVLAN=5\n", "line 4: VLAN= is given twice, in line 3 too"},
                {"[Pool a]\nPF=x\nQoS=3\n", "line 3: QoS= and Protocol= are the VLAN's"},
                {"[Pool a]\nPF=x\nMinRate=20\nMaxRate=10\n", "line 1: MinRate=20 is above MaxRate=10"},
                {"[Pool a]\nPF=x\nTrust=maybe\n", "line 3: Trust=maybe: expected on or off"},
                {"[Pool a]\nPF=x\n[Pool a]\nPF=y\n", "line 3: [Pool a] is there already"},
                {"[Pool before]\nPF=x\n", "line 1: pool before is there already, in /etc/vfadm/other.conf"},
                {"[Pool a/b]\nPF=x\n", "line 1: 'a/b' is no name for a pool"},
                {"[Pool]\nPF=x\n", "line 1: '' is no name"},
                {"[Pool a\nPF=x\n", "line 1: '[Pool a' is no section"},
                {"[Pool a]\nPF\n", "line 2: 'PF' is neither a section nor Key=value"},
                {"[Pool a]\nPF=x\n=\n", "line 3: '=' is neither"},
                {"[Pool a]\nOrder=\033[31m\n", "line 2: Order=\\033[31m: expected"},
                {"[Pool a]\nPF=\377\n", "line 2: this line is no text"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autoptr(GPtrArray) pools = new_pools();
                g_autoptr(GError) error = NULL;
                Pool *before = pool_new("before");
                before->path = g_strdup("etc/vfadm/other.conf");
                g_ptr_array_add(pools, before);
                g_assert_false(parse(wrong[i][0], pools, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
                if (!strstr(error->message, wrong[i][1]) ||
                    !g_str_has_prefix(error->message, "/etc/vfadm/p.conf, line "))
                        g_error("'%s' does not say '%s'", error->message, wrong[i][1]);
                g_assert_cmpuint(pools->len, ==, 1); /* those of another file stay */
        }
        g_autoptr(GPtrArray) pools = new_pools();
        g_assert_false(parse_n("[Pool a]\nPF=x\0y", 15, pools, NULL));
        g_autofree char *longer = g_strnfill(5000, '#');
        g_assert_false(parse(longer, pools, NULL));
        g_assert_true(parse("", pools, NULL));
}

static void test_write(void) {
        g_autoptr(Snapshot) host = host_igb(2);
        g_autoptr(GPtrArray) pools = new_pools();
        g_autoptr(Pool) pool = pool_new("p");
        g_autoptr(GError) error = NULL;

        g_ptr_array_add(pool->pfs, g_strdup("02:00:00:00:01:01"));
        pool->some_vfs = pool->libvirt = true;
        pool->last_vf = 3;
        pool->vf = (VfState){.known = VF_VLAN | VF_TRUST | VF_LINK,
                             .vlan = 42,
                             .proto = VLAN_PROTO_8021AD,
                             .trust = true,
                             .link = VF_LINK_ON};
        g_autofree char *text = pool_file_format(pool, host);
        g_assert_cmpstr(strchr(text, '\n'), ==,
                        "\n[Pool p]\n# enp1s0 when this was "
                        "written\nPF=02:00:00:00:01:01\nVFs=0-3\nOrder=spread\nLibvirt=yes\nAutostart=no\n"
                        "VLAN=42\nProtocol=802.1ad\nTrust=on\nLinkState=on\n");
        parse(text, pools, &error);
        g_assert_no_error(error);
        g_autofree char *again = pool_file_format(pools->pdata[0], host);
        g_assert_cmpstr(again, ==, text);

        g_autofree char *path = pool_file_path("p"), *state = pool_state_path("p");
        g_assert_cmpstr(path, ==, "etc/vfadm/pool-p.conf");
        g_assert_cmpstr(state, ==, "run/vfadm/pools/p");
}

/* ---- a host's ---- */

static void test_read(void) {
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        g_autoptr(GError) error = NULL;

        g_autoptr(GPtrArray) none = pools_read(io, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(none->len, ==, 0);

        io_tree_put_text(tree, "etc/vfadm/pool-z.conf", "[Pool z]\nPF=x\nAutostart=yes\n");
        io_tree_put_text(tree, "etc/vfadm/pool-a.conf",
                         "[Pool a]\nPF=x\n[Pool b]\nPF=y\nAutostart=yes\n[Pool c]\nPF=y\n");
        io_tree_put_text(tree, "etc/vfadm/README", "not a pool");
        io_tree_put_text(tree, "etc/vfadm/.pool-a.conf.vfadm-new", "half a");
        io_tree_put_text(tree, "run/vfadm/pools/a", "started\n");
        io_tree_put_text(tree, "run/vfadm/pools/b", "stopped\n");
        io_tree_put_text(tree, "run/vfadm/pools/c", "\001\n");
        g_autoptr(GPtrArray) pools = pools_read(io, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(pools->len, ==, 4);
        static const bool started[] = {true, false, false, true}; /* a, b, c, z */
        for (unsigned i = 0; i < pools->len; i++)
                g_assert_cmpint(((const Pool *) pools->pdata[i])->started, ==, started[i]);
        g_assert_cmpstr(((const Pool *) pools->pdata[3])->path, ==, "etc/vfadm/pool-z.conf");

        io_tree_put_text(tree, "etc/vfadm/y.conf", "[Pool c]\nPF=x\n");
        g_assert_null(pools_read(io, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        g_assert_nonnull(strstr(error->message,
                                "/etc/vfadm/y.conf, line 1: pool c is there already, in /etc/vfadm/pool-a.conf"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/pool-file/parse", test_parse);
        g_test_add_func("/pool-file/errors", test_errors);
        g_test_add_func("/pool-file/write", test_write);
        g_test_add_func("/pool-file/read", test_read);
        return g_test_run();
}
