/* Playing stories: as they should go, failing at each operation, dying at each operation. */
#include "stage.h"

#include "base/error.h"
#include "change/change.h"
#include "ledger/ledger.h"
#include "sim_virt.h"
#include "sim_xen.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the ledger's commits are operations too ------------------------------------------------------------------ */

/* SQLite's hook for new connections knows no user data. Set only while a story is played. */
static Sim *played;

static int on_commit(void *data) {
        return sim_point(data, "ledger commit") < 0; /* not 0: the commit becomes a rollback */
}

static int on_open(sqlite3 *db, char **message, const void *api) {
        if (played)
                sqlite3_commit_hook(db, on_commit, played);
        return SQLITE_OK;
}

/* --- a stage -------------------------------------------------------------------------------------------------- */

static void remove_folder(const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;
        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *file = g_build_filename(path, name, NULL);
                g_unlink(file);
        }
        g_rmdir(path);
}

static void stage_free(Stage *stage) {
        sim_free(stage->sim);
        remove_folder(stage->ledger);
        g_free(stage->ledger);
        g_clear_pointer(&stage->states, g_ptr_array_unref);
        g_free(stage);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stage, stage_free)

static Stage *stage_new(const Story *story) {
        Stage *stage = g_new0(Stage, 1);
        /* In memory where there is such a folder: a few thousand ledgers are synced to disk here. */
        const char *base = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
        stage->story = story;
        stage->ledger = g_build_filename(base, "vfadm-story-XXXXXX", NULL);
        g_assert_nonnull(g_mkdtemp(stage->ledger));
        stage->sim = sim_new(story->options);
        for (unsigned i = 0; i < G_N_ELEMENTS(story->cards) && story->cards[i]; i++)
                g_assert_true(sim_add_card(stage->sim, story->cards[i]));
        if (story->prepare)
                story->prepare(stage);
        g_assert_cmpstr(sim_disturbances(stage->sim), ==, "");
        sim_quiesce(stage->sim);
        return stage;
}

static void on_told(void *user, const char *line) {
        g_test_message("told: %s", line);
}

static void on_progress(void *user, const Plan *plan, unsigned step, bool done, int64_t usec) {
        Stage *stage = user;
        if (played && stage->story->meanwhile && step == 0 && !done)
                stage->story->meanwhile(stage);
}

static ChangeOptions options_for(Stage *stage, Io *io) {
        return (ChangeOptions){.io = io,
                               .ledger_dir = stage->ledger,
                               .lock_timeout_ms = 1000,
                               .detach_timeout_ms = 400,
                               .progress = on_progress,
                               .told = on_told,
                               .user = stage};
}

bool stage_do_many(Stage *stage, Want **wants, unsigned n, GError **error) {
        g_autoptr(Io) io = sim_process_self(stage->sim, "vfadm");
        ChangeOptions options = options_for(stage, io);
        bool ok = change_do(&options, wants, n, NULL, error);
        for (unsigned i = 0; i < n; i++)
                want_free(wants[i]);
        if (!ok && *error)
                g_test_message("%s", (*error)->message);
        if (ok && stage->states)
                g_ptr_array_add(stage->states, stage_dump(stage));
        return ok;
}

bool stage_do(Stage *stage, Want *want, const char *words, GError **error) {
        g_auto(GStrv) list = g_strsplit(words ? words : "", " ", -1);
        if (want_parse_words(want, list, error))
                return stage_do_many(stage, &want, 1, error);
        want_free(want);
        return false;
}

bool stage_verb(Stage *stage, WantKind kind, const char *device, const char *words, GError **error) {
        Want *want = want_new(kind);
        want->device = g_strdup(device);
        return stage_do(stage, want, words, error);
}

bool stage_bind(Stage *stage, const char *device, const char *driver, bool with_group, GError **error) {
        Want *want = want_new(WANT_BIND);
        want->device = g_strdup(device);
        want->driver = g_strdup(driver);
        want->with_group = with_group;
        return stage_do(stage, want, NULL, error);
}

bool stage_guest(Stage *stage, WantKind kind, const char *guest, const char *device, const char *words,
                 GError **error) {
        Want *want = want_new(kind);
        want->device = g_strdup(device);
        want->guest = g_strdup(guest);
        return stage_do(stage, want, words, error);
}

