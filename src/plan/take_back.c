/* The plans that take a device back from a guest: guest, reset, restore, host driver, and only then is the lease dropped. What
 * libvirt manages it gives back by itself; then what it leaves behind is made what it was. */
#include "plan/rules.h"

#include "base/error.h"
#include "base/parse.h"

#include <string.h>

/* How much of it: all, so that the lease ends; or the lease stays, with what is left. */
typedef enum { BACK_ALL, BACK_LIVE, BACK_DEFINED } BackPart;

/* One leased device on its way back. */
typedef struct Back {
        Plan *plan;
        const PlanInput *input;
        const Lease *lease;
        const Dev *dev;             /* NULL: it is not there any more, or is another */
        bool live;                  /* the running guest has it */
        const GuestDevice *defined; /* the element to be taken out of the definition, or NULL */
        BackPart part;
        const struct Back *together; /* all that one plan takes back, this one too; NULL: alone */
        unsigned n_together;
} Back;

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

/* ---- what it was before ---- */

/* Not only what was given: what was set by hand meanwhile (trust) is not for the next guest. Rates change by themselves with the
 * PF's link (igb_check_vf_rate_limit), and then the former ones may not be taken any more. */
static unsigned fields_to_restore(const Lease *lease) {
        return lease->saved.known & (lease->given.known | (VF_ALL & ~(unsigned) (VF_MIN_RATE | VF_MAX_RATE)));
}

/* The driver by which the lease's guest gets its device. */
static bool is_for_guests(const Lease *lease, const char *driver) {
        return lease_is_xen(lease) ? driver_is_xen(driver) : driver_is_vfio(driver);
}

static bool has_saved_driver(const Back *back) {
        const char *driver = back->dev->driver, *saved = back->lease->saved_driver;
        bool same = g_strcmp0(saved, DRIVER_OWN) == 0 ? !is_for_guests(back->lease, driver) : g_strcmp0(driver, saved) == 0;
        return same && g_strcmp0(back->dev->driver_override, back->lease->saved_override) == 0;
}

static void add_saved_driver(const Back *back) {
        const Lease *lease = back->lease;
        const Dev *dev = back->dev;

        if (!has_saved_driver(back))
                plan_driver(back->plan, dev, dev->driver, dev->driver_override, lease->saved_driver, lease->saved_override, "the driver it had before, should libvirt not give it back");
}

/* libvirt resets it, gives it to the host and writes MAC and VLAN: the MAC that the VF had in effect and a VLAN without priority
 * (field-facts 15), so these are written again even where they are right now. A VF that had no driver gets the host's by that,
 * which may set a MAC for itself (igbvf does): it goes before the MAC is put back. */
static void restore_after_service(const Back *back) {
        const Lease *lease = back->lease;
        const Dev *dev = back->dev;
        unsigned mask = fields_to_restore(lease), again = 0;

        if (!back->live && dev_use(dev)) {
                if (!has_saved_driver(back))
                        plan_note(back->plan, "%s is in use by the host (%s): it is left as it is", dev->name, dev_use(dev)->what);
                return;
        }
        if (back->live && plan_is_interface(back->input->host, dev))
                again = VF_MAC | (lease->saved.vlan || lease->saved.qos ? VF_VLAN : 0);
        if (!lease->saved_driver)
                add_saved_driver(back);
        const VfState *now = snapshot_vf_state(back->input->host, dev);
        if (now)
                plan_vf_state_anyway(back->plan, back->input, dev, &lease->saved, mask & (vf_state_diff(now, &lease->saved, mask) | again), "as it was before the guest had it");
        if (lease->saved_driver)
                add_saved_driver(back);
        /* With its driver the host may take it into use before the next step. */
        const KnownUse known = {dev->addr, USE_NETWORK, 0};
        if (back->live)
                g_array_append_val(back->plan->known, known);
}

/* The kernel resets a bus for one function only where no other is on it (pci_parent_bus_reset); it says "bus" of both. VFIO has
 * reset such a function as far as it can when its guest let go. */
