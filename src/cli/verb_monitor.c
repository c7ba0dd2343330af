/* vfadm monitor: what the service tells, a line each, as it happens. */
#include "base/error.h"
#include "cli/read.h"
#include "daemon/bus_objects.h"
#include "show/value.h"

#include <gio/gio.h>
#include <stdio.h>

typedef struct {
        Cli *cli;
        GMainLoop *loop;
        GDBusConnection *connection;
        bool first;    /* the service's name was not seen yet */
        GError *error; /* why it ended; NULL: nobody reads any more */
} Monitor;

/* ---- a line ---- */

static void print_json(const char *word, const char *path, const char *json) {
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
        g_autofree char *time = g_strdup_printf("%s.%03dZ", seconds, g_date_time_get_microsecond(now) / 1000);
        json_t *data = json_loads(json, 0, NULL);
        json_t *line = json_pack("{s:s, s:s, s:s, s:o}", "time", time, "event", word, "object", path, "data", data ? data : json_null());

        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
}

static void print_text(const char *word, const char *path, const char *json) {
        g_autoptr(GDateTime) now = g_date_time_new_now_local();
        g_autofree char *time = g_date_time_format(now, "%H:%M:%S");
        Event *event = bus_event(word, path, json);
        g_autofree char *text = event ? event_text(event) : g_strdup_printf("%s %s", path, word); /* of a newer service */
        g_autofree char *safe = value_safe(text);

        printf("%s %s\n", time, safe);
        if (event)
                event_free(event);
}

static void event_came(GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *signal,
                       GVariant *parameters, gpointer user) {
        const char *word, *object, *json;
        Monitor *monitor = user;

        if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(sss)")))
                return;
        g_variant_get(parameters, "(&s&s&s)", &word, &object, &json);
        (monitor->cli->json ? print_json : print_text)(word, object, json);
        if (fflush(stdout) != 0) /* 'vfadm monitor | head -1': the reader has what it wanted; a full disk main() tells */
                g_main_loop_quit(monitor->loop);
}

/* ---- the service ---- */

static bool explain(const GError *problem, GError **error) {
        g_autofree char *name = g_dbus_error_is_remote_error(problem) ? g_dbus_error_get_remote_error(problem) : NULL;
        g_autoptr(GError) plain = g_error_copy(problem);

        g_dbus_error_strip_remote_error(plain);
        if (g_error_matches(problem, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) || g_error_matches(problem, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                                    "vfadmd does not run, so there is nothing to follow; 'systemctl enable --now vfadmd' starts it");
        else if (g_error_matches(problem, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED) ||
                 g_strcmp0(name, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") == 0)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_PERMISSION, "vfadmd does not let you follow it: %s; run as root", plain->message);
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "vfadmd cannot be followed: %s", plain->message);
        return false;
}

/* Interactive: polkit may ask whoever sits there, which takes its time. */
static bool subscribe(GDBusConnection *connection, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(GVariant) reply = g_dbus_connection_call_sync(connection, BUS_NAME, BUS_PATH, "org.vfadm1.Manager", "Subscribe", NULL, NULL,
                                                                G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, NULL, &problem);
        return reply || explain(problem, error);
}

/* It was started anew: the new one knows of nobody who listens. */
static void appeared(GDBusConnection *connection, const char *name, const char *owner, gpointer user) {
        Monitor *monitor = user;

        if (!monitor->first && !subscribe(connection, &monitor->error))
                g_main_loop_quit(monitor->loop);
        if (!monitor->first)
                cli_note(monitor->cli, "vfadmd is there again");
        monitor->first = false;
}

static void vanished(GDBusConnection *connection, const char *name, gpointer user) {
        Monitor *monitor = user;

        if (!connection) {
                g_set_error_literal(&monitor->error, VFADM_ERROR, VFADM_ERROR_FAILED, "the system bus is gone");
                g_main_loop_quit(monitor->loop);
        } else {
                cli_note(monitor->cli, "vfadmd has ended; waiting for it to come back");
        }
}

static bool follow(Monitor *monitor, GError **error) {
        guint signal = g_dbus_connection_signal_subscribe(monitor->connection, BUS_NAME, "org.vfadm1.Manager", "Event", BUS_PATH, NULL,
                                                          G_DBUS_SIGNAL_FLAGS_NONE, event_came, monitor, NULL);
        bool ok = subscribe(monitor->connection, error);
        guint watch = ok ? g_bus_watch_name_on_connection(monitor->connection, BUS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE, appeared, vanished, monitor, NULL)
                         : 0;
        if (ok)
                g_main_loop_run(monitor->loop);
        if (watch)
                g_bus_unwatch_name(watch);
        g_dbus_connection_signal_unsubscribe(monitor->connection, signal);
        if (monitor->error)
                g_propagate_error(error, monitor->error);
        return ok && !monitor->error;
}

bool verb_monitor(Cli *cli, GError **error) {
        g_autoptr(GError) problem = NULL;

        if (cli->root) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "--root: a recorded host has no service that could be followed");
                return false;
        }
        g_autoptr(GDBusConnection) connection = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &problem);
        if (!connection) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "there is no system bus to follow vfadmd on: %s", problem->message);
                return false;
        }
        g_dbus_connection_set_exit_on_close(connection, FALSE);
        g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
        Monitor monitor = {.cli = cli, .loop = loop, .connection = connection, .first = true};
        return follow(&monitor, error);
}
