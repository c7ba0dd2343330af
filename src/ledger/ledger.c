/* Leases and the journal, as rows: every call of ledger.h but opening. */
#include "ledger/ledger_db.h"

#include "base/error.h"

#include <stdlib.h>

enum { HISTORY = 200 }; /* ended plans that are kept to be looked at */

static const char *const mark_words[] = {
        [MARK_PLANNED] = "planned", [MARK_DOING] = "doing", [MARK_DONE] = "done", [MARK_UNDONE] = "undone",
};

static const char *const state_words[] = {[LEASE_ACTIVE] = "active", [LEASE_PENDING] = "pending"};

static bool word_find(const char *const *words, size_t n, const char *word, int *ret) {
        for (size_t i = 0; i < n; i++)
                if (g_strcmp0(words[i], word) == 0) {
                        *ret = (int) i;
                        return true;
                }
        return false;
}

/* Our own JSON that does not parse was not written by us: the database is not to be trusted. */
static bool fail_row(Ledger *ledger, const char *table, int64_t id, const char *detail, GError **error) {
        ledger->damaged = true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER,
                    "%s is damaged (%s %" G_GINT64_FORMAT ": %s): nothing was changed; keep a copy, then run 'vfadm recover "
                    "--new-ledger'", ledger->path, table, id, detail);
        return false;
}

static bool begin(Ledger *ledger, bool full, const char *what, GError **error) {
        if (ledger->damaged)
                return fail_row(ledger, "row", 0, "found before", error);
        if (ledger->read_only) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER, "%s: %s: it was opened for reading only", ledger->path, what);
                return false;
        }
        return ledger_sync(ledger, full, error) && ledger_exec(ledger, "BEGIN IMMEDIATE", what, error);
}

/* Commits when `ok`, otherwise takes everything since begin() back. Some failures (a full disk) have rolled back already. */
static bool finish(Ledger *ledger, bool ok, const char *what, GError **error) {
        ok = ok && ledger_exec(ledger, "COMMIT", what, error);
        if (!ok && !sqlite3_get_autocommit(ledger->db))
                sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
        return ok;
}

static void bind_text(Stmt *stmt, int column, const char *text) {
        sqlite3_bind_text(stmt, column, text ? text : "", -1, SQLITE_TRANSIENT);
}

/* Takes the JSON over and binds its text. */
static bool bind_json(Stmt *stmt, int column, json_t *json, const char *what, GError **error) {
        char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

        json_decref(json);
        if (!text) { /* a name that is not UTF-8, say */
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER, "%s: it cannot be written as JSON", what);
                return false;
        }
        sqlite3_bind_text(stmt, column, text, -1, SQLITE_TRANSIENT);
        free(text);
        return true;
}

static const char *column_text(Stmt *stmt, int column) {
        const char *text = (const char *) sqlite3_column_text(stmt, column);
        return text ? text : "";
}

static json_t *column_json(Stmt *stmt, int column, json_error_t *problem) {
        return json_loadb(column_text(stmt, column), (size_t) sqlite3_column_bytes(stmt, column), 0, problem);
}

/* ---- leases ---- */

static Lease *lease_from_row(Ledger *ledger, Stmt *stmt, GError **error) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        json_error_t problem;
        g_autoptr(GError) inner = NULL;
        char dev[PCI_ADDR_TEXT_SIZE];
        int state;

        json_t *json = column_json(stmt, 3, &problem);
        g_autoptr(Lease) lease = json ? lease_from_json(json, &inner) : NULL;
        json_decref(json);
        if (!lease) {
                fail_row(ledger, "lease", id, inner ? inner->message : "no JSON", error);
                return NULL;
        }
        pci_addr_format(lease->dev, dev);
        if (!word_find(state_words, G_N_ELEMENTS(state_words), column_text(stmt, 2), &state) ||
            g_strcmp0(dev, column_text(stmt, 1)) != 0) {
                fail_row(ledger, "lease", id, "its columns contradict each other", error);
                return NULL;
        }
        lease->id = id;
        lease->state = (LeaseState) state;
        return g_steal_pointer(&lease);
}

