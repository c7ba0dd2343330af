/* A text table: libsmartcols behind a few calls. Inside show/. */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct Table Table;
typedef struct libscols_line TableLine;

/* `width` 0: as wide as it needs to be. */
Table *table_new(unsigned width);
void table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)
/* `tree`: draws the branches; `right`: numbers; `cut`: may be cut when the table is wider than it may be. */
void table_column(Table *table, const char *name, bool tree, bool right, bool cut);
/* `parent` NULL: a root. */
TableLine *table_line(Table *table, TableLine *parent);
/* Takes `text` over; NULL and "" are shown as "-". */
void table_cell(TableLine *line, unsigned column, char *text);
/* The whole table with its headings. The caller frees. */
char *table_text(Table *table);
