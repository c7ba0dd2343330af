/* Counts of ended plans, and times of their steps, kept with the ledger: written in the transaction that ends a plan. */
#include "ledger/ledger_db.h"

typedef struct {
        int64_t plan;
        StepKind kind;
        int64_t usec;
} Took;

void ledger_took(Ledger *ledger, int64_t plan, StepKind kind, int64_t usec) {
        const Took took = {plan, kind, MAX(usec, 0)};

        if (!ledger->took)
                ledger->took = g_array_new(FALSE, FALSE, sizeof(Took));
        g_array_append_val(ledger->took, took);
}

static bool count_step(Ledger *ledger, Stmt *stmt, const Took *took, const char *what, GError **error) {
        unsigned class = tally_class(took->usec);

        sqlite3_reset(stmt);
        sqlite3_bind_text(stmt, 1, step_kind_word(took->kind), -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, class < TALLY_BOUNDS ? tally_bounds[class] : 0);
        sqlite3_bind_int64(stmt, 3, took->usec);
        return ledger_step(ledger, stmt, what, error);
}

bool ledger_count_plan(Ledger *ledger, int64_t plan, bool done, const char *what, GError **error) {
        g_autoptr(Stmt) count = ledger_prepare(ledger,
                                               "INSERT INTO plan_count (verb, outcome, plans) SELECT verb, ?2, 1 FROM plan WHERE id = ?1 "
                                               "ON CONFLICT (verb, outcome) DO UPDATE SET plans = plans + 1", what, error);
        g_autoptr(Stmt) add = count ? ledger_prepare(ledger,
                                                     "INSERT INTO step_time (kind, le, steps, usec) VALUES (?1, ?2, 1, ?3) "
                                                     "ON CONFLICT (kind, le) DO UPDATE SET steps = steps + 1, usec = usec + ?3", what, error)
                                    : NULL;
        if (!add)
                return false;
        sqlite3_bind_int64(count, 1, plan);
        sqlite3_bind_text(count, 2, done ? "done" : "undone", -1, SQLITE_STATIC);
        bool ok = ledger_step(ledger, count, what, error);
        for (unsigned i = 0; ok && ledger->took && i < ledger->took->len; i++) {
                const Took *took = &g_array_index(ledger->took, Took, i);
                ok = took->plan != plan || count_step(ledger, add, took, what, error);
        }
        return ok;
}

void ledger_forget_took(Ledger *ledger, int64_t plan) {
        for (unsigned i = ledger->took ? ledger->took->len : 0; i-- > 0;)
                if (g_array_index(ledger->took, Took, i).plan == plan)
                        g_array_remove_index_fast(ledger->took, i);
}

/* ---- reading ---- */

static const char *column_text(Stmt *stmt, int column) {
        const char *text = (const char *) sqlite3_column_text(stmt, column);
        return text ? text : "";
}

static uint64_t column_count(Stmt *stmt, int column) {
        return (uint64_t) MAX(sqlite3_column_int64(stmt, column), 0);
}

static void read_time(Tally *tally, Stmt *stmt) {
        int64_t le = sqlite3_column_int64(stmt, 1);
        StepTimes *times = NULL;

        for (unsigned kind = 0; kind < STEP_KINDS && !times; kind++)
                if (g_str_equal(step_kind_word((StepKind) kind), column_text(stmt, 0)))
                        times = &tally->times[kind];
        if (!times)
                return;
        times->classes[le > 0 ? tally_class(le) : TALLY_BOUNDS] += column_count(stmt, 2);
        times->steps += column_count(stmt, 2);
        times->usec += (int64_t) column_count(stmt, 3);
}

static void read_plans(Tally *tally, Stmt *stmt) {
        PlanTally *plan = tally_plan(tally, column_text(stmt, 0));

        *(g_str_equal(column_text(stmt, 1), "done") ? &plan->done : &plan->undone) += column_count(stmt, 2);
}

static void read_unfinished(Tally *tally, Stmt *stmt) {
        tally->unfinished = (unsigned) column_count(stmt, 0);
}

static bool read_rows(Ledger *ledger, Tally *tally, const char *sql, void (*take)(Tally *tally, Stmt *stmt), GError **error) {
        static const char *const what = "cannot read what was counted";
        g_autoptr(Stmt) stmt = ledger_prepare(ledger, sql, what, error);
        int code;

        if (!stmt)
                return false;
        while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
                take(tally, stmt);
        return code == SQLITE_DONE || ledger_fail(ledger, code, what, error);
}

Tally *ledger_tally(Ledger *ledger, GError **error) {
        g_autoptr(Tally) tally = tally_new();

        if (!read_rows(ledger, tally, "SELECT count(*) FROM plan WHERE outcome IS NULL", read_unfinished, error))
                return NULL;
        if (ledger->version < 2) /* nobody has written to it since it is counted */
                return g_steal_pointer(&tally);
        if (!read_rows(ledger, tally, "SELECT kind, le, steps, usec FROM step_time", read_time, error) ||
            !read_rows(ledger, tally, "SELECT verb, outcome, plans FROM plan_count ORDER BY verb, outcome", read_plans, error))
                return NULL;
        return g_steal_pointer(&tally);
}