GPtrArray *ledger_leases(Ledger *ledger, GError **error) {
        static const char *const what = "cannot read the leases";
        g_autoptr(GPtrArray) leases = g_ptr_array_new_with_free_func((GDestroyNotify) lease_free);
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, "SELECT id, dev, state, body FROM lease ORDER BY id", what, error);
        int code;

        if (!stmt)
                return NULL;
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
                Lease *lease = lease_from_row(ledger, stmt, error);
                if (!lease)
                        return NULL;
                g_ptr_array_add(leases, lease);
        }
        if (code != SQLITE_DONE) {
                ledger_fail(ledger, code, what, error);
                return NULL;
        }
        return g_steal_pointer(&leases);
}

static bool write_body(Ledger *ledger, const Lease *lease, const char *what, GError **error) {
        char dev[PCI_ADDR_TEXT_SIZE];
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, "UPDATE lease SET state = ?3, body = ?4, guest = ?5 WHERE id = ?1 AND dev = ?2", what,
                                              error);

        if (!stmt)
                return false;
        pci_addr_format(lease->dev, dev);
        sqlite3_bind_int64(stmt, 1, lease->id);
        bind_text(stmt, 2, dev);
        bind_text(stmt, 3, state_words[lease->state]);
        bind_text(stmt, 5, lease->guest);
        if (!bind_json(stmt, 4, lease_to_json(lease), what, error) || !ledger_step(ledger, stmt, what, error))
                return false;
        if (sqlite3_changes(ledger->db) == 1)
                return true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s: lease %" G_GINT64_FORMAT " has ended meanwhile; see 'vfadm leases'",
                    dev, lease->id);
        return false;
}

bool ledger_update_lease(Ledger *ledger, const Lease *lease, GError **error) {
        static const char *const what = "cannot write the lease";

        if (!begin(ledger, true, what, error))
                return false;
        return finish(ledger, write_body(ledger, lease, what, error), what, error);
}

/* The row is made first, so that the JSON can hold the id that it got. A lease that comes back (its drop is undone)
 * keeps its id: the same lease, and AUTOINCREMENT has given that id to nobody else. */
static bool insert_lease(Ledger *ledger, Lease *lease, const char *what, GError **error) {
        char dev[PCI_ADDR_TEXT_SIZE];
        int64_t before = lease->id;
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, "INSERT INTO lease (id, dev, guest, state, body) VALUES (?1, ?2, ?3, ?4, '{}')",
                                              what, error);
        if (!stmt)
                return false;
        pci_addr_format(lease->dev, dev);
        if (lease->id > 0)
                sqlite3_bind_int64(stmt, 1, lease->id);
        bind_text(stmt, 2, dev);
        bind_text(stmt, 3, lease->guest);
        bind_text(stmt, 4, state_words[lease->state]);
        int code = sqlite3_step(stmt);
        if ((code & 0xff) == SQLITE_CONSTRAINT) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s is already lent to a guest; see 'vfadm leases'", dev);
                return false;
        }
        if (code != SQLITE_DONE)
                return ledger_fail(ledger, code, what, error);
        lease->id = sqlite3_last_insert_rowid(ledger->db);
        if (write_body(ledger, lease, what, error))
                return true;
        lease->id = before;
        return false;
}

/* A lease that is gone already is no error: dropping is repeated after a crash. */
static bool drop_lease(Ledger *ledger, int64_t id, const char *what, GError **error) {
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, "DELETE FROM lease WHERE id = ?1", what, error);

        if (!stmt)
                return false;
        sqlite3_bind_int64(stmt, 1, id);
        return ledger_step(ledger, stmt, what, error);
}

/* ---- the journal ---- */

static bool insert_plan(Ledger *ledger, const Plan *plan, const char *boot_id, int pid, uint64_t pid_start, const char *what,
                        GError **error) {
        g_autoptr(Stmt) stmt = ledger_prepare(ledger,
                                              "INSERT INTO plan (verb, summary, created, boot_id, pid, pid_start) "
                                              "VALUES (?1, ?2, ?3, ?4, ?5, ?6)", what, error);
        if (!stmt)
                return false;
        bind_text(stmt, 1, plan->verb);
        bind_text(stmt, 2, plan->summary);
        sqlite3_bind_int64(stmt, 3, g_get_real_time() / G_USEC_PER_SEC);
        bind_text(stmt, 4, boot_id);
        sqlite3_bind_int64(stmt, 5, pid);
        sqlite3_bind_int64(stmt, 6, (int64_t) pid_start);
        return ledger_step(ledger, stmt, what, error);
}

