/* What every watch begins with: a file descriptor in the main context. Internal to watch/. */
#pragma once

#include "watch/watch.h"

struct Watch {
        WatchSaw saw;
        void *user;
        int fd;                      /* owned */
        guint source;                /* in the default main context; 0: none */
        unsigned users;              /* whoever holds it, and each dispatch under way */
        bool gone;                   /* watch_free() was called: nothing is told any more */
        void (*ready)(Watch *watch); /* the fd can be read */
        void (*done)(Watch *watch);  /* frees what the kind has besides; may be NULL */
};

/* Puts `watch`, made by g_new0 of a struct that begins with a Watch, into the main context. Takes the fd over. */
void watch_start(Watch *watch, int fd, void (*ready)(Watch *), void (*done)(Watch *), WatchSaw saw, void *user);
void watch_tell(Watch *watch, const char *what);
