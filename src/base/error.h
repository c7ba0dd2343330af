/* Errors: one GError domain for the whole of vfadm, and the exit status that each kind gives.
 *
 * A message is one line and says what was tried on which device, what came back, and what to do next:
 *     enp1s0: the kernel gave 0 of 7 VFs: the PF is down and bnxt_en needs it up; run 'ip link set enp1s0 up'
 * The library never prints and never exits: the CLI prints each error once.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define VFADM_ERROR (vfadm_error_quark())
GQuark vfadm_error_quark(void);

/* The value of each kind is also the exit status of the CLI (documented in vfadm(8)). */
typedef enum {
        VFADM_ERROR_FAILED = 1,      /* a step failed; everything done before it was undone */
        VFADM_ERROR_USAGE = 2,       /* the words typed are not understood */
        VFADM_ERROR_NOT_FOUND = 3,   /* no such device, guest, lease or file; or the name fits several */
        VFADM_ERROR_REFUSED = 4,     /* it would be unsafe or cannot work; nothing was changed */
        VFADM_ERROR_IN_USE = 5,      /* somebody uses the device; nothing was changed */
        VFADM_ERROR_UNSUPPORTED = 6, /* this host, card, driver or guest cannot do it; nothing was changed */
        VFADM_ERROR_PENDING = 7,     /* the guest was asked to let go of the device and has not yet */
        VFADM_ERROR_BUSY = 8,        /* another writer, or the kernel, did not get ready in time; nothing was changed */
        VFADM_ERROR_PERMISSION = 9,  /* root is needed, or the kernel forbids it; nothing was changed */
        VFADM_ERROR_LEDGER = 10,     /* the ledger cannot be read or written; nothing was changed */
        VFADM_ERROR_HALF_DONE = 11,  /* a step failed and so did its undoing: 'vfadm recover' is needed */
} VfadmError;

/* "in-use", "not-found" …: the stable word for a kind, used in JSON. Never NULL. */
const char *vfadm_error_word(int code);

/* The kind that fits a negative errno from the seam: -EACCES and -EPERM → PERMISSION, -EBUSY and -EAGAIN → BUSY … */
VfadmError vfadm_error_from_errno(int negative_errno);

/* Sets "<what>: <strerror>" with the kind that fits the errno. Always returns false, so that callers can 'return' it. */
bool vfadm_error_set_errno(GError **error, int negative_errno, const char *format, ...) G_GNUC_PRINTF(3, 4);
