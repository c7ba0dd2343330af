/* The ledger: what it keeps, and what it promises after crashes and to many writers. */
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

static void test_fresh(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_autoptr(GPtrArray) plans = ledger_unfinished(ledger, NULL);

        g_assert_cmpuint(mode_of(place->dir), ==, 0700);
        g_assert_cmpuint(mode_of(place->db), ==, 0600);
        g_assert_cmpuint(n_leases(ledger), ==, 0);
        g_assert_cmpuint(plans->len, ==, 0);
        g_clear_pointer(&ledger, ledger_free);
        g_assert_cmpint(sql_number(place, "PRAGMA user_version"), ==, 2);
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

/* A lease that goes on: its row changes together with the mark of the step, or neither does. */
static void test_lease_goes_on(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = ledger_open(place->dir, false, NULL);
        g_autoptr(Lease) lease = make_lease(vf, "libvirt:web1");
        g_autoptr(GError) error = NULL;
        int64_t plan = begin(ledger, "web1");

        add_lease(ledger, plan, lease);
        int64_t id = lease->id, change = begin(ledger, "web1 longer");
        lease->config = true;
        lease->pid = 0;
        g_free(lease->guest);
        lease->guest = g_strdup("libvirt:www"); /* renamed */
        g_assert_true(ledger_mark_lease(ledger, change, 1, MARK_DONE, lease, id, NULL));
        g_assert_cmpint(lease->id, ==, id);
        g_assert_cmpint(mark_of(ledger, change, 1), ==, MARK_DONE);
        g_autoptr(GPtrArray) leases = ledger_leases(ledger, NULL);
        g_assert_cmpuint(leases->len, ==, 1);
        const Lease *now = leases->pdata[0];
        g_assert_cmpint(now->id, ==, id);
        g_assert_true(now->config);
        g_assert_cmpint(now->pid, ==, 0);
        g_assert_cmpstr(now->guest, ==, "libvirt:www");

        /* One that has ended is not made anew, and the step counts as not done. */
        g_assert_true(ledger_mark_lease(ledger, plan, 1, MARK_UNDONE, NULL, id, NULL));
        int64_t late = begin(ledger, "web1 too late");
        g_assert_false(ledger_mark_lease(ledger, late, 1, MARK_DONE, lease, id, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
        g_assert_cmpuint(n_leases(ledger), ==, 0);
        g_assert_cmpint(mark_of(ledger, late, 1), ==, MARK_PLANNED);
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

int main(int argc, char **argv) {
        static const LedgerTest tests[] = {
                {"fresh", test_fresh},
                {"reader", test_reader},
                {"journal", test_journal},
                {"leases", test_leases},
                {"lease-goes-on", test_lease_goes_on},
                {"history-is-bounded", test_history_is_bounded},
                {"killed", test_killed},
                {"many-writers", test_many_writers},
        };
        return run_ledger_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
