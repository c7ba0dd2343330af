/* rtnetlink: the bytes that we send, the answers that a kernel gives (recorded from Linux 6.18), and those that lie. */
#include "host/links.h"
#include "host/rtnl.h"
#include "io/tree.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

/* ---- what we send ---- */

static void check_bytes(const GByteArray *message, const uint8_t *expected, size_t length) {
        g_assert_cmpmem(message->data, message->len, expected, length);
}

static void test_build_get(void) {
        g_autoptr(GByteArray) message = rtnl_build_get_vfs(7);
        static const uint8_t expected[] = {
                40, 0, 0, 0, RTM_GETLINK, 0, NLM_F_REQUEST | NLM_F_ACK, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                8, 0, IFLA_EXT_MASK, 0, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS, 0, 0, 0,
        };
        check_bytes(message, expected, sizeof expected);
}

static void test_build_link_up(void) {
        g_autoptr(GByteArray) up = rtnl_build_link_up(7, true);
        g_autoptr(GByteArray) down = rtnl_build_link_up(7, false);
        static const uint8_t expected[] = {
                32, 0, 0, 0, RTM_NEWLINK, 0, NLM_F_REQUEST | NLM_F_ACK, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0, 7, 0, 0, 0, IFF_UP, 0, 0, 0, IFF_UP, 0, 0, 0,
        };
        uint8_t expected_down[sizeof expected];
        memcpy(expected_down, expected, sizeof expected);
        expected_down[24] = 0;
        check_bytes(up, expected, sizeof expected);
        check_bytes(down, expected_down, sizeof expected_down);
}

/* The attributes inside IFLA_VF_INFO; everything around it must be as the kernel's policy has it. */
static const struct nlattr *vf_info_of(const GByteArray *message) {
        const struct nlmsghdr *head = (const struct nlmsghdr *) message->data;
        g_assert_cmpuint(head->nlmsg_len, ==, message->len);
        g_assert_cmpuint(head->nlmsg_type, ==, RTM_SETLINK);
        g_assert_cmpuint(head->nlmsg_flags, ==, NLM_F_REQUEST | NLM_F_ACK);
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(head);
        g_assert_cmpint(info->ifi_index, ==, 3);
        g_assert_cmpuint(info->ifi_flags, ==, 0);
        g_assert_cmpuint(info->ifi_change, ==, 0);
        const struct nlattr *list = mnl_nlmsg_get_payload_offset(head, sizeof *info);
        g_assert_cmpuint(mnl_attr_get_type(list), ==, IFLA_VFINFO_LIST);
        g_assert_cmpuint(sizeof *head + sizeof *info + mnl_attr_get_len(list), ==, message->len);
        const struct nlattr *one = mnl_attr_get_payload(list);
        g_assert_cmpuint(mnl_attr_get_type(one), ==, IFLA_VF_INFO);
        g_assert_cmpuint(mnl_attr_get_len(one), ==, mnl_attr_get_payload_len(list));
        return one;
}

static unsigned attr_types(const struct nlattr *nest) {
        const struct nlattr *attr;
        unsigned types = 0;
        mnl_attr_for_each_nested(attr, nest)
                types |= 1u << mnl_attr_get_type(attr);
        return types;
}

static const void *attr_of(const struct nlattr *nest, unsigned type, size_t size) {
        const struct nlattr *attr;
        mnl_attr_for_each_nested(attr, nest)
                if (mnl_attr_get_type(attr) == type) {
                        g_assert_cmpuint(mnl_attr_get_payload_len(attr), ==, size);
                        return mnl_attr_get_payload(attr);
                }
        g_error("no attribute %u", type);
        return NULL;
}

static const VfState some = {
        .mac = {0x02, 0, 0, 0, 0, 0x42}, .vlan = 42, .qos = 3, .proto = VLAN_PROTO_8021Q, .spoofchk = true,
        .link = VF_LINK_OFF, .min_rate = 100, .max_rate = 1000,
};

