/* Network interfaces and the functions behind them: one link dump, one address dump, one link of sysfs an interface. */
#include "host/internal.h"

#include "base/parse.h"

#include <linux/if.h>
#include <string.h>

static bool ask(Io *io, GByteArray *owned, GByteArray *reply) {
        g_autoptr(GByteArray) request = owned;
        return io_netlink(io, request->data, request->len, reply, NULL) == 0;
}

/* Without netlink (another root, a copied /sys) the interface's files say most of it. */
static Link *link_from_sysfs(Io *io, const char *name) {
        Link *link = link_new(name, 0);
        g_autofree char *address = NULL;
        uint64_t number;

        g_autofree char *index_path = g_strdup_printf("sys/class/net/%s/ifindex", name);
        if (io_read_uint(io, index_path, 10, INT32_MAX, &number) == 0)
                link->ifindex = (int) number;
        g_autofree char *flags_path = g_strdup_printf("sys/class/net/%s/flags", name);
        if (io_read_uint(io, flags_path, 16, UINT32_MAX, &number) == 0)
                link->up = number & IFF_UP;
        g_autofree char *carrier_path = g_strdup_printf("sys/class/net/%s/carrier", name);
        if (io_read_uint(io, carrier_path, 10, 1, &number) == 0)
                link->carrier = number;
        g_autofree char *address_path = g_strdup_printf("sys/class/net/%s/address", name);
        if (io_read_text(io, address_path, &address) == 0)
                parse_mac(address, link->mac);
        g_autofree char *port_path = g_strdup_printf("sys/class/net/%s/phys_port_name", name);
        io_read_text(io, port_path, &link->phys_port_name);
        g_autofree char *master_path = g_strdup_printf("sys/class/net/%s/master", name);
        io_read_link_name(io, master_path, &link->master);
        return link;
}

static void read_links(Reading *reading, char **names) {
        g_autoptr(GByteArray) links = g_byte_array_new();
        g_autoptr(GByteArray) addresses = g_byte_array_new();

        if (!ask(reading->io, links_build_dump(), links)) {
                reading->links = g_ptr_array_new_with_free_func((GDestroyNotify) link_free);
                for (char **name = names; *name; name++)
                        if (link_name_ok(*name))
                                g_ptr_array_add(reading->links, link_from_sysfs(reading->io, *name));
                links_connect(reading->links);
                return;
        }
        reading->links = links_parse(links->data, links->len);
        if (ask(reading->io, links_build_addresses(), addresses)) {
                g_array_unref(reading->addresses);
                reading->addresses = links_parse_addresses(addresses->data, addresses->len);
        }
}

/* A PF's own port comes before the representors of its VFs, which sit under the same function in switchdev mode. */
static bool is_representor(const Link *link) {
        return link->phys_port_name && (strstr(link->phys_port_name, "vf") || strstr(link->phys_port_name, "sf"));
}

static void add_addresses(const Reading *reading, const Link *link, NetDev *net) {
        for (unsigned i = 0; i < reading->addresses->len; i++) {
                const LinkAddr *address = &g_array_index(reading->addresses, LinkAddr, i);
                if (address->ifindex != link->ifindex || ip_is_link_local(&address->ip))
                        continue; /* every interface that is up has a link-local address: it is no sign of use */
                g_autofree char *ip = ip_format(&address->ip);
                g_ptr_array_add(net->addresses, g_strdup_printf("%s/%u", ip, address->prefix));
        }
}

static void add_to_dev(const Reading *reading, const Link *link, Dev *dev) {
        NetDev *net = net_dev_new(link->name);

        net->ifindex = link->ifindex;
        memcpy(net->mac, link->mac, sizeof net->mac);
        memcpy(net->permanent_mac, link->permanent_mac, sizeof net->permanent_mac);
        net->up = link->up;
        net->carrier = link->carrier;
        net->master = g_strdup(link->master);
        net->phys_port_name = g_strdup(link->phys_port_name);
        add_addresses(reading, link, net);
        g_ptr_array_insert(dev->nets, is_representor(link) ? -1 : 0, net);
}

static int by_descending_index(const void *a, const void *b) {
        const Link *const *x = a, *const *y = b;
        return ((*x)->ifindex < (*y)->ifindex) - ((*x)->ifindex > (*y)->ifindex);
}

void net_read(Reading *reading) {
        g_auto(GStrv) names = NULL;

        reading->addresses = g_array_new(FALSE, FALSE, sizeof(LinkAddr));
        if (io_list(reading->io, "sys/class/net", &names) < 0) {
                reading->links = g_ptr_array_new();
                return;
        }
        read_links(reading, names);
        /* Own ports are put in front one by one, so that the oldest interface ends up first. */
        g_ptr_array_sort(reading->links, by_descending_index);
        for (unsigned i = 0; i < reading->links->len; i++) {
                Link *link = reading->links->pdata[i];
                g_autofree char *path = g_strdup_printf("sys/class/net/%s", link->name);

                g_hash_table_insert(reading->links_by_name, link->name, link);
                g_hash_table_insert(reading->links_by_index, GINT_TO_POINTER(link->ifindex), link);
                g_autofree char *target = NULL;
                Dev *dev = io_readlink(reading->io, path, &target) == 0 ? reading_dev_of_path(reading, target) : NULL;
                if (!dev)
                        continue;
                g_hash_table_insert(reading->link_devs, g_strdup(link->name), dev);
                add_to_dev(reading, link, dev);
        }
}
