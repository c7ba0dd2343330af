/* Rounds: recover, then look for drift and mend it, then read the state and tell what became different. */
#include "daemon/reconcile.h"

#include "base/error.h"
#include "daemon/drift.h"

/* What `vfadm apply` exits with when it left something that is in use (vfadm(8)). */
enum { STATUS_LEFT = 15 };
/* A recovery that failed is tried again this often, though nothing happens: a device may need its time. */
static const unsigned recover_again_ms[] = {1000, 5000, 30000};

enum { READINGS = 3 }; /* what the state is made of */

/* What one of them printed, kept until all are there. */
typedef struct {
        int status;
        json_t *json;
        char *said;
} Reading;

struct Reconcile {
        ReconcileOptions options;
        Drifts *drifts;
        GHashTable *failed;  /* "apply 0000:01:00.0" → message: what was told of, and still fails */
        unsigned wanted;     /* looks for the next round */
        gint64 first;        /* when the first of them was wanted */
        guint timer;         /* until the next round */
        guint again;         /* until recovery is tried again */
        unsigned recoveries_failed;
        bool running, whole;
        unsigned looks;      /* of this round */
        gint64 since, began; /* its first event; when it began */
        gint64 ended, took;  /* the last one */
        unsigned out;        /* jobs of this round's stage that are not over */
        Reading readings[READINGS];
        guint64 rounds;
};

Reconcile *reconcile_new(const ReconcileOptions *options) {
        Reconcile *reconcile = g_new0(Reconcile, 1);
        reconcile->options = *options;
        reconcile->drifts = drifts_new();
        reconcile->failed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        return reconcile;
}

static void forget_readings(Reconcile *reconcile) {
        for (unsigned i = 0; i < READINGS; i++) {
                json_decref(reconcile->readings[i].json);
                g_free(reconcile->readings[i].said);
                reconcile->readings[i] = (Reading) {0};
        }
}

void reconcile_free(Reconcile *reconcile) {
        if (!reconcile)
                return;
        if (reconcile->timer)
                g_source_remove(reconcile->timer);
        if (reconcile->again)
                g_source_remove(reconcile->again);
        forget_readings(reconcile);
        drifts_free(reconcile->drifts);
        g_hash_table_unref(reconcile->failed);
        g_free(reconcile);
}

guint64 reconcile_rounds(const Reconcile *reconcile) {
        return reconcile->rounds;
}

bool reconcile_quiet(const Reconcile *reconcile) {
        return !reconcile->running && !reconcile->timer;
}

void reconcile_forgive(Reconcile *reconcile) {
        drifts_forgive(reconcile->drifts);
        g_hash_table_remove_all(reconcile->failed);
        reconcile->recoveries_failed = 0;
}

static void tell(Reconcile *reconcile, EventKind kind, ObjectKind object, const char *key, json_t *take_json) {
        reconcile->options.tell(event_new(kind, object, key, take_json), reconcile->options.user);
}

static void tell_all(Reconcile *reconcile, GPtrArray *events) {
        for (unsigned i = 0; i < events->len; i++)
                reconcile->options.tell(events->pdata[i], reconcile->options.user);
}

/* ---- failures: each is told once, until it succeeds or becomes another ---- */

/* Where it says what went wrong: `apply --keep-going` does it for each PF. */
static const json_t *error_of(const json_t *printed) {
        const json_t *error = json_object_get(json_array_get(json_object_get(printed, "plans"), 0), "error");
        return error ? error : printed;
}

static void fail(Reconcile *reconcile, const char *verb, const char *pf, const WorkResult *result, const char *message) {
        const json_t *error = error_of(result->json);
        const char *said = json_string_value(json_object_get(error, "message"));
        const char *kind = json_string_value(json_object_get(error, "kind"));
        g_autofree char *key = g_strdup_printf("%s %s", verb, pf);

        if (!message)
                message = said ? said : *result->said ? result->said : "it did not say why";
        reconcile->whole = false;
        if (!g_strcmp0(g_hash_table_lookup(reconcile->failed, key), message))
                return;
        g_hash_table_insert(reconcile->failed, g_steal_pointer(&key), g_strdup(message));
        tell(reconcile, EVENT_FAILED, *pf ? OBJECT_PF : OBJECT_SERVICE, pf,
             json_pack("{s:s, s:s?, s:s, s:i}", "verb", verb, "kind", kind, "message", message, "exit", result->status));
}

