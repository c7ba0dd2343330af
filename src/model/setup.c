/* How a host was set up: building and freeing it, and the words of the kernel's command line. */
#include "model/setup.h"

#include <string.h>

static void mechanism_free(void *data) {
        Mechanism *mechanism = data;
        g_free(mechanism->path);
        g_free(mechanism->text);
        g_free(mechanism->driver);
        g_free(mechanism->netdev);
        g_free(mechanism->bdf);
        g_free(mechanism->to_driver);
        g_free(mechanism->option);
        g_free(mechanism->more);
        g_clear_pointer(&mechanism->vfs, g_array_unref);
        g_clear_pointer(&mechanism->zero_lines, g_array_unref);
        g_free(mechanism);
}

static void tool_free(void *data) {
        Tool *tool = data;
        g_free(tool->name);
        g_free(tool->version);
        g_free(tool);
}

static void pciback_word_free(void *data) {
        PcibackWord *word = data;
        g_free(word->path);
        g_free(word->name);
        g_free(word->value);
        g_free(word);
}

PcibackWord *setup_add_pciback(Setup *setup, PcibackPlace place, const char *path, unsigned line, const char *name, const char *value) {
        PcibackWord *word = g_new(PcibackWord, 1);
        *word = (PcibackWord) {place, g_strdup(path), line, g_strdup(name), g_strdup(value)};
        g_ptr_array_add(setup->xen.words, word);
        return word;
}

Setup *setup_new(void) {
        Setup *setup = g_new0(Setup, 1);
        setup->dmar.reserved = g_array_new(FALSE, TRUE, sizeof(ReservedMemory));
        setup->ivrs.reserved = g_array_new(FALSE, TRUE, sizeof(ReservedMemory));
        setup->iommus = g_ptr_array_new_with_free_func(g_free);
        setup->modules = g_ptr_array_new_with_free_func(g_free);
        setup->mechanisms = g_ptr_array_new_with_free_func(mechanism_free);
        setup->texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        setup->tools = g_ptr_array_new_with_free_func(tool_free);
        setup->xen.words = g_ptr_array_new_with_free_func(pciback_word_free);
        return setup;
}

static void boot_clear(BootConf *boot) {
        g_free(boot->file);
        g_free(boot->text);
        g_free(boot->main_file);
        g_free(boot->main_text);
        g_free(boot->menu);
        g_strfreev(boot->next);
        g_free(boot->tool);
        g_free(boot->note);
}

static void hide_clear(HideConf *hide) {
        g_free(hide->text);
        g_free(hide->note);
        g_free(hide->tool);
        g_free(hide->file);
        g_free(hide->file_text);
}

void setup_free(Setup *setup) {
        if (!setup)
                return;
        g_free(setup->arch);
        g_array_unref(setup->dmar.reserved);
        g_array_unref(setup->ivrs.reserved);
        g_free(setup->cmdline);
        g_strfreev(setup->words);
        g_free(setup->config_file);
        g_ptr_array_unref(setup->iommus);
        g_ptr_array_unref(setup->modules);
        boot_clear(&setup->boot);
        hide_clear(&setup->hide);
        g_ptr_array_unref(setup->mechanisms);
        g_hash_table_unref(setup->texts);
        g_ptr_array_unref(setup->tools);
        g_free(setup->xen.hide);
        g_ptr_array_unref(setup->xen.words);
        g_strfreev(setup->xen.log);
        g_free(setup);
}

Mechanism *setup_add_mechanism(Setup *setup, MechanismKind kind, const char *path, unsigned line) {
        Mechanism *mechanism = g_new0(Mechanism, 1);
        *mechanism = (Mechanism) {.kind = kind, .path = g_strdup(path), .line = line, .num_vfs = -1, .autoprobe = -1, .active = true};
        g_ptr_array_add(setup->mechanisms, mechanism);
        return mechanism;
}

Tool *setup_add_tool(Setup *setup, const char *name, const char *version) {
        Tool *tool = g_new0(Tool, 1);
        *tool = (Tool) {.name = g_strdup(name), .version = g_strdup(version)};
        g_ptr_array_add(setup->tools, tool);
        return tool;
}

const Tool *setup_tool(const Setup *setup, const char *name) {
        for (unsigned i = 0; i < setup->tools->len; i++) {
                const Tool *tool = setup->tools->pdata[i];
                if (g_str_equal(tool->name, name))
                        return tool;
        }
        return NULL;
}

bool setup_has_module(const Setup *setup, const char *name) {
        return g_ptr_array_find_with_equal_func(setup->modules, name, g_str_equal, NULL);
}

const char *mechanism_word(MechanismKind kind) {
        static const char *const words[MECH_KINDS] = {
                [MECH_MODPROBE] = "modprobe option",
                [MECH_UDEV] = "udev rule",
                [MECH_LINK] = ".link file",
                [MECH_NETWORK] = ".network file",
                [MECH_NM] = "NetworkManager profile",
                [MECH_NETPLAN] = "netplan file",
                [MECH_DRIVERCTL] = "driverctl override",
                [MECH_TMPFILES] = "tmpfiles.d line",
                [MECH_UNIT] = "systemd unit",
                [MECH_SCRIPT] = "boot script",
                [MECH_SYSFS] = "sysfs.conf line",
                [MECH_LIBVIRT] = "libvirt network",
                [MECH_CMDLINE] = "boot parameter",
        };
        return words[kind];
}

