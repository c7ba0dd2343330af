/* A healthy host for tests of checks, to be made ill by each test, and what the checks then find. */
#pragma once

#include "doctor/doctor.h"
#include "hosts.h"
#include "model/lease.h"

typedef struct {
        Snapshot *host;
        GPtrArray *leases;   /* Lease* */
        GPtrArray *guests;   /* GuestInfo* */
        Books *books;        /* NULL, unless doctor_world_xen() made it Xen's dom0 */
        const char *xen_log; /* borrowed; NULL */
        Known xen_module;
        GPtrArray *findings; /* Finding*: of the last doctor_world_… call; NULL before it */
} DoctorWorld;

/* The host of hosts.h (host_pf(), host_vf(), host_vf_state() serve here too) as an Intel machine in good health: VT-x, DMAR with
 * interrupt remapping, intel_iommu=on iommu=pt, GRUB; the 82576 below the root port 0000:00:02.0, which has ACS, forwards ARI and
 * has room for its VFs; VFs with MACs of their own, and a .link file that makes them again at boot. No lease, no guest. Before a
 * check sees it, all may be changed but the addresses. */
DoctorWorld doctor_world(unsigned vfs);
void doctor_world_clear(DoctorWorld *w);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DoctorWorld, doctor_world_clear)

/* The same host as Xen's dom0 in good health: no groups, no /dev/kvm, Xen 4.20 with an IOMMU and dom0_mem=, pciback loaded. */
void doctor_world_xen(DoctorWorld *w);
/* A domain "xen:NAME" in the books; `domain` 0: only defined, by etc/xen/NAME.cfg. */
GuestInfo *doctor_world_domain(DoctorWorld *w, const char *name, uint32_t domain);
/* Bound to pciback, and an entry in the domain's file (NULL: the address alone); if it runs, it has the device. */
GuestDevice *doctor_world_define(DoctorWorld *w, GuestInfo *domain, Dev *dev, const char *entry);

Dev *doctor_world_port(DoctorWorld *w); /* the root port above the card */
Dev *doctor_world_disk(DoctorWorld *w); /* a virtio disk with the root file system */
Setup *doctor_world_setup(DoctorWorld *w);
/* Puts words in place of the kernel's command line. */
void doctor_world_cmdline(DoctorWorld *w, const char *cmdline);
/* A running guest "qemu:web1" (pid 812, 2 GiB, q35, memory limit far off, one free slot) that was asked; it is in w->guests. */
GuestInfo *doctor_world_guest(DoctorWorld *w);
/* The guest holds the device: bound to vfio-pci, in use by its process, among its devices, and leased to it. */
Lease *doctor_world_give(DoctorWorld *w, GuestInfo *guest, Dev *dev);

/* Run all checks anew, about the host, a device, a guest. What they return is w->findings. */
const GPtrArray *doctor_world_host(DoctorWorld *w);
const GPtrArray *doctor_world_device(DoctorWorld *w, const Dev *dev);
const GPtrArray *doctor_world_guest_check(DoctorWorld *w, const GuestInfo *guest);

/* In w->findings: the first finding of this check that is worse than OK; NULL: none. */
const Finding *doctor_world_find(const DoctorWorld *w, const char *id);
unsigned doctor_world_count(const DoctorWorld *w, const char *id);
/* The first one is there, of this severity, and its `what` holds `says` (NULL: anything). */
const Finding *doctor_world_fires(const DoctorWorld *w, const char *id, Severity severity, const char *says);
/* The host is examined, and the check finds nothing worse than OK … */
void assert_host_silent(DoctorWorld *w, const char *id);
/* … or something, as doctor_world_fires(). */
const Finding *assert_host_fires(DoctorWorld *w, const char *id, Severity severity, const char *says);
/* The same about one device. */
void assert_device_silent(DoctorWorld *w, const Dev *dev, const char *id);
const Finding *assert_device_fires(DoctorWorld *w, const Dev *dev, const char *id, Severity severity, const char *says);
