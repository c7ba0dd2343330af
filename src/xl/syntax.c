/* xl's configuration files, taken apart by their grammar. */
#include "xl/syntax.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

typedef struct {
        XlLexer lexer;
        XlToken token; /* the one that is looked at */
        XlFile *file;
} Parser;

static void value_free(void *data) {
        XlValue *value = data;
        if (!value)
                return;
        g_free(value->text);
        if (value->items)
                g_ptr_array_unref(value->items);
        g_free(value);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XlValue, value_free)

static void setting_free(void *data) {
        XlSetting *setting = data;
        g_free(setting->name);
        g_ptr_array_unref(setting->values);
        g_free(setting);
}

void xl_file_free(XlFile *file) {
        if (!file)
                return;
        g_hash_table_unref(file->settings);
        g_free(file);
}

static bool advance(Parser *parser, GError **error) {
        return xl_lexer_next(&parser->lexer, &parser->token, error);
}

static bool wrong(const Parser *parser, GError **error, const char *expected) {
        static const char *const kinds[] = {
                [XL_END] = "the file's end",
                [XL_NEWLINE] = "the line's end",
        };
        XlTokenKind kind = parser->token.kind;
        const char *known = (size_t) kind < G_N_ELEMENTS(kinds) ? kinds[kind] : NULL;
        g_autofree char *text = g_strndup(parser->lexer.text + parser->token.start, MIN(parser->token.end - parser->token.start, 40));
        g_autofree char *shown = g_strescape(text, NULL);

        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "line %u: expected %s, found %s", parser->token.line, expected,
                    known ? known : shown);
        return false;
}

static bool skip_lines(Parser *parser, GError **error) {
        while (parser->token.kind == XL_NEWLINE)
                if (!advance(parser, error))
                        return false;
        return true;
}

static XlValue *parse_value(Parser *parser, unsigned depth, GError **error);

/* After its '[': values parted by commas, the last of which may have one after it too; lines end anywhere between. */
static bool parse_items(Parser *parser, XlValue *list, unsigned depth, GError **error) {
        if (!advance(parser, error) || !skip_lines(parser, error))
                return false;
        while (parser->token.kind != XL_CLOSE) {
                XlValue *item = parse_value(parser, depth + 1, error);
                if (!item)
                        return false;
                g_ptr_array_add(list->items, item);
                if (!skip_lines(parser, error))
                        return false;
                if (parser->token.kind == XL_COMMA) {
                        item->comma = parser->token.start;
                        if (!advance(parser, error) || !skip_lines(parser, error))
                                return false;
                } else if (parser->token.kind != XL_CLOSE)
                        return wrong(parser, error, "',' or ']'");
        }
        list->end = parser->token.end;
        return advance(parser, error);
}

static XlValue *parse_value(Parser *parser, unsigned depth, GError **error) {
        g_autoptr(XlValue) value = g_new0(XlValue, 1);

        value->start = parser->token.start;
        value->end = parser->token.end;
        value->line = parser->token.line;
        if (parser->token.kind == XL_OPEN) {
                if (depth >= XL_DEPTH_MAX) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "line %u: lists are nested deeper than %d times", value->line, XL_DEPTH_MAX);
                        return NULL;
                }
                value->list = true;
                value->items = g_ptr_array_new_with_free_func(value_free);
                return parse_items(parser, value, depth, error) ? g_steal_pointer(&value) : NULL;
        }
        if (parser->token.kind != XL_STRING && parser->token.kind != XL_NUMBER) {
                wrong(parser, error, "a quoted text, a number or '['");
                return NULL;
        }
        value->quote = parser->token.kind == XL_STRING ? parser->lexer.text[value->start] : '\0';
        value->text = xl_token_text(&parser->lexer, &parser->token);
        return advance(parser, error) ? g_steal_pointer(&value) : NULL;
}

