/* A network of VFs, and the one line that stands for it in plans and in the journal. */
#include "model/hostdev_network.h"

#include "base/error.h"

#include <string.h>

/* A line of the journal is ours, and yet no reason to fill the memory. */
enum { ADDRESSES_MAX = 65536 };

static void port_free(void *data) {
        HostdevPort *port = data;
        g_free(port->owner);
        g_free(port->uuid);
        g_free(port);
}

HostdevNetwork *hostdev_network_new(const char *name) {
        HostdevNetwork *network = g_new0(HostdevNetwork, 1);
        network->name = g_strdup(name);
        network->addresses = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        network->ports = g_ptr_array_new_with_free_func(port_free);
        return network;
}

void hostdev_network_free(HostdevNetwork *network) {
        if (!network)
                return;
        g_free(network->name);
        g_free(network->pf);
        g_array_unref(network->addresses);
        g_ptr_array_unref(network->ports);
        g_free(network);
}

bool hostdev_network_has(const HostdevNetwork *network, PciAddr vf) {
        for (unsigned i = 0; i < network->addresses->len; i++)
                if (pci_addr_equal(g_array_index(network->addresses, PciAddr, i), vf))
                        return true;
        return false;
}

const HostdevPort *hostdev_network_port(const HostdevNetwork *network, PciAddr vf) {
        for (unsigned i = 0; i < network->ports->len; i++) {
                const HostdevPort *port = network->ports->pdata[i];
                if (pci_addr_equal(port->host, vf))
                        return port;
        }
        return NULL;
}

/* The words of the line before the list. What is the rule is left out: a network is persistent, unless it says so. */
static const struct {
        const char *word;
        size_t offset;
        bool value;
} flags[] = {
        {"active", G_STRUCT_OFFSET(HostdevNetwork, active), true},
        {"inactive", G_STRUCT_OFFSET(HostdevNetwork, active), false},
        {"autostart", G_STRUCT_OFFSET(HostdevNetwork, autostart), true},
        {"managed", G_STRUCT_OFFSET(HostdevNetwork, managed), true},
        {"transient", G_STRUCT_OFFSET(HostdevNetwork, persistent), false},
};

char *hostdev_network_format(const HostdevNetwork *network) {
        GString *line = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
                if (G_STRUCT_MEMBER(bool, network, flags[i].offset) == flags[i].value)
                        g_string_append_printf(line, "%s%s", line->len ? " " : "", flags[i].word);
        if (network->pf) {
                /* The name comes out of somebody's XML; the kernel's own names have none of what is escaped. */
                g_string_append(line, " pf=");
                g_string_append_uri_escaped(line, network->pf, "!$&'()*+,;:@=/", FALSE);
        }
        for (unsigned i = 0; i < network->addresses->len; i++) {
                char text[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(g_array_index(network->addresses, PciAddr, i), text);
                g_string_append_printf(line, " %s", text);
        }
        return g_string_free(line, FALSE);
}

static bool take_word(HostdevNetwork *network, const char *word) {
        PciAddr addr;

        for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
                if (g_str_equal(word, flags[i].word)) {
                        G_STRUCT_MEMBER(bool, network, flags[i].offset) = flags[i].value;
                        return true;
                }
        if (g_str_has_prefix(word, "pf=") && !network->pf) {
                network->pf = g_uri_unescape_string(word + strlen("pf="), NULL);
                return network->pf && *network->pf;
        }
        if (!pci_addr_parse(word, &addr) || network->addresses->len == ADDRESSES_MAX)
                return false;
        g_array_append_val(network->addresses, addr);
        return true;
}

HostdevNetwork *hostdev_network_parse(const char *name, const char *text, GError **error) {
        g_autoptr(HostdevNetwork) network = hostdev_network_new(name);
        g_auto(GStrv) words = g_strsplit(text, " ", -1);

        network->persistent = true;
        bool ok = words[0] != NULL;
        for (char **word = words; ok && *word; word++)
                ok = take_word(network, *word);
        if (ok)
                return g_steal_pointer(&network);
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER,
                    "the network %s stands in the ledger in a way that cannot be read", name);
        return NULL;
}
