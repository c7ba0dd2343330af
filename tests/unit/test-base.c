/* Strict parsing: what is taken, and above all what is not. */
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>

static void test_uint(void) {
        uint64_t v = 99;
        g_assert_true(parse_uint("0", 10, 0, 10, &v));
        g_assert_cmpuint(v, ==, 0);
        g_assert_true(parse_uint("0x1f", 16, 0, 255, &v));
        g_assert_cmpuint(v, ==, 31);
        g_assert_true(parse_uint("18446744073709551615", 10, 0, UINT64_MAX, &v));
        g_assert_cmpuint(v, ==, UINT64_MAX);

        static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "1x", "0x1", "11", "18446744073709551616", "٣"};
        v = 99;
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(parse_uint(bad[i], 10, 0, 10, &v));
        g_assert_false(parse_uint("0x", 16, 0, 10, &v));
        g_assert_false(parse_uint(NULL, 10, 0, 10, &v));
        g_assert_cmpuint(v, ==, 99);
}

static void test_int(void) {
        int64_t v = 99;
        g_assert_true(parse_int("-1", -1, 5, &v));
        g_assert_cmpint(v, ==, -1);
        g_assert_false(parse_int("-2", -1, 5, &v));
        g_assert_false(parse_int("--1", -1, 5, &v));
        g_assert_false(parse_int("-", -1, 5, &v));
}

static void test_mac(void) {
        uint8_t mac[6];
        char text[MAC_TEXT_SIZE];
        g_assert_true(parse_mac("02:00:5E:00:01:ff", mac));
        mac_format(mac, text);
        g_assert_cmpstr(text, ==, "02:00:5e:00:01:ff");
        g_assert_true(parse_mac("02-00-5E-00-01-ff", mac));
        static const char *const bad[] = {"", "02:00:5e:00:01", "02:00:5e:00:01:f", "02:00:5e:00:01:ff:", "02:00-5e:00:01:ff",
                                          "0200.5e00.01ff", "02 00 5e 00 01 ff", "g2:00:5e:00:01:ff"};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(parse_mac(bad[i], mac));
}

static void test_on_off(void) {
        bool b = false;
        g_assert_true(parse_on_off("on", &b) && b);
        g_assert_true(parse_on_off("no", &b) && !b);
        g_assert_false(parse_on_off("On", &b));
        g_assert_false(parse_on_off("maybe", &b));
}

static void test_errors(void) {
        g_autoptr(GError) error = NULL;
        g_assert_false(vfadm_error_set_errno(&error, -EBUSY, "enp1s0: writing %s", "sriov_numvfs"));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_BUSY);
        g_assert_cmpstr(error->message, ==, "enp1s0: writing sriov_numvfs: Device or resource busy");
        g_assert_cmpstr(vfadm_error_word(VFADM_ERROR_IN_USE), ==, "in-use");
        g_assert_cmpstr(vfadm_error_word(4711), ==, "failed");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/base/uint", test_uint);
        g_test_add_func("/base/int", test_int);
        g_test_add_func("/base/mac", test_mac);
        g_test_add_func("/base/on-off", test_on_off);
        g_test_add_func("/base/errors", test_errors);
        return g_test_run();
}
