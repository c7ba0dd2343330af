/* rtnetlink lists: every link, address and default route of this host, each in one question. Pure. Internal to
 * host/. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One network interface, PCI or not. */
typedef struct {
        int ifindex;
        char *name;
        uint8_t mac[6];
        uint8_t permanent_mac[6]; /* zero when not told */
        bool up, carrier;
        char *phys_port_name;     /* or NULL */
        char *master;             /* bridge, bond … or NULL */
        GPtrArray *lowers;        /* char*: what it stands on: a bond's members, a VLAN's link */
        bool has_upper;           /* something stands on it that is not its master: "upper" says what */
        char *upper;
} Link;

Link *link_new(const char *name, int ifindex);
void link_free(Link *link);
/* Fills `has_upper` and each master's `lowers`, once all links are there. */
void links_connect(GPtrArray *links);
/* A name that the kernel would take (dev_valid_name): it becomes part of paths. */
bool link_name_ok(const char *name);

typedef struct {
        bool v6;
        uint8_t bytes[16]; /* the first 4 for IPv4 */
} IpAddr;

/* "10.0.0.5", "fe80::1"; IPv4 mapped into IPv6 counts as IPv4. A scope ("%eth0") is cut off. */
bool ip_parse(const char *text, IpAddr *ret);
/* Network order bytes, 4 or 16 of them. */
IpAddr ip_from_bytes(const void *bytes, bool v6);
char *ip_format(const IpAddr *ip);
bool ip_equal(const IpAddr *a, const IpAddr *b);
bool ip_is_loopback(const IpAddr *ip);
bool ip_is_link_local(const IpAddr *ip);

typedef struct {
        int ifindex;
        unsigned prefix;
        IpAddr ip;
} LinkAddr;

GByteArray *links_build_dump(void);
GByteArray *links_build_addresses(void);
GByteArray *links_build_routes(bool v6);
GByteArray *links_build_nexthops(void);

/* Link*, connected. Never NULL; what is no link is passed over. */
GPtrArray *links_parse(const void *bytes, size_t length);
/* LinkAddr. */
GArray *links_parse_addresses(const void *bytes, size_t length);
/* Adds the interface number of each unicast default route, whatever its table, to a set (GINT_TO_POINTER); where a route
 * goes by a nexthop object, the object's id to another one: with net.ipv4.nexthop_compat_mode=0 the route names no interface
 * (net/ipv4/fib_semantics.c fib_dump_info, net/ipv6/route.c rt6_fill_node). */
void links_parse_default_routes(const void *bytes, size_t length, GHashTable *ifindexes, GHashTable *nexthops);
/* Adds the interfaces of these nexthop objects, and of the members of those that are groups. */
void links_parse_nexthops(const void *bytes, size_t length, GHashTable *nexthops, GHashTable *ifindexes);
