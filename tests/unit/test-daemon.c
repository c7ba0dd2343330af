/* The service as a whole, with a program in the place of vfadm: real files, real processes, a real main loop. */
#include "daemon/daemon.h"
#include "daemon/drift.h"
#include "fake_vfadm.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PF "0000:01:00.0"
#define LIST(vlan)                                                                                                    \
        "{\"devices\": [{\"kind\": \"pf\", \"address\": \"" PF "\", \"device\": \"enp1s0\", \"netdev\": \"enp1s0\"}, "  \
        "{\"kind\": \"vf\", \"address\": \"0000:01:10.0\", \"device\": \"enp1s0/0\", \"netdev\": null, \"vlan\": " #vlan "}]}"
#define NO_LEASES "{\"leases\": []}"
#define PLAN(drift, steps)                                                                                            \
        "{\"plans\": [{\"pf\": \"" PF "\", \"error\": null, \"result\": {\"plan\": {\"pfs\": [{\"address\": \"" PF "\", \"device\": \"enp1s0\", " \
        "\"drift\": \"" drift "\", \"steps\": " #steps ", \"left\": []}]}}}]}"
#define LOOK "apply --keep-going --spare-vfio --dry-run"
#define APPLY "apply --pf " PF " --keep-going --spare-vfio"

typedef struct {
        FakeVfadm fake;
        char *root, *ledger, *words; /* words: what loop_until looks for */
        unsigned times;
        GString *events;             /* " pf-drift …" without rounds that are over */
        unsigned rounds;
        Daemon *daemon;
} World;

static void hears(const Event *event, void *user) {
        World *world = user;
        g_autofree char *word = event_word(event), *text = event_text(event);

        g_assert_true(g_utf8_validate(text, -1, NULL));
        if (event->kind == EVENT_RECONCILED)
                world->rounds++;
        else
                g_string_append_printf(world->events, " %s", word);
}

static void world_open(World *world) {
        fake_open(&world->fake);
        world->events = g_string_new(NULL);
        world->root = g_build_filename(world->fake.temp.path, "root", NULL);
        world->ledger = g_build_filename(world->fake.temp.path, "ledger", NULL);
        g_autofree char *conf = g_build_filename(world->root, "etc/vfadm", NULL);
        g_assert_cmpint(g_mkdir_with_parents(conf, 0700), ==, 0);
        g_assert_cmpint(g_mkdir(world->ledger, 0700), ==, 0);
        fake_says(&world->fake, "list", LIST(0), 0);
        fake_says(&world->fake, "leases", NO_LEASES, 0);
        fake_says(&world->fake, "pool list", "{\"pools\": []}", 0);
        fake_says(&world->fake, "recover", "{\"recovered\": []}", 0);
        fake_says(&world->fake, LOOK, PLAN("mend", 0), 0);
        fake_says(&world->fake, APPLY, "{}", 0);
}

static bool is_ready(void *user) {
        return daemon_ready(((World *) user)->daemon);
}

static void world_start(World *world) {
        g_autoptr(GError) error = NULL;
        world->daemon = daemon_new(&(DaemonOptions) {.program = world->fake.program, .ledger_dir = world->ledger, .root = world->root}, &error);
        g_assert_no_error(error);
        daemon_listen(world->daemon, hears, world);
        loop_until(is_ready, world, "the first round");
}

static void world_close(World *world) {
        daemon_free(world->daemon);
        loop_for(20); /* workers that ran on */
        g_free(world->root);
        g_free(world->ledger);
        g_free(world->words);
        g_string_free(world->events, TRUE);
        fake_close(&world->fake);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_close)

static bool heard(void *user) {
        World *world = user;
        return strstr(world->events->str, world->words);
}

static void wait_event(World *world, const char *words) {
        g_free(world->words);
        world->words = g_strdup(words);
        loop_until(heard, world, words);
}

static bool called(void *user) {
        World *world = user;
        return fake_count(&world->fake, world->words) >= world->times;
}

static void wait_calls(World *world, const char *words, unsigned times) {
        g_free(world->words);
        world->words = g_strdup(words);
        world->times = times;
        loop_until(called, world, words);
}

static bool is_quiet(void *user) {
        return daemon_quiet(((World *) user)->daemon);
}

/* What happened is over, and what came of it. */
static void settle(World *world) {
        unsigned before;
        do {
                before = world->rounds;
                loop_for(100);
                loop_until(is_quiet, world, "quiet");
        } while (world->rounds != before);
}

