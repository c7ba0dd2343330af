/* What a function's config space says of itself. Filled by host/config.c, compared with lspci -vvv in the tests. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* PCI Express device/port type (PCIe spec, Express Capabilities register bits 7:4). */
typedef enum {
        PCIE_ENDPOINT = 0,
        PCIE_LEGACY_ENDPOINT = 1,
        PCIE_ROOT_PORT = 4,
        PCIE_UPSTREAM_PORT = 5,
        PCIE_DOWNSTREAM_PORT = 6,
        PCIE_TO_PCI_BRIDGE = 7,
        PCI_TO_PCIE_BRIDGE = 8,
        PCIE_RC_ENDPOINT = 9,
        PCIE_RC_EVENT_COLLECTOR = 10,
        PCIE_NONE = 255, /* conventional PCI: no Express capability */
} PcieType;

/* ACS control and capability bits, as in the spec and the kernel's PCI_ACS_*. */
enum { ACS_SV = 0x01, ACS_TB = 0x02, ACS_RR = 0x04, ACS_CR = 0x08, ACS_UF = 0x10, ACS_EC = 0x20, ACS_DT = 0x40 };
/* What a port must do so that devices below it are apart from each other (the kernel's REQ_ACS_FLAGS). */
enum { ACS_ISOLATES = ACS_SV | ACS_RR | ACS_CR | ACS_UF };

typedef struct {
        uint16_t length;      /* bytes of config space that could be read: 64 without root, 256 conventional, 4096 */
        uint8_t header_type;  /* 0 endpoint, 1 bridge, 2 CardBus */
        bool multifunction;
        PcieType pcie_type;
        bool flr;             /* Express function level reset */
        bool af_flr;          /* Advanced Features FLR */
        bool pm_reset;        /* D3hot → D0 resets (NoSoftRst clear) */
        uint16_t msi_vectors; /* 0: none */
        uint16_t msix_vectors;
        uint8_t link_width, link_speed, link_width_max, link_speed_max; /* speed: 1 = 2.5 GT/s … 6 = 64; 0 unknown */
        uint8_t link_port;    /* Port Number of Link Capabilities */
        bool has_ari;         /* ARI capability (functions) */
        bool ari_forwarding_capable, ari_forwarding; /* ports: Device Capabilities/Control 2 */
        bool has_acs;
        uint16_t acs_cap, acs_ctrl;
        bool has_sriov;
        uint16_t sriov_initial, sriov_total, sriov_num, sriov_offset, sriov_stride, sriov_vf_device;
        bool sriov_enabled, sriov_memory, sriov_ari; /* control bits: VF enable, VF MSE, ARI capable hierarchy */
        uint32_t sriov_page_sizes, sriov_page_size;
        uint32_t sriov_bars[6]; /* VF BAR0 … as they stand: address and type bits; the size does not stand there */
        /* Where the registers are, for whoever wants to look: offset of the capability, 0 when there is none. */
        uint16_t express_at, msi_at, msix_at, pm_at, af_at, acs_at, ari_at, sriov_at;
        uint16_t command;       /* PCI_COMMAND */
        /* Bridges: */
        uint8_t primary, secondary, subordinate; /* bus numbers */
        uint64_t mem_base, mem_limit;            /* window for 32-bit memory; base > limit: closed */
        uint64_t pref_base, pref_limit;          /* prefetchable window, upper halves included */
        bool pref_64;
        bool has_serial;
        uint64_t serial;      /* Device Serial Number capability */
} PciCaps;

/* "SV RR CR UF": the names of ACS bits. The caller frees. */
char *acs_text(unsigned bits);
/* True for the ports of which the kernel asks ACS: root and downstream ports (field-facts 19). */
bool port_needs_acs(const PciCaps *port);
/* The bits of ACS_ISOLATES that are off though the capability has them; what it does not have counts as wired on, so that 0 means
 * "isolates", given that there is a capability (pci_acs_flags_enabled() in drivers/pci/pci.c). */
unsigned acs_lacks(const PciCaps *caps);