static bool can_be_reset(const Snapshot *host, const Dev *dev) {
        for (char **method = dev->reset_methods; method && *method; method++)
                if (!g_str_equal(*method, "bus") && !g_str_equal(*method, "cxl_bus"))
                        return true;
        for (unsigned i = 0; i < host->devs->len; i++) {
                const Dev *other = host->devs->pdata[i];
                if (other != dev && other->addr.domain == dev->addr.domain && other->addr.bus == dev->addr.bus)
                        return false;
        }
        return dev->reset_methods && dev->reset_methods[0];
}

/* Should the device stay on pciback after all, xl shall know again which driver it came from: it was told when the guest got it. */
static void tell_xl_again(const Back *back) {
        const GPtrArray *steps = back->plan->steps;
        Step *step = steps->len >= 2 ? steps->pdata[steps->len - 2] : NULL;

        if (step && step->kind == STEP_ASSIGNABLE && !driver_lets_vfio_be(back->lease->saved_driver))
                step->from.text = g_strdup(back->lease->saved_driver);
}

/* The VF back to what it was: only what differs, and nothing once the host has it in use again. */
static void restore_device(const Back *back, bool reset) {
        const Lease *lease = back->lease;
        const Dev *dev = back->dev;
        const char *driver = dev->driver, *override = dev->driver_override;
        bool ours = !driver || is_for_guests(lease, driver);

        if (lease->managed && (back->live || !driver_is_vfio(driver))) {
                restore_after_service(back);
                return;
        }
        if (!ours && g_strcmp0(driver, lease->saved_driver) != 0)
                plan_note(back->plan, "%s has been given to the driver %s meanwhile; it stays there", dev->name, driver);
        if (ours && !reset)
                plan_note(back->plan, "%s is not reset: what the guest left in it stays there until it is", dev->name);
        else if (ours && can_be_reset(back->input->host, dev))
                plan_add(back->plan, step_new(STEP_RESET, dev->addr, "nothing of the guest stays in the device"));
        bool to_host = ours && lease->saved_driver && !is_for_guests(lease, lease->saved_driver);
        if (ours && driver && (to_host || !lease->saved_driver)) {
                plan_driver(back->plan, dev, driver, override, NULL, lease->saved_override, "the guest is done with it");
                tell_xl_again(back);
                driver = NULL;
                override = lease->saved_override;
        }
        if (ours || !dev_use(dev))
                plan_vf_state(back->plan, back->input, dev, &lease->saved, fields_to_restore(lease), "as it was before the guest had it");
        bool is_saved = g_strcmp0(driver, lease->saved_driver) == 0;
        /* xl knows nothing of our override, with which no other driver ever takes it. */
        bool keeps_override = (ours || lease_is_xen(lease)) && g_strcmp0(override, lease->saved_override) != 0;
        if ((ours && !is_saved) || (is_saved && keeps_override))
                plan_driver(back->plan, dev, driver, override, lease->saved_driver, lease->saved_override, "the driver it had before");
}

/* ---- the steps ---- */

static void add_guest(const Back *back) {
        const Lease *lease = back->lease;
        Step *step = plan_add(back->plan, step_new(STEP_GUEST, lease->dev, "the guest lets go first"));

        step->guest = guest_info_ref(back->input->guest);
        step->from.text = g_strdup(lease->guest_device);
        step->disturbs = g_strdup(lease->guest);
        if (!guest_is_of_service(back->input->guest) || !back->dev)
                return;
        const Want words = {.kind = WANT_ATTACH, .unmanaged = !lease->managed, .xen = xen_device_plain(lease->dev)};
        const GuestDevice *now = guest_is_xen(back->input->guest) ? guest_info_find(back->input->guest, lease->dev) : NULL;
        /* Xen's options of the device are kept nowhere else. */
        step->xml = now && now->xml ? g_strdup(now->xml) : plan_element(&words, back->input, back->dev, &lease->given, NULL);
}