static void test_build_set_all(void) {
        g_autoptr(GByteArray) message = rtnl_build_set_vf(3, 5, &some, VF_ALL);
        const struct nlattr *info = vf_info_of(message);
        g_assert_cmphex(attr_types(info), ==, 1u << IFLA_VF_MAC | 1u << IFLA_VF_VLAN | 1u << IFLA_VF_RATE |
                                                      1u << IFLA_VF_SPOOFCHK | 1u << IFLA_VF_LINK_STATE |
                                                      1u << IFLA_VF_TRUST);
        const struct ifla_vf_mac *mac = attr_of(info, IFLA_VF_MAC, sizeof *mac);
        uint8_t padded[32] = {0x02, 0, 0, 0, 0, 0x42};
        g_assert_cmpuint(mac->vf, ==, 5);
        g_assert_cmpmem(mac->mac, 32, padded, 32);
        const struct ifla_vf_vlan *vlan = attr_of(info, IFLA_VF_VLAN, sizeof *vlan);
        g_assert_cmpuint(vlan->vf, ==, 5);
        g_assert_cmpuint(vlan->vlan, ==, 42);
        g_assert_cmpuint(vlan->qos, ==, 3);
        const struct ifla_vf_rate *rate = attr_of(info, IFLA_VF_RATE, sizeof *rate);
        g_assert_cmpuint(rate->vf, ==, 5);
        g_assert_cmpuint(rate->min_tx_rate, ==, 100);
        g_assert_cmpuint(rate->max_tx_rate, ==, 1000);
        const struct ifla_vf_spoofchk *spoofchk = attr_of(info, IFLA_VF_SPOOFCHK, sizeof *spoofchk);
        g_assert_cmpuint(spoofchk->setting, ==, 1);
        const struct ifla_vf_link_state *link = attr_of(info, IFLA_VF_LINK_STATE, sizeof *link);
        g_assert_cmpuint(link->link_state, ==, IFLA_VF_LINK_STATE_DISABLE);
        const struct ifla_vf_trust *trust = attr_of(info, IFLA_VF_TRUST, sizeof *trust);
        g_assert_cmpuint(trust->vf, ==, 5);
        g_assert_cmpuint(trust->setting, ==, 0);
}

static void test_build_set_one(void) {
        g_autoptr(GByteArray) trust = rtnl_build_set_vf(3, 5, &some, VF_TRUST);
        g_assert_cmphex(attr_types(vf_info_of(trust)), ==, 1u << IFLA_VF_TRUST);

        /* Either rate goes with the other, which keeps its value. */
        g_autoptr(GByteArray) rate_message = rtnl_build_set_vf(3, 5, &some, VF_MAX_RATE);
        const struct nlattr *info = vf_info_of(rate_message);
        g_assert_cmphex(attr_types(info), ==, 1u << IFLA_VF_RATE);
        const struct ifla_vf_rate *rate = attr_of(info, IFLA_VF_RATE, sizeof *rate);
        g_assert_cmpuint(rate->min_tx_rate, ==, 100);
}

static void test_build_vlan(void) {
        VfState state = some;
        state.proto = VLAN_PROTO_8021AD;
        g_autoptr(GByteArray) message = rtnl_build_set_vf(3, 5, &state, VF_VLAN);
        const struct nlattr *attr = mnl_attr_get_payload(vf_info_of(message));
        g_assert_cmpuint(mnl_attr_get_type(attr), ==, IFLA_VF_VLAN_LIST);
        const struct ifla_vf_vlan_info *info = attr_of(attr, IFLA_VF_VLAN_INFO, sizeof *info);
        g_assert_cmpuint(info->vf, ==, 5);
        g_assert_cmpuint(info->vlan, ==, 42);
        g_assert_cmpuint(info->qos, ==, 3);
        g_assert_cmphex(ntohs(info->vlan_proto), ==, 0x88a8);

        state.vlan = state.qos = 0; /* clearing is not a matter of the protocol */
        g_autoptr(GByteArray) clear = rtnl_build_set_vf(3, 5, &state, VF_VLAN);
        g_assert_cmphex(attr_types(vf_info_of(clear)), ==, 1u << IFLA_VF_VLAN);
}

/* ---- what we are told of VFs ---- */

typedef struct {
        uint8_t bytes[65536];
        struct nlmsghdr *head;
        struct nlattr *list;
} Reply;

