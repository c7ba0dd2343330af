/* Plans that turn VFs on and off.
 *
 * The kernel changes a count only by way of 0 (N→M is EBUSY), which destroys every VF with its MAC, VLAN and driver. So
 * what will be lost is dismantled by steps of its own: should a later step fail, undoing brings it all back. */
#include "plan/rules.h"

#include "base/error.h"
#include "model/nic.h"

VfState plan_fresh_state(const Dev *pf) {
        VfState fresh = nic_fresh_state(pf->driver);

        /* Rates are refused without a link (igb_ndo_set_vf_bw), and VFs must go without one, too. */
        if (!dev_net(pf) || !dev_net(pf)->carrier)
                fresh.known &= ~(unsigned) (VF_MIN_RATE | VF_MAX_RATE);
        return fresh;
}

bool rule_can_have_vfs(Plan *plan, const PlanInput *input, const Dev *pf, unsigned wanted) {
        const NicDriver *nic = nic_driver(pf->driver);
        const NetDev *net = dev_net(pf);
        g_autofree char *nick = snapshot_nick(input->host, pf);

        if (pf->is_vf) {
                g_autofree char *parent = snapshot_nick(input->host, snapshot_pf(input->host, pf) ? snapshot_pf(input->host, pf) : pf);
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s is itself a VF; VFs are made on its PF %s", nick, parent);
        } else if (!pf->is_pf) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s has no SR-IOV capability that the kernel can use%s", nick,
                            pf->has_caps && pf->caps.has_sriov ? ": the card has it, but the BIOS or the kernel has it off" : "");
        } else if (!pf->driver) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s has no driver, and only a driver can make VFs; run 'vfadm unbind %s' to give it the host's own", nick, pf->name);
        } else if (driver_is_vfio(pf->driver) || driver_is_xen(pf->driver)) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s belongs to %s, which makes no VFs; run 'vfadm unbind %s' to give it the host's own driver", nick, pf->driver, pf->name);
        } else if (wanted > pf->total_vfs) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s can have at most %u VFs, not %u%s%s", nick, pf->total_vfs, wanted,
                            nic && nic->raise ? "; to raise the limit: " : "", nic && nic->raise ? nic->raise : "");
        } else if (wanted && nic && nic->enable_needs_up && net && !net->up && !input->pf_goes_up) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is down, and %s makes VFs only while it is up; run 'ip link set %s up' first", net->name, nic->driver, net->name);
        }
        return plan->refusals->len == 0;
}

void plan_dismantle(Plan *plan, const PlanInput *input, const Dev *pf) {
        VfState fresh = plan_fresh_state(pf);

        for (unsigned i = 0; i < pf->vfs->len; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                if (vf && (vf->driver || vf->driver_override))
                        plan_driver(plan, vf, vf->driver, vf->driver_override, NULL, NULL, "it goes away with its VF");
        }
        for (unsigned i = 0; i < pf->vfs->len; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                const VfState *now = vf ? snapshot_vf_state(input->host, vf) : NULL;
                /* What the driver does not report it may well refuse, and this is no reason to keep the VFs. */
                if (now)
                        plan_vf_state(plan, input, vf, &fresh, fresh.known & now->known, "it goes away with its VF");
        }
        plan_number(plan, STEP_NUMVFS, pf, pf->num_vfs, 0, "the kernel changes a count only by way of 0");
}

char *plan_vf_modalias(const Dev *pf) {
        if (!pf->has_caps || !pf->caps.has_sriov)
                return NULL;
        return g_strdup_printf("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", pf->vendor, pf->caps.sriov_vf_device, pf->subvendor,
                               pf->subdevice, pf->class_code >> 16 & 0xff, pf->class_code >> 8 & 0xff, pf->class_code & 0xff);
}

/* udev loads it when the VFs appear, which takes a moment: a driver that comes only after autoprobe is back would take them all. So it
 * comes first. */
void plan_vf_module(Plan *plan, const Dev *pf) {
        g_autofree char *alias = plan_vf_modalias(pf);

        if (alias)
                plan_module(plan, pf, alias, "the VFs' own driver, so that it does not come later and take them");
}

void plan_take_vfs(Plan *plan, const PlanInput *input, const Dev *pf, bool disrupt) {
        /* By number and not by count: while the kernel takes VFs away there are gaps. */
        for (unsigned i = 0; i < pf->vfs->len; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                if (vf)
                        rule_unused(plan, input, vf, disrupt, NULL);
        }
}

void plan_vf_count(Plan *plan, const PlanInput *input, const Dev *pf, unsigned wanted, bool disrupt) {
        g_autofree char *nick = snapshot_nick(input->host, pf);

        if (wanted == WANT_ALL_VFS)
                wanted = MAX(pf->total_vfs, 1); /* 0 would mean off; a PF that can have none is refused by its limit */
        if (!rule_can_have_vfs(plan, input, pf, wanted))
                return;
        plan->summary = wanted ? g_strdup_printf("%s: %u VF%s on", nick, wanted, wanted == 1 ? "" : "s")
                               : g_strdup_printf("%s: VFs off", nick);
        if (wanted == pf->num_vfs)
                return;
        plan_take_vfs(plan, input, pf, disrupt);
        if (plan->refusals->len)
                return;
        if (pf->autoprobe && wanted)
                plan_vf_module(plan, pf);
        if (pf->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 1, 0, "so that no host driver takes a VF before it is set up");
        if (pf->num_vfs)
                plan_dismantle(plan, input, pf);
        if (wanted)
                plan_number(plan, STEP_NUMVFS, pf, 0, wanted, "this makes the VFs");
        if (pf->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 0, 1, "as it was");
        if (wanted)
                plan_note(plan, "the new VFs have no driver: they are ready for guests; 'vfadm unbind VF' gives one to the host");
}
