/* vfadm pool define|start|stop|autostart|delete|list|show */
#include "base/error.h"
#include "base/parse.h"
#include "change/pools.h"
#include "cli/changing.h"
#include "cli/pool_vfs.h"
#include "cli/read.h"
#include "host/host.h"
#include "show/pools.h"

#include <string.h>

/* ---- reading ---- */

static void print_list(const Cli *cli, const PlanInput *input) {
        g_autoptr(GPtrArray) shown = g_ptr_array_new_with_free_func((GDestroyNotify) show_pool_free);

        for (unsigned i = 0; i < input->pools->len; i++)
                g_ptr_array_add(shown, cli_pool_vfs(input, input->pools->pdata[i]));
        if (shown->len == 0)
                cli_note(cli, "there are no pools; 'vfadm pool define NAME --pf PF' makes one");
        if (cli->json)
                cli_print_json(show_pools_json(input->host, shown));
        else
                cli_print_text(show_pools_text(input->host, shown, cli_width()));
}

static bool print_one(const Cli *cli, const PlanInput *input, const char *name, GError **error) {
        const Pool *pool = pools_find(input->pools, name);

        if (!pool) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "there is no pool '%s'; 'vfadm pool list' shows those there are", name);
                return false;
        }
        ShowPool *shown = cli_pool_vfs(input, pool);
        if (cli->json)
                cli_print_json(show_pool_json(input->host, shown));
        else
                cli_print_text(show_pool_text(input->host, shown, cli_width()));
        show_pool_free(shown);
        return true;
}

static bool read_pools(Cli *cli, const char *name, GError **error) {
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(GPtrArray) pools = io ? pools_read(io, error) : NULL;
        g_autoptr(Snapshot) host = pools ? cli_read_host(cli, io, HOST_USES, error) : NULL;
        if (!host)
                return false;
        g_autoptr(GPtrArray) leases = cli_known_leases(cli, host);
        g_autoptr(Books) books = cli_known_books(cli, io, host);
        const PlanInput input = {.host = host, .leases = leases, .books = books, .pools = pools};

        if (name)
                return print_one(cli, &input, name, error);
        print_list(cli, &input);
        return true;
}

static bool list(Cli *cli, GError **error) {
        return read_pools(cli, NULL, error);
}

static bool show(Cli *cli, GError **error) {
        return read_pools(cli, cli->args[1], error);
}

/* ---- changing ---- */

static bool parse_vfs(const char *text, Pool *pool, GError **error) {
        const char *dash = strchr(text, '-');
        uint64_t first, last;

        bool ok = parse_uint_n(text, dash ? (size_t) (dash - text) : strlen(text), 10, 0, UINT16_MAX, &first);
        last = ok ? first : 0;
        if (!ok || (dash && !parse_uint(dash + 1, 10, first, UINT16_MAX, &last))) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "--vfs=%s: give a VF's number, or a range as in 0-3",
                            text);
                return false;
        }
        pool->some_vfs = true;
        pool->first_vf = (unsigned) first;
        pool->last_vf = (unsigned) last;
        return true;
}

static bool parse_order(const char *text, Pool *pool, GError **error) {
        pool->order = g_str_equal(text, "pack") ? POOL_PACK : POOL_SPREAD;
        if (pool->order == POOL_PACK || g_str_equal(text, "spread"))
                return true;
        g_set_error(
                error, VFADM_ERROR, VFADM_ERROR_USAGE,
                "--order=%s: give spread (the PF with the most free VFs first) or pack (fill one PF after the other)",
                text);
        return false;
}

static bool define(Cli *cli, GError **error) {
        g_autoptr(Want) want = want_new(WANT_POOL_DEFINE);
        Pool *pool = want->pool = pool_new(cli->args[1]);

        if (!cli->pfs) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                            "which VFs? Name their PF, as in 'vfadm pool define %s --pf enp1s0'", pool->name);
                return false;
        }
        if (!want_parse_words(want, cli->args + 2, error) || (cli->vfs && !parse_vfs(cli->vfs, pool, error)) ||
            (cli->order && !parse_order(cli->order, pool, error)))
                return false;
        for (char **pf = cli->pfs; *pf; pf++)
                g_ptr_array_add(pool->pfs, g_strdup(*pf));
        pool->vf = want->vf;
        pool->libvirt = cli->libvirt;
        return changing_run(cli, g_steal_pointer(&want), error);
}

static bool change(Cli *cli, WantKind kind, GError **error) {
        Want *want = changing_want(cli, kind, cli->args[1]);
        want->off = cli->off;
        return changing_run(cli, want, error);
}

static bool start(Cli *cli, GError **error) {
        return change(cli, WANT_POOL_START, error);
}

static bool stop(Cli *cli, GError **error) {
        return change(cli, WANT_POOL_STOP, error);
}

static bool autostart(Cli *cli, GError **error) {
        return change(cli, WANT_POOL_AUTOSTART, error);
}

static bool delete_pool(Cli *cli, GError **error) {
        return change(cli, WANT_POOL_DELETE, error);
}

/* ---- which ---- */

typedef struct {
        const char *name;
        bool (*run)(Cli *cli, GError **error);
        unsigned options; /* of the verb's OPT_* bits */
        const char *usage;
        unsigned min_args, max_args; /* after its own name */
} PoolVerb;

static const PoolVerb pool_verbs[] = {
        {"define", define, OPT_PF | OPT_DRY_RUN,
         "NAME --pf PF [--pf PF…] [--vfs FIRST-LAST] [--order spread|pack] [--libvirt] [key=value…]", 1, UINT_MAX},
        {"start", start, OPT_DRY_RUN, "NAME", 1, 1},
        {"stop", stop, OPT_DRY_RUN, "NAME", 1, 1},
        {"autostart", autostart, OPT_DRY_RUN | OPT_OFF, "NAME [--off]", 1, 1},
        {"delete", delete_pool, OPT_DRY_RUN, "NAME", 1, 1},
        {"list", list, 0, "", 0, 0},
        {"show", show, 0, "NAME", 1, 1},
};

/* An option of `vfadm pool` that this part of it does not take; NULL: there is none. */
static const char *wrong_option(const Cli *cli, unsigned takes) {
        if (!(takes & OPT_PF) && (cli->pfs || cli->vfs || cli->order || cli->libvirt))
                return cli->pfs ? "pf" : cli->vfs ? "vfs" : cli->order ? "order" : "libvirt";
        if (!(takes & OPT_OFF) && cli->off)
                return "off";
        return !(takes & OPT_DRY_RUN) && cli->dry_run ? "dry-run" : NULL;
}

bool verb_pool(Cli *cli, GError **error) {
        const char *typed = cli->args[0];
        g_autoptr(GString) names = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(pool_verbs); i++) {
                const PoolVerb *verb = &pool_verbs[i];
                const unsigned words = cli->n_args - 1;
                g_string_append_printf(names, "%s%s", i ? ", " : "", verb->name);
                if (!g_str_equal(verb->name, typed))
                        continue;
                const char *wrong = wrong_option(cli, verb->options);
                if (words >= verb->min_args && words <= verb->max_args && !wrong)
                        return verb->run(cli, error);
                if (wrong)
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                                    "'vfadm pool %s' takes no --%s; see 'vfadm help pool'", typed, wrong);
                else
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                                    "%s: write 'vfadm pool %s%s%s'; see 'vfadm help pool'",
                                    words < verb->min_args ? "a word is missing" : "there is a word too many", typed,
                                    *verb->usage ? " " : "", verb->usage);
                return false;
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'vfadm pool %s' is not known; there are %s", typed,
                    names->str);
        return false;
}
