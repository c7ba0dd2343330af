/* A pool: VFs of one or several PFs under one name, of which each guest gets any free one. Plain data; a section [Pool NAME] of
 * a configuration file, read by want/conf_file.h and written by want/pool_file.h. */
#pragma once

#include "model/hostdev_network.h"
#include "model/snapshot.h"
#include "model/vfstate.h"

typedef enum {
        POOL_SPREAD, /* the PF with the most free VFs first */
        POOL_PACK,   /* fill one PF before the next */
} PoolOrder;

typedef struct {
        char *name;
        GPtrArray *pfs;  /* char*: permanent MAC ("02:00:00:00:01:01") where the PF has one, else its address */
        bool some_vfs;   /* only VFs first_vf to last_vf of each PF */
        unsigned first_vf, last_vf;
        VfState vf;      /* what each VF gets unless the attach says otherwise */
        PoolOrder order;
        bool libvirt;    /* a libvirt network of the same name is kept in step */
        bool autostart;  /* started at boot */
        bool started;    /* it hands out VFs now */
        char *path;      /* file that it was read from, below the root; NULL: none yet */
        char *text;      /* all of that file, where it is the pool's own (pool_file_path()) and holds no other; else NULL */
        char *state;     /* what stands in pool_state_path(); NULL: nothing */
} Pool;

Pool *pool_new(const char *name);
void pool_free(Pool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, pool_free)

/* A name that is one file name, libvirt's network name and a word of a command line: letters, digits, '.', '_', '-', not
 * beginning with '.' or '-', at most 64 bytes. */
bool pool_name_ok(const char *name);
const Pool *pools_find(const GPtrArray *pools, const char *name);

/* The PF that a line of the pool names, or NULL: not here (any more). */
const Dev *pool_pf(const Pool *pool, unsigned i, const Snapshot *host);
/* Every VF of the pool that exists now: const Dev*, PF by PF in the pool's order, by VF number. */
GPtrArray *pool_vfs(const Pool *pool, const Snapshot *host);
bool pool_has(const Pool *pool, const Snapshot *host, const Dev *vf);
/* The libvirt network that the pool is to have now; the caller frees. */
HostdevNetwork *pool_network(const Pool *pool, const Snapshot *host);
