/* Methods of org.vfadm1: each is checked, asked of polkit, done, and answered. Nothing of it blocks. */
#include "daemon/bus_private.h"

#include "daemon/polkit.h"
#include "daemon/words.h"

#include <stdlib.h>
#include <string.h>

typedef struct Call Call;
struct Call {
        Bus *bus; /* NULL: it is gone, and nobody waits */
        GDBusMethodInvocation *invocation; /* NULL: answered */
        char *sender;
        void (*act)(Call *call);
        Ask ask;
        char **words;
        guint64 job; /* of the workers; 0: none */
};

static void call_free(Call *call) {
        if (call->bus)
                g_ptr_array_remove(call->bus->calls, call);
        g_free(call->sender);
        g_strfreev(call->words);
        g_free(call);
}

/* ---- answers: each ends the call ---- */

static void answer(Call *call, GVariant *value) {
        g_dbus_method_invocation_return_value(g_steal_pointer(&call->invocation), value);
        call_free(call);
}

static void answer_error(Call *call, const char *name, const char *message) {
        g_dbus_method_invocation_return_dbus_error(g_steal_pointer(&call->invocation), name, message);
        call_free(call);
}

/* ---- vfadm's verbs ---- */

static char *printed(const WorkResult *result) {
        json_t *made = result->json ? NULL : json_pack("{s:{s:s, s:s, s:i}}", "error", "kind", "failed", "message", result->said, "exit", result->status);
        char *dumped = json_dumps(result->json ? result->json : made, JSON_COMPACT), *text = g_strdup(dumped ? dumped : "{}");

        free(dumped);
        json_decref(made);
        return text;
}

static void worked(const WorkResult *result, void *user) {
        Call *call = user;

        call->job = 0;
        if (result->status < 0) {
                answer_error(call, "org.vfadm1.Error.Failed", *result->said ? result->said : "vfadm could not be run");
                return;
        }
        g_autofree char *json = printed(result);
        answer(call, g_variant_new("(si)", json, result->status));
}

static void act_words(Call *call) {
        g_auto(GStrv) words = words_for_worker(call->ask, (const char *const *) call->words);
        g_autofree char *lane = words_lane(call->ask, (const char *const *) call->words);

        call->job = workers_run(daemon_workers(call->bus->options.daemon), lane, words, 0, worked, call);
}

/* ---- the rest of the manager ---- */

/* The daemon answers one after another: the oldest that waits is meant. */
static void act_reconcile(Call *call);
static void reconciled(void *user) {
        Bus *bus = user;

        for (unsigned i = 0; i < bus->calls->len; i++) {
                Call *call = bus->calls->pdata[i];
                if (call->act != act_reconcile || !call->job)
                        continue;
                answer(call, NULL);
                return;
        }
}

static void act_reconcile(Call *call) {
        call->job = 1; /* it waits */
        daemon_reconcile(call->bus->options.daemon, reconciled, call->bus);
}

static void act_subscribe(Call *call) {
        if (bus_add_listener(call->bus, call->sender))
                answer(call, NULL);
        else
                answer_error(call, "org.freedesktop.DBus.Error.LimitsExceeded", "too many listen already");
}

static void act_managed(Call *call) {
        answer(call, bus_managed(call->bus));
}

/* ---- what an object is asked for ---- */

/* NULL: it has gone since the call came in. */
static GVariant *property_of(const Call *call, const char *name) {
        g_autofree char *key = NULL;
        ObjectKind kind;

        if (!bus_path_parse(g_dbus_method_invocation_get_object_path(call->invocation), &kind, &key))
                return NULL;
        if (kind == OBJECT_SERVICE)
                return bus_manager_property(call->bus, name);
        const json_t *object = state_get(daemon_state(call->bus->options.daemon), kind, key);
        return object ? bus_property(kind, object, name) : NULL;
}

static GVariant *properties_of(const Call *call, const char *interface) {
        g_autofree char *key = NULL;
        GVariantBuilder all;
        ObjectKind kind;

        if (!bus_path_parse(g_dbus_method_invocation_get_object_path(call->invocation), &kind, &key))
                return NULL;
        if (kind != OBJECT_SERVICE) {
                const json_t *object = state_get(daemon_state(call->bus->options.daemon), kind, key);
                return object ? bus_properties(kind, object) : NULL;
        }
        g_variant_builder_init(&all, G_VARIANT_TYPE_VARDICT);
        for (const char *const *name = (const char *const[]) {"Version", "Ready", NULL}; g_str_equal(interface, "org.vfadm1.Manager") && *name; name++)
                g_variant_builder_add(&all, "{sv}", *name, bus_manager_property(call->bus, *name));
        return g_variant_builder_end(&all);
}

