/* The snapshot of one host: building, freeing, finding things in it. */
#include "model/snapshot.h"

#include "base/error.h"
#include "base/parse.h"

#include <string.h>

void net_dev_free(NetDev *net) {
        if (!net)
                return;
        g_free(net->name);
        g_free(net->master);
        g_free(net->phys_port_name);
        g_ptr_array_unref(net->addresses);
        g_free(net);
}

NetDev *net_dev_new(const char *name) {
        NetDev *net = g_new0(NetDev, 1);
        net->name = g_strdup(name);
        net->addresses = g_ptr_array_new_with_free_func(g_free);
        return net;
}

void use_free(Use *use) {
        if (!use)
                return;
        g_free(use->what);
        g_free(use->guest);
        g_free(use);
}

void dev_add_use(Dev *dev, UseKind kind, char *what, int pid, const char *guest) {
        Use *use = g_new0(Use, 1);
        *use = (Use) {kind, what, pid, g_strdup(guest)};
        g_ptr_array_add(dev->uses, use);
}

Dev *dev_new(PciAddr addr) {
        Dev *dev = g_new0(Dev, 1);
        dev->addr = addr;
        pci_addr_format(addr, dev->name);
        dev->numa_node = -1;
        dev->iommu_group = -1;
        dev->nets = g_ptr_array_new_with_free_func((GDestroyNotify) net_dev_free);
        dev->blocks = g_ptr_array_new_with_free_func(g_free);
        dev->uses = g_ptr_array_new_with_free_func((GDestroyNotify) use_free);
        return dev;
}

void dev_free(Dev *dev) {
        if (!dev)
                return;
        g_free(dev->vendor_name);
        g_free(dev->device_name);
        g_free(dev->modalias);
        g_free(dev->driver);
        g_free(dev->driver_override);
        g_free(dev->path);
        g_free(dev->slot);
        g_strfreev(dev->reset_methods);
        g_clear_pointer(&dev->vfs, g_array_unref);
        g_clear_pointer(&dev->vf_infos, g_array_unref);
        g_clear_pointer(&dev->resources, g_array_unref);
        g_ptr_array_unref(dev->nets);
        g_ptr_array_unref(dev->blocks);
        g_ptr_array_unref(dev->uses);
        g_free(dev);
}

Snapshot *snapshot_new(void) {
        Snapshot *snapshot = g_new0(Snapshot, 1);
        snapshot->devs = g_ptr_array_new_with_free_func((GDestroyNotify) dev_free);
        snapshot->by_name = g_hash_table_new(g_str_hash, g_str_equal);
        snapshot->notes = g_ptr_array_new_with_free_func(g_free);
        return snapshot;
}

void snapshot_free(Snapshot *snapshot) {
        if (!snapshot)
                return;
        g_hash_table_unref(snapshot->by_name);
        g_ptr_array_unref(snapshot->devs);
        g_ptr_array_unref(snapshot->notes);
        setup_free(snapshot->setup);
        g_free(snapshot->kernel_release);
        g_free(snapshot->boot_id);
        g_free(snapshot->machine_id);
        g_free(snapshot);
}

void snapshot_add(Snapshot *snapshot, Dev *dev) {
        g_ptr_array_add(snapshot->devs, dev);
        g_hash_table_insert(snapshot->by_name, dev->name, dev);
}

static int by_address(const void *a, const void *b) {
        const Dev *const *x = a, *const *y = b;
        return pci_addr_compare((*x)->addr, (*y)->addr);
}

void snapshot_seal(Snapshot *snapshot) {
        g_ptr_array_sort(snapshot->devs, by_address);
}

const Dev *snapshot_get(const Snapshot *snapshot, PciAddr addr) {
        char name[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(addr, name);
        return g_hash_table_lookup(snapshot->by_name, name);
}

const NetDev *dev_net(const Dev *dev) {
        return dev->nets->len ? dev->nets->pdata[0] : NULL;
}

bool port_name_is_representor(const char *phys_port_name) {
        const char *p = phys_port_name;
        if (!p || *p != 'p' || !g_ascii_isdigit(p[1])) /* field-facts 18: p[0-9]+(s[0-9]+)? is a port */
                return p && *p;
        for (p++; g_ascii_isdigit(*p); p++)
                ;
        if (*p == 's' && g_ascii_isdigit(p[1]))
                for (p++; g_ascii_isdigit(*p); p++)
                        ;
        return *p != 0;
}

static const Dev *find_by_netdev(const Snapshot *snapshot, const char *name) {
        for (unsigned i = 0; i < snapshot->devs->len; i++) {
                const Dev *dev = snapshot->devs->pdata[i];
                for (unsigned n = 0; n < dev->nets->len; n++)
                        if (g_str_equal(((const NetDev *) dev->nets->pdata[n])->name, name))
                                return dev;
        }
        return NULL;
}

/* A BDF without its domain may fit functions in several domains. */
static const Dev *find_by_address(const Snapshot *snapshot, const char *name, PciAddr addr, GError **error) {
        const Dev *found = snapshot_get(snapshot, addr);
        bool domain_typed = g_str_has_prefix(name, "pci_") || strchr(strchr(name, ':') + 1, ':');

        for (unsigned i = 0; !domain_typed && i < snapshot->devs->len; i++) {
                const Dev *dev = snapshot->devs->pdata[i];
                PciAddr other = dev->addr;
                other.domain = 0;
                if (dev == found || !pci_addr_equal(other, addr))
                        continue;
                if (found) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                                    "%s is ambiguous: %s and %s fit; write the address with its domain", name,
                                    found->name, dev->name);
                        return NULL;
                }
                found = dev;
        }
        if (!found)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "%s: no such PCI device here; 'vfadm list --all' shows all", name);
        return found;
}

