/* One small interface to guests, whatever runs them; a backend each in its own file and one row in guest.c. */
#pragma once

#include "io/io.h"
#include "model/guest.h"
#include "model/vfstate.h"

typedef enum { GUEST_PLUG_DONE, GUEST_PLUG_FAILED, GUEST_PLUG_PENDING } GuestPlug;

/* A device on its way into a guest. Borrowed texts. */
typedef struct {
        PciAddr host;      /* bound to VFIO */
        const char *id;    /* what the guest's monitor is to call it */
        const char *bus;   /* the slot, as GuestSlot names it */
        const VfState *vf; /* of a network card's VF: its MAC and VLAN, for a backend that keeps them; else NULL */
} GuestPlugged;

typedef struct {
        const char *name; /* "qemu" */
        /* Names of the guests that run now and can be talked to: char*. */
        bool (*list)(Io *io, GPtrArray *names, GError **error);
        /* NOT_FOUND means that for certain no such guest runs; a name that fits several is REFUSED, and a guest that
         * cannot be reached is anything else. */
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
} GuestBackend;

/* There is a backend of this name, installed or not. */
bool guest_backend_known(const char *name);
/* The backend of this name, its module loaded where it is one. NULL: USAGE, there is none of that name; UNSUPPORTED, its module
 * is not installed or cannot be loaded. */
const GuestBackend *guest_backend(const char *name, GError **error);

/* Reads a guest by "qemu:web1" or a bare name; a bare name must fit one guest only. */
GuestInfo *guest_read(Io *io, const char *ref, GError **error);
/* The same for looking only: what /proc and, where it answers, the monitor and the guest agent tell. Guests that libvirt runs
 * too; what could not be learnt is in its notes. */
GuestInfo *guest_examine(Io *io, const char *ref, GError **error);
/* Every guest that runs, examined: GuestInfo*. Never NULL; `notes` (char*) gets what could not be looked at. */
GPtrArray *guest_examine_all(Io *io, GPtrArray *notes);
/* All guests of all backends, as "qemu:web1". */
GPtrArray *guest_list(Io *io, GError **error);
