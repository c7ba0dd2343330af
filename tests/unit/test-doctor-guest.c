/* Checks of guests: each on a host on which it fires, and on hosts on which it must not. */
#include "doctor_world.h"

#include <string.h>

#define GIB (UINT64_C(1) << 30)

static const char *const ids[] = {"guest-libvirt",      "guest-no-qmp",         "guest-monitor", "guest-paused",
                                  "guest-memlock",      "guest-no-slot",        "guest-machine", "guest-viommu",
                                  "guest-device-limit", "guest-detach-pending", "guest-drift",   "guest-gone",
                                  "guest-driver",       "guest-agent"};

static const Finding *guest_fires(DoctorWorld *w, const GuestInfo *guest, const char *id, Severity severity,
                                  const char *says) {
        doctor_world_guest_check(w, guest);
        return doctor_world_fires(w, id, severity, says);
}

static void guest_silent(DoctorWorld *w, const GuestInfo *guest, const char *id) {
        g_assert_nonnull(doctor_check_find(id));
        doctor_world_guest_check(w, guest);
        const Finding *finding = doctor_world_find(w, id);
        if (finding)
                g_error("%s: %s should be silent", id, finding->what);
}

static void all_silent(DoctorWorld *w) {
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                assert_host_silent(w, ids[i]);
        for (unsigned g = 0; g < w->guests->len; g++)
                for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                        guest_silent(w, w->guests->pdata[g], ids[i]);
}

static void has_text(const char *text, const char *part) {
        if (!text || !strstr(text, part))
                g_error("'%s' should hold '%s'", text ? text : "(none)", part);
}

static void set_text(char **field, const char *text) {
        g_free(*field);
        *field = g_strdup(text);
}

/* One that was started without vfadm and holds VF `index`, if not negative. */
static GuestInfo *other_guest(DoctorWorld *w, const char *name, int pid, int index) {
        GuestInfo *guest = guest_info_new("qemu", name);
        guest->pid = pid;
        guest->ram = GIB;
        g_ptr_array_add(w->guests, guest);
        if (index >= 0) {
                Dev *vf = host_vf(w->host, (unsigned) index);
                GuestDevice *device = guest_info_add_device(guest, "v");
                device->host = vf->addr;
                device->has_host = true;
                guest->vfio_files = 1;
                set_text(&vf->driver, "vfio-pci");
                dev_add_use(vf, USE_PROCESS, g_strdup_printf("guest %s (qemu, pid %d)", name, pid), pid, name);
        }
        return guest;
}

static void test_healthy(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        all_silent(&w);
        GuestInfo *guest = doctor_world_guest(&w);
        all_silent(&w);
        for (unsigned i = 0; i < 3; i++)
                doctor_world_give(&w, guest, host_vf(w.host, i));
        all_silent(&w);
        assert_device_silent(&w, host_vf(w.host, 1), "guest-drift");
        /* Guests that have nothing to do with devices are not spoken of, whatever they are like. */
        GuestInfo *tiny = other_guest(&w, "tiny", 900, -1);
        tiny->memlock_limit = 8 << 20;
        tiny->machine = g_strdup("pc-i440fx-9.2");
        tiny->status = g_strdup("paused");
        GuestInfo *libvirts = other_guest(&w, "db", 901, -1);
        libvirts->by_libvirt = true;
        libvirts->memlock_limit = 8 << 20;
        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
                assert_host_silent(&w, ids[i]);
        guest_silent(&w, libvirts, "guest-memlock"); /* libvirt raises it as it plugs */
}

