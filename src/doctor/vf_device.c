/* Checks of VFs as devices: whether they are there, reset, work, and whom their network devices serve. */
#include "doctor/vf_device.h"

#include "base/parse.h"
#include "base/text.h"
#include "doctor/persistence.h"
#include "model/nic.h"

#include <string.h>

static GArray *numbers_new(void) {
        return g_array_new(FALSE, FALSE, sizeof(unsigned));
}

/* ---- configuration ---- */

bool set_on_purpose(const Doctor *doctor, const Dev *pf, unsigned sets) {
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *mechanism = doctor->setup->mechanisms->pdata[i];
                if (mechanism->active && (mechanism->sets & sets) && mechanism_may_mean(mechanism, pf))
                        return true;
        }
        return false;
}

/* ---- there, and well ---- */

void check_vf_missing(Doctor *doctor) {
        for (unsigned p = 0; p < doctor->pfs->len; p++) {
                const Dev *pf = doctor->pfs->pdata[p];
                g_autoptr(GArray) numbers = numbers_new();
                const NetDev *net = dev_net(pf);
                for (unsigned i = 0; pf->vf_infos && i < pf->vf_infos->len; i++) {
                        const VfInfo *info = &g_array_index(pf->vf_infos, VfInfo, i);
                        if (info->missing && vf_in_scope(doctor, pf, info->index))
                                g_array_append_val(numbers, info->index);
                }
                Finding *finding = NULL;
                if (numbers->len) {
                        finding = report_vfs(doctor, SEVERITY_WARNING, pf, numbers,
                                             "the PF leaves %s out of its list: in reset, or stuck",
                                             numbers->len == 1 ? "it" : "them");
                        seen(finding, "%u VFs exist, %u are told of", pf->num_vfs,
                             pf->num_vfs - MIN(pf->num_vfs, numbers->len));
                        remedy(finding, "look again in a second; if it stays so, dmesg says why, and the guest or "
                                        "driver that has it must let go");
                } else if (pf->vf_infos_error && pf->num_vfs) {
                        finding = report_dev(doctor, SEVERITY_WARNING, pf, "it does not tell how its VFs are");
                        seen(finding, "%s", g_strerror(-pf->vf_infos_error));
                        remedy(finding, "see dmesg for its driver %s", pf->driver ? pf->driver : "");
                }
                if (finding && net)
                        seen_in(finding, "ip link show %s", net->name);
        }
}

/* By the kernel's list of ways where it has one (Linux 5.15), else by the capabilities. A bus reset is none for a VF.
 */
static bool cannot_reset(const Dev *vf) {
        if (vf->reset_methods) {
                for (char **method = vf->reset_methods; *method; method++)
                        if (!g_str_equal(*method, "bus") && !g_str_equal(*method, "cxl_bus"))
                                return false;
                return true;
        }
        return vf->has_caps && vf->caps.express_at && !vf->caps.flr && !vf->caps.af_flr;
}

void check_vf_no_flr(Doctor *doctor) {
        unsigned well = 0, ill = 0;
        for (unsigned p = 0; p < doctor->pfs->len; p++) {
                const Dev *pf = doctor->pfs->pdata[p], *first = NULL;
                g_autoptr(GPtrArray) vfs = vfs_of(doctor, pf);
                g_autoptr(GArray) numbers = numbers_new();
                for (unsigned i = 0; i < vfs->len; i++) {
                        const Dev *vf = vfs->pdata[i];
                        if (!cannot_reset(vf))
                                continue;
                        first = first ? first : vf;
                        g_array_append_val(numbers, vf->vf_index);
                }
                well += vfs->len - numbers->len;
                ill += numbers->len;
                if (!first)
                        continue;
                Finding *finding = report_vfs(doctor, SEVERITY_WARNING, pf, numbers, "no way to reset %s",
                                              numbers->len == 1 ? "it" : "them");
                if (first->reset_methods) {
                        g_autofree char *methods = g_strjoinv(" ", first->reset_methods);
                        seen(finding, "%s", *methods ? methods : "no method");
                        seen_in(finding, "/sys/bus/pci/devices/%s/reset_method", first->name);
                } else {
                        seen(finding, "no FLR");
                        seen_in_config(finding, first, first->caps.express_at + 4u, "Device Capabilities");
                }
                remedy(finding, "the card's newest firmware; else 'vfadm disable' and 'vfadm enable' of the PF between "
                                "two guests");
        }
        if (well && !ill)
                report(doctor, SEVERITY_OK, NULL, "VFs can be reset");
}

static bool in_use(const Doctor *doctor, const Dev *vf) {
        return lease_of(doctor, vf) || dev_use(vf);
}

/* What is given away already is pf-down's. */
void check_vf_pf_down(Doctor *doctor) {
        for (unsigned p = 0; p < doctor->pfs->len; p++) {
                const Dev *pf = doctor->pfs->pdata[p];
                const NetDev *net = dev_net(pf);
                const NicDriver *nic = nic_driver(pf->driver);
                if (!net || net->up || !nic || !nic->state_needs_up || pf->num_vfs == 0)
                        continue;
                g_autoptr(GPtrArray) vfs = vfs_of(doctor, pf);
                unsigned used = 0;
                for (unsigned i = 0; i < vfs->len; i++)
                        used += in_use(doctor, vfs->pdata[i]);
                if (used == vfs->len)
                        continue;
                Finding *finding = report_dev(
                        doctor, doctor->scope == SCOPE_DEVICE ? SEVERITY_BLOCKS : SEVERITY_NOTE, pf,
                        "it is down, and %s lets none of its VFs be set up or work before it is up", pf->driver);
                seen(finding, "not up");
                seen_in(finding, "/sys/class/net/%s/flags", net->name);
                remedy(finding, "ip link set %s up", net->name);
        }
}

