/* Checks of the processor: hardware virtualisation, KVM, and what is different where it is no x86. */
#include "doctor/platform.h"

#include <errno.h>
#include <string.h>

static const char *virt_name(const Setup *setup) {
        return setup->vendor == CPU_AMD ? "AMD-V" : setup->vendor == CPU_INTEL ? "VT-x" : "hardware virtualisation";
}

/* In Xen's first domain the flags are Xen's to hide, and guests run without KVM. */
static bool asks_kvm(const Setup *setup) {
        return setup->arch && setup->cpus && !setup->xen_dom0;
}

static bool kvm_known(const Setup *setup) {
        return asks_kvm(setup) && setup->kvm_error != -ENOSYS && setup->kvm_error != -ENODATA;
}

static void check_virt(Doctor *doctor) {
        const Setup *setup = doctor->setup;

        if (!asks_kvm(setup) || !is_x86(setup))
                return;
        if (setup->virt_flag) {
                report(doctor, SEVERITY_OK, NULL, "%s%s", virt_name(setup), setup->hypervisor ? " (nested)" : "");
                return;
        }
        if (kvm_known(setup) && setup->kvm_error >= 0) { /* a container may be shown other flags than the processor has */
                Finding *note = report(doctor, SEVERITY_NOTE, NULL, "the processor shows no hardware virtualisation, though /dev/kvm opens");
                seen(note, "neither vmx nor svm among the flags");
                seen_in(note, "/proc/cpuinfo");
                return;
        }
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL, "the processor offers no hardware virtualisation: guests run, if at "
                                  "all, without KVM");
        seen(finding, "neither vmx nor svm among the flags");
        seen_in(finding, "/proc/cpuinfo");
        if (setup->hypervisor)
                remedy(finding, "this host is a virtual machine itself: on its own host allow nesting (kvm_intel or kvm_amd nested=1) "
                       "and give it the host's CPU model (QEMU -cpu host, libvirt mode='host-passthrough')");
        else if (setup->vendor == CPU_AMD)
                remedy(finding, "BIOS: turn on 'SVM Mode' ('AMD-V', 'Virtualization Technology'), then switch the machine off and on");
        else
                remedy(finding, "BIOS: turn on 'Intel Virtualization Technology (VT-x)' ('Intel VMX', 'Virtualization "
                       "Technology'), then switch the machine off and on");
}

static const char *kvm_module(const Setup *setup) {
        if (is_x86(setup))
                return setup->vendor == CPU_AMD ? "kvm_amd" : "kvm_intel";
        return is_power(setup) ? "kvm_hv" : "kvm";
}

static bool is_denied(int error) {
        return error == -EACCES || error == -EPERM;
}

static void check_kvm_missing(Doctor *doctor) {
        const Setup *setup = doctor->setup;
        const char *module = kvm_module(setup);

        /* Without the processor's help there can be none, which virt-off has said. */
        if (!kvm_known(setup) || is_denied(setup->kvm_error) || (is_x86(setup) && !setup->virt_flag && setup->kvm_error < 0))
                return;
        if (setup->kvm_error >= 0) {
                report(doctor, SEVERITY_OK, NULL, "/dev/kvm opens");
                return;
        }
        bool loaded = setup_has_module(setup, module);
        Finding *finding = report(doctor, SEVERITY_WARNING, NULL, "KVM cannot be used: guests run, if at all, without it");
        seen(finding, "opening it: %s; %s is %sloaded", g_strerror(-setup->kvm_error), module, loaded ? "" : "not ");
        seen_in(finding, "/dev/kvm");
        if (loaded)
                remedy(finding, "systemd-tmpfiles --create --prefix=/dev/kvm, or, in a container, give it /dev/kvm");
        else if (is_x86(setup))
                remedy(finding, "modprobe %s; where that says 'Operation not supported', turn on '%s' in the BIOS", module,
                       setup->vendor == CPU_AMD ? "SVM Mode" : "Intel Virtualization Technology (VT-x)");
        else
                remedy(finding, "modprobe %s; where KVM is built in, 'dmesg | grep -i kvm' tells why it did not start", module);
}