static void test_memlock(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w); /* 2 GiB */
        guest->memlock_limit = 64 << 20;
        const Finding *finding =
                guest_fires(&w, guest, "guest-memlock", SEVERITY_BLOCKS,
                            "may lock 64 MiB of memory, less than the 2048 MiB that another device needs");
        g_assert_cmpstr(finding->subject, ==, "qemu:web1");
        g_assert_cmpstr(finding->where, ==, "/proc/812/limits");
        has_text(finding->remedy, "prlimit --pid 812 --memlock=3221225472");
        has_text(finding->remedy, "LimitMEMLOCK=3072M");
        has_text(finding->remedy, "ulimit -l 3145728");
        assert_host_silent(&w, "guest-memlock");
        guest->memlock_exempt = true;
        guest_silent(&w, guest, "guest-memlock");
        guest->memlock_exempt = false;
        doctor_world_give(&w, guest, host_vf(w.host, 0));
        assert_host_fires(&w, "guest-memlock", SEVERITY_WARNING, NULL);
        guest->memlock_limit = 2 * GIB;
        assert_host_fires(&w, "guest-memlock", SEVERITY_NOTE, "little more than");
        guest->memlock_limit = 3 * GIB;
        assert_host_silent(&w, "guest-memlock");
        /* A vIOMMU: once for each, the next one too. */
        guest->has_viommu = true;
        guest->viommu = g_strdup("virtio-iommu-pci");
        guest_fires(&w, guest, "guest-memlock", SEVERITY_BLOCKS,
                    "4096 MiB that another device needs (with a vIOMMU");
        guest->memlock_limit = 5 * GIB;
        guest_silent(&w, guest, "guest-memlock");
        guest->ram = UINT64_MAX; /* nonsense must not become little */
        guest_fires(&w, guest, "guest-memlock", SEVERITY_BLOCKS, NULL);
        guest->ram = 0;
        guest_silent(&w, guest, "guest-memlock");

        GuestInfo *libvirts = other_guest(&w, "db", 901, 1);
        libvirts->by_libvirt = true;
        libvirts->memlock_limit = GIB / 2;
        finding = guest_fires(&w, libvirts, "guest-memlock", SEVERITY_WARNING, "1024 MiB that its devices need");
        has_text(finding->remedy, "virsh memtune db --hard-limit 2097152");
}

static void test_slots(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        GuestSlot *slot = guest->slots->pdata[0];
        slot->free = false;
        guest_info_add_slot(guest, "rp1", true, false);
        guest->socket = g_strdup("run/web1.qmp");
        const Finding *finding = guest_fires(&w, guest, "guest-no-slot", SEVERITY_BLOCKS, "for a device");
        g_assert_cmpstr(finding->seen, ==, "rp0 in use, rp1 hotplug=off");
        g_assert_cmpstr(finding->where, ==, "/run/web1.qmp");
        has_text(finding->remedy, "pcie-root-port");
        doctor_world_give(&w, guest, host_vf(w.host, 0));
        guest_fires(&w, guest, "guest-no-slot", SEVERITY_NOTE, "for another device");
        assert_host_silent(&w, "guest-no-slot");
        slot->free = true;
        guest_silent(&w, guest, "guest-no-slot");
        /* libvirt's, by its command line. */
        GuestInfo *libvirts = other_guest(&w, "db", 901, -1);
        libvirts->by_libvirt = true;
        libvirts->machine = g_strdup("pc-q35-10.0");
        guest_info_add_slot(libvirts, "pci.1", false, true);
        finding = guest_fires(&w, libvirts, "guest-no-slot", SEVERITY_NOTE, NULL);
        has_text(finding->remedy, "<controller type='pci' model='pcie-root-port'/>");
        has_text(finding->seen, "at its start");
        set_text(&libvirts->machine, "pc-i440fx-9.2"); /* its slots are not seen there */
        guest_silent(&w, libvirts, "guest-no-slot");
}

static void test_machine(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        static const char *const old[] = {"pc-i440fx-9.2", "pc", "pc-i440fx-rhel7.6.0"}, *const good[] = {"pc-q35-10.0",
                                                                                                          "q35",
                                                                                                          "virt-10.0",
                                                                                                          "microvm"};
        for (size_t i = 0; i < G_N_ELEMENTS(old); i++) {
                set_text(&guest->machine, old[i]);
                const Finding *finding = guest_fires(&w, guest, "guest-machine", SEVERITY_NOTE, "i440fx");
                g_assert_cmpstr(finding->seen, ==, old[i]);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
                set_text(&guest->machine, good[i]);
                guest_silent(&w, guest, "guest-machine");
        }
        set_text(&guest->machine, NULL);
        guest_silent(&w, guest, "guest-machine");
}

static void test_viommu(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        guest->has_viommu = true;
        guest->viommu = g_strdup("intel-iommu");
        const Finding *finding = guest_fires(&w, guest, "guest-viommu", SEVERITY_BLOCKS, "caching-mode");
        has_text(finding->seen, "intel-iommu, no interrupt remapping");
        has_text(finding->remedy, "caching-mode=on");
        guest->viommu_caching = guest->viommu_intremap = true;
        finding = guest_fires(&w, guest, "guest-viommu", SEVERITY_NOTE, "counts all its memory anew");
        g_assert_cmpstr(finding->seen, ==, "intel-iommu, caching-mode=on, intremap on");
        set_text(&guest->viommu, "arm-smmuv3");
        guest_fires(&w, guest, "guest-viommu", SEVERITY_BLOCKS, "SMMUv3");
        /* It has one: so it works. */
        guest->viommu_caching = false;
        set_text(&guest->viommu, "intel-iommu");
        doctor_world_give(&w, guest, host_vf(w.host, 0));
        guest_fires(&w, guest, "guest-viommu", SEVERITY_NOTE, NULL);
        set_text(&guest->viommu, NULL); /* known by the monitor only */
        guest_fires(&w, guest, "guest-viommu", SEVERITY_NOTE, "vIOMMU");
        guest->has_viommu = false;
        guest_silent(&w, guest, "guest-viommu");
}

