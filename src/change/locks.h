/* Which locks a change takes: one a PF (or a function that is no VF), in one order for everybody. */
#pragma once

#include "io/io.h"
#include "want/want.h"

typedef struct LockSet LockSet;

/* Locks for wants. A device that cannot be found locks nothing: planning will say so. */
LockSet *locks_take(Io *io, Want *const *wants, unsigned n, unsigned timeout_ms, GError **error);
void locks_free(LockSet *set);
