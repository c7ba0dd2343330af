/* Xen's domains as files define them: etc/xen/NAME.cfg, and what etc/xen/auto starts with the host. xl itself keeps no
 * list: a file is the domain's whose name it says. */
#include "guest/xen_file.h"

#include "base/error.h"
#include "model/xen_device.h"
#include "xl/xl.h"

#include <errno.h>
#include <string.h>

#define FOLDER "etc/xen"
#define AUTO_FOLDER "etc/xen/auto"

enum { FILE_MAX = 1 << 20 };

static void info_free(void *data) {
        guest_info_free(data);
}

void xen_files_free(XenFiles *files) {
        if (!files)
                return;
        g_hash_table_unref(files->by_name);
        g_hash_table_unref(files->twins);
        g_ptr_array_unref(files->unread);
        g_free(files);
}

/* "etc/xen/auto" and "../web1.cfg" are "etc/xen/web1.cfg". NULL: it leads out of the root. */
static char *follow(const char *folder, const char *target) {
        g_autofree char *whole = *target == '/' ? g_strdup(target) : g_strdup_printf("%s/%s", folder, target);
        g_auto(GStrv) parts = g_strsplit(whole, "/", -1);
        g_autoptr(GPtrArray) kept = g_ptr_array_new();

        for (char **part = parts; *part; part++) {
                if (!**part || g_str_equal(*part, "."))
                        continue;
                if (!g_str_equal(*part, ".."))
                        g_ptr_array_add(kept, *part);
                else if (kept->len == 0)
                        return NULL;
                else
                        g_ptr_array_set_size(kept, (int) kept->len - 1);
        }
        g_ptr_array_add(kept, NULL);
        return g_strjoinv("/", (char **)kept->pdata);
}

/* Where the file is that this name stands for: itself, or what it is a link to, which is no link again. The file that is
 * changed one day is the one that was read. */
static char *real_path(Io *io, const char *folder, const char *name) {
        g_autofree char *path = g_strdup_printf("%s/%s", folder, name), *target = NULL, *further = NULL;

        if (io_readlink(io, path, &target) < 0)
                return g_steal_pointer(&path);
        g_autofree char *real = follow(folder, target);
        return real && io_readlink(io, real, &further) < 0 ? g_steal_pointer(&real) : NULL;
}

static char *read_file(Io *io, const char *path, size_t *length, GError **error) {
        g_autoptr(GBytes) bytes = NULL;
        int r = io_read(io, path, FILE_MAX, &bytes);

        if (r < 0) {
                vfadm_error_set_errno(error, r, "/%s", path);
                return NULL;
        }
        const char *text = g_bytes_get_data(bytes, length);
        return g_strndup(text ? text : "", *length);
}

static GuestInfo *parse_file(Io *io, const char *path, GError **error) {
        size_t length;
        g_autofree char *text = read_file(io, path, &length, error);
        GuestInfo *info = text ? xl_config_parse(text, length, error) : NULL;

        if (!info) {
                if (text)
                        g_prefix_error(error, "/%s: ", path);
                return NULL;
        }
        info->running = false;
        info->has_definition = true;
        info->asked = true;
        info->file = g_strdup(path);
        g_free(info->status);
        info->status = g_strdup("shut off");
        return info;
}

/* Of two files that have one name nobody knows which one is started. */
static void add(XenFiles *files, GuestInfo *info) {
        const GuestInfo *other = g_hash_table_lookup(files->by_name, info->name);
        const char *twins = g_hash_table_lookup(files->twins, info->name);

        if (!other && !twins) {
                g_hash_table_insert(files->by_name, g_strdup(info->name), info);
                return;
        }
        g_hash_table_insert(files->twins, g_strdup(info->name),
                            g_strdup_printf("%s and /%s", twins ? twins : other->file, info->file));
        g_hash_table_remove(files->by_name, info->name);
        guest_info_free(info);
}

static void read_folder(Io *io, const char *folder, const char *suffix, GHashTable *seen, XenFiles *files) {
        g_auto(GStrv) names = NULL;

        if (io_list(io, folder, &names) < 0)
                return;
        for (char **name = names; *name; name++) {
                g_autofree char *path = g_str_has_suffix(*name, suffix) ? real_path(io, folder, *name) : NULL;
                if (!path || !g_hash_table_add(seen, g_strdup(path)))
                        continue;
                g_autoptr(GError) problem = NULL;
                GuestInfo *info = parse_file(io, path, &problem);
                if (info)
                        add(files, info);
                else if (problem && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                        g_ptr_array_add(files->unread, g_strdup(problem->message));
        }
}

XenFiles *xen_files_read(Io *io) {
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        XenFiles *files = g_new0(XenFiles, 1);

        files->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, info_free);
        files->twins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        files->unread = g_ptr_array_new_with_free_func(g_free);
        read_folder(io, FOLDER, ".cfg", seen, files);
        read_folder(io, AUTO_FOLDER, "", seen, files);
        return files;
}

