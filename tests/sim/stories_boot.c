/* Stories of boot parameters: put, taken back, cut off anywhere. */
#include "stage.h"

#include "base/error.h"

#include <string.h>

static void expect_row(Stage *stage, const char *start, const char *row) {
        g_autofree char *found = stage_row(stage, start);
        if (!found || !strstr(found, row))
                g_error("expected \"%s\" in the row of %s, which is \"%s\"", row, start, found ? found : "(none)");
}

#define DROP_IN "etc/default/grub.d/60-vfadm.cfg"

static bool boot(Stage *stage, const char *add, const char *remove, GError **error) {
        g_autoptr(GPtrArray) adds = g_ptr_array_new(), removes = g_ptr_array_new();
        if (add)
                g_ptr_array_add(adds, (gpointer) add);
        if (remove)
                g_ptr_array_add(removes, (gpointer) remove);
        Want *want = want_boot(adds, removes, error);
        return want && stage_do_many(stage, &want, 1, error);
}

static bool boot_fix(Stage *stage, GError **error) {
        return boot(stage, "intel_iommu=on", "intel_iommu=off", error);
}

static void boot_fixed(Stage *stage) {
        g_autoptr(GError) error = NULL;
        g_assert_true(boot_fix(stage, &error));
        g_assert_no_error(error);
}

static void check_boot_fixed(Stage *stage) {
        expect_row(stage, "\tlinux", "/boot/vmlinuz root=UUID=1 ro  intel_iommu=on quiet");
        expect_row(stage, "GRUB_CMDLINE_LINUX_DEFAULT", "=\"quiet\"");
        expect_row(stage, "/" DROP_IN, "is");
        expect_row(stage, "put intel_iommu=on", DROP_IN);
}

static bool boot_undo(Stage *stage, GError **error) {
        Want *want = want_new(WANT_BOOT_UNDO);
        return stage_do_many(stage, &want, 1, error);
}

static void check_boot_undone(Stage *stage) {
        expect_row(stage, "\tlinux", "/boot/vmlinuz root=UUID=1 ro  quiet intel_iommu=off");
        expect_row(stage, "/" DROP_IN, "is not there");
        expect_row(stage, "/var/lib/vfadm/boot-parameters", "is not there");
}

static bool boot_fix_and_undo(Stage *stage, GError **error) {
        return boot_fix(stage, error) && boot(stage, "iommu=pt", NULL, error) && boot_undo(stage, error);
}

static void boot_locked(Stage *stage) {
        sim_hold_lock(stage->sim, sim_start(stage->sim, "vfadm"), "boot");
}

/* An editor does not know of our locks. */
static void edited_meanwhile(Stage *stage) {
        g_autoptr(Io) io = sim_process(stage->sim, "vi");
        g_assert_cmpint(io_replace(io, "etc/default/grub", "GRUB_CMDLINE_LINUX=\"mine\"\n"), ==, 0);
}

static bool boot_fix_under_editor(Stage *stage, GError **error) {
        bool ok = boot_fix(stage, error);
        g_autoptr(Io) io = sim_process(stage->sim, "vi");
        expect_row(stage, "GRUB_CMDLINE_LINUX", "=\"mine\"");
        io_replace(io, "etc/default/grub",
                   "# /etc/default/grub\nGRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=off\"\nGRUB_CMDLINE_LINUX=\"\"\n");
        return ok;
}

#define IGB .cards = {"igb"}

static const Story stories[] = {
        {"boot-fix", SIM_GRUB, IGB, .play = boot_fix, .check = check_boot_fixed},
        {"boot-fix-again", SIM_GRUB, IGB, .prepare = boot_fixed, .play = boot_fix, .check = check_boot_fixed},
        {"boot-undo", SIM_GRUB, IGB, .prepare = boot_fixed, .play = boot_undo, .check = check_boot_undone},
        {"boot-fix-and-undo", SIM_GRUB, IGB, .play = boot_fix_and_undo, .check = check_boot_undone},
        {"boot-locked", SIM_GRUB, IGB, .prepare = boot_locked, .play = boot_fix, .refused = VFADM_ERROR_BUSY, .says = "another vfadm"},
        {"boot-edited-meanwhile", SIM_GRUB, IGB, .play = boot_fix_under_editor, .meanwhile = edited_meanwhile,
         .refused = VFADM_ERROR_BUSY, .says = "changed meanwhile", .once = true},
        {"boot-unknown", IGB, .play = boot_fix, .refused = VFADM_ERROR_UNSUPPORTED, .says = "does not know how"},
};

void stories_boot_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
