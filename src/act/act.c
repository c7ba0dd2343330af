/* The step runner: marks, does, verifies; on failure walks back. */
#include "act/act.h"

#include "act/effect.h"
#include "act/run.h"
#include "base/error.h"

#include <errno.h>

bool act_lock_boot(Io *io, unsigned timeout_ms, int *ret, GError **error) {
        int r = io_lock(io, ACT_BOOT_LOCK, timeout_ms, ret);
        if (r >= 0)
                return true;
        if (r == -ETIMEDOUT) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_BUSY, "another vfadm is changing the boot parameters; try again when it is done");
                return false;
        }
        return vfadm_error_set_errno(error, r, "the boot parameters cannot be locked (run/vfadm/lock)");
}

bool act_lock(Io *io, PciAddr pf, unsigned timeout_ms, int *ret, GError **error) {
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(pf, name);
        int r = io_lock(io, name, timeout_ms, ret);
        if (r >= 0)
                return true;
        if (r == -ETIMEDOUT) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_BUSY, "%s: another vfadm is changing it; try again when it is done", name);
                return false;
        }
        return vfadm_error_set_errno(error, r, "%s: cannot be locked (run/vfadm/lock)", name);
}

void run_init(Run *run, ActContext *act, const Plan *plan, int64_t id) {
        *run = (Run) {.act = act, .plan = plan, .id = id, .only_in_use = true, .stuck = -1};
        run->marks = g_new0(StepMark, plan->steps->len);
        run->written = g_new0(StepMark, plan->steps->len);
        run->failures = g_ptr_array_new_with_free_func(g_free);
        run->left = g_ptr_array_new();
}

void run_clear(Run *run) {
        g_free(run->marks);
        g_free(run->written);
        g_ptr_array_unref(run->failures);
        g_ptr_array_unref(run->left);
}

/* Notes a mark that the ledger has taken. */
static bool marked(Run *run, unsigned i, StepMark to) {
        run->marks[i] = run->written[i] = to;
        return true;
}

static bool mark(Run *run, unsigned i, StepMark to, GError **error) {
        return ledger_mark(run->act->ledger, run->id, i, to, error) && marked(run, i, to);
}

/* While walking back, a mark that cannot be written stops nothing: the machine comes first. But no mark is written before
 * that of a later step: recovery undoes what rests on a step before that step, in the same order. */
static void mark_back(Run *run, unsigned i, StepMark to) {
        run->marks[i] = to;
        for (unsigned k = run->plan->steps->len; k-- > i;)
                if (run->written[k] != run->marks[k] && !mark(run, k, run->marks[k], NULL))
                        return;
}

static void mark_undone(Run *run, unsigned i) {
        mark_back(run, i, MARK_UNDONE);
}

/* ---- leases ---- */

/* The lease that the ledger holds now for a device, or NULL without an error. */
static bool find_lease(Run *run, PciAddr dev, Lease **ret, GError **error) {
        g_autoptr(GPtrArray) leases = ledger_leases(run->act->ledger, error);

        if (!leases)
                return false;
        const Lease *lease = leases_find(leases, dev);
        *ret = lease ? lease_copy(lease) : NULL;
        return true;
}

static bool insert_lease(Run *run, unsigned i, StepMark to, const Lease *lease, GError **error) {
        g_autoptr(Lease) copy = lease_copy(lease);

        if (!copy->created)
                copy->created = g_get_real_time() / G_USEC_PER_SEC;
        return ledger_mark_lease(run->act->ledger, run->id, i, to, copy, 0, error) && marked(run, i, to);
}

static bool drop_lease(Run *run, unsigned i, StepMark to, int64_t id, GError **error) {
        return ledger_mark_lease(run->act->ledger, run->id, i, to, NULL, id, error) && marked(run, i, to);
}

/* The lease goes on, for longer or shorter. It keeps its id. */
static bool change_lease(Run *run, unsigned i, StepMark to, int64_t id, const Lease *lease, GError **error) {
        g_autoptr(Lease) copy = lease_copy(lease);

        copy->id = id;
        return ledger_mark_lease(run->act->ledger, run->id, i, to, copy, id, error) && marked(run, i, to);
}

static bool do_lease(Run *run, unsigned i, GError **error) {
        const Step *step = run->plan->steps->pdata[i];

        if (step->from.lease && step->to.lease)
                return change_lease(run, i, MARK_DONE, step->from.lease->id, step->to.lease, error);
        if (step->to.lease)
                return insert_lease(run, i, MARK_DONE, step->to.lease, error);
        return drop_lease(run, i, MARK_DONE, step->from.lease ? step->from.lease->id : 0, error);
}

