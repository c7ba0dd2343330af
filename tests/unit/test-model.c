/* The field's plain data: addresses, VF state, finding devices, leases and steps as JSON. */
#include "base/error.h"
#include "base/text.h"
#include "hosts.h"
#include "model/hostdev_network.h"
#include "model/lease.h"
#include "model/nic.h"
#include "model/pci.h"
#include "model/step.h"

#include <string.h>

static void test_address(void) {
        PciAddr a;
        char text[PCI_ADDR_TEXT_SIZE];
        static const char *const same[] = {"0000:01:10.2", "01:10.2", "pci_0000_01_10_2"};
        for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
                g_assert_true(pci_addr_parse(same[i], &a));
                pci_addr_format(a, text);
                g_assert_cmpstr(text, ==, "0000:01:10.2");
        }
        pci_addr_format_libvirt(a, text);
        g_assert_cmpstr(text, ==, "pci_0000_01_10_2");
        g_assert_true(pci_addr_parse("10000:e1:00.0", &a));
        g_assert_cmpuint(a.domain, ==, 0x10000);

        static const char *const bad[] = {"", "01", "01:10", "1:10.2", "01:10.8", "01:20.0", "0000:01:10.2 ", " 01:10.2", "01:10,2", "01.10.2",
                                          "000:01:10.2", "0000:01:10.02", "pci_0000_01_10", "pci_01_10_2", "0x01:10.2", "0000:0x:10.2", "-1:10.2", "enp1s0"};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_false(pci_addr_parse(bad[i], &a));
}

static bool parse(const char *key, const char *value, VfState *state) {
        bool is_attribute;
        g_autofree char *message = NULL;
        bool ok = vf_state_parse_word(key, value, state, &is_attribute, &message);
        g_assert_true(ok || !is_attribute || message);
        return ok;
}

static void test_vf_words(void) {
        VfState state = {0};
        g_assert_true(parse("mac", "02:00:00:00:00:0A", &state));
        g_assert_true(parse("vlan", "42.3/802.1ad", &state));
        g_assert_true(parse("trust", "on", &state));
        g_assert_true(parse("link", "auto", &state));
        g_assert_true(parse("max-rate", "1000", &state));
        g_autofree char *text = vf_state_format(&state, VF_ALL);
        g_assert_cmpstr(text, ==, "mac=02:00:00:00:00:0a vlan=42.3/802.1ad trust=on link=auto max-rate=1000");

        static const char *const bad[][2] = {{"mac", "03:00:00:00:00:01"}, {"mac", "02:00"}, {"vlan", "4095"}, {"vlan", "42.8"}, {"vlan", ""}, {"vlan", "42/802.1x"},
                                             {"vlan", "-1"}, {"trust", "maybe"}, {"link", "up"}, {"max-rate", "1G"}, {"colour", "red"}};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                VfState untouched = state;
                g_assert_false(parse(bad[i][0], bad[i][1], &untouched));
                g_assert_cmpmem(&untouched, sizeof untouched, &state, sizeof state);
        }
}

static void test_vf_diff(void) {
        VfState a = {.known = VF_ALL, .vlan = 0, .proto = 0}, b = {.known = VF_ALL, .vlan = 0, .proto = VLAN_PROTO_8021Q};
        g_assert_cmpuint(vf_state_diff(&a, &b, VF_ALL), ==, 0); /* no tag: the protocol means nothing */
        b.vlan = 42;
        b.trust = true;
        g_assert_cmpuint(vf_state_diff(&a, &b, VF_ALL), ==, VF_VLAN | VF_TRUST);
        a.known = VF_MAC;
        g_assert_cmpuint(vf_state_diff(&a, &b, VF_MAC | VF_SPOOFCHK), ==, VF_SPOOFCHK); /* unknown counts as different */

        json_t *json = vf_state_to_json(&b, VF_ALL);
        VfState back;
        g_assert_true(vf_state_from_json(json, &back));
        json_decref(json);
        g_assert_cmpuint(back.known, ==, VF_ALL);
        g_assert_cmpuint(vf_state_diff(&back, &b, VF_ALL), ==, 0);
}

