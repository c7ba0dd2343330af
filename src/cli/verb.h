/* A verb of the command line, and what every verb is given. One file a verb; the table is in verbs.c. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Which options a verb takes; --json, --root, --ledger, --quiet and --help every verb takes (table in options.c). */
enum {
        OPT_ALL = 1 << 0,
        OPT_TREE = 1 << 1,
        OPT_COLUMNS = 1 << 2,
        OPT_DRY_RUN = 1 << 3,
        OPT_DISRUPT = 1 << 4,
        OPT_WITH_GROUP = 1 << 5,
        OPT_FROM = 1 << 6,
        OPT_TIMEOUT = 1 << 7,
        OPT_NEW_LEDGER = 1 << 8,
        OPT_COMMAND = 1 << 9, /* words after "--" are a command; for other verbs they are words like any */
        OPT_FIX = 1 << 10,
        OPT_UNDO = 1 << 11,
        OPT_YES = 1 << 12,
        OPT_EXPLAIN = 1 << 13,
        OPT_XML = 1 << 14,
        OPT_NO_RESET = 1 << 15,
        OPT_LIVE = 1 << 16,
        OPT_CONFIG = 1 << 17,
        OPT_PF = 1 << 18,
        OPT_POOL = 1 << 24, /* pool define: --vfs, --libvirt, --order */
        OPT_KEEP_GOING = 1 << 25,
        OPT_SPARE_VFIO = 1 << 29,
        OPT_WAIT = 1 << 28,
        OPT_ADOPT = 1 << 19,
        OPT_OFF = 1 << 20,
        OPT_BOOT = 1 << 21,
        OPT_OUTPUT = 1 << 22,
        OPT_METRICS = 1 << 23, /* metrics: --http, --textfile */
        OPT_RETIRE = 1 << 26,
        OPT_CHANGES = OPT_DRY_RUN | OPT_DISRUPT,
};

typedef struct {
        bool json, quiet, xml, all, tree, dry_run, disrupt, with_group, new_ledger, no_reset, fix, undo, yes, explain, live, config, adopt, retire,
             libvirt, off, boot, http, keep_going, spare_vfio;
        char *root;        /* NULL: this machine */
        char *ledger_dir;  /* NULL: /var/lib/vfadm */
        char *columns;
        char *from;
        char *output;
        char *textfile;
        char **pfs;        /* --pf, each; NULL: none */
        char *vfs, *order;
        unsigned timeout_ms; /* 0: the default */
        unsigned wait_ms;    /* 0: not at all */
        char **args;       /* words after the verb, options taken out; NULL-terminated */
        unsigned n_args;
        char **command;    /* words after "--", or NULL */
        bool line_open;    /* a progress line on standard error still wants its end */
        int status;        /* exit status when the verb succeeds; 0 unless it sets it ('run': QEMU's) */
} Cli;

typedef struct {
        const char *name;
        const char *usage;   /* "PF N" */
        const char *summary; /* one line, no full stop */
        unsigned options;
        unsigned min_args, max_args;
        bool (*run)(Cli *cli, GError **error);
        const char *description; /* paragraphs for `vfadm help VERB` */
        const char *examples;    /* lines "vfadm …  # what it does" */
} Verb;

extern const Verb verbs[]; /* ends with name NULL; alphabetical */
const Verb *verb_find(const char *name);
/* Sets the USAGE error for a verb that there is not, with the one that was probably meant. */
void verb_set_unknown(const char *name, GError **error);

bool verb_apply(Cli *cli, GError **error);
bool verb_attach(Cli *cli, GError **error);
bool verb_bind(Cli *cli, GError **error);
bool verb_check(Cli *cli, GError **error);
bool verb_detach(Cli *cli, GError **error);
bool verb_disable(Cli *cli, GError **error);
bool verb_doctor(Cli *cli, GError **error);
bool verb_enable(Cli *cli, GError **error);
bool verb_export(Cli *cli, GError **error);
bool verb_help(Cli *cli, GError **error);
bool verb_import(Cli *cli, GError **error);
bool verb_leases(Cli *cli, GError **error);
bool verb_list(Cli *cli, GError **error);
bool verb_metrics(Cli *cli, GError **error);
bool verb_monitor(Cli *cli, GError **error);
bool verb_plan(Cli *cli, GError **error);
bool verb_pool(Cli *cli, GError **error);
bool verb_record(Cli *cli, GError **error);
bool verb_recover(Cli *cli, GError **error);
bool verb_release(Cli *cli, GError **error);
bool verb_run(Cli *cli, GError **error);
bool verb_set(Cli *cli, GError **error);
bool verb_show(Cli *cli, GError **error);
bool verb_unbind(Cli *cli, GError **error);
bool verb_version(Cli *cli, GError **error);
bool verb_virt_install_args(Cli *cli, GError **error);
bool verb_xml(Cli *cli, GError **error);
