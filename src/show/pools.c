/* Pools, as a table, one in full with its VFs, and as JSON. */
#include "show/pools.h"

#include "show/table.h"
#include "show/value.h"

#include <string.h>

void show_pool_free(ShowPool *shown) {
        if (!shown)
                return;
        g_ptr_array_unref(shown->vfs);
        g_ptr_array_unref(shown->who);
        g_free(shown);
}

unsigned show_pool_free_vfs(const ShowPool *shown) {
        unsigned n = 0;
        for (unsigned i = 0; i < shown->who->len; i++)
                n += !shown->who->pdata[i];
        return n;
}

static const char *state_word(const Pool *pool) {
        return pool->started ? "started" : "stopped";
}

static const char *order_word(const Pool *pool) {
        return pool->order == POOL_PACK ? "pack" : "spread";
}

/* "enp1s0, enp2s0 (VFs 0-3)"; of a PF that is gone, the line of the file. */
static char *pfs_text(const Snapshot *host, const Pool *pool) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = pool_pf(pool, i, host);
                g_autofree char *nick = pf ? snapshot_nick(host, pf)
                                           : g_strdup_printf("%s (not here)", (const char *) pool->pfs->pdata[i]);
                g_string_append_printf(text, "%s%s", i ? ", " : "", nick);
        }
        if (pool->some_vfs && pool->first_vf == pool->last_vf)
                g_string_append_printf(text, " (VF %u)", pool->first_vf);
        else if (pool->some_vfs)
                g_string_append_printf(text, " (VFs %u-%u)", pool->first_vf, pool->last_vf);
        return g_string_free(text, FALSE);
}

char *show_pools_text(const Snapshot *host, const GPtrArray *pools, unsigned width) {
        static const struct {
                const char *name;
                bool right, cut;
        } heads[] = {
                {"NAME", false, false},    {"STATE", false, false}, {"AUTOSTART", false, false},
                {"FREE", true, false},     {"VFS", true, false},    {"PFS", false, true},
                {"LIBVIRT", false, false}, {"ORDER", false, false}, {"GIVES", false, true},
        };
        g_autoptr(Table) table = table_new(width);

        if (pools->len == 0)
                return g_strdup("");
        for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
                table_column(table, heads[i].name, false, heads[i].right, heads[i].cut);
        for (unsigned i = 0; i < pools->len; i++) {
                const ShowPool *shown = pools->pdata[i];
                const Pool *pool = shown->pool;
                TableLine *line = table_line(table, NULL);

                table_cell(line, 0, g_strdup(pool->name));
                table_cell(line, 1, g_strdup(state_word(pool)));
                table_cell(line, 2, g_strdup(pool->autostart ? "yes" : "no"));
                table_cell(line, 3, g_strdup_printf("%u", show_pool_free_vfs(shown)));
                table_cell(line, 4, g_strdup_printf("%u", shown->vfs->len));
                table_cell(line, 5, pfs_text(host, pool));
                table_cell(line, 6, g_strdup(pool->libvirt ? "yes" : "no"));
                table_cell(line, 7, g_strdup(order_word(pool)));
                table_cell(line, 8, vf_state_format(&pool->vf, VF_ALL));
        }
        return table_text(table);
}

/* ---- one ---- */

/* "active, autostart"; of a pool that has none: why. */
static char *network_text(const ShowPool *shown) {
        const HostdevNetwork *network = shown->network;

        if (!shown->pool->libvirt)
                return g_strdup("none is kept");
        if (!network)
                return g_strdup("none seen; 'vfadm recover' makes it when libvirt runs");
        return g_strdup_printf("%s, %s%s%s", network->active ? "active" : "inactive",
                               network->autostart ? "autostart" : "no autostart", network->pf ? ", all VFs of " : "",
                               network->pf ? network->pf : "");
}

static void pool_fields(GString *out, const Snapshot *host, const ShowPool *shown) {
        const Pool *pool = shown->pool;
        g_autofree char *network = network_text(shown), *gives = vf_state_format(&pool->vf, VF_ALL),
                        *pfs = pfs_text(host, pool);

        value_field(out, "state", "%s, %s at boot", state_word(pool), pool->autostart ? "started" : "not started");
        value_field(out, "file", "/%s", pool->path);
        value_field(out, "PFs", "%s", pfs);
        value_field(out, "order", "%s",
                    pool->order == POOL_PACK ? "pack: the PF with the fewest free VFs first"
                                             : "spread: the PF with the most free VFs first");
        if (*gives)
                value_field(out, "gives", "%s", gives);
        value_field(out, "libvirt", "%s", network);
        value_field(out, "free", "%u of %u VFs", show_pool_free_vfs(shown), shown->vfs->len);
}

