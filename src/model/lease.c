/* A lease: identity evidence, copying, JSON. */
#include "model/lease.h"

#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "model/json.h"

#include <string.h>

Lease *lease_new(void) {
        return g_new0(Lease, 1);
}

void lease_free(Lease *lease) {
        if (!lease)
                return;
        g_free(lease->path);
        g_free(lease->guest);
        g_free(lease->guest_device);
        g_free(lease->boot_id);
        g_free(lease->guest_uuid);
        g_free(lease->pool);
        g_free(lease->saved_driver);
        g_free(lease->saved_override);
        g_free(lease);
}

Lease *lease_copy(const Lease *lease) {
        Lease *copy = g_memdup2(lease, sizeof *lease);
        copy->path = g_strdup(lease->path);
        copy->guest = g_strdup(lease->guest);
        copy->guest_device = g_strdup(lease->guest_device);
        copy->boot_id = g_strdup(lease->boot_id);
        copy->guest_uuid = g_strdup(lease->guest_uuid);
        copy->pool = g_strdup(lease->pool);
        copy->saved_driver = g_strdup(lease->saved_driver);
        copy->saved_override = g_strdup(lease->saved_override);
        return copy;
}

void lease_identify(Lease *lease, const Snapshot *snapshot, const Dev *dev) {
        const Dev *pf = snapshot_pf(snapshot, dev);
        const NetDev *net = pf ? dev_net(pf) : NULL;

        lease->dev = dev->addr;
        lease->vendor = dev->vendor;
        lease->device = dev->device;
        lease->is_vf = dev->is_vf;
        lease->pf = pf ? pf->addr : dev->addr;
        lease->vf_index = dev->vf_index;
        memset(lease->pf_mac, 0, sizeof lease->pf_mac);
        if (net)
                memcpy(lease->pf_mac, mac_is_zero(net->permanent_mac) ? net->mac : net->permanent_mac, sizeof lease->pf_mac);
        g_free(lease->path);
        lease->path = g_strdup(pf ? pf->path : dev->path);
}

bool lease_is_xen(const Lease *lease) {
        return lease->guest && g_str_has_prefix(lease->guest, "xen:");
}

bool lease_fits(const Lease *lease, const Snapshot *snapshot, const Dev *dev) {
        g_autoptr(Lease) now = lease_new();

        lease_identify(now, snapshot, dev);
        if (!pci_addr_equal(now->dev, lease->dev) || now->vendor != lease->vendor || now->device != lease->device ||
            now->is_vf != lease->is_vf || now->vf_index != lease->vf_index || !pci_addr_equal(now->pf, lease->pf))
                return false;
        /* The PF's driver may be gone for a moment (no netdev, no MAC): the path still speaks then. */
        if (!mac_is_zero(now->pf_mac) && !mac_is_zero(lease->pf_mac) && memcmp(now->pf_mac, lease->pf_mac, sizeof now->pf_mac) != 0)
                return false;
        return g_strcmp0(now->path, lease->path) == 0;
}

const Lease *leases_find(const GPtrArray *leases, PciAddr dev) {
        for (unsigned i = 0; leases && i < leases->len; i++) {
                const Lease *lease = leases->pdata[i];
                if (pci_addr_equal(lease->dev, dev))
                        return lease;
        }
        return NULL;
}

