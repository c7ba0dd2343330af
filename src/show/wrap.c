/* Running text in lines of some width. */
#include "show/wrap.h"

#include "show/value.h"

#include <stdbool.h>

void wrap_text(GString *out, unsigned at, unsigned indent, unsigned width, const char *text) {
        g_autofree char *safe = value_safe(text);
        g_auto(GStrv) words = g_strsplit_set(safe, " ", -1);
        bool first = true; /* in its line: no blank before it, and it stands there whatever its length */

        for (char **word = words; *word; word++) {
                unsigned length = (unsigned) g_utf8_strlen(*word, -1);
                if (length == 0)
                        continue;
                if (!first && at + 1 + length > width) {
                        g_string_append_printf(out, "\n%*s", (int) indent, "");
                        at = indent;
                        first = true;
                }
                g_string_append_printf(out, "%s%s", first ? "" : " ", *word);
                at += length + (first ? 0 : 1);
                first = false;
        }
        g_string_append_c(out, '\n');
}
