/* A host in memory: files, links and folders by path; answers to netlink questions. Read-only behind the seam.
 * Filled from an archive that 'vfadm record' wrote, from a folder, by a generator (bench) or by the simulated
 * kernel (tests/sim), which puts its own calls over it. */
#pragma once

#include "io/io.h"

typedef struct IoTree IoTree;

/* An empty host. The caller frees the Io that io_tree_io() gives, which frees the tree with it. */
IoTree *io_tree_new(void);
Io *io_tree_io(IoTree *tree);
/* The tree behind an Io that io_tree_io() gave. */
IoTree *io_tree_of(Io *io);

/* All take a path as the seam does; folders on the way are made. An existing entry is replaced. */
void io_tree_put_file(IoTree *tree, const char *path, const void *data, size_t length);
void io_tree_put_text(IoTree *tree, const char *path, const char *text);
void io_tree_put_link(IoTree *tree, const char *path, const char *target);
void io_tree_put_dir(IoTree *tree, const char *path);
/* Notes that reading this path gives a negative errno (a recorded refusal). */
void io_tree_put_errno(IoTree *tree, const char *path, int negative_errno);
/* Removes an entry and all below it; false when there was none. */
bool io_tree_remove(IoTree *tree, const char *path);
bool io_tree_has(IoTree *tree, const char *path);
/* What a netlink request (its bytes, sequence number and port set to 0) is answered. */
void io_tree_put_netlink(IoTree *tree, const void *request, size_t length, int result, const void *reply, size_t reply_length);

/* Links inside a path are followed as the kernel does (sys/class/net/enp1s0 is a link), at most 40 of them. */
int io_tree_read(IoTree *tree, const char *path, GBytes **ret);
int io_tree_readlink(IoTree *tree, const char *path, char **ret);
int io_tree_list(IoTree *tree, const char *path, char ***ret);

/* A read-only Io over a tar archive (any compression libarchive knows) or a folder; bounded in size (256 MiB) and
 * entries (1 million), never unpacked onto the disk. */
Io *io_archive_open(const char *path, GError **error);
