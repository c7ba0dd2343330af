/* The PCI functions of a host: sys/bus/pci/devices and sys/bus/pci/slots. */
#include "host/config.h"
#include "host/reader.h"
#include "host/text_parsers.h"

#include "base/error.h"
#include "base/parse.h"

#include <errno.h>
#include <string.h>

#define DEVICES "sys/bus/pci/devices"
#define SLOTS "sys/bus/pci/slots"
#define UEVENT_MAX 4096
#define CONFIG_MAX 4096
#define VFS_MAX 65535 /* NumVFs has 16 bits */

/* The names in a function's folder that say which of its attributes exist. */
typedef enum {
        HAS_DRIVER_OVERRIDE = 1 << 0,
        HAS_RESET_METHOD = 1 << 1,
        HAS_IOMMU_GROUP = 1 << 2,
        HAS_NUMA_NODE = 1 << 3,
        HAS_TOTALVFS = 1 << 4,
        HAS_AUTOPROBE = 1 << 5,
        HAS_PHYSFN = 1 << 6,
        HAS_NET = 1 << 7,
        HAS_VFIO_DEV = 1 << 8,
        HAS_UIO = 1 << 9,
        HAS_REVISION = 1 << 10,
} Has;

typedef struct {
        unsigned has;
        const char *virtio; /* "virtio2": child of a virtio function, in `names` */
        GArray *vf_numbers; /* unsigned: the N of each virtfnN; NULL: none */
} Folder;

static bool number_after(const char *name, const char *prefix, uint32_t max, uint32_t *ret) {
        return g_str_has_prefix(name, prefix) && parse_u32(name + strlen(prefix), 0, max, ret);
}

static void scan_folder(char **names, Folder *ret) {
        static const struct {
                const char *name;
                Has bit;
        } table[] = {
                {"driver_override", HAS_DRIVER_OVERRIDE}, {"iommu_group", HAS_IOMMU_GROUP}, {"net", HAS_NET},
                {"numa_node", HAS_NUMA_NODE}, {"physfn", HAS_PHYSFN}, {"reset_method", HAS_RESET_METHOD},
                {"revision", HAS_REVISION}, {"sriov_drivers_autoprobe", HAS_AUTOPROBE},
                {"sriov_totalvfs", HAS_TOTALVFS}, {"uio", HAS_UIO}, {"vfio-dev", HAS_VFIO_DEV},
        };
        uint32_t number;

        for (char **name = names; *name; name++) {
                for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                        if (**name == *table[i].name && g_str_equal(*name, table[i].name))
                                ret->has |= table[i].bit;
                if (number_after(*name, "virtio", G_MAXINT32, &number))
                        ret->virtio = *name;
                if (!number_after(*name, "virtfn", VFS_MAX, &number))
                        continue;
                if (!ret->vf_numbers)
                        ret->vf_numbers = g_array_new(FALSE, FALSE, sizeof number);
                g_array_append_val(ret->vf_numbers, number);
        }
}

char *device_path(const Dev *dev, const char *leaf) {
        return g_strconcat(DEVICES "/", dev->name, "/", leaf, NULL);
}

/* Only as sysfs writes it: libvirt's way and the short one also parse. */
static bool parse_full_address(const char *name, PciAddr *ret) {
        char text[PCI_ADDR_TEXT_SIZE];
        if (!pci_addr_parse(name, ret))
                return false;
        pci_addr_format(*ret, text);
        return g_str_equal(text, name);
}

/* Not found and nonsense are the same to us: the attribute says nothing. */
static bool read_number(const Reader *reader, const Dev *dev, const char *leaf, unsigned base, uint64_t max,
                        uint64_t *ret) {
        g_autofree char *path = device_path(dev, leaf);
        return io_read_uint(reader->io, path, base, max, ret) >= 0;
}

static bool read_identity(const Reader *reader, Dev *dev) {
        g_autofree char *path = device_path(dev, "uevent");
        g_autoptr(GBytes) data = NULL;
        Uevent uevent;
        size_t size;

        if (io_read(reader->io, path, UEVENT_MAX, &data) < 0)
                return false;
        const char *text = g_bytes_get_data(data, &size);
        if (!uevent_parse(text, size, &uevent))
                return false;
        dev->vendor = uevent.vendor;
        dev->device = uevent.device;
        dev->subvendor = uevent.subvendor;
        dev->subdevice = uevent.subdevice;
        dev->class_code = uevent.class_code;
        dev->driver = g_steal_pointer(&uevent.driver);
        dev->modalias = g_steal_pointer(&uevent.modalias);
        return true;
}

