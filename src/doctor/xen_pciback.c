/* Checks of pciback, the driver of dom0 that keeps functions for domains, and of hide=, by which it gets them before others. */
#include "doctor/xen_checks.h"

#include "doctor/persistence.h"
#include "model/pciback_hide.h"

#include <string.h>

#define CMDLINE "/proc/cmdline"

/* ---- where hide= is said ---- */

typedef struct {
        const char *value; /* borrowed */
        char *where;
} Hide;

static void hide_clear(void *data) {
        g_free(((Hide *) data)->where);
}

static void add_hide(GArray *hides, const char *value, char *where) {
        Hide hide = {value, where};
        g_array_append_val(hides, hide);
}

/* Those that the kernel or modprobe(8) hands to pciback: Hide. */
static GArray *read_hides(const Setup *setup) {
        GArray *hides = g_array_new(FALSE, FALSE, sizeof(Hide));

        g_array_set_clear_func(hides, hide_clear);
        for (unsigned i = 0; i < setup->xen.words->len; i++) {
                const PcibackWord *word = setup->xen.words->pdata[i];
                if (word->place == PCIBACK_OPTION && g_strcmp0(word->name, "hide") == 0 && word->value)
                        add_hide(hides, word->value, g_strdup_printf("/%s:%u", word->path, word->line));
        }
        for (char **word = setup->words; word && *word; word++) {
                const char *value = boot_words_get((char *const[]) {*word, NULL}, "xen-pciback.hide");
                if (value && *value)
                        add_hide(hides, strchr(*word, '=') + 1, g_strdup(CMDLINE));
        }
        return hides;
}

static bool has_early_load(const Setup *setup) {
        for (unsigned i = 0; i < setup->xen.words->len; i++) {
                const PcibackWord *word = setup->xen.words->pdata[i];
                if (word->place == PCIBACK_EARLY || word->place == PCIBACK_SOFTDEP)
                        return true;
        }
        return false;
}

/* What pciback goes by: what it was started with or, where that is not told, the last that is said anywhere. NULL: nothing. */
static const char *hide_in_force(const Setup *setup, const GArray *hides) {
        if (setup->xen.hide)
                return *setup->xen.hide ? setup->xen.hide : NULL;
        return hides->len && !setup->xen.driver ? NULL : hides->len ? g_array_index(hides, Hide, hides->len - 1).value : NULL;
}

/* ---- there at all ---- */

static bool any_defined(const Doctor *doctor) {
        for (unsigned i = 0; i < doctor->domains->len; i++)
                if (((const GuestInfo *) doctor->domains->pdata[i])->defined->len)
                        return true;
        return false;
}

static bool any_typo(const GArray *hides) {
        for (unsigned i = 0; i < hides->len; i++)
                if (!pciback_hide_parse(g_array_index(hides, Hide, i).value, NULL, NULL, NULL))
                        return true;
        return false;
}