static void test_find(void) {
        g_autoptr(Snapshot) host = host_igb(7);
        static const char *const vf3[] = {"0000:01:10.6", "01:10.6", "pci_0000_01_10_6", "enp1s0/3", "01:00.0/3"};
        for (size_t i = 0; i < G_N_ELEMENTS(vf3); i++) {
                const Dev *dev = snapshot_find(host, vf3[i], NULL);
                g_assert_nonnull(dev);
                g_assert_cmpstr(dev->name, ==, "0000:01:10.6");
                g_assert_cmpuint(dev->vf_index, ==, 3);
        }
        g_autofree char *nick = snapshot_nick(host, snapshot_find(host, "01:10.6", NULL));
        g_assert_cmpstr(nick, ==, "enp1s0/3");
        static const struct {
                const char *name, *says;
        } bad[] = {{"enp9s0", "no such device"}, {"05:00.0", "no such PCI device"}, {"enp1s0/7", "has VFs 0 to 6"}, {"enp1s0/x", "no VF number"},
                   {"00:01.0/0", "no SR-IOV device"}, {"enp1s0/-1", "no VF number"}};
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autoptr(GError) error = NULL;
                g_assert_null(snapshot_find(host, bad[i].name, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_NOT_FOUND);
                g_assert_nonnull(strstr(error->message, bad[i].says));
        }
        Dev *twin = dev_new((PciAddr) {1, 1, 0x10, 6});
        snapshot_add(host, twin);
        snapshot_seal(host);
        g_autoptr(GError) error = NULL;
        g_assert_null(snapshot_find(host, "01:10.6", &error));
        g_assert_nonnull(strstr(error->message, "ambiguous"));
        g_assert_nonnull(snapshot_find(host, "0001:01:10.6", NULL));
}

static Lease *some_lease(const Snapshot *host, const Dev *dev) {
        Lease *lease = lease_new();
        lease_identify(lease, host, dev);
        lease->id = 12;
        lease->guest = g_strdup("qemu:web \"1\"");
        lease->guest_device = g_strdup("vfadm-0000-01-10.0");
        lease->pid = 812;
        lease->pid_start = 1234567;
        lease->boot_id = g_strdup(host->boot_id);
        lease->saved_driver = g_strdup("igbvf");
        lease->config = lease->managed = true;
        lease->guest_uuid = g_strdup("5c1f3c2e-0000-4000-8000-00000000beef");
        lease->pool = g_strdup("fast");
        lease->state = LEASE_PENDING;
        lease->given = (VfState) {.known = VF_MAC | VF_VLAN, .mac = {2, 0, 0, 0, 0, 9}, .vlan = 42, .proto = VLAN_PROTO_8021Q};
        return lease;
}

