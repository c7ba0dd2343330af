/* rtnetlink lists of links, addresses and routes (net/core/rtnetlink.c rtnl_fill_ifinfo, net/ipv4/devinet.c,
 * net/ipv4/fib_semantics.c fib_dump_info, net/ipv6/route.c rt6_fill_node). */
#include "host/links.h"

#include "host/nl.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

Link *link_new(const char *name, int ifindex) {
        Link *link = g_new0(Link, 1);
        link->name = g_strdup(name);
        link->ifindex = ifindex;
        link->lowers = g_ptr_array_new_with_free_func(g_free);
        return link;
}

void link_free(Link *link) {
        if (!link)
                return;
        g_free(link->name);
        g_free(link->phys_port_name);
        g_free(link->master);
        g_free(link->upper);
        g_ptr_array_unref(link->lowers);
        g_free(link);
}

bool link_name_ok(const char *name) {
        if (!name || !*name || strlen(name) >= IFNAMSIZ || g_str_equal(name, ".") || g_str_equal(name, ".."))
                return false;
        for (const char *p = name; *p; p++)
                if (*p == '/' || *p == ':' || g_ascii_isspace(*p))
                        return false;
        return true;
}

void links_connect(GPtrArray *links) {
        g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);

        for (unsigned i = 0; i < links->len; i++) {
                Link *link = links->pdata[i];
                g_hash_table_insert(by_name, link->name, link);
        }
        for (unsigned i = 0; i < links->len; i++) {
                Link *link = links->pdata[i];
                for (unsigned n = 0; n < link->lowers->len; n++) {
                        Link *lower = g_hash_table_lookup(by_name, link->lowers->pdata[n]);
                        if (!lower || g_strcmp0(lower->master, link->name) == 0 || lower->has_upper)
                                continue;
                        lower->has_upper = true;
                        lower->upper = g_strdup(link->name);
                }
        }
        /* Only now: a master's members are told by the members, and are not its uppers. */
        for (unsigned i = 0; i < links->len; i++) {
                Link *link = links->pdata[i];
                Link *master = link->master ? g_hash_table_lookup(by_name, link->master) : NULL;
                if (master && !g_ptr_array_find_with_equal_func(master->lowers, link->name, g_str_equal, NULL))
                        g_ptr_array_add(master->lowers, g_strdup(link->name));
        }
}

/* ---- addresses ---- */

IpAddr ip_from_bytes(const void *bytes, bool v6) {
        static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
        IpAddr ip = {.v6 = v6};

        memcpy(ip.bytes, bytes, v6 ? 16 : 4);
        if (v6 && memcmp(ip.bytes, mapped, sizeof mapped) == 0) {
                IpAddr v4 = {0};
                memcpy(v4.bytes, ip.bytes + 12, 4);
                return v4;
        }
        return ip;
}

bool ip_parse(const char *text, IpAddr *ret) {
        g_autofree char *plain = g_strndup(text, strcspn(text, "%"));
        uint8_t bytes[16];

        if (inet_pton(AF_INET, plain, bytes) == 1)
                *ret = ip_from_bytes(bytes, false);
        else if (inet_pton(AF_INET6, plain, bytes) == 1)
                *ret = ip_from_bytes(bytes, true);
        else
                return false;
        return true;
}

char *ip_format(const IpAddr *ip) {
        char text[INET6_ADDRSTRLEN];
        return g_strdup(inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->bytes, text, sizeof text));
}

bool ip_equal(const IpAddr *a, const IpAddr *b) {
        return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, a->v6 ? 16 : 4) == 0;
}

bool ip_is_loopback(const IpAddr *ip) {
        static const uint8_t one[16] = {[15] = 1};
        return ip->v6 ? memcmp(ip->bytes, one, 16) == 0 : ip->bytes[0] == 127;
}

