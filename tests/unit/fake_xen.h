/* What fake_guests.c asks of fake_xen.c: Xen in place of guest/ in the tests of act/. */
#pragma once

#include "guest/guest.h"

extern const GuestBackend fake_xen_backend;
GuestInfo *fake_xen_read(Io *io, const char *name, bool any, GError **error);
