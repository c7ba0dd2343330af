/* Who is found to use a device of a small machine: mounts and what they stand on, routes, the login, guests. */
#include "host/host.h"

#include "host_tree.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

static void test_storage_uses(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "00:01.0", "host: mounted on /, /srv/my data");
        host_check_uses(s, "00:04.0", "");
        host_check_uses(s, "00:02.0", "");
        g_autoptr(Snapshot) unasked = host_tree_read(host, 0);
        host_check_uses(unasked, "00:01.0", "");

        host_put(host, "Filename Type Size Used Priority\n/dev/nvme0n1p1 partition 8 0 -2\n/swapfile file 8 0 -3\n",
                 "proc/swaps");
        g_autoptr(Snapshot) swapping = host_tree_read(host, HOST_USES);
        host_check_uses(swapping, "00:04.0", "host: swap");
}

static void add_mount(Host *host, const char *line) {
        g_autofree char *text = g_strdup_printf("27 1 254:1 / / rw shared:1 - ext4 /dev/vda1 rw\n%s\n", line);
        host_put(host, text, "proc/900/mountinfo");
}

/* A logical volume over a md mirror over a partition and a disk; mounted, then only held. */
static void test_stacked_storage(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_add_block(host, "virtual/block", "dm-0", 253, 0);
        host_add_block(host, "virtual/block", "md0", 9, 0);
        host_put(host, "vg0-data\n", "sys/class/block/dm-0/dm/name");
        host_link(host, "../../md0", "sys/class/block/dm-0/slaves/md0");
        host_link(host, "../../../../x/nvme0n1p1", "sys/class/block/md0/slaves/nvme0n1p1");
        host_link(host, "../../../../x/vda2", "sys/class/block/md0/slaves/vda2");
        host_answer(host);
        g_autoptr(Snapshot) held = host_tree_read(host, HOST_USES);
        host_check_uses(held, "00:04.0", "storage: nvme0n1p1 is held by md0");
        host_check_uses(held, "00:01.0", "host: mounted on /, /srv/my data; storage: vda2 is held by md0");

        add_mount(host, "30 27 253:0 / /data rw - xfs /dev/mapper/vg0-data rw");
        g_autoptr(Snapshot) mounted = host_tree_read(host, HOST_USES);
        host_check_uses(mounted, "00:04.0", "host: mounted on /data");
        host_check_uses(mounted, "00:01.0", "host: mounted on /, /data");

        /* A circle, as only a made-up host has it. */
        host_link(host, "../../dm-0", "sys/class/block/md0/slaves/dm-0");
        g_autoptr(Snapshot) circle = host_tree_read(host, HOST_USES);
        host_check_uses(circle, "00:04.0", "host: mounted on /data");
}

static void test_major_zero_storage(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_add_block(host, "virtual/block", "dm-0", 253, 0);
        host_link(host, "../../x/nvme0n1p1", "sys/class/block/dm-0/slaves/nvme0n1p1");
        host_link(host, "../dm-0", "dev/mapper/crypt");
        host_answer(host);
        add_mount(host, "30 27 0:50 /@home /home rw - btrfs /dev/mapper/crypt rw,subvol=/@home");
        g_autoptr(Snapshot) by_mapper = host_tree_read(host, HOST_USES);
        host_check_uses(by_mapper, "00:04.0", "host: mounted on /home");

        /* btrfs names one of its disks: the others are found in sysfs. */
        io_tree_remove(host->tree, "sys/class/block/dm-0/slaves/nvme0n1p1");
        add_mount(host, "30 27 0:50 / /home rw - btrfs /dev/vda2 rw");
        io_tree_put_dir(host->tree, "sys/fs/btrfs/features");
        host_link(host, "../../x", "sys/fs/btrfs/1234/devices/vda2");
        host_link(host, "../../x", "sys/fs/btrfs/1234/devices/nvme0n1");
        g_autoptr(Snapshot) many = host_tree_read(host, HOST_USES);
        host_check_uses(many, "00:04.0", "host: mounted on /home");
}

/* ZFS tells nobody what it stands on: an idle disk with partitions may be its. */
static void test_zfs(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_answer(host);
        add_mount(host, "30 27 0:50 / /home rw - zfs tank/home rw");
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "00:04.0", "storage: may be part of ZFS pool tank");
        host_check_uses(s, "00:01.0", "host: mounted on /");
}

