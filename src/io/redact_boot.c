/* What of a host's boot configuration a record may keep: parameters, but not the value of one whose key smells of a secret, and
 * of menus nothing else, since a password's hash stands there. */
#include "io/redact.h"

#include "io/internal.h"

#include <string.h>

static const char separators[] = " \t\r\n\"'\\,";

static bool is_secret(const char *key, size_t length) {
        g_autofree char *text = g_ascii_strdown(key, (gssize) length);
        for (size_t i = 0; i < G_N_ELEMENTS(io_secret_hints); i++)
                if (strstr(text, io_secret_hints[i]))
                        return true;
        return false;
}

/* The end of a value at `at`: of a quoted one after its closing quote, which may be escaped as it was at the beginning. */
static size_t value_end(const char *text, size_t at) {
        size_t quote = at + (text[at] == '\\');
        if (text[quote] != '"' && text[quote] != '\'')
                return at + strcspn(text + at, " \t\r\n\"'\\");
        const char *end = strchr(text + quote + 1, text[quote]);
        return end ? (size_t) (end - text) + 1 : strlen(text);
}

char *redact_boot_words(const char *text) {
        GString *out = g_string_new(NULL);

        for (size_t at = 0; text[at];) {
                size_t blank = strspn(text + at, separators);
                g_string_append_len(out, text + at, (gssize) blank);
                at += blank;
                size_t length = strcspn(text + at, separators), key = strcspn(text + at, "=");
                if (key >= length || !is_secret(text + at, key)) {
                        g_string_append_len(out, text + at, (gssize) length);
                        at += length;
                        continue;
                }
                g_string_append_len(out, text + at, (gssize) key);
                g_string_append(out, "=hidden");
                at = value_end(text, at + key + 1);
        }
        return g_string_free(out, FALSE);
}

/* Of a menu, of an entry of the boot loader specification, of grubenv, of the kernel's configuration. */
static bool may_keep_line(const char *line) {
        static const char *const starts[] = {"menuentry ", "submenu ", "linux", "options ", "set default=", "title ", "version ", "kernelopts=", "saved_entry=", "}",
                                           "CONFIG_INTEL_IOMMU", "CONFIG_XEN_PCIDEV_BACKEND="};
        line += strspn(line, " \t");
        for (size_t i = 0; i < G_N_ELEMENTS(starts); i++)
                if (g_str_has_prefix(line, starts[i]))
                        return true;
        return false;
}

GBytes *redact_boot(const char *path, const char *bytes, size_t length) {
        bool menu = g_str_has_prefix(path, "boot/") || g_str_has_prefix(path, "efi/");
        bool config = g_str_has_prefix(path, "etc/default/grub") || g_str_has_prefix(path, "etc/kernel/") || g_str_has_prefix(path, "etc/kernelstub/");

        if (!menu && !config)
                return NULL;
        if (length && memchr(bytes, 0, length)) /* no text */
                return g_bytes_new(NULL, 0);
        g_autofree char *text = g_strndup(length ? bytes : "", length);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; menu && *line; line++)
                if (!may_keep_line(*line))
                        **line = 0;
        g_autofree char *joined = g_strjoinv("\n", lines);
        char *kept = redact_boot_words(joined);
        return g_bytes_new_take(kept, strlen(kept));
}
