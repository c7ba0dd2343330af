/* Devices that Xen's pciback gets at boot: lists and files as text, plans for every way to say it, and what is never touched. */
#include "base/error.h"
#include "hosts.h"
#include "plan/hide_text.h"
#include "plan/plan.h"
#include "show/show.h"

#include <string.h>

#define CONF "etc/modprobe.d/vfadm-xen-pciback.conf"
#define MODULES "etc/initramfs-tools/modules"
#define NOTE "var/lib/vfadm/boot-hidden"
#define DROP_IN "etc/default/grub.d/60-vfadm.cfg"
#define HEAD "# Written by 'vfadm bind --boot'; 'vfadm unbind --boot' takes a device out again.\n"
#define MARK "# 'vfadm bind --boot': before the drivers of the devices that it hides\nxen-pciback\n"

/* ---- words and texts ---- */

static void test_words(void) {
        static const char *const good[] = {"xen-pciback.hide=(0000:01:10.0)", "xen-pciback.hide=(0000:01:10.0)(ffff:ff:1f.7)", "iommu=pt", "xen-pciback.passthrough=1"};
        static const char *const bad[] = {"xen-pciback.hide=(0000:01:10.8)", "xen-pciback.hide=(0000:01:10.0", "xen-pciback.hide=()", "xen-pciback.hide=(01:10.0)",
                                          "xen-pciback.hide=(0000:01:10.*)", "xen-pciback.hide=(0000:01:10.0)x", "xen-pciback.hide=(0000:01:10.0) (0000:01:10.2)",
                                          "xen-pciback.hide=(0000:01:10.0);reboot", "foo=(0000:01:10.0)", "xen-pciback.hide=((0000:01:10.0))", "a(b)"};
        g_autoptr(GString) longest = g_string_new("xen-pciback.hide=");

        for (unsigned i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(boot_word_ok(good[i]));
        for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(boot_word_ok(bad[i]));
        for (unsigned i = 0; i < 73; i++)
                g_string_append(longest, "(0000:01:10.0)");
        g_assert_true(boot_word_ok(longest->str));
        g_string_append(longest, "(0000:01:10.0)");
        g_assert_false(boot_word_ok(longest->str));

        g_autoptr(GPtrArray) words = g_ptr_array_new();
        g_ptr_array_add(words, (gpointer) good[1]);
        g_autoptr(Want) want = want_boot(NULL, words, NULL);
        g_assert_cmpstr(want->boot_remove[0], ==, good[1]);
}

static GPtrArray *list_of(const char *value) {
        GPtrArray *list = g_ptr_array_new_with_free_func(hidden_free);
        g_assert_true(hide_value_parse(value, list));
        return list;
}

static void test_values(void) {
        static const char *const bad[] = {"", "0000:01:10.0", "(0000:01:10.0", "(0000:01:10.0)x", "(0000:01:10.9)", "()", "(0000:01:10.0) (0000:01:10.2)"};
        g_autoptr(GPtrArray) list = list_of("(0000:01:10.2)(01:10.0)(0000:01:10.2)");
        g_autofree char *text = hide_value_format(list);
        const PciAddr vf = {0, 1, 0x10, 0};

        g_assert_cmpstr(text, ==, "(0000:01:10.0)(0000:01:10.2)");
        for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GPtrArray) other = g_ptr_array_new_with_free_func(hidden_free);
                g_assert_false(hide_value_parse(bad[i], other));
        }
        g_assert_true(hidden_remove(list, vf));
        g_assert_false(hidden_remove(list, vf));
        g_assert_true(hide_value_means("(02:00.0)(01:10.*)", vf));
        g_assert_false(hide_value_means("(02:00.0)(01:10.2)", vf));
        g_assert_false(hide_value_means("(01:10.0", vf)); /* of which the kernel hides nothing */
}

