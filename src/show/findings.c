/* What checks found, as text and as JSON. */
#include "show/show.h"
#include "show/value.h"
#include "show/wrap.h"

#include <string.h>

enum {
        TOPIC_AT = 10, /* columns: severity, topic, text, and the text of a labelled line */
        TEXT_AT = 23,
        LABELLED_AT = 32,
        WIDTH = 100,
        SUBJECTS = 4, /* named of findings alike */
        NARROWEST = 60, /* below it the text column would be a ladder of words: the terminal breaks lines then */
};

static unsigned width_of(const ShowFindings *how) {
        return how->width ? MAX(how->width, NARROWEST) : WIDTH;
}

static void heading(GString *out, const ShowFindings *how, Severity severity, Topic topic) {
        static const char *const colors[] = {"", "\033[36m", "\033[33m", "\033[31m"}; /* none, cyan, yellow, red */
        const char *word = severity_word(severity);
        bool color = how->color && *colors[severity];

        g_string_append_printf(out, "%s%s%s%*s%-*s", color ? colors[severity] : "", word, color ? "\033[0m" : "",
                               (int) (TOPIC_AT - strlen(word)), "", TEXT_AT - TOPIC_AT, topic_word(topic));
}

/* "enp1s0/3: no MAC". The caller frees. */
static char *with_subject(const Finding *finding) {
        return finding->subject ? g_strdup_printf("%s: %s", finding->subject, finding->what) : g_strdup(finding->what);
}

/* The same of `n` findings that differ in their subjects only: "enp1s0, enp2s0 and 30 more: no MAC". */
static char *with_subjects(Finding *const *findings, unsigned n) {
        GString *text = g_string_new(findings[0]->subject);
        unsigned shown = n > SUBJECTS + 1 ? SUBJECTS : n; /* "and 1 more" would be no shorter than its name */
        for (unsigned i = 1; i < shown; i++)
                g_string_append_printf(text, ", %s", findings[i]->subject);
        if (shown < n)
                g_string_append_printf(text, " and %u more", n - shown);
        g_string_append_printf(text, ": %s", findings[0]->what);
        return g_string_free(text, FALSE);
}

/* What is to be copied whole: a newline in the middle of its quotes would make another command of it. */
static bool is_shell(const char *text) {
        return strstr(text, " >/") || strstr(text, " > /") || strstr(text, " >> /") || strstr(text, " | ");
}

static void labelled(GString *out, const ShowFindings *how, const char *label, const char *text) {
        g_string_append_printf(out, "%*s%-*s", TEXT_AT, "", LABELLED_AT - TEXT_AT, label);
        wrap_text(out, LABELLED_AT, LABELLED_AT, is_shell(text) ? WRAP_NEVER : width_of(how), text);
}

static void seen_line(GString *out, const ShowFindings *how, const Finding *finding) {
        g_autofree char *text = finding->seen && finding->where ? g_strdup_printf("%s, in %s", finding->seen, finding->where)
                                : finding->seen                 ? g_strdup(finding->seen)
                                : finding->where                ? g_strdup_printf("in %s", finding->where)
                                                                : NULL;
        if (text)
                labelled(out, how, "seen", text);
}

/* What is fine in a topic: on one line or, with `all`, one by one. */
static void fine_lines(GString *out, const ShowFindings *how, const GPtrArray *findings, Topic topic) {
        g_autoptr(GString) words = g_string_new(NULL);

        for (unsigned i = 0; i < findings->len; i++) {
                const Finding *finding = findings->pdata[i];
                if (finding->topic != topic || finding->severity != SEVERITY_OK)
                        continue;
                g_autofree char *text = with_subject(finding);
                if (!how->all) {
                        g_string_append_printf(words, "%s%s", words->len ? "; " : "", text);
                        continue;
                }
                heading(out, how, SEVERITY_OK, topic);
                wrap_text(out, TEXT_AT, TEXT_AT, width_of(how), text);
                seen_line(out, how, finding);
        }
        if (!words->len)
                return;
        heading(out, how, SEVERITY_OK, topic);
        wrap_text(out, TEXT_AT, TEXT_AT, width_of(how), words->str);
}

/* Each line of the remedy is a command or a sentence of its own. */
static void remedy_lines(GString *out, const ShowFindings *how, const char *remedy) {
        g_auto(GStrv) lines = g_strsplit(remedy, "\n", -1);
        for (unsigned i = 0; lines[i]; i++)
                if (*lines[i])
                        labelled(out, how, i == 0 ? "do" : "", lines[i]);
}

/* `n` findings alike. `again`: the one before them is of the same check, and the next is when `more_come`: why and where to read
 * more stand once. */
static void trouble(GString *out, const ShowFindings *how, Finding *const *alike, unsigned n, bool again, bool more_come) {
        const Finding *finding = alike[0];
        g_autofree char *text = n > 1 ? with_subjects(alike, n) : with_subject(finding);
        bool note = finding->severity == SEVERITY_NOTE; /* nothing is wrong: it need not explain itself at length */

        heading(out, how, finding->severity, finding->topic);
        wrap_text(out, TEXT_AT, TEXT_AT, width_of(how), text);
        if (!note || how->all)
                seen_line(out, how, finding);
        if ((!note || how->all) && !again && finding->why)
                labelled(out, how, "why", finding->why);
        if (finding->remedy)
                remedy_lines(out, how, finding->remedy);
        if (finding->remedy && n > 1 && g_strcmp0(finding->remedy, alike[1]->remedy) != 0)
                labelled(out, how, "", "and the same for the others; --all tells them one by one");
        if (more_come)
                return;
        g_autofree char *command = g_strdup_printf("vfadm doctor --explain %s", finding->id);
        labelled(out, how, "more", command);
}

