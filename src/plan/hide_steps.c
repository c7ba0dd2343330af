/* Devices that Xen's pciback gets at boot: what is written where. Built into the kernel it is told by a boot parameter; as a module by
 * modprobe.d, and then the initramfs must load it before the drivers that would take the devices. */
#include "plan/hide.h"

#include "base/error.h"

#include <string.h>

static const char note_head[] = "# The boot parameter that 'vfadm bind --boot' put; 'vfadm unbind --boot' takes it back. Not to be edited.\n";

/* dracut.conf(5): force_drivers are loaded before udev's; modprobe.d is in an image for this host only, so the file is named. */
static const char dracut_text[] = "# Written by 'vfadm bind --boot'; 'vfadm unbind --boot' takes it back.\n"
                                  "force_drivers+=\" xen_pciback \"\n"
                                  "install_items+=\" /" HIDE_CONF " \"\n";
/* mkinitcpio.conf(5): MODULES are loaded before udev starts its work. */
static const char mkinitcpio_text[] = "# Written by 'vfadm bind --boot'; 'vfadm unbind --boot' takes it back.\n"
                                      "MODULES+=(xen-pciback)\n"
                                      "FILES+=(/" HIDE_CONF ")\n";

static const struct {
        const char *args[4];
        const char *text; /* of a file that is vfadm's alone; NULL: it is merged into what stands there */
} initramfs[] = {
        [INITRAMFS_TOOLS] = {{"-u", "-k", "all"}, NULL},
        [INITRAMFS_DRACUT] = {{"--regenerate-all", "--force"}, dracut_text},
        [INITRAMFS_MKINITCPIO] = {{"-P"}, mkinitcpio_text},
        [INITRAMFS_OTHER] = {{NULL}, NULL},
};

/* ---- what there is ---- */

/* The word of the note, and its devices. */
static void read_note(Hide *hide) {
        g_auto(GStrv) lines = g_strsplit(hide->conf->note ? hide->conf->note : "", "\n", -1);

        for (char **line = lines; *line; line++) {
                g_auto(GStrv) words = g_strsplit(*line, " ", 4);
                if (g_strv_length(words) < 2 || !g_str_equal(words[0], "put") || !g_str_has_prefix(words[1], HIDE_KEY "=") || !boot_word_ok(words[1]))
                        continue;
                g_free(hide->ours_word);
                hide->ours_word = g_strdup(words[1]);
                hide_value_parse(words[1] + strlen(HIDE_KEY "="), hide->list);
        }
}

/* 20_linux_xen of GRUB 2.12: what it gives dom0's kernel in place of the usual variables. */
static bool replaced_for_xen(const BootPlan *boot, const char **ret_path) {
        const BootText *texts[] = {&boot->file, &boot->main};

        for (unsigned i = 0; i < G_N_ELEMENTS(texts) && boot->boot->kind == BOOT_GRUB; i++) {
                g_auto(GStrv) lines = g_strsplit(texts[i]->before ? texts[i]->before : "", "\n", -1);
                *ret_path = texts[i]->path;
                for (char **line = lines; *line; line++)
                        if (g_str_has_prefix(*line, "GRUB_CMDLINE_LINUX_XEN_REPLACE="))
                                return true;
        }
        return false;
}

static bool open_boot(Hide *hide) {
        const BootConf *boot = &hide->setup->boot;
        const char *path;

        hide->has_boot = true;
        bool ok = boot_plan_open(&hide->boot, hide->plan, boot, HIDE_NOTE, hide->conf->note, "put " HIDE_KEY "=(DOMAIN:BUS:SLOT.FUNCTION)");
        if (ok && replaced_for_xen(&hide->boot, &path)) {
                plan_refuse(hide->plan, VFADM_ERROR_UNSUPPORTED, "/%s: GRUB_CMDLINE_LINUX_XEN_REPLACE takes the place of what vfadm changes; put " HIDE_KEY "=(DOMAIN:BUS:SLOT.FUNCTION) there yourself and run %s",
                            path, boot->tool);
                return false;
        }
        if (!ok || !hide->conf->builtin)
                return ok;
        g_auto(GStrv) words = boot_plan_words(&hide->boot);
        hide_add_foreign_words(hide, "the boot configuration", words);
        /* What the next boot will have may not be known; without a list of ours what this one has is none of ours either. */
        if (!boot->next && !hide->ours_word && !hide->foreign->len)
                hide_add_foreign_words(hide, "the running kernel's command line", hide->setup->words);
        return true;
}

bool hide_open(Hide *hide) {
        read_note(hide);
        if (!hide_conf_parse(hide->conf->text, hide->list)) {
                plan_refuse(hide->plan, VFADM_ERROR_UNSUPPORTED, "/" HIDE_CONF ": its list of devices has been edited and cannot be read; mend it, or remove the file");
                return false;
        }
        if (hide->conf->text && !g_utf8_validate(hide->conf->text, -1, NULL)) {
                plan_refuse(hide->plan, VFADM_ERROR_UNSUPPORTED, "/" HIDE_CONF " is not in UTF-8, so vfadm does not edit it");
                return false;
        }
        return (!hide->conf->builtin && !hide->conf->note) || open_boot(hide);
}

