/* A simulated kernel behind the io seam: PCI functions, drivers, SR-IOV, VFIO, rtnetlink, processes and QEMU monitors,
 * as Linux 6.12 behaves (field-facts section 2, and drivers/pci/iov.c, drivers/base/{bus,dd}.c, igb_main.c).
 *
 * A Sim is one machine; sim_process() gives an Io for each process of it. What changes the machine is counted as an
 * operation, can be made to fail or to be the last thing a process did, and is logged, so that another copy of the
 * same machine can be brought to the same state (sim_replay): a process that dies at operation n is a forked child
 * that really dies there. The log holds only what took effect.
 */
#pragma once

#include "io/io.h"
#include "model/pci.h"
#include "model/vfstate.h"

typedef struct Sim Sim;

/* What the machine is like. */
enum {
        SIM_ACS_OFF = 1 << 0,      /* root ports without ACS: port, PF and VFs in one group */
        SIM_NO_IOMMU = 1 << 1,     /* no groups at all */
        SIM_NO_REMAP = 1 << 2,     /* no interrupt remapping */
        SIM_CONVENTIONAL = 1 << 3, /* two conventional NICs behind a PCI bridge, in one group */
        SIM_PF_DOWN = 1 << 4,      /* the PFs' network devices are down */
        SIM_AUTOPROBE_OFF = 1 << 5,
        SIM_LATE_UDEV = 1 << 6,    /* udev loads the VFs' driver module a few writes after they appeared */
        SIM_GRUB = 1 << 10,        /* the boot loader is Debian's GRUB: /etc/default/grub and an update-grub */
        SIM_XEN = 1 << 11,         /* Xen is below, this is dom0: no groups, and Xen's IOMMU instead (SIM_NO_IOMMU: none either) */
        SIM_INITRAMFS = 1 << 13,   /* Debian's initramfs-tools; pciback is a module there */
        SIM_PCIBACK_BUILTIN = 1 << 14, /* with SIM_GRUB: the kernel has pciback in itself */
        SIM_XEN_TORN = 1 << 15,    /* libxl may die, or fail, between Xen's own tables and xenstore's, in which it keeps who has what */
        SIM_RULES = 1 << 17,       /* a udev rule makes 3 VFs of enp1s0, driverctl binds one; vfadm-apply.service is enabled */
        SIM_PCIBACK_FIRST = 1 << 12, /* xen-pciback was loaded at boot, before the drivers of the cards */
};

/* The exit status of a child that died where sim_crash_at() said. */
enum { SIM_CRASHED = 77 };

Sim *sim_new(unsigned options);
void sim_free(Sim *sim);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sim, sim_free)

/* Adds the card of a PF driver ("igb", "ixgbe", "i40e", "ice", "bnxt_en", "mlx5_core") behind a root port of its own;
 * the n-th card is 0000:0n:00.0 with the network device enpNs0. False for an unknown driver. */
bool sim_add_card(Sim *sim, const char *driver);

/* A new process of the machine, called `comm`; its /proc entry stays until the Io is freed or sim_end_process(). The
 * Io must be freed before the Sim. */
Io *sim_process(Sim *sim, const char *comm);
/* The same with the pid of the calling OS process, for code that asks getpid(). */
Io *sim_process_self(Sim *sim, const char *comm);
int sim_pid(const Io *io);
/* A process that does nothing through the seam; its pid. */
int sim_start(Sim *sim, const char *comm);
void sim_end_process(Sim *sim, int pid);
/* Opens a device as a program would (DPDK, a hand-made QEMU): -EBUSY when its group is not viable. */
int sim_open_vfio(Sim *sim, int pid, const char *bdf);

/* Holds a lock as another vfadm would, until that process ends. */
void sim_hold_lock(Sim *sim, int pid, const char *name);

