/* What each section of a configuration file may hold: one table of keys a kind of section. vfadm.conf(5) documents every row, and a
 * test holds it to that. Pure. */
#pragma once

#include "model/conf.h"

/* What a section's keys are written to; what its kind has no use for is NULL. */
typedef struct {
        ConfPf *pf;     /* [Match], [PF] */
        ConfVf *vf;     /* [VF] */
        Pool *pool;     /* [Pool] */
        VfState *state; /* [VF], [Pool] */
} KeyTarget;

typedef struct {
        const char *key;
        /* False: the value is none. NULL, an empty assignment: back to not said. */
        bool (*take)(const KeyTarget *to, const char *value);
        const char *values; /* what it may be, for whoever wrote something else */
        bool many;          /* lines add, as does a drop-in; else the drop-in's line counts */
} Key;

typedef struct {
        const char *kind; /* "VF" of "[VF 0-3]" */
        const Key *keys;  /* ends with key NULL */
        bool attributes;  /* and those of key_attributes */
} KeyTable;

/* Ends with kind NULL. */
extern const KeyTable key_tables[];
/* What [VF] and [Pool] share: a VF's administrative state, but for its MAC. Ends with key NULL. */
extern const Key key_attributes[];
enum { KEY_VLAN, KEY_QOS, KEY_PROTOCOL }; /* rows of key_attributes */
enum { KEY_POOL_PF };                     /* row of [Pool] */
enum { KEYS_MAX = 16 };                   /* no table is longer */