/* With multipath the mounted disk is a child of no controller; the hidden paths tell. */
static void test_nvme_multipath(void) {
        g_autoptr(Host) host = host_tree_new(0);
        const char *two = host_add_function(host, "pci0000:00", "0000:00:05.0", 0x1b36, 0x0010, 0x010802, "nvme");
        g_autofree char *path = g_strdup_printf("%s/nvme/nvme1", two);
        host_add_block(host, path, "nvme1c0n1", 259, 10);
        host_add_block(host, "virtual/nvme-subsystem/nvme-subsys1", "nvme1n1", 259, 11);
        host_add_block(host, "virtual/nvme-subsystem/nvme-subsys1/nvme1n1", "nvme1n1p1", 259, 12);
        host_answer(host);
        add_mount(host, "30 27 259:12 / /fast rw - ext4 /dev/nvme1n1p1 rw");
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "00:05.0", "host: mounted on /fast");
        host_check_uses(s, "00:04.0", "");
        const Dev *dev = host_find(s, "00:05.0");
        g_assert_cmpuint(dev->blocks->len, ==, 1);
        g_assert_cmpstr(dev->blocks->pdata[0], ==, "nvme1n1");
}

static void test_network_uses(void) {
        g_autoptr(Host) host = host_tree_new(3);
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:10.0", "enp1s0v0", 10, IFF_UP, 0, 0);
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:10.2", "enp1s0v1", 11, 0, 20, 0);
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:10.4", "enp1s0v2", 12, 0, 0, 0);
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:00.0", "rep0", 13, IFF_UP, 20, 0);
        host_add_link(host, NULL, "br0", 20, IFF_UP, 0, 0);
        host_add_link(host, NULL, "vlan5", 21, 0, 0, 12);
        host_add_address(host, 10, "10.0.0.3", 24);
        host_add_address(host, 10, "fd00::3", 64);
        host_add_default_route(host, 2);
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "eth0", "host: default route (eth0); network: eth0 is up with 10.0.0.5/24");
        host_check_uses(s, "enp1s0", ""); /* up, as a PF should be, and a representor in a bridge */
        host_check_uses(s, "enp1s0/0", "network: enp1s0v0 is up with 10.0.0.3/24, fd00::3/64");
        host_check_uses(s, "enp1s0/1", "network: enp1s0v1 is a port of br0");
        host_check_uses(s, "enp1s0/2", "network: enp1s0v2 carries vlan5");
}

/* libvirt's note of what a VF goes back to is there from before it takes the VF. */
static void test_libvirt_keeps(void) {
        g_autoptr(Host) host = host_tree_new(3);

        host_put(host, "{\"mac\":\"02:00:00:00:02:01\"}", "run/libvirt/hostdevmgr/enp1s0_vf1");
        host_put(host, "x", "run/libvirt/hostdevmgr/enp1s0_vf12");
        host_put(host, "x", "run/libvirt/hostdevmgr/enp1s0_vf");
        host_put(host, "x", "run/libvirt/hostdevmgr/eth0_vf0");
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        const Dev *pf = snapshot_find(s, "enp1s0", NULL);
        for (unsigned i = 0; i < 3; i++)
                g_assert_true(snapshot_vf(s, pf, i)->libvirt_keeps == (i == 1));
}

static void test_pf_address(void) {
        g_autoptr(Host) host = host_tree_new(0);
        for (int i = 1; i < 6; i++) {
                g_autofree char *ip = g_strdup_printf("10.1.0.%d", i);
                host_add_address(host, 3, ip, 16);
        }
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "enp1s0", "network: enp1s0 is up with 10.1.0.1/16, 10.1.0.2/16, 10.1.0.3/16 and 2 more");
}

/* The default route leaves by a VLAN on a bond of the management card and the PF. */
static void test_route_through_bond(void) {
        g_autoptr(Host) host = host_tree_new(1);
        const char *nic = host_add_function(host, "pci0000:00", "0000:00:06.0", 0x8086, 0x100e, 0x020000, "e1000");
        host_add_link(host, nic, "eth1", 30, IFF_UP, 31, 0);
        host_add_link(host, NULL, "bond0", 31, IFF_UP, 0, 0);
        host_add_link(host, NULL, "bond0.7", 32, IFF_UP, 0, 31);
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:10.0", "enp1s0v0", 33, 0, 31, 0);
        host_add_default_route(host, 32);
        host_add_default_route(host, 32);
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "eth1", "host: default route (bond0.7 over eth1); network: eth1 is up, is a port of bond0");
        host_check_uses(s, "enp1s0/0",
                        "host: default route (bond0.7 over enp1s0v0); network: enp1s0v0 is a port of bond0");
        host_check_uses(s, "eth0", "network: eth0 is up with 10.0.0.5/24");
}

