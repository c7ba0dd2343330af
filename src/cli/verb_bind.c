/* vfadm bind [--boot] DEVICE… DRIVER */
#include "cli/asking.h"
#include "cli/changing.h"

bool verb_bind(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) wants = changing_wants();

        for (unsigned i = 0; i + 1 < cli->n_args; i++)
                if (!want_expand_devices(cli->args[i], devices, error))
                        return false;
        for (unsigned i = 0; i < devices->len; i++) {
                Want *want = changing_want(cli, WANT_BIND, devices->pdata[i]);
                want->driver = g_strdup(cli->args[cli->n_args - 1]);
                want->at_boot = cli->boot;
                g_ptr_array_add(wants, want);
        }
        if (cli->boot)
                return asking_change(cli, (Want *const *) wants->pdata, wants->len, error);
        return changing_run_all(cli, wants, error);
}
