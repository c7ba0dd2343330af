/* A configuration file and its drop-ins, read as one. */
#include "want/conf_file.h"

#include "base/parse.h"
#include "base/text.h"
#include "want/conf_check.h"
#include "want/keys.h"
#include "want/pool_file.h"

#include <string.h>

enum { VF_NUMBER_MAX = UINT16_MAX - 1 }; /* NumVFs is 16 bits */

/* Where a key was given last; line 0: nowhere. */
typedef struct {
        const IniText *text;
        unsigned line;
} Given;

/* A section under way; drop-ins go on with it. */
typedef struct {
        const KeyTable *table;
        KeyTarget to;
        const IniText *text; /* the text that it stood in last */
        const IniText *began;
        unsigned line;       /* where it stood first */
        Given given[KEYS_MAX], attributes[KEYS_MAX];
} Section;

typedef struct {
        const Conf *conf;
        bool pools_only;
        ConfPf *pf;     /* NULL: nothing of a PF yet */
        GPtrArray *pools; /* Pool* */
        GPtrArray *sections; /* Section* */
} File;

/* ---- keys ---- */

static const Key *find_key(const KeyTable *table, const char *name, unsigned *ret_index, bool *ret_attribute) {
        for (unsigned i = 0; table->keys[i].key; i++)
                if (g_str_equal(table->keys[i].key, name)) {
                        *ret_index = i;
                        *ret_attribute = false;
                        return &table->keys[i];
                }
        for (unsigned i = 0; table->attributes && key_attributes[i].key; i++)
                if (g_str_equal(key_attributes[i].key, name)) {
                        *ret_index = i;
                        *ret_attribute = true;
                        return &key_attributes[i];
                }
        return NULL;
}

static void note_near(const Key *keys, const char *name, unsigned *least, const char **nearest, GString *all) {
        g_autofree char *typed = g_ascii_strdown(name, -1);

        for (unsigned i = 0; keys[i].key; i++) {
                g_autofree char *key = g_ascii_strdown(keys[i].key, -1);
                const unsigned far = word_distance(typed, key);
                if (far < *least && far < strlen(key)) {
                        *least = far;
                        *nearest = keys[i].key;
                }
                g_string_append_printf(all, "%s%s", all->len ? ", " : "", keys[i].key);
        }
}

static bool unknown_key(const Section *section, const IniEntry *entry, GError **error) {
        g_autoptr(GString) all = g_string_new(NULL);
        const char *nearest = NULL, *kind = section->table->kind;
        unsigned least = 3; /* two letters wrong is the most that still is a slip */

        note_near(section->table->keys, entry->key, &least, &nearest, all);
        if (section->table->attributes)
                note_near(key_attributes, entry->key, &least, &nearest, all);
        if (nearest)
                return ini_wrong(error, section->text->path, entry->line, "[%s] has no '%.80s'; did you mean %s?", kind,
                                 entry->key, nearest);
        return ini_wrong(error, section->text->path, entry->line, "[%s] has no '%.80s'; it has %s", kind, entry->key,
                         all->str);
}

static bool take_entry(Section *section, const IniEntry *entry, GError **error) {
        const char *value = *entry->value ? entry->value : NULL;
        bool attribute = false;
        unsigned i = 0;

        const Key *key = find_key(section->table, entry->key, &i, &attribute);
        if (!key)
                return unknown_key(section, entry, error);
        Given *given = attribute ? &section->attributes[i] : &section->given[i];
        if (value && !key->many && given->line && given->text == section->text)
                return ini_wrong(error, section->text->path, entry->line, "%s= is given twice, in line %u too", key->key,
                                 given->line);
        if (!key->take(&section->to, value))
                return ini_wrong(error, section->text->path, entry->line, "%s=%.80s: expected %s", key->key, entry->value,
                                 key->values);
        *given = value ? (Given) {section->text, entry->line} : (Given) {NULL, 0};
        return true;
}

/* ---- sections ---- */

/* "0-3", "2", "*", "4-*" */
static bool parse_range(const char *name, unsigned *first, unsigned *last) {
        const char *dash = strchr(name, '-');
        uint64_t from = 0, to;

        if (g_str_equal(name, "*")) {
                *first = 0;
                *last = CONF_VF_LAST;
                return true;
        }
        if (!parse_uint_n(name, dash ? (size_t) (dash - name) : strlen(name), 10, 0, VF_NUMBER_MAX, &from))
                return false;
        to = from;
        if (dash && g_str_equal(dash + 1, "*"))
                to = CONF_VF_LAST;
        else if (dash && !parse_uint(dash + 1, 10, from, VF_NUMBER_MAX, &to))
                return false;
        *first = (unsigned) from;
        *last = (unsigned) to;
        return true;
}

