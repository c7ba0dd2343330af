/* The value of xen-pciback's hide=, read as the kernel reads it (pcistub_init() of drivers/xen/xen-pciback/pci_stub.c). */
#pragma once

#include "model/pci.h"

#include <glib.h>
#include <stdbool.h>

/* One "(0000:01:10.0)"; a part that is '*' is any: the function, or slot and function. */
typedef struct {
        uint16_t domain;
        uint8_t bus;
        bool any_slot, any_function;
        uint8_t slot, function;
} PcibackPattern;

/* Patterns to *ret (PcibackPattern, may be NULL). One mistake and the kernel hides nothing at all: false then, with where it
 * begins in *ret_wrong (from 0) and what was expected there in *ret_wanted; both may be NULL. "" is right, and hides nothing. */
bool pciback_hide_parse(const char *text, GArray **ret, unsigned *ret_wrong, const char **ret_wanted);
bool pciback_pattern_fits(const PcibackPattern *pattern, PciAddr addr);
/* "0000:01:10.0", "0000:01:10.*", "0000:01:*.*". The caller frees. */
char *pciback_pattern_text(const PcibackPattern *pattern);
