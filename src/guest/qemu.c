/* The QEMU backend: hot-plug through QMP, and its row. Reading is in qemu_read.c, finding in qemu_find.c. */
#include "guest/qemu.h"

#include "base/error.h"

#include <string.h>

enum {
        RETRY_MS = 500,   /* between two requests to a guest that blinks its power indicator, or looks at QOM */
        SETTLE_MS = 3000, /* between a device's leaving QOM and DEVICE_DELETED: its files are closed in between */
        ASK_AGAIN_MS =
                10000, /* more than the 5 s in which a second press of a slot's button takes the first one back */
        END_LOOK_MS = 50,
};

const QemuTimes qemu_times = {.answer_ms = 5000, .plug_ms = 180000};

/* After "Duplicate device ID": an earlier run may have come to this point and crashed. */
static bool already_there(Qmp *qmp, PciAddr host, const char *id, unsigned answer_ms) {
        g_autofree char *path = g_strdup_printf("%s/%s", QEMU_PERIPHERAL, id);
        PciAddr now;
        return qemu_device_host(qmp, path, answer_ms, &now) && pci_addr_equal(now, host);
}

static bool add_device(Qmp *qmp, PciAddr host, const char *id, const char *bus, const QemuTimes *times,
                       GError **error) {
        char addr[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(host, addr);
        json_t *arguments =
                json_pack("{s:s, s:s, s:s, s:s*}", "driver", "vfio-pci", "id", id, "host", addr, "bus", bus);
        if (!arguments) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "%s: %s: the device's id or slot is no text for QMP",
                            qmp_who(qmp), addr);
                return false;
        }
        g_autoptr(GError) problem = NULL;
        const char *class, *desc;
        json_t *answer = qmp_execute(qmp, "device_add", arguments, qmp_deadline(times->plug_ms), &problem);
        if (answer) {
                json_decref(answer);
                return true;
        }
        if (!qmp_refusal(qmp, &class, &desc)) {
                g_propagate_prefixed_error(error, g_steal_pointer(&problem), "giving %s to a guest: ", addr);
                return false;
        }
        g_autofree char *words = g_strdup(desc);
        if (g_str_has_prefix(words, "Duplicate device ID") && already_there(qmp, host, id, times->answer_ms))
                return true;
        qemu_plug_refused(qmp_who(qmp), host, bus, words, error);
        return false;
}

bool qemu_plug(Io *io, const char *name, PciAddr host, const char *id, const char *bus, const QemuTimes *times,
               GError **error) {
        g_autoptr(QemuProcess) process = qemu_find(io, name, error);
        if (!process)
                return false;
        g_autoptr(Qmp) qmp = qemu_connect(io, process, times->answer_ms, NULL, error);
        if (!qmp || !add_device(qmp, host, id, bus, times, error))
                return false;
        int there = qemu_has_device(qmp, id, times->answer_ms, error);
        if (there == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                            "%s: QEMU said yes to device '%s' but does not list it; see QEMU's own log", qmp_who(qmp),
                            id);
        return there == 1;
}

/* One device's way out of a guest. */
typedef struct {
        Io *io;
        const QemuProcess *process;
        Qmp *qmp;
        const char *id;
        unsigned answer_ms;
        int64_t deadline;
        int64_t next_ask;
        bool asked;  /* QEMU took the request, or is at it already */
        bool absent; /* out of QOM, DEVICE_DELETED not seen yet */
} Leave;

/* QEMU closes its monitor a little before it ends; a device is free when it ended. */
static bool ends_soon(Io *io, const QemuProcess *process) {
        int64_t until = io_now(io) + SETTLE_MS * 1000;
        while (qemu_lives(io, process)) {
                if (io_now(io) >= until)
                        return false;
                io_pause(io, END_LOOK_MS);
        }
        return true;
}

/* The connection is of no more use: QEMU ended, or we do not know what became of our request. */
static GuestPlug after_break(Leave *leave, const GError *problem, GError **error) {
        if (qmp_closed(leave->qmp) ? ends_soon(leave->io, leave->process) : !qemu_lives(leave->io, leave->process))
                return GUEST_PLUG_DONE;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_PENDING,
                    "the guest was asked to let go of device '%s', and then: %s; detach it again", leave->id,
                    problem->message);
        return GUEST_PLUG_PENDING;
}

