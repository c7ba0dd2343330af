/* Findings as text and as JSON. */
#include "show/show.h"
#include "show/wrap.h"

#include <string.h>

static GPtrArray *findings_new(void) {
        return g_ptr_array_new_with_free_func((GDestroyNotify) finding_free);
}

static Finding *add(GPtrArray *findings, const char *id, Topic topic, Severity severity, const char *subject, const char *what) {
        Finding *finding = finding_new(id, topic, severity, "Guests get a random MAC at each boot.");
        finding->subject = g_strdup(subject);
        finding->what = g_strdup(what);
        g_ptr_array_add(findings, finding);
        return finding;
}

static GPtrArray *healthy(void) {
        GPtrArray *findings = findings_new();
        add(findings, "no-virtualisation", TOPIC_CPU, SEVERITY_OK, NULL, "VT-x");
        add(findings, "iommu-off", TOPIC_KERNEL, SEVERITY_OK, NULL, "IOMMU on (intel_iommu=on), 14 groups");
        add(findings, "intr-remap-off", TOPIC_KERNEL, SEVERITY_OK, NULL, "interrupt remapping on");
        return findings;
}

static GPtrArray *ill(void) {
        GPtrArray *findings = healthy();
        Finding *finding = add(findings, "vf-no-mac", TOPIC_VF, SEVERITY_WARNING, "enp1s0/0-6", "no MAC");
        finding->seen = g_strdup("00:00:00:00:00:00");
        finding->where = g_strdup("'ip link show enp1s0'");
        finding->remedy = g_strdup("vfadm set enp1s0/0-6 mac=02:00:00:00:00:01+");
        g_ptr_array_add(finding->devices, g_strdup("0000:01:10.0"));
        g_ptr_array_add(finding->boot_add, g_strdup("intel_iommu=on"));
        return findings;
}

static char *text_of(GPtrArray *findings, ShowFindings how, unsigned unread) {
        char *text = show_findings_text(findings, &how, unread);
        g_ptr_array_unref(findings);
        return text;
}

static void test_healthy(void) {
        g_autofree char *text = text_of(healthy(), (ShowFindings) {0}, 0);
        g_assert_cmpstr(text, ==,
                        "ok        cpu          VT-x\n"
                        "ok        kernel       IOMMU on (intel_iommu=on), 14 groups; interrupt remapping on\n"
                        "nothing is wrong\n");
}

static void test_nothing(void) {
        g_autofree char *text = text_of(findings_new(), (ShowFindings) {0}, 1);
        g_assert_cmpstr(text, ==, "nothing is wrong; 1 thing could not be looked at\n");
}

static void test_block(void) {
        g_autofree char *text = text_of(ill(), (ShowFindings) {0}, 2);
        g_assert_cmpstr(text, ==,
                        "ok        cpu          VT-x\n"
                        "ok        kernel       IOMMU on (intel_iommu=on), 14 groups; interrupt remapping on\n"
                        "warning   vf           enp1s0/0-6: no MAC\n"
                        "                       seen     00:00:00:00:00:00, in 'ip link show enp1s0'\n"
                        "                       why      Guests get a random MAC at each boot.\n"
                        "                       do       vfadm set enp1s0/0-6 mac=02:00:00:00:00:01+\n"
                        "                       more     vfadm doctor --explain vf-no-mac\n"
                        "1 warning; nothing blocks; 2 things could not be looked at\n");
}

static void test_all(void) {
        GPtrArray *findings = healthy();
        Finding *note = add(findings, "iommu-strict", TOPIC_KERNEL, SEVERITY_NOTE, NULL, "DMA is translated");
        note->seen = g_strdup("DMA-FQ");
        g_autofree char *short_text = text_of(g_ptr_array_ref(findings), (ShowFindings) {0}, 0);
        g_assert_true(g_str_has_suffix(short_text,
                                       "note      kernel       DMA is translated\n"
                                       "                       more     vfadm doctor --explain iommu-strict\n"
                                       "1 note; nothing is wrong\n"));
        g_autofree char *text = text_of(findings, (ShowFindings) {.all = true}, 0);
        g_assert_cmpstr(text, ==,
                        "ok        cpu          VT-x\n"
                        "ok        kernel       IOMMU on (intel_iommu=on), 14 groups\n"
                        "ok        kernel       interrupt remapping on\n"
                        "note      kernel       DMA is translated\n"
                        "                       seen     DMA-FQ\n"
                        "                       why      Guests get a random MAC at each boot.\n"
                        "                       more     vfadm doctor --explain iommu-strict\n"
                        "1 note; nothing is wrong\n");
}

