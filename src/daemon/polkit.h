/* Whether a caller on the bus may do something, asked of polkit by its D-Bus interface. Where no polkit runs, root alone may. */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>

#define DENIED "org.freedesktop.DBus.Error.AccessDenied"
#define DENIED_NOT_ASKED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" /* polkit would have to ask somebody */

/* `denied` NULL: the caller may. Else the name of the error to be handed on, and why. */
typedef void (*PolkitSaid)(const char *denied, const char *why, void *user);

/* `sender`: the caller's unique name. `details`: words for polkit's own question and its rules (a{ss}, floating). `interactive`: the caller
 * waits while polkit asks somebody. `said` is called from the main loop, once. */
void polkit_ask(GDBusConnection *connection, const char *sender, const char *action, GVariant *details, bool interactive,
                GCancellable *cancellable, PolkitSaid said, void *user);
