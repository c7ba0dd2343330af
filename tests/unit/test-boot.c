/* Boot parameters: requests, words in configuration files, plans for every way to keep them. */
#include "base/error.h"
#include "model/setup.h"
#include "plan/boot.h"
#include "plan/boot_text.h"
#include "plan/plan.h"
#include "show/show.h"

#include <string.h>

static GPtrArray *list(const char *words) {
        GPtrArray *array = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) parts = g_strsplit(words, " ", -1);
        for (char **part = parts; *part; part++)
                if (**part)
                        g_ptr_array_add(array, g_strdup(*part));
        return array;
}

static void test_want(void) {
        static const char *const bad[] = {"", "a b", "a\"b", "a'b", "a$b", "a`b", "a\nb", "a;b", "a\\b", "-x", "1x", "ä=1", "a#b", "a|b", "a(b)", "a*b", "a>b"};

        for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GPtrArray) words = g_ptr_array_new();
                g_autoptr(GError) error = NULL;
                g_ptr_array_add(words, (gpointer) bad[i]);
                g_assert_null(want_boot(words, NULL, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_USAGE);
                g_assert_null(strchr(error->message, '\n'));
                g_clear_error(&error);
                g_assert_null(want_boot(NULL, words, &error));
        }
        g_autoptr(GPtrArray) add = list("intel_iommu=on iommu=pt intel_iommu=on"), both = list("iommu=pt"), none = list("");
        g_autoptr(GPtrArray) many = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        g_assert_null(want_boot(add, both, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_USAGE);
        g_assert_null(want_boot(none, none, NULL));
        for (unsigned i = 0; i < 17; i++)
                g_ptr_array_add(many, g_strdup_printf("w%u", i));
        g_assert_null(want_boot(many, NULL, NULL));
        g_autoptr(Want) want = want_boot(add, none, NULL);
        g_assert_nonnull(want);
        g_assert_cmpuint(g_strv_length(want->boot_add), ==, 2);
        g_assert_cmpuint(g_strv_length(want->boot_remove), ==, 0);
}

/* ---- words in what a loader reads ---- */

static void assert_menu(const char *text, const char *expected) {
        g_auto(GStrv) words = boot_menu_words(text);
        g_autofree char *joined = words ? g_strjoinv(" ", words) : NULL;
        g_assert_cmpstr(joined, ==, expected);
}

static void test_menu_words(void) {
        assert_menu("set default=0\nmenuentry 'Debian' {\n\techo x\n\tlinux\t/vmlinuz-6.12 root=UUID=1 ro  quiet intel_iommu=on\n\tinitrd /x\n}\n"
                    "menuentry 'old' {\n\tlinux /vmlinuz-6.1 root=UUID=1 ro single\n}\n",
                    "root=UUID=1 ro quiet intel_iommu=on");
        assert_menu("menuentry 'memtest' {\n linux16 /boot/memtest86+.bin\n}\nmenuentry 'x' {\nlinuxefi /vmlinuz a b\n}\n", "a b");
        assert_menu("menuentry 'memtest' {\n linux16 /boot/memtest86+.bin\n}\n", NULL);
        assert_menu("title Fedora\nlinux /vmlinuz-6.12\noptions root=/dev/sda1 ro\noptions iommu=pt\n", "root=/dev/sda1 ro iommu=pt");
        assert_menu("# comment\nroot=ZFS=rpool/ROOT boot=zfs\n", "root=ZFS=rpool/ROOT boot=zfs");
        assert_menu("index=0\nkernel=\"/boot/vmlinuz-6\"\nargs=\"ro rhgb iommu=pt\"\nroot=\"UUID=2\"\nindex=1\nargs=\"ro\"\n", "ro rhgb iommu=pt");
        assert_menu("", "");
        assert_menu(NULL, "");
}

/* ---- words in configuration files ---- */

#define VARIABLE "GRUB_CMDLINE_LINUX"

static void assert_put(const char *text, const char *variable, int at, const char *expected) {
        g_autofree char *now = boot_text_put(text, variable, "iommu=pt", at);
        g_assert_cmpstr(now, ==, expected);
        if (!now || !text)
                return;
        /* And out again: as it was, but for a variable that had no quotes or was not there. */
        int place;
        g_autofree char *again = boot_text_take(now, variable, "iommu=pt", &place);
        g_assert_nonnull(again);
        g_assert_cmpuint(boot_text_count(again, variable, "iommu=pt"), ==, 0);
        if (variable && *text != '#' && strstr(text, VARIABLE "=\""))
                g_assert_cmpstr(again, ==, text);
        if (at >= 0)
                g_assert_cmpint(place, ==, at);
}