/* "../../../devices/pci0000:00/0000:00:02.0/0000:01:00.0": the path and the bridge above. */
static bool read_place(const Reader *reader, Dev *dev) {
        g_autofree char *path = g_strconcat(DEVICES "/", dev->name, NULL);
        g_autofree char *target = NULL;

        if (io_readlink(reader->io, path, &target) < 0)
                return false;
        const char *at = strstr(target, "devices/");
        dev->path = g_strdup(at ? at + strlen("devices/") : target);
        g_auto(GStrv) parts = g_strsplit(dev->path, "/", -1);
        unsigned n = g_strv_length(parts);
        dev->has_parent = n >= 2 && parse_full_address(parts[n - 2], &dev->parent);
        return true;
}

static void read_override(const Reader *reader, Dev *dev) {
        g_autofree char *path = device_path(dev, "driver_override");
        g_autofree char *text = NULL;
        if (io_read_text(reader->io, path, &text) >= 0 && *text && !g_str_equal(text, "(null)"))
                dev->driver_override = g_steal_pointer(&text);
}

static void read_reset_methods(const Reader *reader, Dev *dev) {
        g_autofree char *path = device_path(dev, "reset_method");
        g_autofree char *text = NULL;
        if (io_read_text(reader->io, path, &text) < 0)
                return;
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        GStrvBuilder *builder = g_strv_builder_new();
        for (char **word = words; *word; word++)
                if (**word)
                        g_strv_builder_add(builder, *word);
        dev->reset_methods = g_strv_builder_end(builder);
        g_strv_builder_unref(builder);
}

static void read_group(const Reader *reader, Dev *dev) {
        g_autofree char *path = device_path(dev, "iommu_group");
        g_autofree char *name = NULL;
        uint32_t group;
        if (io_read_link_name(reader->io, path, &name) >= 0 && parse_u32(name, 0, G_MAXINT32, &group))
                dev->iommu_group = (int) group;
}

static void read_numa_node(const Reader *reader, Dev *dev) {
        g_autofree char *path = device_path(dev, "numa_node");
        g_autofree char *text = NULL;
        int64_t node;
        if (io_read_text(reader->io, path, &text) >= 0 && parse_int(text, -1, G_MAXINT16, &node))
                dev->numa_node = (int) node;
}

static void read_config(Reader *reader, Dev *dev) {
        g_autofree char *path = device_path(dev, "config");
        g_autoptr(GBytes) data = NULL;
        size_t size;

        /* Each four bytes are a question to the device: a microsecond on a bus, more than ten in a virtual machine. */
        int r = dev->is_vf && (reader->what & HOST_VF_BRIEF) ? io_read_start(reader->io, path, 256, &data)
                                                             : io_read(reader->io, path, CONFIG_MAX, &data);
        if (r < 0) {
                if (r == -EACCES || r == -EPERM)
                        reader_note(reader, "config space cannot be read: root is needed, or lockdown is on");
                return;
        }
        const uint8_t *bytes = g_bytes_get_data(data, &size);
        config_parse(bytes, size, &dev->caps);
        dev->has_caps = true;
        if (size <= 64) /* drivers/pci/pci-sysfs.c pci_read_config: more needs CAP_SYS_ADMIN */
                reader_note(reader, "capabilities are not known: config space beyond 64 bytes needs root");
}

/* A gap is kept as an address that no function has: while the kernel takes VFs away it begins with number 0
 * (drivers/pci/iov.c sriov_del_vfs). */
static void read_vf_links(const Reader *reader, Dev *dev, const GArray *numbers) {
        const PciAddr nobody = {.domain = UINT32_MAX, .bus = 0xff, .slot = 31, .function = 7};

        for (unsigned i = 0; numbers && i < numbers->len; i++) {
                uint32_t number = g_array_index(numbers, uint32_t, i);
                g_autofree char *leaf = g_strdup_printf("virtfn%u", number);
                g_autofree char *path = device_path(dev, leaf);
                g_autofree char *name = NULL;
                PciAddr vf;
                if (io_read_link_name(reader->io, path, &name) < 0 || !parse_full_address(name, &vf))
                        continue;
                while (dev->vfs->len <= number)
                        g_array_append_val(dev->vfs, nobody);
                g_array_index(dev->vfs, PciAddr, number) = vf;
                dev->num_vfs++;
        }
}

