/* What the two files of checks on SR-IOV share. Inside doctor/. */
#pragma once

#include "doctor/report.h"

/* That VFs of this PF are what people are after: a network card's, or what was asked about. Graphics and storage chips offer VFs
 * on many hosts where nobody wants them. */
bool pf_is_wanted(const Doctor *doctor, const Dev *pf);

/* sriov_room.c */
void run_ari(Doctor *doctor);
void run_bar_room(Doctor *doctor);
void run_bus_numbers(Doctor *doctor);
extern const char explain_ari[], explain_bar_room[], explain_bus_numbers[];