static void succeed(Reconcile *reconcile, const char *verb, const char *pf) {
        g_autofree char *key = g_strdup_printf("%s %s", verb, pf);
        g_hash_table_remove(reconcile->failed, key);
}

/* ---- the end: the state ---- */

static void arm(Reconcile *reconcile);

static void round_over(Reconcile *reconcile) {
        reconcile->running = false;
        reconcile->ended = g_get_monotonic_time();
        reconcile->took = reconcile->ended - reconcile->began;
        tell(reconcile, EVENT_RECONCILED, OBJECT_SERVICE, "",
             json_pack("{s:I}", "usec", (json_int_t) (reconcile->ended - reconcile->since)));
        if (reconcile->wanted)
                arm(reconcile);
        reconcile->options.over(reconcile->whole, reconcile->options.user);
}

static const struct {
        const char *verb;
        char *words[3];
        bool (*take)(State *state, const json_t *printed, GPtrArray *events, GError **error);
} readings[READINGS] = {
        {"list", {(char *) "list"}, state_take_list},
        {"pool list", {(char *) "pool", (char *) "list"}, state_take_pools},
        {"leases", {(char *) "leases"}, state_take_leases},
};

static void take_reading(Reconcile *reconcile, unsigned i) {
        const Reading *reading = &reconcile->readings[i];
        const WorkResult result = {.status = reading->status, .json = reading->json, .said = reading->said};
        g_autoptr(GPtrArray) events = g_ptr_array_new();
        g_autoptr(GError) error = NULL;

        if (result.status != 0 || !result.json)
                fail(reconcile, readings[i].verb, "", &result, NULL);
        else if (!readings[i].take(reconcile->options.state, result.json, events, &error))
                fail(reconcile, readings[i].verb, "", &result, error->message);
        else
                succeed(reconcile, readings[i].verb, "");
        tell_all(reconcile, events);
}

/* All are taken once all are there, so that their events come in one order. */
static void was_read(Reconcile *reconcile, unsigned i, const WorkResult *result) {
        reconcile->readings[i] = (Reading) {result->status, json_incref((json_t *) result->json), g_strdup(result->said)};
        if (--reconcile->out > 0)
                return;
        for (i = 0; i < READINGS; i++)
                take_reading(reconcile, i);
        forget_readings(reconcile);
        round_over(reconcile);
}

static void listed(const WorkResult *result, void *user) {
        was_read(user, 0, result);
}

static void pools_listed(const WorkResult *result, void *user) {
        was_read(user, 1, result);
}

static void leases_listed(const WorkResult *result, void *user) {
        was_read(user, 2, result);
}

static void read_state(Reconcile *reconcile) {
        static const WorkDone dones[READINGS] = {listed, pools_listed, leases_listed};

        reconcile->out = READINGS;
        for (unsigned i = 0; i < READINGS; i++)
                workers_run(reconcile->options.workers, NULL, readings[i].words, 0, dones[i], reconcile);
}

/* ---- drift ---- */

static void applied(const WorkResult *result, void *user) {
        Reconcile *reconcile = user;
        const char *pf = result->lane;

        if (result->status == 0 || result->status == STATUS_LEFT) {
                succeed(reconcile, "apply", pf);
                drifts_mended(reconcile->drifts, pf);
                tell(reconcile, EVENT_MENDED, OBJECT_PF, pf,
                     json_is_object(result->json) ? json_incref((json_t *) result->json) : json_object());
        } else {
                fail(reconcile, "apply", pf, result, NULL);
        }
        if (--reconcile->out == 0)
                read_state(reconcile);
}

