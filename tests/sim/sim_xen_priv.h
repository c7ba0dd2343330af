/* What the parts of the simulated Xen share. */
#pragma once

#include "sim_priv.h"
#include "sim_xen.h"

/* A function that a domain has, as its backend in xenstore tells it. */
typedef struct {
        PciAddr host;
        char *entry; /* "0000:01:10.0,permissive=1" */
        bool leaving;
        int64_t leaves_at;
} XenDev;

/* A domain by its name, which keeps its manners while it is off. */
typedef struct {
        char *name;
        uint32_t id; /* 0: it does not run, and nobody knows of it but its file */
        char *uuid, *type, *file;
        bool crashed, no_passthrough; /* made with neither a device nor passthrough = "enabled": it gets none while it runs */
        int qemu; /* pid of an HVM domain's device model */
        GuestManners manners;
        GPtrArray *devices; /* XenDev* */
} XenDomain;

struct Xen {
        GPtrArray *domains;       /* XenDomain* */
        GHashTable *slots;        /* pciback's: BDF */
        GHashTable *driver_paths; /* xenstore's libxl/pci/BDF/driver_path: BDF → driver */
        uint32_t last;
        unsigned uuids;
};

XenDomain *xen_domain(Sim *sim, const char *name);
XenDev *xen_dev(const XenDomain *domain, PciAddr host);
/* The function that an entry names: false, it is none. */
bool xen_entry_host(const char *entry, PciAddr *ret);
/* One thing that happens to Xen, its domains or xenstore, logged for replay: those of sim_xl(), and libxl's in parts. */
char *xen_call(Sim *sim, const char *call, const char *name, const char *arg);

/* sim_xen_cfg.c: a domain's file, read apart from the product's own parser, which is under test */
char *xen_cfg_value(const char *text, const char *key); /* of `key = "value"`; NULL: not there */
GPtrArray *xen_cfg_pci(const char *text);               /* char*: the entries of `pci = [ … ]` */
char *xen_cfg_rest(const char *text);                   /* all but that list */
char *xen_cfg_text(Sim *sim, const char *path);
