/* vfadm leases */
#include "cli/read.h"
#include "host/host.h"
#include "model/lease.h"
#include "show/show.h"

/* Whether each lease's holder still runs (bool). */
static GArray *holders(Io *io, const GPtrArray *leases) {
        GArray *lives = g_array_new(FALSE, FALSE, sizeof(bool));
        for (unsigned i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                bool alive = io_process_lives(io, lease->pid, lease->pid_start, lease->boot_id);
                g_array_append_val(lives, alive);
        }
        return lives;
}

bool verb_leases(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) leases = cli_read_leases(cli, error);
        g_autoptr(Io) io = leases ? cli_open(cli, error) : NULL;
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, 0, error) : NULL;
        if (!host)
                return false;
        g_autoptr(GArray) holders_live = holders(io, leases);
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
