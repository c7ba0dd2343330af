/* A pool of VFs: its name's rules, which VFs are in it, and the network that it is to a virtualisation service. */
#include "model/pool.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

enum { NAME_MAX_BYTES = 64 };

Pool *pool_new(const char *name) {
        Pool *pool = g_new0(Pool, 1);
        pool->name = g_strdup(name);
        pool->pfs = g_ptr_array_new_with_free_func(g_free);
        return pool;
}

void pool_free(Pool *pool) {
        if (!pool)
                return;
        g_free(pool->name);
        g_free(pool->path);
        g_free(pool->text);
        g_free(pool->state);
        g_ptr_array_unref(pool->pfs);
        g_free(pool);
}

bool pool_name_ok(const char *name) {
        static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
        size_t length = name ? strlen(name) : 0;
        return length > 0 && length <= NAME_MAX_BYTES && name[0] != '.' && name[0] != '-' &&
               strspn(name, set) == length;
}

const Pool *pools_find(const GPtrArray *pools, const char *name) {
        for (unsigned i = 0; pools && i < pools->len; i++) {
                const Pool *pool = pools->pdata[i];
                if (g_str_equal(pool->name, name))
                        return pool;
        }
        return NULL;
}

static bool has_mac(const Dev *dev, const uint8_t mac[6]) {
        const NetDev *net = dev_net(dev);
        /* A bond lends its members a MAC; the permanent one stays the port's own. */
        return net && memcmp(mac_is_zero(net->permanent_mac) ? net->mac : net->permanent_mac, mac, 6) == 0;
}

const Dev *pool_pf(const Pool *pool, unsigned i, const Snapshot *host) {
        const char *line = pool->pfs->pdata[i];
        uint8_t mac[6];

        if (!parse_mac(line, mac)) {
                const Dev *dev = snapshot_find(host, line, NULL);
                return dev && dev->is_pf ? dev : NULL;
        }
        for (unsigned n = 0; n < host->devs->len; n++) {
                const Dev *dev = host->devs->pdata[n];
                if (dev->is_pf && has_mac(dev, mac))
                        return dev;
        }
        return NULL;
}

static bool in_range(const Pool *pool, unsigned index) {
        return !pool->some_vfs || (index >= pool->first_vf && index <= pool->last_vf);
}

GPtrArray *pool_vfs(const Pool *pool, const Snapshot *host) {
        GPtrArray *vfs = g_ptr_array_new();
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = pool_pf(pool, i, host);
                /* One port in two spellings is still one. */
                if (!pf || !g_hash_table_add(seen, (gpointer) pf))
                        continue;
                for (unsigned n = 0; pf->vfs && n < pf->vfs->len; n++) {
                        const Dev *vf = in_range(pool, n) ? snapshot_vf(host, pf, n) : NULL;
                        if (vf)
                                g_ptr_array_add(vfs, (gpointer) vf);
                }
        }
        return vfs;
}

bool pool_has(const Pool *pool, const Snapshot *host, const Dev *vf) {
        if (!vf->is_vf || !in_range(pool, vf->vf_index))
                return false;
        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = pool_pf(pool, i, host);
                if (pf && pci_addr_equal(pf->addr, vf->pf))
                        return true;
        }
        return false;
}

HostdevNetwork *pool_network(const Pool *pool, const Snapshot *host) {
        HostdevNetwork *network = hostdev_network_new(pool->name);
        g_autoptr(GPtrArray) vfs = pool_vfs(pool, host);
        const Dev *only = pool->pfs->len == 1 && !pool->some_vfs ? pool_pf(pool, 0, host) : NULL;

        if (only && dev_net(only))
                network->pf = g_strdup(dev_net(only)->name);
        /* libvirt starts no network of a PF that has no VFs (networkCreateInterfacePool()), and makes the list of one
         * when it starts it. */
        network->active = pool->started && vfs->len > 0;
        for (unsigned i = 0; i < vfs->len && (network->active || !network->pf); i++)
                g_array_append_val(network->addresses, ((const Dev *) vfs->pdata[i])->addr);
        network->autostart = pool->autostart;
        network->managed = true;
        network->persistent = true;
        return network;
}
