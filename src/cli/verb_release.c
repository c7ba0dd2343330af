/* vfadm release VF|LEASE */
#include "cli/changing.h"

bool verb_release(Cli *cli, GError **error) {
        return changing_run(cli, changing_want(cli, WANT_RELEASE, cli->args[0]), error);
}
