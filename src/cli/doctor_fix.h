/* 'vfadm doctor --fix' and '--undo': boot parameters put where this host keeps them, after they were shown and agreed to. */
#pragma once

#include "cli/verb.h"
#include "io/io.h"
#include "model/snapshot.h"

#include <glib.h>

/* `findings`: Finding*, whose boot_add and boot_remove are put in order. `host` (with its setup) was read through `io`; what is
 * really changed is planned anew under the lock. */
bool doctor_fix(Cli *cli, Io *io, const Snapshot *host, const GPtrArray *findings, GError **error);
bool doctor_undo(Cli *cli, GError **error);
