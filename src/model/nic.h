/* What is known of PF network drivers: one row each. Sources: the drivers' ndo tables in Linux 6.12 and field-facts. */
#pragma once

#include "model/vfstate.h"

typedef struct {
        const char *driver;
        unsigned accepts;      /* VF_* attributes whose ndo the driver has */
        bool vlan_8021ad;      /* takes an 802.1ad VLAN */
        bool qos;              /* takes a QoS with the VLAN */
        unsigned resets_vf;    /* attributes whose change resets a live VF (field-facts 12) */
        bool port_profiles;    /* has ndo_set_vf_port: 802.1Qbh */
        bool enable_needs_up;  /* gives 0 VFs while the PF is down */
        bool state_needs_up;   /* VF state is accepted but does nothing while the PF is down */
        int fresh_spoofchk;    /* of a VF just made: 1 on, -1 off, 0 not known */
        unsigned sriov_limit;  /* the driver's own limit below the hardware's, 0 none */
        const char *raise;     /* how to get more VFs out of the card, or NULL */
        const char *note;      /* one sentence for `vfadm show`, or NULL */
} NicDriver;

/* NULL for a driver that is not in the table: everything may be tried then, and the kernel's answer decides. */
const NicDriver *nic_driver(const char *driver);
/* What a VF is right after it was made, by the driver of its PF; without VF_SPOOFCHK where that is not known. */
VfState nic_fresh_state(const char *driver);
/* "igb takes mac, vlan, …": for messages and `vfadm show`. The caller frees. */
char *nic_accepts_text(const NicDriver *nic);
