/* Reads the configuration of this host, vfadm.conf(5): which files there are, and which of them count. */
#pragma once

#include "io/io.h"
#include "model/conf.h"

/* The *.conf of etc/vfadm, run/vfadm and usr/lib/vfadm with their drop-ins, or, where `files` is not NULL, these files of this
 * machine (as typed), each with the drop-ins of FILE.d. What is wrong anywhere is an error: half of a configuration is none. */
Conf *conf_read(Io *io, char *const *files, GError **error);
/* Of all of this host's, the pools alone: a PF's file that is wrong is no reason not to give a VF of a pool. */
Conf *conf_read_pools(Io *io, GError **error);
/* The same as conf_read() for whoever goes on with what is right: a file that is wrong is left out as a whole, with its drop-ins, and `wrong` gets
 * why (GError*). Never NULL. */
Conf *conf_read_sound(Io *io, char *const *files, GPtrArray *wrong);
