/* Scripts of the administrator: rc.local and what services start, ifupdown's interfaces, sysfsutils, driverctl. */
#include "host/mechanisms.h"

#include <string.h>

void script_parse(Setup *setup, MechanismKind kind, const char *path, const char *bytes, size_t length, bool active) {
        g_auto(Lines) lines = lines_begin(bytes, length, true);
        unsigned first = setup->mechanisms->len;

        while (lines_next(&lines))
                (void) shell_line_parse(setup, kind, path, lines.number, lines.text->str, active, NULL);
        drop_zeros(setup, first);
}

/* interfaces(5): "iface enp1s0 inet manual", below it "pre-up echo 7 > /sys/class/net/$IFACE/device/sriov_numvfs". */
void interfaces_parse(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(Lines) lines = lines_begin(bytes, length, true);
        g_autofree char *iface = NULL;
        unsigned first = setup->mechanisms->len;

        while (lines_next(&lines)) {
                const char *text = lines.text->str;
                if (g_str_has_prefix(text, "iface ")) {
                        const char *name = text + strlen("iface ");
                        name += strspn(name, " \t");
                        size_t n = strcspn(name, " \t");
                        g_free(iface);
                        iface = name_ok(name, n) ? g_strndup(name, n) : NULL;
                        continue;
                }
                /* What takes the interface down is no way to bring VFs up. */
                bool down = g_str_has_prefix(text, "down ") || g_str_has_prefix(text, "pre-down ") ||
                            g_str_has_prefix(text, "post-down ");
                if (!down)
                        (void) shell_line_parse(setup, MECH_SCRIPT, path, lines.number, text, true, iface);
        }
        drop_zeros(setup, first);
}

/* sysfs.conf(5): "class/net/enp1s0/device/sriov_numvfs = 7", relative to /sys. */
void sysfs_conf_parse(Setup *setup, const char *path, const char *bytes, size_t length) {
        g_auto(Lines) lines = lines_begin(bytes, length, false);
        unsigned first = setup->mechanisms->len;

        while (lines_next(&lines)) {
                const char *text = lines.text->str, *equals = strchr(text, '=');
                if (!equals || text[0] == '#')
                        continue;
                g_autofree char *file = g_strstrip(g_strndup(text, (gsize) (equals - text)));
                g_autofree char *value = g_strstrip(g_strdup(equals + 1));
                bool count = g_str_has_suffix(file, "/sriov_numvfs");
                if (!count && !g_str_has_suffix(file, "/driver_override"))
                        continue;
                Mechanism *m = mechanism_add(setup, MECH_SYSFS, path, lines.number, count ? SETS_NUMVFS : SETS_DRIVER, text);
                if (!m)
                        break;
                g_auto(AttrWrite) target = {0};
                attr_path_parse(file, strlen(file), &target);
                m->netdev = g_steal_pointer(&target.netdev);
                m->bdf = g_steal_pointer(&target.bdf);
                m->driver = g_steal_pointer(&target.driver);
                if (count)
                        m->num_vfs = count_parse(value);
                else if (name_ok(value, strlen(value)))
                        m->to_driver = g_strdup(value);
        }
        drop_zeros(setup, first);
}

/* driverctl's udev rule looks for etc/driverctl.d/SUBSYSTEM-KERNEL; the file holds the driver's name, or nothing but a newline
 * for "no driver". */
void driverctl_parse(Setup *setup, const char *path, const char *name, const char *bytes, size_t length) {
        g_auto(Lines) lines = lines_begin(bytes, length, false);
        g_autofree char *bdf = NULL;

        if (!g_str_has_prefix(name, "pci-") || !bdf_pattern(name + 4, strlen(name + 4), &bdf) || strpbrk(bdf, "*?["))
                return;
        const char *driver = lines_next(&lines) ? lines.text->str : "";
        Mechanism *m = mechanism_add(setup, MECH_DRIVERCTL, path, 1, SETS_DRIVER, *driver ? driver : "none");
        if (!m)
                return;
        m->bdf = g_steal_pointer(&bdf);
        if (name_ok(driver, strlen(driver)) && !g_str_equal(driver, "none"))
                m->to_driver = g_strdup(driver);
}
