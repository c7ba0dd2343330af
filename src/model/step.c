/* Steps and plans: building, freeing, saying in words. JSON is in step_json.c. */
#include "model/step.h"

#include "base/error.h"

#include <string.h>

enum { FEW_VFS = 4 };

static const char *const kind_words[STEP_KINDS] = {
        [STEP_MODULE] = "module",     [STEP_LINK] = "link",   [STEP_AUTOPROBE] = "autoprobe", [STEP_NUMVFS] = "numvfs",
        [STEP_DRIVER] = "driver",     [STEP_VF_STATE] = "vf", [STEP_RESET] = "reset",         [STEP_LEASE] = "lease",
        [STEP_GUEST] = "guest",       [STEP_FILE] = "file",   [STEP_BOOT] = "boot",           [STEP_DEFINED] = "definition",
        [STEP_NETWORK] = "network",   [STEP_HOLD] = "hold",   [STEP_ASSIGNABLE] = "assignable",
};

const char *step_kind_word(StepKind kind) {
        return kind_words[kind];
}

bool step_is_of_host(const Step *step) {
        return step->kind == STEP_FILE || step->kind == STEP_BOOT || step->kind == STEP_NETWORK;
}

bool step_same_function(const Step *a, const Step *b) {
        return pci_addr_equal(a->dev, b->dev) && a->fresh == b->fresh && (!a->fresh || a->vf_index == b->vf_index);
}

/* A service keeps the definitions of its guests and networks on the disk; what is held in a network only in /run. */
bool step_outlives_reboot(const Step *step) {
        return step_is_of_host(step) || step->kind == STEP_DEFINED;
}

void fact_clear(Fact *fact) {
        g_free(fact->driver);
        g_free(fact->driver_override);
        g_free(fact->text);
        lease_free(fact->lease);
        *fact = (Fact) {0};
}

Step *step_new(StepKind kind, PciAddr dev, const char *reason) {
        Step *step = g_new0(Step, 1);
        step->kind = kind;
        step->dev = dev;
        step->pf = dev;
        step->reason = g_strdup(reason);
        return step;
}

void step_free(Step *step) {
        if (!step)
                return;
        g_free(step->netdev);
        g_free(step->guest);
        g_free(step->guest_bus);
        g_free(step->xml);
        g_free(step->network);
        g_free(step->path);
        g_strfreev(step->words);
        g_strfreev(step->ask);
        g_strfreev(step->argv);
        g_strfreev(step->undo_argv);
        fact_clear(&step->from);
        fact_clear(&step->to);
        g_free(step->reason);
        g_free(step->disturbs);
        g_free(step);
}

static void refusal_free(Refusal *refusal) {
        g_free(refusal->message);
        g_free(refusal);
}

static void plan_pf_free(PlanPf *pf) {
        g_free(pf->device);
        g_free(pf);
}

Plan *plan_new(const char *verb) {
        Plan *plan = g_new0(Plan, 1);
        plan->verb = g_strdup(verb);
        plan->steps = g_ptr_array_new_with_free_func((GDestroyNotify) step_free);
        plan->refusals = g_ptr_array_new_with_free_func((GDestroyNotify) refusal_free);
        plan->notes = g_ptr_array_new_with_free_func(g_free);
        plan->seen = g_ptr_array_new_with_free_func((GDestroyNotify) step_free);
        plan->pfs = g_ptr_array_new_with_free_func((GDestroyNotify) plan_pf_free);
        plan->left = g_ptr_array_new_with_free_func(g_free);
        plan->taken = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        plan->known = g_array_new(FALSE, FALSE, sizeof(KnownUse));
        return plan;
}

void plan_free(Plan *plan) {
        if (!plan)
                return;
        g_free(plan->verb);
        g_free(plan->summary);
        g_free(plan->result);
        g_ptr_array_unref(plan->steps);
        g_ptr_array_unref(plan->refusals);
        g_ptr_array_unref(plan->notes);
        g_ptr_array_unref(plan->seen);
        g_ptr_array_unref(plan->left);
        g_ptr_array_unref(plan->pfs);
        g_array_unref(plan->taken);
        g_array_unref(plan->known);
        g_free(plan);
}

Step *plan_add(Plan *plan, Step *step) {
        g_ptr_array_add(plan->steps, step);
        return step;
}

void plan_seen(Plan *plan, Step *step) {
        g_ptr_array_add(plan->seen, step);
}

void plan_refuse(Plan *plan, int code, const char *format, ...) {
        Refusal *refusal = g_new0(Refusal, 1);
        va_list args;
        va_start(args, format);
        refusal->message = g_strdup_vprintf(format, args);
        va_end(args);
        refusal->code = code;
        g_ptr_array_add(plan->refusals, refusal);
}

void plan_note(Plan *plan, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_ptr_array_add(plan->notes, g_strdup_vprintf(format, args));
        va_end(args);
}

