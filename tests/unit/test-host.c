/* Reading a host: what the snapshot says of a small machine in memory, and what becomes of files that are missing, cut
 * off or lies. */
#include "host/host.h"

#include "host/rtnl.h"
#include "host/text_parsers.h"
#include "host_tree.h"
#include "io/recorder.h"

#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

/* ---- what there is ---- */

static void test_identity(void) {
        g_autoptr(Host) host = host_tree_new(7);
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, 0);

        g_assert_cmpuint(s->devs->len, ==, 13);
        g_assert_cmpuint(s->notes->len, ==, 0);
        g_assert_cmpstr(s->kernel_release, ==, "6.12.107-test");
        g_assert_cmpstr(s->boot_id, ==, "11111111-2222-3333-4444-555555555555");
        g_assert_cmpstr(s->machine_id, ==, "0123456789abcdef0123456789abcdef");
        g_assert_true(s->has_iommu);
        g_assert_cmpint(s->intremap, ==, INTREMAP_ON);
        g_assert_false(s->unsafe_interrupts || s->lockdown);

        const Dev *pf = host_find(s, "enp1s0"), *port = host_find(s, "00:02.0");
        g_assert_cmpstr(pf->name, ==, "0000:01:00.0");
        g_assert_cmphex(pf->vendor, ==, 0x8086);
        g_assert_cmphex(pf->device, ==, 0x10c9);
        g_assert_cmphex(pf->subvendor, ==, 0x1af4);
        g_assert_cmphex(pf->subdevice, ==, 0x1100);
        g_assert_cmphex(pf->class_code, ==, 0x020000);
        g_assert_cmphex(port->class_code, ==, 0x060400);
        g_assert_cmpuint(pf->revision, ==, 1);
        g_assert_cmpstr(pf->driver, ==, "igb");
        g_assert_cmpstr(pf->modalias, ==, "pci:v00008086d000010C9sv00001AF4sd00001100bc02sc00i00");
        g_assert_null(pf->driver_override);
        g_assert_cmpint(pf->numa_node, ==, 1);
        g_assert_cmpint(port->numa_node, ==, -1);
        g_assert_cmpint(pf->iommu_group, ==, 10);
        g_assert_cmpint(port->iommu_group, ==, -1);
        g_assert_cmpstr(pf->path, ==, "pci0000:00/0000:00:02.0/0000:01:00.0");
        g_assert_true(pf->has_parent && pci_addr_equal(pf->parent, port->addr));
        g_assert_false(port->has_parent);
        g_assert_cmpstr(pf->slot, ==, "5");
        g_assert_null(port->slot);
        g_assert_cmpstr(pf->reset_methods[0], ==, "flr");
        g_assert_cmpstr(pf->reset_methods[1], ==, "bus");
        g_assert_null(pf->reset_methods[2]);
        g_assert_null(port->reset_methods);
        g_assert_false(pf->has_caps);
}

static void test_sriov(void) {
        g_autoptr(Host) host = host_tree_new(7);
        host_put(host, "vfio-pci\n", "sys/bus/pci/devices/0000:01:10.4/driver_override");
        host_put(host, "\n", "sys/bus/pci/devices/0000:01:10.4/reset_method");
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, 0);
        const Dev *pf = host_find(s, "enp1s0");

        g_assert_true(pf->is_pf);
        g_assert_false(pf->is_vf || pf->autoprobe);
        g_assert_cmpuint(pf->total_vfs, ==, 7);
        g_assert_cmpuint(pf->num_vfs, ==, 7);
        g_assert_null(pf->vf_infos);
        static const char *const names[] = {"0000:01:10.0", "0000:01:10.2", "0000:01:10.4", "0000:01:10.6",
                                            "0000:01:11.0", "0000:01:11.2", "0000:01:11.4"};
        for (unsigned i = 0; i < 7; i++) {
                const Dev *vf = snapshot_vf(s, pf, i);
                g_assert_nonnull(vf);
                g_assert_cmpstr(vf->name, ==, names[i]);
                g_assert_true(vf->is_vf && pci_addr_equal(vf->pf, pf->addr));
                g_assert_cmpuint(vf->vf_index, ==, i);
                g_assert_cmpint(vf->iommu_group, ==, 20 + (int) i);
                g_assert_null(vf->driver);
        }
        const Dev *vf = host_find(s, "enp1s0/2");
        g_assert_cmpstr(vf->driver_override, ==, "vfio-pci");
        g_assert_nonnull(vf->reset_methods);
        g_assert_null(vf->reset_methods[0]);
}

