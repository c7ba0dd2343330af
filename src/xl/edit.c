/* Changes a domain's list of PCI devices in its configuration file. Every byte outside the list stays; within it comments stay, and a new
 * entry is written as the last one there is. */
#include "base/error.h"
#include "xl/syntax.h"
#include "xl/xl.h"

#include <string.h>

/* This part of the file becomes that text. */
typedef struct {
        size_t start, end;
        char *text; /* NULL: nothing */
} Change;

static void change_clear(void *data) {
        g_free(((Change *) data)->text);
}

static GArray *changes_new(void) {
        GArray *changes = g_array_new(FALSE, FALSE, sizeof(Change));
        g_array_set_clear_func(changes, change_clear);
        return changes;
}

static void add_change(GArray *changes, size_t start, size_t end, char *text) {
        Change change = {start, end, text};
        g_array_append_val(changes, change);
}

static int compare_changes(const void *a, const void *b) {
        const Change *x = a, *y = b;
        return x->start != y->start ? (x->start < y->start ? -1 : 1) : (x->end > y->end) - (x->end < y->end);
}

/* Of what is taken out twice the second time counts for what is left of it. */
static char *apply(const XlFile *file, GArray *changes) {
        GString *out = g_string_sized_new(file->length + 64);
        size_t at = 0;

        g_array_sort(changes, compare_changes);
        for (unsigned i = 0; i < changes->len; i++) {
                const Change *change = &g_array_index(changes, Change, i);
                if (change->start > at)
                        g_string_append_len(out, file->text + at, (gssize) (change->start - at));
                if (change->text)
                        g_string_append(out, change->text);
                at = MAX(at, change->end);
        }
        g_string_append_len(out, file->text + at, (gssize) (file->length - at));
        return g_string_free(out, FALSE);
}

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static size_t blanks_after(const XlFile *file, size_t at) {
        while (at < file->length && is_blank(file->text[at]))
                at++;
        return at;
}

static size_t blanks_before(const XlFile *file, size_t at) {
        while (at > 0 && is_blank(file->text[at - 1]))
                at--;
        return at;
}

static bool begins_line(const XlFile *file, size_t at) {
        return at == 0 || file->text[at - 1] == '\n';
}

static bool ends_line(const XlFile *file, size_t at) {
        return at < file->length && file->text[at] == '\n';
}

static bool has_line_end(const XlFile *file, size_t start, size_t end) {
        return memchr(file->text + start, '\n', end - start) != NULL;
}

/* In xl's quotes; what entries have are printable characters, by xl_device_parse(). */
static char *quoted(const char *entry, char quote) {
        GString *out = g_string_new(NULL);

        g_string_append_c(out, quote);
        for (const char *at = entry; *at; at++) {
                if (*at == quote || *at == '\\')
                        g_string_append_c(out, '\\');
                g_string_append_c(out, *at);
        }
        g_string_append_c(out, quote);
        return g_string_free(out, FALSE);
}

/* ---- putting in ---- */

/* Into a list that has nothing. */
static void put_first(const XlFile *file, const XlValue *list, const char *entry, GArray *changes) {
        g_autofree char *text = quoted(entry, '\'');
        size_t open = list->start + 1, close = list->end - 1;

        if (!has_line_end(file, open, close)) {
                add_change(changes, open, close, g_strdup_printf(" %s ", text));
                return;
        }
        /* Between a line's end and the bracket there are only blanks. As far in as the comment above, if there is one. */
        size_t line = blanks_before(file, close);
        size_t above = line - 1;
        while (!begins_line(file, above))
                above--;
        size_t word = blanks_after(file, above);
        if (above > open && file->text[word] == '#')
                add_change(changes, line, line, g_strdup_printf("%.*s%s\n", (int) (word - above), file->text + above, text));
        else
                add_change(changes, line, line, g_strdup_printf("%.*s    %s\n", (int) (close - line), file->text + line, text));
}

/* After the last entry, which has a line of its own. */
static void put_line(const XlFile *file, const XlValue *list, const XlValue *last, const char *text, GArray *changes) {
        size_t line = blanks_before(file, last->start);
        size_t end = last->comma ? last->comma + 1 : last->end;
        const char *comma = last->comma ? "," : "";
        g_autofree char *indent = g_strndup(file->text + line, last->start - line);
        const char *stop = memchr(file->text + end, '\n', list->end - 1 - end);

        if (stop) {
                size_t next = (size_t) (stop - file->text) + 1;
                if (!last->comma)
                        add_change(changes, end, end, g_strdup(","));
                add_change(changes, next, next, g_strdup_printf("%s%s%s\n", indent, text, comma));
        } else
                add_change(changes, end, end, g_strdup_printf("%s\n%s%s%s", last->comma ? "" : ",", indent, text, comma));
}

