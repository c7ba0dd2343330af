/* The plan of `vfadm release`: a lease ends whose guest is gone, or has let go. */
#include "plan/rules.h"

#include "base/error.h"
#include "base/parse.h"

const Lease *plan_find_lease(const Want *want, const PlanInput *input, GError **error) {
        uint64_t id = 0;
        PciAddr addr;
        const char *text = want->device + (want->device[0] == '#');
        bool by_id = parse_uint(text, 10, 1, INT64_MAX, &id);

        for (unsigned i = 0; by_id && i < input->leases->len; i++)
                if (((const Lease *) input->leases->pdata[i])->id == (int64_t) id)
                        return input->leases->pdata[i];
        const Dev *dev = by_id ? NULL : snapshot_find(input->host, want->device, NULL);
        const Lease *lease = dev ? leases_find(input->leases, dev->addr) : NULL;
        if (!lease && !by_id && pci_addr_parse(want->device, &addr))
                lease = leases_find(input->leases, addr);
        if (!lease)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s is not leased; 'vfadm leases' shows what is", want->device);
        return lease;
}

/* A definition would start its guest with a device that is free for others. */
static bool rule_not_defined(Plan *plan, const PlanInput *input, const Lease *lease) {
        const GuestInfo *guest = lease->config ? books_guest(input->books, lease->guest, lease->guest_uuid) : NULL;
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(lease->dev, name);
        if (lease->config && !input->books)
                plan_note(plan, "%s was put into the definition of %s, which cannot be asked now: should it still be there, take it out before that guest starts", name, lease->guest);
        if (!guest || !guest_info_find_defined(guest, lease->dev))
                return true;
        plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is in the definition of %s, which starts with it; run 'vfadm detach %s %s --config'", name, lease->guest, lease->guest, name);
        return false;
}

bool plan_release(Plan *plan, const PlanInput *input, const Want *want, GError **error) {
        const Lease *lease = plan_find_lease(want, input, error);
        const Dev *dev = lease ? snapshot_get(input->host, lease->dev) : NULL;

        if (!lease)
                return false;
        if (want->lease_id && want->lease_id != lease->id) {
                plan_note(plan, "lease %" G_GINT64_FORMAT " has ended before; the device has a new owner and is left alone", want->lease_id);
                return true;
        }
        for (unsigned i = 0; dev && i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind != USE_PROCESS && use->kind != USE_GUEST)
                        continue;
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is still held by %s; run 'vfadm detach %s %s', or end the guest", dev->name, use->what, lease->guest, dev->name);
                return true;
        }
        if (!lease->guest_device && lease->state == LEASE_ACTIVE && lease->holder_lives) {
                char name[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(lease->dev, name);
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s was given to %s at its start ('vfadm run'), which still runs (pid %d) and may open it at any moment; it comes back when the guest ends", name, lease->guest, lease->pid);
                return true;
        }
        if (rule_not_defined(plan, input, lease))
                plan_take_back(plan, lease, input, !want->no_reset);
        return true;
}
