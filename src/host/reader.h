/* What the source files of one host_read() share while the snapshot grows. Internal to host/. */
#pragma once

#include "host/host.h"
#include "host/links.h"

/* Known while reading and not part of the snapshot. */
typedef struct {
        Dev *dev;
        char *net_folder; /* a network function's folder of interfaces, below its own ("net", "virtio2/net"), or NULL */
        bool has_vfio_dev; /* it has a folder vfio-dev/ */
        bool has_uio;
} Device;

/* One block device: disk, partition or mapping. */
typedef struct Block Block;
struct Block {
        char *name;
        GPtrArray *devs;    /* Dev*: the controllers it is reached through */
        Block *disk;        /* a partition's disk */
        GPtrArray *slaves;  /* Block*: what a dm or md device stands on */
        GPtrArray *holders; /* Block*: what stands on it */
        bool in_use;        /* mounted or swapped on, itself or what stands on it */
};

typedef struct {
        Io *io;
        unsigned what; /* HostWhat */
        Snapshot *snapshot;
        GArray *devices;       /* Device */
        GPtrArray *links;      /* Link* */
        GHashTable *link_devs; /* interface name → Dev* */
        GArray *addresses;     /* LinkAddr */
        GHashTable *blocks;    /* name → Block */
} Reader;

/* A thing that could not be read, told once however often it happens. */
void reader_note(Reader *reader, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* "sys/bus/pci/devices/BDF/leaf"; the caller frees. */
char *device_path(const Dev *dev, const char *leaf);
/* The function that a sysfs path leads through last: the owner of "…/0000:00:03.0/virtio2/net/eth0". NULL: none. */
Dev *path_owner(const Reader *reader, const char *path);

/* pci_tree.c: every function, its links, its VFs. False when there is no PCI here. */
bool read_pci_tree(Reader *reader, GError **error);
/* Only these functions, without what stands in other functions' folders (a VF's number, slots). */
void read_pci_functions(Reader *reader, const PciAddr *addrs, unsigned n);
/* A VF with its number, and its PF. What is no VF (any more) is left out. */
void read_pci_vf(Reader *reader, PciAddr addr);
/* iommu.c: what the whole host says of interrupts, lockdown and groups. */
void read_iommu(Reader *reader);
/* xen.c: whether this is Xen's dom0, and what pciback lets guests do. */
void read_dom0(Reader *reader);
/* net.c: interfaces, their addresses, and to which function each belongs. */
void read_nets(Reader *reader);
/* net.c: one list by netlink, asked for again when it changed meanwhile. */
int reader_dump(Reader *reader, GByteArray *request, GByteArray *reply);
/* net.c: the administrative state of all VFs. */
void read_vf_states(Reader *reader);
/* block.c: block devices, what stands on what, and to which function each belongs. */
void read_blocks(Reader *reader);
void block_free(void *block);
/* Marks what carries `block` as in use, and calls `each` for every function below it. */
void block_walk_down(Reader *reader, Block *block, void (*each)(Dev *dev, void *user), void *user);
/* names.c: vendor and device names. */
void read_names(Reader *reader);

/* namespaces.c: our mounts are those of process 1; false where that cannot be told. */
bool host_mounts_are_own(Io *io);

/* uses.c */
void read_uses(Reader *reader);
/* Takes `what` over; the same words twice on one device count once. */
void use_add_once(Dev *dev, UseKind kind, char *what, int pid, const char *guest);
/* "a, b, c and 4 more" of texts (char*). The caller frees. */
char *join_few(const GPtrArray *texts);
/* uses_storage.c: mounts, swap, LVM and md. */
void read_storage_uses(Reader *reader);
/* uses_network.c: default routes, the login, interfaces in use. */
void read_network_uses(Reader *reader);
/* uses_process.c: open VFIO and UIO files. */
void read_process_uses(Reader *reader);
/* uses_libvirt.c: what libvirt is giving to its guests. */
void read_libvirt_keeps(Reader *reader);
/* login.c: appends the local address (IpAddr) of each connection that this session came in by. */
void read_login_addresses(Reader *reader, GArray *ret);
