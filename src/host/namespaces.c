/* What of the host can be seen at all from where we run: its processes, its mounts. */
#include "host/reader.h"

#include <string.h>

/* include/linux/proc_ns.h PROC_PID_INIT_INO: the number of the namespace that the machine booted with never changes. */
static const char init_pid_namespace[] = "pid:[4026531836]";

bool host_sees_processes(Io *io) {
        g_autofree char *first = NULL, *second = NULL, *own = NULL;

        /* /proc shows the namespace that it was mounted in, which need not be ours; its process 1 is in that one. */
        if (io_readlink(io, "proc/1/ns/pid", &first) >= 0)
                return g_str_equal(first, init_pid_namespace);
        /* That link is only for whoever may trace it. The kernel's own threads are in the first namespace alone, and the
         * second process that was ever started is their parent (init/main.c rest_init). */
        if (io_read_text(io, "proc/2/comm", &second) >= 0)
                return g_str_equal(second, "kthreadd");
        return io_readlink(io, "proc/self/ns/pid", &own) < 0 || g_str_equal(own, init_pid_namespace);
}

bool host_mounts_are_own(Io *io) {
        g_autofree char *first = NULL, *own = NULL;

        return io_readlink(io, "proc/1/ns/mnt", &first) >= 0 && io_readlink(io, "proc/self/ns/mnt", &own) >= 0 && g_str_equal(first, own);
}
