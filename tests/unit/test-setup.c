/* How a host was set up, as it is read: processor, firmware, kernel, boot parameters. */
#include "host/host.h"
#include "host_tree.h"
#include "io/internal.h"

#include <errno.h>
#include <string.h>

static const Setup *setup_of(Snapshot *snapshot) {
        g_assert_nonnull(snapshot->setup);
        return snapshot->setup;
}

#define READ(host) \
        g_autoptr(Snapshot) snapshot = host_tree_read(host, HOST_SETUP); \
        const Setup *setup = setup_of(snapshot)

static void assert_words(char *const *words, const char *expected) {
        g_assert_nonnull(words);
        g_autofree char *joined = g_strjoinv(" ", (char **) words);
        g_assert_cmpstr(joined, ==, expected);
}

/* ---- processor ---- */

static void test_bare(void) {
        g_autoptr(Host) host = host_tree_new(1);
        READ(host);
        g_assert_null(setup->arch);
        g_assert_cmpuint(setup->cpus, ==, 0);
        g_assert_cmpint(setup->kvm_error, !=, 0);
        g_assert_cmpint(setup->dmar.present, ==, KNOWN_NOT);
        g_assert_cmpint(setup->efi, ==, KNOWN_NOT);
        g_assert_cmpint(setup->secure_boot, ==, KNOWN_NOT);
        g_assert_cmpint(setup->intel_default_on, ==, KNOWN_NOT);
        g_assert_cmpint(setup->vfio_module, ==, KNOWN_NOT);
        g_assert_null(setup->cmdline);
        g_assert_cmpint(setup->boot.kind, ==, BOOT_UNKNOWN);
        g_assert_null(setup->boot.next);
}

static void test_cpu_x86(void) {
        g_autoptr(Host) host = host_tree_new(1);
        host_put(host, "x86_64\n", "proc/sys/kernel/arch");
        host_put(host,
                 "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nflags\t\t: fpu lm vmx ssse3\nvmx flags\t: vnmi\n\n"
                 "processor\t: 1\nvendor_id\t: GenuineIntel\nflags\t\t: fpu lm\n\n", "proc/cpuinfo");
        READ(host);
        g_assert_cmpstr(setup->arch, ==, "x86_64");
        g_assert_cmpint(setup->vendor, ==, CPU_INTEL);
        g_assert_true(setup->virt_flag);
        g_assert_false(setup->hypervisor);
        g_assert_cmpuint(setup->cpus, ==, 2);
}

static void test_cpu_words(void) {
        static const struct {
                const char *cpuinfo, *arch;
                CpuVendor vendor;
                bool virt, hypervisor;
                unsigned cpus;
        } cases[] = {
                {"processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: lm svm hypervisor\n", "x86_64", CPU_AMD, true, true, 1},
                {"processor\t: 0\nvendor_id\t: HygonGenuine\nflags\t\t: lm\n", "x86_64", CPU_AMD, false, false, 1},
                {"processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: svmx vmxx\n", "i686", CPU_INTEL, false, false, 1},
                {"processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\n",
                 "aarch64", CPU_OTHER, false, false, 1},
                {"processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 3800MHz\n\nprocessor\t: 4\ncpu\t\t: POWER9\n\n"
                 "timebase\t: 512000000\nplatform\t: PowerNV\n", "ppc64le", CPU_OTHER, false, false, 2},
                {"processor\t: 0\ncpu\t\t: POWER10\n\ntimebase\t: 512000000\nplatform\t: pSeries\n", "ppc64le", CPU_OTHER, false, true, 1},
                {"processor\t: 0\nhart\t: 0\nisa\t\t: rv64imafdc\n", "riscv64", CPU_OTHER, false, false, 1},
                {"vendor_id       : IBM/S390\n# processors    : 2\n", "s390x", CPU_OTHER, false, false, 0},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Host) host = host_tree_new(0);
                host_put(host, cases[i].cpuinfo, "proc/cpuinfo");
                READ(host);
                g_assert_cmpstr(setup->arch, ==, cases[i].arch);
                g_assert_cmpint(setup->vendor, ==, cases[i].vendor);
                g_assert_cmpint(setup->virt_flag, ==, cases[i].virt);
                g_assert_cmpint(setup->hypervisor, ==, cases[i].hypervisor);
                g_assert_cmpuint(setup->cpus, ==, cases[i].cpus);
        }
}

