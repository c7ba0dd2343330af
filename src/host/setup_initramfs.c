/* How Xen's pciback gets devices at boot: built into the kernel or a module, and then what makes the initramfs that loads it first. */
#include "host/setup.h"

#include <errno.h>
#include <string.h>

#define TEXT_MAX (1u << 20)
#define CONFIG_MAX (4u << 20)

/* Without reading it: a link, or something that is none. */
static bool exists(Io *io, const char *path) {
        g_autofree char *target = NULL;
        int r = io_readlink(io, path, &target);
        return r == 0 || r == -EINVAL;
}

static char *read_file(Io *io, const char *path, size_t max) {
        g_autoptr(GBytes) data = NULL;
        size_t size;
        if (io_read(io, path, max, &data) < 0)
                return NULL;
        const char *bytes = g_bytes_get_data(data, &size);
        return size && memchr(bytes, 0, size) ? NULL : g_strndup(bytes ? bytes : "", size);
}

/* ---- pciback ---- */

static char *of_release(const char *before, const char *release, const char *after) {
        return g_strconcat(before, release, after, NULL);
}

/* Only a module has a state: what is built in is in sys/module for its parameters. */
static bool ask_sysfs(Io *io, HideConf *hide) {
        if (!exists(io, "sys/module/xen_pciback"))
                return false;
        hide->pciback = KNOWN_YES;
        hide->builtin = !exists(io, "sys/module/xen_pciback/initstate");
        return true;
}

static bool ask_config(Io *io, HideConf *hide, const char *release) {
        g_autofree char *path = of_release("boot/config-", release, "");
        g_autofree char *text = read_file(io, path, CONFIG_MAX);
        const char *at = text ? strstr(text, "\nCONFIG_XEN_PCIDEV_BACKEND=") : NULL;

        if (!text)
                return false;
        hide->pciback = at ? KNOWN_YES : KNOWN_NO;
        hide->builtin = at && at[strlen("\nCONFIG_XEN_PCIDEV_BACKEND=")] == 'y';
        return true;
}

static void ask_modules(Io *io, HideConf *hide, const char *release) {
        g_autofree char *folder = of_release("lib/modules/", release, "/kernel/drivers/xen/xen-pciback");
        g_autofree char *builtin = of_release("lib/modules/", release, "/modules.builtin");
        g_autofree char *text = read_file(io, builtin, TEXT_MAX);

        hide->builtin = text && strstr(text, "/xen-pciback.ko");
        if (hide->builtin || exists(io, folder))
                hide->pciback = KNOWN_YES;
        else
                hide->pciback = text ? KNOWN_NO : KNOWN_NOT;
}

static void read_pciback(Reader *reader, HideConf *hide) {
        const char *release = reader->snapshot->kernel_release;

        if (ask_sysfs(reader->io, hide) || !release || strchr(release, '/'))
                return;
        if (!ask_config(reader->io, hide, release))
                ask_modules(reader->io, hide, release);
}

/* ---- the initramfs ---- */

/* In the order of preference. `marks`: files of which one must be there. Debian's dracut has an update-initramfs of its own, so there
 * the program that reads etc/initramfs-tools is what tells; mkinitcpio reads drop-ins where it has made their folder (version 38). */
static const struct {
        InitramfsKind kind;
        const char *tool, *marks[3], *file;
} tools[] = {
        {INITRAMFS_TOOLS, "usr/sbin/update-initramfs", {"etc/kernel/postinst.d/initramfs-tools"}, "etc/initramfs-tools/modules"},
        {INITRAMFS_DRACUT, "usr/bin/dracut", {"etc/dracut.conf.d"}, "etc/dracut.conf.d/vfadm-xen-pciback.conf"},
        {INITRAMFS_DRACUT, "usr/sbin/dracut", {"etc/dracut.conf.d"}, "etc/dracut.conf.d/vfadm-xen-pciback.conf"},
        {INITRAMFS_TOOLS, "usr/sbin/update-initramfs", {"usr/sbin/mkinitramfs", "usr/bin/mkinitramfs"}, "etc/initramfs-tools/modules"},
        {INITRAMFS_MKINITCPIO, "usr/bin/mkinitcpio", {"etc/mkinitcpio.conf.d"}, "etc/mkinitcpio.conf.d/vfadm-xen-pciback.conf"},
};

static bool is_marked(Io *io, const char *const marks[3]) {
        for (unsigned i = 0; i < 3 && marks[i]; i++)
                if (exists(io, marks[i]))
                        return true;
        return false;
}

static bool has_other(Io *io) {
        static const char *const others[] = {"usr/bin/mkinitcpio", "usr/bin/booster", "sbin/mkinitfs", "usr/sbin/mkinitfs", "usr/bin/mkinitrd", "sbin/mkinitrd"};
        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
                if (exists(io, others[i]))
                        return true;
        return false;
}

static void read_initramfs(Io *io, HideConf *hide) {
        /* There an image is part of a deployment, and dracut by itself changes none. */
        if (exists(io, "run/ostree-booted")) {
                hide->initramfs = INITRAMFS_OTHER;
                return;
        }
        for (unsigned i = 0; i < G_N_ELEMENTS(tools); i++) {
                if (!exists(io, tools[i].tool) || !is_marked(io, tools[i].marks))
                        continue;
                hide->initramfs = tools[i].kind;
                hide->tool = g_strconcat("/", tools[i].tool, NULL);
                hide->file = g_strdup(tools[i].file);
                hide->file_text = read_file(io, tools[i].file, TEXT_MAX);
                return;
        }
        hide->initramfs = has_other(io) ? INITRAMFS_OTHER : INITRAMFS_NONE;
}

void read_setup_initramfs(Reader *reader) {
        HideConf *hide = &reader->snapshot->setup->hide;

        read_pciback(reader, hide);
        read_initramfs(reader->io, hide);
        hide->text = read_file(reader->io, HIDE_CONF, TEXT_MAX);
        hide->note = read_file(reader->io, HIDE_NOTE, TEXT_MAX);
}
