/* The second look: other programs do not take our locks, so between the snapshot that a plan was made from and the step that
 * takes a function away, somebody may have begun to use it, or have had it and given it back. */
#include "act/effect.h"
#include "act/holder.h"
#include "act/run.h"

#include "base/error.h"
#include "host/host.h"

/* Steps that whoever uses the function would notice. Binding a function that has no driver takes it from nobody. */
static bool is_noticed(const Step *step) {
        if (step->fresh)
                return false;
        switch (step->kind) {
        case STEP_NUMVFS:
                return step->to.number < step->from.number;
        case STEP_DRIVER:
                return step->from.driver && g_strcmp0(step->from.driver, step->to.driver) != 0;
        case STEP_VF_STATE:
        case STEP_RESET:
        case STEP_ASSIGNABLE:
                return true;
        case STEP_GUEST: /* a service that is given the element takes the driver away by itself */
                return step->to.text && step->xml;
        default:
                return false;
        }
}

static bool lets_go(const Plan *plan, const Dev *dev) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_GUEST && !step->to.text && pci_addr_equal(step->dev, dev->addr))
                        return true;
        }
        return false;
}

/* A network or storage use counts by its kind: its words change with every address. A process counts by itself. A domain of Xen's that was to
 * let go has done so before anybody could notice anything: what has the device now is another. */
static bool was_known(const Plan *plan, const Dev *dev, const Use *use) {
        if (use->kind == USE_GUEST && lets_go(plan, dev))
                return false;
        for (unsigned i = 0; i < plan->known->len; i++) {
                const KnownUse *known = &g_array_index(plan->known, KnownUse, i);
                if (known->kind == use->kind && pci_addr_equal(known->dev, dev->addr) && (use->kind != USE_PROCESS || known->pid == use->pid))
                        return true;
        }
        return false;
}

static bool check_dev(const Plan *plan, const Dev *dev, GError **error) {
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (was_known(plan, dev, use))
                        continue;
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s came into use meanwhile (%s), so it was left alone; end that, then try again",
                            dev->name, use->what);
                return false;
        }
        return true;
}

/* Books, then the functions: who uses them now. */
static bool check_users(Run *run, GError **error) {
        const GArray *taken = run->plan->taken;
        g_autoptr(Books) books = NULL;

        if (!holder_books(run->act->io, &books, error))
                return false;
        g_autoptr(Snapshot) now = host_read_uses(run->act->io, &g_array_index(taken, PciAddr, 0), taken->len);
        holder_add_uses(books, now);
        for (unsigned i = 0; i < taken->len; i++) {
                const Dev *dev = snapshot_get(now, g_array_index(taken, PciAddr, i));
                if (dev && !check_dev(run->plan, dev, error))
                        return false;
        }
        return true;
}

bool run_nobody_came(Run *run, const Step *step, GError **error) {
        /* A count takes all VFs at once and for good, and many steps may lie between it and the first look. */
        if (run->plan->taken->len == 0 || !is_noticed(step) || (run->looked && step->kind != STEP_NUMVFS))
                return true;
        run->looked = check_users(run, error);
        return run->looked;
}

static bool is_as_seen(Run *run, const Step *was, GError **error) {
        char name[PCI_ADDR_TEXT_SIZE];
        Fact now = {0};

        if (!effect_read(run->act, was, &now, error))
                return false;
        bool same = effect_same(was, &now, &was->from, false);
        g_autofree char *before = fact_describe(was, &was->from), *after = fact_describe(was, &now);
        fact_clear(&now);
        /* Where they still have it, who it is says more. */
        if (same || (run->plan->taken->len && !check_users(run, error)))
                return same;
        pci_addr_format(was->dev, name);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_BUSY, "%s: somebody else had it meanwhile (%s before, %s now), so it was left alone; try again", name, before, after);
        return false;
}

/* libvirt may have had the function for a moment: its books were read before, the host while the function was on VFIO, and it is held now
 * that libvirt is done with it. A lease that took this for the host's own state would leave it on VFIO in the end, with the MAC and VLAN of
 * libvirt's guest (qemuProcessStop() gives a function back long after QEMU has closed it, and only then its port). */
bool run_is_as_seen(Run *run, const Step *step, GError **error) {
        if (run->compared || (step && (step->kind == STEP_LEASE || step->kind == STEP_HOLD)))
                return true;
        for (unsigned i = 0; i < run->plan->seen->len; i++)
                if (!is_as_seen(run, run->plan->seen->pdata[i], error))
                        return false;
        run->compared = true;
        return true;
}

/* The functions behind a PF's virtfnN links. */
static GArray *vfs_of(Io *io, PciAddr pf) {
        GArray *vfs = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        int count = effect_count_vfs(io, pf);

        for (int i = 0; i < count; i++) {
                g_autofree char *leaf = g_strdup_printf("virtfn%d", i);
                g_autofree char *path = effect_path(pf, leaf);
                g_autofree char *name = NULL;
                PciAddr addr;
                if (io_read_link_name(io, path, &name) >= 0 && pci_addr_parse(name, &addr))
                        g_array_append_val(vfs, addr);
        }
        return vfs;
}

/* That a host's network device came up on a new VF is no reason to keep it: it does so by itself. */
static const Use *use_that_counts(const Dev *dev) {
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind != USE_NETWORK)
                        return use;
        }
        return NULL;
}

bool run_nobody_took(Run *run, const Step *step, GError **error) {
        Io *io = run->act->io;
        g_autoptr(Books) books = NULL;

        if (step->kind != STEP_NUMVFS || step->from.number >= step->to.number)
                return true;
        g_autoptr(GArray) vfs = vfs_of(io, step->dev);
        if (vfs->len == 0)
                return true;
        if (!holder_books(io, &books, error))
                return false;
        g_autoptr(Snapshot) now = host_read_uses(io, &g_array_index(vfs, PciAddr, 0), vfs->len);
        holder_add_uses(books, now);
        for (unsigned i = 0; i < now->devs->len; i++) {
                const Dev *dev = now->devs->pdata[i];
                const Use *use = use_that_counts(dev);
                if (!use)
                        continue;
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE, "%s came into use meanwhile (%s), so the VFs were left alone; run 'vfadm recover' when that has ended",
                            dev->name, use->what);
                return false;
        }
        return true;
}

bool run_link_taken(const Run *run, const Step *step) {
        if (step->kind != STEP_LINK || !step->to.number)
                return false;
        g_autoptr(Snapshot) now = host_read_uses(run->act->io, &step->pf, 1);
        const Dev *pf = snapshot_get(now, step->pf);
        const NetDev *net = pf ? dev_net(pf) : NULL;

        return (pf && use_that_counts(pf)) || (net && (net->addresses->len || net->master));
}