static void test_kvm(void) {
        g_autoptr(Host) host = host_tree_new(0);
        io_tree_put_open(host->tree, "dev/kvm", 0);
        {
                READ(host);
                g_assert_cmpint(setup->kvm_error, ==, 0);
        }
        io_tree_put_open(host->tree, "dev/kvm", -EACCES);
        READ(host);
        g_assert_cmpint(setup->kvm_error, ==, -EACCES);
}

/* ---- firmware ---- */

/* One unit, and memory kept for 01:00.0, by the way there, and for all below the root port 00:02.0. */
static const uint8_t dmar[106] = {
        'D', 'M', 'A', 'R', 106, 0, 0, 0, 1, [36] = 45, 1,
        [48] = 0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0xd9, 0xfe,
        [64] = 1, 0, 42, 0, [74] = 0, 0x9d, [80] = 0xff, 0xff, 0, 0x9d,
        [88] = 1, 10, 0, 0, 0, 0, 2, 0, 0, 0,
        [98] = 2, 8, 0, 0, 0, 0, 2, 0,
};

static void put_dmar(Host *host) {
        uint8_t table[sizeof dmar], sum = 0;
        memcpy(table, dmar, sizeof dmar);
        for (size_t i = 0; i < sizeof table; i++)
                sum = (uint8_t) (sum + table[i]);
        table[9] = (uint8_t) -sum;
        io_tree_put_file(host->tree, "sys/firmware/acpi/tables/DMAR", table, sizeof table);
}

static void test_firmware(void) {
        g_autoptr(Host) host = host_tree_new(2);
        static const uint8_t secure_boot[] = {6, 0, 0, 0, 1};

        put_dmar(host);
        io_tree_put_file(host->tree, "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", secure_boot,
                         sizeof secure_boot);
        READ(host);
        g_assert_cmpint(setup->dmar.present, ==, KNOWN_YES);
        g_assert_cmpint(setup->ivrs.present, ==, KNOWN_NO);
        g_assert_cmpint(setup->iort, ==, KNOWN_NO);
        g_assert_true(setup->dmar.valid);
        g_assert_cmpuint(setup->dmar.units, ==, 1);
        g_assert_cmpuint(setup->dmar.reserved->len, ==, 2);
        const ReservedMemory *memory = &g_array_index(setup->dmar.reserved, ReservedMemory, 0);
        g_assert_true(pci_addr_equal(memory->dev, (PciAddr) {0, 1, 0, 0}));
        g_assert_true(pci_addr_equal(memory->last, memory->dev));
        g_assert_cmphex(memory->end, ==, 0x9d00ffff);
        g_assert_false(memory->below);
        g_assert_true(memory[1].below);
        g_assert_true(pci_addr_equal(memory[1].dev, (PciAddr) {0, 0, 2, 0}));
        g_assert_cmpint(setup->efi, ==, KNOWN_YES);
        g_assert_cmpint(setup->secure_boot, ==, KNOWN_YES);
}

static void test_firmware_refused(void) {
        g_autoptr(Host) host = host_tree_new(0);
        io_tree_put_errno(host->tree, "sys/firmware/acpi/tables/IVRS", -EACCES);
        READ(host);
        g_assert_cmpint(setup->ivrs.present, ==, KNOWN_YES);
        g_assert_false(setup->ivrs.readable);
        g_assert_cmpint(setup->efi, ==, KNOWN_NO);
        g_assert_cmpint(setup->secure_boot, ==, KNOWN_NO);
}

