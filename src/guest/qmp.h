/* A small strict QMP client over one connected socket. The peer is not trusted to answer, to be quick or to be QEMU:
 * everything has a deadline, and what does not fit the protocol ends the connection with an error that says so.
 * Deadlines are g_get_monotonic_time() microseconds: a socket's peer lives in real time, whatever clock the Io has. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Qmp Qmp;

int64_t qmp_deadline(unsigned milliseconds);

/* Takes the fd over. `who` begins every message: "qemu:web1 (pid 812)". */
Qmp *qmp_new(int fd, const char *who);
void qmp_free(Qmp *qmp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Qmp, qmp_free)

const char *qmp_who(const Qmp *qmp);

/* Waits for the greeting and leaves negotiation mode. Must come first. */
bool qmp_greet(Qmp *qmp, int64_t deadline, GError **error);

/* Runs a command and returns what it returns (owned by the caller). Takes `arguments` (may be NULL) over. NULL:
 * BUSY when there was no answer in time (the connection is then dead, since the answer may still come), FAILED when
 * the peer closed, lied, or refused. Only when QEMU refused does qmp_refusal() say more. */
json_t *qmp_execute(Qmp *qmp, const char *command, json_t *arguments, int64_t deadline, GError **error);

/* Class and words of QEMU's refusal of the last command; false when it was not refused. Borrowed until the next one. */
bool qmp_refusal(const Qmp *qmp, const char **class, const char **desc);

/* The peer closed the connection: QEMU ended, or threw us out. */
bool qmp_closed(const Qmp *qmp);

typedef enum { QMP_WAIT_EVENT, QMP_WAIT_TIMEOUT, QMP_WAIT_ERROR } QmpWait;
/* The next event, those that came between answers first. On EVENT, the caller frees *name and drops *data (may be
 * NULL). On ERROR the connection is at its end: see qmp_closed(). */
QmpWait qmp_next_event(Qmp *qmp, int64_t deadline, char **name, json_t **data, GError **error);
