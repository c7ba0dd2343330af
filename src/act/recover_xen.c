/* Leases of Xen's domains: no process of this host has such a device, so Xen's books tell what became of it. A domain was destroyed or
 * crashed, xl took the device out behind our back, the domain has another name now, the machine was rebooted.
 *
 * The books are read once. Before anything is changed because of them the PF is locked, and lease and books are read anew. */
#include "act/recover.h"

#include "act/holder.h"
#include "base/error.h"
#include "guest/guest.h"

/* The lease as it should be by the books; NULL: no domain has the device, or a definition with it. */
static Lease *lease_by_books(const ActContext *act, const Lease *lease, const Books *books) {
        const XenHolder holder = xen_holder(books, lease);
        bool rebooted = !recovery_same_boot(act, lease->boot_id);

        /* Until it is gone it may reach the device, though Xen's tools do not list it any more. */
        if (!holder.live && !holder.defined)
                return holder.leaving && !rebooted ? lease_copy(lease) : NULL;
        /* What ran with it ended with the reboot, whoever has it now. */
        if (rebooted && !holder.defined)
                return NULL;
        const GuestInfo *guest = holder.defined ? holder.defined : holder.live;
        Lease *next = lease_copy(lease);
        next->config = holder.defined != NULL;
        next->pid = 0;
        next->pid_start = 0;
        if (!holder.live)
                next->state = LEASE_ACTIVE;
        g_free(next->boot_id);
        next->boot_id = g_strdup(act->boot_id);
        g_free(next->guest);
        next->guest = guest_info_ref(guest);
        /* A uuid that was made up at a start names that run alone, and a definition outlives it. */
        g_free(next->guest_uuid);
        next->guest_uuid = next->config && guest->uuid_of_run ? NULL : g_strdup(guest->uuid);
        return next;
}

static bool mend_by_books(Recovery *recovery, const Lease *now, const GPtrArray *leases, const void *user, GError **error) {
        g_autoptr(Books) books = NULL;

        if (!holder_books(recovery->act->io, &books, error))
                return false;
        if (!books || !books->xen)
                return true;
        const XenHolder holder = xen_holder(books, now);
        g_autoptr(Lease) next = lease_by_books(recovery->act, now, books);
        return recovery_mend(recovery, now, next, leases, holder.live ? holder.live : holder.defined ? holder.defined : holder.guest, error);
}

/* Nothing of a running domain is left after a reboot; Xen need not even be below this host any more. */
static bool drop(Recovery *recovery, const Lease *now, const GPtrArray *leases, const void *user, GError **error) {
        return recovery_mend(recovery, now, NULL, leases, NULL, error);
}

void recover_xen_lease(Recovery *recovery, const Lease *lease) {
        g_autoptr(GError) problem = NULL;
        const Books *books = recovery_books(recovery);
        bool ok = true;

        if (books && books->xen) {
                g_autoptr(Lease) next = lease_by_books(recovery->act, lease, books);
                ok = lease_goes_on_so(lease, next) || recovery_with_lease(recovery, lease, mend_by_books, NULL, &problem);
        } else if (!lease->config && !recovery_same_boot(recovery->act, lease->boot_id)) {
                ok = recovery_with_lease(recovery, lease, drop, NULL, &problem);
        } else if (recovery->act->thorough) {
                recovery_tell(recovery, "lease %" G_GINT64_FORMAT " of %s is kept: whether it still has the device only Xen's books tell, and these are not to be had now", lease->id, lease->guest);
        }
        if (!ok)
                recovery_tell_lease(recovery, lease, problem);
}
