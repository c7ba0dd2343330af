/* The files that 'vfadm pool' writes: one section [Pool NAME] each. They are read as all configuration is, want/conf_file.h. Pure. */
#pragma once

#include "model/pool.h"

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
