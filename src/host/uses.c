/* uses.c: to be written. */
