/* What QEMU's refusals of device_add mean, and what to do about each. */
#include "guest/qemu.h"

#include "base/error.h"

#include <string.h>

/* The first row whose text occurs counts. Texts: hw/vfio/{container,common,pci,helpers}.c, hw/pci/{pci,pcie,shpc}.c,
 * hw/core/qdev.c and system/qdev-monitor.c, QEMU 7.2 to 10.0. */
static const struct {
        const char *text;
        VfadmError kind;
        const char *remedy;
} table[] = {
        {"iommu for container: Operation not permitted", VFADM_ERROR_UNSUPPORTED,
         "the host has no interrupt remapping: turn it on in the firmware (VT-d or AMD-Vi); "
         "vfio_iommu_type1 allow_unsafe_interrupts=1 would do without, at the cost of isolation"},
        {"is not viable", VFADM_ERROR_REFUSED,
         "another member of its IOMMU group is on a host driver: 'vfadm show' lists the members"},
        {"VFIO_MAP_DMA", VFADM_ERROR_REFUSED,
         "the process may lock too little memory: raise it with 'prlimit --memlock'"},
        {"dma_map", VFADM_ERROR_REFUSED, "the process may lock too little memory: raise it with 'prlimit --memlock'"},
        {"Cannot allocate memory", VFADM_ERROR_REFUSED,
         "the process may lock too little memory: raise it with 'prlimit --memlock'"},
        {"memory listener initialization failed", VFADM_ERROR_REFUSED,
         "the process may lock too little memory: raise it with 'prlimit --memlock'"},
        {"does not support hotplugging", VFADM_ERROR_UNSUPPORTED,
         "choose another slot; on q35 the guest must be started with free '-device pcie-root-port'"},
        {"unsupported by the port device", VFADM_ERROR_UNSUPPORTED,
         "this port was started with hotplug=off; choose another slot"},
        {"guest is busy", VFADM_ERROR_BUSY, "the slot's power indicator blinks; try again in some seconds"},
        {"Duplicate device ID", VFADM_ERROR_IN_USE, "another device of the guest has this id"},
        {"already attached", VFADM_ERROR_IN_USE, "the guest has this device already"},
        {"not available for", VFADM_ERROR_IN_USE, "the slot is in use; choose another one"},
        {"all in use or reserved", VFADM_ERROR_IN_USE, "the slot is in use; choose another one"},
        {"Device or resource busy", VFADM_ERROR_IN_USE, "another process holds the device or its IOMMU group"},
        {"Permission denied", VFADM_ERROR_PERMISSION,
         "the user that QEMU runs as may not open the group's file in /dev/vfio; give it to that user"},
        {"no such host device", VFADM_ERROR_NOT_FOUND, "QEMU does not see it in /sys/bus/pci"},
        {"no iommu_group found", VFADM_ERROR_UNSUPPORTED,
         "the host has no IOMMU, or it is off: intel_iommu=on, and VT-d or AMD-Vi in the firmware"},
        {"No such file or directory", VFADM_ERROR_FAILED,
         "the device is not on vfio-pci, or QEMU sees another /dev than we do (a container or chroot)"},
        {"is not a valid device model name", VFADM_ERROR_UNSUPPORTED, "this QEMU was built without VFIO"},
        {"only-migratable", VFADM_ERROR_UNSUPPORTED, "the guest was started with -only-migratable"},
};

void qemu_plug_refused(const char *who, PciAddr host, const char *bus, const char *desc, GError **error) {
        char addr[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(host, addr);
        VfadmError kind = VFADM_ERROR_FAILED;
        const char *remedy = "see QEMU's own log";
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                if (strstr(desc, table[i].text)) {
                        kind = table[i].kind;
                        remedy = table[i].remedy;
                        break;
                }
        if (bus && g_str_has_prefix(desc, "Bus '") && g_str_has_suffix(desc, "' not found")) {
                kind = VFADM_ERROR_NOT_FOUND;
                remedy = "the guest has no such slot";
        }
        g_set_error(error, VFADM_ERROR, kind, "%s: QEMU refused %s on %s: %s; %s", who, addr, bus ? bus : "any slot",
                    desc, remedy);
}
