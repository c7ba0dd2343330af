/* What makes and sets VFs at boot besides vfadm, as configuration. Pure. */
#pragma once

#include "model/takeover.h"

/* Of a host that was read with its setup; `conf`: what the configuration says now, NULL: nothing. Both must outlive what comes back. */
Takeovers *plan_takeovers(const Snapshot *host, const Conf *conf);
/* The file that is about this PF; NULL: none. */
const ConfPf *plan_configured(const Conf *conf, const Dev *pf);
