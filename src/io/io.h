/* The one seam to the machine: a small table of calls, rooted at a directory.
 *
 * Everything vfadm reads of a host or does to it passes here, except the ledger's own database. Paths are
 * relative to the root ("sys/bus/pci/devices/0000:01:00.0/vendor"), never absolute, never with "..".
 * Every call returns 0 (or a count) or a negative errno: what a failure means is for the caller to say.
 *
 * Implementations: io_real (this machine), io_tree (a host in memory, from an archive or a generator, read-only),
 * io_recorder (passes on to another Io and notes what was read), and the simulated kernel in tests/sim/.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Io Io;

/* A process to start, for 'vfadm run'. The child begins only after io_process_go(), so that the ledger can name
 * it before it opens a device; if the parent dies before that, the child ends without starting anything. */
typedef struct {
        pid_t pid;
        int go_fd;     /* owned; -1 once released */
        uint64_t start; /* /proc/PID/stat field 22: with the pid and boot id it names this process for good */
} IoProcess;

typedef struct {
        /* Reads a whole file, at most `max` bytes (-EFBIG beyond). */
        int (*read)(Io *io, const char *path, size_t max, GBytes **ret);
        /* The first `length` bytes of a file, or as many as there are: for config space, of which each byte takes its time. NULL:
         * `read` is as good. */
        int (*read_start)(Io *io, const char *path, size_t length, GBytes **ret);
        /* One write(2) of the whole text to an existing file (a sysfs attribute). `timeout_ms` 0 = write here and now.
         * Otherwise the write runs in a child process, since the kernel may hold it for minutes: -ETIMEDOUT when the
         * deadline passes; the write may then still finish later. */
        int (*write)(Io *io, const char *path, const char *text, unsigned timeout_ms);
        int (*readlink)(Io *io, const char *path, char **ret);
        /* Names in a directory, sorted, without "." and "..". NULL-terminated. */
        int (*list)(Io *io, const char *path, char ***ret);
        /* One rtnetlink request (a whole nlmsghdr message; NLM_F_ACK or NLM_F_DUMP set by the caller). `reply` gets all
         * answer messages one after another, without the final ack or NLMSG_DONE; may be NULL. A netlink error is
         * returned as its negative errno; `extack` (may be NULL) gets the kernel's own words, if any. */
        int (*netlink)(Io *io, const void *request, size_t length, GByteArray *reply, char **extack);
        /* Loads a kernel module by name or alias, as modprobe does (blacklists and options honoured). */
        int (*load_module)(Io *io, const char *name);
        /* The name of the module that the best "vfio_pci:" alias of the running kernel gives for a PCI modalias
         * ("pci:v00008086d…"), or -ENOENT: field-facts 22. */
        int (*vfio_variant)(Io *io, const char *modalias, char **ret);
        /* Opens a device node for reading and writing and closes it again: 0, or why not. Only for nodes that an opening does
         * not disturb: dev/kvm, dev/vfio/vfio. -ENODATA: a recorded host where it was not tried. */
        int (*can_open)(Io *io, const char *path);
        /* Makes a configuration file have this text (NULL: not be there): written beside it, on the disk, and renamed into
         * place, keeping the mode of what was there (else 0644). No link is followed at the last part; folders on the way
         * must exist, but for the last one. */
        int (*replace)(Io *io, const char *path, const char *text);
        /* Runs one of this system's programs, by absolute path, without a shell, with an empty standard input and the C
         * locale, and gives what it says (at most 64 KiB of standard output and standard error together). The status is as of
         * waitpid(2). -ETIMEDOUT: it was killed by then. -EBUSY: another that changes the machine still runs. `changes`: it changes the machine (else it only answers, and a recorded
         * host gives the recorded answer, -ENODATA where there is none). -ENOENT: no such program. */
#define IO_PROGRAM_LOCK "program" /* a program that changes the machine holds this lock as long as it runs */
        int (*program)(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status);
        /* Connects to a unix stream socket; the fd is the caller's. -ETIMEDOUT when nobody accepts in time. */
        int (*connect)(Io *io, const char *path, unsigned timeout_ms);
        /* Pid of the peer of such a socket (SO_PEERCRED), or a negative errno. */
        int (*peer)(Io *io, int fd, pid_t *ret);
        int (*spawn)(Io *io, char *const argv[], IoProcess *ret);
        int (*process_go)(Io *io, IoProcess *process);
        /* Waits until a started process ends; `status` as of waitpid(2). */
        int (*process_wait)(Io *io, IoProcess *process, int *status);
        /* An exclusive lock by name under run/vfadm/lock/, freed by unlock or the end of the process. -ETIMEDOUT. */
        int (*lock)(Io *io, const char *name, unsigned timeout_ms, int *ret);
        void (*unlock)(Io *io, int lock);
        /* Monotonic microseconds. */
        int64_t (*now)(Io *io);
        /* Lets a short time pass before a retry (EAGAIN, EBUSY): the simulated clock moves on at once. */
        void (*pause)(Io *io, unsigned milliseconds);
        void (*free)(Io *io);
} IoCalls;

