/* What the changing verbs have in common: run a want, show its progress, plan and outcome. */
#include "cli/changing.h"

#include "base/error.h"
#include "change/pools.h"
#include "show/show.h"
#include "show/value.h"

#include <stdio.h>

static void print_progress(void *user, const Plan *plan, unsigned step, bool done, int64_t usec) {
        Cli *cli = user;
        if (cli->quiet || cli->json)
                return;
        g_autofree char *text = show_progress(plan, step, done, usec);
        fprintf(stderr, "%s%s", text, done ? "\n" : "");
        fflush(stderr);
        cli->line_open = !done;
}

void changing_end_line(Cli *cli) {
        if (cli->line_open)
                fputc('\n', stderr);
        cli->line_open = false;
}

static void print_told(void *user, const char *line) {
        Cli *cli = user;
        g_autofree char *safe = value_safe(line);
        if (!cli->quiet && !cli->json)
                fprintf(stderr, "recovered: %s\n", safe);
}

ChangeOptions changing_options(Cli *cli, Io *io) {
        return (ChangeOptions) {
                .io = io,
                .ledger_dir = cli->ledger_dir,
                .dry_run = cli->dry_run,
                .detach_timeout_ms = cli->timeout_ms,
                .progress = print_progress,
                .told = print_told,
                .user = cli,
        };
}

Io *changing_machine(Cli *cli, GError **error) {
        if (cli->root) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "--root is for verbs that only read: a recorded host cannot be changed");
                return NULL;
        }
        return io_real_new("/", error);
}

Want *changing_want(Cli *cli, WantKind kind, const char *device) {
        Want *want = want_new(kind);
        want->device = g_strdup(device);
        want->disrupt = cli->disrupt;
        want->with_group = cli->with_group;
        return want;
}

unsigned changing_scope(const Cli *cli) {
        return (cli->live ? SCOPE_LIVE : 0U) | (cli->config ? SCOPE_CONFIG : 0U);
}

json_t *changing_json(const Cli *cli, const Plan *plan, int64_t usec) {
        return json_pack("{s:o, s:b, s:I}", "plan", plan_to_json(plan), "done", !cli->dry_run, "usec", (json_int_t) usec);
}

static void print_json(Cli *cli, const Plan *plan, int64_t usec) {
        json_t *json = changing_json(cli, plan, usec);
        char *text = json_dumps(json, JSON_INDENT(2));
        puts(text);
        free(text);
        json_decref(json);
}

void changing_print(Cli *cli, const Plan *plan, int64_t usec) {
        if (cli->json) {
                print_json(cli, plan, usec);
                return;
        }
        if (cli->dry_run) {
                g_autofree char *text = show_plan_text(plan);
                fputs(text, stdout);
                return;
        }
        if (cli->quiet)
                return;
        g_autofree char *took = show_duration(usec);
        g_autofree char *summary = value_safe(plan->summary ? plan->summary : plan->verb);
        if (plan->steps->len)
                printf("%s (%s)\n", summary, took);
        else
                printf(plan->left->len ? "%s: nothing to do but what is left\n" : "%s: nothing to do, it is so already\n", summary);
        for (unsigned i = 0; i < plan->left->len; i++) {
                g_autofree char *left = value_safe(plan->left->pdata[i]);
                puts(left);
        }
        for (unsigned i = 0; i < plan->notes->len; i++) {
                g_autofree char *note = value_safe(plan->notes->pdata[i]);
                printf("note: %s\n", note);
        }
}

bool changing_do(Cli *cli, Io *io, const GPtrArray *wants, Plan **ret, int64_t *usec, GError **error) {
        ChangeOptions options = changing_options(cli, io);
        int64_t before = io_now(io);
        bool ok = change_do(&options, (Want *const *) wants->pdata, wants->len, ret, error);
        changing_end_line(cli);
        *usec = io_now(io) - before;
        return ok;
}

/* A dry run that is refused still shows the plan's refusals, and exits with their kind. */
static void print_outcome(Cli *cli, const Plan *plan, bool ok, int64_t usec) {
        if (plan && (ok || (cli->dry_run && !cli->json)))
                changing_print(cli, plan, usec);
}

bool changing_run_all(Cli *cli, const GPtrArray *wants, GError **error) {
        g_autoptr(Plan) plan = NULL;
        int64_t usec;

        g_autoptr(Io) io = changing_machine(cli, error);
        if (!io)
                return false;
        bool ok = changing_do(cli, io, wants, &plan, &usec, error);
        print_outcome(cli, plan, ok, usec);
        return ok;
}

static bool has_networks(Io *io) {
        g_autoptr(GPtrArray) pools = pools_read(io, NULL);
        bool any = false;

        for (unsigned i = 0; pools && i < pools->len; i++)
                any = any || ((const Pool *) pools->pdata[i])->libvirt;
        return any;
}

void changing_sync_pools(Cli *cli, Io *io, GPtrArray *told) {
        g_autoptr(GPtrArray) wants = changing_wants();
        g_autoptr(Plan) sync = NULL;
        g_autoptr(GError) error = NULL;

        if (!has_networks(io))
                return;
        g_ptr_array_add(wants, changing_want(cli, WANT_POOL_SYNC, NULL));
        ChangeOptions options = changing_options(cli, io);
        options.progress = NULL;
        if (!change_do(&options, (Want *const *) wants->pdata, wants->len, &sync, &error)) {
                g_ptr_array_add(told, g_strdup_printf("the networks of pools are not in step with the VFs: %s", error->message));
                return;
        }
        for (unsigned i = 0; i < sync->steps->len; i++)
                g_ptr_array_add(told, step_describe(sync->steps->pdata[i]));
        for (unsigned i = 0; i < sync->notes->len; i++)
                g_ptr_array_add(told, g_strdup(sync->notes->pdata[i]));
}

void changing_note_pools(Cli *cli, Io *io, Plan *plan) {
        g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);

        changing_sync_pools(cli, io, told);
        for (unsigned i = 0; i < told->len; i++)
                plan_note(plan, "%s", (const char *) told->pdata[i]);
}

bool changing_run_vfs(Cli *cli, const GPtrArray *wants, GError **error) {
        g_autoptr(Plan) plan = NULL;
        int64_t usec;

        g_autoptr(Io) io = changing_machine(cli, error);
        if (!io)
                return false;
        bool ok = changing_do(cli, io, wants, &plan, &usec, error);
        if (ok && !cli->dry_run)
                changing_note_pools(cli, io, plan);
        print_outcome(cli, plan, ok, usec);
        return ok;
}

bool changing_run(Cli *cli, Want *owned, GError **error) {
        g_autoptr(GPtrArray) wants = changing_wants();
        g_ptr_array_add(wants, owned);
        return changing_run_all(cli, wants, error);
}

GPtrArray *changing_wants(void) {
        return g_ptr_array_new_with_free_func((GDestroyNotify) want_free);
}
