/* Text and JSON of lists, devices, plans and leases, on a host built by hand. */
#include "base/error.h"
#include "base/parse.h"
#include "show/show.h"

#include <locale.h>
#include <string.h>

static PciAddr addr(const char *text) {
        PciAddr result;
        g_assert_true(pci_addr_parse(text, &result));
        return result;
}

static Dev *add_dev(Snapshot *host, const char *name, uint32_t class_code, const char *driver, const char *parent, int group) {
        Dev *dev = dev_new(addr(name));
        dev->vendor = 0x8086;
        dev->device = 0x10c9;
        dev->class_code = class_code;
        dev->driver = g_strdup(driver);
        dev->iommu_group = group;
        dev->numa_node = 0;
        if (parent) {
                dev->has_parent = true;
                dev->parent = addr(parent);
        }
        snapshot_add(host, dev);
        return dev;
}

static NetDev *add_net(Dev *dev, const char *name, const char *mac, bool up) {
        NetDev *net = net_dev_new(name);
        g_assert_true(parse_mac(mac, net->mac));
        net->up = net->carrier = up;
        g_ptr_array_add(dev->nets, net);
        return net;
}

static void add_vf(Snapshot *host, Dev *pf, const char *name, const char *driver, int group) {
        Dev *vf = add_dev(host, name, 0x020000, driver, "0000:00:02.0", group);
        vf->device = 0x10ca;
        vf->is_vf = true;
        vf->pf = pf->addr;
        vf->vf_index = pf->vfs->len;
        vf->path = g_strdup("pci0000:00/0000:00:02.0/vf");
        g_array_append_val(pf->vfs, vf->addr);
        pf->num_vfs = pf->vfs->len;
}

static void add_state(Dev *pf, const char *mac, uint16_t vlan, bool missing) {
        VfInfo info = {.index = pf->vf_infos->len, .missing = missing};
        info.state.known = VF_MAC | VF_VLAN | VF_SPOOFCHK | VF_TRUST;
        g_assert_true(parse_mac(mac, info.state.mac));
        info.state.vlan = vlan;
        info.state.proto = VLAN_PROTO_8021Q;
        info.state.spoofchk = true;
        g_array_append_val(pf->vf_infos, info);
}

static void add_pf_facts(Dev *pf) {
        pf->is_pf = true;
        pf->total_vfs = 7;
        pf->autoprobe = true;
        pf->vfs = g_array_new(FALSE, FALSE, sizeof(PciAddr));
        pf->vf_infos = g_array_new(FALSE, FALSE, sizeof(VfInfo));
        pf->path = g_strdup("pci0000:00/0000:00:02.0/0000:01:00.0");
        pf->reset_methods = g_strsplit("flr,bus", ",", -1);
        pf->has_caps = true;
        pf->caps = (PciCaps) {.length = 4096, .pcie_type = PCIE_ENDPOINT, .flr = true, .msix_vectors = 10, .has_sriov = true,
                              .sriov_total = 8, .sriov_initial = 8, .sriov_num = 3, .sriov_vf_device = 0x10ca,
                              .sriov_offset = 128, .sriov_stride = 2, .sriov_page_size = 1, .sriov_enabled = true};
}

static void add_port_facts(Dev *port, unsigned acs) {
        port->has_caps = true;
        port->caps = (PciCaps) {.length = 4096, .header_type = 1, .pcie_type = PCIE_ROOT_PORT, .has_acs = true,
                                .acs_cap = 0x5f, .acs_ctrl = (uint16_t) acs, .ari_forwarding = true};
}

