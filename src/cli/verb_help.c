/* vfadm help [VERB]: text and JSON made of the tables of verbs, options, columns and exit statuses. */
#include "base/error.h"
#include "cli/options.h"
#include "cli/read.h"
#include "show/show.h"

#include <string.h>

/* Exit statuses in words; also in vfadm(8). */
static const struct {
        int code;
        const char *meaning;
} statuses[] = {
        {0, "done"},
        {VFADM_ERROR_FAILED, "a step failed; what was done before it was undone"},
        {VFADM_ERROR_USAGE, "the words typed are not understood"},
        {VFADM_ERROR_NOT_FOUND, "no such device, guest, lease or file; or the name fits several"},
        {VFADM_ERROR_REFUSED, "it would be unsafe or cannot work; nothing was changed"},
        {VFADM_ERROR_IN_USE, "somebody uses the device; nothing was changed"},
        {VFADM_ERROR_UNSUPPORTED, "this host, card, driver or guest cannot do it; nothing was changed"},
        {VFADM_ERROR_PENDING, "the guest was asked to let go of the device and has not yet"},
        {VFADM_ERROR_BUSY, "another writer, or the kernel, was not ready in time; nothing was changed"},
        {VFADM_ERROR_PERMISSION, "root is needed, or the kernel forbids it; nothing was changed"},
        {VFADM_ERROR_LEDGER, "the ledger cannot be read or written; nothing was changed"},
        {VFADM_ERROR_HALF_DONE, "a step failed and so did its undoing; run 'vfadm recover'"},
        {12, "'vfadm doctor' found something that works now and will hurt"},
        {13, "'vfadm doctor' found something that blocks"},
        {14, "'vfadm plan' has something to do"},
        {15, "'vfadm plan' or 'vfadm apply' leaves something, since it would disturb somebody"},
};

static bool takes(const Verb *verb, const OptionHelp *option) {
        return option->bit == 0 || (verb->options & option->bit);
}

static void option_lines(GString *out, const Verb *verb, bool common) {
        for (unsigned i = 0; option_at(i); i++) {
                const OptionHelp *option = option_at(i);
                if ((option->bit == 0) != common || (verb && !takes(verb, option)))
                        continue;
                g_autofree char *letter = option->letter ? g_strdup_printf("-%c,", option->letter) : g_strdup("   ");
                g_autofree char *name = g_strdup_printf("--%s%s%s", option->name, option->arg ? " " : "", option->arg ? option->arg : "");
                g_string_append_printf(out, "  %s %-18s  %s\n", letter, name, option->help);
        }
}

static char *overview_text(void) {
        GString *out = g_string_new("Usage: vfadm VERB [words] [options]\n\n"
                                    "Gives PCI devices, above all the VFs of SR-IOV cards, to virtual machines, and gets\n"
                                    "them back as they were.\n\nVerbs:\n");
        for (const Verb *verb = verbs; verb->name; verb++)
                g_string_append_printf(out, "  %-18s%s\n", verb->name, verb->summary);
        g_string_append(out, "\nA device is named by its address (0000:01:10.0, 01:10.0, pci_0000_01_10_0), a PF also by its\n"
                             "network device (enp1s0), a VF by its PF and number (enp1s0/3). A guest is qemu:NAME,\n"
                             "libvirt:NAME, xen:NAME, or NAME.\n"
                             "\nOptions of every verb:\n");
        option_lines(out, NULL, true);
        g_string_append(out, "\nOptions of some verbs ('vfadm help VERB' says which):\n");
        option_lines(out, NULL, false);
        g_string_append(out, "\nExit status:\n");
        for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++)
                g_string_append_printf(out, "  %2d  %s\n", statuses[i].code, statuses[i].meaning);
        return g_string_free(out, FALSE);
}

static void indented(GString *out, const char *text) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++)
                if (**line)
                        g_string_append_printf(out, "  %s\n", *line);
}

static char *verb_text(const Verb *verb) {
        GString *out = g_string_new(NULL);

        g_string_append_printf(out, "Usage: vfadm %s%s%s\n\n", verb->name, *verb->usage ? " " : "", verb->usage);
        g_string_append_printf(out, "vfadm %s: %s\n", verb->name, verb->summary);
        if (*verb->description)
                g_string_append_printf(out, "\n%s", verb->description);
        if (verb->options & OPT_COLUMNS) {
                g_autofree char *columns = show_columns_help();
                g_string_append_printf(out, "\nColumns:\n%s", columns);
                g_string_append_printf(out, "  The usual ones are %s;\n  with --all they are %s.\n", show_columns_list, show_columns_all);
        }
        if (verb->options & ~OPT_COMMAND) {
                g_string_append(out, "\nOptions:\n");
                option_lines(out, verb, false);
        }
        g_string_append(out, "\nOptions of every verb:\n");
        option_lines(out, verb, true);
        if (*verb->examples) {
                g_string_append(out, "\nExamples:\n");
                indented(out, verb->examples);
        }
        return g_string_free(out, FALSE);
}

static json_t *text_or_null(const char *text) {
        return text ? json_string(text) : json_null();
}

static json_t *verb_json(const Verb *verb) {
        json_t *options = json_array();
        for (unsigned i = 0; option_at(i); i++)
                if (takes(verb, option_at(i))) {
                        const OptionHelp *option = option_at(i);
                        json_t *json = json_pack("{s:s, s:s}", "name", option->name, "help", option->help);
                        json_object_set_new(json, "argument", text_or_null(option->arg));
                        json_object_set_new(json, "letter", option->letter ? json_stringn(&option->letter, 1) : json_null());
                        json_array_append_new(options, json);
                }
        return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o}", "name", verb->name, "usage", verb->usage, "summary", verb->summary,
                         "min_words", (int) verb->min_args, "max_words", (int) verb->max_args, "options", options);
}

static const char *status_word(int code) {
        return code == 0 ? "done" : code == 12 ? "warning" : code == 13 ? "blocks" : code == 14 ? "to-do" : code == 15 ? "left" : vfadm_error_word(code);
}

static json_t *help_json(const Verb *only) {
        json_t *array = json_array(), *exits = json_array();
        for (const Verb *verb = verbs; verb->name; verb++)
                if (!only || verb == only)
                        json_array_append_new(array, verb_json(verb));
        for (size_t i = 0; i < G_N_ELEMENTS(statuses); i++)
                json_array_append_new(exits, json_pack("{s:i, s:s, s:s}", "exit", statuses[i].code, "kind",
                                                       status_word(statuses[i].code), "meaning",
                                                       statuses[i].meaning));
        return json_pack("{s:o, s:o}", "verbs", array, "exit_statuses", exits);
}

bool verb_help(Cli *cli, GError **error) {
        const Verb *verb = cli->n_args ? verb_find(cli->args[0]) : NULL;

        if (cli->n_args && !verb) {
                verb_set_unknown(cli->args[0], error);
                return false;
        }
        if (cli->json)
                cli_print_json(help_json(verb));
        else
                cli_print_text(verb ? verb_text(verb) : overview_text());
        return true;
}
