/* act.c: to be written. */
