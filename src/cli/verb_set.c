/* vfadm set VF… key=value… */
#include "cli/changing.h"

bool verb_set(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) wants = changing_wants();

        if (!want_parse_sets(cli->args, wants, error))
                return false;
        for (unsigned i = 0; i < wants->len; i++)
                ((Want *) wants->pdata[i])->disrupt = cli->disrupt;
        return changing_run_all(cli, wants, error);
}