void plan_undefine(Plan *plan, const PlanInput *input, PciAddr dev, const GuestDevice *defined) {
        const Dev *vf = snapshot_get(input->host, dev);
        Step *step = plan_add(plan, step_new(STEP_DEFINED, dev, "the guest starts without it from then on"));

        if (vf && vf->is_vf)
                step->pf = vf->pf;
        if (!defined->has_host)
                step->network = g_strdup_printf("libvirt:%s", defined->network);
        step->guest = guest_info_ref(input->guest);
        step->from.text = g_strdup(defined->xml);
}

static void add_lease(const Back *back, Lease *to) {
        Step *step = plan_add(back->plan, step_new(STEP_LEASE, back->lease->dev, to ? "what the guest has of it" : "free for the next"));

        step->from.lease = lease_copy(back->lease);
        step->to.lease = to;
}

/* What is left of the lease: the part of the definition, or that of the running guest. */
static Lease *lease_left(const Back *back, bool config) {
        Lease *left = lease_copy(back->lease);

        left->config = config;
        left->pid = config ? 0 : (int) back->input->guest->pid;
        left->pid_start = config ? 0 : back->input->guest->pid_start;
        if (lease_is_xen(left)) {
                g_free(left->guest_uuid);
                left->guest_uuid = plan_lease_uuid(back->input->guest, config);
        }
        return left;
}

static bool leaves_too(const Back *back, const Dev *dev) {
        for (unsigned i = 0; i < back->n_together; i++) {
                const Back *other = &back->together[i];
                if (other->part != BACK_DEFINED && pci_addr_equal(other->lease->dev, dev->addr))
                        return true;
        }
        return false;
}

/* While the guest has another member of the group, VFIO keeps all of it: no driver of the host could bind (field-facts 20). */
static bool rule_group_leaves(const Back *back) {
        const GuestInfo *guest = back->input->guest;
        const Dev *dev = back->dev;
        const char *driver = back->lease->saved_driver;
        g_autoptr(GString) names = g_string_new(NULL);
        bool all_leased = true;

        if (!dev || !guest || !driver || driver_is_vfio(driver) || (!back->live && has_saved_driver(back)))
                return true;
        g_autoptr(GPtrArray) members = snapshot_group(back->input->host, dev->iommu_group);
        for (unsigned i = 0; i < members->len; i++) {
                const Dev *member = members->pdata[i];
                const Lease *lease = leases_find(back->input->leases, member->addr);
                bool has = guest_info_find(guest, member->addr) || (lease && guest_still_has(back->input, lease));
                if (member == dev || !has || leaves_too(back, member))
                        continue;
                g_string_append_printf(names, "%s%s", names->len ? ", " : "", member->name);
                all_leased = all_leased && lease;
        }
        if (!names->len)
                return true;
        g_autofree char *remedy = all_leased ? g_strdup_printf("run 'vfadm detach %s %s --with-group' to take them back together", back->lease->guest, dev->name)
                                             : g_strdup("what vfadm has not given must leave the guest first");
        plan_refuse(back->plan, VFADM_ERROR_IN_USE, "%s cannot go back to the host's driver while %s has %s of the same IOMMU group %d: VFIO keeps the group until the last of it has left; %s",
                    dev->name, back->lease->guest, names->str, dev->iommu_group, remedy);
        return false;
}

static bool may_leave(const Back *back) {
        const Use *unseen = back->dev && !back->live ? holds_unseen(back->input, back->lease, back->dev) : NULL;

        if (back->dev && !rule_unused(back->plan, back->input, back->dev, true, back->lease))
                return false;
        if (unseen)
                plan_refuse(back->plan, VFADM_ERROR_IN_USE, "%s is still held by %s, although %s says that it has no such device; end that process, then run 'vfadm recover'", back->dev->name, unseen->what, back->lease->guest);
        return !unseen && (back->part != BACK_ALL || rule_group_leaves(back));
}

/* First what can be undone; a guest that has let go does not get it again, and then its definition is without it already, and the
 * lease one of the running guest only, which recovery can end. */
static void leave_definition(const Back *back) {
        if (!back->defined)
                return;
        plan_undefine(back->plan, back->input, back->lease->dev, back->defined);
        if (back->live && back->lease->config)
                add_lease(back, lease_left(back, false));
}

