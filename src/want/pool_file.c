/* Sections [Pool NAME] of a configuration file: read line by line, so that an error can name its line, and written. */
#include "want/pool_file.h"

#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <string.h>

enum {
        PFS_MAX = 256,
        LINE_MAX_BYTES = 4096,
        IFNAME_MAX = 15, /* IFNAMSIZ without the NUL */
};

/* A section under way. */
typedef struct {
        Pool *pool;
        unsigned line;  /* of its head */
        unsigned given; /* a bit a key of the table below */
} Section;

typedef struct {
        const char *key;
        bool (*take)(Pool *pool, const char *value);
        const char *values; /* what it may be, for whoever wrote something else */
} Key;

/* ---- values ---- */

static bool pf_ok(const char *word) {
        PciAddr addr;
        uint8_t mac[6];

        if (parse_mac(word, mac))
                return !mac_is_multicast(mac) && !mac_is_zero(mac);
        if (pci_addr_parse(word, &addr))
                return true;
        /* By hand one also writes "enp1s0". What the kernel takes for an interface's name (dev_valid_name()), and no
         * control characters. */
        for (const char *p = word; *p; p++)
                if ((unsigned char) *p <= ' ' || *p == 0x7f || *p == '/' || *p == ':')
                        return false;
        return word[0] != '.' && strlen(word) <= IFNAME_MAX;
}

static bool take_pfs(Pool *pool, const char *value) {
        g_auto(GStrv) words = g_strsplit_set(value, " \t", -1);
        unsigned n = 0;

        for (char **word = words; *word; word++) {
                if (!**word)
                        continue;
                if (!pf_ok(*word) || pool->pfs->len == PFS_MAX)
                        return false;
                g_ptr_array_add(pool->pfs, g_strdup(*word));
                n++;
        }
        return n > 0;
}

static bool take_vfs(Pool *pool, const char *value) {
        const char *dash = strchr(value, '-');
        uint64_t first, last;

        if (!parse_uint_n(value, dash ? (size_t) (dash - value) : strlen(value), 10, 0, UINT16_MAX, &first))
                return false;
        last = first;
        if (dash && !parse_uint(dash + 1, 10, first, UINT16_MAX, &last))
                return false;
        pool->some_vfs = true;
        pool->first_vf = (unsigned) first;
        pool->last_vf = (unsigned) last;
        return true;
}

static bool take_flag(const char *value, bool *ret) {
        g_autofree char *lower = g_ascii_strdown(value, -1);
        return parse_on_off(lower, ret);
}

static bool take_order(Pool *pool, const char *value) {
        pool->order = g_ascii_strcasecmp(value, "pack") == 0 ? POOL_PACK : POOL_SPREAD;
        return pool->order == POOL_PACK || g_ascii_strcasecmp(value, "spread") == 0;
}

static bool take_libvirt(Pool *pool, const char *value) {
        return take_flag(value, &pool->libvirt);
}

static bool take_autostart(Pool *pool, const char *value) {
        return take_flag(value, &pool->autostart);
}

static bool take_vlan(Pool *pool, const char *value) {
        uint32_t vlan;
        if (!parse_u32(value, 0, 4094, &vlan))
                return false;
        pool->vf.vlan = (uint16_t) vlan;
        pool->vf.known |= VF_VLAN;
        return true;
}

static bool take_qos(Pool *pool, const char *value) {
        uint32_t qos;
        if (!parse_u32(value, 0, 7, &qos))
                return false;
        pool->vf.qos = (uint8_t) qos;
        return true;
}

static bool take_protocol(Pool *pool, const char *value) {
        bool outer = g_ascii_strcasecmp(value, "802.1ad") == 0;
        pool->vf.proto = outer ? VLAN_PROTO_8021AD : VLAN_PROTO_8021Q;
        return outer || g_ascii_strcasecmp(value, "802.1Q") == 0;
}

/* The rest is as on the command line. */
static bool take_word(Pool *pool, const char *word, const char *value) {
        g_autofree char *lower = g_ascii_strdown(value, -1), *message = NULL;
        bool is_attribute;
        return vf_state_parse_word(word, lower, &pool->vf, &is_attribute, &message);
}

static bool take_trust(Pool *pool, const char *value) {
        return take_word(pool, "trust", value);
}

static bool take_spoofchk(Pool *pool, const char *value) {
        return take_word(pool, "spoofchk", value);
}

static bool take_link(Pool *pool, const char *value) {
        return take_word(pool, "link", value);
}

static bool take_min_rate(Pool *pool, const char *value) {
        return take_word(pool, "min-rate", value);
}

static bool take_max_rate(Pool *pool, const char *value) {
        return take_word(pool, "max-rate", value);
}

enum { KEY_PF, KEY_VLAN, KEY_QOS, KEY_PROTOCOL };

