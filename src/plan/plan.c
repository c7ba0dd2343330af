/* From what is wanted to the steps that bring it about: finds the device, and calls the verb's own file. */
#include "plan/plan.h"

#include "base/error.h"
#include "base/text.h"
#include "plan/rules.h"

#include <string.h>

static const char *const verbs[] = {
        [WANT_ENABLE] = "enable", [WANT_DISABLE] = "disable", [WANT_SET] = "set",       [WANT_BIND] = "bind",      [WANT_UNBIND] = "unbind",
        [WANT_ATTACH] = "attach", [WANT_LEND] = "run",        [WANT_DETACH] = "detach", [WANT_RELEASE] = "release",
        [WANT_BOOT] = "doctor --fix", [WANT_BOOT_UNDO] = "doctor --undo",
        [WANT_POOL_DEFINE] = "pool define", [WANT_POOL_START] = "pool start", [WANT_POOL_STOP] = "pool stop",
        [WANT_POOL_AUTOSTART] = "pool autostart", [WANT_POOL_DELETE] = "pool delete", [WANT_POOL_SYNC] = "pool sync",
        [WANT_ADOPT] = "import --adopt", [WANT_IMPORT] = "import --config", [WANT_APPLY] = "apply",
};

static void plan_for_device(Plan *plan, const Want *want, const PlanInput *input, const Dev *dev) {
        switch (want->kind) {
        case WANT_ENABLE:
                plan_vf_count(plan, input, dev, want->num_vfs, want->disrupt);
                break;
        case WANT_DISABLE:
                plan_vf_count(plan, input, dev, 0, want->disrupt);
                break;
        case WANT_SET:
                plan_set(plan, input, dev, want);
                break;
        case WANT_BIND:
                plan_bind(plan, input, dev, want);
                break;
        case WANT_UNBIND:
                plan_unbind(plan, input, dev, want);
                break;
        default:
                plan_give(plan, input, dev, want);
                break;
        }
}

static const Dev *find_device(const Want *want, const PlanInput *input, GError **error) {
        if (want->kind == WANT_ATTACH || want->kind == WANT_LEND)
                return plan_choose(want, input, error);
        return snapshot_find(input->host, want->device, error);
}

/* Those that are about one device. */
static bool plan_device(Plan *plan, const Want *want, const PlanInput *input, GError **error) {
        if (want->kind == WANT_ATTACH && plan_is_network_only(want, input)) {
                plan_give_network(plan, input, want);
                return true;
        }
        const Dev *dev = find_device(want, input, error);
        if (dev)
                plan_for_device(plan, want, input, dev);
        return dev != NULL;
}

static bool plan_want(Plan *plan, const Want *want, const PlanInput *input, GError **error) {
        switch (want->kind) {
        case WANT_DETACH:
                return plan_detach(plan, input, want, error);
        case WANT_RELEASE:
                return plan_release(plan, input, want, error);
        case WANT_BOOT:
        case WANT_BOOT_UNDO:
                plan_boot(plan, input, want);
                return true;
        case WANT_POOL_DEFINE:
        case WANT_POOL_START:
        case WANT_POOL_STOP:
        case WANT_POOL_AUTOSTART:
        case WANT_POOL_DELETE:
        case WANT_POOL_SYNC:
                plan_pool(plan, input, want);
                return true;
        case WANT_ADOPT:
                plan_adopt(plan, input, want);
                return true;
        case WANT_IMPORT:
                plan_import(plan, input, want);
                return true;
        case WANT_APPLY:
                return plan_apply(plan, input, want, error);
        default:
                return plan_device(plan, want, input, error);
        }
}

Plan *plan_make(const Want *want, const PlanInput *input, GError **error) {
        if (want->at_boot)
                return plan_hide((Want *const[]) {(Want *) want}, input, 1, error);
        g_autoptr(Plan) plan = plan_new(verbs[want->kind]);

        if (!plan_want(plan, want, input, error))
                return NULL;
        /* A refused plan has no steps that somebody could run by mistake. */
        if (plan->refusals->len)
                g_ptr_array_set_size(plan->steps, 0);
        return g_steal_pointer(&plan);
}

