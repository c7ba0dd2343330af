/* The real machine: rtnetlink questions and changes over one socket. */
#include "io/internal.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* Offering this much lets the kernel fill dumps in fewer rounds (net/netlink/af_netlink.c max_recvmsg_len); an
 * answer may be larger: 221 VFs and more in one message (field-facts 7). */
#define FIRST_SIZE 32768

struct RealNetlink {
        struct mnl_socket *socket;
        uint32_t sequence;
        GByteArray *buffer;
};

/* One exchange under way. */
typedef struct {
        RealNetlink *netlink;
        bool dump;
        bool interrupted; /* the list changed while it was read */
        bool done;
        int result;
        GByteArray *reply; /* may be NULL */
        char *extack;
} Exchange;

void io_real_netlink_free(RealNetlink *state) {
        if (!state)
                return;
        mnl_socket_close(state->socket);
        g_byte_array_unref(state->buffer);
        g_free(state);
}

/* NULL with errno. */
static RealNetlink *netlink_open(void) {
        int on = 1;
        struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
        if (!socket)
                return NULL;
        if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
                int number = errno;
                mnl_socket_close(socket);
                errno = number;
                return NULL;
        }
        /* Each only makes answers better (the kernel's own words, short acks, filters that count): old kernels do
         * without. */
        (void) mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof on);
        (void) mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof on);
        (void) mnl_socket_setsockopt(socket, NETLINK_GET_STRICT_CHK, &on, sizeof on);
        RealNetlink *state = g_new0(RealNetlink, 1);
        state->socket = socket;
        state->sequence = (uint32_t) g_get_monotonic_time();
        state->buffer = g_byte_array_new();
        g_byte_array_set_size(state->buffer, FIRST_SIZE);
        return state;
}