bool stage_scoped(Stage *stage, WantKind kind, const char *guest, const char *device, unsigned scope, const char *words, GError **error) {
        Want *want = want_new(kind);
        want->device = g_strdup(device);
        want->guest = g_strdup(guest);
        want->scope = scope;
        return stage_do(stage, want, words, error);
}

bool stage_enable(Stage *stage, const char *pf, unsigned n, GError **error) {
        Want *want = want_new(WANT_ENABLE);
        want->device = g_strdup(pf);
        want->num_vfs = n;
        return stage_do(stage, want, NULL, error);
}

bool stage_recover(Stage *stage, GError **error) {
        g_autoptr(Io) io = sim_process_self(stage->sim, "vfadm");
        ChangeOptions options = options_for(stage, io);
        return change_recover(&options, error);
}

/* As cli/verb_run.c goes about it. */
static bool run_start(Stage *stage, Io *io, const Want *want, GuestInfo *guest, const char *command, IoProcess *process,
                      GError **error) {
        ChangeOptions options = options_for(stage, io);
        g_autoptr(Change) change = change_begin(&options, (Want *const[]) {(Want *) want}, 1, error);
        if (!change)
                return false;
        const Dev *dev = change_choose(change, want, guest, error);
        if (!dev)
                return false;
        g_auto(GStrv) around = g_strsplit(command, "{vf}", 2);
        g_autofree char *whole = g_strjoin(dev->name, around[0], around[1], NULL);
        g_auto(GStrv) argv = g_strsplit(whole, " ", -1);
        int status, r = io_spawn(io, argv, process);
        if (r < 0)
                return vfadm_error_set_errno(error, r, "starting %s", argv[0]);
        guest->pid = process->pid;
        guest->pid_start = process->start;
        g_autoptr(Plan) plan = change_plan(change, (Want *const[]) {(Want *) want}, 1, guest, error);
        bool ok = plan && plan_check(plan, error) && change_act(change, plan, error);
        if (ok && (r = io_process_go(io, process)) < 0)
                ok = vfadm_error_set_errno(error, r, "starting %s", argv[0]);
        if (!ok)
                io_process_wait(io, process, &status);
        return ok;
}

bool stage_run(Stage *stage, const char *device, const char *words, const char *command, GError **error) {
        g_autoptr(Io) io = sim_process_self(stage->sim, "vfadm");
        g_autoptr(Want) want = want_new(WANT_LEND);
        g_autoptr(GuestInfo) guest = guest_info_new("qemu", "web1");
        g_auto(GStrv) list = g_strsplit(words, " ", -1);
        ChangeOptions options = options_for(stage, io);
        IoProcess process = {.pid = -1, .go_fd = -1};
        int status;

        want->device = g_strdup(device);
        want->guest = g_strdup("qemu:web1");
        if (!want_parse_words(want, list, error))
                return false;
        if (!run_start(stage, io, want, guest, command, &process, error)) {
                /* What could not be walked back while the child lived is given back now, as after a crash. */
                change_recover(&options, NULL);
                return false;
        }
        int r = io_process_wait(io, &process, &status);
        if (r < 0)
                return vfadm_error_set_errno(error, r, "waiting for the guest");
        return change_recover(&options, error);
}

void stage_echo(Stage *stage, const char *path, const char *text) {
        g_autoptr(Io) io = sim_process(stage->sim, "sh");
        g_assert_cmpint(io_write(io, path, text, 0), ==, 0);
}

static unsigned unfinished(Stage *stage) {
        g_autoptr(Ledger) ledger = ledger_open(stage->ledger, true, NULL);
        g_autoptr(GPtrArray) plans = ledger ? ledger_unfinished(ledger, NULL) : NULL;
        g_assert_nonnull(plans);
        return plans->len;
}

void stage_must(bool ok, GError *error) {
        g_assert_no_error(error);
        g_assert_true(ok);
}

void stage_virsh(Stage *stage, const char *call, const char *name, const char *arg) {
        g_autofree char *problem = sim_virsh(stage->sim, call, name, arg);
        if (problem)
                g_error("virsh %s %s: %s", call, name, problem);
}

