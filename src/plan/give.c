/* The plans that give a device to a guest. The order is what the field learned the hard way (field-facts 15, rules 2 and 8 of
 * the design): save, take from the host driver, MAC and VLAN before any driver binds, then VFIO, then the guest. libvirt does
 * these by itself for its guests (managed='yes'), and then only what it cannot do is done around it. */
#include "plan/rules.h"

#include "base/error.h"
#include "base/text.h"
#include "model/nic.h"

#include <string.h>

/* One device on its way to a guest. */
typedef struct Give {
        Plan *plan;
        const PlanInput *input;
        const Want *want;
        const Dev *dev;     /* NULL: whichever the pool's network gives at each start */
        char *guest;        /* "libvirt:web1" */
        unsigned scope;     /* SCOPE_* bits; 0: lent */
        bool service;       /* libvirt plugs it, or keeps it in its definition */
        bool managed;       /* libvirt binds its driver */
        bool interface;     /* for a service: <interface> */
        bool by_network;    /* the definition names the pool's network, not this device */
        const Lease *own;   /* the guest has the other part already: running, or by its definition */
        const Pool *pool;
        const GuestSlot *slot;
        unsigned nic;
        VfState state;
        const struct Give *before; /* the devices that the same plan gives before this one */
        unsigned n_before;
        bool together;             /* with all of its IOMMU group */
} Give;

/* ---- the guest's NICs ---- */

static bool has_mac(const GPtrArray *devices, const uint8_t mac[6]) {
        for (unsigned i = 0; i < devices->len; i++) {
                const GuestDevice *device = devices->pdata[i];
                if ((device->vf.known & VF_MAC) && memcmp(device->vf.mac, mac, 6) == 0)
                        return true;
        }
        return false;
}

static bool guest_has_mac(const GuestInfo *guest, const uint8_t mac[6]) {
        return has_mac(guest->devices, mac) || has_mac(guest->defined, mac);
}

static void derive_mac(const Give *give, unsigned nic, uint8_t ret[6]) {
        const GuestInfo *guest = give->input->guest;
        plan_derive_mac(guest->uuid, give->input->host->machine_id, guest->name, nic, ret);
}

/* One that goes along has this number, or a lease has, or a NIC has its MAC: those that a pool's network gives have no lease. */
static char *nic_owner(const Give *give, unsigned nic) {
        const GPtrArray *leases = give->input->leases;
        char name[PCI_ADDR_TEXT_SIZE];
        uint8_t mac[6];

        for (unsigned i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                if (lease->nic != nic || g_strcmp0(lease->guest, give->guest) != 0)
                        continue;
                pci_addr_format(lease->dev, name);
                return g_strdup(name);
        }
        derive_mac(give, nic, mac);
        for (unsigned i = 0; i < give->n_before; i++) {
                const Give *other = &give->before[i];
                if (other->nic == nic || ((other->state.known & VF_MAC) && memcmp(other->state.mac, mac, 6) == 0))
                        return g_strdup(other->dev->name);
        }
        return guest_has_mac(give->input->guest, mac) ? g_strdup("a NIC that it has") : NULL;
}

static bool choose_nic(Give *give) {
        const Want *want = give->want;

        if (give->own) {
                give->nic = give->own->nic;
                return true;
        }
        for (give->nic = want->nic < 0 ? 0 : (unsigned) want->nic;; give->nic++) {
                g_autofree char *owner = nic_owner(give, give->nic);
                if (!owner)
                        return true;
                if (want->nic < 0)
                        continue;
                plan_refuse(give->plan, VFADM_ERROR_REFUSED, "nic=%u of %s is %s already; leave nic= out to take the next", give->nic, give->guest, owner);
                return false;
        }
}

/* ---- what the VF shall have ---- */

static bool choose_mac(Give *give) {
        VfState *state = &give->state;

        if (!(state->known & VF_MAC)) {
                derive_mac(give, give->nic, state->mac);
                state->known |= VF_MAC;
                return true;
        }
        if (mac_is_zero(state->mac)) {
                plan_refuse(give->plan, VFADM_ERROR_USAGE, "mac=00:00:00:00:00:00 would give the guest a new random MAC at each start; leave mac= out to get one that stays");
                return false;
        }
        /* The NICs of a teaming pair have one MAC between them. */
        if (give->own || give->want->teaming || !guest_has_mac(give->input->guest, state->mac))
                return true;
        char text[MAC_TEXT_SIZE];
        mac_format(state->mac, text);
        plan_refuse(give->plan, VFADM_ERROR_REFUSED, "%s has a NIC with mac=%s already", give->guest, text);
        return false;
}

