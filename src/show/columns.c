/* The table of columns and how each value is found. */
#include "show/columns.h"

#include "base/error.h"
#include "base/text.h"
#include "show/value.h"

#include <string.h>

static json_t *address_value(PciAddr addr) {
        char text[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(addr, text);
        return json_string(text);
}

static json_t *mac_value(const uint8_t mac[6]) {
        char text[MAC_TEXT_SIZE];
        mac_format(mac, text);
        return json_string(text);
}

static json_t *hex_value(unsigned digits, uint32_t value) {
        return json_sprintf("%0*x", (int) digits, value);
}

/* Columns in the order of the table below. */

static json_t *device_value(const ShowContext *context, const Dev *dev) {
        g_autofree char *nick = snapshot_nick(context->host, dev);
        return value_string(nick);
}

static json_t *bdf_value(const ShowContext *context, const Dev *dev) {
        return json_string(dev->name);
}

static json_t *kind_value(const ShowContext *context, const Dev *dev) {
        return json_string(kind_word(dev));
}

static json_t *pf_value(const ShowContext *context, const Dev *dev) {
        return dev->is_vf ? address_value(dev->pf) : json_null();
}

static json_t *vf_value(const ShowContext *context, const Dev *dev) {
        return dev->is_vf ? json_integer(dev->vf_index) : json_null();
}

static json_t *driver_value(const ShowContext *context, const Dev *dev) {
        return value_string(dev->driver);
}

static json_t *override_value(const ShowContext *context, const Dev *dev) {
        return value_string(dev->driver_override);
}

static json_t *netdev_value(const ShowContext *context, const Dev *dev) {
        const NetDev *net = dev_net(dev);
        return value_string(net ? net->name : NULL);
}

static json_t *up_value(const ShowContext *context, const Dev *dev) {
        const NetDev *net = dev_net(dev);
        return value_string(net ? net_word(net) : NULL);
}

/* The state of a VF, when its `bits` are known. */
static const VfState *known_state(const ShowContext *context, const Dev *dev, unsigned bits) {
        const VfState *state = snapshot_vf_state(context->host, dev);
        return state && (state->known & bits) == bits ? state : NULL;
}

/* A VF whose PF was told no MAC for it chose its own at random; that one is what is on the wire. */
static json_t *column_mac_value(const ShowContext *context, const Dev *dev) {
        const VfState *state = known_state(context, dev, VF_MAC);
        if (state && !mac_is_zero(state->mac))
                return mac_value(state->mac);
        const NetDev *net = dev_net(dev);
        return net && !mac_is_zero(net->mac) ? mac_value(net->mac) : json_null();
}

static json_t *vlan_value(const ShowContext *context, const Dev *dev) {
        const VfState *state = known_state(context, dev, VF_VLAN);
        return state ? json_integer(state->vlan) : json_null();
}

static json_t *trust_value(const ShowContext *context, const Dev *dev) {
        const VfState *state = known_state(context, dev, VF_TRUST);
        return state ? json_boolean(state->trust) : json_null();
}

static json_t *spoofchk_value(const ShowContext *context, const Dev *dev) {
        const VfState *state = known_state(context, dev, VF_SPOOFCHK);
        return state ? json_boolean(state->spoofchk) : json_null();
}

static json_t *link_value(const ShowContext *context, const Dev *dev) {
        const VfState *state = known_state(context, dev, VF_LINK);
        if (!state)
                return json_null();
        return json_string(state->link == VF_LINK_ON ? "on" : state->link == VF_LINK_OFF ? "off" : "auto");
}

static json_t *state_value(const ShowContext *context, const Dev *dev) {
        const VfState *state = known_state(context, dev, 0);
        return state ? vf_state_to_json(state, VF_ALL) : json_null();
}

static char *state_text(const json_t *value) {
        VfState state;
        return vf_state_from_json(value, &state) ? vf_state_format(&state, VF_ALL) : NULL;
}

static json_t *group_value(const ShowContext *context, const Dev *dev) {
        return dev->iommu_group >= 0 ? json_integer(dev->iommu_group) : json_null();
}

static json_t *numa_value(const ShowContext *context, const Dev *dev) {
        return dev->numa_node >= 0 ? json_integer(dev->numa_node) : json_null();
}

static json_t *vfs_value(const ShowContext *context, const Dev *dev) {
        if (!dev->is_pf)
                return json_null();
        return json_pack("{s:i, s:i, s:b}", "enabled", (int) dev->num_vfs, "total", (int) dev->total_vfs, "autoprobe",
                         (int) dev->autoprobe);
}

static char *vfs_text(const json_t *value) {
        return g_strdup_printf("%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
                               json_integer_value(json_object_get(value, "enabled")),
                               json_integer_value(json_object_get(value, "total")));
}

static const char *const use_words[] = {
        [USE_HOST] = "host",
        [USE_PROCESS] = "process",
        [USE_GUEST] = "guest",
        [USE_NETWORK] = "network",
        [USE_STORAGE] = "storage",
};

static json_t *lease_as_use(const Lease *lease) {
        g_autofree char *what = g_strdup_printf("leased to %s (#%" G_GINT64_FORMAT ")%s", lease->guest, lease->id,
                                                lease->state == LEASE_PENDING ? ", which has not let go yet" : "");
        json_t *use = json_pack("{s:s, s:I}", "kind", "lease", "lease", (json_int_t) lease->id);
        json_object_set_new(use, "guest", value_string(lease->guest));
        json_object_set_new(use, "pid", lease->pid > 0 ? json_integer(lease->pid) : json_null());
        json_object_set_new(use, "what", value_string(what));
        return use;
}

static json_t *used_by_value(const ShowContext *context, const Dev *dev) {
        json_t *uses = json_array();
        const Lease *lease = show_lease_of(context, dev);
        if (lease)
                json_array_append_new(uses, lease_as_use(lease));
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                json_t *json = json_pack("{s:s}", "kind", use_words[use->kind]);
                json_object_set_new(json, "guest", value_string(use->guest));
                json_object_set_new(json, "pid", use->pid > 0 ? json_integer(use->pid) : json_null());
                json_object_set_new(json, "what", value_string(use->what));
                json_array_append_new(uses, json);
        }
        return uses;
}

