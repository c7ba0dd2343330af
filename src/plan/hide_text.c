/* What says at boot which functions Xen's pciback hides. */
#include "plan/hide_text.h"

#include "model/pciback_hide.h"

#include <string.h>

static const char head[] = "# Written by 'vfadm bind --boot'; 'vfadm unbind --boot' takes a device out again.";
static const char options[] = "options xen-pciback hide=";
static const char softdep_end[] = " pre: xen-pciback";
static const char mark[] = "# 'vfadm bind --boot': before the drivers of the devices that it hides";

/* ---- the list ---- */

void hidden_free(void *data) {
        Hidden *hidden = data;
        g_strfreev(hidden->modules);
        g_free(hidden);
}

const Hidden *hidden_find(const GPtrArray *list, PciAddr dev) {
        for (unsigned i = 0; i < list->len; i++)
                if (pci_addr_equal(((const Hidden *) list->pdata[i])->dev, dev))
                        return list->pdata[i];
        return NULL;
}

static int by_address(const void *a, const void *b) {
        return pci_addr_compare((*(Hidden *const *) a)->dev, (*(Hidden *const *) b)->dev);
}

void hidden_add(GPtrArray *list, PciAddr dev, char *const *modules) {
        Hidden *hidden = (Hidden *) hidden_find(list, dev);

        if (!hidden) {
                hidden = g_new0(Hidden, 1);
                hidden->dev = dev;
                g_ptr_array_add(list, hidden);
                g_ptr_array_sort(list, by_address);
        }
        if (!modules)
                return;
        g_strfreev(hidden->modules);
        hidden->modules = g_strdupv((char **) modules);
}

bool hidden_remove(GPtrArray *list, PciAddr dev) {
        return g_ptr_array_remove(list, (void *) hidden_find(list, dev));
}

bool hide_value_parse(const char *value, GPtrArray *list) {
        while (*value == '(') {
                const char *end = strchr(value, ')');
                g_autofree char *text = end ? g_strndup(value + 1, (size_t) (end - value - 1)) : NULL;
                PciAddr addr;
                if (!text || !pci_addr_parse(text, &addr))
                        return false;
                hidden_add(list, addr, NULL);
                value = end + 1;
        }
        return *value == '\0' && list->len > 0;
}

