/* What the parts of the simulated libvirt share. */
#pragma once

#include "model/hostdev_network.h"
#include "sim_priv.h"
#include "sim_virt.h"

/* A device of a guest, as its element says it. */
typedef struct {
        char *xml;
        bool interface, managed;
        char *network; /* of a NIC that gets any VF of it, or has got one */
        bool has_host;
        PciAddr host;
        VfState want;  /* MAC and VLAN */
        char *alias;
        unsigned bus;  /* the root port's number; 0: none chosen */
        /* Of a running guest: */
        bool bound;    /* libvirt took it from its driver */
        bool leaving;
        int64_t leaves_at;
        bool has_saved;
        VfState saved; /* what libvirt puts back */
} VirtDev;

typedef struct {
        char *name, *uuid;
        unsigned ports, now_ports; /* of the definition; of the running guest */
        int pid;                   /* 0: it is off */
        bool persistent;
        GuestManners manners;
        GPtrArray *devices, *defined; /* VirtDev* */
} VirtGuest;

typedef struct {
        PciAddr host;
        char *owner;
} VirtPort;

typedef struct {
        char *name;
        bool nat; /* another forward mode */
        bool persistent, autostart, active;
        HostdevNetwork *definition;    /* PF or list, managed: as it is defined */
        HostdevNetwork *now;           /* the same as it was started, with the VFs that the PF had then */
        GPtrArray *ports;              /* VirtPort* */
} VirtNetwork;

struct Virt {
        VirtDaemon daemon;
        unsigned down_at;
        GPtrArray *guests;   /* VirtGuest* */
        GPtrArray *networks; /* VirtNetwork* */
        unsigned uuids;
};

VirtGuest *virt_guest(Sim *sim, const char *name);
VirtNetwork *virt_network(Sim *sim, const char *name);
VirtDev *virt_dev(GPtrArray *devices, const char *xml);
/* The id that vfadm knows it by. The caller frees. */
char *virt_dev_id(const VirtDev *dev);
/* One call at the daemon, logged for replay; "attach badly" gets as far as QEMU and is taken back. NULL, or the
 * complaint. */
char *virt_call(Sim *sim, const char *call, const char *name, const char *arg);

/* sim_virt_xml.c */
VirtDev *virt_dev_parse(const char *xml);
void virt_dev_free(VirtDev *dev);
/* The element again, with the root port that libvirt chose. */
void virt_dev_place(VirtDev *dev, unsigned bus);

/* sim_virt_net.c */
char *virt_net_call(Sim *sim, const char *call, const char *name, const char *arg);
void virt_network_free(VirtNetwork *network);
void virt_network_dump(const VirtNetwork *network, GString *text);
bool virt_give_out(VirtNetwork *network, const char *owner, PciAddr *ret);
void virt_give_back(VirtNetwork *network, PciAddr host);
