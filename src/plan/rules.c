/* Rules that several plans share. Sources: field-facts 5, 9–13, 19–24 in the sense of the kernel's vfio and iommu code. */
#include "plan/rules.h"

#include "base/error.h"
#include "base/text.h"
#include "model/nic.h"

#include <string.h>

char *rule_who_uses(const PlanInput *input, const Dev *dev) {
        const Lease *lease = leases_find(input->leases, dev->addr);
        const Use *use = dev_use(dev);

        if (lease)
                return g_strdup_printf("leased to %s (lease %" G_GINT64_FORMAT "%s)", lease->guest, lease->id,
                                       lease->state == LEASE_PENDING ? ", the guest has not let go yet" : "");
        if (use)
                return g_strdup(use->what);
        return input->books ? books_who_has(input->books, dev->addr, NULL) : NULL;
}

/* Whoever has it open is seen by its open files only. */
static bool is_held_by_open_file(const Dev *dev) {
        return driver_is_vfio(dev->driver) || (dev->driver && (g_str_equal(dev->driver, "uio_pci_generic") || g_str_equal(dev->driver, "igb_uio"))) ||
               dev->blocks->len;
}

bool rule_users_seen(Plan *plan, const PlanInput *input, const Dev *dev) {
        g_autofree char *nick = snapshot_nick(input->host, dev);

        if (!rule_guests_seen(plan, input, dev))
                return false;
        if (!input->host->processes_hidden || !is_held_by_open_file(dev))
                return true;
        plan_refuse(plan, VFADM_ERROR_REFUSED, "who uses %s cannot be known: only a container's processes can be seen from here; run vfadm on the host itself, or start the container with the host's processes (--pid=host)", nick);
        return false;
}

/* The guest's process holds the group of `dev`, of which it has another member, and not `dev` itself. */
static bool holds_group_only(const PlanInput *input, const Dev *dev, const Use *use) {
        const GuestInfo *guest = input->guest;
        bool other = false;

        if (!guest || use->kind != USE_PROCESS || use->pid != guest->pid || guest_info_find(guest, dev->addr))
                return false;
        /* QEMU does not tell of every device which function it is: then it may be this one. */
        for (unsigned i = 0; i < guest->devices->len; i++)
                if (!((const GuestDevice *) guest->devices->pdata[i])->has_host)
                        return false;
        g_autoptr(GPtrArray) members = snapshot_group(input->host, dev->iommu_group);
        for (unsigned i = 0; i < members->len; i++)
                other = other || guest_info_find(guest, ((const Dev *) members->pdata[i])->addr);
        return other;
}

/* It is the lease's own guest that has it, and that one is asked to let go. */
static bool is_of_own(const PlanInput *input, const Lease *own, const Use *use) {
        const GuestInfo *guest = input->guest;

        if (!own || !guest)
                return false;
        if (use->kind == USE_PROCESS)
                return use->pid == own->pid && guest->pid == own->pid;
        if (use->kind != USE_GUEST || !lease_is_xen(own) || g_strcmp0(use->guest, guest->name) != 0)
                return false;
        g_autofree char *ref = guest_info_ref(guest);
        return own->guest_uuid && guest->uuid ? g_ascii_strcasecmp(own->guest_uuid, guest->uuid) == 0 : g_str_equal(own->guest, ref);
}

static bool is_unused(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt, const Lease *own, bool join) {
        g_autofree char *nick = snapshot_nick(input->host, dev);
        const Lease *lease = leases_find(input->leases, dev->addr);
        bool ok = rule_users_seen(plan, input, dev);

        if (lease && (!own || lease->id != own->id)) {
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is leased to %s (lease %" G_GINT64_FORMAT "); run 'vfadm detach %s %s' first",
                            nick, lease->guest, lease->id, lease->guest, dev->name);
                return false;
        }
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (is_of_own(input, own, use))
                        continue;
                if (join && holds_group_only(input, dev, use))
                        continue;
                if (use->kind == USE_HOST) {
                        plan_refuse(plan, VFADM_ERROR_REFUSED, "%s carries this host (%s): it is never taken", nick, use->what);
                        ok = false;
                } else if (use->kind == USE_PROCESS) {
                        plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is in use by %s; end that first", nick, use->what);
                        ok = false;
                } else if (use->kind == USE_GUEST) {
                        plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is in use by %s; %s", nick, use->what, lease ? "take it out there first" : "'vfadm import --adopt' takes it into vfadm's care, and then 'vfadm detach' takes it out");
                        ok = false;
                } else if (!disrupt) {
                        plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is in use: %s; free it, or say --disrupt", nick, use->what);
                        ok = false;
                }
        }
        if (ok)
                plan_take(plan, dev);
        return ok;
}

