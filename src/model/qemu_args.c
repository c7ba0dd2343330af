/* qemu_args.c: to be written. */
