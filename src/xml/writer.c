/* A small writer over libxml2's. Its calls fail only for want of memory, which ends the program as with GLib, or for nesting
 * that this room does not make. */
#include "xml/writer.h"

void xml_begin(Xml *xml) {
        xml->buffer = xmlBufferCreate();
        xml->writer = xml->buffer ? xmlNewTextWriterMemory(xml->buffer, 0) : NULL;
        if (!xml->writer)
                g_error("no memory for XML");
        xmlTextWriterSetIndent(xml->writer, 1);
        xmlTextWriterSetIndentString(xml->writer, (const xmlChar *) "  ");
        xmlTextWriterSetQuoteChar(xml->writer, '\'');
}

char *xml_end(Xml *xml) {
        xmlTextWriterEndDocument(xml->writer);
        xmlFreeTextWriter(xml->writer);
        char *text = g_strdup((const char *) xmlBufferContent(xml->buffer));
        xmlBufferFree(xml->buffer);
        *xml = (Xml) {0};
        return text;
}

void xml_open(Xml *xml, const char *element) {
        xmlTextWriterStartElement(xml->writer, (const xmlChar *) element);
}

void xml_close(Xml *xml) {
        xmlTextWriterEndElement(xml->writer);
}

/* XML 1.0 has no control characters but tab and line ends, not even escaped. */
static char *valid(const char *text) {
        char *copy = g_utf8_make_valid(text, -1);
        for (char *at = copy; *at; at++)
                if (g_ascii_iscntrl(*at))
                        *at = ' ';
        return copy;
}

void xml_attribute(Xml *xml, const char *name, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        g_autofree char *safe = valid(text);
        /* Not left to libxml2, whose writer escapes '"' whatever the quote is, and not "'" (xmlBufAttrSerializeTxtContent). */
        g_autofree char *escaped = g_markup_escape_text(safe, -1);
        xmlTextWriterStartAttribute(xml->writer, (const xmlChar *) name);
        xmlTextWriterWriteRaw(xml->writer, (const xmlChar *) escaped);
        xmlTextWriterEndAttribute(xml->writer);
}

void xml_text(Xml *xml, const char *text) {
        g_autofree char *safe = valid(text);
        xmlTextWriterWriteString(xml->writer, (const xmlChar *) safe);
}

void xml_element(Xml *xml, const char *element, const char *format, ...) {
        va_list args;
        va_start(args, format);
        g_autofree char *text = g_strdup_vprintf(format, args);
        va_end(args);
        xml_open(xml, element);
        xml_text(xml, text);
        xml_close(xml);
}

void xml_pci_address(Xml *xml, PciAddr addr, bool typed) {
        xml_open(xml, "address");
        if (typed)
                xml_attribute(xml, "type", "pci");
        xml_attribute(xml, "domain", "0x%04x", addr.domain);
        xml_attribute(xml, "bus", "0x%02x", addr.bus);
        xml_attribute(xml, "slot", "0x%02x", addr.slot);
        xml_attribute(xml, "function", "0x%x", addr.function);
        xml_close(xml);
}
