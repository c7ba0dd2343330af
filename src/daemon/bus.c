/* org.vfadm1: the connection, the name, which objects there are, and signals to those who listen. */
#include "daemon/bus_private.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const char introspection[] =
#include "org.vfadm1.xml.inc"
        ;

/* ---- objects ---- */

static GVariant *interfaces_of(ObjectKind kind, const json_t *object) {
        GVariantBuilder all;

        g_variant_builder_init(&all, G_VARIANT_TYPE("a{sa{sv}}"));
        g_variant_builder_add(&all, "{s@a{sv}}", bus_interface(kind), bus_properties(kind, object));
        return g_variant_builder_end(&all);
}

GVariant *bus_managed(const Bus *bus) {
        const State *state = daemon_state(bus->options.daemon);
        GVariantBuilder objects;

        g_variant_builder_init(&objects, G_VARIANT_TYPE("a{oa{sa{sv}}}"));
        for (ObjectKind kind = OBJECT_PF; kind < OBJECT_KINDS; kind++) {
                g_autoptr(GPtrArray) keys = state_keys(state, kind);
                for (unsigned i = 0; i < keys->len; i++) {
                        g_autofree char *path = bus_path(kind, keys->pdata[i]);
                        g_variant_builder_add(&objects, "{o@a{sa{sv}}}", path, interfaces_of(kind, state_get(state, kind, keys->pdata[i])));
                }
        }
        return g_variant_new("(@a{oa{sa{sv}}})", g_variant_builder_end(&objects));
}

GVariant *bus_manager_property(const Bus *bus, const char *name) {
        if (g_str_equal(name, "Version"))
                return g_variant_new_string(VFADM_VERSION);
        return g_str_equal(name, "Ready") ? g_variant_new_boolean(daemon_ready(bus->options.daemon)) : NULL;
}

static char **list_nodes(GDBusConnection *connection, const char *sender, const char *path, gpointer user) {
        const Bus *bus = user;
        g_autoptr(GStrvBuilder) nodes = g_strv_builder_new();

        for (ObjectKind kind = OBJECT_PF; kind < OBJECT_KINDS; kind++) {
                if (!g_str_equal(path + strlen(BUS_PATH "/"), object_kind_word(kind)))
                        continue;
                g_autoptr(GPtrArray) keys = state_keys(daemon_state(bus->options.daemon), kind);
                for (unsigned i = 0; i < keys->len; i++) {
                        g_autofree char *node = bus_node(keys->pdata[i]);
                        g_strv_builder_add(nodes, node);
                }
        }
        return g_strv_builder_end(nodes);
}

static GDBusInterfaceInfo **list_interfaces(GDBusConnection *connection, const char *sender, const char *path, const char *node, gpointer user) {
        const Bus *bus = user;
        /* GLib gives the object's own path for a call, and the subtree's for Introspect (gdbusconnection.c handle_subtree_…). */
        g_autofree char *whole = node && !g_str_has_suffix(path, node) ? g_strdup_printf("%s/%s", path, node) : g_strdup(path);
        g_autofree char *key = NULL;
        ObjectKind kind;

        if (!node || !bus_path_parse(whole, &kind, &key) || !state_get(daemon_state(bus->options.daemon), kind, key))
                return NULL;
        GDBusInterfaceInfo **interfaces = g_new0(GDBusInterfaceInfo *, 2);
        interfaces[0] = g_dbus_interface_info_ref(g_dbus_node_info_lookup_interface(bus->info, bus_interface(kind)));
        return interfaces;
}

/* Without get_property, what is asked of properties comes as a method too, and so can wait for polkit. */
static const GDBusInterfaceVTable vtable = {.method_call = bus_called};

static const GDBusInterfaceVTable *dispatch(GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *node,
                                            gpointer *ret_user, gpointer user) {
        *ret_user = user;
        return &vtable;
}

static bool put_objects(Bus *bus, GError **error) {
        static const char *const manager[] = {"org.vfadm1.Manager", "org.freedesktop.DBus.ObjectManager"};
        static const GDBusSubtreeVTable subtree = {list_nodes, list_interfaces, dispatch, {0}};

        for (size_t i = 0; i < G_N_ELEMENTS(manager); i++) {
                guint id = g_dbus_connection_register_object(bus->connection, BUS_PATH, g_dbus_node_info_lookup_interface(bus->info, manager[i]),
                                                             &vtable, bus, NULL, error);
                if (!id)
                        return false;
                g_array_append_val(bus->registered, id);
        }
        for (ObjectKind kind = OBJECT_PF; kind < OBJECT_KINDS; kind++) {
                g_autofree char *path = g_strdup_printf(BUS_PATH "/%s", object_kind_word(kind));
                guint id = g_dbus_connection_register_subtree(bus->connection, path, &subtree, G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES,
                                                              bus, NULL, error);
                if (!id)
                        return false;
                g_array_append_val(bus->subtrees, id);
        }
        return true;
}

/* ---- signals ---- */

/* To each listener by its name: a signal to everybody would be everybody's to read. */
static void emit(Bus *bus, const char *path, const char *interface, const char *signal, GVariant *parameters) {
        g_autoptr(GVariant) kept = g_variant_ref_sink(parameters);
        GHashTableIter iter;
        void *name;

        g_hash_table_iter_init(&iter, bus->listeners);
        while (g_hash_table_iter_next(&iter, &name, NULL))
                g_dbus_connection_emit_signal(bus->connection, name, path, interface, signal, kept, NULL);
}

