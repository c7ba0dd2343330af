/* Which VF of a pool a guest gets, and how many are left. */
#include "plan/pool.h"

#include "base/error.h"
#include "model/nic.h"

#include <string.h>

enum { NAMED_MAX = 4 };

unsigned pool_left(const Pool *pool, const PlanInput *input, unsigned *ret_all) {
        g_autoptr(GPtrArray) vfs = pool_vfs(pool, input->host);
        unsigned left = 0;

        for (unsigned i = 0; i < vfs->len; i++)
                left += rule_is_free(input, vfs->pdata[i]);
        *ret_all = vfs->len;
        return left;
}

char *pool_count_text(const Pool *pool, const PlanInput *input) {
        unsigned all, left = pool_left(pool, input, &all);
        return all ? g_strdup_printf("%u VF%s, %u free", all, all == 1 ? "" : "s", left) : g_strdup("no VFs now");
}

/* ---- choosing ---- */

typedef struct {
        const Dev *pf, *vf;
        bool viable; /* the VF's group lets it go */
        bool near;   /* on the NUMA node of the guest */
        unsigned free;
} Candidate;

/* A libvirt guest's NIC needs the PF up whatever the driver (field-facts 13). */
static bool pf_serves(const PlanInput *input, const Dev *pf) {
        const NetDev *net = dev_net(pf);
        const NicDriver *nic = nic_driver(pf->driver);

        if (!net)
                return !dev_is_network(pf);
        return net->up || !((nic && nic->state_needs_up) || guest_is_libvirt(input->guest));
}

static Candidate candidate_of(const Pool *pool, const PlanInput *input, const Dev *pf) {
        const unsigned first = pool->some_vfs ? pool->first_vf : 0, last = pool->some_vfs ? pool->last_vf : UINT_MAX;
        Candidate one = {.pf = pf};

        for (unsigned i = first; pf->vfs && i < pf->vfs->len && i <= last; i++) {
                const Dev *vf = snapshot_vf(input->host, pf, i);
                one.free += vf && rule_is_free(input, vf);
        }
        one.vf = one.free ? rule_free_vf(input, pf, first, last, &one.viable) : NULL;
        one.near = input->guest && input->guest->numa_node >= 0 && pf->numa_node == input->guest->numa_node;
        return one;
}

/* What cannot be given at all comes last; then the way to memory counts, and only then the order of the pool. Of two
 * alike the one that is named first in the pool. */
static bool is_better(const Pool *pool, const Candidate *a, const Candidate *b) {
        if (a->viable != b->viable)
                return a->viable;
        if (a->near != b->near)
                return a->near;
        return pool->order == POOL_PACK ? a->free < b->free : a->free > b->free;
}

/* "enp1s0/0 leased to qemu:web1 (lease 40), enp1s0/1 is up, …" */
static char *who_has(const PlanInput *input, const GPtrArray *vfs) {
        GString *text = g_string_new(NULL);
        unsigned named = 0;

        for (unsigned i = 0; i < vfs->len; i++) {
                const Dev *vf = vfs->pdata[i];
                if (rule_is_free(input, vf))
                        continue;
                if (named++ >= NAMED_MAX)
                        continue;
                g_autofree char *nick = snapshot_nick(input->host, vf), *who = rule_who_uses(input, vf);
                g_autofree char *booked = who ? NULL : books_who_has(input->books, vf->addr, NULL);
                g_string_append_printf(text, "%s%s: %s", named > 1 ? ", " : "", nick,
                                       who      ? who
                                       : booked ? booked
                                                : "kept for Xen's guests");
        }
        if (named > NAMED_MAX)
                g_string_append_printf(text, ", and %u more", named - NAMED_MAX);
        return g_string_free(text, FALSE);
}

static void set_no_vfs(const Pool *pool, const PlanInput *input, GError **error) {
        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = pool_pf(pool, i, input->host);
                g_autofree char *nick = pf ? snapshot_nick(input->host, pf) : NULL;
                if (pf && pool->some_vfs && pf->num_vfs)
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                                    "pool %s has no VFs now: it has VFs %u to %u of %s, which has %u; run 'vfadm "
                                    "enable %s %u'",
                                    pool->name, pool->first_vf, pool->last_vf, nick, pf->num_vfs, nick,
                                    pool->last_vf + 1);
                else if (pf)
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                                    "pool %s has no VFs now: %s has none; run 'vfadm enable %s N' (up to %u)",
                                    pool->name, nick, nick, pf->total_vfs);
                if (pf)
                        return;
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                    "pool %s has no VFs: none of its PFs is on this host (%s%s); 'vfadm pool show %s' names them",
                    pool->name, pool->pfs->len ? (const char *) pool->pfs->pdata[0] : "it has none",
                    pool->pfs->len > 1 ? " …" : "", pool->name);
}

/* `down`: a PF with free VFs that does not serve, or NULL. */
static void set_none_free(const Pool *pool, const PlanInput *input, const Dev *down, GError **error) {
        g_autoptr(GPtrArray) vfs = pool_vfs(pool, input->host);
        unsigned all, left = pool_left(pool, input, &all);

        if (!all) {
                set_no_vfs(pool, input, error);
                return;
        }
        g_autofree char *who = who_has(input, vfs);
        if (!down) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE,
                            "pool %s: all %u VF%s in use (%s); 'vfadm pool show %s' shows by whom", pool->name, all,
                            all == 1 ? " is" : "s are", who, pool->name);
                return;
        }
        g_autofree char *nick = snapshot_nick(input->host, down);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                    "pool %s: %u of %u VFs are free, but on a PF that is down%s%s%s; run 'ip link set %s up'",
                    pool->name, left, all, left < all ? " (" : "", left < all ? who : "", left < all ? ")" : "", nick);
}

const Dev *pool_choose(const Pool *pool, const PlanInput *input, GError **error) {
        g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
        Candidate best = {0};
        const Dev *down = NULL;

        if (!pool->started) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                            "pool %s is stopped and hands out nothing; run 'vfadm pool start %s'", pool->name,
                            pool->name);
                return NULL;
        }
        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = pool_pf(pool, i, input->host);
                if (!pf || !g_hash_table_add(seen, (gpointer) pf))
                        continue;
                const Candidate one = candidate_of(pool, input, pf);
                if (!one.vf)
                        continue;
                if (!pf_serves(input, pf))
                        down = pf;
                else if (!best.vf || is_better(pool, &one, &best))
                        best = one;
        }
        if (!best.vf)
                set_none_free(pool, input, down, error);
        return best.vf;
}