static void test_firmware_none(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_put(host, "x", "sys/firmware/devicetree/base/name");
        READ(host);
        g_assert_cmpint(setup->dmar.present, ==, KNOWN_NO);
        g_assert_cmpint(setup->iort, ==, KNOWN_NO);
}

/* ---- kernel ---- */

static void test_kernel(void) {
        g_autoptr(Host) host = host_tree_new(3);
        put_dmar(host);
        host_put(host, "root=/dev/vda1 intel_iommu=on iommu=pt dyndbg=\"file a.c +p\"\n", "proc/cmdline");
        host_put(host, "CONFIG_INTEL_IOMMU=y\n# CONFIG_INTEL_IOMMU_DEFAULT_ON is not set\nCONFIG_INTEL_IOMMU_DEFAULT_ON_INTGPU_OFF=y\n",
                 "boot/config-6.12.107-test");
        host_put(host, "identity\n", "sys/kernel/iommu_groups/10/type");
        host_put(host, "DMA\n", "sys/kernel/iommu_groups/20/type");
        host_put(host, "1:0\n", "sys/class/iommu/dmar0/intel-iommu/version");
        host_put(host, "Y\n", "sys/module/vfio_pci/parameters/enable_sriov");
        host_put(host, "Y\n", "sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
        host_put(host, "1\n", "sys/module/kvm_intel/refcnt");
        host_put(host, "1\n", "sys/module/ext4/refcnt");
        READ(host);
        assert_words(setup->words, "root=/dev/vda1 intel_iommu=on iommu=pt dyndbg=file a.c +p");
        g_assert_cmpint(setup->intel_default_on, ==, KNOWN_YES);
        g_assert_cmpstr(setup->config_file, ==, "boot/config-6.12.107-test");
        g_assert_cmpuint(setup->groups, ==, 2);
        g_assert_cmpuint(setup->groups_read, ==, 2);
        g_assert_cmpuint(setup->identity_groups, ==, 1);
        g_assert_cmpuint(setup->iommus->len, ==, 1);
        g_assert_cmpstr(setup->iommus->pdata[0], ==, "dmar0");
        g_assert_true(setup_has_module(setup, "kvm_intel"));
        g_assert_true(setup_has_module(setup, "vfio_pci"));
        g_assert_false(setup_has_module(setup, "ext4"));
        g_assert_true(setup->vfio_pci_sriov);
        g_assert_true(setup->noiommu_mode);
        g_assert_cmpint(setup->vfio_module, ==, KNOWN_YES);
        g_assert_false(setup->xen_dom0);
}

static void test_config(void) {
        static const struct {
                const char *text;
                Known known;
        } cases[] = {
                {"CONFIG_INTEL_IOMMU=y\nCONFIG_INTEL_IOMMU_DEFAULT_ON=y\n", KNOWN_YES},
                {"CONFIG_INTEL_IOMMU_DEFAULT_ON=y\nCONFIG_INTEL_IOMMU=y", KNOWN_YES},
                {"CONFIG_INTEL_IOMMU=y\n# CONFIG_INTEL_IOMMU_DEFAULT_ON is not set\n", KNOWN_NO},
                {"CONFIG_INTEL_IOMMU=y\n# CONFIG_INTEL_IOMMU_DEFAULT_ON=y\n", KNOWN_NO},
                {"CONFIG_X86=y\n", KNOWN_NOT},
                {"", KNOWN_NOT},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Host) host = host_tree_new(0);
                put_dmar(host);
                host_put(host, cases[i].text, "lib/modules/6.12.107-test/config");
                READ(host);
                g_assert_cmpint(setup->intel_default_on, ==, cases[i].known);
                g_assert_cmpint(setup->config_file != NULL, ==, cases[i].known != KNOWN_NOT);
        }
}