bool ip_is_link_local(const IpAddr *ip) {
        return ip->v6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* ---- questions ---- */

GByteArray *links_build_dump(void) {
        GByteArray *buffer;
        struct nlmsghdr *message = nl_request(&buffer, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
        /* No VFs here: each PF is asked by itself (field-facts 18). */
        mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        return nl_request_end(buffer);
}

GByteArray *links_build_addresses(void) {
        GByteArray *buffer;
        nl_request(&buffer, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
        return nl_request_end(buffer);
}

GByteArray *links_build_routes(bool v6) {
        GByteArray *buffer;
        struct nlmsghdr *message = nl_request(&buffer, RTM_GETROUTE, NLM_F_DUMP, sizeof(struct rtmsg));
        struct rtmsg *route = mnl_nlmsg_get_payload(message);
        route->rtm_family = v6 ? AF_INET6 : AF_INET;
        route->rtm_type = RTN_UNICAST; /* kernels that do not filter send the others too */
        return nl_request_end(buffer);
}

GByteArray *links_build_nexthops(void) {
        GByteArray *buffer;
        nl_request(&buffer, RTM_GETNEXTHOP, NLM_F_DUMP, sizeof(struct nhmsg));
        return nl_request_end(buffer);
}

/* ---- answers ---- */

/* Links name each other by number; names follow when all are known. */
typedef struct {
        Link *link;
        int master, lower;
} Numbered;

typedef struct {
        GArray *found;       /* Numbered */
        GHashTable *by_index; /* ifindex → Link */
} LinkAnswer;

static void take_mac(const struct nlattr *attr, uint8_t ret[6]) {
        if (mnl_attr_get_payload_len(attr) == 6) /* InfiniBand's have 20 */
                memcpy(ret, mnl_attr_get_payload(attr), 6);
}

static void take_link_attr(const struct nlattr *attr, Numbered *one, bool *foreign_lower) {
        Link *link = one->link;
        const char *text;
        uint8_t byte;

        switch (mnl_attr_get_type(attr)) {
        case IFLA_IFNAME:
                text = nl_attr_text(attr);
                if (link_name_ok(text)) {
                        g_free(link->name);
                        link->name = g_strdup(text);
                }
                break;
        case IFLA_ADDRESS:
                take_mac(attr, link->mac);
                break;
        case IFLA_PERM_ADDRESS: /* since Linux 5.6 */
                take_mac(attr, link->permanent_mac);
                break;
        case IFLA_CARRIER:
                if (nl_attr_copy(attr, &byte, 1))
                        link->carrier = byte != 0;
                break;
        case IFLA_PHYS_PORT_NAME:
                text = nl_attr_text(attr);
                if (text && !link->phys_port_name)
                        link->phys_port_name = g_strdup(text);
                break;
        case IFLA_MASTER:
                nl_attr_copy(attr, &one->master, sizeof one->master);
                break;
        case IFLA_LINK:
                nl_attr_copy(attr, &one->lower, sizeof one->lower);
                break;
        case IFLA_LINK_NETNSID: /* IFLA_LINK is a number of another namespace */
                *foreign_lower = true;
                break;
        default:
                break;
        }
}

static bool take_link(const struct nlmsghdr *message, void *user) {
        LinkAnswer *answer = user;
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
        const struct nlattr *attr;
        bool foreign_lower = false;

        if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof *info)
                return true;
        if (info->ifi_index <= 0 || g_hash_table_contains(answer->by_index, GINT_TO_POINTER(info->ifi_index)))
                return true;
        Numbered one = {.link = link_new(NULL, info->ifi_index)};
        one.link->up = info->ifi_flags & IFF_UP;
        mnl_attr_for_each(attr, message, sizeof *info)
                take_link_attr(attr, &one, &foreign_lower);
        if (!one.link->name) {
                link_free(one.link);
                return true;
        }
        if (foreign_lower || one.lower == info->ifi_index)
                one.lower = 0;
        g_array_append_val(answer->found, one);
        g_hash_table_insert(answer->by_index, GINT_TO_POINTER(info->ifi_index), one.link);
        return true;
}

GPtrArray *links_parse(const void *bytes, size_t length) {
        g_autoptr(GArray) found = g_array_new(FALSE, TRUE, sizeof(Numbered));
        g_autoptr(GHashTable) by_index = g_hash_table_new(NULL, NULL);
        LinkAnswer answer = {found, by_index};
        GPtrArray *links = g_ptr_array_new_with_free_func((GDestroyNotify) link_free);

        nl_walk(bytes, length, take_link, &answer);
        for (unsigned i = 0; i < found->len; i++) {
                const Numbered *one = &g_array_index(found, Numbered, i);
                const Link *master = g_hash_table_lookup(by_index, GINT_TO_POINTER(one->master));
                const Link *lower = g_hash_table_lookup(by_index, GINT_TO_POINTER(one->lower));
                if (master)
                        one->link->master = g_strdup(master->name);
                if (lower)
                        g_ptr_array_add(one->link->lowers, g_strdup(lower->name));
                g_ptr_array_add(links, one->link);
        }
        links_connect(links);
        return links;
}

static bool take_address(const struct nlmsghdr *message, void *user) {
        GArray *addresses = user;
        const struct ifaddrmsg *info = mnl_nlmsg_get_payload(message);
        const struct nlattr *attr, *best = NULL;

        if (message->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(message) < sizeof *info ||
            (info->ifa_family != AF_INET && info->ifa_family != AF_INET6))
                return true;
        /* On a point-to-point link IFA_ADDRESS is the peer's (include/uapi/linux/if_addr.h). */
        mnl_attr_for_each(attr, message, sizeof *info)
                if (mnl_attr_get_type(attr) == IFA_LOCAL || (mnl_attr_get_type(attr) == IFA_ADDRESS && !best))
                        best = attr;
        bool v6 = info->ifa_family == AF_INET6;
        if (!best || mnl_attr_get_payload_len(best) < (v6 ? 16 : 4))
                return true;
        LinkAddr address = {.ifindex = (int) info->ifa_index, .prefix = info->ifa_prefixlen};
        address.ip = ip_from_bytes(mnl_attr_get_payload(best), v6);
        g_array_append_val(addresses, address);
        return true;
}

GArray *links_parse_addresses(const void *bytes, size_t length) {
        GArray *addresses = g_array_new(FALSE, TRUE, sizeof(LinkAddr));
        nl_walk(bytes, length, take_address, addresses);
        return addresses;
}

static void take_hops(const struct nlattr *multipath, GHashTable *ifindexes) {
        const char *at = mnl_attr_get_payload(multipath);
        size_t left = mnl_attr_get_payload_len(multipath);
        struct rtnexthop hop;

        while (left >= sizeof hop) {
                memcpy(&hop, at, sizeof hop);
                if (hop.rtnh_len < sizeof hop || hop.rtnh_len > left)
                        return;
                if (hop.rtnh_ifindex > 0)
                        g_hash_table_add(ifindexes, GINT_TO_POINTER(hop.rtnh_ifindex));
                size_t step = MIN(MNL_ALIGN((size_t) hop.rtnh_len), left);
                at += step;
                left -= step;
        }
}

typedef struct {
        GHashTable *ifindexes, *nexthops; /* sets of numbers */
} Ways;

static void add_number(GHashTable *set, const struct nlattr *attr) {
        int32_t number;
        if (nl_attr_copy(attr, &number, sizeof number) && number > 0)
                g_hash_table_add(set, GINT_TO_POINTER(number));
}

static bool take_route(const struct nlmsghdr *message, void *user) {
        Ways *ways = user;
        const struct rtmsg *route = mnl_nlmsg_get_payload(message);
        const struct nlattr *attr;

        if (message->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(message) < sizeof *route)
                return true;
        if (route->rtm_dst_len != 0 || route->rtm_type != RTN_UNICAST)
                return true;
        mnl_attr_for_each(attr, message, sizeof *route) {
                if (mnl_attr_get_type(attr) == RTA_OIF)
                        add_number(ways->ifindexes, attr);
                if (mnl_attr_get_type(attr) == RTA_NH_ID)
                        add_number(ways->nexthops, attr);
                if (mnl_attr_get_type(attr) == RTA_MULTIPATH)
                        take_hops(attr, ways->ifindexes);
        }
        return true;
}

void links_parse_default_routes(const void *bytes, size_t length, GHashTable *ifindexes, GHashTable *nexthops) {
        Ways ways = {ifindexes, nexthops};
        nl_walk(bytes, length, take_route, &ways);
}

/* ---- nexthop objects: net/ipv4/nexthop.c nh_fill_node ---- */

typedef struct {
        Ways ways;
        bool groups; /* only the groups now: their members may stand before them */
} NexthopWalk;

static const struct nlattr *nexthop_attr(const struct nlmsghdr *message, uint16_t type) {
        const struct nlattr *attr;
        mnl_attr_for_each(attr, message, sizeof(struct nhmsg))
                if (mnl_attr_get_type(attr) == type)
                        return attr;
        return NULL;
}

static void take_members(const struct nlattr *group, GHashTable *nexthops) {
        const char *at = mnl_attr_get_payload(group);
        struct nexthop_grp member;

        for (size_t left = mnl_attr_get_payload_len(group); left >= sizeof member; left -= sizeof member, at += sizeof member) {
                memcpy(&member, at, sizeof member);
                if (member.id > 0 && member.id <= INT32_MAX)
                        g_hash_table_add(nexthops, GINT_TO_POINTER(member.id));
        }
}

static bool take_nexthop(const struct nlmsghdr *message, void *user) {
        NexthopWalk *walk = user;
        int32_t id;

        if (message->nlmsg_type != RTM_NEWNEXTHOP || mnl_nlmsg_get_payload_len(message) < sizeof(struct nhmsg))
                return true;
        const struct nlattr *number = nexthop_attr(message, NHA_ID);
        if (!number || !nl_attr_copy(number, &id, sizeof id) || !g_hash_table_contains(walk->ways.nexthops, GINT_TO_POINTER(id)))
                return true;
        const struct nlattr *attr = nexthop_attr(message, walk->groups ? NHA_GROUP : NHA_OIF);
        if (attr && walk->groups)
                take_members(attr, walk->ways.nexthops);
        else if (attr)
                add_number(walk->ways.ifindexes, attr);
        return true;
}

/* A group has no group among its members (nh_check_attr_group), so that one walk finds them all. */
void links_parse_nexthops(const void *bytes, size_t length, GHashTable *nexthops, GHashTable *ifindexes) {
        NexthopWalk walk = {{ifindexes, nexthops}, true};

        nl_walk(bytes, length, take_nexthop, &walk);
        walk.groups = false;
        nl_walk(bytes, length, take_nexthop, &walk);
}
