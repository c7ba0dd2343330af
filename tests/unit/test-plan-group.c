/* Functions that share an IOMMU group: which VF is chosen, and how all of a group come to one guest. */
#include "base/error.h"
#include "base/text.h"
#include "hosts.h"
#include "plan_world.h"

#include <string.h>

static void set_group(World *w, unsigned vf, int group, const char *driver) {
        Dev *dev = host_vf(w->host, vf);
        dev->iommu_group = group;
        g_free(dev->driver);
        dev->driver = g_strdup(driver);
        g_free(dev->driver_override);
        dev->driver_override = driver && g_str_equal(driver, "vfio-pci") ? g_strdup(driver) : NULL;
}

static void assert_chosen(World *w, const char *from, const char *name) {
        g_autoptr(GError) error = NULL;
        PlanInput input = {.host = w->host, .leases = w->leases, .guest = w->guest};
        g_autoptr(Want) ask = want(WANT_ATTACH, from, "");
        const Dev *dev = plan_choose(ask, &input, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(dev->name, ==, name);
}

/* The first free VF is no use when its group holds it back. */
static void test_choice(void) {
        World w = world_new(5);
        set_group(&w, 0, 30, NULL);
        set_group(&w, 1, 30, "igbvf"); /* keeps VF 0 from VFIO; VF 0 does not keep it */
        set_group(&w, 2, 31, "igbvf");
        set_group(&w, 3, 32, NULL);
        set_group(&w, 4, 32, "vfio-pci");
        assert_chosen(&w, "enp1s0", "0000:01:10.6"); /* viable and driverless */
        assert_chosen(&w, NULL, "0000:01:10.6");
        dev_add_use(host_vf(w.host, 4), USE_PROCESS, g_strdup("dpdk (pid 900)"), 900, NULL);
        assert_chosen(&w, "enp1s0", "0000:01:10.2"); /* viable, though with a driver: VF 3 would go with VF 4 */
        dev_add_use(host_vf(w.host, 1), USE_NETWORK, g_strdup("enp1s0v1 is up"), 0, NULL);
        assert_chosen(&w, "enp1s0", "0000:01:10.4");
        dev_add_use(host_vf(w.host, 2), USE_NETWORK, g_strdup("enp1s0v2 is up"), 0, NULL);
        /* None is left that could go: the reason of the first one is told. */
        assert_refused(&w, want(WANT_ATTACH, "enp1s0", ""), VFADM_ERROR_REFUSED, "0000:01:10.0 shares IOMMU group 30 with 0000:01:10.2 (igbvf)");
        assert_refused(&w, want(WANT_ATTACH, NULL, ""), VFADM_ERROR_REFUSED, "0000:01:10.0 shares IOMMU group 30");
        world_clear(&w);
}

/* Another card, 0000:02:00.0, with one VF that is in a group of its own. */
static void add_card(Snapshot *host) {
        Dev *pf = dev_new((PciAddr) {0, 2, 0, 0}), *vf = dev_new((PciAddr) {0, 2, 0x10, 0});
        NetDev *net = net_dev_new("enp2s0");

        pf->driver = g_strdup("igb");
        pf->is_pf = true;
        pf->num_vfs = 1;
        pf->iommu_group = 40;
        pf->vfs = g_array_new(FALSE, TRUE, sizeof(PciAddr));
        g_array_append_val(pf->vfs, vf->addr);
        net->up = true;
        g_ptr_array_add(pf->nets, net);
        vf->is_vf = true;
        vf->pf = pf->addr;
        vf->iommu_group = 41;
        snapshot_add(host, pf);
        snapshot_add(host, vf);
        snapshot_seal(host);
}

/* Any VF will do: then one of a card whose groups let them go. */
static void test_choice_of_card(void) {
        World w = world_new(1);
        add_card(w.host);
        assert_chosen(&w, NULL, "0000:01:10.0");
        host_pf(w.host)->iommu_group = host_vf(w.host, 0)->iommu_group; /* nothing above the first card isolates */
        assert_chosen(&w, NULL, "0000:02:10.0");
        dev_add_use((Dev *) snapshot_get(w.host, (PciAddr) {0, 2, 0x10, 0}), USE_PROCESS, g_strdup("dpdk (pid 900)"), 900, NULL);
        assert_chosen(&w, NULL, "0000:01:10.0");
        world_clear(&w);
}

/* What holds a device back can be taken along; 'vfadm run' cannot. */
static void test_remedy(void) {
        World w = world_libvirt(2);
        set_group(&w, 0, 30, NULL);
        set_group(&w, 1, 30, "igbvf");
        assert_refused_so(&w, want_libvirt(WANT_ATTACH, "enp1s0/0", "", 0), VFADM_ERROR_REFUSED,
                          "0000:01:10.0 shares IOMMU group 30 with 0000:01:10.2 (igbvf): say --with-group to give the guest all of them "
                          "('vfadm bind 0000:01:10.0 vfio --with-group' only takes them from their drivers), or put the card in another slot");
        assert_refused_so(&w, want(WANT_LEND, "enp1s0/0", ""), VFADM_ERROR_REFUSED,
                          "0000:01:10.0 shares IOMMU group 30 with 0000:01:10.2 (igbvf): 'vfadm bind 0000:01:10.0 vfio --with-group' takes them all from their drivers, "
                          "and then each of them can go to this one guest; or put the card in another slot");
        world_clear(&w);
}

/* VFIO's file is one a group: the guest's process seems to use the second member, too, before it is given to it. */
static void one_after_another(World *w, const char *ref, const char *steps) {
        set_group(w, 0, 30, "vfio-pci");
        set_group(w, 1, 30, "vfio-pci");
        guest_has_vf(w, 0);
        lease_out(w, 0, ref);
        dev_add_use(host_vf(w->host, 1), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        const char *words = "mac=02:00:00:00:00:05";
        bool libvirt = g_str_has_prefix(ref, "libvirt");
        assert_steps(w, libvirt ? want_libvirt(WANT_ATTACH, "enp1s0/1", words, 0) : want(WANT_ATTACH, "enp1s0/1", words), steps);
        /* The act's second look finds the same process there. */
        g_autoptr(Plan) plan = plan_of(w, want(WANT_ATTACH, "enp1s0/1", words), NULL);
        g_assert_cmpuint(plan->taken->len, ==, 1);
        g_assert_cmpint(g_array_index(plan->known, KnownUse, 0).pid, ==, 812);

        /* Never so for the bind and the unbind of what it may hold. */
        Want *bind = want(WANT_UNBIND, "enp1s0/1", NULL);
        assert_refused(w, bind, VFADM_ERROR_IN_USE, "guest web1 (qemu, pid 812)");
        /* One that does not tell of all its devices may have this very one. */
        guest_info_add_device(w->guest, "unknown");
        assert_refused(w, want(WANT_ATTACH, "enp1s0/1", words), VFADM_ERROR_IN_USE, "enp1s0/1 is in use by guest web1");
        g_ptr_array_set_size(w->guest->devices, 0);
        assert_refused(w, want(WANT_ATTACH, "enp1s0/1", words), VFADM_ERROR_IN_USE, "enp1s0/1 is in use by guest web1");
}

static void test_one_after_another(void) {
        World w = world_libvirt(2);
        one_after_another(&w, "libvirt:web1",
                          "0000:01:10.2: free → leased to libvirt:web1\n"
                          "0000:01:10.2: plug into libvirt:web1\n");
        world_clear(&w);
        w = world_new(2);
        one_after_another(&w, "qemu:web1",
                          "0000:01:10.2: free → leased to qemu:web1\n"
                          "load the module vfio-pci\n"
                          "0000:01:10.2: mac=02:00:00:00:00:05 (was mac=00:00:00:00:00:00)\n"
                          "0000:01:10.2: plug into qemu:web1\n");
        world_clear(&w);
}

/* ---- a card of two functions behind a bridge, all one group ---- */

#define GPU "0000:05:00.0"
#define AUDIO "0000:05:00.1"
#define BOTH (SCOPE_LIVE | SCOPE_CONFIG)

static Dev *add_function(World *w, PciAddr addr, uint32_t class_code, const char *driver) {
        Dev *dev = dev_new(addr);
        dev->class_code = class_code;
        dev->driver = g_strdup(driver);
        dev->iommu_group = 50;
        dev->path = g_strdup_printf("pci0000:00/0000:00:03.0/%s", dev->name);
        snapshot_add(w->host, dev);
        return dev;
}

static void add_gpu(World *w) {
        add_function(w, (PciAddr) {0, 0, 3, 0}, 0x060400, "pcieport");
        add_function(w, (PciAddr) {0, 5, 0, 0}, 0x030000, "nouveau")->reset_methods = g_strsplit("flr", " ", 0);
        add_function(w, (PciAddr) {0, 5, 0, 1}, 0x040300, "snd_hda_intel");
        snapshot_seal(w->host);
}

static Dev *function_of(World *w, unsigned function) {
        return (Dev *) snapshot_get(w->host, (PciAddr) {0, 5, 0, (uint8_t) function});
}

static Want *together(WantKind kind, const char *ref, const char *device, const char *words, unsigned scope) {
        Want *ask = want_libvirt(kind, device, words, scope);
        g_free(ask->guest);
        ask->guest = g_strdup(ref);
        ask->with_group = true;
        return ask;
}

static Want *give(const char *ref, unsigned scope) {
        return together(WANT_ATTACH, ref, GPU, "", scope);
}

#define HANDED_OVER                               \
        "load the module vfio-pci\n"              \
        GPU ": driver nouveau → no driver\n"      \
        GPU ": driver no driver → vfio-pci\n"     \
        AUDIO ": driver snd_hda_intel → no driver\n" \
        AUDIO ": driver no driver → vfio-pci\n"

static void test_give_qemu(void) {
        World w = world_new(1);
        add_gpu(&w);
        assert_refused_so(&w, give("qemu:web1", 0), VFADM_ERROR_REFUSED,
                          "guest web1 has 1 free hot-pluggable slot and needs 2, one for each device of the IOMMU group; start it with 1 more '-device pcie-root-port,id=…'");
        guest_info_add_slot(w.guest, "rp3", true, true);
        assert_steps(&w, give("qemu:web1", 0),
                     GPU ": free → leased to qemu:web1\n"
                     AUDIO ": free → leased to qemu:web1\n"
                     HANDED_OVER
                     GPU ": plug into qemu:web1\n"
                     AUDIO ": plug into qemu:web1\n");
        g_autoptr(Plan) plan = good_plan(&w, give("qemu:web1", 0));
        g_assert_cmpstr(step_of(plan, STEP_GUEST, 0)->guest_bus, ==, "rp2");
        g_assert_cmpstr(step_of(plan, STEP_GUEST, 1)->guest_bus, ==, "rp3");
        g_assert_cmpstr(step_of(plan, STEP_GUEST, 1)->to.text, ==, "vfadm-0000-05-00.1");
        g_assert_cmpstr(step_of(plan, STEP_LEASE, 0)->to.lease->saved_driver, ==, "nouveau");
        g_assert_cmpstr(step_of(plan, STEP_LEASE, 1)->to.lease->saved_driver, ==, "snd_hda_intel");
        g_assert_cmpuint(step_of(plan, STEP_LEASE, 0)->to.lease->nic, ==, 0);
        g_assert_cmpuint(step_of(plan, STEP_LEASE, 1)->to.lease->nic, ==, 1);
        g_assert_cmpuint(plan->taken->len, ==, 2); /* both are looked at once more */
        g_assert_cmpstr(plan->summary, ==, GPU " (" GPU ") with " AUDIO " to qemu:web1");
        g_assert_cmpstr(plan->result, ==, GPU);

        /* Whichever is named comes first; a variant of VFIO is that one's. */
        w.vfio = "nvgrace_gpu_vfio_pci";
        assert_steps(&w, together(WANT_ATTACH, "qemu:web1", AUDIO, "", 0),
                     AUDIO ": free → leased to qemu:web1\n"
                     GPU ": free → leased to qemu:web1\n"
                     "load the module nvgrace_gpu_vfio_pci\n"
                     AUDIO ": driver snd_hda_intel → no driver\n"
                     AUDIO ": driver no driver → nvgrace_gpu_vfio_pci\n"
                     "load the module vfio-pci\n"
                     GPU ": driver nouveau → no driver\n"
                     GPU ": driver no driver → vfio-pci\n"
                     AUDIO ": plug into qemu:web1\n"
                     GPU ": plug into qemu:web1\n");

        /* Each has an address space of its own there. */
        w.guest->has_viommu = true;
        w.guest->memlock_limit = 256 << 20;
        assert_refused(&w, give("qemu:web1", 0), VFADM_ERROR_REFUSED, "may lock 256 MiB of memory and needs 512 MiB for these devices");
        world_clear(&w);
}

/* A conventional bus takes several. */
static void test_give_bus(void) {
        World w = world_new(1);
        add_gpu(&w);
        ((GuestSlot *) w.guest->slots->pdata[2])->more = 30;
        g_autoptr(Plan) plan = good_plan(&w, give("qemu:web1", 0));
        g_assert_cmpstr(step_of(plan, STEP_GUEST, 0)->guest_bus, ==, "rp2");
        g_assert_cmpstr(step_of(plan, STEP_GUEST, 1)->guest_bus, ==, "rp2");
        world_clear(&w);
}

static void test_give_libvirt(void) {
        const char *ref = "libvirt:web1";
        World w = world_libvirt(1);
        add_gpu(&w);
        assert_refused_so(&w, give(ref, 0), VFADM_ERROR_REFUSED,
                          "guest web1 has 1 free hot-pluggable slot and needs 2, one for each device of the IOMMU group; --config (without --live) puts them into its definition, each with a root port of its own; "
                          "then shut the guest down and start it (a reboot inside is not enough)");
        guest_info_add_slot(w.guest, "pci.3", true, true);
        /* libvirt would take each from its driver right before it is plugged: too late for the first. */
        const char *leased = GPU ": free → leased to libvirt:web1\n" AUDIO ": free → leased to libvirt:web1\n";
        const char *defined = GPU ": into the definition of libvirt:web1\n" AUDIO ": into the definition of libvirt:web1\n";
        const char *plugged = GPU ": plug into libvirt:web1\n" AUDIO ": plug into libvirt:web1\n";
        g_autofree char *live = g_strconcat(leased, HANDED_OVER, plugged, NULL), *both = g_strconcat(leased, HANDED_OVER, defined, plugged, NULL);
        g_autofree char *config = g_strconcat(leased, defined, NULL);
        assert_steps(&w, give(ref, 0), live);
        assert_steps(&w, give(ref, BOTH), both);
        assert_steps(&w, give(ref, SCOPE_CONFIG), config); /* at its start libvirt takes both from their drivers before QEMU opens one */
        assert_steps(&w, together(WANT_ATTACH, ref, GPU, "managed=no", SCOPE_LIVE), live);
        g_autofree char *unmanaged = g_strconcat(leased, HANDED_OVER, defined, NULL);
        assert_steps(&w, together(WANT_ATTACH, ref, GPU, "managed=no", SCOPE_CONFIG), unmanaged);

        g_autoptr(Plan) plan = good_plan(&w, give(ref, BOTH));
        g_assert_cmpstr(plan->summary, ==, GPU " (" GPU ") with " AUDIO " to libvirt:web1 and its definition");
        for (unsigned i = 0; i < 2; i++) {
                const Lease *lease = step_of(plan, STEP_LEASE, i)->to.lease;
                g_assert_true(lease->managed && lease->config);
                g_assert_cmpint(lease->pid, ==, 812);
                g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, i)->xml, "managed='yes'"));
                g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, i)->xml, i ? "bus='0x03'" : "bus='0x02'"));
                g_assert_nonnull(strstr(step_of(plan, STEP_DEFINED, i)->to.text, "managed='yes'"));
                g_assert_nonnull(strstr(step_of(plan, STEP_DEFINED, i)->to.text, i ? "function='0x1'" : "function='0x0'"));
        }
        w.guest->has_definition = false;
        g_ptr_array_set_size(w.guest->slots, 1);
        assert_refused_so(&w, give(ref, 0), VFADM_ERROR_REFUSED,
                          "guest web1 has 0 free hot-pluggable slots and needs 2, one for each device of the IOMMU group; start it with 2 more <controller type='pci' model='pcie-root-port'/>");
        world_clear(&w);
}

