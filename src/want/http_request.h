/* One request of HTTP, as a scraper of metrics sends it: how far it is there, and what it deserves. Nothing of it is used but its
 * first line (RFC 9112); who may ask at all is for the socket's mode to say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_REQUEST_MAX = 16384 };

typedef enum {
        HTTP_MORE = 0,           /* not all of its head is there yet */
        HTTP_OK = 200,           /* GET or HEAD of /metrics, or of / */
        HTTP_BAD = 400,          /* no request, or one that is too long */
        HTTP_NOT_FOUND = 404,
        HTTP_NOT_ALLOWED = 405,  /* another method */
} HttpStatus;

/* `ret_head`: it is HEAD, so that the answer has no body. */
HttpStatus http_request_parse(const char *data, size_t length, bool *ret_head);
/* "Not Found": for the answer's first line. Never NULL. */
const char *http_reason(int status);
