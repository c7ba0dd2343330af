/* The service: what it watches, and what a round looks at when something happened there. */
#include "daemon/daemon.h"

#include "base/error.h"
#include "daemon/reconcile.h"
#include "watch/watch.h"

#include <string.h>

#define LEDGER_DIR "/var/lib/vfadm"

/* Where configuration is, what pools were started, and where guests' definitions are. */
static const char *const conf_folders[] = {"etc/vfadm", "run/vfadm", "usr/lib/vfadm", NULL};
static const char *const pool_folders[] = {"run/vfadm/pools", NULL};
static const char *const guest_folders[] = {"etc/libvirt/qemu", "etc/xen", NULL};

typedef struct {
        DaemonHears hears;
        void *user;
} Listener;

/* Whoever asked for a round: it is over with round number `round`. */
typedef struct {
        guint64 round;
        void (*done)(void *user);
        void *user;
} Asker;

struct Daemon {
        char *root;
        State *state;
        Workers *workers;
        Reconcile *reconcile;
        GPtrArray *watches;  /* Watch*: for good */
        GHashTable *holders; /* "PID START" (char*) → Watch* of a lease's holder; NULL: it has ended */
        GArray *listeners;   /* Listener */
        GArray *askers;      /* Asker */
        bool ready;
};

/* ---- events ---- */

static void tell(Event *event, void *user) {
        Daemon *daemon = user;
        for (unsigned i = 0; i < daemon->listeners->len; i++) {
                const Listener *listener = &g_array_index(daemon->listeners, Listener, i);
                listener->hears(event, listener->user);
        }
        event_free(event);
}

void daemon_listen(Daemon *daemon, DaemonHears hears, void *user) {
        Listener listener = {hears, user};
        g_array_append_val(daemon->listeners, listener);
}

/* ---- something happened ---- */

static void device_seen(Watch *watch, const char *path, void *user) {
        reconcile_look(((Daemon *) user)->reconcile, LOOK_STATE | LOOK_DRIFT);
}

/* Links of guests and containers come and go: only those of PCI devices matter. New ones udev tells of. */
static void link_seen(Watch *watch, const char *name, void *user) {
        Daemon *daemon = user;
        if (!*name || !daemon->ready || state_has_link(daemon->state, name))
                reconcile_look(daemon->reconcile, LOOK_STATE | LOOK_DRIFT);
}

/* A lease that ended may have kept a VF from being mended. */
static void ledger_seen(Watch *watch, const char *path, void *user) {
        reconcile_look(((Daemon *) user)->reconcile, LOOK_STATE | LOOK_DRIFT);
}

/* Locks and sockets are in run/vfadm, too. */
static bool is_conf(const Daemon *daemon, const char *path) {
        for (unsigned i = 0; conf_folders[i]; i++) {
                g_autofree char *folder = g_build_filename(daemon->root, conf_folders[i], NULL);
                if (g_str_equal(path, folder))
                        return true;
        }
        return !*path || g_str_has_suffix(path, ".conf") || g_str_has_suffix(path, ".conf.d");
}

static void conf_seen(Watch *watch, const char *path, void *user) {
        Daemon *daemon = user;
        if (!is_conf(daemon, path))
                return;
        reconcile_forgive(daemon->reconcile);
        reconcile_look(daemon->reconcile, LOOK_STATE | LOOK_DRIFT);
}

static void pools_seen(Watch *watch, const char *path, void *user) {
        reconcile_look(((Daemon *) user)->reconcile, LOOK_STATE);
}

static void definition_seen(Watch *watch, const char *path, void *user) {
        reconcile_look(((Daemon *) user)->reconcile, LOOK_STATE | LOOK_RECOVER);
}

/* ---- the holders of leases ---- */

static void free_watch(void *watch) {
        watch_free(watch);
}

static void holder_ended(Watch *watch, const char *pid, void *user) {
        Daemon *daemon = user;
        GHashTableIter iter;
        void *found;

        /* It stays known as ended, or the next round would watch it again, as long as its lease is there. */
        g_hash_table_iter_init(&iter, daemon->holders);
        while (g_hash_table_iter_next(&iter, NULL, &found))
                if (found == watch)
                        g_hash_table_iter_replace(&iter, NULL);
        reconcile_look(daemon->reconcile, LOOK_ALL);
}

/* "812 38112"; NULL: no process has it. */
static char *holder_of(const json_t *lease) {
        json_int_t pid = json_integer_value(json_object_get(lease, "pid")), start = json_integer_value(json_object_get(lease, "pid_start"));
        return pid > 0 && pid <= G_MAXINT ? g_strdup_printf("%" JSON_INTEGER_FORMAT " %" JSON_INTEGER_FORMAT, pid, start) : NULL;
}

static Watch *watch_holder(Daemon *daemon, const json_t *lease) {
        g_autoptr(GError) error = NULL;
        Watch *watch = watch_process((int) json_integer_value(json_object_get(lease, "pid")),
                                     (uint64_t) json_integer_value(json_object_get(lease, "pid_start")), holder_ended, daemon, &error);
        if (!watch)
                tell(event_new(EVENT_FAILED, OBJECT_SERVICE, "", json_pack("{s:s, s:s, s:i}", "verb", "watch", "message", error->message, "exit", -1)), daemon);
        return watch;
}

