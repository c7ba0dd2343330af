/* One change from beginning to end: lock, recover, read, plan, act. */
#include "change/change.h"

#include "base/error.h"
#include "base/parse.h"
#include "change/locks.h"
#include "change/pools.h"
#include "guest/guest.h"
#include "host/driver_modules.h"
#include "host/host.h"

#include <string.h>
#include <unistd.h>

enum { LOCK_TIMEOUT_MS = 60 * 1000 };

struct Change {
        ChangeOptions options;
        LockSet *locks;
        Ledger *ledger;
        Snapshot *host;
        GPtrArray *leases;
        Books *books;     /* of the service that is here; NULL: none, or nobody needs them */
        char *books_note; /* why they could not be read, where that is no error */
        GPtrArray *pools; /* NULL: nobody needs them */
        bool xen_dom0;    /* who has which device only Xen's books tell */
        char *boot_id;
        uint64_t pid_start;
};

void change_free(Change *change) {
        if (!change)
                return;
        g_clear_pointer(&change->leases, g_ptr_array_unref);
        g_clear_pointer(&change->pools, g_ptr_array_unref);
        books_free(change->books);
        g_free(change->books_note);
        snapshot_free(change->host);
        ledger_free(change->ledger);
        locks_free(change->locks);
        g_free(change->boot_id);
        g_free(change);
}

static unsigned lock_timeout(const ChangeOptions *options) {
        return options->lock_timeout_ms ? options->lock_timeout_ms : LOCK_TIMEOUT_MS;
}

static ActContext act_context(Change *change) {
        return (ActContext) {
                .io = change->options.io,
                .ledger = change->ledger,
                .boot_id = change->boot_id,
                .pid = (int) getpid(),
                .pid_start = change->pid_start,
                .progress = change->options.progress,
                .user = change->options.user,
                .detach_timeout_ms = change->options.detach_timeout_ms,
        };
}

static void tell(const ChangeOptions *options, const GPtrArray *lines) {
        for (unsigned i = 0; options->told && i < lines->len; i++)
                options->told(options->user, lines->pdata[i]);
}

/* Before the change takes its own locks: recovery takes those of the PFs that it mends. */
static bool recover(Change *change, bool thorough, GError **error) {
        g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);
        ActContext act = act_context(change);

        act.thorough = thorough;
        bool ok = act_recover(&act, told, error);
        tell(&change->options, told);
        return ok;
}

static Change *change_open(const ChangeOptions *options, GError **error) {
        g_autoptr(Change) change = g_new0(Change, 1);
        change->options = *options;

        if (io_boot_id(options->io, &change->boot_id) < 0)
                change->boot_id = g_strdup("");
        /* Where /proc tells nothing of us (a recorded host) the start time stays 0 and names nobody. */
        io_process_start(options->io, (int) getpid(), &change->pid_start);
        change->ledger = ledger_open(options->ledger_dir, options->dry_run, error);
        if (!change->ledger)
                return NULL;
        return g_steal_pointer(&change);
}

/* A part of a plan that was left half-done lies behind our locks. */
static bool is_half_done(const Change *change, const JournalPlan *plan) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = ((const JournalStep *) plan->steps->pdata[i])->step;
                const Lease *lease = step->to.lease ? step->to.lease : step->from.lease;
                if (step_is_of_host(step) ? locks_hold_boot(change->locks) : locks_hold(change->locks, lease ? lease->pf : step->pf))
                        return true;
        }
        return false;
}

/* What could not be recovered elsewhere is told and stands in nobody's way; where it is what this change is about, or the
 * ledger itself does not work, it is the error. Takes `problem` over. */
static bool may_go_on(Change *change, GError *problem, GError **error) {
        g_autoptr(GPtrArray) plans = ledger_unfinished(change->ledger, NULL);
        bool blocks = !plans || problem->code == VFADM_ERROR_LEDGER || problem->code == VFADM_ERROR_PERMISSION;

        for (unsigned i = 0; !blocks && i < plans->len; i++)
                blocks = is_half_done(change, plans->pdata[i]);
        if (blocks)
                g_propagate_error(error, problem);
        else
                g_error_free(problem);
        return !blocks;
}