static const Dev *find_pf_slash_vf(const Snapshot *snapshot, const char *name, const char *slash, GError **error) {
        g_autofree char *pf_name = g_strndup(name, (size_t) (slash - name));
        uint32_t index;

        const Dev *pf = snapshot_find(snapshot, pf_name, error);
        if (!pf)
                return NULL;
        if (!pf->is_pf) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s: %s is no SR-IOV device and has no VFs", name, pf_name);
                return NULL;
        }
        if (!parse_u32(slash + 1, 0, UINT16_MAX, &index)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s: '%s' is no VF number", name, slash + 1);
                return NULL;
        }
        const Dev *vf = snapshot_vf(snapshot, pf, index);
        if (vf)
                return vf;
        if (pf->num_vfs == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "%s: %s has no VFs now; run 'vfadm enable %s N' (up to %u)", name, pf_name, pf_name, pf->total_vfs);
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s: %s has VFs 0 to %u", name, pf_name, pf->num_vfs - 1);
        return NULL;
}

const Dev *snapshot_find(const Snapshot *snapshot, const char *name, GError **error) {
        PciAddr addr;

        const char *slash = strrchr(name, '/');
        if (slash)
                return find_pf_slash_vf(snapshot, name, slash, error);
        if (pci_addr_parse(name, &addr))
                return find_by_address(snapshot, name, addr, error);
        const Dev *dev = find_by_netdev(snapshot, name);
        if (!dev)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "%s: no such device: give an address (0000:01:10.0), a network device (enp1s0) or its VF "
                            "(enp1s0/3); 'vfadm list' shows them", name);
        return dev;
}

const Dev *snapshot_pf(const Snapshot *snapshot, const Dev *dev) {
        return dev->is_vf ? snapshot_get(snapshot, dev->pf) : dev;
}

const Dev *snapshot_vf(const Snapshot *snapshot, const Dev *pf, unsigned index) {
        if (!pf->vfs || index >= pf->vfs->len)
                return NULL;
        return snapshot_get(snapshot, g_array_index(pf->vfs, PciAddr, index));
}

const VfState *snapshot_vf_state(const Snapshot *snapshot, const Dev *vf) {
        const Dev *pf = vf->is_vf ? snapshot_pf(snapshot, vf) : NULL;
        if (!pf || !pf->vf_infos)
                return NULL;
        for (unsigned i = 0; i < pf->vf_infos->len; i++) {
                const VfInfo *info = &g_array_index(pf->vf_infos, VfInfo, i);
                if (info->index == vf->vf_index)
                        return info->missing ? NULL : &info->state;
        }
        return NULL;
}

GPtrArray *snapshot_group(const Snapshot *snapshot, int group) {
        GPtrArray *members = g_ptr_array_new();
        for (unsigned i = 0; group >= 0 && i < snapshot->devs->len; i++) {
                Dev *dev = snapshot->devs->pdata[i];
                if (dev->iommu_group == group)
                        g_ptr_array_add(members, dev);
        }
        return members;
}

char *snapshot_nick(const Snapshot *snapshot, const Dev *dev) {
        const Dev *pf = snapshot_pf(snapshot, dev);
        const NetDev *net = pf ? dev_net(pf) : NULL;
        if (dev->is_vf && pf)
                return g_strdup_printf("%s/%u", net ? net->name : pf->name, dev->vf_index);
        return g_strdup(net ? net->name : dev->name);
}

bool driver_is_vfio(const char *driver) {
        return driver && strstr(driver, "vfio");
}

bool driver_is_xen(const char *driver) {
        return driver && (g_str_equal(driver, DRIVER_PCIBACK) || g_str_equal(driver, "xen-pciback"));
}

bool driver_lets_vfio_be(const char *driver) {
        return !driver || driver_is_vfio(driver) || g_str_equal(driver, "pci-stub") || g_str_equal(driver, "pcieport");
}

bool dev_is_bridge(const Dev *dev) {
        return dev->class_code >> 16 == 0x06;
}

bool dev_is_network(const Dev *dev) {
        return dev->class_code >> 16 == 0x02;
}

const Use *dev_use(const Dev *dev) {
        const Use *most = NULL;
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (!most || use->kind < most->kind)
                        most = use;
        }
        return most;
}
