/* The objects of org.vfadm1: their paths, and their properties out of the JSON that vfadm printed. Pure. */
#pragma once

#include "daemon/daemon.h"

#include <gio/gio.h>

#define BUS_NAME "org.vfadm1"
#define BUS_PATH "/org/vfadm1"

/* "org.vfadm1.VF" */
const char *bus_interface(ObjectKind kind);
/* "/org/vfadm1/vf/0000_3a01_3a10_2e0"; of OBJECT_SERVICE "/org/vfadm1". The caller frees. */
char *bus_path(ObjectKind kind, const char *key);
/* The last part of such a path; the caller frees. */
char *bus_node(const char *key);
/* The key of a path's last part; NULL: none that bus_node() makes. The caller frees. */
char *bus_key(const char *node);
/* What object a path is of: false when it is none of ours. The caller frees *ret_key. */
bool bus_path_parse(const char *path, ObjectKind *ret_kind, char **ret_key);

/* The value of one property, floating; NULL: there is none of that name. */
GVariant *bus_property(ObjectKind kind, const json_t *object, const char *name);
/* All of them: a{sv}, floating. */
GVariant *bus_properties(ObjectKind kind, const json_t *object);
/* The i-th property's name and D-Bus type; false beyond the last. For the test that holds them to data/dbus/org.vfadm1.xml. */
bool bus_property_at(ObjectKind kind, unsigned i, const char **ret_name, const char **ret_type);

/* The event that a signal Event tells of; NULL: it is none that this version knows. */
Event *bus_event(const char *word, const char *path, const char *json);
