/* A PF's configuration as people write it: what conf_file.h reads, the other way round. Pure. */
#pragma once

#include "model/conf.h"

/* The file that says this of a PF; `host` (may be NULL) gives today's names for a comment. The caller frees. */
char *conf_format(const ConfPf *pf, const Snapshot *host);
/* The keys of a VF, "VLAN=42" and so on, a line each: what of `vf` is known, but for the MAC. */
void conf_append_vf(GString *text, const VfState *vf);
