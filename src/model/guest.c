/* guest.c: to be written. */
