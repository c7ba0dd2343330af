/* The config space of a function: standard header, capability lists, the capabilities that matter to VFs.
 * Register layouts: PCIe Base Specification, with the kernel's names in <linux/pci_regs.h>. */
#include "host/config.h"

#include <glib.h>
#include <linux/pci_regs.h>
#include <string.h>

/* A list has no more entries than fit, 4 bytes each for the standard one and 8 for the extended (as the kernel's
 * PCI_FIND_CAP_TTL and pci_find_next_ext_capability). */
#define STANDARD_STEPS 48
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
        caps->pm_reset = !(get16(space, at + PCI_PM_CTRL) & PCI_PM_CTRL_NO_SOFT_RESET);
}

static void parse_msi(const Space *space, size_t at, PciCaps *caps) {
        unsigned power = (get16(space, at + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_QMASK) >> 1;
        caps->msi_vectors = power <= 5 ? (uint16_t) (1u << power) : 0; /* 6 and 7 are reserved */
}

static void parse_msix(const Space *space, size_t at, PciCaps *caps) {
        caps->msix_vectors = (uint16_t) ((get16(space, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1);
}

static void parse_af(const Space *space, size_t at, PciCaps *caps) {
        uint8_t cap = get8(space, at + PCI_AF_CAP);
        caps->af_flr = (cap & PCI_AF_CAP_TP) && (cap & PCI_AF_CAP_FLR); /* both, as pci_af_flr() asks */
}

static void parse_express(const Space *space, size_t at, PciCaps *caps) {
        uint16_t flags = get16(space, at + PCI_EXP_FLAGS);
        uint32_t link = get32(space, at + PCI_EXP_LNKCAP);
        uint16_t status = get16(space, at + PCI_EXP_LNKSTA);

        caps->pcie_type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;
        caps->flr = get32(space, at + PCI_EXP_DEVCAP) & PCI_EXP_DEVCAP_FLR;
        caps->link_port = (uint8_t) (link >> 24);
        caps->link_speed_max = link & PCI_EXP_LNKCAP_SLS;
        caps->link_width_max = (uint8_t) ((link & PCI_EXP_LNKCAP_MLW) >> 4);
        caps->link_speed = status & PCI_EXP_LNKSTA_CLS;
        caps->link_width = (uint8_t) ((status & PCI_EXP_LNKSTA_NLW) >> PCI_EXP_LNKSTA_NLW_SHIFT);
        /* Version 1 of the structure ends before Device Capabilities 2, and only ports forward. */
        bool port = caps->pcie_type == PCIE_ROOT_PORT || caps->pcie_type == PCIE_DOWNSTREAM_PORT;
        if (!port || (flags & PCI_EXP_FLAGS_VERS) < 2)
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
        caps->acs_cap = get16(space, at + PCI_ACS_CAP);
        caps->acs_ctrl = get16(space, at + PCI_ACS_CTRL);
}

static void parse_ari(const Space *space, size_t at, PciCaps *caps) {
        caps->has_ari = true;
}

static void parse_sriov(const Space *space, size_t at, PciCaps *caps) {
        uint16_t control = get16(space, at + PCI_SRIOV_CTRL);

        caps->has_sriov = true;
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
        {PCI_EXT_CAP_ID_SRIOV, PCI_SRIOV_SYS_PGSIZE + 4, parse_sriov},
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
 * used once. */
static void parse_one(const Capability *table, size_t n, unsigned id, const Space *space, size_t at, unsigned *used,
                      PciCaps *caps) {
        for (size_t i = 0; i < n; i++) {
                if (table[i].id != id || (*used & 1u << i) || at + table[i].size > space->length)
                        continue;
                *used |= 1u << i;
                table[i].parse(space, at, caps);
        }
}

static void walk_standard(const Space *space, PciCaps *caps) {
        Visited visited = {0};
        unsigned used = 0;
        bool cardbus = caps->header_type == PCI_HEADER_TYPE_CARDBUS;
        size_t at = get8(space, cardbus ? PCI_CB_CAPABILITY_LIST : PCI_CAPABILITY_LIST) & ~3u;

        if (!(get16(space, PCI_STATUS) & PCI_STATUS_CAP_LIST))
                return;
        for (unsigned step = 0; step < STANDARD_STEPS; step++) {
                if (at < PCI_STD_HEADER_SIZEOF || at + 2 > space->length)
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
                walk_standard(&space, &caps);
                if (caps.pcie_type != PCIE_NONE)
                        walk_extended(&space, &caps);
        }
        *ret = caps;
}