/* Thousands of groups: the PF's is among those that are looked at. */
static void test_many_groups(void) {
        g_autoptr(Host) host = host_tree_new(1);
        host_put(host, "identity\n", "sys/kernel/iommu_groups/10/type");
        for (unsigned i = 1000; i < 3000; i++)
                host_put(host, "DMA\n", "sys/kernel/iommu_groups/%u/type", i);
        READ(host);
        g_assert_cmpuint(setup->groups, ==, 2001);
        g_assert_cmpuint(setup->groups_read, ==, 64);
        g_assert_cmpuint(setup->identity_groups, ==, 1);
}

static void test_vfio_module(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_put(host, "kernel/fs/ext4/ext4.ko\n", "lib/modules/6.12.107-test/modules.builtin");
        {
                READ(host);
                g_assert_cmpint(setup->vfio_module, ==, KNOWN_NO);
        }
        host_put(host, "kernel/drivers/vfio/pci/vfio-pci-core.ko\nkernel/drivers/vfio/pci/vfio-pci.ko\n",
                 "lib/modules/6.12.107-test/modules.builtin");
        {
                READ(host);
                g_assert_cmpint(setup->vfio_module, ==, KNOWN_YES);
        }
        host_put(host, "\n", "lib/modules/6.12.107-test/modules.builtin");
        host_put(host, "x", "lib/modules/6.12.107-test/kernel/drivers/vfio/pci/vfio-pci.ko.zst");
        READ(host);
        g_assert_cmpint(setup->vfio_module, ==, KNOWN_YES);
}

static void test_xen(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_put(host, "xen\n", "sys/hypervisor/type");
        host_put(host, "\n", "proc/xen/capabilities");
        {
                READ(host);
                g_assert_false(setup->xen_dom0);
        }
        host_put(host, "control_d\n", "proc/xen/capabilities");
        READ(host);
        g_assert_true(setup->xen_dom0);
}

/* ---- boot parameters ---- */

#define MENU                                                                             \
        "if [ \"${next_entry}\" ] ; then\n   set default=\"${next_entry}\"\nelse\n"        \
        "   set default=\"%s\"\nfi\nmenuentry 'Debian' --class debian {\n"               \
        "\tlinux\t/boot/vmlinuz-6.12 root=UUID=1 ro quiet intel_iommu=on\n"              \
        "\tinitrd\t/boot/initrd.img-6.12\n}\nmenuentry 'old' {\n\tlinux /boot/vmlinuz-6.1 root=UUID=1 ro\n}\n"

static void put_menu(Host *host, const char *path, const char *def) {
        g_auto(GStrv) parts = g_strsplit(MENU, "%s", 2);
        g_autofree char *text = g_strjoinv(def, parts);
        host_put(host, text, "%s", path);
}