void check_pciback_missing(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        const XenSetup *xen = &setup->xen;

        if (!on_dom0(doctor) || (setup->hide.pciback == KNOWN_NOT && !xen->driver))
                return;
        if (xen->driver) {
                unsigned bound = 0;
                for (unsigned i = 0; i < doctor->candidates->len; i++)
                        bound += driver_is_xen(((const Dev *) doctor->candidates->pdata[i])->driver);
                report(doctor, SEVERITY_OK, NULL, bound ? "pciback has %u function%s" : "pciback is there", bound, bound == 1 ? "" : "s");
                return;
        }
        g_autoptr(GArray) hides = read_hides(setup);
        if (any_typo(hides)) /* which says why */
                return;
        const char *release = doctor->host->kernel_release ? doctor->host->kernel_release : "";
        if (setup->hide.pciback == KNOWN_NO) {
                Finding *finding = report(doctor, SEVERITY_BLOCKS, NULL, "dom0's kernel has no xen-pciback: nothing can be given to a domain");
                seen(finding, "xen-pciback is neither loaded nor built in nor among the modules");
                seen_in(finding, "/lib/modules/%s", release);
                remedy(finding, "install the kernel's other modules (Debian: linux-image-amd64 in place of the cloud kernel; Ubuntu: "
                                "linux-modules-extra-%s), or reboot, if the kernel was updated meanwhile", release);
                return;
        }
        bool wanted = any_defined(doctor) || hides->len;
        Finding *finding = report(doctor, wanted ? SEVERITY_WARNING : SEVERITY_NOTE, NULL,
                                  wanted ? "xen-pciback is not loaded: domains with devices do not start"
                                         : "xen-pciback is not loaded; vfadm loads it when it is needed, xl does not");
        seen(finding, "no folder of that driver");
        seen_in(finding, "/sys/bus/pci/drivers/pciback");
        remedy(finding, wanted ? "modprobe xen-pciback; at boot: echo xen-pciback > /etc/modules-load.d/xen-pciback.conf"
                               : "for xl: modprobe xen-pciback");
}

/* ---- hide= ---- */

/* The character and its place, as people count. */
static void tell_typo(Doctor *doctor, const Hide *hide, unsigned at, const char *wanted) {
        char c = hide->value[at];
        bool there = doctor->setup->xen.driver;
        Finding *finding = report(doctor, there ? SEVERITY_WARNING : SEVERITY_BLOCKS, NULL,
                                  "hide= has a mistake at character %u: %s", at + 1,
                                  there ? "when pciback is loaded the next time, it fails and hides nothing"
                                        : "pciback does not start, and no device is hidden");
        g_autofree char *found = !c                   ? g_strdup("it ends there")
                                 : g_ascii_isprint(c) ? g_strdup_printf("'%c' is there", c)
                                                      : g_strdup_printf("a character 0x%02x is there", (unsigned char) c);
        seen(finding, "hide=%.120s: wanted %s, %s", hide->value, wanted, found);
        seen_in(finding, "%s", hide->where);
        remedy(finding, "write each function in parentheses, with nothing between them: hide=(0000:01:10.0)(0000:01:10.2); "
                        "then modprobe xen-pciback, or reboot");
}

void check_hide_typo(Doctor *doctor) {
        if (!on_dom0(doctor))
                return;
        g_autoptr(GArray) hides = read_hides(doctor->setup);
        for (unsigned i = 0; i < hides->len; i++) {
                const Hide *hide = &g_array_index(hides, Hide, i);
                const char *wanted;
                unsigned at;
                if (!pciback_hide_parse(hide->value, NULL, &at, &wanted))
                        tell_typo(doctor, hide, at, wanted);
        }
}

static void tell_misplaced(Doctor *doctor, const char *what, const char *word, const char *where) {
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL, "%s", what);
        seen(finding, "%.160s", word);
        seen_in(finding, "%s", where);
        remedy(finding, "vfadm bind --boot DEVICE pciback; or xen-pciback.hide= on the line of dom0's kernel (GRUB_CMDLINE_LINUX), and away from here");
}

void check_hide_misplaced(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        static const char on_xens_line[] = "a parameter of pciback is on the hypervisor's command line, where nothing reads it";
        bool configured = false;

        if (!on_dom0(doctor))
                return;
        for (unsigned i = 0; i < setup->xen.words->len; i++) {
                const PcibackWord *word = setup->xen.words->pdata[i];
                if (word->place != PCIBACK_GRUB_XEN)
                        continue;
                g_autofree char *text = g_strdup_printf("%s=%s", word->name, word->value ? word->value : "");
                g_autofree char *where = g_strdup_printf("/%s:%u", word->path, word->line);
                tell_misplaced(doctor, on_xens_line, text, where);
                configured = true;
        }
        const char *cmdline = doctor->books && doctor->books->xen ? doctor->books->xen->cmdline : NULL;
        g_auto(GStrv) words = boot_words_split(cmdline ? cmdline : "");
        for (char **word = words; *word && !configured; word++)
                if (strstr(*word, "pciback"))
                        tell_misplaced(doctor, on_xens_line, *word, "xl info (xen_commandline)");
        for (char **word = setup->words; word && *word; word++)
                if (g_str_has_prefix(*word, "pciback."))
                        tell_misplaced(doctor, "the driver is called xen-pciback, and nothing reads this word", *word, CMDLINE);
}

