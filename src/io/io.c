/* The seam's thin callers, and the small readers that sysfs and /proc call for. */
#include "io/io.h"

#include "base/parse.h"
#include "io/internal.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* A sysfs attribute is one page at most (fs/sysfs/file.c); /proc/PID/stat stays far below. */
#define TEXT_MAX 65536

void io_keep(Io *io, void *kept, void (*kept_free)(void *kept)) {
        if (io->kept)
                io->kept_free(io->kept);
        io->kept = kept;
        io->kept_free = kept_free;
}

void io_free(Io *io) {
        if (!io)
                return;
        io_keep(io, NULL, NULL);
        io->calls->free(io);
}

int io_read(Io *io, const char *path, size_t max, GBytes **ret) {
        return io->calls->read(io, path, max, ret);
}

int io_read_start(Io *io, const char *path, size_t length, GBytes **ret) {
        g_autoptr(GBytes) whole = NULL;

        if (io->calls->read_start)
                return io->calls->read_start(io, path, length, ret);
        int r = io->calls->read(io, path, TEXT_MAX, &whole);
        if (r < 0)
                return r;
        *ret = g_bytes_new_from_bytes(whole, 0, MIN(length, g_bytes_get_size(whole)));
        return 0;
}

int io_write(Io *io, const char *path, const char *text, unsigned timeout_ms) {
        return !io->writable ? -EROFS : io->calls->write(io, path, text, timeout_ms);
}

int io_readlink(Io *io, const char *path, char **ret) {
        return io->calls->readlink(io, path, ret);
}

int io_list(Io *io, const char *path, char ***ret) {
        return io->calls->list(io, path, ret);
}

int io_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack) {
        if (!io->writable && !io_netlink_asks(request, length))
                return -EROFS;
        return io->calls->netlink(io, request, length, reply, extack);
}

int io_load_module(Io *io, const char *name) {
        return !io->writable ? -EROFS : io->calls->load_module(io, name);
}

int io_vfio_variant(Io *io, const char *modalias, char **ret) {
        return io->calls->vfio_variant(io, modalias, ret);
}

/* Fakes of single tests leave these three out. */
int io_can_open(Io *io, const char *path) {
        return io->calls->can_open ? io->calls->can_open(io, path) : -ENOSYS;
}

int io_replace(Io *io, const char *path, const char *text) {
        if (!io->writable)
                return -EROFS;
        return io->calls->replace ? io->calls->replace(io, path, text) : -ENOSYS;
}

int io_program(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status) {
        if (changes && !io->writable)
                return -EROFS;
        return io->calls->program ? io->calls->program(io, argv, changes, timeout_ms, output, status) : -ENOSYS;
}

int io_connect(Io *io, const char *path, unsigned timeout_ms) {
        return io->calls->connect(io, path, timeout_ms);
}

int io_peer(Io *io, int fd, pid_t *ret) {
        return io->calls->peer(io, fd, ret);
}

int io_spawn(Io *io, char *const argv[], IoProcess *ret) {
        return !io->writable ? -EROFS : io->calls->spawn(io, argv, ret);
}

int io_process_go(Io *io, IoProcess *process) {
        return io->calls->process_go(io, process);
}

int io_process_wait(Io *io, IoProcess *process, int *status) {
        return io->calls->process_wait(io, process, status);
}

int io_lock(Io *io, const char *name, unsigned timeout_ms, int *ret) {
        return !io->writable ? -EROFS : io->calls->lock(io, name, timeout_ms, ret);
}

void io_unlock(Io *io, int lock) {
        io->calls->unlock(io, lock);
}

int64_t io_now(Io *io) {
        return io->calls->now(io);
}

void io_pause(Io *io, unsigned milliseconds) {
        io->calls->pause(io, milliseconds);
}

int io_read_text(Io *io, const char *path, char **ret) {
        g_autoptr(GBytes) data = NULL;
        size_t size;

        int r = io_read(io, path, TEXT_MAX, &data);
        if (r < 0)
                return r;
        const char *text = g_bytes_get_data(data, &size);
        if (size && memchr(text, 0, size))
                return -EINVAL;
        if (size && text[size - 1] == '\n')
                size--;
        *ret = size ? g_strndup(text, size) : g_strdup("");
        return 0;
}

int io_read_uint(Io *io, const char *path, unsigned base, uint64_t max, uint64_t *ret) {
        g_autofree char *text = NULL;
        int r = io_read_text(io, path, &text);
        if (r < 0)
                return r;
        return parse_uint(text, base, 0, max, ret) ? 0 : -EINVAL;
}

