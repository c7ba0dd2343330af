/* The diff of what a plan changes in files. */
#include "show/show.h"

#include <string.h>

static void assert_diff(const char *from, const char *to, const char *expected) {
        g_autoptr(Plan) plan = plan_new("x");
        Step *step = plan_add(plan, step_new(STEP_FILE, (PciAddr) {0}, NULL));
        step->path = g_strdup("etc/x");
        step->from.text = g_strdup(from);
        step->to.text = g_strdup(to);
        g_autofree char *diff = show_plan_diff(plan);
        g_assert_cmpstr(diff, ==, expected);
}

static void test_diff(void) {
        assert_diff("a\nb\nc\n", NULL, "--- /etc/x\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-a\n-b\n-c\n");
        assert_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nV\n6\n7\n8\n9\n",
                    "--- /etc/x\n+++ /etc/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+V\n 6\n 7\n 8\n");
        assert_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n",
                    "--- /etc/x\n+++ /etc/x\n@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -9,4 +10,3 @@\n 9\n 10\n 11\n-12\n");
        assert_diff("a\n", "a\nb\n", "--- /etc/x\n+++ /etc/x\n@@ -1 +1,2 @@\n a\n+b\n");
        assert_diff("x\t\033[2J\n", "y\t\xff\n", "--- /etc/x\n+++ /etc/x\n@@ -1 +1 @@\n-x\t?[2J\n+y\t\357\277\275\n");
        assert_diff("", "a\n", "--- /etc/x\n+++ /etc/x\n@@ -0,0 +1 @@\n+a\n");
}

/* More lines than the table takes: one block, and not for ever. */
static void test_diff_large(void) {
        g_autoptr(GString) from = g_string_new(NULL), to = g_string_new(NULL);
        g_autoptr(Plan) plan = plan_new("x");
        for (unsigned i = 0; i < 5000; i++) {
                g_string_append_printf(from, "%u\n", i);
                g_string_append_printf(to, "%u\n", i * 2 + 1);
        }
        Step *step = plan_add(plan, step_new(STEP_FILE, (PciAddr) {0}, NULL));
        step->path = g_strdup("etc/x");
        step->from.text = g_strdup(from->str);
        step->to.text = g_strdup(to->str);
        g_autofree char *diff = show_plan_diff(plan);
        g_assert_nonnull(strstr(diff, "@@ -1,5000 +1,5000 @@\n-0\n"));
        g_assert_true(g_str_has_suffix(diff, "\n+9999\n"));
}

/* Only what changes the host is told: not the step that has its turn on the way back. */
static void test_commands(void) {
        g_autoptr(Plan) plan = plan_new("x");
        Step *back = plan_add(plan, step_new(STEP_BOOT, (PciAddr) {0}, NULL));
        back->undo_argv = g_strsplit("/usr/sbin/update-grub", " ", -1);
        Step *step = plan_add(plan, step_new(STEP_BOOT, (PciAddr) {0}, NULL));
        step->argv = g_strsplit("/usr/sbin/grub-mkconfig -o /boot/grub/grub.cfg", " ", -1);
        g_autofree char *diff = show_plan_diff(plan);
        g_assert_cmpstr(diff, ==, "run: /usr/sbin/grub-mkconfig -o /boot/grub/grub.cfg\n");
        g_autofree char *text = show_plan_text(plan);
        g_assert_nonnull(strstr(text, "1. if this is undone: run /usr/sbin/update-grub\n2. run /usr/sbin/grub-mkconfig"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/diff/files", test_diff);
        g_test_add_func("/diff/large", test_diff_large);
        g_test_add_func("/diff/commands", test_commands);
        return g_test_run();
}
