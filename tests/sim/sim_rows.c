/* Rows of the text that says how a simulated machine is: what tests look at. */
#include "sim.h"

#include <string.h>

char *sim_row(const char *dump, const char *start, const char *part) {
        g_auto(GStrv) lines = g_strsplit(dump, "\n", -1);
        for (unsigned i = 0; lines[i]; i++) {
                const char *line = lines[i] + strspn(lines[i], " ");
                if (g_str_has_prefix(line, start) && (!part || strstr(line, part)))
                        return g_strdup(line);
        }
        return NULL;
}

void sim_expect(Sim *sim, const char *start, const char *part) {
        g_autofree char *dump = sim_dump(sim), *found = sim_row(dump, start, part);
        if (!found)
                g_error("no row of %s holds \"%s\" in\n%s", start, part, dump);
}
