/* What the files of this room share among themselves; no other room includes it. */
#pragma once

#include "io/io.h"
#include "io/tree.h"

#define IO_PATH_MAX 4096

/* 0, or -EINVAL for a path that is empty, absolute, too long, holds a control character or has a ".." in it. */
int io_path_check(const char *path);
/* False for a link's target that is empty, too long or holds a control character. */
bool io_link_target_ok(const char *target);
/* True for an rtnetlink request that only asks (RTM_GET…). False for a malformed one. */
bool io_netlink_asks(const void *request, size_t length);
/* A copy of a request with sequence number and port set to 0: equal questions become equal bytes. */
GBytes *io_netlink_key(const void *request, size_t length);
/* Sorts names by bytes and ends the array with NULL; takes the GPtrArray of char* over. */
char **io_names_sorted(GPtrArray *names);

/* The call vfio_variant over any Io's read. */
int io_variant_read(Io *io, const char *modalias, char **ret);
/* The best module of "alias vfio_pci:…" lines for a PCI modalias, or NULL; pure. */
char *io_variant_best(const char *text, size_t length, const char *modalias);
/* Path of the running kernel's modules.alias. */
int io_variant_path(Io *io, char **ret);

/* io_real_new() with the choice to write below a root that is not "/"; for tests. */
Io *io_real_open(const char *root, bool writable, GError **error);
/* The real machine's calls that live in files of their own. */
typedef struct RealNetlink RealNetlink;
int io_real_netlink(RealNetlink **state, const void *request, size_t length, GByteArray *reply, char **extack);
void io_real_netlink_free(RealNetlink *state);
int io_real_load_module(const char *name);
int io_real_connect(int path_fd, unsigned timeout_ms); /* an O_PATH handle of the socket */
int io_real_peer(int fd, pid_t *ret);
int io_real_spawn(char *const argv[], IoProcess *ret);
int io_real_process_go(IoProcess *process);
int io_real_process_wait(IoProcess *process, int *status);

/* The tree as an archive may fill it: through no link, each error returned, with the number of entries and bytes
 * known so that it can be bounded. */
typedef enum { IO_NODE_DIR, IO_NODE_FILE, IO_NODE_LINK, IO_NODE_ERRNO } IoNodeKind;
int io_tree_add(IoTree *tree, const char *path, IoNodeKind kind, const void *data, size_t length, int negative_errno);
size_t io_tree_entries(const IoTree *tree);
void io_tree_free(IoTree *tree);
/* Calls `visit` for every entry but the root, each folder before what is in it, names sorted. */
typedef void (*IoTreeVisit)(const char *path, IoNodeKind kind, GBytes *data, const char *target, int negative_errno,
                            void *user);
void io_tree_walk(IoTree *tree, IoTreeVisit visit, void *user);
/* The same for netlink answers, ordered by the bytes of the question. */
typedef void (*IoNetlinkVisit)(GBytes *request, int result, GBytes *reply, void *user);
void io_tree_walk_netlink(IoTree *tree, IoNetlinkVisit visit, void *user);

/* An archive held in memory (a fuzz target's way in). */
Io *io_archive_open_memory(const void *data, size_t length, GError **error);
