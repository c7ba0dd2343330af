/* A service's networks of VFs in step with pools, leases and uses: no VF that somebody has is given away by a network.
 */
#include "plan/pool.h"

#include "base/error.h"

#include <string.h>

/* The one service that has networks of VFs. */
static const char service[] = "libvirt";

static char *ref_of(const char *network) {
        return g_strdup_printf("%s:%s", service, network);
}

static bool is_held(const HostdevNetwork *network, PciAddr vf) {
        const HostdevPort *port = network ? hostdev_network_port(network, vf) : NULL;
        return port && g_strcmp0(port->owner, HOSTDEV_HOLDER) == 0;
}

static void add_hold(Plan *plan, const PlanInput *input, const char *network, PciAddr addr, bool from, bool to,
                     const char *reason) {
        Step *step = plan_add(plan, step_new(STEP_HOLD, addr, reason));
        const Dev *vf = snapshot_get(input->host, addr);

        if (vf && vf->is_vf)
                step->pf = vf->pf;
        step->network = ref_of(network);
        step->from.text = g_strdup(from ? HOSTDEV_HOLDER : NULL);
        step->to.text = g_strdup(to ? HOSTDEV_HOLDER : NULL);
}

/* ---- a pool's own ---- */

static bool same_list(const HostdevNetwork *a, const HostdevNetwork *b) {
        if (g_strcmp0(a->pf, b->pf) != 0 || a->addresses->len != b->addresses->len)
                return false;
        for (unsigned i = 0; i < a->addresses->len; i++)
                if (!pci_addr_equal(g_array_index(a->addresses, PciAddr, i), g_array_index(b->addresses, PciAddr, i)))
                        return false;
        return true;
}

static const char *has_it(const PlanInput *input, const Dev *vf) {
        return leases_find(input->leases, vf->addr) ? "it is leased" : "somebody has it";
}

/* `anew`: the network begins with these VFs, and is looked at whether it holds what it held. The ports of its own
 * guests it keeps. */
static void hold_all(Plan *plan, const PlanInput *input, const HostdevNetwork *now, const HostdevNetwork *to,
                     bool anew) {
        for (unsigned i = 0; i < to->addresses->len; i++) {
                const PciAddr addr = g_array_index(to->addresses, PciAddr, i);
                const Dev *vf = snapshot_get(input->host, addr);
                const bool held = is_held(now, addr);
                if (!vf || rule_is_free(input, vf) || (now && hostdev_network_port(now, addr) && !(anew && held)))
                        continue;
                add_hold(plan, input, to->name, addr, held, true, has_it(input, vf));
        }
}

void pool_plan_network(Plan *plan, const PlanInput *input, const char *name, const HostdevNetwork *to) {
        const HostdevNetwork *now = books_network(input->books, name);
        g_autofree char *from_text = now ? hostdev_network_format(now) : NULL,
                        *to_text = to ? hostdev_network_format(to) : NULL;
        /* A list of an active network changes by starting it anew: libvirt has no way to add a <pf> or an <address>
         * (virNetworkDefUpdateForwardInterface() takes names only). */
        bool anew = to && to->active && !(now && now->active && same_list(now, to));

        if (g_strcmp0(from_text, to_text) != 0) {
                const char *reason = !to    ? "the pool has no network any more"
                                     : !now ? "the pool's network"
                                            : "as the pool is now";
                Step *step = plan_add(plan, step_new(STEP_NETWORK, (PciAddr){0}, reason));
                step->network = ref_of(name);
                step->from.text = g_steal_pointer(&from_text);
                step->to.text = g_steal_pointer(&to_text);
        }
        if (to && to->active)
                hold_all(plan, input, now, to, anew);
}

static bool names_network(const GPtrArray *devices, const char *name) {
        for (unsigned i = 0; i < devices->len; i++)
                if (g_strcmp0(((const GuestDevice *) devices->pdata[i])->network, name) == 0)
                        return true;
        return false;
}

char *pool_network_guests(const Books *books, const char *name, bool live) {
        g_autoptr(GString) text = g_string_new(NULL);
        const HostdevNetwork *network = books_network(books, name);
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (unsigned i = 0; books && i < books->guests->len; i++) {
                const GuestInfo *guest = books->guests->pdata[i];
                if (!names_network(live ? guest->devices : guest->defined, name))
                        continue;
                g_string_append_printf(text, "%s%s:%s", text->len ? ", " : "", guest->backend, guest->name);
                g_hash_table_add(seen, guest->name);
        }
        for (unsigned i = 0; live && network && i < network->ports->len; i++) {
                const HostdevPort *port = network->ports->pdata[i];
                const char *owner = port->owner ? port->owner : "a guest";
                if (g_str_equal(owner, HOSTDEV_HOLDER) || !g_hash_table_add(seen, (gpointer) owner))
                        continue;
                g_string_append_printf(text, "%s%s:%s", text->len ? ", " : "", service, owner);
        }
        return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* ---- in step ---- */

static void sync_pool(Plan *plan, const PlanInput *input, const Pool *pool) {
        g_autoptr(HostdevNetwork) to = pool_network(pool, input->host);
        const HostdevNetwork *now = books_network(input->books, pool->name);
        g_autofree char *guests =
                now && now->active && !to->active ? pool_network_guests(input->books, pool->name, true) : NULL;

        if (guests) {
                plan_note(plan, "network %s is left running: it gave VFs to %s", pool->name, guests);
                return;
        }
        pool_plan_network(plan, input, pool->name, to);
}

/* Networks that somebody else made: what vfadm holds there is what it has leased, and nothing else. */
static void sync_network(Plan *plan, const PlanInput *input, const HostdevNetwork *network) {
        for (unsigned i = 0; network->active && i < network->addresses->len; i++) {
                const PciAddr addr = g_array_index(network->addresses, PciAddr, i);
                if (leases_find(input->leases, addr) && !hostdev_network_port(network, addr))
                        add_hold(plan, input, network->name, addr, false, true, "it is leased");
        }
}

static void drop_stale(Plan *plan, const PlanInput *input, const HostdevNetwork *network) {
        for (unsigned i = 0; i < network->ports->len; i++) {
                const HostdevPort *port = network->ports->pdata[i];
                const Dev *vf = snapshot_get(input->host, port->host);
                if (g_strcmp0(port->owner, HOSTDEV_HOLDER) != 0 || (vf && !rule_is_free(input, vf)) ||
                    leases_find(input->leases, port->host))
                        continue;
                add_hold(plan, input, network->name, port->host, true, false, "nobody has it any more");
        }
}

void pool_plan_sync(Plan *plan, const PlanInput *input, const Want *want) {
        const char *only = want->device;

        if (!input->books)
                return;
        for (unsigned i = 0; input->pools && i < input->pools->len; i++) {
                const Pool *pool = input->pools->pdata[i];
                if (pool->libvirt && (!only || g_str_equal(only, pool->name)))
                        sync_pool(plan, input, pool);
        }
        for (unsigned i = 0; i < input->books->networks->len; i++) {
                const HostdevNetwork *network = input->books->networks->pdata[i];
                const Pool *pool = pools_find(input->pools, network->name);
                if (only && !g_str_equal(only, network->name))
                        continue;
                drop_stale(plan, input, network);
                if (!pool || !pool->libvirt)
                        sync_network(plan, input, network);
        }
}
