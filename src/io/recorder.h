/* An Io that passes on to another and notes what was read, to be written as an archive for bug reports. */
#pragma once

#include "io/io.h"

/* Borrows `base`; it must outlive the recorder. */
Io *io_recorder_new(Io *base);
/* Writes all that was read as a .tar.gz, created with O_EXCL (an existing file is an error). Keeps no secrets: of
 * command lines only what redact_cmdline.c names stays; of open files only those below /dev/vfio and /dev/kvm;
 * environments are left out. */
bool io_recorder_write(Io *recorder, const char *path, GError **error);
