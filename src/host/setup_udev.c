/* Rules of udev that write sriov_numvfs or driver_override, or keep NetworkManager and networkd off: udev(7)'s syntax, a line a
 * rule. Jumps (GOTO) are not followed: what a rule asks for on its own line is taken. */
#include "host/mechanisms.h"

#include "base/parse.h"

#include <string.h>

#define TOKENS_MAX 64u

/* KEY{attr}=="value" */
typedef struct {
        char *key, *attr, *value;
        bool match;   /* "==" */
        bool differs; /* "!=" */
        bool assigns; /* "=", "+=", ":=" */
} Token;

static void token_clear(Token *token) {
        g_clear_pointer(&token->key, g_free);
        g_clear_pointer(&token->attr, g_free);
        g_clear_pointer(&token->value, g_free);
}

/* What the matches of a rule say of the device. */
typedef struct {
        char *action, *netdev, *bdf, *driver;
        char *condition; /* a match that is not weighed */
        char *more;      /* what it does besides */
        uint8_t mac[6];
        uint16_t vendor, device;
} Rule;

static void rule_clear(Rule *rule) {
        g_free(rule->action);
        g_free(rule->netdev);
        g_free(rule->bdf);
        g_free(rule->driver);
        g_free(rule->condition);
        g_free(rule->more);
}

/* False at the end, or where it is no rule. */
static bool token_next(const char **at, Token *ret) {
        const char *p = *at + strspn(*at, " \t,");
        size_t key = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

        if (key == 0)
                return false;
        ret->key = g_strndup(p, key);
        p += key;
        if (*p == '{') {
                const char *end = strchr(p, '}');
                if (!end)
                        return false;
                ret->attr = g_strndup(p + 1, (gsize) (end - p - 1));
                p = end + 1;
        }
        p += strspn(p, " \t");
        size_t op = strspn(p, "=!+-:");
        ret->match = op == 2 && strncmp(p, "==", 2) == 0;
        ret->differs = op == 2 && strncmp(p, "!=", 2) == 0;
        ret->assigns = op == 1 ? *p == '=' : op == 2 && (strncmp(p, "+=", 2) == 0 || strncmp(p, ":=", 2) == 0);
        p += op;
        p += strspn(p, " \t");
        bool escapes = *p == 'e' && p[1] == '"';
        p += escapes;
        if (op == 0 || *p != '"')
                return false;
        g_autoptr(GString) value = g_string_new(NULL);
        for (p++; *p && *p != '"'; p++) {
                if (*p == '\\' && (p[1] == '"' || (escapes && p[1])))
                        p++;
                g_string_append_c(value, *p);
        }
        if (*p != '"')
                return false;
        ret->value = g_strdup(value->str);
        *at = p + 1;
        return true;
}

static void set_text(char **field, const char *value) {
        g_free(*field);
        *field = g_strdup(value);
}

static void set_id(uint16_t *field, const char *value) {
        uint64_t id;
        if (parse_uint(value, 16, 0, 0xffff, &id))
                *field = (uint16_t) id;
}

/* One of "A|B", each a BDF? Then all go to *ret. */
static bool all_bdfs(const char *value, char **ret) {
        g_auto(GStrv) parts = g_strsplit(value, "|", 32);
        g_autofree char *list = NULL;

        for (char **part = parts; *part; part++) {
                g_autofree char *bdf = NULL;
                const char *text = g_str_has_prefix(*part, "pci-") ? *part + strlen("pci-") : *part;
                if (!bdf_pattern(text, strlen(text), &bdf))
                        return false;
                add_alternative(&list, bdf);
        }
        if (!list)
                return false;
        g_free(*ret);
        *ret = g_steal_pointer(&list);
        return true;
}

