/* After a crash: unfinished plans are brought to their end or back. Then come the leases (recover_leases.c).
 *
 * Forward or back, by plan:
 *  - every step is done, only the end was not written: it is ended, for that disturbs nobody;
 *  - it takes a device away from a guest or ends a lease (detach, release, recover): forward. Giving back is what was wanted,
 *    and the guest may be gone;
 *  - recovery's own, of a lease that goes on: it is ended, and begun anew with that lease;
 *  - "disable": forward. Walking back would make VFs anew that nobody wants;
 *  - all others: back, newest step first. A step that was done is undone only while its fact still is what the step made
 *    it; what somebody else has changed since is left alone and told.
 * Nothing is touched that a living process holds or that carries this host. A plan that cannot be brought to an end because
 * of that stays in the journal for the next time.
 * A plan of an earlier boot has nothing left to undo, unless it is about files, definitions or networks: those are looked at. */
#include "act/act.h"

#include "act/effect.h"
#include "act/holder.h"
#include "act/recover.h"
#include "act/run.h"
#include "base/error.h"
#include "host/host.h"

#include <stdarg.h>

enum {
        RECOVER_LOCK_MS = 60 * 1000, /* another recovery may be making or removing VFs */
        PROGRAM_MS = 120 * 1000,     /* update-grub looks at every disk */
};

void recovery_tell(Recovery *recovery, const char *format, ...) {
        va_list args;

        va_start(args, format);
        char *text = g_strdup_vprintf(format, args);
        va_end(args);
        if (recovery->told)
                g_ptr_array_add(recovery->told, text);
        else
                g_free(text);
}

void recovery_tell_failure(Recovery *recovery, const char *what, const GError *problem) {
        recovery_tell(recovery, "%s: %s", what, problem->message);
        if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_IN_USE) || g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_PENDING))
                return;
        if (recovery->failed->len == 0 || problem->code == VFADM_ERROR_HALF_DONE)
                recovery->code = problem->code;
        g_string_append_printf(recovery->failed, "%s%s: %s", recovery->failed->len ? "; " : "", what, problem->message);
}

/* ---- who must not be disturbed ---- */

Snapshot *recovery_read_host(Recovery *recovery, unsigned what, GError **error) {
        Io *io = recovery->act->io;

        g_clear_pointer(&recovery->fresh, books_free);
        /* Before the host: what a guest gave back meanwhile looks used, and not the other way round. */
        if (!holder_books(io, &recovery->fresh, error))
                return NULL;
        Snapshot *host = host_read(io, what, error);
        if (host)
                holder_add_uses(recovery->fresh, host);
        return host;
}

const Books *recovery_plan_books(Recovery *recovery) {
        return recovery->fresh ? recovery->fresh : recovery_books(recovery);
}

static const Use *blocking_use(const Dev *dev) {
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind != USE_NETWORK)
                        return use;
        }
        return NULL;
}

bool recovery_check_unused(const Dev *dev, GError **error) {
        const Use *use = dev ? blocking_use(dev) : NULL;

        if (!use)
                return true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s is in use (%s), so it was left alone; run 'vfadm recover' when that has ended",
                    dev->name, use->what);
        return false;
}

static bool plan_leases(const Plan *plan, PciAddr dev) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_LEASE && pci_addr_equal(step->dev, dev))
                        return true;
        }
        return false;
}

/* A guest that was leased the device since the plan stopped may not have opened it yet. A lease whose holder is gone keeps
 * nobody waiting: it may itself wait for this plan. But what a definition names must not vanish while its guest is off. */
