/* Which words are taken from the bus: the table of verbs, and the check against it. */
#include "daemon/words.h"

#include "base/error.h"

#include <string.h>

enum {
        W_ALL = 1 << 0,
        W_DISRUPT = 1 << 1,
        W_WITH_GROUP = 1 << 2,
        W_FROM = 1 << 3,
        W_LIVE = 1 << 4,
        W_CONFIG = 1 << 5,
        W_TIMEOUT = 1 << 6,
        W_NO_RESET = 1 << 7,
        W_POOL = 1 << 8,
        W_OFF = 1 << 9,
        W_ADOPT = 1 << 10,
        W_KEEP_GOING = 1 << 11,
        W_EXPLAIN = 1 << 12,
        W_PF = 1 << 13,
};

typedef struct {
        const char *word; /* written out: getopt would take "--disr" for --disrupt, and so must not see it */
        unsigned bit;
        bool value;       /* wants one, after '=' or as the next word */
} WordOption;

static const WordOption options[] = {
        {"--all", W_ALL, false},           {"--disrupt", W_DISRUPT, false}, {"--with-group", W_WITH_GROUP, false},
        {"--from", W_FROM, true},          {"--live", W_LIVE, false},       {"--config", W_CONFIG, false},
        {"--timeout", W_TIMEOUT, true},    {"--no-reset", W_NO_RESET, false}, {"--pf", W_PF, true},
        {"--vfs", W_POOL, true},           {"--order", W_POOL, true},       {"--libvirt", W_POOL, false},
        {"--off", W_OFF, false},           {"--adopt", W_ADOPT, false},     {"--keep-going", W_KEEP_GOING, false},
        {"--explain", W_EXPLAIN, false},
};

enum { READS, CHANGES, CHANGES_UNPLANNED };

typedef struct {
        const char *verb, *part; /* part: the word after it, for verbs that have parts */
        unsigned kind;
        bool disturbs;           /* takes a device from a guest that may run */
        unsigned options;
        unsigned most;           /* words after these, options and their values left out */
} WordVerb;

/* What reads or writes a file that is named stays out ("record", "export --output", files for "plan" and "apply"), and so does what runs
 * a command ("run") or asks somebody at a terminal ("doctor --fix", "bind --boot"). */
static const WordVerb verbs[] = {
        {"check", NULL, READS, false, 0, 0},
        {"doctor", NULL, READS, false, W_ALL | W_EXPLAIN, 1},
        {"export", NULL, READS, false, 0, WORDS_MOST},
        {"import", NULL, READS, false, 0, WORDS_MOST},
        {"leases", NULL, READS, false, 0, 0},
        {"list", NULL, READS, false, W_ALL, WORDS_MOST},
        {"metrics", NULL, READS, false, 0, 0},
        {"plan", NULL, READS, false, W_DISRUPT | W_PF, 0},
        {"pool", "list", READS, false, 0, 0},
        {"pool", "show", READS, false, 0, 1},
        {"show", NULL, READS, false, 0, 1},
        {"version", NULL, READS, false, 0, 0},
        {"apply", NULL, CHANGES, false, W_DISRUPT | W_KEEP_GOING | W_PF, 0},
        {"attach", NULL, CHANGES, false, W_DISRUPT | W_WITH_GROUP | W_FROM | W_LIVE | W_CONFIG, WORDS_MOST},
        {"bind", NULL, CHANGES, false, W_DISRUPT | W_WITH_GROUP, WORDS_MOST},
        {"detach", NULL, CHANGES, true, W_WITH_GROUP | W_LIVE | W_CONFIG | W_TIMEOUT, 2},
        {"disable", NULL, CHANGES, false, W_DISRUPT, WORDS_MOST},
        {"enable", NULL, CHANGES, false, W_DISRUPT, WORDS_MOST},
        {"import", NULL, CHANGES, false, W_ADOPT, 1},
        {"pool", "autostart", CHANGES, false, W_OFF, 1},
        {"pool", "define", CHANGES, false, W_POOL | W_PF, WORDS_MOST},
        {"pool", "delete", CHANGES, false, 0, 1},
        {"pool", "start", CHANGES, false, 0, 1},
        {"pool", "stop", CHANGES, false, 0, 1},
        {"recover", NULL, CHANGES_UNPLANNED, false, 0, 0},
        {"release", NULL, CHANGES, true, W_NO_RESET, 1},
        {"set", NULL, CHANGES, false, W_DISRUPT, WORDS_MOST},
        {"unbind", NULL, CHANGES, false, W_DISRUPT, WORDS_MOST},
};

