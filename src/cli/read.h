/* What the reading verbs have in common: a host to read, its leases, and manners of printing. */
#pragma once

#include "cli/verb.h"
#include "io/io.h"
#include "model/books.h"
#include "model/snapshot.h"

#include <jansson.h>

/* This machine, or the recorded one that --root names. */
Io *cli_open(const Cli *cli, GError **error);
/* Reads the host (HOST_* of host/host.h) and tells on standard error what could not be read. With HOST_USES on Xen's dom0 also what its
 * guests have; that this is not to be known is told, and no error. */
Snapshot *cli_read_host(const Cli *cli, Io *io, unsigned what, GError **error);
/* The same without asking anybody but the kernel. */
Snapshot *cli_read_host_alone(const Cli *cli, Io *io, unsigned what, GError **error);
/* Xen's books on its dom0, to be read before the host. NULL: it is none, or they are not to be had, and *ret_note (the caller frees) says so. */
Books *cli_xen_books(const Cli *cli, Io *io, char **ret_note);
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
