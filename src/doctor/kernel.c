/* Checks of this topic. */
#include "doctor/report.h"

const Check checks_kernel[] = {
        {.id = NULL},
};
