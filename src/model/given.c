/* What a service has given out, held against the ledger and the pools. */
#include "model/given.h"

#include "base/text.h"

#include <string.h>

const char *given_state_word(GivenState state) {
        static const char *const words[] = {[GIVEN_ADOPTED] = "adopted", [GIVEN_NOT_ADOPTED] = "not adopted", [GIVEN_CONFLICT] = "in conflict"};
        return words[state];
}

static void given_free(void *data) {
        Given *given = data;
        g_free(given->why);
        g_free(given);
}

const GuestDevice *given_device(const Given *given) {
        return given->live ? given->live : given->defined;
}

bool given_is_of(const Given *given, const char *ref) {
        const char *name = given->guest ? given->guest->name : given->network->name;
        const char *backend = given->guest ? given->guest->backend : "libvirt";
        g_autofree char *own = g_strdup_printf("%s:%s", backend, name);
        return g_str_equal(ref, own) || g_str_equal(ref, name);
}

static bool is_of_guest(const Lease *lease, const GuestInfo *guest) {
        g_autofree char *ref = guest_info_ref(guest);
        /* A guest that was renamed is the same one; another of the same name is not. */
        if (lease->guest_uuid && guest->uuid)
                return g_ascii_strcasecmp(lease->guest_uuid, guest->uuid) == 0;
        return g_strcmp0(lease->guest, ref) == 0;
}

/* Somebody other than the guest who has the device open now. */
static const Use *other_user(const Given *given) {
        for (unsigned i = 0; i < given->dev->uses->len; i++) {
                const Use *use = given->dev->uses->pdata[i];
                if ((use->kind == USE_PROCESS && use->pid != given->guest->pid) || (use->kind == USE_GUEST && g_strcmp0(use->guest, given->guest->name) != 0))
                        return use;
        }
        return NULL;
}

static void judge_lease(Given *given, const Snapshot *host) {
        const Lease *lease = given->lease;

        given->state = GIVEN_CONFLICT;
        if (!is_of_guest(lease, given->guest))
                given->why = g_strdup_printf("leased to %s (lease %" G_GINT64_FORMAT ")", lease->guest, lease->id);
        else if (!lease_fits(lease, host, given->dev))
                given->why = g_strdup_printf("lease %" G_GINT64_FORMAT " is of another device that had its address; run 'vfadm recover'", lease->id);
        else
                given->state = given->defined && !lease->config ? GIVEN_NOT_ADOPTED : GIVEN_ADOPTED;
}

static bool is_kept(const char *network, const GPtrArray *pools) {
        const Pool *pool = network ? pools_find(pools, network) : NULL;
        return pool && pool->libvirt;
}

static void judge_device(Given *given, const Books *books, const Snapshot *host, const GPtrArray *pools) {
        const GuestDevice *device = given_device(given);
        g_autofree char *ref = guest_info_ref(given->guest);

        if (!given->dev) {
                given->state = GIVEN_CONFLICT;
                given->why = g_strdup("no such device is here");
                return;
        }
        if (given->lease) {
                judge_lease(given, host);
                return;
        }
        /* Whoever runs with it has it; that others are defined with it is their conflict. */
        char *who = given->live ? NULL : books_who_has(books, device->host, ref);
        const Use *use = who ? NULL : other_user(given);
        given->why = use ? g_strdup(use->what) : who;
        given->state = given->why ? GIVEN_CONFLICT : is_kept(device->network, pools) ? GIVEN_ADOPTED : GIVEN_NOT_ADOPTED;
}

static Given *add(GPtrArray *list, const GuestInfo *guest, const GuestDevice *live, const GuestDevice *defined) {
        Given *given = g_new0(Given, 1);
        given->guest = guest;
        given->live = live;
        given->defined = defined;
        g_ptr_array_add(list, given);
        return given;
}

static void add_device(GPtrArray *list, const Books *books, const Snapshot *host, const GPtrArray *leases, const GPtrArray *pools,
                       const GuestInfo *guest, const GuestDevice *live, const GuestDevice *defined) {
        Given *given = add(list, guest, live, defined);
        const GuestDevice *device = given_device(given);

        given->network = device->network ? books_network(books, device->network) : NULL;
        if (!device->has_host) {
                given->state = is_kept(device->network, pools) ? GIVEN_ADOPTED : GIVEN_NOT_ADOPTED;
                return;
        }
        given->dev = snapshot_get(host, device->host);
        given->lease = leases_find(leases, device->host);
        judge_device(given, books, host, pools);
}

static void add_guest(GPtrArray *list, const Books *books, const Snapshot *host, const GPtrArray *leases, const GPtrArray *pools,
                      const GuestInfo *guest) {
        for (unsigned i = 0; i < guest->devices->len; i++) {
                const GuestDevice *live = guest->devices->pdata[i];
                if (live->has_host)
                        add_device(list, books, host, leases, pools, guest, live, guest_info_find_defined(guest, live->host));
        }
        for (unsigned i = 0; i < guest->defined->len; i++) {
                const GuestDevice *defined = guest->defined->pdata[i];
                if (defined->has_host ? !guest_info_find(guest, defined->host) : defined->network != NULL)
                        add_device(list, books, host, leases, pools, guest, NULL, defined);
        }
}