/* A root port with an 82576 below it: VF 0 with a driver of the host, VF 1 leased to a guest, VF 2 in reset; a disk. */
static Snapshot *make_host(void) {
        Snapshot *host = snapshot_new();
        add_port_facts(add_dev(host, "0000:00:02.0", 0x060400, "pcieport", NULL, 1), ACS_SV | ACS_RR | ACS_CR | ACS_UF);
        Dev *disk = add_dev(host, "0000:00:03.0", 0x010802, "nvme", NULL, 2);
        g_ptr_array_add(disk->blocks, g_strdup("nvme0n1"));
        dev_add_use(disk, USE_HOST, g_strdup("mounted on /"), 0, NULL);
        Dev *pf = add_dev(host, "0000:01:00.0", 0x020000, "igb", "0000:00:02.0", 14);
        add_pf_facts(pf);
        g_ptr_array_add(add_net(pf, "enp1s0", "02:00:00:00:00:aa", true)->addresses, g_strdup("10.0.0.3/24"));
        dev_add_use(pf, USE_NETWORK, g_strdup("enp1s0 is up with 10.0.0.3/24"), 0, NULL);
        add_vf(host, pf, "0000:01:10.0", "igbvf", 15);
        add_vf(host, pf, "0000:01:10.2", "vfio-pci", 16);
        add_vf(host, pf, "0000:01:10.4", NULL, 17);
        add_state(pf, "00:00:00:00:00:00", 0, false);
        add_state(pf, "02:00:00:00:00:01", 42, false);
        add_state(pf, "00:00:00:00:00:00", 0, true);
        host->has_iommu = true;
        host->intremap = INTREMAP_ON;
        snapshot_seal(host);
        Dev *vf0 = (Dev *) snapshot_get(host, addr("0000:01:10.0"));
        add_net(vf0, "enp1s0v0", "02:00:00:00:00:b0", false);
        Dev *vf1 = (Dev *) snapshot_get(host, addr("0000:01:10.2"));
        vf1->driver_override = g_strdup("vfio-pci");
        dev_add_use(vf1, USE_PROCESS, g_strdup("guest web1 (qemu, pid 812)"), 812, "web1");
        g_ptr_array_add(host->notes, g_strdup("config space beyond 64 bytes needs root"));
        return host;
}

static GPtrArray *make_leases(const Snapshot *host) {
        GPtrArray *leases = g_ptr_array_new_with_free_func((GDestroyNotify) lease_free);
        Lease *lease = lease_new();
        lease_identify(lease, host, snapshot_get(host, addr("0000:01:10.2")));
        lease->id = 12;
        lease->guest = g_strdup("qemu:web1");
        lease->pid = 812;
        lease->created = 86400;
        lease->saved_driver = g_strdup("igbvf");
        lease->given.known = VF_MAC | VF_VLAN;
        g_assert_true(parse_mac("02:00:00:00:00:01", lease->given.mac));
        lease->given.vlan = 42;
        g_ptr_array_add(leases, lease);
        return leases;
}

static char *list_text(const ShowContext *context, const ShowList *list, const char *words) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) columns = show_columns_parse(words, show_columns_list, &error);
        g_assert_no_error(error);
        return show_list_text(context, list, columns);
}

static void test_list(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(GPtrArray) leases = make_leases(host);
        g_autoptr(ShowContext) context = show_context_new(host, leases);
        g_autofree char *text = list_text(context, &(ShowList) {0}, NULL);

        g_assert_cmpstr(text, ==,
"DEVICE   BDF          DRIVER   NETDEV   MAC               VLAN GROUP NUMA VFS USED-BY\n"
"enp1s0   0000:01:00.0 igb      enp1s0   02:00:00:00:00:aa    -    14    0 3/7 enp1s0 is up with 10.0.0.3/24\n"
"enp1s0/0 0000:01:10.0 igbvf    enp1s0v0 02:00:00:00:00:b0    0    15    0   - -\n"
"enp1s0/1 0000:01:10.2 vfio-pci -        02:00:00:00:00:01   42    16    0   - leased to qemu:web1 (#12)\n"
"enp1s0/2 0000:01:10.4 -        -        -                    -    17    0   - -\n");
}

