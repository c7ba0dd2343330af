/* Finds the files that make VFs, set them or bind drivers at boot, and gives each to its parser. Folders are listed once, and only
 * files with the right ending are read; of two with the same name the one in /etc counts, as for their owners. */
#include "host/mechanisms.h"
#include "host/setup.h"

#include <errno.h>
#include <string.h>

#define FILES_MAX 2048u
#define FOLDERS_MAX 8u
#define KEPT_TEXT_MAX (64u << 10)

typedef struct {
        Reader *reader;
        Setup *setup;
        bool networkd;     /* systemd-networkd runs: else its files do nothing */
        GHashTable *enabled; /* names in *.wants and *.requires */
        GPtrArray *scripts;  /* char*: what services start */
        unsigned files;
} Search;

typedef struct {
        char *path, *name, *folder;
} Found;

static void found_free(void *data) {
        Found *found = data;
        g_free(found->path);
        g_free(found->name);
        g_free(found->folder);
        g_free(found);
}

static int by_name(const void *a, const void *b) {
        const Found *const *x = a, *const *y = b;
        return strcmp((*x)->name, (*y)->name);
}

static void hidden(Search *search, const char *path) {
        search->setup->mechanisms_hidden = true;
        reader_note(search->reader, "/%s needs root", path);
}

/* The names in a folder; NULL when there is none. */
static char **list(Search *search, const char *folder) {
        char **names = NULL;
        int r = io_list(search->reader->io, folder, &names);
        if (r == -EACCES || r == -EPERM)
                hidden(search, folder);
        return r < 0 ? NULL : names;
}

/* Found*, by name: what is in the first of the folders (ending with NULL) stands before the same in the others. */
static GPtrArray *find(Search *search, const char *const *folders, const char *suffix) {
        GPtrArray *all = g_ptr_array_new_with_free_func(found_free);
        g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

        for (; *folders; folders++) {
                g_auto(GStrv) names = list(search, *folders);
                for (char **name = names; name && *name && all->len < FILES_MAX; name++) {
                        if (!g_str_has_suffix(*name, suffix) || !g_hash_table_add(known, g_strdup(*name)))
                                continue;
                        Found *found = g_new0(Found, 1);
                        *found = (Found) {g_strconcat(*folders, "/", *name, NULL), g_strdup(*name), g_strdup(*folders)};
                        g_ptr_array_add(all, found);
                }
        }
        g_ptr_array_sort(all, by_name);
        return all;
}

/* The bytes of a file; NULL when it cannot be read, is too long, or enough was read. A link to /dev/null, which masks a file of
 * the same name elsewhere, is no file. */
static GBytes *content(Search *search, const char *path) {
        GBytes *data = NULL;
        if (search->files++ >= FILES_MAX)
                return NULL;
        int r = io_read(search->reader->io, path, MECHANISM_FILE_MAX, &data);
        if (r == -EACCES || r == -EPERM) {
                g_autofree char *folder = g_path_get_dirname(path);
                hidden(search, folder);
        }
        return r < 0 ? NULL : data;
}

/* What was parsed stays to be edited (`vfadm import --retire`), if it held anything, is the administrator's own, and holds no secret:
 * plans are shown and journaled with the text of their files. `before`: how many mechanisms were known before it was parsed. */
static void keep_text(Search *search, const char *path, const char *bytes, size_t length, unsigned before) {
        static const char *const secrets[] = {"psk", "password", "secret", "private-key", "802-1x", "wep-key"};

        if (search->setup->mechanisms->len == before || !g_str_has_prefix(path, "etc/") || length > KEPT_TEXT_MAX ||
            (length && memchr(bytes, 0, length)) || !g_utf8_validate(bytes, (gssize) length, NULL))
                return;
        for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++)
                if (bytes_have(bytes, length, secrets[i]))
                        return;
        g_hash_table_replace(search->setup->texts, g_strdup(path), g_strndup(length ? bytes : "", length));
}

static bool has_any(const char *bytes, size_t length, const char *const *needles) {
        for (; *needles; needles++)
                if (bytes_have(bytes, length, *needles))
                        return true;
        return false;
}