static void test_conf(void) {
        g_autoptr(GPtrArray) list = list_of("(0000:01:10.0)(0000:03:00.0)"), again = g_ptr_array_new_with_free_func(hidden_free);
        g_auto(GStrv) both = g_strsplit("igbvf e1000e", " ", 0), one = g_strsplit("nvme", " ", 0);
        hidden_add(list, (PciAddr) {0, 1, 0x10, 0}, both);
        hidden_add(list, (PciAddr) {0, 3, 0, 0}, one);
        g_autofree char *text = hide_conf_format(NULL, list);

        g_assert_cmpstr(text, ==,
                        HEAD "# 0000:01:10.0: igbvf e1000e\n# 0000:03:00.0: nvme\noptions xen-pciback hide=(0000:01:10.0)(0000:03:00.0)\n"
                             "softdep e1000e pre: xen-pciback\nsoftdep igbvf pre: xen-pciback\nsoftdep nvme pre: xen-pciback\n");
        g_assert_true(hide_conf_parse(text, again));
        g_autofree char *same = hide_conf_format(text, again);
        g_assert_cmpstr(same, ==, text);

        /* What somebody has added stays, with the devices and without. */
        g_autofree char *theirs = g_strconcat(text, "# mine\noptions igb debug=1\nsoftdep igb pre: xen-pciback post: x\n", NULL);
        g_autofree char *kept = hide_conf_format(theirs, again);
        g_assert_cmpstr(kept, ==, theirs);
        hidden_remove(again, (PciAddr) {0, 1, 0x10, 0});
        g_autofree char *fewer = hide_conf_format(theirs, again);
        g_assert_cmpstr(fewer, ==,
                        HEAD "# 0000:03:00.0: nvme\noptions xen-pciback hide=(0000:03:00.0)\nsoftdep nvme pre: xen-pciback\n"
                             "# mine\noptions igb debug=1\nsoftdep igb pre: xen-pciback post: x\n");
        hidden_remove(again, (PciAddr) {0, 3, 0, 0});
        g_autofree char *empty = hide_conf_format(text, again);
        g_assert_null(empty);
        g_autofree char *rest = hide_conf_format(theirs, again);
        g_assert_cmpstr(rest, ==, "# mine\noptions igb debug=1\nsoftdep igb pre: xen-pciback post: x\n");
}

/* A device whose drivers the file does not tell keeps all of its softdeps; a list that was edited into nonsense is no list. */
static void test_conf_edited(void) {
        static const char text[] = "options xen-pciback hide=(0000:01:10.0)(0000:03:00.0)\nsoftdep igbvf pre: xen-pciback\nsoftdep nvme pre: xen-pciback\n";
        g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(hidden_free), bad = g_ptr_array_new_with_free_func(hidden_free);

        g_assert_true(hide_conf_parse(text, list));
        hidden_remove(list, (PciAddr) {0, 3, 0, 0});
        g_autofree char *now = hide_conf_format(text, list);
        g_assert_cmpstr(now, ==, HEAD "options xen-pciback hide=(0000:01:10.0)\nsoftdep igbvf pre: xen-pciback\nsoftdep nvme pre: xen-pciback\n");
        g_assert_false(hide_conf_parse("options xen-pciback hide=0000:01:10.0\n", bad));
}

static void test_modules(void) {
        static const char debian[] = "# List of modules\n#\n# sd_mod\n";
        g_autofree char *put = hide_modules_put(debian), *again = hide_modules_put(put), *took = hide_modules_take(put);
        g_assert_cmpstr(put, ==, "# List of modules\n#\n# sd_mod\n" MARK);
        g_assert_cmpstr(again, ==, put);
        g_assert_cmpstr(took, ==, debian);

        g_autofree char *fresh = hide_modules_put(NULL), *gone = hide_modules_take(fresh);
        g_assert_cmpstr(fresh, ==, MARK);
        g_assert_null(gone);
        g_autofree char *open = hide_modules_put("nvme");
        g_assert_cmpstr(open, ==, "nvme\n" MARK);
        /* Somebody's own line does as well, and stays. */
        g_autofree char *own = hide_modules_put("nvme\nxen_pciback passthrough=1\n"), *left = hide_modules_take("nvme\nxen-pciback\n");
        g_assert_cmpstr(own, ==, "nvme\nxen_pciback passthrough=1\n");
        g_assert_cmpstr(left, ==, "nvme\nxen-pciback\n");
}

/* ---- plans ---- */

static char *const vf_modules[] = {"igbvf", NULL};
static char *const no_modules[] = {NULL};

typedef struct {
        Snapshot *host;
        Setup *setup;
        HideConf *hide;
        GPtrArray *leases;
        char *const *builtin; /* drivers in the kernel itself */
} World;

