/* The config space of a function: standard header, capability lists, the capabilities that matter to VFs.
 * Register layouts: PCIe Base Specification, with the kernel's names in <linux/pci_regs.h>. */
#include "host/config.h"

#include <glib.h>
#include <linux/pci_regs.h>
#include <string.h>

/* A list has no more entries than fit, 4 bytes each for the standard one and 8 for the extended (as the kernel's
 * PCI_FIND_CAP_TTL and pci_find_next_ext_capability). */
#define STANDARD_STEPS 48
#define CARDBUS_HEADER 128
#define EXTENDED_STEPS ((4096 - 256) / 8)

typedef struct {
        const uint8_t *bytes;
        size_t length;
} Space;

typedef struct {
        uint16_t id;
        size_t size; /* what must be readable for the capability to count */
        void (*parse)(const Space *space, size_t at, PciCaps *caps);
} Capability;

static uint8_t get8(const Space *space, size_t at) {
        return at < space->length ? space->bytes[at] : 0;
}

static uint16_t get16(const Space *space, size_t at) {
        return (uint16_t) (get8(space, at) | get8(space, at + 1) << 8);
}

static uint32_t get32(const Space *space, size_t at) {
        return get16(space, at) | (uint32_t) get16(space, at + 2) << 16;
}

static void parse_pm(const Space *space, size_t at, PciCaps *caps) {
        caps->pm_at = (uint16_t) at;
        caps->pm_reset = !(get16(space, at + PCI_PM_CTRL) & PCI_PM_CTRL_NO_SOFT_RESET);
}