bool rule_unused(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt, const Lease *own) {
        return is_unused(plan, input, dev, disrupt, own, false);
}

bool rule_to_give(Plan *plan, const PlanInput *input, const Dev *dev, bool disrupt, const Lease *own) {
        return is_unused(plan, input, dev, disrupt, own, true);
}

unsigned plan_scope(const Want *want, const GuestInfo *guest) {
        if (want->scope)
                return want->scope;
        return guest_is_of_service(guest) && !guest->running ? SCOPE_CONFIG : SCOPE_LIVE;
}

bool rule_scope(Plan *plan, const PlanInput *input, const Want *want, unsigned *ret) {
        const GuestInfo *guest = input->guest;
        g_autofree char *ref = guest_info_ref(guest);

        *ret = plan_scope(want, guest);
        if (!guest_is_of_service(guest)) {
                if (*ret & SCOPE_CONFIG)
                        plan_refuse(plan, VFADM_ERROR_REFUSED, "%s has no definition that outlives it, only libvirt's and Xen's guests have; leave --config out", ref);
                return plan->refusals->len == 0;
        }
        if ((*ret & SCOPE_LIVE) && !guest->running) {
                g_autofree char *start = guest_is_xen(guest) ? g_strdup_printf("xl create /%s", guest->file ? guest->file : "etc/xen/….cfg") : g_strdup_printf("virsh start %s", guest->name);
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is not running; start it first ('%s'), or say --config to change its definition only", ref, start);
        } else if ((*ret & SCOPE_CONFIG) && !guest->has_definition && guest_is_xen(guest))
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s has no definition that outlives it: no file in /etc/xen says name = \"%s\", or more than one does; leave --config out", ref, guest->name);
        else if ((*ret & SCOPE_CONFIG) && !guest->has_definition)
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is transient: it has no definition that outlives it; leave --config out", ref);
        return plan->refusals->len == 0;
}

bool rule_books(Plan *plan, const PlanInput *input, const Dev *dev, const char *guest) {
        bool service = guest_is_of_service(input->guest), leased = leases_find(input->leases, dev->addr) != NULL;
        bool live = service && guest_info_find(input->guest, dev->addr);
        g_autofree char *nick = snapshot_nick(input->host, dev);

        if (!leased && (live || (service && guest_info_find_defined(input->guest, dev->addr)))) {
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s %s %s already, and not by vfadm; 'vfadm import --adopt %s' takes it into vfadm's care", guest, live ? "has" : "is defined with", nick, guest);
                return false;
        }
        g_autofree char *who = input->books ? books_who_has(input->books, dev->addr, service ? guest : NULL) : NULL;
        if (!who)
                return true;
        plan_refuse(plan, VFADM_ERROR_IN_USE, "%s is not free: %s; 'vfadm import' shows what %s has given out, and 'vfadm import --adopt' takes it into vfadm's care", nick, who, plan_service_name(input->books));
        return false;
}

bool rule_is_free(const PlanInput *input, const Dev *vf) {
        if (vf->uses->len || leases_find(input->leases, vf->addr) || rule_is_kept_for_others(input, vf))
                return false;
        g_autofree char *who = input->books ? books_who_has(input->books, vf->addr, NULL) : NULL;
        return !who;
}

