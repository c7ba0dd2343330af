/* From want to plan: the steps in their order, and every refusal with its reason. No machine is needed. */
#include "base/error.h"
#include "base/text.h"
#include "hosts.h"
#include "plan_world.h"

#include <string.h>

static Want *enable(const char *pf, unsigned n) {
        Want *w = want(WANT_ENABLE, pf, NULL);
        w->num_vfs = n;
        return w;
}

static void test_enable(void) {
        World w = world_new(0);
        assert_steps(&w, enable("enp1s0", 7),
                     "0000:01:00.0: drivers for new VFs on → off\n"
                     "0000:01:00.0: VFs 0 → 7\n"
                     "0000:01:00.0: drivers for new VFs off → on\n");
        assert_steps(&w, enable("enp1s0", 0), "");
        host_pf(w.host)->has_caps = true;
        host_pf(w.host)->caps = (PciCaps) {.has_sriov = true, .sriov_vf_device = 0x10ca};
        g_autoptr(Plan) plan = plan_of(&w, enable("enp1s0", 7), NULL);
        g_assert_cmpstr(((Step *) plan->steps->pdata[0])->to.text, ==, "pci:v00008086d000010CAsv00000000sd00000000bc02sc00i00");
        host_pf(w.host)->autoprobe = false;
        assert_steps(&w, enable("01:00.0", 1), "0000:01:00.0: VFs 0 → 1\n");
        assert_refused(&w, enable("enp1s0", 8), VFADM_ERROR_REFUSED, "at most 7 VFs, not 8");
        assert_refused(&w, enable("enp2s0", 1), VFADM_ERROR_NOT_FOUND, "no such device");
        assert_refused(&w, enable("00:01.0", 1), VFADM_ERROR_UNSUPPORTED, "no SR-IOV capability");
        g_clear_pointer(&host_pf(w.host)->driver, g_free);
        assert_refused(&w, enable("enp1s0", 1), VFADM_ERROR_REFUSED, "has no driver");
        host_pf(w.host)->driver = g_strdup("vfio-pci");
        assert_refused(&w, enable("enp1s0", 1), VFADM_ERROR_UNSUPPORTED, "makes no VFs");
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("bnxt_en");
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->up = false;
        assert_refused(&w, enable("enp1s0", 1), VFADM_ERROR_REFUSED, "ip link set enp1s0 up");
        world_clear(&w);
}