void stage_xl(Stage *stage, const char *call, const char *name, const char *arg) {
        g_autofree char *problem = sim_xl(stage->sim, call, name, arg);
        if (problem)
                g_error("xl %s %s %s: %s", call, name, arg ? arg : "", problem);
}

/* --- playing -------------------------------------------------------------------------------------------------- */

static bool play(Stage *stage, GError **error) {
        played = stage->sim;
        bool ok = stage->story->play(stage, error);
        played = NULL;
        sim_quiesce(stage->sim);
        return ok;
}

/* How the story goes well: state before and after, and how many operations it takes. */
typedef struct {
        char *before, *after;
        GPtrArray *operations; /* char*: their names */
        GPtrArray *states;     /* char*: after each verb, where there are several */
        unsigned questions;    /* over netlink, that change nothing */
} Outcome;

static void outcome_clear(Outcome *outcome) {
        g_free(outcome->before);
        g_free(outcome->after);
        g_clear_pointer(&outcome->operations, g_ptr_array_unref);
        g_clear_pointer(&outcome->states, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

static void settle(Stage *stage) {
        g_autoptr(GError) error = NULL;
        if (!stage->story->settle)
                return;
        stage->story->settle(stage);
        sim_quiesce(stage->sim);
        stage_recover(stage, &error);
        g_assert_no_error(error);
}

static void add_partly(const Story *story, Outcome *outcome) {
        g_autoptr(Stage) stage = stage_new(story);
        g_autoptr(GError) error = NULL;

        if (!story->partly(stage, &error))
                g_error("story %s, partly: %s", story->name, error->message);
        g_ptr_array_insert(outcome->states, 0, stage_dump(stage));
}

static void play_well(const Story *story, Outcome *ret) {
        g_autoptr(Stage) stage = stage_new(story);
        g_autoptr(GError) error = NULL;

        ret->before = stage_dump(stage);
        sim_restart_count(stage->sim);
        stage->states = g_ptr_array_new_with_free_func(g_free);
        bool ok = play(stage, &error);
        ret->states = g_steal_pointer(&stage->states);
        ret->questions = sim_questions(stage->sim);
        ret->operations = g_ptr_array_new_with_free_func(g_free);
        for (unsigned n = 1; n <= sim_operations(stage->sim); n++)
                g_ptr_array_add(ret->operations, g_strdup(sim_operation_name(stage->sim, n)));
        if (story->refused) {
                g_assert_false(ok);
                g_assert_error(error, VFADM_ERROR, story->refused);
                if (story->says && !strstr(error->message, story->says))
                        g_error("story %s: \"%s\" does not say \"%s\"", story->name, error->message, story->says);
        } else {
                g_assert_no_error(error);
                g_assert_true(ok);
        }
        g_assert_cmpuint(unfinished(stage), ==, 0);
        g_assert_cmpstr(sim_disturbances(stage->sim), ==, "");
        if (story->check)
                story->check(stage);
        settle(stage);
        ret->after = stage_dump(stage);
        if (story->refused && !story->settle)
                g_assert_cmpstr(ret->after, ==, ret->before);
        if (story->partly)
                add_partly(story, ret);
}

static void test_well(gconstpointer data) {
        g_auto(Outcome) outcome = {0};
        play_well(data, &outcome);
        g_test_message("%u operations, %u questions over netlink", outcome.operations->len, outcome.questions);
}

typedef struct {
        const Story *story;
        const Outcome *outcome;
        const char *how; /* "failing", "dying" */
        unsigned n;
} Try;

static const char *operation(const Try *try) {
        return try->outcome->operations->pdata[try->n - 1];
}

static void G_GNUC_NORETURN stray(const Try *try, Stage *stage, const char *what, const char *found,
                                  const GError *error) {
        g_error("story %s, %s at operation %u (%s): %s\n--- before\n%s--- after\n%s--- found\n%s--- error: %s",
                try->story->name, try->how, try->n, operation(try), what, try->outcome->before, try->outcome->after,
                found, error ? error->message : "none");
}

/* Without what xl knows, where that may be forgotten. */
static char *seen_by(const Story *story, const char *dump) {
        static const char mark[] = " xl=";
        GString *text = g_string_new(NULL);
        const char *at;

        while (story->forgets && (at = strstr(dump, mark))) {
                g_string_append_len(text, dump, at - dump);
                dump = at + strlen(mark);
                dump += strcspn(dump, " \n");
        }
        g_string_append(text, dump);
        return g_string_free(text, FALSE);
}

static bool same_state(const Story *story, const char *a, const char *b) {
        g_autofree char *seen_a = seen_by(story, a), *seen_b = seen_by(story, b);
        return g_str_equal(seen_a, seen_b);
}

/* The machine is what it was, or what it was to become; nobody was disturbed; nothing is left in the journal. */
static void expect(const Try *try, Stage *stage, bool old_ok, bool new_ok, const GError *error) {
        g_autofree char *now = stage_dump(stage);
        bool old = same_state(try->story, now, try->outcome->before), new = same_state(try->story, now, try->outcome->after);
        /* Where a story has several verbs, each is whole. */
        for (unsigned i = 0; i + 1 < try->outcome->states->len; i++)
                old |= same_state(try->story, now, try->outcome->states->pdata[i]);

        if (*sim_disturbances(stage->sim))
                stray(try, stage, sim_disturbances(stage->sim), now, error);
        if (!(old && old_ok) && !(new && new_ok))
                stray(try, stage,
                      old   ? "undone, though it said done"
                      : new ? "done, though it said failed"
                            : "neither old nor new",
                      now, error);
        if (unfinished(stage))
                stray(try, stage, "a plan is left in the journal", now, error);
}

static void recover(const Try *try, Stage *stage) {
        g_autoptr(GError) error = NULL;
        if (!stage_recover(stage, &error)) {
                g_autofree char *now = stage_dump(stage);
                stray(try, stage, "recovery failed", now, error);
        }
        sim_quiesce(stage->sim);
        settle(stage);
}

static void fail_at(const Try *try, int negative_errno) {
        g_autoptr(Stage) stage = stage_new(try->story);
        g_autoptr(GError) error = NULL;

        sim_fail_at(stage->sim, try->n, negative_errno);
        bool ok = play(stage, &error);
        bool ledger = g_str_equal(operation(try), "ledger commit");
        if (!ok && !error)
                g_error("story %s failed at operation %u without a message", try->story->name, try->n);
        sim_fail_at(stage->sim, 0, 0);
        /* A disk that was full for a moment, and a guest that has let go, leave something for the next vfadm. */
        bool later = ledger || g_error_matches(error, VFADM_ERROR, VFADM_ERROR_HALF_DONE) || try->story->settle || try->story->again;
        if (!ok && g_error_matches(error, VFADM_ERROR, VFADM_ERROR_HALF_DONE) && !ledger && !try->story->half_done &&
            try->story->refused != VFADM_ERROR_FAILED) { /* where undoing is the story, undoing can fail */
                g_autofree char *now = stage_dump(stage);
                stray(try, stage, "it could not be undone", now, error);
        }
        if (later) {
                recover(try, stage);
                expect(try, stage, !try->story->again, true, error);
        } else {
                bool refused = try->story->refused != 0;
                expect(try, stage, !ok || refused, ok || refused, error);
        }
}

/* In a process of its own: a fork costs what its parent has in memory, and that is little before the first story. */
static void apart(const Story *story, void (*way)(const Story *story)) {
        int status;

        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                way(story);
                exit(0); /* not _exit(): the sanitizer looks for leaks there */
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
}

/* VFADM_STORIES=all tries every operation of every story; without it, those that differ little from another are tried at some, and
 * not all at the same ones. */
static unsigned stride(const Story *story) {
        return story->stride && g_strcmp0(g_getenv("VFADM_STORIES"), "all") != 0 ? story->stride : 1;
}

static unsigned first(const Story *story) {
        return 1 + g_str_hash(story->name) % stride(story);
}

static void play_failing(const Story *story) {
        g_auto(Outcome) outcome = {0};

        play_well(story, &outcome);
        for (unsigned n = first(story); n <= outcome.operations->len; n += stride(story))
                fail_at(&(Try) {story, &outcome, "failing", n}, -EIO);
}

static void test_failing(gconstpointer story) {
        apart(story, play_failing);
}

/* In a child of its own, which dies in the middle: with its locks, its ledger's handle and all it knew. */
static pid_t play_and_die(const Try *try, Stage *stage, int log) {
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                g_autoptr(GError) error = NULL;
                sim_log_to(stage->sim, log);
                sim_crash_at(stage->sim, try->n);
                bool ok = play(stage, &error);
                fprintf(stderr, "# played to its end (%s): %s\n", ok ? "well" : "badly", error ? error->message : "");
                _exit(1);
        }
        int status;
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != SIM_CRASHED)
                g_error("story %s should have died at operation %u and ended with wait status %d", try->story->name,
                        try->n, status);
        return pid;
}