/* A group lies before its members in the list, as well as after them. */
static void test_route_by_nexthop(void) {
        g_autoptr(Host) host = host_tree_new(2);
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:10.0", "enp1s0v0", 33, 0, 0, 0);
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:10.2", "enp1s0v1", 34, 0, 0, 0);
        host_add_default_route_by(host, 8);
        host_add_nexthop(host, 7, 33, 0, 0);
        host_add_nexthop(host, 8, 0, 9, 7);
        host_add_nexthop(host, 9, 3, 0, 0);
        host_add_nexthop(host, 10, 34, 0, 0); /* nobody's way */
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "enp1s0/0", "host: default route (enp1s0v0)");
        host_check_uses(s, "enp1s0", "host: default route (enp1s0)");
        host_check_uses(s, "enp1s0/1", "");

        g_autoptr(Host) deaf = host_tree_new(0); /* it does not tell of its nexthop objects */
        host_add_default_route_by(deaf, 8);
        host_answer(deaf);
        g_autoptr(Snapshot) unknown = host_tree_read(deaf, HOST_USES);
        g_assert_true(host_has_note(unknown, "by a nexthop object is not known"));
}

/* The disk is mounted where process 1 lives, and not where we do. */
static void test_mounts_of_host(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_put(host, "40 1 259:1 / /data rw - xfs /dev/nvme0n1p1 rw\n", "proc/1/mountinfo");
        host_link(host, "mnt:[4026531841]", "proc/1/ns/mnt");
        host_link(host, "mnt:[4026531841]", "proc/900/ns/mnt");
        host_answer(host);
        g_autoptr(Snapshot) same = host_tree_read(host, HOST_USES);
        host_check_uses(same, "00:04.0", "");

        host_link(host, "mnt:[4026532999]", "proc/900/ns/mnt");
        g_autoptr(Snapshot) other = host_tree_read(host, HOST_USES);
        host_check_uses(other, "00:04.0", "host: mounted on /data");
        host_check_uses(other, "00:01.0", "host: mounted on /, /srv/my data");
}

static void test_processes_of_container(void) {
        static const struct {
                const char *first, *second, *own; /* links of 1 and self, what 2 is called; NULL: cannot be read */
                bool hidden;
        } rows[] = {
                {NULL, NULL, NULL, false}, /* a recorded host */
                {"pid:[4026531836]", NULL, "pid:[4026531836]", false},
                {"pid:[4026531836]", "kthreadd", "pid:[4026532777]", false}, /* in a container with the host's /proc */
                {"pid:[4026532777]", NULL, "pid:[4026532777]", true},
                {"pid:[4026532777]", "kthreadd", "pid:[4026532777]", true}, /* only a name */
                {NULL, "kthreadd", "pid:[4026531836]", false},
                {NULL, "bash", "pid:[4026532777]", true},
                {NULL, NULL, "pid:[4026532777]", true},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Host) host = host_tree_new(0);
                if (rows[i].first)
                        host_link(host, rows[i].first, "proc/1/ns/pid");
                if (rows[i].second)
                        host_put(host, rows[i].second, "proc/2/comm");
                if (rows[i].own)
                        host_link(host, rows[i].own, "proc/900/ns/pid");
                host_answer(host);
                g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
                g_assert_cmpint(s->processes_hidden, ==, rows[i].hidden);
                g_assert_cmpint(host_has_note(s, "only a container's processes"), ==, rows[i].hidden);
        }
}

static void test_login_by_environment(void) {
        g_autoptr(Host) host = host_tree_new(0);
        static const char environment[] = "HOME=/root\0SSH_CONNECTION=192.168.9.9 50000 10.0.0.5 22\0TERM=xterm";
        io_tree_put_file(host->tree, "proc/900/environ", environment, sizeof environment);
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "eth0", "host: carries your login (10.0.0.5 on eth0); network: eth0 is up with 10.0.0.5/24");
}

