/* Any bytes as a request for metrics, as they come: piece by piece. What a part was refused for, the whole is refused for; and a
 * request that is there is not asked for more. */
#include "want/http_request.h"

#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        HttpStatus status = HTTP_MORE;
        bool head = false;

        for (size_t n = 0; n <= size && n <= 256 && status == HTTP_MORE; n++) {
                g_autofree char *part = g_memdup2(data, n);
                status = http_request_parse(part ? part : "", n, &head);
        }
        g_assert_true(status == HTTP_MORE || g_strcmp0(http_reason((int) status), "Error") != 0);
        g_assert_true(status != HTTP_MORE || !head);
        HttpStatus whole = http_request_parse(size ? (const char *) data : "", size, &head);
        g_assert_true(status == HTTP_MORE || whole == status || whole == HTTP_BAD);
        return 0;
}