/* The reason and where to read more stand once for a check that found several. */
static void test_same_check(void) {
        GPtrArray *findings = findings_new();
        add(findings, "acs-missing", TOPIC_ISOLATION, SEVERITY_BLOCKS, "a", "one")->remedy = g_strdup("first\nthen");
        add(findings, "acs-missing", TOPIC_ISOLATION, SEVERITY_WARNING, "b", "two")->where = g_strdup("/x");
        add(findings, "other", TOPIC_ISOLATION, SEVERITY_BLOCKS, NULL, "three");
        g_autofree char *text = text_of(findings, (ShowFindings) {0}, 0);
        g_assert_cmpstr(text, ==,
                        "blocks    isolation    a: one\n"
                        "                       why      Guests get a random MAC at each boot.\n"
                        "                       do       first\n"
                        "                                then\n"
                        "warning   isolation    b: two\n"
                        "                       seen     in /x\n"
                        "                       more     vfadm doctor --explain acs-missing\n"
                        "blocks    isolation    three\n"
                        "                       why      Guests get a random MAC at each boot.\n"
                        "                       more     vfadm doctor --explain other\n"
                        "2 things block, 1 warning\n");
}

/* A host with 32 cards that all lack the same is told so once. */
static GPtrArray *alike(unsigned n) {
        GPtrArray *findings = findings_new();
        for (unsigned i = 0; i < n; i++) {
                g_autofree char *subject = g_strdup_printf("enp%us0", i + 1);
                add(findings, "pf-down", TOPIC_SRIOV, SEVERITY_WARNING, subject, "down")->remedy = g_strdup_printf("ip link set %s up", subject);
        }
        return findings;
}

static void test_alike(void) {
        g_autofree char *two = text_of(alike(2), (ShowFindings) {0}, 0), *five = text_of(alike(5), (ShowFindings) {0}, 0),
                        *many = text_of(alike(32), (ShowFindings) {0}, 0), *all = text_of(alike(3), (ShowFindings) {.all = true}, 0);
        g_assert_true(g_str_has_prefix(two, "warning   sr-iov       enp1s0, enp2s0: down\n"));
        g_assert_true(g_str_has_prefix(five, "warning   sr-iov       enp1s0, enp2s0, enp3s0, enp4s0, enp5s0: down\n"));
        g_assert_cmpstr(many, ==,
                        "warning   sr-iov       enp1s0, enp2s0, enp3s0, enp4s0 and 28 more: down\n"
                        "                       why      Guests get a random MAC at each boot.\n"
                        "                       do       ip link set enp1s0 up\n"
                        "                                and the same for the others; --all tells them one by one\n"
                        "                       more     vfadm doctor --explain pf-down\n"
                        "32 warnings; nothing blocks\n");
        g_assert_nonnull(strstr(all, "enp3s0: down\n                       do       ip link set enp3s0 up\n"));
}

static void test_command_is_whole(void) {
        static const char command[] = "echo 'ACTION==\"add\", KERNEL==\"0000:01:00.0\", DRIVER==\"igb\", ATTR{sriov_numvfs}=\"7\"' > "
                                      "/etc/udev/rules.d/70-vfs.rules";
        GPtrArray *findings = findings_new();
        add(findings, "x", TOPIC_PERSISTENCE, SEVERITY_WARNING, NULL, "y")->remedy = g_strdup(command);
        g_autofree char *text = text_of(findings, (ShowFindings) {.width = 80}, 0);
        g_assert_nonnull(strstr(text, command));
}

static void test_color(void) {
        GPtrArray *findings = ill();
        add(findings, "x", TOPIC_TOOLS, SEVERITY_BLOCKS, NULL, "y");
        g_autofree char *text = text_of(findings, (ShowFindings) {.color = true}, 0);
        g_assert_nonnull(strstr(text, "\033[33mwarning\033[0m   vf           enp1s0/0-6"));
        g_assert_nonnull(strstr(text, "\033[31mblocks\033[0m    tools        y"));
        g_assert_true(g_str_has_prefix(text, "ok        cpu")); /* quiet */
        const char *plain = strstr(text, "seen");
        g_assert_nonnull(plain);
        g_assert_null(memchr(plain, '\033', 60));
}

static void test_width(void) {
        static const unsigned widths[] = {0, 60, 72, 132};
        for (size_t i = 0; i < G_N_ELEMENTS(widths); i++) {
                GPtrArray *findings = ill();
                Finding *finding = findings->pdata[3];
                g_free(finding->what);
                finding->what = g_strdup("a guest gets a random MAC at each boot, so that its name for the card, its lease of DHCP "
                                         "and whatever knows it by its MAC change with each boot of it — für immer");
                g_autofree char *text = text_of(findings, (ShowFindings) {.width = widths[i]}, 0);
                g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
                unsigned limit = widths[i] ? widths[i] : 100, longest = 0;
                for (char **line = lines; *line; line++) {
                        g_assert_false(g_str_has_suffix(*line, " "));
                        /* A command that is longer than a line may be. */
                        if (!strstr(*line, "mac=02") && !strstr(*line, "--explain"))
                                longest = MAX(longest, (unsigned) g_utf8_strlen(*line, -1));
                }
                g_assert_cmpuint(longest, <=, limit);
                g_assert_cmpuint(longest, >, limit - 20);
        }
        g_autofree char *narrow = text_of(ill(), (ShowFindings) {.width = 3}, 0), *sixty = text_of(ill(), (ShowFindings) {.width = 60}, 0);
        g_assert_cmpstr(narrow, ==, sixty);
}

