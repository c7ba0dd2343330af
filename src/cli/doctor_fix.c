/* 'vfadm doctor --fix' and '--undo': which boot parameters are to be put where this host keeps them. */
#include "cli/doctor_fix.h"

#include "base/error.h"
#include "cli/asking.h"
#include "cli/read.h"
#include "host/host.h"
#include "model/finding.h"

#include <stdio.h>

/* What would be done, from a host that was read without a lock, and may be a recorded one. */
static bool dry_run(Cli *cli, const Snapshot *host, const Want *want, GError **error) {
        g_autoptr(GPtrArray) leases = g_ptr_array_new();
        PlanInput input = {.host = host, .leases = leases};
        g_autoptr(Plan) plan = plan_make(want, &input, error);

        if (!plan || !plan_check(plan, error))
                return false;
        asking_show_only(cli, plan);
        return true;
}

/* A parameter that stands on the command line may be one that vfadm does not edit; the others are no worse for that. */
static void collect(const Cli *cli, GPtrArray *words, const GPtrArray *of_finding) {
        for (unsigned i = 0; i < of_finding->len; i++) {
                g_autoptr(GPtrArray) one = g_ptr_array_new();
                g_autoptr(GError) problem = NULL;
                g_ptr_array_add(one, of_finding->pdata[i]);
                g_autoptr(Want) want = want_boot(one, NULL, &problem);
                if (want)
                        g_ptr_array_add(words, of_finding->pdata[i]);
                else
                        cli_note(cli, "%s; change it by hand", problem->message);
        }
}

bool doctor_fix(Cli *cli, Io *io, const Snapshot *host, const GPtrArray *findings, GError **error) {
        g_autoptr(GPtrArray) add = g_ptr_array_new(), remove = g_ptr_array_new();

        for (unsigned i = 0; i < findings->len; i++) {
                const Finding *finding = findings->pdata[i];
                collect(cli, add, finding->boot_add);
                collect(cli, remove, finding->boot_remove);
        }
        if (add->len == 0 && remove->len == 0) {
                if (cli->json)
                        asking_print_json(NULL, false);
                else
                        puts("nothing that was found is mended by a boot parameter; 'vfadm doctor' names the remedies");
                return true;
        }
        g_autoptr(Want) want = want_boot(add, remove, error);
        if (!want)
                return false;
        return cli->dry_run ? dry_run(cli, host, want, error) : asking_change(cli, &want, 1, error);
}

bool doctor_undo(Cli *cli, GError **error) {
        g_autoptr(Want) want = want_new(WANT_BOOT_UNDO);

        if (!cli->dry_run)
                return asking_change(cli, &want, 1, error);
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, HOST_SETUP, error) : NULL;
        return host && dry_run(cli, host, want, error);
}
