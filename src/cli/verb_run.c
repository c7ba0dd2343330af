/* vfadm run [--from PF|VF] [key=value…] -- qemu-system-x86_64 …
 *
 * The guest's process exists before it is leased anything (it waits at a gate), so that the ledger names who holds the
 * VF from the first moment; if vfadm is killed at any point, the next recovery sees whether that process still runs. */
#include "cli/changing.h"

#include "base/error.h"
#include "model/qemu_args.h"
#include "show/value.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char placeholder[] = "{vf}";

/* The command with {vf} replaced in each word, or with the device appended. */
static char **command_for(char **command, const char *bdf) {
        GPtrArray *argv = g_ptr_array_new();
        bool replaced = false;

        for (char **word = command; *word; word++) {
                g_auto(GStrv) parts = g_strsplit(*word, placeholder, -1);
                replaced = replaced || (parts[0] && parts[1]);
                g_ptr_array_add(argv, g_strjoinv(bdf, parts));
        }
        if (!replaced) {
                g_ptr_array_add(argv, g_strdup("-device"));
                g_ptr_array_add(argv, g_strdup_printf("vfio-pci,host=%s", bdf));
        }
        g_ptr_array_add(argv, NULL);
        return (char **) g_ptr_array_free(argv, FALSE);
}

/* What is known of a guest that has not started. */
static GuestInfo *guest_from_command(Cli *cli, const Want *want, GError **error) {
        g_autoptr(QemuArgs) args = qemu_args_parse((const char *const *) cli->command);
        g_autofree char *program = g_find_program_in_path(cli->command[0]);
        g_autofree char *kind = NULL, *name = NULL, *ref = g_strconcat("qemu:", args->name ? args->name : "unnamed", NULL);

        if (!program) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "%s: there is no such program to run", cli->command[0]);
                return NULL;
        }
        if (args->daemonize) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                                    "-daemonize: vfadm waits for the guest's end, and would take its VF back as soon as QEMU has gone into the background; "
                                    "leave it out, and run vfadm itself in the background or as a service");
                return NULL;
        }
        if (!guest_ref_parse(ref, &kind, &name)) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "-name: a guest that vfadm can name again has no '/' and no control characters in its name");
                return NULL;
        }
        if (!args->name && !args->uuid && !(want->vf.known & VF_MAC)) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                                    "the guest has no -name: give it one, from which its lasting MAC is derived, or say mac=…");
                return NULL;
        }
        GuestInfo *guest = guest_info_new("qemu", args->name ? args->name : "unnamed");
        guest->uuid = g_strdup(args->uuid);
        return guest;
}

static bool lend(Change *change, Cli *cli, Want *want, GuestInfo *guest, Io *io, IoProcess *process, GError **error) {
        int r = io_process_start(io, (int) process->pid, &process->start);
        if (r < 0)
                return vfadm_error_set_errno(error, r, "reading the start time of the guest's process %d", (int) process->pid);
        guest->pid = process->pid;
        guest->pid_start = process->start;
        int64_t before = io_now(io);
        g_autoptr(Plan) plan = change_plan(change, &want, 1, guest, error);
        if (!plan || !plan_check(plan, error) || !change_act(change, plan, error))
                return false;
        if (cli->json) {
                changing_print(cli, plan, io_now(io) - before);
                fflush(stdout); /* the guest writes to it from here on */
        } else if (!cli->quiet) {
                g_autofree char *summary = value_safe(plan->summary);
                fprintf(stderr, "%s (ready after %.1f s)\n", summary, (double) (io_now(io) - before) / 1e6);
        }
        return true;
}

/* Waits for the guest. A terminal sends ^C to the guest itself; being asked to end is passed on to it. */
static int wait_for_guest(Io *io, IoProcess *process, const sigset_t *signals) {
        int status = 0;
        for (;;) {
                siginfo_t info;
                int signal = sigwaitinfo(signals, &info);
                if (signal == SIGTERM || signal == SIGHUP)
                        kill(process->pid, SIGTERM);
                if (signal == SIGCHLD) {
                        siginfo_t ended = {0};
                        if (waitid(P_PID, (id_t) process->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == process->pid)
                                break;
                }
        }
        if (io_process_wait(io, process, &status) < 0)
                return 1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void drop_process(Io *io, IoProcess *process) {
        int status;
        if (process->go_fd >= 0)
                close(process->go_fd); /* the gate falls: the child ends without having started anything */
        process->go_fd = -1;
        io_process_wait(io, process, &status);
}

static bool dry_run(Cli *cli, Want *want, Io *io, GuestInfo *guest, GError **error) {
        ChangeOptions options = changing_options(cli, io);
        g_autoptr(Change) change = change_begin(&options, &want, 1, error);
        g_autoptr(Plan) plan = change ? change_plan(change, &want, 1, guest, error) : NULL;
        if (!plan || !plan_check(plan, error))
                return false;
        changing_print(cli, plan, 0);
        return true;
}

static bool start(Cli *cli, Want *want, Io *io, GuestInfo *guest, IoProcess *process, GError **error) {
        ChangeOptions options = changing_options(cli, io);
        g_autoptr(Change) change = change_begin(&options, &want, 1, error);

        if (!change)
                return false;
        const Dev *dev = change_choose(change, want, guest, error);
        if (!dev)
                return false;
        g_auto(GStrv) argv = command_for(cli->command, dev->name);
        int r = io_spawn(io, argv, process);
        if (r < 0)
                return vfadm_error_set_errno(error, r, "starting %s", argv[0]);
        if (!lend(change, cli, want, guest, io, process, error)) {
                drop_process(io, process);
                return false;
        }
        r = io_process_go(io, process);
        if (r < 0) {
                drop_process(io, process);
                return vfadm_error_set_errno(error, r, "starting %s", argv[0]);
        }
        return true; /* the locks go here: others may work on the PF while the guest runs */
}

bool verb_run(Cli *cli, GError **error) {
        g_autoptr(Want) want = changing_want(cli, WANT_LEND, cli->from);
        IoProcess process = {.pid = -1, .go_fd = -1};
        sigset_t signals;

        if (!cli->command || !cli->command[0]) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "nothing to run: give the guest's command after '--', as in 'vfadm run vlan=42 -- qemu-system-x86_64 -name web1 …'");
                return false;
        }
        if (!want_parse_words(want, cli->args, error))
                return false;
        g_autoptr(Io) io = changing_machine(cli, error);
        g_autoptr(GuestInfo) guest = io ? guest_from_command(cli, want, error) : NULL;
        if (!guest)
                return false;
        want->guest = guest_info_ref(guest);
        if (cli->dry_run)
                return dry_run(cli, want, io, guest, error);

        sigemptyset(&signals);
        sigaddset(&signals, SIGCHLD);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGQUIT);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGHUP);
        sigprocmask(SIG_BLOCK, &signals, NULL); /* the child gets its own mask back before it starts */
        bool started = start(cli, want, io, guest, &process, error);
        changing_end_line(cli);
        ChangeOptions options = changing_options(cli, io);
        if (!started) {
                /* What could not be walked back while the child waited at the gate can be now. */
                if (process.pid > 0)
                        change_recover(&options, NULL);
                return false;
        }
        cli->status = wait_for_guest(io, &process, &signals);
        /* The holder of the lease is gone now, and giving such leases back is what recovery is. */
        return change_recover(&options, error);
}
