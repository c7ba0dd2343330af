/* Hosts as configuration: what is worth saying of a PF and its VFs, and how it is written. */
#include "base/text.h"
#include "plan/export.h"
#include "plan_world.h"
#include "hosts.h"
#include "want/conf_file.h"
#include "want/conf_text.h"

#include <string.h>

static GPtrArray *new_notes(void) {
        return g_ptr_array_new_with_free_func(g_free);
}

/* The file of the host's PF, without the comment. */
static char *file_of(const Snapshot *host, const GPtrArray *leases, const Dev *pf) {
        g_autoptr(GPtrArray) notes = new_notes();
        g_autoptr(ConfPf) conf = plan_export(host, leases, pf, notes);
        return conf_format(conf, NULL);
}

/* What is written is read as the same, and without a warning. */
static void assert_read_back(const char *text) {
        g_autoptr(Conf) conf = conf_new();
        g_autoptr(GError) error = NULL;
        const IniText file = {.path = "etc/vfadm/a.conf", .text = text, .length = strlen(text)};

        conf_file_parse(&file, 1, conf, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(conf->pfs->len, ==, 1);
        g_assert_cmpuint(conf->warnings->len, ==, 0);
        g_autofree char *again = conf_format(conf->pfs->pdata[0], NULL);
        g_assert_cmpstr(again, ==, text);
}

static void assert_file(World *w, const char *expected) {
        g_autofree char *text = file_of(w->host, w->leases, host_pf(w->host));
        g_assert_cmpstr(text, ==, expected);
        assert_read_back(text);
}

/* And it says of each VF what it is: read again, it finds nothing that differs. */
static void assert_as_it_is(World *w) {
        g_autofree char *text = file_of(w->host, w->leases, host_pf(w->host));
        g_autoptr(Conf) conf = conf_new();
        const IniText file = {.path = "etc/vfadm/a.conf", .text = text, .length = strlen(text)};

        g_assert_true(conf_file_parse(&file, 1, conf, NULL));
        const ConfPf *pf = conf->pfs->pdata[0];
        g_assert_true(conf_matches(pf, host_pf(w->host)));
        g_assert_cmpint(conf_num_vfs(pf, host_pf(w->host)), ==, host_pf(w->host)->num_vfs);
        for (unsigned i = 0; i < host_pf(w->host)->num_vfs; i++) {
                VfState state = {0};
                if (conf_vf(pf, i, &state))
                        g_assert_cmpuint(vf_state_diff(host_vf_state(w->host, i), &state, state.known), ==, 0);
        }
}

#define MATCH "[Match]\nPermanentMACAddress=02:00:00:00:01:01\n\n"

static void own_drivers(World *w, unsigned vfs) {
        host_pf(w->host)->autoprobe = true;
        for (unsigned i = 0; i < vfs; i++)
                bind_vf(w, i, "igbvf", false);
}

static void test_fresh(void) {
        World w = world_new(3);
        own_drivers(&w, 3);
        assert_file(&w, MATCH "[PF]\nVFs=3\n");
        world_clear(&w);
}

static void test_drivers(void) {
        World w = world_new(5);
        own_drivers(&w, 5);
        bind_vf(&w, 1, "vfio-pci", true);
        bind_vf(&w, 2, "vfio-pci", true);
        bind_vf(&w, 3, NULL, false);
        assert_file(&w, MATCH "[PF]\nVFs=5\n\n[VF 1-2]\nDriver=vfio-pci\n\n[VF 3]\nDriver=none\n");
        /* No driver comes by itself then, so that those that have one need a word, and those without need none. */
        host_pf(w.host)->autoprobe = false;
        assert_file(&w, MATCH "[PF]\nVFs=5\nAutoprobe=no\n\n[VF 0]\nDriver=host\n\n[VF 1-2]\nDriver=vfio-pci\n\n[VF 4]\nDriver=host\n");
        world_clear(&w);
}

static void set_mac(World *w, unsigned vf, const char *last) {
        VfState *state = host_vf_state(w->host, vf);
        const uint8_t mac[6] = {2, 0, 0, 0, 0x42, (uint8_t) g_ascii_strtoull(last, NULL, 16)};
        memcpy(state->mac, mac, sizeof mac);
        state->known |= VF_MAC;
}

static void test_ranges(void) {
        World w = world_new(6);
        own_drivers(&w, 6);
        for (unsigned i = 0; i < 5; i++) {
                VfState *state = host_vf_state(w.host, i);
                state->vlan = i == 3 ? 7 : 42;
                state->proto = VLAN_PROTO_8021Q;
                state->trust = true;
        }
        set_mac(&w, 0, "fe");
        set_mac(&w, 1, "ff"); /* 42:ff + 1 is 43:00 */
        set_mac(&w, 2, "00");
        set_mac(&w, 5, "10");
        assert_file(&w, MATCH "[PF]\nVFs=6\n\n[VF 0-1]\nMACAddress=02:00:00:00:42:fe+\nVLAN=42\nTrust=on\n\n"
                              "[VF 2]\nMACAddress=02:00:00:00:42:00\nVLAN=42\nTrust=on\n\n[VF 3]\nVLAN=7\nTrust=on\n\n"
                              "[VF 4]\nVLAN=42\nTrust=on\n\n[VF 5]\nMACAddress=02:00:00:00:42:10\n");
        assert_as_it_is(&w);
        world_clear(&w);
}

static void test_all_attributes(void) {
        World w = world_new(1);
        own_drivers(&w, 1);
        VfState *state = host_vf_state(w.host, 0);
        *state = (VfState) {.known = VF_ALL, .mac = {2, 0, 0, 0, 0, 1}, .vlan = 42, .qos = 3, .proto = VLAN_PROTO_8021AD, .trust = true,
                            .link = VF_LINK_ON, .max_rate = 1000, .min_rate = 10};
        /* igb takes no min-rate and no link state: what it reports of them nobody has set. */
        assert_file(&w, MATCH "[PF]\nVFs=1\n\n[VF 0]\nMACAddress=02:00:00:00:00:01\nVLAN=42\nQoS=3\nProtocol=802.1ad\nTrust=on\n"
                              "SpoofCheck=off\nMaxRate=1000\n");
        g_free(host_pf(w.host)->driver);
        host_pf(w.host)->driver = g_strdup("unheard-of");
        assert_file(&w, MATCH "[PF]\nVFs=1\n\n[VF 0]\nMACAddress=02:00:00:00:00:01\nVLAN=42\nQoS=3\nProtocol=802.1ad\nTrust=on\n"
                              "SpoofCheck=off\nLinkState=on\nMinRate=10\nMaxRate=1000\n");
        world_clear(&w);
}

static void test_leased(void) {
        World w = world_new(2);
        own_drivers(&w, 2);
        lease_out(&w, 1, "qemu:web1");
        Lease *lease = w.leases->pdata[0];
        lease->saved = (VfState) {.known = VF_ALL, .vlan = 7, .spoofchk = true};
        g_free(lease->saved_driver);
        lease->saved_driver = g_strdup("vfio-pci");
        assert_file(&w, MATCH "[PF]\nVFs=2\n\n[VF 1]\nDriver=vfio-pci\nVLAN=7\n");
        world_clear(&w);
}

static void test_used_without_lease(void) {
        World w = world_new(1);
        g_autoptr(GPtrArray) notes = new_notes();
        own_drivers(&w, 1);
        bind_vf(&w, 0, "vfio-pci", true);
        dev_add_use(host_vf(w.host, 0), USE_PROCESS, g_strdup("guest db (qemu, pid 99)"), 99, "db");
        g_autoptr(ConfPf) conf = plan_export(w.host, w.leases, host_pf(w.host), notes);
        g_assert_cmpuint(notes->len, ==, 1);
        g_assert_nonnull(strstr(notes->pdata[0], "enp1s0/0: guest db (qemu, pid 99) has it, without a lease"));
        world_clear(&w);
}

static void test_unreadable(void) {
        World w = world_new(2);
        g_autoptr(GPtrArray) notes = new_notes();
        own_drivers(&w, 2);
        g_array_set_size(host_pf(w.host)->vf_infos, 0);
        g_autoptr(ConfPf) conf = plan_export(w.host, w.leases, host_pf(w.host), notes);
        g_assert_cmpuint(conf->vfs->len, ==, 0);
        g_assert_cmpuint(notes->len, ==, 1);
        g_assert_nonnull(strstr(notes->pdata[0], "enp1s0: MAC, VLAN and the rest"));
        world_clear(&w);
}

/* One MAC on two ports, and no MAC at all: the place tells which is meant. */
static void test_match(void) {
        World w = world_new(0);
        g_autoptr(Snapshot) twin = snapshot_new();
        g_free(host_pf(w.host)->path);
        host_pf(w.host)->path = g_strdup("pci0000:00/0000:00:02.0/0000:01:00.0");
        for (unsigned i = 0; i < 2; i++) {
                PciAddr addr = {.bus = 1, .function = (uint8_t) i};
                Dev *dev = dev_new(addr);
                dev->is_pf = true;
                dev->autoprobe = true;
                dev->path = g_strdup_printf("pci0000:00/0000:01:00.%u", i);
                NetDev *net = net_dev_new(i ? "b" : "a");
                memcpy(net->permanent_mac, (const uint8_t[]) {2, 0, 0, 0, 1, 1}, 6);
                g_ptr_array_add(dev->nets, net);
                snapshot_add(twin, dev);
        }
        snapshot_seal(twin);
        g_autofree char *text = file_of(twin, w.leases, twin->devs->pdata[1]);
        g_assert_cmpstr(text, ==, "[Match]\nPath=pci0000:00/0000:01:00.1\n\n[PF]\nVFs=0\n");
        memset(((NetDev *) host_pf(w.host)->nets->pdata[0])->permanent_mac, 0, 6);
        host_pf(w.host)->autoprobe = true;
        assert_file(&w, "[Match]\nPath=pci0000:00/0000:00:02.0/0000:01:00.0\n\n[PF]\nVFs=0\n");
        world_clear(&w);
}

static void test_comment(void) {
        World w = world_new(0);
        g_autoptr(GPtrArray) notes = new_notes();
        g_autoptr(ConfPf) conf = plan_export(w.host, w.leases, host_pf(w.host), notes);
        g_autofree char *text = conf_format(conf, w.host);
        g_assert_true(g_str_has_prefix(text, "# enp1s0 at 0000:01:00.0, driver igb, when this was written\n[Match]\n"));
        world_clear(&w);
}

/* What only people write. */
static void test_format_rest(void) {
        g_autoptr(ConfPf) conf = conf_pf_new("etc/vfadm/a.conf", 1);
        ConfVf *all = conf_vf_new("etc/vfadm/a.conf", 2), *rest = conf_vf_new("etc/vfadm/a.conf", 3);

        conf->match[MATCH_DRIVER] = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(conf->match[MATCH_DRIVER], g_strdup("igb"));
        g_ptr_array_add(conf->match[MATCH_DRIVER], g_strdup("i*e"));
        conf->num_vfs = CONF_ALL_VFS;
        conf->autoprobe = 1;
        conf->up = 1;
        conf->report_only = true;
        all->last = 3;
        rest->first = 4;
        rest->last = CONF_VF_LAST;
        rest->driver = g_strdup("host");
        all->driver = g_strdup("vfio");
        all->vf = (VfState) {.known = VF_VLAN | VF_LINK, .vlan = 0, .link = VF_LINK_AUTO};
        g_ptr_array_add(conf->vfs, all);
        g_ptr_array_add(conf->vfs, rest);
        g_autofree char *text = conf_format(conf, NULL);
        g_assert_cmpstr(text, ==, "[Match]\nDriver=igb\nDriver=i*e\n\n[PF]\nVFs=all\nAutoprobe=yes\nUp=yes\nDrift=report\n\n"
                                  "[VF 0-3]\nDriver=vfio\nVLAN=0\nLinkState=auto\n\n[VF 4-*]\nDriver=host\n");
        assert_read_back(text);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/export/fresh", test_fresh);
        g_test_add_func("/export/drivers", test_drivers);
        g_test_add_func("/export/ranges", test_ranges);
        g_test_add_func("/export/all-attributes", test_all_attributes);
        g_test_add_func("/export/leased", test_leased);
        g_test_add_func("/export/used-without-lease", test_used_without_lease);
        g_test_add_func("/export/unreadable", test_unreadable);
        g_test_add_func("/export/match", test_match);
        g_test_add_func("/export/comment", test_comment);
        g_test_add_func("/export/format-rest", test_format_rest);
        return g_test_run();
}
