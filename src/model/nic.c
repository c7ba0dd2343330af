/* nic.c: to be written. */
