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

/* Keys that hold one of these have values that no record keeps. */
static const char *const io_secret_hints[] = {"passw", "passphrase", "secret", "token", "key", "cred", "chap", "iscsi", "auth"};

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
int io_real_replace(int dir, const char *name, const char *text);
/* `lock`: a file that the program holds open too, as long as it runs; -1: none. */
int io_real_program(char *const argv[], bool changes, int lock, unsigned timeout_ms, GBytes **output, int *status);
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

/* tree_asked.c: what the host was asked beside its files. */
typedef struct IoAsked IoAsked;
IoAsked *io_asked_new(void);
void io_asked_free(IoAsked *asked);
int io_asked_open(IoAsked *asked, const char *path);
int io_asked_program(IoAsked *asked, char *const argv[], GBytes **output, int *status);
IoAsked *io_tree_asked(IoTree *tree);
/* What opening a device node gave (0 or a negative errno), and what a program that only answers said. */
void io_tree_put_open(IoTree *tree, const char *path, int result);
void io_tree_put_program(IoTree *tree, char *const argv[], int result, int status, const void *output, size_t length);
/* argv as one text, the key of a program's answer: its words, each ended by a NUL. */
GBytes *io_program_key(char *const argv[]);
/* The other way; NULL for what is no such key. Free with g_strfreev(). */
char **io_program_argv(GBytes *key);
typedef void (*IoOpenVisit)(const char *path, int result, void *user);
void io_tree_walk_opens(IoTree *tree, IoOpenVisit visit, void *user);
typedef void (*IoProgramVisit)(GBytes *key, int result, int status, GBytes *output, void *user);
void io_tree_walk_programs(IoTree *tree, IoProgramVisit visit, void *user);

/* An archive held in memory (a fuzz target's way in). */
Io *io_archive_open_memory(const void *data, size_t length, GError **error);
