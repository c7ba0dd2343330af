/* Which files of configuration there are, and which of them count. */
#include "base/error.h"
#include "change/conf.h"
#include "change/pools.h"
#include "io/tree.h"

#include <glib/gstdio.h>
#include <string.h>

static const char one_vf[] = "[Match]\nDriver=igb\n[PF]\nVFs=1\n", two_vfs[] = "[Match]\nDriver=igb\n[PF]\nVFs=2\n";

typedef struct {
        IoTree *tree;
        Io *io;
} Host;

static Host new_host(void) {
        IoTree *tree = io_tree_new();
        return (Host) {tree, io_tree_io(tree)};
}

static Conf *read_all(const Host *host) {
        g_autoptr(GError) error = NULL;
        Conf *conf = conf_read(host->io, NULL, &error);

        g_assert_no_error(error);
        return conf;
}

static void assert_num_vfs(const Host *host, int64_t expected) {
        g_autoptr(Conf) conf = read_all(host);

        g_assert_cmpuint(conf->pfs->len, ==, expected < 0 ? 0 : 1);
        if (expected >= 0)
                g_assert_cmpint(((const ConfPf *) conf->pfs->pdata[0])->num_vfs, ==, expected);
}

static void test_folders(void) {
        Host host = new_host();

        assert_num_vfs(&host, -1);
        io_tree_put_text(host.tree, "usr/lib/vfadm/lan.conf", one_vf);
        assert_num_vfs(&host, 1);
        io_tree_put_text(host.tree, "run/vfadm/lan.conf", two_vfs);
        assert_num_vfs(&host, 2);
        io_tree_put_text(host.tree, "etc/vfadm/lan.conf", "[Match]\nDriver=igb\n[PF]\nVFs=3\n");
        io_tree_put_text(host.tree, "etc/vfadm/README", "no configuration");
        io_tree_put_text(host.tree, "etc/vfadm/.lan.conf.vfadm-new", "half a");
        assert_num_vfs(&host, 3);
        io_free(host.io);
}

static void test_masks(void) {
        Host host = new_host();

        io_tree_put_text(host.tree, "usr/lib/vfadm/lan.conf", one_vf);
        io_tree_put_text(host.tree, "run/vfadm/lan.conf", "");
        assert_num_vfs(&host, -1);
        io_tree_put_link(host.tree, "etc/vfadm/lan.conf", "/dev/null");
        assert_num_vfs(&host, -1);
        io_tree_put_text(host.tree, "usr/lib/vfadm/wan.conf", two_vfs);
        assert_num_vfs(&host, 2);
        /* Drop-ins of a file that is masked are not read, however wrong. */
        io_tree_put_text(host.tree, "etc/vfadm/lan.conf.d/x.conf", "[Nonsense]\n");
        assert_num_vfs(&host, 2);
        io_tree_put_text(host.tree, "usr/lib/vfadm/wan.conf.d/10.conf", "[PF]\nVFs=9\n");
        assert_num_vfs(&host, 9);
        io_tree_put_link(host.tree, "run/vfadm/wan.conf.d/10.conf", "/dev/null");
        assert_num_vfs(&host, 2);
        io_free(host.io);
}

static void test_drop_ins(void) {
        Host host = new_host();

        io_tree_put_text(host.tree, "usr/lib/vfadm/lan.conf", one_vf);
        io_tree_put_text(host.tree, "etc/vfadm/lan.conf.d/20.conf", "[PF]\nVFs=5\n");
        io_tree_put_text(host.tree, "usr/lib/vfadm/lan.conf.d/30.conf", "[PF]\nVFs=6\n"); /* by name, not by folder */
        assert_num_vfs(&host, 6);
        io_tree_put_text(host.tree, "run/vfadm/lan.conf.d/30.conf", "[PF]\nVFs=7\n");
        assert_num_vfs(&host, 7);
        io_tree_put_text(host.tree, "etc/vfadm/lan.conf.d/README", "[PF]\nVFs=8\n");
        assert_num_vfs(&host, 7);
        g_autoptr(Conf) fine = read_all(&host);
        g_assert_cmpuint(fine->warnings->len, ==, 0);
        io_tree_put_text(host.tree, "etc/vfadm/land.conf.d/30.conf", "[PF]\nVFs=7\n");
        g_autoptr(Conf) conf = read_all(&host);
        g_assert_cmpuint(conf->warnings->len, ==, 1);
        g_assert_cmpstr(conf->warnings->pdata[0], ==,
                        "/etc/vfadm/land.conf.d: nothing reads it, since there is no land.conf beside it");
        io_free(host.io);
}