/* Recovery first, since it takes locks of its own. */
static bool recover_and_lock(Change *change, Want *const *wants, unsigned n, GError **error) {
        const ChangeOptions *options = &change->options;
        GError *problem = NULL;

        recover(change, false, &problem);
        g_autoptr(GPtrArray) leases = ledger_leases(change->ledger, problem ? NULL : error);
        change->locks = leases ? locks_take(options->io, wants, n, leases, lock_timeout(options), problem ? NULL : error) : NULL;
        if (change->locks)
                return !problem || may_go_on(change, problem, error);
        if (problem)
                g_propagate_error(error, problem);
        return false;
}

static unsigned to_read(const Want *want) {
        const unsigned usual = HOST_VF_STATE | HOST_USES;

        if (want->at_boot)
                return HOST_SETUP | HOST_USES;
        switch (want->kind) {
        case WANT_BOOT:
        case WANT_BOOT_UNDO:
        case WANT_IMPORT:
                return HOST_SETUP;
        case WANT_ENABLE: /* which driver the VFs will have stands in config space */
                return usual | HOST_CAPS;
        case WANT_APPLY:
                return usual | HOST_CAPS | HOST_OPEN_DISKS;
        case WANT_BIND:
        case WANT_UNBIND:
        case WANT_ATTACH:
        case WANT_LEND:
                return usual | HOST_OPEN_DISKS;
        default:
                return usual;
        }
}

/* There are no groups on dom0: which functions go together stands in config space (model/companions.h). */
static unsigned to_read_on_dom0(const Want *want) {
        return (want->kind == WANT_BIND && !want->at_boot) || want->kind == WANT_ATTACH ? HOST_CAPS : 0;
}

/* ---- what the service and the pools say ---- */

/* A name that could be a pool's stands where --from takes a device. */
static bool may_name_pool(const Want *want) {
        bool from = (want->kind == WANT_ATTACH || want->kind == WANT_LEND) && want->device;
        return from && (g_str_has_prefix(want->device, "pool:") || pool_name_ok(want->device));
}

typedef enum { BOOKS_NOT, BOOKS_IF_ANY, BOOKS_MUST } BooksNeed;

/* The lease that a want would end: by its number ("12", "#12"), or by its device in any of the device's names. */
static const Lease *lease_named(const Change *change, const Want *want) {
        const Dev *dev = change->host ? snapshot_find(change->host, want->device, NULL) : NULL;
        uint64_t id = 0;
        PciAddr addr;
        bool by_id = parse_uint(want->device + (want->device[0] == '#'), 10, 1, INT64_MAX, &id);
        bool by_addr = !by_id && (dev || pci_addr_parse(want->device, &addr));

        if (dev)
                addr = dev->addr;
        for (unsigned i = 0; change->leases && i < change->leases->len; i++) {
                const Lease *lease = change->leases->pdata[i];
                if (by_id ? lease->id == (int64_t) id : by_addr && pci_addr_equal(lease->dev, addr))
                        return lease;
        }
        return NULL;
}

static BooksNeed need_of_guest(const char *ref) {
        const char *name;
        return ref && guest_service(ref, &name, NULL) ? BOOKS_MUST : BOOKS_IF_ANY;
}

/* Guests of QEMU get their devices taken back while libvirt is here and does not answer; what is held in its networks for them is
 * then let go of by the next recovery. */
static BooksNeed books_need(const Change *change, const Want *want, const GuestInfo *guest) {
        g_autofree char *ref = guest ? guest_info_ref(guest) : NULL;
        const Lease *lease;

        switch (want->kind) {
        case WANT_LEND:
        case WANT_APPLY: /* on dom0; there plan/ leaves alone what is bound to pciback where they are not to be had */
                return BOOKS_IF_ANY;
        case WANT_RELEASE:
                lease = lease_named(change, want);
                return need_of_guest(lease ? lease->guest : NULL);
        case WANT_DETACH:
                return need_of_guest(ref);
        case WANT_ATTACH:
                return BOOKS_MUST;
        default:
                return want_is_of_pools(want) ? BOOKS_MUST : BOOKS_NOT;
        }
}

/* A function that a domain has looks unused to dom0's kernel: nothing is changed there before the books were read. Without a module for them
 * plan/ refuses what is bound to pciback. */
static bool needs_xen(const Change *change, const Want *want) {
        return change->xen_dom0 && !want->at_boot && want->kind != WANT_BOOT && want->kind != WANT_BOOT_UNDO && want->kind != WANT_IMPORT;
}