static bool insert_steps(Ledger *ledger, const Plan *plan, int64_t id, const char *what, GError **error) {
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, "INSERT INTO step (plan, number, mark, body) VALUES (?1, ?2, 'planned', ?3)", what,
                                              error);
        if (!stmt)
                return false;
        for (unsigned i = 0; i < plan->steps->len; i++) {
                sqlite3_reset(stmt);
                sqlite3_bind_int64(stmt, 1, id);
                sqlite3_bind_int64(stmt, 2, i);
                if (!bind_json(stmt, 3, step_to_json(plan->steps->pdata[i]), what, error) || !ledger_step(ledger, stmt, what, error))
                        return false;
        }
        return true;
}

bool ledger_begin(Ledger *ledger, const Plan *plan, const char *boot_id, int pid, uint64_t pid_start, int64_t *ret_id, GError **error) {
        static const char *const what = "cannot write down what is about to be done, so nothing was changed";

        if (!begin(ledger, true, what, error))
                return false;
        bool ok = insert_plan(ledger, plan, boot_id, pid, pid_start, what, error);
        int64_t id = ok ? sqlite3_last_insert_rowid(ledger->db) : 0;
        ok = ok && insert_steps(ledger, plan, id, what, error);
        if (!finish(ledger, ok, what, error))
                return false;
        *ret_id = id;
        return true;
}

static bool set_mark(Ledger *ledger, int64_t plan, unsigned step, StepMark mark, const char *what, GError **error) {
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, "UPDATE step SET mark = ?3 WHERE plan = ?1 AND number = ?2", what, error);

        if (!stmt)
                return false;
        sqlite3_bind_int64(stmt, 1, plan);
        sqlite3_bind_int64(stmt, 2, step);
        bind_text(stmt, 3, mark_words[mark]);
        if (!ledger_step(ledger, stmt, what, error))
                return false;
        if (sqlite3_changes(ledger->db) == 1)
                return true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER, "%s: %s: plan %" G_GINT64_FORMAT " has no step %u any more", ledger->path, what,
                    plan, step);
        return false;
}

/* NORMAL: in WAL mode the mark is in the page cache when this returns, which a killed vfadm does not harm and an fsync a
 * step would make slow (two marks a step, some milliseconds each). A power cut may lose it, but takes the kernel's state
 * along, and the boot id of the plan tells recovery so. */
bool ledger_mark(Ledger *ledger, int64_t plan, unsigned step, StepMark mark, GError **error) {
        static const char *const what = "cannot write down how far it got";

        if (!begin(ledger, false, what, error))
                return false;
        return finish(ledger, set_mark(ledger, plan, step, mark, what, error), what, error);
}

/* FULL: a lease must not come back or be lost by a power cut between it and the end of its plan. */
bool ledger_mark_lease(Ledger *ledger, int64_t plan, unsigned step, StepMark mark, Lease *lease, int64_t drop, GError **error) {
        static const char *const what = "cannot write the lease";
        int64_t before = lease ? lease->id : 0;
        bool goes_on = lease && drop > 0 && drop == lease->id;

        if (!begin(ledger, true, what, error))
                return false;
        bool ok = set_mark(ledger, plan, step, mark, what, error);
        if (ok && goes_on)
                ok = write_body(ledger, lease, what, error);
        else
                ok = ok && (drop <= 0 || drop_lease(ledger, drop, what, error)) && (!lease || insert_lease(ledger, lease, what, error));
        if (finish(ledger, ok, what, error))
                return true;
        if (lease)
                lease->id = before;
        return false;
}