static void rule_match(Rule *rule, const Token *token) {
        static const char *const names[] = {"INTERFACE", "ID_NET_NAME", "ID_NET_NAME_PATH", "ID_NET_NAME_SLOT", "ID_NET_NAME_ONBOARD",
                                            NULL};
        const char *key = token->key, *attr = token->attr ? token->attr : "", *value = token->value;
        const char *leaf = strrchr(attr, '/') ? strrchr(attr, '/') + 1 : attr;

        if (g_str_equal(key, "ACTION")) {
                set_text(&rule->action, value);
        } else if (g_str_equal(key, "KERNEL") || g_str_equal(key, "KERNELS")) {
                if (!all_bdfs(value, &rule->bdf) && g_str_equal(key, "KERNEL") && !g_str_equal(value, "*"))
                        set_text(&rule->netdev, value);
        } else if (g_str_equal(key, "NAME")) {
                set_text(&rule->netdev, value);
        } else if (g_str_equal(key, "DRIVER") || g_str_equal(key, "DRIVERS")) {
                if (*value && !g_str_equal(value, "?*"))
                        set_text(&rule->driver, value);
        } else if (g_str_equal(key, "ATTR") || g_str_equal(key, "ATTRS")) {
                if (g_str_equal(leaf, "address"))
                        (void) parse_mac(value, rule->mac);
                else if (g_str_equal(leaf, "vendor"))
                        set_id(&rule->vendor, value);
                else if (g_str_equal(leaf, "device"))
                        set_id(&rule->device, value);
        } else if (g_str_equal(key, "ENV")) {
                if (g_strv_contains(names, attr))
                        set_text(&rule->netdev, value);
                else if (g_str_equal(attr, "ID_NET_DRIVER"))
                        set_text(&rule->driver, value);
                else if (g_str_equal(attr, "ID_PATH") || g_str_equal(attr, "PCI_SLOT_NAME"))
                        (void) all_bdfs(value, &rule->bdf);
        }
}

/* Whether rule_match() has weighed this match. The kinds of events say when, not of which device. */
static bool is_weighed(const Rule *rule, const Token *token) {
        static const char *const said[] = {"ACTION", "SUBSYSTEM", "SUBSYSTEMS", "DRIVER", "DRIVERS", "NAME", NULL};
        static const char *const attrs[] = {"address", "vendor", "device", "sriov_numvfs", "sriov_totalvfs", "sriov_drivers_autoprobe", NULL};
        static const char *const env[] = {"INTERFACE", "ID_NET_NAME", "ID_NET_NAME_PATH", "ID_NET_NAME_SLOT", "ID_NET_NAME_ONBOARD",
                                          "ID_NET_DRIVER", "ID_PATH", "PCI_SLOT_NAME", NULL};
        const char *attr = token->attr ? token->attr : "", *leaf = strrchr(attr, '/') ? strrchr(attr, '/') + 1 : attr;

        if (token->differs)
                return false;
        if (g_str_equal(token->key, "KERNEL") || g_str_equal(token->key, "KERNELS"))
                return g_str_equal(token->key, "KERNEL") || rule->bdf;
        if (g_str_equal(token->key, "ATTR") || g_str_equal(token->key, "ATTRS"))
                return g_strv_contains(attrs, leaf);
        return g_str_equal(token->key, "ENV") ? g_strv_contains(env, attr) : g_strv_contains(said, token->key);
}

static char *token_name(const Token *token) {
        return token->attr ? g_strdup_printf("%s{%s}", token->key, token->attr) : g_strdup(token->key);
}

/* What of the rule vfadm has no word for, or does not weigh. */
static void rule_rest(Rule *rule, const Token *token) {
        const char *attr = token->attr ? token->attr : "";
        g_autofree char *name = token_name(token);

        if (token->match || token->differs) {
                if (!is_weighed(rule, token))
                        more_add(&rule->condition, name);
                return;
        }
        bool run = g_str_equal(token->key, "RUN") || g_str_equal(token->key, "PROGRAM");
        g_autofree char *stranger = run ? shell_stranger(token->value) : NULL;
        bool known = g_str_equal(token->key, "ATTR") && (g_str_has_suffix(attr, "sriov_numvfs") || g_str_has_suffix(attr, "driver_override") ||
                                                          g_str_has_suffix(attr, "sriov_drivers_autoprobe"));
        if (stranger || (!run && !known))
                more_add(&rule->more, stranger ? stranger : name);
}

static void rule_apply(const Rule *rule, Mechanism *m) {
        if (rule->more && !m->more)
                m->more = g_strdup(rule->more);
        if (rule->condition) {
                m->traits |= TRAIT_CONDITION;
                g_free(m->more);
                m->more = g_strdup(rule->condition);
        }
        if (!m->netdev && !m->bdf) {
                m->netdev = g_strdup(rule->netdev);
                m->bdf = g_strdup(rule->bdf);
                memcpy(m->mac, rule->mac, sizeof m->mac);
        }
        if (!m->driver)
                m->driver = g_strdup(rule->driver);
        m->vendor = rule->vendor;
        m->device = rule->device;
}

