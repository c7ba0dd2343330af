/* What there is to know of Xen's dom0: pciback, who is to load it when, the parameters that it has, and what the kernel said of
 * DMA memory. Read nowhere else. */
#include "host/mechanisms.h"
#include "host/setup.h"

#include <string.h>

#define PCIBACK "sys/bus/pci/drivers/pciback"
#define PARAMETERS "sys/module/xen_pciback/parameters/"
#define FILES_MAX 256u
#define WORDS_MAX 256u
#define LOG_MS 3000
#define LOG_LINES "20"
#define LOG_PATTERN                                                                                                     \
        "Failed to get contiguous memory for DMA from Xen|(software IO TLB|swiotlb).*([Ff]ailed|[Cc]annot|is full)|pci_devs_to_hide"

/* '-' and '_' are the same in a module's name; a list may quote it or name its file. */
static bool is_pciback(const char *word) {
        g_autofree char *name = g_strdelimit(g_strdup(word), "-", '_');
        return g_str_equal(name, "xen_pciback") || g_str_has_prefix(name, "xen_pciback.ko");
}

static void add(Setup *setup, PcibackPlace place, const char *path, unsigned line, const char *name, const char *value) {
        if (setup->xen.words->len < WORDS_MAX)
                setup_add_pciback(setup, place, path, line, name, value);
}

/* "softdep igb pre: xen-pciback": libkmod's lists go up to the next one's name. */
static void softdep_parse(Setup *setup, const char *path, unsigned line, char **words) {
        bool before = false;
        for (char **word = words + 2; words[1] && *word; word++) {
                if (g_str_has_suffix(*word, ":"))
                        before = g_str_equal(*word, "pre:");
                else if (before && is_pciback(*word))
                        add(setup, PCIBACK_SOFTDEP, path, line, words[1], NULL);
        }
}

static void modprobe_line(Setup *setup, const char *path, unsigned line, char **words) {
        if (words[0] && g_str_equal(words[0], "softdep") && words[1])
                softdep_parse(setup, path, line, words);
        if (!words[0] || !g_str_equal(words[0], "options") || !words[1] || !is_pciback(words[1]))
                return;
        for (char **word = words + 2; *word; word++) {
                char *equals = strchr(*word, '=');
                g_autofree char *name = equals ? g_strndup(*word, (gsize) (equals - *word)) : g_strdup(*word);
                add(setup, PCIBACK_OPTION, path, line, name, equals ? equals + 1 : NULL);
        }
}

/* A list of modules: one a line, or among the words of a shell's or dracut's assignment. */
static void list_line(Setup *setup, PcibackPlace place, const char *path, unsigned line, char **words) {
        for (char **word = words; *word; word++)
                if (is_pciback(*word))
                        add(setup, place, path, line, NULL, NULL);
}

/* GRUB_CMDLINE_XEN and GRUB_CMDLINE_XEN_DEFAULT are the hypervisor's (grub.d/20_linux_xen); those of dom0's kernel under Xen are
 * GRUB_CMDLINE_LINUX_XEN_REPLACE and its kin. */
static void grub_line(Setup *setup, const char *path, unsigned line, const char *text) {
        if (!g_str_has_prefix(text, "GRUB_CMDLINE_XEN"))
                return;
        const char *equals = strchr(text, '=');
        if (!equals)
                return;
        g_auto(GStrv) words = g_strsplit_set(equals + 1, " \t\"'", 256);
        for (char **word = words; *word; word++) {
                const char *value = strchr(*word, '=');
                if (!strstr(*word, "pciback") || !value)
                        continue;
                g_autofree char *name = g_strndup(*word, (gsize) (value - *word));
                add(setup, PCIBACK_GRUB_XEN, path, line, name, value + 1);
        }
}

static void file_parse(Setup *setup, PcibackPlace place, const char *path, const char *bytes, size_t length) {
        g_auto(Lines) lines = lines_begin(bytes, length, true);

        while (lines_next(&lines)) {
                const char *text = lines.text->str;
                if (*text == '#' || !strstr(text, "pciback"))
                        continue;
                g_auto(GStrv) words = g_strsplit_set(text, place == PCIBACK_OPTION ? " \t" : " \t\"'()=+,", 256);
                g_autoptr(GPtrArray) parts = g_ptr_array_new();
                for (char **word = words; *word; word++)
                        if (**word)
                                g_ptr_array_add(parts, *word);
                g_ptr_array_add(parts, NULL);
                char **found = (char **) parts->pdata;
                if (place == PCIBACK_GRUB_XEN)
                        grub_line(setup, path, lines.number, text);
                else if (place == PCIBACK_OPTION)
                        modprobe_line(setup, path, lines.number, found);
                else
                        list_line(setup, place, path, lines.number, found);
        }
}

static void read_one(Reader *reader, PcibackPlace place, const char *path) {
        g_autoptr(GBytes) data = NULL;
        if (io_read(reader->io, path, MECHANISM_FILE_MAX, &data) < 0)
                return;
        size_t length;
        const char *bytes = g_bytes_get_data(data, &length);
        if (bytes && bytes_have(bytes, length, "pciback"))
                file_parse(reader->snapshot->setup, place, path, bytes, length);
}

