/* The options of the command line: one table for parsing, help and tests. */
#pragma once

#include "cli/verb.h"

typedef struct {
        const char *name;
        char letter;      /* 0: none */
        unsigned bit;     /* OPT_*; 0: every verb takes it */
        const char *arg;  /* "FILE|DIR"; NULL: takes none */
        const char *help; /* one line, no full stop */
} OptionHelp;

/* The i-th option, or NULL beyond the last. */
const OptionHelp *option_at(unsigned i);

/* Parses a whole command line into *cli, which must be zero, and finds its verb. `--help` and `--version` become the
 * verbs of that name. *ret is NULL when nothing was typed. cli->json is right also when this fails, so that the error
 * can be told as asked. */
bool options_parse(int argc, char **argv, Cli *cli, const Verb **ret, GError **error);
void cli_clear(Cli *cli);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cli, cli_clear)
