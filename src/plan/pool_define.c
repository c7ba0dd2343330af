/* What a pool must be to be defined: PFs that exist and can have such VFs, a name and VFs that nobody else has. */
#include "plan/pool_define.h"

#include "base/error.h"
#include "base/text.h"
#include "model/nic.h"

#include <string.h>

/* As the pool's file is to name the PF: by what stays when buses are numbered anew. */
static char *lasting_name(const Snapshot *host, const Dev *pf) {
        const NetDev *net = dev_net(pf);
        char mac[MAC_TEXT_SIZE];

        if (!net || mac_is_zero(net->permanent_mac))
                return g_strdup(pf->name);
        mac_format(net->permanent_mac, mac);
        /* Cards were sold with one MAC on both ports: then only the address tells them apart. */
        g_autoptr(Pool) probe = pool_new("probe");
        g_ptr_array_add(probe->pfs, g_strdup(mac));
        return g_strdup(pool_pf(probe, 0, host) == pf ? mac : pf->name);
}

static bool is_pf(Plan *plan, const PlanInput *input, const char *typed, const Dev *dev) {
        if (dev->is_pf && dev->total_vfs)
                return true;
        const Dev *pf = snapshot_pf(input->host, dev);
        g_autofree char *nick = pf && pf != dev ? snapshot_nick(input->host, pf) : NULL;
        if (nick)
                plan_refuse(plan, VFADM_ERROR_REFUSED,
                            "%s is itself a VF; a pool is made of PFs: name %s, and its VFs with --vfs", typed, nick);
        else
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED,
                            "%s has no SR-IOV that the kernel can use, so no pool can have VFs of it; 'vfadm list' "
                            "shows the PFs",
                            typed);
        return false;
}

static bool attributes_ok(Plan *plan, const Dev *pf, const VfState *vf) {
        const NicDriver *nic = nic_driver(pf->driver);
        const unsigned refused = nic ? vf->known & ~nic->accepts : 0;

        if (vf->known && !dev_is_network(pf)) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s is no network card, so its VFs have no %s", pf->name,
                            vf_attribute_name(vf->known & -vf->known));
                return false;
        }
        if (refused) {
                g_autofree char *accepts = nic_accepts_text(nic);
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s: its driver %s does not take %s (it takes %s)", pf->name,
                            nic->driver, vf_attribute_name(refused & -refused), accepts);
                return false;
        }
        if (nic && !nic->vlan_8021ad && (vf->known & VF_VLAN) && (vf->vlan || vf->qos) &&
            vf->proto == VLAN_PROTO_8021AD) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s: its driver %s takes VLANs by 802.1Q only, not 802.1ad",
                            pf->name, nic->driver);
                return false;
        }
        return true;
}

static bool take_pf(Plan *plan, const PlanInput *input, const Pool *asked, unsigned i, Pool *pool) {
        const char *typed = asked->pfs->pdata[i];
        g_autoptr(GError) error = NULL;
        const Dev *dev = pool_pf(asked, i, input->host);

        if (!dev)
                dev = snapshot_find(input->host, typed, &error);
        if (!dev) {
                plan_refuse(plan, error->code, "%s", error->message);
                return false;
        }
        if (!is_pf(plan, input, typed, dev) || !attributes_ok(plan, dev, &pool->vf))
                return false;
        for (unsigned n = 0; n < pool->pfs->len; n++)
                if (pool_pf(pool, n, input->host) == dev) {
                        plan_refuse(plan, VFADM_ERROR_USAGE, "%s is named twice", typed);
                        return false;
                }
        if (pool->some_vfs && pool->last_vf >= dev->total_vfs) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s can have VFs 0 to %u, so a pool cannot have its VF %u",
                            typed, dev->total_vfs - 1, pool->last_vf);
                return false;
        }
        if (pool->libvirt && !dev_is_network(dev)) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED,
                            "%s is no network card, so libvirt can have no network of its VFs; leave --libvirt out",
                            typed);
                return false;
        }
        g_ptr_array_add(pool->pfs, lasting_name(input->host, dev));
        return true;
}

