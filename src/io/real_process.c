/* real_process.c: to be written. */
