/* What the configuration says of a VF that is there: what differs is set and bound, by the rules of set, bind and unbind. A VF that a
 * guest, a process or the host itself has, and a leased one, is left alone. */
#include "plan/rules.h"

#include "base/error.h"

#include <string.h>

/* Whether `word` of a Driver= means another driver than this. */
static bool driver_differs(const char *driver, const char *override, const char *word, const char *variant) {
        if (!word)
                return false;
        if (g_str_equal(word, "none"))
                return driver != NULL;
        if (g_str_equal(word, "host"))
                return !plan_is_own_driver(driver) || override;
        return g_strcmp0(driver, plan_driver_meant(word, variant)) != 0;
}

/* "vlan=42 driver=vfio"; the caller frees. */
static char *describe(const VfState *state, unsigned mask, const char *driver) {
        g_autofree char *text = vf_state_format(state, mask);
        return driver ? g_strdup_printf("%s%sdriver=%s", text, *text ? " " : "", driver) : g_steal_pointer(&text);
}

/* A guest was given its own MAC and VLAN, and has them rightly. What the VF goes back to should be what the configuration says. */
static void note_lease(Plan *plan, const PlanInput *input, const Dev *vf, const Lease *lease, const ConfVf *section, const VfState *wanted, const char *variant) {
        unsigned mask = vf_state_diff(&lease->saved, wanted, wanted->known & lease->saved.known);
        bool driver = driver_differs(lease->saved_driver, lease->saved_override, section->driver, variant);

        if (!mask && (!driver || lease->saved.known == 0))
                return;
        g_autofree char *nick = snapshot_nick(input->host, vf);
        g_autofree char *text = describe(wanted, mask, driver ? section->driver : NULL);
        plan_note(plan, "%s is leased to %s, and was not yet %s (/%s, line %u) when it was given; that is set after it is back", nick, lease->guest, text, section->place.path, section->place.line);
}

/* Somebody who is never asked to give way. */
static const Use *who_keeps(const Dev *vf) {
        for (unsigned i = 0; i < vf->uses->len; i++) {
                const Use *use = vf->uses->pdata[i];
                if (use->kind != USE_NETWORK && use->kind != USE_STORAGE)
                        return use;
        }
        return NULL;
}

static void set_state(Plan *part, const PlanInput *input, const Dev *vf, const VfState *wanted, unsigned mask, bool disrupt) {
        g_autoptr(Want) want = want_new(WANT_SET);

        want->vf = *wanted;
        want->vf.known = mask;
        want->disrupt = disrupt;
        plan_set(part, input, vf, want);
}

static void set_driver(Plan *part, const PlanInput *input, const Dev *vf, const char *word, bool disrupt) {
        g_autoptr(Want) want = want_new(WANT_BIND);

        want->disrupt = disrupt;
        want->driver = g_strdup(word);
        if (g_str_equal(word, "none"))
                plan_no_driver(part, input, vf, disrupt);
        else if (g_str_equal(word, "host"))
                plan_unbind(part, input, vf, want);
        else
                plan_bind(part, input, vf, want);
}

static Step *driver_step(const Plan *plan, const Dev *vf) {
        for (unsigned i = plan->steps->len; i-- > 0;) {
                Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_DRIVER && pci_addr_equal(step->dev, vf->addr))
                        return step;
        }
        return NULL;
}

/* A new MAC takes the VF from its driver and gives it back; when it goes to another driver then, it does not go back to the first. */
static void join(Plan *state, const Plan *driver, const Dev *vf) {
        Step *back = driver_step(state, vf), *next = driver_step(driver, vf);

        if (!back || !next)
                return;
        g_ptr_array_remove(state->steps, back);
        g_clear_pointer(&next->from.driver, g_free);
        if (fact_equal(next, &next->from, &next->to))
                g_ptr_array_remove(driver->steps, next);
}

