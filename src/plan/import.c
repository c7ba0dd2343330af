/* 'vfadm import --config' and '--retire': files of configuration that say what other files made and set until now, and those without it. */
#include "plan/boot.h"
#include "plan/retire.h"
#include "plan/rules.h"
#include "plan/takeover.h"

#include "base/error.h"
#include "want/conf_file.h"
#include "want/conf_text.h"

#include <string.h>

/* ---- what is written ---- */

/* What was put together from many places is read again before it is written: as everybody will read it. */
static bool reads_well(const TakeoverPf *one, const char *text, Conf *all, GError **error) {
        const IniText file = {.path = one->conf->place.path, .text = text, .length = strlen(text)};
        return conf_file_parse(&file, 1, all, error);
}

/* Which PFs (const Dev*) the configuration speaks of after this plan. */
static GHashTable *write_files(Plan *plan, const PlanInput *input, const Takeovers *takeovers) {
        GHashTable *written = g_hash_table_new(NULL, NULL);
        g_autoptr(Conf) all = conf_new();

        for (unsigned i = 0; i < takeovers->pfs->len; i++) {
                const TakeoverPf *one = takeovers->pfs->pdata[i];
                g_autofree char *nick = snapshot_nick(input->host, one->pf);
                g_autofree char *text = conf_format(one->conf, input->host);
                g_autoptr(GError) error = NULL;
                if (!reads_well(one, text, all, &error)) {
                        plan_note(plan, "%s is left as it is, since what is said of it makes no configuration: %s", nick, error->message);
                        continue;
                }
                boot_plan_file(plan, one->conf->place.path, NULL, text, "what was said elsewhere of this PF and its VFs, in one place");
                g_hash_table_add(written, (gpointer) one->pf);
        }
        return written;
}

/* ---- what is retired ---- */

/* Each of its PFs is in a file of this plan, or in one that was there and says the same. */
static bool is_covered(const Takeover *one, const Conf *conf, GHashTable *written) {
        bool covered = takeover_is_whole(one);

        for (unsigned i = 0; covered && i < one->pfs->len; i++)
                covered = g_hash_table_contains(written, one->pfs->pdata[i]) || plan_configured(conf, one->pfs->pdata[i]);
        return covered;
}

/* Sections are taken out as a whole; of other files each line stands alone. */
static bool goes_as_a_whole(MechanismKind kind) {
        return kind == MECH_LINK || kind == MECH_NETWORK || kind == MECH_NM || kind == MECH_DRIVERCTL;
}

static bool share_fate(const Mechanism *a, const Mechanism *b) {
        return g_str_equal(a->path, b->path) && (goes_as_a_whole(a->kind) || a->line == b->line);
}

/* All that would go with it is covered, too. */
static bool may_go(const Takeovers *takeovers, const Takeover *one, const Conf *conf, GHashTable *written) {
        for (unsigned i = 0; i < takeovers->items->len; i++) {
                const Takeover *other = takeovers->items->pdata[i];
                if (share_fate(one->mechanism, other->mechanism) && !is_covered(other, conf, written))
                        return false;
        }
        return is_covered(one, conf, written);
}

/* driverctl knows its files by name, so that another name is enough: /usr/sbin/driverctl. */
static void put_aside(Plan *plan, const char *path, const char *text) {
        g_autofree char *aside = g_strdup_printf("%s.vfadm-retired", path);

        boot_plan_file(plan, aside, NULL, text, "so that it can be put back under its name");
        boot_plan_file(plan, path, text, NULL, "the configuration says it now");
}

static void retire_file(Plan *plan, const PlanInput *input, const char *path, const GPtrArray *mechanisms) {
        const Mechanism *first = mechanisms->pdata[0];
        const char *text = g_hash_table_lookup(input->host->setup->texts, path);
        g_autofree char *why = NULL, *now = NULL;

        if (!retire_knows(first->kind))
                why = g_strdup_printf("a %s is left to you", mechanism_word(first->kind));
        else if (!g_str_has_prefix(path, "etc/"))
                why = g_strdup("it comes with a package, or is made at boot: mask it by a file of its name in /etc");
        else if (!text)
                why = g_strdup("it may hold secrets, or is too long: take out by hand what concerns VFs");
        else if (first->kind == MECH_DRIVERCTL)
                put_aside(plan, path, text);
        else if ((now = retire_text(text, mechanisms, &why)))
                boot_plan_file(plan, path, text, now, "the configuration says it now");
        if (why)
                plan_note(plan, "/%s is not retired: %s", path, why);
}