static void test_hostile(void) {
        GPtrArray *findings = ill();
        Finding *finding = findings->pdata[3];
        g_free(finding->subject);
        g_free(finding->seen);
        finding->subject = g_strdup("en\033[2Jp1");
        finding->seen = g_strdup("a\xff\rb");
        json_t *json = show_findings_json(findings, NULL);
        json_t *shown = json_array_get(json_object_get(json, "findings"), 3);
        g_assert_cmpstr(json_string_value(json_object_get(shown, "subject")), ==, "en\033[2Jp1");
        g_assert_cmpstr(json_string_value(json_object_get(shown, "seen")), ==, "a\xef\xbf\xbd\rb");
        json_decref(json);
        g_autofree char *text = text_of(findings, (ShowFindings) {0}, 0);
        g_assert_nonnull(strstr(text, "en?[2Jp1: no MAC"));
        g_assert_nonnull(strstr(text, "a\xef\xbf\xbd?b, in"));
        g_assert_null(strchr(text, '\033'));
}

static void test_json(void) {
        g_autoptr(GPtrArray) findings = ill(), notes = g_ptr_array_new();
        g_ptr_array_add(notes, (void *) "config space needs root");
        json_t *json = show_findings_json(findings, notes);
        json_t *expected = json_pack(
                "{s:s, s:s, s:s, s:s, s:[s], s:s, s:s, s:s, s:s, s:s, s:[s], s:[]}", "id", "vf-no-mac", "topic", "vf", "severity",
                "warning", "subject", "enp1s0/0-6", "devices", "0000:01:10.0", "what", "no MAC", "seen", "00:00:00:00:00:00", "where",
                "'ip link show enp1s0'", "why", "Guests get a random MAC at each boot.", "remedy",
                "vfadm set enp1s0/0-6 mac=02:00:00:00:00:01+", "boot_add", "intel_iommu=on", "boot_remove");
        g_assert_nonnull(expected);
        g_assert_cmpstr(json_string_value(json_object_get(json, "verdict")), ==, "warning");
        json_t *array = json_object_get(json, "findings");
        g_assert_cmpuint(json_array_size(array), ==, 4);
        g_assert_true(json_equal(json_array_get(array, 3), expected));
        g_assert_true(json_is_null(json_object_get(json_array_get(array, 0), "subject")));
        g_assert_true(json_is_null(json_object_get(json_array_get(array, 0), "remedy")));
        g_assert_cmpstr(json_string_value(json_array_get(json_object_get(json, "notes"), 0)), ==, "config space needs root");
        json_decref(expected);
        json_decref(json);
}

static void test_explanation(void) {
        g_autofree char *text = show_explanation_text("iommu-off", "No IOMMU is active", "Devices reach all memory.",
                                                      "First\nparagraph.\n\n\n  Second one, which is a good deal longer than the first "
                                                      "and so must be wrapped.\n", 60);
        g_assert_cmpstr(text, ==,
                        "iommu-off\nNo IOMMU is active\n\nDevices reach all memory.\n\nFirst paragraph.\n\n"
                        "Second one, which is a good deal longer than the first and\nso must be wrapped.\n");
}

static void test_wrap(void) {
        static const struct {
                unsigned at, indent, width;
                const char *text, *expected;
        } rows[] = {
                {0, 2, 10, "", "\n"},
                {0, 2, 10, "  a   b ", "a b\n"},
                {0, 2, 10, "aaaa bbbbb", "aaaa bbbbb\n"},
                {0, 2, 10, "aaaa bbbbbb", "aaaa\n  bbbbbb\n"},
                {0, 2, 5, "aaaaaaaaaaa b c", "aaaaaaaaaaa\n  b c\n"},
                {4, 4, 10, "äää öö ü", "äää öö\n    ü\n"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
                g_autoptr(GString) out = g_string_new(NULL);
                wrap_text(out, rows[i].at, rows[i].indent, rows[i].width, rows[i].text);
                g_assert_cmpstr(out->str, ==, rows[i].expected);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/findings/healthy", test_healthy);
        g_test_add_func("/findings/nothing", test_nothing);
        g_test_add_func("/findings/block", test_block);
        g_test_add_func("/findings/all", test_all);
        g_test_add_func("/findings/same-check", test_same_check);
        g_test_add_func("/findings/alike", test_alike);
        g_test_add_func("/findings/command-is-whole", test_command_is_whole);
        g_test_add_func("/findings/color", test_color);
        g_test_add_func("/findings/width", test_width);
        g_test_add_func("/findings/hostile", test_hostile);
        g_test_add_func("/findings/json", test_json);
        g_test_add_func("/findings/explanation", test_explanation);
        g_test_add_func("/findings/wrap", test_wrap);
        return g_test_run();
}
