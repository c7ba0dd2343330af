/* Steps about the host's own files: boot parameters put and taken back, cut off anywhere, on this boot and after the next. */
#include "act_stage.h"
#include "base/error.h"

#include <errno.h>
#include <string.h>

#define CONFIG "etc/default/grub.d/60-vfadm.cfg"
#define NOTE "var/lib/vfadm/boot-parameters"
#define MENU "boot/grub/grub.cfg"
#define TOOL "/usr/sbin/update-grub"
#define OLD_MENU "menuentry x {\n linux /vmlinuz ro\n}\n"
#define NEW_MENU "menuentry x {\n linux /vmlinuz ro iommu=pt\n}\n"
#define OTHER_BOOT "99999999-2222-3333-4444-555555555555"

static char *text_of(Stage *stage, const char *path) {
        g_autoptr(GBytes) bytes = NULL;
        size_t size;
        if (io_read(stage->act.io, path, 4096, &bytes) < 0)
                return NULL;
        const char *text = g_bytes_get_data(bytes, &size);
        return g_strndup(text ? text : "", size);
}

static void assert_file(Stage *stage, const char *path, const char *expected) {
        g_autofree char *text = text_of(stage, path);
        g_assert_cmpstr(text, ==, expected);
}

/* As update-grub does it: the menu from the configuration. */
static int update_grub(Io *io, char *const argv[], GString *says) {
        Machine *machine = (Machine *) io;
        const char *config = g_hash_table_lookup(machine->files, CONFIG);
        bool on = config && strstr(config, "iommu=pt");

        g_assert_cmpstr(argv[0], ==, TOOL);
        g_string_append(says, "Generating grub configuration file ...\ndone\n");
        machine_put(machine, MENU, on ? NEW_MENU : OLD_MENU);
        return 0;
}

static int broken_tool(Io *io, char *const argv[], GString *says) {
        g_string_append(says, "Generating ...\n/usr/sbin/grub-probe: error: cannot find a device for /\t\x01.\n\n");
        return 2;
}

static int lazy_tool(Io *io, char *const argv[], GString *says) {
        return 0;
}

static char **words(const char *text) {
        return g_strsplit(text, " ", -1);
}

static Step *add_file(Plan *plan, const char *path, const char *from, const char *to) {
        Step *step = plan_add(plan, step_new(STEP_FILE, (PciAddr) {0}, NULL));
        step->path = g_strdup(path);
        step->from.text = g_strdup(from);
        step->to.text = g_strdup(to);
        return step;
}

static Step *add_boot(Plan *plan, const char *from, const char *to, bool forward) {
        Step *step = plan_add(plan, step_new(STEP_BOOT, (PciAddr) {0}, NULL));
        step->path = g_strdup(MENU);
        step->words = words("iommu=pt");
        *(forward ? &step->argv : &step->undo_argv) = words(TOOL);
        step->from.text = g_strdup(from);
        step->to.text = g_strdup(to);
        return step;
}

static Plan *fix_plan(void) {
        Plan *plan = plan_new("doctor --fix");
        plan->summary = g_strdup("boot parameters: +iommu=pt");
        add_file(plan, NOTE, NULL, "put iommu=pt\n");
        add_boot(plan, "", NULL, false);
        add_file(plan, CONFIG, NULL, "X=\"$X iommu=pt\"\n");
        add_boot(plan, NULL, "iommu=pt", true);
        return plan;
}

/* The same where nothing tells what the next boot will have. */
static Plan *blind_plan(void) {
        Plan *plan = fix_plan();
        for (unsigned i = 1; i < 4; i += 2)
                g_clear_pointer(&((Step *) plan->steps->pdata[i])->path, g_free);
        return plan;
}

static Stage *grub_stage(void) {
        Stage *stage = stage_new(0);
        stage->machine->program = update_grub;
        machine_put(stage->machine, MENU, OLD_MENU);
        /* A host need not have a device 0000:00:00.0. */
        g_assert_false(g_hash_table_contains(stage->machine->files, "sys/bus/pci/devices/0000:00:00.0/vendor"));
        return stage;
}

