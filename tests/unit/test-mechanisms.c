/* What makes VFs at boot: the parsers of configuration files, and which files of a host are read. */
#include "host/host.h"
#include "host/mechanisms.h"
#include "host_tree.h"
#include "io/internal.h"

#include <errno.h>
#include <string.h>

static const Mechanism *nth(const Setup *setup, unsigned i) {
        g_assert_cmpuint(i, <, setup->mechanisms->len);
        return setup->mechanisms->pdata[i];
}

/* "line kind sets netdev bdf driver vendor:device count to traits active" of each, '-' for what is not said. */
static char *summary(const Setup *setup) {
        GString *out = g_string_new(NULL);
        for (unsigned i = 0; i < setup->mechanisms->len; i++) {
                const Mechanism *m = setup->mechanisms->pdata[i];
                g_string_append_printf(out, "%s%u %x", i ? "\n" : "", m->line, m->sets);
                if (m->netdev)
                        g_string_append_printf(out, " net=%s", m->netdev);
                if (m->bdf)
                        g_string_append_printf(out, " bdf=%s", m->bdf);
                if (m->driver)
                        g_string_append_printf(out, " driver=%s", m->driver);
                if (m->mac[0] || m->mac[5])
                        g_string_append_printf(out, " mac=%02x…%02x", m->mac[0], m->mac[5]);
                if (m->vendor)
                        g_string_append_printf(out, " id=%04x:%04x", m->vendor, m->device);
                if (m->num_vfs >= 0)
                        g_string_append_printf(out, " vfs=%d", (int) m->num_vfs);
                if (m->to_driver)
                        g_string_append_printf(out, " to=%s", m->to_driver);
                if (m->traits)
                        g_string_append_printf(out, " traits=%x", m->traits);
                if (!m->active)
                        g_string_append(out, " asleep");
        }
        return g_string_free(out, FALSE);
}

static void check(Setup *setup, const char *expected) {
        g_autofree char *got = summary(setup);
        g_assert_cmpstr(got, ==, expected);
        setup_free(setup);
}

#define PARSED(call, text, expected) \
        do { \
                Setup *setup = setup_new(); \
                const char *bytes = text; \
                size_t length = strlen(bytes); \
                call; \
                check(setup, expected); \
        } while (0)

static void test_modprobe(void) {
#define MODPROBE(text, expected) PARSED(modprobe_parse(setup, "etc/modprobe.d/x.conf", bytes, length), text, expected)
        MODPROBE("# options igb max_vfs=7\n\noptions igb max_vfs=7 debug=1\n", "3 1 driver=igb vfs=7");
        MODPROBE("options igb debug=1 \\\n  max_vfs=3\n", "1 1 driver=igb vfs=3");
        MODPROBE("options ixgbe max_vfs=4,4\noptions mlx4-core num_vfs=5,0", "1 1 driver=ixgbe vfs=4\n2 1 driver=mlx4_core");
        /* A bound on what may be made later, or no number. */
        MODPROBE("options xe max_vfs=7\noptions i915 max_vfs=7\noptions igb max_vfs=many\n", "3 1 driver=igb");
        MODPROBE("options vfio-pci ids=10de:1b80,8086:10CA:1af4:1100,zz:1,8086 disable_idle_d3=1\n",
                 "1 4 id=10de:1b80 to=vfio-pci\n1 4 id=8086:10ca to=vfio-pci\n1 40 driver=vfio_pci");
        MODPROBE("options vfio_iommu_type1 allow_unsafe_interrupts=1\n", "1 40 driver=vfio_iommu_type1");
        MODPROBE("blacklist igbvf\nblacklist nouveau\ninstall ixgbe /bin/true\ninstall i40e /sbin/modprobe --ignore-install i40e\n",
                 "1 4 driver=igbvf\n3 4 driver=ixgbe");
        MODPROBE("options\nblacklist\noptions igb\noptions ../igb max_vfs=1\n", "");
}

