/* Watches on real files and real processes. */
#include "io_helpers.h"
#include "watch/watch.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000

typedef struct {
        Temp temp;
        GString *seen; /* " name" each, below the folder */
} World;

static void world_open(World *world) {
        temp_open(&world->temp);
        world->seen = g_string_new(NULL);
}

static void world_close(World *world) {
        g_string_free(world->seen, TRUE);
        temp_close(&world->temp);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(World, world_close)

static void saw(Watch *watch, const char *what, void *user) {
        World *world = user;
        size_t n = strlen(world->temp.path);
        if (strncmp(what, world->temp.path, n) == 0)
                what += n + 1;
        g_string_append_printf(world->seen, " %s", what);
}

static gboolean set(void *user) {
        *(bool *) user = true;
        return G_SOURCE_REMOVE;
}

/* What is told within a short while; `some`: it must be something. */
static char *seen(World *world, bool some) {
        bool over = false;
        guint source = g_timeout_add(some ? PATIENCE_MS : 50, set, &over);

        while (!over && !(some && world->seen->len))
                g_main_context_iteration(NULL, TRUE);
        if (!over)
                g_source_remove(source);
        g_assert_true(!some || world->seen->len > 0);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        char *text = g_strdup(world->seen->str);
        g_string_set_size(world->seen, 0);
        return text;
}

static void assert_seen(World *world, const char *expected) {
        g_autofree char *text = seen(world, *expected);
        g_assert_cmpstr(text, ==, expected);
}

static void make_folder(const World *world, const char *name) {
        g_autofree char *path = g_build_filename(world->temp.path, name, NULL);
        g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
}

static void take_away(const World *world, const char *name) {
        g_autofree char *path = g_build_filename(world->temp.path, name, NULL);
        g_assert_cmpint(g_remove(path), ==, 0);
}

static void move(const World *world, const char *from, const char *to) {
        g_autofree char *one = g_build_filename(world->temp.path, from, NULL), *other = g_build_filename(world->temp.path, to, NULL);
        g_assert_cmpint(g_rename(one, other), ==, 0);
}

static Watch *watch_two(World *world) {
        g_autofree char *etc = g_build_filename(world->temp.path, "etc/vfadm", NULL), *run = g_build_filename(world->temp.path, "run/vfadm", NULL);
        const char *const folders[] = {etc, run, NULL};
        g_autoptr(GError) error = NULL;
        Watch *watch = watch_folders(folders, saw, world, &error);
        g_assert_no_error(error);
        return watch;
}

static void test_files(void) {
        g_auto(World) world = {0};
        world_open(&world);
        make_folder(&world, "etc");
        make_folder(&world, "etc/vfadm");
        temp_write(&world.temp, "etc/vfadm/before.conf", "x");
        g_autoptr(Watch) watch = watch_two(&world);

        assert_seen(&world, "");
        temp_write(&world.temp, "etc/vfadm/a.conf", "x");
        g_autofree char *text = seen(&world, true);
        g_assert_true(g_str_has_prefix(text, " etc/vfadm/a.conf"));
        move(&world, "etc/vfadm/a.conf", "etc/vfadm/b.conf");
        assert_seen(&world, " etc/vfadm/a.conf etc/vfadm/b.conf");
        g_autofree char *link = g_build_filename(world.temp.path, "etc/vfadm/masked.conf", NULL);
        g_assert_cmpint(symlink("/dev/null", link), ==, 0);
        assert_seen(&world, " etc/vfadm/masked.conf");
        take_away(&world, "etc/vfadm/b.conf");
        assert_seen(&world, " etc/vfadm/b.conf");
        /* Reading is nothing, and neither is what an editor or we put beside it for a moment. */
        g_autofree char *read = temp_file(&world.temp, "etc/vfadm/before.conf", NULL), *contents = NULL;
        g_assert_true(g_file_get_contents(read, &contents, NULL, NULL));
        temp_write(&world.temp, "etc/vfadm/.a.conf.swp", "x");
        temp_write(&world.temp, "etc/other.conf", "x");
        assert_seen(&world, "");
}

/* Folders come and go at any depth, and are found again. */
static void test_folders_come_and_go(void) {
        g_auto(World) world = {0};
        world_open(&world);
        g_autoptr(Watch) watch = watch_two(&world);

        for (int i = 0; i < 3; i++) {
                make_folder(&world, "etc");
                assert_seen(&world, "");
                make_folder(&world, "etc/vfadm");
                assert_seen(&world, " etc/vfadm");
                temp_write(&world.temp, "etc/vfadm/a.conf", "x");
                g_autofree char *text = seen(&world, true);
                g_assert_true(g_str_has_prefix(text, " etc/vfadm/a.conf"));
                take_away(&world, "etc/vfadm/a.conf");
                assert_seen(&world, " etc/vfadm/a.conf");
                take_away(&world, "etc/vfadm");
                assert_seen(&world, " etc/vfadm");
                take_away(&world, "etc");
                assert_seen(&world, "");
        }
        /* Both wait in the same folder above; one coming must not make the other deaf. */
        make_folder(&world, "etc");
        make_folder(&world, "etc/vfadm");
        assert_seen(&world, " etc/vfadm");
        make_folder(&world, "run");
        make_folder(&world, "run/vfadm");
        assert_seen(&world, " run/vfadm");
        move(&world, "run/vfadm", "run/aside");
        assert_seen(&world, " run/vfadm");
        move(&world, "run/aside", "run/vfadm");
        assert_seen(&world, " run/vfadm");
}

static void test_drop_ins(void) {
        g_auto(World) world = {0};
        world_open(&world);
        make_folder(&world, "etc");
        make_folder(&world, "etc/vfadm");
        make_folder(&world, "etc/vfadm/a.conf.d");
        make_folder(&world, "etc/vfadm/other");
        g_autoptr(Watch) watch = watch_two(&world);

        temp_write(&world.temp, "etc/vfadm/a.conf.d/10.conf", "x");
        g_autofree char *one = seen(&world, true);
        g_assert_true(g_str_has_prefix(one, " etc/vfadm/a.conf.d/10.conf"));
        temp_write(&world.temp, "etc/vfadm/other/10.conf", "x");
        assert_seen(&world, "");
        for (int i = 0; i < 3; i++) {
                make_folder(&world, "etc/vfadm/b.conf.d");
                assert_seen(&world, " etc/vfadm/b.conf.d");
                temp_write(&world.temp, "etc/vfadm/b.conf.d/10.conf", "x");
                g_autofree char *two = seen(&world, true);
                g_assert_true(g_str_has_prefix(two, " etc/vfadm/b.conf.d/10.conf"));
                take_away(&world, "etc/vfadm/b.conf.d/10.conf");
                take_away(&world, "etc/vfadm/b.conf.d");
                g_autofree char *three = seen(&world, true);
                g_assert_nonnull(strstr(three, "b.conf.d"));
        }
}

/* Writing into the database or its log is told; what SQLite's readers do is not. */
static void test_ledger(void) {
        g_auto(World) world = {0};
        world_open(&world);
        g_autofree char *folder = g_build_filename(world.temp.path, "ledger", NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(Watch) watch = watch_ledger(folder, saw, &world, &error);

        g_assert_no_error(error);
        make_folder(&world, "ledger");
        assert_seen(&world, " ledger");
        temp_write(&world.temp, "ledger/ledger.db-shm", "x");
        temp_write(&world.temp, "ledger/other", "x");
        assert_seen(&world, "");
        temp_write(&world.temp, "ledger/ledger.db-wal", "x");
        g_autofree char *log = seen(&world, true);
        g_assert_true(g_str_has_prefix(log, " ledger/ledger.db-wal"));
        take_away(&world, "ledger/ledger.db-wal");
        assert_seen(&world, "");
        temp_write(&world.temp, "ledger/ledger.db", "x");
        g_autofree char *database = seen(&world, true);
        g_assert_true(g_str_has_prefix(database, " ledger/ledger.db"));
        move(&world, "ledger/ledger.db", "ledger/ledger.db.damaged-1");
        assert_seen(&world, " ledger/ledger.db");
}

/* More files than the kernel's queue has room for: all is to be looked at, and it goes on. */
static void test_overflow(void) {
        g_auto(World) world = {0};
        g_autofree char *most = NULL;
        world_open(&world);
        make_folder(&world, "etc");
        make_folder(&world, "etc/vfadm");
        g_autoptr(Watch) watch = watch_two(&world);

        g_assert_true(g_file_get_contents("/proc/sys/fs/inotify/max_queued_events", &most, NULL, NULL));
        gint64 n = g_ascii_strtoll(most, NULL, 10);
        if (n > 100000) {
                g_test_skip("the kernel's queue is longer than this test would fill");
                return;
        }
        temp_write(&world.temp, "etc/vfadm/a.conf", "x");
        for (gint64 i = 0; i < n; i++)
                move(&world, i % 2 ? "etc/vfadm/b.conf" : "etc/vfadm/a.conf", i % 2 ? "etc/vfadm/a.conf" : "etc/vfadm/b.conf");
        g_autofree char *text = seen(&world, true);
        g_assert_true(g_str_has_suffix(text, " ")); /* "" was told last */
        temp_write(&world.temp, "etc/vfadm/c.conf", "x");
        g_autofree char *more = seen(&world, true);
        g_assert_true(g_str_has_prefix(more, " etc/vfadm/c.conf"));
}

/* ---- processes ---- */

static pid_t start_child(void) {
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        pause();
        }
        return pid;
}

static uint64_t start_of(pid_t pid) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        uint64_t start;
        g_assert_cmpint(io_process_start(io, pid, &start), ==, 0);
        return start;
}

