/* vfadm enable PF N|all */
#include "cli/changing.h"

#include "base/error.h"
#include "base/parse.h"

bool verb_enable(Cli *cli, GError **error) {
        const char *count = cli->args[1];
        uint32_t n = WANT_ALL_VFS;

        if (!g_str_equal(count, "all") && !parse_u32(count, 0, UINT16_MAX, &n)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s' is no number of VFs: give a number, or 'all'", count);
                return false;
        }
        Want *want = changing_want(cli, WANT_ENABLE, cli->args[0]);
        want->num_vfs = n;
        return changing_run(cli, want, error);
}
