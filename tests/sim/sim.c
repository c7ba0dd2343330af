/* The simulated machine as a whole: its Io calls, the count of operations with its faults, the log and its replay. */
#include "base/text.h"
#include "sim_priv.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

void tree_printf(Sim *sim, const char *path, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        io_tree_put_text(sim->tree, path, text);
}

int64_t sim_now(Sim *sim) {
        return g_get_monotonic_time() + sim->skipped;
}

void sim_disturb(Sim *sim, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_string_append_vprintf(sim->disturbances, format, args);
        va_end(args);
        g_string_append_c(sim->disturbances, '\n');
}

const char *sim_disturbances(const Sim *sim) {
        return sim->disturbances->str;
}

/* --- operations, faults --------------------------------------------------------------------------------------- */

int sim_point(Sim *sim, const char *what) {
        if (sim->replaying)
                return 0;
        g_rec_mutex_lock(&sim->mutex);
        unsigned n = ++sim->count;
        virt_count(sim);
        g_ptr_array_add(sim->names, g_strdup(what));
        /* No atexit, no flush, no unlock: as SIGKILL would. */
        if (sim->crash_at == n)
                _exit(SIM_CRASHED);
        g_rec_mutex_unlock(&sim->mutex);
        return sim->fail_at == n ? sim->fail_errno : 0;
}

void sim_restart_count(Sim *sim) {
        sim->count = sim->questions = 0;
        g_ptr_array_set_size(sim->names, 0);
}

void sim_fail_at(Sim *sim, unsigned n, int negative_errno) {
        sim_restart_count(sim);
        sim->fail_at = n;
        sim->fail_errno = negative_errno;
}

void sim_crash_at(Sim *sim, unsigned n) {
        sim_restart_count(sim);
        sim->crash_at = n;
}

unsigned sim_questions(const Sim *sim) {
        return sim->questions;
}

unsigned sim_operations(const Sim *sim) {
        return sim->count;
}

const char *sim_operation_name(const Sim *sim, unsigned n) {
        return n > 0 && n <= sim->names->len ? sim->names->pdata[n - 1] : "(none)";
}

static int point(Sim *sim, const char *format, ...) G_GNUC_PRINTF(2, 3);
static int point(Sim *sim, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *what = g_strdup_vprintf(format, args);
        va_end(args);
        return sim_point(sim, what);
}

/* --- log and replay ------------------------------------------------------------------------------------------- */

typedef struct {
        char kind[4];
        int32_t pid;
        uint32_t a, b;
} LogHead;

void sim_log(Sim *sim, int pid, const char *kind, const void *a, size_t a_length, const void *b, size_t b_length) {
        if (sim->log_fd < 0 || sim->replaying)
                return;
        LogHead head = {.pid = pid, .a = (uint32_t) a_length, .b = (uint32_t) b_length};
        g_strlcpy(head.kind, kind, sizeof head.kind);
        g_autoptr(GByteArray) record = g_byte_array_new();
        g_byte_array_append(record, (const uint8_t *) &head, sizeof head);
        if (a_length)
                g_byte_array_append(record, a, (unsigned) a_length);
        if (b_length)
                g_byte_array_append(record, b, (unsigned) b_length);
        /* One write, so that a death never leaves half a record. */
        if (write(sim->log_fd, record->data, record->len) != (ssize_t) record->len)
                g_error("simulated kernel: cannot write its log");
}

void sim_log_to(Sim *sim, int fd) {
        sim->log_fd = fd;
}

static void replay_plug(Sim *sim, char **words) {
        Guest *guest = mon_find(sim, words[0]);
        if (guest && g_strv_length(words) == 4)
                mon_plug(sim, guest, words[1], words[2], pci_find(sim, words[3]));
}

