/* Steps and plans as JSON: what the journal keeps and --json prints. */
#include "model/step.h"

#include "base/error.h"
#include "model/json.h"

#include <string.h>

/* Lists of words are few and short, and so are configuration files; a ledger that says otherwise is not ours. */
enum { WORDS_MAX = 64, WORD_MAX = 4096, FILE_MAX = 1 << 20 };

static json_t *fact_to_json(const Step *step, const Fact *fact) {
        switch (step->kind) {
        case STEP_LINK:
        case STEP_AUTOPROBE:
        case STEP_NUMVFS:
                return json_integer(fact->number);
        case STEP_DRIVER:
                return json_pack("{s:o, s:o}", "driver", json_text(fact->driver), "override", json_text(fact->driver_override));
        case STEP_ASSIGNABLE:
                return json_pack("{s:I, s:o}", "assignable", (json_int_t) fact->number, "driver", json_text(fact->text));
        case STEP_VF_STATE:
                return vf_state_to_json(&fact->vf, step->mask);
        case STEP_LEASE:
                return fact->lease ? lease_to_json(fact->lease) : json_null();
        default:
                return json_text(fact->text);
        }
}

static bool has_network(const Step *step) {
        return step->kind == STEP_NETWORK || step->kind == STEP_HOLD || step->kind == STEP_DEFINED;
}

static json_t *words_to_json(char *const *words) {
        if (!words)
                return json_null();
        json_t *array = json_array();
        for (; *words; words++)
                json_array_append_new(array, json_string(*words));
        return array;
}

static bool words_from_json(const json_t *json, char ***ret) {
        g_autoptr(GStrvBuilder) words = g_strv_builder_new();

        if (!json || json_is_null(json))
                return true;
        if (!json_is_array(json) || json_array_size(json) > WORDS_MAX)
                return false;
        for (size_t i = 0; i < json_array_size(json); i++) {
                const json_t *word = json_array_get(json, i);
                if (!json_is_string(word) || json_string_length(word) > WORD_MAX)
                        return false;
                g_strv_builder_add(words, json_string_value(word));
        }
        *ret = g_strv_builder_end(words);
        return true;
}

/* A program is named by its absolute path. */
static bool command_from_json(const json_t *json, char ***ret) {
        return words_from_json(json, ret) && (!*ret || ((*ret)[0] && (*ret)[0][0] == '/'));
}

/* Steps about the host's own files have these instead of a device. */
static void host_step_to_json(const Step *step, json_t *json) {
        json_object_set_new(json, "path", json_text(step->path));
        json_object_set_new(json, "words", words_to_json(step->words));
        json_object_set_new(json, "ask", words_to_json(step->ask));
        json_object_set_new(json, "argv", words_to_json(step->argv));
        json_object_set_new(json, "undo_argv", words_to_json(step->undo_argv));
}

/* A network is named as a guest is: the service that keeps it, and its name. */
static bool network_from_json(const json_t *json, Step *step) {
        const char *name = json_string_value(json_object_get(json, "network"));

        step->network = g_strdup(name);
        return step->kind == STEP_DEFINED || (name && strchr(name, ':'));
}

static bool host_step_from_json(const json_t *json, Step *step) {
        if (step->kind == STEP_NETWORK)
                return true;
        step->path = g_strdup(json_string_value(json_object_get(json, "path")));
        bool ok = words_from_json(json_object_get(json, "words"), &step->words) &&
                  command_from_json(json_object_get(json, "ask"), &step->ask) &&
                  command_from_json(json_object_get(json, "argv"), &step->argv) &&
                  command_from_json(json_object_get(json, "undo_argv"), &step->undo_argv);
        return ok && (step->kind == STEP_BOOT ? step->words != NULL : step->path != NULL);
}

json_t *step_to_json(const Step *step) {
        json_t *json = json_object();
        g_autofree char *text = step_describe(step);

        json_object_set_new(json, "kind", json_string(step_kind_word(step->kind)));
        bool of_host = step_is_of_host(step);
        json_object_set_new(json, "address", of_host ? json_null() : json_addr(step->dev));
        json_object_set_new(json, "pf", of_host ? json_null() : json_addr(step->pf));
        json_object_set_new(json, "vf", json_integer(step->vf_index));
        if (step->fresh)
                json_object_set_new(json, "fresh", json_true());
        json_object_set_new(json, "netdev", json_text(step->netdev));
        json_object_set_new(json, "mask", json_integer(step->mask));
        json_object_set_new(json, "guest", json_text(step->guest));
        json_object_set_new(json, "guest_bus", json_text(step->guest_bus));
        if (step->kind == STEP_FILE || step->kind == STEP_BOOT)
                host_step_to_json(step, json);
        if (has_network(step))
                json_object_set_new(json, "network", json_text(step->network));
        if (step->xml)
                json_object_set_new(json, "xml", json_string(step->xml));
        json_object_set_new(json, "from", fact_to_json(step, &step->from));
        json_object_set_new(json, "to", fact_to_json(step, &step->to));
        json_object_set_new(json, "text", json_string(text));
        json_object_set_new(json, "reason", json_text(step->reason));
        json_object_set_new(json, "disturbs", json_text(step->disturbs));
        return json;
}

static bool driver_from_json(const json_t *json, Fact *fact) {
        if (!json_is_object(json))
                return false;
        fact->driver = g_strdup(json_string_value(json_object_get(json, "driver")));
        fact->driver_override = g_strdup(json_string_value(json_object_get(json, "override")));
        return true;
}

