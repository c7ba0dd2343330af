/* A libvirt domain's XML: what vfadm must know of the guest, and the XML of a device for it. Pure; the XML is another
 * program's and not trusted: no DTD, no entities, no network, libxml2's own bounds on depth and size. */
#pragma once

#include "model/guest.h"
#include "model/vfstate.h"

#include <stddef.h>

/* Name, uuid, memory, machine, vIOMMU, root ports (slots named by their controller's alias, "pci.5") and assigned devices (by
 * the id that vfadm gave where the alias is what xml_device_alias() made of it, else by their alias). NULL with FAILED when it is no domain. */
GuestInfo *xml_domain_parse(const char *text, size_t length, GError **error);

/* A device to be plugged. */
typedef struct {
        PciAddr host;
        const char *id;    /* "vfadm-0000-01-10.0" */
        const char *bus;   /* slot by its alias, "pci.5"; NULL: libvirt chooses */
        bool interface;    /* a network card's VF: <interface type='hostdev'>, which keeps MAC and VLAN in the guest's XML */
        const VfState *vf; /* interface: MAC and VLAN; may be NULL */
} XmlDevice;

/* <interface type='hostdev'> or <hostdev>, managed='no': the driver is the caller's to bind. The caller frees. */
char *xml_device(const XmlDevice *device);

/* The alias that libvirt takes for an id: "ua-vfadm-0000-01-10_0" (user aliases: virDomainDeviceInfo, only [A-Za-z0-9_-]).
 * The caller frees. */
char *xml_device_alias(const char *id);
