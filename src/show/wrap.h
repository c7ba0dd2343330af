/* Running text in lines of some width. Inside show/. */
#pragma once

#include <glib.h>

/* `width` for text that is never broken. */
enum { WRAP_NEVER = G_MAXINT };

/* Appends `text` in lines of at most `width` characters, the lines after the first indented by `indent` blanks, and a newline at
 * its end. `at` is where the first line stands already. Blanks part words; a word longer than a line gets one of its own. */
void wrap_text(GString *out, unsigned at, unsigned indent, unsigned width, const char *text);
