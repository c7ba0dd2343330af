/* vfadm detach GUEST VF [--live] [--config] */
#include "cli/changing.h"

bool verb_detach(Cli *cli, GError **error) {
        Want *want = changing_want(cli, WANT_DETACH, cli->args[1]);
        want->guest = g_strdup(cli->args[0]);
        want->scope = changing_scope(cli);
        return changing_run(cli, want, error);
}
