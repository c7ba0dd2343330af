/* guest_asserts.h. */
#include "guest_asserts.h"

#include "base/error.h"

#include <string.h>

void error_is(GError *error, int code, const char *part) {
        g_assert_error(error, VFADM_ERROR, code);
        if (!strstr(error->message, part))
                g_test_fail_printf("'%s' is not in: %s", part, error->message);
        g_assert_null(strchr(error->message, '\n'));
}

void slot_is(const GuestInfo *info, unsigned index, const char *bus, bool free, bool hotplug) {
        g_assert_cmpuint(index, <, info->slots->len);
        const GuestSlot *slot = info->slots->pdata[index];
        g_assert_cmpstr(slot->bus, ==, bus);
        g_assert_cmpint(slot->free, ==, free);
        g_assert_cmpint(slot->hotplug, ==, hotplug);
}