static bool check_unleased(Run *run, const Step *step, GError **error) {
        ActContext *act = run->act;
        g_autoptr(GPtrArray) leases = ledger_leases(act->ledger, error);
        char name[PCI_ADDR_TEXT_SIZE];

        for (unsigned i = 0; leases && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                bool concerned = pci_addr_equal(lease->dev, step->dev) || (step->kind == STEP_NUMVFS && pci_addr_equal(lease->pf, step->dev));
                if (!concerned || plan_leases(run->plan, lease->dev))
                        continue;
                bool vanishes = lease->config && step->kind == STEP_NUMVFS;
                if (!vanishes && !act_holder_lives(act->io, lease_is_xen(lease) ? recovery_books(run->user) : NULL, lease))
                        continue;
                pci_addr_format(lease->dev, name);
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s is leased to %s (lease %" G_GINT64_FORMAT "), so it was left alone; run 'vfadm recover' when that has ended",
                            name, lease->guest, lease->id);
                return false;
        }
        return leases != NULL;
}

/* Every function that a step would disturb is free. Loading a module, the autoprobe setting, definitions and networks disturb
 * nobody; a guest is asked and may say no. */
static bool check_step(Run *run, const Step *step, GError **error) {
        Recovery *recovery = run->user;

        if (step->kind == STEP_MODULE || step->kind == STEP_AUTOPROBE || step->kind == STEP_LEASE || step->kind == STEP_DEFINED ||
            step->kind == STEP_HOLD || step_is_of_host(step))
                return true;
        if (step->kind == STEP_GUEST) {
                g_clear_pointer(&recovery->host, snapshot_free);
                return true;
        }
        if (!check_unleased(run, step, error))
                return false;
        if (!recovery->host)
                recovery->host = recovery_read_host(recovery, HOST_USES, error);
        if (!recovery->host)
                return false;
        if (step->kind != STEP_NUMVFS)
                return recovery_check_unused(snapshot_get(recovery->host, step->dev), error);
        for (unsigned i = 0; i < recovery->host->devs->len; i++) {
                const Dev *dev = recovery->host->devs->pdata[i];
                if (dev->is_vf && pci_addr_equal(dev->pf, step->dev) && !recovery_check_unused(dev, error))
                        return false;
        }
        return true;
}

static bool may_do(Run *run, unsigned i, GError **error) {
        const Step *step = run->plan->steps->pdata[i];
        Fact now = {0};

        if (step->kind != STEP_GUEST && effect_has_fact(step)) {
                if (!effect_read(run->act, step, &now, error))
                        return false;
                bool already = effect_same(step, &now, &step->to, true);
                fact_clear(&now);
                if (already)
                        return true;
        }
        return check_step(run, step, error);
}

/* What was set while the guest had the device already: to take it out of the guest undoes it, and comes next. */
static bool goes_with_guest(const Run *run, unsigned i) {
        const Step *step = run->plan->steps->pdata[i];

        for (unsigned k = 0; step->kind == STEP_VF_STATE && k < i; k++) {
                const Step *before = run->plan->steps->pdata[k];
                bool begun = run->marks[k] == MARK_DOING || run->marks[k] == MARK_DONE;
                if (begun && before->kind == STEP_GUEST && before->to.text && pci_addr_equal(before->dev, step->dev))
                        return true;
        }
        return false;
}

/* Nobody tells whether a function is kept for Xen's guests, so it is made what it was, whatever it is. Somebody who took it away from pciback
 * since wants it elsewhere. */
static UndoVerdict may_undo_assignable(Run *run, unsigned i, GError **error) {
        const Step *step = run->plan->steps->pdata[i];

        if (step->from.number && !effect_on_pciback(run->act->io, step->dev)) {
                g_autofree char *what = step_describe(step);
                recovery_tell(run->user, "%s: somebody has taken it from " DRIVER_PCIBACK " since, so it was left alone", what);
                return UNDO_SKIP;
        }
        return check_step(run, step, error) ? UNDO_FORCE : UNDO_REFUSE;
}