static void test_put(void) {
        assert_put("GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"\"\n# end\n", VARIABLE, -1,
                   "GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"iommu=pt\"\n# end\n");
        assert_put("GRUB_CMDLINE_LINUX=\"a  b\" # why\n", VARIABLE, -1, "GRUB_CMDLINE_LINUX=\"a  b iommu=pt\" # why\n");
        assert_put("GRUB_CMDLINE_LINUX=\"a b\"\n", VARIABLE, 1, "GRUB_CMDLINE_LINUX=\"a iommu=pt b\"\n");
        assert_put("GRUB_CMDLINE_LINUX=\"a b\"\n", VARIABLE, 0, "GRUB_CMDLINE_LINUX=\"iommu=pt a b\"\n");
        assert_put("GRUB_CMDLINE_LINUX='a b'", VARIABLE, -1, "GRUB_CMDLINE_LINUX='a b iommu=pt'");
        assert_put("GRUB_CMDLINE_LINUX=a\n", VARIABLE, -1, "GRUB_CMDLINE_LINUX=\"a iommu=pt\"\n");
        assert_put("GRUB_CMDLINE_LINUX=\n", VARIABLE, -1, "GRUB_CMDLINE_LINUX=\"iommu=pt\"\n");
        assert_put("export GRUB_CMDLINE_LINUX=\"$X a\"\n", VARIABLE, -1, "export GRUB_CMDLINE_LINUX=\"$X a iommu=pt\"\n");
        assert_put("GRUB_CMDLINE_LINUX=\"a \\\n  b\"\nZ=1\n", VARIABLE, -1, "GRUB_CMDLINE_LINUX=\"a \\\n  b iommu=pt\"\nZ=1\n");
        assert_put("GRUB_CMDLINE_LINUX=\"dyndbg=\\\"file x +p\\\"\"\n", VARIABLE, -1, "GRUB_CMDLINE_LINUX=\"dyndbg=\\\"file x +p\\\" iommu=pt\"\n");
        assert_put("GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX+=\"\"\n", VARIABLE, -1, "GRUB_CMDLINE_LINUX=\"a\"\nGRUB_CMDLINE_LINUX+=\" iommu=pt\"\n");
        assert_put("#GRUB_CMDLINE_LINUX=\"\"\nX=1", VARIABLE, -1, "#GRUB_CMDLINE_LINUX=\"\"\nX=1\nGRUB_CMDLINE_LINUX=\"iommu=pt\"\n");
        assert_put(NULL, VARIABLE, -1, "GRUB_CMDLINE_LINUX=\"iommu=pt\"\n");
        /* Written so that nobody can tell what it comes to. */
        assert_put("GRUB_CMDLINE_LINUX=\"a\"'b'\n", VARIABLE, -1, NULL);
        assert_put("GRUB_CMDLINE_LINUX=$(cat x)\n", VARIABLE, -1, NULL);
        assert_put("GRUB_CMDLINE_LINUX=\"a\n", VARIABLE, -1, NULL);
        /* One line of plain words. */
        assert_put("root=/dev/sda1 ro\n", NULL, -1, "root=/dev/sda1 ro iommu=pt\n");
        assert_put("# c\nroot=/dev/sda1 ro\nmore\n", NULL, 1, "# c\nroot=/dev/sda1 iommu=pt ro\nmore\n");
        assert_put("", NULL, -1, "iommu=pt\n");
}

