/* org.vfadm1 on a private bus, with a polkit that allows what it is told to (python3-dbusmock), and a daemon that only takes notes. */
#include "daemon/bus.h"

#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };

/* ---- a daemon that takes notes ---- */

typedef struct {
        guint64 number;
        char *lane, *words;
        WorkDone done;
        void *user;
} Job;

struct Daemon {
        State *state;
        DaemonHears hears;
        void *user;
        GPtrArray *jobs; /* Job*, not answered */
        guint64 numbers;
        unsigned cancelled;
        void (*reconciled)(void *user);
        void *reconciled_user;
};

static void job_free(Job *job) {
        g_free(job->lane);
        g_free(job->words);
        g_free(job);
}

const State *daemon_state(const Daemon *daemon) {
        return daemon->state;
}

Workers *daemon_workers(Daemon *daemon) {
        return (Workers *) daemon;
}

bool daemon_ready(const Daemon *daemon) {
        return true;
}

void daemon_reconcile(Daemon *daemon, void (*done)(void *user), void *user) {
        daemon->reconciled = done;
        daemon->reconciled_user = user;
}

void daemon_listen(Daemon *daemon, DaemonHears hears, void *user) {
        daemon->hears = hears;
        daemon->user = user;
}

guint64 workers_run(Workers *workers, const char *lane, char *const *words, unsigned timeout_ms, WorkDone done, void *user) {
        Daemon *daemon = (Daemon *) workers;
        Job *job = g_new0(Job, 1);

        *job = (Job) {++daemon->numbers, g_strdup(lane), g_strjoinv(" ", (char **) words), done, user};
        g_ptr_array_add(daemon->jobs, job);
        return job->number;
}

void workers_cancel(Workers *workers, guint64 number) {
        Daemon *daemon = (Daemon *) workers;

        for (unsigned i = 0; i < daemon->jobs->len; i++)
                if (((const Job *) daemon->jobs->pdata[i])->number == number) {
                        g_ptr_array_remove_index(daemon->jobs, i);
                        daemon->cancelled++;
                        return;
                }
        g_assert_not_reached();
}

/* ---- the place ---- */

typedef struct {
        GTestDBus *dbus;
        GSubprocess *polkit; /* NULL: there is none */
        GDBusConnection *caller;
        Daemon daemon;
        Bus *bus;
        bool over;
} Place;

static gboolean too_late(void *user) {
        g_error("nothing came for %d s", PATIENCE_MS / 1000);
        return G_SOURCE_REMOVE;
}

/* Runs the main loop until `*over`. */
static void wait_for(const bool *over) {
        guint deadline = g_timeout_add(PATIENCE_MS, too_late, NULL);

        while (!*over)
                g_main_context_iteration(NULL, TRUE);
        g_source_remove(deadline);
}

typedef struct {
        bool over;
        GVariant *reply;
        GError *error;
} Reply;

static void replied(GObject *source, GAsyncResult *result, gpointer user) {
        Reply *reply = user;

        reply->reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &reply->error);
        reply->over = true;
}

static void begin_call(Place *place, const char *name, const char *path, const char *interface, const char *method, GVariant *parameters, Reply *reply) {
        *reply = (Reply) {0};
        g_dbus_connection_call(place->caller, name, path, interface, method, parameters, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, PATIENCE_MS, NULL,
                               replied, reply);
}

static GVariant *call(Place *place, const char *name, const char *path, const char *interface, const char *method, GVariant *parameters,
                      GError **error) {
        Reply reply;

        begin_call(place, name, path, interface, method, parameters, &reply);
        wait_for(&reply.over);
        if (reply.error)
                g_propagate_error(error, reply.error);
        return reply.reply;
}

static bool has_owner(Place *place, const char *name) {
        g_autoptr(GVariant) reply = call(place, "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner", g_variant_new("(s)", name), NULL);
        gboolean has = FALSE;

        g_variant_get(reply, "(b)", &has);
        return has;
}

static void wait_for_owner(Place *place, const char *name) {
        gint64 end = g_get_monotonic_time() + PATIENCE_MS * (gint64) 1000;

        while (!has_owner(place, name)) {
                g_assert_cmpint(g_get_monotonic_time(), <, end);
                g_usleep(10000);
        }
}

/* Debian's own Python, since that is where its python3-dbusmock is. */
static void start_polkit(Place *place) {
        g_autoptr(GError) error = NULL;

        place->polkit = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, "/usr/bin/python3", "-m", "dbusmock", "--template", "polkitd", NULL);
        g_assert_no_error(error);
        wait_for_owner(place, "org.freedesktop.PolicyKit1");
}

