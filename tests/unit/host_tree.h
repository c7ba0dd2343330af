/* A small host in memory for test-host: a virtio disk, a management card, an NVMe disk, and an igb card with its VFs
 * behind a root port. Tests change it before they read it. */
#pragma once

#include "io/tree.h"
#include "model/snapshot.h"

#include <stdint.h>

typedef struct {
        IoTree *tree;
        Io *io;
        GByteArray *links, *addresses, *routes, *nexthops;
} Host;

/* The card's VFs: 0000:01:10.0, .2, .4, .6, 0000:01:11.0 … */
Host *host_tree_new(unsigned vfs);
void host_tree_free(Host *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_tree_free)

/* A function below `parent` (path from the root complex), with its uevent and group; the path is returned, borrowed
 * until the host is freed. */
const char *host_add_function(Host *host, const char *parent, const char *bdf, unsigned vendor, unsigned device,
                              unsigned class_code, const char *driver);
void host_put(Host *host, const char *text, const char *format, ...) G_GNUC_PRINTF(3, 4);
void host_link(Host *host, const char *target, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* A network interface: its sysfs folder and its place in the list of links. `place`: path of the device below
 * sys/devices, or NULL for one of software. master, lower: 0 none. */
void host_add_link(Host *host, const char *place, const char *name, int ifindex, unsigned flags, int master, int lower);
void host_add_address(Host *host, int ifindex, const char *ip, unsigned prefix);
void host_add_default_route(Host *host, int ifindex);
/* One by a nexthop object, which is to be added, too: with an interface, or (0) a group of two others. */
void host_add_default_route_by(Host *host, uint32_t nexthop);
void host_add_nexthop(Host *host, uint32_t id, int ifindex, uint32_t first, uint32_t second);
/* A block device of its own folder below sys/devices (place may be "virtual/block"). */
void host_add_block(Host *host, const char *place, const char *name, unsigned major, unsigned minor);
void host_add_process(Host *host, int pid, int parent, const char *comm, const char *cmdline, size_t length);
void host_add_fd(Host *host, int pid, int fd, const char *target);
/* Answers netlink questions by what was added; without it the host is one without netlink. */
void host_answer(Host *host);

/* What was read of it. A host that cannot be read and a device that is not there fail the test. */
Snapshot *host_tree_read(Host *host, unsigned what);
const Dev *host_find(const Snapshot *snapshot, const char *name);
/* Compares with "host: mounted on /; network: eth0 is up", in the snapshot's order; "" for nobody. */
void host_check_uses(const Snapshot *snapshot, const char *name, const char *expected);
bool host_has_note(const Snapshot *snapshot, const char *part);
