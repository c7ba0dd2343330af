/* Configuration files: what they say, what is wrong with them and in which line, and what drop-ins do. */
#include "base/error.h"
#include "base/text.h"
#include "want/conf_file.h"

#include <string.h>

static const char path[] = "etc/vfadm/lan.conf", drop_in[] = "run/vfadm/lan.conf.d/10-more.conf";

/* Up to two texts; `second` may be NULL. */
static bool parse_as(const char *as, const char *first, const char *second, Conf *conf, GError **error) {
        const IniText texts[] = {{as, first, strlen(first)}, {drop_in, second, second ? strlen(second) : 0}};
        return conf_file_parse(texts, second ? 2 : 1, conf, error);
}

static Conf *parsed(const char *first, const char *second) {
        g_autoptr(GError) error = NULL;
        Conf *conf = conf_new();

        parse_as(path, first, second, conf, &error);
        g_assert_no_error(error);
        return conf;
}

static const ConfPf *only_pf(const Conf *conf) {
        g_assert_cmpuint(conf->pfs->len, ==, 1);
        return conf->pfs->pdata[0];
}

static void assert_vf(const ConfPf *pf, unsigned index, const char *expected) {
        VfState state;

        g_assert_nonnull(conf_vf(pf, index, &state));
        g_autofree char *text = vf_state_format(&state, VF_ALL);
        g_assert_cmpstr(text, ==, expected);
}

static void test_all_keys(void) {
        g_autoptr(Conf) conf = parsed("# LAN\n"
                                      "[Match]\n"
                                      "PermanentMACAddress=02-00-00-00-01-01 02:00:00:00:01:AB\n"
                                      "PermanentMACAddress=02:00:00:00:01:03\n"
                                      "Path=pci0000:00/*\nSlot=1 2-1\nDriver=igb i40*\nName=enp?s0\nAddress=01:00.0\n"
                                      "[PF]\n"
                                      "VFs=7\nAutoprobe=No\nUp=yes\nDrift=report\n"
                                      "[VF 4-*]\n"
                                      "Driver=Host\n"
                                      "[VF 0-3]\n"
                                      "; the guests'\n"
                                      "Driver = vfio\n"
                                      "MACAddress=02:00:00:00:02:FE+\n"
                                      "VLAN=42\nQoS=3\nProtocol=802.1ad\nTrust=on\nSpoofCheck=off\nMinRate=10\nMaxRate=100\n"
                                      "LinkState=auto\r\n"
                                      "[Pool p]\nPF=02:00:00:00:01:01",
                                      NULL);
        const ConfPf *pf = only_pf(conf);
        static const char *const first[MATCH_KINDS] = {"02:00:00:00:01:01", "pci0000:00/*", "1", "igb", "enp?s0", "0000:01:00.0"};
        static const unsigned n[MATCH_KINDS] = {3, 1, 2, 2, 1, 1};

        for (unsigned i = 0; i < MATCH_KINDS; i++) {
                g_assert_cmpuint(pf->match[i]->len, ==, n[i]);
                g_assert_cmpstr(pf->match[i]->pdata[0], ==, first[i]);
        }
        g_assert_cmpstr(pf->place.path, ==, path);
        g_assert_cmpuint(pf->place.line, ==, 2);
        g_assert_cmpint(pf->num_vfs, ==, 7);
        g_assert_cmpint(pf->autoprobe, ==, 0);
        g_assert_cmpint(pf->up, ==, 1);
        g_assert_true(pf->report_only);
        g_assert_cmpuint(pf->vfs->len, ==, 2); /* by number, not by line */
        const ConfVf *guests = pf->vfs->pdata[0], *rest = pf->vfs->pdata[1];
        g_assert_true(guests->first == 0 && guests->last == 3 && rest->first == 4 && rest->last == CONF_VF_LAST);
        g_assert_cmpstr(guests->driver, ==, "vfio");
        g_assert_cmpuint(guests->place.line, ==, 17);
        g_assert_cmpstr(rest->driver, ==, "host");
        assert_vf(pf, 0, "mac=02:00:00:00:02:fe vlan=42.3/802.1ad trust=on spoofchk=off link=auto min-rate=10 max-rate=100");
        assert_vf(pf, 2, "mac=02:00:00:00:03:00 vlan=42.3/802.1ad trust=on spoofchk=off link=auto min-rate=10 max-rate=100");
        assert_vf(pf, 6, "");
        g_assert_cmpuint(conf->pools->len, ==, 1);
        g_assert_cmpuint(conf->warnings->len, ==, 0);
}