static const char *const shell_words[] = {"sriov_numvfs", "driver_override", " vf ", "vfadm enable", NULL};

/* ---- one function a family ---- */

typedef void (*Parse)(Setup *setup, const char *path, const char *bytes, size_t length);

static void parse_all(Search *search, const char *const *folders, const char *suffix, const char *const *needles, Parse parse) {
        g_autoptr(GPtrArray) files = find(search, folders, suffix);
        for (unsigned i = 0; i < files->len; i++) {
                const Found *file = files->pdata[i];
                g_autoptr(GBytes) data = content(search, file->path);
                size_t length = 0;
                const char *bytes = data ? g_bytes_get_data(data, &length) : NULL;
                const unsigned before = search->setup->mechanisms->len;
                if (bytes && (!needles || has_any(bytes, length, needles)))
                        parse(search->setup, file->path, bytes, length);
                if (bytes)
                        keep_text(search, file->path, bytes, length, before);
        }
}

static void udev_file(Setup *setup, const char *path, const char *bytes, size_t length) {
        udev_parse(setup, path, bytes, length, !g_str_has_prefix(path, "etc/") && !g_str_has_prefix(path, "run/"));
}

static void script_file(Setup *setup, const char *path, const char *bytes, size_t length) {
        script_parse(setup, MECH_SCRIPT, path, bytes, length, true);
}

static void read_drop_ins(Search *search, const char *const *folders, const Found *file, UnitMatch *match, bool link) {
        for (; *folders; folders++) {
                g_autofree char *folder = g_strdup_printf("%s/%s.d", *folders, file->name);
                const char *const one[] = {folder, NULL};
                g_autoptr(GPtrArray) files = find(search, one, ".conf");
                for (unsigned i = 0; i < files->len; i++) {
                        const Found *drop_in = files->pdata[i];
                        g_autoptr(GBytes) data = content(search, drop_in->path);
                        size_t length = 0;
                        const char *bytes = data ? g_bytes_get_data(data, &length) : NULL;
                        const unsigned before = search->setup->mechanisms->len;
                        if (bytes && link)
                                link_parse(search->setup, drop_in->path, bytes, length, match);
                        else if (bytes)
                                network_parse(search->setup, drop_in->path, bytes, length, match, search->networkd);
                        if (bytes)
                                keep_text(search, drop_in->path, bytes, length, before);
                }
        }
}

static void read_networkd(Search *search) {
        static const char *const folders[] = {"etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network",
                                              "usr/lib/systemd/network", "lib/systemd/network", NULL};
        g_autoptr(GPtrArray) files = find(search, folders, "");
        g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

        for (unsigned i = 0; i < files->len; i++)
                g_hash_table_add(names, ((Found *) files->pdata[i])->name);
        for (unsigned i = 0; i < files->len; i++) {
                const Found *file = files->pdata[i];
                bool link = g_str_has_suffix(file->name, ".link");
                if (!link && !g_str_has_suffix(file->name, ".network"))
                        continue;
                g_autoptr(GBytes) data = content(search, file->path);
                if (!data)
                        continue;
                size_t length = 0;
                const char *bytes = g_bytes_get_data(data, &length);
                g_auto(UnitMatch) match = {0};
                const unsigned before = search->setup->mechanisms->len;
                if (bytes && link)
                        link_parse(search->setup, file->path, bytes, length, &match);
                else if (bytes)
                        network_parse(search->setup, file->path, bytes, length, &match, search->networkd);
                if (bytes)
                        keep_text(search, file->path, bytes, length, before);
                g_autofree char *drop_ins = g_strconcat(file->name, ".d", NULL);
                if (g_hash_table_contains(names, drop_ins))
                        read_drop_ins(search, folders, file, &match, link);
        }
}

