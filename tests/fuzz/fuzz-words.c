/* Any bytes as the words of a call on the bus, one a line, the first byte says of which method. What is taken must be within bounds, must
 * hold no option that names a file or another ledger, and must be disturbing where it says so. Any bytes as an object's path, too. */
#include "daemon/bus_objects.h"
#include "daemon/words.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An option that is no value of another: getopt would see it. */
static bool is_forbidden(const char *word) {
        static const char *const forbidden[] = {"--root", "--ledger", "--json", "--output", "--textfile", "--http", "--fix", "--undo", "--yes",
                                                "--boot", "--new-ledger", "--dry-run", "--quiet", "--help", "--version", "--xml", "--columns"};

        for (size_t i = 0; i < G_N_ELEMENTS(forbidden); i++)
                if (g_str_has_prefix(word, forbidden[i]))
                        return true;
        return word[0] == '-' && word[1] != '-';
}

static bool takes_value(const char *word) {
        return g_str_equal(word, "--from") || g_str_equal(word, "--timeout") || g_str_equal(word, "--pf") || g_str_equal(word, "--vfs") ||
               g_str_equal(word, "--order");
}

static void check_taken(Ask ask, char **words, Action action) {
        bool disrupt = false;

        g_assert_cmpuint(g_strv_length(words), <=, WORDS_MOST);
        for (char **word = words; *word; word++) {
                g_assert_false(is_forbidden(*word));
                disrupt |= g_str_equal(*word, "--disrupt");
                if (takes_value(*word))
                        word++;
        }
        g_assert_true(ask == ASK_RUN ? action != ACTION_READ : action == ACTION_READ);
        g_assert_true(!disrupt || ask != ASK_RUN || action == ACTION_DISTURB);
        g_auto(GStrv) given = words_for_worker(ask, (const char *const *) words);
        g_autofree char *lane = words_lane(ask, (const char *const *) words);
        g_assert_true(g_strv_length(given) == g_strv_length(words) + (ask == ASK_PLAN));
        g_assert_true((lane != NULL) == (ask == ASK_RUN));
}

static void check_path(const char *path) {
        g_autofree char *key = NULL, *again = NULL;
        ObjectKind kind, kind_again;

        if (!bus_path_parse(path, &kind, &key))
                return;
        g_autofree char *made = bus_path(kind, key);
        g_assert_true(g_variant_is_object_path(made));
        g_assert_true(bus_path_parse(made, &kind_again, &again));
        g_assert_cmpstr(again, ==, key);
        g_assert_cmpint(kind_again, ==, kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autofree char *text = size ? g_strndup((const char *) data + 1, size - 1) : g_strdup("");
        g_auto(GStrv) words = g_strsplit(text, "\n", -1);
        Ask ask = size ? (Ask) (data[0] % 3) : ASK_READ;
        g_autoptr(GError) error = NULL;
        Action action;

        check_path(text);
        if (words_check(ask, (const char *const *) words, &action, &error))
                check_taken(ask, words, action);
        else
                g_assert_null(strpbrk(error->message, "\n\033"));
        return 0;
}
