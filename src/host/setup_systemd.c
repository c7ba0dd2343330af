/* systemd's files: .link and .network of an interface, tmpfiles.d, services. */
#include "host/mechanisms.h"

#include "base/parse.h"

#include <string.h>

#define MACS_MAX 16u

/* ---- [Match] of .link and .network ---- */

void unit_match_clear(UnitMatch *match) {
        g_clear_pointer(&match->netdev, g_free);
        g_clear_pointer(&match->bdf, g_free);
        g_clear_pointer(&match->driver, g_free);
        g_clear_pointer(&match->macs, g_array_unref);
}

/* A list parted by blanks; "!" before it turns it round, which says nothing of which device is meant. */
static void match_key(UnitMatch *match, const char *key, const char *value) {
        g_auto(GStrv) words = g_strsplit_set(value, " \t", 64);

        if (*value == '!')
                return;
        for (char **word = words; *word; word++) {
                uint8_t mac[6];
                g_autofree char *bdf = NULL;
                const char *path = g_str_has_prefix(*word, "pci-") ? *word + strlen("pci-") : *word;
                if (g_str_equal(key, "Name") || g_str_equal(key, "OriginalName")) {
                        add_alternative(&match->netdev, *word);
                } else if (g_str_equal(key, "Driver")) {
                        add_alternative(&match->driver, *word);
                } else if (g_str_equal(key, "Path") && bdf_pattern(path, strlen(path), &bdf)) {
                        add_alternative(&match->bdf, bdf);
                } else if ((g_str_equal(key, "MACAddress") || g_str_equal(key, "PermanentMACAddress")) && parse_mac(*word, mac)) {
                        if (!match->macs)
                                match->macs = g_array_new(FALSE, TRUE, sizeof mac);
                        if (match->macs->len < MACS_MAX)
                                g_array_append_val(match->macs, mac);
                }
        }
        if (g_str_equal(key, "Kind") || (g_str_equal(key, "Type") && !strstr(value, "ether")) ||
            (g_str_equal(key, "Virtualization") && g_str_has_prefix(value, "container")))
                match->virtual_only = true;
}

/* A mechanism for each MAC, since one has room for one. */
static void add_matched(Setup *setup, const Mechanism *like, const UnitMatch *match, const char *text) {
        unsigned n = match->macs ? match->macs->len : 0;

        for (unsigned i = 0; i < MAX(n, 1); i++) {
                Mechanism *m = mechanism_add(setup, like->kind, like->path, like->line, like->sets, text);
                if (!m)
                        return;
                m->traits = like->traits;
                m->num_vfs = like->num_vfs;
                m->active = like->active;
                /* Name=* is "all": no criterion at all would mean "not said". */
                m->netdev = g_strdup(match->netdev);
                m->bdf = g_strdup(match->bdf);
                m->driver = g_strdup(match->driver);
                if (n)
                        memcpy(m->mac, match->macs->data + (size_t) i * 6, 6);
                m->vfs = like->vfs ? g_array_copy(like->vfs) : NULL;
                m->more = g_strdup(like->more);
        }
}

/* ---- [SR-IOV] ---- */

typedef struct {
        unsigned line;       /* of the section's head; 0: none is open */
        unsigned first_line; /* of the first such section */
        bool sets;           /* the open one sets something */
        bool any_sets;
        unsigned empty_line; /* of the first that sets nothing */
        int64_t highest;     /* VirtualFunction= */
        int64_t index;       /* of the open one; -1: not told yet */
        VfState open;        /* what the open one has said so far */
        GArray *vfs;         /* MechanismVf */
        char *more;          /* what vfadm has no word for */
} Sections;

