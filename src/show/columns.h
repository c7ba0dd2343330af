/* The table of columns: one row serves the text table, the JSON and the help. Inside show/. */
#pragma once

#include "show/show.h"

typedef struct {
        const char *name; /* "BDF" */
        const char *key;  /* its name in JSON */
        const char *help; /* one line */
        unsigned needs;   /* SHOW_NEEDS_* */
        bool right;       /* numbers stand right */
        bool cut;         /* long: may be cut at the terminal's edge */
        /* The typed value; JSON null when not known. */
        json_t *(*value)(const ShowContext *context, const Dev *dev);
        /* How the value reads in a table, from what `value` gave; NULL: as it is. The caller frees. */
        char *(*text)(const json_t *value);
        /* What the table says where that is nothing; NULL: nothing. */
        char *(*idle)(const ShowContext *context, const Dev *dev);
} Column;

extern const Column columns[]; /* ends with name NULL */

/* A cell of the text table; NULL when there is nothing to say. The caller frees. */
char *column_text(const Column *column, const ShowContext *context, const Dev *dev);

/* "ethernet", "nvme", "bridge" …: the class of a PCI function in a word. */
const char *class_word(uint32_t class_code);
/* "pf", "vf", "function". */
const char *kind_word(const Dev *dev);
/* "up", "no-carrier", "down". */
const char *net_word(const NetDev *net);
