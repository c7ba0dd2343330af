/* The keys of configuration files, and what each may be. */
#include "want/keys.h"

#include "base/parse.h"
#include "base/text.h"

#include <string.h>

enum {
        WORDS_MAX = 256,
        WORD_MAX = 1024,
        NAME_MAX_BYTES = 63, /* of a driver; it becomes part of a sysfs path and of a module's name */
        IFNAME_MAX = 15,     /* IFNAMSIZ without the NUL */
};

static const char wildcards[] = "*?[]!";

/* ---- words ---- */

static bool known(VfState *state, unsigned bit, bool yes) {
        state->known = yes ? state->known | bit : state->known & ~bit;
        return true;
}

/* "yes", "no" and what else parse_on_off() takes, in any case. */
static bool take_flag(const char *value, bool *ret) {
        g_autofree char *lower = value ? g_ascii_strdown(value, -1) : NULL;
        return !value || parse_on_off(lower, ret);
}

/* Appends the words of a value; `made` gives what is kept of one, or NULL when it is none. */
static bool take_words(GPtrArray *words, const char *value, char *(*made)(const char *word)) {
        g_auto(GStrv) typed = g_strsplit_set(value, " \t", -1);
        const unsigned before = words->len;

        for (char **word = typed; *word; word++) {
                if (!**word)
                        continue;
                char *kept = words->len < WORDS_MAX && strlen(*word) <= WORD_MAX ? made(*word) : NULL;
                if (!kept)
                        return false;
                g_ptr_array_add(words, kept);
        }
        return words->len > before;
}

/* What a name in sysfs is made of, wildcards too where `with_wildcards`. */
static bool is_name(const char *word, size_t max, bool with_wildcards) {
        size_t n = 0;

        for (; word[n]; n++) {
                const unsigned char c = (unsigned char) word[n];
                if (c <= ' ' || c == 0x7f || c == '/' || (!with_wildcards && strchr(wildcards, c)))
                        return false;
        }
        return n > 0 && n <= max && word[0] != '.';
}

/* ---- [Match] ---- */

static char *made_mac(const char *word) {
        char text[MAC_TEXT_SIZE];
        uint8_t mac[6];

        if (!parse_mac(word, mac) || mac_is_multicast(mac) || mac_is_zero(mac))
                return NULL;
        mac_format(mac, text);
        return g_strdup(text);
}

static char *made_address(const char *word) {
        char text[PCI_ADDR_TEXT_SIZE];
        PciAddr addr;

        if (!pci_addr_parse(word, &addr))
                return NULL;
        pci_addr_format(addr, text);
        return g_strdup(text);
}

/* Dev.path begins with the host bridge, "pci0000:00". udev's own way to say a path, "pci-0000:01:00.0", would never fit. */
static char *made_path(const char *word) {
        for (const char *p = word; *p; p++)
                if ((unsigned char) *p <= ' ' || *p == 0x7f)
                        return NULL;
        const bool rooted = g_str_has_prefix(word, "pci") && (g_ascii_isxdigit(word[3]) || (word[3] && strchr(wildcards, word[3])));
        return rooted || (word[0] && strchr(wildcards, word[0])) ? g_strdup(word) : NULL;
}

static char *made_slot(const char *word) {
        return is_name(word, NAME_MAX_BYTES, false) ? g_strdup(word) : NULL;
}

static char *made_pattern(const char *word) {
        return is_name(word, NAME_MAX_BYTES, true) ? g_strdup(word) : NULL;
}

/* Of the network device: what the kernel takes for one (dev_valid_name()). */
static char *made_ifname(const char *word) {
        const size_t max = strpbrk(word, wildcards) ? NAME_MAX_BYTES : IFNAME_MAX;
        return is_name(word, max, true) && !strchr(word, ':') ? g_strdup(word) : NULL;
}

static bool take_match(const KeyTarget *to, MatchKind kind, const char *value, char *(*made)(const char *word)) {
        GPtrArray **words = &to->pf->match[kind];

        if (!value) {
                g_clear_pointer(words, g_ptr_array_unref);
                return true;
        }
        if (!*words)
                *words = g_ptr_array_new_with_free_func(g_free);
        return take_words(*words, value, made);
}

static bool take_permanent_mac(const KeyTarget *to, const char *value) {
        return take_match(to, MATCH_PERMANENT_MAC, value, made_mac);
}

static bool take_path(const KeyTarget *to, const char *value) {
        return take_match(to, MATCH_PATH, value, made_path);
}

static bool take_slot(const KeyTarget *to, const char *value) {
        return take_match(to, MATCH_SLOT, value, made_slot);
}

