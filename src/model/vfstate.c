/* A VF's administrative state: comparing, printing, parsing. */
#include "model/vfstate.h"

#include "base/parse.h"
#include "base/text.h"

#include <glib.h>
#include <string.h>

/* The words are ip link's where ip has one; order is the order in which they are printed. */
static const struct {
        unsigned bit;
        const char *name;
} attributes[] = {
        {VF_MAC, "mac"},   {VF_VLAN, "vlan"},         {VF_TRUST, "trust"},       {VF_SPOOFCHK, "spoofchk"},
        {VF_LINK, "link"}, {VF_MIN_RATE, "min-rate"}, {VF_MAX_RATE, "max-rate"},
};

static const char *const link_words[] = {[VF_LINK_AUTO] = "auto", [VF_LINK_ON] = "on", [VF_LINK_OFF] = "off"};

const char *vf_attribute_name(unsigned bit) {
        for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
                if (attributes[i].bit == bit)
                        return attributes[i].name;
        return "?";
}

static bool vlan_equal(const VfState *a, const VfState *b) {
        if (a->vlan != b->vlan || a->qos != b->qos)
                return false;
        /* Without a tag the protocol means nothing, and drivers report what they like. */
        return (a->vlan == 0 && a->qos == 0) || a->proto == b->proto;
}

static bool field_equal(const VfState *a, const VfState *b, unsigned bit) {
        switch (bit) {
        case VF_MAC:
                return memcmp(a->mac, b->mac, sizeof a->mac) == 0;
        case VF_VLAN:
                return vlan_equal(a, b);
        case VF_SPOOFCHK:
                return a->spoofchk == b->spoofchk;
        case VF_TRUST:
                return a->trust == b->trust;
        case VF_LINK:
                return a->link == b->link;
        case VF_MIN_RATE:
                return a->min_rate == b->min_rate;
        case VF_MAX_RATE:
                return a->max_rate == b->max_rate;
        default:
                return true;
        }
}

unsigned vf_state_diff(const VfState *have, const VfState *want, unsigned mask) {
        unsigned diff = 0;
        for (unsigned bit = 1; bit & VF_ALL; bit <<= 1)
                if ((mask & bit) && (!(have->known & bit) || !field_equal(have, want, bit)))
                        diff |= bit;
        return diff;
}

void vf_state_copy(VfState *to, const VfState *from, unsigned mask) {
        if (mask & VF_MAC)
                memcpy(to->mac, from->mac, sizeof to->mac);
        if (mask & VF_VLAN) {
                to->vlan = from->vlan;
                to->qos = from->qos;
                to->proto = from->proto;
        }
        if (mask & VF_SPOOFCHK)
                to->spoofchk = from->spoofchk;
        if (mask & VF_TRUST)
                to->trust = from->trust;
        if (mask & VF_LINK)
                to->link = from->link;
        if (mask & VF_MIN_RATE)
                to->min_rate = from->min_rate;
        if (mask & VF_MAX_RATE)
                to->max_rate = from->max_rate;
        to->known |= mask;
}

static void append_vlan(GString *text, const VfState *state) {
        g_string_append_printf(text, "%u", state->vlan);
        if (state->qos)
                g_string_append_printf(text, ".%u", state->qos);
        if ((state->vlan || state->qos) && state->proto == VLAN_PROTO_8021AD)
                g_string_append(text, "/802.1ad");
}

static void append_value(GString *text, const VfState *state, unsigned bit) {
        char mac[MAC_TEXT_SIZE];

        switch (bit) {
        case VF_MAC:
                mac_format(state->mac, mac);
                g_string_append(text, mac);
                break;
        case VF_VLAN:
                append_vlan(text, state);
                break;
        case VF_SPOOFCHK:
                g_string_append(text, state->spoofchk ? "on" : "off");
                break;
        case VF_TRUST:
                g_string_append(text, state->trust ? "on" : "off");
                break;
        case VF_LINK:
                g_string_append(text, link_words[state->link]);
                break;
        case VF_MIN_RATE:
                g_string_append_printf(text, "%u", state->min_rate);
                break;
        case VF_MAX_RATE:
                g_string_append_printf(text, "%u", state->max_rate);
                break;
        }
}

