/* The plans that give a device to a guest and take it back. The order is what the field learned the hard way
 * (field-facts 15, rules 2 and 8 of the design): save, take from the host driver, MAC and VLAN before any driver binds,
 * then VFIO, then the guest; and back: guest, reset, restore, host driver, and only then is the lease dropped. */
#include "plan/rules.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

static unsigned next_nic(const PlanInput *input, const char *guest) {
        for (unsigned nic = 0;; nic++) {
                bool taken = false;
                for (unsigned i = 0; i < input->leases->len; i++) {
                        const Lease *lease = input->leases->pdata[i];
                        taken = taken || (lease->nic == nic && g_strcmp0(lease->guest, guest) == 0);
                }
                if (!taken)
                        return nic;
        }
}

static bool choose_nic(Plan *plan, const PlanInput *input, const Want *want, const char *guest, unsigned *ret) {
        *ret = want->nic < 0 ? next_nic(input, guest) : (unsigned) want->nic;
        for (unsigned i = 0; i < input->leases->len; i++) {
                const Lease *lease = input->leases->pdata[i];
                if (lease->nic != *ret || g_strcmp0(lease->guest, guest) != 0)
                        continue;
                char name[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(lease->dev, name);
                plan_refuse(plan, VFADM_ERROR_REFUSED, "nic=%u of %s is %s already; leave nic= out to take the next", *ret, guest, name);
                return false;
        }
        return true;
}

/* What the VF shall have: what was asked for, and a MAC in any case. */
static bool choose_state(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want, unsigned nic, VfState *ret) {
        const Dev *pf = dev->is_vf ? snapshot_pf(input->host, dev) : NULL;

        *ret = want->vf;
        if ((ret->known & VF_MAC) && mac_is_zero(ret->mac)) {
                plan_refuse(plan, VFADM_ERROR_USAGE, "mac=00:00:00:00:00:00 would give the guest a new random MAC at each start; leave mac= out to get one that stays");
                return false;
        }
        bool network_vf = pf && dev_net(pf);
        if (network_vf && !(ret->known & VF_MAC)) {
                plan_derive_mac(input->guest->uuid, input->host->machine_id, input->guest->name, nic, ret->mac);
                ret->known |= VF_MAC;
        }
        return rule_vf_state(plan, input, dev, ret);
}

static bool rule_memlock(Plan *plan, const PlanInput *input) {
        const GuestInfo *guest = input->guest;
        /* VFIO pins all of the guest's memory once for all its devices; with a vIOMMU each device has an address space
         * of its own and is counted again (field-facts 16). */
        uint64_t times = guest->has_viommu ? guest->devices->len + 1 : 1;
        uint64_t need = guest->ram > UINT64_MAX / times ? UINT64_MAX : guest->ram * times;

        if (guest->memlock_exempt || guest->memlock_limit >= need)
                return true;
        plan_refuse(plan, VFADM_ERROR_REFUSED,
                    "guest %s may lock %" G_GUINT64_FORMAT " MiB of memory and needs %" G_GUINT64_FORMAT
                    " MiB for this device; run 'prlimit --pid %d --memlock=%" G_GUINT64_FORMAT "' (or raise LimitMEMLOCK= of its service)",
                    guest->name, guest->memlock_limit >> 20, need >> 20, (int) guest->pid, need);
        return false;
}

static const GuestSlot *choose_slot(Plan *plan, const GuestInfo *guest) {
        unsigned taken = 0;
        for (unsigned i = 0; i < guest->slots->len; i++) {
                const GuestSlot *slot = guest->slots->pdata[i];
                if (slot->hotplug && slot->free)
                        return slot;
                taken += slot->hotplug;
        }
        if (taken)
                plan_refuse(plan, VFADM_ERROR_REFUSED, "guest %s has no free hot-pluggable slot: all %u are taken; start it with one more '-device pcie-root-port,id=…'", guest->name, taken);
        else
                plan_refuse(plan, VFADM_ERROR_REFUSED, "guest %s has no hot-pluggable slot; start it with '-device pcie-root-port,id=rp1' (machine q35 takes no hot-plug on its root bus)", guest->name);
        return NULL;
}

static void add_lease(Plan *plan, const PlanInput *input, const Dev *dev, const VfState *state, const char *guest, unsigned nic, const char *id) {
        Step *step = plan_add(plan, step_new(STEP_LEASE, dev->addr, "nobody else may take it from here on"));
        const VfState *now = snapshot_vf_state(input->host, dev);
        Lease *lease = lease_new();

        lease_identify(lease, input->host, dev);
        lease->guest = g_strdup(guest);
        lease->nic = nic;
        lease->guest_device = g_strdup(id);
        lease->pid = (int) input->guest->pid;
        lease->pid_start = input->guest->pid_start;
        lease->boot_id = g_strdup(input->host->boot_id);
        lease->given = *state;
        if (now)
                lease->saved = *now;
        lease->saved_driver = g_strdup(dev->driver);
        lease->saved_override = g_strdup(dev->driver_override);
        step->to.lease = lease;
}

static void add_hand_over(Plan *plan, const PlanInput *input, const Dev *dev, const VfState *state) {
        const char *vfio = input->vfio_driver ? input->vfio_driver : "vfio-pci";
        const char *driver = dev->driver;

        Step *module = plan_add(plan, step_new(STEP_MODULE, dev->addr, "the guest reaches the device through it"));
        module->to.text = g_strdup(vfio);
        if (driver && !g_str_equal(driver, vfio)) {
                Step *step = plan_driver(plan, dev, driver, dev->driver_override, NULL, dev->driver_override, "MAC and VLAN are set before any driver binds");
                if (dev_use(dev))
                        step->disturbs = g_strdup(dev_use(dev)->what);
                driver = NULL;
        }
        plan_vf_state(plan, input, dev, state, state->known, "what the guest shall have");
        if (!driver || g_strcmp0(dev->driver_override, vfio) != 0)
                plan_driver(plan, dev, driver, dev->driver_override, vfio, vfio, "ready for the guest");
}

/* Devices that somebody else manages in a way that cannot be seen from here. */
static void rule_owner(Plan *plan, const PlanInput *input, const Dev *dev) {
        const Dev *pf = dev->is_vf ? snapshot_pf(input->host, dev) : NULL;

        if (driver_is_xen(dev->driver))
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is kept for Xen guests (driver %s), and one may have it; run 'xl pci-assignable-remove %s' first", dev->name, dev->driver, dev->name);
        /* vfio-pci opens such a VF only with the token of whoever owns the PF, and that owner can disturb it (field-facts 24). */
        if (pf && driver_is_vfio(pf->driver))
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s: its PF %s belongs to %s, so only a guest that knows the PF's vf_token can open it, which vfadm does not do; run 'vfadm unbind %s' to give the PF back to the host", dev->name, pf->name, pf->driver, pf->name);
}

void plan_give(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autofree char *nick = snapshot_nick(input->host, dev);
        g_autofree char *guest = guest_info_ref(input->guest);
        const GuestSlot *slot = NULL;
        VfState state;
        unsigned nic;

        plan->result = g_strdup(dev->name);
        if (dev_is_bridge(dev))
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is a bridge and cannot be given away", dev->name);
        if (dev->num_vfs)
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s has %u VFs, which would vanish with it; run 'vfadm disable %s' first", nick, dev->num_vfs, nick);
        rule_owner(plan, input, dev);
        if (plan->refusals->len || !rule_unused(plan, input, dev, want->disrupt, NULL) || !rule_iommu(plan, input, dev) ||
            !rule_group(plan, input, dev, false, NULL) || !rule_group_unshared(plan, input, dev, guest, (int) input->guest->pid) || !choose_nic(plan, input, want, guest, &nic) ||
            !choose_state(plan, input, dev, want, nic, &state))
                return;
        if (want->kind == WANT_ATTACH && (!rule_memlock(plan, input) || !(slot = choose_slot(plan, input->guest))))
                return;

        g_autofree char *text = vf_state_format(&state, state.known);
        g_autofree char *id = slot ? g_strdup_printf("vfadm-%04x-%02x-%02x.%x", dev->addr.domain, dev->addr.bus, dev->addr.slot, dev->addr.function) : NULL;
        plan->summary = g_strdup_printf("%s (%s) to %s%s%s", nick, dev->name, guest, *text ? ": " : "", text);
        add_lease(plan, input, dev, &state, guest, nic, id);
        add_hand_over(plan, input, dev, &state);
        if (!slot)
                return;
        Step *step = plan_add(plan, step_new(STEP_GUEST, dev->addr, "as asked"));
        step->guest = g_strdup(guest);
        step->guest_bus = g_strdup(slot->bus);
        step->to.text = g_strdup(id);
        if (dev->is_vf && dev_is_network(dev)) {
                step->mask = state.known;
                step->to.vf = state;
        }
}

/* By its address, and by the id that it was given: QEMU does not tell the address of every device. */
static bool guest_still_has(const PlanInput *input, const Lease *lease) {
        if (!input->guest || !lease->guest_device)
                return false;
        bool has = guest_info_find(input->guest, lease->dev) != NULL;
        for (unsigned i = 0; i < input->guest->devices->len; i++)
                has = has || g_strcmp0(((const GuestDevice *) input->guest->devices->pdata[i])->id, lease->guest_device) == 0;
        return has;
}

/* A process that holds the group though its guest lists no device of it that could be the reason. */
static const Use *holds_unseen(const PlanInput *input, const Lease *lease, const Dev *dev) {
        g_autoptr(GPtrArray) members = snapshot_group(input->host, dev->iommu_group);

        for (unsigned i = 0; input->guest && i < members->len; i++)
                if (guest_info_find(input->guest, ((const Dev *) members->pdata[i])->addr))
                        return NULL;
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind == USE_PROCESS && use->pid == lease->pid)
                        return use;
        }
        return NULL;
}

