/* What the files about devices that Xen's pciback gets at boot share. Private to plan/. */
#pragma once

#include "plan/boot.h"
#include "plan/hide_text.h"

/* A list that somebody else wrote. */
typedef struct {
        char *where; /* as people read it: "/etc/modprobe.d/xen.conf", "the boot parameters" */
        char *value; /* "(01:10.*)" */
} HideForeign;

typedef struct {
        Plan *plan;
        const Setup *setup;
        const HideConf *conf;
        bool xen;           /* it runs on Xen now */
        GPtrArray *list;    /* Hidden*: those of vfadm, as they are to be */
        GPtrArray *foreign; /* HideForeign* */
        bool any;           /* something changes */
        char *ours_word;    /* the boot parameter that vfadm has put there; NULL: none */
        bool has_boot;      /* `boot` is open */
        BootPlan boot;
} Hide;

/* Finds what vfadm hides already, and, where the kernel's parameters tell, what others do. False with a refusal. */
bool hide_open(Hide *hide);
void hide_close(Hide *hide);
/* Every other "xen-pciback.hide=" among the words. */
void hide_add_foreign_words(Hide *hide, const char *where, char *const *words);
/* From hide->list to steps. */
void hide_steps(Hide *hide);