static void replay_one(Sim *sim, const LogHead *head, const char *a, const char *b) {
        if (g_str_equal(head->kind, "W")) {
                drv_write(sim, a, b);
        } else if (g_str_equal(head->kind, "N")) {
                net_request(sim, a, head->a, NULL, NULL);
        } else if (g_str_equal(head->kind, "F")) {
                boot_replace(sim, a, b);
        } else if (g_str_equal(head->kind, "X")) {
                boot_replace(sim, a, NULL);
        } else if (g_str_equal(head->kind, "R")) {
                boot_run(sim, a, NULL);
        } else if (g_str_equal(head->kind, "M")) {
                drv_module(sim, a);
        } else if (g_str_equal(head->kind, "S")) {
                g_auto(GStrv) argv = g_strsplit(a, "\n", -1);
                Proc *proc;
                sim_spawn(sim, head->pid, argv, &proc);
        } else if (g_str_equal(head->kind, "G")) {
                proc_go(sim, proc_find(sim, head->pid));
        } else if (g_str_equal(head->kind, "E")) {
                sim_end_process(sim, head->pid);
        } else if (g_str_equal(head->kind, "V")) {
                virt_replay(sim, a, b);
        } else if (g_str_equal(head->kind, "C")) {
                xen_replay(sim, a, b);
        } else if (g_str_equal(head->kind, "P")) {
                g_auto(GStrv) words = g_strsplit(a, "\n", -1);
                replay_plug(sim, words);
        } else if (g_str_equal(head->kind, "U")) {
                Guest *guest = mon_find(sim, a);
                if (guest)
                        mon_unplug(sim, guest, b);
        } else if (g_str_equal(head->kind, "D")) {
                Guest *guest = mon_find(sim, a);
                if (guest)
                        mon_asked(sim, guest, b);
        }
}

void sim_replay(Sim *sim, int fd) {
        LogHead head;
        off_t at = 0;
        sim->replaying = true;
        while (pread(fd, &head, sizeof head, at) == (ssize_t) sizeof head) {
                at += (off_t) sizeof head;
                g_autofree char *a = g_malloc0(head.a + 1), *b = g_malloc0(head.b + 1);
                if (pread(fd, a, head.a, at) != (ssize_t) head.a || pread(fd, b, head.b, at + head.a) != (ssize_t) head.b)
                        g_error("simulated kernel: its log is cut off");
                at += (off_t) head.a + head.b;
                replay_one(sim, &head, a, b);
        }
        sim->replaying = false;
}

/* --- the seam ------------------------------------------------------------------------------------------------- */

static SimIo *sim_io(Io *io) {
        return (SimIo *) io;
}

/* proc/self is another process for each Io. */
static char *own_path(SimIo *self, const char *path) {
        if (g_str_equal(path, "proc/self") || g_str_has_prefix(path, "proc/self/"))
                return g_strdup_printf("proc/%d%s", self->pid, path + strlen("proc/self"));
        return g_strdup(path);
}

static int do_read(Io *io, const char *path, size_t max, GBytes **ret) {
        SimIo *self = sim_io(io);
        g_autofree char *own = own_path(self, path);
        GBytes *bytes = NULL;
        g_rec_mutex_lock(&self->sim->mutex);
        int r = io_tree_read(self->sim->tree, own, &bytes);
        g_rec_mutex_unlock(&self->sim->mutex);
        if (r < 0)
                return r;
        if (g_bytes_get_size(bytes) > max) {
                g_bytes_unref(bytes);
                return -EFBIG;
        }
        *ret = bytes;
        return 0;
}

static int do_readlink(Io *io, const char *path, char **ret) {
        SimIo *self = sim_io(io);
        if (g_str_equal(path, "proc/self")) {
                *ret = g_strdup_printf("%d", self->pid);
                return 0;
        }
        g_autofree char *own = own_path(self, path);
        g_rec_mutex_lock(&self->sim->mutex);
        int r = io_tree_readlink(self->sim->tree, own, ret);
        g_rec_mutex_unlock(&self->sim->mutex);
        return r;
}