/* The words are for the VF that is named; what comes along has the MAC of its own NIC. */
static void test_give_nics(void) {
        World w = world_libvirt(2);
        guest_info_add_slot(w.guest, "pci.3", true, true);
        set_group(&w, 0, 30, "igbvf");
        set_group(&w, 1, 30, NULL);
        g_autoptr(Plan) plan = good_plan(&w, together(WANT_ATTACH, "libvirt:web1", "enp1s0/1", "mac=02:00:00:00:00:05 vlan=42 trust=on", 0));
        const Lease *named = step_of(plan, STEP_LEASE, 0)->to.lease, *along = step_of(plan, STEP_LEASE, 1)->to.lease;
        uint8_t derived[6];
        plan_derive_mac(w.guest->uuid, NULL, "web1", 1, derived);
        g_assert_cmpuint(named->given.known, ==, VF_MAC | VF_VLAN | VF_TRUST);
        g_assert_cmpuint(named->given.mac[5], ==, 5);
        g_assert_cmpuint(along->given.known, ==, VF_MAC);
        g_assert_cmpmem(along->given.mac, 6, derived, 6);
        g_assert_nonnull(strstr(step_of(plan, STEP_GUEST, 1)->xml, "<interface type='hostdev' managed='yes'>"));
        g_assert_null(strstr(step_of(plan, STEP_GUEST, 1)->xml, "vlan"));

        /* A number that one of them has by its word is not given twice. */
        g_autoptr(Plan) numbered = good_plan(&w, together(WANT_ATTACH, "libvirt:web1", "enp1s0/1", "nic=1", 0));
        g_assert_cmpuint(step_of(numbered, STEP_LEASE, 0)->to.lease->nic, ==, 1);
        g_assert_cmpuint(step_of(numbered, STEP_LEASE, 1)->to.lease->nic, ==, 0);
        char text[MAC_TEXT_SIZE];
        mac_format(derived, text);
        g_autofree char *word = g_strdup_printf("mac=%s", text);
        g_autoptr(Plan) twin = good_plan(&w, together(WANT_ATTACH, "libvirt:web1", "enp1s0/1", word, 0));
        g_assert_cmpuint(step_of(twin, STEP_LEASE, 1)->to.lease->nic, ==, 2);

        /* The locks are those of what was named. */
        assert_refused_so(&w, together(WANT_ATTACH, "libvirt:web1", "enp1s0", "", 0), VFADM_ERROR_USAGE,
                          "--with-group: it would take 0000:01:10.0, and 0000:01:10.2 with it; name the device itself that is meant, as in --from 0000:01:10.0");
        assert_refused(&w, together(WANT_ATTACH, "libvirt:web1", NULL, "", 0), VFADM_ERROR_USAGE, "--from 0000:01:10.0");
        set_group(&w, 1, 31, NULL); /* alone in its group it is given as without */
        g_autoptr(Plan) alone = good_plan(&w, together(WANT_ATTACH, "libvirt:web1", "enp1s0", "", 0));
        g_assert_cmpuint(alone->steps->len, ==, 4);
        world_add_pool(&w, "fast")->libvirt = true;
        assert_refused_so(&w, together(WANT_ATTACH, "libvirt:web1", "fast", "", SCOPE_CONFIG), VFADM_ERROR_USAGE,
                          "--with-group: libvirt chooses a VF of fast at each start, so what shares its IOMMU group is not known now; name one device with --from");
        world_clear(&w);
}

