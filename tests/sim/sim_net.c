/* rtnetlink of the simulated kernel: net/core/rtnetlink.c (rtnl_fill_ifinfo, rtnl_fill_vfinfo, do_setvfinfo) and what
 * the PF drivers' ndo_set_vf_* answer. */
#include "base/text.h"
#include "sim_priv.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/if.h>
#include <string.h>

enum { REPLY_MAX = 256 * 1024 };

static Fn *find_net(Sim *sim, int ifindex, const char *name) {
        for (unsigned i = 0; i < sim->fns->len; i++) {
                Fn *fn = sim->fns->pdata[i];
                if (fn->net && (ifindex > 0 ? fn->ifindex == ifindex : name && g_str_equal(fn->net, name)))
                        return fn;
        }
        return NULL;
}

/* --- answers -------------------------------------------------------------------------------------------------- */

static void put_vf(struct nlmsghdr *head, const Fn *pf, unsigned index) {
        const VfState *state = &pf->vf[index].state;
        struct ifla_vf_mac mac = {.vf = index};
        struct ifla_vf_vlan vlan = {.vf = index, .vlan = state->vlan, .qos = state->qos};
        struct ifla_vf_vlan_info info = {index, state->vlan, state->qos, htons(state->proto)};
        struct ifla_vf_rate rate = {index, state->min_rate, state->max_rate};
        struct ifla_vf_tx_rate tx_rate = {index, state->max_rate};
        struct ifla_vf_spoofchk spoofchk = {index, state->spoofchk};
        struct ifla_vf_link_state link = {index, (uint32_t) state->link};
        struct ifla_vf_rss_query_en rss = {index, 0};
        struct ifla_vf_trust trust = {index, state->trust};
        uint8_t broadcast[32];
        memset(broadcast, 0xff, 6);
        memset(broadcast + 6, 0, sizeof broadcast - 6);
        memcpy(mac.mac, state->mac, 6);

        struct nlattr *nest = mnl_attr_nest_start(head, IFLA_VF_INFO);
        mnl_attr_put(head, IFLA_VF_MAC, sizeof mac, &mac);
        mnl_attr_put(head, IFLA_VF_BROADCAST, sizeof broadcast, broadcast);
        mnl_attr_put(head, IFLA_VF_VLAN, sizeof vlan, &vlan);
        mnl_attr_put(head, IFLA_VF_RATE, sizeof rate, &rate);
        mnl_attr_put(head, IFLA_VF_TX_RATE, sizeof tx_rate, &tx_rate);
        mnl_attr_put(head, IFLA_VF_SPOOFCHK, sizeof spoofchk, &spoofchk);
        mnl_attr_put(head, IFLA_VF_LINK_STATE, sizeof link, &link);
        mnl_attr_put(head, IFLA_VF_RSS_QUERY_EN, sizeof rss, &rss);
        mnl_attr_put(head, IFLA_VF_TRUST, sizeof trust, &trust);
        struct nlattr *list = mnl_attr_nest_start(head, IFLA_VF_VLAN_LIST);
        mnl_attr_put(head, IFLA_VF_VLAN_INFO, sizeof info, &info);
        mnl_attr_nest_end(head, list);
        mnl_attr_nest_end(head, nest);
}