static void watch_holders(Daemon *daemon) {
        g_autoptr(GPtrArray) leases = state_keys(daemon->state, OBJECT_LEASE);
        GHashTable *before = daemon->holders;

        daemon->holders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_watch);
        for (unsigned i = 0; i < leases->len; i++) {
                const json_t *lease = state_get(daemon->state, OBJECT_LEASE, leases->pdata[i]);
                g_autofree char *holder = holder_of(lease);
                void *key, *watch;
                if (!holder || g_hash_table_contains(daemon->holders, holder))
                        continue;
                if (g_hash_table_steal_extended(before, holder, &key, &watch))
                        g_free(key);
                else
                        watch = watch_holder(daemon, lease);
                g_hash_table_insert(daemon->holders, g_steal_pointer(&holder), watch);
        }
        g_hash_table_unref(before);
}

/* ---- rounds ---- */

static bool has_conf(const char *folder) {
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir)))
                if (g_str_has_suffix(name, ".conf"))
                        return true;
        return false;
}

static bool is_configured(void *user) {
        Daemon *daemon = user;
        for (unsigned i = 0; conf_folders[i]; i++) {
                g_autofree char *folder = g_build_filename(daemon->root, conf_folders[i], NULL);
                if (has_conf(folder))
                        return true;
        }
        return false;
}

static void round_over(bool whole, void *user) {
        Daemon *daemon = user;
        g_autoptr(GArray) askers = daemon->askers;

        daemon->ready = true;
        watch_holders(daemon);
        daemon->askers = g_array_new(FALSE, FALSE, sizeof(Asker));
        for (unsigned i = 0; i < askers->len; i++)
                if (g_array_index(askers, Asker, i).round > reconcile_rounds(daemon->reconcile))
                        g_array_append_val(daemon->askers, g_array_index(askers, Asker, i));
        for (unsigned i = 0; i < askers->len; i++) {
                const Asker *asker = &g_array_index(askers, Asker, i);
                if (asker->round <= reconcile_rounds(daemon->reconcile))
                        asker->done(asker->user);
        }
}

void daemon_reconcile(Daemon *daemon, void (*done)(void *user), void *user) {
        Asker asker = {reconcile_rounds(daemon->reconcile) + 1, done, user};

        if (done)
                g_array_append_val(daemon->askers, asker);
        reconcile_forgive(daemon->reconcile);
        reconcile_look(daemon->reconcile, LOOK_ALL);
}

/* ---- its life ---- */

static bool add(Daemon *daemon, Watch *watch) {
        if (watch)
                g_ptr_array_add(daemon->watches, watch);
        return watch;
}

static bool watch_below_root(Daemon *daemon, const char *const *folders, WatchSaw saw, GError **error) {
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

        for (; *folders; folders++)
                g_ptr_array_add(paths, g_build_filename(daemon->root, *folders, NULL));
        g_ptr_array_add(paths, NULL);
        return add(daemon, watch_folders((const char *const *) paths->pdata, saw, daemon, error));
}

static bool watch_all(Daemon *daemon, const char *ledger_dir, GError **error) {
        return add(daemon, watch_devices(device_seen, daemon, error)) && add(daemon, watch_links(link_seen, daemon, error)) &&
               add(daemon, watch_ledger(ledger_dir, ledger_seen, daemon, error)) &&
               watch_below_root(daemon, conf_folders, conf_seen, error) && watch_below_root(daemon, pool_folders, pools_seen, error) &&
               watch_below_root(daemon, guest_folders, definition_seen, error);
}

Daemon *daemon_new(const DaemonOptions *options, GError **error) {
        Daemon *daemon = g_new0(Daemon, 1);
        char *words[] = {(char *) "--ledger", (char *) options->ledger_dir, NULL};

        daemon->root = g_strdup(options->root ? options->root : "/");
        daemon->state = state_new();
        daemon->workers = workers_new(options->program, options->ledger_dir ? words : NULL);
        daemon->watches = g_ptr_array_new_with_free_func(free_watch);
        daemon->holders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_watch);
        daemon->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
        daemon->askers = g_array_new(FALSE, FALSE, sizeof(Asker));
        daemon->reconcile = reconcile_new(&(ReconcileOptions) {
                .workers = daemon->workers, .state = daemon->state, .tell = tell, .configured = is_configured, .over = round_over, .user = daemon});
        if (!watch_all(daemon, options->ledger_dir ? options->ledger_dir : LEDGER_DIR, error)) {
                daemon_free(daemon);
                return NULL;
        }
        /* Watching first, then looking: nothing is missed in between. */
        reconcile_look(daemon->reconcile, LOOK_ALL);
        return daemon;
}

void daemon_free(Daemon *daemon) {
        if (!daemon)
                return;
        g_ptr_array_unref(daemon->watches);
        g_hash_table_unref(daemon->holders);
        workers_free(daemon->workers);
        reconcile_free(daemon->reconcile);
        state_free(daemon->state);
        g_array_unref(daemon->listeners);
        g_array_unref(daemon->askers);
        g_free(daemon->root);
        g_free(daemon);
}

const State *daemon_state(const Daemon *daemon) {
        return daemon->state;
}

Workers *daemon_workers(Daemon *daemon) {
        return daemon->workers;
}

bool daemon_quiet(const Daemon *daemon) {
        return reconcile_quiet(daemon->reconcile);
}

bool daemon_ready(const Daemon *daemon) {
        return daemon->ready;
}