/* The VFs of "[VF 0-3]": those of an earlier section of the same range, or new ones that no other has. */
static ConfVf *find_vf(File *file, const IniText *text, const IniSection *head, GError **error) {
        unsigned first, last;

        if (!parse_range(head->name, &first, &last)) {
                ini_wrong(error, text->path, head->line,
                          "[VF %.80s]: expected a VF's number, a range as 0-3 or 4-*, or * for all", head->name);
                return NULL;
        }
        for (unsigned i = 0; i < file->pf->vfs->len; i++) {
                ConfVf *vf = file->pf->vfs->pdata[i];
                if (vf->first == first && vf->last == last)
                        return vf;
                if (last < vf->first || vf->last < first)
                        continue;
                g_autofree char *here = conf_vf_range(first, last), *there = conf_vf_range(vf->first, vf->last);
                ini_wrong(error, text->path, head->line, "%s overlaps %s in /%s, line %u", here, there, vf->place.path,
                          vf->place.line);
                return NULL;
        }
        ConfVf *vf = conf_vf_new(text->path, head->line);
        vf->first = first;
        vf->last = last;
        vf->vf.proto = VLAN_PROTO_8021Q;
        g_ptr_array_add(file->pf->vfs, vf);
        return vf;
}

static Pool *find_pool(File *file, const IniText *text, const IniSection *head, GError **error) {
        const Pool *here = pools_find(file->pools, head->name), *there = pools_find(file->conf->pools, head->name);

        if (!pool_name_ok(head->name)) {
                ini_wrong(error, text->path, head->line,
                          "'%.80s' is no name for a pool: write [Pool NAME] with letters, digits, '.', '_' and '-'",
                          head->name);
                return NULL;
        }
        if (there) {
                ini_wrong(error, text->path, head->line, "pool %s is there already, in /%s", head->name, there->path);
                return NULL;
        }
        if (here)
                return (Pool *) here; /* ours: found in our own array */
        Pool *pool = pool_new(head->name);
        pool->path = g_strdup(text->path);
        pool->vf.proto = VLAN_PROTO_8021Q;
        g_ptr_array_add(file->pools, pool);
        return pool;
}

/* What the section is about, made where it is new; *ret's fields tell sections apart. */
static bool find_target(File *file, const KeyTable *table, const IniText *text, const IniSection *head, KeyTarget *ret,
                        GError **error) {
        const bool named = table->attributes; /* [VF 0-3], [Pool NAME] */

        if (!named && *head->name)
                return ini_wrong(error, text->path, head->line, "[%s %.80s]: [%s] has no name", table->kind, head->name,
                                 table->kind);
        if (g_str_equal(table->kind, "Pool")) {
                ret->pool = find_pool(file, text, head, error);
                ret->state = ret->pool ? &ret->pool->vf : NULL;
                return ret->pool;
        }
        if (!file->pf)
                file->pf = conf_pf_new(text->path, head->line);
        ret->pf = file->pf;
        if (!named)
                return true;
        ret->vf = find_vf(file, text, head, error);
        ret->state = ret->vf ? &ret->vf->vf : NULL;
        return ret->vf;
}

static const KeyTable *find_table(const IniText *text, const IniSection *head, GError **error) {
        g_autoptr(GString) all = g_string_new(NULL);

        for (const KeyTable *table = key_tables; table->kind; table++) {
                if (g_str_equal(table->kind, head->kind))
                        return table;
                const bool meant = g_ascii_strcasecmp(table->kind, head->kind) == 0;
                if (meant)
                        g_string_assign(all, "");
                g_string_append_printf(all, "%s[%s]", all->len ? ", " : "", table->kind);
                if (meant)
                        break;
        }
        ini_wrong(error, text->path, head->line, "there is no section [%.80s]; there are %s", head->kind, all->str);
        return NULL;
}

static Section *open_section(File *file, const IniText *text, const IniSection *head, GError **error) {
        const KeyTable *table = find_table(text, head, error);
        KeyTarget to = {0};

        if (!table || !find_target(file, table, text, head, &to, error))
                return NULL;
        for (unsigned i = 0; i < file->sections->len; i++) {
                Section *section = file->sections->pdata[i];
                if (section->table != table || section->to.vf != to.vf || section->to.pool != to.pool)
                        continue;
                if (section->text == text) {
                        ini_wrong(error, text->path, head->line, "[%s%s%s] is there already; one section holds all of it%s",
                                  head->kind, *head->name ? " " : "", head->name,
                                  g_str_equal(head->kind, "Match") ? ", and another PF's is another file" : "");
                        return NULL;
                }
                section->text = text;
                return section;
        }
        Section *section = g_new0(Section, 1);
        *section = (Section) {.table = table, .to = to, .text = text, .began = text, .line = head->line};
        g_ptr_array_add(file->sections, section);
        return section;
}