static void tell_polkit(Place *place, const char *method, GVariant *parameters) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) reply = call(place, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.DBus.Mock", method,
                                         parameters, &error);
        g_assert_no_error(error);
}

/* "org.vfadm1.read org.vfadm1.change" */
static void allow(Place *place, const char *actions) {
        g_auto(GStrv) list = *actions ? g_strsplit(actions, " ", -1) : g_new0(char *, 1);
        tell_polkit(place, "SetAllowed", g_variant_new("(^as)", list));
}

static void take(Place *place, bool (*taker)(State *state, const json_t *printed, GPtrArray *events, GError **error), const char *text) {
        g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify) event_free);
        json_t *json = json_loads(text, 0, NULL);

        g_assert_true(taker(place->daemon.state, json, events, NULL));
        for (unsigned i = 0; place->daemon.hears && i < events->len; i++)
                place->daemon.hears(events->pdata[i], place->daemon.user);
        json_decref(json);
}

#define VF(vlan) "{\"address\": \"0000:01:10.0\", \"kind\": \"vf\", \"device\": \"enp1s0/0\", \"pf\": \"0000:01:00.0\", \"vf\": 0, \"vlan\": " vlan "}"
#define PF "{\"address\": \"0000:01:00.0\", \"kind\": \"pf\", \"device\": \"enp1s0\", \"driver\": \"igb\", \"vfs\": {\"enabled\": 1, \"total\": 7}}"
#define HOST(vlan) "{\"devices\": [" PF ", " VF(vlan) "], \"notes\": []}"

static GDBusConnection *connect_caller(Place *place) {
        g_autoptr(GError) error = NULL;
        GDBusConnection *caller = g_dbus_connection_new_for_address_sync(
                g_test_dbus_get_bus_address(place->dbus), G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                NULL, NULL, &error);
        g_assert_no_error(error);
        return caller;
}

static void set_up(Place *place, gconstpointer with_polkit) {
        g_autoptr(GError) error = NULL;

        place->dbus = g_test_dbus_new(G_TEST_DBUS_NONE);
        g_test_dbus_up(place->dbus);
        g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address(place->dbus), TRUE);
        place->daemon.state = state_new();
        place->daemon.jobs = g_ptr_array_new_with_free_func((GDestroyNotify) job_free);
        take(place, state_take_list, HOST("0"));
        place->caller = connect_caller(place);
        place->bus = bus_new(&(BusOptions) {.daemon = &place->daemon}, &error);
        g_assert_no_error(error);
        wait_for_owner(place, "org.vfadm1");
        if (with_polkit)
                start_polkit(place);
}

static void tear_down(Place *place, gconstpointer data) {
        bus_free(place->bus);
        g_dbus_connection_close_sync(place->caller, NULL, NULL);
        g_clear_object(&place->caller);
        if (place->polkit) {
                g_subprocess_force_exit(place->polkit);
                g_subprocess_wait(place->polkit, NULL, NULL);
                g_clear_object(&place->polkit);
        }
        while (g_main_context_iteration(NULL, FALSE)) /* what was cancelled ends itself */
                ;
        g_test_dbus_stop(place->dbus);
        g_object_unref(place->dbus);
        state_free(place->daemon.state);
        g_ptr_array_unref(place->daemon.jobs);
}

/* ---- calls ---- */

static GVariant *manager(Place *place, const char *method, GVariant *parameters, GError **error) {
        return call(place, "org.vfadm1", "/org/vfadm1", "org.vfadm1.Manager", method, parameters, error);
}

static GVariant *words_of(const char *line) {
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        return g_variant_new("(^as)", words);
}

static void assert_denied(Place *place, const char *method, const char *line, const char *error_name) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) reply = manager(place, method, words_of(line), &error);

        g_assert_null(reply);
        g_autofree char *name = g_dbus_error_get_remote_error(error);
        g_assert_cmpstr(name, ==, error_name);
        g_assert_cmpuint(place->daemon.jobs->len, ==, 0);
}

#define DENIED "org.freedesktop.DBus.Error.AccessDenied"

static void wait_for_job(Place *place) {
        guint deadline = g_timeout_add(PATIENCE_MS, too_late, NULL);

        while (place->daemon.jobs->len == 0)
                g_main_context_iteration(NULL, TRUE);
        g_source_remove(deadline);
}

