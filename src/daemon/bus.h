/* org.vfadm1 on the system bus (data/dbus/org.vfadm1.xml): what the service knows as objects, what it hears as signals, and vfadm's verbs
 * as methods, each asked of polkit first. */
#pragma once

#include "daemon/daemon.h"

typedef struct Bus Bus;

typedef struct {
        Daemon *daemon;              /* must outlive the bus */
        void (*lost)(const char *why, void *user); /* the bus, or the name on it, was had and is gone. From the main loop */
        void *user;
} BusOptions;

/* Connects, puts the objects there, listens to the daemon, and asks for the name org.vfadm1, without which they are there all the same,
 * though nobody finds them: that is told on standard error. NULL: there is no system bus. */
Bus *bus_new(const BusOptions *options, GError **error);
/* Calls under way get no answer any more; what they had vfadm do goes on. The daemon is freed right after, since it still names the bus. */
void bus_free(Bus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bus, bus_free)