static void put_last(const XlFile *file, const XlValue *list, const char *entry, GArray *changes) {
        const XlValue *last = list->items->pdata[list->items->len - 1];
        const XlValue *before = list->items->len > 1 ? list->items->pdata[list->items->len - 2] : NULL;
        g_autofree char *text = quoted(entry, last->quote ? last->quote : '\'');
        bool tight = before && before->comma + 1 == last->start;

        if (begins_line(file, blanks_before(file, last->start)))
                put_line(file, list, last, text, changes);
        else if (last->comma)
                add_change(changes, last->comma + 1, last->comma + 1, g_strdup_printf("%s%s,", tight ? "" : " ", text));
        else
                add_change(changes, last->end, last->end, g_strdup_printf("%s%s", tight ? "," : ", ", text));
}

static char *put(const XlFile *file, const XlSetting *pci, const char *entry) {
        g_autoptr(GArray) changes = changes_new();

        if (pci) {
                const XlValue *list = pci->values->pdata[pci->values->len - 1];
                (list->items->len ? put_last : put_first)(file, list, entry, changes);
        } else {
                g_autofree char *text = quoted(entry, '\'');
                bool open = file->length > 0 && file->text[file->length - 1] != '\n';
                add_change(changes, file->length, file->length, g_strdup_printf("%spci = [ %s ]\n", open ? "\n" : "", text));
        }
        return apply(file, changes);
}

/* ---- taking out ---- */

/* The entry with the comma after it, and the blanks that then would be too many; its line too, if nothing else is there. A comment
 * between it and the comma stays. */
static void cut_entry(const XlFile *file, const XlValue *list, const XlValue *item, GArray *changes) {
        bool together = item->comma && !has_line_end(file, item->end, item->comma);
        size_t start = item->start, end = together ? item->comma + 1 : item->end;
        size_t before = blanks_before(file, start), after = blanks_after(file, end);

        if (item->comma && !together)
                add_change(changes, item->comma, item->comma + 1, NULL);
        if (begins_line(file, before) && before > list->start && ends_line(file, after))
                add_change(changes, before, after + 1, NULL);
        else if (begins_line(file, before))
                add_change(changes, start, after, NULL);
        else if (ends_line(file, after) || after == list->end - 1)
                add_change(changes, before, end, NULL);
        else
                add_change(changes, start, after, NULL);
}

static bool is_white(const char *text, size_t length) {
        for (size_t i = 0; i < length; i++)
                if (!g_ascii_isspace(text[i]))
                        return false;
        return true;
}

/* All entries are out: "[ ]", unless there are comments. */
static void cut_all(const XlFile *file, const XlValue *list, GArray *changes) {
        size_t open = list->start + 1, close = list->end - 1;
        const XlFile inner = {.text = file->text + open, .length = close - open};
        g_autoptr(GArray) shifted = changes_new();

        for (unsigned i = 0; i < changes->len; i++) {
                const Change *change = &g_array_index(changes, Change, i);
                add_change(shifted, change->start - open, MIN(change->end, close) - open, NULL);
        }
        g_autofree char *left = apply(&inner, shifted);
        if (is_white(left, strlen(left))) {
                g_array_set_size(changes, 0);
                add_change(changes, open, close, g_strdup(" "));
        }
}

static bool is_of(const XlValue *item, PciAddr host) {
        XenDevice device;
        return !item->list && xl_device_parse(item->text, strlen(item->text), &device, NULL) && pci_addr_equal(device.host, host);
}

/* The last entry, which has no comma: the one that is last then gets none either. All that is between the two goes too, unless there
 * are comments, or one after the entry would come to stand in the other's line. */
static void cut_last(const XlFile *file, const XlValue *list, const XlValue *kept, const XlValue *last, GArray *changes) {
        size_t comma = kept->comma, after = blanks_after(file, last->end);

        if (file->text[after] != '#' && !memchr(file->text + comma, '#', last->start - comma)) {
                add_change(changes, comma, last->end, NULL);
                return;
        }
        add_change(changes, comma, comma + 1, NULL);
        cut_entry(file, list, last, changes);
}

static void cut_from_list(const XlFile *file, const XlValue *list, PciAddr host, GArray *all) {
        g_autoptr(GArray) changes = changes_new();
        const XlValue *kept = NULL;

        for (unsigned i = 0; i < list->items->len; i++) {
                const XlValue *item = list->items->pdata[i];
                if (!is_of(item, host))
                        kept = item;
                else if (kept && !item->comma)
                        cut_last(file, list, kept, item, changes);
                else
                        cut_entry(file, list, item, changes);
        }
        if (!kept && changes->len)
                cut_all(file, list, changes);
        for (unsigned i = 0; i < changes->len; i++) {
                Change *change = &g_array_index(changes, Change, i);
                add_change(all, change->start, change->end, g_steal_pointer(&change->text));
        }
}

/* ---- what may be changed ---- */

static void wrong(GError **error, const XlValue *value, int code, const char *what) {
        g_set_error(error, VFADM_ERROR, code, "line %u: %s", value->line, what);
}

