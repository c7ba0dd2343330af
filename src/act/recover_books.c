/* What a service's books (libvirt's guests and networks) say of leases that stand in a definition, and of VFs held in networks.
 *
 * The books are read once. Before anything is changed because of them the PF is locked, and the one lease and the one guest are
 * read anew: whoever held the lock may have been in the middle of an attach. */
#include "act/recover.h"

#include "act/effect.h"
#include "base/error.h"
#include "guest/guest.h"
#include "host/host.h"
#include "plan/plan.h"

static const char service_name[] = "libvirt"; /* the only service with networks, which are named after it */

static void index_guests(Recovery *recovery) {
        recovery->guests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (unsigned i = 0; i < recovery->books->guests->len; i++) {
                GuestInfo *guest = recovery->books->guests->pdata[i];
                g_hash_table_insert(recovery->guests, guest_info_ref(guest), guest);
                if (guest->uuid)
                        g_hash_table_insert(recovery->guests, g_ascii_strdown(guest->uuid, -1), guest);
        }
}

const Books *recovery_books(Recovery *recovery) {
        g_autoptr(GError) problem = NULL;

        if (recovery->asked)
                return recovery->books;
        recovery->asked = true;
        recovery->books = guest_books(recovery->act->io, &problem);
        if (recovery->books)
                index_guests(recovery);
        else if (problem) /* libvirt's, or Xen's */
                recovery_tell(recovery, "what stands in definitions of guests, and what is held in networks, is left as it is: %s", problem->message);
        return recovery->books;
}

const GuestInfo *recovery_guest(Recovery *recovery, const Lease *lease) {
        g_autofree char *uuid = lease->guest_uuid ? g_ascii_strdown(lease->guest_uuid, -1) : NULL;
        return g_hash_table_lookup(recovery->guests, uuid ? uuid : lease->guest);
}

/* ---- leases of definitions ---- */

static bool runs_with(const GuestInfo *guest, PciAddr dev) {
        return guest && guest->running && guest_info_find(guest, dev);
}

/* The lease as it should be by what the guest says; NULL: it has neither the device nor a definition with it. */
static Lease *lease_by_guest(const ActContext *act, const Lease *lease, const GuestInfo *guest) {
        bool live = runs_with(guest, lease->dev), defined = guest && guest_info_find_defined(guest, lease->dev);

        if (!live && !defined)
                return NULL;
        Lease *next = lease_copy(lease);
        /* Without a process to watch the lease could not end with the guest. */
        if (live && guest->pid <= 0)
                return next;
        next->config = defined;
        next->pid = live ? guest->pid : 0;
        next->pid_start = live ? guest->pid_start : 0;
        if (!live)
                next->state = LEASE_ACTIVE;
        g_free(next->boot_id);
        next->boot_id = g_strdup(act->boot_id);
        g_free(next->guest);
        next->guest = guest_info_ref(guest);
        return next;
}

bool lease_goes_on_so(const Lease *lease, const Lease *next) {
        return next && g_strcmp0(next->guest_uuid, lease->guest_uuid) == 0 && next->config == lease->config && next->pid == lease->pid && next->pid_start == lease->pid_start &&
               next->state == lease->state && g_strcmp0(next->boot_id, lease->boot_id) == 0 && g_strcmp0(next->guest, lease->guest) == 0;
}

/* After a reboot its VF has lost what the lease gave it, and libvirt sets only a part of that. `lease` as it goes on. *ret_done
 * false: the VF is not there yet, so this is for a later recovery. */
