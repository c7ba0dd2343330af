/* pci.c: to be written. */
