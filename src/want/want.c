/* A request: built from the words of a command line, checked before anything of the machine is known. */
#include "want/want.h"

#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "model/setup.h"

#include <string.h>

Want *want_new(WantKind kind) {
        Want *want = g_new0(Want, 1);
        want->kind = kind;
        want->nic = -1;
        want->xen = xen_device_plain((PciAddr) {0});
        return want;
}

void want_free(Want *want) {
        if (!want)
                return;
        g_free(want->device);
        g_free(want->driver);
        g_free(want->guest);
        g_free(want->profile);
        g_free(want->teaming);
        pool_free(want->pool);
        g_strfreev(want->boot_add);
        g_strfreev(want->boot_remove);
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

static bool parse_managed(Want *want, const char *value, char **message) {
        want->unmanaged = g_str_equal(value, "no");
        if (want->unmanaged || g_str_equal(value, "yes"))
                return true;
        *message = g_strdup_printf("managed=%s: yes (libvirt binds the driver and gives it back) or no (vfadm does)", value);
        return false;
}

/* A port profile's name is at most PORT_PROFILE_MAX bytes with its NUL (include/uapi/linux/if_link.h). */
enum { PROFILE_MAX = 39, ALIAS_MAX = 255 };

static bool parse_profile(Want *want, const char *value, char **message) {
        size_t length = strlen(value);
        bool ok = length > 0 && length <= PROFILE_MAX;

        for (size_t i = 0; ok && i < length; i++)
                ok = g_ascii_isprint(value[i]);
        if (!ok) {
                *message = g_strdup_printf("profile=: a port profile's name has 1 to %d printable ASCII characters", PROFILE_MAX);
                return false;
        }
        want->profile = g_strdup(value);
        return true;
}

/* Only aliases with this beginning are the administrator's to give (libvirt's virDomainDeviceAliasIsUserAlias). */
static bool parse_teaming(Want *want, const char *value, char **message) {
        const char *rest = g_str_has_prefix(value, "ua-") ? value + strlen("ua-") : "";

        if (!*rest || strlen(value) > ALIAS_MAX || strspn(rest, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-") != strlen(rest)) {
                *message = g_strdup("teaming=: it names the alias of the guest's persistent NIC, as in teaming=ua-backup0 (letters, digits, '_' and '-' after ua-)");
                return false;
        }
        want->teaming = g_strdup(value);
        return true;
}

static bool parse_switch(const char *key, const char *value, int *ret, char **message) {
        bool on;
        if (!parse_on_off(value, &on)) {
                *message = g_strdup_printf("%s=%s: on or off", key, value);
                return false;
        }
        *ret = on;
        return true;
}

static bool parse_permissive(Want *want, const char *value, char **message) {
        return parse_switch("permissive", value, &want->xen.permissive, message);
}

static bool parse_msitranslate(Want *want, const char *value, char **message) {
        return parse_switch("msitranslate", value, &want->xen.msitranslate, message);
}

static bool parse_power_mgmt(Want *want, const char *value, char **message) {
        return parse_switch("power-mgmt", value, &want->xen.power_mgmt, message);
}

static bool parse_rdm(Want *want, const char *value, char **message) {
        bool strict = g_str_equal(value, "strict");

        if (!strict && !g_str_equal(value, "relaxed")) {
                *message = g_strdup_printf("rdm=%s: strict (refused where the device's reserved memory is in the way) or relaxed (given all the same)", value);
                return false;
        }
        want->xen.rdm = strict ? XEN_RDM_STRICT : XEN_RDM_RELAXED;
        return true;
}

/* A device number is five bits wide, hexadecimal whatever it looks like to xl (libxlu_pci.c, parse_vslot), and 0 is libxl's word for any. */
static bool parse_slot(Want *want, const char *value, char **message) {
        uint64_t slot;

        if (strlen(value) > strlen("0x1f") || !parse_uint(value, 16, 1, 0x1f, &slot)) {
                *message = g_strdup_printf("slot=%s: the device's place on the guest's bus 0, hexadecimal as xl's vslot, from 1 to 1f", value);
                return false;
        }
        want->xen.slot = (int) slot;
        return true;
}

typedef struct {
        const char *key;
        bool (*parse)(Want *want, const char *value, char **message);
        const char *service; /* whose guests take it, as in 'vfadm attach libvirt:NAME'; NULL: also a guest that 'vfadm run' starts */
} GuestWord;

static const GuestWord guest_words[] = {
        {"nic", parse_nic, NULL},
        {"managed", parse_managed, "libvirt"},
        {"profile", parse_profile, "libvirt"},
        {"teaming", parse_teaming, "libvirt"},
        {"permissive", parse_permissive, "xen"},
        {"msitranslate", parse_msitranslate, "xen"},
        {"power-mgmt", parse_power_mgmt, "xen"},
        {"rdm", parse_rdm, "xen"},
        {"slot", parse_slot, "xen"},
};

static const GuestWord *find_guest_word(const Want *want, const char *key) {
        bool to_guest = want->kind == WANT_ATTACH || want->kind == WANT_LEND;
        for (size_t i = 0; to_guest && i < G_N_ELEMENTS(guest_words); i++)
                if (g_str_equal(guest_words[i].key, key))
                        return &guest_words[i];
        return NULL;
}

static bool parse_guest_word(Want *want, const GuestWord *word, const char *value, unsigned *seen, char **message) {
        unsigned bit = 1u << (word - guest_words);

        if (word->service && want->kind == WANT_LEND) {
                *message = g_strdup_printf("%s=: this word is for guests of another kind, as in 'vfadm attach %s:NAME %s=…'; 'vfadm run' starts QEMU itself", word->key, word->service, word->key);
                return false;
        }
        if (*seen & bit) {
                *message = g_strdup_printf("%s= is given twice", word->key);
                return false;
        }
        *seen |= bit;
        return word->parse(want, value, message);
}

static const char *words_besides(WantKind kind) {
        return kind == WANT_ATTACH ? ", nic, managed, profile, teaming, permissive, msitranslate, power-mgmt, rdm and slot" : kind == WANT_LEND ? " and nic" : "";
}

/* `seen`: which of guest_words were there. */
static bool parse_word(Want *want, const char *key, const char *value, unsigned *seen, char **message) {
        const GuestWord *word = find_guest_word(want, key);
        VfState one = {0};
        bool is_attribute;

        if (word)
                return parse_guest_word(want, word, value, seen, message);
        if (!vf_state_parse_word(key, value, &one, &is_attribute, message)) {
                if (!is_attribute)
                        *message = g_strdup_printf("%s=%s: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate%s",
                                                   key, value, words_besides(want->kind));
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
        unsigned seen = 0;

        for (char **word = words; word && *word; word++) {
                g_autofree char *message = NULL;
                const char *equals = strchr(*word, '=');
                if (!equals || equals == *word) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s' is not understood: expected key=value, as in vlan=42", *word);
                        return false;
                }
                g_autofree char *key = g_strndup(*word, (size_t) (equals - *word));
                if (!parse_word(want, key, equals + 1, &seen, &message)) {
                        g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, message);
                        return false;
                }
        }
        if ((want->vf.known & VF_MIN_RATE) && (want->vf.known & VF_MAX_RATE) && want->vf.max_rate &&
            want->vf.min_rate > want->vf.max_rate) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "min-rate=%u is above max-rate=%u", want->vf.min_rate, want->vf.max_rate);
                return false;
        }
        if (want->profile && (want->vf.known & VF_VLAN)) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "profile=%s and vlan= cannot go together: a port profile brings its VLAN from the switch", want->profile);
                return false;
        }
        return true;
}

