/* The simulated machine's PCI functions and what sysfs shows of them. */
#include "base/text.h"
#include "sim_priv.h"

#include <string.h>

#define ROOT_BUS "sys/devices/pci0000:00"
enum { NO_PCIE = 0xff, ENDPOINT = 0, ROOT_PORT = 4, PCIE_TO_PCI = 7 };

#define ALL_ATTRIBUTES (VF_MAC | VF_VLAN | VF_SPOOFCHK | VF_TRUST | VF_LINK | VF_MIN_RATE | VF_MAX_RATE)
#define NO_LINK (VF_MAC | VF_VLAN | VF_SPOOFCHK | VF_TRUST | VF_MAX_RATE)

/* From the drivers' sources (ndo tables, sriov_configure) and field-facts 2, 8, 10 to 13. */
static const Card cards[] = {
        {.driver = "igb", .vf_driver = "igbvf", .vendor = 0x8086, .pf_device = 0x10c9, .vf_device = 0x10ca,
         .subdevice = 0xa01f, .total = 7, .hw_total = 8, .offset = 0x80, .stride = 2, .accepts = NO_LINK, .own_mac = true,
         .no_min_rate = true, .speed = 1000},
        {.driver = "ixgbe", .vf_driver = "ixgbevf", .vendor = 0x8086, .pf_device = 0x10fb, .vf_device = 0x10ed,
         .subdevice = 0x0003, .total = 63, .offset = 0x80, .stride = 2, .accepts = NO_LINK | VF_LINK, .own_mac = true,
         .no_min_rate = true, .speed = 10000},
        {.driver = "i40e", .vf_driver = "iavf", .vendor = 0x8086, .pf_device = 0x1572, .vf_device = 0x154c,
         .subdevice = 0x0007, .total = 64, .offset = 0x10, .stride = 1, .accepts = NO_LINK | VF_LINK, .busy = 2,
         .no_min_rate = true, .speed = 10000},
        {.driver = "ice", .vf_driver = "iavf", .vendor = 0x8086, .pf_device = 0x1592, .vf_device = 0x1889,
         .subdevice = 0x0002, .total = 64, .offset = 0x8, .stride = 1, .accepts = ALL_ATTRIBUTES,
         .missing_ms = 250, .speed = 100000},
        {.driver = "bnxt_en", .vf_driver = "bnxt_en", .vendor = 0x14e4, .pf_device = 0x16d7, .vf_device = 0x16dc,
         .subdevice = 0x1402, .total = 16, .offset = 0x10, .stride = 1, .accepts = ALL_ATTRIBUTES,
         .enable_needs_up = true, .speed = 25000},
        {.driver = "mlx5_core", .vf_driver = "mlx5_core", .vendor = 0x15b3, .pf_device = 0x1017, .vf_device = 0x1018,
         .subdevice = 0x0020, .total = 16, .offset = 0x2, .stride = 1, .accepts = ALL_ATTRIBUTES,
         .vlan_8021ad = true, .speed = 100000},
};

void fn_free(Fn *fn) {
        g_free(fn->path);
        g_free(fn->override);
        g_free(fn->net);
        g_free(fn->home_net);
        g_free(fn->vf);
        if (fn->vfs)
                g_ptr_array_unref(fn->vfs);
        g_free(fn);
}

Fn *pci_find(Sim *sim, const char *name) {
        g_autofree char *bare = g_strchomp(g_strdup(name)); /* bus_find_device_by_name ignores a newline */
        for (unsigned i = 0; i < sim->fns->len; i++)
                if (g_str_equal(((Fn *) sim->fns->pdata[i])->name, bare))
                        return sim->fns->pdata[i];
        return NULL;
}

static char *at(const Fn *fn, const char *attribute) {
        return g_strdup_printf("%s/%s", fn->path, attribute);
}

static void put(Sim *sim, const Fn *fn, const char *attribute, const char *format, ...) G_GNUC_PRINTF(4, 5);
static void put(Sim *sim, const Fn *fn, const char *attribute, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args), *path = at(fn, attribute);
        va_end(args);
        io_tree_put_text(sim->tree, path, text);
}

static void put_link(Sim *sim, const Fn *fn, const char *name, const char *format, ...) G_GNUC_PRINTF(4, 5);
static void put_link(Sim *sim, const Fn *fn, const char *name, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *target = g_strdup_vprintf(format, args), *path = at(fn, name);
        va_end(args);
        io_tree_put_link(sim->tree, path, target);
}

