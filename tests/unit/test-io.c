/* The seam to the real machine: staying below a root, reads, writes with a deadline, locks, processes, sockets,
 * netlink. */
#include "io_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON_MS 50
#define LONG_MS 20000

static void test_real_paths(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *secret = g_strdup_printf("%s.secret", temp.path);
        temp_write(&temp, "inside", "in\n");
        g_autofree char *sub = temp_file(&temp, "sub", NULL), *escape = temp_file(&temp, "sub/escape", NULL);
        g_autofree char *absolute = temp_file(&temp, "sub/absolute", NULL), *up = temp_file(&temp, "sub/up", NULL);
        g_autofree char *fifo = temp_file(&temp, "fifo", NULL);
        g_autofree char *escape_target = g_strdup_printf("../../%s.secret", strrchr(temp.path, '/') + 1);

        g_assert_true(g_file_set_contents(secret, "out\n", -1, NULL));
        g_assert_cmpint(mkdir(sub, 0755), ==, 0);
        g_assert_cmpint(symlink(escape_target, escape), ==, 0);
        g_assert_cmpint(symlink("/inside", absolute), ==, 0);
        g_assert_cmpint(symlink("../../../inside", up), ==, 0);
        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);

        assert_reads(temp.io, "inside", "in");
        assert_reads(temp.io, "./sub//absolute", "in");
        assert_reads(temp.io, "sub/up", "in");
        assert_read_fails(temp.io, "sub/escape", -ENOENT);
        assert_read_fails(temp.io, "sub", -EISDIR);
        assert_read_fails(temp.io, "fifo", -EINVAL);
        assert_read_fails(temp.io, "nothing", -ENOENT);
        static const char *const bad[] = {"", "/inside", "..", "sub/../inside", "sub/..", "a\nb", "../inside"};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                assert_read_fails(temp.io, bad[i], -EINVAL);
        g_autofree char *endless = g_strnfill(5000, 'a');
        assert_read_fails(temp.io, endless, -EINVAL);
        assert_lists(temp.io, ".", "fifo inside sub");
        assert_lists(temp.io, "sub", "absolute escape up");
        assert_links(temp.io, "sub/absolute", "/inside");
        char *none = NULL;
        g_assert_cmpint(io_readlink(temp.io, "inside", &none), ==, -EINVAL);
        g_assert_cmpint(io_readlink(temp.io, "nothing", &none), ==, -ENOENT);
        g_autofree char *name = NULL;
        g_assert_cmpint(io_read_link_name(temp.io, "sub/up", &name), ==, 0);
        g_assert_cmpstr(name, ==, "inside");
        g_assert_cmpint(unlink(secret), ==, 0);
}