/* The process that holds a leased device is the guest that the lease names already. */
static char *used_by_text(const json_t *value) {
        GString *text = g_string_new(NULL);
        json_int_t holder = 0;

        for (size_t i = 0; i < json_array_size(value); i++) {
                const json_t *use = json_array_get(value, i);
                bool is_lease = json_object_get(use, "lease");
                json_int_t pid = json_integer_value(json_object_get(use, "pid"));
                if (is_lease)
                        holder = pid;
                else if (holder && pid == holder)
                        continue;
                g_string_append_printf(text, "%s%s", text->len ? "; " : "", json_string_value(json_object_get(use, "what")));
        }
        return g_string_free(text, FALSE);
}

/* It waits for a guest of Xen's. */
static char *assignable_text(const ShowContext *context, const Dev *dev) {
        return context->host->xen_dom0 && driver_is_xen(dev->driver) ? g_strdup("assignable to Xen guests") : NULL;
}

static json_t *lease_value(const ShowContext *context, const Dev *dev) {
        const Lease *lease = show_lease_of(context, dev);
        if (!lease)
                return json_null();
        json_t *json = json_pack("{s:I, s:s}", "id", (json_int_t) lease->id, "state",
                                 lease->state == LEASE_PENDING ? "pending" : "active");
        json_object_set_new(json, "guest", value_string(lease->guest));
        return json;
}

static char *lease_text(const json_t *value) {
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(value, "id")));
}

static json_t *id_value(const ShowContext *context, const Dev *dev) {
        json_t *id = json_object();
        json_object_set_new(id, "vendor", hex_value(4, dev->vendor));
        json_object_set_new(id, "device", hex_value(4, dev->device));
        json_object_set_new(id, "subvendor", hex_value(4, dev->subvendor));
        json_object_set_new(id, "subdevice", hex_value(4, dev->subdevice));
        json_object_set_new(id, "revision", hex_value(2, dev->revision));
        return id;
}