static bool take_match_driver(const KeyTarget *to, const char *value) {
        return take_match(to, MATCH_DRIVER, value, made_pattern);
}

static bool take_name(const KeyTarget *to, const char *value) {
        return take_match(to, MATCH_NAME, value, made_ifname);
}

static bool take_address(const KeyTarget *to, const char *value) {
        return take_match(to, MATCH_ADDRESS, value, made_address);
}

static const Key match_keys[] = {
        {"PermanentMACAddress", take_permanent_mac, "permanent MACs of PFs as 02:00:00:00:00:01, parted by blanks", true},
        {"Path", take_path, "paths as pci0000:00/0000:00:02.0/0000:01:00.0, which may have wildcards", true},
        {"Slot", take_slot, "names of physical slots", true},
        {"Driver", take_match_driver, "names of drivers, which may have wildcards", true},
        {"Name", take_name, "names of network devices, which may have wildcards", true},
        {"Address", take_address, "PCI addresses as 0000:01:00.0", true},
        {NULL},
};

/* ---- [PF] ---- */

static bool take_num_vfs(const KeyTarget *to, const char *value) {
        uint64_t n = 0;

        if (value && g_ascii_strcasecmp(value, "all") == 0)
                to->pf->num_vfs = CONF_ALL_VFS;
        else if (value && !parse_uint(value, 10, 0, UINT16_MAX, &n))
                return false;
        else
                to->pf->num_vfs = value ? (int64_t) n : -1;
        return true;
}

static bool take_autoprobe(const KeyTarget *to, const char *value) {
        bool yes = false;

        if (!take_flag(value, &yes))
                return false;
        to->pf->autoprobe = value ? yes : -1;
        return true;
}

static bool take_up(const KeyTarget *to, const char *value) {
        bool yes = false;

        if (!take_flag(value, &yes) || (value && !yes))
                return false;
        to->pf->up = value ? 1 : -1;
        return true;
}

static bool take_drift(const KeyTarget *to, const char *value) {
        to->pf->report_only = value && g_ascii_strcasecmp(value, "report") == 0;
        return !value || to->pf->report_only || g_ascii_strcasecmp(value, "mend") == 0;
}

static const Key pf_keys[] = {
        {"VFs", take_num_vfs, "a number from 0 to 65535, or all", false},
        {"Autoprobe", take_autoprobe, "yes or no", false},
        {"Up", take_up, "yes; whether a PF goes down is not vfadm's to say", false},
        {"Drift", take_drift, "mend or report", false},
        {NULL},
};

/* ---- [VF] ---- */

/* Words are words in any case; names of drivers are not. */
static bool take_vf_driver(const KeyTarget *to, const char *value) {
        static const char *const words[] = {"vfio", "host", "none"};
        const char *driver = value;

        if (value && (strlen(value) > NAME_MAX_BYTES ||
                      strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != strlen(value)))
                return false;
        for (size_t i = 0; value && i < G_N_ELEMENTS(words); i++)
                if (g_ascii_strcasecmp(value, words[i]) == 0)
                        driver = words[i];
        g_free(to->vf->driver);
        to->vf->driver = g_strdup(driver);
        return true;
}

static bool take_mac(const KeyTarget *to, const char *value) {
        const size_t length = value ? strlen(value) : 0;
        const bool grows = length && value[length - 1] == '+';
        g_autofree char *word = g_strndup(value, length - grows);
        uint8_t mac[6] = {0};

        if (value && (!parse_mac(word, mac) || mac_is_multicast(mac) || mac_is_zero(mac)))
                return false;
        memcpy(to->state->mac, mac, sizeof mac);
        to->vf->mac_grows = grows;
        return known(to->state, VF_MAC, value);
}

static const Key vf_keys[] = {
        {"Driver", take_vf_driver, "vfio, none, host or a driver's name", false},
        {"MACAddress", take_mac,
         "one of a single device as 02:00:00:00:00:01, or with a '+' behind it, which counts it up from VF to VF", false},
        {NULL},
};

/* ---- what [VF] and [Pool] share ---- */

static bool take_vlan(const KeyTarget *to, const char *value) {
        uint32_t vlan = 0;

        if (value && !parse_u32(value, 0, 4094, &vlan))
                return false;
        to->state->vlan = (uint16_t) vlan;
        return known(to->state, VF_VLAN, value);
}

static bool take_qos(const KeyTarget *to, const char *value) {
        uint32_t qos = 0;

        if (value && !parse_u32(value, 0, 7, &qos))
                return false;
        to->state->qos = (uint8_t) qos;
        return true;
}

