/* What makes and sets VFs at boot besides vfadm, as a table and as JSON: 'vfadm import'. */
#include "show/show.h"
#include "show/table.h"
#include "show/value.h"

static char *pfs_text(const Snapshot *host, const Takeover *one) {
        enum { SHOWN = 3 };
        GString *text = g_string_new(NULL);

        for (unsigned i = 0; i < one->pfs->len && i < SHOWN; i++) {
                g_autofree char *nick = snapshot_nick(host, one->pfs->pdata[i]);
                g_string_append_printf(text, "%s%s", i ? ", " : "", nick);
        }
        if (one->pfs->len > SHOWN)
                g_string_append_printf(text, " and %u more", one->pfs->len - SHOWN);
        return g_string_free(text, FALSE);
}

static char *state_text(const Takeover *one) {
        const char *word = takeover_state_word(one->state);
        const bool partly = one->state == TAKEOVER_READY || one->state == TAKEOVER_SAID;

        return one->why ? g_strdup_printf("%s%s %s", word, partly ? "," : ":", one->why) : g_strdup(word);
}

char *show_takeovers_text(const Snapshot *host, const Takeovers *takeovers, unsigned width) {
        static const struct {
                const char *name;
                bool cut;
        } heads[] = {{"FILE", false}, {"PF", false}, {"SETS", true}, {"CONFIGURATION", true}};
        g_autoptr(Table) table = table_new(width);

        if (takeovers->items->len == 0)
                return g_strdup("");
        for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
                table_column(table, heads[i].name, false, false, heads[i].cut);
        for (unsigned i = 0; i < takeovers->items->len; i++) {
                const Takeover *one = takeovers->items->pdata[i];
                TableLine *line = table_line(table, NULL);

                table_cell(line, 0, mechanism_place(one->mechanism));
                table_cell(line, 1, pfs_text(host, one));
                table_cell(line, 2, takeover_says(one));
                table_cell(line, 3, state_text(one));
        }
        return table_text(table);
}

static json_t *claim_json(const TakeoverClaim *claim) {
        json_t *json = json_pack("{s:s}", "pf", claim->pf->name);

        json_object_set_new(json, "vf", claim->vf >= 0 ? json_integer(claim->vf) : json_null());
        json_object_set_new(json, "num_vfs", claim->num_vfs >= 0 ? json_integer(claim->num_vfs) : json_null());
        json_object_set_new(json, "autoprobe", claim->autoprobe >= 0 ? json_boolean(claim->autoprobe) : json_null());
        json_object_set_new(json, "driver", value_string(claim->driver));
        json_object_set_new(json, "state", vf_state_to_json(&claim->state, VF_ALL));
        return json;
}

json_t *show_takeovers_json(const Takeovers *takeovers) {
        static const char *const states[] = {
                [TAKEOVER_READY] = "not-said", [TAKEOVER_SAID] = "said", [TAKEOVER_CONFLICT] = "conflict", [TAKEOVER_NOT] = "impossible",
                [TAKEOVER_ASLEEP] = "asleep",
        };
        json_t *array = json_array();

        for (unsigned i = 0; i < takeovers->items->len; i++) {
                const Takeover *one = takeovers->items->pdata[i];
                json_t *claims = json_array();
                for (unsigned k = 0; k < one->claims->len; k++)
                        json_array_append_new(claims, claim_json(&g_array_index(one->claims, TakeoverClaim, k)));
                json_array_append_new(array, json_pack("{s:s, s:o, s:i, s:o, s:s, s:o, s:o}", "kind", mechanism_word(one->mechanism->kind), "path",
                                                       value_string(one->mechanism->path), "line", (int) one->mechanism->line, "text",
                                                       value_string(one->mechanism->text), "state", states[one->state], "why",
                                                       value_string(one->why), "sets", claims));
        }
        return array;
}