const char *action_id(Action action) {
        static const char *const ids[] = {
                [ACTION_READ] = "org.vfadm1.read", [ACTION_CHANGE] = "org.vfadm1.change", [ACTION_DISTURB] = "org.vfadm1.disturb"};

        return ids[action];
}

/* Of the bus, text is UTF-8 already; it stands in errors and in the journal, too. */
static bool check_texts(const char *const *words, GError **error) {
        const char *wrong = NULL;
        unsigned n = 0;

        for (; words[n] && !wrong; n++) {
                if (n >= WORDS_MOST || strlen(words[n]) > WORD_MOST)
                        wrong = "the words are too many, or one is too long";
                for (const char *c = words[n]; *c && !wrong; c++)
                        if (g_ascii_iscntrl(*c))
                                wrong = "a word has a control character in it";
        }
        if (!wrong && n > 0)
                return true;
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, wrong ? wrong : "there are no words: give a verb, as in \"list\"");
        return false;
}

static bool fits(Ask ask, const WordVerb *verb) {
        if (ask == ASK_READ)
                return verb->kind == READS;
        return verb->kind == CHANGES || (ask == ASK_RUN && verb->kind == CHANGES_UNPLANNED);
}

static const WordVerb *find_verb(Ask ask, const char *const *words, GError **error) {
        static const char *const methods[] = {[ASK_READ] = "Read", [ASK_PLAN] = "Plan", [ASK_RUN] = "Run"};
        g_autoptr(GString) known = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
                const WordVerb *verb = &verbs[i];
                if (!fits(ask, verb))
                        continue;
                if (g_str_equal(verb->verb, words[0]) && (!verb->part || g_strcmp0(verb->part, words[1]) == 0))
                        return verb;
                g_string_append_printf(known, "%s%s%s%s", known->len ? ", " : "", verb->verb, verb->part ? " " : "", verb->part ? verb->part : "");
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s%s%s' is not to be had by %s; there are %s", words[0],
                    g_str_equal(words[0], "pool") && words[1] ? " " : "", g_str_equal(words[0], "pool") && words[1] ? words[1] : "",
                    methods[ask], known->str);
        return NULL;
}

static const WordOption *find_option(const char *word, const char *equals) {
        size_t n = equals ? (size_t) (equals - word) : strlen(word);

        for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
                if (strlen(options[i].word) == n && memcmp(options[i].word, word, n) == 0 && options[i].value >= (equals != NULL))
                        return &options[i];
        return NULL;
}

bool words_check(Ask ask, const char *const *words, Action *ret, GError **error) {
        const WordVerb *verb = check_texts(words, error) ? find_verb(ask, words, error) : NULL;
        unsigned given = 0, n = 0;

        if (!verb)
                return false;
        for (const char *const *word = words + 1 + (verb->part != NULL); *word; word++) {
                const char *equals = strchr(*word, '=');
                const WordOption *option = **word == '-' ? find_option(*word, equals) : NULL;
                if (**word == '-' && (!option || !(verb->options & option->bit))) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s: '%s' is not taken from the bus", words[0], *word);
                        return false;
                }
                given |= option ? option->bit : 0;
                n += !option;
                if (option && option->value && !equals && !*++word) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s: %s wants a value after it", words[0], option->word);
                        return false;
                }
        }
        if (n > verb->most) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s: there are words too many; no file is named over the bus", words[0]);
                return false;
        }
        if (ask == ASK_RUN)
                *ret = verb->disturbs || (given & W_DISRUPT) ? ACTION_DISTURB : ACTION_CHANGE;
        else
                *ret = ACTION_READ;
        return true;
}

char **words_for_worker(Ask ask, const char *const *words) {
        g_autoptr(GStrvBuilder) all = g_strv_builder_new();

        g_strv_builder_addv(all, (const char **) words);
        if (ask == ASK_PLAN)
                g_strv_builder_add(all, "--dry-run");
        return g_strv_builder_end(all);
}

char *words_lane(Ask ask, const char *const *words) {
        const char *about = NULL;

        if (ask != ASK_RUN)
                return NULL;
        for (const char *const *word = words + 1 + g_str_equal(words[0], "pool"); *word && !about; word++)
                about = **word == '-' ? NULL : *word;
        return g_strdup_printf("bus:%s", about ? about : words[0]);
}