static void drop(Sim *sim, const Fn *fn, const char *attribute) {
        g_autofree char *path = at(fn, attribute);
        io_tree_remove(sim->tree, path);
}

static void put_write_only(Sim *sim, const Fn *fn, const char *attribute) {
        g_autofree char *path = at(fn, attribute);
        io_tree_put_errno(sim->tree, path, -EACCES); /* kernfs_fop_open() refuses what has no show, root too */
}

/* "../../../" as often as the function lies below sys/. */
static char *up_to_sys(const Fn *fn, unsigned below) {
        GString *text = g_string_new(NULL);
        for (const char *p = fn->path; *p; p++)
                if (*p == '/')
                        g_string_append(text, "../");
        while (below--)
                g_string_append(text, "../");
        return g_string_free(text, FALSE);
}

static char *modalias(const Fn *fn) {
        return g_strdup_printf("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", fn->vendor, fn->device, fn->subvendor,
                               fn->subdevice, fn->class_code >> 16, fn->class_code >> 8 & 0xff, fn->class_code & 0xff);
}

void pci_render(Sim *sim, Fn *fn) {
        g_autofree char *alias = modalias(fn), *sys = up_to_sys(fn, 0);

        put(sim, fn, "driver_override", "%s\n", fn->override ? fn->override : "(null)");
        put(sim, fn, "uevent",
            "%s%s%sPCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\nMODALIAS=%s\n",
            fn->driver ? "DRIVER=" : "", fn->driver ? fn->driver->name : "", fn->driver ? "\n" : "", fn->class_code,
            fn->vendor, fn->device, fn->subvendor, fn->subdevice, fn->name, alias);
        drop(sim, fn, "driver");
        if (fn->driver)
                put_link(sim, fn, "driver", "%sbus/pci/drivers/%s", sys, fn->driver->name);
        if (fn->vfs) {
                put(sim, fn, "sriov_numvfs", "%u\n", fn->vfs->len);
                put(sim, fn, "sriov_drivers_autoprobe", "%d\n", fn->autoprobe);
        }
        config_render(sim, fn);
}

static void render_group(Sim *sim, Fn *fn) {
        if (fn->group < 0)
                return;
        g_autofree char *sys = up_to_sys(fn, 0);
        g_autofree char *member = g_strdup_printf("sys/kernel/iommu_groups/%d/devices/%s", fn->group, fn->name);
        g_autofree char *target = g_strdup_printf("../../../../../%s", fn->path + strlen("sys/"));
        g_autofree char *type = g_strdup_printf("sys/kernel/iommu_groups/%d/type", fn->group);
        io_tree_put_link(sim->tree, member, target);
        io_tree_put_text(sim->tree, type, "DMA-FQ\n");
        put_link(sim, fn, "iommu_group", "%skernel/iommu_groups/%d", sys, fn->group);
}

/* What never changes while the function exists. */
static void render_new(Sim *sim, Fn *fn) {
        g_autofree char *alias = modalias(fn), *sys = up_to_sys(fn, 0);
        g_autofree char *bus = g_strdup_printf("sys/bus/pci/devices/%s", fn->name);
        g_autofree char *target = g_strdup_printf("../../../%s", fn->path + strlen("sys/"));

        io_tree_put_link(sim->tree, bus, target);
        put(sim, fn, "vendor", "0x%04x\n", fn->vendor);
        put(sim, fn, "device", "0x%04x\n", fn->device);
        put(sim, fn, "subsystem_vendor", "0x%04x\n", fn->subvendor);
        put(sim, fn, "subsystem_device", "0x%04x\n", fn->subdevice);
        put(sim, fn, "class", "0x%06x\n", fn->class_code);
        put(sim, fn, "revision", "0x%02x\n", fn->revision);
        put(sim, fn, "modalias", "%s\n", alias);
        put(sim, fn, "numa_node", "-1\n");
        put(sim, fn, "enable", "1\n");
        put_link(sim, fn, "subsystem", "%sbus/pci", sys);
        if (fn->class_code >> 16 == 0x02) {
                put_write_only(sim, fn, "reset");
                put(sim, fn, "reset_method", fn->pcie_type == 0xff ? "pm bus\n" : fn->pf ? "flr\n" : "flr bus\n");
        }
        if (fn->pf) {
                g_autofree char *virtfn = g_strdup_printf("virtfn%u", fn->index);
                put_link(sim, fn, "physfn", "../%s", fn->pf->name);
                put_link(sim, fn->pf, virtfn, "../%s", fn->name);
        }
        if (fn->vfs) {
                put(sim, fn, "sriov_totalvfs", "%u\n", fn->card->total);
                put(sim, fn, "sriov_offset", "%u\n", fn->card->offset);
                put(sim, fn, "sriov_stride", "%u\n", fn->card->stride);
                put(sim, fn, "sriov_vf_device", "%x\n", fn->card->vf_device);
                put(sim, fn, "sriov_vf_total_msix", "0\n");
        }
        render_group(sim, fn);
        pci_render(sim, fn);
}

