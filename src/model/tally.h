/* What the ledger has counted of plans and of the steps they were made of, since it was made. Plain data; the counts never go down, so
 * that rates can be told from them. */
#pragma once

#include "model/step.h"

enum { TALLY_BOUNDS = 10 };
/* Upper bounds of the classes of a step's time, in microseconds, rising; what took longer than the last is in a class of its own. */
extern const int64_t tally_bounds[TALLY_BOUNDS];

/* How long steps of one kind took, each that was done and verified. */
typedef struct {
        uint64_t classes[TALLY_BOUNDS + 1];
        uint64_t steps; /* in all classes */
        int64_t usec;   /* of all together */
} StepTimes;

typedef struct {
        char *verb;
        uint64_t done, undone;
} PlanTally;

typedef struct {
        StepTimes times[STEP_KINDS];
        GPtrArray *plans;    /* PlanTally*, by verb */
        unsigned unfinished; /* plans that were begun and have not ended: they run, or recovery is due */
} Tally;

Tally *tally_new(void);
void tally_free(Tally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tally, tally_free)
/* The class of a time: an index into tally_bounds, or TALLY_BOUNDS. */
unsigned tally_class(int64_t usec);
/* How long such a step takes on this host, on average; -1 where none was done. */
int64_t tally_mean(const Tally *tally, StepKind kind);
/* The verb's entry, made where there is none. */
PlanTally *tally_plan(Tally *tally, const char *verb);
