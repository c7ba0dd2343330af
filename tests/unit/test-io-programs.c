/* The seam's calls for a host's configuration: files replaced, device nodes tried, programs run; and how they are recorded. */
#include "base/error.h"
#include "io/recorder.h"
#include "io_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- files ---- */

static void assert_names(const Temp *temp, const char *folder, const char *joined) {
        assert_lists(temp->io, folder, joined);
}

static void test_replace(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *etc = temp_file(&temp, "etc", NULL), *path = temp_file(&temp, "etc/grub", NULL);
        struct stat st;

        g_assert_cmpint(g_mkdir(etc, 0755), ==, 0);
        mode_t before = umask(077); /* what others may read is the file's matter and not the caller's */
        g_assert_cmpint(io_replace(temp.io, "etc/grub", "one\n"), ==, 0);
        umask(before);
        assert_file(path, "one\n");
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpuint(st.st_mode & 07777, ==, 0644);
        g_assert_cmpint(chmod(path, 0640), ==, 0);
        if (geteuid() == 0)
                g_assert_cmpint(chown(path, 12, 34), ==, 0);
        g_assert_cmpint(io_replace(temp.io, "etc/grub", ""), ==, 0);
        assert_file(path, "");
        g_assert_cmpint(stat(path, &st), ==, 0);
        g_assert_cmpuint(st.st_mode & 07777, ==, 0640);
        if (geteuid() == 0) {
                g_assert_cmpuint(st.st_uid, ==, 12);
                g_assert_cmpuint(st.st_gid, ==, 34);
        }
        /* Whoever has the old file open keeps it: it is replaced and not written to. */
        int fd = open(path, O_RDONLY);
        g_assert_cmpint(io_replace(temp.io, "etc/grub", "two\n"), ==, 0);
        g_assert_cmpint(fstat(fd, &st), ==, 0);
        g_assert_cmpuint(st.st_nlink, ==, 0);
        close(fd);
        /* A leftover of a crash is in nobody's way, and nothing is left beside it. */
        temp_write(&temp, "etc/.grub.vfadm-new", "half");
        g_assert_cmpint(io_replace(temp.io, "etc/grub", "three\n"), ==, 0);
        assert_file(path, "three\n");
        assert_names(&temp, "etc", "grub");
        g_assert_cmpint(io_replace(temp.io, "etc/grub", NULL), ==, 0);
        g_assert_cmpint(io_replace(temp.io, "etc/grub", NULL), ==, 0);
        assert_names(&temp, "etc", "");
        g_assert_cmpint(io_replace(temp.io, "top", "x"), ==, 0);
        assert_names(&temp, ".", "etc top");
}

static void test_replace_folders(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *folder = temp_file(&temp, "etc/grub.d", NULL), *etc = temp_file(&temp, "etc", NULL);
        struct stat st;

        g_assert_cmpint(io_replace(temp.io, "etc/grub.d/60.cfg", "x"), ==, -ENOENT); /* not two folders */
        g_assert_cmpint(io_replace(temp.io, "etc/grub.d/60.cfg", NULL), ==, 0);
        assert_names(&temp, ".", "");
        g_assert_cmpint(g_mkdir(etc, 0755), ==, 0);
        g_assert_cmpint(io_replace(temp.io, "etc/grub.d/60.cfg", "x"), ==, 0);
        assert_reads(temp.io, "etc/grub.d/60.cfg", "x");
        g_assert_cmpint(stat(folder, &st), ==, 0);
        g_assert_cmpuint(st.st_mode & 07777, ==, 0755);
}