static void test_take(void) {
        const char *text = "GRUB_CMDLINE_LINUX=\"a off=off-not off=1  off b\"\n";
        int at = -1;
        g_autofree char *now = boot_text_take(text, VARIABLE, "off", &at);
        g_assert_cmpstr(now, ==, "GRUB_CMDLINE_LINUX=\"a off=off-not off=1 b\"\n");
        g_assert_cmpint(at, ==, 3);
        g_assert_null(boot_text_take(now, VARIABLE, "off", &at));
        g_assert_cmpint(at, ==, 3);
        g_assert_null(boot_text_take("#GRUB_CMDLINE_LINUX=\"off\"\n", VARIABLE, "off", &at));
        g_assert_null(boot_text_take("GRUB_CMDLINE_LINUX=\"x=\\\"a off b\\\"\"\n", VARIABLE, "off", &at));
        g_autofree char *single = boot_text_take("GRUB_CMDLINE_LINUX=off\nX=1\n", VARIABLE, "off", &at);
        g_assert_cmpstr(single, ==, "GRUB_CMDLINE_LINUX=\nX=1\n");
        g_autofree char *plain = boot_text_take("# off\noff a\n", NULL, "off", &at);
        g_assert_cmpstr(plain, ==, "# off\na\n");
        g_assert_cmpint(at, ==, 0);
        g_assert_cmpuint(boot_text_count("A=1\nGRUB_CMDLINE_LINUX=\"x y\"\nGRUB_CMDLINE_LINUX+=\" x\"\n", VARIABLE, "x"), ==, 2);
}

/* ---- plans ---- */

#define DROP_IN "etc/default/grub.d/60-vfadm.cfg"
#define MAIN "etc/default/grub"
#define MAIN_TEXT "# Debian's\nGRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=off\"\nGRUB_CMDLINE_LINUX=\"\"\n"

typedef struct {
        Snapshot *host;
        BootConf *boot;
} Host;

static Host host_new(BootKind kind, const char *file, const char *text, const char *tool, const char *menu, const char *next) {
        Host host = {.host = snapshot_new()};
        snapshot_seal(host.host);
        host.host->setup = setup_new();
        host.boot = &host.host->setup->boot;
        *host.boot = (BootConf) {.kind = kind, .file = g_strdup(file), .text = g_strdup(text), .tool = g_strdup(tool), .menu = g_strdup(menu)};
        host.boot->next = next ? boot_words_split(next) : NULL;
        return host;
}

static Host grub_new(const char *next) {
        Host host = host_new(BOOT_GRUB, DROP_IN, NULL, "/usr/sbin/update-grub", "boot/grub/grub.cfg", next);
        host.boot->main_file = g_strdup(MAIN);
        host.boot->main_text = g_strdup(MAIN_TEXT);
        return host;
}

static Plan *plan_of(const Host *host, Want *want) {
        g_autoptr(GPtrArray) leases = g_ptr_array_new();
        g_autoptr(GError) error = NULL;
        PlanInput input = {.host = host->host, .leases = leases};
        Plan *plan = plan_make(want, &input, &error);
        g_assert_no_error(error);
        want_free(want);
        return plan;
}

static Plan *fix(const Host *host, const char *add, const char *remove) {
        g_autoptr(GPtrArray) adds = list(add), removes = list(remove);
        g_autoptr(GError) error = NULL;
        Want *want = want_boot(adds, removes, &error);
        g_assert_no_error(error);
        return plan_of(host, want);
}

static Plan *undo(const Host *host) {
        return plan_of(host, want_new(WANT_BOOT_UNDO));
}

static void assert_refused(Plan *owned, const char *says) {
        g_autoptr(Plan) plan = owned;
        g_autoptr(GError) error = NULL;
        g_assert_false(plan_check(plan, &error));
        g_assert_cmpuint(plan->steps->len, ==, 0);
        if (!strstr(error->message, says))
                g_error("\"%s\" does not say \"%s\"", error->message, says);
        g_assert_null(strchr(error->message, '\n'));
}

static void assert_says(const Plan *plan, const char *part) {
        for (unsigned i = 0; i < plan->notes->len; i++)
                if (strstr(plan->notes->pdata[i], part))
                        return;
        g_error("no note says \"%s\"", part);
}

static const Step *file_step(const Plan *plan, const char *path) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_FILE && g_str_equal(step->path, path))
                        return step;
        }
        return NULL;
}

/* The step that brings it to the next boot. */
static const Step *tool_step(const Plan *plan) {
        for (unsigned i = plan->steps->len; i-- > 0;) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_BOOT && step->argv)
                        return step;
        }
        g_error("no program is run");
}

static char *command_of(const Plan *plan) {
        return g_strjoinv(" ", tool_step(plan)->argv);
}

