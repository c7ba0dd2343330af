/* Any bytes as answers of a guest agent: what is believed are MACs, and no more than a bound. */
#include "guest/agent.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        g_autoptr(GPtrArray) macs = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *problem = NULL;
        bool ok = agent_parse_interfaces((const char *)data, size, macs, &problem);
        g_assert_true(ok == (problem == NULL));
        g_assert_cmpuint(macs->len, <=, ok ? AGENT_MACS_MAX : 0);
        for (unsigned i = 0; i < macs->len; i++) {
                g_assert_cmpuint(strlen(macs->pdata[i]), ==, 17);
                g_assert_cmpuint(strspn(macs->pdata[i], "0123456789abcdef:"), ==, 17);
        }
        g_assert_true(!problem || g_utf8_validate(problem, -1, NULL));
        agent_parse_sync((const char *)data, size, 7);
        return 0;
}
