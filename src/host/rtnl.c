/* rtnl.c: to be written. */
