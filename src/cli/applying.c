/* What plan and apply have in common. */
#include "cli/applying.h"

#include "base/error.h"
#include "change/conf.h"
#include "cli/read.h"
#include "cli/waiting.h"

Conf *applying_conf(Cli *cli, Io *io, GError **error) {
        Conf *conf = conf_read(io, cli->n_args ? cli->args : NULL, error);

        for (unsigned i = 0; conf && i < conf->warnings->len; i++)
                cli_note(cli, "%s", (const char *) conf->warnings->pdata[i]);
        return conf;
}

Want *applying_want(Cli *cli, const Conf *conf, const char *pf) {
        Want *want = changing_want(cli, WANT_APPLY, pf);

        want->conf = conf;
        want->spare_vfio = cli->spare_vfio;
        return want;
}

bool applying_pf(const Cli *cli, const char **ret, GError **error) {
        *ret = cli->pfs ? cli->pfs[0] : NULL;
        if (!cli->pfs || !cli->pfs[1])
                return true;
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "--pf: one PF at a time; without it, all that are configured");
        return false;
}

/* Which are missing is told by whoever goes on without them. */
void applying_wait(const Cli *cli, Io *io, const Conf *conf) {
        g_autoptr(GError) error = NULL;

        if (cli->wait_ms && !waiting_for_pfs(io, conf, cli->wait_ms, &error) && error)
                cli_note(cli, "PFs are not waited for: %s", error->message);
}

int applying_status(const Plan *plan, bool shown) {
        if (plan->left->len)
                return STATUS_LEFT;
        return shown && plan->steps->len ? STATUS_TO_DO : 0;
}