/* What a plan makes of the host's files and, as each boot loader's tool would, of the next boot. */
static void carry_out(Host *host, const Plan *plan, const char *next) {
        const Step *step;
        BootConf *boot = host->boot;
        g_assert_cmpuint(plan->refusals->len, ==, 0);
        if ((step = file_step(plan, BOOT_NOTE))) {
                g_assert_cmpstr(step->from.text, ==, boot->note);
                g_free(boot->note);
                boot->note = g_strdup(step->to.text);
        }
        if (boot->file && (step = file_step(plan, boot->file))) {
                g_free(boot->text);
                boot->text = g_strdup(step->to.text);
        }
        if (boot->main_file && (step = file_step(plan, boot->main_file))) {
                g_free(boot->main_text);
                boot->main_text = g_strdup(step->to.text);
        }
        g_strfreev(boot->next);
        boot->next = next ? boot_words_split(next) : NULL;
}

/* Every step, printed, journaled and read again. */
static void assert_journaled(const Plan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                g_autoptr(GError) error = NULL;
                json_t *json = step_to_json(step), *again;
                g_autoptr(Step) back = step_from_json(json, &error);
                g_assert_no_error(error);
                again = step_to_json(back);
                g_assert_true(json_equal(json, again));
                g_assert_true(fact_equal(step, &step->to, &back->to));
                g_assert_cmpstr(back->path, ==, step->path);
                json_decref(json);
                json_decref(again);
        }
}

