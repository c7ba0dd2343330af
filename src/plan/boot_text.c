/* Words in configuration files that hold boot parameters: /etc/default/grub, its drop-ins, /etc/kernel/cmdline. */
#include "plan/boot_text.h"

#include <glib.h>
#include <string.h>

/* A value in the text: its bytes without their quotes. */
typedef struct {
        size_t start, end;
        char quote;  /* '"', '\'' or 0 */
        bool adds;   /* VARIABLE+=… */
        bool odd;    /* cannot be edited: an unquoted value with special characters, several quotes side by side */
} Value;

/* ---- where the values are ---- */

/* The value at `at`, just after '='. Returns the place after it. */
static size_t parse_value(const char *text, size_t at, Value *ret) {
        char quote = text[at] == '"' || text[at] == '\'' ? text[at] : 0;

        ret->quote = quote;
        ret->start = at + (quote != 0);
        if (quote) {
                for (at++; text[at] && text[at] != quote; at++)
                        if (quote == '"' && text[at] == '\\' && text[at + 1])
                                at++;
                ret->end = at;
                ret->odd = !text[at] || !strchr(" \t\r\n;#", text[at + 1]);
                return at + (text[at] != 0);
        }
        at += strcspn(text + at, " \t\r\n;#");
        ret->end = at;
        for (size_t i = ret->start; i < at; i++)
                ret->odd |= strchr("\"'$`\\&|<>(){}*?~", text[i]) != NULL;
        return at;
}

static GArray *shell_values(const char *text, const char *variable) {
        GArray *values = g_array_new(FALSE, TRUE, sizeof(Value));
        size_t length = strlen(variable);

        for (size_t at = 0; text[at];) {
                at += strspn(text + at, " \t");
                if (g_str_has_prefix(text + at, "export "))
                        at += strlen("export ");
                const char *after = text + at + (strncmp(text + at, variable, length) == 0 ? length : 0);
                bool adds = after > text + at && after[0] == '+' && after[1] == '=';
                if (after > text + at && (adds || *after == '=')) {
                        Value value = {.adds = adds};
                        at = parse_value(text, (size_t) (after - text) + 1 + adds, &value);
                        g_array_append_val(values, value);
                }
                at += strcspn(text + at, "\n");
                at += text[at] == '\n';
        }
        return values;
}

/* Every line that is no comment and not empty. */
static GArray *plain_values(const char *text) {
        GArray *values = g_array_new(FALSE, TRUE, sizeof(Value));

        for (size_t at = 0; text[at];) {
                size_t end = at + strcspn(text + at, "\r\n");
                size_t first = at + strspn(text + at, " \t");
                if (first < end && text[first] != '#') {
                        Value value = {.start = at, .end = end, .quote = '"'};
                        g_array_append_val(values, value);
                }
                at = end + strcspn(text + end, "\n");
                at += text[at] == '\n';
        }
        return values;
}

static GArray *find_values(const char *text, const char *variable) {
        return variable ? shell_values(text, variable) : plain_values(text);
}

/* ---- words in a value ---- */

static size_t separator(const char *text, size_t at) {
        if (text[at] == '\\' && text[at + 1] == '\n')
                return 2;
        return text[at] && strchr(" \t\r\n", text[at]) ? 1 : 0;
}

/* The next word of the value from *at on; blanks between double quotes part no words (lib/cmdline.c next_arg()). */
static bool next_word(const char *text, size_t end, size_t *at, size_t *ret_from) {
        bool quoted = false;
        size_t blank;

        while (*at < end && (blank = separator(text, *at)) > 0)
                *at += blank;
        *ret_from = *at;
        for (; *at < end && (quoted || !separator(text, *at)); (*at)++)
                quoted ^= text[*at] == '"';
        *at = MIN(*at, end);
        return *at > *ret_from;
}

