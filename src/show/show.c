/* show.c: to be written. */
