/* The options of the command line: one table, and getopt_long over it. */
#include "cli/options.h"

#include "base/error.h"
#include "base/parse.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

typedef enum { FLAG, TEXT, LIST, SECONDS, HELP, VERSION } OptionType;

typedef struct {
        OptionHelp help;
        OptionType type;
        size_t offset; /* of its field in Cli */
} Option;

#define FIELD(name) offsetof(Cli, name)

static const Option options[] = {
        {{"all", 'a', OPT_ALL, NULL, "list: every PCI function, not only PFs and VFs; doctor: what is fine, too"}, FLAG, FIELD(all)},
        {{"tree", 't', OPT_TREE, NULL, "VFs drawn below their PF; with --all, devices below their bridges"}, FLAG, FIELD(tree)},
        {{"columns", 'o', OPT_COLUMNS, "COLUMNS", "which columns, as in -o BDF,DRIVER; -o +SLOT adds to the usual ones"}, TEXT,
         FIELD(columns)},
        {{"dry-run", 'n', OPT_DRY_RUN, NULL, "say what would be done, step by step, and change nothing"}, FLAG, FIELD(dry_run)},
        {{"disrupt", 0, OPT_DISRUPT, NULL, "go on although the host's own use of the device is disturbed"}, FLAG, FIELD(disrupt)},
        {{"with-group", 0, OPT_WITH_GROUP, NULL, "take the other members of the IOMMU group along"}, FLAG, FIELD(with_group)},
        {{"from", 'f', OPT_FROM, "POOL|PF|VF", "take a free VF of this pool or PF, or this very VF"}, TEXT, FIELD(from)},
        {{"live", 0, OPT_LIVE, NULL, "libvirt, Xen: the running guest, until it ends"}, FLAG, FIELD(live)},
        {{"config", 0, OPT_CONFIG, NULL, "the guest's definition, from its next start on; import: into /etc/vfadm what other files say"}, FLAG,
         FIELD(config)},
        {{"adopt", 0, OPT_ADOPT, NULL, "make leases and pools of what is not adopted yet"}, FLAG, FIELD(adopt)},
        {{"retire", 0, OPT_RETIRE, NULL, "with --config: and take it out of those files, as comments"}, FLAG, FIELD(retire)},
        {{"pf", 0, OPT_PF, "PF", "pool define: a PF whose VFs are in the pool; may be given again. plan, apply: this PF alone"}, LIST, FIELD(pfs)},
        {{"vfs", 0, OPT_POOL, "FIRST-LAST", "pool define: only these VFs of each PF, as in 0-3"}, TEXT, FIELD(vfs)},
        {{"order", 0, OPT_POOL, "spread|pack", "pool define: from the PF with most free VFs (spread), or fewest (pack)"}, TEXT,
         FIELD(order)},
        {{"libvirt", 0, OPT_POOL, NULL, "pool define: keep a libvirt network of the same name in step"}, FLAG, FIELD(libvirt)},
        {{"off", 0, OPT_OFF, NULL, "pool autostart: not any more"}, FLAG, FIELD(off)},
        {{"spare-vfio", 0, OPT_SPARE_VFIO, NULL, "apply: leave a VF on VFIO that should have another driver: a guest may want it"}, FLAG, FIELD(spare_vfio)},
        {{"keep-going", 0, OPT_KEEP_GOING, NULL, "apply: each PF by itself, so that one that fails stops no other"}, FLAG, FIELD(keep_going)},
        {{"wait", 0, OPT_WAIT, "SECONDS", "apply: first wait so long for PFs that are configured and not there yet"}, SECONDS, FIELD(wait_ms)},
        {{"boot", 0, OPT_BOOT, NULL, "bind: from the next boot on, by Xen's pciback; apply: as at boot, wakes no libvirt"}, FLAG, FIELD(boot)},
        {{"output", 0, OPT_OUTPUT, "DIR", "write files into this folder, none of which may be there already"}, TEXT, FIELD(output)},
        {{"timeout", 0, OPT_TIMEOUT, "SECONDS", "how long the guest may take to let go (30)"}, SECONDS, FIELD(timeout_ms)},
        {{"no-reset", 0, OPT_NO_RESET, NULL, "do not reset the device; for one whose reset fails"}, FLAG, FIELD(no_reset)},
        {{"new-ledger", 0, OPT_NEW_LEDGER, NULL, "put a damaged ledger aside and begin a new one"}, FLAG, FIELD(new_ledger)},
        {{"xml", 0, OPT_XML, NULL, "as 'virsh nodedev-dumpxml' prints it, also where no libvirt runs"}, FLAG, FIELD(xml)},
        {{"explain", 0, OPT_EXPLAIN, NULL, "all about the finding of this name; without one, the names of all"}, FLAG,
         FIELD(explain)},
        {{"fix", 0, OPT_FIX, NULL, "put the boot parameters right: shows the change as a diff, and asks first"}, FLAG, FIELD(fix)},
        {{"undo", 0, OPT_UNDO, NULL, "take back what --fix has changed, and only that"}, FLAG, FIELD(undo)},
        {{"yes", 'y', OPT_YES, NULL, "do it without asking"}, FLAG, FIELD(yes)},
        {{"http", 0, OPT_METRICS, NULL, "answer one request of HTTP, on standard input and output"}, FLAG, FIELD(http)},
        {{"textfile", 0, OPT_METRICS, "FILE", "write this file, for node_exporter's textfile collector"}, TEXT, FIELD(textfile)},
        {{"json", 'j', 0, NULL, "results, and errors too, as JSON on standard output"}, FLAG, FIELD(json)},
        {{"quiet", 'q', 0, NULL, "no progress and no notes on standard error"}, FLAG, FIELD(quiet)},
        {{"root", 0, 0, "FILE|DIR", "read a host that 'vfadm record' wrote (verbs that only read)"}, TEXT, FIELD(root)},
        {{"ledger", 0, 0, "DIR", "where the ledger is (/var/lib/vfadm)"}, TEXT, FIELD(ledger_dir)},
        {{"help", 'h', 0, NULL, "help about the verb"}, HELP, 0},
        {{"version", 'V', 0, NULL, "the version of vfadm"}, VERSION, 0},
};