static void test_replace_refuses(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autofree char *link = temp_file(&temp, "link", NULL), *fifo = temp_file(&temp, "fifo", NULL);
        g_autofree char *target = temp_file(&temp, "target", "untouched"), *folder = temp_file(&temp, "folder", NULL);
        g_autofree char *trap = temp_file(&temp, ".file.vfadm-new", NULL), *file = temp_file(&temp, "file", NULL);
        g_autofree char *name = g_strnfill(250, 'n');

        g_assert_cmpint(symlink("target", link), ==, 0);
        g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
        g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
        g_assert_cmpint(io_replace(temp.io, "link", "x"), ==, -ELOOP);
        g_assert_cmpint(io_replace(temp.io, "link", NULL), ==, -ELOOP);
        g_assert_cmpint(io_replace(temp.io, "fifo", "x"), ==, -EINVAL);
        g_assert_cmpint(io_replace(temp.io, "folder", "x"), ==, -EISDIR);
        g_assert_cmpint(io_replace(temp.io, "folder/", "x"), ==, -EINVAL);
        g_assert_cmpint(io_replace(temp.io, "../x", "x"), ==, -EINVAL);
        g_assert_cmpint(io_replace(temp.io, "/etc/x", "x"), ==, -EINVAL);
        g_assert_cmpint(io_replace(temp.io, "folder/.", "x"), ==, -EINVAL);
        g_assert_cmpint(io_replace(temp.io, "target/x", "x"), ==, -ENOTDIR);
        g_assert_cmpint(io_replace(temp.io, name, "x"), ==, -ENAMETOOLONG);
        /* A link laid where the new text is written first is replaced, not followed. */
        g_assert_cmpint(symlink("target", trap), ==, 0);
        g_assert_cmpint(io_replace(temp.io, "file", "x"), ==, 0);
        assert_file(file, "x");
        assert_file(target, "untouched");
        g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
        /* And a folder there is an error that changes nothing. */
        g_assert_cmpint(g_mkdir(trap, 0755), ==, 0);
        g_assert_cmpint(io_replace(temp.io, "file", "y"), <, 0);
        assert_file(file, "x");

        g_autoptr(Io) readonly = io_real_new(temp.path, NULL);
        g_assert_cmpint(io_replace(readonly, "file", "y"), ==, -EROFS);
}

static void test_can_open(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autoptr(Io) machine = io_real_new("/", NULL);

        g_assert_cmpint(io_can_open(machine, "dev/null"), ==, 0);
        g_assert_cmpint(io_can_open(machine, "dev/no-such-device"), ==, -ENOENT);
        g_assert_cmpint(io_can_open(machine, "dev"), ==, -EISDIR);
        g_assert_cmpint(io_can_open(machine, "../dev/null"), ==, -EINVAL);
        g_assert_cmpint(io_can_open(temp.io, "dev/null"), ==, -ENOENT);
}

/* ---- programs ---- */

static char *says(Io *io, bool changes, const char *script, int *status) {
        char *argv[] = {"/bin/sh", "-c", (char *) script, NULL};
        g_autoptr(GBytes) output = NULL;
        size_t size;
        g_assert_cmpint(io_program(io, argv, changes, 60 * 1000, &output, status), ==, 0);
        const char *text = g_bytes_get_data(output, &size);
        return g_strndup(text ? text : "", size);
}

static void assert_says(Io *io, const char *script, const char *expected, int exit_status) {
        int status = -1;
        g_autofree char *text = says(io, false, script, &status);
        g_assert_cmpstr(text, ==, expected);
        g_assert_true(WIFEXITED(status));
        g_assert_cmpint(WEXITSTATUS(status), ==, exit_status);
}

static unsigned n_handles(void) {
        g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
        unsigned n = 0;
        while (g_dir_read_name(dir))
                n++;
        return n;
}

static void test_program(void) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        int status, before = (int) n_handles();

        assert_says(io, "echo out; echo err >&2; exit 3", "out\nerr\n", 3);
        assert_says(io, "cat; echo \"$LC_ALL $PATH\"; pwd", "C /usr/sbin:/usr/bin:/sbin:/bin\n/\n", 0);
        assert_says(io, "", "", 0);
        g_autofree char *killed = says(io, false, "kill -9 $$", &status);
        g_assert_true(WIFSIGNALED(status));
        /* A secret of ours is none of its business, nor are our handles: 0, 1 and 2, and what ls itself opens. */
        g_setenv("VFADM_TEST_SECRET", "x", TRUE);
        assert_says(io, "env | grep -c VFADM_TEST; ls /proc/self/fd | wc -l", "0\n4\n", 0);
        /* Nor a signal that we hold back or ignore. */
        sigset_t mask, old;
        sigemptyset(&mask);
        sigaddset(&mask, SIGUSR1);
        sigprocmask(SIG_BLOCK, &mask, &old);
        signal(SIGPIPE, SIG_IGN);
        assert_says(io, "echo $((0x$(grep SigBlk /proc/self/status | cut -f2) & 0x200)) $((0x$(grep SigIgn /proc/self/status | cut -f2) & 0x1000))", "0 0\n", 0);
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, &old, NULL);
        g_assert_cmpint(n_handles(), ==, before);
}

