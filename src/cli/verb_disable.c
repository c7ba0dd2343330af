/* vfadm disable PF… */
#include "cli/changing.h"

bool verb_disable(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) wants = changing_wants();

        for (char **pf = cli->args; *pf; pf++)
                g_ptr_array_add(wants, changing_want(cli, WANT_DISABLE, *pf));
        return changing_run_vfs(cli, wants, error);
}
