/* What the host says of pciback at boot: module or built in, what makes the initramfs, whose drivers would take a device. */
#include "host/driver_modules.h"
#include "host/host.h"
#include "host_tree.h"

#include <string.h>

#define READ(host) g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP); const HideConf *hide = &snapshot->setup->hide

static Host *new_host(void) {
        Host *host = host_tree_new(2);
        host_put(host, "6.12.9\n", "proc/sys/kernel/osrelease");
        return host;
}

static void test_pciback(void) {
        g_autoptr(Host) host = new_host();
        {
                READ(host);
                g_assert_cmpint(hide->pciback, ==, KNOWN_NOT);
                g_assert_cmpint(hide->initramfs, ==, INITRAMFS_NONE);
                g_assert_null(hide->text);
        }
        host_put(host, "kernel/drivers/net/x.ko\n", "lib/modules/6.12.9/modules.builtin");
        {
                READ(host);
                g_assert_cmpint(hide->pciback, ==, KNOWN_NO);
        }
        host_put(host, "", "lib/modules/6.12.9/kernel/drivers/xen/xen-pciback/xen-pciback.ko.xz");
        {
                READ(host);
                g_assert_cmpint(hide->pciback, ==, KNOWN_YES);
                g_assert_false(hide->builtin);
        }
        host_put(host, "kernel/drivers/xen/xen-pciback/xen-pciback.ko\n", "lib/modules/6.12.9/modules.builtin");
        {
                READ(host);
                g_assert_true(hide->builtin);
        }
        host_put(host, "CONFIG_X=y\nCONFIG_XEN_PCIDEV_BACKEND=m\n", "boot/config-6.12.9");
        {
                READ(host);
                g_assert_cmpint(hide->pciback, ==, KNOWN_YES);
                g_assert_false(hide->builtin);
        }
        host_put(host, "CONFIG_X=y\n# CONFIG_XEN_PCIDEV_BACKEND is not set\n", "boot/config-6.12.9");
        {
                READ(host);
                g_assert_cmpint(hide->pciback, ==, KNOWN_NO);
        }
        host_put(host, "", "sys/module/xen_pciback/parameters/hide");
        {
                READ(host);
                g_assert_cmpint(hide->pciback, ==, KNOWN_YES);
                g_assert_true(hide->builtin);
        }
        host_put(host, "live\n", "sys/module/xen_pciback/initstate");
        READ(host);
        g_assert_cmpint(hide->pciback, ==, KNOWN_YES);
        g_assert_false(hide->builtin);
}

static void test_initramfs(void) {
        static const struct {
                const char *files; /* that are there besides */
                InitramfsKind kind;
                const char *tool, *file;
        } rows[] = {
                {"usr/bin/mkinitcpio", INITRAMFS_OTHER, NULL, NULL},
                {"etc/mkinitcpio.conf.d/x.conf", INITRAMFS_MKINITCPIO, "/usr/bin/mkinitcpio", "etc/mkinitcpio.conf.d/vfadm-xen-pciback.conf"},
                {"usr/sbin/update-initramfs usr/sbin/mkinitramfs", INITRAMFS_TOOLS, "/usr/sbin/update-initramfs", "etc/initramfs-tools/modules"},
                {"usr/bin/dracut etc/dracut.conf.d/x.conf", INITRAMFS_DRACUT, "/usr/bin/dracut", "etc/dracut.conf.d/vfadm-xen-pciback.conf"},
                {"etc/kernel/postinst.d/initramfs-tools", INITRAMFS_TOOLS, "/usr/sbin/update-initramfs", "etc/initramfs-tools/modules"},
                {"run/ostree-booted", INITRAMFS_OTHER, NULL, NULL},
        };
        g_autoptr(Host) host = new_host();

        host_put(host, "# List\n", "etc/initramfs-tools/modules");
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_auto(GStrv) files = g_strsplit(rows[i].files, " ", -1);
                for (char **file = files; *file; file++)
                        host_put(host, "", "%s", *file);
                READ(host);
                g_assert_cmpint(hide->initramfs, ==, rows[i].kind);
                g_assert_cmpstr(hide->tool, ==, rows[i].tool);
                g_assert_cmpstr(hide->file, ==, rows[i].file);
                g_assert_cmpstr(hide->file_text, ==, rows[i].kind == INITRAMFS_TOOLS ? "# List\n" : NULL);
        }
        host_put(host, "ours\n", "etc/modprobe.d/vfadm-xen-pciback.conf");
        host_put(host, "note\n", "var/lib/vfadm/boot-hidden");
        READ(host);
        g_assert_cmpstr(hide->text, ==, "ours\n");
        g_assert_cmpstr(hide->note, ==, "note\n");
}