/* The lowest free number, as the kernel's IDA gives it. */
static int group_new(Sim *sim) {
        for (int group = 0;; group++) {
                bool taken = false;
                for (unsigned i = 0; i < sim->fns->len; i++)
                        taken |= ((Fn *) sim->fns->pdata[i])->group == group;
                if (!taken)
                        return group;
        }
}

/* `mate`: shares its group, NULL: a group of its own. */
static Fn *add_fn(Sim *sim, PciAddr addr, const char *parent_path, const Fn *mate, uint16_t vendor, uint16_t device,
                  uint32_t class_code, uint8_t pcie_type, const char *native) {
        Fn *fn = g_new0(Fn, 1);
        fn->addr = addr;
        pci_addr_format(addr, fn->name);
        fn->path = g_strdup_printf("%s/%s", parent_path, fn->name);
        fn->vendor = fn->subvendor = vendor;
        fn->device = device;
        fn->class_code = class_code;
        fn->pcie_type = pcie_type;
        fn->native = native;
        fn->group = sim->options & (SIM_NO_IOMMU | SIM_XEN) ? -1 : mate ? mate->group : group_new(sim);
        g_ptr_array_add(sim->fns, fn);
        return fn;
}

static void start(Sim *sim, Fn *fn) {
        render_new(sim, fn);
        if (fn->native)
                drv_load(sim, fn->native);
        drv_probe(sim, fn);
}

static int pointer_compare(const void *a, const void *b) {
        return pci_addr_compare((*(Fn *const *) a)->addr, (*(Fn *const *) b)->addr);
}

Fn *pci_add_vf(Sim *sim, Fn *pf, unsigned index) {
        const Card *card = pf->card;
        unsigned rid = (unsigned) pf->addr.bus << 8 | (unsigned) pf->addr.slot << 3 | pf->addr.function;
        rid += card->offset + card->stride * index;
        PciAddr addr = {pf->addr.domain, (uint8_t) (rid >> 8), rid >> 3 & 0x1f, rid & 7};
        g_autofree char *parent = g_path_get_dirname(pf->path);
        Fn *fn = add_fn(sim, addr, parent, sim->options & SIM_ACS_OFF ? pf : NULL, card->vendor, card->vf_device, 0x020000,
                        ENDPOINT, card->vf_driver);

        fn->card = card;
        fn->pf = pf;
        fn->index = index;
        fn->subdevice = card->subdevice;
        fn->revision = pf->revision;
        g_ptr_array_add(pf->vfs, fn);
        render_new(sim, fn);
        return fn;
}

void pci_remove(Sim *sim, Fn *fn) {
        g_autofree char *bus = g_strdup_printf("sys/bus/pci/devices/%s", fn->name);
        io_tree_remove(sim->tree, bus);
        io_tree_remove(sim->tree, fn->path);
        if (fn->group >= 0) {
                g_autofree char *member = g_strdup_printf("sys/kernel/iommu_groups/%d/devices/%s", fn->group, fn->name);
                g_autofree char *group = g_strdup_printf("sys/kernel/iommu_groups/%d", fn->group);
                io_tree_remove(sim->tree, member);
                bool shared = false;
                for (unsigned i = 0; i < sim->fns->len; i++)
                        shared |= sim->fns->pdata[i] != fn && ((Fn *) sim->fns->pdata[i])->group == fn->group;
                if (!shared)
                        io_tree_remove(sim->tree, group);
        }
        if (fn->pf) {
                g_autofree char *virtfn = g_strdup_printf("virtfn%u", fn->index);
                drop(sim, fn->pf, virtfn);
                g_ptr_array_remove(fn->pf->vfs, fn);
        }
        g_ptr_array_remove(sim->fns, fn);
}

/* --- network devices ------------------------------------------------------------------------------------------ */

static char *net_path(const Fn *fn) {
        return g_strdup_printf("%s%s%s/net/%s", fn->path, fn->sub ? "/" : "", fn->sub ? fn->sub : "", fn->net);
}

