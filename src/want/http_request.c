/* The first line of a request of HTTP. */
#include "want/http_request.h"

#include <glib.h>
#include <string.h>

const char *http_reason(int status) {
        static const struct {
                int status;
                const char *reason;
        } reasons[] = {
                {200, "OK"}, {400, "Bad Request"}, {404, "Not Found"}, {405, "Method Not Allowed"}, {503, "Service Unavailable"},
        };

        for (size_t i = 0; i < G_N_ELEMENTS(reasons); i++)
                if (reasons[i].status == status)
                        return reasons[i].reason;
        return "Error";
}

/* The target without its query, which scrapers may send and which says nothing here. */
static bool is_metrics(const char *target, size_t length) {
        const char *query = memchr(target, '?', length);
        size_t n = query ? (size_t) (query - target) : length;

        return (n == 1 && target[0] == '/') || (n == strlen("/metrics") && memcmp(target, "/metrics", n) == 0);
}

/* "GET /metrics HTTP/1.1", without its end. */
static HttpStatus parse_line(const char *line, size_t length, bool *ret_head) {
        const char *space = memchr(line, ' ', length);
        if (!space || space == line)
                return HTTP_BAD;
        size_t method = (size_t) (space - line);
        const char *target = space + 1;
        const char *end = memchr(target, ' ', length - method - 1);
        if (!end || end == target)
                return HTTP_BAD;
        size_t version = length - (size_t) (end + 1 - line);
        if (version != strlen("HTTP/1.x") || memcmp(end + 1, "HTTP/1.", strlen("HTTP/1.")) != 0 || !g_ascii_isdigit(end[version]))
                return HTTP_BAD;
        *ret_head = method == 4 && memcmp(line, "HEAD", 4) == 0;
        if (!*ret_head && !(method == 3 && memcmp(line, "GET", 3) == 0))
                return HTTP_NOT_ALLOWED;
        return is_metrics(target, (size_t) (end - target)) ? HTTP_OK : HTTP_NOT_FOUND;
}

HttpStatus http_request_parse(const char *data, size_t length, bool *ret_head) {
        *ret_head = false;
        if (length > HTTP_REQUEST_MAX || memchr(data, '\0', length))
                return HTTP_BAD;
        if (!g_strstr_len(data, (gssize) length, "\r\n\r\n"))
                return length == HTTP_REQUEST_MAX ? HTTP_BAD : HTTP_MORE;
        return parse_line(data, (size_t) ((const char *) memchr(data, '\r', length) - data), ret_head);
}
