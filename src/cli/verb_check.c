/* vfadm check [FILE…] */
#include "change/conf.h"
#include "cli/read.h"
#include "show/value.h"

/* A root folder is read where it stands: it may be a whole system's. A file is a record. */
static Io *open_root(const Cli *cli, GError **error) {
        if (cli->root && g_file_test(cli->root, G_FILE_TEST_IS_DIR))
                return io_real_new(cli->root, error);
        return cli_open(cli, error);
}

static json_t *json_paths(const GPtrArray *files) {
        json_t *array = json_array();

        for (unsigned i = 0; i < files->len; i++) {
                g_autofree char *path = g_strdup_printf("/%s", (const char *) files->pdata[i]);
                json_array_append_new(array, value_string(path));
        }
        return array;
}

static void print_json(const Conf *conf, const GPtrArray *wrong) {
        json_t *errors = json_array(), *warnings = json_array();

        for (unsigned i = 0; i < wrong->len; i++)
                json_array_append_new(errors, value_string(((const GError *) wrong->pdata[i])->message));
        for (unsigned i = 0; i < conf->warnings->len; i++)
                json_array_append_new(warnings, value_string(conf->warnings->pdata[i]));
        cli_print_json(json_pack("{s:o, s:b, s:o, s:o}", "files", json_paths(conf->files), "fine", wrong->len == 0, "errors", errors,
                                 "warnings", warnings));
}

static void print_text(const Cli *cli, const Conf *conf, const GPtrArray *wrong) {
        const unsigned n = conf->files->len;
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < wrong->len; i++) {
                g_autofree char *line = value_safe(((const GError *) wrong->pdata[i])->message);
                g_string_append_printf(text, "wrong: %s\n", line);
        }
        for (unsigned i = 0; i < conf->warnings->len; i++) {
                g_autofree char *line = value_safe(conf->warnings->pdata[i]);
                g_string_append_printf(text, "warning: %s\n", line);
        }
        if (wrong->len == 0 && n > 0)
                g_string_append_printf(text, "%u file%s: fine\n", n, n == 1 ? "" : "s");
        if (wrong->len == 0 && n == 0)
                cli_note(cli, "there is no configuration; 'vfadm export' writes one of what there is now");
        cli_print_text(g_string_free(text, FALSE));
}

bool verb_check(Cli *cli, GError **error) {
        g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func((GDestroyNotify) g_error_free);
        g_autoptr(Io) io = open_root(cli, error);

        if (!io)
                return false;
        g_autoptr(Conf) conf = conf_read_sound(io, cli->n_args ? cli->args : NULL, wrong);
        if (cli->json)
                print_json(conf, wrong);
        else
                print_text(cli, conf, wrong);
        cli->status = wrong->len ? 1 : 0;
        return true;
}
