/* The kernel tries each entry by sscanf() with a domain and then without; here the same, one character after the other, so that
 * it can be said where an entry goes wrong. */
#include "model/pciback_hide.h"

typedef struct {
        const char *at;     /* where it goes on */
        const char *wanted; /* what was not there */
} Cursor;

static bool fail(Cursor *cursor, const char *wanted) {
        cursor->wanted = wanted;
        return false;
}

static void blanks(Cursor *cursor) {
        while (g_ascii_isspace(*cursor->at))
                cursor->at++;
}

static bool take(Cursor *cursor, char c, const char *wanted) {
        if (*cursor->at != c)
                return fail(cursor, wanted);
        cursor->at++;
        return true;
}

/* As %x: blanks before it, and "0x", are taken too. */
static bool hex(Cursor *cursor, unsigned max, unsigned *ret, const char *wanted) {
        unsigned value = 0;
        blanks(cursor);
        if (cursor->at[0] == '0' && (cursor->at[1] == 'x' || cursor->at[1] == 'X') && g_ascii_isxdigit(cursor->at[2]))
                cursor->at += 2;
        if (!g_ascii_isxdigit(*cursor->at))
                return fail(cursor, wanted);
        const char *begin = cursor->at;
        while (g_ascii_isxdigit(*cursor->at)) {
                value = value << 4 | (unsigned) g_ascii_xdigit_value(*cursor->at++);
                if (value > max) {
                        cursor->at = begin;
                        return fail(cursor, wanted);
                }
        }
        *ret = value;
        return true;
}

/* From the bus on: "01:10.0)", "01:10.*)", "01:*.*)". */
static bool bus_on(Cursor *cursor, PcibackPattern *pattern) {
        unsigned bus, slot = 0, function = 0;

        if (!hex(cursor, 0xff, &bus, "a bus (00 to ff)") || !take(cursor, ':', "':' and a slot"))
                return false;
        pattern->any_slot = *cursor->at == '*';
        if (pattern->any_slot)
                cursor->at++;
        else if (!hex(cursor, 0x1f, &slot, "a slot (00 to 1f)"))
                return false;
        if (!take(cursor, '.', "'.' and a function"))
                return false;
        pattern->any_function = *cursor->at == '*';
        if (pattern->any_function)
                cursor->at++;
        else if (pattern->any_slot)
                return fail(cursor, "'*', as for the slot");
        else if (!hex(cursor, 7, &function, "a function (0 to 7)"))
                return false;
        pattern->bus = (uint8_t) bus;
        pattern->slot = (uint8_t) slot;
        pattern->function = (uint8_t) function;
        return take(cursor, ')', "')'");
}

/* An entry with two colons has a domain; the other way to read it would fail at once. */
static bool has_domain(const char *at) {
        unsigned colons = 0;
        for (; *at && *at != ')' && *at != '.'; at++)
                colons += *at == ':';
        return colons > 1;
}

static bool entry(Cursor *cursor, PcibackPattern *pattern) {
        unsigned domain = 0;

        blanks(cursor);
        if (!take(cursor, '(', "'('"))
                return false;
        if (has_domain(cursor->at) && (!hex(cursor, 0xffff, &domain, "a domain (0000 to ffff)") || !take(cursor, ':', "':'")))
                return false;
        pattern->domain = (uint16_t) domain;
        return bus_on(cursor, pattern);
}

bool pciback_hide_parse(const char *text, GArray **ret, unsigned *ret_wrong, const char **ret_wanted) {
        g_autoptr(GArray) patterns = g_array_new(FALSE, TRUE, sizeof(PcibackPattern));
        Cursor cursor = {.at = text};

        while (*cursor.at) {
                PcibackPattern pattern = {0};
                if (!entry(&cursor, &pattern)) {
                        if (ret_wrong)
                                *ret_wrong = (unsigned) (cursor.at - text);
                        if (ret_wanted)
                                *ret_wanted = cursor.wanted;
                        return false;
                }
                g_array_append_val(patterns, pattern);
                blanks(&cursor);
        }
        if (ret)
                *ret = g_steal_pointer(&patterns);
        return true;
}

bool pciback_pattern_fits(const PcibackPattern *pattern, PciAddr addr) {
        return pattern->domain == addr.domain && pattern->bus == addr.bus && (pattern->any_slot || pattern->slot == addr.slot) &&
               (pattern->any_function || pattern->function == addr.function);
}

char *pciback_pattern_text(const PcibackPattern *pattern) {
        if (pattern->any_slot)
                return g_strdup_printf("%04x:%02x:*.*", pattern->domain, pattern->bus);
        if (pattern->any_function)
                return g_strdup_printf("%04x:%02x:%02x.*", pattern->domain, pattern->bus, pattern->slot);
        return g_strdup_printf("%04x:%02x:%02x.%u", pattern->domain, pattern->bus, pattern->slot, pattern->function);
}
