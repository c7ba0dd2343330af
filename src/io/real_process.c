/* The real machine: kernel modules, unix sockets and processes. */
#include "io/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Exit status of a child that was never told to go; 127 is a shell's "cannot run it". */
#define EXIT_NOT_STARTED 125
#define EXIT_CANNOT_RUN 127

static void no_log(void *data, int priority, const char *file, int line, const char *function, const char *format,
                   va_list args) {
}

static int insert(struct kmod_module *module) {
        int state = kmod_module_get_initstate(module);
        if (state == KMOD_MODULE_LIVE || state == KMOD_MODULE_BUILTIN)
                return 0;
        int r = kmod_module_probe_insert_module(module, KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL, NULL, NULL);
        if (r > 0) /* the kind of blacklist that holds it back */
                return -EPERM;
        return r == -EEXIST ? 0 : r;
}

int io_real_load_module(const char *name) {
        struct kmod_list *list = NULL, *item;
        int result = -ENOENT;

        if (!*name || strlen(name) > 512 || strpbrk(name, "/ \t\n"))
                return -EINVAL;
        struct kmod_ctx *ctx = kmod_new(NULL, NULL);
        if (!ctx)
                return -ENOMEM;
        kmod_set_log_fn(ctx, no_log, NULL);
        int r = kmod_module_new_from_lookup(ctx, name, &list);
        if (r < 0)
                result = r;
        /* An alias may name several modules: one that gets in is enough, else the first refusal is the answer. */
        kmod_list_foreach(item, list) {
                struct kmod_module *module = kmod_module_get_module(item);
                r = insert(module);
                kmod_module_unref(module);
                if (r == 0 || result == -ENOENT)
                        result = r;
        }
        kmod_module_unref_list(list);
        kmod_unref(ctx);
        return result;
}

static int set_send_timeout(int fd, int64_t microseconds) {
        struct timeval tv = {.tv_sec = microseconds / G_USEC_PER_SEC, .tv_usec = microseconds % G_USEC_PER_SEC};
        return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) < 0 ? -errno : 0;
}

/* connect(2) on a unix socket whose queue is full waits as long as the send timeout says, then gives EAGAIN
 * (net/unix/af_unix.c unix_stream_connect); a nonblocking one would give EAGAIN at once and nothing to poll for. */
static int connect_until(int fd, const struct sockaddr_un *address, int64_t deadline) {
        for (;;) {
                int64_t left = deadline - g_get_monotonic_time();
                if (left <= 0)
                        return -ETIMEDOUT;
                int r = set_send_timeout(fd, left);
                if (r < 0)
                        return r;
                if (connect(fd, (const struct sockaddr *) address, sizeof *address) == 0)
                        return set_send_timeout(fd, 0);
                if (errno == EAGAIN)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

int io_real_connect(int path_fd, unsigned timeout_ms) {
        int64_t deadline = g_get_monotonic_time() + (int64_t) timeout_ms * 1000;
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        /* Through the handle: a path may be longer than sun_path, and it cannot be swapped meanwhile. */
        g_snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", path_fd);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        int r = connect_until(fd, &address, deadline);
        if (r == 0)
                return fd;
        close(fd);
        return r;
}

int io_real_peer(int fd, pid_t *ret) {
        struct ucred peer;
        socklen_t length = sizeof peer;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
                return -errno;
        if (peer.pid <= 0) /* the peer lives in a pid namespace that we cannot see into */
                return -ESRCH;
        *ret = peer.pid;
        return 0;
}

/* Waits for the word to go. No PR_SET_PDEATHSIG: a guest outlives the vfadm that started it. */
static void G_GNUC_NORETURN child(char *const argv[], int go_fd) {
        char byte;
        ssize_t n;
        sigset_t none;

        do
                n = read(go_fd, &byte, 1);
        while (n < 0 && errno == EINTR);
        if (n != 1)
                _exit(EXIT_NOT_STARTED);
        for (int i = 1; i < NSIG; i++)
                signal(i, SIG_DFL); /* fails for SIGKILL and SIGSTOP, which have no handlers */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execvp(argv[0], argv);
        _exit(EXIT_CANNOT_RUN);
}

int io_real_spawn(char *const argv[], IoProcess *ret) {
        sigset_t all, before;
        int fds[2];

        if (!argv || !argv[0])
                return -EINVAL;
        /* A socket pair and not a pipe: send() can be told to raise no SIGPIPE when the child is gone. */
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        sigfillset(&all); /* none of our handlers may run in the child */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pid_t pid = fork();
        int r = pid < 0 ? -errno : 0;
        if (pid == 0) {
                close(fds[1]); /* else it would never see the end of file when we die */
                child(argv, fds[0]);
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        close(fds[0]);
        if (r < 0) {
                close(fds[1]);
                return r;
        }
        *ret = (IoProcess){.pid = pid, .go_fd = fds[1]};
        return 0;
}

static void drop_go(IoProcess *process) {
        if (process->go_fd >= 0)
                close(process->go_fd);
        process->go_fd = -1;
}

int io_real_process_go(IoProcess *process) {
        if (process->go_fd < 0)
                return -EINVAL;
        ssize_t n = send(process->go_fd, "g", 1, MSG_NOSIGNAL);
        int r = n == 1 ? 0 : n < 0 ? -errno : -EIO;
        drop_go(process);
        return r;
}

int io_real_process_wait(IoProcess *process, int *status) {
        int s;
        drop_go(process); /* one that was never told to go ends now, instead of being waited for without end */
        while (waitpid(process->pid, &s, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (status)
                *status = s;
        return 0;
}
