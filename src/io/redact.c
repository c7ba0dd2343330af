/* What of configuration files and scripts a record may keep. */
#include "io/redact.h"

#include <stdbool.h>
#include <string.h>

/* What is kept of one line (without its newline), or NULL for nothing; a new text. `state` lives through one file. */
typedef struct {
        char *section;
        int ethernets; /* netplan: indent of "ethernets:", or -1 */
} State;
typedef char *(*KeepLine)(State *state, const char *line);

static const char *after_blanks(const char *line) {
        return line + strspn(line, " \t");
}

static bool has_any(const char *line, const char *const *words) {
        for (; *words; words++)
                if (strstr(line, *words))
                        return true;
        return false;
}

/* The words that a line must have to be about VFs at all. */
static const char *const vf_words[] = {"sriov_numvfs", "driver_override", "sriov_drivers_autoprobe", "vfadm enable", NULL};

static bool is_vf_line(const char *line) {
        return has_any(line, vf_words) || (strstr(line, "link set ") && strstr(line, " vf "));
}

/* A line may hold a command of another kind after ';', '&&' or '|' that is nobody's business; what is about VFs stays. */
static char *keep_commands(const char *line) {
        g_auto(GStrv) parts = g_strsplit_set(line, ";&", -1);
        g_autoptr(GString) kept = g_string_new(NULL);

        for (char **part = parts; *part; part++) {
                if (!is_vf_line(*part))
                        continue;
                if (kept->len)
                        g_string_append_c(kept, ';');
                g_string_append(kept, *part);
        }
        return g_strdup(kept->str);
}

static char *keep_script(State *state, const char *line) {
        const char *at = after_blanks(line);
        if (*at != '#' && is_vf_line(line))
                return keep_commands(line);
        /* ifupdown: which interface the lines below are about. */
        if (g_str_has_prefix(at, "iface ")) {
                at = after_blanks(at + strlen("iface "));
                return g_strdup_printf("iface %.*s", (int) strcspn(at, " \t"), at);
        }
        return NULL;
}

/* "[Section]", also when it ends in blanks. */
static bool is_head(const char *line) {
        size_t n = strlen(line);
        while (n && g_ascii_isspace(line[n - 1]))
                n--;
        return *line == '[' && n > 1 && line[n - 1] == ']';
}

static void enter_section(State *state, const char *line) {
        g_free(state->section);
        state->section = g_strndup(line + 1, strcspn(line + 1, "]"));
}

/* The key before '=', blanks cut off; NULL: there is none. */
static char *key_of(const char *line) {
        const char *equals = strchr(line, '=');
        return equals ? g_strstrip(g_strndup(line, (gsize) (equals - line))) : NULL;
}

static bool key_is(const char *line, const char *const *keys) {
        g_autofree char *key = key_of(after_blanks(line));
        return key && g_strv_contains(keys, key);
}

/* Of a command that a service runs: the program and the scripts, by their paths. */
static char *keep_exec(const char *line) {
        const char *equals = strchr(line, '=');
        g_autoptr(GString) kept = g_string_new_len(line, equals + 1 - line);
        g_auto(GStrv) words = g_strsplit_set(equals + 1, " \t\"'", 64);

        for (char **word = words; *word; word++) {
                const char *at = *word + strspn(*word, "@-:+!|");
                if (*at == '/' && strcspn(at, "=?&@") == strlen(at))
                        g_string_append_printf(kept, "%s%s", kept->str[kept->len - 1] == '=' ? "" : " ", at);
        }
        return g_strdup(kept->str);
}

static char *keep_unit(State *state, const char *line) {
        const char *at = after_blanks(line);

        if (is_head(at))
                return g_strdup(line);
        const char *equals = strchr(at, '=');
        if (!g_str_has_prefix(at, "Exec") || !equals)
                return NULL;
        if (!is_vf_line(at))
                return keep_exec(at);
        g_autofree char *commands = keep_commands(equals + 1);
        return g_strdup_printf("%.*s=%s", (int) (equals - at), at, commands);
}

static char *keep_networkd(State *state, const char *line) {
        static const char *const keys[] = {"Name", "OriginalName", "Driver", "Path", "MACAddress", "PermanentMACAddress", "Kind",
                                           "Type", "Virtualization", "SR-IOVVirtualFunctions", "DHCP", "Unmanaged",
                                           "VirtualFunction", "VLANId", "QualityOfService", "VLANProtocol", "MACSpoofCheck",
                                           "QueryReceiveSideScaling", "Trust", "LinkState", NULL};
        return is_head(after_blanks(line)) || key_is(line, keys) ? g_strdup(line) : NULL;
}