typedef enum { ASK_GONE, ASK_ASKED, ASK_LATER, ASK_REFUSED, ASK_BROKEN } Ask;

/* What QEMU's refusal of device_del means (hw/pci/pcie.c, hw/pci/shpc.c, hw/acpi/pcihp.c, system/qdev-monitor.c). */
static Ask judge_refusal(const char *class, const char *desc) {
        if (g_str_equal(class, "DeviceNotFound"))
                return ASK_GONE;
        if (strstr(desc, "already in the process of unplug"))
                return ASK_ASKED;
        if (strstr(desc, "guest is busy"))
                return ASK_LATER;
        return ASK_REFUSED;
}

static Ask ask_to_leave(Leave *leave, GError **error) {
        const char *class, *desc;
        g_autoptr(GError) problem = NULL;
        json_t *answer = qmp_execute(leave->qmp, "device_del", json_pack("{s:s}", "id", leave->id),
                                     qmp_deadline(leave->answer_ms), &problem);
        if (answer) {
                json_decref(answer);
                return ASK_ASKED;
        }
        g_propagate_error(error, g_steal_pointer(&problem));
        return qmp_refusal(leave->qmp, &class, &desc) ? judge_refusal(class, desc) : ASK_BROKEN;
}

static bool event_is_ours(const Leave *leave, const json_t *data) {
        const char *device = json_string_value(json_object_get(data, "device"));
        const char *path = json_string_value(json_object_get(data, "path"));
        return (device && g_str_equal(device, leave->id)) || (path && g_str_equal(path, leave->id));
}

typedef enum { HEARD_NOTHING, HEARD_DELETED, HEARD_REFUSED, HEARD_BROKEN } Heard;

/* Listens until `until` for the end of our device. */
static Heard listen(Leave *leave, int64_t until, GError **error) {
        do {
                g_autofree char *event = NULL;
                json_t *data = NULL;
                QmpWait wait = qmp_next_event(leave->qmp, until, &event, &data, error);
                if (wait == QMP_WAIT_TIMEOUT)
                        return HEARD_NOTHING;
                if (wait == QMP_WAIT_ERROR)
                        return HEARD_BROKEN;
                bool ours = event_is_ours(leave, data);
                json_decref(data);
                if (ours && g_str_equal(event, "DEVICE_DELETED"))
                        return HEARD_DELETED;
                if (ours && g_str_equal(event, "DEVICE_UNPLUG_GUEST_ERROR"))
                        return HEARD_REFUSED;
        } while (g_get_monotonic_time() < until);
        return HEARD_NOTHING;
}

static GuestPlug too_late(const Leave *leave, GError **error) {
        if (leave->absent)
                return GUEST_PLUG_DONE;
        if (leave->asked) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_PENDING,
                            "%s: the guest was asked to let go of device '%s' and has not yet; it may be booting, "
                            "paused or "
                            "without hot-plug support; detach it again later, or shut the guest down",
                            qmp_who(leave->qmp), leave->id);
                return GUEST_PLUG_PENDING;
        }
        g_set_error(
                error, VFADM_ERROR, VFADM_ERROR_BUSY,
                "%s: the guest's slot was busy all the time (its power indicator blinks), so it could not be asked for "
                "device '%s'; try again when it has booted",
                qmp_who(leave->qmp), leave->id);
        return GUEST_PLUG_FAILED;
}

/* Looks whether QOM still lists it: an event may have gone to an earlier connection. */
static int look(Leave *leave, GError **error) {
        int there = qemu_has_device(leave->qmp, leave->id, leave->answer_ms, error);
        if (there == 0 && !leave->absent) {
                leave->absent = true;
                leave->deadline = MIN(leave->deadline, qmp_deadline(SETTLE_MS));
        }
        return there;
}

/* Asks, or asks again: a guest that was booting did not hear the first time. QEMU itself refuses to press a slot's
 * button twice while the guest is at it. True: *ret is the end of it. */
