/* What the files of this room share while one snapshot is being read. */
#pragma once

#include "host/links.h"
#include "io/io.h"
#include "model/snapshot.h"

#define PCI_DEVICES "sys/bus/pci/devices"

typedef struct {
        Io *io;
        Snapshot *snapshot;
        GPtrArray *links;      /* Link*: every interface of this network namespace */
        GHashTable *links_by_name, *links_by_index; /* borrowed Link* */
        GArray *addresses;     /* LinkAddr of them */
        GHashTable *link_devs; /* interface name → Dev* behind it (borrowed) */
        GHashTable *blocks;    /* "vda", "vda1" → Dev* behind it (borrowed) */
} Reading;

/* Adds a note once. */
void reading_note(Reading *reading, const char *note);
/* The last PCI address in a sysfs path, as the device it names; NULL when there is none. */
Dev *reading_dev_of_path(Reading *reading, const char *path);
/* A whole text file, NUL-terminated; NULL when it cannot be read. */
char *reading_text(Reading *reading, const char *path, gsize *ret_size);

bool pci_tree_read(Reading *reading, unsigned what, GError **error); /* pci_tree.c */
void net_read(Reading *reading);          /* net.c: interfaces, addresses */
void iommu_read(Reading *reading);        /* iommu.c */
void uses_read_storage(Reading *reading); /* uses_storage.c: mounts, swap, holders */
void uses_read_network(Reading *reading); /* uses_network.c: routes, login, interfaces */
void uses_read_vfio(Reading *reading);    /* uses_vfio.c: who holds VFIO files */
