/* Metrics: one table of families, each with a function that adds its samples; two ways to write them down. */
#include "show/metrics.h"

#include "show/value.h"

#include <string.h>

enum { LABELS = 4 };

typedef struct {
        const char *name;
        char *value;
} Label;

typedef struct {
        const char *suffix; /* of the family's name: "_bucket" */
        Label labels[LABELS];
        double value;
} Sample;

typedef struct {
        const Metrics *metrics;
        GArray *samples; /* Sample */
} Samples;

static void sample_clear(Sample *sample) {
        for (size_t i = 0; i < LABELS; i++)
                g_free(sample->labels[i].value);
}

/* Adds a sample; labels follow by sample_label(). */
static Sample *sample(Samples *samples, double value) {
        const Sample empty = {.suffix = "", .value = value};

        g_array_append_val(samples->samples, empty);
        return &g_array_index(samples->samples, Sample, samples->samples->len - 1);
}

static Sample *sample_label(Sample *sample, const char *name, const char *value) {
        size_t i = 0;

        while (i < LABELS - 1 && sample->labels[i].name)
                i++;
        sample->labels[i].name = name;
        sample->labels[i].value = value_safe(value ? value : "");
        return sample;
}

/* ---- what there is ---- */

static void add_build(Samples *samples) {
        sample_label(sample(samples, 1), "version", samples->metrics->version);
}

static void add_unread(Samples *samples) {
        sample(samples, samples->metrics->unread);
}

static void add_pf(Samples *samples, const MetricsPf *pf, double value) {
        g_autofree char *nick = snapshot_nick(samples->metrics->host, pf->pf);
        Sample *added = sample(samples, value);

        sample_label(added, "pf", nick);
        sample_label(added, "address", pf->pf->name);
        sample_label(added, "driver", pf->pf->driver);
}

static const MetricsPf *pf_at(const Samples *samples, unsigned i) {
        return i < samples->metrics->pfs->len ? &g_array_index(samples->metrics->pfs, MetricsPf, i) : NULL;
}

static void add_pf_vfs(Samples *samples) {
        const MetricsPf *pf;
        for (unsigned i = 0; (pf = pf_at(samples, i)); i++)
                add_pf(samples, pf, pf->pf->num_vfs);
}

static void add_pf_limit(Samples *samples) {
        const MetricsPf *pf;
        for (unsigned i = 0; (pf = pf_at(samples, i)); i++)
                add_pf(samples, pf, pf->pf->total_vfs);
}

static void add_pf_free(Samples *samples) {
        const MetricsPf *pf;
        for (unsigned i = 0; (pf = pf_at(samples, i)); i++)
                add_pf(samples, pf, pf->free);
}

static void add_pf_leased(Samples *samples) {
        const MetricsPf *pf;
        for (unsigned i = 0; samples->metrics->leases && (pf = pf_at(samples, i)); i++)
                add_pf(samples, pf, pf->leased);
}

static void add_pf_drift(Samples *samples) {
        const MetricsPf *pf;
        for (unsigned i = 0; (pf = pf_at(samples, i)); i++)
                if (pf->drift >= 0)
                        add_pf(samples, pf, pf->drift);
}

static void add_pf_left(Samples *samples) {
        const MetricsPf *pf;
        for (unsigned i = 0; (pf = pf_at(samples, i)); i++)
                if (pf->drift >= 0)
                        add_pf(samples, pf, pf->left);
}

static const MetricsPool *pool_at(const Samples *samples, unsigned i) {
        const GArray *pools = samples->metrics->pools;
        return pools && i < pools->len ? &g_array_index(pools, MetricsPool, i) : NULL;
}

static void add_pool_started(Samples *samples) {
        const MetricsPool *pool;
        for (unsigned i = 0; (pool = pool_at(samples, i)); i++)
                sample_label(sample(samples, pool->started), "pool", pool->name);
}

static void add_pool_vfs(Samples *samples) {
        const MetricsPool *pool;
        for (unsigned i = 0; (pool = pool_at(samples, i)); i++)
                sample_label(sample(samples, pool->vfs), "pool", pool->name);
}

static void add_pool_free(Samples *samples) {
        const MetricsPool *pool;
        for (unsigned i = 0; (pool = pool_at(samples, i)); i++)
                sample_label(sample(samples, pool->free), "pool", pool->name);
}

