/* What must hold between the sections of a configuration file, and between files. */
#include "want/conf_check.h"

#include "base/parse.h"
#include "base/text.h"
#include "want/ini.h"

#include <string.h>

/* The lower three bytes are counted (mac_add()). */
enum { LOW_BITS = 24 };

/* The MACs that a section gives: one after another. */
typedef struct {
        uint64_t first, last;
} MacRun;

char *conf_vf_range(unsigned first, unsigned last) {
        if (last == CONF_VF_LAST)
                return first == 0 ? g_strdup("[VF *]") : g_strdup_printf("[VF %u-*]", first);
        return first == last ? g_strdup_printf("[VF %u]", first) : g_strdup_printf("[VF %u-%u]", first, last);
}

/* The section's last VF as far as the file tells: an open range has at least its first. */
static unsigned last_told(const ConfPf *pf, const ConfVf *vf) {
        if (vf->last != CONF_VF_LAST)
                return vf->last;
        return pf->num_vfs > (int64_t) vf->first && pf->num_vfs != CONF_ALL_VFS ? (unsigned) pf->num_vfs - 1 : vf->first;
}

static uint64_t mac_number(const uint8_t mac[6]) {
        uint64_t number = 0;

        for (unsigned i = 0; i < 6; i++)
                number = number << 8 | mac[i];
        return number;
}

static MacRun mac_run(const ConfPf *pf, const ConfVf *vf) {
        const uint64_t first = mac_number(vf->vf.mac);
        return (MacRun) {first, first + (vf->mac_grows ? last_told(pf, vf) - vf->first : 0)};
}

static void number_text(uint64_t mac, char ret[MAC_TEXT_SIZE]) {
        uint8_t bytes[6];

        for (unsigned i = 0; i < sizeof bytes; i++)
                bytes[i] = (uint8_t) (mac >> (8 * (sizeof bytes - 1 - i)));
        mac_format(bytes, ret);
}

static bool check_number(const ConfPf *pf, const ConfVf *vf, GError **error) {
        if (pf->num_vfs < 0 || pf->num_vfs == CONF_ALL_VFS || (vf->first == 0 && vf->last == CONF_VF_LAST))
                return true;
        const unsigned last = vf->last == CONF_VF_LAST ? vf->first : vf->last;
        if ((int64_t) last < pf->num_vfs)
                return true;
        g_autofree char *range = conf_vf_range(vf->first, vf->last);
        if (pf->num_vfs == 0)
                return ini_wrong(error, vf->place.path, vf->place.line, "%s, but VFs=0: there are none", range);
        return ini_wrong(error, vf->place.path, vf->place.line, "%s, but VFs=%u: VFs are numbered from 0 to %u", range,
                         (unsigned) pf->num_vfs, (unsigned) pf->num_vfs - 1);
}

static bool check_own(const ConfPf *pf, const ConfVf *vf, MacRun run, const char *range, GError **error) {
        const GPtrArray *own = pf->match[MATCH_PERMANENT_MAC];
        uint8_t mac[6];

        for (unsigned i = 0; own && i < own->len; i++)
                if (parse_mac(own->pdata[i], mac) && mac_number(mac) >= run.first && mac_number(mac) <= run.last)
                        return ini_wrong(error, vf->place.path, vf->place.line, "MAC %s of %s is the PF's own, by its [Match]",
                                         (const char *) own->pdata[i], range);
        return true;
}

/* One MAC is one VF's. How far an open range goes is not always told; then '+' is asked for. */
static bool check_mac(const ConfPf *pf, const ConfVf *vf, GError **error) {
        char text[MAC_TEXT_SIZE];

        if (!(vf->vf.known & VF_MAC))
                return true;
        mac_format(vf->vf.mac, text);
        const bool told = vf->last != CONF_VF_LAST || (pf->num_vfs >= 0 && pf->num_vfs != CONF_ALL_VFS);
        const MacRun run = mac_run(pf, vf);
        g_autofree char *range = conf_vf_range(vf->first, vf->last);
        if (!vf->mac_grows && (!told || last_told(pf, vf) > vf->first))
                return ini_wrong(error, vf->place.path, vf->place.line,
                                 "MACAddress=%s for each VF of %s: write MACAddress=%s+ to count it up from VF to VF", text,
                                 range, text);
        if (run.first >> LOW_BITS != run.last >> LOW_BITS)
                return ini_wrong(error, vf->place.path, vf->place.line,
                                 "MACAddress=%s+ runs out of addresses within %s: its first three bytes are the maker's, and "
                                 "only the others are counted", text, range);
        return check_own(pf, vf, run, range, error);
}