/* xl adds a list to a list and a text to a text, and refuses the file otherwise. */
static bool store(Parser *parser, const char *name, bool add, XlValue *value, GError **error) {
        XlSetting *setting = g_hash_table_lookup(parser->file->settings, name);

        if (!setting) {
                setting = g_new0(XlSetting, 1);
                setting->name = g_strdup(name);
                setting->values = g_ptr_array_new_with_free_func(value_free);
                g_hash_table_insert(parser->file->settings, setting->name, setting);
        }
        if (!add)
                g_ptr_array_set_size(setting->values, 0);
        const XlValue *before = setting->values->len ? setting->values->pdata[0] : NULL;
        bool fits = !before || before->list == value->list;
        if (!fits)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "line %u: %s += adds a list to a text or a text to a list", value->line, name);
        g_ptr_array_add(setting->values, value);
        return fits;
}

static bool parse_assignment(Parser *parser, GError **error) {
        g_autofree char *name = xl_token_text(&parser->lexer, &parser->token);

        if (!advance(parser, error))
                return false;
        bool add = parser->token.kind == XL_ADD;
        if (!add && parser->token.kind != XL_ASSIGN)
                return wrong(parser, error, "'=' or '+='");
        if (!advance(parser, error))
                return false;
        XlValue *value = parse_value(parser, 0, error);
        return value && store(parser, name, add, value, error);
}

static bool ends_statement(const Parser *parser) {
        return parser->token.kind == XL_NEWLINE || parser->token.kind == XL_SEMICOLON || parser->token.kind == XL_END;
}

static bool parse_statements(Parser *parser, GError **error) {
        if (!advance(parser, error))
                return false;
        while (parser->token.kind != XL_END) {
                if (parser->token.kind == XL_NAME) {
                        if (!parse_assignment(parser, error))
                                return false;
                        if (!ends_statement(parser))
                                return wrong(parser, error, "the line's end or ';'");
                } else if (!ends_statement(parser))
                        return wrong(parser, error, "an option as in name = 'web1'");
                else if (!advance(parser, error))
                        return false;
        }
        return true;
}

XlFile *xl_file_parse(const char *text, size_t length, GError **error) {
        if (length > XL_BYTES_MAX) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "it has %zu bytes, which no domain's configuration has (at most %d)", length, XL_BYTES_MAX);
                return NULL;
        }
        const char *nul = length ? memchr(text, '\0', length) : NULL;
        if (nul) {
                unsigned line = 1;
                for (const char *at = text; at < nul; at++)
                        line += *at == '\n';
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "line %u: a NUL byte, which no text has", line);
                return NULL;
        }
        g_autoptr(XlFile) file = g_new0(XlFile, 1);
        file->text = length ? text : "";
        file->length = length;
        file->settings = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, setting_free);
        Parser parser = {.lexer = {.text = file->text, .length = length, .line = 1}, .file = file};
        return parse_statements(&parser, error) ? g_steal_pointer(&file) : NULL;
}

const XlSetting *xl_file_find(const XlFile *file, const char *name) {
        return g_hash_table_lookup(file->settings, name);
}

char *xl_file_string(const XlFile *file, const char *name) {
        const XlSetting *setting = xl_file_find(file, name);

        if (!setting || ((const XlValue *) setting->values->pdata[0])->list)
                return NULL;
        GString *out = g_string_new(NULL);
        for (unsigned i = 0; i < setting->values->len; i++)
                g_string_append(out, ((const XlValue *) setting->values->pdata[i])->text);
        return g_string_free(out, FALSE);
}

/* With "+=" xl takes no number (xlu_cfg_get_bounded_long). */
bool xl_file_number(const XlFile *file, const char *name, gint64 *ret) {
        const XlSetting *setting = xl_file_find(file, name);
        g_autofree char *text = setting && setting->values->len == 1 ? xl_file_string(file, name) : NULL;
        char *end = NULL;

        if (!text)
                return false;
        errno = 0;
        gint64 number = g_ascii_strtoll(text, &end, 0);
        if (errno || end == text || *end)
                return false;
        *ret = number;
        return true;
}