static void test_program_refuses(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autoptr(Io) io = io_real_new("/", NULL);
        GBytes *output = (GBytes *) 1;
        int status = 77;
        static const struct {
                const char *argv[2];
                int expected;
        } rows[] = {
                {{"sh"}, -EINVAL}, {{"bin/sh"}, -EINVAL}, {{""}, -EINVAL}, {{NULL}, -EINVAL}, {{"/no/such/program"}, -ENOENT}, {{"/etc/passwd"}, -EACCES}, {{"/etc"}, -EACCES},
        };
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
                g_assert_cmpint(io_program(io, (char *const *) rows[i].argv, false, 1000, &output, &status), ==, rows[i].expected);
        g_assert_cmpint(io_program(temp.io, (char *[]) {"/bin/true", NULL}, false, 1000, &output, &status), ==, -EOPNOTSUPP);
        g_assert_true(output == (GBytes *) 1);
        g_assert_cmpint(status, ==, 77);
}

/* Too much is cut off and not waited for; a program that ends late is ended, with all that it started. */
static void test_program_bounds(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autoptr(Io) io = io_real_new("/", NULL);
        g_autofree char *pid_file = temp_file(&temp, "pid", NULL);
        g_autofree char *script = g_strdup_printf("sleep 600 & echo $! > %s.tmp; mv %s.tmp %s; wait", pid_file, pid_file, pid_file);
        char *argv[] = {"/bin/sh", "-c", script, NULL};
        GBytes *output = NULL;
        int status = 77, before = (int) n_handles();

        g_autofree char *text = says(io, false, "head -c 1000000 /dev/zero | tr '\\0' x; echo end", &status);
        g_assert_cmpuint(strlen(text), ==, 65536);
        g_assert_cmpint(status, ==, 0);
        /* One that it left behind keeps our pipe open, and nobody waiting. */
        int64_t since = g_get_monotonic_time();
        assert_says(io, "setsid sleep 5 & echo begun", "begun\n", 0);
        g_assert_cmpint(g_get_monotonic_time() - since, <, 4 * G_USEC_PER_SEC);

        status = 77;
        g_assert_cmpint(io_program(io, argv, false, 1500, &output, &status), ==, -ETIMEDOUT);
        g_assert_null(output);
        g_assert_cmpint(status, ==, 77);
        g_autofree char *pid = NULL;
        g_assert_true(g_file_get_contents(pid_file, &pid, NULL, NULL));
        int child = atoi(pid);
        int64_t deadline = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
        for (;;) { /* init reaps it in its own time */
                g_autofree char *stat = g_strdup_printf("/proc/%d/stat", child), *line = NULL;
                if (!g_file_get_contents(stat, &line, NULL, NULL) || strstr(line, ") Z "))
                        break;
                g_assert_cmpint(g_get_monotonic_time(), <, deadline);
                g_usleep(1000);
        }
        g_assert_cmpint(n_handles(), ==, before);
}

/* A Ctrl-C while a menu is written comes after it. */
static void test_program_signal(void) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        sigset_t pending, mask, old;
        g_autofree char *script = g_strdup_printf("kill -TERM %d; echo done", (int) getpid());
        int status;

        if (geteuid() != 0) {
                g_test_skip("the lock of programs that change the machine is root's");
                return;
        }
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                g_autofree char *own = g_strdup_printf("kill -TERM %d; echo done", (int) getpid());
                g_autofree char *text = says(io, true, own, &status);
                _exit(g_str_equal(text, "done\n") ? 1 : 2); /* not reached: the signal is due by now */
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFSIGNALED(status));
        g_assert_cmpint(WTERMSIG(status), ==, SIGTERM);
        /* What was held back before stays so. */
        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigprocmask(SIG_BLOCK, &mask, &old);
        g_autofree char *text = says(io, true, script, &status);
        sigpending(&pending);
        g_assert_true(sigismember(&pending, SIGTERM));
        int taken;
        g_assert_cmpint(sigwait(&mask, &taken), ==, 0);
        sigprocmask(SIG_SETMASK, &old, NULL);
}