static void test_list_tree(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        g_autofree char *text = list_text(context, &(ShowList) {.all = true, .tree = true}, "bdf,class,trust,state");

        g_assert_cmpstr(text, ==,
"BDF              CLASS      TRUST STATE\n"
"0000:00:02.0     pci-bridge -     -\n"
"`-0000:01:00.0   ethernet   -     -\n"
"  |-0000:01:10.0 ethernet   off   mac=00:00:00:00:00:00 vlan=0 trust=off spoofchk=on\n"
"  |-0000:01:10.2 ethernet   off   mac=02:00:00:00:00:01 vlan=42 trust=off spoofchk=on\n"
"  `-0000:01:10.4 ethernet   -     -\n"
"0000:00:03.0     nvme       -     -\n");
}

static void test_list_named_and_orphans(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        g_autoptr(GPtrArray) named = g_ptr_array_new();
        g_ptr_array_add(named, (void *) snapshot_get(host, addr("0000:01:10.4")));
        g_ptr_array_add(named, (void *) snapshot_get(host, addr("0000:00:03.0")));
        g_autofree char *text = list_text(context, &(ShowList) {.named = named}, "BDF");
        g_assert_cmpstr(text, ==, "BDF\n0000:00:03.0\n0000:01:10.4\n");

        /* A VF that its PF no longer lists is still shown. */
        Dev *pf = (Dev *) snapshot_get(host, addr("0000:01:00.0"));
        g_array_set_size(pf->vfs, 1);
        g_autofree char *orphan = list_text(context, &(ShowList) {.tree = true}, "BDF");
        g_assert_cmpstr(orphan, ==, "BDF\n0000:01:00.0\n|-0000:01:10.0\n|-0000:01:10.2\n`-0000:01:10.4\n");
}

/* A recorded host may lie: two bridges above each other. */
static void test_tree_with_a_loop(void) {
        g_autoptr(Snapshot) host = make_host();
        Dev *port = (Dev *) snapshot_get(host, addr("0000:00:02.0"));
        port->has_parent = true;
        port->parent = addr("0000:01:00.0");
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        g_autofree char *text = list_text(context, &(ShowList) {.all = true, .tree = true}, "BDF");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, 8); /* heading, six devices, the end */
        g_autofree char *shown = show_device_text(context, port);
        g_assert_nonnull(strstr(shown, "0000:00:02.0"));
}

static void test_columns_parse(void) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) added = show_columns_parse("+slot,LIBVIRT", "BDF,DRIVER", &error);
        g_assert_no_error(error);
        g_assert_cmpuint(added->len, ==, 4);
        g_assert_cmpuint(show_columns_need(added), ==, 0);
        g_autoptr(GArray) needy = show_columns_parse("vlan,used-by,name", "BDF", &error);
        g_assert_cmpuint(show_columns_need(needy), ==, SHOW_NEEDS_EVERYTHING);
        g_assert_null(show_columns_parse("BDF,", "BDF", &error));
        g_assert_error(error, VFADM_ERROR, VFADM_ERROR_USAGE);
        g_clear_error(&error);
        g_assert_null(show_columns_parse("BDF,NO\033PE", "BDF", &error));
        g_assert_cmpstr(error->message, ==, "-o: there is no column 'NO?PE'; 'vfadm help list' names them");
}

static void test_list_json(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(GPtrArray) leases = make_leases(host);
        g_autoptr(ShowContext) context = show_context_new(host, leases);
        json_t *json = show_list_json(context, &(ShowList) {0});
        json_t *devices = json_object_get(json, "devices");

        g_assert_cmpuint(json_array_size(devices), ==, 4);
        g_assert_cmpstr(json_string_value(json_array_get(json_object_get(json, "notes"), 0)), ==,
                        "config space beyond 64 bytes needs root");
        json_t *pf = json_array_get(devices, 0), *vf = json_array_get(devices, 2);
        g_assert_cmpint(json_integer_value(json_object_get(json_object_get(pf, "vfs"), "total")), ==, 7);
        g_assert_true(json_is_null(json_object_get(pf, "vlan")));
        g_assert_true(json_is_null(json_object_get(pf, "slot")));
        g_assert_cmpint(json_integer_value(json_object_get(vf, "vlan")), ==, 42);
        g_assert_true(json_is_false(json_object_get(vf, "trust")));
        g_assert_cmpstr(json_string_value(json_object_get(vf, "pf")), ==, "0000:01:00.0");
        g_assert_cmpint(json_integer_value(json_object_get(json_object_get(vf, "lease"), "id")), ==, 12);
        g_assert_cmpuint(json_array_size(json_object_get(vf, "used_by")), ==, 2);
        g_assert_cmpstr(json_string_value(json_object_get(json_object_get(vf, "id"), "device")), ==, "10ca");
        json_decref(json);
}

