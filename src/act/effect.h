/* What each kind of step reads and makes. Private to act/: a file a group of effects, one row each in effects.c. */
#pragma once

#include "act/act.h"

typedef struct {
        /* Reads the fact as it is now. 0, or a negative errno with *error set; -EAGAIN and -EBUSY: ask again. NULL: there
         * is nothing to read, and nothing to undo. */
        int (*read)(ActContext *act, const Step *step, Fact *ret, GError **error);
        /* Makes the fact `target`; `now` is what was just read (all zero without read). Returns as read does; -EINPROGRESS:
         * a guest was asked and has not let go yet; -ESTALE: nothing was touched, since it is not what the plan knew. */
        int (*make)(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error);
        /* Says why the fact that was read back is not what was made; NULL: the plain words do. */
        void (*explain)(ActContext *act, const Step *step, const Fact *now, const Fact *target, GError **error);
} Effect;

extern const Effect effect_module, effect_link, effect_autoprobe, effect_numvfs, effect_driver, effect_vf_state, effect_reset,
        effect_guest, effect_file, effect_boot, effect_definition, effect_network, effect_hold, effect_assignable;

/* What is read of a STEP_HOLD while the network does not run or is gone: as good as held, and as good as let go. */
#define HOLD_IDLE "(not active)"

typedef enum {
        EFFECT_DONE,
        EFFECT_BEGUN,     /* made, and not read back yet */
        EFFECT_FAILED,
        EFFECT_UNTOUCHED, /* failed before anything was changed */
        EFFECT_PENDING, /* a guest was asked and has not let go */
        EFFECT_STUCK,   /* failed by its deadline: the kernel is still at it and may finish later */
} EffectResult;

/* True when the step is of a kind whose fact can be read, and so undone. */
bool effect_has_fact(const Step *step);
/* Reads the fact, asking again for a while on EAGAIN and EBUSY. */
bool effect_read(ActContext *act, const Step *step, Fact *ret, GError **error);
/* Makes the fact `target` unless it is that already (DONE; `force`: even then). What can be read back is only BEGUN. */
EffectResult effect_begin(ActContext *act, const Step *step, const Fact *target, bool force, GError **error);
/* Reads back what was begun: DONE or FAILED. */
EffectResult effect_check(ActContext *act, const Step *step, const Fact *target, GError **error);
/* Both. */
EffectResult effect_make(ActContext *act, const Step *step, const Fact *target, bool force, GError **error);
/* `now` is what `target` asks for. Fields that a driver does not report count as taken, unless `strict`. */
bool effect_same(const Step *step, const Fact *now, const Fact *target, bool strict);

/* From here on what is read of one VF serves the steps on the other VFs of its PF, too: the kernel tells the states of all in
 * one answer, which grows with their number. A VF that was written to is read anew. Said again, it begins anew. */
void effect_share_vfs(ActContext *act);
void effect_unshare_vfs(ActContext *act);

/* For the effects' files. */

enum { SLOW_WRITE_MS = 30 * 1000 }; /* binding, unbinding and resets may wait for a device */

/* "sys/bus/pci/devices/0000:01:00.0/LEAF"; the caller frees. */
char *effect_path(PciAddr dev, const char *leaf);
/* Sets an error of the errno's kind: "<what>: <strerror><; remedy>" (remedy NULL: none). Returns negative_errno. */
int effect_fail(GError **error, int negative_errno, const char *remedy, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* The function is on the bus. */
bool effect_device_there(Io *io, PciAddr dev);
/* A driver that only holds a function's place: it never counts as the host's own. */
bool effect_is_placeholder(const char *driver);
/* Bound to pciback: Xen's tools may give it to a guest. */
bool effect_on_pciback(Io *io, PciAddr dev);
/* The guest of a step is a domain of Xen's. */
bool effect_is_xen(const Step *step);
/* "web1" of "xen:web1". */
const char *effect_guest_name(const Step *step);
/* How many virtfnN links a PF has: the kernel's own count can block (field-facts 1). Negative errno. */
int effect_count_vfs(Io *io, PciAddr pf);