/* More than ten VFs: virtfn10 sorts before virtfn2. */
static void test_many_vfs(void) {
        g_autoptr(Host) host = host_tree_new(300);
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, 0);
        const Dev *pf = host_find(s, "enp1s0");
        g_assert_cmpuint(pf->num_vfs, ==, 300);
        for (unsigned i = 0; i < 300; i++)
                g_assert_cmpuint(snapshot_vf(s, pf, i)->vf_index, ==, i);
}

static void test_nets_and_blocks(void) {
        g_autoptr(Host) host = host_tree_new(0);
        /* In switchdev mode the representors sit below the PF as well, and may come first. */
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:00.0", "rep0", 1000, IFF_UP, 0, 0);
        io_tree_put_text(host->tree, "sys/class/net/bonding_masters", "\n"); /* a file among the links */
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, 0);
        const Dev *pf = host_find(s, "01:00.0"), *mgmt = host_find(s, "eth0");
        const Dev *disk = host_find(s, "00:01.0"), *nvme = host_find(s, "00:04.0");
        char mac[MAC_TEXT_SIZE];

        g_assert_cmpuint(pf->nets->len, ==, 2);
        g_assert_cmpstr(dev_net(pf)->name, ==, "enp1s0");
        g_assert_cmpstr(((NetDev *) pf->nets->pdata[1])->phys_port_name, ==, "pf0vf0");
        g_assert_cmpstr(mgmt->name, ==, "0000:00:03.0");
        const NetDev *eth0 = dev_net(mgmt);
        g_assert_cmpint(eth0->ifindex, ==, 2);
        g_assert_true(eth0->up && eth0->carrier);
        mac_format(eth0->mac, mac);
        g_assert_cmpstr(mac, ==, "02:00:00:00:00:02");
        mac_format(eth0->permanent_mac, mac);
        g_assert_cmpstr(mac, ==, "06:00:00:00:00:02");
        g_assert_cmpuint(eth0->addresses->len, ==, 1); /* without the link-local one */
        g_assert_cmpstr(eth0->addresses->pdata[0], ==, "10.0.0.5/24");
        g_assert_cmpuint(disk->blocks->len, ==, 1);
        g_assert_cmpstr(disk->blocks->pdata[0], ==, "vda");
        g_assert_cmpuint(nvme->blocks->len, ==, 1);
        g_assert_cmpstr(nvme->blocks->pdata[0], ==, "nvme0n1");
}

/* A folder without netlink answers: sysfs tells all but permanent MACs and addresses, and a note says so. */
static void test_without_netlink(void) {
        g_autoptr(Host) host = host_tree_new(1);
        host_add_link(host, "pci0000:00/0000:00:02.0/0000:01:00.0", "rep0", 1, IFF_UP, 0, 0);
        host_add_link(host, NULL, "bond0", 9, IFF_UP, 0, 0);
        host_link(host, "../eth0", "sys/class/net/bond0/lower_eth0");
        host_link(host, "../../../../virtual/net/bond0", "sys/class/net/eth0/master");
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_EVERYTHING & ~(unsigned) HOST_NAMES);
        const NetDev *eth0 = dev_net(host_find(s, "eth0"));
        char mac[MAC_TEXT_SIZE];

        g_assert_cmpint(eth0->ifindex, ==, 2);
        g_assert_true(eth0->up && eth0->carrier);
        g_assert_cmpstr(eth0->master, ==, "bond0");
        mac_format(eth0->mac, mac);
        g_assert_cmpstr(mac, ==, "02:00:00:00:00:02");
        g_assert_true(mac_is_zero(eth0->permanent_mac));
        g_assert_cmpstr(dev_net(host_find(s, "01:00.0"))->name, ==, "enp1s0");
        g_assert_true(host_has_note(s, "addresses of network devices are not known"));
        g_assert_true(host_has_note(s, "which device carries the default route is not known"));
        g_assert_cmpint(host_find(s, "enp1s0")->vf_infos_error, ==, -EOPNOTSUPP);
        g_assert_null(host_find(s, "enp1s0")->vf_infos);
        host_check_uses(s, "eth0", "network: eth0 is up, is a port of bond0");
}

