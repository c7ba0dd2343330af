/* How a host was set up, beyond its devices: processor, firmware, kernel, boot parameters, configuration files, tools. Read
 * only for 'vfadm doctor' (HOST_SETUP). Plain data; owned text is freed with it. Paths have no leading '/', as the seam's. */
#pragma once

#include "model/pci.h"
#include "model/vfstate.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* A question whose answer may not be known, for want of a file or of the right to read it. */
typedef enum { KNOWN_NOT, KNOWN_NO, KNOWN_YES } Known;

typedef enum { CPU_OTHER, CPU_INTEL, CPU_AMD } CpuVendor; /* Hygon counts as AMD, Zhaoxin as Intel */

/* A device whose memory the firmware keeps mapped (DMAR's RMRR, IVRS' IVMD): the kernel refuses to give it to a guest
 * (drivers/iommu/intel/iommu.c device_rmrr_is_relaxable). */
typedef struct {
        PciAddr dev;      /* the function, or the bridge above it */
        PciAddr last;     /* IVRS: all from `dev` to this one are meant; else the same as `dev` */
        bool below;       /* `dev` is a bridge and all below it is meant */
        uint64_t start, end;
} ReservedMemory;

/* The firmware's IOMMU table: ACPI DMAR (Intel) or IVRS (AMD). */
typedef struct {
        Known present;        /* the table exists; NOT: the folder of tables cannot be listed */
        bool readable;       /* its bytes were read: root only */
        bool valid;          /* and make sense; else the numbers below are what could be read before it went wrong */
        bool intr_remap;     /* DMAR flags bit 0; IVRS: EFR/IVinfo do not forbid it */
        bool x2apic_opt_out; /* DMAR flags bit 1 */
        bool dma_opt_in;     /* DMAR flags bit 2: the platform asks for DMA protection */
        unsigned units;      /* DRHD or IVHD blocks (AMD: distinct IOMMUs) */
        unsigned address_bits;
        GArray *reserved;    /* ReservedMemory */
} IommuTable;

/* Where this host keeps its boot parameters. */
typedef enum {
        BOOT_UNKNOWN,        /* cannot be told, or nothing that vfadm knows to change */
        BOOT_GRUB,           /* etc/default/grub.d/60-vfadm.cfg, then update-grub (or grub-mkconfig) */
        BOOT_GRUBBY,         /* Fedora, RHEL: grubby --update-kernel=ALL --args=… */
        BOOT_KERNELSTUB,     /* Pop!_OS: kernelstub --add-options */
        BOOT_KERNEL_CMDLINE, /* etc/kernel/cmdline, then kernel-install or the distribution's own tool */
        BOOT_PROXMOX,        /* etc/kernel/cmdline, then proxmox-boot-tool refresh */
        BOOT_OSTREE,         /* rpm-ostree kargs --append */
} BootKind;

typedef struct {
        BootKind kind;
        char *file;  /* the file to which parameters are added; NULL: only a command does it. GRUB: "etc/default/grub.d/60-vfadm.cfg"
                        where the distribution reads that folder (Debian's family), else "etc/default/grub" itself;
                        KERNEL_CMDLINE, PROXMOX: "etc/kernel/cmdline" */
        char *text;  /* its content; NULL: it is not there */
        char *main_file; /* GRUB: "etc/default/grub", where parameters that are to go may stand; else NULL. May be `file` */
        char *main_text; /* its content; NULL: it is not there, or cannot be read */
        char *menu;  /* the file that the loader reads, made from `file` ("boot/grub/grub.cfg", "boot/loader/entries/….conf" of
                        the kernel that is booted by default); NULL: none or not known */
        char **next; /* parameters that the next boot will have: boot_menu_words() of the menu, or what `tool` says; NULL:
                        cannot be told */
        char *tool;  /* absolute path of the program that makes it effective, with its leading '/': update-grub, grub-mkconfig,
                        grub2-mkconfig, grubby, kernelstub, kernel-install, sdbootutil, mkinitcpio, dracut, reinstall-kernels,
                        proxmox-boot-tool, rpm-ostree; NULL: none found */
        char *note;  /* content of var/lib/vfadm/boot-parameters: what 'doctor --fix' put there; NULL: nothing */
} BootConf;

