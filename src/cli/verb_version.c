/* vfadm version */
#include "cli/read.h"

#include <stdio.h>

bool verb_version(Cli *cli, GError **error) {
        if (cli->json)
                cli_print_json(json_pack("{s:s}", "version", VFADM_VERSION));
        else
                puts("vfadm " VFADM_VERSION);
        return true;
}