static void act_properties(Call *call) {
        GVariant *parameters = g_dbus_method_invocation_get_parameters(call->invocation);
        bool all = g_str_equal(g_dbus_method_invocation_get_method_name(call->invocation), "GetAll");
        const char *interface, *name = NULL;

        if (all)
                g_variant_get(parameters, "(&s)", &interface);
        else
                g_variant_get(parameters, "(&s&s)", &interface, &name);
        GVariant *value = all ? properties_of(call, interface) : property_of(call, name);
        if (!value)
                answer_error(call, "org.freedesktop.DBus.Error.UnknownObject", "it is not there any more");
        else
                answer(call, all ? g_variant_new("(@a{sv})", value) : g_variant_new("(v)", value));
}

/* ---- in ---- */

static void allowed(const char *denied, const char *why, void *user) {
        Call *call = user;

        if (!call->bus) { /* the service ends: the caller sees its name go */
                g_clear_object(&call->invocation);
                call_free(call);
                return;
        }
        if (denied)
                answer_error(call, denied, why);
        else
                call->act(call);
}

static bool too_many(const Bus *bus, const char *sender) {
        unsigned of_sender = 0;

        for (unsigned i = 0; i < bus->calls->len; i++)
                of_sender += g_str_equal(((const Call *) bus->calls->pdata[i])->sender, sender);
        return bus->calls->len >= CALLS_MOST || of_sender >= CALLS_MOST_SENDER;
}

typedef struct {
        const char *interface, *method; /* method NULL: any */
        void (*act)(Call *call);
        Ask ask;
        Action action;
} Method;

static const Method *find_method(const char *interface, const char *method) {
        static const Method methods[] = {
                {"org.vfadm1.Manager", "Read", act_words, ASK_READ, ACTION_READ},
                {"org.vfadm1.Manager", "Plan", act_words, ASK_PLAN, ACTION_READ},
                {"org.vfadm1.Manager", "Run", act_words, ASK_RUN, ACTION_CHANGE},
                {"org.vfadm1.Manager", "Reconcile", act_reconcile, ASK_RUN, ACTION_CHANGE},
                {"org.vfadm1.Manager", "Subscribe", act_subscribe, ASK_READ, ACTION_READ},
                {"org.freedesktop.DBus.ObjectManager", "GetManagedObjects", act_managed, ASK_READ, ACTION_READ},
                {"org.freedesktop.DBus.Properties", NULL, act_properties, ASK_READ, ACTION_READ},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(methods); i++)
                if (g_str_equal(methods[i].interface, interface) && (!methods[i].method || g_str_equal(methods[i].method, method)))
                        return &methods[i];
        return NULL;
}

/* polkit's question and its rules see the words: "enable enp1s0 7". */
static GVariant *details_of(const Call *call, const char *method) {
        g_autofree char *words = call->words ? g_strjoinv(" ", call->words) : g_ascii_strdown(method, -1);
        GVariantBuilder details;

        g_variant_builder_init(&details, G_VARIANT_TYPE("a{ss}"));
        g_variant_builder_add(&details, "{ss}", "words", words);
        return g_variant_builder_end(&details);
}

void bus_called(GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *method,
                GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user) {
        GDBusMessageFlags flags = g_dbus_message_get_flags(g_dbus_method_invocation_get_message(invocation));
        const Method *found = find_method(interface, method);
        g_autoptr(GError) problem = NULL;
        Bus *bus = user;

        if (!found || too_many(bus, sender)) {
                g_dbus_method_invocation_return_dbus_error(invocation, found ? "org.freedesktop.DBus.Error.LimitsExceeded" : "org.freedesktop.DBus.Error.UnknownMethod",
                                                           found ? "too many calls are under way; wait for them" : "there is no such method");
                return;
        }
        Call *call = g_new0(Call, 1);
        *call = (Call) {.bus = bus, .invocation = invocation, .sender = g_strdup(sender), .act = found->act, .ask = found->ask};
        g_ptr_array_add(bus->calls, call);
        Action action = found->action;
        if (found->act == act_words) {
                g_variant_get(parameters, "(^as)", &call->words);
                if (!words_check(found->ask, (const char *const *) call->words, &action, &problem)) {
                        answer_error(call, "org.vfadm1.Error.Usage", problem->message);
                        return;
                }
        }
        polkit_ask(connection, sender, action_id(action), details_of(call, method), flags & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
                   bus->cancellable, allowed, call);
}

void bus_drop_calls(Bus *bus) {
        g_autoptr(GPtrArray) calls = g_steal_pointer(&bus->calls);

        bus->calls = g_ptr_array_new();
        for (unsigned i = 0; i < calls->len; i++) {
                Call *call = calls->pdata[i];
                call->bus = NULL;
                if (!call->job) /* polkit's answer, cancelled, ends it */
                        continue;
                if (call->act != act_reconcile)
                        workers_cancel(daemon_workers(bus->options.daemon), call->job);
                g_clear_object(&call->invocation);
                call_free(call);
        }
}
