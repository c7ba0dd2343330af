/* Text that the kernel writes for people and programs: sysfs' uevent, /proc. Pure: bytes in, facts out; any bytes are
 * survived (fuzzed). Internal to host/. */
#pragma once

#include "host/links.h"
#include "model/snapshot.h"

/* sys/bus/pci/devices/BDF/uevent: what would otherwise be seven reads. */
typedef struct {
        uint16_t vendor, device, subvendor, subdevice;
        uint32_t class_code;
        char *driver;   /* NULL: none */
        char *modalias; /* NULL: not told */
} Uevent;

/* False (and nothing to clear) when it has no PCI_ID. */
bool uevent_parse(const char *bytes, size_t length, Uevent *ret);
void uevent_clear(Uevent *uevent);

/* One line of /proc/PID/mountinfo. */
typedef struct {
        unsigned major, minor;
        char *point;  /* where, unescaped */
        char *type;   /* "ext4" */
        char *source; /* "/dev/vda1" or whatever the file system calls it */
} Mount;

/* Mount*; lines that are none are passed over. */
GPtrArray *mountinfo_parse(const char *bytes, size_t length);
void mount_free(Mount *mount);

/* Paths (char*) of /proc/swaps. */
GPtrArray *swaps_parse(const char *bytes, size_t length);

/* From the names of the interrupt chips in /proc/interrupts. */
IntRemap interrupts_parse(const char *bytes, size_t length);

/* "none [integrity] confidentiality": true when it is any but none. */
bool lockdown_parse(const char *text);

/* The server's address of SSH_CONNECTION in a /proc/PID/environ. */
bool environ_login_address(const char *bytes, size_t length, IpAddr *ret);

/* Own and parent's pid of /proc/PID/stat. */
bool stat_parse_pids(const char *bytes, size_t length, int *pid, int *parent);

/* The inode of "socket:[4711]". */
bool socket_link_parse(const char *target, uint64_t *ret);

/* Appends the local address (IpAddr) of each established connection of /proc/net/tcp (or tcp6) whose inode is in the
 * set (keys: uint64_t*, g_int64_hash). */
void tcp_parse(const char *bytes, size_t length, bool v6, GHashTable *inodes, GArray *ret);

/* A copy fit for one line on a terminal: control characters and what is no UTF-8 replaced. */
char *text_printable(const char *text);
