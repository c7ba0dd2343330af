/* Any bytes as each of the configuration files of which `vfadm import --retire` makes comments: afterwards they set nothing any more, and
 * taking the marks away brings all back. The first byte says which file, the rest is its text. */
#include "host/mechanisms.h"
#include "plan/retire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = {
        "etc/modprobe.d/x.conf", "etc/udev/rules.d/x.rules", "etc/systemd/network/x.link", "etc/systemd/network/x.network",
        "etc/tmpfiles.d/x.conf", "etc/NetworkManager/system-connections/x", "etc/sysconfig/network-scripts/ifcfg-x", "etc/sysfs.d/x.conf",
};

static void parse(Setup *setup, unsigned kind, const char *text) {
        const char *path = paths[kind];
        const size_t length = strlen(text);
        g_auto(UnitMatch) match = {0};

        switch (kind) {
        case 0: modprobe_parse(setup, path, text, length); break;
        case 1: udev_parse(setup, path, text, length, false); break;
        case 2: link_parse(setup, path, text, length, &match); break;
        case 3: network_parse(setup, path, text, length, &match, true); break;
        case 4: tmpfiles_parse(setup, path, text, length); break;
        case 5: nm_profile_parse(setup, path, text, length); break;
        case 6: ifcfg_parse(setup, path, text, length); break;
        default: sysfs_conf_parse(setup, path, text, length); break;
        }
}

/* Those that set what a configuration can say. */
static GPtrArray *about_vfs(const Setup *setup) {
        GPtrArray *found = g_ptr_array_new();

        for (unsigned i = 0; i < setup->mechanisms->len; i++) {
                Mechanism *m = setup->mechanisms->pdata[i];
                const bool driver = m->sets & SETS_DRIVER && (m->to_driver || m->kind != MECH_MODPROBE);
                if (m->sets & (SETS_NUMVFS | SETS_VF_STATE | SETS_AUTOPROBE) || driver)
                        g_ptr_array_add(found, m);
        }
        return found;
}

static void check(unsigned kind, const char *text) {
        Setup *setup = setup_new(), *after = setup_new();
        g_autofree char *why = NULL;

        parse(setup, kind, text);
        g_autoptr(GPtrArray) found = about_vfs(setup);
        g_autofree char *now = found->len && setup->mechanisms->len < MECHANISMS_MAX ? retire_text(text, found, &why) : NULL;
        if (now) {
                parse(after, kind, now);
                g_autoptr(GPtrArray) left = about_vfs(after);
                g_assert_cmpuint(left->len, ==, 0);
        }
        if (now && kind != 0 && !strstr(text, RETIRED)) { /* of modprobe.d's lines a part may stay as a line of its own */
                g_auto(GStrv) parts = g_strsplit(now, RETIRED, -1);
                g_autofree char *back = g_strjoinv("", parts);
                g_assert_cmpstr(back, ==, text);
        }
        setup_free(setup);
        setup_free(after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        /* As host/ keeps texts: no NUL, and UTF-8. */
        if (size < 2 || memchr(data + 1, 0, size - 1) || !g_utf8_validate((const char *) data + 1, (gssize) (size - 1), NULL))
                return 0;
        g_autofree char *text = g_strndup((const char *) data + 1, size - 1);
        check(data[0] % G_N_ELEMENTS(paths), text);
        return 0;
}
