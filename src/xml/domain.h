/* A libvirt domain's XML: what vfadm must know of the guest, and the XML of a device for it. Pure; the XML is another
 * program's and not trusted: no DTD, no entities, no network, libxml2's own bounds on depth and size. */
#pragma once

#include "model/guest.h"
#include "model/vfstate.h"

#include <stddef.h>

/* With `live` false the text is a definition (virsh dumpxml --inactive): its devices go into `defined`, and there are no slots.
 * Name, uuid, memory, machine, vIOMMU, root ports (slots named by their controller's alias, "pci.5") and assigned devices (by
 * the id that vfadm gave where the alias is what xml_device_alias() made of it, else by their alias). NULL with FAILED when it is no domain. */
GuestInfo *xml_domain_parse(const char *text, size_t length, bool live, GError **error);

/* A device as it is to stand in a domain. */
typedef struct {
        PciAddr host;        /* unless `network` is set */
        const char *network; /* libvirt's network that gives a VF at each start; NULL: this very function */
        const char *id;      /* "vfadm-0000-01-10.0"; NULL: no alias of ours */
        const char *bus;     /* slot by its alias, "pci.5"; NULL: libvirt chooses */
        bool interface;      /* a network card's VF: <interface type='hostdev'>, which keeps MAC and VLAN in the guest's XML; else <hostdev> */
        bool managed;        /* libvirt binds the driver and gives it back */
        const VfState *vf;   /* interface: MAC and VLAN; may be NULL */
        const char *profile; /* interface: <virtualport type='802.1Qbh'>; NULL: none */
        const char *teaming; /* interface: alias of the persistent NIC (<teaming type='transient'/>); NULL: none */
} XmlDevice;

/* <interface type='hostdev'>, <interface type='network'> or <hostdev>. The caller frees. */
char *xml_device(const XmlDevice *device);
/* What such an element says of host, network, MAC: NULL when it is none. The caller frees with guest_device_free(); `xml` is not set. */
GuestDevice *xml_device_parse(const char *text, size_t length);

/* The alias that libvirt takes for an id: "ua-vfadm-0000-01-10_0" (user aliases: virDomainDeviceInfo, only [A-Za-z0-9_-]).
 * The caller frees. */
char *xml_device_alias(const char *id);
