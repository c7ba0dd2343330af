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
        const char *note_path;   /* where what has changed is remembered: BOOT_NOTE, or another's note of the same form */
        const char *note_before; /* its content; NULL: it is not there */
        BootText file, main; /* main.path NULL: there is no second one */
        GString *note;           /* what has changed, as it is noted */
        const char *note_now;    /* what the note is to hold; NULL: it is not to be there */
        GPtrArray *words;        /* char*: what the next boot is to be looked at for */
        GHashTable *change;      /* word → how often more (or less) it stands there than before */
} BootPlan;

/* Begins with what the host has. False with a refusal when it cannot be changed here; `by_hand` is what somebody is to do then
 * ("add 'iommu=pt'"). To be closed either way. */
bool boot_plan_open(BootPlan *work, Plan *plan, const BootConf *boot, const char *note_path, const char *note, const char *by_hand);
void boot_plan_close(BootPlan *work);
/* Puts a word where it is not yet, and notes that. */
void boot_plan_add(BootPlan *work, const char *word);
/* Takes back what the note says, and only that. */
void boot_plan_undo(BootPlan *work);
/* Every parameter that stands in the texts, those of the next boot first. The caller frees. */
char **boot_plan_words(const BootPlan *work);
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
/* A STEP_FILE, where the texts differ. */
void boot_plan_file(Plan *plan, const char *path, const char *before, const char *now, const char *reason);
/* "run PROGRAM …" on the way there, or (`back`) on the way back, once all that comes after this step is back. Nobody tells what it
 * has brought about but its exit status. `word`: what it is about. */
void boot_plan_run(Plan *plan, char *const *argv, const char *word, bool back, const char *reason);
