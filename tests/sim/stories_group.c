/* Stories of devices that share an IOMMU group, and so go to one guest and come back together. */
#include "stage.h"

#include "base/error.h"
#include "sim_virt.h"

#include <string.h>

#define NIC "0000:16:01.0" /* the other one is driverless or its own driver's, and behind the same bridge */
#define OTHER "0000:16:02.0"
#define QEMU "qemu:web1"
#define WEB "libvirt:web1"
#define BOTH (SCOPE_LIVE | SCOPE_CONFIG)

static void qemu_with(Stage *stage, GuestManners manners) {
        sim_add_guest(stage->sim, "web1", 2, manners);
}

static void qemu(Stage *stage) {
        qemu_with(stage, GUEST_GOOD);
}

static void qemu_one_slot(Stage *stage) {
        sim_add_guest(stage->sim, "web1", 1, GUEST_GOOD);
}

static void qemu_no_plug(Stage *stage) {
        qemu_with(stage, GUEST_NO_PLUG);
}

static void libvirt(Stage *stage) {
        sim_virt_add_guest(stage->sim, "web1", 2, true, GUEST_GOOD);
}

static bool together(Stage *stage, WantKind kind, const char *guest, unsigned scope, GError **error) {
        Want *want = want_new(kind);
        want->device = g_strdup(NIC);
        want->guest = g_strdup(guest);
        want->scope = scope;
        want->with_group = true;
        return stage_do(stage, want, NULL, error);
}

static bool attach_qemu(Stage *stage, GError **error) {
        return together(stage, WANT_ATTACH, QEMU, 0, error);
}

static bool attach_libvirt(Stage *stage, GError **error) {
        return together(stage, WANT_ATTACH, WEB, 0, error);
}

static bool attach_config(Stage *stage, GError **error) {
        return together(stage, WANT_ATTACH, WEB, SCOPE_CONFIG, error);
}

static bool attach_both(Stage *stage, GError **error) {
        return together(stage, WANT_ATTACH, WEB, BOTH, error);
}

static bool attach_one(Stage *stage, GError **error) {
        return stage_guest(stage, WANT_ATTACH, QEMU, NIC, NULL, error);
}

static void check_given(Stage *stage) {
        stage_expect(stage, NIC, "driver=vfio-pci");
        stage_expect(stage, OTHER, "driver=vfio-pci");
        stage_expect(stage, "0000:15:00.0", "driver=-");
        stage_expect_leases(stage, 2);
}

static void check_qemu(Stage *stage) {
        check_given(stage);
        stage_expect(stage, "lease " NIC, "of " QEMU " active");
        stage_expect(stage, "lease " OTHER, "of " QEMU " active");
}

static void check_libvirt(Stage *stage) {
        check_given(stage);
        stage_expect(stage, "has " NIC, "on pci.1");
        stage_expect(stage, "has " OTHER, "on pci.2");
        stage_expect(stage, "has " OTHER, "managed='yes'");
}

static void check_defined(Stage *stage) {
        stage_expect(stage, NIC, "driver=e1000");
        stage_expect(stage, OTHER, "driver=e1000");
        stage_expect(stage, "defined " NIC, "managed='yes'");
        stage_expect(stage, "defined " OTHER, "managed='yes'");
        stage_expect_leases(stage, 2);
}

static void check_both(Stage *stage) {
        check_libvirt(stage);
        stage_expect(stage, "defined " NIC, "managed='yes'");
        stage_expect(stage, "defined " OTHER, "managed='yes'");
}

/* --- and back ------------------------------------------------------------------------------------------------- */

static void attached_qemu(Stage *stage) {
        g_autoptr(GError) error = NULL;
        qemu(stage);
        stage_must(attach_qemu(stage, &error), error);
        sim_quiesce(stage->sim);
}

static void attached_libvirt(Stage *stage) {
        g_autoptr(GError) error = NULL;
        libvirt(stage);
        stage_must(attach_libvirt(stage, &error), error);
}

static void attached_both(Stage *stage) {
        g_autoptr(GError) error = NULL;
        libvirt(stage);
        stage_must(attach_both(stage, &error), error);
}

