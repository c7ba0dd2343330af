/* Boot parameters put, taken away, and put back as they were: which text changes where. The steps are boot_steps.c's. */
#include "plan/boot.h"

#include "base/error.h"
#include "base/parse.h"
#include "plan/boot_text.h"
#include "plan/rules.h"

#include <string.h>

static const char note_head[] =
        "# Boot parameters that 'vfadm doctor --fix' changed; 'vfadm doctor --undo' takes that back. Not to be edited.\n";
static const char drop_in_head[] = "# Written by vfadm: 'vfadm doctor --undo' and 'vfadm unbind --boot' take it back.\n";
static const char *const grub_variables[] = {"GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", NULL};
static const char *const no_variable[] = {NULL};

/* ---- what there is ---- */

static unsigned count_in(char *const *words, const char *word) {
        unsigned count = 0;
        for (; words && *words; words++)
                count += g_str_equal(*words, word);
        return count;
}

/* The variables of a file that hold parameters; the first is the one to put them into. */
static const char *const *variables_of(const BootPlan *work) {
        return work->boot->kind == BOOT_GRUB ? grub_variables : no_variable;
}

/* Calls for each place in the texts where parameters stand. NULL variable: the whole text, once. */
static unsigned count_in_text(const BootPlan *work, const BootText *text, const char *word) {
        const char *const *variable = variables_of(work);
        unsigned count = 0;

        if (!text->path || !text->now)
                return 0;
        do
                count += boot_text_count(text->now, *variable, word);
        while (*variable && *++variable);
        return count;
}

static unsigned count_in_texts(const BootPlan *work, const char *word) {
        return count_in_text(work, &work->file, word) + count_in_text(work, &work->main, word);
}

unsigned boot_plan_count_next(const BootPlan *work, const char *word) {
        return count_in(work->boot->next, word);
}

int boot_plan_expected(const BootPlan *work, const char *word) {
        int change = GPOINTER_TO_INT(g_hash_table_lookup(work->change, word));

        if (boot_plan_by_command(work)) /* a program keeps no doubles and takes all away */
                return change ? change > 0 : (int) boot_plan_count_next(work, word);
        /* A file that was edited and not yet brought to the menu counts too. */
        unsigned in_texts = count_in_texts(work, word);
        int then = (int) boot_plan_count_next(work, word) + change;
        return MAX((int) in_texts, work->boot->next ? then : 0);
}

bool boot_plan_by_command(const BootPlan *work) {
        return work->boot->kind == BOOT_GRUBBY || work->boot->kind == BOOT_KERNELSTUB || work->boot->kind == BOOT_OSTREE;
}

/* ---- changing ---- */

static void changed(BootPlan *work, const char *word, int by) {
        int before = GPOINTER_TO_INT(g_hash_table_lookup(work->change, word));
        g_hash_table_replace(work->change, g_strdup(word), GINT_TO_POINTER(before + by));
        if (!g_ptr_array_find_with_equal_func(work->words, word, g_str_equal, NULL))
                g_ptr_array_add(work->words, g_strdup(word));
}

static bool put(BootPlan *work, BootText *text, const char *variable, const char *word, int at) {
        g_autofree char *now = NULL;

        g_autofree char *same = g_strconcat("$", variable, NULL);
        if (text->ours && variable && !boot_text_count(text->now, variable, same))
                now = g_strdup_printf("%s%s=\"%s %s\"\n", text->now ? text->now : drop_in_head, variable, same, word);
        else
                now = boot_text_put(text->now, variable, word, at);
        if (!now) {
                plan_refuse(work->plan, VFADM_ERROR_UNSUPPORTED, "/%s: %s is written in a way that vfadm does not edit; put '%s' there yourself and run %s",
                            text->path, variable, word, work->boot->tool);
                return false;
        }
        g_free(text->now);
        text->now = g_steal_pointer(&now);
        changed(work, word, 1);
        return true;
}

