/* The plans of `vfadm pool`: the pool's file, whether it is started, and its network of libvirt. */
#include "plan/pool_define.h"

#include "base/error.h"
#include "want/pool_file.h"

#include <string.h>

static void plan_file(Plan *plan, const char *path, const char *from, const char *to, const char *reason) {
        if (g_strcmp0(from, to) == 0)
                return;
        Step *step = plan_add(plan, step_new(STEP_FILE, (PciAddr){0}, reason));
        step->path = g_strdup(path);
        step->from.text = g_strdup(from);
        step->to.text = g_strdup(to);
}

/* The file says it only where the pool is not as it is to be after a boot. */
static void plan_state(Plan *plan, const Pool *pool, const char *from, bool there) {
        g_autofree char *path = pool_state_path(pool->name);
        const char *to = !there || pool->started == pool->autostart ? NULL
                         : pool->started                            ? POOL_STARTED
                                                                    : POOL_STOPPED;

        plan_file(plan, path, from, to,
                  !there          ? "the pool goes away"
                  : pool->started ? "the pool hands out VFs"
                                  : "the pool hands out nothing");
}

/* Where the pool has a network: as the pool is now. */
static void plan_its_network(Plan *plan, const PlanInput *input, const Pool *pool) {
        if (!pool->libvirt)
                return;
        if (!input->books) {
                plan_note(plan,
                          "libvirt is not here, so network %s is not touched; 'vfadm recover' brings it in step when "
                          "libvirt runs",
                          pool->name);
                return;
        }
        g_autoptr(HostdevNetwork) network = pool_network(pool, input->host);
        pool_plan_network(plan, input, pool->name, network);
}

/* The pool's own file can be written; one that a person wrote cannot. */
static bool may_write(Plan *plan, const Pool *pool, const char *what) {
        if (pool->text)
                return true;
        plan_refuse(plan, VFADM_ERROR_REFUSED, "pool %s stands in /%s, which vfadm did not write: %s there", pool->name,
                    pool->path ? pool->path : "etc/vfadm", what);
        return false;
}

static void note_state(Plan *plan, const PlanInput *input, const Pool *pool) {
        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = pool_pf(pool, i, input->host);
                g_autofree char *nick = pf ? snapshot_nick(input->host, pf) : NULL;
                if (!pf)
                        plan_note(plan, "pool %s: its PF %s is not on this host", pool->name,
                                  (const char *) pool->pfs->pdata[i]);
                else if (pf->num_vfs <= (pool->some_vfs ? pool->first_vf : 0))
                        plan_note(plan, "pool %s: %s has %s; run 'vfadm enable %s N'", pool->name, nick,
                                  pf->num_vfs ? "none of its VFs" : "no VFs", nick);
        }
}

/* ---- define ---- */

/* The pool has a network no more, or goes away with it. */
static bool may_lose_network(Plan *plan, const PlanInput *input, const Pool *pool, const char *instead) {
        g_autofree char *live = pool_network_guests(input->books, pool->name, true),
                        *defined = pool_network_guests(input->books, pool->name, false);

        if (live)
                plan_refuse(plan, VFADM_ERROR_IN_USE, "libvirt's network %s gave VFs to %s; %s", pool->name, live,
                            instead);
        else if (defined)
                plan_refuse(plan, VFADM_ERROR_IN_USE, "%s would not start without libvirt's network %s; %s", defined,
                            pool->name, instead);
        return !live && !defined;
}

static void define(Plan *plan, const PlanInput *input, const Want *want) {
        const Pool *old = pools_find(input->pools, want->pool->name);
        g_autofree char *path = pool_file_path(want->pool->name);

        if (old && !may_write(plan, old, "change it"))
                return;
        for (unsigned i = 0; !old && input->pools && i < input->pools->len; i++)
                if (g_strcmp0(((const Pool *) input->pools->pdata[i])->path, path) == 0) {
                        plan_refuse(plan, VFADM_ERROR_REFUSED,
                                    "/%s holds another pool, %s; take it to a file of its own first", path,
                                    ((const Pool *) input->pools->pdata[i])->name);
                        return;
                }
        g_autoptr(Pool) pool = pool_define(plan, input, want->pool, old);
        if (!pool || (old && old->libvirt && !pool->libvirt &&
                      !may_lose_network(plan, input, pool, "keep --libvirt, or detach them first")))
                return;
        g_autofree char *count = pool_count_text(pool, input), *text = pool_file_format(pool, input->host);
        plan->summary = g_strdup_printf("pool %s: %s (%s)", pool->name, old ? "changed" : "defined", count);
        plan_file(plan, path, old ? old->text : NULL, text, "the pool, as it is kept");
        plan_its_network(plan, input, pool);
        if (old && old->libvirt && !pool->libvirt)
                pool_plan_network(plan, input, pool->name, NULL);
        note_state(plan, input, pool);
        if (pool->libvirt && pool->vf.known)
                plan_note(plan,
                          "what is set for each VF goes to guests by 'vfadm attach'; a guest that names network %s in "
                          "its own XML says it there",
                          pool->name);
        if (!pool->started)
                plan_note(plan,
                          "pool %s is not started; run 'vfadm pool start %s', and 'vfadm pool autostart %s' to have it "
                          "started at boot",
                          pool->name, pool->name, pool->name);
}

