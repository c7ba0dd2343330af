/* vfadm virt-install-args [--from POOL|PF|VF] [key=value…] */
#include "cli/changing.h"
#include "cli/element.h"
#include "cli/read.h"

#include "base/error.h"
#include "xml/xml.h"

#include <string.h>

/* "--network" and what follows it. */
static void print(const Cli *cli, char *options) {
        g_auto(GStrv) words = g_strsplit(options, " ", 2);

        if (cli->json)
                cli_print_json(json_pack("{s:[s, s]}", "args", words[0], words[1]));
        else
                cli_print_text(g_strdup_printf("%s\n", options));
        g_free(options);
}

bool verb_virt_install_args(Cli *cli, GError **error) {
        g_autoptr(Want) want = changing_want(cli, WANT_ATTACH, cli->from);
        g_auto(World) world = {0};

        g_autoptr(Io) io = want_parse_words(want, cli->args, error) && element_words_ok(want, error) ? cli_open(cli, error) : NULL;
        if (!io || !world_read(cli, io, &world, error))
                return false;
        g_autofree char *element = element_of_choice(cli, &world, want, error);
        char *options = element ? xml_virt_install(element) : NULL;
        if (options)
                print(cli, options);
        else if (element)
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "a name in it has characters that virt-install's options cannot carry; 'vfadm xml' prints the element");
        return options != NULL;
}
