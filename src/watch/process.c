/* The end of a process, by a pidfd: it can be read once all threads have ended and their files are closed (kernel/exit.c
 * exit_files() comes before exit_notify()), whether or not anybody has waited for it. */
#include "watch/source.h"

#include "base/error.h"
#include "io/io.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
        Watch watch;
        int pid;
} Process;

static void process_ready(Watch *watch) {
        g_autofree char *pid = g_strdup_printf("%d", ((Process *) watch)->pid);
        watch_tell(watch, pid);
        watch->gone = true; /* it stays readable for ever: once is enough */
}

/* An fd that can be read at once, for a process that has ended already. */
static int ended_fd(void) {
        int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

/* A pidfd of this very process: its start time is looked at when the pidfd is held, since then the pid is not used anew. */
static int open_process(int pid, uint64_t start) {
        g_autoptr(Io) io = io_real_new("/", NULL);
        uint64_t found;
        int fd = (int) syscall(SYS_pidfd_open, pid, 0u);

        if (fd < 0)
                return errno == ESRCH ? ended_fd() : -errno;
        if (!io || io_process_start(io, pid, &found) < 0 || found != start) {
                close(fd);
                return ended_fd();
        }
        return fd;
}

Watch *watch_process(int pid, uint64_t start, WatchSaw saw, void *user, GError **error) {
        int fd = pid > 0 ? open_process(pid, start) : -EINVAL;

        if (fd < 0) {
                vfadm_error_set_errno(error, fd, "watching process %d", pid);
                return NULL;
        }
        Process *process = g_new0(Process, 1);
        process->pid = pid;
        watch_start(&process->watch, fd, process_ready, NULL, saw, user);
        return &process->watch;
}
