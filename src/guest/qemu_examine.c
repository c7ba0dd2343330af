/* Looking at a QEMU from all sides, for whoever wants to know what is wrong: its command line and /proc first, then its
 * monitor and its guest agent, where they answer. What cannot be learnt is noted and stops nothing. */
#include "guest/qemu.h"

#include "base/error.h"
#include "guest/agent.h"
#include "guest/qmp_message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void note(GuestInfo *info, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void note(GuestInfo *info, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_ptr_array_add(info->notes, g_strdup_vprintf(format, args));
        va_end(args);
}

/* The name that can be typed may hold anything that prints; what else the command line says may hold anything. */
static char *clean_or_null(const char *text) {
        return text ? qmp_clean_text(text) : NULL;
}

static void take_args(GuestInfo *info, const QemuProcess *process) {
        const QemuArgs *args = process->args;
        info->pid = process->pid;
        info->pid_start = process->start;
        info->uuid = g_strdup(args->uuid);
        info->by_libvirt = args->by_libvirt;
        info->cut = args->bare;
        info->ram = args->ram;
        info->machine = clean_or_null(args->machine);
        info->viommu = clean_or_null(args->viommu);
        info->has_viommu = args->viommu != NULL;
        info->viommu_caching = args->viommu_caching;
        info->viommu_intremap = args->viommu_intremap;
}

/* For a guest whose monitor is silent: what it was started with. */
static void take_devices(GuestInfo *info, const QemuArgs *args) {
        for (unsigned i = 0; i < args->vfio->len; i++) {
                const QemuVfio *vfio = args->vfio->pdata[i];
                g_autofree char *id = clean_or_null(vfio->id);
                GuestDevice *device = guest_info_add_device(info, id ? id : "");
                device->host = vfio->host;
                device->has_host = vfio->has_host;
                device->iommufd = vfio->iommufd;
        }
        for (unsigned i = 0; i < args->ports->len; i++) {
                const QemuPort *port = args->ports->pdata[i];
                g_autofree char *bus = qmp_clean_text(port->id);
                guest_info_add_slot(info, bus, !port->used, port->hotplug);
        }
}

/* QOM does not show the iommufd link's end as such; the command line does, for what was there at the start. */
static void mark_iommufd(GuestInfo *info, const QemuArgs *args) {
        for (unsigned i = 0; i < args->vfio->len; i++) {
                const QemuVfio *vfio = args->vfio->pdata[i];
                GuestDevice *device = vfio->has_host ? (GuestDevice *)guest_info_find(info, vfio->host) : NULL;
                if (device)
                        device->iommufd = vfio->iommufd;
        }
}

/* A group's device is an anonymous file (drivers/vfio/vfio_main.c, vfio_device_open_file()), iommufd's a device node.
 */
static void count_files(Io *io, GuestInfo *info) {
        g_autofree char *folder = g_strdup_printf("proc/%d/fd", (int)info->pid);
        g_auto(GStrv) names = NULL;
        int r = io_list(io, folder, &names);
        if (r == -EACCES || r == -EPERM)
                info->denied = true;
        for (size_t i = 0; r >= 0 && names[i]; i++) {
                g_autofree char *path = g_strconcat(folder, "/", names[i], NULL);
                g_autofree char *target = NULL;
                if (io_readlink(io, path, &target) == 0)
                        info->vfio_files += g_str_equal(target, "anon_inode:[vfio-device]") ||
                                            g_str_has_prefix(target, "/dev/vfio/devices/vfio");
        }
}

static unsigned within(unsigned milliseconds, int64_t deadline) {
        int64_t left = (deadline - g_get_monotonic_time()) / 1000;
        return left <= 0 ? 0 : (unsigned)MIN((int64_t)milliseconds, left);
}

/* "pc-q35-10.0": the alias on the command line ("q35", or none at all) does not say the version. */
static void ask_machine(Qmp *qmp, GuestInfo *info, unsigned answer_ms) {
        static const char suffix[] = "-machine";
        json_t *type = qmp_execute(qmp, "qom-get", json_pack("{s:s, s:s}", "path", "/machine", "property", "type"),
                                   qmp_deadline(answer_ms), NULL);
        const char *text = json_string_value(type);
        if (text && g_str_has_suffix(text, suffix)) {
                g_autofree char *name = g_strndup(text, strlen(text) - strlen(suffix));
                g_free(info->machine);
                info->machine = qmp_clean_text(name);
        }
        json_decref(type);
}

/* True when the guest has its end of the agent's port open; also when QEMU does not say. Nobody waits for an agent that
 * never runs. */
