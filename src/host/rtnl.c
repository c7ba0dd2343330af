/* rtnetlink messages about one link and its VFs (include/uapi/linux/if_link.h, net/core/rtnetlink.c). */
#include "host/rtnl.h"

#include "host/nl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

/* Below this an answer about the VFs, without statistics, cannot overrun the 16-bit length of IFLA_VFINFO_LIST
 * (field-facts 7): above, VFs are missing for good and asking again is no use. */
#define VFS_IN_ONE_LIST 334
#define MISSING_DEADLINE_US (1000 * 1000)
#define MISSING_PAUSE_MS 50

static struct nlmsghdr *link_request(GByteArray **buffer, uint16_t type, int ifindex) {
        struct nlmsghdr *message = nl_request(buffer, type, NLM_F_ACK, sizeof(struct ifinfomsg));
        struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
        info->ifi_family = AF_UNSPEC;
        info->ifi_index = ifindex;
        return message;
}

GByteArray *rtnl_build_get_vfs(int ifindex) {
        GByteArray *buffer;
        struct nlmsghdr *message = link_request(&buffer, RTM_GETLINK, ifindex);
        mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
        return nl_request_end(buffer);
}

GByteArray *rtnl_build_link_up(int ifindex, bool up) {
        GByteArray *buffer;
        struct nlmsghdr *message = link_request(&buffer, RTM_NEWLINK, ifindex);
        struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
        info->ifi_flags = up ? IFF_UP : 0;
        info->ifi_change = IFF_UP;
        return nl_request_end(buffer);
}

static void put_mac(struct nlmsghdr *message, unsigned vf, const VfState *state) {
        struct ifla_vf_mac mac = {.vf = vf};
        memcpy(mac.mac, state->mac, sizeof state->mac);
        mnl_attr_put(message, IFLA_VF_MAC, sizeof mac, &mac);
}

/* IFLA_VF_VLAN means 802.1Q whatever was there before (field-facts 10), and clears with 0. */
static void put_vlan(struct nlmsghdr *message, unsigned vf, const VfState *state) {
        bool none = state->vlan == 0 && state->qos == 0;

        if (state->proto != VLAN_PROTO_8021AD || none) {
                struct ifla_vf_vlan vlan = {.vf = vf, .vlan = state->vlan, .qos = state->qos};
                mnl_attr_put(message, IFLA_VF_VLAN, sizeof vlan, &vlan);
                return;
        }
        struct ifla_vf_vlan_info info = {vf, state->vlan, state->qos, htons(state->proto)};
        struct nlattr *list = mnl_attr_nest_start(message, IFLA_VF_VLAN_LIST);
        mnl_attr_put(message, IFLA_VF_VLAN_INFO, sizeof info, &info);
        mnl_attr_nest_end(message, list);
}

static void put_rate(struct nlmsghdr *message, unsigned vf, const VfState *state) {
        struct ifla_vf_rate rate = {.vf = vf, .min_tx_rate = state->min_rate, .max_tx_rate = state->max_rate};
        mnl_attr_put(message, IFLA_VF_RATE, sizeof rate, &rate);
}

static void put_spoofchk(struct nlmsghdr *message, unsigned vf, const VfState *state) {
        struct ifla_vf_spoofchk spoofchk = {.vf = vf, .setting = state->spoofchk};
        mnl_attr_put(message, IFLA_VF_SPOOFCHK, sizeof spoofchk, &spoofchk);
}

static void put_link(struct nlmsghdr *message, unsigned vf, const VfState *state) {
        static const uint32_t words[] = {
                [VF_LINK_AUTO] = IFLA_VF_LINK_STATE_AUTO,
                [VF_LINK_ON] = IFLA_VF_LINK_STATE_ENABLE,
                [VF_LINK_OFF] = IFLA_VF_LINK_STATE_DISABLE,
        };
        struct ifla_vf_link_state link = {.vf = vf, .link_state = words[state->link]};
        mnl_attr_put(message, IFLA_VF_LINK_STATE, sizeof link, &link);
}

static void put_trust(struct nlmsghdr *message, unsigned vf, const VfState *state) {
        struct ifla_vf_trust trust = {.vf = vf, .setting = state->trust};
        mnl_attr_put(message, IFLA_VF_TRUST, sizeof trust, &trust);
}

