/* What a check found: building and freeing it, and its words. */
#include "model/finding.h"

Finding *finding_new(const char *id, Topic topic, Severity severity, const char *why) {
        Finding *finding = g_new0(Finding, 1);
        *finding = (Finding) {.id = id, .topic = topic, .severity = severity, .why = why};
        finding->devices = g_ptr_array_new_with_free_func(g_free);
        finding->boot_add = g_ptr_array_new_with_free_func(g_free);
        finding->boot_remove = g_ptr_array_new_with_free_func(g_free);
        return finding;
}

void finding_free(Finding *finding) {
        if (!finding)
                return;
        g_free(finding->subject);
        g_ptr_array_unref(finding->devices);
        g_free(finding->what);
        g_free(finding->seen);
        g_free(finding->where);
        g_free(finding->remedy);
        g_ptr_array_unref(finding->boot_add);
        g_ptr_array_unref(finding->boot_remove);
        g_free(finding);
}

const char *severity_word(Severity severity) {
        static const char *const words[] = {"ok", "note", "warning", "blocks"};
        return words[severity];
}

const char *topic_word(Topic topic) {
        static const char *const words[TOPICS] = {"cpu", "firmware", "kernel", "isolation", "sr-iov", "vf", "persistence",
                                                  "xen", "guest", "tools"};
        return words[topic];
}

Severity findings_worst(const GPtrArray *findings) {
        Severity worst = SEVERITY_OK;
        for (unsigned i = 0; i < findings->len; i++)
                worst = MAX(worst, ((const Finding *) findings->pdata[i])->severity);
        return worst;
}
