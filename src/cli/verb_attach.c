/* vfadm attach GUEST [--from POOL|PF|VF] [--live] [--config] [key=value…] */
#include "cli/changing.h"

bool verb_attach(Cli *cli, GError **error) {
        g_autoptr(Want) want = changing_want(cli, WANT_ATTACH, cli->from);

        want->guest = g_strdup(cli->args[0]);
        want->scope = changing_scope(cli);
        if (!want_parse_words(want, cli->args + 1, error))
                return false;
        return changing_run(cli, g_steal_pointer(&want), error);
}
