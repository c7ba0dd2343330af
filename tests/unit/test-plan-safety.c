/* What a plan must never do to somebody else's device, in the cases that are easy to forget. */
#include "base/error.h"
#include "hosts.h"
#include "plan_world.h"

#include <string.h>

/* VFIO gives a whole group to one process: what web2 has of it keeps all of it from web1. */
static void test_group_of_another(void) {
        World w = world_new(3);
        for (unsigned i = 0; i < 3; i++)
                host_vf(w.host, i)->iommu_group = 20;
        lease_out(&w, 0, "qemu:web2");
        assert_refused(&w, want(WANT_ATTACH, "enp1s0/1", ""), VFADM_ERROR_IN_USE, "shares IOMMU group 20 with 0000:01:10.0, which is leased to qemu:web2");
        g_ptr_array_set_size(w.leases, 0);
        dev_add_use(host_vf(w.host, 0), USE_PROCESS, g_strdup("dpdk (pid 900)"), 900, NULL);
        assert_refused(&w, want(WANT_LEND, "enp1s0/1", ""), VFADM_ERROR_IN_USE, "in use by dpdk (pid 900)");
        world_clear(&w);

        w = world_new(2); /* the same guest may have two members of a group */
        host_vf(w.host, 0)->iommu_group = host_vf(w.host, 1)->iommu_group = 20;
        lease_out(&w, 0, "qemu:web1");
        dev_add_use(host_vf(w.host, 0), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        g_autoptr(Plan) plan = plan_of(&w, want(WANT_ATTACH, "enp1s0/1", ""), NULL);
        g_assert_cmpuint(plan->refusals->len, ==, 0);
        world_clear(&w);
}

/* What the card's driver does not report it most likely does not take either: turning VFs off must not fail for it. */
static void test_dismantle_only_known(void) {
        World w = world_new(1);
        host_pf(w.host)->autoprobe = false;
        *host_vf_state(w.host, 0) = (VfState) {.known = VF_MAC | VF_VLAN, .vlan = 5, .proto = VLAN_PROTO_8021Q};
        assert_steps(&w, want(WANT_DISABLE, "enp1s0", NULL), "0000:01:10.0: vlan=0 (was vlan=5)\n0000:01:00.0: VFs 1 → 0\n");
        /* igb refuses any rate while the PF has no link, and that is no reason to keep the VFs either. */
        *host_vf_state(w.host, 0) = (VfState) {.known = VF_MAX_RATE, .max_rate = 100};
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->carrier = false;
        assert_steps(&w, want(WANT_DISABLE, "enp1s0", NULL), "0000:01:00.0: VFs 1 → 0\n");
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->carrier = true;
        assert_steps(&w, want(WANT_DISABLE, "enp1s0", NULL), "0000:01:10.0: max-rate=0 (was max-rate=100)\n0000:01:00.0: VFs 1 → 0\n");
        world_clear(&w);
}

/* While the kernel takes VFs away, the first links are gone before the last ones: those still count. */
static void test_gap(void) {
        World w = world_new(3);
        Dev *pf = host_pf(w.host);
        g_array_index(pf->vfs, PciAddr, 0) = (PciAddr) {.domain = UINT32_MAX, .bus = 0xff, .slot = 31, .function = 7};
        pf->num_vfs = 2;
        dev_add_use(host_vf(w.host, 2), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        assert_refused(&w, want(WANT_DISABLE, "enp1s0", NULL), VFADM_ERROR_IN_USE, "guest web1");
        world_clear(&w);
}

static void test_vf_of_vfio_pf(void) {
        World w = world_new(1);
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("vfio-pci");
        g_ptr_array_set_size(host_pf(w.host)->nets, 0);
        assert_refused(&w, want(WANT_ATTACH, "01:10.0", ""), VFADM_ERROR_UNSUPPORTED, "vf_token");
        world_clear(&w);
}

static void test_xen(void) {
        World w = world_new(2);
        host_vf(w.host, 0)->driver = g_strdup("pciback");
        assert_refused(&w, want(WANT_ATTACH, "enp1s0/0", ""), VFADM_ERROR_IN_USE, "kept for Xen's guests (driver pciback); run 'vfadm unbind 0000:01:10.0' first");
        host_vf(w.host, 1)->driver = g_strdup("igbvf");
        g_autoptr(Plan) plan = plan_of(&w, want(WANT_ATTACH, NULL, ""), NULL);
        g_assert_cmpstr(plan->result, ==, "0000:01:10.2");
        world_clear(&w);
}

/* A companion is of another make: the variant driver is for the device itself. */
static void test_companion_driver(void) {
        World w = world_new(2);
        host_vf(w.host, 0)->iommu_group = host_vf(w.host, 1)->iommu_group = 20;
        host_vf(w.host, 1)->driver = g_strdup("igbvf");
        w.vfio = "mlx5_vfio_pci";
        Want *together = want(WANT_BIND, "enp1s0/0", NULL);
        together->driver = g_strdup("vfio");
        together->with_group = true;
        assert_steps(&w, together,
                     "load the module mlx5_vfio_pci\n"
                     "0000:01:10.2: driver igbvf → vfio-pci\n"
                     "0000:01:10.0: driver no driver → mlx5_vfio_pci\n");
        world_clear(&w);
}

/* Trust that was set by hand while the guest had the VF must not go to the next one. */
static void test_restores_all(void) {
        World w = world_new(1);
        lease_out(&w, 0, "qemu:web1");
        host_vf_state(w.host, 0)->trust = true;
        g_clear_pointer(&w.guest, guest_info_free);
        assert_steps(&w, want(WANT_RELEASE, "enp1s0/0", NULL),
                     "0000:01:10.0: reset\n"
                     "0000:01:10.0: driver vfio-pci → no driver\n"
                     "0000:01:10.0: mac=00:00:00:00:00:00 vlan=0 trust=off (was mac=02:00:00:00:00:09 vlan=42 trust=on)\n"
                     "0000:01:10.0: driver no driver → igbvf\n"
                     "0000:01:10.0: leased to qemu:web1 → free\n");
        Want *bare = want(WANT_RELEASE, "enp1s0/0", NULL);
        bare->no_reset = true;
        g_autoptr(Plan) plan = plan_of(&w, bare, NULL);
        g_assert_cmpint(((const Step *) plan->steps->pdata[0])->kind, ==, STEP_DRIVER);
        g_assert_cmpuint(plan->steps->len, ==, 4);
        g_assert_nonnull(strstr(plan->notes->pdata[0], "not reset"));
        world_clear(&w);
}

/* Somebody gave the VF to the host by hand, and it carries traffic: only the lease ends. */
static void test_taken_by_host(void) {
        World w = world_new(1);
        lease_out(&w, 0, "qemu:web1");
        Dev *vf = host_vf(w.host, 0);
        g_free(vf->driver);
        vf->driver = g_strdup("igbvf");
        dev_add_use(vf, USE_NETWORK, g_strdup("enp1s0v0 is up with 10.0.0.3"), 0, NULL);
        g_clear_pointer(&w.guest, guest_info_free);
        assert_steps(&w, want(WANT_RELEASE, "enp1s0/0", NULL), "0000:01:10.0: leased to qemu:web1 → free\n");
        world_clear(&w);
}

/* The guest's own process may hold the device only where that guest is asked to let go of it. */
static void test_holder_unseen(void) {
        World w = world_new(2);
        lease_out(&w, 1, "qemu:web1");
        dev_add_use(host_vf(w.host, 1), USE_PROCESS, g_strdup("qemu (pid 812)"), 812, NULL);
        /* It says that it has no such device, and holds it all the same. */
        assert_refused(&w, want(WANT_DETACH, "enp1s0/1", NULL), VFADM_ERROR_IN_USE, "qemu (pid 812)");
        /* It lists a device by this lease's id, though not of which function. */
        guest_info_add_device(w.guest, "vfadm-x");
        g_autoptr(Plan) plan = plan_of(&w, want(WANT_DETACH, "enp1s0/1", NULL), NULL);
        g_assert_cmpuint(plan->refusals->len, ==, 0);
        g_assert_cmpint(((Step *) plan->steps->pdata[0])->kind, ==, STEP_GUEST);
        /* No guest of that name is found, yet its process is there. */
        g_clear_pointer(&w.guest, guest_info_free);
        assert_refused(&w, want(WANT_DETACH, "enp1s0/1", NULL), VFADM_ERROR_IN_USE, "qemu (pid 812)");
        world_clear(&w);
}

/* Somebody started a second QEMU of the same name: the guest is still the one whose process took the lease. */
static void test_twin_name(void) {
        World w = world_new(1);
        lease_out(&w, 0, "qemu:web1");
        guest_info_free(w.guest);
        w.guest = guest_info_new("qemu", "pid-812");
        w.guest->pid = 812;
        w.guest->pid_start = 4711;
        GuestDevice *device = guest_info_add_device(w.guest, "vfadm-x");
        device->host = host_vf(w.host, 0)->addr;
        device->has_host = true;
        g_autoptr(Plan) plan = plan_of(&w, want(WANT_DETACH, "enp1s0/0", NULL), NULL);
        g_assert_cmpuint(plan->refusals->len, ==, 0);
        g_assert_cmpstr(((Step *) plan->steps->pdata[0])->guest, ==, "qemu:pid-812");
        w.guest->pid_start++; /* the number was given to another process since */
        assert_refused(&w, want(WANT_DETACH, "enp1s0/0", NULL), VFADM_ERROR_REFUSED, "not to qemu:pid-812");
        world_clear(&w);
}

/* A plan says what it takes, and who may be found there: act/ looks once more. */
static void test_what_is_taken(void) {
        World w = world_new(3);
        Want *disable = want(WANT_DISABLE, "enp1s0", NULL);
        disable->disrupt = true;
        dev_add_use(host_vf(w.host, 1), USE_NETWORK, g_strdup("enp1s0v1 is up"), 0, NULL);
        g_autoptr(Plan) plan = plan_of(&w, disable, NULL);
        g_assert_cmpuint(plan->taken->len, ==, 3);
        g_assert_cmpuint(plan->known->len, ==, 1);
        const KnownUse *known = &g_array_index(plan->known, KnownUse, 0);
        g_assert_true(pci_addr_equal(known->dev, host_vf(w.host, 1)->addr));
        g_assert_cmpint(known->kind, ==, USE_NETWORK);

        g_autoptr(Plan) silent = plan_of(&w, want(WANT_SET, "enp1s0/0", "max-rate=100"), NULL);
        g_assert_cmpuint(silent->steps->len, ==, 1);
        g_assert_cmpuint(silent->taken->len, ==, 0);
        g_autoptr(Plan) noticed = plan_of(&w, want(WANT_SET, "enp1s0/0", "vlan=42"), NULL);
        g_assert_cmpuint(noticed->taken->len, ==, 1);

        /* The guest that is asked to let go may be found there until it does, and after that with another member of the group. */
        lease_out(&w, 0, "qemu:web1");
        dev_add_use(host_vf(w.host, 0), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        GuestDevice *device = guest_info_add_device(w.guest, "vfadm-x");
        device->host = host_vf(w.host, 0)->addr;
        device->has_host = true;
        g_autoptr(Plan) back = plan_of(&w, want(WANT_DETACH, "enp1s0/0", NULL), NULL);
        g_assert_cmpuint(back->refusals->len, ==, 0);
        g_assert_cmpuint(back->taken->len, ==, 1);
        g_assert_cmpint(g_array_index(back->known, KnownUse, 0).pid, ==, 812);
        world_clear(&w);
}

/* In a container nobody can tell who has a device open through VFIO, or its disk. */
static void test_users_not_seen(void) {
        World w = world_new(2);
        w.host->processes_hidden = true;
        Dev *vf = host_vf(w.host, 0);
        g_free(vf->driver);
        vf->driver = g_strdup("vfio-pci");
        assert_refused(&w, want(WANT_DISABLE, "enp1s0", NULL), VFADM_ERROR_REFUSED, "only a container's processes");
        assert_refused(&w, want(WANT_UNBIND, "enp1s0/0", NULL), VFADM_ERROR_REFUSED, "who uses enp1s0/0 cannot be known");
        assert_refused(&w, want(WANT_SET, "enp1s0/0", "vlan=42"), VFADM_ERROR_REFUSED, "who uses enp1s0/0 cannot be known");
        Want *disrupt = want(WANT_DISABLE, "enp1s0", NULL);
        disrupt->disrupt = true; /* a guest may have it: not even then */
        assert_refused(&w, disrupt, VFADM_ERROR_REFUSED, "only a container's processes");
        g_autoptr(Plan) other = plan_of(&w, want(WANT_SET, "enp1s0/1", "vlan=42"), NULL);
        g_assert_cmpuint(other->refusals->len, ==, 0);
        lease_out(&w, 0, "qemu:web1");
        assert_refused(&w, want(WANT_RELEASE, "enp1s0/0", NULL), VFADM_ERROR_REFUSED, "only a container's processes");
        world_clear(&w);
}

/* A guest that 'vfadm run' has just started holds nothing yet, and its VF must not go to another one meanwhile. */
static void test_release_of_lent(void) {
        World w = world_new(2);
        lease_out(&w, 0, "qemu:web1");
        Lease *lease = w.leases->pdata[0];
        g_clear_pointer(&lease->guest_device, g_free);
        lease->holder_lives = true;
        assert_refused(&w, want(WANT_RELEASE, "enp1s0/0", NULL), VFADM_ERROR_IN_USE, "still runs (pid 812)");
        lease->holder_lives = false;
        g_autoptr(Plan) plan = plan_of(&w, want(WANT_RELEASE, "enp1s0/0", NULL), NULL);
        g_assert_cmpuint(plan->refusals->len, ==, 0);
        /* What was plugged in may have been pulled by hand: whoever lives without it keeps nobody waiting. */
        lease->holder_lives = true;
        lease->guest_device = g_strdup("vfadm-x");
        g_autoptr(Plan) pulled = plan_of(&w, want(WANT_RELEASE, "enp1s0/0", NULL), NULL);
        g_assert_cmpuint(pulled->refusals->len, ==, 0);
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-safety/group-of-another", test_group_of_another);
        g_test_add_func("/plan-safety/dismantle-only-known", test_dismantle_only_known);
        g_test_add_func("/plan-safety/gap", test_gap);
        g_test_add_func("/plan-safety/vf-of-vfio-pf", test_vf_of_vfio_pf);
        g_test_add_func("/plan-safety/xen", test_xen);
        g_test_add_func("/plan-safety/companion-driver", test_companion_driver);
        g_test_add_func("/plan-safety/restores-all", test_restores_all);
        g_test_add_func("/plan-safety/taken-by-host", test_taken_by_host);
        g_test_add_func("/plan-safety/holder-unseen", test_holder_unseen);
        g_test_add_func("/plan-safety/twin-name", test_twin_name);
        g_test_add_func("/plan-safety/what-is-taken", test_what_is_taken);
        g_test_add_func("/plan-safety/users-not-seen", test_users_not_seen);
        g_test_add_func("/plan-safety/release-of-lent", test_release_of_lent);
        return g_test_run();
}