/* ---- what the ledger knows ---- */

static unsigned count_leases(const GPtrArray *leases, const char *pool, LeaseState state) {
        unsigned n = 0;
        for (unsigned i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                n += lease->state == state && g_strcmp0(lease->pool, pool) == 0;
        }
        return n;
}

static void add_leases_of(Samples *samples, const char *pool) {
        static const char *const words[] = {[LEASE_ACTIVE] = "active", [LEASE_PENDING] = "pending"};

        for (LeaseState state = LEASE_ACTIVE; state <= LEASE_PENDING; state++) {
                Sample *added = sample(samples, count_leases(samples->metrics->leases, pool, state));
                sample_label(added, "pool", pool);
                sample_label(added, "state", words[state]);
        }
}

/* Of every pool, also where there is none now, and (pool="") of those that came from no pool. A pool that was deleted, or could not be
 * read, may still have leases. */
static void add_leases(Samples *samples) {
        g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);
        const GPtrArray *leases = samples->metrics->leases;
        const MetricsPool *pool;

        if (!leases)
                return;
        add_leases_of(samples, NULL);
        for (unsigned i = 0; (pool = pool_at(samples, i)); i++)
                if (g_hash_table_add(told, (gpointer) pool->name))
                        add_leases_of(samples, pool->name);
        for (unsigned i = 0; i < leases->len; i++) {
                const char *name = ((const Lease *) leases->pdata[i])->pool;
                if (name && g_hash_table_add(told, (gpointer) name))
                        add_leases_of(samples, name);
        }
}

static void add_plans(Samples *samples) {
        const Tally *tally = samples->metrics->tally;

        for (unsigned i = 0; tally && i < tally->plans->len; i++) {
                const PlanTally *plan = tally->plans->pdata[i];
                Sample *done = sample(samples, (double) plan->done);
                sample_label(sample_label(done, "verb", plan->verb), "outcome", "done");
                Sample *undone = sample(samples, (double) plan->undone);
                sample_label(sample_label(undone, "verb", plan->verb), "outcome", "undone");
        }
}

static void add_unfinished(Samples *samples) {
        if (samples->metrics->tally)
                sample(samples, samples->metrics->tally->unfinished);
}

static void add_bucket(Samples *samples, const char *kind, const char *le, uint64_t steps) {
        Sample *added = sample(samples, (double) steps);

        added->suffix = "_bucket";
        sample_label(sample_label(added, "kind", kind), "le", le);
}

static char *number(double value) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];
        /* 15 digits: counts are exact up to 10^15, and 0.1 stays 0.1. */
        return g_strdup(g_ascii_formatd(text, sizeof(text), "%.15g", value));
}

/* A histogram's classes are told as sums from the fastest on. */
static void add_times(Samples *samples, const char *kind, const StepTimes *times) {
        uint64_t steps = 0;

        for (unsigned i = 0; i < TALLY_BOUNDS; i++) {
                g_autofree char *le = number((double) tally_bounds[i] / G_USEC_PER_SEC);
                steps += times->classes[i];
                add_bucket(samples, kind, le, steps);
        }
        add_bucket(samples, kind, "+Inf", times->steps);
        Sample *sum = sample(samples, (double) times->usec / G_USEC_PER_SEC);
        sum->suffix = "_sum";
        sample_label(sum, "kind", kind);
        Sample *count = sample(samples, (double) times->steps);
        count->suffix = "_count";
        sample_label(count, "kind", kind);
}

static void add_step_times(Samples *samples) {
        const Tally *tally = samples->metrics->tally;

        for (unsigned kind = 0; tally && kind < STEP_KINDS; kind++)
                if (tally->times[kind].steps)
                        add_times(samples, step_kind_word((StepKind) kind), &tally->times[kind]);
}

/* ---- the table ---- */

typedef struct {
        const char *name, *type, *help; /* help: no backslash, one line */
        void (*add)(Samples *samples);
} Family;