void hide_close(Hide *hide) {
        if (hide->has_boot)
                boot_plan_close(&hide->boot);
        g_ptr_array_unref(hide->list);
        g_ptr_array_unref(hide->foreign);
        g_free(hide->ours_word);
}

/* ---- a boot parameter ---- */

/* `value` NULL: no device is to be told of there. */
static void steps_of_parameter(Hide *hide, const char *value) {
        BootPlan *boot = &hide->boot;
        g_autofree char *word = value ? g_strconcat(HIDE_KEY "=", value, NULL) : NULL;

        if (g_strcmp0(word, hide->ours_word) == 0)
                return;
        boot_plan_undo(boot);
        if (word)
                boot_plan_add(boot, word);
        if (boot->note->len)
                g_string_prepend(boot->note, note_head);
        boot->note_now = boot->note->len ? boot->note->str : NULL;
        boot_plan_steps(boot);
        if (boot->boot->kind == BOOT_GRUBBY && hide->xen)
                plan_note(hide->plan, "grubby does not change GRUB's entries for Xen: run 'grub2-mkconfig -o /boot/grub2/grub.cfg' as well");
}

/* ---- a module ---- */

static char *initramfs_text(const HideConf *conf, bool hides) {
        if (initramfs[conf->initramfs].text)
                return hides ? g_strdup(initramfs[conf->initramfs].text) : NULL;
        return hides ? hide_modules_put(conf->file_text) : hide_modules_take(conf->file_text);
}

static char **initramfs_command(const HideConf *conf) {
        GPtrArray *argv = g_ptr_array_new();
        const char *const *args = initramfs[conf->initramfs].args;

        g_ptr_array_add(argv, g_strdup(conf->tool));
        for (; *args; args++)
                g_ptr_array_add(argv, g_strdup(*args));
        g_ptr_array_add(argv, NULL);
        return (char **) g_ptr_array_free(argv, FALSE);
}

static void note_no_initramfs(Hide *hide, bool hides) {
        if (!hides)
                return;
        plan_note(hide->plan, hide->conf->initramfs == INITRAMFS_OTHER
                                      ? "vfadm does not know how this host's initramfs is made: have it made anew, with xen-pciback loaded first, or a driver that is in it comes before pciback"
                                      : "no program was found that makes an initramfs: should there be one with the device's driver in it, have it load xen-pciback first");
}

static void steps_of_module(Hide *hide, bool hides) {
        const HideConf *conf = hide->conf;
        Plan *plan = hide->plan;
        g_autoptr(GPtrArray) none = g_ptr_array_new();
        g_autofree char *text = hide_conf_format(conf->text, hides ? hide->list : none);
        bool known = conf->tool && conf->file;
        g_autofree char *list = known ? initramfs_text(conf, hides) : NULL;

        if (g_strcmp0(text, conf->text) == 0 && (!known || g_strcmp0(list, conf->file_text) == 0))
                return;
        if (!known) {
                boot_plan_file(plan, HIDE_CONF, conf->text, text, "modprobe reads it when pciback and the devices' drivers are loaded");
                note_no_initramfs(hide, hides);
                return;
        }
        if (conf->file_text && !g_utf8_validate(conf->file_text, -1, NULL)) {
                plan_refuse(plan, VFADM_ERROR_UNSUPPORTED, "/%s is not in UTF-8, so vfadm does not edit it", conf->file);
                return;
        }
        g_auto(GStrv) argv = initramfs_command(conf);
        boot_plan_run(plan, argv, "xen-pciback", true, "the initramfs is made from the files, so it follows them on the way back too");
        boot_plan_file(plan, HIDE_CONF, conf->text, text, "modprobe reads it when pciback and the devices' drivers are loaded");
        boot_plan_file(plan, conf->file, conf->file_text, list, "the devices' drivers may be in the initramfs: pciback must be there, and first");
        boot_plan_run(plan, argv, "xen-pciback", false, "the initramfs is made from these files");
}

void hide_steps(Hide *hide) {
        const bool builtin = hide->conf->builtin;
        g_autofree char *value = hide_value_format(hide->list);

        if (value) {
                g_autofree char *word = g_strconcat(HIDE_KEY "=", value, NULL);
                if (!boot_word_ok(word)) {
                        plan_refuse(hide->plan, VFADM_ERROR_UNSUPPORTED, "%u devices are more than pciback can be told of at boot: the kernel takes 1024 characters, which is 73 of them", hide->list->len);
                        return;
                }
        }
        /* A kernel that has it the other way round than the one for which it was written: all goes where this one looks. */
        if (hide->has_boot)
                steps_of_parameter(hide, builtin ? value : NULL);
        if (!builtin || hide->conf->text)
                steps_of_module(hide, value && !builtin);
}