void plan_leave(Plan *plan, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_ptr_array_add(plan->left, g_strdup_vprintf(format, args));
        va_end(args);
}

void plan_take(Plan *plan, const Dev *dev) {
        g_array_append_val(plan->taken, dev->addr);
        for (unsigned i = 0; i < dev->uses->len; i++) {
                const Use *use = dev->uses->pdata[i];
                KnownUse known = {dev->addr, use->kind, use->pid};
                g_array_append_val(plan->known, known);
        }
}

bool plan_check(const Plan *plan, GError **error) {
        g_autoptr(GString) text = g_string_new(NULL);

        if (plan->refusals->len == 0)
                return true;
        for (unsigned i = 0; i < plan->refusals->len; i++)
                g_string_append_printf(text, "%s%s", i ? "; " : "", ((const Refusal *) plan->refusals->pdata[i])->message);
        g_set_error_literal(error, VFADM_ERROR, ((const Refusal *) plan->refusals->pdata[0])->code, text->str);
        return false;
}

/* A network's words, with its VFs counted where they are many. */
static char *describe_list(const char *text) {
        g_auto(GStrv) words = g_strsplit(text ? text : "", " ", -1);
        unsigned n = 0;
        PciAddr addr;

        for (char **word = words; *word; word++)
                n += pci_addr_parse(*word, &addr);
        if (!text || n <= FEW_VFS)
                return g_strdup(text ? text : "not there");
        g_autoptr(GString) said = g_string_new(NULL);
        for (char **word = words; *word; word++)
                if (!pci_addr_parse(*word, &addr))
                        g_string_append_printf(said, "%s ", *word);
        g_string_append_printf(said, "(%u VFs)", n);
        return g_string_free(g_steal_pointer(&said), FALSE);
}

/* How long it goes on, where that is what the step changes. */
static char *describe_lease(const Step *step, const Lease *lease) {
        if (!lease)
                return g_strdup("free");
        if (!step->from.lease || !step->to.lease)
                return g_strdup_printf("leased to %s", lease->guest);
        const char *until = !lease->config ? "until it ends" : lease->pid ? "running and by its definition" : "by its definition";
        return g_strdup_printf("leased to %s, %s", lease->guest, until);
}

char *fact_describe(const Step *step, const Fact *fact) {
        switch (step->kind) {
        case STEP_LINK:
                return g_strdup(fact->number ? "up" : "down");
        case STEP_AUTOPROBE:
                return g_strdup(fact->number ? "on" : "off");
        case STEP_NUMVFS:
                return g_strdup_printf("%" G_GINT64_FORMAT, fact->number);
        case STEP_DRIVER:
                if (fact->driver_override && g_strcmp0(fact->driver, fact->driver_override) != 0)
                        return g_strdup_printf("%s (override %s)", fact->driver ? fact->driver : "no driver", fact->driver_override);
                return g_strdup(fact->driver ? fact->driver : "no driver");
        case STEP_VF_STATE:
                return vf_state_format(&fact->vf, step->mask);
        case STEP_LEASE:
                return describe_lease(step, fact->lease);
        case STEP_DEFINED: /* a whole element says too much */
                return g_strdup(fact->text ? "there" : "not there");
        case STEP_NETWORK:
                return describe_list(fact->text);
        case STEP_HOLD:
                return g_strdup(fact->text ? fact->text : "nobody");
        case STEP_ASSIGNABLE:
                return g_strdup(fact->number < 0 ? "not known" : fact->number ? "assignable" : "dom0's");
        case STEP_FILE: /* a whole file says too much */
                return fact->text ? g_strdup_printf("%zu bytes", strlen(fact->text)) : g_strdup("not there");
        case STEP_BOOT:
                return g_strdup(!fact->text ? "as it is" : *fact->text ? fact->text : "without");
        default:
                return g_strdup(fact->text ? fact->text : "none");
        }
}

static char *describe_file(const Step *step) {
        const char *what = !step->to.text ? "remove" : step->from.text ? "edit" : "write";
        return g_strdup_printf("%s /%s", what, step->path);
}

static char *describe_boot(const Step *step) {
        char **argv = step->argv ? step->argv : step->undo_argv;
        g_autofree char *command = argv ? g_strjoinv(" ", argv) : g_strdup("nothing");

        return g_strdup_printf(step->argv ? "run %s" : "if this is undone: run %s", command);
}

/* "libvirt:passthrough" is libvirt's: people know it without the service before it. */
static const char *network_name(const Step *step) {
        const char *colon = strchr(step->network ? step->network : "", ':');
        return colon ? colon + 1 : step->network ? step->network : "?";
}

static char *describe_network(const Step *step, const char *from, const char *to) {
        if (!step->from.text || !step->to.text)
                return g_strdup_printf(step->to.text ? "network %s: make (%s)" : "network %s: take away", network_name(step), to);
        if (g_str_equal(from, to))
                return g_strdup_printf("network %s: as it is", network_name(step));
        return g_strdup_printf("network %s: %s → %s", network_name(step), from, to);
}

