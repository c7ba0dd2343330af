/* Plans and their progress, as text. Their JSON is model/'s own. */
#include "show/show.h"
#include "show/value.h"

static void line(GString *out, const char *before, const char *text) {
        g_autofree char *safe = value_safe(text);
        g_string_append_printf(out, "%s%s\n", before, safe);
}

static void step_lines(GString *out, const Step *step, unsigned number) {
        g_autofree char *what = step_describe(step);
        g_autofree char *before = g_strdup_printf("%u. ", number);

        line(out, before, what);
        if (step->reason)
                line(out, "   ", step->reason);
        if (step->disturbs)
                line(out, "   disturbs: ", step->disturbs);
}

char *show_plan_text(const Plan *plan) {
        GString *out = g_string_new(NULL);

        if (plan->summary)
                line(out, "", plan->summary);
        for (unsigned i = 0; i < plan->steps->len; i++)
                step_lines(out, plan->steps->pdata[i], i + 1);
        for (unsigned i = 0; i < plan->refusals->len; i++)
                line(out, "refused: ", ((const Refusal *) plan->refusals->pdata[i])->message);
        for (unsigned i = 0; i < plan->left->len; i++)
                line(out, "", plan->left->pdata[i]);
        for (unsigned i = 0; i < plan->notes->len; i++)
                line(out, "note: ", plan->notes->pdata[i]);
        if (plan->steps->len == 0 && plan->refusals->len == 0)
                line(out, "", plan->left->len ? "nothing to do but what is left" : "nothing to do: all is as asked");
        return g_string_free(out, FALSE);
}

char *show_duration(int64_t usec) {
        if (usec < 0)
                usec = 0;
        if (usec < 9950) /* 9.95 ms would round to "10.0" */
                return g_strdup_printf("%.1f ms", (double) usec / 1e3);
        if (usec < 999500)
                return g_strdup_printf("%.0f ms", (double) usec / 1e3);
        return g_strdup_printf("%.1f s", (double) usec / 1e6);
}

char *show_progress(const Plan *plan, unsigned step, bool done, int64_t usec) {
        if (done) {
                g_autofree char *took = show_duration(usec);
                return g_strdup_printf("ok (%s)", took);
        }
        g_autofree char *what = step_describe(plan->steps->pdata[step]);
        g_autofree char *text = g_strdup_printf("[%u/%u] %s … ", step + 1, plan->steps->len, what);
        return value_safe(text);
}