static const Family families[] = {
        {"vfadm_build_info", "gauge", "The version of vfadm that tells this.", add_build},
        {"vfadm_unread", "gauge", "Things that could not be looked at, so that figures may be missing.", add_unread},
        {"vfadm_pf_vfs", "gauge", "VFs that the PF has.", add_pf_vfs},
        {"vfadm_pf_vfs_limit", "gauge", "VFs that the PF can have.", add_pf_limit},
        {"vfadm_pf_vfs_free", "gauge", "VFs of the PF that nobody has.", add_pf_free},
        {"vfadm_pf_vfs_leased", "gauge", "VFs of the PF that are leased to a guest.", add_pf_leased},
        {"vfadm_pf_drift_steps", "gauge", "Steps that bring the PF and its VFs to what the configuration says.", add_pf_drift},
        {"vfadm_pf_drift_left", "gauge", "Things that differ from the configuration and are left, since somebody uses the VF.", add_pf_left},
        {"vfadm_pool_started", "gauge", "Whether the pool hands out VFs (1).", add_pool_started},
        {"vfadm_pool_vfs", "gauge", "VFs of the pool that exist.", add_pool_vfs},
        {"vfadm_pool_vfs_free", "gauge", "VFs of the pool that nobody has.", add_pool_free},
        {"vfadm_leases", "gauge", "Devices leased to guests, by the pool that they came from.", add_leases},
        {"vfadm_plans_total", "counter", "Plans that ended, done or undone again after a failure.", add_plans},
        {"vfadm_plans_unfinished", "gauge", "Plans that are under way, or wait for 'vfadm recover'.", add_unfinished},
        {"vfadm_step_duration_seconds", "histogram", "How long steps took that were done and read back.", add_step_times},
};

static GArray *samples_of(const Metrics *metrics, const Family *family) {
        Samples samples = {metrics, g_array_new(FALSE, FALSE, sizeof(Sample))};

        g_array_set_clear_func(samples.samples, (GDestroyNotify) sample_clear);
        family->add(&samples);
        return samples.samples;
}

/* Quotes a label's value as the format asks: backslash, quote and newline. */
static void append_value(GString *text, const char *value) {
        for (; *value; value++) {
                if (*value == '\\' || *value == '"')
                        g_string_append_c(text, '\\');
                if (*value == '\n')
                        g_string_append(text, "\\n");
                else
                        g_string_append_c(text, *value);
        }
}

static void append_sample(GString *text, const Family *family, const Sample *sample) {
        g_autofree char *value = number(sample->value);

        g_string_append_printf(text, "%s%s", family->name, sample->suffix);
        for (size_t i = 0; i < LABELS && sample->labels[i].name; i++) {
                g_string_append_printf(text, "%s%s=\"", i ? "," : "{", sample->labels[i].name);
                append_value(text, sample->labels[i].value);
                g_string_append_c(text, '"');
        }
        g_string_append_printf(text, "%s %s\n", sample->labels[0].name ? "}" : "", value);
}

char *show_metrics_text(const Metrics *metrics) {
        GString *text = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
                const Family *family = &families[i];
                g_autoptr(GArray) samples = samples_of(metrics, family);
                if (samples->len == 0)
                        continue;
                g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name, family->type);
                for (unsigned k = 0; k < samples->len; k++)
                        append_sample(text, family, &g_array_index(samples, Sample, k));
        }
        return g_string_free(text, FALSE);
}

static json_t *sample_json(const Family *family, const Sample *sample) {
        json_t *labels = json_object();
        g_autofree char *name = g_strconcat(family->name, sample->suffix, NULL);
        bool whole = sample->value == (double) (json_int_t) sample->value;

        for (size_t i = 0; i < LABELS && sample->labels[i].name; i++)
                json_object_set_new(labels, sample->labels[i].name, json_string(sample->labels[i].value));
        return json_pack("{s:s, s:o, s:o}", "name", name, "labels", labels, "value",
                         whole ? json_integer((json_int_t) sample->value) : json_real(sample->value));
}

json_t *show_metrics_json(const Metrics *metrics) {
        json_t *array = json_array();

        for (size_t i = 0; i < G_N_ELEMENTS(families); i++) {
                const Family *family = &families[i];
                g_autoptr(GArray) samples = samples_of(metrics, family);
                json_t *list = json_array();
                for (unsigned k = 0; k < samples->len; k++)
                        json_array_append_new(list, sample_json(family, &g_array_index(samples, Sample, k)));
                json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:o}", "name", family->name, "type", family->type, "help",
                                                       family->help, "samples", list));
        }
        return json_pack("{s:o, s:o}", "metrics", array, "notes", value_strings(metrics->host->notes));
}
