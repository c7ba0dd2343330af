/* NetworkManager: profiles with SR-IOV settings, what it is told to leave alone, and the ifcfg files of old. */
#include "host/mechanisms.h"

#include "base/parse.h"

#include <string.h>

/* ---- profiles: nm-settings-keyfile(5) ---- */

typedef struct {
        char *netdev, *driver, *bdf;
        uint8_t mac[6];
        bool autoconnect;
        unsigned line;      /* of [sriov]; 0: there is none */
        int64_t total;
        bool keeps;
        bool sets_vfs;
        int autoprobe;
        GArray *vfs;        /* MechanismVf */
        char *more;         /* of [sriov], what vfadm has no word for */
} Profile;

static void profile_clear(Profile *profile) {
        g_free(profile->netdev);
        g_free(profile->driver);
        g_free(profile->bdf);
        g_free(profile->more);
        g_clear_pointer(&profile->vfs, g_array_unref);
}

static void set_name(char **field, const char *value) {
        if (!name_ok(value, strlen(value)))
                return;
        g_free(*field);
        *field = g_strdup(value);
}

/* "pci-0000:01:00.0;pci-…": a list of GKeyFile. */
static void match_paths(Profile *profile, const char *value) {
        g_auto(GStrv) words = g_strsplit_set(value, "; ", 32);
        for (char **word = words; *word; word++) {
                g_autofree char *bdf = NULL;
                if (g_str_has_prefix(*word, "pci-") && bdf_pattern(*word + 4, strlen(*word + 4), &bdf))
                        add_alternative(&profile->bdf, bdf);
        }
}

static void match_names(char **field, const char *value) {
        g_auto(GStrv) words = g_strsplit_set(value, "; ", 32);
        for (char **word = words; *word; word++)
                if (**word && !strchr("!&|", **word) && name_ok(*word, strlen(*word)))
                        add_alternative(field, *word);
}

/* "vf.3=mac=…": the rest of [sriov] is about the card as a whole. */
static void sriov_key(Profile *profile, const char *key, const char *value) {
        bool on;

        if (g_str_equal(key, "total-vfs")) {
                profile->total = count_parse(value);
        } else if (g_str_equal(key, "preserve-on-down")) {
                profile->keeps = g_str_equal(value, "1");
        } else if (g_str_equal(key, "autoprobe-drivers")) {
                if (parse_on_off(value, &on)) /* -1: as the host has it */
                        profile->autoprobe = on;
        } else if (g_str_has_prefix(key, "vf")) {
                int64_t index = g_str_has_prefix(key, "vf.") ? count_parse(key + strlen("vf.")) : -1;
                MechanismVf *vf = index >= 0 ? vfs_entry(&profile->vfs, (unsigned) index) : NULL;
                profile->sets_vfs = true;
                if (vf)
                        nm_vf_parse(&vf->vf, value, &profile->more);
                else
                        more_add(&profile->more, key);
        } else if (!g_str_equal(value, "-1") && !g_str_equal(value, "preserve")) {
                more_add(&profile->more, key);
        }
}

static void profile_key(Profile *profile, const char *section, const char *key, const char *value) {
        if (g_str_equal(section, "connection")) {
                if (g_str_equal(key, "interface-name"))
                        set_name(&profile->netdev, value);
                else if (g_str_equal(key, "autoconnect"))
                        (void) parse_on_off(value, &profile->autoconnect);
        } else if (g_str_equal(section, "match")) {
                if (g_str_equal(key, "path"))
                        match_paths(profile, value);
                else if (g_str_equal(key, "driver"))
                        match_names(&profile->driver, value);
                else if (g_str_equal(key, "interface-name") && !profile->netdev)
                        match_names(&profile->netdev, value);
        } else if (g_str_equal(section, "ethernet") || g_str_equal(section, "802-3-ethernet")) {
                if (g_str_equal(key, "mac-address"))
                        (void) parse_mac(value, profile->mac);
        } else if (g_str_equal(section, "sriov")) {
                sriov_key(profile, key, value);
        }
}

static void profile_apply(const Profile *profile, Mechanism *m) {
        m->netdev = g_strdup(profile->netdev);
        m->driver = g_strdup(profile->driver);
        m->bdf = g_strdup(profile->bdf);
        memcpy(m->mac, profile->mac, sizeof m->mac);
        m->active = profile->autoconnect;
        m->num_vfs = profile->total;
        m->autoprobe = profile->autoprobe;
        m->vfs = profile->vfs ? g_array_ref(profile->vfs) : NULL;
        m->more = g_strdup(profile->more);
}

void nm_profile_parse(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(Ini) ini = ini_begin(bytes, length);
        Profile profile = {.autoconnect = true, .autoprobe = -1};

        while (ini_next(&ini)) {
                if (ini.begins && g_str_equal(ini.section, "sriov") && !profile.line)
                        profile.line = ini.lines.number;
                else if (!ini.begins)
                        profile_key(&profile, ini.section, ini.key, ini.value);
        }
        if (profile.line) {
                /* The setting as such makes NetworkManager write the count, be it 0 (field-facts 28). */
                g_autofree char *text = g_strdup_printf("[sriov] total-vfs=%d", (int) profile.total);
                unsigned sets = SETS_NUMVFS | (profile.sets_vfs ? SETS_VF_STATE : 0) | (profile.autoprobe >= 0 ? SETS_AUTOPROBE : 0);
                Mechanism *m = mechanism_add(setup, MECH_NM, path, profile.line, sets, text);
                if (m) {
                        profile_apply(&profile, m);
                        m->traits = profile.keeps ? TRAIT_KEEPS : 0;
                }
        }
        profile_clear(&profile);
}

