/* Counts of plans, and the classes of steps' times. */
#include "model/tally.h"

/* From a write to sysfs, over binding a driver, to firmware that makes VFs one by one, and a guest that takes its time to let go. */
const int64_t tally_bounds[TALLY_BOUNDS] = {1000,    5000,    20000,   100000,   300000,
                                            1000000, 3000000, 10000000, 30000000, 120000000};

static void plan_tally_free(PlanTally *plan) {
        g_free(plan->verb);
        g_free(plan);
}

Tally *tally_new(void) {
        Tally *tally = g_new0(Tally, 1);

        tally->plans = g_ptr_array_new_with_free_func((GDestroyNotify) plan_tally_free);
        return tally;
}

void tally_free(Tally *tally) {
        if (!tally)
                return;
        g_ptr_array_unref(tally->plans);
        g_free(tally);
}

unsigned tally_class(int64_t usec) {
        unsigned i = 0;

        while (i < TALLY_BOUNDS && usec > tally_bounds[i])
                i++;
        return i;
}

int64_t tally_mean(const Tally *tally, StepKind kind) {
        const StepTimes *times = &tally->times[kind];

        return times->steps ? times->usec / (int64_t) times->steps : -1;
}

PlanTally *tally_plan(Tally *tally, const char *verb) {
        for (unsigned i = 0; i < tally->plans->len; i++) {
                PlanTally *plan = tally->plans->pdata[i];
                if (g_str_equal(plan->verb, verb))
                        return plan;
        }
        PlanTally *plan = g_new0(PlanTally, 1);
        plan->verb = g_strdup(verb);
        g_ptr_array_add(tally->plans, plan);
        return plan;
}
