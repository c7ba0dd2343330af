/* Paths and properties of the objects on the bus, and that they are those of data/dbus/org.vfadm1.xml. */
#include "daemon/bus_objects.h"

#include <string.h>

static void assert_path(ObjectKind kind, const char *key, const char *want) {
        g_autofree char *path = bus_path(kind, key), *again = NULL;
        ObjectKind kind_again;

        g_assert_cmpstr(path, ==, want);
        g_assert_true(g_variant_is_object_path(path));
        g_assert_true(bus_path_parse(path, &kind_again, &again));
        g_assert_cmpint(kind_again, ==, kind);
        g_assert_cmpstr(again, ==, key);
}

static void test_paths(void) {
        assert_path(OBJECT_PF, "0000:01:00.0", "/org/vfadm1/pf/0000_3a01_3a00_2e0");
        assert_path(OBJECT_VF, "10000:e1:10.7", "/org/vfadm1/vf/10000_3ae1_3a10_2e7");
        assert_path(OBJECT_POOL, "web_1-a.b", "/org/vfadm1/pool/web_5f1_2da_2eb");
        assert_path(OBJECT_LEASE, "12", "/org/vfadm1/lease/12");
        assert_path(OBJECT_SERVICE, "", "/org/vfadm1");
        static const char *const wrong[] = {"/", "/org", "/org/vfadm1/", "/org/vfadm1/pf", "/org/vfadm1/pf/", "/org/vfadm1/pf/_", "/org/vfadm1/pf/_3",
                                            "/org/vfadm1/pf/_00", "/org/vfadm1/pf/_zz", "/org/vfadm1/pf/a/b", "/org/vfadm1/guest/a", "/org/vfadm1x"};
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autofree char *key = NULL;
                ObjectKind kind;
                if (bus_path_parse(wrong[i], &kind, &key))
                        g_error("%s: %s", wrong[i], key);
        }
}

static void assert_properties(ObjectKind kind, const char *json_text, const char *want) {
        json_t *json = json_loads(json_text, 0, NULL);
        g_autoptr(GVariant) all = g_variant_ref_sink(bus_properties(kind, json));
        g_autofree char *text = g_variant_print(all, FALSE);

        g_assert_cmpstr(text, ==, want);
        json_decref(json);
}

static void test_values(void) {
        assert_properties(OBJECT_PF, "{\"address\": \"0000:01:00.0\", \"device\": \"enp1s0\", \"driver\": \"igb\", \"netdev\": null, \"numa\": null, "
                                     "\"vfs\": {\"enabled\": 3, \"total\": 7, \"autoprobe\": true}}",
                          "{'Address': <'0000:01:00.0'>, 'Device': <'enp1s0'>, 'Driver': <'igb'>, 'NetworkDevice': <''>, 'VFs': <3>, 'VFsLimit': <7>, "
                          "'Autoprobe': <true>, 'NUMANode': <-1>, 'Json': <'{\"address\":\"0000:01:00.0\",\"device\":\"enp1s0\",\"driver\":\"igb\","
                          "\"netdev\":null,\"numa\":null,\"vfs\":{\"enabled\":3,\"total\":7,\"autoprobe\":true}}'>}");
        assert_properties(OBJECT_POOL, "{\"name\": \"web\", \"started\": true, \"free\": 1, \"vfs\": [{\"address\": \"0000:01:10.0\"}, {}]}",
                          "{'Name': <'web'>, 'Started': <true>, 'Autostart': <false>, 'Libvirt': <false>, 'Free': <1>, "
                          "'VFs': <[objectpath '/org/vfadm1/vf/0000_3a01_3a10_2e0']>, 'Json': <'{\"name\":\"web\",\"started\":true,\"free\":1,"
                          "\"vfs\":[{\"address\":\"0000:01:10.0\"},{}]}'>}");
        json_t *vf = json_loads("{\"pf\": \"0000:01:00.0\", \"vlan\": 5000000000, \"used_by\": [{\"what\": \"guest web1\"}]}", 0, NULL);
        g_autoptr(GVariant) pf = g_variant_ref_sink(bus_property(OBJECT_VF, vf, "PF")), vlan = g_variant_ref_sink(bus_property(OBJECT_VF, vf, "VLAN"));
        g_autoptr(GVariant) used = g_variant_ref_sink(bus_property(OBJECT_VF, vf, "UsedBy"));
        g_autofree char *who = g_variant_print(used, FALSE);
        g_assert_cmpstr(g_variant_get_string(pf, NULL), ==, "/org/vfadm1/pf/0000_3a01_3a00_2e0");
        g_assert_cmpint(g_variant_get_int32(vlan), ==, -1);
        g_assert_cmpstr(who, ==, "['guest web1']");
        g_assert_null(bus_property(OBJECT_VF, vf, "Nothing"));
        json_decref(vf);
}

/* Both ways: each property of the file has its row, of the same type, and each row its property. */
static void test_introspection(void) {
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "..", "data", "dbus", "org.vfadm1.xml", NULL), *xml = NULL;
        g_autoptr(GError) error = NULL;

        g_assert_true(g_file_get_contents(path, &xml, NULL, NULL));
        g_autoptr(GDBusNodeInfo) info = g_dbus_node_info_new_for_xml(xml, &error);
        g_assert_no_error(error);
        for (ObjectKind kind = OBJECT_PF; kind < OBJECT_KINDS; kind++) {
                GDBusInterfaceInfo *interface = g_dbus_node_info_lookup_interface(info, bus_interface(kind));
                const char *name, *type;
                unsigned n = 0;
                for (; bus_property_at(kind, n, &name, &type); n++) {
                        GDBusPropertyInfo *property = g_dbus_interface_info_lookup_property(interface, name);
                        g_assert_nonnull(property);
                        g_assert_cmpstr(property->signature, ==, type);
                        json_t *empty = json_object();
                        g_autoptr(GVariant) value = g_variant_ref_sink(bus_property(kind, empty, name));
                        g_assert_cmpstr(g_variant_get_type_string(value), ==, type);
                        json_decref(empty);
                }
                while (interface->properties[n])
                        g_error("%s.%s has no row", interface->name, interface->properties[n]->name);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/bus-objects/paths", test_paths);
        g_test_add_func("/bus-objects/values", test_values);
        g_test_add_func("/bus-objects/introspection", test_introspection);
        return g_test_run();
}