static Reply *reply_new(void) {
        Reply *r = g_new0(Reply, 1);
        r->head = mnl_nlmsg_put_header(r->bytes);
        r->head->nlmsg_type = RTM_NEWLINK;
        struct ifinfomsg *info = mnl_nlmsg_put_extra_header(r->head, sizeof *info);
        info->ifi_index = 3;
        mnl_attr_put_strz(r->head, IFLA_IFNAME, "enp1s0");
        mnl_attr_put_u32(r->head, IFLA_NUM_VF, 7);
        r->list = mnl_attr_nest_start(r->head, IFLA_VFINFO_LIST);
        return r;
}

static void reply_vf(Reply *r, unsigned vf, uint32_t spoofchk, uint32_t trust, uint16_t proto) {
        struct ifla_vf_mac mac = {.vf = vf, .mac = {0x02, 0, 0, 0, 1, (uint8_t) vf}};
        struct ifla_vf_broadcast broadcast = {{0xff}};
        struct ifla_vf_vlan vlan = {vf, 42, 3};
        struct ifla_vf_vlan_info vlan_info = {vf, 42, 3, htons(proto)};
        struct ifla_vf_rate rate = {vf, 10, 20};
        struct ifla_vf_tx_rate tx_rate = {vf, 20};
        struct ifla_vf_spoofchk spoof = {vf, spoofchk};
        struct ifla_vf_link_state link = {vf, IFLA_VF_LINK_STATE_ENABLE};
        struct ifla_vf_trust trusted = {vf, trust};
        struct nlattr *nest = mnl_attr_nest_start(r->head, IFLA_VF_INFO);
        mnl_attr_put(r->head, IFLA_VF_MAC, sizeof mac, &mac);
        mnl_attr_put(r->head, IFLA_VF_BROADCAST, sizeof broadcast, &broadcast);
        mnl_attr_put(r->head, IFLA_VF_VLAN, sizeof vlan, &vlan);
        mnl_attr_put(r->head, IFLA_VF_RATE, sizeof rate, &rate);
        mnl_attr_put(r->head, IFLA_VF_TX_RATE, sizeof tx_rate, &tx_rate);
        mnl_attr_put(r->head, IFLA_VF_SPOOFCHK, sizeof spoof, &spoof);
        mnl_attr_put(r->head, IFLA_VF_LINK_STATE, sizeof link, &link);
        mnl_attr_put(r->head, IFLA_VF_TRUST, sizeof trusted, &trusted);
        struct nlattr *list = mnl_attr_nest_start(r->head, IFLA_VF_VLAN_LIST);
        mnl_attr_put(r->head, IFLA_VF_VLAN_INFO, sizeof vlan_info, &vlan_info);
        mnl_attr_nest_end(r->head, list);
        mnl_attr_nest_end(r->head, nest);
}

static const void *reply_end(Reply *r, size_t *length) {
        mnl_attr_nest_end(r->head, r->list);
        *length = r->head->nlmsg_len;
        return r->bytes;
}

static void test_parse(void) {
        g_autofree Reply *r = reply_new();
        g_autoptr(GArray) infos = NULL;
        size_t length;

        reply_vf(r, 2, UINT32_MAX, 1, VLAN_PROTO_8021AD); /* not in order, number 1 left out */
        reply_vf(r, 0, 1, UINT32_MAX, VLAN_PROTO_8021Q);
        const void *bytes = reply_end(r, &length);
        g_assert_cmpint(rtnl_parse_vfs(bytes, length, 3, &infos), ==, 0);
        g_assert_cmpuint(infos->len, ==, 3);
        const VfInfo *a = &g_array_index(infos, VfInfo, 0), *b = a + 1, *c = a + 2;
        g_assert_cmpuint(a->index, ==, 0);
        g_assert_cmpuint(b->index, ==, 1);
        g_assert_cmpuint(c->index, ==, 2);
        g_assert_true(!a->missing && b->missing && !c->missing);
        g_assert_cmphex(a->state.known, ==, VF_ALL & ~VF_TRUST);
        g_assert_cmphex(b->state.known, ==, 0);
        g_assert_cmphex(c->state.known, ==, VF_ALL & ~VF_SPOOFCHK);
        g_assert_cmpuint(a->state.mac[5], ==, 0);
        g_assert_cmpuint(c->state.mac[5], ==, 2);
        g_assert_cmpuint(a->state.vlan, ==, 42);
        g_assert_cmpuint(a->state.qos, ==, 3);
        g_assert_cmphex(a->state.proto, ==, VLAN_PROTO_8021Q);
        g_assert_cmphex(c->state.proto, ==, VLAN_PROTO_8021AD);
        g_assert_true(a->state.spoofchk && c->state.trust);
        g_assert_cmpint(a->state.link, ==, VF_LINK_ON);
        g_assert_cmpuint(a->state.min_rate, ==, 10);
        g_assert_cmpuint(a->state.max_rate, ==, 20);
}