static void attached_keeper(Stage *stage) {
        attached_libvirt(stage);
        sim_virt_manners(stage->sim, "web1", GUEST_KEEPS);
}

static void keeper_lets_go(Stage *stage) {
        sim_virt_manners(stage->sim, "web1", GUEST_GOOD);
}

static bool detach_qemu(Stage *stage, GError **error) {
        return together(stage, WANT_DETACH, QEMU, 0, error);
}

static bool detach_libvirt(Stage *stage, GError **error) {
        return together(stage, WANT_DETACH, WEB, 0, error);
}

static bool detach_both(Stage *stage, GError **error) {
        return together(stage, WANT_DETACH, WEB, BOTH, error);
}

/* The guest has let go of the first only, which waits for the other: the same again takes both. */
static void take_the_rest(Stage *stage, const char *guest, unsigned scope) {
        g_autofree char *row = stage_row(stage, "lease " NIC);
        g_autoptr(GError) error = NULL;

        if (!row || !strstr(row, "pending"))
                return;
        stage_must(together(stage, WANT_DETACH, guest, scope, &error), error);
        sim_quiesce(stage->sim);
}

static void rest_of_qemu(Stage *stage) {
        take_the_rest(stage, QEMU, 0);
}

static void rest_of_libvirt(Stage *stage) {
        take_the_rest(stage, WEB, 0);
}

static bool detach_one(Stage *stage, GError **error) {
        return stage_guest(stage, WANT_DETACH, QEMU, NIC, NULL, error);
}

static void check_back(Stage *stage) {
        stage_expect(stage, NIC, "driver=e1000");
        stage_expect(stage, OTHER, "driver=e1000");
        stage_expect_no_row(stage, "has");
        stage_expect_no_row(stage, "defined");
        stage_expect_leases(stage, 0);
}

static const Story stories[] = {
        {"group-attach-one", SIM_CONVENTIONAL, .prepare = qemu, .play = attach_one, .refused = VFADM_ERROR_REFUSED, .says = "--with-group"},
        {"group-attach", SIM_CONVENTIONAL, .stride = 3, .prepare = qemu, .play = attach_qemu, .check = check_qemu},
        {"group-attach-one-slot", SIM_CONVENTIONAL, .prepare = qemu_one_slot, .play = attach_qemu, .refused = VFADM_ERROR_REFUSED,
         .says = "1 free hot-pluggable slot and needs 2"},
        {"group-attach-no-plug", SIM_CONVENTIONAL, .stride = 5, .prepare = qemu_no_plug, .play = attach_qemu, .refused = VFADM_ERROR_FAILED},
        {"group-detach", SIM_CONVENTIONAL, .stride = 3, .prepare = attached_qemu, .play = detach_qemu, .check = check_back, .settle = rest_of_qemu,
         .half_done = true},
        {"group-detach-one", SIM_CONVENTIONAL, .prepare = attached_qemu, .play = detach_one, .refused = VFADM_ERROR_IN_USE, .says = "--with-group"},
        {"group-libvirt-attach", SIM_CONVENTIONAL, .stride = 3, .prepare = libvirt, .play = attach_libvirt, .check = check_libvirt},
        {"group-libvirt-attach-config", SIM_CONVENTIONAL, .stride = 5, .prepare = libvirt, .play = attach_config, .check = check_defined},
        {"group-libvirt-attach-both", SIM_CONVENTIONAL, .stride = 3, .prepare = libvirt, .play = attach_both, .check = check_both},
        {"group-libvirt-detach", SIM_CONVENTIONAL, .stride = 3, .prepare = attached_libvirt, .play = detach_libvirt, .check = check_back,
         .settle = rest_of_libvirt, .half_done = true},
        {"group-libvirt-detach-both", SIM_CONVENTIONAL, .stride = 5, .prepare = attached_both, .play = detach_both, .partly = detach_libvirt,
         .check = check_back, .settle = rest_of_libvirt, .half_done = true},
        {"group-libvirt-detach-pending", SIM_CONVENTIONAL, .prepare = attached_keeper, .play = detach_libvirt, .refused = VFADM_ERROR_PENDING,
         .settle = keeper_lets_go, .half_done = true, .once = true},
};

void stories_group_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