static UndoVerdict may_undo(Run *run, unsigned i, GError **error) {
        Recovery *recovery = run->user;
        const Step *step = run->plan->steps->pdata[i];
        g_autofree char *what = step_describe(step);
        g_autoptr(GError) problem = NULL;
        Fact now = {0};

        if (!effect_has_fact(step)) /* the program that was run is run again */
                return UNDO_FORCE;
        if (run_device_gone(run, step)) {
                recovery_tell(recovery, "%s: the device is gone, so there is nothing to undo", what);
                return UNDO_SKIP;
        }
        if (step->kind == STEP_ASSIGNABLE)
                return may_undo_assignable(run, i, error);
        if (!effect_read(run->act, step, &now, &problem)) {
                /* VFs that were made anew, a PF without its driver: what the plan changed is not there any more. */
                bool gone = g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
                if (gone)
                        recovery_tell(recovery, "%s: not undone: %s", what, problem->message);
                else
                        g_propagate_error(error, g_steal_pointer(&problem));
                return gone ? UNDO_SKIP : UNDO_REFUSE;
        }
        bool is_from = effect_same(step, &now, &step->from, false), is_to = effect_same(step, &now, &step->to, false);
        /* A step that only sees to it that something stays as it was: what a service did meanwhile is what it is there for. */
        bool keeps = effect_same(step, &step->to, &step->from, true);
        g_autofree char *found = fact_describe(step, &now);
        fact_clear(&now);
        if (is_from) /* though a count may still be on its way: then the write waits for it */
                return step->kind == STEP_NUMVFS && run->marks[i] == MARK_DOING ? UNDO_FORCE : UNDO_SKIP;
        /* A file is replaced at once: what is neither is never half of what we did. */
        if ((run->marks[i] == MARK_DONE || step->kind == STEP_FILE) && !is_to && !keeps) {
                recovery_tell(recovery, "%s: somebody has changed it since (it is '%s' now), so it was left alone", what, found);
                return UNDO_SKIP;
        }
        if (goes_with_guest(run, i))
                return UNDO_SKIP;
        return check_step(run, step, error) ? UNDO_GO : UNDO_REFUSE;
}

/* ---- plans ---- */

bool recovery_same_boot(const ActContext *act, const char *boot_id) {
        return g_strcmp0(act->boot_id, boot_id) == 0;
}

/* A plan of this very process is not under way either: we are here instead. */
static bool plan_is_dead(const ActContext *act, const JournalPlan *plan) {
        if (!recovery_same_boot(act, plan->boot_id) || (plan->pid == act->pid && plan->pid_start == act->pid_start))
                return true;
        return !io_process_lives(act->io, plan->pid, plan->pid_start, plan->boot_id);
}

static bool ends_lease(const JournalPlan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = ((const JournalStep *) plan->steps->pdata[i])->step;
                if (step->kind == STEP_LEASE && !step->to.lease)
                        return true;
        }
        return false;
}

/* What recovery itself sets for a lease that goes on, or holds for it: the lease still says what is wanted, and a guest may have
 * begun to use the device, so that nothing could be undone. */
static bool begins_anew(const JournalPlan *plan) {
        return g_str_equal(plan->verb, "recover") && !ends_lease(plan);
}

/* To finish what takes a device away is what was wanted; a guest that let go does not get it again. */
static bool goes_forward(const JournalPlan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = ((const JournalStep *) plan->steps->pdata[i])->step;
                if ((step->kind == STEP_GUEST || step->kind == STEP_DEFINED) && !step->to.text)
                        return true;
        }
        return ends_lease(plan) || g_str_equal(plan->verb, "disable");
}

static bool all_done(const JournalPlan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++)
                if (((const JournalStep *) plan->steps->pdata[i])->mark != MARK_DONE)
                        return false;
        return true;
}

static bool is_of_host(const JournalPlan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++)
                if (step_is_of_host(((const JournalStep *) plan->steps->pdata[i])->step))
                        return true;
        return false;
}

static bool outlives_reboot(const JournalPlan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++)
                if (step_outlives_reboot(((const JournalStep *) plan->steps->pdata[i])->step))
                        return true;
        return false;
}

