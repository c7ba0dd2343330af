/* Netlink messages as bytes: the little that building and parsing them share. Internal to host/. */
#pragma once

#include <glib.h>
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>

/* A message of `type` with a zeroed `header_size` family header, in a buffer that holds any request we make. Sequence
 * number and port stay 0: the seam sets them, and a recorded answer is found again by the same bytes. */
struct nlmsghdr *nl_request(GByteArray **buffer, uint16_t type, uint16_t flags, size_t header_size);
/* Cuts the buffer to the message's length and gives it away. */
GByteArray *nl_request_end(GByteArray *buffer);

/* Calls `each` for every whole message, until it returns false. True when all of them were walked and no other bytes
 * follow. */
typedef bool (*NlEach)(const struct nlmsghdr *message, void *user);
bool nl_walk(const void *bytes, size_t length, NlEach each, void *user);

/* Copies an attribute's payload into a struct; false when it is shorter. */
bool nl_attr_copy(const struct nlattr *attr, void *ret, size_t size);
/* An attribute's text: NUL-terminated, not empty. NULL otherwise. Borrowed. */
const char *nl_attr_text(const struct nlattr *attr);
