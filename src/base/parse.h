/* Strict parsing of outside text: the whole string, one type, within bounds. No leading space, sign or '+',
 * no trailing text; every function leaves *ret alone when it returns false. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Digits of one base (10 or 16; for 16 an optional "0x"), min <= value <= max. */
bool parse_uint(const char *text, unsigned base, uint64_t min, uint64_t max, uint64_t *ret);
bool parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret);

/* A decimal that may be negative, as sysfs prints (numa_node is "-1"). */
bool parse_int(const char *text, int64_t min, int64_t max, int64_t *ret);

/* The same for `length` bytes that need not end in NUL; used for /proc and sysfs fields. */
bool parse_uint_n(const char *text, size_t length, unsigned base, uint64_t min, uint64_t max, uint64_t *ret);

/* "on" or "off" (ip link's words), also "yes"/"no", "1"/"0", "true"/"false". */
bool parse_on_off(const char *text, bool *ret);

/* A MAC as six hex pairs parted by ':' throughout or '-' throughout. Says nothing of multicast or zero. */
bool parse_mac(const char *text, uint8_t ret[6]);
