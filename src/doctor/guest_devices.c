/* Checks of what guests hold, each linear in devices: guests are found by name and by pid in hash tables. */
#include "doctor/guest_checks.h"

#include "base/text.h"

#include <string.h>

typedef struct {
        GHashTable *by_ref; /* "qemu:web1" → GuestInfo*; libvirt's are not there: no lease is theirs */
        GHashTable *by_pid;
} Guests;

static Guests guests_index(const Doctor *doctor) {
        Guests guests = {g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), g_hash_table_new(NULL, NULL)};
        for (unsigned i = 0; i < doctor->guests->len; i++) {
                GuestInfo *guest = doctor->guests->pdata[i];
                if (!guest->by_libvirt)
                        g_hash_table_insert(guests.by_ref, guest_info_ref(guest), guest);
                g_hash_table_insert(guests.by_pid, GINT_TO_POINTER(guest->pid), guest);
        }
        for (unsigned i = 0; i < doctor->domains->len; i++) {
                GuestInfo *guest = doctor->domains->pdata[i];
                if (guest->running)
                        g_hash_table_insert(guests.by_ref, guest_info_ref(guest), guest);
        }
        return guests;
}

static void guests_clear(Guests *guests) {
        g_hash_table_unref(guests->by_ref);
        g_hash_table_unref(guests->by_pid);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Guests, guests_clear)

/* A guest that was renamed for want of a unique name ("pid-812") is still the one of its lease. */
static const GuestInfo *guest_of(const Guests *guests, const Lease *lease) {
        const GuestInfo *guest = g_hash_table_lookup(guests->by_ref, lease->guest);
        return guest ? guest : lease->pid ? g_hash_table_lookup(guests->by_pid, GINT_TO_POINTER(lease->pid)) : NULL;
}

static const GuestInfo *holder_of(const Guests *guests, const Dev *dev) {
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                const GuestInfo *guest = use->kind == USE_PROCESS && use->pid
                                                 ? g_hash_table_lookup(guests->by_pid, GINT_TO_POINTER(use->pid))
                                                 : NULL;
                if (guest)
                        return guest;
        }
        return NULL;
}

static bool held_by_guest(const Dev *dev) {
        for (unsigned i = 0; i < dev->uses->len; i++)
                if (((const Use *) dev->uses->pdata[i])->kind == USE_PROCESS || ((const Use *) dev->uses->pdata[i])->kind == USE_GUEST)
                        return true;
        return false;
}

static char *when(int64_t seconds) {
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
        return time && seconds > 0 ? g_date_time_format(time, "%Y-%m-%d %H:%M UTC") : g_strdup("an unknown time");
}

bool guest_has_lease(const Doctor *doctor, const GuestInfo *guest) {
        g_autofree char *ref = guest_info_ref(guest);
        for (unsigned i = 0; i < doctor->leases->len; i++)
                if (g_strcmp0(((const Lease *) doctor->leases->pdata[i])->guest, ref) == 0)
                        return true;
        return false;
}

static void remedy_pending(Finding *finding, const Dev *dev, const Lease *lease, const GuestInfo *guest) {
        if (!guest)
                remedy(finding, "vfadm recover (the guest does not run any more)");
        else if (guest->status && !g_str_equal(guest->status, "running"))
                remedy(finding, "let the guest run on (it is %s: 'cont' on its monitor), then: vfadm detach %s %s",
                       guest->status, lease->guest, dev->name);
        else
                remedy(finding, "vfadm detach %s %s (once it has booted); or shut the guest down, then: vfadm recover",
                       lease->guest, dev->name);
}