static bool says_same(const GArray *hides, const char *value) {
        for (unsigned i = 0; i < hides->len; i++)
                if (g_str_equal(g_array_index(hides, Hide, i).value, value))
                        return true;
        return false;
}

void check_hide_not_in_force(Doctor *doctor) {
        const XenSetup *xen = &doctor->setup->xen;

        if (!on_dom0(doctor))
                return;
        g_autoptr(GArray) hides = read_hides(doctor->setup);
        /* Without the driver, typo or missing, another check has said so. */
        if (!hides->len || any_typo(hides) || !xen->driver || !xen->hide || says_same(hides, xen->hide))
                return;
        const Hide *last = &g_array_index(hides, Hide, hides->len - 1);
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL, "%s", *xen->hide ? "pciback works by another hide= than is configured"
                                                                                : "pciback was loaded without the hide= that is configured");
        seen(finding, "hide=%.120s in %s; in force: %.120s", last->value, last->where, *xen->hide ? xen->hide : "none");
        seen_in(finding, "/sys/module/xen_pciback/parameters/hide");
        remedy(finding, "update-initramfs -u (dracut -f), which has a copy of /etc/modprobe.d, and reboot");
}

/* Parts of a PF's bus that its VFs take, there or not: their numbers are its own, plus offset, plus stride for each (SR-IOV
 * specification, VF Routing ID). */
static bool will_be_vf(const Doctor *doctor, const PcibackPattern *pattern, const Dev **ret_pf, unsigned *ret_index) {
        if (pattern->any_slot || pattern->any_function)
                return false;
        unsigned id = (unsigned) pattern->bus << 8 | (unsigned) pattern->slot << 3 | pattern->function;
        for (unsigned i = 0; i < doctor->pfs->len; i++) {
                const Dev *pf = doctor->pfs->pdata[i];
                const PciCaps *caps = &pf->caps;
                unsigned own = (unsigned) pf->addr.bus << 8 | (unsigned) pf->addr.slot << 3 | pf->addr.function;
                unsigned first = own + caps->sriov_offset;
                if (!pf->has_caps || !caps->has_sriov || !caps->sriov_offset || pf->addr.domain != pattern->domain || id < first)
                        continue;
                unsigned index = caps->sriov_stride ? (id - first) / caps->sriov_stride : 0;
                if (first + index * caps->sriov_stride != id || index >= caps->sriov_total)
                        continue;
                *ret_pf = pf;
                *ret_index = index;
                return true;
        }
        return false;
}

static void tell_absent(Doctor *doctor, const PcibackPattern *pattern, const char *where) {
        g_autofree char *text = pciback_pattern_text(pattern);
        const Dev *pf;
        unsigned index;
        Finding *finding;

        if (will_be_vf(doctor, pattern, &pf, &index)) {
                g_autofree char *nick = snapshot_nick(doctor->host, pf);
                finding = report_dev(doctor, SEVERITY_NOTE, pf, "hide= names %s, which would be VF %u of %s, and is not there", text, index, nick);
                remedy(finding, "vfadm enable %s N: pciback takes the VF when it comes, if it was loaded before the VF's driver", nick);
        } else {
                finding = report(doctor, SEVERITY_WARNING, NULL, "hide= names %s, and nothing is there", text);
                remedy(finding, "look for the device's address now (vfadm list, lspci), and write that");
        }
        seen(finding, "no such function");
        seen_in(finding, "%s", where);
}

