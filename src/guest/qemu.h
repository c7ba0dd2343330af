/* The parts of the QEMU backend, for each other and for their tests. */
#pragma once

#include "guest/guest.h"
#include "guest/qmp.h"
#include "model/qemu_args.h"

/* How long QEMU may take to answer. Questions are answered by QEMU's main loop at once, unless it hangs; device_add
 * returns after all of the guest's memory was pinned, which takes long for a guest of some hundred GiB. */
typedef struct {
        unsigned answer_ms, plug_ms;
} QemuTimes;
extern const QemuTimes qemu_times; /* 5 s, 180 s */

typedef struct {
        pid_t pid;
        uint64_t start; /* /proc/PID/stat field 22 */
        char *name;     /* by -name; "pid-812" when it has none, none that can be typed, or shares it with another */
        QemuArgs *args;
} QemuProcess;

/* Every QEMU that runs, libvirt's too, by pid: QemuProcess*. `hidden`: a process could not be looked at. */
GPtrArray *qemu_scan(Io *io, bool *hidden, GError **error);
/* The one called `name`, or by its pid "pid-812". NOT_FOUND: for certain none runs; REFUSED: several have the name;
 * UNSUPPORTED: it is libvirt's; PERMISSION: none seen, and we may not see all. */
QemuProcess *qemu_find(Io *io, const char *name, GError **error);
/* The same, and libvirt's guests are found too. */
QemuProcess *qemu_find_any(Io *io, const char *name, GError **error);
void qemu_process_free(QemuProcess *process);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QemuProcess, qemu_process_free)
/* The very process still runs (a zombie does not). */
bool qemu_lives(Io *io, const QemuProcess *process);

/* Connects to the first of its QMP sockets that answers, makes sure that this process and no other listens there,
 * and gets past the greeting. `ret_path` (may be NULL): the socket, below the root. */
Qmp *qemu_connect(Io *io, const QemuProcess *process, unsigned answer_ms, char **ret_path, GError **error);

/* A connection to the socket of its guest agent (args->agent_socket, not NULL), at whose other end this process is; -1. */
int qemu_open_agent(Io *io, const QemuProcess *process, const char *who, unsigned timeout_ms, GError **error);

/* What is below a QOM path: QemuChild*, "rp2" before "rp10" (QEMU's own order is a hash table's). NULL on error. */
typedef struct {
        char *name, *type;
        bool link; /* link<…>, else child<…> */
} QemuChild;
GPtrArray *qemu_children(Qmp *qmp, const char *path, unsigned answer_ms, GError **error);
/* Devices that were given an id. */
#define QEMU_PERIPHERAL "/machine/peripheral"
/* 1: the id is there; 0: it is not; -1: error. */
int qemu_has_device(Qmp *qmp, const char *id, unsigned answer_ms, GError **error);
/* The host's function behind a vfio-pci device by its QOM path; false when QEMU does not tell. */
bool qemu_device_host(Qmp *qmp, const char *path, unsigned answer_ms, PciAddr *ret);

GuestInfo *qemu_read(Io *io, const char *name, const QemuTimes *times, GError **error);
/* What the monitor tells of the guest, put into `info`. */
bool qemu_ask(Qmp *qmp, GuestInfo *info, const QemuProcess *process, unsigned answer_ms, GError **error);
/* How much memory the process may lock, and has. */
void qemu_read_memlock(Io *io, GuestInfo *info);

/* By /proc, and by the monitor and the guest agent where they answer (qemu_examine.c). Each gets `answer_ms`, and all of
 * them together no more than until `deadline` (g_get_monotonic_time()). */
typedef struct {
        unsigned answer_ms, agent_ms;
        int64_t deadline;
} QemuPatience;
GuestInfo *qemu_examine(Io *io, const char *name, const QemuPatience *patience, GError **error);
void qemu_examine_all(Io *io, const QemuPatience *patience, GPtrArray *guests, GPtrArray *notes);

bool qemu_plug(Io *io, const char *name, PciAddr host, const char *id, const char *bus, const QemuTimes *times,
               GError **error);
GuestPlug qemu_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, const QemuTimes *times,
                      GError **error);

extern const GuestBackend qemu_backend;

/* Sets the error for a device_add that QEMU refused, with what to do about it. */
void qemu_plug_refused(const char *who, PciAddr host, const char *bus, const char *desc, GError **error);