/* Uses that only --disrupt takes on leave the VF as it is; every other refusal is one. */
static bool only_in_use(const Plan *part) {
        for (unsigned i = 0; i < part->refusals->len; i++)
                if (((const Refusal *) part->refusals->pdata[i])->code != VFADM_ERROR_IN_USE)
                        return false;
        return part->refusals->len > 0;
}

static void leave(Plan *plan, const PlanInput *input, const Dev *vf, const char *text, const Plan *part) {
        g_autofree char *nick = snapshot_nick(input->host, vf);
        g_autoptr(GError) why = NULL;

        plan_check(part, &why);
        plan_leave(plan, "%s: %s left: %s", nick, text, why->message);
}

const char *plan_spares(const PlanInput *input, const Dev *vf, const ConfPf *conf, bool disrupt) {
        const char *variant = input->vfio_driver ? input->vfio_driver : "vfio-pci";
        const ConfVf *section = conf_vf(conf, vf->vf_index, NULL);

        if (disrupt)
                return NULL;
        if (vf->libvirt_keeps)
                return "libvirt is giving it to a guest, or has given it (/run/libvirt/hostdevmgr)";
        if (input->spare_vfio && driver_is_vfio(vf->driver) && driver_differs(vf->driver, vf->driver_override, section && section->driver ? section->driver : "host", variant))
                return "somebody has bound it to VFIO, and a guest may be about to open it; 'vfadm apply' gives it back";
        return NULL;
}

/* What differs is set: `mask` of `wanted`, and the driver of `word` (NULL: that stays). */
static void change(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *wanted, unsigned mask, const char *word, bool disrupt) {
        g_autoptr(Plan) seen = plan_new(plan->verb), state = plan_new(plan->verb), driver = plan_new(plan->verb);
        g_autofree char *nick = snapshot_nick(input->host, vf), *text = describe(wanted, mask, word);
        const Use *use = who_keeps(vf);

        if (use) {
                plan_leave(plan, "%s: %s left: %s", nick, text, use->what);
                return;
        }
        if (!rule_users_seen(seen, input, vf)) {
                leave(plan, input, vf, text, seen);
                return;
        }
        const Dev *twin = mask & VF_MAC ? plan_mac_stays(input, vf, wanted->mac) : NULL;
        if (twin) {
                plan_leave(plan, "%s: %s left: VF %u has that MAC, and must not be disturbed", nick, text, twin->vf_index);
                return;
        }
        if (mask)
                set_state(state, input, vf, wanted, mask, disrupt);
        if (word)
                set_driver(driver, input, vf, word, disrupt);
        if (only_in_use(state) || only_in_use(driver)) {
                leave(plan, input, vf, text, only_in_use(state) ? state : driver);
                return;
        }
        join(state, driver, vf);
        plan_append(plan, state);
        plan_append(plan, driver);
}

void plan_apply_vf(Plan *plan, const PlanInput *input, const Dev *vf, const ConfPf *conf, bool disrupt) {
        const char *variant = input->vfio_driver ? input->vfio_driver : "vfio-pci";
        const Lease *lease = leases_find(input->leases, vf->addr);
        const VfState *now = snapshot_vf_state(input->host, vf);
        VfState wanted;
        const ConfVf *section = conf_vf(conf, vf->vf_index, &wanted);

        if (!section)
                return;
        if (lease) {
                note_lease(plan, input, vf, lease, section, &wanted, variant);
                return;
        }
        /* What its driver does not report was set when it was made, and would be written again and again. */
        unsigned mask = now ? vf_state_diff(now, &wanted, wanted.known & now->known) : wanted.known;
        bool driver = driver_differs(vf->driver, vf->driver_override, section->driver, variant);
        const char *spared = mask || driver ? plan_spares(input, vf, conf, disrupt) : NULL;
        if (spared) {
                g_autofree char *nick = snapshot_nick(input->host, vf), *text = describe(&wanted, mask, driver ? section->driver : NULL);
                plan_leave(plan, "%s: %s left: %s", nick, text, spared);
                return;
        }
        if (mask || driver)
                change(plan, input, vf, &wanted, mask, driver ? section->driver : NULL, disrupt);
}
