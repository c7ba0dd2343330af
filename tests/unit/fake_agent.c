/* The guest agent that is none. */
#include "fake_agent.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct FakeAgent {
        FakeAgentManner manner;
        char *interfaces;
        GPtrArray *threads;
        GArray *fds;
};

typedef struct {
        const FakeAgent *agent;
        int fd;
} Connection;

FakeAgent *fake_agent_new(FakeAgentManner manner, const char *interfaces) {
        FakeAgent *agent = g_new0(FakeAgent, 1);
        agent->manner = manner;
        agent->interfaces = g_strdup(interfaces);
        agent->threads = g_ptr_array_new();
        agent->fds = g_array_new(FALSE, FALSE, sizeof(int));
        return agent;
}

void fake_agent_free(FakeAgent *agent) {
        if (!agent)
                return;
        for (unsigned i = 0; i < agent->fds->len; i++)
                shutdown(g_array_index(agent->fds, int, i), SHUT_RDWR);
        for (unsigned i = 0; i < agent->threads->len; i++)
                g_thread_join(agent->threads->pdata[i]);
        for (unsigned i = 0; i < agent->fds->len; i++)
                close(g_array_index(agent->fds, int, i));
        g_ptr_array_unref(agent->threads);
        g_array_unref(agent->fds);
        g_free(agent->interfaces);
        g_free(agent);
}

unsigned fake_agent_count(const FakeAgent *agent) {
        return agent->fds->len;
}

static bool put(int fd, const char *text, size_t length) {
        return send(fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool put_text(int fd, const char *text) {
        return put(fd, text, strlen(text));
}

/* One line into `line`, without the newline; false at the end. */
static bool get_line(int fd, GString *line) {
        char c;
        g_string_truncate(line, 0);
        while (recv(fd, &c, 1, 0) == 1) {
                if (c == '\n')
                        return true;
                g_string_append_c(line, c);
        }
        return false;
}

static void answer_sync(const Connection *connection, const char *question) {
        FakeAgentManner manner = connection->agent->manner;
        /* The sentinel comes first: a parser that begins anew. */
        g_assert_cmpint((guchar)question[0], ==, 0xff);
        json_t *root = json_loads(question + 1, 0, NULL);
        g_assert_cmpstr(json_string_value(json_object_get(root, "execute")), ==, "guest-sync-delimited");
        json_int_t id = json_integer_value(json_object_get(json_object_get(root, "arguments"), "id"));
        json_decref(root);
        if (manner == FAKE_AGENT_LEFTOVERS)
                put_text(connection->fd,
                         "\"}]}\n{\"return\": {\"a\": 1}}\n\xff{\"return\": 5}\n\xff{\"ret\xff{\"return\": [1]}\n");
        g_autofree char *answer = g_strdup_printf("\xff{\"return\": %" JSON_INTEGER_FORMAT "}\n",
                                                  manner == FAKE_AGENT_WRONG_ID ? id + 1 : id);
        put_text(connection->fd, answer);
}

static void answer_interfaces(const Connection *connection) {
        g_autofree char *chunk = g_strnfill(65536, 'x');
        switch (connection->agent->manner) {
        case FAKE_AGENT_ENDLESS:
                while (put(connection->fd, chunk, 65536))
                        ;
                break;
        case FAKE_AGENT_CLOSES_LATER:
                shutdown(connection->fd, SHUT_RDWR);
                break;
        default:
                put_text(connection->fd, connection->agent->interfaces);
                put_text(connection->fd, "\n");
        }
}

static void *serve(void *data) {
        g_autofree Connection *connection = data;
        g_autoptr(GString) line = g_string_new(NULL);
        g_autofree char *chunk = g_strnfill(65536, 'x');
        if (connection->agent->manner == FAKE_AGENT_CLOSES)
                shutdown(connection->fd, SHUT_RDWR);
        while (connection->agent->manner == FAKE_AGENT_FLOODS && put(connection->fd, chunk, 65536))
                ;
        while (get_line(connection->fd, line)) {
                if (connection->agent->manner == FAKE_AGENT_SILENT)
                        continue;
                if (strstr(line->str, "guest-sync-delimited"))
                        answer_sync(connection, line->str);
                else if (strstr(line->str, "guest-network-get-interfaces"))
                        answer_interfaces(connection);
                else
                        g_error("the agent was asked '%s'", line->str);
        }
        return NULL;
}

int fake_agent_connect(FakeAgent *agent) {
        int fds[2];
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        Connection *connection = g_new(Connection, 1);
        *connection = (Connection){.agent = agent, .fd = fds[1]};
        g_array_append_val(agent->fds, fds[1]);
        g_ptr_array_add(agent->threads, g_thread_new("fake-agent", serve, connection));
        return fds[0];
}