Plan *plan_give_back(const Lease *lease, const PlanInput *input) {
        Plan *plan = plan_new("release");
        plan_take_back(plan, lease, input, true);
        if (plan->refusals->len)
                g_ptr_array_set_size(plan->steps, 0);
        return plan;
}

static bool same_step(const Step *a, const Step *b) {
        return a->kind == b->kind && step_same_function(a, b) && fact_equal(a, &a->to, &b->to);
}

/* What an earlier part does already (a module, a companion of the group) is not done twice. */
static bool stands_already(const Plan *plan, const Step *step) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *other = plan->steps->pdata[i];
                bool same_module = step->kind == STEP_MODULE && other->kind == STEP_MODULE && g_str_equal(step->to.text, other->to.text);
                if (same_module || ((step->kind == STEP_DRIVER || step->kind == STEP_ASSIGNABLE) && same_step(step, other)))
                        return true;
        }
        return false;
}

/* The snapshot knows no MAC that another part of the same plan sets. */
static void refuse_twin_mac(Plan *plan, const Step *step) {
        if (step->kind != STEP_VF_STATE || !(step->mask & VF_MAC) || mac_is_zero(step->to.vf.mac))
                return;
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *other = plan->steps->pdata[i];
                if (other->kind != STEP_VF_STATE || !(other->mask & VF_MAC) || !pci_addr_equal(other->pf, step->pf) ||
                    memcmp(other->to.vf.mac, step->to.vf.mac, sizeof step->to.vf.mac) != 0)
                        continue;
                plan_refuse(plan, VFADM_ERROR_REFUSED, "VF %u and VF %u would have the same MAC; say mac=…+ to count it up", other->vf_index, step->vf_index);
                return;
        }
}

void plan_append(Plan *plan, Plan *part) {
        for (unsigned i = 0; i < part->steps->len; i++) {
                Step *step = part->steps->pdata[i];
                refuse_twin_mac(plan, step);
                if (stands_already(plan, step))
                        step_free(step);
                else
                        g_ptr_array_add(plan->steps, step);
        }
        g_ptr_array_extend_and_steal(plan->seen, g_ptr_array_ref(part->seen));
        g_array_append_vals(plan->taken, part->taken->data, part->taken->len);
        g_array_append_vals(plan->known, part->known->data, part->known->len);
        g_ptr_array_set_free_func(part->steps, NULL);
        g_ptr_array_set_size(part->steps, 0);
        for (unsigned i = 0; i < part->refusals->len; i++) {
                const Refusal *refusal = part->refusals->pdata[i];
                plan_refuse(plan, refusal->code, "%s", refusal->message);
        }
        for (unsigned i = 0; i < part->notes->len; i++)
                plan_note(plan, "%s", (const char *) part->notes->pdata[i]);
        for (unsigned i = 0; i < part->left->len; i++)
                plan_leave(plan, "%s", (const char *) part->left->pdata[i]);
}

Plan *plan_make_all(Want *const *wants, const PlanInput *inputs, unsigned n, GError **error) {
        if (n == 1)
                return plan_make(wants[0], &inputs[0], error);
        if (wants[0]->at_boot)
                return plan_hide(wants, inputs, n, error);
        g_autoptr(Plan) plan = plan_new(verbs[wants[0]->kind]);
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        for (unsigned i = 0; i < n; i++) {
                const Dev *dev = find_device(wants[i], &inputs[i], error);
                g_autoptr(Plan) part = dev ? plan_make(wants[i], &inputs[i], error) : NULL;
                if (!part)
                        return NULL;
                if (!g_hash_table_add(seen, (gpointer) dev))
                        plan_refuse(plan, VFADM_ERROR_USAGE, "%s is named twice", wants[i]->device);
                plan_append(plan, part);
        }
        plan->summary = g_strdup_printf("%u devices: %s", n, plan->verb);
        if (plan->refusals->len)
                g_ptr_array_set_size(plan->steps, 0);
        return g_steal_pointer(&plan);
}
