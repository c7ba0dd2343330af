/* One host at one moment: what host_read() found. Plain data; const once built.
 * Owned text is freed with the snapshot. A NULL text means "none". */
#pragma once

#include "model/caps.h"
#include "model/pci.h"
#include "model/setup.h"
#include "model/vfstate.h"

#include <glib.h>

/* One address range of a function: of sysfs' "resource" lines 0 to 5 are its BARs, 6 its ROM, 7 to 12 the BARs of all its VFs
 * together, 13 to 16 a bridge's windows (include/linux/pci.h PCI_STD_RESOURCES …, with CONFIG_PCI_IOV). All zero: none, or
 * none was found for it. */
typedef struct {
        uint64_t start, end;
        uint64_t flags; /* include/linux/ioport.h IORESOURCE_* */
} PciResource;
enum { RESOURCE_VF_BARS = 7, RESOURCE_BRIDGE = 13 };

/* Who uses a device, and how; found out by us, since the kernel's own guard does not see VFIO (field-facts 5). */
typedef enum {
        USE_HOST,    /* carries this host: mounted file system, swap, default route, the address you are logged in by */
        USE_PROCESS, /* a process holds its VFIO group or device open: a guest, DPDK */
        USE_GUEST,   /* a guest has it that is no process of this host: a Xen domain. By the service's books, never by io */
        USE_NETWORK, /* its network device is up, has addresses, is enslaved, or lives in another namespace */
        USE_STORAGE, /* its block device is held by LVM, md, a crypt mapping … though not mounted */
} UseKind;

typedef struct {
        UseKind kind;
        char *what; /* "mounted on /", "guest web1 (qemu, pid 812)", "enp1s0v0 is up with 10.0.0.3" */
        int pid;    /* USE_PROCESS, else 0 */
        char *guest; /* name of the guest by its -name, or NULL */
} Use;

typedef struct {
        char *name;
        int ifindex;
        uint8_t mac[6];
        uint8_t permanent_mac[6]; /* zero when the driver does not say */
        bool up;                  /* IFF_UP */
        bool carrier;
        char *master;             /* bridge or bond, or NULL */
        char *phys_port_name;     /* NULL, "p0", representors "pf0vf1" */
        GPtrArray *addresses;     /* char*: "10.0.0.3/24"; link-local IPv6 left out */
} NetDev;

typedef struct {
        unsigned index;
        VfState state;
        bool missing; /* the kernel left it out of the list: in reset, ask again (field-facts 8) */
} VfInfo;

typedef struct {
        PciAddr addr;
        char name[PCI_ADDR_TEXT_SIZE]; /* addr as text */
        uint16_t vendor, device, subvendor, subdevice;
        uint32_t class_code; /* 24 bits, as sysfs' "class" */
        uint8_t revision;
        char *vendor_name, *device_name; /* from the hwdb; NULL unless HOST_NAMES was asked for */
        char *modalias;
        char *driver;          /* NULL: driverless */
        char *driver_override; /* NULL: none */
        bool permissive;       /* bound to pciback, which lets its guest write all of its config space (unsafe) */
        int numa_node;         /* -1: not told */
        int iommu_group;       /* -1: in none */
        char *path;            /* sysfs path from the root complex, "pci0000:00/0000:00:02.0/0000:01:00.0" */
        bool has_parent;
        PciAddr parent;        /* the bridge above */
        char *slot;            /* physical slot name, NULL when not told */
        char **reset_methods;  /* "flr", "bus" …; NULL when the kernel does not say, empty when there is none */
        bool removed;          /* went away while we read */

        bool is_vf;
        PciAddr pf;            /* is_vf: its PF */
        unsigned vf_index;     /* is_vf: the N of the PF's virtfnN link */

        bool is_pf;            /* has sriov_totalvfs */
        unsigned total_vfs;    /* the driver's limit now */
        unsigned num_vfs;      /* number of virtfnN links; sriov_numvfs itself can block and is not read */
        bool autoprobe;
        GArray *vfs;           /* PciAddr by index; NULL unless is_pf */
        GArray *vf_infos;      /* VfInfo, ordered by index; NULL when not asked for or the PF has no netdev */
        int vf_infos_error;    /* negative errno when the question failed */

        bool has_caps;
        PciCaps caps;
        GArray *resources;     /* PciResource, a line of sysfs' "resource" each; NULL unless HOST_SETUP was asked for and this is
                                  a PF or a bridge above one */

        GPtrArray *nets;       /* NetDev*; for a PF the port itself first, VF representors after it */
        GPtrArray *blocks;     /* char*: "nvme0n1", "vda" … */
        GPtrArray *uses;       /* Use*; empty: nobody */
        bool libvirt_keeps;    /* a network VF: libvirt has written down what it goes back to, and gives it to a guest, though none may have
                                  opened it yet (run/libvirt/hostdevmgr; field-facts 15). Told with HOST_USES */
} Dev;

