/* PCI addresses (BDF) and the ways people write them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct {
        uint32_t domain; /* VMD and Hyper-V make domains above 0xffff */
        uint8_t bus;
        uint8_t slot;     /* 0 … 31 */
        uint8_t function; /* 0 … 7 */
} PciAddr;

#define PCI_ADDR_TEXT_SIZE 24

/* "0000:01:10.0" or "01:10.0" (domain 0), or libvirt's "pci_0000_01_10_0". Whole string, hex digits only. */
bool pci_addr_parse(const char *text, PciAddr *ret);
/* Always with the domain: "0000:01:10.0", as sysfs. */
void pci_addr_format(PciAddr addr, char ret[PCI_ADDR_TEXT_SIZE]);
/* libvirt's node device name: "pci_0000_01_10_0". */
void pci_addr_format_libvirt(PciAddr addr, char ret[PCI_ADDR_TEXT_SIZE]);
int pci_addr_compare(PciAddr a, PciAddr b);
bool pci_addr_equal(PciAddr a, PciAddr b);
