/* vfadm enable PF… N|all */
#include "cli/changing.h"

#include "base/error.h"
#include "base/parse.h"

bool verb_enable(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) wants = changing_wants();
        const char *count = cli->args[cli->n_args - 1];
        uint32_t n = WANT_ALL_VFS;

        if (!g_str_equal(count, "all") && !parse_u32(count, 0, UINT16_MAX, &n)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s' is no number of VFs: give a number, or 'all'", count);
                return false;
        }
        for (unsigned i = 0; i + 1 < cli->n_args; i++) {
                Want *want = changing_want(cli, WANT_ENABLE, cli->args[i]);
                want->num_vfs = n;
                g_ptr_array_add(wants, want);
        }
        return changing_run_vfs(cli, wants, error);
}