static void assert_old(Stage *stage) {
        assert_file(stage, NOTE, NULL);
        assert_file(stage, CONFIG, NULL);
        assert_file(stage, MENU, OLD_MENU);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

static void assert_new(Stage *stage) {
        assert_file(stage, NOTE, "put iommu=pt\n");
        assert_file(stage, CONFIG, "X=\"$X iommu=pt\"\n");
        assert_file(stage, MENU, NEW_MENU);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* As it is, and where the menu cannot be read. */
static Plan *some_plan(bool blind) {
        return blind ? blind_plan() : fix_plan();
}

static void test_well(void) {
        for (unsigned i = 0; i < 2; i++) {
                g_autoptr(Stage) stage = grub_stage();
                g_autoptr(Plan) plan = some_plan(i);
                assert_ran(stage, plan);
                assert_new(stage);
                assert_log(stage, "replace " NOTE "\nreplace " CONFIG "\nrun " TOOL);
        }
}

static void test_failing_file(void) {
        g_autoptr(Stage) stage = grub_stage();
        g_autoptr(Plan) plan = fix_plan();
        fail(stage, "replace " CONFIG, -EROFS, -1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_PERMISSION, "/" CONFIG " cannot be written"));
        assert_old(stage);
        fail(stage, "replace " NOTE, -ELOOP, -1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "symbolic link"));
        assert_old(stage);
}

static void test_failing_tool(void) {
        g_autoptr(Stage) stage = grub_stage();
        g_autoptr(Plan) plan = fix_plan();
        fail(stage, "run", -ETIMEDOUT, 1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_BUSY, "run it by hand"));
        assert_old(stage);
        fail(stage, "run", -ENOENT, 1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_NOT_FOUND, TOOL " cannot be run"));
        assert_old(stage);
        /* One line of what it said, without what drives a terminal's line; the menu never moved, so it is not run again. */
        stage->machine->program = broken_tool;
        g_autofree char *text = assert_fails(stage, plan, VFADM_ERROR_FAILED, TOOL " failed (exit status 2): /usr/sbin/grub-probe: error: cannot find a device");
        g_assert_nonnull(strstr(text, "everything was undone"));
        assert_old(stage);
        /* It says yes and does nothing. */
        stage->machine->program = lazy_tool;
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "said yes, but of the parameters 'iommu=pt' the next boot would have '' and not 'iommu=pt'"));
        assert_old(stage);
        stage->machine->program = NULL;
        machine_put(stage->machine, MENU, "menuentry x {\n}\n");
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "no entry that starts a kernel"));
        assert_file(stage, CONFIG, NULL);
}

/* Where there is no fact, the tool runs on the way back whatever came of it on the way there. */
static void test_failing_blind(void) {
        g_autoptr(Stage) stage = grub_stage();
        g_autoptr(Plan) plan = blind_plan();
        fail(stage, "run", -EIO, 1);
        g_free(assert_fails(stage, plan, VFADM_ERROR_FAILED, "everything was undone"));
        assert_log(stage, "replace " NOTE "\nreplace " CONFIG "\nrun " TOOL " FAILS\nremove " CONFIG "\nrun " TOOL "\nremove " NOTE);
        assert_old(stage);
}

/* Somebody edits between the plan and the step. */
static void test_edited_before(void) {
        g_autoptr(Stage) stage = grub_stage();
        g_autoptr(Plan) plan = fix_plan();
        machine_put(stage->machine, CONFIG, "mine\n");
        g_free(assert_fails(stage, plan, VFADM_ERROR_BUSY, "changed meanwhile by somebody else"));
        assert_file(stage, CONFIG, "mine\n");
        assert_file(stage, NOTE, NULL);
        g_assert_cmpuint(n_unfinished(stage), ==, 0);
}

/* The state of the machine after so many steps, and the marks that a dead process left. */
static void die_after(Stage *stage, const Plan *plan, unsigned done, bool doing, const char *boot_id) {
        int64_t id;
        g_assert_true(ledger_begin(stage->act.ledger, plan, boot_id, DEAD_PID, DEAD_PID + 7, &id, NULL));
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                bool made = i < done + doing;
                if (made && step->kind == STEP_FILE)
                        machine_put(stage->machine, step->path, step->to.text);
                GString *says = g_string_new(NULL);
                if (made && step->argv)
                        stage->machine->program(stage->act.io, step->argv, says);
                g_string_free(says, TRUE);
                if (made && g_str_equal(boot_id, BOOT))
                        g_assert_true(ledger_mark(stage->act.ledger, id, i, i < done ? MARK_DONE : MARK_DOING, NULL));
        }
}

/* After a power cut no mark is left, and the files are whatever had reached the disk. */
static void test_cut_off(void) {
        static const char *const boots[] = {BOOT, OTHER_BOOT};
        for (unsigned b = 0; b < 2; b++)
                for (unsigned p = 0; p < 2; p++)
                        for (unsigned n = 0; n < 8; n++) {
                                g_autoptr(Stage) stage = grub_stage();
                                g_autoptr(Plan) plan = some_plan(p);
                                die_after(stage, plan, n / 2, n % 2, boots[b]);
                                assert_recovers(stage, "undone");
                                assert_old(stage);
                        }
        /* All was done and marked, but for the end. */
        g_autoptr(Stage) stage = grub_stage();
        g_autoptr(Plan) plan = fix_plan();
        die_after(stage, plan, 4, false, BOOT);
        assert_recovers(stage, "everything had been done");
        assert_new(stage);
}