static void put_link(Sim *sim, struct nlmsghdr *head, const Fn *fn, const struct nlmsghdr *request, bool dump,
                     bool vfs) {
        head->nlmsg_type = RTM_NEWLINK;
        head->nlmsg_flags = dump ? NLM_F_MULTI : 0;
        head->nlmsg_seq = request->nlmsg_seq;
        head->nlmsg_pid = request->nlmsg_pid;
        struct ifinfomsg *info = mnl_nlmsg_put_extra_header(head, sizeof *info);
        info->ifi_family = AF_UNSPEC;
        info->ifi_type = 1;
        info->ifi_index = fn->ifindex;
        info->ifi_flags = (fn->up ? IFF_UP | IFF_RUNNING | IFF_LOWER_UP : 0) | IFF_BROADCAST | IFF_MULTICAST;
        mnl_attr_put_strz(head, IFLA_IFNAME, fn->net);
        mnl_attr_put_u8(head, IFLA_OPERSTATE, fn->up ? 6 : 2);
        mnl_attr_put_u32(head, IFLA_MTU, 1500);
        mnl_attr_put_u8(head, IFLA_CARRIER, fn->up);
        mnl_attr_put(head, IFLA_ADDRESS, 6, fn->mac);
        mnl_attr_put(head, IFLA_PERM_ADDRESS, 6, fn->mac);
        mnl_attr_put_strz(head, IFLA_PARENT_DEV_NAME, fn->name);
        mnl_attr_put_strz(head, IFLA_PARENT_DEV_BUS_NAME, "pci");
        if (!fn->vfs)
                return;
        if (vfs)
                mnl_attr_put_u32(head, IFLA_NUM_VF, fn->vfs->len);
        if (!vfs || fn->vfs->len == 0)
                return;
        struct nlattr *list = mnl_attr_nest_start(head, IFLA_VFINFO_LIST);
        for (unsigned i = 0; i < fn->vfs->len; i++)
                if (fn->vf[i].missing_until <= sim_now(sim)) /* field-facts 8 */
                        put_vf(head, fn, i);
        mnl_attr_nest_end(head, list);
}

static struct nlmsghdr *new_message(uint8_t *buffer) {
        memset(buffer, 0, REPLY_MAX);
        return mnl_nlmsg_put_header(buffer);
}

static void append(GByteArray *reply, const struct nlmsghdr *head) {
        if (reply)
                g_byte_array_append(reply, (const uint8_t *) head, head->nlmsg_len);
}

static int get_link(Sim *sim, const struct nlmsghdr *request, GByteArray *reply) {
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(request);
        g_autofree uint8_t *buffer = g_malloc(REPLY_MAX);
        const struct nlattr *attr;
        const char *name = NULL;
        bool vfs = false, dump = request->nlmsg_flags & NLM_F_DUMP;

        mnl_attr_for_each(attr, request, sizeof *info) {
                if (mnl_attr_get_type(attr) == IFLA_EXT_MASK)
                        vfs = mnl_attr_get_u32(attr) & RTEXT_FILTER_VF;
                if (mnl_attr_get_type(attr) == IFLA_IFNAME)
                        name = mnl_attr_get_str(attr);
        }
        if (!dump) {
                if (info->ifi_index <= 0 && !name)
                        return -EINVAL;
                const Fn *fn = find_net(sim, info->ifi_index, name);
                if (!fn)
                        return -ENODEV;
                struct nlmsghdr *head = new_message(buffer);
                put_link(sim, head, fn, request, false, vfs);
                append(reply, head);
                return 0;
        }
        for (unsigned i = 0; i < sim->fns->len; i++) {
                if (!((Fn *) sim->fns->pdata[i])->net)
                        continue;
                struct nlmsghdr *head = new_message(buffer);
                put_link(sim, head, sim->fns->pdata[i], request, true, vfs);
                append(reply, head);
        }
        return 0;
}

/* The management address and the default route through it. */
static int get_addr(Sim *sim, const struct nlmsghdr *request, GByteArray *reply) {
        const Fn *fn = find_net(sim, 0, "mgmt0");
        g_autofree uint8_t *buffer = g_malloc(REPLY_MAX);
        const uint8_t ip[4] = {10, 0, 2, 15};
        struct nlmsghdr *head = new_message(buffer);

        head->nlmsg_type = RTM_NEWADDR;
        head->nlmsg_flags = NLM_F_MULTI;
        head->nlmsg_seq = request->nlmsg_seq;
        struct ifaddrmsg *addr = mnl_nlmsg_put_extra_header(head, sizeof *addr);
        *addr = (struct ifaddrmsg) {AF_INET, 24, 0, RT_SCOPE_UNIVERSE, (uint32_t) fn->ifindex};
        mnl_attr_put(head, IFA_ADDRESS, 4, ip);
        mnl_attr_put(head, IFA_LOCAL, 4, ip);
        mnl_attr_put_strz(head, IFA_LABEL, fn->net);
        append(reply, head);
        return 0;
}

