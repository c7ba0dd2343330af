/* Which words are taken from the bus, and what the caller needs for them. */
#include "daemon/words.h"

#include "base/error.h"

#include <string.h>

static char **split(const char *line) {
        return *line ? g_strsplit(line, " ", -1) : g_new0(char *, 1);
}

static void assert_needs(Ask ask, const char *line, Action want) {
        g_auto(GStrv) words = split(line);
        g_autoptr(GError) error = NULL;
        Action action = ACTION_READ;

        bool ok = words_check(ask, (const char *const *) words, &action, &error);
        g_assert_no_error(error);
        g_assert_true(ok);
        g_assert_cmpint(action, ==, want);
}

static void assert_refused(Ask ask, const char *line, const char *needle) {
        g_auto(GStrv) words = split(line);
        g_autoptr(GError) error = NULL;
        Action action;

        if (words_check(ask, (const char *const *) words, &action, &error))
                g_error("taken: %s", line);
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_USAGE);
        if (!strstr(error->message, needle))
                g_error("'%s': %s", line, error->message);
}

static void test_needs(void) {
        assert_needs(ASK_READ, "list", ACTION_READ);
        assert_needs(ASK_READ, "list --all enp1s0", ACTION_READ);
        assert_needs(ASK_READ, "pool show web", ACTION_READ);
        assert_needs(ASK_READ, "plan", ACTION_READ);
        assert_needs(ASK_PLAN, "enable enp1s0 7", ACTION_READ);
        assert_needs(ASK_PLAN, "enable enp1s0 7 --disrupt", ACTION_READ);
        assert_needs(ASK_RUN, "enable enp1s0 7", ACTION_CHANGE);
        assert_needs(ASK_RUN, "enable --disrupt enp1s0 7", ACTION_DISTURB);
        assert_needs(ASK_RUN, "attach web1 --from enp1s0 vlan=42", ACTION_CHANGE);
        assert_needs(ASK_RUN, "attach web1 --from=pool:a --live vlan=42", ACTION_CHANGE);
        assert_needs(ASK_RUN, "attach web1 --from enp1s0 vlan=42 --disrupt", ACTION_DISTURB);
        assert_needs(ASK_RUN, "detach web1 enp1s0/3 --timeout 5", ACTION_DISTURB);
        assert_needs(ASK_RUN, "release 12", ACTION_DISTURB);
        assert_needs(ASK_RUN, "apply --keep-going --pf enp1s0", ACTION_CHANGE);
        assert_needs(ASK_READ, "plan --pf=enp1s0 --disrupt", ACTION_READ);
        assert_needs(ASK_RUN, "apply --disrupt", ACTION_DISTURB);
        assert_needs(ASK_RUN, "recover", ACTION_CHANGE);
        assert_needs(ASK_RUN, "import --adopt", ACTION_CHANGE);
        assert_needs(ASK_RUN, "pool define web --pf enp1s0 --vfs 0-3 --libvirt vlan=1", ACTION_CHANGE);
        /* The value of an option is no option. */
        assert_needs(ASK_RUN, "attach web1 --from --disrupt", ACTION_CHANGE);
}

static void test_methods(void) {
        assert_refused(ASK_READ, "enable enp1s0 7", "'enable' is not to be had by Read; there are check, doctor,");
        assert_refused(ASK_PLAN, "list", "'list' is not to be had by Plan");
        assert_refused(ASK_PLAN, "recover", "'recover' is not to be had by Plan");
        assert_refused(ASK_RUN, "pool list", "'pool list' is not to be had by Run");
        assert_refused(ASK_READ, "pool define x", "'pool define' is not to be had by Read; there are check");
        assert_refused(ASK_READ, "pool", "'pool' is not");
        assert_refused(ASK_RUN, "record /tmp/x", "'record' is not");
        assert_refused(ASK_RUN, "run -- sh", "'run' is not");
        assert_refused(ASK_READ, "help", "'help' is not");
        assert_refused(ASK_READ, "", "there are no words");
        assert_refused(ASK_RUN, "--json", "'--json' is not");
}