static void add_network(GPtrArray *list, const Snapshot *host, const GPtrArray *pools, const HostdevNetwork *network) {
        const Pool *pool = pools_find(pools, network->name);
        Given *given = add(list, NULL, NULL, NULL);

        given->network = network;
        if (pool) {
                given->state = pool->libvirt ? GIVEN_ADOPTED : GIVEN_CONFLICT;
                given->why = pool->libvirt ? NULL : g_strdup("a pool of this name keeps no libvirt network");
                return;
        }
        given->state = GIVEN_NOT_ADOPTED;
        g_autoptr(Pool) made = given_pool(network, host, &given->why);
}

GPtrArray *given_list(const Books *books, const Snapshot *host, const GPtrArray *leases, const GPtrArray *pools) {
        GPtrArray *list = g_ptr_array_new_with_free_func(given_free);

        for (unsigned i = 0; i < books->guests->len; i++)
                add_guest(list, books, host, leases, pools, books->guests->pdata[i]);
        for (unsigned i = 0; i < books->networks->len; i++)
                add_network(list, host, pools, books->networks->pdata[i]);
        return list;
}

/* As a pool's file names a PF: by what stays when slots and names change. */
static char *pf_line(const Dev *pf) {
        const NetDev *net = dev_net(pf);
        char mac[MAC_TEXT_SIZE];

        if (!net || mac_is_zero(net->permanent_mac))
                return g_strdup(pf->name);
        mac_format(net->permanent_mac, mac);
        return g_strdup(mac);
}

/* The list's PFs in their order, and the lowest and highest VF among all. False: one of them is no VF here. */
static bool pfs_of_list(const HostdevNetwork *network, const Snapshot *host, GPtrArray *pfs, unsigned *first, unsigned *last) {
        *first = UINT_MAX;
        *last = 0;
        for (unsigned i = 0; i < network->addresses->len; i++) {
                const Dev *vf = snapshot_get(host, g_array_index(network->addresses, PciAddr, i));
                const Dev *pf = vf && vf->is_vf ? snapshot_pf(host, vf) : NULL;
                if (!pf)
                        return false;
                if (!g_ptr_array_find(pfs, pf, NULL))
                        g_ptr_array_add(pfs, (gpointer) pf);
                *first = MIN(*first, vf->vf_index);
                *last = MAX(*last, vf->vf_index);
        }
        return pfs->len > 0;
}

static bool same_list(const HostdevNetwork *a, const HostdevNetwork *b) {
        if (g_strcmp0(a->pf, b->pf) != 0)
                return false;
        if (a->pf) /* the list is what libvirt made of the PF */
                return true;
        for (unsigned i = 0; a->addresses->len == b->addresses->len && i < a->addresses->len; i++)
                if (!pci_addr_equal(g_array_index(a->addresses, PciAddr, i), g_array_index(b->addresses, PciAddr, i)))
                        return false;
        return a->addresses->len == b->addresses->len;
}

/* The pool's PFs and VFs: such that its own network has the very list, in its order, so that nothing of it changes. */
static bool take_vfs(Pool *pool, const HostdevNetwork *network, const Snapshot *host) {
        g_autoptr(GPtrArray) pfs = g_ptr_array_new();

        if (network->pf) {
                const Dev *pf = snapshot_find(host, network->pf, NULL);
                if (pf && pf->is_pf)
                        g_ptr_array_add(pfs, (gpointer) pf);
        } else if (pfs_of_list(network, host, pfs, &pool->first_vf, &pool->last_vf)) {
                pool->some_vfs = true;
        }
        for (unsigned i = 0; i < pfs->len; i++)
                g_ptr_array_add(pool->pfs, pf_line(pfs->pdata[i]));
        g_autoptr(HostdevNetwork) made = pool_network(pool, host);
        return pfs->len && same_list(made, network);
}

Pool *given_pool(const HostdevNetwork *network, const Snapshot *host, char **why) {
        g_autoptr(Pool) pool = pool_new(network->name);

        pool->libvirt = true;
        pool->autostart = network->autostart;
        pool->started = network->active;
        if (!pool_name_ok(network->name))
                *why = g_strdup("a pool cannot have such a name");
        else if (!network->persistent)
                *why = g_strdup("it is transient: gone when it is stopped");
        else if (!network->managed)
                *why = g_strdup("it is not managed='yes', as a pool's network is");
        else if (!take_vfs(pool, network, host))
                *why = g_strdup("its VFs are not the same range of one PF or several here");
        else
                return g_steal_pointer(&pool);
        return NULL;
}
