/* A PCI device as Xen's tools take it, in a domain's `pci = [ … ]` or hot-plugged: a function of the host and its options
 * (xl-pci-configuration(5)). Plain data; its text is read and written by xl/. */
#pragma once

#include "model/pci.h"

typedef enum { XEN_RDM_DEFAULT, XEN_RDM_STRICT, XEN_RDM_RELAXED } XenRdm;

typedef struct {
        PciAddr host;
        int slot;         /* on the guest's bus 0, 0 … 31; -1: Xen chooses. HVM only */
        int permissive;   /* -1: not said, which is off; 0, 1. The guest may write all of the device's config space: unsafe */
        int msitranslate; /* -1: not said; 0, 1 */
        int power_mgmt;   /* -1: not said; 0, 1. HVM only */
        int seize;        /* -1: not said; 0, 1: xl takes it from dom0's driver without asking. vfadm never writes 1 */
        XenRdm rdm;       /* reserved memory of the device: HVM only */
} XenDevice;

/* Nothing said of any option. */
XenDevice xen_device_plain(PciAddr host);
