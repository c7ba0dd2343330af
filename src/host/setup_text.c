/* What the parsers of configuration files share: lines, sections, and writes to sysfs in shell text. */
#include "host/mechanisms.h"

#include "base/parse.h"
#include "host/text_parsers.h"
#include "model/pci.h"

#include <string.h>

#define LINE_MAX_BYTES 8192u

/* ---- lines ---- */

Lines lines_begin(const char *bytes, size_t length, bool joins) {
        return (Lines) {.at = bytes, .end = bytes + length, .next = 1, .joins = joins, .text = g_string_new(NULL)};
}

void lines_clear(Lines *lines) {
        if (lines->text)
                g_string_free(lines->text, TRUE);
        lines->text = NULL;
}

/* Appends the raw line at `at`, and says whether it ended in a backslash that joins it with the next. */
static bool append_line(Lines *lines) {
        const char *newline = memchr(lines->at, '\n', (size_t) (lines->end - lines->at));
        const char *stop = newline ? newline : lines->end, *start = lines->at;

        lines->at = newline ? newline + 1 : lines->end;
        lines->next++;
        while (stop > start && g_ascii_isspace(stop[-1]))
                stop--;
        while (start < stop && g_ascii_isspace(*start))
                start++;
        bool joins = lines->joins && stop > start && stop[-1] == '\\';
        g_string_append_len(lines->text, start, stop - start - joins);
        return joins && lines->at < lines->end;
}

bool lines_next(Lines *lines) {
        while (lines->at < lines->end) {
                const char *begin = lines->at;
                g_string_truncate(lines->text, 0);
                lines->number = lines->next;
                bool goes_on = append_line(lines);
                for (lines->indent = 0; begin + lines->indent < lines->end && begin[lines->indent] == ' ';)
                        lines->indent++;
                /* A comment does not go on: a backslash at its end would swallow the line below for udev as for us. */
                while (goes_on && lines->text->len < LINE_MAX_BYTES && lines->text->str[0] != '#') {
                        g_string_append_c(lines->text, ' ');
                        goes_on = append_line(lines);
                }
                if (lines->text->len && lines->text->len < LINE_MAX_BYTES &&
                    !memchr(lines->text->str, 0, lines->text->len))
                        return true;
        }
        return false;
}

Ini ini_begin(const char *bytes, size_t length) {
        return (Ini) {.lines = lines_begin(bytes, length, true), .section = g_strdup("")};
}

void ini_clear(Ini *ini) {
        lines_clear(&ini->lines);
        g_clear_pointer(&ini->section, g_free);
}

bool ini_next(Ini *ini) {
        while (lines_next(&ini->lines)) {
                char *text = ini->lines.text->str;
                size_t length = ini->lines.text->len;
                ini->key = ini->value = "";
                ini->begins = text[0] == '[' && text[length - 1] == ']';
                if (ini->begins) {
                        g_free(ini->section);
                        ini->section = g_strndup(text + 1, length - 2);
                        return true;
                }
                char *equals = strchr(text, '=');
                if (text[0] == '#' || text[0] == ';' || !equals)
                        continue;
                *equals = 0;
                ini->key = g_strchomp(text);
                ini->value = g_strchug(equals + 1);
                return true;
        }
        return false;
}

/* ---- small things ---- */

Mechanism *mechanism_add(Setup *setup, MechanismKind kind, const char *path, unsigned line, unsigned sets, const char *text) {
        if (setup->mechanisms->len >= MECHANISMS_MAX)
                return NULL;
        Mechanism *mechanism = setup_add_mechanism(setup, kind, path, line);
        mechanism->sets = sets;
        if (text) {
                g_autofree char *cut = g_strndup(text, MECHANISM_TEXT_MAX);
                mechanism->text = text_printable(cut);
        }
        return mechanism;
}

int64_t count_parse(const char *text) {
        uint64_t count;
        return text && parse_uint(text, 10, 0, UINT16_MAX, &count) ? (int64_t) count : -1;
}

bool name_ok(const char *text, size_t length) {
        if (length == 0 || length > 128)
                return false;
        for (size_t i = 0; i < length; i++)
                if (g_ascii_isspace(text[i]) || !g_ascii_isprint(text[i]) || strchr("/$%\"'`;&<>{}\\", text[i]))
                        return false;
        return true;
}

bool bdf_pattern(const char *text, size_t length, char **ret) {
        char plain[64];
        size_t n = 0, colons = 0, points = 0;

        for (size_t i = 0; i < length; i++) {
                if (text[i] == '\\')
                        continue;
                if (n + 1 >= sizeof plain || !(g_ascii_isxdigit(text[i]) || strchr(":.*?[]-", text[i])))
                        return false;
                colons += text[i] == ':';
                points += text[i] == '.';
                plain[n++] = text[i];
        }
        plain[n] = 0;
        if (colons < 1 || colons > 2 || points != 1)
                return false;
        g_autofree char *whole = colons == 1 ? g_strconcat("0000:", plain, NULL) : g_strdup(plain);
        PciAddr addr;
        if (!strpbrk(whole, "*?[") && !pci_addr_parse(whole, &addr))
                return false;
        g_free(*ret);
        *ret = g_ascii_strdown(whole, -1);
        return true;
}

