/* PFs that a configuration names and that are not there yet: at boot their drivers come when they come. */
#pragma once

#include "io/io.h"
#include "model/conf.h"

/* Waits until each [Match] has a PF that can make VFs, for so long at most. False: some have none yet, or devices could not be watched
 * (*error, else none). */
bool waiting_for_pfs(Io *io, const Conf *conf, unsigned ms, GError **error);