static void mend(Reconcile *reconcile, const GPtrArray *pfs) {
        reconcile->out = pfs->len;
        for (unsigned i = 0; i < pfs->len; i++) {
                char *pf = pfs->pdata[i], *words[] = {(char *) "apply", (char *) "--pf", pf, (char *) "--keep-going", (char *) "--spare-vfio", NULL};
                workers_run(reconcile->options.workers, pf, words, 0, applied, reconcile);
        }
        if (pfs->len == 0)
                read_state(reconcile);
}

/* Of single PFs that cannot be planned the status tells, too: what was printed counts. */
static void planned(const WorkResult *result, void *user) {
        Reconcile *reconcile = user;
        g_autoptr(GPtrArray) events = g_ptr_array_new(), pfs = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;

        if (!json_object_get(result->json, "plans"))
                fail(reconcile, "plan", "", result, NULL);
        else if (!drifts_take(reconcile->drifts, result->json, g_get_monotonic_time(), events, pfs, &error))
                fail(reconcile, "plan", "", result, error->message);
        else
                succeed(reconcile, "plan", "");
        tell_all(reconcile, events);
        mend(reconcile, pfs);
}

static void look_for_drift(Reconcile *reconcile) {
        static char *const words[] = {(char *) "apply", (char *) "--keep-going", (char *) "--spare-vfio", (char *) "--dry-run", NULL};

        if (!(reconcile->looks & LOOK_DRIFT) || !reconcile->options.configured(reconcile->options.user)) {
                read_state(reconcile);
                return;
        }
        workers_run(reconcile->options.workers, NULL, words, 0, planned, reconcile);
}

/* ---- recovery ---- */

static gboolean recover_again(void *user) {
        Reconcile *reconcile = user;
        reconcile->again = 0;
        reconcile_look(reconcile, LOOK_RECOVER);
        return G_SOURCE_REMOVE;
}

static void recovered(const WorkResult *result, void *user) {
        Reconcile *reconcile = user;

        if (result->status != 0 || !result->json) {
                fail(reconcile, "recover", "", result, NULL);
                if (reconcile->recoveries_failed < G_N_ELEMENTS(recover_again_ms) && !reconcile->again)
                        reconcile->again = g_timeout_add(recover_again_ms[reconcile->recoveries_failed++], recover_again, reconcile);
        } else {
                succeed(reconcile, "recover", "");
                reconcile->recoveries_failed = 0;
                if (json_array_size(json_object_get(result->json, "recovered")) > 0)
                        tell(reconcile, EVENT_RECOVERED, OBJECT_SERVICE, "", json_incref((json_t *) result->json));
        }
        look_for_drift(reconcile);
}

/* ---- the beginning ---- */

static gboolean round_begins(void *user) {
        Reconcile *reconcile = user;

        reconcile->timer = 0;
        reconcile->running = reconcile->whole = true;
        reconcile->looks = reconcile->wanted;
        reconcile->since = reconcile->first;
        reconcile->began = g_get_monotonic_time();
        reconcile->wanted = 0;
        reconcile->rounds++;
        if (reconcile->looks & LOOK_RECOVER)
                workers_run(reconcile->options.workers, "recover", (char *[]) {(char *) "recover", NULL}, 0, recovered, reconcile);
        else
                look_for_drift(reconcile);
        return G_SOURCE_REMOVE;
}

static void arm(Reconcile *reconcile) {
        gint64 now = g_get_monotonic_time(), rest = reconcile->ended + MIN(reconcile->took, (gint64) REST_MOST_MS * 1000) - now;
        reconcile->timer = g_timeout_add((guint) MAX(DEBOUNCE_MS, rest / 1000), round_begins, reconcile);
}

void reconcile_look(Reconcile *reconcile, unsigned looks) {
        if (!reconcile->wanted)
                reconcile->first = g_get_monotonic_time();
        reconcile->wanted |= looks;
        if (!reconcile->running && !reconcile->timer)
                arm(reconcile);
}
