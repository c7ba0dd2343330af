/* Any bytes as a configuration file, and, behind a line "---", as its drop-in: what is taken must be sound, and be the same when
 * it is written and read again. */
#include "base/text.h"
#include "want/conf_file.h"
#include "want/conf_text.h"
#include "want/pool_file.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char path[] = "etc/vfadm/x.conf", drop_in[] = "etc/vfadm/x.conf.d/y.conf", parting[] = "\n---\n";

static void write_and_read(const Pool *pool) {
        g_autoptr(Conf) again = conf_new();
        g_autofree char *text = pool_file_format(pool, NULL);
        const IniText one = {path, text, strlen(text)};

        g_assert_true(conf_file_parse(&one, 1, again, NULL));
        g_assert_cmpuint(again->pools->len, ==, 1);
        g_autofree char *twice = pool_file_format(again->pools->pdata[0], NULL);
        g_assert_cmpstr(twice, ==, text);
}

static void write_pf_and_read(const ConfPf *pf) {
        g_autoptr(Conf) again = conf_new();
        g_autofree char *text = conf_format(pf, NULL);
        const IniText one = {path, text, strlen(text)};

        g_assert_true(conf_file_parse(&one, 1, again, NULL));
        g_assert_cmpuint(again->pfs->len, ==, 1);
        g_autofree char *twice = conf_format(again->pfs->pdata[0], NULL);
        g_assert_cmpstr(twice, ==, text);
}

static void check_state(const VfState *state) {
        g_assert_cmpuint(state->known & ~(unsigned) VF_ALL, ==, 0);
        if (state->known & VF_VLAN)
                g_assert_true(state->vlan <= 4094 && state->qos <= 7);
        if ((state->known & VF_MIN_RATE) && (state->known & VF_MAX_RATE))
                g_assert_true(state->max_rate == 0 || state->min_rate <= state->max_rate);
        if (state->known & VF_MAC)
                g_assert_false(mac_is_zero(state->mac) || mac_is_multicast(state->mac));
}

static void check_pf(const ConfPf *pf) {
        bool asks = false;

        for (unsigned i = 0; i < MATCH_KINDS; i++) {
                asks |= pf->match[i] != NULL;
                g_assert_true(!pf->match[i] || pf->match[i]->len > 0);
        }
        g_assert_true(asks);
        g_assert_true(g_str_equal(pf->place.path, path) || g_str_equal(pf->place.path, drop_in));
        for (unsigned i = 0; i < pf->vfs->len; i++) {
                const ConfVf *vf = pf->vfs->pdata[i], *next = i + 1 < pf->vfs->len ? pf->vfs->pdata[i + 1] : NULL;
                VfState state;
                g_assert_true(vf->first <= vf->last && (!next || vf->last < next->first));
                check_state(&vf->vf);
                g_assert_true(conf_vf(pf, vf->first, &state) == vf);
                if (vf->last != CONF_VF_LAST && vf->last > vf->first && (vf->vf.known & VF_MAC))
                        g_assert_true(vf->mac_grows);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *text = size ? (const char *) data : "";
        const char *cut = memmem(text, size, parting, strlen(parting));
        const size_t first = cut ? (size_t) (cut - text) + 1 : size, skip = cut ? first + strlen(parting) - 1 : size;
        const IniText texts[] = {{path, text, first}, {drop_in, text + skip, size - skip}};
        g_autoptr(Conf) conf = conf_new();
        g_autoptr(GError) error = NULL;

        g_autoptr(Conf) pools = conf_new();
        const bool pools_right = conf_file_parse_pools(texts, cut ? 2 : 1, pools, NULL);
        if (!conf_file_parse(texts, cut ? 2 : 1, conf, &error)) {
                g_assert_cmpuint(conf->pools->len + conf->pfs->len + conf->warnings->len, ==, 0);
                g_assert_null(strpbrk(error->message, "\n\033"));
                g_assert_true(g_str_has_prefix(error->message, "/etc/vfadm/x.conf"));
                g_assert_nonnull(strstr(error->message, ", line "));
                return 0;
        }
        g_assert_true(pools_right && pools->pools->len == conf->pools->len && pools->pfs->len == 0);
        for (unsigned i = 0; i < conf->pfs->len; i++) {
                check_pf(conf->pfs->pdata[i]);
                write_pf_and_read(conf->pfs->pdata[i]);
        }
        for (unsigned i = 0; i < conf->pools->len; i++) {
                const Pool *pool = conf->pools->pdata[i];
                g_assert_true(pool_name_ok(pool->name));
                g_assert_true(pools_find(conf->pools, pool->name) == pool);
                g_assert_true(pool->pfs->len > 0 && pool->first_vf <= pool->last_vf);
                check_state(&pool->vf);
                write_and_read(pool);
        }
        return 0;
}
