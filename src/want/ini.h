/* Key files as systemd people know them, read line by line, so that an error can name its line: [Kind name], Key=value, comments
 * with '#' or ';' before them. What sections and keys mean is for others. Pure. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes of a file. */
typedef struct {
        const char *path; /* below the root */
        const char *text;
        size_t length;
} IniText;

typedef struct {
        unsigned line; /* from 1 */
        char *key, *value; /* without blanks around; the value may be empty */
} IniEntry;

typedef struct {
        unsigned line;
        char *kind, *name; /* "VF" and "0-3" of "[VF 0-3]"; the name is empty where there is none */
        GPtrArray *entries; /* IniEntry*, in the order of their lines */
} IniSection;

enum { INI_SECTIONS_MAX = 4096 };

/* IniSection*, in the order of their lines, or NULL: FAILED names file and line. */
GPtrArray *ini_parse(const IniText *text, GError **error);

/* Sets FAILED, "/etc/vfadm/lan.conf, line 3: …" with what stands there made harmless to print. Always false. */
bool ini_wrong(GError **error, const char *path, unsigned line, const char *format, ...) G_GNUC_PRINTF(4, 5);
