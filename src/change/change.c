/* One change from beginning to end: lock, recover, read, plan, act. */
#include "change/change.h"

#include "base/error.h"
#include "change/locks.h"
#include "guest/guest.h"
#include "host/host.h"

#include <string.h>
#include <unistd.h>

enum { LOCK_TIMEOUT_MS = 60 * 1000 };

struct Change {
        ChangeOptions options;
        LockSet *locks;
        Ledger *ledger;
        Snapshot *host;
        GPtrArray *leases;
        char *boot_id;
        uint64_t pid_start;
};

void change_free(Change *change) {
        if (!change)
                return;
        g_clear_pointer(&change->leases, g_ptr_array_unref);
        snapshot_free(change->host);
        ledger_free(change->ledger);
        locks_free(change->locks);
        g_free(change->boot_id);
        g_free(change);
}

const Snapshot *change_host(const Change *change) {
        return change->host;
}

const GPtrArray *change_leases(const Change *change) {
        return change->leases;
}

static unsigned lock_timeout(const ChangeOptions *options) {
        return options->lock_timeout_ms ? options->lock_timeout_ms : LOCK_TIMEOUT_MS;
}

static ActContext act_context(Change *change) {
        return (ActContext) {
                .io = change->options.io,
                .ledger = change->ledger,
                .boot_id = change->boot_id,
                .pid = (int) getpid(),
                .pid_start = change->pid_start,
                .progress = change->options.progress,
                .user = change->options.user,
                .detach_timeout_ms = change->options.detach_timeout_ms,
        };
}

static void tell(const ChangeOptions *options, const GPtrArray *lines) {
        for (unsigned i = 0; options->told && i < lines->len; i++)
                options->told(options->user, lines->pdata[i]);
}

/* Before the change takes its own locks: recovery takes those of the PFs that it mends. */
static bool recover(Change *change, GError **error) {
        g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);
        ActContext act = act_context(change);

        bool ok = act_recover(&act, told, error);
        tell(&change->options, told);
        return ok;
}

static Change *change_open(const ChangeOptions *options, GError **error) {
        g_autoptr(Change) change = g_new0(Change, 1);
        change->options = *options;

        if (io_boot_id(options->io, &change->boot_id) < 0)
                change->boot_id = g_strdup("");
        /* Where /proc tells nothing of us (a recorded host) the start time stays 0 and names nobody. */
        io_process_start(options->io, (int) getpid(), &change->pid_start);
        change->ledger = ledger_open(options->ledger_dir, options->dry_run, error);
        if (!change->ledger)
                return NULL;
        return g_steal_pointer(&change);
}

/* A part of a plan that was left half-done lies behind our locks. */
static bool is_half_done(const Change *change, const JournalPlan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = ((const JournalStep *) plan->steps->pdata[i])->step;
                const Lease *lease = step->to.lease ? step->to.lease : step->from.lease;
                if (step_is_of_host(step) ? locks_hold_boot(change->locks) : locks_hold(change->locks, lease ? lease->pf : step->pf))
                        return true;
        }
        return false;
}

/* What could not be recovered elsewhere is told and stands in nobody's way; where it is what this change is about, or the
 * ledger itself does not work, it is the error. Takes `problem` over. */
static bool may_go_on(Change *change, GError *problem, GError **error) {
        g_autoptr(GPtrArray) plans = ledger_unfinished(change->ledger, NULL);
        bool blocks = !plans || problem->code == VFADM_ERROR_LEDGER || problem->code == VFADM_ERROR_PERMISSION;

        for (unsigned i = 0; !blocks && i < plans->len; i++)
                blocks = is_half_done(change, plans->pdata[i]);
        if (blocks)
                g_propagate_error(error, problem);
        else
                g_error_free(problem);
        return !blocks;
}

/* Recovery first, since it takes locks of its own. */
static bool recover_and_lock(Change *change, Want *const *wants, unsigned n, GError **error) {
        const ChangeOptions *options = &change->options;
        GError *problem = NULL;

        recover(change, &problem);
        g_autoptr(GPtrArray) leases = ledger_leases(change->ledger, problem ? NULL : error);
        change->locks = leases ? locks_take(options->io, wants, n, leases, lock_timeout(options), problem ? NULL : error) : NULL;
        if (change->locks)
                return !problem || may_go_on(change, problem, error);
        if (problem)
                g_propagate_error(error, problem);
        return false;
}

