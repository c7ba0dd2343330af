/* A plan under way: what act.c and recover.c share. Private to act/. */
#pragma once

#include "act/act.h"

typedef struct Run Run;

typedef enum {
        UNDO_GO,     /* make the fact `from` */
        UNDO_FORCE,  /* the same, though it reads as `from` already */
        UNDO_SKIP,   /* there is nothing to undo */
        UNDO_REFUSE, /* it must not be touched now: *error says why */
} UndoVerdict;

struct Run {
        ActContext *act;
        const Plan *plan;
        int64_t id;          /* in the journal */
        StepMark *marks;     /* one a step */
        StepMark *written;   /* what the journal has of them */
        GPtrArray *failures; /* char*: what could not be undone */
        GPtrArray *left;     /* the steps of these failures, borrowed */
        bool only_in_use;    /* every one of them, because somebody uses the device */
        bool let_go;         /* a guest let go of its device before a later step failed */
        bool looked;         /* at who uses what the plan takes */
        bool compared;       /* what the plan's new leases remember with what is there */
        int stuck;           /* the step at which the kernel did not come back in time; -1: none */
        /* Recovery's say before a step is done or undone; NULL: go on. */
        bool (*may_do)(Run *run, unsigned step, GError **error);
        UndoVerdict (*may_undo)(Run *run, unsigned step, GError **error);
        void *user;
};

void run_init(Run *run, ActContext *act, const Plan *plan, int64_t id);
void run_clear(Run *run);
/* Does every step that is not done yet and ends the plan; walks back when one fails. As act_run(). */
bool run_forward(Run *run, GError **error);
/* Walks every step back that is done or under way, and ends the plan. True: it is as it was before. False: PENDING (a guest
 * does not let go; the plan is ended, its lease pending), or what could not be undone (the plan stays unfinished). */
bool run_back(Run *run, GError **error);
/* Right before a step that somebody may notice: nobody has begun to use what the plan takes since it was made. IN_USE names
 * who has. Looks once, before the first such step, and again before VFs are removed. */
bool run_nobody_came(Run *run, const Step *step, GError **error);
/* What the plan's new leases remember is still so. `step` is what comes next; NULL: nothing does. Compares once, after the last of the steps
 * that keep others away from the functions, before the first that changes one. */
bool run_is_as_seen(Run *run, const Step *step, GError **error);
/* The same before VFs that the plan made are removed again: no process, and not this host itself, has taken one of them since. */
bool run_nobody_took(Run *run, const Step *step, GError **error);
/* A PF's link that the plan has set up carries somebody's address or traffic by now, so it stays up. */
bool run_link_taken(const Run *run, const Step *step);
/* The function that a step is about is off the bus, and its fact with it: there is nothing to undo. Not so when an undoing
 * failed before: perhaps that was to make the VF again. */
bool run_device_gone(const Run *run, const Step *step);