/* Services of the administrator. Enabled is what a target wants: systemctl(1) enable makes a link in TARGET.wants/. */
static void note_enabled(Search *search, const char *folder, const char *name) {
        g_autofree char *path = g_strconcat(folder, "/", name, NULL);
        g_auto(GStrv) names = list(search, path);
        for (char **unit = names; unit && *unit; unit++) {
                const char *at = strchr(*unit, '@');
                /* An instance enables its template. */
                g_hash_table_add(search->enabled, at ? g_strdup_printf("%.*s@.service", (int) (at - *unit), *unit) : g_strdup(*unit));
        }
}

static void read_units(Search *search) {
        static const char *const folders[] = {"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", NULL};
        g_autoptr(GPtrArray) files = find(search, folders, "");

        for (unsigned i = 0; i < files->len; i++) {
                const Found *file = files->pdata[i];
                if (g_str_has_suffix(file->name, ".wants") || g_str_has_suffix(file->name, ".requires"))
                        note_enabled(search, file->folder, file->name);
        }
        for (unsigned i = 0; i < files->len; i++) {
                const Found *file = files->pdata[i];
                bool drop_in = g_str_has_suffix(file->name, ".service.d");
                if (!drop_in && !g_str_has_suffix(file->name, ".service"))
                        continue;
                const char *const one[] = {file->path, NULL};
                g_autoptr(GPtrArray) parts = drop_in ? find(search, one, ".conf") : g_ptr_array_new();
                /* Of a drop-in the unit may well be one that a package enabled elsewhere. */
                bool active = drop_in || g_hash_table_contains(search->enabled, file->name);
                for (unsigned k = 0; k < (drop_in ? parts->len : 1); k++) {
                        const char *path = drop_in ? ((const Found *) parts->pdata[k])->path : file->path;
                        g_autoptr(GBytes) data = content(search, path);
                        size_t length = 0;
                        const char *bytes = data ? g_bytes_get_data(data, &length) : NULL;
                        if (bytes)
                                unit_parse(search->setup, path, bytes, length, active, active ? search->scripts : NULL);
                }
        }
}

static void read_scripts(Search *search) {
        static const char *const files[] = {"etc/rc.local", "etc/rc.d/rc.local", "etc/init.d/boot.local", "etc/crontab"};
        static const char *const folders[] = {"etc/local.d", "etc/cron.d", "etc/NetworkManager/dispatcher.d",
                                              "etc/NetworkManager/dispatcher.d/pre-up.d",
                                              "etc/network/if-pre-up.d", "etc/network/if-up.d"};

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
                g_ptr_array_add(search->scripts, g_strdup(files[i]));
        for (unsigned i = 0; i < search->scripts->len; i++) {
                const char *path = search->scripts->pdata[i];
                g_autoptr(GBytes) data = content(search, path);
                size_t length = 0;
                const char *bytes = data ? g_bytes_get_data(data, &length) : NULL;
                if (bytes && has_any(bytes, length, shell_words))
                        script_parse(search->setup, MECH_SCRIPT, path, bytes, length, true);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
                const char *const one[] = {folders[i], NULL};
                parse_all(search, one, "", shell_words, script_file);
        }
}

/* The files that stand alone. */
static void read_single(Search *search) {
        static const struct {
                const char *path;
                Parse parse;
        } files[] = {{"etc/network/interfaces", interfaces_parse},
                     {"etc/sysfs.conf", sysfs_conf_parse},
                     {"etc/NetworkManager/NetworkManager.conf", nm_conf_parse}};
        static const char *const folder[] = {"etc/network/interfaces.d", NULL};

        for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autoptr(GBytes) data = content(search, files[i].path);
                size_t length = 0;
                const char *bytes = data ? g_bytes_get_data(data, &length) : NULL;
                const unsigned before = search->setup->mechanisms->len;
                if (bytes)
                        files[i].parse(search->setup, files[i].path, bytes, length);
                if (bytes)
                        keep_text(search, files[i].path, bytes, length, before);
        }
        parse_all(search, folder, "", shell_words, interfaces_parse);
}