/* Of one file all that may go, as one step. */
static void retire(Plan *plan, const PlanInput *input, const Takeovers *takeovers, const Conf *conf, GHashTable *written) {
        g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);

        for (unsigned i = 0; i < takeovers->items->len; i++) {
                const char *path = ((const Takeover *) takeovers->items->pdata[i])->mechanism->path;
                g_autoptr(GPtrArray) mechanisms = g_ptr_array_new();
                if (!g_hash_table_add(done, (gpointer) path))
                        continue;
                for (unsigned k = i; k < takeovers->items->len; k++) {
                        const Takeover *one = takeovers->items->pdata[k];
                        if (g_str_equal(one->mechanism->path, path) && may_go(takeovers, one, conf, written))
                                g_ptr_array_add(mechanisms, (gpointer) one->mechanism);
                }
                if (mechanisms->len)
                        retire_file(plan, input, path, mechanisms);
        }
}

/* ---- what is told ---- */

static void tell_left(Plan *plan, const Takeovers *takeovers) {
        for (unsigned i = 0; i < takeovers->items->len; i++) {
                const Takeover *one = takeovers->items->pdata[i];
                g_autofree char *place = mechanism_place(one->mechanism);
                if (one->why && one->state != TAKEOVER_ASLEEP)
                        plan_note(plan, "%s: %s%s%s", place, takeover_state_word(one->state), one->state == TAKEOVER_READY || one->state == TAKEOVER_SAID ? " " : ": ", one->why);
        }
}

static bool retires(const Plan *plan, const char *part) {
        for (unsigned i = 0; i < plan->steps->len; i++) {
                const Step *step = plan->steps->pdata[i];
                if (step->kind == STEP_FILE && step->from.text && strstr(step->path, part))
                        return true;
        }
        return false;
}

static void tell_after(Plan *plan, bool retired) {
        if (plan->steps->len == 0)
                return;
        plan_note(plan, "'vfadm plan' shows what the configuration changes now; at boot vfadm-apply.service brings it about");
        if (retired)
                plan_note(plan, "to go back: take '%s' away from the beginnings of lines, and '.vfadm-retired' from the ends of names", RETIRED);
        if (retired && retires(plan, "/modprobe.d/"))
                plan_note(plan, "the initramfs may have a copy of what stood in /etc/modprobe.d until it is made anew");
        if (retired && retires(plan, "/NetworkManager/"))
                plan_note(plan, "NetworkManager knows its profiles as they were until 'nmcli connection reload'");
}

void plan_import(Plan *plan, const PlanInput *input, const Want *want) {
        if (!input->host->setup) {
                plan_refuse(plan, VFADM_ERROR_FAILED, "this host's configuration was not read");
                return;
        }
        g_autoptr(Takeovers) takeovers = plan_takeovers(input->host, want->conf);
        g_autoptr(GHashTable) written = write_files(plan, input, takeovers);
        const unsigned files = plan->steps->len;

        if (want->retire && !input->host->setup->apply_enabled) {
                plan_refuse(plan, VFADM_ERROR_REFUSED, "vfadm-apply.service is not enabled, so that nothing would make the VFs at the next boot; run 'systemctl enable vfadm-apply.service' first, or leave --retire out");
                return;
        }
        if (want->retire)
                retire(plan, input, takeovers, want->conf, written);
        plan->summary = g_strdup_printf("%u file%s written", files, files == 1 ? "" : "s");
        if (want->retire) {
                g_autofree char *before = g_steal_pointer(&plan->summary);
                plan->summary = g_strdup_printf("%s, %u change%s to others", before, plan->steps->len - files, plan->steps->len - files == 1 ? "" : "s");
        }
        tell_left(plan, takeovers);
        tell_after(plan, want->retire && plan->steps->len > files);
}
