/* Workers: `vfadm` as processes of its own, one at a time a lane, each with a deadline. What they print goes into memory files
 * and not pipes, so that nothing is to be read while they run, and a process that a worker left behind holds nobody up. */
#include "daemon/daemon.h"

#include "base/error.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than 'vfadm list --json' says of 4096 VFs. */
#define PRINTED_MAX (64 << 20)
#define SAID_MAX 4096

typedef struct {
        Workers *workers;
        guint64 number;
        char *lane;   /* or NULL */
        char **words;
        unsigned timeout_ms;
        WorkDone done; /* NULL: nobody is to be told, or has been told already */
        void *user;
        GSubprocess *process; /* NULL: it waits, or could not be started */
        int printed, said;    /* memory files; -1 */
        gint64 started;
        guint deadline, later; /* sources; 0 */
        char *failed;          /* why it could not be started */
} Job;

struct Workers {
        char *program, **words;
        GQueue waiting;     /* Job* */
        GPtrArray *running; /* Job* */
        guint64 numbers;
        bool draining, orphaned; /* orphaned: workers_free() was called, and the last job that ends frees it */
        void (*drained)(void *user);
        void *drained_user;
};

static void job_free(Job *job) {
        if (job->deadline)
                g_source_remove(job->deadline);
        if (job->later)
                g_source_remove(job->later);
        if (job->printed >= 0)
                close(job->printed);
        if (job->said >= 0)
                close(job->said);
        g_clear_object(&job->process);
        g_strfreev(job->words);
        g_free(job->failed);
        g_free(job->lane);
        g_free(job);
}

Workers *workers_new(const char *program, char *const *words) {
        Workers *workers = g_new0(Workers, 1);
        workers->program = g_strdup(program);
        workers->words = words ? g_strdupv((char **) words) : g_new0(char *, 1);
        workers->running = g_ptr_array_new();
        g_queue_init(&workers->waiting);
        return workers;
}

static void really_free(Workers *workers) {
        g_ptr_array_unref(workers->running);
        g_strfreev(workers->words);
        g_free(workers->program);
        g_free(workers);
}

static void drop_waiting(Workers *workers) {
        Job *job;
        while ((job = g_queue_pop_head(&workers->waiting)))
                job_free(job);
}

void workers_free(Workers *workers) {
        if (!workers)
                return;
        drop_waiting(workers);
        workers->draining = workers->orphaned = true;
        workers->drained = NULL;
        for (unsigned i = workers->running->len; i-- > 0;) {
                Job *job = workers->running->pdata[i];
                job->done = NULL;
                if (!job->process && job->later) /* could not be started: nothing to wait for */
                        job_free(g_ptr_array_remove_index(workers->running, i));
        }
        if (workers->running->len == 0)
                really_free(workers);
}

bool workers_idle(const Workers *workers) {
        return workers->running->len == 0 && g_queue_is_empty((GQueue *) &workers->waiting);
}

/* ---- what a worker said ---- */

/* The bytes of a memory file, at most `max` from its start; NULL: none. */
static char *contents(int fd, off_t max, size_t *ret_length) {
        struct stat st;
        size_t length = 0;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
                return NULL;
        size_t size = (size_t) MIN(st.st_size, max);
        char *text = g_malloc(size + 1);
        for (ssize_t n; length < size && (n = pread(fd, text + length, size - length, (off_t) length)) > 0;)
                length += (size_t) n;
        text[length] = '\0';
        *ret_length = length;
        return text;
}

static json_t *printed_json(int fd) {
        size_t length;
        g_autofree char *text = contents(fd, PRINTED_MAX, &length);
        return text ? json_loadb(text, length, 0, NULL) : NULL;
}

/* The last line, which says what went wrong. */
static char *last_line(int fd) {
        size_t length;
        g_autofree char *text = contents(fd, SAID_MAX, &length);

        if (!text)
                return g_strdup("");
        g_strchomp(text);
        const char *line = strrchr(text, '\n');
        return g_utf8_make_valid(line ? line + 1 : text, -1);
}

/* ---- running ---- */

static void start_more(Workers *workers);

static void tell(Job *job, int status, const json_t *json, const char *said) {
        WorkResult result = {.status = status, .json = json, .said = said, .usec = g_get_monotonic_time() - job->started, .lane = job->lane};
        WorkDone done = job->done;

        job->done = NULL;
        if (done)
                done(&result, job->user);
}

/* The job leaves its lane; whoever waits for it begins. */
static void finish(Job *job) {
        Workers *workers = job->workers;

        g_ptr_array_remove(workers->running, job);
        job_free(job);
        if (workers->orphaned) {
                if (workers->running->len == 0)
                        really_free(workers);
                return;
        }
        start_more(workers);
        if (workers->draining && workers->drained && workers_idle(workers)) {
                void (*drained)(void *) = workers->drained;
                workers->drained = NULL;
                drained(workers->drained_user);
        }
}