/* A vfadm that dies leaves its program running: the next one's waits for it. */
static void test_program_outlives(void) {
        g_auto(Temp) temp = {0};
        g_autoptr(Io) io = io_real_new("/", NULL);
        g_autofree char *program = NULL, *end = NULL, *script = NULL;
        g_autoptr(GBytes) output = NULL;
        int status;

        if (geteuid() != 0) {
                g_test_skip("the lock of programs that change the machine is root's");
                return;
        }
        temp_open(&temp);
        program = temp_file(&temp, "begun", NULL);
        end = temp_file(&temp, "end", NULL);
        script = g_strdup_printf("exec >/dev/null 2>&1; : >%s; until [ -e %s ]; do sleep 0.02; done", program, end);
        pid_t pid = fork();
        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                g_autofree char *text = says(io, true, script, &status);
                _exit(1);
        }
        for (int64_t deadline = g_get_monotonic_time() + 30 * G_USEC_PER_SEC; !g_file_test(program, G_FILE_TEST_EXISTS); g_usleep(1000))
                g_assert_cmpint(g_get_monotonic_time(), <, deadline);
        kill(pid, SIGKILL);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        char *argv[] = {"/bin/true", NULL};
        g_assert_cmpint(io_program(io, argv, true, 100, &output, &status), ==, -EBUSY);
        /* One that only asks is not held up. */
        g_assert_cmpint(io_program(io, argv, false, 10 * 1000, &output, &status), ==, 0);
        g_clear_pointer(&output, g_bytes_unref);
        temp_write(&temp, "end", "");
        g_assert_cmpint(io_program(io, argv, true, 30 * 1000, &output, &status), ==, 0);
        g_assert_cmpint(status, ==, 0);
}

/* ---- recorded ---- */

/* A host that answers. */
typedef struct {
        Io io;
        unsigned changed;
} Answers;

static int answer_read(Io *io, const char *path, size_t max, GBytes **ret) {
        return -ENOENT;
}

static int answer_readlink(Io *io, const char *path, char **ret) {
        return -ENOENT;
}

static int answer_open(Io *io, const char *path) {
        return g_str_equal(path, "dev/kvm") ? 0 : -EACCES;
}

static int answer_replace(Io *io, const char *path, const char *text) {
        ((Answers *) io)->changed++;
        return 0;
}

static int answer_program(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status) {
        ((Answers *) io)->changed += changes;
        if (g_str_equal(argv[0], "/usr/sbin/gone"))
                return -ENOENT;
        g_autofree char *text = g_strdup_printf("args=ro iscsi_password=secret quiet\nof %s\n", argv[1] ? argv[1] : "nothing");
        *output = g_bytes_new(text, strlen(text));
        *status = 3 << 8;
        return 0;
}

static const IoCalls answers = {.read = answer_read, .readlink = answer_readlink, .can_open = answer_open, .replace = answer_replace, .program = answer_program};

static int asks(Io *io, const char *program, const char *word, char **ret, int *status) {
        char *argv[] = {(char *) program, (char *) word, NULL};
        g_autoptr(GBytes) output = NULL;
        size_t size;
        int r = io_program(io, argv, false, 1000, &output, status);
        if (r < 0)
                return r;
        const char *text = g_bytes_get_data(output, &size);
        *ret = g_strndup(text, size);
        return 0;
}