static char *id_text(const json_t *value) {
        return g_strdup_printf("%s:%s", json_string_value(json_object_get(value, "vendor")),
                               json_string_value(json_object_get(value, "device")));
}

static json_t *class_value(const ShowContext *context, const Dev *dev) {
        json_t *class = json_pack("{s:s}", "word", class_word(dev->class_code));
        json_object_set_new(class, "code", hex_value(6, dev->class_code));
        return class;
}

static char *class_text(const json_t *value) {
        return g_strdup(json_string_value(json_object_get(value, "word")));
}

static json_t *name_value(const ShowContext *context, const Dev *dev) {
        if (!dev->vendor_name && !dev->device_name)
                return json_null();
        g_autofree char *name = g_strdup_printf("%s%s%s", dev->vendor_name ? dev->vendor_name : "",
                                                dev->vendor_name && dev->device_name ? " " : "",
                                                dev->device_name ? dev->device_name : "");
        return value_string(name);
}

static json_t *parent_value(const ShowContext *context, const Dev *dev) {
        return dev->has_parent ? address_value(dev->parent) : json_null();
}

static json_t *slot_value(const ShowContext *context, const Dev *dev) {
        return value_string(dev->slot);
}

static json_t *reset_value(const ShowContext *context, const Dev *dev) {
        if (!dev->reset_methods)
                return json_null();
        json_t *methods = json_array();
        for (char **method = dev->reset_methods; *method; method++)
                json_array_append_new(methods, value_string(*method));
        return methods;
}

static char *joined_text(const json_t *value) {
        GString *text = g_string_new(NULL);
        for (size_t i = 0; i < json_array_size(value); i++)
                g_string_append_printf(text, "%s%s", text->len ? "," : "", json_string_value(json_array_get(value, i)));
        return g_string_free(text, FALSE);
}

static json_t *blocks_value(const ShowContext *context, const Dev *dev) {
        return value_strings(dev->blocks);
}

static json_t *libvirt_value(const ShowContext *context, const Dev *dev) {
        char text[PCI_ADDR_TEXT_SIZE];
        pci_addr_format_libvirt(dev->addr, text);
        return json_string(text);
}

#define NUMBER .right = true
#define STATE .needs = SHOW_NEEDS_VF_STATE

const Column columns[] = {
        {"DEVICE", "device", "name to type: the PF's network device, PF/NUMBER for a VF, else the address",
         .value = device_value},
        {"BDF", "address", "PCI address, with its domain", .value = bdf_value},
        {"KIND", "kind", "pf, vf, or function (no SR-IOV)", .value = kind_value},
        {"PF", "pf", "VFs: PCI address of the PF", .value = pf_value},
        {"VF", "vf", "VFs: number of the VF on its PF, from 0", NUMBER, .value = vf_value},
        {"DRIVER", "driver", "kernel driver bound to it", .value = driver_value},
        {"OVERRIDE", "driver_override", "the only driver that may bind (driver_override)", .value = override_value},
        {"NETDEV", "netdev", "network device of this host", .value = netdev_value},
        {"UP", "netdev_state", "state of that network device: up, no-carrier or down", .value = up_value},
        {"MAC", "mac", "VFs: the MAC its PF gave it; otherwise that of the network device", STATE,
         .value = column_mac_value},
        {"VLAN", "vlan", "VFs: the VLAN that the card puts on its frames, 0 for none", STATE, NUMBER, .value = vlan_value},
        {"TRUST", "trust", "VFs: may change its MAC and receive everything", STATE, .value = trust_value},
        {"SPOOFCHK", "spoofchk", "VFs: frames from another MAC are dropped", STATE, .value = spoofchk_value},
        {"LINK", "link", "VFs: link as the VF sees it: auto (as the PF's), on or off", STATE, .value = link_value},
        {"STATE", "state", "VFs: all of its admin state, as 'vfadm set' takes it", STATE, .cut = true,
         .value = state_value, .text = state_text},
        {"GROUP", "group", "IOMMU group", NUMBER, .value = group_value},
        {"NUMA", "numa", "NUMA node", NUMBER, .value = numa_value},
        {"VFS", "vfs", "PFs: VFs that are on, and the most there can be", NUMBER, .value = vfs_value, .text = vfs_text},
        {"USED-BY", "used_by", "who uses it: lease, guest or process, this host, its network device",
         .needs = SHOW_NEEDS_USES, .cut = true, .value = used_by_value, .text = used_by_text, .idle = assignable_text},
        {"LEASE", "lease", "number of its lease", NUMBER, .value = lease_value, .text = lease_text},
        {"ID", "id", "vendor and device", .value = id_value, .text = id_text},
        {"CLASS", "class", "kind of device in a word", .value = class_value, .text = class_text},
        {"NAME", "name", "vendor and device by name", .needs = SHOW_NEEDS_NAMES, .cut = true, .value = name_value},
        {"PARENT", "parent", "the bridge above it", .value = parent_value},
        {"SLOT", "slot", "physical slot", .value = slot_value},
        {"RESET", "reset_methods", "ways in which it can be reset, the first one is used", .value = reset_value,
         .text = joined_text},
        {"BLOCK", "blocks", "block devices on it", .value = blocks_value, .text = joined_text},
        {"LIBVIRT", "libvirt", "libvirt's name of it", .value = libvirt_value},
        {NULL},
};

