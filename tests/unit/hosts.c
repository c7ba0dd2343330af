/* Small hosts built by hand. */
#include "hosts.h"

#include <string.h>

static const uint8_t pf_mac[6] = {0x02, 0, 0, 0, 0x01, 0x01};

static Dev *add_disk(Snapshot *host) {
        Dev *disk = dev_new((PciAddr) {0, 0, 1, 0});
        disk->vendor = 0x1af4;
        disk->device = 0x1001;
        disk->class_code = 0x010000;
        disk->driver = g_strdup("virtio-pci");
        disk->iommu_group = 1;
        disk->path = g_strdup("pci0000:00/0000:00:01.0");
        g_ptr_array_add(disk->blocks, g_strdup("vda"));
        dev_add_use(disk, USE_HOST, g_strdup("mounted on /"), 0, NULL);
        snapshot_add(host, disk);
        return disk;
}

static Dev *add_pf(Snapshot *host, unsigned vfs) {
        Dev *pf = dev_new((PciAddr) {0, 1, 0, 0});
        pf->vendor = 0x8086;
        pf->device = 0x10c9;
        pf->class_code = 0x020000;
        pf->driver = g_strdup("igb");
        pf->modalias = g_strdup("pci:v00008086d000010C9sv00008086sd0000A03Cbc02sc00i00");
        pf->iommu_group = 10;
        pf->path = g_strdup("pci0000:00/0000:00:02.0/0000:01:00.0");
        pf->reset_methods = g_strsplit("flr bus", " ", 0);
        pf->is_pf = true;
        pf->total_vfs = 7;
        pf->num_vfs = vfs;
        pf->autoprobe = true;
        pf->vfs = g_array_new(FALSE, TRUE, sizeof(PciAddr));
        pf->vf_infos = g_array_new(FALSE, TRUE, sizeof(VfInfo));
        NetDev *net = net_dev_new("enp1s0");
        memcpy(net->mac, pf_mac, 6);
        memcpy(net->permanent_mac, pf_mac, 6);
        net->up = true;
        net->ifindex = 3;
        g_ptr_array_add(pf->nets, net);
        snapshot_add(host, pf);
        return pf;
}

static void add_vf(Snapshot *host, Dev *pf, unsigned index) {
        unsigned routing = 0x80 + 2 * index; /* the 82576's VF offset and stride */
        PciAddr addr = {0, 1, (uint8_t) (routing >> 3), routing & 7};
        Dev *vf = dev_new(addr);
        VfInfo info = {.index = index, .state = {.known = VF_MAC | VF_VLAN | VF_SPOOFCHK | VF_TRUST | VF_MAX_RATE, .spoofchk = true}};

        vf->vendor = 0x8086;
        vf->device = 0x10ca;
        vf->class_code = 0x020000;
        vf->modalias = g_strdup("pci:v00008086d000010CAsv00008086sd0000A03Cbc02sc00i00");
        vf->iommu_group = 20 + (int) index;
        vf->path = g_strdup_printf("pci0000:00/0000:00:02.0/%s", vf->name);
        vf->reset_methods = g_strsplit("flr", " ", 0);
        vf->is_vf = true;
        vf->pf = pf->addr;
        vf->vf_index = index;
        g_array_append_val(pf->vfs, addr);
        g_array_append_val(pf->vf_infos, info);
        snapshot_add(host, vf);
}

Snapshot *host_igb(unsigned vfs) {
        Snapshot *host = snapshot_new();
        host->has_iommu = true;
        host->intremap = INTREMAP_ON;
        host->kernel_release = g_strdup("6.12.0");
        host->boot_id = g_strdup("11111111-2222-3333-4444-555555555555");
        host->machine_id = g_strdup("0123456789abcdef0123456789abcdef");
        add_disk(host);
        Dev *pf = add_pf(host, vfs);
        for (unsigned i = 0; i < vfs; i++)
                add_vf(host, pf, i);
        snapshot_seal(host);
        return host;
}

Dev *host_pf(Snapshot *host) {
        return (Dev *) snapshot_get(host, (PciAddr) {0, 1, 0, 0});
}

Dev *host_vf(Snapshot *host, unsigned index) {
        return (Dev *) snapshot_vf(host, host_pf(host), index);
}

VfState *host_vf_state(Snapshot *host, unsigned index) {
        return &g_array_index(host_pf(host)->vf_infos, VfInfo, index).state;
}