static void test_recorded(void) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        Answers host = {.io = {.calls = &answers, .writable = true}};
        g_autoptr(Io) recorder = io_recorder_new(&host.io);
        g_autofree char *path = temp_file(&temp, "host.tar.gz", NULL), *live = NULL, *one = NULL, *two = NULL;
        g_autoptr(GError) error = NULL;
        GBytes *none = NULL;
        int status = 0, r;

        g_assert_cmpint(io_can_open(recorder, "dev/kvm"), ==, 0);
        g_assert_cmpint(io_can_open(recorder, "dev/vfio/vfio"), ==, -EACCES);
        r = asks(recorder, "/usr/sbin/grubby", "--info=DEFAULT", &live, &status);
        g_assert_cmpint(r, ==, 0);
        g_assert_nonnull(strstr(live, "iscsi_password=secret"));
        r = asks(recorder, "/usr/sbin/grubby", NULL, &one, &status);
        g_assert_cmpint(r, ==, 0);
        g_clear_pointer(&one, g_free);
        r = asks(recorder, "/usr/sbin/gone", NULL, &one, &status);
        g_assert_cmpint(r, ==, -ENOENT);
        /* What changes goes through, and is no fact about the host. */
        g_assert_cmpint(io_replace(recorder, "etc/x", "y"), ==, 0);
        g_autoptr(GBytes) changed = NULL;
        g_assert_cmpint(io_program(recorder, (char *[]) {"/usr/sbin/update-grub", NULL}, true, 1000, &changed, &status), ==, 0);
        g_assert_cmpuint(host.changed, ==, 2);
        g_assert_true(io_recorder_write(recorder, path, &error));
        g_assert_no_error(error);

        g_autoptr(Io) recorded = io_archive_open(path, &error);
        g_assert_no_error(error);
        g_assert_cmpint(io_can_open(recorded, "dev/kvm"), ==, 0);
        g_assert_cmpint(io_can_open(recorded, "dev/vfio/vfio"), ==, -EACCES);
        g_assert_cmpint(io_can_open(recorded, "dev/sda"), ==, -ENODATA);
        status = 0;
        r = asks(recorded, "/usr/sbin/grubby", "--info=DEFAULT", &one, &status);
        g_assert_cmpint(r, ==, 0);
        g_assert_cmpstr(one, ==, "args=ro iscsi_password=hidden quiet\nof --info=DEFAULT\n");
        g_assert_cmpint(status, ==, 3 << 8);
        r = asks(recorded, "/usr/sbin/grubby", NULL, &two, &status);
        g_assert_cmpint(r, ==, 0);
        g_assert_nonnull(strstr(two, "of nothing"));
        r = asks(recorded, "/usr/sbin/gone", NULL, &live, &status);
        g_assert_cmpint(r, ==, -ENOENT);
        r = asks(recorded, "/usr/sbin/grubby", "--other", &live, &status);
        g_assert_cmpint(r, ==, -ENODATA);
        r = asks(recorded, "/usr/sbin/update-grub", NULL, &live, &status);
        g_assert_cmpint(r, ==, -ENODATA);
        g_assert_cmpint(io_program(recorded, (char *[]) {"/usr/sbin/grubby", NULL}, true, 1000, &none, &status), ==, -EROFS);
        g_assert_cmpint(io_replace(recorded, "etc/x", "y"), ==, -EROFS);
        g_assert_false(io_tree_has(io_tree_of(recorded), "vfadm"));
}

