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
static void keep_own_text(const Reading *reading, Pool *pool) {
        const IniText *text = &g_array_index(reading->texts, IniText, 0);
        g_autofree char *own = pool_file_path(pool->name);
        g_autoptr(GPtrArray) sections = reading->texts->len == 1 && g_str_equal(own, text->path) ? ini_parse(text, NULL) : NULL;

        if (sections && sections->len == 1)
                pool->text = g_strndup(text->text, text->length);
}

/* What is read into, and how. */
typedef struct {
        Io *io;
        bool (*parse)(const IniText *texts, unsigned n_texts, Conf *conf, GError **error);
        Conf *conf;
        GPtrArray *wrong;
} Host;

/* Takes the path. */
static void read_file(const Host *host, char *path, const char *const *where, const char *drop_ins) {
        Reading reading = reading_new(host->io);
        Conf *conf = host->conf;
        const unsigned pools = conf->pools->len;

        if (add_text(&reading, path))
                add_drop_ins(&reading, where, drop_ins);
        const unsigned n = reading.texts->len;
        if (!reading.wrong && n > 0 && host->parse(&g_array_index(reading.texts, IniText, 0), n, conf, &reading.wrong))
                for (unsigned i = pools; i < conf->pools->len; i++)
                        keep_own_text(&reading, conf->pools->pdata[i]);
        for (unsigned i = 0; i < n; i++)
                g_ptr_array_add(conf->files, g_strdup(g_array_index(reading.texts, IniText, i).path));
        if (reading.wrong)
                g_ptr_array_add(host->wrong, g_steal_pointer(&reading.wrong));
        reading_clear(&reading);
}

/* ---- the folders ---- */

static gboolean read_named(void *name, void *path, void *data) {
        const Host *host = data;
        g_autofree char *drop_ins = g_strdup_printf("%s.d", (const char *) name);

        read_file(host, g_strdup(path), folders, drop_ins);
        return FALSE;
}

static void read_folders(Host *host) {
        g_autoptr(GTree) found = new_found(), drop_ins = new_found();

        for (unsigned i = 0; folders[i]; i++) {
                GError *error = NULL;
                if (!list_into(host->io, folders[i], suffix, found, &error) ||
                    !list_into(host->io, folders[i], drop_in_suffix, drop_ins, &error))
                        g_ptr_array_add(host->wrong, error);
        }
        g_tree_foreach(found, read_named, host);
        for (GTreeNode *node = g_tree_node_first(drop_ins); node; node = g_tree_node_next(node)) {
                g_autofree char *name = g_strndup(g_tree_node_key(node), strlen(g_tree_node_key(node)) - strlen(".d"));
                if (!g_tree_lookup(found, name))
                        g_ptr_array_add(host->conf->warnings, g_strdup_printf("/%s: nothing reads it, since there is no %s beside it",
                                                                        (const char *) g_tree_node_value(node), name));
        }
}

/* ---- files that were named ---- */

static void read_typed(const Host *machine, const char *typed) {
        static const char *const here[] = {"", NULL};
        g_autofree char *whole = g_canonicalize_filename(typed, NULL), *drop_ins = g_strdup_printf("%s.d", whole + 1);
        g_autoptr(GBytes) bytes = NULL;

        int r = io_read(machine->io, whole + 1, FILE_MAX, &bytes); /* it was named, so that it must be there */
        if (r == 0) {
                read_file(machine, g_strdup(whole + 1), here, drop_ins);
                return;
        }
        GError *error = NULL;
        vfadm_error_set_errno(&error, r, "reading the configuration in %s", whole);
        g_ptr_array_add(machine->wrong, error);
}

static int by_name(const void *a, const void *b) {
        const Pool *const *x = a, *const *y = b;
        return strcmp((*x)->name, (*y)->name);
}

Conf *conf_read_sound(Io *io, char *const *files, GPtrArray *wrong) {
        Host host = {io, conf_file_parse, conf_new(), wrong};
        GError *error = NULL;

        if (files) {
                g_autoptr(Io) machine = io_real_new("/", &error); /* files are the caller's, whatever host he looks at */
                host.io = machine;
                for (; machine && *files; files++)
                        read_typed(&host, *files);
        } else
                read_folders(&host);
        if (error)
                g_ptr_array_add(wrong, error);
        g_ptr_array_sort(host.conf->pools, by_name);
        return host.conf;
}

/* Takes the configuration. */
static Conf *unless_wrong(Conf *conf, const GPtrArray *wrong, GError **error) {
        if (wrong->len == 0)
                return conf;
        conf_free(conf);
        g_propagate_error(error, g_error_copy(wrong->pdata[0]));
        return NULL;
}

Conf *conf_read(Io *io, char *const *files, GError **error) {
        g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func((GDestroyNotify) g_error_free);
        return unless_wrong(conf_read_sound(io, files, wrong), wrong, error);
}

Conf *conf_read_pools(Io *io, GError **error) {
        g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func((GDestroyNotify) g_error_free);
        Host host = {io, conf_file_parse_pools, conf_new(), wrong};

        read_folders(&host);
        g_ptr_array_sort(host.conf->pools, by_name);
        return unless_wrong(host.conf, wrong, error);
}