static GArray *journal_devs(const JournalPlan *plan) {
        GArray *devs = g_array_new(FALSE, FALSE, sizeof(PciAddr));

        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = ((const JournalStep *) plan->steps->pdata[i])->step;
                if (!step_is_of_host(step))
                        g_array_append_val(devs, step->dev);
        }
        return devs;
}

static void hold_all(Recovery *recovery, const GArray *devs) {
        char name[PCI_ADDR_TEXT_SIZE];

        for (unsigned i = 0; i < devs->len; i++) {
                pci_addr_format(g_array_index(devs, PciAddr, i), name);
                g_hash_table_add(recovery->held, g_strdup(name));
        }
}

bool recovery_holds(const Recovery *recovery, PciAddr dev) {
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(dev, name);
        return g_hash_table_contains(recovery->held, name);
}

static int compare_addr(gconstpointer a, gconstpointer b) {
        return pci_addr_compare(*(const PciAddr *) a, *(const PciAddr *) b);
}

/* The PFs whose lock a plan's steps need; ordered, so that no two recoveries can wait for each other. */
static GArray *plan_pfs(const JournalPlan *plan) {
        GArray *pfs = g_array_new(FALSE, FALSE, sizeof(PciAddr));

        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = ((const JournalStep *) plan->steps->pdata[i])->step;
                const Lease *lease = step->to.lease ? step->to.lease : step->from.lease;
                /* These kinds name no PF of their own; the plan's other steps do. */
                if (step->kind == STEP_MODULE || step->kind == STEP_RESET || step->kind == STEP_GUEST || step->kind == STEP_ASSIGNABLE || step_is_of_host(step))
                        continue;
                if ((step->kind == STEP_DEFINED || step->kind == STEP_HOLD) && pci_addr_equal(step->pf, step->dev))
                        continue;
                PciAddr pf = lease ? lease->pf : step->pf;
                g_array_append_val(pfs, pf);
        }
        g_array_sort(pfs, compare_addr);
        for (unsigned i = 1; i < pfs->len;)
                if (pci_addr_equal(g_array_index(pfs, PciAddr, i - 1), g_array_index(pfs, PciAddr, i)))
                        g_array_remove_index(pfs, i);
                else
                        i++;
        return pfs;
}

static void unlock_all(Io *io, GArray *locks) {
        for (unsigned i = locks->len; i-- > 0;)
                io_unlock(io, g_array_index(locks, int, i));
        g_array_set_size(locks, 0);
}

static bool lock_all(Io *io, const GArray *pfs, bool boot, GArray *locks, GError **error) {
        int lock;

        if (boot && !act_lock_boot(io, PF_LOCK_MS, &lock, error))
                return false;
        if (boot) {
                g_array_append_val(locks, lock);
                /* What the dead process had started may still be at it, and write a menu of what it has read before. */
                int r = io_lock(io, IO_PROGRAM_LOCK, PROGRAM_MS, &lock);
                if (r < 0) {
                        unlock_all(io, locks);
                        return vfadm_error_set_errno(error, r, "a program that writes the boot menu still runs");
                }
                io_unlock(io, lock);
        }
        for (unsigned i = 0; i < pfs->len; i++) {
                if (!act_lock(io, g_array_index(pfs, PciAddr, i), PF_LOCK_MS, &lock, error)) {
                        unlock_all(io, locks);
                        return false;
                }
                g_array_append_val(locks, lock);
        }
        return true;
}

/* The runner's view of a journaled plan; takes the steps over. */
static Plan *plan_from_journal(JournalPlan *journal) {
        Plan *plan = plan_new(journal->verb);

        plan->summary = g_strdup(journal->summary);
        for (unsigned i = 0; i < journal->steps->len; i++)
                plan_add(plan, g_steal_pointer(&((JournalStep *) journal->steps->pdata[i])->step));
        return plan;
}

