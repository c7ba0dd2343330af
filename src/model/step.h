/* A step: one fact of the machine that moves from one value to another. A plan: steps in order, or refusals.
 *
 * A step is data: it is printed, journaled as JSON, returned to callers and run by act/. Doing it means "make the
 * fact `to`", verifying means "read the fact and compare with `to`", undoing means "make the fact `from`". Making a
 * fact what it is already does nothing, so both can be repeated after a crash.
 */
#pragma once

#include "model/lease.h"
#include "model/pci.h"
#include "model/vfstate.h"

#include <glib.h>
#include <jansson.h>

typedef enum {
        STEP_MODULE,    /* text: a kernel module to be loaded; is not unloaded again */
        STEP_LINK,      /* number: the PF's network device up (1) or down (0) */
        STEP_AUTOPROBE, /* number: the PF's sriov_drivers_autoprobe */
        STEP_NUMVFS,    /* number: VFs of the PF */
        STEP_DRIVER,    /* driver + driver_override of a function; both may be NULL */
        STEP_VF_STATE,  /* vf: the fields of `mask` */
        STEP_RESET,     /* no fact: a function level reset; nothing to undo */
        STEP_LEASE,     /* lease: NULL (free) → a lease, or back, or a lease that becomes another of the same id; in the ledger */
        STEP_GUEST,     /* text: id of the device in the guest, or NULL when it is not there */
        STEP_FILE,      /* text: content of the configuration file `path`; NULL when it is not there */
        STEP_BOOT,      /* text: those of the boot parameters `words` that the next boot will have, parted by blanks; as `from`
                           or `to`, NULL: whichever they are. A menu that is made from a file is made anew after the file's
                           step, and on the way back after the file is back, so it needs a step on either side */
        STEP_DEFINED,   /* text: the element of the device in the guest's definition, or NULL when it is not there; two elements
                           of one device are the same fact */
        STEP_NETWORK,   /* text: the service's network `network`, as hostdev_network_format() says it; NULL: there is none */
        STEP_HOLD,      /* text: HOSTDEV_HOLDER when vfadm holds the VF in the service's network `network`, so that it is not
                           given out there; NULL: not held */
        STEP_ASSIGNABLE,/* number: 1, Xen keeps the function's DMA from dom0 (quarantine) and its tools know `text`, the driver of dom0
                           that it goes back to (NULL: none); 0, it is dom0's again. Bound to pciback either way. Nobody tells which it
                           is: it is made whenever it is asked for, and what is read is -1 */
        STEP_KINDS,
} StepKind;

/* As a STEP_DRIVER's `to`: whatever driver of the host takes the device once no override is set; none is fine too. */
#define DRIVER_OWN "(the host's own)"

typedef struct {
        int64_t number;
        char *driver, *driver_override;
        char *text;
        VfState vf;
        Lease *lease;
} Fact;

typedef struct {
        StepKind kind;
        PciAddr dev;       /* the function concerned; STEP_VF_STATE: the VF, whose PF and index follow */
        PciAddr pf;
        unsigned vf_index;
        bool fresh;        /* STEP_DRIVER, STEP_VF_STATE: it is about VF `vf_index` of `pf`, which a STEP_NUMVFS before it makes: `dev` is the
                              PF, and act/ finds the function by the PF's link. It is not undone: the VF goes with its number */
        char *netdev;      /* PF's network device for STEP_LINK and STEP_VF_STATE: a hint, read again before use */
        unsigned mask;     /* STEP_VF_STATE: VF_* bits; else 0 */
        char *guest;       /* STEP_GUEST, STEP_DEFINED: "qemu:web1" */
        char *guest_bus;   /* STEP_GUEST: the slot to use */
        char *xml;         /* STEP_GUEST: the element that the guest's service plugs (libvirt's XML, Xen's "0000:01:10.0,permissive=1"); NULL: it plugs by the rest */
        char *network;     /* STEP_NETWORK, STEP_HOLD: its name, with the service before it: "libvirt:passthrough". STEP_DEFINED of
                              a NIC that gets any VF of a network: that network; else NULL */
        char *path;        /* STEP_FILE: the file, below the root. STEP_BOOT: the file that tells what the next boot will have */
        char **words;      /* STEP_BOOT: the boot parameters that it is about */
        char **ask;        /* STEP_BOOT: where no file tells, the program that does. With neither, no fact can be read, and the
                              exit status of `argv` is all there is */
        char **argv;       /* STEP_BOOT: the program that brings about `to`, by absolute path; NULL: nothing is to be run */
        char **undo_argv;  /* the same for `from` */
        Fact from, to;
        char *reason;      /* why, in a clause: "so that no host driver takes the new VFs" */
        char *disturbs;    /* who notices; NULL: nobody */
} Step;