static const Key keys[] = {
        [KEY_PF] = {"PF", take_pfs, "permanent MACs or addresses of PFs, parted by blanks"},
        [KEY_VLAN] = {"VLAN", take_vlan, "a number from 0 (none) to 4094"},
        [KEY_QOS] = {"QoS", take_qos, "a number from 0 to 7"},
        [KEY_PROTOCOL] = {"Protocol", take_protocol, "802.1Q or 802.1ad"},
        {"VFs", take_vfs, "a VF's number, or a range as 0-3"},
        {"Order", take_order, "spread or pack"},
        {"Libvirt", take_libvirt, "yes or no"},
        {"Autostart", take_autostart, "yes or no"},
        {"Trust", take_trust, "on or off"},
        {"SpoofCheck", take_spoofchk, "on or off"},
        {"LinkState", take_link, "auto, on or off"},
        {"MinRate", take_min_rate, "a whole number of Mbit/s, 0 for none"},
        {"MaxRate", take_max_rate, "a whole number of Mbit/s, 0 for no limit"},
};

/* ---- lines ---- */

static bool wrong(GError **error, const char *path, unsigned line, const char *format, ...) G_GNUC_PRINTF(4, 5);

static bool wrong(GError **error, const char *path, unsigned line, const char *format, ...) {
        va_list args;

        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        /* What stands there is shown, whatever it is; an error is one line. */
        g_autofree char *shown = g_strescape(text, "\"'\\");
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "/%s, line %u: %s", path, line, shown);
        return false;
}

/* A section's end: all of it must make sense together. */
static bool finish(Section *section, const char *path, GPtrArray *pools, GError **error) {
        Pool *pool = section->pool;

        if (!pool)
                return true;
        const VfState *vf = &pool->vf;
        if (!(section->given & 1U << KEY_PF))
                return wrong(error, path, section->line, "pool %s names no PF; write PF= with %s", pool->name,
                             keys[KEY_PF].values);
        if (!(section->given & 1U << KEY_VLAN) && (section->given & (1U << KEY_QOS | 1U << KEY_PROTOCOL)))
                return wrong(error, path, section->line, "pool %s: QoS= and Protocol= are the VLAN's; write VLAN= too",
                             pool->name);
        if ((vf->known & VF_MIN_RATE) && (vf->known & VF_MAX_RATE) && vf->max_rate && vf->min_rate > vf->max_rate)
                return wrong(error, path, section->line, "pool %s: MinRate=%u is above MaxRate=%u", pool->name,
                             vf->min_rate, vf->max_rate);
        g_ptr_array_add(pools, g_steal_pointer(&section->pool));
        return true;
}

/* "[Pool NAME]"; a section of another kind leaves none under way. */
static bool open_section(Section *section, const char *path, unsigned line, char *head, GPtrArray *pools,
                         GError **error) {
        size_t length = strlen(head);

        if (head[length - 1] != ']')
                return wrong(error, path, line, "'%.80s' is no section: ']' is missing", head);
        head[length - 1] = '\0';
        const char *kind = g_strstrip(head + 1);
        if (!g_str_has_prefix(kind, "Pool") || (kind[4] != ' ' && kind[4] != '\t' && kind[4] != '\0'))
                return true;
        g_autofree char *name = g_strstrip(g_strdup(kind + 4));
        if (!pool_name_ok(name))
                return wrong(error, path, line,
                             "'%.80s' is no name for a pool: write [Pool NAME] with letters, digits, '.', '_' and '-'",
                             name);
        const Pool *twin = pools_find(pools, name);
        if (twin)
                return wrong(error, path, line, "pool %s is there already, in /%s", name, twin->path);
        *section = (Section){.pool = pool_new(name), .line = line};
        section->pool->path = g_strdup(path);
        section->pool->vf.proto = VLAN_PROTO_8021Q;
        return true;
}

static bool take_key(Section *section, const char *path, unsigned line, char *text, GError **error) {
        char *equals = strchr(text, '=');

        if (!equals || equals == text)
                return wrong(error, path, line, "'%.80s' is no line of a pool: expected Key=value", text);
        *equals = '\0';
        const char *key = g_strstrip(text), *value = g_strstrip(equals + 1);
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
                if (!g_str_equal(key, keys[i].key))
                        continue;
                if (i != KEY_PF && (section->given & 1U << i)) /* PFs may take several lines */
                        return wrong(error, path, line, "%s= is given twice for pool %s", key, section->pool->name);
                section->given |= 1U << i;
                return keys[i].take(section->pool, value) ||
                       wrong(error, path, line, "%s=%.80s: expected %s", key, value, keys[i].values);
        }
        g_autoptr(GString) all = g_string_new(NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                g_string_append_printf(all, "%s%s", i ? ", " : "", keys[i].key);
        return wrong(error, path, line, "a pool has no '%.80s'; it has %s", key, all->str);
}

static bool take_line(Section *section, const char *path, unsigned line, char *text, GPtrArray *pools, GError **error) {
        g_strstrip(text);
        if (!*text || *text == '#' || *text == ';')
                return true;
        if (*text == '[')
                return finish(section, path, pools, error) && open_section(section, path, line, text, pools, error);
        return !section->pool || take_key(section, path, line, text, error);
}

