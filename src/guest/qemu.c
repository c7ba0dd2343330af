/* qemu.c: to be written. */