static void ended(GObject *object, GAsyncResult *result, void *user) {
        Job *job = user;
        GSubprocess *process = G_SUBPROCESS(object);

        (void) g_subprocess_wait_finish(process, result, NULL); /* without a cancellable it cannot fail */
        if (job->done) {
                bool exited = g_subprocess_get_if_exited(process);
                json_t *json = printed_json(job->printed);
                g_autofree char *said = exited ? last_line(job->said)
                                               : g_strdup_printf("'vfadm %s' was killed by signal %d", job->words[0], g_subprocess_get_term_sig(process));
                tell(job, exited ? g_subprocess_get_exit_status(process) : -1, json, said);
                json_decref(json);
        }
        finish(job);
}

static gboolean deadline_passed(void *user) {
        Job *job = user;
        g_autofree char *said = g_strdup_printf("'vfadm %s' has not ended within %u seconds and was killed; 'vfadm recover' undoes what it was at",
                                                job->words[0], job->timeout_ms / 1000);

        job->deadline = 0;
        g_subprocess_force_exit(job->process);
        tell(job, -1, NULL, said);
        return G_SOURCE_REMOVE;
}

static gboolean tell_failed(void *user) {
        Job *job = user;
        job->later = 0;
        tell(job, -1, NULL, job->failed);
        finish(job);
        return G_SOURCE_REMOVE;
}

static GSubprocess *spawn(Job *job, GError **error) {
        g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
        g_autoptr(GPtrArray) argv = g_ptr_array_new();
        int printed = -1, said = -1;

        job->printed = memfd_create("printed", MFD_CLOEXEC);
        job->said = memfd_create("said", MFD_CLOEXEC);
        if (job->printed >= 0)
                printed = dup(job->printed); /* the launcher closes what it is given */
        if (job->said >= 0)
                said = dup(job->said);
        if (printed < 0 || said < 0) {
                vfadm_error_set_errno(error, -errno, "starting 'vfadm %s': no memory file", job->words[0]);
                if (printed >= 0)
                        close(printed);
                return NULL;
        }
        g_subprocess_launcher_take_stdout_fd(launcher, printed);
        g_subprocess_launcher_take_stderr_fd(launcher, said);
        g_ptr_array_add(argv, job->workers->program);
        g_ptr_array_add(argv, (char *) "--json");
        for (char **word = job->workers->words; *word; word++)
                g_ptr_array_add(argv, *word);
        for (char **word = job->words; *word; word++)
                g_ptr_array_add(argv, *word);
        g_ptr_array_add(argv, NULL);
        return g_subprocess_launcher_spawnv(launcher, (const char *const *) argv->pdata, error);
}

static void start(Job *job) {
        g_autoptr(GError) error = NULL;

        g_ptr_array_add(job->workers->running, job);
        job->started = g_get_monotonic_time();
        job->process = spawn(job, &error);
        if (!job->process) {
                job->failed = g_strdup(error->message);
                job->later = g_idle_add(tell_failed, job);
                return;
        }
        job->deadline = g_timeout_add(job->timeout_ms, deadline_passed, job);
        g_subprocess_wait_async(job->process, NULL, ended, job);
}

static bool lane_free(const Workers *workers, const char *lane) {
        for (unsigned i = 0; lane && i < workers->running->len; i++)
                if (!g_strcmp0(((const Job *) workers->running->pdata[i])->lane, lane))
                        return false;
        return true;
}

static void start_more(Workers *workers) {
        for (GList *link = workers->waiting.head; link && workers->running->len < WORKERS_MOST;) {
                GList *next = link->next;
                Job *job = link->data;
                if (lane_free(workers, job->lane)) {
                        g_queue_delete_link(&workers->waiting, link);
                        start(job);
                }
                link = next;
        }
}

guint64 workers_run(Workers *workers, const char *lane, char *const *words, unsigned timeout_ms, WorkDone done, void *user) {
        Job *job = g_new0(Job, 1);

        job->workers = workers;
        job->number = ++workers->numbers;
        job->lane = g_strdup(lane);
        job->words = g_strdupv((char **) words);
        job->timeout_ms = timeout_ms ? timeout_ms : lane ? WORK_CHANGE_MS : WORK_READ_MS;
        job->done = done;
        job->user = user;
        job->printed = job->said = -1;
        guint64 number = job->number;
        if (workers->draining) {
                job_free(job);
                return number;
        }
        g_queue_push_tail(&workers->waiting, job);
        start_more(workers);
        return number;
}

void workers_cancel(Workers *workers, guint64 number) {
        for (GList *link = workers->waiting.head; link; link = link->next) {
                Job *job = link->data;
                if (job->number == number) {
                        g_queue_delete_link(&workers->waiting, link);
                        job_free(job);
                        return;
                }
        }
        for (unsigned i = 0; i < workers->running->len; i++) {
                Job *job = workers->running->pdata[i];
                if (job->number == number)
                        job->done = NULL;
        }
}

void workers_drain(Workers *workers, void (*done)(void *user), void *user) {
        workers->draining = true;
        drop_waiting(workers);
        if (workers_idle(workers)) {
                done(user);
                return;
        }
        workers->drained = done;
        workers->drained_user = user;
}
