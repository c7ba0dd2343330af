/* The words that somebody on the bus has vfadm run: which verbs and options there are for that, and what the caller needs for them.
 * Pure. A table and nothing else decides; what it does not name is refused, so that an option that is added to vfadm is not on the
 * bus until somebody has thought about it. No file is ever named: the service would read or write it with its own rights. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Which method is called. */
typedef enum {
        ASK_READ, /* a verb that only reads */
        ASK_PLAN, /* what a verb that changes would do */
        ASK_RUN,  /* do it */
} Ask;

/* What the caller must be allowed, as polkit's actions. */
typedef enum {
        ACTION_READ,
        ACTION_CHANGE,
        ACTION_DISTURB, /* a guest's device, or with --disrupt what the host itself uses */
} Action;
const char *action_id(Action action); /* "org.vfadm1.read" */

enum { WORDS_MOST = 64, WORD_MOST = 1024 };

/* False with USAGE: what is wrong with them. */
bool words_check(Ask ask, const char *const *words, Action *ret, GError **error);
/* The same words as a worker is to get them (g_strfreev()). */
char **words_for_worker(Ask ask, const char *const *words);
/* Changes of the same guest, pool or device go one after another: the lane for workers_run(). NULL where nothing is changed. */
char *words_lane(Ask ask, const char *const *words);
