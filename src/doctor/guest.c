/* Checks of guests: what each can be given, and what will not work in it. The table is at the end; what guests hold is
 * in guest_devices.c, how a guest is reached in guest_reach.c. */
#include "doctor/guest_checks.h"

#include <string.h>

#define GIB (UINT64_C(1) << 30)

enum {
        SEEDS_DEVICES = 32,     /* the limit of assigned devices that enterprise distributions state */
        KVM_ROUTES = 4096,      /* KVM_MAX_IRQ_ROUTES, include/linux/kvm_host.h, Linux 6.12 */
        ROUTES_OF_MACHINE = 64, /* the I/O APIC's, the PICs' and the emulated devices' own, generously */
};

/* ---- memory ---- */

static uint64_t mib_up(uint64_t bytes) {
        return (bytes >> 20) + ((bytes & 0xfffff) != 0);
}

/* libvirt raises the limit itself when it plugs a device; of its guests only what they have counts. field-facts 16. */
static uint64_t memlock_need(const GuestInfo *guest) {
        unsigned devices = guest_devices(guest) + !guest->by_libvirt;
        uint64_t times = guest->has_viommu ? MAX(devices, 1) : 1;
        return guest->ram > (UINT64_MAX >> 1) / times ? UINT64_MAX >> 1 : guest->ram * times;
}

static void memlock_remedy(Finding *finding, const GuestInfo *guest, uint64_t need) {
        uint64_t mib = mib_up(need);
        if (guest->by_libvirt)
                remedy(finding,
                       "virsh memtune %s --hard-limit %" G_GUINT64_FORMAT
                       " --config --live (KiB), which is <memtune><hard_limit> in its XML",
                       guest->name, mib * 1024);
        else
                remedy(finding,
                       "now: prlimit --pid %d --memlock=%" G_GUINT64_FORMAT
                       "; for its next start LimitMEMLOCK=%" G_GUINT64_FORMAT
                       "M in its systemd unit, or 'ulimit -l %" G_GUINT64_FORMAT "' in the shell that starts it",
                       (int) guest->pid, need, mib, mib * 1024);
}

static Verdict look_memlock(Doctor *doctor, const GuestInfo *guest) {
        if (guest->ram == 0 || (guest->by_libvirt && guest_devices(guest) == 0))
                return GUEST_SKIPPED;
        uint64_t must = memlock_need(guest), need = must + GIB;
        if (guest->memlock_exempt || guest->memlock_limit >= need)
                return GUEST_FINE;
        bool asked_about = doctor->scope != SCOPE_HOST && !guest->by_libvirt;
        Severity severity = guest->memlock_limit >= must ? SEVERITY_NOTE
                            : asked_about                ? SEVERITY_BLOCKS
                                                         : SEVERITY_WARNING;
        Finding *finding =
                report_guest(doctor, severity, guest,
                             "it may lock %" G_GUINT64_FORMAT " MiB of memory, %s the %" G_GUINT64_FORMAT " MiB that %s%s",
                             guest->memlock_limit >> 20, severity == SEVERITY_NOTE ? "little more than" : "less than",
                             mib_up(must), guest->by_libvirt ? "its devices need" : "another device needs",
                             guest->has_viommu ? " (with a vIOMMU each device counts its memory again)" : "");
        seen(finding,
             "Max locked memory %" G_GUINT64_FORMAT "; memory %" G_GUINT64_FORMAT
             " MiB, %u devices, no CAP_IPC_LOCK; locked now %" G_GUINT64_FORMAT " MiB",
             guest->memlock_limit, mib_up(guest->ram), guest_devices(guest), mib_up(guest->memlock_used));
        seen_in(finding, "/proc/%d/limits", (int) guest->pid);
        memlock_remedy(finding, guest, need);
        return GUEST_ILL;
}

static void check_memlock(Doctor *doctor) {
        each_guest(doctor, look_memlock, "memory limits suffice");
}

/* ---- slots and machine ---- */

static bool is_q35(const GuestInfo *guest) {
        return guest->machine && (g_str_equal(guest->machine, "q35") || g_str_has_prefix(guest->machine, "pc-q35"));
}

/* "pc" is an alias of the newest i440fx. */
static bool is_i440fx(const GuestInfo *guest) {
        return guest->machine && (g_str_equal(guest->machine, "pc") || g_str_has_prefix(guest->machine, "pc-i440fx"));
}

