/* What the changing verbs have in common: run a want, show its progress, plan and outcome. */
#pragma once

#include "change/change.h"
#include "cli/verb.h"

/* Options for change_begin() from the command line: progress and recovery are told on stderr unless --quiet or --json. */
ChangeOptions changing_options(Cli *cli, Io *io);
/* The machine that is to be changed; --root is refused, since a recorded host cannot be. */
Io *changing_machine(Cli *cli, GError **error);

/* Runs `want` (freed here) on this machine and prints what came of it. */
bool changing_run(Cli *cli, Want *want, GError **error);
/* The same for several, as one plan. */
bool changing_run_all(Cli *cli, const GPtrArray *wants, GError **error);
/* The same for wants after which there are other VFs than before: the networks of pools are brought in step then, by a second plan whose
 * failure is no failure of the first. */
bool changing_run_vfs(Cli *cli, const GPtrArray *wants, GError **error);
/* That second plan alone: what it did, or why it failed, is added to `told` (char*). Nothing where no pool has a network. */
void changing_sync_pools(Cli *cli, Io *io, GPtrArray *told);
/* The same, as notes of the plan that was done. */
void changing_note_pools(Cli *cli, Io *io, Plan *plan);
/* Makes and does the plan, with progress. *ret is set whenever a plan was made, refused or not. */
bool changing_do(Cli *cli, Io *io, const GPtrArray *wants, Plan **ret, int64_t *usec, GError **error);
/* What --json prints of a plan. */
json_t *changing_json(const Cli *cli, const Plan *plan, int64_t usec);
/* SCOPE_* bits of --live and --config. */
unsigned changing_scope(const Cli *cli);
/* An empty array that owns its wants. */
GPtrArray *changing_wants(void);
/* Prints a plan that was made: as it stands with --dry-run, else as done. */
void changing_print(Cli *cli, const Plan *plan, int64_t usec);

/* Ends a progress line whose step has failed, so that the error stands on one of its own. */
void changing_end_line(Cli *cli);

/* A want for the verb's options: --disrupt, --with-group. */
Want *changing_want(Cli *cli, WantKind kind, const char *device);
