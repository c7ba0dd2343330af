/* Watches of links and devices against the running kernel, in a network namespace of their own: root is needed for that. */
#include "watch/watch.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static void saw(Watch *watch, const char *what, void *user) {
        g_hash_table_add(user, g_strdup(what));
}

static gboolean set(void *user) {
        *(bool *) user = true;
        return G_SOURCE_REMOVE;
}

static bool ends_with(GHashTable *seen, const char *ending) {
        GHashTableIter iter;
        void *what;

        g_hash_table_iter_init(&iter, seen);
        while (g_hash_table_iter_next(&iter, &what, NULL))
                if (g_str_has_suffix(what, ending))
                        return true;
        return false;
}

static void wait_for(GHashTable *seen, const char *ending) {
        bool late = false;
        guint source = g_timeout_add(PATIENCE_MS, set, &late);

        while (!late && !ends_with(seen, ending))
                g_main_context_iteration(NULL, TRUE);
        if (late)
                g_error("in vain waited for: %s", ending);
        g_source_remove(source);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_hash_table_remove_all(seen);
}

static void ip(const char *words) {
        g_autofree char *command = g_strdup_printf("ip %s", words);
        g_autoptr(GError) error = NULL;
        int status;

        g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, &status, &error));
        g_assert_true(g_spawn_check_wait_status(status, &error));
}

/* A namespace in which nothing else happens; false: it cannot be had. */
static bool own_namespace(void) {
        g_autofree char *program = g_find_program_in_path("ip");

        if (!program) {
                g_test_skip("there is no ip (iproute2)");
                return false;
        }
        if (unshare(CLONE_NEWNET) < 0) {
                g_test_skip("a network namespace of one's own takes root");
                return false;
        }
        return true;
}

static void test_links(void) {
        if (!own_namespace())
                return;
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(Watch) watch = watch_links(saw, seen, &error);

        g_assert_no_error(error);
        ip("link add one type veth peer name two");
        wait_for(seen, "one");
        ip("link set two address 02:00:00:00:00:07");
        wait_for(seen, "two");
        ip("link set one up");
        wait_for(seen, "one");
        ip("link del one");
        wait_for(seen, "two");
        g_assert_cmpuint(g_hash_table_size(seen), ==, 0);
}

/* More than the socket has room for, while nobody reads: all is to be looked at. */
static void test_links_lost(void) {
        if (!own_namespace())
                return;
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(Watch) watch = watch_links(saw, seen, NULL);
        GString *batch = g_string_new(NULL);

        ip("link add one type veth peer name two");
        ip("link set one up"); /* of a link that is down nothing is told */
        for (int i = 0; i < 5000; i++)
                g_string_append_printf(batch, "link set one alias a%d\n", i);
        g_autofree char *path = g_strdup_printf("%s/vfadm-watch-%d", g_get_tmp_dir(), getpid()), *words = g_strdup_printf("-batch %s", path);
        g_assert_true(g_file_set_contents(path, batch->str, -1, NULL));
        ip(words);
        unlink(path);
        g_string_free(batch, TRUE);
        bool late = false;
        guint source = g_timeout_add(PATIENCE_MS, set, &late);
        while (!late && !g_hash_table_contains(seen, ""))
                g_main_context_iteration(NULL, TRUE);
        g_assert_false(late);
        g_source_remove(source);
        while (g_main_context_iteration(NULL, FALSE))
                ;
        g_hash_table_remove_all(seen);
        ip("link set two up");
        wait_for(seen, "two");
}

/* udevd is not in this namespace: without it, the kernel's own events are heard. */
static void test_devices(void) {
        if (access("/run/udev/control", F_OK) == 0) {
                g_test_skip("udevd runs here, and tells nothing of another namespace");
                return;
        }
        if (!own_namespace())
                return;
        g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(Watch) watch = watch_devices(saw, seen, &error);

        g_assert_no_error(error);
        ip("link add one type veth peer name two");
        wait_for(seen, "/net/one");
        ip("link set one name three");
        wait_for(seen, "/net/three");
        ip("link del three");
        wait_for(seen, "/net/two");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/watch/links", test_links);
        g_test_add_func("/watch/links-lost", test_links_lost);
        g_test_add_func("/watch/devices", test_devices);
        return g_test_run();
}