static void test_cmdline(void) {
        Setup *setup = setup_new();
        char *words[] = {(char *) "vfio-pci.ids=8086:10ca", (char *) "igb.max_vfs=2", (char *) "xen-pciback.hide=(01:10.0)(0000:01:10.2)(x)",
                         (char *) "modprobe.blacklist=igbvf,snd", (char *) "pci-stub.ids=10de:1", (char *) "quiet", (char *) "a.b", NULL};
        cmdline_mechanisms(setup, words);
        g_assert_cmpstr(nth(setup, 0)->path, ==, "proc/cmdline");
        g_assert_cmpstr(nth(setup, 0)->text, ==, "vfio-pci.ids=8086:10ca");
        check(setup, "0 4 id=8086:10ca to=vfio-pci\n0 1 driver=igb vfs=2\n0 4 bdf=0000:01:10.0 to=pciback\n"
                     "0 4 bdf=0000:01:10.2 to=pciback\n0 4 driver=igbvf\n0 4 id=10de:0001 to=pci-stub");
}

static void test_udev(void) {
#define UDEV(text, expected) PARSED(udev_parse(setup, "etc/udev/rules.d/x.rules", bytes, length, false), text, expected)
        UDEV("ACTION==\"add|bind\", SUBSYSTEM==\"pci\", KERNEL==\"0000:01:00.0\", DRIVER==\"igb\", ATTR{sriov_numvfs}=\"7\"\n",
             "1 1 bdf=0000:01:00.0 driver=igb vfs=7");
        UDEV("#ATTR{device/sriov_numvfs}=\"1\"\nSUBSYSTEM==\"net\", ENV{ID_NET_DRIVER}==\"ixgbe\", \\\n"
             "  KERNEL==\"enp[12]s0\", ATTR{device/sriov_numvfs}=\"4\"",
             "2 1 net=enp[12]s0 driver=ixgbe vfs=4");
        UDEV("SUBSYSTEM==\"net\", ATTR{address}==\"02:00:00:00:01:01\", ATTR{device/sriov_numvfs}=\"$env{N}\"\n", "1 1 mac=02…01");
        /* A value that is compared is not written. */
        UDEV("ATTR{device/sriov_numvfs}==\"7\", NAME=\"x\"\n", "");
        UDEV("KERNELS==\"0000:01:00.0\", RUN+=\"/bin/sh -c 'echo 0 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs; echo 5 > "
             "/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs'\"\n",
             "1 1 bdf=0000:01:00.0 vfs=5");
        UDEV("SUBSYSTEM==\"pci\", ATTR{vendor}==\"0x8086\", ATTR{device}==\"0x10ca\", ATTR{driver_override}=\"vfio-pci\"\n",
             "1 4 id=8086:10ca to=vfio-pci");
        UDEV("ACTION==\"add\", ATTRS{vendor}==\"0x8086\", ENV{NM_UNMANAGED}=\"1\"\n", "1 8 id=8086:0000 traits=1");
        UDEV("ACTION==\"add|change|move\", ENV{ID_NET_DRIVER}==\"iavf\", ENV{NM_UNMANAGED}=\"1\"\n"
             "ENV{ID_NET_DRIVER}==\"iavf\", ENV{ID_NET_MANAGED_BY}=\"io.systemd.Network\"\n",
             "1 8 driver=iavf\n2 10 driver=iavf");
        /* Broken lines. */
        UDEV("ATTR{sriov_numvfs}=\"7\nATTR{sriov_numvfs=\"7\"\nATTR{sriov_numvfs}7\n=\"sriov_numvfs\"\n", "");
        /* What packages bring is about containers and the like, whatever they bring. */
        PARSED(udev_parse(setup, "usr/lib/udev/rules.d/85-nm-unmanaged.rules", bytes, length, true),
               "ENV{ID_NET_DRIVER}==\"veth\", ENV{NM_UNMANAGED}=\"1\"\n", "");
}

static void link_text(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(UnitMatch) match = {0};
        link_parse(setup, path, bytes, length, &match);
}

