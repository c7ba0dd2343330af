/* vfadm unbind DEVICE… */
#include "cli/changing.h"

bool verb_unbind(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) wants = changing_wants();

        for (char **word = cli->args; *word; word++)
                if (!want_expand_devices(*word, devices, error))
                        return false;
        for (unsigned i = 0; i < devices->len; i++)
                g_ptr_array_add(wants, changing_want(cli, WANT_UNBIND, devices->pdata[i]));
        return changing_run_all(cli, wants, error);
}