static void test_real_read(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *big = temp_file(&temp, "big", NULL), *nul = temp_file(&temp, "nul", NULL);
        g_autofree char *block = g_malloc(100000);
        g_autoptr(GBytes) data = NULL;
        uint64_t v = 7;
        char *none = NULL;

        temp_write(&temp, "number", "0x8086\n");
        temp_write(&temp, "empty", "");
        temp_write(&temp, "two", "a\n\n");
        for (int i = 0; i < 100000; i++)
                block[i] = (char) i;
        g_assert_true(g_file_set_contents(big, block, 100000, NULL));
        g_assert_true(g_file_set_contents(nul, "a\0b", 3, NULL));
        g_assert_cmpint(io_read(temp.io, "big", 99999, &data), ==, -EFBIG);
        g_assert_null(data);
        g_assert_cmpint(io_read(temp.io, "big", 100000, &data), ==, 0);
        g_assert_cmpmem(g_bytes_get_data(data, NULL), g_bytes_get_size(data), block, 100000);
        g_assert_cmpint(io_read_text(temp.io, "nul", &none), ==, -EINVAL);
        g_assert_null(none);
        g_assert_cmpint(io_read_uint(temp.io, "number", 16, 0xffff, &v), ==, 0);
        g_assert_cmphex(v, ==, 0x8086);
        g_assert_cmpint(io_read_uint(temp.io, "number", 16, 0x8085, &v), ==, -EINVAL);
        g_assert_cmphex(v, ==, 0x8086);
        assert_reads(temp.io, "empty", "");
        assert_reads(temp.io, "two", "a\n");
        g_autoptr(GBytes) zero = NULL;
        g_assert_cmpint(io_read(temp.io, "empty", 0, &zero), ==, 0);
        g_assert_cmpuint(g_bytes_get_size(zero), ==, 0);
        g_autoptr(GBytes) start = NULL, all = NULL, nothing = NULL;
        g_assert_cmpint(io_read_start(temp.io, "big", 256, &start), ==, 0);
        g_assert_cmpmem(g_bytes_get_data(start, NULL), g_bytes_get_size(start), block, 256);
        g_assert_cmpint(io_read_start(temp.io, "number", 256, &all), ==, 0);
        g_assert_cmpmem(g_bytes_get_data(all, NULL), g_bytes_get_size(all), "0x8086\n", 7);
        g_assert_cmpint(io_read_start(temp.io, "none", 256, &nothing), ==, -ENOENT);
        g_assert_null(nothing);
}

static void test_real_write(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *file = temp_file(&temp, "file", ""), *missing = temp_file(&temp, "missing", NULL);

        g_assert_cmpint(io_write(temp.io, "file", "one", 0), ==, 0);
        assert_file(file, "one");
        g_assert_cmpint(io_write(temp.io, "file", "two", LONG_MS), ==, 0);
        assert_file(file, "two");
        g_assert_cmpint(io_write(temp.io, "file", "", 0), ==, -EINVAL);
        g_assert_cmpint(io_write(temp.io, "missing", "x", 0), ==, -ENOENT);
        g_assert_cmpint(io_write(temp.io, "missing", "x", LONG_MS), ==, -ENOENT);
        g_assert_cmpint(io_write(temp.io, ".", "x", LONG_MS), ==, -EISDIR);
        g_assert_false(g_file_test(missing, G_FILE_TEST_EXISTS));
        g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1); /* no child left behind */
        g_assert_cmpint(errno, ==, ECHILD);

        g_autoptr(Io) readonly = io_real_new(temp.path, NULL);
        int lock = -1;
        g_assert_cmpint(io_write(readonly, "file", "three", 0), ==, -EROFS);
        g_assert_cmpint(io_lock(readonly, "x", 0, &lock), ==, -EROFS);
        assert_file(file, "two");
}

/* A pipe that nobody reads from holds the writer in open(2), as a busy PF does. */
static void test_real_write_hangs(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *fifo = temp_file(&temp, "fifo", NULL), *run = temp_file(&temp, "run", NULL);
        char got[16] = {0};
        int lock = -1;

        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        g_assert_cmpint(mkdir(run, 0755), ==, 0);
        g_assert_cmpint(io_lock(temp.io, "pf", 0, &lock), ==, 0);
        int64_t before = io_now(temp.io);
        g_assert_cmpint(io_write(temp.io, "fifo", "4", SOON_MS), ==, -ETIMEDOUT);
        g_assert_cmpint(io_now(temp.io) - before, >=, SOON_MS * 1000);
        g_assert_cmpint(waitpid(-1, NULL, WNOHANG), ==, -1);
        close(lock); /* not unlocked: the writer that still hangs must not hold it */
        g_assert_cmpint(io_lock(temp.io, "pf", LONG_MS, &lock), ==, 0);
        io_unlock(temp.io, lock);
        /* It was left to finish. */
        int fd = open(fifo, O_RDONLY);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(read(fd, got, sizeof got), ==, 1);
        g_assert_cmpstr(got, ==, "4");
        g_assert_cmpint(read(fd, got, sizeof got), ==, 0);
        close(fd);
}