static void check_kvm_denied(Doctor *doctor) {
        const Setup *setup = doctor->setup;

        if (!kvm_known(setup) || !is_denied(setup->kvm_error))
                return;
        Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "/dev/kvm is there, and whoever runs this may not open it");
        seen(finding, "%s", g_strerror(-setup->kvm_error));
        seen_in(finding, "/dev/kvm");
        remedy(finding, "nothing, where libvirt runs the guests; else usermod -aG kvm USER and log in anew, or look as root");
}

static void check_arm(Doctor *doctor) {
        if (!is_arm(doctor->setup))
                return;
        Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "an Arm host: the IOMMU is an SMMU, interrupts are kept apart by the GIC's "
                                  "ITS; boot parameters of x86 do nothing here");
        seen(finding, "%s", doctor->setup->arch);
        seen_in(finding, "/proc/sys/kernel/arch");
}

static void check_power(Doctor *doctor) {
        if (!is_power(doctor->setup))
                return;
        Finding *finding = report(doctor, SEVERITY_NOTE, NULL, "a POWER host: the IOMMU is always on, and devices are given by "
                                  "partitionable endpoint; boot parameters of x86 do nothing here");
        seen(finding, "%s", doctor->setup->arch);
        seen_in(finding, "/proc/sys/kernel/arch");
}

