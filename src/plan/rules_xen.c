/* Rules for devices and guests of Xen's, whose dom0 this host is: groups are not to be seen there, VFIO has no IOMMU, and who has a
 * function that is bound to pciback only Xen's books tell. */
#include "plan/rules.h"

#include "base/error.h"
#include "model/companions.h"

enum { NAMED_MAX = 4 };

bool guest_is_xen(const GuestInfo *guest) {
        return guest && g_str_equal(guest->backend, "xen");
}

char *plan_lease_uuid(const GuestInfo *guest, bool config) {
        return config && guest->uuid_of_run ? NULL : g_strdup(guest->uuid);
}

static bool books_are_xen(const PlanInput *input) {
        return input->books && input->books->xen;
}

bool rule_guests_seen(Plan *plan, const PlanInput *input, const Dev *dev) {
        g_autofree char *nick = snapshot_nick(input->host, dev);

        if (!input->host->xen_dom0 || !driver_is_xen(dev->driver) || books_are_xen(input))
                return true;
        plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is bound to %s, and whether a Xen guest has it cannot be known without the module: install the package vfadm-xen", nick, dev->driver);
        return false;
}

bool rule_is_kept_for_others(const PlanInput *input, const Dev *dev) {
        bool may_be_xen = !input->guest || guest_is_xen(input->guest);
        return driver_is_xen(dev->driver) && !(may_be_xen && books_are_xen(input));
}

/* libxl looks at the same (libxl_physinfo's cap_..._directio), and pciback would bind without it: then nothing keeps the guest from
 * this host's memory. */
bool rule_directio(Plan *plan, const PlanInput *input, const Dev *dev) {
        if (!input->host->xen_dom0)
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s cannot be kept for guests of Xen: this host is not Xen's dom0", dev->name);
        else if (!books_are_xen(input))
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s cannot be given to a guest of Xen without vfadm's module for it: install the package vfadm-xen", dev->name);
        else if (!input->books->xen->directio)
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED,
                            "Xen uses no IOMMU on this host, so %s cannot be given to a guest; turn on VT-d or AMD-Vi in the BIOS, and see that Xen's own command line does not say iommu=off ('vfadm doctor' tells more)", dev->name);
        else
                return true;
        return false;
}

/* Another guest that has it, or is to have it: "xen:db (domain 3)". The caller frees; NULL: none. */
static char *other_guest(const PlanInput *input, const Dev *dev, const char *guest) {
        const Lease *lease = leases_find(input->leases, dev->addr);
        g_autofree char *who = input->books ? books_who_has(input->books, dev->addr, guest) : NULL;

        if (lease && g_strcmp0(lease->guest, guest) != 0)
                return g_strdup_printf("it is leased to %s", lease->guest);
        return g_steal_pointer(&who);
}

static bool is_with_dom0(const Dev *dev) {
        return !driver_is_xen(dev->driver) && !driver_lets_vfio_be(dev->driver);
}

static void append_name(GString *names, unsigned n, const Dev *dev, bool with_driver) {
        if (n <= NAMED_MAX)
                g_string_append_printf(names, with_driver ? "%s%s (%s)" : "%s%s", n > 1 ? ", " : "", dev->name, dev->driver);
}

static void append_more(GString *names, unsigned n) {
        if (n > NAMED_MAX)
                g_string_append_printf(names, " and %u more", n - NAMED_MAX);
}

/* No IOMMU can tell their DMA from that of `dev`: what is kept from dom0, or given to a guest, is all of them. */
static void rule_same_id(Plan *plan, const PlanInput *input, const Dev *dev, const Companions *companions, const char *guest, GPtrArray *along) {
        g_autoptr(GString) names = g_string_new(NULL);
        unsigned blocking = 0;

        for (unsigned i = 0; i < companions->same_id->len; i++) {
                const Dev *other = companions->same_id->pdata[i];
                g_autofree char *who = other_guest(input, other, guest);
                if (who)
                        plan_refuse(plan, VFADM_ERROR_IN_USE, "%s cannot be told from %s by an IOMMU (they are behind one conventional bus), and that is not free: %s; they go to one guest, or none does", dev->name, other->name, who);
                else if (is_with_dom0(other) && along && rule_unused(plan, input, other, false, NULL))
                        g_ptr_array_add(along, (gpointer) other);
                else if (is_with_dom0(other) && !along)
                        append_name(names, ++blocking, other, true);
        }
        append_more(names, blocking);
        if (blocking)
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s cannot be told from %s by an IOMMU (they are behind one conventional bus), and this host's drivers would lose their memory with it; 'vfadm bind %s pciback --with-group' takes them all from their drivers, or put the card in another slot", dev->name, names->str, dev->name);
}

static void note_reachable(Plan *plan, const PlanInput *input, const Dev *dev, const Companions *companions, const char *guest) {
        g_autoptr(GString) names = g_string_new(NULL);
        unsigned n = 0;

        for (unsigned i = 0; i < companions->reachable->len; i++) {
                const Dev *other = companions->reachable->pdata[i];
                const Lease *lease = leases_find(input->leases, other->addr);
                if (!lease || g_strcmp0(lease->guest, guest) != 0)
                        append_name(names, ++n, other, false);
        }
        append_more(names, n);
        const char *where = companions->port ? companions->port->name : "their slot";
        if (n)
                plan_note(plan, "%s can reach %s past the IOMMU, since %s does not isolate (no ACS): whoever has the one can disturb the other", dev->name, names->str, where);
        if (!companions->known)
                plan_note(plan, "what can reach %s, or cannot be told from it by an IOMMU, is not known: the config space of what is above it could not be read", dev->name);
}

bool rule_companions(Plan *plan, const PlanInput *input, const Dev *dev, const char *guest, GPtrArray *along) {
        g_autoptr(Companions) companions = companions_of(input->host, dev);

        rule_same_id(plan, input, dev, companions, guest, along);
        if (plan->refusals->len == 0)
                note_reachable(plan, input, dev, companions, guest);
        return plan->refusals->len == 0;
}
