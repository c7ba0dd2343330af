/* Netlink messages as bytes: the little that building and parsing them share. */
#include "host/nl.h"

#include <limits.h>
#include <string.h>

/* The largest request is one VF with all its attributes, about 300 bytes. */
#define REQUEST_MAX 1024

struct nlmsghdr *nl_request(GByteArray **buffer, uint16_t type, uint16_t flags, size_t header_size) {
        *buffer = g_byte_array_sized_new(REQUEST_MAX);
        g_byte_array_set_size(*buffer, REQUEST_MAX);
        memset((*buffer)->data, 0, REQUEST_MAX);
        struct nlmsghdr *message = mnl_nlmsg_put_header((*buffer)->data);
        message->nlmsg_type = type;
        message->nlmsg_flags = NLM_F_REQUEST | flags;
        mnl_nlmsg_put_extra_header(message, header_size);
        return message;
}

GByteArray *nl_request_end(GByteArray *buffer) {
        struct nlmsghdr header;
        memcpy(&header, buffer->data, sizeof header);
        return g_byte_array_set_size(buffer, header.nlmsg_len);
}

bool nl_walk(const void *bytes, size_t length, NlEach each, void *user) {
        g_autofree void *aligned = NULL;
        int left = (int) MIN(length, INT_MAX);

        if ((uintptr_t) bytes % MNL_ALIGNTO)
                bytes = aligned = g_memdup2(bytes, length);
        const struct nlmsghdr *message = bytes;
        for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
                if (!each(message, user))
                        return false;
        /* The last message need not be padded: mnl_nlmsg_next() then runs up to 3 bytes below zero. */
        return left <= 0;
}

bool nl_attr_copy(const struct nlattr *attr, void *ret, size_t size) {
        if (mnl_attr_get_payload_len(attr) < size)
                return false;
        memcpy(ret, mnl_attr_get_payload(attr), size);
        return true;
}

const char *nl_attr_text(const struct nlattr *attr) {
        const char *text = mnl_attr_get_payload(attr);
        size_t length = mnl_attr_get_payload_len(attr);
        return length > 1 && text[length - 1] == 0 && *text ? text : NULL;
}