static bool undo_lease(Run *run, unsigned i, GError **error) {
        const Step *step = run->plan->steps->pdata[i];
        g_autoptr(Lease) now = NULL;

        if (!find_lease(run, step->dev, &now, error))
                return false;
        if (step->from.lease && step->to.lease) {
                if (now && now->id == step->from.lease->id)
                        return change_lease(run, i, MARK_UNDONE, now->id, step->from.lease, error);
                return mark(run, i, MARK_UNDONE, error);
        }
        if (step->to.lease) {
                /* The step knows no id, since the ledger gave it later: the same guest on the same device is it. */
                bool same = now && g_strcmp0(now->guest, step->to.lease->guest) == 0;
                return drop_lease(run, i, MARK_UNDONE, same ? now->id : 0, error);
        }
        if (!step->from.lease || (now && now->id == step->from.lease->id))
                return mark(run, i, MARK_UNDONE, error);
        return insert_lease(run, i, MARK_UNDONE, step->from.lease, error);
}

/* The plan had put it into a definition, and has taken it out again. */
static bool was_undefined(const Run *run, PciAddr dev) {
        for (unsigned i = 0; i < run->plan->steps->len; i++) {
                const Step *step = run->plan->steps->pdata[i];
                if (step->kind == STEP_DEFINED && !step->from.text && run->marks[i] == MARK_UNDONE && pci_addr_equal(step->dev, dev))
                        return true;
        }
        return false;
}

/* The guest still has the device, or nobody could take it back in full: the lease says so. */
static bool keep_pending(Run *run, PciAddr dev, GError **error) {
        g_autoptr(Lease) lease = NULL;

        if (!find_lease(run, dev, &lease, error))
                return false;
        if (!lease)
                return true;
        bool undefined = lease->config && was_undefined(run, dev);
        if (lease->state == LEASE_PENDING && !undefined)
                return true;
        lease->config &= !undefined;
        lease->state = LEASE_PENDING;
        return ledger_update_lease(run->act->ledger, lease, error);
}

/* ---- back ---- */

static bool lets_go(const Step *step) {
        return step->kind == STEP_GUEST && !step->to.text;
}

/* A guest that refused still has its device, and nothing has happened. One that let go does not get it again: that would
 * surprise it, and the slot may have been taken. Where it does not answer, it counts as having let go. */
static bool still_plugged(Run *run, unsigned i) {
        const Step *step = run->plan->steps->pdata[i];
        Fact now = {0};

        if (run->marks[i] != MARK_DOING || !effect_read(run->act, step, &now, NULL))
                return false;
        bool plugged = now.text != NULL;
        fact_clear(&now);
        return plugged;
}

bool run_device_gone(const Run *run, const Step *step) {
        /* These stand elsewhere than in the device. */
        if (step->kind == STEP_GUEST || step->kind == STEP_DEFINED || step->kind == STEP_HOLD || step_is_of_host(step) || run->failures->len)
                return false;
        return !effect_device_there(run->act->io, step->kind == STEP_LINK ? step->pf : step->dev);
}

/* What a guest that let go does not get again, it is not to start with either: recovery gives it back from both. */
static bool stays_undefined(const Run *run, unsigned i) {
        const Step *step = run->plan->steps->pdata[i];

        if (step->kind != STEP_DEFINED || step->to.text || run->marks[i] != MARK_DONE)
                return false;
        for (unsigned k = 0; k < i; k++) {
                const Step *other = run->plan->steps->pdata[k];
                if (lets_go(other) && pci_addr_equal(other->dev, step->dev) && run->marks[k] == MARK_DONE)
                        return true;
        }
        return false;
}