char *hide_value_format(const GPtrArray *list) {
        g_autoptr(GString) text = g_string_new(NULL);
        char name[PCI_ADDR_TEXT_SIZE];

        for (unsigned i = 0; i < list->len; i++) {
                pci_addr_format(((const Hidden *) list->pdata[i])->dev, name);
                g_string_append_printf(text, "(%s)", name);
        }
        return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

bool hide_value_means(const char *value, PciAddr dev) {
        g_autoptr(GArray) patterns = NULL;
        bool means = false;

        if (!pciback_hide_parse(value, &patterns, NULL, NULL))
                return false;
        for (unsigned i = 0; i < patterns->len; i++)
                means |= pciback_pattern_fits(&g_array_index(patterns, PcibackPattern, i), dev);
        return means;
}

/* ---- modprobe.d ---- */

/* "# 0000:01:10.0: igbvf", which tells whose drivers the softdep lines are. */
static bool parse_device_line(const char *line, PciAddr *ret, char ***ret_modules) {
        const char *end = g_str_has_prefix(line, "# ") ? strstr(line, ": ") : NULL;
        g_autofree char *bdf = end ? g_strndup(line + 2, (size_t) (end - line - 2)) : NULL;

        if (!bdf || strlen(bdf) < strlen("0000:00:00.0") || !pci_addr_parse(bdf, ret))
                return false;
        *ret_modules = g_strsplit(end + 2, " ", -1);
        return true;
}

static bool is_softdep(const char *line) {
        return g_str_has_prefix(line, "softdep ") && g_str_has_suffix(line, softdep_end) &&
               strcspn(line + strlen("softdep "), " ") + strlen("softdep ") + strlen(softdep_end) == strlen(line);
}

bool hide_conf_parse(const char *text, GPtrArray *list) {
        g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
        bool ok = true;

        for (char **line = lines; *line; line++)
                if (g_str_has_prefix(*line, options))
                        ok = ok && hide_value_parse(*line + strlen(options), list);
        for (char **line = lines; *line; line++) {
                g_auto(GStrv) modules = NULL;
                PciAddr dev;
                if (parse_device_line(*line, &dev, &modules) && hidden_find(list, dev))
                        hidden_add(list, dev, modules);
        }
        return ok;
}

/* Lines of a softdep that no device of the list explains: those of one whose drivers are not told stay as long as it is hidden. */
static void keep_softdeps(const char *text, const GPtrArray *list, GPtrArray *modules) {
        g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
        bool untold = false;

        for (unsigned i = 0; i < list->len; i++)
                untold |= !((const Hidden *) list->pdata[i])->modules;
        for (char **line = lines; untold && *line; line++)
                if (is_softdep(*line))
                        g_ptr_array_add(modules, g_strndup(*line + strlen("softdep "), strcspn(*line + strlen("softdep "), " ")));
}

static int by_name(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static void format_ours(const char *text, const GPtrArray *list, GString *out) {
        g_autoptr(GPtrArray) modules = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *value = hide_value_format(list);
        char name[PCI_ADDR_TEXT_SIZE];

        g_string_append_printf(out, "%s\n", head);
        keep_softdeps(text, list, modules);
        for (unsigned i = 0; i < list->len; i++) {
                const Hidden *hidden = list->pdata[i];
                g_autofree char *names = hidden->modules ? g_strjoinv(" ", hidden->modules) : NULL;
                pci_addr_format(hidden->dev, name);
                if (names && *names)
                        g_string_append_printf(out, "# %s: %s\n", name, names);
                for (char **module = hidden->modules; module && *module; module++)
                        g_ptr_array_add(modules, g_strdup(*module));
        }
        g_string_append_printf(out, "%s%s\n", options, value);
        g_ptr_array_sort(modules, by_name);
        for (unsigned i = 0; i < modules->len; i++)
                if (i == 0 || !g_str_equal(modules->pdata[i], modules->pdata[i - 1]))
                        g_string_append_printf(out, "softdep %s%s\n", (const char *) modules->pdata[i], softdep_end);
}

char *hide_conf_format(const char *text, const GPtrArray *list) {
        g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
        g_autoptr(GString) out = g_string_new(NULL);

        if (list->len)
                format_ours(text, list, out);
        for (char **line = lines; *line; line++) {
                g_auto(GStrv) modules = NULL;
                PciAddr dev;
                if (!**line || g_str_equal(*line, head) || g_str_has_prefix(*line, options) || is_softdep(*line) || parse_device_line(*line, &dev, &modules))
                        continue;
                g_string_append_printf(out, "%s\n", *line);
        }
        return out->len ? g_string_free(g_steal_pointer(&out), FALSE) : NULL;
}

/* ---- initramfs-tools ---- */

static bool is_pciback(const char *line) {
        g_autofree char *name = g_strndup(line, strcspn(line, " \t"));
        return g_str_equal(g_strdelimit(name, "-", '_'), "xen_pciback");
}

char *hide_modules_put(const char *text) {
        g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
        const char *newline = text && *text && !g_str_has_suffix(text, "\n") ? "\n" : "";

        for (char **line = lines; *line; line++)
                if (is_pciback(*line))
                        return g_strdup(text);
        return g_strdup_printf("%s%s%s\nxen-pciback\n", text ? text : "", newline, mark);
}

char *hide_modules_take(const char *text) {
        g_autofree char *ours = g_strconcat(mark, "\nxen-pciback\n", NULL);
        const char *at = text ? strstr(text, ours) : NULL;

        if (!at || (at != text && at[-1] != '\n'))
                return g_strdup(text);
        char *without = g_strdup_printf("%.*s%s", (int) (at - text), text, at + strlen(ours));
        if (!*without)
                g_clear_pointer(&without, g_free);
        return without;
}