bool rule_host_iommu(Plan *plan, const PlanInput *input, const Dev *dev) {
        if (input->host->xen_dom0) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s cannot be given by VFIO: this host is Xen's dom0, and Xen has the IOMMU; guests of Xen can have it ('vfadm attach xen:NAME --from %s')", dev->name, dev->name);
                return false;
        }
        if (!input->host->has_iommu) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED,
                            "no IOMMU is active on this host, so %s cannot be given to a guest; turn on VT-d or AMD-Vi in the "
                            "BIOS and boot with intel_iommu=on (Intel)", dev->name);
                return false;
        }
        if (input->host->intremap == INTREMAP_OFF && !input->host->unsafe_interrupts) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED,
                            "%s cannot be given to a guest: this host has no interrupt remapping, so the guest could forge "
                            "interrupts; turn on x2APIC/interrupt remapping in the BIOS (vfio_iommu_type1 "
                            "allow_unsafe_interrupts=1 would accept the risk)", dev->name);
                return false;
        }
        return true;
}

bool rule_iommu(Plan *plan, const PlanInput *input, const Dev *dev) {
        if (!rule_host_iommu(plan, input, dev))
                return false;
        if (dev->iommu_group >= 0)
                return true;
        plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s is in no IOMMU group: the IOMMU does not guard it, so it cannot be given to a guest", dev->name);
        return false;
}

bool rule_group(Plan *plan, const PlanInput *input, const Dev *dev, const char *remedy, GPtrArray *along) {
        g_autoptr(GPtrArray) members = snapshot_group(input->host, dev->iommu_group);
        g_autoptr(GString) names = g_string_new(NULL);
        unsigned blocking = 0;
        bool own_pf = false;

        for (unsigned i = 0; i < members->len; i++) {
                const Dev *member = members->pdata[i];
                if (member == dev || driver_lets_vfio_be(member->driver))
                        continue;
                if (along) {
                        if (rule_unused(plan, input, member, false, NULL))
                                g_ptr_array_add(along, (gpointer) member);
                        continue;
                }
                blocking++;
                own_pf = own_pf || (dev->is_vf && pci_addr_equal(member->addr, dev->pf));
                if (blocking <= 8)
                        g_string_append_printf(names, "%s%s (%s)", blocking > 1 ? ", " : "", member->name, member->driver);
        }
        if (blocking > 8)
                g_string_append_printf(names, " and %u more", blocking - 8);
        if (blocking == 0)
                return plan->refusals->len == 0;
        /* Without its PF's driver there would be no VF to give away. */
        if (own_pf)
                remedy = "its own PF is among them, so no VF can leave this slot alone: a port above the card does not isolate (no ACS); put the card in another slot";
        plan_refuse(plan, VFADM_ERROR_REFUSED, "%s shares IOMMU group %d with %s: %s", dev->name, dev->iommu_group, names->str, remedy);
        return false;
}

bool rule_whole_group(Plan *plan, const Dev *dev, const GPtrArray *members, GPtrArray *along) {
        for (unsigned i = 0; i < members->len; i++) {
                const Dev *member = members->pdata[i];
                if (member == dev)
                        continue;
                if (!dev_is_bridge(member))
                        g_ptr_array_add(along, (gpointer) member);
                else if (!driver_lets_vfio_be(member->driver))
                        plan_refuse(plan, VFADM_ERROR_REFUSED, "%s shares IOMMU group %d with the bridge %s (%s), which goes to no guest; put the card in another slot",
                                    dev->name, dev->iommu_group, member->name, member->driver);
        }
        return plan->refusals->len == 0;
}

bool rule_group_unshared(Plan *plan, const PlanInput *input, const Dev *dev, const char *guest, int pid) {
        g_autoptr(GPtrArray) members = snapshot_group(input->host, dev->iommu_group);

        for (unsigned i = 0; i < members->len; i++) {
                const Dev *member = members->pdata[i];
                const Lease *lease = leases_find(input->leases, member->addr);
                const Use *use = dev_use(member);
                if (member == dev)
                        continue;
                if (lease && !g_str_equal(lease->guest, guest))
                        plan_refuse(plan, VFADM_ERROR_IN_USE, "%s shares IOMMU group %d with %s, which is leased to %s: a group goes to one guest as a whole; choose a device of another group",
                                    dev->name, dev->iommu_group, member->name, lease->guest);
                else if (use && use->kind == USE_PROCESS && use->pid != pid)
                        plan_refuse(plan, VFADM_ERROR_IN_USE, "%s shares IOMMU group %d with %s, which is in use by %s: a group goes to one process as a whole; choose a device of another group",
                                    dev->name, dev->iommu_group, member->name, use->what);
        }
        return plan->refusals->len == 0;
}