/* The place of the first `word` in a value; its number among the words, or -1. */
static int find_word(const char *text, const Value *value, const char *word, size_t *ret_from, size_t *ret_to) {
        size_t length = strlen(word);
        int number = 0;

        for (size_t at = value->start; next_word(text, value->end, &at, ret_from); number++)
                if (at - *ret_from == length && memcmp(text + *ret_from, word, length) == 0) {
                        *ret_to = at;
                        return number;
                }
        return -1;
}

unsigned boot_text_count(const char *text, const char *variable, const char *word) {
        g_autoptr(GArray) values = find_values(text ? text : "", variable);
        unsigned count = 0;

        for (unsigned i = 0; i < values->len; i++) {
                Value value = g_array_index(values, Value, i);
                size_t from;
                while (find_word(text, &value, word, &from, &value.start) >= 0)
                        count++;
        }
        return count;
}

void boot_text_words(const char *text, const char *variable, GPtrArray *ret) {
        g_autoptr(GArray) values = find_values(text ? text : "", variable);

        for (unsigned i = 0; i < values->len; i++) {
                const Value *value = &g_array_index(values, Value, i);
                size_t from;
                for (size_t at = value->start; next_word(text, value->end, &at, &from);)
                        g_ptr_array_add(ret, g_strndup(text + from, at - from));
        }
}

/* ---- changing ---- */

static char *splice(const char *text, size_t from, size_t to, const char *what) {
        GString *out = g_string_new_len(text, (gssize) from);
        g_string_append(out, what);
        g_string_append(out, text + to);
        return g_string_free(out, FALSE);
}

/* A new line at the end of the text. */
static char *append_line(const char *text, const char *variable, const char *word) {
        const char *newline = *text && !g_str_has_suffix(text, "\n") ? "\n" : "";
        if (!variable)
                return g_strdup_printf("%s%s%s\n", text, newline, word);
        return g_strdup_printf("%s%s%s=\"%s\"\n", text, newline, variable, word);
}

char *boot_text_put(const char *text, const char *variable, const char *word, int at) {
        g_autoptr(GArray) values = find_values(text ? text : "", variable);
        size_t from, end = 0;
        int number = 0;

        if (values->len == 0)
                return append_line(text ? text : "", variable, word);
        /* The shell's last assignment counts; of /etc/kernel/cmdline some read the first line only. */
        const Value *value = &g_array_index(values, Value, variable ? values->len - 1 : 0);
        if (value->odd)
                return NULL;
        for (size_t i = value->start; next_word(text, value->end, &i, &from); number++, end = i)
                if (number == at) {
                        g_autofree char *before = g_strconcat(word, " ", NULL);
                        return splice(text, from, from, before);
                }
        if (!value->quote) {
                g_autofree char *whole = g_strdup_printf("\"%s%.*s%s%s\"", value->adds ? " " : "", (int) (value->end - value->start),
                                                         text + value->start, number ? " " : "", word);
                return splice(text, value->start, value->end, whole);
        }
        g_autofree char *after = g_strconcat(number || value->adds ? " " : "", word, NULL);
        return number ? splice(text, end, end, after) : splice(text, value->start, value->start, after);
}

char *boot_text_take(const char *text, const char *variable, const char *word, int *ret_at) {
        if (!text)
                return NULL;
        g_autoptr(GArray) values = find_values(text, variable);

        for (unsigned i = values->len; i-- > 0;) {
                const Value *value = &g_array_index(values, Value, i);
                size_t from, to;
                int number = find_word(text, value, word, &from, &to);
                if (number < 0 || value->odd)
                        continue;
                bool only = number == 0 && to == value->end;
                while ((number > 0 || (only && from > value->start)) && (text[from - 1] == ' ' || text[from - 1] == '\t'))
                        from--;
                while (number == 0 && to < value->end && (text[to] == ' ' || text[to] == '\t'))
                        to++;
                *ret_at = number;
                return splice(text, from, to, "");
        }
        return NULL;
}
