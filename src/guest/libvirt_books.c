/* All of libvirt's guests and networks of VFs at once. */
#include "guest/libvirt.h"

#include "base/error.h"

static bool read_networks(VirConnect *connect, Books *books, GError **error) {
        virNetworkPtr *networks = NULL;
        int n = virConnectListAllNetworks(connect, &networks, 0);
        bool ok = n >= 0;

        if (!ok)
                libvirt_error(error, "the networks of libvirt cannot be listed");
        for (int i = 0; i < n; i++) {
                g_autoptr(GError) problem = NULL;
                HostdevNetwork *network = ok ? libvirt_read_network(networks[i], &problem) : NULL;
                if (network)
                        g_ptr_array_add(books->networks, network);
                virNetworkFree(networks[i]);
                if (problem && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                        g_propagate_error(error, g_steal_pointer(&problem));
                        ok = false;
                }
        }
        free(networks);
        return ok;
}

static void finish_guest(const Books *books, GuestInfo *info) {
        info->status = g_strdup(info->running ? "running" : "shut off");
        for (unsigned i = info->defined->len; i-- > 0;) {
                const GuestDevice *device = info->defined->pdata[i];
                if (device->network && !books_network(books, device->network))
                        g_ptr_array_remove_index(info->defined, i);
        }
}

static bool read_guests(Io *io, VirConnect *connect, Books *books, GError **error) {
        virDomainPtr *domains = NULL;
        int n = virConnectListAllDomains(connect, &domains, 0);
        bool ok = n >= 0;

        if (!ok)
                libvirt_error(error, "the guests of libvirt cannot be listed");
        for (int i = 0; i < n; i++) {
                g_autoptr(GError) problem = NULL;
                GuestInfo *info = ok ? libvirt_read_domain(io, domains[i], &problem) : NULL;
                if (info) {
                        finish_guest(books, info);
                        g_ptr_array_add(books->guests, info);
                }
                virDomainFree(domains[i]);
                /* One that went away meanwhile is not in the books; one that cannot be read may have any VF. */
                if (problem && !g_error_matches(problem, VFADM_ERROR, VFADM_ERROR_NOT_FOUND)) {
                        g_propagate_error(error, g_steal_pointer(&problem));
                        ok = false;
                }
        }
        free(domains);
        return ok;
}

/* Which network a running guest's VF came from stands only in the network's ports. */
static void name_networks(Books *books) {
        g_autoptr(GHashTable) guests = g_hash_table_new(g_str_hash, g_str_equal);

        for (unsigned i = 0; i < books->guests->len; i++)
                g_hash_table_insert(guests, ((GuestInfo *)books->guests->pdata[i])->name, books->guests->pdata[i]);
        for (unsigned i = 0; i < books->networks->len; i++) {
                const HostdevNetwork *network = books->networks->pdata[i];
                for (unsigned n = 0; n < network->ports->len; n++) {
                        const HostdevPort *port = network->ports->pdata[n];
                        const GuestInfo *guest = g_hash_table_lookup(guests, port->owner);
                        for (unsigned d = 0; guest && d < guest->devices->len; d++) {
                                GuestDevice *device = guest->devices->pdata[d];
                                if (!device->network && pci_addr_equal(device->host, port->host))
                                        device->network = g_strdup(network->name);
                        }
                }
        }
}

Books *libvirt_books(Io *io, GError **error) {
        g_autoptr(Books) books = books_new();
        VirConnect *connect = libvirt_connect(io, error);

        if (!connect || (libvirt_has_networks(io) && !read_networks(connect, books, error)) ||
            !read_guests(io, connect, books, error))
                return NULL;
        name_networks(books);
        return g_steal_pointer(&books);
}