static int get_route(Sim *sim, const struct nlmsghdr *request, GByteArray *reply) {
        const Fn *fn = find_net(sim, 0, "mgmt0");
        g_autofree uint8_t *buffer = g_malloc(REPLY_MAX);
        const uint8_t gateway[4] = {10, 0, 2, 2};
        struct nlmsghdr *head = new_message(buffer);

        head->nlmsg_type = RTM_NEWROUTE;
        head->nlmsg_flags = NLM_F_MULTI;
        head->nlmsg_seq = request->nlmsg_seq;
        struct rtmsg *route = mnl_nlmsg_put_extra_header(head, sizeof *route);
        *route = (struct rtmsg) {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_DHCP,
                                 .rtm_scope = RT_SCOPE_UNIVERSE, .rtm_type = RTN_UNICAST};
        mnl_attr_put_u32(head, RTA_TABLE, RT_TABLE_MAIN);
        mnl_attr_put(head, RTA_GATEWAY, 4, gateway);
        mnl_attr_put_u32(head, RTA_OIF, (uint32_t) fn->ifindex);
        append(reply, head);
        return 0;
}

/* --- changes -------------------------------------------------------------------------------------------------- */

static bool has(const Fn *pf, unsigned attribute) {
        return pf->card->accepts & attribute;
}

/* Intel's drivers reset a VF for MAC, VLAN and trust (field-facts 12); what a guest sees of the others is little. */
static void changed(Sim *sim, Fn *pf, unsigned index, const char *what, bool noticed) {
        const Fn *vf = pf->vfs->pdata[index];
        if (pf->card->missing_ms && noticed)
                pf->vf[index].missing_until = sim_now(sim) + (int64_t) pf->card->missing_ms * 1000;
        if (vf->holder && noticed)
                sim_disturb(sim, "%s of %s was changed under process %d", what, vf->name, vf->holder);
        if (xen_in_use(vf) && noticed)
                sim_disturb(sim, "%s of %s was changed under domain %u", what, vf->name, vf->domain);
}

static int check(Fn *pf, uint32_t index, unsigned attribute) {
        if (!has(pf, attribute))
                return -EOPNOTSUPP;
        if (index >= pf->vfs->len)
                return -EINVAL;
        if (attribute & (VF_MAC | VF_VLAN) && pf->vf[index].busy) {
                pf->vf[index].busy--;
                return -EAGAIN;
        }
        return 0;
}

int net_vf_mac(Sim *sim, Fn *pf, uint32_t index, const uint8_t mac[6]) {
        int r = check(pf, index, VF_MAC);
        if (r < 0)
                return r;
        if (mac_is_multicast(mac))
                return -EINVAL;
        memcpy(pf->vf[index].state.mac, mac, 6);
        pf->vf[index].admin_mac = !mac_is_zero(mac);
        changed(sim, pf, index, "MAC", true);
        return 0;
}

static int set_mac(Sim *sim, Fn *pf, const struct nlattr *attr) {
        const struct ifla_vf_mac *mac = mnl_attr_get_payload(attr);
        return net_vf_mac(sim, pf, mac->vf, mac->mac);
}

int net_vf_vlan(Sim *sim, Fn *pf, uint32_t index, uint32_t vlan, uint32_t qos, uint16_t proto) {
        if (!has(pf, VF_VLAN))
                return -EOPNOTSUPP;
        /* igb_ndo_set_vf_vlan: bounds first, then the protocol. */
        if (index >= pf->vfs->len || vlan > 4095 || qos > 7)
                return -EINVAL;
        if (proto != VLAN_PROTO_8021Q && !(pf->card->vlan_8021ad && proto == VLAN_PROTO_8021AD))
                return -EPROTONOSUPPORT;
        int r = check(pf, index, VF_VLAN);
        if (r < 0)
                return r;
        VfState *state = &pf->vf[index].state;
        /* Priority and protocol alone reach a guest only on cards that reset its VF for them. */
        bool noticed = state->vlan != vlan || pf->card->busy || pf->card->missing_ms;
        state->vlan = (uint16_t) vlan;
        state->qos = (uint8_t) qos;
        state->proto = proto;
        changed(sim, pf, index, "VLAN", noticed);
        return 0;
}