void pci_render_net(Sim *sim, Fn *fn) {
        g_autofree char *path = net_path(fn);
        char mac[MAC_TEXT_SIZE];
        mac_format(fn->mac, mac);
        const struct {
                const char *name, *text;
        } files[] = {{"address", mac}, {"flags", fn->up ? "0x1003" : "0x1002"}, {"type", "1"},
                     {"operstate", fn->up ? "up" : "down"}, {"dev_id", "0x0"}, {"dev_port", "0"}, {"mtu", "1500"}};
        for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *file = g_strdup_printf("%s/%s", path, files[i].name);
                tree_printf(sim, file, "%s\n", files[i].text);
        }
        g_autofree char *carrier = g_strdup_printf("%s/carrier", path), *ifindex = g_strdup_printf("%s/ifindex", path);
        g_autofree char *port = g_strdup_printf("%s/phys_port_name", path), *id = g_strdup_printf("%s/phys_port_id", path);
        tree_printf(sim, ifindex, "%d\n", fn->ifindex);
        io_tree_put_errno(sim->tree, port, -EOPNOTSUPP);
        io_tree_put_errno(sim->tree, id, -EOPNOTSUPP);
        if (fn->up)
                io_tree_put_text(sim->tree, carrier, "1\n");
        else
                io_tree_put_errno(sim->tree, carrier, -EINVAL); /* netif_running() is asked first */
}

void pci_add_net(Sim *sim, Fn *fn, const char *name, const uint8_t mac[6]) {
        fn->net = g_strdup(name);
        fn->ifindex = ++sim->next_ifindex;
        memcpy(fn->mac, mac, 6);
        g_autofree char *path = net_path(fn), *class = g_strdup_printf("sys/class/net/%s", name);
        g_autofree char *target = g_strdup_printf("../../%s", path + strlen("sys/"));
        g_autofree char *device = g_strdup_printf("%s/device", path), *subsystem = g_strdup_printf("%s/subsystem", path);
        g_autofree char *sys = up_to_sys(fn, fn->sub ? 3 : 2), *class_target = g_strdup_printf("%sclass/net", sys);
        io_tree_put_link(sim->tree, class, target);
        io_tree_put_link(sim->tree, device, fn->sub ? "../../../virtio1" : "../..");
        io_tree_put_link(sim->tree, subsystem, class_target);
        pci_render_net(sim, fn);
}

void pci_remove_net(Sim *sim, Fn *fn) {
        if (!fn->net)
                return;
        g_autofree char *class = g_strdup_printf("sys/class/net/%s", fn->net);
        io_tree_remove(sim->tree, class);
        drop(sim, fn, "net");
        g_clear_pointer(&fn->net, g_free);
        fn->up = false;
}

/* --- the machine's boards ------------------------------------------------------------------------------------- */


static void add_disk(Sim *sim, Fn *fn) {
        g_autofree char *disk = at(fn, "virtio0/block/vda"), *part = at(fn, "virtio0/block/vda/vda1");
        static const struct {
                const char *path, *text;
        } files[] = {{"dev", "254:0\n"}, {"size", "8388608\n"}, {"removable", "0\n"}, {"ro", "0\n"},
                     {"vda1/dev", "254:1\n"}, {"vda1/partition", "1\n"}, {"vda1/size", "8386560\n"}};
        for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
                g_autofree char *path = g_strdup_printf("%s/%s", disk, files[i].path);
                io_tree_put_text(sim->tree, path, files[i].text);
        }
        g_autofree char *holders = g_strdup_printf("%s/holders", disk), *holders1 = g_strdup_printf("%s/holders", part);
        io_tree_put_dir(sim->tree, holders);
        io_tree_put_dir(sim->tree, holders1);
        g_autofree char *t0 = g_strdup_printf("../../%s", disk + 4), *t1 = g_strdup_printf("../../%s", part + 4);
        io_tree_put_link(sim->tree, "sys/class/block/vda", t0);
        io_tree_put_link(sim->tree, "sys/class/block/vda1", t1);
        io_tree_put_link(sim->tree, "sys/dev/block/254:0", t0);
        io_tree_put_link(sim->tree, "sys/dev/block/254:1", t1);
}