static bool ask_round(Leave *leave, GuestPlug *ret, GError **error) {
        g_autoptr(GError) problem = NULL;
        switch (ask_to_leave(leave, &problem)) {
        case ASK_GONE:
                *ret = GUEST_PLUG_DONE;
                return true;
        case ASK_ASKED:
                leave->asked = true;
                leave->next_ask = qmp_deadline(ASK_AGAIN_MS);
                return false;
        case ASK_LATER:
                leave->next_ask = qmp_deadline(RETRY_MS);
                return false;
        case ASK_BROKEN:
                *ret = after_break(leave, problem, error);
                return true;
        case ASK_REFUSED:
                break;
        }
        g_propagate_prefixed_error(error, g_steal_pointer(&problem), "taking device '%s' back: ", leave->id);
        *ret = GUEST_PLUG_FAILED;
        return true;
}

/* Listens for a while, then looks. True: *ret is the end of it. */
static bool listen_round(Leave *leave, GuestPlug *ret, GError **error) {
        g_autoptr(GError) problem = NULL;
        Heard heard = listen(leave, MIN(leave->deadline, qmp_deadline(RETRY_MS)), &problem);
        if (heard == HEARD_BROKEN || (heard == HEARD_NOTHING && look(leave, &problem) < 0)) {
                *ret = after_break(leave, problem, error);
                return true;
        }
        if (heard == HEARD_REFUSED) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                            "%s: the guest refused to let go of device '%s'; stop what uses it in the guest, then "
                            "detach again",
                            qmp_who(leave->qmp), leave->id);
                *ret = GUEST_PLUG_FAILED;
                return true;
        }
        if (heard == HEARD_NOTHING && g_get_monotonic_time() < leave->deadline)
                return false;
        *ret = heard == HEARD_DELETED ? GUEST_PLUG_DONE : too_late(leave, error);
        return true;
}

GuestPlug qemu_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, const QemuTimes *times,
                      GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(QemuProcess) process = qemu_find(io, name, &problem);
        if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND))
                return GUEST_PLUG_DONE;
        g_autoptr(Qmp) qmp = process ? qemu_connect(io, process, times->answer_ms, NULL, &problem) : NULL;
        int there = qmp ? qemu_has_device(qmp, id, times->answer_ms, &problem) : -1;
        if (there < 0) {
                /* It may be ending just now; one that only does not answer is not waited for. */
                bool silent = g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_BUSY);
                if (process && (silent ? !qemu_lives(io, process) : ends_soon(io, process)))
                        return GUEST_PLUG_DONE;
                g_propagate_prefixed_error(error, g_steal_pointer(&problem), "taking device '%s' back: ", id);
                return GUEST_PLUG_FAILED;
        }
        if (there == 0)
                return GUEST_PLUG_DONE;

        Leave leave = {.io = io,
                       .process = process,
                       .qmp = qmp,
                       .id = id,
                       .answer_ms = times->answer_ms,
                       .deadline = qmp_deadline(timeout_ms),
                       .next_ask = g_get_monotonic_time()};
        GuestPlug ret;
        for (;;) {
                bool ask = !leave.absent && g_get_monotonic_time() >= leave.next_ask;
                if ((ask && ask_round(&leave, &ret, error)) || listen_round(&leave, &ret, error))
                        return ret;
        }
}

static GuestInfo *read_guest(Io *io, const char *name, GError **error) {
        return qemu_read(io, name, &qemu_times, error);
}

static bool plug(Io *io, const char *name, const GuestPlugged *device, GError **error) {
        return qemu_plug(io, name, device->host, device->id, device->bus, &qemu_times, error);
}

static GuestPlug unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error) {
        return qemu_unplug(io, name, id, timeout_ms, &qemu_times, error);
}

/* For looking only, nobody waits long: a monitor that answers does so at once, and twenty that hang must not add up. */
enum { LOOK_MS = 1500, LOOK_ALL_MS = 20000 };

static QemuPatience patience(void) {
        return (QemuPatience){.answer_ms = LOOK_MS, .agent_ms = LOOK_MS, .deadline = qmp_deadline(LOOK_ALL_MS)};
}

static GuestInfo *examine(Io *io, const char *name, GError **error) {
        QemuPatience now = patience();
        return qemu_examine(io, name, &now, error);
}

static void examine_all(Io *io, GPtrArray *guests, GPtrArray *notes) {
        QemuPatience now = patience();
        qemu_examine_all(io, &now, guests, notes);
}

const GuestBackend qemu_backend = {.name = "qemu",
                                   .read = read_guest,
                                   .examine = examine,
                                   .examine_all = examine_all,
                                   .plug = plug,
                                   .unplug = unplug};
