/* What configuration files say of single VFs, and what of it vfadm has no word for. */
#include "host/mechanisms.h"
#include "host_tree.h"
#include "host/host.h"

#include <string.h>

/* "line VF: words; VF: words (more)" a line each; of those that say nothing of VFs, drivers or autoprobe only what they do besides. */
static char *summary(const Setup *setup) {
        GString *out = g_string_new(NULL);

        for (unsigned i = 0; i < setup->mechanisms->len; i++) {
                const Mechanism *m = setup->mechanisms->pdata[i];
                g_string_append_printf(out, "%u %s", m->line, m->netdev ? m->netdev : "-");
                for (unsigned k = 0; m->vfs && k < m->vfs->len; k++) {
                        const MechanismVf *vf = &g_array_index(m->vfs, MechanismVf, k);
                        g_autofree char *words = vf_state_format(&vf->vf, VF_ALL);
                        g_string_append_printf(out, " %u: %s;", vf->index, words);
                }
                if (m->autoprobe >= 0)
                        g_string_append_printf(out, " autoprobe=%d", m->autoprobe);
                if (m->more)
                        g_string_append_printf(out, " %s(%s)", m->traits & TRAIT_CONDITION ? "if" : "", m->more);
                g_string_append_c(out, '\n');
        }
        return g_string_free(out, FALSE);
}

#define PARSED(call, text, expected) \
        do { \
                Setup *setup = setup_new(); \
                const char *bytes = text; \
                size_t length = strlen(bytes); \
                call; \
                g_autofree char *got = summary(setup); \
                g_assert_cmpstr(got, ==, expected); \
                setup_free(setup); \
        } while (0)

static void network(Setup *setup, const char *bytes, size_t length) {
        g_auto(UnitMatch) match = {0};
        network_parse(setup, "etc/systemd/network/x.network", bytes, length, &match, true);
}

static void test_systemd(void) {
#define NETWORK(text, expected) PARSED(network(setup, bytes, length), text, expected)
        NETWORK("[Match]\nName=a\n[SR-IOV]\nVirtualFunction=0\nVLANId=42\nQualityOfService=3\nVLANProtocol=802.1ad\nMACSpoofCheck=no\nTrust=yes\n"
                "LinkState=auto\nMACAddress=02:00:00:00:00:01\n\n[SR-IOV]\nTrust=yes\nVirtualFunction=2\nLinkState=no\n",
                "3 a 0: mac=02:00:00:00:00:01 vlan=42.3/802.1ad trust=on spoofchk=off link=auto; 2: trust=on link=off;\n");
        /* Two sections of one VF are one. */
        NETWORK("[Match]\nName=a\n[SR-IOV]\nVirtualFunction=1\nVLANId=5\n[SR-IOV]\nVirtualFunction=1\nTrust=on\n", "3 a 1: vlan=5 trust=on;\n");
        NETWORK("[Match]\nName=a\n[SR-IOV]\nVirtualFunction=1\nQueryReceiveSideScaling=yes\nTrust=on\nMACAddress=03:00:00:00:00:01\n",
                "3 a 1: trust=on; (QueryReceiveSideScaling, MACAddress)\n");
        NETWORK("[Match]\nName=a\n[SR-IOV]\nTrust=on\n", "3 a (a section without VirtualFunction=)\n");
        NETWORK("[Match]\nName=a\n[SR-IOV]\nVirtualFunction=0\nVLANId=4095\nQualityOfService=9\n", "3 a 0: ; (VLANId, QualityOfService)\n");
}

static void test_nm(void) {
#define PROFILE(text, expected) PARSED(nm_profile_parse(setup, "etc/NetworkManager/system-connections/x", bytes, length), text, expected)
        PROFILE("[connection]\ninterface-name=a\n[sriov]\nautoprobe-drivers=0\ntotal-vfs=2\nvf.0=mac=02:00:00:00:00:01 spoof-check=false trust=true\n"
                "vf.1=min-tx-rate=10 max-tx-rate=100 vlans=42.3.ad\n",
                "3 a 0: mac=02:00:00:00:00:01 trust=on spoofchk=off; 1: vlan=42.3/802.1ad min-rate=10 max-rate=100; autoprobe=0\n");
        PROFILE("[sriov]\ntotal-vfs=2\nautoprobe-drivers=-1\neswitch-mode=-1\nvf.1=vlans=1;2 trust=maybe\neswitch-inline-mode=1\nvf.x=trust=true\n",
                "1 - 1: ; (vlans=1;2, trust=maybe, eswitch-inline-mode, vf.x)\n");
        PARSED(ifcfg_parse(setup, "etc/sysconfig/network-scripts/ifcfg-a", bytes, length),
               "DEVICE=a\nSRIOV_TOTAL_VFS=4\nSRIOV_VF2=\"mac=02:00:00:00:00:01 trust=true\"\nSRIOV_VFX=1\n",
               "2 a 2: mac=02:00:00:00:00:01 trust=on; (SRIOV_VFX)\n");
}

static void test_ip(void) {
#define SCRIPT(text, expected) PARSED(script_parse(setup, MECH_SCRIPT, "etc/rc.local", bytes, length, true), text, expected)
        SCRIPT("ip link set dev a vf 0 mac 02:00:00:00:00:01 vlan 42 qos 3 proto 802.1ad spoofchk off trust on state enable\n"
               "ip link set a vf 1 max_tx_rate 100 min_tx_rate 10 vf 2 rate 7; /sbin/ip link set a vf 3 state disable && ip link set b vf 0 trust on\n",
               "1 a 0: mac=02:00:00:00:00:01 vlan=42.3/802.1ad trust=on spoofchk=off link=on;\n"
               "2 a 1: min-rate=10 max-rate=100; 2: max-rate=7; 3: link=off;\n2 b 0: trust=on;\n");
        SCRIPT("for i in 0 1; do ip link set a vf $i trust on; done\n", "1 a (VFs whose number is not told)\n");
        SCRIPT("ip link set a vf 0 query_rss on trust\n", "1 a 0: ; (query_rss, trust)\n");
        SCRIPT("ip link set a up; ip link set a vf 0 vlan 7\n", "1 a 0: vlan=7;\n");
}