/* ---- start, stop, autostart, delete ---- */

/* A pool that is changed in plain fields only; its text stays the other's. */
static Pool *copy_of(const Pool *pool) {
        Pool *copy = pool_new(pool->name);
        GPtrArray *pfs = copy->pfs;
        char *name = copy->name;

        *copy = *pool;
        copy->name = name;
        copy->pfs = pfs;
        copy->path = copy->text = copy->state = NULL;
        for (unsigned i = 0; i < pool->pfs->len; i++)
                g_ptr_array_add(copy->pfs, g_strdup(pool->pfs->pdata[i]));
        return copy;
}

static void start(Plan *plan, const PlanInput *input, const Pool *pool, const Want *want) {
        g_autoptr(Pool) now = copy_of(pool);
        g_autofree char *count = pool_count_text(pool, input);

        now->started = true;
        plan->summary = g_strdup_printf("pool %s: started (%s)", pool->name, count);
        plan_state(plan, now, pool->state, true);
        plan_its_network(plan, input, now);
        note_state(plan, input, now);
}

static void stop(Plan *plan, const PlanInput *input, const Pool *pool, const Want *want) {
        g_autoptr(Pool) now = copy_of(pool);
        g_autofree char *live = pool->libvirt ? pool_network_guests(input->books, pool->name, true) : NULL;
        g_autofree char *defined = pool->libvirt ? pool_network_guests(input->books, pool->name, false) : NULL;

        now->started = false;
        plan->summary = g_strdup_printf("pool %s: stopped", pool->name);
        if (live) {
                plan_refuse(plan, VFADM_ERROR_IN_USE,
                            "libvirt's network %s gave VFs to %s, and a network that is stopped forgets whom it gave "
                            "what; shut them down first",
                            pool->name, live);
                return;
        }
        plan_state(plan, now, pool->state, true);
        plan_its_network(plan, input, now);
        if (defined && pool->started)
                plan_note(plan, "%s will not start until 'vfadm pool start %s'", defined, pool->name);
}

static void autostart(Plan *plan, const PlanInput *input, const Pool *pool, const Want *want) {
        g_autoptr(Pool) now = copy_of(pool);

        now->autostart = !want->off;
        plan->summary =
                g_strdup_printf("pool %s: %s", pool->name, want->off ? "not started at boot" : "started at boot");
        if (now->autostart == pool->autostart) {
                plan_its_network(plan, input, now);
                return;
        }
        if (!may_write(plan, pool, want->off ? "write Autostart=no" : "write Autostart=yes"))
                return;
        g_autofree char *text = pool_file_set_autostart(pool->text, now->autostart);
        plan_file(plan, pool->path, pool->text, text, "as the next boot finds it");
        plan_state(plan, now, pool->state, true);
        plan_its_network(plan, input, now);
}

static void delete_pool(Plan *plan, const PlanInput *input, const Pool *pool, const Want *want) {
        plan->summary = g_strdup_printf("pool %s: deleted", pool->name);
        for (unsigned i = 0; i < input->leases->len; i++) {
                const Lease *lease = input->leases->pdata[i];
                char name[PCI_ADDR_TEXT_SIZE];
                if (g_strcmp0(lease->pool, pool->name) != 0)
                        continue;
                pci_addr_format(lease->dev, name);
                plan_refuse(plan, VFADM_ERROR_IN_USE,
                            "%s has %s of pool %s (lease %" G_GINT64_FORMAT "); run 'vfadm detach %s %s' first",
                            lease->guest, name, pool->name, lease->id, lease->guest, name);
        }
        may_write(plan, pool, "take its section out");
        if (pool->libvirt)
                may_lose_network(plan, input, pool, "take it out of them first ('vfadm detach', 'virsh edit')");
        if (plan->refusals->len)
                return;
        if (pool->libvirt && input->books)
                pool_plan_network(plan, input, pool->name, NULL);
        else if (pool->libvirt)
                plan_note(plan,
                          "libvirt is not here: its network %s, if it has one, stays; 'virsh net-undefine %s' takes it "
                          "away",
                          pool->name, pool->name);
        plan_state(plan, pool, pool->state, false);
        plan_file(plan, pool->path, pool->text, NULL, "the pool is kept there");
}

void plan_pool(Plan *plan, const PlanInput *input, const Want *want) {
        static void (*const changes[])(Plan *, const PlanInput *, const Pool *, const Want *) = {
                [WANT_POOL_START] = start,
                [WANT_POOL_STOP] = stop,
                [WANT_POOL_AUTOSTART] = autostart,
                [WANT_POOL_DELETE] = delete_pool,
        };

        if (want->kind == WANT_POOL_DEFINE) {
                define(plan, input, want);
                return;
        }
        const Pool *pool = want->device ? pools_find(input->pools, want->device) : NULL;
        if (!pool && (want->device || want->kind != WANT_POOL_SYNC))
                plan_refuse(plan, VFADM_ERROR_NOT_FOUND,
                            "there is no pool '%s'; 'vfadm pool list' shows those there are",
                            want->device ? want->device : "");
        else if (want->kind == WANT_POOL_SYNC)
                pool_plan_sync(plan, input, want);
        else
                changes[want->kind](plan, input, pool, want);
}
