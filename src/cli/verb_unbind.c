/* vfadm unbind DEVICE */
#include "cli/changing.h"

bool verb_unbind(Cli *cli, GError **error) {
        return changing_run(cli, changing_want(cli, WANT_UNBIND, cli->args[0]), error);
}