static void read_sriov(const Reader *reader, Dev *dev, const Folder *folder) {
        uint64_t value;

        dev->is_pf = true;
        dev->vfs = g_array_new(FALSE, TRUE, sizeof(PciAddr));
        if (read_number(reader, dev, "sriov_totalvfs", 10, VFS_MAX, &value))
                dev->total_vfs = (unsigned) value;
        dev->autoprobe = true; /* kernels before 4.12 have no such file and always probe */
        if ((folder->has & HAS_AUTOPROBE) && read_number(reader, dev, "sriov_drivers_autoprobe", 10, 1, &value))
                dev->autoprobe = value != 0;
        read_vf_links(reader, dev, folder->vf_numbers);
}

static void read_physfn(const Reader *reader, Dev *dev) {
        g_autofree char *path = device_path(dev, "physfn");
        g_autofree char *name = NULL;
        if (io_read_link_name(reader->io, path, &name) >= 0 && parse_full_address(name, &dev->pf))
                dev->is_vf = true;
}

static char *find_net_folder(const Reader *reader, const Dev *dev, const Folder *folder) {
        if (!dev_is_network(dev))
                return NULL;
        if (folder->has & HAS_NET)
                return g_strdup("net");
        if (!folder->virtio)
                return NULL;
        g_autofree char *leaf = g_strconcat(folder->virtio, "/net", NULL);
        g_autofree char *path = device_path(dev, leaf);
        g_auto(GStrv) names = NULL;
        return io_list(reader->io, path, &names) >= 0 ? g_steal_pointer(&leaf) : NULL;
}

/* False when it went away meanwhile. */
static bool read_device(Reader *reader, Dev *dev, const Folder *folder) {
        static const struct {
                Has bit;
                void (*read)(const Reader *reader, Dev *dev);
        } table[] = {
                {HAS_DRIVER_OVERRIDE, read_override}, {HAS_RESET_METHOD, read_reset_methods},
                {HAS_IOMMU_GROUP, read_group},        {HAS_NUMA_NODE, read_numa_node},
                {HAS_PHYSFN, read_physfn},
        };
        uint64_t value;

        if (!read_identity(reader, dev) || !read_place(reader, dev))
                return false;
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                if (folder->has & table[i].bit)
                        table[i].read(reader, dev);
        if ((folder->has & HAS_REVISION) && read_number(reader, dev, "revision", 16, 255, &value))
                dev->revision = (uint8_t) value;
        if (folder->has & HAS_TOTALVFS)
                read_sriov(reader, dev, folder);
        if (reader->what & HOST_CAPS)
                read_config(reader, dev);
        return true;
}

static void add_device(Reader *reader, PciAddr addr) {
        Dev *dev = dev_new(addr);
        g_autofree char *path = g_strconcat(DEVICES "/", dev->name, NULL);
        g_auto(GStrv) names = NULL;
        Folder folder = {0};

        bool there = io_list(reader->io, path, &names) >= 0;
        if (there) {
                scan_folder(names, &folder);
                there = read_device(reader, dev, &folder);
        }
        if (there) {
                Device device = {.dev = dev, .net_folder = find_net_folder(reader, dev, &folder)};
                device.has_vfio_dev = folder.has & HAS_VFIO_DEV;
                device.has_uio = folder.has & HAS_UIO;
                g_array_append_val(reader->devices, device);
        } else {
                dev_free(dev);
        }
        g_clear_pointer(&folder.vf_numbers, g_array_unref);
}

/* Gives each VF the number that its PF has for it. */
static void number_vfs(Reader *reader, GHashTable *numbered) {
        for (unsigned i = 0; i < reader->devices->len; i++) {
                const Dev *pf = g_array_index(reader->devices, Device, i).dev;
                for (unsigned n = 0; pf->is_pf && n < pf->vfs->len; n++) {
                        PciAddr *addr = &g_array_index(pf->vfs, PciAddr, n);
                        Dev *vf = (Dev *) snapshot_get(reader->snapshot, *addr);
                        if (!vf || !vf->is_vf || !pci_addr_equal(vf->pf, pf->addr))
                                continue;
                        vf->vf_index = n;
                        g_hash_table_add(numbered, vf);
                }
        }
}