/* The call reaches a worker, with these words, and is answered as the worker ends. */
static void assert_done(Place *place, const char *method, const char *line, const char *words, const char *lane) {
        json_t *json = json_pack("{s:b}", "done", 1);
        const WorkResult result = {.status = 14, .json = json, .said = ""};
        const char *text;
        int status;
        Reply reply;

        begin_call(place, "org.vfadm1", "/org/vfadm1", "org.vfadm1.Manager", method, words_of(line), &reply);
        wait_for_job(place);
        Job *job = g_ptr_array_steal_index(place->daemon.jobs, 0);
        g_assert_cmpstr(job->words, ==, words);
        g_assert_cmpstr(job->lane, ==, lane);
        g_assert_false(reply.over);
        job->done(&result, job->user);
        wait_for(&reply.over);
        g_assert_no_error(reply.error);
        g_variant_get(reply.reply, "(&si)", &text, &status);
        g_assert_cmpstr(text, ==, "{\"done\":true}");
        g_assert_cmpint(status, ==, 14);
        g_variant_unref(reply.reply);
        json_decref(json);
        job_free(job);
}

static void test_without_polkit(Place *place, gconstpointer data) {
        if (geteuid() == 0)
                assert_done(place, "Run", "detach web1 enp1s0/0", "detach web1 enp1s0/0", "bus:web1");
        else
                assert_denied(place, "Read", "list", DENIED);
}

static void test_actions(Place *place, gconstpointer data) {
        assert_denied(place, "Read", "list", DENIED);
        assert_denied(place, "Plan", "enable enp1s0 7", DENIED);
        assert_denied(place, "Run", "enable enp1s0 7", DENIED);
        allow(place, "org.vfadm1.read");
        assert_done(place, "Read", "list --all", "list --all", NULL);
        assert_done(place, "Plan", "enable enp1s0 7 --disrupt", "enable enp1s0 7 --disrupt --dry-run", NULL);
        assert_denied(place, "Run", "enable enp1s0 7", DENIED);
        allow(place, "org.vfadm1.change");
        assert_denied(place, "Read", "list", DENIED);
        assert_done(place, "Run", "enable enp1s0 7", "enable enp1s0 7", "bus:enp1s0");
        assert_denied(place, "Run", "enable enp1s0 7 --disrupt", DENIED);
        assert_denied(place, "Run", "release 12", DENIED);
        allow(place, "org.vfadm1.disturb");
        assert_done(place, "Run", "enable enp1s0 7 --disrupt", "enable enp1s0 7 --disrupt", "bus:enp1s0");
        assert_done(place, "Run", "release 12", "release 12", "bus:12");
}

/* Wrong words never come as far as polkit. */
static void test_usage(Place *place, gconstpointer data) {
        assert_denied(place, "Run", "enable enp1s0 7 --ledger=/tmp", "org.vfadm1.Error.Usage");
        assert_denied(place, "Read", "enable enp1s0 7", "org.vfadm1.Error.Usage");
        assert_denied(place, "Plan", "plan", "org.vfadm1.Error.Usage");
}

static void test_failed(Place *place, gconstpointer data) {
        const WorkResult killed = {.status = -1, .said = "it took longer than 60 s"}, silent = {.status = 9, .said = "run as root"};
        const char *text;
        int status;
        Reply reply;

        allow(place, "org.vfadm1.read");
        begin_call(place, "org.vfadm1", "/org/vfadm1", "org.vfadm1.Manager", "Read", words_of("list"), &reply);
        wait_for_job(place);
        Job *job = g_ptr_array_steal_index(place->daemon.jobs, 0);
        job->done(&killed, job->user);
        wait_for(&reply.over);
        g_autofree char *name = g_dbus_error_get_remote_error(reply.error);
        g_assert_cmpstr(name, ==, "org.vfadm1.Error.Failed");
        g_assert_nonnull(strstr(reply.error->message, "it took longer than 60 s"));
        g_error_free(reply.error);
        job_free(job);

        begin_call(place, "org.vfadm1", "/org/vfadm1", "org.vfadm1.Manager", "Read", words_of("list"), &reply);
        wait_for_job(place);
        job = g_ptr_array_steal_index(place->daemon.jobs, 0);
        job->done(&silent, job->user);
        wait_for(&reply.over);
        g_variant_get(reply.reply, "(&si)", &text, &status);
        g_assert_cmpstr(text, ==, "{\"error\":{\"kind\":\"failed\",\"message\":\"run as root\",\"exit\":9}}");
        g_assert_cmpint(status, ==, 9);
        g_variant_unref(reply.reply);
        job_free(job);
}

static GVariant *get(Place *place, const char *path, const char *interface, const char *property, GError **error) {
        g_autoptr(GVariant) reply = call(place, "org.vfadm1", path, "org.freedesktop.DBus.Properties", "Get",
                                         g_variant_new("(ss)", interface, property), error);
        GVariant *value = NULL;

        if (reply)
                g_variant_get(reply, "(v)", &value);
        return value;
}