/* What makes the initramfs of this host. */
typedef enum {
        INITRAMFS_NONE,       /* nothing that is known was found: there may be no initramfs */
        INITRAMFS_TOOLS,      /* initramfs-tools: etc/initramfs-tools/modules, then update-initramfs */
        INITRAMFS_DRACUT,     /* etc/dracut.conf.d/, then dracut */
        INITRAMFS_MKINITCPIO, /* etc/mkinitcpio.conf.d/, then mkinitcpio */
        INITRAMFS_OTHER,      /* there is one, and vfadm does not know how to have a module in it */
} InitramfsKind;

#define HIDE_KEY "xen-pciback.hide" /* drivers/xen/xen-pciback/pci_stub.c */
#define HIDE_CONF "etc/modprobe.d/vfadm-xen-pciback.conf"
#define HIDE_NOTE "var/lib/vfadm/boot-hidden"

/* How Xen's pciback can get devices at boot, before the host's own drivers do. */
typedef struct {
        Known pciback;  /* the running kernel has xen-pciback */
        bool builtin;   /* and in itself: then it is told by a boot parameter; else as a module */
        char *text;     /* content of HIDE_CONF, which is vfadm's; NULL: it is not there */
        char *note;     /* content of HIDE_NOTE: the boot parameter that 'bind --boot' put there; NULL: none */
        InitramfsKind initramfs;
        char *tool;      /* absolute path of its program, with its leading '/'; NULL with NONE and OTHER */
        char *file;      /* the file that says which modules are in it; NULL with NONE and OTHER */
        char *file_text; /* its content; NULL: it is not there */
} HideConf;

/* What makes VFs, sets them or binds drivers at boot, other than vfadm. */
typedef enum {
        MECH_MODPROBE,  /* modprobe.d: max_vfs=, vfio-pci ids=, blacklist … */
        MECH_UDEV,      /* a rule that writes sriov_numvfs or driver_override */
        MECH_LINK,      /* systemd.link: SR-IOVVirtualFunctions= and [SR-IOV] */
        MECH_NETWORK,   /* systemd.network: [SR-IOV] */
        MECH_NM,        /* a NetworkManager profile with sriov settings */
        MECH_NETPLAN,   /* virtual-function-count: and its kin */
        MECH_DRIVERCTL, /* etc/driverctl.d/ */
        MECH_TMPFILES,  /* w /sys/…/sriov_numvfs */
        MECH_UNIT,      /* a systemd service that writes sriov_numvfs */
        MECH_SCRIPT,    /* rc.local, ifupdown's interfaces */
        MECH_SYSFS,     /* sysfsutils: sysfs.conf */
        MECH_LIBVIRT,   /* a network with <forward mode='hostdev'> */
        MECH_CMDLINE,   /* the kernel command line: vfio-pci.ids=, igb.max_vfs=, xen-pciback.hide= */
        MECH_KINDS,
} MechanismKind;

enum {
        SETS_NUMVFS = 1 << 0,
        SETS_VF_STATE = 1 << 1,  /* MAC, VLAN, trust … */
        SETS_DRIVER = 1 << 2,    /* which driver gets a device */
        SETS_UNMANAGED = 1 << 3, /* keeps NetworkManager or networkd off */
        SETS_MANAGED = 1 << 4,   /* makes them take it: DHCP … */
        SETS_POOL = 1 << 5,      /* hands VFs to guests */
        SETS_OPTION = 1 << 6,    /* an option of a VFIO module, as `text` says: enable_sriov, allow_unsafe_interrupts … */
        SETS_AUTOPROBE = 1 << 7, /* whether drivers come to new VFs */
};