static void test_hostile_text(void) {
        g_autoptr(Snapshot) host = make_host();
        Dev *disk = (Dev *) snapshot_get(host, addr("0000:00:03.0"));
        disk->slot = g_strdup("\xff\033[2Jx\ny");
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        json_t *json = show_device_json(context, disk);
        g_autofree char *dump = json_dumps(json, JSON_COMPACT);
        g_assert_nonnull(strstr(dump, "\"slot\":\"\xef\xbf\xbd\\u001B[2Jx\\ny\""));
        json_decref(json);
        g_autofree char *text = show_device_text(context, disk);
        g_assert_nonnull(strstr(text, "slot          \xef\xbf\xbd?[2Jx?y\n"));
        g_autofree char *table = list_text(context, &(ShowList) {.all = true}, "BDF,SLOT");
        g_assert_null(strchr(table, '\033'));
        g_auto(GStrv) lines = g_strsplit(table, "\n", -1);
        g_assert_cmpuint(g_strv_length(lines), ==, 8);
}

static void test_narrow(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        g_autofree char *text = list_text(context, &(ShowList) {.width = 30}, "BDF,USED-BY");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        for (char **line = lines; *line; line++)
                g_assert_cmpuint(strlen(*line), <=, 30);
        g_assert_cmpstr(lines[1], ==, "0000:01:00.0 enp1s0 is up with");
}

static void has_line(const char *text, const char *line) {
        g_autofree char *whole = g_strdup_printf("\n%s\n", line);
        if (!strstr(text, whole))
                g_error("no line '%s' in:\n%s", line, text);
}

static void test_device_pf(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        g_autofree char *text = show_device_text(context, snapshot_get(host, addr("0000:01:00.0")));

        g_assert_true(g_str_has_prefix(text, "enp1s0 (0000:01:00.0): PF\n"));
        has_line(text, "  network       enp1s0: up, MAC 02:00:00:00:00:aa, 10.0.0.3/24");
        has_line(text, "  on            3 of 7");
        has_line(text, "  driver takes  igb: mac, vlan, spoofchk, trust, max-rate");
        has_line(text, "  below         0000:00:02.0 root port, forwards ARI, ACS on: SV RR CR UF");
        has_line(text, "  group         14: alone in it");
        has_line(text, "  resets        flr, bus");
        has_line(text, "  SR-IOV        on, 3 VFs of 8 (initially 8), VF device id 10ca");
        has_line(text, "  MSI-X         10 vectors");
        has_line(text, "  interrupts    remapping is on");
}

static void test_device_vf(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(GPtrArray) leases = make_leases(host);
        g_autoptr(ShowContext) context = show_context_new(host, leases);
        const Dev *vf = snapshot_get(host, addr("0000:01:10.2"));
        g_autofree char *text = show_device_text(context, vf);

        g_assert_true(g_str_has_prefix(text, "enp1s0/1 (0000:01:10.2): VF 1 of 0000:01:00.0\n"));
        has_line(text, "                only vfio-pci may bind (driver_override)");
        has_line(text, "  used by       guest web1 (qemu, pid 812)");
        has_line(text, "  lease         #12 to qemu:web1 since 1970-01-02 00:00:00");
        has_line(text, "                before: driver igbvf");
        has_line(text, "  mac           02:00:00:00:00:01");
        has_line(text, "  vlan          42");
        has_line(text, "  others        not read");

        json_t *json = show_device_json(context, vf);
        g_assert_cmpstr(json_string_value(json_object_get(json_object_get(json, "lease"), "saved_driver")), ==, "igbvf");
        g_assert_true(json_is_null(json_object_get(json, "capabilities")));
        g_assert_cmpstr(json_string_value(json_object_get(json_object_get(json, "pf_driver"), "driver")), ==, "igb");
        g_assert_cmpuint(json_array_size(json_object_get(json, "bridges")), ==, 1);
        json_decref(json);

        g_autofree char *resetting = show_device_text(context, snapshot_get(host, addr("0000:01:10.4")));
        has_line(resetting, "  state         the kernel leaves it out now: the VF is in reset; ask again");
}