/* A VF without a number is being made or taken away right now. Its number is how the kernel is told of it, so that a
 * guess would hit another VF: it is left out, as what vanished is. */
static void drop_unnumbered(Reader *reader) {
        g_autoptr(GHashTable) numbered = g_hash_table_new(NULL, NULL);

        number_vfs(reader, numbered);
        for (unsigned i = reader->devices->len; i-- > 0;) {
                Device *device = &g_array_index(reader->devices, Device, i);
                Dev *dev = device->dev;
                if (!dev->is_vf || g_hash_table_contains(numbered, dev))
                        continue;
                reader_note(reader, "%s is left out: a VF that its PF does not list; it is being made or taken away",
                            dev->name);
                g_hash_table_remove(reader->snapshot->by_name, dev->name);
                g_ptr_array_remove_index_fast(reader->snapshot->devs, i);
                g_free(device->net_folder);
                g_array_remove_index_fast(reader->devices, i);
        }
}

/* Slots name a bus and device; every function there sits in the slot (drivers/pci/slot.c address_read_file). */
static void read_slots(Reader *reader) {
        g_autoptr(GHashTable) slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_auto(GStrv) names = NULL;

        if (io_list(reader->io, SLOTS, &names) < 0)
                return;
        for (char **name = names; *name; name++) {
                g_autofree char *path = g_strconcat(SLOTS "/", *name, "/address", NULL);
                char *address = NULL;
                if (io_read_text(reader->io, path, &address) >= 0 && !g_hash_table_contains(slots, address))
                        g_hash_table_insert(slots, address, g_strdup(*name));
                else
                        g_free(address);
        }
        for (unsigned i = 0; g_hash_table_size(slots) && i < reader->devices->len; i++) {
                Dev *dev = g_array_index(reader->devices, Device, i).dev;
                g_autofree char *address = g_strndup(dev->name, strlen(dev->name) - strlen(".0"));
                const char *slot = g_hash_table_lookup(slots, address);
                dev->slot = g_strdup(slot);
        }
}

Dev *path_owner(const Reader *reader, const char *path) {
        g_auto(GStrv) parts = g_strsplit(path, "/", -1);
        PciAddr addr;
        for (unsigned i = g_strv_length(parts); i-- > 0;)
                if (parse_full_address(parts[i], &addr))
                        return (Dev *) snapshot_get(reader->snapshot, addr);
        return NULL;
}

void read_pci_functions(Reader *reader, const PciAddr *addrs, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                unsigned known = reader->devices->len;
                if (snapshot_get(reader->snapshot, addrs[i]))
                        continue;
                add_device(reader, addrs[i]);
                if (reader->devices->len > known)
                        snapshot_add(reader->snapshot, g_array_index(reader->devices, Device, known).dev);
        }
}

void read_pci_vf(Reader *reader, PciAddr addr) {
        read_pci_functions(reader, &addr, 1);
        const Dev *vf = snapshot_get(reader->snapshot, addr);
        if (vf && vf->is_vf)
                read_pci_functions(reader, &vf->pf, 1);
        drop_unnumbered(reader);
}

bool read_pci_tree(Reader *reader, GError **error) {
        g_auto(GStrv) names = NULL;
        PciAddr addr;

        int r = io_list(reader->io, DEVICES, &names);
        if (r == -ENOENT) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "this host has no PCI: there is no /" DEVICES "; is sysfs mounted on /sys?");
                return false;
        }
        if (r < 0)
                return vfadm_error_set_errno(error, r, "the PCI devices cannot be listed (/" DEVICES ")");
        for (char **name = names; *name; name++)
                if (parse_full_address(*name, &addr))
                        add_device(reader, addr);
        for (unsigned i = 0; i < reader->devices->len; i++)
                snapshot_add(reader->snapshot, g_array_index(reader->devices, Device, i).dev);
        drop_unnumbered(reader);
        read_slots(reader);
        return true;
}
