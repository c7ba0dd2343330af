/* A device's element as the simulated libvirt understands it: read apart from the product's own parser, which is under test. */
#include "base/parse.h"
#include "sim_virt_priv.h"

#include <string.h>

void virt_dev_free(VirtDev *dev) {
        g_free(dev->xml);
        g_free(dev->network);
        g_free(dev->alias);
        g_free(dev);
}

static const char *attribute(const char **names, const char **values, const char *name) {
        for (unsigned i = 0; names[i]; i++)
                if (g_str_equal(names[i], name))
                        return values[i];
        return NULL;
}

static unsigned number(const char *text) {
        return text ? (unsigned) g_ascii_strtoull(text, NULL, 0) : 0;
}

static void take_host(VirtDev *dev, const char **names, const char **values) {
        dev->has_host = true;
        dev->host = (PciAddr) {.domain = number(attribute(names, values, "domain")), .bus = (uint8_t) number(attribute(names, values, "bus")),
                               .slot = (uint8_t) number(attribute(names, values, "slot")), .function = (uint8_t) number(attribute(names, values, "function"))};
}

static void take_top(VirtDev *dev, const char *element, const char **names, const char **values) {
        dev->interface = g_str_equal(element, "interface");
        dev->managed = g_strcmp0(attribute(names, values, "managed"), "yes") == 0;
}

static void on_element(GMarkupParseContext *context, const char *element, const char **names, const char **values, void *user, GError **error) {
        VirtDev *dev = user;
        const GSList *stack = g_markup_parse_context_get_element_stack(context);
        const char *parent = stack->next ? stack->next->data : NULL;

        if (!parent) {
                take_top(dev, element, names, values);
        } else if (g_str_equal(element, "address") && g_str_equal(parent, "source")) {
                take_host(dev, names, values);
        } else if (g_str_equal(element, "address")) {
                dev->bus = number(attribute(names, values, "bus"));
        } else if (g_str_equal(element, "source")) {
                dev->network = g_strdup(attribute(names, values, "network"));
        } else if (g_str_equal(element, "alias")) {
                dev->alias = g_strdup(attribute(names, values, "name"));
        } else if (g_str_equal(element, "mac")) {
                if (attribute(names, values, "address") && parse_mac(attribute(names, values, "address"), dev->want.mac))
                        dev->want.known |= VF_MAC;
        } else if (g_str_equal(element, "tag")) {
                dev->want.vlan = (uint16_t) number(attribute(names, values, "id"));
                dev->want.known |= VF_VLAN;
        }
}

VirtDev *virt_dev_parse(const char *xml) {
        static const GMarkupParser parser = {.start_element = on_element};
        VirtDev *dev = g_new0(VirtDev, 1);
        GMarkupParseContext *context = g_markup_parse_context_new(&parser, G_MARKUP_PREFIX_ERROR_POSITION, dev, NULL);
        g_autoptr(GError) error = NULL;

        dev->xml = g_strchomp(g_strdup(xml));
        if (!g_markup_parse_context_parse(context, xml, -1, &error) || !g_markup_parse_context_end_parse(context, &error))
                g_error("simulated libvirt: \"%s\" is no element: %s", xml, error->message);
        g_markup_parse_context_free(context);
        return dev;
}

void virt_dev_place(VirtDev *dev, unsigned bus) {
        const char *end = strrchr(dev->xml, '<');

        if (dev->bus)
                return;
        dev->bus = bus;
        g_autofree char *head = g_strndup(dev->xml, (gsize) (end - dev->xml));
        char *placed = g_strdup_printf("%s<address type='pci' domain='0x0000' bus='0x%02x' slot='0x00' function='0x0'/>\n%s", head, bus, end);
        g_free(dev->xml);
        dev->xml = placed;
}
