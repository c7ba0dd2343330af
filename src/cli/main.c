/* The command line: find the verb, run it, say once what went wrong. */
#include "base/error.h"
#include "cli/options.h"
#include "cli/read.h"
#include "show/value.h"

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void overview(void) {
        puts("vfadm gives PCI devices, above all the virtual functions (VFs) of an SR-IOV card,\n"
             "to virtual machines, and gets them back as they were.\n"
             "\n"
             "  vfadm list                      cards, their VFs, and who uses them\n"
             "  vfadm show DEVICE               all about one of them\n"
             "  vfadm doctor                    why does it not work, and what to do\n"
             "  vfadm enable PF N               turn VFs on\n"
             "  vfadm attach GUEST vlan=42      give a running guest a VF\n"
             "  vfadm detach GUEST VF           take it back\n"
             "\n"
             "'vfadm help' names every verb, 'vfadm help VERB' explains one. A verb that changes\n"
             "something takes --dry-run: it says what it would do, and does nothing.");
}

static int exit_status(const GError *error) {
        return error->domain == VFADM_ERROR && error->code > 0 ? error->code : VFADM_ERROR_FAILED;
}

static void report(const Cli *cli, const GError *error) {
        if (cli->json) {
                json_t *json = json_pack("{s:{s:s, s:o, s:i}}", "error", "kind", vfadm_error_word(exit_status(error)), "message",
                                         value_string(error->message), "exit", exit_status(error));
                json_dumpf(json, stdout, JSON_INDENT(2));
                putchar('\n');
                fflush(stdout);
                json_decref(json);
                return;
        }
        bool red = cli_color(STDERR_FILENO);
        g_autofree char *message = value_safe(error->message);
        fprintf(stderr, "%svfadm:%s %s\n", red ? "\033[31m" : "", red ? "\033[0m" : "", message);
}

/* A full disk or a closed pipe behind standard output. */
static bool finish_output(GError **error) {
        bool failed = ferror(stdout);

        /* Why an earlier write failed is no longer known; one more tells, and what was written is cut short anyway. */
        if (failed)
                putchar('\n');
        errno = 0;
        if (fflush(stdout) == 0 && !failed)
                return true;
        if (errno == EPIPE) /* 'vfadm list | head -1': the reader has what it wanted */
                return true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "what was asked is done, but its output could not be written: %s",
                    errno ? g_strerror(errno) : "write error");
        return false;
}

int main(int argc, char **argv) {
        g_auto(Cli) cli = {0};
        g_autoptr(GError) error = NULL;
        const Verb *verb;

        setlocale(LC_CTYPE, "");
        /* A reader who went away must not end a plan half-way. */
        signal(SIGPIPE, SIG_IGN);
        bool ok = options_parse(argc, argv, &cli, &verb, &error);
        if (ok && !verb)
                overview();
        else if (ok)
                ok = verb->run(&cli, &error);
        if (ok && finish_output(&error))
                return cli.status;
        report(&cli, error);
        return exit_status(error);
}
