/* vfadm import [GUEST|NETWORK…] [--adopt | --config [--retire]] */
#include "cli/asking.h"
#include "cli/changing.h"
#include "cli/read.h"

#include "base/error.h"
#include "change/conf.h"
#include "change/pools.h"
#include "guest/guest.h"
#include "host/host.h"
#include "plan/rules.h"
#include "plan/takeover.h"
#include "show/show.h"

#include <stdio.h>

static bool adopt(Cli *cli, GError **error) {
        if (cli->n_args > 1) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "--adopt takes one guest or network, or none for all of them");
                return false;
        }
        return changing_run(cli, changing_want(cli, WANT_ADOPT, cli->args[0]), error);
}

/* NULL without an error: there is no service here, and nobody asked for one of its guests. */
static Books *read_books(const Cli *cli, Io *io, GError **error) {
        g_autoptr(GError) problem = NULL;
        Books *books = guest_books(io, &problem);

        if (books)
                return books;
        if (!cli->n_args && problem)
                cli_note(cli, "what guests have been given is not shown: %s", problem->message);
        else if (problem)
                g_propagate_error(error, g_steal_pointer(&problem));
        else if (cli->n_args)
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "libvirt does not run here, or the package vfadm-libvirt is not installed: it has given out nothing");
        return NULL;
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

static void tell_given(const Cli *cli, const Books *books, const GPtrArray *list) {
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

static void tell_takeovers(const Cli *cli, const Snapshot *host, const Takeovers *takeovers) {
        unsigned n = 0;

        for (unsigned i = 0; i < takeovers->items->len; i++)
                n += ((const Takeover *) takeovers->items->pdata[i])->state == TAKEOVER_READY;
        if (takeovers->items->len == 0)
                cli_note(cli, "no file that was read makes VFs at boot, sets them or binds drivers to them%s",
                         host->setup->mechanisms_hidden ? "; some need root" : "");
        else if (n)
                cli_note(cli, "%u not said yet: 'vfadm import --config' writes files of configuration that say so", n);
}

static void print(Cli *cli, const Snapshot *host, const GPtrArray *given, const Takeovers *takeovers) {
        if (cli->json) {
                json_t *json = show_given_json(host, given);
                json_object_set_new(json, "files", takeovers ? show_takeovers_json(takeovers) : json_null());
                cli_print_json(json);
                return;
        }
        cli_print_text(show_given_text(host, given, cli_width()));
        if (given->len && takeovers && takeovers->items->len)
                puts("");
        if (takeovers)
                cli_print_text(show_takeovers_text(host, takeovers, cli_width()));
}

/* Guests and networks, and with no words files too. */
static bool show_all(Cli *cli, Io *io, Snapshot *host, const Books *books, GError **error) {
        g_autoptr(GPtrArray) pools = books ? pools_read(io, error) : g_ptr_array_new();
        g_autoptr(Conf) conf = pools && !cli->n_args ? conf_read(io, NULL, error) : NULL;
        if (!pools || (!cli->n_args && !conf))
                return false;
        g_autoptr(GPtrArray) leases = cli_known_leases(cli, host);
        g_autoptr(GPtrArray) list = books ? given_list(books, host, leases, pools) : g_ptr_array_new();
        g_autoptr(GPtrArray) chosen = books ? named(cli->args, list, books, error) : g_ptr_array_new();
        if (!chosen)
                return false;
        g_autoptr(Takeovers) takeovers = conf ? plan_takeovers(host, conf) : NULL;
        if (books)
                tell_given(cli, books, chosen);
        if (takeovers)
                tell_takeovers(cli, host, takeovers);
        print(cli, host, chosen, takeovers);
        return true;
}

static bool look(Cli *cli, GError **error) {
        GError *problem = NULL;
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, HOST_USES | (cli->n_args ? 0 : HOST_SETUP), error) : NULL;
        g_autoptr(Books) books = host ? read_books(cli, io, &problem) : NULL;

        if (problem)
                g_propagate_error(error, problem);
        return host && !problem && show_all(cli, io, host, books, error);
}

/* ---- --config ---- */

/* What would be written, from a host that was read without a lock, and may be a recorded one. */
static bool dry_run(Cli *cli, Io *io, const Want *want, GError **error) {
        g_autoptr(Snapshot) host = cli_read_host(cli, io, HOST_SETUP, error);
        g_autoptr(GPtrArray) leases = g_ptr_array_new();
        const PlanInput input = {.host = host, .leases = leases};
        g_autoptr(Plan) plan = host ? plan_make(want, &input, error) : NULL;

        if (!plan || !plan_check(plan, error))
                return false;
        asking_show_only(cli, plan);
        return true;
}

static bool write_config(Cli *cli, GError **error) {
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Conf) conf = io ? conf_read(io, NULL, error) : NULL;
        if (!conf)
                return false;
        g_autoptr(Want) want = want_new(WANT_IMPORT);
        want->conf = conf;
        want->retire = cli->retire;
        return cli->dry_run ? dry_run(cli, io, want, error) : asking_change(cli, &want, 1, error);
}

static bool usage(GError **error, const char *message) {
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s; see 'vfadm help import'", message);
        return false;
}

bool verb_import(Cli *cli, GError **error) {
        if (cli->adopt && (cli->config || cli->retire))
                return usage(error, "--adopt is about guests and networks, --config about files: say one of them");
        if (cli->retire && !cli->config)
                return usage(error, "--retire goes with --config: what a file did must be said elsewhere first");
        if (cli->config && cli->n_args)
                return usage(error, "--config takes no guest and no network: it is about files");
        if (cli->dry_run && !cli->adopt && !cli->config)
                return usage(error, "--dry-run goes with --adopt and --config: else nothing is changed");
        if (cli->yes && !cli->config)
                return usage(error, "--yes goes with --config: nothing else asks");
        if (cli->adopt)
                return adopt(cli, error);
        return cli->config ? write_config(cli, error) : look(cli, error);
}
