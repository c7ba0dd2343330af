/* vfadm recover [--new-ledger] */
#include "cli/changing.h"

#include "base/error.h"
#include "show/value.h"

#include <stdio.h>

typedef struct {
        Cli *cli;
        GPtrArray *lines;
} Told;

static void collect(void *user, const char *line) {
        Told *told = user;
        g_ptr_array_add(told->lines, g_strdup(line));
}

static void print(Cli *cli, const GPtrArray *lines) {
        if (cli->json) {
                json_t *array = json_array();
                for (unsigned i = 0; i < lines->len; i++)
                        json_array_append_new(array, value_string(lines->pdata[i]));
                json_t *json = json_pack("{s:o}", "recovered", array);
                char *text = json_dumps(json, JSON_INDENT(2));
                puts(text);
                free(text);
                json_decref(json);
                return;
        }
        for (unsigned i = 0; i < lines->len; i++) {
                g_autofree char *safe = value_safe(lines->pdata[i]);
                puts(safe);
        }
        if (lines->len == 0 && !cli->quiet)
                puts("nothing to recover: the ledger and the host agree");
}

/* Only a ledger that cannot be used is put aside: a sound one is the only memory of what is leased. */
static bool is_damaged(const char *dir, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(Ledger) ledger = ledger_open(dir, true, &problem);
        g_autoptr(GPtrArray) leases = ledger ? ledger_leases(ledger, &problem) : NULL;
        g_autoptr(GPtrArray) plans = leases ? ledger_unfinished(ledger, &problem) : NULL;

        if (plans) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_REFUSED, "--new-ledger: the ledger is not damaged, and what is leased stands nowhere else; nothing was changed");
                return false;
        }
        if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_LEDGER))
                return true;
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}

bool verb_recover(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        Told told = {cli, lines};

        g_autoptr(Io) io = changing_machine(cli, error);
        if (!io)
                return false;
        if (cli->new_ledger) {
                char *aside;
                if (!is_damaged(cli->ledger_dir, error) || !ledger_set_aside(cli->ledger_dir, &aside, error))
                        return false;
                g_ptr_array_add(lines, g_strdup_printf("the old ledger is kept as %s; a new one begins", aside));
                g_free(aside);
        }
        ChangeOptions options = changing_options(cli, io);
        options.told = collect;
        options.progress = NULL;
        options.user = &told;
        if (!change_recover(&options, error))
                return false;
        changing_sync_pools(cli, io, lines);
        print(cli, lines);
        return true;
}