/* The VF back to what it was: only what differs, and nothing once the host has it in use again. */
static void restore_device(Plan *plan, const Lease *lease, const PlanInput *input, const Dev *dev, bool reset) {
        const char *driver = dev->driver, *override = dev->driver_override;
        bool ours = !driver || driver_is_vfio(driver);

        if (!ours && g_strcmp0(driver, lease->saved_driver) != 0)
                plan_note(plan, "%s has been given to the driver %s meanwhile; it stays there", dev->name, driver);
        if (ours && !reset)
                plan_note(plan, "%s is not reset: what the guest left in it stays there until it is", dev->name);
        else if (ours && dev->reset_methods && dev->reset_methods[0])
                plan_add(plan, step_new(STEP_RESET, dev->addr, "nothing of the guest stays in the device"));
        bool to_host = ours && lease->saved_driver && !driver_is_vfio(lease->saved_driver);
        if (ours && driver && (to_host || !lease->saved_driver)) {
                plan_driver(plan, dev, driver, override, NULL, lease->saved_override, "the guest is done with it");
                driver = NULL;
                override = lease->saved_override;
        }
        /* Not only what was given: what was set by hand meanwhile (trust) is not for the next guest. Rates change by
         * themselves with the PF's link (igb_check_vf_rate_limit), and then the former ones may not be taken any more. */
        unsigned mask = lease->given.known | (VF_ALL & ~(unsigned) (VF_MIN_RATE | VF_MAX_RATE));
        if (ours || !dev_use(dev))
                plan_vf_state(plan, input, dev, &lease->saved, lease->saved.known & mask, "as it was before the guest had it");
        if (ours && (g_strcmp0(driver, lease->saved_driver) != 0 || g_strcmp0(override, lease->saved_override) != 0))
                plan_driver(plan, dev, driver, override, lease->saved_driver, lease->saved_override, "the driver it had before");
}