/* Nothing but comments, empty lines and what leaves a variable as it is. */
static bool holds_nothing(const char *text) {
        static const char *const nothing[] = {"GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX\"",
                                              "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT\"", NULL};
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

        for (char **line = lines; *line; line++) {
                const char *start = g_strstrip(*line);
                if (*start && *start != '#' && !g_strv_contains(nothing, start))
                        return false;
        }
        return true;
}

/* 1: taken out; 0: it is not there; -1: refused. */
static int take(BootPlan *work, BootText *text, const char *variable, const char *word, int *ret_at) {
        if (!text->path || !text->now)
                return 0;
        char *now = boot_text_take(text->now, variable, word, ret_at);
        if (!now) {
                if (!boot_text_count(text->now, variable, word))
                        return 0;
                plan_refuse(work->plan, VFADM_ERROR_UNSUPPORTED, "/%s: %s is written in a way that vfadm does not edit; take '%s' out of it yourself and run %s",
                            text->path, variable, word, work->boot->tool);
                return -1;
        }
        g_free(text->now);
        text->now = now;
        if (text->ours && holds_nothing(now))
                g_clear_pointer(&text->now, g_free);
        changed(work, word, -1);
        return 1;
}

/* ---- fix ---- */

void boot_plan_add(BootPlan *work, const char *word) {
        if (boot_plan_count_next(work, word))
                return;
        if (boot_plan_by_command(work)) {
                changed(work, word, 1);
                g_string_append_printf(work->note, "put %s - -\n", word);
        } else if (count_in_texts(work, word)) {
                /* Somebody has put it there and not run the tool. Of what cannot be read nobody knows. */
                if (work->boot->next)
                        changed(work, word, 0);
        } else if (put(work, &work->file, variables_of(work)[0], word, -1)) {
                const char *variable = variables_of(work)[0];
                g_string_append_printf(work->note, "put %s %s %s\n", word, work->file.path, variable ? variable : "-");
        }
}

/* All of it from one text. False: refused. */
static bool take_all(BootPlan *work, BootText *text, const char *word) {
        const char *const *variable = variables_of(work);

        do {
                int at, r;
                while ((r = take(work, text, *variable, word, &at)) > 0)
                        g_string_append_printf(work->note, "took %s %s %s %d\n", word, text->path, *variable ? *variable : "-", at);
                if (r < 0)
                        return false;
        } while (*variable && *++variable);
        return true;
}

static void fix_remove(BootPlan *work, const char *word) {
        unsigned next = boot_plan_count_next(work, word);

        if (boot_plan_by_command(work)) {
                if (!next && work->boot->next)
                        return;
                changed(work, word, -1);
                g_string_append_printf(work->note, "took %s - - -1\n", word);
                return;
        }
        unsigned in_texts = count_in_texts(work, word);
        if (!take_all(work, &work->file, word) || !take_all(work, &work->main, word))
                return;
        /* Somebody has taken it out and not run the tool; or another file has it: then the tool's result will say so. */
        if (next > in_texts)
                changed(work, word, (int) in_texts - (int) next);
        else if (!in_texts && !work->boot->next)
                plan_note(work->plan, "'%s' was not found in the boot configuration", word);
}

/* ---- undo ---- */

static BootText *text_of(BootPlan *work, const char *path) {
        if (g_strcmp0(work->file.path, path) == 0)
                return &work->file;
        return g_strcmp0(work->main.path, path) == 0 ? &work->main : NULL;
}

static void undo_put(BootPlan *work, char **line) {
        const char *word = line[1], *variable = g_str_equal(line[3], "-") ? NULL : line[3];
        BootText *text = text_of(work, line[2]);
        int at, r = 0;

        if (boot_plan_by_command(work)) {
                if (boot_plan_count_next(work, word) || !work->boot->next)
                        changed(work, word, r = -1);
        } else if (text) {
                r = take(work, text, variable, word, &at);
        }
        if (r == 0)
                plan_note(work->plan, "'%s' is not where vfadm put it any more (%s), so it was left as it is", word, line[2]);
}

