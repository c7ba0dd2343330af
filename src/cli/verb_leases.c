/* vfadm leases */
#include "act/act.h"
#include "cli/read.h"
#include "host/host.h"
#include "model/lease.h"
#include "show/show.h"

static bool any_of_xen(const GPtrArray *leases) {
        for (unsigned i = 0; i < leases->len; i++)
                if (lease_is_xen(leases->pdata[i]))
                        return true;
        return false;
}

/* Whether each lease's holder still runs (bool). */
static GArray *holders(Io *io, const Books *books, const GPtrArray *leases) {
        GArray *lives = g_array_new(FALSE, FALSE, sizeof(bool));
        for (unsigned i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                /* A domain with the device in its file need not run. */
                bool alive = act_holder_lives(io, books, lease) && (books || !lease->config || !lease_is_xen(lease));
                g_array_append_val(lives, alive);
        }
        return lives;
}

bool verb_leases(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) leases = cli_read_leases(cli, error);
        g_autoptr(Io) io = leases ? cli_open(cli, error) : NULL;
        g_autofree char *note = NULL;
        g_autoptr(Books) books = io && any_of_xen(leases) ? cli_xen_books(cli, io, &note) : NULL;
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, 0, error) : NULL;
        if (!host)
                return false;
        g_autoptr(GArray) holders_live = holders(io, books, leases);
        if (note)
                cli_note(cli, "%s", note);
        /* The processes of a recorded host are not here. */
        const bool *lives = cli->root || leases->len == 0 ? NULL : (const bool *) holders_live->data;
        if (leases->len == 0)
                cli_note(cli, "no device is leased");
        if (cli->json)
                cli_print_json(show_leases_json(host, leases, lives));
        else
                cli_print_text(show_leases_text(host, leases, lives, cli_width()));
        return true;
}
