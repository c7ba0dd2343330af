/* Parsing of one QMP message. */
#include "guest/qmp_message.h"

#include <string.h>

enum { CLEAN_MAX = 300 };

QmpFrameResult qmp_frame_scan(QmpFrame *frame, const char *bytes, size_t length) {
        for (; frame->seen < length; frame->seen++) {
                char c = bytes[frame->seen];
                if (frame->seen >= QMP_MESSAGE_MAX)
                        return QMP_FRAME_WRONG;
                if (frame->depth == 0) {
                        if (c == '{')
                                frame->depth = 1;
                        else if (!g_ascii_isspace(c))
                                return QMP_FRAME_WRONG;
                } else if (frame->in_text) {
                        if (frame->escaped)
                                frame->escaped = false;
                        else if (c == '\\')
                                frame->escaped = true;
                        else if (c == '"')
                                frame->in_text = false;
                } else if (c == '"') {
                        frame->in_text = true;
                } else if (c == '{' || c == '[') {
                        frame->depth++;
                } else if ((c == '}' || c == ']') && --frame->depth == 0) {
                        frame->seen++;
                        return QMP_FRAME_WHOLE;
                }
        }
        return QMP_FRAME_MORE;
}

char *qmp_clean_text(const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, 4 * CLEAN_MAX));
        g_autoptr(GString) out = g_string_new(NULL);
        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                if (out->len >= CLEAN_MAX) {
                        g_string_append(out, " …");
                        break;
                }
                g_string_append_unichar(out, g_unichar_isprint(c) ? c : ' ');
        }
        return g_strstrip(g_string_free(g_steal_pointer(&out), FALSE));
}

static bool wrong(char **problem, const char *what) {
        *problem = g_strdup(what);
        return false;
}

static bool parse_error(const json_t *error, QmpMessage *ret, char **problem) {
        const char *class = json_string_value(json_object_get(error, "class"));
        const char *desc = json_string_value(json_object_get(error, "desc"));
        if (!class || !desc)
                return wrong(problem, "an error without class and desc");
        ret->kind = QMP_ERROR;
        ret->name = qmp_clean_text(class);
        ret->desc = qmp_clean_text(desc);
        return true;
}

static bool parse_event(const json_t *root, const char *name, QmpMessage *ret, char **problem) {
        json_t *data = json_object_get(root, "data");
        if (data && !json_is_object(data))
                return wrong(problem, "an event whose data is no object");
        ret->kind = QMP_EVENT;
        ret->name = qmp_clean_text(name);
        ret->data = data ? json_incref(data) : NULL;
        return true;
}

static bool parse_object(const json_t *root, QmpMessage *ret, char **problem) {
        json_t *id = json_object_get(root, "id"), *value;
        if (id && !json_is_integer(id))
                return wrong(problem, "an answer whose id is no number");
        ret->has_id = id != NULL;
        ret->id = json_integer_value(id);

        bool has_return = json_object_get(root, "return"), has_error = json_object_get(root, "error"),
             has_event = json_object_get(root, "event"), has_greeting = json_object_get(root, "QMP");
        if (has_return + has_error + has_event + has_greeting != 1)
                return wrong(problem, "an object that is not one of greeting, return, error and event");
        if ((value = json_object_get(root, "return"))) {
                ret->kind = QMP_RETURN;
                ret->data = json_incref(value);
                return true;
        }
        if ((value = json_object_get(root, "error")))
                return parse_error(value, ret, problem);
        if ((value = json_object_get(root, "event"))) {
                if (!json_is_string(value))
                        return wrong(problem, "an event without a name");
                return parse_event(root, json_string_value(value), ret, problem);
        }
        if (!json_is_object(json_object_get(json_object_get(root, "QMP"), "version")))
                return wrong(problem, "a greeting without a version");
        ret->kind = QMP_GREETING;
        return true;
}

bool qmp_message_parse(const char *bytes, size_t length, QmpMessage *ret, char **problem) {
        json_error_t where;
        json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where);
        if (!root) {
                g_autofree char *text = qmp_clean_text(where.text);
                *problem = g_strdup_printf("no JSON (at byte %d: %s)", where.position, text);
                return false;
        }
        QmpMessage message = {0};
        bool ok =
                json_is_object(root) ? parse_object(root, &message, problem) : wrong(problem, "JSON that is no object");
        json_decref(root);
        if (ok)
                *ret = message;
        else
                qmp_message_clear(&message);
        return ok;
}

void qmp_message_clear(QmpMessage *message) {
        json_decref(message->data);
        g_free(message->name);
        g_free(message->desc);
        *message = (QmpMessage){0};
}
