/* Checks of the kernel: IOMMU, interrupt remapping, VFIO, lockdown, Xen, and the parameters that change them. */
#include "doctor/platform.h"

#include <string.h>

#define CMDLINE "/proc/cmdline"
#define UNSAFE_INTERRUPTS "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
#define NOIOMMU_MODE "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
#define KERNEL_LOG "'journalctl -k -b -g \"DMAR|AMD-Vi|IOMMU\"'"

/* ---- words of the command line ---- */

/* The word itself, as it stands there: "intel_iommu=off,sm_on". NULL: none has the key with this value in its list. */
static const char *word_with(char *const *words, const char *key, const char *value) {
        for (; words && *words; words++)
                if (boot_words_have((char *const[]) {*words, NULL}, key, value))
                        return *words;
        return NULL;
}

/* Of "key=on" and "key=off" the last one holds (drivers/iommu/intel/iommu.c intel_iommu_setup). */
static const char *last_switch(char *const *words, const char *key, bool *ret_on) {
        const char *found = NULL;
        for (; words && *words; words++) {
                char *const one[] = {*words, NULL};
                bool on = boot_words_have(one, key, "on"), off = boot_words_have(one, key, "off");
                if (!on && !off)
                        continue;
                found = *words;
                *ret_on = on && !off;
        }
        return found;
}

static bool turned_on(char *const *words) {
        bool on = false;
        return last_switch(words, "intel_iommu", &on) && on;
}

/* A parameter that keeps the IOMMU off, by the table that is there; NULL: none. */
static const char *word_off(const Setup *setup) {
        bool on = true;
        const char *word = NULL;
        if (has_dmar(setup) && (word = last_switch(setup->words, "intel_iommu", &on)) && !on)
                return word;
        if (has_ivrs(setup) && (word = word_with(setup->words, "amd_iommu", "off")))
                return word;
        return word_with(setup->words, "iommu", "off"); /* arch/x86/kernel/pci-dma.c iommu_setup() */
}

/* ---- the IOMMU ---- */

static const char *how_on(const Setup *setup) {
        bool on = false;
        const char *word = last_switch(setup->words, "intel_iommu", &on);
        return has_dmar(setup) && word && on ? word : NULL;
}

static void ok_iommu(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        const char *word = how_on(setup);
        g_autofree char *by = word ? g_strdup_printf(" (%s)", word) : g_strdup("");
        g_autofree char *groups = g_strdup_printf(", %u group%s", setup->groups, setup->groups == 1 ? "" : "s");
        if (doctor->scope == SCOPE_HOST)
                report(doctor, SEVERITY_OK, NULL, "IOMMU on%s%s", by, setup->groups ? groups : "");
        else
                report(doctor, SEVERITY_OK, NULL, "IOMMU on");
}

/* What 'doctor --fix' can do for whoever reads the remedy: only where it knows how this host keeps boot parameters. */
static const char *fix_hint(const Setup *setup) {
        return setup->boot.kind == BOOT_UNKNOWN ? "" : " ('vfadm doctor --fix' changes them)";
}

static Finding *iommu_off(Doctor *doctor, const char *what) {
        return report(doctor, SEVERITY_BLOCKS, NULL, "%s", what);
}

/* A parameter turned it off. Taking that away is enough only where the kernel has it on by itself. */
static void off_by_word(Doctor *doctor, const char *word) {
        const Setup *setup = doctor->setup;
        bool add = has_dmar(setup) && setup->intel_default_on != KNOWN_YES && !turned_on(setup->words);
        Finding *finding = iommu_off(doctor, "the IOMMU was turned off by a boot parameter");

        seen(finding, "%s", word);
        seen_in(finding, CMDLINE);
        if (setup->boot.next && !g_strv_contains((const char *const *) setup->boot.next, word) &&
            (!add || turned_on(setup->boot.next))) {
                remedy(finding, "reboot: the next boot is without it already");
                return;
        }
        remedy(finding, "take '%s' out of the boot parameters%s%s, and reboot", word, add ? ", put intel_iommu=on there" : "",
               fix_hint(setup));
        remedy_boot_remove(finding, word);
        if (add)
                remedy_boot_add(finding, "intel_iommu=on");
}