json_t *lease_to_json(const Lease *lease) {
        json_t *json = json_object();
        char mac[MAC_TEXT_SIZE];

        mac_format(lease->pf_mac, mac);
        json_object_set_new(json, "id", json_integer(lease->id));
        json_object_set_new(json, "address", json_addr(lease->dev));
        json_object_set_new(json, "vendor_id", json_integer(lease->vendor));
        json_object_set_new(json, "device_id", json_integer(lease->device));
        json_object_set_new(json, "is_vf", json_boolean(lease->is_vf));
        json_object_set_new(json, "pf", json_addr(lease->pf));
        json_object_set_new(json, "vf", json_integer(lease->vf_index));
        json_object_set_new(json, "pf_mac", json_string(mac));
        json_object_set_new(json, "path", json_text(lease->path));
        json_object_set_new(json, "state", json_string(lease->state == LEASE_PENDING ? "pending" : "active"));
        json_object_set_new(json, "guest", json_text(lease->guest));
        json_object_set_new(json, "nic", json_integer(lease->nic));
        json_object_set_new(json, "guest_device", json_text(lease->guest_device));
        json_object_set_new(json, "pid", json_integer(lease->pid));
        json_object_set_new(json, "pid_start", json_integer((json_int_t) lease->pid_start));
        json_object_set_new(json, "boot_id", json_text(lease->boot_id));
        json_object_set_new(json, "config", json_boolean(lease->config));
        json_object_set_new(json, "managed", json_boolean(lease->managed));
        json_object_set_new(json, "guest_uuid", json_text(lease->guest_uuid));
        json_object_set_new(json, "pool", json_text(lease->pool));
        json_object_set_new(json, "given", vf_state_to_json(&lease->given, VF_ALL));
        json_object_set_new(json, "saved", vf_state_to_json(&lease->saved, VF_ALL));
        json_object_set_new(json, "saved_driver", json_text(lease->saved_driver));
        json_object_set_new(json, "saved_override", json_text(lease->saved_override));
        json_object_set_new(json, "created", json_integer(lease->created));
        return json;
}

static bool take_addr(const json_t *json, const char *key, PciAddr *ret) {
        return pci_addr_parse(json_string_value(json_object_get(json, key)), ret);
}

static bool take_number(const json_t *json, const char *key, json_int_t max, json_int_t *ret) {
        const json_t *value = json_object_get(json, key);
        if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
                return false;
        *ret = json_integer_value(value);
        return true;
}

static char *take_text(const json_t *json, const char *key) {
        return g_strdup(json_string_value(json_object_get(json, key)));
}

static bool fill_from_json(Lease *lease, const json_t *json) {
        json_int_t id, vendor, device, vf, nic, pid, start, created;

        if (!take_number(json, "id", INT64_MAX, &id) || !take_number(json, "vendor_id", UINT16_MAX, &vendor) ||
            !take_number(json, "device_id", UINT16_MAX, &device) || !take_number(json, "vf", UINT16_MAX, &vf) ||
            !take_number(json, "nic", UINT16_MAX, &nic) || !take_number(json, "pid", INT32_MAX, &pid) ||
            !take_number(json, "pid_start", INT64_MAX, &start) || !take_number(json, "created", INT64_MAX, &created))
                return false;
        if (!(lease->guest = take_text(json, "guest")))
                return false;
        if (!take_addr(json, "address", &lease->dev) || !take_addr(json, "pf", &lease->pf) ||
            !parse_mac(json_string_value(json_object_get(json, "pf_mac")), lease->pf_mac) ||
            !vf_state_from_json(json_object_get(json, "given"), &lease->given) ||
            !vf_state_from_json(json_object_get(json, "saved"), &lease->saved))
                return false;
        lease->id = id;
        lease->vendor = (uint16_t) vendor;
        lease->device = (uint16_t) device;
        lease->vf_index = (unsigned) vf;
        lease->nic = (unsigned) nic;
        lease->pid = (int) pid;
        lease->pid_start = (uint64_t) start;
        lease->created = created;
        lease->is_vf = json_is_true(json_object_get(json, "is_vf"));
        lease->state = g_strcmp0(json_string_value(json_object_get(json, "state")), "pending") == 0 ? LEASE_PENDING : LEASE_ACTIVE;
        lease->path = take_text(json, "path");
        lease->guest_device = take_text(json, "guest_device");
        lease->boot_id = take_text(json, "boot_id");
        /* A ledger from before these were kept has none of them: not in a definition, not managed. */
        lease->config = json_is_true(json_object_get(json, "config"));
        lease->managed = json_is_true(json_object_get(json, "managed"));
        lease->guest_uuid = take_text(json, "guest_uuid");
        lease->pool = take_text(json, "pool");
        lease->saved_driver = take_text(json, "saved_driver");
        lease->saved_override = take_text(json, "saved_override");
        return true;
}

Lease *lease_from_json(const json_t *json, GError **error) {
        g_autoptr(Lease) lease = lease_new();
        if (fill_from_json(lease, json))
                return g_steal_pointer(&lease);
        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_LEDGER, "a lease in the ledger is not readable");
        return NULL;
}
