/* Pools, networks of VFs and books as plain data: which VFs are in, and who has what. */
#include "base/error.h"
#include "hosts.h"
#include "model/books.h"
#include "model/pool.h"

#include <string.h>

static PciAddr at(const char *text) {
        PciAddr addr;
        g_assert_true(pci_addr_parse(text, &addr));
        return addr;
}

static void test_name(void) {
        static const char *const good[] = {"passthrough", "a", "vf-pool_1.x", "0"};
        static const char *const bad[] = {"", ".x", "-x", "a b", "a/b", "a\n", "p\303\266l", "a:b", "[x]", "../x"};
        g_autofree char *longest = g_strnfill(64, 'x'), *longer = g_strnfill(65, 'x');

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
                g_assert_true(pool_name_ok(good[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(pool_name_ok(bad[i]));
        g_assert_true(pool_name_ok(longest));
        g_assert_false(pool_name_ok(longer));
        g_assert_false(pool_name_ok(NULL));
}

static Pool *pool_of(const char *name, const char *pf) {
        Pool *pool = pool_new(name);
        g_ptr_array_add(pool->pfs, g_strdup(pf));
        return pool;
}

static void test_members(void) {
        g_autoptr(Snapshot) host = host_igb(4);
        static const char *const names[] = {"02:00:00:00:01:01", "02-00-00-00-01-01", "0000:01:00.0", "enp1s0"};

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autoptr(Pool) pool = pool_of("p", names[i]);
                g_autoptr(GPtrArray) vfs = pool_vfs(pool, host);
                g_assert_cmpuint(vfs->len, ==, 4);
                g_assert_cmpstr(((const Dev *) vfs->pdata[3])->name, ==, "0000:01:10.6");
                g_assert_true(pool_pf(pool, 0, host) == host_pf(host));
        }
        g_autoptr(Pool) pool = pool_of("p", "02:00:00:00:01:01");
        g_ptr_array_add(pool->pfs, g_strdup("0000:01:00.0")); /* the same port */
        g_ptr_array_add(pool->pfs, g_strdup("02:00:00:00:99:99"));
        g_ptr_array_add(pool->pfs, g_strdup("0000:00:01.0")); /* no PF */
        pool->some_vfs = true;
        pool->first_vf = 1;
        pool->last_vf = 2;
        g_autoptr(GPtrArray) vfs = pool_vfs(pool, host);
        g_assert_cmpuint(vfs->len, ==, 2);
        g_assert_true(vfs->pdata[0] == host_vf(host, 1));
        g_assert_null(pool_pf(pool, 2, host));
        g_assert_null(pool_pf(pool, 3, host));
        g_assert_false(pool_has(pool, host, host_vf(host, 0)));
        g_assert_true(pool_has(pool, host, host_vf(host, 2)));
        g_assert_false(pool_has(pool, host, host_pf(host)));
        /* A bond gave the port another MAC. */
        ((NetDev *) host_pf(host)->nets->pdata[0])->mac[5] = 0x77;
        g_assert_true(pool_pf(pool, 0, host) == host_pf(host));

        g_autoptr(GPtrArray) pools = g_ptr_array_new();
        g_ptr_array_add(pools, pool);
        g_assert_true(pools_find(pools, "p") == pool);
        g_assert_null(pools_find(pools, "q"));
        g_assert_null(pools_find(NULL, "p"));
}

static void assert_network(const Pool *pool, const Snapshot *host, const char *line) {
        g_autoptr(HostdevNetwork) network = pool_network(pool, host);
        g_autofree char *text = hostdev_network_format(network);
        g_autoptr(GError) error = NULL;

        g_assert_cmpstr(network->name, ==, pool->name);
        g_assert_cmpstr(text, ==, line);
        g_autoptr(HostdevNetwork) again = hostdev_network_parse(pool->name, text, &error);
        g_assert_no_error(error);
        g_autofree char *twice = hostdev_network_format(again);
        g_assert_cmpstr(twice, ==, line);
        g_assert_cmpuint(again->addresses->len, ==, network->addresses->len);
        g_assert_true(again->persistent);
}

static void test_network(void) {
        g_autoptr(Snapshot) host = host_igb(2), none = host_igb(0);
        g_autoptr(Pool) pool = pool_of("p", "02:00:00:00:01:01");

        assert_network(pool, host, "inactive managed pf=enp1s0");
        pool->started = pool->autostart = true;
        assert_network(pool, host, "active autostart managed pf=enp1s0 0000:01:10.0 0000:01:10.2");
        assert_network(pool, none, "inactive autostart managed pf=enp1s0");
        pool->some_vfs = true;
        pool->first_vf = pool->last_vf = 1;
        assert_network(pool, host, "active autostart managed 0000:01:10.2");
        pool->started = false;
        assert_network(pool, host, "inactive autostart managed 0000:01:10.2");
        pool->started = true;
        pool->some_vfs = false;
        g_ptr_array_add(pool->pfs, g_strdup("0000:09:00.0"));
        assert_network(pool, host, "active autostart managed 0000:01:10.0 0000:01:10.2");
}

static void test_network_line(void) {
        g_autoptr(HostdevNetwork) odd = hostdev_network_new("n");
        static const char *const bad[] = {
                "", "active ", "active  managed", "actve", "pf=", "pf=a pf=b", "pf=%zz", "0000:01:10.9", " active"};

        odd->pf = g_strdup("a b\n\"%");
        g_autofree char *line = hostdev_network_format(odd);
        g_assert_cmpstr(line, ==, "inactive transient pf=a%20b%0A%22%25");
        g_autoptr(HostdevNetwork) back = hostdev_network_parse("n", line, NULL);
        g_assert_cmpstr(back->pf, ==, odd->pf);
        g_assert_false(back->persistent);
        g_assert_false(hostdev_network_has(back, at("01:10.0")));
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                g_assert_null(hostdev_network_parse("n", bad[i], &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        }
}

static GuestInfo *guest_of(Books *books, const char *name, const char *uuid, bool running) {
        GuestInfo *guest = guest_info_new("libvirt", name);
        guest->uuid = g_strdup(uuid);
        guest->running = running;
        g_ptr_array_add(books->guests, guest);
        return guest;
}

static void has(GuestDevice *device, const char *host) {
        device->host = at(host);
        device->has_host = true;
}

static void assert_who(const Books *books, const char *host, const char *but, const char *words) {
        g_autofree char *who = books_who_has(books, at(host), but);
        g_assert_cmpstr(who, ==, words);
}

static void test_books(void) {
        g_autoptr(Books) books = books_new();
        GuestInfo *db = guest_of(books, "db", "5C8F0000-0000-0000-0000-000000000001", false);
        GuestInfo *web = guest_of(books, "web", NULL, true);
        HostdevNetwork *network = hostdev_network_new("net");

        g_ptr_array_add(books->networks, network);
        has(guest_info_add_defined(db, "a"), "01:10.0");
        has(guest_info_add_device(web, "b"), "01:10.2");
        has(guest_info_add_defined(web, "c"), "01:10.4");
        static const char *const ports[][2] = {{"01:10.6", "mail"}, {"01:11.0", HOSTDEV_HOLDER}, {"01:11.2", NULL}};
        for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
                HostdevPort *port = g_new0(HostdevPort, 1);
                *port = (HostdevPort){.host = at(ports[i][0]), .owner = g_strdup(ports[i][1])};
                g_ptr_array_add(network->ports, port);
        }

        assert_who(books, "01:10.0", NULL, "libvirt:db is defined with it (shut off)");
        assert_who(books, "01:10.2", NULL, "libvirt:web has it");
        assert_who(books, "01:10.4", NULL, "libvirt:web is defined with it (from its next start on)");
        assert_who(books, "01:10.4", "libvirt:web", NULL);
        assert_who(books, "01:10.6", NULL, "network net gave it to mail");
        assert_who(books, "01:10.6", "libvirt:mail", NULL);
        assert_who(books, "01:11.0", NULL, NULL);
        assert_who(books, "01:11.2", "libvirt:mail", "network net gave it to a guest");
        assert_who(books, "01:11.4", NULL, NULL);
        assert_who(NULL, "01:10.0", NULL, NULL);

        g_assert_true(books_guest(books, "libvirt:db", NULL) == db);
        g_assert_true(books_guest(books, "web", NULL) == web);
        g_assert_null(books_guest(books, "qemu:web", NULL));
        g_assert_true(books_guest(books, "renamed", "5c8f0000-0000-0000-0000-000000000001") == db);
        g_assert_null(books_guest(books, "libvirt:db", "5c8f0000-0000-0000-0000-000000000002"));
        g_assert_null(books_guest(books, NULL, NULL));
        g_assert_true(books_network(books, "net") == network);
        g_assert_null(books_network(books, "no"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/pool/name", test_name);
        g_test_add_func("/pool/members", test_members);
        g_test_add_func("/pool/network", test_network);
        g_test_add_func("/pool/network-line", test_network_line);
        g_test_add_func("/pool/books", test_books);
        return g_test_run();
}
