/* The guest agent: the 0xff byte that parts our question's answer from what others left behind, and two questions. */
#include "guest/agent.h"

#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "guest/qmp_message.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* Sent by whoever wants both ends to begin anew: no byte of UTF-8 (qga/main.c, QGA_SENTINEL_BYTE). */
enum { SENTINEL = 0xff };

typedef struct {
        int fd;
        const char *who;
        int64_t deadline;
        GByteArray *in;
        size_t received; /* of all answers together */
} Agent;

static bool fail(const Agent *agent, VfadmError kind, const char *problem, GError **error) {
        g_set_error(error, VFADM_ERROR, kind, "%s: the guest agent %s", agent->who, problem);
        return false;
}

static bool fail_silent(const Agent *agent, GError **error) {
        return fail(agent, VFADM_ERROR_BUSY, "does not answer: it does not run, or another program holds its socket",
                    error);
}

/* False: too late, or the socket broke. */
static bool ready(const Agent *agent, short events, GError **error) {
        for (;;) {
                int64_t left = agent->deadline - g_get_monotonic_time();
                struct pollfd poller = {.fd = agent->fd, .events = events};
                if (left <= 0)
                        return fail_silent(agent, error);
                int r = poll(&poller, 1, (int)MIN((left + 999) / 1000, INT_MAX));
                if (r > 0)
                        return true;
                if (r < 0 && errno != EINTR)
                        return fail(agent, VFADM_ERROR_FAILED, "cannot be waited for", error);
        }
}

static bool send_all(const Agent *agent, const char *bytes, size_t length, GError **error) {
        for (size_t sent = 0; sent < length;) {
                ssize_t now = send(agent->fd, bytes + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (now > 0)
                        sent += (size_t)now;
                else if (now < 0 && errno != EAGAIN && errno != EINTR)
                        return fail(agent, VFADM_ERROR_FAILED, "hung up", error);
                else if (!ready(agent, POLLOUT, error))
                        return false;
        }
        return true;
}

/* More bytes at the end of `in`. */
static bool receive(Agent *agent, GError **error) {
        uint8_t buffer[4096];
        for (;;) {
                ssize_t got = recv(agent->fd, buffer, sizeof buffer, MSG_DONTWAIT);
                if (got > 0) {
                        g_byte_array_append(agent->in, buffer, (guint)got);
                        agent->received += (size_t)got;
                        if (agent->received > 4 * (size_t)AGENT_ANSWER_MAX)
                                return fail(agent, VFADM_ERROR_FAILED, "sends without end", error);
                        return true;
                }
                if (got == 0 || (errno != EAGAIN && errno != EINTR))
                        return fail(agent, VFADM_ERROR_FAILED, "hung up", error);
                if (!ready(agent, POLLIN, error))
                        return false;
        }
}

/* Cuts the next `length` bytes and one more off. */
static void drop(Agent *agent, size_t length) {
        g_byte_array_remove_range(agent->in, 0, (guint)MIN(length + 1, agent->in->len));
}

/* The next line, without its newline; it stays in `in`, where the caller drops it. */
static bool next_line(Agent *agent, size_t *ret, GError **error) {
        for (size_t seen = 0;;) {
                const uint8_t *end =
                        agent->in->len > seen ? memchr(agent->in->data + seen, '\n', agent->in->len - seen) : NULL;
                if (end) {
                        *ret = (size_t)(end - agent->in->data);
                        return true;
                }
                seen = agent->in->len;
                if (seen > AGENT_ANSWER_MAX)
                        return fail(agent, VFADM_ERROR_FAILED, "sent a line above 256 KiB", error);
                if (!receive(agent, error))
                        return false;
        }
}

bool agent_parse_sync(const char *bytes, size_t length, int64_t id) {
        json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
        const json_t *value = json_object_get(root, "return");
        bool same = json_is_integer(value) && json_integer_value(value) == id;
        json_decref(root);
        return same;
}

/* What stands before the sentinel is an answer to somebody else; so is what follows it with another id. */
static bool synchronise(Agent *agent, GError **error) {
        int64_t id = g_get_monotonic_time() & INT32_MAX;
        g_autofree char *question = g_strdup_printf(
                "%c{\"execute\": \"guest-sync-delimited\", \"arguments\": {\"id\": %" G_GINT64_FORMAT "}}\n", SENTINEL,
                id);
        if (!send_all(agent, question, strlen(question), error))
                return false;
        for (;;) {
                const uint8_t *mark = agent->in->len ? memchr(agent->in->data, SENTINEL, agent->in->len) : NULL;
                size_t length;
                if (!mark) {
                        g_byte_array_set_size(agent->in, 0);
                        if (!receive(agent, error))
                                return false;
                        continue;
                }
                drop(agent, (size_t)(mark - agent->in->data));
                if (!next_line(agent, &length, error))
                        return false;
                bool ours = agent_parse_sync((const char *)agent->in->data, length, id);
                /* Another sentinel inside means that this line was cut off. */
                const uint8_t *again = ours ? NULL : memchr(agent->in->data, SENTINEL, length);
                if (!again)
                        drop(agent, length);
                if (ours)
                        return true;
        }
}

static void add_mac(GPtrArray *macs, const char *text) {
        uint8_t mac[6];
        char clean[MAC_TEXT_SIZE];
        if (!parse_mac(text, mac) || mac_is_zero(mac) || mac_is_multicast(mac))
                return;
        mac_format(mac, clean);
        if (!g_ptr_array_find_with_equal_func(macs, clean, g_str_equal, NULL))
                g_ptr_array_add(macs, g_strdup(clean));
}

static bool collect(const json_t *root, GPtrArray *macs, char **problem) {
        const json_t *list = json_object_get(root, "return"), *refusal = json_object_get(root, "error");
        const char *desc = json_string_value(json_object_get(refusal, "desc"));
        if (desc) {
                g_autofree char *clean = qmp_clean_text(desc);
                *problem = g_strdup_printf("refused to list its network devices: %s", clean);
                return false;
        }
        if (!json_is_array(list)) {
                *problem = g_strdup("sent something else than a list of network devices");
                return false;
        }
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *mac = json_string_value(json_object_get(json_array_get(list, i), "hardware-address"));
                if (!mac)
                        continue; /* loopback and tunnels have none */
                if (macs->len >= AGENT_MACS_MAX) {
                        *problem = g_strdup_printf("lists more than %d network devices", (int)AGENT_MACS_MAX);
                        return false;
                }
                add_mac(macs, mac);
        }
        return true;
}

bool agent_parse_interfaces(const char *bytes, size_t length, GPtrArray *macs, char **problem) {
        json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
        g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
        if (!root) {
                *problem = g_strdup("sent what is no JSON");
                return false;
        }
        bool ok = collect(root, found, problem);
        json_decref(root);
        if (ok)
                g_ptr_array_extend_and_steal(macs, g_steal_pointer(&found));
        return ok;
}

bool agent_ask_macs(int fd, const char *who, int64_t deadline, GPtrArray *macs, GError **error) {
        static const char question[] = "{\"execute\": \"guest-network-get-interfaces\"}\n";
        g_autoptr(GByteArray) in = g_byte_array_new();
        Agent agent = {.fd = fd, .who = who, .deadline = deadline, .in = in};
        g_autofree char *problem = NULL;
        size_t length;

        if (!synchronise(&agent, error) || !send_all(&agent, question, sizeof question - 1, error) ||
            !next_line(&agent, &length, error))
                return false;
        if (agent_parse_interfaces((const char *)in->data, length, macs, &problem))
                return true;
        return fail(&agent, VFADM_ERROR_FAILED, problem, error);
}