static char *describe_hold(const Step *step, const char *name) {
        g_autofree char *service = g_strndup(step->network ? step->network : "", strcspn(step->network ? step->network : "", ":"));

        if (!step->to.text)
                return g_strdup_printf("%s: no longer kept out of %s's network %s", name, service, network_name(step));
        return g_strdup_printf(step->from.text ? "%s: still kept out of %s's network %s" : "%s: kept out of %s's network %s", name, service,
                               network_name(step));
}

/* A NIC that gets any VF of a network at each start has no function of its own. */
static char *describe_defined(const Step *step, const char *name) {
        g_autofree char *any = step->network ? g_strdup_printf("a VF of %s", network_name(step)) : NULL;
        return g_strdup_printf(step->to.text ? "%s: into the definition of %s" : "%s: out of the definition of %s", any ? any : name, step->guest);
}

/* A VF that is yet to be made has no address. */
static char *function_name(const Step *step) {
        char name[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(step->dev, name);
        return step->fresh ? g_strdup_printf("%s VF %u", name, step->vf_index) : g_strdup(name);
}

char *step_describe(const Step *step) {
        g_autofree char *name = function_name(step);
        g_autofree char *from = fact_describe(step, &step->from);
        g_autofree char *to = fact_describe(step, &step->to);

        switch (step->kind) {
        case STEP_MODULE:
                /* An alias is no name that people know. */
                if (g_str_has_prefix(step->to.text, "pci:"))
                        return g_strdup_printf("%s: load the host's driver for it, if there is one", name);
                return g_strdup_printf("load the module %s", step->to.text);
        case STEP_LINK:
                return g_strdup_printf("%s: %s → %s", step->netdev ? step->netdev : name, from, to);
        case STEP_AUTOPROBE:
                return g_strdup_printf("%s: drivers for new VFs %s → %s", name, from, to);
        case STEP_NUMVFS:
                return g_strdup_printf("%s: VFs %s → %s", name, from, to);
        case STEP_DRIVER:
                return g_strdup_printf("%s: driver %s → %s", name, from, to);
        case STEP_VF_STATE:
                return g_strdup_printf("%s: %s (was %s)", name, to, from);
        case STEP_RESET:
                return g_strdup_printf("%s: reset", name);
        case STEP_LEASE:
                return g_strdup_printf("%s: %s → %s", name, from, to);
        case STEP_FILE:
                return describe_file(step);
        case STEP_BOOT:
                return describe_boot(step);
        case STEP_DEFINED:
                return describe_defined(step, name);
        case STEP_NETWORK:
                return describe_network(step, from, to);
        case STEP_HOLD:
                return describe_hold(step, name);
        case STEP_ASSIGNABLE:
                return g_strdup_printf(step->to.number ? "%s: assignable to Xen's guests, its DMA kept from dom0" : "%s: its DMA back to dom0, no longer assignable", name);
        default:
                return g_strdup_printf(step->to.text ? "%s: plug into %s" : "%s: take out of %s", name, step->guest);
        }
}

static bool driver_fact_equal(const Fact *a, const Fact *b) {
        if (g_strcmp0(a->driver_override, b->driver_override) != 0)
                return false;
        if (g_strcmp0(a->driver, b->driver) == 0)
                return true;
        if (g_strcmp0(b->driver, DRIVER_OWN) == 0)
                return !driver_is_vfio(a->driver) && !driver_is_xen(a->driver);
        return g_strcmp0(a->driver, DRIVER_OWN) == 0 && !driver_is_vfio(b->driver) && !driver_is_xen(b->driver);
}

/* Two leases are the same fact when they last equally long. */
static bool lease_fact_equal(const Lease *a, const Lease *b) {
        if (!a || !b)
                return a == b;
        return g_strcmp0(a->guest, b->guest) == 0 && a->state == b->state && a->config == b->config && a->pid == b->pid && a->pid_start == b->pid_start;
}

bool fact_equal(const Step *step, const Fact *a, const Fact *b) {
        switch (step->kind) {
        case STEP_LINK:
        case STEP_AUTOPROBE:
        case STEP_NUMVFS:
        case STEP_ASSIGNABLE: /* the driver in its text only tells xl where it goes back to */
                return a->number == b->number;
        case STEP_DRIVER:
                return driver_fact_equal(a, b);
        case STEP_VF_STATE:
                return vf_state_diff(&a->vf, &b->vf, step->mask) == 0;
        case STEP_LEASE:
                return lease_fact_equal(a->lease, b->lease);
        case STEP_DEFINED:
                return (a->text != NULL) == (b->text != NULL);
        case STEP_BOOT:
                return !a->text || !b->text || g_str_equal(a->text, b->text);
        case STEP_RESET:
                return false; /* no fact: a reset is never "there already" */
        default:
                return g_strcmp0(a->text, b->text) == 0;
        }
}
