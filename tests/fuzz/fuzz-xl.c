/* Any bytes as a domain's configuration file of xl's: a device that is put in is there, and nothing else is other; taken out again the
 * devices are as before, and so is every byte outside the lists. */
#include "xl/syntax.h"
#include "xl/xl.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char entry[] = "0000:01:10.0@a,permissive=1";
static const PciAddr host = {0, 1, 0x10, 0};

/* The entries of the list as xl would take them one after another, a line each; what is no text is "[]". With `but`, without that one. */
static char *entries(const XlFile *file, const char *but) {
        const XlSetting *pci = xl_file_find(file, "pci");
        GString *out = g_string_new(NULL);

        for (unsigned i = 0; pci && i < pci->values->len; i++) {
                const XlValue *list = pci->values->pdata[i];
                for (unsigned at = 0; list->list && at < list->items->len; at++) {
                        const XlValue *item = list->items->pdata[at];
                        if (!but || item->list || !g_str_equal(item->text, but))
                                g_string_append_printf(out, "%s\n", item->list ? "[]" : item->text);
                }
        }
        return g_string_free(out, FALSE);
}

/* What stands outside of the lists that count; the comments in them too, which stay. */
static char *outside(const XlFile *file) {
        const XlSetting *pci = xl_file_find(file, "pci");
        GString *out = g_string_new(NULL);
        size_t at = 0;

        for (unsigned i = 0; pci && i < pci->values->len; i++) {
                const XlValue *list = pci->values->pdata[i];
                if (!list->list)
                        continue;
                g_string_append_len(out, file->text + at, (gssize) (list->start + 1 - at));
                at = list->end - 1;
        }
        g_string_append_len(out, file->text + at, (gssize) (file->length - at));
        return g_string_free(out, FALSE);
}

static unsigned comments(const XlFile *file) {
        XlLexer lexer = {.text = file->text, .length = file->length, .line = 1};
        XlToken token = {.kind = XL_NEWLINE};
        unsigned count = 0;

        while (token.kind != XL_END) {
                bool ok = xl_lexer_next(&lexer, &token, NULL);
                g_assert_true(ok);
                count += token.kind == XL_NEWLINE && file->text[token.start] == '#';
        }
        return count;
}

static void same_comments(const XlFile *a, const XlFile *b) {
        unsigned in_a = comments(a), in_b = comments(b);
        g_assert_cmpuint(in_a, ==, in_b);
}

static XlFile *must_parse(const char *text) {
        XlFile *file = xl_file_parse(text, strlen(text), NULL);
        g_assert_nonnull(file);
        return file;
}

static void check_put(const XlFile *before, const char *text, size_t size) {
        g_autoptr(GError) error = NULL;
        g_autofree char *put = xl_config_put(text, size, entry, &error);

        g_assert_true(!put == !!error);
        if (!put || g_str_equal(put, text))
                return;
        g_autoptr(XlFile) after = must_parse(put);
        g_autofree char *was = entries(before, entry);
        g_autofree char *now = entries(after, entry);
        g_autofree char *all = entries(after, NULL);
        g_assert_cmpstr(was, ==, now);
        g_assert_nonnull(strstr(all, entry));
        same_comments(before, after);
        if (xl_file_find(before, "pci")) {
                g_autofree char *out_before = outside(before);
                g_autofree char *out_after = outside(after);
                g_assert_cmpstr(out_before, ==, out_after);
        } else
                g_assert_true(g_str_has_prefix(put, text));
        g_autofree char *back = xl_config_take_out(put, strlen(put), host, &error);
        g_assert_no_error(error);
        g_autoptr(XlFile) again = must_parse(back);
        g_autofree char *left = entries(again, NULL);
        g_assert_cmpstr(left, ==, was);
        same_comments(again, before);
}

static void check_take_out(const XlFile *before, const char *text, size_t size, PciAddr of) {
        g_autoptr(GError) error = NULL;
        g_autofree char *out = xl_config_take_out(text, size, of, &error);

        g_assert_true(!out == !!error);
        if (!out)
                return;
        g_autoptr(XlFile) after = must_parse(out);
        g_autofree char *out_before = outside(before);
        g_autofree char *out_after = outside(after);
        g_assert_cmpstr(out_before, ==, out_after);
        same_comments(before, after);
}

static void check_device(const char *text, size_t size) {
        XenDevice device, again;

        if (!xl_device_parse(text, size, &device, NULL))
                return;
        g_autofree char *written = xl_device_format(&device);
        g_assert_true(xl_device_parse(written, strlen(written), &again, NULL));
        g_autofree char *same = xl_device_format(&again);
        g_assert_cmpstr(written, ==, same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autofree char *text = g_strndup(size ? (const char *) data : "", size);
        g_autoptr(GError) error = NULL;
        g_autoptr(XlFile) file = xl_file_parse((const char *) data, size, &error);

        check_device(text, size);
        xl_config_permissive(text, size);
        g_autoptr(GuestInfo) info = xl_config_parse((const char *) data, size, NULL);
        g_assert_true(!file == !!error && (file || !info));
        if (!file)
                return 0;
        check_put(file, text, size);
        check_take_out(file, text, size, host);
        for (unsigned i = 0; info && i < info->defined->len && i < 4; i++)
                check_take_out(file, text, size, ((const GuestDevice *) info->defined->pdata[i])->host);
        return 0;
}
