/* modprobe.d and the kernel's command line: options, names that are blacklisted, devices that VFIO and pciback take by id. */
#include "host/mechanisms.h"

#include "base/parse.h"

#include <string.h>

/* Options that make VFs when the driver loads; other drivers' max_vfs (xe, sfc) only bound what may be made later. Linux 6.12:
 * igb_main.c, ixgbe_main.c, be_main.c, mlx4/main.c, cxgb4_main.c; i40e and fm10k: Intel's drivers outside the kernel. */
static const struct {
        const char *module, *option;
} count_options[] = {
        {"igb", "max_vfs"},      {"ixgbe", "max_vfs"},  {"i40e", "max_vfs"},
        {"fm10k", "max_vfs"},    {"be2net", "num_vfs"}, {"mlx4_core", "num_vfs"},
        {"cxgb4", "num_vf"},
};

/* What is worth knowing when somebody keeps it from loading. */
static const char *const known_modules[] = {
        "vfio_pci", "vfio", "vfio_iommu_type1", "igb", "igbvf", "ixgbe", "ixgbevf", "i40e", "iavf", "ice", "fm10k", "mlx4_core",
        "mlx5_core", "bnxt_en", "bnx2x", "qede", "nfp", "enic", "be2net", "cxgb4", "sfc", "ena", "hinic", "hns3", NULL,
};

static const char *const vfio_options[] = {"enable_sriov", "disable_idle_d3", "allow_unsafe_interrupts", "disable_vga", NULL};

/* '-' and '_' are the same in a module's name (libkmod's modname_normalize). */
static char *module_name(const char *text) {
        return name_ok(text, strlen(text)) ? g_strdelimit(g_strdup(text), "-", '_') : NULL;
}

/* "4" or "4,4": the same for each card. */
static int64_t list_count(const char *value) {
        g_auto(GStrv) parts = g_strsplit(value, ",", 64);
        int64_t count = count_parse(parts[0]);
        for (char **part = parts; count >= 0 && *part; part++)
                if (count_parse(*part) != count)
                        return -1;
        return count;
}

/* "8086:10ed,10de:1234:…": vendor and device of each (drivers/vfio/pci/vfio_pci.c vfio_pci_fill_ids, the same in pci-stub). */
static void ids_add(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *value, const char *driver,
                    const char *text) {
        g_auto(GStrv) ids = g_strsplit(value, ",", 128);
        for (char **id = ids; *id; id++) {
                g_auto(GStrv) fields = g_strsplit(*id, ":", 8);
                uint64_t vendor, device;
                if (!fields[0] || !fields[1] || !parse_uint(fields[0], 16, 0, 0xffff, &vendor) ||
                    !parse_uint(fields[1], 16, 0, 0xffff, &device))
                        continue;
                Mechanism *m = mechanism_add(setup, kind, path, line, SETS_DRIVER, text);
                if (!m)
                        return;
                m->vendor = (uint16_t) vendor;
                m->device = (uint16_t) device;
                m->to_driver = g_strdup(driver);
                m->option = g_strdup("ids");
        }
}

/* "(0000:01:10.0)(01:10.2)": drivers/xen/xen-pciback/pci_stub.c. */
static void pciback_hide(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *value, const char *text) {
        g_auto(GStrv) parts = g_strsplit_set(value, "()", 128);
        for (char **part = parts; *part; part++) {
                char *bdf = NULL;
                if (!bdf_pattern(*part, strlen(*part), &bdf))
                        continue;
                Mechanism *m = mechanism_add(setup, kind, path, line, SETS_DRIVER, text);
                if (m) {
                        m->bdf = g_steal_pointer(&bdf);
                        m->to_driver = g_strdup("pciback");
                }
                g_free(bdf);
        }
}

