/* How checks say what they found. */
#include "doctor/report.h"

static Finding *add(Doctor *doctor, Severity severity, char *subject, const char *what, va_list args) G_GNUC_PRINTF(4, 0);

static Finding *add(Doctor *doctor, Severity severity, char *subject, const char *what, va_list args) {
        Finding *finding = finding_new(doctor->check->id, doctor->check->topic, severity, doctor->check->why);
        finding->subject = subject;
        finding->what = g_strdup_vprintf(what, args);
        g_ptr_array_add(doctor->findings, finding);
        return finding;
}

Finding *report(Doctor *doctor, Severity severity, const char *subject, const char *what, ...) {
        va_list args;
        va_start(args, what);
        Finding *finding = add(doctor, severity, g_strdup(subject), what, args);
        va_end(args);
        return finding;
}

Finding *report_dev(Doctor *doctor, Severity severity, const Dev *dev, const char *what, ...) {
        va_list args;
        va_start(args, what);
        Finding *finding = add(doctor, severity, snapshot_nick(doctor->host, dev), what, args);
        va_end(args);
        about(finding, dev);
        return finding;
}

/* "0-3,6" */
static char *ranges(const GArray *numbers) {
        GString *text = g_string_new(NULL);
        for (unsigned i = 0; i < numbers->len;) {
                unsigned first = g_array_index(numbers, unsigned, i), last = first;
                while (++i < numbers->len && g_array_index(numbers, unsigned, i) == last + 1)
                        last++;
                g_string_append_printf(text, "%s%u", text->len ? "," : "", first);
                if (last != first)
                        g_string_append_printf(text, "-%u", last);
        }
        return g_string_free(text, FALSE);
}

Finding *report_vfs(Doctor *doctor, Severity severity, const Dev *pf, const GArray *numbers, const char *what, ...) {
        g_autofree char *list = ranges(numbers);
        g_autofree char *nick = snapshot_nick(doctor->host, pf);
        va_list args;
        va_start(args, what);
        Finding *finding = add(doctor, severity, g_strdup_printf("%s/%s", nick, list), what, args);
        va_end(args);
        for (unsigned i = 0; i < numbers->len; i++) {
                const Dev *vf = snapshot_vf(doctor->host, pf, g_array_index(numbers, unsigned, i));
                if (vf) /* each once already: no about(), which looks at all before it */
                        g_ptr_array_add(finding->devices, g_strdup(vf->name));
        }
        return finding;
}

static void set_text(char **field, const char *format, va_list args) G_GNUC_PRINTF(2, 0);

static void set_text(char **field, const char *format, va_list args) {
        g_free(*field);
        *field = g_strdup_vprintf(format, args);
}

void seen(Finding *finding, const char *format, ...) {
        va_list args;
        va_start(args, format);
        set_text(&finding->seen, format, args);
        va_end(args);
}

void seen_in(Finding *finding, const char *format, ...) {
        va_list args;
        va_start(args, format);
        set_text(&finding->where, format, args);
        va_end(args);
}

void seen_in_config(Finding *finding, const Dev *dev, unsigned at, const char *register_name) {
        if (at)
                seen_in(finding, "%s config %xh (%s)", dev->name, at, register_name);
        else
                seen_in(finding, "%s config (%s)", dev->name, register_name);
}

void remedy(Finding *finding, const char *format, ...) {
        va_list args;
        va_start(args, format);
        set_text(&finding->remedy, format, args);
        va_end(args);
}

void remedy_boot_add(Finding *finding, const char *word) {
        g_ptr_array_add(finding->boot_add, g_strdup(word));
}

void remedy_boot_remove(Finding *finding, const char *word) {
        g_ptr_array_add(finding->boot_remove, g_strdup(word));
}

void about(Finding *finding, const Dev *dev) {
        if (!g_ptr_array_find_with_equal_func(finding->devices, dev->name, g_str_equal, NULL))
                g_ptr_array_add(finding->devices, g_strdup(dev->name));
}
