/* What a plan changes in files, as a unified diff, and the programs that it runs. */
#include "show/show.h"
#include "show/value.h"

#include <string.h>

enum {
        CONTEXT = 3,
        CELLS_MAX = 4 << 20, /* of the table below; larger changes are shown as one block */
};

typedef struct {
        char sign; /* ' ', '-' or '+' */
        const char *text;
} Line;

typedef struct {
        char **old, **new;
        unsigned n_old, n_new;
        GArray *lines; /* Line: both texts in one */
} Diff;

/* The lines of a text, without the empty one after the last newline. */
static char **split(const char *text, unsigned *ret_n) {
        char **lines = g_strsplit(text ? text : "", "\n", -1);
        unsigned n = g_strv_length(lines);

        if (n && !*lines[n - 1]) {
                g_free(lines[--n]);
                lines[n] = NULL;
        }
        *ret_n = n;
        return lines;
}

static void add(Diff *diff, char sign, const char *text) {
        Line line = {sign, text};
        g_array_append_val(diff->lines, line);
}

/* The longest common subsequence of old[a…a+n) and new[b…b+m), from its end, as in every textbook. */
static void compare(Diff *diff, unsigned a, unsigned n, unsigned b, unsigned m) {
        bool table = (uint64_t) (n + 1) * (m + 1) <= CELLS_MAX;
        g_autofree unsigned *length = table ? g_new0(unsigned, (size_t) (n + 1) * (m + 1)) : NULL;
        unsigned i = 0, j = 0, width = m + 1;

        for (unsigned y = n; table && y-- > 0;)
                for (unsigned x = m; x-- > 0;)
                        length[y * width + x] = g_str_equal(diff->old[a + y], diff->new[b + x])
                                                        ? length[(y + 1) * width + x + 1] + 1
                                                        : MAX(length[(y + 1) * width + x], length[y * width + x + 1]);
        while (i < n || j < m) {
                if (table && i < n && j < m && g_str_equal(diff->old[a + i], diff->new[b + j])) {
                        add(diff, ' ', diff->old[a + i]);
                        i++, j++;
                } else if (i < n && (j == m || !table || length[(i + 1) * width + j] >= length[i * width + j + 1])) {
                        add(diff, '-', diff->old[a + i++]);
                } else {
                        add(diff, '+', diff->new[b + j++]);
                }
        }
}

static void build(Diff *diff) {
        unsigned head = 0, tail = 0, least = MIN(diff->n_old, diff->n_new);

        while (head < least && g_str_equal(diff->old[head], diff->new[head]))
                head++;
        while (tail < least - head && g_str_equal(diff->old[diff->n_old - 1 - tail], diff->new[diff->n_new - 1 - tail]))
                tail++;
        for (unsigned i = 0; i < head; i++)
                add(diff, ' ', diff->old[i]);
        compare(diff, head, diff->n_old - head - tail, head, diff->n_new - head - tail);
        for (unsigned i = diff->n_old - tail; i < diff->n_old; i++)
                add(diff, ' ', diff->old[i]);
}

/* "12,3": the first line and how many; before an empty range stands the line before it, as diff(1) has it. */
static char *range(unsigned first, unsigned n) {
        return n == 1 ? g_strdup_printf("%u", first) : g_strdup_printf("%u,%u", n ? first : first - 1, n);
}

/* Tabs are harmless, and part of what is shown. */
static char *safe_line(const char *text) {
        g_auto(GStrv) parts = g_strsplit(text, "\t", -1);
        for (char **part = parts; *part; part++) {
                char *safe = value_safe(*part);
                g_free(*part);
                *part = safe;
        }
        return g_strjoinv("\t", parts);
}

static void hunk(const Diff *diff, unsigned from, unsigned to, unsigned old_line, unsigned new_line, GString *out) {
        unsigned n_old = 0, n_new = 0;

        for (unsigned i = from; i < to; i++) {
                char sign = g_array_index(diff->lines, Line, i).sign;
                n_old += sign != '+';
                n_new += sign != '-';
        }
        g_autofree char *old = range(old_line, n_old), *new = range(new_line, n_new);
        g_string_append_printf(out, "@@ -%s +%s @@\n", old, new);
        for (unsigned i = from; i < to; i++) {
                const Line *line = &g_array_index(diff->lines, Line, i);
                g_autofree char *safe = safe_line(line->text);
                g_string_append_printf(out, "%c%s\n", line->sign, safe);
        }
}

static bool is_change(const Diff *diff, unsigned i) {
        return g_array_index(diff->lines, Line, i).sign != ' ';
}

/* Changes with less than twice the context between them share a hunk. */
static void hunks(const Diff *diff, GString *out) {
        unsigned old_line = 1, new_line = 1, i = 0;

        while (i < diff->lines->len) {
                unsigned from = i;
                while (i < diff->lines->len && !is_change(diff, i))
                        i++;
                if (i == diff->lines->len)
                        return;
                unsigned start = i - from > CONTEXT ? i - CONTEXT : from;
                old_line += start - from;
                new_line += start - from;
                unsigned last = i;
                for (unsigned k = i; k < diff->lines->len && k <= last + 2 * CONTEXT; k++)
                        if (is_change(diff, k))
                                last = k;
                unsigned end = MIN(last + 1 + CONTEXT, diff->lines->len);
                hunk(diff, start, end, old_line, new_line, out);
                for (unsigned k = start; k < end; k++) {
                        char sign = g_array_index(diff->lines, Line, k).sign;
                        old_line += sign != '+';
                        new_line += sign != '-';
                }
                i = end;
        }
}

static void file_diff(const Step *step, GString *out) {
        Diff diff = {.lines = g_array_new(FALSE, FALSE, sizeof(Line))};
        g_autofree char *path = value_safe(step->path);

        diff.old = split(step->from.text, &diff.n_old);
        diff.new = split(step->to.text, &diff.n_new);
        g_string_append_printf(out, "--- %s%s\n", step->from.text ? "/" : "/dev/null", step->from.text ? path : "");
        g_string_append_printf(out, "+++ %s%s\n", step->to.text ? "/" : "/dev/null", step->to.text ? path : "");
        build(&diff);
        hunks(&diff, out);
        g_strfreev(diff.old);
        g_strfreev(diff.new);
        g_array_unref(diff.lines);
}

char *show_plan_diff(const Plan *plan) {
        GString *out = g_string_new(NULL);

        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_FILE)
                        file_diff(step, out);
                if (step->kind != STEP_BOOT || !step->argv)
                        continue;
                g_autofree char *command = g_strjoinv(" ", step->argv);
                g_autofree char *safe = value_safe(command);
                g_string_append_printf(out, "run: %s\n", safe);
        }
        return g_string_free(out, FALSE);
}
