/* Processes of the simulated machine and what /proc shows: of each process, and of the machine. */
#include "sim_priv.h"

#include <string.h>

#define BOOT_ID "proc/sys/kernel/random/boot_id"

void proc_free(Proc *proc) {
        g_free(proc->comm);
        g_strfreev(proc->argv);
        g_free(proc);
}

Proc *proc_find(Sim *sim, int pid) {
        for (unsigned i = 0; i < sim->procs->len; i++) {
                Proc *proc = sim->procs->pdata[i];
                if (proc->pid == pid && !proc->gone)
                        return proc;
        }
        return NULL;
}

void proc_render_fds(Sim *sim, int pid) {
        const Proc *proc = proc_find(sim, pid);
        g_autofree char *folder = g_strdup_printf("proc/%d/fd", pid);
        unsigned fd = 3;
        bool container = false;

        if (!proc)
                return;
        io_tree_remove(sim->tree, folder);
        io_tree_put_dir(sim->tree, folder);
        for (unsigned i = 0; i < 3; i++) {
                g_autofree char *path = g_strdup_printf("%s/%u", folder, i);
                io_tree_put_link(sim->tree, path, "/dev/null");
        }
        for (unsigned i = 0; i < sim->fns->len; i++) {
                const Fn *fn = sim->fns->pdata[i];
                if (fn->holder != pid)
                        continue;
                g_autofree char *path = g_strdup_printf("%s/%u", folder, fd++);
                g_autofree char *target = g_strdup_printf("/dev/vfio/%d", fn->group);
                io_tree_put_link(sim->tree, path, target);
                if (!container) {
                        g_autofree char *vfio = g_strdup_printf("%s/%u", folder, fd++);
                        io_tree_put_link(sim->tree, vfio, "/dev/vfio/vfio");
                        container = true;
                }
        }
}

static void render(Sim *sim, const Proc *proc) {
        g_autofree char *folder = g_strdup_printf("proc/%d", proc->pid);
        GString *cmdline = g_string_new(NULL);
        for (unsigned i = 0; proc->argv && proc->argv[i]; i++)
                g_string_append_len(cmdline, proc->argv[i], (gssize) strlen(proc->argv[i]) + 1);
        g_autofree char *path = g_strdup_printf("%s/cmdline", folder), *stat = g_strdup_printf("%s/stat", folder);
        g_autofree char *comm = g_strdup_printf("%s/comm", folder), *status = g_strdup_printf("%s/status", folder);
        g_autofree char *limits = g_strdup_printf("%s/limits", folder),
                        *mounts = g_strdup_printf("%s/mountinfo", folder);
        g_autofree char *mnt = g_strdup_printf("%s/ns/mnt", folder), *cwd = g_strdup_printf("%s/cwd", folder);
        g_autofree char *net = g_strdup_printf("%s/ns/net", folder), *root = g_strdup_printf("%s/root", folder);
        io_tree_put_file(sim->tree, path, cmdline->str, cmdline->len);
        g_string_free(cmdline, TRUE);
        tree_printf(sim, comm, "%s\n", proc->comm);
        /* Fields of proc(5): 3 state, 4 ppid … 22 starttime. */
        tree_printf(sim, stat,
                    "%d (%s) S %d %d %d 0 -1 4194560 100 0 0 0 1 1 0 0 20 0 1 0 %" G_GUINT64_FORMAT
                    " 1000000 100 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
                    proc->pid, proc->comm, proc->parent, proc->pid, proc->pid, proc->start);
        tree_printf(
                sim, status,
                "Name:\t%s\nState:\tS (sleeping)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
                "VmLck:\t       0 kB\nVmPin:\t       0 kB\nCapEff:\t000001ffffffffff\n",
                proc->comm, proc->pid, proc->pid, proc->parent);
        tree_printf(sim, limits,
                    "Limit                     Soft Limit           Hard Limit           Units     \n"
                    "Max locked memory         8388608              8388608              bytes     \n");
        io_tree_put_text(sim->tree, mounts,
                         "21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
                         "22 21 0:20 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw\n"
                         "23 21 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:13 - proc proc rw\n");
        io_tree_put_link(sim->tree, net, "net:[4026531840]");
        io_tree_put_link(sim->tree, mnt, "mnt:[4026531841]");
        io_tree_put_link(sim->tree, root, "/");
        io_tree_put_link(sim->tree, cwd, "/");
        proc_render_fds(sim, proc->pid);
}

Proc *proc_add(Sim *sim, const char *comm, int parent, char *const argv[]) {
        return proc_add_as(sim, ++sim->next_pid, comm, parent, argv);
}

Proc *proc_add_as(Sim *sim, int pid, const char *comm, int parent, char *const argv[]) {
        Proc *proc = g_new0(Proc, 1);
        g_rec_mutex_lock(&sim->mutex);
        proc->pid = pid;
        proc->parent = parent;
        proc->start = 5000 + (uint64_t) proc->pid * 7;
        proc->comm = g_strndup(comm, 15);
        proc->argv = g_strdupv((char **) argv);
        proc->let_go = true;
        g_ptr_array_add(sim->procs, proc);
        render(sim, proc);
        g_rec_mutex_unlock(&sim->mutex);
        return proc;
}

void proc_start_at(Sim *sim, Proc *proc, uint64_t start) {
        g_rec_mutex_lock(&sim->mutex);
        proc->start = start;
        render(sim, proc);
        g_rec_mutex_unlock(&sim->mutex);
}

