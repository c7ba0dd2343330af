/* The configuration of this host: its folders, in their order, with drop-ins. */
#include "change/conf.h"

#include "base/error.h"
#include "want/conf_file.h"
#include "want/pool_file.h"

#include <errno.h>
#include <string.h>

/* The first that has a file of a name has it for all: systemd.unit(5). */
static const char *const folders[] = {"etc/vfadm", "run/vfadm", "usr/lib/vfadm", NULL};

enum { FILE_MAX = 256 * 1024, FILES_MAX = 1024 };

static const char suffix[] = ".conf", drop_in_suffix[] = ".conf.d";

/* A file and its drop-ins, or what kept us from reading them. */
typedef struct {
        Io *io;
        GArray *texts;   /* IniText, whose bytes and paths the next two hold */
        GPtrArray *bytes, *paths;
        GError *wrong;
} Reading;

static void reading_clear(Reading *reading) {
        g_array_unref(reading->texts);
        g_ptr_array_unref(reading->bytes);
        g_ptr_array_unref(reading->paths);
        g_clear_error(&reading->wrong);
}

static Reading reading_new(Io *io) {
        return (Reading) {
                .io = io,
                .texts = g_array_new(FALSE, FALSE, sizeof(IniText)),
                .bytes = g_ptr_array_new_with_free_func((GDestroyNotify) g_bytes_unref),
                .paths = g_ptr_array_new_with_free_func(g_free),
        };
}

/* A link to /dev/null says that there is nothing, and so does an empty file. */
static bool is_masked(Io *io, const char *path, int r, const GBytes *bytes) {
        g_autofree char *target = NULL;

        if (r == 0)
                return g_bytes_get_size((GBytes *) bytes) == 0;
        return io_readlink(io, path, &target) == 0 && g_str_equal(target, "/dev/null");
}

/* One text more; false: there is none to take (masked, or taken away meanwhile), or reading->wrong. */
static bool add_text(Reading *reading, char *path) {
        g_autoptr(GBytes) bytes = NULL;
        size_t length;

        g_ptr_array_add(reading->paths, path);
        int r = io_read(reading->io, path, FILE_MAX, &bytes);
        if (is_masked(reading->io, path, r, bytes) || r == -ENOENT)
                return false;
        if (r < 0) {
                vfadm_error_set_errno(&reading->wrong, r, "reading the configuration in /%s", path);
                return false;
        }
        const char *text = g_bytes_get_data(bytes, &length);
        const IniText one = {path, text, length};
        g_array_append_val(reading->texts, one);
        g_ptr_array_add(reading->bytes, g_steal_pointer(&bytes));
        return true;
}

/* Adds NAME → path for what ends in `end` in one of the folders; a name that is there keeps its path. */
static bool list_into(Io *io, const char *folder, const char *end, GTree *found, GError **error) {
        g_auto(GStrv) names = NULL;

        int r = io_list(io, folder, &names);
        if (r == -ENOENT || r == -ENOTDIR || r == -ENODATA) /* ENODATA: a record that knows nothing of it */
                return true;
        if (r < 0)
                return vfadm_error_set_errno(error, r, "reading the configuration in /%s", folder);
        for (char **name = names; *name; name++) {
                if (**name == '.' || !g_str_has_suffix(*name, end) || g_tree_lookup(found, *name))
                        continue;
                if (g_tree_nnodes(found) == FILES_MAX) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                                    "/%s: there are more than %d files of configuration", folder, FILES_MAX);
                        return false;
                }
                g_tree_insert(found, g_strdup(*name), g_strdup_printf("%s/%s", folder, *name));
        }
        return true;
}

static int by_text(const void *a, const void *b, void *unused) {
        return strcmp(a, b);
}

static GTree *new_found(void) {
        return g_tree_new_full(by_text, NULL, g_free, g_free);
}

static gboolean add_drop_in(void *name, void *path, void *data) {
        Reading *reading = data;

        add_text(reading, g_strdup(path));
        return reading->wrong != NULL;
}

/* What stands in `inside` of each of the folders (NULL-terminated). */
static void add_drop_ins(Reading *reading, const char *const *where, const char *inside) {
        g_autoptr(GTree) found = new_found();

        for (; *where && !reading->wrong; where++) {
                g_autofree char *folder = **where ? g_strdup_printf("%s/%s", *where, inside) : g_strdup(inside);
                list_into(reading->io, folder, suffix, found, &reading->wrong);
        }
        if (!reading->wrong)
                g_tree_foreach(found, add_drop_in, reading);
}