void add_alternative(char **list, const char *text) {
        if (!*text || strlen(text) + (*list ? strlen(*list) : 0) > 512)
                return;
        char *joined = *list ? g_strconcat(*list, "|", text, NULL) : g_strdup(text);
        g_free(*list);
        *list = joined;
}

bool bytes_have(const char *bytes, size_t length, const char *needle) {
        return length && memmem(bytes, length, needle, strlen(needle));
}

/* ---- writes to sysfs in shell text ---- */

void attr_write_clear(AttrWrite *write) {
        g_clear_pointer(&write->netdev, g_free);
        g_clear_pointer(&write->bdf, g_free);
        g_clear_pointer(&write->driver, g_free);
        g_clear_pointer(&write->value, g_free);
}

void attr_path_parse(const char *path, size_t length, AttrWrite *ret) {
        const char *end = path + length, *previous = "";
        size_t previous_length = 0;

        for (const char *part = path, *next; part < end; part = next + 1) {
                next = memchr(part, '/', (size_t) (end - part));
                if (!next)
                        next = end;
                size_t n = (size_t) (next - part);
                char *bdf = NULL;
                if (bdf_pattern(part, n, &bdf)) { /* the last one counts: above it are its bridges */
                        g_free(ret->bdf);
                        ret->bdf = bdf;
                } else if (previous_length == 3 && memcmp(previous, "net", 3) == 0 && name_ok(part, n)) {
                        g_free(ret->netdev);
                        ret->netdev = g_strndup(part, n);
                } else if (previous_length == 7 && memcmp(previous, "drivers", 7) == 0 && name_ok(part, n) &&
                           !memchr(part, '*', n)) {
                        g_free(ret->driver);
                        ret->driver = g_strndup(part, n);
                }
                previous = part;
                previous_length = n;
        }
}

static bool is_path_char(char c) {
        return g_ascii_isalnum(c) || (c && strchr("_./:${}%*?-[]\\@", c));
}

static const char *back_over(const char *at, const char *start, const char *these) {
        while (at > start && strchr(these, at[-1]))
                at--;
        return at;
}

/* The word that ends at `end`, if `end` stands behind a word of this text. */
static bool word_before(const char *start, const char *end, const char *word) {
        size_t n = strlen(word);
        return (size_t) (end - start) >= n && memcmp(end - n, word, n) == 0 &&
               ((size_t) (end - start) == n || !g_ascii_isalnum(end[-(ptrdiff_t) n - 1]));
}

/* What is written to the path that begins at `path`: false when nothing is. */
static bool written_value(const char *start, const char *path, char **ret) {
        const char *at = back_over(path, start, " \t\"'");

        if (at > start && at[-1] == '>') {
                at = back_over(at, start, ">");
        } else {
                if (word_before(start, at, "-a"))
                        at = back_over(at - 2, start, " \t");
                if (!word_before(start, at, "tee"))
                        return false;
                at = back_over(at - 3, start, " \t");
                if (word_before(start, at, "sudo"))
                        at = back_over(at - 4, start, " \t");
                if (at == start || at[-1] != '|')
                        return false;
                at--;
        }
        at = back_over(at, start, " \t\"'");
        const char *end = at;
        while (at > start && (g_ascii_isalnum(at[-1]) || at[-1] == '_' || at[-1] == '-'))
                at--;
        bool variable = at > start && strchr("${", at[-1]);
        if (end > at && !variable && name_ok(at, (size_t) (end - at)))
                *ret = g_strndup(at, (size_t) (end - at));
        return true;
}

bool attr_write_next(const char **at, const char *line, const char *attribute, AttrWrite *ret) {
        size_t n = strlen(attribute);

        for (const char *found; (found = strstr(*at, attribute));) {
                const char *path = found;
                *at = found + n;
                if (g_ascii_isalnum(**at) || **at == '_')
                        continue;
                while (path > line && is_path_char(path[-1]))
                        path--;
                AttrWrite write = {0};
                if (!written_value(line, path, &write.value))
                        continue;
                attr_path_parse(path, (size_t) (found - path), &write);
                *ret = write;
                return true;
        }
        return false;
}

static void add_write(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *text, bool active,
                      const char *netdev, AttrWrite *write, unsigned sets) {
        Mechanism *m = mechanism_add(setup, kind, path, line, sets, text);
        if (!m)
                return;
        m->active = active;
        m->netdev = g_steal_pointer(&write->netdev);
        m->bdf = g_steal_pointer(&write->bdf);
        m->driver = g_steal_pointer(&write->driver);
        if (!m->netdev && !m->bdf)
                m->netdev = g_strdup(netdev);
        if (sets & SETS_NUMVFS)
                m->num_vfs = count_parse(write->value);
        else if (sets & SETS_DRIVER)
                m->to_driver = g_steal_pointer(&write->value);
}