void xen_files_finish(const XenFiles *files, GuestInfo *info) {
        const GuestInfo *file = g_hash_table_lookup(files->by_name, info->name);
        const char *twins = g_hash_table_lookup(files->twins, info->name);

        if (twins)
                g_ptr_array_add(info->notes, g_strdup_printf("several files define it: /%s", twins));
        if (!file)
                return;
        info->has_definition = true;
        info->file = g_strdup(file->file);
        info->uuid_of_run = !file->uuid || !info->uuid || g_ascii_strcasecmp(file->uuid, info->uuid) != 0;
        info->all_permissive = file->all_permissive;
        info->all_seize = file->all_seize;
        g_ptr_array_unref(info->defined);
        info->defined = g_ptr_array_ref(file->defined);
        for (unsigned i = 0; i < file->notes->len; i++)
                g_ptr_array_add(info->notes, g_strdup(file->notes->pdata[i]));
}

/* NOT_FOUND: no file has this name. */
static const GuestInfo *find_file(const XenFiles *files, const char *name, GError **error) {
        const GuestInfo *file = g_hash_table_lookup(files->by_name, name);
        const char *twins = g_hash_table_lookup(files->twins, name);

        if (file)
                return file;
        if (twins)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                            "xen:%s: several files have this name, and which one is started cannot be told: /%s; leave "
                            "one of them",
                            name, twins);
        else if (files->unread->len > 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "xen:%s: no file below /" FOLDER " has this name, though one could not be read: %s", name,
                            (char *) files->unread->pdata[0]);
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "xen:%s: no file below /" FOLDER " (*.cfg, auto/*) has name = \"%s\"", name, name);
        return NULL;
}

GuestInfo *xen_files_take(XenFiles *files, const char *name, GError **error) {
        void *key = NULL, *info = NULL;

        if (!find_file(files, name, error) || !g_hash_table_steal_extended(files->by_name, name, &key, &info))
                return NULL;
        g_free(key);
        return info;
}

/* Makes the file be what `change` makes of it. It is read again, so that only what stands there now is kept. */
static bool edit(Io *io, const char *path, const XenDevice *device, const char *entry, GError **error) {
        size_t length;
        g_autofree char *text = read_file(io, path, &length, error);
        g_autofree char *changed = !text   ? NULL
                                   : entry ? xl_config_put(text, length, entry, error)
                                           : xl_config_take_out(text, length, device->host, error);
        if (!changed) {
                if (text)
                        g_prefix_error(error, "/%s: ", path);
                return false;
        }
        if (strlen(changed) == length && memcmp(changed, text, length) == 0)
                return true;
        int r = io_replace(io, path, changed);
        return r >= 0 || vfadm_error_set_errno(error, r, "writing /%s", path);
}

bool xen_define(Io *io, const char *name, const char *entry, GError **error) {
        g_autoptr(XenFiles) files = xen_files_read(io);
        g_autoptr(GError) problem = NULL;
        XenDevice device;

        if (!xl_device_parse(entry, strlen(entry), &device, error))
                return false;
        const GuestInfo *file = find_file(files, name, &problem);
        if (file)
                return guest_info_find_defined(file, device.host) || edit(io, file->file, &device, entry, error);
        /* A guest may run all the same: that it has no file is not that it is gone. */
        problem->code = VFADM_ERROR_REFUSED;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

bool xen_undefine(Io *io, const char *name, const char *entry, GError **error) {
        g_autoptr(XenFiles) files = xen_files_read(io);
        g_autoptr(GError) problem = NULL;
        XenDevice device;

        if (!xl_device_parse(entry, strlen(entry), &device, error))
                return false;
        const GuestInfo *file = find_file(files, name, &problem);
        if (file)
                return !guest_info_find_defined(file, device.host) || edit(io, file->file, &device, NULL, error);
        /* A guest that no file has any more is defined with nothing; one whose file cannot be read may be. */
        if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND) && files->unread->len == 0)
                return true;
        problem->code = VFADM_ERROR_REFUSED;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}