static void test_defaults(void) {
        g_autoptr(Conf) conf = parsed("[Match]\nDriver=*\n[PF]\nVFs=ALL\n[VF 2]\nVLAN=0\n", NULL);
        const ConfPf *pf = only_pf(conf);

        g_assert_true(pf->num_vfs == CONF_ALL_VFS && pf->autoprobe == -1 && pf->up == -1 && !pf->report_only);
        g_assert_null(conf_vf(pf, 0, NULL));
        assert_vf(pf, 2, "vlan=0");
        g_assert_null(((const ConfVf *) pf->vfs->pdata[0])->driver);
        g_autoptr(Conf) nothing = parsed("# only a comment\n", NULL);
        g_assert_cmpuint(nothing->pfs->len + nothing->pools->len, ==, 0);
}

static void test_drop_in(void) {
        g_autoptr(Conf) conf = parsed("[Match]\nDriver=igb\nName=a\n[PF]\nVFs=4\nUp=yes\n[VF 0-3]\nVLAN=5\nTrust=on\n[Pool p]\nPF=a\nVFs=1\n",
                                      "[Match]\nName=\nDriver=ixgbe\n[PF]\nVFs=8\nUp=\n[VF 0-3]\nTrust=\nVLAN=6\nQoS=1\n[VF 4-7]\nDriver=none\n"
                                      "[Pool p]\nPF=b\nVFs=2-3\n");
        const ConfPf *pf = only_pf(conf);

        g_assert_cmpuint(pf->match[MATCH_DRIVER]->len, ==, 2); /* lists add up */
        g_assert_null(pf->match[MATCH_NAME]);                  /* an empty one begins anew */
        g_assert_cmpint(pf->num_vfs, ==, 8);                   /* others are the drop-in's */
        g_assert_cmpint(pf->up, ==, -1);
        assert_vf(pf, 1, "vlan=6.1");
        g_assert_cmpuint(pf->vfs->len, ==, 2);
        g_assert_cmpstr(((const ConfVf *) pf->vfs->pdata[1])->place.path, ==, drop_in);
        const Pool *pool = pools_find(conf->pools, "p");
        g_assert_true(pool->pfs->len == 2 && pool->first_vf == 2 && pool->last_vf == 3);
        g_assert_cmpstr(pool->path, ==, path);

        /* What the file lacks, a drop-in may have. */
        g_autoptr(Conf) late = parsed("[VF 0]\nQoS=2\n", "[Match]\nDriver=igb\n[VF 0]\nVLAN=3\n[PF]\nVFs=1\n");
        assert_vf(only_pf(late), 0, "vlan=3.2");
        g_assert_cmpstr(only_pf(late)->place.path, ==, drop_in);
        /* Empty ones within one file begin anew, too. */
        g_autoptr(Conf) anew = parsed("[Match]\nDriver=a\nDriver=\nDriver=b\n[PF]\nVFs=1\nVFs=\nVFs=2\n", NULL);
        g_assert_cmpuint(only_pf(anew)->match[MATCH_DRIVER]->len, ==, 1);
        g_assert_cmpint(only_pf(anew)->num_vfs, ==, 2);
}

#define M "[Match]\nDriver=igb\n"

