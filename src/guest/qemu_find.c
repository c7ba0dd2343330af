/* Finding QEMU processes and reaching their QMP sockets. */
#include "guest/qemu.h"

#include "base/error.h"
#include "base/parse.h"
#include "guest/qmp_message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
        CMDLINE_MAX = 4 << 20,
        PID_MAX = 1 << 22,
        NAMES_SHOWN = 10
}; /* PID_MAX_LIMIT in Linux' include/linux/threads.h */

void qemu_process_free(QemuProcess *process) {
        if (!process)
                return;
        g_free(process->name);
        qemu_args_free(process->args);
        g_free(process);
}

static void process_free(void *data) {
        qemu_process_free(data);
}

/* As vfadm_error_set_errno, but never NOT_FOUND: that would say of a guest that runs, and cannot be reached, that it is
 * gone, and its devices would be taken for free. */
static bool set_unreachable(GError **error, int r, const char *what) {
        VfadmError kind = vfadm_error_from_errno(r);
        g_set_error(error, VFADM_ERROR, kind == VFADM_ERROR_NOT_FOUND ? VFADM_ERROR_FAILED : kind, "%s: %s", what,
                    g_strerror(-r));
        return false;
}

static char *proc_path(pid_t pid, const char *what) {
        return g_strdup_printf("proc/%d/%s", (int)pid, what);
}

/* The device model of a Xen domain is no guest of QEMU's own: Xen's module knows whose it is. */
static bool is_of_xen(const char *cmdline, size_t length) {
        static const char word[] = "\0-xen-domid"; /* an argument of its own, NUL at either side */
        return length && memmem(cmdline, length, word, sizeof word);
}

/* NULL when it is no QEMU, or ended while we looked. */
static QemuProcess *look_at(Io *io, pid_t pid, bool *hidden) {
        g_autofree char *path = proc_path(pid, "cmdline");
        g_autoptr(GBytes) bytes = NULL;
        int r = io_read(io, path, CMDLINE_MAX, &bytes);
        if (r < 0) {
                *hidden = *hidden || r == -EACCES || r == -EPERM;
                return NULL;
        }
        size_t length;
        const char *text = g_bytes_get_data(bytes, &length);
        if (is_of_xen(text, length))
                return NULL;
        g_autoptr(QemuProcess) ret = g_new0(QemuProcess, 1);
        ret->pid = pid;
        ret->args = qemu_args_parse_cmdline(text, length);
        if (!ret->args || io_process_start(io, pid, &ret->start) < 0)
                return NULL;
        return g_steal_pointer(&ret);
}

static bool same_name(const QemuProcess *process, const char *name) {
        return process->args->name && g_str_equal(process->args->name, name);
}

static bool typable(const char *name) {
        g_autofree char *backend = NULL, *rest = NULL, *ref = g_strconcat("qemu:", name, NULL);
        return guest_ref_parse(ref, &backend, &rest);
}

/* Twins cannot be told apart by name; libvirt's guests are of another backend and take no name away. */
static void name_all(GPtrArray *all) {
        g_autoptr(GHashTable) count = g_hash_table_new(g_str_hash, g_str_equal);
        for (unsigned i = 0; i < all->len; i++) {
                const QemuProcess *process = all->pdata[i];
                const char *name = process->args->name;
                if (name && !process->args->by_libvirt)
                        g_hash_table_insert(count, (char *)name, (char *)g_hash_table_lookup(count, name) + 1);
        }
        for (unsigned i = 0; i < all->len; i++) {
                QemuProcess *process = all->pdata[i];
                const char *name = process->args->name;
                bool unique =
                        name && (process->args->by_libvirt || GPOINTER_TO_UINT(g_hash_table_lookup(count, name)) == 1);
                process->name = unique && typable(name) ? g_strdup(name) : g_strdup_printf("pid-%d", (int)process->pid);
        }
}

static int by_pid(const void *a, const void *b) {
        const QemuProcess *one = *(QemuProcess *const *)a, *two = *(QemuProcess *const *)b;
        return (one->pid > two->pid) - (one->pid < two->pid);
}

