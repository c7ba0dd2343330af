/* The pools of this host: what its configuration says of them, and what of them was started or stopped since boot. */
#include "change/pools.h"

#include "change/conf.h"
#include "want/pool_file.h"

enum { STATE_MAX = 4096 };

/* A word of ours, gone with the reboot: what is no word of ours says nothing. */
static void read_state(Io *io, Pool *pool) {
        g_autofree char *path = pool_state_path(pool->name);
        g_autoptr(GBytes) bytes = NULL;

        pool->started = pool->autostart;
        if (io_read(io, path, STATE_MAX, &bytes) < 0)
                return;
        size_t length;
        const char *text = g_bytes_get_data(bytes, &length);
        pool->state = g_strndup(text ? text : "", length);
        if (g_str_equal(pool->state, POOL_STARTED) || g_str_equal(pool->state, POOL_STOPPED))
                pool->started = g_str_equal(pool->state, POOL_STARTED);
}

GPtrArray *pools_read(Io *io, GError **error) {
        g_autoptr(Conf) conf = conf_read_pools(io, error);

        if (!conf)
                return NULL;
        for (unsigned i = 0; i < conf->pools->len; i++)
                read_state(io, conf->pools->pdata[i]);
        return g_ptr_array_ref(conf->pools);
}