static bool ranges_meet(const Pool *a, const Pool *b) {
        return (!a->some_vfs || !b->some_vfs) || (a->first_vf <= b->last_vf && b->first_vf <= a->last_vf);
}

static void refuse_overlap(Plan *plan, const PlanInput *input, const Pool *pool) {
        for (unsigned i = 0; input->pools && i < input->pools->len; i++) {
                const Pool *other = input->pools->pdata[i];
                if (g_str_equal(other->name, pool->name) || !ranges_meet(pool, other))
                        continue;
                for (unsigned a = 0; a < pool->pfs->len; a++)
                        for (unsigned b = 0; b < other->pfs->len; b++) {
                                const Dev *pf = pool_pf(pool, a, input->host);
                                if (!pf || pool_pf(other, b, input->host) != pf)
                                        continue;
                                g_autofree char *nick = snapshot_nick(input->host, pf);
                                plan_refuse(plan, VFADM_ERROR_REFUSED,
                                            "pool %s has VFs of %s already; give each pool VFs of its own with --vfs "
                                            "FIRST-LAST",
                                            other->name, nick);
                        }
        }
}

static bool same_vfs(const HostdevNetwork *network, const Pool *pool, const Snapshot *host) {
        g_autoptr(GPtrArray) vfs = pool_vfs(pool, host);

        for (unsigned i = 0; i < network->addresses->len; i++) {
                const Dev *dev = snapshot_get(host, g_array_index(network->addresses, PciAddr, i));
                if (!dev || !g_ptr_array_find(vfs, dev, NULL))
                        return false;
        }
        const Dev *pf = network->pf ? snapshot_find(host, network->pf, NULL) : NULL;
        return !network->pf || (pf && pool->pfs->len == 1 && pool_pf(pool, 0, host) == pf);
}

/* A network that libvirt has already is taken for the pool's when it gives no other VFs. */
static void refuse_network(Plan *plan, const PlanInput *input, const Pool *pool, const Pool *old) {
        const HostdevNetwork *network =
                pool->libvirt && !(old && old->libvirt) ? books_network(input->books, pool->name) : NULL;

        if (network && !same_vfs(network, pool, input->host))
                plan_refuse(plan, VFADM_ERROR_REFUSED,
                            "libvirt has a network %s with other VFs; 'vfadm import' makes a pool of it, or give this "
                            "pool another name",
                            pool->name);
}

static void refuse_name(Plan *plan, const PlanInput *input, const Pool *pool, const Pool *old) {
        if (!pool_name_ok(pool->name))
                plan_refuse(plan, VFADM_ERROR_USAGE,
                            "'%s' is no name for a pool: letters, digits, '.', '_' and '-', beginning with a letter or "
                            "digit, at most 64",
                            pool->name);
        else if (!old && snapshot_find(input->host, pool->name, NULL))
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is a device of this host; give the pool a name of its own",
                            pool->name);
}

Pool *pool_define(Plan *plan, const PlanInput *input, const Pool *asked, const Pool *old) {
        g_autoptr(Pool) pool = pool_new(asked->name);

        pool->some_vfs = asked->some_vfs;
        pool->first_vf = asked->first_vf;
        pool->last_vf = asked->last_vf;
        pool->vf = asked->vf;
        pool->order = asked->order;
        pool->libvirt = asked->libvirt;
        pool->autostart = old && old->autostart;
        pool->started = old && old->started;
        refuse_name(plan, input, pool, old);
        if (asked->pfs->len == 0)
                plan_refuse(plan, VFADM_ERROR_USAGE, "pool %s needs a PF: name one with --pf", asked->name);
        if (pool->vf.known & VF_MAC)
                plan_refuse(plan, VFADM_ERROR_USAGE,
                            "a pool gives one MAC to nobody: each guest has its own; say mac= to 'vfadm attach'");
        bool ok = plan->refusals->len == 0;
        for (unsigned i = 0; ok && i < asked->pfs->len; i++)
                ok = take_pf(plan, input, asked, i, pool);
        if (ok) {
                refuse_network(plan, input, pool, old);
                refuse_overlap(plan, input, pool);
        }
        return plan->refusals->len ? NULL : g_steal_pointer(&pool);
}
