/* What a request for metrics may be. */
#include "want/http_request.h"

#include <glib.h>
#include <string.h>

static void assert_status(const char *request, HttpStatus want, bool want_head) {
        bool head = !want_head;
        g_assert_cmpint(http_request_parse(request, strlen(request), &head), ==, want);
        g_assert_true(head == want_head);
}

static void test_good(void) {
        assert_status("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", HTTP_OK, false);
        assert_status("GET / HTTP/1.0\r\n\r\n", HTTP_OK, false);
        assert_status("GET /metrics?collect=all HTTP/1.1\r\n\r\n", HTTP_OK, false);
        assert_status("HEAD /metrics HTTP/1.1\r\n\r\n", HTTP_OK, true);
}

static void test_parts(void) {
        static const char whole[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        bool head;

        for (size_t n = 0; n < strlen(whole); n++)
                g_assert_cmpint(http_request_parse(whole, n, &head), ==, HTTP_MORE);
}

static void test_bad(void) {
        static const char zero[] = "GET /metrics\0 HTTP/1.1\r\n\r\n";
        g_autofree char *longest = g_strnfill(HTTP_REQUEST_MAX, 'a');
        bool head;

        assert_status("\r\n\r\n", HTTP_BAD, false);
        assert_status("GET\r\n\r\n", HTTP_BAD, false);
        assert_status("GET /metrics\r\n\r\n", HTTP_BAD, false);
        assert_status(" /metrics HTTP/1.1\r\n\r\n", HTTP_BAD, false);
        assert_status("GET  HTTP/1.1\r\n\r\n", HTTP_BAD, false);
        assert_status("GET /metrics HTTP/2.0\r\n\r\n", HTTP_BAD, false);
        assert_status("GET /metrics HTTP/1.1 \r\n\r\n", HTTP_BAD, false);
        assert_status("GET /metrics/../etc HTTP/1.1\r\n\r\n", HTTP_NOT_FOUND, false);
        assert_status("GET /metric HTTP/1.1\r\n\r\n", HTTP_NOT_FOUND, false);
        assert_status("POST /metrics HTTP/1.1\r\n\r\n", HTTP_NOT_ALLOWED, false);
        assert_status("get /metrics HTTP/1.1\r\n\r\n", HTTP_NOT_ALLOWED, false);
        g_assert_cmpint(http_request_parse(zero, sizeof(zero) - 1, &head), ==, HTTP_BAD);
        g_assert_cmpint(http_request_parse(longest, HTTP_REQUEST_MAX - 1, &head), ==, HTTP_MORE);
        g_assert_cmpint(http_request_parse(longest, HTTP_REQUEST_MAX, &head), ==, HTTP_BAD);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/http/good", test_good);
        g_test_add_func("/http/parts", test_parts);
        g_test_add_func("/http/bad", test_bad);
        return g_test_run();
}
