/* Strict parsing of outside text. */
#include "base/parse.h"

#include <glib.h>
#include <string.h>

bool parse_uint_n(const char *text, size_t length, unsigned base, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t value = 0;
        size_t i = 0;

        if (base == 16 && length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
                i = 2;
        if (i == length)
                return false;
        for (; i < length; i++) {
                int digit = g_ascii_xdigit_value(text[i]);
                if (digit < 0 || (unsigned) digit >= base)
                        return false;
                if (value > (UINT64_MAX - (unsigned) digit) / base)
                        return false;
                value = value * base + (unsigned) digit;
        }
        if (value < min || value > max)
                return false;
        *ret = value;
        return true;
}

bool parse_uint(const char *text, unsigned base, uint64_t min, uint64_t max, uint64_t *ret) {
        return text && parse_uint_n(text, strlen(text), base, min, max, ret);
}

bool parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret) {
        uint64_t value;
        if (!parse_uint(text, 10, min, max, &value))
                return false;
        *ret = (uint32_t) value;
        return true;
}

bool parse_int(const char *text, int64_t min, int64_t max, int64_t *ret) {
        uint64_t size;
        bool negative = text && text[0] == '-';

        if (!text || !parse_uint(text + negative, 10, 0, INT64_MAX, &size))
                return false;
        int64_t value = negative ? -(int64_t) size : (int64_t) size;
        if (value < min || value > max)
                return false;
        *ret = value;
        return true;
}

bool parse_on_off(const char *text, bool *ret) {
        static const struct {
                const char *word;
                bool value;
        } table[] = {
                {"on", true}, {"off", false}, {"yes", true}, {"no", false}, {"1", true}, {"0", false}, {"true", true}, {"false", false},
        };
        for (size_t i = 0; text && i < G_N_ELEMENTS(table); i++)
                if (g_str_equal(text, table[i].word)) {
                        *ret = table[i].value;
                        return true;
                }
        return false;
}

bool parse_mac(const char *text, uint8_t ret[6]) {
        uint8_t mac[6];

        if (!text || strlen(text) != 17)
                return false;
        char separator = text[2];
        if (separator != ':' && separator != '-')
                return false;
        for (int i = 0; i < 6; i++) {
                int high = g_ascii_xdigit_value(text[i * 3]);
                int low = g_ascii_xdigit_value(text[i * 3 + 1]);
                if (high < 0 || low < 0 || (i < 5 && text[i * 3 + 2] != separator))
                        return false;
                mac[i] = (uint8_t) (high << 4 | low);
        }
        memcpy(ret, mac, sizeof mac);
        return true;
}