static EffectResult undo_step(Run *run, unsigned i, GError **error) {
        const Step *step = run->plan->steps->pdata[i];

        if (step->kind == STEP_LEASE)
                return undo_lease(run, i, error) ? EFFECT_DONE : EFFECT_FAILED;
        /* The VF goes away with its number, and takes this along. */
        if (step->fresh || run_link_taken(run, step)) {
                mark_undone(run, i);
                return EFFECT_DONE;
        }
        if (stays_undefined(run, i)) {
                mark_undone(run, i);
                return EFFECT_DONE;
        }
        if (lets_go(step)) {
                run->let_go |= !still_plugged(run, i);
                mark_undone(run, i);
                return EFFECT_DONE;
        }
        if (!effect_has_fact(step) && !step->undo_argv) {
                mark_undone(run, i);
                return EFFECT_DONE;
        }
        bool stuck = run->stuck == (int) i;
        /* A count that the kernel is still working on reads as the old one: writing waits for it. */
        UndoVerdict verdict;
        if (run->may_undo)
                verdict = run->may_undo(run, i, error);
        else if (run_device_gone(run, step))
                verdict = UNDO_SKIP;
        else
                verdict = !run_nobody_took(run, step, error) ? UNDO_REFUSE : stuck && step->kind == STEP_NUMVFS ? UNDO_FORCE : UNDO_GO;
        if (verdict == UNDO_REFUSE)
                return EFFECT_FAILED;
        /* From here on the fact may be anything between, which no longer means that somebody else has changed it. */
        if (verdict != UNDO_SKIP && run->marks[i] == MARK_DONE)
                mark_back(run, i, MARK_DOING);
        EffectResult result = verdict == UNDO_SKIP ? EFFECT_DONE : effect_make(run->act, step, &step->from, verdict == UNDO_FORCE, error);
        if (result == EFFECT_DONE && stuck && step->kind == STEP_DRIVER) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_BUSY, "the kernel was still at it when this gave up, and may finish later");
                return EFFECT_FAILED;
        }
        if (result == EFFECT_DONE)
                mark_undone(run, i);
        return result == EFFECT_DONE || result == EFFECT_PENDING ? result : EFFECT_FAILED;
}

static void note_failure(Run *run, const Step *step, const GError *problem) {
        g_autofree char *what = step_describe(step);

        run->only_in_use &= g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_IN_USE);
        g_ptr_array_add(run->failures, g_strdup_printf("not undone: %s (%s)", what, problem->message));
        g_ptr_array_add(run->left, (gpointer) step);
}

/* What came before a step that could not be undone, on the same function or between a VF and its PF, rests on it: VFs are not
 * removed below a driver that did not let go, and the driver before last is not bound again. Recovery takes up there. */
static bool rests_on_failure(const Run *run, const Step *step) {
        for (unsigned i = 0; i < run->left->len; i++) {
                const Step *left = run->left->pdata[i];
                if (pci_addr_equal(step->dev, left->dev) || pci_addr_equal(step->dev, left->pf) || pci_addr_equal(step->pf, left->dev))
                        return true;
        }
        return false;
}

/* The guest that keeps its device for now is not to get it again at its next start. */
static void undo_definitions(Run *run, unsigned before) {
        for (unsigned i = before; i-- > 0;) {
                const Step *step = run->plan->steps->pdata[i];
                if (step->kind == STEP_DEFINED && !step->from.text && (run->marks[i] == MARK_DOING || run->marks[i] == MARK_DONE))
                        undo_step(run, i, NULL);
        }
}

/* Newest first. EFFECT_PENDING: a guest keeps its device, so everything before must stay as well; *pending is that step. */
static EffectResult walk_back(Run *run, unsigned *pending, GError **error) {
        for (unsigned i = run->plan->steps->len; i-- > 0;) {
                const Step *step = run->plan->steps->pdata[i];
                g_autoptr(GError) problem = NULL;

                if (run->marks[i] != MARK_DOING && run->marks[i] != MARK_DONE)
                        continue;
                /* What the guest gave up it does not get again, so its definition stays without it, too: recovery gives it back. */
                if (run->let_go && (step->kind == STEP_DEFINED || step->kind == STEP_LEASE))
                        continue;
                /* While anything is left over, the lease keeps others away from the device. */
                if (rests_on_failure(run, step) || (step->kind == STEP_LEASE && !step->from.lease && run->failures->len))
                        continue;
                EffectResult result = undo_step(run, i, &problem);
                if (result == EFFECT_PENDING) {
                        *pending = i;
                        undo_definitions(run, i);
                        g_propagate_error(error, g_steal_pointer(&problem));
                        return result;
                }
                if (result == EFFECT_FAILED) {
                        note_failure(run, step, problem);
                        /* Perhaps the guest has the device: to pull its driver away now could wait for ever, or kill it. */
                        if (step->kind == STEP_GUEST)
                                break;
                }
        }
        return run->failures->len ? EFFECT_FAILED : EFFECT_DONE;
}

static char *join_failures(const Run *run) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; i < run->failures->len; i++)
                g_string_append_printf(text, "%s%s", i ? "; " : "", (const char *) run->failures->pdata[i]);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Of a group others have let go already, or have been leased and not been plugged: they wait for the one that has not. */
