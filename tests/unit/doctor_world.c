/* A healthy host for tests of checks. */
#include "doctor_world.h"

#include <errno.h>
#include <string.h>

enum { MEM = 0x40200, MEM_64 = 0x140204, PREF_64 = 0x14220c, IO = 0x101 }; /* IORESOURCE_*, as sysfs shows them */

static void put(Dev *dev, unsigned number, uint64_t start, uint64_t end, uint64_t flags) {
        g_array_index(dev->resources, PciResource, number) = (PciResource) {start, end, flags};
}

static void no_resources(Dev *dev) {
        dev->resources = g_array_new(FALSE, TRUE, sizeof(PciResource));
        g_array_set_size(dev->resources, 17);
}

static void add_port(Snapshot *host) {
        Dev *port = dev_new((PciAddr) {0, 0, 2, 0});
        port->vendor = 0x8086;
        port->device = 0x3420;
        port->class_code = 0x060400;
        port->driver = g_strdup("pcieport");
        port->iommu_group = 2;
        port->path = g_strdup("pci0000:00/0000:00:02.0");
        port->has_caps = true;
        port->caps = (PciCaps) {.length = 4096, .header_type = 1, .pcie_type = PCIE_ROOT_PORT, .express_at = 0x90, .pm_at = 0xe0,
                                .ari_forwarding_capable = true, .ari_forwarding = true,
                                .has_acs = true, .acs_cap = 0x5f, .acs_ctrl = 0x1d, .acs_at = 0x110,
                                .link_width = 4, .link_width_max = 4, .link_speed = 2, .link_speed_max = 2, .command = 7,
                                .primary = 0, .secondary = 1, .subordinate = 2, .mem_base = 0xfe000000, .mem_limit = 0xfe9fffff,
                                .pref_base = 0xf000000000, .pref_limit = 0xf0000fffff, .pref_64 = true};
        no_resources(port);
        put(port, RESOURCE_BRIDGE, 0x1000, 0x1fff, IO);
        put(port, RESOURCE_BRIDGE + 1, 0xfe000000, 0xfe9fffff, 0x200);
        put(port, RESOURCE_BRIDGE + 2, 0xf000000000, 0xf0000fffff, 0x102201);
        snapshot_add(host, port);
}

static void fill_pf(Dev *pf, unsigned vfs) {
        pf->has_parent = true;
        pf->parent = (PciAddr) {0, 0, 2, 0};
        pf->has_caps = true;
        pf->caps = (PciCaps) {.length = 4096, .pcie_type = PCIE_ENDPOINT, .express_at = 0xa0, .pm_at = 0x40, .msi_at = 0x50,
                              .msix_at = 0x70, .flr = true, .msi_vectors = 1, .msix_vectors = 10,
                              .link_width = 4, .link_width_max = 4, .link_speed = 1, .link_speed_max = 1, .command = 6,
                              .has_ari = true, .ari_at = 0x150, .has_sriov = true, .sriov_at = 0x160, .sriov_initial = 8,
                              .sriov_total = 8, .sriov_num = (uint16_t) vfs, .sriov_offset = 128, .sriov_stride = 2,
                              .sriov_vf_device = 0x10ca, .sriov_enabled = vfs > 0, .sriov_memory = vfs > 0, .sriov_ari = true,
                              .sriov_page_sizes = 0x553, .sriov_page_size = 1,
                              .sriov_bars = {0xfe400004, 0, 0, 0xfe420004, 0, 0}};
        no_resources(pf);
        put(pf, 0, 0xfe000000, 0xfe01ffff, MEM);
        put(pf, 1, 0xfe020000, 0xfe03ffff, MEM);
        put(pf, 3, 0xfe040000, 0xfe043fff, MEM);
        put(pf, RESOURCE_VF_BARS, 0xfe400000, 0xfe41ffff, MEM_64);
        put(pf, RESOURCE_VF_BARS + 3, 0xfe420000, 0xfe43ffff, MEM_64);
        NetDev *net = pf->nets->pdata[0];
        net->carrier = true;
}