static void test_device_shared_group(void) {
        g_autoptr(Snapshot) host = make_host();
        ((Dev *) snapshot_get(host, addr("0000:00:03.0")))->iommu_group = 14;
        add_port_facts((Dev *) snapshot_get(host, addr("0000:00:02.0")), ACS_SV);
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        g_autofree char *text = show_device_text(context, snapshot_get(host, addr("0000:01:00.0")));

        has_line(text, "                0000:00:03.0 nvme, driver nvme, mounted on /");
        has_line(text, "  below         0000:00:02.0 root port, forwards ARI, ACS on: SV; off: RR CR UF, so it does not keep devices apart");
        host->has_iommu = false;
        ((Dev *) snapshot_get(host, addr("0000:01:00.0")))->iommu_group = -1;
        g_autofree char *without = show_device_text(context, snapshot_get(host, addr("0000:01:00.0")));
        g_assert_nonnull(strstr(without, "this host has no IOMMU switched on"));
}

/* VF 0 waits for a guest of Xen's, VF 1 is with one, which may write all of it. */
static void make_dom0(Snapshot *host) {
        static const char *const vfs[] = {"0000:01:10.0", "0000:01:10.2"};

        host->xen_dom0 = true;
        host->has_iommu = false;
        host->intremap = INTREMAP_OFF; /* what dom0 sees of interrupts says nothing of Xen's */
        for (unsigned i = 0; i < 2; i++) {
                Dev *vf = (Dev *) snapshot_get(host, addr(vfs[i]));
                g_free(vf->driver);
                vf->driver = g_strdup("pciback");
                vf->iommu_group = -1;
                g_ptr_array_set_size(vf->nets, 0);
                g_ptr_array_set_size(vf->uses, 0);
                vf->permissive = i == 1;
                if (i)
                        dev_add_use(vf, USE_GUEST, g_strdup("xen:web1 (domain 3)"), 0, "web1");
        }
}

static void test_list_on_dom0(void) {
        g_autoptr(Snapshot) host = make_host();
        make_dom0(host);
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        g_autofree char *text = list_text(context, &(ShowList) {0}, "BDF,DRIVER,USED-BY");

        g_assert_cmpstr(text, ==,
"BDF          DRIVER  USED-BY\n"
"0000:01:00.0 igb     enp1s0 is up with 10.0.0.3/24\n"
"0000:01:10.0 pciback assignable to Xen guests\n"
"0000:01:10.2 pciback xen:web1 (domain 3)\n"
"0000:01:10.4 -       -\n");

        json_t *json = show_list_json(context, &(ShowList) {0}), *devices = json_object_get(json, "devices");
        g_assert_cmpuint(json_array_size(json_object_get(json_array_get(devices, 1), "used_by")), ==, 0);
        json_t *use = json_array_get(json_object_get(json_array_get(devices, 2), "used_by"), 0);
        g_assert_cmpstr(json_string_value(json_object_get(use, "kind")), ==, "guest");
        g_assert_cmpstr(json_string_value(json_object_get(use, "guest")), ==, "web1");
        g_assert_cmpstr(json_string_value(json_object_get(use, "what")), ==, "xen:web1 (domain 3)");
        g_assert_true(json_is_null(json_object_get(use, "pid")));
        json_decref(json);

        /* A driver of that name where Xen is not below keeps nothing for guests. */
        host->xen_dom0 = false;
        g_autofree char *without = list_text(context, &(ShowList) {0}, "BDF,USED-BY");
        g_assert_null(strstr(without, "assignable"));
}