const char *want_xen_word(const Want *want) {
        const XenDevice *said = &want->xen;

        if (said->permissive >= 0)
                return "permissive";
        if (said->msitranslate >= 0)
                return "msitranslate";
        if (said->power_mgmt >= 0)
                return "power-mgmt";
        if (said->slot >= 0)
                return "slot";
        return said->rdm != XEN_RDM_DEFAULT ? "rdm" : NULL;
}

/* More VFs than any card has: a slip of the finger must not fill the memory. */
enum { RANGE_MAX = 4096 };

bool want_expand_devices(const char *word, GPtrArray *devices, GError **error) {
        const char *slash = strrchr(word, '/');
        const char *dash = slash ? strchr(slash, '-') : NULL;
        uint64_t first, last;

        if (!dash) {
                g_ptr_array_add(devices, g_strdup(word));
                return true;
        }
        if (!parse_uint_n(slash + 1, (size_t) (dash - slash - 1), 10, 0, UINT16_MAX, &first) ||
            !parse_uint(dash + 1, 10, 0, UINT16_MAX, &last) || first > last || last - first >= RANGE_MAX) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "'%s' is no range of VFs: write it as in enp1s0/0-6", word);
                return false;
        }
        for (uint64_t vf = first; vf <= last; vf++)
                g_ptr_array_add(devices, g_strdup_printf("%.*s/%u", (int) (slash - word), word, (unsigned) vf));
        return true;
}