static void test_udev(void) {
#define UDEV(text, expected) PARSED(udev_parse(setup, "etc/udev/rules.d/x.rules", bytes, length, false), text, expected)
        UDEV("ACTION==\"add\", SUBSYSTEM==\"net\", KERNEL==\"a\", ATTR{device/sriov_drivers_autoprobe}=\"0\"\n", "1 a autoprobe=0\n");
        UDEV("ACTION==\"add\", SUBSYSTEM==\"net\", KERNEL==\"a\", RUN+=\"/sbin/ip link set $name vf 0 mac 02:00:00:00:00:01\", "
             "RUN+=\"/bin/sh -c 'sleep 1; ip link set a vf 1 trust on'\"\n",
             "1 a 0: mac=02:00:00:00:00:01;\n1 a 1: trust=on;\n");
        UDEV("KERNEL==\"a\", ATTR{device/sriov_numvfs}==\"0\", ATTR{device/sriov_numvfs}=\"4\"\n", "1 a\n");
        UDEV("KERNEL==\"a\", ATTR{device/sriov_numvfs}=\"4\", NAME=\"lan0\"\n", "1 a (NAME)\n");
        UDEV("KERNEL==\"a\", ATTR{device/sriov_numvfs}=\"4\", RUN+=\"/bin/sh -c 'echo 1 > /tmp/x; echo 4 > /sys/class/net/a/device/sriov_numvfs'\"\n",
             "1 a (echo 1 > /tmp/x)\n1 a (echo 1 > /tmp/x)\n");
        UDEV("KERNEL==\"a\", ENV{ID_X}==\"1\", DRIVERS!=\"igb\", ATTR{device/sriov_numvfs}=\"4\"\n", "1 a if(ENV{ID_X}, DRIVERS)\n");
        UDEV("KERNELS==\"pci*\", ATTR{device/sriov_numvfs}=\"4\" broken\n", "1 - if(KERNELS)\n");
        UDEV("KERNEL==\"a\", ATTR{device/sriov_numvfs}=\"4\" broken\n", "1 a (broken)\n");
}

static void test_modprobe(void) {
        Setup *setup = setup_new();
        static const char text[] = "options igb debug=1 max_vfs=3\noptions vfio-pci ids=8086:10ca\n";

        modprobe_parse(setup, "etc/modprobe.d/x.conf", text, strlen(text));
        g_assert_cmpstr(((Mechanism *) setup->mechanisms->pdata[0])->option, ==, "max_vfs");
        g_assert_cmpstr(((Mechanism *) setup->mechanisms->pdata[1])->option, ==, "ids");
        setup_free(setup);
}

/* What may be edited is kept, as it was read; nothing else is. */
static void test_texts(void) {
        g_autoptr(Host) host = host_tree_new(0);
        static const char rule[] = "# mine\nKERNEL==\"enp1s0\", ATTR{device/sriov_numvfs}=\"4\"\n";

        io_tree_put_text(host->tree, "etc/udev/rules.d/70-vfs.rules", rule);
        io_tree_put_text(host->tree, "etc/udev/rules.d/71-other.rules", "KERNEL==\"enp1s0\", NAME=\"sriov_numvfs\"\n");
        io_tree_put_text(host->tree, "usr/lib/udev/rules.d/72-vfs.rules", rule);
        io_tree_put_text(host->tree, "etc/driverctl.d/pci-0000:01:10.0", "vfio-pci\n");
        io_tree_put_text(host->tree, "etc/driverctl.d/pci-0000:01:10.2", "");
        io_tree_put_text(host->tree, "etc/NetworkManager/system-connections/a", "[sriov]\ntotal-vfs=4\n");
        io_tree_put_text(host->tree, "etc/NetworkManager/system-connections/b", "[sriov]\ntotal-vfs=4\n[802-1x]\npassword=x\n");
        io_tree_put_text(host->tree, "etc/systemd/network/10-a.link", "[Match]\nOriginalName=a\n[Link]\nSR-IOVVirtualFunctions=4\n");
        g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP);
        GHashTable *texts = snapshot->setup->texts;

        g_assert_cmpstr(g_hash_table_lookup(texts, "etc/udev/rules.d/70-vfs.rules"), ==, rule);
        g_assert_cmpstr(g_hash_table_lookup(texts, "etc/driverctl.d/pci-0000:01:10.0"), ==, "vfio-pci\n");
        g_assert_cmpstr(g_hash_table_lookup(texts, "etc/driverctl.d/pci-0000:01:10.2"), ==, "");
        g_assert_nonnull(g_hash_table_lookup(texts, "etc/NetworkManager/system-connections/a"));
        g_assert_nonnull(g_hash_table_lookup(texts, "etc/systemd/network/10-a.link"));
        g_assert_cmpuint(g_hash_table_size(texts), ==, 5);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/mechanism-values/systemd", test_systemd);
        g_test_add_func("/mechanism-values/networkmanager", test_nm);
        g_test_add_func("/mechanism-values/ip", test_ip);
        g_test_add_func("/mechanism-values/udev", test_udev);
        g_test_add_func("/mechanism-values/modprobe", test_modprobe);
        g_test_add_func("/mechanism-values/texts", test_texts);
        return g_test_run();
}