/* sudo dropped the variable: sshd, our ancestor, holds the connection. Its name has a bracket to trip a parser. */
static void test_login_by_socket(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_add_process(host, 800, 1, "sshd) S 1 (x", "sshd", 5);
        host_add_process(host, 850, 800, "sudo", "sudo", 5);
        host_add_process(host, 900, 850, "vfadm", "vfadm", 6);
        host_add_process(host, 700, 1, "web", "web", 4);
        host_add_fd(host, 800, 0, "/dev/null");
        host_add_fd(host, 800, 4, "socket:[4711]");
        host_add_fd(host, 700, 4, "socket:[4712]");
        host_put(host,
                 "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
                 "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n"
                 "   1: 0701000A:0050 0909A8C0:C350 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 20 4 30 10 -1\n",
                 "proc/net/tcp");
        host_put(host,
                 "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
                 "   0: 0000000000000000FFFF00000500000A:0016 0000000000000000FFFF00000909A8C0:C350 01 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 20 4 30 10 -1\n",
                 "proc/net/tcp6");
        host_add_address(host, 3, "10.0.1.7", 24);
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "eth0", "host: carries your login (10.0.0.5 on eth0); network: eth0 is up with 10.0.0.5/24");
        host_check_uses(s, "enp1s0", "network: enp1s0 is up with 10.0.1.7/24"); /* somebody else's connection */
        g_assert_cmpuint(s->notes->len, ==, 0);

        io_tree_put_errno(host->tree, "proc/800/fd", -EACCES);
        io_tree_remove(host->tree, "proc/800/fd/4");
        io_tree_remove(host->tree, "proc/800/fd/0");
        g_autoptr(Snapshot) blind = host_tree_read(host, HOST_USES);
        g_assert_true(host_has_note(blind, "carries your login cannot be seen without root"));
}

static void bind_to(Host *host, const char *bdf, const char *driver) {
        g_autofree char *text = g_strdup_printf("DRIVER=%s\nPCI_CLASS=20000\nPCI_ID=8086:10CA\n", driver);
        host_put(host, text, "sys/bus/pci/devices/%s/uevent", bdf);
}

static void test_process_uses(void) {
        g_autoptr(Host) host = host_tree_new(4);
        static const char qemu[] = "/usr/bin/qemu-system-x86_64\0-name\0guest=web1,debug-threads=on\0-m\0" "512";
        static const char dpdk[] = "dpdk-testpmd\0-a\0" "01:10.2";

        bind_to(host, "0000:01:10.0", "vfio-pci");
        bind_to(host, "0000:01:10.2", "igbvf_vfio_pci");
        bind_to(host, "0000:01:10.4", "vfio-pci");
        bind_to(host, "0000:01:10.6", "uio_pci_generic");
        host_link(host, "../../../../kernel/iommu_groups/20", "sys/bus/pci/devices/0000:01:10.4/iommu_group");
        io_tree_put_dir(host->tree, "sys/bus/pci/devices/0000:01:10.2/vfio-dev/vfio1");
        io_tree_put_dir(host->tree, "sys/bus/pci/devices/0000:01:10.6/uio/uio0");
        host_add_process(host, 812, 1, "qemu-system-x86", qemu, sizeof qemu);
        host_add_fd(host, 812, 20, "/dev/vfio/vfio");
        host_add_fd(host, 812, 21, "/dev/vfio/20");
        host_add_fd(host, 812, 22, "/dev/vfio/20");
        host_add_fd(host, 812, 23, "anon_inode:[vfio-device]");
        host_add_process(host, 820, 1, "dpdk-testpmd", dpdk, sizeof dpdk);
        host_add_fd(host, 820, 7, "/dev/vfio/devices/vfio1");
        host_add_fd(host, 820, 8, "/dev/uio0");
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "enp1s0/0", "process: guest web1 (qemu-system-x86, pid 812)");
        host_check_uses(s, "enp1s0/2", "process: guest web1 (qemu-system-x86, pid 812)"); /* the group is open */
        host_check_uses(s, "enp1s0/1", "process: dpdk-testpmd (pid 820)");
        host_check_uses(s, "enp1s0/3", "process: dpdk-testpmd (pid 820)");
        const Use *use = dev_use(host_find(s, "enp1s0/0"));
        g_assert_cmpint(use->pid, ==, 812);
        g_assert_cmpstr(use->guest, ==, "web1");
        g_assert_null(dev_use(host_find(s, "enp1s0/1"))->guest);
        g_assert_cmpuint(s->notes->len, ==, 0);

        io_tree_put_errno(host->tree, "proc/1/fd", -EACCES);
        g_autoptr(Snapshot) blind = host_tree_read(host, HOST_USES);
        g_assert_true(host_has_note(blind, "cannot be fully seen without root"));
        host_check_uses(blind, "enp1s0/0", "process: guest web1 (qemu-system-x86, pid 812)");
}

