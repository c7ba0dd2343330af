/* From changed texts to steps: the note first (and gone last), so that whatever happens somebody knows; then the files; then the program that
 * brings them to the menu, which on the way back has its turn after the files are back. */
#include "plan/boot.h"

#include "base/error.h"

#include <string.h>

/* What each program wants to be told to make the configuration effective. */
static const struct {
        const char *name;
        const char *args[3];
        bool menu; /* the menu's path follows */
} tools[] = {
        {"update-grub", {NULL}, false},
        {"grub-mkconfig", {"-o"}, true},
        {"grub2-mkconfig", {"-o"}, true},
        {"proxmox-boot-tool", {"refresh"}, false},
        {"kernel-install", {"add-all"}, false},
        {"sdbootutil", {"update-all-entries"}, false},
        {"mkinitcpio", {"-P"}, false},
        {"dracut", {"--regenerate-all", "--force"}, false},
        {"reinstall-kernels", {NULL}, false},
        {"grubby", {NULL}, false},
        {"kernelstub", {NULL}, false},
        {"rpm-ostree", {NULL}, false},
};

static int tool_index(const BootConf *boot) {
        const char *slash = boot->tool && boot->tool[0] == '/' ? strrchr(boot->tool, '/') : NULL;

        for (unsigned i = 0; slash && i < G_N_ELEMENTS(tools); i++)
                if (g_str_equal(tools[i].name, slash + 1))
                        return (int) i;
        return -1;
}

bool boot_plan_tool_known(BootPlan *work) {
        const BootConf *boot = work->boot;
        int i = tool_index(boot);

        if (i >= 0 && (!tools[i].menu || boot->menu))
                return true;
        if (i >= 0)
                plan_refuse(work->plan, VFADM_ERROR_UNSUPPORTED, "%s was found, but not the boot menu that it makes", boot->tool);
        else
                plan_refuse(work->plan, VFADM_ERROR_UNSUPPORTED, "no program was found that makes a change of this host's boot parameters effective%s%s",
                            boot->tool ? ": vfadm does not know " : "", boot->tool ? boot->tool : "");
        return false;
}

static char **take_argv(GPtrArray *argv) {
        g_ptr_array_add(argv, NULL);
        return (char **) g_ptr_array_free(argv, FALSE);
}

/* The program of a configuration file: the same whatever has changed in it. */
static char **file_command(const BootConf *boot) {
        GPtrArray *argv = g_ptr_array_new();
        int i = tool_index(boot);

        g_ptr_array_add(argv, g_strdup(boot->tool));
        for (unsigned k = 0; k < G_N_ELEMENTS(tools[i].args) && tools[i].args[k]; k++)
                g_ptr_array_add(argv, g_strdup(tools[i].args[k]));
        if (tools[i].menu)
                g_ptr_array_add(argv, g_strconcat("/", boot->menu, NULL));
        return take_argv(argv);
}

/* Words whose number changes by `sign`, in one text parted by blanks; "" when there are none. */
static char *changed_words(const BootPlan *work, int sign) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < work->words->len; i++) {
                const char *word = work->words->pdata[i];
                if (GPOINTER_TO_INT(g_hash_table_lookup(work->change, word)) * sign > 0)
                        g_string_append_printf(text, "%s%s", text->len ? " " : "", word);
        }
        return g_string_free(text, FALSE);
}

static void add_each(GPtrArray *argv, const char *option, const char *words) {
        g_auto(GStrv) list = g_strsplit(words, " ", -1);
        for (char **word = list; *word; word++)
                if (**word)
                        g_ptr_array_add(argv, g_strconcat(option, *word, NULL));
}

/* To grubby, parentheses are part of an expression or text, depending on its version; by its key alone a parameter goes in any. What
 * is put takes the place of what has that key, so a list that only changes is not taken away first. */
static char *grubby_taken(const char *put, const char *taken) {
        g_auto(GStrv) words = g_strsplit(taken, " ", -1);
        GString *text = g_string_new(NULL);

        for (char **word = words; *word; word++) {
                bool list = g_str_has_prefix(*word, HIDE_KEY "=");
                if (**word && !(list && strstr(put, HIDE_KEY "=")))
                        g_string_append_printf(text, "%s%s", text->len ? " " : "", list ? HIDE_KEY : *word);
        }
        return g_string_free(text, FALSE);
}

/* The command that puts and takes away at once; `sign` -1: the way back. */
static char **change_command(const BootPlan *work, int sign) {
        g_autofree char *put = changed_words(work, sign), *taken = changed_words(work, -sign);
        GPtrArray *argv = g_ptr_array_new();

        g_ptr_array_add(argv, g_strdup(work->boot->tool));
        if (work->boot->kind == BOOT_OSTREE) {
                g_ptr_array_add(argv, g_strdup("kargs"));
                add_each(argv, "--append-if-missing=", put);
                add_each(argv, "--delete-if-present=", taken);
        } else if (work->boot->kind == BOOT_GRUBBY) {
                g_ptr_array_add(argv, g_strdup("--update-kernel=ALL"));
                if (*put)
                        g_ptr_array_add(argv, g_strconcat("--args=", put, NULL));
                g_autofree char *gone = grubby_taken(put, taken);
                if (*gone)
                        g_ptr_array_add(argv, g_strconcat("--remove-args=", gone, NULL));
        } else {
                if (*put) {
                        g_ptr_array_add(argv, g_strdup("--add-options"));
                        g_ptr_array_add(argv, g_strdup(put));
                }
                if (*taken) {
                        g_ptr_array_add(argv, g_strdup("--delete-options"));
                        g_ptr_array_add(argv, g_strdup(taken));
                }
        }
        return take_argv(argv);
}