static ssize_t receive_once(RealNetlink *state, int flags, struct sockaddr_nl *from) {
        struct iovec iov = {.iov_base = state->buffer->data, .iov_len = state->buffer->len};
        struct msghdr message = {.msg_name = from, .msg_namelen = sizeof *from, .msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n;
        do
                n = recvmsg(mnl_socket_get_fd(state->socket), &message, flags);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

/* One datagram into the buffer, which grows to fit. Returns its length. */
static ssize_t receive(RealNetlink *state, struct sockaddr_nl *from) {
        ssize_t n = receive_once(state, MSG_PEEK | MSG_TRUNC, from);
        if (n < 0)
                return n;
        if ((size_t) n > state->buffer->len)
                g_byte_array_set_size(state->buffer, (guint) n);
        n = receive_once(state, MSG_TRUNC, from);
        return n > (ssize_t) state->buffer->len ? -EMSGSIZE : n;
}

static int take_attr(const struct nlattr *attr, void *user) {
        Exchange *exchange = user;
        if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
            !exchange->extack)
                exchange->extack = g_strdup(mnl_attr_get_str(attr));
        return MNL_CB_OK;
}

/* An ack or an error: a number, the request (its header alone when capped), then the kernel's words. */
static void take_error(Exchange *exchange, const struct nlmsghdr *message) {
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(message);

        exchange->done = true;
        if (mnl_nlmsg_get_payload_len(message) < sizeof *e || e->error > 0) {
                exchange->result = -EBADMSG;
                return;
        }
        exchange->result = e->error;
        size_t offset = sizeof *e;
        if (!(message->nlmsg_flags & NLM_F_CAPPED))
                offset += MNL_ALIGN(e->msg.nlmsg_len) - MNL_NLMSG_HDRLEN;
        if (message->nlmsg_flags & NLM_F_ACK_TLVS && offset < mnl_nlmsg_get_payload_len(message))
                mnl_attr_parse(message, (unsigned) offset, take_attr, exchange);
}

/* The end of a list may carry the errno that ended it (netlink_dump_done). */
static void take_done(Exchange *exchange, const struct nlmsghdr *message) {
        exchange->done = true;
        if (mnl_nlmsg_get_payload_len(message) < sizeof(int))
                return;
        memcpy(&exchange->result, mnl_nlmsg_get_payload(message), sizeof exchange->result);
        if (exchange->result > 0)
                exchange->result = -EBADMSG;
        if (message->nlmsg_flags & NLM_F_ACK_TLVS)
                mnl_attr_parse(message, sizeof(int), take_attr, exchange);
}

static void take(Exchange *exchange, const struct nlmsghdr *message) {
        if (message->nlmsg_flags & NLM_F_DUMP_INTR)
                exchange->interrupted = true;
        switch (message->nlmsg_type) {
        case NLMSG_ERROR:
                take_error(exchange, message);
                break;
        case NLMSG_DONE:
                take_done(exchange, message);
                break;
        case NLMSG_NOOP:
        case NLMSG_OVERRUN:
                break;
        default: {
                static const uint8_t zeros[MNL_ALIGNTO];
                if (!exchange->reply)
                        break;
                g_byte_array_append(exchange->reply, (const uint8_t *) message, message->nlmsg_len);
                g_byte_array_append(exchange->reply, zeros, MNL_ALIGN(message->nlmsg_len) - message->nlmsg_len);
        }
        }
}

static int collect(Exchange *exchange) {
        RealNetlink *netlink = exchange->netlink;
        uint32_t port = mnl_socket_get_portid(netlink->socket);

        while (!exchange->done) {
                struct sockaddr_nl from = {0};
                ssize_t n = receive(netlink, &from);
                if (n < 0)
                        return (int) n;
                if (from.nl_pid != 0) /* not the kernel: any process may send to our port */
                        continue;
                int left = (int) n;
                const struct nlmsghdr *message = (const struct nlmsghdr *) netlink->buffer->data;
                for (; mnl_nlmsg_ok(message, left) && !exchange->done; message = mnl_nlmsg_next(message, &left))
                        if (message->nlmsg_seq == netlink->sequence && message->nlmsg_pid == port)
                                take(exchange, message);
        }
        return 0;
}

static int exchange_run(Exchange *exchange, const void *request, size_t length) {
        RealNetlink *netlink = exchange->netlink;
        g_autofree struct nlmsghdr *copy = g_memdup2(request, length);

        copy->nlmsg_seq = ++netlink->sequence;
        copy->nlmsg_pid = 0;
        copy->nlmsg_flags |= NLM_F_REQUEST;
        exchange->dump = io_netlink_asks(request, length) && (copy->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
        if (!exchange->dump) /* the ack tells that the answer is whole, also for a GET */
                copy->nlmsg_flags |= NLM_F_ACK;
        ssize_t n = mnl_socket_sendto(netlink->socket, copy, length);
        if (n < 0)
                return -errno;
        return (size_t) n == length ? collect(exchange) : -EIO;
}

int io_real_netlink(RealNetlink **state, const void *request, size_t length, GByteArray *reply, char **extack) {
        struct nlmsghdr header;
        guint before = reply ? reply->len : 0;

        if (length < sizeof header || length > G_MAXINT32)
                return -EINVAL;
        memcpy(&header, request, sizeof header);
        if (header.nlmsg_len != length)
                return -EINVAL;
        if (!*state)
                *state = netlink_open();
        if (!*state)
                return -errno;
        Exchange exchange = {.netlink = *state, .reply = reply};
        int r = exchange_run(&exchange, request, length);
        if (r < 0) { /* what is still on its way would be taken for the next answer */
                io_real_netlink_free(*state);
                *state = NULL;
        } else {
                r = exchange.result < 0 ? exchange.result : exchange.interrupted ? -EINTR : 0;
        }
        if (r < 0 && reply)
                g_byte_array_set_size(reply, before);
        if (extack)
                *extack = g_steal_pointer(&exchange.extack);
        g_free(exchange.extack);
        return r;
}