static char *slots_text(const GuestInfo *guest) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (unsigned i = 0; i < guest->slots->len && i < 16; i++) {
                const GuestSlot *slot = guest->slots->pdata[i];
                g_string_append_printf(text, "%s%s %s", i ? ", " : "", slot->bus,
                                       !slot->free      ? "in use"
                                       : !slot->hotplug ? "hotplug=off"
                                                        : "free");
        }
        if (guest->slots->len > 16)
                g_string_append_printf(text, " and %u more", guest->slots->len - 16);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static void slots_remedy(Finding *finding, const GuestInfo *guest) {
        if (guest->by_libvirt)
                remedy(finding,
                       "virsh edit %s: add some <controller type='pci' model='pcie-root-port'/>, then power it off and "
                       "start it",
                       guest->name);
        else
                remedy(finding, "start it with more ports: -device pcie-root-port,id=rp8,chassis=8,slot=8 and so on, "
                                "one a device; ports cannot be hot-plugged");
}

static Verdict look_slots(Doctor *doctor, const GuestInfo *guest) {
        unsigned free = 0;
        for (unsigned i = 0; i < guest->slots->len; i++) {
                const GuestSlot *slot = guest->slots->pdata[i];
                free += slot->free && slot->hotplug;
        }
        /* By the command line alone, only ports are known: no other kind of machine can be judged. */
        if (!guest->asked && (!is_q35(guest) || (guest->slots->len == 0 && guest->denied)))
                return GUEST_SKIPPED;
        if (free) {
                report(doctor, SEVERITY_OK, NULL, "%u free slot%s%s", free, free == 1 ? "" : "s",
                       guest->asked ? "" : " at its start");
                return GUEST_FINE;
        }
        bool full = guest_devices(guest) > 0; /* it has what it was meant to have */
        Severity severity = !guest->asked || full ? SEVERITY_NOTE : SEVERITY_BLOCKS;
        g_autofree char *slots = slots_text(guest);
        Finding *finding = report_guest(doctor, severity, guest, "no slot is free for %s device while it runs",
                                        full ? "another" : "a");
        if (guest->slots->len)
                seen(finding, "%s%s", slots, guest->asked ? "" : " (at its start)");
        else
                seen(finding, "it has no pcie-root-port, and its root bus takes nothing while it runs");
        if (guest->asked && guest->socket)
                seen_in(finding, "/%s", guest->socket);
        else if (!guest->asked)
                seen_in(finding, "/proc/%d/cmdline", (int) guest->pid);
        slots_remedy(finding, guest);
        return GUEST_ILL;
}

static void check_slots(Doctor *doctor) {
        each_guest(doctor, look_slots, NULL);
}

static Verdict look_machine(Doctor *doctor, const GuestInfo *guest) {
        if (!is_i440fx(guest))
                return guest->machine ? GUEST_FINE : GUEST_SKIPPED;
        Finding *finding = report_guest(doctor, SEVERITY_NOTE, guest,
                                        "its machine is an i440fx: its devices sit on a conventional PCI bus");
        seen(finding, "%s", guest->machine);
        if (guest->asked && guest->socket)
                seen_in(finding, "/%s", guest->socket);
        else
                seen_in(finding, "/proc/%d/cmdline", (int) guest->pid);
        remedy(finding, "%s",
               guest->by_libvirt ? "machine='q35' in <os><type> of a new guest; in an installed one disks and NICs "
                                   "move, so try it on a copy"
                                 : "start it with -machine q35 and some pcie-root-ports; in an installed guest disks "
                                   "and NICs move, so try it on a copy");
        return GUEST_ILL;
}

static void check_machine(Doctor *doctor) {
        each_guest(doctor, look_machine, NULL);
}

/* ---- vIOMMU ---- */

/* QEMU refuses VFIO behind these two in general; a guest that has a device already is proof of the contrary. */
static const char *viommu_refuses(const GuestInfo *guest) {
        if (!guest->viommu || guest_devices(guest) > 0)
                return NULL;
        if (g_str_equal(guest->viommu, "intel-iommu") && !guest->viommu_caching)
                return "QEMU gives no VFIO device to a guest whose intel-iommu has no caching-mode";
        if (g_str_has_prefix(guest->viommu, "arm-smmu"))
                return "QEMU gives no VFIO device to a guest behind its emulated SMMUv3";
        return NULL;
}

