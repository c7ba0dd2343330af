/* Reads a machine into one snapshot: calls each source in turn. */
#include "host/host.h"

#include "base/error.h"
#include "host/internal.h"
#include "host/names.h"
#include "host/rtnl.h"

#include <string.h>

enum { TEXT_MAX = 16 << 20 }; /* /proc/interrupts of a host with many CPUs is long */

void reading_note(Reading *reading, const char *note) {
        GPtrArray *notes = reading->snapshot->notes;
        for (unsigned i = 0; i < notes->len; i++)
                if (g_str_equal(notes->pdata[i], note))
                        return;
        g_ptr_array_add(notes, g_strdup(note));
}

char *reading_text(Reading *reading, const char *path, gsize *ret_size) {
        g_autoptr(GBytes) bytes = NULL;

        if (io_read(reading->io, path, TEXT_MAX, &bytes) < 0)
                return NULL;
        const char *data = g_bytes_get_data(bytes, ret_size);
        char *text = g_malloc(*ret_size + 1);
        if (*ret_size)
                memcpy(text, data, *ret_size);
        text[*ret_size] = '\0';
        return text;
}

Dev *reading_dev_of_path(Reading *reading, const char *path) {
        g_auto(GStrv) parts = g_strsplit(path, "/", -1);
        for (unsigned i = g_strv_length(parts); i > 0; i--) {
                Dev *dev = g_hash_table_lookup(reading->snapshot->by_name, parts[i - 1]);
                if (dev)
                        return dev;
        }
        return NULL;
}

/* One PF a question (field-facts 7): the kernel holds its network lock meanwhile. */
static void read_vf_states(Reading *reading) {
        for (unsigned i = 0; i < reading->snapshot->devs->len; i++) {
                Dev *pf = reading->snapshot->devs->pdata[i];
                const NetDev *net = dev_net(pf);
                if (!pf->is_pf || !net || !net->ifindex)
                        continue;
                pf->vf_infos_error = rtnl_read_vfs(reading->io, net->ifindex, pf->vfs->len, &pf->vf_infos);
        }
}

static void read_kernel(Reading *reading) {
        Snapshot *snapshot = reading->snapshot;
        io_read_text(reading->io, "proc/sys/kernel/osrelease", &snapshot->kernel_release);
        io_boot_id(reading->io, &snapshot->boot_id);
        io_read_text(reading->io, "etc/machine-id", &snapshot->machine_id);
}

static GHashTable *names_table(void) {
        return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

/* The kernel's own guard does not see VFIO (field-facts 5), so we look at everything that holds a device. */
static void read_uses(Reading *reading) {
        uses_read_storage(reading);
        uses_read_network(reading);
        uses_read_vfio(reading);
}

Snapshot *host_read(Io *io, unsigned what, GError **error) {
        g_autoptr(Snapshot) snapshot = snapshot_new();
        Reading reading = {.io = io, .snapshot = snapshot, .blocks = names_table(), .link_devs = names_table()};

        reading.links_by_name = g_hash_table_new(g_str_hash, g_str_equal);
        reading.links_by_index = g_hash_table_new(NULL, NULL);

        bool ok = pci_tree_read(&reading, what, error);
        if (ok) {
                read_kernel(&reading);
                iommu_read(&reading);
                net_read(&reading);
                if (what & HOST_VF_STATE)
                        read_vf_states(&reading);
                if (what & HOST_USES)
                        read_uses(&reading);
                if (what & HOST_NAMES)
                        names_read(snapshot);
        }
        g_hash_table_unref(reading.blocks);
        g_hash_table_unref(reading.link_devs);
        g_hash_table_unref(reading.links_by_name);
        g_hash_table_unref(reading.links_by_index);
        g_clear_pointer(&reading.links, g_ptr_array_unref);
        g_clear_pointer(&reading.addresses, g_array_unref);
        return ok ? g_steal_pointer(&snapshot) : NULL;
}