/* The boot configuration of a host that guards its boot menu and mounts over the network. */
static void test_recorded_boot(void) {
        static const struct {
                const char *path, *text, *kept;
        } rows[] = {
                {"boot/grub/grub.cfg",
                 "set superusers=\"root\"\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.AB\nset default=\"0\"\nmenuentry 'x' {\n\tlinux\t/vmlinuz ro iscsi_password=geheim quiet\n\tinitrd /i\n}\n",
                 "\n\nset default=\"0\"\nmenuentry 'x' {\n\tlinux\t/vmlinuz ro iscsi_password=hidden quiet\n\n}\n"},
                {"boot/loader/entries/1.conf", "title x\nmachine-id 123\noptions root=1 rd.luks.key=\"a b\" ro\n", "title x\n\noptions root=1 rd.luks.key=hidden ro\n"},
                {"etc/default/grub", "# Passwords\nGRUB_CMDLINE_LINUX=\"a_secret=1 quiet\"\nX='token=\\\"b c\\\" y'\n", "# Passwords\nGRUB_CMDLINE_LINUX=\"a_secret=hidden quiet\"\nX='token=hidden y'\n"},
                {"etc/kernel/cmdline", "root=ZFS=rpool CHAP_X=1\n", "root=ZFS=rpool CHAP_X=hidden\n"},
        };
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        IoTree *tree = io_tree_new();
        g_autoptr(Io) host = io_tree_io(tree), recorder = io_recorder_new(host);
        g_autofree char *path = temp_file(&temp, "host.tar.gz", NULL);
        g_autoptr(GError) error = NULL;

        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GBytes) bytes = NULL;
                io_tree_put_text(tree, rows[i].path, rows[i].text);
                g_assert_cmpint(io_read(recorder, rows[i].path, 4096, &bytes), ==, 0);
        }
        g_assert_true(io_recorder_write(recorder, path, &error));
        g_autoptr(Io) recorded = io_archive_open(path, &error);
        g_assert_no_error(error);
        for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GBytes) bytes = NULL;
                g_assert_cmpint(io_read(recorded, rows[i].path, 4096, &bytes), ==, 0);
                size_t size;
                const char *text = g_bytes_get_data(bytes, &size);
                g_autofree char *copy = g_strndup(text, size);
                g_assert_cmpstr(copy, ==, rows[i].kept);
        }
}

static void refuse_folder(const char *name, const char *text, const char *says_what) {
        g_auto(Temp) temp = {0};
        temp_open(&temp);
        g_autoptr(GError) error = NULL;
        g_autofree char *folder = temp_file(&temp, "vfadm/program", NULL);
        g_assert_cmpint(g_mkdir_with_parents(folder, 0755), ==, 0);
        temp_write(&temp, "vfadm/program/1.output", "x");
        temp_write(&temp, "vfadm/program/1.result", "0 0\n");
        g_autofree char *argv = temp_file(&temp, "vfadm/program/1.argv", NULL);
        g_assert_true(g_file_set_contents(argv, "/bin/x", 7, NULL));
        g_autoptr(Io) good = io_archive_open(temp.path, &error);
        g_assert_no_error(error);
        g_assert_nonnull(good);
        temp_write(&temp, name, text);
        g_autoptr(Io) bad = io_archive_open(temp.path, &error);
        g_assert_null(bad);
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED);
        if (!strstr(error->message, says_what))
                g_error("\"%s\" does not say \"%s\"", error->message, says_what);
}

static void test_hostile(void) {
        static const char *const results[] = {"", "0", "1 0", "0 -1", "0 0 0", "0 70000", "-5000 0", "x y"};
        for (unsigned i = 0; i < G_N_ELEMENTS(results); i++)
                refuse_folder("vfadm/program/1.result", results[i], "is no program's answer");
        refuse_folder("vfadm/program/1.argv", "", "is no program's answer");
        refuse_folder("vfadm/program/1.argv", "no end", "is no program's answer");
        refuse_folder("vfadm/program/2.argv", "x", "is missing");
        refuse_folder("vfadm/open", "0 ../etc\n", "NUMBER PATH");
        refuse_folder("vfadm/open", "x dev/kvm\n", "NUMBER PATH");
        refuse_folder("vfadm/open", "99999 dev/kvm\n", "NUMBER PATH");
        refuse_folder("vfadm/errno", "0 dev/kvm\n", "NUMBER PATH");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/io/replace", test_replace);
        g_test_add_func("/io/replace/folders", test_replace_folders);
        g_test_add_func("/io/replace/refuses", test_replace_refuses);
        g_test_add_func("/io/can-open", test_can_open);
        g_test_add_func("/io/program", test_program);
        g_test_add_func("/io/program/refuses", test_program_refuses);
        g_test_add_func("/io/program/bounds", test_program_bounds);
        g_test_add_func("/io/program/signal", test_program_signal);
        g_test_add_func("/io/program/outlives", test_program_outlives);
        g_test_add_func("/io/recorded", test_recorded);
        g_test_add_func("/io/recorded/boot", test_recorded_boot);
        g_test_add_func("/io/recorded/hostile", test_hostile);
        return g_test_run();
}
