/* The real machine: one of its programs run to its end, and what it says. */
#include "io/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MAX 65536
#define ARGS_MAX 64
/* Between two looks at a child where the kernel has no pidfd_open(2), older than Linux 5.3. */
#define LOOK_MS 20

typedef struct {
        pid_t pid;
        int pidfd;  /* -1: this kernel has none */
        int out;    /* what it says; -1 once it has said all */
        GByteArray *said;
} Child;

static int check_argv(char *const argv[]) {
        unsigned n = 0;

        if (!argv || !argv[0] || argv[0][0] != '/' || strlen(argv[0]) >= PATH_MAX)
                return -EINVAL;
        while (argv[n])
                if (++n > ARGS_MAX)
                        return -E2BIG;
        return 0;
}

/* posix_spawn() and no fork(): nothing of ours runs in the child, and a large process is not copied. */
static int start(char *const argv[], int out, int lock, pid_t *ret) {
        static char *const environment[] = {"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", NULL};
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t none, all;

        sigemptyset(&none);
        sigfillset(&all);
        sigdelset(&all, SIGKILL);
        sigdelset(&all, SIGSTOP);
        if (posix_spawn_file_actions_init(&files) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                posix_spawn_file_actions_destroy(&files);
                return -ENOMEM;
        }
        int r = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        r = r ? r : posix_spawn_file_actions_adddup2(&files, out, 1);
        r = r ? r : posix_spawn_file_actions_adddup2(&files, out, 2);
        if (lock >= 0)
                r = r ? r : posix_spawn_file_actions_adddup2(&files, lock, 3); /* 3 itself: then only close-on-exec goes */
        r = r ? r : posix_spawn_file_actions_addclosefrom_np(&files, lock >= 0 ? 4 : 3); /* our other locks are in there */
        r = r ? r : posix_spawn_file_actions_addchdir_np(&files, "/");
        /* A group of its own: what it starts ends with it at the deadline, and Ctrl-C does not stop it half-way. */
        r = r ? r : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        r = r ? r : posix_spawnattr_setsigmask(&attributes, &none);
        r = r ? r : posix_spawnattr_setsigdefault(&attributes, &all);
        r = r ? r : posix_spawn(ret, argv[0], &files, &attributes, argv, environment);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
        return -r;
}

/* What there is to be read now; beyond the limit it is read and dropped, so that nobody waits for us. */
static void listen_to(Child *child) {
        uint8_t block[4096];
        ssize_t n;

        while (child->out >= 0 && (n = read(child->out, block, sizeof block)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return; /* EAGAIN: it is silent for the moment */
                size_t room = OUTPUT_MAX - child->said->len;
                g_byte_array_append(child->said, block, (guint) MIN((size_t) n, room));
        }
        if (child->out >= 0)
                close(child->out);
        child->out = -1;
}

/* 1: it has ended. A process of it that lives on and holds our pipe keeps nobody waiting. */
static int has_ended(const Child *child, int *status) {
        pid_t pid;
        do
                pid = waitpid(child->pid, status, WNOHANG);
        while (pid < 0 && errno == EINTR);
        return pid < 0 ? -errno : pid == child->pid;
}

static int wait_until(Child *child, int64_t deadline, int *status) {
        for (;;) {
                int r = has_ended(child, status);
                if (r != 0) {
                        listen_to(child);
                        return r < 0 ? r : 0;
                }
                int64_t left = (deadline - g_get_monotonic_time() + 999) / 1000;
                if (left <= 0)
                        break;
                struct pollfd fds[2] = {{.fd = child->out, .events = POLLIN}, {.fd = child->pidfd, .events = POLLIN}};
                int limit = child->pidfd < 0 ? LOOK_MS : INT_MAX;
                if (poll(fds, 2, (int) MIN(left, limit)) > 0)
                        listen_to(child);
        }
        kill(-child->pid, SIGKILL);
        while (waitpid(child->pid, status, 0) < 0 && errno == EINTR)
                ;
        return -ETIMEDOUT;
}

static int run(char *const argv[], int lock, int64_t deadline, GByteArray *said, int *status) {
        Child child = {.pidfd = -1, .said = said};
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        int r = fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : start(argv, fds[1], lock, &child.pid);
        close(fds[1]);
        child.out = fds[0];
        if (r == 0) {
                child.pidfd = (int) syscall(SYS_pidfd_open, child.pid, 0u);
                r = wait_until(&child, deadline, status);
        }
        if (child.pidfd >= 0)
                close(child.pidfd);
        if (child.out >= 0)
                close(child.out);
        return r;
}

int io_real_program(char *const argv[], bool changes, int lock, unsigned timeout_ms, GBytes **output, int *status) {
        int64_t deadline = g_get_monotonic_time() + (int64_t) timeout_ms * 1000;
        g_autoptr(GByteArray) said = g_byte_array_new();
        sigset_t stops, before;
        int ended = 0;

        int r = check_argv(argv);
        if (r < 0)
                return r;
        /* Whoever wants us to stop waits until the menu is written: a second tool beside this one could spoil it. */
        sigemptyset(&stops);
        if (changes) {
                sigaddset(&stops, SIGINT);
                sigaddset(&stops, SIGTERM);
                sigaddset(&stops, SIGHUP);
                sigaddset(&stops, SIGQUIT);
        }
        pthread_sigmask(SIG_BLOCK, &stops, &before);
        r = run(argv, lock, deadline, said, &ended);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r < 0)
                return r;
        *status = ended;
        *output = g_byte_array_free_to_bytes(g_steal_pointer(&said));
        return 0;
}