static void add_conventional(Sim *sim) {
        Fn *port = add_fn(sim, (PciAddr) {0, 0, 5, 0}, ROOT_BUS, NULL, 0x1b36, 0x000c, 0x060400, ROOT_PORT, "pcieport");
        start(sim, port);
        Fn *bridge = add_fn(sim, (PciAddr) {0, 0x15, 0, 0}, port->path, NULL, 0x1b36, 0x000e, 0x060400, PCIE_TO_PCI,
                            NULL);
        start(sim, bridge);
        for (uint8_t i = 1; i <= 2; i++) {
                Fn *nic = add_fn(sim, (PciAddr) {0, 0x16, i, 0}, bridge->path, bridge, 0x8086, 0x100e, 0x020000, NO_PCIE,
                                 "e1000");
                uint8_t mac[6] = {0x02, 0, 0, 0, 0x16, i};
                nic->home_net = g_strdup_printf("enp22s%u", i);
                memcpy(nic->home_mac, mac, sizeof mac);
                start(sim, nic);
        }
}

void pci_build(Sim *sim) {
        start(sim, add_fn(sim, (PciAddr) {0, 0, 0, 0}, ROOT_BUS, NULL, 0x8086, 0x29c0, 0x060000, NO_PCIE, NULL));
        Fn *disk = add_fn(sim, (PciAddr) {0, 0, 1, 0}, ROOT_BUS, NULL, 0x1af4, 0x1042, 0x010000, ENDPOINT, "virtio-pci");
        start(sim, disk);
        add_disk(sim, disk);
        Fn *nic = add_fn(sim, (PciAddr) {0, 0, 2, 0}, ROOT_BUS, NULL, 0x1af4, 0x1041, 0x020000, ENDPOINT, "virtio-pci");
        start(sim, nic);
        nic->sub = "virtio1";
        nic->up = true;
        sim->next_ifindex = 1; /* lo */
        pci_add_net(sim, nic, "mgmt0", (const uint8_t[]) {0x52, 0x54, 0, 0, 0, 1});
        static const struct {
                uint8_t function;
                uint16_t device;
                uint32_t class_code;
                const char *native;
        } south[] = {{0, 0x2918, 0x060100, "lpc_ich"}, {2, 0x2922, 0x010601, "ahci"}, {3, 0x2930, 0x0c0500, "i801_smbus"}};
        Fn *first = NULL; /* functions of one slot without ACS share a group */
        for (unsigned i = 0; i < G_N_ELEMENTS(south); i++) {
                Fn *fn = add_fn(sim, (PciAddr) {0, 0, 0x1f, south[i].function}, ROOT_BUS, first, 0x8086, south[i].device,
                                south[i].class_code, NO_PCIE, south[i].native);
                first = first ? first : fn;
                start(sim, fn);
        }
        if (sim->options & SIM_CONVENTIONAL)
                add_conventional(sim);
        io_tree_put_dir(sim->tree, "sys/kernel/iommu_groups");
        io_tree_put_dir(sim->tree, "sys/bus/pci/slots");
        io_tree_put_errno(sim->tree, "sys/bus/pci/drivers_probe", -EACCES);
        io_tree_put_text(sim->tree, "sys/bus/pci/drivers_autoprobe", "1\n");
}

bool sim_add_card(Sim *sim, const char *driver) {
        const Card *card = NULL;
        for (unsigned i = 0; i < G_N_ELEMENTS(cards); i++)
                if (g_str_equal(cards[i].driver, driver))
                        card = &cards[i];
        if (!card)
                return false;
        unsigned n = ++sim->cards;
        Fn *port = add_fn(sim, (PciAddr) {0, 0, (uint8_t) (0x10 + n - 1), 0}, ROOT_BUS, NULL, 0x1b36, 0x000c, 0x060400,
                          ROOT_PORT, "pcieport");
        start(sim, port);
        Fn *pf = add_fn(sim, (PciAddr) {0, (uint8_t) n, 0, 0}, port->path, sim->options & SIM_ACS_OFF ? port : NULL,
                        card->vendor, card->pf_device, 0x020000, ENDPOINT, card->driver);
        pf->card = card;
        pf->subdevice = card->subdevice;
        pf->revision = 1;
        pf->vfs = g_ptr_array_new();
        pf->vf = g_new0(Vf, card->total);
        pf->autoprobe = !(sim->options & SIM_AUTOPROBE_OFF);
        if (sim->options & SIM_PCIBACK_FIRST)
                drv_module(sim, "xen-pciback");
        start(sim, pf);
        pf->up = !(sim->options & SIM_PF_DOWN);
        pci_render_net(sim, pf);
        g_ptr_array_sort(sim->fns, pointer_compare);
        return true;
}
