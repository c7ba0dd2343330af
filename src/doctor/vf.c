/* Checks of this topic. */
#include "doctor/report.h"

const Check checks_vf[] = {
        {.id = NULL},
};
