/* A host as it is now, as configuration: what a file of /etc/vfadm would have to say for nothing to change. Pure. */
#pragma once

#include "model/conf.h"
#include "model/lease.h"

/* One PF. A leased VF is as its lease will leave it. What cannot be told is added to `notes` (char*). */
ConfPf *plan_export(const Snapshot *host, const GPtrArray *leases, const Dev *pf, GPtrArray *notes);
/* Puts the word into [Match] by which this PF and no other of this host is known best: its permanent MAC, else its path. */
void plan_export_match(ConfPf *conf, const Snapshot *host, const Dev *pf);
/* Adds one VF to those that are there, which are ordered: as a section of its own, or to the last one where that says the same of the VF
 * before it. */
void plan_export_vf(ConfPf *conf, unsigned index, const VfState *state, const char *driver);
