/* The few calls on libxml2's tree that this room needs. */
#include "xml/reader.h"

#include "base/parse.h"

#include <string.h>

XmlDoc *xml_read(const char *text, size_t length) {
        /* Without XML_PARSE_HUGE libxml2 refuses depth above 256 and texts above 10 MB; without NOENT it leaves
         * entities alone. */
        const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
        g_autoptr(XmlDoc) doc = length <= INT_MAX ? xmlReadMemory(text, (int)length, NULL, NULL, options) : NULL;

        return doc && !doc->intSubset && xmlDocGetRootElement(doc) ? g_steal_pointer(&doc) : NULL;
}

char *xml_serialize(const xmlNode *node) {
        xmlBuffer *buffer = xmlBufferCreate();
        if (!buffer || xmlNodeDump(buffer, node->doc, (xmlNode *)node, 0, 0) < 0)
                g_error("no memory for XML");
        char *ret = g_strdup((const char *)xmlBufferContent(buffer));
        xmlBufferFree(buffer);
        return ret;
}

bool xml_is(const xmlNode *node, const char *name) {
        return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

xmlNode *xml_child(const xmlNode *node, const char *name) {
        for (xmlNode *at = node ? node->children : NULL; at; at = at->next)
                if (xml_is(at, name))
                        return at;
        return NULL;
}

char *xml_value(const xmlNode *node, const char *name) {
        xmlChar *value = node ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;
        char *ret = value ? g_strdup((const char *)value) : NULL;
        xmlFree(value);
        return ret;
}

bool xml_value_is(const xmlNode *node, const char *name, const char *value) {
        g_autofree char *found = xml_value(node, name);
        return g_strcmp0(found, value) == 0;
}

bool xml_number(const xmlNode *node, const char *name, uint64_t max, uint64_t *ret) {
        g_autofree char *text = xml_value(node, name);
        if (!text)
                return false;
        return parse_uint(text, g_str_has_prefix(text, "0x") ? 16 : 10, 0, max, ret);
}

char *xml_content(const xmlNode *node) {
        xmlChar *value = node ? xmlNodeGetContent(node) : NULL;
        char *ret = value ? g_strstrip(g_strdup((const char *)value)) : NULL;
        xmlFree(value);
        return ret;
}

bool xml_address(const xmlNode *node, PciAddr *ret) {
        uint64_t domain = 0, bus, slot, function;

        if (!node || !xml_number(node, "bus", 0xff, &bus) || !xml_number(node, "slot", 31, &slot) ||
            !xml_number(node, "function", 7, &function))
                return false;
        if (!xml_number(node, "domain", UINT32_MAX, &domain))
                domain = 0;
        *ret = (PciAddr){(uint32_t)domain, (uint8_t)bus, (uint8_t)slot, (uint8_t)function};
        return true;
}