static int do_list(Io *io, const char *path, char ***ret) {
        SimIo *self = sim_io(io);
        g_autofree char *own = own_path(self, path);
        g_rec_mutex_lock(&self->sim->mutex);
        int r = io_tree_list(self->sim->tree, own, ret);
        g_rec_mutex_unlock(&self->sim->mutex);
        return r;
}

static int do_write(Io *io, const char *path, const char *text, unsigned timeout_ms) {
        Sim *sim = sim_io(io)->sim;
        g_rec_mutex_lock(&sim->mutex);
        g_autofree char *shown = g_strescape(text, NULL);
        int r = point(sim, "write %s %s", path, shown);
        if (r == 0) {
                if (g_strcmp0(sim->flight_path, path) == 0)
                        sim_land(sim); /* the device lock: the later write waits for the earlier */
                sim_log(sim, sim_io(io)->pid, "W", path, strlen(path), text, strlen(text));
                r = drv_write(sim, path, text);
        }
        g_rec_mutex_unlock(&sim->mutex);
        return r;
}

static int do_netlink(Io *io, const void *request, size_t length, GByteArray *reply, char **extack) {
        Sim *sim = sim_io(io)->sim;
        struct nlmsghdr head;
        if (length < sizeof head)
                return -EINVAL;
        memcpy(&head, request, sizeof head);
        g_rec_mutex_lock(&sim->mutex);
        int r = 0;
        if (head.nlmsg_type == RTM_SETLINK || head.nlmsg_type == RTM_NEWLINK) {
                r = point(sim, "netlink %s", head.nlmsg_type == RTM_SETLINK ? "setlink" : "newlink");
                if (r == 0)
                        sim_log(sim, sim_io(io)->pid, "N", request, length, NULL, 0);
        }
        else
                sim->questions++;
        if (r == 0)
                r = net_request(sim, request, length, reply, extack);
        g_rec_mutex_unlock(&sim->mutex);
        return r;
}

static int do_load_module(Io *io, const char *name) {
        Sim *sim = sim_io(io)->sim;
        g_rec_mutex_lock(&sim->mutex);
        int r = point(sim, "module %s", name);
        if (r == 0) {
                sim_log(sim, sim_io(io)->pid, "M", name, strlen(name), NULL, 0);
                r = drv_module(sim, name);
        }
        g_rec_mutex_unlock(&sim->mutex);
        return r;
}

static int do_can_open(Io *io, const char *path) {
        g_autoptr(GBytes) bytes = NULL;
        return do_read(io, path, SIZE_MAX, &bytes);
}

static int do_replace(Io *io, const char *path, const char *text) {
        Sim *sim = sim_io(io)->sim;
        g_rec_mutex_lock(&sim->mutex);
        int r = point(sim, "%s %s", text ? "replace" : "remove", path);
        if (r == 0) {
                sim_log(sim, sim_io(io)->pid, text ? "F" : "X", path, strlen(path), text, text ? strlen(text) : 0);
                boot_replace(sim, path, text);
        }
        g_rec_mutex_unlock(&sim->mutex);
        return r;
}

static int do_program(Io *io, char *const argv[], bool changes, unsigned timeout_ms, GBytes **output, int *status) {
        Sim *sim = sim_io(io)->sim;
        GString *says = g_string_new(NULL);
        g_rec_mutex_lock(&sim->mutex);
        int r = changes ? point(sim, "run %s", argv[0]) : -ENOENT;
        if (r == 0) {
                sim_log(sim, sim_io(io)->pid, "R", argv[0], strlen(argv[0]), NULL, 0);
                r = boot_run(sim, argv[0], says);
        }
        g_rec_mutex_unlock(&sim->mutex);
        if (r < 0) {
                g_string_free(says, TRUE);
                return r;
        }
        *status = 0;
        *output = g_string_free_to_bytes(says);
        return 0;
}

static int do_vfio_variant(Io *io, const char *modalias, char **ret) {
        if (!g_str_has_prefix(modalias, "pci:v000015B3d00001018"))
                return -ENOENT;
        *ret = g_strdup("mlx5_vfio_pci");
        return 0;
}

