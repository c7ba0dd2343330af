/* A small writer over libxml2's, with libvirt's habits: two blanks of indent, single quotes. Inside xml/. */
#pragma once

#include "model/pci.h"

#include <glib.h>
#include <libxml/xmlwriter.h>

typedef struct {
        xmlBuffer *buffer;
        xmlTextWriter *writer;
} Xml;

void xml_begin(Xml *xml);
/* Closes what is open and gives the text, which ends in a newline. */
char *xml_end(Xml *xml);
void xml_open(Xml *xml, const char *element);
void xml_close(Xml *xml);
/* Outside text is made valid first: wrong UTF-8 and control characters are replaced. */
void xml_attribute(Xml *xml, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);
void xml_text(Xml *xml, const char *text);
/* <element>text</element> */
void xml_element(Xml *xml, const char *element, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* <address domain= bus= slot= function=/>, with type='pci' where the schema asks for it. */
void xml_pci_address(Xml *xml, PciAddr addr, bool typed);
