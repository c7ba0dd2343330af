/* What the files about boot parameters share. Private to plan/. */
#pragma once

#include "plan/plan.h"

/* Remembers, beside the ledger, what 'doctor --fix' changed (one change a line, oldest first), so that --undo takes back that
 * and nothing else, whatever has been edited since:
 *     put WORD FILE VARIABLE
 *     took WORD FILE VARIABLE NUMBER
 * FILE and VARIABLE are "-" where a program keeps the parameters. */
#define BOOT_NOTE "var/lib/vfadm/boot-parameters"

typedef struct {
        const char *path;
        const char *before; /* NULL: it was not there */
        char *now;          /* NULL: it is not to be there */
        bool ours;          /* a file of vfadm's alone: gone when nothing of ours is left in it */
} BootText;

typedef struct {
        Plan *plan;
        const BootConf *boot;
        BootText file, main; /* main.path NULL: there is no second one */
        GString *note;       /* what has changed, as BOOT_NOTE has it */
        const char *note_now; /* what BOOT_NOTE is to hold; NULL: it is not to be there */
        GPtrArray *words;    /* char*: what the next boot is to be looked at for */
        GHashTable *change;  /* word → how often more (or less) it stands there than before */
} BootPlan;

/* How often the next boot has the word, as far as is known. */
unsigned boot_plan_count_next(const BootPlan *work, const char *word);
/* How often it will have it after the plan. */
int boot_plan_expected(const BootPlan *work, const char *word);
/* True when only a program keeps the parameters: there is no file to edit. */
bool boot_plan_by_command(const BootPlan *work);
/* False with a refusal when this host's boot parameters cannot be changed by us. */
bool boot_plan_tool_known(BootPlan *work);
/* The steps for all that has been changed in `work`. */
void boot_plan_steps(BootPlan *work);
