/* Any bytes as a host, as a stranger may have recorded it: functions that contradict each other, config spaces, groups,
 * resources, boot parameters, mechanisms, guests and leases. Every check survives it, asked about the host, each device and each
 * guest, and says something whole. */
#include "doctor/doctor.h"
#include "host/config.h"
#include "model/guest.h"
#include "model/lease.h"

#include <stdint.h>
#include <string.h>

enum { DEVICES = 10, GUESTS = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
        const uint8_t *data;
        size_t size;
} Bytes;

/* Zeros when there are no more. */
static uint8_t take8(Bytes *bytes) {
        if (!bytes->size)
                return 0;
        bytes->size--;
        return *bytes->data++;
}

static uint16_t take16(Bytes *bytes) {
        unsigned low = take8(bytes);
        return (uint16_t) (low | take8(bytes) << 8);
}

static uint64_t take64(Bytes *bytes) {
        uint64_t value = 0;
        for (unsigned i = 0; i < 4; i++)
                value = value << 16 | take16(bytes);
        return value;
}

/* At most 63 bytes, without NUL; NULL now and then. */
static char *take_text(Bytes *bytes) {
        size_t length = take8(bytes) & 63;
        if (length == 63)
                return NULL;
        length = MIN(length, bytes->size);
        char *text = g_strndup((const char *) bytes->data, length);
        bytes->data += length;
        bytes->size -= length;
        return text;
}

static const char *take_word(Bytes *bytes, const char *const *words, size_t n) {
        return words[take8(bytes) % n];
}

static PciAddr take_address(Bytes *bytes) {
        unsigned value = take16(bytes);
        return (PciAddr) {value >> 15, value >> 8 & 3, value >> 3 & 31, value & 7};
}

static void put16(uint8_t *space, size_t at, unsigned value) {
        space[at] = (uint8_t) value;
        space[at + 1] = (uint8_t) (value >> 8);
}

/* A port with ACS or an endpoint with SR-IOV, and then bytes here and there as the input has it. */
static void take_config(Bytes *bytes, PciCaps *ret) {
        uint8_t space[4096] = {0};
        unsigned kind = take8(bytes), pokes = take8(bytes) & 31;
        static const uint16_t lengths[] = {4096, 4096, 256, 64};

        put16(space, 0, 0x8086);
        put16(space, 6, 0x10);
        space[0x0e] = kind & 1;
        space[0x19] = 1;
        space[0x1a] = kind >> 4 & 3;
        space[0x34] = 0x40;
        put16(space, 0x40, 0x6010);
        put16(space, 0x42, 2 | (kind & 1 ? kind & 2 ? PCIE_ROOT_PORT : PCIE_DOWNSTREAM_PORT : PCIE_ENDPOINT) << 4);
        put16(space, 0x60, 0x0011);
        put16(space, 0x100, kind & 1 ? 0x0d : 0x10);
        put16(space, 0x102, 1);
        put16(space, 0x104, kind & 1 ? 0x1d : 0);
        put16(space, 0x106, kind & 4 ? 0x1d : 0);
        put16(space, 0x10e, 8);
        put16(space, 0x114, 0x80);
        put16(space, 0x116, 2);
        space[0x124] = 0xc;
        for (unsigned i = 0; i < pokes; i++) {
                uint16_t at = take16(bytes);
                space[at % sizeof space] = take8(bytes);
        }
        config_parse(space, lengths[kind >> 6], ret);
}

static void take_nets(Bytes *bytes, Dev *dev) {
        for (unsigned i = take8(bytes) & 3; i > 0; i--) {
                g_autofree char *name = take_text(bytes);
                NetDev *net = net_dev_new(name ? name : "eth0");
                net->up = take8(bytes) & 1;
                net->phys_port_name = take_text(bytes);
                net->mac[5] = take8(bytes);
                g_ptr_array_add(dev->nets, net);
        }
}

static void take_pf(Bytes *bytes, Dev *dev) {
        static const PciAddr nobody = {0};
        unsigned links = take8(bytes) & 15;

        dev->is_pf = true;
        dev->total_vfs = take8(bytes) & 1 ? take16(bytes) : links;
        dev->autoprobe = take8(bytes) & 1;
        dev->vfs = g_array_new(FALSE, TRUE, sizeof(PciAddr));
        dev->vf_infos = take8(bytes) & 1 ? g_array_new(FALSE, TRUE, sizeof(VfInfo)) : NULL;
        for (unsigned i = 0; i < links; i++) {
                PciAddr addr = take_address(bytes);
                VfInfo info = {.index = i};
                info.state.known = take16(bytes) & VF_ALL;
                info.state.vlan = take16(bytes) & 0xfff;
                info.state.trust = take8(bytes) & 1;
                info.state.mac[5] = take8(bytes) & 3;
                info.missing = take8(bytes) == 1;
                g_array_append_val(dev->vfs, *(addr.domain ? &nobody : &addr));
                dev->num_vfs += !addr.domain;
                if (dev->vf_infos)
                        g_array_append_val(dev->vf_infos, info);
        }
}