static void intel_missing(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        bool known = setup->intel_default_on == KNOWN_NO;
        Finding *finding = iommu_off(doctor, "the firmware has an Intel IOMMU, and the kernel leaves it off");

        seen(finding, "intel_iommu=on is not there, and this kernel's default is %s", known ? "off" : "not known");
        if (known && setup->config_file)
                seen_in(finding, CMDLINE ", /%s (CONFIG_INTEL_IOMMU_DEFAULT_ON)", setup->config_file);
        else
                seen_in(finding, CMDLINE);
        if (turned_on(setup->boot.next)) {
                remedy(finding, "reboot: the next boot has intel_iommu=on already");
                return;
        }
        remedy(finding, "put intel_iommu=on among the boot parameters%s, and reboot", fix_hint(setup));
        remedy_boot_add(finding, "intel_iommu=on");
}

static void off_without_cause(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        const char *table = has_dmar(setup) ? "DMAR" : "IVRS";
        Finding *finding = iommu_off(doctor, "the firmware has an IOMMU, the kernel has it on by default, and still none is active");

        if (has_ivrs(setup))
                seen(finding, "no group in /sys/kernel/iommu_groups; AMD's IOMMU needs no boot parameter");
        else
                seen(finding, "no group in /sys/kernel/iommu_groups; Intel's IOMMU is on by %s here",
                     how_on(setup) ? "boot parameter" : "default");
        seen_in(finding, "/sys/firmware/acpi/tables/%s", table);
        remedy(finding, "read " KERNEL_LOG ": the kernel says why it gave up; as a rule a BIOS update is needed");
}

/* No x86, or a host whose tables cannot be listed. */
static void off_elsewhere(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        Finding *finding = iommu_off(doctor, "no IOMMU is active");

        seen(finding, "there is no group");
        seen_in(finding, "/sys/kernel/iommu_groups");
        if (is_arm(setup))
                remedy(finding, "firmware: turn on 'SMMU' ('SMMUv3', 'IOMMU'); 'dmesg | grep -i smmu' tells what the kernel found");
        else if (is_x86(setup))
                remedy(finding, "BIOS: turn on 'VT-d' (Intel) or 'IOMMU' (AMD); Intel: boot with intel_iommu=on");
        else if (is_power(setup))
                remedy(finding, "'dmesg | grep -i iommu' tells what the kernel found; in a partition, VFs are given by the HMC");
        else
                remedy(finding, "'dmesg | grep -i iommu' tells what the kernel found");
}

static void check_iommu(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        bool table = has_dmar(setup) || has_ivrs(setup), told = setup->dmar.present == KNOWN_NO && setup->ivrs.present == KNOWN_NO;

        if (iommu_active(doctor)) {
                ok_iommu(doctor);
                return;
        }
        if (doctor->no_setup) { /* a record that knows no more */
                Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "no IOMMU is active here; why cannot be told");
                seen(finding, "no group");
                seen_in(finding, "/sys/kernel/iommu_groups");
                return;
        }
        /* Xen has it; or the firmware has none, which iommu-firmware-off says. */
        if (setup->xen_dom0 || !setup->arch || (is_x86(setup) && told && !setup->iommus->len))
                return;
        const char *word = table ? word_off(setup) : NULL;
        if (word)
                off_by_word(doctor, word);
        else if (has_dmar(setup) && !how_on(setup) && setup->intel_default_on != KNOWN_YES)
                intel_missing(doctor);
        else if (table)
                off_without_cause(doctor);
        else
                off_elsewhere(doctor);
}

static void check_passthrough(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        const char *word = word_with(setup->words, "iommu", "pt");

        if (!word)
                word = word_with(setup->words, "iommu.passthrough", "1");
        if (!iommu_active(doctor) || (!word && !setup->identity_groups))
                return;
        Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "the host's own devices bypass the IOMMU; those given to guests do not");
        if (word) {
                seen(finding, "%s", word);
                seen_in(finding, CMDLINE);
        } else {
                seen(finding, "domain 'identity' in %u of %u groups looked at", setup->identity_groups,
                     MAX(setup->groups_read, setup->identity_groups));
                seen_in(finding, "/sys/kernel/iommu_groups/*/type");
        }
}

/* ---- interrupts ---- */

