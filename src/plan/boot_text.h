/* Words in configuration files that hold boot parameters: found, put in and taken out, everything else kept as it is. Private
 * to plan/. Pure. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* `variable`: the shell variable whose value holds the words, as in /etc/default/grub; NULL: the whole text does, as in
 * /etc/kernel/cmdline. What is returned belongs to the caller. */

/* How often the word is there. */
unsigned boot_text_count(const char *text, const char *variable, const char *word);
/* All the words there are, appended to `ret` (char*). */
void boot_text_words(const char *text, const char *variable, GPtrArray *ret);
/* The text with the word as number `at` of its words (from 0; -1 or beyond: as the last). A variable that is not there is
 * added. `text` NULL: there is no file yet. NULL: the value is written in a way that is not understood. */
char *boot_text_put(const char *text, const char *variable, const char *word, int at);
/* The text without the word, and which of the words it was. NULL: it is not there. */
char *boot_text_take(const char *text, const char *variable, const char *word, int *ret_at);
