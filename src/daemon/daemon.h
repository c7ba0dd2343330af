/* vfadmd, the service: it watches, and has `vfadm` do whatever is to be done. The contract between its parts.
 *
 *     watch/  ───►  reconcile.c  ───►  worker.c  ───►  `vfadm … --json`     (a process each; nothing here can block)
 *    something      what must be        one at a              │
 *    happened       looked at           time a lane           ▼
 *                       ▲                               state.c: what there is, held as the JSON that vfadm printed
 *                       └──────────── drift ◄─────────────────┤
 *                                                             ▼
 *                                          Event, to everyone who listens (the bus, the journal)
 *
 * It holds no hypervisor library and no ledger. All of it runs on the main context's one thread; at rest there is no timer.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* ---- state (state.c): pure ---- */

typedef enum {
        OBJECT_PF,    /* key: its address, "0000:01:00.0" */
        OBJECT_VF,    /* key: its address */
        OBJECT_POOL,  /* key: its name */
        OBJECT_LEASE, /* key: its number */
        OBJECT_KINDS,
        OBJECT_SERVICE = OBJECT_KINDS, /* of events that are about no object; key "" */
} ObjectKind;

const char *object_kind_word(ObjectKind kind); /* "pf", "vf", "pool", "lease", "service" */

typedef struct State State;
State *state_new(void);
void state_free(State *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(State, state_free)
/* One object as `vfadm list`, `pool list` and `leases` print it with --json; NULL: there is none. Borrowed, until the next event. */
const json_t *state_get(const State *state, ObjectKind kind, const char *key);
/* Keys (const char*, borrowed) of all objects of a kind, ordered. */
GPtrArray *state_keys(const State *state, ObjectKind kind);
/* A network device of one of the PFs or VFs has this name. */
bool state_has_link(const State *state, const char *name);
/* Takes what vfadm printed for what there is from now on; the differences are added to `events` (Event*). Of list: PFs and VFs.
 * False: it is not what vfadm prints; nothing is changed then. */
bool state_take_list(State *state, const json_t *printed, GPtrArray *events, GError **error);
bool state_take_pools(State *state, const json_t *printed, GPtrArray *events, GError **error);
bool state_take_leases(State *state, const json_t *printed, GPtrArray *events, GError **error);

/* ---- events ---- */

typedef enum {
        EVENT_ADDED,     /* json: the object */
        EVENT_CHANGED,   /* json: {"changes": {"vlan": [0, 42], …}, "object": the object now} */
        EVENT_REMOVED,   /* json: the object as it was last */
        EVENT_DRIFT,     /* of a PF: {"steps": N, "left": […], "mend": bool}: it is not as its configuration says */
        EVENT_MENDED,    /* of a PF: what `vfadm apply` printed */
        EVENT_GIVEN_UP,  /* of a PF: {"rounds": N, "message": …}: somebody changes it again and again; it is left alone from now on */
        EVENT_RECOVERED, /* of the service: {"recovered": ["…"]}, as `vfadm recover` prints */
        EVENT_FAILED,    /* of a PF or the service: {"verb": …, "kind": …, "message": …, "exit": N}: a worker did not succeed */
        EVENT_RECONCILED, /* of the service: {"usec": N}: from the first thing that happened to all being looked at */
        EVENT_KINDS,
} EventKind;

typedef struct {
        EventKind kind;
        ObjectKind object;
        char *key;
        json_t *json; /* an object; never NULL */
} Event;

/* "vf-added", "pf-drift", "service-recovered": the word of an event in monitor, D-Bus and the journal (caller frees). */
char *event_word(const Event *event);
/* One line for people: "enp1s0/3 vf-changed: vlan 0 → 42", without control characters (caller frees). */
char *event_text(const Event *event);
Event *event_new(EventKind kind, ObjectKind object, const char *key, json_t *take_json);
void event_free(Event *event);

/* ---- workers (worker.c) ---- */

typedef struct {
        int status;         /* vfadm's exit status; -1: it could not be started, was killed, or its deadline passed */
        const json_t *json; /* what it printed on standard output; NULL: no JSON */
        const char *said;   /* its last line on standard error, or why there is no status; "" when there is none */
        gint64 usec;        /* how long it took */
        const char *lane;   /* of the job, or NULL */
} WorkResult;

typedef void (*WorkDone)(const WorkResult *result, void *user);

typedef struct Workers Workers;
/* `program`: path of vfadm. `words` go before each job's own ("--ledger", DIR), NULL: none. */
Workers *workers_new(const char *program, char *const *words);
/* Those that run go on to their end, so that no plan is cut off; nobody is told any more. */
void workers_free(Workers *workers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Workers, workers_free)
/* Takes no more jobs, drops those that wait, and calls `done` once none runs: from the main loop, or at once. */
void workers_drain(Workers *workers, void (*done)(void *user), void *user);
/* Runs `vfadm WORDS… --json` and calls `done` from the main loop, never from within this call. Jobs of one lane run one after
 * another; NULL is no lane (a job that only reads). Not more than WORKERS_MOST run at one time. `timeout_ms` counts from its
 * start; 0: WORK_READ_MS without a lane, WORK_CHANGE_MS with one. When it has passed the worker is killed, which `vfadm recover`
 * mends; its lane stays taken until it has really ended. Returns the job's number, for workers_cancel(). */
enum { WORKERS_MOST = 4, WORK_READ_MS = 60 * 1000, WORK_CHANGE_MS = 15 * 60 * 1000 };
guint64 workers_run(Workers *workers, const char *lane, char *const *words, unsigned timeout_ms, WorkDone done, void *user);
/* `done` is not called any more. A job that waits is dropped; one that runs goes on to its end, so that no plan is cut off. */
void workers_cancel(Workers *workers, guint64 job);
/* None runs and none waits. */
bool workers_idle(const Workers *workers);

/* ---- the service (daemon.c) ---- */

typedef struct {
        const char *program;    /* of the workers */
        const char *ledger_dir; /* NULL: the default */
        const char *root;       /* whose folders are watched; NULL: "/" */
} DaemonOptions;

typedef struct Daemon Daemon;
/* Watches, and asks for a first round: recovery, drift, state. */
Daemon *daemon_new(const DaemonOptions *options, GError **error);
/* Tells no more events, and calls nobody's `done`. */
void daemon_free(Daemon *daemon);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Daemon, daemon_free)
const State *daemon_state(const Daemon *daemon);
Workers *daemon_workers(Daemon *daemon);
/* The first round is over: the state is known. */
bool daemon_ready(const Daemon *daemon);
/* No round is under way, and none is about to begin. */
bool daemon_quiet(const Daemon *daemon);
/* Looks at everything again, also at what was given up. `done` (may be NULL) is called when that round is over. */
void daemon_reconcile(Daemon *daemon, void (*done)(void *user), void *user);
/* `hears` is called for each event, in order, after the state has taken it. The event is borrowed. */
typedef void (*DaemonHears)(const Event *event, void *user);
void daemon_listen(Daemon *daemon, DaemonHears hears, void *user);
