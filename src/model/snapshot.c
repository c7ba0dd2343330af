/* snapshot.c: to be written. */