static void test_boot_grub_debian(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_put(host, "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n", "etc/default/grub");
        host_put(host, "#!/bin/sh\nfor x in ${sysconfdir}/default/grub.d/*.cfg ; do . \"$x\"; done\n", "usr/sbin/grub-mkconfig");
        host_put(host, "#!/bin/sh\n", "usr/sbin/update-grub");
        put_menu(host, "boot/grub/grub.cfg", "0");
        {
                READ(host);
                g_assert_cmpint(setup->boot.kind, ==, BOOT_GRUB);
                g_assert_cmpstr(setup->boot.file, ==, "etc/default/grub.d/60-vfadm.cfg");
                g_assert_null(setup->boot.text);
                g_assert_cmpstr(setup->boot.main_file, ==, "etc/default/grub");
                g_assert_cmpstr(setup->boot.main_text, ==, "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
                g_assert_cmpstr(setup->boot.menu, ==, "boot/grub/grub.cfg");
                g_assert_cmpstr(setup->boot.tool, ==, "/usr/sbin/update-grub");
                assert_words(setup->boot.next, "root=UUID=1 ro quiet intel_iommu=on");
                g_assert_null(setup->boot.note);
        }
        /* Another entry is the default: what is booted next is not told by the first. */
        put_menu(host, "boot/grub/grub.cfg", "1>2");
        host_put(host, "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT intel_iommu=on\"\n",
                 "etc/default/grub.d/60-vfadm.cfg");
        host_put(host, "add intel_iommu=on\n", "var/lib/vfadm/boot-parameters");
        READ(host);
        g_assert_null(setup->boot.next);
        g_assert_nonnull(setup->boot.text);
        g_assert_cmpstr(setup->boot.note, ==, "add intel_iommu=on\n");
}

static void test_boot_grub_other(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_put(host, "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n", "etc/default/grub");
        host_put(host, "#!/bin/sh\nif test -f ${sysconfdir}/default/grub ; then . ${sysconfdir}/default/grub; fi\n",
                 "usr/bin/grub-mkconfig");
        put_menu(host, "boot/grub/grub.cfg", "0");
        READ(host);
        g_assert_cmpint(setup->boot.kind, ==, BOOT_GRUB);
        g_assert_cmpstr(setup->boot.file, ==, "etc/default/grub");
        g_assert_cmpstr(setup->boot.tool, ==, "/usr/bin/grub-mkconfig");
        g_assert_cmpstr(setup->boot.text, ==, setup->boot.main_text);
}

static void test_boot_grubby(void) {
        g_autoptr(Host) host = host_tree_new(0);
        host_put(host, "GRUB_DEFAULT=saved\n", "etc/default/grub");
        put_menu(host, "boot/grub2/grub.cfg", "0");
        host_put(host, "#!/bin/bash\n", "usr/sbin/grubby");
        host_put(host, "title Fedora\nversion 6.9\noptions root=/dev/sda2 ro rhgb\n", "boot/loader/entries/abc-6.9.0-1.conf");
        host_put(host, "title Fedora\nversion 6.12\noptions $kernelopts intel_iommu=on\n", "boot/loader/entries/abc-6.12.0-1.conf");
        host_put(host, "title Rescue\noptions single\n", "boot/loader/entries/abc-rescue.conf");
        host_put(host, "# GRUB Environment Block\nkernelopts=root=/dev/sda2 ro\n#####", "boot/grub2/grubenv");
        {
                READ(host);
                g_assert_cmpint(setup->boot.kind, ==, BOOT_GRUBBY);
                g_assert_cmpstr(setup->boot.tool, ==, "/usr/sbin/grubby");
                g_assert_null(setup->boot.file);
                g_assert_cmpstr(setup->boot.menu, ==, "boot/loader/entries/abc-6.12.0-1.conf");
                assert_words(setup->boot.next, "intel_iommu=on root=/dev/sda2 ro");
        }
        host_put(host, "saved_entry=abc-6.9.0-1\n", "boot/grub2/grubenv");
        READ(host);
        g_assert_cmpstr(setup->boot.menu, ==, "boot/loader/entries/abc-6.9.0-1.conf");
        assert_words(setup->boot.next, "root=/dev/sda2 ro rhgb");
}

static void put_loader(Host *host, const char *name) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_byte_array_append(bytes, (const uint8_t[]) {6, 0, 0, 0}, 4);
        for (const char *at = name; *at; at++)
                g_byte_array_append(bytes, (const uint8_t[]) {(uint8_t) *at, 0}, 2);
        io_tree_put_file(host->tree, "sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f", bytes->data, bytes->len);
}