/* One that may not go keeps all of them. */
static void test_give_refused(void) {
        World w = world_libvirt(2);
        guest_info_add_slot(w.guest, "pci.3", true, true);
        add_gpu(&w);
        Dev *audio = function_of(&w, 1);
        dev_add_use(audio, USE_NETWORK, g_strdup("snd0 is up"), 0, NULL);
        assert_refused_so(&w, give("libvirt:web1", SCOPE_CONFIG), VFADM_ERROR_IN_USE, AUDIO " is in use: snd0 is up; free it, or say --disrupt");
        Want *disrupt = give("libvirt:web1", SCOPE_CONFIG);
        disrupt->disrupt = true;
        g_autoptr(Plan) disrupting = good_plan(&w, disrupt);
        g_assert_cmpuint(disrupting->steps->len, ==, 4);
        g_ptr_array_set_size(audio->uses, 0);
        dev_add_use(audio, USE_HOST, g_strdup("mounted on /"), 0, NULL);
        disrupt = give("libvirt:web1", 0);
        disrupt->disrupt = true;
        assert_refused_so(&w, disrupt, VFADM_ERROR_REFUSED, AUDIO " carries this host (mounted on /): it is never taken");
        g_ptr_array_set_size(audio->uses, 0);
        dev_add_use(audio, USE_PROCESS, g_strdup("dpdk (pid 900)"), 900, NULL);
        assert_refused(&w, give("libvirt:web1", 0), VFADM_ERROR_IN_USE, "dpdk (pid 900)");
        g_ptr_array_set_size(audio->uses, 0);
        GuestDevice *defined = guest_info_add_defined(w.books->guests->pdata[0], "x");
        defined->host = audio->addr;
        defined->has_host = true;
        assert_refused(&w, give("libvirt:web1", 0), VFADM_ERROR_IN_USE, AUDIO " is not free: libvirt:db is defined with it (shut off)");
        g_ptr_array_set_size(((GuestInfo *) w.books->guests->pdata[0])->defined, 0);

        host_pf(w.host)->iommu_group = 50;
        assert_refused(&w, give("libvirt:web1", 0), VFADM_ERROR_IN_USE, "enp1s0 has 2 VFs, which would vanish with it");
        host_pf(w.host)->iommu_group = 10;
        Dev *bridge = (Dev *) snapshot_get(w.host, (PciAddr) {0, 0, 3, 0});
        g_free(bridge->driver);
        bridge->driver = g_strdup("lpc_ich");
        assert_refused_so(&w, give("libvirt:web1", 0), VFADM_ERROR_REFUSED, GPU " shares IOMMU group 50 with the bridge 0000:00:03.0 (lpc_ich), which goes to no guest; put the card in another slot");
        world_clear(&w);
}

