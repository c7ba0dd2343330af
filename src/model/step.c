/* step.c: to be written. */
