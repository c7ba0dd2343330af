/* want.c: to be written. */
