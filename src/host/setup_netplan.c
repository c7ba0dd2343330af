/* netplan's YAML, as far as SR-IOV goes, by its lines and their indents: no anchors, no flow style. */
#include "host/mechanisms.h"

#include "base/parse.h"

#include <string.h>

/* One interface below "ethernets:". */
typedef struct {
        unsigned indent;
        unsigned count_line; /* 0: no count is told */
        char *name, *match_name, *driver, *link;
        uint8_t mac[6];
        int64_t count;
        unsigned link_line;
} Block;

typedef struct {
        Setup *setup;
        const char *path;
        Block block;
        bool open;
        int ethernets; /* indent of "ethernets:", or -1 */
        int match;     /* indent of the interface's "match:", or -1 */
} Netplan;

static void block_end(Netplan *plan) {
        Block *b = &plan->block;
        Mechanism *m = NULL;

        if (plan->open && b->count_line) {
                g_autofree char *text = g_strdup_printf("%s: virtual-function-count: %d", b->name, (int) b->count);
                m = mechanism_add(plan->setup, MECH_NETPLAN, plan->path, b->count_line, SETS_NUMVFS, text);
        }
        if (m) {
                m->num_vfs = b->count;
                m->driver = g_strdup(b->driver);
                memcpy(m->mac, b->mac, sizeof m->mac);
                bool matched = b->driver || b->match_name || memcmp(b->mac, (const uint8_t[6]) {0}, 6) != 0;
                m->netdev = g_strdup(matched ? b->match_name : b->name);
        }
        /* A VF by "link: PF": netplan makes as many as there are such definitions, and sets what they say. */
        if (plan->open && b->link_line) {
                g_autofree char *text = g_strdup_printf("%s: link: %s", b->name, b->link);
                m = mechanism_add(plan->setup, MECH_NETPLAN, plan->path, b->link_line, SETS_NUMVFS, text);
                if (m)
                        m->netdev = g_strdup(b->link);
        }
        g_free(b->name);
        g_free(b->match_name);
        g_free(b->driver);
        g_free(b->link);
        *b = (Block) {0};
        plan->open = false;
        plan->match = -1;
}

/* "key: value" with quotes and comments off; false when it is none. */
static bool split(char *text, const char **key, const char **value) {
        char *hash = strstr(text, " #"), *colon;

        if (hash)
                *hash = 0;
        colon = strchr(text, ':');
        /* A MAC as a key or in a list has no blank behind its colons. */
        while (colon && colon[1] && !g_ascii_isspace(colon[1]))
                colon = strchr(colon + 1, ':');
        if (!colon || text[0] == '#' || text[0] == '-')
                return false;
        *colon = 0;
        char *rest = g_strstrip(colon + 1);
        size_t n = strlen(rest);
        if (n >= 2 && (rest[0] == '"' || rest[0] == '\'') && rest[n - 1] == rest[0]) {
                rest[n - 1] = 0;
                rest++;
        }
        char *name = g_strdelimit(text, "\"'", ' ');
        *key = g_strstrip(name);
        *value = rest;
        return true;
}

static void set_once(char **field, const char *value) {
        if (!*field && name_ok(value, strlen(value)))
                *field = g_strdup(value);
}

static void block_key(Netplan *plan, unsigned line, int indent, const char *key, const char *value) {
        Block *b = &plan->block;

        if (plan->match >= 0 && indent <= plan->match)
                plan->match = -1;
        if (plan->match >= 0) {
                if (g_str_equal(key, "name"))
                        set_once(&b->match_name, value);
                else if (g_str_equal(key, "driver"))
                        set_once(&b->driver, value);
                else if (g_str_equal(key, "macaddress"))
                        (void) parse_mac(value, b->mac);
        } else if (g_str_equal(key, "match")) {
                plan->match = indent;
        } else if (g_str_equal(key, "virtual-function-count")) {
                b->count = count_parse(value);
                b->count_line = line;
        } else if (g_str_equal(key, "link") && name_ok(value, strlen(value))) {
                set_once(&b->link, value);
                b->link_line = line;
        }
}

void netplan_parse(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(Lines) lines = lines_begin(bytes, length, false);
        Netplan plan = {.setup = setup, .path = path, .ethernets = -1, .match = -1};

        while (lines_next(&lines)) {
                const char *key, *value;
                int indent = (int) MIN(lines.indent, 4096);
                if (!split(lines.text->str, &key, &value))
                        continue;
                if (plan.open && indent <= (int) plan.block.indent)
                        block_end(&plan);
                if (plan.ethernets >= 0 && indent <= plan.ethernets)
                        plan.ethernets = -1;
                if (plan.ethernets < 0 && g_str_equal(key, "ethernets")) {
                        plan.ethernets = indent;
                } else if (plan.ethernets >= 0 && !plan.open) {
                        if (!name_ok(key, strlen(key)))
                                continue;
                        plan.open = true;
                        plan.block = (Block) {.indent = (unsigned) indent, .name = g_strdup(key), .count = -1};
                } else if (plan.open) {
                        block_key(&plan, lines.number, indent, key, value);
                }
        }
        block_end(&plan);
}