/* The word after `at`, or NULL. */
static char *word_at(const char *at) {
        at += strspn(at, " \t");
        size_t n = strcspn(at, " \t;&|\"'");
        return name_ok(at, n) ? g_strndup(at, n) : NULL;
}

/* "ip link set [dev] enp1s0 vf 0 mac …": one command after the other, those of one device as one mechanism. */
static unsigned ip_commands(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *text, bool active,
                            const char *netdev) {
        const char *at = text;
        Mechanism *m = NULL;
        unsigned added = 0;

        while (added < 64 && (at = strstr(at, "link set "))) {
                at += strlen("link set ");
                const char *end = at + strcspn(at, ";&|\"'\n");
                at += strspn(at, " \t");
                if (g_str_has_prefix(at, "dev "))
                        at += strlen("dev ");
                const char *vf = g_strstr_len(at, end - at, " vf ");
                if (!vf)
                        continue;
                g_autofree char *name = word_at(at);
                const char *meant = name ? name : netdev;
                if (!m || g_strcmp0(m->netdev, meant) != 0) {
                        m = mechanism_add(setup, kind, path, line, SETS_VF_STATE, text);
                        if (!m)
                                return added;
                        m->active = active;
                        m->netdev = g_strdup(meant);
                        added++;
                }
                if (!ip_vf_parse(&m->vfs, vf, (size_t) (end - vf), &m->more))
                        more_add(&m->more, "VFs whose number is not told");
                at = end;
        }
        return added;
}

/* Those, and vfadm's own 'enable'. */
static unsigned commands(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *text, bool active,
                         const char *netdev) {
        unsigned added = ip_commands(setup, kind, path, line, text, active, netdev);
        const char *at = strstr(text, "vfadm enable ");
        g_autofree char *name = NULL;

        if (added || !at || (at > text && g_ascii_isalnum(at[-1])))
                return added;
        at += strlen("vfadm enable ");
        name = word_at(at);
        Mechanism *m = mechanism_add(setup, kind, path, line, SETS_NUMVFS, text);
        if (!m)
                return 0;
        m->active = active;
        if (name && !bdf_pattern(name, strlen(name), &m->bdf))
                m->netdev = g_steal_pointer(&name);
        at += strspn(at, " \t");
        at += strcspn(at, " \t");
        g_autofree char *count = word_at(at);
        m->num_vfs = count_parse(count);
        return 1;
}

unsigned shell_line_parse(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *text, bool active,
                          const char *netdev) {
        static const struct {
                const char *attribute;
                unsigned sets;
        } attributes[] = {{"sriov_numvfs", SETS_NUMVFS}, {"driver_override", SETS_DRIVER}};
        unsigned added = 0;

        if (text[0] == '#')
                return 0;
        for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
                const char *at = text;
                g_auto(AttrWrite) write = {0};
                while (added < 64 && attr_write_next(&at, text, attributes[i].attribute, &write)) {
                        add_write(setup, kind, path, line, text, active, netdev, &write, attributes[i].sets);
                        attr_write_clear(&write);
                        added++;
                }
        }
        return added + commands(setup, kind, path, line, text, active, netdev);
}

static bool same_target(const Mechanism *a, const Mechanism *b) {
        return g_strcmp0(a->path, b->path) == 0 && g_strcmp0(a->netdev, b->netdev) == 0 && g_strcmp0(a->bdf, b->bdf) == 0;
}

/* The line of what goes stays known, with those that it was noted for itself. */
static void note_zeros(Mechanism *later, const Mechanism *zero) {
        if (!later->zero_lines)
                later->zero_lines = g_array_new(FALSE, FALSE, sizeof(unsigned));
        g_array_append_val(later->zero_lines, zero->line);
        if (zero->zero_lines)
                g_array_append_vals(later->zero_lines, zero->zero_lines->data, zero->zero_lines->len);
}

void drop_zeros(Setup *setup, unsigned first) {
        for (unsigned i = first; i < setup->mechanisms->len;) {
                const Mechanism *m = setup->mechanisms->pdata[i];
                bool again = false;
                for (unsigned k = i + 1; m->sets == SETS_NUMVFS && m->num_vfs == 0 && k < setup->mechanisms->len && !again; k++) {
                        Mechanism *later = setup->mechanisms->pdata[k];
                        again = later->sets & SETS_NUMVFS && later->num_vfs != 0 && same_target(m, later);
                        if (again)
                                note_zeros(later, m);
                }
                if (again)
                        g_ptr_array_remove_index(setup->mechanisms, i);
                else
                        i++;
        }
}