void check_guest_detach_pending(Doctor *doctor) {
        g_auto(Guests) guests = guests_index(doctor);
        for (unsigned i = 0; i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                const Lease *lease = lease_of(doctor, dev);
                if (!lease || lease->state != LEASE_PENDING)
                        continue;
                /* Of a device, the guests in scope are those that list it: one that is not there may run all the same.
                 */
                const GuestInfo *guest = guest_of(&guests, lease);
                g_autofree char *since = when(lease->created);
                Finding *finding = report_dev(doctor, SEVERITY_WARNING, dev,
                                              "%s was asked to let go of it and has not yet", lease->guest);
                seen(finding, "lease %" G_GINT64_FORMAT " is pending; the guest has had the device since %s", lease->id,
                     since);
                if (!guest && doctor->scope == SCOPE_DEVICE)
                        remedy(finding,
                               "vfadm detach %s %s (once the guest has booted); or shut it down, then: vfadm recover",
                               lease->guest, dev->name);
                else
                        remedy_pending(finding, dev, lease, guest);
        }
}

/* Who has a group open has every member's use (host/uses_process.c cannot tell them apart); only what QEMU lists is
 * given. */
static bool only_by_group(const Doctor *doctor, const Dev *dev, const GuestInfo *guest) {
        const GPtrArray *group = group_of(doctor, dev);
        if (group->len < 2 || guest_info_find(guest, dev->addr))
                return false;
        for (unsigned i = 0; i < group->len; i++) {
                const Dev *member = group->pdata[i];
                if (member != dev && guest_info_find(guest, member->addr))
                        return true;
        }
        return false;
}

static bool guest_lists(const GuestInfo *guest, const Lease *lease) {
        if (guest_info_find(guest, lease->dev))
                return true;
        for (unsigned i = 0; lease->guest_device && i < guest->devices->len; i++)
                if (g_strcmp0(((const GuestDevice *) guest->devices->pdata[i])->id, lease->guest_device) == 0)
                        return true;
        return false;
}

/* By name, or by process where the name is not the lease's; a guest of libvirt is found by its process here, as a QEMU's, and one
 * that is defined with the device has another process since its last start. */
static bool is_leased_to(const Lease *lease, const GuestInfo *holder, const char *ref) {
        const char *colon = strchr(lease->guest, ':');
        return g_str_equal(lease->guest, ref) || lease->pid == holder->pid ||
               (lease->config && holder->by_libvirt && colon && g_str_equal(colon + 1, holder->name));
}

/* The guest has it, and the ledger says something else. */
static bool drift_of_holder(Doctor *doctor, const Dev *dev, const Lease *lease, const GuestInfo *holder) {
        g_autofree char *ref = guest_info_ref(holder);
        if (only_by_group(doctor, dev, holder))
                return false;
        if (lease && !is_leased_to(lease, holder, ref)) {
                Finding *finding = report_dev(doctor, SEVERITY_WARNING, dev, "it is leased to %s, but %s holds it",
                                              lease->guest, ref);
                seen(finding, "lease %" G_GINT64_FORMAT "; process %d has it open", lease->id, (int) holder->pid);
                seen_in(finding, "/proc/%d/fd", (int) holder->pid);
                remedy(finding, "end %s or take the device out of it, then: vfadm recover", ref);
                return true;
        }
        if (!lease && doctor->leases_known && !holder->by_libvirt) {
                Finding *finding = report_dev(doctor, SEVERITY_NOTE, dev, "%s holds it, and not by vfadm", ref);
                seen(finding, "process %d has it open; the ledger has no lease of it", (int) holder->pid);
                seen_in(finding, "/proc/%d/fd", (int) holder->pid);
                remedy(finding, "at its next start, if vfadm shall see to it: vfadm run -- QEMU…, or vfadm attach %s",
                       ref);
                return true;
        }
        return false;
}

/* The ledger says that the guest has it, and it has not. */
static bool drift_of_lease(Doctor *doctor, const Dev *dev, const Lease *lease, const GuestInfo *guest) {
        /* A guest that is defined with it has it from its next start on. */
        if (lease->state != LEASE_ACTIVE || lease->config || !guest->asked || guest_lists(guest, lease) || held_by_guest(dev))
                return false;
        bool anew = lease->pid && (lease->pid != guest->pid || lease->pid_start != guest->pid_start);
        Finding *finding = report_dev(doctor, SEVERITY_WARNING, dev,
                                      anew ? "it is leased to %s, which was started anew and has it no more"
                                           : "it is leased to %s, which does not have it",
                                      lease->guest);
        seen(finding, "lease %" G_GINT64_FORMAT "; the guest's monitor lists no such device", lease->id);
        if (guest->socket)
                seen_in(finding, "/%s", guest->socket);
        if (anew)
                remedy(finding, "vfadm recover");
        else
                remedy(finding, "vfadm detach %s %s", lease->guest, dev->name);
        return true;
}

