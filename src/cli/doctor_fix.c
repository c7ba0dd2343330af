/* 'vfadm doctor --fix' and '--undo': plan, show the difference, ask, act. */
#include "cli/doctor_fix.h"

#include "base/error.h"
#include "cli/changing.h"
#include "cli/read.h"
#include "host/host.h"
#include "model/finding.h"
#include "show/show.h"
#include "show/value.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_notes(const Plan *plan) {
        for (unsigned i = 0; i < plan->notes->len; i++) {
                g_autofree char *note = value_safe(plan->notes->pdata[i]);
                printf("note: %s\n", note);
        }
}

/* `plan` NULL: there was nothing to plan. */
static void print_json(const Plan *plan, bool applied) {
        g_autofree char *diff = plan ? show_plan_diff(plan) : g_strdup("");
        cli_print_json(json_pack("{s:o, s:o, s:b}", "plan", plan ? plan_to_json(plan) : json_null(), "diff", value_string(diff), "applied", applied));
}

/* Before anything is done, and all of it with --dry-run. */
static void show(const Cli *cli, const Plan *plan) {
        if (cli->json)
                return;
        cli_print_text(show_plan_diff(plan));
        if (plan->steps->len == 0)
                printf("%s: nothing to do\n", plan->verb);
        if (plan->steps->len == 0 || cli->dry_run)
                print_notes(plan);
        fflush(stdout);
}

/* *ret: may it be done? An error when there is nobody to ask. */
static bool ask(const Cli *cli, bool *ret, GError **error) {
        char answer[16] = "";

        *ret = cli->yes;
        if (cli->yes)
                return true;
        if (cli->json || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                            "nothing was changed, since there is nobody to ask; add --yes to apply it, or --dry-run to only look");
                return false;
        }
        fputs("Apply this? [y/N] ", stderr);
        fflush(stderr);
        if (!fgets(answer, sizeof answer, stdin))
                fputc('\n', stderr);
        g_strchomp(answer);
        *ret = g_ascii_strcasecmp(answer, "y") == 0 || g_ascii_strcasecmp(answer, "yes") == 0;
        if (!*ret)
                puts("nothing was changed");
        return true;
}

static bool act(Cli *cli, Change *change, const Plan *plan, GError **error) {
        bool agreed = false;

        if (!ask(cli, &agreed, error))
                return false;
        if (agreed) {
                bool ok = change_act(change, plan, error);
                changing_end_line(cli);
                if (!ok)
                        return false;
        }
        if (cli->json) {
                print_json(plan, agreed);
        } else if (agreed && !cli->quiet) {
                g_autofree char *summary = value_safe(plan->summary);
                printf("done: %s\n", summary);
                print_notes(plan);
        }
        return true;
}

/* What would be done, from a host that was read without a lock, and may be a recorded one. */
static bool dry_run(Cli *cli, const Snapshot *host, const Want *want, GError **error) {
        g_autoptr(GPtrArray) leases = g_ptr_array_new();
        PlanInput input = {.host = host, .leases = leases};
        g_autoptr(Plan) plan = plan_make(want, &input, error);

        if (!plan || !plan_check(plan, error))
                return false;
        show(cli, plan);
        if (cli->json)
                print_json(plan, false);
        return true;
}

static bool change_boot(Cli *cli, Want *want, GError **error) {
        g_autoptr(Io) io = changing_machine(cli, error);
        if (!io)
                return false;
        ChangeOptions options = changing_options(cli, io);
        g_autoptr(Change) change = change_begin(&options, &want, 1, error);
        g_autoptr(Plan) plan = change ? change_plan(change, &want, 1, NULL, error) : NULL;
        if (!plan || !plan_check(plan, error))
                return false;
        show(cli, plan);
        if (plan->steps->len)
                return act(cli, change, plan, error);
        if (cli->json)
                print_json(plan, false);
        return true;
}

/* A parameter that stands on the command line may be one that vfadm does not edit; the others are no worse for that. */
static void collect(const Cli *cli, GPtrArray *words, const GPtrArray *of_finding) {
        for (unsigned i = 0; i < of_finding->len; i++) {
                g_autoptr(GPtrArray) one = g_ptr_array_new();
                g_autoptr(GError) problem = NULL;
                g_ptr_array_add(one, of_finding->pdata[i]);
                g_autoptr(Want) want = want_boot(one, NULL, &problem);
                if (want)
                        g_ptr_array_add(words, of_finding->pdata[i]);
                else
                        cli_note(cli, "%s; change it by hand", problem->message);
        }
}

bool doctor_fix(Cli *cli, Io *io, const Snapshot *host, const GPtrArray *findings, GError **error) {
        g_autoptr(GPtrArray) add = g_ptr_array_new(), remove = g_ptr_array_new();

        for (unsigned i = 0; i < findings->len; i++) {
                const Finding *finding = findings->pdata[i];
                collect(cli, add, finding->boot_add);
                collect(cli, remove, finding->boot_remove);
        }
        if (add->len == 0 && remove->len == 0) {
                if (cli->json)
                        print_json(NULL, false);
                else
                        puts("nothing that was found is mended by a boot parameter; 'vfadm doctor' names the remedies");
                return true;
        }
        g_autoptr(Want) want = want_boot(add, remove, error);
        if (!want)
                return false;
        return cli->dry_run ? dry_run(cli, host, want, error) : change_boot(cli, want, error);
}

bool doctor_undo(Cli *cli, GError **error) {
        g_autoptr(Want) want = want_new(WANT_BOOT_UNDO);

        if (!cli->dry_run)
                return change_boot(cli, want, error);
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, HOST_SETUP, error) : NULL;
        return host && dry_run(cli, host, want, error);
}
