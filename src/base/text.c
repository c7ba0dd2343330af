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

void mac_add(uint8_t mac[6], unsigned n) {
        const unsigned low = ((unsigned) mac[3] << 16 | (unsigned) mac[4] << 8 | mac[5]) + n;

        mac[3] = (uint8_t) (low >> 16);
        mac[4] = (uint8_t) (low >> 8);
        mac[5] = (uint8_t) low;
}

unsigned word_distance(const char *a, const char *b) {
        unsigned cost[WORD_FAR + 1][WORD_FAR + 1];
        size_t m = strlen(a), n = strlen(b);

        if (m > WORD_FAR || n > WORD_FAR)
                return WORD_FAR;
        for (size_t i = 0; i <= m; i++)
                for (size_t j = 0; j <= n; j++) {
                        if (i == 0 || j == 0) {
                                cost[i][j] = (unsigned) (i + j);
                                continue;
                        }
                        unsigned best = cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
                        best = MIN(best, cost[i - 1][j] + 1);
                        best = MIN(best, cost[i][j - 1] + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                best = MIN(best, cost[i - 2][j - 2] + 1);
                        cost[i][j] = best;
                }
        return cost[m][n];
}
