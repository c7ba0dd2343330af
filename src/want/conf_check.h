/* What must hold between the sections of a configuration file, and between files. Pure. */
#pragma once

#include "model/conf.h"

/* The PF's file is whole now, and is to join those of `conf`: numbers of VFs, MACs, and a [Match] that another file has. */
bool conf_check_pf(const ConfPf *pf, const Conf *conf, GError **error);
/* What is taken, but may not be what was meant; appended to `warnings` (char*). */
void conf_warn_pf(const ConfPf *pf, GPtrArray *warnings);
/* "[VF 0-3]", as people write it; the caller frees. */
char *conf_vf_range(unsigned first, unsigned last);
