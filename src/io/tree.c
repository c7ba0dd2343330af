/* tree.c: to be written. */
