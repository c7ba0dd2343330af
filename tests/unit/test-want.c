/* The words of a command line that only Xen's domains take. */
#include "want/want.h"

#include "base/error.h"

static bool parse(Want *want, const char *text, GError **error) {
        g_auto(GStrv) words = g_strsplit(text, " ", -1);
        return want_parse_words(want, words, error);
}

static void test_nothing_said(void) {
        g_autoptr(Want) want = want_new(WANT_ATTACH);

        g_assert_true(parse(want, "mac=02:00:00:00:00:01 vlan=42", NULL));
        g_assert_cmpint(want->xen.slot, ==, -1);
        g_assert_true(want->xen.permissive == -1 && want->xen.msitranslate == -1 && want->xen.power_mgmt == -1 && want->xen.seize == -1);
        g_assert_cmpint(want->xen.rdm, ==, XEN_RDM_DEFAULT);
        g_assert_null(want_xen_word(want));
        g_assert_false(want->at_boot);
}

static void test_all_said(void) {
        g_autoptr(Want) want = want_new(WANT_ATTACH);

        g_assert_true(parse(want, "slot=1f permissive=on msitranslate=off power-mgmt=1 rdm=relaxed trust=on", NULL));
        g_assert_cmpint(want->xen.slot, ==, 0x1f);
        g_assert_cmpint(want->xen.permissive, ==, 1);
        g_assert_cmpint(want->xen.msitranslate, ==, 0);
        g_assert_cmpint(want->xen.power_mgmt, ==, 1);
        g_assert_cmpint(want->xen.seize, ==, -1);
        g_assert_cmpint(want->xen.rdm, ==, XEN_RDM_RELAXED);
        g_assert_cmpuint(want->vf.known, ==, VF_TRUST);
}

static void test_one_said(void) {
        static const struct {
                const char *text, *word;
        } rows[] = {
                {"permissive=off", "permissive"}, {"msitranslate=on", "msitranslate"}, {"power-mgmt=off", "power-mgmt"},
                {"slot=0x1", "slot"},             {"rdm=strict", "rdm"},               {"nic=3", NULL},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Want) want = want_new(WANT_ATTACH);
                g_assert_true(parse(want, rows[i].text, NULL));
                g_assert_cmpstr(want_xen_word(want), ==, rows[i].word);
        }
}

static void test_wrong(void) {
        static const struct {
                WantKind kind;
                const char *text, *said;
        } rows[] = {
                {WANT_ATTACH, "permissive=maybe", "permissive=maybe: on or off"},
                {WANT_ATTACH, "permissive=", "permissive=: on or off"},
                {WANT_ATTACH, "msitranslate=2", "msitranslate=2: on or off"},
                {WANT_ATTACH, "power-mgmt=D3", "power-mgmt=D3: on or off"},
                {WANT_ATTACH, "power_mgmt=on", "power_mgmt=on: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate, nic, managed, profile, teaming, permissive, msitranslate, power-mgmt, rdm and slot"},
                {WANT_ATTACH, "rdm=none", "rdm=none: strict (refused where the device's reserved memory is in the way) or relaxed (given all the same)"},
                {WANT_ATTACH, "slot=20", "slot=20: the device's place on the guest's bus 0, hexadecimal as xl's vslot, from 1 to 1f"},
                {WANT_ATTACH, "slot=-1", "slot=-1: the device's place on the guest's bus 0, hexadecimal as xl's vslot, from 1 to 1f"},
                {WANT_ATTACH, "slot=0", "slot=0: the device's place on the guest's bus 0, hexadecimal as xl's vslot, from 1 to 1f"},
                {WANT_ATTACH, "slot=", "slot=: the device's place on the guest's bus 0, hexadecimal as xl's vslot, from 1 to 1f"},
                {WANT_ATTACH, "slot=00000000000000000008", "slot=00000000000000000008: the device's place on the guest's bus 0, hexadecimal as xl's vslot, from 1 to 1f"},
                {WANT_ATTACH, "slot=8 rdm=strict slot=8", "slot= is given twice"},
                {WANT_ATTACH, "seize=on", "seize=on: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate, nic, managed, profile, teaming, permissive, msitranslate, power-mgmt, rdm and slot"},
                {WANT_LEND, "permissive=on", "permissive=: this word is for guests of another kind, as in 'vfadm attach xen:NAME permissive=…'; 'vfadm run' starts QEMU itself"},
                {WANT_SET, "slot=8", "slot=8: unknown word; there are mac, vlan, trust, spoofchk, link, min-rate, max-rate"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(Want) want = want_new(rows[i].kind);
                g_autoptr(GError) error = NULL;
                g_assert_false(parse(want, rows[i].text, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_USAGE);
                g_assert_cmpstr(error->message, ==, rows[i].said);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/want/xen/nothing-said", test_nothing_said);
        g_test_add_func("/want/xen/all-said", test_all_said);
        g_test_add_func("/want/xen/one-said", test_one_said);
        g_test_add_func("/want/xen/wrong", test_wrong);
        return g_test_run();
}
