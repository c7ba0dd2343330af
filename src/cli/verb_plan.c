/* vfadm plan [FILE…] [--pf PF] [--disrupt] */
#include "base/error.h"
#include "cli/applying.h"
#include "cli/read.h"
#include "host/host.h"
#include "show/show.h"

#include <stdio.h>

/* Of a recorded host: what its files and its kernel said then. */
static Plan *plan_record(Cli *cli, Io *io, const Conf *conf, const char *pf, GError **error) {
        g_autoptr(Snapshot) host = cli_read_host(cli, io, HOST_VF_STATE | HOST_USES | HOST_CAPS, error);

        if (!host)
                return NULL;
        g_autoptr(GPtrArray) leases = cli_known_leases(cli, host);
        g_autoptr(Want) want = applying_want(cli, conf, pf);
        const PlanInput input = {.host = host, .leases = leases};
        return plan_make(want, &input, error);
}

static Plan *plan_here(Cli *cli, Io *io, const Conf *conf, const char *pf, GError **error) {
        ChangeOptions options = changing_options(cli, io);
        g_autoptr(Want) want = applying_want(cli, conf, pf);
        Want *const wants[] = {want};
        g_autoptr(Change) change = change_begin(&options, wants, 1, error);

        return change ? change_plan(change, wants, 1, NULL, error) : NULL;
}

/* The sum of what such steps took on this host on average; -1 where some were never done here. */
static int64_t expected_usec(const Cli *cli, const Plan *plan) {
        g_autoptr(Ledger) ledger = cli->root && !cli->ledger_dir ? NULL : ledger_open(cli->ledger_dir, true, NULL);
        g_autoptr(Tally) tally = ledger ? ledger_tally(ledger, NULL) : NULL;
        int64_t usec = 0;

        for (unsigned i = 0; tally && i < plan->steps->len && usec >= 0; i++) {
                int64_t mean = tally_mean(tally, ((const Step *) plan->steps->pdata[i])->kind);
                usec = mean < 0 ? -1 : usec + mean;
        }
        return tally && plan->steps->len ? usec : -1;
}

static void print(Cli *cli, const Plan *plan, int64_t usec) {
        int64_t expected = expected_usec(cli, plan);

        if (cli->json) {
                json_t *json = changing_json(cli, plan, usec);
                json_object_set_new(json, "expected_usec", expected < 0 ? json_null() : json_integer(expected));
                cli_print_json(json);
                return;
        }
        g_autofree char *text = show_plan_text(plan), *took = show_duration(expected);
        fputs(text, stdout);
        if (expected >= 0)
                printf("takes about %s, as such steps did here before\n", took);
}

bool verb_plan(Cli *cli, GError **error) {
        const char *pf;

        cli->dry_run = true;
        if (!applying_pf(cli, &pf, error))
                return false;
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Conf) conf = io ? applying_conf(cli, io, error) : NULL;
        if (!conf)
                return false;
        int64_t before = io_now(io);
        g_autoptr(Plan) plan = cli->root ? plan_record(cli, io, conf, pf, error) : plan_here(cli, io, conf, pf, error);
        if (!plan)
                return false;
        bool ok = plan_check(plan, error);
        if (ok || !cli->json)
                print(cli, plan, io_now(io) - before);
        cli->status = applying_status(plan, true);
        return ok;
}
