/* What configuration files say of single VFs: systemd's [SR-IOV], NetworkManager's vf.N, and ip-link(8). */
#include "host/mechanisms.h"

#include "base/parse.h"
#include "base/text.h"
#include "host/text_parsers.h"

#include <string.h>

MechanismVf *vfs_entry(GArray **vfs, unsigned index) {
        if (!*vfs)
                *vfs = g_array_new(FALSE, TRUE, sizeof(MechanismVf));
        for (unsigned i = 0; i < (*vfs)->len; i++)
                if (g_array_index(*vfs, MechanismVf, i).index == index)
                        return &g_array_index(*vfs, MechanismVf, i);
        if ((*vfs)->len >= MECHANISM_VFS_MAX)
                return NULL;
        g_array_append_val(*vfs, ((MechanismVf) {.index = index}));
        return &g_array_index(*vfs, MechanismVf, (*vfs)->len - 1);
}

void more_add(char **more, const char *what) {
        g_autofree char *cut = g_strndup(what, 80);
        g_autofree char *safe = text_printable(cut);

        if (*more && (strlen(*more) > 200 || strstr(*more, safe)))
                return;
        char *joined = *more ? g_strconcat(*more, ", ", safe, NULL) : g_strdup(safe);
        g_free(*more);
        *more = joined;
}

/* ---- values ---- */

static bool set_mac(VfState *vf, const char *value) {
        uint8_t mac[6];

        if (!parse_mac(value, mac) || mac_is_multicast(mac) || mac_is_zero(mac))
                return false;
        memcpy(vf->mac, mac, sizeof mac);
        vf->known |= VF_MAC;
        return true;
}

static bool set_vlan(VfState *vf, const char *value) {
        uint32_t vlan;

        if (!parse_u32(value, 0, 4094, &vlan))
                return false;
        vf->vlan = (uint16_t) vlan;
        vf->proto = vf->proto ? vf->proto : VLAN_PROTO_8021Q;
        vf->known |= VF_VLAN;
        return true;
}

static bool set_qos(VfState *vf, const char *value) {
        uint32_t qos;

        if (!parse_u32(value, 0, 7, &qos))
                return false;
        vf->qos = (uint8_t) qos;
        return true;
}

static bool set_protocol(VfState *vf, const char *value) {
        bool outer = g_ascii_strcasecmp(value, "802.1ad") == 0 || g_str_equal(value, "ad");

        vf->proto = outer ? VLAN_PROTO_8021AD : VLAN_PROTO_8021Q;
        return outer || g_ascii_strcasecmp(value, "802.1Q") == 0 || g_str_equal(value, "q");
}

static bool set_flag(VfState *vf, unsigned bit, const char *value) {
        bool on;

        if (!parse_on_off(value, &on))
                return false;
        if (bit == VF_TRUST)
                vf->trust = on;
        else
                vf->spoofchk = on;
        vf->known |= bit;
        return true;
}

static bool set_link(VfState *vf, const char *value) {
        bool on;

        if (g_str_equal(value, "auto"))
                vf->link = VF_LINK_AUTO;
        else if (g_str_equal(value, "enable") || g_str_equal(value, "disable"))
                vf->link = value[0] == 'e' ? VF_LINK_ON : VF_LINK_OFF;
        else if (parse_on_off(value, &on))
                vf->link = on ? VF_LINK_ON : VF_LINK_OFF;
        else
                return false;
        vf->known |= VF_LINK;
        return true;
}

static bool set_rate(VfState *vf, unsigned bit, const char *value) {
        uint32_t rate;

        if (!parse_u32(value, 0, UINT32_MAX, &rate))
                return false;
        if (bit == VF_MIN_RATE)
                vf->min_rate = rate;
        else
                vf->max_rate = rate;
        vf->known |= bit;
        return true;
}

/* ---- systemd ---- */

bool sriov_key_parse(VfState *vf, const char *key, const char *value) {
        if (!*value)
                return true;
        if (g_str_equal(key, "MACAddress"))
                return set_mac(vf, value);
        if (g_str_equal(key, "VLANId"))
                return set_vlan(vf, value);
        if (g_str_equal(key, "QualityOfService"))
                return set_qos(vf, value);
        if (g_str_equal(key, "VLANProtocol"))
                return set_protocol(vf, value);
        if (g_str_equal(key, "MACSpoofCheck"))
                return set_flag(vf, VF_SPOOFCHK, value);
        if (g_str_equal(key, "Trust"))
                return set_flag(vf, VF_TRUST, value);
        return g_str_equal(key, "LinkState") && set_link(vf, value);
}

/* ---- NetworkManager: nm-settings-keyfile(5), libnm-core's nm_utils_sriov_vf_from_str() ---- */

