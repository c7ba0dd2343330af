/* What the reading verbs have in common. */
#include "cli/read.h"

#include "guest/guest.h"
#include "host/host.h"
#include "io/tree.h"
#include "ledger/ledger.h"
#include "show/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

Io *cli_open(const Cli *cli, GError **error) {
        return cli->root ? io_archive_open(cli->root, error) : io_real_new("/", error);
}

Books *cli_xen_books(const Cli *cli, Io *io, char **ret_note) {
        g_autoptr(GError) problem = NULL;
        const char *why = "they do not stand in a record";

        *ret_note = NULL;
        if (!host_is_xen_dom0(io))
                return NULL;
        g_autoptr(Books) books = cli->root ? NULL : guest_books(io, &problem);
        if (books && books->xen)
                return g_steal_pointer(&books);
        if (!cli->root)
                why = problem ? problem->message : "the package vfadm-xen is not installed";
        *ret_note = g_strdup_printf("which of Xen's guests has which device is not shown: %s", why);
        return NULL;
}

Snapshot *cli_read_host_alone(const Cli *cli, Io *io, unsigned what, GError **error) {
        Snapshot *host = host_read(io, what, error);
        for (unsigned i = 0; host && i < host->notes->len; i++)
                cli_note(cli, "%s", (const char *) host->notes->pdata[i]);
        return host;
}

Snapshot *cli_read_host(const Cli *cli, Io *io, unsigned what, GError **error) {
        g_autofree char *note = NULL;
        /* Before the host, so that a device that a guest gives back meanwhile still looks used. */
        g_autoptr(Books) books = what & HOST_USES ? cli_xen_books(cli, io, &note) : NULL;
        Snapshot *host = cli_read_host_alone(cli, io, what, error);

        if (host && books)
                books_add_uses(books, host);
        if (host && note) {
                cli_note(cli, "%s", note);
                g_ptr_array_add(host->notes, g_steal_pointer(&note));
        }
        return host;
}

GPtrArray *cli_read_leases(const Cli *cli, GError **error) {
        if (cli->root && !cli->ledger_dir)
                return g_ptr_array_new();
        g_autoptr(Ledger) ledger = ledger_open(cli->ledger_dir, true, error);
        return ledger ? ledger_leases(ledger, error) : NULL;
}

GPtrArray *cli_known_leases(const Cli *cli, Snapshot *host) {
        g_autoptr(GError) error = NULL;
        GPtrArray *leases = cli_read_leases(cli, &error);
        if (!error)
                return leases;
        cli_note(cli, "leases are not shown: %s", error->message);
        g_ptr_array_add(host->notes, g_strdup_printf("leases are not shown: %s", error->message));
        return g_ptr_array_new();
}

void cli_note(const Cli *cli, const char *format, ...) {
        va_list args;

        if (cli->quiet || cli->json)
                return;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        g_autofree char *safe = value_safe(text);
        fprintf(stderr, "vfadm: note: %s\n", safe);
}

void cli_print_json(json_t *json) {
        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(json);
}

void cli_print_text(char *text) {
        fputs(text, stdout);
        g_free(text);
}

bool cli_color(int fd) {
        const char *no_color = getenv("NO_COLOR");
        return isatty(fd) && !(no_color && *no_color);
}

unsigned cli_width(void) {
        struct winsize size;
        if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
                return 0;
        return size.ws_col;
}
