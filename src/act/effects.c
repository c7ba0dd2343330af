/* effects.c: to be written. */