/* ---- and back ---- */

static Lease *lease_function(World *w, unsigned function, const char *ref, const char *saved_driver) {
        Dev *dev = function_of(w, function);
        Lease *lease = lease_new();

        lease_identify(lease, w->host, dev);
        lease->id = 50 + function;
        lease->guest = g_strdup(ref);
        lease->guest_uuid = g_strdup(w->guest->uuid);
        lease->guest_device = g_strdup_printf("vfadm-0000-05-00.%u", function);
        lease->managed = g_str_has_prefix(ref, "libvirt:");
        lease->pid = 812;
        lease->pid_start = 4711;
        lease->saved_driver = g_strdup(saved_driver);
        g_ptr_array_add(w->leases, lease);
        g_free(dev->driver);
        dev->driver = g_strdup("vfio-pci");
        dev->driver_override = g_strdup("vfio-pci");
        return lease;
}

static void run_with(World *w, unsigned function) {
        GuestDevice *device = guest_info_add_device(w->guest, function ? "vfadm-0000-05-00.1" : "vfadm-0000-05-00.0");
        device->host = function_of(w, function)->addr;
        device->has_host = true;
        dev_add_use(function_of(w, function), USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
}

static void define_with(World *w, unsigned function) {
        GuestDevice *device = guest_info_add_defined(w->guest, "vfadm-x");
        device->host = function_of(w, function)->addr;
        device->has_host = true;
        device->xml = g_strdup_printf("<found function='%u'/>", function);
}

static void give_gpu(World *w, const char *ref) {
        add_gpu(w);
        lease_function(w, 0, ref, "nouveau");
        lease_function(w, 1, ref, "snd_hda_intel");
        run_with(w, 0);
        run_with(w, 1);
}

static Want *take(const char *ref, const char *device, unsigned scope) {
        return together(WANT_DETACH, ref, device, NULL, scope);
}

static Want *take_one(const char *ref, const char *device, unsigned scope) {
        Want *ask = take(ref, device, scope);
        ask->with_group = false;
        return ask;
}

static void test_take_qemu(void) {
        World w = world_new(1);
        give_gpu(&w, "qemu:web1");
        const char *steps = AUDIO ": take out of qemu:web1\n"
                            GPU ": take out of qemu:web1\n"
                            AUDIO ": driver vfio-pci → no driver\n"
                            AUDIO ": driver no driver → snd_hda_intel\n"
                            GPU ": reset\n"
                            GPU ": driver vfio-pci → no driver\n"
                            GPU ": driver no driver → nouveau\n"
                            AUDIO ": leased to qemu:web1 → free\n"
                            GPU ": leased to qemu:web1 → free\n";
        assert_steps(&w, take("qemu:web1", AUDIO, 0), steps);
        assert_steps(&w, take("qemu:web1", "51", 0), steps);
        g_autoptr(Plan) plan = good_plan(&w, take("qemu:web1", AUDIO, 0));
        g_assert_cmpstr(plan->summary, ==, AUDIO " with " GPU " back from qemu:web1");
        g_assert_cmpstr(plan->result, ==, AUDIO);

        assert_refused_so(&w, take_one("qemu:web1", GPU, 0), VFADM_ERROR_IN_USE,
                          GPU " cannot go back to the host's driver while qemu:web1 has " AUDIO " of the same IOMMU group 50: VFIO keeps the group until the last of it has left; "
                          "run 'vfadm detach qemu:web1 " GPU " --with-group' to take them back together");
        /* Another guest's lease in the group would be a fault, and is left alone. */
        g_free(((Lease *) w.leases->pdata[0])->guest);
        ((Lease *) w.leases->pdata[0])->guest = g_strdup("qemu:web2");
        ((Lease *) w.leases->pdata[0])->pid = 900;
        assert_refused(&w, take("qemu:web1", AUDIO, 0), VFADM_ERROR_IN_USE, "while qemu:web1 has " GPU);
        g_ptr_array_remove_index(w.leases, 0);
        assert_refused(&w, take("qemu:web1", AUDIO, 0), VFADM_ERROR_IN_USE, "what vfadm has not given must leave the guest first");
        world_clear(&w);
}

/* Nothing of the host's need bind it: then VFIO may keep the group. */
static void test_take_alone(void) {
        World w = world_new(1);
        give_gpu(&w, "qemu:web1");
        Lease *gpu = w.leases->pdata[0];
        g_clear_pointer(&gpu->saved_driver, g_free);
        assert_steps(&w, take_one("qemu:web1", GPU, 0),
                     GPU ": take out of qemu:web1\n"
                     GPU ": reset\n"
                     GPU ": driver vfio-pci → no driver\n"
                     GPU ": leased to qemu:web1 → free\n");
        gpu->saved_driver = g_strdup("vfio-pci");
        gpu->saved_override = g_strdup("vfio-pci");
        assert_steps(&w, take_one("qemu:web1", GPU, 0),
                     GPU ": take out of qemu:web1\n"
                     GPU ": reset\n"
                     GPU ": leased to qemu:web1 → free\n");
        assert_refused(&w, take_one("qemu:web1", AUDIO, 0), VFADM_ERROR_IN_USE, "while qemu:web1 has " GPU);
        /* It has left meanwhile; the last one may go by itself. */
        g_ptr_array_remove_index(w.guest->devices, 0);
        g_autoptr(Plan) last = good_plan(&w, take_one("qemu:web1", AUDIO, 0));
        g_assert_cmpuint(last->steps->len, ==, 4);
        world_clear(&w);
}

static void test_take_libvirt(void) {
        const char *ref = "libvirt:web1";
        World w = world_libvirt(1);
        give_gpu(&w, ref);
        const char *live = GPU ": take out of libvirt:web1\n"
                           AUDIO ": take out of libvirt:web1\n"
                           GPU ": driver vfio-pci → nouveau\n"
                           AUDIO ": driver vfio-pci → snd_hda_intel\n"
                           GPU ": leased to libvirt:web1 → free\n"
                           AUDIO ": leased to libvirt:web1 → free\n";
        assert_steps(&w, take(ref, GPU, 0), live);
        assert_refused(&w, take_one(ref, GPU, 0), VFADM_ERROR_IN_USE, "run 'vfadm detach libvirt:web1 " GPU " --with-group' to take them back together");

        for (unsigned i = 0; i < 2; i++) {
                ((Lease *) w.leases->pdata[i])->config = true;
                define_with(&w, i);
        }
        g_autofree char *both = g_strconcat(GPU ": out of the definition of libvirt:web1\n"
                                            GPU ": leased to libvirt:web1, running and by its definition → leased to libvirt:web1, until it ends\n"
                                            AUDIO ": out of the definition of libvirt:web1\n"
                                            AUDIO ": leased to libvirt:web1, running and by its definition → leased to libvirt:web1, until it ends\n", live, NULL);
        assert_steps(&w, take(ref, GPU, BOTH), both);
        assert_steps(&w, take(ref, GPU, SCOPE_LIVE),
                     GPU ": take out of libvirt:web1\n"
                     GPU ": leased to libvirt:web1, running and by its definition → leased to libvirt:web1, by its definition\n"
                     AUDIO ": take out of libvirt:web1\n"
                     AUDIO ": leased to libvirt:web1, running and by its definition → leased to libvirt:web1, by its definition\n");
        assert_steps(&w, take(ref, GPU, SCOPE_CONFIG),
                     GPU ": out of the definition of libvirt:web1\n"
                     GPU ": leased to libvirt:web1, running and by its definition → leased to libvirt:web1, until it ends\n"
                     AUDIO ": out of the definition of libvirt:web1\n"
                     AUDIO ": leased to libvirt:web1, running and by its definition → leased to libvirt:web1, until it ends\n");
        g_autoptr(Plan) config = good_plan(&w, take(ref, GPU, SCOPE_CONFIG));
        g_assert_cmpuint(config->notes->len, ==, 2);
        g_assert_cmpstr(config->notes->pdata[1], ==, "the running libvirt:web1 keeps " AUDIO " until it ends; say --live to take it out now");
        /* It is no more than out of the guest: libvirt or the next start finds it where it is. */
        g_autoptr(Plan) one = good_plan(&w, take_one(ref, GPU, SCOPE_LIVE));
        g_assert_cmpuint(one->steps->len, ==, 2);
        world_clear(&w);
}

/* Of a guest that is off each may go, though what is left does not start. */
static void test_take_definition(void) {
        const char *ref = "libvirt:web1";
        World w = world_libvirt(1);
        give_gpu(&w, ref);
        for (unsigned i = 0; i < 2; i++) {
                Lease *lease = w.leases->pdata[i];
                lease->config = true;
                lease->pid = 0;
                define_with(&w, i);
                Dev *dev = function_of(&w, i);
                g_ptr_array_set_size(dev->uses, 0);
                g_free(dev->driver);
                dev->driver = g_strdup(lease->saved_driver);
                g_clear_pointer(&dev->driver_override, g_free);
        }
        world_shut_off(&w);
        assert_steps(&w, take(ref, GPU, 0),
                     GPU ": out of the definition of libvirt:web1\n"
                     AUDIO ": out of the definition of libvirt:web1\n"
                     GPU ": leased to libvirt:web1 → free\n"
                     AUDIO ": leased to libvirt:web1 → free\n");
        g_autoptr(Plan) both = good_plan(&w, take(ref, GPU, 0));
        g_assert_cmpuint(both->notes->len, ==, 0);
        g_autoptr(Plan) one = good_plan(&w, take_one(ref, GPU, 0));
        g_assert_cmpuint(one->steps->len, ==, 2);
        g_assert_cmpstr(one->notes->pdata[0], ==, "the definition of libvirt:web1 still has " AUDIO " of the same IOMMU group 50, with which it does not start while the host's driver has " GPU);
        world_clear(&w);
}

/* Recovery, too, leaves alone what the group's last member still keeps. */
static void test_give_back(void) {
        World w = world_new(1);
        give_gpu(&w, "qemu:web1");
        g_ptr_array_remove_index(w.guest->devices, 0);
        PlanInput input = {.host = w.host, .leases = w.leases, .guest = w.guest};
        g_autoptr(Plan) early = plan_give_back(w.leases->pdata[0], &input);
        g_autoptr(GError) error = NULL;
        g_assert_false(plan_check(early, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE);
        world_clear(&w);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-group/choice", test_choice);
        g_test_add_func("/plan-group/choice-of-card", test_choice_of_card);
        g_test_add_func("/plan-group/remedy", test_remedy);
        g_test_add_func("/plan-group/one-after-another", test_one_after_another);
        g_test_add_func("/plan-group/give-qemu", test_give_qemu);
        g_test_add_func("/plan-group/give-bus", test_give_bus);
        g_test_add_func("/plan-group/give-libvirt", test_give_libvirt);
        g_test_add_func("/plan-group/give-nics", test_give_nics);
        g_test_add_func("/plan-group/give-refused", test_give_refused);
        g_test_add_func("/plan-group/take-qemu", test_take_qemu);
        g_test_add_func("/plan-group/take-alone", test_take_alone);
        g_test_add_func("/plan-group/take-libvirt", test_take_libvirt);
        g_test_add_func("/plan-group/take-definition", test_take_definition);
        g_test_add_func("/plan-group/give-back", test_give_back);
        return g_test_run();
}