static void network_text(Setup *setup, const char *bytes, size_t length, bool active) {
        g_auto(UnitMatch) match = {0};
        network_parse(setup, "etc/systemd/network/x.network", bytes, length, &match, active);
}

static void test_link(void) {
#define LINK(text, expected) PARSED(link_text(setup, "etc/systemd/network/10-x.link", bytes, length), text, expected)
        LINK("[Match]\nPath=pci-0000:01:00.0\nDriver=igb\n\n[Link]\nSR-IOVVirtualFunctions=7\n", "6 1 bdf=0000:01:00.0 driver=igb vfs=7");
        LINK("[Link]\nSR-IOVVirtualFunctions = 2\n[Match]\nOriginalName=enp1s0 enp2s*\n", "2 1 net=enp1s0|enp2s* vfs=2");
        LINK("[Match]\nPermanentMACAddress=02:00:00:00:01:01 02:00:00:00:01:02\n[Link]\nSR-IOVVirtualFunctions=1\n",
             "4 1 mac=02…01 vfs=1\n4 1 mac=02…02 vfs=1");
        /* The highest function tells the number; one section that sets nothing. */
        LINK("[Match]\nOriginalName=a\n[SR-IOV]\nVirtualFunction=0\nVLANId=5\n[SR-IOV]\nVirtualFunction=3\n",
             "3 1 net=a vfs=4\n3 2 net=a\n6 0 net=a traits=2");
        LINK("[Match]\nOriginalName=!a\n[Link]\nMTUBytes=9000\n", "");
        PARSED(link_text(setup, "etc/systemd/network/sriov.link", bytes, length), "[Match]\nOriginalName=a\n[Link]\nSR-IOVVirtualFunctions=7\n",
               "4 1 net=a vfs=7 traits=4 asleep");
}

static void test_network(void) {
#define NETWORK(text, expected) PARSED(network_text(setup, bytes, length, true), text, expected)
        NETWORK("[Match]\nName=en*\n[Network]\nDHCP=yes\n", "4 10 net=en*");
        NETWORK("[Match]\nName=en*\n[Network]\nDHCP=ipv4\n", "4 10 net=en*");
        NETWORK("[Match]\nName=en*\n[Network]\nDHCP=no\n", "");
        NETWORK("[Match]\nDriver=igbvf\n[Link]\nUnmanaged=yes\n", "4 8 driver=igbvf");
        NETWORK("[Match]\nName=host0\nVirtualization=container\n[Network]\nDHCP=yes\n", "");
        NETWORK("[Match]\nType=wlan\n[Network]\nDHCP=yes\n", "");
        NETWORK("[Match]\nName=enp1s0\n[SR-IOV]\nVirtualFunction=0\n", "3 0 net=enp1s0 traits=2");
        PARSED(network_text(setup, bytes, length, false), "[Match]\nName=a\n[SR-IOV]\nVirtualFunction=0\nTrust=yes\n", "3 2 net=a asleep");
}

static void test_systemd(void) {
        PARSED(tmpfiles_parse(setup, "etc/tmpfiles.d/x.conf", bytes, length),
               "# c\nw /sys/class/net/enp1s0/device/sriov_numvfs - - - - 4\nw /sys/bus/pci/devices/0000:01:10.0/driver_override - - - - vfio-pci\n"
               "w /sys/x - - - - 1\nd /sys/class/net/a/device/sriov_numvfs - - - - 4\nw /sys/class/net/a/device/sriov_numvfs 4\n",
               "2 1 net=enp1s0 vfs=4\n3 4 bdf=0000:01:10.0 to=vfio-pci");
        g_autoptr(GPtrArray) scripts = g_ptr_array_new_with_free_func(g_free);
        PARSED(unit_parse(setup, "etc/systemd/system/v.service", bytes, length, true, scripts),
               "[Unit]\nDescription=echo 1 > /sys/class/net/a/device/sriov_numvfs\n[Service]\n"
               "ExecStart=/bin/bash -c 'echo 4 > /sys/class/net/enp1s0/device/sriov_numvfs'\n"
               "ExecStart=-/usr/local/sbin/mk-vfs.sh --verbose\nExecStart=/bin/sh /etc/../x.sh\nExecStart=/usr/bin/vfadm enable enp2s0 3\n"
               "ExecStop=/bin/sh -c 'echo 0 > /sys/class/net/enp1s0/device/sriov_numvfs'\n",
               "4 1 net=enp1s0 vfs=4\n7 1 net=enp2s0 vfs=3");
        g_assert_cmpuint(scripts->len, ==, 1);
        g_assert_cmpstr(scripts->pdata[0], ==, "usr/local/sbin/mk-vfs.sh");
}