static bool read_books(Change *change, Want *const *wants, unsigned n, const GuestInfo *guest, GError **error) {
        g_autoptr(GError) problem = NULL;
        BooksNeed need = BOOKS_NOT;

        for (unsigned i = 0; i < n && need != BOOKS_MUST; i++)
                need = needs_xen(change, wants[i]) && wants[i]->kind != WANT_APPLY && guest_backend("xen", NULL) ? BOOKS_MUST : MAX(need, books_need(change, wants[i], guest));
        if (need == BOOKS_NOT || change->books || change->books_note)
                return true;
        change->books = guest_books(change->options.io, &problem);
        if (!problem)
                return true;
        if (need == BOOKS_MUST) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        change->books_note = g_strdup_printf("what %s have could not be looked at: %s", change->xen_dom0 ? "Xen's guests" : "libvirt's guests and networks", problem->message);
        return true;
}

static bool read_pools(Change *change, Want *const *wants, unsigned n, GError **error) {
        bool needed = false;

        for (unsigned i = 0; i < n; i++)
                needed |= want_is_of_pools(wants[i]) || may_name_pool(wants[i]);
        if (needed && !change->pools)
                change->pools = pools_read(change->options.io, error);
        return !needed || change->pools;
}

static bool hands_out(const Want *want) {
        return want->kind == WANT_ATTACH || want->kind == WANT_LEND || want_is_of_pools(want);
}

Change *change_begin(const ChangeOptions *options, Want *const *wants, unsigned n, GError **error) {
        g_autoptr(Change) change = change_open(options, error);

        if (!change || (!options->dry_run && !recover_and_lock(change, wants, n, error)))
                return NULL;
        change->xen_dom0 = host_is_xen_dom0(options->io);
        /* Before the host: a device that libvirt takes back is the host's again before it leaves the books (qemuDomainRemoveHostDevice,
         * qemuProcessStop). Read the other way round, it could be nobody's, and still look as its guest had it. */
        if ((hands_out(wants[0]) || needs_xen(change, wants[0])) && !read_books(change, wants, n, NULL, error))
                return NULL;
        change->host = host_read(options->io, to_read(wants[0]) | (change->xen_dom0 ? to_read_on_dom0(wants[0]) : 0), error);
        if (change->host)
                books_add_uses(change->books, change->host);
        change->leases = change->host ? ledger_leases(change->ledger, error) : NULL;
        for (unsigned i = 0; change->leases && i < change->leases->len; i++) {
                Lease *lease = change->leases->pdata[i];
                lease->holder_lives = act_holder_lives(options->io, change->books, lease);
        }
        return change->leases ? g_steal_pointer(&change) : NULL;
}

/* The device that a plan would hand to VFIO, whose driver the kernel may name; NULL for other plans. */
static const Dev *dev_for_vfio(const Change *change, const Want *want, const PlanInput *input) {
        if (want->kind == WANT_BIND && !want->at_boot)
                return snapshot_find(change->host, want->device, NULL);
        if (want->kind == WANT_ATTACH || want->kind == WANT_LEND)
                return plan_choose(want, input, NULL);
        return NULL;
}

/* NULL: plain vfio-pci. The VFs of a card are all alike, and the list of aliases is long: each modalias is asked once. */
static const char *vfio_driver_for(const Change *change, const char *modalias, GHashTable *known) {
        char *variant = NULL;

        if (!modalias)
                return NULL;
        if (!g_hash_table_contains(known, modalias)) {
                /* Modules are named with '_' throughout, and so are the variants' drivers; only the generic one has '-'. */
                if (io_vfio_variant(change->options.io, modalias, &variant) == 0 && g_str_equal(variant, "vfio_pci"))
                        g_clear_pointer(&variant, g_free);
                g_hash_table_insert(known, g_strdup(modalias), variant);
        }
        return g_hash_table_lookup(known, modalias);
}

/* For the VFs of each PF that is configured, also where it has none yet. NULL for other wants. */
static GHashTable *vfio_of_pfs(const Change *change, const Want *want, GHashTable *known) {
        if (want->kind != WANT_APPLY)
                return NULL;
        GHashTable *drivers = g_hash_table_new(NULL, NULL);
        g_autoptr(GPtrArray) pfs = plan_apply_pfs(want->conf, change->host);
        for (unsigned i = 0; i < pfs->len; i++) {
                const Dev *pf = pfs->pdata[i], *vf = pf->num_vfs ? snapshot_vf(change->host, pf, 0) : NULL;
                g_autofree char *alias = vf && vf->modalias ? g_strdup(vf->modalias) : plan_vf_modalias(pf);
                g_hash_table_insert(drivers, (gpointer) pf, (gpointer) vfio_driver_for(change, alias, known));
        }
        return drivers;
}