static void assert_events(World *world, const char *expected) {
        settle(world);
        g_assert_cmpstr(world->events->str, ==, expected);
        g_string_set_size(world->events, 0);
}

static void configure(World *world, const char *text) {
        g_autofree char *path = g_build_filename(world->root, "etc/vfadm/lan.conf", NULL);
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* As SQLite does when somebody writes. */
static void touch_ledger(World *world) {
        g_autofree char *path = g_build_filename(world->ledger, "ledger.db-wal", NULL);
        FILE *file = fopen(path, "a");
        g_assert_nonnull(file);
        fputs("x", file);
        g_assert_cmpint(fclose(file), ==, 0);
}

static void reconcile(World *world) {
        daemon_reconcile(world->daemon, NULL, NULL);
        settle(world);
}

static void test_start(void) {
        g_auto(World) world = {0};
        world_open(&world);
        world_start(&world);

        assert_events(&world, " pf-added vf-added");
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, 1);
        g_assert_cmpuint(fake_count(&world.fake, LOOK), ==, 0); /* there is no configuration */
        g_assert_cmpuint(fake_count(&world.fake, "list"), ==, 1);
        g_assert_nonnull(state_get(daemon_state(world.daemon), OBJECT_PF, PF));
        /* Nothing happens: nothing is run. */
        loop_for(500);
        g_assert_cmpuint(fake_count(&world.fake, "list"), ==, 1);
        g_assert_cmpuint(world.rounds, ==, 1);
}

static void test_ledger(void) {
        g_auto(World) world = {0};
        world_open(&world);
        world_start(&world);
        assert_events(&world, " pf-added vf-added");

        fake_says(&world.fake, "leases", "{\"leases\": [{\"id\": 1, \"guest\": \"qemu:a\", \"pid\": 0}]}", 0);
        fake_says(&world.fake, "list", LIST(42), 0);
        for (int i = 0; i < 20; i++)
                touch_ledger(&world);
        wait_event(&world, "lease-added");
        settle(&world);
        g_assert_nonnull(strstr(world.events->str, "vf-changed"));
        g_assert_cmpuint(fake_count(&world.fake, "list"), ==, 2); /* twenty writes, one round */
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, 1);
}

/* ---- guests that end ---- */

static pid_t lease_child(World *world) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        uint64_t start;
        pid_t pid = fork();

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        pause();
        }
        g_assert_cmpint(io_process_start(io, pid, &start), ==, 0);
        g_autofree char *json = g_strdup_printf("{\"leases\": [{\"id\": 1, \"guest\": \"qemu:a\", \"pid\": %d, \"pid_start\": %" G_GUINT64_FORMAT "}]}", pid, start);
        fake_says(&world->fake, "leases", json, 0);
        return pid;
}

static void end_child(pid_t pid) {
        kill(pid, SIGKILL);
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

static void test_guest_death(void) {
        g_auto(World) world = {0};
        world_open(&world);
        pid_t pid = lease_child(&world);
        world_start(&world);
        assert_events(&world, " pf-added vf-added lease-added");
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, 1);

        fake_says(&world.fake, "recover", "{\"recovered\": [\"enp1s0/0: taken back from qemu:a\"]}", 0);
        g_autofree char *gone = g_strdup_printf("printf '%%s' '%s' >leases.json\n", NO_LEASES);
        fake_does(&world.fake, "recover", gone);
        end_child(pid);
        assert_events(&world, " service-recovered lease-removed");
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, 2);
}

/* A lease that outlives its holder (its guest has not let go, or its definition keeps it) is no reason to look for ever. */
static void test_lease_stays(void) {
        g_auto(World) world = {0};
        world_open(&world);
        pid_t pid = lease_child(&world);
        world_start(&world);
        assert_events(&world, " pf-added vf-added lease-added");

        end_child(pid);
        assert_events(&world, "");
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, 2);
        touch_ledger(&world);
        settle(&world);
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, 2);
}

/* It ended while nobody watched. */
static void test_death_before_start(void) {
        g_auto(World) world = {0};
        world_open(&world);
        pid_t pid = lease_child(&world);
        end_child(pid);
        world_start(&world);
        assert_events(&world, " pf-added vf-added lease-added");
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, 2);
}

