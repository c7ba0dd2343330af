/* What says at boot which functions Xen's pciback hides: the list itself, vfadm's file of modprobe.d, and the initramfs' list of
 * modules. Private to plan/. Pure: text in, text out. */
#pragma once

#include "model/pci.h"

#include <glib.h>

/* A function that vfadm hides at boot. */
typedef struct {
        PciAddr dev;
        char **modules; /* drivers that would take it, and so must come later; NULL: not told */
} Hidden;

void hidden_free(void *hidden);
const Hidden *hidden_find(const GPtrArray *list, PciAddr dev);
/* Sorted, so that the same devices make the same text. */
void hidden_add(GPtrArray *list, PciAddr dev, char *const *modules);
bool hidden_remove(GPtrArray *list, PciAddr dev);

/* "(0000:01:10.0)(0000:01:10.2)": appended to `list`. False for anything else than such addresses. */
bool hide_value_parse(const char *value, GPtrArray *list);
/* NULL: there are none. */
char *hide_value_format(const GPtrArray *list);
/* In a value that somebody else wrote, "(01:10.*)". With a mistake in it the kernel hides nothing. */
bool hide_value_means(const char *value, PciAddr dev);

/* The devices of vfadm's file; NULL text: none. False when its list cannot be read. */
bool hide_conf_parse(const char *text, GPtrArray *list);
/* The file with these devices; lines of others stay. NULL: it is not to be there. */
char *hide_conf_format(const char *text, const GPtrArray *list);

/* The list of initramfs-tools with or without xen-pciback; a line that somebody else wrote stays and is as good. NULL: not to be there. */
char *hide_modules_put(const char *text);
char *hide_modules_take(const char *text);