const OptionHelp *option_at(unsigned i) {
        return i < G_N_ELEMENTS(options) ? &options[i].help : NULL;
}

/* "30" or "2.5", from a millisecond to a day. */
static bool parse_seconds(const char *text, unsigned *ret_ms) {
        g_auto(GStrv) parts = g_strsplit(text, ".", 2);
        uint32_t seconds, thousandths = 0;

        if (!parts[0] || !parse_u32(parts[0], 0, 86400, &seconds))
                return false;
        if (parts[1]) {
                size_t digits = strlen(parts[1]);
                if (digits > 3 || !parse_u32(parts[1], 0, 999, &thousandths))
                        return false;
                for (; digits < 3; digits++)
                        thousandths *= 10;
        }
        if (seconds + thousandths == 0)
                return false;
        *ret_ms = seconds * 1000 + thousandths;
        return true;
}

static void set_text(char **field, const char *text) {
        g_free(*field);
        *field = g_strdup(text);
}

static void add_text(char ***field, const char *text) {
        const unsigned n = *field ? g_strv_length(*field) : 0;
        *field = g_renew(char *, *field, n + 2);
        (*field)[n] = g_strdup(text);
        (*field)[n + 1] = NULL;
}

static bool apply(const Option *option, const char *arg, Cli *cli, GError **error) {
        char *field = (char *) cli + option->offset;

        switch (option->type) {
        case FLAG:
                *(bool *) field = true;
                return true;
        case TEXT:
                if (!*arg) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "--%s: %s is empty", option->help.name, option->help.arg);
                        return false;
                }
                set_text((char **) field, arg);
                return true;
        case LIST:
                add_text((char ***) field, arg);
                return true;
        case SECONDS:
                if (!parse_seconds(arg, (unsigned *) field)) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                                    "--%s=%s: give seconds from 0.001 to 86400, as in 30 or 2.5", option->help.name, arg);
                        return false;
                }
                return true;
        default:
                return true;
        }
}

/* getopt's own tables, made of ours. `short_options` has room for ':' + two characters an option. */
static void build_getopt(struct option *long_options, char *short_options) {
        *short_options++ = ':';
        for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
                const OptionHelp *help = &options[i].help;
                /* Values above every letter, so that one switch serves both spellings. */
                long_options[i] = (struct option) {help->name, help->arg ? required_argument : no_argument, NULL, 256 + (int) i};
                if (help->letter)
                        *short_options++ = help->letter;
                if (help->letter && help->arg)
                        *short_options++ = ':';
        }
        *short_options = '\0';
}

static const Option *option_of(int value) {
        if (value >= 256)
                return &options[value - 256];
        for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
                if (options[i].help.letter == value)
                        return &options[i];
        return NULL;
}