/* Guests: a QEMU with a monitor at run/NAME.sock, `ports` free root ports (rp0 …). */
typedef enum {
        GUEST_GOOD,
        GUEST_SLOW,      /* DEVICE_DELETED comes a while after device_del */
        GUEST_KEEPS,     /* never lets go */
        GUEST_REFUSES,   /* DEVICE_UNPLUG_GUEST_ERROR */
        GUEST_NO_PLUG,   /* device_add gives an error */
        GUEST_LIES,      /* device_add succeeds, but the device is not there afterwards */
        GUEST_SILENT,    /* accepts and never greets */
        GUEST_MUTE,      /* greets, takes capabilities, then answers no command */
        GUEST_CLOSES,    /* closes in the middle of the greeting */
        GUEST_GARBAGE,   /* answers with what is no JSON */
        GUEST_ENDLESS,   /* one line that never ends */
} GuestManners;
void sim_add_guest(Sim *sim, const char *name, unsigned ports, GuestManners manners);
/* Waits for the threads that serve monitors; needed before fork(). Their clients must have closed. */
void sim_quiesce(Sim *sim);
void sim_guest_manners(Sim *sim, const char *name, GuestManners manners);
/* The guest lets go of what it was asked for (GUEST_KEEPS). */
void sim_guest_lets_go(Sim *sim, const char *name);
/* QEMU ends: its files are closed, its devices reset, its /proc entry goes. */
void sim_guest_ends(Sim *sim, const char *name);
int sim_guest_pid(Sim *sim, const char *name);
/* How the next process started through the seam ends (status of waitpid); it ends when it is waited for. */
void sim_child_status(Sim *sim, int status);
/* What a started child does when it is waited for, before it ends; NULL: nothing. */
void sim_child_scene(Sim *sim, void (*scene)(Sim *sim, int pid, void *user), void *user);
/* The n-th process ever started through the seam (from 0) or 0. */
int sim_child_pid(Sim *sim, unsigned n);

/* Faults, counted from 1 over all changing operations from now on; 0 switches off. */
void sim_fail_at(Sim *sim, unsigned n, int negative_errno);
/* The calling OS process ends with SIM_CRASHED as operation n is about to take effect. Dying after operation n took
 * effect is the same as dying at n + 1, since nothing in between is kept by anybody. */
void sim_crash_at(Sim *sim, unsigned n);
unsigned sim_operations(const Sim *sim);
void sim_restart_count(Sim *sim);
/* How often netlink was asked for something since then, changing nothing. */
unsigned sim_questions(const Sim *sim);
/* What operation number n was ("write sys/…/driver_override"); of the last sim_restart_count() on. */
const char *sim_operation_name(const Sim *sim, unsigned n);
/* Counts an operation that is not the machine's (a commit of the ledger): a negative errno to fail, 0 to go on. */
int sim_point(Sim *sim, const char *what);

/* What takes effect is appended to this file descriptor (an empty file; borrowed, -1: nothing is logged). */
void sim_log_to(Sim *sim, int fd);
/* Reads such a file from its start and does the same to this machine. */
void sim_replay(Sim *sim, int fd);
/* A write that a process had given to the kernel when it died: it takes effect before the next write to the same file,
 * or when sim_land() is called. */
void sim_in_flight(Sim *sim, const char *path, const char *text);
void sim_land(Sim *sim);
/* The process died: its locks are free, children that were not let go end. */
void sim_process_died(Sim *sim, int pid);

/* Everything that must never happen to somebody who uses a device, one a line; "" when nothing did. */
const char *sim_disturbances(const Sim *sim);
/* The machine in text: PFs, VFs, drivers, overrides, VF state, guests. A MAC that a VF driver invented itself is shown
 * as "own". The caller frees. */
char *sim_dump(Sim *sim);
/* The first row of such a text that begins so and holds `part` (NULL: whatever it holds), or NULL. The caller frees. */
char *sim_row(const char *dump, const char *start, const char *part);
/* The test fails unless the machine has such a row. */
void sim_expect(Sim *sim, const char *start, const char *part);

/* As after a reboot: no VFs, another boot id. Guests must have ended. */
void sim_reboot(Sim *sim);

/* How often a function was reset through sysfs. */
unsigned sim_resets(Sim *sim, const char *bdf);
