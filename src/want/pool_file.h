/* A configuration file's sections [Pool NAME]: key files as systemd people know them. Pure. */
#pragma once

#include "model/pool.h"

/* Adds the pools of one file (Pool*; their `path` is that). Other sections are none of our business. FAILED names file and
 * line or key: unknown keys, values that are none, a pool that is there already. */
bool pool_file_parse(const char *path, const char *text, size_t length, GPtrArray *pools, GError **error);
/* The file that 'vfadm pool define' writes; `host` (may be NULL) gives names for a comment. The caller frees. */
char *pool_file_format(const Pool *pool, const Snapshot *host);
/* "etc/vfadm/pool-NAME.conf"; the caller frees. */
char *pool_file_path(const char *name);
/* "run/vfadm/pools/NAME": one of these where it differs from what autostart says; gone with a reboot. */
char *pool_state_path(const char *name);
#define POOL_STARTED "started\n"
#define POOL_STOPPED "stopped\n"
/* The text of a pool's own file (pool->text) with another Autostart=, all else as it stands. The caller frees. */
char *pool_file_set_autostart(const char *text, bool autostart);