typedef struct {
        int code;      /* VfadmError */
        char *message; /* one line, as errors are */
} Refusal;

/* A use of a function that was known, and allowed to be disturbed, when the plan was made. */
typedef struct {
        PciAddr dev;
        UseKind kind;
        int pid; /* USE_PROCESS */
} KnownUse;

/* A PF that a configuration names, and how much of the plan is about it. */
typedef struct {
        PciAddr addr;
        char *device;     /* "enp1s0" */
        bool report_only; /* Drift=report */
        unsigned steps;
        unsigned first_left, n_left; /* of plan->left */
} PlanPf;

typedef struct {
        char *verb;     /* "enable" … */
        char *summary;  /* "enp1s0: 7 VFs on" */
        GPtrArray *steps;    /* Step*; empty and no refusals: there is nothing to do */
        GPtrArray *refusals; /* Refusal*; when there are any the plan must not be run */
        GPtrArray *notes;    /* char*: worth knowing, no obstacle */
        GArray *taken;  /* PciAddr: functions whose users would notice; act/ looks at who they are once more before they do */
        GArray *known;  /* KnownUse: what may be found then */
        GPtrArray *seen; /* Step*: facts, as `from` says, that the new leases remember in order to go back to them; act/ compares them once these
                            leases stand and the functions are held, when nobody else changes them any more */
        GPtrArray *left; /* char*: what was asked for too and is not done, since it would disturb somebody: "enp1s0/3: vlan=42 left: …" */
        GPtrArray *pfs;  /* PlanPf*; of the plans of 'vfadm apply' */
        char *result;   /* what the verb's caller wants to hear: the VF's BDF for attach; may be NULL */
} Plan;

void fact_clear(Fact *fact);
Step *step_new(StepKind kind, PciAddr dev, const char *reason);
void step_free(Step *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Step, step_free)

Plan *plan_new(const char *verb);
void plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)
/* Takes the step over and returns it. */
Step *plan_add(Plan *plan, Step *step);
void plan_refuse(Plan *plan, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);
void plan_note(Plan *plan, const char *format, ...) G_GNUC_PRINTF(2, 3);
void plan_leave(Plan *plan, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* The plan takes this function from whoever uses it, and may do so to those who use it in this snapshot. */
void plan_take(Plan *plan, const Dev *dev);
/* Takes the step over, which is not run: its `from` must still be the fact when the plan's leases stand. */
void plan_seen(Plan *plan, Step *step);
/* The refusals as one GError (the first one's kind; messages joined with "; "). False when there are any. */
bool plan_check(const Plan *plan, GError **error);

/* A step about the host's own files or a service's network: it names no device, and its fact outlives a reboot. */
bool step_is_of_host(const Step *step);
/* Two steps are about one function. */
bool step_same_function(const Step *a, const Step *b);
/* Its fact is still there after a reboot: those, and what stands in a guest's definition. */
bool step_outlives_reboot(const Step *step);

const char *step_kind_word(StepKind kind); /* "numvfs", "driver" … */
/* "0000:01:00.0: VFs 0 → 7": what the step does, without reason. The caller frees. */
char *step_describe(const Step *step);
/* A fact as people read it: "7", "vfio-pci", "mac=…". The caller frees. */
char *fact_describe(const Step *step, const Fact *fact);
/* Same value, seen from this kind of step (for VF state: in the fields of mask). */
bool fact_equal(const Step *step, const Fact *a, const Fact *b);

json_t *step_to_json(const Step *step);
Step *step_from_json(const json_t *json, GError **error);
json_t *plan_to_json(const Plan *plan);
