/* May a device go to the guest that shall get it. */
#include "plan/give.h"

#include "base/error.h"
#include "model/nic.h"

/* Devices that somebody else manages in a way that cannot be seen from here. */
static void rule_owner(const Give *give) {
        const Dev *dev = give->dev, *pf = dev->is_vf ? snapshot_pf(give->input->host, dev) : NULL;

        if (driver_is_xen(dev->driver) && !give->xen)
                plan_refuse(give->plan, VFADM_ERROR_IN_USE, "%s is kept for Xen's guests (driver %s); run 'vfadm unbind %s' first", dev->name, dev->driver, dev->name);
        /* vfio-pci opens such a VF only with the token of whoever owns the PF, and that owner can disturb it (field-facts 24). */
        if (pf && driver_is_vfio(pf->driver) && !give->xen)
                plan_refuse(give->plan, VFADM_ERROR_UNSUPPORTED, "%s: its PF %s belongs to %s, so only a guest that knows the PF's vf_token can open it, which vfadm does not do; run 'vfadm unbind %s' to give the PF back to the host", dev->name, pf->name, pf->driver, pf->name);
}

static bool rule_kind(const Give *give) {
        const Dev *dev = give->dev;
        g_autofree char *nick = snapshot_nick(give->input->host, dev);

        if (dev_is_bridge(dev))
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "%s is a bridge and cannot be given away", dev->name);
        if (dev->num_vfs)
                plan_refuse(give->plan, VFADM_ERROR_IN_USE, "%s has %u VFs, which would vanish with it; run 'vfadm disable %s' first", nick, dev->num_vfs, nick);
        rule_owner(give);
        return give->plan->refusals->len == 0;
}

/* Words that only libvirt's guests take, and only for VFs of network cards, and those that only Xen's take. */
static bool rule_words(const Give *give) {
        const Want *want = give->want;
        const char *xen_word = give->xen ? NULL : want_xen_word(want);
        const char *word = want->profile ? "profile" : want->teaming ? "teaming" : give->xen && want->unmanaged ? "managed" : NULL;

        if (xen_word)
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "%s= is for Xen's guests, and %s is none", xen_word, give->guest);
        if (!word)
                return !xen_word;
        if (!give->service || give->xen)
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "%s= is for libvirt's guests, and %s is none", word, give->guest);
        else if (!give->interface)
                plan_refuse(give->plan, VFADM_ERROR_UNSUPPORTED, "%s is no VF of a network card, so it takes no %s=", give->dev->name, word);
        const Dev *pf = give->dev && give->interface ? snapshot_pf(give->input->host, give->dev) : NULL;
        const NicDriver *nic = pf ? nic_driver(pf->driver) : NULL;
        if (want->profile && nic && !nic->port_profiles)
                plan_refuse(give->plan, VFADM_ERROR_UNSUPPORTED, "%s: its driver %s knows no port profiles (802.1Qbh; Cisco's enic does)", pf->name, nic->driver);
        return give->plan->refusals->len == 0;
}

/* libvirt refuses an <interface> while its PF is down, and does not bring it up by itself (field-facts 13). */
static bool rule_pf_up(const Give *give) {
        const NetDev *net = give->interface ? dev_net(snapshot_pf(give->input->host, give->dev)) : NULL;

        if (!net || net->up)
                return true;
        if (give->scope & SCOPE_LIVE)
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "%s is down, and libvirt gives no VF of it to a guest then; run 'ip link set %s up' first", net->name, net->name);
        else
                plan_note(give->plan, "%s is down, and libvirt starts no guest with a VF of it then: run 'ip link set %s up' before", net->name, net->name);
        return give->plan->refusals->len == 0;
}

static bool rule_memlock(const Give *give, unsigned n) {
        const GuestInfo *guest = give->input->guest;
        /* VFIO pins all of the guest's memory once for all its devices; with a vIOMMU each device has an address space
         * of its own and is counted again (field-facts 16). */
        uint64_t times = guest->has_viommu ? guest->devices->len + n : 1;
        uint64_t need = guest->ram > UINT64_MAX / times ? UINT64_MAX : guest->ram * times;

        /* libvirt raises the limit of its guests by itself (qemuDomainAdjustMaxMemLock). */
        if (give->service || guest->memlock_exempt || guest->memlock_limit >= need)
                return true;
        plan_refuse(give->plan, VFADM_ERROR_REFUSED,
                    "guest %s may lock %" G_GUINT64_FORMAT " MiB of memory and needs %" G_GUINT64_FORMAT
                    " MiB for %s; run 'prlimit --pid %d --memlock=%" G_GUINT64_FORMAT "' (or raise LimitMEMLOCK= of its service)",
                    guest->name, guest->memlock_limit >> 20, need >> 20, n > 1 ? "these devices" : "this device", (int) guest->pid, need);
        return false;
}

