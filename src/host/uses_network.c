/* Network devices in use: they carry this host's traffic or your login, are up, enslaved, addressed, or elsewhere. */
#include "host/reader.h"
#include "host/text_parsers.h"

#include <errno.h>
#include <string.h>

/* ---- what stands on what ---- */

typedef struct {
        GHashTable *by_name;  /* name → Link */
        GHashTable *by_index; /* ifindex → Link */
} LinkMap;

static Link *link_by_index(const LinkMap *map, int ifindex) {
        return g_hash_table_lookup(map->by_index, GINT_TO_POINTER(ifindex));
}

/* Calls `each` for every function below an interface: through bridges, bonds, VLANs. */
static void walk_down(Reader *reader, const LinkMap *map, const Link *top,
                      void (*each)(Dev *dev, const Link *link, void *user), void *user) {
        g_autoptr(GPtrArray) queue = g_ptr_array_new();
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        g_ptr_array_add(queue, (void *) top);
        for (unsigned i = 0; i < queue->len; i++) {
                const Link *link = queue->pdata[i];
                if (!g_hash_table_add(seen, (void *) link)) /* the two ends of a veth name each other */
                        continue;
                Dev *dev = g_hash_table_lookup(reader->link_devs, link->name);
                if (dev)
                        each(dev, link, user);
                for (unsigned n = 0; n < link->lowers->len; n++) {
                        Link *lower = g_hash_table_lookup(map->by_name, link->lowers->pdata[n]);
                        if (lower)
                                g_ptr_array_add(queue, lower);
                }
        }
}

/* "bond0 over eth0", or just "eth0". */
static char *way_down(const Link *top, const Link *link) {
        g_autofree char *from = text_printable(top->name);
        g_autofree char *to = text_printable(link->name);
        return top == link ? g_strdup(from) : g_strdup_printf("%s over %s", from, to);
}

/* ---- default routes ---- */

static void add_route_use(Dev *dev, const Link *link, void *user) {
        g_autofree char *way = way_down(user, link);
        use_add_once(dev, USE_HOST, g_strdup_printf("default route (%s)", way), 0, NULL);
}

static void read_nexthops(Reader *reader, GHashTable *nexthops, GHashTable *ifindexes) {
        g_autoptr(GByteArray) request = links_build_nexthops();
        g_autoptr(GByteArray) reply = g_byte_array_new();

        int r = reader_dump(reader, request, reply);
        if (r < 0)
                reader_note(reader, "which device carries a default route by a nexthop object is not known: %s", g_strerror(-r));
        links_parse_nexthops(reply->data, reply->len, nexthops, ifindexes);
}

static void read_routes(Reader *reader, const LinkMap *map) {
        g_autoptr(GHashTable) ifindexes = g_hash_table_new(NULL, NULL), nexthops = g_hash_table_new(NULL, NULL);
        int refused[2];

        for (int v6 = 0; v6 < 2; v6++) {
                g_autoptr(GByteArray) request = links_build_routes(v6);
                g_autoptr(GByteArray) reply = g_byte_array_new();
                refused[v6] = MIN(reader_dump(reader, request, reply), 0);
                links_parse_default_routes(reply->data, reply->len, ifindexes, nexthops);
        }
        if (g_hash_table_size(nexthops))
                read_nexthops(reader, nexthops, ifindexes);
        /* A kernel without IPv6 refuses that half alone. */
        if (refused[0] < 0 && refused[1] < 0)
                reader_note(reader, "which device carries the default route is not known: %s", g_strerror(-refused[0]));
        for (unsigned i = 0; i < reader->links->len; i++) {
                Link *link = reader->links->pdata[i];
                if (g_hash_table_contains(ifindexes, GINT_TO_POINTER(link->ifindex)))
                        walk_down(reader, map, link, add_route_use, link);
        }
}

/* ---- the login ---- */

typedef struct {
        const Link *top;
        const IpAddr *ip;
} Login;

static void add_login_use(Dev *dev, const Link *link, void *user) {
        const Login *login = user;
        g_autofree char *way = way_down(login->top, link);
        g_autofree char *ip = ip_format(login->ip);
        use_add_once(dev, USE_HOST, g_strdup_printf("carries your login (%s on %s)", ip, way), 0, NULL);
}

