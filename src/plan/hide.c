/* The plans of 'vfadm bind --boot' and 'vfadm unbind --boot': which devices Xen's pciback gets at boot, before the host's own drivers. What
 * is then written where is hide_steps.c's. */
#include "plan/hide.h"

#include "base/error.h"
#include "plan/rules.h"

#include <string.h>

/* ---- what somebody else hides ---- */

static void add_foreign(Hide *hide, const char *where, const char *value) {
        HideForeign *foreign = g_new0(HideForeign, 1);
        foreign->where = g_strdup(where);
        foreign->value = g_strdup(value);
        g_ptr_array_add(hide->foreign, foreign);
}

static void foreign_free(void *data) {
        HideForeign *foreign = data;
        g_free(foreign->where);
        g_free(foreign->value);
        g_free(foreign);
}

void hide_add_foreign_words(Hide *hide, const char *where, char *const *words) {
        for (; words && *words; words++) {
                char *one[] = {*words, NULL};
                const char *value = boot_words_get(one, HIDE_KEY);
                if (value && (!hide->ours_word || !g_str_equal(hide->ours_word + strlen(HIDE_KEY "="), value)))
                        add_foreign(hide, where, value);
        }
}

/* The words of dom0's configuration are read where Xen runs; where it does not yet, what modprobe.d binds at boot tells as much. */
static void find_foreign_mechanisms(Hide *hide) {
        const GPtrArray *mechanisms = hide->setup->mechanisms;

        for (unsigned i = 0; i < mechanisms->len; i++) {
                const Mechanism *m = mechanisms->pdata[i];
                if (m->kind != MECH_MODPROBE || !m->bdf || !driver_is_xen(m->to_driver) || g_str_equal(m->path, HIDE_CONF))
                        continue;
                g_autofree char *where = g_strconcat("/", m->path, NULL), *value = g_strdup_printf("(%s)", m->bdf);
                add_foreign(hide, where, value);
        }
}

/* modprobe reads its folders, and then the kernel's command line, which comes last (libkmod-config.c). */
static void find_foreign_options(Hide *hide) {
        const GPtrArray *words = hide->setup->xen.words;

        for (unsigned i = 0; words && i < words->len; i++) {
                const PcibackWord *word = words->pdata[i];
                if (word->place != PCIBACK_OPTION || g_strcmp0(word->name, "hide") != 0 || !word->value || g_str_equal(word->path, HIDE_CONF))
                        continue;
                g_autofree char *where = g_strconcat("/", word->path, NULL);
                add_foreign(hide, where, word->value);
        }
        if (!hide->xen)
                find_foreign_mechanisms(hide);
        /* Of another kernel's time, when it was built in, that may be vfadm's own. */
        if (!hide->conf->note)
                hide_add_foreign_words(hide, "the kernel's command line", hide->setup->words);
}

static const HideForeign *foreign_for(const Hide *hide, PciAddr dev) {
        for (unsigned i = 0; i < hide->foreign->len; i++) {
                const HideForeign *foreign = hide->foreign->pdata[i];
                if (hide_value_means(foreign->value, dev))
                        return foreign;
        }
        return NULL;
}

/* ---- rules ---- */

static bool may_hide(Hide *hide, const PlanInput *input, const Want *want, const Dev *dev) {
        Plan *plan = hide->plan;
        g_autofree char *nick = snapshot_nick(input->host, dev), *who = rule_who_uses(input, dev);
        const HideForeign *other = hide->foreign->len ? hide->foreign->pdata[0] : NULL;

        if (!driver_is_xen(want->driver) && !g_str_equal(want->driver, "xen_pciback"))
                plan_refuse(plan, VFADM_ERROR_USAGE, "at boot it is Xen's pciback alone that vfadm gives a device to, and not %s: say 'vfadm bind --boot %s pciback'",
                            want->driver, dev->name);
        else if (dev_is_bridge(dev))
                plan_refuse(plan, VFADM_ERROR_REFUSED, "%s is a bridge: bridges stay with their driver, or all behind them is lost", dev->name);
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                if (use->kind == USE_HOST)
                        plan_refuse(plan, VFADM_ERROR_REFUSED, "%s carries this host (%s): without it the next boot would fail, so it is never hidden", nick, use->what);
        }
        if (dev->addr.domain > 0xffff)
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "%s: its PCI domain is above ffff, which is not put into a list of pciback", dev->name);
        if (plan->refusals->len)
                return false;
        if (foreign_for(hide, dev->addr)) {
                plan_note(plan, "%s is hidden already, by %s, which is not vfadm's", nick, foreign_for(hide, dev->addr)->where);
                return false;
        }
        if (other)
                plan_refuse(plan, VFADM_ERROR_REFUSED,
                            "%s: %s hides devices already, and of two lists of pciback only one is taken: add (%s) there, or take it out there and name all the devices to 'vfadm bind --boot'",
                            nick, other->where, dev->name);
        if (who)
                plan_note(plan, "%s is in use now (%s): at the next boot pciback has it, and not the host", nick, who);
        return !other;
}

/* A module that the kernel has in itself is there before any that is loaded. */
static bool modules_can_wait(Hide *hide, const PlanInput *input, const Dev *dev) {
        if (hide->conf->builtin || !input->host_builtin || !input->host_builtin[0])
                return true;
        plan_refuse(hide->plan, VFADM_ERROR_UNSUPPORTED, "%s: its driver %s is built into this kernel and comes before pciback, which is a module here; a kernel with the one as a module or the other built in is needed",
                    dev->name, input->host_builtin[0]);
        return false;
}