static bool set_again(Recovery *recovery, const Lease *lease, const GPtrArray *leases, const GuestInfo *guest, bool *ret_done, GError **error) {
        ActContext *act = recovery->act;
        g_autoptr(Snapshot) host = recovery_read_host(recovery, HOST_EVERYTHING & ~(unsigned) HOST_NAMES, error);

        *ret_done = false;
        if (!host)
                return false;
        const Dev *dev = snapshot_get(host, lease->dev);
        if (!dev || !lease_fits(lease, host, dev))
                return true;
        /* The guest itself may run by now: libvirt starts some before vfadm comes. */
        if (!runs_with(guest, lease->dev) && !recovery_check_unused(dev, error))
                return false;
        PlanInput input = {.host = host, .leases = leases, .guest = guest, .books = recovery_plan_books(recovery)};
        g_autoptr(Plan) plan = plan_set_again(lease, &input);
        *ret_done = act_run(act, plan, error);
        for (unsigned i = 0; *ret_done && i < plan->notes->len; i++)
                recovery_tell(recovery, "%s", (const char *) plan->notes->pdata[i]);
        if (*ret_done && plan->steps->len)
                recovery_tell(recovery, "%s set for %s again (lease %" G_GINT64_FORMAT "): the machine has been rebooted since", dev->name, lease->guest, lease->id);
        return *ret_done;
}

static bool end_lease(Recovery *recovery, const Lease *lease, const GPtrArray *leases, const GuestInfo *guest, GError **error) {
        LeaseVerdict verdict = recovery_same_boot(recovery->act, lease->boot_id) ? LEASE_GIVE_BACK : LEASE_DROP;
        char dev[PCI_ADDR_TEXT_SIZE];

        if (!lease_end(recovery, lease, leases, verdict, guest, error))
                return false;
        pci_addr_format(lease->dev, dev);
        recovery_tell(recovery, "%s back from %s (lease %" G_GINT64_FORMAT "): %s", dev, lease->guest, lease->id,
                      verdict == LEASE_DROP && !lease->config         ? "the machine has been rebooted since"
                      : !lease->config && (!guest || !guest->running) ? "its guest has ended"
                      : !lease->config                                ? "it has been taken out of the guest"
                      : !guest                                        ? "the guest is not defined any more"
                                                                      : "it is no longer in the guest's definition");
        return true;
}

bool recovery_mend(Recovery *recovery, const Lease *lease, Lease *next, const GPtrArray *leases, const GuestInfo *guest, GError **error) {
        ActContext *act = recovery->act;
        bool rebooted = !recovery_same_boot(act, lease->boot_id), set = true;
        char dev[PCI_ADDR_TEXT_SIZE];

        if (lease_goes_on_so(lease, next))
                return true;
        pci_addr_format(lease->dev, dev);
        if (!next)
                return end_lease(recovery, lease, leases, guest, error);
        if (rebooted && !set_again(recovery, next, leases, guest, &set, error))
                return false;
        if (!set) { /* so that the next recovery tries it again */
                g_free(next->boot_id);
                next->boot_id = g_strdup(lease->boot_id);
        }
        if (lease_goes_on_so(lease, next))
                return true;
        if (!ledger_update_lease(act->ledger, next, error))
                return false;
        if (lease->config && !next->config)
                recovery_tell(recovery, "%s is no longer in the definition of %s: lease %" G_GINT64_FORMAT " ends with the running guest", dev, next->guest, lease->id);
        return true;
}

/* The lease is there, its PF locked, the guest just read (NULL: there is none). */
static bool mend_lease(Recovery *recovery, const Lease *lease, const GPtrArray *leases, const GuestInfo *guest, GError **error) {
        g_autoptr(Lease) next = lease_by_guest(recovery->act, lease, guest);
        return recovery_mend(recovery, lease, next, leases, guest, error);
}

