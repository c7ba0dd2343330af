/* A service's books: finding guests and networks in them, and who has a function. */
#include "model/books.h"

#include <string.h>

Books *books_new(void) {
        Books *books = g_new0(Books, 1);
        books->guests = g_ptr_array_new_with_free_func((GDestroyNotify) guest_info_free);
        books->networks = g_ptr_array_new_with_free_func((GDestroyNotify) hostdev_network_free);
        return books;
}

void books_free(Books *books) {
        if (!books)
                return;
        g_ptr_array_unref(books->guests);
        g_ptr_array_unref(books->networks);
        hypervisor_free(books->xen);
        g_free(books);
}

static bool is_named(const GuestInfo *guest, const char *ref) {
        g_autofree char *own = guest_info_ref(guest);
        return ref && (g_str_equal(ref, own) || g_str_equal(ref, guest->name));
}

const GuestInfo *books_guest(const Books *books, const char *ref, const char *uuid) {
        for (unsigned i = 0; books && i < books->guests->len; i++) {
                const GuestInfo *guest = books->guests->pdata[i];
                /* A guest of that name with another uuid is another guest. */
                if (uuid ? guest->uuid && g_ascii_strcasecmp(guest->uuid, uuid) == 0 : is_named(guest, ref))
                        return guest;
        }
        return NULL;
}

const HostdevNetwork *books_network(const Books *books, const char *name) {
        for (unsigned i = 0; books && i < books->networks->len; i++) {
                const HostdevNetwork *network = books->networks->pdata[i];
                if (g_str_equal(network->name, name))
                        return network;
        }
        return NULL;
}

static char *guest_has(const GuestInfo *guest, PciAddr host) {
        g_autofree char *ref = guest_info_ref(guest);

        if (guest_info_find(guest, host))
                return g_strdup_printf("%s has it", ref);
        if (guest_info_find_defined(guest, host))
                return g_strdup_printf("%s is defined with it (%s)", ref,
                                       guest->running ? "from its next start on" : "shut off");
        return NULL;
}

/* The guest of `but`, by the name alone: a port knows no more of its owner. */
static bool is_owner(const HostdevPort *port, const char *but) {
        const char *colon = but ? strchr(but, ':') : NULL;
        return but && port->owner && (g_str_equal(port->owner, but) || (colon && g_str_equal(port->owner, colon + 1)));
}

char *books_who_has(const Books *books, PciAddr host, const char *but) {
        for (unsigned i = 0; books && i < books->guests->len; i++) {
                const GuestInfo *guest = books->guests->pdata[i];
                char *words = is_named(guest, but) ? NULL : guest_has(guest, host);
                if (words)
                        return words;
        }
        for (unsigned i = 0; books && i < books->networks->len; i++) {
                const HostdevNetwork *network = books->networks->pdata[i];
                const HostdevPort *port = hostdev_network_port(network, host);
                if (port && g_strcmp0(port->owner, HOSTDEV_HOLDER) != 0 && !is_owner(port, but))
                        return g_strdup_printf("network %s gave it to %s", network->name,
                                               port->owner ? port->owner : "a guest");
        }
        return NULL;
}

static void add_uses(const GuestInfo *guest, Snapshot *host) {
        g_autofree char *ref = guest_info_ref(guest);

        for (unsigned i = 0; i < guest->devices->len; i++) {
                const GuestDevice *device = guest->devices->pdata[i];
                char name[PCI_ADDR_TEXT_SIZE];

                pci_addr_format(device->host, name);
                Dev *dev = device->has_host ? g_hash_table_lookup(host->by_name, name) : NULL;
                if (dev)
                        dev_add_use(dev, USE_GUEST, g_strdup_printf("%s (domain %u)", ref, guest->domain), 0, guest->name);
        }
}

void books_add_uses(const Books *books, Snapshot *host) {
        for (unsigned i = 0; books && i < books->guests->len; i++) {
                const GuestInfo *guest = books->guests->pdata[i];
                if (guest->domain)
                        add_uses(guest, host);
        }
}
