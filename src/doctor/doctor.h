/* Checks: from a host as it was read to findings. Pure: reads only its arguments, in time linear in devices. */
#pragma once

#include "model/finding.h"
#include "model/books.h"
#include "model/guest.h"
#include "model/snapshot.h"

/* Where a check is of use. */
enum { SCOPE_HOST = 1 << 0, SCOPE_DEVICE = 1 << 1, SCOPE_GUEST = 1 << 2, SCOPE_ALL = 7 };

typedef struct Doctor Doctor;

/* One trouble, by a name that stays. A check gives no finding, one, or one for each device that it is about. */
typedef struct {
        const char *id;      /* "iommu-off": the trouble, not its absence */
        Topic topic;
        unsigned scopes;     /* SCOPE_* */
        const char *title;   /* "No IOMMU is active": a line in lists */
        const char *why;     /* why it matters, one sentence with its full stop */
        const char *explain; /* for --explain and the man page: paragraphs parted by an empty line; what it means, how it is
                                found out, what to do on which hardware */
        void (*run)(Doctor *doctor);
} Check;

/* All checks, in the order in which they run; ends with id NULL. */
const Check *doctor_checks(unsigned i);
const Check *doctor_check_find(const char *id);

typedef struct {
        const Snapshot *host;    /* as HOST_DOCTOR reads it */
        const GPtrArray *leases; /* Lease*; NULL: not known (no right to read the ledger, a recorded host) */
        const GPtrArray *guests; /* GuestInfo*: what could be learnt of the guests that run */
        const Books *books;      /* on Xen's dom0: its books; NULL: it is none, or they could not be read */
        const char *xen_log;     /* Xen's own log; NULL: not known */
        Known xen_module;        /* vfadm's module for Xen is installed; NOT: not looked for (no dom0, a recorded host) */
} DoctorInput;

/* Finding*, in the order of topics. About the whole host; */
GPtrArray *doctor_host(const DoctorInput *input);
/* one PF (with its VFs), VF or other function; */
GPtrArray *doctor_device(const DoctorInput *input, const Dev *dev);
/* one guest and what it was given. */
GPtrArray *doctor_guest(const DoctorInput *input, const GuestInfo *guest);
