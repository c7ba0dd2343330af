/* Drift of PFs, and fights over them. */
#include "daemon/drift.h"

#include "base/error.h"

typedef struct {
        gint64 mends[FIGHT_ROUNDS]; /* when, the oldest first */
        unsigned n;
        gint64 given_up; /* when; 0: not */
        json_t *told;    /* the last EVENT_DRIFT; NULL: none since it was as it should be */
} Drift;

struct Drifts {
        GHashTable *pfs; /* address (char*) → Drift* */
};

static void drift_free(void *user) {
        Drift *drift = user;
        json_decref(drift->told);
        g_free(drift);
}

Drifts *drifts_new(void) {
        Drifts *drifts = g_new0(Drifts, 1);
        drifts->pfs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, drift_free);
        return drifts;
}

void drifts_free(Drifts *drifts) {
        if (!drifts)
                return;
        g_hash_table_unref(drifts->pfs);
        g_free(drifts);
}

static void forget_told(Drift *drift) {
        json_decref(drift->told);
        drift->told = NULL;
}

/* Notes a mend that is about to begin. False: there were too many. */
static bool may_mend(Drift *drift, gint64 now) {
        if (drift->n == FIGHT_ROUNDS && now - drift->mends[0] < FIGHT_USEC)
                return false;
        if (drift->n == FIGHT_ROUNDS)
                for (unsigned i = 1; i < FIGHT_ROUNDS; i++)
                        drift->mends[i - 1] = drift->mends[i];
        else
                drift->n++;
        drift->mends[drift->n - 1] = now;
        return true;
}

static void forgive(Drift *drift) {
        drift->n = 0;
        drift->given_up = 0;
}

static Event *given_up(const char *pf, const json_t *device) {
        g_autofree char *message = g_strdup_printf("mended %d times within %d seconds, and it is not as its configuration says again: somebody else sets it, or it "
                                                   "cannot be had; it is left alone until the configuration changes or 'systemctl reload vfadmd'",
                                                   FIGHT_ROUNDS, (int) (FIGHT_USEC / G_USEC_PER_SEC));
        return event_new(EVENT_GIVEN_UP, OBJECT_PF, pf,
                         json_pack("{s:O*, s:i, s:s}", "device", device, "rounds", (int) FIGHT_ROUNDS, "message", message));
}

/* A plan that could not be made is told as a failure, once. */
static void take_error(Drift *drift, const char *pf, const json_t *said, GPtrArray *events) {
        const json_t *error = json_object_get(said, "error");
        json_t *told = json_pack("{s:s, s:O*, s:O*}", "verb", "plan", "kind", json_object_get(error, "kind"), "message", json_object_get(error, "message"));

        if (!json_equal(told, drift->told))
                g_ptr_array_add(events, event_new(EVENT_FAILED, OBJECT_PF, pf, json_incref(told)));
        forget_told(drift);
        drift->told = told;
}

/* What its plan counts of it. */
static json_t *counted(const json_t *said) {
        const json_t *plan = json_object_get(json_object_get(said, "result"), "plan");
        return json_array_get(json_object_get(plan, "pfs"), 0);
}

/* Of one PF that the configuration speaks of. */
static void take_pf(Drift *drift, const char *pf, const json_t *count, gint64 now, GPtrArray *events, GPtrArray *mend) {
        json_t *steps = json_object_get(count, "steps"), *left = json_object_get(count, "left"), *device = json_object_get(count, "device");
        bool mends = json_integer_value(steps) > 0 && !g_str_equal(json_string_value(json_object_get(count, "drift")), "report");

        if (json_integer_value(steps) == 0 && json_array_size(left) == 0) {
                forget_told(drift);
                return;
        }
        if (drift->given_up && now - drift->given_up >= FIGHT_REST_USEC)
                forgive(drift);
        bool now_given_up = mends && !drift->given_up && !may_mend(drift, now);
        if (now_given_up)
                drift->given_up = now;
        mends = mends && !drift->given_up;
        json_t *told = json_pack("{s:O*, s:O, s:O, s:b}", "device", device, "steps", steps, "left", left, "mend", (int) mends);
        if (!json_equal(told, drift->told))
                g_ptr_array_add(events, event_new(EVENT_DRIFT, OBJECT_PF, pf, json_incref(told)));
        forget_told(drift);
        drift->told = told;
        if (now_given_up)
                g_ptr_array_add(events, given_up(pf, device));
        if (mends)
                g_ptr_array_add(mend, g_strdup(pf));
}

static bool is_pf(const json_t *said) {
        const json_t *count = counted(said);

        return json_is_string(json_object_get(said, "pf")) &&
               (json_is_object(json_object_get(said, "error")) ||
                (json_is_string(json_object_get(count, "drift")) && json_is_integer(json_object_get(count, "steps")) &&
                 json_is_array(json_object_get(count, "left"))));
}

static Drift *drift_of(Drifts *drifts, const char *pf) {
        Drift *drift = g_hash_table_lookup(drifts->pfs, pf);

        if (!drift) {
                drift = g_new0(Drift, 1);
                g_hash_table_insert(drifts->pfs, g_strdup(pf), drift);
        }
        return drift;
}

/* PFs that the configuration speaks of no longer, or that are gone, are forgotten. */
static void forget_others(Drifts *drifts, const json_t *pfs) {
        GHashTableIter iter;
        void *pf;

        g_hash_table_iter_init(&iter, drifts->pfs);
        while (g_hash_table_iter_next(&iter, &pf, NULL)) {
                size_t i;
                json_t *said;
                bool named = false;
                json_array_foreach(pfs, i, said)
                        named |= g_str_equal(json_string_value(json_object_get(said, "pf")), pf);
                if (!named)
                        g_hash_table_iter_remove(&iter);
        }
}

bool drifts_take(Drifts *drifts, const json_t *printed, gint64 now, GPtrArray *events, GPtrArray *mend, GError **error) {
        const json_t *pfs = json_object_get(printed, "plans");
        size_t i;
        json_t *said;
        bool good = json_is_array(pfs);

        json_array_foreach(pfs, i, said)
                good = good && is_pf(said);
        if (!good) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_FAILED, "'vfadm apply --dry-run --json' printed something odd; is it of another version than vfadmd?");
                return false;
        }
        forget_others(drifts, pfs);
        json_array_foreach(pfs, i, said) {
                const char *pf = json_string_value(json_object_get(said, "pf"));
                if (json_is_object(json_object_get(said, "error")))
                        take_error(drift_of(drifts, pf), pf, said, events);
                else
                        take_pf(drift_of(drifts, pf), pf, counted(said), now, events, mend);
        }
        return true;
}

void drifts_mended(Drifts *drifts, const char *pf) {
        Drift *drift = g_hash_table_lookup(drifts->pfs, pf);
        if (drift)
                forget_told(drift);
}

void drifts_forgive(Drifts *drifts) {
        GHashTableIter iter;
        void *drift;

        g_hash_table_iter_init(&iter, drifts->pfs);
        while (g_hash_table_iter_next(&iter, NULL, &drift))
                forgive(drift);
}