static int do_connect(Io *io, const char *path, unsigned timeout_ms) {
        return mon_connect(sim_io(io)->sim, path, timeout_ms);
}

static int do_peer(Io *io, int fd, pid_t *ret) {
        return mon_peer(sim_io(io)->sim, fd, ret);
}

static int do_spawn(Io *io, char *const argv[], IoProcess *ret) {
        SimIo *self = sim_io(io);
        Sim *sim = self->sim;
        Proc *proc = NULL;
        g_rec_mutex_lock(&sim->mutex);
        int r = point(sim, "spawn %s", argv[0]);
        if (r == 0) {
                g_autofree char *words = g_strjoinv("\n", (char **) argv);
                sim_log(sim, self->pid, "S", words, strlen(words), NULL, 0);
                r = sim_spawn(sim, self->pid, argv, &proc);
        }
        if (r == 0)
                *ret = (IoProcess) {.pid = proc->pid, .go_fd = -1, .start = proc->start};
        g_rec_mutex_unlock(&sim->mutex);
        return r;
}

static int do_process_go(Io *io, IoProcess *process) {
        Sim *sim = sim_io(io)->sim;
        g_rec_mutex_lock(&sim->mutex);
        Proc *proc = proc_find(sim, process->pid);
        int r = proc ? point(sim, "go %d", process->pid) : -ESRCH;
        if (r == 0) {
                sim_log(sim, process->pid, "G", NULL, 0, NULL, 0);
                proc_go(sim, proc);
        }
        g_rec_mutex_unlock(&sim->mutex);
        return r;
}

static int do_process_wait(Io *io, IoProcess *process, int *status) {
        Sim *sim = sim_io(io)->sim;
        const Proc *proc = proc_find(sim, process->pid);
        if (!proc)
                return -ECHILD;
        if (sim->scene && proc->let_go)
                sim->scene(sim, process->pid, sim->scene_user);
        int r = point(sim, "child %d ends", process->pid);
        if (r < 0)
                return r;
        g_rec_mutex_lock(&sim->mutex);
        sim_log(sim, process->pid, "E", NULL, 0, NULL, 0);
        *status = sim->child_status;
        sim_end_process(sim, process->pid);
        g_rec_mutex_unlock(&sim->mutex);
        return 0;
}

static int do_lock(Io *io, const char *name, unsigned timeout_ms, int *ret) {
        SimIo *self = sim_io(io);
        Sim *sim = self->sim;
        int r = 0;
        g_rec_mutex_lock(&sim->mutex);
        for (unsigned i = 0; i < sim->locks->len; i++)
                if (g_str_equal(((Lock *) sim->locks->pdata[i])->name, name))
                        r = -ETIMEDOUT;
        if (r == 0) {
                Lock *lock = g_new0(Lock, 1);
                *lock = (Lock) {g_strdup(name), self->pid, ++sim->next_lock};
                g_ptr_array_add(sim->locks, lock);
                *ret = lock->id;
        } else {
                sim->skipped += (int64_t) timeout_ms * 1000;
        }
        g_rec_mutex_unlock(&sim->mutex);
        return r;
}

static void do_unlock(Io *io, int id) {
        Sim *sim = sim_io(io)->sim;
        g_rec_mutex_lock(&sim->mutex);
        for (unsigned i = 0; i < sim->locks->len; i++)
                if (((Lock *) sim->locks->pdata[i])->id == id)
                        g_ptr_array_remove_index(sim->locks, i--);
        g_rec_mutex_unlock(&sim->mutex);
}

static int64_t do_now(Io *io) {
        return sim_now(sim_io(io)->sim);
}

static void do_pause(Io *io, unsigned milliseconds) {
        Sim *sim = sim_io(io)->sim;
        g_rec_mutex_lock(&sim->mutex);
        sim->skipped += (int64_t) milliseconds * 1000;
        g_rec_mutex_unlock(&sim->mutex);
}