/* The folders of one kind of files, the first's before those of the same name in the others. */
static const struct {
        PcibackPlace place;
        const char *suffix;
        const char *folders[5];
} folders[] = {
        {PCIBACK_OPTION, ".conf", {"etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"}},
        {PCIBACK_LOADED, ".conf", {"etc/modules-load.d", "run/modules-load.d", "usr/local/lib/modules-load.d", "usr/lib/modules-load.d"}},
        {PCIBACK_EARLY, ".conf", {"etc/dracut.conf.d", "usr/lib/dracut/dracut.conf.d"}},
        {PCIBACK_EARLY, "", {"usr/share/initramfs-tools/modules.d", "etc/initramfs-tools/modules.d"}},
        {PCIBACK_EARLY, ".conf", {"etc/mkinitcpio.conf.d"}},
        {PCIBACK_GRUB_XEN, ".cfg", {"etc/default/grub.d"}},
};
static const struct {
        PcibackPlace place;
        const char *path;
} files[] = {
        {PCIBACK_LOADED, "etc/modules"},       {PCIBACK_EARLY, "etc/initramfs-tools/modules"}, {PCIBACK_EARLY, "etc/dracut.conf"},
        {PCIBACK_EARLY, "etc/mkinitcpio.conf"}, {PCIBACK_GRUB_XEN, "etc/default/grub"},
};

static void read_words(Reader *reader) {
        for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
                read_one(reader, files[i].place, files[i].path);
        for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
                g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
                for (size_t k = 0; k < G_N_ELEMENTS(folders[i].folders) && folders[i].folders[k]; k++) {
                        g_auto(GStrv) names = NULL;
                        if (io_list(reader->io, folders[i].folders[k], &names) < 0)
                                continue;
                        for (unsigned n = 0; n < FILES_MAX && names[n]; n++) {
                                g_autofree char *path = g_strconcat(folders[i].folders[k], "/", names[n], NULL);
                                if (g_str_has_suffix(names[n], folders[i].suffix) && g_hash_table_add(known, g_strdup(names[n])))
                                        read_one(reader, folders[i].place, path);
                        }
                }
        }
}

/* ---- the driver ---- */

static void read_driver(Reader *reader, XenSetup *xen) {
        Io *io = reader->io;
        g_auto(GStrv) names = NULL;

        xen->driver = io_list(io, PCIBACK, &names) >= 0;
        g_autofree char *permissive = NULL;
        if (io_read_text(io, PARAMETERS "hide", &xen->hide) >= 0 && g_str_equal(xen->hide, "(null)"))
                *xen->hide = 0; /* as the kernel shows a text that was never set (param_get_charp) */
        if (io_read_text(io, PARAMETERS "permissive", &permissive) >= 0)
                xen->permissive = g_str_equal(permissive, "Y");
}

/* ---- the rest ---- */

/* An emulated machine's IOMMU is as good as its emulation; the processor's flag says nothing here, since Xen sets it too. */
static bool is_emulated(Io *io) {
        static const char *const vendors[] = {"QEMU", "VMware, Inc.", "innotek GmbH", "Xen", "Bochs", "Red Hat", "Amazon EC2", "Google",
                                              "OpenStack Foundation", NULL};
        g_autofree char *vendor = NULL, *product = NULL;
        if (io_read_text(io, "sys/class/dmi/id/sys_vendor", &vendor) >= 0 && g_strv_contains(vendors, vendor))
                return true;
        return io_read_text(io, "sys/class/dmi/id/product_name", &product) >= 0 &&
               (g_str_equal(product, "Virtual Machine") || g_str_has_prefix(product, "Standard PC"));
}

/* Only the lines that are looked for leave the journal, so that a record holds no others. Without a journal it is not known. */
static void read_log(Reader *reader, XenSetup *xen) {
        char *argv[] = {"/usr/bin/journalctl", "-k", "-b", "-q", "--no-pager", "-o", "cat", "-n", LOG_LINES, "-g",
                        LOG_PATTERN, NULL};
        g_autoptr(GBytes) output = NULL;
        int status = 0;

        if (io_program(reader->io, argv, false, LOG_MS, &output, &status) < 0 || (status && (!output || g_bytes_get_size(output) > 0)))
                return;
        xen->log_read = true;
        size_t length = 0;
        const char *bytes = output ? g_bytes_get_data(output, &length) : NULL;
        g_autoptr(GPtrArray) kept = g_ptr_array_new();
        g_auto(Lines) lines = lines_begin(bytes ? bytes : "", length, false);
        while (lines_next(&lines))
                if (lines.text->len && !g_str_has_prefix(lines.text->str, "-- "))
                        g_ptr_array_add(kept, g_utf8_make_valid(lines.text->str, -1));
        if (!kept->len)
                return;
        g_ptr_array_add(kept, NULL);
        xen->log = (char **) g_ptr_array_free(g_steal_pointer(&kept), FALSE);
}

/* Xen tells its version here; packages name it after the hypervisor's own ("xen-hypervisor-4.20-amd64"). */
static void read_version(Reader *reader) {
        g_autofree char *major = NULL, *minor = NULL, *extra = NULL;
        if (io_read_text(reader->io, "sys/hypervisor/version/major", &major) < 0 ||
            io_read_text(reader->io, "sys/hypervisor/version/minor", &minor) < 0)
                return;
        io_read_text(reader->io, "sys/hypervisor/version/extra", &extra);
        size_t digits = extra ? strspn(extra, ".0123456789") : 0;
        g_autofree char *text = g_strdup_printf("%s.%s%.*s", major, minor, (int) digits, extra ? extra : "");
        g_autofree char *version = version_upstream(text);
        setup_add_tool(reader->snapshot->setup, "xen", version)->running = true;
}

void read_setup_xen(Reader *reader) {
        Setup *setup = reader->snapshot->setup;

        if (!setup->xen_dom0)
                return;
        read_driver(reader, &setup->xen);
        read_words(reader);
        setup->xen.emulated = is_emulated(reader->io);
        read_log(reader, &setup->xen);
        read_version(reader);
}
