/* The simulated libvirt's networks of VFs: their ports are what keeps one VF from being given out twice (network/bridge_driver.c). */
#include "sim_virt_priv.h"

#include <string.h>

static void port_done(void *data) {
        VirtPort *port = data;
        g_free(port->owner);
        g_free(port);
}

void virt_network_free(VirtNetwork *network) {
        g_free(network->name);
        hostdev_network_free(network->definition);
        hostdev_network_free(network->now);
        g_ptr_array_unref(network->ports);
        g_free(network);
}

VirtNetwork *virt_network(Sim *sim, const char *name) {
        for (unsigned i = 0; sim->virt && i < sim->virt->networks->len; i++)
                if (g_str_equal(((VirtNetwork *) sim->virt->networks->pdata[i])->name, name))
                        return sim->virt->networks->pdata[i];
        return NULL;
}

static VirtPort *port_of(const VirtNetwork *network, PciAddr host) {
        for (unsigned i = 0; i < network->ports->len; i++)
                if (pci_addr_equal(((VirtPort *) network->ports->pdata[i])->host, host))
                        return network->ports->pdata[i];
        return NULL;
}

static void add_port(VirtNetwork *network, PciAddr host, const char *owner) {
        VirtPort *port = g_new0(VirtPort, 1);
        *port = (VirtPort) {host, g_strdup(owner)};
        g_ptr_array_add(network->ports, port);
}

bool virt_give_out(VirtNetwork *network, const char *owner, PciAddr *ret) {
        for (unsigned i = 0; i < network->now->addresses->len; i++) {
                *ret = g_array_index(network->now->addresses, PciAddr, i);
                if (port_of(network, *ret))
                        continue;
                add_port(network, *ret, owner);
                return true;
        }
        return false;
}

void virt_give_back(VirtNetwork *network, PciAddr host) {
        VirtPort *port = port_of(network, host);
        if (port)
                g_ptr_array_remove(network->ports, port);
}

/* The list of a PF's VFs is made once, at the start (field-facts 17). */
static char *start(Sim *sim, VirtNetwork *network) {
        if (network->active)
                return g_strdup("network is already active");
        g_autofree char *text = hostdev_network_format(network->definition);
        network->now = hostdev_network_parse(network->name, text, NULL);
        for (unsigned i = 0; network->now->pf && i < sim->fns->len; i++) {
                const Fn *fn = sim->fns->pdata[i];
                if (fn->pf && g_strcmp0(fn->pf->net, network->now->pf) == 0)
                        g_array_append_val(network->now->addresses, fn->addr);
        }
        network->active = true;
        return NULL;
}

static char *destroy(VirtNetwork *network) {
        if (!network->active)
                return g_strdup("network is not active");
        network->active = false;
        g_ptr_array_set_size(network->ports, 0);
        g_clear_pointer(&network->now, hostdev_network_free);
        return NULL;
}

static char *define(Sim *sim, const char *name, const char *arg) {
        VirtNetwork *network = virt_network(sim, name);
        if (!network) {
                network = g_new0(VirtNetwork, 1);
                network->name = g_strdup(name);
                network->ports = g_ptr_array_new_with_free_func(port_done);
                g_ptr_array_add(sim->virt->networks, network);
        }
        hostdev_network_free(network->definition);
        network->definition = hostdev_network_parse(name, arg, NULL);
        if (network->definition->pf)
                g_array_set_size(network->definition->addresses, 0);
        network->definition->active = true; /* a word that says nothing here */
        network->definition->autostart = false;
        network->persistent = true;
        return NULL;
}

/* `arg` is the VF, and who is to have it if not vfadm. */
static char *make_port(VirtNetwork *network, const char *arg) {
        g_auto(GStrv) words = g_strsplit(arg, " ", 2);
        PciAddr host;

        if (!network->active)
                return g_strdup_printf("network '%s' is not active", network->name);
        if (!pci_addr_parse(words[0], &host) || !hostdev_network_has(network->now, host))
                return g_strdup_printf("network '%s' doesn't have PCI device %s in use by network port", network->name, arg);
        if (port_of(network, host))
                return g_strdup_printf("network '%s' claims the PCI device %s is already in use by a different network port", network->name, arg);
        add_port(network, host, words[1] ? words[1] : HOSTDEV_HOLDER);
        return NULL;
}

static char *drop_port(VirtNetwork *network, const char *arg) {
        PciAddr host;
        if (pci_addr_parse(arg, &host))
                virt_give_back(network, host);
        return NULL;
}

static char *undefine(Sim *sim, VirtNetwork *network) {
        network->persistent = network->autostart = false;
        if (!network->active)
                g_ptr_array_remove(sim->virt->networks, network);
        return NULL;
}

char *virt_net_call(Sim *sim, const char *call, const char *name, const char *arg) {
        VirtNetwork *network = virt_network(sim, name);

        if (g_str_equal(call, "net-define"))
                return define(sim, name, arg);
        if (!network)
                return g_strdup_printf("Network not found: no network with matching name '%s'", name);
        if (g_str_equal(call, "net-undefine"))
                return undefine(sim, network);
        if (g_str_equal(call, "net-start"))
                return start(sim, network);
        if (g_str_equal(call, "net-destroy"))
                return destroy(network);
        if (g_str_equal(call, "net-port"))
                return make_port(network, arg);
        if (g_str_equal(call, "net-port-drop"))
                return drop_port(network, arg);
        network->autostart = g_str_equal(call, "net-autostart");
        return NULL;
}

static int compare_ports(gconstpointer a, gconstpointer b) {
        return pci_addr_compare((*(VirtPort *const *) a)->host, (*(VirtPort *const *) b)->host);
}

void virt_network_dump(const VirtNetwork *network, GString *text) {
        g_autofree char *definition = hostdev_network_format(network->definition);
        g_autofree char *now = network->now ? hostdev_network_format(network->now) : g_strdup("not started");
        g_string_append_printf(text, "network %s%s%s defined: %s\n  now: %s\n", network->name, network->autostart ? " autostart" : "",
                               network->persistent ? "" : " transient", definition, now);
        g_ptr_array_sort(network->ports, compare_ports);
        for (unsigned i = 0; i < network->ports->len; i++) {
                const VirtPort *port = network->ports->pdata[i];
                char host[PCI_ADDR_TEXT_SIZE];
                pci_addr_format(port->host, host);
                g_string_append_printf(text, "  port %s of %s\n", host, port->owner);
        }
}
