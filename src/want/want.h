/* What the user asks for: a request parsed and checked, before anything of the machine is known. */
#pragma once

#include "model/conf.h"
#include "model/pool.h"
#include "model/vfstate.h"
#include "model/xen_device.h"

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
        WANT_POOL_DEFINE,    /* `pool`, anew or instead of the one of that name */
        WANT_POOL_START,     /* `device` is the pool's name in these */
        WANT_POOL_STOP,
        WANT_POOL_AUTOSTART, /* `off`: not any more */
        WANT_POOL_DELETE,
        WANT_POOL_SYNC,      /* networks of pools, and what is held in networks, brought in step with VFs, leases and uses; `device`
                                NULL: all of them */
        WANT_ADOPT,          /* what the service has given out already gets leases and pools: `device` is a guest or a network by its
                                reference ("libvirt:web1", "libvirt:passthrough"), or NULL for all */
        WANT_IMPORT,         /* what files of others make and set of VFs at boot, written as configuration; `conf` is what there is of it */
        WANT_APPLY,          /* what the configuration `conf` says; `device`: of this PF alone, or NULL for each PF that a [Match] fits */
} WantKind;

/* Where an attach or detach takes effect, in guests that have a definition. */
enum {
        SCOPE_LIVE = 1 << 0,   /* the running guest, until it ends */
        SCOPE_CONFIG = 1 << 1, /* its definition, from its next start on */
};

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
        unsigned scope;    /* ATTACH, DETACH: SCOPE_* bits; 0: what the guest's state allows, as virsh */
        bool unmanaged;    /* ATTACH, "managed=no": the service is to leave the driver alone, vfadm binds it */
        char *profile;     /* ATTACH: port profile of an 802.1Qbh switch; never together with a VLAN */
        char *teaming;     /* ATTACH: alias ("ua-…") of the persistent NIC that stands in while the guest moves */
        XenDevice xen;     /* ATTACH: permissive=, msitranslate=, power-mgmt=, rdm=, slot= (hexadecimal, as xl's vslot); `host` is not set,
                              `seize` never. For Xen's guests only */
        bool at_boot;      /* BIND, UNBIND, "--boot": not now, but from the next boot on, before the host's own driver: pciback only */
        bool off;          /* POOL_AUTOSTART */
        const Conf *conf;  /* IMPORT, APPLY: borrowed */
        bool spare_vfio;   /* APPLY: a VF on VFIO that should have another driver is left: its guest may be about to open it */
        bool retire;       /* IMPORT: and taken out of those files */
        Pool *pool;        /* POOL_DEFINE: PFs as typed */
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

/* Takes the "key=value" words of a command line (mac=, vlan=, trust=, …; to guests nic=, managed=, profile=, teaming=, and
 * Xen's permissive= … slot= too). The first wrong one is the error, and so is a VLAN together with a port profile. */
bool want_parse_words(Want *want, char **words, GError **error);
/* The first of the words that only Xen's domains take which was said: "permissive"; NULL: none. */
const char *want_xen_word(const Want *want);
