/* What a QEMU says of its guest: devices, slots, memory, state.
 *
 * Slots are read from QOM and not from query-pci, which shows what is behind a port only after the guest's firmware
 * numbered its bus (hw/pci/pci-qmp-cmds.c, qmp_query_pci_bridge): a port in use would look free until then. */
#include "guest/qemu.h"

#include "base/error.h"
#include "guest/proc.h"
#include "guest/qmp_message.h"

#include <string.h>

#define PERIPHERAL_ANON "/machine/peripheral-anon"

enum { PROC_FILE_MAX = 1 << 16, BUS_SLOTS = 31 };

static bool lies(Qmp *qmp, const char *command, GError **error) {
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: QEMU's answer to '%s' has not the form that it should",
                    qmp_who(qmp), command);
        return false;
}

static void child_free(void *data) {
        QemuChild *child = data;
        g_free(child->name);
        g_free(child->type);
        g_free(child);
}

/* A QOM type is "child<T>", "link<T>" or a plain value's ("bool"), which is of no interest here. */
static bool type_inside(const char *type, const char *wrapper, char **ret) {
        size_t prefix = strlen(wrapper), length = strlen(type);
        if (!g_str_has_prefix(type, wrapper) || length <= prefix || type[length - 1] != '>')
                return false;
        *ret = g_strndup(type + prefix, length - prefix - 1);
        return true;
}

static int by_name(const void *a, const void *b) {
        const QemuChild *one = *(QemuChild *const *)a, *two = *(QemuChild *const *)b;
        return strverscmp(one->name, two->name);
}

GPtrArray *qemu_children(Qmp *qmp, const char *path, unsigned answer_ms, GError **error) {
        json_t *list = qmp_execute(qmp, "qom-list", json_pack("{s:s}", "path", path), qmp_deadline(answer_ms), error);
        if (!list)
                return NULL;
        g_autoptr(GPtrArray) ret = g_ptr_array_new_with_free_func(child_free);
        bool ok = json_is_array(list);
        size_t i;
        json_t *item;
        json_array_foreach(list, i, item) {
                const char *name = json_string_value(json_object_get(item, "name"));
                const char *type = json_string_value(json_object_get(item, "type"));
                char *inside;
                ok = ok && name && type;
                if (!ok)
                        break;
                bool link = type_inside(type, "link<", &inside);
                if (!link && !type_inside(type, "child<", &inside))
                        continue;
                QemuChild *child = g_new0(QemuChild, 1);
                child->name = g_strdup(name);
                child->type = inside;
                child->link = link;
                g_ptr_array_add(ret, child);
        }
        json_decref(list);
        if (ok) {
                g_ptr_array_sort(ret, by_name);
                return g_steal_pointer(&ret);
        }
        lies(qmp, "qom-list", error);
        return NULL;
}

int qemu_has_device(Qmp *qmp, const char *id, unsigned answer_ms, GError **error) {
        /* An id may be a QOM path, as device_del takes it too: for devices that were given none. */
        g_autofree char *folder = *id == '/' ? g_path_get_dirname(id) : g_strdup(QEMU_PERIPHERAL);
        g_autofree char *name = g_path_get_basename(id);
        g_autoptr(GPtrArray) children = qemu_children(qmp, folder, answer_ms, error);
        if (!children)
                return -1;
        for (unsigned i = 0; i < children->len; i++)
                if (g_str_equal(((QemuChild *)children->pdata[i])->name, name))
                        return 1;
        return 0;
}

/* A property's value, NULL without an error when QEMU has none (an older one) or it is of another type. */
static json_t *property(Qmp *qmp, const char *path, const char *name, unsigned answer_ms, GError **error) {
        g_autoptr(GError) problem = NULL;
        const char *class, *desc;
        json_t *value = qmp_execute(qmp, "qom-get", json_pack("{s:s, s:s}", "path", path, "property", name),
                                    qmp_deadline(answer_ms), &problem);
        if (!value && !qmp_refusal(qmp, &class, &desc))
                g_propagate_error(error, g_steal_pointer(&problem));
        return value;
}

static bool host_from(json_t *value, PciAddr *ret) {
        const char *text = json_string_value(value);
        g_autofree char *last = text && *text ? g_path_get_basename(text) : NULL;
        bool ok = last && pci_addr_parse(last, ret);
        json_decref(value);
        return ok;
}

bool qemu_device_host(Qmp *qmp, const char *path, unsigned answer_ms, PciAddr *ret) {
        /* "host" is "ffff:ff:ff.f" when the device was given by sysfsdev= (hw/core/qdev-properties-system.c). */
        return host_from(property(qmp, path, "host", answer_ms, NULL), ret) ||
               host_from(property(qmp, path, "sysfsdev", answer_ms, NULL), ret);
}

/* Ports first, so that a guest gets a PCI Express device where it has both kinds of slot. */
static const struct {
        const char *type;
        bool has_switch; /* has a "hotplug" property (PCIESlot); the others always take devices */
} slot_types[] = {
        {"pcie-root-port", true},   {"ioh3420", true},     {"xio3130-downstream", true},
        {"pcie-pci-bridge", false}, {"pci-bridge", false},
};

