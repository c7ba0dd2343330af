/* Which locks a change takes. Two changes on one PF wait for each other; changes on two PFs do not. Names are sorted
 * before they are taken, so that nobody waits in a circle. Found with a few reads, before the host is read in full. */
#include "change/locks.h"

#include "act/act.h"
#include "base/error.h"
#include "change/pools.h"
#include "model/lease.h"

#include <errno.h>
#include <string.h>

struct LockSet {
        Io *io;
        GPtrArray *names; /* char* */
        GArray *locks;    /* int */
};

static const char devices_dir[] = "sys/bus/pci/devices";

void locks_free(LockSet *set) {
        if (!set)
                return;
        /* In the opposite order, for no better reason than that it is easy to follow in a trace. */
        for (unsigned i = set->locks->len; i > 0; i--)
                io_unlock(set->io, g_array_index(set->locks, int, i - 1));
        g_array_unref(set->locks);
        g_ptr_array_unref(set->names);
        g_free(set);
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static LockSet *take(Io *io, GPtrArray *names, unsigned timeout_ms, GError **error) {
        LockSet *set = g_new0(LockSet, 1);
        set->io = io;
        set->names = g_ptr_array_ref(names);
        set->locks = g_array_new(FALSE, FALSE, sizeof(int));
        g_ptr_array_sort(names, by_text);

        for (unsigned i = 0; i < names->len; i++) {
                const char *name = names->pdata[i];
                int lock;
                if (i && g_str_equal(name, names->pdata[i - 1]))
                        continue;
                int r = io_lock(io, name, timeout_ms, &lock);
                if (r < 0) {
                        if (r == -ETIMEDOUT)
                                g_set_error(error, VFADM_ERROR, VFADM_ERROR_BUSY, "%s: another vfadm has been changing it for %u s; nothing was changed; try again when it is done", name, timeout_ms / 1000);
                        else
                                vfadm_error_set_errno(error, r, "taking the lock for %s (nothing was changed; run as root)", name);
                        locks_free(set);
                        return NULL;
                }
                g_array_append_val(set->locks, lock);
        }
        return set;
}

/* A VF is locked by its PF. */
static char *lock_name(Io *io, const char *bdf) {
        g_autofree char *path = g_strdup_printf("%s/%s/physfn", devices_dir, bdf);
        char *pf;
        return io_read_link_name(io, path, &pf) < 0 ? g_strdup(bdf) : pf;
}

bool locks_hold(const LockSet *set, PciAddr pf) {
        char name[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(pf, name);
        return g_ptr_array_find_with_equal_func(set->names, name, g_str_equal, NULL);
}

bool locks_hold_boot(const LockSet *set) {
        return g_ptr_array_find_with_equal_func(set->names, ACT_BOOT_LOCK, g_str_equal, NULL);
}

/* "01:10.0" is of whatever domain has it. */
static char *in_any_domain(Io *io, const char *bdf) {
        const char *rest = strchr(bdf, ':');
        g_auto(GStrv) devices = NULL;

        for (char **device = io_list(io, devices_dir, &devices) < 0 ? NULL : devices; device && *device; device++)
                if (g_str_has_suffix(*device, rest))
                        return g_strdup(*device);
        return NULL;
}

/* The BDF behind one of the names people use, without reading the whole host. NULL: not found, or several fit. */
static char *bdf_of(Io *io, const char *device) {
        g_autofree char *first = g_strndup(device, strcspn(device, "/"));
        char text[PCI_ADDR_TEXT_SIZE];
        PciAddr addr;
        char *bdf;

        if (pci_addr_parse(first, &addr)) {
                pci_addr_format(addr, text);
                g_autofree char *path = g_strdup_printf("%s/%s", devices_dir, text);
                g_autofree char *link = NULL;
                /* One that is gone may still be leased, and its lock is that of its PF: then all are taken. */
                return io_readlink(io, path, &link) == 0 ? g_strdup(text) : in_any_domain(io, text);
        }
        /* A name becomes part of a path only when it can be that of an interface (IFNAMSIZ, no dots alone). */
        if (strlen(first) >= 16 || first[0] == '.' || first[0] == '\0')
                return NULL;
        for (int up = 0; up < 2; up++) { /* virtio: the PCI function is one level above the interface's device */
                g_autofree char *path = g_strdup_printf("sys/class/net/%s/device%s", first, up ? "/../device" : "");
                if (io_read_link_name(io, path, &bdf) == 0) {
                        if (pci_addr_parse(bdf, &addr))
                                return bdf;
                        g_free(bdf);
                }
        }
        return NULL;
}

static void add_group(Io *io, const char *bdf, GPtrArray *names) {
        g_autofree char *path = g_strdup_printf("%s/%s/iommu_group/devices", devices_dir, bdf);
        g_auto(GStrv) members = NULL;

        if (io_list(io, path, &members) < 0)
                return;
        for (char **member = members; *member; member++)
                g_ptr_array_add(names, lock_name(io, *member));
}

static void add_all_pfs(Io *io, GPtrArray *names) {
        g_auto(GStrv) devices = NULL;

        if (io_list(io, devices_dir, &devices) < 0)
                return;
        for (char **device = devices; *device; device++) {
                g_autofree char *path = g_strdup_printf("%s/%s/sriov_totalvfs", devices_dir, *device);
                g_autoptr(GBytes) bytes = NULL;
                if (io_read(io, path, 64, &bytes) == 0)
                        g_ptr_array_add(names, g_strdup(*device));
        }
}

static void add_leased(const GPtrArray *leases, GPtrArray *names) {
        char name[PCI_ADDR_TEXT_SIZE];

        for (unsigned i = 0; i < leases->len; i++) {
                pci_addr_format(((const Lease *) leases->pdata[i])->pf, name);
                g_ptr_array_add(names, g_strdup(name));
        }
}

bool want_is_of_pools(const Want *want) {
        return want->kind >= WANT_POOL_DEFINE && want->kind <= WANT_ADOPT;
}

/* A pool stands wherever a device to choose from does, and comes before an interface of its name. */
static bool names_device(Io *io, const Want *want) {
        if (!want->device || want_is_of_pools(want))
                return false;
        if ((want->kind != WANT_ATTACH && want->kind != WANT_LEND) || !pool_name_ok(want->device))
                return true;
        g_autoptr(GPtrArray) pools = pools_read(io, NULL);
        return pools && !pools_find(pools, want->device);
}

LockSet *locks_take(Io *io, Want *const *wants, unsigned n, const GPtrArray *leases, unsigned timeout_ms, GError **error) {
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

        for (unsigned i = 0; i < n; i++) {
                if (wants[i]->kind == WANT_BOOT || wants[i]->kind == WANT_BOOT_UNDO || wants[i]->kind == WANT_IMPORT || wants[i]->at_boot) {
                        g_ptr_array_add(names, g_strdup(ACT_BOOT_LOCK));
                        continue;
                }
                /* A network that begins holds the VFs that are leased: none may become so meanwhile. */
                if (want_is_of_pools(wants[i]))
                        g_ptr_array_add(names, g_strdup(ACT_BOOT_LOCK));
                g_autofree char *bdf = names_device(io, wants[i]) ? bdf_of(io, wants[i]->device) : NULL;
                if (!bdf) {
                        add_all_pfs(io, names);
                        add_leased(leases, names);
                        continue;
                }
                g_ptr_array_add(names, lock_name(io, bdf));
                if (wants[i]->with_group)
                        add_group(io, bdf, names);
                /* A pool of that name would mean another device, with a group of its own. */
                if (wants[i]->with_group && wants[i]->kind == WANT_DETACH)
                        add_leased(leases, names);
        }
        return take(io, names, timeout_ms, error);
}