/* A power cut may have taken the newest marks along, and left what they tell of; not those of leases, which are on the disk with
 * the lease. What the reboot itself has undone is neither to be done nor to be undone. */
static StepMark mark_after_reboot(const Step *step, StepMark mark, bool forward) {
        if (mark == MARK_UNDONE || step->kind == STEP_LEASE)
                return mark;
        if (!step_outlives_reboot(step))
                return forward ? MARK_DONE : MARK_UNDONE;
        return MARK_DOING;
}

static bool run_journaled(Recovery *recovery, JournalPlan *journal, bool forward, GError **error) {
        g_autofree StepMark *marks = g_new0(StepMark, journal->steps->len + 1);
        Run run;

        for (unsigned i = 0; i < journal->steps->len; i++)
                marks[i] = ((const JournalStep *) journal->steps->pdata[i])->mark;
        g_autoptr(Plan) plan = plan_from_journal(journal);
        run_init(&run, recovery->act, plan, journal->id);
        bool rebooted = !recovery_same_boot(recovery->act, journal->boot_id);
        for (unsigned i = 0; i < plan->steps->len; i++) {
                run.written[i] = marks[i];
                run.marks[i] = rebooted ? mark_after_reboot(plan->steps->pdata[i], marks[i], forward) : marks[i];
        }
        run.may_do = may_do;
        run.may_undo = may_undo;
        run.user = recovery;
        g_clear_pointer(&recovery->host, snapshot_free);
        bool ok = forward ? run_forward(&run, error) : run_back(&run, error);
        run_clear(&run);
        return ok;
}

static bool recover_plan(Recovery *recovery, JournalPlan *journal, GError **error) {
        ActContext *act = recovery->act;
        g_autofree char *what = g_strdup_printf("%s (%s)", journal->verb, journal->summary);
        bool forward = goes_forward(journal);

        if (!recovery_same_boot(act, journal->boot_id) && !outlives_reboot(journal)) {
                if (!ledger_end(act->ledger, journal->id, false, error))
                        return false;
                recovery_tell(recovery, "%s: the machine has been rebooted since, so there is nothing to undo", what);
                return true;
        }
        if (begins_anew(journal)) {
                if (!ledger_end(act->ledger, journal->id, false, error))
                        return false;
                recovery_tell(recovery, "%s: begun anew", what);
                return true;
        }
        if (all_done(journal)) {
                if (!ledger_end(act->ledger, journal->id, true, error))
                        return false;
                recovery_tell(recovery, "%s: everything had been done", what);
                return true;
        }
        /* Recovery's own (what a reboot had lost, a hold): what it has done is right as it is, and the rest is found again. */
        if (!forward && g_str_equal(journal->verb, "recover")) {
                if (!ledger_end(act->ledger, journal->id, false, error))
                        return false;
                recovery_tell(recovery, "%s: it is taken up again", what);
                return true;
        }
        if (!run_journaled(recovery, journal, forward, error))
                return false;
        recovery_tell(recovery, forward ? "%s: brought to its end" : "%s: undone", what);
        return true;
}

/* Unfinished, or not known to be finished. */
static bool is_unfinished(ActContext *act, int64_t id) {
        g_autoptr(GPtrArray) plans = ledger_unfinished(act->ledger, NULL);

        for (unsigned i = 0; plans && i < plans->len; i++)
                if (((const JournalPlan *) plans->pdata[i])->id == id)
                        return true;
        return !plans;
}

static void recover_locked(Recovery *recovery, JournalPlan *journal) {
        g_autofree char *what = g_strdup_printf("%s (%s)", journal->verb, journal->summary);
        g_autoptr(GArray) devs = journal_devs(journal);
        g_autoptr(GError) problem = NULL;
        bool by_lease = ends_lease(journal);

        if (recover_plan(recovery, journal, &problem))
                return;
        if (is_unfinished(recovery->act, journal->id))
                hold_all(recovery, devs);
        else if (by_lease) {
                /* The lease is still there, and is given back by a plan that knows the machine as it is now. */
                recovery_tell(recovery, "%s: %s", what, problem->message);
                return;
        }
        recovery_tell_failure(recovery, what, problem);
}

