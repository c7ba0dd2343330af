/* Changes to the host's own files: planned, shown as a difference, agreed to, made. */
#pragma once

#include "change/change.h"
#include "cli/verb.h"

/* All of it, under the lock, on this machine; with --dry-run only shown, without one. */
bool asking_change(Cli *cli, Want *const *wants, unsigned n, GError **error);
/* The part of --dry-run, of a plan that was made elsewhere. */
void asking_show_only(Cli *cli, const Plan *plan);
/* With --json, what the verb says; `plan` NULL: there was nothing to plan. */
void asking_print_json(const Plan *plan, bool applied);
