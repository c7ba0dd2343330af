/* A small host in memory for test-host. */
#include "host_tree.h"

#include "host/host.h"
#include "host/links.h"
#include "host/rtnl.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

void host_put(Host *host, const char *text, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *path = g_strdup_vprintf(format, args);
        va_end(args);
        io_tree_put_text(host->tree, path, text);
}

void host_link(Host *host, const char *target, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *path = g_strdup_vprintf(format, args);
        va_end(args);
        io_tree_put_link(host->tree, path, target);
}

const char *host_add_function(Host *host, const char *parent, const char *bdf, unsigned vendor, unsigned device,
                              unsigned class_code, const char *driver) {
        g_autofree char *path = g_strdup_printf("%s/%s", parent, bdf);
        g_autofree char *target = g_strdup_printf("../../../devices/%s", path);
        g_autofree char *driver_line = driver ? g_strdup_printf("DRIVER=%s\n", driver) : g_strdup("");
        g_autofree char *uevent = g_strdup_printf(
                "%sPCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=1AF4:1100\nPCI_SLOT_NAME=%s\n"
                "MODALIAS=pci:v%08Xd%08Xsv00001AF4sd00001100bc%02Xsc%02Xi%02X\n",
                driver_line, class_code, vendor, device, bdf, vendor, device, class_code >> 16, class_code >> 8 & 0xff,
                class_code & 0xff);
        host_put(host, uevent, "sys/devices/%s/uevent", path);
        host_put(host, "0x01\n", "sys/devices/%s/revision", path);
        host_put(host, "(null)\n", "sys/devices/%s/driver_override", path);
        host_put(host, "-1\n", "sys/devices/%s/numa_node", path);
        host_link(host, target, "sys/bus/pci/devices/%s", bdf);
        return g_intern_string(path);
}

static struct nlmsghdr *begin(uint8_t *buffer, uint16_t type, void **header, size_t size) {
        memset(buffer, 0, 1024);
        struct nlmsghdr *head = mnl_nlmsg_put_header(buffer);
        head->nlmsg_type = type;
        *header = mnl_nlmsg_put_extra_header(head, size);
        return head;
}

void host_add_link(Host *host, const char *place, const char *name, int ifindex, unsigned flags, int master,
                   int lower) {
        g_autofree char *target = g_strdup_printf("../../devices/%s/net/%s", place ? place : "virtual", name);
        g_autofree char *number = g_strdup_printf("%d\n", ifindex);
        g_autofree char *flag_text = g_strdup_printf("0x%x\n", flags);
        g_autofree char *mac_text = g_strdup_printf("02:00:00:00:00:%02x\n", (unsigned) ifindex & 0xff);
        uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t) ifindex}, buffer[1024];
        struct ifinfomsg *info;
        struct nlmsghdr *head = begin(buffer, RTM_NEWLINK, (void **) &info, sizeof *info);

        info->ifi_index = ifindex;
        info->ifi_flags = flags;
        mnl_attr_put_strz(head, IFLA_IFNAME, name);
        mnl_attr_put(head, IFLA_ADDRESS, 6, mac);
        mac[0] = 6; /* as burned in */
        mnl_attr_put(head, IFLA_PERM_ADDRESS, 6, mac);
        mnl_attr_put_u8(head, IFLA_CARRIER, !!(flags & IFF_UP));
        if (master)
                mnl_attr_put_u32(head, IFLA_MASTER, (uint32_t) master);
        if (lower)
                mnl_attr_put_u32(head, IFLA_LINK, (uint32_t) lower);
        if (g_str_has_prefix(name, "rep"))
                mnl_attr_put_strz(head, IFLA_PHYS_PORT_NAME, "pf0vf0");
        g_byte_array_append(host->links, buffer, head->nlmsg_len);

        g_autofree char *folder = g_strdup_printf("sys/devices/%s/net/%s", place ? place : "virtual", name);
        host_put(host, number, "%s/ifindex", folder);
        host_put(host, flag_text, "%s/flags", folder);
        host_put(host, mac_text, "%s/address", folder);
        host_put(host, flags & IFF_UP ? "1\n" : "0\n", "%s/carrier", folder);
        if (g_str_has_prefix(name, "rep"))
                host_put(host, "pf0vf0\n", "%s/phys_port_name", folder);
        host_link(host, target, "sys/class/net/%s", name);
}