typedef struct {
        unsigned fits, taken;
} Match;

static void tell_not_taken(Doctor *doctor, const Dev *dev) {
        const Setup *setup = doctor->setup;
        Finding *finding = report_dev(doctor, SEVERITY_WARNING, dev, "hide= names it, and %s%s has it", dev->driver ? "dom0's " : "",
                                      dev->driver ? dev->driver : "no driver");
        seen(finding, "driver %s", dev->driver ? dev->driver : "none");
        seen_in(finding, "/sys/bus/pci/devices/%s/driver", dev->name);
        if (setup->hide.builtin || has_early_load(setup))
                remedy(finding, "vfadm bind %s pciback", dev->name);
        else
                remedy(finding, "now: vfadm bind %s pciback; at boot pciback is loaded after dom0's driver: "
                                "vfadm bind --boot %s pciback puts it into the initramfs",
                       dev->name, dev->name);
}

static Match match(Doctor *doctor, const PcibackPattern *pattern, bool tell) {
        Match ret = {0};
        for (unsigned i = 0; i < doctor->host->devs->len; i++) {
                const Dev *dev = doctor->host->devs->pdata[i];
                if (!pciback_pattern_fits(pattern, dev->addr) || dev_is_bridge(dev))
                        continue;
                ret.fits++;
                ret.taken += is_xens(dev);
                if (tell && !is_xens(dev) && !lease_of(doctor, dev) && dev_in_scope(doctor, dev))
                        tell_not_taken(doctor, dev);
        }
        return ret;
}

enum { PATTERNS_MAX = 256 };

/* The patterns that pciback goes by now; NULL: none. */
static GArray *patterns_in_force(const Doctor *doctor) {
        g_autoptr(GArray) hides = read_hides(doctor->setup);
        const char *value = on_dom0(doctor) && doctor->setup->xen.driver ? hide_in_force(doctor->setup, hides) : NULL;
        GArray *patterns = NULL;

        return value && pciback_hide_parse(value, &patterns, NULL, NULL) ? patterns : NULL;
}

void check_hide_absent(Doctor *doctor) {
        g_autoptr(GArray) patterns = patterns_in_force(doctor);
        unsigned taken = 0, others = 0;

        for (unsigned i = 0; patterns && i < MIN(patterns->len, PATTERNS_MAX); i++) {
                const PcibackPattern *pattern = &g_array_index(patterns, PcibackPattern, i);
                Match found = match(doctor, pattern, false);
                if (!found.fits)
                        tell_absent(doctor, pattern, "/sys/module/xen_pciback/parameters/hide");
                taken += found.taken;
                others += found.fits - found.taken;
        }
        if (taken && !others)
                report(doctor, SEVERITY_OK, NULL, "%u hidden at boot", taken);
}

void check_hide_not_taken(Doctor *doctor) {
        g_autoptr(GArray) patterns = patterns_in_force(doctor);
        for (unsigned i = 0; patterns && i < MIN(patterns->len, PATTERNS_MAX); i++)
                match(doctor, &g_array_index(patterns, PcibackPattern, i), true);
}

/* ---- texts ---- */

const char explain_pciback_missing[] =
        "pciback is the driver of dom0's kernel that holds a function for Xen's domains; its module is xen-pciback, "
        "its folder /sys/bus/pci/drivers/pciback. 'xl pci-assignable-add' says 'pciback driver not loaded' without "
        "it, and a domain whose file names a device does not start. vfadm loads the module when it gives a device; "
        "xl does not.\n\n"
        "Load it with 'modprobe xen-pciback', and at boot by a line 'xen-pciback' in "
        "/etc/modules-load.d/xen-pciback.conf. For hide= that is too late as a rule: 'vfadm bind --boot DEVICE "
        "pciback' has it loaded by the initramfs. When it does not load, see pciback-hide-typo. Some kernels (cloud "
        "kernels, minimal ones) lack it: install the distribution's full kernel.";

