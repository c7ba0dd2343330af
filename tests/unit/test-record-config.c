/* A record keeps of configuration files and scripts what is about VFs, and no secret; numbers of lines stay true. */
#include "io/io.h"
#include "io/recorder.h"
#include "io/redact.h"
#include "io/tree.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static void check(const char *path, const char *text, const char *expected) {
        g_autoptr(GBytes) kept = redact_config(path, text, strlen(text));
        g_test_message("%s", path);
        if (!expected) {
                g_assert_null(kept);
                return;
        }
        size_t size;
        const char *bytes = g_bytes_get_data(kept, &size);
        g_autofree char *got = g_strndup(bytes ? bytes : "", size);
        g_assert_cmpstr(got, ==, expected);
}

static void test_networkmanager(void) {
        const char *path = "etc/NetworkManager/system-connections/home.nmconnection";
        check(path,
              "[connection]\nid=Home\nuuid=1-2\ntype=wifi\npermissions=user:me:;\n\n[wifi-security]\npsk=hunter2\n[vpn-secrets]\npassword=x\n",
              "[connection]\nid=Home\n\ntype=wifi\n\n\n[wifi-security]\n\n[vpn-secrets]\n\n");
        check(path,
              "[connection]\ninterface-name=enp1s0\n[sriov]\ntotal-vfs=4\nvf.0=mac=02:00:00:00:00:01\npsk=1\n[802-1x]\nidentity=me\n"
              "private-key-password=y\n[ethernet]\nmac-address=02:00:00:00:01:01\n[match]\npath=pci-*\nkernel-command-line=k\n",
              "[connection]\ninterface-name=enp1s0\n[sriov]\ntotal-vfs=4\nvf.0=mac=02:00:00:00:00:01\n\n[802-1x]\n\n"
              "\n[ethernet]\nmac-address=02:00:00:00:01:01\n[match]\npath=pci-*\n\n");
        check("etc/NetworkManager/conf.d/a.conf", "[keyfile]\nunmanaged-devices=driver:iavf\n[main]\nproxy=http://u:p@h\n",
              "[keyfile]\nunmanaged-devices=driver:iavf\n[main]\n\n");
        check("etc/sysconfig/network-scripts/ifcfg-a", "DEVICE=a\nWPA_PSK=x\nSRIOV_TOTAL_VFS=2\nIEEE_8021X_PASSWORD=p",
              "DEVICE=a\n\nSRIOV_TOTAL_VFS=2\n");
        check("etc/sysconfig/network-scripts/keys-a", "WPA_PSK=x\n", "\n");
}

static void test_netplan(void) {
        check("etc/netplan/01.yaml",
              "network:\n  version: 2\n  ethernets:\n    enp1s0:\n      virtual-function-count: 4\n      auth:\n        password: hunter2\n"
              "      dhcp4: yes\n  wifis:\n    wlan0:\n      access-points:\n        \"My SSID\":\n          password: x\n",
              "network:\n\n  ethernets:\n    enp1s0:\n      virtual-function-count: 4\n      auth:\n\n"
              "\n\n\n\n\n\n");
}

static void test_units(void) {
        check("etc/systemd/system/v.service",
              "[Service]\nEnvironment=PASSWORD=x\nExecStart=/usr/local/sbin/v.sh --token=abc secret\n"
              "ExecStart=/bin/sh -c 'curl -u me:pw h; echo 4 > /sys/class/net/a/device/sriov_numvfs'\nExecStartPost=-/opt/x y\n",
              "[Service]\n\nExecStart=/usr/local/sbin/v.sh\n"
              "ExecStart= echo 4 > /sys/class/net/a/device/sriov_numvfs'\nExecStartPost=/opt/x\n");
        /* What a backslash joins is one: it goes as one. */
        check("etc/systemd/system/w.service", "[Service]\nExecStart=/bin/sh \\\n  --password \\\n  x\nUser=me\n", "[Service]\nExecStart=/bin/sh\n\n\n\n");
        check("etc/systemd/network/a.network", "[Match]\nName=a\n[WireGuardPeer]\nPresharedKey=x\n[SR-IOV]\nVirtualFunction=0\n",
              "[Match]\nName=a\n[WireGuardPeer]\n\n[SR-IOV]\nVirtualFunction=0\n");
}

