/* What bus.c (the connection, signals) and bus_calls.c (methods) share. Private to these two. */
#pragma once

#include "daemon/bus.h"
#include "daemon/bus_objects.h"

enum {
        CALLS_MOST = 64,       /* under way at one time */
        CALLS_MOST_SENDER = 8, /* of one caller */
        LISTENERS_MOST = 64,
};

struct Bus {
        BusOptions options;
        GDBusConnection *connection;
        GDBusNodeInfo *info;     /* of data/dbus/org.vfadm1.xml */
        GCancellable *cancellable; /* of every question under way; cancelled when the bus goes */
        GPtrArray *calls;        /* Call*, under way, borrowed: each ends itself */
        GHashTable *listeners;   /* unique name (char*) → its watch (guint) */
        GArray *registered;      /* guint: objects */
        GArray *subtrees;        /* guint */
        guint name;
        bool named;              /* it is ours */
        gulong closed;
};

/* A method was called: of the manager, or what an object is asked for (org.freedesktop.DBus.Properties). Checks, asks polkit, does. */
void bus_called(GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *method,
                GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user);
/* No answer any more to what is under way. */
void bus_drop_calls(Bus *bus);
/* The signals go to this caller, too, from now on; false: there are too many. */
bool bus_add_listener(Bus *bus, const char *sender);
/* What org.freedesktop.DBus.ObjectManager.GetManagedObjects says: (a{oa{sa{sv}}}), floating. */
GVariant *bus_managed(const Bus *bus);
/* A property of the manager; NULL: none of that name. */
GVariant *bus_manager_property(const Bus *bus, const char *name);
