/* Stories of others who begin to use a device while vfadm is at it: between its look and its deed, and before a guest that was
 * lent a device has opened it. */
#include "stage.h"

#include "base/error.h"
#include "host/rtnl.h"
#include "ledger/ledger.h"

#include <stdlib.h>

#define VF1 "0000:01:10.2"

static void must(bool ok) {
        g_assert_true(ok);
}

/* Driverless VFs have no MAC of their own, which closing a device forgets: the machine can be compared. */
static void one_bound(Stage *stage) {
        must(stage_enable(stage, "enp1s0", 7, NULL) && stage_bind(stage, "enp1s0/1", "vfio-pci", false, NULL));
}

static void dpdk_opens(Stage *stage) {
        stage->other = sim_start(stage->sim, "dpdk-testpmd");
        g_assert_cmpint(sim_open_vfio(stage->sim, stage->other, VF1), ==, 0);
}

/* Whoever came has gone again in the end. */
static bool disable_under_dpdk(Stage *stage, GError **error) {
        bool ok = stage_verb(stage, WANT_DISABLE, "enp1s0", NULL, error);
        sim_end_process(stage->sim, stage->other);
        return ok;
}

static bool unbind_under_dpdk(Stage *stage, GError **error) {
        bool ok = stage_verb(stage, WANT_UNBIND, "enp1s0/1", NULL, error);
        sim_end_process(stage->sim, stage->other);
        return ok;
}

static void guest_and_vfs_of_host(Stage *stage) {
        stage_echo(stage, "sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "7");
        sim_add_guest(stage->sim, "web1", 2, GUEST_GOOD);
}

static bool attach(Stage *stage, GError **error) {
        return stage_guest(stage, WANT_ATTACH, "qemu:web1", "enp1s0/0", "mac=02:00:00:00:aa:01", error);
}

static void vf0_comes_up(Stage *stage) {
        g_autoptr(Io) io = sim_process(stage->sim, "ip");
        g_autofree char *text = NULL;

        g_assert_cmpint(io_read_text(io, "sys/class/net/enp1s0v0/ifindex", &text), ==, 0);
        g_autoptr(GByteArray) message = rtnl_build_link_up(atoi(text), true);
        g_assert_cmpint(io_netlink(io, message->data, message->len, NULL, NULL), ==, 0);
}

/* As 'vfadm run' leaves it between the lease and the guest's opening of the device. */
static void lent_not_opened(Stage *stage) {
        g_autoptr(Io) io = sim_process(stage->sim, "sh");
        g_autoptr(Ledger) ledger = ledger_open(stage->ledger, false, NULL);
        g_autoptr(Plan) plan = plan_new("run");
        g_autoptr(Lease) lease = lease_new();
        int64_t id;

        one_bound(stage);
        must(pci_addr_parse(VF1, &lease->dev) && pci_addr_parse("0000:01:00.0", &lease->pf));
        lease->guest = g_strdup("qemu:web1");
        lease->pid = sim_start(stage->sim, "qemu");
        g_assert_cmpint(io_process_start(io, lease->pid, &lease->pid_start), ==, 0);
        g_assert_cmpint(io_boot_id(io, &lease->boot_id), ==, 0);
        Step *step = plan_add(plan, step_new(STEP_LEASE, lease->dev, "because"));
        step->to.lease = lease_copy(lease);
        must(ledger_begin(ledger, plan, lease->boot_id, lease->pid, lease->pid_start, &id, NULL));
        must(ledger_mark_lease(ledger, id, 0, MARK_DONE, lease, 0, NULL));
        must(ledger_end(ledger, id, true, NULL));
}

static bool release_lent(Stage *stage, GError **error) {
        return stage_verb(stage, WANT_RELEASE, "enp1s0/1", NULL, error);
}

#define IGB .cards = {"igb"}

static const Story stories[] = {
        {"disable-opened-meanwhile", IGB, .prepare = one_bound, .play = disable_under_dpdk, .meanwhile = dpdk_opens,
         .refused = VFADM_ERROR_IN_USE, .says = "dpdk-testpmd", .once = true},
        {"unbind-opened-meanwhile", IGB, .prepare = one_bound, .play = unbind_under_dpdk, .meanwhile = dpdk_opens,
         .refused = VFADM_ERROR_IN_USE, .says = "meanwhile", .once = true},
        {"attach-brought-up-meanwhile", IGB, .prepare = guest_and_vfs_of_host, .play = attach, .meanwhile = vf0_comes_up,
         .refused = VFADM_ERROR_IN_USE, .says = "enp1s0v0 is up", .once = true},
        {"release-lent-not-opened", IGB, .prepare = lent_not_opened, .play = release_lent, .refused = VFADM_ERROR_IN_USE,
         .says = "still runs", .once = true},
};

void stories_meanwhile_add(void) {
        for (unsigned i = 0; i < G_N_ELEMENTS(stories); i++)
                story_add(&stories[i]);
}