static void test_parse_no_answer(void) {
        g_autofree Reply *r = reply_new();
        GArray *infos = (GArray *) 1;
        size_t length;
        const uint8_t *bytes = reply_end(r, &length);

        g_assert_cmpint(rtnl_parse_vfs(NULL, 0, 3, &infos), ==, -EPROTO);
        g_assert_cmpint(rtnl_parse_vfs("hello, I am no netlink message", 30, 3, &infos), ==, -EPROTO);
        r->head->nlmsg_type = RTM_NEWADDR;
        g_assert_cmpint(rtnl_parse_vfs(bytes, length, 3, &infos), ==, -EPROTO);
        g_assert_true(infos == (GArray *) 1);

        /* A driver that tells nothing of its VFs; and one without any. */
        g_autoptr(GByteArray) bare = rtnl_build_link_up(3, true);
        g_assert_cmpint(rtnl_parse_vfs(bare->data, bare->len, 3, &infos), ==, -EOPNOTSUPP);
        g_assert_cmpint(rtnl_parse_vfs(bare->data, bare->len, 0, &infos), ==, 0);
        g_assert_cmpuint(infos->len, ==, 0);
        g_array_unref(infos);
}

/* Cut off at any byte, and with a VF that names another in the middle. */
static void test_parse_hostile(void) {
        g_autofree Reply *r = reply_new();
        size_t length;
        for (unsigned i = 0; i < 4; i++)
                reply_vf(r, i == 3 ? 70000 : i, 1, 1, VLAN_PROTO_8021Q);
        const uint8_t *bytes = reply_end(r, &length);

        for (size_t n = 0; n <= length; n++) {
                g_autofree uint8_t *exact = g_malloc(n + 1);
                g_autoptr(GArray) infos = NULL;
                memcpy(exact + 1, bytes, n); /* not aligned, either */
                int result = rtnl_parse_vfs(exact + 1, n, 2, &infos);
                g_assert_cmpint(result, ==, n < length ? -EPROTO : 0);
                if (result == 0)
                        g_assert_cmpuint(infos->len, ==, 3);
        }
        for (size_t i = 0; i < length; i++) {
                g_autofree uint8_t *broken = g_memdup2(bytes, length);
                g_autoptr(GArray) infos = NULL;
                broken[i] ^= 0xff;
                int result = rtnl_parse_vfs(broken, length, 2, &infos);
                g_assert_cmpint(result, <=, 0);
                if (result == 0)
                        g_assert_cmpuint(infos->len, >=, 2);
        }
}

/* A VF in reset shows up when asked again: the simulated pause lets the answer change. */
typedef struct {
        Io io;
        Io *base;
        GBytes *first, *later;
        unsigned asked, answer_after, pauses;
        int64_t now;
} SlowIo;

static int slow_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack) {
        SlowIo *slow = (SlowIo *) io;
        size_t size;
        GBytes *bytes = slow->asked++ < slow->answer_after ? slow->first : slow->later;
        const void *data = g_bytes_get_data(bytes, &size);
        g_byte_array_append(reply, data, (guint) size);
        return 0;
}

static int64_t slow_now(Io *io) {
        return ((SlowIo *) io)->now;
}

static void slow_pause(Io *io, unsigned milliseconds) {
        ((SlowIo *) io)->now += milliseconds * 1000;
        ((SlowIo *) io)->pauses++;
}

