/* real.c: to be written. */
