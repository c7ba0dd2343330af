/* What the text and the JSON about one device share: the way up to the root, and words for capabilities. */
#include "show/device.h"

GPtrArray *device_bridges(const Snapshot *host, const Dev *dev) {
        GPtrArray *bridges = g_ptr_array_new();
        /* 256 buses can be in a row; a recorded host may say that a bridge stands above itself. */
        for (const Dev *up = dev; up->has_parent && bridges->len < 256;) {
                up = snapshot_get(host, up->parent);
                if (!up)
                        break;
                g_ptr_array_add(bridges, (void *) up);
        }
        return bridges;
}

const VfInfo *device_vf_info(const Snapshot *host, const Dev *dev) {
        const Dev *pf = dev->is_vf ? snapshot_pf(host, dev) : NULL;
        for (unsigned i = 0; pf && pf->vf_infos && i < pf->vf_infos->len; i++) {
                const VfInfo *info = &g_array_index(pf->vf_infos, VfInfo, i);
                if (info->index == dev->vf_index)
                        return info;
        }
        return NULL;
}

const Use *device_guest(const Dev *dev) {
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind == USE_GUEST)
                        return use;
        }
        return NULL;
}

const char *pcie_type_word(PcieType type) {
        static const struct {
                PcieType type;
                const char *word;
        } words[] = {
                {PCIE_ENDPOINT, "endpoint"},
                {PCIE_LEGACY_ENDPOINT, "legacy endpoint"},
                {PCIE_ROOT_PORT, "root port"},
                {PCIE_UPSTREAM_PORT, "upstream port"},
                {PCIE_DOWNSTREAM_PORT, "downstream port"},
                {PCIE_TO_PCI_BRIDGE, "PCIe-to-PCI bridge"},
                {PCI_TO_PCIE_BRIDGE, "PCI-to-PCIe bridge"},
                {PCIE_RC_ENDPOINT, "root complex endpoint"},
                {PCIE_RC_EVENT_COLLECTOR, "root complex event collector"},
                {PCIE_NONE, "conventional PCI"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                if (words[i].type == type)
                        return words[i].word;
        return "unknown";
}

/* PCIe spec, Link Status register, Current Link Speed as an index of the Supported Link Speeds Vector. */
const char *link_speed_word(unsigned speed) {
        static const char *const words[] = {NULL, "2.5 GT/s", "5 GT/s", "8 GT/s", "16 GT/s", "32 GT/s", "64 GT/s"};
        return speed < G_N_ELEMENTS(words) ? words[speed] : NULL;
}

const char *intremap_word(IntRemap intremap) {
        return intremap == INTREMAP_ON ? "on" : intremap == INTREMAP_OFF ? "off" : "unknown";
}
