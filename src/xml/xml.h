/* Foreign XML: what libvirt reads and writes, made from plain data. Pure: text in, text out; libxml2 does the quoting, with
 * neither network nor entities. */
#pragma once

#include "model/snapshot.h"

#include <glib.h>

/* A PCI function as 'virsh nodedev-dumpxml' prints it, ending in a newline (the caller frees). The snapshot should hold
 * HOST_CAPS and HOST_NAMES. What only libvirt's own daemon knows (mdev types, VPD) is left out. */
char *xml_node_device(const Snapshot *host, const Dev *dev);

/* A device's element (xml_device()) as options of virt-install, fit for a shell as they are: "--network type=hostdev,mac=…". NULL: it is
 * no such element, or has characters that these options cannot carry. The caller frees. */
char *xml_virt_install(const char *element);
