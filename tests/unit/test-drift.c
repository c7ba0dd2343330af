/* What `vfadm apply --dry-run` tells becomes events and PFs to mend; and who fights long enough is given his way. */
#include "daemon/drift.h"

#define SECOND ((gint64) G_USEC_PER_SEC)

static void free_event(void *event) {
        event_free(event);
}

#define PLAN(pf, drift, steps, left)                                                                                  \
        "{\"pf\": \"" pf "\", \"error\": null, \"result\": {\"plan\": {\"pfs\": [{\"address\": \"" pf "\", \"device\": \"enp1s0\", " \
        "\"drift\": \"" drift "\", \"steps\": " steps ", \"left\": [" left "]}]}}}"

static char *plan(const char *drift, int steps, const char *left) {
        return g_strdup_printf("{\"plans\": [" PLAN("0000:01:00.0", "%s", "%d", "%s") "]}", drift, steps, left);
}

/* "pf-drift; pf-given-up | 0000:01:00.0": events, and what is to be mended. */
static char *taken(Drifts *drifts, const char *text, gint64 now) {
        g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(free_event), mend = g_ptr_array_new_with_free_func(g_free);
        json_t *json = json_loads(text, 0, NULL);
        GString *words = g_string_new(NULL);

        bool ok = drifts_take(drifts, json, now, events, mend, NULL);
        json_decref(json);
        if (!ok)
                return g_string_free(g_string_append(words, "error"), FALSE);
        for (unsigned i = 0; i < events->len; i++) {
                g_autofree char *word = event_word(events->pdata[i]);
                g_string_append_printf(words, "%s%s", i ? "; " : "", word);
        }
        g_string_append(words, " |");
        for (unsigned i = 0; i < mend->len; i++)
                g_string_append_printf(words, " %s", (const char *) mend->pdata[i]);
        return g_string_free(words, FALSE);
}

static void assert_taken(Drifts *drifts, const char *mode, int steps, const char *left, gint64 now, const char *expected) {
        g_autofree char *text = plan(mode, steps, left), *words = taken(drifts, text, now);
        g_assert_cmpstr(words, ==, expected);
}

static void test_mend(void) {
        Drifts *drifts = drifts_new();

        assert_taken(drifts, "mend", 0, "", 1, " |");
        assert_taken(drifts, "mend", 2, "", 2, "pf-drift | 0000:01:00.0");
        drifts_mended(drifts, "0000:01:00.0");
        drifts_mended(drifts, "0000:02:00.0");
        assert_taken(drifts, "mend", 0, "", 3, " |");
        assert_taken(drifts, "mend", 2, "", 4, "pf-drift | 0000:01:00.0");
        /* It failed: the same is not told again, but tried. */
        assert_taken(drifts, "mend", 2, "", 5, " | 0000:01:00.0");
        drifts_free(drifts);
}

static void test_report(void) {
        Drifts *drifts = drifts_new();

        for (int i = 0; i < 20; i++)
                assert_taken(drifts, "report", 2, "", i, i ? " |" : "pf-drift |");
        assert_taken(drifts, "report", 3, "", 21, "pf-drift |");
        assert_taken(drifts, "report", 0, "", 22, " |");
        assert_taken(drifts, "report", 3, "", 23, "pf-drift |");
        drifts_free(drifts);
}

/* What is left since it is in use is told, and is no reason to run. */
static void test_left(void) {
        Drifts *drifts = drifts_new();

        assert_taken(drifts, "mend", 0, "\"enp1s0/3: vlan left\"", 1, "pf-drift |");
        assert_taken(drifts, "mend", 0, "\"enp1s0/3: vlan left\"", 2, " |");
        assert_taken(drifts, "mend", 1, "\"enp1s0/3: vlan left\"", 3, "pf-drift | 0000:01:00.0");
        drifts_free(drifts);
}

