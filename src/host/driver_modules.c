/* Which drivers of the running kernel would take a function: its aliases, and who has it. */
#include "host/driver_modules.h"

#include <string.h>

#define FILE_MAX (32u << 20) /* modules.alias of a kernel with everything as modules stays below 8 MiB */

enum { MODULES_MAX = 16 };

void driver_modules_free(DriverModules *modules) {
        if (!modules)
                return;
        g_strfreev(modules->loadable);
        g_strfreev(modules->builtin);
        g_free(modules);
}

/* libkmod's modname_normalize. False: no name that could stand in a line of modprobe.d. */
static bool add_name(GPtrArray *names, const char *text, size_t length) {
        static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
        g_autofree char *name = g_strndup(text, length);

        if (!*name || length > 64 || strspn(name, set) != length || names->len >= MODULES_MAX)
                return false;
        g_strdelimit(name, "-", '_');
        /* The one that is to be first. */
        if (g_str_equal(name, "xen_pciback") || g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
                return false;
        g_ptr_array_add(names, g_steal_pointer(&name));
        return true;
}

/* "pci:v00008086d000010CA…" begins with the vendor, or with any. */
static bool alias_fits(const char *pattern, size_t length, const char *modalias) {
        const size_t vendor = strlen("pci:v00008086");

        if (length < 6 || length > 256 || (pattern[5] != '*' && strncmp(pattern, modalias, MIN(length, vendor)) != 0))
                return false;
        g_autofree char *whole = g_strndup(pattern, length);
        return g_pattern_match_simple(whole, modalias);
}

/* Lines "alias pci:… MODULE" of modules.alias. */
static void read_loadable(const char *text, size_t length, const char *modalias, GPtrArray *names) {
        const size_t before = strlen("alias ");

        for (const char *line = text, *end = text + length, *next; line < end; line = next) {
                const char *newline = memchr(line, '\n', (size_t) (end - line));
                const char *stop = newline ? newline : end;
                next = newline ? newline + 1 : end;
                if ((size_t) (stop - line) <= strlen("alias pci:") || memcmp(line, "alias pci:", strlen("alias pci:")) != 0)
                        continue;
                const char *pattern = line + before;
                const char *blank = memchr(pattern, ' ', (size_t) (stop - pattern));
                if (blank && alias_fits(pattern, (size_t) (blank - pattern), modalias))
                        add_name(names, blank + 1, (size_t) (stop - blank - 1));
        }
}

/* "MODULE.alias=pci:…" one after another, each with a NUL behind it: modules.builtin.modinfo (Linux 5.2 and later). */
static void read_builtin(const char *text, size_t length, const char *modalias, GPtrArray *names) {
        for (const char *at = text, *end = text + length, *stop; at < end; at = stop + 1) {
                stop = memchr(at, 0, (size_t) (end - at));
                if (!stop)
                        return;
                const char *key = strstr(at, ".alias=pci:");
                const char *pattern = key ? key + strlen(".alias=") : NULL;
                if (key && alias_fits(pattern, (size_t) (stop - pattern), modalias))
                        add_name(names, at, (size_t) (key - at));
        }
}

static GBytes *read_of_release(Io *io, const char *release, const char *name) {
        g_autofree char *path = g_strdup_printf("lib/modules/%s/%s", release, name);
        GBytes *bytes = NULL;
        return io_read(io, path, FILE_MAX, &bytes) < 0 ? NULL : bytes;
}

/* "kernel/drivers/net/ethernet/intel/igb/igb.ko" a line. */
static bool is_builtin(const GBytes *list, const char *name) {
        size_t size;
        const char *text = list ? g_bytes_get_data((GBytes *) list, &size) : NULL;
        g_autofree char *all = text ? g_strdelimit(g_strndup(text, size), "-", '_') : NULL;
        g_autofree char *file = g_strdup_printf("/%s.ko\n", name);
        return all && strstr(all, file);
}

/* The module of the driver that has it now; where sysfs names none it is called as the driver is. */
static void add_bound(Io *io, const char *release, const Dev *dev, GPtrArray *loadable, GPtrArray *builtin) {
        g_autofree char *module = NULL;

        if (!dev->driver || driver_is_vfio(dev->driver) || driver_is_xen(dev->driver) || g_str_equal(dev->driver, "pci-stub"))
                return;
        g_autofree char *path = g_strdup_printf("sys/bus/pci/drivers/%s/module", dev->driver);
        if (io_read_link_name(io, path, &module) < 0)
                module = g_strdup(dev->driver);
        g_strdelimit(module, "-", '_');
        g_autoptr(GBytes) list = release ? read_of_release(io, release, "modules.builtin") : NULL;
        add_name(is_builtin(list, module) ? builtin : loadable, module, strlen(module));
}

static char **take_names(GPtrArray *names) {
        g_ptr_array_add(names, NULL);
        return (char **) g_ptr_array_free(names, FALSE);
}

DriverModules *host_driver_modules(Io *io, const char *release, const Dev *dev) {
        DriverModules *modules = g_new0(DriverModules, 1);
        GPtrArray *loadable = g_ptr_array_new(), *builtin = g_ptr_array_new();
        const char *known = release && *release && !strchr(release, '/') ? release : NULL;
        size_t size;

        add_bound(io, known, dev, loadable, builtin);
        if (known && dev->modalias && g_str_has_prefix(dev->modalias, "pci:v")) {
                g_autoptr(GBytes) aliases = read_of_release(io, known, "modules.alias");
                g_autoptr(GBytes) infos = read_of_release(io, known, "modules.builtin.modinfo");
                const char *text = aliases ? g_bytes_get_data(aliases, &size) : NULL;
                if (text)
                        read_loadable(text, size, dev->modalias, loadable);
                text = infos ? g_bytes_get_data(infos, &size) : NULL;
                if (text)
                        read_builtin(text, size, dev->modalias, builtin);
        }
        modules->loadable = take_names(loadable);
        modules->builtin = take_names(builtin);
        return modules;
}