static void remedy_intremap(Finding *finding, const Setup *setup) {
        if (setup->hypervisor)
                remedy(finding, "this host is a virtual machine itself: give it an IOMMU that remaps (QEMU: -machine q35,"
                       "kernel-irqchip=split -device intel-iommu,intremap=on)");
        else if (has_dmar(setup) && setup->dmar.readable && !setup->dmar.intr_remap)
                remedy(finding, "BIOS: turn on 'Interrupt Remapping' ('VT-d Interrupt Remapping', 'x2APIC'), or update the BIOS; it is "
                       "the firmware that says no");
        else if (has_ivrs(setup))
                remedy(finding, "update the BIOS (its IVRS must name every I/O APIC); " KERNEL_LOG " tells which is missing");
        else
                remedy(finding, "BIOS: turn on 'Interrupt Remapping' and 'x2APIC'; " KERNEL_LOG " tells why it is off");
}

static void see_intremap(Finding *finding, const Setup *setup, const char *word) {
        if (word) {
                seen(finding, "%s", word);
                seen_in(finding, CMDLINE);
        } else if (has_dmar(setup) && setup->dmar.readable && !setup->dmar.intr_remap) {
                seen(finding, "the flag INTR_REMAP is clear");
                seen_in(finding, "/sys/firmware/acpi/tables/DMAR");
        } else if (has_ivrs(setup) && setup->ivrs.readable && !setup->ivrs.intr_remap) {
                seen(finding, "no I/O APIC is named");
                seen_in(finding, "/sys/firmware/acpi/tables/IVRS");
        } else {
                seen(finding, "PCI-MSI, and nothing that begins with IR-%s",
                     has_dmar(setup) && setup->dmar.x2apic_opt_out ? "; the firmware opts out of x2APIC" : "");
                seen_in(finding, "/proc/interrupts");
        }
}

static const char *intremap_word(const Setup *setup) {
        const char *word = word_with(setup->words, "intremap", "off");
        for (char *const *at = setup->words; !word && at && *at; at++)
                if (g_str_equal(*at, "nointremap"))
                        word = *at;
        return word;
}

static void check_intremap(Doctor *doctor) {
        const Snapshot *host = doctor->host;
        const Setup *setup = doctor->setup;

        if (!iommu_active(doctor) || !is_x86(setup) || setup->xen_dom0)
                return;
        if (host->intremap == INTREMAP_ON)
                report(doctor, SEVERITY_OK, NULL, "interrupt remapping on");
        /* Where the risk was accepted, unsafe-interrupts tells of it. */
        if (host->intremap != INTREMAP_OFF || host->unsafe_interrupts)
                return;
        const char *word = intremap_word(setup);
        Finding *finding = report(doctor, SEVERITY_BLOCKS, NULL, "interrupts are not remapped, so VFIO gives no device away");
        see_intremap(finding, setup, word);
        if (word) {
                remedy(finding, "take '%s' out of the boot parameters%s, and reboot", word, fix_hint(setup));
                remedy_boot_remove(finding, word);
        } else {
                remedy_intremap(finding, setup);
        }
}

static void check_unsafe_interrupts(Doctor *doctor) {
        const Snapshot *host = doctor->host;

        if (!host->unsafe_interrupts)
                return;
        bool needless = host->intremap == INTREMAP_ON;
        Finding *finding = report(doctor, needless ? SEVERITY_NOTE : SEVERITY_WARNING, NULL, "%s",
                                  needless ? "unsafe interrupts are allowed, though interrupt remapping works" :
                                             "devices are given away without interrupt remapping: a guest can forge interrupts");
        seen(finding, "Y");
        seen_in(finding, UNSAFE_INTERRUPTS);
        if (needless)
                remedy(finding, "take allow_unsafe_interrupts out of /etc/modprobe.d and of the boot parameters: it does nothing now, and "
                       "would hide it if remapping went away");
        else
                remedy(finding, "turn interrupt remapping on (vfadm doctor --explain intremap-off); until then, only guests that "
                       "you trust as you trust the host");
}

/* ---- VFIO ---- */