static void test_read_retries(void) {
        static const IoCalls calls = {.netlink = slow_netlink, .now = slow_now, .pause = slow_pause};
        g_autofree Reply *half = reply_new(), *whole = reply_new();
        g_autoptr(GArray) infos = NULL, again = NULL;
        size_t half_length, whole_length;

        reply_vf(half, 0, 1, 0, VLAN_PROTO_8021Q);
        reply_vf(whole, 0, 1, 0, VLAN_PROTO_8021Q);
        reply_vf(whole, 1, 1, 0, VLAN_PROTO_8021Q);
        const void *half_bytes = reply_end(half, &half_length), *whole_bytes = reply_end(whole, &whole_length);
        g_autoptr(GBytes) first = g_bytes_new(half_bytes, half_length), later = g_bytes_new(whole_bytes, whole_length);
        SlowIo slow = {.io = {.calls = &calls, .writable = true}, .first = first, .later = later, .answer_after = 3};

        g_assert_cmpint(rtnl_read_vfs(&slow.io, 3, 2, &infos), ==, 0);
        g_assert_cmpuint(slow.asked, ==, 4);
        g_assert_cmpuint(infos->len, ==, 2);
        g_assert_false(g_array_index(infos, VfInfo, 1).missing);

        slow = (SlowIo){.io = slow.io, .first = first, .later = later, .answer_after = 1000};
        g_assert_cmpint(rtnl_read_vfs(&slow.io, 3, 2, &again), ==, 0);
        g_assert_true(g_array_index(again, VfInfo, 1).missing);
        g_assert_cmpint(slow.now, >=, 900 * 1000); /* tried for about a second, then gave what there is */
        g_assert_cmpint(slow.now, <=, 1200 * 1000);
        g_assert_cmpuint(slow.pauses, >, 3);
}

/* ---- the recorded lists: lo, a bridge br0, a veth pair va (in br0) and vb, some addresses and default routes ---- */

static GBytes *recorded(const char *name) {
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "rtnl", name, NULL);
        char *data = NULL;
        size_t length;
        g_autoptr(GError) error = NULL;
        g_file_get_contents(path, &data, &length, &error);
        g_assert_no_error(error);
        return g_bytes_new_take(data, length);
}

static const Link *find_link(const GPtrArray *links, const char *name) {
        for (unsigned i = 0; i < links->len; i++)
                if (g_str_equal(((const Link *) links->pdata[i])->name, name))
                        return links->pdata[i];
        g_error("no link %s", name);
        return NULL;
}

static void test_recorded_links(void) {
        g_autoptr(GBytes) bytes = recorded("links");
        size_t length;
        const void *data = g_bytes_get_data(bytes, &length);
        g_autoptr(GPtrArray) links = links_parse(data, length);
        static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x0a};

        g_assert_cmpuint(links->len, ==, 4);
        const Link *br0 = find_link(links, "br0"), *va = find_link(links, "va");
        const Link *vb = find_link(links, "vb"), *lo = find_link(links, "lo");
        g_assert_cmpint(lo->ifindex, ==, 1);
        g_assert_true(lo->up && va->up && br0->up && br0->carrier);
        g_assert_cmpmem(va->mac, 6, mac, 6);
        g_assert_cmpstr(va->master, ==, "br0");
        g_assert_null(vb->master);
        g_assert_null(lo->master);
        g_assert_cmpuint(br0->lowers->len, ==, 1);
        g_assert_cmpstr(br0->lowers->pdata[0], ==, "va");
        g_assert_cmpstr(vb->lowers->pdata[0], ==, "va");
        g_assert_false(br0->has_upper || lo->has_upper);
}

