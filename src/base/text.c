/* Small helpers over text and MAC addresses. */
#include "base/text.h"

#include <glib.h>
#include <string.h>

void mac_format(const uint8_t mac[6], char ret[MAC_TEXT_SIZE]) {
        g_snprintf(ret, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

bool mac_is_zero(const uint8_t mac[6]) {
        static const uint8_t zero[6];
        return memcmp(mac, zero, sizeof zero) == 0;
}

bool mac_is_multicast(const uint8_t mac[6]) {
        return mac[0] & 1;
}
