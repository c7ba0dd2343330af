/* real_netlink.c: to be written. */
