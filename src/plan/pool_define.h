/* The checks of a pool to be. Inside plan/. */
#pragma once

#include "plan/pool.h"

/* The pool that was asked for, with PFs by lasting names, and started as the one it replaces (`old`, or NULL). NULL: refused. */
Pool *pool_define(Plan *plan, const PlanInput *input, const Pool *asked, const Pool *old);