static void leave_guest(const Back *back) {
        if (!back->live || back->part == BACK_DEFINED)
                return;
        add_guest(back);
        /* Of Xen's guests no process is in the lease. */
        if (back->part == BACK_LIVE && !lease_is_xen(back->lease))
                add_lease(back, lease_left(back, true));
}

static void restore(const Back *back, bool reset) {
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(back->lease->dev, name);
        if (back->part != BACK_ALL)
                return;
        if (back->dev)
                restore_device(back, reset);
        else
                plan_note(back->plan, "%s is not there any more, or another device has its address now: only the lease is dropped", name);
}

static void end_lease(const Back *back) {
        if (back->part != BACK_ALL)
                return;
        if (back->dev)
                plan_hold(back->plan, back->input, back->dev, false);
        add_lease(back, NULL);
}

/* Side by side: of a group none is restored before all have left the guest, and no lease ends before all are restored. */
static void take_back(const Back *backs, unsigned n, bool reset) {
        for (unsigned i = 0; i < n; i++)
                if (backs[i].part != BACK_DEFINED && !may_leave(&backs[i]))
                        return;
        for (unsigned i = 0; i < n; i++)
                leave_definition(&backs[i]);
        for (unsigned i = 0; i < n; i++)
                leave_guest(&backs[i]);
        for (unsigned i = 0; i < n; i++)
                restore(&backs[i], reset);
        for (unsigned i = 0; i < n; i++)
                end_lease(&backs[i]);
}

static Back back_new(Plan *plan, const Lease *lease, const PlanInput *input) {
        const Dev *dev = snapshot_get(input->host, lease->dev);
        Back back = {.plan = plan, .input = input, .lease = lease, .dev = dev && lease_fits(lease, input->host, dev) ? dev : NULL};

        back.live = back.dev && guest_still_has(input, lease);
        return back;
}

/* The first one is what was named. */
static void summarize(const Back *backs, unsigned n) {
        g_autoptr(GString) along = g_string_new(NULL);
        Plan *plan = backs->plan;
        char name[PCI_ADDR_TEXT_SIZE];

        for (unsigned i = 1; i < n; i++) {
                pci_addr_format(backs[i].lease->dev, name);
                g_string_append_printf(along, "%s%s", i > 1 ? ", " : " with ", name);
        }
        pci_addr_format(backs->lease->dev, name);
        plan->summary = g_strdup_printf("%s%s back from %s", name, along->str, backs->lease->guest);
        plan->result = g_strdup(name);
}

void plan_take_back(Plan *plan, const Lease *lease, const PlanInput *input, bool reset) {
        const Back back = back_new(plan, lease, input);

        summarize(&back, 1);
        take_back(&back, 1, reset);
}

/* ---- detach ---- */

static bool is_of_guest(const Want *want, const PlanInput *input, const Lease *lease) {
        const GuestInfo *info = input->guest;
        g_autofree char *guest = info ? guest_info_ref(info) : g_strdup(want->guest);
        const char *bare = strchr(lease->guest, ':') ? strchr(lease->guest, ':') + 1 : lease->guest;

        /* The process counts more than the name: with a second QEMU of that name only "qemu:pid-812" names it. */
        if (info && info->pid > 0 && info->pid == lease->pid && info->pid_start == lease->pid_start)
                return true;
        if (info && guest_is_of_service(info) && info->uuid && lease->guest_uuid)
                return g_str_equal(info->uuid, lease->guest_uuid);
        return g_str_equal(lease->guest, guest) || g_str_equal(bare, guest);
}

/* The lease's element in the guest's definition: that function, or the pool's NIC that stands for it from the next start on. */
static const GuestDevice *find_defined(const GuestInfo *guest, const Lease *lease) {
        const GuestDevice *found = guest_info_find_defined(guest, lease->dev);

        for (unsigned i = 0; !found && lease->pool && (lease->given.known & VF_MAC) && i < guest->defined->len; i++) {
                const GuestDevice *device = guest->defined->pdata[i];
                if (g_strcmp0(device->network, lease->pool) == 0 && (device->vf.known & VF_MAC) && memcmp(device->vf.mac, lease->given.mac, 6) == 0)
                        found = device;
        }
        return found;
}

