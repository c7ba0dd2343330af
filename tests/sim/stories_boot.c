/* Stories of boot parameters: put, taken back, cut off anywhere. */
#include "stage.h"

#include "base/error.h"
#include "change/conf.h"

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

/* ---- devices that pciback gets at boot ---- */

/* `devices` parted by blanks. */
static bool hide(Stage *stage, const char *devices, bool off, GError **error) {
        g_auto(GStrv) names = g_strsplit(devices, " ", -1);
        Want *wants[8];
        unsigned n = 0;

        for (; names[n]; n++) {
                wants[n] = want_new(off ? WANT_UNBIND : WANT_BIND);
                wants[n]->device = g_strdup(names[n]);
                wants[n]->driver = off ? NULL : g_strdup("pciback");
                wants[n]->at_boot = true;
        }
        return stage_do_many(stage, wants, n, error);
}

static void three_vfs(Stage *stage) {
        g_autoptr(GError) error = NULL;
        stage_must(stage_enable(stage, "enp1s0", 3, &error), error);
}

static void hidden(Stage *stage) {
        g_autoptr(GError) error = NULL;
        three_vfs(stage);
        stage_must(hide(stage, "01:10.0", false, &error), error);
}

static bool play_hide(Stage *stage, GError **error) {
        return hide(stage, "01:10.0", false, error);
}

static bool play_hide_more(Stage *stage, GError **error) {
        return hide(stage, "enp1s0/1 enp1s0/2", false, error);
}

static bool play_show(Stage *stage, GError **error) {
        return hide(stage, "01:10.0", true, error);
}

static bool play_hide_and_show(Stage *stage, GError **error) {
        return play_hide(stage, error) && play_hide_more(stage, error) && hide(stage, "01:10.2 01:10.4 01:10.0", true, error);
}

static bool play_hide_disk(Stage *stage, GError **error) {
        return hide(stage, "0000:00:01.0", false, error);
}

/* The device itself is as it was: nothing happens to it before the next boot. */
static void check_hidden(Stage *stage) {
        expect_row(stage, "options xen-pciback", "hide=(0000:01:10.0)");
        expect_row(stage, "softdep", "pre: xen-pciback");
        expect_row(stage, "xen-pciback", "");
        expect_row(stage, "modprobe.d:", "# Written by 'vfadm bind --boot'");
        stage_expect(stage, "vf0 0000:01:10.0", "driver=- override=-");
}

static void check_hidden_all(Stage *stage) {
        expect_row(stage, "options xen-pciback", "hide=(0000:01:10.0)(0000:01:10.2)(0000:01:10.4)");
}

static void check_shown(Stage *stage) {
        expect_row(stage, "/etc/modprobe.d/vfadm-xen-pciback.conf", "is not there");
        expect_row(stage, "modprobe.d: -", "");
        stage_expect_no_row(stage, "xen-pciback");
}

static void check_parameter(Stage *stage) {
        expect_row(stage, "\tlinux", "ro  xen-pciback.hide=(0000:01:10.0) quiet");
        expect_row(stage, "put xen-pciback.hide=(0000:01:10.0)", DROP_IN);
}

static void check_parameters(Stage *stage) {
        expect_row(stage, "\tlinux", "ro  xen-pciback.hide=(0000:01:10.0)(0000:01:10.2)(0000:01:10.4) quiet");
}

static void check_no_parameter(Stage *stage) {
        expect_row(stage, "\tlinux", "ro  quiet");
        expect_row(stage, "/" DROP_IN, "is not there");
        expect_row(stage, "/var/lib/vfadm/boot-hidden", "is not there");
}

/* Somebody has put a line of their own into the list since it was read. */
static void list_edited_meanwhile(Stage *stage) {
        g_autoptr(Io) io = sim_process(stage->sim, "vi");
        g_assert_cmpint(io_replace(io, "etc/initramfs-tools/modules", "nvme\n"), ==, 0);
}

static bool play_hide_under_editor(Stage *stage, GError **error) {
        bool ok = play_hide(stage, error);
        g_autoptr(Io) io = sim_process(stage->sim, "vi");
        expect_row(stage, "nvme", "");
        io_replace(io, "etc/initramfs-tools/modules", "# List of modules\n");
        char *const again[] = {"/usr/sbin/update-initramfs", "-u", NULL};
        g_autoptr(GBytes) output = NULL;
        int status;
        g_assert_cmpint(io_program(io, again, true, 1000, &output, &status), ==, 0);
        return ok;
}

/* ---- what other files said, as configuration ---- */

static bool play_import(Stage *stage, GError **error) {
        g_autoptr(Io) io = sim_process(stage->sim, "vfadm");
        g_autoptr(Conf) conf = conf_read(io, NULL, error);
        Want *want = want_new(WANT_IMPORT);

        want->conf = conf;
        want->retire = true;
        if (conf)
                return stage_do_many(stage, &want, 1, error);
        want_free(want);
        return false;
}

static void imported(Stage *stage) {
        g_autoptr(GError) error = NULL;
        three_vfs(stage);
        stage_must(play_import(stage, &error), error);
}