static bool same_check(const Finding *a, const Finding *b) {
        return a && b && a->severity > SEVERITY_OK && b->severity > SEVERITY_OK && g_str_equal(a->id, b->id);
}

/* How many findings from the first on can be told as one. */
static unsigned count_alike(Finding *const *findings, unsigned n) {
        unsigned count = 1;
        while (count < n && findings[0]->subject && findings[count]->subject && same_check(findings[0], findings[count]) &&
               findings[0]->severity == findings[count]->severity && g_str_equal(findings[0]->what, findings[count]->what))
                count++;
        return count;
}

static void topic_text(GString *out, const ShowFindings *how, const GPtrArray *findings, Topic topic) {
        g_autoptr(GPtrArray) troubles = g_ptr_array_new();
        for (unsigned i = 0; i < findings->len; i++) {
                Finding *finding = findings->pdata[i];
                if (finding->topic == topic && finding->severity > SEVERITY_OK)
                        g_ptr_array_add(troubles, finding);
        }
        fine_lines(out, how, findings, topic);
        for (unsigned i = 0, n; i < troubles->len; i += n) {
                Finding **alike = (Finding **) &troubles->pdata[i];
                n = how->all ? 1 : count_alike(alike, troubles->len - i);
                const Finding *before = i ? troubles->pdata[i - 1] : NULL;
                const Finding *behind = i + n < troubles->len ? troubles->pdata[i + n] : NULL;
                trouble(out, how, alike, n, same_check(before, alike[0]), same_check(alike[0], behind));
        }
}

static void count_words(GString *out, unsigned count, const char *one, const char *many) {
        if (count)
                g_string_append_printf(out, "%s%u %s", out->len ? ", " : "", count, count == 1 ? one : many);
}

/* "2 warnings, 1 note; nothing blocks" */
static void summary(GString *out, const GPtrArray *findings, unsigned unread) {
        unsigned counts[SEVERITY_BLOCKS + 1] = {0};
        g_autoptr(GString) line = g_string_new(NULL);

        for (unsigned i = 0; i < findings->len; i++)
                counts[((const Finding *) findings->pdata[i])->severity]++;
        count_words(line, counts[SEVERITY_BLOCKS], "thing blocks", "things block");
        count_words(line, counts[SEVERITY_WARNING], "warning", "warnings");
        count_words(line, counts[SEVERITY_NOTE], "note", "notes");
        if (counts[SEVERITY_WARNING] && !counts[SEVERITY_BLOCKS])
                g_string_append(line, "; nothing blocks");
        else if (!counts[SEVERITY_WARNING] && !counts[SEVERITY_BLOCKS])
                g_string_append_printf(line, "%snothing is wrong", line->len ? "; " : "");
        if (unread)
                g_string_append_printf(line, "; %u %s could not be looked at", unread, unread == 1 ? "thing" : "things");
        g_string_append_printf(out, "%s\n", line->str);
}

char *show_findings_text(const GPtrArray *findings, const ShowFindings *how, unsigned unread) {
        GString *out = g_string_new(NULL);
        for (Topic topic = 0; topic < TOPICS; topic++)
                topic_text(out, how, findings, topic);
        summary(out, findings, unread);
        return g_string_free(out, FALSE);
}

static json_t *finding_json(const Finding *finding) {
        json_t *json = json_object();
        json_object_set_new(json, "id", value_string(finding->id));
        json_object_set_new(json, "topic", json_string(topic_word(finding->topic)));
        json_object_set_new(json, "severity", json_string(severity_word(finding->severity)));
        json_object_set_new(json, "subject", value_string(finding->subject));
        json_object_set_new(json, "devices", value_strings(finding->devices));
        json_object_set_new(json, "what", value_string(finding->what));
        json_object_set_new(json, "seen", value_string(finding->seen));
        json_object_set_new(json, "where", value_string(finding->where));
        json_object_set_new(json, "why", value_string(finding->why));
        json_object_set_new(json, "remedy", value_string(finding->remedy));
        json_object_set_new(json, "boot_add", value_strings(finding->boot_add));
        json_object_set_new(json, "boot_remove", value_strings(finding->boot_remove));
        return json;
}

json_t *show_findings_json(const GPtrArray *findings, const GPtrArray *notes) {
        json_t *array = json_array();
        for (unsigned i = 0; i < findings->len; i++)
                json_array_append_new(array, finding_json(findings->pdata[i]));
        return json_pack("{s:s, s:o, s:o}", "verdict", severity_word(findings_worst(findings)), "findings", array, "notes",
                         value_strings(notes));
}

char *show_explanation_text(const char *id, const char *title, const char *why, const char *explain, unsigned width) {
        g_auto(GStrv) paragraphs = g_strsplit(explain, "\n\n", -1);
        GString *out = g_string_new(NULL);

        width = width ? MAX(width, NARROWEST) : WIDTH;
        g_string_append_printf(out, "%s\n%s\n\n", id, title);
        wrap_text(out, 0, 0, width, why);
        for (char **paragraph = paragraphs; *paragraph; paragraph++) {
                g_autofree char *text = g_strdelimit(g_strstrip(g_strdup(*paragraph)), "\n", ' ');
                if (!*text)
                        continue;
                g_string_append_c(out, '\n');
                wrap_text(out, 0, 0, width, text);
        }
        return g_string_free(out, FALSE);
}