static void test_nm(void) {
#define PROFILE(text, expected) PARSED(nm_profile_parse(setup, "etc/NetworkManager/system-connections/a.nmconnection", bytes, length), text, expected)
        PROFILE("[connection]\nid=PF\ninterface-name=enp1s0\n[sriov]\ntotal-vfs=4\nvf.0=mac=02:00:00:00:00:01 trust=true\n",
                "4 3 net=enp1s0 vfs=4");
        PROFILE("[connection]\nautoconnect=false\n[match]\npath=pci-0000:01:00.0;\ndriver=igb;!x;\n[sriov]\ntotal-vfs=4\npreserve-on-down=1\n",
                "6 1 bdf=0000:01:00.0 driver=igb vfs=4 traits=8 asleep");
        PROFILE("[ethernet]\nmac-address=02:00:00:00:01:01\n[sriov]\n", "3 1 mac=02…01 vfs=0");
        PROFILE("[connection]\ninterface-name=enp1s0\n[wifi-security]\npsk=secret\n", "");
#define CONF(text, expected) PARSED(nm_conf_parse(setup, "etc/NetworkManager/conf.d/a.conf", bytes, length), text, expected)
        CONF("[keyfile]\nunmanaged-devices=interface-name:enp1s0v*;driver:iavf;mac:02:00:00:00:00:01;type:wifi\n",
             "2 8 net=enp1s0v*\n2 8 driver=iavf\n2 8 mac=02…01");
        CONF("[device-pf]\nmatch-device=interface-name:enp1s0\nsriov-num-vfs=4\n[device-b]\nmatch-device=driver:igbvf\nmanaged=0\n",
             "3 1 net=enp1s0 vfs=4\n6 8 driver=igbvf");
        CONF("[main]\nplugins=keyfile\n[ifupdown]\nmanaged=false\n", "");
        PARSED(ifcfg_parse(setup, "etc/sysconfig/network-scripts/ifcfg-a", bytes, length),
               "DEVICE=\"enp1s0\"\nONBOOT=no\nSRIOV_TOTAL_VFS=6\n", "3 1 net=enp1s0 vfs=6 asleep");
}

static void test_netplan(void) {
#define NETPLAN(text, expected) PARSED(netplan_parse(setup, "etc/netplan/x.yaml", bytes, length), text, expected)
        NETPLAN("network:\n  version: 2\n  ethernets:\n    enp1s0:\n      virtual-function-count: 7 # all\n    enp2s0: {}\n",
                "5 1 net=enp1s0 vfs=7");
        NETPLAN("network:\n  ethernets:\n    pf:\n      virtual-function-count: 2\n      match:\n        driver: igb\n"
                "        macaddress: \"02:00:00:00:01:01\"\n      dhcp4: no\n    vf0:\n      link: pf\n",
                "4 1 driver=igb mac=02…01 vfs=2\n10 1 net=pf");
        NETPLAN("network:\n  vlans:\n    v5:\n      id: 5\n      link: enp1s0\n  wifis:\n    w:\n      virtual-function-count: 3\n", "");
        NETPLAN("ethernets:\n:\n  : x\n\ta:b\n  a/b:\n    virtual-function-count: 3\n", "");
}