static int set_vlan_attr(Sim *sim, Fn *pf, const struct nlattr *attr) {
        const struct ifla_vf_vlan *vlan = mnl_attr_get_payload(attr);
        return net_vf_vlan(sim, pf, vlan->vf, vlan->vlan, vlan->qos, VLAN_PROTO_8021Q);
}

static int set_vlan_list(Sim *sim, Fn *pf, const struct nlattr *attr) {
        const struct ifla_vf_vlan_info *first = NULL;
        const struct nlattr *entry;
        unsigned n = 0;
        mnl_attr_for_each_nested(entry, attr) {
                if (mnl_attr_get_type(entry) != IFLA_VF_VLAN_INFO)
                        return -EINVAL;
                if (n++ >= MAX_VLAN_LIST_LEN)
                        return -EOPNOTSUPP;
                first = first ? first : mnl_attr_get_payload(entry);
        }
        if (!first)
                return -EINVAL;
        return net_vf_vlan(sim, pf, first->vf, first->vlan, first->qos, ntohs(first->vlan_proto));
}

static int set_rates(Fn *pf, uint32_t index, uint32_t min, uint32_t max) {
        if (!has(pf, VF_MAX_RATE))
                return -EOPNOTSUPP;
        if (max && max < min)
                return -EINVAL; /* rtnl_set_vf_rate */
        /* igb_ndo_set_vf_bw: no minimum, nothing above the link's speed, and none without a link */
        if ((pf->card->no_min_rate && min) || index >= pf->vfs->len || max > pf->card->speed || !pf->up)
                return -EINVAL;
        pf->vf[index].state.min_rate = min;
        pf->vf[index].state.max_rate = max;
        return 0;
}

static int set_rate(Sim *sim, Fn *pf, const struct nlattr *attr) {
        const struct ifla_vf_rate *rate = mnl_attr_get_payload(attr);
        return set_rates(pf, rate->vf, rate->min_tx_rate, rate->max_tx_rate);
}

static int set_tx_rate(Sim *sim, Fn *pf, const struct nlattr *attr) {
        const struct ifla_vf_tx_rate *rate = mnl_attr_get_payload(attr);
        if (rate->vf >= pf->vfs->len)
                return -EINVAL; /* ndo_get_vf_config is asked for the minimum */
        return set_rates(pf, rate->vf, pf->vf[rate->vf].state.min_rate, rate->rate);
}

static int set_spoofchk(Sim *sim, Fn *pf, const struct nlattr *attr) {
        const struct ifla_vf_spoofchk *spoofchk = mnl_attr_get_payload(attr);
        int r = check(pf, spoofchk->vf, VF_SPOOFCHK);
        if (r == 0)
                pf->vf[spoofchk->vf].state.spoofchk = spoofchk->setting;
        return r;
}

static int set_link_state(Sim *sim, Fn *pf, const struct nlattr *attr) {
        const struct ifla_vf_link_state *link = mnl_attr_get_payload(attr);
        int r = check(pf, link->vf, VF_LINK);
        if (r == 0 && link->link_state > 2)
                r = -EINVAL;
        if (r == 0)
                pf->vf[link->vf].state.link = (VfLink) link->link_state;
        return r;
}

static int set_trust(Sim *sim, Fn *pf, const struct nlattr *attr) {
        const struct ifla_vf_trust *trust = mnl_attr_get_payload(attr);
        int r = check(pf, trust->vf, VF_TRUST);
        if (r == 0) {
                pf->vf[trust->vf].state.trust = trust->setting;
                changed(sim, pf, trust->vf, "trust", pf->card->missing_ms != 0);
        }
        return r;
}