/* One "option=value" of a module. */
static void option_parse(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *module,
                         const char *option, const char *value, const char *text) {
        bool stub = g_str_equal(module, "pci_stub");

        if (g_str_equal(option, "ids") && (stub || g_str_equal(module, "vfio_pci"))) {
                ids_add(setup, kind, path, line, value, stub ? "pci-stub" : "vfio-pci", text);
                return;
        }
        if (g_str_equal(option, "hide") && g_str_equal(module, "xen_pciback")) {
                pciback_hide(setup, kind, path, line, value, text);
                return;
        }
        if (g_str_has_prefix(module, "vfio") && g_strv_contains(vfio_options, option)) {
                Mechanism *m = mechanism_add(setup, kind, path, line, SETS_OPTION, text);
                if (m)
                        m->driver = g_strdup(module);
                return;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(count_options); i++) {
                if (!g_str_equal(module, count_options[i].module) || !g_str_equal(option, count_options[i].option))
                        continue;
                Mechanism *m = mechanism_add(setup, kind, path, line, SETS_NUMVFS, text);
                if (!m)
                        return;
                m->driver = g_strdup(module);
                m->num_vfs = list_count(value);
                m->option = g_strdup(option);
        }
}

static void keep_out(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *name, const char *text) {
        g_autofree char *module = module_name(name);
        if (!module || !g_strv_contains(known_modules, module))
                return;
        Mechanism *m = mechanism_add(setup, kind, path, line, SETS_DRIVER, text);
        if (m)
                m->driver = g_steal_pointer(&module);
}

static void line_parse(Setup *setup, const char *path, unsigned line, const char *text) {
        g_auto(GStrv) words = g_strsplit_set(text, " \t", 256);
        g_autoptr(GPtrArray) parts = g_ptr_array_new();

        for (char **word = words; *word; word++)
                if (**word)
                        g_ptr_array_add(parts, *word);
        if (parts->len < 2)
                return;
        const char *command = parts->pdata[0], *name = parts->pdata[1];
        if (g_str_equal(command, "options")) {
                g_autofree char *module = module_name(name);
                for (unsigned i = 2; module && i < parts->len; i++) {
                        g_auto(GStrv) pair = g_strsplit(parts->pdata[i], "=", 2);
                        option_parse(setup, MECH_MODPROBE, path, line, module, pair[0], pair[1] ? pair[1] : "", text);
                }
        } else if (g_str_equal(command, "blacklist")) {
                keep_out(setup, MECH_MODPROBE, path, line, name, text);
        } else if (g_str_equal(command, "install") && parts->len > 2) {
                /* Only where nothing is loaded in its place: "install igb /bin/true". */
                const char *program = parts->pdata[2];
                if (g_str_has_suffix(program, "/true") || g_str_has_suffix(program, "/false"))
                        keep_out(setup, MECH_MODPROBE, path, line, name, text);
        }
}

void modprobe_parse(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(Lines) lines = lines_begin(bytes, length, true);

        while (lines_next(&lines))
                if (lines.text->str[0] != '#')
                        line_parse(setup, path, lines.number, lines.text->str);
}

/* ---- the kernel's command line ---- */

static void word_parse(Setup *setup, const char *word) {
        const char *equals = strchr(word, '=');
        const char *point = equals ? memchr(word, '.', (size_t) (equals - word)) : NULL;

        if (!equals)
                return;
        g_autofree char *key = g_strndup(word, (gsize) (equals - word));
        if (g_str_equal(key, "modprobe.blacklist") || g_str_equal(key, "module_blacklist")) {
                g_auto(GStrv) names = g_strsplit(equals + 1, ",", 64);
                for (char **name = names; *name; name++)
                        keep_out(setup, MECH_CMDLINE, "proc/cmdline", 0, *name, word);
                return;
        }
        if (!point)
                return;
        g_autofree char *before = g_strndup(word, (gsize) (point - word));
        g_autofree char *module = module_name(before);
        g_autofree char *option = g_strdelimit(g_strndup(point + 1, (gsize) (equals - point - 1)), "-", '_');
        if (module)
                option_parse(setup, MECH_CMDLINE, "proc/cmdline", 0, module, option, equals + 1, word);
}

void cmdline_mechanisms(Setup *setup, char *const *words) {
        for (unsigned i = 0; words && words[i] && i < 1024; i++)
                word_parse(setup, words[i]);
}