static Verdict look_viommu(Doctor *doctor, const GuestInfo *guest) {
        if (!guest->has_viommu)
                return GUEST_FINE;
        const char *name = guest->viommu ? guest->viommu : "vIOMMU", *refuses = viommu_refuses(guest);
        Finding *finding;
        if (refuses)
                finding = report_guest(doctor, doctor->scope == SCOPE_HOST ? SEVERITY_WARNING : SEVERITY_BLOCKS, guest,
                                       "%s", refuses);
        else
                finding = report_guest(
                        doctor, SEVERITY_NOTE, guest,
                        "it has a vIOMMU (%s): each device counts all its memory anew against the lock limit", name);
        seen(finding, "%s%s%s", name, guest->viommu_caching ? ", caching-mode=on" : "",
             guest->viommu_intremap ? ", intremap on" : ", no interrupt remapping");
        seen_in(finding, "/proc/%d/cmdline", (int) guest->pid);
        if (refuses && g_str_equal(guest->viommu, "intel-iommu"))
                remedy(finding, "start it with -device intel-iommu,caching-mode=on,intremap=on and -machine "
                                "q35,kernel-irqchip=split; or without a vIOMMU");
        else if (refuses)
                remedy(finding, "start it without iommu=smmuv3, or with virtio-iommu-pci in its place");
        return GUEST_ILL;
}

static void check_viommu(Doctor *doctor) {
        each_guest(doctor, look_viommu, NULL);
}

/* ---- how many ---- */

static unsigned vectors_of(const Doctor *doctor, const GuestInfo *guest) {
        unsigned vectors = 0;
        for (unsigned i = 0; i < guest->devices->len; i++) {
                const GuestDevice *device = guest->devices->pdata[i];
                const Dev *dev = device->has_host ? snapshot_get(doctor->host, device->host) : NULL;
                if (dev && dev->has_caps)
                        vectors += MAX(dev->caps.msix_vectors, dev->caps.msi_vectors);
        }
        return vectors;
}

static Verdict look_limit(Doctor *doctor, const GuestInfo *guest) {
        unsigned devices = guest_devices(guest), vectors = vectors_of(doctor, guest);
        if (vectors > KVM_ROUTES - ROUTES_OF_MACHINE) {
                Finding *finding = report_guest(doctor, SEVERITY_WARNING, guest,
                                                "its %u devices have %u interrupt vectors, KVM routes %d for a guest",
                                                devices, vectors, (int) KVM_ROUTES);
                seen(finding, "%u MSI-X vectors in all", vectors);
                remedy(finding, "fewer devices, or drivers with fewer queues in the guest; what finds no route still "
                                "works, slower, through QEMU");
                return GUEST_ILL;
        }
        if (devices <= SEEDS_DEVICES)
                return devices ? GUEST_FINE : GUEST_SKIPPED;
        Finding *finding = report_guest(doctor, SEVERITY_NOTE, guest,
                                        "it has %u devices, more than the %d that enterprise distributions support",
                                        devices, (int) SEEDS_DEVICES);
        seen(finding, "%u devices, %u of KVM's %d interrupt routes", devices, vectors, (int) KVM_ROUTES);
        return GUEST_ILL;
}

static void check_limit(Doctor *doctor) {
        each_guest(doctor, look_limit, NULL);
}

/* ---- the table ---- */

