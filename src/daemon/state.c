/* What there is on this host, as vfadm printed it last, and what became different. Pure. */
#include "daemon/daemon.h"

#include "base/error.h"

#include <string.h>

#define KEY_MAX 255

struct State {
        GHashTable *objects[OBJECT_KINDS]; /* key (char*) → json_t* */
        GHashTable *links;                 /* names of their network devices */
};

static void json_unref(void *json) {
        json_decref(json);
}

static GHashTable *objects_new(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, json_unref);
}

State *state_new(void) {
        State *state = g_new0(State, 1);
        for (unsigned kind = 0; kind < OBJECT_KINDS; kind++)
                state->objects[kind] = objects_new();
        state->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        return state;
}

void state_free(State *state) {
        if (!state)
                return;
        for (unsigned kind = 0; kind < OBJECT_KINDS; kind++)
                g_hash_table_unref(state->objects[kind]);
        g_hash_table_unref(state->links);
        g_free(state);
}

const json_t *state_get(const State *state, ObjectKind kind, const char *key) {
        return kind < OBJECT_KINDS ? g_hash_table_lookup(state->objects[kind], key) : NULL;
}

bool state_has_link(const State *state, const char *name) {
        return g_hash_table_contains(state->links, name);
}

/* Numbers by their value, so that lease 10 comes after lease 9. */
static int compare_keys(gconstpointer a, gconstpointer b) {
        const char *one = *(const char *const *) a, *other = *(const char *const *) b;
        size_t m = strlen(one), n = strlen(other);
        bool numbers = strspn(one, "0123456789") == m && strspn(other, "0123456789") == n;
        return numbers && m != n ? (m < n ? -1 : 1) : strcmp(one, other);
}

static GPtrArray *keys_of(GHashTable *objects) {
        GPtrArray *keys = g_ptr_array_new();
        GHashTableIter iter;
        void *key;

        g_hash_table_iter_init(&iter, objects);
        while (g_hash_table_iter_next(&iter, &key, NULL))
                g_ptr_array_add(keys, key);
        g_ptr_array_sort(keys, compare_keys);
        return keys;
}

GPtrArray *state_keys(const State *state, ObjectKind kind) {
        return kind < OBJECT_KINDS ? keys_of(state->objects[kind]) : g_ptr_array_new();
}

/* ---- what became different ---- */

/* {"vlan": [0, 42]}: members that only one of them has stand with null. */
static json_t *changes(json_t *before, json_t *now) {
        json_t *json = json_object(), *value;
        const char *name;

        json_object_foreach(now, name, value) {
                json_t *was = json_object_get(before, name);
                if (!was || !json_equal(was, value))
                        json_object_set_new(json, name, json_pack("[O?, O]", was, value));
        }
        json_object_foreach(before, name, value)
                if (!json_object_get(now, name))
                        json_object_set_new(json, name, json_pack("[O, n]", value));
        return json;
}

/* Takes `now` for the objects of a kind. What is gone is told first: a name may have gone to another. */
static void take(State *state, ObjectKind kind, GHashTable *now, GPtrArray *events) {
        GHashTable *before = state->objects[kind];
        g_autoptr(GPtrArray) old = keys_of(before), keys = keys_of(now);

        for (unsigned i = 0; i < old->len; i++)
                if (!g_hash_table_contains(now, old->pdata[i]))
                        g_ptr_array_add(events, event_new(EVENT_REMOVED, kind, old->pdata[i],
                                                          json_incref(g_hash_table_lookup(before, old->pdata[i]))));
        for (unsigned i = 0; i < keys->len; i++) {
                json_t *object = g_hash_table_lookup(now, keys->pdata[i]), *was = g_hash_table_lookup(before, keys->pdata[i]);
                if (!was)
                        g_ptr_array_add(events, event_new(EVENT_ADDED, kind, keys->pdata[i], json_incref(object)));
                else if (!json_equal(was, object))
                        g_ptr_array_add(events, event_new(EVENT_CHANGED, kind, keys->pdata[i],
                                                          json_pack("{s:o, s:O}", "changes", changes(was, object), "object", object)));
        }
        state->objects[kind] = g_hash_table_ref(now);
        g_hash_table_unref(before);
}

/* ---- what vfadm printed ---- */

/* Its text, or its number as text; NULL: neither, or none that could be a key. */
static char *key_of(const json_t *object, const char *member) {
        const json_t *value = json_object_get(object, member);

        if (json_is_integer(value))
                return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        if (!json_is_string(value) || json_string_length(value) == 0 || json_string_length(value) > KEY_MAX)
                return NULL;
        return g_strdup(json_string_value(value));
}

/* Puts an object by its key: false for one that has none, or one that another has. */
static bool put(GHashTable *objects, json_t *object, const char *member) {
        char *key = key_of(object, member);
        return key && g_hash_table_insert(objects, key, json_incref(object));
}

/* The array that is member `name`; the error says of which verb. */
static json_t *array_of(const json_t *printed, const char *verb, const char *name, GError **error) {
        json_t *array = json_object_get(printed, name);

        if (json_is_array(array))
                return array;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "'vfadm %s --json' printed no \"%s\"; is it of another version than vfadmd?", verb, name);
        return NULL;
}

static bool odd(const char *verb, size_t i, GError **error) {
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "'vfadm %s --json' printed something odd as number %zu; is it of another version than vfadmd?",
                    verb, i + 1);
        return false;
}

bool state_take_list(State *state, const json_t *printed, GPtrArray *events, GError **error) {
        g_autoptr(GHashTable) pfs = objects_new(), vfs = objects_new();
        json_t *array = array_of(printed, "list", "devices", error), *object;
        size_t i;

        if (!array)
                return false;
        json_array_foreach(array, i, object) {
                const char *kind = json_string_value(json_object_get(object, "kind"));
                GHashTable *objects = !g_strcmp0(kind, "pf") ? pfs : !g_strcmp0(kind, "vf") ? vfs : NULL;
                if (!kind || (objects && !put(objects, object, "address")))
                        return odd("list", i, error);
        }
        take(state, OBJECT_PF, pfs, events);
        take(state, OBJECT_VF, vfs, events);
        g_hash_table_remove_all(state->links);
        json_array_foreach(array, i, object) {
                const char *name = json_string_value(json_object_get(object, "netdev"));
                if (name)
                        g_hash_table_add(state->links, g_strdup(name));
        }
        return true;
}

static bool take_array(State *state, ObjectKind kind, const json_t *printed, const char *verb, const char *name, const char *member,
                       GPtrArray *events, GError **error) {
        g_autoptr(GHashTable) objects = objects_new();
        json_t *array = array_of(printed, verb, name, error), *object;
        size_t i;

        if (!array)
                return false;
        json_array_foreach(array, i, object)
                if (!put(objects, object, member))
                        return odd(verb, i, error);
        take(state, kind, objects, events);
        return true;
}

bool state_take_pools(State *state, const json_t *printed, GPtrArray *events, GError **error) {
        return take_array(state, OBJECT_POOL, printed, "pool list", "pools", "name", events, error);
}

bool state_take_leases(State *state, const json_t *printed, GPtrArray *events, GError **error) {
        return take_array(state, OBJECT_LEASE, printed, "leases", "leases", "id", events, error);
}
