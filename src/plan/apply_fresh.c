/* The number of VFs that the configuration asks for, and what the new ones are to be.
 *
 * They have no addresses yet, so their steps name them by number (Step.fresh). MAC, VLAN and the rest come before any driver, and the
 * host's own drivers before VFIO: when a VF goes to VFIO, act/ sees what else of its IOMMU group has a driver. */
#include "plan/rules.h"

#include "base/error.h"
#include "model/nic.h"

#include <string.h>

/* What a new VF is to be bound to. */
typedef enum { FRESH_NONE, FRESH_OWN, FRESH_NAMED } FreshKind;

typedef struct {
        const ConfVf *section; /* NULL: none is about it */
        VfState state;
        FreshKind kind;
        const char *driver;    /* FRESH_NAMED */
} Fresh;

typedef struct {
        Plan *plan;
        const PlanInput *input;
        const Dev *pf;
        const ConfPf *conf;
        unsigned wanted;
        bool autoprobe; /* as it shall be in the end */
} Count;

static Fresh fresh_of(const Count *count, unsigned index) {
        Fresh fresh = {0};

        fresh.section = conf_vf(count->conf, index, &fresh.state);
        const char *word = fresh.section ? fresh.section->driver : NULL;
        if (!fresh.section)
                fresh.state = (VfState) {0};
        /* Nothing said: as the kernel does it for VFs that it makes with autoprobe on. */
        if (word ? g_str_equal(word, "host") : count->autoprobe)
                fresh.kind = FRESH_OWN;
        else if (word && !g_str_equal(word, "none")) {
                fresh.kind = FRESH_NAMED;
                fresh.driver = plan_driver_meant(word, count->input->vfio_driver ? count->input->vfio_driver : "vfio-pci");
        }
        return fresh;
}

static bool may_have_driver(Plan *plan, const Count *count, const Fresh *fresh) {
        if (fresh->kind != FRESH_NAMED || !fresh->section) /* only a section names one */
                return true;
        const ConfPlace *place = &fresh->section->place;
        if (!plan_driver_name_ok(fresh->driver))
                plan_refuse(plan, VFADM_ERROR_USAGE, "/%s, line %u: '%s' is no driver name", place->path, place->line, fresh->driver);
        else if (driver_is_xen(fresh->driver))
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "/%s, line %u: new VFs are not bound to %s; say Driver=none, since a domain of Xen gets a driverless VF, too",
                            place->path, place->line, fresh->driver);
        return plan->refusals->len == 0 && (!driver_is_vfio(fresh->driver) || rule_host_iommu(plan, count->input, count->pf));
}

/* Every reason for which it cannot work, the same one once. */
static bool may_make(Plan *plan, const Count *count) {
        if (!rule_can_have_vfs(plan, count->input, count->pf, count->wanted))
                return false;
        for (unsigned i = 0; i < count->wanted && plan->refusals->len == 0; i++) {
                const Fresh fresh = fresh_of(count, i);
                if (!rule_fresh_state(plan, count->input, count->pf, &fresh.state) || !may_have_driver(plan, count, &fresh))
                        return false;
        }
        return true;
}

static Step *fresh_step(const Count *count, StepKind kind, unsigned index) {
        Step *step = plan_add(count->plan, step_new(kind, count->pf->addr, "as asked"));

        step->fresh = true;
        step->vf_index = index;
        return step;
}

static void set_state(const Count *count, unsigned index) {
        const Fresh fresh = fresh_of(count, index);
        const VfState bare = plan_fresh_state(count->pf);
        unsigned mask = vf_state_diff(&bare, &fresh.state, fresh.state.known);

        if (mask == 0)
                return;
        Step *step = fresh_step(count, STEP_VF_STATE, index);
        step->netdev = g_strdup(dev_net(count->pf) ? dev_net(count->pf)->name : NULL);
        step->mask = mask;
        step->from.vf = bare;
        step->to.vf = fresh.state;
}

/* Of the VFs for which `vfio` is so. */
static void bind_drivers(const Count *count, bool vfio) {
        for (unsigned i = 0; i < count->wanted; i++) {
                const Fresh fresh = fresh_of(count, i);
                const char *driver = fresh.kind == FRESH_OWN ? DRIVER_OWN : fresh.driver;
                if (fresh.kind == FRESH_NONE || driver_is_vfio(driver) != vfio)
                        continue;
                Step *step = fresh_step(count, STEP_DRIVER, i);
                step->to.driver = g_strdup(driver);
                step->to.driver_override = g_strdup(fresh.kind == FRESH_OWN ? NULL : plan_override_of(driver));
        }
}

/* Modules first: what fails to load fails before anything was touched. */
static bool load_modules(const Count *count) {
        bool own = false;

        for (unsigned i = 0; i < count->wanted; i++)
                own = own || fresh_of(count, i).kind == FRESH_OWN;
        if (own || (count->wanted && count->pf->autoprobe))
                plan_vf_module(count->plan, count->pf);
        for (unsigned i = 0; i < count->wanted; i++) {
                const Fresh fresh = fresh_of(count, i);
                if (fresh.kind == FRESH_NAMED)
                        plan_module(count->plan, count->pf, fresh.driver, "the driver must be there before it can bind");
        }
        return own;
}

static void make(const Count *count) {
        Plan *plan = count->plan;
        const Dev *pf = count->pf;

        bool own = load_modules(count);
        if (pf->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 1, 0, "so that no host driver takes a VF before it is set up");
        if (pf->num_vfs)
                plan_dismantle(plan, count->input, pf);
        if (count->wanted)
                plan_number(plan, STEP_NUMVFS, pf, 0, count->wanted, "this makes the VFs");
        for (unsigned i = 0; i < count->wanted; i++)
                set_state(count, i);
        if (own || count->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 0, 1, !count->autoprobe ? "or no driver of the host may take a VF" : pf->autoprobe ? "as it was" : "as asked");
        bind_drivers(count, false);
        bind_drivers(count, true);
        if (own && !count->autoprobe)
                plan_number(plan, STEP_AUTOPROBE, pf, 1, 0, count->conf->autoprobe == 0 ? "as asked" : "as it was");
}

static void leave(Plan *plan, const Plan *part, const PlanInput *input, const Dev *pf, unsigned wanted) {
        g_autofree char *nick = snapshot_nick(input->host, pf);
        g_autoptr(GError) why = NULL;

        plan_check(part, &why);
        plan_leave(plan, "%s: VFs %u → %u left: %s", nick, pf->num_vfs, wanted, why->message);
}

bool plan_apply_count(Plan *plan, const PlanInput *input, const Dev *pf, const ConfPf *conf, unsigned wanted, bool disrupt) {
        g_autoptr(Plan) part = plan_new(plan->verb), users = plan_new(plan->verb);
        const Count count = {
                .plan = part, .input = input, .pf = pf, .conf = conf, .wanted = wanted,
                .autoprobe = conf->autoprobe < 0 ? pf->autoprobe : conf->autoprobe == 1,
        };

        if (pf->vfs)
                plan_take_vfs(users, input, pf, disrupt);
        for (unsigned i = 0; pf->vfs && i < pf->vfs->len; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                const char *spared = vf ? plan_spares(input, vf, conf, disrupt) : NULL;
                if (spared)
                        plan_refuse(users, VFADM_ERROR_IN_USE, "%s: %s", vf->name, spared);
        }
        if (users->refusals->len) {
                leave(plan, users, input, pf, wanted);
                return false;
        }
        plan_append(plan, users);
        if (may_make(part, &count))
                make(&count);
        plan_append(plan, part);
        return true;
}
