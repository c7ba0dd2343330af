/* What the files of the Xen module share. Only they know the calls of libxenlight, libxenctrl and xenstore. */
#pragma once

#include "guest/guest.h"
#include "guest/xen_file.h"
#include "model/xen_device.h"

#include <libxl.h>
#include <libxl_utils.h>
#include <xenctrl.h>
#include <xenstore.h>

typedef struct XenLog XenLog;

/* The connection, which is an Io's and stays open. */
typedef struct {
        libxl_ctx *xl;
        xc_interface *hypervisor;
        struct xs_handle *store;
        XenLog *log; /* what the libraries say goes here, never to standard error */
} Xen;

/* A PCI function as libxl takes it. */
typedef libxl_device_pci XenPci;
typedef libxl_dominfo XenDominfo;

static inline void xen_pci_clear(XenPci *pci) {
        libxl_device_pci_dispose(pci);
}

static inline void xen_dominfo_clear(XenDominfo *info) {
        libxl_dominfo_dispose(info);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(XenPci, xen_pci_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(XenDominfo, xen_dominfo_clear)

/* xen.c. UNSUPPORTED: this host is no dom0. What was said before is forgotten. */
Xen *xen_open(Io *io, GError **error);
/* "<what>: Xen says: <what it said since xen_open()>". Never NOT_FOUND, which would say of a guest that it is gone. */
void xen_error(Xen *xen, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The same, of a call that left its errno. */
void xen_error_errno(Xen *xen, int number, GError **error, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* Whether something like this was said. */
bool xen_said(const Xen *xen, const char *words);
/* Around what may start processes of libxl's: it reaps no others, and owns SIGCHLD only in between. */
void xen_children_begin(Xen *xen);
void xen_children_end(Xen *xen);
/* A node of xenstore; NULL: not there, or not to be read. The caller frees. */
char *xen_store_read(Xen *xen, const char *path);
/* Where xl and libxl note things about a function: "/libxl/pci/0000-01-10-0/driver_path"; `node` NULL: all of them. */
char *xen_store_pci(PciAddr dev, const char *node);

/* xen_domain.c. A running domain of this name. False with NOT_FOUND: for certain there is none. */
bool xen_find(Xen *xen, const char *name, XenDominfo *ret, GError **error);
/* As libxl tells of it, without its file. */
GuestInfo *xen_read_running(Xen *xen, const XenDominfo *domain, GError **error);
/* It was started without passthrough: Xen made no IOMMU tables for it, and none can be made while it runs. */
bool xen_without_passthrough(Xen *xen, uint32_t domain);
/* Adds all that run but dom0. */
bool xen_read_all(Xen *xen, GPtrArray *guests, GError **error);
/* The function of this host that libxl means, and the other way round. */
PciAddr xen_pci_addr(const libxl_device_pci *pci);
char *xen_device_id(PciAddr host);
/* A domain's functions, as libxl_device_pci_list() gives them; `ret_n` 0 with NULL: none. */
libxl_device_pci *xen_pci_list(Xen *xen, uint32_t domain, int *ret_n);
/* Where xenstore has them: "/local/domain/0/backend/pci/3/0/state". */
char *xen_backend_path(uint32_t domain, const char *node);

/* xen_books.c */
GuestInfo *xen_read(Io *io, const char *name, GError **error);
GuestInfo *xen_read_any(Io *io, const char *name, GError **error);
Books *xen_books(Io *io, GError **error);
char *xen_log(Io *io, GError **error);

/* xen_plug.c */
bool xen_plug(Io *io, const char *name, const GuestPlugged *device, GError **error);
GuestPlug xen_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error);

/* xen_assignable.c */
bool xen_set_assignable(Io *io, PciAddr dev, bool on, const char *driver, GError **error);
/* The function as the hypervisor's calls number it. False: they cannot name it. */
bool xen_sbdf(PciAddr dev, uint32_t *ret, GError **error);
