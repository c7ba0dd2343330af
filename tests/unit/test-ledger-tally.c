/* What the ledger counts: ended plans, times of steps, and how it comes by that on a ledger of the version before. */
#include "ledger_place.h"

static Tally *tally_of(Ledger *ledger) {
        g_autoptr(GError) error = NULL;
        Tally *tally = ledger_tally(ledger, &error);
        g_assert_no_error(error);
        return tally;
}

static void run_plan(Ledger *ledger, bool done, int64_t usec) {
        int64_t id = begin(ledger, "x");

        ledger_took(ledger, id, STEP_NUMVFS, usec);
        g_assert_true(ledger_end(ledger, id, done, NULL));
}

static void test_times(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = open_ledger(place);

        run_plan(ledger, true, 999);
        run_plan(ledger, true, 1000);
        run_plan(ledger, true, 1001);
        run_plan(ledger, false, 1000 * G_USEC_PER_SEC);
        g_autoptr(Tally) tally = tally_of(ledger);
        const StepTimes *times = &tally->times[STEP_NUMVFS];
        g_assert_cmpuint(times->classes[0], ==, 2);
        g_assert_cmpuint(times->classes[1], ==, 1);
        g_assert_cmpuint(times->classes[TALLY_BOUNDS], ==, 1);
        g_assert_cmpuint(times->steps, ==, 4);
        g_assert_cmpint(times->usec, ==, 3000 + 1000 * G_USEC_PER_SEC);
        g_assert_cmpint(tally_mean(tally, STEP_NUMVFS), ==, times->usec / 4);
        g_assert_cmpint(tally_mean(tally, STEP_DRIVER), ==, -1);
}

/* What is told of a plan counts when it ends, once, and for no other plan. */
static void test_when(Place *place, gconstpointer data) {
        g_autoptr(Ledger) ledger = open_ledger(place);
        int64_t first = begin(ledger, "first"), second = begin(ledger, "second");

        ledger_took(ledger, first, STEP_DRIVER, 5);
        g_autoptr(Tally) before = tally_of(ledger);
        g_assert_cmpuint(before->times[STEP_DRIVER].steps, ==, 0);
        g_assert_cmpuint(before->unfinished, ==, 2);
        g_assert_cmpuint(before->plans->len, ==, 0);

        g_assert_true(ledger_end(ledger, second, false, NULL));
        g_autoptr(Tally) between = tally_of(ledger);
        g_assert_cmpuint(between->times[STEP_DRIVER].steps, ==, 0);

        g_assert_true(ledger_end(ledger, first, true, NULL));
        g_assert_true(ledger_end(ledger, first, true, NULL));
        g_autoptr(Tally) after = tally_of(ledger);
        g_assert_cmpuint(after->times[STEP_DRIVER].steps, ==, 1);
        g_assert_cmpuint(after->unfinished, ==, 0);
        g_assert_cmpuint(after->plans->len, ==, 1);
        const PlanTally *plan = after->plans->pdata[0];
        g_assert_cmpstr(plan->verb, ==, "enable");
        g_assert_cmpuint(plan->done, ==, 1);
        g_assert_cmpuint(plan->undone, ==, 1);
}

/* The journal forgets old plans, the counts do not. */
static void test_never_down(Place *place, gconstpointer data) {
        enum { PLANS = 230 };
        g_autoptr(Ledger) ledger = open_ledger(place);

        for (int i = 0; i < PLANS; i++)
                run_plan(ledger, true, 1);
        g_assert_cmpint(sql_number(place, "SELECT count(*) FROM plan"), <, PLANS);
        g_autoptr(Tally) tally = tally_of(ledger);
        g_assert_cmpuint(((const PlanTally *) tally->plans->pdata[0])->done, ==, PLANS);
        g_assert_cmpuint(tally->times[STEP_NUMVFS].steps, ==, PLANS);
}

static void assert_version_1_grows(const Place *place) {
        g_autoptr(Ledger) reader = ledger_open(place->dir, true, NULL);
        g_assert_nonnull(reader);
        g_autoptr(Tally) none = tally_of(reader);
        g_assert_cmpuint(none->unfinished, ==, 1);
        g_assert_cmpuint(none->plans->len, ==, 0);
        g_assert_cmpint(sql_number(place, "PRAGMA user_version"), ==, 1);
}

static void test_from_version_1(Place *place, gconstpointer data) {
        g_autoptr(Ledger) old = open_ledger(place);
        g_autoptr(Lease) lease = make_lease(vf, "qemu:web1");

        add_lease(old, begin(old, "before"), lease);
        g_clear_pointer(&old, ledger_free);
        sql(place, "DROP TABLE step_time; DROP TABLE plan_count; PRAGMA user_version=1");
        assert_version_1_grows(place);
        g_autoptr(Ledger) ledger = open_ledger(place);
        g_assert_cmpint(sql_number(place, "PRAGMA user_version"), ==, 2);
        g_assert_cmpuint(n_leases(ledger), ==, 1);
        run_plan(ledger, true, 1);
        g_autoptr(Tally) tally = tally_of(ledger);
        g_assert_cmpuint(tally->plans->len, ==, 1);
}

int main(int argc, char **argv) {
        static const LedgerTest tests[] = {
                {"times", test_times},
                {"when", test_when},
                {"never-down", test_never_down},
                {"from-version-1", test_from_version_1},
        };
        return run_ledger_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