static void xen_is(const ShowContext *context, const char *name, const char *expected) {
        json_t *json = show_device_json(context, snapshot_get(context->host, addr(name)));
        char *text = json_dumps(json_object_get(json, "xen"), JSON_ENCODE_ANY | JSON_SORT_KEYS);

        g_assert_cmpstr(text, ==, expected);
        free(text);
        json_decref(json);
}

static void test_device_on_dom0(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(ShowContext) native = show_context_new(host, NULL);
        xen_is(native, "0000:01:10.0", "null");
        g_autofree char *before = show_device_text(native, snapshot_get(host, addr("0000:01:10.0")));
        g_assert_null(strstr(before, "Xen"));

        make_dom0(host);
        g_autoptr(ShowContext) context = show_context_new(host, NULL);
        g_autofree char *waits = show_device_text(context, snapshot_get(host, addr("0000:01:10.0")));
        has_line(waits, "  assignable    yes, to any guest");
        has_line(waits, "  quarantine    not told by Xen; on after 'vfadm bind' and 'xl pci-assignable-add'");
        has_line(waits, "  permissive    no");
        has_line(waits, "  group         not to be seen on dom0: Xen itself guards devices; 'vfadm doctor' says whether it can");
        g_assert_null(strstr(waits, "remapping"));
        xen_is(context, "0000:01:10.0", "{\"assignable\": true, \"permissive\": false, \"quarantine\": null}");

        g_autofree char *given = show_device_text(context, snapshot_get(host, addr("0000:01:10.2")));
        has_line(given, "  used by       xen:web1 (domain 3)");
        has_line(given, "  assignable    yes, and given to xen:web1 (domain 3)");
        has_line(given, "  quarantine    not now: its DMA reaches the memory of that guest");
        has_line(given, "  permissive    yes: its guest may write all of its config space, which is unsafe");
        xen_is(context, "0000:01:10.2", "{\"assignable\": true, \"permissive\": true, \"quarantine\": false}");

        g_autofree char *hosts = show_device_text(context, snapshot_get(host, addr("0000:01:10.4")));
        has_line(hosts, "  assignable    no: dom0 has it; 'vfadm bind 0000:01:10.4 pciback' keeps it for guests");
        xen_is(context, "0000:01:10.4", "{\"assignable\": false, \"permissive\": null, \"quarantine\": null}");
        g_autofree char *port = show_device_text(context, snapshot_get(host, addr("0000:00:02.0")));
        g_assert_null(strstr(port, "assignable"));
}

/* Leased, and its guest is off: vfadm has asked for the quarantine. */
static void test_kept_on_dom0(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(GPtrArray) leases = make_leases(host);
        make_dom0(host);
        Dev *vf = (Dev *) snapshot_get(host, addr("0000:01:10.2"));
        g_ptr_array_set_size(vf->uses, 0);
        g_autoptr(ShowContext) context = show_context_new(host, leases);
        g_autofree char *text = show_device_text(context, vf);

        has_line(text, "  quarantine    on: its DMA is kept from dom0 (asked for with lease #12)");
        xen_is(context, "0000:01:10.2", "{\"assignable\": true, \"permissive\": true, \"quarantine\": true}");
        g_autofree char *list = list_text(context, &(ShowList) {0}, "USED-BY");
        g_assert_nonnull(strstr(list, "leased to qemu:web1 (#12)\n"));
}

