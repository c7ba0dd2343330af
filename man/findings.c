/* Prints vfadm-doctor(7) as scdoc, made of the table of checks. Runs only while vfadm is built. */
#include "doctor/doctor.h"

#include <stdio.h>
#include <string.h>

/* Text as it is: what scdoc would take for markup is escaped, but not what roff would at a line's start: of '.' and "'" there
 * scdoc takes care itself, unless they are escaped. Newlines become blanks, so that a paragraph is one line. */
static void plain(const char *text) {
        bool start = true;
        for (; *text; text++) {
                if (strchr("\\*_`#~[]|<>+", *text) || (start && strchr("-;:", *text)))
                        putchar('\\');
                putchar(*text == '\n' || *text == '\t' ? ' ' : *text);
                start = false;
        }
}

static void paragraphs(const char *text) {
        g_auto(GStrv) parts = g_strsplit(text, "\n\n", -1);
        for (char **part = parts; *part; part++) {
                g_strstrip(*part);
                if (!**part)
                        continue;
                putchar('\n');
                plain(*part);
                putchar('\n');
        }
}

static void check(const Check *check) {
        fputs("\n## ", stdout);
        plain(check->id);
        fputs("\n\n*", stdout);
        plain(check->title);
        fputs(".* ", stdout);
        plain(check->why);
        putchar('\n');
        paragraphs(check->explain);
}

int main(void) {
        static const char *const topics[TOPICS] = {
                "PROCESSOR", "FIRMWARE", "KERNEL AND BOOT PARAMETERS", "ISOLATION", "SR-IOV", "VIRTUAL FUNCTIONS", "AT THE NEXT BOOT",
                "GUESTS", "TOOLS",
        };

        fputs("vfadm-doctor(7) \"\" \"Miscellaneous information\"\n"
              "\n# NAME\n\n"
              "vfadm-doctor - what *vfadm doctor* finds, why it matters, and what to do\n"
              "\n# DESCRIPTION\n\n"
              "One section a finding, by the name that stands in *vfadm doctor*'s *more* lines and in the \"id\" of its JSON. "
              "*vfadm doctor --explain* _ID_ prints the same text.\n",
              stdout);
        for (unsigned i = 0; doctor_checks(i)->id; i++) {
                if (i == 0 || doctor_checks(i)->topic != doctor_checks(i - 1)->topic)
                        printf("\n# %s\n", topics[doctor_checks(i)->topic]);
                check(doctor_checks(i));
        }
        fputs("\n# SEE ALSO\n\n*vfadm*(8)\n", stdout);
        return 0;
}
