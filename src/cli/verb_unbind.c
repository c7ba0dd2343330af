/* vfadm unbind [--boot] DEVICE… */
#include "cli/asking.h"
#include "cli/changing.h"

bool verb_unbind(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) wants = changing_wants();

        for (char **word = cli->args; *word; word++)
                if (!want_expand_devices(*word, devices, error))
                        return false;
        for (unsigned i = 0; i < devices->len; i++) {
                Want *want = changing_want(cli, WANT_UNBIND, devices->pdata[i]);
                want->at_boot = cli->boot;
                g_ptr_array_add(wants, want);
        }
        if (cli->boot)
                return asking_change(cli, (Want *const *) wants->pdata, wants->len, error);
        return changing_run_all(cli, wants, error);
}
