/* After a crash or a reboot: leases whose holder is gone are given back, or dropped where the reboot took all but the ledger's
 * row along. A lease that stands in a guest's definition has no such holder: see recover_books.c. */
#include "act/recover.h"

#include "base/error.h"
#include "guest/guest.h"
#include "host/host.h"
#include "plan/plan.h"

/* How long libvirt is waited for, while the PF is locked. */
enum { SERVICE_US = 5 * 1000 * 1000, SERVICE_LOOK_MS = 100 };

bool lease_is_of_service(const Lease *lease) {
        const char *name;
        return lease->config || guest_service(lease->guest, &name, NULL) != NULL;
}

/* Whether its guest runs is all that is asked here, since every changing verb comes by. */
bool lease_needs_look(const ActContext *act, const Lease *lease) {
        if (lease->state == LEASE_PENDING || !io_process_lives(act->io, lease->pid, lease->pid_start, lease->boot_id))
                return true;
        return act->thorough && lease_is_of_service(lease);
}

/* The guest of a pending lease; *ret NULL: there is none of that name any more. Another guest may have its name by now, which says
 * nothing of the device. */
static bool read_holder(Recovery *recovery, const Lease *lease, GuestInfo **ret, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(GuestInfo) guest = guest_read(recovery->act->io, lease->guest, &problem);

        if (!guest && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        if (guest && lease->guest_uuid && guest->uuid && g_ascii_strcasecmp(guest->uuid, lease->guest_uuid) != 0) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_BUSY,
                            "another guest is called %s now, and the one that has the device (uuid %s) still runs; detach it there under its new name, or shut it down",
                            lease->guest, lease->guest_uuid);
                return false;
        }
        *ret = g_steal_pointer(&guest);
        return true;
}

/* What is to be done about a lease; *why in a clause, *info the guest that has let go but still runs. */
static LeaseVerdict judge_lease(Recovery *recovery, const Lease *lease, const char **why, GuestInfo **info) {
        ActContext *act = recovery->act;
        g_autoptr(GError) problem = NULL;

        if (!recovery_same_boot(act, lease->boot_id)) {
                *why = "the machine has been rebooted since";
                return LEASE_DROP;
        }
        *why = "its guest has ended";
        if (!io_process_lives(act->io, lease->pid, lease->pid_start, lease->boot_id))
                return LEASE_GIVE_BACK;
        if (lease->state != LEASE_PENDING)
                return LEASE_KEEP;
        *why = "its guest has let go";
        if (!read_holder(recovery, lease, info, &problem)) {
                recovery_tell(recovery, "lease %" G_GINT64_FORMAT ": %s", lease->id, problem->message);
                return LEASE_KEEP;
        }
        if (!*info || !guest_info_find(*info, lease->dev))
                return LEASE_GIVE_BACK;
        g_clear_pointer(info, guest_info_free);
        return LEASE_KEEP;
}

static Plan *plan_drop(const Lease *lease) {
        Plan *plan = plan_new("recover");
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(lease->dev, name);
        plan->summary = g_strdup_printf("%s: lease %" G_GINT64_FORMAT " ended", name, lease->id);
        Step *step = plan_add(plan, step_new(STEP_LEASE, lease->dev, "the machine has been rebooted since"));
        step->from.lease = lease_copy(lease);
        return plan;
}

/* When a guest's process has ended, libvirt gives a managed device back some time after (qemuProcessStop(): hooks, labels, cgroups), and
 * until then says that the guest runs with it. Taken back before, the device could be another guest's by then, from which libvirt would take
 * it: it binds whatever it finds bound anew. Where libvirt does not answer, nobody does that. */
static bool service_is_done(const Recovery *recovery, const Lease *lease, GError **error) {
        Io *io = recovery->act->io;
        const int64_t until = io_now(io) + SERVICE_US;
        char dev[PCI_ADDR_TEXT_SIZE];

        while (lease->managed) {
                g_autoptr(GuestInfo) guest = guest_read(io, lease->guest, NULL);
                if (!guest || guest->pid != lease->pid || !guest_info_find(guest, lease->dev))
                        return true;
                if (io_now(io) >= until) {
                        pci_addr_format(lease->dev, dev);
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_BUSY, "libvirt has not given %s back yet, though the process of %s has ended; run 'vfadm recover' later", dev, lease->guest);
                        return false;
                }
                io_pause(io, SERVICE_LOOK_MS);
        }
        return true;
}