/* The PF's own MAC is none for its VFs. */
static bool rule_mac_not_pfs(Plan *plan, const Dev *pf, const uint8_t mac[6]) {
        const NetDev *net = dev_net(pf);
        char text[MAC_TEXT_SIZE];

        if (!net || memcmp(net->mac, mac, 6) != 0)
                return true;
        mac_format(mac, text);
        plan_refuse(plan, VFADM_ERROR_REFUSED, "mac=%s is the MAC of %s itself", text, net->name);
        return false;
}

bool rule_mac_unique(Plan *plan, const PlanInput *input, const Dev *vf, const uint8_t mac[6]) {
        const Dev *pf = snapshot_pf(input->host, vf);
        const NetDev *net = pf ? dev_net(pf) : NULL;
        char text[MAC_TEXT_SIZE];

        if (!pf || mac_is_zero(mac))
                return true;
        if (!rule_mac_not_pfs(plan, pf, mac))
                return false;
        mac_format(mac, text);
        for (unsigned i = 0; pf->vf_infos && i < pf->vf_infos->len; i++) {
                const VfInfo *info = &g_array_index(pf->vf_infos, VfInfo, i);
                if (info->missing || info->index == vf->vf_index || !(info->state.known & VF_MAC) || memcmp(info->state.mac, mac, 6) != 0 ||
                    plan_gives_up_mac(input, pf, info->index))
                        continue;
                plan_refuse(plan, VFADM_ERROR_REFUSED, "mac=%s is already used by VF %u of %s", text, info->index, net ? net->name : pf->name);
                return false;
        }
        return true;
}

static bool rule_attributes(Plan *plan, const Dev *pf, const NicDriver *nic, const VfState *asked) {
        unsigned refused = asked->known & ~nic->accepts;
        g_autofree char *accepts = nic_accepts_text(nic);

        for (unsigned bit = 1; bit & VF_ALL; bit <<= 1)
                if (refused & bit)
                        plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s: its driver %s does not take %s (it takes %s)", pf->name, nic->driver, vf_attribute_name(bit), accepts);
        if ((asked->known & VF_VLAN) && (asked->vlan || asked->qos) && asked->proto == VLAN_PROTO_8021AD && !nic->vlan_8021ad) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s: its driver %s takes VLANs by 802.1Q only, not 802.1ad", pf->name, nic->driver);
                return false;
        }
        return refused == 0;
}

/* The PF's driver takes it, now. */
static bool rule_state_of_pf(Plan *plan, const PlanInput *input, const Dev *pf, const VfState *asked) {
        const NicDriver *nic = nic_driver(pf->driver);
        const NetDev *net = dev_net(pf);

        if (nic && !rule_attributes(plan, pf, nic, asked))
                return false;
        if (!nic || !nic->state_needs_up || net->up || input->pf_goes_up)
                return true;
        plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is down, and %s lets its VFs work only while it is up; run 'ip link set %s up' first",
                    net->name, nic->driver, net->name);
        return false;
}

bool rule_fresh_state(Plan *plan, const PlanInput *input, const Dev *pf, const VfState *asked) {
        if (asked->known == 0)
                return true;
        if (!dev_net(pf)) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s has no network device, so its VFs have no %s to set", pf->name, vf_attribute_name(asked->known & -asked->known));
                return false;
        }
        return rule_state_of_pf(plan, input, pf, asked) && (!(asked->known & VF_MAC) || rule_mac_not_pfs(plan, pf, asked->mac));
}

bool rule_vf_state(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *asked) {
        const Dev *pf = vf->is_vf ? snapshot_pf(input->host, vf) : NULL;
        const NetDev *net = pf ? dev_net(pf) : NULL;

        if (asked->known == 0)
                return true;
        if (!pf || !net) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s is no VF of a network card, so it has no %s to set", vf->name,
                            vf_attribute_name(asked->known & -asked->known));
                return false;
        }
        if (!snapshot_vf_state(input->host, vf)) {
                plan_refuse(plan, VFADM_ERROR_BUSY, "%s: the kernel does not tell the state of VF %u now (%s); try again in a moment",
                            net->name, vf->vf_index, pf->vf_infos_error ? g_strerror(-pf->vf_infos_error) : "it is in reset");
                return false;
        }
        if (!rule_state_of_pf(plan, input, pf, asked))
                return false;
        return !(asked->known & VF_MAC) || rule_mac_unique(plan, input, vf, asked->mac);
}

