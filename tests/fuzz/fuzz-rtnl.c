/* Any bytes as rtnetlink answers: lists of links, addresses and routes, and what a PF tells of its VFs. */
#include "host/links.h"
#include "host/rtnl.h"

#include <errno.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_vfs(const uint8_t *data, size_t size, unsigned num_vfs) {
        g_autoptr(GArray) infos = NULL;
        unsigned found = 0;

        int r = rtnl_parse_vfs(data, size, num_vfs, &infos);
        g_assert_true(r == 0 || r == -EPROTO || r == -EOPNOTSUPP);
        g_assert_true((r == 0) == (infos != NULL));
        for (unsigned i = 0; infos && i < infos->len; i++) {
                const VfInfo *info = &g_array_index(infos, VfInfo, i);
                g_assert_true(i == 0 || info->index > info[-1].index);
                g_assert_cmphex(info->state.known & ~(unsigned) VF_ALL, ==, 0);
                g_assert_true(info->state.vlan <= 4095 && info->state.qos <= 7 && info->state.link <= VF_LINK_OFF);
                g_assert_true(!info->missing || info->state.known == 0);
                found += info->index < num_vfs;
        }
        g_assert_cmpuint(found, ==, infos ? num_vfs : 0);
}

static void check_lists(const uint8_t *data, size_t size) {
        g_autoptr(GPtrArray) links = links_parse(data, size);
        g_autoptr(GArray) addresses = links_parse_addresses(data, size);
        g_autoptr(GHashTable) routes = g_hash_table_new(NULL, NULL);

        for (unsigned i = 0; i < links->len; i++) {
                const Link *link = links->pdata[i];
                g_assert_true(link_name_ok(link->name) && link->ifindex > 0);
                g_assert_true(!link->master || link_name_ok(link->master));
                g_assert_true(link->has_upper == (link->upper != NULL));
                for (unsigned n = 0; n < link->lowers->len; n++)
                        g_assert_true(link_name_ok(link->lowers->pdata[n]));
        }
        for (unsigned i = 0; i < addresses->len; i++) {
                const LinkAddr *address = &g_array_index(addresses, LinkAddr, i);
                g_autofree char *text = ip_format(&address->ip);
                IpAddr back;
                g_assert_true(ip_parse(text, &back) && ip_equal(&back, &address->ip));
        }
        g_autoptr(GHashTable) nexthops = g_hash_table_new(NULL, NULL);
        links_parse_default_routes(data, size, routes, nexthops);
        links_parse_nexthops(data, size, nexthops, routes);
        g_assert_false(g_hash_table_contains(nexthops, GINT_TO_POINTER(0)));
        g_assert_false(g_hash_table_contains(routes, GINT_TO_POINTER(0)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        check_vfs(data, size, 0);
        check_vfs(data, size, 7);
        check_lists(data, size);
        return 0;
}
