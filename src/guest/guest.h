/* One small interface to guests, whatever runs them; a backend each in its own file and one row in guest.c. */
#pragma once

#include "io/io.h"
#include "model/guest.h"

typedef enum { GUEST_PLUG_DONE, GUEST_PLUG_FAILED, GUEST_PLUG_PENDING } GuestPlug;

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
        /* Gives `host` to the guest as device `id` on slot `bus`; returns when the guest's monitor lists it. */
        bool (*plug)(Io *io, const char *name, PciAddr host, const char *id, const char *bus, GError **error);
        /* Asks the guest to let go and waits for DEVICE_DELETED. PENDING: asked, not gone within `timeout_ms`.
         * A device or guest that is not there is DONE. The error is set for FAILED and for PENDING. */
        GuestPlug (*unplug)(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error);
} GuestBackend;

/* NULL for an unknown name. */
const GuestBackend *guest_backend(const char *name);

/* Reads a guest by "qemu:web1" or a bare name; a bare name must fit one guest only. */
GuestInfo *guest_read(Io *io, const char *ref, GError **error);
/* The same for looking only: what /proc and, where it answers, the monitor and the guest agent tell. Guests that libvirt runs
 * too; what could not be learnt is in its notes. */
GuestInfo *guest_examine(Io *io, const char *ref, GError **error);
/* Every guest that runs, examined: GuestInfo*. Never NULL; `notes` (char*) gets what could not be looked at. */
GPtrArray *guest_examine_all(Io *io, GPtrArray *notes);
/* All guests of all backends, as "qemu:web1". */
GPtrArray *guest_list(Io *io, GError **error);