/* "42.3.ad", and others parted by ';', of which the kernel's drivers take one. */
static bool nm_vlans(VfState *vf, const char *value) {
        g_auto(GStrv) parts = g_strsplit(value, ".", 4);

        if (strchr(value, ';') || g_strv_length(parts) > 3 || !set_vlan(vf, parts[0] ? parts[0] : ""))
                return false;
        return (!parts[1] || set_qos(vf, parts[1])) && (!parts[1] || !parts[2] || set_protocol(vf, parts[2]));
}

static bool nm_word(VfState *vf, const char *key, const char *value) {
        if (g_str_equal(key, "mac"))
                return set_mac(vf, value);
        if (g_str_equal(key, "spoof-check"))
                return set_flag(vf, VF_SPOOFCHK, value);
        if (g_str_equal(key, "trust"))
                return set_flag(vf, VF_TRUST, value);
        if (g_str_equal(key, "min-tx-rate"))
                return set_rate(vf, VF_MIN_RATE, value);
        if (g_str_equal(key, "max-tx-rate"))
                return set_rate(vf, VF_MAX_RATE, value);
        return g_str_equal(key, "vlans") && nm_vlans(vf, value);
}

void nm_vf_parse(VfState *vf, const char *value, char **more) {
        g_auto(GStrv) words = g_strsplit_set(value, " \t", 64);

        for (char **word = words; *word; word++) {
                g_auto(GStrv) pair = g_strsplit(*word, "=", 2);
                if (**word && !(pair[1] && nm_word(vf, pair[0], pair[1])))
                        more_add(more, *word);
        }
}

/* ---- ip-link(8) ---- */

static bool ip_word(VfState *vf, const char *key, const char *value) {
        if (g_str_equal(key, "mac"))
                return set_mac(vf, value);
        if (g_str_equal(key, "vlan"))
                return set_vlan(vf, value);
        if (g_str_equal(key, "qos"))
                return set_qos(vf, value);
        if (g_str_equal(key, "proto"))
                return set_protocol(vf, value);
        if (g_str_equal(key, "spoofchk"))
                return set_flag(vf, VF_SPOOFCHK, value);
        if (g_str_equal(key, "trust"))
                return set_flag(vf, VF_TRUST, value);
        if (g_str_equal(key, "state"))
                return set_link(vf, value);
        if (g_str_equal(key, "min_tx_rate"))
                return set_rate(vf, VF_MIN_RATE, value);
        return (g_str_equal(key, "max_tx_rate") || g_str_equal(key, "rate")) && set_rate(vf, VF_MAX_RATE, value);
}

bool ip_vf_parse(GArray **vfs, const char *words, size_t length, char **more) {
        g_autofree char *text = g_strndup(words, length);
        g_auto(GStrv) list = g_strsplit_set(text, " \t", 128);
        g_autoptr(GPtrArray) parts = g_ptr_array_new();
        MechanismVf *vf = NULL;

        for (char **word = list; *word; word++)
                if (**word)
                        g_ptr_array_add(parts, *word);
        for (unsigned i = 0; i < parts->len; i += 2) {
                const char *key = parts->pdata[i], *value = i + 1 < parts->len ? parts->pdata[i + 1] : "";
                int64_t index = g_str_equal(key, "vf") ? count_parse(value) : -1;
                if (g_str_equal(key, "vf") && (index < 0 || !(vf = vfs_entry(vfs, (unsigned) index))))
                        return false;
                if (index < 0 && !(vf && ip_word(&vf->vf, key, value)))
                        more_add(more, key);
        }
        return vf != NULL;
}

/* ---- shells ---- */

static bool is_known_command(const char *command) {
        static const char *const attributes[] = {"sriov_numvfs", "driver_override", "sriov_drivers_autoprobe"};

        if (!*command || g_str_has_prefix(command, "sleep "))
                return true;
        for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++) {
                const char *at = command;
                g_auto(AttrWrite) write = {0};
                if (g_str_has_prefix(command, "echo ") && attr_write_next(&at, command, attributes[i], &write) && write.value)
                        return true;
        }
        const char *ip = g_str_has_prefix(command, "/") && strchr(command, ' ') ? g_strrstr_len(command, strchr(command, ' ') - command, "/") + 1 : command;
        return (g_str_has_prefix(ip, "ip link set ") && strstr(ip, " vf ")) || g_str_has_prefix(ip, "vfadm enable ");
}

char *shell_stranger(const char *text) {
        g_autofree char *copy = g_strstrip(g_strdup(text));
        char *script = copy, *shell = strstr(copy, "sh -c");

        if (shell && memchr(copy, ' ', (size_t) (shell - copy)) == NULL)
                script = shell + strlen("sh -c");
        g_auto(GStrv) parts = g_strsplit_set(script, ";&\"'", 64);
        for (char **part = parts; *part; part++)
                if (!is_known_command(g_strstrip(*part)))
                        return g_strdup(*part);
        return NULL;
}
