/* vfadm bind DEVICE DRIVER */
#include "cli/changing.h"

bool verb_bind(Cli *cli, GError **error) {
        Want *want = changing_want(cli, WANT_BIND, cli->args[0]);
        want->driver = g_strdup(cli->args[1]);
        return changing_run(cli, want, error);
}
