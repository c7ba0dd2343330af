/* What Xen's tools read: an entry of a domain's `pci = [ … ]`, and the domain's configuration file, of which all but that list stays
 * byte for byte as its owner wrote it. Pure: text in, text out (xl.cfg(5), xl-pci-configuration(5)). */
#pragma once

#include "model/guest.h"
#include "model/xen_device.h"

#include <stddef.h>

/* "0000:01:10.0,permissive=1": only what is said. The caller frees. */
char *xl_device_format(const XenDevice *device);
/* The same, and all else that xl takes: "01:10.0", "01:10.0@4", "bdf=…", "vslot=", "rdm_policy=". False with FAILED and what is wrong with it; an
 * entry that names a device by `name=` alone, or several functions ("01:10.*"), is UNSUPPORTED. */
bool xl_device_parse(const char *text, size_t length, XenDevice *ret, GError **error);

/* A domain as its configuration file defines it: name, uuid (NULL: made up at each start), machine, `defined` with the functions of its
 * list (id as vfadm gives it, `xml` the entry as it stands). What the list has that cannot be told is in `notes`. NULL with FAILED, the
 * line and the reason when it is no such file. */
GuestInfo *xl_config_parse(const char *text, size_t length, GError **error);
/* `pci_permissive = 1` stands there: every device of the domain gets it. */
bool xl_config_permissive(const char *text, size_t length);
/* The text with this entry added to the list (which is made where there is none), or with the entry of this function taken out; as it
 * was when that is so already. NULL when the file cannot be understood well enough to be changed by us: the reason says which line. */
char *xl_config_put(const char *text, size_t length, const char *entry, GError **error);
char *xl_config_take_out(const char *text, size_t length, PciAddr host, GError **error);