static void check_imported(Stage *stage) {
        expect_row(stage, "#vfadm-retired: KERNEL", "");
        expect_row(stage, "/etc/driverctl.d/pci-0000:01:10.0 ", "is not there");
        expect_row(stage, "/etc/driverctl.d/pci-0000:01:10.0.vfadm-retired", "is");
        expect_row(stage, "PermanentMACAddress", "=02:00:00:00:01:01");
        expect_row(stage, "VFs=", "3");
        expect_row(stage, "Driver=", "vfio-pci");
}

static void rule_edited_meanwhile(Stage *stage) {
        g_autoptr(Io) io = sim_process(stage->sim, "vi");
        g_assert_cmpint(io_replace(io, "etc/udev/rules.d/70-vfs.rules", "# else\n"), ==, 0);
}

/* What was written before the file that somebody has just edited is gone again. */
static bool play_import_under_editor(Stage *stage, GError **error) {
        bool ok = play_import(stage, error);
        g_autoptr(Io) io = sim_process(stage->sim, "vi");
        expect_row(stage, "# else", "");
        io_replace(io, "etc/udev/rules.d/70-vfs.rules", "# mine\nKERNEL==\"enp1s0\", ATTR{device/sriov_numvfs}=\"3\"\n");
        return ok;
}

#define BUILTIN (SIM_GRUB | SIM_PCIBACK_BUILTIN)
#define IGB .cards = {"igb"}

static const Story stories[] = {
        {"boot-fix", SIM_GRUB, IGB, .play = boot_fix, .check = check_boot_fixed},
        {"boot-fix-again", SIM_GRUB, IGB, .prepare = boot_fixed, .play = boot_fix, .check = check_boot_fixed},
        {"boot-undo", SIM_GRUB, IGB, .prepare = boot_fixed, .play = boot_undo, .check = check_boot_undone},
        {"boot-fix-and-undo", SIM_GRUB, IGB, .play = boot_fix_and_undo, .check = check_boot_undone},
        {"boot-locked", SIM_GRUB, IGB, .prepare = boot_locked, .play = boot_fix, .refused = VFADM_ERROR_BUSY, .says = "another vfadm"},
        {"boot-edited-meanwhile", SIM_GRUB, IGB, .play = boot_fix_under_editor, .meanwhile = edited_meanwhile,
         .refused = VFADM_ERROR_BUSY, .says = "changed meanwhile", .once = true},
        {"hide", SIM_INITRAMFS, IGB, .prepare = three_vfs, .play = play_hide, .check = check_hidden},
        {"hide-again", SIM_INITRAMFS, IGB, .prepare = hidden, .play = play_hide, .check = check_hidden},
        {"hide-more", SIM_INITRAMFS, IGB, .prepare = hidden, .play = play_hide_more, .check = check_hidden_all},
        {"hide-no-more", SIM_INITRAMFS, IGB, .prepare = hidden, .play = play_show, .check = check_shown},
        {"hide-and-show", SIM_INITRAMFS, IGB, .prepare = three_vfs, .play = play_hide_and_show, .check = check_shown},
        {"hide-parameter", BUILTIN, IGB, .prepare = three_vfs, .play = play_hide, .check = check_parameter},
        {"hide-parameter-more", BUILTIN, IGB, .prepare = hidden, .play = play_hide_more, .check = check_parameters},
        {"hide-parameter-no-more", BUILTIN, IGB, .prepare = hidden, .play = play_show, .check = check_no_parameter},
        {"hide-edited-meanwhile", SIM_INITRAMFS, IGB, .prepare = three_vfs, .play = play_hide_under_editor, .meanwhile = list_edited_meanwhile,
         .refused = VFADM_ERROR_BUSY, .says = "changed meanwhile", .once = true},
        {"hide-locked", SIM_INITRAMFS, IGB, .prepare = boot_locked, .play = play_hide_disk, .refused = VFADM_ERROR_BUSY, .says = "another vfadm"},
        {"hide-disk", SIM_INITRAMFS, IGB, .play = play_hide_disk, .refused = VFADM_ERROR_REFUSED, .says = "carries this host"},
        {"hide-no-pciback", IGB, .play = play_hide_disk, .refused = VFADM_ERROR_UNSUPPORTED, .says = "xen-pciback"},
        {"import", SIM_RULES, IGB, .prepare = three_vfs, .play = play_import, .check = check_imported},
        {"import-again", SIM_RULES, IGB, .prepare = imported, .play = play_import, .check = check_imported},
        {"import-locked", SIM_RULES, IGB, .prepare = boot_locked, .play = play_import, .refused = VFADM_ERROR_BUSY, .says = "another vfadm"},
        {"import-edited-meanwhile", SIM_RULES, IGB, .prepare = three_vfs, .play = play_import_under_editor, .meanwhile = rule_edited_meanwhile,
         .refused = VFADM_ERROR_BUSY, .says = "changed meanwhile", .once = true},
        {"boot-unknown", IGB, .play = boot_fix, .refused = VFADM_ERROR_UNSUPPORTED, .says = "does not know how"},
};

void stories_boot_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
