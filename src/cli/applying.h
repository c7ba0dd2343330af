/* What plan and apply have in common: the configuration, the want that is made of it, and what the exit status says. */
#pragma once

#include "cli/changing.h"
#include "model/conf.h"

enum { STATUS_TO_DO = 14, STATUS_LEFT = 15 };

/* The files that were named, or all of this host's; what they warn of is told. */
Conf *applying_conf(Cli *cli, Io *io, GError **error);
/* A want for `pf`, or for all PFs (NULL). It borrows the configuration. */
Want *applying_want(Cli *cli, const Conf *conf, const char *pf);
/* The PF that --pf names, of which there can be one; NULL: none. False: there are several. */
bool applying_pf(const Cli *cli, const char **ret, GError **error);
/* --wait: until each [Match] has its PF, or the time is over. */
void applying_wait(const Cli *cli, Io *io, const Conf *conf);
/* The exit status of a plan that was shown (`shown`) or done. */
int applying_status(const Plan *plan, bool shown);