static unsigned to_read(WantKind kind) {
        const unsigned usual = HOST_VF_STATE | HOST_USES;
        switch (kind) {
        case WANT_BOOT:
        case WANT_BOOT_UNDO:
                return HOST_SETUP;
        case WANT_ENABLE: /* which driver the VFs will have stands in config space */
                return usual | HOST_CAPS;
        case WANT_BIND:
        case WANT_UNBIND:
        case WANT_ATTACH:
        case WANT_LEND:
                return usual | HOST_OPEN_DISKS;
        default:
                return usual;
        }
}

Change *change_begin(const ChangeOptions *options, Want *const *wants, unsigned n, GError **error) {
        g_autoptr(Change) change = change_open(options, error);

        if (!change || (!options->dry_run && !recover_and_lock(change, wants, n, error)))
                return NULL;
        change->host = host_read(options->io, to_read(wants[0]->kind), error);
        change->leases = change->host ? ledger_leases(change->ledger, error) : NULL;
        for (unsigned i = 0; change->leases && i < change->leases->len; i++) {
                Lease *lease = change->leases->pdata[i];
                lease->holder_lives = io_process_lives(options->io, lease->pid, lease->pid_start, lease->boot_id);
        }
        return change->leases ? g_steal_pointer(&change) : NULL;
}

/* The device that a plan would hand to VFIO, whose driver the kernel may name; NULL for other plans. */
static const Dev *dev_for_vfio(const Change *change, const Want *want, const PlanInput *input) {
        if (want->kind == WANT_BIND)
                return snapshot_find(change->host, want->device, NULL);
        if (want->kind == WANT_ATTACH || want->kind == WANT_LEND)
                return plan_choose(want, input, NULL);
        return NULL;
}

/* NULL: plain vfio-pci. The VFs of a card are all alike, and the list of aliases is long: each modalias is asked once. */
static const char *vfio_driver_for(const Change *change, const Dev *dev, GHashTable *known) {
        char *variant = NULL;

        if (!dev || !dev->modalias)
                return NULL;
        if (!g_hash_table_contains(known, dev->modalias)) {
                /* Modules are named with '_' throughout, and so are the variants' drivers; only the generic one has '-'. */
                if (io_vfio_variant(change->options.io, dev->modalias, &variant) == 0 && g_str_equal(variant, "vfio_pci"))
                        g_clear_pointer(&variant, g_free);
                g_hash_table_insert(known, dev->modalias, variant);
        }
        return g_hash_table_lookup(known, dev->modalias);
}

Plan *change_plan(Change *change, Want *const *wants, unsigned n, const GuestInfo *guest, GError **error) {
        g_autoptr(GHashTable) variants = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
        g_autofree PlanInput *inputs = g_new0(PlanInput, n);

        for (unsigned i = 0; i < n; i++) {
                inputs[i] = (PlanInput) {.host = change->host, .leases = change->leases, .guest = guest};
                inputs[i].vfio_driver = vfio_driver_for(change, dev_for_vfio(change, wants[i], &inputs[i]), variants);
        }
        return plan_make_all(wants, inputs, n, error);
}

bool change_act(Change *change, const Plan *plan, GError **error) {
        ActContext act = act_context(change);
        return act_run(&act, plan, error);
}

/* A detach from a guest that has ended meanwhile is no error: there is only more to give back. */
static bool read_guest(const ChangeOptions *options, const Want *want, GuestInfo **ret, GError **error) {
        g_autoptr(GError) local = NULL;

        if (!want->guest)
                return true;
        *ret = guest_read(options->io, want->guest, &local);
        if (*ret || (want->kind == WANT_DETACH && g_error_matches(local, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

bool change_do(const ChangeOptions *options, Want *const *wants, unsigned n, Plan **ret_plan, GError **error) {
        g_autoptr(GuestInfo) guest = NULL;

        g_autoptr(Change) change = change_begin(options, wants, n, error);
        if (!change || !read_guest(options, wants[0], &guest, error))
                return false;
        g_autoptr(Plan) plan = change_plan(change, wants, n, guest, error);
        if (!plan)
                return false;
        bool ok = plan_check(plan, error) && (options->dry_run || plan->steps->len == 0 || change_act(change, plan, error));
        if (ret_plan)
                *ret_plan = g_steal_pointer(&plan);
        return ok;
}

bool change_recover(const ChangeOptions *options, GError **error) {
        g_autoptr(Change) change = change_open(options, error);
        return change && recover(change, error);
}