static void do_free(Io *io) {
        sim_end_process(sim_io(io)->sim, sim_io(io)->pid);
        g_free(io);
}

static const IoCalls sim_calls = {
        .read = do_read, .write = do_write, .readlink = do_readlink, .list = do_list, .netlink = do_netlink,
        .load_module = do_load_module, .vfio_variant = do_vfio_variant, .connect = do_connect, .peer = do_peer,
        .can_open = do_can_open, .replace = do_replace, .program = do_program,
        .spawn = do_spawn, .process_go = do_process_go, .process_wait = do_process_wait, .lock = do_lock,
        .unlock = do_unlock, .now = do_now, .pause = do_pause, .free = do_free,
};

static Io *new_process(Sim *sim, int pid, const char *comm) {
        SimIo *io = g_new0(SimIo, 1);
        char *argv[] = {(char *) comm, NULL};
        io->base.calls = &sim_calls;
        io->base.writable = true;
        io->sim = sim;
        Proc *proc = pid ? proc_add_as(sim, pid, comm, 1, argv) : proc_add(sim, comm, 1, argv);
        io->pid = proc->pid;
        /* One OS process is many of the machine's, one after another: told apart by their start. */
        if (pid)
                proc_start_at(sim, proc, 900000 + (uint64_t) ++sim->selves);
        return &io->base;
}

Io *sim_process(Sim *sim, const char *comm) {
        return new_process(sim, 0, comm);
}

Io *sim_process_self(Sim *sim, const char *comm) {
        return new_process(sim, (int) getpid(), comm);
}

int sim_pid(const Io *io) {
        return ((const SimIo *) io)->pid;
}

/* --- the machine ---------------------------------------------------------------------------------------------- */

static void lock_free(void *data) {
        Lock *lock = data;
        g_free(lock->name);
        g_free(lock);
}

static void driver_free(void *data) {
        Driver *driver = data;
        g_free(driver->name);
        g_free(driver);
}

Sim *sim_new(unsigned options) {
        Sim *sim = g_new0(Sim, 1);
        g_rec_mutex_init(&sim->mutex);
        sim->options = options;
        sim->tree = io_tree_new();
        sim->tree_io = io_tree_io(sim->tree);
        sim->fns = g_ptr_array_new_with_free_func((GDestroyNotify) fn_free);
        sim->drivers = g_ptr_array_new_with_free_func(driver_free);
        sim->procs = g_ptr_array_new_with_free_func((GDestroyNotify) proc_free);
        sim->locks = g_ptr_array_new_with_free_func(lock_free);
        sim->guests = g_ptr_array_new_with_free_func((GDestroyNotify) guest_free);
        sim->threads = g_ptr_array_new();
        sim->peers = g_hash_table_new(NULL, NULL);
        sim->names = g_ptr_array_new_with_free_func(g_free);
        sim->disturbances = g_string_new(NULL);
        sim->log_fd = -1;
        sim->next_pid = 4100000; /* far from what the tests' own processes get, below PID_MAX_LIMIT */
        proc_build(sim);
        if (options & SIM_XEN)
                xen_build(sim);
        pci_build(sim);
        if (options & (SIM_GRUB | SIM_INITRAMFS | SIM_RULES))
                boot_build(sim);
        return sim;
}

void sim_free(Sim *sim) {
        if (!sim)
                return;
        sim_quiesce(sim);
        g_ptr_array_unref(sim->threads);
        g_hash_table_unref(sim->peers);
        g_ptr_array_unref(sim->guests);
        virt_free(sim->virt);
        xen_free(sim->xen);
        g_ptr_array_unref(sim->locks);
        g_ptr_array_unref(sim->procs);
        g_ptr_array_unref(sim->fns);
        g_ptr_array_unref(sim->drivers);
        g_ptr_array_unref(sim->names);
        g_string_free(sim->disturbances, TRUE);
        g_free(sim->flight_path);
        g_free(sim->flight_text);
        io_free(sim->tree_io);
        g_rec_mutex_clear(&sim->mutex);
        g_free(sim);
}

