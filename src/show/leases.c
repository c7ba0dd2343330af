/* Leases, as a table and as JSON. */
#include "show/show.h"
#include "show/table.h"
#include "show/value.h"

/* The device of a lease, if the host has it and it is still the same one. */
static const Dev *leased_dev(const Snapshot *host, const Lease *lease) {
        const Dev *dev = host ? snapshot_get(host, lease->dev) : NULL;
        return dev && lease_fits(lease, host, dev) ? dev : NULL;
}

/* A process has it, or a domain of Xen's, which is none here. */
static bool is_held(const Lease *lease, const bool *holder_lives) {
        return lease->pid > 0 ? !holder_lives || *holder_lives : lease_is_xen(lease) && holder_lives && *holder_lives;
}

/* How far it goes: the running guest, its definition, or both. A guest that ended has it by its definition only. */
static const char *scope_word(const Lease *lease, const bool *holder_lives) {
        if (!lease->config)
                return "live";
        return is_held(lease, holder_lives) ? "live+config" : "config";
}

/* "active", "pending", and what is wrong with the lease. */
static char *state_text(const Snapshot *host, const Lease *lease, const bool *holder_lives) {
        GString *text = g_string_new(lease->state == LEASE_PENDING ? "pending" : "active");
        if (host && !leased_dev(host, lease))
                g_string_append(text, ", device gone");
        if (!lease->config && holder_lives && !*holder_lives)
                g_string_append(text, ", holder gone");
        return g_string_free(text, FALSE);
}

char *show_leases_text(const Snapshot *host, const GPtrArray *leases, const bool *holder_lives, unsigned width) {
        static const struct {
                const char *name;
                bool right, cut;
        } heads[] = {
                {"ID", true, false},    {"DEVICE", false, false}, {"BDF", false, false},   {"GUEST", false, false}, {"NIC", true, false},
                {"PID", true, false},   {"SCOPE", false, false},  {"STATE", false, false}, {"SINCE", false, false}, {"POOL", false, false},
                {"GIVEN", false, true},
        };
        g_autoptr(Table) table = table_new(width);

        if (leases->len == 0)
                return g_strdup("");
        for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
                table_column(table, heads[i].name, false, heads[i].right, heads[i].cut);
        for (unsigned i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                const Dev *dev = leased_dev(host, lease);
                TableLine *line = table_line(table, NULL);
                char name[PCI_ADDR_TEXT_SIZE];

                pci_addr_format(lease->dev, name);
                table_cell(line, 0, g_strdup_printf("%" G_GINT64_FORMAT, lease->id));
                table_cell(line, 1, dev ? snapshot_nick(host, dev) : NULL);
                table_cell(line, 2, g_strdup(name));
                table_cell(line, 3, g_strdup(lease->guest));
                table_cell(line, 4, g_strdup_printf("%u", lease->nic));
                table_cell(line, 5, lease->pid > 0 ? g_strdup_printf("%d", lease->pid) : NULL);
                table_cell(line, 6, g_strdup(scope_word(lease, holder_lives ? &holder_lives[i] : NULL)));
                table_cell(line, 7, state_text(host, lease, holder_lives ? &holder_lives[i] : NULL));
                table_cell(line, 8, value_time(lease->created));
                table_cell(line, 9, g_strdup(lease->pool));
                table_cell(line, 10, vf_state_format(&lease->given, VF_ALL));
        }
        return table_text(table);
}

json_t *show_leases_json(const Snapshot *host, const GPtrArray *leases, const bool *holder_lives) {
        json_t *array = json_array();

        for (unsigned i = 0; i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                const Dev *dev = leased_dev(host, lease);
                g_autofree char *nick = dev ? snapshot_nick(host, dev) : NULL;
                json_t *json = lease_to_json(lease);

                json_object_set_new(json, "scope", json_string(scope_word(lease, holder_lives ? &holder_lives[i] : NULL)));
                json_object_set_new(json, "device", value_string(nick)); /* as in the list: the name to type */
                json_object_set_new(json, "device_there", host ? json_boolean(dev != NULL) : json_null());
                json_object_set_new(json, "holder_lives", holder_lives && (lease->pid > 0 || lease_is_xen(lease)) ? json_boolean(holder_lives[i]) : json_null());
                json_array_append_new(array, json);
        }
        return json_pack("{s:o}", "leases", array);
}