static void fill_vf(Snapshot *host, unsigned index) {
        Dev *vf = host_vf(host, index);
        VfState *state = host_vf_state(host, index);

        vf->has_parent = true;
        vf->parent = (PciAddr) {0, 0, 2, 0};
        vf->has_caps = true;
        vf->caps = (PciCaps) {.length = 4096, .pcie_type = PCIE_ENDPOINT, .express_at = 0xa0, .msix_at = 0x70, .flr = true,
                              .msix_vectors = 3, .has_ari = true, .ari_at = 0x150};
        state->mac[0] = 0x02;
        state->mac[4] = 0x02;
        state->mac[5] = (uint8_t) (index + 1);
}

void doctor_world_cmdline(DoctorWorld *w, const char *cmdline) {
        Setup *setup = w->host->setup;
        g_free(setup->cmdline);
        g_strfreev(setup->words);
        setup->cmdline = g_strdup(cmdline);
        setup->words = boot_words_split(cmdline);
}

static Setup *healthy_setup(unsigned vfs) {
        static const char *const modules[] = {"kvm", "kvm_intel", "vfio", "vfio_iommu_type1", "vfio_pci", "vfio_pci_core", "igb"};
        Setup *setup = setup_new();

        setup->arch = g_strdup("x86_64");
        setup->vendor = CPU_INTEL;
        setup->virt_flag = true;
        setup->cpus = 8;
        setup->efi = KNOWN_YES;
        setup->secure_boot = KNOWN_NO;
        setup->dmar.present = KNOWN_YES;
        setup->dmar.readable = setup->dmar.valid = setup->dmar.intr_remap = true;
        setup->dmar.units = 2;
        setup->dmar.address_bits = 46;
        setup->ivrs.present = setup->iort = KNOWN_NO;
        setup->intel_default_on = KNOWN_NO;
        setup->config_file = g_strdup("boot/config-6.12.0");
        setup->groups = 3 + vfs;
        setup->identity_groups = 3 + vfs;
        g_ptr_array_add(setup->iommus, g_strdup("dmar0"));
        g_ptr_array_add(setup->iommus, g_strdup("dmar1"));
        for (size_t i = 0; i < G_N_ELEMENTS(modules); i++)
                g_ptr_array_add(setup->modules, g_strdup(modules[i]));
        setup->boot.kind = BOOT_GRUB;
        setup->boot.file = g_strdup("etc/default/grub.d/60-vfadm.cfg");
        setup->boot.menu = g_strdup("boot/grub/grub.cfg");
        setup->boot.tool = g_strdup("/usr/sbin/update-grub");
        setup_add_tool(setup, "qemu", "10.0.2");
        setup_add_tool(setup, "systemd", "257");
        return setup;
}

DoctorWorld doctor_world(unsigned vfs) {
        DoctorWorld w = {.host = host_igb(vfs), .leases = g_ptr_array_new_with_free_func((GDestroyNotify) lease_free),
                         .guests = g_ptr_array_new_with_free_func((GDestroyNotify) guest_info_free)};

        add_port(w.host);
        snapshot_seal(w.host);
        fill_pf(host_pf(w.host), vfs);
        for (unsigned i = 0; i < vfs; i++)
                fill_vf(w.host, i);
        w.host->setup = healthy_setup(vfs);
        doctor_world_cmdline(&w, "BOOT_IMAGE=/boot/vmlinuz-6.12.0 root=/dev/vda1 ro quiet intel_iommu=on iommu=pt");
        if (vfs > 0) {
                Mechanism *link = setup_add_mechanism(w.host->setup, MECH_LINK, "etc/systemd/network/10-enp1s0.link", 6);
                link->sets = SETS_NUMVFS;
                link->driver = g_strdup("igb");
                link->num_vfs = vfs;
        }
        return w;
}

void doctor_world_clear(DoctorWorld *w) {
        g_clear_pointer(&w->findings, g_ptr_array_unref);
        snapshot_free(w->host);
        g_ptr_array_unref(w->leases);
        g_ptr_array_unref(w->guests);
        books_free(w->books);
}

Dev *doctor_world_port(DoctorWorld *w) {
        return (Dev *) snapshot_get(w->host, (PciAddr) {0, 0, 2, 0});
}

Dev *doctor_world_disk(DoctorWorld *w) {
        return (Dev *) snapshot_get(w->host, (PciAddr) {0, 0, 1, 0});
}

