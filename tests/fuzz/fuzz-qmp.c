/* Any bytes as what a QMP peer sends: cut into messages, each parsed or refused with a reason. */
#include "guest/qmp_message.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const QmpMessage *message) {
        g_assert_true(message->kind != QMP_ERROR || (message->name && message->desc));
        g_assert_true(message->kind != QMP_EVENT || message->name);
        g_assert_true(message->kind != QMP_RETURN || message->data);
        /* What goes into one-line errors. */
        g_assert_true(!message->desc || (!strchr(message->desc, '\n') && g_utf8_validate(message->desc, -1, NULL)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *bytes = (const char *)data;
        QmpFrame frame = {0};
        while (qmp_frame_scan(&frame, bytes, size) == QMP_FRAME_WHOLE) {
                QmpMessage message;
                g_autofree char *problem = NULL;
                g_assert_cmpuint(frame.seen, >, 0);
                g_assert_cmpuint(frame.seen, <=, size);
                if (qmp_message_parse(bytes, frame.seen, &message, &problem)) {
                        check(&message);
                        qmp_message_clear(&message);
                } else {
                        g_assert_nonnull(problem);
                }
                bytes += frame.seen;
                size -= frame.seen;
                frame = (QmpFrame){0};
        }
        return 0;
}