static void sections_clear(Sections *sections) {
        g_clear_pointer(&sections->vfs, g_array_unref);
        g_clear_pointer(&sections->more, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sections, sections_clear)

static void section_end(Sections *sections) {
        if (sections->line && !sections->sets && !sections->empty_line)
                sections->empty_line = sections->line;
        MechanismVf *vf = sections->line && sections->sets && sections->index >= 0 ? vfs_entry(&sections->vfs, (unsigned) sections->index) : NULL;
        if (vf)
                vf_state_copy(&vf->vf, &sections->open, sections->open.known);
        else if (sections->sets)
                more_add(&sections->more, "a section without VirtualFunction=");
        sections->line = 0;
        sections->index = -1;
        sections->open = (VfState) {0};
        sections->sets = false;
}

static void section_key(Sections *sections, const char *key, const char *value) {
        if (g_str_equal(key, "VirtualFunction")) {
                sections->index = count_parse(value);
                sections->highest = MAX(sections->highest, sections->index);
        } else if (*value) {
                sections->sets = true;
                sections->any_sets = true;
                if (!sriov_key_parse(&sections->open, key, value))
                        more_add(&sections->more, key);
        }
}

static void sections_add(Setup *setup, MechanismKind kind, const char *path, const Sections *sections, const UnitMatch *match,
                         bool active) {
        Mechanism like = {.kind = kind, .path = (char *) path, .num_vfs = -1, .active = active};

        if (sections->any_sets) {
                like.line = sections->first_line;
                like.sets = SETS_VF_STATE;
                like.vfs = sections->vfs;
                like.more = sections->more;
                add_matched(setup, &like, match, "[SR-IOV]");
                like.vfs = NULL;
                like.more = NULL;
        }
        if (sections->empty_line) {
                like.line = sections->empty_line;
                like.sets = 0;
                like.traits = TRAIT_EMPTY;
                add_matched(setup, &like, match, "[SR-IOV]");
        }
}

static bool ini_is_sriov(Ini *ini, Sections *sections) {
        if (ini->begins) {
                section_end(sections);
                if (g_str_equal(ini->section, "SR-IOV")) {
                        sections->line = ini->lines.number;
                        if (!sections->first_line)
                                sections->first_line = ini->lines.number;
                }
                return true;
        }
        if (!g_str_equal(ini->section, "SR-IOV"))
                return false;
        section_key(sections, ini->key, ini->value);
        return true;
}

/* systemd.link(5): the count, where it is not told, follows from the highest VirtualFunction=. udev takes the first file that
 * fits, by name, and 99-default.link fits all. */
void link_parse(Setup *setup, const char *path, const char *bytes, size_t length, UnitMatch *match) {
        g_auto(Ini) ini = ini_begin(bytes, length);
        g_auto(Sections) sections = {.highest = -1, .index = -1};
        Mechanism like = {.kind = MECH_LINK, .path = (char *) path, .sets = SETS_NUMVFS, .num_vfs = -1, .active = true};
        g_autofree char *text = NULL;

        while (ini_next(&ini)) {
                if (ini_is_sriov(&ini, &sections))
                        continue;
                if (g_str_equal(ini.section, "Match")) {
                        match_key(match, ini.key, ini.value);
                } else if (g_str_equal(ini.section, "Link") && g_str_equal(ini.key, "SR-IOVVirtualFunctions")) {
                        like.line = ini.lines.number;
                        like.num_vfs = count_parse(ini.value);
                        g_free(text);
                        text = g_strdup_printf("SR-IOVVirtualFunctions=%s", ini.value);
                }
        }
        section_end(&sections);
        if (!like.line && sections.highest >= 0) {
                like.line = sections.first_line;
                like.num_vfs = sections.highest + 1;
        }
        g_autofree char *name = g_path_get_basename(path);
        bool shadowed = strcmp(name, "99-default.link") > 0 && g_str_has_suffix(name, ".link");
        unsigned first = setup->mechanisms->len;
        if (like.line)
                add_matched(setup, &like, match, text ? text : "[SR-IOV]");
        sections_add(setup, MECH_LINK, path, &sections, match, true);
        for (unsigned i = first; shadowed && i < setup->mechanisms->len; i++) {
                Mechanism *m = setup->mechanisms->pdata[i];
                m->traits |= TRAIT_SHADOWED;
                m->active = false;
        }
}

void network_parse(Setup *setup, const char *path, const char *bytes, size_t length, UnitMatch *match, bool active) {
        g_auto(Ini) ini = ini_begin(bytes, length);
        g_auto(Sections) sections = {.highest = -1, .index = -1};
        Mechanism dhcp = {.kind = MECH_NETWORK, .path = (char *) path, .sets = SETS_MANAGED, .num_vfs = -1, .active = active};
        Mechanism off = dhcp;
        bool on = false;
        g_autofree char *text = NULL;

        while (ini_next(&ini)) {
                if (ini_is_sriov(&ini, &sections))
                        continue;
                if (g_str_equal(ini.section, "Match")) {
                        match_key(match, ini.key, ini.value);
                } else if (g_str_equal(ini.section, "Network") && g_str_equal(ini.key, "DHCP")) {
                        on = parse_on_off(ini.value, &on) ? on : g_str_has_prefix(ini.value, "ipv");
                        dhcp.line = ini.lines.number;
                        g_free(text);
                        text = g_strdup_printf("DHCP=%s", ini.value);
                } else if (g_str_equal(ini.section, "Link") && g_str_equal(ini.key, "Unmanaged") &&
                           (g_str_equal(ini.value, "yes") || g_str_equal(ini.value, "true"))) {
                        off.line = ini.lines.number;
                }
        }
        section_end(&sections);
        sections_add(setup, MECH_NETWORK, path, &sections, match, active);
        if (off.line) {
                off.sets = SETS_UNMANAGED;
                add_matched(setup, &off, match, "Unmanaged=yes");
        } else if (on && !match->virtual_only) {
                add_matched(setup, &dhcp, match, text);
        }
}

/* ---- tmpfiles.d ---- */

/* tmpfiles.d(5): "w /sys/…/sriov_numvfs - - - - 7". */
void tmpfiles_parse(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(Lines) lines = lines_begin(bytes, length, false);

        while (lines_next(&lines)) {
                char *text = lines.text->str;
                if (text[0] != 'w' || !strstr(text, "/sys/"))
                        continue;
                g_auto(GStrv) words = g_strsplit_set(text, " \t", 64);
                const char *fields[7] = {0};
                unsigned n = 0;
                for (char **word = words; *word && n < 7; word++)
                        if (**word)
                                fields[n++] = *word;
                if (n < 7)
                        continue;
                bool count = g_str_has_suffix(fields[1], "/sriov_numvfs");
                if (!count && !g_str_has_suffix(fields[1], "/driver_override"))
                        continue;
                Mechanism *m = mechanism_add(setup, MECH_TMPFILES, path, lines.number, count ? SETS_NUMVFS : SETS_DRIVER, text);
                if (!m)
                        return;
                g_auto(AttrWrite) target = {0};
                attr_path_parse(fields[1], strlen(fields[1]), &target);
                m->netdev = g_steal_pointer(&target.netdev);
                m->bdf = g_steal_pointer(&target.bdf);
                m->driver = g_steal_pointer(&target.driver);
                if (count)
                        m->num_vfs = count_parse(fields[6]);
                else if (name_ok(fields[6], strlen(fields[6])))
                        m->to_driver = g_strdup(fields[6]);
        }
}

/* ---- services ---- */

/* The scripts of the administrator that a line starts, be it by a shell: what a package brought is not looked into. */
static void add_scripts(const char *line, GPtrArray *scripts) {
        static const char *const folders[] = {"/usr/local/", "/opt/", "/root/", "/etc/", "/srv/"};
        g_auto(GStrv) words = g_strsplit_set(line, " \t\"'", 64);

        for (char **word = words; *word && scripts->len < 64; word++) {
                const char *at = *word + strspn(*word, "@-:+!|");
                bool wanted = false;
                for (size_t i = 0; i < G_N_ELEMENTS(folders); i++)
                        wanted |= g_str_has_prefix(at, folders[i]);
                if (wanted && !strstr(at, "..") && !strchr(at, '%') && !strchr(at, '$') && !strchr(at, '*') && strlen(at) < 256 &&
                    !g_ptr_array_find_with_equal_func(scripts, at + 1, g_str_equal, NULL))
                        g_ptr_array_add(scripts, g_strdup(at + 1));
        }
}

void unit_parse(Setup *setup, const char *path, const char *bytes, size_t length, bool active, GPtrArray *scripts) {
        g_auto(Ini) ini = ini_begin(bytes, length);
        unsigned first = setup->mechanisms->len;

        while (ini_next(&ini)) {
                if (ini.begins || !g_str_equal(ini.section, "Service") || !g_str_has_prefix(ini.key, "Exec") ||
                    g_str_has_prefix(ini.key, "ExecStop") || g_str_equal(ini.key, "ExecCondition"))
                        continue;
                if (!shell_line_parse(setup, MECH_UNIT, path, ini.lines.number, ini.value, active, NULL) && scripts)
                        add_scripts(ini.value, scripts);
        }
        drop_zeros(setup, first);
}
