/* Paths and properties: a table of properties, each with the member of the JSON that it is. */
#include "daemon/bus_objects.h"

#include <stdlib.h>
#include <string.h>

typedef GVariant *(*MakeValue)(const json_t *value);

typedef struct {
        ObjectKind kind;
        const char *name, *type;
        const char *member; /* "vfs.enabled": a member of a member; NULL: the whole object */
        MakeValue make;
} Property;

/* ---- values ---- */

static GVariant *text(const json_t *value) {
        return g_variant_new_string(json_is_string(value) ? json_string_value(value) : "");
}

static GVariant *flag(const json_t *value) {
        return g_variant_new_boolean(json_is_true(value));
}

static GVariant *number(const json_t *value) {
        json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
        return g_variant_new_int32(n >= G_MININT32 && n <= G_MAXINT32 ? (gint32) n : -1);
}

static GVariant *long_number(const json_t *value) {
        return g_variant_new_int64(json_is_integer(value) ? json_integer_value(value) : -1);
}

static GVariant *whole(const json_t *value) {
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        GVariant *made = g_variant_new_string(dumped ? dumped : "null");
        free(dumped);
        return made;
}

static GVariant *pf_path(const json_t *value) {
        g_autofree char *path = json_is_string(value) ? bus_path(OBJECT_PF, json_string_value(value)) : g_strdup("/");
        return g_variant_new_object_path(path);
}

/* Of each in an array, the path of the VF that is its "address". */
static GVariant *vf_paths(const json_t *value) {
        GVariantBuilder paths;
        const json_t *vf;
        size_t i;

        g_variant_builder_init(&paths, G_VARIANT_TYPE("ao"));
        json_array_foreach(value, i, vf) {
                const char *address = json_string_value(json_object_get(vf, "address"));
                g_autofree char *path = address ? bus_path(OBJECT_VF, address) : NULL;
                if (path)
                        g_variant_builder_add(&paths, "o", path);
        }
        return g_variant_builder_end(&paths);
}

/* Of each in an array, its "what". */
static GVariant *uses(const json_t *value) {
        GVariantBuilder texts;
        const json_t *use;
        size_t i;

        g_variant_builder_init(&texts, G_VARIANT_TYPE("as"));
        json_array_foreach(value, i, use) {
                const char *what = json_string_value(json_object_get(use, "what"));
                if (what)
                        g_variant_builder_add(&texts, "s", what);
        }
        return g_variant_builder_end(&texts);
}

/* ---- the table: as in data/dbus/org.vfadm1.xml ---- */

static const Property properties[] = {
        {OBJECT_PF, "Address", "s", "address", text},
        {OBJECT_PF, "Device", "s", "device", text},
        {OBJECT_PF, "Driver", "s", "driver", text},
        {OBJECT_PF, "NetworkDevice", "s", "netdev", text},
        {OBJECT_PF, "VFs", "i", "vfs.enabled", number},
        {OBJECT_PF, "VFsLimit", "i", "vfs.total", number},
        {OBJECT_PF, "Autoprobe", "b", "vfs.autoprobe", flag},
        {OBJECT_PF, "NUMANode", "i", "numa", number},
        {OBJECT_PF, "Json", "s", NULL, whole},
        {OBJECT_VF, "Address", "s", "address", text},
        {OBJECT_VF, "Device", "s", "device", text},
        {OBJECT_VF, "PF", "o", "pf", pf_path},
        {OBJECT_VF, "Number", "i", "vf", number},
        {OBJECT_VF, "Driver", "s", "driver", text},
        {OBJECT_VF, "NetworkDevice", "s", "netdev", text},
        {OBJECT_VF, "MACAddress", "s", "mac", text},
        {OBJECT_VF, "VLAN", "i", "vlan", number},
        {OBJECT_VF, "Trust", "b", "trust", flag},
        {OBJECT_VF, "SpoofCheck", "b", "spoofchk", flag},
        {OBJECT_VF, "IOMMUGroup", "i", "group", number},
        {OBJECT_VF, "NUMANode", "i", "numa", number},
        {OBJECT_VF, "UsedBy", "as", "used_by", uses},
        {OBJECT_VF, "Json", "s", NULL, whole},
        {OBJECT_POOL, "Name", "s", "name", text},
        {OBJECT_POOL, "Started", "b", "started", flag},
        {OBJECT_POOL, "Autostart", "b", "autostart", flag},
        {OBJECT_POOL, "Libvirt", "b", "libvirt", flag},
        {OBJECT_POOL, "Free", "i", "free", number},
        {OBJECT_POOL, "VFs", "ao", "vfs", vf_paths},
        {OBJECT_POOL, "Json", "s", NULL, whole},
        {OBJECT_LEASE, "Id", "x", "id", long_number},
        {OBJECT_LEASE, "Address", "s", "address", text},
        {OBJECT_LEASE, "Device", "s", "device", text},
        {OBJECT_LEASE, "Guest", "s", "guest", text},
        {OBJECT_LEASE, "Pool", "s", "pool", text},
        {OBJECT_LEASE, "State", "s", "state", text},
        {OBJECT_LEASE, "Scope", "s", "scope", text},
        {OBJECT_LEASE, "Since", "x", "created", long_number},
        {OBJECT_LEASE, "Json", "s", NULL, whole},
};

