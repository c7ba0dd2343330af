/* A Debian host's boot configuration: /etc/default/grub with its drop-ins, and an update-grub that makes a menu of them; modprobe.d and the
 * list of initramfs-tools, and an update-initramfs that makes an image of them. */
#include "sim_priv.h"

#include <string.h>

#define MAIN "etc/default/grub"
#define DROP_IN "etc/default/grub.d/60-vfadm.cfg"
#define NOTE "var/lib/vfadm/boot-parameters"
#define MENU "boot/grub/grub.cfg"
#define HIDDEN "var/lib/vfadm/boot-hidden"
#define HIDE_FILE "etc/modprobe.d/vfadm-xen-pciback.conf"
#define MODULES "etc/initramfs-tools/modules"
#define IMAGE "boot/initrd.img"

static char *text_of(Sim *sim, const char *path) {
        g_autoptr(GBytes) bytes = NULL;
        size_t size;
        if (io_tree_read(sim->tree, path, &bytes) < 0)
                return NULL;
        const char *text = g_bytes_get_data(bytes, &size);
        return g_strndup(text ? text : "", size);
}

/* As the shell sources the file, as far as such files go: NAME="…$NAME…". */
static void source(const char *text, const char *name, char **value) {
        g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
        g_autofree char *start = g_strconcat(name, "=\"", NULL), *variable = g_strconcat("$", name, NULL);

        for (char **line = lines; *line; line++) {
                if (!g_str_has_prefix(*line, start))
                        continue;
                g_autofree char *inner = g_strndup(*line + strlen(start), strcspn(*line + strlen(start), "\""));
                g_auto(GStrv) parts = g_strsplit(inner, variable, -1);
                char *now = g_strjoinv(*value, parts);
                g_free(*value);
                *value = now;
        }
}

static void update_grub(Sim *sim) {
        g_autofree char *main = text_of(sim, MAIN), *drop_in = text_of(sim, DROP_IN);
        g_autofree char *all = g_strdup(""), *normal = g_strdup("");

        source(main, "GRUB_CMDLINE_LINUX", &all);
        source(drop_in, "GRUB_CMDLINE_LINUX", &all);
        source(main, "GRUB_CMDLINE_LINUX_DEFAULT", &normal);
        source(drop_in, "GRUB_CMDLINE_LINUX_DEFAULT", &normal);
        tree_printf(sim, MENU,
                    "set default=\"0\"\nmenuentry 'Debian GNU/Linux' {\n\tlinux\t/boot/vmlinuz root=UUID=1 ro %s %s\n}\n"
                    "menuentry 'Debian GNU/Linux (recovery mode)' {\n\tlinux\t/boot/vmlinuz root=UUID=1 ro single %s\n}\n",
                    all, normal, all);
}

static void update_initramfs(Sim *sim) {
        g_autofree char *hide = text_of(sim, HIDE_FILE), *modules = text_of(sim, MODULES);
        tree_printf(sim, IMAGE, "modprobe.d: %smodules: %s", hide ? hide : "-\n", modules ? modules : "-\n");
}

static void build_initramfs(Sim *sim) {
        io_tree_put_text(sim->tree, MODULES, "# List of modules\n");
        io_tree_put_text(sim->tree, "etc/kernel/postinst.d/initramfs-tools", "#!/bin/sh\n");
        io_tree_put_text(sim->tree, "usr/sbin/update-initramfs", "#!/bin/sh\n");
        io_tree_put_text(sim->tree, "lib/modules/6.12.107-sim/modules.alias", "alias pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf\n");
        update_initramfs(sim);
}

#define RULES "etc/udev/rules.d/70-vfs.rules"
#define DRIVERCTL "etc/driverctl.d/pci-0000:01:10.0"
#define IMPORTED "etc/vfadm/imported-enp1s0.conf"

static void build_rules(Sim *sim) {
        io_tree_put_text(sim->tree, RULES, "# mine\nKERNEL==\"enp1s0\", ATTR{device/sriov_numvfs}=\"3\"\n");
        io_tree_put_text(sim->tree, DRIVERCTL, "vfio-pci\n");
        io_tree_put_text(sim->tree, "etc/systemd/system/multi-user.target.wants/vfadm-apply.service", "");
}

void boot_build(Sim *sim) {
        if (sim->options & SIM_RULES)
                build_rules(sim);
        if (sim->options & (SIM_INITRAMFS | SIM_PCIBACK_BUILTIN))
                tree_printf(sim, "boot/config-6.12.107-sim", "CONFIG_XEN=y\nCONFIG_XEN_PCIDEV_BACKEND=%c\n", sim->options & SIM_PCIBACK_BUILTIN ? 'y' : 'm');
        if (sim->options & SIM_INITRAMFS)
                build_initramfs(sim);
        if (!(sim->options & SIM_GRUB))
                return;
        io_tree_put_text(sim->tree, MAIN,
                         "# /etc/default/grub\nGRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet intel_iommu=off\"\nGRUB_CMDLINE_LINUX=\"\"\n");
        io_tree_put_text(sim->tree, "usr/sbin/grub-mkconfig", "#!/bin/sh\nfor x in /etc/default/grub.d/*.cfg; do . $x; done\n");
        io_tree_put_text(sim->tree, "usr/sbin/update-grub", "#!/bin/sh\nexec grub-mkconfig -o /boot/grub/grub.cfg\n");
        update_grub(sim);
}

void boot_replace(Sim *sim, const char *path, const char *text) {
        if (text)
                io_tree_put_text(sim->tree, path, text);
        else
                io_tree_remove(sim->tree, path);
}

int boot_run(Sim *sim, const char *program, GString *says) {
        bool grub = g_str_equal(program, "/usr/sbin/update-grub") && sim->options & SIM_GRUB;
        bool image = g_str_equal(program, "/usr/sbin/update-initramfs") && sim->options & SIM_INITRAMFS;

        if (!grub && !image)
                return -ENOENT;
        if (grub)
                update_grub(sim);
        else
                update_initramfs(sim);
        if (says)
                g_string_append(says, grub ? "Generating grub configuration file ...\ndone\n" : "update-initramfs: Generating /boot/initrd.img\n");
        return 0;
}

static void dump(Sim *sim, GString *out, const char *const *paths, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                g_autofree char *text = text_of(sim, paths[i]);
                g_string_append_printf(out, "/%s %s\n%s", paths[i], text ? "is" : "is not there", text ? text : "");
        }
}

void boot_dump(Sim *sim, GString *out) {
        static const char *const menu[] = {MAIN, DROP_IN, NOTE, HIDDEN, MENU}, *const image[] = {HIDE_FILE, MODULES, IMAGE};

        static const char *const rules[] = {RULES, DRIVERCTL, DRIVERCTL ".vfadm-retired", IMPORTED};

        if (sim->options & SIM_RULES)
                dump(sim, out, rules, G_N_ELEMENTS(rules));
        if (sim->options & SIM_GRUB)
                dump(sim, out, menu, G_N_ELEMENTS(menu));
        if (sim->options & SIM_INITRAMFS)
                dump(sim, out, image, G_N_ELEMENTS(image));
}