static void undo_took(BootPlan *work, char **line) {
        const char *word = line[1], *variable = g_str_equal(line[3], "-") ? NULL : line[3];
        BootText *text = text_of(work, line[2]);
        int64_t at;

        if (!parse_int(line[4], -1, 1 << 16, &at))
                at = -1;
        if (boot_plan_by_command(work)) {
                if (!boot_plan_count_next(work, word))
                        changed(work, word, 1);
        } else if (!text) {
                plan_note(work->plan, "'%s' was taken out of /%s, which this host does not use any more", word, line[2]);
        } else if (text->now && boot_text_count(text->now, variable, word)) {
                plan_note(work->plan, "'%s' stands in /%s again already", word, text->path);
        } else {
                put(work, text, variable, word, (int) at);
        }
}

/* The note was written by us, and lies where only root writes; what does not look like it is left out all the same. */
static bool line_ok(char **words, unsigned n) {
        if (!(n == 4 && g_str_equal(words[0], "put")) && !(n == 5 && g_str_equal(words[0], "took")))
                return false;
        return boot_word_ok(words[1]);
}

void boot_plan_undo(BootPlan *work) {
        g_auto(GStrv) lines = g_strsplit(work->note_before ? work->note_before : "", "\n", -1);

        for (unsigned i = g_strv_length(lines); i-- > 0;) {
                g_auto(GStrv) words = g_strsplit(lines[i], " ", 6);
                unsigned n = g_strv_length(words);
                if (!line_ok(words, n)) {
                        if (*lines[i] && *lines[i] != '#')
                                plan_note(work->plan, "/%s: line %u was not understood and is left out", work->note_path, i + 1);
                        continue;
                }
                if (g_str_equal(words[0], "put"))
                        undo_put(work, words);
                else
                        undo_took(work, words);
        }
}

/* ---- both ---- */

static char *join_words(const Want *want) {
        g_autofree char *add = g_strjoinv("' '", want->boot_add), *remove = g_strjoinv("' '", want->boot_remove);
        return g_strdup_printf("%s%s%s%s%s%s%s", *add ? "add '" : "", add, *add ? "'" : "", *add && *remove ? " and " : "",
                               *remove ? "take away '" : "", remove, *remove ? "'" : "");
}

static bool text_usable(BootPlan *work, const BootText *text, bool needed) {
        if (text->before && !g_utf8_validate(text->before, -1, NULL)) {
                plan_refuse(work->plan, VFADM_ERROR_UNSUPPORTED, "/%s is not in UTF-8, so vfadm does not edit it", text->path);
                return false;
        }
        if (text->before || !needed)
                return true;
        plan_refuse(work->plan, VFADM_ERROR_UNSUPPORTED, "/%s is not there or cannot be read, so nothing can be put into it (as root?)", text->path);
        return false;
}

/* Refuses what cannot be done on this host whatever is wanted. */
static bool usable(BootPlan *work, const char *by_hand) {
        const BootConf *boot = work->boot;

        if (boot->kind == BOOT_UNKNOWN) {
                plan_refuse(work->plan, VFADM_ERROR_UNSUPPORTED, "vfadm does not know how this host keeps its boot parameters: %s there yourself", by_hand);
                return false;
        }
        if (!boot_plan_tool_known(work))
                return false;
        if (boot_plan_by_command(work))
                return true;
        if (!boot->file) {
                plan_refuse(work->plan, VFADM_ERROR_UNSUPPORTED, "the file with this host's boot parameters was not found");
                return false;
        }
        return text_usable(work, &work->file, !work->file.ours) && (!work->main.path || text_usable(work, &work->main, false));
}

static void open_texts(BootPlan *work) {
        const BootConf *boot = work->boot;
        bool second = boot->main_file && g_strcmp0(boot->main_file, boot->file) != 0;

        if (boot_plan_by_command(work))
                return;
        /* Where `file` is the main file itself, its text may be given as either. */
        const char *text = second || boot->text ? boot->text : boot->main_text;
        work->file = (BootText) {.path = boot->file, .before = text, .now = g_strdup(text), .ours = boot->kind == BOOT_GRUB && second};
        if (second)
                work->main = (BootText) {.path = boot->main_file, .before = boot->main_text, .now = g_strdup(boot->main_text)};
}

