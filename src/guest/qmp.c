/* The QMP connection: bytes to and from the socket, answers matched with questions, events kept for later. */
#include "guest/qmp.h"

#include "base/error.h"
#include "guest/qmp_message.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 1024 }; /* a guest can cause events at will (RTC_CHANGE, …); nobody needs that many at once */

struct Qmp {
        int fd;
        char *who;
        GByteArray *in;
        QmpFrame frame;
        GQueue events; /* QmpMessage* of kind QMP_EVENT */
        json_int_t last_id;
        bool closed, broken;
        char *refusal_class, *refusal_desc;
};

int64_t qmp_deadline(unsigned milliseconds) {
        return g_get_monotonic_time() + (int64_t)milliseconds * 1000;
}

Qmp *qmp_new(int fd, const char *who) {
        Qmp *qmp = g_new0(Qmp, 1);
        qmp->fd = fd;
        qmp->who = g_strdup(who);
        qmp->in = g_byte_array_new();
        g_queue_init(&qmp->events);
        /* A blocking read or write would know no deadline. */
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
                qmp->broken = true;
        return qmp;
}

static void message_free(void *data) {
        qmp_message_clear(data);
        g_free(data);
}

void qmp_free(Qmp *qmp) {
        if (!qmp)
                return;
        close(qmp->fd);
        g_free(qmp->who);
        g_byte_array_unref(qmp->in);
        g_queue_clear_full(&qmp->events, message_free);
        g_free(qmp->refusal_class);
        g_free(qmp->refusal_desc);
        g_free(qmp);
}

const char *qmp_who(const Qmp *qmp) {
        return qmp->who;
}

bool qmp_closed(const Qmp *qmp) {
        return qmp->closed;
}

bool qmp_refusal(const Qmp *qmp, const char **class, const char **desc) {
        *class = qmp->refusal_class;
        *desc = qmp->refusal_desc;
        return qmp->refusal_class != NULL;
}

static bool fail_closed(Qmp *qmp, GError **error) {
        qmp->closed = true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: QEMU closed its QMP connection", qmp->who);
        return false;
}

static bool fail_lies(Qmp *qmp, const char *problem, GError **error) {
        qmp->broken = true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED,
                    "%s: its QMP socket does not speak QMP: %s; check that nothing but QEMU listens there", qmp->who,
                    problem);
        return false;
}

static bool fail_errno(Qmp *qmp, const char *what, int error_number, GError **error) {
        if (error_number == EPIPE || error_number == ECONNRESET)
                return fail_closed(qmp, error);
        qmp->broken = true;
        return vfadm_error_set_errno(error, -error_number, "%s: %s its QMP socket", qmp->who, what);
}

typedef enum { READY, TOO_LATE, NOT_READY } Wait;

static Wait wait_for(Qmp *qmp, short events, int64_t deadline, GError **error) {
        for (;;) {
                int64_t left = deadline - g_get_monotonic_time();
                struct pollfd poller = {.fd = qmp->fd, .events = events};
                /* Rounded up, so that the last millisecond is waited for and not spun through. */
                int ready = poll(&poller, 1, left <= 0 ? 0 : (int)MIN((left + 999) / 1000, INT_MAX));
                if (ready > 0)
                        return READY;
                if (ready == 0 && g_get_monotonic_time() >= deadline)
                        return TOO_LATE;
                if (ready < 0 && errno != EINTR) {
                        fail_errno(qmp, "waiting for", errno, error);
                        return NOT_READY;
                }
        }
}

static bool usable(Qmp *qmp, GError **error) {
        if (qmp->closed)
                return fail_closed(qmp, error);
        if (qmp->broken)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: the QMP connection is of no more use",
                            qmp->who);
        return !qmp->broken;
}

/* One whole message, within the deadline. */
static Wait receive(Qmp *qmp, int64_t deadline, QmpMessage *ret, GError **error) {
        if (!usable(qmp, error))
                return NOT_READY;
        for (;;) {
                QmpFrameResult result = qmp_frame_scan(&qmp->frame, (const char *)qmp->in->data, qmp->in->len);
                g_autofree char *problem = NULL;
                if (result == QMP_FRAME_WHOLE) {
                        bool ok = qmp_message_parse((const char *)qmp->in->data, qmp->frame.seen, ret, &problem);
                        g_byte_array_remove_range(qmp->in, 0, (guint)qmp->frame.seen);
                        qmp->frame = (QmpFrame){0};
                        if (ok)
                                return READY;
                        g_autofree char *text = g_strdup_printf("it sent %s", problem);
                        fail_lies(qmp, text, error);
                        return NOT_READY;
                }
                if (result == QMP_FRAME_WRONG) {
                        fail_lies(qmp, "it sent something that is no JSON object, or one above 1 MiB", error);
                        return NOT_READY;
                }
                Wait wait = wait_for(qmp, POLLIN, deadline, error);
                if (wait != READY)
                        return wait;
                uint8_t buffer[16384];
                ssize_t got = recv(qmp->fd, buffer, sizeof buffer, 0);
                if (got > 0) {
                        g_byte_array_append(qmp->in, buffer, (guint)got);
                } else if (got == 0) {
                        fail_closed(qmp, error);
                        return NOT_READY;
                } else if (errno != EAGAIN && errno != EINTR) {
                        fail_errno(qmp, "reading", errno, error);
                        return NOT_READY;
                }
        }
}

