/* The ledger: what it promises after crashes, on a full disk, on damage, and towards whoever tampers with its files. */
#include "base/error.h"
#include "ledger/ledger.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOOT "11111111-2222-3333-4444-555555555555"

static const PciAddr pf = {.bus = 1}, vf = {.bus = 1, .slot = 0x10};

typedef struct {
        char *top; /* removed at the end */
        char *dir; /* the ledger's, below it */
        char *db;
} Place;

static void set_up(Place *place, gconstpointer data) {
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

static void tear_down(Place *place, gconstpointer data) {
        remove_tree(place->top);
        g_free(place->top);
        g_free(place->dir);
        g_free(place->db);
}

static Ledger *open_ledger(const Place *place) {
        g_autoptr(GError) error = NULL;
        Ledger *ledger = ledger_open(place->dir, false, &error);
        g_assert_no_error(error);
        return ledger;
}

static void assert_refused(const Place *place, const char *needle) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Ledger) ledger = ledger_open(place->dir, false, &error);

        g_assert_null(ledger);
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        if (!strstr(error->message, needle))
                g_error("'%s' lacks '%s'", error->message, needle);
}

static mode_t mode_of(const char *path) {
        struct stat st;
        g_assert_cmpint(lstat(path, &st), ==, 0);
        return st.st_mode & 07777;
}

static Lease *make_lease(PciAddr dev, const char *guest) {
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

static Plan *make_plan(const char *summary) {
        Plan *plan = plan_new("enable");
        plan->summary = g_strdup(summary);
        Step *step = plan_add(plan, step_new(STEP_NUMVFS, pf, "this makes the VFs"));
        step->to.number = 7;
        step = plan_add(plan, step_new(STEP_LEASE, vf, "nobody else may take it"));
        step->to.lease = make_lease(vf, "qemu:web1");
        return plan;
}

static int64_t begin(Ledger *ledger, const char *summary) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = make_plan(summary);
        int64_t id = 0;

        bool ok = ledger_begin(ledger, plan, BOOT, 99, 12345, &id, &error);
        g_assert_no_error(error);
        g_assert_true(ok);
        g_assert_cmpint(id, >, 0);
        return id;
}

static void add_lease(Ledger *ledger, int64_t plan, Lease *lease) {
        g_autoptr(GError) error = NULL;
        ledger_mark_lease(ledger, plan, 1, MARK_DONE, lease, 0, &error);
        g_assert_no_error(error);
}

static unsigned n_leases(Ledger *ledger) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) leases = ledger_leases(ledger, &error);
        g_assert_no_error(error);
        return leases->len;
}