GPtrArray *qemu_scan(Io *io, bool *hidden, GError **error) {
        g_auto(GStrv) names = NULL;
        int r = io_list(io, "proc", &names);
        if (r < 0) {
                set_unreachable(error, r, "looking for QEMU processes in /proc");
                return NULL;
        }
        *hidden = false;
        g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(process_free);
        for (size_t i = 0; names[i]; i++) {
                uint32_t pid;
                if (!parse_u32(names[i], 1, PID_MAX, &pid))
                        continue;
                QemuProcess *process = look_at(io, (pid_t)pid, hidden);
                if (process)
                        g_ptr_array_add(all, process);
        }
        g_ptr_array_sort(all, by_pid);
        name_all(all);
        return g_steal_pointer(&all);
}

static bool fits(const QemuProcess *process, const char *name) {
        uint32_t pid;
        if (same_name(process, name))
                return true;
        return g_str_has_prefix(name, "pid-") && parse_u32(name + strlen("pid-"), 1, PID_MAX, &pid) &&
               (pid_t)pid == process->pid;
}

/* "web1, db": what could have been meant; empty when nothing runs. */
static char *running(const GPtrArray *all) {
        g_autoptr(GString) ret = g_string_new(NULL);
        for (unsigned i = 0; i < all->len && i < NAMES_SHOWN; i++) {
                const QemuProcess *process = all->pdata[i];
                if (!process->args->by_libvirt)
                        g_string_append_printf(ret, "%s%s", ret->len ? ", " : "", process->name);
        }
        return g_string_free(g_steal_pointer(&ret), FALSE);
}

static void set_not_one(const char *name, const GString *pids, bool libvirt, bool hidden, const char *others,
                        GError **error) {
        if (pids->len > 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                            "qemu:%s: several QEMUs have this name; name one by its pid: %s", name, pids->str);
        else if (libvirt)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                            "qemu:%s: %s belongs to libvirt, which keeps its QMP socket to itself; use virsh for this "
                            "guest",
                            name, name);
        else if (hidden)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_PERMISSION,
                            "qemu:%s: no such QEMU among the processes that you may see; run as root", name);
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "qemu:%s: no QEMU with this -name runs here; %s%s", name,
                            *others ? "those that run: " : "none runs at all", others);
}

static QemuProcess *find(Io *io, const char *name, bool libvirt_too, GError **error) {
        bool hidden, libvirt = false;
        g_autoptr(GPtrArray) all = qemu_scan(io, &hidden, error);
        if (!all)
                return NULL;
        g_autoptr(GString) pids = g_string_new(NULL);
        unsigned own = 0, index = 0;
        for (unsigned i = 0; i < all->len; i++) {
                const QemuProcess *process = all->pdata[i];
                if (!fits(process, name))
                        continue;
                if (process->args->by_libvirt && !libvirt_too) {
                        libvirt = true;
                        continue;
                }
                own++;
                index = i;
                g_string_append_printf(pids, "%sqemu:pid-%d", pids->len ? ", " : "", (int)process->pid);
        }
        if (own == 1)
                return g_ptr_array_steal_index(all, index);
        g_autofree char *others = running(all);
        set_not_one(name, pids, libvirt, hidden, others, error);
        return NULL;
}

QemuProcess *qemu_find(Io *io, const char *name, GError **error) {
        return find(io, name, false, error);
}

QemuProcess *qemu_find_any(Io *io, const char *name, GError **error) {
        return find(io, name, true, error);
}

bool qemu_lives(Io *io, const QemuProcess *process) {
        uint64_t start;
        if (io_process_start(io, process->pid, &start) < 0 || start != process->start)
                return false;
        /* A zombie keeps its place in /proc, with an empty command line. */
        bool hidden = false;
        g_autoptr(QemuProcess) now = look_at(io, process->pid, &hidden);
        return now || hidden;
}

static bool link_differs(Io *io, const char *path, const char *other) {
        g_autofree char *a = NULL, *b = NULL;
        return io_readlink(io, path, &a) == 0 && io_readlink(io, other, &b) == 0 && !g_str_equal(a, b);
}

/* The socket as we reach it, below our root. QEMU may see another one: a container's mount namespace, or a chroot,
 * both of which the kernel opens to us as /proc/PID/root. */