static void test_plan(void) {
        g_autoptr(Plan) plan = plan_new("enable");
        plan->summary = g_strdup("enp1s0: 7 VFs on");
        Step *step = plan_add(plan, step_new(STEP_NUMVFS, addr("0000:01:00.0"), "as asked"));
        step->to.number = 7;
        step->disturbs = g_strdup("nobody \033[31m");
        plan_note(plan, "the PF is down");
        g_autofree char *text = show_plan_text(plan);
        g_assert_cmpstr(text, ==,
                        "enp1s0: 7 VFs on\n1. 0000:01:00.0: VFs 0 → 7\n   as asked\n   disturbs: nobody ?[31m\nnote: the PF is down\n");
        g_autofree char *before = show_progress(plan, 0, false, 0);
        g_autofree char *after = show_progress(plan, 0, true, 812345);
        g_assert_cmpstr(before, ==, "[1/1] 0000:01:00.0: VFs 0 → 7 … ");
        g_assert_cmpstr(after, ==, "ok (812 ms)");

        g_autoptr(Plan) refused = plan_new("enable");
        plan_refuse(refused, VFADM_ERROR_IN_USE, "enp1s0/1 is in use by web1");
        g_autofree char *no = show_plan_text(refused);
        g_assert_cmpstr(no, ==, "refused: enp1s0/1 is in use by web1\n");
        g_autoptr(Plan) empty = plan_new("enable");
        g_autofree char *nothing = show_plan_text(empty);
        g_assert_cmpstr(nothing, ==, "nothing to do: all is as asked\n");
}

static void test_duration(void) {
        static const struct {
                int64_t usec;
                const char *text;
        } table[] = {{0, "0.0 ms"},        {400, "0.4 ms"},     {9949, "9.9 ms"},    {9950, "10 ms"},
                     {999499, "999 ms"},   {999500, "1.0 s"},   {61240000, "61.2 s"}, {-5, "0.0 ms"}};
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                g_autofree char *text = show_duration(table[i].usec);
                g_assert_cmpstr(text, ==, table[i].text);
        }
}

static void test_leases(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(GPtrArray) leases = make_leases(host);
        bool lives[] = {false};
        g_autofree char *text = show_leases_text(host, leases, lives, 0);
        g_assert_cmpstr(text, ==,
"ID DEVICE   BDF          GUEST     NIC PID SCOPE STATE               SINCE               POOL GIVEN\n"
"12 enp1s0/1 0000:01:10.2 qemu:web1   0 812 live  active, holder gone 1970-01-02 00:00:00 -    mac=02:00:00:00:00:01 vlan=42\n");

        /* Another card at the same address is not the leased one. */
        ((Dev *) snapshot_get(host, addr("0000:01:10.2")))->device = 0x1515;
        json_t *json = show_leases_json(host, leases, NULL);
        json_t *lease = json_array_get(json_object_get(json, "leases"), 0);
        g_assert_true(json_is_false(json_object_get(lease, "device_there")));
        g_assert_true(json_is_null(json_object_get(lease, "holder_lives")));
        g_assert_true(json_is_null(json_object_get(lease, "device")));
        g_assert_true(json_is_string(json_object_get(lease, "address")));
        json_decref(json);
}

/* What stands in a definition goes on without a process. */
static void test_leases_of_definitions(void) {
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(GPtrArray) leases = make_leases(host);
        Lease *lease = leases->pdata[0];
        struct {
                int pid;
                bool lives;
                const char *scope;
        } table[] = {{812, true, "live+config"}, {812, false, "config"}, {0, false, "config"}};

        lease->config = true;
        lease->pool = g_strdup("fast");
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                lease->pid = table[i].pid;
                g_autofree char *text = show_leases_text(host, leases, &table[i].lives, 0);
                g_autofree char *expected = g_strdup_printf(" %s active 1970-01-02 00:00:00 fast mac=", table[i].scope);
                g_auto(GStrv) words = g_strsplit(text, " ", -1);
                g_autoptr(GString) single = g_string_new(NULL); /* columns are as wide as their widest cell */
                for (char **word = words; *word; word++)
                        if (**word)
                                g_string_append_printf(single, " %s", *word);
                g_assert_nonnull(strstr(single->str, expected));
                json_t *json = show_leases_json(host, leases, &table[i].lives);
                json_t *one = json_array_get(json_object_get(json, "leases"), 0);
                g_assert_cmpstr(json_string_value(json_object_get(one, "scope")), ==, table[i].scope);
                g_assert_cmpstr(json_string_value(json_object_get(one, "pool")), ==, "fast");
                g_assert_true(json_is_null(json_object_get(one, "holder_lives")) == (table[i].pid == 0));
                json_decref(json);
        }
}