static GVariant *value_of(const Property *property, const json_t *object) {
        const char *dot = property->member ? strchr(property->member, '.') : NULL;
        g_autofree char *outer = dot ? g_strndup(property->member, (size_t) (dot - property->member)) : NULL;

        if (!property->member)
                return property->make(object);
        if (outer)
                return property->make(json_object_get(json_object_get(object, outer), dot + 1));
        return property->make(json_object_get(object, property->member));
}

GVariant *bus_property(ObjectKind kind, const json_t *object, const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
                if (properties[i].kind == kind && g_str_equal(properties[i].name, name))
                        return value_of(&properties[i], object);
        return NULL;
}

GVariant *bus_properties(ObjectKind kind, const json_t *object) {
        GVariantBuilder all;

        g_variant_builder_init(&all, G_VARIANT_TYPE_VARDICT);
        for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
                if (properties[i].kind == kind)
                        g_variant_builder_add(&all, "{sv}", properties[i].name, value_of(&properties[i], object));
        return g_variant_builder_end(&all);
}

bool bus_property_at(ObjectKind kind, unsigned i, const char **ret_name, const char **ret_type) {
        for (size_t k = 0; k < G_N_ELEMENTS(properties); k++) {
                if (properties[k].kind != kind || i-- > 0)
                        continue;
                *ret_name = properties[k].name;
                *ret_type = properties[k].type;
                return true;
        }
        return false;
}

/* ---- paths ---- */

static const char *const interfaces[OBJECT_KINDS] = {
        [OBJECT_PF] = "org.vfadm1.PF",
        [OBJECT_VF] = "org.vfadm1.VF",
        [OBJECT_POOL] = "org.vfadm1.Pool",
        [OBJECT_LEASE] = "org.vfadm1.Lease",
};

const char *bus_interface(ObjectKind kind) {
        return interfaces[kind];
}

/* As systemd's names of objects: what a path may not hold, and '_' itself, as its hexadecimal value (sd_bus_path_encode(3)). */
char *bus_node(const char *key) {
        GString *node = g_string_new(NULL);

        for (; *key; key++)
                if (g_ascii_isalnum(*key))
                        g_string_append_c(node, *key);
                else
                        g_string_append_printf(node, "_%02x", (unsigned char) *key);
        return g_string_free(node, FALSE);
}

char *bus_key(const char *node) {
        g_autoptr(GString) key = g_string_new(NULL);

        for (; *node; node++) {
                int high = *node == '_' ? g_ascii_xdigit_value(node[1]) : -1;
                int low = high >= 0 ? g_ascii_xdigit_value(node[2]) : -1;
                if (*node != '_' && !g_ascii_isalnum(*node))
                        return NULL;
                if (*node == '_' && (low < 0 || high + low == 0))
                        return NULL;
                g_string_append_c(key, *node == '_' ? (char) (high * 16 + low) : *node);
                node += *node == '_' ? 2 : 0;
        }
        return key->len ? g_string_free(g_steal_pointer(&key), FALSE) : NULL;
}

char *bus_path(ObjectKind kind, const char *key) {
        g_autofree char *node = bus_node(key);

        if (kind == OBJECT_SERVICE)
                return g_strdup(BUS_PATH);
        return g_strdup_printf(BUS_PATH "/%s/%s", object_kind_word(kind), node);
}

bool bus_path_parse(const char *path, ObjectKind *ret_kind, char **ret_key) {
        *ret_key = NULL;
        for (unsigned kind = 0; kind < OBJECT_KINDS && !*ret_key; kind++) {
                g_autofree char *start = g_strdup_printf(BUS_PATH "/%s/", object_kind_word((ObjectKind) kind));
                if (g_str_has_prefix(path, start))
                        *ret_key = bus_key(path + strlen(start));
                *ret_kind = (ObjectKind) kind;
        }
        if (!*ret_key && g_str_equal(path, BUS_PATH)) {
                *ret_kind = OBJECT_SERVICE;
                *ret_key = g_strdup("");
        }
        return *ret_key != NULL;
}

/* ---- events ---- */

Event *bus_event(const char *word, const char *path, const char *json) {
        g_autofree char *key = NULL;
        ObjectKind object;

        if (!bus_path_parse(path, &object, &key))
                return NULL;
        json_t *parsed = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
        for (unsigned kind = 0; json_is_object(parsed) && kind < EVENT_KINDS; kind++) {
                Event *event = event_new((EventKind) kind, object, key, json_incref(parsed));
                g_autofree char *its = event_word(event);
                if (g_str_equal(its, word)) {
                        json_decref(parsed);
                        return event;
                }
                event_free(event);
        }
        json_decref(parsed);
        return NULL;
}