/* Whom pciback must come before, for a device that it is to have at boot. */
static void find_modules(const Change *change, const Want *want, GPtrArray *modules, PlanInput *input) {
        const Dev *dev = want->at_boot && want->kind == WANT_BIND ? snapshot_find(change->host, want->device, NULL) : NULL;

        if (!dev)
                return;
        DriverModules *found = host_driver_modules(change->options.io, change->host->kernel_release, dev);
        g_ptr_array_add(modules, found);
        input->host_modules = found->loadable;
        input->host_builtin = found->builtin;
}

/* Which locks are needed is told from names, before anything is read; a pool may have been made meanwhile that has such a name. */
static bool check_locked(const Change *change, const Plan *plan, GError **error) {
        char name[PCI_ADDR_TEXT_SIZE];

        for (unsigned i = 0; change->locks && i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind != STEP_LEASE || !step->to.lease || locks_hold(change->locks, step->to.lease->pf))
                        continue;
                pci_addr_format(step->dev, name);
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_BUSY, "%s: what was named means another device since just now, so nothing was changed; try again", name);
                return false;
        }
        return true;
}

const Dev *change_choose(Change *change, const Want *want, const GuestInfo *guest, GError **error) {
        Want *const wants[] = {(Want *) want};

        if (!read_pools(change, wants, 1, error) || !read_books(change, wants, 1, guest, error))
                return NULL;
        const PlanInput input = {.host = change->host, .leases = change->leases, .guest = guest, .books = change->books, .pools = change->pools};
        return plan_choose(want, &input, error);
}

Plan *change_plan(Change *change, Want *const *wants, unsigned n, const GuestInfo *guest, GError **error) {
        g_autoptr(GHashTable) variants = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_autoptr(GHashTable) of_pfs = vfio_of_pfs(change, wants[0], variants);
        g_autofree PlanInput *inputs = g_new0(PlanInput, n);
        g_autoptr(GPtrArray) modules = g_ptr_array_new_with_free_func((GDestroyNotify) driver_modules_free);

        if (!read_pools(change, wants, n, error) || !read_books(change, wants, n, guest, error))
                return NULL;
        for (unsigned i = 0; i < n; i++) {
                inputs[i] = (PlanInput) {.host = change->host, .leases = change->leases, .guest = guest, .books = change->books, .pools = change->pools};
                const Dev *dev = dev_for_vfio(change, wants[i], &inputs[i]);
                inputs[i].vfio_driver = vfio_driver_for(change, dev ? dev->modalias : NULL, variants);
                inputs[i].vfio_of_pf = of_pfs;
                find_modules(change, wants[i], modules, &inputs[i]);
        }
        g_autoptr(Plan) plan = plan_make_all(wants, inputs, n, error);
        if (!plan || !check_locked(change, plan, error))
                return NULL;
        if (change->books_note)
                plan_note(plan, "%s", change->books_note);
        return g_steal_pointer(&plan);
}

bool change_act(Change *change, const Plan *plan, GError **error) {
        ActContext act = act_context(change);
        return act_run(&act, plan, error);
}

/* A detach from a guest that has ended meanwhile is no error: there is only more to give back. */
static bool read_guest(const ChangeOptions *options, const Want *want, GuestInfo **ret, GError **error) {
        g_autoptr(GError) local = NULL;

        if (!want->guest)
                return true;
        *ret = want->kind == WANT_LEND ? guest_read(options->io, want->guest, &local) : guest_read_any(options->io, want->guest, &local);
        if (*ret || (want->kind == WANT_DETACH && g_error_matches(local, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)))
                return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
}

bool change_do(const ChangeOptions *options, Want *const *wants, unsigned n, Plan **ret_plan, GError **error) {
        g_autoptr(GuestInfo) guest = NULL;

        g_autoptr(Change) change = change_begin(options, wants, n, error);
        if (!change || !read_guest(options, wants[0], &guest, error))
                return false;
        g_autoptr(Plan) plan = change_plan(change, wants, n, guest, error);
        if (!plan)
                return false;
        bool ok = plan_check(plan, error) && (options->dry_run || plan->steps->len == 0 || change_act(change, plan, error));
        if (ret_plan)
                *ret_plan = g_steal_pointer(&plan);
        return ok;
}

bool change_recover(const ChangeOptions *options, GError **error) {
        g_autoptr(Change) change = change_open(options, error);
        return change && recover(change, true, error);
}