static void test_real_lock(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *run = temp_file(&temp, "run", NULL), *dir = temp_file(&temp, "run/vfadm/lock", NULL);
        int lock = -1, up[2], down[2];
        char byte;
        struct stat st;

        g_assert_cmpint(io_lock(temp.io, "a", 0, &lock), ==, -ENOENT); /* no run: made by none of us */
        g_assert_cmpint(mkdir(run, 0755), ==, 0);
        static const char *const bad[] = {"", ".", "..", ".a", "a/b", "a b", "a\n"};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(io_lock(temp.io, bad[i], 0, &lock), ==, -EINVAL);
        g_assert_cmpint(lock, ==, -1);

        g_assert_cmpint(pipe(up), ==, 0);
        g_assert_cmpint(pipe(down), ==, 0);
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                close(down[1]);
                if (io_lock(temp.io, "0000:01:00.0", 0, &lock) < 0 || write(up[1], "l", 1) != 1)
                        _exit(1);
                _exit(read(down[0], &byte, 1) == 0 ? 0 : 1);
        }
        close(down[0]);
        g_assert_cmpint(read(up[0], &byte, 1), ==, 1);
        int64_t before = io_now(temp.io);
        g_assert_cmpint(io_lock(temp.io, "0000:01:00.0", SOON_MS, &lock), ==, -ETIMEDOUT);
        g_assert_cmpint(io_now(temp.io) - before, >=, SOON_MS * 1000);
        g_assert_cmpint(io_lock(temp.io, "0000:02:00.0", 0, &lock), ==, 0); /* another name is free */
        io_unlock(temp.io, lock);
        close(down[1]); /* the holder ends: its lock is free */
        g_assert_cmpint(io_lock(temp.io, "0000:01:00.0", LONG_MS, &lock), ==, 0);
        g_assert_cmpint(fcntl(lock, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        io_unlock(temp.io, lock);
        int status;
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
        g_assert_cmpint(stat(dir, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777 & ~0755, ==, 0);

        g_assert_cmpint(chmod(dir, 0777), ==, 0);
        g_assert_cmpint(io_lock(temp.io, "a", 0, &lock), ==, -EPERM);
        close(up[0]);
        close(up[1]);
}

static int wait_status(Io *io, IoProcess *process) {
        int status = -1;
        g_assert_cmpint(io_process_wait(io, process, &status), ==, 0);
        g_assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_real_spawn(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autoptr(Io) io = io_real_new("/", NULL);
        g_autofree char *file = temp_file(&temp, "ran", NULL), *boot_id = NULL;
        char *const touch[] = {"touch", file, NULL}, *const cat[] = {"cat", file, NULL};
        char *const nothing[] = {"/nonexistent/vfadm-test", NULL}, *const none[] = {NULL};
        IoProcess process;
        uint64_t start;

        g_assert_cmpint(io_boot_id(io, &boot_id), ==, 0);
        g_assert_cmpint(io_spawn(io, touch, &process), ==, 0);
        g_assert_cmpint(io_process_start(io, process.pid, &start), ==, 0);
        g_assert_cmpuint(start, ==, process.start);
        g_assert_true(io_process_lives(io, process.pid, process.start, boot_id));
        g_assert_false(io_process_lives(io, process.pid, process.start + 1, boot_id));
        g_assert_false(io_process_lives(io, process.pid, process.start, "another boot"));
        g_assert_cmpint(wait_status(io, &process), ==, 125); /* never told to go */
        g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
        g_assert_false(io_process_lives(io, process.pid, process.start, boot_id));
        g_assert_cmpint(io_process_go(io, &process), ==, -EINVAL);

        g_assert_cmpint(io_spawn(io, cat, &process), ==, 0);
        g_assert_true(g_file_set_contents(file, "", -1, NULL)); /* cat fails if it ran before the word */
        g_assert_cmpint(io_process_go(io, &process), ==, 0);
        g_assert_cmpint(process.go_fd, ==, -1);
        g_assert_cmpint(wait_status(io, &process), ==, 0);

        g_assert_cmpint(io_spawn(io, nothing, &process), ==, 0);
        g_assert_cmpint(io_process_go(io, &process), ==, 0);
        g_assert_cmpint(wait_status(io, &process), ==, 127);
        g_assert_cmpint(io_spawn(io, none, &process), ==, -EINVAL);
        g_assert_cmpint(io_process_start(io, -1, &start), ==, -EINVAL);
}

/* What has ended holds nothing any more, also while its parent has not asked for its status. */
static void test_real_zombie(void) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        g_autofree char *boot_id = NULL;
        char *const yes[] = {"true", NULL};
        IoProcess process;
        siginfo_t ended;

        g_assert_cmpint(io_boot_id(io, &boot_id), ==, 0);
        g_assert_cmpint(io_spawn(io, yes, &process), ==, 0);
        g_assert_cmpint(io_process_go(io, &process), ==, 0);
        g_assert_cmpint(waitid(P_PID, (id_t) process.pid, &ended, WEXITED | WNOWAIT), ==, 0);
        g_assert_false(io_process_lives(io, process.pid, process.start, boot_id));
        g_assert_cmpint(wait_status(io, &process), ==, 0);
}

/* The child waits on even if the one that was to give the word is killed, unless it ends by itself. */
static void test_real_spawn_parent_dies(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *file = temp_file(&temp, "ran", NULL);
        char *const touch[] = {"touch", file, NULL};
        int fds[2];
        char byte;

        g_assert_cmpint(pipe(fds), ==, 0);
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                IoProcess process;
                Io *io = io_real_new("/", NULL);
                close(fds[0]);
                _exit(!io || io_spawn(io, touch, &process) < 0 ? 1 : 0); /* the child keeps its copy of fds[1] */
        }
        close(fds[1]);
        g_assert_cmpint(read(fds[0], &byte, 1), ==, 0); /* only when parent and child are both gone */
        int status;
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_cmpint(status, ==, 0);
        g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
        close(fds[0]);
}

static int listen_at(const char *dir, const char *name, int backlog) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir_fd, name);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof address), ==, 0);
        g_assert_cmpint(listen(fd, backlog), ==, 0);
        close(dir_fd);
        return fd;
}

