/* Links that change, by rtnetlink's notifications. What is in them besides the name is not looked at: a notification carries no
 * VFs (rtnl_notify asks rtnl_fill_ifinfo with ext_mask 0), so that what changed must be read anyway. */
#include "watch/source.h"

#include "base/error.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (32 * 1024)
#define BUFFER_BYTES (1 << 20)

typedef struct {
        Watch watch;
        struct mnl_socket *socket;
} Links;

static int find_name(const struct nlattr *attr, void *user) {
        const char **name = user;
        if (mnl_attr_get_type(attr) == IFLA_IFNAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
                *name = mnl_attr_get_str(attr);
        return MNL_CB_OK;
}

/* One datagram. False: it was cut short or is no link's, and something may be missing. */
static bool take(Watch *watch, const void *bytes, int length) {
        const struct nlmsghdr *message = bytes;

        for (; mnl_nlmsg_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
                const char *name = NULL;
                if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK)
                        continue;
                if (mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg))
                        return false;
                mnl_attr_parse(message, sizeof(struct ifinfomsg), find_name, &name);
                if (!name)
                        return false;
                watch_tell(watch, name);
                if (watch->gone)
                        return true;
        }
        return length == 0;
}

static void links_ready(Watch *watch) {
        Links *links = (Links *) watch;
        uint64_t buffer[RECEIVE_BYTES / sizeof(uint64_t)]; /* aligned for a header */

        while (!watch->gone) {
                ssize_t n = mnl_socket_recvfrom(links->socket, buffer, sizeof buffer);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return;
                if (n < 0) { /* ENOBUFS: the kernel dropped some; ENOSPC: a message longer than ours */
                        watch_tell(watch, "");
                        return;
                }
                if (!take(watch, buffer, (int) n))
                        watch_tell(watch, "");
        }
}

static void links_done(Watch *watch) {
        mnl_socket_close(((Links *) watch)->socket);
}

Watch *watch_links(WatchSaw saw, void *user, GError **error) {
        struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
        int room = BUFFER_BYTES, fd = -1;

        if (socket && mnl_socket_bind(socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) >= 0)
                fd = dup(mnl_socket_get_fd(socket));
        if (fd < 0) {
                vfadm_error_set_errno(error, -errno, "watching links: rtnetlink's notifications cannot be had");
                if (socket)
                        mnl_socket_close(socket);
                return NULL;
        }
        (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room); /* less is taken, too */
        Links *links = g_new0(Links, 1);
        links->socket = socket;
        watch_start(&links->watch, fd, links_ready, links_done, saw, user);
        return &links->watch;
}
