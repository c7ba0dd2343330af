/* Pools' VFs, and who has each. */
#pragma once

#include "cli/verb.h"
#include "io/io.h"
#include "plan/plan.h"
#include "show/pools.h"

/* What services gave out. Of a recorded host there is nothing; of this one it is an extra: that it is not to be had is told. */
Books *cli_known_books(const Cli *cli, Io *io, Snapshot *host);
/* NULL: the VF is free. The caller frees. */
char *cli_who_has(const PlanInput *input, const Dev *vf);
ShowPool *cli_pool_vfs(const PlanInput *input, const Pool *pool);