static StepMark mark_of(Ledger *ledger, int64_t id, unsigned step) {
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

/* Straight into the file, as somebody else would. */
static void sql(const Place *place, const char *text) {
        sqlite3 *db;
        g_assert_cmpint(sqlite3_open(place->db, &db), ==, SQLITE_OK);
        char *message = NULL;
        sqlite3_exec(db, text, NULL, NULL, &message);
        g_assert_cmpstr(message, ==, NULL);
        sqlite3_close(db);
}

static int64_t sql_number(const Place *place, const char *text) {
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

static void test_fresh(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_autoptr(GPtrArray) plans = ledger_unfinished(ledger, NULL);

        g_assert_cmpuint(mode_of(place->dir), ==, 0700);
        g_assert_cmpuint(mode_of(place->db), ==, 0600);
        g_assert_cmpuint(n_leases(ledger), ==, 0);
        g_assert_cmpuint(plans->len, ==, 0);
        g_clear_pointer(&ledger, ledger_free);
        g_assert_cmpint(sql_number(place, "PRAGMA user_version"), ==, 1);
}

static void test_reader(Place *place, gconstpointer data) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Ledger) none = ledger_open(place->dir, true, &error);

        g_assert_no_error(error);
        g_assert_cmpuint(n_leases(none), ==, 0);
        g_assert_false(g_file_test(place->dir, G_FILE_TEST_EXISTS));

        g_autoptr(Ledger) writer = open_ledger(place);
        g_autoptr(Lease) lease = make_lease(vf, "qemu:web1");
        add_lease(writer, begin(writer, "one"), lease);
        g_autoptr(Ledger) reader = ledger_open(place->dir, true, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(n_leases(reader), ==, 1);
        lease->state = LEASE_PENDING;
        g_assert_false(ledger_update_lease(reader, lease, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
}

static void test_journal(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = open_ledger(place);
        int64_t first = begin(ledger, "first"), second = begin(ledger, "second");

        g_assert_true(ledger_mark(ledger, first, 0, MARK_DOING, NULL));
        g_assert_true(ledger_mark(ledger, second, 0, MARK_UNDONE, NULL));
        g_clear_pointer(&ledger, ledger_free);
        ledger = open_ledger(place);

        g_autoptr(GPtrArray) plans = ledger_unfinished(ledger, NULL);
        g_assert_cmpuint(plans->len, ==, 2);
        const JournalPlan *plan = plans->pdata[1]; /* newest first */
        g_assert_cmpint(plan->id, ==, first);
        g_assert_cmpstr(plan->verb, ==, "enable");
        g_assert_cmpstr(plan->summary, ==, "first");
        g_assert_cmpstr(plan->boot_id, ==, BOOT);
        g_assert_cmpint(plan->pid, ==, 99);
        g_assert_cmpuint(plan->pid_start, ==, 12345);
        g_assert_cmpint(plan->created, >, 1600000000);
        g_assert_cmpuint(plan->steps->len, ==, 2);
        const JournalStep *step = plan->steps->pdata[0];
        g_assert_cmpint(step->mark, ==, MARK_DOING);
        g_assert_cmpint(step->step->kind, ==, STEP_NUMVFS);
        g_assert_cmpint(step->step->to.number, ==, 7);
        step = plan->steps->pdata[1];
        g_assert_cmpint(step->mark, ==, MARK_PLANNED);
        g_assert_cmpstr(step->step->to.lease->guest, ==, "qemu:web1");
        g_assert_cmpint(mark_of(ledger, second, 0), ==, MARK_UNDONE);

        g_assert_true(ledger_end(ledger, second, true, NULL));
        g_autoptr(GPtrArray) left = ledger_unfinished(ledger, NULL);
        g_assert_cmpuint(left->len, ==, 1);
        g_autoptr(GError) error = NULL;
        g_assert_false(ledger_mark(ledger, first, 7, MARK_DONE, &error)); /* it has no such step */
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
}

static void test_leases(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_autoptr(Lease) lease = make_lease(vf, "qemu:web1"), rival = make_lease(vf, "qemu:web2");
        g_autoptr(GError) error = NULL;
        int64_t plan = begin(ledger, "one"), other = begin(ledger, "two");

        add_lease(ledger, plan, lease);
        g_assert_cmpint(lease->id, ==, 1);
        g_assert_cmpint(mark_of(ledger, plan, 1), ==, MARK_DONE);

        /* A device is lent once; the mark goes back with the lease. */
        g_assert_false(ledger_mark_lease(ledger, other, 1, MARK_DONE, rival, 0, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE);
        g_clear_error(&error);
        g_assert_cmpint(rival->id, ==, 0);
        g_assert_cmpint(mark_of(ledger, other, 1), ==, MARK_PLANNED);

        lease->state = LEASE_PENDING;
        lease->pid = 813;
        g_assert_true(ledger_update_lease(ledger, lease, NULL));
        g_autoptr(GPtrArray) leases = ledger_leases(ledger, NULL);
        g_assert_cmpuint(leases->len, ==, 1);
        const Lease *read = leases->pdata[0];
        g_assert_cmpint(read->id, ==, 1);
        g_assert_cmpint(read->state, ==, LEASE_PENDING);
        g_assert_cmpint(read->pid, ==, 813);
        g_assert_cmpstr(read->guest, ==, "qemu:web1");

        g_assert_true(ledger_mark_lease(ledger, plan, 1, MARK_UNDONE, NULL, lease->id, NULL));
        g_assert_cmpuint(n_leases(ledger), ==, 0);
        g_assert_true(ledger_mark_lease(ledger, plan, 1, MARK_UNDONE, NULL, lease->id, NULL)); /* again: nothing to drop */
        g_assert_false(ledger_update_lease(ledger, lease, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
        g_clear_error(&error);

        /* The next owner never gets the number of the one before. */
        add_lease(ledger, other, rival);
        g_assert_cmpint(rival->id, ==, 2);
        g_assert_false(ledger_update_lease(ledger, lease, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
}

static void test_history_is_bounded(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = open_ledger(place);
        int64_t unfinished = begin(ledger, "left"), last = 0;

        for (int i = 0; i < 205; i++) {
                last = begin(ledger, "x");
                g_assert_true(ledger_end(ledger, last, i % 2, NULL));
        }
        g_assert_cmpint(sql_number(place, "SELECT count(*) FROM plan WHERE outcome IS NOT NULL"), ==, 200);
        g_assert_cmpint(sql_number(place, "SELECT max(id) FROM plan"), ==, last);
        g_assert_cmpint(sql_number(place, "SELECT count(*) FROM step"), ==, 2 * 201);
        g_assert_cmpint(mark_of(ledger, unfinished, 0), ==, MARK_PLANNED);
}

/* The process dies without closing anything. */
static void test_killed(Place *place, gconstpointer data) {
        g_clear_pointer(&(Ledger *) {open_ledger(place)}, ledger_free);
        pid_t pid = fork();
        if (pid == 0) {
                Ledger *ledger = ledger_open(place->dir, false, NULL);
                Lease *lease = make_lease(vf, "qemu:web1");
                int64_t plan = begin(ledger, "killed");
                ledger_mark(ledger, plan, 0, MARK_DONE, NULL);
                ledger_mark_lease(ledger, plan, 1, MARK_DONE, lease, 0, NULL);
                ledger_mark(ledger, plan, 0, MARK_UNDONE, NULL);
                kill(getpid(), SIGKILL);
        }
        int status;
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFSIGNALED(status));

        g_autoptr(Ledger) ledger = open_ledger(place);
        g_autoptr(GPtrArray) plans = ledger_unfinished(ledger, NULL);
        g_assert_cmpuint(plans->len, ==, 1);
        const JournalPlan *plan = plans->pdata[0];
        g_assert_cmpstr(plan->summary, ==, "killed");
        g_assert_cmpint(((const JournalStep *) plan->steps->pdata[0])->mark, ==, MARK_UNDONE);
        g_assert_cmpint(((const JournalStep *) plan->steps->pdata[1])->mark, ==, MARK_DONE);
        g_assert_cmpuint(n_leases(ledger), ==, 1);
}

/* Several at once, also on a ledger that is only just being made. */
static void test_many_writers(Place *place, gconstpointer data) {
        enum { WRITERS = 4, PLANS = 20 };
        pid_t pids[WRITERS];

        for (int w = 0; w < WRITERS; w++) {
                pids[w] = fork();
                if (pids[w] != 0)
                        continue;
                Ledger *ledger = ledger_open(place->dir, false, NULL);
                bool ok = ledger != NULL;
                for (int i = 0; ok && i < PLANS; i++) {
                        g_autoptr(Plan) plan = make_plan("x");
                        int64_t id;
                        ok = ledger_begin(ledger, plan, BOOT, 1, 1, &id, NULL) && ledger_mark(ledger, id, 0, MARK_DONE, NULL) &&
                             ledger_end(ledger, id, true, NULL);
                }
                ledger_free(ledger);
                _exit(ok ? 0 : 1);
        }
        for (int w = 0; w < WRITERS; w++) {
                int status;
                g_assert_cmpint(waitpid(pids[w], &status, 0), ==, pids[w]);
                g_assert_cmpint(status, ==, 0);
        }
        g_assert_cmpint(sql_number(place, "SELECT count(*) FROM plan WHERE outcome = 'done'"), ==, WRITERS * PLANS);
}

/* ---- damage ---- */

static void put(const char *path, const char *bytes, gsize length) {
        g_assert_true(g_file_set_contents_full(path, bytes, (gssize) length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

static void assert_damaged_and_untouched(const Place *place, const char *needle) {
        g_autofree char *before = NULL, *after = NULL;
        gsize length_before, length_after;

        g_assert_true(g_file_get_contents(place->db, &before, &length_before, NULL));
        assert_refused(place, needle);
        assert_refused(place, "nothing was changed; keep a copy, then run 'vfadm recover --new-ledger'");
        g_assert_true(g_file_get_contents(place->db, &after, &length_after, NULL));
        g_assert_cmpmem(before, length_before, after, length_after);
        g_autoptr(GError) error = NULL;
        g_autoptr(Ledger) reader = ledger_open(place->dir, true, &error);
        g_assert_null(reader);
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
}

static void fill_and_close(const Place *place) {
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_autoptr(Lease) lease = make_lease(vf, "qemu:web1");
        add_lease(ledger, begin(ledger, "one"), lease);
}

static void test_garbage(Place *place, gconstpointer data) {
        g_assert_cmpint(g_mkdir(place->dir, 0700), ==, 0);
        put(place->db, "this is no database, whatever its name says ....", 48);
        assert_damaged_and_untouched(place, "ledger.db is damaged");
}

static void test_truncated(Place *place, gconstpointer data) {
        g_autofree char *bytes = NULL;
        gsize length;

        fill_and_close(place);
        g_assert_true(g_file_get_contents(place->db, &bytes, &length, NULL));
        g_assert_cmpuint(length, >, 3 * 4096);
        put(place->db, bytes, 4096 + 100);
        assert_damaged_and_untouched(place, "ledger.db is damaged");
}

/* Every page in turn overwritten: either the damage is found, or (an unused page) nothing was lost. */
static void test_bad_pages(Place *place, gconstpointer data) {
        g_autofree char *bytes = NULL;
        gsize length;
        unsigned found = 0;

        fill_and_close(place);
        g_assert_true(g_file_get_contents(place->db, &bytes, &length, NULL));
        for (gsize page = 0; page < length; page += 4096) {
                g_autofree char *bad = g_memdup2(bytes, length);
                g_autoptr(GError) error = NULL;
                memset(bad + page, 0xa5, 4096);
                put(place->db, bad, length);
                g_autoptr(Ledger) ledger = ledger_open(place->dir, false, &error);
                if (ledger) {
                        g_assert_cmpuint(n_leases(ledger), ==, 1);
                        continue;
                }
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
                found++;
                g_autofree char *after = NULL;
                gsize length_after;
                g_assert_true(g_file_get_contents(place->db, &after, &length_after, NULL));
                g_assert_cmpmem(bad, length, after, length_after);
        }
        g_assert_cmpuint(found, >=, 4);
}

static void test_foreign(Place *place, gconstpointer data) {
        g_assert_cmpint(g_mkdir(place->dir, 0700), ==, 0);
        sql(place, "CREATE TABLE shopping (item TEXT)");
        g_assert_cmpint(g_chmod(place->db, 0600), ==, 0);
        assert_damaged_and_untouched(place, "it is no ledger of vfadm");
}

static void test_table_missing(Place *place, gconstpointer data) {
        fill_and_close(place);
        sql(place, "PRAGMA foreign_keys=OFF; DROP TABLE step; PRAGMA wal_checkpoint(TRUNCATE)");
        assert_damaged_and_untouched(place, "no such table: step");
}

static void test_newer(Place *place, gconstpointer data) {
        fill_and_close(place);
        sql(place, "PRAGMA user_version=2; PRAGMA wal_checkpoint(TRUNCATE)");
        assert_refused(place, "made by a newer vfadm");
        g_assert_cmpint(sql_number(place, "PRAGMA user_version"), ==, 2);
}

static void test_bad_row(Place *place, gconstpointer data) {
        g_autoptr(GError) error = NULL;

        fill_and_close(place);
        sql(place, "UPDATE lease SET body = '{\"id\": 1'");
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_assert_null(ledger_leases(ledger, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        g_clear_error(&error);
        /* From then on nothing is written. */
        g_autoptr(Plan) plan = make_plan("x");
        int64_t id = -1;
        g_assert_false(ledger_begin(ledger, plan, BOOT, 1, 1, &id, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        g_assert_cmpint(id, ==, -1);
        g_assert_cmpint(sql_number(place, "SELECT count(*) FROM plan"), ==, 1);
}

static void test_contradiction(Place *place, gconstpointer data) {
        g_autoptr(GError) error = NULL;

        fill_and_close(place);
        sql(place, "UPDATE lease SET dev = '0000:09:00.0'");
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_assert_null(ledger_leases(ledger, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
}

static void test_set_aside(Place *place, gconstpointer data) {
        g_autoptr(GError) error = NULL;

        for (int n = 1; n <= 2; n++) {
                g_autofree char *aside = NULL, *wal = NULL;
                g_autofree char *expected = g_strdup_printf("%s.damaged-%d", place->db, n);
                g_autofree char *expected_wal = g_strconcat(expected, "-wal", NULL);
                fill_and_close(place);
                put(place->db, "broken", 6);
                wal = g_strconcat(place->db, "-wal", NULL);
                put(wal, "wal", 3);
                g_assert_true(ledger_set_aside(place->dir, &aside, &error));
                g_assert_no_error(error);
                g_assert_cmpstr(aside, ==, expected);
                g_assert_false(g_file_test(place->db, G_FILE_TEST_EXISTS));
                g_assert_false(g_file_test(wal, G_FILE_TEST_EXISTS));
                g_assert_true(g_file_test(expected_wal, G_FILE_TEST_EXISTS));
                g_autofree char *kept = NULL;
                g_assert_true(g_file_get_contents(expected, &kept, NULL, NULL));
                g_assert_cmpstr(kept, ==, "broken");
        }
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_assert_cmpuint(n_leases(ledger), ==, 0);
}

/* ---- a full disk ---- */

static int64_t size_of(const char *path) {
        struct stat st;
        return stat(path, &st) == 0 ? st.st_size : 0;
}

/* No file of this process grows beyond what the write-ahead log has now. */
static void fill_disk(const Place *place, struct rlimit *before) {
        g_autofree char *wal = g_strconcat(place->db, "-wal", NULL);
        g_assert_cmpint(getrlimit(RLIMIT_FSIZE, before), ==, 0);
        struct rlimit tight = {.rlim_cur = (rlim_t) MAX(size_of(wal), 4096), .rlim_max = before->rlim_max};
        g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &tight), ==, 0);
}

static void test_full(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_autoptr(Lease) lease = make_lease(vf, "qemu:web1");
        g_autoptr(Plan) plan = make_plan("two");
        GError *errors[4] = {NULL};
        struct rlimit before;
        int64_t id = begin(ledger, "one"), ignored = -1;

        fill_disk(place, &before);
        bool began = ledger_begin(ledger, plan, BOOT, 1, 1, &ignored, &errors[0]);
        bool marked = ledger_mark(ledger, id, 0, MARK_DOING, &errors[1]);
        bool leased = ledger_mark_lease(ledger, id, 1, MARK_DONE, lease, 0, &errors[2]);
        bool ended = ledger_end(ledger, id, true, &errors[3]);
        setrlimit(RLIMIT_FSIZE, &before);
        g_assert_false(began || marked || leased || ended);
        for (unsigned i = 0; i < G_N_ELEMENTS(errors); i++) {
                g_assert_error(errors[i], VFADM_ERROR, VFADM_ERROR_LEDGER);
                g_assert_nonnull(strstr(errors[i]->message, "the disk is full"));
                g_error_free(errors[i]);
        }
        g_assert_cmpint(ignored, ==, -1);
        g_assert_cmpint(lease->id, ==, 0);

        /* Room again: nothing was half written. */
        g_assert_cmpuint(n_leases(ledger), ==, 0);
        g_assert_cmpint(mark_of(ledger, id, 0), ==, MARK_PLANNED);
        g_assert_cmpint(mark_of(ledger, id, 1), ==, MARK_PLANNED);
        add_lease(ledger, id, lease);
        g_assert_cmpuint(n_leases(ledger), ==, 1);
}

/* ---- tampering ---- */

static void test_links_refused(Place *place, gconstpointer data) {
        g_autofree char *elsewhere = g_build_filename(place->top, "elsewhere", NULL);
        g_autofree char *slashed = g_strconcat(place->dir, "/", NULL);

        g_assert_cmpint(g_mkdir(elsewhere, 0700), ==, 0);
        g_assert_cmpint(symlink(elsewhere, place->dir), ==, 0);
        assert_refused(place, "is a symbolic link");
        assert_refused(&(Place) {.dir = slashed}, "is a symbolic link");
        g_assert_cmpint(g_remove(place->dir), ==, 0);

        g_assert_cmpint(g_mkdir(place->dir, 0700), ==, 0);
        g_autofree char *target = g_build_filename(elsewhere, "target", NULL);
        put(target, "", 0);
        g_assert_cmpint(symlink(target, place->db), ==, 0);
        assert_refused(place, "is a symbolic link");
        g_assert_cmpint(size_of(target), ==, 0);
        g_assert_cmpint(g_remove(place->db), ==, 0);
        g_assert_cmpint(link(target, place->db), ==, 0);
        assert_refused(place, "hard link");
}

static void test_foreign_owner(Place *place, gconstpointer data) {
        g_assert_cmpint(g_mkdir(place->dir, 0700), ==, 0);
        g_assert_cmpint(chmod(place->dir, 0777), ==, 0);
        assert_refused(place, "may be written by others");
        g_assert_cmpint(chmod(place->dir, 0700), ==, 0);
        g_assert_cmpint(g_mkdir(place->db, 0700), ==, 0);
        assert_refused(place, "is no regular file");
        g_assert_cmpint(g_rmdir(place->db), ==, 0);
        if (geteuid() != 0) {
                g_test_skip("giving files away needs root");
                return;
        }
        g_assert_cmpint(chown(place->dir, 65534, 65534), ==, 0);
        assert_refused(place, "belongs to another user");
}

/* Text from outside is data, whatever it looks like. */
static void test_hostile_text(Place *place, gconstpointer data) {
        static const char evil[] = "qemu:x'); DROP TABLE lease; --\"\\\n\xf0\x9f\x90\x84";
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_autoptr(Lease) lease = make_lease(vf, evil);
        int64_t plan = begin(ledger, evil);

        add_lease(ledger, plan, lease);
        g_autoptr(GPtrArray) leases = ledger_leases(ledger, NULL);
        g_assert_cmpuint(leases->len, ==, 1);
        g_assert_cmpstr(((const Lease *) leases->pdata[0])->guest, ==, evil);
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*run)(Place *place, gconstpointer data);
        } tests[] = {
                {"fresh", test_fresh},
                {"reader", test_reader},
                {"journal", test_journal},
                {"leases", test_leases},
                {"history-is-bounded", test_history_is_bounded},
                {"killed", test_killed},
                {"many-writers", test_many_writers},
                {"garbage", test_garbage},
                {"truncated", test_truncated},
                {"bad-pages", test_bad_pages},
                {"foreign", test_foreign},
                {"table-missing", test_table_missing},
                {"newer", test_newer},
                {"bad-row", test_bad_row},
                {"contradiction", test_contradiction},
                {"set-aside", test_set_aside},
                {"full", test_full},
                {"links-refused", test_links_refused},
                {"foreign-owner", test_foreign_owner},
                {"hostile-text", test_hostile_text},
        };

        signal(SIGXFSZ, SIG_IGN); /* beyond RLIMIT_FSIZE a write shall fail, as on a full disk */
        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
                g_autofree char *path = g_strconcat("/ledger/", tests[i].name, NULL);
                g_test_add(path, Place, NULL, set_up, tests[i].run, tear_down);
        }
        return g_test_run();
}
