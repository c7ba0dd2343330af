/* What the reading verbs have in common: a host to read, its leases, and manners of printing. */
#pragma once

#include "cli/verb.h"
#include "io/io.h"
#include "model/snapshot.h"

#include <jansson.h>

/* This machine, or the recorded one that --root names. */
Io *cli_open(const Cli *cli, GError **error);
/* Reads the host (HOST_* of host/host.h) and tells on standard error what could not be read. */
Snapshot *cli_read_host(const Cli *cli, Io *io, unsigned what, GError **error);
/* The ledger's leases (Lease*). A recorded host has none, unless --ledger says where they are. */
GPtrArray *cli_read_leases(const Cli *cli, GError **error);
/* The same for verbs to which leases are an extra: when the ledger cannot be read that is told, and there are none. */
GPtrArray *cli_known_leases(const Cli *cli, Snapshot *host);

/* "vfadm: note: …" on standard error, unless --quiet. With --json the notes are in the result. */
void cli_note(const Cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Prints and frees. */
void cli_print_json(json_t *json);
void cli_print_text(char *text);
/* Whether this standard stream may be coloured: a terminal, and no NO_COLOR. */
bool cli_color(int fd);
/* Columns of the terminal, 0 when standard output is none. */
unsigned cli_width(void);