/* ---- network managers ---- */

/* The network of "10.0.0.3/24" as a number: address bits, then the prefix; false for IPv6, which gives each VF one by
 * itself. */
static bool network_of(const char *text, uint64_t *ret) {
        uint32_t part, prefix, address = 0;
        g_auto(GStrv) halves = g_strsplit(text, "/", 2);
        if (!halves[0] || !halves[1] || !parse_u32(halves[1], 1, 31, &prefix))
                return false;
        g_auto(GStrv) parts = g_strsplit(halves[0], ".", 5);
        if (g_strv_length(parts) != 4)
                return false;
        for (int i = 0; i < 4; i++) {
                if (!parse_u32(parts[i], 0, 255, &part))
                        return false;
                address = address << 8 | part;
        }
        *ret = (uint64_t) (address & ~(uint32_t) (0xffffffff >> prefix)) << 8 | prefix;
        return true;
}

/* How many of the host's own devices on this port (the PF and its VFs) have an address in each network. */
static void count_networks(GHashTable *count, const NetDev *net) {
        uint64_t network;
        for (unsigned i = 0; net && net->up && i < net->addresses->len; i++)
                if (network_of(net->addresses->pdata[i], &network)) {
                        unsigned before = GPOINTER_TO_UINT(g_hash_table_lookup(count, &network));
                        g_hash_table_insert(count, g_memdup2(&network, sizeof network), GUINT_TO_POINTER(before + 1));
                }
}

static const NetDev *host_net_of(const Doctor *doctor, const Dev *vf) {
        const NetDev *net = dev_net(vf);
        return net && net->up && net->addresses->len && !net->master && !lease_of(doctor, vf) ? net : NULL;
}

/* The last file by which a manager takes the device; NULL: none. *named: one names this very device, so it is meant so. */
static const Mechanism *taken_by(const Doctor *doctor, const Dev *vf, bool *named) {
        const Mechanism *ret = NULL;
        for (unsigned i = 0; i < doctor->setup->mechanisms->len; i++) {
                const Mechanism *mechanism = doctor->setup->mechanisms->pdata[i];
                if (!mechanism->active || !(mechanism->sets & SETS_MANAGED) || !mechanism_means(mechanism, vf))
                        continue;
                *named |= (mechanism->netdev && !strpbrk(mechanism->netdev, "*?[")) || !mac_is_zero(mechanism->mac) ||
                          (mechanism->bdf && !strpbrk(mechanism->bdf, "*?["));
                ret = mechanism;
        }
        return ret;
}

static const char *shared_network(GHashTable *count, const NetDev *net) {
        uint64_t network;
        for (unsigned i = 0; i < net->addresses->len; i++)
                if (network_of(net->addresses->pdata[i], &network) &&
                    GPOINTER_TO_UINT(g_hash_table_lookup(count, &network)) > 1)
                        return net->addresses->pdata[i];
        return NULL;
}

static bool carries_host(const Dev *vf) {
        const Use *use = dev_use(vf);
        return use && use->kind == USE_HOST;
}

static void look_managed(Doctor *doctor, const Dev *vf, GHashTable *count) {
        const NetDev *net = host_net_of(doctor, vf);
        const char *shared = net ? shared_network(count, net) : NULL;
        const Tool *manager = setup_tool(doctor->setup, "networkmanager");
        bool named = false;
        const Mechanism *mechanism = shared ? taken_by(doctor, vf, &named) : NULL;

        if (!shared || named || carries_host(vf))
                return;
        Finding *finding = report_dev(doctor, SEVERITY_WARNING, vf,
                                      "%s has an address in the same network as another device of its port", net->name);
        if (mechanism) {
                seen_mechanism(finding, mechanism);
        } else {
                seen(finding, "%s is up with %s", net->name, shared);
                seen_in(finding, "ip address show %s", net->name);
        }
        if (manager && manager->running)
                remedy(finding,
                       "nmcli device set %s managed no; for good: unmanaged-devices=driver:%s in "
                       "/etc/NetworkManager/conf.d/",
                       net->name, vf->driver ? vf->driver : "…");
        else
                remedy(finding,
                       "for VFs that go to guests, a .network file that sorts first with [Match] Driver=%s and [Link] "
                       "Unmanaged=yes; VFs without a host driver have no such trouble",
                       vf->driver ? vf->driver : "…");
}

void check_vf_managed(Doctor *doctor) {
        for (unsigned p = 0; p < doctor->pfs->len; p++) {
                const Dev *pf = doctor->pfs->pdata[p];
                g_autoptr(GHashTable) count = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
                g_autoptr(GPtrArray) vfs = vfs_of(doctor, pf);
                count_networks(count, dev_net(pf));
                for (unsigned n = 0; pf->vfs && n < pf->vfs->len; n++) {
                        const Dev *vf = snapshot_vf(doctor->host, pf, n);
                        if (vf)
                                count_networks(count, host_net_of(doctor, vf));
                }
                for (unsigned i = 0; i < vfs->len; i++)
                        look_managed(doctor, vfs->pdata[i], count);
        }
}
