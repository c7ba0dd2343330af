/* Outside text made safe: for a terminal, and for JSON, which takes UTF-8 only. */
#pragma once

#include <glib.h>
#include <jansson.h>

/* Valid UTF-8 on one line: wrong bytes become U+FFFD, control characters '?'. The caller frees. NULL stays NULL. */
char *value_safe(const char *text);
/* A JSON string of any bytes; null for NULL. */
json_t *value_string(const char *text);
/* A JSON array of the strings of a GPtrArray of char* or, for NULL, null. */
json_t *value_strings(const GPtrArray *texts);
/* "2026-11-21 03:12:44" in local time. The caller frees. */
char *value_time(int64_t seconds);
/* Appends a line "  label          value"; an empty label goes on with the one before. */
void value_field(GString *out, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);