static void summarize(BootPlan *work, const Want *want) {
        g_autoptr(GString) text = g_string_new(want->kind == WANT_BOOT ? "boot parameters:" : "boot parameters as before 'doctor --fix':");
        GHashTable *change = work->change;

        for (unsigned i = 0; i < work->words->len; i++) {
                int by = GPOINTER_TO_INT(g_hash_table_lookup(change, work->words->pdata[i]));
                g_string_append_printf(text, " %s%s", by > 0 ? "+" : by < 0 ? "-" : "", (const char *) work->words->pdata[i]);
        }
        if (work->words->len == 0)
                g_string_append(text, " as they are");
        work->plan->summary = g_string_free(g_steal_pointer(&text), FALSE);
}

/* What is set already, but not for the kernel that runs. */
static void note_reboot(BootPlan *work, const Want *want, const Setup *setup) {
        bool due = work->plan->steps->len > 0;

        for (char **word = want->boot_add; !due && word && *word; word++)
                due = setup->words && !count_in(setup->words, *word);
        for (char **word = want->boot_remove; !due && word && *word; word++)
                due = count_in(setup->words, *word) > 0;
        if (due)
                plan_note(work->plan, "the kernel reads its parameters when it starts: reboot for this to take effect");
}

bool boot_plan_open(BootPlan *work, Plan *plan, const BootConf *boot, const char *note_path, const char *note, const char *by_hand) {
        *work = (BootPlan) {.plan = plan, .boot = boot, .note_path = note_path, .note_before = note};
        work->note = g_string_new(NULL);
        work->words = g_ptr_array_new_with_free_func(g_free);
        work->change = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        open_texts(work);
        return usable(work, by_hand);
}

void boot_plan_close(BootPlan *work) {
        g_free(work->file.now);
        g_free(work->main.now);
        g_string_free(work->note, TRUE);
        g_ptr_array_unref(work->words);
        g_hash_table_unref(work->change);
}

char **boot_plan_words(const BootPlan *work) {
        const BootText *texts[] = {&work->file, &work->main};
        GPtrArray *words = g_ptr_array_new();

        for (char **word = work->boot->next; word && *word; word++)
                g_ptr_array_add(words, g_strdup(*word));
        for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++) {
                const char *const *variable = variables_of(work);
                if (!texts[i]->path || !texts[i]->before)
                        continue;
                do
                        boot_text_words(texts[i]->before, *variable, words);
                while (*variable && *++variable);
        }
        g_ptr_array_add(words, NULL);
        return (char **) g_ptr_array_free(words, FALSE);
}

static void fix(BootPlan *work, const Want *want) {
        for (char **word = want->boot_remove; *word; word++)
                fix_remove(work, *word);
        for (char **word = want->boot_add; *word; word++)
                boot_plan_add(work, *word);
        if (work->note->len)
                g_string_prepend(work->note, work->note_before ? work->note_before : note_head);
        work->note_now = work->note->len ? work->note->str : work->note_before;
}

void plan_boot(Plan *plan, const PlanInput *input, const Want *want) {
        static const BootConf nothing = {.kind = BOOT_UNKNOWN};
        const Setup *setup = input->host->setup;
        const BootConf *boot = setup ? &setup->boot : &nothing;
        bool undo = want->kind == WANT_BOOT_UNDO;
        g_autofree char *by_hand = undo ? g_strdup("undo by hand what /" BOOT_NOTE " names") : join_words(want);
        BootPlan work;

        if (undo && !boot->note) {
                plan_note(plan, "'doctor --fix' has changed nothing here that could be undone");
                plan->summary = g_strdup("boot parameters as before 'doctor --fix': as they are");
                return;
        }
        if (boot_plan_open(&work, plan, boot, BOOT_NOTE, boot->note, by_hand)) {
                if (undo)
                        boot_plan_undo(&work);
                else
                        fix(&work, want);
                boot_plan_steps(&work);
        }
        summarize(&work, want);
        if (setup && !plan->refusals->len)
                note_reboot(&work, want, setup);
        boot_plan_close(&work);
}