static void test_limit(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        guest->vfio_files = 32;
        guest_silent(&w, guest, "guest-device-limit");
        guest->vfio_files = 33;
        guest_fires(&w, guest, "guest-device-limit", SEVERITY_NOTE, "33 devices");
        assert_host_fires(&w, "guest-device-limit", SEVERITY_NOTE, NULL);
        guest->vfio_files = 0;
        for (unsigned i = 0; i < 2; i++) {
                doctor_world_give(&w, guest, host_vf(w.host, i));
                host_vf(w.host, i)->caps.msix_vectors = 2016;
        }
        guest_silent(&w, guest, "guest-device-limit");
        host_vf(w.host, 1)->caps.msix_vectors = 2048;
        const Finding *finding =
                guest_fires(&w, guest, "guest-device-limit", SEVERITY_WARNING, "4064 interrupt vectors");
        g_assert_nonnull(finding->remedy);
}

static void test_pending(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        Lease *lease = doctor_world_give(&w, guest, host_vf(w.host, 3));
        lease->state = LEASE_PENDING;
        lease->created = 1795230000;
        const Finding *finding =
                assert_host_fires(&w, "guest-detach-pending", SEVERITY_WARNING, "qemu:web1 was asked to let go");
        g_assert_cmpstr(finding->subject, ==, "enp1s0/3");
        has_text(finding->seen, "since 2026-11-21");
        has_text(finding->remedy, "vfadm detach qemu:web1 0000:01:10.6 (once it has booted)");
        guest_fires(&w, guest, "guest-detach-pending", SEVERITY_WARNING, NULL);
        assert_device_fires(&w, host_vf(w.host, 3), "guest-detach-pending", SEVERITY_WARNING, NULL);
        assert_device_silent(&w, host_vf(w.host, 2), "guest-detach-pending");
        set_text(&guest->status, "paused");
        finding = assert_host_fires(&w, "guest-detach-pending", SEVERITY_WARNING, NULL);
        has_text(finding->remedy, "'cont'");
        g_ptr_array_set_size(w.guests, 0);
        finding = assert_host_fires(&w, "guest-detach-pending", SEVERITY_WARNING, NULL);
        has_text(finding->remedy, "vfadm recover");
        lease->state = LEASE_ACTIVE;
        assert_host_silent(&w, "guest-detach-pending");
}

static void test_drift(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w), *other = other_guest(&w, "other", 900, 2);
        const Finding *finding =
                assert_host_fires(&w, "guest-drift", SEVERITY_NOTE, "qemu:other holds it, and not by vfadm");
        g_assert_cmpstr(finding->subject, ==, "enp1s0/2");
        g_assert_cmpstr(finding->where, ==, "/proc/900/fd");
        other->by_libvirt = true; /* libvirt has a ledger of its own */
        assert_host_silent(&w, "guest-drift");
        other->by_libvirt = false;
        /* A ledger that may not be read proves nothing. */
        DoctorInput unknown = {.host = w.host, .guests = w.guests};
        g_autoptr(GPtrArray) findings = doctor_host(&unknown);
        for (unsigned i = 0; i < findings->len; i++)
                g_assert_cmpstr(((const Finding *) findings->pdata[i])->id, !=, "guest-drift");
        /* Leased to one, held by another. */
        Lease *lease = doctor_world_give(&w, guest, host_vf(w.host, 3));
        Use *use = host_vf(w.host, 3)->uses->pdata[0];
        use->pid = 900;
        finding = assert_device_fires(&w, host_vf(w.host, 3), "guest-drift", SEVERITY_WARNING, NULL)
                          ? doctor_world_find(&w, "guest-drift")
                          : NULL;
        g_assert_nonnull(finding);
        use->pid = 812;
        assert_device_silent(&w, host_vf(w.host, 3), "guest-drift");
        /* Leased, and the guest lists no such device. */
        g_ptr_array_set_size(guest->devices, 0);
        assert_device_silent(&w, host_vf(w.host, 3),
                             "guest-drift"); /* its process has it open: QEMU is about to let go */
        g_ptr_array_set_size(host_vf(w.host, 3)->uses, 0);
        finding = guest_fires(&w, guest, "guest-drift", SEVERITY_WARNING, "which does not have it");
        has_text(finding->remedy, "vfadm detach qemu:web1");
        lease->pid = 700;
        finding = guest_fires(&w, guest, "guest-drift", SEVERITY_WARNING, "started anew");
        g_assert_cmpstr(finding->remedy, ==, "vfadm recover");
        guest->asked = false; /* then it is not known what it has */
        guest_silent(&w, guest, "guest-drift");
        guest->asked = true;
        lease->state = LEASE_PENDING;
        guest_silent(&w, guest, "guest-drift");
        lease->state = LEASE_ACTIVE;
        guest_info_add_device(guest, lease->guest_device); /* its host function is not told, its id is */
        guest_silent(&w, guest, "guest-drift");
}

