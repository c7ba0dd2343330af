/* A simulated Xen below the simulated machine, which is its dom0: domains that run, their files in etc/xen, pciback, who owns which
 * function by Xen's IOMMU, and xl at somebody else's hands (Xen 4.20: libxl_pci.c, xl, xen/drivers/passthrough/pci.c). Its domains
 * outlive the vfadm that asked for something; libxl's own work is vfadm's and dies with it. */
#pragma once

#include "sim.h"

/* Writes etc/xen/NAME.cfg: `type` is "pv", "hvm" or "pvh", `uuid` may be NULL (made up at each start), `pci` are entries of its
 * list as they stand in the file ("'01:10.0', '01:10.2'"); NULL: it has no list, but passthrough = "enabled"; "": not that either. */
void sim_xen_define(Sim *sim, const char *name, const char *type, const char *uuid, const char *pci);
/* Of the manners GOOD, SLOW, KEEPS, REFUSES and NO_PLUG, from now on. */
void sim_xen_manners(Sim *sim, const char *name, GuestManners manners);
/* The number of a domain that runs; 0: it does not. */
unsigned sim_xen_domain(Sim *sim, const char *name);
/* What others do with xl, and what happens to domains: "create" (`arg`: its file, NULL: etc/xen/NAME.cfg), "destroy", "shutdown",
 * "reboot", "crash" (it stays, with all it has), "attach" and "detach" (`arg`: an entry) of a domain; "add", "remove", "remove-r" of a
 * function, as pci-assignable-… has it. NULL, or xl's complaint; the caller frees. */
char *sim_xl(Sim *sim, const char *call, const char *name, const char *arg);
