/* The syntax of xl's configuration files: names, texts and lists, each with its place in the file. What xl reads otherwise or refuses is
 * refused here (tools/libs/util/libxlu_cfg_l.l, libxlu_cfg_y.y). */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum {
        XL_BYTES_MAX = 1 << 20,
        XL_DEPTH_MAX = 16, /* of lists in lists: xl's own options need three */
};

typedef enum {
        XL_END,
        XL_NAME,
        XL_NUMBER,
        XL_STRING,
        XL_COMMA,
        XL_OPEN,
        XL_CLOSE,
        XL_ADD,    /* += */
        XL_ASSIGN, /* = */
        XL_SEMICOLON,
        XL_NEWLINE, /* with the comment before it */
} XlTokenKind;

typedef struct {
        XlTokenKind kind;
        size_t start, end;
        unsigned line;
} XlToken;

typedef struct {
        const char *text;
        size_t length;
        size_t at;
        unsigned line;
} XlLexer;

/* The next token; false with the line and the reason. After the last one: XL_END, again and again. */
bool xl_lexer_next(XlLexer *lexer, XlToken *ret, GError **error);
/* What a token of these three kinds says: a string without its quotes and escapes. The caller frees. */
char *xl_token_text(const XlLexer *lexer, const XlToken *token);

enum { XL_NO_COMMA = 0 }; /* no comma can be a file's first byte */

typedef struct {
        bool list;
        char *text;       /* unless `list` */
        GPtrArray *items; /* XlValue*; of a list */
        char quote;       /* '\'', '"'; 0: a number, or a list */
        size_t start, end; /* with quotes or brackets */
        size_t comma;      /* an item of a list: where the comma after it is */
        unsigned line;
} XlValue;

typedef struct {
        char *name;
        GPtrArray *values; /* XlValue*: what was assigned last, and then what was added to it */
} XlSetting;

typedef struct {
        const char *text; /* the caller's */
        size_t length;
        GHashTable *settings; /* XlSetting* by name */
} XlFile;

XlFile *xl_file_parse(const char *text, size_t length, GError **error);
void xl_file_free(XlFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XlFile, xl_file_free)

/* NULL: not there. */
const XlSetting *xl_file_find(const XlFile *file, const char *name);
/* A setting's text, with all that was added to it; NULL: not there, or a list. The caller frees. */
char *xl_file_string(const XlFile *file, const char *name);
/* Read as C reads numbers, as xl does; false: not there, or no number. */
bool xl_file_number(const XlFile *file, const char *name, gint64 *ret);
