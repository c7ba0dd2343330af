/* Files in folders, by inotify(7): the configuration, guests' definitions, the ledger. (GLib's own file monitor looks every
 * four seconds for folders that are not there yet; here the nearest folder above is watched instead.) */
#include "watch/source.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS_BYTES (16 * 1024)
#define MOST_PLACES 256 /* a folder each; more drop-in folders than anybody has */

#define OF_FOLDER (IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
/* A link is told by IN_CREATE alone. */
#define OF_FILES (IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | OF_FOLDER)
/* SQLite's readers make, open and delete the -wal and -shm files and write into the -shm; a writer writes into the -wal, or,
 * when it is the last and goes, into the database. The database is put aside by renaming. */
#define OF_LEDGER (IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | OF_FOLDER)
/* What brings a folder that is waited for. */
#define OF_PARENT (IN_CREATE | IN_MOVED_TO | OF_FOLDER)

typedef struct {
        char *path;
        int wd;      /* -1: nothing of it could be watched */
        bool waits;  /* it is not there: wd is of the nearest folder above */
        bool inner;  /* found in another folder: not waited for */
} Place;

typedef struct {
        Watch watch;
        GPtrArray *places; /* Place* */
        bool ledger;
} Folders;

static void place_free(void *user) {
        Place *place = user;
        g_free(place->path);
        g_free(place);
}

static Place *place_new(Folders *folders, const char *path, bool inner) {
        Place *place = g_new0(Place, 1);
        place->path = g_strdup(path);
        place->wd = -1;
        place->inner = inner;
        g_ptr_array_add(folders->places, place);
        return place;
}

static bool known(const Folders *folders, const char *path) {
        for (unsigned i = 0; i < folders->places->len; i++)
                if (g_str_equal(((const Place *) folders->places->pdata[i])->path, path))
                        return true;
        return false;
}

/* Two places may stand on one watch: /etc, waited in for two folders. */
static void let_go(Folders *folders, Place *place) {
        int wd = place->wd;

        place->wd = -1;
        for (unsigned i = 0; i < folders->places->len; i++)
                if (((const Place *) folders->places->pdata[i])->wd == wd)
                        return;
        if (wd >= 0)
                (void) inotify_rm_watch(folders->watch.fd, wd); /* it may be gone by itself */
}

static void find_inner(Folders *folders, const char *path);

/* Watches the folder, or else the nearest above it. True: it is there. */
static bool arm(Folders *folders, Place *place) {
        let_go(folders, place);
        place->wd = inotify_add_watch(folders->watch.fd, place->path, (folders->ledger ? OF_LEDGER : OF_FILES) | IN_MASK_ADD);
        place->waits = place->wd < 0;
        if (place->waits && !place->inner) {
                g_autofree char *above = g_path_get_dirname(place->path);
                while ((place->wd = inotify_add_watch(folders->watch.fd, above, OF_PARENT | IN_MASK_ADD)) < 0 && !g_str_equal(above, "/")) {
                        char *next = g_path_get_dirname(above);
                        g_free(above);
                        above = next;
                }
                /* It may have come between the two. */
                int wd = inotify_add_watch(folders->watch.fd, place->path, (folders->ledger ? OF_LEDGER : OF_FILES) | IN_MASK_ADD);
                if (wd >= 0) {
                        let_go(folders, place);
                        place->wd = wd;
                        place->waits = false;
                }
        }
        if (!place->waits && !place->inner && !folders->ledger)
                find_inner(folders, place->path);
        return !place->waits;
}

static void add_inner(Folders *folders, const char *path) {
        if (known(folders, path) || folders->places->len >= MOST_PLACES)
                return;
        Place *place = place_new(folders, path, true);
        if (!arm(folders, place))
                g_ptr_array_remove(folders->places, place);
}

static void find_inner(Folders *folders, const char *path) {
        g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
        const char *name;

        while (dir && (name = g_dir_read_name(dir))) {
                g_autofree char *inner = g_build_filename(path, name, NULL);
                if (g_str_has_suffix(name, ".conf.d"))
                        add_inner(folders, inner);
        }
}

static bool is_ours(const Folders *folders, const char *name) {
        if (folders->ledger)
                return g_str_equal(name, "ledger.db") || g_str_equal(name, "ledger.db-wal");
        return name[0] != '.';
}

/* One event, as it is for one place. True: the place has ended. */
static bool take(Folders *folders, Place *place, uint32_t mask, const char *name) {
        if (mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
                bool told = !place->waits;
                if (place->inner) {
                        let_go(folders, place);
                } else {
                        if (mask & IN_IGNORED)
                                place->wd = -1; /* the kernel has let go of it already, and the number may be used anew */
                        told |= arm(folders, place);
                }
                if (told)
                        watch_tell(&folders->watch, place->path);
                return place->inner;
        }
        if (place->waits) {
                if (arm(folders, place))
                        watch_tell(&folders->watch, place->path);
                return false;
        }
        if (!is_ours(folders, name))
                return false;
        g_autofree char *path = g_build_filename(place->path, name, NULL);
        if ((mask & IN_ISDIR) && (mask & (IN_CREATE | IN_MOVED_TO)) && !place->inner && g_str_has_suffix(name, ".conf.d"))
                add_inner(folders, path);
        watch_tell(&folders->watch, path);
        return false;
}

static void take_event(Folders *folders, int wd, uint32_t mask, const char *name) {
        if (mask & IN_Q_OVERFLOW) {
                for (unsigned i = 0; i < folders->places->len; i++)
                        arm(folders, folders->places->pdata[i]);
                watch_tell(&folders->watch, "");
                return;
        }
        for (unsigned i = 0; i < folders->places->len && !folders->watch.gone;) {
                Place *place = folders->places->pdata[i];
                if (place->wd == wd && take(folders, place, mask, name))
                        g_ptr_array_remove_index(folders->places, i);
                else
                        i++;
        }
}

static void folders_ready(Watch *watch) {
        Folders *folders = (Folders *) watch;
        char buffer[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
        ssize_t n;

        while (!watch->gone && (n = read(watch->fd, buffer, sizeof buffer)) > 0)
                for (const char *at = buffer; at < buffer + n && !watch->gone;) {
                        const struct inotify_event *event = (const void *) at;
                        take_event(folders, event->wd, event->mask, event->len ? event->name : "");
                        at += sizeof *event + event->len;
                }
}

static void folders_done(Watch *watch) {
        g_ptr_array_unref(((Folders *) watch)->places);
}

static Watch *start(const char *const *paths, bool ledger, WatchSaw saw, void *user, GError **error) {
        int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

        if (fd < 0) {
                vfadm_error_set_errno(error, -errno, "watching %s: inotify cannot be had", paths[0]);
                return NULL;
        }
        Folders *folders = g_new0(Folders, 1);
        folders->places = g_ptr_array_new_with_free_func(place_free);
        folders->ledger = ledger;
        watch_start(&folders->watch, fd, folders_ready, folders_done, saw, user);
        for (; *paths; paths++)
                if (!known(folders, *paths))
                        arm(folders, place_new(folders, *paths, false));
        return &folders->watch;
}

Watch *watch_folders(const char *const *folders, WatchSaw saw, void *user, GError **error) {
        return start(folders, false, saw, user, error);
}

Watch *watch_ledger(const char *folder, WatchSaw saw, void *user, GError **error) {
        const char *const folders[] = {folder, NULL};
        return start(folders, true, saw, user, error);
}