/* Whoever opens a group has the use of all its members. */
static void test_drift_group(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *other = other_guest(&w, "other", 900, 2);
        Lease *lease = doctor_world_give(&w, other, host_vf(w.host, 2));
        g_assert_nonnull(lease);
        other->asked = true;
        Dev *mate = host_vf(w.host, 3);
        mate->iommu_group = host_vf(w.host, 2)->iommu_group;
        set_text(&mate->driver, "vfio-pci");
        dev_add_use(mate, USE_PROCESS, g_strdup("guest other (qemu, pid 900)"), 900, "other");
        assert_host_silent(&w, "guest-drift");
}

static void test_gone(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        Lease *lease = doctor_world_give(&w, guest, host_vf(w.host, 3));
        assert_host_silent(&w, "guest-gone");
        g_ptr_array_set_size(w.guests, 0);
        assert_host_silent(&w, "guest-gone"); /* its process has it open */
        g_ptr_array_set_size(host_vf(w.host, 3)->uses, 0);
        const Finding *finding = assert_host_fires(&w, "guest-gone", SEVERITY_NOTE, "qemu:web1, which does not run");
        g_assert_cmpstr(finding->subject, ==, "enp1s0/3");
        has_text(finding->remedy, "vfadm recover");
        set_text(&lease->boot_id, "00000000-0000-0000-0000-000000000001");
        assert_host_fires(&w, "guest-gone", SEVERITY_NOTE, "since the host booted");
        assert_device_silent(&w, host_vf(w.host, 3), "guest-gone"); /* of a device not all guests are known */
        lease->state = LEASE_PENDING;
        assert_host_silent(&w, "guest-gone");
        /* Renamed for want of a unique name, it is still the one. */
        lease->state = LEASE_ACTIVE;
        other_guest(&w, "pid-812", 812, -1);
        assert_host_silent(&w, "guest-gone");
}

/* A guest that is defined with its device may be off, and has another process since its last start. */
static void test_defined(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        Lease *lease = doctor_world_give(&w, guest, host_vf(w.host, 3));
        set_text(&lease->guest, "libvirt:web1");
        lease->pid = 700;
        assert_host_fires(&w, "guest-drift", SEVERITY_WARNING, "leased to libvirt:web1, but qemu:web1 holds it");
        guest->by_libvirt = true;
        lease->config = true;
        assert_host_silent(&w, "guest-drift");
        set_text(&lease->guest, "libvirt:web2");
        assert_host_fires(&w, "guest-drift", SEVERITY_WARNING, "leased to libvirt:web2, but qemu:web1 holds it");
        g_ptr_array_set_size(w.guests, 0);
        g_ptr_array_set_size(host_vf(w.host, 3)->uses, 0);
        lease->pid = 0;
        assert_host_silent(&w, "guest-gone");
        lease->config = false;
        assert_host_fires(&w, "guest-gone", SEVERITY_NOTE, "libvirt:web2, which does not run");
}

static void test_driver(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        Lease *lease = doctor_world_give(&w, guest, host_vf(w.host, 3));
        lease->given = *host_vf_state(w.host, 3);
        guest_silent(&w, guest, "guest-driver"); /* no agent: nothing is known */
        guest->agent = true;
        g_ptr_array_add(guest->agent_macs, g_strdup("02:00:00:00:00:77"));
        const Finding *finding = guest_fires(&w, guest, "guest-driver", SEVERITY_WARNING, "no network device inside");
        g_assert_cmpstr(finding->subject, ==, "enp1s0/3");
        has_text(finding->seen, "02:00:00:00:02:04");
        has_text(finding->remedy, "lspci -nnk -d 8086:10ca");
        assert_host_fires(&w, "guest-driver", SEVERITY_WARNING, NULL);
        g_ptr_array_add(guest->agent_macs, g_strdup("02:00:00:00:02:04"));
        guest_silent(&w, guest, "guest-driver");
        g_ptr_array_set_size(guest->agent_macs, 0);
        lease->given.known &= ~(unsigned) VF_MAC;
        guest_silent(&w, guest, "guest-driver");
        lease->given.known |= VF_MAC;
        lease->state = LEASE_PENDING;
        guest_silent(&w, guest, "guest-driver");
}