/* "write PATH TEXT": what the dead process had just begun. */
static void put_in_flight(const Try *try, Stage *stage) {
        g_auto(GStrv) words = g_strsplit(operation(try), " ", 3);
        sim_in_flight(stage->sim, words[1], words[2]);
}

static void die_at(const Try *try, bool late) {
        g_autoptr(Stage) stage = stage_new(try->story);
        int log = memfd_create("sim-log", MFD_CLOEXEC);

        g_assert_cmpint(log, >=, 0);
        pid_t pid = play_and_die(try, stage, log);
        sim_replay(stage->sim, log);
        sim_process_died(stage->sim, pid);
        close(log);
        if (late)
                put_in_flight(try, stage);
        recover(try, stage);
        sim_land(stage->sim);
        expect(try, stage, true, true, NULL);
        /* And what was recovered is as good as new: a second recovery finds nothing to do. */
        sim_restart_count(stage->sim);
        g_assert_true(stage_recover(stage, NULL));
        g_assert_cmpuint(sim_operations(stage->sim), ==, 0);
}

static void play_dying(const Story *story) {
        g_auto(Outcome) outcome = {0};

        play_well(story, &outcome);
        for (unsigned n = first(story); n <= outcome.operations->len; n += stride(story))
                die_at(&(Try) {story, &outcome, "dying", n}, false);
}

