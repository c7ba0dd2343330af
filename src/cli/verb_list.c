/* vfadm list [DEVICE…] */
#include "cli/read.h"
#include "host/host.h"
#include "show/show.h"

static unsigned what_to_read(const Cli *cli, const GArray *columns) {
        unsigned needs = cli->json ? SHOW_NEEDS_EVERYTHING : show_columns_need(columns);
        return (needs & SHOW_NEEDS_VF_STATE ? HOST_VF_STATE : 0) | (needs & SHOW_NEEDS_USES ? HOST_USES : 0) |
               (needs & SHOW_NEEDS_NAMES ? HOST_NAMES : 0);
}

static GPtrArray *find_named(const Cli *cli, const Snapshot *host, GError **error) {
        g_autoptr(GPtrArray) named = g_ptr_array_new();
        for (unsigned i = 0; i < cli->n_args; i++) {
                const Dev *dev = snapshot_find(host, cli->args[i], error);
                if (!dev)
                        return NULL;
                g_ptr_array_add(named, (void *) dev);
        }
        return g_steal_pointer(&named);
}

static bool has_sriov(const Snapshot *host) {
        for (unsigned i = 0; i < host->devs->len; i++)
                if (((const Dev *) host->devs->pdata[i])->is_pf)
                        return true;
        return false;
}

bool verb_list(Cli *cli, GError **error) {
        g_autoptr(GArray) columns = show_columns_parse(cli->columns, cli->all ? show_columns_all : show_columns_list, error);
        g_autoptr(Io) io = columns ? cli_open(cli, error) : NULL;
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, what_to_read(cli, columns), error) : NULL;
        g_autoptr(GPtrArray) named = host ? find_named(cli, host, error) : NULL;
        if (!named)
                return false;
        g_autoptr(GPtrArray) leases = cli_known_leases(cli, host);
        g_autoptr(ShowContext) context = show_context_new(host, leases);
        ShowList list = {.all = cli->all, .tree = cli->tree, .named = cli->n_args ? named : NULL, .width = cli_width()};

        static const char none[] = "no SR-IOV card here; 'vfadm list --all' shows every PCI function. If the card should have "
                                   "SR-IOV, turn it on in the BIOS and in the card's own settings";
        if (!cli->all && !cli->n_args && !has_sriov(host)) {
                cli_note(cli, "%s", none);
                g_ptr_array_add(host->notes, g_strdup(none));
        }
        if (cli->json)
                cli_print_json(show_list_json(context, &list));
        else
                cli_print_text(show_list_text(context, &list, columns));
        return true;
}
