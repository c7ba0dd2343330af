/* Checks of VFs as devices, which have their rows in vf.c's table. Inside doctor/. */
#pragma once

#include "doctor/report.h"

void check_vf_missing(Doctor *doctor);
void check_vf_managed(Doctor *doctor);
void check_vf_no_flr(Doctor *doctor);
void check_vf_pf_down(Doctor *doctor);

/* Something in this host's configuration (SETS_* of it) means this PF: what looks left over is meant so. */
bool set_on_purpose(const Doctor *doctor, const Dev *pf, unsigned sets);
