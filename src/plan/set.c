/* The plan of `vfadm set`: the admin state of one VF. */
#include "plan/rules.h"

#include "base/error.h"
#include "base/text.h"
#include "model/nic.h"

/* Whoever uses the VF notices these; the rest is silent unless the driver resets the VF for it (field-facts 12). */
static unsigned noticed_by_user(const NicDriver *nic) {
        return VF_MAC | VF_VLAN | VF_LINK | (nic ? nic->resets_vf : VF_SPOOFCHK | VF_TRUST);
}

/* The kernel applies an admin MAC when the VF's driver starts, so an idle host driver is stopped around the change. */
static bool must_restart_driver(const Dev *vf, unsigned mask, const char *user) {
        return (mask & VF_MAC) && vf->driver && !driver_is_vfio(vf->driver) && !driver_is_xen(vf->driver) && !user;
}

void plan_set(Plan *plan, const PlanInput *input, const Dev *vf, const Want *want) {
        const Dev *pf = snapshot_pf(input->host, vf);
        g_autofree char *nick = snapshot_nick(input->host, vf);

        if (want->vf.known == 0) {
                plan_refuse(plan, VFADM_ERROR_USAGE, "nothing to set: give key=value words, as in vlan=42");
                return;
        }
        if (!rule_guests_seen(plan, input, vf) || !rule_vf_state(plan, input, vf, &want->vf))
                return;
        unsigned mask = vf_state_diff(snapshot_vf_state(input->host, vf), &want->vf, want->vf.known);
        g_autofree char *text = vf_state_format(&want->vf, want->vf.known);
        plan->summary = g_strdup_printf("%s: %s", nick, text);
        if (mask == 0)
                return;

        g_autofree char *user = rule_who_uses(input, vf);
        bool noticed = user && (mask & noticed_by_user(nic_driver(pf->driver)));
        if (noticed && !want->disrupt) {
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is in use (%s) and would notice the change; say --disrupt if that is meant", nick, user);
                return;
        }
        if (mask & noticed_by_user(nic_driver(pf->driver))) {
                if (!user && !rule_users_seen(plan, input, vf))
                        return;
                plan_take(plan, vf);
        }
        bool restart = must_restart_driver(vf, mask, user);
        if (restart)
                plan_driver(plan, vf, vf->driver, vf->driver_override, NULL, vf->driver_override, "its driver takes a new MAC only when it starts");
        Step *step = plan_vf_state(plan, input, vf, &want->vf, want->vf.known, "as asked");
        if (step && noticed)
                step->disturbs = g_strdup(user);
        if (restart)
                plan_driver(plan, vf, NULL, vf->driver_override, vf->driver, vf->driver_override, "as it was");
}