void host_add_address(Host *host, int ifindex, const char *ip, unsigned prefix) {
        uint8_t buffer[1024], bytes[16];
        bool v6 = strchr(ip, ':');
        struct ifaddrmsg *info;
        struct nlmsghdr *head = begin(buffer, RTM_NEWADDR, (void **) &info, sizeof *info);

        g_assert_cmpint(inet_pton(v6 ? AF_INET6 : AF_INET, ip, bytes), ==, 1);
        info->ifa_family = v6 ? AF_INET6 : AF_INET;
        info->ifa_prefixlen = (uint8_t) prefix;
        info->ifa_index = (uint32_t) ifindex;
        mnl_attr_put(head, IFA_ADDRESS, v6 ? 16 : 4, bytes);
        g_byte_array_append(host->addresses, buffer, head->nlmsg_len);
}

static void add_route(Host *host, uint16_t type, uint32_t value) {
        uint8_t buffer[1024];
        struct rtmsg *route;
        struct nlmsghdr *head = begin(buffer, RTM_NEWROUTE, (void **) &route, sizeof *route);

        route->rtm_family = AF_INET;
        route->rtm_table = RT_TABLE_MAIN;
        route->rtm_type = RTN_UNICAST;
        mnl_attr_put_u32(head, type, value);
        g_byte_array_append(host->routes, buffer, head->nlmsg_len);
}

void host_add_default_route(Host *host, int ifindex) {
        add_route(host, RTA_OIF, (uint32_t) ifindex);
}

void host_add_default_route_by(Host *host, uint32_t nexthop) {
        add_route(host, RTA_NH_ID, nexthop);
}

void host_add_nexthop(Host *host, uint32_t id, int ifindex, uint32_t first, uint32_t second) {
        struct nexthop_grp members[2] = {{.id = first}, {.id = second}};
        uint8_t buffer[1024];
        struct nhmsg *info;
        struct nlmsghdr *head = begin(buffer, RTM_NEWNEXTHOP, (void **) &info, sizeof *info);

        info->nh_family = ifindex ? AF_INET : AF_UNSPEC;
        mnl_attr_put_u32(head, NHA_ID, id);
        if (ifindex)
                mnl_attr_put_u32(head, NHA_OIF, (uint32_t) ifindex);
        else
                mnl_attr_put(head, NHA_GROUP, sizeof members, members);
        g_byte_array_append(host->nexthops, buffer, head->nlmsg_len);
}

void host_add_block(Host *host, const char *place, const char *name, unsigned major, unsigned minor) {
        g_autofree char *target = g_strdup_printf("../../devices/%s/%s", place, name);
        g_autofree char *number = g_strdup_printf("%u:%u\n", major, minor);
        g_autofree char *slaves = g_strdup_printf("sys/devices/%s/%s/slaves", place, name);
        host_put(host, number, "sys/devices/%s/%s/dev", place, name);
        io_tree_put_dir(host->tree, slaves);
        host_link(host, target, "sys/class/block/%s", name);
        host_link(host, target, "sys/dev/block/%u:%u", major, minor);
}

void host_add_process(Host *host, int pid, int parent, const char *comm, const char *cmdline, size_t length) {
        g_autofree char *stat = g_strdup_printf("%d (%s) S %d 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid,
                                                comm, parent, pid);
        g_autofree char *line = g_strdup_printf("%s\n", comm);
        g_autofree char *path = g_strdup_printf("proc/%d/cmdline", pid);
        g_autofree char *fds = g_strdup_printf("proc/%d/fd", pid);
        host_put(host, stat, "proc/%d/stat", pid);
        host_put(host, line, "proc/%d/comm", pid);
        io_tree_put_file(host->tree, path, cmdline, length);
        io_tree_put_dir(host->tree, fds);
}

void host_add_fd(Host *host, int pid, int fd, const char *target) {
        host_link(host, target, "proc/%d/fd/%d", pid, fd);
}

static void answer(Host *host, GByteArray *request, const GByteArray *reply) {
        io_tree_put_netlink(host->tree, request->data, request->len, 0, reply->data, reply->len);
        g_byte_array_unref(request);
}

