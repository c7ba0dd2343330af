/* Who holds what is leased: a process of this host, or a domain of Xen's, which is none and stands in Xen's books alone. */
#pragma once

#include "act/act.h"
#include "model/books.h"

/* What Xen's books say of a lease. Borrowed from the books. */
typedef struct {
        const GuestInfo *live;    /* the domain that has the device now */
        const GuestInfo *defined; /* the domain whose file has it */
        const GuestInfo *leaving; /* the lease's domain is still going down: what it holds may not be told any more */
        const GuestInfo *guest;   /* the lease's domain, whatever it has */
} XenHolder;

XenHolder xen_holder(const Books *books, const Lease *lease);

/* Xen's books, to be read before the host. *ret NULL without an error: this host is no dom0, or there is no module for Xen. */
bool holder_books(Io *io, Books **ret, GError **error);
/* What these books say goes into the snapshot that was read after them. Where a dom0 has no books, each function on pciback counts as used,
 * since nobody can say that it is not. */
void holder_add_uses(const Books *books, Snapshot *host);