/* Profiles and NetworkManager.conf: few keys, each in its section. */
static char *keep_nm(State *state, const char *line) {
        static const char *const connection[] = {"id", "type", "interface-name", "autoconnect", NULL};
        static const char *const match[] = {"interface-name", "driver", "path", NULL};
        static const char *const ethernet[] = {"mac-address", NULL};
        static const char *const keyfile[] = {"unmanaged-devices", NULL};
        static const char *const device[] = {"match-device", "managed", "sriov-num-vfs", NULL};
        const char *at = after_blanks(line), *section;

        if (is_head(at)) {
                enter_section(state, at);
                return g_strdup(line);
        }
        section = state->section ? state->section : "";
        g_autofree char *key = key_of(at);
        bool sriov = g_str_equal(section, "sriov") && key &&
                     (g_str_has_prefix(key, "vf") || g_str_equal(key, "total-vfs") || g_str_equal(key, "preserve-on-down") ||
                      g_str_equal(key, "autoprobe-drivers") || g_str_has_prefix(key, "eswitch-"));
        bool wanted = sriov || (g_str_equal(section, "connection") && key_is(at, connection)) ||
                      (g_str_equal(section, "match") && key_is(at, match)) ||
                      ((g_str_equal(section, "ethernet") || g_str_equal(section, "802-3-ethernet")) && key_is(at, ethernet)) ||
                      (g_str_equal(section, "keyfile") && key_is(at, keyfile)) ||
                      (g_str_has_prefix(section, "device") && key_is(at, device));
        return wanted ? g_strdup(line) : NULL;
}

static char *keep_ifcfg(State *state, const char *line) {
        static const char *const keys[] = {"DEVICE", "HWADDR", "ONBOOT", "TYPE", NULL};
        return key_is(line, keys) || g_str_has_prefix(after_blanks(line), "SRIOV_") ? g_strdup(line) : NULL;
}

