/* Rounds: what is looked at, and mended, after something happened. One round at a time; what happens during one makes for one
 * more. Internal to daemon/. */
#pragma once

#include "daemon/daemon.h"

/* What a round looks at. Each of them ends with reading the state. */
typedef enum {
        LOOK_STATE = 1 << 0,
        LOOK_RECOVER = 1 << 1, /* a guest ended, or its definition changed */
        LOOK_DRIFT = 1 << 2,   /* a device may not be as its configuration says any more */
        LOOK_ALL = LOOK_STATE | LOOK_RECOVER | LOOK_DRIFT,
} Look;

/* From the first thing that happened to the round that looks at it: most of what belongs to it has happened by then. */
enum { DEBOUNCE_MS = 50 };
/* Between two rounds as long as the last one took, so that events without end take half a processor at most; not longer than this. */
enum { REST_MOST_MS = 2000 };

typedef struct {
        Workers *workers;
        State *state;
        /* Takes the event over. */
        void (*tell)(Event *event, void *user);
        /* There are configuration files. */
        bool (*configured)(void *user);
        /* A round is over, and the state known; `whole`: of all that it was to look at, nothing failed. */
        void (*over)(bool whole, void *user);
        void *user;
} ReconcileOptions;

typedef struct Reconcile Reconcile;
Reconcile *reconcile_new(const ReconcileOptions *options);
/* The workers must be freed before: they know this. */
void reconcile_free(Reconcile *reconcile);
/* Something happened. */
void reconcile_look(Reconcile *reconcile, unsigned looks);
/* What was given up is tried again. */
void reconcile_forgive(Reconcile *reconcile);
/* No round is under way, and none is about to begin. */
bool reconcile_quiet(const Reconcile *reconcile);
/* Rounds begun so far. */
guint64 reconcile_rounds(const Reconcile *reconcile);