static void check_vfio_missing(Doctor *doctor) {
        if (doctor->setup->vfio_module != KNOWN_NO || doctor->setup->xen_dom0)
                return;
        const char *release = doctor->host->kernel_release ? doctor->host->kernel_release : "";
        Finding *finding = report(doctor, SEVERITY_BLOCKS, NULL, "the running kernel has no vfio-pci");
        seen(finding, "vfio-pci is neither loaded nor built in nor among the modules");
        seen_in(finding, "/lib/modules/%s", release);
        remedy(finding, "install the kernel's other modules (Ubuntu: linux-modules-extra-%s; Debian: linux-image-amd64 in place of the "
               "cloud kernel; Fedora, RHEL: kernel-modules), or reboot, if the kernel was updated meanwhile", release);
}

static void check_noiommu(Doctor *doctor) {
        if (!doctor->setup->noiommu_mode)
                return;
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL, "VFIO's no-IOMMU mode is on: devices without an IOMMU can be opened, and "
                                  "reach all memory");
        seen(finding, "Y");
        seen_in(finding, NOIOMMU_MODE);
        remedy(finding, "echo N > " NOIOMMU_MODE ", and take enable_unsafe_noiommu_mode out of /etc/modprobe.d and of the boot parameters");
}

static void check_acs_override(Doctor *doctor) {
        const char *value = boot_words_get(doctor->setup->words, "pcie_acs_override");

        if (!value)
                return;
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL, "the ACS override patch is asked for: groups that it makes do not isolate");
        seen(finding, "pcie_acs_override%s%s", *value ? "=" : "", value);
        seen_in(finding, CMDLINE);
        remedy(finding, "take pcie_acs_override out of the boot parameters; give away only what the true groups allow, or move "
               "the card to a slot whose ports have ACS");
}

/* ---- the rest ---- */

static void check_lockdown(Doctor *doctor) {
        if (!doctor->host->lockdown)
                return;
        Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "the kernel is locked down%s: VFIO works; unsigned modules and writes to "
                                  "config space do not", doctor->setup->secure_boot == KNOWN_YES ? " (Secure Boot)" : "");
        seen(finding, "not 'none'");
        seen_in(finding, "/sys/kernel/security/lockdown");
}

static void check_xen(Doctor *doctor) {
        if (!doctor->setup->xen_dom0)
                return;
        Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "this is Xen's first domain: Xen has the IOMMU, and this kernel sees no groups");
        seen(finding, "control_d");
        seen_in(finding, "/proc/xen/capabilities");
        if (doctor->books) /* topic xen tells the rest */
                return;
        remedy(finding, "'xl info' must have hvm_directio among virt_caps; else turn VT-d or AMD-Vi on in the BIOS and look at 'xl dmesg'");
}

