/* recorder.c: to be written. */
