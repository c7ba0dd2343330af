/* Processes that hold VFIO files open: guests, DPDK. An open group counts for all its devices that VFIO has. */
#include "host/internal.h"

#include "base/parse.h"
#include "model/qemu_args.h"

#include <errno.h>
#include <string.h>

enum { CMDLINE_MAX = 2 << 20 };

typedef struct {
        Reading *reading;
        GHashTable *by_group;  /* group → GPtrArray of Dev* bound to VFIO */
        GHashTable *by_device; /* "vfio3" → Dev* */
        unsigned unreadable;
} Holders;

static bool is_vfio(const Dev *dev) {
        return dev->driver && strstr(dev->driver, "vfio");
}

static void add_candidate(Holders *holders, Dev *dev) {
        g_autofree char *path = g_strdup_printf(PCI_DEVICES "/%s/vfio-dev", dev->name);
        g_auto(GStrv) names = NULL;

        GPtrArray *members = g_hash_table_lookup(holders->by_group, GINT_TO_POINTER(dev->iommu_group));
        if (!members) {
                members = g_ptr_array_new();
                g_hash_table_insert(holders->by_group, GINT_TO_POINTER(dev->iommu_group), members);
        }
        g_ptr_array_add(members, dev);
        if (io_list(holders->reading->io, path, &names) == 0 && names[0])
                g_hash_table_insert(holders->by_device, g_strdup(names[0]), dev);
}

static char *holder_text(Io *io, const char *pid, char **ret_guest) {
        g_autofree char *comm_path = g_strdup_printf("proc/%s/comm", pid);
        g_autofree char *cmdline_path = g_strdup_printf("proc/%s/cmdline", pid);
        g_autofree char *comm = NULL;
        g_autoptr(GBytes) cmdline = NULL;

        if (io_read_text(io, comm_path, &comm) < 0)
                comm = g_strdup("a process");
        if (io_read(io, cmdline_path, CMDLINE_MAX, &cmdline) == 0) {
                gsize size;
                const char *data = g_bytes_get_data(cmdline, &size);
                g_autoptr(QemuArgs) args = data ? qemu_args_parse_cmdline(data, size) : NULL;
                if (args && args->name) {
                        *ret_guest = g_strdup(args->name);
                        return g_strdup_printf("guest %s (%s, pid %s)", args->name, comm, pid);
                }
        }
        return g_strdup_printf("%s (pid %s)", comm, pid);
}

/* QEMU keeps a group and its devices open at once: one use a process and device. */
static void mark(Holders *holders, Dev *dev, const char *pid) {
        uint64_t number;
        g_autofree char *guest = NULL;

        if (!parse_uint(pid, 10, 1, INT32_MAX, &number))
                return;
        for (unsigned i = 0; i < dev->uses->len; i++)
                if (((const Use *) dev->uses->pdata[i])->pid == (int) number)
                        return;
        char *what = holder_text(holders->reading->io, pid, &guest);
        dev_add_use(dev, USE_PROCESS, what, (int) number, guest);
}

/* "/dev/vfio/12", "/dev/vfio/noiommu-12" */
static bool group_of_link(const char *target, int *ret) {
        uint64_t group;
        if (!g_str_has_prefix(target, "/dev/vfio/"))
                return false;
        target += strlen("/dev/vfio/");
        if (g_str_has_prefix(target, "noiommu-"))
                target += strlen("noiommu-");
        if (!parse_uint(target, 10, 0, INT32_MAX, &group))
                return false;
        *ret = (int) group;
        return true;
}

/* "/dev/vfio/devices/vfio3" */
static const char *device_of_link(const char *target) {
        return g_str_has_prefix(target, "/dev/vfio/devices/") ? target + strlen("/dev/vfio/devices/") : NULL;
}

static void take_fd(Holders *holders, const char *pid, const char *target) {
        int group;

        const char *device = device_of_link(target);
        Dev *dev = device ? g_hash_table_lookup(holders->by_device, device) : NULL;
        if (dev)
                mark(holders, dev, pid);
        if (!group_of_link(target, &group))
                return;
        const GPtrArray *members = g_hash_table_lookup(holders->by_group, GINT_TO_POINTER(group));
        for (unsigned i = 0; members && i < members->len; i++)
                mark(holders, members->pdata[i], pid);
}

static void read_process(Holders *holders, const char *pid) {
        g_autofree char *fd_path = g_strdup_printf("proc/%s/fd", pid);
        g_auto(GStrv) fds = NULL;

        int r = io_list(holders->reading->io, fd_path, &fds);
        holders->unreadable += r == -EACCES || r == -EPERM;
        for (char **fd = fds; fd && *fd; fd++) {
                g_autofree char *path = g_strdup_printf("%s/%s", fd_path, *fd);
                g_autofree char *target = NULL;
                if (io_readlink(holders->reading->io, path, &target) == 0)
                        take_fd(holders, pid, target);
        }
}

void uses_read_vfio(Reading *reading) {
        g_auto(GStrv) pids = NULL;
        Holders holders = {
                .reading = reading,
                .by_group = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref),
                .by_device = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };

        for (unsigned i = 0; i < reading->snapshot->devs->len; i++) {
                Dev *dev = reading->snapshot->devs->pdata[i];
                if (is_vfio(dev))
                        add_candidate(&holders, dev);
        }
        /* Going through all processes is only worth it when VFIO has a device at all. */
        if (g_hash_table_size(holders.by_group) && io_list(reading->io, "proc", &pids) == 0)
                for (char **pid = pids; *pid; pid++)
                        if (g_ascii_isdigit(**pid))
                                read_process(&holders, *pid);
        if (holders.unreadable)
                reading_note(reading, "other users' processes cannot be looked into without root: who uses a device is not fully known");
        g_hash_table_unref(holders.by_group);
        g_hash_table_unref(holders.by_device);
}