static void assert_bad_json(const char *text) {
        g_autoptr(GError) error = NULL;
        json_t *json = json_loads(text, 0, NULL);
        g_assert_nonnull(json);
        g_assert_null(step_from_json(json, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        json_decref(json);
}

static void test_json(void) {
#define STEP(kind, more) "{\"kind\":\"" kind "\",\"vf\":0,\"mask\":0,\"from\":null,\"to\":\"x\"" more "}"
        assert_bad_json(STEP("file", ""));
        assert_bad_json(STEP("boot", ",\"path\":\"boot/grub/grub.cfg\""));
        assert_bad_json(STEP("boot", ",\"words\":[\"a\"],\"argv\":[\"update-grub\"]"));
        assert_bad_json(STEP("boot", ",\"words\":[\"a\"],\"argv\":[]"));
        assert_bad_json(STEP("boot", ",\"words\":[1]"));
        assert_bad_json(STEP("boot", ",\"words\":{}"));
        assert_bad_json("{\"kind\":\"file\",\"vf\":0,\"mask\":0,\"from\":null,\"to\":7,\"path\":\"x\"}");
}

static void test_grub(void) {
        Host host = grub_new("root=1 ro quiet intel_iommu=off");
        g_autoptr(Plan) plan = fix(&host, "intel_iommu=on iommu=pt", "");

        g_assert_cmpstr(plan->verb, ==, "doctor --fix");
        g_assert_cmpuint(plan->steps->len, ==, 4);
        const Step *note = plan->steps->pdata[0], *back = plan->steps->pdata[1], *file = plan->steps->pdata[2], *tool = plan->steps->pdata[3];
        g_assert_cmpstr(note->path, ==, "var/lib/vfadm/boot-parameters");
        g_assert_null(note->from.text);
        g_assert_nonnull(strstr(note->to.text, "\nput intel_iommu=on " DROP_IN " GRUB_CMDLINE_LINUX\nput iommu=pt "));
        /* The menu follows the file on the way there, and on the way back. */
        g_assert_cmpint(back->kind, ==, STEP_BOOT);
        g_assert_null(back->argv);
        g_assert_cmpstr(back->undo_argv[0], ==, "/usr/sbin/update-grub");
        g_assert_cmpstr(back->from.text, ==, "");
        g_assert_null(back->to.text);
        g_assert_cmpstr(file->path, ==, DROP_IN);
        g_assert_null(file->from.text);
        g_assert_nonnull(strstr(file->to.text, "\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX intel_iommu=on iommu=pt\"\n"));
        g_assert_null(tool->from.text);
        g_assert_cmpstr(tool->to.text, ==, "intel_iommu=on iommu=pt");
        g_assert_cmpstr(tool->path, ==, "boot/grub/grub.cfg");
        g_assert_cmpstr(tool->argv[0], ==, "/usr/sbin/update-grub");
        g_assert_null(tool->argv[1]);
        g_assert_null(tool->undo_argv);
        assert_says(plan, "reboot");
        assert_journaled(plan);

        g_autofree char *diff = show_plan_diff(plan);
        g_assert_nonnull(strstr(diff, "--- /dev/null\n+++ /" DROP_IN "\n@@ -0,0 +1,2 @@\n+# Written by"));
        g_assert_true(g_str_has_suffix(diff, "intel_iommu=on iommu=pt\"\nrun: /usr/sbin/update-grub\n"));

        /* Once more: all is there. */
        carry_out(&host, plan, "root=1 ro intel_iommu=on iommu=pt quiet intel_iommu=off");
        g_autoptr(Plan) again = fix(&host, "intel_iommu=on iommu=pt", "");
        g_assert_cmpuint(again->steps->len, ==, 0);
        g_assert_cmpuint(again->refusals->len, ==, 0);
        /* And taken back: nothing is left. */
        g_autoptr(Plan) undone = undo(&host);
        carry_out(&host, undone, "root=1 ro quiet intel_iommu=off");
        g_assert_null(host.boot->text);
        g_assert_null(host.boot->note);
        g_assert_cmpstr(host.boot->main_text, ==, MAIN_TEXT);
        g_assert_cmpstr(tool_step(undone)->to.text, ==, "");
        /* As long as anything is left to be undone the note says so. */
        const Step *last = undone->steps->pdata[undone->steps->len - 1];
        g_assert_true(last == file_step(undone, BOOT_NOTE));
        snapshot_free(host.host);
}

/* A word that stands in the distribution's own file is taken out of it, and put back where it stood. */
static void test_grub_remove(void) {
        Host host = grub_new("root=1 ro quiet intel_iommu=off");
        g_autoptr(Plan) plan = fix(&host, "intel_iommu=on", "intel_iommu=off");
        g_autofree char *diff = show_plan_diff(plan);

        g_assert_nonnull(strstr(diff, "--- /etc/default/grub\n+++ /etc/default/grub\n@@ -1,4 +1,4 @@\n # Debian's\n GRUB_DEFAULT=0\n"
                                      "-GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=off\"\n+GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"
                                      " GRUB_CMDLINE_LINUX=\"\"\n"));
        const Step *tool = plan->steps->pdata[plan->steps->len - 1], *back = plan->steps->pdata[1];
        g_assert_cmpstr(tool->to.text, ==, "intel_iommu=on");
        g_assert_cmpstr(back->from.text, ==, "intel_iommu=off");
        carry_out(&host, plan, "root=1 ro intel_iommu=on quiet");

        /* Meanwhile somebody has put more into both. */
        g_free(host.boot->main_text);
        host.boot->main_text = g_strdup("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet splash\"\nGRUB_CMDLINE_LINUX=\"\"\nGRUB_TIMEOUT=9\n");
        g_autofree char *theirs = g_strconcat(host.boot->text, "GRUB_TERMINAL=serial\n", NULL);
        g_free(host.boot->text);
        host.boot->text = g_steal_pointer(&theirs);
        g_autoptr(Plan) undone = undo(&host);
        carry_out(&host, undone, "root=1 ro quiet intel_iommu=off splash");
        g_assert_cmpstr(host.boot->main_text, ==, "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=off splash\"\nGRUB_CMDLINE_LINUX=\"\"\nGRUB_TIMEOUT=9\n");
        g_assert_true(g_str_has_suffix(host.boot->text, "\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX\"\nGRUB_TERMINAL=serial\n"));
        g_assert_null(host.boot->note);
        assert_journaled(undone);
        snapshot_free(host.host);
}

/* Others have taken out what we put, put back what we took, or removed the file. */
static void test_grub_undo_late(void) {
        Host host = grub_new("root=1 ro quiet intel_iommu=off");
        g_autoptr(Plan) plan = fix(&host, "intel_iommu=on", "intel_iommu=off");
        carry_out(&host, plan, "root=1 ro quiet intel_iommu=off");
        g_free(host.boot->main_text);
        host.boot->main_text = g_strdup(MAIN_TEXT);
        g_clear_pointer(&host.boot->text, g_free);
        g_autoptr(Plan) undone = undo(&host);
        g_assert_cmpuint(undone->steps->len, ==, 1);
        g_assert_null(file_step(undone, BOOT_NOTE)->to.text);
        assert_says(undone, "'intel_iommu=on' is not where vfadm put it any more");
        assert_says(undone, "stands in /etc/default/grub again already");
        snapshot_free(host.host);

        Host untouched = grub_new("ro");
        g_autoptr(Plan) nothing = undo(&untouched);
        g_assert_cmpuint(nothing->steps->len, ==, 0);
        assert_says(nothing, "has changed nothing");
        snapshot_free(untouched.host);
}

/* Two fixes, one after the other; undone in the opposite order. */
static void test_grub_twice(void) {
        Host host = grub_new("ro quiet intel_iommu=off");
        g_autoptr(Plan) first = fix(&host, "iommu=pt", "intel_iommu=off");
        carry_out(&host, first, "ro iommu=pt quiet");
        g_autoptr(Plan) second = fix(&host, "intel_iommu=off", "iommu=pt");
        const Step *file = file_step(second, DROP_IN);
        g_assert_true(g_str_has_suffix(file->to.text, "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX intel_iommu=off\"\n"));
        carry_out(&host, second, "ro intel_iommu=off quiet");
        g_autoptr(Plan) undone = undo(&host);
        carry_out(&host, undone, "ro quiet intel_iommu=off");
        g_assert_cmpstr(host.boot->main_text, ==, MAIN_TEXT);
        g_assert_null(host.boot->text);
        snapshot_free(host.host);
}

/* Where the file was edited by somebody who did not run the tool, only that is left to do; on what cannot be seen, nothing. */
static void test_grub_half(void) {
        Host host = grub_new("ro quiet intel_iommu=off");
        g_free(host.boot->main_text);
        host.boot->main_text = g_strdup("GRUB_CMDLINE_LINUX=\"iommu=pt\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
        g_autoptr(Plan) plan = fix(&host, "iommu=pt", "intel_iommu=off");
        g_assert_cmpuint(plan->steps->len, ==, 1);
        const Step *tool = plan->steps->pdata[0];
        g_assert_cmpstr(tool->to.text, ==, "iommu=pt");
        g_assert_cmpstr(tool->argv[0], ==, "/usr/sbin/update-grub");
        /* Without the right to read the menu. */
        g_clear_pointer(&host.boot->next, g_strfreev);
        g_autoptr(Plan) blind = fix(&host, "iommu=pt", "");
        g_assert_cmpuint(blind->steps->len, ==, 0);
        g_autoptr(Plan) put = fix(&host, "intel_iommu=on", "");
        g_assert_cmpuint(put->steps->len, ==, 4);
        tool = put->steps->pdata[3];
        g_assert_null(tool->path);
        g_assert_null(tool->ask);
        snapshot_free(host.host);
}

/* The parameter stands once by us and once by another: the other stays, and is expected to. */
static void test_grub_double(void) {
        Host host = grub_new("ro quiet");
        g_autoptr(Plan) plan = fix(&host, "iommu=pt", "");
        carry_out(&host, plan, "ro iommu=pt iommu=pt quiet");
        g_autoptr(Plan) undone = undo(&host);
        const Step *tool = tool_step(undone);
        g_assert_null(tool->path); /* no fact that would tell: the tool is run all the same */
        g_assert_null(file_step(undone, DROP_IN)->to.text);
        snapshot_free(host.host);
}

/* Where grub-mkconfig reads no folder, /etc/default/grub itself is edited. */
static void test_grub_in_place(void) {
        Host host = host_new(BOOT_GRUB, MAIN, "GRUB_TIMEOUT=5 # s\nGRUB_CMDLINE_LINUX='a'\n", "/usr/sbin/grub2-mkconfig", "boot/grub2/grub.cfg", "ro a");
        host.boot->main_file = g_strdup(MAIN);
        host.boot->main_text = g_strdup(host.boot->text);
        g_autoptr(Plan) plan = fix(&host, "iommu=pt", "a");
        g_assert_cmpstr(file_step(plan, MAIN)->to.text, ==, "GRUB_TIMEOUT=5 # s\nGRUB_CMDLINE_LINUX='iommu=pt'\n");
        g_autofree char *command = command_of(plan);
        g_assert_cmpstr(command, ==, "/usr/sbin/grub2-mkconfig -o /boot/grub2/grub.cfg");
        carry_out(&host, plan, "ro iommu=pt");
        g_autoptr(Plan) undone = undo(&host);
        carry_out(&host, undone, "ro a");
        g_assert_cmpstr(host.boot->text, ==, "GRUB_TIMEOUT=5 # s\nGRUB_CMDLINE_LINUX='a'\n");

        g_free(host.boot->text);
        host.boot->text = g_strdup("GRUB_CMDLINE_LINUX=$(cat /x)\n");
        assert_refused(fix(&host, "iommu=pt", ""), "does not edit");
        g_free(host.boot->text);
        host.boot->text = g_strdup("GRUB_CMDLINE_LINUX=\"\" # \xe9\n");
        assert_refused(fix(&host, "iommu=pt", ""), "UTF-8");
        g_clear_pointer(&host.boot->text, g_free);
        g_clear_pointer(&host.boot->main_text, g_free);
        assert_refused(fix(&host, "iommu=pt", ""), "cannot be read");
        snapshot_free(host.host);
}

typedef struct {
        BootKind kind;
        const char *tool, *put, *undone;
        bool asks;
} Command;

static void test_commands(void) {
        static const Command rows[] = {
                {BOOT_GRUBBY, "/usr/sbin/grubby", "/usr/sbin/grubby --update-kernel=ALL --args=intel_iommu=on iommu=pt --remove-args=quiet",
                 "/usr/sbin/grubby --update-kernel=ALL --args=quiet --remove-args=iommu=pt intel_iommu=on", true},
                {BOOT_KERNELSTUB, "/usr/bin/kernelstub", "/usr/bin/kernelstub --add-options intel_iommu=on iommu=pt --delete-options quiet",
                 "/usr/bin/kernelstub --add-options quiet --delete-options iommu=pt intel_iommu=on", false},
                {BOOT_OSTREE, "/usr/bin/rpm-ostree", "/usr/bin/rpm-ostree kargs --append-if-missing=intel_iommu=on --append-if-missing=iommu=pt --delete-if-present=quiet",
                 "/usr/bin/rpm-ostree kargs --append-if-missing=quiet --delete-if-present=iommu=pt --delete-if-present=intel_iommu=on", true},
        };
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
                Host host = host_new(rows[i].kind, NULL, NULL, rows[i].tool, rows[i].asks ? NULL : "boot/efi/loader/entries/x.conf", "ro quiet");
                g_autoptr(Plan) plan = fix(&host, "intel_iommu=on iommu=pt ro", "quiet absent");
                g_autofree char *command = command_of(plan);
                const Step *step = plan->steps->pdata[1];
                g_assert_cmpuint(plan->steps->len, ==, 2);
                g_assert_cmpstr(command, ==, rows[i].put);
                g_assert_cmpstr(step->from.text, ==, "quiet");
                g_assert_cmpstr(step->to.text, ==, "intel_iommu=on iommu=pt");
                g_assert_true((step->ask != NULL) == rows[i].asks);
                g_assert_true((step->path != NULL) == !rows[i].asks);
                g_assert_nonnull(step->undo_argv);
                assert_journaled(plan);
                carry_out(&host, plan, "ro intel_iommu=on iommu=pt");
                g_autoptr(Plan) again = fix(&host, "intel_iommu=on", "quiet");
                g_assert_cmpuint(again->steps->len, ==, 0);
                g_autoptr(Plan) undone = undo(&host);
                g_autofree char *back = command_of(undone);
                g_assert_cmpstr(back, ==, rows[i].undone);
                g_assert_null(file_step(undone, BOOT_NOTE)->to.text);
                snapshot_free(host.host);
        }
}

static void test_cmdline(void) {
        static const struct {
                BootKind kind;
                const char *tool, *command;
        } rows[] = {
                {BOOT_PROXMOX, "/usr/sbin/proxmox-boot-tool", "/usr/sbin/proxmox-boot-tool refresh"},
                {BOOT_KERNEL_CMDLINE, "/usr/bin/kernel-install", "/usr/bin/kernel-install add-all"},
                {BOOT_KERNEL_CMDLINE, "/usr/bin/sdbootutil", "/usr/bin/sdbootutil update-all-entries"},
                {BOOT_KERNEL_CMDLINE, "/usr/bin/mkinitcpio", "/usr/bin/mkinitcpio -P"},
        };
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
                Host host = host_new(rows[i].kind, "etc/kernel/cmdline", "root=ZFS=rpool quiet\n", rows[i].tool, NULL, NULL);
                g_autoptr(Plan) plan = fix(&host, "iommu=pt", "quiet");
                g_autofree char *command = command_of(plan);
                g_assert_cmpstr(command, ==, rows[i].command);
                g_assert_cmpstr(file_step(plan, "etc/kernel/cmdline")->to.text, ==, "root=ZFS=rpool iommu=pt\n");
                const Step *back = plan->steps->pdata[1], *tool = plan->steps->pdata[3];
                g_assert_null(back->path);
                g_assert_nonnull(back->undo_argv);
                g_assert_null(tool->path);
                carry_out(&host, plan, NULL);
                g_autoptr(Plan) undone = undo(&host);
                carry_out(&host, undone, NULL);
                g_assert_cmpstr(host.boot->text, ==, "root=ZFS=rpool quiet\n");
                snapshot_free(host.host);
        }
}

static void test_refusals(void) {
        Host unknown = host_new(BOOT_UNKNOWN, NULL, NULL, NULL, NULL, NULL);
        assert_refused(fix(&unknown, "iommu=pt", "nomodeset"), "add 'iommu=pt' and take away 'nomodeset' there yourself");
        unknown.boot->note = g_strdup("put a - -\n");
        assert_refused(undo(&unknown), "var/lib/vfadm/boot-parameters");
        snapshot_free(unknown.host);

        Host no_tool = grub_new("ro");
        g_clear_pointer(&no_tool.boot->tool, g_free);
        assert_refused(fix(&no_tool, "iommu=pt", ""), "no program was found");
        no_tool.boot->tool = g_strdup("/usr/bin/frobnicate");
        assert_refused(fix(&no_tool, "iommu=pt", ""), "/usr/bin/frobnicate");
        snapshot_free(no_tool.host);

        Host no_file = host_new(BOOT_PROXMOX, "etc/kernel/cmdline", NULL, "/usr/sbin/proxmox-boot-tool", NULL, NULL);
        assert_refused(fix(&no_file, "iommu=pt", ""), "/etc/kernel/cmdline is not there");
        snapshot_free(no_file.host);

        g_autoptr(Snapshot) bare = snapshot_new();
        snapshot_seal(bare);
        Host no_setup = {.host = bare};
        assert_refused(fix(&no_setup, "iommu=pt", ""), "does not know how");
}

/* A note that was tampered with, or is of another vfadm. */
static void test_hostile_note(void) {
        Host host = grub_new("ro");
        host.boot->text = g_strdup("GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX iommu=pt\"\n");
        host.boot->note = g_strdup("# x\nput $(reboot) " DROP_IN " GRUB_CMDLINE_LINUX\ntook a;b " MAIN " GRUB_CMDLINE_LINUX 0\nnonsense\nput iommu=pt " DROP_IN
                                   " GRUB_CMDLINE_LINUX\ntook c etc/shadow - 99999999999999999999\nput d etc/passwd X\n");
        g_autoptr(Plan) plan = undo(&host);
        assert_says(plan, "line 2 was not understood");
        assert_says(plan, "line 3 was not understood");
        assert_says(plan, "line 4 was not understood");
        assert_says(plan, "which this host does not use any more");
        g_assert_null(file_step(plan, "etc/shadow"));
        g_assert_null(file_step(plan, "etc/passwd"));
        g_assert_null(file_step(plan, DROP_IN)->to.text);
        snapshot_free(host.host);
}

static void test_reboot_note(void) {
        Host host = grub_new("ro iommu=pt");
        host.host->setup->words = boot_words_split("ro");
        g_autoptr(Plan) plan = fix(&host, "iommu=pt", "");
        g_assert_cmpuint(plan->steps->len, ==, 0);
        assert_says(plan, "reboot");
        g_strfreev(host.host->setup->words);
        host.host->setup->words = boot_words_split("ro iommu=pt");
        g_autoptr(Plan) running = fix(&host, "iommu=pt", "");
        g_assert_cmpuint(running->notes->len, ==, 0);
        snapshot_free(host.host);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/boot/want", test_want);
        g_test_add_func("/boot/menu-words", test_menu_words);
        g_test_add_func("/boot/text/put", test_put);
        g_test_add_func("/boot/text/take", test_take);
        g_test_add_func("/boot/json", test_json);
        g_test_add_func("/boot/grub", test_grub);
        g_test_add_func("/boot/grub/remove", test_grub_remove);
        g_test_add_func("/boot/grub/undo-late", test_grub_undo_late);
        g_test_add_func("/boot/grub/twice", test_grub_twice);
        g_test_add_func("/boot/grub/half", test_grub_half);
        g_test_add_func("/boot/grub/double", test_grub_double);
        g_test_add_func("/boot/grub/in-place", test_grub_in_place);
        g_test_add_func("/boot/commands", test_commands);
        g_test_add_func("/boot/cmdline", test_cmdline);
        g_test_add_func("/boot/refusals", test_refusals);
        g_test_add_func("/boot/hostile-note", test_hostile_note);
        g_test_add_func("/boot/reboot-note", test_reboot_note);
        return g_test_run();
}