static World world_new(InitramfsKind kind, const char *tool, const char *file, const char *text) {
        World w = {.host = host_igb(3), .leases = g_ptr_array_new(), .builtin = no_modules};
        w.setup = w.host->setup = setup_new();
        w.hide = &w.setup->hide;
        w.host->xen_dom0 = true;
        *w.hide = (HideConf) {.pciback = KNOWN_YES, .initramfs = kind, .tool = g_strdup(tool), .file = g_strdup(file), .file_text = g_strdup(text)};
        return w;
}

static World world_debian(void) {
        return world_new(INITRAMFS_TOOLS, "/usr/sbin/update-initramfs", MODULES, "# List\n");
}

static World world_grub(void) {
        World w = world_new(INITRAMFS_TOOLS, "/usr/sbin/update-initramfs", MODULES, "# List\n");
        w.hide->builtin = true;
        w.setup->boot = (BootConf) {.kind = BOOT_GRUB, .file = g_strdup(DROP_IN), .tool = g_strdup("/usr/sbin/update-grub"), .menu = g_strdup("boot/grub/grub.cfg"),
                                    .main_file = g_strdup("etc/default/grub"), .main_text = g_strdup("GRUB_CMDLINE_LINUX=\"\"\n"), .next = boot_words_split("ro quiet")};
        return w;
}

static void world_clear(World *w) {
        snapshot_free(w->host);
        g_ptr_array_unref(w->leases);
}

/* `devices` parted by blanks; `driver` NULL: unbind. */
static Plan *plan_for(World *w, const char *devices, const char *driver, GError **error) {
        g_autoptr(GPtrArray) wants = g_ptr_array_new_with_free_func((GDestroyNotify) want_free);
        g_auto(GStrv) names = g_strsplit(devices, " ", -1);
        PlanInput inputs[100];

        for (unsigned i = 0; names[i]; i++) {
                Want *want = want_new(driver ? WANT_BIND : WANT_UNBIND);
                want->device = g_strdup(names[i]);
                want->driver = g_strdup(driver);
                want->at_boot = true;
                g_ptr_array_add(wants, want);
                g_assert_cmpuint(i, <, G_N_ELEMENTS(inputs));
                inputs[i] = (PlanInput) {.host = w->host, .leases = w->leases, .host_modules = vf_modules, .host_builtin = w->builtin};
        }
        return plan_make_all((Want *const *) wants->pdata, inputs, wants->len, error);
}

static const Step *file_step(const Plan *plan, const char *path) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_FILE && g_str_equal(step->path, path))
                        return step;
        }
        return NULL;
}

static void replace(char **text, const Step *step) {
        if (!step)
                return;
        g_assert_cmpstr(step->from.text, ==, *text);
        g_free(*text);
        *text = g_strdup(step->to.text);
}

static void assert_journaled(const Plan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                g_autoptr(GError) error = NULL;
                json_t *json = step_to_json(step);
                g_autoptr(Step) back = step_from_json(json, &error);
                g_assert_no_error(error);
                json_t *again = step_to_json(back);
                g_assert_true(json_equal(json, again));
                json_decref(json);
                json_decref(again);
        }
}

/* A plan that is fine, as carried out on the host. */
static Plan *done(World *w, const char *devices, const char *driver) {
        g_autoptr(GError) error = NULL;
        Plan *plan = plan_for(w, devices, driver, &error);

        g_assert_no_error(error);
        plan_check(plan, &error);
        g_assert_no_error(error);
        assert_journaled(plan);
        replace(&w->hide->text, file_step(plan, CONF));
        if (w->hide->file)
                replace(&w->hide->file_text, file_step(plan, w->hide->file));
        replace(&w->hide->note, file_step(plan, NOTE));
        if (w->setup->boot.file)
                replace(&w->setup->boot.text, file_step(plan, w->setup->boot.file));
        return plan;
}

static bool says(const Plan *plan, const char *part) {
        for (unsigned i = 0; i < plan->notes->len; i++)
                if (strstr(plan->notes->pdata[i], part))
                        return true;
        return false;
}

static void assert_refused(World *w, const char *devices, const char *driver, int code, const char *part) {
        g_autoptr(GError) error = NULL, problem = NULL;
        g_autoptr(Plan) plan = plan_for(w, devices, driver, &error);

        g_assert_no_error(error);
        g_assert_false(plan_check(plan, &problem));
        g_assert_cmpint(problem->code, ==, code);
        g_assert_cmpuint(plan->steps->len, ==, 0);
        g_assert_null(strchr(problem->message, '\n'));
        if (!strstr(problem->message, part))
                g_error("\"%s\" does not say \"%s\"", problem->message, part);
}

