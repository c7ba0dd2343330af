/* Vendor and device names from the hardware database that udev keeps. */
#pragma once

#include "model/snapshot.h"

/* Fills vendor_name and device_name where the database knows them; the database is this system's, whatever host the
 * snapshot is of. */
void names_read(Snapshot *snapshot);
