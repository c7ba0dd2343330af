/* What a service has given out, as a table and as JSON: 'vfadm import'. */
#include "show/show.h"
#include "show/table.h"
#include "show/value.h"

#include "base/text.h"

/* "libvirt:web1", or "network fast". */
static char *whose(const Given *given) {
        return given->guest ? guest_info_ref(given->guest) : g_strdup_printf("network %s", given->network->name);
}

static const char *where(const Given *given) {
        if (!given->guest)
                return given->network->active ? "started" : "stopped";
        return given->live && given->defined ? "live+config" : given->live ? "live" : "config";
}

static char *device_text(const Snapshot *host, const Given *given) {
        const GuestDevice *device = given_device(given);

        if (!device && given->network->pf)
                return g_strdup_printf("%s: all VFs", given->network->pf);
        if (!device)
                return g_strdup_printf("%u VF%s", given->network->addresses->len, given->network->addresses->len == 1 ? "" : "s");
        if (!device->has_host)
                return g_strdup_printf("any of %s", device->network);
        return given->dev ? snapshot_nick(host, given->dev) : NULL;
}

static char *mac_text(const GuestDevice *device) {
        char text[MAC_TEXT_SIZE];

        if (!device || !(device->vf.known & VF_MAC))
                return NULL;
        mac_format(device->vf.mac, text);
        return g_strdup(text);
}

static char *address_text(const GuestDevice *device) {
        char name[PCI_ADDR_TEXT_SIZE];

        if (!device || !device->has_host)
                return NULL;
        pci_addr_format(device->host, name);
        return g_strdup(name);
}

static char *vlan_text(const GuestDevice *device) {
        bool has = device && (device->vf.known & VF_VLAN) && device->vf.vlan;
        return has ? g_strdup_printf("%u", device->vf.vlan) : NULL;
}

static char *state_text(const Given *given) {
        const char *word = given_state_word(given->state);
        return given->why ? g_strdup_printf("%s: %s", word, given->why) : g_strdup(word);
}

char *show_given_text(const Snapshot *host, const GPtrArray *given, unsigned width) {
        static const struct {
                const char *name;
                bool right, cut;
        } heads[] = {
                {"GUEST", false, false}, {"WHERE", false, false}, {"DEVICE", false, false}, {"BDF", false, false},
                {"MAC", false, false},   {"VLAN", true, false},   {"STATE", false, true},
        };
        g_autoptr(Table) table = table_new(width);

        if (given->len == 0)
                return g_strdup("");
        for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
                table_column(table, heads[i].name, false, heads[i].right, heads[i].cut);
        for (unsigned i = 0; i < given->len; i++) {
                const Given *one = given->pdata[i];
                const GuestDevice *device = given_device(one);
                TableLine *line = table_line(table, NULL);

                table_cell(line, 0, whose(one));
                table_cell(line, 1, g_strdup(where(one)));
                table_cell(line, 2, device_text(host, one));
                table_cell(line, 3, address_text(device));
                table_cell(line, 4, mac_text(device));
                table_cell(line, 5, vlan_text(device));
                table_cell(line, 6, state_text(one));
        }
        return table_text(table);
}

static json_t *addresses_json(const HostdevNetwork *network) {
        json_t *array = json_array();

        for (unsigned i = 0; i < network->addresses->len; i++) {
                char name[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(g_array_index(network->addresses, PciAddr, i), name);
                json_array_append_new(array, json_string(name));
        }
        return array;
}

static json_t *network_json(const Given *given) {
        json_t *json = json_pack("{s:s, s:o, s:b, s:b, s:b}", "kind", "network", "network", value_string(given->network->name), "active",
                                 given->network->active, "autostart", given->network->autostart, "managed", given->network->managed);
        json_object_set_new(json, "pf", value_string(given->network->pf));
        json_object_set_new(json, "addresses", addresses_json(given->network));
        return json;
}

static json_t *device_json(const Snapshot *host, const Given *given) {
        const GuestDevice *device = given_device(given);
        g_autofree char *ref = guest_info_ref(given->guest);
        g_autofree char *nick = given->dev ? snapshot_nick(host, given->dev) : NULL;
        g_autofree char *mac = mac_text(device);
        g_autofree char *address = address_text(device);

        json_t *json = json_pack("{s:s, s:o, s:b, s:b, s:b}", "kind", device->has_host ? "device" : "nic", "guest", value_string(ref), "live",
                                 given->live != NULL, "config", given->defined != NULL, "managed", device->managed);
        json_object_set_new(json, "guest_uuid", value_string(given->guest->uuid));
        json_object_set_new(json, "network", value_string(device->network));
        json_object_set_new(json, "device", value_string(nick));
        json_object_set_new(json, "address", value_string(address));
        json_object_set_new(json, "mac", value_string(mac));
        json_object_set_new(json, "vlan", device->vf.known & VF_VLAN ? json_integer(device->vf.vlan) : json_null());
        json_object_set_new(json, "lease", given->lease ? json_integer(given->lease->id) : json_null());
        return json;
}

json_t *show_given_json(const Snapshot *host, const GPtrArray *given) {
        static const char *const states[] = {[GIVEN_ADOPTED] = "adopted", [GIVEN_NOT_ADOPTED] = "not-adopted", [GIVEN_CONFLICT] = "conflict"};
        json_t *array = json_array();

        for (unsigned i = 0; i < given->len; i++) {
                const Given *one = given->pdata[i];
                json_t *json = one->guest ? device_json(host, one) : network_json(one);

                json_object_set_new(json, "state", json_string(states[one->state]));
                json_object_set_new(json, "why", value_string(one->why));
                json_array_append_new(array, json);
        }
        return json_pack("{s:o}", "given", array);
}