/* What names a file, asks at a terminal, or means another ledger or host; and what getopt would take for it. */
static void test_options(void) {
        static const char *const lines[] = {
                "enable enp1s0 7 --dry-run", "enable enp1s0 7 --disr", "enable enp1s0 7 --disrupt=1", "enable enp1s0 7 -n", "enable enp1s0 7 --",
                "enable enp1s0 7 --ledger /tmp/x", "enable enp1s0 7 --ledger=/tmp/x", "enable enp1s0 7 --root /tmp", "enable enp1s0 7 --json",
                "enable enp1s0 7 -j", "enable enp1s0 7 -", "bind --boot enp1s0/1 pciback", "bind enp1s0/1 vfio --yes", "recover --new-ledger",
                "enable enp1s0 7 --from x", "pool start web --off", "attach web1 --fro x",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
                assert_refused(ASK_RUN, lines[i], "is not taken from the bus");
        assert_refused(ASK_READ, "doctor --fix", "'--fix' is not taken from the bus");
        assert_refused(ASK_READ, "doctor --undo", "'--undo' is not taken from the bus");
        assert_refused(ASK_READ, "export --output /tmp", "'--output' is not taken from the bus");
        assert_refused(ASK_READ, "metrics --textfile /tmp/x.prom", "'--textfile' is not taken from the bus");
        assert_refused(ASK_READ, "list --columns BDF", "'--columns' is not taken from the bus");
        assert_refused(ASK_RUN, "attach web1 --from", "--from wants a value after it");
        assert_refused(ASK_READ, "plan /etc/shadow", "no file is named over the bus");
        assert_refused(ASK_RUN, "apply /etc/shadow", "no file is named over the bus");
        assert_refused(ASK_READ, "check /etc/shadow", "no file is named over the bus");
        assert_refused(ASK_READ, "show a b", "words too many");
}

static void test_bounds(void) {
        g_autofree char *longest = g_strnfill(WORD_MOST, 'a'), *longer = g_strnfill(WORD_MOST + 1, 'a');
        g_autofree char *good = g_strconcat("list ", longest, NULL), *bad = g_strconcat("list ", longer, NULL);
        g_autoptr(GString) many = g_string_new("list");

        assert_needs(ASK_READ, good, ACTION_READ);
        assert_refused(ASK_READ, bad, "too long");
        for (int i = 1; i < WORDS_MOST; i++)
                g_string_append(many, " a");
        assert_needs(ASK_READ, many->str, ACTION_READ);
        g_string_append(many, " a");
        assert_refused(ASK_READ, many->str, "too many");
        assert_refused(ASK_READ, "list a\nb", "control character");
        assert_refused(ASK_READ, "list \033[31m", "control character");
}

static void test_worker(void) {
        g_auto(GStrv) words = split("enable enp1s0 7"), pool = split("pool start web"), recover = split("recover");
        g_auto(GStrv) planned = words_for_worker(ASK_PLAN, (const char *const *) words);
        g_auto(GStrv) run = words_for_worker(ASK_RUN, (const char *const *) words);
        const char *const want[] = {"enable", "enp1s0", "7", "--dry-run", NULL};

        g_assert_cmpstrv(planned, want);
        g_assert_cmpstrv(run, words);
        g_autofree char *none = words_lane(ASK_PLAN, (const char *const *) words), *pf = words_lane(ASK_RUN, (const char *const *) words);
        g_autofree char *web = words_lane(ASK_RUN, (const char *const *) pool), *all = words_lane(ASK_RUN, (const char *const *) recover);
        g_assert_null(none);
        g_assert_cmpstr(pf, ==, "bus:enp1s0");
        g_assert_cmpstr(web, ==, "bus:web");
        g_assert_cmpstr(all, ==, "bus:recover");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/words/needs", test_needs);
        g_test_add_func("/words/methods", test_methods);
        g_test_add_func("/words/options", test_options);
        g_test_add_func("/words/bounds", test_bounds);
        g_test_add_func("/words/worker", test_worker);
        return g_test_run();
}