/* A pool that 'vfadm pool' wrote stands alone in its file, and can be written again. */
static void keep_own_text(const Reading *reading, const Conf *conf, unsigned pfs, unsigned pools) {
        if (reading->texts->len != 1 || conf->pfs->len != pfs || conf->pools->len != pools + 1)
                return;
        const IniText *text = &g_array_index(reading->texts, IniText, 0);
        Pool *only = conf->pools->pdata[pools];
        g_autofree char *own = pool_file_path(only->name);
        if (g_str_equal(own, text->path))
                only->text = g_strndup(text->text, text->length);
}

/* Takes the path. */
static void read_file(Io *io, char *path, const char *const *where, const char *drop_ins, Conf *conf, GPtrArray *wrong) {
        Reading reading = reading_new(io);
        const unsigned pfs = conf->pfs->len, pools = conf->pools->len;

        if (add_text(&reading, path))
                add_drop_ins(&reading, where, drop_ins);
        if (!reading.wrong && reading.texts->len > 0 &&
            conf_file_parse(&g_array_index(reading.texts, IniText, 0), reading.texts->len, conf, &reading.wrong))
                keep_own_text(&reading, conf, pfs, pools);
        for (unsigned i = 0; i < reading.texts->len; i++)
                g_ptr_array_add(conf->files, g_strdup(g_array_index(reading.texts, IniText, i).path));
        if (reading.wrong)
                g_ptr_array_add(wrong, g_steal_pointer(&reading.wrong));
        reading_clear(&reading);
}

/* ---- the folders ---- */

typedef struct {
        Io *io;
        Conf *conf;
        GPtrArray *wrong;
} Host;

static gboolean read_named(void *name, void *path, void *data) {
        const Host *host = data;
        g_autofree char *drop_ins = g_strdup_printf("%s.d", (const char *) name);

        read_file(host->io, g_strdup(path), folders, drop_ins, host->conf, host->wrong);
        return FALSE;
}

static void read_folders(Io *io, Conf *conf, GPtrArray *wrong) {
        g_autoptr(GTree) found = new_found(), drop_ins = new_found();
        Host host = {io, conf, wrong};

        for (unsigned i = 0; folders[i]; i++) {
                GError *error = NULL;
                if (!list_into(io, folders[i], suffix, found, &error) ||
                    !list_into(io, folders[i], drop_in_suffix, drop_ins, &error))
                        g_ptr_array_add(wrong, error);
        }
        g_tree_foreach(found, read_named, &host);
        for (GTreeNode *node = g_tree_node_first(drop_ins); node; node = g_tree_node_next(node)) {
                g_autofree char *name = g_strndup(g_tree_node_key(node), strlen(g_tree_node_key(node)) - strlen(".d"));
                if (!g_tree_lookup(found, name))
                        g_ptr_array_add(conf->warnings, g_strdup_printf("/%s: nothing reads it, since there is no %s beside it",
                                                                        (const char *) g_tree_node_value(node), name));
        }
}

/* ---- files that were named ---- */

static void read_typed(Io *io, const char *typed, Conf *conf, GPtrArray *wrong) {
        static const char *const here[] = {"", NULL};
        g_autofree char *whole = g_canonicalize_filename(typed, NULL), *drop_ins = g_strdup_printf("%s.d", whole + 1);
        g_autoptr(GBytes) bytes = NULL;

        int r = io_read(io, whole + 1, FILE_MAX, &bytes);
        if (r < 0) {
                GError *error = NULL;
                vfadm_error_set_errno(&error, r, "reading the configuration in %s", whole);
                g_ptr_array_add(wrong, error);
                return;
        }
        read_file(io, g_strdup(whole + 1), here, drop_ins, conf, wrong);
}

static int by_name(const void *a, const void *b) {
        const Pool *const *x = a, *const *y = b;
        return strcmp((*x)->name, (*y)->name);
}

Conf *conf_read_sound(Io *io, char *const *files, GPtrArray *wrong) {
        Conf *conf = conf_new();
        GError *error = NULL;

        if (files) {
                g_autoptr(Io) machine = io_real_new("/", &error); /* files are the caller's, whatever host he looks at */
                for (; machine && *files; files++)
                        read_typed(machine, *files, conf, wrong);
        } else
                read_folders(io, conf, wrong);
        if (error)
                g_ptr_array_add(wrong, error);
        g_ptr_array_sort(conf->pools, by_name);
        return conf;
}

Conf *conf_read(Io *io, char *const *files, GError **error) {
        g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func((GDestroyNotify) g_error_free);
        g_autoptr(Conf) conf = conf_read_sound(io, files, wrong);

        if (wrong->len == 0)
                return g_steal_pointer(&conf);
        g_propagate_error(error, g_error_copy(wrong->pdata[0]));
        return NULL;
}
