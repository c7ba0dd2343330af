/* Netlink messages as bytes: the little that building and parsing them share. */
#include "host/nl.h"

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
        /* A copy that is aligned, and padded: libmnl takes the end of the last message rounded up to 4 bytes for the
         * end of its attributes. And mnl_nlmsg_ok() is not asked: it takes lengths from 2^31 on for negative ones. */
        g_autofree uint8_t *copy = g_malloc0(length + MNL_ALIGNTO);
        size_t at = 0;

        if (length)
                memcpy(copy, bytes, length);
        while (length - at >= sizeof(struct nlmsghdr)) {
                const struct nlmsghdr *message = (const struct nlmsghdr *) (copy + at);
                if (message->nlmsg_len < sizeof *message || message->nlmsg_len > length - at || !each(message, user))
                        return false;
                at = MIN(at + MNL_ALIGN((size_t) message->nlmsg_len), length);
        }
        return at == length;
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
