/* What a device is for the guest that gets it: which of its NICs, and what the VF shall have. */
#include "plan/give.h"

#include "base/error.h"
#include "base/text.h"

#include <string.h>

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
        plan_derive_mac(guest->uuid_of_run ? NULL : guest->uuid, give->input->host->machine_id, guest->name, nic, ret);
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

bool give_choose_nic(Give *give) {
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

bool give_choose_state(Give *give) {
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