char *vf_state_format(const VfState *state, unsigned mask) {
        GString *text = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
                if (mask & state->known & attributes[i].bit) {
                        g_string_append_printf(text, "%s%s=", text->len ? " " : "", attributes[i].name);
                        append_value(text, state, attributes[i].bit);
                }
        return g_string_free(text, FALSE);
}

static bool parse_vlan(const char *value, VfState *state, char **message) {
        g_auto(GStrv) parts = g_strsplit(value, "/", 2);
        g_auto(GStrv) tag = g_strsplit(parts[0] ? parts[0] : "", ".", 2);
        uint32_t vlan, qos = 0;
        uint16_t proto = VLAN_PROTO_8021Q;

        /* 4095 is reserved by 802.1Q; 0 takes the tag away. */
        if (!tag[0] || !parse_u32(tag[0], 0, 4094, &vlan)) {
                *message = g_strdup_printf("vlan=%s: a VLAN is a number from 0 (none) to 4094", value);
                return false;
        }
        if (tag[1] && !parse_u32(tag[1], 0, 7, &qos)) {
                *message = g_strdup_printf("vlan=%s: the QoS after the dot is a number from 0 to 7", value);
                return false;
        }
        if (parts[1]) {
                if (g_ascii_strcasecmp(parts[1], "802.1ad") == 0)
                        proto = VLAN_PROTO_8021AD;
                else if (g_ascii_strcasecmp(parts[1], "802.1q") != 0) {
                        *message = g_strdup_printf("vlan=%s: the protocol after the slash is 802.1Q or 802.1ad", value);
                        return false;
                }
        }
        state->vlan = (uint16_t) vlan;
        state->qos = (uint8_t) qos;
        state->proto = proto;
        return true;
}

static bool parse_admin_mac(const char *value, VfState *state, char **message) {
        uint8_t mac[6];

        if (!parse_mac(value, mac)) {
                *message = g_strdup_printf("mac=%s: a MAC is six pairs of hex digits, as in 02:00:00:00:00:01", value);
                return false;
        }
        if (mac_is_multicast(mac)) { /* every driver answers EINVAL: field-facts 13 */
                *message = g_strdup_printf("mac=%s is a multicast address: the first pair must be even, as in 02:…", value);
                return false;
        }
        memcpy(state->mac, mac, sizeof mac);
        return true;
}

static bool parse_link(const char *value, VfState *state, char **message) {
        for (size_t i = 0; i < G_N_ELEMENTS(link_words); i++)
                if (g_str_equal(value, link_words[i])) {
                        state->link = (VfLink) i;
                        return true;
                }
        *message = g_strdup_printf("link=%s: the link state of a VF is auto, on or off", value);
        return false;
}

static bool parse_flag(const char *key, const char *value, bool *ret, char **message) {
        if (parse_on_off(value, ret))
                return true;
        *message = g_strdup_printf("%s=%s: give on or off", key, value);
        return false;
}

static bool parse_rate(const char *key, const char *value, uint32_t *ret, char **message) {
        if (parse_u32(value, 0, UINT32_MAX, ret))
                return true;
        *message = g_strdup_printf("%s=%s: a rate is a whole number of Mbit/s, 0 for no limit", key, value);
        return false;
}

bool vf_state_parse_word(const char *key, const char *value, VfState *state, bool *is_attribute, char **message) {
        unsigned bit = 0;
        bool ok = false;

        for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
                if (g_str_equal(key, attributes[i].name))
                        bit = attributes[i].bit;
        *is_attribute = bit != 0;
        switch (bit) {
        case VF_MAC:
                ok = parse_admin_mac(value, state, message);
                break;
        case VF_VLAN:
                ok = parse_vlan(value, state, message);
                break;
        case VF_SPOOFCHK:
                ok = parse_flag(key, value, &state->spoofchk, message);
                break;
        case VF_TRUST:
                ok = parse_flag(key, value, &state->trust, message);
                break;
        case VF_LINK:
                ok = parse_link(value, state, message);
                break;
        case VF_MIN_RATE:
                ok = parse_rate(key, value, &state->min_rate, message);
                break;
        case VF_MAX_RATE:
                ok = parse_rate(key, value, &state->max_rate, message);
                break;
        }
        if (ok)
                state->known |= bit;
        return ok;
}

