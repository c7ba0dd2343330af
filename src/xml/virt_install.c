/* A device's element as virt-install's option: each attribute by its XPath, which virt-install has taken since 4.0, and where it has
 * no option of its own for them (vlan, teaming, managed). So what virt-install makes of it is the element, whatever stands in it. */
#include "xml/reader.h"
#include "xml/xml.h"

#include <string.h>

typedef struct {
        GString *text;
        unsigned n; /* of XPaths so far */
        bool ok;
} Options;

/* Neither virt-install's own way to part options nor its quotes, nor a shell's. */
static bool is_plain(const char *value) {
        static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:+@/-";
        return strspn(value, set) == strlen(value);
}

static void add_attribute(Options *options, const char *path, const char *name, const char *value) {
        options->ok = options->ok && is_plain(value);
        /* Without an option of this name virt-install would make a MAC of its own first. */
        if (g_str_equal(path, "./mac") && g_str_equal(name, "address"))
                g_string_append_printf(options->text, ",mac=%s", value);
        else if (!g_str_equal(path, ".") || !g_str_equal(name, "type")) {
                g_string_append_printf(options->text, ",xpath%u.set=%s/@%s,xpath%u.value=%s", options->n, path, name, options->n, value);
                options->n++;
        }
}

/* Elements of devices stand in each other a few deep, and xml_read() has bounds of its own. */
static void add_element(Options *options, const xmlNode *node, const char *path) {
        for (const xmlAttr *at = node->properties; at; at = at->next) {
                g_autofree char *value = xml_value(node, (const char *) at->name);
                add_attribute(options, path, (const char *) at->name, value ? value : "");
        }
        for (const xmlNode *at = node->children; at; at = at->next) {
                g_autofree char *below = g_strdup_printf("%s/%s", path, (const char *) at->name);
                if (at->type == XML_ELEMENT_NODE)
                        add_element(options, at, below);
        }
}

char *xml_virt_install(const char *element) {
        g_autoptr(XmlDoc) doc = xml_read(element, strlen(element));
        const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
        bool interface = root && xml_is(root, "interface");
        g_autofree char *type = root ? xml_value(root, "type") : NULL;

        if (!type || (!interface && !xml_is(root, "hostdev")))
                return NULL;
        Options options = {g_string_new(NULL), 0, true};
        g_string_append_printf(options.text, "%s type=%s", interface ? "--network" : "--hostdev", type);
        options.ok = is_plain(type);
        add_element(&options, root, ".");
        /* A card of the host has no model; virt-install would write the guest's usual one. */
        if (interface)
                g_string_append_printf(options.text, ",xpath%u.delete=./model", options.n);
        return g_string_free(options.text, !options.ok);
}