static void take_resources(Bytes *bytes, Dev *dev) {
        unsigned lines = take8(bytes) % 20;
        dev->resources = g_array_new(FALSE, TRUE, sizeof(PciResource));
        for (unsigned i = 0; i < lines; i++) {
                unsigned kind = take8(bytes);
                PciResource range = {0};
                if (kind & 1)
                        range = (PciResource) {take64(bytes), take64(bytes), take64(bytes)};
                else if (kind & 2)
                        range = (PciResource) {0xf0000000u + (kind << 16), 0xf0000000u + (kind << 16) + 0xffff, 0x40200};
                g_array_append_val(dev->resources, range);
        }
}

static void take_device(Bytes *bytes, Snapshot *host) {
        static const char *const drivers[] = {NULL, "igb", "igbvf", "vfio-pci", "pcieport", "mlx5_core", "bnxt_en", "pci-stub",
                                              "nvme", "pciback", "mlx5_vfio_pci", "r8169"};
        static const uint32_t classes[] = {0x020000, 0x060400, 0x010802, 0x030000, 0x060100, 0x0c0330};
        PciAddr addr = take_address(bytes);
        if (snapshot_get(host, addr))
                return;
        Dev *dev = dev_new(addr);
        unsigned kind = take8(bytes);

        dev->class_code = classes[take8(bytes) % G_N_ELEMENTS(classes)];
        dev->driver = g_strdup(take_word(bytes, drivers, G_N_ELEMENTS(drivers)));
        dev->driver_override = kind & 1 ? take_text(bytes) : NULL;
        dev->iommu_group = (int) (take8(bytes) & 15) - 1;
        dev->numa_node = -1;
        dev->path = take_text(bytes);
        dev->has_parent = kind & 2;
        dev->parent = take_address(bytes); /* of one that is there, of none, of itself */
        dev->is_vf = kind & 4;
        dev->pf = take_address(bytes);
        dev->vf_index = take8(bytes) & 15;
        dev->has_caps = kind & 8;
        if (dev->has_caps)
                take_config(bytes, &dev->caps);
        take_nets(bytes, dev);
        if (kind & 16)
                take_pf(bytes, dev);
        if (kind & 32)
                take_resources(bytes, dev);
        if (kind & 64) {
                char *what = take_text(bytes);
                dev_add_use(dev, take8(bytes) % 4, what ? what : g_strdup("something"), take8(bytes), NULL);
        }
        if (kind & 128)
                dev->reset_methods = g_strsplit(take8(bytes) & 1 ? "flr bus" : "bus", " ", 0);
        snapshot_add(host, dev);
}

static void take_mechanism(Bytes *bytes, Setup *setup) {
        Mechanism *mechanism = setup_add_mechanism(setup, take8(bytes) % MECH_KINDS, "etc/some/file", take8(bytes));
        mechanism->sets = take8(bytes);
        mechanism->traits = take8(bytes);
        mechanism->text = take_text(bytes);
        mechanism->driver = take_text(bytes);
        mechanism->netdev = take_text(bytes);
        mechanism->bdf = take_text(bytes);
        mechanism->num_vfs = (int64_t) take8(bytes) - 128;
        mechanism->to_driver = take_text(bytes);
        mechanism->active = take8(bytes) & 1;
}

static void take_table(Bytes *bytes, IommuTable *table) {
        unsigned kind = take8(bytes);
        table->present = kind & 3;
        table->present = MIN(table->present, KNOWN_YES);
        table->readable = kind & 4;
        table->valid = kind & 8;
        table->intr_remap = kind & 16;
        table->units = take8(bytes) & 7;
}