GByteArray *rtnl_build_set_vf(int ifindex, unsigned vf, const VfState *state, unsigned mask) {
        static const struct {
                unsigned mask;
                void (*put)(struct nlmsghdr *message, unsigned vf, const VfState *state);
        } table[] = {
                /* The order in which do_setvfinfo() applies them (field-facts 9). */
                {VF_MAC, put_mac},
                {VF_VLAN, put_vlan},
                {VF_MIN_RATE | VF_MAX_RATE, put_rate},
                {VF_SPOOFCHK, put_spoofchk},
                {VF_LINK, put_link},
                {VF_TRUST, put_trust},
        };
        GByteArray *buffer;
        struct nlmsghdr *message = link_request(&buffer, RTM_SETLINK, ifindex);
        struct nlattr *list = mnl_attr_nest_start(message, IFLA_VFINFO_LIST);
        struct nlattr *info = mnl_attr_nest_start(message, IFLA_VF_INFO);
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                if (mask & table[i].mask)
                        table[i].put(message, vf, state);
        mnl_attr_nest_end(message, info);
        mnl_attr_nest_end(message, list);
        return nl_request_end(buffer);
}

/* ---- the answer ---- */

typedef struct {
        VfInfo info;
        bool has_index;
        uint32_t index;
} OneVf;

/* All attributes of a VF begin with its number; they must agree. */
static bool take_index(OneVf *one, uint32_t index) {
        if (one->has_index && one->index != index)
                return false;
        one->has_index = true;
        one->index = index;
        return true;
}

static void take_flag(uint32_t setting, unsigned bit, bool *flag, VfState *state) {
        if (setting == UINT32_MAX) /* the driver does not tell (field-facts 8) */
                return;
        *flag = setting != 0;
        state->known |= bit;
}

static void take_vlan_list(const struct nlattr *list, OneVf *one) {
        const struct nlattr *attr;
        struct ifla_vf_vlan_info info;
        mnl_attr_for_each_nested(attr, list) {
                if (mnl_attr_get_type(attr) != IFLA_VF_VLAN_INFO || !nl_attr_copy(attr, &info, sizeof info) ||
                    !take_index(one, info.vf))
                        continue;
                VfState *state = &one->info.state;
                state->vlan = (uint16_t) (info.vlan & 0xfff);
                state->qos = (uint8_t) (info.qos & 7);
                state->proto = ntohs(info.vlan_proto);
                state->known |= VF_VLAN;
                return; /* one entry is all that the kernel gives (net/core/rtnetlink.c MAX_VLAN_LIST_LEN) */
        }
}

static void take_vf_attr(const struct nlattr *attr, OneVf *one) {
        VfState *state = &one->info.state;
        union {
                struct ifla_vf_mac mac;
                struct ifla_vf_vlan vlan;
                struct ifla_vf_tx_rate tx_rate;
                struct ifla_vf_rate rate;
                struct ifla_vf_spoofchk spoofchk;
                struct ifla_vf_link_state link;
                struct ifla_vf_trust trust;
        } u;

        switch (mnl_attr_get_type(attr)) {
        case IFLA_VF_MAC:
                if (!nl_attr_copy(attr, &u.mac, sizeof u.mac) || !take_index(one, u.mac.vf))
                        return;
                memcpy(state->mac, u.mac.mac, sizeof state->mac);
                state->known |= VF_MAC;
                return;
        case IFLA_VF_VLAN:
                if ((state->known & VF_VLAN) || !nl_attr_copy(attr, &u.vlan, sizeof u.vlan) ||
                    !take_index(one, u.vlan.vf))
                        return;
                state->vlan = (uint16_t) (u.vlan.vlan & 0xfff);
                state->qos = (uint8_t) (u.vlan.qos & 7);
                state->proto = VLAN_PROTO_8021Q;
                state->known |= VF_VLAN;
                return;
        case IFLA_VF_VLAN_LIST:
                take_vlan_list(attr, one);
                return;
        case IFLA_VF_TX_RATE:
                if ((state->known & VF_MAX_RATE) || !nl_attr_copy(attr, &u.tx_rate, sizeof u.tx_rate) ||
                    !take_index(one, u.tx_rate.vf))
                        return;
                state->max_rate = u.tx_rate.rate;
                state->known |= VF_MAX_RATE;
                return;
        case IFLA_VF_RATE:
                if (!nl_attr_copy(attr, &u.rate, sizeof u.rate) || !take_index(one, u.rate.vf))
                        return;
                state->min_rate = u.rate.min_tx_rate;
                state->max_rate = u.rate.max_tx_rate;
                state->known |= VF_MIN_RATE | VF_MAX_RATE;
                return;
        case IFLA_VF_SPOOFCHK:
                if (nl_attr_copy(attr, &u.spoofchk, sizeof u.spoofchk) && take_index(one, u.spoofchk.vf))
                        take_flag(u.spoofchk.setting, VF_SPOOFCHK, &state->spoofchk, state);
                return;
        case IFLA_VF_TRUST:
                if (nl_attr_copy(attr, &u.trust, sizeof u.trust) && take_index(one, u.trust.vf))
                        take_flag(u.trust.setting, VF_TRUST, &state->trust, state);
                return;
        case IFLA_VF_LINK_STATE:
                if (!nl_attr_copy(attr, &u.link, sizeof u.link) || !take_index(one, u.link.vf) ||
                    u.link.link_state > IFLA_VF_LINK_STATE_DISABLE)
                        return;
                state->link = u.link.link_state == IFLA_VF_LINK_STATE_AUTO     ? VF_LINK_AUTO
                              : u.link.link_state == IFLA_VF_LINK_STATE_ENABLE ? VF_LINK_ON
                                                                               : VF_LINK_OFF;
                state->known |= VF_LINK;
                return;
        default:
                return;
        }
}