static bool keep_others(Run *run, GError **error) {
        for (unsigned i = 0; i < run->plan->steps->len; i++) {
                const Step *step = run->plan->steps->pdata[i];
                bool leased = step->kind == STEP_LEASE && !step->from.lease;
                if (run->marks[i] == MARK_DONE && (lets_go(step) || leased) && !keep_pending(run, step->dev, error))
                        return false;
        }
        return true;
}

/* A guest has not let go: the plan ends here, and from now on the lease alone tells what is to be given back. */
static bool end_pending(Run *run, const Step *step, GError *problem, GError **error) {
        g_autoptr(GError) journal = NULL;

        if (!keep_pending(run, step->dev, &journal) || !keep_others(run, &journal) || !ledger_end(run->act->ledger, run->id, false, &journal))
                g_prefix_error(&problem, "(the ledger could not be told: %s) ", journal->message);
        g_propagate_error(error, problem);
        return false;
}

/* Of a group the guest may have let go of some. Where it does not answer, it counts as having let go. */
static bool is_left(Run *run, unsigned i) {
        const Step *step = run->plan->steps->pdata[i];
        Fact now = {0};

        if (!lets_go(step) || run->marks[i] == MARK_PLANNED)
                return false;
        bool plugged = effect_read(run->act, step, &now, NULL) && now.text;
        fact_clear(&now);
        return !plugged;
}

/* The device has left its guest but is not back with the host: recovery must find it by its lease. */
static bool keep_let_go(Run *run, GError **error) {
        for (unsigned i = 0; i < run->plan->steps->len; i++) {
                const Step *step = run->plan->steps->pdata[i];
                if (is_left(run, i) && !keep_pending(run, step->dev, error))
                        return false;
        }
        return true;
}

