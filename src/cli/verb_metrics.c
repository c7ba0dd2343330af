/* vfadm metrics */
#include "base/error.h"
#include "change/pools.h"
#include "cli/pool_vfs.h"
#include "cli/read.h"
#include "host/host.h"
#include "ledger/ledger.h"
#include "show/metrics.h"
#include "want/http_request.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what there is ---- */

static void unread(const Cli *cli, Snapshot *host, const char *what, GError **problem) {
        cli_note(cli, "%s: %s", what, (*problem)->message);
        g_ptr_array_add(host->notes, g_strdup_printf("%s: %s", what, (*problem)->message));
        g_clear_error(problem);
}

static GArray *count_pfs(const PlanInput *input) {
        GArray *pfs = g_array_new(FALSE, FALSE, sizeof(MetricsPf));

        for (unsigned i = 0; i < input->host->devs->len; i++) {
                const Dev *dev = input->host->devs->pdata[i];
                MetricsPf pf = {.pf = dev, .drift = -1};
                for (unsigned k = 0; dev->is_pf && k < dev->vfs->len; k++) {
                        const Dev *vf = snapshot_vf(input->host, dev, k);
                        if (!vf)
                                continue;
                        g_autofree char *who = cli_who_has(input, vf);
                        pf.free += !who;
                        pf.leased += input->leases && leases_find(input->leases, vf->addr);
                }
                if (dev->is_pf)
                        g_array_append_val(pfs, pf);
        }
        return pfs;
}

static GArray *count_pools(const PlanInput *input) {
        GArray *pools = g_array_new(FALSE, FALSE, sizeof(MetricsPool));

        for (unsigned i = 0; i < input->pools->len; i++) {
                const Pool *pool = input->pools->pdata[i];
                ShowPool *shown = cli_pool_vfs(input, pool);
                const MetricsPool counted = {pool->name, pool->started, shown->vfs->len, show_pool_free_vfs(shown)};
                g_array_append_val(pools, counted);
                show_pool_free(shown);
        }
        return pools;
}

/* A recorded host has no ledger, unless --ledger says where one is. */
static Tally *read_tally(const Cli *cli, GPtrArray **ret_leases, GError **error) {
        if (cli->root && !cli->ledger_dir)
                return NULL;
        g_autoptr(Ledger) ledger = ledger_open(cli->ledger_dir, true, error);
        *ret_leases = ledger ? ledger_leases(ledger, error) : NULL;
        return *ret_leases ? ledger_tally(ledger, error) : NULL;
}

/* Exactly one of the two is made. */
static bool read_all(Cli *cli, bool as_json, char **ret_text, json_t **ret_json, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(GPtrArray) leases = NULL;
        g_autoptr(Io) io = cli_open(cli, error);
        g_autoptr(Snapshot) host = io ? cli_read_host(cli, io, HOST_USES, error) : NULL;

        if (!host)
                return false;
        g_autoptr(Tally) tally = read_tally(cli, &leases, &problem);
        if (problem)
                unread(cli, host, "what the ledger knows is left out", &problem);
        g_autoptr(GPtrArray) pools = pools_read(io, &problem);
        if (problem)
                unread(cli, host, "pools are left out", &problem);
        g_autoptr(Books) books = cli_known_books(cli, io, host);
        const PlanInput input = {.host = host, .leases = leases, .books = books, .pools = pools};
        g_autoptr(GArray) counted = count_pfs(&input);
        g_autoptr(GArray) counted_pools = pools ? count_pools(&input) : NULL;
        const Metrics metrics = {.version = VFADM_VERSION, .host = host, .leases = leases, .pfs = counted, .pools = counted_pools,
                                 .tally = tally, .unread = host->notes->len};
        *ret_json = as_json ? show_metrics_json(&metrics) : NULL;
        *ret_text = as_json ? NULL : show_metrics_text(&metrics);
        return true;
}

/* ---- HTTP on standard input and output: one connection of vfadm-metrics.socket ---- */

enum { PATIENCE_MS = 5000 }; /* for a whole request; then the connection is closed */

static HttpStatus read_request(bool *ret_head) {
        const int64_t end = g_get_monotonic_time() + PATIENCE_MS * (int64_t) 1000;
        char data[HTTP_REQUEST_MAX];
        size_t length = 0;
        HttpStatus status = HTTP_MORE;

        while (status == HTTP_MORE) {
                struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
                int64_t left = (end - g_get_monotonic_time()) / 1000;
                int r = left > 0 ? poll(&ready, 1, (int) left) : 0;
                if (r < 0 && errno == EINTR)
                        continue;
                ssize_t n = r > 0 ? read(STDIN_FILENO, data + length, sizeof(data) - length) : 0;
                if (n <= 0)
                        return HTTP_BAD;
                length += (size_t) n;
                status = http_request_parse(data, length, ret_head);
        }
        return status;
}

static void print_answer(int status, const char *type, const char *body, bool head) {
        printf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n%s", status, http_reason(status),
               type, strlen(body), status == HTTP_NOT_ALLOWED ? "Allow: GET, HEAD\r\n" : "", head ? "" : body);
}

/* Whatever happens is told to who asked: nobody reads the exit status. */
static void answer_http(Cli *cli) {
        static const char plain[] = "text/plain; charset=utf-8";
        g_autoptr(GError) problem = NULL;
        g_autofree char *text = NULL;
        json_t *json;
        bool head = false;

        cli->quiet = true;
        int status = read_request(&head);
        if (status != HTTP_OK) {
                g_autofree char *said = g_strdup_printf("%s: ask for GET /metrics\n", http_reason(status));
                print_answer(status, plain, said, head);
        } else if (read_all(cli, false, &text, &json, &problem)) {
                print_answer(HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text, head);
        } else {
                g_autofree char *said = g_strconcat(problem->message, "\n", NULL);
                print_answer(503, plain, said, head);
        }
}

/* ---- the textfile of node_exporter ---- */

/* It reads every *.prom in its folder, at any moment: so the file is replaced as a whole. */
static bool write_textfile(const Cli *cli, const char *text, GError **error) {
        g_autoptr(Io) io = io_real_new("/", error);
        if (!io)
                return false;
        int r = io_replace(io, cli->textfile + 1, text);
        return r >= 0 || vfadm_error_set_errno(error, r, "%s: cannot be written", cli->textfile);
}

static bool check_words(const Cli *cli, GError **error) {
        const char *wrong = NULL;

        if (cli->textfile && (cli->textfile[0] != '/' || !g_str_has_suffix(cli->textfile, ".prom")))
                wrong = "--textfile: give a file by its whole path whose name ends in .prom, as node_exporter reads them";
        else if ((cli->http != 0) + (cli->textfile != NULL) + (cli->json != 0) > 1)
                wrong = "--http, --textfile and --json: one at a time; see 'vfadm help metrics'";
        else
                return true;
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, wrong);
        return false;
}

bool verb_metrics(Cli *cli, GError **error) {
        g_autofree char *text = NULL;
        json_t *json;

        if (!check_words(cli, error))
                return false;
        if (cli->http) {
                answer_http(cli);
                return true;
        }
        if (!read_all(cli, cli->json, &text, &json, error))
                return false;
        if (cli->textfile)
                return write_textfile(cli, text, error);
        if (json)
                cli_print_json(json);
        else
                cli_print_text(g_steal_pointer(&text));
        return true;
}