static void test_vf_states(void) {
        g_autoptr(Host) host = host_tree_new(2);
        g_autoptr(GByteArray) request = rtnl_build_get_vfs(3);
        /* A change of a VF's state and the answer to a question have the same nested shape. */
        VfState state = {.mac = {2, 0, 0, 0, 0, 0x77}, .vlan = 5, .proto = VLAN_PROTO_8021Q};
        g_autoptr(GByteArray) reply = rtnl_build_set_vf(3, 1, &state, VF_MAC | VF_VLAN | VF_TRUST);
        ((struct nlmsghdr *) reply->data)->nlmsg_type = RTM_NEWLINK;
        io_tree_put_netlink(host->tree, request->data, request->len, 0, reply->data, reply->len);
        host_answer(host);

        g_autoptr(Snapshot) without = host_tree_read(host, HOST_USES);
        g_assert_null(host_find(without, "enp1s0")->vf_infos);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_VF_STATE);
        const Dev *pf = host_find(s, "enp1s0");
        g_assert_cmpuint(pf->vf_infos->len, ==, 2);
        g_assert_true(g_array_index(pf->vf_infos, VfInfo, 0).missing);
        g_assert_null(snapshot_vf_state(s, host_find(s, "enp1s0/0")));
        const VfState *told = snapshot_vf_state(s, host_find(s, "enp1s0/1"));
        g_assert_cmphex(told->known, ==, VF_MAC | VF_VLAN | VF_TRUST);
        g_assert_cmpuint(told->vlan, ==, 5);
        g_assert_cmpuint(told->mac[5], ==, 0x77);
}

static void test_caps_and_notes(void) {
        g_autoptr(Host) host = host_tree_new(2);
        uint8_t config[256] = {0x86, 0x80, 0xc9, 0x10, [0x06] = 0x10, [0x34] = 0x40, [0x40] = 0x11, [0x42] = 9};
        io_tree_put_file(host->tree, "sys/bus/pci/devices/0000:01:00.0/config", config, sizeof config);
        io_tree_put_file(host->tree, "sys/bus/pci/devices/0000:01:10.0/config", config, 64);
        io_tree_put_file(host->tree, "sys/bus/pci/devices/0000:00:02.0/config", config, 64);
        io_tree_put_errno(host->tree, "sys/bus/pci/devices/0000:00:01.0/config", -EACCES);
        host_answer(host);
        uint8_t whole[4096] = {0x86, 0x80, 0xc9, 0x10, [0x06] = 0x10, [0x34] = 0x40, [0x40] = 0x11, [0x42] = 9};
        io_tree_put_file(host->tree, "sys/bus/pci/devices/0000:01:10.2/config", whole, sizeof whole);
        io_tree_put_file(host->tree, "sys/bus/pci/devices/0000:00:03.0/config", whole, sizeof whole);
        g_autoptr(Snapshot) brief = host_tree_read(host, HOST_CAPS | HOST_VF_BRIEF);
        g_assert_cmpuint(host_find(brief, "0000:01:10.2")->caps.length, ==, 256);
        g_assert_cmpuint(host_find(brief, "0000:01:10.2")->caps.msix_vectors, ==, 10);
        g_assert_cmpuint(host_find(brief, "0000:00:03.0")->caps.length, ==, 4096);

        g_autoptr(Snapshot) s = host_tree_read(host, HOST_CAPS);
        g_assert_cmpuint(host_find(s, "0000:01:10.2")->caps.length, ==, 4096);
        g_assert_true(host_find(s, "enp1s0")->has_caps);
        g_assert_cmpuint(host_find(s, "enp1s0")->caps.msix_vectors, ==, 10);
        g_assert_cmpuint(host_find(s, "enp1s0/0")->caps.length, ==, 64);
        g_assert_cmpuint(host_find(s, "enp1s0/0")->caps.msix_vectors, ==, 0);
        g_assert_false(host_find(s, "00:01.0")->has_caps);
        g_assert_cmpuint(s->notes->len, ==, 2); /* each told once */
        g_assert_true(host_has_note(s, "beyond 64 bytes needs root"));
        g_assert_true(host_has_note(s, "config space cannot be read"));
}