/* What was asked for; below it what it was given before, or what its pool says. */
static bool choose_words(Give *give) {
        VfState *state = &give->state;

        *state = give->want->vf;
        if (give->own)
                vf_state_copy(state, &give->own->given, give->own->given.known & ~state->known);
        else if (give->pool)
                vf_state_copy(state, &give->pool->vf, give->pool->vf.known & ~state->known);
        if (give->want->profile && (state->known & VF_VLAN)) {
                plan_refuse(give->plan, VFADM_ERROR_USAGE, "profile=%s cannot go together with VLAN %u %s: a port profile brings its VLAN from the switch", give->want->profile,
                            state->vlan, give->pool ? "of the pool" : "that it has");
                return false;
        }
        if ((state->known & VF_MIN_RATE) && (state->known & VF_MAX_RATE) && state->max_rate && state->min_rate > state->max_rate) {
                plan_refuse(give->plan, VFADM_ERROR_USAGE, "min-rate=%u is above max-rate=%u; one of them is the pool's, so give both", state->min_rate, state->max_rate);
                return false;
        }
        return true;
}

static bool choose_state(Give *give) {
        const Dev *dev = give->dev, *pf = dev && dev->is_vf ? snapshot_pf(give->input->host, dev) : NULL;
        VfState *state = &give->state;

        if (!choose_words(give))
                return false;
        bool nic = !dev || (pf && dev_net(pf));
        if ((nic || (state->known & VF_MAC)) && !choose_mac(give))
                return false;
        if (!dev)
                return true;
        if (!rule_vf_state(give->plan, give->input, dev, state))
                return false;
        /* Without <vlan> libvirt writes VLAN 0 (field-facts 15), and so would take away what the administrator set. */
        const VfState *now = snapshot_vf_state(give->input->host, dev);
        if (give->interface && !give->want->profile && !(state->known & VF_VLAN) && now && (now->known & VF_VLAN) && (now->vlan || now->qos))
                vf_state_copy(state, now, VF_VLAN);
        return true;
}

/* ---- may it go there ---- */

