/* One small interface to guests, whatever runs them; a backend each in its own file and one row in guest.c. */
#pragma once

#include "io/io.h"
#include "model/books.h"
#include "model/guest.h"

typedef enum { GUEST_PLUG_DONE, GUEST_PLUG_FAILED, GUEST_PLUG_PENDING } GuestPlug;

/* A device on its way into a guest. Borrowed texts. */
typedef struct {
        PciAddr host;      /* bound to VFIO */
        const char *id;    /* what the guest's monitor is to call it */
        const char *bus;   /* the slot, as GuestSlot names it */
        const char *xml;   /* for a service that plugs by it: the element, whole (Step.xml); else NULL */
} GuestPlugged;

/* What a service with definitions can do besides, and some with networks (those calls are NULL where there are none, as with Xen); all
 * of them do nothing when it is so already. */
typedef struct {
        /* A guest that runs or is only defined, with its definition. */
        GuestInfo *(*read_any)(Io *io, const char *name, GError **error);
        /* Adds the device of this element to the persistent definition / takes it out (found by its function of the host, or,
         * where it has none, by its network and MAC). */
        bool (*define)(Io *io, const char *name, const char *xml, GError **error);
        bool (*undefine)(Io *io, const char *name, const char *xml, GError **error);
        /* All its books. NULL: UNSUPPORTED, the service does not run here; else it could not be asked. */
        Books *(*books)(Io *io, GError **error);
        /* One network with its ports: NULL with NOT_FOUND. */
        HostdevNetwork *(*network)(Io *io, const char *name, GError **error);
        /* Makes the network be like this (NULL: not be there): defined, autostarted, started. One that is active and has another
         * list is started anew; its ports are kept as far as their VFs are still in the list. Never touches a network of another forward mode: REFUSED. */
        bool (*set_network)(Io *io, const char *name, const HostdevNetwork *network, GError **error);
        /* Takes a VF out of what the network gives away, or back into it. IN_USE: the network gave it to a guest. A network that
         * is not active, or is gone, holds nothing: letting go is done then. */
        bool (*hold)(Io *io, const char *name, PciAddr vf, GError **error);
        bool (*let_go)(Io *io, const char *name, PciAddr vf, GError **error);
        /* Xen's, NULL elsewhere. A function that is bound to pciback: `on`, its DMA is kept from dom0's memory (assigned to DOMID_IO), and
         * xl's pci-assignable-remove -r knows `driver` (NULL: none) to give it back to; off, it is dom0's again and xl has forgotten.
         * IN_USE: a guest has it. */
        bool (*set_assignable)(Io *io, PciAddr dev, bool on, const char *driver, GError **error);
        /* What the hypervisor has logged since it was started ('xl dmesg'), as far as it is kept. NULL elsewhere. The caller frees. */
        char *(*log)(Io *io, GError **error);
} GuestService;

typedef struct {
        const char *name; /* "qemu" */
        /* NOT_FOUND means that for certain no such guest runs; a name that fits several is REFUSED, and a guest that
         * cannot be reached is anything else. Of a guest with a definition that is not looked at: see GuestService.read_any. */
        GuestInfo *(*read)(Io *io, const char *name, GError **error);
        /* As read, by all that can be looked at; NOT_FOUND and REFUSED only. */
        GuestInfo *(*examine)(Io *io, const char *name, GError **error);
        /* Adds every guest of this backend that runs: GuestInfo*. */
        void (*examine_all)(Io *io, GPtrArray *guests, GPtrArray *notes);
        /* Returns when the guest's monitor lists it. */
        bool (*plug)(Io *io, const char *name, const GuestPlugged *device, GError **error);
        /* Asks the guest to let go and waits for DEVICE_DELETED. PENDING: asked, not gone within `timeout_ms`.
         * A device or guest that is not there is DONE. The error is set for FAILED and for PENDING. */
        GuestPlug (*unplug)(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error);
        const GuestService *service; /* NULL: its guests have no definitions */
} GuestBackend;

/* There is a backend of this name, installed or not. */
bool guest_backend_known(const char *name);
/* The backend of this name, its module loaded where it is one. NULL: USAGE, there is none of that name; UNSUPPORTED, its module
 * is not installed or cannot be loaded. */
const GuestBackend *guest_backend(const char *name, GError **error);

/* Reads a guest by "qemu:web1" or a bare name; a bare name must fit one guest only. */
GuestInfo *guest_read(Io *io, const char *ref, GError **error);
/* The same for looking only: what /proc and, where it answers, the monitor and the guest agent tell. Guests that libvirt runs
 * too, and Xen's, of which Xen tells; what could not be learnt is in its notes. */
GuestInfo *guest_examine(Io *io, const char *ref, GError **error);
/* Every guest that runs as a process, examined: GuestInfo* (Xen's are in the books). Never NULL; `notes` (char*) gets what could not be
 * looked at. */
GPtrArray *guest_examine_all(Io *io, GPtrArray *notes);
/* As guest_read(), of a guest that runs or is only defined. */
GuestInfo *guest_read_any(Io *io, const char *ref, GError **error);
/* The books of the service that is here: on Xen's dom0 Xen's, where its module is, and elsewhere libvirt's. NULL without an error:
 * there is none, or it does not run. NULL with one: it is here and could not be asked. */
Books *guest_books(Io *io, GError **error);
/* Splits "libvirt:passthrough", "xen:web1" and gives the service that keeps it; NULL with the reason. */
const GuestService *guest_service(const char *ref, const char **ret_name, GError **error);
/* Xen's log, where this host is its dom0 and vfadm's module for it is here. NULL without an error: it is not, or there is none. */
char *guest_xen_log(Io *io, GError **error);