/* A domain of Xen's has no process: whether it has its device only Xen's books tell, and perhaps nobody asked them. */
static void test_leases_of_domains(void) {
        static const struct {
                bool config, asked, lives;
                const char *scope, *state, *json;
        } table[] = {
                {false, true, true, "live", "active", "true"},         {false, true, false, "live", "active, holder gone", "false"},
                {true, true, true, "live+config", "active", "true"},   {true, true, false, "config", "active", "false"},
                {false, false, false, "live", "active", "null"},       {true, false, false, "config", "active", "null"},
        };
        g_autoptr(Snapshot) host = make_host();
        g_autoptr(GPtrArray) leases = make_leases(host);
        Lease *lease = leases->pdata[0];

        g_free(lease->guest);
        lease->guest = g_strdup("xen:web1");
        lease->pid = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
                const bool *lives = table[i].asked ? &table[i].lives : NULL;
                lease->config = table[i].config;
                g_autofree char *text = show_leases_text(host, leases, lives, 0);
                g_auto(GStrv) words = g_strsplit(text, " ", -1);
                g_autoptr(GString) single = g_string_new(NULL);
                for (char **word = words; *word; word++)
                        if (**word)
                                g_string_append_printf(single, " %s", *word);
                g_autofree char *expected = g_strdup_printf(" xen:web1 0 - %s %s 1970", table[i].scope, table[i].state);
                if (!strstr(single->str, expected))
                        g_error("no '%s' in '%s'", expected, single->str);
                json_t *json = show_leases_json(host, leases, lives);
                char *holder = json_dumps(json_object_get(json_array_get(json_object_get(json, "leases"), 0), "holder_lives"), JSON_ENCODE_ANY);
                g_assert_cmpstr(holder, ==, table[i].json);
                free(holder);
                json_decref(json);
        }
}

static void test_help_names_each_column(void) {
        g_autofree char *help = show_columns_help();
        g_auto(GStrv) words = g_strsplit(show_columns_list, ",", -1);
        for (char **word = words; *word; word++) {
                g_autofree char *line = g_strdup_printf("  %-9s ", *word);
                g_assert_nonnull(strstr(help, line));
        }
}

int main(int argc, char **argv) {
        g_setenv("TZ", "UTC", TRUE);
        setlocale(LC_ALL, "C");
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/show/list", test_list);
        g_test_add_func("/show/list-tree", test_list_tree);
        g_test_add_func("/show/list-named-and-orphans", test_list_named_and_orphans);
        g_test_add_func("/show/tree-with-a-loop", test_tree_with_a_loop);
        g_test_add_func("/show/columns-parse", test_columns_parse);
        g_test_add_func("/show/list-json", test_list_json);
        g_test_add_func("/show/hostile-text", test_hostile_text);
        g_test_add_func("/show/narrow", test_narrow);
        g_test_add_func("/show/device-pf", test_device_pf);
        g_test_add_func("/show/device-vf", test_device_vf);
        g_test_add_func("/show/device-shared-group", test_device_shared_group);
        g_test_add_func("/show/list-on-dom0", test_list_on_dom0);
        g_test_add_func("/show/device-on-dom0", test_device_on_dom0);
        g_test_add_func("/show/kept-on-dom0", test_kept_on_dom0);
        g_test_add_func("/show/leases-of-domains", test_leases_of_domains);
        g_test_add_func("/show/plan", test_plan);
        g_test_add_func("/show/duration", test_duration);
        g_test_add_func("/show/leases", test_leases);
        g_test_add_func("/show/leases-of-definitions", test_leases_of_definitions);
        g_test_add_func("/show/help-names-each-column", test_help_names_each_column);
        return g_test_run();
}