static bool agent_listens(Qmp *qmp, const QemuArgs *args, unsigned answer_ms) {
        json_t *list = qmp_execute(qmp, "query-chardev", NULL, qmp_deadline(answer_ms), NULL), *item;
        bool ret = true;
        size_t i;
        json_array_foreach(list, i, item) {
                const char *label = json_string_value(json_object_get(item, "label"));
                if (label && g_str_equal(label, args->agent_chardev))
                        ret = !json_is_false(json_object_get(item, "frontend-open"));
        }
        json_decref(list);
        return ret;
}

static void take_told(GuestInfo *info, GuestInfo *told) {
        GPtrArray *devices = info->devices, *slots = info->slots;
        info->asked = true;
        info->ram = told->ram;
        info->has_viommu |= told->has_viommu;
        info->status = g_steal_pointer(&told->status);
        if (told->uuid) {
                g_free(info->uuid);
                info->uuid = g_steal_pointer(&told->uuid);
        }
        info->devices = told->devices;
        info->slots = told->slots;
        told->devices = devices;
        told->slots = slots;
}

/* True: the guest agent is worth asking. Not where the monitor hangs: what hangs there would be waited for twice. */
static bool ask_monitor(Io *io, GuestInfo *info, const QemuProcess *process, const QemuPatience *patience) {
        const QemuArgs *args = process->args;
        unsigned answer_ms = within(patience->answer_ms, patience->deadline);
        g_autoptr(GError) problem = NULL;
        if (args->by_libvirt || args->monitors->len == 0)
                return true;
        g_autoptr(Qmp) qmp = answer_ms ? qemu_connect(io, process, answer_ms, &info->socket, &problem) : NULL;
        g_autoptr(GuestInfo) told = guest_info_new(info->backend, info->name);
        if (qmp && qemu_ask(qmp, told, process, answer_ms, &problem)) {
                take_told(info, told);
                mark_iommufd(info, args);
                ask_machine(qmp, info, answer_ms);
                return !args->agent_socket || agent_listens(qmp, args, answer_ms);
        }
        if (!info->socket) {
                const char *given = args->monitors->pdata[0];
                info->socket = qmp_clean_text(*given == '/' ? given + 1 : given);
        }
        info->denied |= g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_PERMISSION);
        note(info, "%s",
             problem ? problem->message : "its monitor was not asked: other guests took all the time there was");
        return false;
}

/* A guest without an agent, or with one that is busy, is no trouble. */
static void ask_agent(Io *io, GuestInfo *info, const QemuProcess *process, const QemuPatience *patience) {
        unsigned agent_ms = within(patience->agent_ms, patience->deadline);
        g_autofree char *who = g_strdup_printf("qemu:%s (pid %d)", process->name, (int)process->pid);
        g_autoptr(GError) problem = NULL;
        if (agent_ms == 0) {
                note(info, "%s: its guest agent was not asked: others took all the time there was", who);
                return;
        }
        int64_t deadline = qmp_deadline(agent_ms);
        int fd = qemu_open_agent(io, process, who, agent_ms, &problem);
        if (fd >= 0) {
                info->agent = agent_ask_macs(fd, who, deadline, info->agent_macs, &problem);
                close(fd);
        }
        info->denied |= g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_PERMISSION);
        if (problem)
                note(info, "%s", problem->message);
}

/* NULL: it ended while we looked. */
static GuestInfo *look_at(Io *io, const QemuProcess *process, const QemuPatience *patience) {
        g_autoptr(GuestInfo) info = guest_info_new(process->args->by_libvirt ? "libvirt" : "qemu", process->name);
        take_args(info, process);
        qemu_read_memlock(io, info);
        count_files(io, info);
        bool worth = ask_monitor(io, info, process, patience);
        if (!info->asked)
                take_devices(info, process->args);
        if (worth && process->args->agent_socket && !info->by_libvirt)
                ask_agent(io, info, process, patience);
        return qemu_lives(io, process) ? g_steal_pointer(&info) : NULL;
}

GuestInfo *qemu_examine(Io *io, const char *name, const QemuPatience *patience, GError **error) {
        g_autoptr(QemuProcess) process = qemu_find_any(io, name, error);
        if (!process)
                return NULL;
        GuestInfo *info = look_at(io, process, patience);
        if (!info)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "qemu:%s: this QEMU has just ended", name);
        return info;
}

void qemu_examine_all(Io *io, const QemuPatience *patience, GPtrArray *guests, GPtrArray *notes) {
        bool hidden = false;
        g_autoptr(GError) problem = NULL;
        g_autoptr(GPtrArray) all = qemu_scan(io, &hidden, &problem);
        if (!all) {
                g_ptr_array_add(notes, g_strdup(problem->message));
                return;
        }
        if (hidden)
                g_ptr_array_add(notes, g_strdup("which guests run cannot be fully seen without root"));
        for (unsigned i = 0; i < all->len; i++) {
                GuestInfo *info = look_at(io, all->pdata[i], patience);
                if (info)
                        g_ptr_array_add(guests, info);
        }
}