static void test_real_connect(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *long_name = g_strnfill(150, 'd'), *dir = temp_file(&temp, long_name, NULL);
        g_autofree char *socket_path = g_strdup_printf("%s/sock", long_name);
        pid_t pid = 0;

        temp_write(&temp, "plain", "");
        g_assert_cmpint(mkdir(dir, 0755), ==, 0);
        int server = listen_at(dir, "sock", 0);
        int first = io_connect(temp.io, socket_path, LONG_MS);
        g_assert_cmpint(first, >=, 0);
        g_assert_cmpint(io_peer(temp.io, first, &pid), ==, 0);
        g_assert_cmpint(pid, ==, getpid());
        /* A queue of 0 takes one: nobody accepts, so the next waits until its time is over. */
        g_assert_cmpint(io_connect(temp.io, socket_path, SOON_MS), ==, -ETIMEDOUT);
        close(first);
        close(server);
        g_assert_cmpint(io_connect(temp.io, socket_path, SOON_MS), ==, -ECONNREFUSED);
        g_assert_cmpint(io_connect(temp.io, "plain", SOON_MS), ==, -ECONNREFUSED);
        g_assert_cmpint(io_connect(temp.io, "nothing", SOON_MS), ==, -ENOENT);
}

static unsigned count_links(const GByteArray *reply, int *ret_first) {
        unsigned count = 0, left = reply->len;
        for (const struct nlmsghdr *m = (const void *) reply->data; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left), count++) {
                g_assert_cmpint(m->nlmsg_type, ==, RTM_NEWLINK);
                if (count == 0)
                        *ret_first = ((const struct ifinfomsg *) NLMSG_DATA(m))->ifi_index;
        }
        g_assert_cmpuint(left, ==, 0);
        return count;
}

