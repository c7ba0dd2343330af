/* From what is wanted to the steps that bring it about: finds the device, and calls the verb's own file. */
#include "plan/plan.h"

#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "plan/rules.h"

#include <string.h>

static const char *const verbs[] = {
        [WANT_ENABLE] = "enable", [WANT_DISABLE] = "disable", [WANT_SET] = "set",       [WANT_BIND] = "bind",      [WANT_UNBIND] = "unbind",
        [WANT_ATTACH] = "attach", [WANT_LEND] = "run",        [WANT_DETACH] = "detach", [WANT_RELEASE] = "release",
        [WANT_BOOT] = "doctor --fix", [WANT_BOOT_UNDO] = "doctor --undo",
};

/* A lease by its number, or by its device in any of the device's names (the device itself may be gone). */
static const Lease *find_lease(const Want *want, const PlanInput *input, GError **error) {
        uint64_t id = 0;
        PciAddr addr;
        const char *text = want->device + (want->device[0] == '#');
        bool by_id = parse_uint(text, 10, 1, INT64_MAX, &id);

        for (unsigned i = 0; by_id && i < input->leases->len; i++)
                if (((const Lease *) input->leases->pdata[i])->id == (int64_t) id)
                        return input->leases->pdata[i];
        const Dev *dev = by_id ? NULL : snapshot_find(input->host, want->device, NULL);
        const Lease *lease = dev ? leases_find(input->leases, dev->addr) : NULL;
        if (!lease && !by_id && pci_addr_parse(want->device, &addr))
                lease = leases_find(input->leases, addr);
        if (!lease)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s is not leased; 'vfadm leases' shows what is", want->device);
        return lease;
}

static void plan_detach(Plan *plan, const Want *want, const PlanInput *input, const Lease *lease) {
        g_autofree char *guest = input->guest ? guest_info_ref(input->guest) : g_strdup(want->guest);
        const char *bare = strchr(lease->guest, ':') ? strchr(lease->guest, ':') + 1 : lease->guest;

        /* The process counts more than the name: with a second QEMU of that name only "qemu:pid-812" names it. */
        bool same = input->guest && input->guest->pid > 0 && input->guest->pid == lease->pid && input->guest->pid_start == lease->pid_start;
        if (!same && !g_str_equal(lease->guest, guest) && !g_str_equal(bare, guest)) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is leased to %s, not to %s", want->device, lease->guest, guest);
                return;
        }
        if (input->guest && !lease->guest_device) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s was given to %s at its start ('vfadm run') and comes back when it ends", want->device, lease->guest);
                return;
        }
        plan_take_back(plan, lease, input, true);
}

static void plan_release(Plan *plan, const Want *want, const PlanInput *input, const Lease *lease) {
        const Dev *dev = snapshot_get(input->host, lease->dev);

        if (want->lease_id && want->lease_id != lease->id) {
                plan_note(plan, "lease %" G_GINT64_FORMAT " has ended before; the device has a new owner and is left alone", want->lease_id);
                return;
        }
        for (unsigned i = 0; dev && i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind != USE_PROCESS)
                        continue;
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is still held by %s; run 'vfadm detach %s %s', or end the guest", dev->name, use->what, lease->guest, dev->name);
                return;
        }
        if (!lease->guest_device && lease->state == LEASE_ACTIVE && lease->holder_lives) {
                char name[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(lease->dev, name);
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s was given to %s at its start ('vfadm run'), which still runs (pid %d) and may open it at any moment; it comes back when the guest ends", name, lease->guest, lease->pid);
                return;
        }
        plan_take_back(plan, lease, input, !want->no_reset);
}

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

Plan *plan_make(const Want *want, const PlanInput *input, GError **error) {
        g_autoptr(Plan) plan = plan_new(verbs[want->kind]);

        if (want->kind == WANT_DETACH || want->kind == WANT_RELEASE) {
                const Lease *lease = find_lease(want, input, error);
                if (!lease)
                        return NULL;
                if (want->kind == WANT_DETACH)
                        plan_detach(plan, want, input, lease);
                else
                        plan_release(plan, want, input, lease);
        } else if (want->kind == WANT_BOOT || want->kind == WANT_BOOT_UNDO) {
                plan_boot(plan, input, want);
        } else {
                const Dev *dev = find_device(want, input, error);
                if (!dev)
                        return NULL;
                plan_for_device(plan, want, input, dev);
        }
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
        return a->kind == b->kind && pci_addr_equal(a->dev, b->dev) && fact_equal(a, &a->to, &b->to);
}

/* What an earlier part does already (a module, a companion of the group) is not done twice. */
static bool stands_already(const Plan *plan, const Step *step) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *other = plan->steps->pdata[i];
                bool same_module = step->kind == STEP_MODULE && other->kind == STEP_MODULE && g_str_equal(step->to.text, other->to.text);
                if (same_module || (step->kind == STEP_DRIVER && same_step(step, other)))
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

/* Moves all of `part` to the end of `plan`. */
static void append(Plan *plan, Plan *part) {
        for (unsigned i = 0; i < part->steps->len; i++) {
                Step *step = part->steps->pdata[i];
                refuse_twin_mac(plan, step);
                if (stands_already(plan, step))
                        step_free(step);
                else
                        g_ptr_array_add(plan->steps, step);
        }
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
}

Plan *plan_make_all(Want *const *wants, const PlanInput *inputs, unsigned n, GError **error) {
        if (n == 1)
                return plan_make(wants[0], &inputs[0], error);
        g_autoptr(Plan) plan = plan_new(verbs[wants[0]->kind]);
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        for (unsigned i = 0; i < n; i++) {
                const Dev *dev = find_device(wants[i], &inputs[i], error);
                g_autoptr(Plan) part = dev ? plan_make(wants[i], &inputs[i], error) : NULL;
                if (!part)
                        return NULL;
                if (!g_hash_table_add(seen, (gpointer) dev))
                        plan_refuse(plan, VFADM_ERROR_USAGE, "%s is named twice", wants[i]->device);
                append(plan, part);
        }
        plan->summary = g_strdup_printf("%u devices: %s", n, plan->verb);
        if (plan->refusals->len)
                g_ptr_array_set_size(plan->steps, 0);
        return g_steal_pointer(&plan);
}
