/* A program in the place of vfadm: a script that looks for files named as it was called. */
#include "fake_vfadm.h"

#include <glib/gstdio.h>
#include <string.h>

#define PATIENCE_MS 20000

static const char script[] = "#!/bin/sh\n"
                             "cd '%s'\n"
                             "[ \"$1\" = --json ] || exit 99\n"
                             "shift\n"
                             "[ \"$1\" = --ledger ] && shift 2\n"
                             "echo \"$*\" >>calls\n"
                             "name=$(echo \"$*\" | tr ' ' _)\n"
                             "[ -e \"$name.sh\" ] && . \"./$name.sh\"\n"
                             "[ -e \"$name.json\" ] && cat \"$name.json\"\n"
                             "[ -e \"$name.status\" ] && exit $(cat \"$name.status\")\n"
                             "exit 0\n";

static char *file_name(const char *words, const char *ending) {
        g_autofree char *name = g_strdelimit(g_strdup(words), " ", '_');
        return g_strconcat(name, ending, NULL);
}

/* Renamed into place: the script may be reading. */
static void put(const FakeVfadm *fake, const char *words, const char *ending, const char *text) {
        g_autofree char *name = file_name(words, ending), *path = g_build_filename(fake->temp.path, name, NULL);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

void fake_open(FakeVfadm *fake) {
        temp_open(&fake->temp);
        g_autofree char *text = g_strdup_printf(script, fake->temp.path);
        fake->program = temp_file(&fake->temp, "vfadm", text);
        g_assert_cmpint(g_chmod(fake->program, 0700), ==, 0);
}

void fake_close(FakeVfadm *fake) {
        g_clear_pointer(&fake->program, g_free);
        temp_close(&fake->temp);
}

void fake_says(const FakeVfadm *fake, const char *words, const char *json, int status) {
        g_autofree char *number = g_strdup_printf("%d\n", status);
        put(fake, words, ".json", json);
        put(fake, words, ".status", number);
}

void fake_does(const FakeVfadm *fake, const char *words, const char *what) {
        put(fake, words, ".sh", what);
}

char *fake_calls(const FakeVfadm *fake) {
        g_autofree char *path = g_build_filename(fake->temp.path, "calls", NULL);
        char *text;
        return g_file_get_contents(path, &text, NULL, NULL) ? text : g_strdup("");
}

unsigned fake_count(const FakeVfadm *fake, const char *words) {
        g_autofree char *calls = fake_calls(fake);
        g_auto(GStrv) lines = g_strsplit(calls, "\n", -1);
        unsigned n = 0;
        for (char **line = lines; *line; line++)
                n += g_str_equal(*line, words);
        return n;
}

static gboolean set(void *user) {
        *(bool *) user = true;
        return G_SOURCE_REMOVE;
}

void loop_until(bool (*done)(void *user), void *user, const char *what) {
        bool late = false;
        guint source = g_timeout_add(PATIENCE_MS, set, &late);

        while (!late && !done(user))
                g_main_context_iteration(NULL, TRUE);
        if (late)
                g_error("in vain waited for: %s", what);
        g_source_remove(source);
}

void loop_for(unsigned milliseconds) {
        bool over = false;
        g_timeout_add(milliseconds, set, &over);
        while (!over)
                g_main_context_iteration(NULL, TRUE);
}
