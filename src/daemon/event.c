/* Events: their words, and a line of each for people. */
#include "daemon/daemon.h"

#define LINE_MAX_CHANGES 6

static const char *const object_words[] = {
        [OBJECT_PF] = "pf", [OBJECT_VF] = "vf", [OBJECT_POOL] = "pool", [OBJECT_LEASE] = "lease", [OBJECT_SERVICE] = "service",
};
static const char *const event_words[] = {
        [EVENT_ADDED] = "added",     [EVENT_CHANGED] = "changed",     [EVENT_REMOVED] = "removed",
        [EVENT_DRIFT] = "drift",     [EVENT_MENDED] = "mended",       [EVENT_GIVEN_UP] = "given-up",
        [EVENT_RECOVERED] = "recovered", [EVENT_FAILED] = "failed",   [EVENT_RECONCILED] = "reconciled",
};
G_STATIC_ASSERT(G_N_ELEMENTS(object_words) == OBJECT_SERVICE + 1);
G_STATIC_ASSERT(G_N_ELEMENTS(event_words) == EVENT_KINDS);

const char *object_kind_word(ObjectKind kind) {
        return object_words[kind];
}

char *event_word(const Event *event) {
        return g_strdup_printf("%s-%s", object_words[event->object], event_words[event->kind]);
}

Event *event_new(EventKind kind, ObjectKind object, const char *key, json_t *take_json) {
        Event *event = g_new0(Event, 1);
        event->kind = kind;
        event->object = object;
        event->key = g_strdup(key);
        event->json = take_json;
        return event;
}

void event_free(Event *event) {
        if (!event)
                return;
        g_free(event->key);
        json_decref(event->json);
        g_free(event);
}

/* ---- for people ---- */

/* A value in a line: text as it is, else as JSON. */
static char *value_text(const json_t *value) {
        if (json_is_string(value))
                return g_strdup(json_string_value(value));
        if (!value || json_is_null(value))
                return g_strdup("none");
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY), *text = g_strdup(dumped);
        free(dumped);
        return text;
}

static void append_changes(GString *line, const json_t *changes) {
        const char *name;
        json_t *pair;
        unsigned n = 0;

        json_object_foreach((json_t *) changes, name, pair) {
                g_autofree char *from = value_text(json_array_get(pair, 0)), *to = value_text(json_array_get(pair, 1));
                if (n++ < LINE_MAX_CHANGES)
                        g_string_append_printf(line, "%s%s %s → %s", n > 1 ? ", " : "", name, from, to);
        }
        if (n > LINE_MAX_CHANGES)
                g_string_append_printf(line, " and %u more", n - LINE_MAX_CHANGES);
}

/* Each text of an array, joined. */
static void append_texts(GString *line, const json_t *array) {
        size_t i;
        json_t *value;

        json_array_foreach(array, i, value) {
                g_autofree char *text = value_text(value);
                g_string_append_printf(line, "%s%s", i ? "; " : "", text);
        }
}

/* What it is about, as people name it: "enp1s0/3" where the object says so. */
static const char *name_of(const Event *event) {
        const json_t *object = json_object_get(event->json, "object");
        const char *name = json_string_value(json_object_get(object ? object : event->json, "device"));
        return name ? name : event->key;
}

/* Names and messages come from outside: nothing that a terminal obeys, and one line. */
static char *without_controls(const char *text) {
        GString *safe = g_string_new(NULL);

        for (const char *p = text; *p; p = g_utf8_next_char(p))
                if (g_unichar_isprint(g_utf8_get_char(p)))
                        g_string_append_unichar(safe, g_utf8_get_char(p));
                else
                        g_string_append_c(safe, '?');
        return g_string_free(safe, FALSE);
}

char *event_text(const Event *event) {
        g_autofree char *word = event_word(event);
        g_autoptr(GString) line = g_string_new(*event->key ? name_of(event) : "vfadmd");
        const json_t *message = json_object_get(event->json, "message");

        g_string_append_printf(line, " %s", word);
        if (event->kind == EVENT_CHANGED) {
                g_string_append(line, ": ");
                append_changes(line, json_object_get(event->json, "changes"));
        } else if (event->kind == EVENT_DRIFT) {
                const json_t *left = json_object_get(event->json, "left");
                g_string_append_printf(line, ": %" JSON_INTEGER_FORMAT " steps from what its configuration says%s",
                                       json_integer_value(json_object_get(event->json, "steps")),
                                       json_is_true(json_object_get(event->json, "mend")) ? "" : ", left as it is");
                if (json_array_size(left) > 0) {
                        g_string_append(line, "; ");
                        append_texts(line, left);
                }
        } else if (event->kind == EVENT_RECOVERED) {
                g_string_append(line, ": ");
                append_texts(line, json_object_get(event->json, "recovered"));
        } else if (event->kind == EVENT_RECONCILED) {
                g_string_append_printf(line, " after %.1f ms", (double) json_integer_value(json_object_get(event->json, "usec")) / 1e3);
        } else if (json_is_string(message)) {
                g_string_append_printf(line, ": %s", json_string_value(message));
        }
        return without_controls(line->str);
}