/* A VF's MAC that one of the other PF's first `n` sections gives too. */
static bool check_twins(const ConfPf *pf, const ConfVf *vf, const ConfPf *other, unsigned n, GError **error) {
        const MacRun mine = mac_run(pf, vf);
        char text[MAC_TEXT_SIZE];

        if (!(vf->vf.known & VF_MAC))
                return true;
        for (unsigned i = 0; i < n; i++) {
                const ConfVf *that = other->vfs->pdata[i];
                const MacRun theirs = mac_run(other, that);
                if (!(that->vf.known & VF_MAC) || theirs.last < mine.first || mine.last < theirs.first)
                        continue;
                g_autofree char *here = conf_vf_range(vf->first, vf->last), *there = conf_vf_range(that->first, that->last);
                number_text(MAX(mine.first, theirs.first), text);
                return ini_wrong(error, vf->place.path, vf->place.line, "MAC %s of %s is also given by %s in /%s, line %u",
                                 text, here, there, that->place.path, that->place.line);
        }
        return true;
}

/* The same words in any order. */
static bool same_words(const GPtrArray *a, const GPtrArray *b) {
        if (!a || !b || a->len != b->len)
                return a == b;
        for (unsigned i = 0; i < a->len; i++)
                if (!g_ptr_array_find_with_equal_func((GPtrArray *) b, a->pdata[i], g_str_equal, NULL))
                        return false;
        return true;
}

static bool check_match(const ConfPf *pf, const ConfPf *other, GError **error) {
        for (unsigned i = 0; i < MATCH_KINDS; i++)
                if (!same_words(pf->match[i], other->match[i]))
                        return true;
        return ini_wrong(error, pf->place.path, pf->place.line,
                         "this [Match] is that of /%s, line %u too: a PF is one file's; use a drop-in to add to it",
                         other->place.path, other->place.line);
}

bool conf_check_pf(const ConfPf *pf, const Conf *conf, GError **error) {
        for (unsigned i = 0; i < conf->pfs->len; i++)
                if (!check_match(pf, conf->pfs->pdata[i], error))
                        return false;
        for (unsigned i = 0; i < pf->vfs->len; i++) {
                const ConfVf *vf = pf->vfs->pdata[i];
                if (!check_number(pf, vf, error) || !check_mac(pf, vf, error) || !check_twins(pf, vf, pf, i, error))
                        return false;
                for (unsigned k = 0; k < conf->pfs->len; k++) {
                        const ConfPf *other = conf->pfs->pdata[k];
                        if (!check_twins(pf, vf, other, other->vfs->len, error))
                                return false;
                }
        }
        return true;
}

/* One word that can be no second PF's. */
static bool is_one(const GPtrArray *words) {
        return words && words->len == 1 && !strpbrk(words->pdata[0], "*?[");
}

/* MACs are one PF's VFs', so that a [Match] which fits two is wrong on the host that has both. */
static void warn_several(const ConfPf *pf, GPtrArray *warnings) {
        if (is_one(pf->match[MATCH_PERMANENT_MAC]) || is_one(pf->match[MATCH_PATH]) || is_one(pf->match[MATCH_NAME]) ||
            is_one(pf->match[MATCH_ADDRESS]))
                return;
        for (unsigned i = 0; i < pf->vfs->len; i++) {
                const ConfVf *vf = pf->vfs->pdata[i];
                if (!(vf->vf.known & VF_MAC))
                        continue;
                g_ptr_array_add(warnings, g_strdup_printf("/%s, line %u: MACAddress= where [Match] may fit several PFs, whose VFs would "
                                                          "have the same MACs; name one PF by PermanentMACAddress= or Path=",
                                                          vf->place.path, vf->place.line));
                return;
        }
}

void conf_warn_pf(const ConfPf *pf, GPtrArray *warnings) {
        const bool lasts = pf->match[MATCH_PERMANENT_MAC] || pf->match[MATCH_PATH] || pf->match[MATCH_SLOT] || pf->match[MATCH_DRIVER];

        if (!lasts)
                g_ptr_array_add(warnings,
                                g_strdup_printf("/%s, line %u: %s= can become another card's when one is added or moved; "
                                                "PermanentMACAddress= or Path= stays with this one",
                                                pf->place.path, pf->place.line,
                                                conf_match_key(pf->match[MATCH_NAME] ? MATCH_NAME : MATCH_ADDRESS)));
        if (pf->vfs->len > 0 && pf->num_vfs < 0) {
                const ConfVf *first = pf->vfs->pdata[0];
                g_autofree char *range = conf_vf_range(first->first, first->last);
                g_ptr_array_add(warnings, g_strdup_printf("/%s, line %u: %s, but [PF] has no VFs=: VFs that nobody makes are not set",
                                                          first->place.path, first->place.line, range));
        }
        warn_several(pf, warnings);
}
