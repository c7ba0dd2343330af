/* All about one device, as JSON: what `vfadm list` says of it, and the rest. */
#include "base/text.h"
#include "model/nic.h"
#include "show/device.h"
#include "show/value.h"

static json_t *words_json(unsigned bits, char *(*text_of)(unsigned)) {
        g_autofree char *text = text_of(bits);
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        json_t *array = json_array();
        for (char **word = words; *word && **word; word++)
                json_array_append_new(array, json_string(*word));
        return array;
}

static json_t *acs_json(const PciCaps *caps) {
        if (!caps->has_acs)
                return json_null();
        return json_pack("{s:o, s:o, s:b}", "capable", words_json(caps->acs_cap, acs_text), "enabled",
                         words_json(caps->acs_ctrl, acs_text), "isolates",
                         (int) (acs_lacks(caps) == 0));
}

static json_t *link_json(unsigned speed, unsigned width) {
        if (width == 0)
                return json_null();
        json_t *json = json_pack("{s:i}", "width", (int) width);
        json_object_set_new(json, "speed", value_string(link_speed_word(speed)));
        return json;
}

static json_t *sriov_json(const PciCaps *caps) {
        if (!caps->has_sriov)
                return json_null();
        json_t *json = json_object();
        json_object_set_new(json, "initial", json_integer(caps->sriov_initial));
        json_object_set_new(json, "total", json_integer(caps->sriov_total));
        json_object_set_new(json, "num", json_integer(caps->sriov_num));
        json_object_set_new(json, "offset", json_integer(caps->sriov_offset));
        json_object_set_new(json, "stride", json_integer(caps->sriov_stride));
        json_object_set_new(json, "vf_device", json_sprintf("%04x", caps->sriov_vf_device));
        json_object_set_new(json, "enabled", json_boolean(caps->sriov_enabled));
        json_object_set_new(json, "memory", json_boolean(caps->sriov_memory));
        json_object_set_new(json, "ari", json_boolean(caps->sriov_ari));
        json_object_set_new(json, "page_size", json_integer((json_int_t) caps->sriov_page_size << 12));
        return json;
}

static json_t *caps_json(const Dev *dev) {
        const PciCaps *caps = &dev->caps;
        if (!dev->has_caps)
                return json_null();
        json_t *json = json_object();
        json_object_set_new(json, "bytes_read", json_integer(caps->length));
        json_object_set_new(json, "multifunction", json_boolean(caps->multifunction));
        json_object_set_new(json, "pcie_type", json_string(pcie_type_word(caps->pcie_type)));
        json_object_set_new(json, "flr", json_boolean(caps->flr));
        json_object_set_new(json, "af_flr", json_boolean(caps->af_flr));
        json_object_set_new(json, "pm_reset", json_boolean(caps->pm_reset));
        json_object_set_new(json, "msi_vectors", json_integer(caps->msi_vectors));
        json_object_set_new(json, "msix_vectors", json_integer(caps->msix_vectors));
        json_object_set_new(json, "link", link_json(caps->link_speed, caps->link_width));
        json_object_set_new(json, "link_max", link_json(caps->link_speed_max, caps->link_width_max));
        json_object_set_new(json, "ari", json_boolean(caps->has_ari));
        json_object_set_new(json, "ari_forwarding_capable", json_boolean(caps->ari_forwarding_capable));
        json_object_set_new(json, "ari_forwarding", json_boolean(caps->ari_forwarding));
        json_object_set_new(json, "acs", acs_json(caps));
        json_object_set_new(json, "sriov", sriov_json(caps));
        json_object_set_new(json, "serial",
                            caps->has_serial ? json_sprintf("%016" G_GINT64_MODIFIER "x", caps->serial) : json_null());
        return json;
}

static json_t *group_members_json(const ShowContext *context, const Dev *dev) {
        g_autoptr(GPtrArray) members = snapshot_group(context->host, dev->iommu_group);
        json_t *array = json_array();
        for (unsigned i = 0; i < members->len; i++) {
                const Dev *member = members->pdata[i];
                json_t *json = json_pack("{s:s, s:s}", "address", member->name, "class", class_word(member->class_code));
                json_object_set_new(json, "driver", value_string(member->driver));
                json_array_append_new(array, json);
        }
        return array;
}