static void emit_object(Bus *bus, const Event *event, const char *path) {
        const char *interface = bus_interface(event->object);
        GVariantBuilder gone;

        switch (event->kind) {
        case EVENT_ADDED:
                emit(bus, BUS_PATH, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded",
                     g_variant_new("(o@a{sa{sv}})", path, interfaces_of(event->object, event->json)));
                break;
        case EVENT_CHANGED:
                emit(bus, path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                     g_variant_new("(s@a{sv}as)", interface, bus_properties(event->object, json_object_get(event->json, "object")), NULL));
                break;
        case EVENT_REMOVED:
                g_variant_builder_init(&gone, G_VARIANT_TYPE("as"));
                g_variant_builder_add(&gone, "s", interface);
                emit(bus, BUS_PATH, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved", g_variant_new("(oas)", path, &gone));
                break;
        default:
                break;
        }
}

static void heard(const Event *event, void *user) {
        Bus *bus = user;

        if (g_hash_table_size(bus->listeners) == 0)
                return;
        g_autofree char *path = bus_path(event->object, event->key);
        g_autofree char *word = event_word(event);
        char *json = json_dumps(event->json, JSON_COMPACT);
        if (event->object < OBJECT_KINDS)
                emit_object(bus, event, path);
        emit(bus, BUS_PATH, "org.vfadm1.Manager", "Event", g_variant_new("(sss)", word, path, json ? json : "{}"));
        free(json);
}

static void listener_gone(GDBusConnection *connection, const char *name, gpointer user) {
        Bus *bus = user;
        guint watch = GPOINTER_TO_UINT(g_hash_table_lookup(bus->listeners, name));

        if (!watch)
                return;
        g_hash_table_remove(bus->listeners, name);
        g_bus_unwatch_name(watch);
}

bool bus_add_listener(Bus *bus, const char *sender) {
        if (g_hash_table_contains(bus->listeners, sender))
                return true;
        if (g_hash_table_size(bus->listeners) >= LISTENERS_MOST)
                return false;
        guint watch = g_bus_watch_name_on_connection(bus->connection, sender, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, listener_gone, bus, NULL);
        g_hash_table_insert(bus->listeners, g_strdup(sender), GUINT_TO_POINTER(watch));
        return true;
}

/* ---- the connection ---- */

static void name_had(GDBusConnection *connection, const char *name, gpointer user) {
        ((Bus *) user)->named = true;
}

/* Never had: another service has it, or the bus has no policy of ours (share/dbus-1/system.d/org.vfadm1.conf). */
static void name_lost(GDBusConnection *connection, const char *name, gpointer user) {
        Bus *bus = user;

        if (!bus->named)
                g_printerr("vfadmd: the bus does not let it be " BUS_NAME ": is another one running, or org.vfadm1.conf not installed?\n");
        else if (bus->options.lost)
                bus->options.lost("the name " BUS_NAME " on the bus is gone", bus->options.user);
}

static void closed(GDBusConnection *connection, gboolean vanished, GError *error, gpointer user) {
        Bus *bus = user;

        if (bus->options.lost)
                bus->options.lost("the system bus is gone", bus->options.user);
}

static Bus *bus_make(const BusOptions *options) {
        Bus *bus = g_new0(Bus, 1);

        bus->options = *options;
        bus->cancellable = g_cancellable_new();
        bus->calls = g_ptr_array_new();
        bus->listeners = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        bus->registered = g_array_new(FALSE, FALSE, sizeof(guint));
        bus->subtrees = g_array_new(FALSE, FALSE, sizeof(guint));
        return bus;
}

Bus *bus_new(const BusOptions *options, GError **error) {
        g_autoptr(Bus) bus = bus_make(options);
        g_autoptr(GError) problem = NULL;

        bus->info = g_dbus_node_info_new_for_xml(introspection, &problem);
        bus->connection = bus->info ? g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &problem) : NULL;
        if (!bus->connection || !put_objects(bus, &problem)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "cannot be on the system bus: %s", problem->message);
                return NULL;
        }
        /* It would end the process by SIGTERM. */
        g_dbus_connection_set_exit_on_close(bus->connection, FALSE);
        bus->closed = g_signal_connect(bus->connection, "closed", G_CALLBACK(closed), bus);
        daemon_listen(options->daemon, heard, bus);
        bus->name = g_bus_own_name_on_connection(bus->connection, BUS_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, name_had, name_lost, bus, NULL);
        return g_steal_pointer(&bus);
}

static void forget_listeners(Bus *bus) {
        GHashTableIter iter;
        void *watch;

        g_hash_table_iter_init(&iter, bus->listeners);
        while (g_hash_table_iter_next(&iter, NULL, &watch))
                g_bus_unwatch_name(GPOINTER_TO_UINT(watch));
        g_hash_table_unref(bus->listeners);
}

void bus_free(Bus *bus) {
        if (!bus)
                return;
        if (bus->name)
                g_bus_unown_name(bus->name);
        g_cancellable_cancel(bus->cancellable);
        bus_drop_calls(bus);
        for (unsigned i = 0; i < bus->registered->len; i++)
                g_dbus_connection_unregister_object(bus->connection, g_array_index(bus->registered, guint, i));
        for (unsigned i = 0; i < bus->subtrees->len; i++)
                g_dbus_connection_unregister_subtree(bus->connection, g_array_index(bus->subtrees, guint, i));
        if (bus->closed)
                g_signal_handler_disconnect(bus->connection, bus->closed);
        forget_listeners(bus);
        g_array_unref(bus->registered);
        g_array_unref(bus->subtrees);
        g_ptr_array_unref(bus->calls);
        g_object_unref(bus->cancellable);
        g_clear_pointer(&bus->info, g_dbus_node_info_unref);
        g_clear_object(&bus->connection);
        g_free(bus);
}
