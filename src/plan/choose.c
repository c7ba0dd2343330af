/* Which device a guest gets when it asks for one: the named one, or a free VF of the named pool or PF, or of any. */
#include "plan/rules.h"

#include "base/error.h"
#include "model/nic.h"

#include <string.h>

static bool pf_serves(const Dev *pf) {
        const NetDev *net = dev_net(pf);
        const NicDriver *nic = nic_driver(pf->driver);
        return net && (net->up || !(nic && nic->state_needs_up));
}

/* What was found out of one IOMMU group, for the next VF of the same. */
typedef struct {
        int group;
        unsigned blockers; /* members with a driver of the host, or that somebody has */
} GroupCount;

static unsigned group_blockers(const PlanInput *input, int group, GroupCount *last) {
        if (group < 0 || group == last->group)
                return group < 0 ? 0 : last->blockers;
        g_autoptr(GPtrArray) members = snapshot_group(input->host, group);
        *last = (GroupCount) {.group = group};
        for (unsigned i = 0; i < members->len; i++) {
                const Dev *member = members->pdata[i];
                last->blockers += !driver_lets_vfio_be(member->driver) || member->uses->len || leases_find(input->leases, member->addr);
        }
        return last->blockers;
}

/* Of the free ones: those whose group lets them go first, so that a VF is refused for its group only when all are (then
 * *ret_viable is false); then the driverless, since taking them disturbs not even a driver. */
const Dev *rule_free_vf(const PlanInput *input, const Dev *pf, unsigned first, unsigned last_vf, bool *ret_viable) {
        GroupCount last = {.group = -1};
        const Dev *best = NULL;
        unsigned best_rank = 0;

        for (unsigned i = first; pf->vfs && i < pf->vfs->len && i <= last_vf && best_rank < 4; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                if (!vf || !rule_is_free(input, vf))
                        continue;
                unsigned itself = !driver_lets_vfio_be(vf->driver);
                bool viable = input->host->xen_dom0 || group_blockers(input, vf->iommu_group, &last) == itself;
                unsigned rank = 1 + (!vf->driver || driver_is_vfio(vf->driver) || driver_is_xen(vf->driver)) + 2 * viable;
                if (rank > best_rank) {
                        best = vf;
                        best_rank = rank;
                }
        }
        *ret_viable = best_rank > 2;
        return best;
}

static const Dev *free_vf(const PlanInput *input, const Dev *pf, bool *ret_viable) {
        return rule_free_vf(input, pf, 0, UINT_MAX, ret_viable);
}

static const Dev *from_pf(const PlanInput *input, const Dev *pf, GError **error) {
        g_autofree char *nick = snapshot_nick(input->host, pf);
        bool viable;
        const Dev *vf = free_vf(input, pf, &viable);

        if (vf)
                return vf;
        if (pf->num_vfs == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s has no VFs; run 'vfadm enable %s N' (up to %u)", nick, nick, pf->total_vfs);
        else {
                const Dev *first = snapshot_vf(input->host, pf, 0);
                g_autofree char *who = first ? rule_who_uses(input, first) : NULL;
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "all %u VFs of %s are in use (VF 0: %s); 'vfadm list' shows by whom",
                            pf->num_vfs, nick, who ? who : first && rule_is_kept_for_others(input, first) ? "kept for Xen's guests" : "not readable");
        }
        return NULL;
}

static const Dev *from_any(const PlanInput *input, GError **error) {
        unsigned pfs = 0, vfs = 0;
        const Dev *second = NULL;

        for (unsigned i = 0; i < input->host->devs->len; i++) {
                const Dev *pf = input->host->devs->pdata[i];
                if (!pf->is_pf)
                        continue;
                pfs++;
                vfs += pf->num_vfs;
                bool viable;
                const Dev *vf = pf_serves(pf) ? free_vf(input, pf, &viable) : NULL;
                if (vf && viable)
                        return vf;
                if (!second)
                        second = vf;
        }
        if (second)
                return second;
        if (pfs == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "this host has no SR-IOV device; 'vfadm list --all' shows what it has, and --from gives any other function to the guest");
        else if (vfs == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "no VFs are on; run 'vfadm enable PF N' ('vfadm list' shows the PFs)");
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "none of the %u VFs is free on a PF that is up; 'vfadm list' shows by whom they are used", vfs);
        return NULL;
}

static const char pool_prefix[] = "pool:";

const char *plan_pool_name(const char *device) {
        return g_str_has_prefix(device, pool_prefix) ? device + strlen(pool_prefix) : device;
}

const Pool *plan_find_pool(const char *device, const PlanInput *input) {
        if (!device || !input->pools)
                return NULL;
        return pools_find(input->pools, plan_pool_name(device));
}

const Dev *plan_choose(const Want *want, const PlanInput *input, GError **error) {
        const Pool *pool = plan_find_pool(want->device, input);

        if (!want->device)
                return from_any(input, error);
        if (pool)
                return pool_choose(pool, input, error);
        if (g_str_has_prefix(want->device, pool_prefix)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "there is no pool '%s'; 'vfadm pool list' shows those there are", want->device + strlen(pool_prefix));
                return NULL;
        }
        const Dev *dev = snapshot_find(input->host, want->device, error);
        /* A PF stands for its VFs: to give the whole card away it must have SR-IOV off and be named by its address. */
        if (dev && dev->is_pf && (dev->num_vfs || dev_net(dev)))
                return from_pf(input, dev, error);
        return dev;
}
