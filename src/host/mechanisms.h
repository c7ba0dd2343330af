/* Parsers of the configuration files that make VFs, set them or bind drivers at boot. Pure: bytes in, mechanisms of a Setup out;
 * any bytes are survived, and what they add is bounded (fuzzed). `path` is only noted. Internal to host/. */
#pragma once

#include "model/setup.h"

#include <stddef.h>

#define MECHANISM_FILE_MAX (256u << 10) /* of a file; a longer one is none of these */
#define MECHANISMS_MAX 512u             /* of a host */
#define MECHANISM_TEXT_MAX 160u

/* setup_modprobe.c. A file of modprobe.d; and the words of the kernel's command line. */
void modprobe_parse(Setup *setup, const char *path, const char *bytes, size_t length);
void cmdline_mechanisms(Setup *setup, char *const *words);

/* setup_udev.c. A file of udev/rules.d. `vendor`: it came with a package (usr/lib), where NM_UNMANAGED lines are about no card. */
void udev_parse(Setup *setup, const char *path, const char *bytes, size_t length, bool vendor);

/* setup_systemd.c. What a .link or .network file is about: its drop-ins inherit it. */
typedef struct {
        char *netdev, *bdf, *driver;
        GArray *macs; /* uint8_t[6] */
        bool virtual_only; /* Kind= or a Type= that is no Ethernet card */
} UnitMatch;
void unit_match_clear(UnitMatch *match);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(UnitMatch, unit_match_clear)
/* `match` is filled by a file and used by its drop-ins. */
void link_parse(Setup *setup, const char *path, const char *bytes, size_t length, UnitMatch *match);
void network_parse(Setup *setup, const char *path, const char *bytes, size_t length, UnitMatch *match, bool active);
void tmpfiles_parse(Setup *setup, const char *path, const char *bytes, size_t length);
/* A service. Appends to `scripts` (char*, without the leading '/'; may be NULL) what its Exec lines start. */
void unit_parse(Setup *setup, const char *path, const char *bytes, size_t length, bool active, GPtrArray *scripts);

/* setup_nm.c. A profile; NetworkManager.conf and conf.d; ifcfg files. */
void nm_profile_parse(Setup *setup, const char *path, const char *bytes, size_t length);
void nm_conf_parse(Setup *setup, const char *path, const char *bytes, size_t length);
void ifcfg_parse(Setup *setup, const char *path, const char *bytes, size_t length);

/* setup_netplan.c */
void netplan_parse(Setup *setup, const char *path, const char *bytes, size_t length);

/* setup_script.c. Shell text, ifupdown's interfaces, sysfsutils' sysfs.conf. */
void script_parse(Setup *setup, MechanismKind kind, const char *path, const char *bytes, size_t length, bool active);
void interfaces_parse(Setup *setup, const char *path, const char *bytes, size_t length);
void sysfs_conf_parse(Setup *setup, const char *path, const char *bytes, size_t length);
/* A file of driverctl.d: `name` is "pci-0000:01:10.0", its content a driver. */
void driverctl_parse(Setup *setup, const char *path, const char *name, const char *bytes, size_t length);

/* setup_libvirt.c. A network's XML. */
void libvirt_network_parse(Setup *setup, const char *path, const char *bytes, size_t length, bool active);

/* ---- what they share: setup_text.c ---- */

/* Lines, blanks at both ends cut off, never one with a NUL in it. `joins`: a backslash at the end goes on in the next line. */
typedef struct {
        const char *at, *end;
        unsigned next;   /* number of the line at `at` */
        unsigned number; /* of the line in `text`: where it began */
        bool joins;
        unsigned indent; /* blanks it began with */
        GString *text;
} Lines;
Lines lines_begin(const char *bytes, size_t length, bool joins);
void lines_clear(Lines *lines);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lines, lines_clear)
bool lines_next(Lines *lines);

