/* vfadm release VF|LEASE */
#include "cli/changing.h"

bool verb_release(Cli *cli, GError **error) {
        Want *want = changing_want(cli, WANT_RELEASE, cli->args[0]);
        want->no_reset = cli->no_reset;
        return changing_run(cli, want, error);
}