static char *socket_path(Io *io, const QemuProcess *process, const char *given) {
        g_autofree char *cwd_link = proc_path(process->pid, "cwd"), *root_link = proc_path(process->pid, "root");
        g_autofree char *mount_link = proc_path(process->pid, "ns/mnt");
        g_autofree char *cwd = NULL, *root = NULL;
        if (!g_path_is_absolute(given) && (io_readlink(io, cwd_link, &cwd) < 0 || !g_path_is_absolute(cwd)))
                return NULL;
        /* The seam takes no "..", so it is resolved here; through a link to a folder it would lead elsewhere, and the
         * check of the peer's pid would then say so. */
        g_autofree char *absolute = g_canonicalize_filename(given, cwd ? cwd : "/");
        if (link_differs(io, mount_link, "proc/self/ns/mnt"))
                return g_strconcat(root_link, absolute, NULL);
        bool outside = io_readlink(io, root_link, &root) < 0 || g_str_equal(root, "/") || !g_path_is_absolute(root);
        if (outside || cwd)
                return g_strdup(absolute + 1);
        return g_strconcat(root + 1, absolute, NULL);
}

/* Somebody else may listen at the path now (QEMU's socket was replaced, or lies in a folder that others write to);
 * it would be told of devices, and its word would be taken for the guest's. */
static bool check_peer(Io *io, int fd, const QemuProcess *process, const char *who, const char *path, GError **error) {
        pid_t peer;
        int r = io_peer(io, fd, &peer);
        if (r == -EOPNOTSUPP)
                return true;
        if (r == 0 && peer == process->pid)
                return true;
        if (r < 0) {
                g_autofree char *what = g_strdup_printf("%s: asking who listens on /%s", who, path);
                return set_unreachable(error, r, what);
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                    "%s: process %d listens on /%s, not this QEMU; whoever put it there must be stopped first", who,
                    (int)peer, path);
        return false;
}

static int open_socket(Io *io, const QemuProcess *process, const char *who, const char *kind, const char *path,
                       unsigned timeout_ms, GError **error) {
        g_autofree char *shown = qmp_clean_text(path);
        int fd = io_connect(io, path, timeout_ms);
        if (fd < 0) {
                g_autofree char *what = g_strdup_printf("%s: connecting to its %s socket /%s", who, kind, shown);
                set_unreachable(error, fd, what);
                return -1;
        }
        if (!check_peer(io, fd, process, who, shown, error)) {
                close(fd);
                return -1;
        }
        return fd;
}

int qemu_open_agent(Io *io, const QemuProcess *process, const char *who, unsigned timeout_ms, GError **error) {
        g_autofree char *path = socket_path(io, process, process->args->agent_socket);
        if (path)
                return open_socket(io, process, who, "guest agent's", path, timeout_ms, error);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                    "%s: its guest agent's socket has a relative path and its working folder cannot be read", who);
        return -1;
}

static Qmp *connect_to(Io *io, const QemuProcess *process, const char *who, const char *path, unsigned answer_ms,
                       GError **error) {
        int64_t deadline = qmp_deadline(answer_ms);
        int fd = open_socket(io, process, who, "QMP", path, answer_ms, error);
        if (fd < 0)
                return NULL;
        g_autoptr(Qmp) qmp = qmp_new(fd, who);
        return qmp_greet(qmp, deadline, error) ? g_steal_pointer(&qmp) : NULL;
}

Qmp *qemu_connect(Io *io, const QemuProcess *process, unsigned answer_ms, char **ret_path, GError **error) {
        g_autofree char *who = g_strdup_printf("qemu:%s (pid %d)", process->name, (int)process->pid);
        const GPtrArray *monitors = process->args->monitors;
        if (monitors->len == 0) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED,
                            "%s: it was started without a QMP socket; start QEMU with "
                            "'-qmp unix:PATH,server=on,wait=off' to hot-plug devices",
                            who);
                return NULL;
        }
        g_autoptr(GError) first = NULL;
        for (unsigned i = 0; i < monitors->len; i++) {
                g_autoptr(GError) problem = NULL;
                g_autofree char *path = socket_path(io, process, monitors->pdata[i]);
                Qmp *qmp = path ? connect_to(io, process, who, path, answer_ms, &problem) : NULL;
                if (qmp) {
                        if (ret_path)
                                *ret_path = g_steal_pointer(&path);
                        return qmp;
                }
                if (!path)
                        g_set_error(&problem, VFADM_ERROR, VFADM_ERROR_FAILED,
                                    "%s: its QMP socket's path is relative and its working folder cannot be read", who);
                if (!first)
                        first = g_steal_pointer(&problem);
        }
        g_propagate_error(error, g_steal_pointer(&first));
        return NULL;
}