int io_read_link_name(Io *io, const char *path, char **ret) {
        g_autofree char *target = NULL;
        int r = io_readlink(io, path, &target);
        if (r < 0)
                return r;
        const char *slash = strrchr(target, '/');
        const char *name = slash ? slash + 1 : target;
        if (!*name)
                return -EINVAL;
        *ret = g_strdup(name);
        return 0;
}

/* *ret_ended: it only waits for its parent to ask how it ended. */
static int read_process(Io *io, int pid, uint64_t *ret_start, bool *ret_ended) {
        g_autofree char *path = g_strdup_printf("proc/%d/stat", pid);
        g_autofree char *text = NULL;

        if (pid <= 0)
                return -EINVAL;
        int r = io_read_text(io, path, &text);
        if (r == -ESRCH) /* it ended between open and read */
                return -ENOENT;
        if (r < 0)
                return r;
        /* Field 2 is the program's name in brackets and may hold blanks and brackets itself: the last ')' ends it. */
        const char *at = strrchr(text, ')');
        if (!at || at[1] != ' ')
                return -EINVAL;
        g_auto(GStrv) fields = g_strsplit(at + 2, " ", -1);
        if (g_strv_length(fields) < 20)
                return -EINVAL;
        /* fields[0] is field 3, the state. A first thread that has ended also reads as a zombie while others of its process
         * run on, with all its files: field 20 counts them (fs/proc/array.c do_task_stat). */
        uint64_t threads;
        bool zombie = g_str_equal(fields[0], "Z") || g_str_equal(fields[0], "X");
        *ret_ended = zombie && parse_uint(fields[17], 10, 0, UINT64_MAX, &threads) && threads <= 1;
        return parse_uint(fields[19], 10, 0, UINT64_MAX, ret_start) ? 0 : -EINVAL;
}

int io_process_start(Io *io, int pid, uint64_t *ret) {
        bool ended;
        return read_process(io, pid, ret, &ended);
}

int io_boot_id(Io *io, char **ret) {
        return io_read_text(io, "proc/sys/kernel/random/boot_id", ret);
}

bool io_process_lives(Io *io, int pid, uint64_t start, const char *boot_id) {
        g_autofree char *now = NULL;
        uint64_t found;
        bool ended;
        return boot_id && io_boot_id(io, &now) == 0 && g_str_equal(now, boot_id) &&
               read_process(io, pid, &found, &ended) == 0 && found == start && !ended;
}

int io_path_check(const char *path) {
        if (!path || !*path || *path == '/' || strlen(path) >= IO_PATH_MAX)
                return -EINVAL;
        for (const char *p = path; *p;) {
                size_t length = strcspn(p, "/");
                if (length == 2 && p[0] == '.' && p[1] == '.')
                        return -EINVAL;
                for (size_t i = 0; i < length; i++)
                        if ((unsigned char) p[i] < 0x20 || p[i] == 0x7f)
                                return -EINVAL;
                p += length;
                p += *p == '/';
        }
        return 0;
}

bool io_link_target_ok(const char *target) {
        size_t length = strlen(target);
        for (size_t i = 0; i < length; i++)
                if ((unsigned char) target[i] < 0x20 || target[i] == 0x7f)
                        return false;
        return length > 0 && length < IO_PATH_MAX;
}

bool io_netlink_asks(const void *request, size_t length) {
        struct nlmsghdr header;
        if (length < sizeof header)
                return false;
        memcpy(&header, request, sizeof header);
        /* Kinds come in fours: NEW, DEL, GET, SET (net/core/rtnetlink.c: kind = type & 3). */
        return header.nlmsg_type >= RTM_BASE && ((header.nlmsg_type - RTM_BASE) & 3) == 2;
}

GBytes *io_netlink_key(const void *request, size_t length) {
        void *copy = g_memdup2(request, length);
        if (length >= sizeof(struct nlmsghdr)) {
                struct nlmsghdr header;
                memcpy(&header, copy, sizeof header);
                header.nlmsg_seq = 0;
                header.nlmsg_pid = 0;
                memcpy(copy, &header, sizeof header);
        }
        return g_bytes_new_take(copy, length);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

char **io_names_sorted(GPtrArray *names) {
        if (names->len)
                qsort(names->pdata, names->len, sizeof *names->pdata, compare_names);
        g_ptr_array_add(names, NULL);
        return (char **) g_ptr_array_free(names, FALSE);
}