static void test_errors(void) {
        static const char *const wrong[][2] = {
                {"VFs=3\n", "line 1: 'VFs=3' stands before the first [section]"},
                {M "[VFs]\n", "line 3: there is no section [VFs]; there are [Match], [PF], [VF], [Pool]"},
                {M "[pf]\n", "line 3: there is no section [pf]; there are [PF]"},
                {M "[PF 1]\n", "line 3: [PF 1]: [PF] has no name"},
                {M "[PF\n", "line 3: '[PF' is no section: ']' is missing"},
                {M "[PF]\nVF=3\n", "line 4: [PF] has no 'VF'; did you mean VFs?"},
                {M "[VF 0]\nMacAddress=x\n", "line 4: [VF] has no 'MacAddress'; did you mean MACAddress?"},
                {M "[VF 0]\nvlan=5\n", "line 4: [VF] has no 'vlan'; did you mean VLAN?"},
                {M "[PF]\nSwitchdev=yes\n", "line 4: [PF] has no 'Switchdev'; it has VFs, Autoprobe, Up, Drift"},
                {M "[PF]\nVFs\n", "line 4: 'VFs' is neither a section nor Key=value"},
                {M "[PF]\nVFs=3\nVFs=4\n", "line 5: VFs= is given twice, in line 4 too"},
                {M "[PF]\nVFs=-1\n", "line 4: VFs=-1: expected a number from 0 to 65535, or all"},
                {M "[PF]\nVFs=65536\n", "line 4: VFs=65536: expected"},
                {M "[PF]\nVFs=0x3\n", "line 4: VFs=0x3: expected"},
                {M "[PF]\nUp=no\n", "line 4: Up=no: expected yes; whether a PF goes down"},
                {M "[PF]\nAutoprobe=maybe\n", "line 4: Autoprobe=maybe: expected yes or no"},
                {M "[PF]\nDrift=ignore\n", "line 4: Drift=ignore: expected mend or report"},
                {M "[PF]\nVFs=1\n[PF]\nUp=yes\n", "line 5: [PF] is there already"},
                {M "[Match]\nDriver=ice\n", "line 3: [Match] is there already; one section holds all of it, and another PF's is"},
                {"[Match]\nPermanentMACAddress=00:00:00:00:00:00\n", "line 2: PermanentMACAddress=00"},
                {"[Match]\nPermanentMACAddress=03:00:00:00:00:01\n", "line 2: PermanentMACAddress=03"},
                {"[Match]\nPath=pci-0000:01:00.0\n", "line 2: Path=pci-0000:01:00.0: expected paths as pci0000:00/"},
                {"[Match]\nPath=/sys/devices\n", "line 2: Path=/sys/devices: expected"},
                {"[Match]\nSlot=a/b\n", "line 2: Slot=a/b: expected"},
                {"[Match]\nDriver=../x\n", "line 2: Driver=../x: expected"},
                {"[Match]\nName=averylonginterface\n", "line 2: Name=averylonginterface: expected"},
                {"[Match]\nAddress=01:00\n", "line 2: Address=01:00: expected PCI addresses as 0000:01:00.0"},
                {"[Match]\n", "line 1: [Match] asks for nothing; write Driver=*"},
                {"[Match]\nName=\n", "line 1: [Match] asks for nothing"},
                {"\n[PF]\nVFs=3\n", "line 2: this file has no [Match]"},
                {"[VF 0]\n", "line 1: this file has no [Match]"},
                {M "[VF]\n", "line 3: [VF ]: expected a VF's number, a range as 0-3 or 4-*, or * for all"},
                {M "[VF 3-1]\n", "line 3: [VF 3-1]: expected"},
                {M "[VF -3]\n", "line 3: [VF -3]: expected"},
                {M "[VF 0-65535]\n", "line 3: [VF 0-65535]: expected"},
                {M "[VF 0,2]\n", "line 3: [VF 0,2]: expected"},
                {M "[VF 0-3]\n[VF 3-4]\n", "line 4: [VF 3-4] overlaps [VF 0-3] in /etc/vfadm/lan.conf, line 3"},
                {M "[VF *]\n[VF 9]\n", "line 4: [VF 9] overlaps [VF *]"},
                {M "[VF 2-*]\n[VF 0-5]\n", "line 4: [VF 0-5] overlaps [VF 2-*]"},
                {M "[VF 1]\nTrust=on\n[VF 1]\n", "line 5: [VF 1] is there already"},
                {M "[PF]\nVFs=4\n[VF 4]\n", "line 5: [VF 4], but VFs=4: VFs are numbered from 0 to 3"},
                {M "[PF]\nVFs=4\n[VF 2-7]\n", "line 5: [VF 2-7], but VFs=4"},
                {M "[PF]\nVFs=4\n[VF 4-*]\n", "line 5: [VF 4-*], but VFs=4"},
                {M "[PF]\nVFs=0\n[VF 0]\n", "line 5: [VF 0], but VFs=0: there are none"},
                {M "[VF 0]\nDriver=a/b\n", "line 4: Driver=a/b: expected vfio, none, host or a driver's name"},
                {M "[VF 0]\nMACAddress=03:00:00:00:00:01\n", "line 4: MACAddress=03"},
                {M "[VF 0]\nMACAddress=00:00:00:00:00:00\n", "line 4: MACAddress=00"},
                {M "[VF 0]\nMACAddress=+\n", "line 4: MACAddress=+: expected"},
                {M "[VF 0-1]\nMACAddress=02:00:00:00:00:01\n", "line 3: MACAddress=02:00:00:00:00:01 for each VF of [VF 0-1]: write"},
                {M "[VF *]\nMACAddress=02:00:00:00:00:01\n", "line 3: MACAddress=02:00:00:00:00:01 for each VF of [VF *]"},
                {M "[VF 0-2]\nMACAddress=02:00:00:ff:ff:fe+\n", "line 3: MACAddress=02:00:00:ff:ff:fe+ runs out of addresses within [VF 0-2]"},
                {M "[VF 0-2]\nMACAddress=02:00:00:00:00:01+\n[VF 3]\nMACAddress=02:00:00:00:00:03\n",
                 "line 5: MAC 02:00:00:00:00:03 of [VF 3] is also given by [VF 0-2] in /etc/vfadm/lan.conf, line 3"},
                {"[Match]\nPermanentMACAddress=02:00:00:00:00:03\n[VF 0-2]\nMACAddress=02:00:00:00:00:01+\n",
                 "line 3: MAC 02:00:00:00:00:03 of [VF 0-2] is the PF's own"},
                {M "[VF 0]\nVLAN=4095\n", "line 4: VLAN=4095: expected"},
                {M "[VF 0]\nQoS=3\n", "line 4: QoS= and Protocol= are the VLAN's; write VLAN= too"},
                {M "[VF 0]\nVLAN=4\nVLAN=\nProtocol=802.1ad\n", "line 6: QoS= and Protocol= are the VLAN's"},
                {M "[VF 0]\nMinRate=11\nMaxRate=10\n", "line 3: MinRate=11 is above MaxRate=10"},
                {M "[VF 0]\nMSIX=8\n", "line 4: [VF] has no 'MSIX'; it has Driver, MACAddress, VLAN, QoS"},
                {M "[VF 0]\nLinkState=up\n", "line 4: LinkState=up: expected auto, on or off"},
                {M "[VF 0]\nTrust=on # as ever\n", "line 4: Trust=on # as ever: expected on or off"},
                {M "[VF 0]\nTrust=\033[31m\n", "line 4: Trust=\\033[31m: expected"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autoptr(Conf) conf = conf_new();
                g_autoptr(GError) error = NULL;
                g_assert_false(parse_as(path, wrong[i][0], NULL, conf, &error));
                g_assert_error(error, VFADM_ERROR, VFADM_ERROR_FAILED);
                if (!strstr(error->message, wrong[i][1]) || !g_str_has_prefix(error->message, "/etc/vfadm/lan.conf, line "))
                        g_error("%zu: '%s' is not in '%s'", i, wrong[i][1], error->message);
                g_assert_cmpuint(conf->pfs->len + conf->pools->len + conf->warnings->len, ==, 0);
        }
}

/* What is no fault, though it looks like one. */
static void test_right(void) {
        static const char *const right[] = {
                M "[PF]\nVFs=0\n[VF *]\nTrust=on\n",
                M "[PF]\nVFs=1\n[VF *]\nMACAddress=02:00:00:00:00:01\n",
                M "[PF]\nVFs=4\n[VF *]\nMACAddress=02:00:00:00:00:01+\n",
                M "[PF]\nVFs=4\n[VF 3-*]\nVLAN=1\n[VF 0-2]\nVLAN=1\n",
                M "[VF 0]\nMinRate=10\nMaxRate=0\n",
                M "[VF 0-1]\nMACAddress=02:00:00:ff:ff:fe+\n",
                "[Match]\nPath=*/0000:02:00.0\n",
                M "[PF]\nVFs=1\r\n\r\n   # blanks\n",
        };
        for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
                g_autoptr(Conf) conf = parsed(right[i], NULL);
                g_assert_cmpuint(conf->pfs->len, ==, 1);
        }
}

