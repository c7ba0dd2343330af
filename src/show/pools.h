/* Pools, as a table, in full, and as JSON. Pure, as show.h. */
#pragma once

#include "model/pool.h"

#include <jansson.h>

/* A pool with what is known of its VFs. */
typedef struct {
        const Pool *pool;
        GPtrArray *vfs; /* const Dev*, as pool_vfs() gives them */
        GPtrArray *who; /* char*, one a VF: who has it; NULL: it is free */
        const HostdevNetwork *network; /* the service's; NULL: it has none, or nobody could ask */
} ShowPool;

void show_pool_free(ShowPool *shown);
unsigned show_pool_free_vfs(const ShowPool *shown);

/* All of them, a line each: ShowPool*. Empty text when there are none. */
char *show_pools_text(const Snapshot *host, const GPtrArray *pools, unsigned width);
/* {"pools": […], "notes": […]} */
json_t *show_pools_json(const Snapshot *host, const GPtrArray *pools);
/* One with each of its VFs; its JSON has the notes, too. */
char *show_pool_text(const Snapshot *host, const ShowPool *shown, unsigned width);
json_t *show_pool_json(const Snapshot *host, const ShowPool *shown);