/* ---- NetworkManager.conf(5) ---- */

/* "interface-name:enp1s0v*;driver:iavf;mac:…;*", each an alternative of its own. */
static void device_list(Setup *setup, const char *path, unsigned line, unsigned sets, int64_t num_vfs, const char *value) {
        g_auto(GStrv) words = g_strsplit_set(value, ";, ", 64);

        for (char **word = words; *word; word++) {
                const char *colon = strchr(*word, ':'), *what = colon ? colon + 1 : *word;
                bool mac = g_str_has_prefix(*word, "mac:"), driver = g_str_has_prefix(*word, "driver:");
                bool name = g_str_has_prefix(*word, "interface-name:");
                uint8_t address[6];
                if (what[0] == '=' || what[0] == '~') /* "=" is an exact name, "~" a pattern */
                        what++;
                bool fits = mac ? parse_mac(what, address) : (name || driver || g_str_equal(*word, "*")) && name_ok(what, strlen(what));
                Mechanism *m = fits ? mechanism_add(setup, MECH_NM, path, line, sets, value) : NULL;
                if (!m)
                        continue;
                m->num_vfs = num_vfs;
                if (mac)
                        memcpy(m->mac, address, sizeof m->mac);
                else if (driver)
                        m->driver = g_strdup(what);
                else
                        m->netdev = g_strdup(what);
        }
}

void nm_conf_parse(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(Ini) ini = ini_begin(bytes, length);
        g_autofree char *match = g_strdup("*");
        int64_t count = -1;
        unsigned count_line = 0, managed_line = 0;

        for (bool more = true; more;) {
                more = ini_next(&ini);
                if (!more || ini.begins) {
                        if (count_line)
                                device_list(setup, path, count_line, SETS_NUMVFS, count, match);
                        if (managed_line)
                                device_list(setup, path, managed_line, SETS_UNMANAGED, -1, match);
                        count_line = managed_line = 0;
                        g_free(match);
                        match = g_strdup("*");
                } else if (g_str_equal(ini.section, "keyfile") && g_str_equal(ini.key, "unmanaged-devices")) {
                        device_list(setup, path, ini.lines.number, SETS_UNMANAGED, -1, ini.value);
                } else if (g_str_has_prefix(ini.section, "device")) {
                        if (g_str_equal(ini.key, "match-device")) {
                                g_free(match);
                                match = g_strdup(ini.value);
                        } else if (g_str_equal(ini.key, "sriov-num-vfs") && (count = count_parse(ini.value)) >= 0) {
                                count_line = ini.lines.number;
                        } else if (g_str_equal(ini.key, "managed") &&
                                   (g_str_equal(ini.value, "0") || g_str_equal(ini.value, "false") || g_str_equal(ini.value, "no"))) {
                                managed_line = ini.lines.number;
                        }
                }
        }
}

/* ---- etc/sysconfig/network-scripts/ifcfg-*: nm-settings-ifcfg-rh(5) ---- */

void ifcfg_parse(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(Ini) ini = ini_begin(bytes, length);
        Profile profile = {.autoconnect = true, .total = -1, .autoprobe = -1};

        while (ini_next(&ini)) {
                if (ini.begins)
                        continue;
                g_autofree char *value = g_strdup(ini.value);
                g_strdelimit(value, "\"'", ' ');
                g_strstrip(value);
                if (g_str_equal(ini.key, "DEVICE")) {
                        set_name(&profile.netdev, value);
                } else if (g_str_equal(ini.key, "HWADDR")) {
                        (void) parse_mac(value, profile.mac);
                } else if (g_str_equal(ini.key, "ONBOOT")) {
                        (void) parse_on_off(value, &profile.autoconnect);
                } else if (g_str_equal(ini.key, "SRIOV_TOTAL_VFS")) {
                        profile.total = count_parse(value);
                        profile.line = ini.lines.number;
                } else if (g_str_has_prefix(ini.key, "SRIOV_VF")) {
                        profile.sets_vfs = true;
                        int64_t index = count_parse(ini.key + strlen("SRIOV_VF"));
                        MechanismVf *vf = index >= 0 ? vfs_entry(&profile.vfs, (unsigned) index) : NULL;
                        if (vf)
                                nm_vf_parse(&vf->vf, value, &profile.more);
                        else
                                more_add(&profile.more, ini.key);
                }
        }
        if (profile.line) {
                g_autofree char *text = g_strdup_printf("SRIOV_TOTAL_VFS=%d", (int) profile.total);
                Mechanism *m = mechanism_add(setup, MECH_NM, path, profile.line,
                                             SETS_NUMVFS | (profile.sets_vfs ? SETS_VF_STATE : 0), text);
                if (m)
                        profile_apply(&profile, m);
        }
        profile_clear(&profile);
}
