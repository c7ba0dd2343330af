/* Where this host keeps its boot parameters, and which of them the next boot will have. */
#include "host/setup.h"

#include <errno.h>
#include <string.h>

#define TEXT_MAX (1u << 20)
#define ENTRIES_MAX 64
#define GRUB_DEFAULT_FILE "etc/default/grub"
#define GRUB_DROP_IN "etc/default/grub.d/60-vfadm.cfg"
#define KERNEL_CMDLINE_FILE "etc/kernel/cmdline"
/* systemd-boot(7): what the loader says of itself. */
#define LOADER_INFO "sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

/* Without reading it: a link, or something that is none. */
static bool exists(Io *io, const char *path) {
        g_autofree char *target = NULL;
        int r = io_readlink(io, path, &target);
        return r == 0 || r == -EINVAL;
}

static char *read_file(Io *io, const char *path) {
        g_autoptr(GBytes) data = NULL;
        size_t size;
        if (io_read(io, path, TEXT_MAX, &data) < 0)
                return NULL;
        const char *bytes = g_bytes_get_data(data, &size);
        return memchr(bytes, 0, size) ? NULL : g_strndup(bytes, size);
}

/* The first of the programs that is there, as an absolute path. Names without a folder are looked for where programs are. */
static char *find_tool(Io *io, const char *const *names) {
        static const char *const folders[] = {"usr/sbin", "usr/bin", "sbin"};
        for (; *names; names++)
                for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
                        g_autofree char *path = g_strdup_printf("%s/%s", folders[i], *names);
                        if (exists(io, path))
                                return g_strconcat("/", path, NULL);
                }
        return NULL;
}

static char *find_one(Io *io, const char *name) {
        return find_tool(io, (const char *const[]) {name, NULL});
}

/* ---- the entries of the boot loader specification ---- */

/* The value of "key=…" among lines, as grubenv has them. */
static char *line_value(const char *text, const char *key) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        size_t length = strlen(key);
        for (char **line = lines; *line; line++)
                if (strncmp(*line, key, length) == 0 && (*line)[length] == '=')
                        return g_strdup(*line + length + 1);
        return NULL;
}

/* The newest but for rescue entries: "…-6.12.9.conf" before "…-6.12.10.conf", "ostree-1.conf" before "ostree-2.conf". */
static char *newest_entry(Io *io, const char *folder) {
        g_auto(GStrv) names = NULL;
        g_autofree char *best = NULL, *best_key = NULL;

        if (io_list(io, folder, &names) < 0)
                return NULL;
        for (unsigned i = 0; i < ENTRIES_MAX && names[i]; i++) {
                if (!g_utf8_validate(names[i], -1, NULL) || !g_str_has_suffix(names[i], ".conf") ||
                    strstr(names[i], "rescue") || strstr(names[i], "fallback"))
                        continue;
                g_autofree char *key = g_utf8_collate_key_for_filename(names[i], -1);
                if (best_key && strcmp(key, best_key) <= 0)
                        continue;
                g_free(best);
                g_free(best_key);
                best = g_strdup(names[i]);
                best_key = g_steal_pointer(&key);
        }
        return g_steal_pointer(&best);
}

/* "$kernelopts" (RHEL 8) stands for a line of grubenv; other variables are none of a user's parameters. */
static char **expand(char **words, const char *grubenv) {
        g_autofree char *options = grubenv ? line_value(grubenv, "kernelopts") : NULL;
        g_autoptr(GString) text = g_string_new(NULL);

        if (!words || !g_strv_contains((const char *const *) words, "$kernelopts"))
                return words;
        for (char **word = words; *word; word++)
                if (!g_str_equal(*word, "$kernelopts"))
                        g_string_append_printf(text, "\"%s\" ", *word);
        g_strfreev(words);
        return options ? boot_words_split(g_string_append(text, options)->str) : NULL;
}

/* The entry that is booted by default. `saved`: its name as the loader keeps it, or NULL. */
static void read_entries(Io *io, BootConf *boot, const char *saved, const char *grubenv) {
        static const char *const folders[] = {"boot/loader/entries", "efi/loader/entries", "boot/efi/loader/entries"};

        for (size_t i = 0; i < G_N_ELEMENTS(folders) && !boot->next; i++) {
                bool plain = saved && *saved && !strchr(saved, '/');
                g_autofree char *name = plain ? g_strdup_printf("%s.conf", saved) : newest_entry(io, folders[i]);
                g_autofree char *path = name ? g_strdup_printf("%s/%s", folders[i], name) : NULL;
                g_autofree char *text = path ? read_file(io, path) : NULL;
                if (!text)
                        continue;
                boot->menu = g_steal_pointer(&path);
                boot->next = expand(boot_menu_words(text), grubenv);
                return;
        }
}

static void read_grub_entries(Io *io, BootConf *boot) {
        g_autofree char *grubenv = read_file(io, "boot/grub2/grubenv");
        g_autofree char *saved = grubenv ? line_value(grubenv, "saved_entry") : NULL;
        read_entries(io, boot, saved, grubenv);
}

/* ---- GRUB ---- */

