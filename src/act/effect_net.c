/* Effects over rtnetlink: the PF's link, and the admin state of one VF. */
#include "act/effect.h"

#include "base/error.h"
#include "base/text.h"
#include "host/rtnl.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

static bool is_representor(Io *io, const char *netdev) {
        g_autofree char *path = g_strconcat("sys/class/net/", netdev, "/phys_port_name", NULL);
        g_autofree char *name = NULL;
        return io_read_text(io, path, &name) >= 0 && port_name_is_representor(name);
}

/* The PF's network device as it is called now: names are reused, so only what lies in the PF's own folder counts. */
static int find_netdev(Io *io, PciAddr pf, const char *hint, char **ret_name, int *ret_ifindex, GError **error) {
        g_autofree char *folder = effect_path(pf, "net");
        g_auto(GStrv) names = NULL;
        const char *found = NULL;
        char bdf[PCI_ADDR_TEXT_SIZE];
        uint64_t ifindex;

        pci_addr_format(pf, bdf);
        int r = io_list(io, folder, &names);
        for (char **name = names; r >= 0 && *name && !found; name++)
                if (g_strcmp0(*name, hint) == 0)
                        found = *name;
        for (char **name = names; r >= 0 && *name && !found; name++)
                if (!is_representor(io, *name))
                        found = *name;
        if (r >= 0 && !found)
                r = -ENOENT;
        if (r < 0)
                return effect_fail(error, r, "has it a network driver, and is its network device in this namespace?", "%s has no network device", bdf);
        g_autofree char *path = g_strconcat("sys/class/net/", found, "/ifindex", NULL);
        r = io_read_uint(io, path, 10, INT32_MAX, &ifindex);
        if (r < 0)
                return effect_fail(error, r, NULL, "%s cannot be read", path);
        *ret_name = g_strdup(found);
        *ret_ifindex = (int) ifindex;
        return 0;
}

/* ---- link ---- */

static int read_link(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autofree char *netdev = NULL;
        int ifindex = 0;
        uint64_t flags;

        int r = find_netdev(act->io, step->pf, step->netdev, &netdev, &ifindex, error);
        if (r < 0)
                return r;
        g_autofree char *path = g_strconcat("sys/class/net/", netdev, "/flags", NULL);
        r = io_read_uint(act->io, path, 16, UINT32_MAX, &flags);
        if (r < 0)
                return effect_fail(error, r, NULL, "%s cannot be read", path);
        ret->number = (flags & IFF_UP) != 0;
        return 0;
}

static int make_link(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_autofree char *netdev = NULL;
        g_autofree char *extack = NULL;
        int ifindex = 0;

        int r = find_netdev(act->io, step->pf, step->netdev, &netdev, &ifindex, error);
        if (r < 0)
                return r;
        g_autoptr(GByteArray) message = rtnl_build_link_up(ifindex, target->number != 0);
        r = io_netlink(act->io, message->data, message->len, NULL, &extack);
        return r < 0 ? effect_fail(error, r, extack, "%s cannot be set %s", netdev, target->number ? "up" : "down") : 0;
}

const Effect effect_link = {.read = read_link, .make = make_link};

/* ---- the admin state of a VF ---- */