static void recover_one_plan(Recovery *recovery, JournalPlan *journal) {
        g_autoptr(GArray) pfs = plan_pfs(journal), locks = g_array_new(FALSE, FALSE, sizeof(int));
        g_autoptr(GArray) devs = journal_devs(journal);
        g_autoptr(GError) problem = NULL;

        if (!plan_is_dead(recovery->act, journal)) {
                hold_all(recovery, devs);
        } else if (!lock_all(recovery->act->io, pfs, is_of_host(journal) || pfs->len == 0, locks, &problem)) {
                hold_all(recovery, devs);
                recovery_tell(recovery, "%s (%s): left for later: %s", journal->verb, journal->summary, problem->message);
        } else {
                recover_locked(recovery, journal);
                unlock_all(recovery->act->io, locks);
        }
}

/* ---- both ---- */

/* Cheap, since every changing verb comes here first: two reads of the ledger when nothing is amiss. */
static bool anything_to_do(Recovery *recovery, const GPtrArray *plans, const GPtrArray *leases) {
        ActContext *act = recovery->act;

        for (unsigned i = 0; i < plans->len; i++)
                if (plan_is_dead(act, plans->pdata[i]))
                        return true;
        for (unsigned i = 0; i < leases->len; i++)
                if (lease_needs_look(act, leases->pdata[i]))
                        return true;
        return false;
}

static bool recover_all(Recovery *recovery, GError **error) {
        ActContext *act = recovery->act;
        g_autoptr(GPtrArray) plans = ledger_unfinished(act->ledger, error);

        if (!plans)
                return false;
        for (unsigned i = 0; i < plans->len; i++)
                recover_one_plan(recovery, plans->pdata[i]);
        g_autoptr(GPtrArray) leases = ledger_leases(act->ledger, error);
        if (!leases)
                return false;
        recover_leases(recovery, leases);
        recover_holds(recovery);
        if (recovery->failed->len == 0)
                return true;
        g_set_error(error, VFADM_ERROR, recovery->code, "not all could be recovered: %s", recovery->failed->str);
        return false;
}

bool act_recover(ActContext *act, GPtrArray *told, GError **error) {
        g_autoptr(GPtrArray) plans = ledger_unfinished(act->ledger, error);
        g_autoptr(GPtrArray) leases = plans ? ledger_leases(act->ledger, error) : NULL;
        Recovery recovery = {.act = act, .told = told};
        int lock;

        if (!leases)
                return false;
        bool needed = anything_to_do(&recovery, plans, leases);
        if (!needed && !act->thorough)
                return true;
        /* Every guest of the host would look as if it had ended. */
        if (!host_sees_processes(act->io)) {
                if (!needed)
                        return true;
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED, "something may have to be recovered, but only a container's processes can be seen from here; run 'vfadm recover' on the host itself");
                return false;
        }
        /* One recovery at a time; what was read before the lock may be out of date. */
        int r = io_lock(act->io, "recover", RECOVER_LOCK_MS, &lock);
        if (r < 0)
                return vfadm_error_set_errno(error, r, "another vfadm is recovering; try again when it is done");
        recovery.held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        recovery.failed = g_string_new(NULL);
        bool ok = recover_all(&recovery, error);
        g_hash_table_unref(recovery.held);
        g_string_free(recovery.failed, TRUE);
        g_clear_pointer(&recovery.host, snapshot_free);
        g_clear_pointer(&recovery.guests, g_hash_table_unref);
        books_free(recovery.books);
        books_free(recovery.fresh);
        io_unlock(act->io, lock);
        return ok;
}