typedef struct {
        bool is_link;  /* an RTM_NEWLINK was there */
        bool has_list; /* and told of VFs */
        GHashTable *vfs; /* index → VfInfo */
} Answer;

static void take_vf(const struct nlattr *nest, Answer *answer) {
        OneVf one = {0};
        const struct nlattr *attr;

        mnl_attr_for_each_nested(attr, nest)
                take_vf_attr(attr, &one);
        if (!one.has_index || one.index > UINT16_MAX) /* NumVFs has 16 bits */
                return;
        one.info.index = one.index;
        g_hash_table_insert(answer->vfs, GUINT_TO_POINTER(one.index), g_memdup2(&one.info, sizeof one.info));
}

static bool take_message(const struct nlmsghdr *message, void *user) {
        Answer *answer = user;
        const struct nlattr *attr, *vf;

        if (message->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg))
                return true;
        answer->is_link = true;
        mnl_attr_for_each(attr, message, sizeof(struct ifinfomsg)) {
                if (mnl_attr_get_type(attr) != IFLA_VFINFO_LIST)
                        continue;
                answer->has_list = true;
                mnl_attr_for_each_nested(vf, attr)
                        if (mnl_attr_get_type(vf) == IFLA_VF_INFO)
                                take_vf(vf, answer);
        }
        return true;
}

static int by_index(const void *a, const void *b) {
        const VfInfo *x = a, *y = b;
        return (x->index > y->index) - (x->index < y->index);
}

int rtnl_parse_vfs(const void *bytes, size_t length, unsigned num_vfs, GArray **ret) {
        g_autoptr(GHashTable) vfs = g_hash_table_new_full(NULL, NULL, NULL, g_free);
        Answer answer = {.vfs = vfs};
        GHashTableIter iter;
        void *info;

        nl_walk(bytes, length, take_message, &answer);
        if (!answer.is_link)
                return -EPROTO;
        /* Without ndo_get_vf_config the kernel counts the VFs and tells nothing of them (rtnl_fill_vf). */
        if (num_vfs > 0 && !answer.has_list)
                return -EOPNOTSUPP;
        GArray *infos = g_array_sized_new(FALSE, TRUE, sizeof(VfInfo), MAX(num_vfs, g_hash_table_size(vfs)));
        g_hash_table_iter_init(&iter, vfs);
        while (g_hash_table_iter_next(&iter, NULL, &info))
                g_array_append_vals(infos, info, 1);
        for (unsigned i = 0; i < num_vfs; i++) {
                VfInfo missing = {.index = i, .missing = true};
                if (!g_hash_table_contains(vfs, GUINT_TO_POINTER(i)))
                        g_array_append_val(infos, missing);
        }
        g_array_sort(infos, by_index);
        *ret = infos;
        return 0;
}

static bool any_missing(const GArray *infos) {
        for (unsigned i = 0; i < infos->len; i++)
                if (g_array_index(infos, VfInfo, i).missing)
                        return true;
        return false;
}

int rtnl_read_vfs(Io *io, int ifindex, unsigned num_vfs, GArray **ret) {
        g_autoptr(GByteArray) request = rtnl_build_get_vfs(ifindex);
        g_autoptr(GArray) infos = NULL;
        int64_t deadline = io_now(io) + MISSING_DEADLINE_US;

        for (;;) {
                g_autoptr(GByteArray) reply = g_byte_array_new();
                int r = io_netlink(io, request->data, request->len, reply, NULL);
                g_clear_pointer(&infos, g_array_unref);
                if (r >= 0)
                        r = rtnl_parse_vfs(reply->data, reply->len, num_vfs, &infos);
                if (r < 0)
                        return r;
                if (!any_missing(infos) || num_vfs > VFS_IN_ONE_LIST || io_now(io) >= deadline)
                        break;
                io_pause(io, MISSING_PAUSE_MS); /* in reset: field-facts 8 */
        }
        *ret = g_steal_pointer(&infos);
        return 0;
}