/* What is to be known of a mechanism besides. */
enum {
        TRAIT_NO_MOVE = 1 << 0,  /* MECH_UDEV: the rule does not act on "move", which a renamed interface sends */
        TRAIT_EMPTY = 1 << 1,    /* a [SR-IOV] section that sets nothing */
        TRAIT_SHADOWED = 1 << 2, /* MECH_LINK: sorted behind 99-default.link, which takes every interface first */
        TRAIT_KEEPS = 1 << 3,    /* MECH_NM: preserve-on-down=1, the VFs stay when the profile goes down */
        TRAIT_CONDITION = 1 << 4, /* MECH_UDEV: a match that is not weighed here (`more` names it), so that fewer devices may be meant */
};

/* What is set of one VF. */
typedef struct {
        unsigned index;
        VfState vf;
} MechanismVf;

typedef struct {
        MechanismKind kind;
        char *path;
        unsigned line;   /* from 1; 0: the file as a whole */
        unsigned sets;   /* SETS_* */
        unsigned traits; /* TRAIT_* */
        char *text;      /* the line or setting itself, one line without control characters; NULL: not told */
        /* Which devices it means, as far as it says so: NULL or 0 where it does not. It means what fits all of them. */
        char *driver;    /* of the PF */
        char *netdev;    /* may have shell wildcards, as udev's and systemd's matches, and alternatives parted by '|' */
        char *bdf;       /* "0000:01:00.0", may have wildcards and alternatives */
        uint8_t mac[6];
        uint16_t vendor, device;
        int64_t num_vfs; /* SETS_NUMVFS: how many; -1: not told */
        char *to_driver; /* SETS_DRIVER */
        GArray *zero_lines; /* SETS_NUMVFS: unsigned, lines before this one that write 0 on the way to it; NULL: none */
        int autoprobe;   /* SETS_AUTOPROBE: 0 or 1; -1: not told */
        GArray *vfs;     /* SETS_VF_STATE: MechanismVf, as far as it is told; NULL: not told */
        char *option;    /* MECH_MODPROBE: the name of the module's option */
        char *more;      /* what the same rule, section or profile does besides, of which vfadm has no word; NULL: nothing */
        bool active;     /* false: it is there and does nothing (a disabled unit, a network without autostart) */
} Mechanism;

typedef struct {
        char *name;      /* "libvirt", "qemu", "xen", "driverctl", "networkmanager", "systemd" … */
        char *version;   /* NULL: it is there and does not say */
        bool running;    /* its daemon runs */
} Tool;

/* What configuration files say of Xen's pciback, which is to get its functions before dom0's own drivers. */
typedef enum {
        PCIBACK_OPTION,  /* modprobe.d: an option of the module: name "hide", "permissive" … */
        PCIBACK_SOFTDEP, /* modprobe.d: it is loaded before the module `name` */
        PCIBACK_LOADED,  /* modules-load.d, etc/modules: it is loaded while the system starts, as a rule too late for hide= */
        PCIBACK_EARLY,   /* the initramfs has it, by this file of its tool */
        PCIBACK_GRUB_XEN, /* a word of the hypervisor's own command line, where pciback's do nothing: name "xen-pciback.hide" */
} PcibackPlace;

typedef struct {
        PcibackPlace place;
        char *path;
        unsigned line; /* from 1 */
        char *name;    /* NULL: none */
        char *value;   /* NULL: none */
} PcibackWord;

/* Of Xen's dom0 only. */
typedef struct {
        bool driver;      /* sys/bus/pci/drivers/pciback: functions can be bound to it */
        char *hide;       /* hide= in force; "": none; NULL: not told */
        bool permissive;  /* permissive=Y in force: for all functions, of all guests */
        bool emulated;    /* the firmware says that this machine is emulated (QEMU, VMware …): Xen runs in a guest */
        GPtrArray *words; /* PcibackWord* */
        bool log_read;    /* the kernel's log of this boot could be searched */
        char **log;       /* its lines about DMA memory from Xen, and about hide=; NULL: none */
} XenSetup;

