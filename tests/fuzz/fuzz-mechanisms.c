/* Any bytes as each of the configuration files that host/ looks into. The first byte says which file, the rest is its text. */
#include "host/mechanisms.h"
#include "io/redact.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_line(const char *text) {
        return !text || (g_utf8_validate(text, -1, NULL) && !strchr(text, '\n') && !strchr(text, '\x1b'));
}

/* What rules and reports rely on. */
static void check(const Setup *setup) {
        g_assert_cmpuint(setup->mechanisms->len, <=, MECHANISMS_MAX);
        for (unsigned i = 0; i < setup->mechanisms->len; i++) {
                const Mechanism *m = setup->mechanisms->pdata[i];
                g_assert_cmpint(m->num_vfs, >=, -1);
                g_assert_cmpint(m->num_vfs, <=, UINT16_MAX);
                g_assert_true(is_line(m->text));
                g_assert_true(!m->bdf || !strpbrk(m->bdf, " /\n"));
                g_assert_true(!m->to_driver || (*m->to_driver && !strpbrk(m->to_driver, " /\n\"'")));
                g_assert_true(is_line(m->more));
                g_assert_true(m->autoprobe >= -1 && m->autoprobe <= 1);
                g_assert_cmpuint(m->vfs ? m->vfs->len : 0, <=, MECHANISM_VFS_MAX);
                g_assert_true(m->kind < MECH_KINDS && mechanism_word(m->kind));
        }
}

static void parse_networkd(Setup *setup, const char *bytes, size_t length, bool link) {
        g_auto(UnitMatch) match = {0};
        /* Twice: a drop-in inherits what its file matched. */
        for (unsigned i = 0; i < 2; i++) {
                if (link)
                        link_parse(setup, "etc/systemd/network/10-x.link", bytes, length, &match);
                else
                        network_parse(setup, "etc/systemd/network/10-x.network", bytes, length, &match, true);
        }
}

static void parse_unit(Setup *setup, const char *bytes, size_t length) {
        g_autoptr(GPtrArray) scripts = g_ptr_array_new_with_free_func(g_free);
        unit_parse(setup, "etc/systemd/system/x.service", bytes, length, true, scripts);
        g_assert_cmpuint(scripts->len, <=, 64);
        for (unsigned i = 0; i < scripts->len; i++)
                g_assert_true(*(char *) scripts->pdata[i] != '/' && !strstr(scripts->pdata[i], ".."));
}

static void parse_words(Setup *setup, const char *bytes, size_t length) {
        g_autofree char *text = g_strndup(bytes, length);
        g_auto(GStrv) words = boot_words_split(text);
        cmdline_mechanisms(setup, words);
        g_autoptr(GHashTable) packages = packages_parse(bytes, length);
        g_autofree char *version = version_of_output(bytes, length);
        g_assert_true(!version || g_ascii_isdigit(*version));
}

static unsigned newlines(const char *bytes, size_t length) {
        unsigned n = 0;
        for (size_t i = 0; i < length; i++)
                n += bytes[i] == '\n';
        return n;
}

/* What a record keeps has the same lines, though not all of each. */
static void keep(unsigned kind, const char *bytes, size_t length) {
        static const char *const paths[16] = {
                "etc/modprobe.d/x.conf", "etc/udev/rules.d/x.rules", "etc/systemd/network/x.link", "etc/systemd/network/x.network",
                "usr/lib/tmpfiles.d/x.conf", "etc/systemd/system/x.service", "etc/NetworkManager/system-connections/x",
                "etc/NetworkManager/conf.d/x.conf", "etc/sysconfig/network-scripts/ifcfg-x", "etc/netplan/x.yaml", "usr/local/x.sh",
                "etc/network/interfaces", "etc/sysfs.conf", "etc/driverctl.d/pci-x", "etc/libvirt/qemu/networks/x.xml",
                "etc/default/grub",
        };
        g_autoptr(GBytes) kept = redact_config(paths[kind], bytes, length);
        size_t size;
        const char *text = g_bytes_get_data(kept, &size);
        bool is_text = length && !memchr(bytes, 0, length);
        g_assert_cmpuint(newlines(text, size), ==, is_text ? newlines(bytes, length) : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        const char *bytes = (const char *) data + 1;
        size_t length = size - 1;
        Setup *setup = setup_new();
        switch (data[0] % 16) {
        case 0: modprobe_parse(setup, "x", bytes, length); break;
        case 1: udev_parse(setup, "x", bytes, length, false); break;
        case 2: parse_networkd(setup, bytes, length, true); break;
        case 3: parse_networkd(setup, bytes, length, false); break;
        case 4: tmpfiles_parse(setup, "x", bytes, length); break;
        case 5: parse_unit(setup, bytes, length); break;
        case 6: nm_profile_parse(setup, "x", bytes, length); break;
        case 7: nm_conf_parse(setup, "x", bytes, length); break;
        case 8: ifcfg_parse(setup, "x", bytes, length); break;
        case 9: netplan_parse(setup, "x", bytes, length); break;
        case 10: script_parse(setup, MECH_SCRIPT, "x", bytes, length, true); break;
        case 11: interfaces_parse(setup, "x", bytes, length); break;
        case 12: sysfs_conf_parse(setup, "x", bytes, length); break;
        case 13: driverctl_parse(setup, "x", "pci-0000:01:10.0", bytes, length); break;
        case 14: libvirt_network_parse(setup, "x", bytes, length, true); break;
        default: parse_words(setup, bytes, length);
        }
        check(setup);
        setup_free(setup);
        keep(data[0] % 16, bytes, length);
        return 0;
}