/* Every implementation's struct begins with this. */
struct Io {
        const IoCalls *calls;
        bool wakes_nobody; /* a service that would be started by asking it is not asked: at boot it waits for us */
        bool writable; /* false: write, netlink changes, load_module, replace, programs that change, spawn and lock return -EROFS */
        void *kept;    /* by io_keep() */
        void (*kept_free)(void *kept);
};

/* The machine below `root` ("/" for this one). A root other than "/" is read-only and has no netlink. */
Io *io_real_new(const char *root, GError **error);
void io_free(Io *io);
/* What a guest's service keeps open from call to call (its connection): one thing, which io_free() frees, or the next that
 * takes its place. */
void io_keep(Io *io, void *kept, void (*kept_free)(void *kept));
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Io, io_free)

/* Thin callers, so that code reads io_read(io, …). */
int io_read(Io *io, const char *path, size_t max, GBytes **ret);
int io_read_start(Io *io, const char *path, size_t length, GBytes **ret); /* of files of at most 64 KiB */
int io_write(Io *io, const char *path, const char *text, unsigned timeout_ms);
int io_readlink(Io *io, const char *path, char **ret);
int io_list(Io *io, const char *path, char ***ret);
int io_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack);
int io_load_module(Io *io, const char *name);
int io_vfio_variant(Io *io, const char *modalias, char **ret);
int io_can_open(Io *io, const char *path);
int io_replace(Io *io, const char *path, const char *text);
int io_program(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status);
int io_connect(Io *io, const char *path, unsigned timeout_ms);
int io_peer(Io *io, int fd, pid_t *ret);
int io_spawn(Io *io, char *const argv[], IoProcess *ret);
int io_process_go(Io *io, IoProcess *process);
int io_process_wait(Io *io, IoProcess *process, int *status);
int io_lock(Io *io, const char *name, unsigned timeout_ms, int *ret);
void io_unlock(Io *io, int lock);
int64_t io_now(Io *io);
void io_pause(Io *io, unsigned milliseconds);

/* Readers built on io_read, with sysfs' habits: one line, the newline cut off. */
int io_read_text(Io *io, const char *path, char **ret);            /* -EINVAL when it holds a NUL */
int io_read_uint(Io *io, const char *path, unsigned base, uint64_t max, uint64_t *ret);
int io_read_link_name(Io *io, const char *path, char **ret);       /* last part of a link's target */

/* The start time that names a process together with its pid: /proc/PID/stat field 22. -ENOENT: no such process. */
int io_process_start(Io *io, int pid, uint64_t *ret);
/* True when pid, start time and boot id name a process that still runs; one that nobody has waited for does not. */
bool io_process_lives(Io *io, int pid, uint64_t start, const char *boot_id);
/* This boot's id, from proc/sys/kernel/random/boot_id. */
int io_boot_id(Io *io, char **ret);
