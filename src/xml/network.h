/* libvirt's networks of VFs: <network><forward mode='hostdev'>. Pure; the XML is another program's and not trusted, as in domain.h. */
#pragma once

#include "model/hostdev_network.h"

#include <stddef.h>

/* Name, <pf>, addresses, managed; no ports, and active, autostart, persistent are not in the XML. NULL without an error: it is a
 * network of another kind. */
HostdevNetwork *xml_network_parse(const char *text, size_t length, GError **error);
/* As 'virsh net-define' takes it: with <pf> no addresses. The caller frees. */
char *xml_network(const HostdevNetwork *network);
/* A definition that is there already, with these VFs in its <forward> and all else (uuid, portgroups, metadata) as it stands.
 * REFUSED: it is a network of another kind. The caller frees. */
char *xml_network_change(const char *text, size_t length, const HostdevNetwork *network, GError **error);

/* A network port with a plug of type hostdev-pci; false: none, or of another type. Owner and uuid are the caller's to free. */
bool xml_network_port_parse(const char *text, size_t length, HostdevPort *ret);
/* The port by which vfadm holds a VF; its uuid is always the same for the same network and VF. The caller frees. */
char *xml_network_port(const char *network, PciAddr vf);