/* Renaming an interface sends "move", and what the rules set at "add" is forgotten then (field-facts, pain 10). */
static bool lacks_move(const Rule *rule) {
        return rule->action && strstr(rule->action, "add") && !strstr(rule->action, "move") && !strchr(rule->action, '*');
}

static void rule_effect(Setup *setup, const char *path, unsigned line, const Rule *rule, const Token *token, const char *text,
                        bool vendor) {
        const char *attr = token->attr ? token->attr : "";
        unsigned first = setup->mechanisms->len;
        Mechanism *m = NULL;

        if (g_str_equal(token->key, "ATTR") && g_str_has_suffix(attr, "sriov_numvfs")) {
                m = mechanism_add(setup, MECH_UDEV, path, line, SETS_NUMVFS, text);
                if (m)
                        m->num_vfs = count_parse(token->value);
        } else if (g_str_equal(token->key, "ATTR") && g_str_has_suffix(attr, "sriov_drivers_autoprobe")) {
                m = mechanism_add(setup, MECH_UDEV, path, line, SETS_AUTOPROBE, text);
                bool on;
                if (m && parse_on_off(token->value, &on))
                        m->autoprobe = on;
        } else if (g_str_equal(token->key, "ATTR") && g_str_has_suffix(attr, "driver_override")) {
                m = mechanism_add(setup, MECH_UDEV, path, line, SETS_DRIVER, text);
                if (m && name_ok(token->value, strlen(token->value)))
                        m->to_driver = g_strdup(token->value);
        } else if (g_str_equal(token->key, "ENV") && !vendor &&
                   (g_str_equal(attr, "NM_UNMANAGED") || g_str_equal(attr, "ID_NET_MANAGED_BY"))) {
                bool managed = g_str_equal(token->value, "0") || g_str_equal(token->value, "io.systemd.Network");
                m = mechanism_add(setup, MECH_UDEV, path, line, managed ? SETS_MANAGED : SETS_UNMANAGED, text);
                if (m && lacks_move(rule))
                        m->traits |= TRAIT_NO_MOVE;
        } else if (g_str_equal(token->key, "RUN") || g_str_equal(token->key, "PROGRAM")) {
                (void) shell_line_parse(setup, MECH_UDEV, path, line, token->value, true, NULL);
                drop_zeros(setup, first);
        }
        for (unsigned i = first; i < setup->mechanisms->len; i++)
                rule_apply(rule, setup->mechanisms->pdata[i]);
}

static void rule_parse(Setup *setup, const char *path, unsigned line, const char *text, bool vendor) {
        g_autoptr(GArray) tokens = g_array_new(FALSE, TRUE, sizeof(Token));
        Rule rule = {0};
        Token token = {0};

        g_array_set_clear_func(tokens, (GDestroyNotify) token_clear);
        const char *at = text;
        for (; tokens->len < TOKENS_MAX && token_next(&at, &token); token = (Token) {0})
                g_array_append_val(tokens, token);
        token_clear(&token);
        if (at[strspn(at, " \t,")])
                more_add(&rule.more, at + strspn(at, " \t,"));
        for (unsigned i = 0; i < tokens->len; i++)
                if (g_array_index(tokens, Token, i).match)
                        rule_match(&rule, &g_array_index(tokens, Token, i));
        for (unsigned i = 0; i < tokens->len; i++)
                rule_rest(&rule, &g_array_index(tokens, Token, i));
        for (unsigned i = 0; i < tokens->len; i++)
                if (g_array_index(tokens, Token, i).assigns)
                        rule_effect(setup, path, line, &rule, &g_array_index(tokens, Token, i), text, vendor);
        rule_clear(&rule);
}

void udev_parse(Setup *setup, const char *path, const char *bytes, size_t length, bool vendor) {
        static const char *const words[] = {"sriov_numvfs", "driver_override", "sriov_drivers_autoprobe", "NM_UNMANAGED", "ID_NET_MANAGED_BY", "vfadm enable",
                                            " vf "};
        g_auto(Lines) lines = lines_begin(bytes, length, true);

        while (lines_next(&lines)) {
                bool wanted = false;
                for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
                        wanted |= strstr(lines.text->str, words[i]) != NULL;
                if (wanted && lines.text->str[0] != '#')
                        rule_parse(setup, path, lines.number, lines.text->str, vendor);
        }
}
