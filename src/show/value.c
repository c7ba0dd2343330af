/* Outside text made safe for a terminal and for JSON. */
#include "show/value.h"

#include <stdbool.h>

static bool is_plain_ascii(const char *text) {
        for (; *text; text++)
                if (*text < 0x20 || *text > 0x7e)
                        return false;
        return true;
}

/* A device or guest name with an escape sequence in it must not drive the reader's terminal. */
char *value_safe(const char *text) {
        if (!text || is_plain_ascii(text))
                return g_strdup(text);
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        GString *safe = g_string_new(NULL);
        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_utf8_get_char(p);
                if (g_unichar_iscntrl(c))
                        g_string_append_c(safe, '?');
                else
                        g_string_append_unichar(safe, c);
        }
        return g_string_free(safe, FALSE);
}

json_t *value_string(const char *text) {
        if (!text)
                return json_null();
        json_t *json = json_string(text); /* NULL for what is no UTF-8 */
        if (json)
                return json;
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        return json_string(valid);
}

json_t *value_strings(const GPtrArray *texts) {
        if (!texts)
                return json_null();
        json_t *array = json_array();
        for (unsigned i = 0; i < texts->len; i++)
                json_array_append_new(array, value_string(texts->pdata[i]));
        return array;
}

char *value_time(int64_t seconds) {
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(seconds);
        return time ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
}

void value_field(GString *out, const char *label, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *value = g_strdup_vprintf(format, args);
        va_end(args);
        g_autofree char *safe = value_safe(value);
        g_string_append_printf(out, "  %-13s %s\n", label, safe);
}