/* Debian's family has grub-mkconfig read drop-ins; others read the one file (util/grub-mkconfig.in of GRUB 2.12). */
static bool reads_drop_ins(Io *io) {
        static const char *const scripts[] = {"usr/sbin/grub-mkconfig", "usr/bin/grub-mkconfig", "usr/sbin/grub2-mkconfig"};
        for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
                g_autofree char *text = read_file(io, scripts[i]);
                if (text)
                        return strstr(text, "default/grub.d/") != NULL;
        }
        return false;
}

/* The menu's first entry is the next boot's unless another is named as default: then it cannot be told cheaply. */
static bool boots_first(const char *menu) {
        const char *at = menu;
        while ((at = strstr(at, "set default=\""))) {
                at += strlen("set default=\"");
                if (*at != '$' && *at != '0')
                        return false;
        }
        return true;
}

static bool read_grub(Io *io, BootConf *boot) {
        static const char *const menus[] = {"boot/grub/grub.cfg", "boot/grub2/grub.cfg"};
        static const char *const tools[] = {"update-grub", "grub2-mkconfig", "grub-mkconfig", NULL};

        if (!exists(io, GRUB_DEFAULT_FILE))
                return false;
        for (size_t i = 0; i < G_N_ELEMENTS(menus) && !boot->menu; i++)
                if (exists(io, menus[i]))
                        boot->menu = g_strdup(menus[i]);
        if (!boot->menu)
                return false;
        boot->kind = BOOT_GRUB;
        boot->main_file = g_strdup(GRUB_DEFAULT_FILE);
        boot->main_text = read_file(io, GRUB_DEFAULT_FILE);
        boot->file = g_strdup(reads_drop_ins(io) ? GRUB_DROP_IN : GRUB_DEFAULT_FILE);
        boot->text = read_file(io, boot->file);
        boot->tool = find_tool(io, tools);
        g_autofree char *menu = read_file(io, boot->menu);
        if (menu && boots_first(menu))
                boot->next = boot_menu_words(menu);
        return true;
}

/* ---- the others ---- */

/* True when the loader that started this boot says so; it says it in UTF-16. */
static bool by_systemd_boot(Io *io) {
        g_autoptr(GBytes) data = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        size_t size;

        if (io_read(io, LOADER_INFO, 4096, &data) < 0)
                return false;
        const char *bytes = g_bytes_get_data(data, &size);
        for (size_t i = 4; i + 1 < size && bytes[i]; i += 2)
                g_string_append_c(text, bytes[i]);
        return g_str_has_prefix(text->str, "systemd-boot");
}

/* Without the file the parameters were the running kernel's when its entry was made; a file with ours alone would leave the
 * next one without its root file system, so that is left to people. */
static bool read_kernel_cmdline(Io *io, BootConf *boot, BootKind kind, const char *const *tools) {
        g_autofree char *text = read_file(io, KERNEL_CMDLINE_FILE);
        if (!text)
                return false;
        boot->kind = kind;
        boot->file = g_strdup(KERNEL_CMDLINE_FILE);
        boot->text = g_steal_pointer(&text);
        boot->tool = find_tool(io, tools);
        return true;
}

static bool read_proxmox(Reader *reader, BootConf *boot) {
        const char *cmdline = reader->snapshot->setup->cmdline;
        static const char *const tools[] = {"proxmox-boot-tool", NULL};
        /* As proxmox-boot-tool writes its systemd-boot entries; with GRUB it is as on any Debian. */
        return cmdline && strstr(cmdline, "initrd=\\EFI\\proxmox\\") &&
               read_kernel_cmdline(reader->io, boot, BOOT_PROXMOX, tools);
}

static bool read_command_kind(Io *io, BootConf *boot, BootKind kind, const char *tool) {
        boot->tool = find_one(io, tool);
        if (!boot->tool)
                return false;
        boot->kind = kind;
        return true;
}

static void read_kind(Reader *reader, BootConf *boot) {
        static const char *const tools[] = {"reinstall-kernels", "sdbootutil", "mkinitcpio", "kernel-install", "dracut", NULL};
        Io *io = reader->io;

        if (exists(io, "run/ostree-booted") && read_command_kind(io, boot, BOOT_OSTREE, "rpm-ostree")) {
                read_entries(io, boot, NULL, NULL);
                return;
        }
        if (read_proxmox(reader, boot))
                return;
        bool systemd_boot = by_systemd_boot(io);
        if (exists(io, "etc/kernelstub/configuration") && read_command_kind(io, boot, BOOT_KERNELSTUB, "kernelstub")) {
                read_entries(io, boot, "Pop_OS-current", NULL);
                return;
        }
        if (systemd_boot && read_kernel_cmdline(io, boot, BOOT_KERNEL_CMDLINE, tools)) {
                read_entries(io, boot, NULL, NULL);
                return;
        }
        if (!systemd_boot && read_command_kind(io, boot, BOOT_GRUBBY, "grubby")) {
                read_grub_entries(io, boot);
                return;
        }
        if (!systemd_boot && read_grub(io, boot))
                return;
        /* A unified kernel image without a loader: nothing else uses this file. */
        if (!systemd_boot && reader->snapshot->setup->efi == KNOWN_YES)
                read_kernel_cmdline(io, boot, BOOT_KERNEL_CMDLINE, tools);
}

void read_setup_boot(Reader *reader) {
        BootConf *boot = &reader->snapshot->setup->boot;

        read_kind(reader, boot);
        boot->note = read_file(reader->io, "var/lib/vfadm/boot-parameters");
}
