/* Small helpers over text and MAC addresses that GLib does not have. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MAC_TEXT_SIZE 18 /* "02:00:00:00:00:01" and NUL */

void mac_format(const uint8_t mac[6], char ret[MAC_TEXT_SIZE]);
bool mac_is_zero(const uint8_t mac[6]);
bool mac_is_multicast(const uint8_t mac[6]);
/* The n-th MAC after this one; its first three bytes, the maker's, stay. */
void mac_add(uint8_t mac[6], unsigned n);
/* Letters to add, drop, change or swap with the next one to get from one word to the other (optimal string alignment): what was
 * probably meant is nearest. Words longer than WORD_FAR letters are that far from all. */
unsigned word_distance(const char *a, const char *b);
enum { WORD_FAR = 20 };
