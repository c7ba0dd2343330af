/* What the tests of guest/ say of errors and slots. */
#pragma once

#include "model/guest.h"

/* Of this kind, with `part` in its message; cleared. */
void error_is(GError *error, int code, const char *part);
void slot_is(const GuestInfo *info, unsigned index, const char *bus, bool free, bool hotplug);