static void test_scripts(void) {
#define SCRIPT(text, expected) PARSED(script_parse(setup, MECH_SCRIPT, "etc/rc.local", bytes, length, true), text, expected)
        SCRIPT("#!/bin/sh\n# echo 3 > /sys/class/net/a/device/sriov_numvfs\necho 7 > /sys/class/net/enp1s0/device/sriov_numvfs\n",
               "3 1 net=enp1s0 vfs=7");
        SCRIPT("echo 0 > /sys/class/net/a/device/sriov_numvfs\necho '4' | sudo tee -a /sys/class/net/a/device/sriov_numvfs >/dev/null\n",
               "2 1 net=a vfs=4");
        SCRIPT("for i in 0 1; do echo $N > \"/sys/class/net/ens${i}/device/sriov_numvfs\"; done\n", "1 1");
        SCRIPT("n=$(cat /sys/class/net/a/device/sriov_numvfs)\n[ -e /sys/class/net/a/device/sriov_numvfs ] && true\n", "");
        SCRIPT("echo 1>/sys/devices/pci0000:00/0000:00:02.0/0000:01:00.0/sriov_numvfs", "1 1 bdf=0000:01:00.0 vfs=1");
        SCRIPT("echo vfio-pci > /sys/bus/pci/devices/0000\\:01\\:10.0/driver_override\n", "1 4 bdf=0000:01:10.0 to=vfio-pci");
        SCRIPT("ip link set dev enp1s0 vf 0 mac 02:00:00:00:00:01 vlan 5\n/usr/sbin/vfadm enable 0000:01:00.0 all\n",
               "1 2 net=enp1s0\n2 1 bdf=0000:01:00.0");
        PARSED(interfaces_parse(setup, "etc/network/interfaces", bytes, length),
               "auto enp1s0\niface enp1s0 inet manual\n  pre-up echo 7 > /sys/class/net/$IFACE/device/sriov_numvfs\n"
               "  post-down echo 0 > /sys/class/net/$IFACE/device/sriov_numvfs\n",
               "3 1 net=enp1s0 vfs=7");
        PARSED(sysfs_conf_parse(setup, "etc/sysfs.conf", bytes, length),
               "# class/net/a/device/sriov_numvfs = 1\nclass/net/enp1s0/device/sriov_numvfs = 7\nbus/pci/devices/0000:01:00.1/sriov_numvfs=2\n",
               "2 1 net=enp1s0 vfs=7\n3 1 bdf=0000:01:00.1 vfs=2");
        PARSED(driverctl_parse(setup, "etc/driverctl.d/x", "pci-0000:01:10.0", bytes, length), "vfio-pci\n", "1 4 bdf=0000:01:10.0 to=vfio-pci");
        PARSED(driverctl_parse(setup, "etc/driverctl.d/x", "pci-0000:01:10.0", bytes, length), "\n", "1 4 bdf=0000:01:10.0");
        PARSED(driverctl_parse(setup, "etc/driverctl.d/x", "vmbus-0000", bytes, length), "x\n", "");
}

static void test_libvirt(void) {
#define NET(text, expected) PARSED(libvirt_network_parse(setup, "etc/libvirt/qemu/networks/a.xml", bytes, length, true), text, expected)
        NET("<!--\nWARNING\n-->\n<network>\n  <name>vfs</name>\n  <forward mode='hostdev' managed='yes'>\n    <pf dev='enp1s0'/>\n"
            "    <address type='pci' domain='0x0000' bus='0x01' slot='0x10' function='0x0'/>\n  </forward>\n</network>\n",
            "6 20 net=enp1s0");
        NET("<network><name>a</name><forward mode='hostdev'><address type='pci' domain='0x0' bus='0x01' slot='0x10' function='0x2'/>"
            "<address type='pci' bus='0x1ff' slot='0' function='0'/></forward></network>",
            "1 20 bdf=0000:01:10.2");
        NET("<network><name>default</name><forward mode='nat'/><bridge name='virbr0'/></network>", "");
        NET("<network><x><forward mode='hostdev'><pf dev='enp1s0'/></forward></x></network>", "");
        NET("<network><forward mode='hostdev'><pf dev='a'/></forward>", "");
        NET("<!DOCTYPE n [<!ENTITY a 'b'>]><network><name>&a;</name><forward mode='hostdev'><pf dev='a'/></forward></network>", "");
}

