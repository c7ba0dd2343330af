/* /proc/PID/limits and /proc/PID/status (fs/proc/base.c proc_pid_limits, fs/proc/array.c and task_mmu.c, Linux 6.12).
 */
#include "guest/proc.h"

#include "base/parse.h"

#include <glib.h>
#include <string.h>

enum { CAP_IPC_LOCK_BIT = 14 };

/* The text after `key` at the start of a line, without blanks before it. */
static const char *find_line(const char *bytes, size_t length, const char *key, size_t *ret_length) {
        const char *end = bytes + length;
        for (const char *line = bytes; line < end;) {
                const char *newline = memchr(line, '\n', (size_t)(end - line));
                const char *stop = newline ? newline : end;
                if ((size_t)(stop - line) > strlen(key) && memcmp(line, key, strlen(key)) == 0) {
                        const char *value = line + strlen(key);
                        while (value < stop && (*value == ' ' || *value == '\t'))
                                value++;
                        *ret_length = (size_t)(stop - value);
                        return value;
                }
                line = stop + 1;
        }
        return NULL;
}

static size_t word_length(const char *text, size_t length) {
        size_t n = 0;
        while (n < length && text[n] != ' ' && text[n] != '\t')
                n++;
        return n;
}

bool proc_limits_memlock(const char *bytes, size_t length, uint64_t *ret) {
        size_t rest;
        const char *value = find_line(bytes, length, "Max locked memory ", &rest);
        if (!value)
                return false;
        size_t word = word_length(value, rest);
        if (word == strlen("unlimited") && memcmp(value, "unlimited", word) == 0) {
                *ret = UINT64_MAX;
                return true;
        }
        return parse_uint_n(value, word, 10, 0, UINT64_MAX, ret);
}

static uint64_t kilobytes(const char *bytes, size_t length, const char *key) {
        size_t rest;
        uint64_t ret = 0;
        const char *value = find_line(bytes, length, key, &rest);
        if (value)
                parse_uint_n(value, word_length(value, rest), 10, 0, UINT64_MAX >> 12, &ret);
        return ret * 1024;
}

void proc_status_parse(const char *bytes, size_t length, ProcStatus *ret) {
        size_t rest;
        uint64_t caps = 0;
        const char *value = find_line(bytes, length, "CapEff:", &rest);
        if (value)
                parse_uint_n(value, word_length(value, rest), 16, 0, UINT64_MAX, &caps);
        ret->locked = kilobytes(bytes, length, "VmLck:") + kilobytes(bytes, length, "VmPin:");
        ret->ipc_lock = caps >> CAP_IPC_LOCK_BIT & 1;
}