static void test_libvirt(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *db = other_guest(&w, "db", 900, 1);
        db->by_libvirt = true;
        const Finding *finding = guest_fires(&w, db, "guest-libvirt", SEVERITY_NOTE, "libvirt runs it");
        has_text(finding->remedy, "vfadm attach libvirt:db");
        g_assert_cmpstr(finding->where, ==, "/proc/900/cmdline");
        guest_silent(&w, db, "guest-no-qmp");
        guest_silent(&w, db, "guest-monitor");
        /* A host with such guests is healthy, and libvirt has told of this one. */
        assert_host_silent(&w, "guest-libvirt");
        db->asked = true;
        guest_silent(&w, db, "guest-libvirt");
}

static void test_reach(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *other = other_guest(&w, "other", 900, 1);
        const Finding *finding = guest_fires(&w, other, "guest-no-qmp", SEVERITY_BLOCKS, "no QMP socket");
        has_text(finding->remedy, "-qmp unix:/run/other.qmp,server=on,wait=off");
        assert_host_fires(&w, "guest-no-qmp", SEVERITY_NOTE, NULL);
        guest_silent(&w, other, "guest-monitor");
        other->cut = true; /* a recorded host does not tell */
        guest_silent(&w, other, "guest-no-qmp");
        other->cut = false;
        other->socket = g_strdup("run/other.qmp");
        g_ptr_array_add(other->notes, g_strdup("QEMU does not answer a new connection in time"));
        guest_silent(&w, other, "guest-no-qmp");
        finding = guest_fires(&w, other, "guest-monitor", SEVERITY_BLOCKS, "does not answer");
        has_text(finding->seen, "does not answer a new connection");
        guest_silent(&w, other, "guest-agent"); /* the note is the monitor's */
        other->denied = true;
        finding = guest_fires(&w, other, "guest-monitor", SEVERITY_NOTE, "may not be asked");
        has_text(finding->remedy, "as root");
        g_ptr_array_add(other->notes, g_strdup("the guest agent does not answer"));
        finding = guest_fires(&w, other, "guest-agent", SEVERITY_NOTE, NULL);
        has_text(finding->seen, "guest agent does not answer");
        assert_host_silent(&w, "guest-agent");
        other->asked = true;
        guest_silent(&w, other, "guest-monitor");
}

static void test_paused(void) {
        g_auto(DoctorWorld) w = doctor_world(7);
        GuestInfo *guest = doctor_world_guest(&w);
        set_text(&guest->status, "paused");
        guest_fires(&w, guest, "guest-paused", SEVERITY_WARNING, "(paused)");
        assert_host_silent(&w, "guest-paused");
        doctor_world_give(&w, guest, host_vf(w.host, 0));
        assert_host_fires(&w, "guest-paused", SEVERITY_NOTE, NULL);
        set_text(&guest->status, "io-error");
        const Finding *finding = assert_host_fires(&w, "guest-paused", SEVERITY_WARNING, NULL);
        has_text(finding->remedy, "log");
        set_text(&guest->status, NULL);
        guest_silent(&w, guest, "guest-paused");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/doctor-guest/healthy", test_healthy);
        g_test_add_func("/doctor-guest/memlock", test_memlock);
        g_test_add_func("/doctor-guest/slots", test_slots);
        g_test_add_func("/doctor-guest/machine", test_machine);
        g_test_add_func("/doctor-guest/viommu", test_viommu);
        g_test_add_func("/doctor-guest/limit", test_limit);
        g_test_add_func("/doctor-guest/pending", test_pending);
        g_test_add_func("/doctor-guest/drift", test_drift);
        g_test_add_func("/doctor-guest/drift-group", test_drift_group);
        g_test_add_func("/doctor-guest/gone", test_gone);
        g_test_add_func("/doctor-guest/defined", test_defined);
        g_test_add_func("/doctor-guest/driver", test_driver);
        g_test_add_func("/doctor-guest/libvirt", test_libvirt);
        g_test_add_func("/doctor-guest/reach", test_reach);
        g_test_add_func("/doctor-guest/paused", test_paused);
        return g_test_run();
}