/* Below "ethernets:" the names of interfaces and the keys of SR-IOV; an access point's name is a key as well, but elsewhere. */
static char *keep_netplan(State *state, const char *line) {
        static const char *const keys[] = {"virtual-function-count", "link", "match", "name", "driver", "macaddress"};
        const char *at = after_blanks(line), *colon = strchr(at, ':');
        int indent = (int) MIN(strspn(line, " "), 4096);

        if (!colon || *at == '#')
                return NULL;
        if (state->ethernets >= 0 && indent <= state->ethernets)
                state->ethernets = -1;
        bool bare = *after_blanks(colon + 1) == 0;
        if (state->ethernets < 0) {
                if (bare && g_str_has_prefix(at, "ethernets:"))
                        state->ethernets = indent;
                return bare && (state->ethernets >= 0 || g_str_has_prefix(at, "network:")) ? g_strdup(line) : NULL;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                if ((size_t) (colon - at) == strlen(keys[i]) && strncmp(at, keys[i], strlen(keys[i])) == 0)
                        return g_strdup(line);
        return bare ? g_strdup(line) : NULL;
}

static char *keep_modprobe(State *state, const char *line) {
        const char *at = after_blanks(line);
        size_t n = strlen(at);

        while (n && g_ascii_isspace(at[n - 1]))
                n--;
        g_autofree char *text = g_strndup(at, n);
        bool nothing = g_str_has_suffix(text, "/true") || g_str_has_suffix(text, "/false");
        return g_str_has_prefix(at, "options") || g_str_has_prefix(at, "blacklist") || g_str_has_prefix(at, "softdep") ||
                               (g_str_has_prefix(at, "install") && nothing)
                       ? g_strdup(line)
                       : NULL;
}

static char *keep_udev(State *state, const char *line) {
        static const char *const words[] = {"NM_UNMANAGED", "ID_NET_MANAGED_BY", NULL};
        return *after_blanks(line) != '#' && (is_vf_line(line) || has_any(line, words)) ? g_strdup(line) : NULL;
}

/* libvirt writes one element a line. */
static char *keep_libvirt(State *state, const char *line) {
        static const char *const heads[] = {"<network", "</network>", "<name>", "<forward", "</forward>", "<pf ", "<address type='pci'",
                                            "<driver "};
        for (size_t i = 0; i < G_N_ELEMENTS(heads); i++)
                if (g_str_has_prefix(after_blanks(line), heads[i]))
                        return g_strdup(line);
        return NULL;
}

/* A driver's name. */
static char *keep_driverctl(State *state, const char *line) {
        size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
        return n == strlen(line) && n < 64 ? g_strdup(line) : NULL;
}

/* Sections, and the keys of vfadm.conf(5). */
static char *keep_conf(State *state, const char *line) {
        static const char *const known[] = {
                "PermanentMACAddress", "Path", "Slot", "Driver", "Name", "Address", "VFs", "Autoprobe", "Up", "Drift", "MACAddress",
                "PF", "Order", "Libvirt", "Autostart", "VLAN", "QoS", "Protocol", "Trust", "SpoofCheck", "LinkState", "MinRate", "MaxRate",
        };
        const char *start = after_blanks(line);

        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
                if (g_str_has_prefix(start, known[i]) && *after_blanks(start + strlen(known[i])) == '=')
                        return g_strdup(line);
        return *start == '[' ? g_strdup(line) : NULL;
}

/* Of lists of modules: those of Xen's driver. */
static char *keep_pciback(State *state, const char *line) {
        return strstr(line, "pciback") ? g_strdup(line) : NULL;
}

static char *keep_all(State *state, const char *line) {
        return g_strdup(line);
}

/* By what a path begins with and ends in: the first that fits. */
static const struct {
        const char *prefix, *part;
        KeepLine keep;
} kinds[] = {
        /* What names the host, and where boot parameters are kept. */
        {"etc/os-release", "", keep_all},
        {"etc/machine-id", "", keep_all},
        {"etc/default/grub", "", keep_all},
        {"etc/kernel/", "", keep_all},
        {"etc/kernelstub/", "", keep_all},
        {"etc/driverctl.d/", "", keep_driverctl},
        {"etc/vfadm/", "", keep_conf},
        {"run/vfadm/pools/", "", keep_all},
        {"run/vfadm/", "", keep_conf},
        {"usr/lib/vfadm/", "", keep_conf},
        {"", "/modprobe.d/", keep_modprobe},
        {"", "/udev/rules.d/", keep_udev},
        {"", "/systemd/network/", keep_networkd},
        {"", "/systemd/system/", keep_unit},
        {"", "/NetworkManager/dispatcher.d/", keep_script},
        {"", "/NetworkManager/", keep_nm},
        {"etc/sysconfig/network-scripts/", "", keep_ifcfg},
        {"", "/netplan/", keep_netplan},
        {"etc/libvirt/", "", keep_libvirt},
        {"etc/modules", "", keep_pciback},
        {"etc/initramfs-tools/", "", keep_pciback},
        {"etc/dracut.conf", "", keep_pciback},
        {"etc/mkinitcpio.conf", "", keep_pciback},
        {"", "/modules-load.d/", keep_pciback},
        /* Whatever else somebody wrote: scripts, and files of which we know nothing. */
        {"etc/", "", keep_script},
        {"usr/local/", "", keep_script},
        {"", "/tmpfiles.d/", keep_script},
        {"opt/", "", keep_script},
        {"root/", "", keep_script},
        {"srv/", "", keep_script},
};

static KeepLine kind_of(const char *path) {
        static const char *const roots[] = {"etc/", "run/", "usr/lib/", "usr/local/", "lib/", "opt/", "root/", "srv/", NULL};
        bool inside = false;

        for (const char *const *root = roots; *root; root++)
                inside |= g_str_has_prefix(path, *root);
        for (size_t i = 0; inside && i < G_N_ELEMENTS(kinds); i++)
                if (g_str_has_prefix(path, kinds[i].prefix) && strstr(path, kinds[i].part))
                        return kinds[i].keep;
        return NULL;
}

/* A line that a backslash joins with the next is looked at as one, and stays or goes as one. */
static void keep_joined(GString *out, State *state, KeepLine keep, const GString *joined, char *const *lines, unsigned n) {
        g_autofree char *kept = keep(state, joined->str);
        bool whole = kept && g_str_equal(kept, joined->str);

        for (unsigned i = 0; i < n; i++) {
                if (whole)
                        g_string_append(out, lines[i]);
                else if (kept && i == 0)
                        g_string_append(out, kept);
                if (i + 1 < n)
                        g_string_append_c(out, '\n');
        }
}

GBytes *redact_config(const char *path, const char *bytes, size_t length) {
        KeepLine keep = kind_of(path);
        if (!keep)
                return NULL;
        if (length && memchr(bytes, 0, length)) /* no text */
                return g_bytes_new(NULL, 0);
        if (keep == keep_all)
                return g_bytes_new(bytes, length);
        g_autofree char *text = g_strndup(length ? bytes : "", length);
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autoptr(GString) joined = g_string_new(NULL);
        State state = {.ethernets = -1};
        GString *out = g_string_new(NULL);

        for (unsigned i = 0, n = 0; lines[i]; i += n) {
                g_string_truncate(joined, 0);
                for (n = 1;; n++) {
                        g_string_append(joined, lines[i + n - 1]);
                        if (!g_str_has_suffix(lines[i + n - 1], "\\") || !lines[i + n])
                                break;
                        g_string_truncate(joined, joined->len - 1);
                        g_string_append_c(joined, ' ');
                }
                keep_joined(out, &state, keep, joined, lines + i, n);
                if (lines[i + n])
                        g_string_append_c(out, '\n');
        }
        g_free(state.section);
        return g_string_free_to_bytes(out);
}