/* The next message that is no event; events on the way are kept. */
static Wait receive_answer(Qmp *qmp, int64_t deadline, QmpMessage *ret, GError **error) {
        for (;;) {
                QmpMessage message = {0};
                Wait wait = receive(qmp, deadline, &message, error);
                if (wait != READY)
                        return wait;
                if (message.kind != QMP_EVENT) {
                        *ret = message;
                        return READY;
                }
                if (g_queue_get_length(&qmp->events) >= EVENTS_MAX) {
                        qmp_message_clear(&message);
                        fail_lies(qmp, "it sends events and does not answer", error);
                        return NOT_READY;
                }
                g_queue_push_tail(&qmp->events, g_memdup2(&message, sizeof message));
        }
}

static bool fail_silent(Qmp *qmp, const char *what, GError **error) {
        qmp->broken = true;
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_BUSY,
                    "%s: QEMU does not answer %s in time; either it hangs, or another program holds this QMP socket "
                    "(QEMU serves one at a time)",
                    qmp->who, what);
        return false;
}

static bool send_all(Qmp *qmp, const char *command, const char *text, int64_t deadline, GError **error) {
        for (size_t sent = 0, length = strlen(text); sent < length;) {
                /* MSG_NOSIGNAL: a QEMU that ends must not end us. */
                ssize_t now = send(qmp->fd, text + sent, length - sent, MSG_NOSIGNAL);
                if (now > 0) {
                        sent += (size_t)now;
                        continue;
                }
                if (now < 0 && errno != EAGAIN && errno != EINTR)
                        return fail_errno(qmp, "writing to", errno, error);
                Wait wait = wait_for(qmp, POLLOUT, deadline, error);
                if (wait == TOO_LATE)
                        return fail_silent(qmp, command, error);
                if (wait == NOT_READY)
                        return false;
        }
        return true;
}

bool qmp_greet(Qmp *qmp, int64_t deadline, GError **error) {
        QmpMessage message = {0};
        Wait wait = receive_answer(qmp, deadline, &message, error);
        if (wait == TOO_LATE)
                return fail_silent(qmp, "a new connection", error);
        if (wait == NOT_READY)
                return false;
        QmpKind kind = message.kind;
        qmp_message_clear(&message);
        if (kind != QMP_GREETING)
                return fail_lies(qmp, "it did not begin with a greeting", error);
        json_t *nothing = qmp_execute(qmp, "qmp_capabilities", NULL, deadline, error);
        json_decref(nothing);
        return nothing != NULL;
}

/* What came back for question `id`, as execute() returns it. */
static json_t *judge(Qmp *qmp, const char *command, json_int_t id, QmpMessage *message, GError **error) {
        if (!message->has_id || message->id != id || message->kind == QMP_GREETING) {
                fail_lies(qmp, "it answered a question that was not asked", error);
                return NULL;
        }
        if (message->kind == QMP_RETURN)
                return g_steal_pointer(&message->data);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: QEMU refused '%s': %s", qmp->who, command,
                    message->desc);
        qmp->refusal_class = g_steal_pointer(&message->name);
        qmp->refusal_desc = g_steal_pointer(&message->desc);
        return NULL;
}

json_t *qmp_execute(Qmp *qmp, const char *command, json_t *arguments, int64_t deadline, GError **error) {
        g_clear_pointer(&qmp->refusal_class, g_free);
        g_clear_pointer(&qmp->refusal_desc, g_free);
        json_int_t id = ++qmp->last_id;
        json_t *request = json_pack("{s:s, s:I, s:o*}", "execute", command, "id", id, "arguments", arguments);
        char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
        json_decref(request);
        if (!text) {
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "%s: '%s' cannot be written as JSON", qmp->who,
                            command);
                return NULL;
        }
        g_autofree char *line = g_strconcat(text, "\n", NULL);
        free(text);
        if (!usable(qmp, error) || !send_all(qmp, command, line, deadline, error))
                return NULL;

        QmpMessage message = {0};
        Wait wait = receive_answer(qmp, deadline, &message, error);
        if (wait == TOO_LATE)
                fail_silent(qmp, command, error);
        if (wait != READY)
                return NULL;
        json_t *ret = judge(qmp, command, id, &message, error);
        qmp_message_clear(&message);
        return ret;
}

QmpWait qmp_next_event(Qmp *qmp, int64_t deadline, char **name, json_t **data, GError **error) {
        QmpMessage message = {0};
        QmpMessage *kept = g_queue_pop_head(&qmp->events);
        if (kept) {
                message = *kept;
                g_free(kept);
        } else {
                Wait wait = receive(qmp, deadline, &message, error);
                if (wait != READY)
                        return wait == TOO_LATE ? QMP_WAIT_TIMEOUT : QMP_WAIT_ERROR;
                if (message.kind != QMP_EVENT) {
                        qmp_message_clear(&message);
                        fail_lies(qmp, "it answered a question that was not asked", error);
                        return QMP_WAIT_ERROR;
                }
        }
        *name = message.name;
        *data = message.data;
        return QMP_WAIT_EVENT;
}
