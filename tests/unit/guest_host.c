/* The host for tests of guest/. */
#include "guest_host.h"

#include "io/tree.h"

#include <errno.h>
#include <string.h>

typedef struct {
        int (*connect)(void *data);
        void *data;
} Listener;

static void host_look(Host *host) {
        if (host->dies && fake_qmp_ended(host->dies))
                io_tree_remove(io_tree_of(host->tree), "proc/812");
}

static int host_read(Io *io, const char *path, size_t max, GBytes **ret) {
        host_look((Host *)io);
        return io_read(((Host *)io)->tree, path, max, ret);
}

static int host_readlink(Io *io, const char *path, char **ret) {
        return io_readlink(((Host *)io)->tree, path, ret);
}

static int host_list(Io *io, const char *path, char ***ret) {
        host_look((Host *)io);
        return io_list(((Host *)io)->tree, path, ret);
}

static int host_connect(Io *io, const char *path, unsigned timeout_ms) {
        Host *host = (Host *)io;
        const Listener *listener = g_hash_table_lookup(host->sockets, path);
        host->last_peer = GPOINTER_TO_INT(g_hash_table_lookup(host->pids, path));
        return listener ? listener->connect(listener->data) : -ENOENT;
}

static int host_peer(Io *io, int fd, pid_t *ret) {
        *ret = ((Host *)io)->last_peer;
        return ((Host *)io)->peer_result;
}

static int64_t host_now(Io *io) {
        return g_get_monotonic_time() + ((Host *)io)->paused;
}

static void host_pause(Io *io, unsigned milliseconds) {
        ((Host *)io)->paused += milliseconds * 1000;
}

static void host_free(Io *io) {
        Host *host = (Host *)io;
        io_free(host->tree);
        g_hash_table_unref(host->sockets);
        g_hash_table_unref(host->pids);
        g_free(host);
}

Host *host_new(void) {
        static const IoCalls calls = {.read = host_read,
                                      .readlink = host_readlink,
                                      .list = host_list,
                                      .connect = host_connect,
                                      .peer = host_peer,
                                      .now = host_now,
                                      .pause = host_pause,
                                      .free = host_free};
        Host *host = g_new0(Host, 1);
        host->io.calls = &calls;
        host->tree = io_tree_io(io_tree_new());
        host->sockets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        host->pids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        io_tree_put_dir(io_tree_of(host->tree), "proc");
        io_tree_put_text(io_tree_of(host->tree), "proc/uptime", "1 1\n");
        return host;
}

void put_proc(Host *host, int pid, const char *file, const void *data, size_t length) {
        g_autofree char *path = g_strdup_printf("proc/%d/%s", pid, file);
        io_tree_put_file(io_tree_of(host->tree), path, data, length);
}

void put_process(Host *host, int pid, const char *command) {
        g_autofree char *cmdline = g_strconcat(command, "\n", NULL);
        size_t length = strlen(cmdline);
        g_strdelimit(cmdline, "\n", '\0');
        put_proc(host, pid, "cmdline", cmdline, length);
        g_autofree char *stat =
                g_strdup_printf("%d (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, pid * 10);
        put_proc(host, pid, "stat", stat, strlen(stat));
}

void put_other_socket(Host *host, int pid, const char *path, int (*connect)(void *data), void *data) {
        Listener *listener = g_new(Listener, 1);
        *listener = (Listener){connect, data};
        g_hash_table_insert(host->sockets, g_strdup(path), listener);
        g_hash_table_insert(host->pids, g_strdup(path), GINT_TO_POINTER(pid));
}

static int connect_qmp(void *data) {
        return fake_qmp_connect(data);
}

void put_socket(Host *host, int pid, const char *path, FakeQmp *fake) {
        put_other_socket(host, pid, path, connect_qmp, fake);
}
