/* The ledger on damage, on a full disk, and towards whoever tampers with its files. */
#include "ledger_place.h"

#include "base/error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
        sql(place, "PRAGMA user_version=3; PRAGMA wal_checkpoint(TRUNCATE)");
        assert_refused(place, "made by a newer vfadm");
        g_assert_cmpint(sql_number(place, "PRAGMA user_version"), ==, 3);
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
        static const LedgerTest tests[] = {
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
        return run_ledger_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