/* Who tells what the next boot will have: a program, a file, or (both NULL) nobody. */
static void set_source(const BootPlan *work, Step *step) {
        const BootConf *boot = work->boot;
        GPtrArray *ask;

        if (!boot->next)
                return;
        if (boot->kind != BOOT_GRUBBY && boot->kind != BOOT_OSTREE) {
                step->path = g_strdup(boot->menu);
                return;
        }
        ask = g_ptr_array_new();
        g_ptr_array_add(ask, g_strdup(boot->tool));
        g_ptr_array_add(ask, g_strdup(boot->kind == BOOT_OSTREE ? "kargs" : "--info=DEFAULT"));
        step->ask = take_argv(ask);
}

static char *words_where(const BootPlan *work, bool after) {
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < work->words->len; i++) {
                const char *word = work->words->pdata[i];
                if (after ? boot_plan_expected(work, word) > 0 : boot_plan_count_next(work, word) > 0)
                        g_string_append_printf(text, "%s%s", text->len ? " " : "", word);
        }
        return g_string_free(text, FALSE);
}

static Step *boot_step(BootPlan *work, const char *reason) {
        Step *step = plan_add(work->plan, step_new(STEP_BOOT, (PciAddr) {0}, reason));
        GPtrArray *words = g_ptr_array_new();

        for (unsigned i = 0; i < work->words->len; i++)
                g_ptr_array_add(words, g_strdup(work->words->pdata[i]));
        step->words = take_argv(words);
        set_source(work, step);
        return step;
}

/* On the way back a fact that cannot move is no sign of anything: with the same words before and after nothing would be run. */
static void drop_fact(Step *step) {
        g_clear_pointer(&step->path, g_free);
        g_clear_pointer(&step->ask, g_strfreev);
}

void boot_plan_file(Plan *plan, const char *path, const char *before, const char *now, const char *reason) {
        if (g_strcmp0(before, now) == 0)
                return;
        Step *step = plan_add(plan, step_new(STEP_FILE, (PciAddr) {0}, reason));
        step->path = g_strdup(path);
        step->from.text = g_strdup(before);
        step->to.text = g_strdup(now);
}

/* The menu is made from files. */
static void steps_of_files(BootPlan *work, const char *before, const char *after) {
        bool edited = g_strcmp0(work->file.before, work->file.now) != 0 || g_strcmp0(work->main.before, work->main.now) != 0;
        bool moves = !g_str_equal(before, after);

        if (edited) {
                Step *back = boot_step(work, "the menu is made from the files, so it follows them on the way back too");
                back->undo_argv = file_command(work->boot);
                back->from.text = g_strdup(before);
                if (!moves)
                        drop_fact(back);
        }
        boot_plan_file(work->plan, work->file.path, work->file.before, work->file.now, NULL);
        boot_plan_file(work->plan, work->main.path, work->main.before, work->main.now, NULL);
        Step *step = boot_step(work, "the boot loader reads the menu that this makes");
        step->argv = file_command(work->boot);
        step->to.text = g_strdup(after);
        if (!moves)
                drop_fact(step);
}

static void step_of_command(BootPlan *work, const char *before, const char *after) {
        Step *step = boot_step(work, "it keeps the boot parameters of this host");

        step->argv = change_command(work, 1);
        step->undo_argv = change_command(work, -1);
        step->from.text = g_strdup(before);
        step->to.text = g_strdup(after);
        if (g_str_equal(before, after))
                drop_fact(step);
}

void boot_plan_run(Plan *plan, char *const *argv, const char *word, bool back, const char *reason) {
        Step *step = plan_add(plan, step_new(STEP_BOOT, (PciAddr) {0}, reason));
        char **copy = g_strdupv((char **) argv);

        step->words = g_strsplit(word, " ", -1);
        if (back)
                step->undo_argv = copy;
        else
                step->argv = copy;
}

void boot_plan_steps(BootPlan *work) {
        const char *reason = work->note_now ? "so that it is known what can be undone" : "nothing is left to be undone";

        if (work->plan->refusals->len)
                return;
        if (work->note_now)
                boot_plan_file(work->plan, work->note_path, work->note_before, work->note_now, reason);
        g_autofree char *before = words_where(work, false), *after = words_where(work, true);
        if (work->words->len && boot_plan_by_command(work))
                step_of_command(work, before, after);
        else if (work->words->len)
                steps_of_files(work, before, after);
        if (!work->note_now)
                boot_plan_file(work->plan, work->note_path, work->note_before, NULL, reason);
}