/* A bus under a device or host bridge: a PCI Express port has one slot, a conventional bus many. */
static bool add_bus(Qmp *qmp, GuestInfo *info, const char *owner, const QemuChild *bus, bool hotplug,
                    unsigned answer_ms, GError **error) {
        g_autofree char *path = g_strdup_printf("%s/%s", owner, bus->name);
        g_autoptr(GPtrArray) children = qemu_children(qmp, path, answer_ms, error);
        if (!children)
                return false;
        /* bus_add_child() in hw/core/qdev.c: a link "child[N]" for each device, from plug until it is gone for good. */
        unsigned used = 0;
        for (unsigned i = 0; i < children->len; i++) {
                const QemuChild *child = children->pdata[i];
                used += child->link && g_str_has_prefix(child->name, "child[");
        }
        unsigned slots = g_str_equal(bus->type, "PCI") ? BUS_SLOTS : 1;
        guest_info_add_slot(info, bus->name, used < slots, hotplug)->more = used < slots ? slots - used - 1 : 0;
        return true;
}

static bool add_buses(Qmp *qmp, GuestInfo *info, const char *owner, bool hotplug, unsigned answer_ms, GError **error) {
        g_autoptr(GPtrArray) children = qemu_children(qmp, owner, answer_ms, error);
        if (!children)
                return false;
        for (unsigned i = 0; i < children->len; i++) {
                const QemuChild *child = children->pdata[i];
                bool bus = !child->link && (g_str_equal(child->type, "PCI") || g_str_equal(child->type, "PCIE"));
                if (bus && !add_bus(qmp, info, owner, child, hotplug, answer_ms, error))
                        return false;
        }
        return true;
}

static bool read_port(Qmp *qmp, GuestInfo *info, const char *path, bool has_switch, unsigned answer_ms,
                      GError **error) {
        g_autoptr(GError) problem = NULL;
        json_t *on = has_switch ? property(qmp, path, "hotplug", answer_ms, &problem) : NULL;
        bool hotplug = !json_is_false(on);
        json_decref(on);
        if (problem) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        return add_buses(qmp, info, path, hotplug, answer_ms, error);
}

static bool is_viommu(const char *type) {
        static const char *const prefixes[] = {"intel-iommu", "amd-iommu", "virtio-iommu", "arm-smmu", "riscv-iommu"};
        for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
                if (g_str_has_prefix(type, prefixes[i]))
                        return true;
        return false;
}

static void read_device(Qmp *qmp, GuestInfo *info, const char *folder, const QemuChild *child, unsigned answer_ms) {
        if (child->link || !g_str_has_prefix(child->type, "vfio-pci"))
                return;
        g_autofree char *path = g_strdup_printf("%s/%s", folder, child->name);
        /* device_del takes a QOM path where there is no id. */
        bool has_id = g_str_equal(folder, QEMU_PERIPHERAL);
        GuestDevice *device = guest_info_add_device(info, has_id ? child->name : path);
        device->has_host = qemu_device_host(qmp, path, answer_ms, &device->host);
}

static bool read_ports(Qmp *qmp, GuestInfo *info, const char *folder, const GPtrArray *children, unsigned answer_ms,
                       GError **error) {
        for (size_t row = 0; row < G_N_ELEMENTS(slot_types); row++)
                for (unsigned i = 0; i < children->len; i++) {
                        const QemuChild *child = children->pdata[i];
                        if (child->link || !g_str_equal(child->type, slot_types[row].type))
                                continue;
                        g_autofree char *path = g_strdup_printf("%s/%s", folder, child->name);
                        if (!read_port(qmp, info, path, slot_types[row].has_switch, answer_ms, error))
                                return false;
                }
        return true;
}

/* A vIOMMU given by -device is among the peripherals; one that the machine makes is below it or unattached. The i440fx
 * machine hot-plugs on its root bus, through ACPI; q35's pcie.0 cannot. */
static bool read_machine(Qmp *qmp, GuestInfo *info, const GPtrArray *children, unsigned answer_ms, GError **error) {
        for (unsigned i = 0; i < children->len; i++) {
                const QemuChild *child = children->pdata[i];
                info->has_viommu = info->has_viommu || (!child->link && is_viommu(child->type));
                if (g_str_equal(child->type, "i440FX-pcihost") &&
                    !add_buses(qmp, info, "/machine/i440fx", true, answer_ms, error))
                        return false;
        }
        return true;
}

static bool read_devices(Qmp *qmp, GuestInfo *info, unsigned answer_ms, GError **error) {
        static const char *const folders[] = {QEMU_PERIPHERAL, PERIPHERAL_ANON, "/machine", "/machine/unattached"};
        for (size_t f = 0; f < G_N_ELEMENTS(folders); f++) {
                g_autoptr(GPtrArray) children = qemu_children(qmp, folders[f], answer_ms, error);
                if (!children)
                        return false;
                bool devices = g_str_has_prefix(folders[f], QEMU_PERIPHERAL);
                for (unsigned i = 0; i < children->len && devices; i++)
                        read_device(qmp, info, folders[f], children->pdata[i], answer_ms);
                if ((devices && !read_ports(qmp, info, folders[f], children, answer_ms, error)) ||
                    !read_machine(qmp, info, children, answer_ms, error))
                        return false;
        }
        return true;
}

