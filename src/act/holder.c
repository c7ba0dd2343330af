/* Who holds what is leased: a process, or a domain in Xen's books. */
#include "act/holder.h"

#include "guest/guest.h"
#include "host/host.h"

/* A domain goes by its uuid. One whose file has none gets another at each start: by what its file says it goes by its name. */
static bool is_of(const GuestInfo *guest, const Lease *lease) {
        bool both = lease->guest_uuid && guest->uuid;

        if (both && g_ascii_strcasecmp(lease->guest_uuid, guest->uuid) == 0)
                return true;
        if (!lease->config || (both && !guest->uuid_of_run))
                return false;
        g_autofree char *ref = guest_info_ref(guest);
        return g_str_equal(ref, lease->guest);
}

static bool is_leaving(const GuestInfo *guest) {
        return guest->domain && (!guest->running || g_strcmp0(guest->status, "dying") == 0 || g_strcmp0(guest->status, "shutdown") == 0);
}

XenHolder xen_holder(const Books *books, const Lease *lease) {
        XenHolder ret = {0};

        for (unsigned i = 0; i < books->guests->len; i++) {
                const GuestInfo *guest = books->guests->pdata[i];
                if (!is_of(guest, lease))
                        continue;
                if (!ret.guest || guest->domain)
                        ret.guest = guest;
                if (guest->domain && guest_info_find(guest, lease->dev))
                        ret.live = guest;
                if (guest_info_find_defined(guest, lease->dev))
                        ret.defined = guest;
                if (is_leaving(guest))
                        ret.leaving = guest;
        }
        return ret;
}

bool act_holder_lives(Io *io, const Books *books, const Lease *lease) {
        g_autofree char *boot_id = NULL;

        if (!lease_is_xen(lease))
                return io_process_lives(io, lease->pid, lease->pid_start, lease->boot_id);
        if (io_boot_id(io, &boot_id) < 0 || g_strcmp0(boot_id, lease->boot_id) != 0)
                return false;
        /* Nobody can say that it does not. */
        if (!books || !books->xen)
                return true;
        const XenHolder holder = xen_holder(books, lease);
        return holder.live || holder.leaving;
}

bool holder_books(Io *io, Books **ret, GError **error) {
        GError *problem = NULL;

        *ret = host_is_xen_dom0(io) ? guest_books(io, &problem) : NULL;
        if (problem)
                g_propagate_error(error, problem);
        return !problem;
}

void holder_add_uses(const Books *books, Snapshot *host) {
        if (!host->xen_dom0)
                return;
        if (books && books->xen) {
                books_add_uses(books, host);
                return;
        }
        for (unsigned i = 0; i < host->devs->len; i++) {
                Dev *dev = host->devs->pdata[i];
                if (driver_is_xen(dev->driver))
                        dev_add_use(dev, USE_GUEST, g_strdup("perhaps by a guest of Xen, which cannot be known without the package vfadm-xen"), 0, NULL);
        }
}