/* The VF is named to the kernel by its number: make sure that this number still is the function that the plan means. */
static int check_vf(Io *io, const Step *step, GError **error) {
        g_autofree char *leaf = g_strdup_printf("virtfn%u", step->vf_index);
        g_autofree char *path = effect_path(step->pf, leaf);
        g_autofree char *name = NULL;
        char dev[PCI_ADDR_TEXT_SIZE], pf[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(step->dev, dev);
        pci_addr_format(step->pf, pf);
        int r = io_read_link_name(io, path, &name);
        if (r == -ENOENT)
                return effect_fail(error, -ENODEV, "were its VFs turned off meanwhile? see 'vfadm list'", "%s has no VF %u any more", pf, step->vf_index);
        if (r < 0)
                return effect_fail(error, r, NULL, "%s cannot be read", path);
        if (!g_str_equal(name, dev))
                return effect_fail(error, -ENODEV, "its VFs were made anew meanwhile; see 'vfadm list'", "VF %u of %s is %s now, not %s", step->vf_index, pf, name, dev);
        return 0;
}

/* The states of a PF's VFs as they were last told. */
struct VfList {
        PciAddr pf;
        GArray *infos; /* VfInfo; NULL: to be read */
};

static void forget_vfs(ActContext *act) {
        if (act->vfs)
                g_clear_pointer(&act->vfs->infos, g_array_unref);
}

void effect_unshare_vfs(ActContext *act) {
        forget_vfs(act);
        g_clear_pointer(&act->vfs, g_free);
}

void effect_share_vfs(ActContext *act) {
        effect_unshare_vfs(act);
        act->vfs = g_new0(struct VfList, 1);
}

static VfInfo *find_info(GArray *infos, unsigned vf) {
        for (unsigned i = 0; infos && i < infos->len; i++) {
                VfInfo *info = &g_array_index(infos, VfInfo, i);
                if (info->index == vf && !info->missing)
                        return info;
        }
        return NULL;
}

static VfInfo *shared_info(ActContext *act, const Step *step) {
        return act->vfs && pci_addr_equal(act->vfs->pf, step->pf) ? find_info(act->vfs->infos, step->vf_index) : NULL;
}

static int read_vf_state(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autofree char *netdev = NULL;
        g_autoptr(GArray) infos = NULL;
        int ifindex = 0;

        int r = check_vf(act->io, step, error);
        const VfInfo *info = r < 0 ? NULL : shared_info(act, step);
        if (info) {
                ret->vf = info->state;
                return 0;
        }
        if (r < 0 || (r = find_netdev(act->io, step->pf, step->netdev, &netdev, &ifindex, error)) < 0)
                return r;
        int count = effect_count_vfs(act->io, step->pf);
        if (count < 0)
                return effect_fail(error, count, NULL, "%s: its VFs cannot be counted", netdev);
        r = rtnl_read_vfs(act->io, ifindex, (unsigned) count, &infos);
        if (r < 0)
                return effect_fail(error, r, NULL, "%s: the state of its VFs cannot be read", netdev);
        info = find_info(infos, step->vf_index);
        if (!info)
                return effect_fail(error, -EAGAIN, "it is in reset; try again in a moment", "%s: the kernel does not tell the state of VF %u", netdev, step->vf_index);
        ret->vf = info->state;
        forget_vfs(act);
        if (act->vfs)
                *act->vfs = (struct VfList) {step->pf, g_steal_pointer(&infos)};
        return 0;
}

static const char *vf_state_remedy(int r) {
        switch (-r) {
        case EOPNOTSUPP:
                return "this driver does not take it; 'vfadm show' lists what it takes";
        case EPROTONOSUPPORT:
                return "this driver takes 802.1Q VLANs only";
        case EPERM:
        case EACCES:
                return "run as root";
        case EINVAL:
        case EADDRNOTAVAIL:
                return "the driver refuses the value; look at dmesg";
        default:
                return "look at dmesg";
        }
}

static int send_vf_state(ActContext *act, int ifindex, const Step *step, const VfState *state, unsigned mask, char **extack) {
        g_autoptr(GByteArray) message = rtnl_build_set_vf(ifindex, step->vf_index, state, mask);
        VfInfo *info = shared_info(act, step);

        if (info)
                info->missing = true; /* also when it fails: the kernel keeps what it did before (field-facts 9) */
        return io_netlink(act->io, message->data, message->len, NULL, extack);
}

/* igb refuses rates while there is no link (igb_ndo_set_vf_bw), and a PF that was just set up has one only some seconds later. */
static bool waits_for_link(Io *io, const char *netdev, const Step *step, unsigned mask, int r) {
        g_autofree char *path = g_strconcat("sys/class/net/", netdev, "/carrier", NULL);
        uint64_t carrier;

        return step->fresh && r == -EINVAL && (mask & (VF_MIN_RATE | VF_MAX_RATE)) && io_read_uint(io, path, 10, 1, &carrier) >= 0 && !carrier;
}

static int make_vf_state(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        static const uint8_t none[6] = {0x02};
        g_autofree char *netdev = NULL, *extack = NULL, *ignored = NULL;
        /* Only what differs: a needless MAC or trust write resets the VF of some drivers (field-facts 12). */
        unsigned mask = vf_state_diff(&now->vf, &target->vf, step->mask & target->vf.known);
        VfState state = now->vf;
        int ifindex = 0;

        if (mask == 0)
                return 0;
        int r = find_netdev(act->io, step->pf, step->netdev, &netdev, &ifindex, error);
        if (r < 0)
                return r;
        /* What is not asked for keeps its present value, because the kernel takes both rates in one (field-facts 10). */
        vf_state_copy(&state, &target->vf, mask);
        r = send_vf_state(act, ifindex, step, &state, mask, &extack);
        if ((r == -EINVAL || r == -EADDRNOTAVAIL) && (mask & VF_MAC) && mac_is_zero(state.mac)) {
                memcpy(state.mac, none, sizeof none);
                if (send_vf_state(act, ifindex, step, &state, mask, &ignored) >= 0)
                        r = 0;
        }
        if (r >= 0)
                return 0;
        g_autofree char *text = vf_state_format(&target->vf, mask);
        if (waits_for_link(act->io, netdev, step, mask, r))
                return effect_fail(error, -EAGAIN, "its driver takes rates only while it has a link: is the cable in?", "%s: VF %u does not take %s", netdev, step->vf_index, text);
        return effect_fail(error, r, vf_state_remedy(r), "%s: VF %u does not take %s%s%s%s", netdev, step->vf_index, text,
                           extack ? " (kernel: " : "", extack ? extack : "", extack ? ")" : "");
}

static void explain_vf_state(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        unsigned mask = vf_state_diff(&now->vf, &target->vf, step->mask & target->vf.known & now->vf.known);
        g_autofree char *should = vf_state_format(&target->vf, mask);
        g_autofree char *is = vf_state_format(&now->vf, mask);
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(step->pf, name);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: VF %u was given %s and the driver said yes, but it has %s now; look at dmesg",
                    step->netdev ? step->netdev : name, step->vf_index, should, is);
}

const Effect effect_vf_state = {.read = read_vf_state, .make = make_vf_state, .explain = explain_vf_state};