const Check checks_cpu[] = {
        {
                .id = "virt-off",
                .topic = TOPIC_CPU,
                .scopes = SCOPE_HOST,
                .title = "The processor offers no hardware virtualisation",
                .why = "Without it KVM does not run, and guests are emulated, tens of times slower.",
                .explain =
                        "KVM needs VT-x (Intel; the flag vmx) or AMD-V (AMD; the flag svm). The flags line of "
                        "/proc/cpuinfo has neither. Nearly every server processor can do it, so the firmware has it "
                        "turned off; Linux hides the flag then.\n\n"
                        "Intel: 'Intel Virtualization Technology', 'Intel VT-x', 'VMX' or plain 'Virtualization "
                        "Technology'. AMD: 'SVM Mode', 'SVM', 'AMD-V' or 'Virtualization Technology'. Usual places: "
                        "Dell: System BIOS > Processor Settings > Virtualization Technology. HPE: BIOS/Platform "
                        "Configuration > Virtualization Options. Lenovo: System Settings > Processors. Supermicro: "
                        "Advanced > CPU Configuration. ASUS, Gigabyte, MSI: Advanced > CPU Configuration (AMD also: "
                        "Overclocking > Advanced CPU Settings). The setting takes effect after power off and on, not "
                        "after a warm reboot, on many boards.\n\n"
                        "Where the host is a virtual machine itself, its hypervisor has to hand the flag down: KVM by "
                        "kvm_intel or kvm_amd nested=1 (the default in current kernels) and CPU model 'host'; VMware "
                        "by 'Expose hardware assisted virtualization'; Hyper-V by Set-VMProcessor "
                        "-ExposeVirtualizationExtensions $true.\n\n"
                        "This is another thing than the IOMMU (VT-d, AMD-Vi), which has a setting of its own. A "
                        "device can be given to a guest without KVM; nobody wants such a guest.",
                .run = check_virt,
        },
        {
                .id = "kvm-missing",
                .topic = TOPIC_CPU,
                .scopes = SCOPE_HOST,
                .title = "KVM cannot be used",
                .why = "Without /dev/kvm QEMU emulates the guest's processor, and libvirt refuses guests of type kvm.",
                .explain =
                        "The processor can do hardware virtualisation, but /dev/kvm is not there or cannot be opened. "
                        "As a rule the module is not loaded: 'modprobe kvm_intel' or 'modprobe kvm_amd' loads it, and "
                        "its message says why it would not: 'Operation not supported' and, in dmesg, 'SVM disabled "
                        "(by BIOS)' or 'VMX not enabled by BIOS' mean the setting that virt-off names. 'Device or "
                        "resource busy' means that another hypervisor has the processor.\n\n"
                        "With the module loaded and no node, /dev is not the kernel's own: a container or chroot "
                        "without /dev/kvm.\n\n"
                        "To load it at every boot, write kvm_intel or kvm_amd into /etc/modules-load.d/kvm.conf, and "
                        "look that nothing in /etc/modprobe.d blacklists it.",
                .run = check_kvm_missing,
        },
        {
                .id = "kvm-denied",
                .topic = TOPIC_CPU,
                .scopes = SCOPE_HOST,
                .title = "/dev/kvm may not be opened",
                .why = "A guest that this user starts runs without KVM.",
                .explain =
                        "/dev/kvm belongs to root and the group kvm (mode 0660). libvirt's guests run as a user in "
                        "that group, so for them nothing is wrong; a QEMU that this user starts by hand is "
                        "refused.\n\n"
                        "'usermod -aG kvm USER', then log in anew. If root sees this, the process is confined: a "
                        "container without the device (cgroup device rules), or SELinux or AppArmor ('ausearch -m "
                        "avc', 'dmesg').",
                .run = check_kvm_denied,
        },
        {
                .id = "arch-arm",
                .topic = TOPIC_CPU,
                .scopes = SCOPE_HOST,
                .title = "An Arm host: what differs",
                .why = "Advice for x86 hosts (VT-d, intel_iommu=on, interrupt remapping) does not hold here.",
                .explain =
                        "The IOMMU of an Arm server is the SMMU. It is on when the firmware tells of it (ACPI: the "
                        "table IORT; devicetree: nodes compatible with arm,smmu-v3 or arm,mmu-500); there is no boot "
                        "parameter to turn it on. In server firmware the setting is called 'SMMU', 'SMMUv3' or "
                        "'IOMMU' (Ampere Altra: Chipset > SMMU).\n\n"
                        "There is no interrupt remapping unit: message interrupts go through the GIC's ITS, which "
                        "knows the device that sends them and keeps devices apart. Where MSIs do not go through an "
                        "ITS, VFIO refuses unless vfio_iommu_type1.allow_unsafe_interrupts=1.\n\n"
                        "Passthrough for the host's own devices is iommu.passthrough=1. Groups and ACS are as on x86.",
                .run = check_arm,
        },
        {
                .id = "arch-power",
                .topic = TOPIC_CPU,
                .scopes = SCOPE_HOST,
                .title = "A POWER host: what differs",
                .why = "Advice for x86 hosts (VT-d, intel_iommu=on, interrupt remapping, ACS) does not hold here.",
                .explain =
                        "On POWER (PowerNV) the IOMMU cannot be turned off and needs no boot parameter. Isolation is "
                        "by partitionable endpoint (PE), which the firmware (OPAL) makes: a group is a PE, and a "
                        "whole bus can be one. VFIO works through vfio_iommu_spapr_tce (sPAPR TCE tables), not type "
                        "1: DMA windows are registered in advance, and the memory of a guest counts against its "
                        "locked memory limit from the start.\n\n"
                        "There is no interrupt remapping: the interrupt controller (XIVE, XICS) knows the PE that an "
                        "interrupt comes from. Errors are kept to a PE by EEH, which may freeze a device that was "
                        "given away; the guest recovers it.\n\n"
                        "KVM needs kvm_hv and a machine that runs PowerNV; in a PowerVM partition (pSeries) VFs are "
                        "given by the management console (HMC) to the partition, and giving them on to a guest needs "
                        "KVM in the partition (Power10).",
                .run = check_power,
        },
        {.id = NULL},
};