/* One text out of an answer; NULL with an error when it is not there. */
static char *ask_text(Qmp *qmp, const char *command, const char *key, bool must, unsigned answer_ms, GError **error) {
        json_t *answer = qmp_execute(qmp, command, NULL, qmp_deadline(answer_ms), error);
        if (!answer)
                return NULL;
        const char *text = json_string_value(json_object_get(answer, key));
        char *ret = text ? qmp_clean_text(text) : !must && json_is_object(answer) ? g_strdup("") : NULL;
        json_decref(answer);
        if (!ret)
                lies(qmp, command, error);
        return ret;
}

static bool read_memory(Qmp *qmp, GuestInfo *info, unsigned answer_ms, GError **error) {
        json_t *answer = qmp_execute(qmp, "query-memory-size-summary", NULL, qmp_deadline(answer_ms), error);
        if (!answer)
                return false;
        const json_t *base = json_object_get(answer, "base-memory"),
                     *plugged = json_object_get(answer, "plugged-memory");
        json_int_t more = plugged ? json_integer_value(plugged) : 0;
        bool ok = json_is_integer(base) && json_integer_value(base) >= 0 && more >= 0 &&
                  (!plugged || json_is_integer(plugged));
        if (ok)
                info->ram = (uint64_t)json_integer_value(base) + (uint64_t)more;
        json_decref(answer);
        return ok || lies(qmp, "query-memory-size-summary", error);
}

static bool read_identity(Qmp *qmp, GuestInfo *info, const QemuProcess *process, unsigned answer_ms, GError **error) {
        info->status = ask_text(qmp, "query-status", "status", true, answer_ms, error);
        if (!info->status)
                return false;
        g_autofree char *name = ask_text(qmp, "query-name", "name", false, answer_ms, error);
        if (!name)
                return false;
        g_autofree char *given = qmp_clean_text(process->args->name ? process->args->name : "");
        if (!g_str_equal(name, given)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                            "%s: its command line names it '%s', but QEMU itself says '%s'; it is not the guest it "
                            "seems to be",
                            qmp_who(qmp), given, name);
                return false;
        }
        g_autofree char *uuid = ask_text(qmp, "query-uuid", "UUID", true, answer_ms, error);
        if (!uuid)
                return false;
        if (!g_uuid_string_is_valid(uuid))
                return lies(qmp, "query-uuid", error);
        if (strspn(uuid, "0-") < strlen(uuid))
                info->uuid = g_ascii_strdown(uuid, -1);
        return true;
}

/* What cannot be read leaves "no limit", so that nothing is refused for want of knowledge; QEMU then says it. */
void qemu_read_memlock(Io *io, GuestInfo *info) {
        g_autofree char *limits_path = g_strdup_printf("proc/%d/limits", (int)info->pid);
        g_autofree char *status_path = g_strdup_printf("proc/%d/status", (int)info->pid);
        g_autoptr(GBytes) limits = NULL, text = NULL;
        if (io_read(io, limits_path, PROC_FILE_MAX, &limits) == 0)
                proc_limits_memlock(g_bytes_get_data(limits, NULL), g_bytes_get_size(limits), &info->memlock_limit);
        if (io_read(io, status_path, PROC_FILE_MAX, &text) == 0) {
                ProcStatus status;
                proc_status_parse(g_bytes_get_data(text, NULL), g_bytes_get_size(text), &status);
                info->memlock_used = status.locked;
                info->memlock_exempt = status.ipc_lock;
        }
}

bool qemu_ask(Qmp *qmp, GuestInfo *info, const QemuProcess *process, unsigned answer_ms, GError **error) {
        return read_identity(qmp, info, process, answer_ms, error) && read_memory(qmp, info, answer_ms, error) &&
               read_devices(qmp, info, answer_ms, error);
}

GuestInfo *qemu_read(Io *io, const char *name, const QemuTimes *times, GError **error) {
        g_autoptr(QemuProcess) process = qemu_find(io, name, error);
        if (!process)
                return NULL;
        g_autoptr(GuestInfo) info = guest_info_new("qemu", process->name);
        g_autoptr(GError) problem = NULL;
        g_autoptr(Qmp) qmp = qemu_connect(io, process, times->answer_ms, &info->socket, &problem);
        if (!qmp && !qemu_lives(io, process)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "qemu:%s: this QEMU has just ended", name);
                return NULL;
        }
        if (!qmp) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return NULL;
        }
        info->pid = process->pid;
        info->pid_start = process->start;
        if (!qemu_ask(qmp, info, process, times->answer_ms, error))
                return NULL;
        info->asked = true;
        qemu_read_memlock(io, info);
        return g_steal_pointer(&info);
}