static void refuse_few_slots(const Give *give, unsigned free, unsigned n) {
        const GuestInfo *guest = give->input->guest;
        g_autofree char *why = g_strdup_printf("%u free hot-pluggable slot%s and needs %u, one for each device of the IOMMU group", free, free == 1 ? "" : "s", n);

        if (give->service && guest->has_definition)
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "guest %s has %s; --config (without --live) puts them into its definition, each with a root port of its own; then shut the guest down and start it (a reboot inside is not enough)", guest->name, why);
        else
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "guest %s has %s; start it with %u more %s", guest->name, why, n - free, give->service ? "<controller type='pci' model='pcie-root-port'/>" : "'-device pcie-root-port,id=…'");
}

/* The k-th device takes the k-th free one. */
static bool choose_slots(Give *give, unsigned n) {
        const GuestInfo *guest = give->input->guest;
        unsigned taken = 0, chosen = 0;

        for (unsigned i = 0; i < guest->slots->len; i++) {
                const GuestSlot *slot = guest->slots->pdata[i];
                for (unsigned room = slot->hotplug && slot->free ? 1 + slot->more : 0; room > 0 && chosen < n; room--)
                        give[chosen++].slot = slot;
                taken += slot->hotplug && !slot->free;
        }
        if (chosen == n)
                return true;
        if (n > 1) {
                refuse_few_slots(give, chosen, n);
                return false;
        }
        g_autofree char *why = taken ? g_strdup_printf("no free hot-pluggable slot: all %u are taken", taken) : g_strdup("no hot-pluggable slot");
        /* libvirt adds a root port to a definition by itself, never to a guest that runs (qemuDomainAssignPCIAddresses). */
        if (give->service && guest->has_definition)
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "guest %s has %s; --config (without --live) puts the device into its definition, with a root port of its own; then shut the guest down and start it (a reboot inside is not enough)", guest->name, why);
        else if (give->service)
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "guest %s has %s; start it with one more <controller type='pci' model='pcie-root-port'/>", guest->name, why);
        else if (taken)
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "guest %s has %s; start it with one more '-device pcie-root-port,id=…'", guest->name, why);
        else
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "guest %s has %s; start it with '-device pcie-root-port,id=rp1' (machine q35 takes no hot-plug on its root bus)", guest->name, why);
        return false;
}

/* A lease of this guest that lacks just the parts that are asked for now. */
const Lease *give_own_lease(const Give *give) {
        const Lease *lease = leases_find(give->input->leases, give->dev->addr);
        const GuestInfo *guest = give->input->guest;

        if (!give->service || !lease || lease->state != LEASE_ACTIVE)
                return NULL;
        bool same = lease->guest_uuid && guest->uuid ? g_str_equal(lease->guest_uuid, guest->uuid) : g_str_equal(lease->guest, give->guest);
        bool there = ((give->scope & SCOPE_LIVE) && guest_info_find(guest, lease->dev)) || ((give->scope & SCOPE_CONFIG) && guest_info_find_defined(guest, lease->dev));
        return same && !there && lease_fits(lease, give->input->host, give->dev) ? lease : NULL;
}

/* What shares its group lets it go by itself. */
static bool rule_alone(const Give *give) {
        const char *name = give->dev->name;
        g_autofree char *remedy = give->want->kind == WANT_LEND
                ? g_strdup_printf("'vfadm bind %s vfio --with-group' takes them all from their drivers, and then each of them can go to this one guest; or put the card in another slot", name)
                : g_strdup_printf("say --with-group to give the guest all of them ('vfadm bind %s vfio --with-group' only takes them from their drivers), or put the card in another slot", name);
        return give->together || rule_group(give->plan, give->input, give->dev, remedy, NULL);
}

static bool may_go(Give *give) {
        const PlanInput *input = give->input;
        const Dev *dev = give->dev;
        Plan *plan = give->plan;

        if (!rule_kind(give) || !rule_to_give(plan, input, dev, give->want->disrupt, give->own) || !rule_books(plan, input, dev, give->guest))
                return false;
        if (give->xen ? !give_may_go_to_xen(give)
                      : !rule_iommu(plan, input, dev) || !rule_alone(give) || !rule_group_unshared(plan, input, dev, give->guest, (int) input->guest->pid))
                return false;
        return rule_words(give) && rule_pf_up(give) && give_choose_nic(give) && give_choose_state(give);
}

bool give_may_all_go(Give *gives, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                if (!may_go(&gives[i]))
                        return false;
        /* Xen pins no memory for a device, and gives it a place by itself. */
        return !(gives->scope & SCOPE_LIVE) || gives->xen || (rule_memlock(gives, n) && choose_slots(gives, n));
}
