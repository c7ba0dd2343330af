/* vfstate.c: to be written. */