static void test_module(void) {
        World w = world_debian();
        g_autoptr(Plan) plan = done(&w, "01:10.0", "pciback");
        const Step *back = plan->steps->pdata[0], *conf = plan->steps->pdata[1], *modules = plan->steps->pdata[2], *tool = plan->steps->pdata[3];

        g_assert_cmpstr(plan->verb, ==, "bind --boot");
        g_assert_cmpuint(plan->steps->len, ==, 4);
        g_assert_cmpstr(conf->to.text, ==, HEAD "# 0000:01:10.0: igbvf\noptions xen-pciback hide=(0000:01:10.0)\nsoftdep igbvf pre: xen-pciback\n");
        g_assert_cmpstr(modules->path, ==, MODULES);
        g_assert_cmpstr(modules->to.text, ==, "# List\n" MARK);
        /* The image follows the files, on the way there and on the way back. */
        g_assert_cmpint(tool->kind, ==, STEP_BOOT);
        g_autofree char *command = g_strjoinv(" ", tool->argv), *undo = g_strjoinv(" ", back->undo_argv);
        g_assert_cmpstr(command, ==, "/usr/sbin/update-initramfs -u -k all");
        g_assert_cmpstr(undo, ==, command);
        g_assert_null(tool->undo_argv);
        g_assert_null(back->argv);
        g_assert_true(says(plan, "takes effect at the next boot; 'vfadm bind DEVICE pciback' does it now"));
        g_assert_true(says(plan, "kept off, as by 'vfadm enable'"));
        g_autofree char *diff = show_plan_diff(plan);
        g_assert_nonnull(strstr(diff, "+++ /" CONF "\n"));
        g_assert_true(g_str_has_suffix(diff, "\nrun: /usr/sbin/update-initramfs -u -k all\n"));

        /* Again: nothing. A second one: one list. One taken back, and the last: no file is left, and the list is as it was. */
        g_autoptr(Plan) again = done(&w, "01:10.0", "xen-pciback");
        g_assert_cmpuint(again->steps->len, ==, 0);
        g_assert_false(says(again, "next boot"));
        g_autoptr(Plan) more = done(&w, "enp1s0/2 enp1s0/1", "pciback");
        g_assert_nonnull(strstr(w.hide->text, "\noptions xen-pciback hide=(0000:01:10.0)(0000:01:10.2)(0000:01:10.4)\nsoftdep igbvf pre: xen-pciback\n"));
        g_assert_null(file_step(more, MODULES));
        g_assert_cmpuint(more->steps->len, ==, 3);
        g_autoptr(Plan) less = done(&w, "0000:01:10.2", NULL);
        g_assert_cmpstr(less->verb, ==, "unbind --boot");
        g_assert_nonnull(strstr(w.hide->text, "hide=(0000:01:10.0)(0000:01:10.4)\n"));
        g_assert_true(says(less, "'vfadm unbind DEVICE' gives a device to the host now"));
        g_autoptr(Plan) none = done(&w, "01:10.0 01:10.4", NULL);
        g_assert_cmpuint(none->steps->len, ==, 4);
        g_assert_null(w.hide->text);
        g_assert_cmpstr(w.hide->file_text, ==, "# List\n");
        world_clear(&w);
}

