/* Uses of the network: default routes, the address you are logged in by, and interfaces that are up or enslaved. */
#include "host/internal.h"

#include "host/text_parsers.h"

#include <string.h>

enum { STACK_MAX = 16, ANCESTORS_MAX = 64 };

static const Link *link_named(const Reading *reading, const char *name) {
        return g_hash_table_lookup(reading->links_by_name, name);
}

static const Link *link_numbered(const Reading *reading, int ifindex) {
        return g_hash_table_lookup(reading->links_by_index, GINT_TO_POINTER(ifindex));
}

/* Marks the functions that carry an interface: its own, or those of what it stands on, and so on down. */
static void mark_link(Reading *reading, const Link *link, const char *what, unsigned depth) {
        Dev *dev = g_hash_table_lookup(reading->link_devs, link->name);

        if (dev) {
                dev_add_use(dev, USE_HOST, g_strdup(what), 0, NULL);
                return;
        }
        for (unsigned i = 0; depth < STACK_MAX && i < link->lowers->len; i++) {
                const Link *lower = link_named(reading, link->lowers->pdata[i]);
                if (lower)
                        mark_link(reading, lower, what, depth + 1);
        }
}

static void read_routes(Reading *reading, bool v6, GHashTable *ifindexes) {
        g_autoptr(GByteArray) request = links_build_routes(v6);
        g_autoptr(GByteArray) reply = g_byte_array_new();

        if (io_netlink(reading->io, request->data, request->len, reply, NULL) < 0)
                reading_note(reading, "the routes could not be read: the card of the default route is not recognised");
        else
                links_parse_default_routes(reply->data, reply->len, ifindexes);
}

static void mark_routes(Reading *reading) {
        g_autoptr(GHashTable) ifindexes = g_hash_table_new(NULL, NULL);
        GHashTableIter iter;
        void *ifindex;

        read_routes(reading, false, ifindexes);
        read_routes(reading, true, ifindexes);
        g_hash_table_iter_init(&iter, ifindexes);
        while (g_hash_table_iter_next(&iter, &ifindex, NULL)) {
                const Link *link = link_numbered(reading, GPOINTER_TO_INT(ifindex));
                if (!link)
                        continue;
                g_autofree char *what = g_strdup_printf("default route (%s)", link->name);
                mark_link(reading, link, what, 0);
        }
}

static void mark_login(Reading *reading, const IpAddr *ip) {
        for (unsigned i = 0; i < reading->addresses->len; i++) {
                const LinkAddr *address = &g_array_index(reading->addresses, LinkAddr, i);
                const Link *link = ip_equal(&address->ip, ip) ? link_numbered(reading, address->ifindex) : NULL;
                if (!link)
                        continue;
                g_autofree char *text = ip_format(ip);
                g_autofree char *what = g_strdup_printf("carries your login (%s on %s)", text, link->name);
                mark_link(reading, link, what, 0);
                return;
        }
}

static void add_sockets(Io *io, const char *pid, GHashTable *inodes) {
        g_autofree char *folder = g_strdup_printf("proc/%s/fd", pid);
        g_auto(GStrv) fds = NULL;

        if (io_list(io, folder, &fds) < 0)
                return;
        for (char **fd = fds; *fd; fd++) {
                g_autofree char *path = g_strdup_printf("%s/%s", folder, *fd);
                g_autofree char *target = NULL;
                uint64_t inode;
                if (io_readlink(io, path, &target) == 0 && socket_link_parse(target, &inode))
                        g_hash_table_add(inodes, g_memdup2(&inode, sizeof inode));
        }
}

/* The sockets that our ancestors hold: sudo drops SSH_CONNECTION, but sshd stays above us. */
static GHashTable *ancestor_sockets(Reading *reading) {
        GHashTable *inodes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
        g_autofree char *pid = g_strdup("self");

        for (unsigned i = 0; i < ANCESTORS_MAX; i++) {
                g_autofree char *path = g_strdup_printf("proc/%s/stat", pid);
                gsize size;
                g_autofree char *stat = reading_text(reading, path, &size);
                int own, parent;

                add_sockets(reading->io, pid, inodes);
                if (!stat || !stat_parse_pids(stat, size, &own, &parent) || parent <= 1)
                        break;
                g_free(pid);
                pid = g_strdup_printf("%d", parent);
        }
        return inodes;
}

static void read_login(Reading *reading) {
        g_autoptr(GArray) ips = g_array_new(FALSE, FALSE, sizeof(IpAddr));
        gsize size;
        g_autofree char *environ = reading_text(reading, "proc/self/environ", &size);
        IpAddr ip;

        if (environ && environ_login_address(environ, size, &ip))
                g_array_append_val(ips, ip);
        g_autoptr(GHashTable) inodes = ancestor_sockets(reading);
        for (int v6 = 0; g_hash_table_size(inodes) && v6 < 2; v6++) {
                g_autofree char *tcp = reading_text(reading, v6 ? "proc/net/tcp6" : "proc/net/tcp", &size);
                if (tcp)
                        tcp_parse(tcp, size, v6, inodes, ips);
        }
        for (unsigned i = 0; i < ips->len; i++)
                mark_login(reading, &g_array_index(ips, IpAddr, i));
}

/* A PF or a whole card that is up is as it should be; a VF that is up is being used. */
static void mark_interface(Reading *reading, Dev *dev, const NetDev *net) {
        const Link *link = link_named(reading, net->name);

        if (net->master)
                dev_add_use(dev, USE_NETWORK, g_strdup_printf("%s belongs to %s", net->name, net->master), 0, NULL);
        else if (net->addresses->len)
                dev_add_use(dev, USE_NETWORK, g_strdup_printf("%s is %s with %s", net->name, net->up ? "up" : "down", (char *) net->addresses->pdata[0]), 0, NULL);
        else if (link && link->has_upper)
                dev_add_use(dev, USE_NETWORK, g_strdup_printf("%s carries %s", net->name, link->upper), 0, NULL);
        else if (net->up && dev->is_vf)
                dev_add_use(dev, USE_NETWORK, g_strdup_printf("%s is up", net->name), 0, NULL);
}

/* An Ethernet VF with a driver of the host but without an interface: it was moved to another namespace. */
static bool interface_is_elsewhere(const Dev *dev) {
        return dev->class_code >> 8 == 0x0200 && dev->is_vf && dev->driver && dev->nets->len == 0 && !strstr(dev->driver, "vfio") &&
               !g_str_equal(dev->driver, "pci-stub") && !g_str_equal(dev->driver, "pciback");
}

void uses_read_network(Reading *reading) {
        mark_routes(reading);
        read_login(reading);
        for (unsigned i = 0; i < reading->snapshot->devs->len; i++) {
                Dev *dev = reading->snapshot->devs->pdata[i];
                for (unsigned n = 0; n < dev->nets->len; n++)
                        mark_interface(reading, dev, dev->nets->pdata[n]);
                if (interface_is_elsewhere(dev))
                        dev_add_use(dev, USE_NETWORK, g_strdup("its network device is in another network namespace, or just being made"), 0, NULL);
        }
}
