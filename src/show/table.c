/* A text table: libsmartcols behind a few calls. */
#include "show/table.h"

#include "show/value.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

struct Table {
        struct libscols_table *scols;
};

Table *table_new(unsigned width) {
        Table *table = g_new0(Table, 1);
        table->scols = scols_new_table();
        if (!table->scols)
                g_error("out of memory");
        scols_table_enable_colors(table->scols, 0);
        /* The width is the caller's: whether our own stdout is a terminal says nothing about the text we give back. */
        scols_table_set_termforce(table->scols, width ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
        if (width)
                scols_table_set_termwidth(table->scols, width);
        return table;
}

void table_free(Table *table) {
        if (!table)
                return;
        scols_unref_table(table->scols);
        g_free(table);
}

void table_column(Table *table, const char *name, bool tree, bool right, bool cut) {
        int flags = (tree ? SCOLS_FL_TREE : 0) | (right ? SCOLS_FL_RIGHT : 0) | (cut ? SCOLS_FL_TRUNC : 0);
        /* A width below 1 is a share of the line: it lets smartcols shrink the column, never below its heading. */
        if (!scols_table_new_column(table->scols, name, cut ? 0.1 : (double) strlen(name), flags))
                g_error("out of memory");
}

TableLine *table_line(Table *table, TableLine *parent) {
        TableLine *line = scols_table_new_line(table->scols, parent);
        if (!line)
                g_error("out of memory");
        return line;
}

void table_cell(TableLine *line, unsigned column, char *text) {
        g_autofree char *owned = text;
        g_autofree char *safe = value_safe(owned && *owned ? owned : "-");
        if (scols_line_set_data(line, column, safe) != 0)
                g_error("out of memory");
}

/* smartcols pads the last column; nobody wants the blanks in a file that is compared. */
static char *without_trailing_blanks(const char *text) {
        GString *out = g_string_new(NULL);
        while (*text) {
                const char *end = strchrnul(text, '\n');
                const char *last = end;
                while (last > text && last[-1] == ' ')
                        last--;
                g_string_append_len(out, text, last - text);
                g_string_append_c(out, '\n');
                text = *end ? end + 1 : end;
        }
        return g_string_free(out, FALSE);
}

char *table_text(Table *table) {
        char *text = NULL;
        if (scols_print_table_to_string(table->scols, &text) != 0)
                g_error("out of memory");
        char *clean = without_trailing_blanks(text ? text : "");
        free(text);
        return clean;
}
