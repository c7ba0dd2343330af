/* Metrics as text and JSON, of figures made by hand. */
#include "show/metrics.h"

#include "base/parse.h"

#include <string.h>

typedef struct {
        Snapshot *host;
        GPtrArray *leases;
        GArray *pfs, *pools;
        Tally *tally;
        Metrics metrics;
} World;

static void add_pf(World *world, const char *name, unsigned vfs, unsigned free, int drift) {
        PciAddr addr;

        g_assert_true(pci_addr_parse(name, &addr));
        Dev *dev = dev_new(addr);
        dev->is_pf = true;
        dev->num_vfs = vfs;
        dev->total_vfs = 7;
        dev->driver = g_strdup("igb");
        snapshot_add(world->host, dev);
        const MetricsPf pf = {.pf = dev, .free = free, .leased = 1, .drift = drift, .left = 2};
        g_array_append_val(world->pfs, pf);
}

static void add_lease(World *world, const char *pool, LeaseState state) {
        Lease *lease = lease_new();

        lease->pool = g_strdup(pool);
        lease->state = state;
        g_ptr_array_add(world->leases, lease);
}

static World *world_new(void) {
        World *world = g_new0(World, 1);
        const MetricsPool pool = {"web", true, 4, 3};

        world->host = snapshot_new();
        world->leases = g_ptr_array_new_with_free_func((GDestroyNotify) lease_free);
        world->pfs = g_array_new(FALSE, FALSE, sizeof(MetricsPf));
        world->pools = g_array_new(FALSE, FALSE, sizeof(MetricsPool));
        world->tally = tally_new();
        add_pf(world, "0000:01:00.0", 7, 5, 0);
        add_pf(world, "0000:01:00.1", 0, 0, -1);
        g_array_append_val(world->pools, pool);
        snapshot_seal(world->host);
        world->metrics = (Metrics) {.version = "1.2", .host = world->host, .leases = world->leases, .pfs = world->pfs, .pools = world->pools,
                                    .tally = world->tally, .unread = 3};
        return world;
}