static void test_boot_systemd(void) {
        g_autoptr(Host) host = host_tree_new(0);
        put_loader(host, "systemd-boot 257");
        host_put(host, "#!/bin/sh\n", "usr/bin/kernel-install");
        /* GRUB lies around and does not start this host. */
        host_put(host, "GRUB_DEFAULT=0\n", "etc/default/grub");
        put_menu(host, "boot/grub/grub.cfg", "0");
        {
                READ(host);
                g_assert_cmpint(setup->boot.kind, ==, BOOT_UNKNOWN); /* no etc/kernel/cmdline to change */
        }
        host_put(host, "root=/dev/vda1 ro\n", "etc/kernel/cmdline");
        host_put(host, "title x\nlinux /vmlinuz\noptions root=/dev/vda1 ro quiet\n", "efi/loader/entries/id-6.12.0.conf");
        READ(host);
        g_assert_cmpint(setup->boot.kind, ==, BOOT_KERNEL_CMDLINE);
        g_assert_cmpstr(setup->boot.file, ==, "etc/kernel/cmdline");
        g_assert_cmpstr(setup->boot.text, ==, "root=/dev/vda1 ro\n");
        g_assert_cmpstr(setup->boot.tool, ==, "/usr/bin/kernel-install");
        assert_words(setup->boot.next, "root=/dev/vda1 ro quiet");
}

static void test_boot_others(void) {
        g_autoptr(Host) proxmox = host_tree_new(0);
        host_put(proxmox, "initrd=\\EFI\\proxmox\\6.8.12-4-pve\\initrd.img-6.8.12-4-pve root=ZFS=rpool/ROOT/pve-1\n", "proc/cmdline");
        host_put(proxmox, "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n", "etc/kernel/cmdline");
        host_put(proxmox, "#!/bin/sh\n", "usr/sbin/proxmox-boot-tool");
        {
                READ(proxmox);
                g_assert_cmpint(setup->boot.kind, ==, BOOT_PROXMOX);
                g_assert_cmpstr(setup->boot.tool, ==, "/usr/sbin/proxmox-boot-tool");
                g_assert_null(setup->boot.next);
        }
        g_autoptr(Host) ostree = host_tree_new(0);
        host_put(ostree, "", "run/ostree-booted");
        host_put(ostree, "x", "usr/bin/rpm-ostree");
        host_put(ostree, "x", "usr/bin/grubby");
        host_put(ostree, "options root=a intel_iommu=on\n", "boot/loader/entries/ostree-2.conf");
        host_put(ostree, "options root=a\n", "boot/loader/entries/ostree-1.conf");
        {
                READ(ostree);
                g_assert_cmpint(setup->boot.kind, ==, BOOT_OSTREE);
                assert_words(setup->boot.next, "root=a intel_iommu=on");
        }
        g_autoptr(Host) pop = host_tree_new(0);
        host_put(pop, "{}\n", "etc/kernelstub/configuration");
        host_put(pop, "x", "usr/bin/kernelstub");
        host_put(pop, "options root=b quiet\n", "boot/efi/loader/entries/Pop_OS-current.conf");
        READ(pop);
        g_assert_cmpint(setup->boot.kind, ==, BOOT_KERNELSTUB);
        g_assert_cmpstr(setup->boot.menu, ==, "boot/efi/loader/entries/Pop_OS-current.conf");
        assert_words(setup->boot.next, "root=b quiet");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/setup/bare", test_bare);
        g_test_add_func("/setup/cpu-x86", test_cpu_x86);
        g_test_add_func("/setup/cpu-words", test_cpu_words);
        g_test_add_func("/setup/kvm", test_kvm);
        g_test_add_func("/setup/firmware", test_firmware);
        g_test_add_func("/setup/firmware-refused", test_firmware_refused);
        g_test_add_func("/setup/firmware-none", test_firmware_none);
        g_test_add_func("/setup/kernel", test_kernel);
        g_test_add_func("/setup/config", test_config);
        g_test_add_func("/setup/many-groups", test_many_groups);
        g_test_add_func("/setup/vfio-module", test_vfio_module);
        g_test_add_func("/setup/xen", test_xen);
        g_test_add_func("/setup/boot-grub-debian", test_boot_grub_debian);
        g_test_add_func("/setup/boot-grub-other", test_boot_grub_other);
        g_test_add_func("/setup/boot-grubby", test_boot_grubby);
        g_test_add_func("/setup/boot-systemd", test_boot_systemd);
        g_test_add_func("/setup/boot-others", test_boot_others);
        return g_test_run();
}
