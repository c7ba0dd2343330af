/* What is read of Xen's dom0: pciback, its words in files, the kernel's log; and nothing of it elsewhere. */
#include "host/host.h"
#include "host_tree.h"
#include "io/internal.h"

#include <string.h>

static Host *dom0_new(void) {
        Host *host = host_tree_new(1);
        host_put(host, "control_d\n", "proc/xen/capabilities");
        return host;
}

#define READ(host) \
        g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP); \
        const XenSetup *xen = &snapshot->setup->xen

/* Every word as "place path:line name=value". */
static char *words_text(const XenSetup *xen) {
        static const char *const places[] = {"option", "softdep", "loaded", "early", "grub"};
        GString *text = g_string_new(NULL);
        for (unsigned i = 0; i < xen->words->len; i++) {
                const PcibackWord *word = xen->words->pdata[i];
                g_string_append_printf(text, "%s %s:%u %s=%s\n", places[word->place], word->path, word->line, word->name ? word->name : "",
                                       word->value ? word->value : "");
        }
        return g_string_free(text, FALSE);
}

static void test_elsewhere(void) {
        g_autoptr(Host) host = host_tree_new(1);
        host_put(host, "options xen-pciback hide=(01:10.0)\n", "etc/modprobe.d/xen.conf");
        READ(host);
        g_assert_cmpuint(xen->words->len, ==, 0);
        g_assert_false(xen->log_read);
}

static void test_words(void) {
        g_autoptr(Host) host = dom0_new();
        host_put(host, "# options xen-pciback hide=(09:00.0)\noptions xen_pciback hide=(01:10.0)(01:10.2) \\\n permissive=1\nsoftdep igbvf pre: xen-pciback post: igb\n"
                       "softdep xen-pciback pre: igb\noptions igb max_vfs=2\n", "etc/modprobe.d/xen.conf");
        host_put(host, "options xen-pciback hide=(02:00.0)\n", "usr/lib/modprobe.d/xen.conf"); /* the one in etc/ counts */
        host_put(host, "loop\nxen-pciback\n", "etc/modules");
        host_put(host, "# xen-pciback\nxen-pciback\n", "etc/initramfs-tools/modules");
        host_put(host, "force_drivers+=\" xen-pciback igb \"\n", "etc/dracut.conf.d/xen.conf");
        host_put(host, "GRUB_CMDLINE_LINUX=\"quiet xen-pciback.hide=(03:00.0)\"\nGRUB_CMDLINE_XEN_DEFAULT=\"dom0_mem=2G xen-pciback.hide=(05:00.0)\"\n",
                 "etc/default/grub");
        READ(host);
        g_autofree char *text = words_text(xen);
        g_assert_cmpstr(text, ==,
                        "loaded etc/modules:2 =\n"
                        "early etc/initramfs-tools/modules:2 =\n"
                        "grub etc/default/grub:2 xen-pciback.hide=(05:00.0)\n"
                        "option etc/modprobe.d/xen.conf:2 hide=(01:10.0)(01:10.2)\n"
                        "option etc/modprobe.d/xen.conf:2 permissive=1\n"
                        "softdep etc/modprobe.d/xen.conf:4 igbvf=\n"
                        "early etc/dracut.conf.d/xen.conf:1 =\n");
}

static void test_driver(void) {
        g_autoptr(Host) host = dom0_new();
        {
                READ(host);
                g_assert_false(xen->driver);
                g_assert_null(xen->hide);
        }
        host_put(host, "", "sys/bus/pci/drivers/pciback/slots");
        host_put(host, "(null)\n", "sys/module/xen_pciback/parameters/hide");
        host_put(host, "Y\n", "sys/module/xen_pciback/parameters/permissive");
        host_put(host, "QEMU\n", "sys/class/dmi/id/sys_vendor");
        host_put(host, "4\n", "sys/hypervisor/version/major");
        host_put(host, "20\n", "sys/hypervisor/version/minor");
        host_put(host, ".3-pre\n", "sys/hypervisor/version/extra");
        READ(host);
        g_assert_true(xen->driver && xen->permissive && xen->emulated);
        g_assert_cmpstr(xen->hide, ==, "");
        const Tool *tool = setup_tool(snapshot->setup, "xen");
        g_assert_nonnull(tool);
        g_assert_cmpstr(tool->version, ==, "4.20.3");
}

static void test_log(void) {
        char *argv[] = {"/usr/bin/journalctl", "-k", "-b", "-q", "--no-pager", "-o", "cat", "-n", "20", "-g",
                        "Failed to get contiguous memory for DMA from Xen|(software IO TLB|swiotlb).*([Ff]ailed|[Cc]annot|is full)|"
                        "pci_devs_to_hide",
                        NULL};
        static const char said[] = "xen:swiotlb_xen: Failed to get contiguous memory for DMA from Xen!\nigb 0000:01:00.0: swiotlb buffer is full (sz: 4096 bytes)\n";
        g_autoptr(Host) host = dom0_new();
        {
                READ(host); /* no journal: not known */
                g_assert_false(xen->log_read);
                g_assert_null(xen->log);
        }
        io_tree_put_program(host->tree, argv, 0, 256, "", 0); /* nothing found: status 1 */
        {
                READ(host);
                g_assert_true(xen->log_read);
                g_assert_null(xen->log);
        }
        io_tree_put_program(host->tree, argv, 0, 0, said, sizeof said - 1);
        READ(host);
        g_assert_cmpuint(g_strv_length(xen->log), ==, 2);
        g_assert_true(g_str_has_prefix(xen->log[1], "igb 0000:01:00.0: swiotlb buffer is full"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/setup-xen/elsewhere", test_elsewhere);
        g_test_add_func("/setup-xen/words", test_words);
        g_test_add_func("/setup-xen/driver", test_driver);
        g_test_add_func("/setup-xen/log", test_log);
        return g_test_run();
}