json_t *vf_state_to_json(const VfState *state, unsigned mask) {
        json_t *json = json_object();
        char mac[MAC_TEXT_SIZE];

        mask &= state->known;
        if (mask & VF_MAC) {
                mac_format(state->mac, mac);
                json_object_set_new(json, "mac", json_string(mac));
        }
        if (mask & VF_VLAN) {
                json_object_set_new(json, "vlan", json_integer(state->vlan));
                json_object_set_new(json, "qos", json_integer(state->qos));
                json_object_set_new(json, "protocol", json_string(state->proto == VLAN_PROTO_8021AD ? "802.1ad" : "802.1Q"));
        }
        if (mask & VF_TRUST)
                json_object_set_new(json, "trust", json_boolean(state->trust));
        if (mask & VF_SPOOFCHK)
                json_object_set_new(json, "spoofchk", json_boolean(state->spoofchk));
        if (mask & VF_LINK)
                json_object_set_new(json, "link", json_string(link_words[state->link]));
        if (mask & VF_MIN_RATE)
                json_object_set_new(json, "min_rate", json_integer(state->min_rate));
        if (mask & VF_MAX_RATE)
                json_object_set_new(json, "max_rate", json_integer(state->max_rate));
        return json;
}

static bool take_integer(const json_t *json, const char *key, json_int_t max, json_int_t *ret) {
        const json_t *value = json_object_get(json, key);
        if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
                return false;
        *ret = json_integer_value(value);
        return true;
}

static bool take_bool(const json_t *json, const char *key, unsigned bit, VfState *state, bool *ret) {
        const json_t *value = json_object_get(json, key);
        if (!value)
                return true;
        if (!json_is_boolean(value))
                return false;
        *ret = json_is_true(value);
        state->known |= bit;
        return true;
}

static bool take_rate(const json_t *json, const char *key, unsigned bit, VfState *state, uint32_t *ret) {
        json_int_t value;
        if (!json_object_get(json, key))
                return true;
        if (!take_integer(json, key, UINT32_MAX, &value))
                return false;
        *ret = (uint32_t) value;
        state->known |= bit;
        return true;
}

static bool take_vlan(const json_t *json, VfState *state) {
        json_int_t vlan, qos = 0;
        if (!json_object_get(json, "vlan"))
                return true;
        if (!take_integer(json, "vlan", 4095, &vlan) || !take_integer(json, "qos", 7, &qos))
                return false;
        const char *protocol = json_string_value(json_object_get(json, "protocol"));
        state->vlan = (uint16_t) vlan;
        state->qos = (uint8_t) qos;
        state->proto = protocol && g_str_equal(protocol, "802.1ad") ? VLAN_PROTO_8021AD : VLAN_PROTO_8021Q;
        state->known |= VF_VLAN;
        return true;
}

bool vf_state_from_json(const json_t *json, VfState *ret) {
        VfState state = {0};
        g_autofree char *message = NULL;

        const json_t *mac = json_object_get(json, "mac");
        if (mac && !(json_is_string(mac) && parse_mac(json_string_value(mac), state.mac)))
                return false;
        if (mac)
                state.known |= VF_MAC;
        const json_t *link = json_object_get(json, "link");
        if (link && !(json_is_string(link) && parse_link(json_string_value(link), &state, &message)))
                return false;
        if (link)
                state.known |= VF_LINK;
        if (!json_is_object(json) || !take_vlan(json, &state) ||
            !take_bool(json, "trust", VF_TRUST, &state, &state.trust) ||
            !take_bool(json, "spoofchk", VF_SPOOFCHK, &state, &state.spoofchk) ||
            !take_rate(json, "min_rate", VF_MIN_RATE, &state, &state.min_rate) ||
            !take_rate(json, "max_rate", VF_MAX_RATE, &state, &state.max_rate))
                return false;
        *ret = state;
        return true;
}