static void test_real_netlink(void) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        g_autoptr(GByteArray) reply = g_byte_array_new();
        g_autofree char *extack = NULL;
        int first = 0;

        LinkRequest one = link_request(RTM_GETLINK, 0, 1, IFLA_EXT_MASK);
        g_assert_cmpint(io_netlink(io, &one, sizeof one, reply, NULL), ==, 0);
        g_assert_cmpuint(count_links(reply, &first), ==, 1);
        g_assert_cmpint(first, ==, 1);
        g_assert_cmpint(io_netlink(io, &one, sizeof one, NULL, NULL), ==, 0);

        LinkRequest all = link_request(RTM_GETLINK, NLM_F_DUMP, 0, IFLA_EXT_MASK);
        g_auto(GStrv) names = NULL;
        g_byte_array_set_size(reply, 0);
        g_assert_cmpint(io_netlink(io, &all, sizeof all, reply, NULL), ==, 0);
        g_assert_cmpint(io_list(io, "sys/class/net", &names), ==, 0);
        unsigned expected = 0;
        for (char **name = names; *name; name++)
                expected += !g_str_equal(*name, "bonding_masters");
        g_assert_cmpuint(count_links(reply, &first), ==, expected);

        guint before = reply->len;
        LinkRequest unknown = link_request(RTM_GETLINK, NLM_F_ACK, 0x7ffffff0, IFLA_EXT_MASK);
        g_assert_cmpint(io_netlink(io, &unknown, sizeof unknown, reply, &extack), ==, -ENODEV);
        LinkRequest odd = link_request(RTM_GETLINK, 0, 1, IFLA_MTU);
        g_clear_pointer(&extack, g_free);
        g_assert_cmpint(io_netlink(io, &odd, sizeof odd, reply, &extack), ==, -EINVAL);
        g_assert_nonnull(extack);
        g_assert_nonnull(strstr(extack, "nsupported attribute"));
        g_assert_cmpuint(reply->len, ==, before);
        g_assert_cmpint(io_netlink(io, &one, 8, reply, NULL), ==, -EINVAL);

        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autoptr(Io) below = io_real_new(temp.path, NULL);
        LinkRequest change = link_request(RTM_SETLINK, NLM_F_ACK, 1, IFLA_MTU);
        g_assert_cmpint(io_netlink(below, &one, sizeof one, reply, NULL), ==, -EOPNOTSUPP);
        g_assert_cmpint(io_netlink(below, &change, sizeof change, reply, NULL), ==, -EROFS);
}

static void test_real_load_module(void) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        g_assert_cmpint(io_load_module(io, "a/b"), ==, -EINVAL);
        g_assert_cmpint(io_load_module(io, ""), ==, -EINVAL);
        g_assert_cmpint(io_load_module(io, "vfadm_no_such_module"), ==, -ENOENT);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/io/real/paths", test_real_paths);
        g_test_add_func("/io/real/read", test_real_read);
        g_test_add_func("/io/real/write", test_real_write);
        g_test_add_func("/io/real/write-hangs", test_real_write_hangs);
        g_test_add_func("/io/real/lock", test_real_lock);
        g_test_add_func("/io/real/spawn", test_real_spawn);
        g_test_add_func("/io/real/spawn-zombie", test_real_zombie);
        g_test_add_func("/io/real/spawn-parent-dies", test_real_spawn_parent_dies);
        g_test_add_func("/io/real/connect", test_real_connect);
        g_test_add_func("/io/real/netlink", test_real_netlink);
        g_test_add_func("/io/real/load-module", test_real_load_module);
        return g_test_run();
}