bool pool_file_parse(const char *path, const char *text, size_t length, GPtrArray *pools, GError **error) {
        Section section = {0};
        const unsigned before = pools->len;
        const char *end = text + length;
        unsigned line = 0;
        bool ok = true;

        while (ok && text < end) {
                const char *stop = memchr(text, '\n', (size_t) (end - text));
                size_t n = (size_t) ((stop ? stop : end) - text);
                line++;
                if (n > LINE_MAX_BYTES || memchr(text, '\0', n) || !g_utf8_validate(text, (gssize) n, NULL)) {
                        ok = wrong(error, path, line, "this line is no text, or longer than %d bytes", LINE_MAX_BYTES);
                        break;
                }
                g_autofree char *copy = g_strndup(text, n);
                ok = take_line(&section, path, line, copy, pools, error);
                text += n + 1;
        }
        ok = ok && finish(&section, path, pools, error);
        pool_free(section.pool);
        if (!ok)
                g_ptr_array_set_size(pools, (int) before);
        return ok;
}

/* ---- writing ---- */

static void append_vf(GString *text, const VfState *vf) {
        static const char *const link_words[] = {[VF_LINK_AUTO] = "auto", [VF_LINK_ON] = "on", [VF_LINK_OFF] = "off"};

        if (vf->known & VF_VLAN)
                g_string_append_printf(text, "VLAN=%u\n", vf->vlan);
        if ((vf->known & VF_VLAN) && vf->qos)
                g_string_append_printf(text, "QoS=%u\n", vf->qos);
        if ((vf->known & VF_VLAN) && (vf->vlan || vf->qos) && vf->proto == VLAN_PROTO_8021AD)
                g_string_append(text, "Protocol=802.1ad\n");
        if (vf->known & VF_TRUST)
                g_string_append_printf(text, "Trust=%s\n", vf->trust ? "on" : "off");
        if (vf->known & VF_SPOOFCHK)
                g_string_append_printf(text, "SpoofCheck=%s\n", vf->spoofchk ? "on" : "off");
        if (vf->known & VF_LINK)
                g_string_append_printf(text, "LinkState=%s\n", link_words[vf->link]);
        if (vf->known & VF_MIN_RATE)
                g_string_append_printf(text, "MinRate=%u\n", vf->min_rate);
        if (vf->known & VF_MAX_RATE)
                g_string_append_printf(text, "MaxRate=%u\n", vf->max_rate);
}

char *pool_file_format(const Pool *pool, const Snapshot *host) {
        GString *text = g_string_new(
                "# Written by 'vfadm pool define'; 'vfadm pool show' tells what it means here. See vfadm(8).\n");

        g_string_append_printf(text, "[Pool %s]\n", pool->name);
        for (unsigned i = 0; i < pool->pfs->len; i++) {
                const Dev *pf = host ? pool_pf(pool, i, host) : NULL;
                g_autofree char *nick = pf ? snapshot_nick(host, pf) : NULL;
                if (nick)
                        g_string_append_printf(text, "# %s when this was written\n", nick);
                g_string_append_printf(text, "PF=%s\n", (const char *) pool->pfs->pdata[i]);
        }
        if (pool->some_vfs && pool->first_vf == pool->last_vf)
                g_string_append_printf(text, "VFs=%u\n", pool->first_vf);
        else if (pool->some_vfs)
                g_string_append_printf(text, "VFs=%u-%u\n", pool->first_vf, pool->last_vf);
        g_string_append_printf(text, "Order=%s\n", pool->order == POOL_PACK ? "pack" : "spread");
        g_string_append_printf(text, "Libvirt=%s\n", pool->libvirt ? "yes" : "no");
        g_string_append_printf(text, "Autostart=%s\n", pool->autostart ? "yes" : "no");
        append_vf(text, &pool->vf);
        return g_string_free(text, FALSE);
}

char *pool_file_set_autostart(const char *text, bool autostart) {
        static const char key[] = "Autostart";
        GString *out = g_string_new(NULL);
        bool done = false;

        while (*text) {
                size_t n = strcspn(text, "\n");
                const char *word = text + strspn(text, " \t"), *after = word + strlen(key);
                if (g_str_has_prefix(word, key) && after[strspn(after, " \t")] == '=') {
                        g_string_append_printf(out, "%s=%s\n", key, autostart ? "yes" : "no");
                        done = true;
                } else {
                        g_string_append_len(out, text, (gssize) n);
                        g_string_append_c(out, '\n');
                }
                text += n + (text[n] == '\n');
        }
        if (!done) /* its one section goes to the end of the file */
                g_string_append_printf(out, "%s=%s\n", key, autostart ? "yes" : "no");
        return g_string_free(out, FALSE);
}

char *pool_file_path(const char *name) {
        return g_strdup_printf("etc/vfadm/pool-%s.conf", name);
}

char *pool_state_path(const char *name) {
        return g_strdup_printf("run/vfadm/pools/%s", name);
}