Setup *doctor_world_setup(DoctorWorld *w) {
        return w->host->setup;
}

GuestInfo *doctor_world_guest(DoctorWorld *w) {
        GuestInfo *guest = guest_info_new("qemu", "web1");
        guest->pid = 812;
        guest->pid_start = 77777;
        guest->status = g_strdup("running");
        guest->ram = 2ULL << 30;
        guest->memlock_limit = UINT64_MAX;
        guest->machine = g_strdup("pc-q35-10.0");
        guest->asked = true;
        guest_info_add_slot(guest, "rp0", true, true);
        g_ptr_array_add(w->guests, guest);
        return guest;
}

Lease *doctor_world_give(DoctorWorld *w, GuestInfo *guest, Dev *dev) {
        g_autofree char *id = g_strdup_printf("vfadm-%s", dev->name);
        GuestDevice *device = guest_info_add_device(guest, id);
        Lease *lease = lease_new();

        g_free(dev->driver);
        g_free(dev->driver_override);
        dev->driver = g_strdup("vfio-pci");
        dev->driver_override = g_strdup("vfio-pci");
        dev_add_use(dev, USE_PROCESS, g_strdup_printf("guest %s (qemu, pid %d)", guest->name, guest->pid), guest->pid, guest->name);
        device->host = dev->addr;
        device->has_host = true;
        guest->vfio_files++;
        lease->id = w->leases->len + 1;
        lease->dev = dev->addr;
        lease_identify(lease, w->host, dev);
        lease->guest = guest_info_ref(guest);
        lease->guest_device = g_strdup(id);
        lease->pid = guest->pid;
        lease->pid_start = guest->pid_start;
        lease->boot_id = g_strdup(w->host->boot_id);
        g_ptr_array_add(w->leases, lease);
        return lease;
}

static DoctorInput input_of(const DoctorWorld *w) {
        return (DoctorInput) {.host = w->host, .leases = w->leases, .guests = w->guests, .books = w->books, .xen_log = w->xen_log,
                              .xen_module = w->xen_module};
}

static const GPtrArray *keep(DoctorWorld *w, GPtrArray *findings) {
        g_clear_pointer(&w->findings, g_ptr_array_unref);
        w->findings = findings;
        return findings;
}

void doctor_world_xen(DoctorWorld *w) {
        Setup *setup = w->host->setup;

        w->host->has_iommu = false;
        w->host->xen_dom0 = setup->xen_dom0 = true;
        w->host->intremap = INTREMAP_UNKNOWN;
        for (unsigned i = 0; i < w->host->devs->len; i++)
                ((Dev *) w->host->devs->pdata[i])->iommu_group = -1;
        setup->groups = setup->identity_groups = setup->groups_read = 0;
        setup->kvm_error = -ENOENT;
        setup->virt_flag = false;
        setup->hypervisor = true;
        setup->dmar.present = setup->ivrs.present = KNOWN_NO; /* Xen hides them */
        setup->dmar.readable = setup->dmar.valid = false;
        g_ptr_array_set_size(setup->iommus, 0);
        doctor_world_cmdline(w, "root=/dev/sda1 ro quiet");
        setup->hide.pciback = KNOWN_YES;
        setup->xen.driver = true;
        setup->xen.hide = g_strdup("");
        setup->xen.log_read = true;
        w->xen_module = KNOWN_YES;
        w->xen_log = "(XEN) ACPI: RSDP 000F59D0, 0014 (r0 BOCHS )\n(XEN) ACPI: DMAR 7FFE2A12, 0080 (r1 BOCHS  BXPC)\n"
                     "(XEN) Intel VT-d Snoop Control enabled.\n(XEN) Intel VT-d Dom0 DMA Passthrough not enabled.\n"
                     "(XEN) Intel VT-d Queued Invalidation enabled.\n(XEN) Intel VT-d Interrupt Remapping enabled.\n"
                     "(XEN) Intel VT-d Posted Interrupt not enabled.\n(XEN) Intel VT-d Shared EPT tables enabled.\n"
                     "(XEN) I/O virtualisation enabled\n(XEN)  - Dom0 mode: Relaxed\n(XEN) Interrupt remapping enabled\n";
        w->books = books_new();
        w->books->xen = g_new0(Hypervisor, 1);
        *w->books->xen = (Hypervisor) {.version = g_strdup("4.20.3"), .cmdline = g_strdup("dom0_mem=2G,max:2G iommu=verbose"), .pv = true,
                                       .hvm = true, .hap = true, .directio = true, .memory = UINT64_C(8) << 30, .dom0_memory = UINT64_C(2) << 30};
}