static void test_dying(gconstpointer story) {
        apart(story, play_dying);
}

static void play_late(const Story *story) {
        g_auto(Outcome) outcome = {0};

        play_well(story, &outcome);
        for (unsigned n = 1; n <= outcome.operations->len; n++) {
                Try try = {story, &outcome, "dying with the kernel still at it", n};
                if (strstr(operation(&try), "sriov_numvfs"))
                        die_at(&try, true);
        }
}

static void test_late(gconstpointer story) {
        apart(story, play_late);
}

/* What the daemon was just asked for it has done; from then on it answers nobody, until it is up again. */
static void down_at(const Try *try) {
        g_autoptr(Stage) stage = stage_new(try->story);
        g_autoptr(GError) error = NULL;

        sim_restart_count(stage->sim);
        sim_virt_down_at(stage->sim, try->n);
        bool ok = play(stage, &error);
        if (!ok && !error)
                g_error("story %s failed at operation %u without a message", try->story->name, try->n);
        stage_recover(stage, NULL);
        sim_virt_down_at(stage->sim, 0);
        sim_virt_daemon(stage->sim, VIRT_UP);
        recover(try, stage);
        expect(try, stage, true, true, error);
}

static void play_down(const Story *story) {
        g_auto(Outcome) outcome = {0};

        play_well(story, &outcome);
        for (unsigned n = 1; n <= outcome.operations->len; n++)
                down_at(&(Try) {story, &outcome, "with libvirt going down", n});
}

static void test_down(gconstpointer story) {
        apart(story, play_down);
}

/* Which ways a story is played besides well. */
static bool is_played(const Story *story, GTestDataFunc way) {
        if (way == test_late)
                return story->counts;
        return way == test_down ? story->down : !story->once;
}

void story_add(const Story *story) {
        static const struct {
                const char *name;
                GTestDataFunc run;
        } ways[] = {{"well", test_well}, {"failing", test_failing}, {"dying", test_dying}, {"late", test_late}, {"down", test_down}};

        sqlite3_auto_extension((void (*)(void)) on_open);
        for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
                g_autofree char *path = g_strdup_printf("/%s/%s", ways[i].name, story->name);
                if (i == 0 || is_played(story, ways[i].run))
                        g_test_add_data_func(path, story, ways[i].run);
        }
}
