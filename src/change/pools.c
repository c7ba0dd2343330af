/* The pools of this host: every /etc/vfadm/ *.conf, and what of them was started or stopped since boot. */
#include "change/pools.h"

#include "base/error.h"
#include "want/pool_file.h"

#include <errno.h>
#include <string.h>

static const char conf_dir[] = "etc/vfadm";

enum { FILE_MAX = 256 * 1024, FILES_MAX = 1024 };

enum { STATE_MAX = 4096 };

static char *read_text(Io *io, const char *path, size_t max) {
        g_autoptr(GBytes) bytes = NULL;
        size_t length;

        if (io_read(io, path, max, &bytes) < 0)
                return NULL;
        const char *text = g_bytes_get_data(bytes, &length);
        return g_strndup(text ? text : "", length);
}

/* A word of ours, gone with the reboot: what is no word of ours says nothing. */
static void read_state(Io *io, Pool *pool) {
        g_autofree char *path = pool_state_path(pool->name);

        pool->state = read_text(io, path, STATE_MAX);
        pool->started = pool->autostart;
        if (pool->state && (g_str_equal(pool->state, POOL_STARTED) || g_str_equal(pool->state, POOL_STOPPED)))
                pool->started = g_str_equal(pool->state, POOL_STARTED);
}

static bool read_file(Io *io, const char *name, GPtrArray *pools, GError **error) {
        g_autofree char *path = g_strdup_printf("%s/%s", conf_dir, name);
        g_autoptr(GBytes) bytes = NULL;
        size_t length;

        int r = io_read(io, path, FILE_MAX, &bytes);
        if (r == -ENOENT) /* taken away meanwhile */
                return true;
        if (r < 0)
                return vfadm_error_set_errno(error, r, "reading the pools in /%s", path);
        const char *text = g_bytes_get_data(bytes, &length);
        const unsigned before = pools->len;
        if (!pool_file_parse(path, text ? text : "", length, pools, error))
                return false;
        Pool *only = pools->len == before + 1 ? pools->pdata[before] : NULL;
        g_autofree char *own = only ? pool_file_path(only->name) : NULL;
        if (only && g_str_equal(own, path))
                only->text = g_strndup(text, length);
        return true;
}

static int by_name(const void *a, const void *b) {
        const Pool *const *x = a, *const *y = b;
        return strcmp((*x)->name, (*y)->name);
}

GPtrArray *pools_read(Io *io, GError **error) {
        g_autoptr(GPtrArray) pools = g_ptr_array_new_with_free_func((GDestroyNotify) pool_free);
        g_auto(GStrv) names = NULL;
        unsigned files = 0;

        int r = io_list(io, conf_dir, &names);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -ENODATA) { /* ENODATA: a record that knows nothing of it */
                vfadm_error_set_errno(error, r, "reading the pools in /%s", conf_dir);
                return NULL;
        }
        for (char **name = names; name && *name && files < FILES_MAX; name++) {
                if (**name == '.' || !g_str_has_suffix(*name, ".conf"))
                        continue;
                files++;
                if (!read_file(io, *name, pools, error))
                        return NULL;
        }
        for (unsigned i = 0; i < pools->len; i++)
                read_state(io, pools->pdata[i]);
        g_ptr_array_sort(pools, by_name);
        return g_steal_pointer(&pools);
}