/* The guest of a lease as it is now, under the name that it has in the books; *ret NULL: there is none. */
static bool read_again(Recovery *recovery, const Lease *lease, GuestInfo **ret, GError **error) {
        const GuestInfo *known = recovery_guest(recovery, lease);
        g_autofree char *ref = known ? guest_info_ref(known) : g_strdup(lease->guest);
        g_autoptr(GError) problem = NULL;
        g_autoptr(GuestInfo) guest = guest_read_any(recovery->act->io, ref, &problem);

        if (!guest && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        bool other = guest && lease->guest_uuid && guest->uuid && g_ascii_strcasecmp(guest->uuid, lease->guest_uuid) != 0;
        *ret = other ? NULL : g_steal_pointer(&guest);
        return true;
}

static bool mend_by_guest(Recovery *recovery, const Lease *now, const GPtrArray *leases, const void *user, GError **error) {
        g_autoptr(GuestInfo) guest = NULL;
        return read_again(recovery, now, &guest, error) && mend_lease(recovery, now, leases, guest, error);
}

void recovery_tell_lease(Recovery *recovery, const Lease *lease, const GError *problem) {
        char dev[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(lease->dev, dev);
        g_autofree char *what = g_strdup_printf("%s of %s (lease %" G_GINT64_FORMAT ")", dev, lease->guest, lease->id);
        if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_BUSY))
                recovery_tell(recovery, "%s: left for later: %s", what, problem->message);
        else
                recovery_tell_failure(recovery, what, problem);
}

void recover_config_lease(Recovery *recovery, const Lease *lease) {
        g_autoptr(GError) problem = NULL;

        /* Xen's books know nothing of libvirt's guests: this machine was booted with Xen below it, and may be booted without it again. */
        if (!recovery_books(recovery) || recovery->books->xen)
                return;
        g_autoptr(Lease) next = lease_by_guest(recovery->act, lease, recovery_guest(recovery, lease));
        if (!lease_goes_on_so(lease, next) && !recovery_with_lease(recovery, lease, mend_by_guest, NULL, &problem))
                recovery_tell_lease(recovery, lease, problem);
}

/* ---- what is held in networks ---- */

typedef struct {
        const HostdevNetwork *network;
        PciAddr vf, pf;
        bool hold; /* it is missing; else it is stale */
} Amiss;

/* Keys are the names of functions. */
static char *key_of(PciAddr addr) {
        char *name = g_malloc(PCI_ADDR_TEXT_SIZE);
        pci_addr_format(addr, name);
        return name;
}

static GHashTable *index_leases(const GPtrArray *leases) {
        GHashTable *ret = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (unsigned i = 0; i < leases->len; i++)
                g_hash_table_insert(ret, key_of(((const Lease *) leases->pdata[i])->dev), leases->pdata[i]);
        return ret;
}

static const Lease *lease_of(GHashTable *leased, PciAddr vf) {
        char name[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(vf, name);
        return g_hash_table_lookup(leased, name);
}

static void note_amiss(Recovery *recovery, GArray *amiss, const HostdevNetwork *network, PciAddr vf, PciAddr pf, bool hold) {
        Amiss one = {network, vf, pf, hold};
        if (!recovery_holds(recovery, vf))
                g_array_append_val(amiss, one);
}

/* Ports of ours on VFs that nobody has. Somebody who uses a VF without a lease is kept safe by them, too. */
static bool find_stale(Recovery *recovery, const HostdevNetwork *network, GHashTable *leased, GArray *amiss, GError **error) {
        for (unsigned i = 0; i < network->ports->len; i++) {
                const HostdevPort *port = network->ports->pdata[i];
                if (g_strcmp0(port->owner, HOSTDEV_HOLDER) != 0 || lease_of(leased, port->host))
                        continue;
                if (!recovery->host && !(recovery->host = recovery_read_host(recovery, HOST_USES, error)))
                        return false;
                const Dev *dev = snapshot_get(recovery->host, port->host);
                if (!dev || dev->uses->len == 0)
                        note_amiss(recovery, amiss, network, port->host, dev && dev->is_vf ? dev->pf : port->host, false);
        }
        return true;
}

/* Leased VFs that an active network may give away: it was started anew, and forgot. */
static void find_missing(Recovery *recovery, const HostdevNetwork *network, GHashTable *leased, GArray *amiss) {
        g_autoptr(GHashTable) ported = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        char name[PCI_ADDR_TEXT_SIZE];

        for (unsigned i = 0; i < network->ports->len; i++)
                g_hash_table_add(ported, key_of(((const HostdevPort *) network->ports->pdata[i])->host));
        for (unsigned i = 0; i < network->addresses->len; i++) {
                PciAddr vf = g_array_index(network->addresses, PciAddr, i);
                const Lease *lease = lease_of(leased, vf);
                pci_addr_format(vf, name);
                if (lease && !g_hash_table_contains(ported, name))
                        note_amiss(recovery, amiss, network, vf, lease->pf, true);
        }
}

static int by_pf(gconstpointer a, gconstpointer b) {
        return pci_addr_compare(((const Amiss *) a)->pf, ((const Amiss *) b)->pf);
}

static bool is_so(Recovery *recovery, const Step *step) {
        Fact now = {0};
        bool so = effect_read(recovery->act, step, &now, NULL) && effect_same(step, &now, &step->to, true);

        fact_clear(&now);
        return so;
}

static void mend_hold(Recovery *recovery, const Amiss *amiss) {
        g_autoptr(Plan) plan = plan_new("recover");
        g_autoptr(GError) problem = NULL;
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(amiss->vf, name);
        Step *step = plan_add(plan, step_new(STEP_HOLD, amiss->vf, amiss->hold ? "it is leased, and the network has forgotten" : "nobody has it any more"));
        step->pf = amiss->pf;
        step->network = g_strdup_printf("%s:%s", service_name, amiss->network->name);
        Fact *side = amiss->hold ? &step->to : &step->from;
        side->text = g_strdup(HOSTDEV_HOLDER);
        /* The books are from before what this recovery has done itself. */
        if (is_so(recovery, step))
                return;
        g_autofree char *what = step_describe(step);
        plan->summary = g_strdup(what);
        if (act_run(recovery->act, plan, &problem))
                recovery_tell(recovery, "%s", what);
        else if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_HALF_DONE))
                recovery_tell_failure(recovery, name, problem);
        else
                recovery_tell(recovery, "%s: left as it is: %s", name, problem->message);
}