/* Hostile: many, long, with NULs, deep. */
static void test_bounds(void) {
        g_autoptr(GString) many = g_string_new(NULL);
        for (unsigned i = 0; i < 3000; i++)
                g_string_append(many, "echo 1 > /sys/class/net/a/device/sriov_numvfs\n");
        Setup *setup = setup_new();
        script_parse(setup, MECH_SCRIPT, "etc/rc.local", many->str, many->len, true);
        g_assert_cmpuint(setup->mechanisms->len, ==, MECHANISMS_MAX);
        setup_free(setup);

        g_autofree char *longest = g_strnfill(20000, 'x');
        g_autofree char *line = g_strconcat("echo 1 > /sys/class/net/", longest, "/device/sriov_numvfs\noptions igb max_vfs=1\n", NULL);
        setup = setup_new();
        script_parse(setup, MECH_SCRIPT, "etc/rc.local", line, strlen(line), true);
        modprobe_parse(setup, "etc/modprobe.d/a.conf", line, strlen(line));
        check(setup, "2 1 driver=igb vfs=1");

        static const char nul[] = "options igb max_vfs=1\0 max_vfs=2\noptions ixgbe max_vfs=3\n";
        setup = setup_new();
        modprobe_parse(setup, "etc/modprobe.d/a.conf", nul, sizeof nul - 1);
        check(setup, "2 1 driver=ixgbe vfs=3");

        g_autoptr(GString) deep = g_string_new(NULL);
        for (unsigned i = 0; i < 1000; i++)
                g_string_append(deep, "<a>");
        setup = setup_new();
        libvirt_network_parse(setup, "x", deep->str, deep->len, true);
        check(setup, "");
}

static void test_versions(void) {
        static const char dpkg[] = "qemu-system-x86 1:10.0.2+ds-2 installed\nsystemd 257.9-1~deb13u1 installed\ndriverctl 0.115-1 config-files\n"
                                   "dpkg-query: no packages found matching libvirt-daemon\n";
        static const char *const outputs[][2] = {{"QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)\n", "10.0.2"},
                                                 {"libvirtd (libvirt) 11.3.0\n", "11.3.0"},
                                                 {"systemd 257 (257.9-1~deb13u1)\n+PAM\n", "257"},
                                                 {"1.52.0\n", "1.52.0"},
                                                 {"Segmentation fault\n", NULL},
                                                 {"", NULL}};
        g_autoptr(GHashTable) packages = packages_parse(dpkg, sizeof dpkg - 1);

        g_assert_cmpuint(g_hash_table_size(packages), ==, 2);
        g_assert_cmpstr(g_hash_table_lookup(packages, "qemu-system-x86"), ==, "10.0.2");
        g_assert_cmpstr(g_hash_table_lookup(packages, "systemd"), ==, "257.9");
        for (size_t i = 0; i < G_N_ELEMENTS(outputs); i++) {
                g_autofree char *version = version_of_output(outputs[i][0], strlen(outputs[i][0]));
                g_assert_cmpstr(version, ==, outputs[i][1]);
        }
}

/* ---- the reader ---- */

static const Mechanism *by_path(const Snapshot *snapshot, const char *path) {
        for (unsigned i = 0; i < snapshot->setup->mechanisms->len; i++)
                if (g_str_equal(nth(snapshot->setup, i)->path, path))
                        return nth(snapshot->setup, i);
        return NULL;
}

#define RULE "SUBSYSTEM==\"pci\", KERNEL==\"0000:01:00.0\", ATTR{sriov_numvfs}=\"%d\"\n"

