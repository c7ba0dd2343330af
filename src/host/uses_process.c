/* Processes that hold a function open through VFIO or UIO (guests, DPDK) or its disk as a file. The kernel keeps no list of
 * them that could be read: only each process' open files tell. */
#include "host/reader.h"
#include "host/text_parsers.h"

#include "base/parse.h"
#include "model/qemu_args.h"

#include <errno.h>
#include <string.h>

#define CMDLINE_MAX (4u << 20)

typedef struct {
        Reader *reader;
        GHashTable *files; /* as files_to_look_for() */
        GHashTable *disks; /* as disks_to_look_for() */
} Search;

/* Path of a file below /dev → GPtrArray of the functions (Dev*) that whoever opens it gets hold of. */
static void add_file(GHashTable *files, char *path, Dev *dev) {
        GPtrArray *devs = g_hash_table_lookup(files, path);
        if (!devs) {
                devs = g_ptr_array_new();
                g_hash_table_insert(files, g_strdup(path), devs);
        }
        g_ptr_array_add(devs, dev);
        g_free(path);
}

static void add_children(Reader *reader, GHashTable *files, Dev *dev, const char *folder, const char *prefix,
                         const char *where) {
        g_autofree char *path = device_path(dev, folder);
        g_auto(GStrv) names = NULL;

        if (io_list(reader->io, path, &names) < 0)
                return;
        for (char **name = names; *name; name++)
                if (g_str_has_prefix(*name, prefix))
                        add_file(files, g_strconcat(where, *name, NULL), dev);
}

static bool is_vfio_bound(const Dev *dev) {
        return driver_is_vfio(dev->driver); /* vfio-pci, mlx5_vfio_pci … */
}

/* An open group gives hold of every member that VFIO has, the device files of one only. */
static GHashTable *files_to_look_for(Reader *reader) {
        GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);

        for (unsigned i = 0; i < reader->devices->len; i++) {
                const Device *device = &g_array_index(reader->devices, Device, i);
                Dev *dev = device->dev;
                if (is_vfio_bound(dev) && dev->iommu_group >= 0) {
                        add_file(files, g_strdup_printf("/dev/vfio/%d", dev->iommu_group), dev);
                        add_file(files, g_strdup_printf("/dev/vfio/noiommu-%d", dev->iommu_group), dev);
                }
                if (is_vfio_bound(dev) && device->has_vfio_dev)
                        add_children(reader, files, dev, "vfio-dev", "vfio", "/dev/vfio/devices/");
                if (device->has_uio)
                        add_children(reader, files, dev, "uio", "uio", "/dev/");
        }
        return files;
}

typedef struct {
        GHashTable *files;
        char *path;
} DiskFile;

static void add_disk_owner(Dev *dev, void *user) {
        DiskFile *disk = user;
        add_file(disk->files, g_strdup(disk->path), dev);
}

/* "/dev/nvme0n1", "/dev/dm-3" … and the controllers below. */
static GHashTable *disks_to_look_for(Reader *reader) {
        GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
        GHashTableIter iter;
        void *name, *block;

        if (!(reader->what & HOST_OPEN_DISKS))
                return files;
        g_hash_table_iter_init(&iter, reader->blocks);
        while (g_hash_table_iter_next(&iter, &name, &block)) {
                g_autofree char *path = g_strconcat("/dev/", name, NULL);
                DiskFile disk = {files, g_strdelimit(path, "!", '/')}; /* sysfs' way to write "cciss/c0d0" */
                block_walk_down(reader, block, add_disk_owner, &disk);
        }
        return files;
}

/* A process as people know it: *guest its -name, if it is a QEMU that has one. */
static char *describe_process(Reader *reader, int pid, char **guest) {
        g_autofree char *comm_path = g_strdup_printf("proc/%d/comm", pid);
        g_autofree char *cmdline_path = g_strdup_printf("proc/%d/cmdline", pid);
        g_autofree char *raw = NULL;
        g_autoptr(GBytes) cmdline = NULL;
        g_autoptr(QemuArgs) args = NULL;
        size_t size;

        if (io_read_text(reader->io, comm_path, &raw) < 0)
                raw = g_strdup("process");
        g_autofree char *comm = text_printable(raw);
        if (io_read(reader->io, cmdline_path, CMDLINE_MAX, &cmdline) >= 0) {
                const char *bytes = g_bytes_get_data(cmdline, &size);
                args = qemu_args_parse_cmdline(bytes, size);
        }
        if (!args || !args->name)
                return g_strdup_printf("%s (pid %d)", comm, pid);
        *guest = g_strdup(args->name);
        g_autofree char *name = text_printable(args->name);
        return g_strdup_printf("guest %s (%s, pid %d)", name, comm, pid);
}