static json_t *bridges_json(const ShowContext *context, const Dev *dev) {
        g_autoptr(GPtrArray) bridges = device_bridges(context->host, dev);
        json_t *array = json_array();
        for (unsigned i = 0; i < bridges->len; i++) {
                const Dev *bridge = bridges->pdata[i];
                json_t *json = json_pack("{s:s}", "address", bridge->name);
                json_object_set_new(json, "driver", value_string(bridge->driver));
                json_object_set_new(json, "pcie_type",
                                    value_string(bridge->has_caps ? pcie_type_word(bridge->caps.pcie_type) : NULL));
                json_object_set_new(json, "ari_forwarding",
                                    bridge->has_caps ? json_boolean(bridge->caps.ari_forwarding) : json_null());
                json_object_set_new(json, "acs", bridge->has_caps ? acs_json(&bridge->caps) : json_null());
                json_array_append_new(array, json);
        }
        return array;
}

static json_t *nets_json(const Dev *dev) {
        json_t *array = json_array();
        for (unsigned i = 0; i < dev->nets->len; i++) {
                const NetDev *net = dev->nets->pdata[i];
                char mac[MAC_TEXT_SIZE], permanent[MAC_TEXT_SIZE];
                mac_format(net->mac, mac);
                mac_format(net->permanent_mac, permanent);
                json_t *json = json_pack("{s:i, s:s, s:s}", "ifindex", net->ifindex, "mac", mac, "state", net_word(net));
                json_object_set_new(json, "name", value_string(net->name));
                json_object_set_new(json, "permanent_mac",
                                    mac_is_zero(net->permanent_mac) ? json_null() : json_string(permanent));
                json_object_set_new(json, "master", value_string(net->master));
                json_object_set_new(json, "port", value_string(net->phys_port_name));
                json_object_set_new(json, "addresses", value_strings(net->addresses));
                json_array_append_new(array, json);
        }
        return array;
}

/* What the driver of the PF takes: of the PF itself, or of the PF of a VF. */
static json_t *driver_json(const ShowContext *context, const Dev *dev) {
        const Dev *pf = snapshot_pf(context->host, dev);
        const NicDriver *nic = pf && (dev->is_pf || dev->is_vf) ? nic_driver(pf->driver) : NULL;
        if (!nic)
                return json_null();
        json_t *accepts = json_array();
        for (unsigned bit = 1; bit & VF_ALL; bit <<= 1)
                if (nic->accepts & bit)
                        json_array_append_new(accepts, json_string(vf_attribute_name(bit)));
        json_t *resets = json_array();
        for (unsigned bit = 1; bit & VF_ALL; bit <<= 1)
                if (nic->resets_vf & bit)
                        json_array_append_new(resets, json_string(vf_attribute_name(bit)));
        return json_pack("{s:s, s:o, s:o, s:b, s:b, s:b, s:i}", "driver", nic->driver, "accepts", accepts,
                         "changes_that_reset_the_vf", resets, "vlan_8021ad", (int) nic->vlan_8021ad, "enable_needs_up",
                         (int) nic->enable_needs_up, "state_needs_up", (int) nic->state_needs_up, "limit",
                         (int) nic->sriov_limit);
}

/* On dom0; "quarantine" is what was asked for, since Xen does not tell it. */
static json_t *xen_json(const ShowContext *context, const Dev *dev) {
        bool assignable = driver_is_xen(dev->driver), kept = assignable && !device_guest(dev) && show_lease_of(context, dev);
        if (!context->host->xen_dom0)
                return json_null();
        json_t *json = json_pack("{s:b}", "assignable", (int) assignable);
        json_object_set_new(json, "quarantine", assignable && (kept || device_guest(dev)) ? json_boolean(kept) : json_null());
        json_object_set_new(json, "permissive", assignable ? json_boolean(dev->permissive) : json_null());
        return json;
}

json_t *show_device_json(const ShowContext *context, const Dev *dev) {
        json_t *json = show_columns_json(context, dev);
        const Lease *lease = show_lease_of(context, dev);
        const VfInfo *info = device_vf_info(context->host, dev);

        json_object_set_new(json, "path", value_string(dev->path));
        json_object_set_new(json, "modalias", value_string(dev->modalias));
        json_object_set_new(json, "lease", lease ? lease_to_json(lease) : json_null());
        json_object_set_new(json, "vf_in_reset", info ? json_boolean(info->missing) : json_null());
        json_object_set_new(json, "group_members", group_members_json(context, dev));
        json_object_set_new(json, "bridges", bridges_json(context, dev));
        json_object_set_new(json, "nets", nets_json(dev));
        json_object_set_new(json, "capabilities", caps_json(dev));
        json_object_set_new(json, "pf_driver", driver_json(context, dev));
        json_object_set_new(json, "xen", xen_json(context, dev));
        json_object_set_new(json, "iommu", json_boolean(context->host->has_iommu));
        json_object_set_new(json, "interrupt_remapping", json_string(intremap_word(context->host->intremap)));
        return json;
}
