/* The machine of fake_machine.h. */
#include "fake_machine.h"

#include "base/error.h"
#include "base/text.h"
#include "host/host.h"
#include "host/rtnl.h"

#include <errno.h>
#include <string.h>

#define DEVICES "sys/bus/pci/devices/"

PciAddr machine_pf(void) {
        return (PciAddr) {.bus = 1};
}

PciAddr machine_vf(unsigned index) {
        return (PciAddr) {.bus = 1, .slot = 0x10, .function = (uint8_t) (index * 2)};
}

static char *vf_path(unsigned vf, const char *leaf) {
        char name[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(machine_vf(vf), name);
        return g_strconcat(DEVICES, name, "/", leaf, NULL);
}

static Machine *of(Io *io) {
        return (Machine *) io;
}

int machine_change(Machine *machine, const char *format, ...) {
        va_list args;
        va_start(args, format);
        char *line = g_strdup_vprintf(format, args);
        va_end(args);
        g_ptr_array_add(machine->log, line);
        if (!machine->fail_prefix || !g_str_has_prefix(line, machine->fail_prefix) || machine->fail_times == 0)
                return 0;
        if (machine->fail_after > 0) {
                machine->fail_after--;
                return 0;
        }
        if (machine->fail_times > 0)
                machine->fail_times--;
        g_autofree char *told = g_strconcat(line, " FAILS", NULL);
        g_ptr_array_remove_index(machine->log, machine->log->len - 1);
        g_ptr_array_add(machine->log, g_steal_pointer(&told));
        return machine->fail_errno;
}

void machine_put(Machine *machine, const char *path, const char *text) {
        g_hash_table_insert(machine->files, g_strdup(path), g_strdup(text));
}

static const char *get(Machine *machine, const char *path) {
        return g_hash_table_lookup(machine->files, path);
}

void machine_set_driver(Machine *machine, unsigned vf, const char *driver, const char *driver_override) {
        g_autofree char *link = vf_path(vf, "driver");
        g_autofree char *override = vf_path(vf, "driver_override");

        g_hash_table_remove(machine->links, link);
        if (driver)
                g_hash_table_insert(machine->links, g_strdup(link), g_strconcat("../../bus/pci/drivers/", driver, NULL));
        machine_put(machine, override, driver_override ? driver_override : "(null)");
}

static const char *driver_of(Machine *machine, unsigned vf) {
        g_autofree char *link = vf_path(vf, "driver");
        const char *target = g_hash_table_lookup(machine->links, link);
        return target ? strrchr(target, '/') + 1 : NULL;
}

static const char *override_of(Machine *machine, unsigned vf) {
        g_autofree char *path = vf_path(vf, "driver_override");
        const char *text = get(machine, path);
        return text && !g_str_equal(text, "(null)") ? text : NULL;
}

char *machine_driver(Machine *machine, unsigned vf) {
        const char *driver = driver_of(machine, vf), *override = override_of(machine, vf);
        return g_strdup_printf("%s%s%s%s", driver ? driver : "-", override ? " (" : "", override ? override : "", override ? ")" : "");
}

unsigned machine_num_vfs(Machine *machine) {
        unsigned n = 0;
        for (unsigned i = 0; i < MAX_VFS; i++) {
                g_autofree char *link = g_strdup_printf(DEVICES PF_NAME "/virtfn%u", i);
                n += g_hash_table_contains(machine->links, link);
        }
        return n;
}

char *machine_autoprobe(Machine *machine) {
        return g_strdup(get(machine, DEVICES PF_NAME "/sriov_drivers_autoprobe"));
}

static void make_vf(Machine *machine, unsigned index) {
        g_autofree char *vendor = vf_path(index, "vendor");
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(machine_vf(index), name);
        g_hash_table_insert(machine->links, g_strdup_printf(DEVICES PF_NAME "/virtfn%u", index), g_strconcat("../", name, NULL));
        machine_put(machine, vendor, "0x8086");
        bool probe = g_str_equal(get(machine, DEVICES PF_NAME "/sriov_drivers_autoprobe"), "1");
        machine_set_driver(machine, index, probe ? "igbvf" : NULL, NULL);
        machine->vfs[index] = (VfState) {.known = VF_ALL, .spoofchk = true, .proto = VLAN_PROTO_8021Q};
}

static gboolean lies_below(gpointer path, gpointer value, gpointer prefix) {
        return g_str_has_prefix(path, prefix);
}

static void remove_vf(Machine *machine, unsigned index) {
        g_autofree char *prefix = vf_path(index, "");
        g_autofree char *link = g_strdup_printf(DEVICES PF_NAME "/virtfn%u", index);

        g_hash_table_foreach_remove(machine->files, lies_below, prefix);
        g_hash_table_foreach_remove(machine->links, lies_below, prefix);
        g_hash_table_remove(machine->links, link);
}

void machine_start_process(Machine *machine, int pid) {
        g_autofree char *path = g_strdup_printf("proc/%d/stat", pid);
        g_autofree char *text = g_strdup_printf("%d (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, pid + 7);
        machine_put(machine, path, text);
}

void machine_end_process(Machine *machine, int pid) {
        g_autofree char *path = g_strdup_printf("proc/%d/stat", pid);
        g_hash_table_remove(machine->files, path);
}

char *machine_take_log(Machine *machine) {
        g_ptr_array_add(machine->log, NULL);
        char *text = g_strjoinv("\n", (char **) machine->log->pdata);
        g_ptr_array_set_size(machine->log, 0);
        return text;
}

/* ---- the seam ---- */

static int fake_read(Io *io, const char *path, size_t max, GBytes **ret) {
        const char *text = get(of(io), path);
        if (!text)
                return -ENOENT;
        *ret = g_bytes_new(text, strlen(text));
        return 0;
}

static int fake_readlink(Io *io, const char *path, char **ret) {
        const char *target = g_hash_table_lookup(of(io)->links, path);
        if (!target)
                return -ENOENT;
        *ret = g_strdup(target);
        return 0;
}

static void collect(GHashTable *table, const char *prefix, GHashTable *names) {
        GHashTableIter iter;
        gpointer key;

        g_hash_table_iter_init(&iter, table);
        while (g_hash_table_iter_next(&iter, &key, NULL))
                if (g_str_has_prefix(key, prefix)) {
                        const char *rest = (const char *) key + strlen(prefix);
                        g_hash_table_add(names, g_strndup(rest, strcspn(rest, "/")));
                }
}

static int fake_list(Io *io, const char *path, char ***ret) {
        g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autofree char *prefix = g_strconcat(path, "/", NULL);

        collect(of(io)->files, prefix, names);
        collect(of(io)->links, prefix, names);
        if (g_hash_table_size(names) == 0)
                return -ENOENT;
        *ret = (char **) g_hash_table_get_keys_as_array(names, NULL);
        g_hash_table_steal_all(names);
        return 0;
}

static int write_numvfs(Machine *machine, unsigned count) {
        unsigned now = machine_num_vfs(machine);
        if (count == now)
                return 0;
        if (count && now)
                return -EBUSY;
        for (unsigned i = 0; i < now; i++)
                remove_vf(machine, i);
        for (unsigned i = 0; i < MIN(count, machine->gives); i++)
                make_vf(machine, i);
        return 0;
}

static int probe(Machine *machine, unsigned vf) {
        const char *override = override_of(machine, vf);
        const char *driver = override ? override : machine->xen.slots & 1u << vf ? "pciback" : "igbvf";
        g_autofree char *loaded = g_strconcat("sys/bus/pci/drivers/", driver, "/bind", NULL);
        bool autoprobe = g_str_equal(get(machine, DEVICES PF_NAME "/sriov_drivers_autoprobe"), "1");

        if (!driver_of(machine, vf) && (autoprobe || override) && get(machine, loaded) && !machine->nobody_binds) {
                g_autofree char *kept = g_strdup(override);
                g_autofree char *taken = g_strdup(driver);
                machine_set_driver(machine, vf, taken, kept);
                if (g_str_equal(taken, "pciback"))
                        machine->xen.slots |= 1u << vf;
        }
        return 0;
}

static int write_vf(Machine *machine, unsigned vf, const char *leaf, const char *text) {
        g_autofree char *override = g_strdup(override_of(machine, vf));

        if (g_str_equal(leaf, "driver_override")) {
                g_autofree char *driver = g_strdup(driver_of(machine, vf));
                machine_set_driver(machine, vf, driver, g_str_equal(text, "\n") ? NULL : text);
        } else if (g_str_equal(leaf, "driver/unbind")) {
                if (!driver_of(machine, vf))
                        return -ENODEV;
                machine_set_driver(machine, vf, NULL, override);
        } else if (!g_str_equal(leaf, "reset")) {
                return -ENOENT;
        }
        return 0;
}

static int fake_write(Io *io, const char *path, const char *text, unsigned timeout_ms) {
        Machine *machine = of(io);
        /* The kernel may wait in these for ever, and nobody is to wait with it. */
        if (g_str_has_suffix(path, "/driver/unbind") || g_str_has_suffix(path, "/reset") || g_str_has_suffix(path, "/sriov_numvfs"))
                g_assert_cmpuint(timeout_ms, >, 0);
        int r = machine_change(machine, "%s = %s", g_str_has_prefix(path, DEVICES) ? path + strlen(DEVICES) : path, g_str_equal(text, "\n") ? "none" : text);

        if (r < 0)
                return r;
        if (g_str_equal(path, DEVICES PF_NAME "/sriov_numvfs"))
                return write_numvfs(machine, (unsigned) g_ascii_strtoull(text, NULL, 10));
        if (g_str_equal(path, DEVICES PF_NAME "/sriov_drivers_autoprobe")) {
                machine_put(machine, path, text);
                return 0;
        }
        for (unsigned i = 0; i < machine_num_vfs(machine); i++) {
                g_autofree char *folder = vf_path(i, "");
                char name[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(machine_vf(i), name);
                if (g_str_equal(path, "sys/bus/pci/drivers/pciback/remove_slot") && g_str_equal(text, name) && machine->xen.slots & 1u << i) {
                        machine->xen.slots &= ~(1u << i);
                        return 0;
                }
                if (g_str_has_prefix(path, folder))
                        return write_vf(machine, i, path + strlen(folder), text);
                if (g_str_equal(path, "sys/bus/pci/drivers_probe") && g_str_equal(text, name))
                        return probe(machine, i);
        }
        return -ENOENT;
}

/* The message is our own: see rtnl_build_set_vf() below. */
typedef struct {
        bool is_link, up;
        unsigned vf, mask;
        VfState state;
} Message;

static int fake_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack) {
        Machine *machine = of(io);
        Message message;

        g_assert_cmpuint(length, ==, sizeof message);
        memcpy(&message, request, sizeof message);
        if (machine->busy) {
                machine->busy -= machine->busy > 0;
                return -EAGAIN;
        }
        g_autofree char *text = message.is_link ? g_strdup(message.up ? "up" : "down") : vf_state_format(&message.state, message.mask);
        int r = message.is_link ? machine_change(machine, "link %s", text) : machine_change(machine, "vf %u: %s", message.vf, text);
        if (r < 0)
                return r;
        if (message.is_link) {
                machine_put(machine, "sys/class/net/enp1s0/flags", message.up ? "0x1003" : "0x1002");
                return 0;
        }
        if (machine->refuses_zero_mac && (message.mask & VF_MAC) && mac_is_zero(message.state.mac))
                return -EINVAL;
        bool ignores = machine->ignores_vlan || machine->ignores_vlan_of == message.vf + 1;
        vf_state_copy(&machine->vfs[message.vf], &message.state, message.mask & ~(ignores ? VF_VLAN : 0u));
        return 0;
}

static int fake_load_module(Io *io, const char *name) {
        g_autofree char *path = g_strconcat("sys/bus/pci/drivers/", g_str_equal(name, "xen-pciback") ? "pciback" : name, "/bind", NULL);
        int r = machine_change(of(io), "module %s", name);
        if (r < 0 || of(io)->fail_modules)
                return r < 0 ? r : -ENOENT;
        machine_put(of(io), path, "");
        return 0;
}

static int fake_lock(Io *io, const char *name, unsigned timeout_ms, int *ret) {
        if (of(io)->lock_result < 0 && !g_str_equal(name, "recover"))
                return of(io)->lock_result;
        *ret = 3;
        return 0;
}

static void fake_unlock(Io *io, int lock) {
        g_assert_cmpint(lock, ==, 3);
}

static int64_t fake_now(Io *io) {
        return of(io)->clock;
}

static void fake_pause(Io *io, unsigned milliseconds) {
        of(io)->clock += (int64_t) milliseconds * 1000;
}

static int fake_replace(Io *io, const char *path, const char *text) {
        Machine *machine = of(io);
        int r = machine_change(machine, text ? "replace %s" : "remove %s", path);
        if (r == 0 && text)
                machine_put(machine, path, text);
        else if (r == 0)
                g_hash_table_remove(machine->files, path);
        return r;
}

static int fake_program(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status) {
        Machine *machine = of(io);
        g_autofree char *line = g_strjoinv(" ", (char **) argv);
        GString *says = g_string_new(NULL);
        int r = changes ? machine_change(machine, "run %s", line) : 0;

        if (r == 0 && !machine->program)
                r = -ENOENT;
        if (r == 0)
                *status = machine->program(io, argv, says) << 8;
        if (r == 0)
                *output = g_string_free_to_bytes(says);
        else
                g_string_free(says, TRUE);
        return r;
}

static const IoCalls calls = {
        .replace = fake_replace, .program = fake_program,
        .read = fake_read, .write = fake_write, .readlink = fake_readlink, .list = fake_list, .netlink = fake_netlink,
        .load_module = fake_load_module, .lock = fake_lock, .unlock = fake_unlock, .now = fake_now, .pause = fake_pause,
};

Machine *machine_new(unsigned num_vfs) {
        Machine *machine = g_new0(Machine, 1);

        machine->io = (Io) {.calls = &calls, .writable = true};
        machine->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        machine->links = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        machine->log = g_ptr_array_new_with_free_func(g_free);
        machine->gives = MAX_VFS;
        machine->reports = VF_ALL;
        machine->guest_runs = true;
        fake_service_init(&machine->service);
        machine_put(machine, DEVICES PF_NAME "/vendor", "0x8086");
        machine_put(machine, DEVICES PF_NAME "/sriov_drivers_autoprobe", "1");
        machine_put(machine, DEVICES PF_NAME "/net/enp1s0/x", "");
        machine_put(machine, "sys/class/net/enp1s0/ifindex", "3");
        machine_put(machine, "sys/class/net/enp1s0/flags", "0x1003");
        machine_put(machine, "sys/bus/pci/drivers/igbvf/bind", "");
        machine_put(machine, "proc/sys/kernel/random/boot_id", BOOT "\n");
        g_hash_table_insert(machine->links, g_strdup(DEVICES PF_NAME "/driver"), g_strdup("../../bus/pci/drivers/igb"));
        machine_start_process(machine, MY_PID);
        machine_start_process(machine, GUEST_PID);
        for (unsigned i = 0; i < num_vfs; i++)
                make_vf(machine, i);
        return machine;
}

void machine_free(Machine *machine) {
        g_hash_table_unref(machine->files);
        g_hash_table_unref(machine->links);
        g_ptr_array_unref(machine->log);
        g_free(machine->fail_prefix);
        g_free(machine->guest_has);
        fake_service_clear(&machine->service);
        fake_xen_clear(&machine->xen);
        g_free(machine);
}

/* ---- in place of host/rtnl.c ---- */

GByteArray *rtnl_build_set_vf(int ifindex, unsigned vf, const VfState *state, unsigned mask) {
        Message message = {.vf = vf, .mask = mask, .state = *state};
        g_assert_cmpint(ifindex, ==, 3);
        return g_byte_array_append(g_byte_array_new(), (const guint8 *) &message, sizeof message);
}

GByteArray *rtnl_build_link_up(int ifindex, bool up) {
        Message message = {.is_link = true, .up = up};
        g_assert_cmpint(ifindex, ==, 3);
        return g_byte_array_append(g_byte_array_new(), (const guint8 *) &message, sizeof message);
}

int rtnl_read_vfs(Io *io, int ifindex, unsigned num_vfs, GArray **ret) {
        *ret = g_array_new(FALSE, TRUE, sizeof(VfInfo));
        of(io)->vf_reads++;
        for (unsigned i = 0; i < num_vfs; i++) {
                VfInfo info = {.index = i, .state = of(io)->vfs[i]};
                info.state.known &= of(io)->reports;
                g_array_append_val(*ret, info);
        }
        return 0;
}

/* ---- in place of host/host.c ---- */

Snapshot *host_read(Io *io, unsigned what, GError **error) {
        Machine *machine = of(io);
        Snapshot *snapshot = snapshot_new();
        Dev *pf = dev_new(machine_pf());
        unsigned num_vfs = machine_num_vfs(machine);

        snapshot->boot_id = g_strdup(BOOT);
        snapshot->xen_dom0 = host_is_xen_dom0(io);
        pf->path = g_strdup("pci0000:00/0000:00:02.0/" PF_NAME);
        pf->driver = g_strdup("igb");
        pf->is_pf = true;
        pf->num_vfs = num_vfs;
        pf->vf_infos = g_array_new(FALSE, TRUE, sizeof(VfInfo));
        if (!pf->vfs)
                pf->vfs = g_array_new(FALSE, TRUE, sizeof(PciAddr));
        NetDev *net = net_dev_new("enp1s0");
        net->ifindex = 3;
        net->up = true;
        if (machine->pf_address)
                g_ptr_array_add(net->addresses, g_strdup(machine->pf_address));
        g_ptr_array_add(pf->nets, net);
        for (unsigned i = 0; i < num_vfs; i++) {
                Dev *vf = dev_new(machine_vf(i));
                PciAddr addr = machine_vf(i);
                VfInfo info = {.index = i, .state = machine->vfs[i]};
                g_array_append_val(pf->vfs, addr);
                g_array_append_val(pf->vf_infos, info);
                vf->vendor = 0x8086;
                vf->device = 0x10ca;
                vf->is_vf = true;
                vf->pf = machine_pf();
                vf->vf_index = i;
                vf->driver = g_strdup(driver_of(machine, i));
                vf->driver_override = g_strdup(override_of(machine, i));
                vf->reset_methods = g_strsplit("flr", " ", -1);
                if (i == 0 && machine->user_pid)
                        dev_add_use(vf, USE_PROCESS, g_strdup_printf("dpdk (pid %d)", machine->user_pid), machine->user_pid, NULL);
                snapshot_add(snapshot, vf);
        }
        snapshot_add(snapshot, pf);
        snapshot_seal(snapshot);
        return snapshot;
}

Snapshot *host_read_uses(Io *io, const PciAddr *addrs, unsigned n) {
        of(io)->looks++;
        return host_read(io, HOST_USES, NULL);
}

bool host_sees_processes(Io *io) {
        return !of(io)->in_container;
}