static void test_read_masks(void) {
        g_autoptr(Host) host = host_tree_new(0);
        g_autofree char *seven = g_strdup_printf(RULE, 7), *two = g_strdup_printf(RULE, 2);

        host_put(host, seven, "etc/udev/rules.d/70-vfs.rules");
        host_put(host, two, "usr/lib/udev/rules.d/70-vfs.rules");
        host_put(host, two, "usr/lib/udev/rules.d/71-vendor.rules");
        host_link(host, "/dev/null", "etc/udev/rules.d/71-vendor.rules");
        host_put(host, two, "etc/udev/rules.d/72-vfs.rules.bak");
        host_put(host, "options igb max_vfs=1\n", "usr/local/lib/modprobe.d/igb.conf");
        g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP);
        g_assert_cmpuint(snapshot->setup->mechanisms->len, ==, 2);
        g_assert_cmpint(by_path(snapshot, "etc/udev/rules.d/70-vfs.rules")->num_vfs, ==, 7);
        g_assert_cmpint(by_path(snapshot, "usr/local/lib/modprobe.d/igb.conf")->num_vfs, ==, 1);
        g_assert_false(snapshot->setup->mechanisms_hidden);
}

static void test_read_systemd(void) {
        g_autoptr(Host) host = host_tree_new(0);

        host_put(host, "[Match]\nPath=pci-0000:01:00.0\n", "usr/lib/systemd/network/10-pf.link");
        host_put(host, "[Link]\nSR-IOVVirtualFunctions=3\n", "etc/systemd/network/10-pf.link.d/vfs.conf");
        host_put(host, "[Match]\nName=en*\n[Network]\nDHCP=yes\n", "etc/systemd/network/20-wired.network");
        host_put(host, "[Service]\nExecStart=/usr/local/sbin/vfs.sh\n", "etc/systemd/system/vfs.service");
        host_put(host, "[Service]\nExecStart=/usr/local/sbin/other.sh\n", "etc/systemd/system/other.service");
        host_put(host, "[Service]\nExecStart=/bin/sh -c 'echo 4 > /sys/class/net/%%i/device/sriov_numvfs'\n",
                 "etc/systemd/system/vfs@.service");
        host_link(host, "/etc/systemd/system/vfs.service", "etc/systemd/system/multi-user.target.wants/vfs.service");
        host_link(host, "/etc/systemd/system/vfs@.service", "etc/systemd/system/multi-user.target.wants/vfs@enp1s0.service");
        host_put(host, "#!/bin/sh\necho 7 > /sys/class/net/enp1s0/device/sriov_numvfs\n", "usr/local/sbin/vfs.sh");
        host_put(host, "echo 5 > /sys/class/net/enp1s0/device/sriov_numvfs\n", "usr/local/sbin/other.sh");
        {
                g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP);
                const Mechanism *link = by_path(snapshot, "etc/systemd/network/10-pf.link.d/vfs.conf");
                g_assert_cmpstr(link->bdf, ==, "0000:01:00.0");
                g_assert_cmpint(link->num_vfs, ==, 3);
                g_assert_cmpint(by_path(snapshot, "usr/local/sbin/vfs.sh")->num_vfs, ==, 7);
                g_assert_null(by_path(snapshot, "usr/local/sbin/other.sh"));
                g_assert_true(by_path(snapshot, "etc/systemd/system/vfs@.service")->active);
                g_assert_false(by_path(snapshot, "etc/systemd/network/20-wired.network")->active);
        }
        host_put(host, "x", "run/systemd/netif/links/2");
        g_assert_true(io_tree_remove(host->tree, "etc/systemd/system/multi-user.target.wants"));
        g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP);
        g_assert_true(by_path(snapshot, "etc/systemd/network/20-wired.network")->active);
        g_assert_false(by_path(snapshot, "etc/systemd/system/vfs@.service")->active);
        g_assert_null(by_path(snapshot, "usr/local/sbin/vfs.sh"));
}