static void read_driverctl(Search *search) {
        static const char *const folder[] = {"etc/driverctl.d", NULL};
        g_autoptr(GPtrArray) files = find(search, folder, "");

        for (unsigned i = 0; i < files->len; i++) {
                const Found *file = files->pdata[i];
                g_autoptr(GBytes) data = g_str_has_prefix(file->name, "pci-") ? content(search, file->path) : NULL;
                size_t length = 0;
                const char *bytes = data ? g_bytes_get_data(data, &length) : NULL;
                const unsigned before = search->setup->mechanisms->len;
                if (data)
                        driverctl_parse(search->setup, file->path, file->name, bytes ? bytes : "", length);
                if (data)
                        keep_text(search, file->path, bytes ? bytes : "", length, before);
        }
}

static void read_libvirt(Search *search) {
        static const char *const folder[] = {"etc/libvirt/qemu/networks", NULL};
        static const char *const needles[] = {"<forward", NULL};
        g_autoptr(GPtrArray) files = find(search, folder, ".xml");
        g_auto(GStrv) autostart = files->len ? list(search, "etc/libvirt/qemu/networks/autostart") : NULL;

        for (unsigned i = 0; i < files->len; i++) {
                const Found *file = files->pdata[i];
                g_autoptr(GBytes) data = content(search, file->path);
                size_t length = 0;
                const char *bytes = data ? g_bytes_get_data(data, &length) : NULL;
                bool active = autostart && g_strv_contains((const char *const *) autostart, file->name);
                if (bytes && has_any(bytes, length, needles))
                        libvirt_network_parse(search->setup, file->path, bytes, length, active);
        }
}

/* The families that are no more than folders and a parser. */
static const struct {
        const char *folders[FOLDERS_MAX];
        const char *suffix;
        const char *needles[9]; /* none: every file is parsed */
        Parse parse;
} families[] = {
        {{"etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"},
         ".conf", {"options", "blacklist", "install"}, modprobe_parse},
        {{"etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"},
         ".rules", {"sriov_numvfs", "driver_override", "sriov_drivers_autoprobe", "NM_UNMANAGED", "ID_NET_MANAGED_BY", " vf ", "vfadm enable"}, udev_file},
        {{"etc/tmpfiles.d", "run/tmpfiles.d", "usr/local/lib/tmpfiles.d", "usr/lib/tmpfiles.d"},
         ".conf", {"sriov_numvfs", "driver_override"}, tmpfiles_parse},
        {{"etc/NetworkManager/system-connections", "run/NetworkManager/system-connections",
          "usr/lib/NetworkManager/system-connections"},
         "", {"[sriov]"}, nm_profile_parse},
        {{"etc/NetworkManager/conf.d", "run/NetworkManager/conf.d", "usr/lib/NetworkManager/conf.d"},
         ".conf", {"unmanaged-devices", "sriov-num-vfs", "managed"}, nm_conf_parse},
        {{"etc/sysconfig/network-scripts"}, "", {"SRIOV_TOTAL_VFS"}, ifcfg_parse},
        {{"etc/netplan", "run/netplan", "usr/lib/netplan", "lib/netplan"},
         ".yaml", {"virtual-function-count", "link"}, netplan_parse},
        {{"etc/sysfs.d"}, ".conf", {"sriov_numvfs", "driver_override"}, sysfs_conf_parse},
};

void read_setup_mechanisms(Reader *reader) {
        Search search = {.reader = reader, .setup = reader->snapshot->setup};
        g_auto(GStrv) netif = list(&search, "run/systemd/netif");

        search.networkd = netif != NULL;
        search.enabled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        search.scripts = g_ptr_array_new_with_free_func(g_free);
        for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
                parse_all(&search, families[i].folders, families[i].suffix, families[i].needles[0] ? families[i].needles : NULL,
                          families[i].parse);
        read_networkd(&search);
        read_units(&search);
        read_scripts(&search);
        read_single(&search);
        read_driverctl(&search);
        read_libvirt(&search);
        cmdline_mechanisms(search.setup, search.setup->words);
        search.setup->apply_enabled = g_hash_table_contains(search.enabled, "vfadm-apply.service");
        g_hash_table_unref(search.enabled);
        g_ptr_array_unref(search.scripts);
}