void sim_in_flight(Sim *sim, const char *path, const char *text) {
        sim->flight_path = g_strdup(path);
        sim->flight_text = g_strcompress(text);
}

void sim_land(Sim *sim) {
        g_autofree char *path = g_steal_pointer(&sim->flight_path), *text = g_steal_pointer(&sim->flight_text);
        g_rec_mutex_lock(&sim->mutex);
        if (path)
                drv_write(sim, path, text);
        g_rec_mutex_unlock(&sim->mutex);
}

void sim_hold_lock(Sim *sim, int pid, const char *name) {
        Lock *lock = g_new0(Lock, 1);
        *lock = (Lock) {g_strdup(name), pid, ++sim->next_lock};
        g_ptr_array_add(sim->locks, lock);
}

void sim_process_died(Sim *sim, int pid) {
        g_rec_mutex_lock(&sim->mutex);
        sim_end_process(sim, pid);
        for (unsigned i = 0; i < sim->procs->len; i++) {
                Proc *proc = sim->procs->pdata[i];
                if (proc->parent == pid && proc->child && !proc->let_go && !proc->gone)
                        proc_end(sim, proc);
        }
        virt_settle(sim);
        g_rec_mutex_unlock(&sim->mutex);
}

unsigned sim_resets(Sim *sim, const char *bdf) {
        Fn *fn = pci_find(sim, bdf);
        return fn ? fn->resets : 0;
}

static void dump_vf(Sim *sim, GString *text, const Fn *fn) {
        const Vf *vf = &fn->pf->vf[fn->index];
        VfState state = vf->state;
        g_autofree char *rest = vf_state_format(&state, VF_ALL & ~VF_MAC);
        char mac[MAC_TEXT_SIZE];
        mac_format(state.mac, mac);
        g_string_append_printf(text, "  vf%u %s driver=%s override=%s net=%s held=%d mac=%s %s", fn->index, fn->name,
                               fn->driver ? fn->driver->name : "-", fn->override ? fn->override : "-",
                               fn->net ? fn->net : "-", fn->holder, g_str_has_prefix(mac, "fe:51") ? "own" : mac, rest);
        xen_dump_owner(sim, fn, text);
        g_string_append_c(text, '\n');
}

char *sim_dump(Sim *sim) {
        GString *text = g_string_new(NULL);
        g_rec_mutex_lock(&sim->mutex);
        for (unsigned i = 0; i < sim->fns->len; i++) {
                const Fn *fn = sim->fns->pdata[i];
                if (fn->pf)
                        continue;
                g_string_append_printf(text, "%s driver=%s override=%s net=%s held=%d", fn->name,
                                       fn->driver ? fn->driver->name : "-", fn->override ? fn->override : "-",
                                       fn->net ? fn->net : "-", fn->holder);
                if (fn->vfs)
                        g_string_append_printf(text, " vfs=%u autoprobe=%d %s", fn->vfs->len, fn->autoprobe,
                                               fn->up ? "up" : "down");
                xen_dump_owner(sim, fn, text);
                g_string_append_c(text, '\n');
                for (unsigned v = 0; fn->vfs && v < fn->vfs->len; v++)
                        dump_vf(sim, text, fn->vfs->pdata[v]);
        }
        boot_dump(sim, text);
        for (unsigned i = 0; i < sim->guests->len; i++) {
                const Guest *guest = sim->guests->pdata[i];
                g_string_append_printf(text, "guest %s pid=%d\n", guest->name, guest->pid);
                for (unsigned d = 0; d < guest->devices->len; d++) {
                        const GuestDev *dev = guest->devices->pdata[d];
                        g_string_append_printf(text, "  %s on %s%s\n", dev->host->name, dev->bus,
                                               dev->leaving ? " leaving" : "");
                }
        }
        virt_dump(sim, text);
        xen_dump(sim, text);
        g_rec_mutex_unlock(&sim->mutex);
        return g_string_free(text, FALSE);
}