/* "mac=…+": true when the word's '+' was there (and cut off). */
static bool cut_plus(char *word) {
        size_t length = strlen(word);
        bool plus = g_str_has_prefix(word, "mac=") && length > strlen("mac=") && word[length - 1] == '+';
        if (plus)
                word[length - 1] = '\0';
        return plus;
}

/* The devices words[0 …], then their key=value words; *ret is the first word after those. */
static bool parse_set_group(char **words, GPtrArray *wants, char ***ret, GError **error) {
        g_autoptr(GPtrArray) devices = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(Want) model = want_new(WANT_SET);
        bool growing = false;

        for (; *words && !strchr(*words, '='); words++)
                if (!want_expand_devices(*words, devices, error))
                        return false;
        for (; *words && strchr(*words, '='); words++) {
                char *value = g_strdup(*words);
                growing = cut_plus(value) || growing;
                g_ptr_array_add(values, value);
        }
        *ret = words;
        if (devices->len == 0 || values->len == 0) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                                    devices->len ? "nothing to set: give key=value words after the VF, as in vlan=42"
                                                 : "which VF? Name it before its key=value words, as in enp1s0/3 vlan=42");
                return false;
        }
        g_ptr_array_add(values, NULL);
        if (!want_parse_words(model, (char **) values->pdata, error))
                return false;
        for (unsigned i = 0; i < devices->len; i++) {
                Want *want = want_new(WANT_SET);
                want->device = g_strdup(devices->pdata[i]);
                want->vf = model->vf;
                g_ptr_array_add(wants, want);
                if (growing)
                        mac_add(model->vf.mac, 1);
        }
        return true;
}

bool want_parse_sets(char **words, GPtrArray *wants, GError **error) {
        while (*words)
                if (!parse_set_group(words, wants, &words, error))
                        return false;
        return true;
}

enum { BOOT_WORDS_MAX = 16 };

static char **boot_words(const GPtrArray *words, GError **error) {
        g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(g_free);

        for (unsigned i = 0; words && i < words->len; i++) {
                const char *word = words->pdata[i];
                if (!boot_word_ok(word) || out->len == BOOT_WORDS_MAX) {
                        g_autofree char *shown = g_strescape(word, NULL);
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE,
                                    out->len == BOOT_WORDS_MAX ? "'%.80s' is one boot parameter too many at once"
                                                               : "'%.80s' is not put into a boot configuration: only letters, digits and _.=,:+/@- are, and in parentheses whole PCI addresses of xen-pciback.hide=",
                                    shown);
                        return NULL;
                }
                if (!g_ptr_array_find_with_equal_func(out, word, g_str_equal, NULL))
                        g_ptr_array_add(out, g_strdup(word));
        }
        g_ptr_array_add(out, NULL);
        g_ptr_array_set_free_func(out, NULL);
        return (char **) g_ptr_array_free(g_steal_pointer(&out), FALSE);
}

Want *want_boot(const GPtrArray *add, const GPtrArray *remove, GError **error) {
        g_autoptr(Want) want = want_new(WANT_BOOT);

        want->boot_add = boot_words(add, error);
        want->boot_remove = want->boot_add ? boot_words(remove, error) : NULL;
        if (!want->boot_remove)
                return NULL;
        for (char **word = want->boot_add; *word; word++)
                if (g_strv_contains((const char *const *) want->boot_remove, *word)) {
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_USAGE, "the boot parameter '%s' cannot be put and taken away at once", *word);
                        return NULL;
                }
        if (!want->boot_add[0] && !want->boot_remove[0]) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_USAGE, "no boot parameter is named");
                return NULL;
        }
        return g_steal_pointer(&want);
}
