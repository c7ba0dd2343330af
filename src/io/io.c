/* io.c: to be written. */