void proc_end(Sim *sim, Proc *proc) {
        g_autofree char *folder = g_strdup_printf("proc/%d", proc->pid);
        for (unsigned i = 0; i < sim->fns->len; i++)
                if (((Fn *) sim->fns->pdata[i])->holder == proc->pid)
                        drv_close(sim, sim->fns->pdata[i]);
        for (unsigned i = sim->locks->len; i-- > 0;)
                if (((Lock *) sim->locks->pdata[i])->pid == proc->pid)
                        g_ptr_array_remove_index(sim->locks, i);
        proc->gone = true;
        io_tree_remove(sim->tree, folder);
}

int sim_start(Sim *sim, const char *comm) {
        char *argv[] = {(char *) comm, NULL};
        return proc_add(sim, comm, 1, argv)->pid;
}

void sim_end_process(Sim *sim, int pid) {
        g_rec_mutex_lock(&sim->mutex);
        Proc *proc = proc_find(sim, pid);
        if (proc)
                proc_end(sim, proc);
        g_rec_mutex_unlock(&sim->mutex);
}

int sim_open_vfio(Sim *sim, int pid, const char *bdf) {
        Fn *fn = pci_find(sim, bdf);
        g_rec_mutex_lock(&sim->mutex);
        int r = fn ? drv_open(sim, fn, pid) : -ENODEV;
        g_rec_mutex_unlock(&sim->mutex);
        return r;
}

/* --- children started through the seam ------------------------------------------------------------------------ */

int sim_spawn(Sim *sim, int parent, char *const argv[], Proc **ret) {
        g_autofree char *comm = g_path_get_basename(argv[0]);
        Proc *proc = proc_add(sim, comm, parent, argv);
        proc->child = true;
        proc->let_go = false;
        *ret = proc;
        return 0;
}

/* The child becomes what it was started for: a QEMU opens the devices of its command line, and ends when it cannot. */
void proc_go(Sim *sim, Proc *proc) {
        if (!proc)
                return;
        proc->let_go = true;
        for (unsigned i = 0; proc->argv[i]; i++) {
                const char *host = strstr(proc->argv[i], "host=");
                if (!g_str_has_prefix(proc->argv[i], "vfio-pci,") || !host)
                        continue;
                g_autofree char *bdf = g_strndup(host + 5, strcspn(host + 5, ","));
                g_autofree char *full = strlen(bdf) == 7 ? g_strdup_printf("0000:%s", bdf) : g_strdup(bdf);
                if (sim_open_vfio(sim, proc->pid, full) < 0) {
                        sim->child_status = 1 << 8;
                        return;
                }
        }
}

void sim_child_status(Sim *sim, int status) {
        sim->child_status = status;
}

void sim_child_scene(Sim *sim, void (*scene)(Sim *sim, int pid, void *user), void *user) {
        sim->scene = scene;
        sim->scene_user = user;
}

int sim_child_pid(Sim *sim, unsigned n) {
        for (unsigned i = 0; i < sim->procs->len; i++) {
                const Proc *proc = sim->procs->pdata[i];
                if (proc->child && n-- == 0)
                        return proc->pid;
        }
        return 0;
}

/* --- the machine ---------------------------------------------------------------------------------------------- */

void proc_build(Sim *sim) {
        io_tree_put_text(sim->tree, "etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        io_tree_put_text(sim->tree, BOOT_ID, "5b9f4d0e-2f5c-4c8e-9a2b-6d3f1e7a8c90\n");
        io_tree_put_text(sim->tree, "proc/sys/kernel/osrelease", "6.12.107-sim\n");
        io_tree_put_text(sim->tree, "proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
        io_tree_put_text(sim->tree, "proc/cmdline", "root=/dev/vda1 intel_iommu=on\n");
        io_tree_put_text(sim->tree, "proc/uptime", "1000.00 1900.00\n");
        io_tree_put_text(sim->tree, "proc/stat", "cpu 0 0 0 0 0 0 0 0 0 0\nbtime 1790000000\n");
        io_tree_put_text(
                sim->tree, "proc/interrupts",
                sim->options & SIM_NO_REMAP
                        ? "           CPU0       CPU1\n  1:          9          0   IO-APIC   1-edge      i8042\n"
                          " 24:         10          0  PCI-MSI-0000:01:00.0   0-edge      enp1s0\n"
                        : "           CPU0       CPU1\n  1:          9          0  IR-IO-APIC   1-edge      i8042\n"
                          " 24:         10          0  IR-PCI-MSI-0000:01:00.0   0-edge      enp1s0\n");
        io_tree_put_text(sim->tree, "sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
        io_tree_put_dir(sim->tree, "sys/class/iommu");
        if (!(sim->options & (SIM_NO_IOMMU | SIM_XEN)))
                io_tree_put_dir(sim->tree, "sys/class/iommu/dmar0");
        io_tree_put_text(
                sim->tree, "proc/net/tcp",
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
        io_tree_put_text(sim->tree, "proc/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
        io_tree_put_dir(sim->tree, "run");
        char *argv[] = {(char *) "/sbin/init", NULL};
        proc_add_as(sim, 1, "systemd", 0, argv);
        io_tree_put_link(sim->tree, "proc/self", "1");
}

void sim_reboot(Sim *sim) {
        g_rec_mutex_lock(&sim->mutex);
        xen_reboot(sim);
        for (unsigned i = 0; i < sim->fns->len; i++) {
                const Fn *fn = sim->fns->pdata[i];
                g_autofree char *path = g_strdup_printf("sys/bus/pci/devices/%s/sriov_numvfs", fn->name);
                if (fn->vfs)
                        drv_write(sim, path, "0");
        }
        io_tree_put_text(sim->tree, BOOT_ID, "0d1e2f30-0000-4c8e-9a2b-6d3f1e7a8c91\n");
        g_rec_mutex_unlock(&sim->mutex);
}
