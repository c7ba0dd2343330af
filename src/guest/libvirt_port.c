/* Network ports: by them libvirt knows which VF of a network is given out, and by one of its own vfadm keeps a VF from
 * that. libvirt lets one VF have one port (networkNotifyPort), so that it is the judge between the two. */
#include "guest/libvirt.h"

#include "base/error.h"
#include "xml/network.h"

#include <string.h>

GPtrArray *libvirt_ports(VirNetwork *network, GError **error) {
        g_autoptr(GPtrArray) ret = g_ptr_array_new_with_free_func(g_free);
        virNetworkPortPtr *ports = NULL;
        int n = virNetworkListAllPorts(network, &ports, 0);
        bool ok = n >= 0 || libvirt_code() == VIR_ERR_NO_SUPPORT; /* a daemon before 5.5 has none */

        for (int i = 0; i < n; i++) {
                char *text = virNetworkPortGetXMLDesc(ports[i], 0);
                if (text)
                        g_ptr_array_add(ret, g_strdup(text));
                else
                        /* One that went away meanwhile is no port any more. */
                        ok = ok && libvirt_code() == VIR_ERR_NO_NETWORK_PORT;
                free(text);
                virNetworkPortFree(ports[i]);
        }
        free(ports);
        if (ok)
                return g_steal_pointer(&ret);
        libvirt_error(error, "libvirt's network %s: its ports cannot be read", virNetworkGetName(network));
        return NULL;
}

/* The network by name when it is active. NULL without an error: there is none that gives anything away now. */
static VirNetwork *find_active(Io *io, const char *name, GError **error) {
        VirConnect *connect = libvirt_connect(io, error);
        if (!connect)
                return NULL;
        g_autoptr(VirNetwork) network = virNetworkLookupByName(connect, name);
        int active = network ? virNetworkIsActive(network) : libvirt_code() == VIR_ERR_NO_NETWORK ? 0 : -1;
        if (active < 0)
                libvirt_error(error, "libvirt's network %s", name);
        return active == 1 ? g_steal_pointer(&network) : NULL;
}

/* Why the VF could not be held: the reason in `problem`, unless the network's ports tell a better one. True: it is
 * held. */
static bool look_why(VirNetwork *network, PciAddr vf, GError *problem, GError **error) {
        const char *name = virNetworkGetName(network);
        g_autoptr(HostdevNetwork) have = libvirt_read_network(network, NULL);
        const HostdevPort *port = have ? hostdev_network_port(have, vf) : NULL;
        char text[PCI_ADDR_TEXT_SIZE];

        pci_addr_format(vf, text);
        if (port && g_str_equal(port->owner, HOSTDEV_HOLDER)) {
                g_error_free(problem);
                return true;
        }
        if (!port && (!have || hostdev_network_has(have, vf))) {
                g_propagate_error(error, problem);
                return false;
        }
        g_error_free(problem);
        if (port)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_IN_USE,
                            "%s: libvirt's network %s has given it to the guest '%s'; take another VF, or shut that "
                            "guest down",
                            text, name, port->owner);
        else
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND,
                            "%s is not among the VFs of libvirt's network %s", text, name);
        return false;
}

bool libvirt_hold(Io *io, const char *name, PciAddr vf, GError **error) {
        g_autofree char *xml = xml_network_port(name, vf);
        GError *problem = NULL;
        g_autoptr(VirNetwork) network = find_active(io, name, &problem);
        char text[PCI_ADDR_TEXT_SIZE];

        if (!network) {
                if (problem)
                        g_propagate_error(error, problem);
                else
                        g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "libvirt has no active network '%s'",
                                    name);
                return false;
        }
        g_autoptr(VirNetworkPort) port = virNetworkPortCreateXML(network, xml, VIR_NETWORK_PORT_CREATE_RECLAIM);
        if (port)
                return true;
        pci_addr_format(vf, text);
        libvirt_error(&problem, "keeping %s from libvirt's network %s", text, name);
        return look_why(network, vf, problem, error);
}

bool libvirt_let_go(Io *io, const char *name, PciAddr vf, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(VirNetwork) network = find_active(io, name, &problem);
        g_autoptr(HostdevNetwork) have = network ? libvirt_read_network(network, &problem) : NULL;
        const HostdevPort *port = have ? hostdev_network_port(have, vf) : NULL;

        if (problem) {
                g_propagate_error(error, g_steal_pointer(&problem));
                return false;
        }
        if (!port || !g_str_equal(port->owner, HOSTDEV_HOLDER))
                return true;
        g_autoptr(VirNetworkPort) ours = virNetworkPortLookupByUUIDString(network, port->uuid);
        if ((ours && virNetworkPortDelete(ours, 0) == 0) || libvirt_code() == VIR_ERR_NO_NETWORK_PORT)
                return true;
        char text[PCI_ADDR_TEXT_SIZE];
        pci_addr_format(vf, text);
        libvirt_error(error, "giving %s back to libvirt's network %s", text, name);
        return false;
}