/* "[section]" and "key=value" of systemd's and GLib's files. */
typedef struct {
        Lines lines;
        char *section; /* "" before the first */
        bool begins;   /* the line is a section's head: no key */
        const char *key, *value; /* borrowed from the line */
} Ini;
Ini ini_begin(const char *bytes, size_t length);
void ini_clear(Ini *ini);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Ini, ini_clear)
bool ini_next(Ini *ini);

/* A mechanism, unless there are too many: NULL then. `text` is made fit for a line. */
Mechanism *mechanism_add(Setup *setup, MechanismKind kind, const char *path, unsigned line, unsigned sets, const char *text);
/* Decimal digits up to 65535; -1: none, or not that alone. */
int64_t count_parse(const char *text);
/* True for a BDF, also with wildcards or with '\' before its colons; *ret as sysfs has it. */
bool bdf_pattern(const char *text, size_t length, char **ret);
/* A name that can be an interface's, a module's, a driver's: no blanks, slashes, '$' or '%'. */
bool name_ok(const char *text, size_t length);
/* Adds to a list of alternatives. */
void add_alternative(char **list, const char *text);
bool bytes_have(const char *bytes, size_t length, const char *needle);

/* One write to sriov_numvfs, driver_override or the like in a line of shell text: "echo 7 > /sys/class/net/enp1s0/device/…". */
typedef struct {
        char *netdev, *bdf, *driver; /* of the path; NULL: not said, or a variable */
        char *value;                 /* NULL: not said, or a variable */
} AttrWrite;
void attr_write_clear(AttrWrite *write);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AttrWrite, attr_write_clear)
/* The next write after *at; reads of the attribute are passed over. */
bool attr_write_next(const char **at, const char *line, const char *attribute, AttrWrite *ret);
/* What device a sysfs path ("…/net/enp1s0/device/sriov_numvfs") is about. */
void attr_path_parse(const char *path, size_t length, AttrWrite *ret);
/* All writes of one line, as mechanisms with `kind`; netdev: what a variable stands for, or NULL. How many were added. */
unsigned shell_line_parse(Setup *setup, MechanismKind kind, const char *path, unsigned line, const char *text, bool active,
                          const char *netdev);
/* Takes away what, from mechanism number `first` on, only sets 0 before another of the same file sets a number: the usual way to
 * change a count (the kernel wants 0 between). */
void drop_zeros(Setup *setup, unsigned first);

/* ---- setup_vf_text.c: what is said of single VFs ---- */

#define MECHANISM_VFS_MAX 256u
/* The entry of a VF in m->vfs, made where there is none; NULL: there are too many. */
MechanismVf *vfs_entry(GArray **vfs, unsigned index);
/* Adds a word to m->more. */
void more_add(char **more, const char *what);
/* A key of [SR-IOV] but VirtualFunction=: systemd.link(5). False: vfadm has no word for it, or it has no such value. */
bool sriov_key_parse(VfState *vf, const char *key, const char *value);
/* The value of vf.N in a profile: "mac=… spoof-check=true vlans=42.3.ad". What vfadm has no word for is added to *more. */
void nm_vf_parse(VfState *vf, const char *value, char **more);
/* What stands behind "ip link set DEVICE" up to the command's end: "vf 0 mac … vlan … vf 1 …". False: a VF's number is not told. */
bool ip_vf_parse(GArray **vfs, const char *words, size_t length, char **more);
/* The first command of a line for a shell that is none of those which are known here; NULL: they all are. The caller frees. */
char *shell_stranger(const char *text);

/* ---- setup_tools.c: what package managers and programs say of versions ---- */

/* "1:10.0.2+ds-2" → "10.0.2": without epoch, and up to what the distribution added. NULL: it begins with no digit. */
char *version_upstream(const char *version);
/* "systemd 257 (257.9-1~deb13u1)", "QEMU emulator version 10.0.2 …", "libvirtd (libvirt) 11.3.0": the first word of the first
 * line that is a version. */
char *version_of_output(const char *bytes, size_t length);
/* "name version installed" a line, of dpkg-query or rpm: name → upstream version (both char*). */
GHashTable *packages_parse(const char *bytes, size_t length);