static void note_parts(const Back *back, const GuestDevice *defined) {
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(back->lease->dev, name);
        if (back->part == BACK_LIVE)
                plan_note(back->plan, "%s is still in the definition of %s, which starts with it again; say --live --config to take it out of both", name, back->lease->guest);
        if (back->part == BACK_DEFINED)
                plan_note(back->plan, "the running %s keeps %s until it ends; say --live to take it out now", back->lease->guest, name);
        if (defined && !defined->has_host && !back->defined)
                plan_note(back->plan, "the definition of %s still has a NIC of %s, from its next start on; say --config to take that out, too", back->lease->guest, defined->network);
}

/* A guest does not start with a part of a group whose other part the host has again. */
static void note_split(const Back *back) {
        const GuestInfo *guest = back->input->guest;
        const char *driver = back->lease->saved_driver;
        g_autoptr(GString) names = g_string_new(NULL);

        if (!back->dev || !back->defined || !driver || driver_is_vfio(driver))
                return;
        g_autoptr(GPtrArray) members = snapshot_group(back->input->host, back->dev->iommu_group);
        for (unsigned i = 0; i < members->len; i++) {
                const Dev *member = members->pdata[i];
                bool goes = member == back->dev;
                for (unsigned k = 0; k < back->n_together; k++)
                        goes = goes || (back->together[k].defined && pci_addr_equal(back->together[k].lease->dev, member->addr));
                if (!goes && guest_info_find_defined(guest, member->addr))
                        g_string_append_printf(names, "%s%s", names->len ? ", " : "", member->name);
        }
        if (names->len)
                plan_note(back->plan, "the definition of %s still has %s of the same IOMMU group %d, with which it does not start while the host's driver has %s", back->lease->guest, names->str, back->dev->iommu_group, back->dev->name);
}

/* What of it is taken, and what stays. */
static void choose_parts(Back *back, unsigned scope, const GuestDevice *defined) {
        const char *guest = back->lease->guest;
        bool by_network = defined && !defined->has_host;
        bool takes_live = back->live && (scope & SCOPE_LIVE), takes_defined = defined && (scope & SCOPE_CONFIG);
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(back->lease->dev, name);
        if (takes_defined)
                back->defined = defined;
        if (back->live && !takes_live && !takes_defined)
                plan_refuse(back->plan, VFADM_ERROR_REFUSED, "%s is in the running %s only, not in its definition; leave --config out", name, guest);
        else if (defined && !by_network && !takes_live && !takes_defined)
                plan_refuse(back->plan, VFADM_ERROR_REFUSED, "%s is in the definition of %s only, not in the running guest; say --config", name, guest);
        else if (back->live && !takes_live)
                back->part = BACK_DEFINED;
        else if (defined && !by_network && !takes_defined)
                back->part = BACK_LIVE;
}

/* May this lease end by a detach from this guest? */
static bool rule_detach(Plan *plan, const Want *want, const PlanInput *input, const Lease *lease, const char *device) {
        if (!is_of_guest(want, input, lease)) {
                g_autofree char *guest = input->guest ? guest_info_ref(input->guest) : g_strdup(want->guest);
                bool twin = g_str_equal(guest, lease->guest);
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is leased to %s, not to %s%s", device, lease->guest, guest, twin ? ", which is another guest of that name (its uuid differs); 'vfadm recover' ends the leases of guests that are gone" : "");
        } else if (input->guest && !lease->guest_device) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s was given to %s at its start ('vfadm run') and comes back when it ends", device, lease->guest);
        }
        return plan->refusals->len == 0;
}

