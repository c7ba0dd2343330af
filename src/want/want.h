/* What the user asks for: a request parsed and checked, before anything of the machine is known. */
#pragma once

#include "model/vfstate.h"

#include <glib.h>

typedef enum {
        WANT_ENABLE,
        WANT_DISABLE,
        WANT_SET,
        WANT_BIND,
        WANT_UNBIND,
        WANT_ATTACH,  /* to a running guest */
        WANT_LEND,    /* to a guest that is about to start: all of attach but the plugging ('vfadm run') */
        WANT_DETACH,
        WANT_RELEASE, /* end a lease whose guest is gone (or has let go) */
        WANT_BOOT,      /* boot parameters put and taken away */
        WANT_BOOT_UNDO, /* what WANT_BOOT changed taken back, and only that */
} WantKind;

enum { WANT_ALL_VFS = UINT32_MAX };

typedef struct {
        WantKind kind;
        char *device;      /* as typed: the PF, VF or function; ATTACH and LEND: what --from named, or NULL for any PF */
        unsigned num_vfs;  /* ENABLE; WANT_ALL_VFS: as many as the PF can have */
        VfState vf;        /* SET, ATTACH, LEND: vf.known says which attributes are asked for */
        char *driver;      /* BIND */
        char *guest;       /* ATTACH, DETACH, LEND: "qemu:web1" or "web1" */
        int nic;           /* guest's NIC number, -1: the next free one */
        bool disrupt;      /* --disrupt: a device in use may be disturbed */
        bool with_group;   /* --with-group: the other members of the IOMMU group go along */
        bool no_reset;     /* RELEASE: without a reset, which fails */
        int64_t lease_id;  /* RELEASE: 0 or the id that must still hold */
        char **boot_add, **boot_remove; /* BOOT: parameters as "iommu=pt"; never NULL there */
} Want;

Want *want_new(WantKind kind);
void want_free(Want *want);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Want, want_free)

/* A WANT_BOOT for parameters (char*; doubles count once). A word that a shell, a boot loader or the kernel could take for more
 * than one plain parameter is an error, and so is one to be both put and taken away, and none at all. */
Want *want_boot(const GPtrArray *add, const GPtrArray *remove, GError **error);

/* The devices that a word of the command line names: itself, or for "enp1s0/0-6" each of the PF's VFs 0 to 6. Appended to
 * `devices` (char*). */
bool want_expand_devices(const char *word, GPtrArray *devices, GError **error);

/* One WANT_SET for each device of "VF… key=value… VF… key=value…", appended to `wants` (Want*): words go to the devices
 * before them. A MAC that ends in '+' grows by one from device to device. */
bool want_parse_sets(char **words, GPtrArray *wants, GError **error);

/* Takes the "key=value" words of a command line (mac=, vlan=, trust=, …, nic=). The first wrong one is the error. */
bool want_parse_words(Want *want, char **words, GError **error);