typedef struct {
        /* Processor */
        char *arch;         /* "x86_64", "aarch64", "ppc64le" …; NULL: not known */
        CpuVendor vendor;
        bool virt_flag;     /* vmx or svm among the flags of /proc/cpuinfo */
        bool hypervisor;    /* this host is a guest itself */
        unsigned cpus;
        int kvm_error;      /* opening /dev/kvm: 0, or a negative errno (-ENOENT: no such device) */

        /* Firmware */
        Known efi, secure_boot;
        IommuTable dmar, ivrs;
        Known iort;          /* Arm's table */

        /* Kernel */
        char *cmdline;      /* as it is */
        char **words;       /* the same, split as the kernel does */
        Known intel_default_on; /* CONFIG_INTEL_IOMMU_DEFAULT_ON */
        char *config_file;  /* where that was read */
        unsigned groups, identity_groups; /* IOMMU groups, and those whose domain is "identity" (passthrough) */
        unsigned groups_read; /* of how many groups the domain was looked at: the PFs' first, not more than 64 */
        bool noiommu_mode;    /* vfio's enable_unsafe_noiommu_mode: groups that protect nothing */
        Known vfio_module;    /* vfio-pci is loaded, built in or there to be loaded */
        GPtrArray *iommus;  /* char*: names in sys/class/iommu: "dmar0", "ivhd0", "smmu3.…" */
        GPtrArray *modules; /* char*: those of vfadm's trade that are loaded: "vfio_pci", "xen_pciback" … */
        bool vfio_pci_sriov; /* vfio_pci's enable_sriov */
        bool xen_dom0;
        XenSetup xen;

        BootConf boot;
        HideConf hide;
        GPtrArray *mechanisms; /* Mechanism* */
        GHashTable *texts;     /* path → content of the files in etc/ that hold mechanisms; without those that may hold secrets */
        bool mechanisms_hidden; /* some files that could hold one may not be read: not being found proves nothing */
        bool apply_enabled;    /* vfadm-apply.service is started at boot */
        GPtrArray *tools;      /* Tool* */
} Setup;

Setup *setup_new(void);
void setup_free(Setup *setup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Setup, setup_free)
/* Takes nothing over. The rest is the caller's to fill. */
Mechanism *setup_add_mechanism(Setup *setup, MechanismKind kind, const char *path, unsigned line);
Tool *setup_add_tool(Setup *setup, const char *name, const char *version);
PcibackWord *setup_add_pciback(Setup *setup, PcibackPlace place, const char *path, unsigned line, const char *name, const char *value);
const Tool *setup_tool(const Setup *setup, const char *name);
bool setup_has_module(const Setup *setup, const char *name);
const char *mechanism_word(MechanismKind kind); /* "udev rule", "modprobe option" … */

/* One plain parameter that a shell, a boot loader and the kernel all read as it stands: letters, digits and _.=,:+/@-, and of
 * parentheses those of "xen-pciback.hide=(0000:01:10.0)(0000:01:10.2)", with nothing but whole addresses in them. */
bool boot_word_ok(const char *word);
/* The kernel's way to split its command line: blanks, and double quotes around a value. Free with g_strfreev(). */
char **boot_words_split(const char *cmdline);
/* The kernel's parameters in what a boot loader reads: of a GRUB menu its first entry that starts a kernel ("linux …"; a memory
 * test is none), of an entry of the boot loader specification its "options", of /etc/kernel/cmdline and other plain text all
 * that is no comment; of what grubby says its first "args=". NULL: a menu without such an entry. Free with g_strfreev(). */
char **boot_menu_words(const char *text);
/* The value of the last "key=value" among words ('-' and '_' in the key are the same, as for the kernel); "" for a bare
 * "key"; NULL: not there. Borrowed. */
const char *boot_words_get(char *const *words, const char *key);
/* True when `key` has `value` among the parts of "key=a,b,c" in any of the words. */
bool boot_words_have(char *const *words, const char *key, const char *value);