/* do_setvfinfo: always in this order, and the first error ends it with what was done kept (field-facts 9). */
static int set_vf(Sim *sim, Fn *pf, const struct nlattr *vf) {
        static const struct {
                uint16_t type, size;
                int (*set)(Sim *sim, Fn *pf, const struct nlattr *attr);
        } order[] = {
                {IFLA_VF_MAC, sizeof(struct ifla_vf_mac), set_mac},
                {IFLA_VF_VLAN, sizeof(struct ifla_vf_vlan), set_vlan_attr},
                {IFLA_VF_VLAN_LIST, 0, set_vlan_list},
                {IFLA_VF_TX_RATE, sizeof(struct ifla_vf_tx_rate), set_tx_rate},
                {IFLA_VF_RATE, sizeof(struct ifla_vf_rate), set_rate},
                {IFLA_VF_SPOOFCHK, sizeof(struct ifla_vf_spoofchk), set_spoofchk},
                {IFLA_VF_LINK_STATE, sizeof(struct ifla_vf_link_state), set_link_state},
                {IFLA_VF_TRUST, sizeof(struct ifla_vf_trust), set_trust},
        };
        int r = -EINVAL;
        for (unsigned i = 0; i < G_N_ELEMENTS(order); i++) {
                const struct nlattr *attr;
                mnl_attr_for_each_nested(attr, vf) {
                        if (mnl_attr_get_type(attr) != order[i].type)
                                continue;
                        if (mnl_attr_get_payload_len(attr) < order[i].size)
                                return -ERANGE;
                        r = order[i].set(sim, pf, attr);
                        if (r < 0)
                                return r;
                }
        }
        return r;
}

static int set_link(Sim *sim, const struct nlmsghdr *request, char **extack) {
        const struct ifinfomsg *info = mnl_nlmsg_get_payload(request);
        const struct nlattr *attr, *vf;
        const char *name = NULL;

        mnl_attr_for_each(attr, request, sizeof *info)
                if (mnl_attr_get_type(attr) == IFLA_IFNAME)
                        name = mnl_attr_get_str(attr);
        if (info->ifi_index <= 0 && !name)
                return -EINVAL;
        Fn *fn = find_net(sim, info->ifi_index, name);
        if (!fn)
                return -ENODEV;
        /* do_setlink: the VFs before the flags. */
        mnl_attr_for_each(attr, request, sizeof *info) {
                if (mnl_attr_get_type(attr) != IFLA_VFINFO_LIST)
                        continue;
                if (!fn->vfs)
                        return -EOPNOTSUPP;
                mnl_attr_for_each_nested(vf, attr) {
                        if (mnl_attr_get_type(vf) != IFLA_VF_INFO)
                                return -EINVAL;
                        int r = set_vf(sim, fn, vf);
                        if (r < 0)
                                return r;
                }
        }
        unsigned change = info->ifi_change ? info->ifi_change : info->ifi_flags ? IFF_UP : 0;
        if (change & IFF_UP) {
                fn->up = info->ifi_flags & IFF_UP;
                pci_render_net(sim, fn);
        }
        return 0;
}

int net_request(Sim *sim, const void *request, size_t length, GByteArray *reply, char **extack) {
        /* A copy, since a caller's bytes may lie anywhere. */
        g_autofree struct nlmsghdr *head = g_memdup2(request, length);
        if (!mnl_nlmsg_ok(head, (int) length))
                return -EINVAL;
        switch (head->nlmsg_type) {
        case RTM_GETLINK:
                return get_link(sim, head, reply);
        case RTM_GETADDR:
                return get_addr(sim, head, reply);
        case RTM_GETROUTE:
                return get_route(sim, head, reply);
        case RTM_SETLINK:
        case RTM_NEWLINK:
                return set_link(sim, head, extack);
        default:
                return -EOPNOTSUPP;
        }
}
