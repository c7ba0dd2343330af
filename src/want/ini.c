/* Key files, read line by line. */
#include "want/ini.h"

#include "base/error.h"

#include <string.h>

enum { LINE_MAX_BYTES = 4096 };

static void entry_free(IniEntry *entry) {
        g_free(entry->key);
        g_free(entry->value);
        g_free(entry);
}

static void section_free(IniSection *section) {
        g_free(section->kind);
        g_free(section->name);
        g_ptr_array_unref(section->entries);
        g_free(section);
}

bool ini_wrong(GError **error, const char *path, unsigned line, const char *format, ...) {
        va_list args;

        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        /* What stands there is shown, whatever it is; an error is one line. */
        g_autofree char *shown = g_strescape(text, "\"'\\");
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "/%s, line %u: %s", path, line, shown);
        return false;
}

/* "[Kind name]" */
static bool open_section(const IniText *text, unsigned line, char *head, GPtrArray *sections, GError **error) {
        size_t length = strlen(head);

        if (head[length - 1] != ']')
                return ini_wrong(error, text->path, line, "'%.80s' is no section: ']' is missing", head);
        if (sections->len == INI_SECTIONS_MAX)
                return ini_wrong(error, text->path, line, "there are more than %d sections", INI_SECTIONS_MAX);
        head[length - 1] = '\0';
        const char *kind = g_strstrip(head + 1);
        size_t n = strcspn(kind, " \t");
        IniSection *section = g_new0(IniSection, 1);
        section->line = line;
        section->kind = g_strndup(kind, n);
        section->name = g_strstrip(g_strdup(kind + n));
        section->entries = g_ptr_array_new_with_free_func((GDestroyNotify) entry_free);
        g_ptr_array_add(sections, section);
        return true;
}

static bool take_entry(const IniText *text, unsigned line, const char *typed, GPtrArray *sections, GError **error) {
        const char *equals = strchr(typed, '=');

        if (!equals || equals == typed)
                return ini_wrong(error, text->path, line, "'%.80s' is neither a section nor Key=value", typed);
        if (sections->len == 0)
                return ini_wrong(error, text->path, line, "'%.80s' stands before the first [section]", typed);
        IniSection *section = sections->pdata[sections->len - 1];
        IniEntry *entry = g_new0(IniEntry, 1);
        entry->line = line;
        entry->key = g_strstrip(g_strndup(typed, (size_t) (equals - typed)));
        entry->value = g_strstrip(g_strdup(equals + 1));
        g_ptr_array_add(section->entries, entry);
        return true;
}

static bool take_line(const IniText *text, unsigned line, char *typed, GPtrArray *sections, GError **error) {
        g_strstrip(typed);
        if (!*typed || *typed == '#' || *typed == ';')
                return true;
        return *typed == '[' ? open_section(text, line, typed, sections, error)
                             : take_entry(text, line, typed, sections, error);
}

GPtrArray *ini_parse(const IniText *text, GError **error) {
        g_autoptr(GPtrArray) sections = g_ptr_array_new_with_free_func((GDestroyNotify) section_free);
        const char *rest = text->length ? text->text : "", *end = rest + text->length;

        for (unsigned line = 1; rest < end; line++) {
                const char *stop = memchr(rest, '\n', (size_t) (end - rest));
                size_t n = (size_t) ((stop ? stop : end) - rest);
                if (n > LINE_MAX_BYTES || memchr(rest, '\0', n) || !g_utf8_validate(rest, (gssize) n, NULL)) {
                        ini_wrong(error, text->path, line, "this line is no text, or longer than %d bytes",
                                  LINE_MAX_BYTES);
                        return NULL;
                }
                g_autofree char *copy = g_strndup(rest, n);
                if (!take_line(text, line, copy, sections, error))
                        return NULL;
                if (!stop)
                        break;
                rest = stop + 1;
        }
        return g_steal_pointer(&sections);
}