static void world_free(World *world) {
        snapshot_free(world->host);
        g_ptr_array_unref(world->leases);
        g_array_unref(world->pfs);
        g_array_unref(world->pools);
        tally_free(world->tally);
        g_free(world);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(World, world_free)

/* The lines of one family, its comments too. */
static char *family_of(const World *world, const char *name) {
        g_autofree char *text = show_metrics_text(&world->metrics);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        GString *found = g_string_new(NULL);

        for (char **line = lines; *line; line++) {
                const char *start = **line == '#' ? strchr(*line + 2, ' ') + 1 : *line;
                size_t n = strlen(name);
                if (g_str_has_prefix(start, name) && strchr(" {_", start[n]))
                        g_string_append_printf(found, "%s\n", *line);
        }
        return g_string_free(found, FALSE);
}

static void assert_family(const World *world, const char *name, const char *want) {
        g_autofree char *have = family_of(world, name);
        g_assert_cmpstr(have, ==, want);
}

#define HEAD(name, type, help) "# HELP " name " " help "\n# TYPE " name " " type "\n"

static void test_host(void) {
        g_autoptr(World) world = world_new();

        assert_family(world, "vfadm_build_info",
                      HEAD("vfadm_build_info", "gauge", "The version of vfadm that tells this.") "vfadm_build_info{version=\"1.2\"} 1\n");
        assert_family(world, "vfadm_unread",
                      HEAD("vfadm_unread", "gauge", "Things that could not be looked at, so that figures may be missing.") "vfadm_unread 3\n");
        assert_family(world, "vfadm_pf_vfs_free",
                      HEAD("vfadm_pf_vfs_free", "gauge", "VFs of the PF that nobody has.")
                      "vfadm_pf_vfs_free{pf=\"0000:01:00.0\",address=\"0000:01:00.0\",driver=\"igb\"} 5\n"
                      "vfadm_pf_vfs_free{pf=\"0000:01:00.1\",address=\"0000:01:00.1\",driver=\"igb\"} 0\n");
        assert_family(world, "vfadm_pool_vfs_free",
                      HEAD("vfadm_pool_vfs_free", "gauge", "VFs of the pool that nobody has.") "vfadm_pool_vfs_free{pool=\"web\"} 3\n");
        /* Of the PF that no configuration fits nothing is said. */
        assert_family(world, "vfadm_pf_drift_steps",
                      HEAD("vfadm_pf_drift_steps", "gauge", "Steps that bring the PF and its VFs to what the configuration says.")
                      "vfadm_pf_drift_steps{pf=\"0000:01:00.0\",address=\"0000:01:00.0\",driver=\"igb\"} 0\n");
}

static void test_leases(void) {
        g_autoptr(World) world = world_new();

        add_lease(world, "web", LEASE_ACTIVE);
        add_lease(world, "web", LEASE_PENDING);
        add_lease(world, "web", LEASE_ACTIVE);
        add_lease(world, "deleted", LEASE_ACTIVE);
        add_lease(world, NULL, LEASE_PENDING);
        assert_family(world, "vfadm_leases",
                      HEAD("vfadm_leases", "gauge", "Devices leased to guests, by the pool that they came from.")
                      "vfadm_leases{pool=\"\",state=\"active\"} 0\n"
                      "vfadm_leases{pool=\"\",state=\"pending\"} 1\n"
                      "vfadm_leases{pool=\"web\",state=\"active\"} 2\n"
                      "vfadm_leases{pool=\"web\",state=\"pending\"} 1\n"
                      "vfadm_leases{pool=\"deleted\",state=\"active\"} 1\n"
                      "vfadm_leases{pool=\"deleted\",state=\"pending\"} 0\n");
}

static void test_times(void) {
        g_autoptr(World) world = world_new();
        StepTimes *times = &world->tally->times[STEP_NUMVFS];

        *times = (StepTimes) {.classes = {[0] = 1, [3] = 2, [TALLY_BOUNDS] = 1}, .steps = 4, .usec = 1500};
        assert_family(world, "vfadm_step_duration_seconds",
                      HEAD("vfadm_step_duration_seconds", "histogram", "How long steps took that were done and read back.")
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"0.001\"} 1\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"0.005\"} 1\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"0.02\"} 1\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"0.1\"} 3\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"0.3\"} 3\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"1\"} 3\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"3\"} 3\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"10\"} 3\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"30\"} 3\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"120\"} 3\n"
                      "vfadm_step_duration_seconds_bucket{kind=\"numvfs\",le=\"+Inf\"} 4\n"
                      "vfadm_step_duration_seconds_sum{kind=\"numvfs\"} 0.0015\n"
                      "vfadm_step_duration_seconds_count{kind=\"numvfs\"} 4\n");
}

static void test_plans(void) {
        g_autoptr(World) world = world_new();

        tally_plan(world->tally, "enable")->done = 12;
        tally_plan(world->tally, "enable")->undone = 1;
        world->tally->unfinished = 2;
        assert_family(world, "vfadm_plans_total",
                      HEAD("vfadm_plans_total", "counter", "Plans that ended, done or undone again after a failure.")
                      "vfadm_plans_total{verb=\"enable\",outcome=\"done\"} 12\n"
                      "vfadm_plans_total{verb=\"enable\",outcome=\"undone\"} 1\n");
        assert_family(world, "vfadm_plans_unfinished",
                      HEAD("vfadm_plans_unfinished", "gauge", "Plans that are under way, or wait for 'vfadm recover'.") "vfadm_plans_unfinished 2\n");
}

/* What is not known is not told as 0. */
static void test_unknown(void) {
        g_autoptr(World) world = world_new();

        world->metrics.leases = NULL;
        world->metrics.pools = NULL;
        world->metrics.tally = NULL;
        static const char *const gone[] = {"vfadm_leases", "vfadm_pf_vfs_leased", "vfadm_pool_vfs", "vfadm_plans_total", "vfadm_plans_unfinished",
                                           "vfadm_step_duration_seconds"};
        for (size_t i = 0; i < G_N_ELEMENTS(gone); i++)
                assert_family(world, gone[i], "");
}

static void test_hostile(void) {
        g_autoptr(World) world = world_new();

        add_lease(world, "a\"b\\c\n\033\xff", LEASE_ACTIVE);
        g_autofree char *text = family_of(world, "vfadm_leases");
        g_assert_nonnull(strstr(text, "vfadm_leases{pool=\"a\\\"b\\\\c??\xef\xbf\xbd\",state=\"active\"} 1\n"));
}

static void test_json(void) {
        g_autoptr(World) world = world_new();
        json_t *json = show_metrics_json(&world->metrics);
        const char *name = NULL, *type = NULL, *pf = NULL;
        json_t *families = json_object_get(json, "metrics");
        int value = 0;

        json_t *family = json_array_get(families, 4);
        g_assert_cmpint(json_unpack(family, "{s:s, s:s, s:[{s:{s:s}, s:i}]}", "name", &name, "type", &type, "samples", "labels", "pf", &pf,
                                    "value", &value), ==, 0);
        g_assert_cmpstr(name, ==, "vfadm_pf_vfs_free");
        g_assert_cmpstr(type, ==, "gauge");
        g_assert_cmpstr(pf, ==, "0000:01:00.0");
        g_assert_cmpint(value, ==, 5);
        json_decref(json);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/metrics/host", test_host);
        g_test_add_func("/metrics/leases", test_leases);
        g_test_add_func("/metrics/times", test_times);
        g_test_add_func("/metrics/plans", test_plans);
        g_test_add_func("/metrics/unknown", test_unknown);
        g_test_add_func("/metrics/hostile", test_hostile);
        g_test_add_func("/metrics/json", test_json);
        return g_test_run();
}