const Check checks_kernel[] = {
        {
                .id = "iommu-off",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST | SCOPE_DEVICE,
                .title = "No IOMMU is active",
                .why = "Without an IOMMU a device reads and writes all memory, so the kernel gives none to a guest.",
                .explain =
                        "An IOMMU is active when /sys/kernel/iommu_groups has entries. The firmware has the table "
                        "(DMAR or IVRS), so what is left is the kernel.\n\n"
                        "Intel: whether the kernel turns it on by itself was decided when it was built "
                        "(CONFIG_INTEL_IOMMU_DEFAULT_ON in /boot/config-RELEASE); Debian's default is on but for the "
                        "processor's own graphics, others differ. Where it is off, boot with intel_iommu=on. AMD: it "
                        "is on unless amd_iommu=off or iommu=off says otherwise; amd_iommu=on is no parameter that "
                        "the kernel knows. Arm: it is on where the firmware tells of an SMMU.\n\n"
                        "'vfadm doctor --fix' shows what it would change where this distribution keeps boot "
                        "parameters, asks, and does it; '--undo' takes it back. By hand: Debian, Ubuntu: "
                        "GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub, then update-grub. Fedora, RHEL: grubby "
                        "--update-kernel=ALL --args=intel_iommu=on. openSUSE, Arch: /etc/default/grub, then "
                        "grub-mkconfig -o /boot/grub/grub.cfg (openSUSE: grub2-mkconfig, /boot/grub2). Proxmox with "
                        "ZFS and UEFI: /etc/kernel/cmdline, then proxmox-boot-tool refresh. Pop!_OS: kernelstub -a "
                        "intel_iommu=on. Silverblue, CoreOS: rpm-ostree kargs --append=intel_iommu=on.\n\n"
                        "If the parameter is right and still nothing is active, the kernel's log says why: journalctl "
                        "-k -b -g 'DMAR|AMD-Vi|IOMMU'.",
                .run = check_iommu,
        },
        {
                .id = "iommu-passthrough",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST,
                .title = "The host's own devices bypass the IOMMU",
                .why = "It makes the host's own I/O faster and leaves guests as isolated as before, but a broken or hostile device of the host "
                       "can reach all memory.",
                .explain =
                        "With iommu=pt (iommu.passthrough=1) devices that the host drives itself get an identity "
                        "mapping: no translation, no cost. A device bound to VFIO gets a domain of its own whatever "
                        "this says. Many guides recommend it for hosts with guests, and it is a fair choice.\n\n"
                        "Without it, every DMA of the host is checked, which costs throughput on fast cards "
                        "(iommu.strict=0 takes back most) and stops what a malicious device (Thunderbolt) or broken "
                        "firmware could do. /sys/kernel/iommu_groups/N/type shows 'identity', 'DMA' or 'DMA-FQ'; "
                        "groups of PFs are looked at first, and not more than 64.",
                .run = check_passthrough,
        },
        {
                .id = "intremap-off",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST | SCOPE_DEVICE,
                .title = "Interrupts are not remapped",
                .why = "A guest could have its device send any interrupt to the host, so VFIO refuses.",
                .explain =
                        "A message interrupt is a write to memory, and a device that a guest controls can write any. "
                        "Interrupt remapping makes the IOMMU check which device sends which interrupt. Without it "
                        "VFIO says 'No interrupt remapping support. Use the module param \"allow_unsafe_interrupts\"' "
                        "and gives -EPERM.\n\n"
                        "It is known by /proc/interrupts: IR-PCI-MSI with remapping, PCI-MSI without. Causes, in the "
                        "order in which they are looked for: nointremap or intremap=off on the command line; the flag "
                        "INTR_REMAP in DMAR is clear (BIOS: 'Interrupt Remapping', 'x2APIC', or an old chipset: Intel "
                        "5500, 5520 and X58 have a fault for which the kernel turns it off); on AMD an I/O APIC that "
                        "IVRS does not name. That the firmware opts out of x2APIC (DMAR flag 1) does not turn "
                        "remapping off by itself: it limits the host to 255 processors, and intremap=no_x2apic_optout "
                        "overrides it.\n\n"
                        "In a virtual machine: QEMU's intel-iommu remaps with intremap=on and "
                        "kernel-irqchip=split.\n\n"
                        "vfio_iommu_type1.allow_unsafe_interrupts=1 makes VFIO go on without. See unsafe-interrupts "
                        "for what that means.",
                .run = check_intremap,
        },
        {
                .id = "unsafe-interrupts",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST | SCOPE_DEVICE,
                .title = "Unsafe interrupts are allowed",
                .why = "Without interrupt remapping a guest with a device can send forged interrupts to the host and take it over or down.",
                .explain =
                        "allow_unsafe_interrupts tells VFIO to give devices away on a host without interrupt "
                        "remapping. A guest that drives its device badly on purpose can inject any interrupt vector "
                        "into the host: at least a denial of service, at worst control over it (CVE-2011-1898). With "
                        "guests that one trusts as much as the host itself it is a choice.\n\n"
                        "Where remapping works, the option is without effect: VFIO asks for it only when there is no "
                        "remapping. It is better gone, since after a BIOS reset nobody would notice that remapping is "
                        "off.\n\n"
                        "It is set by 'options vfio_iommu_type1 allow_unsafe_interrupts=1' below /etc/modprobe.d "
                        "(then rebuild the initramfs: update-initramfs -u or dracut -f), by "
                        "vfio_iommu_type1.allow_unsafe_interrupts=1 on the command line, or by a write to "
                        UNSAFE_INTERRUPTS ".",
                .run = check_unsafe_interrupts,
        },
        {
                .id = "vfio-missing",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST | SCOPE_DEVICE,
                .title = "The running kernel has no vfio-pci",
                .why = "A device is given to a guest by binding it to vfio-pci.",
                .explain =
                        "vfio-pci is neither loaded nor built in, and the modules of the running kernel do not have "
                        "it. Kernels for virtual machines leave it out (Debian's cloud kernel), and some "
                        "distributions pack it apart (Ubuntu: linux-modules-extra-RELEASE).\n\n"
                        "The same is seen after an update that removed the running kernel's modules: reboot into the "
                        "new one.\n\n"
                        "Build options of a kernel of one's own: CONFIG_VFIO, CONFIG_VFIO_PCI, "
                        "CONFIG_VFIO_IOMMU_TYPE1 (POWER: CONFIG_VFIO_IOMMU_SPAPR_TCE) or CONFIG_IOMMUFD with "
                        "CONFIG_VFIO_DEVICE_CDEV.",
                .run = check_vfio_missing,
        },
        {
                .id = "noiommu-mode",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST | SCOPE_DEVICE,
                .title = "VFIO's no-IOMMU mode is on",
                .why = "Whoever may open such a device can read and write all of the host's memory.",
                .explain =
                        "enable_unsafe_noiommu_mode lets programs (DPDK) open devices by /dev/vfio/noiommu-N on hosts "
                        "without an IOMMU. Nothing is isolated, the kernel is tainted, and QEMU cannot use it: it "
                        "helps no guest.\n\n"
                        "On a host with an IOMMU it is not needed. echo N > " NOIOMMU_MODE " turns it off until the "
                        "next boot; the option is kept in /etc/modprobe.d ('options vfio "
                        "enable_unsafe_noiommu_mode=1') or on the command line.",
                .run = check_noiommu,
        },
        {
                .id = "acs-override",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST | SCOPE_DEVICE,
                .title = "The ACS override patch is asked for",
                .why = "Devices in groups that were split by it can reach each other without the IOMMU, and so can the guests that hold them.",
                .explain =
                        "pcie_acs_override is the parameter of a patch that no stock kernel has; some distributions' "
                        "kernels do (Proxmox, linux-zen, Unraid). It makes the kernel believe that ports isolate what "
                        "they do not: groups look small, and devices in them still exchange data behind the IOMMU's "
                        "back. One guest can then read or corrupt another's memory, or the host's, by its device. A "
                        "stock kernel passes the parameter over.\n\n"
                        "Without it the true groups are seen. 'vfadm doctor DEVICE' names the port that lacks ACS; "
                        "another slot (as a rule one wired to the processor) or a port whose BIOS setting 'ACS "
                        "Enable' was off is what helps. Devices that are given away together to one guest may share a "
                        "group.\n\n"
                        "vfadm does not take the parameter away by itself, since guests that rely on the split groups "
                        "would not start after it.",
                .run = check_acs_override,
        },
        {
                .id = "lockdown",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST,
                .title = "The kernel is locked down",
                .why = "Giving devices away works as usual, but some ways of repair do not.",
                .explain =
                        "With Secure Boot most distributions lock the kernel down (/sys/kernel/security/lockdown: "
                        "integrity or confidentiality). VFIO, SR-IOV and all that vfadm does go on working.\n\n"
                        "What does not: writing config space from user space (setpci), mapping BARs by "
                        "/sys/bus/pci/devices/…/resourceN, /dev/mem, unsigned modules (vendors' own drivers, "
                        "igb_uio), kexec of unsigned kernels, and tools that flash or configure cards through config "
                        "space or /dev/mem (mstconfig by mst, some of Intel's and Broadcom's): use the devlink or "
                        "ethtool way of the driver, or turn Secure Boot off while the card is set up.",
                .run = check_lockdown,
        },
        {
                .id = "xen-dom0",
                .topic = TOPIC_KERNEL,
                .scopes = SCOPE_HOST,
                .title = "Xen has the IOMMU",
                .why = "What this kernel says of IOMMU, groups and interrupts tells nothing about isolation under Xen.",
                .explain =
                        "Xen drives the IOMMU itself and hides the tables; the first domain's kernel has no groups. "
                        "'xl info' shows hvm_directio in virt_caps when it works. Xen's own parameter is iommu=on "
                        "(the default) on Xen's command line, not on Linux'.\n\n"
                        "Devices are given by xen-pciback (xl pci-assignable-add) in place of vfio-pci. MAC and VLAN "
                        "of a VF must be set on its PF in the first domain before the guest gets it: xl does not set "
                        "them.",
                .run = check_xen,
        },
        {.id = NULL},
};
