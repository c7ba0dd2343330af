/* Effects on the host's own configuration: a file as a whole, and the boot parameters that the next boot will have. */
#include "act/effect.h"

#include "base/error.h"
#include "model/setup.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

enum {
        FILE_MAX = 1 << 20,
        MENU_MAX = 8 << 20,      /* grub.cfg has some kilobytes for each kernel */
        ASK_MS = 60 * 1000,
        TOOL_MS = 600 * 1000,    /* rpm-ostree makes a deployment; mkinitcpio an image for each kernel */
        SAID_MAX = 200,
};

/* ---- file ---- */

/* NULL: it is not there. */
static int read_text(Io *io, const char *path, size_t max, char **ret) {
        g_autoptr(GBytes) bytes = NULL;
        size_t size;

        int r = io_read(io, path, max, &bytes);
        if (r == -ENOENT) {
                *ret = NULL;
                return 0;
        }
        if (r < 0)
                return r;
        const char *text = g_bytes_get_data(bytes, &size);
        if (size && memchr(text, 0, size))
                return -EINVAL;
        *ret = g_strndup(text ? text : "", size);
        return 0;
}

static int read_file(ActContext *act, const Step *step, Fact *ret, GError **error) {
        int r = read_text(act->io, step->path, FILE_MAX, &ret->text);
        return r < 0 ? effect_fail(error, r, NULL, "/%s cannot be read", step->path) : 0;
}

static int make_file(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        /* An editor takes no lock of ours. What somebody has just written there is not overwritten. */
        if (!fact_equal(step, now, &step->from) && !fact_equal(step, now, &step->to)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_BUSY, "/%s has been changed meanwhile by somebody else, so it was left alone; try again", step->path);
                return -ESTALE;
        }
        int r = io_replace(act->io, step->path, target->text);
        if (r >= 0)
                return 0;
        const char *remedy = r == -ELOOP  ? "it is a symbolic link, which vfadm does not replace: edit what it leads to yourself"
                             : r == -EPERM ? "run as root; 'lsattr' shows whether it is immutable"
                                           : NULL;
        return effect_fail(error, r, remedy, "/%s cannot be written", step->path);
}

static void explain_file(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "/%s was written, but something else stands in it now: somebody edits it too", step->path);
}

const Effect effect_file = {.read = read_file, .make = make_file, .explain = explain_file};

/* ---- boot ---- */

/* The last line that a program said, for an error of one line. */
static char *last_line(GBytes *output) {
        size_t size;
        const char *text = g_bytes_get_data(output, &size);
        g_autofree char *copy = g_strndup(text ? text : "", size);
        const char *line = strrchr(g_strchomp(copy), '\n');

        line = line ? line + 1 : copy;
        g_autofree char *valid = g_utf8_make_valid(line, (gssize) MIN(strlen(line), (size_t) SAID_MAX));
        return g_strdelimit(g_steal_pointer(&valid), "\t\r\n", ' ');
}

static int run(ActContext *act, char **argv, bool changes, char **ret, GError **error) {
        g_autofree char *command = g_strjoinv(" ", argv);
        g_autoptr(GBytes) output = NULL;
        size_t size;
        int status = 0;

        int r = io_program(act->io, argv, changes, changes ? TOOL_MS : ASK_MS, &output, &status);
        if (r == -ETIMEDOUT)
                return effect_fail(error, r, "it was ended; run it by hand to see what it waits for", "%s", command);
        if (r < 0)
                return effect_fail(error, r, NULL, "%s cannot be run", command);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                g_autofree char *said = last_line(output);
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s failed (%s %d)%s%s", command, WIFEXITED(status) ? "exit status" : "signal",
                            WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), *said ? ": " : "", said);
                return -EIO;
        }
        const char *text = g_bytes_get_data(output, &size);
        if (ret)
                *ret = g_strndup(text ? text : "", size);
        return 0;
}

static int read_boot(ActContext *act, const Step *step, Fact *ret, GError **error) {
        g_autofree char *text = NULL;
        g_autoptr(GString) found = g_string_new(NULL);
        const char *what = step->path ? step->path : step->ask[0] + 1;

        int r = step->path ? read_text(act->io, step->path, MENU_MAX, &text) : run(act, step->ask, false, &text, error);
        if (step->path && (r < 0 || !text))
                return effect_fail(error, r < 0 ? r : -ENOENT, NULL, "the boot menu /%s cannot be read", step->path);
        if (r < 0)
                return r;
        g_auto(GStrv) words = boot_menu_words(text);
        if (!words)
                return effect_fail(error, -EINVAL, "has it been damaged?", "/%s: no entry that starts a kernel", what);
        for (char **word = step->words; *word; word++)
                if (g_strv_contains((const char *const *) words, *word))
                        g_string_append_printf(found, "%s%s", found->len ? " " : "", *word);
        ret->text = g_string_free(g_steal_pointer(&found), FALSE);
        return 0;
}

static int make_boot(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        char **argv = target == &step->from ? step->undo_argv : step->argv;
        return argv ? run(act, argv, true, NULL, error) : 0;
}

static void explain_boot(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error) {
        char **argv = target == &step->from ? step->undo_argv : step->argv;
        g_autofree char *words = g_strjoinv(" ", step->words);

        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                    "%s said yes, but of the parameters '%s' the next boot would have '%s' and not '%s'; another file may set them: see 'grep -rE \"%s\" /etc/default /etc/grub.d /etc/kernel'",
                    argv ? argv[0] : "the boot configuration", words, now->text, target->text, step->words[0]);
}

const Effect effect_boot = {.read = read_boot, .make = make_boot, .explain = explain_boot};