static void test_edited_after(void) {
        static const char *const boots[] = {BOOT, OTHER_BOOT};
        for (unsigned b = 0; b < 2; b++) {
                g_autoptr(Stage) stage = grub_stage();
                g_autoptr(Plan) plan = fix_plan();
                die_after(stage, plan, 3, false, boots[b]);
                machine_put(stage->machine, CONFIG, "X=\"$X iommu=pt quiet\"\n");
                assert_recovers(stage, "somebody has changed it since");
                assert_file(stage, CONFIG, "X=\"$X iommu=pt quiet\"\n");
                g_assert_cmpuint(n_unfinished(stage), ==, 0);
        }
}

/* A device's plan of an earlier boot has still nothing to undo. */
static void test_earlier_boot_of_device(void) {
        g_autoptr(Stage) stage = stage_new(2);
        g_autoptr(Plan) plan = enable_plan();
        int64_t id;
        g_assert_true(ledger_begin(stage->act.ledger, plan, OTHER_BOOT, DEAD_PID, DEAD_PID + 7, &id, NULL));
        assert_recovers(stage, "rebooted since, so there is nothing to undo");
        g_assert_cmpuint(machine_num_vfs(stage->machine), ==, 2);
}

/* grubby: one step, which asks the same program. */
static int grubby(Io *io, char *const argv[], GString *says) {
        Machine *machine = (Machine *) io;
        const char *args = g_hash_table_lookup(machine->files, "grubby");
        if (g_str_equal(argv[1], "--info=DEFAULT"))
                g_string_append_printf(says, "index=0\nkernel=\"/boot/vmlinuz\"\nargs=\"ro %s\"\n", args ? args : "");
        else
                machine_put(machine, "grubby", strstr(argv[1], "remove") ? "" : "iommu=pt");
        return 0;
}

static void test_command(void) {
        g_autoptr(Stage) stage = stage_new(0);
        g_autoptr(Plan) plan = plan_new("doctor --fix");
        stage->machine->program = grubby;
        Step *step = plan_add(plan, step_new(STEP_BOOT, (PciAddr) {0}, NULL));
        step->words = words("iommu=pt");
        step->ask = words("/usr/sbin/grubby --info=DEFAULT");
        step->argv = words("/usr/sbin/grubby --args=iommu=pt");
        step->undo_argv = words("/usr/sbin/grubby --remove-args=iommu=pt");
        step->from.text = g_strdup("");
        step->to.text = g_strdup("iommu=pt");
        plan->summary = g_strdup("x");
        assert_ran(stage, plan);
        assert_file(stage, "grubby", "iommu=pt");
        assert_ran(stage, plan); /* it is so already */
        assert_log(stage, "run /usr/sbin/grubby --args=iommu=pt");
        die_after(stage, plan, 0, true, BOOT);
        machine_put(stage->machine, "grubby", "iommu=pt");
        assert_recovers(stage, "undone");
        assert_file(stage, "grubby", "");
}

/* Another vfadm is at it: the plan waits for the next time. */
static void test_locked(void) {
        g_autoptr(Stage) stage = grub_stage();
        g_autoptr(Plan) plan = fix_plan();
        die_after(stage, plan, 3, false, BOOT);
        stage->machine->lock_result = -ETIMEDOUT;
        assert_recovers(stage, "left for later");
        g_assert_cmpuint(n_unfinished(stage), ==, 1);
        stage->machine->lock_result = 0;
        assert_recovers(stage, "undone");
        assert_old(stage);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/act-boot/well", test_well);
        g_test_add_func("/act-boot/failing-file", test_failing_file);
        g_test_add_func("/act-boot/failing-tool", test_failing_tool);
        g_test_add_func("/act-boot/failing-blind", test_failing_blind);
        g_test_add_func("/act-boot/edited-before", test_edited_before);
        g_test_add_func("/act-boot/cut-off", test_cut_off);
        g_test_add_func("/act-boot/edited-after", test_edited_after);
        g_test_add_func("/act-boot/earlier-boot-of-device", test_earlier_boot_of_device);
        g_test_add_func("/act-boot/command", test_command);
        g_test_add_func("/act-boot/locked", test_locked);
        return g_test_run();
}