/* Reads the machine and runs the plan that takes the device back. The PF is locked. */
static bool give_back(Recovery *recovery, const Lease *lease, const GPtrArray *leases, const GuestInfo *info, GError **error) {
        ActContext *act = recovery->act;

        if (!service_is_done(recovery, lease, error))
                return false;
        g_autoptr(Snapshot) host = recovery_read_host(recovery, HOST_EVERYTHING & ~(unsigned) HOST_NAMES, error);
        if (!host)
                return false;
        const Dev *dev = snapshot_get(host, lease->dev);
        if (dev && lease_fits(lease, host, dev) && !recovery_check_unused(dev, error))
                return false;
        PlanInput input = {.host = host, .leases = leases, .guest = info, .books = recovery_plan_books(recovery)};
        g_autoptr(Plan) plan = plan_give_back(lease, &input);
        return act_run(act, plan, error);
}

bool lease_end(Recovery *recovery, const Lease *lease, const GPtrArray *leases, LeaseVerdict verdict, const GuestInfo *info, GError **error) {
        if (verdict != LEASE_DROP)
                return give_back(recovery, lease, leases, info, error);
        g_autoptr(Plan) drop = plan_drop(lease);
        return act_run(recovery->act, drop, error);
}

bool recovery_with_lease(Recovery *recovery, const Lease *lease, RecoveryDeed deed, const void *user, GError **error) {
        ActContext *act = recovery->act;
        int lock;

        if (!act_lock(act->io, lease->pf, PF_LOCK_MS, &lock, error))
                return false;
        g_autoptr(GPtrArray) leases = ledger_leases(act->ledger, error);
        const Lease *now = leases ? leases_find(leases, lease->dev) : NULL;
        bool ok = leases != NULL;
        if (now && now->id == lease->id)
                ok = deed(recovery, now, leases, user, error);
        io_unlock(act->io, lock);
        return ok;
}

/* What was judged of a lease. */
typedef struct {
        LeaseVerdict verdict;
        const GuestInfo *info;
} Judged;

static bool end_judged(Recovery *recovery, const Lease *now, const GPtrArray *leases, const void *user, GError **error) {
        const Judged *judged = user;
        return lease_end(recovery, now, leases, judged->verdict, judged->info, error);
}

/* By whoever uses the service itself, from a guest that goes on running: only its books tell. */
static bool may_be_taken_out(const Recovery *recovery, const Lease *lease) {
        const ActContext *act = recovery->act;
        return act->thorough && lease->state == LEASE_ACTIVE && io_process_lives(act->io, lease->pid, lease->pid_start, lease->boot_id) &&
               lease_is_of_service(lease);
}

static void recover_lease(Recovery *recovery, const Lease *lease) {
        g_autoptr(GuestInfo) info = NULL;
        g_autoptr(GError) problem = NULL;
        char dev[PCI_ADDR_TEXT_SIZE];
        const char *why = NULL;

        if (recovery_holds(recovery, lease->dev))
                return;
        if (lease_is_xen(lease)) {
                recover_xen_lease(recovery, lease);
                return;
        }
        if (lease->config || may_be_taken_out(recovery, lease)) {
                recover_config_lease(recovery, lease);
                return;
        }
        LeaseVerdict verdict = judge_lease(recovery, lease, &why, &info);
        if (verdict == LEASE_KEEP)
                return;
        pci_addr_format(lease->dev, dev);
        g_autofree char *what = g_strdup_printf("%s back from %s (lease %" G_GINT64_FORMAT ")", dev, lease->guest, lease->id);
        const Judged judged = {verdict, info};
        if (!recovery_with_lease(recovery, lease, end_judged, &judged, &problem)) {
                if (g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_BUSY))
                        recovery_tell(recovery, "%s: left for later: %s", what, problem->message);
                else
                        recovery_tell_failure(recovery, what, problem);
        } else {
                recovery_tell(recovery, "%s: %s", what, why);
        }
}

void recover_leases(Recovery *recovery, const GPtrArray *leases) {
        for (unsigned i = 0; i < leases->len; i++)
                recover_lease(recovery, leases->pdata[i]);
}