const Check checks_guest[] = {
        {.id = "guest-libvirt",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_GUEST,
         .title = "libvirt runs the guest and was not asked",
         .why = "libvirt keeps the guest's monitor to itself, so what it does not tell is not known.",
         .explain = "The guest's QEMU was started by libvirt, which passes its monitor as an open file and hands it to "
                    "nobody. Without libvirt's own answers vfadm knows such a guest by /proc alone: its name, process, "
                    "memory, lock limit, machine and the devices it was started with.\n\n"
                    "With the package vfadm-libvirt, and libvirt's daemon running, 'vfadm doctor libvirt:NAME' asks it, "
                    "and 'vfadm attach libvirt:NAME' and 'vfadm detach libvirt:NAME' reach the guest.\n\n"
                    "When you give a VF with virsh instead, use <interface type='hostdev' managed='yes'> with "
                    "<mac address=…/> and, where wanted, <vlan><tag id=…/></vlan>, not a plain <hostdev>: only the "
                    "former sets MAC and VLAN through the PF. Without <vlan> libvirt sets VLAN 0 and so wipes one that "
                    "was set before (virHostdevSetNetConfig in src/hypervisor/virhostdev.c).",
         .run = check_guest_libvirt},
        {.id = "guest-no-qmp",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_HOST | SCOPE_GUEST,
         .title = "The guest's QEMU has no QMP socket",
         .why = "Devices are plugged and unplugged by way of QEMU's monitor, and it can be opened only at QEMU's "
                "start.",
         .explain = "On the guest's command line there is no QMP monitor on a unix socket that QEMU listens on. A "
                    "human monitor (-monitor), a monitor on a terminal or on TCP, and one that dials out are of no use "
                    "here.\n\n"
                    "Start QEMU with '-qmp unix:/run/web1.qmp,server=on,wait=off'. The socket is as good as root of "
                    "the guest: keep it in a folder that only root may enter. A guest without it can still get devices "
                    "at its start, by 'vfadm run -- qemu-system-…', and gives them back when it ends.",
         .run = check_guest_socket},
        {.id = "guest-monitor",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_HOST | SCOPE_GUEST,
         .title = "The guest's monitor does not answer",
         .why = "Without the monitor nothing can be plugged or unplugged, and what the guest has is not known.",
         .explain = "The QMP socket is there, but QEMU did not answer on it in time, something else answers, or you "
                    "may not open it.\n\n"
                    "QEMU serves one connection a socket at a time: while a management program holds it, everybody "
                    "else waits. 'ss -xp' names the processes at both ends. Give each program a socket of its own; "
                    "QEMU takes -qmp many times. A QEMU that hangs in the kernel (state D in 'ps', often storage or a "
                    "device reset) answers nobody.\n\n"
                    "What is told of such a guest is what its command line said when it started.",
         .run = check_guest_monitor},
        {.id = "guest-paused",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_HOST | SCOPE_GUEST,
         .title = "The guest does not run",
         .why = "Plugging and unplugging need the guest's own system to act, and a paused one does nothing.",
         .explain = "PCI Express hot-plug is a talk with the guest: QEMU presses the slot's button, and the guest's "
                    "system brings the device up or lets it go. While its processors stand still (paused, suspended, "
                    "waiting for a migration, stopped by an error), a device that is asked back stays, and its lease "
                    "is marked pending.\n\n"
                    "Let a paused guest run on ('cont' on its monitor, 'virsh resume'). In the states io-error, "
                    "internal-error and guest-panicked the cause comes first: QEMU's log, the host's disk space, the "
                    "guest's console. A guest that ends gives all its devices back to the host at once; then run "
                    "'vfadm recover'.",
         .run = check_guest_paused},
        {.id = "guest-memlock",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_HOST | SCOPE_GUEST,
         .title = "The guest may lock too little memory",
         .why = "A device that does DMA needs all of the guest's memory pinned, and QEMU may pin no more than its "
                "limit.",
         .explain = "VFIO pins the whole memory of a guest when it gets its first device, and counts it against "
                    "RLIMIT_MEMLOCK of the QEMU process (/proc/PID/limits), unless that has CAP_IPC_LOCK, as root's "
                    "has. Memory beyond -m counts too: video memory, ROMs, modules that are plugged later. vfadm holds "
                    "the limit against memory plus 1 GiB, as libvirt does; between the two it only notes that there is "
                    "little room.\n\n"
                    "With a vIOMMU each device has an address space of its own, and the memory counts once for each. "
                    "Without, once for all. With iommufd ('-object iommufd') the kernel counts what all processes of "
                    "the same user have pinned through iommufd, not one process, so several guests of one user add "
                    "up.\n\n"
                    "When the limit is too low, QEMU says 'VFIO_MAP_DMA failed: Cannot allocate memory' (-12), and the "
                    "device is refused.\n\n"
                    "For a running QEMU: prlimit --pid PID --memlock=BYTES. For the next start: LimitMEMLOCK= in the "
                    "systemd unit, 'ulimit -l' (KiB) in the shell, or memlock in /etc/security/limits.conf for a "
                    "login. For libvirt: <memtune><hard_limit unit='MiB'>…</hard_limit></memtune>; without it libvirt "
                    "computes the limit itself, which is best left alone.",
         .run = check_memlock},
        {.id = "guest-no-slot",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_GUEST,
         .title = "The guest has no free slot",
         .why = "A device is hot-plugged into a free slot, and slots cannot be added while the guest runs.",
         .explain = "A q35 machine takes a device only behind a pcie-root-port (or a switch's downstream port, or a "
                    "bridge), one device a port. Its root bus, pcie.0, takes nothing while the guest runs, and root "
                    "ports cannot be hot-plugged themselves. libvirt calls this 'No more available PCI slots'.\n\n"
                    "Give the guest spare ports at its start: '-device pcie-root-port,id=rp8,chassis=8,slot=8', each "
                    "with an id, chassis and slot of its own; with libvirt <controller type='pci' "
                    "model='pcie-root-port'/> as often as wanted. They cost nothing but a bus number each. A port with "
                    "hotplug=off keeps what it has.\n\n"
                    "An i440fx machine has a conventional bus of 32 slots and plugs through ACPI.",
         .run = check_slots},
        {.id = "guest-machine",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_HOST | SCOPE_GUEST,
         .title = "The guest's machine is an i440fx",
         .why = "A PCI Express device is a conventional one there, and drivers miss what lies beyond the first 256 "
                "bytes of its config space.",
         .explain = "The machine 'pc' (pc-i440fx-…) has no PCI Express. A device given to it works by its BARs and "
                    "interrupts, which is enough for most VFs. What does not work: everything in extended config space "
                    "(AER, ATS, PASID, resizable BARs, the device's serial number), so drivers that ask for it "
                    "complain or do without; a vIOMMU; and on conventional bridges hot-plug depends on the guest's "
                    "ACPI.\n\n"
                    "'pc' is also what QEMU and libvirt take when nothing is said. A new guest should say q35.",
         .run = check_machine},
        {.id = "guest-viommu",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_HOST | SCOPE_GUEST,
         .title = "The guest has a vIOMMU",
         .why = "Behind a vIOMMU each device pins its memory separately, and some kinds of vIOMMU refuse VFIO devices.",
         .explain = "intel-iommu works with VFIO only with caching-mode=on: without, the guest does not tell of new "
                    "mappings, and QEMU refuses the device ('requires caching mode', hw/i386/intel_iommu.c). It must "
                    "stand on the command line before the devices. For VFIO inside the guest it needs intremap=on as "
                    "well, which needs -machine kernel-irqchip=split; else the guest's own vfio wants "
                    "allow_unsafe_interrupts.\n\n"
                    "virtio-iommu-pci works with VFIO. The emulated SMMUv3 of Arm's 'virt' machine refuses VFIO "
                    "devices ('requires iommu MAP notifier'). amd-iommu takes them only in QEMU versions that know "
                    "dma-remap=on, and only with it.\n\n"
                    "Each device behind a vIOMMU has an address space, so the guest's memory is counted once for each "
                    "against the lock limit (guest-memlock), and each gets its own budget of 65535 mappings "
                    "(dma_entry_limit of vfio_iommu_type1). A guest that maps page by page (strict DMA) can use that "
                    "up: it then sees failed DMA mappings, and QEMU says 'No space left on device'. iommu=pt inside "
                    "the guest avoids it.",
         .run = check_viommu},
        {.id = "guest-device-limit",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_HOST | SCOPE_GUEST,
         .title = "The guest has very many devices",
         .why = "Beyond a few dozen devices a guest meets limits of interrupts, mappings and slots that nobody tests "
                "daily.",
         .explain = "Enterprise distributions state a limit of 32 assigned devices a guest. Neither QEMU nor the "
                    "kernel has such a number today. What does limit:\n\n"
                    "Interrupts: KVM routes 4096 of them in a guest (KVM_MAX_IRQ_ROUTES in include/linux/kvm_host.h), "
                    "the machine's own included. A VF with 64 MSI-X vectors of which all are used takes 64. What finds "
                    "no route goes through QEMU, and slower.\n\n"
                    "DMA mappings: 65535 a VFIO container (dma_entry_limit of vfio_iommu_type1); without a vIOMMU a "
                    "guest needs a few dozen, however many devices it has.\n\n"
                    "Places: a q35 root bus has 32 slots of 8 functions, so up to some 200 root ports, and 256 bus "
                    "numbers in a segment. The guest's firmware must find room for all their windows.\n\n"
                    "Time: QEMU opens and resets one device after the other; hundreds take minutes to start.",
         .run = check_limit},
        {.id = "guest-detach-pending",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_ALL,
         .title = "A guest has not let go of a device yet",
         .why = "Until the guest lets go, the device can be given to nobody else, and it may still do DMA.",
         .explain = "'vfadm detach' asked the guest to let go, and it did not in time. The guest keeps the device, the "
                    "ledger says pending, and nobody else gets it: taking it away by force would pull it out under a "
                    "running driver.\n\n"
                    "Guests do not let go while they boot (no hot-plug driver yet), while they are paused, when they "
                    "have no support for PCI Express hot-plug (pciehp, or acpiphp on i440fx), or when a program inside "
                    "holds the device. Ask again when it has booted: 'vfadm detach GUEST DEVICE'; QEMU does not mind. "
                    "If it answers late by itself, 'vfadm recover' sees that and finishes the return. A guest that is "
                    "shut down lets go in any case; a reboot inside is enough for QEMU to finish an unplug.",
         .run = check_guest_detach_pending},
        {.id = "guest-drift",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_ALL,
         .title = "The ledger and the guests disagree",
         .why = "What vfadm would give back, and restore, is decided by the ledger; when it is wrong, so is that.",
         .explain = "vfadm holds three witnesses against each other: its ledger, the open files of processes "
                    "(/proc/PID/fd), and the devices that QEMU lists.\n\n"
                    "Held but not leased: somebody started QEMU with '-device vfio-pci' by hand, or plugged the device "
                    "by the monitor. It works, and vfadm leaves it alone; but nobody restores MAC, VLAN and driver "
                    "afterwards.\n\n"
                    "Leased to one and held by another: two managers at work. End the one that should not have it.\n\n"
                    "Leased, and the guest has it no more: somebody unplugged it by the monitor, or the guest was "
                    "started anew without it. 'vfadm detach' or 'vfadm recover' then only cleans up: reset, MAC, VLAN "
                    "and driver as they were, and the lease ends.",
         .run = check_guest_drift},
        {.id = "guest-gone",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_HOST,
         .title = "A device is leased to a guest that does not run",
         .why = "The device stays set up for its guest and can be given to nobody else.",
         .explain = "The guest ended, or the host booted anew, while the lease was active. Nothing is lost: the ledger "
                    "knows how the device was before. 'vfadm recover' resets it, restores MAC, VLAN and driver, and "
                    "ends the lease; the next changing verb does the same by itself. To the same guest a device comes "
                    "back with the same MAC by 'vfadm run' or 'vfadm attach'.",
         .run = check_guest_gone},
        {.id = "guest-driver",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_ALL,
         .title = "The guest shows no network device for a VF",
         .why = "The guest holds the VF, but nothing inside uses it: most often the driver is missing.",
         .explain = "The guest agent listed the network devices inside, and none has the MAC that the VF was given. "
                    "Either no driver has the VF (a minimal or older system without igbvf, ixgbevf, iavf, mlx5_core …; "
                    "Windows without the vendor's package), the driver failed (dmesg inside), the system inside gave "
                    "it another MAC (a bond gives all its members one; NetworkManager's cloned-mac-address), or it "
                    "came up only now.\n\n"
                    "Look inside: lspci -nnk, dmesg, ip link. A VF that the guest sees and whose driver says that the "
                    "PF is not ready: see vf-pf-down.",
         .run = check_guest_driver},
        {.id = "guest-agent",
         .topic = TOPIC_GUEST,
         .scopes = SCOPE_GUEST,
         .title = "The guest agent could not be asked",
         .why = "Only the guest itself can tell whether its driver has the device.",
         .explain = "The guest's QEMU has a port for the guest agent (org.qemu.guest_agent.0), but no agent answered "
                    "there, or what answered made no sense. Without it vfadm cannot tell whether a VF's driver works "
                    "inside; all else works as ever.\n\n"
                    "Install qemu-guest-agent in the guest and start its service. Its socket serves one program at a "
                    "time: while another one (a backup, a cloud manager) holds it, vfadm waits a moment and then goes "
                    "without. A distribution may switch off guest-network-get-interfaces (BLACKLIST_RPC or "
                    "--block-rpcs in /etc/sysconfig/qemu-ga).\n\n"
                    "What the agent says comes from inside the guest, and is never used to decide a change.",
         .run = check_guest_agent},
        {.id = NULL},
};
