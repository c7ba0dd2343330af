/* Which locks a change takes: one a PF (or a function that is no VF), in one order for everybody; one for the boot parameters and
 * pools. */
#pragma once

#include "io/io.h"
#include "model/pci.h"
#include "want/want.h"

typedef struct LockSet LockSet;

/* It is about pools, or about what a service has given out, rather than about one device. */
bool want_is_of_pools(const Want *want);

/* Locks for wants. Those of pools take the lock of the boot parameters, too, as all that writes the host's own files does. What cannot be told from a name alone (a lease's number, any PF) locks every PF and all that is in
 * `leases` (Lease*). */
LockSet *locks_take(Io *io, Want *const *wants, unsigned n, const GPtrArray *leases, unsigned timeout_ms, GError **error);
/* `pf` (or a function that is no VF) is among them. */
bool locks_hold(const LockSet *set, PciAddr pf);
/* So is that of the boot parameters. */
bool locks_hold_boot(const LockSet *set);
void locks_free(LockSet *set);