static void test_resize(void) {
        World w = world_new(2);
        host_vf(w.host, 1)->driver = g_strdup("igbvf");
        host_vf_state(w.host, 0)->trust = true;
        assert_steps(&w, enable("enp1s0", 2), "");
        assert_steps(&w, enable("enp1s0", 3),
                     "0000:01:00.0: drivers for new VFs on → off\n"
                     "0000:01:10.2: driver igbvf → no driver\n"
                     "0000:01:10.0: trust=off (was trust=on)\n"
                     "0000:01:00.0: VFs 2 → 0\n"
                     "0000:01:00.0: VFs 0 → 3\n"
                     "0000:01:00.0: drivers for new VFs off → on\n");
        dev_add_use(host_vf(w.host, 1), USE_NETWORK, g_strdup("enp1s0v1 is up"), 0, NULL);
        assert_refused(&w, want(WANT_DISABLE, "enp1s0", NULL), VFADM_ERROR_IN_USE, "enp1s0v1 is up");
        Want *forced = want(WANT_DISABLE, "enp1s0", NULL);
        forced->disrupt = true;
        g_autoptr(Plan) plan = plan_of(&w, forced, NULL);
        g_assert_cmpuint(plan->refusals->len, ==, 0);

        dev_add_use(host_vf(w.host, 0), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        forced = want(WANT_DISABLE, "enp1s0", NULL);
        forced->disrupt = true; /* a guest's VF is never pulled, not even then */
        assert_refused(&w, forced, VFADM_ERROR_IN_USE, "guest web1");
        world_clear(&w);

        w = world_new(2);
        lease_out(&w, 1, "qemu:web2");
        assert_refused(&w, enable("enp1s0", 5), VFADM_ERROR_IN_USE, "leased to qemu:web2");
        world_clear(&w);
}

static void test_set(void) {
        World w = world_new(3);
        assert_steps(&w, want(WANT_SET, "enp1s0/1", "mac=02:00:00:00:00:05 vlan=42.3 spoofchk=on"),
                     "0000:01:10.2: mac=02:00:00:00:00:05 vlan=42.3 (was mac=00:00:00:00:00:00 vlan=0)\n");
        assert_steps(&w, want(WANT_SET, "enp1s0/1", "spoofchk=on"), "");
        host_vf(w.host, 1)->driver = g_strdup("igbvf");
        assert_steps(&w, want(WANT_SET, "enp1s0/1", "mac=02:00:00:00:00:05"),
                     "0000:01:10.2: driver igbvf → no driver\n"
                     "0000:01:10.2: mac=02:00:00:00:00:05 (was mac=00:00:00:00:00:00)\n"
                     "0000:01:10.2: driver no driver → igbvf\n");
        assert_refused(&w, want(WANT_SET, "enp1s0/1", "link=on"), VFADM_ERROR_UNSUPPORTED, "igb does not take link");
        assert_refused(&w, want(WANT_SET, "enp1s0/1", "vlan=42/802.1ad"), VFADM_ERROR_UNSUPPORTED, "802.1Q only");
        assert_refused(&w, want(WANT_SET, "enp1s0/1", "mac=02:00:00:00:01:01"), VFADM_ERROR_REFUSED, "MAC of enp1s0 itself");
        host_vf_state(w.host, 2)->mac[0] = 0x0a;
        assert_refused(&w, want(WANT_SET, "enp1s0/1", "mac=0a:00:00:00:00:00"), VFADM_ERROR_REFUSED, "VF 2 of enp1s0");
        assert_refused(&w, want(WANT_SET, "enp1s0", "vlan=1"), VFADM_ERROR_UNSUPPORTED, "no VF");
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->up = false;
        assert_refused(&w, want(WANT_SET, "enp1s0/1", "vlan=1"), VFADM_ERROR_REFUSED, "enp1s0 is down");
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->up = true;

        dev_add_use(host_vf(w.host, 0), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        assert_refused(&w, want(WANT_SET, "enp1s0/0", "vlan=42"), VFADM_ERROR_IN_USE, "--disrupt");
        assert_steps(&w, want(WANT_SET, "enp1s0/0", "max-rate=100"), "0000:01:10.0: max-rate=100 (was max-rate=0)\n");
        Want *meant = want(WANT_SET, "enp1s0/0", "vlan=42");
        meant->disrupt = true;
        g_autoptr(Plan) plan = plan_of(&w, meant, NULL);
        g_assert_cmpuint(plan->steps->len, ==, 1);
        g_assert_cmpstr(((Step *) plan->steps->pdata[0])->disturbs, ==, "guest web1 (qemu, pid 812)");

        g_array_index(host_pf(w.host)->vf_infos, VfInfo, 2).missing = true;
        assert_refused(&w, want(WANT_SET, "enp1s0/2", "vlan=42"), VFADM_ERROR_BUSY, "in reset");
        world_clear(&w);
}

static Want *bind_to(const char *device, const char *driver) {
        Want *w = want(WANT_BIND, device, NULL);
        w->driver = g_strdup(driver);
        return w;
}

static void test_bind(void) {
        World w = world_new(2);
        assert_steps(&w, bind_to("enp1s0/0", "vfio"),
                     "load the module vfio-pci\n0000:01:10.0: driver no driver → vfio-pci\n");
        w.vfio = "mlx5_vfio_pci";
        assert_steps(&w, bind_to("enp1s0/0", "vfio"),
                     "load the module mlx5_vfio_pci\n0000:01:10.0: driver no driver → mlx5_vfio_pci\n");
        w.vfio = NULL;
        assert_refused(&w, bind_to("00:01.0", "vfio-pci"), VFADM_ERROR_REFUSED, "mounted on /");
        Want *forced = bind_to("00:01.0", "vfio-pci");
        forced->disrupt = true; /* not even then */
        assert_refused(&w, forced, VFADM_ERROR_REFUSED, "mounted on /");
        assert_refused(&w, bind_to("enp1s0", "vfio-pci"), VFADM_ERROR_IN_USE, "2 VFs");
        assert_refused(&w, bind_to("enp1s0/0", "../../evil"), VFADM_ERROR_USAGE, "no driver name");
        assert_refused(&w, bind_to("enp1s0/0", ""), VFADM_ERROR_USAGE, "no driver name");

        host_vf(w.host, 1)->driver = g_strdup("igbvf");
        host_vf(w.host, 1)->iommu_group = host_vf(w.host, 0)->iommu_group;
        assert_refused(&w, bind_to("enp1s0/0", "vfio-pci"), VFADM_ERROR_REFUSED, "shares IOMMU group 20 with 0000:01:10.2 (igbvf)");
        Want *together = bind_to("enp1s0/0", "vfio-pci");
        together->with_group = true;
        assert_steps(&w, together,
                     "load the module vfio-pci\n"
                     "0000:01:10.2: driver igbvf → vfio-pci\n"
                     "0000:01:10.0: driver no driver → vfio-pci\n");
        ((Dev *) snapshot_get(w.host, (PciAddr) {0, 0, 1, 0}))->iommu_group = 20; /* the disk is in the group, too */
        together = bind_to("enp1s0/0", "vfio-pci");
        together->with_group = true;
        assert_refused(&w, together, VFADM_ERROR_REFUSED, "carries this host");

        host_pf(w.host)->iommu_group = 20;
        assert_refused(&w, bind_to("enp1s0/0", "vfio-pci"), VFADM_ERROR_REFUSED, "its own PF is among them");

        w.host->intremap = INTREMAP_OFF;
        assert_refused(&w, bind_to("enp1s0/0", "vfio-pci"), VFADM_ERROR_UNSUPPORTED, "interrupt remapping");
        w.host->has_iommu = false;
        assert_refused(&w, bind_to("enp1s0/0", "vfio-pci"), VFADM_ERROR_UNSUPPORTED, "no IOMMU");
        world_clear(&w);
}

/* Several wants as one plan: the words of `vfadm set`. */
static Plan *plan_of_sets(World *w, const char *line, GError **error) {
        g_autoptr(GPtrArray) wants = g_ptr_array_new_with_free_func((GDestroyNotify) want_free);
        g_auto(GStrv) words = g_strsplit(line, " ", 0);
        PlanInput inputs[8];

        if (!want_parse_sets(words, wants, error))
                return NULL;
        g_assert_cmpuint(wants->len, <=, G_N_ELEMENTS(inputs));
        for (unsigned i = 0; i < wants->len; i++)
                inputs[i] = (PlanInput) {.host = w->host, .leases = w->leases};
        return plan_make_all((Want *const *) wants->pdata, inputs, wants->len, error);
}

static void test_several(void) {
        World w = world_new(7);
        g_autoptr(GError) error = NULL;
        g_autoptr(Plan) plan = plan_of_sets(&w, "enp1s0/0-2 mac=02:00:00:00:42:ff+ vlan=42 enp1s0/5 enp1s0/6 trust=on", &error);
        g_assert_no_error(error);
        g_assert_true(plan_check(plan, &error));
        static const char *const lines[] = {
                "0000:01:10.0: mac=02:00:00:00:42:ff vlan=42 (was mac=00:00:00:00:00:00 vlan=0)",
                "0000:01:10.2: mac=02:00:00:00:43:00 vlan=42 (was mac=00:00:00:00:00:00 vlan=0)",
                "0000:01:10.4: mac=02:00:00:00:43:01 vlan=42 (was mac=00:00:00:00:00:00 vlan=0)",
                "0000:01:11.2: trust=on (was trust=off)",
                "0000:01:11.4: trust=on (was trust=off)",
        };
        g_assert_cmpuint(plan->steps->len, ==, G_N_ELEMENTS(lines));
        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
                g_autofree char *line = step_describe(plan->steps->pdata[i]);
                g_assert_cmpstr(line, ==, lines[i]);
        }
        static const struct {
                const char *line;
                int code;
                const char *says;
        } bad[] = {
                {"enp1s0/0-1 mac=02:00:00:00:42:01", VFADM_ERROR_REFUSED, "same MAC"},
                {"enp1s0/0 vlan=1 01:10.0 trust=on", VFADM_ERROR_USAGE, "named twice"},
                {"enp1s0/0 vlan=1 enp1s0/1", VFADM_ERROR_USAGE, "nothing to set"},
                {"vlan=1 enp1s0/1", VFADM_ERROR_USAGE, "which VF?"},
                {"enp1s0/3-1 vlan=1", VFADM_ERROR_USAGE, "no range"},
                {"enp1s0/0-99999 vlan=1", VFADM_ERROR_USAGE, "no range"},
                {"enp1s0/0-7 vlan=1", VFADM_ERROR_NOT_FOUND, "has VFs 0 to 6"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) wrong = NULL;
                g_autoptr(Plan) none = plan_of_sets(&w, bad[i].line, &wrong);
                g_assert_false(none && plan_check(none, &wrong));
                g_assert_error(wrong, VFADM_ERROR, bad[i].code);
                g_assert_nonnull(strstr(wrong->message, bad[i].says));
        }
        world_clear(&w);
}

/* Taking VFs apart clears their MACs, which makes no twins. */
static void test_several_disables(void) {
        World w = world_new(2);
        Want *wants[] = {want(WANT_DISABLE, "enp1s0", NULL), want(WANT_DISABLE, "01:00.0", NULL)};
        PlanInput inputs[] = {{.host = w.host, .leases = w.leases}, {.host = w.host, .leases = w.leases}};
        g_autoptr(GError) error = NULL;
        host_vf_state(w.host, 0)->mac[0] = host_vf_state(w.host, 1)->mac[0] = 2;
        host_vf_state(w.host, 1)->mac[5] = 1;
        g_autoptr(Plan) plan = plan_make_all(wants, inputs, 2, NULL);
        g_assert_false(plan_check(plan, &error));
        g_assert_cmpstr(error->message, ==, "01:00.0 is named twice");
        want_free(wants[0]);
        want_free(wants[1]);
        world_clear(&w);
}

/* Two devices of one group bound together with their companions: each once, the module once. */
static void test_several_binds(void) {
        World w = world_new(3);
        for (unsigned i = 0; i < 3; i++) {
                host_vf(w.host, i)->iommu_group = 20;
                host_vf(w.host, i)->driver = g_strdup("igbvf");
        }
        Want *wants[] = {bind_to("enp1s0/0", "vfio"), bind_to("enp1s0/1", "vfio")};
        PlanInput inputs[] = {{.host = w.host, .leases = w.leases}, {.host = w.host, .leases = w.leases}};
        wants[0]->with_group = wants[1]->with_group = true;
        g_autoptr(Plan) plan = plan_make_all(wants, inputs, 2, NULL);
        g_assert_cmpuint(plan->refusals->len, ==, 0);
        g_assert_cmpuint(plan->steps->len, ==, 4);
        want_free(wants[0]);
        want_free(wants[1]);
        world_clear(&w);
}

static void test_unbind(void) {
        World w = world_new(1);
        Dev *vf = host_vf(w.host, 0);
        vf->driver = g_strdup("vfio-pci");
        vf->driver_override = g_strdup("vfio-pci");
        host_pf(w.host)->autoprobe = false;
        assert_steps(&w, want(WANT_UNBIND, "enp1s0/0", NULL),
                     "0000:01:10.0: load the host's driver for it, if there is one\n"
                     "0000:01:00.0: drivers for new VFs off → on\n"
                     "0000:01:10.0: driver vfio-pci → (the host's own)\n"
                     "0000:01:00.0: drivers for new VFs on → off\n");
        lease_out(&w, 0, "qemu:web1");
        assert_refused(&w, want(WANT_UNBIND, "enp1s0/0", NULL), VFADM_ERROR_IN_USE, "vfadm detach qemu:web1");
        world_clear(&w);
}

static void test_attach(void) {
        World w = world_new(3);
        dev_add_use(host_vf(w.host, 0), USE_NETWORK, g_strdup("enp1s0v0 is up"), 0, NULL);
        host_vf(w.host, 1)->driver = g_strdup("igbvf");
        host_vf(w.host, 2)->driver = g_strdup("igbvf");
        assert_steps(&w, want(WANT_ATTACH, "enp1s0", "mac=02:00:00:00:00:05 vlan=42"),
                     "0000:01:10.2: free → leased to qemu:web1\n"
                     "load the module vfio-pci\n"
                     "0000:01:10.2: driver igbvf → no driver\n"
                     "0000:01:10.2: mac=02:00:00:00:00:05 vlan=42 (was mac=00:00:00:00:00:00 vlan=0)\n"
                     "0000:01:10.2: driver no driver → vfio-pci\n"
                     "0000:01:10.2: plug into qemu:web1\n");

        g_autoptr(Plan) plan = plan_of(&w, want(WANT_ATTACH, NULL, "vlan=42"), NULL);
        g_assert_cmpstr(plan->result, ==, "0000:01:10.2");
        const Lease *lease = ((Step *) plan->steps->pdata[0])->to.lease;
        g_assert_cmpstr(lease->saved_driver, ==, "igbvf");
        g_assert_cmpint(lease->pid, ==, 812);
        g_assert_cmpuint(lease->given.mac[0] & 3, ==, 2);
        g_assert_cmpstr(((Step *) plan->steps->pdata[5])->guest_bus, ==, "rp2");

        assert_refused(&w, want(WANT_ATTACH, "enp1s0/0", ""), VFADM_ERROR_IN_USE, "enp1s0v0 is up");
        assert_refused(&w, want(WANT_ATTACH, "enp1s0/1", "mac=00:00:00:00:00:00"), VFADM_ERROR_USAGE, "random MAC");
        assert_refused(&w, want(WANT_ATTACH, "00:01.0", ""), VFADM_ERROR_REFUSED, "mounted on /");
        w.guest->memlock_limit = 8 << 20;
        assert_refused(&w, want(WANT_ATTACH, "enp1s0/1", ""), VFADM_ERROR_REFUSED, "may lock 8 MiB of memory and needs 256 MiB");
        w.guest->memlock_exempt = true;
        ((GuestSlot *) w.guest->slots->pdata[2])->free = false;
        assert_refused(&w, want(WANT_ATTACH, "enp1s0/1", ""), VFADM_ERROR_REFUSED, "all 2 are taken");
        world_clear(&w);

        w = world_new(0);
        assert_refused(&w, want(WANT_ATTACH, "enp1s0", ""), VFADM_ERROR_NOT_FOUND, "vfadm enable enp1s0 N");
        assert_refused(&w, want(WANT_ATTACH, NULL, ""), VFADM_ERROR_NOT_FOUND, "no VFs are on");
        world_clear(&w);

        w = world_new(1);
        lease_out(&w, 0, "qemu:web2");
        assert_refused(&w, want(WANT_ATTACH, "enp1s0", ""), VFADM_ERROR_IN_USE, "all 1 VFs of enp1s0 are in use (VF 0: leased to qemu:web2");
        assert_refused(&w, want(WANT_ATTACH, "enp1s0/0", ""), VFADM_ERROR_IN_USE, "leased to qemu:web2");
        world_clear(&w);
}

static void test_detach(void) {
        World w = world_new(2);
        lease_out(&w, 1, "qemu:web1");
        GuestDevice *device = guest_info_add_device(w.guest, "vfadm-x");
        device->host = host_vf(w.host, 1)->addr;
        device->has_host = true;
        dev_add_use(host_vf(w.host, 1), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        const char *back = "0000:01:10.2: take out of qemu:web1\n"
                           "0000:01:10.2: reset\n"
                           "0000:01:10.2: driver vfio-pci → no driver\n"
                           "0000:01:10.2: mac=00:00:00:00:00:00 vlan=0 (was mac=02:00:00:00:00:09 vlan=42)\n"
                           "0000:01:10.2: driver no driver → igbvf\n"
                           "0000:01:10.2: leased to qemu:web1 → free\n";
        assert_steps(&w, want(WANT_DETACH, "enp1s0/1", NULL), back);
        assert_refused(&w, want(WANT_RELEASE, "enp1s0/1", NULL), VFADM_ERROR_IN_USE, "still held by guest web1");
        assert_refused(&w, want(WANT_DETACH, "enp1s0/0", NULL), VFADM_ERROR_NOT_FOUND, "not leased");

        /* The guest has ended: the same without it. */
        g_ptr_array_set_size(host_vf(w.host, 1)->uses, 0);
        g_clear_pointer(&w.guest, guest_info_free);
        assert_steps(&w, want(WANT_RELEASE, "41", NULL), strchr(back, '\n') + 1);
        Want *late = want(WANT_RELEASE, "41", NULL);
        late->lease_id = 7;
        assert_steps(&w, late, ""); /* a late release never meets the next owner */
        w.guest = guest_info_new("qemu", "web9");
        assert_refused(&w, want(WANT_DETACH, "enp1s0/1", NULL), VFADM_ERROR_REFUSED, "leased to qemu:web1, not to qemu:web9");
        world_clear(&w);
}

static void test_device_gone(void) {
        World w = world_new(2);
        lease_out(&w, 1, "qemu:web1");
        ((NetDev *) host_pf(w.host)->nets->pdata[0])->permanent_mac[5] ^= 1; /* the card was changed for another */
        assert_steps(&w, want(WANT_RELEASE, "41", NULL), "0000:01:10.2: leased to qemu:web1 → free\n");
        world_clear(&w);
}

static void test_mac(void) {
        uint8_t a[6], b[6];
        plan_derive_mac(NULL, "m1", "web1", 0, a);
        plan_derive_mac(NULL, "m1", "web1", 0, b);
        g_assert_cmpmem(a, 6, b, 6);
        g_assert_cmpuint(a[0] & 3, ==, 2);
        plan_derive_mac(NULL, "m1", "web1", 1, b);
        g_assert_cmpint(memcmp(a, b, 6), !=, 0);
        plan_derive_mac(NULL, "m2", "web1", 0, b);
        g_assert_cmpint(memcmp(a, b, 6), !=, 0);
        plan_derive_mac("u", "m1", "web1", 0, a);
        plan_derive_mac("u", "m2", "web2", 0, b); /* the UUID travels with the guest */
        g_assert_cmpmem(a, 6, b, 6);
}

static void test_words(void) {
        static const struct {
                const char *word, *says;
        } bad[] = {{"vlan", "key=value"}, {"=1", "key=value"}, {"vlan=1=2", "number from 0"}, {"colour=red", "unknown word"}, {"nic=300", "0 to 255"}, {"mac=01:00:00:00:00:01", "multicast"}};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(Want) w = want_new(WANT_ATTACH);
                g_autoptr(GError) error = NULL;
                char *words[] = {(char *) bad[i].word, NULL};
                g_assert_false(want_parse_words(w, words, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_USAGE);
                g_assert_nonnull(strstr(error->message, bad[i].says));
        }
        g_autoptr(Want) w = want_new(WANT_SET);
        g_autoptr(GError) error = NULL;
        char *twice[] = {(char *) "vlan=1", (char *) "vlan=2", NULL};
        g_assert_false(want_parse_words(w, twice, &error));
        g_assert_nonnull(strstr(error->message, "twice"));
}

/* Words of an attach, of which a set, a pool and a guest that is to be started take only some. */
static char *words_error(WantKind kind, const char *line) {
        g_autoptr(Want) w = want_new(kind);
        g_auto(GStrv) words = g_strsplit(line, " ", 0);
        g_autoptr(GError) error = NULL;
        g_assert_false(want_parse_words(w, words, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_USAGE);
        return g_strdup(error->message);
}

static void test_guest_words(void) {
        static const struct {
                WantKind kind;
                const char *line, *says;
        } bad[] = {
                {WANT_ATTACH, "managed=maybe", "managed=maybe: yes (libvirt binds the driver and gives it back) or no (vfadm does)"},
                {WANT_ATTACH, "managed=no managed=yes", "managed= is given twice"},
                {WANT_ATTACH, "nic=1 nic=1", "nic= is given twice"},
                {WANT_ATTACH, "profile=", "profile=: a port profile's name has 1 to 39 printable ASCII characters"},
                {WANT_ATTACH, "profile=a\tb", "profile=: a port profile's name has 1 to 39 printable ASCII characters"},
                {WANT_ATTACH, "profile=0123456789012345678901234567890123456789", "profile=: a port profile's name has 1 to 39 printable ASCII characters"},
                {WANT_ATTACH, "profile=web vlan=5", "profile=web and vlan= cannot go together: a port profile brings its VLAN from the switch"},
                {WANT_ATTACH, "vlan=5 profile=web", "profile=web and vlan= cannot go together: a port profile brings its VLAN from the switch"},
                {WANT_ATTACH, "teaming=ua-", "teaming=: it names the alias of the guest's persistent NIC, as in teaming=ua-backup0 (letters, digits, '_' and '-' after ua-)"},
                {WANT_ATTACH, "teaming=net0", "teaming=: it names the alias of the guest's persistent NIC, as in teaming=ua-backup0 (letters, digits, '_' and '-' after ua-)"},
                {WANT_ATTACH, "teaming=ua-a'b", "teaming=: it names the alias of the guest's persistent NIC, as in teaming=ua-backup0 (letters, digits, '_' and '-' after ua-)"},
                {WANT_LEND, "profile=web", "profile=: this word is for guests of another kind, as in 'vfadm attach libvirt:NAME profile=…'; 'vfadm run' starts QEMU itself"},
                {WANT_LEND, "managed=no", "managed=: this word is for guests of another kind, as in 'vfadm attach libvirt:NAME managed=…'; 'vfadm run' starts QEMU itself"},
                {WANT_LEND, "teaming=ua-b", "teaming=: this word is for guests of another kind, as in 'vfadm attach libvirt:NAME teaming=…'; 'vfadm run' starts QEMU itself"},
                {WANT_SET, "profile=web", "profile=web: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate"},
                {WANT_POOL_DEFINE, "nic=1", "nic=1: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate"},
                {WANT_LEND, "x=1", "x=1: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate and nic"},
                {WANT_ATTACH, "x=1", "x=1: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate, nic, managed, profile, teaming, permissive, msitranslate, power-mgmt, rdm and slot"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *said = words_error(bad[i].kind, bad[i].line);
                g_assert_cmpstr(said, ==, bad[i].says);
        }
        g_autoptr(Want) w = want_new(WANT_ATTACH);
        char *good[] = {(char *) "managed=no", (char *) "profile=012345678901234567890123456789 two 'x'", (char *) "teaming=ua-back_up-0", (char *) "nic=3", NULL};
        g_autoptr(GError) error = NULL;
        g_assert_true(want_parse_words(w, good, &error));
        g_assert_true(w->unmanaged);
        g_assert_cmpstr(w->profile, ==, "012345678901234567890123456789 two 'x'");
        g_assert_cmpstr(w->teaming, ==, "ua-back_up-0");
        g_assert_cmpint(w->nic, ==, 3);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan/enable", test_enable);
        g_test_add_func("/plan/resize", test_resize);
        g_test_add_func("/plan/set", test_set);
        g_test_add_func("/plan/bind", test_bind);
        g_test_add_func("/plan/several", test_several);
        g_test_add_func("/plan/several-disables", test_several_disables);
        g_test_add_func("/plan/several-binds", test_several_binds);
        g_test_add_func("/plan/unbind", test_unbind);
        g_test_add_func("/plan/attach", test_attach);
        g_test_add_func("/plan/detach", test_detach);
        g_test_add_func("/plan/device-gone", test_device_gone);
        g_test_add_func("/plan/mac", test_mac);
        g_test_add_func("/plan/words", test_words);
        g_test_add_func("/plan/guest-words", test_guest_words);
        return g_test_run();
}
