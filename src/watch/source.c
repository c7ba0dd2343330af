/* What all watches share: their place in the main context, and how they end. */
#include "watch/source.h"

#include <glib-unix.h>
#include <unistd.h>

static void drop(Watch *watch) {
        if (--watch->users > 0)
                return;
        if (watch->done)
                watch->done(watch);
        close(watch->fd);
        g_free(watch);
}

static gboolean dispatch(int fd, GIOCondition condition, void *user) {
        Watch *watch = user;

        watch->users++; /* whoever is told may free it */
        watch->ready(watch);
        bool gone = watch->gone;
        if (gone)
                watch->source = 0;
        drop(watch);
        return gone ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

void watch_start(Watch *watch, int fd, void (*ready)(Watch *), void (*done)(Watch *), WatchSaw saw, void *user) {
        watch->fd = fd;
        watch->ready = ready;
        watch->done = done;
        watch->saw = saw;
        watch->user = user;
        watch->users = 1;
        watch->source = g_unix_fd_add(fd, G_IO_IN, dispatch, watch);
}

void watch_tell(Watch *watch, const char *what) {
        if (!watch->gone)
                watch->saw(watch, what, watch->user);
}

void watch_free(Watch *watch) {
        if (!watch)
                return;
        watch->gone = true;
        if (watch->source)
                g_source_remove(watch->source);
        drop(watch);
}
