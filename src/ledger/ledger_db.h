/* The database file under the ledger: opened safely, checked, and its errors put into words. Private to ledger/. */
#pragma once

#include "ledger/ledger.h"

#include <sqlite3.h>

struct Ledger {
        sqlite3 *db;
        char *path;     /* of the database; for messages */
        bool read_only;
        bool damaged;   /* found damaged: nothing is written any more */
        bool full_sync; /* what PRAGMA synchronous is set to now */
        int64_t version; /* of the schema that it has */
        GArray *took;   /* what ledger_took() was told, until the plan ends; NULL: nothing */
};

typedef sqlite3_stmt Stmt;
static inline void stmt_free(Stmt *stmt) {
        sqlite3_finalize(stmt);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stmt, stmt_free)

/* Sets the error that fits SQLite's code and returns false. `what` is what was tried: "cannot write the plan". */
bool ledger_fail(Ledger *ledger, int code, const char *what, GError **error);

/* NULL with the error set. The text is bound, never printed into SQL. */
Stmt *ledger_prepare(Ledger *ledger, const char *sql, const char *what, GError **error);
/* Runs a statement that returns no rows. */
bool ledger_step(Ledger *ledger, Stmt *stmt, const char *what, GError **error);
bool ledger_exec(Ledger *ledger, const char *sql, const char *what, GError **error);

/* What the next transaction promises once it is committed: on the disk (full), or kept as long as the machine runs. */
bool ledger_sync(Ledger *ledger, bool full, GError **error);

/* Within the transaction that ends a plan: counts it, and the times of its steps. */
bool ledger_count_plan(Ledger *ledger, int64_t plan, bool done, const char *what, GError **error);
/* After it: what it took is written. */
void ledger_forget_took(Ledger *ledger, int64_t plan);