static void test_fight(void) {
        Drifts *drifts = drifts_new();
        gint64 now = 1000 * SECOND;

        for (int i = 0; i < FIGHT_ROUNDS; i++) {
                assert_taken(drifts, "mend", 1, "", now += SECOND, "pf-drift | 0000:01:00.0");
                drifts_mended(drifts, "0000:01:00.0");
                assert_taken(drifts, "mend", 0, "", now, " |");
        }
        assert_taken(drifts, "mend", 1, "", now += SECOND, "pf-drift; pf-given-up |");
        assert_taken(drifts, "mend", 1, "", now += SECOND, " |");
        assert_taken(drifts, "mend", 0, "", now, " |");
        assert_taken(drifts, "mend", 1, "", now += FIGHT_USEC, "pf-drift |");
        assert_taken(drifts, "mend", 1, "", now += FIGHT_REST_USEC, "pf-drift | 0000:01:00.0");
        drifts_free(drifts);
}

static void test_forgiven(void) {
        Drifts *drifts = drifts_new();

        for (int i = 0; i < FIGHT_ROUNDS; i++)
                assert_taken(drifts, "mend", 1, "", SECOND + i, i ? " | 0000:01:00.0" : "pf-drift | 0000:01:00.0");
        assert_taken(drifts, "mend", 1, "", SECOND + 10, "pf-drift; pf-given-up |");
        drifts_forgive(drifts);
        assert_taken(drifts, "mend", 1, "", SECOND + 11, "pf-drift | 0000:01:00.0");
        drifts_free(drifts);
}

/* Now and then is no fight. */
static void test_seldom(void) {
        Drifts *drifts = drifts_new();

        for (int i = 0; i < 3 * FIGHT_ROUNDS; i++) {
                assert_taken(drifts, "mend", 1, "", 1 + i * (FIGHT_USEC / (FIGHT_ROUNDS - 1)), "pf-drift | 0000:01:00.0");
                drifts_mended(drifts, "0000:01:00.0");
        }
        drifts_free(drifts);
}

static void test_odd(void) {
        Drifts *drifts = drifts_new();
        static const char *const odd[] = {
                "{}", "[]", "{\"plans\": {}}", "{\"plans\": [1]}",
                "{\"plans\": [{\"pf\": \"a\", \"error\": null, \"result\": null}]}",
                "{\"plans\": [{\"pf\": \"a\", \"error\": null, \"result\": {\"plan\": {\"pfs\": []}}}]}",
                "{\"plans\": [{\"pf\": 1, \"error\": {}}]}",
                "{\"plans\": [" PLAN("a", "mend", "\"1\"", "") "]}",
                "{\"plans\": [" PLAN("a", "mend", "1.5", "") "]}",
                "{\"plans\": [" PLAN("a", "mend", "1", "") ", {}]}",
        };
        for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++) {
                g_autofree char *words = taken(drifts, odd[i], 1);
                g_assert_cmpstr(words, ==, "error");
        }
        drifts_free(drifts);
}

/* A PF that nothing is said of any more begins anew. */
static void test_gone(void) {
        Drifts *drifts = drifts_new();
        assert_taken(drifts, "report", 1, "", 1, "pf-drift |");
        g_autofree char *none = taken(drifts, "{\"plans\": []}", 2);
        g_assert_cmpstr(none, ==, " |");
        assert_taken(drifts, "report", 1, "", 3, "pf-drift |");
        drifts_free(drifts);
}

/* A PF whose plan cannot be made is told of once; the others go on. */
static void test_error(void) {
        Drifts *drifts = drifts_new();
        static const char text[] =
                "{\"plans\": [{\"pf\": \"a\", \"result\": null, \"error\": {\"kind\": \"refused\", \"message\": \"no\"}}, " PLAN("b", "mend", "1", "") "]}";
        g_autofree char *first = taken(drifts, text, 1), *second = taken(drifts, text, 2);
        g_assert_cmpstr(first, ==, "pf-failed; pf-drift | b");
        g_assert_cmpstr(second, ==, " | b");
        drifts_free(drifts);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/drift/mend", test_mend);
        g_test_add_func("/drift/report", test_report);
        g_test_add_func("/drift/left", test_left);
        g_test_add_func("/drift/fight", test_fight);
        g_test_add_func("/drift/forgiven", test_forgiven);
        g_test_add_func("/drift/seldom", test_seldom);
        g_test_add_func("/drift/odd", test_odd);
        g_test_add_func("/drift/gone", test_gone);
        g_test_add_func("/drift/error", test_error);
        return g_test_run();
}
