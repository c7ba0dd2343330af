/* What makes and sets VFs at boot besides vfadm (setup.h), held against the configuration: what 'vfadm import' shows, and writes with
 * --config. Plain data, made by plan/takeover.h. */
#pragma once

#include "model/conf.h"
#include "model/mechanism.h"

typedef enum {
        TAKEOVER_READY,    /* it can be said in the configuration, and is not yet */
        TAKEOVER_SAID,     /* the configuration says it already */
        TAKEOVER_CONFLICT, /* the configuration, or another of these, says otherwise */
        TAKEOVER_NOT,      /* vfadm has no word for it, or cannot tell what is meant here */
        TAKEOVER_ASLEEP,   /* it does nothing as it is */
} TakeoverState;

/* One mechanism. */
typedef struct {
        const Mechanism *mechanism; /* borrowed */
        GPtrArray *pfs;  /* const Dev*: the PFs that it is about */
        GArray *claims;  /* TakeoverClaim */
        TakeoverState state;
        char *why;       /* READY, SAID: what of it stays behind, NULL where nothing does; else the reason */
} Takeover;

/* What a mechanism says of a PF or of one of its VFs. */
typedef struct {
        const Dev *pf;
        int64_t num_vfs;    /* -1: not said */
        int autoprobe;      /* -1: not said */
        int64_t vf;         /* -1: it is about the PF */
        VfState state;
        const char *driver; /* a word for Driver=, borrowed; NULL: not said */
} TakeoverClaim;

/* What all of them say of one PF. */
typedef struct {
        const Dev *pf;
        ConfPf *conf; /* its place is the file that is to be written; NULL: they contradict each other, or some file is about it */
} TakeoverPf;

typedef struct {
        GPtrArray *items; /* Takeover*, in the order in which they were found */
        GPtrArray *pfs;   /* TakeoverPf*, by address: those of which something is to be written */
} Takeovers;

Takeovers *takeovers_new(void);
void takeovers_free(Takeovers *takeovers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Takeovers, takeovers_free)
Takeover *takeovers_add(Takeovers *takeovers, const Mechanism *mechanism);
/* All that it does is, or will be, said by the configuration. */
bool takeover_is_whole(const Takeover *takeover);
/* "said already", "not taken over" … */
const char *takeover_state_word(TakeoverState state);
/* "VFs=7 Autoprobe=no", "VF 0: vlan=42 trust=on; VF 1: …": what it sets, in few words. The caller frees. */
char *takeover_says(const Takeover *takeover);
