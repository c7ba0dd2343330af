/* A client of QEMU's guest agent (qga/qapi-schema.json, QEMU 10.0), for one question: which MACs the network devices
 * inside have. The other end is the guest itself, which nobody trusts: it may be silent, slow, endless or lie.
 * Everything has a deadline and a bound, and what it says is believed of nothing but itself. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        AGENT_ANSWER_MAX = 1 << 18, /* bytes of one answer: some hundred interfaces with their addresses */
        AGENT_MACS_MAX = 512,
};

/* Asks over a connected socket, which stays the caller's. Adds MACs as text to `macs` (char*). BUSY: no answer by
 * `deadline` (g_get_monotonic_time()): no agent runs, or another program holds the socket. */
bool agent_ask_macs(int fd, const char *who, int64_t deadline, GPtrArray *macs, GError **error);

/* The answer to guest-network-get-interfaces: one line of JSON. False with what is wrong (caller frees); `macs` is then
 * kept as it was. Zero and multicast MACs, and interfaces without one, are left out. */
bool agent_parse_interfaces(const char *bytes, size_t length, GPtrArray *macs, char **problem);
/* The answer to guest-sync-delimited is `id`. */
bool agent_parse_sync(const char *bytes, size_t length, int64_t id);