/* A recovery that fails is told once, and tried again for some time though nothing happens. */
static void test_recovery_fails(void) {
        g_auto(World) world = {0};
        world_open(&world);
        fake_says(&world.fake, "recover", "{\"error\": \"busy\", \"kind\": \"busy\", \"message\": \"locked\", \"exit\": 8}", 8);
        world_start(&world);
        assert_events(&world, " service-failed pf-added vf-added");
        wait_calls(&world, "recover", 2);
        assert_events(&world, "");
        fake_says(&world.fake, "recover", "{\"recovered\": [\"x\"]}", 0);
        reconcile(&world);
        assert_events(&world, " service-recovered");
}

/* ---- drift ---- */

static void test_mend(void) {
        g_auto(World) world = {0};
        world_open(&world);
        configure(&world, "[Match]\n");
        world_start(&world);
        assert_events(&world, " pf-added vf-added");
        g_assert_cmpuint(fake_count(&world.fake, LOOK), ==, 1);
        g_assert_cmpuint(fake_count(&world.fake, APPLY), ==, 0);

        fake_says(&world.fake, LOOK, PLAN("mend", 1), 14);
        fake_does(&world.fake, APPLY, "printf '%s' '" PLAN("mend", 0) "' >apply_--keep-going_--spare-vfio_--dry-run.json\n");
        touch_ledger(&world);
        assert_events(&world, " pf-drift pf-mended");
        g_assert_cmpuint(fake_count(&world.fake, APPLY), ==, 1);
}

static void test_report(void) {
        g_auto(World) world = {0};
        world_open(&world);
        configure(&world, "[Match]\n");
        fake_says(&world.fake, LOOK, PLAN("report", 1), 14);
        world_start(&world);
        assert_events(&world, " pf-drift pf-added vf-added");
        touch_ledger(&world);
        assert_events(&world, "");
        g_assert_cmpuint(fake_count(&world.fake, APPLY), ==, 0);
        g_assert_cmpuint(fake_count(&world.fake, LOOK), ==, 2);
}

/* Configuration that comes is looked at; so is its going. */
static void test_configuration(void) {
        g_auto(World) world = {0};
        world_open(&world);
        fake_says(&world.fake, LOOK, PLAN("report", 1), 14);
        world_start(&world);
        assert_events(&world, " pf-added vf-added");
        configure(&world, "[Match]\n");
        assert_events(&world, " pf-drift");
        g_autofree char *path = g_build_filename(world.root, "etc/vfadm/lan.conf", NULL);
        unsigned plans = fake_count(&world.fake, LOOK);
        g_assert_cmpint(g_remove(path), ==, 0);
        settle(&world);
        g_assert_cmpuint(fake_count(&world.fake, LOOK), ==, plans);
        g_assert_cmpuint(fake_count(&world.fake, "list"), >, plans);
}

/* Whoever changes it again each time wins after some rounds; new configuration begins anew. */
static void test_fight(void) {
        g_auto(World) world = {0};
        world_open(&world);
        configure(&world, "[Match]\n");
        fake_says(&world.fake, LOOK, PLAN("mend", 1), 14);
        g_autofree char *again = g_strdup_printf("echo x >>'%s/ledger.db-wal'\n", world.ledger);
        fake_does(&world.fake, APPLY, again);
        world_start(&world);
        wait_event(&world, "pf-given-up");
        settle(&world);
        g_assert_cmpuint(fake_count(&world.fake, APPLY), ==, FIGHT_ROUNDS);
        touch_ledger(&world);
        settle(&world);
        g_assert_cmpuint(fake_count(&world.fake, APPLY), ==, FIGHT_ROUNDS);
        fake_does(&world.fake, APPLY, "");
        configure(&world, "[Match]\nName=enp1s0\n");
        settle(&world);
        g_assert_cmpuint(fake_count(&world.fake, APPLY), >, FIGHT_ROUNDS);
}

static void test_failures(void) {
        g_auto(World) world = {0};
        world_open(&world);
        configure(&world, "[Match]\n");
        fake_says(&world.fake, LOOK, "{\"error\": \"usage\", \"kind\": \"usage\", \"message\": \"/etc/vfadm/lan.conf, line 2: …\", \"exit\": 2}", 2);
        world_start(&world);
        assert_events(&world, " service-failed pf-added vf-added");
        touch_ledger(&world);
        assert_events(&world, ""); /* told once */

        fake_says(&world.fake, LOOK, PLAN("mend", 1), 14);
        fake_says(&world.fake, APPLY, "{\"plans\": [{\"pf\": \"" PF "\", \"result\": null, \"error\": {\"kind\": \"failed\", \"message\": \"enp1s0: no\"}}]}", 1);
        touch_ledger(&world);
        assert_events(&world, " pf-drift pf-failed");
        fake_says(&world.fake, "list", "no JSON", 0);
        fake_says(&world.fake, LOOK, PLAN("mend", 0), 0);
        touch_ledger(&world);
        assert_events(&world, " service-failed");
        g_assert_nonnull(state_get(daemon_state(world.daemon), OBJECT_PF, PF)); /* what was known last */
        fake_says(&world.fake, "list", LIST(0), 0);
        touch_ledger(&world);
        assert_events(&world, "");
}