/* Devices that somebody else manages in a way that cannot be seen from here. */
static void rule_owner(const Give *give) {
        const Dev *dev = give->dev, *pf = dev->is_vf ? snapshot_pf(give->input->host, dev) : NULL;

        if (driver_is_xen(dev->driver))
                plan_refuse(give->plan, VFADM_ERROR_IN_USE, "%s is kept for Xen guests (driver %s), and one may have it; run 'xl pci-assignable-remove %s' first", dev->name, dev->driver, dev->name);
        /* vfio-pci opens such a VF only with the token of whoever owns the PF, and that owner can disturb it (field-facts 24). */
        if (pf && driver_is_vfio(pf->driver))
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

/* Words that only libvirt's guests take, and only for VFs of network cards. */
static bool rule_words(const Give *give) {
        const Want *want = give->want;
        const char *word = want->profile ? "profile" : want->teaming ? "teaming" : NULL;

        if (!word)
                return true;
        if (!give->service)
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
static const Lease *own_lease(const Give *give) {
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

        if (!rule_kind(give) || !rule_to_give(plan, input, dev, give->want->disrupt, give->own) || !rule_books(plan, input, dev, give->guest) ||
            !rule_iommu(plan, input, dev) || !rule_alone(give) || !rule_group_unshared(plan, input, dev, give->guest, (int) input->guest->pid))
                return false;
        return rule_words(give) && rule_pf_up(give) && choose_nic(give) && choose_state(give);
}

static bool may_all_go(Give *gives, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                if (!may_go(&gives[i]))
                        return false;
        return !(gives->scope & SCOPE_LIVE) || (rule_memlock(gives, n) && choose_slots(gives, n));
}

/* ---- the steps ---- */

static Lease *new_lease(const Give *give) {
        const VfState *now = snapshot_vf_state(give->input->host, give->dev);
        Lease *lease = lease_new();

        lease_identify(lease, give->input->host, give->dev);
        lease->guest = g_strdup(give->guest);
        lease->guest_uuid = g_strdup(give->input->guest->uuid);
        lease->nic = give->nic;
        lease->pool = g_strdup(give->pool ? give->pool->name : NULL);
        lease->managed = give->managed;
        if (now)
                lease->saved = *now;
        lease->saved_driver = g_strdup(give->dev->driver);
        lease->saved_override = g_strdup(give->dev->driver_override);
        return lease;
}

static void add_lease(const Give *give) {
        Step *step = plan_add(give->plan, step_new(STEP_LEASE, give->dev->addr, give->own ? "what the guest has of it" : "nobody else may take it from here on"));
        Lease *lease = give->own ? lease_copy(give->own) : new_lease(give);

        if (give->scope && !lease->guest_device)
                lease->guest_device = plan_device_id(give->dev->addr);
        if (!(give->scope & SCOPE_CONFIG) || (give->scope & SCOPE_LIVE)) {
                lease->pid = (int) give->input->guest->pid;
                lease->pid_start = give->input->guest->pid_start;
        }
        g_free(lease->boot_id);
        lease->boot_id = g_strdup(give->input->host->boot_id);
        lease->config = lease->config || ((give->scope & SCOPE_CONFIG) && !give->by_network);
        lease->given = give->state;
        step->from.lease = give->own ? lease_copy(give->own) : NULL;
        step->to.lease = lease;
}

/* What it is now, so that undoing finds the way back to it: libvirt binds no driver with autoprobe off (field-facts 4), makes the MAC
 * that a bound driver used the administrator's, and knows no priority of a VLAN (field-facts 15). Doing these steps does nothing. */
static void add_way_back(const Give *give) {
        const Dev *dev = give->dev;
        const VfState *now = give->interface ? snapshot_vf_state(give->input->host, dev) : NULL;
        bool given_back = !driver_is_vfio(dev->driver);
        unsigned mask = (given_back ? VF_MAC : 0) | (now && plan_vlan_is_special(now) ? VF_VLAN : 0);
        const char *why_state = "what it has, should libvirt not give it back just so";

        /* One without a driver gets the host's from libvirt, which may set a MAC for itself: it goes before the MAC is put back. */
        if (now && !dev->driver)
                plan_vf_state_anyway(give->plan, give->input, dev, now, mask, why_state);
        if (given_back)
                plan_driver(give->plan, dev, dev->driver, dev->driver_override, dev->driver, dev->driver_override, dev->driver ? "its driver, should libvirt not give it back" : "it has no driver, should libvirt give it one");
        if (now && dev->driver)
                plan_vf_state_anyway(give->plan, give->input, dev, now, mask, why_state);
}

/* What libvirt leaves to others, before it takes the device. */
static void add_around(const Give *give) {
        unsigned mask = give->state.known & ~(unsigned) (give->interface ? VF_OF_SERVICE : 0);

        if (give->scope & SCOPE_LIVE)
                add_way_back(give);
        plan_vf_state(give->plan, give->input, give->dev, &give->state, mask, "what the guest shall have");
}

/* The other part of what the guest has already is of the same kind. */
static char *element(const Give *give, const Dev *dev, const char *bus) {
        Want words = *give->want;
        words.unmanaged = give->service && !give->managed;
        return plan_element(&words, give->input, dev, &give->state, bus);
}

static void add_defined(const Give *give) {
        const Pool *pool = give->by_network ? give->pool : NULL; /* its first PF stands for whichever VF it gives */
        const Dev *named = pool ? pool_pf(pool, 0, give->input->host) : give->dev;
        Step *step = plan_add(give->plan, step_new(STEP_DEFINED, named ? named->addr : (PciAddr) {0}, "the guest has it from each start on"));

        if (named && named->is_vf)
                step->pf = named->pf;
        if (pool)
                step->network = g_strdup_printf("libvirt:%s", pool->name);
        step->guest = g_strdup(give->guest);
        step->to.text = element(give, pool ? NULL : give->dev, NULL);
}

static void add_guest(const Give *give) {
        const Dev *dev = give->dev;
        Step *step = plan_add(give->plan, step_new(STEP_GUEST, dev->addr, "as asked"));

        step->guest = g_strdup(give->guest);
        step->guest_bus = g_strdup(give->slot->bus);
        step->to.text = plan_device_id(dev->addr);
        if (!give->service)
                return;
        step->xml = element(give, dev, give->slot->bus);
        if (give->managed && dev_use(dev))
                step->disturbs = g_strdup(dev_use(dev)->what);
        /* From then on its process is found to have the device, and that is as it shall be. */
        const KnownUse known = {dev->addr, USE_PROCESS, (int) give->input->guest->pid};
        g_array_append_val(give->plan->known, known);
        if (!give->interface || !plan_vlan_is_special(&give->state))
                return;
        Step *vlan = plan_vf_state_anyway(give->plan, give->input, dev, &give->state, VF_VLAN, "libvirt sets a VLAN as 802.1Q without priority");
        /* What libvirt has set by then: undoing must not put the guest into the VLAN of before. */
        if (vlan)
                vlan->from.vf = (VfState) {.known = VF_VLAN, .vlan = give->state.vlan, .proto = VLAN_PROTO_8021Q};
}

static void note_left(const Give *give) {
        unsigned all;
        const unsigned left = pool_left(give->pool, give->input, &all);

        plan_note(give->plan, "pool %s: %u of %u VFs left", give->pool->name, left - (left > 0), all);
}

static void add_notes(const Give *give) {
        if (give->pool && give->dev && !give->own)
                note_left(give);
        if (!(give->scope & SCOPE_CONFIG))
                return;
        if (give->input->guest->running && !(give->scope & SCOPE_LIVE))
                plan_note(give->plan, "it takes effect when %s is started the next time: shut it down and start it (a reboot inside is not enough)", give->guest);
        if (plan_vlan_is_special(&give->state) && (give->interface || give->by_network))
                plan_note(give->plan, "libvirt sets the VLAN as 802.1Q without priority when the guest starts%s", give->by_network ? "" : "; 'vfadm recover' then sets the rest");
        unsigned rest = give->state.known & ~(unsigned) VF_OF_SERVICE;
        g_autofree char *words = vf_state_format(&give->state, rest);
        if (give->by_network && *words)
                plan_note(give->plan, "libvirt chooses a VF of %s at each start and sets its MAC and VLAN only, not %s", give->pool->name, words);
}

/* Those that come along, in few words. */
static char *format_along(const Give *gives, unsigned n) {
        enum { NAMED = 4 };
        GString *text = g_string_new(NULL);

        for (unsigned i = 1; i < n && n <= 1 + NAMED; i++)
                g_string_append_printf(text, "%s%s", i > 1 ? ", " : " with ", gives[i].dev->name);
        if (n > 1 + NAMED)
                g_string_append_printf(text, " with the %u others of its IOMMU group", n - 1);
        return g_string_free(text, FALSE);
}

static void summarize(const Give *give, unsigned n) {
        g_autofree char *along = format_along(give, n);
        g_autofree char *text = vf_state_format(&give->state, give->state.known);
        g_autofree char *nick = give->dev ? snapshot_nick(give->input->host, give->dev) : NULL;
        g_autofree char *what = nick ? g_strdup_printf("%s (%s)%s", nick, give->dev->name, along) : g_strdup_printf("a VF of %s", give->pool->name);
        const char *where = !(give->scope & SCOPE_CONFIG) ? "" : give->scope & SCOPE_LIVE ? " and its definition" : ", in its definition";

        give->plan->result = g_strdup(give->dev ? give->dev->name : give->pool->name);
        give->plan->summary = g_strdup_printf("%s to %s%s%s%s", what, give->guest, where, *text ? ": " : "", text);
}

/* libvirt takes a device from its driver right before it is plugged. A group whose other members still have theirs then is no
 * use to VFIO (field-facts 20), so these are taken from their drivers before, all of them. */
static bool is_handed_over(const Give *give) {
        return !give->managed || (give->together && (give->scope & SCOPE_LIVE));
}

/* Side by side: no device is plugged before all are free, and none is taken from its driver before all are leased. */
static void add_steps(const Give *gives, unsigned n) {
        const unsigned scope = gives->scope;

        for (unsigned i = 0; i < n; i++) {
                add_lease(&gives[i]);
                if (!gives[i].own)
                        plan_hold(gives[i].plan, gives[i].input, gives[i].dev, true);
        }
        for (unsigned i = 0; i < n; i++)
                if (is_handed_over(&gives[i]))
                        plan_hand_over(gives[i].plan, gives[i].input, gives[i].dev, &gives[i].state);
                else
                        add_around(&gives[i]);
        for (unsigned i = 0; i < n && (scope & SCOPE_CONFIG); i++)
                add_defined(&gives[i]);
        for (unsigned i = 0; i < n && (scope & SCOPE_LIVE); i++)
                add_guest(&gives[i]);
}

/* ---- the verbs ---- */

static Give give_new(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        bool service = want->kind == WANT_ATTACH && guest_is_of_service(input->guest);
        return (Give) {
                .plan = plan,
                .input = input,
                .want = want,
                .dev = dev,
                .guest = guest_info_ref(input->guest),
                .service = service,
                .managed = service && !want->unmanaged,
                .interface = service && (!dev || plan_is_interface(input->host, dev)),
                .pool = plan_find_pool(want->device, input),
        };
}

/* The guest's definition names the network of that name, not a VF: libvirt chooses one at each start. */
static bool wants_network(const Want *want, const PlanInput *input) {
        const Pool *pool = plan_find_pool(want->device, input);
        return want->kind == WANT_ATTACH && pool && pool->libvirt && guest_is_of_service(input->guest) && (plan_scope(want, input->guest) & SCOPE_CONFIG);
}

bool plan_is_network_only(const Want *want, const PlanInput *input) {
        return wants_network(want, input) && plan_scope(want, input->guest) == SCOPE_CONFIG;
}

/* The device, and with --with-group what must come along. Its locks were taken by the device's name: a VF that was only chosen would
 * have others beside it. */
static GPtrArray *find_together(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autoptr(GPtrArray) members = snapshot_group(input->host, want->with_group ? dev->iommu_group : -1);
        GPtrArray *devs = g_ptr_array_new();

        g_ptr_array_add(devs, (gpointer) dev);
        rule_whole_group(plan, dev, members, devs);
        if (devs->len > 1 && (!want->device || snapshot_find(input->host, want->device, NULL) != dev))
                plan_refuse(plan, VFADM_ERROR_USAGE, "--with-group: it would take %s, and %s with it; name the device itself that is meant, as in --from %s", dev->name, ((const Dev *) devs->pdata[1])->name, dev->name);
        return devs;
}

static void give_all(Give *gives, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                Give *give = &gives[i];
                give->by_network = wants_network(give->want, give->input);
                give->before = gives;
                give->n_before = i;
                give->together = n > 1;
                give->own = own_lease(give);
                if (give->own)
                        give->managed = give->own->managed;
        }
        if (may_all_go(gives, n)) {
                add_steps(gives, n);
                add_notes(gives);
        }
        summarize(gives, n);
}

void plan_give(Plan *plan, const PlanInput *input, const Dev *dev, const Want *want) {
        g_autoptr(GPtrArray) devs = find_together(plan, input, dev, want);
        /* The words are for the device that was named, and a VFIO driver of its own make, too. */
        const Want along = {.kind = want->kind, .nic = -1, .disrupt = want->disrupt, .unmanaged = want->unmanaged, .scope = want->scope};
        PlanInput plain = *input;
        g_autofree Give *gives = g_new0(Give, devs->len);
        unsigned scope = 0;

        plain.vfio_driver = NULL;
        if (plan->refusals->len || (want->kind != WANT_LEND && !rule_scope(plan, input, want, &scope)))
                return;
        for (unsigned i = 0; i < devs->len; i++) {
                gives[i] = give_new(plan, i ? &plain : input, devs->pdata[i], i ? &along : want);
                gives[i].scope = scope;
        }
        give_all(gives, devs->len);
        for (unsigned i = 0; i < devs->len; i++)
                g_free(gives[i].guest);
}

void plan_give_network(Plan *plan, const PlanInput *input, const Want *want) {
        Give give = give_new(plan, input, NULL, want);

        give.by_network = true;
        if (!give.pool->started)
                plan_refuse(plan, VFADM_ERROR_REFUSED, "the pool %s is not started, so its network gives out nothing; run 'vfadm pool start %s' first", give.pool->name, give.pool->name);
        if (want->with_group)
                plan_refuse(plan, VFADM_ERROR_USAGE, "--with-group: libvirt chooses a VF of %s at each start, so what shares its IOMMU group is not known now; name one device with --from", give.pool->name);
        if (plan->refusals->len == 0 && rule_scope(plan, input, want, &give.scope) && choose_nic(&give) && choose_state(&give)) {
                add_defined(&give);
                add_notes(&give);
                summarize(&give, 1);
        }
        g_free(give.guest);
}
