/* Which device a guest gets when it asks for one: the named one, or a free VF of the named PF, or of any. */
#include "plan/rules.h"

#include "base/error.h"
#include "model/nic.h"

static bool pf_serves(const Dev *pf) {
        const NetDev *net = dev_net(pf);
        const NicDriver *nic = nic_driver(pf->driver);
        return net && (net->up || !(nic && nic->state_needs_up));
}

/* A VF is free when nothing at all uses it. Driverless ones come first: taking them disturbs not even a driver. */
static const Dev *free_vf(const PlanInput *input, const Dev *pf) {
        const Dev *second = NULL;
        for (unsigned i = 0; pf->vfs && i < pf->vfs->len; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                if (!vf || vf->uses->len || leases_find(input->leases, vf->addr) || driver_is_xen(vf->driver))
                        continue;
                if (!vf->driver || driver_is_vfio(vf->driver))
                        return vf;
                if (!second)
                        second = vf;
        }
        return second;
}

static const Dev *from_pf(const PlanInput *input, const Dev *pf, GError **error) {
        g_autofree char *nick = snapshot_nick(input->host, pf);
        const Dev *vf = free_vf(input, pf);

        if (vf)
                return vf;
        if (pf->num_vfs == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s has no VFs; run 'vfadm enable %s N' (up to %u)", nick, nick, pf->total_vfs);
        else {
                const Dev *first = snapshot_vf(input->host, pf, 0);
                g_autofree char *who = first ? rule_who_uses(input, first) : NULL;
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "all %u VFs of %s are in use (VF 0: %s); 'vfadm list' shows by whom",
                            pf->num_vfs, nick, who ? who : "not readable");
        }
        return NULL;
}

static const Dev *from_any(const PlanInput *input, GError **error) {
        unsigned pfs = 0, vfs = 0;

        for (unsigned i = 0; i < input->host->devs->len; i++) {
                const Dev *pf = input->host->devs->pdata[i];
                if (!pf->is_pf)
                        continue;
                pfs++;
                vfs += pf->num_vfs;
                const Dev *vf = pf_serves(pf) ? free_vf(input, pf) : NULL;
                if (vf)
                        return vf;
        }
        if (pfs == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "this host has no SR-IOV device; 'vfadm list --all' shows what it has, and --from gives any other function to the guest");
        else if (vfs == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "no VFs are on; run 'vfadm enable PF N' ('vfadm list' shows the PFs)");
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "none of the %u VFs is free on a PF that is up; 'vfadm list' shows by whom they are used", vfs);
        return NULL;
}

const Dev *plan_choose(const Want *want, const PlanInput *input, GError **error) {
        if (!want->device)
                return from_any(input, error);
        const Dev *dev = snapshot_find(input->host, want->device, error);
        /* A PF stands for its VFs: to give the whole card away it must have SR-IOV off and be named by its address. */
        if (dev && dev->is_pf && (dev->num_vfs || dev_net(dev)))
                return from_pf(input, dev, error);
        return dev;
}
