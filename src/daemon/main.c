/* vfadmd: the service's program. It starts, says on standard error what people should know, and ends when told to. */
#include "daemon/bus.h"

#include "base/error.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
        GMainLoop *loop;
        Daemon *daemon;
        Bus *bus; /* NULL: it is on none */
        GError *lost; /* the bus was lost */
        gboolean all_events, no_bus;
        char *program, *ledger, *root;
} Service;

/* What the journal keeps; the rest is for those who follow the events. */
static bool is_worth_a_line(const Event *event) {
        return event->kind == EVENT_DRIFT || event->kind == EVENT_MENDED || event->kind == EVENT_GIVEN_UP || event->kind == EVENT_RECOVERED ||
               event->kind == EVENT_FAILED;
}

static void print_json(const Event *event) {
        g_autofree char *word = event_word(event);
        json_t *json = json_pack("{s:s, s:s, s:O}", "event", word, "object", event->key, "json", event->json);

        json_dumpf(json, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(json);
}

static void hears(const Event *event, void *user) {
        const Service *service = user;

        if (service->all_events)
                print_json(event);
        if (is_worth_a_line(event)) {
                g_autofree char *line = event_text(event);
                fprintf(stderr, "vfadmd: %s\n", line);
        }
}

/* systemd starts it again, on a bus that is there. */
static void on_lost(const char *why, void *user) {
        Service *service = user;

        if (!service->lost)
                g_set_error_literal(&service->lost, VFADM_ERROR, VFADM_ERROR_FAILED, why);
        g_main_loop_quit(service->loop);
}

static void drained(void *user) {
        g_main_loop_quit(((Service *) user)->loop);
}

/* Workers that change something are waited for: systemd gives them their time (TimeoutStopSec=). */
static gboolean on_stop(void *user) {
        workers_drain(daemon_workers(((Service *) user)->daemon), drained, user);
        return G_SOURCE_CONTINUE;
}

static gboolean on_reload(void *user) {
        daemon_reconcile(((Service *) user)->daemon, NULL, NULL);
        return G_SOURCE_CONTINUE;
}

/* vfadm beside this program: what is installed together goes together. */
static char *program_beside(void) {
        g_autofree char *self = g_file_read_link("/proc/self/exe", NULL), *folder = g_path_get_dirname(self ? self : "/usr/sbin/vfadmd");
        return g_build_filename(folder, "vfadm", NULL);
}

static bool parse(Service *service, int *argc, char ***argv, GError **error) {
        gboolean version = FALSE;
        const GOptionEntry entries[] = {
                {"events", 0, 0, G_OPTION_ARG_NONE, &service->all_events, "print every event on standard output, a line of JSON each", NULL},
                {"ledger", 0, 0, G_OPTION_ARG_FILENAME, &service->ledger, "where the ledger is (/var/lib/vfadm)", "DIR"},
                {"no-bus", 0, 0, G_OPTION_ARG_NONE, &service->no_bus, "do not be org.vfadm1 on the system bus", NULL},
                {"program", 0, 0, G_OPTION_ARG_FILENAME, &service->program, "the vfadm that does the work (the one beside this program)", "FILE"},
                {"root", 0, 0, G_OPTION_ARG_FILENAME, &service->root, "watch the configuration and definitions below this folder", "DIR"},
                {"version", 0, 0, G_OPTION_ARG_NONE, &version, "the version of vfadmd", NULL},
                G_OPTION_ENTRY_NULL,
        };
        g_autoptr(GOptionContext) context = g_option_context_new(NULL);

        g_option_context_add_main_entries(context, entries, NULL);
        if (!g_option_context_parse(context, argc, argv, error))
                return false;
        if (*argc > 1) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s' is too much; 'vfadmd --help' says what it takes", (*argv)[1]);
                return false;
        }
        if (version) {
                printf("vfadmd %s\n", VFADM_VERSION);
                exit(0);
        }
        if (!service->program)
                service->program = program_beside();
        return true;
}

static bool start(Service *service, GError **error) {
        service->daemon = daemon_new(&(DaemonOptions) {.program = service->program, .ledger_dir = service->ledger, .root = service->root}, error);
        if (service->daemon)
                daemon_listen(service->daemon, hears, service);
        return service->daemon;
}

/* In a container, say, there is none: what the service is for it does all the same. */
static void join_bus(Service *service) {
        g_autoptr(GError) problem = NULL;

        if (!service->no_bus)
                service->bus = bus_new(&(BusOptions) {.daemon = service->daemon, .lost = on_lost, .user = service}, &problem);
        if (problem)
                fprintf(stderr, "vfadmd: %s\n", problem->message);
}

static void run(Service *service) {
        service->loop = g_main_loop_new(NULL, FALSE);
        join_bus(service);
        g_unix_signal_add(SIGTERM, on_stop, service);
        g_unix_signal_add(SIGINT, on_stop, service);
        g_unix_signal_add(SIGHUP, on_reload, service);
        g_main_loop_run(service->loop);
        g_main_loop_unref(service->loop);
}

static void clear(Service *service) {
        bus_free(service->bus);
        daemon_free(service->daemon);
        g_free(service->program);
        g_free(service->ledger);
        g_free(service->root);
}

int main(int argc, char **argv) {
        Service service = {0};
        g_autoptr(GError) error = NULL;

        setlocale(LC_CTYPE, "");
        signal(SIGPIPE, SIG_IGN);
        if (parse(&service, &argc, &argv, &error) && start(&service, &error))
                run(&service);
        else
                fprintf(stderr, "vfadmd: %s\n", error->message);
        clear(&service);
        if (service.lost) {
                fprintf(stderr, "vfadmd: %s\n", service.lost->message);
                g_propagate_error(&error, service.lost);
        }
        return !error ? 0 : error->domain == VFADM_ERROR ? error->code : VFADM_ERROR_USAGE;
}