static void read_logins(Reader *reader, const LinkMap *map) {
        g_autoptr(GArray) logins = g_array_new(FALSE, TRUE, sizeof(IpAddr));

        read_login_addresses(reader, logins);
        for (unsigned i = 0; logins->len && i < reader->addresses->len; i++) {
                const LinkAddr *address = &g_array_index(reader->addresses, LinkAddr, i);
                const Link *link = link_by_index(map, address->ifindex);
                for (unsigned n = 0; link && n < logins->len; n++) {
                        Login login = {link, &g_array_index(logins, IpAddr, n)};
                        if (ip_equal(login.ip, &address->ip))
                                walk_down(reader, map, link, add_login_use, &login);
                }
        }
}

/* ---- interfaces in use ---- */

/* "enp1s0v0 is up with 10.0.0.3/24, is a port of br0, carries vlan5", or NULL. A PF that is merely up is at rest. */
static char *describe_use(const Dev *dev, const NetDev *net, const Link *link) {
        bool up = net->up && !dev->is_pf;
        GString *out = g_string_new(NULL);

        if (net->addresses->len) {
                g_autofree char *addresses = join_few(net->addresses);
                g_string_append_printf(out, ", %s %s", net->up ? "is up with" : "has", addresses);
        } else if (up) {
                g_string_append(out, ", is up");
        }
        if (net->master)
                g_string_append_printf(out, ", is a port of %s", net->master);
        if (link && link->has_upper)
                g_string_append_printf(out, ", carries %s", link->upper);
        g_autofree char *parts = g_string_free(out, FALSE);
        if (!*parts)
                return NULL;
        g_autofree char *text = g_strconcat(net->name, parts + 1, NULL);
        return text_printable(text);
}

static void add_net_uses(const LinkMap *map, Dev *dev) {
        for (unsigned i = 0; i < dev->nets->len; i++) {
                const NetDev *net = dev->nets->pdata[i];
                /* A representor in a bridge or up is how a VF is wired in switchdev mode, free or not. */
                if (port_name_is_representor(net->phys_port_name))
                        continue;
                char *what = describe_use(dev, net, link_by_index(map, net->ifindex));
                if (what)
                        use_add_once(dev, USE_NETWORK, what, 0, NULL);
        }
}

/* Drivers that make no network device here: whatever their folder says, it is nobody's. */
static bool is_stub_driver(const char *driver) {
        static const char *const stubs[] = {"pci-stub", "pciback", "xen-pciback", "uio_pci_generic", "igb_uio"};
        for (size_t i = 0; i < G_N_ELEMENTS(stubs); i++)
                if (g_str_equal(driver, stubs[i]))
                        return true;
        return driver_is_vfio(driver);
}

/* sysfs hides the interfaces of other namespaces, but not the folder that they are in (fs/kernfs/dir.c
 * kernfs_fop_readdir; drivers/base/core.c cleanup_glue_dir removes it with the last one of all). */
static void add_namespace_use(Reader *reader, const Device *device) {
        Dev *dev = device->dev;
        g_auto(GStrv) names = NULL;

        if (!device->net_folder || dev->nets->len || !dev->driver || is_stub_driver(dev->driver))
                return;
        g_autofree char *path = device_path(dev, device->net_folder);
        if (io_list(reader->io, path, &names) >= 0 && !*names)
                use_add_once(dev, USE_NETWORK, g_strdup("its network device is in another network namespace"), 0, NULL);
}

void read_network_uses(Reader *reader) {
        g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GHashTable) by_index = g_hash_table_new(NULL, NULL);
        LinkMap map = {by_name, by_index};

        for (unsigned i = 0; i < reader->links->len; i++) {
                Link *link = reader->links->pdata[i];
                g_hash_table_insert(by_name, link->name, link);
                g_hash_table_insert(by_index, GINT_TO_POINTER(link->ifindex), link);
        }
        read_routes(reader, &map);
        read_logins(reader, &map);
        for (unsigned i = 0; i < reader->devices->len; i++) {
                const Device *device = &g_array_index(reader->devices, Device, i);
                add_net_uses(&map, device->dev);
                add_namespace_use(reader, device);
        }
}
