/* libvirt's networks that hand out VFs: <forward mode='hostdev'>, and the modes that put macvtap on VFs. */
#include "host/mechanisms.h"

#include "base/parse.h"

#include <string.h>

#define DEPTH_MAX 32u
#define ADDRESSES_MAX 256u

typedef struct {
        unsigned depth;
        unsigned line;   /* of <forward>; 0: none that hands out VFs */
        char *name, *pf;
        GPtrArray *bdfs; /* char* */
        bool in_name;
} Network;

static const char *attribute(const char **names, const char **values, const char *name) {
        for (unsigned i = 0; names[i]; i++)
                if (g_str_equal(names[i], name))
                        return values[i];
        return NULL;
}

static bool hex(const char *text, uint64_t max, uint64_t *ret) {
        return text && parse_uint(text, 16, 0, max, ret);
}

static void address(Network *network, const char **names, const char **values) {
        uint64_t domain = 0, bus, slot, function;
        const char *type = attribute(names, values, "type"), *in = attribute(names, values, "domain");

        if (g_strcmp0(type, "pci") != 0 || network->bdfs->len >= ADDRESSES_MAX || (in && !hex(in, UINT32_MAX, &domain)) ||
            !hex(attribute(names, values, "bus"), 255, &bus) || !hex(attribute(names, values, "slot"), 31, &slot) ||
            !hex(attribute(names, values, "function"), 7, &function))
                return;
        g_ptr_array_add(network->bdfs, g_strdup_printf("%04x:%02x:%02x.%x", (unsigned) domain, (unsigned) bus, (unsigned) slot,
                                                       (unsigned) function));
}

static void start(GMarkupParseContext *context, const char *element, const char **names, const char **values, void *user,
                  GError **error) {
        Network *network = user;
        const GSList *stack = g_markup_parse_context_get_element_stack(context);
        const char *parent = stack && stack->next ? stack->next->data : "";

        if (++network->depth > DEPTH_MAX) {
                g_set_error_literal(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "too deep");
                return;
        }
        network->in_name = network->depth == 2 && g_str_equal(element, "name");
        if (network->depth == 2 && g_str_equal(element, "forward")) {
                const char *mode = attribute(names, values, "mode");
                int line = 0, column = 0;
                g_markup_parse_context_get_position(context, &line, &column);
                line -= column == 1; /* it stands behind the newline that follows the element already */
                if (mode && (g_str_equal(mode, "hostdev") || g_str_equal(mode, "passthrough") || g_str_equal(mode, "private") ||
                             g_str_equal(mode, "vepa")))
                        network->line = (unsigned) MAX(line, 1);
        } else if (network->depth == 3 && g_str_equal(parent, "forward") && g_str_equal(element, "pf")) {
                const char *dev = attribute(names, values, "dev");
                if (dev && !network->pf && name_ok(dev, strlen(dev)))
                        network->pf = g_strdup(dev);
        } else if (network->depth == 3 && g_str_equal(parent, "forward") && g_str_equal(element, "address")) {
                address(network, names, values);
        }
}

static void end(GMarkupParseContext *context, const char *element, void *user, GError **error) {
        Network *network = user;
        network->depth--;
        network->in_name = false;
}

static void text(GMarkupParseContext *context, const char *bytes, gsize length, void *user, GError **error) {
        Network *network = user;
        if (network->in_name && !network->name && length < 256)
                network->name = g_strndup(bytes, length);
}

static void report_network(Setup *setup, const char *path, const Network *network, bool active) {
        g_autofree char *said = g_strdup_printf("network %s", network->name ? network->name : "?");
        unsigned n = network->pf ? 1 : network->bdfs->len;

        for (unsigned i = 0; i < n; i++) {
                Mechanism *m = mechanism_add(setup, MECH_LIBVIRT, path, network->line, SETS_POOL, said);
                if (!m)
                        return;
                m->active = active;
                if (network->pf)
                        m->netdev = g_strdup(network->pf);
                else
                        m->bdf = g_strdup(network->bdfs->pdata[i]);
        }
}

/* GMarkup knows neither DTDs nor entities of their own, and what it refuses, libvirt would refuse too. */
void libvirt_network_parse(Setup *setup, const char *path, const char *bytes, size_t length, bool active) {
        static const GMarkupParser parser = {.start_element = start, .end_element = end, .text = text};
        Network network = {.bdfs = g_ptr_array_new_with_free_func(g_free)};
        GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &network, NULL);

        if (g_markup_parse_context_parse(context, bytes, (gssize) length, NULL) &&
            g_markup_parse_context_end_parse(context, NULL) && network.line)
                report_network(setup, path, &network, active);
        g_markup_parse_context_free(context);
        g_free(network.name);
        g_free(network.pf);
        g_ptr_array_unref(network.bdfs);
}