/* The hardware database belongs to the machine that runs the test, which need not have one. */
static void test_names(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_answer(host);
        g_autoptr(Snapshot) unasked = host_tree_read(host, 0), s = host_tree_read(host, HOST_NAMES);
        g_assert_null(host_find(unasked, "enp1s0")->vendor_name);
        bool there = g_file_test("/usr/lib/udev/hwdb.bin", G_FILE_TEST_EXISTS) ||
                     g_file_test("/etc/udev/hwdb.bin", G_FILE_TEST_EXISTS);
        g_assert_cmpstr(host_find(s, "enp1s0")->vendor_name, ==, there ? "Intel Corporation" : NULL);
        g_assert_cmpstr(host_find(s, "enp1s0")->device_name, ==, there ? "82576 Gigabit Network Connection" : NULL);
}

static void test_host_facts(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_put(host, "Y\n", "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
        host_put(host, "none [integrity] confidentiality\n", "sys/kernel/security/lockdown");
        host_put(host, " 24:  12  PCI-MSIX-0000:01:00.0  0-edge  enp1s0\n", "proc/interrupts");
        host_put(host, "uninitialized\n", "etc/machine-id");
        host_put(host, "Y\n", "sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, 0);
        g_assert_true(s->unsafe_interrupts && s->lockdown);
        g_assert_cmpint(s->intremap, ==, INTREMAP_OFF);
        g_assert_null(s->machine_id);
        g_assert_false(s->has_iommu); /* the groups there are protect nothing */
        host_put(host, "\n", "sys/class/iommu/dmar0/name");
        g_autoptr(Snapshot) again = host_tree_read(host, 0);
        g_assert_true(again->has_iommu);
}

/* Whatever stands in the file of a domain that is not the first, this host is no dom0. */
static void test_xen(void) {
        static const struct {
                const char *text;
                bool dom0;
        } rows[] = {{"control_d\n", true}, {"", false}, {"\n", false}, {"control_dx\n", false}, {"other control_d\n", true}};
        const PciAddr vf = {.bus = 1, .slot = 0x10};

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Host) host = host_tree_new(2);
                host_put(host, rows[i].text, "proc/xen/capabilities");
                host_put(host, "0000:01:10.0\n0000:01:00.0\n0000:77:00.0\nnonsense\n", "sys/bus/pci/drivers/pciback/permissive");
                host_put(host, "DRIVER=pciback\nPCI_CLASS=20000\nPCI_ID=8086:10CA\nPCI_SUBSYS_ID=1AF4:1100\nPCI_SLOT_NAME=0000:01:10.0\n",
                         "sys/devices/pci0000:00/0000:00:02.0/0000:01:10.0/uevent");
                host_answer(host);
                g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES), again = host_read_uses(host->io, &vf, 1);
                g_assert_cmpint(s->xen_dom0, ==, rows[i].dom0);
                g_assert_cmpint(host_is_xen_dom0(host->io), ==, rows[i].dom0);
                g_assert_cmpint(again->xen_dom0, ==, rows[i].dom0);
                g_assert_cmpstr(host_find(s, "0000:01:10.0")->driver, ==, "pciback");
                g_assert_cmpint(host_find(s, "0000:01:10.0")->permissive, ==, rows[i].dom0);
                g_assert_false(host_find(s, "0000:01:10.2")->permissive);
                g_assert_false(host_find(s, "0000:01:00.0")->permissive); /* dom0's driver has it */
        }
        g_autoptr(Host) without = host_tree_new(2);
        host_answer(without);
        g_autoptr(Snapshot) s = host_tree_read(without, 0);
        g_assert_false(s->xen_dom0);
}

