/* libvirt's networks of VFs: read, and made to be as a pool wants them. */
#include "guest/libvirt.h"

#include "base/error.h"
#include "xml/network.h"

#include <string.h>

static HostdevNetwork *parse_network(VirNetwork *network, unsigned flags, GError **error) {
        char *text = virNetworkGetXMLDesc(network, flags);
        if (!text) {
                libvirt_error(error, "libvirt's network %s: its description cannot be read",
                              virNetworkGetName(network));
                return NULL;
        }
        HostdevNetwork *ret = xml_network_parse(text, strlen(text), error);
        free(text);
        return ret;
}

static void *cannot_tell(VirNetwork *network, GError **error) {
        libvirt_error(error, "libvirt's network %s cannot be looked at", virNetworkGetName(network));
        return NULL;
}

static bool read_ports(VirNetwork *network, HostdevNetwork *into, GError **error) {
        g_autoptr(GPtrArray) texts = libvirt_ports(network, error);

        for (unsigned i = 0; texts && i < texts->len; i++) {
                HostdevPort *port = g_new0(HostdevPort, 1);
                if (xml_network_port_parse(texts->pdata[i], strlen(texts->pdata[i]), port))
                        g_ptr_array_add(into->ports, port);
                else
                        g_free(port);
        }
        return texts != NULL;
}

HostdevNetwork *libvirt_read_network(VirNetwork *network, GError **error) {
        g_autoptr(HostdevNetwork) ret = parse_network(network, 0, error);
        int autostart = 0;

        if (!ret)
                return NULL;
        int active = virNetworkIsActive(network), persistent = virNetworkIsPersistent(network);
        if (active < 0 || persistent < 0 || (persistent && virNetworkGetAutostart(network, &autostart) < 0))
                return cannot_tell(network, error);
        ret->active = active;
        ret->persistent = persistent;
        ret->autostart = autostart;
        if (active && persistent) {
                /* The active one forgets its <pf> when the daemon is restarted, and keeps the list that came of it. */
                g_autoptr(HostdevNetwork) definition = parse_network(network, VIR_NETWORK_XML_INACTIVE, error);
                if (!definition)
                        return NULL;
                g_free(ret->pf);
                ret->pf = g_steal_pointer(&definition->pf);
        }
        return !active || read_ports(network, ret, error) ? g_steal_pointer(&ret) : NULL;
}

static void refuse_kind(const char *name, GError **error) {
        g_set_error(error, VFADM_ERROR, VFADM_ERROR_REFUSED,
                    "libvirt has a network '%s' that does not hand out VFs (its forward mode is not 'hostdev'); choose "
                    "another name",
                    name);
}

/* The network by name: NULL without an error: there is none. */
static bool find_network(Io *io, const char *name, VirConnect **ret_connect, VirNetwork **ret, GError **error) {
        *ret_connect = libvirt_connect(io, error);
        *ret = *ret_connect ? virNetworkLookupByName(*ret_connect, name) : NULL;
        if (!*ret_connect)
                return false;
        if (*ret || libvirt_code() == VIR_ERR_NO_NETWORK)
                return true;
        libvirt_error(error, "libvirt's network %s", name);
        return false;
}

HostdevNetwork *libvirt_network(Io *io, const char *name, GError **error) {
        g_autoptr(VirNetwork) network = NULL;
        g_autoptr(GError) problem = NULL;
        VirConnect *connect;

        if (!find_network(io, name, &connect, &network, error))
                return NULL;
        HostdevNetwork *ret = network ? libvirt_read_network(network, &problem) : NULL;
        if (problem)
                g_propagate_error(error, g_steal_pointer(&problem));
        else if (network && !ret)
                refuse_kind(name, error);
        else if (!ret)
                g_set_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND, "libvirt has no network '%s'", name);
        return ret;
}

static bool same_list(const HostdevNetwork *a, const HostdevNetwork *b) {
        bool same = a->addresses->len == b->addresses->len;
        for (unsigned i = 0; same && i < a->addresses->len; i++)
                same = pci_addr_equal(g_array_index(a->addresses, PciAddr, i), g_array_index(b->addresses, PciAddr, i));
        return same;
}

/* What its definition says is what is wanted already. */
static bool defined_so(VirNetwork *network, const HostdevNetwork *wanted) {
        g_autoptr(HostdevNetwork) have =
                virNetworkIsPersistent(network) == 1 ? parse_network(network, VIR_NETWORK_XML_INACTIVE, NULL) : NULL;
        return have && have->managed == wanted->managed && g_strcmp0(have->pf, wanted->pf) == 0 &&
               (wanted->pf || same_list(have, wanted));
}

