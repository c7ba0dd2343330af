/* The service's state: what became different from one look to the next, and events in words. */
#include "daemon/daemon.h"

static void free_event(void *event) {
        event_free(event);
}

typedef bool (*Take)(State *state, const json_t *printed, GPtrArray *events, GError **error);

/* The events of taking `text`, "vf-added 0000:01:10.0; …"; of an error, "error". */
static char *taken(State *state, Take take, const char *text) {
        g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(free_event);
        g_autoptr(GError) error = NULL;
        json_t *json = json_loads(text, 0, NULL);
        GString *words = g_string_new(NULL);

        g_assert_nonnull(json);
        bool ok = take(state, json, events, &error);
        json_decref(json);
        if (!ok) {
                g_assert_nonnull(error);
                g_assert_cmpuint(events->len, ==, 0);
                return g_string_free(g_string_append(words, "error"), FALSE);
        }
        for (unsigned i = 0; i < events->len; i++) {
                const Event *event = events->pdata[i];
                g_autofree char *word = event_word(event);
                g_assert_true(json_is_object(event->json));
                g_string_append_printf(words, "%s%s %s", i ? "; " : "", word, event->key);
        }
        return g_string_free(words, FALSE);
}

static void assert_taken(State *state, Take take, const char *text, const char *expected) {
        g_autofree char *words = taken(state, take, text);
        g_assert_cmpstr(words, ==, expected);
}

#define PF "{\"kind\": \"pf\", \"address\": \"0000:01:00.0\", \"device\": \"enp1s0\", \"netdev\": \"enp1s0\"}"
#define VF(n, vlan) "{\"kind\": \"vf\", \"address\": \"0000:01:10." #n "\", \"device\": \"enp1s0/" #n "\", \"netdev\": null, \"vlan\": " #vlan "}"

static void test_list(void) {
        g_autoptr(State) state = state_new();

        assert_taken(state, state_take_list, "{\"devices\": []}", "");
        assert_taken(state, state_take_list, "{\"devices\": [" VF(2, 0) "," VF(0, 0) "," PF ", {\"kind\": \"other\", \"address\": \"x\"}]}",
                     "pf-added 0000:01:00.0; vf-added 0000:01:10.0; vf-added 0000:01:10.2");
        assert_taken(state, state_take_list, "{\"devices\": [" PF "," VF(0, 0) "," VF(2, 0) "]}", "");
        assert_taken(state, state_take_list, "{\"devices\": [" PF "," VF(0, 42) "," VF(4, 0) "]}",
                     "vf-removed 0000:01:10.2; vf-changed 0000:01:10.0; vf-added 0000:01:10.4");
        g_assert_cmpint(json_integer_value(json_object_get(state_get(state, OBJECT_VF, "0000:01:10.0"), "vlan")), ==, 42);
        g_assert_null(state_get(state, OBJECT_VF, "0000:01:10.2"));
        g_assert_null(state_get(state, OBJECT_PF, "0000:01:10.0"));
        g_assert_null(state_get(state, OBJECT_SERVICE, ""));
        g_assert_true(state_has_link(state, "enp1s0"));
        g_assert_false(state_has_link(state, "enp1s0/0"));
        /* A function that was a VF comes as a PF. */
        assert_taken(state, state_take_list, "{\"devices\": [{\"kind\": \"pf\", \"address\": \"0000:01:10.0\"}]}",
                     "pf-removed 0000:01:00.0; pf-added 0000:01:10.0; vf-removed 0000:01:10.0; vf-removed 0000:01:10.4");
        g_assert_false(state_has_link(state, "enp1s0"));
}