void host_answer(Host *host) {
        g_autoptr(GByteArray) nothing = g_byte_array_new();
        answer(host, links_build_dump(), host->links);
        answer(host, links_build_addresses(), host->addresses);
        answer(host, links_build_routes(false), host->routes);
        answer(host, links_build_routes(true), nothing);
        if (host->nexthops->len)
                answer(host, links_build_nexthops(), host->nexthops);
}

static void add_disks(Host *host) {
        const char *vda = host_add_function(host, "pci0000:00", "0000:00:01.0", 0x1af4, 0x1042, 0x010000, "virtio-pci");
        const char *nvme = host_add_function(host, "pci0000:00", "0000:00:04.0", 0x1b36, 0x0010, 0x010802, "nvme");
        g_autofree char *virtio = g_strdup_printf("%s/virtio0/block", vda), *part = g_strdup_printf("%s/vda", virtio);
        g_autofree char *space = g_strdup_printf("%s/nvme/nvme0", nvme);
        g_autofree char *nvme_part = g_strdup_printf("%s/nvme0n1", space);
        host_add_block(host, virtio, "vda", 254, 0);
        host_add_block(host, part, "vda1", 254, 1);
        host_add_block(host, part, "vda2", 254, 2);
        host_add_block(host, space, "nvme0n1", 259, 0);
        host_add_block(host, nvme_part, "nvme0n1p1", 259, 1);
        host_put(host,
                 "22 1 0:21 / /proc rw - proc proc rw\n"
                 "27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
                 "28 27 254:1 /var/lib /srv/my\\040data rw shared:2 master:1 - ext4 /dev/vda1 rw\n"
                 "29 27 0:44 / /tmp rw - tmpfs tmpfs rw\n",
                 "proc/900/mountinfo");
        host_put(host, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n", "proc/swaps");
}

static void add_card(Host *host, unsigned vfs) {
        const char *port = host_add_function(host, "pci0000:00", "0000:00:02.0", 0x1b36, 0x000c, 0x060400, "pcieport");
        const char *pf = host_add_function(host, port, "0000:01:00.0", 0x8086, 0x10c9, 0x020000, "igb");

        host_put(host, "7\n", "sys/devices/%s/sriov_totalvfs", pf);
        host_put(host, "0\n", "sys/devices/%s/sriov_drivers_autoprobe", pf);
        io_tree_put_errno(host->tree, "sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", -EIO); /* must not be read */
        host_put(host, "flr bus\n", "sys/devices/%s/reset_method", pf);
        host_put(host, "1\n", "sys/devices/%s/numa_node", pf);
        host_link(host, "../../../../kernel/iommu_groups/10", "sys/devices/%s/iommu_group", pf);
        host_put(host, "DMA\n", "sys/kernel/iommu_groups/10/type");
        host_add_link(host, pf, "enp1s0", 3, IFF_UP, 0, 0);
        for (unsigned i = 0; i < vfs; i++) {
                unsigned routing = 0x80 + 2 * i;
                g_autofree char *bdf = g_strdup_printf("0000:%02x:%02x.%u", 1 + (routing >> 8), routing >> 3 & 31,
                                                       routing & 7);
                g_autofree char *up = g_strdup_printf("../%s", bdf);
                g_autofree char *group = g_strdup_printf("../../../../kernel/iommu_groups/%u", 20 + i);
                const char *vf = host_add_function(host, port, bdf, 0x8086, 0x10ca, 0x020000, NULL);
                host_put(host, "flr\n", "sys/devices/%s/reset_method", vf);
                host_link(host, group, "sys/devices/%s/iommu_group", vf);
                host_link(host, "../0000:01:00.0", "sys/devices/%s/physfn", vf);
                host_link(host, up, "sys/devices/%s/virtfn%u", pf, i);
        }
}

Host *host_tree_new(unsigned vfs) {
        Host *host = g_new0(Host, 1);
        host->tree = io_tree_new();
        host->io = io_tree_io(host->tree);
        host->links = g_byte_array_new();
        host->addresses = g_byte_array_new();
        host->routes = g_byte_array_new();
        host->nexthops = g_byte_array_new();
        host_put(host, "6.12.107-test\n", "proc/sys/kernel/osrelease");
        host_put(host, "11111111-2222-3333-4444-555555555555\n", "proc/sys/kernel/random/boot_id");
        host_put(host, "0123456789abcdef0123456789abcdef\n", "etc/machine-id");
        host_put(host, "           CPU0\n 24:     12  IR-PCI-MSI-0000:01:00.0  0-edge  enp1s0\n", "proc/interrupts");
        host_put(host, "N\n", "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
        host_put(host, "[none] integrity confidentiality\n", "sys/kernel/security/lockdown");
        host_put(host, "0000:01:00\n", "sys/bus/pci/slots/5/address");
        host_add_function(host, "pci0000:00", "0000:00:00.0", 0x8086, 0x29c0, 0x060000, NULL);
        add_disks(host);
        add_card(host, vfs);
        const char *mgmt = host_add_function(host, "pci0000:00", "0000:00:03.0", 0x1af4, 0x1041, 0x020000,
                                             "virtio-pci");
        g_autofree char *virtio = g_strdup_printf("%s/virtio1", mgmt);
        host_add_link(host, NULL, "lo", 1, IFF_UP | IFF_LOOPBACK, 0, 0);
        host_add_link(host, virtio, "eth0", 2, IFF_UP, 0, 0);
        host_add_address(host, 1, "127.0.0.1", 8);
        host_add_address(host, 2, "10.0.0.5", 24);
        host_add_address(host, 2, "fe80::5", 64);
        host_add_process(host, 1, 0, "init", "init", 5);
        host_add_process(host, 900, 1, "vfadm", "vfadm", 6);
        host_link(host, "900", "proc/self");
        return host;
}

void host_tree_free(Host *host) {
        io_free(host->io);
        g_byte_array_unref(host->links);
        g_byte_array_unref(host->addresses);
        g_byte_array_unref(host->routes);
        g_byte_array_unref(host->nexthops);
        g_free(host);
}

/* ---- what was read of it ---- */

const Dev *host_find(const Snapshot *snapshot, const char *name) {
        g_autoptr(GError) error = NULL;
        const Dev *dev = snapshot_find(snapshot, name, &error);
        g_assert_no_error(error);
        return dev;
}

/* "host: mounted on /; network: …", in the snapshot's order. */
static char *uses_of(const Dev *dev) {
        static const char *const words[] = {[USE_HOST] = "host", [USE_PROCESS] = "process", [USE_GUEST] = "guest", [USE_NETWORK] = "network", [USE_STORAGE] = "storage"};
        GString *out = g_string_new(NULL);
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                g_string_append_printf(out, "%s%s: %s", i ? "; " : "", words[use->kind], use->what);
        }
        return g_string_free(out, FALSE);
}

void host_check_uses(const Snapshot *snapshot, const char *name, const char *expected) {
        g_autofree char *uses = uses_of(host_find(snapshot, name));
        g_assert_cmpstr(uses, ==, expected);
}

/* A second look at one function finds what a look at the whole host does. */
static void check_second_look(Host *host) {
        g_autoptr(Snapshot) all = host_read(host->io, HOST_USES | HOST_OPEN_DISKS, NULL);

        for (unsigned i = 0; all && i < all->devs->len; i++) {
                const Dev *dev = all->devs->pdata[i];
                g_autoptr(Snapshot) again = host_read_uses(host->io, &dev->addr, 1);
                g_autofree char *first = uses_of(dev), *second = uses_of(host_find(again, dev->name));
                g_assert_cmpstr(second, ==, first);
                g_assert_cmpuint(again->devs->len, ==, 1);
        }
}

Snapshot *host_tree_read(Host *host, unsigned what) {
        g_autoptr(GError) error = NULL;
        Snapshot *snapshot = host_read(host->io, what, &error);
        g_assert_no_error(error);
        if (what & HOST_USES)
                check_second_look(host);
        return snapshot;
}

bool host_has_note(const Snapshot *snapshot, const char *part) {
        for (unsigned i = 0; i < snapshot->notes->len; i++)
                if (strstr(snapshot->notes->pdata[i], part))
                        return true;
        return false;
}