bool ledger_end(Ledger *ledger, int64_t plan, bool done, GError **error) {
        static const char *const what = "cannot write down the end of it";
        static const char *const forget = "DELETE FROM plan WHERE outcome IS NOT NULL AND id <= "
                                          "(SELECT id FROM plan WHERE outcome IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?1)";
        if (!begin(ledger, true, what, error))
                return false;
        g_autoptr(Stmt) end = ledger_prepare(ledger, "UPDATE plan SET outcome = ?2, ended = ?3 WHERE id = ?1 AND outcome IS NULL", what,
                                             error);
        g_autoptr(Stmt) trim = end ? ledger_prepare(ledger, forget, what, error) : NULL;
        if (trim) {
                sqlite3_bind_int64(end, 1, plan);
                bind_text(end, 2, done ? "done" : "undone");
                sqlite3_bind_int64(end, 3, g_get_real_time() / G_USEC_PER_SEC);
                sqlite3_bind_int64(trim, 1, HISTORY);
        }
        bool ok = trim && ledger_step(ledger, end, what, error);
        /* Ended before: it is counted already. */
        ok = ok && (sqlite3_changes(ledger->db) == 0 || ledger_count_plan(ledger, plan, done, what, error));
        if (!finish(ledger, ok && ledger_step(ledger, trim, what, error), what, error))
                return false;
        ledger_forget_took(ledger, plan);
        return true;
}

static void journal_step_free(JournalStep *step) {
        step_free(step->step);
        g_free(step);
}

void journal_plan_free(JournalPlan *plan) {
        if (!plan)
                return;
        g_free(plan->verb);
        g_free(plan->summary);
        g_free(plan->boot_id);
        if (plan->steps)
                g_ptr_array_unref(plan->steps);
        g_free(plan);
}

static bool read_steps(Ledger *ledger, JournalPlan *plan, const char *what, GError **error) {
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, "SELECT mark, body FROM step WHERE plan = ?1 ORDER BY number", what, error);
        int code, mark;

        if (!stmt)
                return false;
        sqlite3_bind_int64(stmt, 1, plan->id);
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
                g_autoptr(GError) inner = NULL;
                json_error_t problem;
                json_t *json = column_json(stmt, 1, &problem);
                Step *step = json ? step_from_json(json, &inner) : NULL;
                json_decref(json);
                if (!step)
                        return fail_row(ledger, "a step of plan", plan->id, inner ? inner->message : "no JSON", error);
                JournalStep *entry = g_new0(JournalStep, 1);
                entry->step = step;
                g_ptr_array_add(plan->steps, entry);
                if (!word_find(mark_words, G_N_ELEMENTS(mark_words), column_text(stmt, 0), &mark))
                        return fail_row(ledger, "a step of plan", plan->id, "unknown mark", error);
                entry->mark = (StepMark) mark;
        }
        return code == SQLITE_DONE || ledger_fail(ledger, code, what, error);
}

GPtrArray *ledger_unfinished(Ledger *ledger, GError **error) {
        static const char *const what = "cannot read the journal";
        static const char *const sql = "SELECT id, verb, summary, created, boot_id, pid, pid_start FROM plan "
                                       "WHERE outcome IS NULL ORDER BY id DESC";
        g_autoptr(GPtrArray) plans = g_ptr_array_new_with_free_func((GDestroyNotify) journal_plan_free);
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, sql, what, error);
        int code;

        if (!stmt)
                return NULL;
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
                JournalPlan *plan = g_new0(JournalPlan, 1);
                g_ptr_array_add(plans, plan);
                plan->id = sqlite3_column_int64(stmt, 0);
                plan->verb = g_strdup(column_text(stmt, 1));
                plan->summary = g_strdup(column_text(stmt, 2));
                plan->created = sqlite3_column_int64(stmt, 3);
                plan->boot_id = g_strdup(column_text(stmt, 4));
                plan->pid = (int) sqlite3_column_int64(stmt, 5);
                plan->pid_start = (uint64_t) sqlite3_column_int64(stmt, 6);
                plan->steps = g_ptr_array_new_with_free_func((GDestroyNotify) journal_step_free);
                if (!read_steps(ledger, plan, what, error))
                        return NULL;
        }
        if (code != SQLITE_DONE) {
                ledger_fail(ledger, code, what, error);
                return NULL;
        }
        return g_steal_pointer(&plans);
}
