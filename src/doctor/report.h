/* What checks are given, and how they say what they found. Inside doctor/. */
#pragma once

#include "doctor/doctor.h"
#include "model/lease.h"
#include "model/setup.h"

struct Doctor {
        const Snapshot *host;
        const Setup *setup;      /* never NULL: empty when the snapshot has none */
        const GPtrArray *leases; /* Lease*; never NULL */
        bool leases_known;       /* false: that there is no lease proves nothing */
        GPtrArray *guests;       /* const GuestInfo*: those in scope */
        GPtrArray *domains;      /* const GuestInfo*: Xen's in scope, running or only defined; none of them is among `guests` */
        const Books *books;      /* NULL: not known */
        const char *xen_log;     /* NULL: not known */
        Known xen_module;
        unsigned scope;          /* one of SCOPE_* */

        /* The devices in scope: Dev*, by address. For the host all; for a device itself, its PF and, of a PF, its VFs; for a
         * guest what it has, and their PFs. */
        GPtrArray *pfs;
        GPtrArray *vfs;
        GPtrArray *candidates;   /* what somebody would give to a guest: VFs, PFs, functions bound to VFIO or pciback or leased,
                                    and the device that was asked about */
        GHashTable *in_scope;    /* set of Dev*: those that were asked about, but for the host */
        GHashTable *groups;      /* group number (GINT_TO_POINTER) → GPtrArray of Dev*: every group of the host */
        GHashTable *leased;      /* BDF → Lease* */
        Setup *no_setup;

        const Check *check;      /* the one that runs */
        GPtrArray *findings;     /* Finding* */
};

/* What is in scope, without running anything: parts of doctor_host() and its kin, by themselves for tests. */
void doctor_for_host(Doctor *doctor, const DoctorInput *input);
void doctor_for_device(Doctor *doctor, const DoctorInput *input, const Dev *dev);
void doctor_for_guest(Doctor *doctor, const DoctorInput *input, const GuestInfo *guest);
void doctor_clear(Doctor *doctor);

/* A finding of the check that runs. `subject` NULL: the host. The caller adds what it has with the calls below. */
Finding *report(Doctor *doctor, Severity severity, const char *subject, const char *what, ...) G_GNUC_PRINTF(4, 5);
/* The same about a device: the subject is its usual name ("enp1s0/3"), and its BDF is noted. */
Finding *report_dev(Doctor *doctor, Severity severity, const Dev *dev, const char *what, ...) G_GNUC_PRINTF(4, 5);
/* About some VFs of one PF (unsigned numbers, ascending): "enp1s0/0-3,6". */
Finding *report_vfs(Doctor *doctor, Severity severity, const Dev *pf, const GArray *numbers, const char *what, ...)
        G_GNUC_PRINTF(5, 6);

void seen(Finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A file: with its leading '/'. */
void seen_in(Finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A register of config space: "0000:00:10.0 config 14eh (ACS Control)". `at` 0: the capability is not there, and what is told
 * is where it would be looked for. */
void seen_in_config(Finding *finding, const Dev *dev, unsigned at, const char *register_name);
void remedy(Finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* A boot parameter that --fix adds or removes; the remedy's text is the caller's. */
void remedy_boot_add(Finding *finding, const char *word);
void remedy_boot_remove(Finding *finding, const char *word);
void about(Finding *finding, const Dev *dev); /* notes one more BDF */

/* Every member of a device's group, itself too; an empty array for a device in none. Borrowed. */
const GPtrArray *group_of(const Doctor *doctor, const Dev *dev);
const Lease *lease_of(const Doctor *doctor, const Dev *dev);
/* The VFs of a PF that are in scope: all, or the one that was asked about. Dev*, borrowed; the caller unrefs. */
GPtrArray *vfs_of(const Doctor *doctor, const Dev *pf);
/* True when VF `number` of the PF is in scope, whether it could be read or not. */
bool vf_in_scope(const Doctor *doctor, const Dev *pf, unsigned number);

/* The tables of checks, a file a topic, ending with id NULL. */
extern const Check checks_cpu[], checks_firmware[], checks_kernel[], checks_isolation[], checks_sriov[], checks_vf[],
        checks_persistence[], checks_xen[], checks_guest[], checks_tools[];
