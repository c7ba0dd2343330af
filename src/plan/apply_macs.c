/* MACs that go from one VF to another, as when a file counts from the next address on. A PF's driver may refuse two VFs with one MAC
 * even for a moment (ice: ice_unicast_mac_exists()), so whoever gives a MAC up has none before another gets it. */
#include "plan/rules.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

static bool is_mac(const VfState *state, const uint8_t mac[6]) {
        return (state->known & VF_MAC) && memcmp(state->mac, mac, sizeof state->mac) == 0;
}

/* Somebody for whom the VF stays as it is. */
static bool stays(const PlanInput *input, const Dev *vf) {
        const Use *use = dev_use(vf);

        if (leases_find(input->leases, vf->addr) || (input->apply && plan_spares(input, vf, input->apply, input->apply_disrupt)))
                return true;
        return use && (!input->apply_disrupt || (use->kind != USE_NETWORK && use->kind != USE_STORAGE));
}

bool plan_gives_up_mac(const PlanInput *input, const Dev *pf, unsigned index) {
        const Dev *vf = snapshot_vf(input->host, pf, index);
        const VfState *now = vf ? snapshot_vf_state(input->host, vf) : NULL;
        VfState wanted;

        return input->apply && now && conf_vf(input->apply, index, &wanted) && (wanted.known & VF_MAC) && !is_mac(now, wanted.mac) &&
               !stays(input, vf);
}

const Dev *plan_mac_stays(const PlanInput *input, const Dev *vf, const uint8_t mac[6]) {
        const Dev *pf = snapshot_pf(input->host, vf);

        for (unsigned i = 0; pf && pf->vfs && i < pf->vfs->len; i++) {
                const Dev *other = snapshot_vf(input->host, pf, i);
                const VfState *now = other && other != vf ? snapshot_vf_state(input->host, other) : NULL;
                if (now && is_mac(now, mac) && !mac_is_zero(mac) && stays(input, other))
                        return other;
        }
        return NULL;
}

/* ---- the order of steps ---- */

static bool moves_mac(const Step *step) {
        return step->kind == STEP_VF_STATE && !step->fresh && (step->mask & VF_MAC);
}

/* The step behind `at` that takes this MAC from another VF; -1: none. */
static int later_holder(const Plan *plan, unsigned at, const uint8_t mac[6]) {
        for (unsigned i = at + 1; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (moves_mac(step) && memcmp(step->from.vf.mac, mac, sizeof step->from.vf.mac) == 0)
                        return (int) i;
        }
        return -1;
}

/* The step at `from` goes to where `*to` is, and that one and what is behind it a place on. */
static void hoist(Plan *plan, unsigned from, unsigned *to) {
        Step *step = g_ptr_array_steal_index(plan->steps, from);

        g_ptr_array_insert(plan->steps, (int) (*to)++, step);
}

/* Where the VF's own driver is taken from it for that; -1: nowhere. */
static int driver_off(const Plan *plan, unsigned at) {
        const Step *state = plan->steps->pdata[at];

        for (unsigned i = at; i-- > 0;) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_DRIVER && pci_addr_equal(step->dev, state->dev))
                        return step->to.driver ? -1 : (int) i;
        }
        return -1;
}

static void free_mac(Plan *plan, unsigned at, unsigned *front) {
        Step *state = plan->steps->pdata[at];
        const int off = driver_off(plan, at);

        if (off >= (int) *front)
                hoist(plan, (unsigned) off, front);
        Step *none = step_new(STEP_VF_STATE, state->dev, "another VF is to have this MAC");
        none->pf = state->pf;
        none->vf_index = state->vf_index;
        none->netdev = g_strdup(state->netdev);
        none->mask = VF_MAC;
        vf_state_copy(&none->from.vf, &state->from.vf, VF_MAC);
        none->to.vf = (VfState) {.known = VF_MAC};
        memset(state->from.vf.mac, 0, sizeof state->from.vf.mac);
        g_ptr_array_insert(plan->steps, (int) (*front)++, none);
}

/* The VF whose MAC this is now, though the plan does not change it. */
static const Dev *keeper(const Plan *plan, const PlanInput *input, const Dev *pf, const Step *step) {
        for (unsigned i = 0; pf->vfs && i < pf->vfs->len; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                const VfState *now = vf ? snapshot_vf_state(input->host, vf) : NULL;
                bool moves = !now || i == step->vf_index || !is_mac(now, step->to.vf.mac);
                for (unsigned k = 0; !moves && k < plan->steps->len; k++) {
                        const Step *other = plan->steps->pdata[k];
                        moves = moves_mac(other) && pci_addr_equal(other->dev, vf->addr);
                }
                if (!moves)
                        return vf;
        }
        return NULL;
}

static bool all_move(Plan *plan, const PlanInput *input, const Dev *pf, unsigned first) {
        for (unsigned i = first; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                const bool gets = moves_mac(step) && !mac_is_zero(step->to.vf.mac);
                const Dev *vf = gets ? keeper(plan, input, pf, step) : NULL;
                if (!vf)
                        continue;
                g_autofree char *nick = snapshot_nick(input->host, vf);
                char mac[MAC_TEXT_SIZE];
                mac_format(step->to.vf.mac, mac);
                plan_refuse(plan, VFADM_ERROR_REFUSED, "mac=%s for VF %u is still that of %s, which is left as it is", mac, step->vf_index, nick);
                return false;
        }
        return true;
}

void plan_move_macs(Plan *plan, const PlanInput *input, const Dev *pf, unsigned first) {
        unsigned front = first;

        if (!all_move(plan, input, pf, first))
                return;
        for (unsigned i = first; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                const int holder = moves_mac(step) && !mac_is_zero(step->to.vf.mac) ? later_holder(plan, i, step->to.vf.mac) : -1;
                if (holder < 0)
                        continue;
                free_mac(plan, (unsigned) holder, &front);
                i = front - 1; /* places have changed; each round is one holder less */
        }
}