static Setup *take_setup(Bytes *bytes) {
        static const char *const arches[] = {NULL, "x86_64", "aarch64", "ppc64le", "i686"};
        static const char *const tools[] = {"libvirt", "qemu", "xen", "driverctl", "networkmanager", "systemd"};
        Setup *setup = setup_new();
        unsigned kind = take8(bytes);

        setup->arch = g_strdup(take_word(bytes, arches, G_N_ELEMENTS(arches)));
        setup->vendor = take8(bytes) % 3;
        setup->virt_flag = kind & 1;
        setup->hypervisor = kind & 2;
        setup->vfio_pci_sriov = kind & 4;
        setup->xen_dom0 = kind & 8;
        setup->kvm_error = -(take8(bytes) & 15);
        take_table(bytes, &setup->dmar);
        take_table(bytes, &setup->ivrs);
        setup->cmdline = take_text(bytes);
        setup->words = setup->cmdline ? boot_words_split(setup->cmdline) : NULL;
        setup->boot.kind = take8(bytes) % (BOOT_OSTREE + 1);
        setup->boot.file = take_text(bytes);
        setup->boot.text = take_text(bytes);
        for (unsigned i = take8(bytes) & 7; i > 0; i--)
                take_mechanism(bytes, setup);
        for (unsigned i = 0; i < G_N_ELEMENTS(tools); i++) {
                g_autofree char *version = kind >> 4 ? take_text(bytes) : NULL;
                if (version)
                        setup_add_tool(setup, tools[i], version)->running = kind & 16;
        }
        return setup;
}

static GuestInfo *take_guest(Bytes *bytes) {
        g_autofree char *name = take_text(bytes);
        GuestInfo *guest = guest_info_new("qemu", name && *name ? name : "web1");
        unsigned kind = take8(bytes);

        guest->pid = take8(bytes);
        guest->machine = take_text(bytes);
        guest->asked = kind & 1;
        guest->has_viommu = kind & 2;
        guest->agent = kind & 4;
        guest->by_libvirt = kind & 8;
        guest->denied = kind & 16;
        guest->ram = take64(bytes);
        guest->memlock_limit = take64(bytes);
        guest->memlock_used = take64(bytes);
        for (unsigned i = take8(bytes) & 7; i > 0; i--) {
                GuestDevice *device = guest_info_add_device(guest, "vfadm-dev");
                device->has_host = true;
                device->host = take_address(bytes);
                device->leaving = take8(bytes) & 1;
        }
        for (unsigned i = take8(bytes) & 3; i > 0; i--)
                guest_info_add_slot(guest, "rp0", take8(bytes) & 1, take8(bytes) & 1);
        return guest;
}

static Lease *take_lease(Bytes *bytes) {
        Lease *lease = lease_new();
        lease->id = take8(bytes);
        lease->dev = take_address(bytes);
        lease->guest = g_strdup(take8(bytes) & 1 ? "qemu:web1" : "qemu:gone");
        lease->pid = take8(bytes);
        lease->boot_id = g_strdup("1");
        lease->state = take8(bytes) & 1;
        lease->given.known = take16(bytes) & VF_ALL;
        return lease;
}

static void check(GPtrArray *findings) {
        for (unsigned i = 0; i < findings->len; i++) {
                const Finding *finding = findings->pdata[i];
                g_assert_nonnull(doctor_check_find(finding->id));
                g_assert_true(finding->what && *finding->what);
                g_assert_cmpint(finding->severity, <=, SEVERITY_BLOCKS);
                g_assert_true(i == 0 || ((const Finding *) findings->pdata[i - 1])->topic <= finding->topic);
                for (unsigned d = 0; d < finding->devices->len; d++)
                        g_assert_nonnull(finding->devices->pdata[d]);
        }
        g_ptr_array_unref(findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Bytes bytes = {data, size};
        g_autoptr(Snapshot) host = snapshot_new();
        g_autoptr(GPtrArray) leases = g_ptr_array_new_with_free_func((GDestroyNotify) lease_free);
        g_autoptr(GPtrArray) guests = g_ptr_array_new_with_free_func((GDestroyNotify) guest_info_free);
        DoctorInput input = {.host = host, .leases = leases, .guests = guests};
        unsigned kind = take8(&bytes);

        host->has_iommu = kind & 1;
        host->lockdown = kind & 2;
        host->unsafe_interrupts = kind & 4;
        host->intremap = (kind >> 3) % 3;
        host->boot_id = g_strdup("1");
        host->kernel_release = take_text(&bytes);
        if (kind & 128)
                host->setup = take_setup(&bytes);
        for (unsigned i = take8(&bytes) % (GUESTS + 1); i > 0; i--)
                g_ptr_array_add(guests, take_guest(&bytes));
        for (unsigned i = take8(&bytes) & 3; i > 0; i--)
                g_ptr_array_add(leases, take_lease(&bytes));
        for (unsigned i = 0; i < DEVICES && bytes.size; i++)
                take_device(&bytes, host);
        snapshot_seal(host);

        check(doctor_host(&input));
        for (unsigned i = 0; i < host->devs->len; i++)
                check(doctor_device(&input, host->devs->pdata[i]));
        for (unsigned i = 0; i < guests->len; i++)
                check(doctor_guest(&input, guests->pdata[i]));
        return 0;
}
