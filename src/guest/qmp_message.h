/* One message of QEMU's Machine Protocol (docs/interop/qmp-spec.rst, QEMU 10.0): bytes in, typed parts out, no I/O. */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
        QMP_MESSAGE_MAX = 1 << 20
}; /* bytes; the longest answer asked for (the QOM list of a big machine) is far below */

/* Where a message ends in a stream of bytes: at the brace that closes the first one. So it does not matter whether
 * QEMU was told to be pretty (-qmp-pretty) and breaks its lines. Zero it before the first byte of each message. */
typedef struct {
        size_t seen; /* bytes looked at */
        unsigned depth;
        bool in_text, escaped;
} QmpFrame;

typedef enum { QMP_FRAME_MORE, QMP_FRAME_WHOLE, QMP_FRAME_WRONG } QmpFrameResult;

/* Looks at bytes[frame->seen …length). WHOLE: the message is the first `frame->seen` bytes. WRONG: no JSON object
 * begins here, or it is longer than QMP_MESSAGE_MAX. */
QmpFrameResult qmp_frame_scan(QmpFrame *frame, const char *bytes, size_t length);

typedef enum { QMP_GREETING, QMP_RETURN, QMP_ERROR, QMP_EVENT } QmpKind;

typedef struct {
        QmpKind kind;
        bool has_id;
        json_int_t id;
        json_t *data; /* QMP_RETURN: any value; QMP_EVENT: an object or NULL */
        char *name;   /* QMP_EVENT: "DEVICE_DELETED"; QMP_ERROR: its class */
        char *desc;   /* QMP_ERROR: QEMU's words, as one clean line */
} QmpMessage;

/* False when it is not JSON or no message of the protocol; *problem says what is wrong (caller frees), *ret is kept. */
bool qmp_message_parse(const char *bytes, size_t length, QmpMessage *ret, char **problem);
void qmp_message_clear(QmpMessage *message);

/* Outside text made fit for one line of an error: control characters and broken UTF-8 out, at most 300 bytes. */
char *qmp_clean_text(const char *text);