/* Errors in a drop-in name it, and those between it and its file name both. */
static void test_drop_in_errors(void) {
        static const char *const wrong[][2] = {
                {"[PF]\nVFs=x\n", "/run/vfadm/lan.conf.d/10-more.conf, line 2: VFs=x"},
                {"[PF]\nVFs=1\nVFs=2\n", "/run/vfadm/lan.conf.d/10-more.conf, line 3: VFs= is given twice, in line 2 too"},
                {"[VF 1-2]\n", "/run/vfadm/lan.conf.d/10-more.conf, line 1: [VF 1-2] overlaps [VF 0-3] in /etc/vfadm/lan.conf, line 5"},
                {"[Match]\nDriver=\n", "/etc/vfadm/lan.conf, line 1: [Match] asks for nothing"},
                {"[PF]\nVFs=2\n", "/etc/vfadm/lan.conf, line 5: [VF 0-3], but VFs=2"},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autoptr(Conf) conf = conf_new();
                g_autoptr(GError) error = NULL;
                g_assert_false(parse_as(path, M "[PF]\nVFs=4\n[VF 0-3]\nTrust=on\n", wrong[i][0], conf, &error));
                if (!g_str_has_prefix(error->message, wrong[i][1]))
                        g_error("%zu: '%s' is not '%s'", i, error->message, wrong[i][1]);
        }
}