/* Those of one PF, which is locked. */
static void mend_holds(Recovery *recovery, const Amiss *amiss, unsigned n) {
        g_autoptr(GPtrArray) leases = ledger_leases(recovery->act->ledger, NULL);
        g_autoptr(GHashTable) leased = leases ? index_leases(leases) : NULL;

        for (unsigned i = 0; leased && i < n; i++)
                if ((lease_of(leased, amiss[i].vf) != NULL) == amiss[i].hold)
                        mend_hold(recovery, &amiss[i]);
}

static bool find_amiss(Recovery *recovery, GArray *amiss, GError **error) {
        g_autoptr(GPtrArray) leases = ledger_leases(recovery->act->ledger, error);
        g_autoptr(GHashTable) leased = leases ? index_leases(leases) : NULL;

        g_clear_pointer(&recovery->host, snapshot_free);
        for (unsigned i = 0; leased && i < recovery->books->networks->len; i++) {
                const HostdevNetwork *network = recovery->books->networks->pdata[i];
                if (!network->active)
                        continue;
                if (!find_stale(recovery, network, leased, amiss, error))
                        return false;
                find_missing(recovery, network, leased, amiss);
        }
        return leases != NULL;
}

void recover_holds(Recovery *recovery) {
        g_autoptr(GArray) amiss = g_array_new(FALSE, FALSE, sizeof(Amiss));
        g_autoptr(GError) problem = NULL;
        unsigned n;
        int lock;

        if (recovery->act->thorough)
                recovery_books(recovery);
        if (!recovery->books)
                return;
        if (!find_amiss(recovery, amiss, &problem)) {
                recovery_tell_failure(recovery, "networks", problem);
                return;
        }
        g_array_sort(amiss, by_pf);
        for (unsigned i = 0; i < amiss->len; i += n) {
                const Amiss *first = &g_array_index(amiss, Amiss, i);
                for (n = 1; i + n < amiss->len && by_pf(first, first + n) == 0; n++)
                        ;
                if (!act_lock(recovery->act->io, first->pf, PF_LOCK_MS, &lock, NULL))
                        continue; /* whoever has the lock is at it */
                mend_holds(recovery, first, n);
                io_unlock(recovery->act->io, lock);
        }
}
