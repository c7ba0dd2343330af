/* Files without what the configuration now says. */
#include "plan/retire.h"

#include <string.h>

typedef struct {
        char **lines; /* of the file; the last is empty where it ends in a newline */
        bool *gone;   /* one a line: it is to be a comment */
        char **instead; /* one a line: what follows it, or NULL */
        unsigned n;
} Edit;

static const char *trimmed(const char *line) {
        return line + strspn(line, " \t");
}

static bool joins_next(const char *line) {
        size_t n = strlen(line);

        while (n && g_ascii_isspace(line[n - 1]))
                n--;
        return n && line[n - 1] == '\\';
}

/* ---- lines ---- */

static unsigned drop_line(Edit *edit, unsigned line) {
        unsigned i = line - 1;

        for (; i < edit->n; i++) {
                edit->gone[i] = true;
                if (!joins_next(edit->lines[i]))
                        break;
        }
        return i - (line - 1) + 1;
}

/* The line with those that it goes on in. */
static char *joined_line(const Edit *edit, unsigned line) {
        GString *text = g_string_new(NULL);

        for (unsigned i = line - 1; i < edit->n; i++) {
                g_string_append(text, edit->lines[i]);
                if (!joins_next(edit->lines[i]))
                        break;
                g_string_truncate(text, (gsize) (strrchr(text->str, '\\') - text->str));
                g_string_append_c(text, ' ');
        }
        return g_string_free(text, FALSE);
}

/* "options igb max_vfs=7 debug=1": the other options stay. */
static bool drop_options(Edit *edit, unsigned line, const GPtrArray *mechanisms, char **why) {
        g_autofree char *text = joined_line(edit, line);
        g_auto(GStrv) words = g_strsplit_set(text, " \t", -1);
        g_autoptr(GString) rest = g_string_new(NULL);
        unsigned seen = 0, left = 0;

        for (char **word = words; *word; word++) {
                g_auto(GStrv) pair = g_strsplit(*word, "=", 2);
                bool drop = false;
                if (!**word)
                        continue;
                for (unsigned i = 0; seen >= 2 && i < mechanisms->len; i++) {
                        const Mechanism *m = mechanisms->pdata[i];
                        drop = drop || (m->line == line && g_strcmp0(m->option, pair[0]) == 0);
                }
                left += !drop && seen >= 2;
                if (!drop)
                        g_string_append_printf(rest, "%s%s", rest->len ? " " : "", *word);
                seen++;
        }
        if (left && joins_next(edit->lines[line - 1])) {
                *why = g_strdup("the option stands among others that go on in the next line");
                return false;
        }
        drop_line(edit, line);
        if (left)
                edit->instead[line - 1] = g_strdup(rest->str);
        return true;
}

/* ---- sections ---- */

static bool is_head(const char *line) {
        return *trimmed(line) == '[';
}

/* All sections of this name, "[sriov]", their comments and empty lines aside. */
static void drop_sections(Edit *edit, const char *head) {
        bool inside = false;

        for (unsigned i = 0; i < edit->n; i++) {
                const char *line = trimmed(edit->lines[i]);
                if (is_head(line))
                        inside = g_str_has_prefix(line, head);
                if (inside && *line && *line != '#' && *line != ';')
                        edit->gone[i] = true;
        }
}

static void drop_keys(Edit *edit, const char *key) {
        for (unsigned i = 0; i < edit->n; i++) {
                const char *line = trimmed(edit->lines[i]);
                if (g_str_has_prefix(line, key))
                        drop_line(edit, i + 1);
        }
}

/* ---- the whole ---- */

bool retire_knows(MechanismKind kind) {
        static const bool known[MECH_KINDS] = {
                [MECH_MODPROBE] = true, [MECH_UDEV] = true, [MECH_LINK] = true,  [MECH_NETWORK] = true,
                [MECH_NM] = true,       [MECH_TMPFILES] = true, [MECH_SYSFS] = true, [MECH_DRIVERCTL] = true,
        };
        return known[kind];
}

static bool drop(Edit *edit, const Mechanism *m, const GPtrArray *mechanisms, char **why) {
        switch (m->kind) {
        case MECH_MODPROBE:
                return drop_options(edit, m->line, mechanisms, why);
        case MECH_UDEV:
        case MECH_TMPFILES:
        case MECH_SYSFS:
                drop_line(edit, m->line);
                /* Alone, they would take the VFs away. */
                for (unsigned i = 0; m->zero_lines && i < m->zero_lines->len; i++)
                        drop_line(edit, g_array_index(m->zero_lines, unsigned, i));
                return true;
        case MECH_LINK:
        case MECH_NETWORK:
                drop_sections(edit, "[SR-IOV]");
                drop_keys(edit, "SR-IOVVirtualFunctions");
                return true;
        case MECH_NM:
                if (g_str_has_prefix(m->path, "etc/sysconfig/"))
                        drop_keys(edit, "SRIOV_");
                else if (strstr(m->path, "/system-connections/"))
                        drop_sections(edit, "[sriov]");
                else
                        drop_line(edit, m->line);
                return true;
        default:
                *why = g_strdup_printf("a %s is no text that could be edited", mechanism_word(m->kind));
                return false;
        }
}

static char *join(const Edit *edit) {
        GString *out = g_string_new(NULL);

        for (unsigned i = 0; i < edit->n; i++) {
                const char *end = i + 1 < edit->n ? "\n" : "";
                g_string_append_printf(out, "%s%s%s", edit->gone[i] ? RETIRED : "", edit->lines[i], end);
                if (edit->instead[i])
                        g_string_append_printf(out, "%s%s%s", *end ? "" : "\n", edit->instead[i], end);
        }
        return g_string_free(out, FALSE);
}

char *retire_text(const char *text, const GPtrArray *mechanisms, char **why) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        Edit edit = {.lines = lines, .n = g_strv_length(lines)};
        char *result = NULL;
        bool ok = true;

        edit.gone = g_new0(bool, edit.n + 1);
        edit.instead = g_new0(char *, edit.n + 1);
        for (unsigned i = 0; ok && i < mechanisms->len; i++) {
                const Mechanism *m = mechanisms->pdata[i];
                if (m->line > edit.n) {
                        *why = g_strdup("it has fewer lines than that");
                        ok = false;
                } else if (m->line == 0 || !edit.gone[m->line - 1]) { /* one line may hold several */
                        ok = drop(&edit, m, mechanisms, why);
                }
        }
        if (ok)
                result = join(&edit);
        for (unsigned i = 0; i < edit.n; i++)
                g_free(edit.instead[i]);
        g_free(edit.instead);
        g_free(edit.gone);
        return result;
}
