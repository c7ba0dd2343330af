/* The client of the guest agent against agents that answer well, badly, late and not at all. */
#include "guest/agent.h"

#include "base/error.h"
#include "fake_agent.h"

#include <string.h>
#include <unistd.h>

#define INTERFACES                                                                                                     \
        "{\"return\": [{\"name\": \"lo\", \"ip-addresses\": [], \"hardware-address\": \"00:00:00:00:00:00\"}, "        \
        "{\"name\": \"eth0\", \"hardware-address\": \"02:00:00:00:01:10\"}, {\"name\": \"sit0\"}, "                    \
        "{\"name\": \"eth1\", \"hardware-address\": \"02:00:00:00:01:AB\"}]}"

static char *joined(const GPtrArray *macs) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (unsigned i = 0; i < macs->len; i++)
                g_string_append_printf(text, "%s%s", i ? " " : "", (const char *)macs->pdata[i]);
        return g_string_free(g_steal_pointer(&text), FALSE);
}

static void test_interfaces(void) {
        static const struct {
                const char *text, *macs, *problem;
        } table[] = {
                {INTERFACES, "02:00:00:00:01:10 02:00:00:00:01:ab", NULL},
                {"{\"return\": []}", "", NULL},
                {"{\"return\": [{}, 3, null, [], {\"hardware-address\": 5}]}", "", NULL},
                {"{\"return\": [{\"hardware-address\": \"ff:ff:ff:ff:ff:ff\"}]}", "", NULL},
                {"{\"return\": [{\"hardware-address\": \"02:00:00:00:00:01 and more\"}]}", "", NULL},
                {"{\"return\": [{\"hardware-address\": \"02:00:00:00:00:01\"}, {\"hardware-address\": "
                 "\"02:00:00:00:00:01\"}]}",
                 "02:00:00:00:00:01", NULL},
                {"{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\\nsuch\"}}", NULL,
                 "refused to list its network devices: no such"},
                {"{\"return\": {}}", NULL, "something else"},
                {"{}", NULL, "something else"},
                {"[]", NULL, "something else"},
                {"", NULL, "no JSON"},
                {"{\"return\": [", NULL, "no JSON"},
                {"{\"return\": [], \"return\": []}", NULL, "no JSON"},
                {"{\"return\": []} x", NULL, "no JSON"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(GPtrArray) macs = g_ptr_array_new_with_free_func(g_free);
                g_autofree char *problem = NULL;
                bool ok = agent_parse_interfaces(table[i].text, strlen(table[i].text), macs, &problem);
                g_autofree char *text = joined(macs);
                g_assert_cmpint(ok, ==, table[i].problem == NULL);
                g_assert_cmpstr(text, ==, ok ? table[i].macs : "");
                if (!ok && !strstr(problem, table[i].problem))
                        g_error("'%s' is not in: %s", table[i].problem, problem);
        }
}

static void test_too_many(void) {
        g_autoptr(GString) text = g_string_new("{\"return\": [");
        for (unsigned i = 0; i <= AGENT_MACS_MAX; i++)
                g_string_append_printf(text, "%s{\"hardware-address\": \"02:00:00:00:%02x:%02x\"}", i ? ", " : "",
                                       i >> 8, i & 0xff);
        g_string_append(text, "]}");
        g_autoptr(GPtrArray) macs = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *problem = NULL;
        g_assert_false(agent_parse_interfaces(text->str, text->len, macs, &problem));
        g_assert_nonnull(strstr(problem, "more than 512"));
        g_assert_cmpuint(macs->len, ==, 0);
}

static void test_sync(void) {
        static const struct {
                const char *text;
                bool same;
        } table[] = {
                {"{\"return\": 7}", true},
                {"{\"return\": 8}", false},
                {"{\"return\": \"7\"}", false},
                {"{\"return\": 7.0}", false},
                {"{\"return\": 7", false},
                {"7", false},
                {"", false},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                g_assert_cmpint(agent_parse_sync(table[i].text, strlen(table[i].text), 7), ==, table[i].same);
}

static int64_t in(unsigned milliseconds) {
        return g_get_monotonic_time() + (int64_t)milliseconds * 1000;
}

static void test_manners(void) {
        static const struct {
                FakeAgentManner manner;
                const char *interfaces, *macs, *problem;
                int code;
        } table[] = {
                {FAKE_AGENT_GOOD, INTERFACES, "02:00:00:00:01:10 02:00:00:00:01:ab", NULL, 0},
                {FAKE_AGENT_LEFTOVERS, INTERFACES, "02:00:00:00:01:10 02:00:00:00:01:ab", NULL, 0},
                {FAKE_AGENT_GOOD, "{\"return\": 1}", NULL, "something else", VFADM_ERROR_FAILED},
                {FAKE_AGENT_SILENT, "", NULL, "does not answer", VFADM_ERROR_BUSY},
                {FAKE_AGENT_WRONG_ID, "", NULL, "does not answer", VFADM_ERROR_BUSY},
                {FAKE_AGENT_CLOSES, "", NULL, "hung up", VFADM_ERROR_FAILED},
                {FAKE_AGENT_CLOSES_LATER, "", NULL, "hung up", VFADM_ERROR_FAILED},
                {FAKE_AGENT_ENDLESS, "", NULL, "above 256 KiB", VFADM_ERROR_FAILED},
                {FAKE_AGENT_FLOODS, "", NULL, "without end", VFADM_ERROR_FAILED},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autoptr(FakeAgent) agent = fake_agent_new(table[i].manner, table[i].interfaces);
                g_autoptr(GPtrArray) macs = g_ptr_array_new_with_free_func(g_free);
                g_autoptr(GError) error = NULL;
                int fd = fake_agent_connect(agent);
                /* Long where it must not be waited for, short where it is. */
                bool waits = table[i].code == VFADM_ERROR_BUSY;
                int64_t before = g_get_monotonic_time();
                bool ok = agent_ask_macs(fd, "qemu:web1", in(waits ? 100 : 20000), macs, &error);
                g_assert_cmpint(g_get_monotonic_time() - before, <, 10 * G_USEC_PER_SEC);
                close(fd);
                g_autofree char *text = joined(macs);
                g_test_message("row %zu: %s", i, error ? error->message : text);
                g_assert_cmpint(ok, ==, table[i].problem == NULL);
                g_assert_cmpstr(text, ==, ok ? table[i].macs : "");
                if (ok)
                        continue;
                g_assert_error(error, VFADM_ERROR, table[i].code);
                g_assert_true(g_str_has_prefix(error->message, "qemu:web1: the guest agent "));
                if (!strstr(error->message, table[i].problem))
                        g_error("'%s' is not in: %s", table[i].problem, error->message);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/agent/interfaces", test_interfaces);
        g_test_add_func("/agent/too-many", test_too_many);
        g_test_add_func("/agent/sync", test_sync);
        g_test_add_func("/agent/manners", test_manners);
        return g_test_run();
}