/* A guest on a bare disk, a database on a partition of another: seen by those who are about to take the disk away. */
static void test_open_disks(void) {
        g_autoptr(Host) host = host_tree_new(0);
        static const char qemu[] = "/usr/bin/qemu-system-x86_64\0-name\0db\0-drive\0" "file=/dev/nvme0n1";
        const char *two = host_add_function(host, "pci0000:00", "0000:00:05.0", 0x1b36, 0x0010, 0x010802, "nvme");
        host_add_block(host, two, "nvme7n1", 259, 20);
        host_add_process(host, 812, 1, "qemu-system-x86", qemu, sizeof qemu);
        host_add_fd(host, 812, 9, "/dev/nvme0n1");
        host_add_process(host, 830, 1, "postgres", "postgres", sizeof "postgres");
        host_add_fd(host, 830, 4, "/dev/nvme7n1");
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES | HOST_OPEN_DISKS);
        host_check_uses(s, "00:04.0", "process: its disk is open in guest db (qemu-system-x86, pid 812)");
        host_check_uses(s, "00:05.0", "storage: its disk is open in postgres (pid 830)");
        g_autoptr(Snapshot) quick = host_tree_read(host, HOST_USES);
        host_check_uses(quick, "00:04.0", "");
}

static void test_other_namespace(void) {
        g_autoptr(Host) host = host_tree_new(4);
        bind_to(host, "0000:01:10.0", "igbvf");
        bind_to(host, "0000:01:10.2", "vfio-pci");
        bind_to(host, "0000:01:10.4", "igbvf");
        for (int i = 0; i < 6; i += 2) {
                g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/0000:01:10.%d/net", i);
                io_tree_put_dir(host->tree, path);
        }
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:10.4", "enp1s0v2", 40, 0, 0, 0);
        bind_to(host, "0000:01:10.6", "igbvf"); /* has no network device anywhere */
        io_tree_remove(host->tree, "sys/devices/pci0000:00/0000:00:03.0/virtio1/net/eth0");
        io_tree_remove(host->tree, "sys/class/net/eth0");
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        host_check_uses(s, "enp1s0/0", "network: its network device is in another network namespace");
        host_check_uses(s, "enp1s0/1", "");
        host_check_uses(s, "enp1s0/2", "");
        host_check_uses(s, "enp1s0/3", "");
}

int main(int argc, char **argv) {
        static const struct {
                const char *path;
                void (*test)(void);
        } tests[] = {
                {"/host-uses/storage", test_storage_uses},
                {"/host-uses/stacked-storage", test_stacked_storage},
                {"/host-uses/major-zero", test_major_zero_storage},
                {"/host-uses/zfs", test_zfs},
                {"/host-uses/nvme-multipath", test_nvme_multipath},
                {"/host-uses/network", test_network_uses},
                {"/host-uses/libvirt-keeps", test_libvirt_keeps},
                {"/host-uses/pf-address", test_pf_address},
                {"/host-uses/route-through-bond", test_route_through_bond},
                {"/host-uses/route-by-nexthop", test_route_by_nexthop},
                {"/host-uses/mounts-of-host", test_mounts_of_host},
                {"/host-uses/processes-of-container", test_processes_of_container},
                {"/host-uses/login-by-environment", test_login_by_environment},
                {"/host-uses/login-by-socket", test_login_by_socket},
                {"/host-uses/process", test_process_uses},
                {"/host-uses/open-disks", test_open_disks},
                {"/host-uses/other-namespace", test_other_namespace},
        };
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add_func(tests[i].path, tests[i].test);
        return g_test_run();
}
