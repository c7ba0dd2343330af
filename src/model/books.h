/* The books of a virtualisation service (libvirt, Xen): which guests it has, running or not, with which devices they are defined,
 * and its networks of VFs. Read by a backend in guest/, used by plan/ so that vfadm and the service never give one VF twice. */
#pragma once

#include "model/guest.h"
#include "model/hostdev_network.h"
#include "model/hypervisor.h"
#include "model/snapshot.h"

typedef struct {
        GPtrArray *guests;   /* GuestInfo*, running or not */
        GPtrArray *networks; /* HostdevNetwork* */
        Hypervisor *xen;     /* what Xen says of itself; NULL: this host is no dom0 */
} Books;

Books *books_new(void);
void books_free(Books *books);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Books, books_free)

/* By its uuid where one is given, else by "libvirt:web1" or "web1". NULL: not in the books. */
const GuestInfo *books_guest(const Books *books, const char *ref, const char *uuid);
const HostdevNetwork *books_network(const Books *books, const char *name);

/* Who has this function by the books: a guest that runs with it or is defined with it, or a network that gave it out (what
 * vfadm holds there does not count). `but` (may be NULL) is a guest that does not count, by its reference. The caller frees
 * the words, as in "libvirt:db has it", "libvirt:db is defined with it (shut off)"; NULL: nobody. */
char *books_who_has(const Books *books, PciAddr host, const char *but);

/* Guests that are no processes of this host (domain != 0) hold their devices unseen by whoever reads /proc: each gets a USE_GUEST in the
 * snapshot. To be called once, before anybody else has the snapshot. */
void books_add_uses(const Books *books, Snapshot *host);