enum { BOOT_WORD_MAX = 256, HIDE_VALUE_MAX = 1024 }; /* the kernel's bound for a text: kernel/params.c param_set_charp() */

/* "(0000:01:10.0)" again and again, as vfadm writes it. */
static bool hide_value_ok(const char *value) {
        size_t length = strlen(value);

        for (const char *at = value; *at; at += strlen("(0000:01:10.0)")) {
                static const char form[] = "(xxxx:xx:xx.7)";
                for (size_t i = 0; form[i]; i++)
                        if (form[i] == 'x' ? !g_ascii_isxdigit(at[i]) : form[i] == '7' ? at[i] < '0' || at[i] > '7' : at[i] != form[i])
                                return false;
        }
        return length > 0 && length <= HIDE_VALUE_MAX;
}

bool boot_word_ok(const char *word) {
        static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.=,:+/@-";
        size_t length = strlen(word);

        if (g_str_has_prefix(word, HIDE_KEY "=("))
                return hide_value_ok(word + strlen(HIDE_KEY "="));
        return length > 0 && length <= BOOT_WORD_MAX && g_ascii_isalpha(word[0]) && strspn(word, set) == length;
}

/* lib/cmdline.c next_arg(): blanks part words unless they stand between double quotes. Quotes go. */
char **boot_words_split(const char *cmdline) {
        g_autoptr(GPtrArray) words = g_ptr_array_new();
        g_autoptr(GString) word = g_string_new(NULL);
        bool quoted = false, any = false;

        for (const char *at = cmdline ? cmdline : "";; at++) {
                if (*at == '"') {
                        quoted = !quoted;
                        any = true;
                } else if (*at && (quoted || !g_ascii_isspace(*at))) {
                        g_string_append_c(word, *at);
                        any = true;
                } else if (any) {
                        g_ptr_array_add(words, g_strdup(word->str));
                        g_string_truncate(word, 0);
                        any = false;
                }
                if (!*at)
                        break;
        }
        g_ptr_array_add(words, NULL);
        return (char **) g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

/* A line's first word; *rest what follows it. False for a comment and for an empty line. */
static bool first_word(const char *line, GString *word, const char **rest) {
        line += strspn(line, " \t");
        size_t length = strcspn(line, " \t");
        g_string_truncate(word, 0);
        g_string_append_len(word, line, (gssize) length);
        *rest = line + length + strspn(line + length, " \t");
        return length > 0 && *line != '#';
}

char **boot_menu_words(const char *text) {
        static const char *const starts[] = {"linux", "linuxefi", "linux16", NULL};
        g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
        g_autoptr(GString) options = g_string_new(NULL), plain = g_string_new(NULL), word = g_string_new(NULL);
        g_autofree char *entry = NULL; /* of the first entry: what follows the kernel's path */
        bool is_spec = false, is_menu = false;
        const char *rest;

        for (char **line = lines; *line; line++) {
                g_strdelimit(*line, "\r", ' ');
                if (!first_word(*line, word, &rest))
                        continue;
                g_string_append_printf(plain, "%s ", *line);
                is_menu |= g_str_equal(word->str, "menuentry") || g_str_equal(word->str, "submenu");
                if (!entry && g_str_has_prefix(word->str, "args=\"")) { /* grubby --info */
                        const char *args = strstr(*line, "args=\"") + strlen("args=\"");
                        entry = g_strndup(args, strcspn(args, "\""));
                } else if (g_str_equal(word->str, "options")) {
                        is_spec = true;
                        g_string_append_printf(options, "%s ", rest);
                } else if (!entry && g_strv_contains(starts, word->str)) {
                        size_t path = strcspn(rest, " \t");
                        g_autofree char *kernel = g_strndup(rest, path);
                        if (!strstr(kernel, "memtest"))
                                entry = g_strdup(rest + path);
                }
        }
        if (is_spec)
                return boot_words_split(options->str);
        if (entry)
                return boot_words_split(entry);
        return is_menu ? NULL : boot_words_split(plain->str);
}

/* lib/cmdline.c, kernel/params.c parameqn(): dash and underscore are one. The value, "" for none, or NULL. */
static const char *value_of(const char *word, const char *key) {
        for (; *key; key++, word++) {
                char a = *word == '-' ? '_' : *word, b = *key == '-' ? '_' : *key;
                if (a != b)
                        return NULL;
        }
        return *word == '=' ? word + 1 : *word == 0 ? word : NULL;
}

const char *boot_words_get(char *const *words, const char *key) {
        const char *found = NULL;
        for (; words && *words; words++) {
                const char *value = value_of(*words, key);
                if (value)
                        found = value;
        }
        return found;
}

bool boot_words_have(char *const *words, const char *key, const char *value) {
        for (; words && *words; words++) {
                const char *list = value_of(*words, key);
                if (!list)
                        continue;
                g_auto(GStrv) parts = g_strsplit(list, ",", -1);
                if (g_strv_contains((const char *const *) parts, value))
                        return true;
        }
        return false;
}
