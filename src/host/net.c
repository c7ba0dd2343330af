/* Network interfaces: what they are, to which function they belong, and what the PFs tell of their VFs. */
#include "host/reader.h"
#include "host/rtnl.h"

#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#define CLASS_NET "sys/class/net"
/* A list that changed while it was read (-EINTR) is asked for again. */
#define DUMP_TRIES 5

int reader_dump(Reader *reader, GByteArray *request, GByteArray *reply) {
        int r = -EINTR;
        for (int i = 0; r == -EINTR && i < DUMP_TRIES; i++)
                r = io_netlink(reader->io, request->data, request->len, reply, NULL);
        return r;
}

/* ---- interfaces ---- */

static char *read_attribute(Io *io, const char *name, const char *leaf) {
        g_autofree char *path = g_strconcat(CLASS_NET "/", name, "/", leaf, NULL);
        char *text = NULL;
        return io_read_text(io, path, &text) >= 0 ? text : NULL;
}

/* Without netlink (a recorded folder): sysfs tells nearly as much, in some more reads. */
static Link *link_from_sysfs(Io *io, const char *name) {
        g_autofree char *folder = g_strconcat(CLASS_NET "/", name, NULL);
        g_autofree char *master = g_strconcat(folder, "/master", NULL);
        g_autofree char *ifindex = read_attribute(io, name, "ifindex");
        g_autofree char *mac = read_attribute(io, name, "address");
        g_autofree char *flags = read_attribute(io, name, "flags");
        g_autofree char *carrier = read_attribute(io, name, "carrier"); /* -EINVAL while it is down */
        g_auto(GStrv) names = NULL;
        uint64_t number;
        uint32_t index;

        if (!parse_u32(ifindex, 1, G_MAXINT32, &index) || io_list(io, folder, &names) < 0)
                return NULL;
        Link *link = link_new(name, (int) index);
        parse_mac(mac, link->mac);
        link->up = parse_uint(flags, 16, 0, UINT32_MAX, &number) && (number & IFF_UP);
        link->carrier = g_strcmp0(carrier, "1") == 0;
        link->phys_port_name = read_attribute(io, name, "phys_port_name");
        if (io_read_link_name(io, master, &link->master) < 0)
                link->master = NULL;
        for (char **entry = names; *entry; entry++)
                if (g_str_has_prefix(*entry, "lower_"))
                        g_ptr_array_add(link->lowers, g_strdup(*entry + strlen("lower_")));
        return link;
}

static GPtrArray *links_from_sysfs(Reader *reader, char **names) {
        GPtrArray *links = g_ptr_array_new_with_free_func((GDestroyNotify) link_free);
        for (char **name = names; *name; name++) {
                Link *link = link_name_ok(*name) ? link_from_sysfs(reader->io, *name) : NULL;
                if (link)
                        g_ptr_array_add(links, link);
        }
        links_connect(links);
        return links;
}

static void read_links(Reader *reader, char **names) {
        g_autoptr(GByteArray) request = links_build_dump();
        g_autoptr(GByteArray) reply = g_byte_array_new();

        if (reader_dump(reader, request, reply) >= 0)
                reader->links = links_parse(reply->data, reply->len);
        else
                reader->links = links_from_sysfs(reader, names);
}

static void read_addresses(Reader *reader) {
        g_autoptr(GByteArray) request = links_build_addresses();
        g_autoptr(GByteArray) reply = g_byte_array_new();

        int r = reader_dump(reader, request, reply);
        if (r < 0)
                reader_note(reader, "addresses of network devices are not known: %s", g_strerror(-r));
        reader->addresses = links_parse_addresses(reply->data, reply->len);
}

/* ---- which function an interface belongs to ---- */

static NetDev *net_dev_from(const Link *link) {
        NetDev *net = net_dev_new(link->name);
        net->ifindex = link->ifindex;
        memcpy(net->mac, link->mac, sizeof net->mac);
        memcpy(net->permanent_mac, link->permanent_mac, sizeof net->permanent_mac);
        net->up = link->up;
        net->carrier = link->carrier;
        net->master = g_strdup(link->master);
        net->phys_port_name = g_strdup(link->phys_port_name);
        return net;
}

/* "../../devices/pci0000:00/0000:00:03.0/virtio2/net/eth0": one link read an interface, whatever is in between. */
static void find_owners(Reader *reader, char **names) {
        for (char **name = names; *name; name++) {
                g_autofree char *path = g_strconcat(CLASS_NET "/", *name, NULL);
                g_autofree char *target = NULL;
                Dev *dev = io_readlink(reader->io, path, &target) >= 0 ? path_owner(reader, target) : NULL;
                if (dev)
                        g_hash_table_insert(reader->link_devs, g_strdup(*name), dev);
        }
}

static int own_port_first(const void *a, const void *b) {
        const NetDev *x = *(NetDev *const *) a, *y = *(NetDev *const *) b;
        int by_kind = (int) port_name_is_representor(x->phys_port_name) - (int) port_name_is_representor(y->phys_port_name);
        return by_kind ? by_kind : (x->ifindex > y->ifindex) - (x->ifindex < y->ifindex);
}

static void add_nets(Reader *reader, GHashTable *net_by_index) {
        for (unsigned i = 0; i < reader->links->len; i++) {
                const Link *link = reader->links->pdata[i];
                Dev *dev = g_hash_table_lookup(reader->link_devs, link->name);
                if (!dev)
                        continue;
                NetDev *net = net_dev_from(link);
                g_ptr_array_add(dev->nets, net);
                g_hash_table_insert(net_by_index, GINT_TO_POINTER(link->ifindex), net);
        }
        for (unsigned i = 0; i < reader->devices->len; i++)
                g_ptr_array_sort(g_array_index(reader->devices, Device, i).dev->nets, own_port_first);
}

static void add_addresses(Reader *reader, GHashTable *net_by_index) {
        for (unsigned i = 0; i < reader->addresses->len; i++) {
                const LinkAddr *address = &g_array_index(reader->addresses, LinkAddr, i);
                NetDev *net = g_hash_table_lookup(net_by_index, GINT_TO_POINTER(address->ifindex));
                if (!net || ip_is_link_local(&address->ip))
                        continue;
                g_autofree char *text = ip_format(&address->ip);
                g_ptr_array_add(net->addresses, g_strdup_printf("%s/%u", text, address->prefix));
        }
}

void read_nets(Reader *reader) {
        g_autoptr(GHashTable) net_by_index = g_hash_table_new(NULL, NULL);
        g_auto(GStrv) names = NULL;

        if (io_list(reader->io, CLASS_NET, &names) < 0)
                names = g_new0(char *, 1);
        read_links(reader, names);
        read_addresses(reader);
        find_owners(reader, names);
        add_nets(reader, net_by_index);
        add_addresses(reader, net_by_index);
}

/* ---- what the PFs tell of their VFs ---- */

static void read_vf_state(Reader *reader, Dev *pf) {
        const NetDev *net = dev_net(pf);

        if (!net || port_name_is_representor(net->phys_port_name))
                return;
        if (pf->vfs->len == 0) {
                pf->vf_infos = g_array_new(FALSE, TRUE, sizeof(VfInfo));
                return;
        }
        int r = rtnl_read_vfs(reader->io, net->ifindex, pf->vfs->len, &pf->vf_infos);
        if (r < 0)
                pf->vf_infos_error = r;
}

void read_vf_states(Reader *reader) {
        for (unsigned i = 0; i < reader->devices->len; i++) {
                Dev *dev = g_array_index(reader->devices, Device, i).dev;
                if (dev->is_pf)
                        read_vf_state(reader, dev);
        }
}