/* A record is of a dom0 when the host was, and of none when it was not. */
static void test_xen_in_record(void) {
        for (int dom0 = 0; dom0 < 2; dom0++) {
                g_autoptr(Host) host = host_tree_new(2);
                g_autoptr(GError) error = NULL;
                if (dom0)
                        host_put(host, "control_d\n", "proc/xen/capabilities");
                host_answer(host);
                g_autoptr(Io) recorder = io_recorder_new(host->io);
                g_autoptr(Snapshot) read = host_read(recorder, HOST_USES, &error);
                g_autofree char *dir = g_dir_make_tmp("vfadm-host-XXXXXX", &error), *file = g_build_filename(dir, "host.tar", NULL);
                g_assert_true(io_recorder_write(recorder, file, &error));
                g_autoptr(Io) record = io_archive_open(file, &error);
                g_assert_no_error(error);
                g_autoptr(Snapshot) s = host_read(record, HOST_USES, &error);
                g_assert_no_error(error);
                g_assert_cmpint(s->xen_dom0, ==, dom0);
                g_assert_cmpint(g_remove(file), ==, 0);
                g_assert_cmpint(g_rmdir(dir), ==, 0);
        }
}

static void test_no_pci(void) {
        IoTree *tree = io_tree_new();
        g_autoptr(Io) io = io_tree_io(tree);
        g_autoptr(GError) error = NULL, denied = NULL;
        g_assert_null(host_read(io, HOST_EVERYTHING, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
        g_assert_nonnull(strstr(error->message, "is sysfs mounted"));
        io_tree_put_errno(tree, "sys/bus/pci/devices", -EACCES);
        g_assert_null(host_read(io, HOST_EVERYTHING, &denied));
        g_assert_error(denied, VFADM_ERROR, VFADM_ERROR_PERMISSION);
}

/* A function whose files are gone though it was listed, and VFs that are half made. */
static void test_vanishing(void) {
        g_autoptr(Host) host = host_tree_new(7);
        io_tree_remove(host->tree, "sys/bus/pci/devices/0000:01:10.0/uevent");
        io_tree_remove(host->tree, "sys/bus/pci/devices/0000:01:00.0/virtfn1");
        host_link(host, "../0000:09:09.0", "sys/bus/pci/devices/0000:01:00.0/virtfn6"); /* no such function */
        host_put(host, "x", "sys/bus/pci/devices/0000:09:0a.0"); /* no folder */
        host_link(host, "../../../devices/nowhere", "sys/bus/pci/devices/0000:09:0b.0");
        host_answer(host);
        g_autoptr(Snapshot) s = host_tree_read(host, HOST_USES);
        const Dev *pf = host_find(s, "enp1s0");

        g_assert_cmpuint(s->devs->len, ==, 10);
        g_assert_null(snapshot_vf(s, pf, 0));
        g_assert_null(snapshot_vf(s, pf, 1)); /* and above all not some other function */
        g_assert_cmpstr(snapshot_vf(s, pf, 2)->name, ==, "0000:01:10.4");
        g_assert_null(snapshot_vf(s, pf, 6));
        g_assert_cmpuint(pf->num_vfs, ==, 6);
        g_assert_true(host_has_note(s, "0000:01:10.2 is left out"));
        g_assert_null(g_hash_table_lookup(s->by_name, "0000:01:10.2"));
        g_assert_null(g_hash_table_lookup(s->by_name, "0000:01:10.0"));
}

/* ---- cost ---- */

typedef struct {
        Io io;
        Io *base;
        unsigned calls;
} CountingIo;

static Io *counted(Io *io) {
        ((CountingIo *) io)->calls++;
        return ((CountingIo *) io)->base;
}

static int counting_read(Io *io, const char *path, size_t max, GBytes **ret) {
        return io_read(counted(io), path, max, ret);
}

static int counting_readlink(Io *io, const char *path, char **ret) {
        return io_readlink(counted(io), path, ret);
}

static int counting_list(Io *io, const char *path, char ***ret) {
        return io_list(counted(io), path, ret);
}

static int counting_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack) {
        return io_netlink(counted(io), request, length, reply, extack);
}

static int64_t counting_now(Io *io) {
        return io_now(((CountingIo *) io)->base);
}

static void counting_pause(Io *io, unsigned milliseconds) {
        io_pause(((CountingIo *) io)->base, milliseconds);
}

static unsigned calls_for(unsigned vfs) {
        static const IoCalls calls = {.read = counting_read, .readlink = counting_readlink, .list = counting_list,
                                      .netlink = counting_netlink, .now = counting_now, .pause = counting_pause};
        g_autoptr(Host) host = host_tree_new(vfs);
        host_answer(host);
        CountingIo io = {.io = {.calls = &calls}, .base = host->io};
        g_autoptr(GError) error = NULL;
        g_autoptr(Snapshot) s = host_read(&io.io, HOST_USES | HOST_CAPS, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(s->devs->len, ==, 6 + vfs);
        return io.calls;
}

/* A VF costs the same few reads whatever their number. */
static void test_linear(void) {
        unsigned few = calls_for(10), some = calls_for(110), many = calls_for(210);
        g_assert_cmpuint(many - some, ==, some - few);
        g_assert_cmpuint((some - few) / 100, <=, 11);
}

/* ---- hostile text ---- */

static void test_uevent(void) {
        static const char text[] = "DRIVER=igb\nPCI_CLASS=20000\nPCI_ID=8086:10C9\nPCI_SUBSYS_ID=8086:A03C\n"
                                   "MODALIAS=pci:v1\n";
        Uevent u;
        g_assert_true(uevent_parse(text, strlen(text), &u));
        g_assert_cmpstr(u.driver, ==, "igb");
        g_assert_cmphex(u.device, ==, 0x10c9);
        g_assert_cmphex(u.subdevice, ==, 0xa03c);
        uevent_clear(&u);
        static const char *const bad[] = {"", "PCI_ID=", "PCI_ID=8086", "PCI_ID=8086:", "PCI_ID=18086:10C9",
                                          "PCI_ID=8086:10C9:1",
                                          "XPCI_ID=8086:10C9", "DRIVER=a\nDRIVER=b\nMODALIAS=c\n", "PCI_ID= 8086:10C9"};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(uevent_parse(bad[i], strlen(bad[i]), &u));
        static const char nul[] = "PCI_ID=8086:10C9\nDRIVER=vfio\0-pci\n";
        g_assert_true(uevent_parse(nul, sizeof nul - 1, &u));
        g_assert_null(u.driver);
}

static void test_mountinfo(void) {
        static const char text[] =
                "36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noatime - ext3 /dev/root rw\n"
                "36 35 98:0 /mnt1 /x rw master:1 propagate_from:2 - ext3 /dev/vda1 rw\n"
                "36 35 98 /mnt1 /mnt2 rw - ext3 /dev/root rw\n"
                "36 35 98:0 /mnt1 /mnt2 rw ext3 /dev/root rw\n"
                "36 35 98:0 /mnt1 /mnt2 rw -\n"
                "36 35 4294967296:0 / /mnt2 rw - ext3 /dev/root rw\n"
                "\n - - - - - - - - -\n"
                "36 35 1:2 / /cut\\04 rw - ext3 /dev/r";
        g_autoptr(GPtrArray) mounts = mountinfo_parse(text, strlen(text));
        g_assert_cmpuint(mounts->len, ==, 3);
        const Mount *a = mounts->pdata[0], *b = mounts->pdata[1], *c = mounts->pdata[2];
        g_assert_cmpstr(a->point, ==, "/mnt/a b\\c");
        g_assert_cmpuint(a->major, ==, 98);
        g_assert_cmpstr(a->type, ==, "ext3");
        g_assert_cmpstr(b->source, ==, "/dev/vda1");
        g_assert_cmpstr(c->point, ==, "/cut\\04");
        g_assert_cmpstr(c->source, ==, "/dev/r");
}

static void test_interrupts(void) {
        static const struct {
                const char *text;
                IntRemap expected;
        } table[] = {
                {" 24: 0 IR-PCI-MSI 0-edge x\n", INTREMAP_ON},
                {" 24: 0 DMAR-MSI 0-edge dmar0\n 25: 0 IR-PCI-MSIX-0000:01:00.0 0-edge\n", INTREMAP_ON},
                {" 24: 0 ITS-MSI 0 Edge x\n", INTREMAP_ON},
                {" 24: 0 PCI-MSI 0-edge x\n", INTREMAP_OFF},
                {" 24: 0 PCI-MSI 0-edge x\n 25: 0 IR-IO-APIC 9-fasteoi acpi\n", INTREMAP_ON},
                {" 24: 0 IO-APIC 9-fasteoi FIR-x\n", INTREMAP_UNKNOWN},
                {"", INTREMAP_UNKNOWN},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                g_assert_cmpint(interrupts_parse(table[i].text, strlen(table[i].text)), ==, table[i].expected);
}

static void test_small_parsers(void) {
        uint64_t inode = 99;
        int pid, parent;
        IpAddr ip;
        g_assert_true(socket_link_parse("socket:[4711]", &inode) && inode == 4711);
        static const char *const sockets[] = {"socket:[]", "socket:[47", "socket:47]", "pipe:[47]", "socket:[-1]",
                                              "socket:[4 ]", ""};
        for (size_t i = 0; i < G_N_ELEMENTS(sockets); i++)
                g_assert_false(socket_link_parse(sockets[i], &inode));

        static const char stat[] = "12 (a) b (c) R 7 1 1";
        g_assert_true(stat_parse_pids(stat, strlen(stat), &pid, &parent) && pid == 12 && parent == 7);
        static const char *const stats[] = {"", "12", "12 (a", "12 (a)", "12 (a) R", "x (a) R 7", "12 (a) R x",
                                            "12 (a) R -7 1"};
        for (size_t i = 0; i < G_N_ELEMENTS(stats); i++)
                g_assert_false(stat_parse_pids(stats[i], strlen(stats[i]), &pid, &parent));

        static const char *const environments[] = {"", "SSH_CONNECTION=", "SSH_CONNECTION=1.2.3.4 5 6.7.8.9999 22",
                                                   "XSSH_CONNECTION=1.1.1.1 1 2.2.2.2 2",
                                                   "SSH_CONNECTION=1.1.1.1 1"};
        for (size_t i = 0; i < G_N_ELEMENTS(environments); i++)
                g_assert_false(environ_login_address(environments[i], strlen(environments[i]), &ip));
        static const char v6[] = "SSH_CONNECTION=fe80::1%eth0 1 fe80::2%eth0 22";
        g_assert_true(environ_login_address(v6, strlen(v6), &ip));
        g_assert_true(ip.v6 && ip_is_link_local(&ip) && ip.bytes[15] == 2);

        g_assert_false(lockdown_parse("[none] integrity confidentiality"));
        g_assert_true(lockdown_parse("none integrity [confidentiality]"));
        g_autofree char *clean = text_printable("a\x1b[2J\xc2\x9b\xffz\n");
        g_assert_cmpstr(clean, ==, "a?[2J?\xef\xbf\xbdz?");
}

/* Every text file of the host, cut at some places and with bytes turned over: something is read, nothing breaks. */
static void test_hostile_files(void) {
        static const char *const paths[] = {
                "sys/bus/pci/devices/0000:01:00.0/uevent", "sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs",
                "sys/bus/pci/devices/0000:01:00.0/reset_method", "sys/bus/pci/slots/5/address",
                "proc/900/mountinfo", "proc/swaps",
                "proc/interrupts", "proc/900/stat", "proc/net/tcp", "etc/machine-id",
        };
        for (size_t p = 0; p < G_N_ELEMENTS(paths); p++) {
                g_autoptr(Host) host = host_tree_new(2);
                g_autoptr(GBytes) bytes = NULL;
                size_t length = 0;
                host_put(host, "sl local\n 0: 0500000A:0016 0909A8C0:C350 01 0:0 0:0 0 0 0 4711 1\n", "proc/net/tcp");
                host_answer(host);
                g_assert_cmpint(io_tree_read(host->tree, paths[p], &bytes), ==, 0);
                const uint8_t *data = g_bytes_get_data(bytes, &length);
                for (size_t i = 0; i < length; i++) {
                        g_autofree uint8_t *broken = g_memdup2(data, length);
                        broken[i] = (uint8_t) (i * 37 + 128);
                        io_tree_put_file(host->tree, paths[p], broken, i % 2 ? length : i);
                        g_autoptr(Snapshot) s = host_tree_read(host, HOST_EVERYTHING & ~(unsigned) HOST_NAMES);
                        g_assert_cmpuint(s->devs->len, >=, 5);
                }
        }
}

/* What udev's helper asks for each VF: that VF with its number, and its PF, whatever else there is. */
static void test_one_vf(void) {
        g_autoptr(Host) host = host_tree_new(7);
        PciAddr vf, pf, nobody;
        host_answer(host);
        g_assert_true(pci_addr_parse("0000:01:10.4", &vf) && pci_addr_parse("0000:01:00.0", &pf) && pci_addr_parse("0000:09:00.0", &nobody));

        g_autoptr(Snapshot) s = host_read_vf(host->io, vf);
        g_assert_cmpuint(s->devs->len, ==, 2);
        g_assert_cmpuint(snapshot_get(s, vf)->vf_index, ==, 2);
        g_assert_cmpstr(dev_net(snapshot_get(s, pf))->name, ==, "enp1s0");
        g_assert_cmpuint(snapshot_get(s, pf)->num_vfs, ==, 7);

        g_autoptr(Snapshot) only_pf = host_read_vf(host->io, pf);
        g_assert_cmpuint(only_pf->devs->len, ==, 1);
        g_autoptr(Snapshot) none = host_read_vf(host->io, nobody);
        g_assert_cmpuint(none->devs->len, ==, 0);

        /* Made or taken away right now: its PF does not list it. */
        io_tree_remove(host->tree, "sys/devices/pci0000:00/0000:00:02.0/0000:01:00.0/virtfn2");
        g_autoptr(Snapshot) unlisted = host_read_vf(host->io, vf);
        g_assert_null(snapshot_get(unlisted, vf));
}

/* The machine that runs the tests: whatever it is, the parts must fit each other. */
static void test_this_machine(void) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Io) io = io_real_new("/", &error);
        g_assert_no_error(error);
        g_autoptr(Snapshot) s = host_read(io, HOST_EVERYTHING, &error);
        if (!s) {
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
                g_test_skip("no PCI here");
                return;
        }
        g_assert_nonnull(s->kernel_release);
        for (unsigned i = 0; i < s->devs->len; i++) {
                const Dev *dev = s->devs->pdata[i];
                g_autofree char *folder = g_strdup_printf("/sys/bus/pci/devices/%s", dev->name);
                g_assert_true(g_file_test(folder, G_FILE_TEST_IS_DIR));
                g_assert_true(g_str_has_suffix(dev->path, dev->name));
                g_assert_true(snapshot_get(s, dev->addr) == dev);
                g_assert_true(!dev->is_vf || snapshot_vf(s, snapshot_pf(s, dev), dev->vf_index) == dev);
                g_assert_cmphex(dev->vendor, !=, 0xffff);
        }
}

int main(int argc, char **argv) {
        static const struct {
                const char *path;
                void (*test)(void);
        } tests[] = {
                {"/host/identity", test_identity},
                {"/host/sriov", test_sriov},
                {"/host/many-vfs", test_many_vfs},
                {"/host/nets-and-blocks", test_nets_and_blocks},
                {"/host/without-netlink", test_without_netlink},
                {"/host/vf-states", test_vf_states},
                {"/host/caps-and-notes", test_caps_and_notes},
                {"/host/names", test_names},
                {"/host/facts", test_host_facts},
                {"/host/xen", test_xen},
                {"/host/xen-in-record", test_xen_in_record},
                {"/host/no-pci", test_no_pci},
                {"/host/vanishing", test_vanishing},
                {"/host/linear", test_linear},
                {"/host/text/uevent", test_uevent},
                {"/host/text/mountinfo", test_mountinfo},
                {"/host/text/interrupts", test_interrupts},
                {"/host/text/small", test_small_parsers},
                {"/host/hostile-files", test_hostile_files},
                {"/host/one-vf", test_one_vf},
                {"/host/this-machine", test_this_machine},
        };
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
                g_test_add_func(tests[i].path, tests[i].test);
        return g_test_run();
}