static void note_kind(Hide *hide, const Snapshot *host, const Dev *dev) {
        g_autofree char *nick = snapshot_nick(host, dev);

        if (dev->is_pf)
                plan_note(hide->plan, "%s is a PF: while pciback has it there are no VFs of it", nick);
        /* pci_device_can_probe() of Linux: with sriov_drivers_autoprobe off no driver is asked at all. The PF's own driver makes the VFs and
         * so always comes before they do: only the VFs' driver is one that pciback must precede. */
        if (dev->is_vf)
                plan_note(hide->plan, "%s: pciback takes the VF when it is made, unless that is with drivers kept off, as by 'vfadm enable'; then 'vfadm bind %s pciback' does it",
                          nick, nick);
}

/* ---- the wants ---- */

static bool hide_one(Hide *hide, const PlanInput *input, const Want *want, GError **error) {
        const Dev *dev = snapshot_find(input->host, want->device, error);

        if (!dev)
                return false;
        if (!may_hide(hide, input, want, dev) || !modules_can_wait(hide, input, dev))
                return true;
        if (!hidden_find(hide->list, dev->addr)) {
                hide->any = true;
                note_kind(hide, input->host, dev);
        }
        hidden_add(hide->list, dev->addr, hide->conf->builtin ? NULL : input->host_modules);
        return true;
}

/* A device that has gone is let go of by its address. */
static bool show_one(Hide *hide, const PlanInput *input, const Want *want, GError **error) {
        const Dev *dev = snapshot_find(input->host, want->device, NULL);
        char name[PCI_ADDR_TEXT_SIZE];
        PciAddr addr;

        if (!dev && !pci_addr_parse(want->device, &addr))
                return snapshot_find(input->host, want->device, error) != NULL;
        if (dev)
                addr = dev->addr;
        pci_addr_format(addr, name);
        const HideForeign *foreign = foreign_for(hide, addr);
        if (hidden_remove(hide->list, addr))
                hide->any = true;
        else if (foreign)
                plan_refuse(hide->plan, VFADM_ERROR_REFUSED, "%s is hidden by %s, which is not vfadm's: take it out there", name, foreign->where);
        else
                plan_note(hide->plan, "%s is not hidden at boot", name);
        return true;
}

static void summarize(Hide *hide, bool binds) {
        g_autofree char *value = hide_value_format(hide->list);

        hide->plan->summary = g_strdup_printf("hidden for Xen from the next boot on: %s", value ? value : "nothing");
        if (!hide->any || hide->plan->refusals->len)
                return;
        plan_note(hide->plan, binds ? "it takes effect at the next boot; 'vfadm bind DEVICE pciback' does it now"
                                    : "it takes effect at the next boot; 'vfadm unbind DEVICE' gives a device to the host now");
        if (binds && !hide->xen)
                plan_note(hide->plan, "this host does not run on Xen now: pciback does nothing until it does");
}

static bool kernel_has_pciback(Hide *hide, const Snapshot *host) {
        const char *release = host->kernel_release ? host->kernel_release : "that runs";

        if (hide->conf->pciback == KNOWN_YES)
                return true;
        plan_refuse(hide->plan, VFADM_ERROR_UNSUPPORTED, hide->conf->pciback == KNOWN_NO ? "the kernel %s has no xen-pciback, built in or as a module"
                                                                                     : "whether the kernel %s has xen-pciback cannot be told: neither its configuration nor its modules are here",
                    release);
        return false;
}

static bool collect(Hide *hide, Want *const *wants, const PlanInput *inputs, unsigned n, GError **error) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

        for (unsigned i = 0; i < n; i++) {
                if (!g_hash_table_add(seen, wants[i]->device))
                        plan_refuse(hide->plan, VFADM_ERROR_USAGE, "%s is named twice", wants[i]->device);
                bool ok = wants[i]->kind == WANT_BIND ? hide_one(hide, &inputs[i], wants[i], error) : show_one(hide, &inputs[i], wants[i], error);
                if (!ok)
                        return false;
        }
        return true;
}

static bool make(Hide *hide, Want *const *wants, const PlanInput *inputs, unsigned n, GError **error) {
        bool binds = wants[0]->kind == WANT_BIND;

        if (binds && !kernel_has_pciback(hide, inputs[0].host))
                return true;
        if (!hide_open(hide))
                return true;
        if (!hide->conf->builtin)
                find_foreign_options(hide);
        if (!collect(hide, wants, inputs, n, error))
                return false;
        if (!hide->plan->refusals->len)
                hide_steps(hide);
        summarize(hide, binds);
        return true;
}

Plan *plan_hide(Want *const *wants, const PlanInput *inputs, unsigned n, GError **error) {
        g_autoptr(Plan) plan = plan_new(wants[0]->kind == WANT_BIND ? "bind --boot" : "unbind --boot");
        const Snapshot *host = inputs[0].host;
        Hide hide = {.plan = plan, .setup = host->setup};

        if (!host->setup) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "how this host boots could not be read");
                return g_steal_pointer(&plan);
        }
        hide.conf = &host->setup->hide;
        hide.xen = host->xen_dom0 || host->setup->xen_dom0;
        hide.list = g_ptr_array_new_with_free_func(hidden_free);
        hide.foreign = g_ptr_array_new_with_free_func(foreign_free);
        bool ok = make(&hide, wants, inputs, n, error);
        hide_close(&hide);
        if (plan->refusals->len)
                g_ptr_array_set_size(plan->steps, 0);
        return ok ? g_steal_pointer(&plan) : NULL;
}
