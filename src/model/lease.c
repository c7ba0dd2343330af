/* lease.c: to be written. */
