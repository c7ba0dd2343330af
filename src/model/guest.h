/* What is known of one guest: read by a backend in guest/, used by plan/. */
#pragma once

#include "model/pci.h"
#include "model/vfstate.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
        char *bus;      /* "rp2": the id to give as bus= */
        bool free;
        bool hotplug;   /* pcie-root-port or a bridge that takes a device while the guest runs */
        unsigned more;  /* `free`: so many devices besides one; a conventional bus has many slots */
} GuestSlot;

typedef struct {
        char *id;       /* "vfadm-0000-01-10.0" */
        PciAddr host;   /* the host's function */
        bool has_host;
        bool leaving;   /* asked to go, guest has not let go yet */
        bool iommufd;   /* given through iommufd, not through a VFIO container; as far as the command line tells */
        /* Of guests with a definition (libvirt), where they tell it: */
        bool interface; /* <interface>: a NIC, with MAC and VLAN; else <hostdev> */
        bool managed;   /* the service binds and gives back the driver by itself */
        char *network;  /* the service's network that gives a VF at each start, or gave this one; NULL: none */
        VfState vf;     /* MAC and VLAN that the guest shall have there */
        char *xml;      /* of `defined`: the element as it stands in the definition; a Xen domain's is an entry of its `pci = [ … ]` */
} GuestDevice;

void guest_device_free(GuestDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestDevice, guest_device_free)

typedef struct {
        char *backend;      /* "qemu" */
        char *name;
        char *uuid;         /* NULL when not given or all zero */
        pid_t pid;
        uint64_t pid_start; /* /proc/PID/stat field 22 */
        char *socket;       /* QMP socket path, below the root */
        char *status;       /* "running", "paused" … */
        bool has_viommu;
        char *viommu;           /* "intel-iommu" … by its command line; NULL: none, or not told there */
        bool viommu_caching;    /* intel-iommu's caching-mode */
        bool viommu_intremap;   /* the vIOMMU remaps interrupts */
        uint64_t ram;           /* bytes */
        uint64_t memlock_limit; /* bytes, soft limit of the process; UINT64_MAX unlimited */
        bool memlock_exempt;    /* CAP_IPC_LOCK in its effective set: the limit does not count */
        uint64_t memlock_used;  /* bytes locked now (VmLck plus what VFIO pinned, as far as /proc tells) */
        char *machine;          /* "pc-q35-10.0", "pc-i440fx-9.2"; NULL: not known */
        bool by_libvirt;        /* libvirt runs it and owns its monitor */
        bool asked;             /* its monitor answered: slots and devices are as they are now; else as at its start */
        bool cut;               /* a recorded host: of its command line only the name is known, and nothing else of its start */
        bool denied;            /* it, or its monitor, may not be looked at: root is needed */
        unsigned vfio_files;    /* devices of VFIO it has open, by /proc: known also when the monitor is not */
        bool agent;             /* its guest agent answered; `agent_macs` are the MACs of the network devices inside */
        GPtrArray *agent_macs;  /* char*: "02:00:00:00:00:01" */
        GPtrArray *notes;       /* char*: what could not be learnt, and why */
        GPtrArray *slots;       /* GuestSlot* */
        GPtrArray *devices;     /* GuestDevice*: every vfio-pci device that it has now */
        bool running;           /* false: only defined; then pid is 0, and slots and devices are empty */
        bool has_definition;    /* it has a persistent definition, which outlives its process */
        int numa_node;          /* where its memory is bound to, one node; -1: not told, or several */
        GPtrArray *defined;     /* GuestDevice*: assigned devices of its definition, and NICs of networks of VFs */
        /* Of Xen's domains, which are no processes here (pid 0); `machine` is "xenpv", "xenpvh" or "xenfv" (HVM), as libvirt says. */
        uint32_t domain;        /* its number while it runs; 0: no domain of Xen's, or not running */
        bool uuid_of_run;       /* its uuid was made up at this start, and the next start has another: it names the domain while
                                   it runs (reboots included), and nothing may be derived from it */
        bool no_passthrough;    /* it was created with neither a device nor passthrough="enabled", so Xen gives it none while it runs
                                   (libxl_create.c; c_info.passthrough of its retrieved configuration) */
        bool all_permissive, all_seize; /* its file says so of every device: pci_permissive=1, pci_seize=1 */
        char *file;             /* the configuration file that defines it, below the root ("etc/xen/web1.cfg"); NULL: none found */
} GuestInfo;

GuestInfo *guest_info_new(const char *backend, const char *name);
void guest_info_free(GuestInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(GuestInfo, guest_info_free)
GuestDevice *guest_info_add_device(GuestInfo *info, const char *id);
GuestSlot *guest_info_add_slot(GuestInfo *info, const char *bus, bool free, bool hotplug);
/* Adds to `defined`. */
GuestDevice *guest_info_add_defined(GuestInfo *info, const char *id);
const GuestDevice *guest_info_find(const GuestInfo *info, PciAddr host);
const GuestDevice *guest_info_find_defined(const GuestInfo *info, PciAddr host);
/* "qemu:web1" (caller frees). */
char *guest_info_ref(const GuestInfo *info);

/* Splits "qemu:web1" into backend and name; a bare name gives *backend NULL. Refuses empty names, control
 * characters and '/'. */
bool guest_ref_parse(const char *text, char **backend, char **name);