bool run_back(Run *run, GError **error) {
        g_autoptr(GError) problem = NULL;
        unsigned pending;

        EffectResult result = walk_back(run, &pending, &problem);
        if (result == EFFECT_PENDING)
                return end_pending(run, run->plan->steps->pdata[pending], g_steal_pointer(&problem), error);
        bool kept = !run->let_go || keep_let_go(run, &problem);
        if (result == EFFECT_DONE) {
                if (kept && ledger_end(run->act->ledger, run->id, false, &problem))
                        return true;
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        g_autofree char *text = join_failures(run);
        g_set_error(error, VFADM_ERROR, run->only_in_use ? VFADM_ERROR_IN_USE : VFADM_ERROR_HALF_DONE, "%s; run 'vfadm recover'", text);
        return false;
}

/* ---- forward ---- */

static EffectResult begin_step(Run *run, unsigned i, GError **error) {
        const Step *step = run->plan->steps->pdata[i];

        if (step->kind == STEP_LEASE)
                return do_lease(run, i, error) ? EFFECT_DONE : EFFECT_FAILED;
        if ((run->may_do && !run->may_do(run, i, error)) || !run_is_as_seen(run, step, error) || !run_nobody_came(run, step, error) || !mark(run, i, MARK_DOING, error))
                return EFFECT_FAILED;
        EffectResult result = effect_begin(run->act, step, &step->to, false, error);
        if (result == EFFECT_STUCK)
                run->stuck = (int) i;
        if (result == EFFECT_UNTOUCHED)
                mark_undone(run, i);
        if (result == EFFECT_DONE)
                return mark(run, i, MARK_DONE, error) ? EFFECT_DONE : EFFECT_FAILED;
        return result == EFFECT_BEGUN || result == EFFECT_PENDING ? result : EFFECT_FAILED;
}

static EffectResult check_step(Run *run, unsigned i, GError **error) {
        const Step *step = run->plan->steps->pdata[i];

        EffectResult result = effect_check(run->act, step, &step->to, error);
        return result == EFFECT_DONE && mark(run, i, MARK_DONE, error) ? EFFECT_DONE : EFFECT_FAILED;
}

/* Takes `problem`, the reason, over; walks back and adds to it what came of that. */
static bool give_up(Run *run, GError *problem, GError **error) {
        g_autoptr(GError) back = NULL;
        bool undone = run_back(run, &back);
        int code = problem->code;
        g_autoptr(GString) text = g_string_new(problem->message);
        const char *left = back ? back->message : "";

        g_error_free(problem);
        if (g_error_matches(back, VFADM_ERROR, VFADM_ERROR_PENDING)) {
                code = VFADM_ERROR_PENDING;
                g_string_append_printf(text, "; and to undo it: %s", left);
        } else if (run->failures->len) {
                if (code != VFADM_ERROR_IN_USE || !run->only_in_use)
                        code = VFADM_ERROR_HALF_DONE;
                g_string_append_printf(text, "; %s", left);
        } else if (run->let_go) {
                code = VFADM_ERROR_HALF_DONE;
                g_string_append(text, "; the guest has let go and the lease is kept as pending: run 'vfadm recover' to give the device back");
        } else if (!undone) {
                g_string_append_printf(text, "; everything was undone, but the ledger could not be told (%s): run 'vfadm recover' when it can", left);
        } else {
                g_string_append(text, "; everything was undone");
        }
        g_set_error_literal(error, VFADM_ERROR, code, text->str);
        return false;
}

static void report(Run *run, unsigned i, bool done, int64_t usec) {
        if (run->act->progress)
                run->act->progress(run->act->user, run->plan, i, done, usec);
}

static void report_done(Run *run, unsigned i, int64_t usec) {
        const Step *step = run->plan->steps->pdata[i];

        ledger_took(run->act->ledger, run->id, step->kind, usec);
        report(run, i, true, usec);
}

/* One of the n steps from `first` on is about the same VF. */
static bool is_among(const Run *run, unsigned first, unsigned n, const Step *step) {
        for (unsigned i = first; i < first + n; i++)
                if (step_same_function(run->plan->steps->pdata[i], step))
                        return true;
        return false;
}

/* How many steps from `i` on are begun before the first of them is read back: the states of a PF's VFs are read all at once. */
static unsigned steps_together(const Run *run, unsigned i) {
        const Step *first = run->plan->steps->pdata[i];
        unsigned n = 1;

        for (; first->kind == STEP_VF_STATE && i + n < run->plan->steps->len && run->marks[i + n] != MARK_DONE; n++) {
                const Step *step = run->plan->steps->pdata[i + n];
                if (step->kind != STEP_VF_STATE || !pci_addr_equal(step->pf, first->pf) || is_among(run, i, n, step))
                        break;
        }
        return n;
}

/* Begins n steps from `first` on, then reads back what was begun. */
static EffectResult do_steps(Run *run, unsigned first, unsigned n, GError **error) {
        g_autofree int64_t *spent = g_new0(int64_t, n);

        effect_share_vfs(run->act);
        for (unsigned i = first; i < first + n; i++) {
                int64_t begun = io_now(run->act->io);
                report(run, i, false, 0);
                EffectResult result = begin_step(run, i, error);
                spent[i - first] = io_now(run->act->io) - begun;
                if (result == EFFECT_DONE)
                        report_done(run, i, spent[i - first]);
                else if (result != EFFECT_BEGUN)
                        return result;
        }
        effect_share_vfs(run->act);
        for (unsigned i = first; i < first + n; i++) {
                int64_t begun = io_now(run->act->io);
                if (run->marks[i] == MARK_DONE)
                        continue;
                if (check_step(run, i, error) != EFFECT_DONE)
                        return EFFECT_FAILED;
                report_done(run, i, spent[i - first] + io_now(run->act->io) - begun);
        }
        return EFFECT_DONE;
}

bool run_forward(Run *run, GError **error) {
        g_autoptr(GError) problem = NULL;
        unsigned n;

        for (unsigned i = 0; i < run->plan->steps->len; i += n) {
                n = run->marks[i] == MARK_DONE ? 1 : steps_together(run, i);
                if (run->marks[i] == MARK_DONE)
                        continue;
                EffectResult result = do_steps(run, i, n, &problem);
                effect_unshare_vfs(run->act);
                if (result == EFFECT_PENDING) /* a guest's step, and so the only one */
                        return end_pending(run, run->plan->steps->pdata[i], g_steal_pointer(&problem), error);
                if (result == EFFECT_FAILED)
                        return give_up(run, g_steal_pointer(&problem), error);
        }
        if (!run_is_as_seen(run, NULL, &problem))
                return give_up(run, g_steal_pointer(&problem), error);
        /* Left in the journal it would be walked back by the next recovery, under a guest that runs by then. */
        if (!ledger_end(run->act->ledger, run->id, true, &problem))
                return give_up(run, g_steal_pointer(&problem), error);
        return true;
}

bool act_run(ActContext *act, const Plan *plan, GError **error) {
        int64_t id;
        Run run;

        if (!plan_check(plan, error))
                return false;
        if (plan->steps->len == 0)
                return true;
        if (!ledger_begin(act->ledger, plan, act->boot_id, act->pid, act->pid_start, &id, error))
                return false;
        run_init(&run, act, plan, id);
        bool ok = run_forward(&run, error);
        run_clear(&run);
        return ok;
}
