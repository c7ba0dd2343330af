/* What of configuration files and scripts a record may keep: the lines that host/ looks at, and no others, since keyfiles hold
 * Wi-Fi and VPN secrets, units environments, scripts anything. Internal to io/. */
#pragma once

#include <glib.h>

/* NULL: no file of that kind, to be kept as it is. Else what may be kept, with as many lines as it had: a line that goes leaves
 * an empty one, so that numbers of lines stay true. */
GBytes *redact_config(const char *path, const char *bytes, size_t length);

/* The same for where boot parameters are kept and read: redact_boot.c. */
GBytes *redact_boot(const char *path, const char *bytes, size_t length);
/* A text of boot parameters without the values of secret ones. The caller frees. */
char *redact_boot_words(const char *text);

/* Of the bytes of a /proc/PID/cmdline: the program's name, and those of QEMU's options that say which guest it is and which
 * devices it has, without secrets. The caller owns what comes back. */
GBytes *redact_cmdline(const char *text, size_t size);
