/* A request: built from the words of a command line, checked before anything of the machine is known. */
#include "want/want.h"

#include "base/error.h"
#include "base/parse.h"

#include <string.h>

Want *want_new(WantKind kind) {
        Want *want = g_new0(Want, 1);
        want->kind = kind;
        want->nic = -1;
        return want;
}

void want_free(Want *want) {
        if (!want)
                return;
        g_free(want->device);
        g_free(want->driver);
        g_free(want->guest);
        g_free(want);
}

static bool parse_nic(Want *want, const char *value, char **message) {
        uint32_t nic;
        if (!parse_u32(value, 0, 255, &nic)) {
                *message = g_strdup_printf("nic=%s: the guest's NIC number is from 0 to 255", value);
                return false;
        }
        want->nic = (int) nic;
        return true;
}

static bool parse_word(Want *want, const char *key, const char *value, char **message) {
        VfState one = {0};
        bool is_attribute;

        if (want->kind != WANT_SET && g_str_equal(key, "nic"))
                return parse_nic(want, value, message);
        if (!vf_state_parse_word(key, value, &one, &is_attribute, message)) {
                if (!is_attribute)
                        *message = g_strdup_printf("%s=%s: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate%s",
                                                   key, value, want->kind == WANT_SET ? "" : " and nic");
                return false;
        }
        if (want->vf.known & one.known) {
                *message = g_strdup_printf("%s= is given twice", key);
                return false;
        }
        vf_state_copy(&want->vf, &one, one.known);
        return true;
}

bool want_parse_words(Want *want, char **words, GError **error) {
        for (char **word = words; word && *word; word++) {
                g_autofree char *message = NULL;
                const char *equals = strchr(*word, '=');
                if (!equals || equals == *word) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s' is not understood: expected key=value, as in vlan=42", *word);
                        return false;
                }
                g_autofree char *key = g_strndup(*word, (size_t) (equals - *word));
                if (!parse_word(want, key, equals + 1, &message)) {
                        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, message);
                        return false;
                }
        }
        if ((want->vf.known & VF_MIN_RATE) && (want->vf.known & VF_MAX_RATE) && want->vf.max_rate &&
            want->vf.min_rate > want->vf.max_rate) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "min-rate=%u is above max-rate=%u", want->vf.min_rate, want->vf.max_rate);
                return false;
        }
        return true;
}
