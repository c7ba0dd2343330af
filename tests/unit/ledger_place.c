/* The place of ledger_place.h. */
#include "ledger_place.h"

#include "base/error.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>

void set_up(Place *place, gconstpointer data) {
        place->top = g_dir_make_tmp("vfadm-ledger-XXXXXX", NULL);
        g_assert_nonnull(place->top);
        place->dir = g_build_filename(place->top, "state", NULL);
        place->db = g_build_filename(place->dir, "ledger.db", NULL);
}

static void remove_tree(const char *path) {
        GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *child = g_build_filename(path, name, NULL);
                remove_tree(child);
        }
        if (dir)
                g_dir_close(dir);
        g_assert_cmpint(g_remove(path), ==, 0);
}

void tear_down(Place *place, gconstpointer data) {
        remove_tree(place->top);
        g_free(place->top);
        g_free(place->dir);
        g_free(place->db);
}

Ledger *open_ledger(const Place *place) {
        g_autoptr(GError) error = NULL;
        Ledger *ledger = ledger_open(place->dir, false, &error);
        g_assert_no_error(error);
        return ledger;
}

void assert_refused(const Place *place, const char *needle) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Ledger) ledger = ledger_open(place->dir, false, &error);

        g_assert_null(ledger);
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        if (!strstr(error->message, needle))
                g_error("'%s' lacks '%s'", error->message, needle);
}

mode_t mode_of(const char *path) {
        struct stat st;
        g_assert_cmpint(lstat(path, &st), ==, 0);
        return st.st_mode & 07777;
}

Lease *make_lease(PciAddr dev, const char *guest) {
        Lease *lease = lease_new();
        lease->dev = dev;
        lease->pf = pf;
        lease->is_vf = true;
        lease->guest = g_strdup(guest);
        lease->boot_id = g_strdup(BOOT);
        lease->pid = 812;
        lease->pid_start = 4711;
        return lease;
}

Plan *make_plan(const char *summary) {
        Plan *plan = plan_new("enable");
        plan->summary = g_strdup(summary);
        Step *step = plan_add(plan, step_new(STEP_NUMVFS, pf, "this makes the VFs"));
        step->to.number = 7;
        step = plan_add(plan, step_new(STEP_LEASE, vf, "nobody else may take it"));
        step->to.lease = make_lease(vf, "qemu:web1");
        return plan;
}

int64_t begin(Ledger *ledger, const char *summary) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = make_plan(summary);
        int64_t id = 0;

        bool ok = ledger_begin(ledger, plan, BOOT, 99, 12345, &id, &error);
        g_assert_no_error(error);
        g_assert_true(ok);
        g_assert_cmpint(id, >, 0);
        return id;
}

void add_lease(Ledger *ledger, int64_t plan, Lease *lease) {
        g_autoptr(GError) error = NULL;
        ledger_mark_lease(ledger, plan, 1, MARK_DONE, lease, 0, &error);
        g_assert_no_error(error);
}

unsigned n_leases(Ledger *ledger) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) leases = ledger_leases(ledger, &error);
        g_assert_no_error(error);
        return leases->len;
}

StepMark mark_of(Ledger *ledger, int64_t id, unsigned step) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) plans = ledger_unfinished(ledger, &error);

        g_assert_no_error(error);
        for (unsigned i = 0; i < plans->len; i++) {
                const JournalPlan *plan = plans->pdata[i];
                if (plan->id == id)
                        return ((const JournalStep *) plan->steps->pdata[step])->mark;
        }
        g_assert_not_reached();
}

void sql(const Place *place, const char *text) {
        sqlite3 *db;
        g_assert_cmpint(sqlite3_open(place->db, &db), ==, SQLITE_OK);
        char *message = NULL;
        sqlite3_exec(db, text, NULL, NULL, &message);
        g_assert_cmpstr(message, ==, NULL);
        sqlite3_close(db);
}

int64_t sql_number(const Place *place, const char *text) {
        sqlite3 *db;
        sqlite3_stmt *stmt;
        g_assert_cmpint(sqlite3_open(place->db, &db), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_prepare_v2(db, text, -1, &stmt, NULL), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_step(stmt), ==, SQLITE_ROW);
        int64_t value = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        sqlite3_close(db);
        return value;
}

int run_ledger_tests(int argc, char **argv, const LedgerTest *tests, size_t n) {
        signal(SIGXFSZ, SIG_IGN); /* beyond RLIMIT_FSIZE a write shall fail, as on a full disk */
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < n; i++) {
                g_autofree char *path = g_strconcat("/ledger/", tests[i].name, NULL);
                g_test_add(path, Place, NULL, set_up, tests[i].run, tear_down);
        }
        return g_test_run();
}
