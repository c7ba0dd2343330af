/* The real machine: files, links, folders and locks below a root folder. */
#include "io/io.h"

#include "base/error.h"
#include "io/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a program that a dead vfadm started is waited for. */
#define PROGRAM_LOCK_MS (120u * 1000)
/* Wait between two looks at a lock that somebody holds. */
#define LOCK_LOOK_MS 20
/* openat2() gives EAGAIN when something was renamed while it made sure to stay below the root. */
#define OPEN_TRIES 32

typedef struct {
        Io io;
        int root;
        bool whole; /* the root is "/": this machine itself */
        RealNetlink *netlink;
} RealIo;

static RealIo *real(Io *io) {
        return (RealIo *) io;
}

static int open_below(int root, bool whole, const char *path, int flags) {
        int r = io_path_check(path);
        if (r < 0)
                return r;
        flags |= flags & O_PATH ? O_CLOEXEC : O_CLOEXEC | O_NOCTTY; /* openat2 takes O_NOCTTY with O_PATH for a mistake */
        if (whole) {
                do
                        r = openat(root, path, flags);
                while (r < 0 && errno == EINTR);
                return r < 0 ? -errno : r;
        }
        struct open_how how = {.flags = (uint64_t) flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
        for (int i = 0; i < OPEN_TRIES; i++) {
                long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
                if (fd >= 0)
                        return (int) fd;
                if (errno != EAGAIN && errno != EINTR)
                        return -errno;
        }
        return -EAGAIN;
}

static int real_open(RealIo *io, const char *path, int flags) {
        return open_below(io->root, io->whole, path, flags);
}

/* sysfs says 4096 for every attribute and /proc says 0: only reading on to the end tells the length. */
static int read_to_end(int fd, size_t max, GBytes **ret) {
        size_t room = MIN(max, 4096) + 1, size = 0;
        g_autofree char *data = g_malloc(room);
        for (;;) {
                ssize_t n = pread(fd, data + size, room - size, (off_t) size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > max)
                        return -EFBIG;
                if (size == room) {
                        room = MIN(max, room * 2) + 1;
                        data = g_realloc(data, room);
                }
        }
        *ret = g_bytes_new(data, size);
        return 0;
}

/* One read(2): what it is for gives all that was asked for, or all that there is. */
static int read_once(int fd, size_t length, GBytes **ret) {
        g_autofree char *data = g_malloc(length);
        ssize_t n;
        do
                n = read(fd, data, length);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        *ret = g_bytes_new(data, (size_t) n);
        return 0;
}

static int read_file(Io *io, const char *path, size_t max, int (*how)(int fd, size_t max, GBytes **ret), GBytes **ret) {
        struct stat st;
        /* Without O_NONBLOCK a pipe that somebody left in the way would hold us for ever. */
        int fd = real_open(real(io), path, O_RDONLY | O_NONBLOCK);
        if (fd < 0)
                return fd;
        int r = fstat(fd, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? -EISDIR : S_ISREG(st.st_mode) ? 0 : -EINVAL;
        if (r == 0)
                r = how(fd, max, ret);
        close(fd);
        return r;
}

static int real_read(Io *io, const char *path, size_t max, GBytes **ret) {
        return read_file(io, path, max, read_to_end, ret);
}

static int real_read_start(Io *io, const char *path, size_t length, GBytes **ret) {
        return read_file(io, path, length, read_once, ret);
}

/* One write(2) of the whole: the kernel takes what it gets in one call as the value. */
static int write_whole(int root, bool whole, const char *path, const char *text, size_t length) {
        ssize_t n;
        int fd = open_below(root, whole, path, O_WRONLY);
        if (fd < 0)
                return fd;
        do
                n = write(fd, text, length);
        while (n < 0 && errno == EINTR);
        int r = n < 0 ? -errno : (size_t) n == length ? 0 : -EIO;
        close(fd);
        return r;
}

/* In the grandchild: keeps only the way back and the root, so that a write that hangs for minutes holds neither our
 * locks nor the pipe to a pager, then writes. All signals are blocked. */
static void G_GNUC_NORETURN write_in_child(RealIo *io, int result_fd, const char *path, const char *text, size_t length) {
        int result = fcntl(result_fd, F_DUPFD, 10), root = fcntl(io->root, F_DUPFD, 10);
        if (result < 0 || root < 0 || dup2(result, 0) < 0 || dup2(root, 1) < 0)
                _exit(1);
        syscall(SYS_close_range, 2u, ~0u, 0u);
        int32_t r = write_whole(1, io->whole, path, text, length);
        if (write(0, &r, sizeof r) != sizeof r)
                _exit(1);
        _exit(0);
}

/* Milliseconds left until a deadline in monotonic microseconds, at least 0. */
static int left_ms(int64_t deadline) {
        int64_t left = deadline - g_get_monotonic_time();
        return left <= 0 ? 0 : (int) MIN(left / 1000 + 1, INT_MAX);
}

static int await_result(int fd, int64_t deadline) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int32_t result;
        int n;
        do
                n = poll(&p, 1, left_ms(deadline));
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (n == 0)
                return -ETIMEDOUT;
        /* End of file without a result: the child was killed. What it was about to write is not known. */
        return read(fd, &result, sizeof result) == sizeof result ? result : -EIO;
}

/* A child of a child writes: when the deadline passes it is left to finish, and init reaps it, not we. */
static int write_with_deadline(RealIo *io, const char *path, const char *text, size_t length, unsigned timeout_ms) {
        int64_t deadline = g_get_monotonic_time() + (int64_t) timeout_ms * 1000;
        sigset_t all, before;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pid_t pid = fork();
        int r = pid < 0 ? -errno : 0;
        if (pid == 0) {
                pid = fork();
                if (pid == 0)
                        write_in_child(io, fds[1], path, text, length);
                int32_t result = -errno;
                if (pid < 0 && write(fds[1], &result, sizeof result) < 0)
                        _exit(1);
                _exit(0);
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        close(fds[1]);
        if (r == 0) {
                while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                        ;
                r = await_result(fds[0], deadline);
        }
        close(fds[0]);
        return r;
}

static int real_write(Io *io, const char *path, const char *text, unsigned timeout_ms) {
        size_t length = strlen(text);
        if (length == 0) /* no write at all for the kernel (field-facts 21) */
                return -EINVAL;
        if (timeout_ms == 0)
                return write_whole(real(io)->root, real(io)->whole, path, text, length);
        return write_with_deadline(real(io), path, text, length, timeout_ms);
}

static int real_readlink(Io *io, const char *path, char **ret) {
        char target[PATH_MAX];
        int fd = real_open(real(io), path, O_PATH | O_NOFOLLOW);
        if (fd < 0)
                return fd;
        ssize_t n = readlinkat(fd, "", target, sizeof target);
        /* An O_PATH handle of something that is no link gives ENOENT (fs/stat.c do_readlinkat with an empty path). */
        int r = n >= 0 ? 0 : errno == ENOENT ? -EINVAL : -errno;
        close(fd);
        if (r < 0)
                return r;
        if ((size_t) n == sizeof target)
                return -ENAMETOOLONG;
        *ret = g_strndup(target, (size_t) n);
        return 0;
}

static int real_list(Io *io, const char *path, char ***ret) {
        int fd = real_open(real(io), path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd;
        DIR *dir = fdopendir(fd);
        if (!dir) {
                int r = -errno;
                close(fd);
                return r;
        }
        GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
        struct dirent *entry;
        while (errno = 0, (entry = readdir(dir)))
                if (!g_str_equal(entry->d_name, ".") && !g_str_equal(entry->d_name, ".."))
                        g_ptr_array_add(names, g_strdup(entry->d_name));
        int r = -errno;
        closedir(dir);
        if (r < 0) {
                g_ptr_array_unref(names);
                return r;
        }
        *ret = io_names_sorted(names);
        return 0;
}

static int real_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack) {
        if (!real(io)->whole)
                return -EOPNOTSUPP;
        return io_real_netlink(&real(io)->netlink, request, length, reply, extack);
}

static int real_load_module(Io *io, const char *name) {
        return real(io)->whole ? io_real_load_module(name) : -EOPNOTSUPP;
}

static int real_can_open(Io *io, const char *path) {
        int fd = real_open(real(io), path, O_RDWR | O_NONBLOCK);
        if (fd < 0)
                return fd;
        close(fd);
        return 0;
}

/* The folder that `path` lies in, made if only it is missing; *ret_name the last part. */
static int open_parent(RealIo *io, const char *path, const char **ret_name) {
        const char *slash = strrchr(path, '/');

        int r = io_path_check(path);
        if (r < 0)
                return r;
        *ret_name = slash ? slash + 1 : path;
        if (!**ret_name || g_str_equal(*ret_name, "."))
                return -EINVAL;
        g_autofree char *folder = slash ? g_strndup(path, (size_t) (slash - path)) : g_strdup(".");
        int fd = real_open(io, folder, O_RDONLY | O_DIRECTORY);
        if (fd != -ENOENT)
                return fd;
        slash = strrchr(folder, '/');
        g_autofree char *above = slash ? g_strndup(folder, (size_t) (slash - folder)) : g_strdup(".");
        int parent = real_open(io, above, O_RDONLY | O_DIRECTORY);
        if (parent < 0)
                return parent;
        r = mkdirat(parent, slash ? slash + 1 : folder, 0755) < 0 && errno != EEXIST ? -errno : 0;
        if (r == 0 && fsync(parent) < 0)
                r = -errno;
        close(parent);
        return r < 0 ? r : real_open(io, folder, O_RDONLY | O_DIRECTORY);
}

static int real_replace(Io *io, const char *path, const char *text) {
        const char *name;
        int dir = open_parent(real(io), path, &name);
        if (dir < 0)
                return dir == -ENOENT && !text ? 0 : dir;
        int r = io_real_replace(dir, name, text);
        close(dir);
        return r;
}

static int real_connect(Io *io, const char *path, unsigned timeout_ms) {
        if (!io->writable)
                return -ECONNREFUSED;
        int fd = real_open(real(io), path, O_PATH);
        if (fd < 0)
                return fd;
        int r = io_real_connect(fd, timeout_ms);
        close(fd);
        return r;
}

static int real_peer(Io *io, int fd, pid_t *ret) {
        return io_real_peer(fd, ret);
}

static int real_spawn(Io *io, char *const argv[], IoProcess *ret) {
        IoProcess process;
        int r = io_real_spawn(argv, &process);
        if (r < 0)
                return r;
        r = io_process_start(io, process.pid, &process.start);
        if (r < 0) {
                io_real_process_wait(&process, NULL);
                return r;
        }
        *ret = process;
        return 0;
}

static int real_process_go(Io *io, IoProcess *process) {
        return io_real_process_go(process);
}

static int real_process_wait(Io *io, IoProcess *process, int *status) {
        return io_real_process_wait(process, status);
}

static bool lock_name_ok(const char *name) {
        static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
        size_t length = strlen(name);
        return length > 0 && length <= 128 && name[0] != '.' && strspn(name, set) == length;
}

/* Opens a folder of ours below `parent` (closed), making it if needed; one that others may write to is refused. */
static int enter_own_dir(int parent, const char *name) {
        struct stat st;
        int r = 0;

        if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
                r = -errno;
        int fd = r < 0 ? -1 : openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (r == 0 && fd < 0)
                r = -errno;
        close(parent);
        if (r < 0)
                return r;
        if (fstat(fd, &st) < 0)
                r = -errno;
        else if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
                r = -EPERM;
        if (r == 0)
                return fd;
        close(fd);
        return r;
}

static int real_lock(Io *io, const char *name, unsigned timeout_ms, int *ret) {
        int64_t deadline = g_get_monotonic_time() + (int64_t) timeout_ms * 1000;

        if (!lock_name_ok(name))
                return -EINVAL;
        int dir = real_open(real(io), "run", O_RDONLY | O_DIRECTORY);
        if (dir >= 0)
                dir = enter_own_dir(dir, "vfadm");
        if (dir >= 0)
                dir = enter_own_dir(dir, "lock");
        if (dir < 0)
                return dir;
        int fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
        int r = -errno;
        close(dir);
        if (fd < 0)
                return r;
        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                int left = left_ms(deadline);
                r = errno == EINTR ? 0 : errno != EWOULDBLOCK ? -errno : left == 0 ? -ETIMEDOUT : 0;
                if (r < 0) {
                        close(fd);
                        return r;
                }
                poll(NULL, 0, MIN(left, LOCK_LOOK_MS));
        }
        *ret = fd;
        return 0;
}

/* LOCK_UN and not only close(2): a child between fork and exec has a copy of the handle. The file stays: whoever
 * removed it would let two in. */
static void real_unlock(Io *io, int lock) {
        if (lock < 0)
                return;
        flock(lock, LOCK_UN);
        close(lock);
}

/* One that changes the machine may outlive the vfadm that started it. It holds the lock as long as it runs, so that the next
 * vfadm, which puts things right, does not run another beside it. */
static int real_program(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status) {
        int lock = -1;

        if (!real(io)->whole)
                return -EOPNOTSUPP;
        int r = changes ? real_lock(io, IO_PROGRAM_LOCK, MIN(timeout_ms, PROGRAM_LOCK_MS), &lock) : 0;
        if (r < 0)
                return r == -ETIMEDOUT ? -EBUSY : r;
        r = io_real_program(argv, changes, lock, timeout_ms, output, status);
        real_unlock(io, lock);
        return r;
}

static int64_t real_now(Io *io) {
        return g_get_monotonic_time();
}

static void real_pause(Io *io, unsigned milliseconds) {
        int64_t deadline = g_get_monotonic_time() + (int64_t) milliseconds * 1000;
        for (int left; (left = left_ms(deadline)) > 0;)
                poll(NULL, 0, left);
}

static void real_free(Io *io) {
        io_real_netlink_free(real(io)->netlink);
        close(real(io)->root);
        g_free(io);
}

Io *io_real_open(const char *root, bool writable, GError **error) {
        static const IoCalls calls = {
                .read = real_read,
                .read_start = real_read_start,
                .write = real_write,
                .readlink = real_readlink,
                .list = real_list,
                .netlink = real_netlink,
                .load_module = real_load_module,
                .vfio_variant = io_variant_read,
                .can_open = real_can_open,
                .replace = real_replace,
                .program = real_program,
                .connect = real_connect,
                .peer = real_peer,
                .spawn = real_spawn,
                .process_go = real_process_go,
                .process_wait = real_process_wait,
                .lock = real_lock,
                .unlock = real_unlock,
                .now = real_now,
                .pause = real_pause,
                .free = real_free,
        };
        int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                vfadm_error_set_errno(error, -errno, "opening the root folder %s", root);
                return NULL;
        }
        bool whole = g_str_equal(root, "/");
        if (!whole) {
                int probe = open_below(fd, false, ".", O_PATH | O_DIRECTORY);
                if (probe < 0) {
                        vfadm_error_set_errno(error, probe, "staying below the root folder %s (openat2(2), Linux 5.6)",
                                              root);
                        close(fd);
                        return NULL;
                }
                close(probe);
        }
        RealIo *io = g_new0(RealIo, 1);
        io->io.calls = &calls;
        io->io.writable = writable;
        io->root = fd;
        io->whole = whole;
        return &io->io;
}

Io *io_real_new(const char *root, GError **error) {
        return io_real_open(root, g_str_equal(root, "/"), error);
}