static bool bad_option(int result, char **argv, GError **error) {
        g_autofree char *letter = g_strdup_printf("-%c", optopt);
        /* For a long option getopt leaves 0 or our own value in optopt, and the word itself before optind. */
        const char *word = optopt > 0 && optopt < 256 ? letter : argv[optind - 1];

        if (result == ':')
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s wants a value after it; see 'vfadm help'", word);
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s is no option that vfadm knows; see 'vfadm help'", word);
        return false;
}

/* Applies the options of argv, which ends at argc. `given` gets true for each; the words are left from optind on. */
static bool take_options(int argc, char **argv, Cli *cli, bool *given, GError **error) {
        struct option long_options[G_N_ELEMENTS(options) + 1] = {0};
        char short_options[2 + 2 * G_N_ELEMENTS(options)];
        int value;

        build_getopt(long_options, short_options);
        optind = 0; /* begin anew: glibc */
        opterr = 0;
        while ((value = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
                const Option *option = value == '?' || value == ':' ? NULL : option_of(value);
                if (!option)
                        return bad_option(value, argv, error);
                given[option - options] = true;
                if (!apply(option, optarg, cli, error))
                        return false;
        }
        return true;
}

static const Verb *find_verb(const char *name, GError **error) {
        const Verb *verb = verb_find(name);
        if (!verb)
                verb_set_unknown(name, error);
        return verb;
}

static bool check_verb(const Verb *verb, const bool *given, const Cli *cli, GError **error) {
        for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
                if (given[i] && options[i].help.bit && !(verb->options & options[i].help.bit)) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'vfadm %s' takes no --%s; see 'vfadm help %s'",
                                    verb->name, options[i].help.name, verb->name);
                        return false;
                }
        if (cli->n_args >= verb->min_args && cli->n_args <= verb->max_args)
                return true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s: write 'vfadm %s%s%s'; see 'vfadm help %s'",
                    cli->n_args < verb->min_args ? "a word is missing" : "there is a word too many", verb->name,
                    *verb->usage ? " " : "", verb->usage, verb->name);
        return false;
}

static bool is_given(const bool *given, OptionType type) {
        for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
                if (given[i] && options[i].type == type)
                        return true;
        return false;
}

/* `words` are the words before "--", `rest` those after it or NULL. */
static bool take_words(char **words, char **rest, const bool *given, Cli *cli, const Verb **ret, GError **error) {
        g_autoptr(GStrvBuilder) args = g_strv_builder_new();
        const Verb *verb = is_given(given, VERSION) ? verb_find("version") : NULL;
        bool help = is_given(given, HELP);

        if (!verb && !*words && !help)
                return true;
        if (!verb)
                verb = help ? verb_find("help") : find_verb(*words, error);
        if (!verb)
                return false;
        bool version = g_str_equal(verb->name, "version");
        if (help && *words)
                g_strv_builder_add(args, *words); /* `vfadm list --help x` is `vfadm help list` */
        else if (!help && !(version && is_given(given, VERSION)))
                g_strv_builder_addv(args, (const char **) words + 1);
        if (rest && (verb->options & OPT_COMMAND))
                cli->command = g_strdupv(rest);
        else if (rest && !help && !version)
                g_strv_builder_addv(args, (const char **) rest);
        cli->args = g_strv_builder_end(args);
        cli->n_args = g_strv_length(cli->args);
        *ret = verb;
        return help || version || check_verb(verb, given, cli, error);
}

bool options_parse(int argc, char **argv, Cli *cli, const Verb **ret, GError **error) {
        bool given[G_N_ELEMENTS(options)] = {false};
        int end = 1;

        *ret = NULL;
        for (; end < argc && !g_str_equal(argv[end], "--"); end++)
                if (g_str_equal(argv[end], "--json") || g_str_equal(argv[end], "-j"))
                        cli->json = true;
        /* getopt moves words about, and must not see those after "--": they may be a command with options of its own. */
        g_autoptr(GPtrArray) before = g_ptr_array_new();
        for (int i = 0; i < end; i++)
                g_ptr_array_add(before, argv[i]);
        g_ptr_array_add(before, NULL);
        char **words = (char **) before->pdata;
        if (!take_options(end, words, cli, given, error))
                return false;
        return take_words(words + optind, end < argc ? argv + end + 1 : NULL, given, cli, ret, error);
}

void cli_clear(Cli *cli) {
        g_free(cli->root);
        g_free(cli->ledger_dir);
        g_free(cli->columns);
        g_free(cli->from);
        g_free(cli->output);
        g_free(cli->textfile);
        g_strfreev(cli->pfs);
        g_free(cli->vfs);
        g_free(cli->order);
        g_strfreev(cli->args);
        g_strfreev(cli->command);
}