static bool assignable_from_json(const json_t *json, Fact *fact) {
        const json_t *number = json_object_get(json, "assignable"), *driver = json_object_get(json, "driver");

        fact->number = json_integer_value(number);
        fact->text = g_strdup(json_string_value(driver));
        return json_is_integer(number) && (json_is_null(driver) || json_is_string(driver));
}

static bool fact_from_json(const Step *step, const json_t *json, Fact *fact) {
        switch (step->kind) {
        case STEP_LINK:
        case STEP_AUTOPROBE:
        case STEP_NUMVFS:
                fact->number = json_integer_value(json);
                return json_is_integer(json);
        case STEP_DRIVER:
                return driver_from_json(json, fact);
        case STEP_ASSIGNABLE:
                return assignable_from_json(json, fact);
        case STEP_VF_STATE:
                return vf_state_from_json(json, &fact->vf);
        case STEP_LEASE:
                if (json_is_null(json))
                        return true;
                fact->lease = lease_from_json(json, NULL);
                return fact->lease != NULL;
        default:
                fact->text = g_strdup(json_string_value(json));
                return json_is_null(json) || (json_is_string(json) && json_string_length(json) <= FILE_MAX);
        }
}

static bool kind_from_word(const char *word, StepKind *ret) {
        for (unsigned kind = 0; word && kind < STEP_KINDS; kind++)
                if (g_str_equal(step_kind_word((StepKind) kind), word)) {
                        *ret = (StepKind) kind;
                        return true;
                }
        return false;
}

static bool number_from_json(const json_t *json, json_int_t max, unsigned *ret) {
        if (!json_is_integer(json) || json_integer_value(json) < 0 || json_integer_value(json) > max)
                return false;
        *ret = (unsigned) json_integer_value(json);
        return true;
}

static bool whom_from_json(const json_t *json, Step *step) {
        if (step_is_of_host(step))
                return host_step_from_json(json, step);
        return pci_addr_parse(json_string_value(json_object_get(json, "address")), &step->dev) &&
               pci_addr_parse(json_string_value(json_object_get(json, "pf")), &step->pf);
}

Step *step_from_json(const json_t *json, GError **error) {
        g_autoptr(Step) step = step_new(STEP_RESET, (PciAddr) {0}, json_string_value(json_object_get(json, "reason")));

        bool ok = kind_from_word(json_string_value(json_object_get(json, "kind")), &step->kind) &&
                  whom_from_json(json, step) &&
                  (!has_network(step) || network_from_json(json, step)) &&
                  number_from_json(json_object_get(json, "vf"), UINT16_MAX, &step->vf_index) &&
                  number_from_json(json_object_get(json, "mask"), VF_ALL, &step->mask) &&
                  fact_from_json(step, json_object_get(json, "from"), &step->from) &&
                  fact_from_json(step, json_object_get(json, "to"), &step->to);
        if (!ok) {
                g_set_error_literal(error, VFADM_ERROR, VFADM_ERROR_LEDGER, "a step in the ledger is not readable");
                return NULL;
        }
        step->fresh = json_is_true(json_object_get(json, "fresh"));
        step->netdev = g_strdup(json_string_value(json_object_get(json, "netdev")));
        step->guest = g_strdup(json_string_value(json_object_get(json, "guest")));
        step->guest_bus = g_strdup(json_string_value(json_object_get(json, "guest_bus")));
        step->xml = g_strdup(json_string_value(json_object_get(json, "xml")));
        step->disturbs = g_strdup(json_string_value(json_object_get(json, "disturbs")));
        return g_steal_pointer(&step);
}

static json_t *refusals_to_json(const Plan *plan) {
        json_t *array = json_array();
        for (unsigned i = 0; i < plan->refusals->len; i++) {
                const Refusal *refusal = plan->refusals->pdata[i];
                json_array_append_new(array, json_pack("{s:s, s:s}", "kind", vfadm_error_word(refusal->code), "message", refusal->message));
        }
        return array;
}

static json_t *plan_pf_to_json(const Plan *plan, const PlanPf *pf) {
        json_t *left = json_array();

        for (unsigned i = 0; i < pf->n_left; i++)
                json_array_append_new(left, json_string(plan->left->pdata[pf->first_left + i]));
        return json_pack("{s:o, s:s, s:s, s:i, s:o}", "address", json_addr(pf->addr), "device", pf->device, "drift", pf->report_only ? "report" : "mend",
                         "steps", (int) pf->steps, "left", left);
}

json_t *plan_to_json(const Plan *plan) {
        json_t *json = json_object();
        json_t *steps = json_array(), *notes = json_array(), *left = json_array(), *pfs = json_array();

        for (unsigned i = 0; i < plan->steps->len; i++)
                json_array_append_new(steps, step_to_json(plan->steps->pdata[i]));
        for (unsigned i = 0; i < plan->notes->len; i++)
                json_array_append_new(notes, json_string(plan->notes->pdata[i]));
        for (unsigned i = 0; i < plan->left->len; i++)
                json_array_append_new(left, json_string(plan->left->pdata[i]));
        for (unsigned i = 0; i < plan->pfs->len; i++)
                json_array_append_new(pfs, plan_pf_to_json(plan, plan->pfs->pdata[i]));
        json_object_set_new(json, "verb", json_string(plan->verb));
        json_object_set_new(json, "summary", json_text(plan->summary));
        json_object_set_new(json, "steps", steps);
        json_object_set_new(json, "refusals", refusals_to_json(plan));
        json_object_set_new(json, "left", left);
        json_object_set_new(json, "pfs", pfs);
        json_object_set_new(json, "notes", notes);
        json_object_set_new(json, "result", json_text(plan->result));
        return json;
}
