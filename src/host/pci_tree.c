/* pci_tree.c: to be written. */
