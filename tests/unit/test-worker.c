/* Workers: what a program said, lanes, deadlines, and what becomes of jobs when nobody wants them any more. */
#include "daemon/daemon.h"
#include "fake_vfadm.h"

#include <string.h>

typedef struct {
        int status;
        char *json, *said, *lane;
        unsigned n;
} Got;

static void got_clear(Got *got) {
        g_free(got->json);
        g_free(got->said);
        g_free(got->lane);
        *got = (Got) {0};
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Got, got_clear)

static void take(const WorkResult *result, void *user) {
        Got *got = user;
        unsigned n = got->n;
        got_clear(got);
        got->n = n + 1;
        got->status = result->status;
        char *dumped = result->json ? json_dumps(result->json, JSON_COMPACT) : NULL;
        got->json = g_strdup(dumped);
        free(dumped);
        got->said = g_strdup(result->said);
        got->lane = g_strdup(result->lane);
        g_assert_cmpint(result->usec, >=, 0);
}

static bool is_got(void *user) {
        return ((Got *) user)->n > 0;
}

static bool is_idle(void *user) {
        return workers_idle(user);
}

static guint64 run(Workers *workers, const char *lane, const char *words, unsigned timeout_ms, Got *got) {
        g_auto(GStrv) list = g_strsplit(words, " ", -1);
        return workers_run(workers, lane, list, timeout_ms, take, got);
}

static void test_results(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) got = {0};
        fake_open(&fake);
        g_autoptr(Workers) workers = workers_new(fake.program, (char *[]) {(char *) "--ledger", (char *) "/x", NULL});

        fake_says(&fake, "list", "{\"devices\": []}", 0);
        fake_does(&fake, "list", "echo 'one note' >&2; echo 'the last' >&2\n");
        g_assert_true(workers_idle(workers));
        run(workers, NULL, "list", 0, &got);
        g_assert_cmpuint(got.n, ==, 0); /* never from within the call */
        g_assert_false(workers_idle(workers));
        loop_until(is_got, &got, "list");
        g_assert_cmpint(got.status, ==, 0);
        g_assert_cmpstr(got.json, ==, "{\"devices\":[]}");
        g_assert_cmpstr(got.said, ==, "the last");
        g_assert_null(got.lane);

        got.n = 0;
        fake_says(&fake, "set a vlan=2", "not JSON", 5);
        run(workers, "0000:01:00.0", "set a vlan=2", 0, &got);
        loop_until(is_got, &got, "set");
        g_assert_cmpint(got.status, ==, 5);
        g_assert_null(got.json);
        g_assert_cmpstr(got.said, ==, "");
        g_assert_cmpstr(got.lane, ==, "0000:01:00.0");
        loop_until(is_idle, workers, "no job");
}

/* More than a pipe holds, and more than one line that is no text. */
static void test_much(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) got = {0};
        fake_open(&fake);
        g_autoptr(Workers) workers = workers_new(fake.program, NULL);

        fake_does(&fake, "list", "echo '{\"a\": \"'$(head -c 300000 /dev/zero | tr '\\0' x)'\"}'; printf 'bad \\377 text\\n' >&2\n");
        run(workers, NULL, "list", 0, &got);
        loop_until(is_got, &got, "list");
        g_assert_cmpuint(strlen(got.json), ==, 300000 + strlen("{\"a\":\"\"}"));
        g_assert_true(g_utf8_validate(got.said, -1, NULL));
        g_assert_true(g_str_has_prefix(got.said, "bad "));
}

static void test_no_program(void) {
        g_auto(Got) got = {0}, other = {0};
        g_autoptr(Workers) workers = workers_new("/nonexistent/vfadm", NULL);

        run(workers, "lane", "list", 0, &got);
        run(workers, "lane", "list", 0, &other);
        g_assert_cmpuint(got.n, ==, 0);
        loop_until(is_got, &other, "both");
        g_assert_cmpuint(got.n, ==, 1);
        g_assert_cmpint(got.status, ==, -1);
        g_assert_nonnull(strstr(got.said, "/nonexistent/vfadm"));
        g_assert_true(workers_idle(workers));
}

/* Those of a lane one after the other; others meanwhile, but not more than so many. */
static void test_lanes(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) a = {0}, b = {0}, other = {0};
        fake_open(&fake);
        g_autoptr(Workers) workers = workers_new(fake.program, NULL);

        fake_does(&fake, "first", "until [ -e go ]; do sleep 0.02; done; echo first-ends >>calls\n");
        run(workers, "lane", "first", 0, &a);
        run(workers, "lane", "second", 0, &b);
        run(workers, "another", "other", 0, &other);
        loop_until(is_got, &other, "the other lane");
        loop_for(100);
        g_assert_cmpuint(fake_count(&fake, "second"), ==, 0);
        temp_write(&fake.temp, "go", "");
        loop_until(is_got, &b, "the second");
        g_assert_cmpuint(a.n, ==, 1);
        g_autofree char *calls = fake_calls(&fake);
        g_assert_cmpuint(strstr(calls, "second") - calls, >, strstr(calls, "first-ends") - calls);
}

static void test_most(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) got = {0};
        fake_open(&fake);
        g_autoptr(Workers) workers = workers_new(fake.program, NULL);

        fake_does(&fake, "slow", "until [ -e go ]; do sleep 0.02; done\n");
        for (unsigned i = 0; i < WORKERS_MOST + 2; i++)
                run(workers, NULL, "slow", 0, &got);
        loop_for(300);
        g_assert_cmpuint(fake_count(&fake, "slow"), ==, WORKERS_MOST);
        temp_write(&fake.temp, "go", "");
        loop_until(is_idle, workers, "all");
        g_assert_cmpuint(got.n, ==, WORKERS_MOST + 2);
}

