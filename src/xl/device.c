/* An entry of `pci = [ … ]` (xl-pci-configuration(5); read as xl reads it, tools/libs/util/libxlu_pci.c). */
#include "base/error.h"
#include "base/parse.h"
#include "xl/xl.h"

#include <string.h>

enum { SLOT_MAX = 0x1f, DOMAIN_MAX = 0xffff, ENTRY_MAX = 1024 };

static void append_switch(GString *out, const char *key, int value) {
        if (value >= 0)
                g_string_append_printf(out, ",%s=%d", key, value);
}

char *xl_device_format(const XenDevice *device) {
        char addr[PCI_ADDR_TEXT_SIZE];
        GString *out = g_string_new(NULL);

        pci_addr_format(device->host, addr);
        g_string_append(out, addr);
        /* As "@8" and not "vslot=8", which Xen before 4.15 does not know. */
        if (device->slot >= 0)
                g_string_append_printf(out, "@%x", (unsigned) device->slot);
        append_switch(out, "permissive", device->permissive);
        append_switch(out, "msitranslate", device->msitranslate);
        append_switch(out, "power_mgmt", device->power_mgmt);
        append_switch(out, "seize", device->seize);
        if (device->rdm != XEN_RDM_DEFAULT)
                g_string_append(out, device->rdm == XEN_RDM_STRICT ? ",rdm_policy=strict" : ",rdm_policy=relaxed");
        return g_string_free(out, FALSE);
}

/* What an entry said so far. */
typedef struct {
        XenDevice device;
        bool has_host;
        bool every_function; /* "01:10.*" */
        bool has_name;
} Entry;

/* Hex digits at *at, and then this character, which is skipped too ('\0': none). */
static bool take_hex(const char **at, char after, uint64_t max, uint64_t *ret) {
        size_t width = strspn(*at, "0123456789abcdefABCDEF");

        if (width == 0 || (after && (*at)[width] != after) || !parse_uint_n(*at, width, 16, 0, max, ret))
                return false;
        *at += width + (after ? 1 : 0);
        return true;
}

/* "[DDDD:]BB:SS.F" with as many digits as xl's scanf takes; a '*' is all functions. */
static bool take_host(const char **at, Entry *entry) {
        const char *text = *at;
        size_t run = strspn(text, "0123456789abcdefABCDEF:");
        unsigned colons = 0;
        uint64_t domain = 0, bus, slot, function = 0;

        for (size_t i = 0; i < run; i++)
                colons += text[i] == ':';
        if (colons < 1 || colons > 2 || (colons == 2 && !take_hex(&text, ':', DOMAIN_MAX, &domain)) ||
            !take_hex(&text, ':', UINT8_MAX, &bus) || !take_hex(&text, '.', SLOT_MAX, &slot))
                return false;
        entry->every_function = *text == '*';
        if (entry->every_function)
                text++;
        else if (!take_hex(&text, '\0', 7, &function))
                return false;
        entry->device.host = (PciAddr) {(uint32_t) domain, (uint8_t) bus, (uint8_t) slot, (uint8_t) function};
        entry->has_host = true;
        *at = text;
        return true;
}

static bool read_host(Entry *entry, const char *value) {
        return take_host(&value, entry) && !*value;
}

static bool take_slot(const char **at, Entry *entry) {
        uint64_t slot;
        if (!take_hex(at, '\0', SLOT_MAX, &slot))
                return false;
        entry->device.slot = (int) slot;
        return true;
}

static bool read_slot(Entry *entry, const char *value) {
        return take_slot(&value, entry) && !*value;
}

/* xl takes atoi(): what is no number is 0. */
static int as_switch(const char *value) {
        return g_ascii_strtoll(value, NULL, 10) != 0;
}

static bool read_permissive(Entry *entry, const char *value) {
        entry->device.permissive = as_switch(value);
        return true;
}

static bool read_msitranslate(Entry *entry, const char *value) {
        entry->device.msitranslate = as_switch(value);
        return true;
}

static bool read_power_mgmt(Entry *entry, const char *value) {
        entry->device.power_mgmt = as_switch(value);
        return true;
}

static bool read_seize(Entry *entry, const char *value) {
        entry->device.seize = as_switch(value);
        return true;
}

static bool read_rdm(Entry *entry, const char *value) {
        bool strict = g_str_equal(value, "strict");
        entry->device.rdm = strict ? XEN_RDM_STRICT : XEN_RDM_RELAXED;
        return strict || g_str_equal(value, "relaxed");
}

static bool read_name(Entry *entry, const char *value) {
        (void) value;
        entry->has_name = true;
        return true;
}

static const struct {
        const char *key;
        bool (*read)(Entry *entry, const char *value);
} keys[] = {
        {"bdf", read_host},
        {"vslot", read_slot},
        {"permissive", read_permissive},
        {"msitranslate", read_msitranslate},
        {"power_mgmt", read_power_mgmt},
        {"seize", read_seize},
        {"rdm_policy", read_rdm},
        {"name", read_name},
};

/* One "key=value" of `pair`. */
static bool read_pair(Entry *entry, const char *pair, GError **error) {
        const char *equals = strchr(pair, '=');
        size_t length = equals ? (size_t) (equals - pair) : 0;

        for (size_t i = 0; equals && i < G_N_ELEMENTS(keys); i++) {
                if (strlen(keys[i].key) != length || strncmp(keys[i].key, pair, length) != 0)
                        continue;
                if (keys[i].read(entry, equals + 1))
                        return true;
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "'%s' has no value that xl takes", pair);
                return false;
        }
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "'%s' is no word of a PCI entry of xl's", pair);
        return false;
}

/* The address and slot in front, if they are there; then *at is where the pairs begin. */
static bool read_front(const char **at, Entry *entry, GError **error) {
        if (!take_host(at, entry))
                return true;
        bool ok = **at != '@' || (++*at, take_slot(at, entry));
        if (ok && **at == ',')
                ++*at;
        else if (!ok || **at) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "'%s' is not understood after the address", *at);
                return false;
        }
        return true;
}

static bool check_entry(const Entry *entry, const char *text, GError **error) {
        if (entry->has_host == entry->has_name) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "'%s' must name its device once, by address or by name", text);
                return false;
        }
        if (entry->has_name || entry->every_function) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_UNSUPPORTED, "'%s' names %s", text,
                            entry->has_name ? "a device by a name that only xl knows" : "all functions of a device at once");
                return false;
        }
        return true;
}

static bool text_ok(const char *text, size_t length) {
        for (size_t i = 0; i < length; i++)
                if (!g_ascii_isprint(text[i]))
                        return false;
        return length > 0 && length <= ENTRY_MAX;
}

bool xl_device_parse(const char *text, size_t length, XenDevice *ret, GError **error) {
        Entry entry = {.device = xen_device_plain((PciAddr) {0})};

        if (!text_ok(text, length)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "an entry of xl's has 1 to %d printable ASCII characters", ENTRY_MAX);
                return false;
        }
        g_autofree char *whole = g_strndup(text, length);
        const char *at = whole;
        if (!read_front(&at, &entry, error))
                return false;
        while (*at) {
                size_t width = strcspn(at, ",");
                g_autofree char *pair = g_strndup(at, width);
                if (!read_pair(&entry, pair, error))
                        return false;
                at += width + (at[width] ? 1 : 0);
        }
        if (!check_entry(&entry, whole, error))
                return false;
        *ret = entry.device;
        return true;
}
