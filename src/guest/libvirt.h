/* What the files of the libvirt module share. Only they know libvirt's calls. */
#pragma once

#include "guest/guest.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

typedef virConnect VirConnect;
typedef virDomain VirDomain;
typedef virNetwork VirNetwork;
typedef virNetworkPort VirNetworkPort;

static inline void libvirt_domain_free(VirDomain *domain) {
        virDomainFree(domain);
}

static inline void libvirt_network_free(VirNetwork *network) {
        virNetworkFree(network);
}

static inline void libvirt_port_free(VirNetworkPort *port) {
        virNetworkPortFree(port);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirDomain, libvirt_domain_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirNetwork, libvirt_network_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirNetworkPort, libvirt_port_free)

/* libvirt.c. The connection, which is this Io's and stays open; a daemon that was restarted is connected to anew. */
VirConnect *libvirt_connect(Io *io, GError **error);
/* When it was opened: another time means another daemon, which knows nothing of what the last one was asked. -1: not
 * now. */
int64_t libvirt_connected_since(Io *io);
/* The daemon answers calls about networks: it is the one of all drivers, or the networks' own is there. */
bool libvirt_has_networks(Io *io);
/* Code of libvirt's last error. */
int libvirt_code(void);
/* "<what>: libvirt says: <its last error>", with the kind that fits it. */
void libvirt_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* libvirt_guest.c */
VirDomain *libvirt_domain(VirConnect *connect, const char *name, GError **error);
/* A domain, running or not, with its definition where it has one; `defined` has the NICs of all networks. NULL with
 * NOT_FOUND: it is gone. */
GuestInfo *libvirt_read_domain(Io *io, VirDomain *domain, GError **error);
GuestInfo *libvirt_read(Io *io, const char *name, GError **error);
GuestInfo *libvirt_read_any(Io *io, const char *name, GError **error);
bool libvirt_plug(Io *io, const char *name, const GuestPlugged *device, GError **error);
GuestPlug libvirt_unplug(Io *io, const char *name, const char *id, unsigned timeout_ms, GError **error);

/* libvirt_define.c */
bool libvirt_define(Io *io, const char *name, const char *xml, GError **error);
bool libvirt_undefine(Io *io, const char *name, const char *xml, GError **error);

/* libvirt_books.c */
Books *libvirt_books(Io *io, GError **error);

/* libvirt_network.c. A network with its ports; NULL without an error: of another kind, or gone. */
HostdevNetwork *libvirt_read_network(VirNetwork *network, GError **error);
HostdevNetwork *libvirt_network(Io *io, const char *name, GError **error);
bool libvirt_set_network(Io *io, const char *name, const HostdevNetwork *network, GError **error);

/* libvirt_port.c. All ports of a network as XML (char*); NULL with the error. */
GPtrArray *libvirt_ports(VirNetwork *network, GError **error);
bool libvirt_hold(Io *io, const char *name, PciAddr vf, GError **error);
bool libvirt_let_go(Io *io, const char *name, PciAddr vf, GError **error);