static void test_read_others(void) {
        g_autoptr(Host) host = host_tree_new(0);

        host_put(host, "[connection]\ninterface-name=enp1s0\n[sriov]\ntotal-vfs=4\n", "etc/NetworkManager/system-connections/pf.nmconnection");
        host_put(host, "vfio-pci\n", "etc/driverctl.d/pci-0000:01:10.0");
        host_put(host, "network:\n  ethernets:\n    enp1s0:\n      virtual-function-count: 2\n", "etc/netplan/50.yaml");
        host_put(host, "<network><name>v</name><forward mode='hostdev'><pf dev='enp1s0'/></forward></network>", "etc/libvirt/qemu/networks/v.xml");
        host_put(host, "<network><name>w</name><forward mode='hostdev'><pf dev='enp2s0'/></forward></network>", "etc/libvirt/qemu/networks/w.xml");
        host_link(host, "/etc/libvirt/qemu/networks/v.xml", "etc/libvirt/qemu/networks/autostart/v.xml");
        io_tree_put_errno(host->tree, "etc/NetworkManager/system-connections/secret.nmconnection", -EACCES);
        g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP);
        g_assert_cmpint(by_path(snapshot, "etc/NetworkManager/system-connections/pf.nmconnection")->num_vfs, ==, 4);
        g_assert_cmpstr(by_path(snapshot, "etc/driverctl.d/pci-0000:01:10.0")->to_driver, ==, "vfio-pci");
        g_assert_cmpint(by_path(snapshot, "etc/netplan/50.yaml")->num_vfs, ==, 2);
        g_assert_true(by_path(snapshot, "etc/libvirt/qemu/networks/v.xml")->active);
        g_assert_false(by_path(snapshot, "etc/libvirt/qemu/networks/w.xml")->active);
        g_assert_true(snapshot->setup->mechanisms_hidden);
        g_assert_true(host_has_note(snapshot, "/etc/NetworkManager/system-connections needs root"));
}

static void test_read_tools(void) {
        g_autoptr(Host) host = host_tree_new(0);
        char *qemu[] = {(char *) "/usr/bin/qemu-system-x86_64", (char *) "--version", NULL};
        static const char said[] = "QEMU emulator version 9.2.1\n";

        /* Neither package manager answers: the program is asked. */
        io_tree_put_program(host->tree, qemu, 0, 0, said, sizeof said - 1);
        host_put(host, "", "run/libvirt/libvirt-sock");
        host_put(host, "xen\n", "sys/hypervisor/type");
        host_put(host, "4\n", "sys/hypervisor/version/major");
        host_put(host, "20\n", "sys/hypervisor/version/minor");
        g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP);
        g_assert_cmpstr(setup_tool(snapshot->setup, "qemu")->version, ==, "9.2.1");
        g_assert_false(setup_tool(snapshot->setup, "qemu")->running);
        g_assert_null(setup_tool(snapshot->setup, "libvirt")->version);
        g_assert_true(setup_tool(snapshot->setup, "libvirt")->running);
        g_assert_cmpstr(setup_tool(snapshot->setup, "xen")->version, ==, "4.20");
        g_assert_null(setup_tool(snapshot->setup, "nova"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/mechanisms/modprobe", test_modprobe);
        g_test_add_func("/mechanisms/cmdline", test_cmdline);
        g_test_add_func("/mechanisms/udev", test_udev);
        g_test_add_func("/mechanisms/link", test_link);
        g_test_add_func("/mechanisms/network", test_network);
        g_test_add_func("/mechanisms/systemd", test_systemd);
        g_test_add_func("/mechanisms/networkmanager", test_nm);
        g_test_add_func("/mechanisms/netplan", test_netplan);
        g_test_add_func("/mechanisms/scripts", test_scripts);
        g_test_add_func("/mechanisms/libvirt", test_libvirt);
        g_test_add_func("/mechanisms/bounds", test_bounds);
        g_test_add_func("/mechanisms/versions", test_versions);
        g_test_add_func("/mechanisms/read/masks", test_read_masks);
        g_test_add_func("/mechanisms/read/systemd", test_read_systemd);
        g_test_add_func("/mechanisms/read/others", test_read_others);
        g_test_add_func("/mechanisms/read/tools", test_read_tools);
        return g_test_run();
}