static void parse_msi(const Space *space, size_t at, PciCaps *caps) {
        caps->msi_at = (uint16_t) at;
        unsigned power = (get16(space, at + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_QMASK) >> 1;
        caps->msi_vectors = power <= 5 ? (uint16_t) (1u << power) : 0; /* 6 and 7 are reserved */
}

static void parse_msix(const Space *space, size_t at, PciCaps *caps) {
        caps->msix_at = (uint16_t) at;
        caps->msix_vectors = (uint16_t) ((get16(space, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1);
}

static void parse_af(const Space *space, size_t at, PciCaps *caps) {
        uint8_t cap = get8(space, at + PCI_AF_CAP);
        caps->af_at = (uint16_t) at;
        caps->af_flr = (cap & PCI_AF_CAP_TP) && (cap & PCI_AF_CAP_FLR); /* both, as pci_af_flr() asks */
}

/* Those that have link registers (pcie_cap_has_lnkctl). */
static bool type_has_link(PcieType type) {
        return type <= PCIE_LEGACY_ENDPOINT || (type >= PCIE_ROOT_PORT && type <= PCI_TO_PCIE_BRIDGE);
}

static void parse_express(const Space *space, size_t at, PciCaps *caps) {
        uint16_t flags = get16(space, at + PCI_EXP_FLAGS);

        caps->express_at = (uint16_t) at;
        caps->pcie_type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;
        caps->flr = get32(space, at + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR;
        if (type_has_link(caps->pcie_type)) {
                uint32_t link = get32(space, at + PCI_EXP_LNKCAP);
                uint16_t status = get16(space, at + PCI_EXP_LNKSTA);
                caps->link_port = (uint8_t) (link >> 24);
                caps->link_speed_max = link & PCI_EXP_LNKCAP_SLS;
                caps->link_width_max = (uint8_t) ((link & PCI_EXP_LNKCAP_MLW) >> 4);
                caps->link_speed = status & PCI_EXP_LNKSTA_CLS;
                caps->link_width = (uint8_t) ((status & PCI_EXP_LNKSTA_NLW) >> PCI_EXP_LNKSTA_NLW_SHIFT);
        }
        /* Version 1 of the structure ends before Device Capabilities 2, and only ports forward. */
        bool port = caps->pcie_type == PCIE_ROOT_PORT || caps->pcie_type == PCIE_DOWNSTREAM_PORT;
        if (!port || (flags & PCI_EXP_FLAGS_VERS) < 2 || at + PCI_EXP_DEVCTL2 + 2 > space->length)
                return;
        caps->ari_forwarding_capable = get32(space, at + PCI_EXP_DEVCAP2) & PCI_EXP_DEVCAP2_ARI;
        caps->ari_forwarding = get16(space, at + PCI_EXP_DEVCTL2) & PCI_EXP_DEVCTL2_ARI;
}

static void parse_serial(const Space *space, size_t at, PciCaps *caps) {
        caps->has_serial = true;
        caps->serial = get32(space, at + 4) | (uint64_t) get32(space, at + 8) << 32;
}

static void parse_acs(const Space *space, size_t at, PciCaps *caps) {
        caps->has_acs = true;
        caps->acs_at = (uint16_t) at;
        caps->acs_cap = get16(space, at + PCI_ACS_CAP);
        caps->acs_ctrl = get16(space, at + PCI_ACS_CTRL);
}

static void parse_ari(const Space *space, size_t at, PciCaps *caps) {
        caps->has_ari = true;
        caps->ari_at = (uint16_t) at;
}

static void parse_sriov(const Space *space, size_t at, PciCaps *caps) {
        uint16_t control = get16(space, at + PCI_SRIOV_CTRL);

        caps->has_sriov = true;
        caps->sriov_at = (uint16_t) at;
        caps->sriov_enabled = control & PCI_SRIOV_CTRL_VFE;
        caps->sriov_memory = control & PCI_SRIOV_CTRL_MSE;
        caps->sriov_ari = control & PCI_SRIOV_CTRL_ARI;
        caps->sriov_initial = get16(space, at + PCI_SRIOV_INITIAL_VF);
        caps->sriov_total = get16(space, at + PCI_SRIOV_TOTAL_VF);
        caps->sriov_num = get16(space, at + PCI_SRIOV_NUM_VF);
        caps->sriov_offset = get16(space, at + PCI_SRIOV_VF_OFFSET);
        caps->sriov_stride = get16(space, at + PCI_SRIOV_VF_STRIDE);
        caps->sriov_vf_device = get16(space, at + PCI_SRIOV_VF_DID);
        caps->sriov_page_sizes = get32(space, at + PCI_SRIOV_SUP_PGSIZE);
        caps->sriov_page_size = get32(space, at + PCI_SRIOV_SYS_PGSIZE);
        for (size_t i = 0; i < G_N_ELEMENTS(caps->sriov_bars); i++)
                caps->sriov_bars[i] = get32(space, at + PCI_SRIOV_BAR + 4 * i);
}

static const Capability standard[] = {
        {PCI_CAP_ID_PM, 8, parse_pm},
        {PCI_CAP_ID_MSI, 4, parse_msi},
        {PCI_CAP_ID_EXP, PCI_EXP_LNKSTA + 2, parse_express},
        {PCI_CAP_ID_MSIX, 12, parse_msix},
        {PCI_CAP_ID_AF, 6, parse_af},
};

static const Capability extended[] = {
        {PCI_EXT_CAP_ID_DSN, 12, parse_serial},
        {PCI_EXT_CAP_ID_ACS, 8, parse_acs},
        {PCI_EXT_CAP_ID_ARI, 8, parse_ari},
        {PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF, parse_sriov},
};

/* One bit a dword of config space: the places a walk has been to. */
typedef uint32_t Visited[4096 / 4 / 32];

static bool visit(Visited visited, size_t at) {
        uint32_t bit = 1u << (at / 4 % 32);
        bool first = !(visited[at / 4 / 32] & bit);
        visited[at / 4 / 32] |= bit;
        return first;
}

/* The first capability of a kind is the one that the kernel works with (pci_find_capability): a row of the table is
 * used once, also by one that is cut off. */
static void parse_one(const Capability *table, size_t n, unsigned id, const Space *space, size_t at, unsigned *used,
                      PciCaps *caps) {
        for (size_t i = 0; i < n; i++) {
                if (table[i].id != id || (*used & 1u << i))
                        continue;
                *used |= 1u << i;
                if (at + table[i].size <= space->length)
                        table[i].parse(space, at, caps);
        }
}

static void walk_standard(const Space *space, PciCaps *caps) {
        Visited visited = {0};
        unsigned used = 0;
        bool cardbus = caps->header_type == PCI_HEADER_TYPE_CARDBUS;
        bool known = caps->header_type <= PCI_HEADER_TYPE_CARDBUS; /* the kernel takes no other function in */
        size_t at = get8(space, cardbus ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST) & ~3u;

        if (!known || (cardbus && space->length < CARDBUS_HEADER) || !(get16(space, PCI_STATUS) & PCI_STATUS_CAP_LIST))
                return;
        for (unsigned step = 0; step < STANDARD_STEPS; step++) {
                if (at < PCI_STD_HEADER_SIZEOF || at + 4 > space->length)
                        return;
                uint8_t id = get8(space, at + PCI_CAP_LIST_ID);
                if (id == 0xff || !visit(visited, at))
                        return;
                parse_one(standard, G_N_ELEMENTS(standard), id, space, at, &used, caps);
                at = get8(space, at + PCI_CAP_LIST_NEXT) & ~3u;
        }
}

static void walk_extended(const Space *space, PciCaps *caps) {
        Visited visited = {0};
        unsigned used = 0;
        size_t at = PCI_CFG_SPACE_SIZE;

        for (unsigned step = 0; step < EXTENDED_STEPS; step++) {
                if (at < PCI_CFG_SPACE_SIZE || at + 4 > space->length)
                        return;
                uint32_t header = get32(space, at);
                if (header == 0 || header == UINT32_MAX || !visit(visited, at))
                        return;
                parse_one(extended, G_N_ELEMENTS(extended), PCI_EXT_CAP_ID(header), space, at, &used, caps);
                at = PCI_EXT_CAP_NEXT(header);
        }
}

/* Bus numbers and windows. A bridge without a prefetchable window has zeros there, which would read as one from 0: it is
 * told as closed, as is what is closed (base above limit). pci_read_bridge_mmio(), pci_read_bridge_mmio_pref(). */
static void parse_bridge(const Space *space, PciCaps *caps) {
        uint16_t base = get16(space, PCI_MEMORY_BASE), limit = get16(space, PCI_MEMORY_LIMIT);

        caps->primary = get8(space, PCI_PRIMARY_BUS);
        caps->secondary = get8(space, PCI_SECONDARY_BUS);
        caps->subordinate = get8(space, PCI_SUBORDINATE_BUS);
        caps->mem_base = (uint32_t) (base & PCI_MEMORY_RANGE_MASK) << 16;
        caps->mem_limit = (uint32_t) (limit & PCI_MEMORY_RANGE_MASK) << 16 | 0xfffff;

        base = get16(space, PCI_PREF_MEMORY_BASE);
        limit = get16(space, PCI_PREF_MEMORY_LIMIT);
        uint32_t base_upper = get32(space, PCI_PREF_BASE_UPPER32), limit_upper = get32(space, PCI_PREF_LIMIT_UPPER32);
        caps->pref_64 = (base & PCI_PREF_RANGE_TYPE_MASK) == PCI_PREF_RANGE_TYPE_64;
        caps->pref_base = (uint32_t) (base & PCI_PREF_RANGE_MASK) << 16;
        caps->pref_limit = (uint32_t) (limit & PCI_PREF_RANGE_MASK) << 16 | 0xfffff;
        if (caps->pref_64) {
                caps->pref_base |= (uint64_t) base_upper << 32;
                caps->pref_limit |= (uint64_t) limit_upper << 32;
        } else if (base == 0 && limit == 0) {
                caps->pref_base = 1;
                caps->pref_limit = 0;
        }
}

void config_parse(const uint8_t *bytes, size_t length, PciCaps *ret) {
        Space space = {bytes, MIN(length, 4096)};
        PciCaps caps = {.length = (uint16_t) space.length, .pcie_type = PCIE_NONE};

        /* A device that does not answer (asleep in D3cold, or gone) reads as all ones. The ids alone tell nothing: a
         * VF's are ffff always (SR-IOV 1.1, 3.4.1.1 and 3.4.1.2). */
        bool answers = get32(&space, PCI_VENDOR_ID) != UINT32_MAX || get32(&space, PCI_COMMAND) != UINT32_MAX;
        if (answers && space.length >= PCI_STD_HEADER_SIZEOF) {
                uint8_t type = get8(&space, PCI_HEADER_TYPE);
                caps.header_type = type & 0x7f;
                caps.multifunction = type & 0x80;
                caps.command = get16(&space, PCI_COMMAND);
                if (caps.header_type == PCI_HEADER_TYPE_BRIDGE)
                        parse_bridge(&space, &caps);
                walk_standard(&space, &caps);
                if (caps.pcie_type != PCIE_NONE)
                        walk_extended(&space, &caps);
        }
        *ret = caps;
}