void check_guest_drift(Doctor *doctor) {
        g_auto(Guests) guests = guests_index(doctor);
        unsigned held = 0, wrong = 0;
        for (unsigned i = 0; i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                const Lease *lease = lease_of(doctor, dev);
                const GuestInfo *holder = holder_of(&guests, dev), *leased_to = lease ? guest_of(&guests, lease) : NULL;
                held += leased_to && lease->state == LEASE_ACTIVE;
                wrong += (holder && drift_of_holder(doctor, dev, lease, holder)) ||
                         (leased_to && drift_of_lease(doctor, dev, lease, leased_to));
        }
        if (held && !wrong)
                report(doctor, SEVERITY_OK, NULL, "guests hold what was given");
}

/* Only of the whole host are all guests known. */
void check_guest_gone(Doctor *doctor) {
        g_auto(Guests) guests = guests_index(doctor);
        for (unsigned i = 0; i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                const Lease *lease = lease_of(doctor, dev);
                if (!lease || lease->state != LEASE_ACTIVE || lease->config || guest_of(&guests, lease) || held_by_guest(dev))
                        continue;
                /* Which of Xen's domains run, only its books tell. */
                if (!doctor->books && g_str_has_prefix(lease->guest, "xen:"))
                        continue;
                bool reboot =
                        lease->boot_id && doctor->host->boot_id && !g_str_equal(lease->boot_id, doctor->host->boot_id);
                g_autofree char *since = when(lease->created);
                Finding *finding = report_dev(doctor, SEVERITY_NOTE, dev, "it is leased to %s, which does not run%s",
                                              lease->guest, reboot ? " since the host booted" : "");
                seen(finding, "lease %" G_GINT64_FORMAT ", of %s", lease->id, since);
                remedy(finding,
                       "vfadm recover (gives it back); or start the guest again with 'vfadm run' or 'vfadm attach'");
        }
}

static bool agent_lists(const GuestInfo *guest, const uint8_t mac[6]) {
        char text[MAC_TEXT_SIZE];
        mac_format(mac, text);
        return g_ptr_array_find_with_equal_func(guest->agent_macs, text, g_str_equal, NULL);
}

void check_guest_driver(Doctor *doctor) {
        g_auto(Guests) guests = guests_index(doctor);
        unsigned there = 0, missing = 0;
        for (unsigned i = 0; i < doctor->candidates->len; i++) {
                const Dev *dev = doctor->candidates->pdata[i];
                const Lease *lease = lease_of(doctor, dev);
                const GuestInfo *guest = lease ? guest_of(&guests, lease) : NULL;
                if (!guest || !guest->agent || lease->state != LEASE_ACTIVE || !(lease->given.known & VF_MAC) ||
                    !guest_lists(guest, lease))
                        continue;
                if (agent_lists(guest, lease->given.mac)) {
                        there++;
                        continue;
                }
                char mac[MAC_TEXT_SIZE];
                mac_format(lease->given.mac, mac);
                missing++;
                Finding *finding = report_dev(doctor, SEVERITY_WARNING, dev,
                                              "%s has it, but no network device inside has its MAC", lease->guest);
                seen(finding, "the guest agent lists %u MACs, and %s is none of them", guest->agent_macs->len, mac);
                remedy(finding,
                       "in the guest: 'lspci -nnk -d %04x:%04x' shows whether a driver has it; install or load the VF "
                       "driver (%s)",
                       dev->vendor, dev->device,
                       dev->vendor == 0x8086   ? "igbvf, ixgbevf or iavf"
                       : dev->vendor == 0x15b3 ? "mlx5_core"
                                               : "the card's own");
        }
        if (there && !missing)
                report(doctor, SEVERITY_OK, NULL, "guests have drivers");
}