static void test_across(void) {
        static const char *const wrong[][2] = {
                {"[Match]\nName=b\nName=a\nDriver=igb\n", "line 1: this [Match] is that of /etc/vfadm/lan.conf, line 1 too"},
                {"[Match]\nName=c\n[VF 0-9]\nMACAddress=02:00:00:00:00:05+\n",
                 "line 3: MAC 02:00:00:00:00:09 of [VF 0-9] is also given by [VF 1-*] in /etc/vfadm/lan.conf, line 6"},
                {"[Pool p]\nPF=a\n", "line 1: pool p is there already, in /etc/vfadm/lan.conf"},
        };
        g_autoptr(Conf) conf = parsed("[Match]\nDriver=igb\nName=a b\n[PF]\nVFs=4\n[VF 1-*]\nMACAddress=02:00:00:00:00:09+\n[Pool p]\nPF=x\n", NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autoptr(GError) error = NULL;
                g_assert_false(parse_as("etc/vfadm/wan.conf", wrong[i][0], NULL, conf, &error));
                if (!g_str_has_prefix(error->message, "/etc/vfadm/wan.conf, ") || !strstr(error->message, wrong[i][1]))
                        g_error("%zu: '%s' is not in '%s'", i, wrong[i][1], error->message);
                g_assert_cmpuint(conf->pfs->len, ==, 1);
                g_assert_cmpuint(conf->pools->len, ==, 1);
        }
        /* Next to them is beside them. */
        g_autoptr(GError) error = NULL;
        parse_as("etc/vfadm/wan.conf",
                 "[Match]\nName=a\nDriver=igb\n[PF]\nVFs=2\n[VF 0]\nMACAddress=02:00:00:00:00:08\n[VF 1]\nMACAddress=02:00:00:00:00:0c\n",
                 NULL, conf, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(conf->pfs->len, ==, 2);
}

static void test_warnings(void) {
        static const struct {
                const char *text, *warning;
        } cases[] = {
                {"[Match]\nAddress=01:00.0\n", "/etc/vfadm/lan.conf, line 1: Address= can become another card's"},
                {"\n[Match]\nAddress=01:00.0\nName=a\n", "/etc/vfadm/lan.conf, line 2: Name= can become another card's"},
                {"[Match]\nAddress=01:00.0\nDriver=igb\n", NULL},
                {"[Match]\nSlot=1\n", NULL},
                {M "[VF 0-3]\nTrust=on\n", "/etc/vfadm/lan.conf, line 3: [VF 0-3], but [PF] has no VFs="},
                {M "[PF]\nVFs=all\n[VF 0-3]\nTrust=on\n", NULL},
                {M "[PF]\nVFs=4\n[VF 0]\nVLAN=1\n[VF 1-3]\nMACAddress=02:00:00:00:00:01+\n",
                 "/etc/vfadm/lan.conf, line 7: MACAddress= where [Match] may fit several PFs"},
                {M "Path=pci0000:00/*\n[PF]\nVFs=4\n[VF 0]\nMACAddress=02:00:00:00:00:01\n",
                 "/etc/vfadm/lan.conf, line 6: MACAddress= where [Match] may fit several PFs"},
                {M "Path=pci0000:00/0000:00:02.0\n[PF]\nVFs=4\n[VF 0]\nMACAddress=02:00:00:00:00:01\n", NULL},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Conf) conf = parsed(cases[i].text, NULL);
                g_assert_cmpuint(conf->warnings->len, ==, cases[i].warning ? 1 : 0);
                if (cases[i].warning)
                        g_assert_true(g_str_has_prefix(conf->warnings->pdata[0], cases[i].warning));
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/conf-file/all-keys", test_all_keys);
        g_test_add_func("/conf-file/defaults", test_defaults);
        g_test_add_func("/conf-file/drop-in", test_drop_in);
        g_test_add_func("/conf-file/errors", test_errors);
        g_test_add_func("/conf-file/right", test_right);
        g_test_add_func("/conf-file/drop-in-errors", test_drop_in_errors);
        g_test_add_func("/conf-file/across", test_across);
        g_test_add_func("/conf-file/warnings", test_warnings);
        return g_test_run();
}