typedef enum { INTREMAP_UNKNOWN, INTREMAP_ON, INTREMAP_OFF } IntRemap;

typedef struct {
        GPtrArray *devs;        /* Dev*, ordered by address */
        GHashTable *by_name;    /* "0000:01:00.0" → Dev* (borrowed) */
        bool has_iommu;         /* any IOMMU group exists */
        IntRemap intremap;
        bool unsafe_interrupts; /* vfio_iommu_type1 allow_unsafe_interrupts=Y */
        bool lockdown;          /* kernel lockdown integrity or confidentiality */
        bool xen_dom0;          /* Xen is below this host, which is its dom0 (proc/xen/capabilities has control_d): groups are not to
                                   be seen, Xen guards the devices, and who has one only its books tell */
        bool processes_hidden;  /* only a container's processes can be seen: who has a device open through VFIO, or a disk,
                                   is not known. Told with HOST_USES */
        char *kernel_release;
        char *boot_id;
        char *machine_id;       /* for MACs derived from names; NULL when there is none */
        Setup *setup;           /* NULL unless HOST_SETUP was asked for */
        GPtrArray *notes;       /* char*: what could not be read, in plain words ("config space beyond 64 bytes needs root") */
} Snapshot;

/* Built by host/, by tests and by benches. */
Snapshot *snapshot_new(void);
void snapshot_free(Snapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Snapshot, snapshot_free)
Dev *dev_new(PciAddr addr);
void dev_free(Dev *dev);
NetDev *net_dev_new(const char *name);
void net_dev_free(NetDev *net);
/* Takes `what` over. */
void dev_add_use(Dev *dev, UseKind kind, char *what, int pid, const char *guest);
void use_free(Use *use);
/* Takes the dev over; snapshot_seal() orders them and must be called once at the end. */
void snapshot_add(Snapshot *snapshot, Dev *dev);
void snapshot_seal(Snapshot *snapshot);

const Dev *snapshot_get(const Snapshot *snapshot, PciAddr addr);
/* A device as people name it: BDF, libvirt's name, network device ("enp1s0"), "PF/INDEX" for a VF (PF in any of these
 * forms). NULL with NOT_FOUND (unknown, ambiguous, VF index out of range; the message lists what there is). */
const Dev *snapshot_find(const Snapshot *snapshot, const char *name, GError **error);
/* The PF of a VF; the device itself otherwise. */
const Dev *snapshot_pf(const Snapshot *snapshot, const Dev *dev);
const Dev *snapshot_vf(const Snapshot *snapshot, const Dev *pf, unsigned index);
/* The admin state of a VF as its PF tells it; NULL when not known. */
const VfState *snapshot_vf_state(const Snapshot *snapshot, const Dev *vf);
/* Every member of a group, ordered; empty for group -1. Borrowed Dev*. */
GPtrArray *snapshot_group(const Snapshot *snapshot, int group);
/* The PF's own network device, or NULL. */
const NetDev *dev_net(const Dev *dev);
/* "enp1s0" or, without a netdev, the BDF; for a VF "enp1s0/3" (caller frees). */
char *snapshot_nick(const Snapshot *snapshot, const Dev *dev);
/* A VF's representor sits below its PF too, by the side of the PF's own port ("p0"), and is named "pf0vf1", "c1pf0vf1"
 * (field-facts 18). NULL and "": no. */
bool port_name_is_representor(const char *phys_port_name);
/* vfio-pci or one of its variants (mlx5_vfio_pci, nvgrace_gpu_vfio_pci …); false for NULL. */
bool driver_is_vfio(const char *driver);
/* Xen's pciback: kept for Xen's guests, or with one of them; which, only Xen's books tell. False for NULL. */
#define DRIVER_PCIBACK "pciback"
bool driver_is_xen(const char *driver);
/* A driver (or NULL, none) that may stay beside VFIO in a group: it claims no DMA (driver_managed_dma; field-facts 20). */
bool driver_lets_vfio_be(const char *driver);
bool dev_is_bridge(const Dev *dev);
bool dev_is_network(const Dev *dev);
/* The use that matters most (host before process before network), or NULL. */
const Use *dev_use(const Dev *dev);