void plan_take_back(Plan *plan, const Lease *lease, const PlanInput *input, bool reset) {
        const Dev *dev = snapshot_get(input->host, lease->dev);
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(lease->dev, name);
        plan->summary = g_strdup_printf("%s back from %s", name, lease->guest);
        plan->result = g_strdup(name);
        bool fits = dev && lease_fits(lease, input->host, dev);
        if (fits && !rule_unused(plan, input, dev, true, lease))
                return;
        bool has = fits && guest_still_has(input, lease);
        const Use *unseen = fits && !has ? holds_unseen(input, lease, dev) : NULL;
        if (unseen) {
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is still held by %s, although %s says that it has no such device; end that process, then run 'vfadm recover'", name, unseen->what, lease->guest);
                return;
        }
        if (has) {
                Step *step = plan_add(plan, step_new(STEP_GUEST, lease->dev, "the guest lets go first"));
                step->guest = guest_info_ref(input->guest);
                step->from.text = g_strdup(lease->guest_device);
                step->disturbs = g_strdup(lease->guest);
        }
        if (fits)
                restore_device(plan, lease, input, dev, reset);
        else
                plan_note(plan, "%s is not there any more, or another device has its address now: only the lease is dropped", name);
        Step *step = plan_add(plan, step_new(STEP_LEASE, lease->dev, "free for the next"));
        step->from.lease = lease_copy(lease);
}
