/* Reads the pools of this host: /etc/vfadm and /run/vfadm/pools. */
#pragma once

#include "io/io.h"
#include "model/pool.h"

/* Pool*, ordered by name. A file that cannot be understood is an error: half of a configuration is none. */
GPtrArray *pools_read(Io *io, GError **error);
