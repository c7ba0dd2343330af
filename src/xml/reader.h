/* Reads libvirt's XML by libxml2, as text that is not trusted. Inside xml/. */
#pragma once

#include "model/guest.h"

#include <glib.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

typedef xmlDoc XmlDoc;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlDoc, xmlFreeDoc)

/* NULL: no XML, too deep, too long, or with a DTD. */
XmlDoc *xml_read(const char *text, size_t length);
/* As it stands there, with what is in it. The caller frees. */
char *xml_serialize(const xmlNode *node);

bool xml_is(const xmlNode *node, const char *name);
/* The first child of this name; NULL where there is none, or no node. */
xmlNode *xml_child(const xmlNode *node, const char *name);
/* The attribute's value, or NULL; the caller frees. */
char *xml_value(const xmlNode *node, const char *name);
bool xml_value_is(const xmlNode *node, const char *name, const char *value);
bool xml_number(const xmlNode *node, const char *name, uint64_t max, uint64_t *ret);
/* The text in it without blanks around; the caller frees. */
char *xml_content(const xmlNode *node);
/* <address domain= bus= slot= function=/>; libvirt leaves the domain out when it is 0. */
bool xml_address(const xmlNode *node, PciAddr *ret);

/* <interface type='hostdev'>, <interface type='network'> or a PCI <hostdev>; else NULL. Free with guest_device_free().
 */
GuestDevice *xml_read_device(const xmlNode *node);