/* That one first, and with --with-group the guest's others of its IOMMU group, by address. */
static GPtrArray *find_together(Plan *plan, const Want *want, const PlanInput *input, const Lease *lease) {
        const Dev *dev = snapshot_get(input->host, lease->dev);
        g_autoptr(GPtrArray) members = snapshot_group(input->host, want->with_group && dev && lease_fits(lease, input->host, dev) ? dev->iommu_group : -1);
        GPtrArray *leases = g_ptr_array_new();

        if (rule_detach(plan, want, input, lease, want->device))
                g_ptr_array_add(leases, (gpointer) lease);
        for (unsigned i = 0; i < members->len && leases->len; i++) {
                const Dev *member = members->pdata[i];
                const Lease *other = leases_find(input->leases, member->addr);
                if (!other || other == lease || !is_of_guest(want, input, other))
                        continue;
                rule_detach(plan, want, input, other, member->name);
                g_ptr_array_add(leases, (gpointer) other);
        }
        return leases;
}

/* Each with the process that has it now: the guest may have been started since the ledger was written. */
static Lease *lease_now(const PlanInput *input, const Lease *lease) {
        Lease *now = lease_copy(lease);

        if (guest_still_has(input, lease)) {
                now->pid = (int) input->guest->pid;
                now->pid_start = input->guest->pid_start;
        }
        return now;
}

static void detach_lease(Plan *plan, const Want *want, const PlanInput *input, const Lease *lease) {
        g_autoptr(GPtrArray) leases = find_together(plan, want, input, lease), copies = g_ptr_array_new_with_free_func((GDestroyNotify) lease_free);
        g_autofree Back *backs = g_new0(Back, leases->len + 1);
        g_autofree const GuestDevice **defined = g_new0(const GuestDevice *, leases->len + 1);
        unsigned n = leases->len, scope = 0;

        /* A guest that is not there any more, not even off, has nothing left to choose from. */
        if (n == 0 || plan->refusals->len || (input->guest && !rule_scope(plan, input, want, &scope)))
                return;
        for (unsigned i = 0; i < n; i++) {
                Lease *now = lease_now(input, leases->pdata[i]);
                g_ptr_array_add(copies, now);
                backs[i] = back_new(plan, now, input);
                backs[i].together = backs;
                backs[i].n_together = n;
                defined[i] = input->guest ? find_defined(input->guest, now) : NULL;
                if (input->guest)
                        choose_parts(&backs[i], scope, defined[i]);
        }
        summarize(backs, n);
        if (plan->refusals->len == 0)
                take_back(backs, n, true);
        for (unsigned i = 0; i < n && plan->refusals->len == 0; i++) {
                note_parts(&backs[i], defined[i]);
                note_split(&backs[i]);
        }
}

/* The one lease that this guest has of a pool of that name, or for a NIC with that MAC. */
static const Lease *lease_of_name(const Want *want, const PlanInput *input) {
        const Lease *found = NULL;
        uint8_t mac[6];
        bool by_mac = parse_mac(want->device, mac);

        for (unsigned i = 0; i < input->leases->len; i++) {
                const Lease *lease = input->leases->pdata[i];
                bool named = by_mac ? (lease->given.known & VF_MAC) && memcmp(lease->given.mac, mac, 6) == 0 : g_strcmp0(lease->pool, plan_pool_name(want->device)) == 0;
                if (!named || !is_of_guest(want, input, lease))
                        continue;
                if (found)
                        return NULL;
                found = lease;
        }
        return found;
}

bool plan_detach(Plan *plan, const PlanInput *input, const Want *want, GError **error) {
        g_autoptr(GError) problem = NULL;
        const Lease *lease = lease_of_name(want, input);

        if (!lease)
                lease = plan_find_lease(want, input, &problem);
        if (lease) {
                detach_lease(plan, want, input, lease);
                return true;
        }
        if (plan_detach_nic(plan, input, want))
                return true;
        const Dev *dev = snapshot_find(input->host, want->device, NULL);
        if (dev && guest_is_of_service(input->guest) && (guest_info_find(input->guest, dev->addr) || guest_info_find_defined(input->guest, dev->addr))) {
                g_autofree char *guest = guest_info_ref(input->guest);
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s has %s, and not by vfadm, which does not know what it was before; run 'vfadm import --adopt %s', then this again", guest, want->device, guest);
                return false;
        }
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
}
