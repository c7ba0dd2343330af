/* Changes to the host's own files: planned, shown as a difference, agreed to, made. */
#include "cli/asking.h"

#include "base/error.h"
#include "cli/changing.h"
#include "cli/read.h"
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

void asking_print_json(const Plan *plan, bool applied) {
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
                asking_print_json(plan, agreed);
        } else if (agreed && !cli->quiet) {
                g_autofree char *summary = value_safe(plan->summary);
                printf("done: %s\n", summary);
                print_notes(plan);
        }
        return true;
}

void asking_show_only(Cli *cli, const Plan *plan) {
        show(cli, plan);
        if (cli->json)
                asking_print_json(plan, false);
}

bool asking_change(Cli *cli, Want *const *wants, unsigned n, GError **error) {
        g_autoptr(Io) io = changing_machine(cli, error);
        if (!io)
                return false;
        ChangeOptions options = changing_options(cli, io);
        g_autoptr(Change) change = change_begin(&options, wants, n, error);
        g_autoptr(Plan) plan = change ? change_plan(change, wants, n, NULL, error) : NULL;
        if (!plan || !plan_check(plan, error))
                return false;
        if (cli->dry_run || plan->steps->len == 0) {
                asking_show_only(cli, plan);
                return true;
        }
        show(cli, plan);
        return act(cli, change, plan, error);
}
