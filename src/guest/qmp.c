/* qmp.c: to be written. */