static void assert_modules(Host *host, const Dev *dev, const char *release, const char *loadable, const char *builtin) {
        g_autoptr(DriverModules) modules = host_driver_modules(host->io, release, dev);
        g_autofree char *some = g_strjoinv(" ", modules->loadable), *others = g_strjoinv(" ", modules->builtin);
        g_assert_cmpstr(some, ==, loadable);
        g_assert_cmpstr(others, ==, builtin);
}

static void test_modules(void) {
        g_autoptr(Host) host = new_host();
        Dev *dev = dev_new((PciAddr) {0, 9, 0, 0});
        dev->modalias = g_strdup("pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00");

        assert_modules(host, dev, "6.12.9", "", "");
        host_put(host,
                 "# Aliases\nalias pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf\nalias pci:v00008086d000010C9sv*sd*bc*sc*i* igb\nalias pci:v*d*sv*sd*bc02sc00i* any-nic\n"
                 "alias pci:v00008086d000010CAsv*sd*bc*sc*i* xen-pciback\nalias pci:v00008086d000010CAsv*sd*bc*sc*i* bad;name\nalias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* vf_vfio\n"
                 "alias usb:v8086 x\nalias pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf\nalias pci:v0000",
                 "lib/modules/6.12.9/modules.alias");
        assert_modules(host, dev, "6.12.9", "igbvf any_nic", "");
        assert_modules(host, dev, "../6.12.9", "", "");
        assert_modules(host, dev, NULL, "", "");
        /* The one that has it; under the name of its module. */
        dev->driver = g_strdup("xhci_hcd");
        host_link(host, "../../../../module/xhci_pci", "sys/bus/pci/drivers/xhci_hcd/module");
        assert_modules(host, dev, "6.12.9", "xhci_pci igbvf any_nic", "");
        host_put(host, "kernel/drivers/usb/host/xhci-pci.ko\n", "lib/modules/6.12.9/modules.builtin");
        assert_modules(host, dev, "6.12.9", "igbvf any_nic", "xhci_pci");
        g_free(dev->driver);
        dev->driver = g_strdup("pciback");
        assert_modules(host, dev, "6.12.9", "igbvf any_nic", "");
        g_free(dev->driver);
        dev->driver = g_strdup("igbvf");
        assert_modules(host, dev, NULL, "igbvf", "");
        dev_free(dev);
}

static void test_builtin_alias(void) {
        static const char infos[] = "igb.license=GPL\0igbvf.alias=pci:v00008086d000010CAsv*sd*bc*sc*i*\0x.alias=usb:v1\0cut.alias=pci:v*";
        g_autoptr(Host) host = new_host();
        Dev *dev = dev_new((PciAddr) {0, 9, 0, 0});
        dev->modalias = g_strdup("pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00");

        io_tree_put_file(host->tree, "lib/modules/6.12.9/modules.builtin.modinfo", infos, sizeof infos - 1);
        assert_modules(host, dev, "6.12.9", "", "igbvf");
        dev_free(dev);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/setup-hide/pciback", test_pciback);
        g_test_add_func("/setup-hide/initramfs", test_initramfs);
        g_test_add_func("/setup-hide/modules", test_modules);
        g_test_add_func("/setup-hide/builtin-alias", test_builtin_alias);
        return g_test_run();
}