const char show_columns_list[] = "DEVICE,BDF,DRIVER,NETDEV,MAC,VLAN,GROUP,NUMA,VFS,USED-BY";
const char show_columns_all[] = "BDF,NETDEV,CLASS,DRIVER,GROUP,NUMA,USED-BY,NAME";

char *column_text(const Column *column, const ShowContext *context, const Dev *dev) {
        json_t *value = column->value(context, dev);
        char *text = NULL;

        if (json_is_null(value))
                ;
        else if (column->text)
                text = column->text(value);
        else if (json_is_integer(value))
                text = g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
        else if (json_is_boolean(value))
                text = g_strdup(json_is_true(value) ? "on" : "off");
        else
                text = g_strdup(json_string_value(value));
        json_decref(value);
        if (column->idle && (!text || !*text)) {
                g_free(text);
                text = column->idle(context, dev);
        }
        return text;
}

json_t *show_columns_json(const ShowContext *context, const Dev *dev) {
        json_t *json = json_object();
        for (const Column *column = columns; column->name; column++)
                json_object_set_new(json, column->key, column->value(context, dev));
        return json;
}

static bool add_columns(GArray *numbers, const char *words, GError **error) {
        g_auto(GStrv) list = g_strsplit(words, ",", -1);

        for (char **word = list; *word; word++) {
                unsigned n = 0;
                while (columns[n].name && g_ascii_strcasecmp(columns[n].name, *word) != 0)
                        n++;
                if (!columns[n].name) {
                        g_autofree char *safe = value_safe(*word);
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                                    "-o: there is no column '%s'; 'vfadm help list' names them", safe);
                        return false;
                }
                g_array_append_val(numbers, n);
        }
        return true;
}

GArray *show_columns_parse(const char *words, const char *standard, GError **error) {
        g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(unsigned));
        bool adds = words && *words == '+';

        if ((!words || adds) && !add_columns(numbers, standard, error))
                return NULL;
        if (words && !add_columns(numbers, words + adds, error))
                return NULL;
        return g_steal_pointer(&numbers);
}

unsigned show_columns_need(const GArray *numbers) {
        unsigned needs = 0;
        for (unsigned i = 0; i < numbers->len; i++)
                needs |= columns[g_array_index(numbers, unsigned, i)].needs;
        return needs;
}

char *show_columns_help(void) {
        GString *text = g_string_new(NULL);
        for (const Column *column = columns; column->name; column++)
                g_string_append_printf(text, "  %-9s %s\n", column->name, column->help);
        return g_string_free(text, FALSE);
}