static bool take_text(File *file, const IniText *text, GError **error) {
        g_autoptr(GPtrArray) heads = ini_parse(text, error);

        for (unsigned i = 0; heads && i < heads->len; i++) {
                const IniSection *head = heads->pdata[i];
                if (file->pools_only && !g_str_equal(head->kind, "Pool"))
                        continue;
                Section *section = open_section(file, text, head, error);
                for (unsigned k = 0; section && k < head->entries->len; k++)
                        if (!take_entry(section, head->entries->pdata[k], error))
                                return false;
                if (!section)
                        return false;
        }
        return heads;
}

/* ---- the whole ---- */

/* Of [VF] and [Pool]: the state must make sense together. */
static bool check_attributes(const Section *section, GError **error) {
        const VfState *state = section->to.state;
        const Given *qos = &section->attributes[KEY_QOS], *protocol = &section->attributes[KEY_PROTOCOL];

        if (!section->attributes[KEY_VLAN].line && (qos->line || protocol->line)) {
                const Given *given = qos->line ? qos : protocol;
                return ini_wrong(error, given->text->path, given->line, "QoS= and Protocol= are the VLAN's; write VLAN= too");
        }
        if ((state->known & VF_MIN_RATE) && (state->known & VF_MAX_RATE) && state->max_rate &&
            state->min_rate > state->max_rate)
                return ini_wrong(error, section->began->path, section->line, "MinRate=%u is above MaxRate=%u",
                                 state->min_rate, state->max_rate);
        return true;
}

static bool check_section(const Section *section, GError **error) {
        const Pool *pool = section->to.pool;

        if (pool && pool->pfs->len == 0)
                return ini_wrong(error, section->began->path, section->line, "pool %s names no PF; write PF= with %s",
                                 pool->name, section->table->keys[KEY_POOL_PF].values);
        return !section->to.state || check_attributes(section, error);
}

/* [Match] is there, and asks for something; where the PF's place is. */
static bool check_match(File *file, GError **error) {
        const Section *match = NULL;
        bool asks = false;

        for (unsigned i = 0; i < file->sections->len; i++) {
                const Section *section = file->sections->pdata[i];
                if (section->table == key_tables) /* its first row */
                        match = section;
        }
        if (!match)
                return ini_wrong(error, file->pf->place.path, file->pf->place.line,
                                 "this file has no [Match] that says which PF it is about");
        for (unsigned i = 0; i < MATCH_KINDS; i++)
                asks |= file->pf->match[i] != NULL;
        if (!asks)
                return ini_wrong(error, match->began->path, match->line,
                                 "[Match] asks for nothing; write Driver=* for every PF");
        g_free(file->pf->place.path);
        file->pf->place = (ConfPlace) {g_strdup(match->began->path), match->line};
        return true;
}

static int by_first(const void *a, const void *b) {
        const ConfVf *const *x = a, *const *y = b;
        return (*x)->first < (*y)->first ? -1 : (*x)->first > (*y)->first;
}

static bool check_file(File *file, GError **error) {
        for (unsigned i = 0; i < file->sections->len; i++)
                if (!check_section(file->sections->pdata[i], error))
                        return false;
        if (!file->pf)
                return true;
        g_ptr_array_sort(file->pf->vfs, by_first);
        return check_match(file, error) && conf_check_pf(file->pf, file->conf, error);
}

static void add_to(File *file, Conf *conf) {
        if (file->pf) {
                conf_warn_pf(file->pf, conf->warnings);
                g_ptr_array_add(conf->pfs, g_steal_pointer(&file->pf));
        }
        g_ptr_array_extend_and_steal(conf->pools, g_steal_pointer(&file->pools));
}

static bool parse(const IniText *texts, unsigned n_texts, bool pools_only, Conf *conf, GError **error) {
        File file = {.conf = conf, .pools_only = pools_only};
        bool ok = true;

        file.pools = g_ptr_array_new_with_free_func((GDestroyNotify) pool_free);
        file.sections = g_ptr_array_new_with_free_func(g_free);
        for (unsigned i = 0; ok && i < n_texts; i++)
                ok = take_text(&file, &texts[i], error);
        ok = ok && check_file(&file, error);
        if (ok)
                add_to(&file, conf);
        conf_pf_free(file.pf);
        g_clear_pointer(&file.pools, g_ptr_array_unref);
        g_ptr_array_unref(file.sections);
        return ok;
}

bool conf_file_parse(const IniText *texts, unsigned n_texts, Conf *conf, GError **error) {
        return parse(texts, n_texts, false, conf, error);
}

bool conf_file_parse_pools(const IniText *texts, unsigned n_texts, Conf *conf, GError **error) {
        return parse(texts, n_texts, true, conf, error);
}