GuestInfo *doctor_world_domain(DoctorWorld *w, const char *name, uint32_t domain) {
        GuestInfo *info = guest_info_new("xen", name);
        info->machine = g_strdup("xenpv");
        info->domain = domain;
        info->running = domain != 0;
        info->has_definition = true;
        info->file = g_strdup_printf("etc/xen/%s.cfg", name);
        g_ptr_array_add(w->books->guests, info);
        return info;
}

GuestDevice *doctor_world_define(DoctorWorld *w, GuestInfo *domain, Dev *dev, const char *entry) {
        g_free(dev->driver);
        dev->driver = g_strdup("pciback");
        g_ptr_array_set_size(dev->nets, 0);
        if (domain->running) {
                GuestDevice *device = guest_info_add_device(domain, dev->name);
                device->host = dev->addr;
                device->has_host = true;
                dev_add_use(dev, USE_GUEST, g_strdup_printf("xen:%s (domain %u)", domain->name, domain->domain), 0, domain->name);
        }
        GuestDevice *defined = guest_info_add_defined(domain, dev->name);
        defined->host = dev->addr;
        defined->has_host = true;
        defined->xml = g_strdup(entry ? entry : dev->name);
        return defined;
}

const GPtrArray *doctor_world_host(DoctorWorld *w) {
        DoctorInput input = input_of(w);
        return keep(w, doctor_host(&input));
}

const GPtrArray *doctor_world_device(DoctorWorld *w, const Dev *dev) {
        DoctorInput input = input_of(w);
        return keep(w, doctor_device(&input, dev));
}

const GPtrArray *doctor_world_guest_check(DoctorWorld *w, const GuestInfo *guest) {
        DoctorInput input = input_of(w);
        return keep(w, doctor_guest(&input, guest));
}

static bool is_trouble(const Finding *finding, const char *id) {
        return finding->severity > SEVERITY_OK && g_str_equal(finding->id, id);
}

const Finding *doctor_world_find(const DoctorWorld *w, const char *id) {
        for (unsigned i = 0; i < w->findings->len; i++)
                if (is_trouble(w->findings->pdata[i], id))
                        return w->findings->pdata[i];
        return NULL;
}

unsigned doctor_world_count(const DoctorWorld *w, const char *id) {
        unsigned count = 0;
        for (unsigned i = 0; i < w->findings->len; i++)
                count += is_trouble(w->findings->pdata[i], id);
        return count;
}

static void silent(const DoctorWorld *w, const char *id) {
        g_assert_nonnull(doctor_check_find(id)); /* else it would be silent for ever */
        const Finding *finding = doctor_world_find(w, id);
        if (finding)
                g_error("%s: %s (%s) should be silent", id, finding->what, severity_word(finding->severity));
}

const Finding *doctor_world_fires(const DoctorWorld *w, const char *id, Severity severity, const char *says) {
        const Finding *finding = doctor_world_find(w, id);
        if (!finding)
                g_error("%s: should find something", id);
        if (says && !strstr(finding->what, says))
                g_error("%s: \"%s\" should say \"%s\"", id, finding->what, says);
        g_assert_cmpstr(severity_word(finding->severity), ==, severity_word(severity));
        return finding;
}

void assert_host_silent(DoctorWorld *w, const char *id) {
        doctor_world_host(w);
        silent(w, id);
}

const Finding *assert_host_fires(DoctorWorld *w, const char *id, Severity severity, const char *says) {
        doctor_world_host(w);
        return doctor_world_fires(w, id, severity, says);
}

void assert_device_silent(DoctorWorld *w, const Dev *dev, const char *id) {
        doctor_world_device(w, dev);
        silent(w, id);
}

const Finding *assert_device_fires(DoctorWorld *w, const Dev *dev, const char *id, Severity severity, const char *says) {
        doctor_world_device(w, dev);
        return doctor_world_fires(w, id, severity, says);
}
