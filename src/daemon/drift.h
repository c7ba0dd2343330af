/* PFs that are not as their configuration says, as `vfadm apply --keep-going --dry-run` tells; and for how long vfadmd puts up with whoever changes them
 * again. Pure: the time is given. Internal to daemon/. */
#pragma once

#include "daemon/daemon.h"

/* A PF that was mended this often within this time is left alone: somebody wants it otherwise, or mending it fails. It is tried
 * again when something happens after the rest, when the configuration changes, and when somebody asks for it. */
enum { FIGHT_ROUNDS = 5 };
#define FIGHT_USEC (60 * G_USEC_PER_SEC)
#define FIGHT_REST_USEC (600 * G_USEC_PER_SEC)

typedef struct Drifts Drifts;
Drifts *drifts_new(void);
void drifts_free(Drifts *drifts);
/* Takes what that printed as JSON. What is to be told goes to `events` (Event*), and the addresses (char*) of the PFs to
 * mend now to `mend`. False: it is no such thing; nothing was taken. */
bool drifts_take(Drifts *drifts, const json_t *printed, gint64 now, GPtrArray *events, GPtrArray *mend, GError **error);
/* `vfadm apply` has succeeded there: if it drifts again, that is told again. */
void drifts_mended(Drifts *drifts, const char *pf);
/* Whatever was given up is tried again. */
void drifts_forgive(Drifts *drifts);