#define VF_PATH "/org/vfadm1/vf/0000_3a01_3a10_2e0"

static void assert_no_property(Place *place, const char *path, const char *interface, const char *property, const char *error_name) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) value = get(place, path, interface, property, &error);
        g_autofree char *name = error ? g_dbus_error_get_remote_error(error) : NULL;

        g_assert_null(value);
        g_test_message("%s", error->message);
        g_assert_cmpstr(name, ==, error_name);
}

static void test_objects(Place *place, gconstpointer data) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) denied = call(place, "org.vfadm1", "/org/vfadm1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &error);
        g_assert_error(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
        g_clear_error(&error);
        assert_no_property(place, VF_PATH, "org.vfadm1.VF", "VLAN", DENIED);
        assert_no_property(place, "/org/vfadm1", "org.vfadm1.Manager", "Version", DENIED);

        allow(place, "org.vfadm1.read");
        g_autoptr(GVariant) vlan = get(place, VF_PATH, "org.vfadm1.VF", "VLAN", &error);
        g_assert_no_error(error);
        g_assert_cmpint(g_variant_get_int32(vlan), ==, 0);
        g_autoptr(GVariant) version = get(place, "/org/vfadm1", "org.vfadm1.Manager", "Version", &error);
        g_assert_no_error(error);
        g_assert_cmpstr(g_variant_get_string(version, NULL), ==, VFADM_VERSION);
        assert_no_property(place, VF_PATH, "org.vfadm1.VF", "Nothing", "org.freedesktop.DBus.Error.InvalidArgs");
        assert_no_property(place, "/org/vfadm1/vf/1", "org.vfadm1.VF", "VLAN", "org.freedesktop.DBus.Error.UnknownMethod");

        g_autoptr(GVariant) all = call(place, "org.vfadm1", "/org/vfadm1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, &error);
        g_assert_no_error(error);
        g_autofree char *text = g_variant_print(all, FALSE);
        g_assert_nonnull(strstr(text, "'/org/vfadm1/pf/0000_3a01_3a00_2e0': {'org.vfadm1.PF': {'Address': <'0000:01:00.0'>"));
        g_assert_nonnull(strstr(text, "'" VF_PATH "': {'org.vfadm1.VF': {'Address': <'0000:01:10.0'>, 'Device': <'enp1s0/0'>"));
        g_autoptr(GVariant) seen = call(place, "org.vfadm1", "/org/vfadm1/vf", "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &error);
        g_assert_no_error(error);
        const char *xml;
        g_variant_get(seen, "(&s)", &xml);
        g_assert_nonnull(strstr(xml, "<node name=\"0000_3a01_3a10_2e0\"/>"));
}

/* ---- signals ---- */

typedef struct {
        GString *text; /* a line each */
        bool last;     /* the one that ends a test has come */
} Heard;

static void signal_came(GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *signal,
                        GVariant *parameters, gpointer user) {
        g_autofree char *text = g_variant_print(parameters, FALSE);
        Heard *heard = user;

        g_string_append_printf(heard->text, "%s %s %s\n", signal, path, text);
        heard->last |= strstr(text, "service-reconciled") != NULL;
}

static guint listen(GDBusConnection *caller, Heard *heard) {
        *heard = (Heard) {g_string_new(NULL), false};
        return g_dbus_connection_signal_subscribe(caller, "org.vfadm1", NULL, NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, signal_came, heard, NULL);
}

static void emit_last(Place *place) {
        Event *event = event_new(EVENT_RECONCILED, OBJECT_SERVICE, "", json_pack("{s:i}", "usec", 5));

        place->daemon.hears(event, place->daemon.user);
        event_free(event);
}

static void test_signals(Place *place, gconstpointer data) {
        g_autoptr(GDBusConnection) other = connect_caller(place);
        g_autoptr(GError) error = NULL;
        Heard heard, overheard;
        guint id = listen(place->caller, &heard), other_id = listen(other, &overheard);

        g_autoptr(GVariant) denied = manager(place, "Subscribe", NULL, &error);
        g_assert_error(error, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED);
        g_clear_error(&error);
        allow(place, "org.vfadm1.read");
        take(place, state_take_list, HOST("5")); /* nobody listens yet */
        g_autoptr(GVariant) subscribed = manager(place, "Subscribe", NULL, &error);
        g_assert_no_error(error);
        take(place, state_take_list, HOST("42"));
        take(place, state_take_list, "{\"devices\": [" PF "]}");
        take(place, state_take_leases, "{\"leases\": [{\"id\": 12, \"guest\": \"qemu:web1\"}]}");
        emit_last(place);
        wait_for(&heard.last);
        g_assert_null(strstr(heard.text->str, "[0,5]"));
        g_assert_nonnull(strstr(heard.text->str, "PropertiesChanged " VF_PATH " ('org.vfadm1.VF', {'Address': <'0000:01:10.0'>"));
        g_assert_nonnull(strstr(heard.text->str, "Event /org/vfadm1 ('vf-changed', '" VF_PATH "', '{\"changes\":{\"vlan\":[5,42]}"));
        g_assert_nonnull(strstr(heard.text->str, "InterfacesRemoved /org/vfadm1 ('" VF_PATH "', ['org.vfadm1.VF'])\n"));
        g_assert_nonnull(strstr(heard.text->str, "InterfacesAdded /org/vfadm1 ('/org/vfadm1/lease/12', {'org.vfadm1.Lease': {'Id': <int64 12>"));
        g_assert_nonnull(strstr(heard.text->str, "Event /org/vfadm1 ('service-reconciled', '/org/vfadm1', '{\"usec\":5}')\n"));
        g_assert_false(has_owner(place, "org.nobody")); /* one more round trip: what would come has come */
        g_assert_cmpstr(overheard.text->str, ==, "");
        g_dbus_connection_signal_unsubscribe(place->caller, id);
        g_dbus_connection_signal_unsubscribe(other, other_id);
        g_dbus_connection_close_sync(other, NULL, NULL);
        g_string_free(heard.text, TRUE);
        g_string_free(overheard.text, TRUE);
}

/* ---- order and limits ---- */

static void test_reconcile(Place *place, gconstpointer data) {
        Reply reply;

        assert_denied(place, "Run", "recover", DENIED);
        allow(place, "org.vfadm1.change");
        begin_call(place, "org.vfadm1", "/org/vfadm1", "org.vfadm1.Manager", "Reconcile", NULL, &reply);
        while (!place->daemon.reconciled)
                g_main_context_iteration(NULL, TRUE);
        g_assert_false(reply.over);
        place->daemon.reconciled(place->daemon.reconciled_user);
        wait_for(&reply.over);
        g_assert_no_error(reply.error);
        g_variant_unref(reply.reply);
}

/* polkit asks somebody who takes his time: one caller cannot fill the service, which ends in the middle of it. */
static void test_limits(Place *place, gconstpointer data) {
        enum { CALLS = 8 };
        Reply waiting[CALLS];

        tell_polkit(place, "SimulateHang", g_variant_new("(b)", TRUE));
        for (unsigned i = 0; i < CALLS; i++)
                begin_call(place, "org.vfadm1", "/org/vfadm1", "org.vfadm1.Manager", "Read", words_of("list"), &waiting[i]);
        assert_denied(place, "Read", "list", "org.freedesktop.DBus.Error.LimitsExceeded");
        allow(place, "org.vfadm1.read");
        g_clear_pointer(&place->bus, bus_free);
        for (unsigned i = 0; i < CALLS; i++) {
                wait_for(&waiting[i].over);
                g_assert_null(waiting[i].reply);
                g_error_free(waiting[i].error);
        }
        g_assert_cmpuint(place->daemon.jobs->len, ==, 0);
}

/* A job under way when the service ends is told to nobody. */
static void test_end(Place *place, gconstpointer data) {
        Reply reply;

        allow(place, "org.vfadm1.change");
        begin_call(place, "org.vfadm1", "/org/vfadm1", "org.vfadm1.Manager", "Run", words_of("enable enp1s0 7"), &reply);
        wait_for_job(place);
        g_clear_pointer(&place->bus, bus_free);
        g_assert_cmpuint(place->daemon.cancelled, ==, 1);
        wait_for(&reply.over);
        g_assert_null(reply.reply);
        g_error_free(reply.error);
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                bool polkit;
                void (*run)(Place *place, gconstpointer data);
        } tests[] = {
                {"without-polkit", false, test_without_polkit},
                {"actions", true, test_actions},
                {"usage", true, test_usage},
                {"failed", true, test_failed},
                {"objects", true, test_objects},
                {"signals", true, test_signals},
                {"reconcile", true, test_reconcile},
                {"limits", true, test_limits},
                {"end", true, test_end},
        };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
                g_autofree char *path = g_strconcat("/bus/", tests[i].name, NULL);
                g_test_add(path, Place, GINT_TO_POINTER(tests[i].polkit), set_up, tests[i].run, tear_down);
        }
        return g_test_run();
}