static void test_recorded_addresses(void) {
        g_autoptr(GBytes) bytes = recorded("addresses");
        size_t length;
        const void *data = g_bytes_get_data(bytes, &length);
        g_autoptr(GArray) addresses = links_parse_addresses(data, length);
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; i < addresses->len; i++) {
                const LinkAddr *address = &g_array_index(addresses, LinkAddr, i);
                g_autofree char *ip = ip_format(&address->ip);
                if (!ip_is_link_local(&address->ip))
                        g_string_append_printf(text, "%d %s/%u%s\n", address->ifindex, ip, address->prefix,
                                               ip_is_loopback(&address->ip) ? " lo" : "");
        }
        /* Of the point-to-point pair the local end. */
        g_assert_cmpstr(text->str, ==,
                        "1 127.0.0.1/8 lo\n2 10.9.0.1/24\n3 10.9.1.1/32\n1 ::1/128 lo\n2 fd00:9::1/64\n");
        g_assert_cmpuint(addresses->len, ==, 8);
}

static void test_recorded_routes(void) {
        g_autoptr(GHashTable) v4 = g_hash_table_new(NULL, NULL), v6 = g_hash_table_new(NULL, NULL);
        g_autoptr(GHashTable) nexthops = g_hash_table_new(NULL, NULL);
        g_autoptr(GBytes) four = recorded("routes4"), six = recorded("routes6");
        size_t length;
        const void *data = g_bytes_get_data(four, &length);

        links_parse_default_routes(data, length, v4, nexthops);
        g_assert_cmpuint(g_hash_table_size(v4), ==, 2); /* both hops of the multipath route */
        g_assert_true(g_hash_table_contains(v4, GINT_TO_POINTER(2)) && g_hash_table_contains(v4, GINT_TO_POINTER(3)));
        data = g_bytes_get_data(six, &length);
        links_parse_default_routes(data, length, v6, nexthops);
        g_assert_cmpuint(g_hash_table_size(nexthops), ==, 0);
        g_assert_cmpuint(g_hash_table_size(v6), ==, 1);
        g_assert_true(g_hash_table_contains(v6, GINT_TO_POINTER(2)));
}

/* Every recorded list, cut and flipped at each byte: read without harm. */
static void test_recorded_hostile(void) {
        static const char *const names[] = {"links", "addresses", "routes4", "routes6"};
        for (size_t f = 0; f < G_N_ELEMENTS(names); f++) {
                g_autoptr(GBytes) bytes = recorded(names[f]);
                size_t length, links_seen = 0;
                const uint8_t *data = g_bytes_get_data(bytes, &length);
                g_assert_cmpuint(length, >, 0);
                for (size_t i = 0; i < 2 * length; i++) {
                        size_t n = i < length ? i : length;
                        g_autofree uint8_t *broken = g_memdup2(data, length);
                        g_autofree uint8_t *exact = g_malloc(n + 1);
                        broken[i % length] ^= i < length ? 0 : 0xff;
                        memcpy(exact, broken, n);
                        g_autoptr(GPtrArray) links = links_parse(exact, n);
                        g_autoptr(GArray) addresses = links_parse_addresses(exact, n);
                        g_autoptr(GHashTable) routes = g_hash_table_new(NULL, NULL);
                        links_parse_default_routes(exact, n, routes, routes);
                        links_parse_nexthops(exact, n, routes, routes);
                        for (unsigned l = 0; l < links->len; l++)
                                g_assert_true(link_name_ok(((const Link *) links->pdata[l])->name));
                        links_seen += links->len + addresses->len + g_hash_table_size(routes);
                }
                g_assert_cmpuint(links_seen, >, 0);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/rtnl/build-get", test_build_get);
        g_test_add_func("/rtnl/build-link-up", test_build_link_up);
        g_test_add_func("/rtnl/build-set-all", test_build_set_all);
        g_test_add_func("/rtnl/build-set-one", test_build_set_one);
        g_test_add_func("/rtnl/build-vlan", test_build_vlan);
        g_test_add_func("/rtnl/parse", test_parse);
        g_test_add_func("/rtnl/parse-no-answer", test_parse_no_answer);
        g_test_add_func("/rtnl/parse-hostile", test_parse_hostile);
        g_test_add_func("/rtnl/read-retries", test_read_retries);
        g_test_add_func("/rtnl/recorded-links", test_recorded_links);
        g_test_add_func("/rtnl/recorded-addresses", test_recorded_addresses);
        g_test_add_func("/rtnl/recorded-routes", test_recorded_routes);
        g_test_add_func("/rtnl/recorded-hostile", test_recorded_hostile);
        return g_test_run();
}