static bool take_protocol(const KeyTarget *to, const char *value) {
        const bool outer = value && g_ascii_strcasecmp(value, "802.1ad") == 0;

        to->state->proto = outer ? VLAN_PROTO_8021AD : VLAN_PROTO_8021Q;
        return !value || outer || g_ascii_strcasecmp(value, "802.1Q") == 0;
}

/* The rest is as on the command line. */
static bool take_word(const KeyTarget *to, const char *word, unsigned bit, const char *value) {
        g_autofree char *lower = value ? g_ascii_strdown(value, -1) : NULL, *message = NULL;
        bool is_attribute;

        return value ? vf_state_parse_word(word, lower, to->state, &is_attribute, &message)
                     : known(to->state, bit, false);
}

static bool take_trust(const KeyTarget *to, const char *value) {
        return take_word(to, "trust", VF_TRUST, value);
}

static bool take_spoofchk(const KeyTarget *to, const char *value) {
        return take_word(to, "spoofchk", VF_SPOOFCHK, value);
}

static bool take_link(const KeyTarget *to, const char *value) {
        return take_word(to, "link", VF_LINK, value);
}

static bool take_min_rate(const KeyTarget *to, const char *value) {
        return take_word(to, "min-rate", VF_MIN_RATE, value);
}

static bool take_max_rate(const KeyTarget *to, const char *value) {
        return take_word(to, "max-rate", VF_MAX_RATE, value);
}

const Key key_attributes[] = {
        [KEY_VLAN] = {"VLAN", take_vlan, "a number from 0 (none) to 4094", false},
        [KEY_QOS] = {"QoS", take_qos, "a number from 0 to 7", false},
        [KEY_PROTOCOL] = {"Protocol", take_protocol, "802.1Q or 802.1ad", false},
        {"Trust", take_trust, "on or off", false},
        {"SpoofCheck", take_spoofchk, "on or off", false},
        {"LinkState", take_link, "auto, on or off", false},
        {"MinRate", take_min_rate, "a whole number of Mbit/s, 0 for none", false},
        {"MaxRate", take_max_rate, "a whole number of Mbit/s, 0 for no limit", false},
        {NULL},
};

/* ---- [Pool] ---- */

/* By hand one also writes "enp1s0". */
static char *made_pf(const char *word) {
        PciAddr addr;
        uint8_t mac[6];

        if (parse_mac(word, mac))
                return mac_is_multicast(mac) || mac_is_zero(mac) ? NULL : g_strdup(word);
        return pci_addr_parse(word, &addr) || (is_name(word, IFNAME_MAX, true) && !strchr(word, ':')) ? g_strdup(word)
                                                                                                      : NULL;
}

static bool take_pool_pfs(const KeyTarget *to, const char *value) {
        if (value)
                return take_words(to->pool->pfs, value, made_pf);
        g_ptr_array_set_size(to->pool->pfs, 0);
        return true;
}

static bool take_pool_vfs(const KeyTarget *to, const char *value) {
        const char *dash = value ? strchr(value, '-') : NULL;
        uint64_t first = 0, last;

        if (value && !parse_uint_n(value, dash ? (size_t) (dash - value) : strlen(value), 10, 0, UINT16_MAX, &first))
                return false;
        last = first;
        if (dash && !parse_uint(dash + 1, 10, first, UINT16_MAX, &last))
                return false;
        to->pool->some_vfs = value;
        to->pool->first_vf = (unsigned) first;
        to->pool->last_vf = (unsigned) last;
        return true;
}

static bool take_order(const KeyTarget *to, const char *value) {
        to->pool->order = value && g_ascii_strcasecmp(value, "pack") == 0 ? POOL_PACK : POOL_SPREAD;
        return !value || to->pool->order == POOL_PACK || g_ascii_strcasecmp(value, "spread") == 0;
}

static bool take_libvirt(const KeyTarget *to, const char *value) {
        to->pool->libvirt = false;
        return take_flag(value, &to->pool->libvirt);
}

static bool take_autostart(const KeyTarget *to, const char *value) {
        to->pool->autostart = false;
        return take_flag(value, &to->pool->autostart);
}

static const Key pool_keys[] = {
        [KEY_POOL_PF] = {"PF", take_pool_pfs, "permanent MACs or addresses of PFs, parted by blanks", true},
        {"VFs", take_pool_vfs, "a VF's number, or a range as 0-3", false},
        {"Order", take_order, "spread or pack", false},
        {"Libvirt", take_libvirt, "yes or no", false},
        {"Autostart", take_autostart, "yes or no", false},
        {NULL},
};

const KeyTable key_tables[] = {
        {"Match", match_keys, false},
        {"PF", pf_keys, false},
        {"VF", vf_keys, true},
        {"Pool", pool_keys, true},
        {NULL},
};