static void test_scripts(void) {
        static const char script[] = "#!/bin/sh\nPASSWORD=x\nmysql -pX; echo 4 > /sys/class/net/a/device/sriov_numvfs && curl -H T\n"
                                     "# old: sriov_numvfs with hunter2\nip link set a vf 0 mac 02:00:00:00:00:01\n";
        static const char kept[] = "\n\n echo 4 > /sys/class/net/a/device/sriov_numvfs \n\nip link set a vf 0 mac 02:00:00:00:00:01\n";
        static const char *const paths[] = {"etc/rc.local", "usr/local/sbin/v.sh", "opt/v", "root/v.sh", "etc/anything/else", "etc/cron.d/x"};

        for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
                check(paths[i], script, kept);
        check("etc/network/interfaces", "auto a\niface a inet static\n  wpa-psk x\n  pre-up echo 4 > /sys/class/net/$IFACE/device/sriov_numvfs\n",
              "\niface a\n\n  pre-up echo 4 > /sys/class/net/$IFACE/device/sriov_numvfs\n");
        check("etc/driverctl.d/pci-0000:01:00.0", "vfio-pci\n", "vfio-pci\n");
        check("etc/modprobe.d/a.conf", "options igb max_vfs=4\ninstall x /bin/curl secret\n# note\nblacklist y\n",
              "options igb max_vfs=4\n\n\nblacklist y\n");
        check("etc/modprobe.d/xen.conf", "options xen-pciback hide=(01:10.0)\nsoftdep igbvf pre: xen-pciback\n",
              "options xen-pciback hide=(01:10.0)\nsoftdep igbvf pre: xen-pciback\n");
        check("etc/initramfs-tools/modules", "# mine\nsecretfs key=x\nxen-pciback\n", "\n\nxen-pciback\n");
        check("etc/dracut.conf.d/xen.conf", "install_items+=\" /root/key \"\nforce_drivers+=\" xen-pciback \"\n",
              "\nforce_drivers+=\" xen-pciback \"\n");
        check("usr/lib/modules-load.d/xen.conf", "evtchn\nxen-pciback\n", "\nxen-pciback\n");
        check("usr/lib/udev/rules.d/a.rules", "RUN+=\"/x secret\"\nA==\"b\", \\\n  ATTR{sriov_numvfs}=\"1\"\n",
              "\nA==\"b\", \\\n  ATTR{sriov_numvfs}=\"1\"\n");
        check("etc/libvirt/qemu/networks/a.xml",
              "<network>\n  <name>a</name>\n  <forward mode='hostdev'>\n    <pf dev='a'/>\n  </forward>\n  <dnsmasq:option value='secret'/>\n</network>\n",
              "<network>\n  <name>a</name>\n  <forward mode='hostdev'>\n    <pf dev='a'/>\n  </forward>\n\n</network>\n");
        check("etc/libvirt/qemu/web1.xml", "<graphics passwd='x'/>\n", "\n");
}

/* What is no configuration, or is needed whole. */
static void test_others(void) {
        static const char binary[] = "echo > sriov_numvfs\0secret";

        check("sys/bus/pci/devices/0000:01:00.0/vendor", "0x8086\n", NULL);
        check("proc/cpuinfo", "x\n", NULL);
        check("lib/modules/6.12/modules.alias", "x\n", NULL);
        check("usr/lib/os-release", "ID=debian\n", NULL);
        check("etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet\"\n", "GRUB_CMDLINE_LINUX=\"quiet\"\n");
        check("etc/kernel/cmdline", "quiet\n", "quiet\n");
        check("etc/rc.local", "", "");
        g_autoptr(GBytes) kept = redact_config("etc/rc.local", binary, sizeof binary - 1);
        g_assert_cmpuint(g_bytes_get_size(kept), ==, 0);
        /* Of the kernel's configuration, what decides about the IOMMU. */
        static const char kernel[] = "CONFIG_PCI=y\nCONFIG_INTEL_IOMMU=y\n", iommu[] = "\nCONFIG_INTEL_IOMMU=y\n";
        g_autoptr(GBytes) config = redact_boot("boot/config-6.12", kernel, sizeof kernel - 1);
        g_assert_cmpmem(g_bytes_get_data(config, NULL), g_bytes_get_size(config), iommu, sizeof iommu - 1);
}

/* Through a recorder and its archive. */
static void test_archive(void) {
        g_autofree char *folder = g_dir_make_tmp("vfadm-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(folder, "host.tar.gz", NULL);
        g_autoptr(GError) error = NULL;
        IoTree *tree = io_tree_new();
        g_autoptr(Io) base = io_tree_io(tree);
        g_autoptr(Io) recorder = io_recorder_new(base);
        g_autoptr(GBytes) whole = NULL, kept = NULL;

        io_tree_put_text(tree, "etc/NetworkManager/system-connections/a", "[connection]\nid=a\n[wifi-security]\npsk=hunter2\n");
        g_assert_cmpint(io_read(recorder, "etc/NetworkManager/system-connections/a", 4096, &whole), ==, 0);
        g_assert_cmpuint(g_bytes_get_size(whole), ==, 46); /* who reads gets all of it */
        g_assert_true(io_recorder_write(recorder, path, &error));
        g_assert_no_error(error);
        g_autoptr(Io) replay = io_archive_open(path, &error);
        g_assert_no_error(error);
        g_assert_cmpint(io_read(replay, "etc/NetworkManager/system-connections/a", 4096, &kept), ==, 0);
        g_assert_cmpmem(g_bytes_get_data(kept, NULL), g_bytes_get_size(kept), "[connection]\nid=a\n[wifi-security]\n\n", 35);
        g_unlink(path);
        g_rmdir(folder);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/record/config/networkmanager", test_networkmanager);
        g_test_add_func("/record/config/netplan", test_netplan);
        g_test_add_func("/record/config/units", test_units);
        g_test_add_func("/record/config/scripts", test_scripts);
        g_test_add_func("/record/config/others", test_others);
        g_test_add_func("/record/config/archive", test_archive);
        return g_test_run();
}