static void test_deadline(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) got = {0}, next = {0};
        fake_open(&fake);
        g_autoptr(Workers) workers = workers_new(fake.program, NULL);

        fake_does(&fake, "stuck", "exec sleep 1000\n");
        run(workers, "lane", "stuck", 100, &got);
        run(workers, "lane", "next", 0, &next);
        loop_until(is_got, &got, "the deadline");
        g_assert_cmpint(got.status, ==, -1);
        g_assert_nonnull(strstr(got.said, "was killed; 'vfadm recover'"));
        loop_until(is_got, &next, "the next of the lane");
        g_assert_cmpint(next.status, ==, 0);
        g_assert_cmpuint(got.n, ==, 1); /* told once */
}

static void test_killed(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) got = {0};
        fake_open(&fake);
        g_autoptr(Workers) workers = workers_new(fake.program, NULL);

        fake_does(&fake, "list", "kill -9 $$\n");
        run(workers, NULL, "list", 0, &got);
        loop_until(is_got, &got, "the end");
        g_assert_cmpint(got.status, ==, -1);
        g_assert_cmpstr(got.said, ==, "'vfadm list' was killed by signal 9");
}

static void test_cancel(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) got = {0};
        fake_open(&fake);
        g_autoptr(Workers) workers = workers_new(fake.program, NULL);

        fake_does(&fake, "first", "sleep 0.2; echo first-ends >>calls\n");
        guint64 first = run(workers, "lane", "first", 0, &got), second = run(workers, "lane", "second", 0, &got);
        g_assert_cmpuint(first, !=, second);
        workers_cancel(workers, second);
        workers_cancel(workers, first);
        loop_until(is_idle, workers, "the first");
        g_assert_cmpuint(fake_count(&fake, "first-ends"), ==, 1); /* no plan is cut off */
        g_assert_cmpuint(fake_count(&fake, "second"), ==, 0);
        g_assert_cmpuint(got.n, ==, 0);
}

static void note(void *user) {
        *(bool *) user = true;
}

static bool is_true(void *user) {
        return *(bool *) user;
}

static void test_drain(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) got = {0};
        bool drained = false, again = false;
        fake_open(&fake);
        g_autoptr(Workers) workers = workers_new(fake.program, NULL);

        fake_does(&fake, "first", "sleep 0.2; echo first-ends >>calls\n");
        run(workers, "lane", "first", 0, &got);
        run(workers, "lane", "second", 0, &got);
        workers_drain(workers, note, &drained);
        run(workers, NULL, "third", 0, &got);
        g_assert_false(drained);
        loop_until(is_true, &drained, "the end of the first");
        g_assert_cmpuint(got.n, ==, 1);
        g_autofree char *calls = fake_calls(&fake);
        g_assert_cmpstr(calls, ==, "first\nfirst-ends\n");
        workers_drain(workers, note, &again);
        g_assert_true(again);
}

static bool first_ended(void *user) {
        return fake_count(user, "first-ends") == 1;
}

static void test_free_while_running(void) {
        g_auto(FakeVfadm) fake = {0};
        g_auto(Got) got = {0};
        fake_open(&fake);
        Workers *workers = workers_new(fake.program, NULL);

        fake_does(&fake, "first", "sleep 0.2; echo first-ends >>calls\n");
        run(workers, "lane", "first", 0, &got);
        run(workers, "lane", "second", 0, &got);
        workers_free(workers);
        loop_until(first_ended, &fake, "its end");
        loop_for(100);
        g_assert_cmpuint(got.n, ==, 0);
        g_assert_cmpuint(fake_count(&fake, "second"), ==, 0);

        workers = workers_new("/nonexistent/vfadm", NULL);
        run(workers, NULL, "first", 0, &got);
        workers_free(workers);
        loop_for(50);
        g_assert_cmpuint(got.n, ==, 0);
}

static void free_workers(const WorkResult *result, void *user) {
        Workers **workers = user;
        workers_free(*workers);
        *workers = NULL;
}

static bool is_null(void *user) {
        return *(void **) user == NULL;
}

/* Whoever is told may have enough. */
static void test_free_when_told(void) {
        g_auto(FakeVfadm) fake = {0};
        fake_open(&fake);
        const char *const programs[] = {fake.program, "/nonexistent/vfadm"};

        for (unsigned i = 0; i < G_N_ELEMENTS(programs); i++) {
                Workers *workers = workers_new(programs[i], NULL);
                workers_run(workers, NULL, (char *[]) {(char *) "list", NULL}, 0, free_workers, &workers);
                loop_until(is_null, &workers, "the first job");
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/worker/results", test_results);
        g_test_add_func("/worker/much", test_much);
        g_test_add_func("/worker/no-program", test_no_program);
        g_test_add_func("/worker/lanes", test_lanes);
        g_test_add_func("/worker/most", test_most);
        g_test_add_func("/worker/deadline", test_deadline);
        g_test_add_func("/worker/killed", test_killed);
        g_test_add_func("/worker/cancel", test_cancel);
        g_test_add_func("/worker/drain", test_drain);
        g_test_add_func("/worker/free-while-running", test_free_while_running);
        g_test_add_func("/worker/free-when-told", test_free_when_told);
        return g_test_run();
}
