/* vfadm apply [FILE…] [--pf PF] [--keep-going] [--disrupt] [--boot] */
#include "base/error.h"
#include "change/conf.h"
#include "cli/applying.h"
#include "cli/read.h"
#include "host/host.h"
#include "show/value.h"

#include <stdio.h>

/* One plan for all: done together or not at all. */
static bool apply_all(Cli *cli, Io *io, const Conf *conf, const char *pf, GError **error) {
        g_autoptr(GPtrArray) wants = changing_wants();
        g_autoptr(Plan) plan = NULL;
        int64_t usec;

        g_ptr_array_add(wants, applying_want(cli, conf, pf));
        bool ok = changing_do(cli, io, wants, &plan, &usec, error);
        if (ok && !cli->dry_run && plan->steps->len)
                changing_note_pools(cli, io, plan);
        if (plan && (ok || (cli->dry_run && !cli->json)))
                changing_print(cli, plan, usec);
        if (plan)
                cli->status = applying_status(plan, cli->dry_run);
        return ok;
}

/* ---- each PF by itself ---- */

/* What came of it so far. */
typedef struct {
        Cli *cli;
        Io *io;
        const Conf *conf;
        GPtrArray *failures; /* char*: a line each */
        int code;            /* of the first */
        json_t *plans, *missing;
        bool changed, left;
} Going;

static void note_failure(Going *going, const char *pf, const GError *problem) {
        g_ptr_array_add(going->failures, pf ? g_strdup_printf("%s: %s", pf, problem->message) : g_strdup(problem->message));
        if (going->failures->len == 1)
                going->code = problem->domain == VFADM_ERROR ? problem->code : VFADM_ERROR_FAILED;
}

static void add_json(Going *going, const char *pf, const Plan *plan, int64_t usec, const GError *problem) {
        json_t *json = json_pack("{s:s, s:o}", "pf", pf, "result", plan && !problem ? changing_json(going->cli, plan, usec) : json_null());

        json_object_set_new(json, "error", problem ? json_pack("{s:s, s:o}", "kind", vfadm_error_word(problem->code), "message", value_string(problem->message)) : json_null());
        json_array_append_new(going->plans, json);
}

static void apply_one(Going *going, const char *pf) {
        g_autoptr(GPtrArray) wants = changing_wants();
        g_autoptr(GError) problem = NULL;
        g_autoptr(Plan) plan = NULL;
        int64_t usec;

        g_ptr_array_add(wants, applying_want(going->cli, going->conf, pf));
        bool ok = changing_do(going->cli, going->io, wants, &plan, &usec, &problem);
        if (ok) {
                going->changed |= plan->steps->len > 0;
                going->left |= plan->left->len > 0;
        } else
                note_failure(going, pf, problem);
        if (going->cli->json)
                add_json(going, pf, plan, usec, problem);
        else if (ok)
                changing_print(going->cli, plan, usec);
}

/* Its PFs are found by a look of their own; each plan looks again, with the PF locked. */
static bool apply_each(Going *going, const char *pf, GError **error) {
        if (pf) {
                apply_one(going, pf);
                return true;
        }
        g_autoptr(Snapshot) host = host_read(going->io, HOST_CAPS, error);
        if (!host)
                return false;
        g_autoptr(GPtrArray) pfs = plan_apply_pfs(going->conf, host);
        for (unsigned i = 0; i < pfs->len; i++)
                apply_one(going, ((const Dev *) pfs->pdata[i])->name);
        for (unsigned i = 0; i < going->conf->pfs->len; i++) {
                const ConfPf *one = going->conf->pfs->pdata[i];
                bool found = false;
                for (unsigned k = 0; k < pfs->len && !found; k++)
                        found = conf_matches(one, pfs->pdata[k]);
                if (found)
                        continue;
                g_autofree char *text = g_strdup_printf("/%s, line %u: no PF here fits its [Match]", one->place.path, one->place.line);
                json_array_append_new(going->missing, value_string(text));
                cli_note(going->cli, "%s", text);
        }
        return true;
}

static void sync_pools(Going *going) {
        g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);

        if (!going->changed || going->cli->dry_run)
                return;
        changing_sync_pools(going->cli, going->io, told);
        for (unsigned i = 0; i < told->len; i++)
                cli_note(going->cli, "%s", (const char *) told->pdata[i]);
}

/* With --json the failures stand in the result, and the exit status says that there are some. */
static bool finish(Going *going, GError **error) {
        g_ptr_array_add(going->failures, NULL);
        g_autofree char *text = g_strjoinv("; ", (char **) going->failures->pdata);

        going->cli->status = going->left ? STATUS_LEFT : going->cli->dry_run && going->changed ? STATUS_TO_DO : 0;
        if (going->cli->json) {
                cli_print_json(json_pack("{s:O, s:O}", "plans", going->plans, "missing", going->missing));
                if (going->code)
                        going->cli->status = going->code;
                return true;
        }
        if (going->code)
                g_set_error_literal(error, VFADM_ERROR, going->code, text);
        return going->code == 0;
}

static bool apply_going(Cli *cli, Io *io, const char *pf, GError **error) {
        g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func((GDestroyNotify) g_error_free);
        g_autoptr(GPtrArray) failures = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Conf) conf = conf_read_sound(io, cli->n_args ? cli->args : NULL, wrong);
        Going going = {.cli = cli, .io = io, .conf = conf, .failures = failures, .plans = json_array(), .missing = json_array()};

        for (unsigned i = 0; i < conf->warnings->len; i++)
                cli_note(cli, "%s", (const char *) conf->warnings->pdata[i]);
        applying_wait(cli, io, conf);
        bool ok = apply_each(&going, pf, error);
        for (unsigned i = 0; i < wrong->len; i++)
                note_failure(&going, NULL, wrong->pdata[i]);
        if (ok) {
                sync_pools(&going);
                ok = finish(&going, error);
        }
        json_decref(going.plans);
        json_decref(going.missing);
        return ok;
}

bool verb_apply(Cli *cli, GError **error) {
        const char *pf;

        if (!applying_pf(cli, &pf, error))
                return false;
        g_autoptr(Io) io = changing_machine(cli, error);
        if (!io)
                return false;
        io->wakes_nobody = cli->boot;
        if (cli->keep_going)
                return apply_going(cli, io, pf, error);
        g_autoptr(Conf) conf = applying_conf(cli, io, error);
        if (!conf)
                return false;
        applying_wait(cli, io, conf);
        return apply_all(cli, io, conf, pf, error);
}