/* Defines it where it is not so already; an existing one keeps its uuid and what else stands in it. */
static bool define_network(VirConnect *connect, VirNetwork **network, const HostdevNetwork *wanted, GError **error) {
        g_autofree char *xml = NULL;

        if (*network) {
                char *text = virNetworkGetXMLDesc(*network,
                                                  virNetworkIsPersistent(*network) == 1 ? VIR_NETWORK_XML_INACTIVE : 0);
                if (!text)
                        return cannot_tell(*network, error) != NULL;
                xml = xml_network_change(text, strlen(text), wanted, error);
                free(text);
                if (!xml)
                        return false;
                if (defined_so(*network, wanted))
                        return true;
        } else {
                xml = xml_network(wanted);
        }
        VirNetwork *defined = virNetworkDefineXML(connect, xml);
        if (!defined) {
                libvirt_error(error, "defining libvirt's network %s", wanted->name);
                return false;
        }
        g_clear_pointer(network, virNetworkFree);
        *network = defined;
        return true;
}

/* libvirt takes a new list only when the network starts, and forgets at its end whom it gave which VF
 * (networkShutdownNetwork); so those ports are put back. A port whose VF is no more in the list is not: nobody can be
 * given that one. */
static bool restart_network(VirNetwork *network, GError **error) {
        g_autoptr(GPtrArray) ports = libvirt_ports(network, error);

        if (!ports)
                return false;
        if (virNetworkDestroy(network) < 0 || virNetworkCreate(network) < 0) {
                libvirt_error(error, "starting libvirt's network %s anew", virNetworkGetName(network));
                return false;
        }
        for (unsigned i = 0; i < ports->len; i++) {
                g_autoptr(VirNetworkPort) port =
                        virNetworkPortCreateXML(network, ports->pdata[i], VIR_NETWORK_PORT_CREATE_RECLAIM);
        }
        return true;
}

/* Started or not, with the list that is wanted. */
static bool run_network(VirNetwork *network, const HostdevNetwork *wanted, GError **error) {
        g_autoptr(HostdevNetwork) have = virNetworkIsActive(network) == 1 ? parse_network(network, 0, error) : NULL;
        int r = 0;

        if (have && wanted->active) {
                /* With a <pf> and no list it is for libvirt to say which VFs there are. */
                bool same = have->managed == wanted->managed &&
                            ((wanted->pf && !wanted->addresses->len) || same_list(have, wanted));
                return same || restart_network(network, error);
        }
        if (have)
                r = virNetworkDestroy(network);
        else if (wanted->active)
                r = virNetworkCreate(network);
        if (r < 0)
                libvirt_error(error, "%s libvirt's network %s", have ? "stopping" : "starting", wanted->name);
        return r == 0;
}

static bool set_autostart(VirNetwork *network, bool wanted, GError **error) {
        int now;
        if (virNetworkGetAutostart(network, &now) == 0 && (now != 0) == wanted)
                return true;
        if (virNetworkSetAutostart(network, wanted) == 0)
                return true;
        libvirt_error(error, "libvirt's network %s: switching autostart %s", virNetworkGetName(network),
                      wanted ? "on" : "off");
        return false;
}

static bool remove_network(VirNetwork *network, GError **error) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(HostdevNetwork) have = parse_network(network, 0, &problem);

        if (!have) {
                if (problem)
                        g_propagate_error(error, g_steal_pointer(&problem));
                else
                        refuse_kind(virNetworkGetName(network), error);
                return false;
        }
        bool persistent = virNetworkIsPersistent(network) == 1;
        if ((virNetworkIsActive(network) != 1 || virNetworkDestroy(network) == 0) &&
            (!persistent || virNetworkUndefine(network) == 0))
                return true;
        libvirt_error(error, "removing libvirt's network %s", have->name);
        return false;
}

bool libvirt_set_network(Io *io, const char *name, const HostdevNetwork *network, GError **error) {
        g_autoptr(VirNetwork) found = NULL;
        VirConnect *connect;

        if (!find_network(io, name, &connect, &found, error))
                return false;
        if (!network)
                return !found || remove_network(found, error);
        return define_network(connect, &found, network, error) && set_autostart(found, network->autostart, error) &&
               run_network(found, network, error);
}