static void test_lease(void) {
        g_autoptr(Snapshot) host = host_igb(2);
        g_autoptr(Lease) lease = some_lease(host, host_vf(host, 1));
        g_autoptr(GError) error = NULL;
        json_t *json = lease_to_json(lease);
        g_autoptr(Lease) back = lease_from_json(json, &error);
        g_assert_no_error(error);
        json_t *again = lease_to_json(back);
        g_assert_true(json_equal(json, again));
        json_decref(again);

        g_assert_true(back->config && back->managed);
        g_assert_cmpstr(back->guest_uuid, ==, "5c1f3c2e-0000-4000-8000-00000000beef");
        g_assert_cmpstr(back->pool, ==, "fast");
        g_autoptr(Lease) copy = lease_copy(back);
        g_assert_true(copy->config && copy->managed && copy->guest_uuid != back->guest_uuid && copy->pool != back->pool);
        g_assert_cmpstr(copy->guest_uuid, ==, back->guest_uuid);
        g_assert_cmpstr(copy->pool, ==, back->pool);

        g_assert_true(lease_fits(back, host, host_vf(host, 1)));
        g_assert_false(lease_fits(back, host, host_vf(host, 0)));
        ((NetDev *) host_pf(host)->nets->pdata[0])->permanent_mac[5] ^= 1; /* another card came into the slot */
        g_assert_false(lease_fits(back, host, host_vf(host, 1)));

        /* One that an older vfadm wrote. */
        static const char *const young[] = {"config", "managed", "guest_uuid", "pool"};
        for (size_t i = 0; i < G_N_ELEMENTS(young); i++)
                g_assert_cmpint(json_object_del(json, young[i]), ==, 0);
        g_autoptr(Lease) old = lease_from_json(json, &error);
        g_assert_no_error(error);
        g_assert_true(!old->config && !old->managed && !old->guest_uuid && !old->pool);

        json_object_set_new(json, "address", json_string("nonsense"));
        g_assert_null(lease_from_json(json, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        json_decref(json);
}

/* Every kind of step comes back from JSON as it was. */
static void test_step_json(void) {
        g_autoptr(Snapshot) host = host_igb(2);
        for (unsigned kind = 0; kind < STEP_KINDS; kind++) {
                g_autoptr(Step) step = step_new((StepKind) kind, (PciAddr) {0, 1, 0x10, 2}, "because");
                step->pf = (PciAddr) {0, 1, 0, 0};
                step->vf_index = 1;
                step->netdev = g_strdup("enp1s0");
                step->mask = VF_MAC | VF_TRUST;
                step->from.number = 7;
                step->from.driver = g_strdup("igbvf");
                step->to.driver = g_strdup("vfio-pci");
                step->to.driver_override = g_strdup("vfio-pci");
                step->to.text = g_strdup("id");
                step->to.vf = (VfState) {.known = VF_MAC | VF_TRUST, .mac = {2, 1}, .trust = true};
                step->from.vf = (VfState) {.known = VF_MAC | VF_TRUST};
                step->to.lease = some_lease(host, host_vf(host, 1));
                step->disturbs = g_strdup("web1");
                step->guest = g_strdup("qemu:web1");
                if (kind == STEP_NETWORK || kind == STEP_HOLD)
                        step->network = g_strdup("libvirt:passthrough");
                if (kind == STEP_GUEST)
                        step->xml = g_strdup("<hostdev/>");
                if (kind == STEP_FILE || kind == STEP_BOOT) {
                        step->path = g_strdup("etc/x");
                        step->words = g_strsplit("iommu=pt quiet", " ", -1);
                        step->argv = g_strsplit("/usr/sbin/update-grub -v", " ", -1);
                        step->from.text = g_strdup("");
                }

                json_t *json = step_to_json(step);
                g_autoptr(GError) error = NULL;
                g_autoptr(Step) back = step_from_json(json, &error);
                g_assert_no_error(error);
                json_t *again = step_to_json(back);
                g_assert_true(json_equal(json, again));
                if (kind != STEP_RESET) {
                        g_assert_true(fact_equal(step, &step->to, &back->to));
                        g_assert_true(fact_equal(step, &step->from, &back->from));
                        g_assert_true(kind == STEP_RESET || !fact_equal(step, &step->from, &step->to));
                }
                g_assert_cmpstr(back->network, ==, step->network);
                g_assert_cmpstr(back->xml, ==, step->xml);
                g_autofree char *said = step_describe(step), *said_back = step_describe(back);
                g_assert_cmpstr(said_back, ==, said);
                json_object_set_new(json, "kind", json_string("dance"));
                g_assert_null(step_from_json(json, &error));
                json_decref(json);
                json_decref(again);
        }
}

/* The kinds that are about a service: in people's words, and what counts as the same. */
static void test_service_steps(void) {
        static const struct {
                StepKind kind;
                const char *from, *to, *says;
        } cases[] = {
                {STEP_DEFINED, NULL, "<hostdev/>", "0000:01:10.0: into the definition of libvirt:web1"},
                {STEP_DEFINED, "<hostdev/>", NULL, "0000:01:10.0: out of the definition of libvirt:web1"},
                {STEP_HOLD, NULL, HOSTDEV_HOLDER, "0000:01:10.0: kept out of libvirt's network passthrough"},
                {STEP_HOLD, HOSTDEV_HOLDER, NULL, "0000:01:10.0: no longer kept out of libvirt's network passthrough"},
                {STEP_HOLD, HOSTDEV_HOLDER, HOSTDEV_HOLDER, "0000:01:10.0: still kept out of libvirt's network passthrough"},
                {STEP_NETWORK, NULL, "active managed 0000:01:10.0", "network passthrough: make (active managed 0000:01:10.0)"},
                {STEP_NETWORK, "active managed 0000:01:10.0", NULL, "network passthrough: take away"},
                {STEP_NETWORK, "active", "inactive", "network passthrough: active → inactive"},
                {STEP_NETWORK, "inactive", "active pf=e 00:01.0 00:02.0 00:03.0 00:04.0 00:05.0", "network passthrough: inactive → active pf=e (5 VFs)"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Step) step = step_new(cases[i].kind, (PciAddr) {0, 1, 0x10, 0}, NULL);
                step->guest = g_strdup("libvirt:web1");
                step->network = cases[i].kind == STEP_DEFINED ? NULL : g_strdup("libvirt:passthrough");
                step->from.text = g_strdup(cases[i].from);
                step->to.text = g_strdup(cases[i].to);
                g_autofree char *says = step_describe(step);
                g_assert_cmpstr(says, ==, cases[i].says);
                g_assert_cmpint(step_is_of_host(step), ==, cases[i].kind == STEP_NETWORK);
                g_assert_cmpint(step_outlives_reboot(step), ==, cases[i].kind != STEP_HOLD);
        }
        g_autoptr(Step) any = step_new(STEP_DEFINED, (PciAddr) {0}, NULL);
        any->guest = g_strdup("libvirt:web1");
        any->network = g_strdup("libvirt:passthrough");
        any->to.text = g_strdup("<interface/>");
        g_autofree char *says = step_describe(any);
        g_assert_cmpstr(says, ==, "a VF of passthrough: into the definition of libvirt:web1");
        Fact none = {0}, other = {.text = (char *) "<hostdev managed='yes'/>"};
        g_assert_true(fact_equal(any, &any->to, &other));
        g_assert_false(fact_equal(any, &any->to, &none));

        /* A network without a service is none that could be found again. */
        g_autoptr(Step) bad = step_new(STEP_HOLD, (PciAddr) {0, 1, 0x10, 0}, NULL);
        bad->network = g_strdup("passthrough");
        json_t *json = step_to_json(bad);
        g_autoptr(Step) back = step_from_json(json, NULL);
        g_assert_null(back);
        json_decref(json);
}

/* A lease that goes on for longer or shorter is another fact, and says so. */
static void test_lease_goes_on(void) {
        g_autoptr(Snapshot) host = host_igb(2);
        g_autoptr(Step) step = step_new(STEP_LEASE, (PciAddr) {0, 1, 0x10, 2}, NULL);
        step->from.lease = some_lease(host, host_vf(host, 1));
        step->from.lease->config = true;
        step->to.lease = lease_copy(step->from.lease);
        g_assert_true(fact_equal(step, &step->from, &step->to));
        step->to.lease->pid = 0;
        g_assert_false(fact_equal(step, &step->from, &step->to));
        g_autofree char *says = step_describe(step);
        g_assert_nonnull(strstr(says, "running and by its definition → leased to qemu:web \"1\", by its definition"));
        step->to.lease->config = false;
        g_autofree char *until = fact_describe(step, &step->to);
        g_assert_nonnull(strstr(until, "until it ends"));
}

static void test_own_driver(void) {
        g_autoptr(Step) step = step_new(STEP_DRIVER, (PciAddr) {0}, NULL);
        step->to.driver = g_strdup(DRIVER_OWN);
        Fact none = {0}, native = {.driver = (char *) "igbvf"}, vfio = {.driver = (char *) "vfio-pci"}, held = {.driver = (char *) "igbvf", .driver_override = (char *) "x"};
        g_assert_true(fact_equal(step, &none, &step->to));
        g_assert_true(fact_equal(step, &step->to, &native));
        g_assert_false(fact_equal(step, &vfio, &step->to));
        Fact pciback = {.driver = (char *) "pciback"};
        g_assert_false(fact_equal(step, &pciback, &step->to) || fact_equal(step, &step->to, &pciback));
        g_assert_true(driver_is_xen("pciback") && driver_is_xen("xen-pciback") && !driver_is_xen("pci-stub") && !driver_is_xen(NULL));
        g_assert_false(fact_equal(step, &held, &step->to));
}

static void test_nic(void) {
        g_assert_null(nic_driver("e1000e"));
        g_assert_null(nic_driver(NULL));
        const NicDriver *igb = nic_driver("igb");
        g_assert_nonnull(igb);
        g_assert_false(igb->accepts & VF_LINK);
        g_autofree char *text = nic_accepts_text(igb);
        g_assert_cmpstr(text, ==, "mac, vlan, spoofchk, trust, max-rate");
}

static void test_representors(void) {
        static const char *const ports[] = {"", "p0", "p12", "p0s1"};
        static const char *const representors[] = {"pf0", "pf0vf1", "c1pf0vf3", "pf0sf8", "p0v"};
        g_assert_false(port_name_is_representor(NULL));
        for (size_t i = 0; i < G_N_ELEMENTS(ports); i++)
                g_assert_false(port_name_is_representor(ports[i]));
        for (size_t i = 0; i < G_N_ELEMENTS(representors); i++)
                g_assert_true(port_name_is_representor(representors[i]));
}

/* Every user of a lease prints its guest. */
static void test_lease_of_nobody(void) {
        g_autoptr(Lease) lease = lease_new();
        g_autoptr(GError) error = NULL;
        lease->guest = g_strdup("qemu:\xff"); /* cannot be written as JSON */
        json_t *json = lease_to_json(lease);
        g_assert_null(lease_from_json(json, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        json_decref(json);
}

/* Nobody tells whether a function is assignable: what is read equals neither side. */
static void test_assignable(void) {
        g_autoptr(Step) step = step_new(STEP_ASSIGNABLE, (PciAddr) {0, 1, 0x10, 0}, NULL);
        const Fact unknown = {.number = -1};
        g_autoptr(GError) error = NULL;

        step->to.number = 1;
        step->to.text = g_strdup("igbvf");
        g_assert_cmpstr(step_kind_word(step->kind), ==, "assignable");
        g_assert_false(step_is_of_host(step) || step_outlives_reboot(step));
        g_assert_false(fact_equal(step, &unknown, &step->to) || fact_equal(step, &unknown, &step->from) || fact_equal(step, &step->from, &step->to));
        json_t *json = step_to_json(step);
        g_autoptr(Step) back = step_from_json(json, &error);
        g_assert_no_error(error);
        g_assert_cmpint(back->to.number, ==, 1);
        g_assert_cmpstr(back->to.text, ==, "igbvf");
        g_assert_cmpint(back->from.number, ==, 0);
        g_assert_null(back->from.text);
        json_object_del(json_object_get(json, "to"), "assignable");
        g_assert_null(step_from_json(json, &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_LEDGER);
        json_decref(json);
        g_autofree char *on = step_describe(step);
        g_assert_cmpstr(on, ==, "0000:01:10.0: assignable to Xen's guests, its DMA kept from dom0");
        step->to.number = 0;
        g_autofree char *off = step_describe(step);
        g_assert_cmpstr(off, ==, "0000:01:10.0: its DMA back to dom0, no longer assignable");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/model/address", test_address);
        g_test_add_func("/model/vf-words", test_vf_words);
        g_test_add_func("/model/vf-diff", test_vf_diff);
        g_test_add_func("/model/find", test_find);
        g_test_add_func("/model/representors", test_representors);
        g_test_add_func("/model/lease", test_lease);
        g_test_add_func("/model/lease-of-nobody", test_lease_of_nobody);
        g_test_add_func("/model/step-json", test_step_json);
        g_test_add_func("/model/service-steps", test_service_steps);
        g_test_add_func("/model/lease-goes-on", test_lease_goes_on);
        g_test_add_func("/model/own-driver", test_own_driver);
        g_test_add_func("/model/nic", test_nic);
        g_test_add_func("/model/assignable", test_assignable);
        return g_test_run();
}
