/* vfadm import [GUEST|NETWORK…] [--adopt] */
#include "cli/changing.h"
#include "cli/read.h"

#include "base/error.h"
#include "change/pools.h"
#include "guest/guest.h"
#include "host/host.h"
#include "plan/rules.h"
#include "show/show.h"

static bool adopt(Cli *cli, GError **error) {
        if (cli->n_args > 1) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "--adopt takes one guest or network, or none for all of them");
                return false;
        }
        return changing_run(cli, changing_want(cli, WANT_ADOPT, cli->args[0]), error);
}

static Books *read_books(Io *io, GError **error) {
        GError *problem = NULL;
        Books *books = guest_books(io, &problem);

        if (problem)
                g_propagate_error(error, problem);
        else if (!books)
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "libvirt does not run here, or the package vfadm-libvirt is not installed: there is nothing to import");
        return books;
}

/* Those that the words name, or all. Borrowed. */
static GPtrArray *named(char **words, const GPtrArray *list, const Books *books, GError **error) {
        g_autoptr(GPtrArray) chosen = g_ptr_array_new();

        for (char **word = words; *word; word++) {
                unsigned before = chosen->len;
                for (unsigned i = 0; i < list->len; i++)
                        if (given_is_of(list->pdata[i], *word))
                                g_ptr_array_add(chosen, list->pdata[i]);
                if (chosen->len > before || books_guest(books, *word, NULL))
                        continue;
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s has no guest and no network of VFs named '%s'; 'vfadm import' shows what it has", plan_service_name(books), *word);
                return NULL;
        }
        for (unsigned i = 0; !*words && i < list->len; i++)
                g_ptr_array_add(chosen, list->pdata[i]);
        return g_steal_pointer(&chosen);
}

static void tell(const Cli *cli, const Books *books, const GPtrArray *list) {
        unsigned n = 0;

        for (unsigned i = 0; i < list->len; i++) {
                const Given *given = list->pdata[i];
                n += given->state == GIVEN_NOT_ADOPTED && !given->why && (given->dev || !given->guest);
        }
        if (list->len == 0)
                cli_note(cli, "%s has given out no device and has no network of VFs", plan_service_name(books));
        else if (n)
                cli_note(cli, "%u not adopted: 'vfadm import --adopt' makes leases and pools of them, and changes nothing else", n);
}

static bool look(Cli *cli, GError **error) {
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, HOST_USES, error) : NULL;
        g_autoptr(Books) books = host ? read_books(io, error) : NULL;
        g_autoptr(GPtrArray) pools = books ? pools_read(io, error) : NULL;
        if (!pools)
                return false;
        g_autoptr(GPtrArray) leases = cli_known_leases(cli, host);
        g_autoptr(GPtrArray) list = given_list(books, host, leases, pools);
        g_autoptr(GPtrArray) chosen = named(cli->args, list, books, error);
        if (!chosen)
                return false;
        tell(cli, books, chosen);
        if (cli->json)
                cli_print_json(show_given_json(host, chosen));
        else
                cli_print_text(show_given_text(host, chosen, cli_width()));
        return true;
}

bool verb_import(Cli *cli, GError **error) {
        if (cli->adopt)
                return adopt(cli, error);
        if (cli->dry_run) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "--dry-run goes with --adopt: else nothing is changed; see 'vfadm help import'");
                return false;
        }
        return look(cli, error);
}
