/* vfadm disable PF */
#include "cli/changing.h"

bool verb_disable(Cli *cli, GError **error) {
        return changing_run(cli, changing_want(cli, WANT_DISABLE, cli->args[0]), error);
}
