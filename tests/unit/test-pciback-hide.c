/* hide= as the kernel reads it, and where a typo is. */
#include "model/pciback_hide.h"

#include <string.h>

static void test_right(void) {
        static const struct {
                const char *text, *first;
                unsigned count;
        } rows[] = {
                {"", NULL, 0},
                {"(05:00.0)", "0000:05:00.0", 1},
                {"(0000:01:10.0)(01:10.2)", "0000:01:10.0", 2},
                {"  (0001:01:10.*) (02:1f.7) ", "0001:01:10.*", 2},
                {"(01:*.*)", "0000:01:*.*", 1},
                {"(0002:01:*.*)", "0002:01:*.*", 1},
                {"(0x5:0.0)", "0000:05:00.0", 1},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GArray) patterns = NULL;
                g_assert_true(pciback_hide_parse(rows[i].text, &patterns, NULL, NULL));
                g_assert_cmpuint(patterns->len, ==, rows[i].count);
                g_autofree char *first = patterns->len ? pciback_pattern_text(&g_array_index(patterns, PcibackPattern, 0)) : NULL;
                g_assert_cmpstr(first, ==, rows[i].first);
        }
}

static void test_wrong(void) {
        static const struct {
                const char *text;
                unsigned at;
                const char *wanted;
        } rows[] = {
                {"05:00.0", 0, "'('"},           {"(05:00.0", 8, "')'"},     {"(05:00:0)", 8, "'.'"},       {"(05.00.0)", 3, "':'"},
                {"(0000:05:00)", 11, "'.'"},     {"(05:20.0)", 4, "a slot"}, {"(05:00.8)", 7, "a function"}, {"(05:00.0)x", 9, "'('"},
                {"(05:00.0),(06:00.0)", 9, "'('"}, {"(05:0O.0)", 5, "'.'"},  {"(05:*.0)", 6, "'*'"},        {"(10000:05:00.0)", 1, "a domain"},
                {"\"(05:00.0)\"", 0, "'('"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                unsigned at = 99;
                const char *wanted = NULL;
                g_assert_false(pciback_hide_parse(rows[i].text, NULL, &at, &wanted));
                if (at != rows[i].at || !g_str_has_prefix(wanted, rows[i].wanted))
                        g_error("%s: character %u, %s", rows[i].text, at, wanted);
        }
}

static void test_fits(void) {
        g_autoptr(GArray) patterns = NULL;
        g_assert_true(pciback_hide_parse("(01:10.2)(02:03.*)(0001:04:*.*)", &patterns, NULL, NULL));
        const PcibackPattern *one = &g_array_index(patterns, PcibackPattern, 0);
        g_assert_true(pciback_pattern_fits(one, (PciAddr) {0, 1, 0x10, 2}));
        g_assert_false(pciback_pattern_fits(one, (PciAddr) {0, 1, 0x10, 3}));
        g_assert_false(pciback_pattern_fits(one, (PciAddr) {1, 1, 0x10, 2}));
        g_assert_true(pciback_pattern_fits(one + 1, (PciAddr) {0, 2, 3, 7}));
        g_assert_false(pciback_pattern_fits(one + 1, (PciAddr) {0, 2, 4, 7}));
        g_assert_true(pciback_pattern_fits(one + 2, (PciAddr) {1, 4, 31, 7}));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/pciback-hide/right", test_right);
        g_test_add_func("/pciback-hide/wrong", test_wrong);
        g_test_add_func("/pciback-hide/fits", test_fits);
        return g_test_run();
}
