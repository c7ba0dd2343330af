/* Reads a machine into one snapshot: the order of things, and what concerns the whole host. */
#include "host/host.h"

#include "host/reader.h"
#include "host/setup.h"

#include <string.h>

void reader_note(Reader *reader, const char *format, ...) {
        GPtrArray *notes = reader->snapshot->notes;
        va_list args;

        va_start(args, format);
        char *note = g_strdup_vprintf(format, args);
        va_end(args);
        if (g_ptr_array_find_with_equal_func(notes, note, g_str_equal, NULL))
                g_free(note);
        else
                g_ptr_array_add(notes, note);
}

static bool is_machine_id(const char *text) {
        size_t n = strspn(text, "0123456789abcdef");
        return n == 32 && text[n] == 0; /* "uninitialized" before the first boot is done: machine-id(5) */
}

static void read_identity(Reader *reader) {
        static const char *const machine_ids[] = {"etc/machine-id", "var/lib/dbus/machine-id"};
        Snapshot *snapshot = reader->snapshot;

        if (io_read_text(reader->io, "proc/sys/kernel/osrelease", &snapshot->kernel_release) < 0)
                snapshot->kernel_release = NULL;
        if (io_boot_id(reader->io, &snapshot->boot_id) < 0)
                snapshot->boot_id = NULL;
        for (size_t i = 0; !snapshot->machine_id && i < G_N_ELEMENTS(machine_ids); i++) {
                g_autofree char *text = NULL;
                if (io_read_text(reader->io, machine_ids[i], &text) >= 0 && is_machine_id(text))
                        snapshot->machine_id = g_steal_pointer(&text);
        }
}

static Reader reader_new(Io *io, unsigned what, Snapshot *snapshot) {
        return (Reader) {
                .io = io,
                .what = what,
                .snapshot = snapshot,
                .devices = g_array_new(FALSE, TRUE, sizeof(Device)),
                .link_devs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                .blocks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, block_free),
        };
}

static void reader_clear(Reader *reader) {
        for (unsigned i = 0; i < reader->devices->len; i++)
                g_free(g_array_index(reader->devices, Device, i).net_folder);
        g_array_unref(reader->devices);
        g_hash_table_unref(reader->link_devs);
        g_hash_table_unref(reader->blocks);
        g_clear_pointer(&reader->links, g_ptr_array_unref);
        g_clear_pointer(&reader->addresses, g_array_unref);
}

Snapshot *host_read(Io *io, unsigned what, GError **error) {
        g_autoptr(Snapshot) snapshot = snapshot_new();
        Reader reader = reader_new(io, what, snapshot);

        bool ok = read_pci_tree(&reader, error);
        if (ok) {
                read_identity(&reader);
                read_iommu(&reader);
                read_dom0(&reader);
                read_nets(&reader);
                read_blocks(&reader);
                if (what & HOST_VF_STATE)
                        read_vf_states(&reader);
                if (what & HOST_USES)
                        read_uses(&reader);
                if (what & HOST_NAMES)
                        read_names(&reader);
                snapshot_seal(snapshot);
                if (what & HOST_SETUP)
                        read_setup(&reader);
        }
        reader_clear(&reader);
        return ok ? g_steal_pointer(&snapshot) : NULL;
}

Snapshot *host_read_uses(Io *io, const PciAddr *addrs, unsigned n) {
        g_autoptr(Snapshot) snapshot = snapshot_new();
        Reader reader = reader_new(io, HOST_USES | HOST_OPEN_DISKS, snapshot);
        bool has_net = false, has_disks = false;

        read_pci_functions(&reader, addrs, n);
        for (unsigned i = 0; i < reader.devices->len; i++) {
                const Device *device = &g_array_index(reader.devices, Device, i);
                has_net = has_net || device->net_folder;
                has_disks = has_disks || !dev_is_network(device->dev);
        }
        if (has_disks) {
                read_blocks(&reader);
                read_storage_uses(&reader);
        }
        if (has_net) {
                read_nets(&reader);
                read_network_uses(&reader);
        }
        read_process_uses(&reader);
        read_dom0(&reader);
        snapshot_seal(snapshot);
        reader_clear(&reader);
        return g_steal_pointer(&snapshot);
}

Snapshot *host_read_vf(Io *io, PciAddr vf) {
        g_autoptr(Snapshot) snapshot = snapshot_new();
        Reader reader = reader_new(io, 0, snapshot);

        read_pci_vf(&reader, vf);
        read_nets(&reader);
        snapshot_seal(snapshot);
        reader_clear(&reader);
        return g_steal_pointer(&snapshot);
}