/* ---- rounds ---- */

/* What happens during a round makes for one more. */
static void test_during_a_round(void) {
        g_auto(World) world = {0};
        world_open(&world);
        world_start(&world);
        assert_events(&world, " pf-added vf-added");
        fake_does(&world.fake, "list", "until [ -e go ]; do sleep 0.02; done\n");
        touch_ledger(&world);
        wait_calls(&world, "leases", 2);
        wait_calls(&world, "list", 2);
        loop_for(300); /* the leases have been read */
        g_assert_cmpuint(fake_count(&world.fake, "list"), ==, 2);
        fake_says(&world.fake, "leases", "{\"leases\": [{\"id\": 7, \"pid\": 0}]}", 0);
        temp_write(&world.fake.temp, "go", "");
        for (int i = 0; i < 10; i++)
                touch_ledger(&world);
        assert_events(&world, " lease-added");
        g_assert_cmpuint(fake_count(&world.fake, "list"), ==, 3);
}

static void count(void *user) {
        (*(unsigned *) user)++;
}

static bool is_two(void *user) {
        return *(unsigned *) user == 2;
}

/* Whoever asks is answered by a round that began after. */
static void test_asked(void) {
        g_auto(World) world = {0};
        unsigned n = 0;
        world_open(&world);
        world_start(&world);
        settle(&world);
        fake_does(&world.fake, "list", "sleep 0.2\n");
        touch_ledger(&world);
        wait_calls(&world, "list", 2); /* a round is under way */
        daemon_reconcile(world.daemon, count, &n);
        daemon_reconcile(world.daemon, count, &n);
        unsigned rounds = world.rounds;
        loop_until(is_two, &n, "both");
        g_assert_cmpuint(world.rounds, ==, rounds + 2);
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, 2);
}

static void test_definitions(void) {
        g_auto(World) world = {0};
        world_open(&world);
        g_autofree char *folder = g_build_filename(world.root, "etc/libvirt/qemu", NULL), *file = g_build_filename(folder, "web1.xml", NULL);
        world_start(&world);
        settle(&world);
        g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
        settle(&world);
        unsigned recoveries = fake_count(&world.fake, "recover");
        g_assert_true(g_file_set_contents(file, "<domain/>", -1, NULL));
        settle(&world);
        g_assert_cmpuint(fake_count(&world.fake, "recover"), ==, recoveries + 1);
}

/* It ends while workers run: nothing is told any more, and nothing is lost. */
static void test_ends_in_a_round(void) {
        World world = {0};
        world_open(&world);
        world_start(&world);
        settle(&world);
        g_string_set_size(world.events, 0);
        fake_does(&world.fake, "recover", "sleep 0.3\n");
        daemon_reconcile(world.daemon, NULL, NULL);
        wait_calls(&world, "recover", 2);
        daemon_free(world.daemon);
        world.daemon = NULL;
        loop_for(600);
        g_assert_cmpstr(world.events->str, ==, "");
        world_close(&world);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/daemon/start", test_start);
        g_test_add_func("/daemon/ledger", test_ledger);
        g_test_add_func("/daemon/guest-death", test_guest_death);
        g_test_add_func("/daemon/lease-stays", test_lease_stays);
        g_test_add_func("/daemon/death-before-start", test_death_before_start);
        g_test_add_func("/daemon/recovery-fails", test_recovery_fails);
        g_test_add_func("/daemon/mend", test_mend);
        g_test_add_func("/daemon/report", test_report);
        g_test_add_func("/daemon/configuration", test_configuration);
        g_test_add_func("/daemon/fight", test_fight);
        g_test_add_func("/daemon/failures", test_failures);
        g_test_add_func("/daemon/during-a-round", test_during_a_round);
        g_test_add_func("/daemon/asked", test_asked);
        g_test_add_func("/daemon/definitions", test_definitions);
        g_test_add_func("/daemon/ends-in-a-round", test_ends_in_a_round);
        return g_test_run();
}
