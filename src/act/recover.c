/* recover.c: to be written. */