static void end_child(pid_t pid) {
        g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

/* It is told when it has ended, though nobody has waited for it; once. */
static void test_process(void) {
        g_auto(World) world = {0};
        world_open(&world);
        pid_t pid = start_child();
        g_autoptr(GError) error = NULL;
        g_autoptr(Watch) watch = watch_process(pid, start_of(pid), saw, &world, &error);
        g_autofree char *expected = g_strdup_printf(" %d", pid);

        g_assert_no_error(error);
        assert_seen(&world, "");
        kill(pid, SIGKILL);
        assert_seen(&world, expected);
        assert_seen(&world, "");
        end_child(pid);
        assert_seen(&world, "");
}

/* One that is gone, and another by the same number. */
static void test_process_gone(void) {
        g_auto(World) world = {0};
        world_open(&world);
        pid_t pid = start_child();
        g_autofree char *expected = g_strdup_printf(" %d", pid);
        Watch *other = watch_process(pid, start_of(pid) + 1, saw, &world, NULL);

        g_assert_cmpuint(world.seen->len, ==, 0); /* from the main loop */
        assert_seen(&world, expected);
        watch_free(other);
        uint64_t start = start_of(pid);
        kill(pid, SIGKILL);
        end_child(pid);
        Watch *gone = watch_process(pid, start, saw, &world, NULL);
        assert_seen(&world, expected);
        watch_free(gone);
        g_autoptr(GError) error = NULL;
        g_assert_null(watch_process(0, 1, saw, &world, &error));
        g_assert_nonnull(error);
}

static void free_it(Watch *watch, const char *what, void *user) {
        (*(unsigned *) user)++;
        watch_free(watch);
}

static void test_free_from_within(void) {
        unsigned n = 0;
        pid_t pid = start_child();
        Watch *watch = watch_process(pid, start_of(pid), free_it, &n, NULL);

        g_assert_nonnull(watch);
        kill(pid, SIGKILL);
        end_child(pid);
        while (n == 0)
                g_main_context_iteration(NULL, TRUE);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_assert_cmpuint(n, ==, 1);

        g_auto(Temp) temp = {0};
        temp_open(&temp);
        const char *const folders[] = {temp.path, NULL};
        g_assert_nonnull(watch_folders(folders, free_it, &n, NULL));
        temp_write(&temp, "a", "x");
        temp_write(&temp, "b", "x");
        while (n == 1)
                g_main_context_iteration(NULL, TRUE);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_assert_cmpuint(n, ==, 2);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/watch/files", test_files);
        g_test_add_func("/watch/folders-come-and-go", test_folders_come_and_go);
        g_test_add_func("/watch/drop-ins", test_drop_ins);
        g_test_add_func("/watch/ledger", test_ledger);
        g_test_add_func("/watch/overflow", test_overflow);
        g_test_add_func("/watch/process", test_process);
        g_test_add_func("/watch/process-gone", test_process_gone);
        g_test_add_func("/watch/free-from-within", test_free_from_within);
        return g_test_run();
}