/* "01:10.*" of the same device: which functions those are depends on the host. */
static bool covers(const char *entry, PciAddr host) {
        g_autofree char *first = g_strdup(entry);
        char *star = strchr(first, '*');
        XenDevice device;

        if (!star)
                return false;
        *star = '0';
        if (!xl_device_parse(first, strlen(first), &device, NULL))
                return false;
        device.host.function = host.function;
        return pci_addr_equal(device.host, host);
}

/* Walks the entries for one that stands in the way of changing that of `host`. To put one in, xl must be able to read all of them.
 * *found: the entry of this function. */
static bool check_entries(const XlSetting *pci, PciAddr host, bool to_put, const XlValue **found, GError **error) {
        for (unsigned i = 0; i < pci->values->len; i++) {
                const XlValue *list = pci->values->pdata[i];
                if (!list->list) {
                        wrong(error, list, VFADM_ERROR_FAILED, "pci is a text and no list; write it as in pci = [ '01:10.0' ]");
                        return false;
                }
                for (unsigned at = 0; at < list->items->len; at++) {
                        const XlValue *item = list->items->pdata[at];
                        g_autoptr(GError) reason = NULL;
                        XenDevice device;
                        if (item->list && to_put) {
                                wrong(error, item, VFADM_ERROR_FAILED, "a list stands in pci = [ … ], and xl reads no further there; take it out");
                                return false;
                        }
                        if (item->list)
                                continue;
                        if (covers(item->text, host)) {
                                wrong(error, item, VFADM_ERROR_UNSUPPORTED, "the entry is for all functions of the device at once; name them one by one");
                                return false;
                        }
                        bool ok = xl_device_parse(item->text, strlen(item->text), &device, &reason);
                        if (!ok && to_put && !g_error_matches(reason, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED)) {
                                wrong(error, item, VFADM_ERROR_FAILED, reason->message);
                                return false;
                        }
                        if (ok && pci_addr_equal(device.host, host))
                                *found = item;
                }
        }
        return true;
}

/* Such a domain does not start with a device in its list (libxl__domain_config_setdefault). */
static bool check_passthrough(const XlFile *file, GError **error) {
        const XlSetting *setting = xl_file_find(file, "passthrough");
        g_autofree char *text = xl_file_string(file, "passthrough");

        if (!text || !g_str_equal(text, "disabled"))
                return true;
        wrong(error, setting->values->pdata[0], VFADM_ERROR_FAILED, "passthrough = 'disabled' keeps the domain from having devices; take the line out");
        return false;
}

static bool same_device(const XenDevice *a, const XenDevice *b) {
        g_autofree char *x = xl_device_format(a);
        g_autofree char *y = xl_device_format(b);
        return g_str_equal(x, y);
}

/* How often the function is in the list as xl will read it. */
static int count_of(const char *text, PciAddr host) {
        g_autoptr(XlFile) file = xl_file_parse(text, strlen(text), NULL);
        const XlSetting *pci = file ? xl_file_find(file, "pci") : NULL;
        int count = 0;

        for (unsigned i = 0; pci && i < pci->values->len; i++) {
                const XlValue *list = pci->values->pdata[i];
                for (unsigned at = 0; list->list && at < list->items->len; at++)
                        count += is_of(list->items->pdata[at], host);
        }
        return file ? count : -1;
}

/* What is written is read first: a file that xl would not take must not come of it. */
static char *checked(char *text, PciAddr host, int count, GError **error) {
        if (text && count_of(text, host) == count)
                return text;
        g_free(text);
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED, "its list of PCI devices cannot be changed safely; change it by hand");
        return NULL;
}

char *xl_config_put(const char *text, size_t length, const char *entry, GError **error) {
        g_autoptr(XlFile) file = xl_file_parse(text, length, error);
        const XlSetting *pci = file ? xl_file_find(file, "pci") : NULL;
        const XlValue *found = NULL;
        XenDevice device, there;

        if (!file || !xl_device_parse(entry, strlen(entry), &device, error) || !check_passthrough(file, error) ||
            (pci && !check_entries(pci, device.host, true, &found, error)))
                return NULL;
        if (!found)
                return checked(put(file, pci, entry), device.host, 1, error);
        if (xl_device_parse(found->text, strlen(found->text), &there, NULL) && same_device(&device, &there))
                return g_strndup(file->text, length);
        wrong(error, found, VFADM_ERROR_FAILED, "the list has this device already, with other options");
        return NULL;
}

char *xl_config_take_out(const char *text, size_t length, PciAddr host, GError **error) {
        g_autoptr(XlFile) file = xl_file_parse(text, length, error);
        const XlSetting *pci = file ? xl_file_find(file, "pci") : NULL;
        const XlValue *found = NULL;

        if (!file || (pci && !check_entries(pci, host, false, &found, error)))
                return NULL;
        if (!found)
                return g_strndup(file->text, length);
        g_autoptr(GArray) changes = changes_new();
        for (unsigned i = 0; i < pci->values->len; i++)
                cut_from_list(file, pci->values->pdata[i], host, changes);
        return checked(apply(file, changes), host, 0, error);
}
