/* The words of xl's configuration files. */
#include "base/error.h"
#include "xl/syntax.h"

#include <string.h>

static bool wrong(const XlLexer *lexer, GError **error, const char *what) {
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_FAILED, "line %u: %s", lexer->line, what);
        return false;
}

static char peek(const XlLexer *lexer, size_t at) {
        return at < lexer->length ? lexer->text[at] : '\0';
}

static bool is_of_name(char c) {
        return g_ascii_islower(c) || g_ascii_isdigit(c) || c == '.' || c == '_';
}

static bool is_of_number(char c) {
        return g_ascii_isdigit(c) || (c >= 'a' && c <= 'f') || c == 'x';
}

/* Characters by their number are refused: xl reads the wrong ones, and then leaves them out (xlu__cfgl_dequote). */
static bool take_escape(XlLexer *lexer, size_t *at, GError **error) {
        char c = peek(lexer, *at + 1);

        if (!c || !strchr("\"'\\abfnrtv", c))
                return wrong(lexer, error, "a backslash in a quoted text that is followed by something xl does not take");
        *at += 2;
        return true;
}

static bool take_string(XlLexer *lexer, XlToken *token, GError **error) {
        char quote = lexer->text[lexer->at];
        size_t at = lexer->at + 1;

        while (peek(lexer, at) != quote) {
                if (at >= lexer->length || lexer->text[at] == '\n')
                        return wrong(lexer, error, "a quoted text does not end in its line");
                if (lexer->text[at] != '\\')
                        at++;
                else if (!take_escape(lexer, &at, error))
                        return false;
        }
        token->kind = XL_STRING;
        lexer->at = at + 1;
        return true;
}

/* A comment belongs to the end of its line; one without is an error to xl's lexer. */
static bool take_line_end(XlLexer *lexer, XlToken *token, GError **error) {
        const char *end = memchr(lexer->text + lexer->at, '\n', lexer->length - lexer->at);

        if (!end)
                return wrong(lexer, error, "xl takes no comment in a last line that has no end; add an empty line");
        token->kind = XL_NEWLINE;
        lexer->at = (size_t) (end - lexer->text) + 1;
        lexer->line++;
        return true;
}

static void take_while(XlLexer *lexer, bool (*fits)(char)) {
        while (lexer->at < lexer->length && fits(lexer->text[lexer->at]))
                lexer->at++;
}

static bool take_sign(XlLexer *lexer, XlToken *token, GError **error) {
        static const struct {
                const char *text;
                XlTokenKind kind;
        } signs[] = {{",", XL_COMMA}, {"[", XL_OPEN}, {"]", XL_CLOSE}, {"+=", XL_ADD}, {"=", XL_ASSIGN}, {";", XL_SEMICOLON}};
        char c = lexer->text[lexer->at];

        for (size_t i = 0; i < G_N_ELEMENTS(signs); i++) {
                size_t width = strlen(signs[i].text);
                if (lexer->length - lexer->at < width || memcmp(lexer->text + lexer->at, signs[i].text, width) != 0)
                        continue;
                token->kind = signs[i].kind;
                lexer->at += width;
                return true;
        }
        if (c == '\r')
                return wrong(lexer, error, "it ends in a carriage return, as lines of DOS do; xl takes none");
        g_autofree char *said = g_ascii_isprint(c) ? g_strdup_printf("'%c' has no meaning here to xl", c)
                                                   : g_strdup_printf("the byte 0x%02x has no meaning here to xl", (unsigned char) c);
        return wrong(lexer, error, said);
}

bool xl_lexer_next(XlLexer *lexer, XlToken *ret, GError **error) {
        while (lexer->at < lexer->length && (lexer->text[lexer->at] == ' ' || lexer->text[lexer->at] == '\t'))
                lexer->at++;

        XlToken token = {.kind = XL_END, .start = lexer->at, .line = lexer->line};
        bool ok = true;
        char c = peek(lexer, lexer->at);
        if (lexer->at >= lexer->length)
                ;
        else if (g_ascii_islower(c)) {
                token.kind = XL_NAME;
                take_while(lexer, is_of_name);
        } else if (g_ascii_isdigit(c)) {
                token.kind = XL_NUMBER;
                take_while(lexer, is_of_number);
        } else if (c == '\'' || c == '"')
                ok = take_string(lexer, &token, error);
        else if (c == '\n' || c == '#')
                ok = take_line_end(lexer, &token, error);
        else
                ok = take_sign(lexer, &token, error);
        token.end = lexer->at;
        if (ok)
                *ret = token;
        return ok;
}

char *xl_token_text(const XlLexer *lexer, const XlToken *token) {
        static const char letters[] = "abfnrtv", meant[] = "\a\b\f\n\r\t\v";

        if (token->kind != XL_STRING)
                return g_strndup(lexer->text + token->start, token->end - token->start);
        GString *out = g_string_new(NULL);
        for (size_t at = token->start + 1; at < token->end - 1; at++) {
                char c = lexer->text[at];
                if (c == '\\') {
                        c = lexer->text[++at];
                        const char *letter = strchr(letters, c);
                        c = letter ? meant[letter - letters] : c;
                }
                g_string_append_c(out, c);
        }
        return g_string_free(out, FALSE);
}