const char explain_hide_typo[] =
        "xen-pciback.hide= lists functions as '(01:10.0)(0000:01:10.2)': each in parentheses, with or without the "
        "domain, one behind the other, without commas or quotes; '*' stands for any function '(01:10.*)' or any slot "
        "and function '(01:*.*)'. The kernel reads it when pciback starts (pcistub_init() in "
        "drivers/xen/xen-pciback/pci_stub.c), and one mistake anywhere makes the start fail with 'Error parsing "
        "pci_devs_to_hide' in dmesg: not one device is hidden, and xl says that the driver is not loaded.\n\n"
        "vfadm reads the text as the kernel does, and says at which character (from 1) the mistake is and what "
        "should stand there. A slot is 00 to 1f, a function 0 to 7, both hexadecimal.\n\n"
        "In a shell or in GRUB's configuration quote the parentheses: "
        "GRUB_CMDLINE_LINUX=\"xen-pciback.hide=(01:10.0)\". 'vfadm bind --boot DEVICE pciback' writes it without "
        "mistakes.";

const char explain_hide_misplaced[] =
        "Xen and dom0's kernel have a command line each. GRUB_CMDLINE_XEN and GRUB_CMDLINE_XEN_DEFAULT in "
        "/etc/default/grub are Xen's; many guides write xen-pciback.hide= there, and Xen ignores it silently. The "
        "kernel's are GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT, and under Xen "
        "GRUB_CMDLINE_LINUX_XEN_REPLACE and GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT in their place, where these are "
        "set.\n\n"
        "/proc/cmdline shows the kernel's line, 'xl info' Xen's (xen_commandline). Where pciback is a module "
        "(Debian, Fedora), the kernel's line works too, since modprobe reads it, but the module must be loaded "
        "before the device's own driver: 'vfadm bind --boot DEVICE pciback' does all of it, and shows the changes "
        "first.\n\n"
        "'pciback.hide=' is the name of kernels before Linux 3.1; since then it is xen-pciback.hide=.";

const char explain_hide_not_in_force[] =
        "/sys/module/xen_pciback/parameters/hide shows what pciback was started with, and it is none of what the "
        "kernel's command line and /etc/modprobe.d say. The parameter cannot be changed while the module is loaded.\n\n"
        "As a rule the file was written since, or the initramfs, which loads the module, has an older copy of "
        "/etc/modprobe.d: run 'update-initramfs -u' (Debian) or 'dracut -f' (Fedora, SUSE) and reboot. Meanwhile "
        "'vfadm bind DEVICE pciback' does for one device what hide= would.";

const char explain_hide_absent[] =
        "hide= goes by address, and nothing has this one now. Bus numbers change when a card is moved, added or "
        "taken out, when VFs get buses of their own, and by some BIOS settings. An address that another device has "
        "now is worse: it is kept from dom0, and may be the one you need.\n\n"
        "VFs are made after boot. pciback takes a VF that is named by hide= at the moment when it comes, if pciback "
        "is loaded by then: it is a driver like the others, and of drivers that want a new device the one that was "
        "registered first gets it. So pciback has to be loaded before igbvf, ixgbevf, iavf or mlx5_core.";

const char explain_hide_not_taken[] =
        "pciback works by this hide=, and a function that it names has another driver, or none. Of drivers that want "
        "a device the first gets it: pciback was loaded later than dom0's driver, or somebody bound the device "
        "elsewhere since.\n\n"
        "Where pciback is a module, the initramfs must load it before the driver of the device: 'vfadm bind --boot "
        "DEVICE pciback' writes the module's options, a softdep of the device's driver on xen-pciback, and the "
        "initramfs' list, and makes the initramfs anew. For now 'vfadm bind DEVICE pciback' takes it; what is in use "
        "by dom0 is refused.";