/* What is no list of vfadm's changes nothing. */
static void test_odd(void) {
        g_autoptr(State) state = state_new();
        static const char *const odd[] = {
                "{}", "[]", "{\"devices\": {}}", "{\"devices\": [1]}", "{\"devices\": [{\"kind\": \"pf\"}]}",
                "{\"devices\": [{\"address\": \"0000:01:00.0\"}]}", "{\"devices\": [{\"kind\": \"pf\", \"address\": \"\"}]}",
                "{\"devices\": [{\"kind\": \"pf\", \"address\": [1]}]}", "{\"devices\": [" PF "," PF "]}",
                "{\"error\": \"busy\", \"message\": \"x\"}",
        };

        assert_taken(state, state_take_list, "{\"devices\": [" PF "]}", "pf-added 0000:01:00.0");
        for (unsigned i = 0; i < G_N_ELEMENTS(odd); i++)
                assert_taken(state, state_take_list, odd[i], "error");
        assert_taken(state, state_take_leases, "{\"leases\": [{\"id\": true}]}", "error");
        assert_taken(state, state_take_pools, "{\"leases\": []}", "error");
        g_assert_nonnull(state_get(state, OBJECT_PF, "0000:01:00.0"));
        g_assert_true(state_has_link(state, "enp1s0"));
}

static void test_others(void) {
        g_autoptr(State) state = state_new();

        assert_taken(state, state_take_leases, "{\"leases\": [{\"id\": 10, \"guest\": \"a\"}, {\"id\": 9, \"guest\": \"b\"}]}",
                     "lease-added 9; lease-added 10");
        assert_taken(state, state_take_leases, "{\"leases\": [{\"id\": 10, \"guest\": \"c\"}]}", "lease-removed 9; lease-changed 10");
        assert_taken(state, state_take_pools, "{\"pools\": [{\"name\": \"fast\"}], \"notes\": []}", "pool-added fast");
        g_autoptr(GPtrArray) keys = state_keys(state, OBJECT_LEASE);
        g_assert_cmpuint(keys->len, ==, 1);
        g_assert_cmpstr(keys->pdata[0], ==, "10");
}

static void assert_text(EventKind kind, ObjectKind object, const char *key, const char *json, const char *expected) {
        Event *event = event_new(kind, object, key, json_loads(json, 0, NULL));
        g_autofree char *text = event_text(event);
        g_assert_cmpstr(text, ==, expected);
        event_free(event);
}

static void test_text(void) {
        assert_text(EVENT_ADDED, OBJECT_VF, "0000:01:10.0", "{\"device\": \"enp1s0/0\"}", "enp1s0/0 vf-added");
        assert_text(EVENT_CHANGED, OBJECT_VF, "0000:01:10.0",
                    "{\"changes\": {\"vlan\": [0, 42], \"driver\": [null, \"igbvf\"]}, \"object\": {\"device\": \"enp1s0/0\"}}",
                    "enp1s0/0 vf-changed: vlan 0 → 42, driver none → igbvf");
        assert_text(EVENT_DRIFT, OBJECT_PF, "0000:01:00.0", "{\"device\": \"enp1s0\", \"steps\": 2, \"left\": [], \"mend\": true}",
                    "enp1s0 pf-drift: 2 steps from what its configuration says");
        assert_text(EVENT_DRIFT, OBJECT_PF, "0000:01:00.0", "{\"steps\": 0, \"left\": [\"a left\", \"b\"], \"mend\": false}",
                    "0000:01:00.0 pf-drift: 0 steps from what its configuration says, left as it is; a left; b");
        assert_text(EVENT_FAILED, OBJECT_SERVICE, "", "{\"verb\": \"list\", \"message\": \"a\\nb\\u001b[31m\", \"exit\": 1}", "vfadmd service-failed: a?b?[31m");
        assert_text(EVENT_RECOVERED, OBJECT_SERVICE, "", "{\"recovered\": [\"x\", \"y\"]}", "vfadmd service-recovered: x; y");
        assert_text(EVENT_RECONCILED, OBJECT_SERVICE, "", "{\"usec\": 12345}", "vfadmd service-reconciled after 12.3 ms");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/state/list", test_list);
        g_test_add_func("/state/odd", test_odd);
        g_test_add_func("/state/others", test_others);
        g_test_add_func("/state/text", test_text);
        return g_test_run();
}