static Step *new_vf_state(const PlanInput *input, const Dev *vf, const VfState *to, unsigned mask, const char *reason) {
        const VfState *now = snapshot_vf_state(input->host, vf);
        const Dev *pf = snapshot_pf(input->host, vf);

        if (!now || !pf || mask == 0)
                return NULL;
        Step *step = step_new(STEP_VF_STATE, vf->addr, reason);
        step->pf = pf->addr;
        step->vf_index = vf->vf_index;
        step->netdev = g_strdup(dev_net(pf) ? dev_net(pf)->name : NULL);
        step->mask = mask;
        step->from.vf = *now;
        step->to.vf = *to;
        return step;
}

Step *plan_vf_state_anyway(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *to, unsigned mask, const char *reason) {
        Step *step = new_vf_state(input, vf, to, mask & to->known, reason);
        return step ? plan_add(plan, step) : NULL;
}

Step *plan_vf_state(Plan *plan, const PlanInput *input, const Dev *vf, const VfState *to, unsigned mask, const char *reason) {
        const VfState *now = snapshot_vf_state(input->host, vf);

        /* A field that the driver does not report cannot be compared: it is written when it was asked for. */
        return now ? plan_vf_state_anyway(plan, input, vf, to, vf_state_diff(now, to, mask & to->known), reason) : NULL;
}

void plan_remembered(Plan *plan, const PlanInput *input, const Dev *dev) {
        static const char *const reason = "what it goes back to";
        const VfState *now = snapshot_vf_state(input->host, dev);
        /* Rates change by themselves with the PF's link (igb_check_vf_rate_limit). */
        const unsigned mask = now ? now->known & ~(unsigned) (VF_MIN_RATE | VF_MAX_RATE) : 0;
        Step *state = now ? new_vf_state(input, dev, now, mask, reason) : NULL;
        Step *driver = step_new(STEP_DRIVER, dev->addr, reason);

        driver->from.driver = g_strdup(dev->driver);
        driver->from.driver_override = g_strdup(dev->driver_override);
        plan_seen(plan, driver);
        if (state)
                plan_seen(plan, state);
}

/* Its DMA goes to Xen's quarantine, or back to dom0. xl is told of a driver that would take it back by being asked. */
static void plan_assignable(Plan *plan, const Dev *dev, bool on) {
        const char *reason = on ? "its DMA is kept from this host until a guest has it" : "a driver of this host would have no DMA else";
        Step *step = plan_number(plan, STEP_ASSIGNABLE, dev, !on, on, reason);

        if (dev->is_vf)
                step->pf = dev->pf;
        step->to.text = on && !driver_lets_vfio_be(dev->driver) ? g_strdup(dev->driver) : NULL;
}

Step *plan_driver(Plan *plan, const Dev *dev, const char *from, const char *from_override, const char *to,
                  const char *to_override, const char *reason) {
        if (driver_is_xen(from) && !driver_is_xen(to))
                plan_assignable(plan, dev, false);
        Step *step = plan_add(plan, step_new(STEP_DRIVER, dev->addr, reason));
        if (dev->is_vf)
                step->pf = dev->pf;
        step->from.driver = g_strdup(from);
        step->from.driver_override = g_strdup(from_override);
        step->to.driver = g_strdup(to);
        step->to.driver_override = g_strdup(to_override);
        if (driver_is_xen(to) && !driver_is_xen(from))
                plan_assignable(plan, dev, true);
        return step;
}

Step *plan_number(Plan *plan, StepKind kind, const Dev *dev, int64_t from, int64_t to, const char *reason) {
        Step *step = plan_add(plan, step_new(kind, dev->addr, reason));
        step->from.number = from;
        step->to.number = to;
        return step;
}
