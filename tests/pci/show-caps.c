/* What vfadm reads from config spaces, as JSON, a line each: for the comparison with lspci. Standard input: for each a length
 * (4 bytes, little-endian) and as many bytes. */
#include "host/config.h"

#include <glib.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *integers(const uint32_t *values, size_t n) {
        json_t *array = json_array();
        for (size_t i = 0; i < n; i++)
                json_array_append_new(array, json_integer(values[i]));
        return array;
}

static void put(json_t *json, const char *key, uint64_t value) {
        json_object_set_new(json, key, json_integer((json_int_t) value));
}

static void put_sriov(json_t *json, const PciCaps *c) {
        put(json, "sriov_at", c->sriov_at);
        put(json, "sriov_enabled", c->sriov_enabled);
        put(json, "sriov_memory", c->sriov_memory);
        put(json, "sriov_ari", c->sriov_ari);
        put(json, "sriov_initial", c->sriov_initial);
        put(json, "sriov_total", c->sriov_total);
        put(json, "sriov_num", c->sriov_num);
        put(json, "sriov_offset", c->sriov_offset);
        put(json, "sriov_stride", c->sriov_stride);
        put(json, "sriov_vf_device", c->sriov_vf_device);
        put(json, "sriov_page_sizes", c->sriov_page_sizes);
        put(json, "sriov_page_size", c->sriov_page_size);
        json_object_set_new(json, "sriov_bars", integers(c->sriov_bars, G_N_ELEMENTS(c->sriov_bars)));
}

static void put_bridge(json_t *json, const PciCaps *c) {
        put(json, "primary", c->primary);
        put(json, "secondary", c->secondary);
        put(json, "subordinate", c->subordinate);
        put(json, "mem_base", c->mem_base);
        put(json, "mem_limit", c->mem_limit);
        put(json, "pref_base", c->pref_base);
        put(json, "pref_limit", c->pref_limit);
}

static void put_express(json_t *json, const PciCaps *c) {
        put(json, "express_at", c->express_at);
        put(json, "pcie_type", c->pcie_type);
        put(json, "flr", c->flr);
        put(json, "link_width", c->link_width);
        put(json, "link_speed", c->link_speed);
        put(json, "link_width_max", c->link_width_max);
        put(json, "link_speed_max", c->link_speed_max);
        put(json, "ari_forwarding_capable", c->ari_forwarding_capable);
        put(json, "ari_forwarding", c->ari_forwarding);
}

static json_t *caps_json(const PciCaps *c) {
        json_t *json = json_object();
        g_autofree char *serial = g_strdup_printf("%016" G_GINT64_MODIFIER "x", c->serial);

        put(json, "header_type", c->header_type);
        put(json, "command", c->command);
        put_express(json, c);
        put(json, "af_at", c->af_at);
        put(json, "af_flr", c->af_flr);
        put(json, "pm_at", c->pm_at);
        put(json, "pm_reset", c->pm_reset);
        put(json, "msi_at", c->msi_at);
        put(json, "msi_vectors", c->msi_vectors);
        put(json, "msix_at", c->msix_at);
        put(json, "msix_vectors", c->msix_vectors);
        put(json, "acs_at", c->acs_at);
        put(json, "acs_cap", c->acs_cap);
        put(json, "acs_ctrl", c->acs_ctrl);
        put(json, "ari_at", c->ari_at);
        json_object_set_new(json, "serial", c->has_serial ? json_string(serial) : json_null());
        put_sriov(json, c);
        put_bridge(json, c);
        return json;
}

int main(void) {
        uint8_t bytes[4096], head[4];

        while (fread(head, 1, sizeof head, stdin) == sizeof head) {
                size_t length = head[0] | (size_t) head[1] << 8 | (size_t) head[2] << 16 | (size_t) head[3] << 24;
                if (length > sizeof bytes || fread(bytes, 1, length, stdin) != length)
                        return EXIT_FAILURE;
                PciCaps caps;
                config_parse(bytes, length, &caps);
                json_t *json = caps_json(&caps);
                g_autofree char *line = json_dumps(json, JSON_COMPACT);
                json_decref(json);
                puts(line);
        }
        return ferror(stdin) ? EXIT_FAILURE : EXIT_SUCCESS;
}