static void test_wrong(void) {
        Host host = new_host();
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func((GDestroyNotify) g_error_free);

        io_tree_put_text(host.tree, "etc/vfadm/a.conf", one_vf);
        io_tree_put_text(host.tree, "etc/vfadm/b.conf", two_vfs);                        /* a.conf's [Match] */
        io_tree_put_text(host.tree, "etc/vfadm/c.conf", "[Match]\nDriver=ice\n");
        io_tree_put_text(host.tree, "run/vfadm/c.conf.d/x.conf", "[PF]\nVFs=many\n");
        io_tree_put_text(host.tree, "etc/vfadm/d.conf", "[Match]\nDriver=ixgbe\n");
        io_tree_put_text(host.tree, "etc/vfadm/e.conf", "[Pool p]\nPF=x\n[Nonsense]\n");
        g_assert_null(conf_read(host.io, NULL, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
        g_assert_true(g_str_has_prefix(error->message, "/etc/vfadm/b.conf, line 1: this [Match] is that of /etc/vfadm/a.conf"));
        g_autoptr(GPtrArray) pools = pools_read(host.io, NULL); /* pools do not suffer from it */
        g_assert_cmpuint(pools->len, ==, 1);

        g_autoptr(Conf) conf = conf_read_sound(host.io, NULL, wrong);
        g_assert_cmpuint(conf->pfs->len, ==, 2);
        g_assert_cmpuint(wrong->len, ==, 3);
        g_assert_cmpuint(conf->pools->len, ==, 0);
        g_assert_true(g_str_has_prefix(((const GError *) wrong->pdata[1])->message, "/run/vfadm/c.conf.d/x.conf, line 2: VFs=many"));
        io_free(host.io);
}

/* Only a pool's own file, with nothing else in it or to it, can be written again. */
static void test_own_text(void) {
        Host host = new_host();
        g_autoptr(GError) error = NULL;

        io_tree_put_text(host.tree, "etc/vfadm/pool-own.conf", "[Pool own]\nPF=x\n");
        io_tree_put_text(host.tree, "etc/vfadm/hand.conf", "[Pool hand]\nPF=x\n");
        io_tree_put_text(host.tree, "usr/lib/vfadm/pool-vendor.conf", "[Pool vendor]\nPF=x\n");
        io_tree_put_text(host.tree, "etc/vfadm/pool-mixed.conf", "[Match]\nDriver=igb\n[Pool mixed]\nPF=x\n");
        io_tree_put_text(host.tree, "etc/vfadm/pool-more.conf", "[Pool more]\nPF=x\n");
        io_tree_put_text(host.tree, "etc/vfadm/pool-more.conf.d/x.conf", "[Pool more]\nVLAN=5\n");
        g_autoptr(GPtrArray) pools = pools_read(host.io, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(pools->len, ==, 5);
        for (unsigned i = 0; i < pools->len; i++) {
                const Pool *pool = pools->pdata[i];
                g_assert_cmpstr(pool->text, ==, g_str_equal(pool->name, "own") ? "[Pool own]\nPF=x\n" : NULL);
        }
        g_assert_cmpuint(pools_find(pools, "more")->vf.vlan, ==, 5);
        io_free(host.io);
}

/* Files that were named are this machine's, whatever host is looked at. */
static void test_named(void) {
        Host host = new_host();
        g_autoptr(GError) error = NULL;
        g_autofree char *folder = g_dir_make_tmp("vfadm-conf-XXXXXX", &error);
        g_assert_no_error(error);
        g_autofree char *file = g_build_filename(folder, "lan.conf", NULL), *drop_ins = g_strconcat(file, ".d", NULL);
        g_autofree char *drop_in = g_build_filename(drop_ins, "x.conf", NULL), *missing = g_strconcat(file, "x", NULL);
        char *const files[] = {file, NULL}, *const none[] = {missing, NULL};

        io_tree_put_text(host.tree, "etc/vfadm/other.conf", two_vfs);
        g_assert_true(g_file_set_contents(file, one_vf, -1, &error));
        g_autoptr(Conf) conf = conf_read(host.io, files, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(conf->pfs->len, ==, 1);
        g_assert_cmpint(((const ConfPf *) conf->pfs->pdata[0])->num_vfs, ==, 1);
        g_assert_cmpstr(((const ConfPf *) conf->pfs->pdata[0])->place.path, ==, file + 1);
        g_assert_cmpint(g_mkdir(drop_ins, 0700), ==, 0);
        g_assert_true(g_file_set_contents(drop_in, "[PF]\nVFs=5\n", -1, &error));
        g_autoptr(Conf) more = conf_read(host.io, files, &error);
        g_assert_cmpint(((const ConfPf *) more->pfs->pdata[0])->num_vfs, ==, 5);
        g_assert_null(conf_read(host.io, none, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
        g_assert_nonnull(strstr(error->message, missing));
        g_assert_cmpint(g_remove(drop_in) | g_rmdir(drop_ins) | g_remove(file) | g_rmdir(folder), ==, 0);
        io_free(host.io);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/conf-read/folders", test_folders);
        g_test_add_func("/conf-read/masks", test_masks);
        g_test_add_func("/conf-read/drop-ins", test_drop_ins);
        g_test_add_func("/conf-read/wrong", test_wrong);
        g_test_add_func("/conf-read/own-text", test_own_text);
        g_test_add_func("/conf-read/named", test_named);
        return g_test_run();
}