/* By its address, also when it has gone. */
static void test_gone(void) {
        World w = world_debian();
        w.hide->text = g_strdup(HEAD "options xen-pciback hide=(0000:09:00.0)\n");
        g_free(w.hide->file_text);
        w.hide->file_text = g_strdup("# List\n" MARK);
        g_autoptr(Plan) plan = done(&w, "09:00.0", NULL);
        g_assert_null(w.hide->text);
        g_autoptr(GError) error = NULL;
        g_assert_null(plan_for(&w, "enp9s0", NULL, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
        g_clear_error(&error);
        g_assert_null(plan_for(&w, "09:00.0", "pciback", &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
        world_clear(&w);
}

static void test_initramfs(void) {
        static const struct {
                InitramfsKind kind;
                const char *tool, *file, *command, *holds;
        } rows[] = {
                {INITRAMFS_DRACUT, "/usr/bin/dracut", "etc/dracut.conf.d/vfadm-xen-pciback.conf", "/usr/bin/dracut --regenerate-all --force",
                 "\nforce_drivers+=\" xen_pciback \"\ninstall_items+=\" /" CONF " \"\n"},
                {INITRAMFS_MKINITCPIO, "/usr/bin/mkinitcpio", "etc/mkinitcpio.conf.d/vfadm-xen-pciback.conf", "/usr/bin/mkinitcpio -P",
                 "\nMODULES+=(xen-pciback)\nFILES+=(/" CONF ")\n"},
        };
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
                World w = world_new(rows[i].kind, rows[i].tool, rows[i].file, NULL);
                g_autoptr(Plan) plan = done(&w, "01:10.0", "pciback");
                const Step *tool = plan->steps->pdata[3];
                g_autofree char *command = g_strjoinv(" ", tool->argv);
                g_assert_cmpstr(command, ==, rows[i].command);
                g_assert_nonnull(strstr(w.hide->file_text, rows[i].holds));
                g_autoptr(Plan) more = done(&w, "01:10.2", "pciback");
                g_assert_cmpuint(more->steps->len, ==, 3);
                g_autoptr(Plan) none = done(&w, "01:10.0 01:10.2", NULL);
                g_assert_null(w.hide->file_text);
                g_assert_null(w.hide->text);
                world_clear(&w);
        }
}

static void test_no_initramfs(void) {
        static const InitramfsKind kinds[] = {INITRAMFS_NONE, INITRAMFS_OTHER};
        for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
                World w = world_new(kinds[i], NULL, NULL, NULL);
                g_autoptr(Plan) plan = done(&w, "01:10.0", "pciback");
                g_assert_cmpuint(plan->steps->len, ==, 1);
                g_assert_nonnull(w.hide->text);
                g_assert_true(says(plan, i ? "does not know how this host's initramfs is made" : "no program was found that makes an initramfs"));
                g_autoptr(Plan) none = done(&w, "01:10.0", NULL);
                g_assert_null(w.hide->text);
                g_assert_false(says(none, "initramfs"));
                world_clear(&w);
        }
}

static void test_builtin(void) {
        World w = world_grub();
        g_autoptr(Plan) plan = done(&w, "01:10.0", "pciback");
        g_assert_cmpuint(plan->steps->len, ==, 4);
        const Step *tool = plan->steps->pdata[3];
        g_assert_null(file_step(plan, CONF));
        g_assert_nonnull(strstr(w.setup->boot.text, "\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX xen-pciback.hide=(0000:01:10.0)\"\n"));
        g_assert_nonnull(strstr(w.hide->note, "\nput xen-pciback.hide=(0000:01:10.0) " DROP_IN " GRUB_CMDLINE_LINUX\n"));
        g_assert_cmpstr(tool->argv[0], ==, "/usr/sbin/update-grub");
        g_assert_cmpstr(tool->to.text, ==, "xen-pciback.hide=(0000:01:10.0)");
        g_strfreev(w.setup->boot.next);
        w.setup->boot.next = boot_words_split("ro xen-pciback.hide=(0000:01:10.0) quiet");

        g_autoptr(Plan) again = done(&w, "01:10.0", "pciback");
        g_assert_cmpuint(again->steps->len, ==, 0);
        g_autoptr(Plan) more = done(&w, "01:10.2", "pciback");
        g_assert_nonnull(strstr(w.setup->boot.text, "\"$GRUB_CMDLINE_LINUX xen-pciback.hide=(0000:01:10.0)(0000:01:10.2)\"\n"));
        g_assert_null(strstr(w.setup->boot.text, "hide=(0000:01:10.0)\"")); /* one list, or the last alone would count */
        g_strfreev(w.setup->boot.next);
        w.setup->boot.next = boot_words_split("ro xen-pciback.hide=(0000:01:10.0)(0000:01:10.2) quiet");
        g_autoptr(Plan) none = done(&w, "01:10.0 01:10.2", NULL);
        g_assert_null(w.setup->boot.text);
        g_assert_null(w.hide->note);
        world_clear(&w);
}

/* 'doctor --fix' puts its words into the same file, and each takes back its own. */
static void test_beside_doctor(void) {
        World w = world_grub();
        w.setup->boot.text = g_strdup("# Written by vfadm\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX iommu=pt\"\n");
        w.setup->boot.note = g_strdup("put iommu=pt " DROP_IN " GRUB_CMDLINE_LINUX\n");
        g_autoptr(Plan) plan = done(&w, "01:10.0", "pciback");
        g_assert_null(file_step(plan, "var/lib/vfadm/boot-parameters"));
        g_assert_nonnull(strstr(w.setup->boot.text, "iommu=pt xen-pciback.hide=(0000:01:10.0)\"\n"));

        PlanInput input = {.host = w.host, .leases = w.leases};
        g_autoptr(Want) undo = want_new(WANT_BOOT_UNDO);
        g_autoptr(Plan) undone = plan_make(undo, &input, NULL);
        g_assert_nonnull(strstr(file_step(undone, DROP_IN)->to.text, "\"$GRUB_CMDLINE_LINUX xen-pciback.hide=(0000:01:10.0)\"\n"));
        g_autoptr(Plan) shown = done(&w, "01:10.0", NULL);
        g_assert_nonnull(strstr(w.setup->boot.text, "\"$GRUB_CMDLINE_LINUX iommu=pt\"\n"));
        world_clear(&w);
}

static void test_commands(void) {
        World w = world_debian();
        w.hide->builtin = true;
        w.setup->boot = (BootConf) {.kind = BOOT_GRUBBY, .tool = g_strdup("/usr/sbin/grubby"), .next = boot_words_split("ro")};
        static const char *const commands[] = {"/usr/sbin/grubby --update-kernel=ALL --args=xen-pciback.hide=(0000:01:10.0)",
                                               "/usr/sbin/grubby --update-kernel=ALL --args=xen-pciback.hide=(0000:01:10.0)(0000:01:10.2)",
                                               "/usr/sbin/grubby --update-kernel=ALL --remove-args=xen-pciback.hide"};
        static const char *const devices[] = {"01:10.0", "01:10.2", "01:10.0 01:10.2"};
        for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
                g_autoptr(Plan) plan = done(&w, devices[i], i < 2 ? "pciback" : NULL);
                g_autofree char *command = NULL;
                for (unsigned k = 0; k < plan->steps->len; k++) {
                        const Step *step = plan->steps->pdata[k];
                        if (!step->argv)
                                continue;
                        g_free(command);
                        command = g_strjoinv(" ", step->argv);
                }
                g_assert_cmpstr(command, ==, commands[i]);
                g_assert_true(says(plan, "grub2-mkconfig"));
                g_auto(GStrv) words = g_strsplit(w.hide->note ? strstr(w.hide->note, "put ") : "put ro", " ", 3);
                g_strfreev(w.setup->boot.next);
                w.setup->boot.next = boot_words_split(words[1]);
        }
        g_assert_null(w.hide->note);
        world_clear(&w);
}

static void test_kernel_cmdline(void) {
        World w = world_debian();
        w.hide->builtin = true;
        w.setup->boot = (BootConf) {.kind = BOOT_KERNEL_CMDLINE, .file = g_strdup("etc/kernel/cmdline"), .text = g_strdup("root=/dev/sda1 ro\n"), .tool = g_strdup("/usr/bin/kernel-install")};
        g_autoptr(Plan) plan = done(&w, "01:10.0", "pciback");
        g_assert_cmpstr(w.setup->boot.text, ==, "root=/dev/sda1 ro xen-pciback.hide=(0000:01:10.0)\n");
        g_autoptr(Plan) more = done(&w, "01:10.2", "pciback");
        g_assert_cmpstr(w.setup->boot.text, ==, "root=/dev/sda1 ro xen-pciback.hide=(0000:01:10.0)(0000:01:10.2)\n");
        g_autoptr(Plan) none = done(&w, "01:10.0 01:10.2", NULL);
        g_assert_cmpstr(w.setup->boot.text, ==, "root=/dev/sda1 ro\n");
        world_clear(&w);
}

/* A kernel that has pciback as a module after one that had it built in: the devices move to where this one looks. */
static void test_other_kernel(void) {
        World w = world_grub();
        g_autoptr(Plan) plan = done(&w, "01:10.0", "pciback");
        w.hide->builtin = false;
        g_strfreev(w.setup->boot.next);
        w.setup->boot.next = boot_words_split("ro xen-pciback.hide=(0000:01:10.0) quiet");
        w.setup->words = boot_words_split("ro xen-pciback.hide=(0000:01:10.0) quiet");
        g_autoptr(Plan) more = done(&w, "01:10.2", "pciback");
        g_assert_null(w.setup->boot.text);
        g_assert_null(w.hide->note);
        g_assert_nonnull(strstr(w.hide->text, "hide=(0000:01:10.0)(0000:01:10.2)\n"));
        w.hide->builtin = true;
        g_strfreev(w.setup->boot.next);
        w.setup->boot.next = boot_words_split("ro quiet");
        g_autoptr(Plan) back = done(&w, "01:10.4", "pciback");
        g_assert_null(w.hide->text);
        g_assert_cmpstr(w.hide->file_text, ==, "# List\n");
        g_assert_nonnull(strstr(w.setup->boot.text, "hide=(0000:01:10.0)(0000:01:10.2)(0000:01:10.4)\""));
        world_clear(&w);
}

static void test_by_hand(void) {
        World w = world_debian();
        setup_add_pciback(w.setup, PCIBACK_OPTION, "etc/modprobe.d/xen.conf", 3, "hide", "(01:10.*)");
        setup_add_pciback(w.setup, PCIBACK_OPTION, "etc/modprobe.d/xen.conf", 3, "permissive", NULL);
        g_autoptr(Plan) told = done(&w, "01:10.0", "pciback");
        g_assert_cmpuint(told->steps->len, ==, 0);
        g_assert_true(says(told, "enp1s0/0 is hidden already, by /etc/modprobe.d/xen.conf, which is not vfadm's"));
        assert_refused(&w, "01:00.0", "pciback", VFADM_ERROR_REFUSED, "/etc/modprobe.d/xen.conf hides devices already, and of two lists");
        assert_refused(&w, "01:10.0", NULL, VFADM_ERROR_REFUSED, "is hidden by /etc/modprobe.d/xen.conf, which is not vfadm's");
        g_autoptr(Plan) nothing = done(&w, "01:00.0", NULL);
        g_assert_true(says(nothing, "0000:01:00.0 is not hidden at boot"));
        world_clear(&w);

        /* Where Xen does not run yet. */
        World before = world_debian();
        before.host->xen_dom0 = false;
        Mechanism *mechanism = setup_add_mechanism(before.setup, MECH_MODPROBE, "etc/modprobe.d/xen.conf", 1);
        mechanism->bdf = g_strdup("0000:01:10.*");
        mechanism->to_driver = g_strdup("pciback");
        assert_refused(&before, "01:00.0", "pciback", VFADM_ERROR_REFUSED, "/etc/modprobe.d/xen.conf hides devices already");
        g_autoptr(Plan) also = done(&before, "01:10.2", "pciback");
        g_assert_true(says(also, "enp1s0/1 is hidden already"));
        world_clear(&before);

        World cmdline = world_debian();
        cmdline.setup->words = boot_words_split("ro xen_pciback.hide=(0000:01:10.0)");
        g_autoptr(Plan) known = done(&cmdline, "01:10.0", "pciback");
        g_assert_true(says(known, "by the kernel's command line"));
        world_clear(&cmdline);

        World grub = world_grub();
        g_free(grub.setup->boot.main_text);
        grub.setup->boot.main_text = g_strdup("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet xen-pciback.hide=(01:10.0)\"\n");
        g_autoptr(Plan) there = done(&grub, "01:10.0", "pciback");
        g_assert_true(says(there, "hidden already, by the boot configuration"));
        assert_refused(&grub, "01:10.2", "pciback", VFADM_ERROR_REFUSED, "add (0000:01:10.2) there");
        g_free(grub.setup->boot.main_text);
        grub.setup->boot.main_text = g_strdup("GRUB_CMDLINE_LINUX_XEN_REPLACE=\"dom0\"\n");
        assert_refused(&grub, "01:10.2", "pciback", VFADM_ERROR_UNSUPPORTED, "GRUB_CMDLINE_LINUX_XEN_REPLACE takes the place");
        /* What makes the next boot's cannot be told: then this boot's is looked at. */
        g_free(grub.setup->boot.main_text);
        grub.setup->boot.main_text = g_strdup("GRUB_CMDLINE_LINUX=\"\"\n");
        g_clear_pointer(&grub.setup->boot.next, g_strfreev);
        grub.setup->words = boot_words_split("ro xen-pciback.hide=(02:00.0)");
        assert_refused(&grub, "01:10.2", "pciback", VFADM_ERROR_REFUSED, "the running kernel's command line hides devices already");
        world_clear(&grub);
}

static void test_refusals(void) {
        static char *const builtin[] = {"igb", NULL};
        World w = world_debian();
        assert_refused(&w, "01:10.0", "vfio-pci", VFADM_ERROR_USAGE, "it is Xen's pciback alone");
        assert_refused(&w, "00:01.0", "pciback", VFADM_ERROR_REFUSED, "carries this host (mounted on /)");
        assert_refused(&w, "01:10.0 01:10.0", "pciback", VFADM_ERROR_USAGE, "named twice");
        w.builtin = builtin;
        assert_refused(&w, "01:00.0", "pciback", VFADM_ERROR_UNSUPPORTED, "its driver igb is built into this kernel");
        w.builtin = no_modules;
        host_pf(w.host)->class_code = 0x060400;
        assert_refused(&w, "01:00.0", "pciback", VFADM_ERROR_REFUSED, "is a bridge");
        w.hide->text = g_strdup("options xen-pciback hide=01:10.0\n");
        assert_refused(&w, "01:10.0", "pciback", VFADM_ERROR_UNSUPPORTED, "has been edited and cannot be read");
        g_free(w.hide->text);
        w.hide->text = g_strdup("# \xff\n");
        assert_refused(&w, "01:10.0", "pciback", VFADM_ERROR_UNSUPPORTED, "UTF-8");
        g_clear_pointer(&w.hide->text, g_free);
        g_free(w.hide->file_text);
        w.hide->file_text = g_strdup("# \xff\n");
        assert_refused(&w, "01:10.0", "pciback", VFADM_ERROR_UNSUPPORTED, "/" MODULES " is not in UTF-8");
        w.hide->pciback = KNOWN_NO;
        assert_refused(&w, "01:10.0", "pciback", VFADM_ERROR_UNSUPPORTED, "the kernel 6.12.0 has no xen-pciback");
        w.hide->pciback = KNOWN_NOT;
        assert_refused(&w, "01:10.0", "pciback", VFADM_ERROR_UNSUPPORTED, "cannot be told");
        world_clear(&w);

        World many = world_debian();
        g_autoptr(GString) full = g_string_new("options xen-pciback hide=");
        for (unsigned i = 0; i < 73; i++)
                g_string_append_printf(full, "(0000:%02x:00.0)", 0x20 + i);
        many.hide->text = g_strdup_printf("%s\n", full->str);
        assert_refused(&many, "01:10.0", "pciback", VFADM_ERROR_UNSUPPORTED, "74 devices are more than");
        world_clear(&many);

        World unknown = world_debian();
        unknown.hide->builtin = true;
        assert_refused(&unknown, "01:10.0", "pciback", VFADM_ERROR_UNSUPPORTED, "does not know how this host keeps its boot parameters: put xen-pciback.hide=");
        world_clear(&unknown);
}

static void test_notes(void) {
        World w = world_debian();
        w.host->xen_dom0 = false;
        dev_add_use(host_pf(w.host), USE_NETWORK, g_strdup("enp1s0 is up"), 0, NULL);
        g_autoptr(Plan) plan = done(&w, "enp1s0", "pciback");
        g_assert_cmpuint(plan->steps->len, ==, 4);
        g_assert_true(says(plan, "enp1s0 is in use now (enp1s0 is up): at the next boot pciback has it"));
        g_assert_true(says(plan, "while pciback has it there are no VFs"));
        g_assert_true(says(plan, "does not run on Xen now"));
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/hide/words", test_words);
        g_test_add_func("/hide/values", test_values);
        g_test_add_func("/hide/conf", test_conf);
        g_test_add_func("/hide/conf-edited", test_conf_edited);
        g_test_add_func("/hide/modules", test_modules);
        g_test_add_func("/hide/module", test_module);
        g_test_add_func("/hide/gone", test_gone);
        g_test_add_func("/hide/initramfs", test_initramfs);
        g_test_add_func("/hide/no-initramfs", test_no_initramfs);
        g_test_add_func("/hide/builtin", test_builtin);
        g_test_add_func("/hide/beside-doctor", test_beside_doctor);
        g_test_add_func("/hide/commands", test_commands);
        g_test_add_func("/hide/kernel-cmdline", test_kernel_cmdline);
        g_test_add_func("/hide/other-kernel", test_other_kernel);
        g_test_add_func("/hide/by-hand", test_by_hand);
        g_test_add_func("/hide/refusals", test_refusals);
        g_test_add_func("/hide/notes", test_notes);
        return g_test_run();
}