static void add_owners(GHashTable *files, const char *path, GHashTable *held) {
        const GPtrArray *devs = g_hash_table_lookup(files, path);
        for (unsigned i = 0; devs && i < devs->len; i++)
                g_hash_table_add(held, devs->pdata[i]);
}

/* The functions that a process has open, and those whose disks it has; sets. False when its files may not be seen. */
static bool look_at_process(const Search *search, const char *process, GHashTable *held, GHashTable *held_disks) {
        Reader *reader = search->reader;
        g_autofree char *folder = g_strconcat("proc/", process, "/fd", NULL);
        g_auto(GStrv) names = NULL;

        int r = io_list(reader->io, folder, &names);
        if (r < 0) /* it may just have ended */
                return r != -EACCES && r != -EPERM;
        for (char **name = names; *name; name++) {
                g_autofree char *path = g_strconcat(folder, "/", *name, NULL);
                g_autofree char *target = NULL;
                if (io_readlink(reader->io, path, &target) < 0 || !g_str_has_prefix(target, "/dev/"))
                        continue;
                if (g_str_has_suffix(target, " (deleted)"))
                        target[strlen(target) - strlen(" (deleted)")] = 0;
                add_owners(search->files, target, held);
                add_owners(search->disks, target, held_disks);
        }
        return true;
}

/* A guest is never disturbed; another program on a bare disk (a database, smartd) gives way to whoever insists. */
static void add_process_uses(Reader *reader, int pid, GHashTable *held, GHashTable *held_disks) {
        g_autofree char *guest = NULL;
        g_autofree char *what = describe_process(reader, pid, &guest);
        GHashTableIter iter;
        void *dev;

        g_hash_table_iter_init(&iter, held);
        while (g_hash_table_iter_next(&iter, &dev, NULL))
                use_add_once(dev, USE_PROCESS, g_strdup(what), pid, guest);
        g_hash_table_iter_init(&iter, held_disks);
        while (g_hash_table_iter_next(&iter, &dev, NULL))
                use_add_once(dev, guest ? USE_PROCESS : USE_STORAGE, g_strdup_printf("its disk is open in %s", what), guest ? pid : 0, guest);
}

static void look_at_all(const Search *search) {
        Reader *reader = search->reader;
        g_auto(GStrv) processes = NULL;
        bool all = true;
        uint32_t pid;

        int r = io_list(reader->io, "proc", &processes);
        if (r < 0) {
                reader_note(reader, "which processes use VFIO devices is not known: /proc: %s", g_strerror(-r));
                return;
        }
        for (char **process = processes; *process; process++) {
                g_autoptr(GHashTable) held = g_hash_table_new(NULL, NULL), held_disks = g_hash_table_new(NULL, NULL);
                if (!parse_u32(*process, 1, G_MAXINT32, &pid))
                        continue;
                all &= look_at_process(search, *process, held, held_disks);
                if (g_hash_table_size(held) || g_hash_table_size(held_disks))
                        add_process_uses(reader, (int) pid, held, held_disks);
        }
        if (!all)
                reader_note(reader, "which processes use VFIO devices cannot be fully seen without root");
}

void read_process_uses(Reader *reader) {
        g_autoptr(GHashTable) files = files_to_look_for(reader);
        g_autoptr(GHashTable) disks = disks_to_look_for(reader);
        Search search = {reader, files, disks};

        reader->snapshot->processes_hidden = !host_sees_processes(reader->io);
        if (reader->snapshot->processes_hidden)
                reader_note(reader, "only a container's processes can be seen, so which processes use VFIO devices and disks is not known; run vfadm on the host itself");
        if (g_hash_table_size(files) || g_hash_table_size(disks))
                look_at_all(&search);
}