char *show_pool_text(const Snapshot *host, const ShowPool *shown, unsigned width) {
        static const char *const heads[] = {"VF", "BDF", "NUMA", "DRIVER", "WHO"};
        g_autoptr(Table) table = table_new(width);
        GString *out = g_string_new(NULL);

        g_string_append_printf(out, "pool %s\n", shown->pool->name);
        pool_fields(out, host, shown);
        if (shown->vfs->len == 0)
                return g_string_free(out, FALSE);
        for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
                table_column(table, heads[i], false, i == 2, i == 4);
        for (unsigned i = 0; i < shown->vfs->len; i++) {
                const Dev *vf = shown->vfs->pdata[i];
                const char *who = shown->who->pdata[i];
                TableLine *line = table_line(table, NULL);

                table_cell(line, 0, snapshot_nick(host, vf));
                table_cell(line, 1, g_strdup(vf->name));
                table_cell(line, 2, vf->numa_node >= 0 ? g_strdup_printf("%d", vf->numa_node) : NULL);
                table_cell(line, 3, g_strdup(vf->driver));
                table_cell(line, 4, g_strdup(who ? who : "free"));
        }
        g_autofree char *text = table_text(table);
        g_string_append_printf(out, "\n%s", text);
        return g_string_free(out, FALSE);
}

/* ---- JSON ---- */

static json_t *pfs_json(const Snapshot *host, const Pool *pool) {
        json_t *array = json_array();

        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = pool_pf(pool, i, host);
                g_autofree char *nick = pf ? snapshot_nick(host, pf) : NULL;
                json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:o}", "named",
                                                       value_string(pool->pfs->pdata[i]), "device", value_string(nick),
                                                       "address", value_string(pf ? pf->name : NULL), "vfs",
                                                       pf ? json_integer(pf->num_vfs) : json_null()));
        }
        return array;
}

static json_t *vfs_json(const Snapshot *host, const ShowPool *shown) {
        json_t *array = json_array();

        for (unsigned i = 0; i < shown->vfs->len; i++) {
                const Dev *vf = shown->vfs->pdata[i];
                g_autofree char *nick = snapshot_nick(host, vf);
                json_array_append_new(
                        array, json_pack("{s:o, s:o, s:o, s:o, s:b, s:o}", "device", value_string(nick), "address",
                                         value_string(vf->name), "driver", value_string(vf->driver), "numa_node",
                                         vf->numa_node >= 0 ? json_integer(vf->numa_node) : json_null(), "free",
                                         !shown->who->pdata[i], "who", value_string(shown->who->pdata[i])));
        }
        return array;
}

static json_t *network_json(const HostdevNetwork *network) {
        if (!network)
                return json_null();
        return json_pack("{s:b, s:b, s:o}", "active", network->active, "autostart", network->autostart, "pf",
                         value_string(network->pf));
}

static json_t *pool_json(const Snapshot *host, const ShowPool *shown) {
        const Pool *pool = shown->pool;
        json_t *json = json_object();

        json_object_set_new(json, "name", value_string(pool->name));
        json_object_set_new(json, "started", json_boolean(pool->started));
        json_object_set_new(json, "autostart", json_boolean(pool->autostart));
        json_object_set_new(json, "libvirt", json_boolean(pool->libvirt));
        json_object_set_new(json, "network", network_json(shown->network));
        json_object_set_new(json, "order", json_string(order_word(pool)));
        json_object_set_new(json, "file", value_string(pool->path));
        json_object_set_new(json, "pfs", pfs_json(host, pool));
        json_object_set_new(json, "first_vf", pool->some_vfs ? json_integer(pool->first_vf) : json_null());
        json_object_set_new(json, "last_vf", pool->some_vfs ? json_integer(pool->last_vf) : json_null());
        json_object_set_new(json, "gives", vf_state_to_json(&pool->vf, VF_ALL));
        json_object_set_new(json, "free", json_integer(show_pool_free_vfs(shown)));
        json_object_set_new(json, "vfs", vfs_json(host, shown));
        return json;
}

json_t *show_pool_json(const Snapshot *host, const ShowPool *shown) {
        json_t *json = pool_json(host, shown);
        json_object_set_new(json, "notes", value_strings(host->notes));
        return json;
}

json_t *show_pools_json(const Snapshot *host, const GPtrArray *pools) {
        json_t *array = json_array();

        for (unsigned i = 0; i < pools->len; i++)
                json_array_append_new(array, pool_json(host, pools->pdata[i]));
        return json_pack("{s:o, s:o}", "pools", array, "notes", value_strings(host->notes));
}
